//! What commands do with a deployment beside a plan: stop it, follow it, find out why its tasks stopped, and which image a name means.

use aws::{CallResult, Called, Context};
use aws_sdk_ecs::types::{DesiredStatus, ServiceDeploymentStatus, StopServiceDeploymentStopType, Task};
use engine::CallError;

use crate::resources::{self, deployment, pull};

/// A deployment that ECS is not done with, or was done with last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Its ARN.
    pub arn: String,
    /// Its status, as ECS spells it.
    pub status: String,
    /// Why it has that, if ECS says so.
    pub reason: Option<String>,
    /// Whether it has come to its end.
    pub is_over: bool,
    /// Whether it is going back, or has gone back, to what ran before.
    pub goes_back: bool,
    /// Whether it brought what it should have.
    pub succeeded: bool,
}

/// The last deployment of a service.
///
/// # Errors
/// As the call fails. A service that does not exist has none.
pub async fn last_rollout(cx: &Context, cluster: &str, service: &str) -> Result<Option<Rollout>, CallError> {
    let Some(latest) = deployment::latest(cx, cluster, service).await.if_exists()?.flatten() else {
        return Ok(None);
    };
    let status = latest.status().map_or("UNKNOWN", ServiceDeploymentStatus::as_str).to_owned();
    Ok(Some(Rollout {
        is_over: deployment::is_over(&latest),
        goes_back: deployment::has_failed(&latest),
        succeeded: latest.status() == Some(&ServiceDeploymentStatus::Successful),
        reason: latest.status_reason.filter(|reason| !reason.is_empty()),
        arn: latest.service_deployment_arn.unwrap_or_default(),
        status,
    }))
}

/// Tells ECS to go back to what ran before a deployment (ECS Developer Guide, "Stop an Amazon ECS service deployment"). One that has
/// come to its end before is left as it is: whoever asks looks at it again.
///
/// # Errors
/// As the call fails.
pub async fn roll_back(cx: &Context, deployment: &str) -> Result<(), CallError> {
    let request = resources::ecs(cx).stop_service_deployment().service_deployment_arn(deployment);
    let request = request.stop_type(StopServiceDeploymentStopType::Rollback);
    match request.send().await.called("StopServiceDeployment") {
        Err(error) if error.code.as_deref() != Some("ConflictException") => Err(error),
        _ => Ok(()),
    }
}

/// The digest of an image in a repository, which `:tag` or `@digest` names; `None` where there is no such image.
///
/// # Errors
/// As the call fails.
pub async fn digest_of(cx: &Context, repository: &str, reference: &str) -> Result<Option<String>, CallError> {
    let ecr = cx.client(aws_sdk_ecr::Client::new);
    let request = ecr.describe_images().repository_name(repository).image_ids(pull::identifier(reference));
    let answer = request.send().await.called("DescribeImages").if_exists()?;
    let details = answer.and_then(|answer| answer.image_details).unwrap_or_default();
    Ok(details.into_iter().find_map(|image| image.image_digest))
}

/// A task that stopped, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedTask {
    /// Its id, the last part of its ARN.
    pub id: String,
    /// What stopped it, such as `EssentialContainerExited`.
    pub code: Option<String>,
    /// Why, in ECS's words.
    pub reason: Option<String>,
    /// The images that the containers were to run, and how they ended.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a task that stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedContainer {
    /// Its name in the task definition.
    pub name: String,
    /// The exit code; `None` where it never ran.
    pub exit_code: Option<i32>,
    /// Why, in ECS's words.
    pub reason: Option<String>,
    /// The log stream that the `awslogs` driver gives it: prefix, container and task (CDK and ECS Developer Guide, "awslogs-stream-prefix";
    /// this tier's prefix is the container's name).
    pub log_stream: String,
}

/// Tasks of a service that stopped by themselves within the last hour or so, for as long as ECS shows them; the last one first. Those
/// that ECS stopped because there were too many of them are left out.
///
/// # Errors
/// As the calls fail.
pub async fn stopped_tasks(
    cx: &Context,
    cluster: &str,
    service: &str,
) -> Result<Vec<StoppedTask>, CallError> {
    let mut tasks = deployment::tasks_of(cx, cluster, service, DesiredStatus::Stopped).await?;
    tasks.retain(deployment::stopped_by_itself);
    tasks.sort_by_key(|task| std::cmp::Reverse(task.stopping_at));
    Ok(tasks.into_iter().map(stopped).collect())
}

fn stopped(task: Task) -> StoppedTask {
    let id = task.task_arn().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().to_owned();
    let containers = task.containers().iter().map(|container| {
        let name = container.name().unwrap_or_default().to_owned();
        StoppedContainer {
            exit_code: container.exit_code(),
            reason: container.reason().map(str::to_owned).filter(|reason| !reason.is_empty()),
            log_stream: format!("{name}/{name}/{id}"),
            name,
        }
    });
    StoppedTask {
        containers: containers.collect(),
        code: task.stop_code().map(|code| code.as_str().to_owned()),
        reason: task.stopped_reason,
        id,
    }
}

