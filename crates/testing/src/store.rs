//! What every [`Store`] owes to the engine, as one test: [`contract`](contract()).
//!
//! A store of one's own passes if this returns:
//!
//! ```
//! # use std::sync::Arc;
//! # use engine::{MemoryStore, Store};
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! testing::store::contract(|| {
//!     // An empty place, and how a process opens it.
//!     let place = MemoryStore::new();
//!     move || Arc::new(place.clone()) as Arc<dyn Store>
//! })
//! .await;
//! # });
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use engine::{
    Address, Content, Engine, File, Outcome, Registry, Slot, State, Store, StoreError, Version, Which,
    history,
};

const FILES: [File; 3] = [File::State, File::Journal, File::Lock];

/// How many polls a change is given before it is dropped, from none on.
const POLLS: usize = 40;

/// How many processes race, and how often.
const RACERS: usize = 4;
const ROUNDS: usize = 10;

/// Puts a kind of store to every point of its contract. `places` makes a place in which nothing is kept, and gives how a process
/// opens it: processes have nothing in common but the place.
///
/// # Panics
/// Where the store does not keep its contract.
pub async fn contract<P, O>(places: P)
where
    P: Fn() -> O,
    O: Fn() -> Arc<dyn Store>,
{
    for file in FILES {
        begins_and_ends(&*places()(), file).await;
        refuses_what_is_not_current(&*places()(), file).await;
        two_processes_see_each_other(&places(), file).await;
        one_of_many_wins(&places(), file).await;
        dropped_changes_are_whole(&places, file).await;
    }
    files_are_apart(&*places()()).await;
    keeps_all_bytes(&*places()()).await;
    grows_by_many_appends(&places()).await;
    the_record_alone_is_changed_as_a_whole(&places).await;
}

async fn bytes_of(store: &dyn Store, file: File) -> Option<Vec<u8>> {
    read(store, file).await.map(|content| content.bytes)
}

async fn read(store: &dyn Store, file: File) -> Option<Content> {
    let read = store.read(file).await;
    read.unwrap_or_else(|error| panic!("{file:?} cannot be read: {error}"))
}

async fn written(store: &dyn Store, file: File, was: Option<&Version>, bytes: &str) -> Version {
    let written = store.replace(file, was, bytes.into()).await;
    written.unwrap_or_else(|error| panic!("{file:?} cannot be written: {error}"))
}

async fn appended(store: &dyn Store, file: File, was: &Version, bytes: &str) -> Version {
    let appended = store.append(file, was, bytes.into()).await;
    appended.unwrap_or_else(|error| panic!("{file:?} cannot be appended to: {error}"))
}

fn assert_refused<T: std::fmt::Debug>(what: &str, file: File, done: Result<T, StoreError>) {
    assert!(matches!(done, Err(StoreError::Changed { .. })), "{what} of {file:?}: {done:?}");
}

async fn begins_and_ends(store: &dyn Store, file: File) {
    assert_eq!(bytes_of(store, file).await, None, "a new place has no {file:?}");
    let first = written(store, file, None, "one\n").await;
    assert_eq!(bytes_of(store, file).await.as_deref(), Some(&b"one\n"[..]));
    let second = appended(store, file, &first, "two\n").await;
    assert_ne!(first, second, "versions of {file:?}");
    let third = appended(store, file, &second, "three\n").await;
    let content = read(store, file).await.unwrap();
    assert_eq!(content.bytes, b"one\ntwo\nthree\n", "{file:?}");
    assert_eq!(content.version, third, "a change gives the version that is read");
    let fourth = written(store, file, Some(&content.version), "anew\n").await;
    assert_eq!(bytes_of(store, file).await.as_deref(), Some(&b"anew\n"[..]));
    store.remove(file, &fourth).await.unwrap_or_else(|error| panic!("{file:?} cannot be removed: {error}"));
    assert_eq!(bytes_of(store, file).await, None, "{file:?} was removed");
    let again = written(store, file, None, "again\n").await;
    assert_eq!(read(store, file).await.unwrap().version, again);
}

async fn refuses_what_is_not_current(store: &dyn Store, file: File) {
    let first = written(store, file, None, "one\n").await;
    assert_refused("a second creation", file, store.replace(file, None, b"other\n".to_vec()).await);
    let second = appended(store, file, &first, "two\n").await;
    assert_refused("a replacement", file, store.replace(file, Some(&first), b"other\n".to_vec()).await);
    assert_refused("an append", file, store.append(file, &first, b"other\n".to_vec()).await);
    assert_refused("a removal", file, store.remove(file, &first).await);
    assert_eq!(bytes_of(store, file).await.as_deref(), Some(&b"one\ntwo\n"[..]), "nothing was changed");
    store.remove(file, &second).await.unwrap();
    assert_refused("a replacement", file, store.replace(file, Some(&second), b"other\n".to_vec()).await);
    assert_refused("an append", file, store.append(file, &second, b"other\n".to_vec()).await);
    assert_refused("a removal", file, store.remove(file, &second).await);
    assert_eq!(bytes_of(store, file).await, None, "nothing was changed");
    written(store, file, None, "a new life\n").await;
    assert_refused("a replacement", file, store.replace(file, Some(&second), b"other\n".to_vec()).await);
    assert_refused("an append", file, store.append(file, &second, b"other\n".to_vec()).await);
    assert_eq!(bytes_of(store, file).await.as_deref(), Some(&b"a new life\n"[..]));
}

async fn two_processes_see_each_other(open: &impl Fn() -> Arc<dyn Store>, file: File) {
    let (one, other) = (open(), open());
    let mut version = written(&*one, file, None, "0\n").await;
    for number in 1..6 {
        let (reader, writer) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let seen = read(&**reader, file).await.unwrap();
        assert_eq!(seen.version, version, "{file:?}");
        version = appended(&**writer, file, &seen.version, &format!("{number}\n")).await;
    }
    assert_eq!(bytes_of(&*open(), file).await.as_deref(), Some(&b"0\n1\n2\n3\n4\n5\n"[..]));
}

async fn one_of_many_wins(open: &impl Fn() -> Arc<dyn Store>, file: File) {
    let stores: Vec<Arc<dyn Store>> = (0..RACERS).map(|_| open()).collect();
    let mut expected = None::<Version>;
    let mut content = String::new();
    for round in 0..ROUNDS {
        let tries: Vec<_> = stores
            .iter()
            .cloned()
            .enumerate()
            .map(|(racer, store)| {
                let expected = expected.clone();
                tokio::spawn(async move {
                    let line = format!("{round} {racer}\n").into_bytes();
                    match &expected {
                        Some(version) => store.append(file, version, line).await,
                        None => store.replace(file, None, line).await,
                    }
                })
            })
            .collect();
        let mut winners = Vec::new();
        for (racer, tried) in tries.into_iter().enumerate() {
            match tried.await.expect("a racer does not panic") {
                Ok(version) => winners.push((racer, version)),
                Err(StoreError::Changed { .. }) => {}
                Err(error) => panic!("{file:?}, round {round}: {error}"),
            }
        }
        let [(winner, version)] = winners.as_slice() else {
            panic!("{file:?}, round {round}: {} of {RACERS} changes of one version were made", winners.len())
        };
        content += &format!("{round} {winner}\n");
        assert_eq!(bytes_of(&*open(), file).await.map(String::from_utf8), Some(Ok(content.clone())));
        expected = Some(version.clone());
    }
}

/// Polls a change so many times, and drops it; its answer, if there was one by then.
async fn polled<T>(times: usize, change: impl Future<Output = T>) -> Option<T> {
    let mut change = pin!(change);
    for _ in 0..times {
        let polled = std::future::poll_fn(|cx| Poll::Ready(change.as_mut().poll(cx))).await;
        match polled {
            Poll::Ready(answer) => return Some(answer),
            Poll::Pending => tokio::task::yield_now().await,
        }
    }
    None
}

/// A change whose future was dropped is made as a whole or not at all, and not after a later one.
async fn dropped_changes_are_whole<O: Fn() -> Arc<dyn Store>>(places: &impl Fn() -> O, file: File) {
    for polls in 0..POLLS {
        let store = places()();
        let first = written(&*store, file, None, "one\n").await;
        let answered = polled(polls, store.append(file, &first, b"two\n".to_vec())).await.is_some();
        // Somebody else goes on with what is there, until it works.
        let last = loop {
            let there = read(&*store, file).await.unwrap();
            let is_made = there.bytes == b"one\ntwo\n";
            assert!(is_made || (there.bytes == b"one\n" && !answered), "{file:?}: {:?}", there.bytes);
            match store.append(file, &there.version, b"three\n".to_vec()).await {
                Ok(_) => break is_made,
                Err(StoreError::Changed { .. }) => {}
                Err(error) => panic!("{file:?}: {error}"),
            }
        };
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let expected = if last { "one\ntwo\nthree\n" } else { "one\nthree\n" };
        let there = bytes_of(&*store, file).await.map(String::from_utf8);
        assert_eq!(there, Some(Ok(expected.to_owned())), "{file:?}, dropped after {polls} polls");
    }
}

async fn files_are_apart(store: &dyn Store) {
    for file in FILES {
        written(store, file, None, &format!("{file:?}\n")).await;
    }
    let names = FILES.map(|file| store.name(file));
    assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2], "{names:?}");
    for file in FILES {
        let content = read(store, file).await.unwrap();
        assert_eq!(content.bytes, format!("{file:?}\n").into_bytes());
        store.remove(file, &content.version).await.unwrap();
    }
}

