//! What a person gives as an image.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::Files;
use crate::layout::{blocking, find};
use crate::registry::{self, Reference, Registries};
use crate::{Image, ImageError, Platform, docker, layout};

/// How the name of a file ends that is an archive: such a text is never looked for in a registry.
const ARCHIVES: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"];

/// Where an image is to be read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Path(PathBuf),
    Registry(Reference),
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
            return Ok(Self(Place::Path(path.to_owned())));
        }
        let is_path = path.is_absolute()
            || ["./", "../", "~"].iter().any(|start| text.starts_with(start))
            || [".", ".."].contains(&text)
            || ARCHIVES.iter().any(|end| text.ends_with(end));
        match is_path {
            true => Err(ImageError::NoSuchPath { path: path.to_owned() }),
            false => Reference::parse(text).map(|reference| Self(Place::Registry(reference))),
        }
    }

    /// Whether it is pulled from a registry, and not read from this machine.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(self.0, Place::Registry(_))
    }

    /// The same as [`open_with`](Self::open_with), without credentials for registries.
    ///
    /// # Errors
    /// As there.
    pub async fn open(&self, platform: &Platform) -> Result<Image, ImageError> {
        self.open_with(platform, &Registries::new()).await
    }

    /// The image for a platform. Reads manifests and configurations, and of files also whether all blobs are there.
    ///
    /// # Errors
    /// Any but those about repositories; [`ImageError::Call`] only where a token for ECR is asked for.
    pub async fn open_with(&self, platform: &Platform, registries: &Registries) -> Result<Image, ImageError> {
        let path = match &self.0 {
            Place::Registry(reference) => return registry::open(reference, registries, platform).await,
            Place::Path(path) => path.clone(),
        };
        let place = path.display().to_string();
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
