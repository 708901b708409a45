//! Tags by ARN.

use serde_json::json;

use super::{check_whole, invalid};
use crate::request::Call;
use crate::services::support::{Tags, tag_map};
use crate::services::{Answer, Cx};

/// "Tags apply to the entire function, not to individual versions or aliases" (Lambda Developer Guide, "Using tags on Lambda
/// functions").
const WHOLE: &str = "Tags on function aliases and versions are not supported. Please specify a function ARN.";

pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource, tags): (String, Tags) = call.members(&["Resource", "Tags"])?;
    check_whole(cx.region, &resource, WHOLE)?;
    let function = cx.r.lambda.named_mut(cx.region, &resource)?;
    let mut all = function.tags.clone();
    all.extend(tag_map(tags, invalid)?);
    function.tags = tag_map(all, invalid)?;
    Ok(json!({}))
}

pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource, tag_keys): (String, Vec<String>) = call.members(&["Resource", "TagKeys"])?;
    check_whole(cx.region, &resource, WHOLE)?;
    cx.r.lambda.named_mut(cx.region, &resource)?.tags.retain(|key, _| !tag_keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource: String = call.member("Resource")?;
    check_whole(cx.region, &resource, WHOLE)?;
    Ok(json!({"Tags": cx.r.lambda.named(cx.region, &resource)?.tags}))
}
