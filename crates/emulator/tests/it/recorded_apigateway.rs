//! What real AWS answered to calls of API Gateway.

use aws_sdk_apigateway::types::{
    ApiKeySourceType, EndpointConfiguration, EndpointType, GatewayResponseType, IntegrationType,
    QuotaPeriodType, QuotaSettings,
};

use crate::apigateway::{Gateway, add, remove, replace};
use crate::recorded::{answer, shown};
use crate::rows::check;
use crate::support::REGION;

const BAD: &str = "BadRequestException 400";
const OUTSIDE: &str = "ValidationException 400";

fn endpoint(types: &[EndpointType]) -> EndpointConfiguration {
    EndpointConfiguration::builder().set_types(Some(types.to_vec())).build()
}

#[tokio::test(start_paused = true)]
async fn rest_apis() {
    let Gateway { api, .. } = &Gateway::in_memory();
    let create = || api.create_rest_api().name("a");
    let none = create().set_binary_media_types(Some(Vec::new())).send().await.unwrap();
    let id = none.id().unwrap().to_owned();
    let update = |operation| api.update_rest_api().rest_api_id(&id).patch_operations(operation);
    let renamed = update(replace("/name", "b")).send().await.unwrap();
    let key = |name: usize, description: usize| {
        api.create_api_key().name("n".repeat(name)).description("d".repeat(description))
    };
    check([
        ("A4: an empty description", BAD, answer(create().description("").send().await)),
        ("A4: no types", BAD, answer(create().endpoint_configuration(endpoint(&[])).send().await)),
        ("A4+: an endpoint without types", "ok", {
            let other = EndpointConfiguration::builder().build();
            answer(create().endpoint_configuration(other).send().await)
        }),
        ("A4: a long name of a key", BAD, answer(key(1025, 1).send().await)),
        ("A4: a long description of a key", BAD, answer(key(1, 125_001).send().await)),
        ("A4+: as long as it may be", "ok", answer(key(1024, 125_000).send().await)),
        ("B22: no binary media types", "None", shown(&none.binary_media_types)),
        ("B22: no tags at first", "None", shown(&none.tags)),
        ("B22: tags of an update", "Some({})", shown(&renamed.tags)),
        ("B22: and none in between", "None", {
            shown(&api.get_rest_api().rest_api_id(&id).send().await.unwrap().tags)
        }),
    ]);

    update(replace("/description", "d")).send().await.unwrap();
    update(add("/binaryMediaTypes/image~1png", "")).send().await.unwrap();
    let plain = update(remove("/description")).send().await;
    let types = update(replace("/binaryMediaTypes/image~1png", "image/jpeg")).send().await;
    let fewer = update(remove("/binaryMediaTypes/image~1jpeg")).send().await;
    let private = update(replace("/endpointConfiguration/types/EDGE", "PRIVATE")).send().await;
    check([
        ("D42: remove the description", "None", shown(&plain.unwrap().description)),
        ("D42: replace a type", r#"Some(["image/jpeg"])"#, shown(&types.unwrap().binary_media_types)),
        ("B22+: the last type is gone", "None", shown(&fewer.unwrap().binary_media_types)),
        ("D42: become private", "Some(Dualstack)", {
            shown(&private.unwrap().endpoint_configuration.unwrap().ip_address_type)
        }),
        ("D42+: the name stays", BAD, answer(update(remove("/name")).send().await)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn keys_and_plans() {
    let Gateway { api, .. } = &Gateway::in_memory();
    let key = api.create_api_key().name("k").send().await.unwrap();
    let rename = api.update_api_key().api_key(key.id().unwrap()).patch_operations(replace("/name", "l"));
    let long = "n".repeat(1025);
    let longer = api.update_api_key().api_key(key.id().unwrap()).patch_operations(replace("/name", &long));
    let plan = api.create_usage_plan().name("p").send().await.unwrap();
    let id = plan.id().unwrap();
    let found = api.get_usage_plan().usage_plan_id(id).send().await.unwrap();
    let changed = api.update_usage_plan().usage_plan_id(id).patch_operations(replace("/name", "q"));
    check([
        ("B22: no tags of a new key", "None", shown(&key.tags)),
        ("B22: tags of an update of it", "Some({})", shown(&rename.send().await.unwrap().tags)),
        ("A4+: a long name later", BAD, answer(longer.send().await)),
        ("B22: no tags of a new plan", "None", shown(&plan.tags)),
        ("B22: tags of a plan", "Some({})", shown(&found.tags)),
        ("B22: tags of an update of it", "Some({})", shown(&changed.send().await.unwrap().tags)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn integrations() {
    let gateway = Gateway::in_memory();
    let api = &gateway.api;
    let (id, root) = gateway.rest_api().await;
    gateway.method(&id, &root, "POST").await;
    let function = format!("arn:aws:lambda:{REGION}:123456789012:function:f/invocations");
    let put = |kind: IntegrationType, uri: &str| {
        let call = api.put_integration().rest_api_id(&id).resource_id(&root).http_method("POST");
        let call = call.r#type(kind).integration_http_method("POST");
        call.uri(format!("arn:aws:apigateway:{REGION}:{}", uri.replace("FUNCTION", &function)))
    };
    let proxy = |uri: &str| put(IntegrationType::AwsProxy, uri);
    let role = "arn:aws:iam::123456789012:role/r";
    check([
        ("A3: Firehose by a path of Lambda", BAD, {
            answer(proxy("firehose:path/2015-03-31/functions/FUNCTION").credentials(role).send().await)
        }),
        ("A3: another path of Lambda", BAD, {
            answer(proxy("lambda:path/random/functions/FUNCTION").send().await)
        }),
        ("A3+: an action of Lambda", BAD, answer(proxy("lambda:action/Invoke").send().await)),
        ("A3+: neither Lambda nor Firehose", BAD, {
            answer(proxy("sqs:action/SendMessage").credentials(role).send().await)
        }),
        ("A3+: a function", "ok", answer(proxy("lambda:path/2015-03-31/functions/FUNCTION").send().await)),
        ("A3+: an action of Firehose", "ok", {
            answer(proxy("firehose:action/PutRecord").credentials(role).send().await)
        }),
        ("A3+: a service without a role", BAD, {
            answer(put(IntegrationType::Aws, "sqs:action/SendMessage").send().await)
        }),
        ("C30: unknown type", OUTSIDE, {
            answer(proxy("lambda:path/x").r#type(IntegrationType::from("HTTPS_PROXY")).send().await)
        }),
    ]);
    let mock = put(IntegrationType::Mock, "lambda:path/x").send().await.unwrap();
    let update = api.update_integration().rest_api_id(&id).resource_id(&root).http_method("POST");
    let update = update.patch_operations(replace("/uri", "https://example.com")).send().await.unwrap();
    let respond = |status: &str| {
        let call = api.put_integration_response().rest_api_id(&id).resource_id(&root).http_method("POST");
        call.status_code(status)
    };
    let header = "method.response.header.Location";
    check([
        ("B22: a mock has no URI", "None", shown(&mock.uri)),
        ("B22+: nor gets one", "None", shown(&update.uri)),
        ("D40: before the method's response", "ok", answer(respond("200").send().await)),
        ("D40+: of a parameter that is not declared", BAD, {
            answer(respond("200").response_parameters(header, "'x'").send().await)
        }),
        ("C30: a status that is none", OUTSIDE, answer(respond("888").send().await)),
    ]);
    let found = api.get_integration_response().rest_api_id(&id).resource_id(&root).http_method("POST");
    assert_eq!(found.status_code("200").send().await.unwrap().status_code(), Some("200"));
}

#[tokio::test(start_paused = true)]
async fn values_outside_of_enumerations_and_patterns() {
    let gateway = Gateway::in_memory();
    let api = &gateway.api;
    let (id, root) = gateway.rest_api().await;
    gateway.method(&id, &root, "GET").await;
    let response = |kind: &str| {
        api.put_gateway_response().rest_api_id(&id).response_type(GatewayResponseType::from(kind))
    };
    let patch = crate::apigateway::patch("paint".into(), "/name", Some("x"));
    let declared = |status: &str| {
        let call = api.put_method_response().rest_api_id(&id).resource_id(&root).http_method("GET");
        call.status_code(status)
    };
    let quota = QuotaSettings::builder().limit(1).period(QuotaPeriodType::from("YEAR")).build();
    check([
        ("C30: type of a gateway response", OUTSIDE, answer(response("NONE").send().await)),
        ("C30: its status", OUTSIDE, answer(response("THROTTLED").status_code("999").send().await)),
        ("C30: operation of a patch", OUTSIDE, {
            answer(api.update_rest_api().rest_api_id(&id).patch_operations(patch).send().await)
        }),
        ("C30: type of an endpoint", OUTSIDE, {
            let other = endpoint(&[EndpointType::from("LOCAL")]);
            answer(api.create_rest_api().name("a").endpoint_configuration(other).send().await)
        }),
        ("C30: source of keys", OUTSIDE, {
            let source = ApiKeySourceType::from("COOKIE");
            answer(api.create_rest_api().name("a").api_key_source(source).send().await)
        }),
        ("C30: status of a response", OUTSIDE, answer(declared("20").send().await)),
        ("C30: period of a quota", OUTSIDE, {
            answer(api.create_usage_plan().name("p").quota(quota).send().await)
        }),
        ("C35: a validator of no API", BAD, {
            answer(api.create_request_validator().rest_api_id("x").name("v").send().await)
        }),
        ("C35+: other operations do not find it", "NotFoundException 404", {
            answer(api.get_request_validators().rest_api_id("x").send().await)
        }),
    ]);
}

#[tokio::test(start_paused = true)]
async fn access_logs() {
    let gateway = Gateway::in_memory();
    let (id, _) = gateway.staged().await;
    gateway.logging_role().await;
    let group = format!("arn:aws:logs:{REGION}:123456789012:log-group:not-there");
    let update = |path: &str, value: &str| {
        let call = gateway.api.update_stage().rest_api_id(&id).stage_name("v1");
        call.patch_operations(replace(&format!("/accessLogSettings/{path}"), value))
    };
    check([
        (
            "D41: a group that is not there, alone",
            "ok",
            answer(update("destinationArn", &group).send().await),
        ),
        ("D41+: a format without a request", BAD, answer(update("format", "$context.status").send().await)),
        ("D41: then the format", "ok", answer(update("format", "$context.requestId").send().await)),
        ("D41+: what is no log group", BAD, answer(update("destinationArn", "arn:aws:s3:::b").send().await)),
    ]);
    let stage = gateway.api.get_stage().rest_api_id(&id).stage_name("v1").send().await.unwrap();
    let settings = stage.access_log_settings.unwrap();
    assert_eq!(settings.destination_arn(), Some(group.as_str()));
    assert_eq!(settings.format(), Some("$context.requestId"));
}
