//! Integrations: what a method calls.

pub(super) mod response;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::joins::load_balancer_exists;
use super::mapping::check_request_mapping;
use super::method::{Update, check_verb};
use super::patch::{Op, Patch, unescaped};
use super::records::{Integration, Method, TlsConfig};
use super::rest_api::one_of;
use super::{bad, not_found, nothing};
use crate::services::{Answer, Call, Cx, Refusal, Table, ensure, refuse_if, to_json};

/// Where the API of Lambda has functions: to be invoked, and to be invoked with a response that is streamed.
const FUNCTIONS: [&str; 2] = ["path/2015-03-31/functions/", "path/2021-11-15/functions/"];

const PASSTHROUGH: [&str; 3] = ["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    rest_api_id: String,
    resource_id: String,
    http_method: String,
    #[serde(rename = "type")]
    kind: String,
    integration_http_method: Option<String>,
    uri: Option<String>,
    connection_type: Option<String>,
    connection_id: Option<String>,
    credentials: Option<String>,
    request_parameters: Option<BTreeMap<String, String>>,
    request_templates: Option<BTreeMap<String, String>>,
    passthrough_behavior: Option<String>,
    cache_namespace: Option<String>,
    cache_key_parameters: Option<Vec<String>>,
    content_handling: Option<String>,
    timeout_in_millis: Option<i64>,
    tls_config: Option<TlsConfig>,
    response_transfer_mode: Option<String>,
    integration_target: Option<String>,
}

impl Method {
    pub(super) fn integration(&self) -> Result<&Integration, Refusal> {
        self.method_integration.as_ref().ok_or_else(no_integration)
    }

    fn integration_mut(&mut self) -> Result<&mut Integration, Refusal> {
        self.method_integration.as_mut().ok_or_else(no_integration)
    }
}

fn no_integration() -> Refusal {
    not_found("Invalid Integration identifier specified")
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Put = call.input()?;
    let method =
        cx.r.apigateway.apis.find(&given.rest_api_id)?.method(&given.resource_id, &given.http_method)?;
    let over_http = ["HTTP", "HTTP_PROXY"].contains(&given.kind.as_str());
    let integration = Integration {
        http_method: given.integration_http_method,
        uri: given.uri.filter(|_| calls_a_backend(&given.kind)),
        connection_type: given.connection_type.or_else(|| over_http.then(|| "INTERNET".to_owned())),
        connection_id: given.connection_id,
        credentials: given.credentials,
        request_parameters: given.request_parameters,
        request_templates: given.request_templates,
        passthrough_behavior: given.passthrough_behavior.unwrap_or_else(|| "WHEN_NO_MATCH".to_owned()),
        content_handling: given.content_handling,
        timeout_in_millis: given.timeout_in_millis.unwrap_or(29_000),
        cache_namespace: given.cache_namespace.unwrap_or_else(|| given.resource_id.clone()),
        cache_key_parameters: given.cache_key_parameters.unwrap_or_default(),
        integration_responses: BTreeMap::new(),
        tls_config: given.tls_config,
        response_transfer_mode: given.response_transfer_mode,
        integration_target: given.integration_target,
        kind: given.kind,
    };
    check(cx, &integration, method)?;
    let answer = to_json(&integration);
    let tree = cx.r.apigateway.apis.find_mut(&given.rest_api_id)?;
    tree.method_mut(&given.resource_id, &given.http_method)?.method_integration = Some(integration);
    Ok(answer)
}

/// A mock calls nothing, and a URI that it is given is dropped (recorded from real AWS).
fn calls_a_backend(kind: &str) -> bool {
    kind != "MOCK"
}

