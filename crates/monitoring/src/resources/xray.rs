//! What the resources of X-Ray share.

use aws::tags::{LiveTags, Stamped};
use aws::{CallResult, Called, Context, Tags};
use aws_sdk_xray::types::Tag;
use engine::{CallError, ErrorClass};

pub(super) fn xray(cx: &Context) -> aws_sdk_xray::Client {
    cx.client(aws_sdk_xray::Client::new)
}

/// A call to X-Ray, which has one code for nearly everything that it refuses.
pub(super) trait OfXray<T> {
    fn of_xray(self) -> Result<T, CallError>;
}

impl<T> OfXray<T> for Result<T, CallError> {
    fn of_xray(self) -> Result<T, CallError> {
        const CODE: &str = "InvalidRequestException";
        self.classed_saying(CODE, "already exists", ErrorClass::AlreadyExists).classed_saying(
            CODE,
            "does not exist",
            ErrorClass::NotFound,
        )
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
}

pub(super) fn stamped(tags: &Stamped) -> Vec<Tag> {
    tags.pairs().map(|(key, value)| tag(key, value)).collect()
}

/// The tags of a sampling rule or a group, if there is one.
pub(super) async fn live_tags(cx: &Context, arn: &str) -> Result<Option<LiveTags>, CallError> {
    let pages = xray(cx).list_tags_for_resource().resource_arn(arn).into_paginator().send();
    let pages: Option<Vec<_>> = pages.try_collect().await.called("ListTagsForResource").if_exists()?;
    let Some(pages) = pages else { return Ok(None) };
    let tags = pages.iter().flat_map(|page| page.tags());
    Ok(Some(LiveTags::pairs(tags.map(|tag| (Some(tag.key()), Some(tag.value()))))))
}

pub(super) async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let changes = before.changes_to(wanted);
    if !changes.remove.is_empty() {
        let request = xray(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(changes.remove));
        request.send().await.called("UntagResource")?;
    }
    if !changes.set.is_empty() {
        let set = changes.set.iter().map(|(key, value)| tag(key, value)).collect();
        let request = xray(cx).tag_resource().resource_arn(arn).set_tags(Some(set));
        request.send().await.called("TagResource")?;
    }
    Ok(())
}
