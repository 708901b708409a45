//! Log groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filters::MetricFilter;
use super::streams::LogStream;
use super::transformers::Transformer;
use super::{Answer, Cx, identified, invalid, listed, name_in};
use crate::services::{ACCOUNT_ID, Call, Object, Refusal, Table, Tags, ensure, refuse_if, tag_map, to_json};

/// The days that a group may keep its events
/// (CloudWatch Logs API Reference, PutRetentionPolicy, `retentionInDays`).
const RETENTIONS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// A log group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogGroup {
    log_group_name: String,
    /// The ARN with `:*`.
    arn: String,
    log_group_arn: String,
    creation_time: i64,
    log_group_class: Class,
    deletion_protection_enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retention_in_days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// By name.
    #[serde(rename = "_metricFilters")]
    pub(super) filters: BTreeMap<String, MetricFilter>,
    /// By name.
    #[serde(rename = "_logStreams")]
    pub(super) streams: BTreeMap<String, LogStream>,
    /// State of an earlier version does not have it.
    #[serde(default, rename = "_transformer")]
    pub(super) transformer: Option<Transformer>,
}

/// The classes that are modelled (CloudWatch Logs User Guide, "Log classes").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Class {
    #[default]
    Standard,
    InfrequentAccess,
}

impl LogGroup {
    /// In milliseconds since 1970.
    pub(crate) fn creation_time(&self) -> i64 {
        self.creation_time
    }

    pub(super) fn new(region: &str, now_millis: i64, name: String) -> Self {
        let log_group_arn = format!("arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{name}");
        LogGroup {
            log_group_name: name,
            arn: format!("{log_group_arn}:*"),
            log_group_arn,
            creation_time: now_millis,
            log_group_class: Class::Standard,
            deletion_protection_enabled: false,
            retention_in_days: None,
            kms_key_id: None,
            tags: Tags::new(),
            filters: BTreeMap::new(),
            streams: BTreeMap::new(),
            transformer: None,
        }
    }

    /// The ARN without `:*`.
    pub(super) fn log_group_arn(&self) -> &str {
        &self.log_group_arn
    }

    /// For how many days events are kept; for ever if `None`.
    pub(super) fn retention_in_days(&self) -> Option<i64> {
        self.retention_in_days
    }

    pub(super) fn is_standard(&self) -> bool {
        self.log_group_class == Class::Standard
    }

    /// Whether nothing may be deleted of it ("Protecting log groups from deletion" in the CloudWatch Logs User Guide).
    pub(super) fn check_unprotected(&self) -> Result<(), Refusal> {
        refuse_if(self.deletion_protection_enabled, || {
            Refusal::new("ValidationException", "The log group has deletion protection enabled.")
        })
    }

    fn value(&self) -> Value {
        let mut value = to_json(self);
        value["metricFilterCount"] = self.filters.len().into();
        value["storedBytes"] = 0.into();
        value
    }

    pub(super) fn objects(&self, home: &str) -> Vec<Object> {
        let name = &self.log_group_name;
        let part = |kind: &str, part: &String| {
            let object = Object::new("logs", home, kind, format!("{name}|{part}"), Tags::new());
            object.named(part).part_of(name)
        };
        let filters = self.filters.keys().map(|filter| part("AWS::Logs::MetricFilter", filter));
        let streams = self
            .streams
            .iter()
            .map(|(name, stream)| part("AWS::Logs::LogStream", name).by_default(stream.is_of_a_service()));
        let group = Object::new("logs", home, "AWS::Logs::LogGroup", name, self.tags.clone()).named(name);
        [group].into_iter().chain(filters).chain(streams).collect()
    }
}

