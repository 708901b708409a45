//! Settings of buckets: tags, versioning, blocked public access, ownership of objects.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::{Target, setting};
use super::problem::{bad_tag, invalid_request, malformed_xml, of_bucket};
use super::{Answer, Cx, NOTHING, find, settled_mut};
use crate::services::{Call, Refusal, Tag, Tags, refuse_if, tag_list};

/// The ownership that new buckets have (S3 User Guide, "Controlling ownership of objects and disabling ACLs for your
/// bucket").
pub(super) const BUCKET_OWNER_ENFORCED: &str = "BucketOwnerEnforced";

/// Whether versions of objects are kept. A bucket that never had versioning has neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Versioning {
    Enabled,
    Suspended,
}

/// Which public access is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PublicAccessBlock {
    #[serde(default)]
    block_public_acls: bool,
    #[serde(default)]
    ignore_public_acls: bool,
    #[serde(default)]
    pub(super) block_public_policy: bool,
    #[serde(default)]
    restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// All of it (S3 User Guide, "Blocking public access to your Amazon S3 storage").
    pub(super) fn by_default() -> Self {
        PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Tagging {
    pub(super) tag_set: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct VersioningConfiguration {
    status: Option<Versioning>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OwnershipControls {
    rules: Vec<OwnershipRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OwnershipRule {
    object_ownership: String,
}

/// S3 API Reference, PutBucketTagging, `InvalidTag` and `BadRequest`. What is in keys and values is held to AWS Billing User
/// Guide, "User-defined tag restrictions" (recorded from real AWS).
pub(super) fn read_tags(given: Vec<Tag>) -> Result<Tags, Refusal> {
    refuse_if(given.len() > 50, || Refusal::new("BadRequest", "Bucket tag count cannot be greater than 50"))?;
    let mut tags = Tags::new();
    for Tag { key, value } in given {
        if key.is_empty() || !is_tag_text(&key, 128) {
            return Err(bad_tag("The TagKey you have provided is invalid", &key));
        }
        if !is_tag_text(&value, 256) {
            let refusal = bad_tag("The TagValue you have provided is invalid", &key);
            return Err(refusal.with_detail("TagValue", value));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(bad_tag("System tags cannot be added/updated by requester", &key));
        }
        if tags.contains_key(&key) {
            return Err(bad_tag("Cannot provide multiple Tags with the same key", &key));
        }
        tags.insert(key, value);
    }
    Ok(tags)
}

/// Whether every character is a letter, a digit, a space or one of some marks.
fn is_tag_text(text: &str, longest: usize) -> bool {
    let is_legal = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    text.chars().count() <= longest && text.chars().all(is_legal)
}

/// All tags are replaced.
pub(super) fn put_tagging(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target, tagging): (_, Tagging) = setting(call)?;
    let bucket = settled_mut(cx, &target)?;
    bucket.tags = read_tags(tagging.tag_set)?;
    NOTHING
}

pub(super) fn get_tagging(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let bucket = find(cx, &target)?;
    refuse_if(bucket.tags.is_empty(), || {
        of_bucket("NoSuchTagSet", "The TagSet does not exist", &target.bucket)
    })?;
    Ok(json!({"TagSet": tag_list(&bucket.tags)}))
}

pub(super) fn delete_tagging(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    settled_mut(cx, &target)?.tags.clear();
    NOTHING
}

pub(super) fn put_versioning(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target, configuration): (_, VersioningConfiguration) = setting(call)?;
    let bucket = settled_mut(cx, &target)?;
    let status = configuration.status.ok_or_else(|| {
        Refusal::new(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified with a Status.",
        )
    })?;
    bucket.versioning = Some(status);
    NOTHING
}

pub(super) fn get_versioning(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    Ok(json!({"Status": find(cx, &target)?.versioning}))
}

pub(super) fn put_public_access_block(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target, block): (_, PublicAccessBlock) = setting(call)?;
    let bucket = settled_mut(cx, &target)?;
    // A configuration that says nothing is none (S3 answers so; its API reference is silent).
    if call.parameters["PublicAccessBlockConfiguration"].as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(invalid_request("Must specify at least one configuration."));
    }
    bucket.public_access_block = Some(block);
    NOTHING
}

pub(super) fn get_public_access_block(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let block = find(cx, &target)?.public_access_block.ok_or_else(|| {
        of_bucket(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
            &target.bucket,
        )
    })?;
    Ok(json!({"PublicAccessBlockConfiguration": block}))
}

pub(super) fn delete_public_access_block(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    settled_mut(cx, &target)?.public_access_block = None;
    NOTHING
}

/// There is one rule (S3 API Reference, PutBucketOwnershipControls).
pub(super) fn put_ownership_controls(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target, controls): (_, OwnershipControls) = setting(call)?;
    let bucket = settled_mut(cx, &target)?;
    let [rule] = <[OwnershipRule; 1]>::try_from(controls.rules).map_err(|_| malformed_xml())?;
    bucket.ownership = Some(rule.object_ownership);
    NOTHING
}

pub(super) fn get_ownership_controls(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let ownership = find(cx, &target)?.ownership.as_ref().ok_or_else(|| {
        let message = "The bucket ownership controls were not found";
        of_bucket("OwnershipControlsNotFoundError", message, &target.bucket)
    })?;
    let rules: Value = json!([{"ObjectOwnership": ownership}]);
    Ok(json!({"OwnershipControls": {"Rules": rules}}))
}

pub(super) fn delete_ownership_controls(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    settled_mut(cx, &target)?.ownership = None;
    NOTHING
}
