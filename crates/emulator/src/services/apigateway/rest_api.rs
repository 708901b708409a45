//! REST APIs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::joins::{forget_web_acl, link_role};
use super::patch::{Given, Op, Patch, unescaped};
use super::records::{ApiTree, EndpointConfiguration, Resource, RestApi};
use super::{bad, fresh_id, nothing, stage_arn};
use crate::services::{
    Answer, Call, Cx, Next, Refusal, Spread, Table, Tags, ensure, page_by_key, refuse_if, spread, tag_map,
    to_json,
};

/// "It takes about 15 minutes for the update to complete" (API Gateway Developer Guide, "How to change a security
/// policy").
const SECURITY_POLICY: Spread = spread(900.0, 600.0, 1200.0);

/// API Gateway Developer Guide, "Payload compression for REST APIs": 0 to 10 MB.
const LARGEST_COMPRESSION_SIZE: i64 = 10_485_760;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    name: String,
    description: Option<String>,
    version: Option<String>,
    binary_media_types: Option<Vec<String>>,
    minimum_compression_size: Option<i64>,
    api_key_source: Option<String>,
    endpoint_configuration: Option<GivenEndpoint>,
    policy: Option<String>,
    tags: Option<Tags>,
    disable_execute_api_endpoint: Option<bool>,
    security_policy: Option<String>,
    endpoint_access_mode: Option<String>,
}

/// An endpoint as it is given: no list of types is not the same as an empty one.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GivenEndpoint {
    types: Option<Vec<String>>,
    ip_address_type: Option<String>,
    vpc_endpoint_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    pub(super) position: Option<String>,
    pub(super) limit: Option<i64>,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    // Recorded from real AWS. A patch may empty it, and then there is none.
    refuse_if(given.description.as_deref() == Some(""), || bad("Description cannot be an empty string"))?;
    let endpoint = endpoint(given.endpoint_configuration)?;
    let private = endpoint.types == ["PRIVATE"];
    let tags = tag_map(given.tags.unwrap_or_default(), bad)?;
    let created_date = cx.now_seconds();
    let state = &cx.r.apigateway;
    let mut ids = state.ids;
    let id = fresh_id(&mut ids, 10, |id| state.apis.contains_key(id));
    let root = fresh_id(&mut ids, 10, |_| false);
    let api = RestApi {
        id: id.clone(),
        name: given.name,
        description: given.description,
        created_date,
        version: given.version,
        binary_media_types: given.binary_media_types.filter(|types| !types.is_empty()),
        minimum_compression_size: given.minimum_compression_size,
        api_key_source: given.api_key_source.unwrap_or_else(|| "HEADER".to_owned()),
        endpoint_configuration: endpoint,
        policy: given.policy,
        tags,
        disable_execute_api_endpoint: given.disable_execute_api_endpoint.unwrap_or_default(),
        root_resource_id: root.clone(),
        // API Gateway Developer Guide, "Security policies for REST APIs": the default is TLS 1.0, for private APIs 1.2.
        security_policy: given
            .security_policy
            .unwrap_or_else(|| if private { "TLS_1_2" } else { "TLS_1_0" }.to_owned()),
        endpoint_access_mode: given.endpoint_access_mode,
        api_status: "AVAILABLE".to_owned(),
        next: None,
    };
    check(&api)?;
    let resource = Resource {
        id: root.clone(),
        parent_id: None,
        path_part: None,
        path: "/".to_owned(),
        resource_methods: BTreeMap::new(),
    };
    let answer = to_json(&api);
    let tree = ApiTree {
        api,
        resources: BTreeMap::from([(root, resource)]),
        validators: BTreeMap::new(),
        gateway_responses: BTreeMap::new(),
        deployments: BTreeMap::new(),
        stages: BTreeMap::new(),
    };
    let state = &mut cx.r.apigateway;
    state.ids = ids;
    state.apis.insert(id, tree);
    link_role(cx);
    Ok(answer)
}

