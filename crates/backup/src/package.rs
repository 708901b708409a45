//! The code of the function, as Lambda takes it: a zip archive with one file.
//!
//! The archive depends on nothing but the file: no time of a change, no owner, no compression. So a file that did not
//! change is the same archive on every machine, and is no change.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The handler's source.
pub const SOURCE: &str = include_str!("../handler/verify_backup.py");
/// What the file is called in the archive: CloudFormation calls inline code so, and can make the same function.
const FILE: &str = "index.py";
/// What Lambda calls.
pub(crate) const HANDLER: &str = "index.handler";

/// .ZIP File Format Specification, 4.4.6: 1980-01-01, the first day that there is.
const FIRST_DAY: u16 = (1 << 5) | 1;
/// The same, 4.4.3: files only.
const VERSION: u16 = 20;
/// The same, 4.4.2: made on Unix, so that the mode below means something.
const MADE_ON_UNIX: u16 = (3 << 8) | VERSION;
/// A file that everybody may read, which Lambda needs.
const MODE: u32 = 0o100_644 << 16;

/// An archive and its hash.
pub(crate) struct Package {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: String,
}

/// The handler as a package.
pub(crate) fn package() -> Package {
    let bytes = archive(FILE, SOURCE.as_bytes());
    let sha256 = sha256(&bytes);
    Package { bytes, sha256 }
}

/// As Lambda writes hashes: base64.
fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

/// A zip archive with one file, which is not compressed.
fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let shared = shared(name, content);
    let mut bytes = Vec::new();
    // 4.3.7: the file's own header.
    bytes.extend(b"PK\x03\x04");
    bytes.extend(&shared);
    bytes.extend(name.as_bytes());
    bytes.extend(content);
    // 4.3.12: the directory.
    let directory = bytes.len();
    bytes.extend(b"PK\x01\x02");
    bytes.extend(MADE_ON_UNIX.to_le_bytes());
    bytes.extend(&shared);
    // Length of a comment, number of a disk, internal attributes: none.
    bytes.extend([0; 6]);
    bytes.extend(MODE.to_le_bytes());
    // Where the file's header is.
    bytes.extend([0; 4]);
    bytes.extend(name.as_bytes());
    let length = bytes.len() - directory;
    // 4.3.16: the end. One disk, and one file in the directory.
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(size(length));
    bytes.extend(size(directory));
    bytes.extend([0; 2]);
    bytes
}

/// What the header of a file and its entry in the directory have in common.
fn shared(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(VERSION.to_le_bytes());
    // Flags, method (stored), and time of day: none.
    bytes.extend([0; 6]);
    bytes.extend(FIRST_DAY.to_le_bytes());
    bytes.extend(crc32fast::hash(content).to_le_bytes());
    bytes.extend(size(content.len()));
    bytes.extend(size(content.len()));
    let length = u16::try_from(name.len()).expect("the name is a constant, and short");
    bytes.extend(length.to_le_bytes());
    // Length of further fields: none.
    bytes.extend([0; 2]);
    bytes
}

fn size(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("the source is a file of this program, and small").to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_is_the_same_archive_for_ever() {
        // Computed with Python's `zipfile` from a ZipInfo of this name, date and mode.
        assert_eq!(
            sha256(&archive("index.py", b"def handler(event, context):\n    return 1\n")),
            "25kTKSAuE8RFRo+U4HTf2BjNAfU8qCMtZjUjy3FRjPU="
        );
        assert_eq!(package().bytes, package().bytes);
    }

    #[test]
    fn another_file_is_another_archive() {
        assert_ne!(archive("index.py", b"a"), archive("index.py", b"b"));
        assert_ne!(archive("index.py", b"a"), archive("main.py", b"a"));
    }

    #[test]
    fn the_handler_is_small_enough_for_inline_code() {
        // AWS::Lambda::Function Code, ZipFile: 4 MB.
        assert!(SOURCE.len() < 4 << 20);
        assert!(SOURCE.contains("\ndef handler("));
    }
}
