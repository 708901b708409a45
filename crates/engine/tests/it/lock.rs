//! One writer at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::{
    CallError, Changed, Declared, Declares, Engine, EngineError, Facts, File, Host, Intent, LocalStore,
    LockError, MemoryStore, Observer, Progress, Registry, Resolved, Resource, Search, Selector, Settle,
    Stage, Store, TestHost,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::life::WatchedStore;
use crate::world::{Listener, World, graph, resource};

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

/// What the journal says of who had it.
async fn sessions(world: &World) -> Vec<String> {
    let journal = world.memory.read(File::Journal).await.unwrap().unwrap();
    let lines = journal.bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()["event"].clone())
        .map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["holder"].as_str().unwrap()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_says_so_and_does_not_keep_the_next_one_waiting() {
    let world = World::new();
    let listener = Arc::new(Listener::default());
    let engine = world.process().engine.with_observer(Arc::clone(&listener) as Arc<dyn Observer>);
    drop(engine.open().await.unwrap());
    assert_eq!(*listener.0.lock().unwrap(), [Progress::SessionDropped]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.memory.read(File::Lock).await.unwrap().is_none());
    engine.open().await.unwrap().close().await.unwrap();
    assert_eq!(listener.0.lock().unwrap().len(), 1, "one that is closed says nothing");
    let one = "ada@earth, process 1";
    let expected = ["opened", "dropped", "opened"].map(|event| format!("{event} {one}"));
    assert_eq!(sessions(&world).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_whose_store_hangs_keeps_nobody_waiting_for_longer_than_its_lease() {
    let world = World::new();
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    process.life.end();
    drop(session);
    let begun = Instant::now();
    world.process().engine.open().await.unwrap().close().await.unwrap();
    // It may have been renewed once more before it was given up.
    assert!(begun.elapsed() <= Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!(sessions(&world).await.len(), 2, "what could not be written was not");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_that_cannot_record_anything_does_not_go_on_renewing_its_lock() {
    let world = World::new();
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    process.store.hang_journal();
    drop(session);
    // It tries for five seconds.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let begun = Instant::now();
    world.process().engine.open().await.unwrap().close().await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_lost_its_lock_records_nothing_when_it_is_dropped() {
    let world = World::new();
    let slow = world.process();
    let session = slow.engine.open().await.unwrap();
    slow.store.hang_lock();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let next = world.process().engine.open().await.unwrap();
    drop(session);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(world.memory.read(File::Lock).await.unwrap().is_some(), "it is the other one's");
    assert_eq!(sessions(&world).await, ["opened ada@earth, process 1", "opened ada@earth, process 2"]);
    next.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_while_it_is_opened_or_closed_gives_the_lock_back_too() {
    let world = World::new();
    let engine = world.process().engine;
    // Recording that it is opened takes 5 ms, so this is in the middle of it.
    let opening = tokio::time::timeout(Duration::from_millis(2), engine.open());
    assert!(opening.await.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.memory.read(File::Lock).await.unwrap().is_none());

    let session = engine.open().await.unwrap();
    let mut closing = Box::pin(session.close());
    assert!(futures::poll!(&mut closing).is_pending());
    drop(closing);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.memory.read(File::Lock).await.unwrap().is_none());
    engine.open().await.unwrap().close().await.unwrap();
}

fn virtual_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[test]
fn a_session_can_be_dropped_outside_of_its_runtime_and_also_after_that_has_ended() {
    let (one, other) = (virtual_time(), virtual_time());
    let store = MemoryStore::new();
    let host = one.block_on(async { TestHost::new("ada@earth, process 1", 1, Instant::now()) });
    let engine = Engine::new(Arc::new(Registry::new(())), Arc::new(store.clone())).with_host(Arc::new(host));
    drop(one.block_on(engine.open()).unwrap());
    let begun = one.block_on(async { Instant::now() });
    let session = one.block_on(engine.open()).unwrap();
    assert!(one.block_on(async { begun.elapsed() }) <= Duration::from_secs(1));
    drop(one);
    drop(session);
    assert!(other.block_on(store.read(File::Lock)).unwrap().is_some(), "nobody was there to give it back");
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
    let plan = session.plan(wanted.clone(), &Selector::all()).await.unwrap();
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
    let plan = next.plan(wanted, &Selector::all()).await.unwrap();
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
    let plan = session.plan(wanted.clone(), &Selector::all()).await.unwrap();
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

/// When each call was sent.
#[derive(Default)]
struct Calls(Mutex<Vec<Instant>>);

impl engine::Caller for Calls {}

/// A kind whose delete is many calls, as emptying a bucket is, one each second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct Bucket<S: Stage = Declared> {
    name: S::Of<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase")]
struct BucketOutputs<S: Stage> {
    id: S::Of<String>,
}

impl Declares for Bucket<Declared> {
    type Resolved = Bucket<Resolved>;
}

#[async_trait]
impl Resource for Bucket<Resolved> {
    const KIND: &'static str = "Test::Bucket";
    const FACTS: Facts = crate::facts::FACTS;
    const SETTLE: Settle = Settle::Key;
    type Context = Arc<Calls>;
    type Declared = Bucket<Declared>;
    type Outputs<S: Stage> = BucketOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn find(&self, _: &Arc<Calls>, _: &Search) -> Result<Option<BucketOutputs<Resolved>>, CallError> {
        Ok(None)
    }

    async fn create(&self, _: &Arc<Calls>, _: &Intent) -> Result<BucketOutputs<Resolved>, CallError> {
        Ok(BucketOutputs { id: self.name.clone() })
    }

    async fn read(&self, _: &Arc<Calls>, _: &BucketOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        Ok(Some(self.clone()))
    }

    async fn update(
        &self,
        _: &Arc<Calls>,
        outputs: &BucketOutputs<Resolved>,
        _: &Changed<Self>,
    ) -> Result<BucketOutputs<Resolved>, CallError> {
        Ok(outputs.clone())
    }

    async fn delete(&self, calls: &Arc<Calls>, _: &BucketOutputs<Resolved>) -> Result<(), CallError> {
        for _page in 0..300 {
            calls.0.lock().unwrap().push(Instant::now());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_of_many_calls_ends_in_the_middle_when_the_lock_is_lost() {
    let (world, calls) = (World::new(), Arc::new(Calls::default()));
    let engine = |store: &WatchedStore| {
        let mut registry = Registry::new(Arc::clone(&calls));
        registry.register::<Bucket<Resolved>>();
        Engine::new(Arc::new(registry), Arc::new(store.clone())).with_host(world.host().1)
    };
    let store = world.process().store;
    let session = engine(&store).open().await.unwrap();
    let wanted = graph([resource("t/a", "Test::Bucket", json!({ "Name": "a" }))]);
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    let plan = session.plan(Arc::default(), &Selector::all()).await.unwrap();
    let begun = Instant::now();
    let (applied, ()) = tokio::join!(session.apply(&plan), async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        store.hang_lock();
    });
    assert!(matches!(applied, Err(EngineError::LockLost)), "{applied:?}");
    drop(session);
    // It was renewed less than 5 s before, for 20 s; then another process may begin.
    let until = Duration::from_secs(10 + 20);
    assert!(begun.elapsed() <= until, "{:?}", begun.elapsed());
    let next = engine(&world.process().store).open().await.unwrap();
    let (sent, last) = {
        let sent = calls.0.lock().unwrap();
        (sent.len(), *sent.last().unwrap())
    };
    assert!(sent > 10 && last.duration_since(begun) < until, "{sent} calls");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(calls.0.lock().unwrap().len(), sent);
    next.close().await.unwrap();
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
    let plan = session
        .plan(graph([resource("t/a", "Test::Token", json!({ "Name": "a" }))]), &Selector::all())
        .await
        .unwrap();
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

    /// A process takes the lock and dies: nothing of it runs any more.
    fn hold_and_die(&self) {
        let engine = self.engine();
        let process = std::thread::spawn(move || {
            let runtime = virtual_time();
            let session = runtime.block_on(engine.open()).unwrap();
            drop(runtime);
            drop(session);
        });
        process.join().unwrap();
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
    place.hold_and_die();
    assert!(place.store().read(File::Lock).await.unwrap().is_some());
    assert_eq!(place.seconds_to_open().await, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_in_a_process_that_lives_on_gives_its_directory_back() {
    let place = Directory::new();
    drop(place.engine().open().await.unwrap());
    assert!(place.seconds_to_open().await <= 1);
    assert!(place.store().read(File::Lock).await.unwrap().is_none());
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn of_two_that_find_a_dead_holder_one_works_and_the_other_is_refused() {
    let place = Directory::new();
    place.hold_and_die();
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
    place.hold_and_die();
    let _mark = alive.mark().await.unwrap();
    assert!((19..=20).contains(&place.seconds_to_open().await));
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_holder_on_another_machine_or_without_a_mark_keeps_its_lease_to_the_end() {
    for mark in [json!("0a7e0000-another-boot/1/2"), json!(null)] {
        let place = Directory::new();
        place.hold_and_die();
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
