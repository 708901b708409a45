//! Clusters: the record, and what is shown of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::State;
use super::kind::{Kind, Record, find};
use super::outside::Membership;
use super::pages::{Describe, Known, Listing};
use super::settings::{Scaling, Watching};
use super::status;
use super::versions::Version;
use crate::services::{Answer, Call, Cx, Next, Refusal, Tags, tag_list, to_json};

/// A cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cluster {
    #[serde(rename = "DBClusterIdentifier")]
    pub(crate) id: String,
    #[serde(rename = "DBClusterArn")]
    pub(crate) arn: String,
    pub(super) db_cluster_resource_id: String,
    pub(super) engine: String,
    pub(super) engine_version: String,
    pub(super) engine_mode: String,
    pub(crate) status: String,
    pub(crate) endpoint: String,
    pub(crate) reader_endpoint: String,
    pub(super) hosted_zone_id: String,
    pub(super) port: i64,
    pub(super) master_username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) master_user_secret: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database_name: Option<String>,
    #[serde(rename = "DBClusterParameterGroup")]
    pub(super) parameter_group: String,
    #[serde(rename = "DBSubnetGroup")]
    pub(super) subnet_group: String,
    pub(super) availability_zones: Vec<String>,
    pub(super) network_type: String,
    pub(super) vpc_security_groups: Vec<Membership>,
    #[serde(rename = "DBClusterMembers")]
    pub(super) members: Vec<Member>,
    pub(super) backup_retention_period: i64,
    pub(super) preferred_backup_window: String,
    pub(super) preferred_maintenance_window: String,
    pub(super) storage_encrypted: bool,
    pub(super) storage_encryption_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_type: Option<String>,
    #[serde(rename = "IAMDatabaseAuthenticationEnabled")]
    pub(super) iam_authentication: bool,
    pub(super) http_endpoint_enabled: bool,
    pub(super) deletion_protection: bool,
    pub(super) copy_tags_to_snapshot: bool,
    pub(super) auto_minor_version_upgrade: bool,
    pub(super) engine_lifecycle_support: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) enabled_cloudwatch_logs_exports: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serverless_v2_scaling_configuration: Option<Scaling>,
    pub(super) database_insights_mode: String,
    #[serde(flatten)]
    pub(super) watching: Watching,
    pub(super) cluster_create_time: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) automatic_restart_time: Option<f64>,
    #[serde(default, skip_serializing_if = "Pending::is_empty")]
    pub(super) pending_modified_values: Pending,
    /// When what is pending is applied.
    #[serde(rename = "_pendingMillis", default, skip_serializing_if = "Option::is_none")]
    pub(super) pending_millis: Option<i64>,
    #[serde(rename = "_vpcId")]
    pub(super) vpc_id: String,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// The parameter group that comes with the version that is pending.
    #[serde(rename = "_pendingGroup", default, skip_serializing_if = "Option::is_none")]
    pub(super) pending_group: Option<String>,
    /// When the status says that a change has begun. Until then it is what it was.
    #[serde(rename = "_begins", default, skip_serializing_if = "Option::is_none")]
    pub(super) begins: Option<Next>,
    #[serde(rename = "_next", default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
    #[serde(rename = "_secretNext", default, skip_serializing_if = "Option::is_none")]
    pub(super) secret_next: Option<Next>,
    /// When it was first available, since when it can be restored.
    #[serde(rename = "_availableMillis", default, skip_serializing_if = "Option::is_none")]
    pub(super) available_millis: Option<i64>,
    /// Since when it has been stopped, or been about to be.
    #[serde(rename = "_stoppedMillis", default, skip_serializing_if = "Option::is_none")]
    pub(super) stopped_millis: Option<i64>,
    /// When the next automated snapshot is due.
    #[serde(rename = "_backupMillis", default, skip_serializing_if = "Option::is_none")]
    pub(super) backup_millis: Option<i64>,
}

/// The managed secret with the master user's password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Secret {
    pub(super) secret_arn: String,
    pub(super) secret_status: String,
    pub(super) kms_key_id: String,
}

/// An instance, as its cluster knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Member {
    #[serde(rename = "DBInstanceIdentifier")]
    pub(super) id: String,
    pub(super) is_cluster_writer: bool,
    #[serde(rename = "DBClusterParameterGroupStatus")]
    pub(super) parameter_group_status: String,
    pub(super) promotion_tier: i64,
}

/// What was asked for and waits for the maintenance window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Pending {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backup_retention_period: Option<i64>,
    #[serde(rename = "IAMDatabaseAuthenticationEnabled", skip_serializing_if = "Option::is_none")]
    pub(super) iam_authentication: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) engine_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_type: Option<String>,
}

impl Member {
    /// It has the parameters of its group now.
    pub(super) fn restarted(&mut self) {
        self.parameter_group_status = "in-sync".to_owned();
    }
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        *self == Pending::default()
    }

    /// What is pending once more is asked for.
    pub(super) fn with(self, more: Pending) -> Self {
        Pending {
            backup_retention_period: more.backup_retention_period.or(self.backup_retention_period),
            iam_authentication: more.iam_authentication.or(self.iam_authentication),
            engine_version: more.engine_version.or(self.engine_version),
            storage_type: more.storage_type.or(self.storage_type),
        }
    }

    /// What of it is not so yet.
    pub(super) fn beyond(self, cluster: &Cluster) -> Self {
        let storage_type = cluster.storage_type.as_deref().unwrap_or("aurora");
        Pending {
            backup_retention_period: self
                .backup_retention_period
                .filter(|days| *days != cluster.backup_retention_period),
            iam_authentication: self.iam_authentication.filter(|on| *on != cluster.iam_authentication),
            engine_version: self.engine_version.filter(|version| *version != cluster.engine_version),
            storage_type: self.storage_type.filter(|kind| kind != storage_type),
        }
    }
}

