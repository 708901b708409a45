//! Methods, and what they may answer.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::mapping::{check_method_parameter, check_method_response_parameter};
use super::patch::{Given, Op, Patch};
use super::records::{ApiTree, Method, MethodResponse, Resource};
use super::{bad, conflict, nothing};
use crate::services::{Answer, Call, Cx, Refusal, Table, ensure, to_json};

/// API Gateway Developer Guide, "Set up an HTTP method".
const VERBS: [&str; 8] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "ANY"];

/// The models that every REST API has; others are not modelled.
const MODELS: [&str; 2] = ["Empty", "Error"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    authorization_type: String,
    authorizer_id: Option<String>,
    api_key_required: Option<bool>,
    operation_name: Option<String>,
    request_parameters: Option<BTreeMap<String, bool>>,
    request_models: Option<BTreeMap<String, String>>,
    request_validator_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Update {
    pub(super) rest_api_id: String,
    pub(super) resource_id: String,
    pub(super) http_method: String,
    pub(super) patch_operations: Option<Vec<Given>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PutResponse {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    status_code: String,
    response_parameters: Option<BTreeMap<String, bool>>,
    response_models: Option<BTreeMap<String, String>>,
}

impl ApiTree {
    pub(super) fn method(&self, resource: &str, verb: &str) -> Result<&Method, Refusal> {
        self.resources.find(resource)?.resource_methods.find(verb)
    }

    pub(super) fn method_mut(&mut self, resource: &str, verb: &str) -> Result<&mut Method, Refusal> {
        self.resources.find_mut(resource)?.resource_methods.find_mut(verb)
    }

    /// All methods, each with the resource that has it.
    pub(super) fn methods(&self) -> impl Iterator<Item = (&Resource, &Method)> {
        self.resources
            .values()
            .flat_map(|resource| resource.resource_methods.values().map(move |method| (resource, method)))
    }
}

pub(super) fn check_verb(verb: &str) -> Result<(), Refusal> {
    ensure(VERBS.contains(&verb), || {
        let verbs = VERBS.join(",");
        bad(format!("Invalid HttpMethod specified. Valid options are {verbs}"))
    })
}

/// Authorizers are not modelled, so none is there that a method could name.
fn check_authorization(kind: &str, authorizer: Option<&str>) -> Result<(), Refusal> {
    match kind {
        "NONE" | "AWS_IAM" if authorizer.is_none() => Ok(()),
        "NONE" | "AWS_IAM" => Err(bad(format!("The authorization type {kind} takes no authorizer."))),
        "CUSTOM" | "COGNITO_USER_POOLS" => Err(bad(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS \
             requires a valid authorizer.",
        )),
        _ => Err(bad(format!("Invalid authorization type specified: {kind}"))),
    }
}

fn check_models(models: Option<&BTreeMap<String, String>>) -> Result<(), Refusal> {
    match models.into_iter().flat_map(BTreeMap::values).find(|model| !MODELS.contains(&model.as_str())) {
        Some(model) => Err(bad(format!("Invalid model identifier specified: {model}"))),
        None => Ok(()),
    }
}

fn check(tree: &ApiTree, method: &Method) -> Result<(), Refusal> {
    for name in method.request_parameters.iter().flat_map(BTreeMap::keys) {
        check_method_parameter(name)?;
    }
    check_models(method.request_models.as_ref())?;
    match &method.request_validator_id {
        Some(id) if !tree.validators.contains_key(id) => {
            Err(bad("Invalid Request Validator identifier specified"))
        }
        _ => Ok(()),
    }
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Put = call.input()?;
    let tree = cx.r.apigateway.apis.find_mut(&given.rest_api_id)?;
    let resource = tree.resources.find(&given.resource_id)?;
    check_verb(&given.http_method)?;
    check_authorization(&given.authorization_type, given.authorizer_id.as_deref())?;
    if resource.resource_methods.contains_key(&given.http_method) {
        return Err(conflict("Method already exists for this resource"));
    }
    let method = Method {
        http_method: given.http_method.clone(),
        authorization_type: given.authorization_type,
        api_key_required: given.api_key_required.unwrap_or_default(),
        operation_name: given.operation_name,
        request_parameters: given.request_parameters,
        request_models: given.request_models,
        request_validator_id: given.request_validator_id,
        method_responses: BTreeMap::new(),
        method_integration: None,
    };
    check(tree, &method)?;
    let answer = to_json(&method);
    tree.resources.find_mut(&given.resource_id)?.resource_methods.insert(given.http_method, method);
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method): (String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod"])?;
    Ok(to_json(cx.r.apigateway.apis.find(&rest_api_id)?.method(&resource_id, &http_method)?))
}

/// API Gateway API Reference, "Patch Operations", UpdateMethod.
const PATHS: &str = "/apiKeyRequired, /authorizationType, /authorizerId, /operationName, /requestValidatorId, \
                     /requestParameters/<name>, /requestModels/<content type>";

fn apply(method: &mut Method, patch: &Patch) -> Result<(), Refusal> {
    match (patch.op, patch.raw().as_slice()) {
        (Op::Replace, ["apiKeyRequired"]) => method.api_key_required = patch.flag()?,
        (Op::Replace, ["authorizationType"]) => {
            method.authorization_type = patch.required()?;
            check_authorization(&method.authorization_type, None)?;
        }
        (Op::Replace, ["authorizerId"]) => {
            check_authorization(&method.authorization_type, patch.text().as_deref())?;
        }
        (Op::Replace, ["operationName"]) => method.operation_name = patch.text(),
        (Op::Replace, ["requestValidatorId"]) => method.request_validator_id = patch.text(),
        (_, ["requestParameters", name]) => {
            patch.entry(method.request_parameters.get_or_insert_default(), name, Patch::flag)?;
        }
        (_, ["requestModels", content_type]) => {
            patch.entry(method.request_models.get_or_insert_default(), content_type, Patch::required)?;
        }
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Update { rest_api_id, resource_id, http_method, patch_operations } = call.input()?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    let mut method = tree.method(&resource_id, &http_method)?.clone();
    for patch in Patch::read(patch_operations)? {
        apply(&mut method, &patch)?;
    }
    check(tree, &method)?;
    let answer = to_json(&method);
    *tree.method_mut(&resource_id, &http_method)? = method;
    Ok(answer)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method): (String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    tree.method(&resource_id, &http_method)?;
    tree.resources.find_mut(&resource_id)?.resource_methods.remove(&http_method);
    Ok(nothing())
}

pub(super) fn put_response(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutResponse = call.input()?;
    let tree = cx.r.apigateway.apis.find_mut(&given.rest_api_id)?;
    let method = tree.method_mut(&given.resource_id, &given.http_method)?;
    for name in given.response_parameters.iter().flat_map(BTreeMap::keys) {
        check_method_response_parameter(name)?;
    }
    check_models(given.response_models.as_ref())?;
    if method.method_responses.contains_key(&given.status_code) {
        return Err(conflict("Response already exists for this resource"));
    }
    let response = MethodResponse {
        status_code: given.status_code.clone(),
        response_parameters: given.response_parameters,
        response_models: given.response_models,
    };
    let answer = to_json(&response);
    method.method_responses.insert(given.status_code, response);
    Ok(answer)
}

impl Method {
    pub(super) fn response(&self, status: &str) -> Result<&MethodResponse, Refusal> {
        self.method_responses.find(status)
    }
}

pub(super) fn get_response(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method, status_code): (String, String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod", "statusCode"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    Ok(to_json(tree.method(&resource_id, &http_method)?.response(&status_code)?))
}

pub(super) fn delete_response(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method, status_code): (String, String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod", "statusCode"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    let method = tree.method_mut(&resource_id, &http_method)?;
    method.method_responses.take(&status_code)?;
    Ok(nothing())
}
