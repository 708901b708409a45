//! An Aurora PostgreSQL cluster: the volume with the data, and the endpoints. Instances are resources of their own.
//!
//! The surprises: its endpoint and its secret are in the answer to the create call, minutes before it is available, so
//! that what only needs to know them need not wait; RDS makes and rotates the password itself, and the secret dies with
//! the cluster; a cluster that is deleted without a final snapshot takes its automated backups along; and the HTTP endpoint, which
//! the RDS Data API needs, is set by CreateDBCluster, but afterwards by calls of its own: ModifyDBCluster ignores it for all but
//! Serverless v1 (RDS API Reference, EnableHttpEndpoint).
//!
//! - **Wait.** `InvalidDBClusterStateFault` while it, or an instance in it, is being changed, which an upgrade does for many
//!   minutes; a stopped cluster answers the same and is not waited for.
//! - **Rewritten.** AWS raises the minor version in a maintenance window. Where a major version was asked for, the answer has a
//!   minor one. The windows come back in lower case.
//! - **Silent.** After a change the status stays `available` for up to a minute, while what was asked for is in
//!   `PendingModifiedValues`. Another parameter group, and a static parameter in one, wait for a restart that nobody makes.
//! - **Terminal.** Those of `status`, for instances too.
//!
//! What ModifyDBCluster can change, member by member of its request in the API's model:
//! - **Compared and taken back:** `BackupRetentionPeriod`, `CloudwatchLogsExportConfiguration`, `CopyTagsToSnapshot`,
//!   `DatabaseInsightsMode`, `DBClusterParameterGroupName`, `DeletionProtection`, `EnableIAMDatabaseAuthentication`,
//!   `EnablePerformanceInsights` with its retention and key, `EngineVersion` (an older one; a newer minor one is as good),
//!   `ManageMasterUserPassword` (and so `MasterUserPassword` and `MasterUserAuthenticationType`, with which RDS manages none), `Port`,
//!   `PreferredBackupWindow`, `PreferredMaintenanceWindow`, `ServerlessV2ScalingConfiguration`, `VpcSecurityGroupIds`; and by calls of
//!   its own the HTTP endpoint.
//! - **Compared, and the plan refused:** `MasterUserSecretKmsKeyId`.
//! - **Shown and left:** `StorageType`; that it is stopped, or does not work (`outage`).
//! - **Compared on the instances,** which take it over: `CACertificateIdentifier`, `DBInstanceParameterGroupName`, `MonitoringInterval`,
//!   `MonitoringRoleArn`.
//! - **Seen as a cluster that is gone,** and the plan refused, which would make an empty one: `NewDBClusterIdentifier`.
//! - **Not compared:** `AutoMinorVersionUpgrade`, since for Aurora each instance's own decides, which is compared; `NetworkType`, since the
//!   subnets have IPv4 only, so that RDS refuses the other one; `EngineLifecycleSupport`, which is a matter of cost once a version has
//!   left standard support; `EnableLocalWriteForwarding` and `EnableGlobalWriteForwarding`, which a session must ask for;
//!   `Domain` and `DomainIAMRoleName`, since nobody logs in that way without a role in the database for it;
//!   `RotateMasterUserPassword`, which RDS does by itself every week; `AwsBackupRecoveryPointArn`, which adds a backup.
//! - **Not for Aurora PostgreSQL with Serverless v2:** `AllocatedStorage`, `AllowEngineModeChange`, `BacktrackWindow`,
//!   `DBClusterInstanceClass`, `EnableHttpEndpoint` (see above), `EnableLimitlessDatabase`, `EngineMode`, `Iops`, `OptionGroupName`,
//!   `ScalingConfiguration`.
//! - **How, not what:** `AllowMajorVersionUpgrade`, `ApplyImmediately`, `DBClusterIdentifier`.

