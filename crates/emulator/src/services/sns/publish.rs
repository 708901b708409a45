//! Publish (SNS API Reference, Publish).
//!
//! The codes for a topic of another region and for an unknown endpoint are recorded from real AWS.

use serde::Deserialize;
use serde_json::{Value, json};

use super::message_attributes::{self, MessageAttributes};
use super::subscribe::is_phone_number;
use super::topic::Topic;
use super::{Answer, Cx, invalid};
use crate::services::kms::{KeyProblem, uuid};
use crate::services::sqs::is_message_id;
use crate::services::{Call, Refusal, ensure};

/// Bytes of a message (SNS Developer Guide, "Amazon SNS message size").
const LONGEST: usize = 256 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Publish {
    topic_arn: Option<String>,
    target_arn: Option<String>,
    phone_number: Option<String>,
    message: String,
    subject: Option<String>,
    message_structure: Option<String>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    #[serde(default)]
    message_attributes: MessageAttributes,
}

/// A message to a topic is checked, and then it is gone.
pub(super) fn publish(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Publish = call.input()?;
    let arn = given.topic_arn.as_ref().or(given.target_arn.as_ref());
    let arn = match (arn, &given.phone_number) {
        (Some(arn), _) => arn,
        (None, Some(number)) => return to_phone(cx, &given, number),
        (None, None) => {
            return Err(invalid("TopicArn or TargetArn Reason: no value for required parameter"));
        }
    };
    if arn.split(':').nth(5).is_some_and(|resource| resource.starts_with("endpoint/")) {
        // Platform applications are not modelled, so every endpoint is unknown.
        return Err(invalid("TargetArn Reason: No endpoint found for the target arn specified"));
    }
    let topic = cx.r.sns.find(cx.region, arn)?;
    check_message(&given)?;
    check_id("MessageGroupId", given.message_group_id.as_deref())?;
    check_id("MessageDeduplicationId", given.message_deduplication_id.as_deref())?;
    check_groups(topic, &given)?;
    if let Some(key) = topic.kms_key() {
        check_key(cx, key)?;
    }
    let sequence = topic.is_fifo();
    let sns = &mut cx.r.sns;
    let mut answer = json!({"MessageId": uuid(&mut sns.ids)});
    if sequence {
        answer["SequenceNumber"] = format!("{:020}", sns.ids.given()).into();
    }
    Ok(answer)
}

/// Sends a text message.
fn to_phone(cx: &mut Cx<'_>, given: &Publish, number: &str) -> Answer {
    if !is_phone_number(number) {
        return Err(invalid(format!("PhoneNumber Reason: {number} is not valid to publish to")));
    }
    check_message(given)?;
    Ok(json!({"MessageId": uuid(&mut cx.r.sns.ids)}))
}

fn check_id(name: &str, id: Option<&str>) -> Result<(), Refusal> {
    ensure(id.is_none_or(is_message_id), || {
        invalid(format!(
            "{name} Reason: it can only include alphanumeric and punctuation characters, 1 to 128 in length."
        ))
    })
}

fn check_message(given: &Publish) -> Result<(), Refusal> {
    message_attributes::check(&given.message_attributes)?;
    match given.message.len() {
        0 => return Err(invalid("Empty message")),
        length if length + message_attributes::size(&given.message_attributes) <= LONGEST => {}
        _ => return Err(invalid("Message too long")),
    }
    // Publish, Subject: "no line breaks or control characters, and less than 100 characters long".
    let is_subject = |subject: &String| {
        (1..=100).contains(&subject.chars().count()) && !subject.chars().any(char::is_control)
    };
    ensure(given.subject.as_ref().is_none_or(is_subject), || invalid("Subject"))?;
    match given.message_structure.as_deref() {
        None => Ok(()),
        Some("json") => {
            let message: Option<Value> = serde_json::from_str(&given.message).ok();
            ensure(message.is_some_and(|message| message["default"].is_string()), || {
                invalid("Message Structure - No default entry in JSON message body")
            })
        }
        Some(_) => Err(invalid("MessageStructure")),
    }
}

fn check_groups(topic: &Topic, given: &Publish) -> Result<(), Refusal> {
    if !topic.is_fifo() {
        return match given.message_deduplication_id {
            Some(_) => Err(invalid("MessageDeduplicationId Reason: it is for FIFO topics.")),
            None => Ok(()),
        };
    }
    if given.message_group_id.is_none() {
        return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
    }
    ensure(given.message_deduplication_id.is_some() || topic.deduplicates(), || {
        invalid(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )
    })
}

/// A key is only looked at when a message is to be encrypted.
fn check_key(cx: &Cx<'_>, key: &str) -> Result<(), Refusal> {
    cx.r.kms.usable(key).map(drop).map_err(|problem| {
        let code = match problem {
            KeyProblem::NotFound => "KMSNotFound",
            KeyProblem::Disabled => "KMSDisabled",
            KeyProblem::PendingDeletion => "KMSInvalidState",
        };
        Refusal::new(code, problem.to_string())
    })
}
