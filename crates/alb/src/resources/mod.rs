//! The tier's AWS objects, one a file.

mod action;
mod attributes;
mod bucket;
mod bucket_lifecycle;
mod bucket_policy;
mod bucket_settings;
mod condition;
mod elb;
mod listener;
mod listener_rule;
mod load_balancer;
mod s3;
mod security_policy;
mod serving;
mod target_group;

pub use action::{Action, FixedResponseConfig, ForwardConfig, RedirectConfig, TargetGroupTuple};
pub use bucket::{Bucket, BucketOutputs};
pub use bucket_lifecycle::{
    AbortIncompleteMultipartUpload, LifecycleConfiguration, LifecycleRule, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, TagFilter, Transition,
};
pub use bucket_policy::{BucketPolicy, BucketPolicyOutputs};
pub use bucket_settings::{
    BucketEncryption, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryptionByDefault, ServerSideEncryptionRule, VersioningConfiguration,
};
pub use condition::{Condition, HttpHeaderConfig, PathPatternConfig};
pub use elb::Attribute;
pub use listener::{Certificate, Listener, ListenerOutputs};
pub use listener_rule::{ListenerRule, ListenerRuleOutputs};
pub use load_balancer::{LoadBalancer, LoadBalancerOutputs};
pub use serving::{Serving, serving};
pub use target_group::{Matcher, TargetGroup, TargetGroupOutputs};

use aws::Registry;
use engine::Resolved;

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<Bucket>()
        .register::<BucketPolicy<Resolved>>()
        .register::<LoadBalancer<Resolved>>()
        .register::<TargetGroup<Resolved>>()
        .register::<Listener<Resolved>>()
        .register::<ListenerRule<Resolved>>();
}
