//! OCI layouts: `oci-layout`, `index.json`, and blobs by their digests (OCI Image Layout Specification).

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use crate::files::{Files, Found, cannot_read};
use crate::image::{Blobs, Part};
use crate::manifest::{Index, check_size, parse};
use crate::select::select;
use crate::{BlobReader, Digest, Image, ImageError, MANIFEST_AT_MOST, Platform};

/// The file that a layout is known by.
pub(crate) const MARK: &str = "oci-layout";
const INDEX: &str = "index.json";

/// Blobs in files of this machine.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) place: String,
    pub(crate) files: Arc<Files>,
    /// The names of blobs that are not named by their digest.
    pub(crate) names: BTreeMap<Digest, String>,
}

/// Looks for a file without blocking others.
pub(crate) async fn find(files: &Arc<Files>, name: &str) -> Result<Option<Found>, ImageError> {
    let (files, name) = (files.clone(), name.to_owned());
    blocking(move || files.find(&name)).await
}

/// Reads a document by its name.
pub(crate) async fn document(place: &str, files: &Arc<Files>, name: &str) -> Result<Vec<u8>, ImageError> {
    let Some(found) = find(files, name).await? else { return Err(lacks(place, files, name)) };
    check_size(place, name, found.size, MANIFEST_AT_MOST)?;
    let read = move || found.read(MANIFEST_AT_MOST);
    blocking(move || Ok(read())).await?.map_err(cannot_read(place))
}

/// The error for a file that is not there.
pub(crate) fn lacks(place: &str, files: &Files, name: &str) -> ImageError {
    let place = place.to_owned();
    match files.is_complete() {
        true => ImageError::Damaged { place, what: format!("it lacks `{name}`") },
        false => ImageError::CutOff { place, what: format!("it has no end, and lacks `{name}`") },
    }
}

/// Runs what blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    match tokio::task::spawn_blocking(run).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down.
            Err(_) => std::future::pending().await,
        },
    }
}

impl Local {
    async fn find(&self, part: Part, digest: &Digest) -> Result<Found, ImageError> {
        let name = match self.names.get(digest) {
            Some(name) => name.clone(),
            None => format!("blobs/sha256/{}", digest.hex()),
        };
        find(&self.files, &name).await?.ok_or_else(|| match self.files.is_complete() {
            true => {
                ImageError::Missing { place: self.place.clone(), what: part.name(), digest: digest.clone() }
            }
            false => lacks(&self.place, &self.files, &name),
        })
    }
}

#[async_trait]
impl Blobs for Local {
    fn place(&self) -> &str {
        &self.place
    }

    async fn open(&self, part: Part, digest: &Digest, size: u64) -> Result<BlobReader, ImageError> {
        let found = self.find(part, digest).await?;
        Ok(BlobReader::new(&self.place, digest, size, found.pieces()))
    }

    async fn check(&self, part: Part, digest: &Digest, size: u64) -> Result<(), ImageError> {
        let actual = self.find(part, digest).await?.size;
        if actual == size {
            return Ok(());
        }
        let (place, digest) = (self.place.clone(), digest.clone());
        Err(ImageError::WrongSize { place, digest, declared: size, actual })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    image_layout_version: String,
}

/// The image for a platform in a layout.
pub(crate) async fn open(place: String, files: Arc<Files>, wanted: &Platform) -> Result<Image, ImageError> {
    let mark = document(&place, &files, MARK).await?;
    let mark: Mark = parse(&place, MARK, &mark)?;
    if !mark.image_layout_version.starts_with("1.") {
        let reason =
            format!("it is an OCI layout of version {}, and only 1 is read", mark.image_layout_version);
        return Err(ImageError::NotAnImage { place, reason });
    }
    let index = document(&place, &files, INDEX).await?;
    let index: Index = parse(&place, INDEX, &index)?;
    let local = Local { place, files, names: BTreeMap::new() };
    select(Arc::new(local), index.manifests, wanted).await
}
