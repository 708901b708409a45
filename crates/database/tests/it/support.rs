//! A network to put the database into.

use std::time::Duration;

use aws::{SubnetId, VpcId};
use aws_sdk_rds::types::DbCluster;
use database::{Args, Inputs, Tier};
use emulator::Emulator;
use engine::{Component as _, ComponentError, EngineError, PlanError, Selector};
use testing::{REGION, World, place};

/// Inputs that lead nowhere, for declaring.
pub(crate) fn inputs() -> Inputs {
    let zones = ["a", "b", "c"];
    Inputs {
        place: place(),
        vpc_id: VpcId::from("vpc-1").into(),
        subnet_ids: zones.map(|zone| SubnetId::from(format!("subnet-{zone}")).into()).to_vec(),
        availability_zones: zones.map(|zone| format!("{REGION}{zone}").into()).to_vec(),
        recorded: database::Recorded::default(),
        client_security_group_ids: Vec::new(),
    }
}

/// The same where everything takes its time.
pub(crate) async fn world_at_aws_pace() -> (World, Inputs) {
    let (world, inputs) = world_on(Emulator::builder().latency(1.0).in_memory()).await;
    let engine = world.engine.clone().with_settle_grace(Duration::from_secs(30));
    (World { engine, ..world }, inputs)
}

/// An account with a VPC, and three subnets in it.
pub(crate) async fn world() -> (World, Inputs) {
    world_on(Emulator::in_memory()).await
}

pub(crate) async fn world_on(emulator: Emulator) -> (World, Inputs) {
    let world = World::on(emulator, database::kinds);
    let inputs = network(&world).await;
    (world, inputs)
}

pub(crate) async fn network(world: &World) -> Inputs {
    let ec2 = world.cx.ec2();
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let vpc = vpc.vpc.unwrap().vpc_id.unwrap();
    // At AWS's pace it cannot be seen at once.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mut subnet_ids = Vec::new();
    for (third, zone) in (20..).zip(["a", "b", "c"]) {
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.0.{third}.0/24"));
        let subnet = subnet.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
        subnet_ids.push(SubnetId::from(subnet.subnet.unwrap().subnet_id.unwrap()).into());
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    Inputs { vpc_id: VpcId::from(vpc).into(), subnet_ids, ..inputs() }
}

/// The name of the cluster that [`Args::default`] declares.
pub(crate) const CLUSTER: &str = "payment-aurora-dev";

/// The cluster as it is now.
pub(crate) async fn live(world: &World) -> DbCluster {
    let found = rds(world).describe_db_clusters().db_cluster_identifier(CLUSTER).send().await.unwrap();
    found.db_clusters()[0].clone()
}

/// Why a plan is refused for the cluster's sake, and the advice; nothing is called that changes anything.
pub(crate) async fn refused(world: &World, inputs: &Inputs, args: Args) -> String {
    refused_at("database/cluster", world, inputs, args).await
}

/// The same for the sake of the resource of an address.
pub(crate) async fn refused_at(address: &str, world: &World, inputs: &Inputs, args: Args) -> String {
    world.mutations();
    let error = tier(args).create(&world.engine, inputs).await.unwrap_err();
    assert_eq!(world.mutations(), [""; 0]);
    match error {
        ComponentError::Engine(EngineError::Plan(PlanError::Refused { address: at, reason, hint })) => {
            assert_eq!(at.as_str(), address);
            format!("{reason} ({hint})")
        }
        other => panic!("{other:?}"),
    }
}

/// What is said of a resource and left as it is: where somebody looks, and in a plan.
pub(crate) async fn remarks(address: &str, world: &World, tier: &Tier, inputs: &Inputs) -> Vec<String> {
    let look = world.engine.look(&Selector::all()).await.unwrap();
    let remarks = look.remarks();
    let remarks = remarks.iter().filter(|remark| remark.address.as_str() == address);
    let remarks: Vec<String> = remarks.map(|remark| remark.accepted.because.clone()).collect();
    let plan = world.plan(tier, inputs).await;
    let planned = plan.step(address).unwrap().accepted().iter();
    assert_eq!(planned.map(|accepted| accepted.because.clone()).collect::<Vec<_>>(), remarks);
    remarks
}

/// Arguments with which the cluster may go.
pub(crate) fn expendable() -> Args {
    Args { allow_data_loss: vec![CLUSTER.to_owned()], ..Args::default() }
}

pub(crate) fn tier(args: Args) -> Tier {
    Tier::new(args)
}

/// The client that somebody else would use.
pub(crate) fn rds(world: &World) -> aws_sdk_rds::Client {
    world.cx.client(aws_sdk_rds::Client::new)
}
