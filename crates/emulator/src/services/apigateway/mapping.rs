//! Names of request and response parameters, and the expressions that map one to another
//! (API Gateway Developer Guide, "Parameter mapping source reference for REST APIs").

use std::collections::BTreeMap;

use super::bad;
use super::records::{Method, MethodResponse};
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// Where a request has parameters.
const LOCATIONS: [&str; 3] = ["path", "querystring", "header"];

fn invalid(what: &str) -> Refusal {
    // Values may be secrets that a gateway sends to its backend, so only names are in messages.
    bad(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping \
         expression parameter specified: {what}]"
    ))
}

/// Whether a text is `PREFIX.LOCATION.NAME`.
fn is_parameter(text: &str, prefix: &str, locations: &[&str]) -> bool {
    let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.'));
    rest.and_then(|rest| rest.split_once('.'))
        .is_some_and(|(location, name)| locations.contains(&location) && is_name(name))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "$-_.[]".contains(c))
}

/// A static value stands in single quotes.
fn is_static(value: &str) -> bool {
    value.len() >= 2 && value.starts_with('\'') && value.ends_with('\'')
}

fn is_variable(value: &str) -> bool {
    ["context.", "stageVariables."].iter().any(|prefix| value.strip_prefix(prefix).is_some_and(is_name))
}

/// The parameters that a method takes: `method.request.path|querystring|header.NAME`.
pub(super) fn check_method_parameter(name: &str) -> Result<(), Refusal> {
    ensure(is_parameter(name, "method.request", &LOCATIONS), || invalid(name))
}

/// The parameters that a method answers: `method.response.header.NAME`.
pub(super) fn check_method_response_parameter(name: &str) -> Result<(), Refusal> {
    ensure(is_parameter(name, "method.response", &["header"]), || invalid(name))
}

/// What an integration sends on. A parameter of the method must have been declared by the method.
pub(super) fn check_request_mapping(
    mapping: &BTreeMap<String, String>,
    method: &Method,
) -> Result<(), Refusal> {
    for (target, source) in mapping {
        ensure(is_parameter(target, "integration.request", &LOCATIONS), || invalid(target))?;
        let from_body = source == "method.request.body"
            || source.strip_prefix("method.request.body.").is_some_and(is_name);
        if is_static(source) || is_variable(source) || from_body {
            continue;
        }
        if !declares(method, source) {
            return Err(invalid(if source.starts_with("method.request.") { source } else { target }));
        }
    }
    Ok(())
}

fn declares(method: &Method, source: &str) -> bool {
    // Several values of one parameter are read by another location of the same name.
    let name = source.replacen("request.multivalue", "request.", 1);
    method.request_parameters.as_ref().is_some_and(|parameters| parameters.contains_key(&name))
}

/// What an integration answers. Its target must have been declared by the method's response.
pub(super) fn check_response_mapping(
    mapping: &BTreeMap<String, String>,
    response: Option<&MethodResponse>,
) -> Result<(), Refusal> {
    let declared = response.and_then(|response| response.response_parameters.as_ref());
    for (target, source) in mapping {
        let declared = declared.is_some_and(|parameters| parameters.contains_key(target));
        let from_response =
            is_parameter(source, "integration.response", &["header", "multivalueheader", "body"])
                || source == "integration.response.body";
        if !declared || !(is_static(source) || is_variable(source) || from_response) {
            return Err(invalid(target));
        }
    }
    Ok(())
}

/// What a gateway response answers: headers and request parameters of its own (API Gateway Developer Guide, "Set up
/// gateway responses to customize error responses").
pub(super) fn check_gateway_mapping(mapping: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (target, source) in mapping {
        let from_request = is_parameter(source, "method.request", &LOCATIONS);
        let known = is_parameter(target, "gatewayresponse", &LOCATIONS);
        refuse_if(!known || !(is_static(source) || is_variable(source) || from_request), || invalid(target))?;
    }
    Ok(())
}
