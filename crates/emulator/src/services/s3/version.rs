//! Versions of objects.

use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::checksum::Checksums;
use super::settings::Versioning;
use crate::services::{IdSource, Tags};

/// The id of the version that a bucket has while versions are not kept.
pub(super) const NULL: &str = "null";

/// A version of an object, or a marker that it was deleted. Its public members are those of GetObject's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    pub(super) version_id: String,
    pub(super) last_modified: f64,
    #[serde(flatten)]
    pub(super) object: Option<Stored>,
}

/// What a version holds that is no delete marker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stored {
    #[serde(rename = "ETag")]
    pub(super) etag: String,
    pub(super) content_length: usize,
    #[serde(rename = "ServerSideEncryption")]
    pub(super) encryption: String,
    #[serde(rename = "SSEKMSKeyId", default, skip_serializing_if = "Option::is_none")]
    pub(super) kms_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bucket_key_enabled: Option<bool>,
    /// Unless it is `STANDARD`, which is not shown (S3 API Reference, GetObject, `StorageClass`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<String>,
    #[serde(flatten)]
    pub(super) headers: Headers,
    #[serde(rename = "_tags", default, skip_serializing_if = "Tags::is_empty")]
    pub(super) tags: Tags,
    #[serde(rename = "_checksums", default)]
    pub(super) checksums: Checksums,
    /// In base64.
    #[serde(rename = "_body")]
    pub(super) body: String,
}

/// What is sent along with an object and comes back with it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Headers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) website_redirect_location: Option<String>,
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub(super) metadata: Tags,
}

impl Version {
    pub(super) fn is_marker(&self) -> bool {
        self.object.is_none()
    }

    /// The id as answers show it: not in a bucket that never kept versions.
    pub(super) fn shown_id(&self, bucket: &Bucket) -> Option<&str> {
        bucket.versioning.map(|_| self.version_id.as_str())
    }
}

impl Bucket {
    /// The newest version of an object; `None` if it is deleted.
    pub(super) fn newest(&self, key: &str) -> Option<(&Version, &Stored)> {
        let version = self.objects.get(key)?.last()?;
        Some((version, version.object.as_ref()?))
    }

    /// Adds a version. It takes the place of the one without an id unless versions are kept
    /// (S3 User Guide, "How S3 Versioning works").
    pub(super) fn add(&mut self, key: &str, version: Version) {
        let versions = self.objects.entry(key.to_owned()).or_default();
        if version.version_id == NULL {
            versions.retain(|version| version.version_id != NULL);
        }
        versions.push(version);
    }

    /// The id of the next version.
    pub(super) fn next_id(&self, ids: &mut IdSource) -> String {
        match self.versioning {
            Some(Versioning::Enabled) => format!("{:016x}{:016x}", ids.number(), ids.number()),
            None | Some(Versioning::Suspended) => NULL.to_owned(),
        }
    }

    /// Removes a version for good.
    pub(super) fn remove(&mut self, key: &str, version_id: &str) -> Option<Version> {
        let versions = self.objects.get_mut(key)?;
        let at = versions.iter().position(|version| version.version_id == version_id)?;
        let removed = versions.remove(at);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        Some(removed)
    }
}
