//! What somebody changes by hand is found and repaired.

use apigw::{Args, Inputs, Outputs, Tier};
use aws_sdk_apigateway::types::{IntegrationType, TlsConfig};
use emulator::Emulator;
use engine::{Component, Resolved};
use testing::World;

use crate::path::served;
use crate::support::{
    deployments, gateway, integration, is_replace, patch, planned, private, resource, seconds, stage, tier,
    world, world_on,
};

async fn created() -> (World, Inputs, Outputs<Resolved>) {
    let (world, inputs) = world().await;
    let inputs = private(inputs);
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    (world, inputs, outputs)
}

async fn assert_repaired(world: &World, inputs: &Inputs, drift: &[&str]) {
    world.assert_repaired(&tier(Args::default()), inputs, drift).await;
}

/// A deployment shows everything that the API has: before one that would show what somebody has added, the plan stops.
#[tokio::test(start_paused = true)]
async fn what_somebody_added_to_the_api_is_not_published_by_a_deployment_of_ours() {
    let (world, inputs, outputs) = created().await;
    let api = outputs.api_id.as_str();
    let root = gateway(&world).get_resources().rest_api_id(api).send().await.unwrap().items.unwrap();
    let root = root.into_iter().find(|resource| resource.path() == Some("/")).unwrap().id.unwrap();
    let admin = gateway(&world).create_resource().rest_api_id(api).parent_id(root).path_part("admin");
    let admin = admin.send().await.unwrap().id.unwrap();
    let payments = resource(&world, &outputs, "/payments").await;
    for (resource, verb, key) in [(&admin, "GET", false), (&payments, "POST", true)] {
        let method = gateway(&world).put_method().rest_api_id(api).resource_id(resource).http_method(verb);
        method.authorization_type("NONE").api_key_required(key).send().await.unwrap();
    }
    world.assert_settled(&tier(Args::default()), &inputs).await;

    let other = tier(Args { backend_path: "/v2".to_owned(), ..Args::default() });
    let refused = other.create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(
        refused.contains(
            "apigw/deployment: it would show clients what somebody else has added to the API: GET /admin, which needs no key, \
             POST /payments"
        ),
        "{refused}"
    );
    assert_eq!(world.mutations(), [""; 0]);
    gateway(&world).delete_resource().rest_api_id(api).resource_id(admin).send().await.unwrap();
    let method = gateway(&world).delete_method().rest_api_id(api).resource_id(payments).http_method("POST");
    method.send().await.unwrap();
    world.create(&other, &inputs).await;
    world.assert_settled(&other, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn settings_of_the_api_its_validator_and_its_key() {
    let (world, inputs, outputs) = created().await;
    let api = outputs.api_id.as_str();
    let update = gateway(&world).update_rest_api().rest_api_id(api);
    let update = update.patch_operations(patch("replace", "/apiKeySource", Some("AUTHORIZER")));
    let update = update.patch_operations(patch("replace", "/name", Some("mine")));
    let update = update.patch_operations(patch("replace", "/endpointAccessMode", Some("BASIC")));
    update.patch_operations(patch("replace", "/description", Some(""))).send().await.unwrap();
    let validators = gateway(&world).get_request_validators().rest_api_id(api).send().await.unwrap();
    let update = gateway(&world).update_request_validator().rest_api_id(api);
    let update = update.request_validator_id(validators.items()[0].id().unwrap());
    let update = update.patch_operations(patch("replace", "/validateRequestParameters", Some("false")));
    update.send().await.unwrap();
    let update = gateway(&world).update_api_key().api_key(outputs.api_key_id.as_str());
    let update = update.patch_operations(patch("replace", "/enabled", Some("false")));
    update.patch_operations(patch("replace", "/description", Some("x"))).send().await.unwrap();
    let drift = [
        "apigw/api-key: Description",
        "apigw/api-key: Enabled",
        "apigw/request-validator: ValidateRequestParameters",
        "apigw/rest-api: ApiKeySourceType",
        "apigw/rest-api: Description",
        "apigw/rest-api: EndpointAccessMode",
        "apigw/rest-api: Name",
    ];
    assert_repaired(&world, &inputs, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn a_resource_policy_that_somebody_puts_on_the_api() {
    let (world, inputs, outputs) = created().await;
    let api = outputs.api_id.as_str();
    for effect in ["Allow", "Deny"] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}}]}}"#
        );
        let update = gateway(&world).update_rest_api().rest_api_id(api);
        update.patch_operations(patch("replace", "/policy", Some(&policy))).send().await.unwrap();
        assert_repaired(&world, &inputs, &["apigw/rest-api: Policy"]).await;
        let live = gateway(&world).get_rest_api().rest_api_id(api).send().await.unwrap();
        assert_eq!(live.policy(), None);
    }
}

