//! Services at AWS's own pace, in virtual time.

use aws_sdk_ecs::types::{
    DeploymentCircuitBreaker, DeploymentConfiguration, ServiceDeploymentStatus, StopServiceDeploymentStopType,
};
use tokio::time::Instant;

use super::{Shop, seconds};
use crate::support::{code, said};

/// Asks every second until the answer is the one wanted, and says how many seconds that took.
async fn until(wanted: &str, mut ask: impl AsyncFnMut() -> String) -> u64 {
    let start = Instant::now();
    loop {
        let answer = ask().await;
        if answer == wanted {
            return start.elapsed().as_secs();
        }
        assert!(start.elapsed().as_secs() < 3600, "still {answer}, not {wanted}");
        seconds(1).await;
    }
}

async fn status(shop: &Shop, name: &str) -> String {
    shop.latest(name).await.status().map_or("", ServiceDeploymentStatus::as_str).to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_service_becomes_steady_and_drains() {
    let shop = Shop::at_aws_pace().await;
    shop.task("web").send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    assert_eq!(status(&shop, "web").await, "PENDING");
    assert_eq!(shop.interfaces().await, 0);
    until("IN_PROGRESS", async || status(&shop, "web").await).await;
    let found = shop.look("web").await;
    assert_eq!((found.running_count(), found.pending_count()), (0, 2));
    assert_eq!(shop.interfaces().await, 2);
    let took = until("SUCCESSFUL", async || status(&shop, "web").await).await;
    assert!((50..=71).contains(&took), "steady: {took} s");
    assert_eq!(shop.look("web").await.running_count(), 2);

    shop.ecs.delete_service().cluster("shop").service("web").force(true).send().await.unwrap();
    assert_eq!(shop.look("web").await.status(), Some("DRAINING"));
    assert!(shop.ecs.list_services().cluster("shop").send().await.unwrap().service_arns().is_empty());
    let delete_cluster = || shop.ecs.delete_cluster().cluster("shop");
    assert_eq!(code(shop.service("web", "web").send().await), "InvalidParameterException");
    let update = shop.ecs.update_service().cluster("shop").service("web").desired_count(1).send().await;
    assert_eq!(code(update), "ServiceNotActiveException");
    assert_eq!(code(delete_cluster().send().await), "ClusterContainsServicesException");
    assert_eq!(shop.interfaces().await, 2);
    let subnet = || shop.cloud.ec2.delete_subnet().subnet_id(&shop.subnets[0]);
    assert_eq!(code(subnet().send().await), "DependencyViolation");
    let took = until("INACTIVE", async || shop.look("web").await.status().unwrap().to_owned()).await;
    assert!((3..=11).contains(&took), "drained: {took} s");
    // Its tasks and their interfaces outlive it.
    assert_eq!(code(delete_cluster().send().await), "ClusterContainsTasksException");
    assert_eq!((shop.interfaces().await, code(subnet().send().await)), (2, "DependencyViolation".to_owned()));
    let took = until("0", async || shop.interfaces().await.to_string()).await;
    assert!((25..=61).contains(&took), "stopped: {took} s");
    assert_eq!(code(subnet().send().await), "ok");
    assert_eq!(code(delete_cluster().send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn an_update_replaces_tasks_once_the_new_ones_run() {
    let shop = Shop::at_aws_pace().await;
    shop.task("web").send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    until("SUCCESSFUL", async || status(&shop, "web").await).await;
    shop.ecs.update_service().cluster("shop").service("web").force_new_deployment(true).send().await.unwrap();
    seconds(55).await;
    let found = shop.look("web").await;
    assert_eq!((found.running_count(), found.deployments().len()), (4, 2));
    assert_eq!(found.deployments()[1].status(), Some("ACTIVE"));
    until("SUCCESSFUL", async || status(&shop, "web").await).await;
    let found = shop.look("web").await;
    assert_eq!((found.running_count(), found.deployments().len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_round_by_round_and_then_rolled_back() {
    let shop = Shop::at_aws_pace().await;
    shop.ecr.create_repository().repository_name("shop").send().await.unwrap();
    shop.task("web").send().await.unwrap();
    shop.task_from_registry("broken", "missing").await;
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
    let breaker = DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build();
    shop.service("web", "web").deployment_configuration(breaker).send().await.unwrap();
    until("SUCCESSFUL", async || status(&shop, "web").await).await;
    shop.ecs.update_service().cluster("shop").service("web").task_definition("broken").send().await.unwrap();
    seconds(60).await;
    let count = shop.latest("web").await.deployment_circuit_breaker().unwrap().failure_count();
    assert_eq!((count, shop.look("web").await.running_count()), (2, 2));
    until("ROLLBACK_IN_PROGRESS", async || status(&shop, "web").await).await;
    let took = until("ROLLBACK_SUCCESSFUL", async || status(&shop, "web").await).await;
    assert!((9..=31).contains(&took), "rolled back: {took} s");
    assert!(shop.look("web").await.task_definition().unwrap().ends_with("web:1"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_too_new_delays_a_service() {
    let shop = Shop::at_aws_pace().await;
    shop.cloud.role_for("late", "ecs-tasks.amazonaws.com").await;
    let early = said(shop.task("web").task_role_arn(super::role("late")).send().await);
    assert!(early.contains("iam:PassRole"), "{early}");
    seconds(4).await;
    shop.task("web").task_role_arn(super::role("late")).send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    let took = until("SUCCESSFUL", async || status(&shop, "web").await).await;
    assert!(took > 60, "steady: {took} s");
    let events = shop.look("web").await;
    assert!(
        events.events().iter().any(|event| event.message().unwrap().contains("unable to assume the role"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_deployment_can_be_stopped_or_superseded() {
    let shop = Shop::at_aws_pace().await;
    shop.task("web").send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    until("SUCCESSFUL", async || status(&shop, "web").await).await;
    let force = || shop.ecs.update_service().cluster("shop").service("web").force_new_deployment(true);
    force().send().await.unwrap();
    seconds(10).await;
    let first = shop.latest("web").await.service_deployment_arn().unwrap().to_owned();
    force().send().await.unwrap();
    let found = shop.ecs.describe_service_deployments().service_deployment_arns(&first).send().await.unwrap();
    assert_eq!(found.service_deployments()[0].status(), Some(&ServiceDeploymentStatus::Stopped));
    seconds(10).await;
    let second = shop.latest("web").await.service_deployment_arn().unwrap().to_owned();
    let stop = shop.ecs.stop_service_deployment().service_deployment_arn(&second);
    stop.stop_type(StopServiceDeploymentStopType::Rollback).send().await.unwrap();
    until("ROLLBACK_SUCCESSFUL", async || status(&shop, "web").await).await;
    let found = shop.look("web").await;
    assert_eq!((found.running_count(), found.deployments().len()), (2, 1));
    seconds(120).await;
    assert_eq!(shop.interfaces().await, 2);
}

#[tokio::test(start_paused = true)]
async fn deployments_are_kept_for_ninety_days() {
    const DAY: u64 = 24 * 60 * 60;
    let shop = Shop::new().await;
    shop.task("web").send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    let list = async || {
        let listed = shop.ecs.list_service_deployments().cluster("shop").service("web").send().await.unwrap();
        listed.service_deployments.unwrap_or_default()
    };
    let arn = list().await[0].service_deployment_arn().unwrap().to_owned();
    seconds(89 * DAY).await;
    assert_eq!(list().await.len(), 1);
    seconds(2 * DAY).await;
    assert!(list().await.is_empty());
    let found = shop.ecs.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
    assert_eq!(found.failures()[0].reason(), Some("MISSING"));
    let primary = &shop.look("web").await.deployments.unwrap()[0];
    assert_eq!(primary.rollout_state().unwrap().as_str(), "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_deployment_has_not_begun_cannot_be_deleted() {
    let shop = Shop::at_aws_pace().await;
    shop.task("web").send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    let delete = || shop.ecs.delete_service().cluster("shop").service("web").force(true).send();
    let refused = delete().await.unwrap_err();
    let message = aws_sdk_ecs::error::ProvideErrorMetadata::message(&refused).unwrap();
    assert_eq!(message, "The service cannot be stopped while deployments are active.");
    until("IN_PROGRESS", async || status(&shop, "web").await).await;
    delete().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_update_service_has_begun_is_not_seen_at_once() {
    let shop = Shop::at_aws_pace().await;
    shop.task("web").send().await.unwrap();
    shop.service("web", "web").send().await.unwrap();
    until("SUCCESSFUL", async || status(&shop, "web").await).await;
    let before = shop.look("web").await;
    let update = shop.ecs.update_service().cluster("shop").service("web").force_new_deployment(true);
    let answered = update.send().await.unwrap().service.unwrap();
    assert_ne!(answered.deployments()[0].id(), before.deployments()[0].id());
    assert_eq!(shop.look("web").await, before);
    assert_eq!(status(&shop, "web").await, "SUCCESSFUL");
    seconds(5).await;
    assert_eq!(shop.look("web").await.deployments()[0].id(), answered.deployments()[0].id());
    assert_ne!(status(&shop, "web").await, "SUCCESSFUL");
}
