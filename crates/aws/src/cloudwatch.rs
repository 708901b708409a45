//! What alarms and dashboards share: the client, and their tags.

use aws_sdk_cloudwatch::types::Tag;
use engine::{CallError, ErrorClass};

use crate::Context;
use crate::error::Called;
use crate::tags::{LiveTags, Tags};

/// The client for CloudWatch.
#[must_use]
pub fn client(cx: &Context) -> aws_sdk_cloudwatch::Client {
    cx.client(aws_sdk_cloudwatch::Client::new)
}

/// A tag as CloudWatch has it. It ignores those of a create call where the object exists already.
#[must_use]
pub fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// The tags of an alarm or a dashboard, which no other answer carries.
///
/// # Errors
/// As the call fails; `NotFound` where there is no such object.
pub async fn live_tags(cx: &Context, arn: &str) -> Result<LiveTags, CallError> {
    let answer = client(cx).list_tags_for_resource().resource_arn(arn).send().await;
    let answer = answer.called("ListTagsForResource")?;
    Ok(LiveTags::pairs(answer.tags().iter().map(|tag| (tag.key(), tag.value()))))
}

/// Brings the tags of an alarm or a dashboard to what is wanted.
///
/// # Errors
/// As the calls fail.
pub async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    crate::tag_by_arn!(before.changes_to(wanted), client(cx), arn, |tags| tags.list(tag))
}

/// A create that is refused before it is sent, since the call would write over an object that is there already.
#[must_use]
pub fn taken(operation: &str, what: &str) -> CallError {
    CallError::new(ErrorClass::AlreadyExists, operation, format!("{what} exists already"))
}
