//! What somebody sets of scaling beside what is declared, and forgets.

use aws_sdk_applicationautoscaling::operation::register_scalable_target::builders::RegisterScalableTargetFluentBuilder;
use aws_sdk_applicationautoscaling::types::{
    PolicyType, ScalableDimension, ScalableTarget, ScalingPolicy, ServiceNamespace, SuspendedState,
};
use ecs::{Args, Tier};
use testing::World;

use crate::support::{tier, with_image};
use crate::world::{CLUSTER, PUBLIC, SERVICE, world};

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
