//! Deployments of a service: what became of the last one.
//!
//! The surprise: a deployment that fails is rolled back, and a service that was rolled back is as steady as one that
//! was deployed. Whoever only waits until it is steady takes a failure for a success. So this looks at the deployment
//! itself, as long as ECS has it: after 90 days only the service says that its deployment was completed.

use aws::{CallResult, Called, Context, required};
use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types::{
    Deployment, DeploymentRolloutState, DesiredStatus, Service, ServiceDeployment, ServiceDeploymentBrief,
    ServiceDeploymentStatus, Task, TaskStopCode,
};
use engine::{CallError, ErrorClass, Readiness};

use super::{ecs, rollout};

/// How much later than the service's own entry a deployment may be entered in the list, in seconds.
const APART: f64 = 5.0;

/// The deployment of a service that began last.
pub(crate) async fn latest(
    cx: &Context,
    cluster: &str,
    service: &str,
) -> Result<Option<ServiceDeploymentBrief>, CallError> {
    Ok(all(cx, cluster, service).await?.into_iter().next())
}

/// The deployments that ECS still has of a service, the last one first.
async fn all(cx: &Context, cluster: &str, service: &str) -> Result<Vec<ServiceDeploymentBrief>, CallError> {
    let mut all: Vec<ServiceDeploymentBrief> = Vec::new();
    let mut token = None;
    loop {
        // Nothing is promised about the order.
        let request = ecs(cx).list_service_deployments().cluster(cluster).service(service).max_results(100);
        let answer = request.set_next_token(token).send().await.called("ListServiceDeployments")?;
        all.extend(answer.service_deployments.unwrap_or_default());
        token = answer.next_token;
        if token.is_none() {
            // Equal times keep the order of the list.
            all.sort_by_key(|deployment| std::cmp::Reverse(deployment.created_at));
            return Ok(all);
        }
    }
}

async fn describe(cx: &Context, brief: &ServiceDeploymentBrief) -> Result<ServiceDeployment, CallError> {
    const OPERATION: &str = "DescribeServiceDeployments";
    let arn = required(brief.service_deployment_arn(), OPERATION, "serviceDeploymentArn")?;
    let answer = ecs(cx).describe_service_deployments().service_deployment_arns(arn).send().await;
    let deployments = answer.called(OPERATION)?.service_deployments.unwrap_or_default();
    required(deployments.into_iter().next(), OPERATION, "the deployment")
}

/// The state of the deployment that is running, if one is.
pub(super) fn in_progress(live: &Service) -> Option<String> {
    let is_running =
        |deployment: &&Deployment| deployment.rollout_state() == Some(&DeploymentRolloutState::InProgress);
    let running = live.deployments().iter().find(is_running)?;
    running.rollout_state().map(|state| state.as_str().to_owned())
}

/// Whether a deployment did not bring what it should have, or is about not to.
pub(crate) fn has_failed(brief: &ServiceDeploymentBrief) -> bool {
    use ServiceDeploymentStatus as Status;
    matches!(
        brief.status(),
        Some(
            Status::StopRequested
                | Status::Stopped
                | Status::RollbackRequested
                | Status::RollbackInProgress
                | Status::RollbackSuccessful
                | Status::RollbackFailed
        )
    )
}

/// Whether a deployment has come to its end, good or bad.
pub(crate) fn is_over(brief: &ServiceDeploymentBrief) -> bool {
    use ServiceDeploymentStatus as Status;
    matches!(
        brief.status(),
        Some(Status::Successful | Status::Stopped | Status::RollbackSuccessful | Status::RollbackFailed)
    )
}

/// The task definition that runs after a deployment failed: that of the revision it went back to, or of the one that was
/// there before. `None` where there is neither.
pub(super) async fn task_definition_instead(
    cx: &Context,
    failed: &ServiceDeploymentBrief,
) -> Result<Option<String>, CallError> {
    let deployment = describe(cx, failed).await?;
    let before = deployment.source_service_revisions().iter().find_map(|revision| revision.arn());
    let back_to = deployment.rollback().and_then(|rollback| rollback.service_revision_arn());
    task_definition_of(cx, back_to.or(before)).await
}

