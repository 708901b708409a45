//! One process: what it holds stops at once when it dies.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use engine::{Content, File, MemoryStore, Store, StoreError, Version};
use tokio::sync::Notify;

/// The life of one process. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    dead: Arc<AtomicBool>,
    died: Arc<Notify>,
}

impl Life {
    pub(crate) fn end(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.died.notify_one();
    }

    /// Which process this is.
    pub(crate) fn is(&self, other: &Life) -> bool {
        Arc::ptr_eq(&self.dead, &other.dead)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Returns when the process dies.
    pub(crate) async fn over(&self) {
        self.died.notified().await;
    }

    /// A dead process never gets any further.
    pub(crate) async fn go_on(&self) {
        if self.is_over() {
            std::future::pending().await
        }
    }
}

/// When a process dies in writing its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteEnd {
    /// Nothing of it is written.
    Before,
    /// This many eighths of it are written.
    Torn(u8),
    /// All of it is written, but nobody learns of it.
    After,
}

/// A store as one process sees it: it counts writes to the journal, dies at one of them, or fails at one.
#[derive(Clone, Debug, Default)]
pub(crate) struct WatchedStore {
    pub(crate) memory: MemoryStore,
    pub(crate) life: Life,
    plan: Arc<Mutex<Watch>>,
}

#[derive(Debug, Default)]
struct Watch {
    appends: usize,
    die_at: Option<(usize, WriteEnd)>,
    fail_at: Option<usize>,
    hang_lock: bool,
    hang_journal: bool,
    full: bool,
}

impl WatchedStore {
    pub(crate) fn new(memory: &MemoryStore, life: &Life) -> Self {
        Self { memory: memory.clone(), life: life.clone(), plan: Arc::default() }
    }

    pub(crate) fn die_at(&self, append: usize, end: WriteEnd) {
        self.plan.lock().unwrap().die_at = Some((append, end));
    }

    /// The append of this number, counted from one, fails without effect.
    pub(crate) fn fail_at(&self, append: usize) {
        self.plan.lock().unwrap().fail_at = Some(append);
    }

    /// From now on the lock cannot be renewed: the call hangs, as on a dead network share.
    pub(crate) fn hang_lock(&self) {
        self.plan.lock().unwrap().hang_lock = true;
    }

    /// From now on nothing can be recorded: the call hangs, but the lock can be renewed.
    pub(crate) fn hang_journal(&self) {
        self.plan.lock().unwrap().hang_journal = true;
    }

    /// From now on the disk is full, for everything but what is there already.
    pub(crate) fn fill_disk(&self) {
        self.plan.lock().unwrap().full = true;
    }

    /// It has room again.
    pub(crate) fn make_room(&self) {
        self.plan.lock().unwrap().full = false;
    }

    fn check_room(&self, action: &'static str, file: File) -> Result<(), StoreError> {
        if !self.plan.lock().unwrap().full {
            return Ok(());
        }
        let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
        Err(StoreError::Io { action, name: self.memory.name(file), source })
    }

    /// How often something was added to the journal.
    pub(crate) fn appends(&self) -> usize {
        self.plan.lock().unwrap().appends
    }

    fn broken(&self, file: File) -> StoreError {
        let source = std::io::Error::other("no space left on device");
        StoreError::Io { action: "append to", name: self.memory.name(file), source }
    }
}

#[async_trait]
impl Store for WatchedStore {
    fn name(&self, file: File) -> String {
        self.memory.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        self.life.go_on().await;
        self.memory.read(file).await
    }

    async fn replace(
        &self,
        file: File,
        expected: Option<&Version>,
        bytes: Vec<u8>,
    ) -> Result<Version, StoreError> {
        self.life.go_on().await;
        let hangs = self.plan.lock().unwrap().hang_lock && file == File::Lock;
        if hangs {
            std::future::pending::<()>().await;
        }
        self.check_room("write", file)?;
        self.memory.replace(file, expected, bytes).await
    }

    async fn append(&self, file: File, expected: &Version, bytes: Vec<u8>) -> Result<Version, StoreError> {
        self.life.go_on().await;
        let (number, die_at, fail_at, hangs) = {
            let mut plan = self.plan.lock().unwrap();
            plan.appends += 1;
            (plan.appends, plan.die_at, plan.fail_at, plan.hang_journal)
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        if fail_at == Some(number) {
            return Err(self.broken(file));
        }
        self.check_room("append to", file)?;
        // A flush takes a moment, in which other events gather.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        match die_at {
            Some((at, end)) if at == number => {
                let written = match end {
                    WriteEnd::Before => 0,
                    WriteEnd::Torn(eighths) => bytes.len() * usize::from(eighths) / 8,
                    WriteEnd::After => bytes.len(),
                };
                if written > 0 {
                    self.memory.append(file, expected, bytes[..written].to_vec()).await?;
                }
                self.life.end();
                std::future::pending().await
            }
            _ => self.memory.append(file, expected, bytes).await,
        }
    }

    async fn remove(&self, file: File, expected: &Version) -> Result<(), StoreError> {
        self.life.go_on().await;
        self.memory.remove(file, expected).await
    }
}
