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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UntagResource {
    resource_arn: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListTagsForResource {
    resource_arn: String,
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
    let given: UntagResource = call.input()?;
    let name = name_in(cx, &given.resource_arn)?;
    cx.r.logs.find_mut(name)?.tags.retain(|key, _| !given.tag_keys.contains(key));
    Ok(Value::Null)
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: ListTagsForResource = call.input()?;
    let name = name_in(cx, &given.resource_arn)?;
    Ok(json!({"tags": cx.r.logs.find(name)?.tags}))
}
