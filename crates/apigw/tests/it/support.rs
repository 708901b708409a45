//! An account with what the tier needs of others: a network, a load balancer.

use std::collections::BTreeMap;

use apigw::{Args, Backend, Inputs, Outputs, Tier};
use aws::{LoadBalancerArn, SecurityGroupId, SubnetId, VpcId};
use aws_sdk_elasticloadbalancingv2::types::LoadBalancerSchemeEnum;
use emulator::Emulator;
use engine::{Action, Resolved};
use testing::{REGION, World, place};

pub(crate) const ALB: &str =
    "arn:aws:elasticloadbalancing:ap-southeast-1:123456789012:loadbalancer/app/payment-alb-dev/1";
pub(crate) const DNS: &str = "payment-alb-dev-1.ap-southeast-1.elb.amazonaws.com";

/// The role that outlives every stack of its region.
pub(crate) const LOGS_ROLE: &str = "payment-apigw-logs-ap-southeast-1";

/// Inputs that lead nowhere, for declaring.
pub(crate) fn inputs() -> Inputs {
    Inputs {
        place: place(),
        vpc_id: VpcId::from("vpc-1").into(),
        private_subnet_ids: ["subnet-a", "subnet-b"].map(|id| SubnetId::from(id).into()).to_vec(),
        backend: Backend {
            alb_dns_name: DNS.into(),
            alb_arn: LoadBalancerArn::from(ALB).into(),
            alb_security_group_id: SecurityGroupId::from("sg-alb").into(),
            https: false,
            private: false,
        },
        ready: Vec::new(),
    }
}

/// The same before a private load balancer.
pub(crate) fn private(inputs: Inputs) -> Inputs {
    Inputs { backend: Backend { private: true, ..inputs.backend }, ..inputs }
}

pub(crate) fn tier(args: Args) -> Tier {
    Tier::new(args)
}

pub(crate) fn tags(key: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(key.to_owned(), value.to_owned())])
}

/// Without latencies: what takes time on AWS is over when the call is answered.
pub(crate) async fn world() -> (World, Inputs) {
    world_on(Emulator::in_memory()).await
}

pub(crate) async fn seconds(count: u64) {
    tokio::time::sleep(std::time::Duration::from_secs(count)).await;
}

pub(crate) async fn world_on(emulator: Emulator) -> (World, Inputs) {
    let world = World::on(emulator, apigw::kinds);
    let inputs = surroundings(&world).await;
    world.emulator.clear_calls();
    (world, inputs)
}

/// What other tiers make.
pub(crate) async fn surroundings(world: &World) -> Inputs {
    let ec2 = world.cx.ec2();
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let vpc = vpc.vpc.unwrap().vpc_id.unwrap();
    seconds(10).await;
    let mut subnets = Vec::new();
    for (third, zone) in (10..).zip(["a", "b"]) {
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.0.{third}.0/24"));
        let subnet = subnet.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
        subnets.push(subnet.subnet.unwrap().subnet_id.unwrap());
    }
    let group = ec2.create_security_group().group_name("balancer").description("balancer").vpc_id(&vpc);
    let group = group.send().await.unwrap().group_id.unwrap();
    seconds(10).await;
    let inputs = Inputs {
        vpc_id: VpcId::from(vpc).into(),
        private_subnet_ids: subnets.iter().map(|id| SubnetId::from(id.as_str()).into()).collect(),
        backend: load_balancer(world, "front", &subnets, &group).await,
        ..inputs()
    };
    // Until the load balancer is active.
    seconds(200).await;
    inputs
}

async fn load_balancer(world: &World, name: &str, subnets: &[String], group: &str) -> Backend {
    let elb = world.cx.client(aws_sdk_elasticloadbalancingv2::Client::new);
    let made = elb.create_load_balancer().name(name).scheme(LoadBalancerSchemeEnum::Internal);
    let made = made.security_groups(group).set_subnets(Some(subnets.to_vec())).send().await.unwrap();
    let made = &made.load_balancers()[0];
    Backend {
        alb_dns_name: made.dns_name().unwrap().into(),
        alb_arn: LoadBalancerArn::from(made.load_balancer_arn().unwrap()).into(),
        alb_security_group_id: SecurityGroupId::from(group).into(),
        https: false,
        private: false,
    }
}

