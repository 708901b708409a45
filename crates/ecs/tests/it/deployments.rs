//! Deployments that fail, and deployments that take their time.

use std::sync::Arc;

use async_trait::async_trait;
use ecs::{Args, Tier};
use emulator::{Call, Emulator, Layer, Next, Reply};
use engine::Component;
use testing::{ACCOUNT, REGION};
use tokio::time::Instant;

use crate::support::{tier, with_image};
use crate::world::{
    CLUSTER, PUBLIC, SERVICE, at_aws_pace, deployments, ecs, on, paced, push, push_to, revisions, seconds,
    service, unseen_images, world,
};

#[tokio::test(start_paused = true)]
async fn a_rollback_is_a_failed_run_and_the_next_run_tries_again() {
    let (world, inputs) = on(unseen_images().in_memory()).await;
    world.create(&tier(Args::default()), &inputs).await;
    push(&world, "v1").await;
    world.create(&tier(with_image(":v1")), &inputs).await;

    let broken = tier(with_image(":v2"));
    for attempt in 1..=2 {
        let error = broken.create(&world.engine, &inputs).await.unwrap_err().to_string();
        assert!(error.contains("update of ecs/service failed"), "{error}");
        assert!(error.contains("its deployment ended as ROLLBACK_SUCCESSFUL"), "{error}");
        assert!(error.contains("CannotPullContainerError"), "{error}");
        let failed =
            deployments(&world).await.iter().filter(|status| *status == "ROLLBACK_SUCCESSFUL").count();
        assert_eq!(failed, attempt);
        // What ran before runs, and its task definition is kept for that.
        assert_eq!(service(&world).await.running_count(), 2);
        assert_eq!(revisions(&world).await, ["payment-app-dev:2", "payment-app-dev:3"]);
        assert!(!world.plan(&broken, &inputs).await.is_empty());
    }
    // The image is there now.
    push(&world, "v2").await;
    world.create(&broken, &inputs).await;
    assert_eq!(deployments(&world).await[0], "SUCCESSFUL");
    assert_eq!(revisions(&world).await, ["payment-app-dev:3"]);
    world.assert_settled(&broken, &inputs).await;
}

