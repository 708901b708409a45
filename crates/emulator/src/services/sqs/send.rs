//! SendMessage (SQS API Reference, SendMessage).

use md5::{Digest, Md5};
use serde::Deserialize;
use serde_json::json;

use super::message_attributes::{self, MessageAttributes, digest_of};
use super::queue::{Message, Queue};
use super::{Answer, Cx, invalid};
use crate::services::kms::{KeyProblem, uuid};
use crate::services::{Call, Refusal, ensure};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendMessage {
    queue_url: String,
    message_body: String,
    delay_seconds: Option<i64>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: MessageAttributes,
}

/// A message is checked and counted.
pub(super) fn send(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: SendMessage = call.input()?;
    let queue = cx.r.sqs.find(&given.queue_url)?;
    message_attributes::check(&given.message_attributes)?;
    message_attributes::check_system(&given.message_system_attributes)?;
    check_body(queue, &given.message_body, message_attributes::size(&given.message_attributes))?;
    check_id("MessageGroupId", given.message_group_id.as_deref())?;
    check_id("MessageDeduplicationId", given.message_deduplication_id.as_deref())?;
    check_groups(queue, &given)?;
    let delay = given.delay_seconds.unwrap_or_else(|| queue.number("DelaySeconds"));
    if !(0..=900).contains(&delay) {
        return Err(invalid(format!(
            "Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
        )));
    }
    if let Some(key) = queue.kms_key() {
        check_key(cx, key)?;
    }
    let is_fifo = queue.is_fifo();
    let message = Message { sent: cx.now_millis, visible: cx.now_millis + delay * 1000 };
    let sqs = &mut cx.r.sqs;
    let id = uuid(&mut sqs.ids);
    let sequence = is_fifo.then(|| format!("{:020}", sqs.ids.given()));
    sqs.find_mut(&given.queue_url)?.take(message);
    Ok(json!({
        "MessageId": id,
        "MD5OfMessageBody": digest(given.message_body.as_bytes()),
        "MD5OfMessageAttributes": digest_of(&given.message_attributes),
        "MD5OfMessageSystemAttributes": digest_of(&given.message_system_attributes),
        "SequenceNumber": sequence,
    }))
}

/// The MD5 digest that clients compare.
pub(super) fn digest(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text consists of characters that messages can have (SQS API Reference, SendMessage).
pub(super) fn is_legal_text(text: &str) -> bool {
    let is_legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().all(is_legal)
}

/// Checks a body. `attributes` is the size of the attributes, which counts towards that of the message.
fn check_body(queue: &Queue, body: &str, attributes: usize) -> Result<(), Refusal> {
    let longest = queue.number("MaximumMessageSize");
    if body.is_empty() {
        return Err(Refusal::new("MissingParameter", "The request must contain the parameter MessageBody."));
    }
    if i64::try_from(body.len() + attributes).is_ok_and(|length| length > longest) {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {longest} bytes."
        )));
    }
    ensure(is_legal_text(body), || {
        let message = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        Refusal::new("InvalidMessageContents", message)
    })
}

/// Checks a `MessageGroupId` or `MessageDeduplicationId` (SQS API Reference, SendMessage; the code is recorded from real AWS).
fn check_id(name: &str, id: Option<&str>) -> Result<(), Refusal> {
    ensure(id.is_none_or(is_message_id), || {
        invalid(format!(
            "Value for parameter {name} is invalid. Reason: {name} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        ))
    })
}

/// Whether a text can be a `MessageGroupId` or `MessageDeduplicationId`, here and in SNS.
pub(crate) fn is_message_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check_groups(queue: &Queue, given: &SendMessage) -> Result<(), Refusal> {
    if !queue.is_fifo() {
        return match given.message_deduplication_id {
            Some(_) => Err(invalid(
                "The request include parameter that is not valid for this queue type. Reason: MessageDeduplicationId.",
            )),
            None => Ok(()),
        };
    }
    if given.message_group_id.is_none() {
        return Err(Refusal::new(
            "MissingParameter",
            "The request must contain the parameter MessageGroupId.",
        ));
    }
    if given.delay_seconds.is_some_and(|delay| delay != 0) {
        return Err(invalid("A FIFO queue has one delay for all messages, and DelaySeconds is given."));
    }
    ensure(
        given.message_deduplication_id.is_some() || queue.attribute("ContentBasedDeduplication") == "true",
        || {
            invalid(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
            )
        },
    )
}

/// A key is only looked at when a message is to be encrypted.
fn check_key(cx: &Cx<'_>, key: &str) -> Result<(), Refusal> {
    cx.r.kms.usable(key).map(drop).map_err(|problem| {
        let code = match problem {
            KeyProblem::NotFound => "KMS.NotFoundException",
            KeyProblem::Disabled => "KMS.DisabledException",
            KeyProblem::PendingDeletion => "KMS.InvalidStateException",
        };
        Refusal::new(code, problem.to_string())
    })
}