impl Record for Cluster {
    const KIND: Kind = Kind {
        noun: "DBCluster",
        resource: "cluster",
        cloudformation: "AWS::RDS::DBCluster",
        not_found: "DBClusterNotFoundFault",
        exists: "DBClusterAlreadyExistsFault",
    };
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl Cluster {
    pub(super) fn version(&self) -> Version {
        Version::stored(&self.engine_version)
    }

    /// Refuses what only an available cluster can do.
    pub(super) fn check_available(&self) -> Result<(), Refusal> {
        match self.status.as_str() {
            "available" => Ok(()),
            status => Err(busy(format!("DBCluster {} is not in available state, but {status}.", self.id))),
        }
    }

    /// Refuses what neither an available cluster can do nor one that will not become available.
    pub(super) fn check_deletable(&self) -> Result<(), Refusal> {
        if status::is_lasting(&self.status) { Ok(()) } else { self.check_available() }
    }

    /// Notes that its instances have to be restarted before they have the parameters of its group.
    pub(super) fn needs_restart(&mut self) {
        for member in &mut self.members {
            member.parameter_group_status = "pending-reboot".to_owned();
        }
    }

    /// Applies what was pending.
    pub(super) fn apply(&mut self, pending: Pending) {
        let Pending { backup_retention_period, iam_authentication, engine_version, storage_type } = pending;
        self.backup_retention_period = backup_retention_period.unwrap_or(self.backup_retention_period);
        self.iam_authentication = iam_authentication.unwrap_or(self.iam_authentication);
        if let Some(version) = engine_version {
            self.engine_version = version;
            self.parameter_group = self.pending_group.take().unwrap_or_else(|| self.parameter_group.clone());
            // An upgrade restarts the instances.
            self.members.iter_mut().for_each(Member::restarted);
        }
        if let Some(storage_type) = storage_type {
            self.storage_type = Some(storage_type).filter(|storage_type| storage_type != "aurora");
        }
    }

    pub(super) fn has_writer(&self) -> bool {
        self.members.iter().any(|member| member.is_cluster_writer)
    }

    pub(super) fn show(&self, state: &State, now_millis: i64) -> Value {
        let mut value = to_json(self);
        let zones = self.members.iter().filter_map(|member| state.instances.get(&member.id));
        let zones: std::collections::BTreeSet<&str> =
            zones.map(|instance| instance.availability_zone.as_str()).collect();
        value["MultiAZ"] = (zones.len() > 1).into();
        value["TagList"] = tag_list(&self.tags);
        // What an Aurora cluster always shows.
        value["AllocatedStorage"] = 1.into();
        value["ActivityStreamStatus"] = "stopped".into();
        value["CrossAccountClone"] = false.into();
        for empty in ["AssociatedRoles", "DomainMemberships", "ReadReplicaIdentifiers"] {
            value[empty] = json!([]);
        }
        if let Some((earliest, latest)) = self.restorable(now_millis) {
            value["EarliestRestorableTime"] = earliest.into();
            value["LatestRestorableTime"] = latest.into();
        }
        value
    }

    /// From when to when it can be restored, in seconds since 1970: within the days that backups are kept, up to the
    /// last five minutes (Aurora User Guide, "Backups": "typically within the last 5 minutes").
    fn restorable(&self, now_millis: i64) -> Option<(f64, f64)> {
        let since = self.available_millis?;
        let now_millis = self.stopped_millis.unwrap_or(now_millis);
        let kept_millis = self.backup_retention_period * 24 * 60 * 60 * 1000;
        let earliest = since.max(now_millis - kept_millis);
        let latest = earliest.max(now_millis - now_millis.rem_euclid(5 * 60 * 1000));
        Some((earliest as f64 / 1000.0, latest as f64 / 1000.0))
    }
}

/// No cluster is in a global one: those are not modelled. Tools ask whenever they read a cluster.
pub(super) fn describe_global(call: &Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Global {
        global_cluster_identifier: Option<String>,
        #[serde(rename = "Filters")]
        _filters: Option<Value>,
        #[serde(rename = "MaxRecords")]
        _max_records: Option<i64>,
        #[serde(rename = "Marker")]
        _marker: Option<String>,
    }
    let Global { global_cluster_identifier, .. } = call.input()?;
    match global_cluster_identifier {
        None => Ok(json!({"GlobalClusters": []})),
        Some(id) => {
            let message = format!("Global cluster {id} not found");
            Err(Refusal::new("GlobalClusterNotFoundFault", message).with_status(404))
        }
    }
}

pub(super) fn describe(cx: &Cx<'_>, call: &Call) -> Answer {
    const FILTERS: [Known; 3] = [
        ("db-cluster-id", &["DBClusterIdentifier", "DBClusterArn"]),
        ("db-cluster-resource-id", &["DbClusterResourceId"]),
        ("engine", &["Engine"]),
    ];
    const LISTING: Listing = Listing { member: "DBClusters", name: "DBClusterIdentifier", filters: &FILTERS };
    let asked = Describe::read(call)?;
    let state = &cx.r.rds;
    let show = |cluster: &Cluster| cluster.show(state, cx.now_millis);
    match &asked.cluster {
        Some(id) => asked.page(&LISTING, [show(find(&state.clusters, id)?)]),
        None => asked.page(&LISTING, state.clusters.values().map(show)),
    }
}

/// The refusal of what a cluster cannot do in its state.
pub(super) fn busy(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidDBClusterStateFault", message)
}
