use std::sync::Mutex;

use async_trait::async_trait;
use futures::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::host::TestHost;
use crate::store::MemoryStore;

fn host() -> Arc<dyn Host> {
    Arc::new(TestHost::new("ada", 1, Instant::now()))
}

async fn open(store: &MemoryStore) -> Journal {
    Journal::open(Arc::new(store.clone()), host(), Binding::default(), None).await.unwrap()
}

async fn exports(journal: &Journal, numbers: std::ops::Range<u64>) {
    for number in numbers {
        journal.record(Event::Exports { values: json!({ "Number": number }) }).await.unwrap();
    }
}

async fn loaded(store: &MemoryStore) -> State {
    load(store, &*host()).await.unwrap().state
}

async fn bytes(store: &MemoryStore, file: File) -> Vec<u8> {
    store.read(file).await.unwrap().unwrap().bytes
}

async fn put(store: &MemoryStore, file: File, bytes: &[u8]) {
    let version = store.read(file).await.unwrap().map(|content| content.version);
    store.replace(file, version.as_ref(), bytes.to_vec()).await.unwrap();
}

/// A snapshot, and a journal that goes on after it.
async fn compacted() -> MemoryStore {
    let store = MemoryStore::new();
    let journal = open(&store).await;
    exports(&journal, 0..30).await;
    journal.close().await.unwrap();
    let journal = open(&store).await;
    exports(&journal, 30..33).await;
    journal.close().await.unwrap();
    store
}

