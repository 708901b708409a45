//! One writer at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::{Engine, EngineError, File, Host, LocalStore, LockError, Registry, Store, TestHost};
use serde_json::json;
use tokio::time::Instant;

use crate::world::{World, graph, resource};

#[tokio::test(start_paused = true)]
async fn a_second_session_is_refused_and_told_who_has_the_lock() {
    let world = World::new();
    let first = world.process().engine.open().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let Err(error) = world.process().engine.open().await else { panic!("two sessions at once") };
    let text = error.to_string();
    assert!(text.contains("ada@earth, process 1") && text.contains("for 6"), "{text}");
    assert!(matches!(error, EngineError::Lock(LockError::Held { .. })));
    first.close().await.unwrap();
    world.process().engine.open().await.unwrap().close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_a_session_removes_the_lock() {
    let world = World::new();
    let session = world.process().engine.open().await.unwrap();
    assert!(world.memory.read(File::Lock).await.unwrap().is_some());
    tokio::time::sleep(Duration::from_secs(33)).await;
    session.close().await.unwrap();
    assert!(world.memory.read(File::Lock).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_dead_holder_is_taken_over_when_its_lease_has_run_out_and_not_before() {
    let world = World::new();
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;
    process.life.end();
    drop(session);
    let begun = Instant::now();
    let next = world.process().engine.open().await.unwrap();
    // It was last renewed after 5 of the 7 seconds, for 20.
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(18) && waited < Duration::from_secs(20), "{waited:?}");
    next.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_from_a_clock_that_was_wrong_does_not_lock_for_ever() {
    let world = World::new();
    let lease = json!({ "holder": "x", "id": "1", "since": 1, "expires": 9_000_000_000_000_u64 });
    world.memory.replace(File::Lock, None, lease.to_string().into_bytes()).await.unwrap();
    let begun = Instant::now();
    world.process().engine.open().await.unwrap().close().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_holder_that_lost_its_lease_neither_calls_nor_records_anything_more() {
    let world = World::new();
    let wanted = graph([resource("t/a", "Test::Token", json!({ "Name": "a" }))]);
    let slow = world.process();
    let session = slow.engine.open().await.unwrap();
    let plan = session.plan(wanted.clone(), None).await.unwrap();
    slow.store.hang_lock();
    tokio::time::sleep(Duration::from_secs(30)).await;

    let next = world.process().engine.open().await.unwrap();
    let journal = world.memory.read(File::Journal).await.unwrap().unwrap();
    let error = session.apply(&plan).await.unwrap_err();
    assert!(matches!(error, EngineError::LockLost), "{error}");
    assert_eq!(world.memory.read(File::Journal).await.unwrap().unwrap(), journal);
    assert!(world.cloud.log().is_empty());
    // Ending it does not take the lock from the other one.
    let _ = session.close().await;
    assert!(world.memory.read(File::Lock).await.unwrap().is_some());
    let plan = next.plan(wanted, None).await.unwrap();
    assert!(next.apply(&plan).await.unwrap().is_complete());
    next.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_lease_runs_out_in_the_middle_makes_no_further_call_though_nobody_took_over() {
    let world = World::new();
    // Each refers to the one before, so they are created one after the other, 90 s apart.
    let parent = |to: &str| json!({ "Name": to, "Parents": [crate::world::reference(to, "Id")] });
    let wanted = graph([
        resource("t/a", "Test::SlowToken", json!({ "Name": "a" })),
        resource("t/b", "Test::SlowToken", parent("t/a")),
        resource("t/c", "Test::SlowToken", parent("t/b")),
    ]);
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    let plan = session.plan(wanted.clone(), None).await.unwrap();
    let (applied, ()) = tokio::join!(session.apply(&plan), async {
        tokio::time::sleep(Duration::from_secs(50)).await;
        process.store.hang_lock();
    });
    assert!(matches!(applied, Err(EngineError::LockLost)), "{applied:?}");
    assert_eq!(world.cloud.log(), ["create t/a"]);
    drop(session);
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
}

/// A machine that can sleep: then the wall clock goes on, and nothing else does.
struct Laptop {
    host: Arc<TestHost>,
    slept: AtomicU64,
}

impl Host for Laptop {
    fn now_millis(&self) -> u64 {
        self.host.now_millis() + self.slept.load(Ordering::Relaxed)
    }

    fn unique(&self) -> String {
        self.host.unique()
    }

    fn holder(&self) -> String {
        self.host.holder()
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_slept_longer_than_its_lease_makes_no_call_when_it_wakes() {
    let world = World::new();
    let laptop = Arc::new(Laptop { host: world.host().1, slept: AtomicU64::new(0) });
    let engine = world.process().engine.with_host(Arc::clone(&laptop) as Arc<dyn Host>);
    let session = engine.open().await.unwrap();
    let plan =
        session.plan(graph([resource("t/a", "Test::Token", json!({ "Name": "a" }))]), None).await.unwrap();
    laptop.slept.store(60_000, Ordering::Relaxed);
    let error = session.apply(&plan).await.unwrap_err();
    assert!(matches!(error, EngineError::LockLost), "{error}");
    assert!(world.cloud.log().is_empty());
}

/// Two processes on one directory, and who tells the time.
#[cfg(target_os = "linux")]
struct Directory {
    directory: tempfile::TempDir,
    host: Arc<TestHost>,
}

#[cfg(target_os = "linux")]
impl Directory {
    fn new() -> Self {
        let host = Arc::new(TestHost::new("ada@earth, process 1", 1, Instant::now()));
        Self { directory: tempfile::tempdir().unwrap(), host }
    }

    fn store(&self) -> LocalStore {
        LocalStore::new(self.directory.path())
    }

    fn engine(&self) -> Engine {
        Engine::new(Arc::new(Registry::new(())), Arc::new(self.store()))
            .with_host(Arc::clone(&self.host) as _)
    }

    /// Seconds until the lock could be had.
    async fn seconds_to_open(&self) -> u64 {
        let begun = Instant::now();
        self.engine().open().await.unwrap().close().await.unwrap();
        begun.elapsed().as_secs()
    }

    /// Changes the lease as another program would have written it.
    async fn with_mark(&self, mark: serde_json::Value) {
        let content = self.store().read(File::Lock).await.unwrap().unwrap();
        let mut lease: serde_json::Value = serde_json::from_slice(&content.bytes).unwrap();
        lease["mark"] = mark;
        self.store()
            .replace(File::Lock, Some(&content.version), lease.to_string().into_bytes())
            .await
            .unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_holder_that_died_on_this_machine_is_taken_over_at_once() {
    let place = Directory::new();
    drop(place.engine().open().await.unwrap());
    assert!(place.store().read(File::Lock).await.unwrap().is_some());
    assert_eq!(place.seconds_to_open().await, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn of_two_that_find_a_dead_holder_one_works_and_the_other_is_refused() {
    let place = Directory::new();
    drop(place.engine().open().await.unwrap());
    let (one, other) = (place.engine(), place.engine());
    let (one, other) = tokio::join!(one.open(), other.open());
    let (held, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(matches!(refused, Err(EngineError::Lock(LockError::Held { .. }))));
    held.unwrap().close().await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_holder_that_lives_and_does_not_renew_keeps_its_lease_to_the_end() {
    let place = Directory::new();
    let alive = place.store();
    drop(place.engine().open().await.unwrap());
    let _mark = alive.mark().await.unwrap();
    assert!((19..=20).contains(&place.seconds_to_open().await));
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_holder_on_another_machine_or_without_a_mark_keeps_its_lease_to_the_end() {
    for mark in [json!("0a7e0000-another-boot/1/2"), json!(null)] {
        let place = Directory::new();
        drop(place.engine().open().await.unwrap());
        place.with_mark(mark).await;
        assert!((19..=20).contains(&place.seconds_to_open().await));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_session_that_is_closed_leaves_no_mark() {
    let place = Directory::new();
    let session = place.engine().open().await.unwrap();
    assert!(place.store().mark().await.is_none());
    session.close().await.unwrap();
    assert!(place.store().mark().await.is_some());
}
