//! GetObject and HeadObject.

use serde::Deserialize;
use serde_json::{Value, json};

use super::bucket::Bucket;
use super::input::Target;
use super::version::{Stored, Version};
use super::{Answer, Cx, find, not_found};
use crate::request::Call;
use crate::response::Refusal;

/// Bytes of a key (S3 User Guide, "Naming Amazon S3 objects").
const LONGEST_KEY: usize = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetObject {
    bucket: String,
    key: String,
    expected_bucket_owner: Option<String>,
    version_id: Option<String>,
    checksum_mode: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
}

pub(super) fn check_key_length(key: &str) -> Result<(), Refusal> {
    match key.len() {
        ..=LONGEST_KEY => Ok(()),
        _ => Err(Refusal::new("KeyTooLongError", "Your key is too long")),
    }
}

pub(super) fn no_key() -> Refusal {
    not_found("NoSuchKey", "The specified key does not exist.")
}

pub(super) fn precondition_failed() -> Refusal {
    let message = "At least one of the pre-conditions you specified did not hold";
    Refusal::new("PreconditionFailed", message).with_status(412)
}

/// The version that is asked for, or the newest one (S3 User Guide, "Retrieving object versions" and "Working with
/// delete markers").
fn version<'a>(bucket: &'a Bucket, given: &GetObject) -> Result<(&'a Version, &'a Stored), Refusal> {
    let Some(id) = &given.version_id else {
        return bucket.newest(&given.key).ok_or_else(no_key);
    };
    let versions = bucket.objects.get(&given.key).map(Vec::as_slice).unwrap_or_default();
    let version = versions.iter().find(|version| version.version_id == *id);
    let version =
        version.ok_or_else(|| not_found("NoSuchVersion", "The specified version does not exist."))?;
    match &version.object {
        Some(object) => Ok((version, object)),
        None => {
            let message = "The specified method is not allowed against this resource.";
            Err(Refusal::new("MethodNotAllowed", message).with_status(405))
        }
    }
}

fn check_conditions(given: &GetObject, object: &Stored) -> Result<(), Refusal> {
    let is = |wanted: &String| wanted == "*" || wanted.trim_matches('"') == object.etag.trim_matches('"');
    if given.if_match.as_ref().is_some_and(|wanted| !is(wanted)) {
        return Err(precondition_failed());
    }
    match given.if_none_match.as_ref().is_some_and(is) {
        true => Err(Refusal::new("NotModified", "Not Modified").with_status(304)),
        false => Ok(()),
    }
}

/// All but the body, which comes as well.
fn answer(cx: &Cx<'_>, call: &Call) -> Result<(Value, String), Refusal> {
    let given: GetObject = call.input()?;
    let target =
        Target { bucket: given.bucket.clone(), expected_bucket_owner: given.expected_bucket_owner.clone() };
    let bucket = find(cx, &target)?;
    let (version, object) = version(bucket, &given)?;
    check_conditions(&given, object)?;
    let mut answer = json!(version);
    answer["VersionId"] = json!(version.shown_id(bucket));
    answer["AcceptRanges"] = "bytes".into();
    if given.checksum_mode.is_some() {
        object.checksums.add_to(&mut answer);
    }
    Ok((answer, object.body.clone()))
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
        404 => not_found("NotFound", "Not Found"),
        _ => refusal,
    })
}
