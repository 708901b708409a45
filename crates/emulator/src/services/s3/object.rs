//! GetObject and HeadObject.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::bucket::Bucket;
use super::conditions::Reading;
use super::encryption::check_readable;
use super::input::Target;
use super::metadata;
use super::problem::{bad_version_id, no_key, no_version, not_found};
use super::range::part;
use super::version::{NULL, Stored, Version};
use super::{Answer, Cx, find, tagging};
use crate::services::{Call, Refusal, ensure};

/// Bytes of a key (S3 User Guide, "Naming Amazon S3 objects").
const LONGEST_KEY: usize = 1024;

/// Classes from which an object must be restored before it is read (S3 User Guide, "Working with archived objects").
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetObject {
    bucket: String,
    key: String,
    expected_bucket_owner: Option<String>,
    version_id: Option<String>,
    checksum_mode: Option<String>,
    #[serde(rename = "IfMatch")]
    _if_match: Option<String>,
    #[serde(rename = "IfNoneMatch")]
    _if_none_match: Option<String>,
    #[serde(rename = "IfModifiedSince")]
    _if_modified_since: Option<f64>,
    #[serde(rename = "IfUnmodifiedSince")]
    _if_unmodified_since: Option<f64>,
    range: Option<String>,
    response_cache_control: Option<String>,
    response_content_disposition: Option<String>,
    response_content_encoding: Option<String>,
    response_content_language: Option<String>,
    response_content_type: Option<String>,
    response_expires: Option<f64>,
}

impl GetObject {
    /// Headers that the answer is to have instead of the object's own.
    fn overridden(&self) -> [(&'static str, Option<Value>); 6] {
        let text = |value: &Option<String>| value.as_ref().map(|text| json!(text));
        [
            ("CacheControl", text(&self.response_cache_control)),
            ("ContentDisposition", text(&self.response_content_disposition)),
            ("ContentEncoding", text(&self.response_content_encoding)),
            ("ContentLanguage", text(&self.response_content_language)),
            ("ContentType", text(&self.response_content_type)),
            ("Expires", self.response_expires.map(http_date)),
        ]
    }
}

fn http_date(seconds: f64) -> Value {
    json!(DateTime::from_secs_f64(seconds).fmt(Format::HttpDate).ok())
}

pub(super) fn check_key_length(key: &str) -> Result<(), Refusal> {
    match key.len() {
        ..=LONGEST_KEY => Ok(()),
        length => {
            let refusal = Refusal::new("KeyTooLongError", "Your key is too long");
            let refusal = refusal.with_detail("Size", length.to_string());
            Err(refusal.with_detail("MaxSizeAllowed", LONGEST_KEY.to_string()))
        }
    }
}

impl Bucket {
    /// Whether a version can have an id. A bucket that never kept versions has none but the one without (recorded from real
    /// AWS).
    pub(super) fn can_have_version(&self, id: &str) -> bool {
        let is_id =
            id.len() == 32 && id.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_'));
        id == NULL || (is_id && self.versioning.is_some())
    }
}

/// The version that is asked for, or the newest one (S3 User Guide, "Retrieving object versions" and "Working with
/// delete markers").
fn version<'a>(
    bucket: &'a Bucket,
    given: &GetObject,
    method: &str,
) -> Result<(&'a Version, &'a Stored), Refusal> {
    let versions = bucket.objects.get(&given.key).map(Vec::as_slice).unwrap_or_default();
    let Some(id) = &given.version_id else {
        return bucket.newest(&given.key).ok_or_else(|| match versions.last() {
            Some(marker) => of_marker(no_key(&given.key), marker),
            None => no_key(&given.key),
        });
    };
    ensure(bucket.can_have_version(id), || bad_version_id(id))?;
    let version = versions.iter().find(|version| version.version_id == *id);
    let version = version.ok_or_else(|| no_version(&given.key, id))?;
    match &version.object {
        Some(object) => Ok((version, object)),
        None => {
            let message = "The specified method is not allowed against this resource.";
            let refusal = Refusal::new("MethodNotAllowed", message).with_status(405);
            let refusal = refusal.with_detail("Method", method).with_detail("ResourceType", "DeleteMarker");
            Err(of_marker(refusal, version).with_header("allow", "DELETE"))
        }
    }
}

