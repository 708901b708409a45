//! What a cluster is being changed to, how far that is, and what it leaves to somebody else.

use aws::rds::{client, live_tags};
use aws::tags::ADDRESS;
use aws::{CallResult, Called, Context, number};
use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, DatabaseInsightsMode, DbCluster as Live};
use engine::{CallError, Changed, ErrorClass, Foreseen, Going, Readiness, Resolved, Resource as _, Wish};
use serde_json::Value;

use super::cluster::{Cluster, ClusterOutputs, describe, outputs};
use super::{status, version};

/// The state of an instance, as its cluster knows it, that lacks parameters until it is restarted.
pub(super) const PENDING_REBOOT: &str = "pending-reboot";

pub(super) fn readiness(live: Option<&Live>) -> Result<Readiness<ClusterOutputs<Resolved>>, CallError> {
    let Some(live) = live else { return Ok(Readiness::Pending("not visible yet".to_owned())) };
    let state = live.status().unwrap_or_default();
    Ok(match status::lasting(state) {
        Some(reason) => Readiness::Failed(reason),
        None if state == "available" => Readiness::Ready(outputs(live, "DescribeDBClusters")?),
        None if status::is_stopped(state) => return Err(status::stopped("waiting for the DB cluster")),
        None => Readiness::Pending(state.to_owned()),
    })
}

/// A refusal because the cluster, or an instance of it, is busy, if it will not be for ever. One that is stopped answers the same until
/// somebody starts it.
pub(super) async fn worth_waiting(cx: &Context, cluster: &str, error: CallError) -> CallError {
    if !matches!(error.class, ErrorClass::NotYet | ErrorClass::DependencyViolation) {
        return error;
    }
    // If this look fails too, what failed first is told.
    let live = describe(cx, cluster).await.ok().flatten();
    match live.and_then(|live| status::unchangeable(live.status().unwrap_or_default())) {
        None => error,
        Some(reason) => {
            let message = format!("{}; the cluster is not changed now: {reason}", error.message);
            CallError { class: ErrorClass::Invalid, message, ..error }
        }
    }
}

/// What is said of instances that somebody has added to the cluster.
pub(super) fn added_by_hand(instances: &Value) -> String {
    let ids: Vec<&str> = instances.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let ids = ids.join(", ");
    format!(
        "somebody has added {ids} to the cluster. It stays, since the data may be written through it; once it is not the writer, \
         `aws rds delete-db-instance --db-instance-identifier {ids}` takes it away"
    )
}

/// How RDS calls the storage that a cluster has where nothing is said.
pub(super) const STANDARD_STORAGE: &str = "aurora";

/// What is said of storage that somebody has changed.
pub(super) fn other_storage(kind: &Value) -> String {
    format!(
        "has storage of type {}, which is billed otherwise than the standard one and works as well. It stays; `aws rds modify-db-cluster \
         --storage-type {STANDARD_STORAGE} --apply-immediately` with its identifier takes it back",
        kind.as_str().unwrap_or_default()
    )
}

/// What to do about instances that lack parameters.
pub(super) fn how_to_restart(instances: &Value) -> String {
    let instances = instances.as_array().into_iter().flatten().filter_map(Value::as_str);
    let commands: Vec<String> = instances
        .map(|instance| format!("`aws rds reboot-db-instance --db-instance-identifier {instance}`"))
        .collect();
    format!(
        "has instances that get some parameters of its group only when they are restarted, one after the other: {}",
        commands.join(", then ")
    )
}

/// A cluster that is not `available`, or has instances (RDS API Reference, ModifyDBCluster and DeleteDBCluster).
pub(super) const BUSY: &str = "InvalidDBClusterStateFault";

/// The same of a cluster whose HTTP endpoint is to be switched (RDS API Reference, EnableHttpEndpoint).
const IN_PROGRESS: &str = "InvalidResourceStateFault";

/// What becomes of a wish for another key of the master user's secret: RDS gives the secret a key when it begins to manage the
/// password, and no other one later (RDS API Reference, ModifyDBCluster, `MasterUserSecretKmsKeyId`).
pub(super) fn foresee_secret(wish: &Wish<'_>) -> Option<Foreseen> {
    let key = |properties: &Value| properties["MasterUserSecret"]["KmsKeyId"].as_str().map(str::to_owned);
    let live = wish.there?.live;
    let (is, wanted) = (key(live)?, key(wish.declared)?);
    if live["ManageMasterUserPassword"] != true || is == wanted {
        return None;
    }
    let id = wish.declared["DBClusterIdentifier"].as_str().unwrap_or_default();
    let (reason, hint) = other_key(id, &is, &wanted);
    Some(Foreseen::refusal(reason, hint))
}

