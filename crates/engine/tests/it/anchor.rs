//! What a head that was noted elsewhere proves.

use engine::{File, Head, Proof, Selector, Store, inspect};
use serde_json::json;

use crate::world::{World, graph, resource};

async fn run(world: &World, size: u8) -> Head {
    let wanted = graph([resource("t/a", "Test::Token", json!({ "Name": "a", "Size": size }))]);
    let session = world.process().engine.open().await.unwrap();
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    let head = session.head();
    session.close().await.unwrap();
    head
}

async fn text(world: &World) -> String {
    String::from_utf8(world.memory.read(File::Journal).await.unwrap().unwrap().bytes).unwrap()
}

async fn put(world: &World, text: &str) {
    let version = world.memory.read(File::Journal).await.unwrap().map(|content| content.version);
    world.memory.replace(File::Journal, version.as_ref(), text.as_bytes().to_vec()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_session_is_what_inspection_finds_afterwards() {
    let world = World::new();
    assert!(inspect(&world.memory).await.unwrap().is_none());
    let first = run(&world, 1).await;
    let inspected = inspect(&world.memory).await.unwrap().unwrap();
    assert_eq!(inspected.head, first);
    assert_eq!((inspected.after, inspected.snapshot, inspected.torn), (0, false, false));
    assert_eq!(inspected.state, world.state().await);
    // A run that does nothing has opened the journal all the same.
    let second = run(&world, 1).await;
    assert_eq!(second.records, first.records + 1);
    let inspected = inspect(&world.memory).await.unwrap().unwrap();
    assert_eq!(inspected.head, second);
    for anchor in [&first, &second] {
        assert_eq!(inspected.compare(anchor), Proof::Contained);
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_copy_a_cut_end_and_another_state_contradict_an_anchor() {
    let world = World::new();
    run(&world, 1).await;
    let old = text(&world).await;
    let anchor = run(&world, 2).await;
    let new = text(&world).await;
    put(&world, &old).await;
    let inspected = inspect(&world.memory).await.unwrap().unwrap();
    assert_eq!(inspected.compare(&anchor), Proof::Missing);
    let cut: Vec<&str> = new.lines().collect();
    put(&world, &(cut[..cut.len() - 1].join("\n") + "\n")).await;
    assert_eq!(inspect(&world.memory).await.unwrap().unwrap().compare(&anchor), Proof::Missing);
    put(&world, &new).await;
    let inspected = inspect(&world.memory).await.unwrap().unwrap();
    assert_eq!(inspected.compare(&Head { head: "0".repeat(64), ..anchor.clone() }), Proof::Differs);
    assert_eq!(inspected.compare(&Head { lineage: "x".to_owned(), ..anchor }), Proof::OtherLineage);
}

/// The chain is no seal: this is what an attacker does, and what only an anchor shows.
#[tokio::test(start_paused = true)]
async fn a_chain_that_somebody_computed_anew_is_whole_and_differs_from_the_anchor() {
    let (world, forger) = (World::new(), World::new());
    let anchor = run(&world, 1).await;
    // The same state under the same name, with another past; every hash of it is right.
    let forged = run(&forger, 2).await;
    assert_eq!((&forged.lineage, forged.records), (&anchor.lineage, anchor.records));
    put(&world, &text(&forger).await).await;
    let inspected = inspect(&world.memory).await.unwrap().unwrap();
    assert_eq!(inspected.head, forged);
    assert_eq!(inspected.compare(&anchor), Proof::Differs);
}

#[tokio::test(start_paused = true)]
async fn damage_is_an_error_and_a_torn_line_is_told() {
    let world = World::new();
    let head = run(&world, 1).await;
    let good = text(&world).await;
    put(&world, &format!("{good}{{\"n\":")).await;
    let inspected = inspect(&world.memory).await.unwrap().unwrap();
    assert!(inspected.torn);
    assert_eq!(inspected.head, head);
    put(&world, &good.replacen("\"Size\":1", "\"Size\":7", 1)).await;
    let error = inspect(&world.memory).await.unwrap_err();
    assert!(error.to_string().contains("hash does not match"), "{error}");
}
