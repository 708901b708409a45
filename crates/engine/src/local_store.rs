//! The store in a directory.

use std::fs::{self, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use files::FileError;

use crate::codec;
use crate::state::hex;
use crate::store::{Content, File, Mark, Store, StoreError, Version};

/// What is locked for the moment of a change.
const GUARD: &str = ".guard";
/// What the process that holds the lock keeps locked while it lives.
const HOLDER: &str = ".holder";
/// More than any journal or state has; a file that is longer is refused before it is read.
const READ_AT_MOST: u64 = 1 << 30;
/// The same for the lock, which is one short line.
const LOCK_AT_MOST: u64 = 64 << 10;
/// A change takes some milliseconds; on a disk that is very busy, seconds. It is less than what is left of the lease at a
/// heartbeat, so that whoever cannot renew it says what holds it up.
const GUARD_WITHIN: Duration = Duration::from_secs(8);
const GUARD_EVERY: Duration = Duration::from_millis(2);

/// Files in a directory: `state.json`, `journal.jsonl`, `lock.json`.
///
/// A journal that ends, since it was compacted into the snapshot, is kept as `journal-<n>.jsonl`, where `<n>` is the record that it
/// goes on after. It is [history](Store::history), which no run needs: whoever wants the room may delete it.
///
/// Compare and swap is made of the operating system's advisory lock on `.guard`, held for the moment of the change
/// only. A new content is written beside the old one, flushed, and renamed over it; an append is flushed before it is
/// acknowledged. The directory is made when something is first written.
///
/// Only its owner can read and write any of it, whatever the umask: 0700 for the directory and those that are made above
/// it, 0600 for the files. What an earlier version or somebody else has left with a wider mode is made private by the first
/// change; reading changes nothing. Nothing is followed or waited for in place of a file: a link, a FIFO, a device or a
/// directory is [`StoreError::Unusable`], and so is a file that is longer than 1 GiB (the lock: 64 KiB).
///
/// The [mark of life](Store::mark) is the same kind of lock on `.holder`, which the operating system frees when the
/// process has ended and not earlier: no process id that may be used again, or mean another process in another
/// container, has to be looked up. It means something only to whoever asks the same kernel about the same file, so its
/// name is made of the boot's identity and the file's. On systems that do not tell these there is no mark.
#[derive(Clone, Debug)]
pub struct LocalStore {
    directory: PathBuf,
    guard_within: Duration,
    /// Whether this process has made private what it found.
    adopted: Arc<AtomicBool>,
}

/// Why a change was not made.
enum Failed {
    /// The file that was to be changed, or the directory.
    Here(FileError),
    /// Another file beside it.
    Beside(PathBuf, FileError),
}

impl From<FileError> for Failed {
    fn from(error: FileError) -> Self {
        Failed::Here(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Failed::Here(error.into())
    }
}

impl LocalStore {
    /// The store in this directory, which need not exist yet.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), guard_within: GUARD_WITHIN, adopted: Arc::default() }
    }

    fn path(&self, file: File) -> PathBuf {
        self.directory.join(file_name(file))
    }

    /// Keeps the journal that is there as history, where the one that replaces it goes on later. It is copied, so that whenever the
    /// process dies, the journal itself is in place.
    fn keep_history(&self, path: &Path, next: &[u8]) -> Result<(), FileError> {
        let next = codec::goes_on_after(next);
        if next == 0 {
            return Ok(());
        }
        let Some(old) = files::read(path, at_most(File::Journal))? else { return Ok(()) };
        let begins_after = codec::goes_on_after(&old);
        match begins_after < next {
            true => files::replace(&self.directory.join(history_name(begins_after)), &old),
            false => Ok(()),
        }
    }

    /// The journals that have ended, the last one first.
    fn ended_journals(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            found.extend(entry?.file_name().to_str().and_then(history_number));
        }
        found.sort_unstable();
        Ok(found.into_iter().rev().map(|after| self.directory.join(history_name(after))).collect())
    }

    /// Runs `work` away from the async threads, since it waits for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        file: File,
        action: &'static str,
        work: impl FnOnce(&LocalStore, &Path) -> Result<Option<T>, Failed> + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let store = self.clone();
        let name = self.name(file);
        let path = self.path(file);
        let result = tokio::task::spawn_blocking(move || work(&store, &path)).await;
        let (name, error) = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(Failed::Here(error))) => (name, error),
            Ok(Err(Failed::Beside(path, error))) => (path.display().to_string(), error),
            Err(panic) => (name, io::Error::other(panic).into()),
        };
        Err(match error {
            FileError::Io(source) => StoreError::Io { action, name, source },
            other => StoreError::Unusable { name, reason: other.to_string() },
        })
    }

    /// Runs `work` if the file is of the version `expected`; `None` if it is not.
    async fn swap<T: Send + 'static>(
        &self,
        file: File,
        action: &'static str,
        expected: Option<Version>,
        work: impl FnOnce(&LocalStore, &Path) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.blocking(file, action, move |store, path| {
            let _guard = store.guard()?;
            if version_of(path)? == expected { Ok(work(store, path).map(Some)?) } else { Ok(None) }
        });
        done.await?.ok_or_else(|| StoreError::Changed { name: self.name(file) })
    }

    /// The operating system frees it when the file is closed, also when the process dies. A process that is stopped in the
    /// middle of a change keeps it. It is waited for by the machine's clock, also where tokio's is paused: who has it is in
    /// another process, whose time nobody here can pass.
    fn guard(&self) -> Result<fs::File, Failed> {
        files::make_directory(&self.directory)
            .map_err(|error| Failed::Beside(self.directory.clone(), error))?;
        let guard = self.open_to_lock(GUARD)?;
        self.lock_within(&guard)?;
        if !self.adopted.load(Ordering::Relaxed) {
            files::adopt(&self.directory, is_ours).map_err(|(path, error)| Failed::Beside(path, error))?;
            self.adopted.store(true, Ordering::Relaxed);
        }
        Ok(guard)
    }

    fn lock_within(&self, guard: &fs::File) -> io::Result<()> {
        let deadline = Instant::now() + self.guard_within;
        loop {
            match guard.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(GUARD_EVERY),
                Err(TryLockError::WouldBlock) => {
                    let message = format!(
                        "another process has been in the middle of a change for {} s: it is stopped, or its disk does not \
                         answer. Let it go on or end it, then run again (`fuser {}` shows it)",
                        self.guard_within.as_secs(),
                        self.directory.join(GUARD).display()
                    );
                    return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                }
            }
        }
    }

    fn open_to_lock(&self, name: &str) -> Result<fs::File, Failed> {
        let path = self.directory.join(name);
        files::open_or_create(&path).map_err(|error| Failed::Beside(path, error))
    }

    #[cfg(target_os = "linux")]
    fn take_mark(&self) -> Result<Mark, Failed> {
        use std::os::unix::fs::MetadataExt as _;
        // All containers of a machine share it, another machine and another boot have another one.
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        files::make_directory(&self.directory)?;
        let holder = self.open_to_lock(HOLDER)?;
        holder.try_lock().map_err(io::Error::from)?;
        let file = holder.metadata()?;
        Ok(Mark::new(format!("{}/{}/{}", boot.trim(), file.dev(), file.ino()), holder))
    }

    #[cfg(not(target_os = "linux"))]
    fn take_mark(&self) -> Result<Mark, Failed> {
        Err(io::Error::from(io::ErrorKind::Unsupported).into())
    }
}

