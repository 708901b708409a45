//! PutObject (S3 API Reference, PutObject).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::json;

use super::bucket::Bucket;
use super::checksum::Checksums;
use super::conditions::check_write;
use super::encryption::{AES, is_kms, key_arn};
use super::input::{Target, check_md5};
use super::metadata;
use super::object::check_key_length;
use super::problem::{bad_argument, bad_storage_class, invalid_argument};
use super::version::{Headers, Stored, Version};
use super::{Answer, Cx, find, find_mut, tagging};
use crate::services::{Call, Refusal, Tags};

/// What an object may be stored as (S3 API Reference, PutObject, `StorageClass`, for general purpose buckets).
const CLASSES: [&str; 8] = [
    STANDARD_CLASS,
    "DEEP_ARCHIVE",
    "GLACIER",
    "GLACIER_IR",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
];

/// What it is stored as unless it is said.
pub(super) const STANDARD_CLASS: &str = "STANDARD";

/// Bytes of user-defined metadata (S3 User Guide, "Working with object metadata").
const METADATA: usize = 2048;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutObject {
    bucket: String,
    key: String,
    expected_bucket_owner: Option<String>,
    #[serde(default)]
    body: String,
    content_length: Option<usize>,
    #[serde(rename = "ContentMD5")]
    content_md5: Option<String>,
    #[serde(rename = "ACL")]
    acl: Option<String>,
    cache_control: Option<String>,
    content_disposition: Option<String>,
    content_encoding: Option<String>,
    content_language: Option<String>,
    content_type: Option<String>,
    expires: Option<String>,
    website_redirect_location: Option<String>,
    #[serde(default)]
    metadata: Tags,
    server_side_encryption: Option<String>,
    #[serde(rename = "SSEKMSKeyId")]
    kms_key: Option<String>,
    bucket_key_enabled: Option<bool>,
    storage_class: Option<String>,
    tagging: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    checksum_algorithm: Option<String>,
    #[serde(rename = "ChecksumCRC32")]
    crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C")]
    crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME")]
    crc64: Option<String>,
    #[serde(rename = "ChecksumSHA1")]
    sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256")]
    sha256: Option<String>,
}

/// How an object is encrypted.
struct Encrypted {
    algorithm: String,
    key: Option<String>,
    bucket_key: Option<bool>,
}

/// What the request says, or else what the bucket says.
fn encryption(cx: &Cx<'_>, bucket: &Bucket, given: &PutObject) -> Result<Encrypted, Refusal> {
    let rule = &bucket.encryption;
    let (algorithm, key) = match given.server_side_encryption.as_deref() {
        Some(algorithm) => (algorithm, given.kms_key.as_deref()),
        None if given.kms_key.is_some() => {
            let message = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
            return Err(bad_argument(message, "x-amz-server-side-encryption", "null"));
        }
        None => (rule.algorithm(), rule.key()),
    };
    if !is_kms(algorithm) {
        return match (algorithm, key) {
            (AES, None) => Ok(Encrypted { algorithm: AES.to_owned(), key: None, bucket_key: None }),
            (AES, Some(_)) => {
                let message = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
                Err(bad_argument(message, "x-amz-server-side-encryption", algorithm))
            }
            _ => {
                let message = "The encryption method specified is not supported";
                Err(bad_argument(message, "x-amz-server-side-encryption", algorithm))
            }
        };
    }
    let bucket_key = given.bucket_key_enabled.unwrap_or(rule.bucket_key_enabled);
    Ok(Encrypted {
        algorithm: algorithm.to_owned(),
        key: Some(key_arn(cx, key)?),
        bucket_key: bucket_key.then_some(true),
    })
}

/// Lists for others than the owner need objects that have lists (S3 User Guide, "Controlling ownership of objects and
/// disabling ACLs for your bucket").
fn check_acl(bucket: &Bucket, acl: Option<&str>) -> Result<(), Refusal> {
    match acl {
        None | Some("private" | "bucket-owner-full-control") => Ok(()),
        Some(_) if !bucket.has_acls() => {
            Err(Refusal::new("AccessControlListNotSupported", "The bucket does not allow ACLs"))
        }
        Some(acl) => {
            Err(Refusal::new("NotImplemented", format!("The emulator does not model the ACL {acl}."))
                .with_status(501))
        }
    }
}