/// The endpoint that an API gets. Without one it is edge-optimized (API Gateway API Reference, CreateRestApi); an empty list
/// of types is refused (recorded from real AWS).
fn endpoint(given: Option<GivenEndpoint>) -> Result<EndpointConfiguration, Refusal> {
    let GivenEndpoint { types, ip_address_type, vpc_endpoint_ids } = given.unwrap_or_default();
    let types = types.unwrap_or_else(|| vec!["EDGE".to_owned()]);
    if types.is_empty() {
        return Err(bad("REGIONAL, EDGE or PRIVATE must be specified as the type of the endpoint."));
    }
    let private = types == ["PRIVATE"];
    let usual = if private { "dualstack" } else { "ipv4" };
    let ip_address_type = ip_address_type.or_else(|| Some(usual.to_owned()));
    let vpc_endpoint_ids = vpc_endpoint_ids.filter(|ids| !ids.is_empty());
    Ok(EndpointConfiguration { types, ip_address_type, vpc_endpoint_ids })
}

/// What must be true of an API after every change.
fn check(api: &RestApi) -> Result<(), Refusal> {
    refuse_if(api.name.trim().is_empty(), || bad("API name must not be empty."))?;
    if api.minimum_compression_size.is_some_and(|size| !(0..=LARGEST_COMPRESSION_SIZE).contains(&size)) {
        return Err(bad("Invalid minimum compression size, must be between 0 and 10485760."));
    }
    check_endpoint(&api.endpoint_configuration)?;
    check_security(api)?;
    if let Some(policy) = &api.policy {
        check_policy(policy)?;
    }
    Ok(())
}

fn check_endpoint(endpoint: &EndpointConfiguration) -> Result<(), Refusal> {
    let [kind] = endpoint.types.as_slice() else {
        return Err(bad("Only one endpoint type can be specified for an API."));
    };
    let private = kind == "PRIVATE";
    if endpoint.vpc_endpoint_ids.as_ref().is_some_and(|ids| !ids.is_empty()) && !private {
        return Err(bad("VPCEndpoints can only be specified with PRIVATE apis."));
    }
    // API Gateway Developer Guide, "IP address types for REST APIs": private APIs are dualstack only.
    if private && endpoint.ip_address_type.as_deref() == Some("ipv4") {
        return Err(bad("Only dualstack is supported for PRIVATE apis."));
    }
    Ok(())
}

/// API Gateway Developer Guide, "Security policies for REST APIs" and "Supported security policies".
fn check_security(api: &RestApi) -> Result<(), Refusal> {
    let policy = api.security_policy.as_str();
    let enhanced = policy.starts_with("SecurityPolicy_");
    if enhanced != api.endpoint_access_mode.is_some() {
        let message = "Endpoint access mode must be specified for security policies that start with \
                       SecurityPolicy_, and for no others.";
        return Err(bad(message));
    }
    let edge = api.endpoint_configuration.types == ["EDGE"];
    if enhanced && edge != policy.ends_with("_EDGE") {
        let kind = api.endpoint_configuration.types.join(",");
        return Err(bad(format!("Security policy {policy} is not supported for endpoint type {kind}.")));
    }
    Ok(())
}

