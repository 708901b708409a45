//! What can go wrong with the emulator itself, as opposed to what it answers.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use files::FileError;

/// An error of the emulator itself. Cheap to clone, because one failed flush fails many calls.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// A file or directory could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why it failed.
        source: Arc<io::Error>,
    },
    /// Something else is in place of a file or directory of the emulator.
    #[error("cannot use {}: {reason}", path.display())]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A state file is not what the emulator writes.
    #[error(
        "{} is not a state file that this program can read: {reason}. \
         Nothing was overwritten. Restore the file from a copy, or delete it to start that service anew",
        path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A call would have stored something that could not be read again.
    #[error("{} was not written: what a call stored there is nested too deeply to be read again", path.display())]
    TooDeep {
        /// The file.
        path: PathBuf,
    },
    /// A state file has a format that this version does not know.
    #[error(
        "{} has state format {found}, and this program knows format {known}. \
         Nothing was overwritten. Use the version of the program that wrote it, \
         or delete the file to start that service anew",
        path.display()
    )]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u64,
        /// The format version that this program writes.
        known: u64,
    },
    /// A state file belongs to a service that this version does not have.
    #[error(
        "{} holds the state of service {service}, which this program does not have. \
         Nothing was overwritten. Use the version of the program that wrote it, \
         or delete the file to forget its objects",
        path.display()
    )]
    UnknownService {
        /// The file.
        path: PathBuf,
        /// The service.
        service: String,
    },
    /// A server was to listen where other machines can reach it.
    #[error(
        "the emulator does not serve {address}, which other machines can reach: it checks no signature. \
         Bind it to 127.0.0.1"
    )]
    NotLoopback {
        /// What the listener is bound to.
        address: SocketAddr,
    },
    /// A server's listener cannot be used.
    #[error("cannot find out what the emulator is to listen on")]
    Listener {
        /// Why it failed.
        source: Arc<io::Error>,
    },
    /// The file that says how far the clock was moved is not what the emulator writes.
    #[error(
        "{} does not say by how many milliseconds the clock was moved. Restore the file from a copy, or delete it to go on \
         with the machine's time",
        path.display()
    )]
    BrokenClock {
        /// The file.
        path: PathBuf,
    },
    /// The clock was to be moved back.
    #[error("the clock is only moved forward, and it is {now} already")]
    Backwards {
        /// What time it is.
        now: String,
    },
    /// The clock was to be moved further than it goes.
    #[error(
        "the clock goes {} days ahead at most, and is {} seconds ahead already",
        at_most.as_secs() / (24 * 60 * 60), ahead.as_secs()
    )]
    TooFarAhead {
        /// How far ahead it is.
        ahead: Duration,
        /// How far it can be.
        at_most: Duration,
    },
    /// The emulator stopped in the middle of a call, because its runtime ended or a service panicked.
    #[error("the emulator stopped before the call was finished")]
    Interrupted,
}

impl EmulatorError {
    /// Wraps an I/O error with what was tried on what.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        EmulatorError::Io { action, path: path.into(), source: Arc::new(source) }
    }

    /// The same for an error that may be about what is there rather than about reading and writing.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, error: FileError) -> Self {
        match error {
            FileError::Io(source) => EmulatorError::io(action, path, source),
            other => EmulatorError::Unusable { path: path.into(), reason: other.to_string() },
        }
    }
}
