//! Tags of topics.

use serde::Deserialize;
use serde_json::json;

use super::{Answer, State, Topic, invalid};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{self, Tag, Tags, tag_list};

/// Tags that a topic may have (SNS API Reference, TagResource).
const PER_TOPIC: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagResource {
    resource_arn: String,
    tags: Vec<Tag>,
}

pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    check_count(given.len())?;
    support::tags(given, |message| invalid(format!("Tags Reason: {message}")))
}

fn check_count(count: usize) -> Result<(), Refusal> {
    match count {
        ..=PER_TOPIC => Ok(()),
        _ => Err(Refusal::new("TagLimitExceeded", format!("A topic can have {PER_TOPIC} tags at most."))),
    }
}

fn no_resource() -> Refusal {
    Refusal::new("ResourceNotFound", "Resource does not exist").with_status(404)
}

impl State {
    fn tagged(&mut self, arn: &str) -> Result<&mut Topic, Refusal> {
        self.topics.get_mut(arn).ok_or_else(no_resource)
    }

    pub(super) fn tag_resource(&mut self, call: &Call) -> Answer {
        let given: TagResource = call.input()?;
        let topic = self.tagged(&given.resource_arn)?;
        let mut tags = topic.tags.clone();
        tags.extend(read(given.tags)?);
        check_count(tags.len())?;
        topic.tags = tags;
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, call: &Call) -> Answer {
        let (resource_arn, tag_keys): (String, Vec<String>) = call.members(&["ResourceArn", "TagKeys"])?;
        let topic = self.tagged(&resource_arn)?;
        topic.tags.retain(|key, _| !tag_keys.contains(key));
        Ok(json!({}))
    }

    pub(super) fn list_tags_for_resource(&self, call: &Call) -> Answer {
        let resource_arn: String = call.member("ResourceArn")?;
        let topic = self.topic(&resource_arn).ok_or_else(no_resource)?;
        Ok(json!({"Tags": tag_list(&topic.tags)}))
    }
}
