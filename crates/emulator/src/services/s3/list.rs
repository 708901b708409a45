//! ListObjects, ListObjectsV2 and ListObjectVersions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::bucket::{Bucket, bad_token};
use super::encoding::encoded;
use super::input::Target;
use super::problem::bad_argument;
use super::put::STANDARD_CLASS;
use super::version::{Stored, Version};
use super::{Answer, Cx, OWNER, find};
use crate::services::{Call, Refusal};

/// How many items a page has at most.
const PAGE: i64 = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListObjects {
    bucket: String,
    expected_bucket_owner: Option<String>,
    #[serde(default)]
    prefix: String,
    delimiter: Option<String>,
    max_keys: Option<i64>,
    start_after: Option<String>,
    continuation_token: Option<String>,
    #[serde(default)]
    fetch_owner: bool,
    encoding_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListByMarker {
    bucket: String,
    expected_bucket_owner: Option<String>,
    #[serde(default)]
    prefix: String,
    delimiter: Option<String>,
    max_keys: Option<i64>,
    marker: Option<String>,
    encoding_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListVersions {
    bucket: String,
    expected_bucket_owner: Option<String>,
    #[serde(default)]
    prefix: String,
    delimiter: Option<String>,
    max_keys: Option<i64>,
    key_marker: Option<String>,
    version_id_marker: Option<String>,
    encoding_type: Option<String>,
}

fn page_size(max_keys: Option<i64>) -> Result<usize, Refusal> {
    let size = max_keys.unwrap_or(PAGE).min(PAGE);
    usize::try_from(size).map_err(|_| {
        let message = "Argument maxKeys must be an integer between 0 and 2147483647";
        bad_argument(message, "maxKeys", size.to_string())
    })
}

/// What a listing shows: an object, or what several have in common.
enum Item<'a> {
    Object(&'a str, &'a Version, &'a Stored),
    Prefix(&'a str),
}

impl Item<'_> {
    fn name(&self) -> &str {
        match self {
            Item::Object(key, ..) => key,
            Item::Prefix(prefix) => prefix,
        }
    }
}

/// The part of a key that it shares with others: up to the first delimiter after the prefix.
fn common<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

/// S3 API Reference, ListObjectsV2.
pub(super) fn objects(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: ListObjects = call.input()?;
    let target =
        Target { bucket: given.bucket.clone(), expected_bucket_owner: given.expected_bucket_owner.clone() };
    let bucket = find(cx, &target)?;
    let size = page_size(given.max_keys)?;
    let after = match &given.continuation_token {
        Some(token) => Some(read_token(token)?),
        None => given.start_after.clone(),
    };
    let delimiter = given.delimiter.filter(|delimiter| !delimiter.is_empty());
    let page = Page::of(bucket, &given.prefix, delimiter.as_deref(), after.as_deref(), size);
    let listing = json!({
        "Name": bucket.name(),
        "Prefix": given.prefix,
        "_headers": {"x-amz-bucket-region": bucket.region()},
        "Delimiter": delimiter,
        "MaxKeys": size,
        "KeyCount": page.items.len(),
        "IsTruncated": page.is_truncated,
        "StartAfter": given.start_after,
        "ContinuationToken": given.continuation_token,
        "NextContinuationToken": page.next().map(|name| STANDARD.encode(name)),
        "Contents": page.contents(given.fetch_owner),
        "CommonPrefixes": page.prefixes(),
    });
    Ok(encoded(given.encoding_type, listing))
}

/// S3 API Reference, ListObjects, the form before that: by the last name of the page before, which is said where it may be a
/// prefix.
pub(super) fn objects_by_marker(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: ListByMarker = call.input()?;
    let target =
        Target { bucket: given.bucket.clone(), expected_bucket_owner: given.expected_bucket_owner.clone() };
    let bucket = find(cx, &target)?;
    let size = page_size(given.max_keys)?;
    let delimiter = given.delimiter.filter(|delimiter| !delimiter.is_empty());
    let page = Page::of(bucket, &given.prefix, delimiter.as_deref(), given.marker.as_deref(), size);
    let listing = json!({
        "Name": bucket.name(),
        "Prefix": given.prefix,
        "_headers": {"x-amz-bucket-region": bucket.region()},
        "Delimiter": delimiter,
        "MaxKeys": size,
        "IsTruncated": page.is_truncated,
        "Marker": given.marker.unwrap_or_default(),
        "NextMarker": page.next().filter(|_| delimiter.is_some()),
        "Contents": page.contents(true),
        "CommonPrefixes": page.prefixes(),
    });
    Ok(encoded(given.encoding_type, listing))
}

/// One page of objects and of what they have in common.
struct Page<'a> {
    items: Vec<Item<'a>>,
    is_truncated: bool,
}

impl<'a> Page<'a> {
    /// Objects whose newest version is a delete marker are not shown.
    fn of(
        bucket: &'a Bucket,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        size: usize,
    ) -> Page<'a> {
        let mut items: Vec<Item<'_>> = Vec::new();
        for key in bucket.objects.keys().filter(|key| key.starts_with(prefix)) {
            let Some((version, object)) = bucket.newest(key) else {
                continue;
            };
            let item = match common(key, prefix, delimiter) {
                Some(prefix) => Item::Prefix(prefix),
                None => Item::Object(key, version, object),
            };
            let is_new = items.last().is_none_or(|last| last.name() != item.name());
            if is_new && after.is_none_or(|after| item.name() > after) {
                items.push(item);
            }
        }
        // A page of nothing has no next one.
        let is_truncated = size > 0 && items.len() > size;
        items.truncate(size);
        Page { items, is_truncated }
    }

    /// The last name of this page, if there is more.
    fn next(&self) -> Option<&str> {
        self.items.last().filter(|_| self.is_truncated).map(Item::name)
    }

    fn contents(&self, with_owner: bool) -> Option<Vec<Value>> {
        let shown = self.items.iter().filter_map(|item| {
            let Item::Object(key, version, object) = item else {
                return None;
            };
            let mut shown = object_shown(key, version, object);
            shown["Owner"] = json!(with_owner.then(|| json!({"ID": OWNER})));
            Some(shown)
        });
        Some(shown.collect()).filter(|contents: &Vec<Value>| !contents.is_empty())
    }

    fn prefixes(&self) -> Option<Vec<Value>> {
        let shown = self.items.iter().filter_map(|item| match item {
            Item::Prefix(prefix) => Some(json!({"Prefix": prefix})),
            Item::Object(..) => None,
        });
        Some(shown.collect()).filter(|prefixes: &Vec<Value>| !prefixes.is_empty())
    }
}

