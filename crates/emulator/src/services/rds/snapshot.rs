//! Cluster snapshots: those that somebody makes, and those that RDS makes every day.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::kind::{Kind, Record, find, free, invalid};
use super::pages::{Describe, Known, Listing};
use super::{SNAPSHOT, kind, names, tags};
use crate::machine::clock::timestamp;
use crate::services::{Answer, Call, Cx, Next, Refusal, Tag, Tags, tag_list, to_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Snapshot {
    #[serde(rename = "DBClusterSnapshotIdentifier")]
    pub(super) id: String,
    #[serde(rename = "DBClusterSnapshotArn")]
    arn: String,
    #[serde(rename = "DBClusterIdentifier")]
    pub(super) cluster: String,
    db_cluster_resource_id: String,
    pub(super) snapshot_type: String,
    pub(super) status: String,
    percent_progress: i64,
    pub(super) snapshot_create_time: f64,
    cluster_create_time: f64,
    engine: String,
    engine_mode: String,
    engine_version: String,
    license_model: String,
    master_username: String,
    port: i64,
    vpc_id: String,
    availability_zones: Vec<String>,
    allocated_storage: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_type: Option<String>,
    storage_encrypted: bool,
    storage_encryption_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    backup_retention_period: i64,
    preferred_backup_window: String,
    #[serde(rename = "IAMDatabaseAuthenticationEnabled")]
    iam_authentication: bool,
    #[serde(rename = "_tags")]
    tags: Tags,
    #[serde(rename = "_next", default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
}

/// Who makes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Made {
    ByUser,
    /// RDS, at this moment.
    Automatically {
        at_millis: i64,
    },
}

impl Record for Snapshot {
    const KIND: Kind = Kind {
        noun: "DBClusterSnapshot",
        resource: "cluster-snapshot",
        cloudformation: "AWS::RDS::DBClusterSnapshot",
        not_found: "DBClusterSnapshotNotFoundFault",
        exists: "DBClusterSnapshotAlreadyExistsFault",
    };
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl Snapshot {
    pub(super) fn is_automated(&self) -> bool {
        self.snapshot_type == "automated"
    }

    pub(super) fn is_complete(&mut self) {
        self.status = "available".to_owned();
        self.percent_progress = 100;
    }

    fn show(&self) -> Value {
        let mut value = to_json(self);
        value["TagList"] = tag_list(&self.tags);
        value
    }
}

/// A cluster has to be available to be copied (RDS API Reference, CreateDBClusterSnapshot,
/// `InvalidDBClusterStateFault`).
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (id, cluster, tags): (String, String, Vec<Tag>) =
        call.members(&["DBClusterSnapshotIdentifier", "DBClusterIdentifier", "Tags"])?;
    let id = names::identifier("DBClusterSnapshotIdentifier", &id, names::LONGEST_IDENTIFIER)?;
    let tags = tags::read(tags)?;
    let cluster = find(&cx.r.rds.clusters, &cluster)?;
    cluster.check_available()?;
    free(&cx.r.rds.snapshots, &id)?;
    let cluster = cluster.clone();
    make(cx, &cluster, id.clone(), Made::ByUser, Some(tags).filter(|tags| !tags.is_empty()));
    Ok(json!({"DBClusterSnapshot": find(&cx.r.rds.snapshots, &id)?.show()}))
}

pub(super) fn describe(cx: &Cx<'_>, call: &Call) -> Answer {
    const FILTERS: [Known; 4] = [
        ("db-cluster-id", &["DBClusterIdentifier"]),
        ("db-cluster-snapshot-id", &["DBClusterSnapshotIdentifier"]),
        ("snapshot-type", &["SnapshotType"]),
        ("engine", &["Engine"]),
    ];
    const LISTING: Listing =
        Listing { member: "DBClusterSnapshots", name: "DBClusterSnapshotIdentifier", filters: &FILTERS };
    const TYPES: [&str; 5] = ["automated", "manual", "shared", "public", "awsbackup"];
    let asked = Describe::read(call)?;
    let snapshots = &cx.r.rds.snapshots;
    if let Some(bad) = asked.snapshot_type.as_deref().filter(|asked| !TYPES.contains(asked)) {
        return Err(invalid(format!("Invalid snapshot type: {bad}.")));
    }
    if let Some(id) = &asked.snapshot {
        find(snapshots, id)?;
    }
    let is =
        |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|asked| kind::key(asked) == value);
    let wanted = snapshots.values().filter(|snapshot| {
        is(&asked.snapshot, &snapshot.id)
            && is(&asked.cluster, &snapshot.cluster)
            && is(&asked.snapshot_type, &snapshot.snapshot_type)
            && asked.db_cluster_resource_id.as_ref().is_none_or(|id| *id == snapshot.db_cluster_resource_id)
    });
    asked.page(&LISTING, wanted.map(Snapshot::show))
}

