//! What is kept in one store, brought to another one, whatever that has and wherever the copy is cut off.

use std::sync::Arc;

use engine::{
    Cancel, Engine, File, Holder, LocalStore, LockError, MemoryStore, Registry, Store, StoreError, TestHost,
    Transfer, TransferError, hold, inspect, last_opened, lock_holder, unlock_unrenewed,
};
use tokio::time::{Duration, Instant};

fn engine(store: &MemoryStore) -> Engine {
    let host = TestHost::new("ada@desk", 7, Instant::now());
    Engine::new(Arc::new(Registry::new(())), Arc::new(store.clone())).with_host(Arc::new(host))
}

/// Sessions that change nothing, each of which is a record.
async fn sessions(store: &MemoryStore, count: usize) {
    for _ in 0..count {
        engine(store).open().await.unwrap().close().await.unwrap();
    }
}

async fn copy(from: &dyn Store, to: &dyn Store, is_old: bool) -> Result<u64, TransferError> {
    let transfer = Transfer::plan(from, to, is_old).await?;
    transfer.run(from, to).await?;
    Ok(transfer.records())
}

async fn bytes(store: &dyn Store, file: File) -> Option<Vec<u8>> {
    store.read(file).await.unwrap().map(|content| content.bytes)
}

/// As a compaction leaves it: a snapshot, and a journal that goes on after it.
async fn compacted(store: &MemoryStore) {
    // The unit of these tests is the public interface, so it is made by a store that compacts at each close.
    let always = Compacting(store.clone());
    let host = TestHost::new("ada@desk", 9, Instant::now());
    let engine = Engine::new(Arc::new(Registry::new(())), Arc::new(always)).with_host(Arc::new(host));
    engine.open().await.unwrap().close().await.unwrap();
    assert!(bytes(store, File::State).await.is_some());
}

#[derive(Clone)]
struct Compacting(MemoryStore);