/// Whether Logs can use a key for a group: it is named by its ARN (CloudWatch Logs API Reference, CreateLogGroup and
/// AssociateKmsKey, `kmsKeyId`), is of the same region, and its policy lets Logs use it for this group: the group's ARN
/// without `:*` is the encryption context `aws:logs:arn` (CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs
/// using AWS Key Management Service").
///
/// Neither refusal is in the API's model. A key that Logs does not know, such as one that was made a moment ago, is an invalid
/// parameter (hashicorp/terraform#24194); one that it may not use is AccessDeniedException
/// (hashicorp/terraform-provider-aws#29282, ministryofjustice/modernisation-platform#7870, both of 2024).
fn check_key(cx: &Cx<'_>, group: &str, key: &str) -> Result<(), Refusal> {
    let unknown = || invalid(format!("The specified KMS Key Id could not be found. '{group}'"));
    ensure(key.starts_with(&cx.arn("kms", "key/")), unknown)?;
    let arn = cx.arn("logs", &format!("log-group:{group}"));
    let refused = || {
        let message =
            format!("The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'");
        Refusal::new("AccessDeniedException", message)
    };
    let key = cx.r.kms.usable(key).map_err(|_| refused())?;
    ensure(key.is_visible(cx.now_millis), unknown)?;
    let service = format!("logs.{}.amazonaws.com", cx.region);
    let context = [("kms:EncryptionContext:aws:logs:arn", arn.as_str())];
    let allows = |action: &&str| key.allows_service_in(&service, action, &context);
    ensure(["kms:GenerateDataKey", "kms:Decrypt"].iter().all(allows), refused)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateLogGroup {
    log_group_name: String,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    log_group_class: Class,
    #[serde(default)]
    deletion_protection_enabled: bool,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: CreateLogGroup = call.input()?;
    let name = given.log_group_name;
    // CloudWatch Logs API Reference, CreateLogGroup, the guidelines for names.
    refuse_if(name.starts_with("aws/"), || invalid("Log group names can't start with the string aws/"))?;
    let tags = tag_map(given.tags, invalid)?;
    if let Some(key) = &given.kms_key_id {
        check_key(cx, &name, key)?;
    }
    let logs = &mut cx.r.logs;
    logs.groups.check_free(&name)?;
    let group = LogGroup {
        log_group_class: given.log_group_class,
        deletion_protection_enabled: given.deletion_protection_enabled,
        kms_key_id: given.kms_key_id,
        tags,
        ..LogGroup::new(cx.region, cx.now_millis, name.clone())
    };
    logs.groups.insert(name, group);
    Ok(Value::Null)
}

/// Streams and metric filters go with it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let log_group_name: String = call.member("logGroupName")?;
    let logs = &mut cx.r.logs;
    logs.groups.find(&log_group_name)?.check_unprotected()?;
    logs.groups.remove(&log_group_name);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DescribeLogGroups {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_class: Option<Class>,
    log_group_identifiers: Option<Vec<String>>,
    limit: Option<usize>,
    next_token: Option<String>,
}

/// CloudWatch Logs API Reference, DescribeLogGroups: which filters go together. A search by pattern shows fewer members; they are
/// recorded from real AWS, which shows more than the three that are named there.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: DescribeLogGroups = call.input()?;
    let (prefix, pattern) = (&given.log_group_name_prefix, &given.log_group_name_pattern);
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive."));
    }
    let names = match &given.log_group_identifiers {
        None => None,
        Some(_) if prefix.is_some() || pattern.is_some() || given.log_group_class.is_some() => {
            return Err(invalid("LogGroup identifiers cannot be combined with other filters."));
        }
        Some(given) => Some(given.iter().map(|id| identified(cx, id)).collect::<Result<Vec<_>, _>>()?),
    };
    let is_wanted = |group: &&LogGroup| {
        let name = group.log_group_name.as_str();
        prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
            && pattern.as_ref().is_none_or(|pattern| name.contains(pattern))
            && given.log_group_class.is_none_or(|class| group.log_group_class == class)
            && names.as_ref().is_none_or(|names| names.contains(&name))
    };
    let show = |group: &LogGroup| match pattern {
        None => group.value(),
        Some(_) => json!({
            "logGroupName": group.log_group_name,
            "arn": group.arn,
            "creationTime": group.creation_time,
            "logGroupArn": group.log_group_arn,
            "logGroupClass": group.log_group_class,
            "metricFilterCount": group.filters.len(),
        }),
    };
    let groups = cx.r.logs.groups.values().filter(is_wanted).map(show).collect();
    listed("logGroups", groups, given.limit, given.next_token.as_deref())
}

