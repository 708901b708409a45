//! Queues.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attributes::{
    ALWAYS, ALWAYS_FIFO, Attributes, REUSE, Subject, allows_redrive, by_default, check, normal, take_fifo,
    take_fifo_again,
};
use super::{Answer, Cx, HELD_MILLIS, State, invalid, no_queue, tags};
use crate::services::{ACCOUNT_ID, Call, Object, Refusal, Tag, Tags, ensure, page, refuse_if};

/// How many URLs a list has (SQS API Reference, ListQueues).
const PAGE: usize = 1000;

/// A queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Queue {
    queue_url: String,
    #[serde(rename = "_arn")]
    arn: String,
    /// Those that were given.
    #[serde(rename = "_attributes")]
    attributes: Attributes,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
    /// In whole seconds.
    #[serde(rename = "_created")]
    created: i64,
    #[serde(rename = "_modified")]
    modified: i64,
    #[serde(rename = "_messages")]
    messages: Vec<Message>,
}

/// What is remembered of a message, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) sent: i64,
    pub(super) visible: i64,
}

impl Queue {
    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    fn name(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or(&self.arn)
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.arn.ends_with(".fifo")
    }

    /// Whether a queue may use it as its dead-letter queue.
    pub(super) fn lets_redrive(&self, source_arn: &str) -> bool {
        allows_redrive(self.attributes.get("RedriveAllowPolicy"), source_arn)
    }

    /// An attribute, given or by default.
    pub(super) fn attribute(&self, name: &str) -> &str {
        match self.attributes.get(name) {
            Some(value) => value,
            // State of an earlier version does not have it beside a key.
            None if name == "SqsManagedSseEnabled" && self.kms_key().is_some() => "false",
            None => by_default(name, self.is_fifo()),
        }
    }

    pub(super) fn number(&self, name: &str) -> i64 {
        self.attribute(name).parse().unwrap_or_default()
    }

    /// The key that encrypts its messages, as it was named.
    pub(super) fn kms_key(&self) -> Option<&str> {
        self.attributes.get("KmsMasterKeyId").map(String::as_str)
    }

