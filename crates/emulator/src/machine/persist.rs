//! State on disk: one file for each service and region, shared safely between processes.
//!
//! The directory holds `SERVICE@REGION.json` files and a file named `lock`. Whoever reads or writes holds an
//! advisory lock on `lock`, shared or exclusive. Its content is a generation number that grows with every
//! write, so a process notices at the price of reading twenty bytes that another one has written, and reads
//! the files again. The number grows *before* the files are replaced: after a crash in between, other
//! processes read once more than needed, never once less.
//!
//! A file is replaced as a whole: written beside, flushed, renamed over the old one, and the directory
//! flushed. What a reader finds is therefore always one complete version.
//!
//! What is too large for these files is in files of its own (`blobs`).
//!
//! A clock that was moved is part of the account: `clock` holds by how many milliseconds, and is not there before.
//!
//! Only their owner can read and write directory and files, whatever the umask, and a link, a FIFO, a device, a
//! directory or a file of more than 1 GiB in place of one of them is refused.
//!
//! Everything here blocks, so callers go through `spawn_blocking`.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::blobs;
use crate::machine::clock::AHEAD_AT_MOST;
use crate::machine::error::EmulatorError;
use crate::protocol::bounds::nesting;

/// The version of the file format. A file with another one is refused, never converted silently.
const FORMAT: u64 = 1;

/// More than the state of any service has; a file that is longer is refused before it is read.
const READ_AT_MOST: u64 = 1 << 30;
/// The parser of JSON reads 127 levels; what is written must be readable. The file around a state has two.
const NESTED_AT_MOST: usize = 120;
/// The name of the file that is locked, and holds the generation.
const LOCK: &str = "lock";
/// The name of the file that says how far the clock was moved.
const CLOCK: &str = "clock";
/// A generation has 20 digits, and so have milliseconds at most.
const GENERATION_AT_MOST: u64 = 64;

/// What a state file holds.
#[derive(Debug, Serialize, Deserialize)]
struct StateFile<S> {
    format: u64,
    service: String,
    region: String,
    state: S,
}

/// The state of one service in one region, as read.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) path: PathBuf,
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) state: Value,
}

/// A state file that cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) error: EmulatorError,
}

/// What a directory holds.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) readable: Vec<Stored>,
    pub(crate) unreadable: Vec<Unreadable>,
    /// How far the clock was moved forward.
    pub(crate) ahead: Duration,
}

/// The state of one service in one region, to be written.
#[derive(Debug)]
pub(crate) struct Unsaved {
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) state: Arc<Value>,
}

/// A state directory.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    lock_path: PathBuf,
    lock: File,
    /// Whether this process has made private what it found.
    adopted: AtomicBool,
}

/// What a locked directory says.
#[derive(Debug)]
pub(crate) struct Current {
    /// The generation on disk.
    pub(crate) generation: u64,
    /// All files, if the caller did not know this generation.
    pub(crate) files: Option<Files>,
}

impl Directory {
    /// Opens a directory, creating it if needed.
    pub(crate) fn open(path: &Path) -> Result<Self, EmulatorError> {
        files::make_directory(path)
            .map_err(|error| EmulatorError::file("create the directory", path, error))?;
        let lock_path = path.join(LOCK);
        let lock = files::open_or_create(&lock_path)
            .map_err(|error| EmulatorError::file("open", &lock_path, error))?;
        Ok(Directory { path: path.to_owned(), lock_path, lock, adopted: AtomicBool::new(false) })
    }

    /// Waits for the lock and reads what changed since the generation `known`.
    ///
    /// The lock is held until [`unlock`](Self::unlock), also when this fails.
    pub(crate) fn lock(&self, exclusive: bool, known: Option<u64>) -> Result<Current, EmulatorError> {
        let locked = if exclusive { self.lock.lock() } else { self.lock.lock_shared() };
        locked.map_err(|error| EmulatorError::io("lock", &self.lock_path, error))?;
        let generation =
            self.generation().map_err(|error| EmulatorError::io("read", &self.lock_path, error))?;
        let files = if known == Some(generation) { None } else { Some(self.read()?) };
        Ok(Current { generation, files })
    }

    /// Replaces the given files, and the clock's if it was moved, and returns the new generation. Needs the exclusive lock.
    pub(crate) fn write(
        &self,
        generation: u64,
        unsaved: &[Unsaved],
        ahead: Option<Duration>,
    ) -> Result<u64, EmulatorError> {
        if !self.adopted.load(Ordering::Relaxed) {
            files::adopt(&self.path, |name| state_file(name).is_some() || name == CLOCK)
                .map_err(|(path, error)| EmulatorError::file("write", path, error))?;
            self.adopted.store(true, Ordering::Relaxed);
        }
        let generation = generation + 1;
        self.set_generation(generation)
            .map_err(|error| EmulatorError::io("write", &self.lock_path, error))?;
        // First, so that nothing is ever newer than the clock.
        if let Some(ahead) = ahead {
            let path = self.path.join(CLOCK);
            files::replace(&path, format!("{}\n", ahead.as_millis()).as_bytes())
                .map_err(|error| EmulatorError::file("write", &path, error))?;
        }
        for Unsaved { service, region, state } in unsaved {
            let path = self.path.join(format!("{service}@{region}.json"));
            let file = StateFile {
                format: FORMAT,
                service: service.clone(),
                region: region.clone(),
                state: &**state,
            };
            if nesting(state) > NESTED_AT_MOST {
                return Err(EmulatorError::TooDeep { path });
            }
            let mut text = serde_json::to_vec_pretty(&file).expect("a JSON value with text keys is writable");
            text.push(b'\n');
            files::replace(&path, &text).map_err(|error| EmulatorError::file("write", &path, error))?;
        }
        Ok(generation)
    }

