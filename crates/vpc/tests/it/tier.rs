//! The whole tier through the engine: created, read, changed, replaced, repaired, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::types::{AttributeBooleanValue, Tag};
use engine::{Action, Component, Engine, Graph, MemoryStore, Operation, Plan, Registry, Resolved, TestHost};
use vpc::{Args, NatMode, Outputs, Tier};

use crate::support::{Cloud, inputs_with, try_declare};

/// An account, a state, and an engine on both.
struct Place {
    cloud: Cloud,
    engine: Engine,
}

impl Place {
    fn new() -> Self {
        let cloud = Cloud::new();
        let mut registry = Registry::new(Cloud::on(&cloud.emulator).cx);
        aws::kinds(&mut registry);
        vpc::kinds(&mut registry);
        let host = TestHost::new("test", 1, tokio::time::Instant::now());
        let engine = Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()))
            .with_host(Arc::new(host))
            .with_settle_grace(Duration::ZERO);
        Self { cloud, engine }
    }

    async fn create(&self, args: Args) -> Outputs<Resolved> {
        Tier::new(args).create(&self.engine, &inputs_with(3)).await.unwrap()
    }

    async fn plan(&self, args: Args) -> Plan {
        let (graph, _) = try_declare(args, &inputs_with(3)).unwrap();
        self.engine.preview(Arc::new(graph), Some(Tier::NAME)).await.unwrap()
    }

    /// Addresses of what a plan would do, by action.
    async fn planned(&self, args: Args, action: fn(&Action) -> bool) -> Vec<String> {
        let plan = self.plan(args).await;
        let steps = plan.steps().iter().filter(|step| action(&step.action));
        steps.map(|step| step.address.to_string()).collect()
    }

    async fn assert_settled(&self, args: Args) {
        self.cloud.mutations();
        assert!(self.plan(args.clone()).await.is_empty());
        self.create(args).await;
        assert_eq!(self.cloud.mutations(), Vec::<String>::new());
    }

    async fn assert_clean(&self) {
        let objects = self.cloud.emulator.objects().await.unwrap();
        let left: Vec<_> = objects.into_iter().filter(|object| !object.made_by_default).collect();
        assert_eq!(left, []);
        assert!(self.engine.state().await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    let place = Place::new();
    let outputs = place.create(Args::default()).await;
    assert!(outputs.vpc_id.as_str().starts_with("vpc-"));
    assert_eq!(outputs.nat_public_ips.len(), 3);
    let tier = Tier::new(Args::default());
    let reading = tier.read(&place.engine, &inputs_with(3)).await.unwrap();
    assert_eq!(reading.drift, []);
    assert_eq!(reading.outputs, Some(outputs));
    place.assert_settled(Args::default()).await;
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing() {
    let place = Place::new();
    let tier = Tier::new(Args::default());
    place.create(Args::default()).await;
    tier.delete(&place.engine).await.unwrap();
    place.assert_clean().await;
    tier.delete(&place.engine).await.unwrap();
    place.create(Args::default()).await;
    tier.delete(&place.engine).await.unwrap();
    place.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_tag_is_changed_in_place_everywhere() {
    let place = Place::new();
    let before = place.create(Args::default()).await;
    let tagged = Args { tags: BTreeMap::from([("Author".to_owned(), "ops".to_owned())]), ..Args::default() };
    assert_eq!(
        place.planned(tagged.clone(), |action| matches!(action, Action::Replace { .. })).await,
        [""; 0]
    );
    // 9 subnets, 7 route tables, 3 addresses, 3 NAT gateways, and 8 single objects have tags.
    assert_eq!(place.planned(tagged.clone(), |action| *action == Action::Update).await.len(), 30);
    assert_eq!(place.create(tagged.clone()).await, before);
    place.assert_settled(tagged).await;
}

#[tokio::test(start_paused = true)]
async fn another_cidr_replaces_the_vpc_and_what_is_in_it_and_keeps_the_public_addresses() {
    let place = Place::new();
    let before = place.create(Args::default()).await;
    let moved = Args { cidr: "10.1.0.0/16".parse().unwrap(), ..Args::default() };
    let plan = place.plan(moved.clone()).await;
    let Action::Replace { because, .. } = &plan.step("vpc/vpc").unwrap().action else {
        panic!("not replaced")
    };
    assert_eq!(because.iter().collect::<Vec<_>>(), ["CidrBlock"]);
    for follows in ["vpc/public-subnet-1", "vpc/nat-1", "vpc/db-acl", "vpc/s3-endpoint", "vpc/flow-log"] {
        let action = &plan.step(follows).unwrap().action;
        assert!(matches!(action, Action::Replace { .. }), "{follows}: {action:?}");
    }
    for stays in ["vpc/nat-eip-1", "vpc/igw", "vpc/flow-log-group", "vpc/flow-log-role"] {
        assert_eq!(plan.step(stays).unwrap().action, Action::Unchanged, "{stays}");
    }
    let after = place.create(moved.clone()).await;
    assert_ne!(after.vpc_id, before.vpc_id);
    assert_eq!(after.nat_public_ips, before.nat_public_ips);
    place.assert_settled(moved.clone()).await;
    Tier::new(moved).delete(&place.engine).await.unwrap();
    place.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn subnets_that_trade_places_are_deleted_before_the_new_ones_are_created() {
    let place = Place::new();
    place.create(Args::default()).await;
    let blocks =
        |third: [u8; 3]| Some(third.map(|third| format!("10.0.{third}.0/24").parse().unwrap()).to_vec());
    // Each private subnet takes what another one had; the plan must find an order.
    let shifted = Args { private_subnet_cidrs: blocks([12, 10, 11]), ..Args::default() };
    let after = place.create(shifted.clone()).await;
    assert_eq!(after.private_subnet_cidrs[0].to_string(), "10.0.12.0/24");
    place.assert_settled(shifted.clone()).await;
    Tier::new(shifted).delete(&place.engine).await.unwrap();
    place.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn every_choice_can_be_changed_to_every_other_one_and_back() {
    let place = Place::new();
    let choices = [
        Args::default(),
        Args { nat: NatMode::Single, ..Args::default() },
        Args { zone_count: Some(2), nat: NatMode::None, ..Args::default() },
        Args { s3_endpoint: false, database_acl: false, ..Args::default() },
        Args {
            map_public_ip_on_launch: true,
            flow_logs: vpc::FlowLogs { enabled: false, ..Default::default() },
            ..Args::default()
        },
        Args { environment: "prod".to_owned(), ..Args::default() },
    ];
    for args in choices.iter().chain(choices.iter().rev()) {
        place.create(args.clone()).await;
        place.assert_settled(args.clone()).await;
    }
    Tier::new(Args::default()).delete(&place.engine).await.unwrap();
    place.assert_clean().await;
}

#[tokio::test(start_paused = true)]
async fn drift_behind_its_back_is_found_and_repaired() {
    let place = Place::new();
    let outputs = place.create(Args::default()).await;
    let ec2 = place.cloud.cx.ec2();
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
    let reading = Tier::new(Args::default()).read(&place.engine, &inputs_with(3)).await.unwrap();
    let drifted: Vec<&str> = reading.drift.iter().map(|drift| drift.address.as_str()).collect();
    assert_eq!(drifted, ["vpc/private-route-2", "vpc/private-subnet-1", "vpc/vpc"]);
    assert_eq!(place.create(Args::default()).await, outputs);
    place.assert_settled(Args::default()).await;
}

#[tokio::test(start_paused = true)]
async fn without_permission_for_one_thing_only_what_depends_on_it_is_left_out() {
    let place = Place::new();
    // A role of that name that is not ours stands in the way.
    let role = format!("payment-vpc-flow-logs-{}-dev", crate::support::REGION);
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    place
        .cloud
        .cx
        .iam()
        .create_role()
        .role_name(role)
        .assume_role_policy_document(trust)
        .send()
        .await
        .unwrap();
    let (graph, _) = try_declare(Args::default(), &inputs_with(3)).unwrap();
    let session = place.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(graph), None).await.unwrap();
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    let failed: Vec<&str> = report.failed.iter().map(|failure| failure.address.as_str()).collect();
    assert_eq!(failed, ["vpc/flow-log-role"]);
    let skipped: Vec<(&str, Operation)> =
        report.skipped.iter().map(|skipped| (skipped.address.as_str(), skipped.operation)).collect();
    assert_eq!(skipped, [("vpc/flow-log", Operation::Create)]);
    assert_eq!(report.done.len(), 51);
    let nothing = Arc::new(Graph::default());
    let session = place.engine.open().await.unwrap();
    let plan = session.plan(nothing, None).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();
}
