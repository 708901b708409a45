//! Deployments without latencies: what they come to, at once.

use aws_sdk_ecs::types::{
    DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentRolloutState,
    ServiceDeploymentRollbackMonitorsStatus, ServiceDeploymentStatus, TaskStopCode,
};

use super::{Shop, container, role};
use crate::support::{code, trusting};

fn breaker(rollback: bool) -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(rollback).build();
    DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build()
}

async fn shop_with_registry() -> Shop {
    let shop = Shop::new().await;
    shop.ecr.create_repository().repository_name("shop").send().await.unwrap();
    shop.push("good").await;
    shop.task_from_registry("web", "good").await;
    shop.task_from_registry("broken", "missing").await;
    shop
}

fn status(deployment: &aws_sdk_ecs::types::ServiceDeployment) -> &str {
    deployment.status().map_or("", ServiceDeploymentStatus::as_str)
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_tasks_is_a_deployment_and_others_are_not() {
    let shop = shop_with_registry().await;
    shop.service("web", "web").send().await.unwrap();
    let first = shop.latest("web").await;
    assert_eq!(status(&first), "SUCCESSFUL");
    let target = first.target_service_revision().unwrap();
    assert_eq!((target.requested_task_count(), target.running_task_count()), (2, 2));
    let revision = shop.ecs.describe_service_revisions().service_revision_arns(target.arn().unwrap());
    let revision = revision.send().await.unwrap().service_revisions.unwrap().remove(0);
    assert_eq!(revision.platform_version(), Some("1.4.0"));
    let digest = revision.container_images()[0].image_digest().unwrap();
    assert!(digest.starts_with("sha256:"));
    let tasks = shop.ecs.list_tasks().cluster("shop").send().await.unwrap().task_arns;
    let tasks = shop.ecs.describe_tasks().cluster("shop").set_tasks(tasks).send().await.unwrap();
    assert_eq!(tasks.tasks()[0].containers()[0].image_digest(), Some(digest));

    let update = || shop.ecs.update_service().cluster("shop").service("web");
    let count = async || {
        let listed = shop.ecs.list_service_deployments().cluster("shop").service("web").send().await.unwrap();
        listed.service_deployments().len()
    };
    update().desired_count(3).health_check_grace_period_seconds(0).send().await.unwrap_err();
    update().desired_count(3).send().await.unwrap();
    update().deployment_configuration(breaker(true)).send().await.unwrap();
    assert_eq!((count().await, shop.look("web").await.running_count()), (1, 3));
    update().force_new_deployment(true).send().await.unwrap();
    assert_eq!((count().await, shop.look("web").await.running_count()), (2, 3));
    shop.task_from_registry("web", "good").await;
    update().task_definition("web").send().await.unwrap();
    let found = shop.look("web").await;
    assert_eq!((count().await, found.running_count(), found.deployments().len()), (3, 3, 1));
    assert!(found.task_definition().unwrap().ends_with("web:2"));
    let stopped =
        shop.ecs.list_tasks().cluster("shop").desired_status(aws_sdk_ecs::types::DesiredStatus::Stopped);
    assert_eq!(stopped.send().await.unwrap().task_arns().len(), 6);
    // What a service uses can be deregistered, and is used on.
    shop.ecs.deregister_task_definition().task_definition("web:2").send().await.unwrap();
    assert_eq!(update().desired_count(4).send().await.unwrap().service.unwrap().running_count(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_missing_rolls_back() {
    let shop = shop_with_registry().await;
    shop.service("web", "web").deployment_configuration(breaker(true)).send().await.unwrap();
    shop.ecs.update_service().cluster("shop").service("web").task_definition("broken").send().await.unwrap();
    let deployment = shop.latest("web").await;
    assert_eq!(status(&deployment), "ROLLBACK_SUCCESSFUL");
    let circuit = deployment.deployment_circuit_breaker().unwrap();
    assert_eq!(circuit.status(), Some(&ServiceDeploymentRollbackMonitorsStatus::Triggered));
    assert_eq!((circuit.threshold(), circuit.failure_count()), (3, 4));
    let back = deployment.rollback().unwrap().service_revision_arn().unwrap();
    assert_eq!(back, deployment.source_service_revisions()[0].arn().unwrap());
    let found = shop.look("web").await;
    assert!(found.task_definition().unwrap().ends_with("web:1"));
    assert_eq!((found.running_count(), found.deployments().len()), (2, 1));
    assert_eq!(found.deployments()[0].rollout_state(), Some(&DeploymentRolloutState::Completed));

    let stopped =
        shop.ecs.list_tasks().cluster("shop").desired_status(aws_sdk_ecs::types::DesiredStatus::Stopped);
    let arn = stopped.family("broken").send().await.unwrap().task_arns()[0].clone();
    let task =
        shop.ecs.describe_tasks().cluster("shop").tasks(arn).send().await.unwrap().tasks.unwrap().remove(0);
    assert_eq!(task.stop_code(), Some(&TaskStopCode::TaskFailedToStart));
    assert!(task.stopped_reason().unwrap().starts_with("CannotPullContainerError"));
}

#[tokio::test(start_paused = true)]
async fn a_first_deployment_has_nothing_to_go_back_to() {
    let shop = shop_with_registry().await;
    shop.service("web", "broken").deployment_configuration(breaker(true)).send().await.unwrap();
    let deployment = shop.latest("web").await;
    assert_eq!(status(&deployment), "STOPPED");
    assert!(deployment.stopped_at().is_some());
    let found = shop.look("web").await;
    assert_eq!((found.desired_count(), found.running_count()), (2, 0));
    let inner = &found.deployments()[0];
    assert_eq!((inner.rollout_state(), inner.desired_count()), (Some(&DeploymentRolloutState::Failed), 0));
    assert_eq!(shop.interfaces().await, 0);
    // A good task definition mends it.
    let mended = shop.ecs.update_service().cluster("shop").service("web").task_definition("web").send().await;
    assert_eq!(mended.unwrap().service.unwrap().running_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_breaker_a_deployment_waits_until_its_image_is_there() {
    let shop = shop_with_registry().await;
    shop.service("web", "broken").send().await.unwrap();
    for _ in 0..3 {
        assert_eq!(status(&shop.latest("web").await), "IN_PROGRESS");
        assert_eq!(shop.look("web").await.running_count(), 0);
    }
    shop.push("missing").await;
    assert_eq!(shop.look("web").await.running_count(), 2);
    assert_eq!(status(&shop.latest("web").await), "SUCCESSFUL");
}

#[tokio::test(start_paused = true)]
async fn roles_and_log_groups_must_be_there_when_tasks_start() {
    let shop = Shop::new().await;
    let app = || container("public.ecr.aws/nginx/nginx:1");
    let logs = aws_sdk_ecs::types::LogConfiguration::builder()
        .log_driver(aws_sdk_ecs::types::LogDriver::Awslogs)
        .options("awslogs-group", "/ecs/app")
        .options("awslogs-region", crate::support::REGION)
        .options("awslogs-stream-prefix", "app")
        .build()
        .unwrap();
    shop.task_of("no-role", app().build()).execution_role_arn(role("none")).send().await.unwrap();
    shop.task_of("no-trust", app().build()).task_role_arn(role("infrastructure")).send().await.unwrap();
    let logging = shop.task_of("no-logs", app().log_configuration(logs).build());
    logging.execution_role_arn(role("execution")).send().await.unwrap();
    for family in ["no-role", "no-trust", "no-logs"] {
        let made = shop.service(family, family).send().await.unwrap().service.unwrap();
        assert_eq!(made.running_count(), 0, "{family}");
    }
    shop.cloud.role_for("none", "ecs-tasks.amazonaws.com").await;
    shop.cloud.logs.create_log_group().log_group_name("/ecs/app").send().await.unwrap();
    let trust = trusting("ecs-tasks.amazonaws.com");
    let update = shop.cloud.iam.update_assume_role_policy().role_name("infrastructure");
    update.policy_document(trust).send().await.unwrap();
    for family in ["no-role", "no-trust", "no-logs"] {
        assert_eq!(shop.look(family).await.running_count(), 2, "{family}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_no_tasks_everything_is_deployed_at_once() {
    let shop = shop_with_registry().await;
    shop.service("web", "broken").desired_count(0).send().await.unwrap();
    assert_eq!(status(&shop.latest("web").await), "SUCCESSFUL");
    assert_eq!(shop.interfaces().await, 0);
    let scaled =
        shop.ecs.update_service().cluster("shop").service("web").desired_count(1).send().await.unwrap();
    let scaled = scaled.service.unwrap();
    assert_eq!((scaled.desired_count(), scaled.running_count()), (1, 0));
    assert!(scaled.events()[0].message().unwrap().contains("CannotPullContainerError"));
    shop.push("missing").await;
    assert_eq!(shop.look("web").await.running_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_cannot_be_stopped() {
    let shop = shop_with_registry().await;
    shop.service("web", "web").send().await.unwrap();
    let arn = shop.latest("web").await.service_deployment_arn().unwrap().to_owned();
    let stop = shop.ecs.stop_service_deployment().service_deployment_arn(arn).send().await;
    assert_eq!(code(stop), "ConflictException");
}
