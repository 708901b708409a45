//! API Gateway.

mod life_cycle;
mod round_trip;
mod rules;
mod served;
mod stages;

use aws_sdk_apigateway::types::{
    ConnectionType, EndpointConfiguration, EndpointType, IntegrationType, Op, PatchOperation,
};
use emulator::Emulator;

use crate::support::{Cloud, REGION, config};

const API_KEY: &str = "0123456789abcdefghij";

/// An account with clients of both generations.
pub(crate) struct Gateway {
    pub(crate) cloud: Cloud,
    pub(crate) api: aws_sdk_apigateway::Client,
    v2: aws_sdk_apigatewayv2::Client,
}

impl Gateway {
    pub(crate) fn in_memory() -> Self {
        Gateway::of(Emulator::in_memory())
    }

    pub(crate) fn of(emulator: Emulator) -> Self {
        let config = config(&emulator, REGION);
        Gateway {
            api: aws_sdk_apigateway::Client::new(&config),
            v2: aws_sdk_apigatewayv2::Client::new(&config),
            cloud: Cloud::of(emulator),
        }
    }

    /// A regional API: its id and the id of its root.
    pub(crate) async fn rest_api(&self) -> (String, String) {
        let regional = EndpointConfiguration::builder().types(EndpointType::Regional).build();
        let call = self.api.create_rest_api().name("payments").endpoint_configuration(regional);
        let made = call.send().await.unwrap();
        (made.id.unwrap(), made.root_resource_id.unwrap())
    }

    pub(crate) async fn resource(&self, api: &str, parent: &str, part: &str) -> String {
        let call = self.api.create_resource().rest_api_id(api).parent_id(parent).path_part(part);
        call.send().await.unwrap().id.unwrap()
    }

    pub(crate) async fn method(&self, api: &str, resource: &str, verb: &str) {
        let call = self.api.put_method().rest_api_id(api).resource_id(resource).http_method(verb);
        call.authorization_type("NONE").send().await.unwrap();
    }

    pub(crate) async fn mock(&self, api: &str, resource: &str, verb: &str) {
        let call = self.api.put_integration().rest_api_id(api).resource_id(resource).http_method(verb);
        call.r#type(IntegrationType::Mock).send().await.unwrap();
    }

    /// A private integration, still without its link.
    fn private(
        &self,
        api: &str,
        resource: &str,
        verb: &str,
        load_balancer: &str,
    ) -> aws_sdk_apigateway::operation::put_integration::builders::PutIntegrationFluentBuilder {
        let call = self.api.put_integration().rest_api_id(api).resource_id(resource).http_method(verb);
        call.r#type(IntegrationType::HttpProxy)
            .integration_http_method("ANY")
            .uri("https://payments.example.com/{proxy}")
            .connection_type(ConnectionType::VpcLink)
            .integration_target(load_balancer)
    }

    async fn deployment(&self, api: &str) -> String {
        self.api.create_deployment().rest_api_id(api).send().await.unwrap().id.unwrap()
    }

    pub(crate) async fn stage(&self, api: &str, name: &str, deployment: &str) {
        let call = self.api.create_stage().rest_api_id(api).stage_name(name);
        call.deployment_id(deployment).send().await.unwrap();
    }

    /// An API with one mock method and a stage `v1`: the ids of the API and of the deployment.
    pub(crate) async fn staged(&self) -> (String, String) {
        let (api, root) = self.rest_api().await;
        self.method(&api, &root, "GET").await;
        self.mock(&api, &root, "GET").await;
        let deployment = self.deployment(&api).await;
        self.stage(&api, "v1", &deployment).await;
        (api, deployment)
    }

    async fn link(&self, subnet: &str, group: &str) -> String {
        let call = self.v2.create_vpc_link().name("payments").subnet_ids(subnet);
        let made = call.security_group_ids(group).send().await.unwrap();
        made.vpc_link_id.unwrap()
    }

    async fn link_status(&self, id: &str) -> String {
        match self.v2.get_vpc_link().vpc_link_id(id).send().await {
            Ok(link) => link.vpc_link_status.unwrap().as_str().to_owned(),
            Err(error) => crate::support::code::<(), _, _>(Err(error)),
        }
    }

    /// Gives the account the role by which API Gateway writes logs.
    pub(crate) async fn logging_role(&self) -> String {
        let arn = self.cloud.role_for("apigateway-logs", "apigateway.amazonaws.com").await;
        let call = self.api.update_account().patch_operations(replace("/cloudwatchRoleArn", &arn));
        call.send().await.unwrap();
        arn
    }
}

pub(crate) fn patch(op: Op, path: &str, value: Option<&str>) -> PatchOperation {
    PatchOperation::builder().op(op).path(path).set_value(value.map(str::to_owned)).build()
}

pub(crate) fn replace(path: &str, value: &str) -> PatchOperation {
    patch(Op::Replace, path, Some(value))
}

pub(crate) fn add(path: &str, value: &str) -> PatchOperation {
    patch(Op::Add, path, Some(value))
}

pub(crate) fn remove(path: &str) -> PatchOperation {
    patch(Op::Remove, path, None)
}
