//! What a cluster is being changed to, how far that is, and what it leaves to somebody else.

use aws::{Context, number};
use aws_sdk_rds::types::{CloudwatchLogsExportConfiguration, DbCluster as Live};
use engine::{CallError, ErrorClass, Readiness, Resolved};
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

impl Cluster<Resolved> {
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
