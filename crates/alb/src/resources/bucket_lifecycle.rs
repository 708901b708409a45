//! The lifecycle rules of a bucket: what becomes of objects with time.
//!
//! What is never declared is here because somebody may set it, and because of what it does. A rule that holds for some
//! objects only, or keeps the newest old versions whatever their age, lets the others stay for ever; and what has moved to another
//! storage class may take hours to read, or costs more to read than to keep. All of it is drift, and so is a rule of somebody else,
//! which may delete logs earlier. How small an object may be to be moved says nothing where nothing is moved, and is not kept.

use aws::{count, count_or_zero, number};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload as LiveAbort, BucketLifecycleConfiguration, ExpirationStatus,
    LifecycleExpiration, LifecycleRule as LiveRule, LifecycleRuleAndOperator, LifecycleRuleFilter,
    NoncurrentVersionExpiration as LiveNoncurrent, NoncurrentVersionTransition as LiveOldTransition, Tag,
    Transition as LiveTransition, TransitionStorageClass,
};
use serde::{Deserialize, Serialize};

/// What becomes of objects with time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LifecycleConfiguration {
    /// The rules. All hold.
    pub rules: Vec<LifecycleRule>,
}

/// One rule, for all objects of the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How the keys of the only objects begin that it holds for. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The tags of the only objects that it holds for. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_filters: Vec<TagFilter>,
    /// It holds only for objects of more bytes. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_size_greater_than: Option<i64>,
    /// It holds only for objects of fewer bytes. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_size_less_than: Option<i64>,
    /// When objects move to other storage classes. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    /// When old versions do. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noncurrent_version_transitions: Vec<NoncurrentVersionTransition>,
}

/// A tag that objects need for a rule to hold for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TagFilter {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// When old versions are deleted for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NoncurrentVersionExpiration {
    /// So many days after they became old.
    pub noncurrent_days: u32,
    /// How many of an object's are kept for ever. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_noncurrent_versions: Option<u32>,
}

/// When the parts of an upload that was never ended are deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AbortIncompleteMultipartUpload {
    /// So many days after its begin.
    pub days_after_initiation: u32,
}

/// When objects move to another storage class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Transition {
    /// The class.
    pub storage_class: String,
    /// After so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition_in_days: Option<u32>,
    /// On this day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition_date: Option<String>,
}

/// When old versions move to another storage class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NoncurrentVersionTransition {
    /// The class.
    pub storage_class: String,
    /// So many days after they became old.
    pub transition_in_days: u32,
    /// How many of an object's never move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_noncurrent_versions: Option<u32>,
}

impl NoncurrentVersionExpiration {
    /// All, so many days after they became old.
    #[must_use]
    pub fn of_days(days: u32) -> Self {
        Self { noncurrent_days: days, newer_noncurrent_versions: None }
    }
}

/// Which objects a rule holds for. S3 has three places for it: the rule itself, as of old, the filter, and what must hold
/// together in the filter.
#[derive(Default)]
struct Narrowed {
    prefix: Option<String>,
    tags: Vec<TagFilter>,
    greater_than: Option<i64>,
    less_than: Option<i64>,
}

impl Narrowed {
    fn from_live(live: &LiveRule) -> Self {
        #[expect(deprecated, reason = "S3 still shows it where somebody said it so")]
        let of_rule = live.prefix();
        let filter = live.filter();
        let both = filter.and_then(LifecycleRuleFilter::and);
        let prefixes = [
            of_rule,
            filter.and_then(LifecycleRuleFilter::prefix),
            both.and_then(LifecycleRuleAndOperator::prefix),
        ];
        let tags = filter.and_then(LifecycleRuleFilter::tag).into_iter();
        let tags = tags.chain(both.map(LifecycleRuleAndOperator::tags).unwrap_or_default());
        let tag = |tag: &Tag| TagFilter { key: tag.key().to_owned(), value: tag.value().to_owned() };
        let size = |filtered: fn(&LifecycleRuleFilter) -> Option<i64>,
                    together: fn(&LifecycleRuleAndOperator) -> Option<i64>| {
            filter.and_then(filtered).or_else(|| both.and_then(together))
        };
        Self {
            // An empty one is every object.
            prefix: prefixes.into_iter().flatten().find(|prefix| !prefix.is_empty()).map(str::to_owned),
            tags: tags.map(tag).collect(),
            greater_than: size(
                LifecycleRuleFilter::object_size_greater_than,
                LifecycleRuleAndOperator::object_size_greater_than,
            ),
            less_than: size(
                LifecycleRuleFilter::object_size_less_than,
                LifecycleRuleAndOperator::object_size_less_than,
            ),
        }
    }
}

fn class_of(class: Option<&TransitionStorageClass>) -> String {
    class.map(TransitionStorageClass::as_str).unwrap_or_default().to_owned()
}

/// A date as CloudFormation writes it.
fn text_of(date: &DateTime) -> String {
    // Every date that S3 can send has such a text.
    date.fmt(DateTimeFormat::DateTime).unwrap_or_else(|_| date.secs().to_string())
}

impl Transition {
    fn from_live(live: &LiveTransition) -> Self {
        Self {
            storage_class: class_of(live.storage_class()),
            transition_in_days: live.days().map(count),
            transition_date: live.date().map(text_of),
        }
    }
}

impl NoncurrentVersionTransition {
    fn from_live(live: &LiveOldTransition) -> Self {
        Self {
            storage_class: class_of(live.storage_class()),
            transition_in_days: count_or_zero(live.noncurrent_days()),
            newer_noncurrent_versions: live.newer_noncurrent_versions().map(count),
        }
    }
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
        let noncurrent = live.noncurrent_version_expiration();
        let newer = noncurrent.and_then(LiveNoncurrent::newer_noncurrent_versions);
        let abort = live.abort_incomplete_multipart_upload().and_then(|abort| abort.days_after_initiation());
        let narrowed = Narrowed::from_live(live);
        let old = live.noncurrent_version_transitions();
        Self {
            id: live.id().unwrap_or_default().to_owned(),
            status: live.status().as_str().to_owned(),
            expiration_in_days: count_or_zero(expiration),
            noncurrent_version_expiration: NoncurrentVersionExpiration {
                noncurrent_days: count_or_zero(noncurrent.and_then(LiveNoncurrent::noncurrent_days)),
                newer_noncurrent_versions: newer.map(count),
            },
            abort_incomplete_multipart_upload: AbortIncompleteMultipartUpload {
                days_after_initiation: count_or_zero(abort),
            },
            prefix: narrowed.prefix,
            tag_filters: narrowed.tags,
            object_size_greater_than: narrowed.greater_than,
            object_size_less_than: narrowed.less_than,
            transitions: live.transitions().iter().map(Transition::from_live).collect(),
            noncurrent_version_transitions: old.iter().map(NoncurrentVersionTransition::from_live).collect(),
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
    fn rules_survive_the_way_to_s3_and_back() {
        let rule = LifecycleRule {
            id: "expire".to_owned(),
            status: "Enabled".to_owned(),
            expiration_in_days: 2557,
            noncurrent_version_expiration: NoncurrentVersionExpiration::of_days(30),
            abort_incomplete_multipart_upload: AbortIncompleteMultipartUpload { days_after_initiation: 7 },
            ..LifecycleRule::default()
        };
        let lifecycle = LifecycleConfiguration { rules: vec![rule] };
        assert_eq!(LifecycleConfiguration::from_live(lifecycle.for_call().rules()), lifecycle);
    }
}
