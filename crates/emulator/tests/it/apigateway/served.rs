//! What a stage serves, and where requests to it go.

use aws_sdk_apigateway::operation::put_integration::builders::PutIntegrationFluentBuilder;
use aws_sdk_apigateway::types::IntegrationType;
use emulator::{ApiRequest, Routed, ServedStage};

use super::{Gateway, replace};
use crate::front::Front;
use crate::support::{REGION, code};

const ALB: &str = "http://alb.example.com";

const OVERRIDE: &str = "#set($rest = $input.params('proxy'))#set($path = \"/$rest\")\
                        #set($context.requestOverride.path = $path)$input.body";

fn get(path: &str) -> ApiRequest<'_> {
    ApiRequest { verb: "GET", path, content_type: None, body: "" }
}

/// The path that reaches the target, or the status with which API Gateway answers by itself.
fn path(stage: &ServedStage, request: &ApiRequest<'_>) -> Result<String, u16> {
    match stage.route(request) {
        Routed::Sent(sent) => Ok(sent.path),
        Routed::Answered(status) => Err(status),
        other => panic!("{other:?}"),
    }
}

struct Proxy {
    gateway: Gateway,
    api: String,
    resource: String,
    balancer: String,
    link: String,
}

impl Proxy {
    async fn new() -> Self {
        let front = Front::in_memory().await;
        let balancer = front.made_load_balancer("payments").await;
        let gateway = Gateway::of(front.cloud.emulator.clone());
        let link = gateway.link(&front.subnets[0], &front.group).await;
        let (api, root) = gateway.rest_api().await;
        let resource = gateway.resource(&api, &root, "{proxy+}").await;
        let call = gateway.api.put_method().rest_api_id(&api).resource_id(&resource).http_method("ANY");
        let call = call.authorization_type("NONE").request_parameters("method.request.path.proxy", true);
        call.send().await.unwrap();
        Proxy { gateway, api, resource, balancer, link }
    }

    fn private(&self) -> PutIntegrationFluentBuilder {
        let call = self.gateway.private(&self.api, &self.resource, "ANY", &self.balancer);
        let call = call.connection_id(&self.link).uri(format!("{ALB}/{{proxy}}"));
        call.request_parameters("integration.request.path.proxy", "method.request.path.proxy")
    }

    /// What a stage serves to which this is deployed.
    async fn served(&self, integration: PutIntegrationFluentBuilder) -> ServedStage {
        integration.send().await.unwrap();
        let deploy = self.gateway.api.create_deployment().rest_api_id(&self.api).stage_name("prod");
        deploy.send().await.unwrap();
        self.stage().await
    }

    async fn stage(&self) -> ServedStage {
        self.gateway.cloud.emulator.stage(REGION, &self.api, "prod").await.unwrap().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_private_integration_gets_the_name_of_the_stage_before_the_path_unless_it_is_overridden() {
    let proxy = Proxy::new().await;
    let plain = proxy.served(proxy.private()).await;
    assert_eq!(path(&plain, &get("/payments/1")), Ok("/prod/payments/1".to_owned()));
    let overridden = proxy.served(proxy.private().request_templates("application/json", OVERRIDE)).await;
    assert_eq!(path(&overridden, &get("/payments/1")), Ok("/payments/1".to_owned()));
    let Routed::Sent(sent) = overridden.route(&get("/payments/1")) else { panic!("it is answered") };
    assert_eq!((sent.host.as_str(), sent.verb.as_str()), (ALB, "GET"));
    assert_eq!(sent.target.as_deref(), Some(proxy.balancer.as_str()));
    // A deployment serves what was there when it was made.
    proxy.private().send().await.unwrap();
    assert_eq!(path(&proxy.stage().await, &get("/payments/1")), Ok("/payments/1".to_owned()));
    assert_eq!(path(&overridden, &get("/")), Err(403), "there is no such resource");
}

#[tokio::test(start_paused = true)]
async fn over_the_internet_the_path_is_that_of_the_uri() {
    let proxy = Proxy::new().await;
    let call = proxy.gateway.api.put_integration().rest_api_id(&proxy.api).resource_id(&proxy.resource);
    let call = call.http_method("ANY").r#type(IntegrationType::HttpProxy).integration_http_method("ANY");
    let call = call.uri(format!("{ALB}/v1/{{proxy}}"));
    let call = call.request_parameters("integration.request.path.proxy", "method.request.path.proxy");
    let served = proxy.served(call).await;
    assert_eq!(path(&served, &get("/payments/1")), Ok("/v1/payments/1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_template_is_passed_on_without_the_override_or_refused() {
    let proxy = Proxy::new().await;
    let form = ApiRequest { verb: "POST", path: "/a", content_type: Some("text/csv"), body: "1,2" };
    let json = ApiRequest { content_type: Some("Application/JSON; charset=utf-8"), body: "{}", ..form };
    let behaviours =
        [("WHEN_NO_MATCH", Ok("/prod/a".to_owned())), ("WHEN_NO_TEMPLATES", Err(415)), ("NEVER", Err(415))];
    for (behaviour, wanted) in behaviours {
        let call = proxy.private().request_templates("application/json", OVERRIDE);
        let served = proxy.served(call.passthrough_behavior(behaviour)).await;
        assert_eq!(path(&served, &form), wanted, "{behaviour}");
        assert_eq!(path(&served, &json), Ok("/a".to_owned()), "{behaviour}");
    }
    let broken = proxy.served(proxy.private().request_templates("application/json", "#foreach")).await;
    assert_eq!(path(&broken, &json), Err(500));
}

#[tokio::test(start_paused = true)]
async fn another_security_policy_is_live_with_the_next_deployment() {
    let proxy = Proxy::new().await;
    assert_eq!(proxy.served(proxy.private()).await.security_policy(), "TLS_1_0");
    let update = |policy: &str| {
        let call = proxy.gateway.api.update_rest_api().rest_api_id(&proxy.api);
        call.patch_operations(replace("/securityPolicy", policy))
    };
    let refused = update("TLS_1_2").send().await;
    assert_eq!(code(refused), "BadRequestException", "there is no way from TLS_1_0 to TLS_1_2");
    let enhanced = update("SecurityPolicy_TLS13_1_3_2025_09");
    enhanced.patch_operations(replace("/endpointAccessMode", "BASIC")).send().await.unwrap();
    assert_eq!(proxy.stage().await.security_policy(), "TLS_1_0");
    let served = proxy.served(proxy.private()).await;
    assert_eq!(served.security_policy(), "SecurityPolicy_TLS13_1_3_2025_09");
    assert_eq!(served.endpoint_access_mode(), Some("BASIC"));
    update("TLS_1_2").patch_operations(replace("/endpointAccessMode", "")).send().await.unwrap();
}
