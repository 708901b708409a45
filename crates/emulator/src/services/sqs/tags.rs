//! Tags of queues.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, State, invalid};
use crate::request::Call;
use crate::response::{Refusal, ensure};
use crate::services::support::{self, Tags};

/// Tags that a queue may have (SQS Developer Guide, "Amazon SQS queue quotas").
const PER_QUEUE: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagQueue {
    queue_url: String,
    tags: Tags,
}

/// Keys have 1 to 128 characters and values 256 at most.
pub(super) fn read(given: Tags) -> Result<Tags, Refusal> {
    let tags = support::tag_map(given, invalid)?;
    let is_legal = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    ensure(tags.iter().all(is_legal), || {
        invalid("Tag keys must be between 1 and 128 characters in length, and values up to 256.")
    })?;
    Ok(tags)
}

impl State {
    pub(super) fn tag_queue(&mut self, call: &Call) -> Answer {
        let given: TagQueue = call.input()?;
        let queue = self.find_mut(&given.queue_url)?;
        let mut tags = queue.tags.clone();
        tags.extend(read(given.tags)?);
        if tags.len() > PER_QUEUE {
            return Err(invalid(format!("Too many tags added for queue: the maximum is {PER_QUEUE}.")));
        }
        queue.tags = tags;
        Ok(Value::Null)
    }

    pub(super) fn untag_queue(&mut self, call: &Call) -> Answer {
        let (queue_url, tag_keys): (String, Vec<String>) = call.members(&["QueueUrl", "TagKeys"])?;
        let queue = self.find_mut(&queue_url)?;
        queue.tags.retain(|key, _| !tag_keys.contains(key));
        Ok(Value::Null)
    }

    /// `Tags` is absent for a queue without tags (recorded from real AWS).
    pub(super) fn list_queue_tags(&self, call: &Call) -> Answer {
        let queue_url: String = call.member("QueueUrl")?;
        let tags = &self.find(&queue_url)?.tags;
        Ok(if tags.is_empty() { json!({}) } else { json!({"Tags": tags}) })
    }
}