#[async_trait::async_trait]
impl Store for Compacting {
    fn name(&self, file: File) -> String {
        self.0.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<engine::Content>, StoreError> {
        self.0.read(file).await
    }

    async fn replace(
        &self,
        file: File,
        was: Option<&engine::Version>,
        to: Vec<u8>,
    ) -> Result<engine::Version, StoreError> {
        self.0.replace(file, was, to).await
    }

    async fn append(
        &self,
        file: File,
        was: &engine::Version,
        more: Vec<u8>,
    ) -> Result<engine::Version, StoreError> {
        self.0.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &engine::Version) -> Result<(), StoreError> {
        self.0.remove(file, was).await
    }

    fn compact_after(&self) -> usize {
        0
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_target_gets_everything_and_an_older_one_what_it_lacks() {
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    assert!(matches!(copy(&from, &to, false).await, Err(TransferError::Nothing { .. })));
    sessions(&from, 3).await;
    assert_eq!(copy(&from, &to, false).await.unwrap(), 3);
    assert_eq!(bytes(&to, File::Journal).await, bytes(&from, File::Journal).await);
    assert_eq!(copy(&from, &to, false).await.unwrap(), 0);
    sessions(&from, 2).await;
    assert_eq!(copy(&from, &to, false).await.unwrap(), 2);
    // And back, where it went on.
    sessions(&to, 1).await;
    assert_eq!(copy(&to, &from, false).await.unwrap(), 1);
    assert_eq!(bytes(&to, File::Journal).await, bytes(&from, File::Journal).await);
}

#[tokio::test(start_paused = true)]
async fn a_newer_target_another_state_and_two_that_went_apart_are_refused_and_left_alone() {
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    sessions(&from, 1).await;
    copy(&from, &to, false).await.unwrap();
    sessions(&to, 2).await;
    let before = bytes(&to, File::Journal).await;
    let refused = copy(&from, &to, false).await;
    assert!(matches!(refused, Err(TransferError::Newer { from: 1, to: 3, .. })), "{refused:?}");
    // Each went its own way.
    let host = TestHost::new("bob@laptop", 8, Instant::now());
    let other = engine(&from).with_host(Arc::new(host));
    for _ in 0..3 {
        other.open().await.unwrap().close().await.unwrap();
    }
    for is_old in [false, true] {
        let refused = copy(&from, &to, is_old).await;
        assert!(
            matches!(refused, Err(TransferError::Diverged { from: 4, to: 3, common: Some(1), .. })),
            "{refused:?}"
        );
    }
    assert_eq!(bytes(&to, File::Journal).await, before);
}

/// A store that keeps the parts of journals before the present one, as S3 does.
struct Remembering {
    now: MemoryStore,
    before: Vec<Vec<u8>>,
}

#[async_trait::async_trait]
impl Store for Remembering {
    fn name(&self, file: File) -> String {
        self.now.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<engine::Content>, StoreError> {
        self.now.read(file).await
    }

    async fn replace(
        &self,
        file: File,
        was: Option<&engine::Version>,
        to: Vec<u8>,
    ) -> Result<engine::Version, StoreError> {
        self.now.replace(file, was, to).await
    }

    async fn append(
        &self,
        file: File,
        was: &engine::Version,
        more: Vec<u8>,
    ) -> Result<engine::Version, StoreError> {
        self.now.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &engine::Version) -> Result<(), StoreError> {
        self.now.remove(file, was).await
    }

    async fn history(&self, back: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.before.iter().rev().nth(usize::try_from(back).unwrap()).cloned())
    }
}

/// What was written of a journal so far, line by line, as the parts of a history.
async fn parts(store: &MemoryStore) -> Vec<Vec<u8>> {
    let all = bytes(store, File::Journal).await.unwrap();
    all.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// A copy, and the store that went on from it for so many sessions and was compacted, with its history.
async fn went_on(copied: usize, more: usize) -> (MemoryStore, Remembering) {
    let (copy_of, now) = (MemoryStore::new(), MemoryStore::new());
    sessions(&now, copied).await;
    copy(&now, &copy_of, false).await.unwrap();
    sessions(&now, more).await;
    let mut before = parts(&now).await;
    let opened = Arc::new(Compacting(now.clone()));
    let host = TestHost::new("ada@desk", 9, Instant::now());
    let engine = Engine::new(Arc::new(Registry::new(())), opened).with_host(Arc::new(host));
    let session = engine.open().await.unwrap();
    before.push(parts(&now).await.pop().unwrap());
    session.close().await.unwrap();
    (copy_of, Remembering { now, before })
}

#[tokio::test(start_paused = true)]
async fn what_a_longer_target_went_on_from_is_looked_for_in_its_history() {
    for (copied, more) in [(1, 0), (1, 5), (3, 20), (7, 1)] {
        let (old, now) = went_on(copied, more).await;
        let (from, to) = (copied as u64, (copied + more + 1) as u64);
        let refused = copy(&old, &now, false).await;
        let is_newer =
            matches!(refused, Err(TransferError::Newer { from: f, to: t, .. }) if (f, t) == (from, to));
        assert!(is_newer, "{copied} {more}: {refused:?}");
        // The other way, the old copy is known to be a beginning.
        let (other, now) = went_on(copied, more).await;
        copy(&now, &other, false).await.unwrap();
        assert_eq!(inspect(&other).await.unwrap().unwrap().head.records, to, "{copied} {more}");
    }
    // A shorter one that went its own way is not older.
    let (old, now) = went_on(2, 9).await;
    let host = TestHost::new("bob@laptop", 8, Instant::now());
    engine(&old).with_host(Arc::new(host)).open().await.unwrap().close().await.unwrap();
    for refused in [copy(&old, &now, false).await, copy(&now, &old, false).await] {
        assert!(matches!(refused, Err(TransferError::Diverged { common: None, .. })), "{refused:?}");
    }
    // Without a history nobody can know.
    let (old, now) = went_on(2, 9).await;
    let forgetful = Remembering { before: Vec::new(), ..now };
    let refused = copy(&old, &forgetful, false).await;
    assert!(matches!(refused, Err(TransferError::Longer { from: 2, to: 12, after: 12, .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_overwritten_is_told_before_it_is() {
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    sessions(&from, 2).await;
    let overwritten = async || Transfer::plan(&from, &to, false).await.unwrap().overwrites();
    assert_eq!(overwritten().await, None, "nothing is there");
    copy(&from, &to, false).await.unwrap();
    assert_eq!(overwritten().await, None, "nothing is written");
    sessions(&from, 1).await;
    assert_eq!(overwritten().await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_and_its_journal_are_copied_and_a_copy_that_was_cut_off_is_made_again() {
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    sessions(&from, 2).await;
    compacted(&from).await;
    sessions(&from, 1).await;
    // Cut off after the snapshot.
    let snapshot = bytes(&from, File::State).await.unwrap();
    to.replace(File::State, None, snapshot).await.unwrap();
    assert!(inspect(&to).await.is_err());
    assert_eq!(copy(&from, &to, false).await.unwrap(), 4);
    // A target that ends before the journal of the source begins is only replaced if it is known to be old.
    let old = MemoryStore::new();
    let older = MemoryStore::new();
    sessions(&older, 1).await;
    copy(&older, &old, false).await.unwrap();
    compacted(&older).await;
    let refused = copy(&older, &old, false).await;
    assert!(matches!(refused, Err(TransferError::Unproven { to: 1, .. })), "{refused:?}");
    // Cut off between the two files, which leaves a target that cannot be read.
    let snapshot = bytes(&older, File::State).await.unwrap();
    old.replace(File::State, None, snapshot).await.unwrap();
    assert!(matches!(copy(&older, &old, false).await, Err(TransferError::Journal(_))));
    copy(&older, &old, true).await.unwrap();
    assert_eq!(inspect(&old).await.unwrap().unwrap().head, inspect(&older).await.unwrap().unwrap().head);
}

#[tokio::test(start_paused = true)]
async fn what_was_cut_off_in_the_middle_of_a_line_is_mended() {
    let directory = tempfile::tempdir().unwrap();
    let to = LocalStore::new(directory.path().join("dev"));
    let from = MemoryStore::new();
    sessions(&from, 2).await;
    copy(&from, &to, false).await.unwrap();
    sessions(&from, 2).await;
    let all = bytes(&from, File::Journal).await.unwrap();
    for end in [all.len() - 1, all.len() - 40, bytes(&to, File::Journal).await.unwrap().len() + 5] {
        let was = to.read(File::Journal).await.unwrap().unwrap().version;
        to.replace(File::Journal, Some(&was), all[..end].to_vec()).await.unwrap();
        copy(&from, &to, false).await.unwrap();
        assert_eq!(bytes(&to, File::Journal).await.unwrap(), all, "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_lock_by_itself_keeps_others_out_until_it_is_given_back() {
    let store = MemoryStore::new();
    let host = Arc::new(TestHost::new("ada@desk", 1, Instant::now()));
    let held = hold(Arc::new(store.clone()), host, "state push", Duration::ZERO, Cancel::new(), |_, _, _| {});
    let held = held.await.unwrap();
    assert!(held.is_held());
    let holder = lock_holder(&store).await.unwrap().unwrap();
    assert_eq!(holder.purpose.as_deref(), Some("state push"));
    assert!(matches!(engine(&store).open().await, Err(engine::EngineError::Lock(LockError::Held { .. }))));
    // It was renewed since.
    assert!(!unlock_unrenewed(&store, &holder).await.unwrap());
    let holder: Holder = lock_holder(&store).await.unwrap().unwrap();
    assert!(unlock_unrenewed(&store, &holder).await.unwrap());
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(!held.is_held());
    held.release().await.unwrap();
    sessions(&store, 1).await;
    let opened = last_opened(&bytes(&store, File::Journal).await.unwrap()).unwrap();
    assert_eq!(opened.holder, "ada@desk");
}

/// As the version before wrote it.
const EARLIER: &[u8] = include_bytes!("../../src/journal/stored/journal.jsonl");

#[tokio::test(start_paused = true)]
async fn a_target_of_the_version_before_is_brought_to_this_one_with_what_it_lacks() {
    for torn in [&b""[..], b"{\"n\":34"] {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        from.replace(File::Journal, None, EARLIER.to_vec()).await.unwrap();
        to.replace(File::Journal, None, [EARLIER, torn].concat()).await.unwrap();
        engine(&from).open_ledger().await.unwrap().close(engine::Outcome::Done).await.unwrap();
        let source = bytes(&from, File::Journal).await.unwrap();
        assert!(source.starts_with(b"{\"format\":\"stack-journal\",\"version\":2,"));
        assert_eq!(copy(&from, &to, false).await.unwrap(), 1);
        assert_eq!(bytes(&to, File::Journal).await.unwrap(), source);
    }
}
