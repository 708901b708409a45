//! Final snapshots, and the key that they are encrypted with.

use aws::resources::{Key, KeyOutputs};
use database::{Args, Inputs};
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::{Component, Contents, Resolved, Resource};
use testing::World;

use crate::support::{CLUSTER, expendable, rds, tier, world, world_on};

fn last_copy() -> Args {
    Args { final_snapshot: true, ..Args::default() }
}

/// The name that the cluster's final snapshot gets.
async fn final_name(world: &World) -> String {
    let found = rds(world).describe_db_clusters().db_cluster_identifier(CLUSTER).send().await.unwrap();
    let id = found.db_clusters()[0].db_cluster_resource_id().unwrap().to_lowercase();
    format!("{CLUSTER}-final-{}", &id.trim_start_matches("cluster-")[..8])
}

async fn snapshot(world: &World, name: &str) {
    let make = rds(world).create_db_cluster_snapshot().db_cluster_identifier(CLUSTER);
    make.db_cluster_snapshot_identifier(name).send().await.unwrap();
}

/// Names of the snapshots that stay.
async fn snapshots(world: &World) -> Vec<String> {
    let found = rds(world).describe_db_cluster_snapshots().snapshot_type("manual").send().await.unwrap();
    let names = found.db_cluster_snapshots().iter().filter_map(|one| one.db_cluster_snapshot_identifier());
    names.map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_a_deletion_that_failed_is_not_the_final_one() {
    let (world, inputs) = world().await;
    let tier = tier(last_copy());
    world.create(&tier, &inputs).await;
    let name = final_name(&world).await;
    // The cluster went on after these, so that what is in it is not in them.
    snapshot(&world, &name).await;
    snapshot(&world, &format!("{name}-2")).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(snapshots(&world).await, [name.clone(), format!("{name}-2"), format!("{name}-3")]);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_be_seen_yet_is_waited_for() {
    let taken = Fault::Error { code: "DBClusterSnapshotAlreadyExistsFault".to_owned(), status: 400 };
    let plan =
        FaultPlan::default().with(Counted::Operation("DeleteDBCluster".to_owned()), When::Call(1), taken);
    let (world, inputs) = world_on(Emulator::builder().faults(plan).in_memory()).await;
    let tier = tier(last_copy());
    world.create(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(snapshots(&world).await.len(), 1);
}

async fn encrypted_with_the_key(world: &World, inputs: &Inputs) -> Contents {
    world.create(&tier(expendable()), inputs).await;
    let state = world.engine.state().await.unwrap();
    let object = state.current("database/key").unwrap();
    let key: Key = serde_json::from_value(object.properties.clone()).unwrap();
    let outputs: KeyOutputs<Resolved> = serde_json::from_value(object.outputs.clone()).unwrap();
    key.contents(&world.cx, &outputs).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_key_knows_of_the_snapshots_that_need_it() {
    let (world, inputs) = world().await;
    // Automated ones go with their cluster.
    assert_eq!(encrypted_with_the_key(&world, &inputs).await, Contents::Unknown);
    let automated = rds(&world).describe_db_cluster_snapshots().snapshot_type("automated").send().await;
    assert_eq!(automated.unwrap().db_cluster_snapshots().len(), 1);
    let some = |words: &str| Contents::Some { words: words.to_owned(), parts: Vec::new() };
    snapshot(&world, "before-the-release").await;
    let one = some("1 database snapshot encrypted with it");
    assert_eq!(encrypted_with_the_key(&world, &inputs).await, one);
    snapshot(&world, "after-the-release").await;
    // Whether their cluster is there or not.
    let renamed = Args { database_name: "ledger".to_owned(), ..expendable() };
    world.create(&tier(renamed), &inputs).await;
    let two = some("2 database snapshots encrypted with it");
    assert_eq!(encrypted_with_the_key(&world, &inputs).await, two);
}

#[tokio::test(start_paused = true)]
async fn snapshots_that_another_key_encrypts_do_not_count() {
    let (world, inputs) = world().await;
    world.create(&tier(expendable()), &inputs).await;
    let state = world.engine.state().await.unwrap();
    let object = state.current("database/key").unwrap();
    let key: Key = serde_json::from_value(object.properties.clone()).unwrap();
    snapshot(&world, "of-the-first-key").await;
    let other = KeyOutputs::<Resolved> {
        arn: "arn:aws:kms:ap-southeast-1:123456789012:key/2".into(),
        key_id: "2".into(),
    };
    assert_eq!(key.contents(&world.cx, &other).await.unwrap(), Contents::Unknown);
}