use async_trait::async_trait;
use aws::rds::{OfRds, client, live_tags, retag, tag};
use aws::{
    CallResult, Called, Context, KeyArn, LogGroupName, SecurityGroupId, Tags, converge, in_order_of, number,
    port_or_zero, required,
};
use aws_sdk_rds::types::{DatabaseInsightsMode, DbCluster as Live};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, Foreseen, How,
    ImportId, Intent, Keep, KeepValue, Limit, Listed, Loss, Named, Readiness, Reads, Resolved, Resource,
    Search, Settle, Span, Stage, Tagging, Template, Times, Wish,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Instance;
use super::cluster_change::{
    BUSY, PENDING_REBOOT, STANDARD_STORAGE, added_by_hand, foresee_elsewhere, foresee_secret, how_to_restart,
    other_key, other_storage, readiness, worth_waiting,
};
use super::cluster_parts::{DeletionPolicy, MasterUserSecret, ServerlessScaling};
use super::outage::{self, Outage};
use super::version;
use crate::{ClusterId, InstanceId, ParameterGroupName, SecretArn, SubnetGroupName};

/// The properties of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Cluster<S: Stage = Declared> {
    /// Its name, unique in account and region, lower case.
    #[serde(rename = "DBClusterIdentifier")]
    pub identifier: ClusterId,
    /// `aurora-postgresql`.
    pub engine: String,
    /// The oldest version that is wanted, such as `17.7`, or a major version alone for any of its minor ones.
    pub engine_version: String,
    /// Whether it may get another major version. A wish for updates: a living cluster does not know of it. CloudFormation
    /// has no such property.
    #[serde(default)]
    pub allow_major_version_upgrade: bool,
    /// The database that is made with the cluster.
    pub database_name: String,
    /// The name of the master user.
    pub master_username: String,
    /// Whether RDS makes, keeps and rotates the password. It always does here.
    pub manage_master_user_password: bool,
    /// How it keeps it.
    pub master_user_secret: MasterUserSecret<S>,
    /// Where instances may be.
    #[serde(rename = "DBSubnetGroupName")]
    pub subnet_group_name: S::Of<SubnetGroupName>,
    /// Who may talk to it. Their order has no meaning.
    pub vpc_security_group_ids: Vec<S::Of<SecurityGroupId>>,
    /// How PostgreSQL is set up.
    #[serde(rename = "DBClusterParameterGroupName")]
    pub parameter_group_name: S::Of<ParameterGroupName>,
    /// Its port.
    pub port: u16,
    /// Whether data, backups and snapshots are encrypted.
    pub storage_encrypted: bool,
    /// The key that encrypts them.
    pub kms_key_id: S::Of<KeyArn>,
    /// For how many days one can go back to any second: 1 to 35.
    pub backup_retention_period: u32,
    /// When the daily snapshot is taken, in UTC: `03:00-04:00`.
    pub preferred_backup_window: String,
    /// When AWS may change something, in UTC: `sun:04:00-sun:05:00`.
    pub preferred_maintenance_window: String,
    /// Which logs go to CloudWatch Logs.
    pub enable_cloudwatch_logs_exports: Vec<String>,
    /// The groups that those logs go to. They are not sent, because RDS knows their names itself, and makes a group that
    /// is not there, with logs that are kept for ever: naming them here makes the cluster wait for them. CloudFormation
    /// has no such property.
    pub log_group_names: Vec<S::Of<LogGroupName>>,
    /// Whether IAM can stand in for a password.
    #[serde(rename = "EnableIAMDatabaseAuthentication")]
    pub enable_iam_database_authentication: bool,
    /// Whether the RDS Data API takes SQL statements for it.
    #[serde(default)]
    pub enable_http_endpoint: bool,
    /// Whether snapshots get the cluster's tags.
    pub copy_tags_to_snapshot: bool,
    /// Whether AWS refuses to delete it.
    pub deletion_protection: bool,
    /// How large it may become.
    pub serverless_v2_scaling_configuration: ServerlessScaling,
    /// `standard` or `advanced`.
    pub database_insights_mode: String,
    /// Whether it has Performance Insights. The advanced mode needs them.
    #[serde(default)]
    pub performance_insights_enabled: bool,
    /// For how many days they are kept: 7, or at least 465 in the advanced mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance_insights_retention_period: Option<u32>,
    /// The key that encrypts them. It cannot be changed while they are on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance_insights_kms_key_id: Option<S::Of<KeyArn>>,
    /// What becomes of the data in the end. A wish for the deletion: a living cluster does not know of it.
    pub deletion_policy: DeletionPolicy,
    /// Instances that do not have all parameters of the cluster's group before somebody restarts them. Declared are none, and
    /// those that a look finds are shown, with what to do. CloudFormation has no such property.
    #[serde(default)]
    pub members_pending_reboot: Vec<InstanceId>,
    /// Why it does not work, and will not before somebody does something. It is shown and stays. Never declared. CloudFormation has no
    /// such property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// Storage of another kind than Aurora's standard one: it is billed otherwise and works as well, so it is shown and stays. Never
    /// declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_type: Option<String>,
    /// Instances that somebody has added. They are shown and stay: one of them may be the writer. Never declared: each instance
    /// of ours is a resource of its own. CloudFormation has no such property.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added_members: Vec<InstanceId>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClusterOutputs<S: Stage> {
    /// The name.
    #[serde(rename = "DBClusterIdentifier")]
    pub identifier: S::Of<ClusterId>,
    /// The ARN.
    #[serde(rename = "DBClusterArn")]
    pub arn: S::Of<String>,
    /// The id that no other cluster has or had, such as `cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ`. IAM policies name it.
    #[serde(rename = "DBClusterResourceId")]
    pub resource_id: S::Of<String>,
    /// The name of the writer in DNS.
    #[serde(rename = "Endpoint.Address")]
    pub endpoint: S::Of<String>,
    /// The name of the readers in DNS.
    #[serde(rename = "ReadEndpoint.Address")]
    pub read_endpoint: S::Of<String>,
    /// The secret with the master user's name and password.
    #[serde(rename = "MasterUserSecret.SecretArn")]
    pub secret_arn: S::Of<SecretArn>,
}

