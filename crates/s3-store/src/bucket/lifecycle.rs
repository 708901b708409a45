//! What becomes of objects with time.
//!
//! The rules go by the tag `stack:kept`, so that each kind of object has the one rule that is about it: where two rules hold for an
//! object, S3 takes the shorter time, and a rule for all old versions would remove those of the history early (S3 User Guide,
//! "Conflicting lifecycle actions"). What has no tag, such as the first segment of a journal, never expires. Delete markers and
//! multipart uploads cannot be chosen by tags, and have a rule for the whole bucket.

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, Tag, TransitionStorageClass,
};

use crate::objects::{KEPT, tag};

/// Days that a snapshot can be had back that a later one has replaced.
const SNAPSHOT_DAYS: i32 = 90;

/// Days after which a multipart upload that nobody ended is thrown away.
const UPLOAD_DAYS: i32 = 7;

/// What the names of our rules begin with.
const OURS: &str = "stack-";

fn rule(id: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    LifecycleRule::builder().id(format!("{OURS}{id}")).status(ExpirationStatus::Enabled)
}

fn tagged(value: &str) -> LifecycleRuleFilter {
    LifecycleRuleFilter::builder().tag(tag(KEPT, value)).build()
}

fn old(days: i32) -> NoncurrentVersionExpiration {
    NoncurrentVersionExpiration::builder().noncurrent_days(days).build()
}

/// Our rules.
pub(super) fn rules(history_days: u32) -> Vec<LifecycleRule> {
    let history_days = i32::try_from(history_days).unwrap_or(i32::MAX);
    let history = rule("history")
        .filter(tagged("history"))
        .expiration(LifecycleExpiration::builder().days(history_days).build())
        .noncurrent_version_expiration(old(history_days));
    let lock = rule("lock").filter(tagged("lock")).noncurrent_version_expiration(old(1));
    let snapshot = rule("state").filter(tagged("state")).noncurrent_version_expiration(old(SNAPSHOT_DAYS));
    let rest = rule("rest")
        // An empty prefix is every object.
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build())
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(UPLOAD_DAYS).build(),
        );
    [history, lock, snapshot, rest].map(|rule| rule.build().expect("a status is given")).into()
}

/// After how many days history expires by the live rules, if one of ours says so.
pub(super) fn history_days(live: &[LifecycleRule]) -> Option<i32> {
    let ours = format!("{OURS}history");
    let rule =
        live.iter().find(|rule| rule.id() == Some(&ours) && *rule.status() == ExpirationStatus::Enabled)?;
    rule.expiration()?.days()
}

fn is_ours(rule: &LifecycleRule) -> bool {
    rule.id().is_some_and(|id| rules(1).iter().any(|ours| ours.id() == Some(id)))
}

/// What there is to be instead of the live rules; `None` if they are right. Those of others stay.
pub(super) fn changed(live: &[LifecycleRule], history_days: u32) -> Option<Vec<LifecycleRule>> {
    let wanted = rules(history_days);
    let is_right = |wanted: &LifecycleRule| {
        live.iter().any(|live| live.id() == wanted.id() && Plain::of(live) == Plain::of(wanted))
    };
    if wanted.iter().all(is_right) {
        return None;
    }
    let theirs = live.iter().filter(|rule| !is_ours(rule)).cloned().map(in_present_form);
    Some(theirs.chain(wanted).collect())
}

/// S3 refuses rules in the form of old times, with a prefix beside no filter, together with those that have a filter.
#[expect(deprecated, reason = "what others wrote is taken as it is")]
fn in_present_form(mut rule: LifecycleRule) -> LifecycleRule {
    if let (None, Some(prefix)) = (&rule.filter, rule.prefix.take()) {
        rule.filter = Some(LifecycleRuleFilter::builder().prefix(prefix).build());
    }
    rule
}

/// The first rule of somebody else that would delete a state below this prefix, or make it unreadable.
pub(super) fn threat(live: &[LifecycleRule], prefix: &str) -> Option<(String, &'static str)> {
    let prefix = format!("{prefix}/");
    let theirs = live.iter().filter(|rule| !is_ours(rule) && *rule.status() == ExpirationStatus::Enabled);
    let mut reaching = theirs.filter(|rule| {
        let plain = Plain::of(rule);
        let reaches = plain.prefix.starts_with(&prefix) || prefix.starts_with(&plain.prefix);
        // Our objects have no tag but that one.
        reaches && plain.tags.iter().all(|(key, _)| key == KEPT)
    });
    reaching.find_map(|rule| {
        let expires = rule.expiration().is_some_and(|it| it.days().is_some() || it.date().is_some());
        // Objects in these classes have to be restored before they can be read.
        let archives = rule.transitions().iter().any(|transition| {
            matches!(
                transition.storage_class(),
                Some(TransitionStorageClass::Glacier | TransitionStorageClass::DeepArchive)
            )
        });
        let what = if expires { "delete" } else { "archive" };
        (expires || archives).then(|| (rule.id().unwrap_or("without a name").to_owned(), what))
    })
}