/// Another load balancer in its place.
pub(crate) async fn another_load_balancer(world: &World, inputs: &Inputs) -> Inputs {
    let literal = |id: &engine::Input<SubnetId>| id.literal().unwrap().to_string();
    let subnets: Vec<String> = inputs.private_subnet_ids.iter().map(literal).collect();
    let group = inputs.backend.alb_security_group_id.literal().unwrap().to_string();
    let other = load_balancer(world, "other", &subnets, &group).await;
    let backend = Backend { private: inputs.backend.private, ..other };
    Inputs { backend, ..inputs.clone() }
}

pub(crate) fn gateway(world: &World) -> aws_sdk_apigateway::Client {
    world.cx.client(aws_sdk_apigateway::Client::new)
}

/// A change as somebody makes it by hand.
pub(crate) fn patch(op: &str, path: &str, value: Option<&str>) -> aws_sdk_apigateway::types::PatchOperation {
    let patch = aws_sdk_apigateway::types::PatchOperation::builder().op(op.into()).path(path);
    patch.set_value(value.map(str::to_owned)).build()
}

/// What is left, but for the role that outlives every stack of its region.
pub(crate) async fn left(world: &World) -> Vec<(String, String)> {
    let mut left = world.left().await;
    left.retain(|(kind, id)| !(kind == "AWS::IAM::Role" && id.ends_with(LOGS_ROLE)));
    left
}

pub(crate) async fn stage(
    world: &World,
    outputs: &Outputs<Resolved>,
) -> aws_sdk_apigateway::operation::get_stage::GetStageOutput {
    let get = gateway(world).get_stage().rest_api_id(outputs.api_id.as_str());
    get.stage_name(outputs.stage_name.as_str()).send().await.unwrap()
}

/// All deployments of the API.
pub(crate) async fn deployments(world: &World, outputs: &Outputs<Resolved>) -> Vec<String> {
    let found = gateway(world).get_deployments().rest_api_id(outputs.api_id.as_str()).send().await.unwrap();
    found.items().iter().map(|deployment| deployment.id().unwrap().to_owned()).collect()
}

/// The id of the resource with this path.
pub(crate) async fn resource(world: &World, outputs: &Outputs<Resolved>, path: &str) -> String {
    let found = gateway(world).get_resources().rest_api_id(outputs.api_id.as_str()).send().await.unwrap();
    let resource = found.items().iter().find(|resource| resource.path() == Some(path)).unwrap();
    resource.id().unwrap().to_owned()
}

/// Where requests for a path go.
pub(crate) async fn integration(
    world: &World,
    outputs: &Outputs<Resolved>,
    path: &str,
    verb: &str,
) -> aws_sdk_apigateway::operation::get_integration::GetIntegrationOutput {
    let get = gateway(world).get_integration().rest_api_id(outputs.api_id.as_str());
    let get = get.resource_id(resource(world, outputs, path).await).http_method(verb);
    get.send().await.unwrap()
}

pub(crate) fn is_create(action: &Action) -> bool {
    *action == Action::Create
}

pub(crate) fn is_update(action: &Action) -> bool {
    *action == Action::Update
}

pub(crate) fn is_replace(action: &Action) -> bool {
    matches!(action, Action::Replace { .. })
}

pub(crate) fn is_delete(action: &Action) -> bool {
    *action == Action::Delete
}

/// What a plan would do, sorted.
pub(crate) async fn planned(
    world: &World,
    tier: &Tier,
    inputs: &Inputs,
    action: fn(&Action) -> bool,
) -> Vec<String> {
    let mut planned = world.planned(tier, inputs, action).await;
    planned.sort();
    planned
}
