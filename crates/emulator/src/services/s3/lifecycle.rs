//! Lifecycle rules. They are kept and checked, and nothing expires.
//!
//! What is checked is from S3 API Reference, PutBucketLifecycleConfiguration, and S3 User Guide, "Lifecycle configuration
//! elements". Recorded from real AWS are the codes, and that dates are midnights, tag keys come once, and actions on noncurrent
//! versions say days (`scality/Arsenal#2085` for those with a count). That tags and sizes are
//! refused beside some actions is from `terraform-aws-modules/terraform-aws-s3-bucket#109` and `noobaa/noobaa-core#8870`, that both
//! kinds of prefix are refused together from `noobaa/noobaa-core#8426`.

use std::collections::BTreeSet;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::input::Target;
use super::problem::{bad_argument, invalid_argument, invalid_request, malformed_xml, of_bucket};
use super::{Answer, Cx, NOTHING, find, settled_mut};
use crate::services::{Call, Refusal, Tag, refuse_if};

/// Rules that a bucket may have (S3 User Guide, "Lifecycle configuration elements").
const RULES: usize = 1000;

/// What transitions leave out unless it is said (S3 API Reference, PutBucketLifecycleConfiguration,
/// `TransitionDefaultMinimumObjectSize`).
const MINIMUM_SIZE: &str = "all_storage_classes_128K";

/// The rules of a bucket, as GetBucketLifecycleConfiguration shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lifecycle {
    pub(super) rules: Vec<Value>,
    transition_default_minimum_object_size: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutLifecycle {
    bucket: String,
    expected_bucket_owner: Option<String>,
    #[serde(rename = "ChecksumAlgorithm")]
    _checksum_algorithm: Option<String>,
    lifecycle_configuration: Option<Configuration>,
    transition_default_minimum_object_size: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Configuration {
    rules: Vec<Value>,
}

/// What is checked of a rule. The model has checked that there is nothing else in it than rules have.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Rule {
    #[serde(rename = "ID")]
    pub(super) id: Option<String>,
    pub(super) status: String,
    pub(super) filter: Option<Filter>,
    pub(super) prefix: Option<String>,
    pub(super) expiration: Option<Expiration>,
    #[serde(default)]
    transitions: Vec<Transition>,
    noncurrent_version_expiration: Option<Noncurrent>,
    #[serde(default)]
    noncurrent_version_transitions: Vec<Noncurrent>,
    abort_incomplete_multipart_upload: Option<Abort>,
}

/// What a rule is for: one thing, or several in `and`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) prefix: Option<String>,
    pub(super) tag: Option<Tag>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
    pub(super) and: Option<Box<Filter>>,
    pub(super) object_size_greater_than: Option<i64>,
    pub(super) object_size_less_than: Option<i64>,
}

