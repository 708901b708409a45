//! The settings of a bucket, each with a call of its own to write it and one to read it.

use aws::{count_or_zero, number};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload as LiveAbort, BucketLifecycleConfiguration, BucketVersioningStatus,
    ExpirationStatus, LifecycleExpiration, LifecycleRule as LiveRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration as LiveNoncurrent, ObjectOwnership, OwnershipControls as LiveOwnership,
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

    pub(super) fn for_call(&self) -> LiveEncryption {
        let rule = |rule: &ServerSideEncryptionRule| {
            let rule = &rule.server_side_encryption_by_default;
            let by_default = LiveDefault::builder()
                .sse_algorithm(ServerSideEncryption::from(rule.sse_algorithm.as_str()))
                .set_kms_master_key_id(rule.kms_master_key_id.clone())
                .build()
                .expect("an algorithm is given");
            LiveEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build()
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

/// What becomes of objects with time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LifecycleConfiguration {
    /// The rules. All hold.
    pub rules: Vec<LifecycleRule>,
}

/// One rule, for all objects of the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LifecycleRule {
    /// Its name, unique in the bucket.
    pub id: String,
    /// `Enabled` or `Disabled`.
    pub status: String,
    /// After how many days an object is deleted; where there are versions, it is then an old one.
    pub expiration_in_days: u32,
    /// When old versions are deleted for good.
    pub noncurrent_version_expiration: NoncurrentVersionExpiration,
    /// When the parts of an upload that was never ended are deleted.
    pub abort_incomplete_multipart_upload: AbortIncompleteMultipartUpload,
}

/// When old versions are deleted for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NoncurrentVersionExpiration {
    /// So many days after they became old.
    pub noncurrent_days: u32,
}

/// When the parts of an upload that was never ended are deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AbortIncompleteMultipartUpload {
    /// So many days after its begin.
    pub days_after_initiation: u32,
}

impl LifecycleRule {
    fn for_call(&self) -> LiveRule {
        let expiration = LifecycleExpiration::builder().days(number(self.expiration_in_days)).build();
        let noncurrent_days = number(self.noncurrent_version_expiration.noncurrent_days);
        let abort_days = number(self.abort_incomplete_multipart_upload.days_after_initiation);
        LiveRule::builder()
            .id(&self.id)
            .status(ExpirationStatus::from(self.status.as_str()))
            // An empty prefix is every object.
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .expiration(expiration)
            .noncurrent_version_expiration(LiveNoncurrent::builder().noncurrent_days(noncurrent_days).build())
            .abort_incomplete_multipart_upload(LiveAbort::builder().days_after_initiation(abort_days).build())
            .build()
            .expect("a status is given")
    }

    /// What is not set is shown as 0 days, which nothing can be set to.
    fn from_live(live: &LiveRule) -> Self {
        let expiration = live.expiration().and_then(|expiration| expiration.days());
        let noncurrent =
            live.noncurrent_version_expiration().and_then(|expiration| expiration.noncurrent_days());
        let abort = live.abort_incomplete_multipart_upload().and_then(|abort| abort.days_after_initiation());
        Self {
            id: live.id().unwrap_or_default().to_owned(),
            status: live.status().as_str().to_owned(),
            expiration_in_days: count_or_zero(expiration),
            noncurrent_version_expiration: NoncurrentVersionExpiration {
                noncurrent_days: count_or_zero(noncurrent),
            },
            abort_incomplete_multipart_upload: AbortIncompleteMultipartUpload {
                days_after_initiation: count_or_zero(abort),
            },
        }
    }
}

impl LifecycleConfiguration {
    pub(super) fn for_call(&self) -> BucketLifecycleConfiguration {
        let rules = self.rules.iter().map(LifecycleRule::for_call).collect();
        BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().expect("rules are given")
    }

    pub(super) fn from_live(live: &[LiveRule]) -> Self {
        Self { rules: live.iter().map(LifecycleRule::from_live).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_the_way_to_s3_and_back() {
        let encryption = BucketEncryption::with_s3_keys();
        assert_eq!(BucketEncryption::from_live(Some(encryption.for_call())), encryption);
        let versioning = VersioningConfiguration::enabled();
        assert_eq!(VersioningConfiguration::from_live(versioning.for_call().status()), versioning);
        let block = PublicAccessBlockConfiguration {
            block_public_policy: false,
            ..PublicAccessBlockConfiguration::all()
        };
        assert_eq!(PublicAccessBlockConfiguration::from_live(Some(&block.for_call())), block);
        let ownership = OwnershipControls::bucket_owner();
        assert_eq!(OwnershipControls::from_live(Some(&ownership.for_call())), ownership);
        let rule = LifecycleRule {
            id: "expire".to_owned(),
            status: "Enabled".to_owned(),
            expiration_in_days: 2557,
            noncurrent_version_expiration: NoncurrentVersionExpiration { noncurrent_days: 30 },
            abort_incomplete_multipart_upload: AbortIncompleteMultipartUpload { days_after_initiation: 7 },
        };
        let lifecycle = LifecycleConfiguration { rules: vec![rule] };
        assert_eq!(LifecycleConfiguration::from_live(lifecycle.for_call().rules()), lifecycle);
    }

    #[test]
    fn a_bucket_without_settings_differs_from_one_that_has_them() {
        assert_eq!(VersioningConfiguration::from_live(None).status, "Unversioned");
        assert_eq!(BucketEncryption::from_live(None).server_side_encryption_configuration, []);
        assert!(!PublicAccessBlockConfiguration::from_live(None).block_public_acls);
        assert_eq!(OwnershipControls::from_live(None).rules, []);
    }
}
