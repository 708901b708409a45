//! Something to watch, and the clients with which somebody else disturbs it.

use aws::rds::types::ServerlessV2ScalingConfiguration;
use aws::{DbClusterId, EcsClusterName, EcsServiceName, LogGroupName, NatGatewayId};
use emulator::Emulator;
use engine::Input;
use monitoring::{ApiInputs, Args, ContainerInputs, DatabaseInputs, Inputs, LoadBalancerInputs, Tier};
use testing::{REGION, World, place};

const CLUSTER: &str = "payment-aurora-dev";
const INSTANCES: [&str; 2] = ["payment-aurora-dev-1", "payment-aurora-dev-2"];
const ENGINE: &str = "aurora-postgresql";
pub(crate) const APP_LOGS: &str = "/ecs/payment-app-dev";
pub(crate) const EMAIL: &str = "ops@example.com";
pub(crate) const TOPIC: &str = "arn:aws:sns:ap-southeast-1:123456789012:payment-alarms-dev";
pub(crate) const DASHBOARD: &str = "payment-dashboard-dev-ap-southeast-1";

/// A whole stack, by its names. CloudWatch does not look whether they are there; the log group must be.
pub(crate) fn inputs() -> Inputs {
    Inputs {
        place: place(),
        load_balancer: Some(LoadBalancerInputs {
            full_name: "app/payment-alb-dev/0123456789abcdef".into(),
            blue_target_group_full_name: "targetgroup/payment-blue-dev/0123456789abcdef".into(),
            green_target_group_full_name: "targetgroup/payment-green-dev/fedcba9876543210".into(),
        }),
        containers: Some(containers(Some(2))),
        database: Some(DatabaseInputs {
            cluster_id: DbClusterId::from(CLUSTER).into(),
            instance_ids: INSTANCES.map(Input::from).to_vec(),
            min_capacity: 0.5,
            max_capacity: 2.0,
            local_storage_bytes: None,
        }),
        api: Some(ApiInputs {
            name: "payment-api-dev".into(),
            stage: "dev".into(),
            access_log_group_name: Some(LogGroupName::from("/aws/apigateway/payment-api-dev").into()),
        }),
        web_acl_name: Some("payment-alb-dev".into()),
        api_web_acl_name: Some("payment-api-waf-dev".into()),
        nat_gateway_ids: ["nat-1", "nat-2"].map(|id| NatGatewayId::from(id).into()).to_vec(),
        flow_log_group_name: Some(LogGroupName::from("/aws/vpc/payment-flow-logs-dev").into()),
    }
}

pub(crate) fn containers(tasks_expected: Option<u32>) -> ContainerInputs {
    ContainerInputs {
        cluster_name: EcsClusterName::from("payment-cluster-dev").into(),
        service_name: EcsServiceName::from("payment-service-dev").into(),
        app_log_group_name: LogGroupName::from(APP_LOGS).into(),
        tasks_expected,
    }
}

/// The same with another number of tasks.
pub(crate) fn with_tasks(tasks_expected: Option<u32>) -> Inputs {
    Inputs { containers: Some(containers(tasks_expected)), ..inputs() }
}

/// An output of another tier's resource.
pub(crate) fn reference<T: engine::Text>(address: &str, attr: &str) -> Input<T> {
    serde_json::from_value(serde_json::json!({ "$ref": address, "attr": attr })).unwrap()
}

pub(crate) fn tier(args: Args) -> Tier {
    Tier::new(args)
}

pub(crate) fn with_email() -> Args {
    Args { alarm_emails: vec![EMAIL.to_owned()], api_anomaly: true, ..Args::default() }
}

/// An account with the application's log group, made by the same stack.
pub(crate) async fn world() -> World {
    world_on(Emulator::in_memory()).await
}

pub(crate) async fn world_on(emulator: Emulator) -> World {
    let world = World::on(emulator, monitoring::kinds);
    let create = world.cx.logs().create_log_group().log_group_name(APP_LOGS);
    let create = create.tags("stack:project", "payment").tags("stack:environment", "dev");
    create.send().await.unwrap();
    database(&world).await;
    // What is new is not seen at once where the emulator takes AWS's times.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    world
}

/// The cluster of [`inputs`] with its instances: RDS looks whether sources of events are there.
pub(crate) async fn database(world: &World) {
    let pause = || tokio::time::sleep(std::time::Duration::from_secs(5));
    let (ec2, rds) = (world.cx.ec2(), aws::rds::client(&world.cx));
    // Where it is new, RDS refuses its first objects.
    world.cx.iam().create_service_linked_role().aws_service_name("rds.amazonaws.com").send().await.unwrap();
    pause().await;
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    pause().await;
    let mut subnets = Vec::new();
    for (third, zone) in (0..).zip(["a", "b"]) {
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.0.{third}.0/24"));
        let subnet = subnet.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
        subnets.push(subnet.subnet.unwrap().subnet_id.unwrap());
    }
    pause().await;
    let group = rds.create_db_subnet_group().db_subnet_group_name("database");
    let group = group.db_subnet_group_description("x").set_subnet_ids(Some(subnets));
    group.send().await.unwrap();
    let scaling = ServerlessV2ScalingConfiguration::builder().min_capacity(0.5).max_capacity(2.0).build();
    let cluster = rds.create_db_cluster().db_cluster_identifier(CLUSTER).engine(ENGINE);
    let cluster = cluster.db_subnet_group_name("database").serverless_v2_scaling_configuration(scaling);
    cluster.master_username("ledger").manage_master_user_password(true).send().await.unwrap();
    for instance in INSTANCES {
        let instance = rds.create_db_instance().db_instance_identifier(instance).engine(ENGINE);
        let instance = instance.db_cluster_identifier(CLUSTER).db_instance_class("db.serverless");
        instance.send().await.unwrap();
    }
}

pub(crate) fn cloudwatch(world: &World) -> aws_sdk_cloudwatch::Client {
    aws::cloudwatch::client(&world.cx)
}

pub(crate) fn sns(world: &World) -> aws_sdk_sns::Client {
    world.cx.client(aws_sdk_sns::Client::new)
}

pub(crate) fn xray(world: &World) -> aws_sdk_xray::Client {
    world.cx.client(aws_sdk_xray::Client::new)
}
