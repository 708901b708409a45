//! What the objects of RDS share: the client, and their tags.

/// What its calls take and answer.
pub use aws_sdk_rds::types;

use aws_sdk_rds::types::Tag;
use engine::{CallError, ErrorClass};

use crate::Context;
use crate::error::{CallResult, Called};
use crate::tags::{LiveTags, TagPairs, Tags};

/// A call to RDS that may be the account's first.
pub trait OfRds: Sized {
    /// The same result, where RDS's service-linked role may be so new that RDS does not know it yet: it makes the role with the
    /// first subnet group, cluster or instance, and may refuse that very call with `InvalidParameterValue`.
    #[must_use]
    fn once_linked(self) -> Self;
}

impl<T> OfRds for Result<T, CallError> {
    fn once_linked(self) -> Self {
        const INVALID: &str = "InvalidParameterValue";
        self.classed_saying(INVALID, "service linked role", ErrorClass::NotYet).classed_saying(
            INVALID,
            "Missing necessary credentials",
            ErrorClass::NotYet,
        )
    }
}

/// The client for RDS.
#[must_use]
pub fn client(cx: &Context) -> aws_sdk_rds::Client {
    cx.client(aws_sdk_rds::Client::new)
}

/// A tag as RDS has it.
#[must_use]
pub fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// The tags in an answer.
#[must_use]
pub fn live_tags(tags: &[Tag]) -> LiveTags {
    LiveTags::pairs(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// The tags of an object that its Describe answer does not carry.
///
/// # Errors
/// As the call fails; `NotFound` where there is no such object.
pub async fn tags_of(cx: &Context, arn: &str) -> Result<LiveTags, CallError> {
    let answer = client(cx).list_tags_for_resource().resource_name(arn).send().await;
    Ok(live_tags(answer.called("ListTagsForResource")?.tag_list()))
}

/// Changes tags from `before` to `wanted`. Sends nothing where they are the same.
///
/// # Errors
/// As the calls fail.
pub async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let remove = async |keys| {
        client(cx)
            .remove_tags_from_resource()
            .resource_name(arn)
            .set_tag_keys(Some(keys))
            .send()
            .await
            .called("RemoveTagsFromResource")
            .map(drop)
    };
    let set = async |tags: TagPairs| {
        client(cx)
            .add_tags_to_resource()
            .resource_name(arn)
            .set_tags(Some(tags.list(tag)))
            .send()
            .await
            .called("AddTagsToResource")
            .map(drop)
    };
    before.changes_to(wanted).send(remove, set).await
}
