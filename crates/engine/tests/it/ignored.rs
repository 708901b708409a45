//! Properties that others own: neither compared nor changed, and sent as they are.

use std::sync::Arc;

use engine::{Action, Graph, Ignored, Selector};
use serde_json::{Value, json};

use crate::fake_cloud::GROUP;
use crate::world::{World, address, graph, reference, resource};

fn ignoring(graph: &Arc<Graph>, properties: &[(&str, &str)]) -> Arc<Graph> {
    let mut ignored = Ignored::default();
    properties.iter().for_each(|(at, property)| ignored.add(&address(at), property));
    Arc::new(Graph::clone(graph).with_ignored(ignored))
}

/// One resource, of which `Size` is left to others.
fn one(size: u8, text: &str, shape: u8) -> Arc<Graph> {
    let properties = json!({ "Name": "a", "Size": size, "Text": text, "Shape": shape });
    ignoring(&graph([resource("t/a", "Test::Token", properties)]), &[("t/a", "Size")])
}

fn live(world: &World, property: &str) -> Value {
    world.cloud.at("t/a").unwrap().properties[property].clone()
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_sent_by_a_creation_and_kept_by_every_change() {
    let world = World::new();
    world.apply(&one(1, "x", 0)).await;
    assert_eq!(live(&world, "Size"), 1);
    world.cloud.tamper("t/a", "Size", json!(5));
    // Alone it is no change, and what is declared and what is live are both told.
    let (before, plan) = (world.cloud.log(), world.plan(&one(2, "x", 0)).await);
    assert!(plan.is_empty());
    let told = &plan.step("t/a").unwrap().accepted()[0];
    assert_eq!((told.property.as_str(), &told.declared, &told.live), ("Size", &json!(2), &json!(5)));
    assert!(told.is_ignored);
    world.apply(&one(2, "x", 0)).await;
    assert_eq!(world.cloud.log(), before);
    // Another change sends the live value, and the state has what was sent.
    world.apply(&one(2, "y", 0)).await;
    assert_eq!((live(&world, "Size"), live(&world, "Text")), (json!(5), json!("y")));
    world.check_cloud_equals_state().await;
    assert!(world.plan(&one(2, "y", 0)).await.is_empty());
    // A run that has nothing to do records nothing.
    let records = world.state().await.current("t/a").unwrap().clone();
    world.apply(&one(2, "y", 0)).await;
    assert_eq!(world.state().await.current("t/a"), Some(&records));
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_no_reason_for_a_replacement_and_a_replacement_sends_what_is_declared() {
    let world = World::new();
    let wanted = |shape: u8, size: u8| {
        let properties = json!({ "Name": "a", "Size": size, "Shape": shape });
        graph([resource("t/a", "Test::Token", properties)])
    };
    world.apply(&wanted(0, 1)).await;
    let ignored = ignoring(&wanted(1, 1), &[("t/a", "Shape")]);
    assert!(world.plan(&ignored).await.is_empty());
    world.apply(&ignored).await;
    world.cloud.tamper("t/a", "Size", json!(5));
    let replaced = ignoring(&wanted(1, 1), &[("t/a", "Size")]);
    let plan = world.plan(&replaced).await;
    let step = plan.step("t/a").unwrap();
    assert!(matches!(step.action, Action::Replace { .. }), "{step:?}");
    // What the new one gets is shown.
    let size = step.changes.iter().find(|change| change.path == "Size").unwrap();
    assert_eq!((&size.before, &size.after), (&Some(json!(5)), &Some(json!(1))));
    world.apply(&replaced).await;
    assert_eq!(live(&world, "Size"), 1);
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_no_drift_and_does_not_keep_anybody_from_deleting() {
    let world = World::new();
    world.apply(&one(1, "x", 0)).await;
    world.cloud.tamper("t/a", "Size", json!(5));
    let survey = world.process().engine.look(&Selector::all()).await.unwrap();
    assert_eq!(survey.drift().len(), 1);
    let survey = survey.ignoring(&one(1, "x", 0));
    assert_eq!(survey.drift(), []);
    assert_eq!(survey.remarks()[0].accepted.property, "Size");
    // Between the plan and the deletion it changes once more.
    let session = world.process().engine.open().await.unwrap();
    let guards = Arc::new(Graph::clone(&one(1, "x", 0)).into_guards());
    let plan = session.plan(guards, &Selector::all()).await.unwrap();
    world.cloud.tamper("t/a", "Size", json!(6));
    let report = session.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    session.close().await.unwrap();
    assert!(world.cloud.addresses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_may_change_between_a_plan_and_its_run() {
    let world = World::new();
    world.apply(&one(1, "x", 0)).await;
    let session = world.process().engine.open().await.unwrap();
    let plan = session.plan(one(1, "y", 0), &Selector::all()).await.unwrap();
    let then = plan.basis();
    world.cloud.tamper("t/a", "Size", json!(5));
    let now = session.plan(one(1, "y", 0), &Selector::all()).await.unwrap();
    assert_eq!(then.changed(&now.basis()), []);
    let report = session.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    session.close().await.unwrap();
    assert_eq!((live(&world, "Size"), live(&world, "Text")), (json!(5), json!("y")));
}

/// A reference, and one that somebody took away; a list that is widened in a call of its own.
#[tokio::test(start_paused = true)]
async fn references_lists_and_what_is_not_there_any_more_are_kept_as_they_are() {
    let world = World::new();
    let wanted = |text: &str, mentions: &[&str]| {
        let mentions: Vec<Value> = mentions.iter().map(|to| reference(to, "Id")).collect();
        let group = json!({ "Name": "group", "Text": text, "Mentions": mentions });
        graph([
            resource("t/p1", "Test::Token", json!({ "Name": "p1" })),
            resource("t/p2", "Test::Token", json!({ "Name": "p2" })),
            resource("t/group", GROUP.name, group),
        ])
    };
    let ignored =
        |text: &str, mentions: &[&str]| ignoring(&wanted(text, mentions), &[("t/group", "Mentions")]);
    world.apply(&ignored("x", &["t/p1"])).await;
    let mentions = || world.cloud.at("t/group").unwrap().properties["Mentions"].clone();
    let first = mentions();
    assert!(world.plan(&ignored("x", &["t/p2"])).await.is_empty());
    world.apply(&ignored("y", &["t/p2"])).await;
    assert_eq!(mentions(), first);
    // What nobody ignores any more is put back.
    world.apply(&wanted("y", &["t/p2"])).await;
    assert_ne!(mentions(), first);
    world.check_cloud_equals_state().await;
}
