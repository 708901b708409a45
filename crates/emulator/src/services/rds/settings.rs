//! Settings that clusters and instances are given: capacity, monitoring, logs, retention.

use serde::{Deserialize, Serialize};

use super::kind::{combination, invalid};
use super::outside;
use super::versions::{ENGINE, LOG_TYPES};
use crate::services::{Cx, Refusal, refuse_if};

/// The capacity of Serverless v2, in ACUs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Scaling {
    min_capacity: Option<f64>,
    max_capacity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_until_auto_pause: Option<i64>,
}

impl Scaling {
    /// The capacity that this one becomes by what was asked for (Aurora User Guide, "Setting the Aurora Serverless v2
    /// capacity range for a cluster"; RDS API Reference, ServerlessV2ScalingConfiguration).
    pub(super) fn asked(self, current: Option<&Scaling>) -> Result<Self, Refusal> {
        let min = self.min_capacity.or_else(|| current?.min_capacity);
        let max = self.max_capacity.or_else(|| current?.max_capacity);
        let (Some(min), Some(max)) = (min, max) else {
            return Err(combination("Serverless v2 needs both a minimum and a maximum capacity."));
        };
        let is_step = |capacity: f64| (capacity * 2.0).fract() == 0.0;
        if !(0.0..=256.0).contains(&min) || !is_step(min) {
            return Err(not_valid("minimum", min, "from 0 to 256 in steps of 0.5"));
        }
        if !(1.0..=256.0).contains(&max) || !is_step(max) {
            return Err(not_valid("maximum", max, "from 1 to 256 in steps of 0.5"));
        }
        if max < min {
            return Err(combination(format!(
                "The maximum capacity {max} must be greater than or equal to the minimum capacity {min}."
            )));
        }
        let seconds_until_auto_pause = auto_pause(min, self.seconds_until_auto_pause, current)?;
        Ok(Scaling { min_capacity: Some(min), max_capacity: Some(max), seconds_until_auto_pause })
    }

    /// After how many seconds without a connection instances pause, if they do.
    pub(super) fn pauses_after(&self) -> Option<i64> {
        self.seconds_until_auto_pause
    }
}

/// Instances pause only where the minimum is 0, after 300 seconds if nothing else is asked for (Aurora User Guide,
/// "Scaling to Zero ACUs with automatic pause and resume").
fn auto_pause(min: f64, asked: Option<i64>, current: Option<&Scaling>) -> Result<Option<i64>, Refusal> {
    match asked {
        Some(seconds) if !(300..=86_400).contains(&seconds) => Err(invalid(format!(
            "SecondsUntilAutoPause {seconds} isn't valid. It must be from 300 to 86400."
        ))),
        Some(_) if min > 0.0 => {
            Err(combination("SecondsUntilAutoPause can be set only if the minimum capacity is 0."))
        }
        _ if min > 0.0 => Ok(None),
        Some(seconds) => Ok(Some(seconds)),
        None => Ok(current.and_then(|current| current.seconds_until_auto_pause).or(Some(300))),
    }
}

fn not_valid(which: &str, capacity: f64, range: &str) -> Refusal {
    invalid(format!("Serverless v2 {which} capacity {capacity} isn't valid. It must be {range}."))
}

/// How something is watched: Enhanced Monitoring and Performance Insights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Watching {
    pub(super) monitoring_interval: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    monitoring_role_arn: Option<String>,
    performance_insights_enabled: bool,
    #[serde(rename = "PerformanceInsightsKMSKeyId", skip_serializing_if = "Option::is_none")]
    insights_key: Option<String>,
    #[serde(rename = "PerformanceInsightsRetentionPeriod", skip_serializing_if = "Option::is_none")]
    insights_days: Option<i64>,
}

/// What is asked for of it.
#[derive(Default)]
pub(super) struct WatchingAsked {
    pub(super) interval: Option<i64>,
    pub(super) role_arn: Option<String>,
    pub(super) insights: Option<bool>,
    pub(super) insights_key: Option<String>,
    pub(super) insights_days: Option<i64>,
}

impl Watching {
    pub(super) fn changed(&self, cx: &Cx<'_>, asked: WatchingAsked) -> Result<Self, Refusal> {
        let WatchingAsked { interval, role_arn, insights, insights_key, insights_days } = asked;
        let watching = self.monitored(cx, interval, role_arn)?;
        watching.with_insights(cx, insights, insights_key, insights_days)
    }

    /// RDS API Reference, CreateDBInstance, `MonitoringInterval` and `MonitoringRoleArn`.
    fn monitored(&self, cx: &Cx<'_>, interval: Option<i64>, role: Option<String>) -> Result<Self, Refusal> {
        let seconds = interval.unwrap_or(self.monitoring_interval);
        if ![0, 1, 5, 10, 15, 30, 60].contains(&seconds) {
            let message = "Invalid monitoring interval. It is one of 0, 1, 5, 10, 15, 30, 60.";
            return Err(invalid(message));
        }
        if seconds == 0 && role.is_some() {
            return Err(combination(
                "You must specify a MonitoringInterval value other than 0 when you specify a MonitoringRoleARN value.",
            ));
        }
        if let Some(role) = &role {
            outside::check_monitoring_role(cx, role)?;
        }
        let role = role.or_else(|| self.monitoring_role_arn.clone());
        if seconds > 0 && role.is_none() {
            return Err(combination(
                "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.",
            ));
        }
        let monitoring_role_arn = role.filter(|_| seconds > 0);
        Ok(Watching { monitoring_interval: seconds, monitoring_role_arn, ..self.clone() })
    }