impl Declares for Cluster<Declared> {
    type Resolved = Cluster<Resolved>;
}

pub(super) async fn describe(cx: &Context, id: &str) -> Result<Option<Live>, CallError> {
    let request = client(cx).describe_db_clusters().db_cluster_identifier(id);
    let answer = request.send().await.called("DescribeDBClusters").if_exists()?;
    Ok(answer.and_then(|answer| answer.db_clusters.unwrap_or_default().into_iter().next()))
}

/// Whether there is a cluster snapshot of this name.
async fn is_taken(cx: &Context, name: &str) -> Result<bool, CallError> {
    let request = client(cx).describe_db_cluster_snapshots().db_cluster_snapshot_identifier(name);
    let answer = request.send().await.called("DescribeDBClusterSnapshots").if_exists()?;
    Ok(answer.is_some_and(|answer| !answer.db_cluster_snapshots().is_empty()))
}

pub(super) fn outputs(live: &Live, operation: &str) -> Result<ClusterOutputs<Resolved>, CallError> {
    let secret = live.master_user_secret().and_then(|secret| secret.secret_arn());
    Ok(ClusterOutputs {
        identifier: required(live.db_cluster_identifier(), operation, "DBClusterIdentifier")?.into(),
        arn: required(live.db_cluster_arn(), operation, "DBClusterArn")?.to_owned(),
        resource_id: required(live.db_cluster_resource_id(), operation, "DbClusterResourceId")?.to_owned(),
        endpoint: required(live.endpoint(), operation, "Endpoint")?.to_owned(),
        read_endpoint: required(live.reader_endpoint(), operation, "ReaderEndpoint")?.to_owned(),
        secret_arn: required(secret, operation, "MasterUserSecret")?.into(),
    })
}

