//! What a person gives as an image.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::Files;
use crate::layout::{blocking, find};
use crate::{Image, ImageError, Platform, docker, layout};

/// Where an image is to be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
}

impl Source {
    /// Reads what a person gives. A path that exists is a path, whatever it looks like. What looks like a path is never looked for in a
    /// registry.
    ///
    /// A tag or digest alone (`:1.0`, `@sha256:…`) is an image that the environment's own repository has already, and is the caller's
    /// business.
    ///
    /// # Errors
    /// [`ImageError::NoSuchPath`] and [`ImageError::NotASource`].
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let path = Path::new(text);
        if !text.is_empty() && path.exists() {
            return Ok(Self { path: path.to_owned() });
        }
        Err(ImageError::NoSuchPath { path: path.to_owned() })
    }

    /// The image for a platform. Reads manifests and configurations, and of files also whether all blobs are there.
    ///
    /// # Errors
    /// Any but those about repositories and calls.
    pub async fn open(&self, platform: &Platform) -> Result<Image, ImageError> {
        let (place, path) = (self.path.display().to_string(), self.path.clone());
        let files = Arc::new(blocking(move || Files::open(&path)).await?);
        // What current versions of `docker save` write is both. The layout has the digests that registries know.
        if find(&files, layout::MARK).await?.is_some() {
            return layout::open(place, files, platform).await;
        }
        if matches!(*files, Files::Archive(_)) && find(&files, docker::MARK).await?.is_some() {
            return docker::open(place, files, platform).await;
        }
        if !files.is_complete() {
            let what = format!("it has no end, and neither `{}` nor `{}`", layout::MARK, docker::MARK);
            return Err(ImageError::CutOff { place, what });
        }
        let reason = match *files {
            Files::Directory(_) => format!("it is a directory without `{}`", layout::MARK),
            Files::Archive(_) => {
                format!("it is an archive with neither `{}` nor `{}`", layout::MARK, docker::MARK)
            }
        };
        Err(ImageError::NotAnImage { place, reason })
    }
}
