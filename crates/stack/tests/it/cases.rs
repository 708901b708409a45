//! Changes of zones and subnets on a live stack, at AWS's own pace in virtual time, with running tasks and a database: each is done
//! in one run, or refused before any call.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{Action, Address, Declaration, Graph, PlanError, Selector, State};
use serde_json::Value;
use stack::Config;

use crate::live::{Live, REGION, blocks, network, zones};

fn named(instances: &[(&str, &str)]) -> Vec<(String, String)> {
    instances.iter().map(|(number, zone)| (format!("payment-db-{number}-dev"), (*zone).to_owned())).collect()
}

/// Case 07: three zones become two.
#[tokio::test(start_paused = true)]
async fn case_07_a_zone_less_with_an_instance_in_it() {
    let mut live = Live::empty("abc");
    live.config.section_mut::<database::Tier>().instances = 3;
    live.change(|_| {}).await;
    let cluster = live.cluster().await;
    assert_eq!(live.instances().await, named(&[("1", "a"), ("2", "b"), ("3", "c")]));

    // As many instances as before: another one is made before the one in the third zone goes.
    let less = |config: &mut Config| network(config).availability_zones = zones("ab");
    let ran = live.change(less).await;
    assert_eq!(live.instances().await, named(&[("1", "a"), ("2", "b"), ("4", "a")]));
    assert!(ran.place("database/instance-4") < ran.place("database/instance-3"));
    assert!(ran.place("database/instance-3") < ran.place("database/subnet-group"));
    assert!(ran.place("database/subnet-group") < ran.place("vpc/database-subnet-c"));
    assert_eq!(live.cluster().await, cluster);

    // Back, and to fewer instances as well.
    live.change(|_| {}).await;
    assert_eq!(live.instances().await, named(&[("1", "a"), ("2", "b"), ("3", "c")]));
    let fewer = |config: &mut Config| {
        less(config);
        config.section_mut::<database::Tier>().instances = 2;
    };
    let ran = live.change(fewer).await;
    assert_eq!(live.instances().await, named(&[("1", "a"), ("2", "b")]));
    assert!(ran.place("database/instance-3") < ran.place("database/subnet-group"));
    assert_eq!(live.cluster().await, cluster);
    live.destroy().await;
}

/// Case 08: one zone is exchanged. What is in the other stays.
#[tokio::test(start_paused = true)]
async fn case_08_a_zone_is_exchanged_and_the_other_stays_as_it_is() {
    let live = Live::new("ab").await;
    let cluster = live.cluster().await;
    let ran = live.change(|config| network(config).availability_zones = zones("bc")).await;
    assert_eq!(live.instances().await, named(&[("2", "b"), ("3", "c")]));
    assert_eq!(live.cluster().await, cluster);
    // Of the zone that stays, nothing is even changed.
    let of_b: Vec<&str> = ran.changed().into_iter().filter(|address| address.ends_with("-b")).collect();
    assert_eq!(of_b, [""; 0]);
    assert_eq!(ran.plan.step("database/instance-2").unwrap().action, Action::Unchanged);
    // Users move before what they used goes.
    for user in ["alb/load-balancer", "ecs/service", "vpc/ecr-api-endpoint"] {
        let subnet = if user.starts_with("alb") { "vpc/public-subnet-a" } else { "vpc/private-subnet-a" };
        assert!(ran.place(user) < ran.place(subnet), "{user}");
    }
    assert!(ran.place("database/instance-3") < ran.place("database/instance-1"));
    live.destroy().await;
}

/// Case 08: no zone stays. The cluster has an instance all the time, and keeps its data.
#[tokio::test(start_paused = true)]
async fn case_08_both_zones_are_exchanged_and_the_database_is_never_without_an_instance() {
    let live = Live::new("ab").await;
    let cluster = live.cluster().await;
    let ran = live.change(|config| network(config).availability_zones = zones("cd")).await;
    assert_eq!(live.instances().await, named(&[("3", "c"), ("4", "d")]));
    assert_eq!(live.cluster().await, cluster);
    let made = ran.place("database/instance-3").max(ran.place("database/instance-4"));
    let gone = ran.place("database/instance-1").min(ran.place("database/instance-2"));
    assert!(made < gone);
    live.destroy().await;
}

/// Case 08: the order of zones means nothing.
#[tokio::test(start_paused = true)]
async fn case_08_permuted_zones_are_no_change() {
    let live = Live::new("abc").await;
    let ran = live.change(|config| network(config).availability_zones = zones("cab")).await;
    assert_eq!(ran.changed(), BTreeSet::new());
    assert_eq!(live.mutating(), [""; 0]);
}

