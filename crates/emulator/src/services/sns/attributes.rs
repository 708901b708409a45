//! Attributes of topics: which there are, and what they may be (SNS API Reference, CreateTopic and SetTopicAttributes).

use std::collections::BTreeMap;

use serde_json::Value;

use super::invalid;
use crate::protocol::response::{Refusal, ensure};

/// Attributes by name.
pub(super) type Attributes = BTreeMap<String, String>;

/// What a new topic may be given.
pub(super) fn check_new(name: &str, value: &str, is_fifo: bool) -> Result<(), Refusal> {
    match name {
        "FifoTopic" => check(is_flag(value), name, value),
        _ => check_changed(name, value, is_fifo),
    }
}

/// What a topic may be given later. The policy is checked elsewhere.
pub(super) fn check_changed(name: &str, value: &str, is_fifo: bool) -> Result<(), Refusal> {
    let is_legal = match name {
        "Policy" | "KmsMasterKeyId" => true,
        "DisplayName" => value.chars().count() <= 100,
        "DeliveryPolicy" => value.is_empty() || is_object(value),
        "TracingConfig" => ["PassThrough", "Active"].contains(&value),
        "SignatureVersion" => ["1", "2"].contains(&value),
        "ContentBasedDeduplication" if is_fifo => is_flag(value),
        "FifoThroughputScope" if is_fifo => ["Topic", "MessageGroup"].contains(&value),
        _ => match feedback(name) {
            Some("SuccessFeedbackSampleRate") => value.parse::<u8>().is_ok_and(|percent| percent <= 100),
            Some(_) => value.is_empty() || value.starts_with("arn:aws:iam::"),
            None => return Err(invalid(format!("AttributeName: {name}"))),
        },
    };
    check(is_legal, name, value)
}

fn check(is_legal: bool, name: &str, value: &str) -> Result<(), Refusal> {
    ensure(is_legal, || invalid(format!("{name} Reason: {value} is not a value that it can have.")))
}

/// What follows the protocol in the names of attributes about delivery status, such as
/// `LambdaFailureFeedbackRoleArn`.
fn feedback(name: &str) -> Option<&str> {
    const PROTOCOLS: [&str; 5] = ["Application", "Firehose", "HTTP", "Lambda", "SQS"];
    const ATTRIBUTES: [&str; 3] =
        ["FailureFeedbackRoleArn", "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate"];
    let attribute = PROTOCOLS.iter().find_map(|protocol| name.strip_prefix(protocol))?;
    ATTRIBUTES.contains(&attribute).then_some(attribute)
}

/// Puts a flag into lower case: SNS accepts any (recorded from real AWS for RawMessageDelivery).
pub(super) fn fold_flag(name: &str, value: &mut str) {
    if ["ContentBasedDeduplication", "FifoTopic", "RawMessageDelivery"].contains(&name) {
        value.make_ascii_lowercase();
    }
}

pub(super) fn is_flag(value: &str) -> bool {
    ["true", "false"].contains(&value)
}

/// Whether a text is a JSON object.
pub(super) fn is_object(value: &str) -> bool {
    serde_json::from_str::<Value>(value).is_ok_and(|value| value.is_object())
}

/// Whether two values mean the same: documents may be written in several ways.
pub(super) fn are_equal(one: &str, other: &str) -> bool {
    let document = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    match (document(one), document(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