/// A refusal because of a delete marker, which says so.
fn of_marker(refusal: Refusal, marker: &Version) -> Refusal {
    let refusal = refusal.with_header("x-amz-delete-marker", "true");
    refusal.with_header("x-amz-version-id", marker.version_id.as_str())
}

/// All but the body, which comes as well, in base64.
fn answer(cx: &Cx<'_>, call: &Call) -> Result<(Value, String), Refusal> {
    let given: GetObject = call.input()?;
    let conditions = Reading::deserialize(&*call.parameters).unwrap_or_default();
    let target =
        Target { bucket: given.bucket.clone(), expected_bucket_owner: given.expected_bucket_owner.clone() };
    let bucket = find(cx, &target)?;
    let (version, object) = version(bucket, &given, &call.http.method)?;
    conditions.check(object, version.last_modified, cx.now_seconds())?;
    let reads = call.operation == "GetObject";
    if reads && let Some(class) = object.storage_class.as_deref().filter(|class| ARCHIVES.contains(class)) {
        let message = "The operation is not valid for the object's storage class";
        let refusal = Refusal::new("InvalidObjectState", message).with_status(403);
        return Err(refusal.with_detail("StorageClass", class));
    }
    let part = part(given.range.as_deref(), object.content_length)?;
    // The head of an object is read without its key, but for the checksum (S3 API Reference, HeadObject, "Permissions").
    let shows_checksum = given.checksum_mode.is_some() && part.is_none() && !object.checksums.is_empty();
    if reads || shows_checksum {
        check_readable(cx, object.kms_key.as_deref())?;
    }
    let mut answer = json!(version);
    answer["VersionId"] = json!(version.shown_id(bucket));
    answer["AcceptRanges"] = "bytes".into();
    answer["TagCount"] = json!(tagging::count(version));
    if let Some(Value::Object(metadata)) = answer.get_mut("Metadata") {
        for value in metadata.values_mut() {
            *value = metadata::encoded(value.as_str().unwrap_or_default()).into();
        }
    }
    let newest = bucket.newest(&given.key);
    let is_newest = newest.is_some_and(|(newest, _)| newest.version_id == version.version_id);
    if let Some(lifecycle) = bucket.lifecycle.as_ref().filter(|_| is_newest) {
        answer["Expiration"] = json!(lifecycle.expiration(&given.key, version.last_modified, object));
    }
    if shows_checksum {
        object.checksums.add_to(&mut answer);
    }
    for (header, value) in given.overridden() {
        if let Some(value) = value {
            answer[header] = value;
        }
    }
    let Some(part) = part else {
        return Ok((answer, object.body.clone()));
    };
    answer["_status"] = 206.into();
    answer["ContentRange"] = part.shown(object.content_length).into();
    answer["ContentLength"] = (part.end - part.start).into();
    let body = STANDARD.decode(&object.body).unwrap_or_default();
    let body = body.get(part.start..part.end).map(|part| STANDARD.encode(part));
    Ok((answer, body.unwrap_or_default()))
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (mut answer, body) = answer(cx, call)?;
    answer["Body"] = body.into();
    Ok(answer)
}

/// A refusal has no body, and so no code but that of its status (S3 API Reference, HeadObject).
pub(super) fn head(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let answer = answer(cx, call).map(|(answer, _)| answer);
    answer.map_err(|refusal| match refusal.status {
        404 => Refusal { headers: refusal.headers, ..not_found("NotFound", "Not Found") },
        _ => refusal,
    })
}
