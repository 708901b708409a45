//! Tags of web ACLs and IP sets.

use serde::Deserialize;
use serde_json::json;

use super::{State, invalid, nonexistent, too_much};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{Answer, Cx, Tag, Tags, tag_list};

/// Tags with others added to them.
pub(super) fn with(tags: &Tags, given: Vec<Tag>) -> Result<Tags, Refusal> {
    let mut added = Tags::new();
    for Tag { key, value } in given {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys that begin with aws: are reserved.", "TAG_KEYS", &key));
        }
        if added.insert(key.clone(), value).is_some() {
            return Err(invalid("A tag key is given twice.", "TAG_KEYS", &key));
        }
    }
    let mut tags = tags.clone();
    tags.extend(added);
    match tags.len() {
        // AWS General Reference, "Tagging your AWS resources", "Tag naming limits and requirements".
        ..=50 => Ok(tags),
        _ => Err(too_much("50 tags")),
    }
}

impl State {
    fn tags_of(&mut self, arn: &str) -> Result<&mut Tags, Refusal> {
        let web_acl = self.web_acls.get_mut(arn).map(|found| &mut found.tags);
        let ip_set = self.ip_sets.get_mut(arn).map(|found| &mut found.tags);
        web_acl.or(ip_set).ok_or_else(|| nonexistent(arn))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagResource {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    tags: Vec<Tag>,
}

pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: TagResource = call.input()?;
    let tags = cx.r.wafv2.tags_of(&given.resource_arn)?;
    *tags = with(tags, given.tags)?;
    Ok(json!({}))
}

pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, tag_keys): (String, Vec<String>) = call.members(&["ResourceARN", "TagKeys"])?;
    cx.r.wafv2.tags_of(&resource_arn)?.retain(|key, _| !tag_keys.contains(key));
    Ok(json!({}))
}

/// A marker is the last key shown.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, next_marker, limit): (String, Option<String>, Option<usize>) =
        call.members(&["ResourceARN", "NextMarker", "Limit"])?;
    let tags = cx.r.wafv2.tags_of(&resource_arn)?;
    let after = |key: &String| next_marker.as_ref().is_none_or(|marker| key > marker);
    let rest: Vec<_> = tags.iter().filter(|(key, _)| after(key)).collect();
    let shown: Tags =
        rest.iter().take(limit.unwrap_or(100)).map(|(k, v)| ((*k).clone(), (*v).clone())).collect();
    let next = shown.keys().last().filter(|_| shown.len() < rest.len());
    Ok(json!({
        "TagInfoForResource": {"ResourceARN": resource_arn, "TagList": tag_list(&shown)},
        "NextMarker": next,
    }))
}
