//! What AWS refuses, with AWS's code: one row for each rule.

use aws_sdk_apigateway::types::{
    ApiStage, ConnectionType, EndpointAccessMode, EndpointConfiguration, EndpointType, IntegrationType,
    QuotaPeriodType, QuotaSettings, SecurityPolicy, ThrottleSettings,
};

use super::{API_KEY, Gateway, add, patch, remove, replace};
use crate::front::Front;
use crate::rows::Rows;
use crate::support::{REGION, code};

const BAD: &str = "BadRequestException";
const MISSING: &str = "NotFoundException";
const CONFLICT: &str = "ConflictException";

fn endpoint(kind: EndpointType) -> EndpointConfiguration {
    EndpointConfiguration::builder().types(kind).build()
}

#[tokio::test(start_paused = true)]
async fn rules_of_rest_apis() {
    let Gateway { api, .. } = &Gateway::in_memory();
    let mut rows = Rows::default();
    let create = || api.create_rest_api().name("a");
    rows.row("no such API", MISSING, code(api.get_rest_api().rest_api_id("x").send().await));
    rows.row("delete no such API", MISSING, code(api.delete_rest_api().rest_api_id("x").send().await));
    rows.row("empty name", BAD, code(api.create_rest_api().name(" ").send().await));
    rows.row("policy that is no policy", BAD, code(create().policy("{}").send().await));
    rows.row("compression of a negative size", BAD, code(create().minimum_compression_size(-1).send().await));
    rows.row(
        "compression above 10 MB",
        BAD,
        code(create().minimum_compression_size(10_485_761).send().await),
    );
    let two =
        EndpointConfiguration::builder().types(EndpointType::Regional).types(EndpointType::Edge).build();
    rows.row("two endpoint types", BAD, code(create().endpoint_configuration(two).send().await));
    let vpce =
        EndpointConfiguration::builder().types(EndpointType::Regional).vpc_endpoint_ids("vpce-1").build();
    rows.row("VPC endpoints of a public API", BAD, code(create().endpoint_configuration(vpce).send().await));
    let enhanced = || {
        let call = create().endpoint_configuration(endpoint(EndpointType::Regional));
        call.security_policy(SecurityPolicy::SecurityPolicyTls1312Pq202509)
    };
    rows.row("enhanced policy without access mode", BAD, code(enhanced().send().await));
    let basic = EndpointAccessMode::Basic;
    rows.row(
        "access mode without enhanced policy",
        BAD,
        code(create().endpoint_access_mode(basic).send().await),
    );
    let strict = EndpointAccessMode::Strict;
    let edge =
        enhanced().endpoint_configuration(endpoint(EndpointType::Edge)).endpoint_access_mode(strict.clone());
    rows.row("regional policy at the edge", BAD, code(edge.send().await));
    rows.row("enhanced policy", "ok", code(enhanced().endpoint_access_mode(strict).send().await));
    rows.row("reserved tag", BAD, code(create().tags("aws:x", "y").send().await));
    rows.row("clone", "UnknownParameter", code(create().clone_from("abcdefghij").send().await));
    rows.row("limit", BAD, code(api.get_rest_apis().limit(501).send().await));

    let id = create().send().await.unwrap().id.unwrap();
    let update = |operation| api.update_rest_api().rest_api_id(&id).patch_operations(operation);
    rows.row("unknown patch path", BAD, code(update(replace("/nothing", "x")).send().await));
    rows.row("patch path without slash", BAD, code(update(replace("name", "x")).send().await));
    rows.row("remove what is only replaced", BAD, code(update(remove("/name")).send().await));
    let copy = patch(super::Op::Copy, "/name", Some("x"));
    rows.row("copy", BAD, code(update(copy).send().await));
    rows.row("patched flag", BAD, code(update(replace("/disableExecuteApiEndpoint", "maybe")).send().await));
    rows.row("patched policy", BAD, code(update(replace("/policy", "no")).send().await));
    rows.row("patched enumeration", BAD, code(update(replace("/securityPolicy", "TLS_9")).send().await));
    let wrong = replace("/endpointConfiguration/types/PRIVATE", "REGIONAL");
    rows.row("endpoint type that it is not", BAD, code(update(wrong).send().await));
    let untagged = api.get_tags().resource_arn("arn:aws:apigateway:ap-southeast-1::/restapis/x");
    rows.row("tags of no such API", MISSING, code(untagged.send().await));
}

