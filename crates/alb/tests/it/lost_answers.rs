//! Calls whose answers are lost, before or after they took effect: each time there is one of everything in the end, and
//! nothing after the deletion.

use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use engine::Component;

use crate::support::{tier, with_certificate, world_on};

const CREATES: [&str; 9] = [
    "CreateBucket",
    "PutBucketPolicy",
    "CreateLoadBalancer",
    "CreateTargetGroup",
    "CreateListener",
    "CreateRule",
    "CreateWebACL",
    "AssociateWebACL",
    "PutLoggingConfiguration",
];

const UPDATES: [&str; 4] = [
    "PutBucketVersioning",
    "PutBucketLifecycleConfiguration",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroupAttributes",
];

const DELETES: [&str; 9] = [
    "DeleteBucket",
    "DeleteBucketPolicy",
    "DeleteLoadBalancer",
    "DeleteTargetGroup",
    "DeleteListener",
    "DeleteRule",
    "DeleteWebACL",
    "DisassociateWebACL",
    "DeleteLoggingConfiguration",
];

async fn comes_and_goes(operation: &str, fault: Fault) {
    let what = format!("{operation}, {fault:?}");
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), When::Call(1), fault);
    let (world, inputs) = world_on(Emulator::builder().faults(plan).in_memory()).await;
    let before = world.left().await;
    let tier = tier(with_certificate());
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap_or_else(|error| panic!("{what}: {error:#?}"));
    assert_eq!(world.left().await, before, "{what}");
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_lost_after_the_effect() {
    for operation in CREATES.into_iter().chain(UPDATES).chain(DELETES) {
        comes_and_goes(operation, Fault::TimeOut(Moment::AfterEffect)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_is_lost_before_the_effect() {
    for operation in CREATES.into_iter().chain(UPDATES).chain(DELETES) {
        comes_and_goes(operation, Fault::ConnectionReset(Moment::BeforeEffect)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttle_or_a_change_that_another_one_overtook_is_waited_out() {
    let overtaken = Fault::Error { code: "WAFOptimisticLockException".to_owned(), status: 400 };
    let unavailable = Fault::Error { code: "WAFUnavailableEntityException".to_owned(), status: 400 };
    for (operation, fault) in [
        ("CreateLoadBalancer", Fault::Throttle),
        ("CreateBucket", Fault::Throttle),
        ("CreateWebACL", Fault::Throttle),
        ("DeleteWebACL", overtaken),
        ("AssociateWebACL", unavailable),
    ] {
        comes_and_goes(operation, fault).await;
    }
}
