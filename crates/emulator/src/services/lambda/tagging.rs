//! Tags by ARN.

use serde_json::json;

use super::{check_whole, invalid};
use crate::services::{Tagging, tags};

/// "Tags apply to the entire function, not to individual versions or aliases" (Lambda Developer Guide, "Using tags on Lambda
/// functions").
const WHOLE: &str = "Tags on function aliases and versions are not supported. Please specify a function ARN.";

pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "Resource", "TagKeys"],
    finds_first: true,
    takes_map: true,
    list: |tags| json!(tags),
    ..Tagging::new(
        |cx, arn| {
            check_whole(cx.region, arn, WHOLE)?;
            cx.r.lambda.named_mut(cx.region, arn).map(|function| &mut function.tags)
        },
        |given| tags(given, invalid),
        |_| invalid("An object can have 50 tags at most."),
    )
};
