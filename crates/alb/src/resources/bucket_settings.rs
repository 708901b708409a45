//! The settings of a bucket, each with a call of its own to write it and one to read it.

use aws_sdk_s3::types::{
    BucketVersioningStatus, ObjectOwnership, OwnershipControls as LiveOwnership,
    OwnershipControlsRule as LiveOwnershipRule, PublicAccessBlockConfiguration as LiveBlock,
    ServerSideEncryption, ServerSideEncryptionByDefault as LiveDefault,
    ServerSideEncryptionConfiguration as LiveEncryption, ServerSideEncryptionRule as LiveEncryptionRule,
    VersioningConfiguration as LiveVersioning,
};
use serde::{Deserialize, Serialize};

/// How objects are encrypted that come without an encryption of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct BucketEncryption {
    /// Exactly one.
    pub server_side_encryption_configuration: Vec<ServerSideEncryptionRule>,
}

/// One way to encrypt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServerSideEncryptionRule {
    /// The way.
    pub server_side_encryption_by_default: ServerSideEncryptionByDefault,
}

/// A way to encrypt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSideEncryptionByDefault {
    /// `AES256`: with keys of S3. Load balancers can write with no others.
    #[serde(rename = "SSEAlgorithm")]
    pub sse_algorithm: String,
    /// The key, where somebody chose one of KMS.
    #[serde(rename = "KMSMasterKeyID", default, skip_serializing_if = "Option::is_none")]
    pub kms_master_key_id: Option<String>,
}

impl BucketEncryption {
    /// With keys of S3.
    #[must_use]
    pub fn with_s3_keys() -> Self {
        let by_default =
            ServerSideEncryptionByDefault { sse_algorithm: "AES256".to_owned(), kms_master_key_id: None };
        let rule = ServerSideEncryptionRule { server_side_encryption_by_default: by_default };
        Self { server_side_encryption_configuration: vec![rule] }
    }

    /// What replaces the live encryption. Bucket keys, which only those of KMS need, and kinds of encryption that are blocked do no
    /// harm, and stay.
    pub(super) fn for_call(&self, live: Option<&LiveEncryption>) -> LiveEncryption {
        let live = live.and_then(|live| live.rules().first());
        let rule = |rule: &ServerSideEncryptionRule| {
            let rule = &rule.server_side_encryption_by_default;
            let by_default = LiveDefault::builder()
                .sse_algorithm(ServerSideEncryption::from(rule.sse_algorithm.as_str()))
                .set_kms_master_key_id(rule.kms_master_key_id.clone())
                .build()
                .expect("an algorithm is given");
            LiveEncryptionRule::builder()
                .apply_server_side_encryption_by_default(by_default)
                .set_bucket_key_enabled(live.and_then(LiveEncryptionRule::bucket_key_enabled))
                .set_blocked_encryption_types(live.and_then(|live| live.blocked_encryption_types.clone()))
                .build()
        };
        let rules = self.server_side_encryption_configuration.iter().map(rule).collect();
        LiveEncryption::builder().set_rules(Some(rules)).build().expect("rules are given")
    }

    pub(super) fn from_live(live: Option<LiveEncryption>) -> Self {
        let rule = |rule: LiveEncryptionRule| {
            let by_default = rule.apply_server_side_encryption_by_default?;
            let by_default = ServerSideEncryptionByDefault {
                sse_algorithm: by_default.sse_algorithm.as_str().to_owned(),
                kms_master_key_id: by_default.kms_master_key_id,
            };
            Some(ServerSideEncryptionRule { server_side_encryption_by_default: by_default })
        };
        let rules = live.map(|live| live.rules).unwrap_or_default();
        Self { server_side_encryption_configuration: rules.into_iter().filter_map(rule).collect() }
    }
}

/// Whether an object that is overwritten or deleted can be had back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VersioningConfiguration {
    /// `Enabled` or `Suspended`; `Unversioned` where it never was enabled, which cannot be had back.
    pub status: String,
}

impl VersioningConfiguration {
    /// It can.
    #[must_use]
    pub fn enabled() -> Self {
        Self { status: "Enabled".to_owned() }
    }

    pub(super) fn for_call(&self) -> LiveVersioning {
        LiveVersioning::builder().status(BucketVersioningStatus::from(self.status.as_str())).build()
    }

