//! Planning and applying a part of what is declared.

use std::sync::Arc;

use engine::{Action, EngineError, Graph, PlanError, Selector};
use serde_json::{Value, json};

use crate::fake_cloud::{CallEnd, Fault};
use crate::world::{World, early, graph, reference, resource};

fn of(pattern: &str) -> Selector {
    pattern.parse().unwrap()
}

/// Three tiers: `b/b` is made of `a/a`, and `c/c` names `b/b`.
fn stack(size: u8) -> Arc<Graph> {
    graph([
        resource("a/a", "Test::Token", json!({ "Name": "a", "Size": size })),
        resource(
            "b/b",
            "Test::Token",
            json!({ "Name": "b", "Size": size, "Parents": [reference("a/a", "Id")] }),
        ),
        resource(
            "c/c",
            "Test::Token",
            json!({ "Name": "c", "Size": size, "Mentions": [reference("b/b", "Id")] }),
        ),
    ])
}

async fn refused(world: &World, graph: &Arc<Graph>, selector: &Selector) -> String {
    let calls = world.cloud.log().len();
    let error = world.apply_selected(graph, selector).await.unwrap_err().to_string();
    assert_eq!(
        world.process().engine.preview(Arc::clone(graph), selector).await.unwrap_err().to_string(),
        error
    );
    assert_eq!(world.cloud.log().len(), calls, "nothing was called");
    error
}

