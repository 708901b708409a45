//! An instance of an Aurora cluster: what computes. One writes, the others read and stand in for it.
//!
//! The surprise: an instance takes longer than anything else in the stack, six minutes and sometimes twelve. And a fresh
//! monitoring role is refused as one without permissions for some seconds.
//!
//! - **Wait.** `InvalidDBClusterStateFault` and `InvalidDBInstanceState` while the cluster or the instance is being changed; a
//!   fresh role, as above.
//! - **Rewritten.** Nothing that is declared. Version, parameters and Performance Insights are the cluster's.
//! - **Silent.** After a change the status stays `available` for up to a minute, while class and certificate authority are in
//!   `PendingModifiedValues`.
//! - **Terminal.** Those of `status`.
//!
//! Parameters are the cluster's, but an instance may have a group of its own beside that, whose values come first. AWS's own group has
//! none. Another one is somebody's, is drift, and AWS's own comes back; whether the parameters are in force then, a restart decides,
//! which is nobody's but an operator's.
//!
//! What ModifyDBInstance can change, member by member of its request in the API's model:
//! - **Compared and taken back:** `AutoMinorVersionUpgrade`, `CACertificateIdentifier`, `DBInstanceClass`, `DBParameterGroupName`,
//!   `EnablePerformanceInsights`, `MonitoringInterval`, `MonitoringRoleArn`, `PreferredMaintenanceWindow`, `PromotionTier`.
//! - **Compared, and made anew:** `PubliclyAccessible`.
//! - **Seen as an instance that is gone,** beside one that somebody has added: `NewDBInstanceIdentifier`.
//! - **Compared on the cluster,** where alone it can be changed (RDS API Reference: "This setting doesn't apply to Amazon Aurora DB
//!   instances"): `BackupRetentionPeriod`, `CloudwatchLogsExportConfiguration`, `CopyTagsToSnapshot`, `DatabaseInsightsMode`,
//!   `DBPortNumber`, `DBSubnetGroupName`, `DeletionProtection`, `EnableIAMDatabaseAuthentication`, `EngineVersion`,
//!   `ManageMasterUserPassword`, `MasterUserAuthenticationType`, `MasterUserPassword`, `MasterUserSecretKmsKeyId`,
//!   `PreferredBackupWindow`, `RotateMasterUserPassword`, `VpcSecurityGroupIds`.
//! - **Not compared,** for the reasons that the cluster has: `Domain` and what begins with it, `EngineLifecycleSupport`, `NetworkType`,
//!   `AwsBackupRecoveryPointArn`; `PerformanceInsightsKMSKeyId` and `PerformanceInsightsRetentionPeriod`, which are the cluster's unless
//!   somebody has turned the insights off and on, with the same data for another time; `DisableDomain`; `TagSpecifications`, since tags
//!   are compared.
//! - **Not for Aurora PostgreSQL:** `AdditionalStorageVolumes`, `AllocatedStorage`, `AutomationMode`, `DBCapacityReservationIdentifier`,
//!   `DBSecurityGroups`, `DedicatedLogVolume`, `EnableCustomerOwnedIp`, `Engine`, `Iops`, `LicenseModel`, `MaxAllocatedStorage`,
//!   `MultiAZ`, `MultiTenant`, `OptionGroupName`, `ProcessorFeatures`, `ReplicaMode`, `ResumeFullAutomationModeMinutes`,
//!   `StorageThroughput`, `StorageType`, `TdeCredentialArn`, `TdeCredentialPassword`, `UseDefaultProcessorFeatures`.
//! - **How, not what:** `AllowMajorVersionUpgrade`, `ApplyImmediately`, `CertificateRotationRestart`, `DBInstanceIdentifier`.

use async_trait::async_trait;
use aws::rds::{OfRds, client, live_tags, retag, tag};
use aws::{CallResult, Called, Context, RoleArn, Tags, converge, number, required};
use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
use aws_sdk_rds::types::DbInstance as Live;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, Foreseen, ImportId, Intent,
    Listed, Loss, Named, Order, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging,
    Template, Times, Wish,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cluster_change::{PENDING_REBOOT, worth_waiting};
