//! Conditions of requests about objects.

use serde::Deserialize;

use super::bucket::Bucket;
use super::problem::{no_key, not_implemented, precondition_failed};
use super::version::Stored;
use crate::protocol::response::{Refusal, refuse_if};

/// The conditions of a request that reads. A request that has none of a kind is not held to it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reading {
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<f64>,
    if_unmodified_since: Option<f64>,
}

fn is(etag: &str, wanted: &str) -> bool {
    wanted == "*" || wanted.trim_matches('"') == etag.trim_matches('"')
}

impl Reading {
    /// A condition by ETag overrules the one by time (S3 API Reference, GetObject, "Overriding conditions"). A time that is still
    /// to come is no condition.
    pub(super) fn check(&self, object: &Stored, last_modified: f64, now: f64) -> Result<(), Refusal> {
        match &self.if_match {
            Some(wanted) if !is(&object.etag, wanted) => return Err(precondition_failed("If-Match")),
            Some(_) => {}
            None if self.if_unmodified_since.is_some_and(|time| last_modified > time) => {
                return Err(precondition_failed("If-Unmodified-Since"));
            }
            None => {}
        }
        let not_modified = match &self.if_none_match {
            Some(wanted) => is(&object.etag, wanted),
            None => self.if_modified_since.is_some_and(|time| last_modified <= time && time < now),
        };
        refuse_if(not_modified, || Refusal::new("NotModified", "Not Modified").with_status(304))
    }
}

/// The conditions of PutObject: not both, and each with the values that are of use (S3 User Guide, "How to prevent object
/// overwrites with conditional writes"; what is not implemented is recorded from real AWS).
pub(super) fn check_write(
    bucket: &Bucket,
    key: &str,
    if_match: Option<&str>,
    if_none_match: Option<&str>,
) -> Result<(), Refusal> {
    let etag = bucket.newest(key).map(|(_, object)| object.etag.as_str());
    let value = |header: &str| {
        not_implemented(
            header,
            &format!("We don't accept the provided value of {header} header for this API"),
        )
    };
    match (if_match, if_none_match) {
        (Some(_), Some(_)) => Err(not_implemented(
            "If-Match,If-None-Match",
            "Multiple conditional request headers present in the request",
        )),
        (Some("*"), None) => Err(value("If-Match")),
        (None, Some(condition)) if condition != "*" => Err(value("If-None-Match")),
        (None, Some(_)) if etag.is_some() => Err(precondition_failed("If-None-Match")),
        (Some(wanted), None) => match etag {
            None => Err(no_key(key)),
            Some(etag) if is(etag, wanted) => Ok(()),
            Some(_) => Err(precondition_failed("If-Match")),
        },
        _ => Ok(()),
    }
}

/// The condition of DeleteObject, on the newest version whichever goes (S3 User Guide, "How to perform conditional deletes").
pub(super) fn check_delete(bucket: &Bucket, key: &str, if_match: Option<&str>) -> Result<(), Refusal> {
    let Some(wanted) = if_match else {
        return Ok(());
    };
    match bucket.newest(key) {
        Some((_, object)) if is(&object.etag, wanted) => Ok(()),
        None if !bucket.objects.contains_key(key) => Err(no_key(key)),
        _ => Err(precondition_failed("If-Match")),
    }
}
