//! What the requests about buckets have in common.

use serde::Deserialize;

use super::access_denied;
use crate::emulator::ACCOUNT_ID;
use crate::request::Call;
use crate::response::Refusal;

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
    pub(super) fn check_owner(&self) -> Result<(), Refusal> {
        match self.expected_bucket_owner.as_deref() {
            None | Some(ACCOUNT_ID) => Ok(()),
            Some(_) => Err(access_denied("Access Denied")),
        }
    }
}
