//! The tags of the resources of WAF.

use aws::tags::{LiveTags, TagPairs};
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
    let remove = async |keys| {
        waf(cx)
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(keys))
            .send()
            .await
            .called("UntagResource")
            .of_waf()
            .map(drop)
    };
    let set = async |tags: TagPairs| {
        waf(cx)
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags.list(tag)))
            .send()
            .await
            .called("TagResource")
            .of_waf()
            .map(drop)
    };
    before.changes_to(wanted).send(remove, set).await
}
