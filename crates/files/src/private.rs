//! Files and directories that only their owner can read and write.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::FileError;

/// What a new content is called until it is renamed: `.journal.jsonl.RANDOM.new`.
const BESIDE: &str = ".new";

/// Makes a directory for private files, with mode 0700, and whatever is missing above it, with the same mode.
///
/// An existing directory is made private if it is not; those above it stay as they are.
///
/// # Errors
/// If it is no directory, or one that is shared with others (`/tmp`), or cannot be made private.
pub fn make_directory(path: &Path) -> Result<(), FileError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return tighten_directory(path, &found),
        Ok(found) => {
            return Err(FileError::NotRegular { found: kind(found.file_type()), wanted: "a directory" });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut missing: Vec<&Path> = vec![path];
    for above in path.ancestors().skip(1).take_while(|above| !above.as_os_str().is_empty()) {
        if above.exists() {
            break;
        }
        missing.push(above);
    }
    for directory in missing.into_iter().rev() {
        match create_directory(directory) {
            Ok(()) => sync_directory(parent_of(directory))?,
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    // A umask takes bits away; an unusual one takes those of the owner.
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

#[cfg(unix)]
fn tighten_directory(path: &Path, found: &Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = found.permissions().mode();
    if mode & 0o1000 != 0 {
        return Err(FileError::Shared);
    }
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn tighten_directory(_: &Path, _: &Metadata) -> Result<(), FileError> {
    Ok(())
}

/// Prepares a directory of private files for being written: removes what a writer of a file that `is_ours` names has left
/// under a temporary name when it died, and makes these files private. Everything else stays as it is.
///
/// The caller holds a lock that keeps other writers away.
///
/// # Errors
/// If anything but a regular file has one of our names, or what was left cannot be removed.
pub fn adopt(directory: &Path, is_ours: impl Fn(&str) -> bool) -> Result<(), (PathBuf, FileError)> {
    let of_directory = |error: io::Error| (directory.to_owned(), error.into());
    for entry in fs::read_dir(directory).map_err(of_directory)? {
        let entry = entry.map_err(of_directory)?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else { continue };
        let adopted = if target_of(name).is_some_and(&is_ours) {
            remove_left(&path)
        } else if is_ours(name) {
            tighten_at(&path)
        } else {
            Ok(())
        };
        adopted.map_err(|error| (path, error))?;
    }
    Ok(())
}

/// What a file with a temporary name was to become: `ours` for `.ours.RANDOM.new`.
fn target_of(name: &str) -> Option<&str> {
    let (target, random) = name.strip_prefix('.')?.strip_suffix(BESIDE)?.rsplit_once('.')?;
    (!random.is_empty()).then_some(target)
}

/// A writer leaves regular files only; whatever else has such a name is not in its way.
fn remove_left(path: &Path) -> Result<(), FileError> {
    match look(path) {
        Ok(Some(_)) => Ok(fs::remove_file(path)?),
        Ok(None) | Err(FileError::NotRegular { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn tighten_at(path: &Path) -> Result<(), FileError> {
    let Some(found) = look(path)? else { return Ok(()) };
    if is_private(&found) {
        return Ok(());
    }
    match open(path, OpenOptions::new().read(true))? {
        Some(file) => tighten(&file),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn is_private(found: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(_: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn tighten(file: &File) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt as _;
    if file.metadata()?.permissions().mode() & 0o7777 != 0o600 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn tighten(_: &File) -> Result<(), FileError> {
    Ok(())
}

/// What is at a path, if it is a regular file; `None` if there is nothing. It is not opened: a device may do something
/// when it is.
fn look(path: &Path) -> Result<Option<Metadata>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(found) => regular(found).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn regular(found: Metadata) -> Result<Metadata, FileError> {
    match found.is_file() {
        true => Ok(found),
        false => Err(FileError::NotRegular { found: kind(found.file_type()), wanted: "a regular file" }),
    }
}

pub(crate) fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if found.is_fifo() {
            return "a FIFO";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    match (found.is_symlink(), found.is_dir()) {
        (true, _) => "a symbolic link",
        (_, true) => "a directory",
        _ => "something else",
    }
}

/// Opens a private file that exists; `None` if it does not.
///
/// # Errors
/// If it is not a regular file, or cannot be opened.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Option<File>, FileError> {
    if look(path)?.is_none() {
        return Ok(None);
    }
    let mut options = options.clone();
    // Whatever has taken its place since that look must neither be followed nor waited for.
    #[cfg(unix)]
    set_flags(&mut options, rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK);
    match options.open(path) {
        Ok(file) => {
            regular(file.metadata()?)?;
            Ok(Some(file))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => match look(path) {
            Err(other @ FileError::NotRegular { .. }) => Err(other),
            _ => Err(error.into()),
        },
    }
}

#[cfg(unix)]
pub(crate) fn set_flags(options: &mut OpenOptions, flags: rustix::fs::OFlags) {
    let flags = i32::try_from(flags.bits()).expect("the flags of open(2) are an int");
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
}

/// Opens a private file to read and write it, and makes an empty one if there is none. Its mode is 0600 afterwards.
///
/// # Errors
/// If it is not a regular file, or cannot be opened or made.
pub fn open_or_create(path: &Path) -> Result<File, FileError> {
    loop {
        let file = match open(path, OpenOptions::new().read(true).write(true))? {
            Some(file) => file,
            None => match create_new(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                created => created?,
            },
        };
        tighten(&file)?;
        return Ok(file);
    }
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens a private file to read it and add to its end; `None` if there is none.
///
/// # Errors
/// If it is not a regular file, or cannot be opened.
pub fn append_to(path: &Path) -> Result<Option<File>, FileError> {
    open(path, OpenOptions::new().read(true).append(true))
}

/// The content of a private file; `None` if there is none. Changes nothing.
///
/// # Errors
/// If it is not a regular file, or is longer than `limit`, or cannot be read.
pub fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
    match open(path, OpenOptions::new().read(true))? {
        Some(file) => read_whole(file, limit).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn read_whole(mut file: File, limit: u64) -> Result<Vec<u8>, FileError> {
    let length = file.metadata()?.len();
    if length > limit {
        return Err(FileError::TooLarge { length, limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // It may grow while it is read.
    (&mut file).take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        read if read > limit => Err(FileError::TooLarge { length: read, limit }),
        _ => Ok(bytes),
    }
}

/// Puts a private file in place of the one at `path`, or where there is none: a reader finds the old content or the new
/// one. When this returns, the new one is durable.
///
/// # Errors
/// If something other than a regular file is there, or it cannot be written; then the old content stays.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    look(path)?;
    let directory = parent_of(path);
    let mut beside = new_beside(path)?;
    tighten(beside.as_file())?;
    beside.write_all(bytes).map_err(without_name)?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(sync_directory(directory)?)
}

/// The operating system's words alone: the name of the file beside the target, which tempfile adds, means nothing to anybody.
pub(crate) fn without_name(error: io::Error) -> io::Error {
    match error.to_string().rsplit_once(" at path ") {
        Some((words, _)) => io::Error::new(error.kind(), words.to_owned()),
        None => error,
    }
}

/// A new, empty file beside `path`, under a random name that did not exist before. It goes away unless it is renamed.
fn new_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_else(|| OsStr::new("file")));
    prefix.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(BESIDE).rand_bytes(16).tempfile_in(parent_of(path)).map_err(without_name)
}

/// Deletes a private file. When this returns, that is durable.
///
/// # Errors
/// If it is not a regular file, or cannot be deleted.
pub fn remove(path: &Path) -> Result<(), FileError> {
    look(path)?;
    fs::remove_file(path)?;
    Ok(sync_directory(parent_of(path))?)
}

/// The directory that a file is in: `.` for a mere name.
#[must_use]
pub fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the names in a directory durable.
///
/// # Errors
/// If the directory cannot be opened or flushed.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
