//! Publish (SNS API Reference, Publish).

use serde::Deserialize;
use serde_json::{Value, json};

use super::topic::Topic;
use super::{Answer, Cx, invalid};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::kms::{KeyProblem, uuid};

/// Bytes of a message (SNS Developer Guide, "Amazon SNS message size").
const LONGEST: usize = 256 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Publish {
    topic_arn: Option<String>,
    target_arn: Option<String>,
    message: String,
    subject: Option<String>,
    message_structure: Option<String>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

/// A message to a topic is checked, and then it is gone.
pub(super) fn publish(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Publish = call.input()?;
    let arn = given.topic_arn.as_ref().or(given.target_arn.as_ref());
    let arn = arn.ok_or_else(|| invalid("TopicArn or TargetArn Reason: no value for required parameter"))?;
    let topic = cx.r.sns.find(arn)?;
    check_message(&given)?;
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

fn check_message(given: &Publish) -> Result<(), Refusal> {
    match given.message.len() {
        0 => return Err(invalid("Empty message")),
        1..=LONGEST => {}
        _ => return Err(invalid("Message too long")),
    }
    if given.subject.as_ref().is_some_and(|subject| subject.is_empty() || subject.chars().count() > 100) {
        return Err(invalid("Subject"));
    }
    match given.message_structure.as_deref() {
        None => Ok(()),
        Some("json") => {
            let message: Option<Value> = serde_json::from_str(&given.message).ok();
            match message.is_some_and(|message| message["default"].is_string()) {
                true => Ok(()),
                false => Err(invalid("Message Structure - No default entry in JSON message body")),
            }
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
    match given.message_deduplication_id.is_some() || topic.deduplicates() {
        true => Ok(()),
        false => Err(invalid(
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        )),
    }
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
