//! Taking what is live into the state: the journal has it, and the cloud is left alone.

use std::sync::Arc;
use std::time::Duration;

use engine::{Acceptance, EngineError, Selector, Taken};
use serde_json::json;

use crate::life::WriteEnd;
use crate::world::{Process, World, graph, protected, resource};

fn wanted(size: u8) -> Arc<engine::Graph> {
    graph([
        protected("t/a", "Test::Token", json!({ "Name": "a", "Size": size })),
        resource("t/b", "Test::Key", json!({ "Name": "b", "Size": 1 })),
        resource("t/c", "Test::Key", json!({ "Name": "c", "Size": 1 })),
    ])
}

async fn drifted() -> World {
    let world = World::new();
    world.apply(&wanted(1)).await;
    world.cloud.tamper("t/a", "Size", json!(9));
    world.cloud.tamper("t/b", "Size", json!(9));
    world.cloud.lose("t/c");
    tokio::time::sleep(Duration::from_secs(60)).await;
    world
}

async fn accept(process: &Process, selector: &Selector) -> Result<Vec<Acceptance>, EngineError> {
    let session = process.engine.open().await?;
    let done = async {
        let found = session.look(selector).await?.acceptances();
        session.accept(&found).await?;
        Ok(found)
    };
    let done = done.await;
    session.close().await?;
    done
}

#[tokio::test(start_paused = true)]
async fn what_is_live_is_recorded_what_has_disappeared_is_forgotten_and_nothing_is_called() {
    let world = drifted().await;
    let calls = world.cloud.log();
    let found = accept(&world.process(), &Selector::all()).await.unwrap();
    assert_eq!(world.cloud.log(), calls);
    let taken: Vec<_> = found.iter().map(|one| (one.address.as_str(), &one.taken)).collect();
    let [("t/a", Taken::Properties { changes, .. }), ("t/b", _), ("t/c", Taken::Forgotten)] =
        taken.as_slice()
    else {
        panic!("{taken:?}")
    };
    assert_eq!((changes[0].before.as_ref(), changes[0].after.as_ref()), (Some(&json!(1)), Some(&json!(9))));
    let state = world.state().await;
    let a = state.current("t/a").unwrap();
    assert_eq!((&a.properties["Size"], a.protect), (&json!(9), true));
    assert_eq!(state.slot("t/c"), None);
    assert_eq!(world.process().engine.drift(&Selector::all()).await.unwrap(), []);
    world.check_cloud_equals_state().await;
    // A declaration that says the same has nothing to do but what is gone; another one changes it back.
    let plan = world.plan(&wanted(9)).await;
    let a = plan.step("t/a").unwrap();
    assert!(!a.is_change() && plan.step("t/c").unwrap().is_change());
    assert!(world.plan(&wanted(1)).await.step("t/a").unwrap().outside().is_empty());
    world.apply(&wanted(1)).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn only_what_is_selected_is_taken() {
    let world = drifted().await;
    accept(&world.process(), &"t/b".parse().unwrap()).await.unwrap();
    let drift = world.process().engine.drift(&Selector::all()).await.unwrap();
    let left: Vec<&str> = drift.iter().map(|one| one.address.as_str()).collect();
    assert_eq!(left, ["t/a", "t/c"]);
}

/// Wherever it dies, the next one goes on.
#[tokio::test(start_paused = true)]
async fn killed_at_every_write_and_begun_again_it_takes_everything() {
    let mut number = 0;
    loop {
        number += 1;
        let mut died = false;
        for end in [WriteEnd::Before, WriteEnd::Torn(4), WriteEnd::After] {
            let world = drifted().await;
            let calls = world.cloud.log();
            let (process, all) = (world.process(), Selector::all());
            process.store.die_at(number, end);
            tokio::select! {
                biased;
                () = process.life.over() => died = true,
                done = accept(&process, &all) => drop(done.unwrap()),
            }
            drop(process);
            tokio::time::sleep(Duration::from_secs(60)).await;
            accept(&world.process(), &Selector::all()).await.unwrap();
            assert_eq!(world.cloud.log(), calls);
            assert_eq!(world.process().engine.drift(&Selector::all()).await.unwrap(), []);
            world.check_cloud_equals_state().await;
        }
        if !died {
            break;
        }
    }
    assert!(number > 4, "{number}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_to_end_records_nothing_more() {
    let world = drifted().await;
    let session = world.process().engine.open().await.unwrap();
    let found = session.look(&Selector::all()).await.unwrap().acceptances();
    session.cancel().cancel();
    assert!(matches!(session.accept(&found).await, Err(EngineError::Interrupted)));
    session.close().await.unwrap();
    assert_eq!(world.process().engine.drift(&Selector::all()).await.unwrap().len(), 3);
}
