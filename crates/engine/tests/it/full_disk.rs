//! A disk without room ends a run with one error that says so.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{Cause, EngineError, File, Observer, Progress, Selector, Store};
use serde_json::json;

use crate::world::{World, graph, reference, resource};

/// What a person is told of failures.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn observe(&self, progress: &Progress) {
        if let Progress::Failed { address, reason, .. } = progress {
            self.0.lock().unwrap().push(format!("{address}: {reason}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_written_is_one_failure_and_nothing_more_is_begun() {
    let world = World::new();
    let process = world.process();
    let told = Arc::new(Told::default());
    let engine = process.engine.clone().with_observer(Arc::clone(&told) as Arc<dyn Observer>);
    let session = engine.open().await.unwrap();
    // Twenty that are created at once, and one after each of them.
    let first =
        |n: u32| resource(&format!("t/first{n}"), "Test::SlowToken", json!({ "Name": n.to_string() }));
    let second = |n: u32| {
        let properties =
            json!({ "Name": n.to_string(), "Parents": [reference(&format!("t/first{n}"), "Id")] });
        resource(&format!("t/second{n}"), "Test::Token", properties)
    };
    let wanted = graph((0..20).map(first).chain((0..20).map(second)));
    let plan = session.plan(wanted.clone(), &Selector::all()).await.unwrap();
    process.store.fill_disk();
    let report = session.apply(&plan).await.unwrap();
    assert_eq!(report.failed.len(), 1, "{:?}", report.failed);
    assert!(matches!(report.failed[0].cause, Cause::Journal(_)));
    assert!(report.is_stopped_by_journal() && !report.interrupted && !report.is_complete());
    // It is no failure of a resource; the session's end says it.
    assert_eq!(*told.0.lock().unwrap(), [""; 0]);
    assert!(world.cloud.log().is_empty(), "what is not recorded is not done");
    // All others are named once: in progress, or not begun.
    let numbers = (report.in_progress.len(), report.skipped.len(), report.not_begun.len());
    assert_eq!(numbers, (19, 0, 20), "{report:?}");
    let error = session.close().await.unwrap_err();
    assert!(matches!(error, EngineError::Journal(_)), "{error}");
    assert_eq!(world.memory.read(File::Lock).await.unwrap(), None);
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

/// Case 22.
#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_renewed_says_why_and_is_given_back() {
    let world = World::new();
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    let wanted = graph([resource("t/a", "Test::Token", json!({ "Name": "a" }))]);
    let plan = session.plan(wanted.clone(), &Selector::all()).await.unwrap();
    process.store.fill_disk();
    tokio::time::sleep(Duration::from_secs(40)).await;
    let error = session.apply(&plan).await.unwrap_err();
    assert!(matches!(error, EngineError::LockUnrenewed { .. }), "{error}");
    assert_eq!(error.to_string(), "cannot renew the lock in lock in memory");
    assert_eq!(error.source().unwrap().to_string(), "no storage space");
    assert!(world.cloud.log().is_empty());
    // Nobody took it over, so nobody has to wait for it.
    let _ = session.close().await;
    assert_eq!(world.memory.read(File::Lock).await.unwrap(), None);
    world.apply(&wanted).await;
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_has_room_again_before_the_lease_runs_out_does_no_harm() {
    let world = World::new();
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    process.store.fill_disk();
    tokio::time::sleep(Duration::from_secs(12)).await;
    process.store.make_room();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let wanted = graph([resource("t/a", "Test::Token", json!({ "Name": "a" }))]);
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();
}
