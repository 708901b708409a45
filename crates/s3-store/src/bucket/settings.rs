//! The settings of the bucket: what they are, what they are to be, and the call for each.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, LifecycleRule, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging,
    TransitionDefaultMinimumObjectSize, VersioningConfiguration,
};

use super::policy::{Says, Statements};
use super::{ADDRESS, BucketError, Look, PROJECT, STATE, StateBucket, lifecycle};
use crate::error::S3Error;
use crate::objects::tag;

/// One setting that differs.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which.
    pub what: &'static str,
    /// How it is.
    pub from: String,
    /// How it is to be.
    pub to: String,
    setting: Setting,
}

/// What is sent for it.
#[derive(Clone, Debug)]
enum Setting {
    PublicAccess,
    Ownership,
    Encryption(ServerSideEncryptionConfiguration),
    Versioning,
    Lifecycle(Vec<LifecycleRule>, Option<TransitionDefaultMinimumObjectSize>),
    Policy(String),
    Tags(Vec<Tag>),
}

impl Change {
    fn new(what: &'static str, from: impl Into<String>, to: impl Into<String>, setting: Setting) -> Self {
        Self { what, from: from.into(), to: to.into(), setting }
    }
}

/// Everything that a bucket has.
#[derive(Default)]
struct Live {
    public_access: Option<PublicAccessBlockConfiguration>,
    ownership: Option<ObjectOwnership>,
    encryption: Option<ServerSideEncryptionRule>,
    versioning: Option<BucketVersioningStatus>,
    lifecycle: Vec<LifecycleRule>,
    minimum_size: Option<TransitionDefaultMinimumObjectSize>,
    policy: Option<String>,
    tags: BTreeMap<String, String>,
}

fn blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build()
}

fn is_kms(default: &ServerSideEncryptionByDefault) -> bool {
    *default.sse_algorithm() != ServerSideEncryption::Aes256
}

/// What is sent, with what somebody else has set beside it.
fn encrypted(
    live: Option<&ServerSideEncryptionRule>,
    default: ServerSideEncryptionByDefault,
    bucket_key: bool,
) -> ServerSideEncryptionConfiguration {
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(bucket_key)
        .set_blocked_encryption_types(live.and_then(|rule| rule.blocked_encryption_types.clone()))
        .build();
    ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("a rule is given")
}

fn words(says: Says) -> String {
    let parts = [(says.tls, "requests without TLS"), (says.protect, "deleting the bucket and old versions")];
    let denied: Vec<&str> = parts.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    if denied.is_empty() { "denies nothing".to_owned() } else { format!("denies {}", denied.join(", and ")) }
}

/// One call of S3 about this bucket, sent until it is answered.
macro_rules! ask {
    ($self:ident, $operation:literal, $call:ident $(. $with:ident ($value:expr))*) => {
        $self.insist($operation, || async {
            let call = $self.objects.client.$call().bucket(&$self.wish.name);
            let call = call.expected_bucket_owner(&$self.wish.account_id) $(.$with($value.clone()))*;
            call.send().await.map_err(|error| $self.objects.failed($operation, error))
        }).await
    };
}

/// `None` where the setting was never made, which S3 answers with an error of its own.
fn made<T>(answer: Result<T, S3Error>) -> Result<Option<T>, S3Error> {
    match answer {
        Err(error)
            if matches!(
                error.code(),
                "NoSuchPublicAccessBlockConfiguration"
                    | "OwnershipControlsNotFoundError"
                    | "ServerSideEncryptionConfigurationNotFoundError"
                    | "NoSuchLifecycleConfiguration"
                    | "NoSuchBucketPolicy"
                    | "NoSuchTagSet"
            ) =>
        {
            Ok(None)
        }
        answer => answer.map(Some),
    }
}

impl StateBucket {
    pub(super) async fn look_at_settings(&self) -> Result<Look, BucketError> {
        let wish = &self.wish;
        let live = self.live().await?;
        for (tag, wanted) in [(PROJECT, wish.project.as_str()), (ADDRESS, STATE)] {
            if let Some(found) = live.tags.get(tag).filter(|found| *found != wanted) {
                let (bucket, found, wanted) = (wish.name.clone(), found.clone(), wanted.to_owned());
                return Err(BucketError::Another { bucket, tag, found, wanted });
            }
        }
        if let Some((rule, what)) = lifecycle::threat(&live.lifecycle, &wish.prefix) {
            return Err(BucketError::Expires { bucket: wish.name.clone(), rule, what });
        }
        let is_ours = live.tags.contains_key(PROJECT) && live.tags.contains_key(ADDRESS);
        let is_empty = self.objects.first_keys("", 1).await?.is_empty();
        Ok(Look { exists: true, is_ours, is_empty, changes: self.changes(&live)? })
    }

