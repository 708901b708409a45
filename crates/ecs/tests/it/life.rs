//! The whole tier through the engine: created, read, changed, replaced, repaired, deleted.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{ImageIdentifier, ImageScanningConfiguration, TargetStorageClass};
use aws_sdk_ecs::types::ClusterSetting;
use ecs::{Args, Repository, Tier};
use engine::{Action, Component};

use crate::support::{tier, with_image};
use crate::world::{CLUSTER, PUBLIC, SERVICE, deployments, ecs, push, revisions, service, world};

fn is_update(action: &Action) -> bool {
    *action == Action::Update
}

fn is_replace(action: &Action) -> bool {
    matches!(action, Action::Replace { .. })
}

fn is_create(action: &Action) -> bool {
    *action == Action::Create
}

fn is_delete(action: &Action) -> bool {
    *action == Action::Delete
}

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    let outputs = world.create(&tier, &inputs).await;
    assert!(outputs.repository_uri.as_str().ends_with(".amazonaws.com/payment-app-dev"));
    assert!(outputs.ecs_service_arn.as_str().ends_with(&format!(":service/{CLUSTER}/{SERVICE}")));
    assert!(outputs.task_definition_arn.as_str().ends_with(":task-definition/payment-app-dev:1"));
    assert_eq!(service(&world).await.running_count(), 2);
    let reading = tier.read(&world.engine, &inputs).await.unwrap();
    assert_eq!(reading.drift, []);
    assert_eq!(reading.outputs, Some(outputs));
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing_not_even_images() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    let tier = tier(with_image(PUBLIC));
    for _ in 0..2 {
        world.create(&tier, &inputs).await;
        push(&world, "v1").await;
        tier.delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(world.left().await, before);
        world.assert_nothing_recorded().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_repository_whose_images_are_to_stay_is_not_deleted_with_them() {
    let (world, inputs) = world().await;
    let keep = Repository { delete_images: false, ..Repository::default() };
    let tier = tier(Args { repository: keep, ..Args::default() });
    world.create(&tier, &inputs).await;
    push(&world, "v1").await;
    let error = tier.delete(&world.engine, &inputs).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "protected, but would be deleted or replaced: ecs/repository (with 1 image, EmptyOnDelete as last applied and as \
         configured now)"
    );
}

#[tokio::test(start_paused = true)]
async fn an_archived_image_is_an_image_all_the_same() {
    let (world, inputs) = world().await;
    let keep = Repository { delete_images: false, ..Repository::default() };
    let tier = tier(Args { repository: keep, ..Args::default() });
    world.create(&tier, &inputs).await;
    push(&world, "v1").await;
    let ecr = world.cx.client(aws_sdk_ecr::Client::new);
    let update = ecr.update_image_storage_class().repository_name("payment-app-dev");
    let update = update.image_id(ImageIdentifier::builder().image_tag("v1").build());
    update.target_storage_class(TargetStorageClass::Archive).send().await.unwrap();
    let error = tier.delete(&world.engine, &inputs).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "protected, but would be deleted or replaced: ecs/repository (with 1 image, EmptyOnDelete as last applied and as \
         configured now)"
    );
}

