//! What is too large for the state of a service: bytes, each below a place and by a name.
//!
//! A place is what goes as a whole, such as the layers of one repository, and has a name that is never given twice. In memory the
//! bytes are shared between an account and its snapshots. On disk each is a file `blobs/PLACE/NAME` of the state directory, private
//! as all that is in it, and written before the state that names it; a place that is given up goes once the state no longer
//! names it ([`Blobs::sweep`]). Where a process dies in between, files stay that nothing names: they are in nobody's way, and go
//! with the directory's next [`reset`](crate::reset).
//!
//! Places and names are made by the services, of letters, digits, `-`, `_` and `@`: no path can be made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::machine::error::EmulatorError;

/// The directory below that of the state.
const DIRECTORY: &str = "blobs";

type Places = BTreeMap<String, BTreeMap<String, Arc<Vec<u8>>>>;

/// The bytes of an account.
#[derive(Debug)]
pub(crate) struct Blobs {
    kept: Kept,
    given_up: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
enum Kept {
    InMemory(Mutex<Places>),
    OnDisk(PathBuf),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept changes in one step each time, so a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Blobs {
    pub(crate) fn in_memory() -> Self {
        Blobs::of(Kept::InMemory(Mutex::default()))
    }

    /// Below a state directory. The one for blobs is made with the first of them.
    pub(crate) fn on_disk(state_directory: &Path) -> Self {
        Blobs::of(Kept::OnDisk(state_directory.join(DIRECTORY)))
    }

    fn of(kept: Kept) -> Self {
        Blobs { kept, given_up: Mutex::default() }
    }

    /// The same bytes for an account that goes on by itself; on disk it is the directory that is copied.
    pub(crate) fn copy(&self) -> Self {
        Blobs::of(match &self.kept {
            Kept::InMemory(places) => Kept::InMemory(Mutex::new(lock(places).clone())),
            Kept::OnDisk(directory) => Kept::OnDisk(directory.clone()),
        })
    }

    /// Writes bytes from a position on. What was behind it goes: nobody was told of that.
    pub(crate) fn write_at(
        &self,
        place: &str,
        name: &str,
        position: u64,
        bytes: &[u8],
    ) -> Result<(), EmulatorError> {
        match &self.kept {
            Kept::InMemory(places) => {
                let mut places = lock(places);
                let blob = places.entry(place.to_owned()).or_default().entry(name.to_owned()).or_default();
                let blob = Arc::make_mut(blob);
                blob.truncate(usize::try_from(position).unwrap_or(usize::MAX));
                blob.extend_from_slice(bytes);
                Ok(())
            }
            Kept::OnDisk(directory) => {
                let directory = directory.join(place);
                files::make_directory(&directory)
                    .map_err(|error| EmulatorError::file("create the directory", &directory, error))?;
                let path = directory.join(name);
                let mut file = files::open_or_create(&path)
                    .map_err(|error| EmulatorError::file("open", &path, error))?;
                let written = file
                    .set_len(position)
                    .and_then(|()| file.seek(SeekFrom::Start(position)))
                    .and_then(|_| file.write_all(bytes));
                written.map_err(|error| EmulatorError::io("write", &path, error))
            }
        }
    }

    /// Gives bytes the name that they keep. When this returns, they are durable.
    pub(crate) fn finish(&self, place: &str, from: &str, to: &str) -> Result<(), EmulatorError> {
        match &self.kept {
            Kept::InMemory(places) => {
                let mut places = lock(places);
                let names = places.entry(place.to_owned()).or_default();
                let blob = names.remove(from).unwrap_or_default();
                names.insert(to.to_owned(), blob);
                Ok(())
            }
            Kept::OnDisk(directory) => {
                let directory = directory.join(place);
                let (from, to) = (directory.join(from), directory.join(to));
                let file = files::open(&from, OpenOptions::new().read(true))
                    .map_err(|error| EmulatorError::file("open", &from, error))?
                    .ok_or_else(|| EmulatorError::io("open", &from, io::ErrorKind::NotFound.into()))?;
                let renamed = file
                    .sync_all()
                    .and_then(|()| fs::rename(&from, &to))
                    .and_then(|()| files::sync_directory(&directory));
                renamed.map_err(|error| EmulatorError::io("write", &to, error))
            }
        }
    }

    /// Bytes; `None` where there are none of this name, or they are longer than `at_most`.
    pub(crate) fn read(
        &self,
        place: &str,
        name: &str,
        at_most: u64,
    ) -> Result<Option<Arc<Vec<u8>>>, EmulatorError> {
        match &self.kept {
            Kept::InMemory(places) => {
                let places = lock(places);
                let blob = places.get(place).and_then(|names| names.get(name));
                Ok(blob.filter(|blob| blob.len() as u64 <= at_most).cloned())
            }
            Kept::OnDisk(directory) => {
                let path = directory.join(place).join(name);
                let bytes =
                    files::read(&path, at_most).map_err(|error| EmulatorError::file("read", &path, error))?;
                Ok(bytes.map(Arc::new))
            }
        }
    }

    /// Deletes bytes that nothing names yet.
    pub(crate) fn remove(&self, place: &str, name: &str) -> Result<(), EmulatorError> {
        match &self.kept {
            Kept::InMemory(places) => {
                if let Some(names) = lock(places).get_mut(place) {
                    names.remove(name);
                }
                Ok(())
            }
            Kept::OnDisk(directory) => {
                let path = directory.join(place).join(name);
                absent_is_fine(fs::remove_file(&path))
                    .map_err(|error| EmulatorError::io("delete", &path, error))
            }
        }
    }

    /// Deletes a place with all that is in it, once the state that no longer names it is kept.
    pub(crate) fn give_up(&self, place: &str) {
        lock(&self.given_up).insert(place.to_owned());
    }

    /// The state is kept: what was given up goes. Where a file cannot be deleted, it stays, and nothing names it.
    pub(crate) fn sweep(&self) {
        for place in std::mem::take(&mut *lock(&self.given_up)) {
            match &self.kept {
                Kept::InMemory(places) => drop(lock(places).remove(&place)),
                Kept::OnDisk(directory) => drop(fs::remove_dir_all(directory.join(place))),
            }
        }
    }

    /// The state was not kept: what was given up is there still.
    pub(crate) fn spare(&self) {
        lock(&self.given_up).clear();
    }
}

/// Deletes all blobs below a state directory.
pub(crate) fn delete_all(state_directory: &Path) -> Result<(), EmulatorError> {
    let directory = state_directory.join(DIRECTORY);
    absent_is_fine(fs::remove_dir_all(&directory))
        .map_err(|error| EmulatorError::io("delete", &directory, error))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores() -> (tempfile::TempDir, [Blobs; 2]) {
        let place = tempfile::tempdir().expect("a directory can be made");
        let stores = [Blobs::in_memory(), Blobs::on_disk(place.path())];
        (place, stores)
    }

    fn read(blobs: &Blobs, name: &str) -> Option<Vec<u8>> {
        blobs.read("p", name, 100).expect("it can be read").map(|bytes| bytes.to_vec())
    }

    #[test]
    fn bytes_are_written_on_from_a_position_and_keep_what_they_are_finished_as() {
        let (_place, stores) = stores();
        for blobs in stores {
            blobs.write_at("p", "upload", 0, b"abcd").expect("it can be written");
            blobs.write_at("p", "upload", 2, b"xyz").expect("it can be written");
            blobs.finish("p", "upload", "done").expect("it can be renamed");
            assert_eq!((read(&blobs, "done"), read(&blobs, "upload")), (Some(b"abxyz".to_vec()), None));
            blobs.write_at("p", "upload", 0, b"more").expect("it can be written");
            blobs.remove("p", "upload").expect("it can be deleted");
            blobs.remove("p", "upload").expect("it is gone");
            assert_eq!(read(&blobs, "upload"), None);
        }
    }

    #[test]
    fn what_is_given_up_goes_when_it_is_swept_unless_it_was_spared() {
        let (_place, stores) = stores();
        for blobs in stores {
            blobs.write_at("p", "a", 0, b"a").expect("it can be written");
            blobs.give_up("p");
            blobs.spare();
            blobs.sweep();
            assert_eq!(read(&blobs, "a"), Some(b"a".to_vec()));
            blobs.give_up("p");
            assert_eq!(read(&blobs, "a"), Some(b"a".to_vec()));
            blobs.sweep();
            assert_eq!(read(&blobs, "a"), None);
        }
    }

    #[test]
    fn a_copy_in_memory_goes_on_by_itself() {
        let blobs = Blobs::in_memory();
        blobs.write_at("p", "a", 0, b"a").expect("it can be written");
        let copy = blobs.copy();
        blobs.write_at("p", "a", 1, b"b").expect("it can be written");
        copy.give_up("p");
        copy.sweep();
        assert_eq!((read(&blobs, "a"), read(&copy, "a")), (Some(b"ab".to_vec()), None));
    }
}