/// Refuses to create a cluster where there is one that its tags call this one, under another name: somebody has renamed it, or restored
/// its data. An empty one beside it would take its place, and nobody would be told where the data is.
pub(super) async fn foresee_elsewhere(cx: &Context, wish: &Wish<'_>) -> Result<Option<Foreseen>, CallError> {
    let name = wish.declared["DBClusterIdentifier"].as_str().unwrap_or_default();
    if wish.there.is_some() || describe(cx, name).await?.is_some() {
        return Ok(None);
    }
    let goes = |id: &str| {
        let is_cluster = |going: &&Going| going.kind == Cluster::<Resolved>::KIND;
        wish.going.iter().filter(is_cluster).any(|going| going.properties["DBClusterIdentifier"] == id)
    };
    let all = client(cx).describe_db_clusters().into_paginator().items().send().try_collect().await;
    let all: Vec<Live> = all.called("DescribeDBClusters")?;
    let is_it = |live: &&Live| {
        let tags = live_tags(live.tag_list());
        live.status() != Some("deleting")
            && tags.is_ours(cx.identity())
            && live
                .tag_list()
                .iter()
                .any(|tag| tag.key() == Some(ADDRESS) && tag.value() == Some(wish.address.as_str()))
    };
    let other = all.iter().filter(is_it).filter_map(|live| live.db_cluster_identifier()).find(|id| !goes(id));
    Ok(other.map(|other| {
        Foreseen::refusal(
            format!("there is no cluster {name}, but its tags say that {other} is this one, and an empty one would take its place"),
            format!(
                "if somebody has renamed it, give it its name back: `aws rds modify-db-cluster --db-cluster-identifier {other} \
                 --new-db-cluster-identifier {name} --apply-immediately`. If it was restored and is to be used, set \
                 `database.cluster_name` to {other}. If it has nothing to do with this stack, take its tag `{ADDRESS}` off"
            ),
        )
    }))
}

/// What is wrong with a secret that has another key, and what to do.
pub(super) fn other_key(id: &str, is: &str, wanted: &str) -> (String, String) {
    (
        format!(
            "the secret with the master user's password is encrypted with {is} and not with {wanted}, and RDS does not change the \
             key of a secret that it manages"
        ),
        format!(
            "end its management, which deletes this secret, and run again, which makes another one with the declared key: `aws \
             rds modify-db-cluster --db-cluster-identifier {id} --no-manage-master-user-password --master-user-password '…' \
             --apply-immediately`. Until then nobody has the password but whoever sets it"
        ),
    )
}

impl Cluster<Resolved> {
    /// Switches the HTTP endpoint, unless it is so already: a change that is not needed might only make the cluster busy.
    async fn switch_http_endpoint(
        &self,
        cx: &Context,
        outputs: &ClusterOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let live = describe(cx, outputs.identifier.as_str()).await?;
        let is_on = live.and_then(|live| live.http_endpoint_enabled).unwrap_or_default();
        let arn = &outputs.arn;
        let answer = match self.enable_http_endpoint {
            on if on == is_on => Ok(()),
            true => {
                let answer = client(cx).enable_http_endpoint().resource_arn(arn).send().await;
                answer.called("EnableHttpEndpoint").map(drop)
            }
            false => {
                let answer = client(cx).disable_http_endpoint().resource_arn(arn).send().await;
                answer.called("DisableHttpEndpoint").map(drop)
            }
        };
        match answer.classed(&[IN_PROGRESS], ErrorClass::NotYet) {
            Err(error) => Err(worth_waiting(cx, outputs.identifier.as_str(), error).await),
            switched => switched,
        }
    }

    pub(super) fn group_ids(&self) -> Vec<String> {
        self.vpc_security_group_ids.iter().map(ToString::to_string).collect()
    }

