//! Deployments: snapshots of an API.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::records::{ApiTree, Deployment, Frozen, Linked, MethodSnapshot};
use super::rest_api::listed;
use super::stage::{self, NewStage};
use super::{bad, fresh_id, nothing};
use crate::services::{Answer, Call, Cx, Refusal, Table, refuse_if, to_json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    rest_api_id: String,
    stage_name: Option<String>,
    stage_description: Option<String>,
    description: Option<String>,
    variables: Option<BTreeMap<String, String>>,
    tracing_enabled: Option<bool>,
}

/// Every method must have an integration, and there must be a method.
fn check(tree: &ApiTree) -> Result<(), Refusal> {
    refuse_if(tree.methods().next().is_none(), || bad("The REST API doesn't contain any methods"))?;
    refuse_if(tree.methods().any(|(_, method)| method.method_integration.is_none()), || {
        bad("No integration defined for method")
    })
}

fn snapshot(tree: &ApiTree, id: String, description: Option<String>, created_date: f64) -> Deployment {
    let mut api_summary: BTreeMap<String, BTreeMap<String, MethodSnapshot>> = BTreeMap::new();
    for (resource, method) in tree.methods() {
        let method_snapshot = MethodSnapshot {
            authorization_type: method.authorization_type.clone(),
            api_key_required: method.api_key_required,
        };
        let verbs = api_summary.entry(resource.path.clone()).or_default();
        verbs.insert(method.http_method.clone(), method_snapshot);
    }
    let frozen = Frozen {
        resources: tree.resources.values().cloned().collect(),
        security_policy: tree.api.security_policy.clone(),
        endpoint_access_mode: tree.api.endpoint_access_mode.clone(),
    };
    Deployment { id, description, created_date, api_summary, linked: tree.linked(), frozen: Some(frozen) }
}

impl ApiTree {
    /// The methods that go through VPC links now.
    pub(super) fn linked(&self) -> Vec<Linked> {
        let linked = self.methods().filter_map(|(resource, method)| {
            let link = method.method_integration.as_ref()?.connection_id.clone()?;
            Some(Linked {
                vpc_link_id: link,
                http_method: method.http_method.clone(),
                resource_id: resource.id.clone(),
            })
        });
        linked.collect()
    }
}

/// Takes a snapshot, and makes a stage of it, or points an existing stage to it, if one is named.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let now = cx.now_seconds();
    let state = &mut cx.r.apigateway;
    let mut ids = state.ids;
    let tree = state.apis.find_mut(&given.rest_api_id)?;
    check(tree)?;
    let id = fresh_id(&mut ids, 6, |id| tree.deployments.contains_key(id));
    let deployment = snapshot(tree, id.clone(), given.description, now);
    let staged = match given.stage_name {
        None => {
            let about = [given.stage_description.is_some(), given.variables.is_some()];
            if about.contains(&true) || given.tracing_enabled.is_some() {
                return Err(bad("Stage settings need a stageName."));
            }
            None
        }
        Some(stage_name) => Some(stage::deployed(
            tree,
            NewStage {
                stage_name,
                deployment_id: id.clone(),
                description: given.stage_description,
                variables: given.variables,
                tracing_enabled: given.tracing_enabled,
            },
            now,
        )?),
    };
    let answer = shown(&deployment, &[]);
    tree.deployments.insert(id, deployment);
    if let Some(stage) = staged {
        tree.stages.insert(stage.stage_name.clone(), stage);
    }
    state.ids = ids;
    Ok(answer)
}

/// The summary is shown when it is asked for (API Gateway API Reference, GetDeployment, `embed`).
fn shown(deployment: &Deployment, embed: &[String]) -> Value {
    let mut value = to_json(deployment);
    if let Some(members) = value.as_object_mut().filter(|_| !embed.iter().any(|name| name == "apisummary")) {
        members.remove("apiSummary");
    }
    value
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, deployment_id, embed): (String, String, Option<Vec<String>>) =
        call.members(&["restApiId", "deploymentId", "embed"])?;
    let embed = embed.unwrap_or_default();
    if let Some(other) = embed.iter().find(|name| *name != "apisummary") {
        return Err(bad(format!("Invalid embed parameter {other}: only apisummary can be embedded.")));
    }
    Ok(shown(cx.r.apigateway.apis.find(&rest_api_id)?.deployments.find(&deployment_id)?, &embed))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, position, limit): (String, Option<String>, Option<i64>) =
        call.members(&["restApiId", "position", "limit"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    let all = tree.deployments.iter().map(|(id, deployment)| (id.as_str(), shown(deployment, &[])));
    listed(all, position.as_deref(), limit)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, deployment_id, _): (String, String, Option<Vec<String>>) =
        call.members(&["restApiId", "deploymentId", "embed"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    tree.deployments.find(&deployment_id)?;
    if tree.stages.values().any(|stage| stage.serves(&deployment_id)) {
        return Err(bad("Active stages pointing to this deployment must be moved or deleted"));
    }
    tree.deployments.remove(&deployment_id);
    Ok(nothing())
}