fn check_body(given: &PutObject, bytes: &[u8], digest: &[u8]) -> Result<(), Refusal> {
    if given.content_length.is_some_and(|length| length != bytes.len()) {
        let message = "You did not provide the number of bytes specified by the Content-Length HTTP header.";
        return Err(Refusal::new("IncompleteBody", message));
    }
    check_md5(given.content_md5.as_deref(), digest)
}

/// What is checked before the body is looked at.
fn check(bucket: &Bucket, given: &PutObject) -> Result<(), Refusal> {
    check_key_length(&given.key)?;
    check_acl(bucket, given.acl.as_deref())?;
    if let Some(class) = given.storage_class.as_deref().filter(|class| !CLASSES.contains(class)) {
        return Err(bad_storage_class(class));
    }
    if let Some(place) = given.website_redirect_location.as_deref()
        && !["/", "http://", "https://"].iter().any(|start| place.starts_with(start))
    {
        let message = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
        return Err(Refusal::new("InvalidRedirectLocation", message));
    }
    let size = given.metadata.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    if size > METADATA {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        let refusal = Refusal::new("MetadataTooLarge", message).with_detail("Size", size.to_string());
        return Err(refusal.with_detail("MaxSizeAllowed", METADATA.to_string()));
    }
    check_write(bucket, &given.key, given.if_match.as_deref(), given.if_none_match.as_deref())
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutObject = call.input()?;
    let target =
        Target { bucket: given.bucket.clone(), expected_bucket_owner: given.expected_bucket_owner.clone() };
    let bucket = find(cx, &target)?;
    check(bucket, &given)?;
    let bytes = STANDARD.decode(&given.body).map_err(|_| invalid_argument("The body cannot be read."))?;
    let digest = Md5::digest(&bytes);
    let tags = tagging::of_header(given.tagging.as_deref())?;
    check_body(&given, &bytes, &digest)?;
    let encrypted = encryption(cx, bucket, &given)?;
    let checksums = given.checksums().of_body(given.checksum_algorithm.as_deref(), &bytes)?;
    let last_modified = cx.now_seconds().floor();
    let mut ids = cx.global.s3.ids;
    let version_id = bucket.next_id(&mut ids);
    let etag = match encrypted.key {
        // With a key of KMS it is no digest of the object (S3 API Reference, Object, `ETag`).
        Some(_) => format!("\"{:016x}{:016x}\"", ids.number(), ids.number()),
        None => format!("\"{}\"", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    };
    cx.global.s3.ids = ids;
    let key = given.key.clone();
    let object = stored(given, tags, etag, encrypted, bytes.len(), checksums);
    let bucket = find_mut(cx, &target)?;
    let mut answer = json!({
        "ETag": object.etag,
        "ServerSideEncryption": object.encryption,
        "SSEKMSKeyId": object.kms_key,
        "BucketKeyEnabled": object.bucket_key_enabled,
    });
    object.checksums.add_to(&mut answer);
    if let Some(lifecycle) = &bucket.lifecycle {
        answer["Expiration"] = json!(lifecycle.expiration(&key, last_modified, &object));
    }
    let version = Version { version_id, last_modified, object: Some(object) };
    // Where versions are not kept any more, the one without an id is not named (recorded from real AWS).
    answer["VersionId"] = json!(bucket.has_versioning().then_some(&version.version_id));
    bucket.add(&key, version);
    Ok(answer)
}

impl PutObject {
    fn checksums(&self) -> Checksums {
        Checksums {
            crc32: self.crc32.clone(),
            crc32c: self.crc32c.clone(),
            crc64: self.crc64.clone(),
            sha1: self.sha1.clone(),
            sha256: self.sha256.clone(),
        }
    }
}

fn stored(
    given: PutObject,
    tags: Tags,
    etag: String,
    encrypted: Encrypted,
    content_length: usize,
    checksums: Checksums,
) -> Stored {
    let metadata = given.metadata.into_iter().map(|(key, value)| (key, metadata::decoded(&value)));
    Stored {
        etag,
        content_length,
        encryption: encrypted.algorithm,
        kms_key: encrypted.key,
        bucket_key_enabled: encrypted.bucket_key,
        headers: Headers {
            cache_control: given.cache_control,
            content_disposition: given.content_disposition,
            content_encoding: given.content_encoding,
            content_language: given.content_language,
            content_type: Some(given.content_type.unwrap_or_else(|| "binary/octet-stream".to_owned())),
            expires: given.expires,
            website_redirect_location: given.website_redirect_location,
            metadata: metadata.collect(),
        },
        tags,
        storage_class: given.storage_class.filter(|class| class != STANDARD_CLASS),
        checksums,
        body: given.body,
    }
}
