//! What alarms and dashboards share: the client, and their tags.

use aws_sdk_cloudwatch::types::Tag;
use engine::{CallError, ErrorClass};

use crate::Context;
use crate::error::Called;
use crate::tags::{LiveTags, Stamped, Tags};

/// The client for CloudWatch.
#[must_use]
pub fn client(cx: &Context) -> aws_sdk_cloudwatch::Client {
    cx.client(aws_sdk_cloudwatch::Client::new)
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// Tags for a create call. CloudWatch ignores them where the object exists already.
#[must_use]
pub fn stamped(tags: &Stamped) -> Vec<Tag> {
    tags.pairs().map(|(key, value)| tag(key, value)).collect()
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
    let changes = before.changes_to(wanted);
    if !changes.remove.is_empty() {
        let request = client(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(changes.remove));
        request.send().await.called("UntagResource")?;
    }
    if !changes.set.is_empty() {
        let set = changes.set.iter().map(|(key, value)| tag(key, value)).collect();
        let request = client(cx).tag_resource().resource_arn(arn).set_tags(Some(set));
        request.send().await.called("TagResource")?;
    }
    Ok(())
}

/// A create that is refused before it is sent, since the call would write over an object that is there already.
#[must_use]
pub fn taken(operation: &str, what: &str) -> CallError {
    CallError::new(ErrorClass::AlreadyExists, operation, format!("{what} exists already"))
}

/// A list of which AWS does not keep the order, in the order in which it was recorded, and what is new behind it.
#[must_use]
pub fn in_order_of<T, K: PartialEq>(recorded: &[T], mut live: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let place = |one: &T| recorded.iter().position(|other| key(other) == key(one)).unwrap_or(usize::MAX);
    live.sort_by_key(place);
    live
}
