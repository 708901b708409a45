//! Changes of a stage, among them the settings of its methods
//! (API Gateway API Reference, "Patch Operations", UpdateStage).

use super::bad;
use super::patch::{Op, Patch, unescaped};
use super::records::{CanarySettings, MethodSetting, Stage};
use super::rest_api::one_of;
use crate::protocol::response::{Refusal, ensure};

const PATHS: &str = "/deploymentId, /description, /documentationVersion, /tracingEnabled, /variables/<name>, \
                     /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, \
                     /canarySettings, /canarySettings/percentTraffic, /canarySettings/deploymentId, \
                     /canarySettings/useStageCache, /canarySettings/stageVariableOverrides/<name>, \
                     /<resource path>/<verb>, /<resource path>/<verb>/metrics/enabled, \
                     /<resource path>/<verb>/logging/loglevel, /<resource path>/<verb>/logging/dataTrace, \
                     /<resource path>/<verb>/throttling/rateLimit, \
                     /<resource path>/<verb>/throttling/burstLimit";

pub(super) fn apply(stage: &mut Stage, patch: &Patch) -> Result<(), Refusal> {
    match (patch.op, patch.raw().as_slice()) {
        (Op::Replace, ["deploymentId"]) => stage.deployment_id = patch.required()?,
        (Op::Replace, ["description"]) => stage.description = patch.text(),
        (Op::Replace, ["documentationVersion"]) => stage.documentation_version = patch.text(),
        (Op::Replace, ["tracingEnabled"]) => stage.tracing_enabled = patch.flag()?,
        (_, ["variables", name]) => patch.entry(&mut stage.variables, name, Patch::required)?,
        (Op::Remove, ["accessLogSettings"]) => stage.access_log_settings = None,
        (Op::Add | Op::Replace, ["accessLogSettings", "destinationArn"]) => {
            stage.access_log_settings.get_or_insert_default().destination_arn = Some(patch.required()?);
        }
        (Op::Add | Op::Replace, ["accessLogSettings", "format"]) => {
            stage.access_log_settings.get_or_insert_default().format = Some(patch.required()?);
        }
        (Op::Remove, ["canarySettings"]) => {
            let removed = stage.canary_settings.take();
            removed.ok_or_else(|| patch.invalid("a canary that is there"))?;
        }
        (_, ["canarySettings", rest @ ..]) => {
            set_canary(stage.canary_settings.get_or_insert_with(no_canary), rest, patch)?;
        }
        (_, ["cacheClusterEnabled" | "cacheClusterSize" | "clientCertificateId"])
        | (_, [.., "caching", _]) => return Err(patch.unmodelled()),
        (Op::Remove, method) => {
            let key = setting_key(method).ok_or_else(|| patch.unknown(PATHS))?;
            let removed = stage.method_settings.remove(&key);
            removed.ok_or_else(|| patch.invalid("a setting that is there"))?;
        }
        (Op::Replace, [method @ .., group, name]) => {
            let key = setting_key(method).ok_or_else(|| patch.unknown(PATHS))?;
            set(stage.method_settings.entry(key).or_insert_with(defaults), group, name, patch)?;
        }
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

/// How a stage shows the setting of a method: `*/*` is all of them. A path may be sent escaped, as `~1payments/POST`, and
/// is shown without the slash that it begins with, as `payments/POST` (Terraform's `aws_api_gateway_method_settings`, which
/// finds its own by that: "Ensure to trim any leading forward slashes in the path").
fn setting_key(method: &[&str]) -> Option<String> {
    const VERBS: [&str; 9] = ["*", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "ANY"];
    let (verb, path) = method.split_last()?;
    if path.is_empty() || !VERBS.contains(verb) {
        return None;
    }
    let path = unescaped(&path.join("/"));
    Some(format!("{}/{verb}", path.strip_prefix('/').unwrap_or(&path)))
}

fn no_canary() -> CanarySettings {
    CanarySettings {
        percent_traffic: 0.0,
        deployment_id: None,
        stage_variable_overrides: Default::default(),
        use_stage_cache: false,
    }
}

fn set_canary(canary: &mut CanarySettings, path: &[&str], patch: &Patch) -> Result<(), Refusal> {
    match (patch.op, path) {
        (Op::Replace, ["percentTraffic"]) => canary.percent_traffic = patch.number()?,
        (Op::Replace, ["deploymentId"]) => canary.deployment_id = Some(patch.required()?),
        (Op::Replace, ["useStageCache"]) => canary.use_stage_cache = patch.flag()?,
        (_, ["stageVariableOverrides", name]) => {
            patch.entry(&mut canary.stage_variable_overrides, name, Patch::required)?;
        }
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

fn set(setting: &mut MethodSetting, group: &str, name: &str, patch: &Patch) -> Result<(), Refusal> {
    match (group, name) {
        ("metrics", "enabled") => setting.metrics_enabled = patch.flag()?,
        ("logging", "loglevel") => setting.logging_level = one_of(patch, &["OFF", "ERROR", "INFO"])?,
        ("logging", "dataTrace") => setting.data_trace_enabled = patch.flag()?,
        ("throttling", "rateLimit") => setting.throttling_rate_limit = limit(patch.number()?)?,
        ("throttling", "burstLimit") => setting.throttling_burst_limit = patch.number()?,
        _ => return Err(patch.unknown(PATHS)),
    }
    match setting.throttling_burst_limit {
        // -1 switches throttling off.
        -1.. => Ok(()),
        _ => Err(bad("Throttling burst limit must not be negative.")),
    }
}

fn limit(rate: f64) -> Result<f64, Refusal> {
    ensure(rate >= 0.0 || rate == -1.0, || bad("Throttling rate limit must not be negative."))?;
    Ok(rate)
}

/// What API Gateway shows for a method of which nothing else was set (AWS CLI Command Reference, `update-stage`,
/// examples).
fn defaults() -> MethodSetting {
    MethodSetting {
        metrics_enabled: false,
        logging_level: "OFF".to_owned(),
        data_trace_enabled: false,
        throttling_burst_limit: 5000,
        throttling_rate_limit: 10_000.0,
        caching_enabled: false,
        cache_ttl_in_seconds: 300,
        cache_data_encrypted: false,
        require_authorization_for_cache_control: true,
        unauthorized_cache_control_header_strategy: "SUCCEED_WITH_RESPONSE_HEADER".to_owned(),
    }
}