/// A zone more, and the only NAT gateway stays where it is.
#[tokio::test(start_paused = true)]
async fn a_zone_more_moves_nothing_and_the_only_gateway_keeps_its_address() {
    let mut live = Live::empty("bc");
    network(&mut live.config).nat = vpc::NatMode::Single;
    live.change(|_| {}).await;
    let address = live.id("vpc/nat-eip-b", "PublicIp").await;
    assert!(address.is_some());
    let ran = live.change(|config| network(config).availability_zones = zones("abc")).await;
    assert_eq!(live.id("vpc/nat-eip-b", "PublicIp").await, address);
    let replaced = |step: &&engine::Step| matches!(step.action, Action::Replace { .. } | Action::Delete);
    assert_eq!(ran.plan.steps().iter().find(replaced), None);
}

/// Case 09: an instance cannot change its subnet.
#[tokio::test(start_paused = true)]
async fn case_09_other_database_subnets_are_refused_before_any_call() {
    let live = Live::new("abc").await;
    let moved = |config: &mut Config| network(config).database_subnet_cidrs = blocks(40..43);
    let error = live.refused(moved).await;
    let PlanError::Refused { address, reason, hint } = &error else { panic!("{error}") };
    assert_eq!(address.as_str(), "database/subnet-group");
    assert!(reason.starts_with("the instance payment-db-1-dev runs in subnet-"), "{reason}");
    assert!(reason.ends_with("an instance cannot change its subnet"), "{reason}");
    assert!(hint.contains("`vpc.availability_zones`"), "{hint}");
    // Back is where it is.
    let ran = live.change(|_| {}).await;
    assert_eq!(ran.changed(), BTreeSet::new());
    // In the zone without an instance there may be another one.
    let third = |config: &mut Config| network(config).database_subnet_cidrs = blocks([20, 21, 42]);
    let cluster = live.cluster().await;
    live.change(third).await;
    assert_eq!(live.cluster().await, cluster);
    live.change(|_| {}).await;

    // What the hint says: over other zones.
    let over = |config: &mut Config| {
        network(config).availability_zones = zones("cd");
        network(config).database_subnet_cidrs = blocks([22, 43]);
    };
    live.change(over).await;
    live.change(moved_all).await;
    assert_eq!(live.cluster().await, cluster);
    live.destroy().await;
}

fn moved_all(config: &mut Config) {
    network(config).availability_zones = zones("abd");
    network(config).database_subnet_cidrs = blocks([40, 41, 43]);
}

/// Other blocks for public and private subnets: load balancer, gateways, endpoints and tasks move, in one run.
#[tokio::test(start_paused = true)]
async fn other_public_and_private_subnets_come_before_the_old_ones_go() {
    let live = Live::new("ab").await;
    let database = live.instances().await;
    let ran = live
        .change(|config| {
            network(config).public_subnet_cidrs = blocks(50..52);
            network(config).private_subnet_cidrs = blocks(60..62);
        })
        .await;
    assert_eq!(live.instances().await, database);
    assert!(matches!(ran.plan.step("vpc/public-subnet-a").unwrap().action, Action::Replace { .. }));
    assert_eq!(ran.plan.step("vpc/database-subnet-a").unwrap().action, Action::Unchanged);
    // And back.
    live.change(|_| {}).await;
    live.destroy().await;
}

/// Blocks that overlap those of another subnet which is in use: that would have to go first, and cannot.
#[tokio::test(start_paused = true)]
async fn blocks_that_are_in_use_are_refused_before_any_call() {
    let live = Live::new("ab").await;
    let error = live.refused(|config| network(config).public_subnet_cidrs = blocks([1, 2])).await;
    let PlanError::InTheWay { address, by } = &error else { panic!("{error}") };
    assert_eq!((address.as_str(), by.as_str()), ("vpc/public-subnet-b", "alb/load-balancer"));
}

/// Another block for the VPC replaces everything in it; the plan says that the data goes.
#[tokio::test(start_paused = true)]
async fn another_block_for_the_vpc_is_done_in_one_run_and_says_that_the_data_goes() {
    let live = Live::new("ab").await;
    let ran = live.change(|config| network(config).cidr = "10.9.0.0/16".parse().unwrap()).await;
    let removal = ran.plan.step("database/cluster").unwrap().removal().unwrap();
    assert!(removal.loses());
    live.destroy().await;
}

