//! What a plan was made from: the same in another process, and whatever changes since is told by address and property.

use std::sync::Arc;

use engine::{Basis, Graph, Selector, Since};
use serde_json::{Value, json};

use crate::world::{World, address, graph, reference, resource};

fn two(size: u64) -> Arc<Graph> {
    graph([
        resource("t/a", "Test::Token", json!({ "Name": "a", "Size": size })),
        resource("t/b", "Test::Tag", json!({ "Name": "b", "Size": 1, "Parents": [reference("t/a", "Id")] })),
    ])
}

async fn basis(world: &World, graph: &Arc<Graph>) -> Basis {
    let plan = world.process().engine.preview(Arc::clone(graph), &Selector::all()).await.unwrap();
    // As it is kept in a file.
    serde_json::from_value(serde_json::to_value(plan.basis()).unwrap()).unwrap()
}

/// What a session that is about to apply finds to be different.
async fn changed(world: &World, then: &Basis, graph: &Arc<Graph>) -> Vec<Since> {
    let session = world.process().engine.open().await.unwrap();
    let now = session.plan(Arc::clone(graph), &Selector::all()).await.unwrap().basis();
    session.close().await.unwrap();
    then.changed(&now)
}

fn live(at: &str, property: Option<&str>) -> Since {
    Since::Live(address(at), property.map(str::to_owned))
}

fn declared(at: &str, property: Option<&str>) -> Since {
    Since::Declared(address(at), property.map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn a_session_plans_from_the_same_as_a_preview_and_runs_that_changed_nothing_in_between_do_not_count() {
    let world = World::new();
    let then = basis(&world, &two(1)).await;
    assert_eq!((then.lineage.as_str(), then.records), ("", 0));
    assert_eq!(changed(&world, &then, &two(1)).await, []);
    world.apply(&two(1)).await;
    for size in [1, 2] {
        let then = basis(&world, &two(size)).await;
        assert_eq!(changed(&world, &then, &two(size)).await, []);
        assert_eq!(changed(&world, &then, &two(size)).await, [], "it was opened once more in between");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_in_the_cloud_is_told_also_where_the_plan_would_leave_it_alone() {
    let world = World::new();
    world.apply(&two(1)).await;
    let then = basis(&world, &two(2)).await;
    world.cloud.tamper("t/b", "Size", json!(9));
    assert_eq!(changed(&world, &then, &two(2)).await, [live("t/b", Some("Size"))]);
    world.cloud.tamper("t/b", "Size", json!(1));
    assert_eq!(changed(&world, &then, &two(2)).await, []);
    world.cloud.lose("t/b");
    assert_eq!(changed(&world, &then, &two(2)).await, [live("t/b", None)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_otherwise_is_told_and_so_is_another_record_and_another_state() {
    let world = World::new();
    world.apply(&two(1)).await;
    let then = basis(&world, &two(2)).await;
    assert_eq!(changed(&world, &then, &two(3)).await, [declared("t/a", Some("Size"))]);
    let more = graph([resource("t/c", "Test::Token", json!({ "Name": "c", "Size": 1 }))]);
    let told = changed(&world, &then, &more).await;
    let wanted = ["t/a", "t/b", "t/c"].map(|at| declared(at, None));
    assert!(wanted.iter().all(|one| told.contains(one)), "{told:?}");

    world.apply(&two(2)).await;
    let told = changed(&world, &then, &two(2)).await;
    assert!(told.contains(&Since::Recorded(address("t/a"))), "{told:?}");
    assert!(told.contains(&live("t/a", Some("Size"))), "{told:?}");

    let other = World::new();
    other.apply(&two(1)).await;
    let lineage = |basis: &Basis| basis.lineage.clone();
    let mut elsewhere = basis(&other, &two(2)).await;
    // Worlds of a test begin with the same random numbers.
    elsewhere.lineage = format!("{}0", lineage(&elsewhere));
    assert_eq!(then.changed(&elsewhere), [Since::OtherState]);
}

#[tokio::test(start_paused = true)]
async fn no_value_is_in_it() {
    let world = World::new();
    let wanted = graph([resource("t/a", "Test::Token", json!({ "Name": "confidential-name", "Size": 1 }))]);
    world.apply(&wanted).await;
    world.cloud.tamper("t/a", "Size", json!("confidential-size"));
    let text = serde_json::to_string(&basis(&world, &wanted).await).unwrap();
    assert!(text.contains("t/a") && !text.contains("confidential"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_typical_time_of_a_plan_is_its_longest_chain() {
    let world = World::new();
    let chain = two(1);
    let plan = world.plan(&chain).await;
    let steps: u64 = plan.typical_times().iter().map(|time| time.as_secs()).sum();
    assert_eq!(plan.typical_time().as_secs(), steps, "the one waits for the other");
    let alone: Vec<Value> = ["a", "b"].iter().map(|name| json!({ "Name": name, "Size": 1 })).collect();
    let beside = graph([
        resource("t/a", "Test::Token", alone[0].clone()),
        resource("t/b", "Test::Tag", alone[1].clone()),
    ]);
    let plan = world.plan(&beside).await;
    assert_eq!(plan.typical_time(), plan.typical_times().into_iter().max().unwrap());
    world.apply(&beside).await;
    let plan = world.plan(&beside).await;
    assert_eq!((plan.typical_time().as_secs(), plan.typical_times()[0].as_secs()), (0, 0));
}
