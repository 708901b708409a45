//! RDS: states that no time ends.

use crate::rds::Db;
use crate::support::{REGION, code};

const WITHOUT_KEY: &str = "inaccessible-encryption-credentials-recoverable";

impl Db {
    async fn states(&self) -> [String; 3] {
        [self.status("c").await, self.instance_status("a").await, self.instance_status("b").await]
    }

    async fn two_instances(&self) {
        let cluster = self.serverless("c").storage_encrypted(true).kms_key_id(&self.key);
        cluster.send().await.unwrap();
        self.instance("a", "c").send().await.unwrap();
        self.instance("b", "c").send().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_stops_when_its_key_is_needed_and_cannot_be_used() {
    for restarted in [true, false] {
        let db = Db::in_memory().await;
        db.two_instances().await;
        db.cloud.kms().disable_key().key_id(&db.key).send().await.unwrap();
        assert_eq!(db.states().await, ["available"; 3]);
        let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c").backup_retention_period(9);
        match restarted {
            true => drop(db.rds.reboot_db_instance().db_instance_identifier("b").send().await.unwrap()),
            false => drop(modify().send().await.unwrap()),
        }
        assert_eq!(db.states().await, [WITHOUT_KEY; 3]);
        assert_eq!(code(modify().send().await), "InvalidDBClusterStateFault");
        let reboot = db.rds.reboot_db_instance().db_instance_identifier("a");
        assert_eq!(code(reboot.send().await), "InvalidDBInstanceState");
        // It can be deleted, but a snapshot would need the key.
        for instance in ["a", "b"] {
            db.rds.delete_db_instance().db_instance_identifier(instance).send().await.unwrap();
        }
        let delete = || db.rds.delete_db_cluster().db_cluster_identifier("c");
        let last = delete().final_db_snapshot_identifier("last").send().await;
        assert_eq!(code(last), "InvalidDBClusterStateFault");
        assert_eq!(code(delete().skip_final_snapshot(true).send().await), "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_can_put_a_database_into_any_state() {
    let db = Db::in_memory().await;
    db.two_instances().await;
    let put =
        async |name: &str, status: &str| db.cloud.emulator.put_database(REGION, name, status).await.unwrap();
    assert!(!put("nobody", "failed").await);
    assert!(put("c", "incompatible-network").await && put("a", "incompatible-parameters").await);
    assert_eq!(db.states().await, ["incompatible-network", "incompatible-parameters", "available"]);
    assert!(put("c", "available").await && put("a", "available").await);
    let modify = db.rds.modify_db_cluster().db_cluster_identifier("c").backup_retention_period(9);
    assert_eq!(code(modify.send().await), "ok");
}
