//! What somebody sets of scaling, the cluster and deployments beside what is declared, and forgets.

use aws_sdk_applicationautoscaling::operation::register_scalable_target::builders::RegisterScalableTargetFluentBuilder;
use aws_sdk_applicationautoscaling::types::{
    PolicyType, ScalableDimension, ScalableTarget, ScalingPolicy, ServiceNamespace, SuspendedState,
};
use aws_sdk_ecs::types::{
    CapacityProviderStrategyItem, Cluster, ClusterConfiguration, ClusterField,
    ClusterServiceConnectDefaultsRequest, DeploymentAlarms, DeploymentConfiguration, DeploymentLifecycleHook,
    DeploymentLifecycleHookStage, ExecuteCommandConfiguration, ExecuteCommandLogConfiguration,
    ExecuteCommandLogging, ManagedStorageConfiguration,
};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, Runtime};
use ecs::{Args, Tier};
use engine::Selector;
use testing::World;

use crate::support::{tier, with_image};
use crate::world::{CLUSTER, PUBLIC, SERVICE, deployments, ecs, service, world};

fn scaling(world: &World) -> aws_sdk_applicationautoscaling::Client {
    world.cx.client(aws_sdk_applicationautoscaling::Client::new)
}

fn resource() -> String {
    format!("service/{CLUSTER}/{SERVICE}")
}

async fn target(world: &World) -> ScalableTarget {
    let found = scaling(world).describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
    found.send().await.unwrap().scalable_targets.unwrap().remove(0)
}

async fn policy(world: &World) -> ScalingPolicy {
    let found = scaling(world).describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
    let found = found.policy_names("payment-cpu-scaling-dev").send().await.unwrap();
    found.scaling_policies.unwrap().remove(0)
}

fn register(world: &World) -> RegisterScalableTargetFluentBuilder {
    let register = scaling(world).register_scalable_target().service_namespace(ServiceNamespace::Ecs);
    register.resource_id(resource()).scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
}

fn suspended(of: [bool; 3]) -> SuspendedState {
    SuspendedState::builder()
        .dynamic_scaling_in_suspended(of[0])
        .dynamic_scaling_out_suspended(of[1])
        .scheduled_scaling_suspended(of[2])
        .build()
}

#[tokio::test(start_paused = true)]
async fn scaling_that_somebody_suspended_is_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    for state in [[true; 3], [false, true, false], [true, false, false], [false, false, true]] {
        register(&world).suspended_state(suspended(state)).send().await.unwrap();
        assert_eq!(world.drift::<Tier>().await, ["ecs/scalable-target: SuspendedState"]);
        world.create(&tier, &inputs).await;
        assert_eq!(world.drift::<Tier>().await, [""; 0]);
        assert_eq!(target(&world).await.suspended_state(), Some(&suspended([false; 3])));
        world.assert_settled(&tier, &inputs).await;
    }
    // Other bounds of ours end it as well: a plan of them shows it beside.
    register(&world).suspended_state(suspended([false, true, false])).send().await.unwrap();
    let more = self::tier(Args { desired_max: 17, ..with_image(PUBLIC) });
    world.create(&more, &inputs).await;
    let live = target(&world).await;
    assert_eq!((live.max_capacity(), live.suspended_state()), (17, Some(&suspended([false; 3]))));
    world.assert_settled(&more, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_takes_no_tasks_away_is_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let mut changed = policy(&world).await.target_tracking_scaling_policy_configuration.unwrap();
    changed.disable_scale_in = Some(true);
    let put = scaling(&world).put_scaling_policy().service_namespace(ServiceNamespace::Ecs);
    let put = put.resource_id(resource()).scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let put = put.policy_name("payment-cpu-scaling-dev").policy_type(PolicyType::TargetTrackingScaling);
    put.target_tracking_scaling_policy_configuration(changed).send().await.unwrap();
    let seen = "ecs/cpu-policy: TargetTrackingScalingPolicyConfiguration";
    assert_eq!(world.drift::<Tier>().await, [seen]);
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    let live = policy(&world).await;
    let live_configuration = live.target_tracking_scaling_policy_configuration().unwrap();
    assert_eq!((live_configuration.disable_scale_in(), live.alarms().len()), (Some(false), 2));
    world.assert_settled(&tier, &inputs).await;
}

async fn cluster(world: &World) -> Cluster {
    let found = ecs(world).describe_clusters().clusters(CLUSTER).include(ClusterField::Configurations);
    found.send().await.unwrap().clusters.unwrap().remove(0)
}

