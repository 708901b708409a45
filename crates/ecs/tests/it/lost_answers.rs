//! Calls whose answers are lost: each in turn, and nothing is made twice or left behind.

use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use engine::Component;

use crate::support::{tier, with_image};
use crate::world::{PUBLIC, deployments, on, revisions, world};

/// The calls that change something while the tier is created.
async fn calls() -> Vec<String> {
    let (world, inputs) = world().await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let mut calls = world.mutations();
    calls.sort();
    calls
}

#[tokio::test(start_paused = true)]
async fn whatever_answer_is_lost_it_is_made_once_and_leaves_nothing() {
    let calls = calls().await;
    let operations: std::collections::BTreeSet<&String> = calls.iter().collect();
    for operation in operations {
        let times = calls.iter().filter(|call| *call == operation).count();
        for number in 1..=times {
            lose(operation, u64::try_from(number).unwrap()).await;
        }
    }
}

async fn lose(operation: &str, number: u64) {
    let what = format!("{operation} {number}");
    let when = When::Call(number + made_before(operation));
    let lost = Fault::TimeOut(Moment::AfterEffect);
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), when, lost);
    let (world, inputs) = on(Emulator::builder().faults(plan).in_memory()).await;
    let before = world.left().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    assert_eq!(revisions(&world).await.len(), 1, "{what}");
    assert_eq!(deployments(&world).await.len(), 1, "{what}");
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before, "{what}");
}

/// How often the tests themselves call an operation before the tier is created.
fn made_before(operation: &str) -> u64 {
    match operation {
        "CreateSecurityGroup" => 2,
        _ => 0,
    }
}