/// What must be true of an integration after every change (API Gateway API Reference, PutIntegration).
fn check(cx: &Cx<'_>, integration: &Integration, method: &Method) -> Result<(), Refusal> {
    if calls_a_backend(&integration.kind) {
        check_backend(cx, integration)?;
    }
    check_connection(cx, integration)?;
    if let Some(credentials) = &integration.credentials
        && !(credentials.starts_with("arn:aws:iam::") || credentials == "NONE")
    {
        return Err(bad("Invalid ARN specified in the request: credentials must be the ARN of a role."));
    }
    if !PASSTHROUGH.contains(&integration.passthrough_behavior.as_str()) {
        let values = PASSTHROUGH.join(", ");
        return Err(bad(format!("Invalid passthrough behavior specified. Valid options are {values}")));
    }
    if !(50..=29_000).contains(&integration.timeout_in_millis) {
        return Err(bad("Timeout should be between 50 ms and 29000 ms"));
    }
    if integration.response_transfer_mode.as_deref() == Some("STREAM")
        && !["HTTP_PROXY", "AWS_PROXY"].contains(&integration.kind.as_str())
    {
        return Err(bad("Response transfer mode STREAM is only for HTTP_PROXY and AWS_PROXY integrations."));
    }
    check_request_mapping(integration.request_parameters.as_ref().unwrap_or(&BTreeMap::new()), method)
}

fn check_backend(cx: &Cx<'_>, integration: &Integration) -> Result<(), Refusal> {
    let Some(verb) = &integration.http_method else {
        return Err(bad("Enumeration value for HttpMethod must be non-empty"));
    };
    check_verb(verb)?;
    let uri = integration.uri.as_deref().unwrap_or_default();
    match integration.kind.as_str() {
        "HTTP" | "HTTP_PROXY" => check_http_uri(uri),
        kind => {
            let service = check_aws_uri(cx, kind, uri)?;
            // A function can be called by its own policy; everything else needs a role (hashicorp/terraform-provider-aws,
            // issue 7916).
            refuse_if(service != "lambda" && integration.credentials.is_none(), || {
                bad("Role ARN must be specified for AWS integrations")
            })
        }
    }
}

fn check_http_uri(uri: &str) -> Result<(), Refusal> {
    let host = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"));
    let legal = |host: &str| {
        let end = host.find(['/', '?']).unwrap_or(host.len());
        end > 0 && !host.contains(char::is_whitespace)
    };
    // A URI may begin with a stage variable, which is known when the API is called.
    ensure(host.is_some_and(legal) || uri.starts_with("${stageVariables."), || {
        bad("Invalid HTTP endpoint specified for URI")
    })
}

/// `arn:aws:apigateway:REGION:SERVICE:path|action/…`, of which this gives the service. A proxy calls a function by its path
/// in the API of Lambda, or an action of Firehose: real AWS refuses other paths of Lambda, and a path of Lambda's in the
/// name of Firehose (recorded from it).
fn check_aws_uri<'a>(cx: &Cx<'_>, kind: &str, uri: &'a str) -> Result<&'a str, Refusal> {
    let prefix = format!("arn:aws:apigateway:{}:", cx.region);
    let Some((service, rest)) = uri.strip_prefix(&prefix).and_then(|rest| rest.split_once(':')) else {
        return Err(bad("Invalid ARN specified in the request"));
    };
    if !(rest.starts_with("path/") || rest.starts_with("action/")) {
        return Err(bad("AWS ARN for integration must contain path or action"));
    }
    let can_be_proxied = match service {
        "lambda" => FUNCTIONS.iter().any(|prefix| rest.starts_with(prefix)),
        "firehose" => rest.starts_with("action/"),
        _ => false,
    };
    if kind == "AWS_PROXY" && !can_be_proxied {
        return Err(bad(
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream \
             invocations.",
        ));
    }
    Ok(service)
}

/// API Gateway Developer Guide, "Set up a private integration".
fn check_connection(cx: &Cx<'_>, integration: &Integration) -> Result<(), Refusal> {
    let Integration { kind, connection_id, integration_target, .. } = integration;
    if integration.connection_type.as_deref() != Some("VPC_LINK") {
        return refuse_if(connection_id.is_some() || integration_target.is_some(), || {
            bad("connectionId and integrationTarget are only for the connection type VPC_LINK.")
        });
    }
    if !["HTTP", "HTTP_PROXY"].contains(&kind.as_str()) {
        return Err(bad(format!("Connection type VPC_LINK is not supported for integration type {kind}.")));
    }
    let Some(id) = connection_id else {
        return Err(bad("A connectionId must be specified for the connection type VPC_LINK."));
    };
    if !id.starts_with("${stageVariables.") {
        check_link(cx, id)?;
    }
    match integration_target {
        None => Err(bad("An integrationTarget must be specified for a VPC link V2.")),
        Some(target) if !load_balancer_exists(cx, target) => {
            Err(bad(format!("Invalid integration target specified: {target}")))
        }
        Some(_) => Ok(()),
    }
}

