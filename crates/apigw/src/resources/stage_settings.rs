//! How a stage serves its methods, and what it writes down about them.

use aws::count;
use std::collections::HashMap;

use aws_sdk_apigateway::types::{CanarySettings, MethodSetting as Live, Op, PatchOperation};
use engine::{Declared, Resolved, Stage};
use serde::{Deserialize, Serialize};

use super::calls::{escaped, patch, replace};
use crate::DeploymentId;

/// How a stage serves one method, or all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MethodSetting {
    /// The path; `/*` is all.
    pub resource_path: String,
    /// The verb; `*` is all.
    pub http_method: String,
    /// Whether CloudWatch counts calls of each method.
    pub metrics_enabled: bool,
    /// What is written about the work on a request: `OFF`, `ERROR` or `INFO`.
    pub logging_level: String,
    /// Whether bodies and headers are written too. Never with payments.
    pub data_trace_enabled: bool,
    /// Requests in a second, in the long run.
    pub throttling_rate_limit: f64,
    /// Requests at one moment, above the rate.
    pub throttling_burst_limit: u32,
}

/// Where a stage writes a line for each request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct AccessLogSetting<S: Stage = Declared> {
    /// A log group's ARN, without `:*` at its end.
    pub destination_arn: S::Of<String>,
    /// The line, with variables.
    pub format: String,
}

/// A second deployment that gets a part of the requests. The tier declares none: somebody who makes one by hand lets a part
/// of the requests go on to an older deployment, which AWS does not delete meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct CanarySetting<S: Stage = Declared> {
    /// The deployment.
    pub deployment_id: S::Of<DeploymentId>,
    /// How much of the requests it gets.
    pub percent_traffic: f64,
    /// Whether it shares the cache of the stage.
    pub use_stage_cache: bool,
}

impl CanarySetting<Resolved> {
    pub(super) fn from_live(live: &CanarySettings) -> Self {
        Self {
            deployment_id: live.deployment_id().unwrap_or_default().into(),
            percent_traffic: live.percent_traffic(),
            use_stage_cache: live.use_stage_cache(),
        }
    }

    pub(super) fn set(&self) -> [PatchOperation; 3] {
        [
            replace("/canarySettings/percentTraffic", self.percent_traffic),
            replace("/canarySettings/deploymentId", &self.deployment_id),
            replace("/canarySettings/useStageCache", self.use_stage_cache),
        ]
    }
}

/// A patch names a setting `~1payments/GET`, and `*/*` is all of them. A stage shows it without the slash that the path
/// begins with, as `payments/GET`; AWS's examples have the escaped form, so both are read. CloudFormation's path has its
/// slashes.
fn path_in_key(path: &str) -> String {
    if path == "/*" { "*".to_owned() } else { escaped(path) }
}

fn path_of_key(part: &str) -> String {
    let path = part.replace("~1", "/").replace("~0", "~");
    format!("/{}", path.strip_prefix('/').unwrap_or(&path))
}

impl MethodSetting {
    fn key(&self) -> String {
        format!("{}/{}", path_in_key(&self.resource_path), self.http_method)
    }

    fn from_live(key: &str, live: &Live) -> Self {
        let (path, verb) = key.rsplit_once('/').unwrap_or((key, "*"));
        Self {
            resource_path: path_of_key(path),
            http_method: verb.to_owned(),
            metrics_enabled: live.metrics_enabled,
            logging_level: live.logging_level().unwrap_or("OFF").to_owned(),
            data_trace_enabled: live.data_trace_enabled,
            throttling_rate_limit: live.throttling_rate_limit,
            throttling_burst_limit: count(live.throttling_burst_limit),
        }
    }

    fn set(&self) -> [PatchOperation; 5] {
        let path = |name: &str| format!("/{}/{name}", self.key());
        [
            replace(path("metrics/enabled"), self.metrics_enabled),
            replace(path("logging/loglevel"), &self.logging_level),
            replace(path("logging/dataTrace"), self.data_trace_enabled),
            replace(path("throttling/rateLimit"), self.throttling_rate_limit),
            replace(path("throttling/burstLimit"), self.throttling_burst_limit),
        ]
    }
}

/// All settings of a stage, in the order in which they were recorded, and others behind them: those that somebody made
/// by hand count too, since they go before the one for all methods.
pub(super) fn live_settings(
    live: Option<&HashMap<String, Live>>,
    recorded: &[MethodSetting],
) -> Vec<MethodSetting> {
    let all = live.into_iter().flatten();
    let mut settings: Vec<MethodSetting> =
        all.map(|(key, live)| MethodSetting::from_live(key, live)).collect();
    settings.sort_by_cached_key(|setting| {
        let key = setting.key();
        (recorded.iter().position(|other| other.key() == key).unwrap_or(usize::MAX), key)
    });
    settings
}

/// What makes `before` into `wanted`.
pub(super) fn setting_patches(before: &[MethodSetting], wanted: &[MethodSetting]) -> Vec<PatchOperation> {
    let set = wanted.iter().filter(|setting| !before.contains(setting)).flat_map(MethodSetting::set);
    let gone = before.iter().filter(|old| !wanted.iter().any(|setting| setting.key() == old.key()));
    set.chain(gone.map(|old| patch(Op::Remove, format!("/{}", old.key()), None))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_again_in_the_name_of_a_setting() {
        for (path, part) in [("/*", "*"), ("/payments", "~1payments"), ("/a/{b}", "~1a~1{b}"), ("/", "~1")] {
            assert_eq!(path_in_key(path), part);
            assert_eq!(path_of_key(part), path);
        }
        for (path, part) in [("/payments", "payments"), ("/a/{b}", "a/{b}"), ("/", ""), ("/*", "/*")] {
            assert_eq!(path_of_key(part), path);
        }
    }
}