#[tokio::test(start_paused = true)]
async fn rules_of_resources_and_validators() {
    let gateway = Gateway::in_memory();
    let api = &gateway.api;
    let (id, root) = gateway.rest_api().await;
    let create =
        |parent: &str, part: &str| api.create_resource().rest_api_id(&id).parent_id(parent).path_part(part);
    let mut rows = Rows::default();
    let payments = gateway.resource(&id, &root, "payments").await;
    rows.row("resource of no API", MISSING, {
        code(api.create_resource().rest_api_id("x").parent_id(&root).path_part("a").send().await)
    });
    rows.row("no such parent", MISSING, code(create("x", "a").send().await));
    rows.row("same part", CONFLICT, code(create(&root, "payments").send().await));
    for part in ["", "a/b", "a b", "{a", "{}", "{a+", "a+", "{a b}"] {
        rows.row(&format!("part {part:?}"), BAD, code(create(&root, part).send().await));
    }
    let proxy = gateway.resource(&id, &payments, "{proxy+}").await;
    rows.row("child of a greedy part", BAD, code(create(&proxy, "a").send().await));
    rows.row("second variable", BAD, code(create(&payments, "{id}").send().await));
    rows.row("beside a variable", "ok", code(create(&payments, "health").send().await));
    let update = |resource: &str, operation| {
        api.update_resource().rest_api_id(&id).resource_id(resource).patch_operations(operation)
    };
    rows.row("move below itself", BAD, code(update(&payments, replace("/parentId", &proxy)).send().await));
    rows.row("rename to a sibling's", BAD, code(update(&root, replace("/pathPart", "x")).send().await));
    rows.row(
        "greedy with children",
        BAD,
        code(update(&payments, replace("/pathPart", "{all+}")).send().await),
    );
    rows.row("rename", "ok", code(update(&payments, replace("/pathPart", "orders")).send().await));
    let moved = api.get_resource().rest_api_id(&id).resource_id(&proxy).send().await.unwrap();
    assert_eq!(moved.path(), Some("/orders/{proxy+}"));
    let delete = |resource: &str| api.delete_resource().rest_api_id(&id).resource_id(resource);
    rows.row("delete the root", BAD, code(delete(&root).send().await));
    rows.row("delete with children", "ok", code(delete(&payments).send().await));
    rows.row("children went too", MISSING, code(delete(&proxy).send().await));

    let validator =
        api.create_request_validator().rest_api_id(&id).name("v").send().await.unwrap().id.unwrap();
    let put = api.put_method().rest_api_id(&id).resource_id(&root).http_method("GET");
    put.authorization_type("NONE").request_validator_id(&validator).send().await.unwrap();
    let delete = || api.delete_request_validator().rest_api_id(&id).request_validator_id(&validator);
    rows.row("validator in use", CONFLICT, code(delete().send().await));
    let unset = api.update_method().rest_api_id(&id).resource_id(&root).http_method("GET");
    unset.patch_operations(replace("/requestValidatorId", "")).send().await.unwrap();
    rows.row("validator out of use", "ok", code(delete().send().await));
    rows.row("validator is gone", MISSING, code(delete().send().await));
}

