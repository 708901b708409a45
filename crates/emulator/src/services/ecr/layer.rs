//! Layers: the bytes that manifests name by their digests, which belong to a repository and go with it.
//!
//! An upload takes parts one after the other and ends with the digest of all of them, which is held against the bytes. What is
//! uploaded stays until the repository goes: AWS removes layers that no image names any more, at a time that it does not tell, and
//! uploads that are not completed too, which is not modelled.
//!
//! Errors are those of the ECR API Reference; the registry ([`registry`](super::registry)) says them in its own words.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::repository::Repository;
use super::{check_registry, invalid, is_digest};
use crate::machine::error::EmulatorError;
use crate::services::{ACCOUNT_ID, Answer, Call, Cx, Refusal, ensure, refuse_if};

/// The largest layer: as much as a request can have, since the emulator has it in memory. AWS takes 52,000 MiB (Amazon ECR User
/// Guide, "Amazon ECR service quotas").
pub(super) const LAYER_AT_MOST: usize = 2 << 30;
/// The size of a part that clients are told to send. The quotas allow 5 to 10 MiB.
const PART: u64 = 10 << 20;

/// A layer that is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Layer {
    pub(super) size: u64,
}

/// An upload that goes on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) received: u64,
    /// Whether a part came over the registry's API, which takes one ([`super::registry`]).
    pub(super) patched: bool,
}

