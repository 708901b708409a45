//! Running a plan: order, failure, interruption.

use std::sync::Arc;
use std::time::Duration;

use engine::{Cause, ErrorClass, Graph, Operation, Selector};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fake_cloud::Fault;
use crate::world::{World, early, graph, reference, resource};

fn named(name: &str) -> Value {
    json!({ "Name": name, "Size": 1 })
}

fn below(name: &str, parent: &str) -> Value {
    json!({ "Name": name, "Size": 1, "Parents": [reference(parent, "Id")] })
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_only_what_depends_on_it_and_the_report_says_so() {
    let world = World::new();
    world.cloud.always("t/b", Fault::Before(ErrorClass::Denied));
    let wanted = graph([
        resource("t/a", "Test::Token", named("a")),
        resource("t/b", "Test::Token", below("b", "t/a")),
        resource("t/c", "Test::Token", below("c", "t/b")),
        resource("t/x", "Test::Tag", named("x")),
        resource("t/y", "Test::SlowKey", below("y", "t/x")),
    ]);
    let report = world.run(&wanted).await.report();
    let mut done: Vec<&str> = report.done.iter().map(|done| done.address.as_str()).collect();
    done.sort_unstable();
    assert_eq!(done, ["t/a", "t/x", "t/y"]);
    let [failure] = report.failed.as_slice() else { panic!("{:?}", report.failed) };
    assert_eq!((failure.address.as_str(), failure.operation), ("t/b", Operation::Create));
    assert!(matches!(&failure.cause, Cause::Call(error) if error.class == ErrorClass::Denied));
    let [skipped] = report.skipped.as_slice() else { panic!("{:?}", report.skipped) };
    assert_eq!((skipped.address.as_str(), skipped.because.as_str()), ("t/c", "t/b"));
    assert!(!report.interrupted && report.not_begun.is_empty());
    assert!(world.state().await.slot("t/b").is_none(), "a refused create leaves nothing in state");

    world.cloud.no_more_faults();
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn an_early_reference_starts_a_dependent_before_the_resource_is_ready() {
    let world = World::new();
    let begun = Instant::now();
    let wanted = graph([
        resource("t/slow", "Test::SlowToken", named("slow")),
        resource("t/early", "Test::Token", json!({ "Name": "early", "EarlyParents": [early("t/slow")] })),
        resource("t/late", "Test::Token", below("late", "t/slow")),
    ]);
    world.apply(&wanted).await;
    let after = |address: &str| {
        let inner = world.cloud.lock();
        inner.log.iter().find(|call| call.address == address).unwrap().at.duration_since(begun).as_secs()
    };
    assert!(after("t/early") < 5, "{}", after("t/early"));
    assert!(after("t/late") >= 90, "{}", after("t/late"));
}

#[tokio::test(start_paused = true)]
async fn what_takes_longest_is_started_first() {
    let world = World::new();
    let wanted = graph([
        resource("t/short", "Test::Key", named("short")),
        resource("t/middle", "Test::SlowKey", named("middle")),
        resource("t/long", "Test::Key", named("long")),
        resource("t/end", "Test::SlowToken", below("end", "t/long")),
    ]);
    world.apply(&wanted).await;
    let started = world.cloud.lock().started.clone();
    assert_eq!(started[..3], ["create t/long", "create t/middle", "create t/short"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_anything_to_do_ends_at_once_and_calls_nothing() {
    let world = World::new();
    world.apply(&Arc::new(Graph::default())).await;
    let wanted = graph([resource("t/a", "Test::Token", named("a"))]);
    world.apply(&wanted).await;
    let calls = world.cloud.log();
    world.apply(&wanted).await;
    assert_eq!(world.cloud.log(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_cancelled_before_it_applies_begins_nothing() {
    let world = World::new();
    let wanted = graph([resource("t/a", "Test::Token", named("a"))]);
    let session = world.process().engine.open().await.unwrap();
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    session.cancel().cancel();
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert!(report.interrupted);
    assert_eq!(report.not_begun.len(), 1);
    assert!(world.cloud.log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changed_between_plan_and_apply_is_left_alone() {
    let world = World::new();
    world
        .apply(&graph([
            resource("t/a", "Test::Token", named("a")),
            resource("t/b", "Test::Token", named("b")),
        ]))
        .await;
    let session = world.process().engine.open().await.unwrap();
    let changed = graph([resource("t/a", "Test::Token", json!({ "Name": "a", "Size": 2 }))]);
    let plan = session.plan(changed, &Selector::all()).await.unwrap();
    for address in ["t/a", "t/b"] {
        world.cloud.tamper(address, "Size", json!(7));
    }
    let calls = world.cloud.log();
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(report.failed.len(), 2);
    for failure in &report.failed {
        assert!(matches!(&failure.cause, Cause::Stale { what } if what == "Size"), "{:?}", failure.cause);
    }
    assert_eq!(world.cloud.log(), calls);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_applied_twice_creates_nothing_twice() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Token", named("a"))])).await;
    let session = world.process().engine.open().await.unwrap();
    let wanted = graph([
        resource("t/a", "Test::Token", json!({ "Name": "a", "Shape": 1 })),
        resource("t/b", "Test::Tag", named("b")),
    ]);
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert!(
        report.failed.iter().all(|failure| matches!(failure.cause, Cause::Stale { .. })),
        "{:?}",
        report.failed
    );
    assert_eq!(world.cloud.addresses(), ["t/a", "t/b"]);
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_settles_what_its_own_apply_left_open_before_it_plans_again() {
    for kind in ["Test::Token", "Test::Tag", "Test::Key"] {
        let world = World::new();
        // It is created, but no answer ever arrives.
        world.cloud.always("t/a", Fault::AfterEffect);
        world.cloud.set_lag(Duration::from_secs(1000));
        let session = world.process().engine.open().await.unwrap();
        let plan = session.plan(graph([resource("t/a", kind, named("a"))]), &Selector::all()).await.unwrap();
        let report = session.apply(&plan).await.unwrap();
        world.cloud.no_more_faults();
        if kind == "Test::Key" {
            assert!(report.is_complete(), "a second create says that it exists, so it is found");
        } else if kind == "Test::Token" {
            assert!(!report.is_complete());
        } else {
            // With a lag beyond the grace period, duplicates cannot be helped; this is about the others.
            session.close().await.unwrap();
            continue;
        }
        let other = graph([resource("t/a", kind, json!({ "Name": "a", "Size": 2 }))]);
        let plan = session.plan(other, &Selector::all()).await.unwrap();
        assert!(session.apply(&plan).await.unwrap().is_complete());
        session.close().await.unwrap();
        assert_eq!(world.cloud.addresses(), ["t/a"], "{kind}");
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_leaves_its_intent_open_can_be_planned_again_in_the_same_session() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Token", named("a"))])).await;
    let session = world.process().engine.open().await.unwrap();
    let wanted = graph([resource("t/a", "Test::Token", json!({ "Name": "a", "Size": 2 }))]);
    let plan = session.plan(Arc::clone(&wanted), &Selector::all()).await.unwrap();
    // The update is refused, and so is the look at what became of it.
    world.cloud.always("t/a", Fault::Before(ErrorClass::Denied));
    world.cloud.set_faults([(3, Fault::Before(ErrorClass::Denied))]);
    assert!(!session.apply(&plan).await.unwrap().is_complete());
    assert_eq!(session.state().slot("t/a").unwrap().open.len(), 1);
    world.cloud.no_more_faults();
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_created_a_moment_ago_and_is_not_seen_everywhere_yet_is_waited_for() {
    let world = World::new();
    world.cloud.set_lag(Duration::from_secs(20));
    let wanted = graph([
        resource("t/new", "Test::Tag", named("new")),
        resource("t/early", "Test::Key", json!({ "Name": "early", "EarlyParents": [early("t/new")] })),
    ]);
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn an_early_reference_to_an_output_that_an_update_changes_waits_for_the_update() {
    let world = World::new();
    let wanted = |size: u8| {
        let version = json!({ "$ref": "t/a", "attr": "Version", "early": true });
        graph([
            resource("t/a", "Test::Token", json!({ "Name": "a", "Size": size })),
            resource("t/b", "Test::Token", json!({ "Name": "b", "Text": [version] })),
        ])
    };
    world.apply(&wanted(1)).await;
    world.apply(&wanted(2)).await;
    assert_eq!(world.cloud.at("t/b").unwrap().properties["Text"][0], "v2");
}

#[tokio::test(start_paused = true)]
async fn exports_are_recorded_and_read_back() {
    let world = World::new();
    let wanted = Graph::from_declarations(vec![resource("t/a", "Test::Token", named("a"))])
        .unwrap()
        .with_exports(json!({ "Id": reference("t/a", "Id"), "Missing": reference("t/b", "Id") }));
    world.apply(&Arc::new(wanted)).await;
    let exports = world.state().await.exports();
    assert_eq!(exports.len(), 1);
    assert_eq!(exports["Id"], "id-000001");
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_of_the_exports_is_no_complete_run_and_the_next_one_writes_them() {
    let world = World::new();
    let with = |exports: Value| {
        let graph = Graph::from_declarations(vec![resource("t/a", "Test::Token", named("a"))]).unwrap();
        Arc::new(graph.with_exports(exports))
    };
    world.apply(&with(json!({}))).await;
    let wanted = with(json!({ "Id": reference("t/a", "Id") }));
    // Opening is the first write; nothing but the exports is left to be written.
    let process = world.process();
    process.store.fail_at(2);
    let ended = world.run_as(&process, &wanted).await;
    assert!(!ended.is_complete(), "{ended:?}");
    assert!(world.state().await.exports().is_empty());
    world.apply(&wanted).await;
    assert_eq!(world.state().await.exports()["Id"], "id-000001");
}

#[tokio::test(start_paused = true)]
async fn what_a_read_does_not_find_has_disappeared_and_what_a_poll_does_not_find_is_gone() {
    let world = World::new();
    let wanted = graph([resource("t/a", "Test::SlowToken", named("a"))]);
    world.apply(&wanted).await;
    // A cloud may say "not found" instead of answering with nothing. A read looks twice, in case it is too early.
    world.cloud.set_faults((1..9).map(|call| (call, Fault::Before(ErrorClass::NotFound))));
    let process = world.process();
    let drift = process.engine.with_settle_grace(Duration::ZERO).drift(&Selector::all()).await.unwrap();
    assert_eq!(drift.len(), 1);
    assert_eq!(drift[0].changes, None);
    world.cloud.no_more_faults();
    // A deletion is planned (a read), read again, sent, and looked after; no look after it finds anything.
    world.cloud.set_faults((4..8).map(|call| (call, Fault::Before(ErrorClass::NotFound))));
    let ended = world.run(&graph([])).await;
    assert!(ended.is_complete(), "{ended:?}");
    assert!(world.state().await.is_empty());
}