#[tokio::test(start_paused = true)]
async fn rules_of_methods() {
    let gateway = Gateway::in_memory();
    let api = &gateway.api;
    let (id, root) = gateway.rest_api().await;
    let put = |verb: &str| {
        let call = api.put_method().rest_api_id(&id).resource_id(&root).http_method(verb);
        call.authorization_type("NONE")
    };
    let mut rows = Rows::default();
    rows.row("verb", BAD, code(put("FETCH").send().await));
    rows.row("authorization", BAD, code(put("GET").authorization_type("SOME").send().await));
    rows.row("authorizer", BAD, code(put("GET").authorization_type("CUSTOM").send().await));
    rows.row("authorizer for none", BAD, code(put("GET").authorizer_id("x").send().await));
    rows.row("scopes", "UnknownParameter", code(put("GET").authorization_scopes("x").send().await));
    for name in ["proxy", "method.request.body.x", "integration.request.path.x", "method.request.header."] {
        rows.row(name, BAD, code(put("GET").request_parameters(name, true).send().await));
    }
    rows.row("model", BAD, code(put("GET").request_models("application/json", "Payment").send().await));
    rows.row("validator", BAD, code(put("GET").request_validator_id("x").send().await));
    rows.row("method", "ok", code(put("GET").send().await));
    rows.row("same method", CONFLICT, code(put("GET").send().await));
    let get = |verb: &str| api.get_method().rest_api_id(&id).resource_id(&root).http_method(verb);
    rows.row("no such method", MISSING, code(get("POST").send().await));
    let update = |operation| {
        let call = api.update_method().rest_api_id(&id).resource_id(&root).http_method("GET");
        call.patch_operations(operation)
    };
    rows.row("patch path", BAD, code(update(replace("/httpMethod", "POST")).send().await));
    rows.row("patched validator", BAD, code(update(replace("/requestValidatorId", "x")).send().await));
    rows.row(
        "patched authorization",
        BAD,
        code(update(replace("/authorizationType", "CUSTOM")).send().await),
    );
    let parameter = remove("/requestParameters/method.request.header.X");
    rows.row("removed parameter that is not there", BAD, code(update(parameter).send().await));

    let respond = |verb: &str| {
        let call = api.put_method_response().rest_api_id(&id).resource_id(&root).http_method(verb);
        call.status_code("200")
    };
    rows.row("response of no method", MISSING, code(respond("PUT").send().await));
    let header = respond("GET").response_parameters("method.response.body.x", true);
    rows.row("response parameter", BAD, code(header.send().await));
    rows.row("response", "ok", code(respond("GET").send().await));
    rows.row("same response", CONFLICT, code(respond("GET").send().await));
    let delete = api.delete_method_response().rest_api_id(&id).resource_id(&root).http_method("GET");
    rows.row("no such response", MISSING, code(delete.status_code("500").send().await));
}

