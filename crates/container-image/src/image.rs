//! An image of one platform.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Blob, BlobReader, Digest, ImageError, Platform};

/// What a blob is to its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Manifest,
    Config,
    Layer,
}

impl Part {
    /// What it is called in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Manifest => "the manifest",
            Part::Config => "the configuration",
            Part::Layer => "the layer",
        }
    }
}

/// Where an image has its bytes.
#[async_trait]
pub(crate) trait Blobs: fmt::Debug + Send + Sync {
    /// The path or name that was given.
    fn place(&self) -> &str;

    /// Begins to read a blob.
    async fn open(&self, part: Part, digest: &Digest, size: u64) -> Result<BlobReader, ImageError>;

    /// Whether it is there in this size, as far as that can be seen without reading it.
    async fn check(&self, part: Part, digest: &Digest, size: u64) -> Result<(), ImageError>;
}

/// An image of one platform: its manifest, and its blobs, which can be read.
#[derive(Clone, Debug)]
pub struct Image {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) manifest: String,
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) platform: Platform,
    pub(crate) created: Option<String>,
    pub(crate) config: Blob,
    pub(crate) layers: Vec<Blob>,
}

impl Image {
    /// The path or name that it was opened by.
    #[must_use]
    pub fn place(&self) -> &str {
        self.blobs.place()
    }

    /// The manifest, byte for byte.
    #[must_use]
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// The media type of the manifest.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// The digest of the manifest, by which ECR and ECS know the image.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What it runs on, as its configuration says.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// When it was built, in RFC 3339, if its configuration says.
    #[must_use]
    pub fn created(&self) -> Option<&str> {
        self.created.as_deref()
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> &Blob {
        &self.config
    }

    /// Its layers, the lowest one first. The same layer can be in it twice.
    #[must_use]
    pub fn layers(&self) -> &[Blob] {
        &self.layers
    }

    /// How many bytes its configuration and its layers have, each counted once.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.parts().iter().map(|(_, blob)| blob.size).sum()
    }

    /// Begins to read its configuration or one of its layers.
    ///
    /// # Errors
    /// [`ImageError::Missing`] where the blob is not there, and what can happen to a file or a connection.
    pub async fn read(&self, blob: &Blob) -> Result<BlobReader, ImageError> {
        let part = if *blob == self.config { Part::Config } else { Part::Layer };
        self.open(part, blob).await
    }

    pub(crate) async fn open(&self, part: Part, blob: &Blob) -> Result<BlobReader, ImageError> {
        self.blobs.open(part, &blob.digest, blob.size).await
    }

    /// The configuration and the layers, each once.
    pub(crate) fn parts(&self) -> Vec<(Part, &Blob)> {
        let mut parts = vec![(Part::Config, &self.config)];
        for layer in &self.layers {
            if parts.iter().all(|(_, other)| other.digest != layer.digest) {
                parts.push((Part::Layer, layer));
            }
        }
        parts
    }
}