#[tokio::test(start_paused = true)]
async fn a_long_journal_is_compacted_when_it_is_closed_and_goes_on_from_there() {
    let store = MemoryStore::new();
    let journal = open(&store).await;
    exports(&journal, 0..20).await;
    let before = journal.state().clone();
    journal.close().await.unwrap();
    assert_eq!(bytes(&store, File::Journal).await.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(loaded(&store).await, before);

    let journal = open(&store).await;
    exports(&journal, 20..22).await;
    let after = journal.state().clone();
    journal.close().await.unwrap();
    assert_eq!(after.records, before.records + 3);
    assert_eq!(loaded(&store).await, after);
}

#[tokio::test(start_paused = true)]
async fn a_short_journal_is_not_compacted() {
    let store = MemoryStore::new();
    let journal = open(&store).await;
    exports(&journal, 0..5).await;
    journal.close().await.unwrap();
    assert_eq!(store.read(File::State).await.unwrap(), None);
}

/// Fails the second half of a compaction.
struct NoNewJournal(MemoryStore, Mutex<bool>);

#[async_trait]
impl Store for NoNewJournal {
    fn name(&self, file: File) -> String {
        self.0.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        self.0.read(file).await
    }

    async fn replace(
        &self,
        file: File,
        expected: Option<&Version>,
        bytes: Vec<u8>,
    ) -> Result<Version, StoreError> {
        if file == File::Journal && *self.1.lock().unwrap() {
            let source = std::io::Error::other("the process dies here");
            return Err(StoreError::Io { action: "write", name: self.name(file), source });
        }
        self.0.replace(file, expected, bytes).await
    }

    async fn append(&self, file: File, expected: &Version, bytes: Vec<u8>) -> Result<Version, StoreError> {
        if bytes.windows(6).any(|window| window == b"poison") {
            let source = std::io::Error::other("no space left on device");
            return Err(StoreError::Io { action: "append to", name: self.name(file), source });
        }
        self.0.append(file, expected, bytes).await
    }

    async fn remove(&self, file: File, expected: &Version) -> Result<(), StoreError> {
        self.0.remove(file, expected).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_snapshot_and_new_journal_loses_and_doubles_nothing() {
    let store = MemoryStore::new();
    let dying = Arc::new(NoNewJournal(store.clone(), Mutex::new(false)));
    let journal =
        Journal::open(Arc::clone(&dying) as Arc<dyn Store>, host(), Binding::default(), None).await.unwrap();
    exports(&journal, 0..30).await;
    let before = journal.state().clone();
    *dying.1.lock().unwrap() = true;
    journal.close().await.unwrap_err();
    assert!(store.read(File::State).await.unwrap().is_some());
    assert_eq!(loaded(&store).await, before);

    // The old journal goes on beside the snapshot, and can be compacted once more.
    let journal = open(&store).await;
    exports(&journal, 30..32).await;
    let after = journal.state().clone();
    assert_eq!(loaded(&store).await, after);
    journal.close().await.unwrap();
    assert_eq!(bytes(&store, File::Journal).await.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(loaded(&store).await, after);
}

/// The error that everybody gets, and that changes nothing.
async fn refused(store: &MemoryStore) -> String {
    let before = [bytes(store, File::State).await, bytes(store, File::Journal).await];
    let Err(error) = load(store, &*host()).await else { panic!("it was read") };
    let Err(opened) = Journal::open(Arc::new(store.clone()), host(), Binding::default(), None).await else {
        panic!("it was opened")
    };
    assert_eq!(error.to_string(), opened.to_string());
    assert_eq!([bytes(store, File::State).await, bytes(store, File::Journal).await], before);
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_changed_byte_in_a_snapshot_is_an_error_that_names_where() {
    let store = compacted().await;
    let whole = bytes(&store, File::State).await;
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 1;
        put(&store, File::State, &damaged).await;
        let error = refused(&store).await;
        assert!(error.contains("in memory, line "), "byte {position}: {error}");
    }
    put(&store, File::State, &whole).await;
    loaded(&store).await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_with_more_or_less_than_its_two_lines_is_an_error() {
    let store = compacted().await;
    let whole = bytes(&store, File::State).await;
    for other in [&whole[..10], &whole[..whole.len() - 5], &[&whole[..], b"more\n"].concat()[..]] {
        put(&store, File::State, other).await;
        assert!(refused(&store).await.contains("state in memory, line "));
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_another_version_is_an_error() {
    let store = compacted().await;
    let text = String::from_utf8(bytes(&store, File::State).await).unwrap();
    put(&store, File::State, text.replacen("\"version\":2", "\"version\":3", 1).as_bytes()).await;
    let error = refused(&store).await;
    let wanted = "state in memory, line 1: format version 3, but this program reads versions 1 and 2; nothing was changed";
    assert_eq!(error, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_another_lineage_is_an_error() {
    let store = compacted().await;
    let other = MemoryStore::new();
    let stranger: Arc<dyn Host> = Arc::new(TestHost::new("bob", 2, Instant::now()));
    Journal::open(Arc::new(other.clone()), stranger, Binding::default(), None)
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    put(&store, File::Journal, &bytes(&other, File::Journal).await).await;
    assert!(refused(&store).await.contains("journal in memory, line 1: it belongs to lineage "));
}

#[tokio::test(start_paused = true)]
async fn a_journal_or_snapshot_that_is_gone_is_an_error() {
    let store = compacted().await;
    let state = store.read(File::State).await.unwrap().unwrap();
    store.remove(File::State, &state.version).await.unwrap();
    let Err(error) = load(&store, &*host()).await else { panic!("it was read") };
    let missing = "state in memory, line 1: it is missing, and journal in memory goes on after record 31";
    assert!(error.to_string().starts_with(missing), "{error}");

    let store = compacted().await;
    let journal = store.read(File::Journal).await.unwrap().unwrap();
    store.remove(File::Journal, &journal.version).await.unwrap();
    let Err(error) = load(&store, &*host()).await else { panic!("it was read") };
    assert!(error.to_string().contains("journal in memory, line 1: it is missing"), "{error}");
    let Err(_) = Journal::open(Arc::new(store.clone()), host(), Binding::default(), None).await else {
        panic!("it was opened")
    };
    assert_eq!(store.read(File::Journal).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_follow_is_refused_and_the_others_of_its_batch_are_kept() {
    let store = MemoryStore::new();
    let journal = open(&store).await;
    let good = |number: u64| Event::Exports { values: json!(number) };
    let events = [good(1), Event::Gone { seq: Seq::of_record(77) }, good(2)];
    let answers = join_all(events.map(|event| journal.record(event))).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(JournalError::Refused { .. })));
    let state = journal.state().clone();
    journal.close().await.unwrap();
    assert_eq!(state.records, 3);
    assert_eq!(loaded(&store).await, state);
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_write_nothing_more_is_written() {
    let store = MemoryStore::new();
    let dying = Arc::new(NoNewJournal(store.clone(), Mutex::new(false)));
    let journal = Journal::open(dying, host(), Binding::default(), None).await.unwrap();
    exports(&journal, 0..2).await;
    let kept = bytes(&store, File::Journal).await;
    journal.record(Event::Exports { values: json!("poison") }).await.unwrap_err();
    journal.record(Event::Exports { values: json!("fine") }).await.unwrap_err();
    journal.close().await.unwrap_err();
    assert_eq!(bytes(&store, File::Journal).await, kept);
}

#[tokio::test(start_paused = true)]
async fn whoever_opens_it_fences_off_who_had_it_before() {
    let store = MemoryStore::new();
    let slow = open(&store).await;
    exports(&slow, 0..1).await;
    let next = open(&store).await;
    let error = slow.record(Event::Exports { values: json!("late") }).await.unwrap_err();
    assert!(matches!(error, JournalError::Store(_)), "{error}");
    exports(&next, 1..2).await;
    assert_eq!(loaded(&store).await, next.state().clone());
}

#[tokio::test(start_paused = true)]
async fn after_a_compaction_the_head_is_the_same_and_only_older_anchors_cannot_be_compared() {
    use crate::anchor::{Proof, inspect};
    let store = MemoryStore::new();
    let journal = open(&store).await;
    exports(&journal, 0..5).await;
    let old = journal.head();
    exports(&journal, 5..30).await;
    let before = journal.head();
    journal.close().await.unwrap();
    let inspected = inspect(&store).await.unwrap().unwrap();
    assert_eq!((&inspected.head, inspected.after), (&before, before.records));
    assert_eq!(inspected.compare(&before), Proof::Contained);
    assert_eq!(inspected.compare(&old), Proof::Compacted { after: before.records });

    let journal = open(&store).await;
    exports(&journal, 30..32).await;
    let after = journal.head();
    journal.close().await.unwrap();
    let inspected = inspect(&store).await.unwrap().unwrap();
    assert_eq!(inspected.head, after);
    for anchor in [&before, &after] {
        assert_eq!(inspected.compare(anchor), Proof::Contained);
    }
    let forged = Head { head: "0".repeat(64), ..before };
    assert_eq!(inspected.compare(&forged), Proof::Differs);
}

/// A journal and a snapshot, as version 1 of the format wrote them: each kind of event but those that came later, each phase, each
/// open intent.
const STORED_JOURNAL: &[u8] = include_bytes!("stored/journal.jsonl");
const STORED_STATE: &[u8] = include_bytes!("stored/state.json");
/// The same as version 2 writes them, with each kind of event.
const STORED_JOURNAL_2: &[u8] = include_bytes!("stored/journal-2.jsonl");
const STORED_STATE_2: &[u8] = include_bytes!("stored/state-2.json");

/// The text with the header of the present version, where it is of the one before.
fn of_this_version(stored: &[u8]) -> String {
    String::from_utf8_lossy(stored).replacen("\"version\":1", "\"version\":2", 1)
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_was_written_before_is_read_and_would_be_written_the_same_again() {
    for (journal, snapshot) in [(STORED_JOURNAL, STORED_STATE), (STORED_JOURNAL_2, STORED_STATE_2)] {
        let store = MemoryStore::new();
        put(&store, File::Journal, journal).await;
        let state = loaded(&store).await;

        let lines: Vec<&[u8]> = journal.split(|byte| *byte == b'\n').collect();
        let mut hash = codec::genesis(&state.lineage);
        let mut written = codec::journal_header(&state.lineage, 0, &hash, 1_800_000_000_000);
        for (number, line) in (1..).zip(&lines[1..lines.len() - 1]) {
            let record: serde_json::Value = serde_json::from_slice(line).unwrap();
            let event: Event = serde_json::from_value(record["event"].clone()).unwrap();
            hash = codec::encode(&mut written, number, 1_800_000_000_000 + number, &hash, &event);
        }
        assert_eq!(String::from_utf8_lossy(&written), of_this_version(journal));
        assert_eq!(String::from_utf8_lossy(&codec::encode_state(&state, &hash)), of_this_version(snapshot));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_the_lock_brings_a_journal_of_the_version_before_to_this_one_and_reading_does_not() {
    let torn = [STORED_JOURNAL, b"{\"n\":34"].concat();
    for (journal, snapshot) in [(STORED_JOURNAL, None), (STORED_JOURNAL, Some(STORED_STATE)), (&torn, None)] {
        let store = MemoryStore::new();
        put(&store, File::Journal, journal).await;
        if let Some(snapshot) = snapshot {
            put(&store, File::State, snapshot).await;
        }
        let before = loaded(&store).await;
        assert_eq!(bytes(&store, File::Journal).await, journal, "reading changes nothing");

        let opened = open(&store).await;
        exports(&opened, 0..1).await;
        let after = opened.state().clone();
        opened.leave().await.unwrap();
        let written = String::from_utf8(bytes(&store, File::Journal).await).unwrap();
        assert!(written.starts_with(&of_this_version(STORED_JOURNAL)), "{written}");
        assert_eq!((after.records, loaded(&store).await), (before.records + 2, after));
    }
}

/// The process dies before the journal is replaced, or after; there is nothing in between.
#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_it_upgrades_leaves_what_the_next_one_reads() {
    let store = MemoryStore::new();
    put(&store, File::Journal, STORED_JOURNAL).await;
    let before = loaded(&store).await;
    let dying: Arc<dyn Store> = Arc::new(NoNewJournal(store.clone(), Mutex::new(true)));
    let Err(_) = Journal::open(dying, host(), Binding::default(), None).await else {
        panic!("it was opened")
    };
    assert_eq!(bytes(&store, File::Journal).await, STORED_JOURNAL);
    put(&store, File::Journal, of_this_version(STORED_JOURNAL).as_bytes()).await;
    assert_eq!(loaded(&store).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_was_written_before_is_read() {
    for (journal, snapshot) in [(STORED_JOURNAL, STORED_STATE), (STORED_JOURNAL_2, STORED_STATE_2)] {
        let (from_journal, from_snapshot) = (MemoryStore::new(), MemoryStore::new());
        for store in [&from_journal, &from_snapshot] {
            put(store, File::Journal, journal).await;
        }
        put(&from_snapshot, File::State, snapshot).await;
        assert_eq!(loaded(&from_snapshot).await, loaded(&from_journal).await);
    }
}

#[test]
fn an_intent_that_names_no_object_where_it_needs_one_or_one_where_there_is_none_cannot_be_read() {
    for (operation, object) in [("create", json!(1)), ("update", json!(null)), ("delete", json!(null))] {
        let event = json!({
            "event": "intent", "address": "t/a", "kind": "Test", "operation": operation, "token": "a", "properties": {},
            "dependencies": [], "protect": false, "object": object,
        });
        let error = serde_json::from_value::<Event>(event).unwrap_err().to_string();
        assert!(error.contains(operation), "{error}");
    }
}
