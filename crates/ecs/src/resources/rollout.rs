//! How far a deployment has come, in a line: its stage, its tasks, and the health of the targets behind the load balancer.

use aws::{Called, Context};
use aws_sdk_ecs::types::{
    Service, ServiceDeployment, ServiceDeploymentLifecycleStage as Stage, ServiceDeploymentStatus as Status,
    ServiceRevisionSummary,
};
use aws_sdk_elasticloadbalancingv2::Client as LoadBalancers;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;

use super::deployment::reason;

/// What is waited for. Whoever may not see the targets' health is told the rest.
pub(super) async fn progress(cx: &Context, live: &Service, deployment: &ServiceDeployment) -> String {
    let status = deployment.status();
    if matches!(status, Some(Status::RollbackRequested | Status::RollbackInProgress | Status::StopRequested))
    {
        return format!("going back to what ran before: {}", reason(deployment.status_reason()));
    }
    let stage = deployment.lifecycle_stage().map(Stage::as_str);
    let mut parts = vec![format!("deploying: {}", stage.or(status.map(Status::as_str)).unwrap_or("PENDING"))];
    parts.extend(baked_at(deployment).map(|time| format!("until {time} UTC")));
    parts.extend(
        deployment.target_service_revision().map(|revision| format!("new tasks: {}", tasks(revision))),
    );
    let old = deployment.source_service_revisions().iter().filter(|one| one.running_task_count() > 0);
    parts.extend(old.map(|revision| format!("old: {} running", revision.running_task_count())));
    parts.extend(health(cx, live).await);
    parts.join("; ")
}

/// When the bake time is over, as `14:05:10`. A deployment was changed last when its stage began.
fn baked_at(deployment: &ServiceDeployment) -> Option<String> {
    deployment.lifecycle_stage().filter(|stage| **stage == Stage::BakeTime)?;
    let minutes = deployment.deployment_configuration()?.bake_time_in_minutes()?;
    let ends = deployment.updated_at()?.secs() + i64::from(minutes) * 60;
    let (hours, minutes, seconds) = (ends / 3600 % 24, ends / 60 % 60, ends % 60);
    Some(format!("{hours:02}:{minutes:02}:{seconds:02}"))
}

fn tasks(revision: &ServiceRevisionSummary) -> String {
    let (running, wanted) = (revision.running_task_count(), revision.requested_task_count());
    let mut text = format!("{running} of {wanted} running");
    if revision.pending_task_count() > 0 {
        text += &format!(", {} starting", revision.pending_task_count());
    }
    if let Some(weight) = revision.requested_production_traffic_weight() {
        text += &format!(", {weight:.0} % of the requests");
    }
    text
}

/// Of each target group that has targets, how many are healthy.
async fn health(cx: &Context, live: &Service) -> Vec<String> {
    let groups = live.load_balancers().iter().flat_map(|balancer| {
        let alternate = balancer.advanced_configuration().and_then(|more| more.alternate_target_group_arn());
        [balancer.target_group_arn(), alternate].into_iter().flatten()
    });
    let mut told = Vec::new();
    for arn in groups {
        let request = cx.client(LoadBalancers::new).describe_target_health().target_group_arn(arn);
        let Ok(answer) = request.send().await.called("DescribeTargetHealth") else { continue };
        let states: Vec<_> = answer
            .target_health_descriptions()
            .iter()
            .filter_map(|target| target.target_health()?.state())
            .collect();
        let healthy = states.iter().filter(|state| ***state == TargetHealthStateEnum::Healthy).count();
        if !states.is_empty() {
            told.push(format!("{}: {healthy} of {} targets healthy", color(arn), states.len()));
        }
    }
    told
}

/// `blue` or `green`, if the name of a target group has that as a word; else the name.
fn color(arn: &str) -> &str {
    let name = arn.split('/').nth(1).unwrap_or(arn);
    name.split('-').find(|word| ["blue", "green"].contains(word)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;
    use aws_sdk_ecs::types::DeploymentConfiguration;

    use super::*;

    #[test]
    fn a_target_group_is_called_by_its_color() {
        let arn = |name: &str| format!("arn:aws:elasticloadbalancing:r:1:targetgroup/{name}/0a1b");
        assert_eq!(color(&arn("payment-green-dev")), "green");
        assert_eq!(color(&arn("bluebird")), "bluebird");
    }

    #[test]
    fn the_end_of_the_bake_time_is_told_while_it_lasts() {
        let at = |stage| {
            let configuration = DeploymentConfiguration::builder().bake_time_in_minutes(10).build();
            let deployment = ServiceDeployment::builder().lifecycle_stage(stage);
            // 23:55:10 on the first day.
            let deployment = deployment.updated_at(DateTime::from_secs(24 * 3600 - 290));
            baked_at(&deployment.deployment_configuration(configuration).build())
        };
        assert_eq!(at(Stage::ScaleUp), None);
        assert_eq!(at(Stage::BakeTime), Some("00:05:10".to_owned()));
    }
}
