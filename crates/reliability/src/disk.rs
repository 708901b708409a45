//! The state directory as one process sees it: it dies at one of its writes.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use async_trait::async_trait;
use engine::{Content, File, MemoryStore, Store, StoreError, Version};

use crate::life::Life;

/// How a process dies at a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WriteEnd {
    /// Nothing is written.
    Before,
    /// A part is written that ends in the middle of a line. What replaces a whole file does so at once or not at all, so
    /// only what is added to the journal can be torn.
    Torn,
    /// All is written, but nobody learns of it.
    After,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What was written to.
    pub file: File,
    /// Whether it was added to the end.
    pub appended: bool,
    /// How many bytes.
    pub length: usize,
}

/// A store that counts its writes. Clones are the same store.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    memory: MemoryStore,
    life: Life,
    writes: Arc<Mutex<Vec<Written>>>,
    die_at: Option<(u64, WriteEnd)>,
}

impl Disk {
    pub(crate) fn new(memory: &MemoryStore, life: &Life, die_at: Option<(u64, WriteEnd)>) -> Self {
        Self { memory: memory.clone(), life: life.clone(), writes: Arc::default(), die_at }
    }

    /// All writes, in order.
    pub(crate) fn writes(&self) -> Vec<Written> {
        self.log().clone()
    }

    fn log(&self) -> std::sync::MutexGuard<'_, Vec<Written>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a write, and says whether and how the process dies at it.
    async fn count(&self, file: File, appended: bool, length: usize) -> Option<WriteEnd> {
        self.life.go_on().await;
        let mut log = self.log();
        log.push(Written { file, appended, length });
        let number = log.len() as u64;
        self.die_at.filter(|(at, _)| *at == number).map(|(_, end)| end)
    }

    async fn die<T>(&self) -> T {
        self.life.end();
        std::future::pending().await
    }
}

/// Where the last line of what is written begins, and half of it.
fn torn(bytes: &[u8]) -> usize {
    let last = bytes[..bytes.len().saturating_sub(1)].iter().rposition(|byte| *byte == b'\n');
    let begin = last.map_or(0, |position| position + 1);
    begin + (bytes.len() - begin) / 2
}

#[async_trait]
impl Store for Disk {
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
        let end = self.count(file, false, bytes.len()).await;
        if matches!(end, Some(WriteEnd::Before | WriteEnd::Torn)) {
            return self.die().await;
        }
        let written = self.memory.replace(file, expected, bytes).await;
        if end.is_some() { self.die().await } else { written }
    }

    async fn append(
        &self,
        file: File,
        expected: &Version,
        mut bytes: Vec<u8>,
    ) -> Result<Version, StoreError> {
        let end = self.count(file, true, bytes.len()).await;
        match end {
            Some(WriteEnd::Before) => return self.die().await,
            Some(WriteEnd::Torn) => bytes.truncate(torn(&bytes)),
            Some(WriteEnd::After) | None => {}
        }
        let written = self.memory.append(file, expected, bytes).await;
        if end.is_some() { self.die().await } else { written }
    }

    async fn remove(&self, file: File, expected: &Version) -> Result<(), StoreError> {
        let end = self.count(file, false, 0).await;
        if matches!(end, Some(WriteEnd::Before | WriteEnd::Torn)) {
            return self.die().await;
        }
        let removed = self.memory.remove(file, expected).await;
        if end.is_some() { self.die().await } else { removed }
    }
}
