//! Where journal, state and lock are kept: named texts that are only ever changed by compare-and-swap.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

/// What is kept.
///
/// Exhaustive on purpose: a store must have a place for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum File {
    /// The snapshot of the state.
    State,
    /// Events since the snapshot, one a line.
    Journal,
    /// Who may write.
    Lock,
}

/// Identifies one content of a file. Opaque: only a store compares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

/// The content of a file, and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// The version to give when it is changed.
    pub version: Version,
}

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is not what it was when it was last read. Nothing was written.
    #[error("{name} was changed by another process")]
    Changed {
        /// The file, as a person would look for it.
        name: String,
    },
    /// What is in the file's place is not one of ours, and was left alone.
    #[error("cannot use {name}: {reason}")]
    Unusable {
        /// The file or directory, as a person would look for it.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was recorded is not there any more, or was altered. Nothing was written.
    #[error("cannot use {name}: {reason}")]
    Lost {
        /// The file or object, as a person would look for it.
        name: String,
        /// What is missing or wrong.
        reason: String,
        /// From where it can be had back, and how.
        remedy: String,
    },
    /// Reading or writing failed. What was acknowledged before is safe.
    #[error("cannot {action} {name}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file, as a person would look for it.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// How the lock of a store is held and taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    /// How long a lease lasts without being renewed.
    pub lasts: Duration,
    /// How often its holder renews it: a quarter of `lasts` or less, so that one renewal may fail.
    pub renewed_every: Duration,
    /// Whether all processes that use the store read the same clock. If not, the time stamp in a lease says nothing to
    /// another machine: only a lease that was seen unchanged for all of `lasts` has expired.
    pub one_clock: bool,
}

impl LeaseTerms {
    /// Of a store that one machine uses: 20 s, renewed every 5 s.
    pub const ONE_MACHINE: Self =
        Self { lasts: Duration::from_secs(20), renewed_every: Duration::from_secs(5), one_clock: true };
}

/// Shows other processes that this one lives: it ends with the process, however that ends.
pub struct Mark {
    name: String,
    _kept: Box<dyn Send + Sync>,
}

impl Mark {
    /// The mark of this name, which lasts until `kept` is dropped.
    ///
    /// Two marks have the same name only if one cannot be had while the other is there.
    #[must_use]
    pub fn new(name: String, kept: impl Send + Sync + 'static) -> Self {
        Self { name, _kept: Box::new(kept) }
    }

    /// What tells it from the marks of other machines and other directories.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Mark").field(&self.name).finish()
    }
}

/// Keeps the three files. Every change names the version that it changes and is refused if that is not the current
/// one; when a change returns, it is durable.
///
/// [`LocalStore`](crate::LocalStore) keeps them in a directory, [`MemoryStore`] in memory.
///
/// # Guarantees
/// That is, what an implementation owes to the engine:
/// - Compare and swap: of two changes that name the same version, one is made and the other one gets
///   [`StoreError::Changed`], whichever processes and machines they come from. The lock, and that a process which lost it
///   can record nothing, rest on this alone.
/// - Durable: once a change is answered with `Ok`, no crash of process or machine takes it back.
/// - Whole: after a crash in the middle of [`replace`](Self::replace) or [`remove`](Self::remove), the content is the old one or
///   the new one. After one in the middle of [`append`](Self::append), it may end anywhere in what was added.
/// - A version identifies a content. It need not tell apart two times at which a file had the same bytes: the engine never
///   writes the same bytes twice.
/// - [`read`](Self::read) sees every change that was answered before it began.
///
/// # Assumptions
/// The engine makes one change of the journal at a time and waits for its end, but renews the lock beside it. It may give up
/// waiting for a store that does not answer; such a call may still take effect, or be without.
///
/// # Errors
/// [`StoreError::Changed`] says that nothing was changed. After any other error the outcome is unknown: the engine records
/// nothing more in this session, and the next one reads what is there.
///
/// # Cancellation
/// The future of a change may be dropped at any `.await`. The change must then be made as a whole or not at all, now or a little
/// later, but not after a later change of the same file was answered.
#[async_trait]
pub trait Store: Send + Sync {
    /// What a person would call the file: its path or URL.
    fn name(&self, file: File) -> String;

