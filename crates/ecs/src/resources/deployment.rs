//! Deployments of a service: what became of the last one.
//!
//! The surprise: a deployment that fails is rolled back, and a service that was rolled back is as steady as one that
//! was deployed. Whoever only waits until it is steady takes a failure for a success. So this looks at the deployment
//! itself.

use aws::{Called, Context, required};
use aws_sdk_ecs::types::{
    Deployment, DeploymentRolloutState, DesiredStatus, Service, ServiceDeployment, ServiceDeploymentBrief,
    ServiceDeploymentLifecycleStage, ServiceDeploymentStatus, TaskStopCode,
};
use engine::{CallError, Readiness};

use super::ecs;

/// The deployment of a service that began last.
pub(super) async fn latest(
    cx: &Context,
    cluster: &str,
    service: &str,
) -> Result<Option<ServiceDeploymentBrief>, CallError> {
    let mut latest: Option<ServiceDeploymentBrief> = None;
    let mut token = None;
    loop {
        // Nothing is promised about the order.
        let request = ecs(cx).list_service_deployments().cluster(cluster).service(service).max_results(100);
        let answer = request.set_next_token(token).send().await.called("ListServiceDeployments")?;
        for deployment in answer.service_deployments.unwrap_or_default() {
            if latest.as_ref().is_none_or(|latest| latest.created_at < deployment.created_at) {
                latest = Some(deployment);
            }
        }
        token = answer.next_token;
        if token.is_none() {
            return Ok(latest);
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

/// Whether a deployment did not bring what it should have, or is about not to.
pub(super) fn has_failed(brief: &ServiceDeploymentBrief) -> bool {
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
pub(super) fn is_over(brief: &ServiceDeploymentBrief) -> bool {
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
    let Some(arn) = back_to.or(before) else { return Ok(None) };
    let answer = ecs(cx).describe_service_revisions().service_revision_arns(arn).send().await;
    let revisions = answer.called("DescribeServiceRevisions")?.service_revisions.unwrap_or_default();
    Ok(revisions.into_iter().find_map(|revision| revision.task_definition))
}

/// One look whether a service runs what it was told to run.
pub(super) async fn look(cx: &Context, live: &Service) -> Result<Readiness<()>, CallError> {
    let (cluster, service) = (live.cluster_arn().unwrap_or_default(), live.service_arn().unwrap_or_default());
    let Some(latest) = latest(cx, cluster, service).await? else {
        return Ok(Readiness::Pending("waiting for its first deployment".to_owned()));
    };
    if !is_over(&latest) {
        return Ok(Readiness::Pending(progress(&describe(cx, &latest).await?)));
    }
    // What was just told the service need not be in the list yet.
    if newer_has_begun(live, &latest) {
        return Ok(Readiness::Pending("waiting for its deployment".to_owned()));
    }
    if has_failed(&latest) {
        return Ok(Readiness::Failed(failure(cx, live, &latest).await));
    }
    let steady = live.running_count() >= live.desired_count() && is_completed(live);
    Ok(match steady {
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

fn newer_has_begun(live: &Service, ended: &ServiceDeploymentBrief) -> bool {
    let began = primary(live).and_then(Deployment::created_at);
    began.zip(ended.finished_at()).is_some_and(|(began, finished)| began > finished)
}

fn is_completed(live: &Service) -> bool {
    let state = primary(live).and_then(Deployment::rollout_state);
    state.is_none_or(|state| *state == DeploymentRolloutState::Completed)
}

fn progress(deployment: &ServiceDeployment) -> String {
    use ServiceDeploymentStatus as Status;
    let status = deployment.status();
    if matches!(status, Some(Status::RollbackRequested | Status::RollbackInProgress | Status::StopRequested))
    {
        return format!("going back to what ran before: {}", reason(deployment.status_reason()));
    }
    let stage = deployment.lifecycle_stage().map(ServiceDeploymentLifecycleStage::as_str);
    let stage = stage.or(status.map(Status::as_str)).unwrap_or("PENDING");
    match deployment.target_service_revision() {
        Some(revision) => {
            let (running, wanted) = (revision.running_task_count(), revision.requested_task_count());
            format!("deploying: {stage}, {running} of {wanted} new tasks running")
        }
        None => format!("deploying: {stage}"),
    }
}

fn reason(text: Option<&str>) -> &str {
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
    let request = ecs(cx).list_tasks().cluster(cluster).service_name(service).max_results(100);
    let answer = request.desired_status(DesiredStatus::Stopped).send().await.called("ListTasks")?;
    let arns = answer.task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Ok(None);
    }
    let answer = ecs(cx).describe_tasks().cluster(cluster).set_tasks(Some(arns)).send().await;
    let tasks = answer.called("DescribeTasks")?.tasks.unwrap_or_default();
    let tasks = tasks.into_iter().filter(|task| {
        task.stopped_reason.is_some() && task.stop_code() != Some(&TaskStopCode::ServiceSchedulerInitiated)
    });
    Ok(tasks.max_by_key(|task| task.stopping_at).and_then(|task| task.stopped_reason))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;

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
    fn a_deployment_that_is_not_in_the_list_yet_is_waited_for() {
        let latest = ended(ServiceDeploymentStatus::RollbackSuccessful);
        assert!(newer_has_begun(&service(101, DeploymentRolloutState::InProgress), &latest));
        // The one to which it went back began before that was over.
        assert!(!newer_has_begun(&service(99, DeploymentRolloutState::InProgress), &latest));
        assert!(!is_completed(&service(99, DeploymentRolloutState::InProgress)));
        assert!(is_completed(&service(99, DeploymentRolloutState::Completed)));
    }
}