    /// Of a bucket that is not there yet.
    pub(super) fn all_changes(&self) -> Vec<Change> {
        let live = Live { tags: self.wish.all_tags(), ..Live::default() };
        self.changes(&live).expect("there is no policy that could be wrong")
    }

    async fn live(&self) -> Result<Live, S3Error> {
        let access = made(ask!(self, "GetPublicAccessBlock", get_public_access_block))?;
        let ownership = made(ask!(self, "GetBucketOwnershipControls", get_bucket_ownership_controls))?;
        let encryption = made(ask!(self, "GetBucketEncryption", get_bucket_encryption))?;
        let versioning = ask!(self, "GetBucketVersioning", get_bucket_versioning)?;
        let lifecycle =
            made(ask!(self, "GetBucketLifecycleConfiguration", get_bucket_lifecycle_configuration))?;
        let policy = made(ask!(self, "GetBucketPolicy", get_bucket_policy))?;
        let tags = made(ask!(self, "GetBucketTagging", get_bucket_tagging))?;
        let (lifecycle, minimum_size) = lifecycle
            .map(|answer| (answer.rules.unwrap_or_default(), answer.transition_default_minimum_object_size))
            .unwrap_or_default();
        let ownership = ownership.and_then(|answer| answer.ownership_controls);
        let encryption = encryption.and_then(|answer| answer.server_side_encryption_configuration);
        Ok(Live {
            public_access: access.and_then(|answer| answer.public_access_block_configuration),
            ownership: ownership
                .and_then(|controls| Some(controls.rules().first()?.object_ownership.clone())),
            encryption: encryption.and_then(|encryption| encryption.rules().first().cloned()),
            versioning: versioning.status,
            lifecycle,
            minimum_size,
            policy: policy.and_then(|answer| answer.policy),
            tags: tags
                .map(|answer| answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
                .unwrap_or_default(),
        })
    }

    /// What differs. First what keeps others out, last the tags: a bucket without them is asked about again.
    fn changes(&self, live: &Live) -> Result<Vec<Change>, BucketError> {
        let wish = &self.wish;
        let mut changes = Vec::new();
        if live.public_access.as_ref() != Some(&blocked()) {
            changes.push(Change::new(
                "public access",
                "not all blocked",
                "all blocked",
                Setting::PublicAccess,
            ));
        }
        if live.ownership != Some(ObjectOwnership::BucketOwnerEnforced) {
            let from = live.ownership.as_ref().map_or("not set", ObjectOwnership::as_str);
            changes.push(Change::new("ownership", from, "BucketOwnerEnforced", Setting::Ownership));
        }
        changes.extend(self.encryption(live.encryption.as_ref()));
        if live.versioning != Some(BucketVersioningStatus::Enabled) {
            let from = live.versioning.as_ref().map_or("off", BucketVersioningStatus::as_str);
            changes.push(Change::new("versioning", from, "Enabled", Setting::Versioning));
        }
        if let Some(rules) = lifecycle::changed(&live.lifecycle, wish.history_days) {
            let theirs = rules.len() - lifecycle::rules(wish.history_days).len();
            let old = lifecycle::history_days(&live.lifecycle).and_then(|days| u32::try_from(days).ok());
            let days = wish.history_days;
            let from = match old {
                Some(old) if old == days => {
                    format!("history expires after {old} days, other rules otherwise")
                }
                Some(old) => format!("history expires after {old} days"),
                None if live.lifecycle.is_empty() => "no rules".to_owned(),
                None => "other rules".to_owned(),
            };
            let others = if theirs > 0 { format!("; {theirs} rules of others stay") } else { String::new() };
            let goes = match old.is_some_and(|old| old > days) {
                true => format!(
                    "; HISTORY LOST: what is older than {days} days will be deleted, old versions included"
                ),
                false => String::new(),
            };
            let to = format!(
                "history expires after {days} days, old versions of snapshots after 90, of locks after 1, incomplete uploads after \
                 7{others}{goes}"
            );
            changes.push(Change::new(
                "lifecycle",
                from,
                to,
                Setting::Lifecycle(rules, live.minimum_size.clone()),
            ));
        }
        let statements = Statements { partition: &wish.partition, bucket: &wish.name, protect: wish.protect };
        let (says, changed) = statements
            .changed(live.policy.as_deref())
            .map_err(|reason| BucketError::Policy { bucket: wish.name.clone(), reason })?;
        if let Some((wanted, text)) = changed {
            changes.push(Change::new("policy", words(says), words(wanted), Setting::Policy(text)));
        }
        // Environments that have tags of their own share the bucket: what people see is set once.
        let is_missing = |(key, value): &(String, String)| match live.tags.get(key) {
            None => true,
            Some(live) => !wish.tags.contains_key(key) && live != value,
        };
        let missing: Vec<(String, String)> = wish.all_tags().into_iter().filter(is_missing).collect();
        if !missing.is_empty() {
            // The call replaces all tags.
            let mut all = live.tags.clone();
            all.extend(missing.iter().cloned());
            let all = all.iter().map(|(key, value)| tag(key, value)).collect();
            let shown = |pairs: &[(String, String)]| {
                pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
            };
            let before: Vec<(String, String)> = missing
                .iter()
                .map(|(key, _)| {
                    (key.clone(), live.tags.get(key).map_or("not set", String::as_str).to_owned())
                })
                .collect();
            changes.push(Change::new("tags", shown(&before), shown(&missing), Setting::Tags(all)));
        }
        Ok(changes)
    }

    /// Nothing is asked for unless a key is configured: S3 encrypts all objects, and a key that somebody chose stays, as long as it
    /// can be used.
    fn encryption(&self, live: Option<&ServerSideEncryptionRule>) -> Option<Change> {
        let default = live.and_then(|rule| rule.apply_server_side_encryption_by_default());
        let from = match default {
            None => "SSE-S3".to_owned(),
            Some(default) => match default.kms_master_key_id() {
                Some(key) => format!("{} with {key}", default.sse_algorithm().as_str()),
                None => default.sse_algorithm().as_str().to_owned(),
            },
        };
        let Some(key) = self.wish.kms_key_arn.as_ref() else {
            let code = self.wish.unusable_key.as_ref().filter(|_| default.is_some_and(is_kms))?;
            let from = format!("{from}, which cannot be used ({code})");
            let to = "SSE-S3; what is encrypted with that key stays unreadable until it can be used again";
            let default =
                ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
            let default = default.build().expect("an algorithm is given");
            return Some(Change::new(
                "encryption",
                from,
                to,
                Setting::Encryption(encrypted(live, default, false)),
            ));
        };
        let is_key = default.and_then(ServerSideEncryptionByDefault::kms_master_key_id) == Some(key);
        let is_bucket_key = live.and_then(ServerSideEncryptionRule::bucket_key_enabled) == Some(true);
        if is_key && is_bucket_key {
            return None;
        }
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::AwsKms)
            .kms_master_key_id(key)
            .build()
            .expect("an algorithm is given");
        let all = encrypted(live, default, true);
        let from = if is_key { format!("{from}, without a bucket key") } else { from };
        let to = format!("aws:kms with {key} and a bucket key");
        Some(Change::new("encryption", from, to, Setting::Encryption(all)))
    }