use super::{outage, status};
use crate::{ClusterId, InstanceId};

/// The properties of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Instance<S: Stage = Declared> {
    /// Its name, unique in account and region, lower case.
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: InstanceId,
    /// The cluster that it is in.
    #[serde(rename = "DBClusterIdentifier")]
    pub cluster_identifier: S::Of<ClusterId>,
    /// `db.serverless`, or a size of its own.
    #[serde(rename = "DBInstanceClass")]
    pub class: String,
    /// `aurora-postgresql`.
    pub engine: String,
    /// The zone that it is in.
    pub availability_zone: S::Of<String>,
    /// A group of parameters of its own that is not AWS's. Never declared: parameters are the cluster's.
    #[serde(rename = "DBParameterGroupName", default, skip_serializing_if = "Option::is_none")]
    pub parameter_group_name: Option<String>,
    /// When AWS may change something of it, in UTC: `sun:04:00-sun:05:00`. RDS takes one at random where nothing is said.
    #[serde(default)]
    pub preferred_maintenance_window: String,
    /// Whether it has Performance Insights. They begin with the cluster's, but can be turned off for an instance.
    #[serde(default)]
    pub enable_performance_insights: bool,
    /// In which order instances become the writer: 0 first, 15 last.
    pub promotion_tier: u8,
    /// Whether it has a public address.
    pub publicly_accessible: bool,
    /// Whether AWS brings minor versions in the maintenance window.
    pub auto_minor_version_upgrade: bool,
    /// How often the operating system is measured, in seconds: 0, 1, 5, 10, 15, 30 or 60. 0 is never.
    pub monitoring_interval: u32,
    /// The role that writes down what was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring_role_arn: Option<S::Of<RoleArn>>,
    /// The authority that signs its certificate.
    #[serde(rename = "CACertificateIdentifier")]
    pub ca_certificate_identifier: String,
    /// Its own name, where it lacks parameters of its group until it is restarted. It is shown and stays. Never declared. CloudFormation
    /// has no such property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_reboot: Option<InstanceId>,
    /// The state in which it does not work, and will not before somebody does something. It is shown and stays. Never declared.
    /// CloudFormation has no such property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<String>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct InstanceOutputs<S: Stage> {
    /// The name.
    #[serde(rename = "DBInstanceIdentifier")]
    pub identifier: S::Of<InstanceId>,
    /// The ARN.
    #[serde(rename = "DBInstanceArn")]
    pub arn: S::Of<String>,
    /// The id that no other instance has or had, such as `db-ABCDEFGHIJKLMNOPQRSTUVWXYZ`.
    pub dbi_resource_id: S::Of<String>,
}

impl Declares for Instance<Declared> {
    type Resolved = Instance<Resolved>;
}

async fn describe(cx: &Context, id: &str) -> Result<Option<Live>, CallError> {
    let request = client(cx).describe_db_instances().db_instance_identifier(id);
    let answer = request.send().await.called("DescribeDBInstances").if_exists()?;
    Ok(answer.and_then(|answer| answer.db_instances.unwrap_or_default().into_iter().next()))
}

fn outputs(live: &Live, operation: &str) -> Result<InstanceOutputs<Resolved>, CallError> {
    Ok(InstanceOutputs {
        identifier: required(live.db_instance_identifier(), operation, "DBInstanceIdentifier")?.into(),
        arn: required(live.db_instance_arn(), operation, "DBInstanceArn")?.to_owned(),
        dbi_resource_id: required(live.dbi_resource_id(), operation, "DbiResourceId")?.to_owned(),
    })
}

/// How the names of AWS's own groups begin. Nobody else's can have a dot in it.
const AWSS_OWN: &str = "default.";

/// An instance that is not `available` (RDS API Reference, ModifyDBInstance).
const BUSY: [&str; 2] = ["InvalidDBInstanceState", "InvalidDBClusterStateFault"];

