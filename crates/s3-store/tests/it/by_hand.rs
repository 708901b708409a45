//! Objects that somebody deletes or alters by hand: an error names them, and nothing is written.

use std::sync::Arc;
use std::time::Duration;

use emulator::Emulator;
use engine::{EngineError, File, MemoryStore, Store, lock_holder};
use tokio::time::{Instant, sleep};

use crate::place::{Place, engine, note, noted, told};

pub(crate) const NEWEST: &str = "journal/999999999993.6";
pub(crate) const FIRST: &str = "journal/999999999996.3";
const BEFORE: &str = "journal/999999999997.2";

/// What somebody does to the content of an object.
type Edit = fn(String) -> Vec<u8>;

/// An environment with a snapshot, and a session after it that ended without compacting: segments 1 and 2 are those of the session
/// before it, 3 begins the journal.
pub(crate) async fn environment(account: &Place) -> Place {
    let place = account.elsewhere();
    let started = Instant::now();
    // The state of a session that has not ended.
    let memory = MemoryStore::new();
    let session = engine(Arc::new(Compacting(memory.clone())), 1, started).open().await.unwrap();
    note(&session, "one").await.unwrap();
    session.close().await.unwrap();
    let open = engine(Arc::new(Compacting(memory.clone())), 1, started).open().await.unwrap();
    note(&open, "two").await.unwrap();
    note(&open, "three").await.unwrap();
    let snapshot = memory.read(File::State).await.unwrap().unwrap().bytes;
    let journal = memory.read(File::Journal).await.unwrap().unwrap().bytes;
    open.close().await.unwrap();

    let store = place.open();
    let version = store.replace(File::Journal, None, b"old\n".to_vec()).await.unwrap();
    let version = store.append(File::Journal, &version, b"older\n".to_vec()).await.unwrap();
    store.replace(File::State, None, snapshot).await.unwrap();
    let mut lines = journal.split_inclusive(|byte| *byte == b'\n');
    let header = lines.next().unwrap().to_vec();
    let mut version = store.replace(File::Journal, Some(&version), header).await.unwrap();
    for line in lines {
        version = store.append(File::Journal, &version, line.to_vec()).await.unwrap();
    }
    assert_eq!(noted(place.open()).await.as_deref(), Some("three"));
    assert!(place.by_hand().names().await.contains(&NEWEST.to_owned()));
    place
}

/// A store in memory that compacts as the one in S3 does.
struct Compacting(MemoryStore);