/// The digest of bytes (OCI Image Specification, "Digests").
pub(super) fn digest_of(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The name of a layer's bytes.
fn blob_of(digest: &str) -> String {
    digest.replace(':', "-")
}

fn blob_of_upload(id: &str) -> String {
    format!("upload-{id}")
}

/// What the client is told when the emulator's files fail it. The cause is named, as it is on the client's own machine.
fn failed(error: &EmulatorError) -> Refusal {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Refusal::new("ServerException", format!("{error}{cause}")).with_status(500)
}

fn no_upload(id: &str, name: &str) -> Refusal {
    let message = format!(
        "An upload with id '{id}' does not exist in the repository with name '{name}' in the registry with id '{ACCOUNT_ID}'"
    );
    Refusal::new("UploadNotFoundException", message)
}

/// Begins an upload, and gives its id.
pub(super) fn begin(cx: &mut Cx<'_>, name: &str) -> Result<String, Refusal> {
    cx.r.ecr.repository(None, name)?.check_key(cx)?;
    let id = cx.r.ecr.ids.uuid();
    let place = format!("ecr@{}-{:016x}", cx.region, cx.r.ecr.ids.number());
    let repository = cx.r.ecr.repository_mut(None, name)?;
    repository.place.get_or_insert(place);
    repository.uploads.insert(id.clone(), Upload::default());
    Ok(id)
}

impl Repository {
    /// Where its layers are, and an upload that goes on.
    fn upload(&self, id: &str) -> Result<(&str, &Upload), Refusal> {
        let found = self.place.as_deref().zip(self.uploads.get(id));
        found.ok_or_else(|| no_upload(id, &self.repository_name))
    }
}

/// How much of an upload has been received, and whether a part came over the registry's API.
pub(super) fn state_of(cx: &Cx<'_>, name: &str, id: &str) -> Result<Upload, Refusal> {
    cx.r.ecr.repository(None, name)?.upload(id).map(|(_, upload)| upload.clone())
}

/// The size of an upload with more bytes, if it can have them.
fn grown(upload: &Upload, bytes: &[u8]) -> Result<u64, Refusal> {
    let size = upload.received + bytes.len() as u64;
    ensure(size <= LAYER_AT_MOST as u64, || {
        let message = format!("The emulator takes layers of {LAYER_AT_MOST} bytes at most.");
        Refusal::new("LimitExceededException", message)
    })?;
    Ok(size)
}

/// Adds bytes to an upload, and gives how many it has then.
pub(super) fn append(cx: &mut Cx<'_>, name: &str, id: &str, bytes: &[u8]) -> Result<u64, Refusal> {
    let (place, upload) = cx.r.ecr.repository(None, name)?.upload(id)?;
    let received = grown(upload, bytes)?;
    let written = cx.blobs.write_at(place, &blob_of_upload(id), upload.received, bytes);
    written.map_err(|error| failed(&error))?;
    let repository = cx.r.ecr.repository_mut(None, name)?;
    repository.uploads.entry(id.to_owned()).or_default().received = received;
    Ok(received)
}

/// The registry's API has taken its part.
pub(super) fn patched(cx: &mut Cx<'_>, name: &str, id: &str) -> Result<(), Refusal> {
    let repository = cx.r.ecr.repository_mut(None, name)?;
    repository.uploads.entry(id.to_owned()).or_default().patched = true;
    Ok(())
}

/// Ends an upload with its last bytes: the layer is there if its digest is the one that is given. An upload whose digest is another
/// one is as it was before.
///
/// # Errors
///
/// Also if the layer was there before (`LayerAlreadyExistsException`); the upload has ended then.
pub(super) fn complete(
    cx: &mut Cx<'_>,
    name: &str,
    id: &str,
    last: &[u8],
    digest: &str,
) -> Result<(), Refusal> {
    let repository = cx.r.ecr.repository(None, name)?;
    let (place, upload) = repository.upload(id)?;
    let (size, blob) = (grown(upload, last)?, blob_of_upload(id));
    refuse_if(size == 0, || {
        let message = "The specified layer upload does not contain any layer parts.";
        Refusal::new("EmptyUploadException", message)
    })?;
    let bytes = cx
        .blobs
        .write_at(place, &blob, upload.received, last)
        .and_then(|()| cx.blobs.read(place, &blob, size))
        .map_err(|error| failed(&error))?;
    let own = digest_of(&bytes.ok_or_else(|| no_upload(id, name))?);
    ensure(own == digest, || {
        let message = format!(
            "The layer that was uploaded to the repository with name '{name}' has the digest '{own}', and not the digest \
             '{digest}' that was given"
        );
        Refusal::new("InvalidLayerException", message)
    })?;
    let is_there = repository.layers.contains_key(digest);
    let ended = match is_there {
        true => cx.blobs.remove(place, &blob),
        false => cx.blobs.finish(place, &blob, &blob_of(digest)),
    };
    ended.map_err(|error| failed(&error))?;
    let repository = cx.r.ecr.repository_mut(None, name)?;
    repository.uploads.remove(id);
    repository.layers.insert(digest.to_owned(), Layer { size });
    refuse_if(is_there, || {
        let message = format!(
            "Layer with digest '{digest}' already exists in the repository with name '{name}' in registry with id \
             '{ACCOUNT_ID}'"
        );
        Refusal::new("LayerAlreadyExistsException", message)
    })
}

/// The bytes of a layer; `None` if the repository has no such layer.
pub(super) fn read(cx: &Cx<'_>, name: &str, digest: &str) -> Result<Option<Arc<Vec<u8>>>, Refusal> {
    let repository = cx.r.ecr.repository(None, name)?;
    let Some((place, layer)) = repository.place.as_deref().zip(repository.layers.get(digest)) else {
        return Ok(None);
    };
    cx.blobs.read(place, &blob_of(digest), layer.size).map_err(|error| failed(&error))
}

/// Media types of layers that are somewhere else (Image Manifest V2, Schema 2; OCI Image Specification, "Non-Distributable Layers").
fn is_elsewhere(media_type: &str) -> bool {
    media_type.contains(".foreign.") || media_type.contains(".nondistributable.")
}

/// What a manifest names that is not in its repository: parts, or the images of an index (ECR API Reference, PutImage,
/// `LayersNotFoundException` and `ReferencedImagesNotFoundException`).
///
/// A part without a digest cannot be looked for. AWS takes no such manifest; here only the registry's API refuses it, so that tests
/// that need no more of an image than its name can put one.
pub(super) fn check_parts(repository: &Repository, manifest: &Value) -> Result<(), Refusal> {
    let name = &repository.repository_name;
    let digests = |of: &[&Value]| -> Vec<String> {
        let digests = of.iter().filter_map(|part| part["digest"].as_str());
        digests.map(str::to_owned).collect()
    };
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let layers = layers.filter(|layer| !is_elsewhere(layer["mediaType"].as_str().unwrap_or_default()));
    let parts: Vec<&Value> = layers.chain([&manifest["config"]]).collect();
    let missing: Vec<String> =
        digests(&parts).into_iter().filter(|digest| !repository.layers.contains_key(digest)).collect();
    refuse_if(!missing.is_empty(), || {
        let message = format!(
            "The following layers with digests '[{}]' cannot be found in the repository with name '{name}' in the registry with id \
             '{ACCOUNT_ID}'",
            missing.join(", ")
        );
        Refusal::new("LayersNotFoundException", message)
    })?;
    let images: Vec<&Value> = manifest["manifests"].as_array().into_iter().flatten().collect();
    let missing: Vec<String> =
        digests(&images).into_iter().filter(|digest| !repository.images.contains_key(digest)).collect();
    refuse_if(!missing.is_empty(), || {
        let message = format!(
            "The following images with digests '[{}]' cannot be found in the repository with name '{name}' in the registry with id \
             '{ACCOUNT_ID}'",
            missing.join(", ")
        );
        Refusal::new("ReferencedImagesNotFoundException", message)
    })
}

/// Whether all that a manifest names has a digest.
pub(super) fn names_digests(manifest: &Value) -> bool {
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let images = manifest["manifests"].as_array().into_iter().flatten();
    let config = manifest.get("config").into_iter();
    layers.chain(images).chain(config).all(|part| part["digest"].as_str().is_some_and(is_digest))
}

/// ECR API Reference, BatchCheckLayerAvailability.
pub(super) fn check(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name, digests): (Option<String>, String, Vec<String>) =
        call.members(&["registryId", "repositoryName", "layerDigests"])?;
    let repository = cx.r.ecr.repository(registry_id.as_deref(), &name)?;
    let (mut layers, mut failures) = (Vec::new(), Vec::new());
    for digest in digests {
        match repository.layers.get(&digest) {
            _ if !is_digest(&digest) => failures.push(json!({
                "layerDigest": digest,
                "failureCode": "InvalidLayerDigest",
                "failureReason": "Invalid request parameters: layer digest",
            })),
            Some(layer) => layers.push(json!({
                "layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": layer.size,
            })),
            None => layers.push(json!({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})),
        }
    }
    Ok(json!({"layers": layers, "failures": failures}))
}