fn readiness(live: Option<&Live>) -> Result<Readiness<InstanceOutputs<Resolved>>, CallError> {
    let Some(live) = live else { return Ok(Readiness::Pending("not visible yet".to_owned())) };
    let state = live.db_instance_status().unwrap_or_default();
    Ok(match status::lasting(state) {
        Some(reason) => Readiness::Failed(reason),
        None if state == "available" => Readiness::Ready(outputs(live, "DescribeDBInstances")?),
        None if status::is_stopped(state) => return Err(status::stopped("waiting for the DB instance")),
        None => Readiness::Pending(state.to_owned()),
    })
}

impl Instance<Resolved> {
    /// RDS calls a fresh role an invalid parameter. Where there is none, an invalid parameter is one.
    fn while_role_spreads<T>(&self, cx: &Context, result: Result<T, CallError>) -> Result<T, CallError> {
        match self.monitoring_role_arn {
            Some(_) => result
                .classed_saying("InvalidParameterValue", "ENHANCED_MONITORING", ErrorClass::NotYet)
                .once_passed(cx),
            None => result,
        }
    }

    async fn worth_waiting(&self, cx: &Context, error: CallError) -> CallError {
        worth_waiting(cx, self.cluster_identifier.as_str(), error).await
    }

    /// The name of the group that AWS gives an instance of its version.
    async fn awss_own_group(&self, cx: &Context) -> Result<String, CallError> {
        let live = describe(cx, self.identifier.as_str()).await?;
        let version = live.as_ref().and_then(|live| live.engine_version());
        let version = required(version, "DescribeDBInstances", "EngineVersion")?;
        let major = version.split_once('.').map_or(version, |(major, _)| major);
        Ok(format!("{AWSS_OWN}{}{major}", self.engine))
    }

    /// Turned on as the cluster has them: without a key, RDS would take one of its own.
    async fn with_insights(
        &self,
        cx: &Context,
        request: ModifyDBInstanceFluentBuilder,
    ) -> Result<ModifyDBInstanceFluentBuilder, CallError> {
        let request = request.enable_performance_insights(self.enable_performance_insights);
        let cluster = match self.enable_performance_insights {
            true => super::cluster::describe(cx, self.cluster_identifier.as_str()).await?,
            false => None,
        };
        Ok(match cluster {
            Some(cluster) => request
                .set_performance_insights_kms_key_id(cluster.performance_insights_kms_key_id)
                .set_performance_insights_retention_period(cluster.performance_insights_retention_period),
            None => request,
        })
    }

    /// What of the properties is pending. What somebody else has asked for may wait for days, and is not ours to wait for.
    fn pending(&self, live: &Live) -> Option<&'static str> {
        let pending = live.pending_modified_values()?;
        let authority = self.ca_certificate_identifier.as_str();
        match (pending.db_instance_class(), pending.ca_certificate_identifier()) {
            (Some(class), _) if class == self.class => Some("DBInstanceClass"),
            (_, Some(pending)) if pending == authority => Some("CACertificateIdentifier"),
            _ => None,
        }
    }

    fn live_properties(&self, live: Live) -> Self {
        let role = live.monitoring_role_arn.filter(|arn| !arn.is_empty());
        let tier = live.promotion_tier.and_then(|tier| u8::try_from(tier).ok());
        let groups = live.db_parameter_groups.as_deref().unwrap_or_default();
        let named = groups.iter().filter_map(|group| group.db_parameter_group_name());
        let foreign = named.filter(|name| !name.starts_with(AWSS_OWN)).map(str::to_owned).next();
        let is_pending = groups.iter().any(|group| group.parameter_apply_status() == Some(PENDING_REBOOT));
        let name = live.db_instance_identifier.as_deref().unwrap_or_default();
        let pending_reboot = is_pending.then(|| name.into());
        let state = live.db_instance_status.as_deref().unwrap_or_default();
        Self {
            parameter_group_name: foreign,
            pending_reboot,
            outage: status::lasting(state).map(|_| state.to_owned()),
            preferred_maintenance_window: live.preferred_maintenance_window.unwrap_or_default(),
            enable_performance_insights: live.performance_insights_enabled.unwrap_or_default(),
            identifier: live.db_instance_identifier.unwrap_or_default().into(),
            cluster_identifier: live.db_cluster_identifier.unwrap_or_default().into(),
            class: live.db_instance_class.unwrap_or_default(),
            engine: live.engine.unwrap_or_default(),
            availability_zone: live.availability_zone.unwrap_or_default(),
            promotion_tier: tier.unwrap_or_default(),
            publicly_accessible: live.publicly_accessible.unwrap_or_default(),
            auto_minor_version_upgrade: live.auto_minor_version_upgrade.unwrap_or_default(),
            monitoring_interval: live.monitoring_interval.unwrap_or_default().unsigned_abs(),
            monitoring_role_arn: role.map(Into::into),
            ca_certificate_identifier: live.ca_certificate_identifier.unwrap_or_default(),
            tags: live_tags(live.tag_list.as_deref().unwrap_or_default()).visible(),
        }
    }
}

