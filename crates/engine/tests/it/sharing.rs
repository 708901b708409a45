//! A lock that several machines share: whose clocks say nothing, who waits for whom, and who takes it away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{
    Awaited, Content, Engine, EngineError, File, LeaseTerms, LockError, MemoryStore, Observer, Progress,
    Registry, Store, StoreError, TestHost, Version, lock_holder, unlock,
};
use serde_json::json;
use tokio::time::Instant;

use crate::world::Listener;

const TERMS: LeaseTerms =
    LeaseTerms { lasts: Duration::from_secs(40), renewed_every: Duration::from_secs(10), one_clock: false };

/// A store whose users are different machines.
#[derive(Clone, Debug, Default)]
struct Shared(MemoryStore);

#[async_trait]
impl Store for Shared {
    fn name(&self, file: File) -> String {
        self.0.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        self.0.read(file).await
    }

    async fn replace(&self, file: File, was: Option<&Version>, to: Vec<u8>) -> Result<Version, StoreError> {
        self.0.replace(file, was, to).await
    }

    async fn append(&self, file: File, was: &Version, more: Vec<u8>) -> Result<Version, StoreError> {
        self.0.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &Version) -> Result<(), StoreError> {
        self.0.remove(file, was).await
    }

    fn lease(&self) -> LeaseTerms {
        TERMS
    }
}

fn machine(store: &Shared, number: u64) -> Engine {
    let host = TestHost::new(&format!("ada@machine-{number}"), number, Instant::now());
    Engine::new(Arc::new(Registry::new(())), Arc::new(store.clone())).with_host(Arc::new(host))
}

/// A lease that somebody left who is not there any more.
async fn abandoned(store: &Shared, expires: u64) {
    let lease =
        json!({ "holder": "bob@laptop", "id": "b1", "since": 1_800_000_000_000_u64, "expires": expires });
    store.replace(File::Lock, None, lease.to_string().into_bytes()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_the_clock_of_another_machine_said_is_not_believed() {
    // Long ago, and far in the future.
    for expires in [1, 9_000_000_000_000] {
        let store = Shared::default();
        abandoned(&store, expires).await;
        let begun = Instant::now();
        machine(&store, 1).open().await.unwrap().close().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), TERMS.lasts.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_renewed_is_never_taken_over_however_wrong_the_clocks_are() {
    let store = Shared::default();
    let held = machine(&store, 1).open().await.unwrap();
    for _ in 0..5 {
        // Each of these machines thinks that it is a year later.
        let begun = Instant::now().checked_sub(Duration::from_secs(365 * 86_400)).unwrap();
        let host = TestHost::new("eve@mars", 9, begun);
        let refused = machine(&store, 2).with_host(Arc::new(host)).open().await;
        assert!(matches!(refused, Err(EngineError::Lock(LockError::Held { .. }))));
        tokio::time::sleep(Duration::from_secs(33)).await;
    }
    held.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_has_patience_waits_for_a_holder_that_lives_and_then_works() {
    let store = Shared::default();
    let held = machine(&store, 1).open().await.unwrap();
    let seen = Arc::new(Listener::default());
    let patient = machine(&store, 2)
        .with_lock_timeout(Duration::from_secs(600))
        .with_observer(Arc::clone(&seen) as Arc<dyn Observer>);
    let begun = Instant::now();
    let (opened, ()) = tokio::join!(patient.open(), async {
        tokio::time::sleep(Duration::from_secs(200)).await;
        held.close().await.unwrap();
    });
    let waited = begun.elapsed().as_secs();
    assert!((200..=203).contains(&waited), "{waited}");
    opened.unwrap().close().await.unwrap();
    let seen = seen.0.lock().unwrap();
    let awaited: Vec<Awaited> = seen.iter().filter_map(awaited).collect();
    assert_eq!((awaited[0], awaited[awaited.len() - 1]), (Awaited::Expiry, Awaited::Release));
}

/// Whether the holder lives, who has little patience gives up when that is over, and is told of the time that was given.
#[tokio::test(start_paused = true)]
async fn patience_ends_when_it_was_said_to() {
    for (seconds, lives) in [(1, true), (5, true), (9, true), (5, false), (13, false)] {
        let store = Shared::default();
        let held = match lives {
            true => Some(machine(&store, 1).open().await.unwrap()),
            false => {
                abandoned(&store, 1).await;
                None
            }
        };
        let seen = Arc::new(Listener::default());
        let patience = Duration::from_secs(seconds);
        let hurried = machine(&store, 2)
            .with_lock_timeout(patience)
            .with_observer(Arc::clone(&seen) as Arc<dyn Observer>);
        let begun = Instant::now();
        let refused = hurried.open().await;
        assert!(matches!(refused, Err(EngineError::Lock(LockError::Held { .. }))), "{seconds} s, {lives}");
        assert_eq!(begun.elapsed().as_secs(), seconds, "{lives}");
        for progress in seen.0.lock().unwrap().iter() {
            let Progress::WaitingForLock { awaited, left, .. } = progress else { panic!("{progress:?}") };
            assert_eq!((*awaited, *left), (Awaited::Release, patience), "{seconds} s, {lives}");
        }
        drop(held);
    }
}

fn awaited(progress: &Progress) -> Option<Awaited> {
    match progress {
        Progress::WaitingForLock { awaited, .. } => Some(*awaited),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_with_who_has_the_lock_and_what_for() {
    let store = Shared::default();
    let held = machine(&store, 1).with_purpose("up, https://ci.example/run/7").open().await.unwrap();
    let begun = Instant::now();
    let error = machine(&store, 2).with_lock_timeout(Duration::from_secs(90)).open().await.err().unwrap();
    let waited = begun.elapsed().as_secs();
    assert!((90..=110).contains(&waited), "{waited}");
    let text = error.to_string();
    assert!(text.contains("ada@machine-1 (up, https://ci.example/run/7), for "), "{text}");
    held.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_taken_away_is_free_at_once_and_its_holder_stops() {
    let store = Shared::default();
    assert_eq!(lock_holder(&store).await.unwrap(), None);
    let held = machine(&store, 1).with_purpose("up").open().await.unwrap();
    tokio::time::sleep(Duration::from_secs(15)).await;
    let holder = lock_holder(&store).await.unwrap().unwrap();
    assert_eq!((holder.who.as_str(), holder.purpose.as_deref()), ("ada@machine-1", Some("up")));
    assert!(!holder.is_dead, "it is not known here");
    assert!(!unlock(&store, "another").await.unwrap());
    assert!(lock_holder(&store).await.unwrap().is_some());
    assert!(unlock(&store, &holder.id).await.unwrap());
    let begun = Instant::now();
    let next = machine(&store, 2).open().await.unwrap();
    assert!(begun.elapsed().is_zero());
    tokio::time::sleep(TERMS.renewed_every).await;
    let plan = held.plan(Arc::default(), &engine::Selector::all()).await;
    assert!(matches!(plan, Err(EngineError::LockLost)), "{plan:?}");
    let _ = held.close().await;
    assert_eq!(lock_holder(&store).await.unwrap().unwrap().who, "ada@machine-2");
    next.close().await.unwrap();
}