    /// The content, or `None` if there is no such file.
    ///
    /// # Errors
    /// Where it cannot be read.
    async fn read(&self, file: File) -> Result<Option<Content>, StoreError>;

    /// Replaces the whole content at once; `None` means that the file must not exist yet.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the file is not of the version `expected`; otherwise where it cannot be written.
    async fn replace(
        &self,
        file: File,
        expected: Option<&Version>,
        bytes: Vec<u8>,
    ) -> Result<Version, StoreError>;

    /// Adds to the end.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the file is not of the version `expected`; otherwise where it cannot be written.
    async fn append(&self, file: File, expected: &Version, bytes: Vec<u8>) -> Result<Version, StoreError>;

    /// Removes the file.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the file is not of the version `expected`; otherwise where it cannot be removed.
    async fn remove(&self, file: File, expected: &Version) -> Result<(), StoreError>;

    /// The one mark of life of this store, unless a living process has it; `None` also where there is no such thing.
    ///
    /// Who holds the lock keeps it, so that the others need not wait for the lease of a process that has died.
    async fn mark(&self) -> Option<Mark> {
        None
    }

    /// A part of what was recorded before the journal was begun that is there now, where the store still keeps it: its lines. Parts
    /// are counted back from that beginning, 0 is the last one before it. `None` where nothing more is kept.
    ///
    /// # Errors
    /// Where it cannot be read.
    async fn history(&self, back: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let _ = back;
        Ok(None)
    }

    /// Several [parts](Self::history) at once, in their order, from this one on: as many as are kept, up to `count`.
    ///
    /// # Errors
    /// Where they cannot be read.
    async fn history_parts(&self, from: u64, count: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut parts = Vec::new();
        for back in from..from + count {
            match self.history(back).await? {
                Some(part) => parts.push(part),
                None => break,
            }
        }
        Ok(parts)
    }

    /// How its lock is held; [`LeaseTerms::ONE_MACHINE`] unless it says otherwise.
    fn lease(&self) -> LeaseTerms {
        LeaseTerms::ONE_MACHINE
    }

    /// A journal with more records than this is compacted into a snapshot when a session is closed. 20,000 unless the store
    /// says otherwise: in one that keeps each append by itself, reading a long journal takes many requests.
    fn compact_after(&self) -> usize {
        20_000
    }
}

/// A store in memory, for tests. Clones share their content, as two processes share a directory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    files: std::sync::Arc<Mutex<Files>>,
}

type Contents = HashMap<File, (u64, Vec<u8>)>;

#[derive(Debug, Default)]
struct Files {
    contents: Contents,
    /// Counts changes of all files, so that no version comes twice, not even after a file was removed.
    changes: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn change<T>(
        &self,
        file: File,
        expected: Option<&Version>,
        change: impl FnOnce(&mut Contents, u64) -> T,
    ) -> Result<T, StoreError> {
        let mut files = self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let counter = files.contents.get(&file).map(|(counter, _)| *counter);
        if counter.map(|counter| counter.to_string()).as_ref() != expected.map(|version| &version.0) {
            return Err(StoreError::Changed { name: self.name(file) });
        }
        files.changes += 1;
        let next = files.changes;
        Ok(change(&mut files.contents, next))
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn name(&self, file: File) -> String {
        match file {
            File::State => "state in memory",
            File::Journal => "journal in memory",
            File::Lock => "lock in memory",
        }
        .to_owned()
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        let files = self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(files
            .contents
            .get(&file)
            .map(|(counter, bytes)| Content { bytes: bytes.clone(), version: Version(counter.to_string()) }))
    }

    async fn replace(
        &self,
        file: File,
        expected: Option<&Version>,
        bytes: Vec<u8>,
    ) -> Result<Version, StoreError> {
        self.change(file, expected, |files, next| {
            files.insert(file, (next, bytes));
            Version(next.to_string())
        })
    }

    async fn append(&self, file: File, expected: &Version, bytes: Vec<u8>) -> Result<Version, StoreError> {
        self.change(file, Some(expected), |files, next| {
            if let Some((counter, content)) = files.get_mut(&file) {
                *counter = next;
                content.extend(bytes);
            }
            Version(next.to_string())
        })
    }

    async fn remove(&self, file: File, expected: &Version) -> Result<(), StoreError> {
        self.change(file, Some(expected), |files, _| {
            files.remove(&file);
        })
    }
}