/// Automated snapshots go by themselves (RDS API Reference, DeleteDBClusterSnapshot: "must be in the available state";
/// Aurora User Guide, "Deleting a DB cluster snapshot").
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id: String = call.member("DBClusterSnapshotIdentifier")?;
    let snapshot = find(&cx.r.rds.snapshots, &id)?;
    let refuse = |message: String| Err(Refusal::new("InvalidDBClusterSnapshotStateFault", message));
    if snapshot.is_automated() {
        return refuse(format!("{id} is an automated snapshot, and only manual ones can be deleted."));
    }
    if snapshot.status != "available" {
        return refuse(format!("The snapshot {id} is not available, but {}.", snapshot.status));
    }
    let mut shown = snapshot.show();
    shown["Status"] = "deleted".into();
    cx.r.rds.snapshots.remove(&kind::key(&id));
    Ok(json!({"DBClusterSnapshot": shown}))
}

/// Makes a snapshot of a cluster, with the cluster's tags where it copies them and no others were given (RDS API
/// Reference, CreateDBCluster, `CopyTagsToSnapshot`).
pub(super) fn make(cx: &mut Cx<'_>, cluster: &Cluster, id: String, made: Made, tags: Option<Tags>) {
    let copied = || if cluster.copy_tags_to_snapshot { cluster.tags.clone() } else { Tags::new() };
    let at_millis = match made {
        Made::ByUser => cx.now_millis,
        Made::Automatically { at_millis } => at_millis,
    };
    let mut snapshot = Snapshot {
        arn: cx.arn("rds", &format!("{}:{id}", Snapshot::KIND.resource)),
        cluster: cluster.id.clone(),
        db_cluster_resource_id: cluster.db_cluster_resource_id.clone(),
        snapshot_type: if made == Made::ByUser { "manual" } else { "automated" }.to_owned(),
        status: "creating".to_owned(),
        percent_progress: 0,
        snapshot_create_time: at_millis as f64 / 1000.0,
        cluster_create_time: cluster.cluster_create_time,
        engine: cluster.engine.clone(),
        engine_mode: cluster.engine_mode.clone(),
        engine_version: cluster.engine_version.clone(),
        license_model: "postgresql-license".to_owned(),
        master_username: cluster.master_username.clone(),
        port: cluster.port,
        vpc_id: cluster.vpc_id.clone(),
        availability_zones: cluster.availability_zones.clone(),
        allocated_storage: 1,
        storage_type: cluster.storage_type.clone(),
        storage_encrypted: cluster.storage_encrypted,
        storage_encryption_type: cluster.storage_encryption_type.clone(),
        kms_key_id: cluster.kms_key_id.clone(),
        backup_retention_period: cluster.backup_retention_period,
        preferred_backup_window: cluster.preferred_backup_window.clone(),
        iam_authentication: cluster.iam_authentication,
        tags: tags.unwrap_or_else(copied),
        next: None,
        id: id.clone(),
    };
    let about = format!("{} snapshot {id}", cluster.db_cluster_resource_id);
    // An automated one is noticed when it is there.
    match cx.after(SNAPSHOT, &about).filter(|_| made == Made::ByUser) {
        Some(at_millis) => snapshot.next = Some(Next { state: "available".to_owned(), at_millis }),
        None => snapshot.is_complete(),
    }
    cx.r.rds.snapshots.insert(id, snapshot);
}

/// The name of an automated snapshot: `rds:CLUSTER-YYYY-MM-DD-HH-MM`.
pub(super) fn automated_name(cluster: &str, at_millis: i64) -> String {
    let time = timestamp(at_millis);
    let minutes = time.get(..16).unwrap_or(&time).replace(['T', ':'], "-");
    format!("rds:{cluster}-{minutes}")
}
