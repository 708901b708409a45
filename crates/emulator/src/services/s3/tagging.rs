//! Tags of objects: with PutObject, and by calls of their own.
//!
//! S3 User Guide, "Categorizing your storage using tags": ten to an object at the most, each version has its own, and lifecycle rules
//! choose by them. The header's form is from S3 API Reference, PutObject, `x-amz-tagging`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::bucket::Bucket;
use super::input::Target;
use super::problem::{bad_argument, bad_version_id, no_key, no_version};
use super::settings::{Tagging, read_tags};
use super::version::Version;
use super::{Answer, Cx, find, find_mut};
use crate::protocol::model::form_pairs;
use crate::services::{Call, Refusal, Tag, Tags, refuse_if, tag_list};

/// Tags of one object.
const TAGS: usize = 10;

const HEADER: &str = "x-amz-tagging";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OfObject {
    bucket: String,
    key: String,
    version_id: Option<String>,
    expected_bucket_owner: Option<String>,
    tagging: Option<Tagging>,
    #[serde(rename = "ContentMD5")]
    _content_md5: Option<String>,
    #[serde(rename = "ChecksumAlgorithm")]
    _checksum_algorithm: Option<String>,
}

impl OfObject {
    fn target(&self) -> Target {
        Target { bucket: self.bucket.clone(), expected_bucket_owner: self.expected_bucket_owner.clone() }
    }

    /// Where the version is that is meant: the one that is named, or the newest one.
    fn position(&self, bucket: &Bucket) -> Result<usize, Refusal> {
        let versions = bucket.objects.get(&self.key).map(Vec::as_slice).unwrap_or_default();
        let position = match &self.version_id {
            Some(id) if !bucket.can_have_version(id) => return Err(bad_version_id(id)),
            Some(id) => versions.iter().position(|version| version.version_id == *id),
            None => versions.len().checked_sub(1),
        };
        match (position, &self.version_id) {
            (Some(position), Some(_)) if versions[position].is_marker() => {
                let message = "The specified method is not allowed against this resource.";
                Err(Refusal::new("MethodNotAllowed", message).with_status(405))
            }
            (Some(position), _) if !versions[position].is_marker() => Ok(position),
            (_, Some(id)) => Err(no_version(&self.key, id)),
            (_, None) => Err(no_key(&self.key)),
        }
    }
}

fn check(tags: Vec<Tag>) -> Result<Tags, Refusal> {
    if tags.len() > TAGS {
        Err(Refusal::new("BadRequest", "Object tags cannot be greater than 10"))
    } else {
        read_tags(tags)
    }
}

/// Tags as they come with an object: `key=value&other=value`, percent-encoded.
pub(super) fn of_header(header: Option<&str>) -> Result<Tags, Refusal> {
    let Some(header) = header.filter(|header| !header.is_empty()) else { return Ok(Tags::new()) };
    let malformed = || {
        let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag \
             name duplicates.";
        bad_argument(message, HEADER, header)
    };
    let mut tags: Vec<Tag> = Vec::new();
    for (key, value) in form_pairs(header).map_err(|_| malformed())? {
        refuse_if(key.is_empty() || tags.iter().any(|tag| tag.key == key), malformed)?;
        tags.push(Tag { key, value });
    }
    check(tags)
}

/// How many there are, as GetObject and HeadObject show it: not at all if there is none.
pub(super) fn count(version: &Version) -> Option<usize> {
    version.object.as_ref().map(|object| object.tags.len()).filter(|count| *count > 0)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: OfObject = call.input()?;
    let bucket = find(cx, &given.target())?;
    let position = given.position(bucket)?;
    let version = &bucket.objects[&given.key][position];
    let tags = version.object.as_ref().map(|object| tag_list(&object.tags));
    Ok(json!({ "TagSet": tags, "VersionId": version.shown_id(bucket) }))
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut given: OfObject = call.input()?;
    let tags = given.tagging.take().map(|tagging| tagging.tag_set).unwrap_or_default();
    let position = given.position(find(cx, &given.target())?)?;
    replace(cx, &given, position, check(tags)?)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: OfObject = call.input()?;
    let position = given.position(find(cx, &given.target())?)?;
    replace(cx, &given, position, Tags::new())
}

fn replace(cx: &mut Cx<'_>, given: &OfObject, position: usize, tags: Tags) -> Result<Value, Refusal> {
    let bucket = find_mut(cx, &given.target())?;
    let versions = bucket.objects.get_mut(&given.key);
    if let Some(object) = versions.and_then(|versions| versions[position].object.as_mut()) {
        object.tags = tags;
    }
    let version = &bucket.objects[&given.key][position];
    Ok(json!({ "VersionId": version.shown_id(bucket) }))
}
