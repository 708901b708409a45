//! A cluster that somebody has stopped: every change of it is refused at once, with what to do, and all is well once it runs again.

use std::time::Duration;

use database::{Args, Inputs, Tier};
use engine::{Component as _, ComponentError};
use testing::World;
use tokio::time::Instant;

use crate::support::{CLUSTER, expendable, rds, tier, world, world_at_aws_pace};

const START: &str = "start it with `aws rds start-db-cluster`, then run again";

async fn stop(world: &World) {
    rds(world).stop_db_cluster().db_cluster_identifier(CLUSTER).send().await.unwrap();
}

async fn start(world: &World) {
    rds(world).start_db_cluster().db_cluster_identifier(CLUSTER).send().await.unwrap();
}

async fn status(world: &World) -> String {
    let found = rds(world).describe_db_clusters().db_cluster_identifier(CLUSTER).send().await.unwrap();
    found.db_clusters()[0].status().unwrap().to_owned()
}

/// What the failed resources of a run said.
async fn failures(world: &World, inputs: &Inputs, tier: &Tier) -> String {
    match tier.create(&world.engine, inputs).await.unwrap_err() {
        ComponentError::Incomplete(report) => {
            report.failed.iter().map(|failed| format!("{}: {}\n", failed.address, failed.cause)).collect()
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_stopped_cluster_says_at_once_that_it_must_be_started() {
    let (world, inputs) = world_at_aws_pace().await;
    let one = |args: Args| Args { monitoring_interval: 0, ..args };
    world.create(&tier(one(Args { instances: 1, ..expendable() })), &inputs).await;
    stop(&world).await;
    // While it is stopping it may yet come to something, and the run waits for that.
    let changed = tier(one(Args { instances: 1, backup_retention_in_days: 9, ..expendable() }));
    let began = Instant::now();
    let said = failures(&world, &inputs, &changed).await;
    assert!(said.contains("database/cluster: ") && said.contains(START), "{said}");
    assert!(began.elapsed() < Duration::from_secs(1200), "{:?}", began.elapsed());

    assert_eq!(status(&world).await, "stopped");
    for args in [
        Args { instances: 1, backup_retention_in_days: 9, ..expendable() },
        Args { instances: 2, ..expendable() },
        Args { instances: 1, monitoring_interval: 60, ..expendable() },
        one(Args { instances: 1, data_api: false, backup_retention_in_days: 9, ..expendable() }),
    ] {
        let began = Instant::now();
        let said = failures(&world, &inputs, &tier(args)).await;
        assert!(said.contains(START), "{said}");
        assert!(began.elapsed() < Duration::from_secs(120), "{:?} for {said}", began.elapsed());
    }
    start(&world).await;
    let all = tier(Args { backup_retention_in_days: 9, ..expendable() });
    world.create(&all, &inputs).await;
    world.assert_settled(&all, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_applications_user_is_not_waited_for_while_the_cluster_is_stopped() {
    let (world, inputs) = world_at_aws_pace().await;
    let args = Args { instances: 1, monitoring_interval: 0, ..expendable() };
    world.create(&tier(args.clone()), &inputs).await;
    stop(&world).await;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let changed = tier(Args { application_creates_tables: false, ..args });
    let began = Instant::now();
    let said = failures(&world, &inputs, &changed).await;
    assert!(said.contains("database/application-user: ") && said.contains(START), "{said}");
    assert!(began.elapsed() < Duration::from_secs(120), "{:?} for {said}", began.elapsed());
    start(&world).await;
    tokio::time::sleep(Duration::from_secs(1500)).await;
    world.create(&changed, &inputs).await;
    world.assert_settled(&changed, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_cluster_is_no_drift_and_what_is_settled_stays_so() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    stop(&world).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    start(&world).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_cluster_is_deleted_once_it_runs() {
    let (world, inputs) = world_at_aws_pace().await;
    let tier = tier(Args { instances: 1, monitoring_interval: 0, ..expendable() });
    world.create(&tier, &inputs).await;
    stop(&world).await;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let began = Instant::now();
    let ComponentError::Incomplete(report) = tier.delete(&world.engine, &inputs).await.unwrap_err() else {
        panic!("not incomplete")
    };
    let said: String =
        report.failed.iter().map(|failed| format!("{}: {}\n", failed.address, failed.cause)).collect();
    // Were it let go now, it would keep its login in a cluster that may yet stay.
    assert!(said.contains("database/application-user: ") && said.contains(START), "{said}");
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    start(&world).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(rds(&world).describe_db_clusters().send().await.unwrap().db_clusters(), []);
}
