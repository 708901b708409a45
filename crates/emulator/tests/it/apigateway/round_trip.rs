//! What is sent comes back.

use aws_sdk_apigateway::types::{
    ApiKeySourceType, ApiStage, EndpointAccessMode, EndpointConfiguration, EndpointType, GatewayResponseType,
    IntegrationType, QuotaPeriodType, QuotaSettings, SecurityPolicy, ThrottleSettings,
};
use emulator::Emulator;

use super::{API_KEY, Gateway, add, patch, remove, replace};
use crate::front::Front;
use crate::support::{REGION, code};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}"#;

fn lower_alphanumeric(id: &str, length: usize) -> bool {
    id.len() == length && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
}

#[tokio::test(start_paused = true)]
async fn a_rest_api_comes_back_with_its_root() {
    let gateway = Gateway::in_memory();
    let regional = EndpointConfiguration::builder().types(EndpointType::Regional).build();
    let call = gateway.api.create_rest_api().name("payments").description("Payments").version("7");
    let call = call.endpoint_configuration(regional).api_key_source(ApiKeySourceType::Header);
    let call = call.binary_media_types("image/png").minimum_compression_size(1024).policy(POLICY);
    let call = call.security_policy(SecurityPolicy::SecurityPolicyTls1312Pq202509);
    let call = call.endpoint_access_mode(EndpointAccessMode::Strict).disable_execute_api_endpoint(true);
    let made = call.tags("Name", "payments").send().await.unwrap();
    let id = made.id().unwrap();
    assert!(lower_alphanumeric(id, 10), "{id}");

    let api = gateway.api.get_rest_api().rest_api_id(id).send().await.unwrap();
    assert_eq!(
        (api.name(), api.description(), api.version()),
        (Some("payments"), Some("Payments"), Some("7"))
    );
    let endpoint = api.endpoint_configuration().unwrap();
    assert_eq!(endpoint.types(), [EndpointType::Regional]);
    assert_eq!(api.api_key_source(), Some(&ApiKeySourceType::Header));
    assert_eq!(
        (api.binary_media_types(), api.minimum_compression_size()),
        (&["image/png".to_owned()][..], Some(1024))
    );
    assert_eq!(api.policy(), Some(POLICY));
    assert_eq!(api.security_policy(), Some(&SecurityPolicy::SecurityPolicyTls1312Pq202509));
    assert_eq!(api.endpoint_access_mode(), Some(&EndpointAccessMode::Strict));
    assert!(api.disable_execute_api_endpoint());
    assert_eq!(api.created_date().unwrap().secs(), 1_767_225_600);
    assert_eq!(api.tags().unwrap()["Name"], "payments");

    let all = gateway.api.get_resources().rest_api_id(id).send().await.unwrap();
    let [root] = all.items() else { panic!("{all:?}") };
    assert_eq!((root.id(), root.path(), root.parent_id()), (api.root_resource_id(), Some("/"), None));
}

