//! Tags of log groups, which are named by their ARNs (CloudWatch Logs API Reference, TagResource).

use serde_json::json;

use super::{invalid, name_in};
use crate::services::{Refusal, Table, Tagging, tags};

pub(super) const TAGS: Tagging = Tagging {
    members: &["tags", "resourceArn", "tagKeys"],
    finds_first: true,
    takes_map: true,
    list: |tags| json!(tags),
    ..Tagging::new(
        |cx, arn| {
            let name = name_in(cx, arn)?;
            cx.r.logs.groups.find_mut(name).map(|group| &mut group.tags)
        },
        |given| tags(given, invalid),
        |arn| {
            let name = arn.splitn(7, ':').nth(6).unwrap_or(arn);
            let name = name.strip_suffix(":*").unwrap_or(name);
            let message = format!("The log group {name} would have more than 50 tags.");
            Refusal::new("TooManyTagsException", message)
        },
    )
};
