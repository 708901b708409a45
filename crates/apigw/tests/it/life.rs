//! The whole tier through the engine: created, read, deleted.

use std::sync::Arc;

use apigw::Args;
use emulator::Emulator;
use engine::{Action, Component, Selector};
use testing::World;

use crate::support::{deployments, gateway, integration, left, private, stage, tier, world, world_on};

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    let (world, inputs) = world().await;
    for inputs in [inputs.clone(), private(inputs)] {
        let tier = tier(Args::default());
        let outputs = world.create(&tier, &inputs).await;
        let id = &outputs.api_id;
        assert_eq!(
            outputs.api_gateway_url,
            format!("https://{id}.execute-api.ap-southeast-1.amazonaws.com/dev")
        );
        assert_eq!(
            outputs.stage_arn,
            format!("arn:aws:apigateway:ap-southeast-1::/restapis/{id}/stages/dev")
        );
        assert_eq!(deployments(&world, &outputs).await.len(), 1);
        let live = stage(&world, &outputs).await;
        assert_eq!(live.web_acl_arn(), outputs.api_web_acl_arn.as_ref().map(|arn| arn.as_str()));
        let reading = tier.read(&world.engine, &inputs).await.unwrap();
        assert_eq!(reading.drift, []);
        assert_eq!(reading.outputs, Some(outputs));
        world.assert_settled(&tier, &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_private_load_balancer_is_called_by_its_arn_through_the_link() {
    let (world, inputs) = world().await;
    let inputs = private(inputs);
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    let live = integration(&world, &outputs, "/payments", "ANY").await;
    assert_eq!(live.connection_type().unwrap().as_str(), "VPC_LINK");
    assert_eq!(live.connection_id(), outputs.vpc_link_id.as_ref().map(|id| id.as_str()));
    assert_eq!(live.integration_target(), inputs.backend.alb_arn.literal().map(|arn| arn.as_str()));
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing_but_the_role_that_all_stacks_share() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    for inputs in [inputs.clone(), private(inputs)] {
        let tier = tier(Args::default());
        let outputs = world.create(&tier, &inputs).await;
        // As if requests had been made: API Gateway writes where the stage lets it.
        let group = format!("API-Gateway-Execution-Logs_{}/dev", outputs.api_id);
        let stream = world.cx.logs().create_log_stream().log_group_name(&group).log_stream_name("one");
        stream.send().await.unwrap();
        tier.delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(left(&world).await, before);
        assert_eq!(world.left().await.len(), before.len() + 1);
        world.assert_nothing_recorded().await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_awss_own_pace_it_comes_and_goes_just_the_same() {
    for way in [|inputs| inputs, private] {
        let emulator = Emulator::builder().latency(1.0).throttling(true).in_memory();
        let (world, inputs) = world_on(emulator).await;
        let inputs = way(inputs);
        let before = world.left().await;
        let tier = tier(Args::default());
        world.create(&tier, &inputs).await;
        world.assert_settled(&tier, &inputs).await;
        tier.delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(left(&world).await, before);
        world.assert_nothing_recorded().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_api_gateway_writes_about_its_own_work_is_not_kept_for_ever() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    let groups = world.cx.logs().describe_log_groups().send().await.unwrap();
    let found = groups.log_groups().iter().find(|group| {
        group.log_group_name() == Some(format!("API-Gateway-Execution-Logs_{}/dev", outputs.api_id).as_str())
    });
    assert_eq!(found.unwrap().retention_in_days(), Some(2557));
}

async fn execution_logs(world: &World) -> Vec<(String, Option<i32>)> {
    let groups = world.cx.logs().describe_log_groups().log_group_name_prefix("API-Gateway-Execution-Logs_");
    let groups = groups.send().await.unwrap().log_groups.unwrap();
    groups.into_iter().map(|group| (group.log_group_name.unwrap(), group.retention_in_days)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_api_that_somebody_deleted_leaves_no_log_behind() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    let old = world.create(&tier, &inputs).await;
    gateway(&world).delete_rest_api().rest_api_id(old.api_id.as_str()).send().await.unwrap();
    let new = world.create(&tier, &inputs).await;
    assert_ne!(new.api_id, old.api_id);
    let kept = format!("API-Gateway-Execution-Logs_{}/dev", new.api_id);
    assert_eq!(execution_logs(&world).await, [(kept, Some(2557))]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_api_gateway_made_by_itself_is_taken_over() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    let outputs = world.create(&tier, &inputs).await;
    let group = format!("API-Gateway-Execution-Logs_{}/dev", outputs.api_id);
    world.cx.logs().delete_log_group().log_group_name(&group).send().await.unwrap();
    let (graph, _) = testing::declare(&tier, &inputs).unwrap();
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(graph), &Selector::tier("apigw")).await.unwrap();
    assert_eq!(plan.step("apigw/execution-log-group").unwrap().action, Action::Create);
    // A request comes before the run does.
    world.cx.logs().create_log_group().log_group_name(&group).send().await.unwrap();
    session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(execution_logs(&world).await, [(group, Some(2557))]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_somebody_made_anew_is_brought_to_what_is_declared() {
    let (world, inputs) = world().await;
    let tier = tier(Args::default());
    let outputs = world.create(&tier, &inputs).await;
    let deployment = deployments(&world, &outputs).await.remove(0);
    let api = outputs.api_id.as_str();
    gateway(&world).delete_stage().rest_api_id(api).stage_name("dev").send().await.unwrap();
    let other = gateway(&world).create_stage().rest_api_id(api).stage_name("dev").deployment_id(deployment);
    other.send().await.unwrap();
    world.create(&tier, &inputs).await;
    let live = stage(&world, &outputs).await;
    assert!(live.access_log_settings().is_some() && live.web_acl_arn().is_some());
    world.assert_settled(&tier, &inputs).await;
}
