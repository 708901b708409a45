//! Tags of vaults and plans.

use serde_json::json;

use super::{invalid, not_found, page};
use crate::services::{Answer, Call, Cx, Refusal, Tagging, Tags, tags};

pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "ResourceArn", "TagKeyList"],
    takes_map: true,
    ..Tagging::new(
        tags_of,
        |given| tags(given, invalid),
        |_| Refusal::new("LimitExceededException", "An object can have 50 tags at most."),
    )
};

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

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (arn, token, size): (String, Option<String>, Option<usize>) =
        call.members(&["ResourceArn", "NextToken", "MaxResults"])?;
    let tags: Vec<(String, String)> = tags_of(cx, &arn)?.clone().into_iter().collect();
    let (tags, token) = page(tags, token.as_deref(), size)?;
    Ok(json!({"Tags": tags.into_iter().collect::<Tags>(), "NextToken": token}))
}
