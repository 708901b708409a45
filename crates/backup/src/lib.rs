//! The backup tier: once a day a small function verifies that the database could be restored, publishes that as a metric,
//! and tells people what is wrong. Optionally, AWS Backup keeps copies for longer than Aurora does.
//!
//! Until the first verification, which is at most a day after the tier is made, its alarm rings: nobody has verified
//! anything yet.
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let inputs = backup::Inputs {
//!     place: aws::Place {
//!         region: "ap-southeast-1".to_owned(),
//!         account_id: "123456789012".to_owned(),
//!         partition: "aws".to_owned(),
//!     },
//!     database: backup::DatabaseInputs {
//!         cluster_id: aws::DbClusterId::from("payment-cluster-dev").into(),
//!         cluster_arn: "arn:aws:rds:ap-southeast-1:123456789012:cluster:payment-cluster-dev".into(),
//!         key_arn: aws::KeyArn::from("arn:aws:kms:ap-southeast-1:123456789012:key/1").into(),
//!     },
//!     alarm_topic_arn: None,
//!     alarm_topic_key_arn: None,
//! };
//! let mut scope = Scope::new();
//! let tier = backup::Tier::new(backup::Args::default());
//! let outputs = scope.within(backup::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! assert_eq!(outputs.backup_vault_name, None); // Not asked for.
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod alarms;
mod args;
mod declare;
mod package;
mod permissions;
pub mod resources;
mod schedule;
mod time_zone;

pub use args::Args;
pub use args::DatabaseInputs;
pub use args::Inputs;
pub use args::Vault;
pub use declare::FIRST_COPY_WITHIN_MINUTES;
pub use declare::Outputs;
pub use declare::Tier;
pub use package::SOURCE;

engine::id! {
    /// The name of a Lambda function.
    pub struct FunctionName;
    /// The ARN of a Lambda function.
    pub struct FunctionArn;
    /// The name of a schedule, unique in its group.
    pub struct ScheduleName;
    /// The ARN of a schedule.
    pub struct ScheduleArn;
    /// The name of a backup vault.
    pub struct VaultName;
    /// The ARN of a backup vault.
    pub struct VaultArn;
    /// The id of a backup plan.
    pub struct PlanId;
    /// The ARN of a backup plan.
    pub struct PlanArn;
    /// The id of a selection of a backup plan.
    pub struct SelectionId;
}

/// Registers the kinds that only this tier has. [`aws::kinds`] registers the ones that it shares.
pub fn kinds(registry: &mut aws::Registry) {
    resources::kinds(registry);
}
