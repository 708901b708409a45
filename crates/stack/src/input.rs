//! Files that people write, as text: the configuration, a plan of faults.
//!
//! Neither a FIFO that nobody writes to nor a disk image that was named by mistake keeps the program busy:
//! [`files::read_named`] says how.

use std::io;
use std::path::Path;

use files::FileError;

/// The most bytes that a file may have. The longest configuration anybody has is a few kilobytes.
pub(crate) const MAX_BYTES: u64 = 1 << 20;

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    #[error(transparent)]
    Unsuitable(FileError),
    #[error("it is not UTF-8: {looks_like}")]
    Encoding { line: usize, looks_like: String },
}

impl ReadError {
    /// The line that is wrong, counted from 1.
    pub(crate) fn line(&self) -> Option<usize> {
        match self {
            Self::Encoding { line, .. } => Some(*line),
            _ => None,
        }
    }

    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// What to do.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Io(_) => "name a file that exists and that you may read",
            Self::Unsuitable(FileError::TooLarge { .. }) => {
                "name the file that you meant; nothing that belongs in it is this long"
            }
            Self::Unsuitable(_) => "save it to a file first, and name that file",
            Self::Encoding { .. } => "save it as UTF-8",
        }
    }
}

/// The text of a regular file. `/dev/stdin` is whatever it stands for: a file that was redirected is read, a FIFO is refused.
pub(crate) fn read(path: &Path) -> Result<String, ReadError> {
    let bytes = files::read_named(path, MAX_BYTES).map_err(|error| match error {
        FileError::Io(error) => ReadError::Io(error),
        other => ReadError::Unsuitable(other),
    })?;
    text(bytes)
}

fn text(bytes: Vec<u8>) -> Result<String, ReadError> {
    if let Some((offset, looks_like)) = suspicion(&bytes) {
        return Err(ReadError::Encoding { line: line_at(&bytes, offset), looks_like });
    }
    String::from_utf8(bytes).map_err(|error| {
        let (valid, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        ReadError::Encoding { line: line_at(bytes, valid), looks_like: of_one_byte(bytes, valid) }
    })
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    bytes[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// What says that two or four bytes are one character, and where.
fn suspicion(bytes: &[u8]) -> Option<(usize, String)> {
    let marks: [(&[u8], &str); 4] = [
        (&[0xff, 0xfe, 0, 0], "UTF-32 LE"),
        (&[0, 0, 0xfe, 0xff], "UTF-32 BE"),
        (&[0xff, 0xfe], "UTF-16 LE"),
        (&[0xfe, 0xff], "UTF-16 BE"),
    ];
    if let Some((_, name)) = marks.into_iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Some((0, format!("it begins with the byte order mark of {name}")));
    }
    let first = bytes.iter().position(|byte| *byte == 0)?;
    // Of most text in UTF-16, every other byte is zero, and hardly any between them.
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let looks_like = match bytes.len() / 4 {
        many if odd > many && even <= odd / 8 => "it looks like UTF-16 LE without a byte order mark",
        many if even > many && odd <= even / 8 => "it looks like UTF-16 BE without a byte order mark",
        _ => "it has zero bytes, as files have that are not text",
    };
    Some((first, looks_like.to_owned()))
}

/// What a file looks like that has a byte which is no part of UTF-8.
fn of_one_byte(bytes: &[u8], offset: usize) -> String {
    let byte = bytes[offset];
    // Windows-1252 has no characters there (Unicode's mapping file CP1252.TXT).
    let undefined = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
    let controls = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    if bytes.iter().any(|byte| undefined(byte) || controls(byte)) {
        return format!("there is the byte {byte:#04X}, and the encoding is not known");
    }
    // Latin-1 has control characters where Windows-1252 has quotation marks, dashes and the euro sign.
    if bytes.iter().any(|byte| (0x80..0xa0).contains(byte)) {
        return format!("there is the byte {byte:#04X}, as in Windows-1252");
    }
    format!("there is the byte {byte:#04X}, which is `{}` in Latin-1 and Windows-1252", char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> (usize, String) {
        match text(bytes.to_vec()).unwrap_err() {
            ReadError::Encoding { line, looks_like } => (line, looks_like),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_encoding_of_a_file_that_is_not_utf8_is_named_with_the_line() {
        let file = "region = \"x\"\n[tags]\nAuthor = \"Zoë\"\n";
        let wide = |bytes: fn(u16) -> [u8; 2]| file.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
        let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
        let latin: Vec<u8> = file.chars().map(|one| u8::try_from(u32::from(one)).unwrap()).collect();
        for (bytes, line, said) in [
            (marked(&[0xff, 0xfe], &little), 1, "byte order mark of UTF-16 LE"),
            (marked(&[0xfe, 0xff], &big), 1, "byte order mark of UTF-16 BE"),
            (marked(&[0xff, 0xfe, 0, 0], &[]), 1, "UTF-32 LE"),
            (little, 1, "looks like UTF-16 LE without"),
            (big, 1, "looks like UTF-16 BE without"),
            (latin, 3, "the byte 0xEB, which is `ë` in Latin-1 and Windows-1252"),
            (b"a = 1\nb = \"\x80 5\"\n".to_vec(), 2, "the byte 0x80, as in Windows-1252"),
            (b"a = 1\nb = \"\x81\"\n".to_vec(), 2, "the byte 0x81, and the encoding is not known"),
            (b"a = 1\n\n\x7fELF\x02\0\x01".to_vec(), 3, "zero bytes"),
        ] {
            let (at, looks_like) = refused(&bytes);
            assert_eq!(at, line, "{looks_like}");
            assert!(looks_like.contains(said), "{looks_like}");
        }
        assert_eq!(text(file.as_bytes().to_vec()).unwrap(), file);
    }

    #[test]
    fn a_file_may_be_a_mebibyte_long_and_no_longer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long");
        let longest = "#".repeat(usize::try_from(MAX_BYTES).unwrap());
        std::fs::write(&path, &longest).unwrap();
        assert_eq!(read(&path).unwrap().len(), longest.len());
        std::fs::write(&path, longest + "#").unwrap();
        assert_eq!(
            read(&path).unwrap_err().to_string(),
            "it has 1048577 bytes, and at most 1048576 are read"
        );
        assert_eq!(read(directory.path()).unwrap_err().to_string(), "it is a directory, not a regular file");
    }
}
