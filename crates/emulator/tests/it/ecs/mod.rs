//! ECS: clusters, task definitions, services and what becomes of them.

mod cluster;
mod deployments;
mod failing;
mod life_cycle;
mod load_balancing;
mod reach;
mod service;
mod task_definition;
mod traffic;

use std::time::Duration;

use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder;
use aws_sdk_ecs::types::builders::ContainerDefinitionBuilder;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, Compatibility, ContainerDefinition, LaunchType,
    NetworkConfiguration, NetworkMode, PortMapping, Service, ServiceDeployment, Tag,
};
use emulator::Emulator;

use crate::support::{Cloud, REGION, config};

pub(crate) const ACCOUNT: &str = "123456789012";

/// A VPC with two public subnets and a group, a cluster, and roles that tasks and ECS itself can assume.
pub(crate) struct Shop {
    pub(crate) cloud: Cloud,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) ecr: aws_sdk_ecr::Client,
    pub(crate) subnets: Vec<String>,
    pub(crate) group: String,
    pub(crate) vpc: String,
    pub(crate) gateway: String,
}

pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

pub(crate) async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

impl Shop {
    pub(crate) async fn new() -> Self {
        Shop::of(Emulator::in_memory()).await
    }

    /// With AWS's own times; everything that is made has come into sight.
    pub(crate) async fn at_aws_pace() -> Self {
        Shop::of(Emulator::builder().latency(1.0).in_memory()).await
    }

    pub(crate) async fn of(emulator: Emulator) -> Self {
        Cloud::of(emulator.clone()).link("ecs.application-autoscaling.amazonaws.com").await;
        Shop::without_scaling_role(emulator).await
    }

    /// In an account in which nothing was ever scaled.
    pub(crate) async fn without_scaling_role(emulator: Emulator) -> Self {
        let sdk = config(&emulator, REGION);
        let cloud = Cloud::of(emulator);
        cloud.link("ecs.amazonaws.com").await;
        let vpc = cloud.vpc().await;
        let gateway = cloud.ec2.create_internet_gateway().send().await.unwrap();
        let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
        seconds(13).await;
        cloud.open(&vpc, &gateway).await;
        let group = cloud.group(&vpc, "tasks").await;
        let subnets = vec![cloud.subnet(&vpc, "10.0.0.0/24").await, cloud.subnet(&vpc, "10.0.1.0/24").await];
        let shop = Shop {
            ecs: aws_sdk_ecs::Client::new(&sdk),
            ecr: aws_sdk_ecr::Client::new(&sdk),
            cloud,
            subnets,
            group,
            vpc,
            gateway,
        };
        shop.cloud.role_for("execution", "ecs-tasks.amazonaws.com").await;
        shop.cloud.role_for("infrastructure", "ecs.amazonaws.com").await;
        shop.ecs.create_cluster().cluster_name("shop").send().await.unwrap();
        seconds(13).await;
        shop
    }

    /// A task definition of one container, without a role.
    pub(crate) fn task(&self, family: &str) -> RegisterTaskDefinitionFluentBuilder {
        self.task_of(family, container("public.ecr.aws/nginx/nginx:1").build())
    }

    pub(crate) fn task_of(
        &self,
        family: &str,
        one: ContainerDefinition,
    ) -> RegisterTaskDefinitionFluentBuilder {
        self.ecs
            .register_task_definition()
            .family(family)
            .requires_compatibilities(Compatibility::Fargate)
            .network_mode(NetworkMode::Awsvpc)
            .cpu("512")
            .memory("1024")
            .container_definitions(one)
    }

    /// A task definition whose image is in the account's registry under a tag.
    pub(crate) async fn task_from_registry(&self, family: &str, tag: &str) {
        let image = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop:{tag}");
        let task = self.task_of(family, container(&image).build());
        task.execution_role_arn(role("execution")).send().await.unwrap();
    }

    /// Pushes an image.
    pub(crate) async fn push(&self, tag: &str) {
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"size":{}}}}}"#,
            tag.len()
        );
        self.ecr
            .put_image()
            .repository_name("shop")
            .image_manifest(manifest)
            .image_tag(tag)
            .send()
            .await
            .unwrap();
    }

    pub(crate) fn network(&self) -> NetworkConfiguration {
        let inside = AwsVpcConfiguration::builder()
            .set_subnets(Some(self.subnets.clone()))
            .security_groups(&self.group)
            .assign_public_ip(AssignPublicIp::Enabled)
            .build()
            .unwrap();
        NetworkConfiguration::builder().awsvpc_configuration(inside).build()
    }

    /// Two tasks of a family, in the cluster.
    pub(crate) fn service(&self, name: &str, family: &str) -> CreateServiceFluentBuilder {
        self.ecs
            .create_service()
            .cluster("shop")
            .service_name(name)
            .task_definition(family)
            .desired_count(2)
            .launch_type(LaunchType::Fargate)
            .network_configuration(self.network())
    }

    pub(crate) async fn look(&self, name: &str) -> Service {
        let found = self.ecs.describe_services().cluster("shop").services(name).send().await.unwrap();
        found.services.unwrap().remove(0)
    }

    /// The latest deployment of a service.
    pub(crate) async fn latest(&self, name: &str) -> ServiceDeployment {
        let listed = self.ecs.list_service_deployments().cluster("shop").service(name).send().await.unwrap();
        let arn = listed.service_deployments()[0].service_deployment_arn().unwrap().to_owned();
        let found =
            self.ecs.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
        found.service_deployments.unwrap().remove(0)
    }

    pub(crate) async fn interfaces(&self) -> usize {
        let found = self.cloud.ec2.describe_network_interfaces().send().await.unwrap();
        found.network_interfaces().len()
    }
}

/// A container that listens.
pub(crate) fn container(image: &str) -> ContainerDefinitionBuilder {
    ContainerDefinition::builder()
        .name("app")
        .image(image)
        .port_mappings(PortMapping::builder().container_port(8080).build())
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}
