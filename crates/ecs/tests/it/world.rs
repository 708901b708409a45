//! An account with what the tier needs of others: a network, a load balancer with its rules, a database's secret.

use std::time::Duration;

use aws::{KeyArn, ListenerRuleArn, SecretArn, SecurityGroupId, SubnetId, TargetGroupArn, VpcId};
use aws_sdk_elasticloadbalancingv2 as elb;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, LoadBalancerSchemeEnum, PathPatternConditionConfig,
    ProtocolEnum, RuleCondition, TargetGroupTuple, TargetTypeEnum,
};
use ecs::{DatabaseInputs, Inputs, LoadBalancerInputs};
use emulator::{Builder, Counted, Emulator, Fault, FaultPlan, When};
use testing::{REGION, World, place};

/// An image that is always there.
pub(crate) const PUBLIC: &str = "public.ecr.aws/nginx/nginx:1.29";

/// Without latencies: what takes time on AWS is over when the call is answered.
pub(crate) async fn world() -> (World, Inputs) {
    on(Emulator::in_memory()).await
}

/// With AWS's own times, and a load balancer that is active.
pub(crate) async fn at_aws_pace() -> (World, Inputs) {
    paced(Emulator::builder()).await
}

/// The same where something goes wrong.
pub(crate) async fn paced(builder: Builder) -> (World, Inputs) {
    let (world, inputs) = on(builder.latency(1.0).in_memory()).await;
    seconds(200).await;
    let World { emulator, cx, engine } = world;
    // As long as it takes until what is new is seen.
    (World { emulator, cx, engine: engine.with_settle_grace(Duration::from_secs(60)) }, inputs)
}

pub(crate) async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

pub(crate) async fn on(emulator: Emulator) -> (World, Inputs) {
    let world = World::on(emulator, ecs::kinds);
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
    nat(world, &vpc).await;
    let balancer_group = group(world, &vpc, "balancer").await;
    let database_group = group(world, &vpc, "database").await;
    seconds(10).await;
    let load_balancer = load_balancer(world, &vpc, &subnets, &balancer_group).await;
    let secrets = world.cx.client(aws_sdk_secretsmanager::Client::new);
    let secret = secrets.create_secret().name("database").secret_string("{}").send().await.unwrap();
    Inputs {
        place: place(),
        vpc_id: VpcId::from(vpc).into(),
        private_subnet_ids: subnets.into_iter().map(|id| SubnetId::from(id).into()).collect(),
        database: Some(DatabaseInputs {
            secret_arn: SecretArn::from(secret.arn.unwrap()).into(),
            key_arn: KeyArn::from("arn:aws:kms:ap-southeast-1:123456789012:key/1").into(),
            security_group_id: SecurityGroupId::from(database_group).into(),
            ..crate::support::database()
        }),
        load_balancer,
        ready: Vec::new(),
    }
}

/// A way out for what is in the subnets: their route table, the VPC's main one, leads to a NAT gateway.
async fn nat(world: &World, vpc: &str) {
    let ec2 = world.cx.ec2();
    let gateway = ec2.create_internet_gateway().send().await.unwrap().internet_gateway.unwrap();
    let gateway = gateway.internet_gateway_id.unwrap();
    let outside = ec2.create_subnet().vpc_id(vpc).cidr_block("10.0.0.0/24").send().await.unwrap();
    let outside = outside.subnet.unwrap().subnet_id.unwrap();
    let table = ec2.create_route_table().vpc_id(vpc).send().await.unwrap();
    let table = table.route_table.unwrap().route_table_id.unwrap();
    let address = ec2.allocate_address().send().await.unwrap().allocation_id.unwrap();
    seconds(10).await;
    ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(vpc).send().await.unwrap();
    ec2.associate_route_table().route_table_id(&table).subnet_id(&outside).send().await.unwrap();
    let route = |table: &str| ec2.create_route().route_table_id(table).destination_cidr_block("0.0.0.0/0");
    route(&table).gateway_id(gateway).send().await.unwrap();
    let nat = ec2.create_nat_gateway().subnet_id(outside).allocation_id(address).send().await.unwrap();
    let nat = nat.nat_gateway.unwrap().nat_gateway_id.unwrap();
    seconds(10).await;
    let tables = ec2.describe_route_tables().send().await.unwrap();
    let mut tables = tables.route_tables().iter().filter(|table| table.vpc_id() == Some(vpc));
    let main = tables.find(|table| table.associations().iter().any(|one| one.main() == Some(true)));
    let main = main.unwrap().route_table_id().unwrap();
    route(main).nat_gateway_id(nat).send().await.unwrap();
}

async fn group(world: &World, vpc: &str, name: &str) -> String {
    let group = world.cx.ec2().create_security_group().group_name(name).description(name).vpc_id(vpc);
    group.send().await.unwrap().group_id.unwrap()
}

