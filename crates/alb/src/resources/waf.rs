//! The tags of the resources of WAF.

use aws::tags::LiveTags;
use aws::waf::{OfWaf, waf};
use aws::{Called, Context, Tags};
use aws_sdk_wafv2::types::Tag;
use engine::CallError;

/// A tag as the service has it.
pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
}

/// All tags of an object: one page holds a hundred, and there are at most fifty.
pub(super) async fn tags_of(cx: &Context, arn: &str) -> Result<LiveTags, CallError> {
    let answer = waf(cx).list_tags_for_resource().resource_arn(arn).send().await;
    let answer = answer.called("ListTagsForResource").of_waf()?;
    let tags = answer.tag_info_for_resource.and_then(|info| info.tag_list).unwrap_or_default();
    Ok(LiveTags::pairs(tags.iter().map(|tag| (Some(tag.key()), Some(tag.value())))))
}

/// Changes tags from `before` to `wanted`. Sends nothing where they are the same.
pub(super) async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    aws::tag_by_arn!(before.changes_to(wanted), waf(cx), arn, |tags| tags.list(tag), OfWaf::of_waf)
}
