//! Tags of secrets (Secrets Manager API Reference, TagResource).

use serde_json::Value;

use super::{Answer, State, invalid};
use crate::services::{Call, Refusal, Tag, Tagging, Tags, support};

pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "SecretId", "TagKeys"],
    finds_first: true,
    ..Tagging::new(
        |cx, id| cx.r.secretsmanager.live_mut(id).map(|secret| &mut secret.tags),
        read,
        |_| invalid("A secret can have 50 tags at most."),
    )
};

pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    support::tags(given, invalid)
}

impl State {
    pub(super) fn untag_resource(&mut self, call: &Call) -> Answer {
        let (secret_id, tag_keys): (String, Vec<String>) = call.members(&["SecretId", "TagKeys"])?;
        if let Some(key) = tag_keys.iter().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
            return Err(invalid(format!("Tag keys that begin with aws: are reserved, as {key} is.")));
        }
        let secret = self.live_mut(&secret_id)?;
        let before = secret.tags.len();
        secret.tags.retain(|key, _| !tag_keys.contains(key));
        secret.untagged |= secret.tags.len() < before;
        Ok(Value::Null)
    }
}
