//! What an integration's answers become.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::services::apigateway::mapping::check_response_mapping;
use crate::services::apigateway::records::IntegrationResponse;
use crate::services::apigateway::{not_found, nothing};
use crate::services::{Answer, Call, Cx, Refusal, Table, to_json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    status_code: String,
    selection_pattern: Option<String>,
    response_parameters: Option<BTreeMap<String, String>>,
    response_templates: Option<BTreeMap<String, String>>,
    content_handling: Option<String>,
}

fn none() -> Refusal {
    not_found("Invalid Response status code specified")
}

/// A response of an integration may be there before the method's response of the same status is (recorded from real
/// AWS). Only the parameters that it maps must be declared there.
pub(in crate::services::apigateway) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Put = call.input()?;
    let tree = cx.r.apigateway.apis.find_mut(&given.rest_api_id)?;
    let method = tree.method_mut(&given.resource_id, &given.http_method)?;
    method.integration()?;
    let declared = method.response(&given.status_code).ok();
    check_response_mapping(given.response_parameters.as_ref().unwrap_or(&BTreeMap::new()), declared)?;
    let response = IntegrationResponse {
        status_code: given.status_code.clone(),
        selection_pattern: given.selection_pattern,
        response_parameters: given.response_parameters,
        response_templates: given.response_templates,
        content_handling: given.content_handling,
    };
    let answer = to_json(&response);
    method.integration_mut()?.integration_responses.insert(given.status_code, response);
    Ok(answer)
}

pub(in crate::services::apigateway) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method, status_code): (String, String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod", "statusCode"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    let integration = tree.method(&resource_id, &http_method)?.integration()?;
    Ok(to_json(integration.integration_responses.get(&status_code).ok_or_else(none)?))
}

pub(in crate::services::apigateway) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method, status_code): (String, String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod", "statusCode"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    let integration = tree.method_mut(&resource_id, &http_method)?.integration_mut()?;
    integration.integration_responses.remove(&status_code).ok_or_else(none)?;
    Ok(nothing())
}