    /// RDS API Reference, CreateDBInstance, `EnablePerformanceInsights` and the parameters after it.
    fn with_insights(
        self,
        cx: &Cx<'_>,
        insights: Option<bool>,
        key: Option<String>,
        days: Option<i64>,
    ) -> Result<Self, Refusal> {
        let enabled = insights.unwrap_or(self.performance_insights_enabled);
        if !enabled {
            return if key.is_some() || days.is_some() {
                Err(combination(
                    "To set a KMS key or a retention period of Performance Insights, enable Performance Insights.",
                ))
            } else {
                Ok(Watching {
                    performance_insights_enabled: false,
                    insights_key: None,
                    insights_days: None,
                    ..self
                })
            };
        }
        let days = days.or(self.insights_days).unwrap_or(7);
        if days != 7 && days != 731 && !(days % 31 == 0 && (1..=23).contains(&(days / 31))) {
            return Err(invalid(format!("Invalid Performance Insights retention period: {days}.")));
        }
        let key = match (key, self.insights_key.clone()) {
            (Some(key), Some(current)) if outside::key_arn(cx, &key)? != current => {
                return Err(combination("You cannot change your Performance Insights KMS key."));
            }
            (Some(key), _) => outside::key_arn(cx, &key)?,
            (None, Some(current)) => current,
            (None, None) => outside::key_arn(cx, outside::OWN_KEY)?,
        };
        Ok(Watching {
            performance_insights_enabled: true,
            insights_key: Some(key),
            insights_days: Some(days),
            ..self
        })
    }

    /// Takes over what changed between two settings of the cluster: each part only where it changed, so that an instance
    /// keeps the monitoring that it was given itself.
    pub(super) fn follow(&mut self, before: &Watching, after: &Watching) {
        let monitoring =
            |watching: &Watching| (watching.monitoring_interval, watching.monitoring_role_arn.clone());
        if monitoring(before) != monitoring(after) {
            (self.monitoring_interval, self.monitoring_role_arn) = monitoring(after);
        }
        let insights = |watching: &Watching| {
            (watching.performance_insights_enabled, watching.insights_key.clone(), watching.insights_days)
        };
        if insights(before) != insights(after) {
            (self.performance_insights_enabled, self.insights_key, self.insights_days) = insights(after);
        }
    }

    /// [`check_mode`], by what holds.
    pub(super) fn check_mode(&self, mode: &str) -> Result<(), Refusal> {
        check_mode(mode, self.insights_days.filter(|_| self.performance_insights_enabled))
    }
}

/// Refuses the advanced mode of Database Insights without what it needs: Performance Insights that are kept for so many days
/// (RDS API Reference, CreateDBCluster, `DatabaseInsightsMode`).
pub(super) fn check_mode(mode: &str, insights_days: Option<i64>) -> Result<(), Refusal> {
    refuse_if(mode == "advanced" && insights_days.is_none_or(|days| days < 465), || {
        combination(
            "To enable the Advanced mode of Database Insights, enable Performance Insights and set its retention \
             period to 465 days.",
        )
    })
}

/// Refuses a log that the engine does not publish (RDS answers `InvalidParameterCombination`), and gives the others in
/// order.
pub(super) fn log_types(asked: Vec<String>) -> Result<Vec<String>, Refusal> {
    if let Some(bad) = asked.iter().find(|log_type| !LOG_TYPES.contains(&log_type.as_str())) {
        return Err(combination(format!(
            "You cannot use the log types '{bad}' with engine {ENGINE}. For supported log types, see the documentation."
        )));
    }
    let mut types = asked;
    types.sort();
    types.dedup();
    Ok(types)
}

/// How many days automated backups are kept (RDS API Reference, CreateDBCluster, `BackupRetentionPeriod`).
pub(super) fn retention(days: i64) -> Result<i64, Refusal> {
    match days {
        1..=35 => Ok(days),
        _ => Err(invalid(format!("Invalid backup retention period: {days}. It must be from 1 to 35 days."))),
    }
}

/// RDS API Reference, CreateDBCluster, `Port`.
pub(super) fn port(port: i64) -> Result<i64, Refusal> {
    match port {
        1150..=65_535 => Ok(port),
        _ => Err(invalid(format!("Invalid port: {port}. It must be from 1150 to 65535."))),
    }
}

/// The kind of storage, which is shown only where it is not the standard one (RDS API Reference, CreateDBCluster,
/// `StorageType`).
pub(super) fn storage(storage_type: &str) -> Result<Option<String>, Refusal> {
    match storage_type {
        "aurora" => Ok(None),
        "aurora-iopt1" => Ok(Some(storage_type.to_owned())),
        other => Err(combination(format!("Invalid storage type {other} for engine {ENGINE}."))),
    }
}

/// The network type: the emulator's subnets have no IPv6 (RDS API Reference, error `NetworkTypeNotSupported`).
pub(super) fn network_type(network_type: Option<&str>) -> Result<String, Refusal> {
    match network_type {
        None | Some("IPV4") => Ok("IPV4".to_owned()),
        Some("DUAL") => Err(Refusal::new(
            "NetworkTypeNotSupported",
            "The network type DUAL is not supported by the DB subnet group.",
        )),
        Some(other) => Err(invalid(format!("Invalid network type: {other}."))),
    }
}

/// RDS API Reference, CreateDBCluster, `EngineLifecycleSupport`.
pub(super) fn life_cycle_support(asked: Option<String>) -> Result<String, Refusal> {
    const ON: &str = "open-source-rds-extended-support";
    const OFF: &str = "open-source-rds-extended-support-disabled";
    match asked {
        None => Ok(ON.to_owned()),
        Some(value) if [ON, OFF].contains(&value.as_str()) => Ok(value),
        Some(other) => Err(invalid(format!("Invalid engine life cycle support: {other}."))),
    }
}
