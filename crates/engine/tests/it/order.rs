//! In which order objects come and go, beyond what their references say.

use std::sync::Arc;

use engine::{Declaration, EngineError, ErrorClass, Graph, PlanError, Selector};
use serde_json::{Value, json};

use crate::fake_cloud::{CallEnd, Fault, GROUP, HELD, MEMBER, PART};
use crate::world::{Ended, World, graph, reference, resource};

fn part(at: &str) -> Declaration {
    resource(at, "Test::Token", json!({ "Name": at }))
}

/// A group of parts, a cluster in the group, and members in the cluster.
fn cluster(parts: &[&str], members: &[&str]) -> Arc<Graph> {
    let ids: Vec<Value> = parts.iter().map(|part| reference(part, "Id")).collect();
    let mut declared: Vec<Declaration> = parts.iter().map(|at| part(at)).collect();
    declared.push(resource("t/group", GROUP.name, json!({ "Name": "group", "Mentions": ids })));
    let inside = |at: &str, kind: &str, of: &str| {
        resource(at, kind, json!({ "Name": at, "Parents": [reference(of, "Id")] }))
    };
    declared.push(inside("t/cluster", "Test::SlowToken", "t/group"));
    declared.extend(members.iter().map(|at| inside(at, MEMBER.name, "t/cluster")));
    graph(declared)
}

#[tokio::test(start_paused = true)]
async fn a_group_takes_what_is_new_before_it_gives_up_what_is_old_and_there_always_is_a_member() {
    let world = World::new();
    world.apply(&cluster(&["t/p1", "t/p2"], &["t/m1", "t/m2"])).await;
    world.cloud.clear_log();
    let other = cluster(&["t/p3", "t/p4"], &["t/m3", "t/m4"]);
    world.apply(&other).await;
    let log = world.cloud.log();
    let at =
        |entry: &str| log.iter().position(|one| one == entry).unwrap_or_else(|| panic!("{entry}: {log:?}"));
    let widened = at("update t/group");
    let given_up = log.iter().rposition(|one| one == "update t/group").unwrap();
    assert!(at("create t/p3") < widened && widened < at("create t/m3"), "{log:?}");
    for (made, gone) in [("t/m3", "t/m1"), ("t/m3", "t/m2"), ("t/m4", "t/m1"), ("t/m4", "t/m2")] {
        assert!(at(&format!("create {made}")) < at(&format!("delete {gone}")), "{log:?}");
    }
    assert!(at("delete t/m1").max(at("delete t/m2")) < given_up, "{log:?}");
    assert!(given_up < at("delete t/p1").min(at("delete t/p2")), "{log:?}");
    world.check_cloud_equals_state().await;
    assert!(world.plan(&other).await.is_empty());
}