impl Filter {
    /// The filter, and what is in its `and`.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Filter> {
        [Some(self), self.and.as_deref()].into_iter().flatten()
    }

    fn has_tags(&self) -> bool {
        self.parts().any(|part| part.tag.is_some() || !part.tags.is_empty())
    }

    fn has_sizes(&self) -> bool {
        self.parts()
            .any(|part| part.object_size_greater_than.is_some() || part.object_size_less_than.is_some())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Expiration {
    pub(super) date: Option<f64>,
    pub(super) days: Option<i64>,
    expired_object_delete_marker: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transition {
    date: Option<f64>,
    days: Option<i64>,
    storage_class: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Noncurrent {
    noncurrent_days: Option<i64>,
    newer_noncurrent_versions: Option<i64>,
    storage_class: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Abort {
    days_after_initiation: Option<i64>,
}

fn check(rule: &Rule) -> Result<(), Refusal> {
    if rule.id.as_ref().is_some_and(|id| id.chars().count() > 255) {
        return Err(invalid_argument("ID length should not exceed allowed limit of 255"));
    }
    refuse_if(rule.filter.is_none() && rule.prefix.is_none(), malformed_xml)?;
    if let Some(filter) = &rule.filter {
        let given = [
            filter.prefix.is_some(),
            filter.tag.is_some(),
            filter.and.is_some(),
            filter.object_size_greater_than.is_some(),
            filter.object_size_less_than.is_some(),
        ];
        refuse_if(given.into_iter().filter(|given| *given).count() > 1, malformed_xml)?;
        check_filter(rule, filter)?;
    }
    let has_action = rule.expiration.is_some()
        || !rule.transitions.is_empty()
        || rule.noncurrent_version_expiration.is_some()
        || !rule.noncurrent_version_transitions.is_empty()
        || rule.abort_incomplete_multipart_upload.is_some();
    if !has_action {
        return Err(invalid_request(
            "At least one action needs to be specified in a rule, and it must be valid.",
        ));
    }
    check_expiration(rule)?;
    check_noncurrent(rule)?;
    check_days(rule)
}

fn check_filter(rule: &Rule, filter: &Filter) -> Result<(), Refusal> {
    for part in filter.parts() {
        let mut keys = BTreeSet::new();
        if !part.tags.iter().all(|tag| keys.insert(&tag.key)) {
            return Err(invalid_request("Duplicate Tag Keys are not allowed."));
        }
        if let (Some(least), Some(most)) = (part.object_size_greater_than, part.object_size_less_than)
            && most <= least
        {
            return Err(invalid_request(
                "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
            ));
        }
    }
    let refused =
        |action: &str, what: &str| Err(invalid_request(format!("{action} cannot be specified with {what}.")));
    let removes_markers =
        rule.expiration.as_ref().is_some_and(|it| it.expired_object_delete_marker.is_some());
    if rule.abort_incomplete_multipart_upload.is_some() && filter.has_tags() {
        return refused("AbortIncompleteMultipartUpload", "Tags");
    }
    if rule.abort_incomplete_multipart_upload.is_some() && filter.has_sizes() {
        return refused("AbortIncompleteMultipartUpload", "Object Size");
    }
    if removes_markers && filter.has_tags() {
        return refused("ExpiredObjectDeleteMarker", "Tags");
    }
    Ok(())
}

/// What follows from the age of a noncurrent version says which age.
fn check_noncurrent(rule: &Rule) -> Result<(), Refusal> {
    let moves = &rule.noncurrent_version_transitions;
    let all = rule.noncurrent_version_expiration.iter().chain(moves);
    if all.clone().any(|action| action.noncurrent_days.is_none())
        || moves.iter().any(|action| action.storage_class.is_none())
    {
        return Err(malformed_xml());
    }
    refuse_if(
        all.filter_map(|action| action.newer_noncurrent_versions).any(|count| !(1..=100).contains(&count)),
        || invalid_argument("'NewerNoncurrentVersions' must be an integer from 1 to 100"),
    )
}

/// Days begin at midnight.
fn check_date(date: Option<f64>) -> Result<(), Refusal> {
    const DAY_SECONDS: f64 = 86_400.0;
    match date.filter(|date| date.rem_euclid(DAY_SECONDS) != 0.0) {
        None => Ok(()),
        Some(date) => {
            let date = DateTime::from_secs_f64(date).fmt(Format::DateTime).unwrap_or_default();
            Err(bad_argument("'Date' must be at midnight GMT", "Date", date))
        }
    }
}

fn check_expiration(rule: &Rule) -> Result<(), Refusal> {
    let Some(expiration) = &rule.expiration else {
        return Ok(());
    };
    let given = [
        expiration.days.is_some(),
        expiration.date.is_some(),
        expiration.expired_object_delete_marker.is_some(),
    ];
    refuse_if(given.into_iter().filter(|given| *given).count() != 1, malformed_xml)?;
    check_date(expiration.date)?;
    let latest = rule.transitions.iter().filter_map(|transition| transition.days).max();
    match (expiration.days, latest) {
        (Some(days), Some(latest)) if days <= latest => Err(invalid_argument(
            "'Days' in the Expiration action for filter must be greater than 'Days' in the Transition action",
        )),
        _ => Ok(()),
    }
}

fn check_days(rule: &Rule) -> Result<(), Refusal> {
    let noncurrent = rule.noncurrent_version_expiration.iter().chain(&rule.noncurrent_version_transitions);
    let positive = [
        rule.expiration.as_ref().and_then(|expiration| expiration.days),
        rule.abort_incomplete_multipart_upload.as_ref().and_then(|abort| abort.days_after_initiation),
    ];
    let mut positive = positive.into_iter().chain(noncurrent.map(|rule| rule.noncurrent_days)).flatten();
    if positive.any(|days| days < 1) {
        return Err(invalid_argument("'Days' for an action must be a positive integer"));
    }
    for transition in &rule.transitions {
        if transition.days.is_some() == transition.date.is_some() || transition.storage_class.is_none() {
            return Err(malformed_xml());
        }
        check_date(transition.date)?;
        let is_infrequent = transition.storage_class.as_ref().is_some_and(|class| class.ends_with("_IA"));
        match transition.days {
            Some(days) if days < 0 => {
                return Err(invalid_argument("'Days' in Transition action must be nonnegative"));
            }
            Some(days) if is_infrequent && days < 30 => {
                return Err(invalid_argument(
                    "'Days' in Transition action must be greater than or equal to 30 for storageClass STANDARD_IA",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// All rules are replaced. A rule without a name gets one.
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutLifecycle = call.input()?;
    let target = Target { bucket: given.bucket, expected_bucket_owner: given.expected_bucket_owner };
    find(cx, &target)?;
    let rules = given.lifecycle_configuration.ok_or_else(malformed_xml)?.rules;
    refuse_if(rules.is_empty() || rules.len() > RULES, malformed_xml)?;
    let mut names = BTreeSet::new();
    let read = rules.iter().map(|rule| Rule::deserialize(rule).map_err(|_| malformed_xml()));
    let read: Vec<Rule> = read.collect::<Result<_, _>>()?;
    // A prefix beside a filter makes all of it the old form, which has no filters.
    if read.iter().any(|rule| rule.prefix.is_some()) && read.iter().any(|rule| rule.filter.is_some()) {
        return Err(invalid_request("Filter element can only be used in Lifecycle V2."));
    }
    for rule in read {
        check(&rule)?;
        if rule.id.filter(|id| !id.is_empty()).is_some_and(|id| !names.insert(id)) {
            return Err(invalid_argument("Rule ID must be unique. Found same ID for more than one rule"));
        }
    }
    let size = given.transition_default_minimum_object_size.unwrap_or_else(|| MINIMUM_SIZE.to_owned());
    let rules = rules.into_iter().map(|rule| named(cx, rule)).collect();
    let answer = json!({"TransitionDefaultMinimumObjectSize": size});
    settled_mut(cx, &target)?.lifecycle =
        Some(Lifecycle { rules, transition_default_minimum_object_size: size });
    Ok(answer)
}

fn named(cx: &mut Cx<'_>, mut rule: Value) -> Value {
    if rule["ID"].as_str().is_none_or(str::is_empty) {
        let ids = &mut cx.global.s3.ids;
        rule["ID"] = format!("{:016x}{:016x}", ids.number(), ids.number()).into();
    }
    rule
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    let lifecycle = find(cx, &target)?.lifecycle.as_ref().ok_or_else(|| {
        let message = "The lifecycle configuration does not exist";
        of_bucket("NoSuchLifecycleConfiguration", message, &target.bucket)
    })?;
    Ok(json!(lifecycle))
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target: Target = call.input()?;
    settled_mut(cx, &target)?.lifecycle = None;
    NOTHING
}