/// Refuses a cluster of which RDS does not manage the password. One that was restored has the password of its backup, which this
/// program neither knows nor sets.
fn check_password(live: &Live, key: &str) -> Result<(), CallError> {
    if live.master_user_secret().is_some() || live.status() != Some("available") {
        return Ok(());
    }
    let name = live.db_cluster_identifier().unwrap_or_default();
    let message = format!(
        "it exists and RDS does not manage the password of its master user. Let RDS do so, then run again: `aws rds \
         modify-db-cluster --db-cluster-identifier {name} --manage-master-user-password --master-user-secret-kms-key-id {key} \
         --apply-immediately`"
    );
    Err(CallError::conflict(format!("looking for the DB cluster {name}"), message))
}

impl Cluster<Resolved> {
    /// The final snapshot's name, another one for each cluster: the first that is free.
    ///
    /// A snapshot of that name is one of a deletion that failed. Since then the cluster may have been written to, and nothing
    /// tells whether it was, so that such a snapshot is never taken for the final one.
    async fn final_snapshot(
        &self,
        cx: &Context,
        outputs: &ClusterOutputs<Resolved>,
    ) -> Result<Option<String>, CallError> {
        if self.deletion_policy != DeletionPolicy::Snapshot {
            return Ok(None);
        }
        let own = outputs.resource_id.to_lowercase();
        let own = own.trim_start_matches("cluster-").get(..8).unwrap_or(&own);
        let first = format!("{}-final-{own}", outputs.identifier);
        let mut name = first.clone();
        let mut number = 1;
        while is_taken(cx, &name).await? {
            number += 1;
            name = format!("{first}-{number}");
        }
        Ok(Some(name))
    }

