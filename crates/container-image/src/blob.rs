//! Bytes that are named by their digest.

use std::fmt;
use std::io::{self, Read as _};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::ImageError;

/// The largest layer that ECR takes: 52,000 MiB (Amazon ECR User Guide, "Amazon ECR service quotas").
pub const LAYER_AT_MOST: u64 = 52_000 << 20;
/// The largest manifest that ECR takes (ECR API Reference, PutImage, `imageManifest`). Configurations are held to the same.
pub const MANIFEST_AT_MOST: u64 = 4 << 20;

/// The digest of bytes: `sha256:` and 64 hexadecimal digits. ECR knows no other algorithm.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::finished(Sha256::new_with_prefix(bytes))
    }

    pub(crate) fn finished(hash: Sha256) -> Self {
        Self(hash.finalize().iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits. They are safe as the name of a file.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.trim_start_matches("sha256:")
    }
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: `sha256:` and 64 lower-case hexadecimal digits")]
pub struct NotADigest(String);

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.strip_prefix("sha256:") {
            Some(hex) if hex.len() == 64 && hex.bytes().all(is_digit) => Ok(Self(text)),
            _ => Err(NotADigest(text)),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of an image: its configuration, or a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// What it is.
    pub media_type: String,
}

/// Where the bytes of a blob come from.
#[async_trait]
pub(crate) trait Pieces: Send {
    /// The next bytes: at least one and at most so many, or none at the end.
    async fn piece(&mut self, at_most: usize) -> io::Result<Vec<u8>>;
}

/// Bytes that are in memory.
#[async_trait]
impl Pieces for io::Cursor<Vec<u8>> {
    async fn piece(&mut self, at_most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.by_ref().take(at_most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Reads a blob in pieces, and checks it.
pub struct BlobReader {
    place: String,
    digest: Digest,
    size: u64,
    pieces: Box<dyn Pieces>,
    hash: Sha256,
    read: u64,
    is_over: bool,
}

impl BlobReader {
    pub(crate) fn new(place: &str, digest: &Digest, size: u64, pieces: Box<dyn Pieces>) -> Self {
        let (place, digest) = (place.to_owned(), digest.clone());
        Self { place, digest, size, pieces, hash: Sha256::new(), read: 0, is_over: false }
    }

    /// The next bytes, as many as `at_most`, or fewer at the end; none after it. The last ones are given only if the whole blob has the
    /// size and the digest that it is to have.
    ///
    /// # Errors
    /// [`ImageError::CutOff`], [`ImageError::WrongSize`] and [`ImageError::WrongDigest`] at the end; [`ImageError::File`] where it
    /// cannot be read.
    pub async fn next(&mut self, at_most: usize) -> Result<Vec<u8>, ImageError> {
        let left = usize::try_from(self.size - self.read).unwrap_or(usize::MAX);
        let wanted = at_most.max(1).min(left);
        let mut bytes = Vec::new();
        while bytes.len() < wanted {
            let piece = self.piece(wanted - bytes.len()).await?;
            if piece.is_empty() {
                let what = format!("{} ends after {} of {} bytes", self.digest, self.read, self.size);
                return Err(ImageError::CutOff { place: self.place.clone(), what });
            }
            self.read += piece.len() as u64;
            self.hash.update(&piece);
            match bytes.is_empty() {
                true => bytes = piece,
                false => bytes.extend(piece),
            }
        }
        if self.read == self.size && !self.is_over {
            self.check_end().await?;
        }
        Ok(bytes)
    }

    async fn piece(&mut self, at_most: usize) -> Result<Vec<u8>, ImageError> {
        let piece = self.pieces.piece(at_most).await;
        piece.map_err(|error| match error.downcast::<ImageError>() {
            Ok(error) => error,
            Err(source) => ImageError::File { action: "read", place: self.place.clone(), source },
        })
    }

    async fn check_end(&mut self) -> Result<(), ImageError> {
        let (place, digest) = (self.place.clone(), self.digest.clone());
        if !self.piece(1).await?.is_empty() {
            let (declared, actual) = (self.size, self.size + 1);
            return Err(ImageError::WrongSize { place, digest, declared, actual });
        }
        self.is_over = true;
        let actual = Digest::finished(self.hash.clone());
        match actual == digest {
            true => Ok(()),
            false => Err(ImageError::WrongDigest { place, digest, actual }),
        }
    }

    /// All that is left, for what is small.
    pub(crate) async fn all(mut self) -> Result<Vec<u8>, ImageError> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        self.next(size).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Text(Vec<&'static str>);

    #[async_trait]
    impl Pieces for Text {
        async fn piece(&mut self, at_most: usize) -> io::Result<Vec<u8>> {
            let Some(first) = self.0.first_mut() else { return Ok(Vec::new()) };
            let (now, later) = first.split_at(at_most.min(first.len()));
            let now = now.as_bytes().to_vec();
            *first = later;
            if later.is_empty() {
                self.0.remove(0);
            }
            Ok(now)
        }
    }

    fn reader(pieces: &[&'static str], size: u64) -> BlobReader {
        BlobReader::new("app.tar", &Digest::of(b"abcdef"), size, Box::new(Text(pieces.to_vec())))
    }

    #[tokio::test]
    async fn the_last_piece_comes_only_if_all_was_right() {
        let mut right = reader(&["ab", "cde", "f"], 6);
        assert_eq!(right.next(4).await.unwrap(), b"abcd");
        assert_eq!(right.next(4).await.unwrap(), b"ef");
        assert_eq!(right.next(4).await.unwrap(), b"");
        for (pieces, size, wanted) in [
            (&["ab", "cd"][..], 6, "app.tar is cut off: sha256:bef"),
            (&["abcdef", "g"], 6, "sha256:bef"),
            (&["abcdeg"], 6, "the content of sha256:bef"),
            (&[], 0, "the content of sha256:bef"),
        ] {
            let mut wrong = reader(pieces, size);
            let first = wrong.next(3).await;
            let error = match first {
                Err(error) => error,
                Ok(_) => wrong.next(3).await.unwrap_err(),
            };
            assert!(error.to_string().starts_with(wanted), "{error}");
        }
    }

    #[test]
    fn only_sha256_in_lower_case_is_a_digest() {
        let good = format!("sha256:{}", "0f".repeat(32));
        assert_eq!(Digest::try_from(good.clone()).unwrap().as_str(), good);
        for bad in [
            String::new(),
            good.to_uppercase(),
            good.replace("0f", "0F"),
            good[..70].to_owned(),
            format!("{good}0"),
            good.replace("sha256", "sha512"),
            format!("sha256:../../{}", "0".repeat(58)),
        ] {
            assert!(Digest::try_from(bad.clone()).is_err(), "{bad}");
        }
    }
}