async fn keeps_all_bytes(store: &dyn Store) {
    let line = format!("{{\"text\":\"{} \\u0000 ü 漢 \"}}\n", "x".repeat(1 << 20));
    let version = written(store, File::State, None, &line.repeat(3)).await;
    assert_eq!(bytes_of(store, File::State).await, Some(line.repeat(3).into_bytes()));
    appended(store, File::State, &version, &line).await;
    assert_eq!(bytes_of(store, File::State).await, Some(line.repeat(4).into_bytes()));
}

/// More than anything that lists in pages or reads in parts takes at once.
async fn grows_by_many_appends(open: &impl Fn() -> Arc<dyn Store>) {
    let store = open();
    let mut version = written(&*store, File::Journal, None, "0\n").await;
    for number in 1..=120 {
        version = appended(&*store, File::Journal, &version, &format!("{number}\n")).await;
    }
    let expected: String = (0..=120).map(|number| format!("{number}\n")).collect();
    let content = read(&*open(), File::Journal).await.unwrap();
    assert_eq!(String::from_utf8(content.bytes), Ok(expected));
    assert_eq!(content.version, version);
}

/// A journal as the version before this one wrote it.
const EARLIER: &[u8] = include_bytes!("../../engine/src/journal/stored/journal.jsonl");

