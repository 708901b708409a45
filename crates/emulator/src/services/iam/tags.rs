//! Tags of roles.
//!
//! Keys keep their case and do not differ by it (IAM User Guide, "Tags for IAM resources", "Rules for tagging in IAM and
//! AWS STS").

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, State, exceeded, invalid_input, listed};
use crate::services::{Call, Refusal, Table, Tag, Tags, support, tag_list};

/// Tags that a role may have (IAM User Guide, "IAM and AWS STS quotas").
const PER_ROLE: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagRole {
    role_name: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UntagRole {
    role_name: String,
    tag_keys: Vec<String>,
}

/// Reads the tags of a request. Each key is there once (IAM API Reference, TagRole, `InvalidInput`).
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    let is_repeated = |(at, tag): (usize, &Tag)| given[..at].iter().any(|other| same(&other.key, &tag.key));
    if given.iter().enumerate().any(is_repeated) {
        let message = "Duplicate tag keys found. Please note that tag keys are case insensitive.";
        return Err(invalid_input(message));
    }
    support::tags(given, |message| Refusal::new("ValidationError", message))
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

impl State {
    pub(super) fn tag_role(&mut self, call: &Call) -> Answer {
        let given: TagRole = call.input()?;
        let role = self.roles.find_mut(&given.role_name)?;
        let mut tags = role.tags.clone();
        for (key, value) in read(given.tags)? {
            tags.retain(|other, _| !same(other, &key));
            tags.insert(key, value);
        }
        if tags.len() > PER_ROLE {
            return Err(exceeded(format!("Cannot exceed quota for TagsPerRole: {PER_ROLE}")));
        }
        role.tags = tags;
        Ok(json!({}))
    }

    pub(super) fn untag_role(&mut self, call: &Call) -> Answer {
        let given: UntagRole = call.input()?;
        let role = self.roles.find_mut(&given.role_name)?;
        role.tags.retain(|key, _| !given.tag_keys.iter().any(|given| same(given, key)));
        Ok(json!({}))
    }

    /// Sorted by key (IAM API Reference, ListRoleTags).
    pub(super) fn list_role_tags(&self, call: &Call) -> Answer {
        let (role_name, max_items, marker): (String, Option<usize>, Option<String>) =
            call.members(&["RoleName", "MaxItems", "Marker"])?;
        let tags = match tag_list(&self.roles.find(&role_name)?.tags) {
            Value::Array(tags) => tags,
            _ => Vec::new(),
        };
        listed("Tags", tags, max_items, marker.as_deref())
    }
}
