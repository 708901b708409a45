//! What S3 says when it refuses.
//!
//! Its errors name what they are about in members of their own (S3 API Reference, "Error responses"). `BucketName`, `Key` and
//! `Condition` are recorded from real AWS; the others are known from answers of S3 in public reports.
//!
//! A request that the model of the API does not allow is refused by where the fault is: in a header or the query it is an
//! `InvalidArgument`, and in the body `MalformedXML`, which is found only once the bucket is. That is recorded from real AWS for
//! object ownership, ACLs, encoding types and encryption, as are the exceptions for policies, locations and the minimum size of
//! transitions; the rest follows them.

use serde_json::Value;

use super::bucket::{Bucket, check_location};
use super::input::Target;
use super::{Cx, find};
use crate::protocol::model::{Problem, Violation};
use crate::services::{Call, Refusal, refusals};

refusals! {
    pub(super) invalid_argument: "InvalidArgument";
    pub(super) invalid_request: "InvalidRequest";
    pub(super) malformed_policy: "MalformedPolicy";
    pub(super) access_denied: "AccessDenied", 403;
}

/// The refusal of one argument, by its name on the wire.
pub(super) fn bad_argument(message: impl Into<String>, name: &str, value: impl Into<String>) -> Refusal {
    invalid_argument(message).with_detail("ArgumentName", name).with_detail("ArgumentValue", value)
}

pub(super) fn malformed_xml() -> Refusal {
    Refusal::new(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub(super) fn not_found(code: &str, message: &str) -> Refusal {
    Refusal::new(code, message).with_status(404)
}

pub(super) fn no_bucket(name: &str) -> Refusal {
    of_bucket("NoSuchBucket", "The specified bucket does not exist", name)
}

/// The refusal to show what a bucket does not have.
pub(super) fn of_bucket(code: &str, message: &str, bucket: &str) -> Refusal {
    not_found(code, message).with_detail("BucketName", bucket)
}

pub(super) fn no_key(key: &str) -> Refusal {
    not_found("NoSuchKey", "The specified key does not exist.").with_detail("Key", key)
}

pub(super) fn no_version(key: &str, version_id: &str) -> Refusal {
    let refusal = not_found("NoSuchVersion", "The specified version does not exist.");
    refusal.with_detail("Key", key).with_detail("VersionId", version_id)
}

pub(super) fn bad_version_id(version_id: &str) -> Refusal {
    bad_argument("Invalid version id specified", "versionId", version_id)
}

/// A condition, such as `If-Match`, does not hold.
pub(super) fn precondition_failed(condition: &str) -> Refusal {
    let message = "At least one of the pre-conditions you specified did not hold";
    Refusal::new("PreconditionFailed", message).with_status(412).with_detail("Condition", condition)
}

/// S3 does not take a header, or not with this value.
pub(super) fn not_implemented(header: &str, reason: &str) -> Refusal {
    let message = "A header you provided implies functionality that is not implemented";
    let refusal = Refusal::new("NotImplemented", message).with_status(501);
    refusal.with_detail("Header", header).with_detail("additionalMessage", reason)
}

pub(super) fn bad_tag(message: impl Into<String>, key: &str) -> Refusal {
    Refusal::new("InvalidTag", message).with_detail("TagKey", key)
}

pub(super) fn bad_storage_class(class: &str) -> Refusal {
    let message = "The storage class you specified is not valid";
    Refusal::new("InvalidStorageClass", message).with_detail("StorageClassRequested", class)
}

/// A bucket in another region answers with the way to it, which clients read from the header: without it they ask the wrong
/// region again (S3 API Reference, "Error responses", `PermanentRedirect`; recorded from real AWS).
pub(super) fn elsewhere(bucket: &Bucket) -> Refusal {
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send \
                   all future requests to this endpoint.";
    Refusal::new("PermanentRedirect", message)
        .with_status(301)
        .with_detail("Endpoint", endpoint(bucket))
        .with_detail("Bucket", bucket.name())
        .with_header("x-amz-bucket-region", bucket.region())
}

/// The end point of a bucket. Those of the oldest regions have a hyphen (AWS General Reference, "Amazon S3 endpoints").
fn endpoint(bucket: &Bucket) -> String {
    const OLDEST: [&str; 7] = [
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-west-1",
        "sa-east-1",
        "us-west-1",
        "us-west-2",
    ];
    match bucket.region() {
        "us-east-1" => format!("{}.s3.amazonaws.com", bucket.name()),
        region if OLDEST.contains(&region) => format!("{}.s3-{region}.amazonaws.com", bucket.name()),
        region => format!("{}.s3.{region}.amazonaws.com", bucket.name()),
    }
}

/// The refusal of what the model of the API does not allow.
pub(super) fn of_violation(cx: &Cx<'_>, call: &Call, violation: Violation) -> Refusal {
    let member = violation.path.split('.').next().unwrap_or_default();
    let value = match &call.parameters[member] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(argument) = call.argument_name(member) {
        return of_argument(member, argument, &value, violation.message);
    }
    if call.operation != "CreateBucket"
        && let Err(refusal) = Target::of(call).and_then(|target| find(cx, &target).map(drop))
    {
        return refusal;
    }
    match violation.path.as_str() {
        "Policy" => malformed_policy("Policies must be valid JSON and the first byte must be '{'"),
        "CreateBucketConfiguration.LocationConstraint" => {
            let asked = call.parameters["CreateBucketConfiguration"]["LocationConstraint"].as_str();
            check_location(asked, cx.region).err().unwrap_or_else(malformed_xml)
        }
        path if violation.problem == Problem::Length && is_tag_key(path) => {
            bad_tag("The TagKey you have provided is invalid", "")
        }
        _ => malformed_xml(),
    }
}

/// Whether a key is one of a bucket's tags, which are not held to the model.
fn is_tag_key(path: &str) -> bool {
    let in_tags = ["Tagging.TagSet.", "CreateBucketConfiguration.Tags."];
    path.ends_with(".Key") && in_tags.iter().any(|tags| path.starts_with(tags))
}

fn of_argument(member: &str, argument: &str, value: &str, message: String) -> Refusal {
    match member {
        "StorageClass" => bad_storage_class(value),
        "ChecksumAlgorithm" => invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, \
             CRC64NVME, SHA1, SHA256]",
        ),
        "TransitionDefaultMinimumObjectSize" => {
            invalid_request(format!("Invalid TransitionDefaultMinimumObjectSize found: {value}"))
        }
        _ => bad_argument(message, argument, value),
    }
}
