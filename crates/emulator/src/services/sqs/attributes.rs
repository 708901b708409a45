//! Attributes of queues: which there are, and what they may be (SQS API Reference, CreateQueue and
//! SetQueueAttributes).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Cx, State, invalid, policy};
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// Attributes by name.
pub(super) type Attributes = BTreeMap<String, String>;

/// How long SQS reuses a data key. Meaningless without a key.
pub(super) const REUSE: &str = "KmsDataKeyReusePeriodSeconds";

/// What an attribute may be.
enum Kind {
    Number { low: u64, high: u64, by_default: &'static str },
    Flag { by_default: &'static str },
    Choice(&'static [&'static str]),
    Text,
    Policy,
    Redrive,
    RedriveAllow,
}

fn number(low: u64, high: u64, by_default: &'static str) -> Kind {
    Kind::Number { low, high, by_default }
}

/// The kind of an attribute. FIFO queues have some more.
fn kind(name: &str, is_fifo: bool) -> Option<Kind> {
    Some(match name {
        "DelaySeconds" => number(0, 900, "0"),
        "MaximumMessageSize" => number(1024, 1_048_576, "1048576"),
        "MessageRetentionPeriod" => number(60, 1_209_600, "345600"),
        "ReceiveMessageWaitTimeSeconds" => number(0, 20, "0"),
        "VisibilityTimeout" => number(0, 43_200, "30"),
        REUSE => number(60, 86_400, "300"),
        "SqsManagedSseEnabled" => Kind::Flag { by_default: "true" },
        "KmsMasterKeyId" => Kind::Text,
        "Policy" => Kind::Policy,
        "RedrivePolicy" => Kind::Redrive,
        "RedriveAllowPolicy" => Kind::RedriveAllow,
        "ContentBasedDeduplication" if is_fifo => Kind::Flag { by_default: "false" },
        "DeduplicationScope" if is_fifo => Kind::Choice(&["queue", "messageGroup"]),
        "FifoThroughputLimit" if is_fifo => Kind::Choice(&["perQueue", "perMessageGroupId"]),
        _ => return None,
    })
}

/// What an attribute is where nobody said.
pub(super) fn by_default(name: &str, is_fifo: bool) -> &'static str {
    match kind(name, is_fifo) {
        Some(Kind::Number { by_default, .. } | Kind::Flag { by_default }) => by_default,
        Some(Kind::Choice(values)) => values.first().copied().unwrap_or_default(),
        _ => "",
    }
}

/// The attributes that every queue has.
pub(super) const ALWAYS: [&str; 6] = [
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

/// The attributes that every FIFO queue has besides.
pub(super) const ALWAYS_FIFO: [&str; 3] =
    ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];

/// Whether a queue is a FIFO queue. Immutable.
const FIFO: &str = "FifoQueue";

/// The queue that attributes are for.
pub(super) struct Subject<'a> {
    pub(super) arn: &'a str,
    pub(super) is_fifo: bool,
}

/// Removes `FifoQueue` from the attributes of a new queue, and returns whether it is to be a FIFO queue. For a standard queue
/// the attribute is unknown, even with the value `false`; `True` is accepted (both recorded from real AWS).
pub(super) fn take_fifo(given: &mut Attributes) -> Result<bool, Refusal> {
    match given.remove(FIFO) {
        None => Ok(false),
        Some(flag) if flag.eq_ignore_ascii_case("true") => Ok(true),
        Some(_) => Err(unknown(FIFO)),
    }
}

/// The same for an existing queue, which accepts `FifoQueue` only with the value that it has (recorded from real AWS).
pub(super) fn take_fifo_again(given: &mut Attributes, is_fifo: bool) -> Result<(), Refusal> {
    match given.remove(FIFO) {
        None => Ok(()),
        Some(_) if !is_fifo => Err(unknown(FIFO)),
        Some(flag) if flag.eq_ignore_ascii_case("true") => Ok(()),
        Some(_) => Err(invalid_value(FIFO)),
    }
}

/// Puts flags into lower case, as they are shown.
pub(super) fn normal(mut given: Attributes, is_fifo: bool) -> Attributes {
    for (name, value) in &mut given {
        if matches!(kind(name, is_fifo), Some(Kind::Flag { .. })) {
            value.make_ascii_lowercase();
        }
    }
    given
}