/// What is recorded but at one address.
fn others<'s>(state: &'s State, but: &Address) -> Vec<(&'s Address, &'s Slot)> {
    state.slots().filter(|(address, _)| *address != but).collect()
}

/// Work on the record alone, on a journal of an earlier version, that is given up anywhere: the journal says what it said, or what
/// was wanted, and whoever comes next can read it. What was done is told.
async fn the_record_alone_is_changed_as_a_whole<O: Fn() -> Arc<dyn Store>>(places: &impl Fn() -> O) {
    let forgotten = Address::new("t/b").unwrap();
    for polls in (0..POLLS).step_by(4).chain([usize::MAX]) {
        let open = places();
        open().replace(File::Journal, None, EARLIER.to_vec()).await.unwrap();
        let engine = || Engine::new(Arc::new(Registry::new(())), open()).with_purpose("a test");
        let before = engine().state().await.unwrap();
        let work = async {
            let ledger = engine().open_ledger().await.unwrap();
            ledger.forget(vec![forgotten.clone()]).await.unwrap();
            ledger.close(Outcome::Done).await.unwrap();
        };
        let answered = polled(polls, work).await.is_some();
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let after = engine().state().await.unwrap();
        let is_there = after.slot(forgotten.as_str()).is_some();
        assert!(!(answered && is_there), "it was forgotten");
        assert_eq!(others(&after, &forgotten), others(&before, &forgotten), "dropped after {polls} polls");
        let store = open();
        let told = history(&*store, &Which::Newest(9)).await.unwrap();
        let keeps = store.compact_after() > 0 || store.history(0).await.unwrap().is_some();
        if answered && keeps {
            assert_eq!(told.runs[0].purpose.as_deref(), Some("a test"));
            assert_eq!(told.runs.len(), 3, "those of before, and this one");
        }
    }
}
