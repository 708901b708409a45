//! The tier's AWS objects, one a file.

mod cluster;
mod cluster_parameter_group;
mod instance;
mod subnet_group;

pub use cluster::{Cluster, ClusterOutputs, DeletionPolicy, MasterUserSecret, ServerlessScaling};
pub use cluster_parameter_group::{ClusterParameterGroup, ClusterParameterGroupOutputs, Parameters};
pub use instance::{Instance, InstanceOutputs};
pub use subnet_group::{SubnetGroup, SubnetGroupOutputs};

use aws::tags::{LiveTags, TagPairs};
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

/// A tag as the service has it.
fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
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
    let remove = async |keys| {
        rds(cx)
            .remove_tags_from_resource()
            .resource_name(arn)
            .set_tag_keys(Some(keys))
            .send()
            .await
            .called("RemoveTagsFromResource")
            .map(drop)
    };
    let set = async |tags: TagPairs| {
        rds(cx)
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