    pub(super) fn from_live(live: Option<&BucketVersioningStatus>) -> Self {
        Self { status: live.map_or("Unversioned", BucketVersioningStatus::as_str).to_owned() }
    }
}

/// What keeps a bucket from becoming public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PublicAccessBlockConfiguration {
    /// No new public access-control list.
    pub block_public_acls: bool,
    /// No new public policy.
    pub block_public_policy: bool,
    /// Public access-control lists do nothing.
    pub ignore_public_acls: bool,
    /// Public policies do nothing.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlockConfiguration {
    /// All of it (Security Hub S3.1, S3.8).
    #[must_use]
    pub fn all() -> Self {
        Self {
            block_public_acls: true,
            block_public_policy: true,
            ignore_public_acls: true,
            restrict_public_buckets: true,
        }
    }

    pub(super) fn for_call(&self) -> LiveBlock {
        LiveBlock::builder()
            .block_public_acls(self.block_public_acls)
            .block_public_policy(self.block_public_policy)
            .ignore_public_acls(self.ignore_public_acls)
            .restrict_public_buckets(self.restrict_public_buckets)
            .build()
    }

    pub(super) fn from_live(live: Option<&LiveBlock>) -> Self {
        let is = |flag: fn(&LiveBlock) -> Option<bool>| live.and_then(flag).unwrap_or_default();
        Self {
            block_public_acls: is(LiveBlock::block_public_acls),
            block_public_policy: is(LiveBlock::block_public_policy),
            ignore_public_acls: is(LiveBlock::ignore_public_acls),
            restrict_public_buckets: is(LiveBlock::restrict_public_buckets),
        }
    }
}

/// Whose the objects are that others write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OwnershipControls {
    /// At most one.
    pub rules: Vec<OwnershipControlsRule>,
}

/// Whose the objects are that others write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OwnershipControlsRule {
    /// `BucketOwnerEnforced`: the bucket owner's, and access-control lists are off.
    pub object_ownership: String,
}

impl OwnershipControls {
    /// The bucket owner's (Security Hub S3.12).
    #[must_use]
    pub fn bucket_owner() -> Self {
        Self { rules: vec![OwnershipControlsRule { object_ownership: "BucketOwnerEnforced".to_owned() }] }
    }

    pub(super) fn for_call(&self) -> LiveOwnership {
        let rule = |rule: &OwnershipControlsRule| {
            let ownership = ObjectOwnership::from(rule.object_ownership.as_str());
            LiveOwnershipRule::builder().object_ownership(ownership).build().expect("an owner is given")
        };
        let rules = self.rules.iter().map(rule).collect();
        LiveOwnership::builder().set_rules(Some(rules)).build().expect("rules are given")
    }

    pub(super) fn from_live(live: Option<&LiveOwnership>) -> Self {
        let rule = |rule: &LiveOwnershipRule| OwnershipControlsRule {
            object_ownership: rule.object_ownership().as_str().to_owned(),
        };
        Self { rules: live.map(|live| live.rules().iter().map(rule).collect()).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_the_way_to_s3_and_back() {
        let encryption = BucketEncryption::with_s3_keys();
        assert_eq!(BucketEncryption::from_live(Some(encryption.for_call(None))), encryption);
        let versioning = VersioningConfiguration::enabled();
        assert_eq!(VersioningConfiguration::from_live(versioning.for_call().status()), versioning);
        let block = PublicAccessBlockConfiguration {
            block_public_policy: false,
            ..PublicAccessBlockConfiguration::all()
        };
        assert_eq!(PublicAccessBlockConfiguration::from_live(Some(&block.for_call())), block);
        let ownership = OwnershipControls::bucket_owner();
        assert_eq!(OwnershipControls::from_live(Some(&ownership.for_call())), ownership);
    }

    #[test]
    fn a_bucket_without_settings_differs_from_one_that_has_them() {
        assert_eq!(VersioningConfiguration::from_live(None).status, "Unversioned");
        assert_eq!(BucketEncryption::from_live(None).server_side_encryption_configuration, []);
        assert!(!PublicAccessBlockConfiguration::from_live(None).block_public_acls);
        assert_eq!(OwnershipControls::from_live(None).rules, []);
    }
}
