//! Request validators.

pub(super) mod gateway_response;

use serde::Deserialize;

use super::patch::{Given, Op, Patch};
use super::records::RequestValidator;
use super::rest_api::listed;
use super::{bad, conflict, fresh_id, nothing};
use crate::services::{Answer, Call, Cx, Table, to_json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    rest_api_id: String,
    name: Option<String>,
    validate_request_body: Option<bool>,
    validate_request_parameters: Option<bool>,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let state = &mut cx.r.apigateway;
    let mut ids = state.ids;
    // Other operations do not find the API; for this one it is a bad request (recorded from real AWS).
    let unknown = |_| bad("Invalid REST API identifier specified");
    let tree = state.apis.find_mut(&given.rest_api_id).map_err(unknown)?;
    let id = fresh_id(&mut ids, 6, |id| tree.validators.contains_key(id));
    let validator = RequestValidator {
        id: id.clone(),
        name: given.name,
        validate_request_body: given.validate_request_body.unwrap_or_default(),
        validate_request_parameters: given.validate_request_parameters.unwrap_or_default(),
    };
    let answer = to_json(&validator);
    tree.validators.insert(id, validator);
    state.ids = ids;
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, request_validator_id): (String, String) =
        call.members(&["restApiId", "requestValidatorId"])?;
    Ok(to_json(cx.r.apigateway.apis.find(&rest_api_id)?.validators.find(&request_validator_id)?))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, position, limit): (String, Option<String>, Option<i64>) =
        call.members(&["restApiId", "position", "limit"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    let all = tree.validators.iter().map(|(id, validator)| (id.as_str(), to_json(validator)));
    listed(all, position.as_deref(), limit)
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, request_validator_id, patch_operations): (String, String, Option<Vec<Given>>) =
        call.members(&["restApiId", "requestValidatorId", "patchOperations"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    let mut validator = tree.validators.find(&request_validator_id)?.clone();
    for patch in Patch::read(patch_operations)? {
        // API Gateway API Reference, "Patch Operations", UpdateRequestValidator.
        match (patch.op, patch.raw().as_slice()) {
            (Op::Replace, ["name"]) => validator.name = Some(patch.required()?),
            (Op::Replace, ["validateRequestBody"]) => validator.validate_request_body = patch.flag()?,
            (Op::Replace, ["validateRequestParameters"]) => {
                validator.validate_request_parameters = patch.flag()?;
            }
            _ => return Err(patch.unknown("/name, /validateRequestBody, /validateRequestParameters")),
        }
    }
    let answer = to_json(&validator);
    tree.validators.insert(request_validator_id, validator);
    Ok(answer)
}

/// A validator stays while a method uses it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, request_validator_id): (String, String) =
        call.members(&["restApiId", "requestValidatorId"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    tree.validators.find(&request_validator_id)?;
    let user = tree
        .methods()
        .find(|(_, method)| method.request_validator_id.as_ref() == Some(&request_validator_id));
    if let Some((resource, method)) = user {
        return Err(conflict(format!(
            "Cannot delete validator '{request_validator_id}', is referenced by method '{}' of resource '{}'",
            method.http_method, resource.path
        )));
    }
    tree.validators.remove(&request_validator_id);
    Ok(nothing())
}
