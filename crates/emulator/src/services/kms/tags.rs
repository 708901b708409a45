//! Tags of keys (KMS Developer Guide, "Tags in AWS KMS").

use serde_json::Value;

use super::{Answer, Refusal, State, listed};
use crate::services::{Call, Tag, Tagging, Tags, named_tag_list, support};

pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "KeyId", "TagKeys"],
    finds_first: true,
    ..Tagging::new(
        |cx, key| cx.r.kms.live_mut(key).map(|key| &mut key.tags),
        read,
        // For too many by several requests (KMS API Reference, TagResource).
        |_| Refusal::new("LimitExceededException", "A key can have 50 tags at most."),
    )
};

/// Reads the tags of a request (KMS API Reference, CreateKey, `TagException`; that it is also the code for too many of them
/// is recorded from real AWS).
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    support::tags(given, |message| Refusal::new("TagException", message))
}

impl State {
    pub(super) fn list_resource_tags(&self, call: &Call) -> Answer {
        let (key_id, limit, marker): (String, Option<usize>, Option<String>) =
            call.members(&["KeyId", "Limit", "Marker"])?;
        let tags = match named_tag_list(&self.find(&key_id)?.tags, "TagKey", "TagValue") {
            Value::Array(tags) => tags,
            _ => Vec::new(),
        };
        listed("Tags", tags, limit.unwrap_or(50), marker.as_deref())
    }
}