pub(super) fn put_retention(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_name, retention_in_days): (String, i64) =
        call.members(&["logGroupName", "retentionInDays"])?;
    let group = cx.r.logs.groups.find_mut(&log_group_name)?;
    if !RETENTIONS.contains(&retention_in_days) {
        let message =
            format!("{retention_in_days} is none of the numbers of days that CloudWatch Logs offers.");
        return Err(invalid(message));
    }
    group.retention_in_days = Some(retention_in_days);
    Ok(Value::Null)
}

pub(super) fn delete_retention(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let log_group_name: String = call.member("logGroupName")?;
    cx.r.logs.groups.find_mut(&log_group_name)?.retention_in_days = None;
    Ok(Value::Null)
}

/// The group of which the key is to be changed: by name or by ARN (CloudWatch Logs API Reference, AssociateKmsKey,
/// `resourceIdentifier`).
fn keyed(cx: &Cx<'_>, name: Option<String>, identifier: Option<String>) -> Result<String, Refusal> {
    match (name, identifier) {
        (Some(name), None) => Ok(name),
        (None, Some(arn)) if arn == cx.arn("logs", "query-result:*") => {
            Err(invalid("The emulator does not model keys for the results of queries."))
        }
        (None, Some(arn)) => name_in(cx, &arn).map(str::to_owned),
        _ => Err(invalid("Give either logGroupName or resourceIdentifier.")),
    }
}

/// A key takes the place of the one before it.
pub(super) fn associate_key(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_name, resource_identifier, kms_key_id): (Option<String>, Option<String>, String) =
        call.members(&["logGroupName", "resourceIdentifier", "kmsKeyId"])?;
    let name = keyed(cx, log_group_name, resource_identifier)?;
    cx.r.logs.groups.find(&name)?;
    check_key(cx, &name, &kms_key_id)?;
    cx.r.logs.groups.find_mut(&name)?.kms_key_id = Some(kms_key_id);
    Ok(Value::Null)
}

pub(super) fn disassociate_key(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_name, resource_identifier): (Option<String>, Option<String>) =
        call.members(&["logGroupName", "resourceIdentifier"])?;
    let name = keyed(cx, log_group_name, resource_identifier)?;
    cx.r.logs.groups.find_mut(&name)?.kms_key_id = None;
    Ok(Value::Null)
}

pub(super) fn put_protection(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_identifier, deletion_protection_enabled): (String, bool) =
        call.members(&["logGroupIdentifier", "deletionProtectionEnabled"])?;
    let name = identified(cx, &log_group_identifier)?;
    cx.r.logs.groups.find_mut(name)?.deletion_protection_enabled = deletion_protection_enabled;
    Ok(Value::Null)
}
/// No group masks data: data protection policies are not modelled, and one that is not there is not shown (CloudWatch Logs
/// API Reference, GetDataProtectionPolicy).
pub(super) fn get_data_protection(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let log_group_identifier: String = call.member("logGroupIdentifier")?;
    cx.r.logs.groups.find(identified(cx, &log_group_identifier)?)?;
    Ok(json!({"logGroupIdentifier": log_group_identifier}))
}

/// No group has field indexes of its own: index policies are not modelled.
pub(super) fn describe_index_policies(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_identifiers, next_token): (Vec<String>, Option<String>) =
        call.members(&["logGroupIdentifiers", "nextToken"])?;
    for identifier in &log_group_identifiers {
        cx.r.logs.groups.find(identified(cx, identifier)?)?;
    }
    listed("indexPolicies", Vec::new(), None, next_token.as_deref())
}
