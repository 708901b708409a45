//! What the resources of SNS share.

use std::collections::HashMap;

use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, Tags, TopicArn};
use aws_sdk_sns::types::Tag;
use engine::CallError;

pub(super) fn sns(cx: &Context) -> aws_sdk_sns::Client {
    cx.client(aws_sdk_sns::Client::new)
}

/// A tag as the service has it.
pub(super) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a key and a value are given")
}

/// The attributes of a topic, if there is such a topic.
pub(super) async fn attributes(
    cx: &Context,
    topic: &TopicArn,
) -> Result<Option<HashMap<String, String>>, CallError> {
    let answer = sns(cx).get_topic_attributes().topic_arn(topic.as_str()).send().await;
    let answer = answer.called("GetTopicAttributes").if_exists()?;
    Ok(answer.map(|answer| answer.attributes.unwrap_or_default()))
}

/// The tags of a topic, if there is such a topic.
pub(super) async fn live_tags(cx: &Context, topic: &TopicArn) -> Result<Option<LiveTags>, CallError> {
    let answer = sns(cx).list_tags_for_resource().resource_arn(topic.as_str()).send().await;
    let answer = answer.called("ListTagsForResource").if_exists()?;
    Ok(answer
        .map(|answer| LiveTags::pairs(answer.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value()))))))
}

/// What belongs to a topic has no tags: it is ours where the topic is.
pub(super) async fn check_ours(cx: &Context, topic: &TopicArn, what: &str) -> Result<(), CallError> {
    let tags = live_tags(cx, topic).await?.unwrap_or_default();
    match tags.is_ours(cx.identity()) {
        true => Ok(()),
        false => {
            let message = format!("the tags of topic {topic} do not say that it is ours");
            Err(CallError::conflict(format!("looking for {what}"), message))
        }
    }
}

pub(super) async fn retag(
    cx: &Context,
    topic: &TopicArn,
    before: &Tags,
    wanted: &Tags,
) -> Result<(), CallError> {
    aws::tag_by_arn!(before.changes_to(wanted), sns(cx), topic.as_str(), |tags| tags.list(tag))
}

/// Sets one attribute of a topic. An empty text takes it away.
pub(super) async fn set_attribute(
    cx: &Context,
    topic: &TopicArn,
    name: &str,
    value: &str,
) -> Result<(), CallError> {
    let request = sns(cx).set_topic_attributes().topic_arn(topic.as_str());
    let request = request.attribute_name(name).attribute_value(value);
    request.send().await.called("SetTopicAttributes").map(drop)
}
