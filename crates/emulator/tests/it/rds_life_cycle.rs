//! RDS: what takes time, at AWS's own pace in virtual time, and what holds meanwhile.

use std::time::Duration;

use aws_sdk_rds::types::CloudwatchLogsExportConfiguration;
use emulator::Emulator;
use tokio::time::Instant;

use crate::rds::{Db, ROLE};
use crate::support::{REGION, code};

pub(crate) async fn seconds(count: f64) {
    tokio::time::sleep(Duration::from_secs_f64(count)).await;
}

pub(crate) async fn at_aws_pace() -> Db {
    let emulator = Emulator::builder().latency(1.0).in_memory();
    // Long enough for a role of a service too.
    Db::of(emulator, async || seconds(7.0).await).await
}

/// Asks every second until the answer is the one wanted, and says how many seconds that took.
pub(crate) async fn until(wanted: &str, mut ask: impl AsyncFnMut() -> String) -> f64 {
    let start = Instant::now();
    loop {
        let answer = ask().await;
        if answer == wanted {
            return start.elapsed().as_secs_f64();
        }
        assert!(start.elapsed() < Duration::from_secs(3600), "still {answer}, not {wanted}");
        seconds(1.0).await;
    }
}

impl Db {
    pub(crate) async fn status(&self, id: &str) -> String {
        match self.rds.describe_db_clusters().db_cluster_identifier(id).send().await {
            Ok(found) => found.db_clusters()[0].status().unwrap().to_owned(),
            Err(error) => code::<(), _, _>(Err(error)),
        }
    }

    pub(crate) async fn instance_status(&self, id: &str) -> String {
        match self.rds.describe_db_instances().db_instance_identifier(id).send().await {
            Ok(found) => found.db_instances()[0].db_instance_status().unwrap().to_owned(),
            Err(error) => code::<(), _, _>(Err(error)),
        }
    }

    async fn secret_status(&self, id: &str) -> String {
        self.shown(id).await.master_user_secret().unwrap().secret_status().unwrap().to_owned()
    }

    async fn writer(&self, id: &str) -> String {
        let cluster = self.shown(id).await;
        let members = cluster.db_cluster_members().iter();
        let mut writers = members.filter(|member| member.is_cluster_writer() == Some(true));
        writers.next().unwrap().db_instance_identifier().unwrap().to_owned()
    }