    fn subject(&self) -> Subject<'_> {
        Subject { arn: &self.arn, is_fifo: self.is_fifo() }
    }

    /// Whether it has these attributes.
    fn has(&self, given: &Attributes) -> Option<()> {
        given.iter().all(|(name, value)| self.attribute(name) == value).then_some(())
    }

    /// Sets attributes; empty values take them away. Setting a key turns SQS's own encryption off, and removing the key
    /// does not turn it on again (recorded from real AWS).
    fn set(&mut self, given: Attributes) {
        let had_key = self.kms_key().is_some();
        let key_is_new = given.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty());
        let takes_over = given.get("SqsManagedSseEnabled").is_some_and(|flag| flag == "true");
        if key_is_new {
            self.attributes.insert("SqsManagedSseEnabled".to_owned(), "false".to_owned());
        }
        if takes_over {
            self.attributes.remove("KmsMasterKeyId");
        }
        let says_reuse = given.contains_key(REUSE);
        self.attributes.extend(given);
        self.attributes.retain(|_, value| !value.is_empty());
        if self.kms_key().is_none() && (had_key && !says_reuse || self.attribute(REUSE) == "300") {
            self.attributes.remove(REUSE);
        }
    }

    pub(super) fn take(&mut self, message: Message) {
        self.messages.push(message);
    }

    pub(super) fn forget_old_messages(&mut self, now_millis: i64) {
        let kept_millis = self.number("MessageRetentionPeriod") * 1000;
        self.messages.retain(|message| now_millis - message.sent < kept_millis);
    }

    fn all_attributes(&self, now_millis: i64) -> Attributes {
        let (visible, delayed): (Vec<Message>, Vec<Message>) =
            self.messages.iter().partition(|message| message.visible <= now_millis);
        let mut all = Attributes::from(
            [
                ("QueueArn", self.arn.clone()),
                ("ApproximateNumberOfMessages", visible.len().to_string()),
                ("ApproximateNumberOfMessagesDelayed", delayed.len().to_string()),
                ("ApproximateNumberOfMessagesNotVisible", "0".to_owned()),
                ("CreatedTimestamp", self.created.to_string()),
                ("LastModifiedTimestamp", self.modified.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let fifo: &[&str] = if self.is_fifo() { &ALWAYS_FIFO } else { &[] };
        all.extend(
            ALWAYS.iter().chain(fifo).map(|name| ((*name).to_owned(), self.attribute(name).to_owned())),
        );
        if self.kms_key().is_some() {
            all.insert(REUSE.to_owned(), self.attribute(REUSE).to_owned());
        }
        if self.is_fifo() {
            all.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        all.extend(self.attributes.clone());
        all
    }

    pub(super) fn object(&self, home: &str) -> Object {
        Object::new("sqs", home, "AWS::SQS::Queue", &self.queue_url, self.tags.clone()).named(self.name())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListQueues {
    #[serde(default)]
    queue_name_prefix: String,
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// SQS API Reference, CreateQueue, `QueueName`.
fn check_name(name: &str, is_fifo: bool) -> Result<(), Refusal> {
    let base = name.strip_suffix(".fifo").filter(|_| is_fifo).unwrap_or(name);
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    ensure(!base.is_empty() && name.len() <= 80 && base.chars().all(is_legal), || {
        invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
    })?;
    refuse_if(is_fifo && base == name, || {
        invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        )
    })
}

/// A queue with this name is given again, provided that the attributes that are asked for are the ones it has
/// (SQS API Reference, CreateQueue).
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (queue_name, attributes, tags): (String, Attributes, Tags) =
        call.members(&["QueueName", "Attributes", "tags"])?;
    let (name, mut attributes) = (queue_name, attributes);
    let is_fifo = take_fifo(&mut attributes)?;
    let attributes = normal(attributes, is_fifo);
    check_name(&name, is_fifo)?;
    let arn = cx.arn("sqs", &name);
    check(cx, &Subject { arn: &arn, is_fifo }, &attributes)?;
    let tags = tags::read(tags.into_iter().map(|(key, value)| Tag { key, value }).collect())?;
    if let Some(queue) = cx.r.sqs.queues.get(&name) {
        queue.has(&attributes).ok_or_else(|| {
            let message = "A queue already exists with the same name and a different value for an attribute.";
            Refusal::new("QueueAlreadyExists", message)
        })?;
        return Ok(json!({"QueueUrl": queue.queue_url}));
    }
    if cx.r.sqs.deleted.contains_key(&name) {
        let seconds = HELD_MILLIS / 1000;
        return Err(Refusal::new(
            "AWS.SimpleQueueService.QueueDeletedRecently",
            format!(
                "You must wait {seconds} seconds after deleting a queue before you can create another with the same name."
            ),
        ));
    }
    let now = cx.now_millis.div_euclid(1000);
    let queue_url = format!("https://sqs.{}.amazonaws.com/{ACCOUNT_ID}/{name}", cx.region);
    let answer = json!({"QueueUrl": queue_url});
    let mut queue = Queue {
        queue_url,
        arn,
        attributes: Attributes::new(),
        tags,
        created: now,
        modified: now,
        messages: Vec::new(),
    };
    queue.set(attributes);
    cx.r.sqs.queues.insert(name, queue);
    Ok(answer)
}

/// Its name is held for 60 seconds (SQS API Reference, DeleteQueue).
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let queue_url: String = call.member("QueueUrl")?;
    let now_millis = cx.now_millis;
    let name = cx.r.sqs.find(&queue_url)?.name().to_owned();
    cx.r.sqs.queues.remove(&name);
    cx.r.sqs.deleted.insert(name, now_millis);
    Ok(Value::Null)
}

/// Nothing is asked for unless it is named; `All` is everything (SQS API Reference, GetQueueAttributes).
pub(super) fn get_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (queue_url, attribute_names): (String, Vec<String>) =
        call.members(&["QueueUrl", "AttributeNames"])?;
    let mut attributes = cx.r.sqs.find(&queue_url)?.all_attributes(cx.now_millis);
    let is_asked = |name: &String| attribute_names.iter().any(|asked| asked == "All" || asked == name);
    attributes.retain(|name, _| is_asked(name));
    Ok(if attributes.is_empty() { json!({}) } else { json!({"Attributes": attributes}) })
}

pub(super) fn set_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (queue_url, mut attributes): (String, Attributes) = call.members(&["QueueUrl", "Attributes"])?;
    let subject = cx.r.sqs.find(&queue_url)?.subject();
    take_fifo_again(&mut attributes, subject.is_fifo)?;
    let attributes = normal(attributes, subject.is_fifo);
    check(cx, &subject, &attributes)?;
    let now = cx.now_millis.div_euclid(1000);
    let queue = cx.r.sqs.find_mut(&queue_url)?;
    queue.set(attributes);
    queue.modified = now;
    Ok(Value::Null)
}

impl State {
    pub(super) fn get_queue_url(&self, call: &Call) -> Answer {
        let (queue_name, owner): (String, Option<String>) =
            call.members(&["QueueName", "QueueOwnerAWSAccountId"])?;
        let is_ours = owner.is_none_or(|owner| owner == ACCOUNT_ID);
        let queue = self.queues.get(&queue_name).filter(|_| is_ours).ok_or_else(no_queue)?;
        Ok(json!({"QueueUrl": queue.queue_url}))
    }

    pub(super) fn list_queues(&self, call: &Call) -> Answer {
        let given: ListQueues = call.input()?;
        let queues = self.queues.iter().filter(|(name, _)| name.starts_with(&given.queue_name_prefix));
        let urls: Vec<Value> = queues.map(|(_, queue)| queue.queue_url.as_str().into()).collect();
        let size = given.max_results.unwrap_or(PAGE);
        ensure((1..=PAGE).contains(&size), || invalid(format!("MaxResults is 1 to {PAGE}.")))?;
        let (urls, next) = page(urls, size, given.next_token.as_deref())
            .ok_or_else(|| invalid("Invalid or expired next token."))?;
        // There is no second page unless a size was given.
        let next = next.filter(|_| given.max_results.is_some());
        Ok(if urls.is_empty() { json!({}) } else { json!({"QueueUrls": urls, "NextToken": next}) })
    }
}
