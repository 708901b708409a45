//! What the resources of WAF share: its client, its errors, which have names of their own, and tags.

use aws_sdk_wafv2::types::Tag;
use engine::{CallError, ErrorClass};

use crate::error::{CallResult, Called};
use crate::tags::LiveTags;
use crate::{Context, Tags};

/// The client for WAF.
#[must_use]
pub fn waf(cx: &Context) -> aws_sdk_wafv2::Client {
    cx.client(aws_sdk_wafv2::Client::new)
}

/// A call to WAF, whose errors have names of their own.
///
/// What is new takes up to minutes until it can be used everywhere, and is "unavailable" until then; a change that
/// another one overtook is to be made again on what is there now; and WAF says of some failures itself that the call is to be
/// sent again: while its service-linked role is being made, and where tagging failed (API Reference,
/// `WAFServiceLinkedRoleErrorException`, `WAFTagOperationException`).
pub trait OfWaf: Sized {
    /// The same result, with the class that WAF's code means.
    #[must_use]
    fn of_waf(self) -> Self;
}

impl<T> OfWaf for Result<T, CallError> {
    fn of_waf(self) -> Self {
        const AGAIN: [&str; 5] = [
            "WAFOptimisticLockException",
            "WAFServiceLinkedRoleErrorException",
            "WAFTagOperationException",
            "WAFTagOperationInternalErrorException",
            "WAFUnavailableEntityException",
        ];
        self.classed(&["WAFNonexistentItemException"], ErrorClass::NotFound)
            .classed(&AGAIN, ErrorClass::NotYet)
    }
}

/// A tag as the service has it.
pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
}

/// All tags of an object: one page holds a hundred, and there are at most fifty.
pub(crate) async fn tags_of(cx: &Context, arn: &str) -> Result<LiveTags, CallError> {
    let answer = waf(cx).list_tags_for_resource().resource_arn(arn).send().await;
    let answer = answer.called("ListTagsForResource").of_waf()?;
    let tags = answer.tag_info_for_resource.and_then(|info| info.tag_list).unwrap_or_default();
    Ok(LiveTags::pairs(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value())))))
}

/// Changes tags from `before` to `wanted`. Sends nothing where they are the same.
pub(crate) async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    crate::tag_by_arn!(before.changes_to(wanted), waf(cx), arn, |tags| tags.list(tag), OfWaf::of_waf)
}
