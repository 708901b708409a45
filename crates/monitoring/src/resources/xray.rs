//! What the resources of X-Ray share.

use aws::tags::LiveTags;
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

/// A tag as the service has it.
pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
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
    aws::tag_by_arn!(before.changes_to(wanted), xray(cx), arn, |tags| tags.list(tag))
}
