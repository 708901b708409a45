//! Archives of tar, which may be compressed with gzip: where each file in them begins. Nothing is unpacked, so no path of an archive
//! is ever one of this machine; an archive with a path that leads out of it is refused all the same.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::ImageError;
use crate::files::{Found, cannot_read, read_at, read_exact_at};

/// How many bytes a compressed archive may have after decompression: as many as a task of Fargate has disk at most, so that an image
/// that is larger could not run (Amazon ECS Developer Guide, "Fargate task ephemeral storage").
const UNPACKED_AT_MOST: u64 = 200 << 30;
/// How many files an archive of an image may have. Each layer has four at most.
const FILES_AT_MOST: usize = 10_000;
/// How many links may lead to each other.
const LINKS_AT_MOST: usize = 8;
const BLOCK: u64 = 512;

/// Compressions of whole archives that are not read.
const OTHER_COMPRESSIONS: [(&[u8], &str); 3] =
    [(&[0x28, 0xb5, 0x2f, 0xfd], "zstd"), (&[0xfd, b'7', b'z', b'X', b'Z'], "xz"), (b"BZh", "bzip2")];
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];
pub(crate) const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

#[derive(Debug)]
enum Entry {
    File {
        from: u64,
        size: u64,
    },
    /// The name of another one, or none where it leads out of the archive.
    Link(String),
}

/// An archive, and where its files are.
#[derive(Debug)]
pub(crate) struct Tarball {
    place: String,
    file: Arc<File>,
    entries: BTreeMap<String, Entry>,
    is_complete: bool,
}

impl Tarball {
    /// Reads the headers. An archive that is compressed is first decompressed to a temporary file, which has no name and so goes with
    /// this process. Blocks.
    pub(crate) fn open(place: &str, file: File) -> Result<Self, ImageError> {
        let mut start = [0; 6];
        let read = read_at(&file, &mut start, 0).map_err(cannot_read(place))?;
        let start = &start[..read];
        let other = OTHER_COMPRESSIONS.iter().find(|(magic, _)| start.starts_with(magic));
        if let Some((_, name)) = other {
            let reason = format!("it is compressed with {name}, which is not read: decompress it first");
            return Err(ImageError::NotAnImage { place: place.to_owned(), reason });
        }
        let file = if start.starts_with(&GZIP) { decompress(place, file)? } else { file };
        Self::index(place, file)
    }

    fn index(place: &str, file: File) -> Result<Self, ImageError> {
        let length = file.metadata().map_err(cannot_read(place))?.len();
        let refused =
            |reason: &str| Err(ImageError::NotAnImage { place: place.to_owned(), reason: reason.to_owned() });
        if length < BLOCK {
            return refused("it is too short for an archive of tar");
        }
        let mut entries = BTreeMap::new();
        let mut end = 0;
        let mut archive = tar::Archive::new(&file);
        let read = archive.entries_with_seek().map_err(cannot_read(place))?;
        for entry in read {
            let entry = entry.map_err(|_| broken(place, end, length))?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = normal(place, "", &path, &path)?;
            let (from, size) = (entry.raw_file_position(), entry.size());
            let kind = entry.header().entry_type();
            let has_content = !matches!(kind, EntryType::Symlink | EntryType::Link | EntryType::Directory);
            let until = if has_content { from.checked_add(size) } else { Some(from) };
            end = until.filter(|until| *until <= length).ok_or_else(|| ImageError::CutOff {
                place: place.to_owned(),
                what: format!("the file `{path}` in it is not complete"),
            })?;
            let target = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
            let new = match (kind, target) {
                (EntryType::Regular | EntryType::Continuous, _) => Entry::File { from, size },
                (EntryType::Symlink, Some(target)) => {
                    Entry::Link(normal(place, parent(&name), &target, &path)?)
                }
                (EntryType::Link, Some(target)) => Entry::Link(normal(place, "", &target, &path)?),
                _ => continue,
            };
            entries.insert(name, new);
            if entries.len() > FILES_AT_MOST {
                return refused(
                    "it has too many files; it may be a file system, as `docker export` writes it",
                );
            }
        }
        let is_complete = is_end(&file, end.next_multiple_of(BLOCK));
        Ok(Self { place: place.to_owned(), file: Arc::new(file), entries, is_complete })
    }

    /// A file by its name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Found>, ImageError> {
        let mut name = normal(&self.place, "", name, name)?;
        for _ in 0..LINKS_AT_MOST {
            match self.entries.get(&name) {
                None => return Ok(None),
                Some(Entry::File { from, size }) => {
                    return Ok(Some(Found::within(self.file.clone(), *from, *size)));
                }
                Some(Entry::Link(target)) => name = target.clone(),
            }
        }
        let what = format!("`{name}` is one of many links that lead to each other");
        Err(ImageError::Damaged { place: self.place.clone(), what })
    }

    /// Whether the block of zeros is there with which an archive ends.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }
}

fn is_end(file: &File, at: u64) -> bool {
    let mut block = [0; BLOCK as usize];
    read_exact_at(file, &mut block, at).is_ok() && block.iter().all(|byte| *byte == 0)
}

/// What is wrong where the header after a file cannot be read. An archive is made of whole blocks.
fn broken(place: &str, end: u64, length: u64) -> ImageError {
    let place = place.to_owned();
    if end == 0 {
        return ImageError::NotAnImage { place, reason: "it is not an archive of tar".to_owned() };
    }
    match length.is_multiple_of(BLOCK) {
        true => {
            ImageError::Damaged { place, what: format!("after byte {end} there is no valid header of tar") }
        }
        false => ImageError::CutOff {
            place,
            what: format!("it ends after byte {length}, in the middle of a block"),
        },
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A path below a directory of the archive, without `.` and `..`.
fn normal(place: &str, directory: &str, path: &str, shown: &str) -> Result<String, ImageError> {
    let outside = || ImageError::Outside { place: place.to_owned(), name: shown.to_owned() };
    if path.starts_with('/') {
        return Err(outside());
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(outside)?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Decompresses an archive to a temporary file.
fn decompress(place: &str, file: File) -> Result<File, ImageError> {
    let cannot_write = |source| ImageError::File {
        action: "write the decompressed content to a temporary file in the place of",
        place: place.to_owned(),
        source,
    };
    let mut unpacked = tempfile::tempfile().map_err(cannot_write)?;
    let mut from = MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, file));
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = from.read(&mut buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ImageError::CutOff {
                place: place.to_owned(),
                what: "its compressed data has no end".to_owned(),
            },
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => ImageError::Damaged {
                place: place.to_owned(),
                what: format!("it cannot be decompressed: {error}"),
            },
            _ => cannot_read(place)(error),
        })?;
        if read == 0 {
            break;
        }
        size += read as u64;
        crate::manifest::check_size(place, "the decompressed content", size, UNPACKED_AT_MOST)?;
        io::Write::write_all(&mut unpacked, &buffer[..read]).map_err(cannot_write)?;
    }
    unpacked.rewind().map_err(cannot_write)?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_archive() {
        for (directory, path, wanted) in [
            ("", "./a//b", Some("a/b")),
            ("", "a/../b", Some("b")),
            ("x", "../y/layer.tar", Some("y/layer.tar")),
            ("x", "../../y", None),
            ("", "..", None),
            ("", "/etc/passwd", None),
        ] {
            let found = normal("app.tar", directory, path, path).ok();
            assert_eq!(found.as_deref(), wanted, "{directory} {path}");
        }
    }
}
