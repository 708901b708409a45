//! Images: manifests by digest, and the tags that point at them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::layer::{check_parts, digest_of};
use super::repository::Repository;
use super::{check_registry, invalid, is_digest};
use crate::services::{ACCOUNT_ID, Answer, Call, Cx, Refusal, ensure, page, refuse_if};

/// Amazon ECR User Guide, "Container image manifest format support in Amazon ECR".
const MEDIA_TYPES: [&str; 5] = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
];

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Image {
    manifest: String,
    media_type: String,
    tags: Vec<String>,
    pushed_at: f64,
    scanned: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    last_archived_at: Option<f64>,
    #[serde(default)]
    last_activated_at: Option<f64>,
}

impl Image {
    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    /// ECR API Reference, ImageDetail, `imageStatus`. `ACTIVATING` is over at once.
    fn status(&self) -> &'static str {
        if self.archived { "ARCHIVED" } else { "ACTIVE" }
    }

    /// Amazon ECR User Guide, "Archiving an image": archived ones cannot be pulled.
    pub(super) fn can_be_pulled(&self) -> bool {
        !self.archived
    }

    fn activate(&mut self, now: f64) {
        if std::mem::take(&mut self.archived) {
            self.last_activated_at = Some(now);
        }
    }

    /// The size of its configuration and layers, as the manifest says.
    fn size(&self) -> u64 {
        let manifest: Value = serde_json::from_str(&self.manifest).unwrap_or_default();
        let layers = manifest["layers"].as_array().into_iter().flatten();
        let parts = layers.chain([&manifest["config"]]);
        parts.filter_map(|part| part["size"].as_u64()).sum()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ImageId {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_tag: Option<String>,
}

const MISSING: (&str, &str) = ("ImageNotFound", "Requested image not found");

impl ImageId {
    /// The digest of the image that is meant, or the code and reason of ImageFailure.
    fn find(&self, repository: &Repository) -> Result<String, (&'static str, &'static str)> {
        match (&self.image_digest, &self.image_tag) {
            (None, None) => {
                Err(("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"))
            }
            (Some(digest), _) if !is_digest(digest) => {
                Err(("InvalidImageDigest", "Invalid request parameters: image digest"))
            }
            (Some(digest), tag) => {
                let image = repository.images.get(digest).ok_or(MISSING)?;
                refuse_if(tag.as_ref().is_some_and(|tag| !image.has_tag(tag)), || {
                    ("ImageTagDoesNotMatchDigest", "Tag does not match the digest")
                })?;
                Ok(digest.clone())
            }
            (None, Some(tag)) => repository.digest(tag).map(str::to_owned).ok_or(MISSING),
        }
    }

    fn failure(&self, (code, reason): (&str, &str)) -> Value {
        json!({"imageId": self, "failureCode": code, "failureReason": reason})
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Put {
    registry_id: Option<String>,
    repository_name: String,
    image_manifest: String,
    image_manifest_media_type: Option<String>,
    image_tag: Option<String>,
    image_digest: Option<String>,
}

/// ECR API Reference, PutImage.
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Put = call.input()?;
    check_registry(input.registry_id.as_deref(), &input.repository_name)?;
    let id = ImageId { image_digest: input.image_digest, image_tag: input.image_tag };
    let name = input.repository_name;
    let digest = push(cx, &name, input.image_manifest, input.image_manifest_media_type, &id)?;
    let id = ImageId { image_digest: Some(digest.clone()), ..id };
    let repository = cx.r.ecr.repository(None, &name)?;
    Ok(json!({"image": shown(&name, &id, &repository.images[&digest])}))
}

/// Puts an image under its digest, and under a tag if one is given. What a key of KMS encrypts takes no image while the key cannot
/// be used (`KmsException`).
pub(super) fn push(
    cx: &mut Cx<'_>,
    name: &str,
    manifest: String,
    given_media_type: Option<String>,
    id: &ImageId,
) -> Result<String, Refusal> {
    let now = cx.now_seconds();
    cx.r.ecr.repository(None, name)?.check_key(cx)?;
    let repository = cx.r.ecr.repository_mut(None, name)?;
    let (media_type, read) = media_type(&manifest, given_media_type)?;
    let digest = digest_of(manifest.as_bytes());
    if id.image_digest.as_ref().is_some_and(|given| *given != digest) {
        let message =
            "The specified image digest does not match the digest that Amazon ECR calculated for the image.";
        return Err(Refusal::new("ImageDigestDoesNotMatchException", message));
    }
    // Amazon ECR User Guide, "Restoring an image": pushing an archived image again restores it.
    let restores = repository.images.get(&digest).is_some_and(|image| image.archived);
    let tag = id.image_tag.as_ref();
    if let Some(tag) = tag.filter(|tag| !restores || !repository.images[&digest].has_tag(tag)) {
        check_tag(repository, tag, &digest)?;
    } else if repository.images.contains_key(&digest) && !restores {
        let message =
            format!("Image with digest '{digest}' already exists in the repository with name '{name}'");
        return Err(Refusal::new("ImageAlreadyExistsException", message));
    }
    check_parts(repository, &read)?;
    if let Some(tag) = tag {
        for image in repository.images.values_mut() {
            image.tags.retain(|own| own != tag);
        }
    }
    let scanned = repository.image_scanning_configuration.scan_on_push;
    let image = repository.images.entry(digest.clone()).or_insert_with(|| Image {
        manifest,
        media_type,
        tags: Vec::new(),
        pushed_at: now,
        scanned,
        archived: false,
        last_archived_at: None,
        last_activated_at: None,
    });
    image.activate(now);
    image.tags.extend(tag.cloned());
    Ok(digest)
}

/// The manifest and the media type of an image that can be pulled, and its digest, by its tag or digest.
pub(super) fn pull<'a>(repository: &'a Repository, reference: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let digest = repository.digest(reference)?;
    let image = repository.images.get(digest).filter(|image| image.can_be_pulled())?;
    Some((&image.manifest, &image.media_type, digest))
}

/// The tags of the images that can be pulled.
pub(super) fn tags(repository: &Repository) -> Vec<&str> {
    let images = repository.images.values().filter(|image| image.can_be_pulled());
    let mut tags: Vec<&str> = images.flat_map(|image| &image.tags).map(String::as_str).collect();
    tags.sort_unstable();
    tags
}

/// The media type that is given or that the manifest names, and the manifest as it is read.
fn media_type(manifest: &str, given: Option<String>) -> Result<(String, Value), Refusal> {
    let bad = |what: &str| {
        invalid(format!("Invalid parameter at 'ImageManifest' failed to satisfy constraint: {what}"))
    };
    let manifest: Value = serde_json::from_str(manifest).map_err(|_| bad("it is not JSON"))?;
    let own = manifest["mediaType"].as_str();
    let named = match (&given, own) {
        (Some(given), Some(own)) if given != own => {
            return Err(bad("it names another media type than the request"));
        }
        (Some(given), _) => given.clone(),
        (None, Some(own)) => own.to_owned(),
        (None, None) => return Err(bad("its media type is not known")),
    };
    ensure(MEDIA_TYPES.contains(&named.as_str()) && manifest["schemaVersion"].is_u64(), || {
        bad("its media type or schema version is not supported")
    })?;
    Ok((named, manifest))
}

/// ECR API Reference, PutImage, `ImageAlreadyExistsException` and `ImageTagAlreadyExistsException`. An immutable tag is refused for
/// the digest that has it too (aws/containers-roadmap, issues 2179 and 2380).
fn check_tag(repository: &Repository, tag: &str, digest: &str) -> Result<(), Refusal> {
    let name = &repository.repository_name;
    match repository.digest(tag) {
        Some(_) if repository.is_fixed(tag) => {
            let message = format!(
                "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the tag \
                 is immutable."
            );
            Err(Refusal::new("ImageTagAlreadyExistsException", message))
        }
        Some(other) if other == digest => {
            let message = format!(
                "Image with digest '{digest}' and tag '{tag}' already exists in the repository with name '{name}'"
            );
            Err(Refusal::new("ImageAlreadyExistsException", message))
        }
        _ => Ok(()),
    }
}

fn shown(repository: &str, id: &ImageId, image: &Image) -> Value {
    json!({
        "registryId": ACCOUNT_ID,
        "repositoryName": repository,
        "imageId": id,
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BatchGet {
    registry_id: Option<String>,
    repository_name: String,
    image_ids: Vec<ImageId>,
    accepted_media_types: Option<Vec<String>>,
}

/// ECR API Reference, BatchGetImage.
pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: BatchGet = call.input()?;
    let name = &input.repository_name;
    let repository = cx.r.ecr.repository(input.registry_id.as_deref(), name)?;
    let mut images = Vec::new();
    let mut failures = Vec::new();
    for id in &input.image_ids {
        match id.find(repository) {
            Err(failure) => failures.push(id.failure(failure)),
            Ok(digest) => {
                let image = &repository.images[&digest];
                if !image.can_be_pulled() {
                    failures.push(id.failure(MISSING));
                    continue;
                }
                let accepted = input.accepted_media_types.as_ref();
                if accepted.is_none_or(|types| types.contains(&image.media_type)) {
                    let id = ImageId { image_digest: Some(digest), image_tag: id.image_tag.clone() };
                    images.push(shown(name, &id, image));
                }
            }
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}

/// ECR API Reference, BatchDeleteImage: a tag goes, and the image with its last one; a digest takes all of them.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, repository_name, image_ids): (Option<String>, String, Vec<ImageId>) =
        call.members(&["registryId", "repositoryName", "imageIds"])?;
    let repository = cx.r.ecr.repository_mut(registry_id.as_deref(), &repository_name)?;
    let mut deleted = Vec::new();
    let mut failures = Vec::new();
    for id in &image_ids {
        let digest = match id.find(repository) {
            Err(failure) => {
                failures.push(id.failure(failure));
                continue;
            }
            Ok(digest) => digest,
        };
        let Some(image) = repository.images.get_mut(&digest) else { continue };
        let gone: Vec<String> = match &id.image_tag {
            Some(tag) => vec![tag.clone()],
            None => image.tags.clone(),
        };
        image.tags.retain(|tag| !gone.contains(tag));
        if image.tags.is_empty() {
            repository.images.remove(&digest);
        }
        let tags = gone.into_iter().map(Some).chain(id.image_tag.is_none().then_some(None));
        deleted.extend(tags.map(|image_tag| ImageId { image_digest: Some(digest.clone()), image_tag }));
    }
    Ok(json!({"imageIds": deleted, "failures": failures}))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Filter {
    tag_status: Option<String>,
    image_status: Option<String>,
}

impl Filter {
    /// ECR API Reference, ListImagesFilter and DescribeImagesFilter: where no status is asked for, only images that are
    /// `ACTIVE` are shown.
    fn lets(&self, has_tag: bool, image: &Image) -> bool {
        let tagged = match self.tag_status.as_deref() {
            Some("TAGGED") => has_tag,
            Some("UNTAGGED") => !has_tag,
            _ => true,
        };
        let status = self.image_status.as_deref().unwrap_or("ACTIVE");
        tagged && (status == "ANY" || status == image.status())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Describe {
    registry_id: Option<String>,
    repository_name: String,
    image_ids: Option<Vec<ImageId>>,
    next_token: Option<String>,
    max_results: Option<usize>,
    #[serde(default)]
    filter: Filter,
}

/// ECR API Reference, DescribeImages: those that are named, which must all be there, or all, in pages of 100.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Describe = call.input()?;
    let name = &input.repository_name;
    let repository = cx.r.ecr.repository(input.registry_id.as_deref(), name)?;
    let detail = |digest: &str, image: &Image| {
        json!({
            "registryId": ACCOUNT_ID,
            "repositoryName": name,
            "imageDigest": digest,
            "imageTags": (!image.tags.is_empty()).then_some(&image.tags),
            "imageSizeInBytes": image.size(),
            "imagePushedAt": image.pushed_at,
            "imageScanStatus": image.scanned.then(|| json!({"status": "COMPLETE"})),
            "imageManifestMediaType": image.media_type,
            "imageStatus": image.status(),
            "lastArchivedAt": image.last_archived_at,
            "lastActivatedAt": image.last_activated_at,
        })
    };
    if let Some(ids) = &input.image_ids {
        let mut details = Vec::new();
        for id in ids {
            let digest = id.find(repository).map_err(|_| no_image(id, name))?;
            details.push(detail(&digest, &repository.images[&digest]));
        }
        return Ok(json!({"imageDetails": details}));
    }
    let lets = |image: &Image| input.filter.lets(!image.tags.is_empty(), image);
    let images = repository.images.iter().filter(|(_, image)| lets(image));
    let details = images.map(|(digest, image)| detail(digest, image)).collect();
    let (details, next) = paged(details, input.max_results, input.next_token.as_deref())?;
    Ok(json!({"imageDetails": details, "nextToken": next}))
}

fn no_image(id: &ImageId, repository: &str) -> Refusal {
    let what = id.image_digest.as_ref().or(id.image_tag.as_ref()).map_or("", String::as_str);
    let message = format!(
        "The image with imageId '{what}' does not exist within the repository with name '{repository}' in the registry \
         with id '{ACCOUNT_ID}'"
    );
    Refusal::new("ImageNotFoundException", message)
}

fn paged(
    items: Vec<Value>,
    size: Option<usize>,
    token: Option<&str>,
) -> Result<(Vec<Value>, Option<String>), Refusal> {
    page(items, size.unwrap_or(100), token).ok_or_else(|| invalid("The next token is invalid."))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct List {
    registry_id: Option<String>,
    repository_name: String,
    next_token: Option<String>,
    max_results: Option<usize>,
    #[serde(default)]
    filter: Filter,
}

/// ECR API Reference, ListImages: each tag, and each image without one.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: List = call.input()?;
    let repository = cx.r.ecr.repository(input.registry_id.as_deref(), &input.repository_name)?;
    let ids = repository.images.iter().flat_map(|(digest, image)| {
        let untagged = image.tags.is_empty().then_some(None);
        let tags = image.tags.iter().cloned().map(Some).chain(untagged);
        let wanted = tags.filter(|tag| input.filter.lets(tag.is_some(), image));
        wanted.map(|image_tag| ImageId { image_digest: Some(digest.clone()), image_tag })
    });
    let ids = ids.map(|id| json!(id)).collect();
    let (ids, next) = paged(ids, input.max_results, input.next_token.as_deref())?;
    Ok(json!({"imageIds": ids, "nextToken": next}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct UpdateStorageClass {
    registry_id: Option<String>,
    repository_name: String,
    image_id: ImageId,
    target_storage_class: String,
}

/// ECR API Reference, UpdateImageStorageClass.
pub(super) fn update_storage_class(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: UpdateStorageClass = call.input()?;
    let now = cx.now_seconds();
    let name = input.repository_name;
    let repository = cx.r.ecr.repository_mut(input.registry_id.as_deref(), &name)?;
    let digest = input.image_id.find(repository).map_err(|_| no_image(&input.image_id, &name))?;
    let image = repository.images.get_mut(&digest).ok_or_else(|| no_image(&input.image_id, &name))?;
    let archive = input.target_storage_class == "ARCHIVE";
    if archive == image.archived {
        let message = "The image has the requested storage class already.";
        return Err(Refusal::new("ImageStorageClassUpdateNotSupportedException", message));
    }
    if archive {
        image.archived = true;
        image.last_archived_at = Some(now);
    } else {
        image.activate(now);
    }
    let id = ImageId { image_digest: Some(digest), image_tag: input.image_id.image_tag };
    Ok(json!({
        "registryId": ACCOUNT_ID,
        "repositoryName": name,
        "imageId": id,
        "imageStatus": image.status(),
    }))
}
