//! API Gateway: REST APIs (the first generation of the API) and VPC links of the second one.
//!
//! A REST API is a tree of resources with methods. What its stages serve are deployments: snapshots, which stay as they
//! are when the tree changes.
//!
//! A value outside of an enumeration, or one that its pattern does not match, is a `ValidationException` in the first
//! generation of the API, although its reference names `BadRequestException` for what is wrong with an input
//! (localstack/localstack#9763 and #12773, which were written against real AWS); a value of another type is a
//! `SerializationException`. "Recorded from real AWS" is said in this service's files of what was seen there.

mod account;
mod api_key;
mod deployment;
mod integration;
mod joins;
mod mapping;
mod method;
mod objects;
mod patch;
mod records;
mod resource;
mod rest_api;
mod served;
mod stage;
mod stage_patch;
mod tagging;
mod template;
mod usage_plan;
mod validator;
mod vpc_link;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::records::{
    ApiKey, ApiTree, Deployment, Method, MethodResponse, RequestValidator, Resource, Stage, UsagePlan,
    VpcLink,
};
pub use self::served::{ApiRequest, IntegrationRequest, Routed, ServedStage};
use super::{
    Answer, Api, Call, Cx, IdSource, Interface, Limit, Object, Refusal, Secrets, ServiceLimits, Spread,
    kinds, rate, refusals, spread, unknown_operation,
};
use crate::protocol::model::{Problem, Violation};

/// Estimates; the deployment is measured.
const REST_API: Spread = spread(2.0, 1.0, 2.0);
const SMALL: Spread = spread(0.5, 0.2, 1.0);
const DEPLOYMENT: Spread = spread(1.0, 0.5, 2.0);

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    ids: IdSource,
    apis: BTreeMap<String, ApiTree>,
    usage_plans: BTreeMap<String, UsagePlan>,
    api_keys: BTreeMap<String, ApiKey>,
    vpc_links: BTreeMap<String, VpcLink>,
    /// The role by which API Gateway writes logs, one for the account in a region.
    cloudwatch_role_arn: Option<String>,
}

kinds! {
    ApiTree: |id| not_found(format!("Invalid API identifier specified {id}."));
    Resource: |_| not_found("Invalid Resource identifier specified");
    Method: |_| not_found("Invalid Method identifier specified");
    MethodResponse: |_| not_found("Invalid Response status code specified");
    RequestValidator: |_| not_found("Invalid Request Validator identifier specified");
    Deployment: |_| not_found("Invalid Deployment identifier specified");
    Stage: |_| not_found("Invalid stage identifier specified");
    UsagePlan: |_| not_found("Invalid Usage Plan ID specified");
    ApiKey: |_| not_found("Invalid API Key identifier specified");
    VpcLink: |id| not_found(format!("Unable to find Vpc Link {id}"));
}

