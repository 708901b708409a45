//! Files that somebody names on the command line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::FileError;
use crate::private::{kind, parent_of, read_whole, regular, without_name};

/// Links that are followed at the most, as the operating system does.
const LINKS: usize = 40;

/// The content of a regular file that somebody named, such as a configuration. Links are followed, and `/dev/stdin` is whatever
/// it stands for: a file that was redirected is read. A FIFO or a device is never waited for, even if it takes the file's place
/// in this moment.
///
/// # Errors
/// If there is no such file, or it is not a regular one, or is longer than `limit`, or cannot be read.
pub fn read_named(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    // A device may do something when it is opened.
    regular(fs::metadata(path)?)?;
    read_whole(open_at_once(path)?, limit)
}

/// To open a FIFO is to wait for somebody who writes to it, unless one says that one does not.
fn open_at_once(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    crate::private::set_flags(&mut options, rustix::fs::OFlags::NONBLOCK);
    let file = options.open(path)?;
    regular(file.metadata()?)?;
    Ok(file)
}

/// Writes a file that somebody named, such as a template or a report.
///
/// A regular file is written as a whole: beside the target under a random name, flushed, and renamed, so that a reader finds
/// the old content or the new one, never a part, and a full disk leaves the old one. A new file gets the mode that the umask
/// gives, an existing one keeps its own.
///
/// A symbolic link is followed, and what it points to is written; one that another user has put into a directory that others
/// can write (`/tmp/report.xml`) is not. A device, a FIFO and what is open already (`/dev/stdout`,
/// `/dev/fd/63`) are written to as they are.
///
/// # Errors
/// If the path names a directory or a planted link, or the file cannot be written.
pub fn write_named(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let target = resolve(path)?;
    match fs::metadata(&target) {
        Ok(found) if found.is_dir() => {
            Err(FileError::NotRegular { found: kind(found.file_type()), wanted: "a file" })
        }
        Ok(found) if !found.is_file() || is_already_open(&target) => {
            let mut open = OpenOptions::new().append(true).open(&target)?;
            Ok(open.write_all(bytes)?)
        }
        Ok(found) => write_beside(&target, bytes, Some(found.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write_beside(&target, bytes, None),
        Err(error) => Err(error.into()),
    }
}

/// Begins a file that somebody named and that is written bit by bit, such as a log. What was in it is gone at once; links, devices
/// and what is open already are treated as [`write_named`] does.
///
/// # Errors
/// If the path names a directory or a planted link, or the file cannot be opened.
pub fn begin_named(path: &Path) -> Result<File, FileError> {
    let target = resolve(path)?;
    match fs::metadata(&target) {
        Ok(found) if found.is_dir() => {
            Err(FileError::NotRegular { found: kind(found.file_type()), wanted: "a file" })
        }
        Ok(found) if !found.is_file() || is_already_open(&target) => {
            Ok(OpenOptions::new().append(true).open(&target)?)
        }
        Ok(_) => Ok(OpenOptions::new().write(true).truncate(true).open(&target)?),
        // One that somebody else puts there meanwhile is not used.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(OpenOptions::new().write(true).create_new(true).open(&target)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether it stands for a file that is open already, so that another one in its place would go unseen. Below `/dev` are
/// ordinary files as well (`/dev/shm`).
fn is_already_open(path: &Path) -> bool {
    ["/proc", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"]
        .iter()
        .any(|begin| path.starts_with(begin))
}

/// Follows links, one after the other, each only if nobody else can have planted it.
fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if is_already_open(&path) {
            return Ok(path);
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                check_link(&path, &found)?;
                path = parent_of(&path).join(fs::read_link(&path)?);
            }
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("too many symbolic links").into())
}

/// The rule of Linux's `fs.protected_symlinks`, for group-writable directories and those without a sticky bit as well.
#[cfg(unix)]
fn check_link(link: &Path, found: &fs::Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let directory = fs::metadata(parent_of(link))?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if directory.mode() & 0o022 == 0 || ours {
        return Ok(());
    }
    Err(FileError::Planted { link: link.display().to_string() })
}

#[cfg(not(unix))]
fn check_link(_: &Path, _: &fs::Metadata) -> Result<(), FileError> {
    Ok(())
}

fn write_beside(target: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> Result<(), FileError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".new").rand_bytes(16);
    // The umask takes its bits away.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut beside = builder.tempfile_in(parent_of(target)).map_err(without_name)?;
    if let Some(permissions) = permissions {
        beside.as_file().set_permissions(permissions)?;
    }
    beside.write_all(bytes).map_err(without_name)?;
    beside.as_file().sync_all()?;
    beside.persist(target).map_err(|error| error.error)?;
    match File::open(parent_of(target)) {
        Ok(directory) => Ok(directory.sync_all()?),
        // Who may write in a directory need not be allowed to read it. The file is in its place all the same.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_does_not_name_the_file_that_is_renamed_later() {
        let place = tempfile::tempdir().unwrap();
        let error = write_named(&place.path().join("missing").join("file"), b"x").unwrap_err();
        assert_eq!(error.to_string(), io::Error::from_raw_os_error(2).to_string());
    }

    #[test]
    fn a_fifo_that_takes_the_place_of_a_file_after_it_was_looked_at_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let fifo = place.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || tell.send(open_at_once(&fifo).unwrap_err().to_string()));
        let said = told.recv_timeout(Duration::from_secs(30)).expect("it is waited for");
        assert_eq!(said, "it is a FIFO, not a regular file");
    }
}
