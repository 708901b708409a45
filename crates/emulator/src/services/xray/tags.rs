//! Tags of sampling rules and groups.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{State, check_token, invalid};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{Tag, Tags, tag_list, tags};
use crate::services::{Answer, Cx};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    #[serde(rename = "ResourceARN")]
    resource_arn: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
    next_token: Option<String>,
}

impl State {
    fn tags_mut(&mut self, arn: &str) -> Result<&mut Tags, Refusal> {
        let rules = self.rules.values_mut().filter(|rule| rule.arn() == arn).map(|rule| &mut rule.tags);
        let groups =
            self.groups.values_mut().filter(|group| group.group_arn == arn).map(|group| &mut group.tags);
        rules.chain(groups).next().ok_or_else(|| {
            Refusal::new("ResourceNotFoundException", format!("{arn} does not exist.")).with_status(404)
        })
    }
}

pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    let new = tags(input.tags, invalid)?;
    let tags = cx.r.xray.tags_mut(&input.resource_arn)?;
    let mut all = tags.clone();
    all.extend(new);
    // TagResource, Tags: "Maximum number of user-applied tags per resource: 50".
    if all.len() > 50 {
        return Err(Refusal::new("TooManyTagsException", "An object can have 50 tags at most."));
    }
    *tags = all;
    Ok(json!({}))
}

pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    cx.r.xray.tags_mut(&input.resource_arn)?.retain(|key, _| !input.tag_keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    check_token(input.next_token.as_deref())?;
    let tags: Value = tag_list(cx.r.xray.tags_mut(&input.resource_arn)?);
    Ok(json!({"Tags": tags}))
}
