//! Tags of sampling rules and groups.

use serde_json::json;

use super::{check_token, invalid};
use crate::services::{Answer, Call, Cx, Refusal, Tagging, Tags, tag_list, tags};

/// TagResource, Tags: "Maximum number of user-applied tags per resource: 50".
pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "ResourceARN", "TagKeys"],
    ..Tagging::new(
        tags_of,
        |given| tags(given, invalid),
        |_| Refusal::new("TooManyTagsException", "An object can have 50 tags at most."),
    )
};

fn tags_of<'a>(cx: &'a mut Cx<'_>, arn: &str) -> Result<&'a mut Tags, Refusal> {
    let (rules, groups) = (cx.r.xray.rules.values_mut(), cx.r.xray.groups.values_mut());
    let rules = rules.filter(|rule| rule.arn() == arn).map(|rule| &mut rule.tags);
    let groups = groups.filter(|group| group.group_arn == arn).map(|group| &mut group.tags);
    rules.chain(groups).next().ok_or_else(|| {
        Refusal::new("ResourceNotFoundException", format!("{arn} does not exist.")).with_status(404)
    })
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (arn, token): (String, Option<String>) = call.members(&["ResourceARN", "NextToken"])?;
    check_token(token.as_deref())?;
    Ok(json!({"Tags": tag_list(tags_of(cx, &arn)?)}))
}
