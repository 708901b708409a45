//! Gateway responses: what API Gateway answers when it cannot call the integration.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::services::apigateway::mapping::check_gateway_mapping;
use crate::services::apigateway::records::GatewayResponse;
use crate::services::apigateway::{not_found, nothing};
use crate::services::{Answer, Call, Cx, Table, to_json};

/// The status of each type that was not changed (API Gateway Developer Guide, "Gateway response types"). The two
/// defaults have none.
const STATUSES: [(&str, &str); 19] = [
    ("RESOURCE_NOT_FOUND", "404"),
    ("UNAUTHORIZED", "401"),
    ("INVALID_API_KEY", "403"),
    ("ACCESS_DENIED", "403"),
    ("AUTHORIZER_FAILURE", "500"),
    ("AUTHORIZER_CONFIGURATION_ERROR", "500"),
    ("INVALID_SIGNATURE", "403"),
    ("EXPIRED_TOKEN", "403"),
    ("MISSING_AUTHENTICATION_TOKEN", "403"),
    ("INTEGRATION_FAILURE", "504"),
    ("INTEGRATION_TIMEOUT", "504"),
    ("API_CONFIGURATION_ERROR", "500"),
    ("UNSUPPORTED_MEDIA_TYPE", "415"),
    ("BAD_REQUEST_PARAMETERS", "400"),
    ("BAD_REQUEST_BODY", "400"),
    ("REQUEST_TOO_LARGE", "413"),
    ("THROTTLED", "429"),
    ("QUOTA_EXCEEDED", "429"),
    ("WAF_FILTERED", "403"),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    rest_api_id: String,
    response_type: String,
    status_code: Option<String>,
    response_parameters: Option<BTreeMap<String, String>>,
    response_templates: Option<BTreeMap<String, String>>,
}

fn status_of(kind: &str) -> Option<String> {
    STATUSES.iter().find(|(name, _)| *name == kind).map(|(_, status)| (*status).to_owned())
}

fn template() -> BTreeMap<String, String> {
    let template = r#"{"message":$context.error.messageString}"#;
    BTreeMap::from([("application/json".to_owned(), template.to_owned())])
}

pub(in crate::services::apigateway) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Put = call.input()?;
    let tree = cx.r.apigateway.apis.find_mut(&given.rest_api_id)?;
    let parameters = given.response_parameters.unwrap_or_default();
    check_gateway_mapping(&parameters)?;
    let response = GatewayResponse {
        response_type: given.response_type.clone(),
        status_code: given.status_code.or_else(|| status_of(&given.response_type)),
        response_parameters: parameters,
        response_templates: given.response_templates.unwrap_or_else(template),
        default_response: false,
    };
    let answer = to_json(&response);
    tree.gateway_responses.insert(given.response_type, response);
    Ok(answer)
}

pub(in crate::services::apigateway) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, response_type): (String, String) = call.members(&["restApiId", "responseType"])?;
    let tree = cx.r.apigateway.apis.find(&rest_api_id)?;
    let response = tree.gateway_responses.get(&response_type).cloned();
    Ok(to_json(&response.unwrap_or_else(|| GatewayResponse {
        status_code: status_of(&response_type),
        response_type,
        response_parameters: BTreeMap::new(),
        response_templates: template(),
        default_response: true,
    })))
}

pub(in crate::services::apigateway) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, response_type): (String, String) = call.members(&["restApiId", "responseType"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    match tree.gateway_responses.remove(&response_type) {
        Some(_) => Ok(nothing()),
        None => Err(not_found("Gateway response type not defined on api")),
    }
}