    fn live_properties(&self, live: Live, is_ours: impl Fn(&str) -> bool) -> Self {
        let outage = Outage::of(&live);
        let secret = live.master_user_secret;
        let scaling = live.serverless_v2_scaling_configuration;
        let pauses = |scaling: &aws_sdk_rds::types::ServerlessV2ScalingConfigurationInfo| {
            scaling.seconds_until_auto_pause.and_then(|seconds| u32::try_from(seconds).ok())
        };
        let min = scaling.as_ref().and_then(|scaling| scaling.min_capacity).unwrap_or_default();
        let groups = live.vpc_security_groups.unwrap_or_default();
        let groups = groups.into_iter().filter_map(|group| group.vpc_security_group_id).map(Into::into);
        let exports = live.enabled_cloudwatch_logs_exports.unwrap_or_default();
        let insights = live.database_insights_mode;
        let members = live.db_cluster_members.unwrap_or_default();
        let ids = members.iter().filter_map(|member| member.db_instance_identifier.clone());
        let mut added: Vec<String> = ids.filter(|id| !is_ours(id)).collect();
        added.sort_unstable();
        let members = members.into_iter();
        let pending =
            members.filter(|member| member.db_cluster_parameter_group_status() == Some(PENDING_REBOOT));
        let mut pending: Vec<_> = pending.filter_map(|member| member.db_instance_identifier).collect();
        pending.sort_unstable();
        Self {
            identifier: live.db_cluster_identifier.unwrap_or_default().into(),
            engine: live.engine.unwrap_or_default(),
            engine_version: live.engine_version.unwrap_or_default(),
            allow_major_version_upgrade: self.allow_major_version_upgrade,
            database_name: live.database_name.unwrap_or_default(),
            master_username: live.master_username.unwrap_or_default(),
            manage_master_user_password: secret.is_some(),
            master_user_secret: MasterUserSecret {
                kms_key_id: secret.and_then(|secret| secret.kms_key_id).unwrap_or_default().into(),
            },
            subnet_group_name: live.db_subnet_group.unwrap_or_default().into(),
            vpc_security_group_ids: in_order_of(&self.vpc_security_group_ids, groups.collect(), Clone::clone),
            parameter_group_name: live.db_cluster_parameter_group.unwrap_or_default().into(),
            port: port_or_zero(live.port),
            storage_encrypted: live.storage_encrypted.unwrap_or_default(),
            kms_key_id: live.kms_key_id.unwrap_or_default().into(),
            backup_retention_period: live.backup_retention_period.unwrap_or_default().unsigned_abs(),
            preferred_backup_window: live.preferred_backup_window.unwrap_or_default(),
            preferred_maintenance_window: live.preferred_maintenance_window.unwrap_or_default(),
            enable_cloudwatch_logs_exports: in_order_of(
                &self.enable_cloudwatch_logs_exports,
                exports,
                Clone::clone,
            ),
            log_group_names: self.log_group_names.clone(),
            enable_iam_database_authentication: live.iam_database_authentication_enabled.unwrap_or_default(),
            enable_http_endpoint: live.http_endpoint_enabled.unwrap_or_default(),
            copy_tags_to_snapshot: live.copy_tags_to_snapshot.unwrap_or_default(),
            deletion_protection: live.deletion_protection.unwrap_or_default(),
            serverless_v2_scaling_configuration: ServerlessScaling {
                min_capacity: min,
                max_capacity: scaling.as_ref().and_then(|scaling| scaling.max_capacity).unwrap_or_default(),
                // Reported even where nothing pauses.
                seconds_until_auto_pause: scaling.as_ref().filter(|_| min == 0.0).and_then(pauses),
            },
            database_insights_mode: insights
                .as_ref()
                .map_or("standard", DatabaseInsightsMode::as_str)
                .to_owned(),
            performance_insights_enabled: live.performance_insights_enabled.unwrap_or_default(),
            performance_insights_retention_period: live
                .performance_insights_retention_period
                .and_then(|days| u32::try_from(days).ok()),
            performance_insights_kms_key_id: live.performance_insights_kms_key_id.map(Into::into),
            deletion_policy: self.deletion_policy,
            members_pending_reboot: pending.into_iter().map(Into::into).collect(),
            outage,
            storage_type: live.storage_type.filter(|kind| kind != STANDARD_STORAGE),
            added_members: added.into_iter().map(Into::into).collect(),
            tags: live_tags(live.tag_list.as_deref().unwrap_or_default()).visible(),
        }
    }
}

