//! Archives that `docker save` wrote before version 25, and that other tools still write: `manifest.json` names a configuration and
//! layers by their files (Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format"). There is no manifest
//! in it of the kind that registries have, so one is made here.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::blob::Pieces;
use crate::files::{Files, cannot_read};
use crate::image::Blobs;
use crate::layout::{Local, blocking, document, find, lacks};
use crate::manifest::{
    Config, Made, OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST, Part, parse,
};
use crate::select::Found;
use crate::tarball::{GZIP, ZSTD};
use crate::{Digest, Image, ImageError, Platform};

/// The file that such an archive is known by.
pub(crate) const MARK: &str = "manifest.json";
const READ_AT_MOST: usize = 1 << 20;

/// An image in it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// A layer, and the file that it is.
struct Layer {
    digest: Digest,
    size: u64,
    media_type: &'static str,
    name: String,
}

impl Layer {
    fn part(&self) -> Part<'_> {
        Part { media_type: self.media_type, digest: &self.digest, size: self.size }
    }
}

/// The image for a platform.
pub(crate) async fn open(place: String, files: Arc<Files>, wanted: &Platform) -> Result<Image, ImageError> {
    let saved = document(&place, &files, MARK).await?;
    let saved: Vec<Saved> = parse(&place, MARK, &saved)?;
    let mut found = Found::default();
    for saved in saved {
        let bytes = document(&place, &files, &saved.config).await?;
        let config: Config = parse(&place, "a configuration", &bytes)?;
        let digest = Digest::of(&bytes);
        let layers = match config.platform.runs_on(wanted) {
            true => layers(&place, &files, &saved, &config.rootfs.diff_ids).await?,
            // Only its platform is looked at.
            false => Vec::new(),
        };
        let made = Made {
            schema_version: 2,
            media_type: OCI_MANIFEST,
            config: Part { media_type: OCI_CONFIG, digest: &digest, size: bytes.len() as u64 },
            layers: layers.iter().map(Layer::part).collect(),
        };
        let manifest = serde_json::to_vec(&made).expect("texts and numbers can be written as JSON");
        let name = saved.repo_tags.and_then(|tags| tags.into_iter().next()).unwrap_or(saved.config.clone());
        let mut names: BTreeMap<_, _> = layers.into_iter().map(|layer| (layer.digest, layer.name)).collect();
        names.insert(digest, saved.config);
        let local = Local { place: place.clone(), files: files.clone(), names };
        let blobs: Arc<dyn Blobs> = Arc::new(local);
        found.add(&blobs, name, OCI_MANIFEST, manifest, wanted).await?;
    }
    found.only(&place, wanted).await
}

/// The layers. That of a plain one is in the configuration, and is checked when it is read; one that another tool compressed is read
/// here, since nothing says its digest.
async fn layers(
    place: &str,
    files: &Arc<Files>,
    saved: &Saved,
    diff_ids: &[Digest],
) -> Result<Vec<Layer>, ImageError> {
    if saved.layers.len() != diff_ids.len() {
        let what =
            format!("{MARK} names {} layers, and the configuration {}", saved.layers.len(), diff_ids.len());
        return Err(ImageError::Damaged { place: place.to_owned(), what });
    }
    let mut layers = Vec::new();
    for (name, plain) in saved.layers.iter().zip(diff_ids) {
        let file = find(files, name).await?.ok_or_else(|| lacks(place, files, name))?;
        let size = file.size;
        let (file, start) = blocking(move || {
            let start = file.read(ZSTD.len() as u64);
            Ok((file, start))
        })
        .await?;
        let start = start.map_err(cannot_read(place))?;
        let media_type = match &start {
            start if start.starts_with(&GZIP) => OCI_LAYER_GZIP,
            start if start.starts_with(&ZSTD) => OCI_LAYER_ZSTD,
            _ => OCI_LAYER,
        };
        let digest = match media_type {
            OCI_LAYER => plain.clone(),
            _ => digest_of(file.pieces()).await.map_err(cannot_read(place))?,
        };
        layers.push(Layer { digest, size, media_type, name: name.clone() });
    }
    Ok(layers)
}

async fn digest_of(mut pieces: Box<dyn Pieces>) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    loop {
        let piece = pieces.piece(READ_AT_MOST).await?;
        if piece.is_empty() {
            return Ok(Digest::finished(hash));
        }
        hash.update(&piece);
    }
}
