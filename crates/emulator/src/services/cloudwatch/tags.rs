//! Tags of alarms and dashboards.

use serde_json::json;

use super::alarm::read_tags;
use super::{invalid_value, not_found};
use crate::services::{Answer, Call, Cx, Refusal, Tagging, Tags};

/// TagResource: "You can associate as many as 50 tags with a CloudWatch resource."
pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "ResourceARN", "TagKeys"],
    ..Tagging::new(tags_of, read_tags, |_| invalid_value("An object can have 50 tags at most."))
};

/// The tags of what an ARN names (TagResource, ResourceARN; Contributor Insights rules and metric streams are not here).
fn tags_of<'a>(cx: &'a mut Cx<'_>, arn: &str) -> Result<&'a mut Tags, Refusal> {
    let (alarm, dashboard) = (cx.arn("cloudwatch", "alarm:"), super::dashboard::arn(""));
    let state = &mut cx.r.cloudwatch;
    let found = if let Some(name) = arn.strip_prefix(&alarm) {
        let composite = state.composites.get_mut(name).map(|alarm| &mut alarm.tags);
        composite.or_else(|| state.alarms.get_mut(name).map(|alarm| &mut alarm.tags))
    } else if let Some(name) = arn.strip_prefix(&dashboard) {
        cx.global.dashboards.tags_mut(name)
    } else {
        None
    };
    found.ok_or_else(|| not_found(format!("{arn} does not exist.")))
}

/// For an alarm that was just deleted, the list is empty instead of an error (recorded from real AWS).
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let resource_arn: String = call.member("ResourceARN")?;
    let name = resource_arn.strip_prefix(&cx.arn("cloudwatch", "alarm:"));
    let state = &cx.r.cloudwatch;
    if name.is_some_and(|name| state.deleted.contains_key(name) && !state.alarm_exists(name)) {
        return Ok(json!({"Tags": []}));
    }
    TAGS.list(cx, call)
}
