//! Instances: the record, and what is shown of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::State;
use super::cluster::Cluster;
use super::kind::{Kind, Record, find, invalid};
use super::pages::{Describe, Known, Listing};
use super::parameter_group;
use super::settings::Watching;
use super::status;
use crate::services::{
    ACCOUNT_ID, Answer, Call, Cx, Interface, Next, Refusal, Tags, ensure, tag_list, to_json,
};

/// An instance. What it has from its cluster is shown with it, and not kept twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Instance {
    #[serde(rename = "DBInstanceIdentifier")]
    pub(crate) id: String,
    #[serde(rename = "DBInstanceArn")]
    pub(crate) arn: String,
    pub(super) dbi_resource_id: String,
    #[serde(rename = "DBClusterIdentifier")]
    pub(crate) cluster: String,
    #[serde(rename = "DBInstanceClass")]
    pub(super) class: String,
    #[serde(rename = "DBInstanceStatus")]
    pub(crate) status: String,
    pub(super) availability_zone: String,
    #[serde(rename = "DBParameterGroups")]
    pub(super) parameter_groups: Vec<GroupStatus>,
    pub(super) preferred_maintenance_window: String,
    pub(super) auto_minor_version_upgrade: bool,
    pub(super) publicly_accessible: bool,
    pub(super) promotion_tier: i64,
    #[serde(rename = "CACertificateIdentifier")]
    pub(super) certificate_authority: String,
    #[serde(flatten)]
    pub(super) watching: Watching,
    pub(super) instance_create_time: f64,
    #[serde(default, skip_serializing_if = "Pending::is_empty")]
    pub(super) pending_modified_values: Pending,
    #[serde(rename = "_pendingMillis", default, skip_serializing_if = "Option::is_none")]
    pub(super) pending_millis: Option<i64>,
    #[serde(rename = "_interface")]
    pub(super) interface: Place,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// When the status says that a change has begun. Until then it is what it was.
    #[serde(rename = "_begins", default, skip_serializing_if = "Option::is_none")]
    pub(super) begins: Option<Next>,
    #[serde(rename = "_next", default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
}

/// Where an instance's network interface is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) subnet_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupStatus {
    #[serde(rename = "DBParameterGroupName")]
    pub(super) name: String,
    parameter_apply_status: String,
}

/// What was asked for and waits for the maintenance window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    #[serde(rename = "DBInstanceClass", skip_serializing_if = "Option::is_none")]
    pub(super) class: Option<String>,
    #[serde(rename = "CACertificateIdentifier", skip_serializing_if = "Option::is_none")]
    pub(super) certificate_authority: Option<String>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        *self == Pending::default()
    }
}

impl GroupStatus {
    pub(super) fn in_sync(name: String) -> Self {
        GroupStatus { name, parameter_apply_status: "in-sync".to_owned() }
    }
}

