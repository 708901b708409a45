//! Roles that belong to ECS and to Application Auto Scaling, in an account that never had them, at AWS's own pace.

use ecs::Args;
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::Component;
use testing::World;

use crate::support::{tier, with_image};
use crate::world::{PUBLIC, at_aws_pace, on, seconds};

const ROLES: [&str; 2] = ["AWSServiceRoleForECS", "AWSServiceRoleForApplicationAutoScaling_ECSService"];

async fn roles(world: &World) -> Vec<&'static str> {
    let mut found = Vec::new();
    for role in ROLES {
        if world.cx.iam().get_role().role_name(role).send().await.is_ok() {
            found.push(role);
        }
    }
    found
}

fn made(world: &World) -> usize {
    world.emulator.calls().iter().filter(|call| call.operation == "CreateServiceLinkedRole").count()
}

#[tokio::test(start_paused = true)]
async fn they_are_made_before_their_first_use_and_stay() {
    let (world, inputs) = at_aws_pace().await;
    assert_eq!(roles(&world).await, [""; 0]);
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    assert_eq!((roles(&world).await.as_slice(), made(&world)), (ROLES.as_slice(), 2));
    // The one of autoscaling is old enough by the time it is needed.
    let registered =
        world.emulator.calls().into_iter().filter(|call| call.operation == "RegisterScalableTarget");
    assert_eq!(registered.count(), 1);
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(roles(&world).await, ROLES);
    world.assert_nothing_recorded().await;
    // The next environment finds them.
    world.emulator.clear_calls();
    world.create(&tier, &inputs).await;
    assert_eq!(made(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn where_they_may_not_be_made_ecs_makes_them_and_its_refusals_are_waited_for() {
    let denied = Fault::Error { code: "AccessDenied".to_owned(), status: 403 };
    let operation = Counted::Operation("CreateServiceLinkedRole".to_owned());
    let faults = FaultPlan::default().with(operation, When::Share(1.0), denied);
    let (world, inputs) = on(Emulator::builder().latency(1.0).faults(faults).in_memory()).await;
    seconds(200).await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    assert_eq!(roles(&world).await, ROLES);
    let refused = |operation: &str| {
        world.emulator.calls().iter().filter(|call| call.operation == operation).count() > 1
    };
    assert!(refused("CreateCluster") && refused("RegisterScalableTarget") && refused("PutScalingPolicy"));
    seconds(60).await;
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_there_and_may_not_be_made_is_not_planned_again_and_again() {
    let denied = Fault::Error { code: "AccessDenied".to_owned(), status: 403 };
    let all = |operation: &str| Counted::Operation(operation.to_owned());
    let faults = FaultPlan::default().with(all("CreateServiceLinkedRole"), When::Share(1.0), denied);
    let world = World::on(Emulator::builder().faults(faults).in_memory(), ecs::kinds);
    let inputs = crate::world::surroundings(&world).await;
    let tier = tier(Args::default());
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    assert_eq!(world.drift::<ecs::Tier>().await, [""; 0]);
}