#[async_trait]
impl Resource for Cluster<Resolved> {
    const KIND: &'static str = "AWS::RDS::DBCluster";
    const FACTS: Facts = Facts {
        name: Named::ByName("DBClusterIdentifier"),
        create_only: CreateOnly::These(&[
            "DBClusterIdentifier",
            "DBSubnetGroupName",
            "DatabaseName",
            "Engine",
            "KmsKeyId",
            "MasterUsername",
            "StorageEncrypted",
        ]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Data("all its data and automated backups"),
        keeps: &[
            Keep {
                property: "DeletionPolicy",
                value: KeepValue::Text("Snapshot"),
                how: How::Copy("a final snapshot"),
            },
            Keep { property: "DeletionProtection", value: KeepValue::Flag(true), how: How::Forbid },
        ],
        limits: &[Limit { property: "BackupRetentionPeriod", words: "automated backups that are older" }],
        template: Template {
            own_properties: &[
                "AddedMembers",
                "AllowMajorVersionUpgrade",
                "DeletionPolicy",
                "LogGroupNames",
                "MembersPendingReboot",
                "Outage",
                "StorageType",
            ],
            ..Template::AS_DECLARED
        },
        // With an upgrade to another major version, and with its last snapshot.
        times: Times {
            ready: Span { typical: 43, longest: 7200 },
            gone: Span { typical: 100, longest: 3600 },
        },
        import: ImportId {
            parts: &["DBClusterIdentifier"],
            words: "the identifier of the database cluster",
            example: "payment-aurora-dev",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeDBClusters") },
        cost: Some("aurora-storage"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["AddedMembers", "Outage", "StorageType"];
    type Context = Context;
    type Declared = Cluster<Declared>;
    type Outputs<S: Stage> = ClusterOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.identifier.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ClusterOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, self.identifier.as_str()).await? else { return Ok(None) };
        let tags = live_tags(live.tag_list());
        cx.adopt(&format!("DB cluster {}", self.identifier), &tags, search)?;
        let (name, key) = (&self.identifier, self.master_user_secret.kms_key_id.as_str());
        check_password(&live, key)?;
        let conflict = |message| CallError::conflict(format!("looking for the DB cluster {name}"), message);
        let secret = live.master_user_secret();
        if let Some(is) = secret.and_then(|secret| secret.kms_key_id()).filter(|is| *is != key) {
            let (reason, hint) = other_key(name.as_str(), is, key);
            return Err(conflict(format!("it exists, but {reason}: {hint}")));
        }
        outputs(&live, "DescribeDBClusters").map(Some)
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<ClusterOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, id.part("DBClusterIdentifier")).await? else { return Ok(None) };
        check_password(&live, self.master_user_secret.kms_key_id.as_str())?;
        outputs(&live, "DescribeDBClusters").map(Some)
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<ClusterOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateDBCluster";
        let version = version::to_create(cx, &self.engine, &self.engine_version).await?;
        let request = client(cx)
            .create_db_cluster()
            .db_cluster_identifier(self.identifier.as_str())
            .engine(&self.engine)
            .engine_version(version)
            .database_name(&self.database_name)
            .master_username(&self.master_username)
            .manage_master_user_password(self.manage_master_user_password)
            .master_user_secret_kms_key_id(self.master_user_secret.kms_key_id.as_str())
            .db_subnet_group_name(self.subnet_group_name.as_str())
            .set_vpc_security_group_ids(Some(self.group_ids()))
            .db_cluster_parameter_group_name(self.parameter_group_name.as_str())
            .port(i32::from(self.port))
            .storage_encrypted(self.storage_encrypted)
            .kms_key_id(self.kms_key_id.as_str())
            .backup_retention_period(number(self.backup_retention_period))
            .preferred_backup_window(&self.preferred_backup_window)
            .preferred_maintenance_window(&self.preferred_maintenance_window)
            .set_enable_cloudwatch_logs_exports(Some(self.enable_cloudwatch_logs_exports.clone()))
            .enable_iam_database_authentication(self.enable_iam_database_authentication)
            .enable_http_endpoint(self.enable_http_endpoint)
            .copy_tags_to_snapshot(self.copy_tags_to_snapshot)
            .deletion_protection(self.deletion_protection)
            .serverless_v2_scaling_configuration(self.serverless_v2_scaling_configuration.for_call())
            .database_insights_mode(DatabaseInsightsMode::from(self.database_insights_mode.as_str()))
            .enable_performance_insights(self.performance_insights_enabled)
            .set_performance_insights_retention_period(self.insights_days())
            .set_performance_insights_kms_key_id(self.insights_key())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).once_visible().once_linked();
        let answer = answer.once_spread(cx, &["KMSKeyNotAccessibleFault"]);
        let answer = answer.classed(&[BUSY], ErrorClass::NotYet)?;
        outputs(&required(answer.db_cluster, OPERATION, "DBCluster")?, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        known: &ClusterOutputs<Resolved>,
    ) -> Result<Readiness<ClusterOutputs<Resolved>>, CallError> {
        readiness(describe(cx, known.identifier.as_str()).await?.as_ref())
    }

    async fn poll_changed(
        &self,
        cx: &Context,
        known: &ClusterOutputs<Resolved>,
    ) -> Result<Readiness<ClusterOutputs<Resolved>>, CallError> {
        let live = describe(cx, known.identifier.as_str()).await?;
        let pending = live.as_ref().and_then(|live| self.pending(live));
        match (readiness(live.as_ref())?, pending) {
            (Readiness::Ready(_), Some(what)) => {
                Ok(Readiness::Pending(format!("available, and {what} is pending")))
            }
            (readiness, _) => Ok(readiness),
        }
    }

    fn lingers(property: &str) -> bool {
        // Nothing happens to the cluster for these.
        !matches!(
            property,
            "AllowMajorVersionUpgrade"
                | "CopyTagsToSnapshot"
                | "DeletionPolicy"
                | "DeletionProtection"
                | "LogGroupNames"
                | "MembersPendingReboot"
                | "PreferredBackupWindow"
                | "PreferredMaintenanceWindow"
                | "Tags"
        )
    }

    fn accepts(property: &str, live: &Value, declared: &Value) -> Option<String> {
        match property {
            "EngineVersion" => version::accepted(live.as_str()?, declared.as_str()?),
            "MembersPendingReboot" => Some(how_to_restart(live)),
            "AddedMembers" => Some(added_by_hand(live)),
            "Outage" => outage::remark(live),
            "StorageType" => Some(other_storage(live)),
            _ => None,
        }
    }

    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        match outage::foresee_cluster(wish).or_else(|| foresee_secret(wish)) {
            Some(refused) => Ok(refused),
            None => match foresee_elsewhere(cx, wish).await? {
                Some(refused) => Ok(refused),
                None => version::foresee(cx, wish).await,
            },
        }
    }

