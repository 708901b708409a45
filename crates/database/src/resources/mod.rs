//! The tier's AWS objects, one a file.

mod cluster;
mod cluster_parameter_group;
mod instance;
mod subnet_group;

pub use cluster::{Cluster, ClusterOutputs, DeletionPolicy, MasterUserSecret, ServerlessScaling};
pub use cluster_parameter_group::{ClusterParameterGroup, ClusterParameterGroupOutputs, Parameters};
pub use instance::{Instance, InstanceOutputs};
pub use subnet_group::{SubnetGroup, SubnetGroupOutputs};

use std::collections::BTreeMap;

use aws::tags::{LiveTags, Stamped};
use aws::{Called, Context, Registry, Tags};
use aws_sdk_rds::types::Tag;
use engine::{CallError, Resolved};

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<SubnetGroup<Resolved>>()
        .register::<ClusterParameterGroup>()
        .register::<Cluster<Resolved>>()
        .register::<Instance<Resolved>>();
}

fn rds(cx: &Context) -> aws_sdk_rds::Client {
    cx.client(aws_sdk_rds::Client::new)
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn stamped(tags: &Stamped) -> Vec<Tag> {
    tags.pairs().map(|(key, value)| tag(key, value)).collect()
}

fn live_tags(tags: &[Tag]) -> LiveTags {
    LiveTags::pairs(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// The tags of an object that its Describe answer does not carry.
async fn tags_of(cx: &Context, arn: &str) -> Result<LiveTags, CallError> {
    let answer = rds(cx).list_tags_for_resource().resource_name(arn).send().await;
    Ok(live_tags(answer.called("ListTagsForResource")?.tag_list()))
}

/// Changes tags from `before` to `wanted`. Sends nothing where they are the same.
async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let changes = before.changes_to(wanted);
    if !changes.remove.is_empty() {
        let request = rds(cx).remove_tags_from_resource().resource_name(arn);
        request.set_tag_keys(Some(changes.remove)).send().await.called("RemoveTagsFromResource")?;
    }
    if !changes.set.is_empty() {
        let set: &BTreeMap<String, String> = &changes.set;
        let set = set.iter().map(|(key, value)| tag(key, value)).collect();
        let request = rds(cx).add_tags_to_resource().resource_name(arn).set_tags(Some(set));
        request.send().await.called("AddTagsToResource")?;
    }
    Ok(())
}

/// A list of which AWS does not keep the order, in the order in which it was recorded.
fn in_order_of<T: Ord>(recorded: &[T], mut live: Vec<T>) -> Vec<T> {
    let place = |one: &T| recorded.iter().position(|other| other == one).unwrap_or(usize::MAX);
    live.sort_by(|left, right| place(left).cmp(&place(right)).then_with(|| left.cmp(right)));
    live
}