#[async_trait::async_trait]
impl Store for Compacting {
    fn name(&self, file: File) -> String {
        self.0.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<engine::Content>, engine::StoreError> {
        self.0.read(file).await
    }

    async fn replace(
        &self,
        file: File,
        was: Option<&engine::Version>,
        to: Vec<u8>,
    ) -> Result<engine::Version, engine::StoreError> {
        self.0.replace(file, was, to).await
    }

    async fn append(
        &self,
        file: File,
        was: &engine::Version,
        more: Vec<u8>,
    ) -> Result<engine::Version, engine::StoreError> {
        self.0.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &engine::Version) -> Result<(), engine::StoreError> {
        self.0.remove(file, was).await
    }

    fn compact_after(&self) -> usize {
        0
    }
}

/// The journal and the snapshot, in all their versions.
async fn kept(place: &Place) -> Vec<String> {
    let mut kept = place.by_hand().history("journal/").await;
    kept.extend(place.by_hand().history("state.json").await);
    kept
}

/// A session and a look are refused by an error that names the object, and change nothing.
async fn assert_refused(place: &Place, case: &str, named: &str) {
    let before = kept(place).await;
    let opened = engine(place.open(), 2, Instant::now()).open().await;
    let Err(error) = opened else { panic!("{case}: a session began") };
    let text = told(&error);
    assert!(text.contains(&place.by_hand().url(named)), "{case}: {text}");
    let looked = engine(place.open(), 2, Instant::now()).state().await;
    assert!(looked.is_err(), "{case}: it can be read");
    assert_eq!(kept(place).await, before, "{case}: something was written");
    assert_eq!(lock_holder(&*place.open()).await.unwrap(), None, "{case}: the lock was given back");
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_was_deleted_is_missed_wherever_it_was() {
    let account = Place::new(Emulator::in_memory()).await;
    for name in [FIRST, "journal/999999999995.4", "journal/999999999994.5", NEWEST] {
        let place = environment(&account).await;
        let marker = place.by_hand().delete(name).await;
        assert_refused(&place, &format!("{name} deleted"), name).await;
        // As the message says.
        place.by_hand().delete_version(name, &marker).await;
        assert_eq!(noted(place.open()).await.as_deref(), Some("three"));
        engine(place.open(), 2, Instant::now()).open().await.unwrap().close().await.unwrap();
    }
    // The end, from some segment on.
    let place = environment(&account).await;
    for name in ["journal/999999999994.5", NEWEST] {
        place.by_hand().delete(name).await;
    }
    assert_refused(&place, "the last two deleted", "journal/999999999994.5").await;
}

#[tokio::test(start_paused = true)]
async fn all_that_is_deleted_is_no_new_beginning() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    for name in place.by_hand().names().await {
        if name.starts_with("journal/") {
            place.by_hand().delete(&name).await;
        }
    }
    assert_refused(&place, "the whole journal deleted", "journal/").await;
    place.by_hand().delete("state.json").await;
    assert_refused(&place, "everything deleted", "").await;
}

#[tokio::test(start_paused = true)]
async fn a_segment_of_history_may_go() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    place.by_hand().delete("journal/999999999998.1").await;
    place.by_hand().delete(BEFORE).await;
    engine(place.open(), 2, Instant::now()).open().await.unwrap().close().await.unwrap();
    assert_eq!(noted(place.open()).await.as_deref(), Some("three"));
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_was_altered_is_named() {
    let account = Place::new(Emulator::in_memory()).await;
    let edits: [(&str, Edit); 5] = [
        ("another word", |body| body.replace("two", "TWO").replace("at\":1", "at\":2").into_bytes()),
        ("cut off", |body| body.as_bytes()[..body.len() - 3].to_vec()),
        ("emptied", |_| Vec::new()),
        ("something else", |_| b"hello\n".to_vec()),
        ("a line more", |body| format!("{body}{{}}\n").into_bytes()),
    ];
    for name in [FIRST, "journal/999999999994.5", NEWEST] {
        for (what, edit) in edits {
            let place = environment(&account).await;
            let body = String::from_utf8(place.by_hand().get(name).await).unwrap();
            let edited = edit(body.clone());
            assert_ne!(edited, body.into_bytes(), "{name}: {what}");
            place.by_hand().put(name, &edited).await;
            assert_refused(&place, &format!("{name}: {what}"), name).await;
        }
    }
    // One in the place of another.
    let place = environment(&account).await;
    let other = place.by_hand().get("journal/999999999995.4").await;
    place.by_hand().put("journal/999999999994.5", &other).await;
    assert_refused(&place, "the copy of another", "journal/999999999994.5").await;
    let other = place.by_hand().get(BEFORE).await;
    let renamed = String::from_utf8(other).unwrap().replacen("\"segment\":2", "\"segment\":5", 1);
    place.by_hand().put("journal/999999999994.5", renamed.as_bytes()).await;
    assert_refused(&place, "one of another journal", "journal/999999999994.5").await;
}

#[tokio::test(start_paused = true)]
async fn what_lies_among_the_segments_and_is_none_is_named() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    place.by_hand().put("journal/000.bak", b"a copy\n").await;
    assert_refused(&place, "a copy that is listed first", "journal/000.bak").await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_was_deleted_or_altered_is_named() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    let body = String::from_utf8(place.by_hand().get("state.json").await).unwrap();
    let marker = place.by_hand().delete("state.json").await;
    assert_refused(&place, "deleted", "state.json").await;
    place.by_hand().delete_version("state.json", &marker).await;
    for (what, edited) in [
        ("another word", body.replace("one", "ONE")),
        ("cut off", body[..body.len() - 2].to_owned()),
        ("emptied", String::new()),
        ("something else", "{}\n".to_owned()),
    ] {
        assert_ne!(edited, body, "{what}");
        place.by_hand().put("state.json", edited.as_bytes()).await;
        assert_refused(&place, what, "state.json").await;
    }
    place.by_hand().put("state.json", body.as_bytes()).await;
    assert_eq!(noted(place.open()).await.as_deref(), Some("three"));
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_was_altered_is_named() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    let before = kept(&place).await;
    place.by_hand().put("lock.json", b"mine\n").await;
    let error = engine(place.open(), 2, Instant::now()).open().await.err().unwrap();
    assert!(told(&error).contains(&place.by_hand().url("lock.json")), "{}", told(&error));
    assert_eq!(kept(&place).await, before);
    assert_eq!(place.by_hand().get("lock.json").await, b"mine\n");
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_lock_was_deleted_or_altered_stops() {
    let account = Place::new(Emulator::in_memory()).await;
    for altered in [false, true] {
        let place = environment(&account).await;
        let session = engine(place.open(), 2, Instant::now()).open().await.unwrap();
        note(&session, "four").await.unwrap();
        match altered {
            true => place.by_hand().put("lock.json", b"mine\n").await,
            false => drop(place.by_hand().delete("lock.json").await),
        }
        sleep(Duration::from_secs(8)).await;
        let error = note(&session, "five").await.unwrap_err();
        assert!(matches!(error, EngineError::LockLost), "{}", told(&error));
        let _ = session.close().await;
        assert_eq!(noted(place.open()).await.as_deref(), Some("four"));
        assert_eq!(place.by_hand().names().await.contains(&"lock.json".to_owned()), altered, "left as it is");
    }
}

/// A lifecycle rule expires what has the tag. Until there is a snapshot of it, nothing of a journal may have it.
#[tokio::test(start_paused = true)]
async fn only_what_a_snapshot_contains_is_marked_as_history() {
    let account = Place::new(Emulator::in_memory()).await;
    let place = environment(&account).await;
    let tagged = async || {
        let mut tagged = Vec::new();
        for name in place.by_hand().names().await {
            if name.starts_with("journal/") && !place.by_hand().tags(&name).await.is_empty() {
                tagged.push(name);
            }
        }
        tagged
    };
    assert_eq!(tagged().await, [BEFORE, "journal/999999999998.1"], "the journal that was replaced");
    engine(place.open(), 2, Instant::now()).open().await.unwrap().close().await.unwrap();
    let names = place.by_hand().names().await;
    let journal: Vec<String> = names.into_iter().filter(|name| name.starts_with("journal/")).collect();
    assert_eq!(tagged().await, journal[1..], "all but the one that begins the new journal");
    assert_eq!(place.by_hand().tags(NEWEST).await, ["stack:kept=history"]);
}
