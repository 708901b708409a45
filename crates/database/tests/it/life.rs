//! The whole tier through the engine: created, read, changed, replaced, repaired, deleted.

use database::{Args, Capacity, Tier};
use engine::{Action, Component, ComponentError};

use crate::support::{CLUSTER, expendable, rds, tier, world};

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    let outputs = world.create(&tier, &inputs).await;
    assert!(outputs.database_endpoint.starts_with(&format!("{CLUSTER}.cluster-")));
    assert!(outputs.database_secret_arn.as_str().contains(":secret:rds!cluster-"));
    let reading = tier.read(&world.engine, &inputs).await.unwrap();
    assert_eq!(reading.drift, []);
    assert_eq!(reading.outputs, Some(outputs));
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing_but_a_key_that_can_be_saved() {
    let (world, inputs) = world().await;
    let before = world.left().await;
    let tier = tier(expendable());
    for _ in 0..2 {
        world.create(&tier, &inputs).await;
        tier.delete(&world.engine, &inputs).await.unwrap();
        assert_eq!(world.left().await, before);
        world.assert_nothing_recorded().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_snapshot_stays() {
    let (world, inputs) = world().await;
    let tier = tier(Args { final_snapshot: true, ..Args::default() });
    world.create(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    let snapshots = rds(&world).describe_db_cluster_snapshots().snapshot_type("manual").send().await.unwrap();
    let names: Vec<_> = snapshots
        .db_cluster_snapshots()
        .iter()
        .filter_map(|one| one.db_cluster_snapshot_identifier())
        .collect();
    assert_eq!(names.len(), 1);
    assert!(names[0].starts_with(&format!("{CLUSTER}-final-")), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_protected_cluster_is_neither_deleted_nor_replaced() {
    let (world, inputs) = world().await;
    let protected = tier(Args::default());
    world.create(&protected, &inputs).await;
    let error = protected.delete(&world.engine, &inputs).await.unwrap_err();
    assert!(matches!(error, ComponentError::Engine(_)), "{error:?}");
    let renamed = tier(Args { database_name: "other".to_owned(), ..Args::default() });
    let error = renamed.create(&world.engine, &inputs).await.unwrap_err();
    assert!(matches!(error, ComponentError::Engine(_)), "{error:?}");
    // Saying so once is enough.
    world.create(&tier(expendable()), &inputs).await;
    tier(expendable()).delete(&world.engine, &inputs).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn capacity_retention_and_windows_change_in_place() {
    let (world, inputs) = world().await;
    let before = world.create(&tier(expendable()), &inputs).await;
    let larger = tier(Args {
        capacity: Capacity { min: 1.0, max: 8.0, pause_after_seconds: None },
        backup_retention_in_days: 35,
        backup_window: "01:00-02:00".to_owned(),
        maintenance_window: "sat:02:00-sat:03:00".to_owned(),
        insights: "standard".to_owned(),
        ..expendable()
    });
    let is_update = |action: &Action| *action == Action::Update;
    let mut changed = world.planned(&larger, &inputs, is_update).await;
    changed.sort();
    assert_eq!(changed, ["database/cluster", "database/instance-1", "database/instance-2"]);
    assert_eq!(world.create(&larger, &inputs).await, before);
    world.assert_settled(&larger, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn another_database_name_replaces_the_cluster_and_its_instances() {
    let (world, inputs) = world().await;
    world.create(&tier(expendable()), &inputs).await;
    let renamed = tier(Args { database_name: "ledger".to_owned(), ..expendable() });
    let is_replace = |action: &Action| matches!(action, Action::Replace { .. });
    let mut replaced = world.planned(&renamed, &inputs, is_replace).await;
    replaced.sort();
    assert_eq!(
        replaced,
        ["database/application-user", "database/cluster", "database/instance-1", "database/instance-2"]
    );
    world.create(&renamed, &inputs).await;
    world.assert_settled(&renamed, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_is_found_and_repaired() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    let modify = rds(&world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
    modify.backup_retention_period(1).deletion_protection(true).send().await.unwrap();
    assert_eq!(
        world.drift::<Tier>().await,
        ["database/cluster: BackupRetentionPeriod", "database/cluster: DeletionProtection"]
    );
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    rds(&world)
        .delete_db_instance()
        .db_instance_identifier("payment-db-2-dev")
        .skip_final_snapshot(true)
        .send()
        .await
        .unwrap();
    assert_eq!(world.drift::<Tier>().await, ["database/instance-2: gone"]);
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
}

/// A cluster that somebody restored and gave the stack's tags is taken over once RDS manages its password.
#[tokio::test(start_paused = true)]
async fn a_restored_cluster_is_taken_over_once_rds_manages_its_password() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    let outputs = world.create(&tier, &inputs).await;
    let set = || rds(&world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
    let password = set().manage_master_user_password(false).master_user_password("a-password-of-its-own");
    password.send().await.unwrap();
    let next = world.that_lost_its_state(database::kinds);
    let error = tier.create(&next.engine, &inputs).await.unwrap_err();
    let error = format!("{error:?}");
    assert!(error.contains("modify-db-cluster --db-cluster-identifier payment-aurora-dev"), "{error}");
    // RDS takes another key for the secret only while it is turned on.
    let key = error.split("--master-user-secret-kms-key-id ").nth(1).unwrap();
    let key = key.split_whitespace().next().unwrap();
    let managed = set().manage_master_user_password(true).master_user_secret_kms_key_id(key);
    managed.send().await.unwrap();
    let taken = next.create(&tier, &inputs).await;
    assert_eq!(taken.database_endpoint, outputs.database_endpoint);
    next.assert_settled(&tier, &inputs).await;
}