#[async_trait]
impl Resource for Instance<Resolved> {
    const KIND: &'static str = "AWS::RDS::DBInstance";
    const FACTS: Facts = Facts {
        name: Named::ByName("DBInstanceIdentifier"),
        create_only: CreateOnly::These(&[
            "DBInstanceIdentifier",
            "DBClusterIdentifier",
            "Engine",
            "AvailabilityZone",
            "PubliclyAccessible",
        ]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["Outage", "PendingReboot"], ..Template::AS_DECLARED },
        times: Times {
            ready: Span { typical: 381, longest: 2400 },
            gone: Span { typical: 200, longest: 2400 },
        },
        import: ImportId {
            parts: &["DBInstanceIdentifier"],
            words: "the identifier of the database instance",
            example: "payment-db-1-dev",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeDBInstances") },
        cost: Some("aurora-capacity"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &["DBParameterGroupName", "Outage", "PendingReboot"];
    const ORDER: Order = Order { relieved: true, ..Order::NONE };
    type Context = Context;
    type Declared = Instance<Declared>;
    type Outputs<S: Stage> = InstanceOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.identifier.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<InstanceOutputs<Resolved>>, CallError> {
        let Some(live) = describe(cx, self.identifier.as_str()).await? else { return Ok(None) };
        let tags = live_tags(live.tag_list());
        cx.adopt(&format!("DB instance {}", self.identifier), &tags, search)?;
        outputs(&live, "DescribeDBInstances").map(Some)
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<InstanceOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateDBInstance";
        let request = client(cx)
            .create_db_instance()
            .db_instance_identifier(self.identifier.as_str())
            .db_cluster_identifier(self.cluster_identifier.as_str())
            .db_instance_class(&self.class)
            .engine(&self.engine)
            .availability_zone(&self.availability_zone)
            .preferred_maintenance_window(&self.preferred_maintenance_window)
            .promotion_tier(i32::from(self.promotion_tier))
            .publicly_accessible(self.publicly_accessible)
            .auto_minor_version_upgrade(self.auto_minor_version_upgrade)
            .monitoring_interval(number(self.monitoring_interval))
            .set_monitoring_role_arn(self.monitoring_role_arn.as_ref().map(ToString::to_string))
            .ca_certificate_identifier(&self.ca_certificate_identifier)
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).once_linked();
        let answer = self.while_role_spreads(cx, answer).once_visible();
        let answer = match answer.classed(&BUSY, ErrorClass::NotYet) {
            Err(error) => return Err(self.worth_waiting(cx, error).await),
            Ok(answer) => answer,
        };
        outputs(&required(answer.db_instance, OPERATION, "DBInstance")?, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        known: &InstanceOutputs<Resolved>,
    ) -> Result<Readiness<InstanceOutputs<Resolved>>, CallError> {
        readiness(describe(cx, known.identifier.as_str()).await?.as_ref())
    }

    async fn poll_changed(
        &self,
        cx: &Context,
        known: &InstanceOutputs<Resolved>,
    ) -> Result<Readiness<InstanceOutputs<Resolved>>, CallError> {
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
        property != "Tags"
    }

    fn accepts(property: &str, live: &Value, _: &Value) -> Option<String> {
        let value = live.as_str()?;
        match property {
            "Outage" => Some(outage::does_not_work(value)),
            "PendingReboot" => Some(format!(
                "lacks parameters of its group until it is restarted: `aws rds reboot-db-instance --db-instance-identifier {value}`"
            )),
            _ => None,
        }
    }

    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        match wish.declared["DBClusterIdentifier"].as_str() {
            Some(cluster) if outage::needs_cluster(wish, &["Tags"]) => {
                Ok(outage::foresee_part(super::cluster::describe(cx, cluster).await?.as_ref()))
            }
            _ => Ok(Foreseen::nothing()),
        }
    }

    async fn configure(&self, cx: &Context, outputs: &InstanceOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &InstanceOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = describe(cx, outputs.identifier.as_str()).await?;
        // Another instance of the same name is not ours.
        let live = live.filter(|live| live.dbi_resource_id() == Some(outputs.dbi_resource_id.as_str()));
        let live = live.filter(|live| live.db_instance_status() != Some("deleting"));
        Ok(live.map(|live| self.live_properties(live)))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &InstanceOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<InstanceOutputs<Resolved>, CallError> {
        if changed.properties.iter().any(|name| name != "Tags") {
            let given = |name: &str| changed.has(name);
            // RDS wants the role with the interval and the interval with the role.
            let monitoring = given("MonitoringInterval") || given("MonitoringRoleArn");
            let role = self.monitoring_role_arn.as_ref().map(ToString::to_string);
            let group = match given("DBParameterGroupName") {
                true => Some(self.awss_own_group(cx).await?),
                false => None,
            };
            let request = client(cx)
                .modify_db_instance()
                .db_instance_identifier(outputs.identifier.as_str())
                .apply_immediately(true)
                .set_db_instance_class(given("DBInstanceClass").then(|| self.class.clone()))
                .set_db_parameter_group_name(group)
                .set_preferred_maintenance_window(
                    given("PreferredMaintenanceWindow").then(|| self.preferred_maintenance_window.clone()),
                )
                .set_promotion_tier(given("PromotionTier").then_some(i32::from(self.promotion_tier)))
                .set_auto_minor_version_upgrade(
                    given("AutoMinorVersionUpgrade").then_some(self.auto_minor_version_upgrade),
                )
                .set_monitoring_interval(monitoring.then(|| number(self.monitoring_interval)))
                .set_monitoring_role_arn(role.filter(|_| monitoring))
                .set_ca_certificate_identifier(
                    given("CACertificateIdentifier").then(|| self.ca_certificate_identifier.clone()),
                );
            let request = match given("EnablePerformanceInsights") {
                true => self.with_insights(cx, request).await?,
                false => request,
            };
            let answer = self.while_role_spreads(cx, request.send().await.called("ModifyDBInstance"));
            if let Err(error) = answer.classed(&BUSY, ErrorClass::NotYet) {
                return Err(self.worth_waiting(cx, error).await);
            }
        }
        retag(cx, &outputs.arn, &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &InstanceOutputs<Resolved>) -> Result<(), CallError> {
        let live = describe(cx, outputs.identifier.as_str()).await?;
        let is_ours = |live: &Live| {
            live.dbi_resource_id() == Some(outputs.dbi_resource_id.as_str())
                && live.db_instance_status() != Some("deleting")
        };
        if !live.as_ref().is_some_and(is_ours) {
            return Ok(());
        }
        // An instance of Aurora has no data of its own: the snapshot is the cluster's.
        let request = client(cx)
            .delete_db_instance()
            .db_instance_identifier(outputs.identifier.as_str())
            .skip_final_snapshot(true);
        let answer = request.send().await.called("DeleteDBInstance");
        match answer.classed(&BUSY, ErrorClass::DependencyViolation).map(drop).gone_is_ok() {
            Err(error) => Err(self.worth_waiting(cx, error).await),
            deleted => deleted,
        }
    }

    async fn poll_gone(&self, cx: &Context, outputs: &InstanceOutputs<Resolved>) -> Result<bool, CallError> {
        let live = describe(cx, outputs.identifier.as_str()).await?;
        Ok(live.is_none_or(|live| live.dbi_resource_id() != Some(outputs.dbi_resource_id.as_str())))
    }
}