fn check_link(cx: &Cx<'_>, id: &str) -> Result<(), Refusal> {
    match cx.r.apigateway.vpc_links.get(id) {
        None => Err(bad(format!("VPC link not found: {id}"))),
        Some(link) if link.vpc_link_status != "AVAILABLE" => {
            let status = &link.vpc_link_status;
            Err(bad(format!("VPC link {id} must be AVAILABLE to be used, and is {status}.")))
        }
        Some(_) => Ok(()),
    }
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method): (String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod"])?;
    let method = cx.r.apigateway.apis.find(&rest_api_id)?.method(&resource_id, &http_method)?;
    Ok(to_json(method.integration()?))
}

/// API Gateway API Reference, "Patch Operations", UpdateIntegration.
const PATHS: &str = "/uri, /httpMethod, /credentials, /connectionType, /connectionId, /integrationTarget, \
                     /passthroughBehavior, /contentHandling, /timeoutInMillis, /cacheNamespace, \
                     /cacheKeyParameters, /responseTransferMode, /tlsConfig/insecureSkipVerification, \
                     /requestParameters/<name>, /requestTemplates/<content type>";

fn apply(integration: &mut Integration, patch: &Patch) -> Result<(), Refusal> {
    match (patch.op, patch.raw().as_slice()) {
        (Op::Replace, ["uri"]) => integration.uri = Some(patch.required()?),
        (Op::Replace, ["httpMethod"]) => integration.http_method = Some(patch.required()?),
        (Op::Replace, ["credentials"]) => integration.credentials = patch.text(),
        (Op::Replace, ["connectionType"]) => {
            integration.connection_type = Some(one_of(patch, &["INTERNET", "VPC_LINK"])?);
        }
        (Op::Replace, ["connectionId"]) => integration.connection_id = patch.text(),
        (Op::Replace, ["integrationTarget"]) => integration.integration_target = patch.text(),
        (Op::Replace, ["passthroughBehavior"]) => integration.passthrough_behavior = patch.required()?,
        (Op::Replace, ["contentHandling"]) => {
            integration.content_handling = match patch.text() {
                Some(_) => Some(one_of(patch, &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"])?),
                None => None,
            };
        }
        (Op::Replace, ["timeoutInMillis"]) => integration.timeout_in_millis = patch.number()?,
        (Op::Replace, ["cacheNamespace"]) => integration.cache_namespace = patch.required()?,
        (Op::Add | Op::Remove, ["cacheKeyParameters", name]) => {
            patch.element(&mut integration.cache_key_parameters, unescaped(name))?;
        }
        (Op::Replace, ["responseTransferMode"]) => {
            integration.response_transfer_mode = Some(one_of(patch, &["BUFFERED", "STREAM"])?);
        }
        (Op::Replace, ["tlsConfig", "insecureSkipVerification"]) => {
            integration.tls_config = Some(TlsConfig { insecure_skip_verification: patch.flag()? });
        }
        (_, ["requestParameters", name]) => {
            patch.entry(integration.request_parameters.get_or_insert_default(), name, Patch::required)?;
        }
        (_, ["requestTemplates", content_type]) => {
            let templates = integration.request_templates.get_or_insert_default();
            patch.entry(templates, content_type, |patch| Ok(patch.text().unwrap_or_default()))?;
        }
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Update { rest_api_id, resource_id, http_method, patch_operations } = call.input()?;
    let method = cx.r.apigateway.apis.find(&rest_api_id)?.method(&resource_id, &http_method)?;
    let mut integration = method.integration()?.clone();
    for patch in Patch::read(patch_operations)? {
        apply(&mut integration, &patch)?;
    }
    integration.uri = integration.uri.filter(|_| calls_a_backend(&integration.kind));
    check(cx, &integration, method)?;
    let answer = to_json(&integration);
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    *tree.method_mut(&resource_id, &http_method)?.integration_mut()? = integration;
    Ok(answer)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, resource_id, http_method): (String, String, String) =
        call.members(&["restApiId", "resourceId", "httpMethod"])?;
    let tree = cx.r.apigateway.apis.find_mut(&rest_api_id)?;
    let method = tree.method_mut(&resource_id, &http_method)?;
    method.integration()?;
    method.method_integration = None;
    Ok(nothing())
}