impl Record for Instance {
    const KIND: Kind = Kind {
        noun: "DBInstance",
        resource: "db",
        cloudformation: "AWS::RDS::DBInstance",
        not_found: "DBInstanceNotFound",
        exists: "DBInstanceAlreadyExists",
    };
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl Instance {
    /// Refuses what only an available instance can do.
    pub(super) fn check_available(&self) -> Result<(), Refusal> {
        match self.status.as_str() {
            "available" => Ok(()),
            status => Err(Refusal::new(
                "InvalidDBInstanceState",
                format!("Instance {} is currently {status} - please try again later.", self.id),
            )),
        }
    }

    /// Refuses what neither an available instance can do nor one that will not become available.
    pub(super) fn check_deletable(&self) -> Result<(), Refusal> {
        if status::is_lasting(&self.status) { Ok(()) } else { self.check_available() }
    }

    pub(super) fn uses_parameter_group(&self, name: &str) -> bool {
        self.parameter_groups.iter().any(|group| group.name == name)
    }

    pub(super) fn needs_restart(&mut self) {
        for group in &mut self.parameter_groups {
            group.parameter_apply_status = "pending-reboot".to_owned();
        }
    }

    /// It has the parameters of its groups now.
    pub(super) fn restarted(&mut self) {
        for group in &mut self.parameter_groups {
            group.parameter_apply_status = "in-sync".to_owned();
        }
    }

    /// Takes the own parameter group of the cluster's version, where it has that of another one.
    pub(super) fn follow_version(&mut self, family: &str) {
        let own = parameter_group::default_name(family);
        let others =
            |group: &&mut GroupStatus| group.name.starts_with(parameter_group::DEFAULT) && group.name != own;
        for group in self.parameter_groups.iter_mut().filter(others) {
            *group = GroupStatus::in_sync(own.clone());
        }
    }

    pub(super) fn apply(&mut self, pending: Pending) {
        let Pending { class, certificate_authority } = pending;
        if let Some(class) = class {
            self.class = class;
        }
        if let Some(authority) = certificate_authority {
            self.certificate_authority = authority;
        }
    }

    /// Its network interface (Aurora User Guide, "Working with a DB cluster in a VPC").
    pub(super) fn interface(&self, cluster: &Cluster) -> Interface {
        let groups = cluster.vpc_security_groups.iter();
        Interface {
            id: self.interface.id.clone(),
            subnet_id: self.interface.subnet_id.clone(),
            group_ids: groups.map(|group| group.vpc_security_group_id.clone()).collect(),
            description: "RDSNetworkInterface".to_owned(),
            interface_type: "interface".to_owned(),
            has_public_address: self.publicly_accessible,
        }
    }

    pub(super) fn show(&self, state: &State, region: &str) -> Value {
        let mut value = to_json(self);
        value["TagList"] = tag_list(&self.tags);
        // What an Aurora instance always shows.
        for empty in ["DBSecurityGroups", "DomainMemberships", "AssociatedRoles", "StatusInfos"] {
            value[empty] = json!([]);
        }
        value["AllocatedStorage"] = 1.into();
        value["DbInstancePort"] = 0.into();
        value["LicenseModel"] = "postgresql-license".into();
        value["MultiAZ"] = false.into();
        value["DeletionProtection"] = false.into();
        value["CustomerOwnedIpEnabled"] = false.into();
        value["BackupTarget"] = "region".into();
        value["CertificateDetails"] = json!({
            "CAIdentifier": self.certificate_authority,
            // Servers' certificates are good for a year (Aurora User Guide, "Certificate authorities").
            "ValidTill": self.instance_create_time + 365.0 * 24.0 * 60.0 * 60.0,
        });
        if self.watching.monitoring_interval > 0 {
            let group = format!("arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:RDSOSMetrics");
            value["EnhancedMonitoringResourceArn"] =
                format!("{group}:log-stream:{}", self.dbi_resource_id).into();
        }
        if let Some(cluster) = state.clusters.get(&self.cluster) {
            self.show_from_cluster(state, region, cluster, &mut value);
        }
        value
    }

    fn show_from_cluster(&self, state: &State, region: &str, cluster: &Cluster, value: &mut Value) {
        let inherited = json!({
            "Engine": cluster.engine,
            "EngineVersion": cluster.engine_version,
            "MasterUsername": cluster.master_username,
            "DBName": cluster.database_name,
            "BackupRetentionPeriod": cluster.backup_retention_period,
            "PreferredBackupWindow": cluster.preferred_backup_window,
            "VpcSecurityGroups": cluster.vpc_security_groups,
            "DBSubnetGroup": state.subnet_groups.get(&cluster.subnet_group).map(|group| group.show()),
            "StorageType": cluster.storage_type.as_deref().unwrap_or("aurora"),
            "StorageEncrypted": cluster.storage_encrypted,
            "StorageEncryptionType": cluster.storage_encryption_type,
            "KmsKeyId": cluster.kms_key_id,
            "CopyTagsToSnapshot": cluster.copy_tags_to_snapshot,
            "IAMDatabaseAuthenticationEnabled": cluster.iam_authentication,
            "NetworkType": cluster.network_type,
            "DatabaseInsightsMode": cluster.database_insights_mode,
            "EngineLifecycleSupport": cluster.engine_lifecycle_support,
            "OptionGroupMemberships": [{
                "OptionGroupName": format!("default:{}-{}", cluster.engine, cluster.version().major),
                "Status": "in-sync",
            }],
        });
        if let (Value::Object(all), Value::Object(inherited)) = (&mut *value, inherited) {
            all.extend(inherited);
        }
        if let Some(at) = cluster.automatic_restart_time {
            value["AutomaticRestartTime"] = at.into();
        }
        if !cluster.enabled_cloudwatch_logs_exports.is_empty() {
            value["EnabledCloudwatchLogsExports"] = json!(cluster.enabled_cloudwatch_logs_exports);
        }
        // There is nothing to connect to before it runs.
        if self.status != "creating" {
            value["Endpoint"] = json!({
                "Address": format!("{}.{}.{region}.rds.amazonaws.com", self.id, state.account_part),
                "Port": cluster.port,
                "HostedZoneId": cluster.hosted_zone_id,
            });
        }
    }
}

/// Refuses a class that Aurora PostgreSQL does not have (Aurora User Guide, "Supported DB engines for DB instance
/// classes").
pub(super) fn check_class(class: &str) -> Result<(), Refusal> {
    const BURSTABLE: [&str; 3] = ["t3.medium", "t3.large", "t4g.large"];
    const FAMILIES: [&str; 6] = ["r5", "r6g", "r6i", "r7g", "r7i", "r8g"];
    const SIZES: [&str; 7] = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge"];
    let size = class.strip_prefix("db.").unwrap_or_default();
    let memory = size.split_once('.').is_some_and(|(family, size)| {
        let larger = ["24xlarge", "48xlarge"].contains(&size) && !family.ends_with('g');
        FAMILIES.contains(&family) && (SIZES.contains(&size) || larger)
    });
    let burstable = size == "t4g.medium" || BURSTABLE.contains(&size);
    ensure(size == "serverless" || memory || burstable, || {
        invalid(format!("Invalid DB Instance class: {class}"))
    })
}

pub(super) fn describe(cx: &Cx<'_>, call: &Call) -> Answer {
    const FILTERS: [Known; 4] = [
        ("db-cluster-id", &["DBClusterIdentifier"]),
        ("db-instance-id", &["DBInstanceIdentifier", "DBInstanceArn"]),
        ("dbi-resource-id", &["DbiResourceId"]),
        ("engine", &["Engine"]),
    ];
    const LISTING: Listing =
        Listing { member: "DBInstances", name: "DBInstanceIdentifier", filters: &FILTERS };
    let asked = Describe::read(call)?;
    let state = &cx.r.rds;
    let show = |instance: &Instance| instance.show(state, cx.region);
    match &asked.instance {
        Some(id) => asked.page(&LISTING, [show(find(&state.instances, id)?)]),
        None => asked.page(&LISTING, state.instances.values().map(show)),
    }
}
