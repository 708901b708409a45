//! Resources that several tiers share, one AWS object a file.

mod alarm;
mod kms_alias;
mod kms_key;
mod log_group;
mod role;
mod security_group;
mod security_group_rule;
mod web_acl_association;

pub use alarm::Alarm;
pub use alarm::AlarmOutputs;
pub use alarm::Dimension;
pub use alarm::Metric;
pub use alarm::MetricDataQuery;
pub use alarm::MetricStat;
pub use alarm::alarm_named;
pub use kms_alias::Alias;
pub use kms_alias::AliasOutputs;
pub use kms_key::Key;
pub use kms_key::KeyOutputs;
pub use log_group::InvalidRetention;
pub use log_group::LogGroup;
pub use log_group::LogGroupOutputs;
pub use log_group::RETENTION_DAYS;
pub use log_group::RetentionDays;
pub use role::InlinePolicy;
pub use role::Role;
pub use role::RoleOutputs;
pub use security_group::SecurityGroup;
pub use security_group::SecurityGroupOutputs;
pub use security_group_rule::Peer;
pub use security_group_rule::SecurityGroupEgress;
pub use security_group_rule::SecurityGroupEgressOutputs;
pub use security_group_rule::SecurityGroupIngress;
pub use security_group_rule::SecurityGroupIngressOutputs;
pub use web_acl_association::WebAclAssociation;
pub use web_acl_association::WebAclAssociationOutputs;
