//! Files that hold what nobody else may read or plant, and files that a person names.
//!
//! **Private files** ([`replace`], [`read`], [`open_or_create`], [`make_directory`], [`adopt`]) are those that the program
//! keeps for itself. Directories have mode 0700 and files 0600, whatever the umask. A file is written beside its target under
//! a random name that did not exist before, flushed, and renamed. The last part of a path is never followed: a symbolic
//! link, a FIFO, a socket, a device or a directory in place of a file is [`FileError::NotRegular`], found before it is
//! opened, and again once it is open, without ever blocking. Links *above* the file are followed, so that a directory may
//! live on another disk. What is read has a limit, so that a file that was replaced by a huge one does not fill the memory.
//!
//! **Named files** ([`read_named`], [`write_named`], [`begin_named`]) are what somebody asked for on the command line. They follow the umask, and a link or
//! a device is used as usual, except for a link that somebody else has put where others can write.

mod named;
mod private;

pub use named::{begin_named, read_named, write_named};
pub use private::{
    adopt, append_to, make_directory, open, open_or_create, parent_of, read, remove, replace, sync_directory,
};

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Something else is in its place.
    #[error("it is {found}, not {wanted}")]
    NotRegular {
        /// What it is: `a symbolic link`.
        found: &'static str,
        /// What belongs there: `a regular file`.
        wanted: &'static str,
    },
    /// It is larger than anything that belongs there.
    #[error("it has {length} bytes, and at most {limit} are read")]
    TooLarge {
        /// How long it is.
        length: u64,
        /// How long it may be.
        limit: u64,
    },
    /// A link that somebody else may have planted.
    #[error(
        "the link {link} belongs to another user, in a directory that others can write; it was not followed"
    )]
    Planted {
        /// The link.
        link: String,
    },
    /// The directory is shared with other users, and so cannot be made private.
    #[error("it is a directory shared with other users (its sticky bit is set)")]
    Shared,
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl FileError {
    /// Whether what is there is wrong, as opposed to a failure of the operating system.
    #[must_use]
    pub fn is_about_content(&self) -> bool {
        !matches!(self, FileError::Io(_))
    }

    /// The same as an error of the standard library, for callers who tell them apart no further.
    #[must_use]
    pub fn into_io(self) -> std::io::Error {
        match self {
            FileError::Io(error) => error,
            other => std::io::Error::new(std::io::ErrorKind::InvalidInput, other),
        }
    }
}
