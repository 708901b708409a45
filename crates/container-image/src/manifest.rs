//! Manifests, indexes and configurations (OCI Image Specification; Docker's Image Manifest Version 2, Schema 2), as far as they are
//! needed to push an image.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, ImageError, LAYER_AT_MOST, MANIFEST_AT_MOST, Platform};

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

/// What one document says of another, or of a blob.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) platform: Option<Platform>,
    #[serde(default)]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Manifest,
    Index,
    Schema1,
    Other,
}

impl Kind {
    pub(crate) fn of(media_type: &str) -> Self {
        match media_type {
            OCI_MANIFEST | DOCKER_MANIFEST => Kind::Manifest,
            OCI_INDEX | DOCKER_LIST => Kind::Index,
            other if other.starts_with(SCHEMA_1) => Kind::Schema1,
            _ => Kind::Other,
        }
    }
}

impl Descriptor {
    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Whether it is about a statement of how an image was built, which BuildKit puts beside the image (Docker, "Image attestation
    /// storage").
    pub(crate) fn is_attestation(&self) -> bool {
        self.annotation("vnd.docker.reference.type") == Some("attestation-manifest")
            || self.platform.as_ref().is_some_and(Platform::is_unknown)
    }

    /// What a person calls it: containerd's name for it, the reference, or the digest.
    pub(crate) fn name(&self) -> String {
        let named = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
        let name = named.iter().find_map(|key| self.annotation(key));
        name.map_or_else(|| self.digest.to_string(), str::to_owned)
    }
}

/// An index of images.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    pub(crate) manifests: Vec<Descriptor>,
}

/// A manifest of an image.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

impl Manifest {
    /// Whether it is one of an image that can be run, and not of something else that is kept in registries.
    pub(crate) fn is_image(&self) -> bool {
        [OCI_CONFIG, DOCKER_CONFIG].contains(&self.config.media_type.as_str())
    }

    /// Whether ECR stores it and Fargate runs it.
    pub(crate) fn check(&self, place: &str, media_type: &str) -> Result<(), ImageError> {
        let damaged = |what: String| Err(ImageError::Damaged { place: place.to_owned(), what });
        if self.schema_version != 2 {
            return damaged(format!("a manifest has the schema version {}, not 2", self.schema_version));
        }
        if let Some(own) = self.media_type.as_deref().filter(|own| *own != media_type) {
            return damaged(format!("a manifest says that it is {own}, and what refers to it {media_type}"));
        }
        check_size(place, "the configuration", self.config.size, MANIFEST_AT_MOST)?;
        for layer in &self.layers {
            let unsupported = |reason| {
                let what = format!("the layer {} ({})", layer.digest, layer.media_type);
                Err(ImageError::Unsupported { place: place.to_owned(), what, reason })
            };
            let media_type = layer.media_type.as_str();
            match media_type {
                OCI_LAYER | OCI_LAYER_GZIP | OCI_LAYER_ZSTD | DOCKER_LAYER | DOCKER_LAYER_GZIP => {}
                other if other.contains(".foreign.") || other.contains(".nondistributable.") => {
                    return unsupported(
                        "it must be fetched from somewhere else. Such layers are those of Windows, which Fargate for Linux does \
                         not run",
                    );
                }
                other if other.ends_with("+encrypted") => {
                    return unsupported("it is encrypted, and Fargate has no key for it");
                }
                _ => return unsupported("Fargate does not know this media type of layers"),
            }
            if layer.size == 0 {
                return unsupported("it is empty, and ECR takes no empty layer");
            }
            check_size(place, "a layer", layer.size, LAYER_AT_MOST)?;
        }
        Ok(())
    }
}

/// What a configuration says of its image.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    pub(crate) platform: Platform,
    #[serde(default)]
    pub(crate) created: Option<String>,
    #[serde(default)]
    pub(crate) rootfs: RootFs,
}

/// The layers of an image as they are before compression.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RootFs {
    #[serde(default)]
    pub(crate) diff_ids: Vec<Digest>,
}

/// A manifest that is made here. The order of the fields is that in which they are written, and so part of its digest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Made<'a> {
    pub(crate) schema_version: u64,
    pub(crate) media_type: &'a str,
    pub(crate) config: Part<'a>,
    pub(crate) layers: Vec<Part<'a>>,
}

/// A part of a manifest that is made here.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part<'a> {
    pub(crate) media_type: &'a str,
    pub(crate) digest: &'a Digest,
    pub(crate) size: u64,
}

/// Reads a document.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    place: &str,
    what: &str,
    bytes: &'a [u8],
) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|error| ImageError::Damaged {
        place: place.to_owned(),
        what: format!("{what} cannot be read: {error}"),
    })
}

pub(crate) fn check_size(place: &str, what: &str, size: u64, limit: u64) -> Result<(), ImageError> {
    match size <= limit {
        true => Ok(()),
        false => Err(ImageError::TooLarge { place: place.to_owned(), what: what.to_owned(), size, limit }),
    }
}

/// The refusal of a manifest of schema 1.
pub(crate) fn schema_1(place: &str) -> ImageError {
    ImageError::Unsupported {
        place: place.to_owned(),
        what: "the manifest".to_owned(),
        reason: "it has Docker's schema 1, which current runtimes do not run. Pull the image with a current version of Docker, \
                 and push or save it again",
    }
}
