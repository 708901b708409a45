//! What the resources of Elastic Load Balancing share.
//!
//! The surprise: its creates are idempotent by name and settings. Where somebody else has the same object already, the
//! call succeeds and returns theirs. So each create looks first, and is refused where the name is taken; whose it is,
//! is then found out by its tags.

use aws::tags::{LiveTags, TagPairs};
use aws::{Called, Context, Tags};
use aws_sdk_elasticloadbalancingv2::types::Tag;
use engine::{CallError, Declared, ErrorClass, Input, Resolved, Stage};
use serde::{Deserialize, Serialize};

/// A setting of a load balancer or of a target group that has a key of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Attribute<S: Stage = Declared> {
    /// Which, such as `idle_timeout.timeout_seconds`.
    pub key: String,
    /// Its value: AWS has texts for numbers and truth values too.
    pub value: S::Of<String>,
}

impl Attribute<Declared> {
    /// The attribute of this key with this value.
    pub fn new(key: &str, value: impl Into<Input<String>>) -> Self {
        Self { key: key.to_owned(), value: value.into() }
    }
}

/// Those of the live attributes that were set, in the order in which they were recorded. AWS reports dozens.
pub(super) fn managed<'a>(
    recorded: &[Attribute<Resolved>],
    live: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)> + Clone,
) -> Vec<Attribute<Resolved>> {
    let value = |key: &str| {
        let (_, value) = live.clone().find(|(live, _)| *live == Some(key))?;
        Some(value.unwrap_or_default().to_owned())
    };
    let same = |attribute: &Attribute<Resolved>| {
        Some(Attribute { key: attribute.key.clone(), value: value(&attribute.key)? })
    };
    recorded.iter().filter_map(same).collect()
}

/// The same, where one that the live object does not have counts as being as it was set: a partition need not have it.
pub(super) fn managed_or_unknown<'a>(
    recorded: &[Attribute<Resolved>],
    live: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)> + Clone,
) -> Vec<Attribute<Resolved>> {
    let seen = managed(recorded, live);
    let as_seen =
        |set: &Attribute<Resolved>| seen.iter().find(|seen| seen.key == set.key).unwrap_or(set).clone();
    recorded.iter().map(as_seen).collect()
}

pub(super) fn elb(cx: &Context) -> aws_sdk_elasticloadbalancingv2::Client {
    cx.client(aws_sdk_elasticloadbalancingv2::Client::new)
}

/// A create that is refused before it is sent, since it would return an object that is there already.
pub(super) fn taken(operation: &str, what: &str) -> CallError {
    CallError::new(ErrorClass::AlreadyExists, operation, format!("{what} exists already"))
}

/// A tag as the service has it.
pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// The tags of an object, which no other answer carries.
pub(super) async fn tags_of(cx: &Context, arn: &str) -> Result<LiveTags, CallError> {
    let answer = elb(cx).describe_tags().resource_arns(arn).send().await.called("DescribeTags")?;
    let tags = answer.tag_descriptions().iter().flat_map(|description| description.tags());
    Ok(LiveTags::pairs(tags.map(|tag| (tag.key(), tag.value()))))
}

/// Changes tags from `before` to `wanted`. Sends nothing where they are the same.
pub(super) async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let remove = async |keys| {
        elb(cx)
            .remove_tags()
            .resource_arns(arn)
            .set_tag_keys(Some(keys))
            .send()
            .await
            .called("RemoveTags")
            .map(drop)
    };
    let set = async |tags: TagPairs| {
        elb(cx)
            .add_tags()
            .resource_arns(arn)
            .set_tags(Some(tags.list(tag)))
            .send()
            .await
            .called("AddTags")
            .map(drop)
    };
    before.changes_to(wanted).send(remove, set).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_attributes_that_were_set_are_read_back_and_in_their_order() {
        let set = |key: &str, value: &str| Attribute { key: key.to_owned(), value: value.to_owned() };
        let recorded = [set("b", "1"), set("gone", "1"), set("a", "1")];
        let live = [(Some("a"), Some("2")), (Some("other"), Some("3")), (Some("b"), None)];
        assert_eq!(managed(&recorded, live.into_iter()), [set("b", ""), set("a", "2")]);
    }
}
