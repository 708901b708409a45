//! The tier's AWS objects, one a file.

mod cluster;
mod container;
pub(crate) mod deployment;
pub(crate) mod pull;
mod repository;
mod rollout;
mod scalable_target;
mod scaling_policy;
mod service;
mod task_definition;

pub use cluster::{
    CapacityProviderStrategyItem, Cluster, ClusterConfiguration, ClusterOutputs, ClusterSetting,
    ExecuteCommandConfiguration, ManagedStorageConfiguration, ServiceConnectDefaults,
};
pub use container::{
    Capabilities, ContainerDefinition, ContainerHealthCheck, KeyValuePair, LinuxParameters, LogConfiguration,
    MountPoint, PortMapping, Secret,
};
pub use pull::RunningImage;
pub use repository::{
    EncryptionConfiguration, ImageScanning, LifecyclePolicy, Repository, RepositoryOutputs,
};
pub use scalable_target::{ScalableTarget, ScalableTargetOutputs, SuspendedState};
pub use scaling_policy::{PredefinedMetric, ScalingPolicy, ScalingPolicyOutputs, TargetTracking};
pub use service::{
    AdvancedConfiguration, AwsvpcConfiguration, CircuitBreaker, DeploymentAlarms, DeploymentConfiguration,
    DeploymentController, LifecycleHook, LoadBalancer, MissingImage, NetworkConfiguration, Service,
    ServiceOutputs, Tasks, tasks,
};
pub use task_definition::{RuntimePlatform, TaskDefinition, TaskDefinitionOutputs, Volume};

use aws::tags::LiveTags;
use aws::{Context, Registry, Tags};
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

pub(crate) fn ecs(cx: &Context) -> aws_sdk_ecs::Client {
    cx.client(aws_sdk_ecs::Client::new)
}

fn scaling(cx: &Context) -> aws_sdk_applicationautoscaling::Client {
    cx.client(aws_sdk_applicationautoscaling::Client::new)
}

/// A tag as the service has it.
fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn live_tags(tags: &[Tag]) -> LiveTags {
    LiveTags::pairs(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// Changes tags of an object of ECS from `before` to `wanted`. Sends nothing where they are the same.
async fn retag(cx: &Context, arn: &str, before: &Tags, wanted: &Tags) -> Result<(), CallError> {
    aws::tag_by_arn!(before.changes_to(wanted), ecs(cx), arn, |tags| tags.list(tag))
}
