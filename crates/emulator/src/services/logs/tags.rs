//! Tags of log groups, which are named by their ARNs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Cx, invalid, name_in};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{Tags, tag_map};

/// Tags that a group may have (CloudWatch Logs API Reference, TagResource, `TooManyTagsException`).
const PER_GROUP: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TagResource {
    resource_arn: String,
    tags: Tags,
}

pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: TagResource = call.input()?;
    let name = name_in(cx, &given.resource_arn)?;
    let group = cx.r.logs.find_mut(name)?;
    let mut tags = group.tags.clone();
    tags.extend(tag_map(given.tags, invalid)?);
    if tags.len() > PER_GROUP {
        let message = format!("The log group {name} would have more than {PER_GROUP} tags.");
        return Err(Refusal::new("TooManyTagsException", message));
    }
    group.tags = tags;
    Ok(Value::Null)
}

pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tag_keys): (String, Vec<String>) = call.members(&["resourceArn", "tagKeys"])?;
    let name = name_in(cx, &resource_arn)?;
    cx.r.logs.find_mut(name)?.tags.retain(|key, _| !tag_keys.contains(key));
    Ok(Value::Null)
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("resourceArn")?;
    let name = name_in(cx, &resource_arn)?;
    Ok(json!({"tags": cx.r.logs.find(name)?.tags}))
}