/// It is taken off before a deployment of ours could publish it.
#[tokio::test(start_paused = true)]
async fn a_resource_policy_is_not_published_by_a_deployment_of_ours() {
    let (world, inputs, outputs) = created().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}]}"#;
    let update = gateway(&world).update_rest_api().rest_api_id(outputs.api_id.as_str());
    update.patch_operations(patch("replace", "/policy", Some(policy))).send().await.unwrap();
    world.mutations();
    let other = tier(Args { backend_path: "/v2".to_owned(), ..Args::default() });
    world.create(&other, &inputs).await;
    let calls = world.mutations();
    let at = |operation: &str| calls.iter().position(|call| call == operation);
    assert!(at("UpdateRestApi").unwrap() < at("CreateDeployment").unwrap(), "{calls:?}");
    world.assert_settled(&other, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_method_is_put_right_and_deployed_as_it_should_be() {
    let (world, inputs, outputs) = created().await;
    let served = deployments(&world, &outputs).await;
    let (api, payments) = (outputs.api_id.as_str(), resource(&world, &outputs, "/payments").await);
    let update = gateway(&world).update_method().rest_api_id(api).resource_id(&payments).http_method("ANY");
    let update = update.patch_operations(patch("replace", "/apiKeyRequired", Some("false")));
    let update = update.patch_operations(patch("replace", "/authorizationType", Some("AWS_IAM")));
    let update = update.patch_operations(patch("replace", "/requestValidatorId", Some("")));
    let update =
        update.patch_operations(patch("add", "/requestParameters/method.request.header.x", Some("true")));
    update.send().await.unwrap();
    let proxy = resource(&world, &outputs, "/{proxy+}").await;
    let put = gateway(&world).put_integration().rest_api_id(api).resource_id(&proxy).http_method("ANY");
    let put =
        put.r#type(IntegrationType::HttpProxy).integration_http_method("ANY").uri("https://evil.example/");
    let tls = TlsConfig::builder().insecure_skip_verification(true).build();
    put.tls_config(tls).send().await.unwrap();
    let health = resource(&world, &outputs, "/health").await;
    let delete =
        gateway(&world).delete_integration().rest_api_id(api).resource_id(&health).http_method("GET");
    delete.send().await.unwrap();
    assert_eq!(planned(&world, &tier(Args::default()), &inputs, is_replace).await, ["apigw/deployment"]);
    let drift = [
        "apigw/health-method: Integration",
        "apigw/payments-method: ApiKeyRequired",
        "apigw/payments-method: AuthorizationType",
        "apigw/payments-method: RequestParameters",
        "apigw/payments-method: RequestValidatorId",
        "apigw/proxy-method: Integration",
    ];
    assert_repaired(&world, &inputs, &drift).await;
    let now = deployments(&world, &outputs).await;
    assert_eq!(now.len(), 1);
    assert_ne!(now, served);
    assert_eq!(stage(&world, &outputs).await.deployment_id(), Some(now[0].as_str()));
    let live = integration(&world, &outputs, "/{proxy+}", "ANY").await;
    assert!(live.tls_config().is_none_or(|config| !config.insecure_skip_verification));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_somebody_elses_is_not_served_for_long() {
    let (world, inputs, outputs) = created().await;
    let served = deployments(&world, &outputs).await;
    // Opened for everybody, and deployed.
    let (api, payments) = (outputs.api_id.as_str(), resource(&world, &outputs, "/payments").await);
    let update = gateway(&world).update_method().rest_api_id(api).resource_id(payments).http_method("ANY");
    update.patch_operations(patch("replace", "/apiKeyRequired", Some("false"))).send().await.unwrap();
    gateway(&world).create_deployment().rest_api_id(api).stage_name("dev").send().await.unwrap();
    let drift = ["apigw/payments-method: ApiKeyRequired", "apigw/stage: DeploymentId"];
    assert_repaired(&world, &inputs, &drift).await;
    let now = stage(&world, &outputs).await.deployment_id.unwrap();
    assert!(!served.contains(&now));
    // Nobody knows what somebody else's deployment is for, so it stays; it is served by no stage.
    assert_eq!(deployments(&world, &outputs).await.len(), 2);
    assert!(deployments(&world, &outputs).await.contains(&now));
}

#[tokio::test(start_paused = true)]
async fn a_method_that_somebody_deleted_is_made_and_deployed_again() {
    let (world, inputs, outputs) = created().await;
    let served = deployments(&world, &outputs).await;
    let (api, payments) = (outputs.api_id.as_str(), resource(&world, &outputs, "/payments").await);
    gateway(&world).delete_resource().rest_api_id(api).resource_id(payments).send().await.unwrap();
    let drift = ["apigw/payments-method: gone", "apigw/payments-resource: gone"];
    assert_repaired(&world, &inputs, &drift).await;
    let now = deployments(&world, &outputs).await;
    assert_eq!(now.len(), 1);
    assert_ne!(now, served);
    assert_eq!(stage(&world, &outputs).await.deployment_id(), Some(now[0].as_str()));
}

#[tokio::test(start_paused = true)]
async fn settings_of_the_stage_also_those_of_single_methods() {
    let (world, inputs, outputs) = created().await;
    let update = gateway(&world).update_stage().rest_api_id(outputs.api_id.as_str()).stage_name("dev");
    let update = update.patch_operations(patch("replace", "/tracingEnabled", Some("false")));
    let update = update.patch_operations(patch("replace", "/*/*/logging/dataTrace", Some("true")));
    let update =
        update.patch_operations(patch("replace", "/~1payments/GET/throttling/rateLimit", Some("5000")));
    let update = update.patch_operations(patch("replace", "/description", Some("x")));
    update.patch_operations(patch("remove", "/accessLogSettings", None)).send().await.unwrap();
    let group = format!("API-Gateway-Execution-Logs_{}/dev", outputs.api_id);
    world.cx.logs().delete_retention_policy().log_group_name(group).send().await.unwrap();
    let drift = [
        "apigw/execution-log-group: RetentionInDays",
        "apigw/stage: AccessLogSetting",
        "apigw/stage: Description",
        "apigw/stage: MethodSettings",
        "apigw/stage: TracingEnabled",
    ];
    assert_repaired(&world, &inputs, &drift).await;
    let live = stage(&world, &outputs).await;
    assert_eq!(live.method_settings().unwrap().keys().collect::<Vec<_>>(), ["*/*"]);
}

#[tokio::test(start_paused = true)]
async fn a_canary_is_seen_and_taken_away_and_does_not_hold_what_it_serves() {
    let (world, inputs, outputs) = created().await;
    let update = gateway(&world).update_stage().rest_api_id(outputs.api_id.as_str()).stage_name("dev");
    let canary = patch("replace", "/canarySettings/percentTraffic", Some("10"));
    update.patch_operations(canary).send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, ["apigw/stage: CanarySetting"]);
    // Whatever else is deployed at the same time, which would leave the deployment that the canary serves.
    let changed = tier(Args { timeout_ms: 5000, ..Args::default() });
    world.create(&changed, &inputs).await;
    world.assert_settled(&changed, &inputs).await;
    assert_eq!(stage(&world, &outputs).await.canary_settings(), None);
    assert_eq!(deployments(&world, &outputs).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_security_policy_that_somebody_weakened_becomes_the_legacy_one_that_is_declared() {
    let emulator = Emulator::builder().latency(1.0).throttling(true).in_memory();
    let (world, inputs) = world_on(emulator).await;
    let legacy = tier(Args { security_policy: "TLS_1_2".to_owned(), ..Args::default() });
    let outputs = world.create(&legacy, &inputs).await;
    let update = gateway(&world).update_rest_api().rest_api_id(outputs.api_id.as_str());
    update.patch_operations(patch("replace", "/securityPolicy", Some("TLS_1_0"))).send().await.unwrap();
    gateway(&world)
        .create_deployment()
        .rest_api_id(outputs.api_id.as_str())
        .stage_name("dev")
        .send()
        .await
        .unwrap();
    seconds(1800).await;
    // There is no way but over a stronger policy, and each takes a quarter of an hour.
    let error = legacy.create(&world.engine, &inputs).await.unwrap_err().to_string();
    assert!(error.contains("run `stack up` again"), "{error}");
    seconds(1800).await;
    world.create(&legacy, &inputs).await;
    world.assert_settled(&legacy, &inputs).await;
    assert_eq!(served(&world, &outputs).await.security_policy(), "TLS_1_2");
}

#[tokio::test(start_paused = true)]
async fn limits_of_the_plan_its_stage_and_its_key() {
    let (world, inputs, outputs) = created().await;
    let plan = outputs.usage_plan_id.as_str();
    let stage = format!("{}:dev", outputs.api_id);
    let update = gateway(&world).update_usage_plan().usage_plan_id(plan);
    let update = update.patch_operations(patch("remove", "/quota", None));
    let update = update.patch_operations(patch("remove", "/throttle", None));
    let update = update.patch_operations(patch("replace", "/name", Some("mine")));
    let update = update.patch_operations(patch("replace", "/description", Some("x")));
    update.patch_operations(patch("remove", "/apiStages", Some(&stage))).send().await.unwrap();
    let remove = gateway(&world).delete_usage_plan_key().usage_plan_id(plan);
    remove.key_id(outputs.api_key_id.as_str()).send().await.unwrap();
    let drift = [
        "apigw/usage-plan-key: gone",
        "apigw/usage-plan: ApiStages",
        "apigw/usage-plan: Description",
        "apigw/usage-plan: Quota",
        "apigw/usage-plan: Throttle",
        "apigw/usage-plan: UsagePlanName",
    ];
    assert_repaired(&world, &inputs, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn the_name_of_the_link_and_tags() {
    let (world, inputs, outputs) = created().await;
    let links = world.cx.client(aws_sdk_apigatewayv2::Client::new);
    let link = outputs.vpc_link_id.as_ref().unwrap();
    links.update_vpc_link().vpc_link_id(link.as_str()).name("mine").send().await.unwrap();
    let arn = format!("arn:aws:apigateway:ap-southeast-1::/vpclinks/{link}");
    links.tag_resource().resource_arn(arn).tags("Extra", "1").send().await.unwrap();
    for path in [
        format!("/restapis/{}", outputs.api_id),
        format!("/restapis/{}/stages/dev", outputs.api_id),
        format!("/usageplans/{}", outputs.usage_plan_id),
        format!("/apikeys/{}", outputs.api_key_id),
    ] {
        let arn = format!("arn:aws:apigateway:ap-southeast-1::{path}");
        gateway(&world).untag_resource().resource_arn(&arn).tag_keys("Name").send().await.unwrap();
        gateway(&world).tag_resource().resource_arn(&arn).tags("Extra", "1").send().await.unwrap();
    }
    let drift = [
        "apigw/api-key: Tags",
        "apigw/rest-api: Tags",
        "apigw/stage: Tags",
        "apigw/usage-plan: Tags",
        "apigw/vpc-link: Name",
        "apigw/vpc-link: Tags",
    ];
    assert_repaired(&world, &inputs, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn an_api_that_somebody_deleted_is_made_again() {
    let (world, inputs, outputs) = created().await;
    gateway(&world).delete_rest_api().rest_api_id(outputs.api_id.as_str()).send().await.unwrap();
    let tier = tier(Args::default());
    let after = world.create(&tier, &inputs).await;
    assert_ne!(after.api_id, outputs.api_id);
    // Who has the key can go on using it.
    assert_eq!(after.api_key_id, outputs.api_key_id);
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}
