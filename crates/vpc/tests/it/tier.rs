//! The whole tier through the engine: created, read, changed, replaced, repaired, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ec2::types::{AttributeBooleanValue, Tag};
use engine::{Action, Component, Graph, Operation, Plan, Resolved, Selector};
use testing::World;
use vpc::{Args, NatMode, Outputs, Tier};

use crate::support::{inputs_with, try_declare, with_endpoints};

fn world() -> World {
    World::new(vpc::kinds)
}

async fn create(world: &World, args: Args) -> Outputs<Resolved> {
    world.create(&Tier::new(args), &inputs_with(3)).await
}

async fn plan(world: &World, args: Args) -> Plan {
    world.plan(&Tier::new(args), &inputs_with(3)).await
}

async fn planned(world: &World, args: Args, action: fn(&Action) -> bool) -> Vec<String> {
    world.planned(&Tier::new(args), &inputs_with(3), action).await
}

async fn assert_settled(world: &World, args: Args) {
    world.assert_settled(&Tier::new(args), &inputs_with(3)).await;
}

async fn assert_clean(world: &World) {
    assert_eq!(world.left().await, []);
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    let world = world();
    let outputs = create(&world, Args::default()).await;
    assert!(outputs.vpc_id.as_str().starts_with("vpc-"));
    assert_eq!(outputs.nat_public_ips.len(), 3);
    let tier = Tier::new(Args::default());
    let reading = tier.read(&world.engine, &inputs_with(3)).await.unwrap();
    assert_eq!(reading.drift, []);
    assert_eq!(reading.outputs, Some(outputs));
    assert_settled(&world, Args::default()).await;
}