fn read_token(token: &str) -> Result<String, Refusal> {
    let bytes = STANDARD.decode(token).ok().filter(|bytes| !bytes.is_empty());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| bad_token(Some(token)))
}

fn object_shown(key: &str, version: &Version, object: &Stored) -> Value {
    let mut shown = json!({
        "Key": key,
        "LastModified": version.last_modified,
        "ETag": object.etag,
        "Size": object.content_length,
        "StorageClass": object.storage_class.as_deref().unwrap_or(STANDARD_CLASS),
    });
    object.checksums.list_in(&mut shown);
    shown
}

/// What a listing of versions shows.
enum Entry<'a> {
    /// A version, and whether it is the newest of its key.
    Version(&'a str, &'a Version, bool),
    Prefix(&'a str),
}

impl Entry<'_> {
    fn name(&self) -> &str {
        match self {
            Entry::Version(key, ..) => key,
            Entry::Prefix(prefix) => prefix,
        }
    }

    fn version_id(&self) -> Option<&str> {
        match self {
            Entry::Version(_, version, _) => Some(&version.version_id),
            Entry::Prefix(_) => None,
        }
    }
}

/// S3 API Reference, ListObjectVersions: by key, the newest first.
pub(super) fn versions(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: ListVersions = call.input()?;
    let target =
        Target { bucket: given.bucket.clone(), expected_bucket_owner: given.expected_bucket_owner.clone() };
    let bucket = find(cx, &target)?;
    let size = page_size(given.max_keys)?;
    check_markers(given.key_marker.as_deref(), given.version_id_marker.as_deref())?;
    let mut all: Vec<Entry<'_>> = Vec::new();
    for (key, versions) in bucket.objects.iter().filter(|(key, _)| key.starts_with(&given.prefix)) {
        match common(key, &given.prefix, given.delimiter.as_deref()) {
            Some(prefix) if all.last().is_some_and(|last| last.name() == prefix) => {}
            Some(prefix) => all.push(Entry::Prefix(prefix)),
            None => {
                let newest_first = versions.iter().rev().enumerate();
                all.extend(newest_first.map(|(at, version)| Entry::Version(key, version, at == 0)));
            }
        }
    }
    let start = match &given.key_marker {
        None => 0,
        Some(marker) => start_after(&all, marker, given.version_id_marker.as_deref()),
    };
    let page: Vec<_> = all.iter().skip(start).take(size).collect();
    let is_truncated = size > 0 && all.len() > start + page.len();
    let last = page.last().filter(|_| is_truncated);
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &page {
        match entry {
            Entry::Prefix(prefix) => prefixes.push(json!({"Prefix": prefix})),
            Entry::Version(key, version, is_latest) => {
                let list = if version.is_marker() { &mut markers } else { &mut versions };
                list.push(version_shown(key, version, *is_latest));
            }
        }
    }
    let shown = |items: Vec<Value>| (!items.is_empty()).then_some(items);
    let listing = json!({
        "Name": bucket.name(),
        "Prefix": given.prefix,
        "Delimiter": given.delimiter.filter(|delimiter| !delimiter.is_empty()),
        "MaxKeys": size,
        "KeyMarker": given.key_marker.unwrap_or_default(),
        "VersionIdMarker": given.version_id_marker.unwrap_or_default(),
        "IsTruncated": is_truncated,
        "NextKeyMarker": last.map(|entry| entry.name()),
        "NextVersionIdMarker": last.and_then(|entry| entry.version_id()),
        "Versions": shown(versions),
        "DeleteMarkers": shown(markers),
        "CommonPrefixes": shown(prefixes),
    });
    Ok(encoded(given.encoding_type, listing))
}

