//! Calls that AWS refuses for a while: in the end there is one of everything, and nothing after the deletion.

use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::Component;

use crate::support::{inputs, tier, with_email, world_on};

async fn comes_and_goes(operation: &str, fault: Fault) {
    let what = format!("{operation}, {fault:?}");
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), When::Call(1), fault);
    let world = world_on(Emulator::builder().faults(plan).in_memory()).await;
    let before = world.left().await;
    let tier = tier(with_email());
    world.create(&tier, &inputs()).await;
    world.assert_settled(&tier, &inputs()).await;
    let mut kinds: Vec<_> = world.left().await.into_iter().map(|(kind, _)| kind).collect();
    kinds.retain(|kind| kind == "AWS::KMS::Key" || kind == "AWS::SNS::Subscription");
    assert_eq!(kinds.len(), 2, "{what}: {kinds:?}");
    tier.delete(&world.engine, &inputs()).await.unwrap_or_else(|error| panic!("{what}: {error:#?}"));
    let mut left = world.left().await;
    left.retain(|(kind, _)| kind != "AWS::KMS::Key");
    assert_eq!(left, before, "{what}");
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_waited_out() {
    for operation in ["PutMetricAlarm", "CreateTopic", "PutDashboard", "CreateSamplingRule"] {
        comes_and_goes(operation, Fault::Throttle).await;
    }
}