/// What a rule means, however it is written.
#[derive(Debug, PartialEq)]
struct Plain {
    is_enabled: bool,
    prefix: String,
    tags: Vec<(String, String)>,
    days: Option<i32>,
    is_dated: bool,
    removes_markers: bool,
    old_days: Option<i32>,
    newer_kept: Option<i32>,
    upload_days: Option<i32>,
    /// What none of ours has.
    more: bool,
}

impl Plain {
    #[expect(deprecated, reason = "what others wrote is taken as it is")]
    fn of(rule: &LifecycleRule) -> Self {
        let filter = rule.filter();
        let both = filter.and_then(LifecycleRuleFilter::and);
        let prefixes = [
            rule.prefix(),
            filter.and_then(LifecycleRuleFilter::prefix),
            both.and_then(LifecycleRuleAndOperator::prefix),
        ];
        let tags = filter.and_then(LifecycleRuleFilter::tag).into_iter();
        let tags = tags.chain(both.map(LifecycleRuleAndOperator::tags).unwrap_or_default());
        let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
        let sizes = [
            filter.and_then(LifecycleRuleFilter::object_size_greater_than),
            filter.and_then(LifecycleRuleFilter::object_size_less_than),
            both.and_then(LifecycleRuleAndOperator::object_size_greater_than),
            both.and_then(LifecycleRuleAndOperator::object_size_less_than),
        ];
        let expiration = rule.expiration();
        let noncurrent = rule.noncurrent_version_expiration();
        Self {
            is_enabled: *rule.status() == ExpirationStatus::Enabled,
            prefix: prefixes.into_iter().flatten().collect(),
            tags: tags.map(pair).collect(),
            days: expiration.and_then(LifecycleExpiration::days).filter(|days| *days > 0),
            is_dated: expiration.is_some_and(|it| it.date().is_some()),
            removes_markers: expiration.and_then(LifecycleExpiration::expired_object_delete_marker)
                == Some(true),
            old_days: noncurrent.and_then(NoncurrentVersionExpiration::noncurrent_days),
            newer_kept: noncurrent.and_then(NoncurrentVersionExpiration::newer_noncurrent_versions),
            upload_days: rule
                .abort_incomplete_multipart_upload()
                .and_then(|abort| abort.days_after_initiation()),
            more: !rule.transitions().is_empty()
                || !rule.noncurrent_version_transitions().is_empty()
                || sizes.iter().any(Option::is_some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theirs(id: &str, filter: LifecycleRuleFilter) -> LifecycleRule {
        let expiration = LifecycleExpiration::builder().days(30).build();
        let rule = LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled);
        rule.filter(filter).expiration(expiration).build().unwrap()
    }

    #[test]
    fn no_rule_holds_for_what_another_one_keeps_longer() {
        let rules = rules(2557);
        for one in &rules {
            for other in rules.iter().filter(|other| other.id() != one.id()) {
                let (one, other) = (Plain::of(one), Plain::of(other));
                let overlap = one.tags.is_empty() || other.tags.is_empty() || one.tags == other.tags;
                let both_remove = (one.days.is_some() && other.days.is_some())
                    || (one.old_days.is_some() && other.old_days.is_some());
                assert!(!(overlap && both_remove), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn rules_of_others_stay_and_ours_are_replaced() {
        let mut live = rules(30);
        live.insert(0, theirs("logs", LifecycleRuleFilter::builder().prefix("logs/").build()));
        assert_eq!(changed(&live, 30), None);
        let changed = changed(&live, 31).unwrap();
        assert_eq!(
            changed.iter().filter_map(LifecycleRule::id).collect::<Vec<_>>(),
            ["logs", "stack-history", "stack-lock", "stack-state", "stack-rest"]
        );
        assert_eq!(changed[1].expiration().unwrap().days(), Some(31));
    }

    #[test]
    #[expect(deprecated, reason = "the form of old times is what is tested")]
    fn a_rule_in_the_form_of_old_times_is_kept_in_the_present_one() {
        let old = LifecycleRule::builder().id("old").status(ExpirationStatus::Enabled).prefix("logs/");
        let old = old.expiration(LifecycleExpiration::builder().days(1).build()).build().unwrap();
        let changed = changed(&[old], 30).unwrap();
        assert_eq!((changed[0].prefix(), changed[0].filter().unwrap().prefix()), (None, Some("logs/")));
    }

    #[test]
    fn a_rule_that_would_delete_the_state_is_seen() {
        let prefixed = |prefix: &str| LifecycleRuleFilter::builder().prefix(prefix).build();
        for (filter, threatens) in [
            (prefixed(""), true),
            (prefixed("pay"), true),
            (prefixed("payment/dev/"), true),
            (prefixed("logs/"), false),
            (LifecycleRuleFilter::builder().tag(tag("temporary", "yes")).build(), false),
            (LifecycleRuleFilter::builder().tag(tag(KEPT, "lock")).build(), true),
        ] {
            let found = threat(&[theirs("rule", filter.clone())], "payment");
            assert_eq!(found, threatens.then(|| ("rule".to_owned(), "delete")), "{filter:?}");
        }
        assert_eq!(threat(&rules(30), "payment"), None);
    }
}
