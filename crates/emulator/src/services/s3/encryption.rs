//! How new objects are encrypted. Every bucket encrypts them since 2023, with keys of S3's own unless another kind is
//! asked for (S3 User Guide, "Setting default server-side encryption behavior for Amazon S3 buckets").

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::input::{Target, setting};
use super::problem::{bad_argument, invalid_argument, malformed_xml};
use super::{Answer, Cx, NOTHING, find, settled_mut};
use crate::services::kms::KeyProblem;
use crate::services::{Call, Refusal};

pub(super) const AES: &str = "AES256";

/// The one rule of a bucket: `ServerSideEncryptionRule` of the S3 API Reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Encryption {
    #[serde(rename = "ApplyServerSideEncryptionByDefault", default)]
    default: Algorithm,
    #[serde(default)]
    pub(super) bucket_key_enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked_encryption_types: Option<BlockedTypes>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Algorithm {
    #[serde(rename = "SSEAlgorithm")]
    name: String,
    #[serde(rename = "KMSMasterKeyID", default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BlockedTypes {
    encryption_type: Vec<String>,
}

impl Default for Algorithm {
    fn default() -> Self {
        Algorithm { name: AES.to_owned(), key: None }
    }
}

impl Encryption {
    pub(super) fn is_kms(&self) -> bool {
        is_kms(&self.default.name)
    }

    pub(super) fn algorithm(&self) -> &str {
        &self.default.name
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.default.key.as_deref()
    }
}

pub(super) fn is_kms(algorithm: &str) -> bool {
    algorithm == "aws:kms" || algorithm == "aws:kms:dsse"
}

/// The ARN of the key that an object is encrypted with (S3 API Reference, PutObject, `SSEKMSKeyId`).
pub(super) fn key_arn(cx: &Cx<'_>, key: Option<&str>) -> Result<String, Refusal> {
    match cx.r.kms.usable(key.unwrap_or("alias/aws/s3")) {
        Ok(key) if key.is_symmetric() => Ok(key.arn.clone()),
        Ok(key) => Err(Refusal::new(
            "KMS.InvalidKeyUsageException",
            format!("{} is not a symmetric encryption key.", key.arn),
        )),
        Err(problem) => Err(unusable(problem)),
    }
}

fn unusable(problem: KeyProblem) -> Refusal {
    let code = match problem {
        KeyProblem::NotFound => "KMS.NotFoundException",
        KeyProblem::Disabled => "KMS.DisabledException",
        KeyProblem::PendingDeletion => "KMS.KMSInvalidStateException",
    };
    Refusal::new(code, problem.to_string())
}

/// What an object is encrypted with is needed to read it (recorded from real AWS; S3 User Guide, "Using server-side
/// encryption with AWS KMS keys", permissions).
pub(super) fn check_readable(cx: &Cx<'_>, key: Option<&str>) -> Result<(), Refusal> {
    key.map_or(Ok(()), |key| cx.r.kms.usable(key).map(drop).map_err(unusable))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Configuration {
    rules: Vec<Encryption>,
}

/// Whether the key is there is not looked at before an object is put (S3 API Reference, PutBucketEncryption).
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target, configuration): (_, Configuration) = setting(call)?;
    let bucket = settled_mut(cx, &target)?;
    let [rule] = <[Encryption; 1]>::try_from(configuration.rules).map_err(|_| malformed_xml())?;
    match (rule.algorithm(), rule.key()) {
        (AES, Some(_)) => {
            let message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
            let refusal = invalid_argument(message);
            return Err(refusal.with_detail("ArgumentName", "ApplyServerSideEncryptionByDefault"));
        }
        (algorithm, _) if algorithm != AES && !is_kms(algorithm) => {
            let message = format!("{algorithm} is not for general purpose buckets.");
            return Err(bad_argument(message, "SSEAlgorithm", algorithm));
        }
        _ => {}
    }
    bucket.encryption = rule;
    NOTHING
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let rule = &find(cx, &target)?.encryption;
    Ok(json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}}))
}

/// The bucket goes back to S3's own keys.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    settled_mut(cx, &target)?.encryption = Encryption::default();
    NOTHING
}