    /// Whether the bucket encrypts with a key of KMS by default.
    pub(super) async fn has_key(&self) -> Result<bool, BucketError> {
        let answer = made(ask!(self, "GetBucketEncryption", get_bucket_encryption))?;
        let encryption = answer.and_then(|answer| answer.server_side_encryption_configuration);
        let rule = encryption.as_ref().and_then(|encryption| encryption.rules().first());
        let default = rule.and_then(ServerSideEncryptionRule::apply_server_side_encryption_by_default);
        Ok(default.is_some_and(is_kms))
    }

    /// Makes one change. May be done again.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn make(&self, change: &Change) -> Result<(), BucketError> {
        match &change.setting {
            Setting::PublicAccess => {
                let block = blocked();
                ask!(
                    self,
                    "PutPublicAccessBlock",
                    put_public_access_block.public_access_block_configuration(block)
                )
                .map(drop)
            }
            Setting::Ownership => {
                let rule = OwnershipControlsRule::builder()
                    .object_ownership(ObjectOwnership::BucketOwnerEnforced)
                    .build()
                    .expect("an owner is given");
                let controls = OwnershipControls::builder().rules(rule).build().expect("a rule is given");
                ask!(
                    self,
                    "PutBucketOwnershipControls",
                    put_bucket_ownership_controls.ownership_controls(controls)
                )
                .map(drop)
            }
            Setting::Encryption(all) => ask!(
                self,
                "PutBucketEncryption",
                put_bucket_encryption.server_side_encryption_configuration(all)
            )
            .map(drop),
            Setting::Versioning => {
                let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
                ask!(self, "PutBucketVersioning", put_bucket_versioning.versioning_configuration(on))
                    .map(drop)
            }
            Setting::Lifecycle(rules, minimum_size) => {
                let all = BucketLifecycleConfiguration::builder().set_rules(Some(rules.clone()));
                let all = all.build().expect("rules are given");
                ask!(
                    self,
                    "PutBucketLifecycleConfiguration",
                    put_bucket_lifecycle_configuration
                        .lifecycle_configuration(all)
                        .set_transition_default_minimum_object_size(minimum_size)
                )
                .map(drop)
            }
            Setting::Policy(text) => ask!(self, "PutBucketPolicy", put_bucket_policy.policy(text)).map(drop),
            Setting::Tags(all) => {
                let tagging =
                    Tagging::builder().set_tag_set(Some(all.clone())).build().expect("tags are given");
                ask!(self, "PutBucketTagging", put_bucket_tagging.tagging(tagging)).map(drop)
            }
        }
        .map_err(BucketError::from)
    }
}
