//! RDS: clusters that somebody stops and starts.

use std::time::Duration;

use crate::rds::Db;
use crate::rds_life_cycle::{at_aws_pace, seconds, until};
use crate::support::{code, said};

const BUSY: &str = "InvalidDBClusterStateFault";
const INSTANCE_BUSY: &str = "InvalidDBInstanceState";

impl Db {
    async fn made(&self, pace: impl AsyncFn(f64)) {
        let cluster = self.serverless("c").storage_encrypted(true).kms_key_id(&self.key);
        cluster.send().await.unwrap();
        self.instance("a", "c").send().await.unwrap();
        self.instance("b", "c").send().await.unwrap();
        pace(2000.0).await;
    }

    async fn all(&self) -> [String; 3] {
        [self.status("c").await, self.instance_status("a").await, self.instance_status("b").await]
    }

    async fn stop(&self) -> String {
        code(self.rds.stop_db_cluster().db_cluster_identifier("c").send().await)
    }

    async fn start(&self) -> String {
        code(self.rds.start_db_cluster().db_cluster_identifier("c").send().await)
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_stops_with_its_instances_and_starts_again() {
    let db = at_aws_pace().await;
    db.made(seconds).await;
    assert_eq!(db.start().await, BUSY);
    assert_eq!(db.stop().await, "ok");
    assert_eq!(db.all().await, ["stopping"; 3]);
    assert_eq!((db.stop().await, db.start().await), (BUSY.to_owned(), BUSY.to_owned()));
    let took = until("stopped", async || db.status("c").await).await;
    assert!((120.0..=900.0).contains(&took), "{took}");
    assert_eq!(db.all().await, ["stopped"; 3]);
    assert_eq!(db.stop().await, BUSY);

    assert_eq!(db.start().await, "ok");
    assert_eq!(db.all().await, ["starting"; 3]);
    assert_eq!((db.stop().await, db.start().await), (BUSY.to_owned(), BUSY.to_owned()));
    let took = until("available", async || db.status("c").await).await;
    assert!((240.0..=1200.0).contains(&took), "{took}");
    assert_eq!(db.all().await, ["available"; 3]);
    assert_eq!(
        code(db.rds.stop_db_cluster().db_cluster_identifier("x").send().await),
        "DBClusterNotFoundFault"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_stopped_cluster_can_be_changed() {
    let db = Db::in_memory().await;
    db.made(async |_| ()).await;
    assert_eq!(db.stop().await, "ok");
    assert_eq!(db.all().await, ["stopped"; 3]);
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c").deletion_protection(true);
    assert_eq!(code(modify().send().await), BUSY);
    let class = db.rds.modify_db_instance().db_instance_identifier("a").promotion_tier(3);
    assert_eq!(code(class.send().await), INSTANCE_BUSY);
    assert_eq!(code(db.instance("d", "c").send().await), BUSY);
    let reboot = db.rds.reboot_db_instance().db_instance_identifier("a");
    assert_eq!(code(reboot.send().await), INSTANCE_BUSY);
    let delete = db.rds.delete_db_instance().db_instance_identifier("a");
    assert_eq!(code(delete.send().await), INSTANCE_BUSY);
    let delete = db.rds.delete_db_cluster().db_cluster_identifier("c").skip_final_snapshot(true);
    assert_eq!(code(delete.send().await), BUSY);
    let snapshot = db.rds.create_db_cluster_snapshot().db_cluster_identifier("c");
    assert_eq!(code(snapshot.db_cluster_snapshot_identifier("s").send().await), BUSY);
    let arn = db.shown("c").await.db_cluster_arn.unwrap();
    let endpoint = db.rds.enable_http_endpoint().resource_arn(arn);
    assert_eq!(code(endpoint.send().await), "InvalidResourceStateFault");
    assert_eq!(db.start().await, "ok");
    assert_eq!(db.all().await, ["available"; 3]);
    assert_eq!(code(modify().send().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_not_stopped_alone_and_one_that_is_busy_keeps_its_cluster_from_it() {
    let db = at_aws_pace().await;
    db.made(seconds).await;
    let refused = "InvalidParameterCombination: aurora-postgresql DB instances are not eligible for stopping and starting.";
    assert_eq!(said(db.rds.stop_db_instance().db_instance_identifier("a").send().await), refused);
    assert_eq!(said(db.rds.start_db_instance().db_instance_identifier("a").send().await), refused);
    db.rds.reboot_db_instance().db_instance_identifier("a").send().await.unwrap();
    assert_eq!(db.stop().await, INSTANCE_BUSY);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_cluster_starts_by_itself_after_seven_days() {
    for db in [Db::in_memory().await, at_aws_pace().await] {
        db.made(seconds).await;
        assert_eq!(db.stop().await, "ok");
        until("stopped", async || db.status("c").await).await;
        let stopped = db.shown("c").await;
        let restart = stopped.automatic_restart_time().unwrap().secs();
        let last = stopped.latest_restorable_time().unwrap().secs();
        assert!((restart - last - 7 * 86_400).abs() < 1500, "{restart} {last}");
        tokio::time::sleep(Duration::from_secs(7 * 86_400 - 60)).await;
        // Nothing was backed up meanwhile.
        let found = db.shown("c").await;
        assert_eq!(found.status(), Some("stopped"));
        assert_eq!(found.latest_restorable_time().unwrap().secs(), last);
        until("available", async || db.status("c").await).await;
        assert_eq!(db.all().await, ["available"; 3]);
        assert_eq!(db.shown("c").await.automatic_restart_time(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_drops_what_is_pending_and_a_start_brings_parameters() {
    let db = Db::in_memory().await;
    db.made(async |_| ()).await;
    let group = db.rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name("own");
    group.db_parameter_group_family("aurora-postgresql17").description("d").send().await.unwrap();
    let modify = db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true);
    modify.db_cluster_parameter_group_name("own").send().await.unwrap();
    let modify = db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(false);
    modify.engine_version("17.9").send().await.unwrap();
    assert!(db.shown("c").await.pending_modified_values().is_some());
    let pending = async || {
        let members = db.shown("c").await.db_cluster_members.unwrap();
        members.iter().all(|member| member.db_cluster_parameter_group_status() == Some("pending-reboot"))
    };
    assert!(pending().await);
    assert_eq!(db.stop().await, "ok");
    let stopped = db.shown("c").await;
    assert_eq!(
        (stopped.pending_modified_values(), stopped.db_cluster_parameter_group()),
        (None, Some("own"))
    );
    assert!(pending().await);
    assert_eq!(db.start().await, "ok");
    assert!(!pending().await);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_lost_its_key_is_started_once_the_key_can_be_used() {
    let db = Db::in_memory().await;
    db.made(async |_| ()).await;
    db.cloud.kms().disable_key().key_id(&db.key).send().await.unwrap();
    db.rds.reboot_db_instance().db_instance_identifier("a").send().await.unwrap();
    assert_eq!(db.all().await, ["inaccessible-encryption-credentials-recoverable"; 3]);
    assert_eq!(db.start().await, "KMSKeyNotAccessibleFault");
    db.cloud.kms().enable_key().key_id(&db.key).send().await.unwrap();
    assert_eq!(db.start().await, "ok");
    assert_eq!(db.all().await, ["available"; 3]);
}