    /// Needs the exclusive lock.
    fn delete_all(&self) -> Result<usize, EmulatorError> {
        // What cannot be read is a generation that nobody knows.
        let generation = self.generation().unwrap_or_default() + 1;
        self.set_generation(generation)
            .map_err(|error| EmulatorError::io("write", &self.lock_path, error))?;
        let paths = self.state_files()?;
        for (path, ..) in &paths {
            fs::remove_file(path).map_err(|error| EmulatorError::io("delete", path, error))?;
        }
        let clock = self.path.join(CLOCK);
        match fs::remove_file(&clock) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EmulatorError::io("delete", clock, error));
            }
            _ => {}
        }
        // After the state that names them.
        blobs::delete_all(&self.path)?;
        files::sync_directory(&self.path)
            .map_err(|error| EmulatorError::io("flush the directory", &self.path, error))?;
        Ok(paths.len())
    }

    /// Gives the lock back. The operating system does so too when the process ends.
    pub(crate) fn unlock(&self) -> Result<(), EmulatorError> {
        self.lock.unlock().map_err(|error| EmulatorError::io("unlock", &self.lock_path, error))
    }

    /// A file that cannot be used takes nothing away from the others.
    fn read(&self) -> Result<Files, EmulatorError> {
        let mut files = Files { ahead: self.ahead()?, ..Files::default() };
        for (path, service, region) in self.state_files()? {
            match read_state(&path, &service, &region) {
                Ok(stored) => files.readable.push(stored),
                Err(error) => files.unreadable.push(Unreadable { service, region, error }),
            }
        }
        Ok(files)
    }

    /// How far the clock was moved. An account whose time is not known is not gone on with.
    fn ahead(&self) -> Result<Duration, EmulatorError> {
        let path = self.path.join(CLOCK);
        let Some(text) = files::read(&path, GENERATION_AT_MOST)
            .map_err(|error| EmulatorError::file("read", &path, error))?
        else {
            return Ok(Duration::ZERO);
        };
        let ahead = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
        let ahead = ahead.map(Duration::from_millis).filter(|ahead| *ahead <= AHEAD_AT_MOST);
        ahead.ok_or(EmulatorError::BrokenClock { path })
    }

    /// Every state file, with the service and the region that its name gives.
    fn state_files(&self) -> Result<Vec<(PathBuf, String, String)>, EmulatorError> {
        let failed = |error| EmulatorError::io("list", &self.path, error);
        let mut paths = fs::read_dir(&self.path)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<PathBuf>>>()
            .map_err(failed)?;
        paths.sort();
        let placed = paths.into_iter().filter_map(|path| {
            let (service, region) = state_file(path.file_name()?.to_str()?)?;
            let (service, region) = (service.to_owned(), region.to_owned());
            Some((path, service, region))
        });
        Ok(placed.collect())
    }

    /// An empty lock file is generation 0.
    fn generation(&self) -> io::Result<u64> {
        let mut text = String::new();
        (&self.lock).seek(SeekFrom::Start(0))?;
        (&self.lock).take(GENERATION_AT_MOST).read_to_string(&mut text)?;
        // What is not a number is no generation that anybody knows, so everybody reads again.
        Ok(text.trim().parse().unwrap_or_default())
    }

    /// Not flushed: only living processes compare generations, and none of them outlives the machine.
    fn set_generation(&self, generation: u64) -> io::Result<()> {
        (&self.lock).seek(SeekFrom::Start(0))?;
        (&self.lock).write_all(format!("{generation:020}").as_bytes())
    }
}

/// Deletes all state in a directory, also state that cannot be read. Returns how many files there were.
///
/// Other processes on the same directory see an empty account from their next call on.
///
/// # Errors
///
/// If a file cannot be deleted. Run again, then: what is left is whole.
pub fn reset(directory: &Path) -> Result<usize, EmulatorError> {
    if !directory.exists() {
        return Ok(0);
    }
    let directory = Directory::open(directory)?;
    directory.lock.lock().map_err(|error| EmulatorError::io("lock", &directory.lock_path, error))?;
    let deleted = directory.delete_all();
    directory.unlock()?;
    deleted
}

/// The service and the region of a state file, by its name.
fn state_file(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(".json")?.split_once('@')
}

fn read_state(path: &Path, service: &str, region: &str) -> Result<Stored, EmulatorError> {
    let broken = |reason: String| EmulatorError::Broken { path: path.to_owned(), reason };
    let text = files::read(path, READ_AT_MOST)
        .map_err(|error| EmulatorError::file("read", path, error))?
        .ok_or_else(|| EmulatorError::io("read", path, io::ErrorKind::NotFound.into()))?;
    let value: Value = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    // The version comes first: another format may look quite different.
    let found = value
        .get("format")
        .and_then(Value::as_u64)
        .ok_or_else(|| broken("it has no format version".to_owned()))?;
    if found != FORMAT {
        return Err(EmulatorError::UnknownVersion { path: path.to_owned(), found, known: FORMAT });
    }
    let file: StateFile<Value> = serde_json::from_value(value).map_err(|error| broken(error.to_string()))?;
    if (file.service.as_str(), file.region.as_str()) != (service, region) {
        return Err(broken(format!(
            "it holds {}@{}, which is not what its name says",
            file.service, file.region
        )));
    }
    Ok(Stored { path: path.to_owned(), service: file.service, region: file.region, state: file.state })
}
