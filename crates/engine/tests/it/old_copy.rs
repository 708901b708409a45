//! A state that knows less than was done: it was lost, or an old copy of it was put back.

use std::sync::Arc;
use std::time::Duration;

use engine::{Cause, ErrorClass, Graph};
use serde_json::{Value, json};

use crate::fake_cloud::{CallEnd, KINDS, REVISION};
use crate::world::{Ended, World, graph, reference, resource};

fn named(name: &str, size: u64) -> Value {
    json!({ "Name": name, "Size": size })
}

/// One object of each kind, each of which refers to the one before it.
fn chain(size: u64) -> Arc<Graph> {
    let mut before: Option<String> = None;
    graph(KINDS.iter().enumerate().map(|(position, spec)| {
        let mut properties = named(&format!("n{position}"), size);
        if let Some(before) = before.replace(format!("t/n{position}")) {
            properties["Parents"] = json!([reference(&before, "Id")]);
        }
        resource(&format!("t/n{position}"), spec.name, properties)
    }))
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_state_knew_is_taken_over_and_brought_up_to_date() {
    let world = World::new();
    world.apply(&chain(1)).await;
    let made = world.cloud.addresses();
    world.put_back([None, None, None]).await;
    world.cloud.clear_log();
    world.apply(&chain(2)).await;
    assert_eq!(world.cloud.addresses(), made);
    world.check_cloud_equals_state().await;
    // Creates by name are refused, but none is sent where only tags tell.
    let log = world.cloud.log();
    let named =
        |entry: &&String| entry.starts_with("create") && !entry.ends_with("n1") && !entry.ends_with("n4");
    assert_eq!(log.iter().find(named), None, "{log:?}");
    assert!(world.plan(&chain(2)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_a_copy_of_the_state_of_any_time_nothing_is_made_twice() {
    let world = World::new();
    world.apply(&chain(1)).await;
    let made = world.cloud.addresses();
    let [_, journal, _] = world.files().await.try_into().expect("there are three files");
    let journal = journal.expect("the journal is there");
    let ends: Vec<usize> =
        journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert!(ends.len() > KINDS.len() * 3, "{}", ends.len());
    for end in ends {
        world.put_back([None, Some(journal[..end].to_vec()), None]).await;
        world.apply(&chain(1)).await;
        assert_eq!(world.cloud.addresses(), made, "the first {end} bytes of the journal");
        world.check_cloud_equals_state().await;
        assert!(world.plan(&chain(1)).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_become_what_is_declared_is_neither_taken_nor_doubled_nor_replaced() {
    for spec in KINDS {
        let world = World::new();
        let wanted = |shape: u8| graph([resource("t/a", spec.name, json!({ "Name": "a", "Shape": shape }))]);
        world.apply(&wanted(1)).await;
        world.put_back([None, None, None]).await;
        // Where the name is taken, the first run dies while it is told so.
        world.cloud.die_at(1, CallEnd::After);
        let ended = world.run(&wanted(2)).await;
        assert_eq!(
            matches!(ended, Ended::Died),
            spec.settle == engine::Settle::Key,
            "{}: {ended:?}",
            spec.name
        );
        world.cloud.no_more_faults();
        for _ in 0..3 {
            let report = world.run(&wanted(2)).await.report();
            let Cause::Call(error) = &report.failed[0].cause else { panic!("{}: {report:?}", spec.name) };
            assert_eq!(error.class, ErrorClass::Conflict);
            assert!(error.to_string().contains("Shape"), "{}: {error}", spec.name);
            assert!(world.state().await.objects().next().is_none(), "{}", spec.name);
        }
        world.apply(&wanted(1)).await;
        assert_eq!(world.cloud.addresses(), ["t/a"], "{}", spec.name);
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_while_it_looks_leaves_the_look_to_the_next() {
    for spec in KINDS.iter().filter(|spec| spec.settle != engine::Settle::Key) {
        let world = World::new();
        let wanted = graph([resource("t/a", spec.name, named("a", 1))]);
        world.apply(&wanted).await;
        world.put_back([None, None, None]).await;
        let process = world.process();
        let life = process.life.clone();
        let dies = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            life.end();
        });
        let ended = world.run_as(&process, &wanted).await;
        dies.await.unwrap();
        assert!(matches!(ended, Ended::Died), "{}: {ended:?}", spec.name);
        assert_eq!(world.state().await.slot("t/a").unwrap().open.len(), 1, "{}", spec.name);
        world.apply(&wanted).await;
        assert_eq!(world.cloud.addresses(), ["t/a"], "{}", spec.name);
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_revision_is_made_beside_one_that_is_not_known_and_the_same_one_is_taken_over() {
    for (shape, live) in [(1, vec!["t/a"]), (2, vec!["t/a", "t/a"])] {
        let world = World::new();
        let wanted =
            |shape: u8| graph([resource("t/a", REVISION.name, json!({ "Name": "a", "Shape": shape }))]);
        world.apply(&wanted(1)).await;
        world.put_back([None, None, None]).await;
        world.apply(&wanted(shape)).await;
        assert_eq!(world.cloud.addresses(), live);
        assert!(world.plan(&wanted(shape)).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_a_moment_ago_and_is_still_shown_is_not_taken_over() {
    for spec in KINDS.iter().filter(|spec| spec.settle != engine::Settle::Key) {
        let world = World::new();
        let wanted = graph([resource("t/a", spec.name, named("a", 1))]);
        world.apply(&wanted).await;
        let old = world.cloud.at("t/a").unwrap().id;
        world.put_back([None, None, None]).await;
        let cloud = world.cloud.clone();
        let goes = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            cloud.lose("t/a");
        });
        world.apply(&wanted).await;
        goes.await.unwrap();
        assert_ne!(world.cloud.at("t/a").unwrap().id, old, "{}", spec.name);
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_tells_what_is_there_already_and_what_becomes_of_it() {
    let world = World::new();
    assert!(world.plan(&chain(1)).await.steps().iter().all(|step| step.encounter().is_none()));
    world.apply(&chain(1)).await;
    world.put_back([None, None, None]).await;
    world.cloud.clear_log();
    for (size, changed) in [(1, vec![]), (2, vec!["Size"])] {
        let plan = world.plan(&chain(size)).await;
        assert_eq!(plan.steps().len(), KINDS.len());
        for step in plan.steps() {
            let address = &step.address;
            let met = step.encounter().unwrap_or_else(|| panic!("{address} is not found"));
            assert_eq!(
                met.changes.iter().map(|change| change.property()).collect::<Vec<_>>(),
                changed,
                "{address}"
            );
            assert_eq!(met.refused, None, "{address}");
        }
    }
    let asked = |entry: &String| entry.starts_with("find") || entry.starts_with("read");
    assert!(world.cloud.log().iter().all(asked), "{:?}", world.cloud.log());
    // What cannot become what is declared is told before anything is called; a revision is made beside it.
    for spec in KINDS {
        let world = World::new();
        let wanted = |shape: u8| graph([resource("t/a", spec.name, json!({ "Name": "a", "Shape": shape }))]);
        world.apply(&wanted(1)).await;
        world.put_back([None, None, None]).await;
        let plan = world.plan(&wanted(2)).await;
        let refused = plan.steps()[0].encounter().map(|met| met.refused.clone());
        let wanted = (spec.name != REVISION.name)
            .then(|| Some("its Shape differs, which cannot be changed".to_owned()));
        assert_eq!(refused, wanted, "{}", spec.name);
    }
}
