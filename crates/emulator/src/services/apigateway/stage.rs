//! Stages: names under which deployments are served.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::joins::{forget_web_acl, web_acl_of};
use super::patch::{Given, Patch};
use super::records::{AccessLogSettings, ApiTree, CanarySettings, Stage};
use super::{bad, conflict, nothing, stage_arn, stage_patch};
use crate::services::{
    ACCOUNT_ID, Answer, Call, Cx, Refusal, Table, Tags, ensure, refuse_if, tag_map, to_json,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    rest_api_id: String,
    stage_name: String,
    deployment_id: String,
    description: Option<String>,
    cache_cluster_enabled: Option<bool>,
    variables: Option<BTreeMap<String, String>>,
    documentation_version: Option<String>,
    tracing_enabled: Option<bool>,
    canary_settings: Option<CanarySettings>,
    tags: Option<Tags>,
}

/// What a stage is made from.
pub(super) struct NewStage {
    pub(super) stage_name: String,
    pub(super) deployment_id: String,
    pub(super) description: Option<String>,
    pub(super) variables: Option<BTreeMap<String, String>>,
    pub(super) tracing_enabled: Option<bool>,
}

impl Stage {
    /// Whether requests reach this deployment, all of them or those that a canary gets.
    pub(super) fn serves(&self, deployment: &str) -> bool {
        let canary = self.canary_settings.as_ref().and_then(|canary| canary.deployment_id.as_deref());
        self.deployment_id == deployment || canary == Some(deployment)
    }

    /// What must be true of a stage's canary. Without a deployment of its own it begins at the stage's, which API Gateway
    /// then shows (go-to-k/cdk-real-drift#633).
    fn check_canary(&mut self, tree: &ApiTree) -> Result<(), Refusal> {
        let Some(canary) = &mut self.canary_settings else { return Ok(()) };
        if !(0.0..=100.0).contains(&canary.percent_traffic) {
            return Err(bad("Invalid canary percent traffic: it must be between 0 and 100."));
        }
        tree.deployments.find(canary.deployment_id.get_or_insert_with(|| self.deployment_id.clone()))?;
        Ok(())
    }
}

/// "Stage names can only contain alphanumeric characters, hyphens, and underscores. Maximum length is 128 characters"
/// (API Gateway API Reference, CreateStage).
fn check_name(name: &str) -> Result<(), Refusal> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    ensure((1..=128).contains(&name.len()) && name.chars().all(legal), || {
        bad("Stage name only allows a-zA-Z0-9_- and 128 characters at most")
    })
}

/// "Variable names can have alphanumeric and underscore characters, and the values must match
/// [A-Za-z0-9-._~:/?#&=,]+" (API Gateway API Reference, CreateStage).
fn check_variables(variables: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let named = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(c);
    for (name, value) in variables {
        if !named(name) || value.is_empty() || !value.chars().all(legal) {
            return Err(bad(format!("Invalid stage variable name or value specified: {name}")));
        }
    }
    Ok(())
}

fn new(given: NewStage, now: f64) -> Result<Stage, Refusal> {
    check_name(&given.stage_name)?;
    let variables = given.variables.unwrap_or_default();
    check_variables(&variables)?;
    Ok(Stage {
        deployment_id: given.deployment_id,
        stage_name: given.stage_name,
        description: given.description,
        cache_cluster_enabled: false,
        cache_cluster_status: "NOT_AVAILABLE".to_owned(),
        method_settings: BTreeMap::new(),
        variables,
        documentation_version: None,
        access_log_settings: None,
        canary_settings: None,
        tracing_enabled: given.tracing_enabled.unwrap_or_default(),
        tags: Tags::new(),
        created_date: now,
        last_updated_date: now,
    })
}

/// The stage that a deployment names: a new one, or the one that is there, pointed to the deployment.
pub(super) fn deployed(tree: &ApiTree, given: NewStage, now: f64) -> Result<Stage, Refusal> {
    let Some(stage) = tree.stages.get(&given.stage_name) else {
        return new(given, now);
    };
    if stage.canary_settings.is_some() {
        // serverless/serverless#11518.
        return Err(bad(format!(
            "Invalid deployment content specified. Non canary deployment not supported on stage {} because Canary is \
             enabled. Provide CanarySettings in deploymentInput.",
            stage.stage_name
        )));
    }
    let mut stage = stage.clone();
    stage.deployment_id = given.deployment_id;
    stage.last_updated_date = now;
    stage.description = given.description.or(stage.description);
    stage.tracing_enabled = given.tracing_enabled.unwrap_or(stage.tracing_enabled);
    stage.variables.extend(given.variables.unwrap_or_default());
    check_variables(&stage.variables)?;
    Ok(stage)
}

