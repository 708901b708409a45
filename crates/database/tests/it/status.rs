//! States that no waiting mends: the run ends at once, and says what the state means.

use std::time::Duration;

use database::{Args, Capacity};
use engine::{Component as _, ComponentError, EngineError};
use testing::{REGION, World};
use tokio::time::Instant;

use crate::support::{CLUSTER, expendable, rds, tier, world, world_at_aws_pace};

async fn put(world: &World, name: &str, status: &str) {
    assert!(world.emulator.put_database(REGION, name, status).await.unwrap(), "there is no {name}");
}

/// What the failed resources of a run said.
fn failures(error: &ComponentError) -> String {
    let ComponentError::Incomplete(report) = error else { panic!("{error:?}") };
    report.failed.iter().map(|failed| format!("{}: {}\n", failed.address, failed.cause)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_cluster_that_does_not_work_fails_at_once_with_what_its_state_means() {
    let (world, inputs) = world_at_aws_pace().await;
    let first = tier(expendable());
    world.create(&first, &inputs).await;
    let changed = tier(Args {
        backup_retention_in_days: 9,
        capacity: Capacity { max: 4.0, ..Capacity::default() },
        ..expendable()
    });
    for (status, meaning) in [
        ("incompatible-network", "its network does not fit"),
        ("incompatible-parameters", "it cannot start with the values in its parameter group"),
        ("inaccessible-encryption-credentials-recoverable", "`aws rds start-db-cluster`"),
        ("inaccessible-encryption-credentials", "lost for good"),
        ("failed", "restore it from a backup"),
        ("modify-failed", "a change could not be made"),
    ] {
        put(&world, CLUSTER, status).await;
        let start = Instant::now();
        let said = failures(&changed.create(&world.engine, &inputs).await.unwrap_err());
        assert!(said.contains("database/cluster: "), "{status}: {said}");
        assert!(said.contains(&format!("its status is {status}")) && said.contains(meaning), "{said}");
        assert!(start.elapsed() < Duration::from_secs(60), "{status} took {:?}", start.elapsed());
        put(&world, CLUSTER, "available").await;
    }
    world.create(&changed, &inputs).await;
    world.assert_settled(&changed, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_will_not_come_up_fails_the_run_at_once() {
    for (status, meaning) in [
        ("incompatible-parameters", "it cannot start with the values in its parameter group"),
        ("incompatible-network", "free addresses in its subnets"),
        ("insufficient-capacity", "AWS has no free capacity for it in this zone"),
    ] {
        let (world, inputs) = world_at_aws_pace().await;
        let tier = tier(expendable());
        let start = Instant::now();
        let breaks = async {
            while !world.emulator.put_database(REGION, "payment-db-2-dev", status).await.unwrap() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            start.elapsed()
        };
        let (created, broke) = tokio::join!(tier.create(&world.engine, &inputs), breaks);
        let said = failures(&created.unwrap_err());
        assert!(said.contains("database/instance-2: ") && said.contains(meaning), "{said}");
        // The other instance comes up meanwhile, and takes its time.
        assert!(broke < Duration::from_secs(120), "{broke:?}");
        assert!(start.elapsed() < Duration::from_secs(1200), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_lost_its_key_says_how_it_is_saved() {
    let (world, inputs) = world().await;
    let first = tier(expendable());
    let outputs = world.create(&first, &inputs).await;
    let kms = world.cx.client(aws_sdk_kms::Client::new);
    kms.disable_key().key_id(outputs.database_key_arn.as_str()).send().await.unwrap();
    // RDS needs the key now.
    rds(&world).reboot_db_instance().db_instance_identifier("payment-db-1-dev").send().await.unwrap();
    let changed = tier(Args { backup_retention_in_days: 9, ..expendable() });
    let error = changed.create(&world.engine, &inputs).await.unwrap_err();
    let said = failures(&error);
    assert!(!matches!(error, ComponentError::Engine(EngineError::Plan(_))), "{said}");
    assert!(said.contains("its status is inaccessible-encryption-credentials-recoverable"), "{said}");
    assert!(said.contains("then start it with `aws rds start-db-cluster`"), "{said}");
    // The run has enabled the key, so that RDS can.
    assert_eq!(world.drift::<database::Tier>().await, [""; 0]);
    rds(&world).start_db_cluster().db_cluster_identifier(CLUSTER).send().await.unwrap();
    world.create(&changed, &inputs).await;
    world.assert_settled(&changed, &inputs).await;
}
