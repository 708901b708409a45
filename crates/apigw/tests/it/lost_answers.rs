//! Calls whose answers are lost: each in turn, and nothing is made twice or left behind.

use std::collections::BTreeSet;

use apigw::Args;
use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use engine::Component;

use crate::support::{deployments, left, private, tier, world, world_on};

/// How often each mutating call is made while the tier comes, changes and goes.
async fn calls() -> Vec<String> {
    let (world, inputs) = world().await;
    let inputs = private(inputs);
    world.create(&tier(Args::default()), &inputs).await;
    world.create(&changed(), &inputs).await;
    changed().delete(&world.engine, &inputs).await.unwrap();
    world.mutations()
}

fn changed() -> apigw::Tier {
    tier(Args { backend_path: "/v1".to_owned(), monthly_quota: 5, ..Args::default() })
}

#[tokio::test(start_paused = true)]
async fn whatever_answer_is_lost_it_is_made_once_and_leaves_nothing() {
    let calls = calls().await;
    let operations: BTreeSet<&String> = calls.iter().collect();
    assert!(operations.len() > 25, "{operations:?}");
    for operation in operations {
        let times = calls.iter().filter(|call| *call == operation).count();
        for number in 1..=times {
            let lost = Fault::TimeOut(Moment::AfterEffect);
            comes_and_goes(operation, u64::try_from(number).unwrap(), lost).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_lost_before_it_has_an_effect_is_sent_again() {
    let calls = calls().await;
    for operation in calls.iter().collect::<BTreeSet<&String>>() {
        comes_and_goes(operation, 1, Fault::ConnectionReset(Moment::BeforeEffect)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_waited_out() {
    for operation in [
        "CreateRestApi",
        "CreateResource",
        "PutMethod",
        "PutIntegration",
        "CreateDeployment",
        "CreateUsagePlan",
        "CreateApiKey",
        "CreateVpcLink",
        "UpdateStage",
        "DeleteMethod",
        "DeleteStage",
        "DeleteVpcLink",
        "DeleteRestApi",
    ] {
        comes_and_goes(operation, 1, Fault::Throttle).await;
    }
}

async fn comes_and_goes(operation: &str, number: u64, fault: Fault) {
    let what = format!("{operation} {number}, {fault:?}");
    let when = When::Call(number + made_before(operation));
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), when, fault);
    let (world, inputs) = world_on(Emulator::builder().faults(plan).in_memory()).await;
    let inputs = private(inputs);
    let before = world.left().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    world.create(&changed(), &inputs).await;
    assert_eq!(deployments(&world, &outputs).await.len(), 1, "{what}");
    world.assert_settled(&changed(), &inputs).await;
    changed().delete(&world.engine, &inputs).await.unwrap_or_else(|error| panic!("{what}: {error:#?}"));
    assert_eq!(left(&world).await, before, "{what}");
    world.assert_nothing_recorded().await;
}

/// How often the tests themselves call an operation before the tier is created.
fn made_before(operation: &str) -> u64 {
    match operation {
        "CreateSecurityGroup" => 1,
        _ => 0,
    }
}