fn size(world: &World, address: &str) -> Value {
    world.cloud.at(address).unwrap().properties["Size"].clone()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_selected_is_neither_created_nor_changed_nor_deleted() {
    let world = World::new();
    assert!(world.apply_selected(&stack(0), &of("a")).await.unwrap().is_complete());
    assert_eq!(world.cloud.addresses(), ["a/a"]);
    world.apply(&stack(0)).await;

    let report = world.apply_selected(&stack(1), &of("b/*")).await.unwrap();
    assert!(report.is_complete());
    assert_eq!([size(&world, "a/a"), size(&world, "b/b"), size(&world, "c/c")], [0, 1, 0]);

    // Nothing is declared any more, and only one of the three is selected.
    let report = world.apply_selected(&Arc::default(), &of("c/c")).await.unwrap();
    assert!(report.is_complete());
    assert_eq!(world.cloud.addresses(), ["a/a", "b/b"]);
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_a_part_has_no_steps_for_the_rest_and_does_not_look_at_it() {
    let world = World::new();
    world.apply(&stack(0)).await;
    world.cloud.lose("a/a");
    let plan = world.process().engine.preview(stack(1), &of("*").except(of("a"))).await.unwrap();
    let steps: Vec<_> = plan.steps().iter().map(|step| (step.address.as_str(), &step.action)).collect();
    assert_eq!(steps, [("b/b", &Action::Update), ("c/c", &Action::Update)]);
    assert!(plan.step("a/a").is_none());
    assert!(plan.selection().contains("b/b") && !plan.selection().contains("a/a"));
    let seen = world.process().engine.survey(&of("c")).await.unwrap();
    assert_eq!(seen.objects().map(|(address, ..)| address.as_str()).collect::<Vec<_>>(), ["c/c"]);
    assert_eq!(world.process().engine.drift(&of("b")).await.unwrap(), []);
    assert_eq!(world.process().engine.drift(&of("a")).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_selected_takes_the_recorded_outputs_of_what_is_not() {
    let world = World::new();
    world.apply_selected(&stack(0), &of("a")).await.unwrap();
    let plan = world.process().engine.preview(stack(0), &of("b")).await.unwrap();
    let id = world.cloud.at("a/a").unwrap().id();
    assert_eq!(plan.step("b/b").unwrap().desired().unwrap()["Parents"], json!([id]));
    world.apply_selected(&stack(0), &of("b")).await.unwrap();
    assert_eq!(world.cloud.at("b/b").unwrap().properties["Parents"], json!([id]));
}

#[tokio::test(start_paused = true)]
async fn needing_what_is_neither_selected_nor_there_is_an_error_that_says_what_to_add() {
    let world = World::new();
    assert_eq!(
        refused(&world, &stack(0), &of("b")).await,
        "b/b needs a/a, which is not selected and does not exist yet; select a/a as well, or everything that b/b depends on"
    );
    let report = world.apply_selected(&stack(0), &of("b").with_dependencies()).await.unwrap();
    assert!(report.is_complete());
    assert_eq!(world.cloud.addresses(), ["a/a", "b/b"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_finished_and_not_selected_gives_only_its_identity() {
    let world = World::new();
    let wanted = graph([
        resource("a/slow", "Test::SlowToken", json!({ "Name": "a" })),
        resource("b/early", "Test::Token", json!({ "Name": "b", "EarlyParents": [early("a/slow")] })),
        resource("b/late", "Test::Token", json!({ "Name": "c", "Links": [reference("a/slow", "Id")] })),
    ]);
    world.cloud.die_at(1, CallEnd::After);
    world.run(&wanted).await;
    world.cloud.survive();
    let session = world.process().engine.open().await.unwrap();
    assert!(session.state().current("a/slow").is_some(), "it was found, and is not ready yet");
    session.close().await.unwrap();

    let error = refused(&world, &wanted, &of("b")).await;
    assert!(error.starts_with("b/late needs a/slow, which is not selected and not finished; "), "{error}");
    assert!(world.apply_selected(&wanted, &of("b/early")).await.unwrap().is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_something_unselected_stands_on_is_neither_deleted_nor_replaced_though_both_are_declared() {
    let world = World::new();
    world.apply(&stack(0)).await;
    let shaped = |shape: u8| {
        graph([
            resource("a/a", "Test::Token", json!({ "Name": "a", "Size": 0, "Shape": shape })),
            resource(
                "b/b",
                "Test::Token",
                json!({ "Name": "b", "Size": 0, "Parents": [reference("a/a", "Id")] }),
            ),
        ])
    };
    for wanted in [shaped(1), Arc::default()] {
        let error = world.apply_selected(&wanted, &of("a")).await.unwrap_err();
        let EngineError::Plan(PlanError::StillNeeded { address, by }) = &error else { panic!("{error}") };
        assert_eq!((address.as_str(), by.as_str()), ("a/a", "b/b"));
    }
    let report = world.apply_selected(&shaped(1), &of("a").with_dependents()).await.unwrap();
    assert!(report.is_complete());
    assert_eq!(world.cloud.at("a/a").unwrap().properties["Shape"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_object_is_not_deleted_while_something_unselected_refers_to_it() {
    let world = World::new();
    let wanted = |shape: u8| {
        graph([
            resource("a/a", "Test::Token", json!({ "Name": "a", "Shape": shape })),
            resource("b/b", "Test::Token", json!({ "Name": "b", "Mentions": [reference("a/a", "Id")] })),
        ])
    };
    world.apply(&wanted(0)).await;
    // The new one is made, and then the other one cannot be moved over to it.
    world.cloud.always("b/b", Fault::Before(engine::ErrorClass::Denied));
    world.run(&wanted(1)).await;
    world.cloud.no_more_faults();
    assert_eq!(world.cloud.addresses(), ["a/a", "a/a", "b/b"]);
    let error = refused(&world, &wanted(1), &of("a")).await;
    assert_eq!(error, "a/a cannot be deleted: b/b depends on it");
    assert!(world.apply_selected(&wanted(1), &of("b")).await.unwrap().is_complete());
    // Now it refers to the new one.
    assert!(world.apply_selected(&wanted(1), &of("a")).await.unwrap().is_complete());
    assert_eq!(world.cloud.addresses(), ["a/a", "b/b"]);
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn a_part_in_use_by_something_unselected_forbids_the_deletion() {
    let world = World::new();
    world.apply(&graph([resource("a/a", "Test::Token", json!({ "Name": "a", "Holds": 2 }))])).await;
    let part = format!("runs {}/part-2", world.cloud.at("a/a").unwrap().id());
    let user = resource("b/b", "Test::Token", json!({ "Name": "b", "Text": part }));
    world
        .apply(&graph([resource("a/a", "Test::Token", json!({ "Name": "a", "Holds": 2 })), user.clone()]))
        .await;
    let error = refused(&world, &graph([user]), &of("a")).await;
    assert!(error.starts_with("a/a would be deleted or replaced, but b/b uses id-"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_part_leaves_the_outputs_of_the_stack_and_what_was_begun_elsewhere_as_they_are() {
    let world = World::new();
    let exported = |name: &str| {
        let graph = stack(0).as_ref().clone();
        Arc::new(graph.with_exports(json!({ name: reference("a/a", "Id") })))
    };
    world.apply(&exported("Old")).await;
    world.cloud.die_at(1, CallEnd::Before);
    let more = || {
        let other = resource("d/d", "Test::Tag", json!({ "Name": "d" }));
        let nodes = stack(0).nodes().iter().cloned().chain([other]).collect::<Vec<_>>();
        Arc::new(
            Graph::from_declarations(nodes).unwrap().with_exports(json!({ "New": reference("a/a", "Id") })),
        )
    };
    world.run(&more()).await;
    world.cloud.survive();
    assert_eq!(world.state().await.slot("d/d").unwrap().open.len(), 1);
    world.apply_selected(&stack(1), &of("a").or(of("b")).or(of("c"))).await.unwrap();
    let state = world.state().await;
    assert_eq!(state.slot("d/d").unwrap().open.len(), 1, "a create elsewhere is not closed");
    let exports: Vec<String> = state.exports().into_keys().collect();
    assert_eq!(exports, ["New"], "the run that died had recorded them");
    world.apply_selected(&exported("Other"), &of("a").or(of("b"))).await.unwrap();
    assert_eq!(world.state().await.exports().into_keys().collect::<Vec<_>>(), ["New"]);
    world.apply(&exported("Other")).await;
    let state = world.state().await;
    assert_eq!(state.exports().into_keys().collect::<Vec<_>>(), ["Other"]);
    assert!(state.slot("d/d").is_none());
}
