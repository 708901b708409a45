//! Tags of queues (SQS API Reference, TagQueue; SQS Developer Guide, "Amazon SQS queue quotas").

use serde_json::json;

use super::invalid;
use crate::services::{Refusal, Tag, Tagging, Tags, ensure, support};

pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "QueueUrl", "TagKeys"],
    finds_first: true,
    takes_map: true,
    // `Tags` is absent for a queue without tags (recorded from real AWS).
    list: |tags| json!((!tags.is_empty()).then_some(tags)),
    ..Tagging::new(
        |cx, url| cx.r.sqs.find_mut(url).map(|queue| &mut queue.tags),
        read,
        |_| invalid("Too many tags added for queue: the maximum is 50."),
    )
};

/// Keys have 1 to 128 characters and values 256 at most.
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    let tags = support::tags(given, invalid)?;
    let is_legal = |(key, value): (&String, &String)| {
        (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256
    };
    ensure(tags.iter().all(is_legal), || {
        invalid("Tag keys must be between 1 and 128 characters in length, and values up to 256.")
    })?;
    Ok(tags)
}
