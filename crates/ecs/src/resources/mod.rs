//! The tier's AWS objects, one a file.

mod cluster;
mod container;
mod deployment;
mod repository;
mod scalable_target;
mod scaling_policy;
mod service;
mod task_definition;

pub use cluster::{Cluster, ClusterOutputs, ClusterSetting};
pub use container::{
    Capabilities, ContainerDefinition, ContainerHealthCheck, KeyValuePair, LinuxParameters, LogConfiguration,
    MountPoint, PortMapping, Secret,
};
pub use repository::{
    EncryptionConfiguration, ImageScanning, LifecyclePolicy, Repository, RepositoryOutputs,
};
pub use scalable_target::{ScalableTarget, ScalableTargetOutputs};
pub use scaling_policy::{PredefinedMetric, ScalingPolicy, ScalingPolicyOutputs, TargetTracking};
pub use service::{
    AdvancedConfiguration, AwsvpcConfiguration, CircuitBreaker, DeploymentConfiguration,
    DeploymentController, LoadBalancer, NetworkConfiguration, Service, ServiceOutputs,
};
pub use task_definition::{RuntimePlatform, TaskDefinition, TaskDefinitionOutputs, Volume};

use aws::tags::{LiveTags, Stamped};
use aws::{Called, Context, Registry, Tags};
use aws_sdk_ecs::types::Tag;
use engine::{CallError, Resolved};

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<Repository>()
        .register::<Cluster>()
        .register::<TaskDefinition<Resolved>>()
        .register::<Service<Resolved>>()
        .register::<ScalableTarget<Resolved>>()
        .register::<ScalingPolicy<Resolved>>();
}

fn ecs(cx: &Context) -> aws_sdk_ecs::Client {
    cx.client(aws_sdk_ecs::Client::new)
}

fn scaling(cx: &Context) -> aws_sdk_applicationautoscaling::Client {
    cx.client(aws_sdk_applicationautoscaling::Client::new)
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

/// Changes tags of an object of ECS from `before` to `wanted`. Sends nothing where they are the same.
async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    let changes = before.changes_to(wanted);
    if !changes.remove.is_empty() {
        let request = ecs(cx).untag_resource().resource_arn(arn).set_tag_keys(Some(changes.remove));
        request.send().await.called("UntagResource")?;
    }
    if !changes.set.is_empty() {
        let set = changes.set.iter().map(|(key, value)| tag(key, value)).collect();
        ecs(cx).tag_resource().resource_arn(arn).set_tags(Some(set)).send().await.called("TagResource")?;
    }
    Ok(())
}

/// AWS refuses what is out of range; a number beyond i32 is refused just the same.
fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A number that AWS never answers below zero.
fn count(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

/// A list of which AWS does not keep the order, in the order in which it was recorded.
fn in_order_of<T: Ord>(recorded: &[T], mut live: Vec<T>) -> Vec<T> {
    let place = |one: &T| recorded.iter().position(|other| other == one).unwrap_or(usize::MAX);
    live.sort_by(|left, right| place(left).cmp(&place(right)).then_with(|| left.cmp(right)));
    live
}