impl StoppedTask {
    /// The container that ended it: the one that exited with an error, or the one that never ran.
    #[must_use]
    pub fn culprit(&self) -> Option<&StoppedContainer> {
        let failed = |container: &&StoppedContainer| container.exit_code.is_some_and(|code| code != 0);
        self.containers
            .iter()
            .find(failed)
            .or_else(|| self.containers.iter().find(|container| container.reason.is_some()))
            .or_else(|| self.containers.iter().find(|container| container.name == crate::containers::APP))
    }

    /// What to look at, in the order of what is most likely. ECS's texts are no interface, so only their beginnings are compared, and
    /// what none fits says so by `None` (ECS Developer Guide, "Amazon ECS stopped tasks error messages").
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let texts = || {
            self.reason.iter().chain(self.containers.iter().filter_map(|container| container.reason.as_ref()))
        };
        let has = |beginning: &str| texts().any(|text| text.starts_with(beginning));
        let says = |part: &str| texts().any(|text| text.contains(part));
        let exited = |code: i32| self.containers.iter().any(|container| container.exit_code == Some(code));
        let is_secret = || says("secret") || says("Secrets Manager") || says("ssm:") || says("SSM");
        if has("CannotPullContainerError") && says("platform") {
            return Some("the image: it has no part for the architecture that `ecs.architecture` names");
        }
        if has("CannotPullContainerError") {
            return Some(
                "the image or the way to it: whether it is in the repository, whether the execution role may pull it, and whether \
                 the tasks' subnets reach ECR and S3",
            );
        }
        if has("ResourceInitializationError") && is_secret() {
            return Some(
                "the secret: whether it exists, and whether the execution role may read and decrypt it",
            );
        }
        if has("ResourceInitializationError") {
            return Some(
                "what the task needs before it starts: its log group, its execution role, and the way to AWS out of its subnets",
            );
        }
        if has("OutOfMemoryError") || says("OutOfMemory") || exited(137) {
            return Some(
                "memory: the container was killed; raise `ecs.memory`, or let the application use less",
            );
        }
        if says("exec format error") {
            return Some("the image: it is for another architecture than `ecs.architecture` names");
        }
        if has("CannotStartContainerError") || exited(126) || exited(127) {
            return Some(
                "the image: its command cannot be run, by the user and with the read-only files that the task definition gives it",
            );
        }
        if says("failed ELB health checks") {
            return Some(
                "port and health path: whether the application listens on `ecs.container_port`, answers `alb.health_check.path` in time, \
                 and within `ecs.health_check_grace_period_seconds`",
            );
        }
        if says("failed container health checks") {
            return Some(
                "the check of `ecs.health_check`: its command, and the time that it gives the application to start",
            );
        }
        let failed =
            self.containers.iter().any(|container| container.exit_code.is_some_and(|code| code != 0));
        failed.then_some("the application: it ended by itself; its log says why")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(reason: &str, container: Option<&str>, exit_code: Option<i32>) -> StoppedTask {
        StoppedTask {
            id: "0a".to_owned(),
            code: None,
            reason: Some(reason.to_owned()),
            containers: vec![StoppedContainer {
                name: "app".to_owned(),
                exit_code,
                reason: container.map(str::to_owned),
                log_stream: "app/app/0a".to_owned(),
            }],
        }
    }

    #[test]
    fn each_way_to_fail_is_told_from_the_others() {
        for (task, wanted) in [
            (task("CannotPullContainerError: pull access denied", None, None), "the image or the way to it"),
            (
                task(
                    "CannotPullContainerError: failed to find a descriptor for platform {linux/amd64}",
                    None,
                    None,
                ),
                "no part for",
            ),
            (
                task(
                    "ResourceInitializationError: unable to retrieve secret from asm: AccessDenied",
                    None,
                    None,
                ),
                "the secret",
            ),
            (
                task("ResourceInitializationError: failed to validate logger args", None, None),
                "its log group",
            ),
            (
                task(
                    "Essential container in task exited",
                    Some("OutOfMemoryError: Container killed due to memory usage"),
                    Some(137),
                ),
                "memory",
            ),
            (task("Essential container in task exited", None, Some(137)), "memory"),
            (task("Essential container in task exited", None, Some(127)), "cannot be run"),
            (task("Essential container in task exited", None, Some(1)), "ended by itself"),
            (task("Task failed ELB health checks in (target-group arn:x)", None, Some(0)), "health path"),
            (task("Task failed container health checks", None, Some(0)), "`ecs.health_check`"),
        ] {
            assert!(task.advice().is_some_and(|advice| advice.contains(wanted)), "{task:?}");
        }
        assert_eq!(
            task("Scaling activity initiated by (deployment ecs-svc/1)", None, Some(0)).advice(),
            None
        );
    }

    #[test]
    fn the_container_that_failed_is_the_one_whose_log_matters() {
        let mut two = task("Essential container in task exited", None, Some(0));
        two.containers.push(StoppedContainer {
            name: "tracing".to_owned(),
            exit_code: Some(1),
            ..two.containers[0].clone()
        });
        assert_eq!(two.culprit().unwrap().name, "tracing");
        two.containers[1].exit_code = Some(0);
        assert_eq!(two.culprit().unwrap().name, "app");
    }
}
