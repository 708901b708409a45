//! Calls whose answers are lost: each in turn, and nothing is made twice or left behind.

use std::collections::BTreeMap;

use backup::{Args, Vault};
use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use engine::Component;

use crate::support::{tier, with_everything, with_vault, world, world_on};

/// The same tier with everything changed that can be changed in place.
fn changed() -> Args {
    Args {
        schedule_expression: "rate(12 hours)".to_owned(),
        memory: 512,
        reserved_concurrency: None,
        log_retention_in_days: 30,
        vault: Vault { retention_days: 365, lock_days: None, ..with_vault() },
        tags: BTreeMap::from([("Team".to_owned(), "payments".to_owned())]),
        ..with_everything()
    }
}

/// How often each call that changes something is sent while the tier is created, changed, changed back, and deleted.
async fn calls() -> BTreeMap<String, u64> {
    let (world, inputs) = world().await;
    live(&world, &inputs).await;
    let mut times = BTreeMap::new();
    for call in world.mutations() {
        *times.entry(call).or_default() += 1;
    }
    times
}

async fn live(world: &testing::World, inputs: &backup::Inputs) {
    for args in [with_everything(), changed(), with_everything()] {
        world.create(&tier(args), inputs).await;
    }
    tier(with_everything()).delete(&world.engine, inputs).await.unwrap();
}

async fn lose(made: usize, operation: &str, number: u64, fault: Fault) {
    let what = format!("{operation} {number}, {fault:?}");
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), When::Call(number), fault);
    let (world, inputs) = world_on(Emulator::builder().faults(plan).in_memory()).await;
    let before = world.left().await;
    for args in [with_everything(), changed(), with_everything()] {
        let tier = tier(args);
        world.create(&tier, &inputs).await;
        let plan = world.plan(&tier, &inputs).await;
        assert!(plan.is_empty(), "{what}");
        assert_eq!(world.left().await.len(), made, "{what}");
    }
    tier(with_everything())
        .delete(&world.engine, &inputs)
        .await
        .unwrap_or_else(|error| panic!("{what}: {error:#?}"));
    assert_eq!(world.left().await, before, "{what}");
    world.assert_nothing_recorded().await;
}

/// How many objects there are when nothing goes wrong.
async fn objects() -> usize {
    let (world, inputs) = world().await;
    world.create(&tier(with_everything()), &inputs).await;
    world.left().await.len()
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_lost_after_the_effect() {
    let (calls, made) = (calls().await, objects().await);
    for operation in
        ["CreateFunction", "CreateSchedule", "CreateQueue", "CreateBackupSelection", "UpdateSchedule"]
    {
        assert!(calls.contains_key(operation), "{operation}");
    }
    for (operation, times) in calls {
        for number in 1..=times {
            lose(made, &operation, number, Fault::TimeOut(Moment::AfterEffect)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_is_lost_before_the_effect() {
    let made = objects().await;
    for operation in calls().await.into_keys() {
        lose(made, &operation, 1, Fault::ConnectionReset(Moment::BeforeEffect)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_does_not_see_yet_is_waited_for() {
    let made = objects().await;
    let invalid = |code: &str| Fault::Error { code: code.to_owned(), status: 409 };
    for operation in ["UpdateFunctionConfiguration", "PutFunctionConcurrency", "PutFunctionEventInvokeConfig"]
    {
        lose(made, operation, 1, invalid("ResourceConflictException")).await;
    }
    lose(made, "UpdateSchedule", 1, invalid("ConflictException")).await;
    lose(made, "DeleteFunction", 1, invalid("ResourceConflictException")).await;
}