#[tokio::test(start_paused = true)]
async fn logs_stay_where_either_side_asks_for_it_and_are_taken_back() {
    let keep = |keep_logs| Args { keep_logs, ..Args::default() };
    for (recorded, declared) in [(true, false), (false, true)] {
        let world = world();
        create(&world, keep(recorded)).await;
        Tier::new(keep(declared)).delete(&world.engine, &inputs_with(3)).await.unwrap();
        world.assert_nothing_recorded().await;
        let left = world.left().await;
        let kinds: Vec<&str> = left.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["AWS::Logs::LogGroup"]);

        create(&world, keep(false)).await;
        assert_settled(&world, keep(false)).await;
        Tier::new(keep(false)).delete(&world.engine, &inputs_with(3)).await.unwrap();
        assert_clean(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing() {
    let world = world();
    let tier = Tier::new(Args::default());
    create(&world, Args::default()).await;
    tier.delete(&world.engine, &inputs_with(3)).await.unwrap();
    assert_clean(&world).await;
    tier.delete(&world.engine, &inputs_with(3)).await.unwrap();
    create(&world, Args::default()).await;
    tier.delete(&world.engine, &inputs_with(3)).await.unwrap();
    assert_clean(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_tag_is_changed_in_place_everywhere() {
    let world = world();
    let before = create(&world, Args::default()).await;
    let tagged = Args { tags: BTreeMap::from([("Author".to_owned(), "ops".to_owned())]), ..Args::default() };
    assert_eq!(
        planned(&world, tagged.clone(), |action| matches!(action, Action::Replace { .. })).await,
        [""; 0]
    );
    // 9 subnets, 7 route tables, 3 addresses, 3 NAT gateways, and 8 single objects have tags.
    assert_eq!(planned(&world, tagged.clone(), |action| *action == Action::Update).await.len(), 30);
    assert_eq!(create(&world, tagged.clone()).await, before);
    assert_settled(&world, tagged).await;
}

#[tokio::test(start_paused = true)]
async fn another_cidr_replaces_the_vpc_and_what_is_in_it_and_keeps_the_public_addresses() {
    let world = world();
    let before = create(&world, Args::default()).await;
    let moved = Args { cidr: "10.1.0.0/16".parse().unwrap(), ..Args::default() };
    let plan = plan(&world, moved.clone()).await;
    let Action::Replace { because, .. } = &plan.step("vpc/vpc").unwrap().action else {
        panic!("not replaced")
    };
    assert_eq!(because.iter().collect::<Vec<_>>(), ["CidrBlock"]);
    for follows in ["vpc/public-subnet-a", "vpc/nat-a", "vpc/db-acl", "vpc/s3-endpoint", "vpc/flow-log"] {
        let action = &plan.step(follows).unwrap().action;
        assert!(matches!(action, Action::Replace { .. }), "{follows}: {action:?}");
    }
    for stays in ["vpc/nat-eip-a", "vpc/igw", "vpc/flow-log-group", "vpc/flow-log-role"] {
        assert_eq!(plan.step(stays).unwrap().action, Action::Unchanged, "{stays}");
    }
    let after = create(&world, moved.clone()).await;
    assert_ne!(after.vpc_id, before.vpc_id);
    assert_eq!(after.nat_public_ips, before.nat_public_ips);
    assert_settled(&world, moved.clone()).await;
    Tier::new(moved).delete(&world.engine, &inputs_with(3)).await.unwrap();
    assert_clean(&world).await;
}

#[tokio::test(start_paused = true)]
async fn subnets_that_trade_places_are_deleted_before_the_new_ones_are_created() {
    let world = world();
    create(&world, Args::default()).await;
    let blocks =
        |third: [u8; 3]| Some(third.map(|third| format!("10.0.{third}.0/24").parse().unwrap()).to_vec());
    // Each private subnet takes what another one had; the plan must find an order.
    let shifted = Args { private_subnet_cidrs: blocks([12, 10, 11]), ..Args::default() };
    let after = create(&world, shifted.clone()).await;
    assert_eq!(after.private_subnet_cidrs[0].to_string(), "10.0.12.0/24");
    assert_settled(&world, shifted.clone()).await;
    Tier::new(shifted).delete(&world.engine, &inputs_with(3)).await.unwrap();
    assert_clean(&world).await;
}

#[tokio::test(start_paused = true)]
async fn every_choice_can_be_changed_to_every_other_one_and_back() {
    let world = world();
    let choices = [
        Args::default(),
        Args { nat: NatMode::Single, ..Args::default() },
        Args { zone_count: Some(2), nat: NatMode::None, ..Args::default() },
        Args { s3_endpoint: false, database_acl: false, ..Args::default() },
        Args { nat: NatMode::None, ..with_endpoints() },
        Args {
            map_public_ip_on_launch: true,
            flow_logs: vpc::FlowLogs { enabled: false, ..Default::default() },
            ..Args::default()
        },
        Args { environment: "prod".to_owned(), ..Args::default() },
    ];
    for args in choices.iter().chain(choices.iter().rev()) {
        create(&world, args.clone()).await;
        assert_settled(&world, args.clone()).await;
    }
    Tier::new(Args::default()).delete(&world.engine, &inputs_with(3)).await.unwrap();
    assert_clean(&world).await;
}

#[tokio::test(start_paused = true)]
async fn drift_behind_its_back_is_found_and_repaired() {
    let world = world();
    let outputs = create(&world, Args::default()).await;
    let ec2 = world.cx.ec2();
    let off = AttributeBooleanValue::builder().value(false).build();
    ec2.modify_vpc_attribute()
        .vpc_id(outputs.vpc_id.as_str())
        .enable_dns_hostnames(off)
        .send()
        .await
        .unwrap();
    let tag = Tag::builder().key("Name").value("mine").build();
    ec2.create_tags().resources(outputs.private_subnet_ids[0].as_str()).tags(tag).send().await.unwrap();
    ec2.delete_route()
        .route_table_id(outputs.private_route_table_ids[1].as_str())
        .destination_cidr_block("0.0.0.0/0")
        .send()
        .await
        .unwrap();
    let reading = Tier::new(Args::default()).read(&world.engine, &inputs_with(3)).await.unwrap();
    let drifted: Vec<&str> = reading.drift.iter().map(|drift| drift.address.as_str()).collect();
    assert_eq!(drifted, ["vpc/private-route-b", "vpc/private-subnet-a", "vpc/vpc"]);
    assert_eq!(create(&world, Args::default()).await, outputs);
    assert_settled(&world, Args::default()).await;
}

#[tokio::test(start_paused = true)]
async fn without_permission_for_one_thing_only_what_depends_on_it_is_left_out() {
    let world = world();
    // A role of that name that is not ours stands in the way.
    let role = format!("payment-vpc-flow-logs-{}-dev", crate::support::REGION);
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    world.cx.iam().create_role().role_name(role).assume_role_policy_document(trust).send().await.unwrap();
    let (graph, _) = try_declare(Args::default(), &inputs_with(3)).unwrap();
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(graph), &Selector::all()).await.unwrap();
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    let failed: Vec<&str> = report.failed.iter().map(|failure| failure.address.as_str()).collect();
    assert_eq!(failed, ["vpc/flow-log-role"]);
    let skipped: Vec<(&str, Operation)> =
        report.skipped.iter().map(|skipped| (skipped.address.as_str(), skipped.operation)).collect();
    assert_eq!(skipped, [("vpc/flow-log", Operation::Create)]);
    assert_eq!(report.done.len(), 57);
    let nothing = Arc::new(Graph::default());
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(nothing, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn with_endpoints_it_needs_no_way_to_the_internet() {
    let world = world();
    let isolated = Args { nat: NatMode::None, ..with_endpoints() };
    let outputs = create(&world, isolated.clone()).await;
    assert_eq!((outputs.nat_gateway_ids.len(), outputs.interface_endpoint_ids.len()), (0, 7));
    assert!(world.drift::<Tier>().await.is_empty());
    assert_settled(&world, isolated.clone()).await;

    // Other addresses: each endpoint moves to the new subnets of the same zones.
    let blocks = ["10.0.110.0/24", "10.0.111.0/24", "10.0.112.0/24"].map(|block| block.parse().unwrap());
    let moved = Args { private_subnet_cidrs: Some(blocks.to_vec()), ..isolated };
    let after = create(&world, moved.clone()).await;
    assert_eq!(after.interface_endpoint_ids, outputs.interface_endpoint_ids);
    assert_settled(&world, moved).await;
    Tier::new(Args::default()).delete(&world.engine, &inputs_with(3)).await.unwrap();
    assert_clean(&world).await;
}

/// Endpoints come and go at 0.3 calls a second, and take a minute or two.
#[tokio::test(start_paused = true)]
async fn at_aws_pace_and_limits_endpoints_come_and_go() {
    let emulator = emulator::Emulator::builder().latency(1.0).throttling(true).in_memory();
    let World { emulator, cx, engine } = World::on(emulator, vpc::kinds);
    // As long as it takes until what is new is seen.
    let world = World { emulator, cx, engine: engine.with_settle_grace(std::time::Duration::from_secs(60)) };
    let args = Args { nat: NatMode::None, ..with_endpoints() };
    let start = tokio::time::Instant::now();
    create(&world, args.clone()).await;
    let took = start.elapsed().as_secs();
    assert!((45..400).contains(&took), "{took}");
    assert_settled(&world, args.clone()).await;
    Tier::new(args).delete(&world.engine, &inputs_with(3)).await.unwrap();
    assert_clean(&world).await;
}

/// It stays `ACTIVE` and delivers nothing, also when its role is right again.
#[tokio::test(start_paused = true)]
async fn a_flow_log_that_lost_its_role_is_replaced() {
    let world = world();
    create(&world, Args::default()).await;
    let live = world.cx.ec2().describe_flow_logs().send().await.unwrap();
    let role =
        live.flow_logs()[0].deliver_logs_permission_arn().unwrap().rsplit('/').next().unwrap().to_owned();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let update = world.cx.iam().update_assume_role_policy().role_name(role).policy_document(trust);
    update.send().await.unwrap();
    let drift = world.drift::<Tier>().await;
    assert!(drift.contains(&"vpc/flow-log: DeliverLogsErrorMessage".to_owned()), "{drift:?}");
    assert_eq!(
        planned(&world, Args::default(), |action| matches!(action, Action::Replace { .. })).await,
        ["vpc/flow-log"]
    );
    create(&world, Args::default()).await;
    assert_settled(&world, Args::default()).await;
}