#[tokio::test(start_paused = true)]
async fn a_rest_api_is_patched() {
    let gateway = Gateway::in_memory();
    let (id, _) = gateway.rest_api().await;
    let call = gateway.api.update_rest_api().rest_api_id(&id);
    let call = call.patch_operations(replace("/name", "new")).patch_operations(replace("/description", "d"));
    let call = call.patch_operations(add("/binaryMediaTypes/image~1png", ""));
    let call = call.patch_operations(replace("/minimumCompressionSize", "0"));
    let call = call.patch_operations(replace("/disableExecuteApiEndpoint", "true"));
    let call = call.patch_operations(replace("/securityPolicy", "SecurityPolicy_TLS13_1_3_2025_09"));
    let call = call.patch_operations(replace("/endpointAccessMode", "STRICT"));
    let api = call.send().await.unwrap();
    assert_eq!((api.name(), api.description()), (Some("new"), Some("d")));
    assert_eq!(
        (api.binary_media_types(), api.minimum_compression_size()),
        (&["image/png".to_owned()][..], Some(0))
    );
    assert!(api.disable_execute_api_endpoint());
    assert_eq!(api.security_policy(), Some(&SecurityPolicy::SecurityPolicyTls1313202509));

    let call = gateway.api.update_rest_api().rest_api_id(&id);
    let call = call.patch_operations(replace("/endpointConfiguration/types/REGIONAL", "PRIVATE"));
    let call = call.patch_operations(replace("/endpointConfiguration/ipAddressType", "dualstack"));
    let call = call.patch_operations(add("/endpointConfiguration/vpcEndpointIds", "vpce-1"));
    let call = call.patch_operations(remove("/binaryMediaTypes/image~1png"));
    let api = call.patch_operations(patch(super::Op::Replace, "/minimumCompressionSize", None)).send().await;
    let api = api.unwrap();
    assert_eq!(api.endpoint_configuration().unwrap().vpc_endpoint_ids(), ["vpce-1"]);
    assert_eq!((api.binary_media_types().len(), api.minimum_compression_size()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_proxy_comes_back_with_its_integration_through_a_vpc_link() {
    let front = Front::in_memory().await;
    let balancer = front.made_load_balancer("payments").await;
    let gateway = Gateway::of(front.cloud.emulator.clone());
    let link = gateway.link(&front.subnets[2], &front.group).await;
    let (api, root) = gateway.rest_api().await;
    let proxy = gateway.resource(&api, &root, "{proxy+}").await;
    assert!(lower_alphanumeric(&proxy, 6), "{proxy}");
    let call = gateway.api.create_request_validator().rest_api_id(&api).name("all");
    let validator = call.validate_request_body(true).validate_request_parameters(true).send().await.unwrap();
    let call = gateway.api.put_method().rest_api_id(&api).resource_id(&proxy).http_method("ANY");
    let call = call.authorization_type("NONE").api_key_required(true).operation_name("proxy");
    let call = call.request_parameters("method.request.path.proxy", true);
    let call = call.request_validator_id(validator.id().unwrap()).request_models("application/json", "Empty");
    call.send().await.unwrap();
    let call = gateway.private(&api, &proxy, "ANY", &balancer).connection_id(&link).timeout_in_millis(5000);
    let call = call.request_parameters("integration.request.path.proxy", "method.request.path.proxy");
    let call = call.request_parameters("integration.request.header.X-Stage", "context.stage");
    let call = call.passthrough_behavior("NEVER").cache_key_parameters("method.request.path.proxy");
    call.send().await.unwrap();

    let call = gateway.api.get_method().rest_api_id(&api).resource_id(&proxy).http_method("ANY");
    let method = call.send().await.unwrap();
    assert_eq!((method.authorization_type(), method.api_key_required()), (Some("NONE"), Some(true)));
    assert_eq!((method.operation_name(), method.request_validator_id()), (Some("proxy"), validator.id()));
    assert!(method.request_parameters().unwrap()["method.request.path.proxy"]);
    assert_eq!(method.request_models().unwrap()["application/json"], "Empty");
    let integration = method.method_integration().unwrap();
    assert_eq!(integration.r#type(), Some(&IntegrationType::HttpProxy));
    assert_eq!((integration.connection_id(), integration.timeout_in_millis()), (Some(link.as_str()), 5000));
    assert_eq!(integration.integration_target(), Some(balancer.as_str()));
    assert_eq!(integration.uri(), Some("https://payments.example.com/{proxy}"));
    assert_eq!((integration.http_method(), integration.passthrough_behavior()), (Some("ANY"), Some("NEVER")));
    assert_eq!(integration.cache_namespace(), Some(proxy.as_str()));
    assert_eq!(integration.request_parameters().unwrap().len(), 2);

    let call = gateway.api.update_integration().rest_api_id(&api).resource_id(&proxy).http_method("ANY");
    let call = call.patch_operations(replace("/timeoutInMillis", "6000"));
    let call = call.patch_operations(remove("/requestParameters/integration.request.header.X-Stage"));
    let changed = call.send().await.unwrap();
    assert_eq!((changed.timeout_in_millis(), changed.request_parameters().unwrap().len()), (6000, 1));

    let found = gateway.api.get_resource().rest_api_id(&api).resource_id(&proxy).send().await.unwrap();
    assert_eq!((found.path(), found.path_part()), (Some("/{proxy+}"), Some("{proxy+}")));
    assert!(found.resource_methods().unwrap()["ANY"].http_method().is_none());
    let call = gateway.api.get_resource().rest_api_id(&api).resource_id(&proxy).embed("methods");
    let found = call.send().await.unwrap();
    assert_eq!(found.resource_methods().unwrap()["ANY"].http_method(), Some("ANY"));
}

#[tokio::test(start_paused = true)]
async fn responses_of_methods_integrations_and_the_gateway_come_back() {
    let gateway = Gateway::in_memory();
    let (api, root) = gateway.rest_api().await;
    gateway.method(&api, &root, "GET").await;
    gateway.mock(&api, &root, "GET").await;
    let call = gateway.api.put_method_response().rest_api_id(&api).resource_id(&root).http_method("GET");
    let call = call.status_code("200").response_parameters("method.response.header.X-Kind", true);
    call.response_models("application/json", "Empty").send().await.unwrap();
    let call = gateway.api.put_integration_response().rest_api_id(&api).resource_id(&root).http_method("GET");
    let call = call.status_code("200").selection_pattern("2\\d{2}");
    let call = call.response_parameters("method.response.header.X-Kind", "'mock'");
    call.response_templates("application/json", "{}").send().await.unwrap();

    let call = gateway.api.get_method_response().rest_api_id(&api).resource_id(&root).http_method("GET");
    let response = call.status_code("200").send().await.unwrap();
    assert!(response.response_parameters().unwrap()["method.response.header.X-Kind"]);
    let call = gateway.api.get_integration_response().rest_api_id(&api).resource_id(&root).http_method("GET");
    let response = call.status_code("200").send().await.unwrap();
    assert_eq!(response.selection_pattern(), Some("2\\d{2}"));
    assert_eq!(response.response_templates().unwrap()["application/json"], "{}");
    let call = gateway.api.delete_integration_response().rest_api_id(&api).resource_id(&root);
    call.http_method("GET").status_code("200").send().await.unwrap();
    let call = gateway.api.delete_method_response().rest_api_id(&api).resource_id(&root);
    call.http_method("GET").status_code("200").send().await.unwrap();

    let kind = GatewayResponseType::Throttled;
    let get = || gateway.api.get_gateway_response().rest_api_id(&api).response_type(kind.clone());
    let before = get().send().await.unwrap();
    assert!(before.default_response());
    assert_eq!(before.status_code(), Some("429"));
    let call = gateway.api.put_gateway_response().rest_api_id(&api).response_type(kind.clone());
    let call = call.response_parameters("gatewayresponse.header.Retry-After", "'1'");
    call.status_code("503").send().await.unwrap();
    let changed = get().send().await.unwrap();
    assert_eq!((changed.default_response(), changed.status_code()), (false, Some("503")));
    let call = gateway.api.delete_gateway_response().rest_api_id(&api).response_type(kind.clone());
    call.send().await.unwrap();
    assert!(get().send().await.unwrap().default_response());
}

#[tokio::test(start_paused = true)]
async fn a_usage_plan_and_its_key_come_back() {
    let gateway = Gateway::in_memory();
    let (api, _) = gateway.staged().await;
    let stage = ApiStage::builder().api_id(&api).stage("v1");
    let limit = ThrottleSettings::builder().rate_limit(5.0).burst_limit(10).build();
    let stage = stage.throttle("/payments/POST", limit).build();
    let call = gateway.api.create_usage_plan().name("gold").description("Gold").api_stages(stage);
    let call = call.throttle(ThrottleSettings::builder().rate_limit(100.0).burst_limit(200).build());
    let quota = QuotaSettings::builder().limit(1_000_000).period(QuotaPeriodType::Month).build();
    let made = call.quota(quota).tags("Name", "gold").send().await.unwrap();
    let id = made.id().unwrap();
    assert!(lower_alphanumeric(id, 6), "{id}");
    let plan = gateway.api.get_usage_plan().usage_plan_id(id).send().await.unwrap();
    assert_eq!((plan.name(), plan.description()), (Some("gold"), Some("Gold")));
    assert_eq!(plan.api_stages()[0].api_id(), Some(api.as_str()));
    assert_eq!(plan.api_stages()[0].throttle().unwrap()["/payments/POST"].burst_limit(), 10);
    let throttle = plan.throttle().unwrap();
    assert_eq!((throttle.rate_limit(), throttle.burst_limit()), (100.0, 200));
    let quota = plan.quota().unwrap();
    assert_eq!((quota.limit(), quota.period()), (1_000_000, Some(&QuotaPeriodType::Month)));
    assert_eq!(plan.tags().unwrap()["Name"], "gold");

    let call = gateway.api.create_api_key().name("client").description("c").enabled(true).value(API_KEY);
    let key = call.tags("Name", "client").send().await.unwrap();
    let key_id = key.id().unwrap();
    assert!(lower_alphanumeric(key_id, 10), "{key_id}");
    assert_eq!(key.value(), Some(API_KEY));
    let get = || gateway.api.get_api_key().api_key(key_id);
    assert_eq!(get().send().await.unwrap().value(), None);
    let shown = get().include_value(true).send().await.unwrap();
    assert_eq!((shown.value(), shown.enabled(), shown.name()), (Some(API_KEY), true, Some("client")));
    assert_eq!(shown.tags().unwrap()["Name"], "client");

    let call = gateway.api.create_usage_plan_key().usage_plan_id(id).key_id(key_id).key_type("API_KEY");
    assert_eq!(call.send().await.unwrap().r#type(), Some("API_KEY"));
    let keys = gateway.api.get_usage_plan_keys().usage_plan_id(id).send().await.unwrap();
    assert_eq!(keys.items()[0].id(), Some(key_id));
    let plans = gateway.api.get_usage_plans().key_id(key_id).send().await.unwrap();
    assert_eq!(plans.items()[0].id(), Some(id));

    gateway.api.delete_api_key().api_key(key_id).send().await.unwrap();
    let keys = gateway.api.get_usage_plan_keys().usage_plan_id(id).send().await.unwrap();
    assert_eq!(keys.items().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_usage_plan_is_patched() {
    let gateway = Gateway::in_memory();
    let (api, _) = gateway.staged().await;
    let stage = format!("{api}:v1");
    let id = gateway.api.create_usage_plan().name("gold").send().await.unwrap().id.unwrap();
    let call = gateway.api.update_usage_plan().usage_plan_id(&id);
    let call = call.patch_operations(add("/apiStages", &stage));
    let call = call
        .patch_operations(replace("/throttle/rateLimit", "7"))
        .patch_operations(replace("/quota/limit", "9"));
    let call = call.patch_operations(replace("/quota/period", "DAY"));
    let path = format!("/apiStages/{stage}/throttle/~1payments/POST/rateLimit");
    let plan = call.patch_operations(replace(&path, "3")).send().await.unwrap();
    assert_eq!(plan.api_stages()[0].throttle().unwrap()["/payments/POST"].rate_limit(), 3.0);
    assert_eq!((plan.throttle().unwrap().rate_limit(), plan.quota().unwrap().limit()), (7.0, 9));
    let call = gateway.api.update_usage_plan().usage_plan_id(&id);
    let call = call.patch_operations(patch(super::Op::Remove, "/apiStages", Some(&stage)));
    let plan =
        call.patch_operations(remove("/throttle")).patch_operations(remove("/quota")).send().await.unwrap();
    assert_eq!((plan.api_stages().len(), plan.throttle(), plan.quota()), (0, None, None));
    gateway.api.delete_usage_plan().usage_plan_id(&id).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tags_are_reached_by_arn() {
    let gateway = Gateway::in_memory();
    let (api, _) = gateway.staged().await;
    let key = gateway.api.create_api_key().name("client").send().await.unwrap().id.unwrap();
    let plan = gateway.api.create_usage_plan().name("gold").send().await.unwrap().id.unwrap();
    let paths = [
        format!("/restapis/{api}"),
        format!("/restapis/{api}/stages/v1"),
        format!("/apikeys/{key}"),
        format!("/usageplans/{plan}"),
    ];
    for path in paths {
        let arn = format!("arn:aws:apigateway:{REGION}::{path}");
        let call = gateway.api.tag_resource().resource_arn(&arn).tags("a", "1").tags("b", "2");
        call.send().await.unwrap();
        gateway.api.untag_resource().resource_arn(&arn).tag_keys("a").send().await.unwrap();
        let tags = gateway.api.get_tags().resource_arn(&arn).send().await.unwrap().tags.unwrap();
        assert_eq!(tags, [("b".to_owned(), "2".to_owned())].into(), "{arn}");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_come_a_page_at_a_time() {
    let gateway = Gateway::in_memory();
    let (api, root) = gateway.rest_api().await;
    for n in 0..30 {
        gateway.resource(&api, &root, &format!("r{n}")).await;
    }
    let first = gateway.api.get_resources().rest_api_id(&api).send().await.unwrap();
    assert_eq!(first.items().len(), 25);
    let call = gateway.api.get_resources().rest_api_id(&api).position(first.position().unwrap());
    let second = call.send().await.unwrap();
    assert_eq!((second.items().len(), second.position()), (6, None));
    let all = gateway.api.get_resources().rest_api_id(&api).limit(500).send().await.unwrap();
    assert_eq!(all.items().len(), 31);
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_there_after_a_restart_and_can_be_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let (api, key, plan, link, vpc) = {
        let gateway = Gateway::of(Emulator::open(directory.path()).unwrap());
        let vpc = gateway.cloud.vpc().await;
        let subnet = gateway.cloud.subnet(&vpc, "10.0.1.0/24").await;
        let group = gateway.cloud.group(&vpc, "link").await;
        let link = gateway.link(&subnet, &group).await;
        let (api, _) = gateway.staged().await;
        let key = gateway.api.create_api_key().name("client").send().await.unwrap();
        let stage = ApiStage::builder().api_id(&api).stage("v1").build();
        let plan = gateway.api.create_usage_plan().name("gold").api_stages(stage).send().await.unwrap();
        let (key, plan) = (key.id.unwrap(), plan.id.unwrap());
        let call = gateway.api.create_usage_plan_key().usage_plan_id(&plan).key_id(&key);
        call.key_type("API_KEY").send().await.unwrap();
        (api, key, plan, link, vpc)
    };
    let gateway = Gateway::of(Emulator::open(directory.path()).unwrap());
    let stage = gateway.api.get_stage().rest_api_id(&api).stage_name("v1").send().await.unwrap();
    assert_eq!(stage.stage_name(), Some("v1"));
    let keys = gateway.api.get_usage_plan_keys().usage_plan_id(&plan).send().await.unwrap();
    assert_eq!(keys.items()[0].id(), Some(key.as_str()));
    assert_eq!(gateway.link_status(&link).await, "AVAILABLE");

    gateway.api.delete_rest_api().rest_api_id(&api).send().await.unwrap();
    gateway.api.delete_usage_plan().usage_plan_id(&plan).send().await.unwrap();
    gateway.api.delete_api_key().api_key(&key).send().await.unwrap();
    gateway.v2.delete_vpc_link().vpc_link_id(&link).send().await.unwrap();
    assert_eq!(gateway.link_status(&link).await, "NotFoundException");
    let left = gateway.cloud.left_behind().await;
    assert!(left.iter().all(|(kind, _)| kind.starts_with("AWS::EC2::")), "{left:?}");
    let gone = gateway.cloud.ec2.delete_vpc().vpc_id(&vpc).send().await;
    assert_eq!(code(gone), "DependencyViolation", "its subnet is still there");
}

#[tokio::test(start_paused = true)]
async fn a_generated_key_is_in_no_log_and_no_object() {
    let gateway = Gateway::in_memory();
    let made = gateway.api.create_api_key().name("client").send().await.unwrap();
    let value = made.value().unwrap();
    assert_eq!(value.len(), 40);
    gateway.api.get_api_key().api_key(made.id().unwrap()).include_value(true).send().await.unwrap();
    let calls = format!("{:?}", gateway.cloud.emulator.calls());
    assert!(!calls.contains(value), "{calls}");
    let objects = format!("{:?}", gateway.cloud.emulator.objects().await.unwrap());
    assert!(!objects.contains(value), "{objects}");
}

#[tokio::test(start_paused = true)]
async fn everything_made_is_listed_by_cloudformations_kinds_and_identifiers() {
    let gateway = Gateway::in_memory();
    let (api, deployment) = gateway.staged().await;
    let root = gateway.api.get_rest_api().rest_api_id(&api).send().await.unwrap().root_resource_id.unwrap();
    let child = gateway.resource(&api, &root, "payments").await;
    let key = gateway.api.create_api_key().name("client").send().await.unwrap().id.unwrap();
    let plan = gateway.api.create_usage_plan().name("gold").send().await.unwrap().id.unwrap();
    let call = gateway.api.create_usage_plan_key().usage_plan_id(&plan).key_id(&key);
    call.key_type("API_KEY").send().await.unwrap();
    let kind = |kind: &str| format!("AWS::ApiGateway::{kind}");
    let wanted = [
        (kind("ApiKey"), key.clone()),
        (kind("Deployment"), format!("{deployment}|{api}")),
        (kind("Method"), format!("{api}|{root}|GET")),
        (kind("Resource"), format!("{api}|{child}")),
        (kind("RestApi"), api.clone()),
        (kind("Stage"), format!("{api}|v1")),
        (kind("UsagePlan"), plan.clone()),
        (kind("UsagePlanKey"), format!("{key}:{plan}")),
    ];
    assert_eq!(gateway.cloud.left_behind().await, wanted, "the root resource comes with its API");
    let role = gateway.cloud.iam.get_role().role_name("AWSServiceRoleForAPIGateway").send().await;
    assert_eq!(code(role), "ok", "API Gateway made its role");
}
