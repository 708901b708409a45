//! PutObject (S3 API Reference, PutObject).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::json;

use super::bucket::Bucket;
use super::encryption::{AES, is_kms, key_arn};
use super::input::Target;
use super::object::{check_key_length, no_key, precondition_failed};
use super::version::{Checksums, Headers, Stored, Version};
use super::{Answer, Cx, find, find_mut, invalid_argument};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::Tags;

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
    #[serde(default)]
    metadata: Tags,
    server_side_encryption: Option<String>,
    #[serde(rename = "SSEKMSKeyId")]
    kms_key: Option<String>,
    bucket_key_enabled: Option<bool>,
    storage_class: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    #[serde(rename = "ChecksumAlgorithm")]
    _checksum_algorithm: Option<String>,
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
            return Err(invalid_argument(
                "The header x-amz-server-side-encryption-aws-kms-key-id needs x-amz-server-side-encryption: aws:kms.",
            ));
        }
        None => (rule.algorithm(), rule.key()),
    };
    if !is_kms(algorithm) {
        return match (algorithm, key) {
            (AES, None) => Ok(Encrypted { algorithm: AES.to_owned(), key: None, bucket_key: None }),
            _ => Err(invalid_argument(format!(
                "The encryption {algorithm} does not fit what is given with it."
            ))),
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

/// S3 User Guide, "How to prevent object overwrites with conditional writes".
fn check_conditions(bucket: &Bucket, given: &PutObject) -> Result<(), Refusal> {
    let etag = bucket.newest(&given.key).map(|(_, object)| object.etag.trim_matches('"').to_owned());
    match (&given.if_none_match, &given.if_match) {
        (Some(condition), _) if condition != "*" => {
            Err(Refusal::new("NotImplemented", "If-None-Match takes * alone.").with_status(501))
        }
        (Some(_), _) if etag.is_some() => Err(precondition_failed()),
        (None, Some(wanted)) => match etag {
            None => Err(no_key()),
            Some(etag) if etag == wanted.trim_matches('"') => Ok(()),
            Some(_) => Err(precondition_failed()),
        },
        _ => Ok(()),
    }
}

fn check_body(given: &PutObject, bytes: &[u8], digest: &[u8]) -> Result<(), Refusal> {
    if given.content_length.is_some_and(|length| length != bytes.len()) {
        let message = "You did not provide the number of bytes specified by the Content-Length HTTP header.";
        return Err(Refusal::new("IncompleteBody", message));
    }
    match given.content_md5.as_ref().is_some_and(|md5| *md5 != STANDARD.encode(digest)) {
        true => {
            Err(Refusal::new("BadDigest", "The Content-MD5 you specified did not match what we received."))
        }
        false => Ok(()),
    }
}

/// What is checked before the body is looked at.
fn check(bucket: &Bucket, given: &PutObject) -> Result<(), Refusal> {
    check_key_length(&given.key)?;
    check_acl(bucket, given.acl.as_deref())?;
    if let Some(class) = given.storage_class.as_deref().filter(|class| *class != "STANDARD") {
        let message = format!("The emulator does not model the storage class {class}.");
        return Err(Refusal::new("InvalidStorageClass", message));
    }
    if given.metadata.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > METADATA {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Refusal::new("MetadataTooLarge", message));
    }
    check_conditions(bucket, given)
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutObject = call.input()?;
    let target =
        Target { bucket: given.bucket.clone(), expected_bucket_owner: given.expected_bucket_owner.clone() };
    let bucket = find(cx, &target)?;
    check(bucket, &given)?;
    let bytes = STANDARD.decode(&given.body).map_err(|_| invalid_argument("The body cannot be read."))?;
    let digest = Md5::digest(&bytes);
    check_body(&given, &bytes, &digest)?;
    let encrypted = encryption(cx, bucket, &given)?;
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
    let object = stored(given, etag, encrypted, bytes.len());
    let bucket = find_mut(cx, &target)?;
    let mut answer = json!({
        "ETag": object.etag,
        "ServerSideEncryption": object.encryption,
        "SSEKMSKeyId": object.kms_key,
        "BucketKeyEnabled": object.bucket_key_enabled,
    });
    object.checksums.add_to(&mut answer);
    let version = Version { version_id, last_modified, object: Some(object) };
    answer["VersionId"] = version.shown_id(bucket).into();
    bucket.add(&key, version);
    Ok(answer)
}

fn stored(given: PutObject, etag: String, encrypted: Encrypted, content_length: usize) -> Stored {
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
            metadata: given.metadata,
        },
        checksums: Checksums {
            crc32: given.crc32,
            crc32c: given.crc32c,
            crc64: given.crc64,
            sha1: given.sha1,
            sha256: given.sha256,
        },
        body: given.body,
    }
}
