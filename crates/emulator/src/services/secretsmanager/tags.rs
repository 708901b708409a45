//! Tags of secrets.

use serde::Deserialize;
use serde_json::Value;

use super::{Answer, State, invalid};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{self, Tag, Tags};

/// Tags that a secret may have (Secrets Manager API Reference, TagResource).
const PER_SECRET: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagResource {
    secret_id: String,
    tags: Vec<Tag>,
}

pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    support::tags(given, invalid)
}

impl State {
    pub(super) fn tag_resource(&mut self, call: &Call) -> Answer {
        let given: TagResource = call.input()?;
        let secret = self.live_mut(&given.secret_id)?;
        let mut tags = secret.tags.clone();
        tags.extend(read(given.tags)?);
        if tags.len() > PER_SECRET {
            return Err(invalid(format!("A secret can have {PER_SECRET} tags at most.")));
        }
        secret.tags = tags;
        Ok(Value::Null)
    }

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