impl Api for State {
    const INVALID: &'static str = "BadRequestException";
    // API Gateway Developer Guide, "Quotas for creating, deploying and managing an API".
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["CreateRestApi"], rate(1.0, 1.0 / 3.0)),
        Limit::of(&["DeleteRestApi"], rate(1.0, 1.0 / 30.0)),
        Limit::of(&["CreateDeployment"], rate(1.0, 0.2)),
        Limit::of(&["CreateResource", "DeleteResource", "CreateApiKey", "DeleteApiKey"], rate(5.0, 5.0)),
        Limit::of(&["GetResources"], rate(5.0, 2.5)),
        Limit::of(&["UpdateUsagePlan"], rate(1.0, 0.05)),
        Limit::of(&["CreateVpcLink"], rate(1.0, 1.0 / 15.0)),
        Limit::of(&["DeleteVpcLink"], rate(1.0, 1.0 / 30.0)),
    ])
    .in_all(rate(40.0, 10.0))
    .throttled("TooManyRequestsException", 429);
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("CreateRestApi", REST_API),
        ("DeleteRestApi", spread(1.0, 0.5, 31.0)),
        ("CreateResource", SMALL),
        ("PutMethod", SMALL),
        ("PutIntegration", SMALL),
        ("CreateDeployment", DEPLOYMENT),
        ("CreateStage", DEPLOYMENT),
        ("UpdateStage", SMALL),
        ("DeleteStage", SMALL),
        ("DeleteDeployment", SMALL),
    ];

    // The value of an API key, and headers that an integration sends, of which one may be a password between API and origin.
    const SECRETS: Secrets = &[
        ("CreateApiKey", "value"),
        ("UpdateApiKey", "patchOperations"),
        ("PutIntegration", "requestParameters"),
        ("UpdateIntegration", "patchOperations"),
    ];
    const ACTIONS: Option<&'static str> = Some("apigateway");

    fn new(ids: IdSource, _region: &str) -> Self {
        State {
            ids,
            apis: BTreeMap::new(),
            usage_plans: BTreeMap::new(),
            api_keys: BTreeMap::new(),
            vpc_links: BTreeMap::new(),
            cloudwatch_role_arn: None,
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.service.as_str() {
            "apigatewayv2" => second_generation(cx, call),
            _ => first_generation(cx, call),
        }
    }

    fn refused(_cx: &Cx<'_>, call: &Call, violation: Violation) -> Refusal {
        match (call.service.as_str(), violation.problem) {
            ("apigatewayv2", _) | (_, Problem::Unknown | Problem::Missing) => {
                super::refused::<Self>(call, violation)
            }
            (_, Problem::Type) => Refusal::new("SerializationException", violation.message),
            _ => Refusal::new("ValidationException", violation.message),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        rest_api::settle(cx);
        vpc_link::settle(cx);
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        objects::all(self, home)
    }

    fn interfaces(&self) -> Vec<Interface> {
        self.vpc_links.values().flat_map(|link| link.interfaces.clone()).collect()
    }
}

fn second_generation(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.operation.as_str() {
        "CreateVpcLink" => vpc_link::create(cx, call),
        "GetVpcLink" => vpc_link::get(cx, call),
        "GetVpcLinks" => vpc_link::list(cx, call),
        "UpdateVpcLink" => vpc_link::update(cx, call),
        "DeleteVpcLink" => vpc_link::delete(cx, call),
        "TagResource" => tagging::TAGS_OF_LINKS.tag(cx, call),
        "UntagResource" => tagging::TAGS_OF_LINKS.untag(cx, call),
        "GetTags" => tagging::TAGS_OF_LINKS.list(cx, call),
        _ => Err(unknown_operation(call)),
    }
}

fn first_generation(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.operation.as_str() {
        "CreateRestApi" => rest_api::create(cx, call),
        "GetRestApi" => rest_api::get(cx, call),
        "GetRestApis" => rest_api::list(cx, call),
        "UpdateRestApi" => rest_api::update(cx, call),
        "DeleteRestApi" => rest_api::delete(cx, call),

        "CreateResource" => resource::create(cx, call),
        "GetResource" => resource::get(cx, call),
        "GetResources" => resource::list(cx, call),
        "UpdateResource" => resource::update(cx, call),
        "DeleteResource" => resource::delete(cx, call),

        "PutMethod" => method::put(cx, call),
        "GetMethod" => method::get(cx, call),
        "UpdateMethod" => method::update(cx, call),
        "DeleteMethod" => method::delete(cx, call),
        "PutMethodResponse" => method::put_response(cx, call),
        "GetMethodResponse" => method::get_response(cx, call),
        "DeleteMethodResponse" => method::delete_response(cx, call),

        "PutIntegration" => integration::put(cx, call),
        "GetIntegration" => integration::get(cx, call),
        "UpdateIntegration" => integration::update(cx, call),
        "DeleteIntegration" => integration::delete(cx, call),
        "PutIntegrationResponse" => integration::response::put(cx, call),
        "GetIntegrationResponse" => integration::response::get(cx, call),
        "DeleteIntegrationResponse" => integration::response::delete(cx, call),

        "CreateRequestValidator" => validator::create(cx, call),
        "GetRequestValidator" => validator::get(cx, call),
        "GetRequestValidators" => validator::list(cx, call),
        "UpdateRequestValidator" => validator::update(cx, call),
        "DeleteRequestValidator" => validator::delete(cx, call),
        "PutGatewayResponse" => validator::gateway_response::put(cx, call),
        "GetGatewayResponse" => validator::gateway_response::get(cx, call),
        "DeleteGatewayResponse" => validator::gateway_response::delete(cx, call),

        "CreateDeployment" => deployment::create(cx, call),
        "GetDeployment" => deployment::get(cx, call),
        "GetDeployments" => deployment::list(cx, call),
        "DeleteDeployment" => deployment::delete(cx, call),

        "CreateStage" => stage::create(cx, call),
        "GetStage" => stage::get(cx, call),
        "GetStages" => stage::list(cx, call),
        "UpdateStage" => stage::update(cx, call),
        "DeleteStage" => stage::delete(cx, call),

        "CreateUsagePlan" => usage_plan::create(cx, call),
        "GetUsagePlan" => usage_plan::get(cx, call),
        "GetUsagePlans" => usage_plan::list(cx, call),
        "UpdateUsagePlan" => usage_plan::update(cx, call),
        "DeleteUsagePlan" => usage_plan::delete(cx, call),
        "CreateUsagePlanKey" => usage_plan::add_key(cx, call),
        "GetUsagePlanKey" => usage_plan::get_key(cx, call),
        "GetUsagePlanKeys" => usage_plan::list_keys(cx, call),
        "DeleteUsagePlanKey" => usage_plan::remove_key(cx, call),

        "CreateApiKey" => api_key::create(cx, call),
        "GetApiKey" => api_key::get(cx, call),
        "GetApiKeys" => api_key::list(cx, call),
        "UpdateApiKey" => api_key::update(cx, call),
        "DeleteApiKey" => api_key::delete(cx, call),

        "GetAccount" => account::get(cx, call),
        "UpdateAccount" => account::update(cx, call),

        "TagResource" => tagging::TAGS.tag(cx, call),
        "UntagResource" => tagging::TAGS.untag(cx, call),
        "GetTags" => tagging::TAGS.list(cx, call),
        _ => Err(unknown_operation(call)),
    }
}

impl State {
    /// Whether a stage's ARN (`arn:aws:apigateway:REGION::/restapis/ID/stages/NAME`) names one that is there.
    pub(crate) fn stage_exists(&self, arn: &str) -> bool {
        let names = arn.split_once("::/restapis/").and_then(|(_, rest)| rest.split_once("/stages/"));
        names.is_some_and(|(api, stage)| {
            self.apis.get(api).is_some_and(|tree| tree.stages.contains_key(stage))
        })
    }
}

/// The ARN of an API Gateway object, which carries no account (API Gateway Developer Guide, "Amazon Resource Name (ARN)
/// reference").
fn arn(region: &str, path: &str) -> String {
    format!("arn:aws:apigateway:{region}::{path}")
}

fn stage_arn(region: &str, api: &str, stage: &str) -> String {
    arn(region, &format!("/restapis/{api}/stages/{stage}"))
}

/// An id of lower-case letters and digits that is not taken.
fn fresh_id(ids: &mut IdSource, length: usize, taken: impl Fn(&str) -> bool) -> String {
    loop {
        let id = in_letters(ids.number(), length);
        if !taken(&id) {
            return id;
        }
    }
}

fn in_letters(mut number: u64, length: usize) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut id = String::with_capacity(length);
    for _ in 0..length {
        id.push(char::from(LETTERS[(number % 36) as usize]));
        number /= 36;
    }
    id
}

/// The answer of operations that say nothing.
fn nothing() -> Value {
    json!({})
}

// API Gateway API Reference, "Common Errors" and the errors of each operation.

refusals! {
    bad: "BadRequestException";
    not_found: "NotFoundException", 404;
    conflict: "ConflictException", 409;
}
