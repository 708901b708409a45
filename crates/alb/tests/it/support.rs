//! A network to put the load balancer into, and the clients with which somebody else disturbs it.

use alb::{Args, Inputs, Tier};
use aws::{SubnetId, VpcId};
use emulator::Emulator;
use ipnet::Ipv4Net;
use testing::{REGION, World, place};

pub(crate) const CERTIFICATE: &str =
    "arn:aws:acm:ap-southeast-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";
pub(crate) const BUCKET: &str = "payment-alb-logs-dev-123456789012-ap-southeast-1";

fn subnets(ids: impl IntoIterator<Item = String>) -> Vec<engine::Input<SubnetId>> {
    ids.into_iter().map(|id| SubnetId::from(id).into()).collect()
}

/// Inputs that lead nowhere, for declaring.
pub(crate) fn inputs() -> Inputs {
    let zones = ["a", "b", "c"];
    Inputs {
        place: place(),
        vpc_id: VpcId::from("vpc-1").into(),
        vpc_cidr: Ipv4Net::new_assert([10, 0, 0, 0].into(), 16).into(),
        public_subnet_ids: subnets(zones.map(|zone| format!("subnet-public-{zone}"))),
        private_subnet_ids: subnets(zones.map(|zone| format!("subnet-private-{zone}"))),
        client_security_group_ids: Vec::new(),
        api_requests: None,
    }
}

/// An account with a VPC that is open to the internet, and three public and three private subnets in it.
pub(crate) async fn world() -> (World, Inputs) {
    world_on(Emulator::in_memory()).await
}

pub(crate) async fn world_on(emulator: Emulator) -> (World, Inputs) {
    let world = World::on(emulator, alb::kinds);
    let inputs = network(&world).await;
    (world, inputs)
}

/// What is new is not seen at once where the emulator takes AWS's times.
async fn seen() {
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
}

/// Another VPC with the same addresses.
pub(crate) async fn network(world: &World) -> Inputs {
    let ec2 = world.cx.ec2();
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let vpc = vpc.vpc.unwrap().vpc_id.unwrap();
    let gateway = ec2.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    seen().await;
    let attach = ec2.attach_internet_gateway().internet_gateway_id(gateway).vpc_id(&vpc);
    attach.send().await.unwrap();
    let mut ids = Vec::new();
    for third in [0, 1, 2, 10, 11, 12] {
        let zone = ["a", "b", "c"][third % 10];
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.0.{third}.0/24"));
        let subnet = subnet.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
        ids.push(subnet.subnet.unwrap().subnet_id.unwrap());
    }
    seen().await;
    let private = ids.split_off(3);
    Inputs {
        vpc_id: VpcId::from(vpc).into(),
        public_subnet_ids: subnets(ids),
        private_subnet_ids: subnets(private),
        ..inputs()
    }
}

pub(crate) fn tier(args: Args) -> Tier {
    Tier::new(args)
}

pub(crate) fn with_certificate() -> Args {
    Args { certificate_arn: Some(CERTIFICATE.to_owned()), ..Args::default() }
}

pub(crate) fn elb(world: &World) -> aws_sdk_elasticloadbalancingv2::Client {
    world.cx.client(aws_sdk_elasticloadbalancingv2::Client::new)
}

pub(crate) fn waf(world: &World) -> aws_sdk_wafv2::Client {
    world.cx.client(aws_sdk_wafv2::Client::new)
}

pub(crate) fn s3(world: &World) -> aws_sdk_s3::Client {
    world.cx.client(aws_sdk_s3::Client::new)
}

/// The weights of a rule's groups, blue first, or none for a group that it does not have.
pub(crate) async fn weights(world: &World, rule: &str, groups: [&str; 2]) -> [Option<i32>; 2] {
    let found = elb(world).describe_rules().rule_arns(rule).send().await.unwrap();
    let live = found.rules()[0].actions()[0].forward_config().unwrap().target_groups().to_vec();
    groups.map(|group| live.iter().find(|tuple| tuple.target_group_arn() == Some(group))?.weight())
}