async fn load_balancer(world: &World, vpc: &str, subnets: &[String], group: &str) -> LoadBalancerInputs {
    let elb = world.cx.client(elb::Client::new);
    let made = elb.create_load_balancer().name("front").scheme(LoadBalancerSchemeEnum::Internal);
    let made = made.security_groups(group).set_subnets(Some(subnets.to_vec())).send().await.unwrap();
    let arn = made.load_balancers()[0].load_balancer_arn().unwrap().to_owned();
    let blue = target_group(&elb, vpc, "blue").await;
    let green = target_group(&elb, vpc, "green").await;
    let listener = elb.create_listener().load_balancer_arn(arn).protocol(ProtocolEnum::Http).port(80);
    let listener = listener.default_actions(forward(&blue, &green)).send().await.unwrap();
    let listener = listener.listeners()[0].listener_arn().unwrap().to_owned();
    let production = rule(&elb, &listener, 10, forward(&blue, &green)).await;
    let test = rule(&elb, &listener, 5, forward(&blue, &green)).await;
    LoadBalancerInputs {
        security_group_id: SecurityGroupId::from(group).into(),
        blue_target_group_arn: TargetGroupArn::from(blue).into(),
        green_target_group_arn: TargetGroupArn::from(green).into(),
        production_rule_arn: ListenerRuleArn::from(production).into(),
        test_rule_arn: Some(ListenerRuleArn::from(test).into()),
    }
}

async fn target_group(elb: &elb::Client, vpc: &str, name: &str) -> String {
    let call = elb.create_target_group().name(name).vpc_id(vpc).protocol(ProtocolEnum::Http).port(8080);
    let made = call.target_type(TargetTypeEnum::Ip).send().await.unwrap();
    made.target_groups()[0].target_group_arn().unwrap().to_owned()
}

fn forward(blue: &str, green: &str) -> Action {
    let weighted =
        |arn: &str, weight| TargetGroupTuple::builder().target_group_arn(arn).weight(weight).build();
    let forward = ForwardActionConfig::builder()
        .target_groups(weighted(blue, 100))
        .target_groups(weighted(green, 0))
        .build();
    Action::builder().r#type(ActionTypeEnum::Forward).forward_config(forward).build()
}

async fn rule(elb: &elb::Client, listener: &str, priority: i32, action: Action) -> String {
    let paths = PathPatternConditionConfig::builder().values(format!("/{priority}/*")).build();
    let condition = RuleCondition::builder().field("path-pattern").path_pattern_config(paths).build();
    let made = elb.create_rule().listener_arn(listener).priority(priority).conditions(condition);
    let made = made.actions(action).send().await.unwrap();
    made.rules()[0].rule_arn().unwrap().to_owned()
}

pub(crate) fn ecs(world: &World) -> aws_sdk_ecs::Client {
    world.cx.client(aws_sdk_ecs::Client::new)
}

pub(crate) const CLUSTER: &str = "payment-cluster-dev";
pub(crate) const SERVICE: &str = "payment-service-dev";

/// The service, as it is now.
pub(crate) async fn service(world: &World) -> aws_sdk_ecs::types::Service {
    let found = ecs(world).describe_services().cluster(CLUSTER).services(SERVICE).send().await.unwrap();
    found.services.unwrap().remove(0)
}

/// Statuses of the service's deployments, the last one first.
pub(crate) async fn deployments(world: &World) -> Vec<String> {
    let found = ecs(world).list_service_deployments().cluster(CLUSTER).service(SERVICE).send().await.unwrap();
    found.service_deployments().iter().map(|one| one.status().unwrap().as_str().to_owned()).collect()
}

/// Revisions of the task definition that are active.
pub(crate) async fn revisions(world: &World) -> Vec<String> {
    let found = ecs(world).list_task_definitions().family_prefix("payment-app-dev").send().await.unwrap();
    let short = |arn: &String| arn.rsplit('/').next().unwrap_or_default().to_owned();
    found.task_definition_arns().iter().map(short).collect()
}

/// Nobody may look whether an image is there, so a release of one that is not there fails in the middle.
pub(crate) fn unseen_images() -> Builder {
    let denied = Fault::Error { code: "AccessDeniedException".to_owned(), status: 400 };
    let looks = Counted::Operation("DescribeImages".to_owned());
    Emulator::builder().faults(FaultPlan::default().with(looks, When::Share(1.0), denied))
}

/// Pushes an image to the tier's repository.
pub(crate) async fn push(world: &World, tag: &str) {
    push_to(world, "payment-app-dev", tag).await;
}

/// Pushes an image to a repository.
pub(crate) async fn push_to(world: &World, repository: &str, tag: &str) {
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"size":{}}}}}"#,
        tag.len()
    );
    let ecr = world.cx.client(aws_sdk_ecr::Client::new);
    let put = ecr.put_image().repository_name(repository).image_manifest(manifest);
    put.image_tag(tag).send().await.unwrap();
}
