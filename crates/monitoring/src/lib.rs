//! The monitoring tier: alarms on everything that the other tiers make, e-mails that say so, a dashboard, a share of the
//! requests traced, and errors in the application's log counted.
//!
//! Every part of [`Inputs`] may be missing; its alarms and its row on the dashboard are missing then.
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let place = aws::Place {
//!     region: "ap-southeast-1".to_owned(),
//!     account_id: "123456789012".to_owned(),
//!     partition: "aws".to_owned(),
//! };
//! let inputs = monitoring::Inputs {
//!     web_acl_name: Some("payment-alb-dev".into()),
//!     ..monitoring::Inputs::new(place)
//! };
//! let mut scope = Scope::new();
//! let tier = monitoring::Tier::new(monitoring::Args::default());
//! let outputs = scope.within(monitoring::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! assert_eq!(outputs.alarm_names.len(), 1); // On what the firewall blocks.
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod alarms;
mod args;
mod capacity;
mod dashboard;
mod declare;
mod inputs;
pub mod resources;

pub use args::Args;
pub use args::Thresholds;
pub use args::Tracing;
pub use declare::Outputs;
pub use declare::Tier;
pub use inputs::ApiInputs;
pub use inputs::ContainerInputs;
pub use inputs::DatabaseInputs;
pub use inputs::Inputs;
pub use inputs::LoadBalancerInputs;

engine::id! {
    /// The name of a dashboard, unique in the account.
    pub struct DashboardName;
    /// The ARN of an X-Ray sampling rule.
    pub struct SamplingRuleArn;
    /// The name of an X-Ray sampling rule.
    pub struct SamplingRuleName;
    /// The ARN of an X-Ray group.
    pub struct TraceGroupArn;
    /// The name of an X-Ray group.
    pub struct TraceGroupName;
}

/// Registers the kinds that only this tier has. [`aws::kinds`] registers the ones that it shares.
pub fn kinds(registry: &mut aws::Registry) {
    resources::kinds(registry);
}
