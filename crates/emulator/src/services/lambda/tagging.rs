//! Tags by ARN.

use serde::Deserialize;
use serde_json::json;

use super::{check_whole, invalid};
use crate::request::Call;
use crate::services::support::{Tags, tag_map};
use crate::services::{Answer, Cx};

/// "Tags apply to the entire function, not to individual versions or aliases" (Lambda Developer Guide, "Using tags on Lambda
/// functions").
const WHOLE: &str = "Tags on function aliases and versions are not supported. Please specify a function ARN.";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    resource: String,
    tags: Tags,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Untag {
    resource: String,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    resource: String,
}

pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Tag { resource, tags } = call.input()?;
    check_whole(cx.region, &resource, WHOLE)?;
    let function = cx.r.lambda.named_mut(cx.region, &resource)?;
    let mut all = function.tags.clone();
    all.extend(tag_map(tags, invalid)?);
    function.tags = tag_map(all, invalid)?;
    Ok(json!({}))
}

pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Untag { resource, tag_keys } = call.input()?;
    check_whole(cx.region, &resource, WHOLE)?;
    cx.r.lambda.named_mut(cx.region, &resource)?.tags.retain(|key, _| !tag_keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let List { resource } = call.input()?;
    check_whole(cx.region, &resource, WHOLE)?;
    Ok(json!({"Tags": cx.r.lambda.named(cx.region, &resource)?.tags}))
}
