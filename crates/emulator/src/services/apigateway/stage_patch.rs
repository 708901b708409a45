//! Changes of a stage, among them the settings of its methods
//! (API Gateway API Reference, "Patch Operations", UpdateStage).

use super::bad;
use super::patch::{Op, Patch, unescaped};
use super::records::{MethodSetting, Stage};
use super::rest_api::one_of;
use crate::response::Refusal;

const PATHS: &str = "/deploymentId, /description, /documentationVersion, /tracingEnabled, /variables/<name>, \
                     /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, \
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
        (_, ["cacheClusterEnabled" | "cacheClusterSize" | "clientCertificateId"])
        | (_, ["canarySettings", ..])
        | (_, [_, _, "caching", _]) => return Err(patch.unmodelled()),
        (Op::Remove, [path, verb]) if is_method(path, verb) => {
            let removed = stage.method_settings.remove(&format!("{path}/{verb}"));
            removed.ok_or_else(|| patch.invalid("a setting that is there"))?;
        }
        (Op::Replace, [path, verb, group, name]) if is_method(path, verb) => {
            let settings = stage.method_settings.entry(format!("{path}/{verb}"));
            set(settings.or_insert_with(defaults), group, name, patch)?;
        }
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

/// `*/*`, or an escaped path and a verb, such as `~1payments/POST`.
fn is_method(path: &str, verb: &str) -> bool {
    let verbs = ["*", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "ANY"];
    verbs.contains(&verb) && (path == "*" || unescaped(path).starts_with('/'))
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
    match rate >= 0.0 || rate == -1.0 {
        true => Ok(rate),
        false => Err(bad("Throttling rate limit must not be negative.")),
    }
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