fn file_name(file: File) -> &'static str {
    match file {
        File::State => "state.json",
        File::Journal => "journal.jsonl",
        File::Lock => "lock.json",
    }
}

fn is_ours(name: &str) -> bool {
    let files = [File::State, File::Journal, File::Lock].map(file_name);
    [GUARD, HOLDER].iter().chain(&files).any(|ours| name == *ours) || history_number(name).is_some()
}

/// What a journal is called that goes on after this record, once it has ended.
fn history_name(after: u64) -> String {
    format!("journal-{after:012}.jsonl")
}

/// The record in such a name.
fn history_number(name: &str) -> Option<u64> {
    let after = name.strip_prefix("journal-")?.strip_suffix(".jsonl")?.parse().ok()?;
    (history_name(after) == name).then_some(after)
}

fn at_most(file: File) -> u64 {
    match file {
        File::State | File::Journal => READ_AT_MOST,
        File::Lock => LOCK_AT_MOST,
    }
}

/// A journal only grows under one first line, which is different after each compaction; the other files are one line
/// or begin with one that contains a hash. So first line and length identify a content without reading all of it.
fn version_of(path: &Path) -> Result<Option<Version>, FileError> {
    let Some(mut file) = files::open(path, fs::File::options().read(true))? else { return Ok(None) };
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    (&mut file).take(FIRST_LINE_AT_MOST).read_to_end(&mut head)?;
    Ok(Some(version_from(&head, length)))
}

const FIRST_LINE_AT_MOST: u64 = 4096;

fn version_from(head: &[u8], length: u64) -> Version {
    let head = &head[..head.len().min(4096)];
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Version(format!("{}:{length}", hex(&Sha256::digest(line)[..16])))
}

#[async_trait]
impl Store for LocalStore {
    fn name(&self, file: File) -> String {
        self.path(file).display().to_string()
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        let work = move |_: &LocalStore, path: &Path| Ok(files::read(path, at_most(file))?);
        Ok(self.blocking(file, "read", work).await?.map(|bytes| {
            let version = version_from(&bytes, bytes.len() as u64);
            Content { bytes, version }
        }))
    }