/// Checks attributes that a queue is to have. An empty document or key takes the attribute away.
pub(super) fn check(cx: &Cx<'_>, subject: &Subject<'_>, given: &Attributes) -> Result<(), Refusal> {
    for (name, value) in given {
        let kind = kind(name, subject.is_fifo).ok_or_else(|| unknown(name))?;
        let is_legal = match kind {
            Kind::Number { low, high, .. } => value.parse().is_ok_and(|n: u64| (low..=high).contains(&n)),
            Kind::Flag { .. } => ["true", "false"].contains(&value.as_str()),
            Kind::Choice(values) => values.contains(&value.as_str()),
            Kind::Text => true,
            Kind::Policy => value.is_empty() || policy::is_legal(cx, subject.arn, value),
            Kind::Redrive if value.is_empty() => true,
            Kind::Redrive => check_redrive(&cx.r.sqs, subject, value).map(|()| true)?,
            Kind::RedriveAllow => value.is_empty() || is_redrive_allow(value),
        };
        ensure(is_legal, || invalid_value(name))?;
    }
    check_encryption(given)
}

fn unknown(name: &str) -> Refusal {
    Refusal::new("InvalidAttributeName", format!("Unknown Attribute {name}."))
}

fn invalid_value(name: &str) -> Refusal {
    Refusal::new("InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
}

/// A queue has one kind of encryption (SQS API Reference, CreateQueue, `SqsManagedSseEnabled`).
fn check_encryption(given: &Attributes) -> Result<(), Refusal> {
    let has_key = given.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty());
    refuse_if(has_key && given.get("SqsManagedSseEnabled").is_some_and(|flag| flag == "true"), || {
        Refusal::new(
            "InvalidAttributeValue",
            "You can use one type of server-side encryption (SSE) at one time.",
        )
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Redrive {
    dead_letter_target_arn: String,
    #[serde(deserialize_with = "count")]
    max_receive_count: u64,
}

/// A number, or a text that is one.
fn count<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        Number(u64),
        Text(String),
    }
    match Count::deserialize(deserializer)? {
        Count::Number(number) => Ok(number),
        Count::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

/// The dead-letter queue is there, in the same region and account, and of the same kind
/// (SQS Developer Guide, "Using dead-letter queues in Amazon SQS").
fn check_redrive(sqs: &State, subject: &Subject<'_>, text: &str) -> Result<(), Refusal> {
    let because = |reason: &str| {
        invalid(format!("Value {text} for parameter RedrivePolicy is invalid. Reason: {reason}"))
    };
    let redrive: Redrive =
        serde_json::from_str(text).map_err(|_| because("it is not a redrive policy in JSON."))?;
    if !(1..=1000).contains(&redrive.max_receive_count) {
        return Err(because("Invalid value for maxReceiveCount: it is 1 to 1000."));
    }
    let target = sqs.queue_by_arn(&redrive.dead_letter_target_arn);
    let target = target.ok_or_else(|| because("Dead letter target does not exist."))?;
    if target.is_fifo() != subject.is_fifo {
        return Err(because("Dead-letter queue must be same type of queue as the source."));
    }
    ensure(target.lets_redrive(subject.arn), || because("The dead-letter queue does not allow it."))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedriveAllow {
    redrive_permission: String,
    #[serde(default)]
    source_queue_arns: Vec<String>,
}

fn is_redrive_allow(text: &str) -> bool {
    serde_json::from_str::<RedriveAllow>(text).is_ok_and(|allow| match allow.redrive_permission.as_str() {
        "allowAll" | "denyAll" => allow.source_queue_arns.is_empty(),
        "byQueue" => (1..=10).contains(&allow.source_queue_arns.len()),
        _ => false,
    })
}

/// Whether a dead-letter queue with this `RedriveAllowPolicy` takes messages of a queue.
pub(super) fn allows_redrive(policy: Option<&String>, source_arn: &str) -> bool {
    let policy = policy.and_then(|text| serde_json::from_str::<RedriveAllow>(text).ok());
    policy.is_none_or(|allow| match allow.redrive_permission.as_str() {
        "byQueue" => allow.source_queue_arns.iter().any(|arn| arn == source_arn),
        permission => permission == "allowAll",
    })
}
