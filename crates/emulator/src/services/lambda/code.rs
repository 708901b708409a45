//! Deployment packages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::invalid;
use crate::protocol::response::{Refusal, refuse_if};

/// Lambda Developer Guide, "Lambda quotas": 50 MB zipped, for direct uploads.
const LARGEST: usize = 52_428_800;

/// The code of a function, as it is sent. Buckets and images are not modelled.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Code {
    zip_file: Option<String>,
    #[serde(rename = "SourceKMSKeyArn")]
    pub(super) source_key: Option<String>,
}

/// What is kept of a package.
#[derive(Debug, PartialEq)]
pub(super) struct Package {
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl Code {
    pub(super) fn package(&self) -> Result<Package, Refusal> {
        package(self.zip_file.as_deref())
    }
}

/// Reads a package, which is a zip archive with something in it.
pub(super) fn package(zip_file: Option<&str>) -> Result<Package, Refusal> {
    let zip_file = zip_file.ok_or_else(|| invalid("Please provide a source for function code."))?;
    let unreadable =
        || invalid("Could not unzip uploaded file. Please check your file, then try to upload again.");
    let bytes = STANDARD.decode(zip_file).map_err(|_| unreadable())?;
    refuse_if(bytes.is_empty(), || invalid("Uploaded file must be a non-empty zip"))?;
    if bytes.len() > LARGEST {
        return Err(invalid(format!("Zipped size must be smaller than {LARGEST} bytes")));
    }
    match entries(&bytes) {
        None => Err(unreadable()),
        Some(0) => Err(invalid("Uploaded file must be a non-empty zip")),
        Some(_) => Ok(Package { size: bytes.len() as u64, sha256: STANDARD.encode(Sha256::digest(&bytes)) }),
    }
}

/// A hash in hexadecimal digits.
pub(super) fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many files an archive has, by the record at its end (.ZIP File Format Specification, 4.3.16), or `None` if it is
/// no archive. An archive with files begins with the header of the first one.
fn entries(bytes: &[u8]) -> Option<u16> {
    const FILE: &[u8] = b"PK\x03\x04";
    const DIRECTORY: &[u8] = b"PK\x01\x02";
    const END: &[u8] = b"PK\x05\x06";
    let at = bytes.windows(END.len()).rposition(|window| window == END)?;
    let end = bytes.get(at..at + 22)?;
    let count = u16::from_le_bytes([end[10], end[11]]);
    let directory = u32::from_le_bytes([end[16], end[17], end[18], end[19]]);
    let directory = bytes.get(usize::try_from(directory).ok()?..)?;
    match count {
        0 => Some(0),
        _ => (bytes.starts_with(FILE) && directory.starts_with(DIRECTORY)).then_some(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with as many files as its last record says, and one header of each kind.
    fn archive(files: u16) -> String {
        let mut bytes = b"PK\x03\x04file".to_vec();
        let directory = bytes.len() as u32;
        bytes.extend_from_slice(b"PK\x01\x02");
        bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0\0\0");
        bytes.extend_from_slice(&files.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&directory.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        STANDARD.encode(bytes)
    }

    #[test]
    fn a_package_is_an_archive_with_something_in_it() {
        assert!(package(Some(&archive(1))).is_ok());
        for broken in [None, Some(""), Some("bm8gemlw"), Some(archive(0).as_str())] {
            let refused = package(broken).expect_err("it is no archive");
            assert_eq!(refused.code, "InvalidParameterValueException", "{broken:?}");
        }
    }
}