/// What cannot be pulled is refused before anything is made for it, and again until it is there.
#[tokio::test(start_paused = true)]
async fn a_release_of_an_image_that_is_not_there_is_refused_before_any_call() {
    let (world, inputs) = world().await;
    let released = tier(with_image(":v1"));
    let refused = async |because: &str| {
        world.mutations();
        let error = released.create(&world.engine, &inputs).await.unwrap_err().to_string();
        assert!(error.starts_with("ecs/task-definition: ") && error.contains(because), "{error}");
        assert_eq!(world.mutations(), [""; 0]);
    };
    // The repository itself is not there yet, and nothing can be in it.
    refused("there is no image `:v1` in the repository payment-app-dev of registry 123456789012").await;
    world.create(&tier(Args::default()), &inputs).await;
    refused("there is no image `:v1` in the repository payment-app-dev of registry 123456789012").await;
    push(&world, "v1").await;
    world.create(&released, &inputs).await;
    assert_eq!(service(&world).await.running_count(), 2);
    // A state that was lost is no reason to refuse it.
    let lost = world.that_lost_its_state(ecs::kinds);
    lost.create(&released, &inputs).await;
    assert_eq!(service(&lost).await.running_count(), 2);
    // A digest is looked for as well, and the repository itself.
    let digest = format!("@sha256:{}", "0f".repeat(32));
    for image in [digest, format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/app:v1")] {
        let error = tier(with_image(&image)).create(&world.engine, &inputs).await.unwrap_err().to_string();
        assert!(error.contains("there is no image"), "{error}");
    }
    // What runs is not looked at again.
    let ecr = world.cx.client(aws_sdk_ecr::Client::new);
    let id = aws_sdk_ecr::types::ImageIdentifier::builder().image_tag("v1").build();
    ecr.batch_delete_image().repository_name("payment-app-dev").image_ids(id).send().await.unwrap();
    world.assert_settled(&released, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_rollback_one_can_go_back() {
    let (world, inputs) = on(unseen_images().in_memory()).await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    tier(with_image(":v2")).create(&world.engine, &inputs).await.unwrap_err();
    let good = tier(with_image(PUBLIC));
    world.create(&good, &inputs).await;
    assert_eq!(revisions(&world).await.len(), 1);
    assert_eq!(deployments(&world).await[0], "SUCCESSFUL");
    world.assert_settled(&good, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_release_of_somebody_elses_is_not_held_against_the_next_change() {
    let (world, inputs) = world().await;
    let outputs = world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let definition =
        ecs(&world).describe_task_definition().task_definition(outputs.task_definition_arn.as_str());
    let definition = definition.send().await.unwrap().task_definition.unwrap();
    let mut containers = definition.container_definitions.unwrap();
    containers[0].image = Some(format!("{}:none", outputs.repository_uri));
    let other = ecs(&world)
        .register_task_definition()
        .family("other")
        .cpu("512")
        .memory("1024")
        .network_mode("awsvpc".into())
        .requires_compatibilities("FARGATE".into())
        .set_execution_role_arn(definition.execution_role_arn)
        .set_container_definitions(Some(containers))
        .set_volumes(definition.volumes);
    other.send().await.unwrap();
    let update = ecs(&world).update_service().cluster(CLUSTER).service(SERVICE);
    update.task_definition("other:1").send().await.unwrap();
    assert_eq!(deployments(&world).await, ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]);
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier(with_image(PUBLIC)), &inputs).await;

    let longer = tier(Args { bake_time_minutes: 20, ..with_image(PUBLIC) });
    world.create(&longer, &inputs).await;
    assert_eq!(deployments(&world).await[0], "SUCCESSFUL");
    world.assert_settled(&longer, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_ran_is_made_anew() {
    let (world, inputs) = on(unseen_images().in_memory()).await;
    let broken = tier(with_image(&format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/other:v2")));
    let error = broken.create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(error.contains("create of ecs/service failed"), "{error}");
    assert!(error.contains("CannotPullContainerError"), "{error}");
    let ecr = world.cx.client(aws_sdk_ecr::Client::new);
    ecr.create_repository().repository_name("other").send().await.unwrap();
    push_to(&world, "other", "v2").await;
    world.create(&broken, &inputs).await;
    assert_eq!(service(&world).await.running_count(), 2);
    world.assert_settled(&broken, &inputs).await;
    broken.delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn a_release_is_waited_for_to_the_end_of_its_bake_time() {
    let (world, inputs) = at_aws_pace().await;
    let before = world.left().await;
    let tier_of = |cpu, memory| tier(Args { cpu, memory, ..with_image(PUBLIC) });
    let start = Instant::now();
    world.create(&tier_of(512, 1024), &inputs).await;
    let first = start.elapsed().as_secs();
    assert!((60..600).contains(&first), "{first}");
    let start = Instant::now();
    world.create(&tier_of(1024, 2048), &inputs).await;
    let release = start.elapsed().as_secs();
    assert!((600..1800).contains(&release), "{release}");
    assert_eq!(deployments(&world).await, ["SUCCESSFUL", "SUCCESSFUL"]);
    world.assert_settled(&tier_of(1024, 2048), &inputs).await;
    tier_of(1024, 2048).delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before);
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn at_aws_pace_too_a_rollback_is_a_failed_run() {
    let (world, inputs) = paced(unseen_images()).await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let broken = tier(with_image(":v2"));
    let error = broken.create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(error.contains("its deployment ended as ROLLBACK_SUCCESSFUL"), "{error}");
    let good = tier(with_image(PUBLIC));
    world.create(&good, &inputs).await;
    seconds(60).await;
    world.assert_settled(&good, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ended_in_the_middle_of_a_release_is_taken_up() {
    let (world, inputs) = at_aws_pace().await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let larger = tier(Args { cpu: 1024, memory: 2048, ..with_image(PUBLIC) });
    {
        let run = larger.create(&world.engine, &inputs);
        tokio::select! {
            _ = run => panic!("a release takes longer"),
            () = seconds(120) => {}
        }
    }
    // The lock of the run that is gone is taken over once its lease is over.
    seconds(600).await;
    world.create(&larger, &inputs).await;
    assert_eq!(deployments(&world).await, ["SUCCESSFUL", "SUCCESSFUL"]);
    assert_eq!(revisions(&world).await, ["payment-app-dev:2"]);
    world.assert_settled(&larger, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn after_ninety_days_an_update_that_deploys_nothing_is_done() {
    let (world, inputs) = world().await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    seconds(91 * 24 * 60 * 60).await;
    assert_eq!(deployments(&world).await, [""; 0]);
    let longer = tier(Args { bake_time_minutes: 20, ..with_image(PUBLIC) });
    let start = Instant::now();
    world.create(&longer, &inputs).await;
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert_eq!(deployments(&world).await, [""; 0]);
    world.assert_settled(&longer, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_is_deleted_once_its_deployment_lets_it_go() {
    let (world, inputs) = at_aws_pace().await;
    let good = tier(with_image(PUBLIC));
    world.create(&good, &inputs).await;
    world.emulator.clear_calls();
    let called =
        |operation: &str| world.emulator.calls().iter().filter(|call| call.operation == operation).count();
    // Somebody releases while it is being deleted.
    let release = async {
        while called("DeregisterScalableTarget") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let update = ecs(&world).update_service().cluster(CLUSTER).service(SERVICE);
        update.force_new_deployment(true).send().await.unwrap();
    };
    let (deleted, ()) = tokio::join!(good.delete(&world.engine, &inputs), release);
    deleted.unwrap();
    assert!(called("DeleteService") > 1, "it was never refused");
    world.assert_nothing_recorded().await;
}

/// The worse of the two ways in which ECS may take another production listener rule: it keeps the one that it has.
struct KeepsItsRule;

#[async_trait]
impl Layer for KeepsItsRule {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        let mut call = call.clone();
        if call.operation == "UpdateService" {
            let mut parameters = serde_json::Value::clone(&call.parameters);
            if let Some(members) = parameters.as_object_mut() {
                members.remove("loadBalancers");
            }
            call.parameters = Arc::new(parameters);
        }
        next.run(&call).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_production_listener_rule_that_ecs_does_not_take_up_is_an_error() {
    let (world, mut inputs) = on(Emulator::builder().rule(KeepsItsRule).in_memory()).await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let before = inputs.load_balancer.production_rule_arn.clone();
    inputs.load_balancer.production_rule_arn = inputs.load_balancer.test_rule_arn.take().unwrap();
    let error = tier.create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(error.contains("ECS kept the production listener rule"), "{error}");
    inputs.load_balancer.test_rule_arn = Some(inputs.load_balancer.production_rule_arn.clone());
    inputs.load_balancer.production_rule_arn = before;
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_for_its_roles_sake_is_made_once_more() {
    let (world, inputs) = at_aws_pace().await;
    let iam = world.cx.iam();
    const ROLE: &str = "payment-ecs-load-balancer-ap-southeast-1-dev";
    let trust = |service: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        iam.update_assume_role_policy().role_name(ROLE).policy_document(text).send()
    };
    let listed = async || {
        let request = ecs(&world).list_service_deployments().cluster(CLUSTER).service(SERVICE).send().await;
        let listed = request.ok().and_then(|listed| listed.service_deployments).unwrap_or_default();
        listed.into_iter().map(|one| one.status.unwrap().as_str().to_owned()).collect::<Vec<_>>()
    };
    // As a role is that other services do not know yet.
    let meddle = async {
        while listed().await.is_empty() {
            seconds(1).await;
        }
        trust("lambda.amazonaws.com").await.unwrap();
        while !listed().await.contains(&"STOPPED".to_owned()) {
            seconds(1).await;
        }
        trust("ecs.amazonaws.com").await.unwrap();
    };
    let tier = tier(with_image(PUBLIC));
    let (_, ()) = tokio::join!(world.create(&tier, &inputs), meddle);
    assert_eq!(deployments(&world).await[0], "SUCCESSFUL");
    assert!(deployments(&world).await.contains(&"STOPPED".to_owned()));
    seconds(60).await;
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_for_its_roles_sake_twice_is_a_failed_run() {
    let (world, inputs) = at_aws_pace().await;
    let good = tier(with_image(PUBLIC));
    world.create(&good, &inputs).await;
    let iam = world.cx.iam();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let meddle = async {
        while deployments(&world).await.len() < 2 {
            seconds(1).await;
        }
        let update = iam.update_assume_role_policy().policy_document(trust);
        update.role_name("payment-ecs-load-balancer-ap-southeast-1-dev").send().await.unwrap();
    };
    let larger = tier(Args { cpu: 1024, memory: 2048, ..with_image(PUBLIC) });
    let (failed, ()) = tokio::join!(larger.create(&world.engine, &inputs), meddle);
    let error = failed.unwrap_err().to_string();
    // Once ECS has seen that it may not take the role, it does not even begin.
    assert!(error.contains("nable to assume"), "{error}");
}