async fn task_definition_of(cx: &Context, revision: Option<&str>) -> Result<Option<String>, CallError> {
    let Some(arn) = revision else { return Ok(None) };
    let answer = ecs(cx).describe_service_revisions().service_revision_arns(arn).send().await;
    let revisions = answer.called("DescribeServiceRevisions")?.service_revisions.unwrap_or_default();
    Ok(revisions.into_iter().find_map(|revision| revision.task_definition))
}

/// When the deployment began that a service is shown with, in seconds since 1970.
pub(super) fn began(live: &Service) -> Option<String> {
    let began = primary(live)?.created_at()?;
    Some(format!("{:.3}", began.as_secs_f64()))
}

/// One look whether a service runs what it was told to run. `asked_at` is when the deployment began that it was told last.
///
/// A deployment that failed because ECS could not use its role is begun once more here: a role that was made a minute ago may
/// be known to ECS and not yet to the service that it calls.
pub(super) async fn look(
    cx: &Context,
    live: &Service,
    asked_at: Option<&str>,
) -> Result<Readiness<()>, CallError> {
    let (cluster, service) = (live.cluster_arn().unwrap_or_default(), live.service_arn().unwrap_or_default());
    let all = all(cx, cluster, service).await?;
    let asked_at = asked_at.and_then(|seconds| seconds.parse::<f64>().ok());
    if asked_at.is_some_and(|asked_at| is_out_of_date(live, all.first(), asked_at)) {
        return Ok(Readiness::Pending("waiting for its deployment".to_owned()));
    }
    let Some(latest) = all.first() else {
        // A new service has a deployment that goes on; one that ECS has forgotten was completed long ago.
        return Ok(match is_steady(live) && primary(live).is_some() {
            true => Readiness::Ready(()),
            false => Readiness::Pending("waiting for its first deployment".to_owned()),
        });
    };
    if !is_over(latest) {
        return Ok(Readiness::Pending(rollout::progress(cx, live, &describe(cx, latest).await?).await));
    }
    // What was just told the service need not be in the list yet.
    if newer_has_begun(live, latest) {
        return Ok(Readiness::Pending("waiting for its deployment".to_owned()));
    }
    if has_failed(latest) {
        if is_first_failure_of_a_role(&all) {
            again(cx, cluster, service, latest).await?;
            let state = format!("deploying once more after: {}", reason(latest.status_reason()));
            return Ok(Readiness::Pending(state));
        }
        return Ok(Readiness::Failed(failure(cx, live, latest).await));
    }
    Ok(match is_steady(live) {
        true => Readiness::Ready(()),
        false => {
            let (running, desired) = (live.running_count(), live.desired_count());
            Readiness::Pending(format!("deployed, {running} of {desired} tasks running"))
        }
    })
}

