//! Where a state has gone: `state push` and `state pull` leave a note at the place that is not used any more, so that nobody goes on
//! with an old state by accident.
//!
//! The note is beside the journal, and the [store](Marked) looks at it each time the journal is read. A run reads the journal
//! when it has the lock, so it cannot miss a state that was moved while it waited.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use engine::{
    Content, EngineError, File, Host as _, LeaseTerms, LocalStore, LockError, Mark, Store, StoreError,
    SystemHost, Version,
};
use files::FileError;
use s3_store::S3Store;
use serde::{Deserialize, Serialize};

use crate::codes::Code;
use crate::exit::{Exit, Failure};
use crate::failures::S3;

/// The note in a state directory.
const NOTE: &str = "moved.json";

/// More than any note has.
const LONGEST: u64 = 64 << 10;

/// That a state is not here any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("this state was moved to {to}, by {by}")]
pub(crate) struct Moved {
    /// The place.
    pub(crate) to: String,
    /// Who did it.
    by: String,
    /// When, in milliseconds since the Unix epoch.
    at: u64,
}

impl Moved {
    pub(crate) fn to(place: &str) -> Self {
        Self { to: place.to_owned(), by: SystemHost.holder(), at: SystemHost.now_millis() }
    }

    /// The note that an error comes from, if it does.
    pub(crate) fn among(error: &EngineError) -> Option<&Self> {
        let store = match error {
            EngineError::Lock(LockError::Store(store)) => store,
            EngineError::Journal(engine::JournalError::Store(store)) => &**store,
            _ => return None,
        };
        match store {
            StoreError::Io { source, .. } => source.get_ref()?.downcast_ref(),
            _ => None,
        }
    }

    pub(crate) fn failure(&self) -> Failure {
        Failure::from_error(Exit::Configuration, self).hint(self.hint()).coded(Code::StateElsewhere)
    }

    fn hint(&self) -> String {
        if let Some(path) = self.to.strip_prefix(S3) {
            let bucket = path.split('/').next().unwrap_or_default();
            return format!(
                "set `state.backend = \"s3\"` and `state.bucket = \"{bucket}\"` in the configuration; or bring it back: `stack state pull`"
            );
        }
        match self.to.split_once(':') {
            Some((machine, path)) if machine == this_machine() && Path::new(path).exists() => format!(
                "it is on this machine, in {path}: set `state.backend = \"local\"` in the configuration; or bring it back to the bucket: \
                 `stack state push`"
            ),
            _ => "whoever has it there uses `state.backend = \"local\"`, or brings it back to the bucket from there: `stack state push`. \
                  If that place is lost, delete `moved.json` beside the state in the bucket: what is there is as old as the move, and \
                  `stack up` takes over what was made since"
                .to_owned(),
        }
    }
}

/// What this machine is called in notes.
fn this_machine() -> String {
    SystemHost.holder().split(['@', ',']).nth(1).unwrap_or_default().to_owned()
}

/// The store of an environment, and the note beside it.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// In the state directory.
    Local(LocalStore, PathBuf),
    /// In a bucket.
    S3(S3Store),
}

impl Kept {
    /// In this directory.
    pub(crate) fn local(directory: PathBuf) -> Self {
        Self::Local(LocalStore::new(&directory), directory)
    }

    /// What is kept, as long as it was not moved.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::new(Marked { store: self.files(), kept: self.clone() })
    }

    /// What is kept, whether it was moved or not.
    pub(crate) fn files(&self) -> Arc<dyn Store> {
        match self {
            Kept::Local(store, _) => Arc::new(store.clone()),
            Kept::S3(store) => Arc::new(store.clone()),
        }
    }

    /// The place, as it is named in notes: the same directory of another machine is another place.
    pub(crate) fn place(&self) -> String {
        match self {
            Kept::Local(_, directory) => {
                let machine = this_machine();
                let path = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
                format!("{machine}:{}", path.display())
            }
            Kept::S3(store) => store.name(File::Journal).trim_end_matches("/journal/").to_owned(),
        }
    }

    pub(crate) async fn moved(&self) -> Result<Option<Moved>, StoreError> {
        let (name, bytes) = match self {
            Kept::Local(_, directory) => {
                let path = directory.join(NOTE);
                let read = files::read(&path, LONGEST);
                (path.display().to_string(), read.map_err(|error| of_file("read", &path, error))?)
            }
            Kept::S3(store) => (format!("{}/{NOTE}", self.place()), store.moved().await?),
        };
        let read = bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose();
        read.map_err(|error| StoreError::Unusable { name, reason: error.to_string() })
    }

    pub(crate) async fn set_moved(&self, moved: Option<&Moved>) -> Result<(), StoreError> {
        let bytes = moved.map(|moved| serde_json::to_vec(moved).expect("texts and a number are JSON"));
        match self {
            Kept::Local(_, directory) => {
                let path = directory.join(NOTE);
                let done = match bytes {
                    Some(bytes) => {
                        files::make_directory(directory).and_then(|()| files::replace(&path, &bytes))
                    }
                    None => match files::remove(&path) {
                        Err(FileError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                        removed => removed,
                    },
                };
                done.map_err(|error| of_file("write", &path, error))
            }
            Kept::S3(store) => store.set_moved(bytes.as_deref()).await,
        }
    }
}

fn of_file(action: &'static str, path: &Path, error: FileError) -> StoreError {
    let name = path.display().to_string();
    match error {
        FileError::Io(source) => StoreError::Io { action, name, source },
        other => StoreError::Unusable { name, reason: other.to_string() },
    }
}

/// A store whose journal cannot be read once the state was moved.
struct Marked {
    store: Arc<dyn Store>,
    kept: Kept,
}

#[async_trait]
impl Store for Marked {
    fn name(&self, file: File) -> String {
        self.store.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        if file == File::Journal
            && let Some(moved) = self.kept.moved().await?
        {
            let (name, source) = (self.store.name(file), std::io::Error::other(moved));
            return Err(StoreError::Io { action: "use", name, source });
        }
        self.store.read(file).await
    }

    async fn replace(&self, file: File, was: Option<&Version>, to: Vec<u8>) -> Result<Version, StoreError> {
        self.store.replace(file, was, to).await
    }

    async fn append(&self, file: File, was: &Version, more: Vec<u8>) -> Result<Version, StoreError> {
        self.store.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &Version) -> Result<(), StoreError> {
        self.store.remove(file, was).await
    }

    async fn mark(&self) -> Option<Mark> {
        self.store.mark().await
    }

    async fn history(&self, back: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.history(back).await
    }

    async fn history_parts(&self, from: u64, count: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        self.store.history_parts(from, count).await
    }

    fn lease(&self) -> LeaseTerms {
        self.store.lease()
    }

    fn compact_after(&self) -> usize {
        self.store.compact_after()
    }
}