#[tokio::test(start_paused = true)]
async fn without_an_image_it_waits_for_one_and_then_runs_it() {
    let (world, inputs) = world().await;
    let empty = tier(Args::default());
    let outputs = world.create(&empty, &inputs).await;
    assert_eq!(outputs.next_steps[1], "Deploy it: `stack deploy app.tar`");
    assert_eq!((service(&world).await.desired_count(), service(&world).await.running_count()), (0, 0));
    world.assert_settled(&empty, &inputs).await;

    push(&world, "v1").await;
    let running = tier(with_image(":v1"));
    assert_eq!(world.planned(&running, &inputs, is_update).await, ["ecs/service"]);
    assert_eq!(world.planned(&running, &inputs, is_replace).await, ["ecs/task-definition"]);
    let mut created = world.planned(&running, &inputs, is_create).await;
    created.sort();
    assert_eq!(
        created,
        ["ecs/autoscaling-linked-role", "ecs/cpu-policy", "ecs/memory-policy", "ecs/scalable-target"]
    );
    let outputs = world.create(&running, &inputs).await;
    assert_eq!(outputs.next_steps, [""; 0]);
    assert_eq!((service(&world).await.desired_count(), service(&world).await.running_count()), (2, 2));
    world.assert_settled(&running, &inputs).await;

    world.create(&empty, &inputs).await;
    assert_eq!((service(&world).await.desired_count(), service(&world).await.running_count()), (0, 0));
    world.assert_settled(&empty, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn bounds_targets_and_settings_change_in_place() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let changed = tier(Args {
        desired_min: 3,
        desired_max: 6,
        cpu_target: 60,
        memory_target: 75,
        scale_in_cooldown: 120,
        bake_time_minutes: 5,
        health_check_grace_period_seconds: 90,
        insights: "enabled".to_owned(),
        log_retention_in_days: 30,
        repository: Repository { keep_images: 5, ..Repository::default() },
        ..with_image(PUBLIC)
    });
    let mut updated = world.planned(&changed, &inputs, is_update).await;
    updated.sort();
    assert_eq!(
        updated,
        [
            "ecs/app-log-group",
            "ecs/cluster",
            "ecs/cpu-policy",
            "ecs/memory-policy",
            "ecs/repository",
            "ecs/scalable-target",
            "ecs/service",
            "ecs/tracing-log-group",
        ]
    );
    assert_eq!(world.planned(&changed, &inputs, is_replace).await, [""; 0]);
    assert_eq!(world.create(&changed, &inputs).await, before);
    assert_eq!(service(&world).await.running_count(), 3);
    // Nothing of this is a release.
    assert_eq!(deployments(&world).await, ["SUCCESSFUL"]);
    world.assert_settled(&changed, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn what_must_be_ready_can_change_and_ecs_is_not_told() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    for ready in [vec!["db-1".into(), "nat-1".into()], vec!["db-2".into()], Vec::new()] {
        let inputs = ecs::Inputs { ready, ..inputs.clone() };
        assert_eq!(world.planned(&tier, &inputs, is_update).await, ["ecs/service"]);
        world.mutations();
        world.create(&tier, &inputs).await;
        assert_eq!(world.mutations(), [""; 0]);
        world.assert_settled(&tier, &inputs).await;
    }
    assert_eq!(deployments(&world).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tags_change_on_everything_that_has_tags() {
    let (world, inputs) = world().await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let tags = BTreeMap::from([("Team".to_owned(), "payments".to_owned())]);
    let tagged = tier(Args { tags, ..with_image(PUBLIC) });
    assert_eq!(world.planned(&tagged, &inputs, is_replace).await, [""; 0]);
    world.create(&tagged, &inputs).await;
    world.assert_settled(&tagged, &inputs).await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    world.assert_settled(&tier(with_image(PUBLIC)), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn another_task_is_another_revision_and_the_old_one_goes_after_the_release() {
    let (world, inputs) = world().await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let larger = tier(Args { cpu: 1024, memory: 2048, ..with_image(PUBLIC) });
    assert_eq!(world.planned(&larger, &inputs, is_replace).await, ["ecs/task-definition"]);
    assert_eq!(world.planned(&larger, &inputs, is_update).await, ["ecs/service"]);
    world.mutations();
    world.create(&larger, &inputs).await;
    let calls = world.mutations();
    assert_eq!(calls, ["RegisterTaskDefinition", "UpdateService", "DeregisterTaskDefinition"]);
    assert_eq!(revisions(&world).await, ["payment-app-dev:2"]);
    assert_eq!(deployments(&world).await, ["SUCCESSFUL", "SUCCESSFUL"]);
    world.assert_settled(&larger, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_comes_and_goes_takes_its_rules_along() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    let without = ecs::Inputs { database: None, ..inputs.clone() };
    world.create(&tier, &without).await;
    let mut created = world.planned(&tier, &inputs, is_create).await;
    created.sort();
    assert_eq!(created, ["ecs/database-from-tasks", "ecs/to-database"]);
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    assert_eq!(world.planned(&tier, &without, is_delete).await.len(), 2);
    world.create(&tier, &without).await;
    world.assert_settled(&tier, &without).await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_is_found_and_repaired() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let ecr = world.cx.client(aws_sdk_ecr::Client::new);
    let scanning = ImageScanningConfiguration::builder().scan_on_push(false).build();
    let put = ecr.put_image_scanning_configuration().repository_name("payment-app-dev");
    put.image_scanning_configuration(scanning).send().await.unwrap();
    let insights = ClusterSetting::builder().name("containerInsights".into()).value("disabled").build();
    ecs(&world).update_cluster_settings().cluster(CLUSTER).settings(insights).send().await.unwrap();
    let update = ecs(&world).update_service().cluster(CLUSTER).service(SERVICE);
    update.health_check_grace_period_seconds(5).enable_execute_command(true).send().await.unwrap();
    let scaling = world.cx.client(aws_sdk_applicationautoscaling::Client::new);
    let resource = format!("service/{CLUSTER}/{SERVICE}");
    let register = scaling.register_scalable_target().service_namespace("ecs".into()).resource_id(&resource);
    let register = register.scalable_dimension("ecs:service:DesiredCount".into());
    register.max_capacity(99).send().await.unwrap();
    let delete = scaling.delete_scaling_policy().policy_name("payment-cpu-scaling-dev");
    let delete = delete.service_namespace("ecs".into()).resource_id(&resource);
    delete.scalable_dimension("ecs:service:DesiredCount".into()).send().await.unwrap();
    let mut drift = world.drift::<Tier>().await;
    drift.sort();
    assert_eq!(
        drift,
        [
            "ecs/cluster: ClusterSettings",
            "ecs/cpu-policy: gone",
            "ecs/repository: ImageScanningConfiguration",
            "ecs/scalable-target: MaxCapacity",
            "ecs/service: EnableExecuteCommand",
            "ecs/service: HealthCheckGracePeriodSeconds",
        ]
    );
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn how_many_tasks_there_are_is_autoscalings_but_not_whether_there_are_any() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let scale = async |count| {
        let update = ecs(&world).update_service().cluster(CLUSTER).service(SERVICE);
        update.desired_count(count).send().await.unwrap();
    };
    scale(7).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    assert_eq!(service(&world).await.desired_count(), 7);
    scale(0).await;
    assert_eq!(world.drift::<Tier>().await, ["ecs/service: DesiredCount"]);
    world.create(&tier, &inputs).await;
    assert_eq!(service(&world).await.running_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deleted_is_made_again() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    ecs(&world).delete_service().cluster(CLUSTER).service(SERVICE).force(true).send().await.unwrap();
    let arn = service_definition(&world).await;
    ecs(&world).deregister_task_definition().task_definition(arn).send().await.unwrap();
    let mut drift = world.drift::<Tier>().await;
    drift.sort();
    // AWS takes the scaling of a service along with it.
    assert_eq!(
        drift,
        [
            "ecs/cpu-policy: gone",
            "ecs/memory-policy: gone",
            "ecs/scalable-target: gone",
            "ecs/service: gone",
            "ecs/task-definition: gone",
        ]
    );
    world.create(&tier, &inputs).await;
    assert_eq!(service(&world).await.running_count(), 2);
    world.assert_settled(&tier, &inputs).await;
}

async fn service_definition(world: &testing::World) -> String {
    revisions(world).await.remove(0)
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_is_not_taken_over() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    ecs(&world).create_cluster().cluster_name(CLUSTER).send().await.unwrap();
    let ecr = world.cx.client(aws_sdk_ecr::Client::new);
    ecr.create_repository().repository_name("payment-app-dev").send().await.unwrap();
    let error = tier.create(&world.engine, &inputs).await.unwrap_err().to_string();
    for object in ["image repository payment-app-dev", "ECS cluster payment-cluster-dev"] {
        assert!(error.contains(&format!("looking for {object}: it exists already")), "{error}");
    }
    // What is in the way goes, and the next run goes on.
    ecs(&world).delete_cluster().cluster(CLUSTER).send().await.unwrap();
    ecr.delete_repository().repository_name("payment-app-dev").send().await.unwrap();
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_of_the_same_name_is_not_taken_over() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    let outputs = world.create(&tier, &inputs).await;
    // Made anew behind its back, later, without our tags.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    ecs(&world).delete_service().cluster(CLUSTER).service(SERVICE).force(true).send().await.unwrap();
    let before = service(&world).await;
    ecs(&world)
        .create_service()
        .cluster(CLUSTER)
        .service_name(SERVICE)
        .task_definition(outputs.task_definition_arn.as_str())
        .desired_count(0)
        .launch_type("FARGATE".into())
        .set_network_configuration(before.network_configuration)
        .send()
        .await
        .unwrap();
    assert!(world.drift::<Tier>().await.contains(&"ecs/service: gone".to_owned()));
    let error = tier.create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(error.contains("create of ecs/service failed"), "{error}");
    tier.delete(&world.engine, &inputs).await.unwrap_err();
    assert_eq!(service(&world).await.status(), Some("ACTIVE"));
}
