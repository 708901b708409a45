//! What became of calls whose answer was lost.

use std::sync::Arc;
use std::time::Duration;

use engine::{Cause, ErrorClass, Graph, Operation, Progress};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fake_cloud::{CallEnd, Fault, KINDS};
use crate::world::{Listener, World, graph, reference, resource};

fn named(name: &str) -> Value {
    json!({ "Name": name, "Size": 1 })
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_process_died_before_its_answer_is_found_whatever_its_kind() {
    for spec in KINDS {
        let world = World::new();
        world.cloud.set_lag(Duration::from_secs(25));
        world.cloud.set_key_lag(Duration::from_secs(25));
        let wanted = graph([resource("t/a", spec.name, named("a"))]);
        world.cloud.die_at(1, CallEnd::After);
        world.run(&wanted).await;
        world.cloud.no_more_faults();
        assert_eq!(world.state().await.slot("t/a").unwrap().open.len(), 1);
        let listener = Arc::new(Listener::default());
        let process = world.process();
        let engine = process.engine.clone().with_observer(Arc::clone(&listener) as Arc<dyn engine::Observer>);
        engine.open().await.unwrap().close().await.unwrap();
        let settled = listener.0.lock().unwrap().iter().any(|progress| {
            matches!(progress, Progress::Settled { operation: Operation::Create, took_effect: true, .. })
        });
        assert!(settled, "{}", spec.name);
        world.apply(&wanted).await;
        assert_eq!(world.cloud.addresses(), ["t/a"], "{}", spec.name);
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_never_makes_a_second_object_while_the_lag_is_below_the_grace() {
    for spec in KINDS {
        for lag in [0, 10, 17, 29] {
            let world = World::new();
            world.cloud.set_lag(Duration::from_secs(lag));
            world.cloud.set_key_lag(Duration::from_secs(lag));
            world.cloud.set_faults([(1, Fault::AfterEffect)]);
            let wanted = graph([resource("t/a", spec.name, named("a"))]);
            world.apply(&wanted).await;
            assert_eq!(world.cloud.addresses(), ["t/a"], "{}, {lag} s", spec.name);
            world.check_cloud_equals_state().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_never_sent_is_sent_with_the_token_that_was_recorded() {
    for spec in KINDS {
        let world = World::new();
        let wanted = graph([resource("t/a", spec.name, named("a"))]);
        world.cloud.die_at(1, CallEnd::Before);
        world.run(&wanted).await;
        world.cloud.no_more_faults();
        let token = world.state().await.slot("t/a").unwrap().open[0].token.clone();
        world.apply(&wanted).await;
        assert_eq!(world.cloud.at("t/a").unwrap().token, token, "{}", spec.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_that_nobody_wants_any_more_is_deleted_or_forgotten() {
    for spec in KINDS {
        for end in [CallEnd::Before, CallEnd::After] {
            let world = World::new();
            world.cloud.set_lag(Duration::from_secs(25));
            world.cloud.set_key_lag(Duration::from_secs(25));
            world.cloud.die_at(1, end);
            world.run(&graph([resource("t/a", spec.name, named("a"))])).await;
            world.cloud.no_more_faults();
            world.apply(&Arc::new(Graph::default())).await;
            assert!(world.cloud.addresses().is_empty(), "{} {end:?}", spec.name);
            assert!(world.state().await.is_empty(), "{} {end:?}", spec.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_was_begun_and_then_taken_back_is_not_looked_for_in_every_run() {
    let world = World::new();
    let wanted = |shape: u8| graph([resource("t/a", "Test::Tag", json!({ "Name": "a", "Shape": shape }))]);
    world.apply(&wanted(0)).await;
    world.cloud.die_at(1, CallEnd::Before);
    world.run(&wanted(1)).await;
    world.cloud.no_more_faults();
    world.apply(&wanted(0)).await;
    assert!(world.state().await.slot("t/a").unwrap().open.is_empty());
    let begun = Instant::now();
    assert!(world.plan(&wanted(0)).await.is_empty());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_with_other_properties_since_then_is_found_and_changed() {
    for spec in KINDS {
        let world = World::new();
        world.cloud.set_lag(Duration::from_secs(25));
        world.cloud.die_at(1, CallEnd::After);
        world.run(&graph([resource("t/a", spec.name, named("a"))])).await;
        world.cloud.no_more_faults();
        let wanted = graph([resource("t/a", spec.name, json!({ "Name": "a", "Size": 5 }))]);
        world.apply(&wanted).await;
        assert_eq!(world.cloud.addresses(), ["t/a"]);
        assert_eq!(world.cloud.at("t/a").unwrap().properties["Size"], 5);
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_else_has_is_a_failure_of_that_resource_and_blocks_nothing_else() {
    let world = World::new();
    world.cloud.squat("Test::Key", "taken");
    let wanted =
        graph([resource("t/a", "Test::Key", named("taken")), resource("t/b", "Test::Key", named("free"))]);
    // The first process dies in the call that will be refused, so that its intent stays open.
    world.cloud.die_at(1, CallEnd::After);
    world.run(&wanted).await;
    world.cloud.no_more_faults();
    let report = world.run(&wanted).await.report();
    let [failure] = report.failed.as_slice() else { panic!("{report:?}") };
    assert!(
        matches!(&failure.cause, Cause::Call(error) if error.class == ErrorClass::Conflict),
        "{failure:?}"
    );
    assert!(world.state().await.slot("t/a").is_none());
    assert!(world.state().await.current("t/b").is_some());
    world.cloud.lose("");
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_address_is_not_adopted_for_its_name() {
    let world = World::new();
    // The name of t/b becomes known only when t/c exists; then it is the name that t/a has.
    let a = resource("t/a", "Test::Key", named("id-000002"));
    world.apply(&graph([a.clone()])).await;
    let wanted = graph([
        a,
        resource("t/c", "Test::Token", named("c")),
        resource("t/b", "Test::Key", json!({ "Name": reference("t/c", "Id") })),
    ]);
    let report = world.run(&wanted).await.report();
    let [failure] = report.failed.as_slice() else { panic!("{report:?}") };
    assert!(failure.cause.to_string().contains("t/a"), "{}", failure.cause);
    assert!(world.state().await.slot("t/b").is_none());
    world.apply(&Arc::new(Graph::default())).await;
    assert!(world.cloud.addresses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_delete_is_waited_for_and_recorded() {
    for spec in KINDS {
        let world = World::new();
        world.apply(&graph([resource("t/a", spec.name, named("a"))])).await;
        world.cloud.die_at(1, CallEnd::After);
        world.run(&Arc::new(Graph::default())).await;
        world.cloud.no_more_faults();
        world.apply(&Arc::new(Graph::default())).await;
        assert!(world.cloud.addresses().is_empty(), "{}", spec.name);
        assert!(world.state().await.is_empty(), "{}", spec.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_does_not_prove_that_nothing_was_created() {
    let world = World::new();
    world.cloud.set_key_lag(Duration::from_secs(20));
    // The answer to the create is lost, the search finds nothing yet, and the second create is refused.
    world.cloud.set_faults([(2, Fault::AfterEffect), (4, Fault::Before(ErrorClass::Denied))]);
    let report = world.run(&graph([resource("t/a", "Test::Key", named("a"))])).await.report();
    assert_eq!(report.failed.len(), 1);
    assert_eq!(world.cloud.addresses(), ["t/a"]);
    world.apply(&Arc::new(Graph::default())).await;
    assert!(world.cloud.addresses().is_empty());
    assert!(world.state().await.is_empty());
}
