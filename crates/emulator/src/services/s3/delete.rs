//! DeleteObject and DeleteObjects.

use serde::Deserialize;
use serde_json::{Value, json};

use super::conditions::check_delete;
use super::input::Target;
use super::problem::{bad_version_id, malformed_xml, no_version, not_implemented};
use super::version::Version;
use super::{Answer, Cx, find, find_mut};
use crate::services::{Call, Refusal, refuse_if};

/// Objects that one request may name (S3 API Reference, DeleteObjects).
const AT_ONCE: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteObject {
    bucket: String,
    key: String,
    expected_bucket_owner: Option<String>,
    version_id: Option<String>,
    if_match: Option<String>,
    if_match_last_modified_time: Option<Value>,
    if_match_size: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteObjects {
    bucket: String,
    expected_bucket_owner: Option<String>,
    #[serde(rename = "ChecksumAlgorithm")]
    _checksum_algorithm: Option<String>,
    delete: Delete,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    objects: Vec<Identifier>,
    #[serde(default)]
    quiet: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Identifier {
    key: String,
    version_id: Option<String>,
    #[serde(rename = "ETag")]
    etag: Option<String>,
}

/// What a deletion did.
struct Deleted {
    /// Whether a delete marker was made or removed.
    marker: bool,
    /// The version that was made or removed.
    version_id: Option<String>,
}

/// A version that is named goes for good; otherwise a bucket that keeps versions gets a delete marker. What is not there is
/// no error (S3 User Guide, "Deleting object versions from a versioning-enabled bucket").
fn delete(
    cx: &mut Cx<'_>,
    target: &Target,
    key: &str,
    version_id: Option<&str>,
    if_match: Option<&str>,
) -> Result<Deleted, Refusal> {
    let last_modified = cx.now_seconds().floor();
    let mut ids = cx.global.s3.ids;
    let bucket = find_mut(cx, target)?;
    if let Some(id) = version_id.filter(|id| !bucket.can_have_version(id)) {
        return Err(bad_version_id(id));
    }
    check_delete(bucket, key, if_match)?;
    if let Some(id) = version_id {
        let removed = bucket.remove(key, id);
        let marker = removed.is_some_and(|version| version.is_marker());
        return Ok(Deleted { marker, version_id: Some(id.to_owned()) });
    }
    if bucket.versioning.is_none() {
        bucket.objects.remove(key);
        return Ok(Deleted { marker: false, version_id: None });
    }
    let version_id = bucket.next_id(&mut ids);
    bucket.add(key, Version { version_id: version_id.clone(), last_modified, object: None });
    cx.global.s3.ids = ids;
    Ok(Deleted { marker: true, version_id: Some(version_id) })
}

pub(super) fn delete_object(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: DeleteObject = call.input()?;
    let target = Target { bucket: given.bucket, expected_bucket_owner: given.expected_bucket_owner };
    // Those are for directory buckets (S3 API Reference, DeleteObject).
    let others = [
        ("x-amz-if-match-last-modified-time", given.if_match_last_modified_time.is_some()),
        ("x-amz-if-match-size", given.if_match_size.is_some()),
    ];
    if let Some((header, _)) = others.into_iter().find(|(_, given)| *given) {
        return Err(not_implemented(header, "The header is for directory buckets"));
    }
    let deleted = delete(cx, &target, &given.key, given.version_id.as_deref(), given.if_match.as_deref())?;
    Ok(json!({"DeleteMarker": deleted.marker.then_some(true), "VersionId": deleted.version_id}))
}

pub(super) fn delete_objects(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: DeleteObjects = call.input()?;
    let target = Target { bucket: given.bucket, expected_bucket_owner: given.expected_bucket_owner };
    find(cx, &target)?;
    refuse_if(given.delete.objects.is_empty() || given.delete.objects.len() > AT_ONCE, malformed_xml)?;
    let mut all: Vec<Value> = Vec::new();
    let mut errors: Vec<Value> = Vec::new();
    for Identifier { key, version_id, etag } in given.delete.objects {
        let deleted = match delete(cx, &target, &key, version_id.as_deref(), etag.as_deref()) {
            Ok(deleted) => deleted,
            Err(refusal) => {
                // An impossible version is one that is not there (recorded from real AWS).
                let refusal = match &version_id {
                    Some(id) if refusal.code == "InvalidArgument" => no_version(&key, id),
                    _ => refusal,
                };
                let Refusal { code, message, .. } = refusal;
                errors.push(json!({"Key": key, "VersionId": version_id, "Code": code, "Message": message}));
                continue;
            }
        };
        let marker_id = deleted.version_id.filter(|_| deleted.marker);
        all.push(json!({
            "Key": key,
            "VersionId": version_id,
            "DeleteMarker": deleted.marker.then_some(true),
            "DeleteMarkerVersionId": marker_id,
        }));
    }
    let shown = Some(all).filter(|all| !given.delete.quiet && !all.is_empty());
    Ok(json!({"Deleted": shown, "Errors": (!errors.is_empty()).then_some(errors)}))
}