/// ECR API Reference, InitiateLayerUpload.
pub(super) fn initiate(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name): (Option<String>, String) = call.members(&["registryId", "repositoryName"])?;
    check_registry(registry_id.as_deref(), &name)?;
    let id = begin(cx, &name)?;
    Ok(json!({"uploadId": id, "partSize": PART}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct UploadPart {
    registry_id: Option<String>,
    repository_name: String,
    upload_id: String,
    part_first_byte: u64,
    part_last_byte: u64,
    layer_part_blob: String,
}

/// ECR API Reference, UploadLayerPart: parts follow each other without a gap.
pub(super) fn upload_part(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: UploadPart = call.input()?;
    let (name, id) = (&input.repository_name, &input.upload_id);
    let (first, last) = (input.part_first_byte, input.part_last_byte);
    check_registry(input.registry_id.as_deref(), name)?;
    let bytes = BASE64_STANDARD
        .decode(&input.layer_part_blob)
        .map_err(|_| invalid("layerPartBlob is not base64."))?;
    let received = state_of(cx, name, id)?.received;
    ensure(first == received && Some(last) == (first + bytes.len() as u64).checked_sub(1), || {
        let message = format!(
            "The layer part from byte {first} to byte {last} with {} bytes does not follow the {received} bytes received so far",
            bytes.len()
        );
        Refusal::new("InvalidLayerPartException", message)
    })?;
    let received = append(cx, name, id, &bytes)?;
    Ok(json!({
        "registryId": ACCOUNT_ID, "repositoryName": name, "uploadId": id, "lastByteReceived": received - 1,
    }))
}

/// ECR API Reference, CompleteLayerUpload.
pub(super) fn complete_upload(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (registry_id, name, id, digests): (Option<String>, String, String, Vec<String>) =
        call.members(&["registryId", "repositoryName", "uploadId", "layerDigests"])?;
    check_registry(registry_id.as_deref(), &name)?;
    let [digest] = digests.as_slice() else {
        return Err(invalid("The emulator takes one digest of a layer."));
    };
    complete(cx, &name, &id, &[], digest)?;
    Ok(json!({
        "registryId": ACCOUNT_ID, "repositoryName": name, "uploadId": id, "layerDigest": digest,
    }))
}
