//! Which of several images is meant: the one for the platform that is asked for.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::image::{Blobs, Part};
use crate::manifest::{self, Config, Descriptor, Index, Kind, Manifest, check_size, parse};
use crate::{Blob, Digest, Image, ImageError, MANIFEST_AT_MOST, Platform};

/// How many documents are looked at. Indexes have one for each platform, and perhaps a statement for each.
const DOCUMENTS_AT_MOST: usize = 500;
/// How often an index may be in an index. `docker save` has one in one.
const DEPTH_AT_MOST: usize = 4;

/// Images that were found: those for the platform, by name, and the platforms of others.
#[derive(Debug, Default)]
pub(crate) struct Found {
    images: Vec<(String, Image)>,
    there: BTreeSet<Platform>,
    others: BTreeSet<String>,
}

impl Found {
    /// Adds an image of a manifest, if it is for the platform.
    pub(crate) async fn add(
        &mut self,
        blobs: &Arc<dyn Blobs>,
        name: String,
        media_type: &str,
        bytes: Vec<u8>,
        wanted: &Platform,
    ) -> Result<(), ImageError> {
        let place = blobs.place();
        let manifest: Manifest = parse(place, "a manifest", &bytes)?;
        if !manifest.is_image() {
            self.others.insert(manifest.config.media_type);
            return Ok(());
        }
        let config = fetch(&**blobs, Part::Config, &manifest.config).await?;
        let config: Config = parse(place, "a configuration", &config)?;
        if !config.platform.runs_on(wanted) {
            self.there.insert(config.platform);
            return Ok(());
        }
        manifest.check(place, media_type)?;
        let digest = Digest::of(&bytes);
        let manifest_text = String::from_utf8(bytes).map_err(|_| ImageError::Damaged {
            place: place.to_owned(),
            what: "a manifest is not UTF-8".to_owned(),
        })?;
        let blob =
            |part: Descriptor| Blob { digest: part.digest, size: part.size, media_type: part.media_type };
        let image = Image {
            blobs: blobs.clone(),
            manifest: manifest_text,
            media_type: media_type.to_owned(),
            digest,
            platform: config.platform,
            created: config.created,
            config: blob(manifest.config),
            layers: manifest.layers.into_iter().map(blob).collect(),
        };
        if self.images.iter().all(|(_, other)| other.digest != image.digest) {
            self.images.push((name, image));
        }
        Ok(())
    }

    /// The only one, whose blobs are all there.
    pub(crate) async fn only(mut self, place: &str, wanted: &Platform) -> Result<Image, ImageError> {
        let place = place.to_owned();
        if self.images.len() > 1 {
            let names = self.images.into_iter().map(|(name, _)| name).collect();
            return Err(ImageError::Several { place, wanted: wanted.clone(), names });
        }
        let Some((_, image)) = self.images.pop() else {
            return Err(match self.others.into_iter().next() {
                Some(other) if self.there.is_empty() => ImageError::NotAnImage {
                    place,
                    reason: format!("it has only something of type `{other}`"),
                },
                _ => ImageError::Platform {
                    place,
                    wanted: wanted.clone(),
                    there: self.there.into_iter().collect(),
                },
            });
        };
        for (part, blob) in image.parts() {
            image.blobs.check(part, &blob.digest, blob.size).await?;
        }
        Ok(image)
    }
}

/// Reads a document, which is checked.
async fn fetch(blobs: &dyn Blobs, part: Part, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
    check_size(blobs.place(), part.name(), descriptor.size, MANIFEST_AT_MOST)?;
    blobs.check(part, &descriptor.digest, descriptor.size).await?;
    blobs.open(part, &descriptor.digest, descriptor.size).await?.all().await
}

/// The image for a platform below these descriptors.
pub(crate) async fn select(
    blobs: Arc<dyn Blobs>,
    roots: Vec<Descriptor>,
    wanted: &Platform,
) -> Result<Image, ImageError> {
    let place = blobs.place();
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    let mut left: VecDeque<_> = roots.into_iter().map(|root| (root, 0)).collect();
    while let Some((descriptor, depth)) = left.pop_front() {
        if descriptor.is_attestation() || !seen.insert(descriptor.digest.clone()) {
            continue;
        }
        if seen.len() > DOCUMENTS_AT_MOST || depth > DEPTH_AT_MOST {
            let what = "its indexes refer to too many documents".to_owned();
            return Err(ImageError::Damaged { place: place.to_owned(), what });
        }
        match Kind::of(&descriptor.media_type) {
            Kind::Schema1 => return Err(manifest::schema_1(place)),
            Kind::Other => {
                found.others.insert(descriptor.media_type);
            }
            Kind::Index => {
                let index = fetch(&*blobs, Part::Manifest, &descriptor).await?;
                let index: Index = parse(place, "an index", &index)?;
                left.extend(index.manifests.into_iter().map(|child| (child, depth + 1)));
            }
            Kind::Manifest => match descriptor.platform.as_ref() {
                // What is for another platform need not even be there: `docker save` can leave it out.
                Some(platform) if !platform.runs_on(wanted) => {
                    found.there.insert(platform.clone());
                }
                _ => {
                    let bytes = fetch(&*blobs, Part::Manifest, &descriptor).await?;
                    let name = descriptor.name();
                    found.add(&blobs, name, &descriptor.media_type, bytes, wanted).await?;
                }
            },
        }
    }
    found.only(place, wanted).await
}
