//! Deployments that move traffic: blue/green, linear, canary.

use aws_sdk_ecs::types::{
    CanaryConfiguration, DeploymentConfiguration, DeploymentStrategy, LinearConfiguration,
    ServiceDeploymentLifecycleStage,
};

use super::load_balancing::{Front, blue_green, forward, group, rule};
use super::seconds;
use aws_sdk_elasticloadbalancingv2::types::TargetTypeEnum;

impl Front {
    async fn deploy(&self) {
        let update = self.shop.ecs.update_service().cluster("shop").service("web").force_new_deployment(true);
        update.send().await.unwrap();
    }

    async fn status(&self) -> String {
        self.shop.latest("web").await.status().unwrap().as_str().to_owned()
    }

    async fn stage(&self) -> Option<ServiceDeploymentLifecycleStage> {
        self.shop.latest("web").await.lifecycle_stage
    }

    /// Waits for a stage of the latest deployment.
    async fn until(&self, stage: ServiceDeploymentLifecycleStage) {
        for _ in 0..3600 {
            if self.stage().await.as_ref() == Some(&stage) {
                return;
            }
            seconds(1).await;
        }
        panic!("never {stage}: {:?}", self.stage().await);
    }
}

#[tokio::test(start_paused = true)]
async fn each_deployment_goes_to_the_other_group() {
    let front = Front::new().await;
    let made = front.shifting(blue_green(10)).send().await.unwrap().service.unwrap();
    assert_eq!(made.load_balancers()[0].advanced_configuration(), Some(&front.advanced().build()));
    assert_eq!(made.deployment_configuration().unwrap().strategy(), Some(&DeploymentStrategy::BlueGreen));
    let groups = async || (front.targets(&front.blue).await, front.targets(&front.green).await);
    // The first one, as on AWS, in the alternate group.
    assert_eq!((front.weights(&front.production).await, groups().await), ((0, 100), (0, 2)));
    front.deploy().await;
    assert_eq!((front.weights(&front.production).await, groups().await), ((100, 0), (2, 0)));
    assert_eq!(front.weights(&front.test).await, (100, 0));
    front.deploy().await;
    assert_eq!((front.weights(&front.production).await, groups().await), ((0, 100), (0, 2)));

    let latest = front.shop.latest("web").await;
    assert_eq!(latest.status().unwrap().as_str(), "SUCCESSFUL");
    assert_eq!(latest.lifecycle_stage(), Some(&ServiceDeploymentLifecycleStage::CleanUp));
    let target = latest.target_service_revision().unwrap();
    assert_eq!(target.requested_production_traffic_weight(), Some(100.0));
    let revision = front.shop.ecs.describe_service_revisions().service_revision_arns(target.arn().unwrap());
    let revision = revision.send().await.unwrap().service_revisions.unwrap().remove(0);
    let resolved = &revision.resolved_configuration().unwrap().load_balancers()[0];
    assert_eq!(resolved.target_group_arn(), Some(&*front.green));
    assert_eq!(resolved.production_listener_rule(), Some(&*front.production));
}