    async fn replace(
        &self,
        file: File,
        expected: Option<&Version>,
        bytes: Vec<u8>,
    ) -> Result<Version, StoreError> {
        self.swap(file, "write", expected.cloned(), move |store, path| {
            if file == File::Journal {
                store.keep_history(path, &bytes)?;
            }
            files::replace(path, &bytes)?;
            Ok(version_from(&bytes, bytes.len() as u64))
        })
        .await
    }

    async fn append(&self, file: File, expected: &Version, bytes: Vec<u8>) -> Result<Version, StoreError> {
        self.swap(file, "append to", Some(expected.clone()), move |_, path| {
            let mut open = files::append_to(path)?.ok_or(io::Error::from(io::ErrorKind::NotFound))?;
            let before = open.metadata()?.len();
            if let Err(error) = open.write_all(&bytes).and_then(|()| open.sync_data()) {
                // A full disk may have taken a part of it: what was not acknowledged must not be found later.
                let _ = open.set_len(before).and_then(|()| open.sync_data());
                return Err(error.into());
            }
            let mut head = Vec::new();
            open.seek(SeekFrom::Start(0))?;
            (&mut open).take(FIRST_LINE_AT_MOST).read_to_end(&mut head)?;
            Ok(version_from(&head, before + bytes.len() as u64))
        })
        .await
    }

    async fn remove(&self, file: File, expected: &Version) -> Result<(), StoreError> {
        self.swap(file, "remove", Some(expected.clone()), |_, path| files::remove(path)).await
    }

    async fn history(&self, back: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let work = move |store: &LocalStore, _: &Path| {
            let journals = store.ended_journals()?;
            let Some(path) = usize::try_from(back).ok().and_then(|back| journals.get(back)) else {
                return Ok(None);
            };
            files::read(path, READ_AT_MOST).map_err(|error| Failed::Beside(path.clone(), error))
        };
        self.blocking(File::Journal, "read", work).await
    }

    async fn mark(&self) -> Option<Mark> {
        let store = self.clone();
        // Without it everything is as safe, and only slower after a crash.
        tokio::task::spawn_blocking(move || store.take_mark().ok()).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_is_stopped_in_the_middle_of_a_change_is_not_waited_for_forever() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore { guard_within: Duration::ZERO, ..LocalStore::new(directory.path()) };
        let stopped = fs::File::create(directory.path().join(GUARD)).unwrap();
        stopped.lock().unwrap();
        let error = store.replace(File::Journal, None, b"head\n".to_vec()).await.unwrap_err();
        let StoreError::Io { source, .. } = error else { panic!("{error}") };
        assert!(source.to_string().contains("in the middle of a change"), "{source}");
        assert!(source.to_string().contains(".guard"), "{source}");
        assert_eq!(store.read(File::Journal).await.unwrap(), None);
        drop(stopped);
        store.replace(File::Journal, None, b"head\n".to_vec()).await.unwrap();
    }

    #[tokio::test]
    async fn a_change_of_another_version_is_refused_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path().join("deep/dev"));
        let first = store.replace(File::Journal, None, b"head\n".to_vec()).await.unwrap();
        let second = store.append(File::Journal, &first, b"one\n".to_vec()).await.unwrap();
        for refused in [
            store.append(File::Journal, &first, b"two\n".to_vec()).await,
            store.replace(File::Journal, None, b"new\n".to_vec()).await,
            store.replace(File::Journal, Some(&first), b"new\n".to_vec()).await,
        ] {
            assert!(matches!(refused, Err(StoreError::Changed { .. })));
        }
        let content = store.read(File::Journal).await.unwrap().unwrap();
        assert_eq!(content.bytes, b"head\none\n");
        assert_eq!(content.version, second);
        store.remove(File::Journal, &second).await.unwrap();
        assert_eq!(store.read(File::Journal).await.unwrap(), None);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn there_is_one_mark_at_a_time_and_it_is_of_one_directory() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path().join("dev"));
        let first = store.mark().await.unwrap();
        assert!(store.mark().await.is_none());
        let other = LocalStore::new(directory.path().join("prod")).mark().await.unwrap();
        assert_ne!(first.name(), other.name());
        let name = first.name().to_owned();
        drop(first);
        let second = store.mark().await.unwrap();
        assert_eq!(second.name(), name);
        // Somebody deletes the file: the next mark says nothing about the holder of this one.
        std::fs::remove_file(directory.path().join("dev/.holder")).unwrap();
        assert_ne!(store.mark().await.unwrap().name(), name);
    }

    #[tokio::test]
    async fn reading_makes_no_directory() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::new(directory.path().join("dev"));
        assert_eq!(store.read(File::State).await.unwrap(), None);
        assert!(!directory.path().join("dev").exists());
    }
}
