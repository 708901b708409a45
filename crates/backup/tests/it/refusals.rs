//! Calls that AWS refuses for a while: nothing is made twice or left behind.

use std::collections::BTreeMap;

use backup::{Args, Vault};
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
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

async fn refuse(made: usize, operation: &str, fault: Fault) {
    let what = format!("{operation}, {fault:?}");
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), When::Call(1), fault);
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
async fn what_aws_does_not_see_yet_is_waited_for() {
    let made = objects().await;
    let invalid = |code: &str| Fault::Error { code: code.to_owned(), status: 409 };
    for operation in ["UpdateFunctionConfiguration", "PutFunctionConcurrency", "PutFunctionEventInvokeConfig"]
    {
        refuse(made, operation, invalid("ResourceConflictException")).await;
    }
    refuse(made, "UpdateSchedule", invalid("ConflictException")).await;
    refuse(made, "DeleteFunction", invalid("ResourceConflictException")).await;
}