    async fn configure(&self, cx: &Context, outputs: &ClusterOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ClusterOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = describe(cx, outputs.identifier.as_str()).await?;
        // Another cluster of the same name is not ours.
        let live = live.filter(|live| live.db_cluster_resource_id() == Some(outputs.resource_id.as_str()));
        let live = live.filter(|live| live.status() != Some("deleting"));
        let ours = cx.ours::<Instance<Resolved>>();
        let is_ours = |id: &str| ours.iter().any(|ours| ours.properties.identifier.as_str() == id);
        Ok(live.map(|live| self.live_properties(live, is_ours)))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ClusterOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ClusterOutputs<Resolved>, CallError> {
        self.modify(cx, outputs, changed).await?;
        retag(cx, &outputs.arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ClusterOutputs<Resolved>) -> Result<(), CallError> {
        let live = describe(cx, outputs.identifier.as_str()).await?;
        let is_ours = |live: &Live| {
            live.db_cluster_resource_id() == Some(outputs.resource_id.as_str())
                && live.status() != Some("deleting")
        };
        if !live.as_ref().is_some_and(is_ours) {
            return Ok(());
        }
        let snapshot = self.final_snapshot(cx, outputs).await?;
        let request = client(cx)
            .delete_db_cluster()
            .db_cluster_identifier(outputs.identifier.as_str())
            .skip_final_snapshot(snapshot.is_none())
            .set_final_db_snapshot_identifier(snapshot);
        let answer = request
            .send()
            .await
            .called("DeleteDBCluster")
            // Instances that are still being deleted, or a change that is not done.
            .classed(&[BUSY], ErrorClass::DependencyViolation)
            // A snapshot that could not be seen yet: the next look finds it, and another name.
            .classed(&[TAKEN], ErrorClass::NotYet)
            .map(drop)
            .gone_is_ok();
        match answer {
            Err(error) => Err(worth_waiting(cx, outputs.identifier.as_str(), error).await),
            deleted => deleted,
        }
    }

    async fn poll_gone(&self, cx: &Context, outputs: &ClusterOutputs<Resolved>) -> Result<bool, CallError> {
        let live = describe(cx, outputs.identifier.as_str()).await?;
        Ok(live.is_none_or(|live| live.db_cluster_resource_id() != Some(outputs.resource_id.as_str())))
    }
}

/// The name of the final snapshot is taken (RDS API Reference, DeleteDBCluster).
const TAKEN: &str = "DBClusterSnapshotAlreadyExistsFault";