/// What somebody deleted is refused in every list, so the first call must not have it, whether the plan still knew it or an
/// earlier run has made another in its place, and whether it is declared still.
#[tokio::test(start_paused = true)]
async fn what_is_gone_is_not_kept_in_a_list_that_is_widened() {
    let as_before = ["t/p1", "t/p2"];
    for (parts, is_made_before) in [(as_before, false), (as_before, true), (["t/p2", "t/p3"], false)] {
        let world = World::new();
        world.apply(&cluster(&as_before, &["t/m1"])).await;
        let wanted = cluster(&parts, &["t/m1"]);
        let gone = world.cloud.at("t/p1").unwrap().id();
        world.cloud.lose("t/p1");
        if is_made_before {
            world.cloud.die_at(1, CallEnd::After);
            assert!(matches!(world.run(&wanted).await, Ended::Died));
        }
        world.cloud.clear_log();
        world.apply(&wanted).await;
        let sent: Vec<Value> = {
            let cloud = world.cloud.lock();
            let updates = cloud.log.iter().filter(|call| call.what == "update");
            updates.map(|call| call.properties.clone()).collect()
        };
        assert!(!sent.is_empty());
        assert!(sent.iter().all(|sent| !sent.to_string().contains(&gone)), "{gone} in {sent:?}");
        assert!(world.plan(&wanted).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_new_one_change_is_enough_and_nobody_waits_for_it() {
    let world = World::new();
    world.apply(&cluster(&["t/p1", "t/p2"], &["t/m1", "t/m2"])).await;
    world.cloud.clear_log();
    world.apply(&cluster(&["t/p1"], &["t/m1", "t/m3"])).await;
    assert_eq!(world.cloud.log(), ["create t/m3", "delete t/m2", "update t/group", "delete t/p2"]);
    world.check_cloud_equals_state().await;
    // And more of it is a change like any other.
    world.cloud.clear_log();
    world.apply(&cluster(&["t/p1", "t/p5"], &["t/m1", "t/m3"])).await;
    assert_eq!(world.cloud.log(), ["create t/p5", "update t/group"]);
}

/// What is granted, and who works with the grants. They are replaced by others.
fn granted(grants: &Value, shape: u8) -> Arc<Graph> {
    let worker = json!({ "Name": "worker", "Shape": shape, "Parents": [reference("t/group", "Id")] });
    graph(vec![
        resource("t/group", GROUP.name, json!({ "Name": "group", "Grants": grants })),
        resource("t/worker", "Test::SlowToken", worker),
    ])
}

#[tokio::test(start_paused = true)]
async fn an_item_that_has_an_identity_and_changes_is_changed_first_and_one_that_goes_is_taken_away_last() {
    let world = World::new();
    world.apply(&granted(&json!([{ "Key": "own", "May": 1 }, { "Key": "former" }]), 1)).await;
    world.cloud.clear_log();
    let other = granted(&json!([{ "Key": "own", "May": 2 }, { "Key": "latter" }]), 2);
    world.apply(&other).await;
    assert_eq!(world.cloud.log(), ["update t/group", "create t/worker", "delete t/worker", "update t/group"]);
    let sent: Vec<Value> = {
        let cloud = world.cloud.lock();
        let updates = cloud.log.iter().filter(|call| call.what == "update");
        updates.map(|call| call.properties["Grants"].clone()).collect()
    };
    let own = json!({ "Key": "own", "May": 2 });
    assert_eq!(sent[0], json!([own, { "Key": "former" }, { "Key": "latter" }]));
    assert_eq!(sent[1], json!([own, { "Key": "latter" }]));
    world.check_cloud_equals_state().await;
    assert!(world.plan(&other).await.is_empty());

    // Where none goes, one call is enough.
    world.cloud.clear_log();
    world.apply(&granted(&json!([{ "Key": "own", "May": 3 }, { "Key": "latter" }]), 2)).await;
    assert_eq!(world.cloud.log(), ["update t/group"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_anywhere_on_the_way_is_followed_by_one_that_goes_on() {
    for end in [CallEnd::Before, CallEnd::After] {
        for call in 1.. {
            let world = World::new();
            world.apply(&cluster(&["t/p1", "t/p2"], &["t/m1", "t/m2"])).await;
            world.cloud.clear_log();
            world.cloud.die_at(call, end);
            let other = cluster(&["t/p2", "t/p3"], &["t/m2", "t/m3"]);
            let died = matches!(world.run(&other).await, Ended::Died);
            world.apply(&other).await;
            world.check_cloud_equals_state().await;
            assert!(world.plan(&other).await.is_empty());
            if !died {
                assert!(call > 6, "{call}");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_held_is_not_deleted_for_a_successor_that_its_user_waits_for() {
    let world = World::new();
    let wanted = |shape: u8, kind: &str| {
        let held = resource("t/held", kind, json!({ "Name": "one", "Shape": shape }));
        let user = json!({ "Name": "user", "Links": [reference("t/held", "Id")] });
        graph([held, resource("t/user", "Test::Token", user)])
    };
    world.apply(&wanted(1, HELD.name)).await;
    world.cloud.clear_log();
    let error = world.apply_selected(&wanted(2, HELD.name), &Selector::all()).await.unwrap_err();
    let EngineError::Plan(PlanError::InTheWay { address, by }) = &error else { panic!("{error}") };
    assert_eq!((address.as_str(), by.as_str()), ("t/held", "t/user"));
    assert_eq!(world.cloud.log(), [""; 0]);
    // One of another kind only names it, and does not keep it from being deleted.
    let named = |shape: u8| {
        let held = resource("t/held", HELD.name, json!({ "Name": "one", "Shape": shape }));
        let user = json!({ "Name": "namer", "Links": [reference("t/held", "Id")] });
        graph([held, resource("t/namer", "Test::Key", user)])
    };
    world.apply(&named(1)).await;
    assert!(!world.plan(&named(2)).await.is_empty());
    // Without a user it is replaced like any other.
    world.apply(&graph([resource("t/held", HELD.name, json!({ "Name": "one", "Shape": 1 }))])).await;
    world.apply(&graph([resource("t/held", HELD.name, json!({ "Name": "one", "Shape": 2 }))])).await;
    world.check_cloud_equals_state().await;
}

/// What does not change has no task, so whoever refers to it waits for what it stands on.
#[tokio::test(start_paused = true)]
async fn what_is_made_waits_for_a_change_over_what_does_not_change() {
    let world = World::new();
    let wanted = |size: u8, members: &[&str]| {
        let inside = |at: &str, of: &str| {
            resource(at, "Test::Token", json!({ "Name": at, "Parents": [reference(of, "Id")] }))
        };
        let base = resource("t/base", "Test::Token", json!({ "Name": "base", "Size": size }));
        let members = members.iter().map(|at| inside(at, "t/middle"));
        graph([base, inside("t/middle", "t/base")].into_iter().chain(members))
    };
    world.apply(&wanted(1, &[])).await;
    world.cloud.clear_log();
    world.apply(&wanted(2, &["t/a-member"])).await;
    assert_eq!(world.cloud.log(), ["update t/base", "create t/a-member"]);
}

/// A part of something, such as a user in a database, goes with it: nothing is called for it, which might not work any more. Where
/// the whole stays, the part is deleted.
#[tokio::test(start_paused = true)]
async fn a_part_goes_with_what_it_is_a_part_of() {
    let whole = || resource("t/whole", HELD.name, json!({ "Name": "whole" }));
    let member = || {
        resource("t/member", "Test::Token", json!({ "Name": "m", "Mentions": [reference("t/whole", "Id")] }))
    };
    let mentions = json!([reference("t/whole", "Id"), reference("t/member", "Id")]);
    let part = || resource("t/part", PART.name, json!({ "Name": "part", "Mentions": mentions.clone() }));
    let all: &[&str] = &["delete t/member", "delete t/whole"];
    for (left, called) in [(vec![], all), (vec![whole(), member()], &["delete t/part"])] {
        let world = World::new();
        world.apply(&graph([whole(), member(), part()])).await;
        world.cloud.clear_log();
        let wanted = graph(left);
        world.apply(&wanted).await;
        assert_eq!(world.cloud.log(), called);
        assert!(world.plan(&wanted).await.is_empty());
    }
    // As long as the whole is there, the part is recorded.
    let world = World::new();
    world.apply(&graph([whole(), member(), part()])).await;
    world.cloud.always("t/whole", Fault::Before(ErrorClass::Invalid));
    assert!(!world.run(&graph([])).await.is_complete());
    assert!(world.state().await.current("t/part").is_some());
}
