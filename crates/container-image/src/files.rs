//! The files of an image on this machine: in a directory, or in an archive.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use crate::ImageError;
use crate::blob::Pieces;
use crate::tarball::Tarball;

/// How much is read at once.
const READ_AT_MOST: usize = 1 << 20;

/// Files by their names, which have `/` between their parts.
#[derive(Debug)]
pub(crate) enum Files {
    Directory(PathBuf),
    Archive(Tarball),
}

/// A file that is there.
#[derive(Debug)]
pub(crate) struct Found {
    file: Arc<File>,
    from: u64,
    pub(crate) size: u64,
}

impl Files {
    /// What is at a path. Blocks.
    pub(crate) fn open(path: &Path) -> Result<Self, ImageError> {
        let place = path.display().to_string();
        let metadata = fs::metadata(path).map_err(cannot_read(&place))?;
        if metadata.is_dir() {
            return Ok(Files::Directory(path.to_owned()));
        }
        // Opening a pipe would wait for somebody to write to it.
        if !metadata.is_file() {
            let reason = "it is neither a file nor a directory".to_owned();
            return Err(ImageError::NotAnImage { place, reason });
        }
        let file = File::open(path).map_err(cannot_read(&place))?;
        Ok(Files::Archive(Tarball::open(&place, file)?))
    }

    /// A file by its name; `None` where there is none. Blocks.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Found>, ImageError> {
        let directory = match self {
            Files::Archive(archive) => return archive.find(name),
            Files::Directory(directory) => directory,
        };
        let path = directory.join(name);
        let place = path.display().to_string();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Ok(None),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(cannot_read(&place)(error)),
        };
        let file = File::open(&path).map_err(cannot_read(&place))?;
        Ok(Some(Found { file: Arc::new(file), from: 0, size: metadata.len() }))
    }

    /// Whether all that was written is there, as far as can be seen: an archive may end where no file is cut in two.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Files::Directory(_) => true,
            Files::Archive(archive) => archive.is_complete(),
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Reads from a place in a file, which others may read at the same time: fewer bytes than there is room for, and none at its end.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, bytes, at);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, bytes, at);
}

/// Fills all the room.
pub(crate) fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        match read_at(file, &mut bytes[filled..], at + filled as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(crate) fn cannot_read(place: &str) -> impl FnOnce(io::Error) -> ImageError {
    let place = place.to_owned();
    |source| ImageError::File { action: "read", place, source }
}

impl Found {
    pub(crate) fn within(file: Arc<File>, from: u64, size: u64) -> Self {
        Self { file, from, size }
    }

    /// All its bytes, or as many as `at_most`. Blocks.
    pub(crate) fn read(&self, at_most: u64) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.size.min(at_most)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size];
        read_exact_at(&self.file, &mut bytes, self.from)?;
        Ok(bytes)
    }

    pub(crate) fn pieces(self) -> Box<dyn Pieces> {
        let end = self.from.saturating_add(self.size);
        Box::new(FilePieces { file: self.file, at: self.from, end })
    }
}

struct FilePieces {
    file: Arc<File>,
    at: u64,
    end: u64,
}

#[async_trait]
impl Pieces for FilePieces {
    async fn piece(&mut self, at_most: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let (file, at, size) = (self.file.clone(), self.at, at_most.min(left).min(READ_AT_MOST));
        let read = move || -> io::Result<Vec<u8>> {
            let mut bytes = vec![0; size];
            let read = read_at(&file, &mut bytes, at)?;
            bytes.truncate(read);
            Ok(bytes)
        };
        let bytes = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }
}