fn check_policy(policy: &str) -> Result<(), Refusal> {
    let parsed: Option<Value> = serde_json::from_str(policy).ok();
    ensure(parsed.is_some_and(|policy| policy.get("Statement").is_some()), || {
        bad("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
    })
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let rest_api_id: String = call.member("restApiId")?;
    Ok(to_json(&cx.r.apigateway.apis.find(&rest_api_id)?.api))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let List { position, limit } = call.input()?;
    let apis = cx.r.apigateway.apis.iter().map(|(id, tree)| (id.as_str(), to_json(&tree.api)));
    listed(apis, position.as_deref(), limit)
}

/// A page of a list. "The default value is 25 and the maximum value is 500" (API Gateway API Reference, GetRestApis
/// and the other lists).
pub(super) fn listed<'a>(
    items: impl Iterator<Item = (&'a str, Value)>,
    position: Option<&str>,
    limit: Option<i64>,
) -> Answer {
    let limit = limit.unwrap_or(25);
    ensure((1..=500).contains(&limit), || bad("limit must be between 1 and 500."))?;
    let size = usize::try_from(limit).expect("it is between 1 and 500");
    let (items, position) = page_by_key(items, position, size);
    Ok(json!({"items": items, "position": position}))
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (rest_api_id, patch_operations): (String, Option<Vec<Given>>) =
        call.members(&["restApiId", "patchOperations"])?;
    let before = &cx.r.apigateway.apis.find(&rest_api_id)?.api;
    let mut api = before.clone();
    for patch in Patch::read(patch_operations)? {
        apply(&mut api, &patch)?;
    }
    check(&api)?;
    if before.security_policy == "TLS_1_0" && api.security_policy == "TLS_1_2" {
        // From one legacy policy to the other there is no way but through an enhanced one.
        return Err(bad("Security policy cannot be changed from TLS_1_0 to TLS_1_2."));
    }
    let secured = |api: &RestApi| (api.security_policy.clone(), api.endpoint_access_mode.clone());
    if secured(&api) != secured(before)
        && let Some(at_millis) = cx.after(SECURITY_POLICY, &rest_api_id)
    {
        api.api_status = "UPDATING".to_owned();
        api.next = Some(Next { state: "AVAILABLE".to_owned(), at_millis });
    }
    let answer = with_tags(&api, &api.tags);
    cx.r.apigateway.apis.find_mut(&rest_api_id)?.api = api;
    Ok(answer)
}

/// An object with its tags, even if it has none. So UpdateRestApi, UpdateApiKey, UpdateUsagePlan and GetUsagePlan answer,
/// while no other answer has a member `tags` then (recorded from real AWS).
pub(super) fn with_tags(object: &impl Serialize, tags: &Tags) -> Value {
    let mut value = to_json(object);
    value["tags"] = json!(tags);
    value
}

/// API Gateway API Reference, "Patch Operations", UpdateRestApi. Removing a description and replacing a binary media type
/// are recorded from real AWS.
const PATHS: &str = "/name, /description, /policy, /apiKeySource, /binaryMediaTypes/<type>, \
                     /minimumCompressionSize, /disableExecuteApiEndpoint, /securityPolicy, /endpointAccessMode, \
                     /endpointConfiguration/types/<type>, /endpointConfiguration/ipAddressType, \
                     /endpointConfiguration/vpcEndpointIds";

fn apply(api: &mut RestApi, patch: &Patch) -> Result<(), Refusal> {
    let endpoint = &mut api.endpoint_configuration;
    match (patch.op, patch.raw().as_slice()) {
        (Op::Replace, ["name"]) => api.name = patch.required()?,
        (Op::Replace, ["description"]) => api.description = patch.text(),
        (Op::Remove, ["description"]) => api.description = None,
        (Op::Replace, ["policy"]) => api.policy = patch.text(),
        (Op::Replace, ["apiKeySource"]) => {
            api.api_key_source = one_of(patch, &["HEADER", "AUTHORIZER"])?;
        }
        (Op::Replace, ["minimumCompressionSize"]) => {
            api.minimum_compression_size = patch.text().map(|_| patch.number()).transpose()?;
        }
        (Op::Replace, ["disableExecuteApiEndpoint"]) => api.disable_execute_api_endpoint = patch.flag()?,
        (Op::Replace, ["securityPolicy"]) => api.security_policy = security_policy(patch)?,
        (Op::Replace, ["endpointAccessMode"]) => {
            api.endpoint_access_mode = match patch.text() {
                Some(_) => Some(one_of(patch, &["BASIC", "STRICT"])?),
                None => None,
            };
        }
        (op, ["binaryMediaTypes", kind]) => {
            let mut types = api.binary_media_types.take().unwrap_or_default();
            match op {
                Op::Replace => replace_media_type(&mut types, &unescaped(kind), patch),
                Op::Add | Op::Remove => patch.element(&mut types, unescaped(kind))?,
            }
            api.binary_media_types = Some(types).filter(|types| !types.is_empty());
        }
        (Op::Replace, ["endpointConfiguration", "types", old]) => replace_type(endpoint, old, patch)?,
        (Op::Replace, ["endpointConfiguration", "ipAddressType"]) => {
            endpoint.ip_address_type = Some(one_of(patch, &["ipv4", "dualstack"])?);
        }
        (Op::Add | Op::Remove, ["endpointConfiguration", "vpcEndpointIds"]) => {
            let mut ids = endpoint.vpc_endpoint_ids.take().unwrap_or_default();
            patch.element(&mut ids, patch.required()?)?;
            endpoint.vpc_endpoint_ids = Some(ids).filter(|ids| !ids.is_empty());
        }
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

/// The path names the type that is there, or its place.
fn replace_type(endpoint: &mut EndpointConfiguration, old: &str, patch: &Patch) -> Result<(), Refusal> {
    refuse_if(old != "0" && endpoint.types != [old], || patch.invalid("the endpoint type that the API has"))?;
    endpoint.types = vec![one_of(patch, &["REGIONAL", "EDGE", "PRIVATE"])?];
    if endpoint.types == ["PRIVATE"] {
        // Private APIs are dualstack, and become it by themselves (recorded from real AWS).
        endpoint.ip_address_type = Some("dualstack".to_owned());
    }
    Ok(())
}

/// The value takes the place of the type in the path. Without a value, the type in the path is the one to have.
fn replace_media_type(types: &mut Vec<String>, old: &str, patch: &Patch) {
    let new = patch.text().unwrap_or_else(|| old.to_owned());
    types.retain(|other| *other != new || other == old);
    match types.iter_mut().find(|other| *other == old) {
        Some(place) => *place = new,
        None => types.push(new),
    }
}

/// The enumeration SecurityPolicy of the API's model, which checks CreateRestApi but cannot see into a patch.
fn security_policy(patch: &Patch) -> Result<String, Refusal> {
    one_of(
        patch,
        &[
            "TLS_1_0",
            "TLS_1_2",
            "SecurityPolicy_TLS13_1_3_2025_09",
            "SecurityPolicy_TLS13_1_3_FIPS_2025_09",
            "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
            "SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09",
            "SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09",
            "SecurityPolicy_TLS13_1_2_Ext2_PQ_2025_09",
            "SecurityPolicy_TLS13_1_2_Ext2_FIPS_PQ_2025_09",
            "SecurityPolicy_TLS13_1_2_PQ_2025_09",
            "SecurityPolicy_TLS13_1_2_2021_06",
            "SecurityPolicy_TLS13_2025_EDGE",
            "SecurityPolicy_TLS12_PFS_2025_EDGE",
            "SecurityPolicy_TLS12_2018_EDGE",
        ],
    )
}

pub(super) fn one_of(patch: &Patch, values: &[&str]) -> Result<String, Refusal> {
    let value = patch.required()?;
    ensure(values.contains(&value.as_str()), || patch.invalid(&format!("one of {}", values.join(", "))))?;
    Ok(value)
}

/// Deletes an API with everything in it. Usage plans lose its stages.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let rest_api_id: String = call.member("restApiId")?;
    let stages = cx.r.apigateway.apis.find(&rest_api_id)?.stages.keys();
    let stages: Vec<String> = stages.map(|name| stage_arn(cx.region, &rest_api_id, name)).collect();
    let state = &mut cx.r.apigateway;
    state.apis.remove(&rest_api_id);
    for plan in state.usage_plans.values_mut() {
        plan.api_stages.retain(|stage| stage.api_id.as_ref() != Some(&rest_api_id));
    }
    for arn in stages {
        forget_web_acl(cx, &arn);
    }
    Ok(nothing())
}

pub(super) fn settle(cx: &mut Cx<'_>) {
    let now_millis = cx.now_millis;
    for tree in cx.r.apigateway.apis.values_mut() {
        if let Some(next) = Next::due(&mut tree.api.next, now_millis) {
            tree.api.api_status = next.state;
        }
    }
}
