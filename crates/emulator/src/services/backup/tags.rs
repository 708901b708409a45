//! Tags of vaults and plans.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Token, invalid, not_found, page};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::support::{Tags, tag_map};
use crate::services::{Answer, Cx};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    resource_arn: String,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    tag_key_list: Vec<String>,
    next_token: Option<Token>,
    max_results: Option<usize>,
}

/// The tags of what an ARN names.
fn tags_of<'a>(cx: &'a mut Cx<'_>, arn: &str) -> Result<&'a mut Tags, Refusal> {
    let (vault, plan) = (cx.arn("backup", "backup-vault:"), cx.arn("backup", "backup-plan:"));
    let state = &mut cx.r.backup;
    let found = if let Some(name) = arn.strip_prefix(&vault) {
        state.vaults.get_mut(name).map(|vault| &mut vault.tags)
    } else if let Some(id) = arn.strip_prefix(&plan) {
        state.live_plan(id).ok().map(|plan| &mut plan.tags)
    } else {
        // UntagResource, ResourceArn: "ARNs that do not include backup are incompatible with tagging".
        return Err(invalid(format!("{arn} is not the ARN of a backup vault or plan.")));
    };
    found.ok_or_else(|| not_found(format!("{arn} does not exist.")))
}

pub(super) fn tag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    let new = tag_map(input.tags, invalid)?;
    let tags = tags_of(cx, &input.resource_arn)?;
    let mut all = tags.clone();
    all.extend(new);
    if all.len() > 50 {
        return Err(Refusal::new("LimitExceededException", "An object can have 50 tags at most."));
    }
    *tags = all;
    Ok(Value::Null)
}

pub(super) fn untag(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    tags_of(cx, &input.resource_arn)?.retain(|key, _| !input.tag_key_list.contains(key));
    Ok(Value::Null)
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    let tags: Vec<(String, String)> =
        tags_of(cx, &input.resource_arn)?.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let (tags, token) = page(tags, input.next_token.as_ref(), input.max_results)?;
    Ok(json!({"Tags": tags.into_iter().collect::<Tags>(), "NextToken": token}))
}