#[tokio::test(start_paused = true)]
async fn rules_of_integrations() {
    let gateway = Gateway::in_memory();
    let api = &gateway.api;
    let (id, root) = gateway.rest_api().await;
    gateway.method(&id, &root, "GET").await;
    let put = |kind: IntegrationType| {
        let call = api.put_integration().rest_api_id(&id).resource_id(&root).http_method("GET");
        call.r#type(kind)
    };
    let http = || put(IntegrationType::HttpProxy).integration_http_method("GET").uri("https://example.com/a");
    let mut rows = Rows::default();
    let early = api.put_integration().rest_api_id(&id).resource_id(&root).http_method("POST");
    rows.row(
        "integration before its method",
        MISSING,
        code(early.r#type(IntegrationType::Mock).send().await),
    );
    let call = put(IntegrationType::HttpProxy).uri("https://example.com");
    rows.row("no verb", BAD, code(call.send().await));
    rows.row("verb", BAD, code(http().integration_http_method("FETCH").send().await));
    let call = put(IntegrationType::HttpProxy).integration_http_method("GET");
    rows.row("no URI", BAD, code(call.send().await));
    for uri in ["example.com", "ftp://example.com", "https://", "https://exa mple.com"] {
        rows.row(uri, BAD, code(http().uri(uri).send().await));
    }
    let aws = |uri: &str| put(IntegrationType::AwsProxy).integration_http_method("POST").uri(uri);
    for uri in [
        "https://example.com",
        "arn:aws:apigateway:ap-southeast-1:lambda:function",
        "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations",
        "arn:aws:apigateway:ap-southeast-1:sqs:path/1/queue",
    ] {
        rows.row(uri, BAD, code(aws(uri).send().await));
    }
    let lambda = "arn:aws:apigateway:ap-southeast-1:lambda:path/2015-03-31/functions/x/invocations";
    rows.row("Lambda", "ok", code(aws(lambda).send().await));
    for timeout in [49, 29_001] {
        rows.row("timeout", BAD, code(http().timeout_in_millis(timeout).send().await));
    }
    rows.row("passthrough", BAD, code(http().passthrough_behavior("SOMETIMES").send().await));
    rows.row("credentials", BAD, code(http().credentials("role").send().await));
    let map = |to: &str, from: &str| http().request_parameters(to, from);
    let header = "integration.request.header.X";
    rows.row("undeclared parameter", BAD, code(map(header, "method.request.header.X").send().await));
    rows.row("target", BAD, code(map("method.request.header.X", "'a'").send().await));
    rows.row("value without quotes", BAD, code(map(header, "a").send().await));
    rows.row("static value", "ok", code(map(header, "'a'").send().await));
    rows.row("body", "ok", code(map(header, "method.request.body.id").send().await));

    let respond = |status: &str| {
        let call = api.put_integration_response().rest_api_id(&id).resource_id(&root).http_method("GET");
        call.status_code(status)
    };
    rows.row("response without the method's", "ok", code(respond("200").send().await));
    let call = api.put_method_response().rest_api_id(&id).resource_id(&root).http_method("GET");
    call.status_code("200").send().await.unwrap();
    let mapped = respond("200").response_parameters("method.response.header.X", "'a'");
    rows.row("undeclared response parameter", BAD, code(mapped.send().await));
    rows.row("response", "ok", code(respond("200").send().await));
    let delete = || api.delete_integration().rest_api_id(&id).resource_id(&root).http_method("GET");
    rows.row("delete", "ok", code(delete().send().await));
    rows.row("delete again", MISSING, code(delete().send().await));
    rows.row("response of no integration", MISSING, code(respond("200").send().await));
    rows.row("no methods with integrations", BAD, {
        code(api.create_deployment().rest_api_id(&id).send().await)
    });
}

#[tokio::test(start_paused = true)]
async fn rules_of_private_integrations_and_vpc_links() {
    let front = Front::in_memory().await;
    let balancer = front.made_load_balancer("payments").await;
    let gateway = Gateway::of(front.cloud.emulator.clone());
    let subnet = front.subnets[2].clone();
    let group = gateway.cloud.group(&front.vpc, "link").await;
    let other_vpc = gateway.cloud.vpc_with("10.1.0.0/16").await;
    let other_group = gateway.cloud.group(&other_vpc, "other").await;
    let create = |subnet: &str, group: &str| {
        gateway.v2.create_vpc_link().name("l").subnet_ids(subnet).security_group_ids(group)
    };
    let mut rows = Rows::default();
    rows.row("no such subnet", BAD, code(create("subnet-00000000000000000", &group).send().await));
    rows.row("no such group", BAD, code(create(&subnet, "sg-00000000000000000").send().await));
    rows.row("group of another VPC", BAD, code(create(&subnet, &other_group).send().await));
    rows.row("empty name", BAD, code(create(&subnet, &group).name("").send().await));
    rows.row("no such link", MISSING, code(gateway.v2.get_vpc_link().vpc_link_id("x").send().await));
    let link = gateway.link(&subnet, &group).await;
    let arn = format!("arn:aws:apigateway:ap-southeast-1::/vpclinks/{link}");
    gateway.v2.tag_resource().resource_arn(&arn).tags("a", "1").send().await.unwrap();
    let tags = gateway.v2.get_tags().resource_arn(&arn).send().await.unwrap().tags.unwrap();
    assert_eq!(tags["a"], "1");
    rows.row("subnet with a link", "DependencyViolation", {
        code(gateway.cloud.ec2.delete_subnet().subnet_id(&subnet).send().await)
    });
    rows.row("group with a link", "DependencyViolation", {
        code(gateway.cloud.ec2.delete_security_group().group_id(&group).send().await)
    });

    let (api, root) = gateway.rest_api().await;
    gateway.method(&api, &root, "GET").await;
    let private = || gateway.private(&api, &root, "GET", &balancer);
    rows.row("private without a link", BAD, code(private().send().await));
    rows.row("private with no such link", BAD, code(private().connection_id("x").send().await));
    let call = private().connection_id(&link).set_integration_target(None);
    rows.row("private without a target", BAD, code(call.send().await));
    let elsewhere = balancer.replace(REGION, "eu-west-1");
    let none = balancer.replace("/payments/", "/none/");
    for target in ["x", &elsewhere, &none] {
        rows.row(target, BAD, code(private().connection_id(&link).integration_target(target).send().await));
    }
    let call = private().connection_id(&link).r#type(IntegrationType::AwsProxy);
    rows.row("private Lambda", BAD, code(call.send().await));
    let public = private().connection_id(&link).connection_type(ConnectionType::Internet);
    rows.row("public with a link", BAD, code(public.send().await));
    let variable = private().connection_id("${stageVariables.link}");
    rows.row("link in a stage variable", "ok", code(variable.send().await));
    private().connection_id(&link).send().await.unwrap();

    // A link stays while the API, or a stage that serves what the API was, goes through it.
    let delete = || gateway.v2.delete_vpc_link().vpc_link_id(&link);
    rows.row("link of a method", BAD, code(delete().send().await));
    let deployment = gateway.deployment(&api).await;
    gateway.stage(&api, "v1", &deployment).await;
    gateway.mock(&api, &root, "GET").await;
    rows.row("link of a stage", BAD, code(delete().send().await));
    let next = gateway.deployment(&api).await;
    let call = gateway.api.update_stage().rest_api_id(&api).stage_name("v1");
    call.patch_operations(replace("/deploymentId", &next)).send().await.unwrap();
    rows.row("link of an old deployment", "ok", code(delete().send().await));
    let gone = gateway.cloud.ec2.delete_security_group().group_id(&group).send().await;
    rows.row("group without a link", "ok", code(gone));
}

#[tokio::test(start_paused = true)]
async fn rules_of_deployments_and_stages() {
    let gateway = Gateway::in_memory();
    let api = &gateway.api;
    let (id, root) = gateway.rest_api().await;
    let deploy = || api.create_deployment().rest_api_id(&id);
    let mut rows = Rows::default();
    rows.row("no methods", BAD, code(deploy().send().await));
    gateway.method(&id, &root, "GET").await;
    rows.row("no integration", BAD, code(deploy().send().await));
    gateway.mock(&id, &root, "GET").await;
    rows.row("settings of no stage", BAD, code(deploy().stage_description("x").send().await));
    rows.row("stage name", BAD, code(deploy().stage_name("a b").send().await));
    rows.row("cache", "UnknownParameter", code(deploy().cache_cluster_enabled(true).send().await));
    let deployment = gateway.deployment(&id).await;
    let stage = |name: &str| api.create_stage().rest_api_id(&id).stage_name(name).deployment_id(&deployment);
    rows.row("name of a stage", BAD, code(stage("v.1").send().await));
    rows.row("variable", BAD, code(stage("v1").variables("a-b", "x").send().await));
    rows.row("value of a variable", BAD, code(stage("v1").variables("a", "{}").send().await));
    rows.row("deployment of a stage", MISSING, code(stage("v1").deployment_id("x").send().await));
    rows.row("stage with a cache", BAD, code(stage("v1").cache_cluster_enabled(true).send().await));
    rows.row("stage", "ok", code(stage("v1").send().await));
    rows.row("same stage", CONFLICT, code(stage("v1").send().await));
    let delete = || api.delete_deployment().rest_api_id(&id).deployment_id(&deployment);
    rows.row("deployment with a stage", BAD, code(delete().send().await));

    let update = |operation| api.update_stage().rest_api_id(&id).stage_name("v1").patch_operations(operation);
    for path in ["/stageName", "/*/*/logging", "/*/*/nothing/x", "/a/b/c/d/e"] {
        rows.row(path, BAD, code(update(replace(path, "true")).send().await));
    }
    let unescaped = update(replace("/payments/GET/metrics/enabled", "true")).send().await;
    rows.row("a path that is not escaped", "ok", code(unescaped));
    for path in ["/cacheClusterEnabled", "/*/*/caching/enabled", "/canarySettings/percentTraffic"] {
        rows.row(path, BAD, code(update(replace(path, "true")).send().await));
    }
    let canary = |percent| update(replace("/canarySettings/percentTraffic", percent)).send();
    rows.row("more than all for a canary", BAD, code(canary("101").await));
    rows.row("no canary", BAD, code(update(remove("/canarySettings")).send().await));
    rows.row("rate", BAD, code(update(replace("/*/*/throttling/rateLimit", "many")).send().await));
    rows.row("negative burst", BAD, code(update(replace("/*/*/throttling/burstLimit", "-2")).send().await));
    rows.row("move to no deployment", MISSING, code(update(replace("/deploymentId", "x")).send().await));
    rows.row("settings that are not there", BAD, code(update(remove("/*/*")).send().await));
    rows.row("no such stage", MISSING, code(api.get_stage().rest_api_id(&id).stage_name("x").send().await));
    rows.row("delete", "ok", code(api.delete_stage().rest_api_id(&id).stage_name("v1").send().await));
    rows.row("deployment without a stage", "ok", code(delete().send().await));
    rows.row("deployment is gone", MISSING, code(delete().send().await));
}

#[tokio::test(start_paused = true)]
async fn rules_of_usage_plans_and_keys() {
    let gateway = Gateway::in_memory();
    let api = &gateway.api;
    let (id, _) = gateway.staged().await;
    let stage = |api: &str, name: &str| ApiStage::builder().api_id(api).stage(name).build();
    let plan = || api.create_usage_plan().name("gold");
    let quota = |limit, offset, period| {
        plan().quota(QuotaSettings::builder().limit(limit).offset(offset).period(period).build())
    };
    let mut rows = Rows::default();
    rows.row("no such API", BAD, code(plan().api_stages(stage("x", "v1")).send().await));
    rows.row("no such stage", BAD, code(plan().api_stages(stage(&id, "x")).send().await));
    let twice = plan().api_stages(stage(&id, "v1")).api_stages(stage(&id, "v1"));
    rows.row("stage twice", BAD, code(twice.send().await));
    let throttle = ThrottleSettings::builder().rate_limit(-1.0).build();
    rows.row("throttle", BAD, code(plan().throttle(throttle).send().await));
    rows.row("quota of none", BAD, code(quota(0, 0, QuotaPeriodType::Day).send().await));
    rows.row("offset in a day", BAD, code(quota(1, 1, QuotaPeriodType::Day).send().await));
    rows.row("offset in a week", BAD, code(quota(1, 7, QuotaPeriodType::Week).send().await));
    rows.row("offset in a month", BAD, code(quota(1, 28, QuotaPeriodType::Month).send().await));
    let gold = plan().api_stages(stage(&id, "v1")).send().await.unwrap().id.unwrap();
    rows.row("plan with stages", BAD, code(api.delete_usage_plan().usage_plan_id(&gold).send().await));
    let update = |operation| api.update_usage_plan().usage_plan_id(&gold).patch_operations(operation);
    rows.row("patch path", BAD, code(update(replace("/apiStages/x", "y")).send().await));
    rows.row("added stage that is not there", BAD, code(update(add("/apiStages", "x:y")).send().await));
    let stray = patch(super::Op::Remove, "/apiStages", Some("x:y"));
    rows.row("removed stage that is not there", MISSING, code(update(stray).send().await));

    let key = |value: &str| api.create_api_key().name("k").value(value);
    rows.row("short key", BAD, code(key("0123456789abcdefghi").send().await));
    rows.row("long key", BAD, code(key(&"k".repeat(129)).send().await));
    let first = key(API_KEY).send().await.unwrap().id.unwrap();
    rows.row("same value", CONFLICT, code(key(API_KEY).send().await));
    let add_key = |plan: &str, key: &str| {
        api.create_usage_plan_key().usage_plan_id(plan).key_id(key).key_type("API_KEY")
    };
    rows.row("no such key", MISSING, code(add_key(&gold, "x").send().await));
    rows.row("no such plan", MISSING, code(add_key("x", &first).send().await));
    rows.row("type", BAD, code(add_key(&gold, &first).key_type("OTHER").send().await));
    rows.row("key of a plan", "ok", code(add_key(&gold, &first).send().await));
    rows.row("same key", CONFLICT, code(add_key(&gold, &first).send().await));
    let silver = api.create_usage_plan().name("silver").api_stages(stage(&id, "v1")).send().await;
    let silver = silver.unwrap().id.unwrap();
    rows.row("key of two plans with one stage", CONFLICT, code(add_key(&silver, &first).send().await));
    let take = || api.delete_usage_plan_key().usage_plan_id(&gold).key_id(&first);
    rows.row("take the key", "ok", code(take().send().await));
    rows.row("take it again", MISSING, code(take().send().await));
    let labelled = api.update_api_key().api_key(&first).patch_operations(add("/stages", "x"));
    rows.row("stages of a key", BAD, code(labelled.send().await));

    // A stage that is deleted leaves its plans.
    rows.row(
        "delete the stage",
        "ok",
        code(api.delete_stage().rest_api_id(&id).stage_name("v1").send().await),
    );
    rows.row("plan without stages", "ok", code(api.delete_usage_plan().usage_plan_id(&gold).send().await));
}

#[tokio::test(start_paused = true)]
async fn the_value_of_a_key_is_in_no_message() {
    let Gateway { api, .. } = &Gateway::in_memory();
    let create = |value: &str| api.create_api_key().value(value);
    create(API_KEY).send().await.unwrap();
    for value in [API_KEY, "shortkeyvalue"] {
        let refused = create(value).send().await.unwrap_err();
        let said = format!("{:?}", refused.into_service_error());
        assert!(!said.contains(value), "{said}");
    }
}