/// A stage, with the web ACL that WAF keeps for it.
fn shown(cx: &Cx<'_>, api: &str, stage: &Stage) -> Value {
    let mut value = to_json(stage);
    if let Some(acl) = web_acl_of(cx, &stage_arn(cx.region, api, &stage.stage_name)) {
        value["webAclArn"] = acl.into();
    }
    value
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let tree = cx.r.apigateway.apis.find(&given.rest_api_id)?;
    tree.deployments.find(&given.deployment_id)?;
    if given.cache_cluster_enabled == Some(true) {
        return Err(bad("The emulator does not model cacheClusterEnabled."));
    }
    let from = NewStage {
        stage_name: given.stage_name,
        deployment_id: given.deployment_id,
        description: given.description,
        variables: given.variables,
        tracing_enabled: given.tracing_enabled,
    };
    let mut stage = new(from, cx.now_seconds())?;
    stage.documentation_version = given.documentation_version;
    stage.canary_settings = given.canary_settings;
    stage.check_canary(tree)?;
    stage.tags = tag_map(given.tags.unwrap_or_default(), bad)?;
    refuse_if(tree.stages.contains_key(&stage.stage_name), || conflict("Stage already exists"))?;
    let answer = shown(cx, &given.rest_api_id, &stage);
    let tree = cx.r.apigateway.apis.find_mut(&given.rest_api_id)?;
    tree.stages.insert(stage.stage_name.clone(), stage);
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, stage_name): (String, String) = call.members(&["restApiId", "stageName"])?;
    Ok(shown(cx, &rest_api_id, cx.r.apigateway.apis.find(&rest_api_id)?.stages.find(&stage_name)?))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, deployment_id): (String, Option<String>) =
        call.members(&["restApiId", "deploymentId"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    let wanted = |stage: &&Stage| deployment_id.as_ref().is_none_or(|id| stage.deployment_id == *id);
    let stages: Vec<Value> =
        tree.stages.values().filter(wanted).map(|stage| shown(cx, &rest_api_id, stage)).collect();
    Ok(json!({"item": stages}))
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, stage_name, patch_operations): (String, String, Option<Vec<Given>>) =
        call.members(&["restApiId", "stageName", "patchOperations"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    let mut stage = tree.stages.find(&stage_name)?.clone();
    for patch in Patch::read(patch_operations)? {
        stage_patch::apply(&mut stage, &patch)?;
    }
    tree.deployments.find(&stage.deployment_id)?;
    stage.check_canary(tree)?;
    check_variables(&stage.variables)?;
    if let Some(settings) = &mut stage.access_log_settings {
        check_access_log(cx, settings)?;
    }
    let logs_calls = stage.method_settings.values().any(|setting| setting.logging_level != "OFF");
    check_logging(cx, &stage, logs_calls)?;
    stage.last_updated_date = cx.now_seconds();
    let answer = shown(cx, &rest_api_id, &stage);
    cx.r.apigateway.apis.find_mut(&rest_api_id)?.stages.insert(stage_name.clone(), stage);
    if logs_calls {
        // API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs".
        let group = format!("API-Gateway-Execution-Logs_{rest_api_id}/{stage_name}");
        cx.r.logs.ensure_group(cx.region, cx.now_millis, &group);
    }
    Ok(answer)
}

/// Logging of either kind needs the account's role (API Gateway Developer Guide, "Permissions for CloudWatch logging").
fn check_logging(cx: &Cx<'_>, stage: &Stage, logs_calls: bool) -> Result<(), Refusal> {
    let writes = |settings: &AccessLogSettings| settings.destination_arn.is_some();
    let logs = logs_calls || stage.access_log_settings.as_ref().is_some_and(writes);
    refuse_if(logs && cx.r.apigateway.cloudwatch_role_arn.is_none(), || {
        bad("CloudWatch Logs role ARN must be set in account settings to enable logging")
    })
}

/// API Gateway Developer Guide, "Set up access logging". Destination and format may come in separate calls, and the log group
/// need not be there (recorded from real AWS).
fn check_access_log(cx: &Cx<'_>, settings: &mut AccessLogSettings) -> Result<(), Refusal> {
    if settings.format.as_deref().is_some_and(|format| !identifies_requests(format)) {
        return Err(bad("Access log format must include $context.requestId or $context.extendedRequestId."));
    }
    let Some(destination) = &settings.destination_arn else { return Ok(()) };
    let prefix = format!("arn:aws:logs:{}:{ACCOUNT_ID}:log-group:", cx.region);
    let Some(name) = destination.strip_prefix(&prefix).map(|name| name.trim_end_matches(":*")) else {
        return Err(bad(
            "Invalid access log destination: the emulator models log groups of this account and region.",
        ));
    };
    settings.destination_arn = Some(format!("{prefix}{name}"));
    Ok(())
}

fn identifies_requests(format: &str) -> bool {
    ["$context.requestId", "$context.extendedRequestId"].iter().any(|variable| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        format.match_indices(variable).any(|(at, _)| ends(&format[at + variable.len()..]))
    })
}

/// Deletes a stage. Usage plans lose it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, stage_name): (String, String) = call.members(&["restApiId", "stageName"])?;
    let state = &mut cx.r.apigateway;
    state.apis.find(&rest_api_id)?.stages.find(&stage_name)?;
    state.apis.find_mut(&rest_api_id)?.stages.remove(&stage_name);
    for plan in state.usage_plans.values_mut() {
        plan.api_stages.retain(|stage| !stage.is(&rest_api_id, &stage_name));
    }
    let arn = stage_arn(cx.region, &rest_api_id, &stage_name);
    forget_web_acl(cx, &arn);
    Ok(nothing())
}

#[cfg(test)]
mod tests {
    use super::identifies_requests;

    #[test]
    fn an_access_log_line_must_tell_which_request_it_is_about() {
        assert!(identifies_requests(r#"{"id":"$context.requestId"}"#));
        assert!(identifies_requests("$context.requestIdX $context.extendedRequestId"));
        assert!(!identifies_requests("$context.requestIdX $context.status"));
    }
}
