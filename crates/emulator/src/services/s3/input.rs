//! What the requests about buckets have in common.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::Deserialize;

use super::problem::access_denied;
use crate::services::{ACCOUNT_ID, Call, Refusal, ensure};

/// A bucket, and who is expected to own it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) bucket: String,
    pub(super) expected_bucket_owner: Option<String>,
}

/// A request that puts a setting. Each operation has a name of its own for what it puts.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put<T> {
    bucket: String,
    expected_bucket_owner: Option<String>,
    /// How the client guards the body on its way.
    #[serde(rename = "ChecksumAlgorithm")]
    _checksum_algorithm: Option<String>,
    /// [`check_digest`] has compared it.
    #[serde(rename = "ContentMD5")]
    _content_md5: Option<String>,
    #[serde(
        rename = "Policy",
        alias = "OwnershipControls",
        alias = "PublicAccessBlockConfiguration",
        alias = "ServerSideEncryptionConfiguration",
        alias = "Tagging",
        alias = "VersioningConfiguration"
    )]
    setting: T,
}

/// Reads a request that puts a setting.
pub(super) fn setting<T: serde::de::DeserializeOwned>(call: &Call) -> Result<(Target, T), Refusal> {
    let Put { bucket, expected_bucket_owner, setting, .. } = call.input()?;
    Ok((Target { bucket, expected_bucket_owner }, setting))
}

impl Target {
    /// What a request is for, whatever else it says.
    pub(super) fn of(call: &Call) -> Result<Target, Refusal> {
        let text = |name: &str| call.parameters[name].as_str().map(str::to_owned);
        let expected_bucket_owner = text("ExpectedBucketOwner");
        Ok(Target { bucket: text("Bucket").unwrap_or_default(), expected_bucket_owner })
    }

    pub(super) fn check_owner(&self) -> Result<(), Refusal> {
        match self.expected_bucket_owner.as_deref() {
            None | Some(ACCOUNT_ID) => Ok(()),
            Some(_) => Err(access_denied("Access Denied")),
        }
    }
}

/// The expected owner is an account, whatever the bucket is (recorded from real AWS).
pub(super) fn check_owner_id(call: &Call) -> Result<(), Refusal> {
    let is_account = |owner: &str| owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit());
    match call.parameters["ExpectedBucketOwner"].as_str() {
        Some(owner) if !is_account(owner) => {
            let message = format!(
                "The value of the expected bucket owner parameter must be an AWS account ID... [{owner}]"
            );
            Err(Refusal::new("InvalidBucketOwnerAWSAccountID", message))
        }
        _ => Ok(()),
    }
}

/// A digest that a client sends with a body is one, and it is that of the body (S3 API Reference, "Error responses",
/// `InvalidDigest` and `BadDigest`).
pub(super) fn check_md5(given: Option<&str>, body_digest: &[u8]) -> Result<(), Refusal> {
    let Some(given) = given else {
        return Ok(());
    };
    let digest = STANDARD.decode(given).ok().filter(|digest| digest.len() == body_digest.len());
    let Some(digest) = digest else {
        let refusal = Refusal::new("InvalidDigest", "The Content-MD5 you specified was invalid.");
        return Err(refusal.with_detail("Content-MD5", given));
    };
    ensure(digest == body_digest, || {
        let message = "The Content-MD5 you specified did not match what we received.";
        let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let refusal = Refusal::new("BadDigest", message).with_detail("ExpectedDigest", expected);
        refusal.with_detail("CalculatedDigest", STANDARD.encode(body_digest))
    })
}

/// The same for requests whose body is a document. Some have the digest in their model, and all may send it.
pub(super) fn check_digest(call: &Call) -> Result<(), Refusal> {
    match call.http.header("content-md5").filter(|_| call.operation != "PutObject") {
        None => Ok(()),
        given => check_md5(given, &Md5::digest(&call.http.body)),
    }
}