/// What an earlier version of the program would have declared: zones by their position.
fn numbered(graph: &Graph, letters: &str) -> Graph {
    let former = |address: &str| -> String {
        let position = letters.chars().position(|letter| address.ends_with(&format!("-{letter}")));
        match position.filter(|_| address.starts_with("vpc/")) {
            Some(position) => format!("{}{}", &address[..address.len() - 1], position + 1),
            None => address.to_owned(),
        }
    };
    fn renamed(value: &Value, former: &impl Fn(&str) -> String) -> Value {
        match value {
            Value::Object(object) => {
                let rename = |(key, value): (&String, &Value)| match (key.as_str(), value) {
                    ("$ref", Value::String(address)) => (key.clone(), former(address).into()),
                    _ => (key.clone(), renamed(value, former)),
                };
                Value::Object(object.iter().map(rename).collect())
            }
            Value::Array(items) => items.iter().map(|item| renamed(item, former)).collect(),
            other => other.clone(),
        }
    }
    let address = |address: &Address| Address::new(&former(address.as_str())).unwrap();
    let nodes = graph.nodes().iter().map(|node| Declaration {
        address: address(&node.address),
        properties: renamed(&node.properties, &former),
        after: node.after.iter().map(address).collect(),
        ..node.clone()
    });
    Graph::from_declarations(nodes.collect()).unwrap()
}

/// A state of an earlier version: nothing to do, nothing called, everything at its new address, and it goes on from there.
#[tokio::test(start_paused = true)]
async fn a_state_in_which_zones_have_numbers_is_taken_on_without_a_call() {
    for letters in ["abc", "cb"] {
        let live = Live::empty(letters);
        // As it was numbered then.
        let old: Vec<usize> = (1..=letters.len()).collect();
        let graph = live.declared(&State::default(), |_| {});
        let graph = match letters {
            "abc" => numbered(&graph, letters),
            _ => continue_numbered(&live, letters),
        };
        let ran = live.try_run(Arc::new(graph)).await.unwrap();
        assert!(ran.report.is_complete(), "{:#?}", ran.report);
        let before = live.engine.state().await.unwrap();
        for number in &old {
            assert!(before.current(&format!("vpc/public-subnet-{number}")).is_some());
        }
        let objects = live.objects().await;

        let graph = live.declared(&before, |_| {});
        let preview = live.engine.preview(Arc::clone(&graph), &Selector::all()).await.unwrap();
        let changes: Vec<_> = preview.steps().iter().filter(|step| step.is_change()).collect();
        assert!(changes.is_empty(), "{letters}: {changes:#?}");
        assert!(preview.moved().len() > 20, "{}", preview.moved().len());
        let ran = live.try_run(graph).await.unwrap();
        assert!(ran.report.is_complete(), "{:#?}", ran.report);
        assert_eq!(live.mutating(), [""; 0]);
        assert_eq!(live.objects().await, objects);
        let after = live.engine.state().await.unwrap();
        assert_eq!(after.objects().count(), before.objects().count());
        for letter in letters.chars() {
            let subnet = after.current(&format!("vpc/public-subnet-{letter}")).unwrap();
            assert_eq!(subnet.properties["AvailabilityZone"], format!("{REGION}{letter}"));
        }
        assert!(after.objects().all(|(address, _)| !address.as_str().starts_with("vpc/nat-1")));

        // It goes on from there.
        live.change(|config| network(config).availability_zones = zones("bd")).await;
        live.destroy().await;
    }
}

/// The zones `c` and `b`, in this order: with the numbers 1 and 2, and so with the first two blocks.
fn continue_numbered(live: &Live, letters: &str) -> Graph {
    let as_default =
        live.declared(&State::default(), |config| network(config).availability_zones = zones("ab"));
    let graph = numbered(&as_default, "ab");
    let zone = |value: &Value| {
        let mut text = value.to_string();
        for (position, letter) in letters.chars().enumerate() {
            let was = char::from(b'a' + u8::try_from(position).unwrap());
            text = text.replace(&format!("\"{REGION}{was}\""), &format!("\"{REGION}~~{letter}\""));
        }
        serde_json::from_str(&text.replace("~~", "")).unwrap()
    };
    let nodes =
        graph.nodes().iter().map(|node| Declaration { properties: zone(&node.properties), ..node.clone() });
    Graph::from_declarations(nodes.collect()).unwrap()
}