    async fn automated(&self, id: &str) -> Vec<String> {
        let call =
            self.rds.describe_db_cluster_snapshots().db_cluster_identifier(id).snapshot_type("automated");
        let found = call.send().await.unwrap();
        found
            .db_cluster_snapshots()
            .iter()
            .map(|s| s.db_cluster_snapshot_identifier().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_and_its_instances_take_their_time_to_come_and_to_go() {
    let db = at_aws_pace().await;
    let made = db.serverless("c").enable_cloudwatch_logs_exports("postgresql").send().await.unwrap();
    let made = made.db_cluster.unwrap();
    assert_eq!(made.status(), Some("creating"));
    // The endpoint is known at once; the secret is there, but not yet usable.
    assert!(made.endpoint().is_some() && made.earliest_restorable_time().is_none());
    assert_eq!(made.master_user_secret().unwrap().secret_status(), Some("creating"));
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c").port(6000).send();
    let delete = || db.rds.delete_db_cluster().db_cluster_identifier("c").skip_final_snapshot(true).send();
    assert_eq!(code(modify().await), "InvalidDBClusterStateFault");
    assert_eq!(code(delete().await), "InvalidDBClusterStateFault");
    let took = until("active", async || db.secret_status("c").await).await;
    assert!((10.0..=40.0).contains(&took), "secret: {took} s");
    let took = took + until("available", async || db.status("c").await).await;
    assert!((38.0..=60.0).contains(&took), "cluster: {took} s");

    let made = db.instance("one", "c").send().await.unwrap().db_instance.unwrap();
    assert_eq!((made.db_instance_status(), made.endpoint()), (Some("creating"), None));
    db.instance("two", "c").send().await.unwrap();
    let refused = db.rds.delete_db_instance().db_instance_identifier("one").send().await;
    assert_eq!(code(refused), "InvalidDBInstanceState");
    let logs = || db.cloud.logs.describe_log_groups().log_group_name_prefix("/aws/rds/").send();
    assert_eq!(logs().await.unwrap().log_groups().len(), 0);
    let took = until("available", async || db.instance_status("one").await).await;
    assert!((320.0..=445.0).contains(&took), "writer: {took} s");
    assert!(db.shown_instance("one").await.endpoint().is_some());
    assert_eq!(logs().await.unwrap().log_groups().len(), 1);
    let took = took + until("available", async || db.instance_status("two").await).await;
    assert!((681.0..=802.0).contains(&took), "reader: {took} s");

    // A cluster goes once all its instances are going, and after them.
    assert_eq!(code(delete().await), "InvalidDBClusterStateFault");
    for id in ["one", "two"] {
        db.rds.delete_db_instance().db_instance_identifier(id).send().await.unwrap();
        assert_eq!(db.instance_status(id).await, "deleting");
    }
    let interfaces = || db.cloud.ec2.describe_network_interfaces().send();
    assert_eq!(interfaces().await.unwrap().network_interfaces().len(), 2);
    delete().await.unwrap();
    assert_eq!(db.status("c").await, "deleting");
    let gone = "DBInstanceNotFound";
    let took = until(gone, async || db.instance_status("one").await).await;
    let took = took + until(gone, async || db.instance_status("two").await).await;
    assert!((130.0..=300.0).contains(&took), "instances: {took} s");
    assert_eq!(interfaces().await.unwrap().network_interfaces().len(), 0);
    until("DBClusterNotFoundFault", async || db.status("c").await).await;
    assert_eq!(db.automated("c").await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_instance_waits_for_its_cluster() {
    let db = at_aws_pace().await;
    db.serverless("c").send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let took = until("available", async || db.instance_status("i").await).await;
    assert!((320.0 + 38.0..=445.0 + 60.0).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn where_the_writer_goes_the_lowest_tier_takes_over() {
    let db = Db::in_memory().await;
    db.serverless("c").send().await.unwrap();
    for (id, tier) in [("a", 1), ("b", 5), ("c", 2), ("d", 2)] {
        db.instance(id, "c").promotion_tier(tier).send().await.unwrap();
    }
    for (writer, next) in [("a", "c"), ("c", "d"), ("d", "b")] {
        assert_eq!(db.writer("c").await, writer);
        db.rds.delete_db_instance().db_instance_identifier(writer).send().await.unwrap();
        assert_eq!(db.writer("c").await, next);
    }
    // A reader goes without that.
    db.instance("e", "c").send().await.unwrap();
    db.rds.delete_db_instance().db_instance_identifier("e").send().await.unwrap();
    assert_eq!(db.writer("c").await, "b");
    // The first after the last one writes again.
    db.rds.delete_db_instance().db_instance_identifier("b").send().await.unwrap();
    db.instance("f", "c").send().await.unwrap();
    assert_eq!(db.writer("c").await, "f");
}

#[tokio::test(start_paused = true)]
async fn changes_take_seconds_and_switches_none() {
    let db = at_aws_pace().await;
    db.serverless("c").deletion_protection(true).send().await.unwrap();
    until("available", async || db.status("c").await).await;
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true);
    modify().deletion_protection(false).send().await.unwrap();
    assert_eq!(db.status("c").await, "available");
    modify().port(6000).send().await.unwrap();
    // For a while it looks as if nothing were going to happen.
    assert_eq!(db.status("c").await, "available");
    let took = until("modifying", async || db.status("c").await).await;
    assert!((1.0..=60.0).contains(&took), "{took} s");
    assert_eq!(code(modify().port(6001).send().await), "InvalidDBClusterStateFault");
    let took = until("available", async || db.status("c").await).await;
    assert!((5.0..=60.0).contains(&took), "{took} s");

    db.instance("i", "c").send().await.unwrap();
    until("available", async || db.instance_status("i").await).await;
    let call = db.rds.modify_db_instance().db_instance_identifier("i").promotion_tier(0);
    call.send().await.unwrap();
    assert_eq!(db.instance_status("i").await, "available");
    until("modifying", async || db.instance_status("i").await).await;
    until("available", async || db.instance_status("i").await).await;
}

#[tokio::test(start_paused = true)]
async fn some_changes_wait_for_the_maintenance_window() {
    let db = Db::in_memory().await;
    // Time begins on a Thursday at 00:00.
    let call = db.serverless("c").preferred_maintenance_window("fri:04:00-fri:05:00").engine_version("17.6");
    call.preferred_backup_window("01:00-02:00").send().await.unwrap();
    db.instance("i", "c").preferred_maintenance_window("fri:04:00-fri:05:00").send().await.unwrap();
    let call = db.rds.modify_db_cluster().db_cluster_identifier("c").engine_version("17.7").port(6000);
    call.backup_retention_period(7).enable_iam_database_authentication(true).send().await.unwrap();
    let call = db.rds.modify_db_instance().db_instance_identifier("i").db_instance_class("db.r8g.large");
    call.send().await.unwrap();
    let live = db.shown("c").await;
    assert_eq!((live.engine_version(), live.port()), (Some("17.6"), Some(6000)));
    assert_eq!(live.backup_retention_period(), Some(1));
    let pending = live.pending_modified_values().unwrap();
    assert_eq!((pending.engine_version(), pending.backup_retention_period()), (Some("17.7"), Some(7)));
    assert_eq!(pending.iam_database_authentication_enabled(), Some(true));
    let instance = db.shown_instance("i").await;
    assert_eq!(instance.db_instance_class(), Some("db.serverless"));
    let pending = instance.pending_modified_values().unwrap();
    assert_eq!(pending.db_instance_class(), Some("db.r8g.large"));

    seconds(28.0 * 3600.0).await;
    let live = db.shown("c").await;
    assert_eq!((live.engine_version(), live.backup_retention_period()), (Some("17.7"), Some(7)));
    assert_eq!(live.iam_database_authentication_enabled(), Some(true));
    assert!(live.pending_modified_values().is_none());
    let instance = db.shown_instance("i").await;
    assert_eq!(
        (instance.db_instance_class(), instance.engine_version()),
        (Some("db.r8g.large"), Some("17.7"))
    );
}

#[tokio::test(start_paused = true)]
async fn backups_are_made_every_day_and_kept_for_their_days() {
    let db = Db::in_memory().await;
    let call = db.serverless("c").preferred_backup_window("03:00-04:00").backup_retention_period(2);
    call.send().await.unwrap();
    let names =
        |days: &[&str]| -> Vec<String> { days.iter().map(|day| format!("rds:c-2026-01-{day}")).collect() };
    assert_eq!(db.automated("c").await, names(&["01-00-00"]));
    let live = db.shown("c").await;
    let (earliest, latest) =
        (live.earliest_restorable_time().unwrap(), live.latest_restorable_time().unwrap());
    assert_eq!((earliest.secs(), latest.secs()), (1_767_225_600, 1_767_225_600));

    seconds(26.0 * 3600.0).await;
    assert_eq!(db.automated("c").await, names(&["01-00-00", "01-03-00"]));
    let live = db.shown("c").await;
    assert_eq!(live.latest_restorable_time().unwrap().secs(), 1_767_225_600 + 26 * 3600);
    assert_eq!(live.earliest_restorable_time().unwrap().secs(), 1_767_225_600);

    seconds(2.0 * 3600.0).await;
    assert_eq!(db.automated("c").await, names(&["01-00-00", "01-03-00", "02-03-00"]));
    // After days in which nobody looked there are those that would be left.
    seconds(8.0 * 24.0 * 3600.0).await;
    assert_eq!(db.automated("c").await, names(&["09-03-00", "10-03-00"]));
    let live = db.shown("c").await;
    let now = 1_767_225_600 + 28 * 3600 + 8 * 24 * 3600;
    assert_eq!(live.earliest_restorable_time().unwrap().secs(), now - 2 * 24 * 3600);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_takes_its_time() {
    let db = at_aws_pace().await;
    db.serverless("c").send().await.unwrap();
    let make = || {
        let call = db.rds.create_db_cluster_snapshot().db_cluster_identifier("c");
        call.db_cluster_snapshot_identifier("s").send()
    };
    assert_eq!(code(make().await), "InvalidDBClusterStateFault");
    until("available", async || db.status("c").await).await;
    assert_eq!(db.automated("c").await.len(), 0);
    make().await.unwrap();
    let delete = || db.rds.delete_db_cluster_snapshot().db_cluster_snapshot_identifier("s").send();
    assert_eq!(code(delete().await), "InvalidDBClusterSnapshotStateFault");
    let status = async || {
        let call = db.rds.describe_db_cluster_snapshots().db_cluster_snapshot_identifier("s");
        call.send().await.unwrap().db_cluster_snapshots()[0].status().unwrap().to_owned()
    };
    let took = until("available", status).await;
    assert!((30.0..=180.0).contains(&took), "{took} s");
    delete().await.unwrap();
    // The first automated one comes soon after the cluster.
    let first = until("1", async || db.automated("c").await.len().to_string()).await;
    assert!(took + first <= 300.0, "{first} s");
}

#[tokio::test(start_paused = true)]
async fn a_new_role_cannot_monitor_yet() {
    let db = at_aws_pace().await;
    let call = || db.serverless("c").monitoring_interval(60).monitoring_role_arn(ROLE).send();
    assert_eq!(code(call().await), "InvalidParameterValue");
    seconds(12.0).await;
    assert_eq!(code(call().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn logs_published_into_a_group_of_ours_change_nothing_in_it() {
    let db = Db::in_memory().await;
    let name = "/aws/rds/cluster/c/postgresql";
    db.cloud.logs.create_log_group().log_group_name(name).send().await.unwrap();
    let call = db.cloud.logs.put_retention_policy().log_group_name(name);
    call.retention_in_days(2557).send().await.unwrap();
    db.serverless("c").enable_cloudwatch_logs_exports("postgresql").send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let exports = CloudwatchLogsExportConfiguration::builder().enable_log_types("iam-db-auth-error").build();
    let call = db.rds.modify_db_cluster().db_cluster_identifier("c");
    call.cloudwatch_logs_export_configuration(exports).send().await.unwrap();
    let found = db.cloud.logs.describe_log_groups().log_group_name_prefix("/aws/rds/").send().await.unwrap();
    let groups: Vec<_> = found
        .log_groups()
        .iter()
        .map(|group| (group.log_group_name().unwrap(), group.retention_in_days()))
        .collect();
    let wanted = [("/aws/rds/cluster/c/iam-db-auth-error", None), (name, Some(2557))];
    assert_eq!(groups, wanted);
    assert_eq!(
        db.shown_instance("i").await.availability_zone().map(|zone| zone.starts_with(REGION)),
        Some(true)
    );
}
