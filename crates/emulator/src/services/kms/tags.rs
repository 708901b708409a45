//! Tags of keys.

use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Refusal, State, listed};
use crate::request::Call;
use crate::services::support::{self, Tag, Tags, named_tag_list};

/// Tags that a key may have (KMS Developer Guide, "Tags in AWS KMS").
const PER_KEY: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagResource {
    key_id: String,
    tags: Vec<Tag>,
}

/// Reads the tags of a request (KMS API Reference, CreateKey, `TagException`; that it is also the code for too many of them
/// is recorded from real AWS).
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    support::tags(given, |message| Refusal::new("TagException", message))
}

/// A key has too many tags by several requests (KMS API Reference, TagResource, `LimitExceededException`).
fn check_count(count: usize) -> Result<(), Refusal> {
    match count {
        ..=PER_KEY => Ok(()),
        _ => Err(Refusal::new("LimitExceededException", format!("A key can have {PER_KEY} tags at most."))),
    }
}

impl State {
    pub(super) fn tag_resource(&mut self, call: &Call) -> Answer {
        let given: TagResource = call.input()?;
        let key = self.live_mut(&given.key_id)?;
        let mut tags = key.tags.clone();
        tags.extend(read(given.tags)?);
        check_count(tags.len())?;
        key.tags = tags;
        Ok(Value::Null)
    }

    pub(super) fn untag_resource(&mut self, call: &Call) -> Answer {
        let (key_id, tag_keys): (String, Vec<String>) = call.members(&["KeyId", "TagKeys"])?;
        let key = self.live_mut(&key_id)?;
        key.tags.retain(|key, _| !tag_keys.contains(key));
        Ok(Value::Null)
    }

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