#[tokio::test(start_paused = true)]
async fn where_commands_in_containers_are_logged_is_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().arn.unwrap();
    let execute = ExecuteCommandConfiguration::builder;
    let bucket = ExecuteCommandLogConfiguration::builder().s3_bucket_name("theirs").build();
    for changed in [
        execute().logging(ExecuteCommandLogging::None),
        execute().logging(ExecuteCommandLogging::Override).log_configuration(bucket),
        execute().kms_key_id(&key),
    ] {
        let configuration = ClusterConfiguration::builder().execute_command_configuration(changed.build());
        let update = ecs(&world).update_cluster().cluster(CLUSTER).configuration(configuration.build());
        update.send().await.unwrap();
        world.assert_repaired(&tier, &inputs, &["ecs/cluster: Configuration"]).await;
        let live = cluster(&world).await.configuration.unwrap().execute_command_configuration.unwrap();
        assert_eq!((live.logging(), live.kms_key_id()), (Some(&ExecuteCommandLogging::Default), None));
    }

    // A key for the storage of tasks is said, and stays when something else is taken back.
    let storage = ManagedStorageConfiguration::builder().fargate_ephemeral_storage_kms_key_id(&key).build();
    let none = execute().logging(ExecuteCommandLogging::None).build();
    for execute in [None, Some(none)] {
        let is_drift = execute.is_some();
        let configuration = ClusterConfiguration::builder().managed_storage_configuration(storage.clone());
        let configuration = configuration.set_execute_command_configuration(execute).build();
        ecs(&world).update_cluster().cluster(CLUSTER).configuration(configuration).send().await.unwrap();
        let remarks = world.engine.look(&Selector::all()).await.unwrap().remarks();
        let said =
            &remarks.iter().find(|one| one.address.as_str() == "ecs/cluster").unwrap().accepted.because;
        assert!(said.starts_with(&format!("encrypts the storage of tasks with {key}")), "{said}");
        let drift = if is_drift { vec!["ecs/cluster: Configuration"] } else { Vec::new() };
        world.assert_repaired(&tier, &inputs, &drift).await;
        assert_eq!(
            cluster(&world).await.configuration.unwrap().managed_storage_configuration,
            Some(storage.clone())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_else_runs_in_the_cluster_and_joins_which_namespace_is_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let spot = CapacityProviderStrategyItem::builder().capacity_provider("FARGATE_SPOT").weight(1).build();
    let put = || {
        let put = ecs(&world).put_cluster_capacity_providers().cluster(CLUSTER);
        put.capacity_providers("FARGATE_SPOT").set_default_capacity_provider_strategy(Some(Vec::new()))
    };
    put().default_capacity_provider_strategy(spot.unwrap()).send().await.unwrap();
    world.assert_repaired(&tier, &inputs, &["ecs/cluster: DefaultCapacityProviderStrategy"]).await;
    let live = cluster(&world).await;
    // Alone, a provider does nothing.
    assert_eq!(live.capacity_providers(), ["FARGATE_SPOT"]);
    assert!(live.default_capacity_provider_strategy().is_empty());

    let defaults = ClusterServiceConnectDefaultsRequest::builder().namespace("theirs").build().unwrap();
    let update = ecs(&world).update_cluster().cluster(CLUSTER).service_connect_defaults(defaults);
    update.send().await.unwrap();
    world.assert_repaired(&tier, &inputs, &["ecs/cluster: ServiceConnectDefaults"]).await;
    assert_eq!(cluster(&world).await.service_connect_defaults(), None);
}

/// A zip archive with an empty file `a` (.ZIP File Format Specification, 4.3).
fn archive() -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend([0; 22]);
    bytes.extend([1, 0, 0, 0, b'a']);
    let directory = u32::try_from(bytes.len()).unwrap();
    bytes.extend(b"PK\x01\x02");
    bytes.extend([0; 24]);
    bytes.extend([1, 0]);
    bytes.extend([0; 16]);
    bytes.push(b'a');
    let size = u32::try_from(bytes.len()).unwrap() - directory;
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend(directory.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// A function that ECS may call.
async fn hook(world: &World) -> DeploymentLifecycleHook {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["ecs.amazonaws.com","lambda.amazonaws.com"]},"Action":"sts:AssumeRole"}]}"#;
    let role = world.cx.iam().create_role().role_name("theirs").assume_role_policy_document(trust);
    let role = role.send().await.unwrap().role.unwrap().arn;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let code = FunctionCode::builder().zip_file(Blob::new(archive())).build();
    let function = world.cx.client(aws_sdk_lambda::Client::new).create_function().function_name("theirs");
    let function = function.role(&role).code(code).handler("a.b").runtime(Runtime::Python313);
    let function = function.send().await.unwrap().function_arn.unwrap();
    DeploymentLifecycleHook::builder()
        .hook_target_arn(function)
        .role_arn(role)
        .lifecycle_stages(DeploymentLifecycleHookStage::PostTestTrafficShift)
        .build()
}

#[tokio::test(start_paused = true)]
async fn what_somebody_lets_end_deployments_is_drift() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let alarms =
        DeploymentAlarms::builder().alarm_names("theirs").enable(true).rollback(true).build().unwrap();
    let configuration = DeploymentConfiguration::builder;
    for changed in [configuration().alarms(alarms), configuration().lifecycle_hooks(hook(&world).await)] {
        let update = ecs(&world).update_service().cluster(CLUSTER).service(SERVICE);
        update.deployment_configuration(changed.build()).send().await.unwrap();
        world.assert_repaired(&tier, &inputs, &["ecs/service: DeploymentConfiguration"]).await;
        let live = service(&world).await.deployment_configuration.unwrap();
        assert!(live.lifecycle_hooks().is_empty() && !live.alarms().is_some_and(DeploymentAlarms::enable));
    }
    // Nothing was deployed for it.
    assert_eq!(deployments(&world).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_somebody_moved_to_spot_capacity_come_back_and_the_service_stays() {
    let (world, inputs) = world().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    let before = service(&world).await;
    let put =
        ecs(&world).put_cluster_capacity_providers().cluster(CLUSTER).capacity_providers("FARGATE_SPOT");
    put.set_default_capacity_provider_strategy(Some(Vec::new())).send().await.unwrap();
    let spot = CapacityProviderStrategyItem::builder().capacity_provider("FARGATE_SPOT").weight(1).build();
    let update = ecs(&world).update_service().cluster(CLUSTER).service(SERVICE).force_new_deployment(true);
    update.capacity_provider_strategy(spot.unwrap()).send().await.unwrap();
    assert_eq!(service(&world).await.launch_type(), None);
    world.assert_repaired(&tier, &inputs, &["ecs/service: LaunchType"]).await;
    let live = service(&world).await;
    assert_eq!(live.launch_type().map(|kind| kind.as_str()), Some("FARGATE"));
    assert!(live.capacity_provider_strategy().is_empty());
    assert_eq!(live.created_at(), before.created_at());
}