    /// Changes what has changed, but for the tags.
    pub(super) async fn modify(
        &self,
        cx: &Context,
        outputs: &ClusterOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<(), CallError> {
        let before = &changed.before;
        // First, while nothing else has made the cluster busy.
        if changed.has("EnableHttpEndpoint") {
            self.switch_http_endpoint(cx, outputs).await?;
        }
        let properties = changed.properties.iter();
        let elsewhere =
            ["AllowMajorVersionUpgrade", "DeletionPolicy", "EnableHttpEndpoint", "LogGroupNames", "Tags"];
        if properties.clone().any(|name| !elsewhere.contains(&name.as_str())) {
            let given = |name: &str| changed.has(name);
            let exports = given("EnableCloudwatchLogsExports").then(|| self.export_changes(before));
            let version = match given("EngineVersion") {
                false => None,
                true => {
                    let (live, wanted) = (&before.engine_version, &self.engine_version);
                    Some(version::to_upgrade(cx, &self.engine, live, wanted).await?)
                }
            };
            // Another major version needs its permission and its parameter group in the same call.
            let other_major = version
                .as_ref()
                .is_some_and(|version| version::is_other_major(&before.engine_version, version));
            let request = client(cx)
                .modify_db_cluster()
                .db_cluster_identifier(outputs.identifier.as_str())
                .apply_immediately(true)
                .set_engine_version(version)
                .set_allow_major_version_upgrade(other_major.then_some(self.allow_major_version_upgrade))
                .set_vpc_security_group_ids(given("VpcSecurityGroupIds").then(|| self.group_ids()))
                .set_db_cluster_parameter_group_name(
                    (given("DBClusterParameterGroupName") || other_major)
                        .then(|| self.parameter_group_name.to_string()),
                )
                .set_port(given("Port").then(|| i32::from(self.port)))
                .set_backup_retention_period(
                    given("BackupRetentionPeriod").then(|| number(self.backup_retention_period)),
                )
                .set_preferred_backup_window(
                    given("PreferredBackupWindow").then(|| self.preferred_backup_window.clone()),
                )
                .set_preferred_maintenance_window(
                    given("PreferredMaintenanceWindow").then(|| self.preferred_maintenance_window.clone()),
                )
                .set_cloudwatch_logs_export_configuration(exports)
                .set_enable_iam_database_authentication(
                    given("EnableIAMDatabaseAuthentication")
                        .then_some(self.enable_iam_database_authentication),
                )
                .set_copy_tags_to_snapshot(given("CopyTagsToSnapshot").then_some(self.copy_tags_to_snapshot))
                .set_deletion_protection(given("DeletionProtection").then_some(self.deletion_protection))
                .set_serverless_v2_scaling_configuration(
                    given("ServerlessV2ScalingConfiguration")
                        .then(|| self.serverless_v2_scaling_configuration.for_call()),
                );
            // The mode and what it needs go together, whatever of it holds already.
            let insights = [
                "DatabaseInsightsMode",
                "PerformanceInsightsEnabled",
                "PerformanceInsightsRetentionPeriod",
                "PerformanceInsightsKmsKeyId",
            ];
            let request = match insights.into_iter().any(given) {
                true => request
                    .database_insights_mode(DatabaseInsightsMode::from(self.database_insights_mode.as_str()))
                    .enable_performance_insights(self.performance_insights_enabled)
                    .set_performance_insights_retention_period(self.insights_days())
                    .set_performance_insights_kms_key_id(
                        self.insights_key().filter(|_| given("PerformanceInsightsKmsKeyId")),
                    ),
                false => request,
            };
            let request = match given("MasterUserSecret") || given("ManageMasterUserPassword") {
                true => request
                    .manage_master_user_password(self.manage_master_user_password)
                    .master_user_secret_kms_key_id(self.master_user_secret.kms_key_id.as_str()),
                false => request,
            };
            let answer = request.send().await.called("ModifyDBCluster").classed(&[BUSY], ErrorClass::NotYet);
            if let Err(error) = answer {
                return Err(worth_waiting(cx, outputs.identifier.as_str(), error).await);
            }
        }
        Ok(())
    }

    pub(super) fn insights_days(&self) -> Option<i32> {
        self.performance_insights_retention_period.map(number)
    }

    pub(super) fn insights_key(&self) -> Option<String> {
        self.performance_insights_kms_key_id.as_ref().map(ToString::to_string)
    }

    /// What of the properties is pending. What somebody else has asked for may wait for days, and is not ours to wait for.
    pub(super) fn pending(&self, live: &Live) -> Option<&'static str> {
        let pending = live.pending_modified_values()?;
        let version = pending.engine_version().is_some_and(|version| {
            version == self.engine_version || version::accepted(version, &self.engine_version).is_some()
        });
        let days = pending.backup_retention_period() == Some(number(self.backup_retention_period));
        let iam =
            pending.iam_database_authentication_enabled() == Some(self.enable_iam_database_authentication);
        [
            (version, "EngineVersion"),
            (days, "BackupRetentionPeriod"),
            (iam, "EnableIAMDatabaseAuthentication"),
            (pending.pending_cloudwatch_logs_exports().is_some(), "EnableCloudwatchLogsExports"),
        ]
        .into_iter()
        .find_map(|(is_pending, name)| is_pending.then_some(name))
    }

    pub(super) fn export_changes(&self, before: &Self) -> CloudwatchLogsExportConfiguration {
        let (wanted, live) = (&self.enable_cloudwatch_logs_exports, &before.enable_cloudwatch_logs_exports);
        let only_in = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|kind| !other.contains(kind)).cloned().collect()
        };
        CloudwatchLogsExportConfiguration::builder()
            .set_enable_log_types(Some(only_in(wanted, live)))
            .set_disable_log_types(Some(only_in(live, wanted)))
            .build()
    }
}