#[tokio::test(start_paused = true)]
async fn groups_that_are_not_behind_the_rules_fail_the_deployment() {
    let front = Front::new().await;
    let other = group(&front.elb, "other", &front.shop.vpc, TargetTypeEnum::Ip).await;
    rule(&front.elb, &front.listener, 30, forward(&[(&other, 1)])).await;
    let advanced = front.advanced().alternate_target_group_arn(&other).build();
    let balancer = front.balancer().advanced_configuration(advanced).build();
    let create =
        front.shop.service("web", "web").load_balancers(balancer).deployment_configuration(blue_green(0));
    create.send().await.unwrap();
    let latest = front.shop.latest("web").await;
    assert_eq!(latest.status().unwrap().as_str(), "STOPPED");
    assert!(latest.status_reason().unwrap().contains("invalid networking configuration"));
    assert_eq!(front.shop.look("web").await.running_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn both_revisions_run_while_a_deployment_bakes() {
    use ServiceDeploymentLifecycleStage as Stage;
    let front = Front::at_aws_pace().await;
    front.shifting(blue_green(10)).send().await.unwrap();
    seconds(200).await;
    assert_eq!(front.status().await, "SUCCESSFUL");
    assert_eq!(front.weights(&front.production).await, (0, 100));

    front.deploy().await;
    front.until(Stage::PreScaleUp).await;
    front.until(Stage::ScaleUp).await;
    assert_eq!(front.weights(&front.production).await, (0, 100));
    front.until(Stage::TestTrafficShift).await;
    assert_eq!(
        (front.weights(&front.test).await, front.weights(&front.production).await),
        ((100, 0), (0, 100))
    );
    front.until(Stage::ProductionTrafficShift).await;
    assert_eq!(front.weights(&front.production).await, (100, 0));
    front.until(Stage::BakeTime).await;
    seconds(9 * 60).await;
    assert_eq!(
        (front.stage().await, front.shop.look("web").await.running_count()),
        (Some(Stage::BakeTime), 4)
    );
    assert_eq!((front.targets(&front.blue).await, front.targets(&front.green).await), (2, 2));
    front.until(Stage::CleanUp).await;
    assert_eq!(front.shop.look("web").await.running_count(), 2);
    assert_eq!(front.status().await, "IN_PROGRESS");
    seconds(400).await;
    assert_eq!(front.status().await, "SUCCESSFUL");
    assert_eq!(front.shop.look("web").await.deployments().len(), 1);
    assert_eq!(front.shop.interfaces().await - 2, 2);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_stopped_gives_traffic_back() {
    let front = Front::at_aws_pace().await;
    front.shifting(blue_green(10)).send().await.unwrap();
    seconds(200).await;
    front.deploy().await;
    front.until(ServiceDeploymentLifecycleStage::BakeTime).await;
    assert_eq!(front.weights(&front.production).await, (100, 0));
    let arn = front.shop.latest("web").await.service_deployment_arn().unwrap().to_owned();
    front.shop.ecs.stop_service_deployment().service_deployment_arn(&arn).send().await.unwrap();
    assert_eq!(front.status().await, "ROLLBACK_REQUESTED");
    assert_eq!(front.weights(&front.production).await, (100, 0));
    let again = front.shop.ecs.stop_service_deployment().service_deployment_arn(&arn).send().await.unwrap();
    assert_eq!(again.service_deployment_arn(), Some(&*arn));
    seconds(5).await;
    assert_eq!(front.status().await, "ROLLBACK_IN_PROGRESS");
    assert_eq!(front.weights(&front.production).await, (0, 100));
    seconds(60).await;
    assert_eq!(front.status().await, "ROLLBACK_SUCCESSFUL");
    assert_eq!((front.targets(&front.blue).await, front.targets(&front.green).await), (0, 2));
    // The next one goes to the group that is free. It is not seen at once.
    front.deploy().await;
    seconds(5).await;
    front.until(ServiceDeploymentLifecycleStage::BakeTime).await;
    assert_eq!(front.weights(&front.production).await, (100, 0));
}

#[tokio::test(start_paused = true)]
async fn a_canary_and_linear_steps_move_part_of_the_traffic_first() {
    let front = Front::at_aws_pace().await;
    let canary = CanaryConfiguration::builder().canary_percent(10.0).canary_bake_time_in_minutes(5).build();
    let configuration = DeploymentConfiguration::builder().strategy(DeploymentStrategy::Canary);
    let configuration = configuration.canary_configuration(canary.clone()).build();
    front.shifting(configuration).send().await.unwrap();
    seconds(200).await;
    assert_eq!(front.weights(&front.production).await, (0, 100));
    front.deploy().await;
    front.until(ServiceDeploymentLifecycleStage::ProductionTrafficShift).await;
    assert_eq!(front.weights(&front.production).await, (10, 90));
    let source = front.shop.latest("web").await.source_service_revisions()[0].clone();
    assert_eq!(source.requested_production_traffic_weight(), Some(90.0));
    seconds(4 * 60).await;
    assert_eq!(front.weights(&front.production).await, (10, 90));
    seconds(600).await;
    assert_eq!(
        (front.status().await, front.weights(&front.production).await),
        ("SUCCESSFUL".to_owned(), (100, 0))
    );

    let linear = LinearConfiguration::builder().step_percent(40.0).step_bake_time_in_minutes(1).build();
    let configuration = DeploymentConfiguration::builder().strategy(DeploymentStrategy::Linear);
    let update = front.shop.ecs.update_service().cluster("shop").service("web").force_new_deployment(true);
    let update = update.deployment_configuration(configuration.linear_configuration(linear.clone()).build());
    let told = update.send().await.unwrap().service.unwrap().deployment_configuration.unwrap();
    assert_eq!((told.linear_configuration(), told.canary_configuration()), (Some(&linear), None));
    front.until(ServiceDeploymentLifecycleStage::ProductionTrafficShift).await;
    assert_eq!(front.weights(&front.production).await, (60, 40));
    seconds(60).await;
    assert_eq!(front.weights(&front.production).await, (20, 80));
    seconds(60).await;
    assert_eq!(front.weights(&front.production).await, (0, 100));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_ecs_cannot_assume_shows_when_requests_are_to_move() {
    let front = Front::at_aws_pace().await;
    front.shifting(blue_green(10)).send().await.unwrap();
    let trust = crate::support::trusting("lambda.amazonaws.com");
    let update = front.shop.cloud.iam.update_assume_role_policy().role_name("infrastructure");
    update.policy_document(trust).send().await.unwrap();
    seconds(200).await;
    let latest = front.shop.latest("web").await;
    assert_eq!(latest.status().unwrap().as_str(), "STOPPED");
    assert!(latest.status_reason().unwrap().contains("unable to assume the role"), "{latest:?}");
}