fn check_markers(key: Option<&str>, version_id: Option<&str>) -> Result<(), Refusal> {
    let refused = |message: &str, id: &str| Err(bad_argument(message, "version-id-marker", id));
    match (key, version_id) {
        (_, Some("")) => refused("A version-id marker cannot be empty.", ""),
        (None | Some(""), Some(id)) => {
            refused("A version-id marker cannot be specified without a key marker.", id)
        }
        _ => Ok(()),
    }
}

/// The place after the version that a marker names, or after all versions of its key.
fn start_after(all: &[Entry<'_>], key: &str, version_id: Option<&str>) -> usize {
    let exact = version_id
        .and_then(|id| all.iter().position(|entry| entry.name() == key && entry.version_id() == Some(id)));
    match exact {
        Some(at) => at + 1,
        None => all.iter().take_while(|entry| entry.name() <= key).count(),
    }
}

fn version_shown(key: &str, version: &Version, is_latest: bool) -> Value {
    let mut shown = match &version.object {
        Some(object) => object_shown(key, version, object),
        None => json!({"Key": key, "LastModified": version.last_modified}),
    };
    shown["VersionId"] = version.version_id.as_str().into();
    shown["IsLatest"] = is_latest.into();
    shown["Owner"] = json!({"ID": OWNER});
    shown
}
