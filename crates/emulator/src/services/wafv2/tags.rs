//! Tags of web ACLs and IP sets.

use serde_json::json;

use super::{invalid, nonexistent, too_much};
use crate::services::{Answer, Call, Cx, Refusal, Tag, Tagging, Tags, refuse_if, tag_list};

pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "ResourceARN", "TagKeys"],
    finds_first: true,
    ..Tagging::new(tags_of, read, |_| too_much("50 tags"))
};

/// Reads the tags of a request.
pub(super) fn read(given: Vec<Tag>) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    for Tag { key, value } in given {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys that begin with aws: are reserved.", "TAG_KEYS", &key));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(invalid("A tag key is given twice.", "TAG_KEYS", &key));
        }
    }
    refuse_if(tags.len() > 50, || too_much("50 tags"))?;
    Ok(tags)
}

fn tags_of<'a>(cx: &'a mut Cx<'_>, arn: &str) -> Result<&'a mut Tags, Refusal> {
    let web_acl = cx.r.wafv2.web_acls.get_mut(arn).map(|found| &mut found.tags);
    let ip_set = cx.r.wafv2.ip_sets.get_mut(arn).map(|found| &mut found.tags);
    web_acl.or(ip_set).ok_or_else(|| nonexistent(arn))
}

/// A marker is the last key shown.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (resource_arn, next_marker, limit): (String, Option<String>, Option<usize>) =
        call.members(&["ResourceARN", "NextMarker", "Limit"])?;
    let tags = tags_of(cx, &resource_arn)?;
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
