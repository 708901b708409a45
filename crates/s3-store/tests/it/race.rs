//! Machines that race for one environment, and one that slept while another one worked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use emulator::{Call, Emulator, Layer, Next, Outcome, Reply};
use engine::{
    Content, EngineError, File, JournalError, LeaseTerms, LockError, Store, StoreError, Version, inspect,
    lock_holder, unlock,
};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::place::{Place, engine, note, noted, told};

/// Each request and each answer takes another time, so that requests overtake each other.
struct Uneven;

#[async_trait]
impl Layer for Uneven {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        sleep(Duration::from_millis(call.sequence * 7_919 % 43)).await;
        let reply = next.run(call).await;
        sleep(Duration::from_millis(call.sequence * 5_701 % 37)).await;
        reply
    }
}

/// Counts who thinks that it is the one writer.
struct Writing<'a>(&'a AtomicUsize);

impl<'a> Writing<'a> {
    fn begin(writers: &'a AtomicUsize) -> Self {
        assert_eq!(writers.fetch_add(1, Ordering::SeqCst), 0, "two sessions write at once");
        Self(writers)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Everything that was ever recorded, in order, whose chain of hashes is whole: number and note of each record.
async fn recorded(place: &Place) -> Vec<(u64, Option<String>)> {
    let by_hand = place.by_hand();
    let mut segments = by_hand.names().await;
    segments.retain(|name| name.starts_with("journal/"));
    segments.reverse();
    let (mut records, mut hash) = (Vec::new(), None::<String>);
    for (position, name) in segments.iter().enumerate() {
        assert!(name.ends_with(&format!(".{}", position + 1)), "{name} is number {}", position + 1);
        let body = String::from_utf8(by_hand.get(name).await).unwrap();
        for line in body.lines().skip(1) {
            let line: Value = serde_json::from_str(line).unwrap();
            if line["format"].is_string() {
                // A journal goes on where the one before ended.
                if let Some(hash) = &hash {
                    assert_eq!(line["hash"].as_str(), Some(hash.as_str()), "{name}");
                }
                continue;
            }
            assert_eq!(line["n"].as_u64(), Some(records.len() as u64 + 1), "{name}");
            assert!(hash.is_none() || line["prev"].as_str() == hash.as_deref(), "{name}");
            hash = line["hash"].as_str().map(str::to_owned);
            let note = line["event"]["values"]["note"].as_str().map(str::to_owned);
            records.push((line["n"].as_u64().unwrap(), note));
        }
    }
    records
}

#[tokio::test(start_paused = true)]
async fn of_two_machines_that_race_two_hundred_times_never_two_write_and_nothing_is_lost() {
    let place = Place::new(Emulator::builder().layer(Uneven).in_memory()).await;
    let started = Instant::now();
    let writers = AtomicUsize::new(0);
    let acknowledged = std::sync::Mutex::new(Vec::new());
    for round in 0..200_u64 {
        let work = async |machine: u64| {
            sleep(Duration::from_millis((round * 31 + machine * 17) % 90)).await;
            let engine = engine(place.open(), machine, started).with_lock_timeout(Duration::from_secs(600));
            let session = engine.open().await.unwrap_or_else(|error| panic!("{round}: {}", told(&error)));
            let writing = Writing::begin(&writers);
            for number in 1..=2 {
                let text = format!("{round} {machine} {number}");
                note(&session, &text).await.unwrap_or_else(|error| panic!("{round}: {}", told(&error)));
                acknowledged.lock().unwrap().push(text);
                if round % 20 == 7 {
                    // Longer than a lease, which is renewed.
                    sleep(Duration::from_secs(35)).await;
                }
            }
            drop(writing);
            session.close().await.unwrap_or_else(|error| panic!("{round}: {}", told(&error)));
        };
        // In some rounds, one of them is dropped somewhere.
        let patience = match round % 5 {
            3 => Duration::from_millis(round * 13 % 900),
            _ => Duration::from_secs(3_600),
        };
        tokio::join!(work(1), async { timeout(patience, work(2)).await.is_ok() });
    }
    let records = recorded(&place).await;
    let notes: Vec<&String> = records.iter().filter_map(|(_, note)| note.as_ref()).collect();
    let acknowledged = acknowledged.into_inner().unwrap();
    // What was not acknowledged, since its session was dropped, may be there too.
    let of_theirs: Vec<&String> = notes.iter().copied().filter(|note| acknowledged.contains(note)).collect();
    assert_eq!(of_theirs, acknowledged.iter().collect::<Vec<_>>());
    assert!(acknowledged.len() > 600, "{}", acknowledged.len());
    let inspection = inspect(&*place.open()).await.unwrap().unwrap();
    assert_eq!(inspection.head.records, records.len() as u64);
    assert_eq!(lock_holder(&*place.open()).await.unwrap(), None);
}

/// A store on a machine that can be put to sleep: no request leaves it then.
#[derive(Clone)]
struct Sleeper {
    store: Arc<dyn Store>,
    awake: watch::Receiver<bool>,
}

impl Sleeper {
    fn new(store: Arc<dyn Store>) -> (Self, watch::Sender<bool>) {
        let (wake, awake) = watch::channel(true);
        (Self { store, awake }, wake)
    }

    async fn awake(&self) {
        let mut awake = self.awake.clone();
        awake.wait_for(|awake| *awake).await.unwrap();
    }
}

#[async_trait]
impl Store for Sleeper {
    fn name(&self, file: File) -> String {
        self.store.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        self.awake().await;
        self.store.read(file).await
    }

    async fn replace(&self, file: File, was: Option<&Version>, to: Vec<u8>) -> Result<Version, StoreError> {
        self.awake().await;
        self.store.replace(file, was, to).await
    }

    async fn append(&self, file: File, was: &Version, more: Vec<u8>) -> Result<Version, StoreError> {
        self.awake().await;
        self.store.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &Version) -> Result<(), StoreError> {
        self.awake().await;
        self.store.remove(file, was).await
    }

    fn lease(&self) -> LeaseTerms {
        self.store.lease()
    }

    fn compact_after(&self) -> usize {
        self.store.compact_after()
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_slept_through_a_takeover_changes_nothing_when_it_wakes() {
    for next_has_ended in [false, true] {
        let place = Place::new(Emulator::in_memory()).await;
        let started = Instant::now();
        let (sleeper, wake) = Sleeper::new(place.open());
        let slept = engine(Arc::new(sleeper), 1, started).open().await.unwrap();
        note(&slept, "before").await.unwrap();
        wake.send(false).unwrap();
        let begun = Instant::now();
        let next = engine(place.open(), 2, started).open().await.unwrap();
        assert!(begun.elapsed() >= place.open().lease().lasts);
        note(&next, "theirs").await.unwrap();
        let mut next = Some(next);
        if next_has_ended {
            next.take().unwrap().close().await.unwrap();
        }
        place.emulator.clear_calls();

        wake.send(true).unwrap();
        let error = note(&slept, "after").await.unwrap_err();
        assert!(
            matches!(error, EngineError::LockLost | EngineError::LockUnrenewed { .. }),
            "{}",
            told(&error)
        );
        let _ = slept.close().await;
        assert_eq!(done(&place), Vec::<String>::new());

        assert_eq!(noted(place.open()).await.as_deref(), Some("theirs"));
        if let Some(next) = next {
            note(&next, "goes on").await.unwrap();
            next.close().await.unwrap();
            assert_eq!(noted(place.open()).await.as_deref(), Some("goes on"));
        }
        let notes: Vec<_> = recorded(&place).await.into_iter().filter_map(|(_, note)| note).collect();
        assert!(!notes.contains(&"after".to_owned()), "{notes:?}");
    }
}

/// The changes since the log of calls was cleared.
fn done(place: &Place) -> Vec<String> {
    let calls = place.emulator.calls().into_iter();
    calls.filter(|call| call.mutating && call.outcome == Outcome::Ok).map(|call| call.operation).collect()
}

/// By its own clock its lease is good, and no renewal is due: the store itself says that it is lost, before anything else.
#[tokio::test(start_paused = true)]
async fn a_holder_whose_lock_was_taken_away_learns_it_from_its_next_record() {
    let place = Place::new(Emulator::in_memory()).await;
    let started = Instant::now();
    let first = engine(place.open(), 1, started).open().await.unwrap();
    note(&first, "before").await.unwrap();
    let holder = lock_holder(&*place.open()).await.unwrap().unwrap();
    assert!(unlock(&*place.open(), &holder.id).await.unwrap());
    let next = engine(place.open(), 2, started).open().await.unwrap();
    assert!(started.elapsed() < place.open().lease().renewed_every);
    place.emulator.clear_calls();

    let error = note(&first, "after").await.unwrap_err();
    let refused = matches!(&error, EngineError::Journal(JournalError::Store(source))
        if matches!(**source, StoreError::Changed { .. }));
    assert!(refused, "{}", told(&error));
    assert!(
        told(&error).contains("s3://payment-state-123456789012/team/dev/journal/ was changed"),
        "{}",
        told(&error)
    );
    let _ = first.close().await;
    assert_eq!(done(&place), Vec::<String>::new());
    note(&next, "theirs").await.unwrap();
    next.close().await.unwrap();
    assert_eq!(noted(place.open()).await.as_deref(), Some("theirs"));
}

#[tokio::test(start_paused = true)]
async fn a_version_of_before_a_takeover_appends_nothing() {
    let place = Place::new(Emulator::in_memory()).await;
    let store = place.open();
    let mine = store.replace(File::Journal, None, b"one\n".to_vec()).await.unwrap();
    let theirs = place.open().append(File::Journal, &mine, b"theirs\n".to_vec()).await.unwrap();
    let refused = store.append(File::Journal, &mine, b"mine\n".to_vec()).await;
    assert!(matches!(refused, Err(StoreError::Changed { .. })), "{refused:?}");
    // Also after a compaction, which begins a journal of its own.
    place.open().replace(File::Journal, Some(&theirs), b"compacted\n".to_vec()).await.unwrap();
    for version in [&mine, &theirs] {
        let refused = store.append(File::Journal, version, b"mine\n".to_vec()).await;
        assert!(matches!(refused, Err(StoreError::Changed { .. })), "{refused:?}");
    }
    assert_eq!(store.read(File::Journal).await.unwrap().unwrap().bytes, b"compacted\n");
}

#[tokio::test(start_paused = true)]
async fn without_patience_the_loser_is_told_who_holds_the_lock() {
    let place = Place::new(Emulator::builder().layer(Uneven).in_memory()).await;
    let started = Instant::now();
    for round in 0..20 {
        let open = async |machine| {
            let opened = engine(place.open(), machine, started).open().await;
            if opened.is_ok() {
                // The other one sees it renewed.
                sleep(Duration::from_secs(20)).await;
            }
            opened
        };
        let (one, other) = tokio::join!(open(1), open(2));
        let (session, error) = match (one, other) {
            (Ok(session), Err(error)) | (Err(error), Ok(session)) => (session, error),
            (one, other) => panic!("{round}: {} {}", one.is_ok(), other.is_ok()),
        };
        assert!(matches!(error, EngineError::Lock(LockError::Held { .. })), "{}", told(&error));
        assert!(told(&error).contains("lock.json is held by ada@machine-"), "{}", told(&error));
        session.close().await.unwrap();
    }
}