fn primary(live: &Service) -> Option<&Deployment> {
    live.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// Whether neither the service nor the list shows what the service was told last.
fn is_out_of_date(live: &Service, latest: Option<&ServiceDeploymentBrief>, asked_at: f64) -> bool {
    let is_before = |at: Option<&DateTime>, then: f64| at.is_none_or(|at| at.as_secs_f64() < then);
    is_before(primary(live).and_then(Deployment::created_at), asked_at - 0.01)
        && is_before(latest.and_then(ServiceDeploymentBrief::created_at), asked_at - APART)
}

fn is_steady(live: &Service) -> bool {
    live.running_count() >= live.desired_count() && is_completed(live)
}

/// Whether the last deployment failed because ECS could not use its role, and no other did since the last success.
fn is_first_failure_of_a_role(all: &[ServiceDeploymentBrief]) -> bool {
    let is_of_a_role = |brief: &ServiceDeploymentBrief| {
        let reason = brief.status_reason().unwrap_or_default();
        has_failed(brief)
            && (reason.contains("nable to assume") || reason.contains("is not authorized to perform"))
    };
    let since_success =
        all.iter().take_while(|brief| brief.status() != Some(&ServiceDeploymentStatus::Successful));
    all.first().is_some_and(is_of_a_role) && since_success.filter(|brief| is_of_a_role(brief)).count() == 1
}

/// Deploys what a failed deployment should have deployed.
async fn again(
    cx: &Context,
    cluster: &str,
    service: &str,
    failed: &ServiceDeploymentBrief,
) -> Result<(), CallError> {
    let wanted = task_definition_of(cx, failed.target_service_revision_arn()).await?;
    let request = ecs(cx).update_service().cluster(cluster).service(service).force_new_deployment(true);
    let answer = request.set_task_definition(wanted).send().await.called("UpdateService");
    answer.classed_saying("InvalidParameterException", "nable to assume", ErrorClass::NotYet).map(drop)
}

fn newer_has_begun(live: &Service, ended: &ServiceDeploymentBrief) -> bool {
    let began = primary(live).and_then(Deployment::created_at);
    began.zip(ended.finished_at()).is_some_and(|(began, finished)| began > finished)
}

fn is_completed(live: &Service) -> bool {
    let state = primary(live).and_then(Deployment::rollout_state);
    state.is_none_or(|state| *state == DeploymentRolloutState::Completed)
}

pub(super) fn reason(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("ECS gives no reason")
}

/// What went wrong, and where to look.
async fn failure(cx: &Context, live: &Service, latest: &ServiceDeploymentBrief) -> String {
    let status = latest.status().map_or("failed", ServiceDeploymentStatus::as_str);
    let name = live.service_name().unwrap_or_default();
    let cluster = live.cluster_arn().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
    let mut text = format!("its deployment ended as {status}: {}", reason(latest.status_reason()));
    // It is said without that too, so an error here is no error of the deployment's.
    if let Ok(Some(stopped)) = last_stopped(cx, cluster, name).await {
        text.push_str(&format!("; a task stopped: {stopped}"));
    }
    text.push_str(&format!(
        "; its events and the application's log say more (aws ecs describe-services --cluster {cluster} --services {name})"
    ));
    text
}

/// Why the last task stopped, but for those that ECS stopped because they were too many.
async fn last_stopped(cx: &Context, cluster: &str, service: &str) -> Result<Option<String>, CallError> {
    let tasks = tasks_of(cx, cluster, service, DesiredStatus::Stopped).await?;
    let tasks = tasks.into_iter().filter(stopped_by_itself);
    Ok(tasks.max_by_key(|task| task.stopping_at).and_then(|task| task.stopped_reason))
}

/// Up to a hundred tasks of a service, of those that are to run or of those that have stopped. One that does not exist has none.
pub(crate) async fn tasks_of(
    cx: &Context,
    cluster: &str,
    service: &str,
    status: DesiredStatus,
) -> Result<Vec<Task>, CallError> {
    let request = ecs(cx).list_tasks().cluster(cluster).service_name(service).max_results(100);
    let answer = request.desired_status(status).send().await.called("ListTasks").if_exists()?;
    let arns = answer.and_then(|answer| answer.task_arns).unwrap_or_default();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let answer = ecs(cx).describe_tasks().cluster(cluster).set_tasks(Some(arns)).send().await;
    Ok(answer.called("DescribeTasks")?.tasks.unwrap_or_default())
}

/// Whether a task failed: nobody stopped it, and it was not one too many. What fails its health checks is stopped by the scheduler, as
/// is what is too many ("Scaling activity initiated by …").
pub(crate) fn stopped_by_itself(task: &Task) -> bool {
    let reason = task.stopped_reason().unwrap_or_default();
    match task.stop_code() {
        Some(TaskStopCode::UserInitiated) => false,
        Some(TaskStopCode::ServiceSchedulerInitiated) => reason.contains("health checks"),
        _ => !reason.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: ServiceDeploymentStatus) -> ServiceDeploymentBrief {
        ServiceDeploymentBrief::builder().status(status).finished_at(DateTime::from_secs(100)).build()
    }

    fn service(began: i64, state: DeploymentRolloutState) -> Service {
        let primary = Deployment::builder().status("PRIMARY").rollout_state(state);
        Service::builder().deployments(primary.created_at(DateTime::from_secs(began)).build()).build()
    }

    #[test]
    fn a_rollback_is_a_failure_even_while_it_goes_on() {
        use ServiceDeploymentStatus as Status;
        for status in [Status::RollbackSuccessful, Status::RollbackFailed, Status::Stopped] {
            assert!(has_failed(&ended(status.clone())) && is_over(&ended(status)));
        }
        for status in [Status::RollbackRequested, Status::RollbackInProgress, Status::StopRequested] {
            assert!(has_failed(&ended(status.clone())) && !is_over(&ended(status)));
        }
        for status in [Status::Pending, Status::InProgress] {
            assert!(!has_failed(&ended(status.clone())) && !is_over(&ended(status)));
        }
        assert!(!has_failed(&ended(Status::Successful)) && is_over(&ended(Status::Successful)));
    }

    #[test]
    fn what_was_asked_for_is_waited_for_until_the_service_or_the_list_shows_it() {
        let old = service(100, DeploymentRolloutState::Completed);
        let listed = |at| ServiceDeploymentBrief::builder().created_at(DateTime::from_secs(at)).build();
        assert!(is_out_of_date(&old, Some(&listed(100)), 200.0) && is_out_of_date(&old, None, 200.0));
        assert!(!is_out_of_date(
            &service(200, DeploymentRolloutState::InProgress),
            Some(&listed(100)),
            200.0
        ));
        // After a rollback the service may be shown with what it went back to.
        assert!(!is_out_of_date(&old, Some(&listed(199)), 200.0));
        assert!(!is_out_of_date(&old, None, 100.0));
    }

    #[test]
    fn only_the_first_failure_of_a_role_since_the_last_success_is_retried() {
        use ServiceDeploymentStatus as Status;
        let failed = |status, reason: &str| {
            ServiceDeploymentBrief::builder().status(status).status_reason(reason).build()
        };
        let role = || failed(Status::RollbackSuccessful, "ECS was unable to assume the role r");
        let policy = || failed(Status::Stopped, "User: r is not authorized to perform: ModifyRule");
        let other = || failed(Status::Stopped, "tasks failed to start");
        let good = || ended(Status::Successful);
        for all in [vec![role()], vec![policy(), good(), role()], vec![role(), other(), good()]] {
            assert!(is_first_failure_of_a_role(&all), "{all:?}");
        }
        for all in [
            vec![],
            vec![good(), role()],
            vec![other()],
            vec![role(), policy()],
            vec![role(), other(), role()],
        ] {
            assert!(!is_first_failure_of_a_role(&all), "{all:?}");
        }
    }

    #[test]
    fn what_fails_its_health_checks_failed_and_what_is_too_many_did_not() {
        use TaskStopCode as Code;
        for (code, reason, failed) in [
            (Code::ServiceSchedulerInitiated, "Task failed ELB health checks in (target-group arn:x)", true),
            (Code::ServiceSchedulerInitiated, "Scaling activity initiated by (deployment ecs-svc/1)", false),
            (Code::EssentialContainerExited, "Essential container in task exited", true),
            (Code::UserInitiated, "Task stopped by user", false),
        ] {
            let task = Task::builder().stop_code(code).stopped_reason(reason).build();
            assert_eq!(stopped_by_itself(&task), failed, "{reason}");
        }
    }

    #[test]
    fn a_deployment_that_is_not_in_the_list_yet_is_waited_for() {
        let latest = ended(ServiceDeploymentStatus::RollbackSuccessful);
        assert!(newer_has_begun(&service(101, DeploymentRolloutState::InProgress), &latest));
        // The one to which it went back began before that was over.
        assert!(!newer_has_begun(&service(99, DeploymentRolloutState::InProgress), &latest));
        assert!(!is_completed(&service(99, DeploymentRolloutState::InProgress)));
        assert!(is_completed(&service(99, DeploymentRolloutState::Completed)));
    }
}
