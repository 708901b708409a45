//! The tier's AWS objects, one a file.

mod composite_alarm;
mod dashboard;
mod event_subscription;
mod group;
mod metric_filter;
mod sampling_rule;
mod sns;
mod subscription;
mod topic;
mod topic_policy;
mod xray;

pub use composite_alarm::{CompositeAlarm, CompositeAlarmOutputs};
pub use dashboard::{Dashboard, DashboardOutputs};
pub use event_subscription::{EventSubscription, EventSubscriptionOutputs};
pub use group::{Group, GroupOutputs, InsightsConfiguration};
pub use metric_filter::{FieldDimension, MetricFilter, MetricFilterOutputs, MetricTransformation};
pub use sampling_rule::{Sampling, SamplingRule, SamplingRuleOutputs};
pub use subscription::{Subscription, SubscriptionOutputs};
pub use topic::{Topic, TopicOutputs};
pub use topic_policy::{TopicPolicy, TopicPolicyOutputs};

use aws::Registry;
use engine::Resolved;

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<Topic<Resolved>>()
        .register::<TopicPolicy<Resolved>>()
        .register::<Subscription<Resolved>>()
        .register::<CompositeAlarm<Resolved>>()
        .register::<Dashboard<Resolved>>()
        .register::<MetricFilter<Resolved>>()
        .register::<SamplingRule>()
        .register::<Group>()
        .register::<EventSubscription<Resolved>>();
}
