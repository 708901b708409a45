//! The logs tier: one KMS key for the log groups of all tiers (PCI DSS 10.3.2, checkov CKV_AWS_158).
//!
//! It comes before every tier that has a log group, and hands them the key's ARN. The key's policy lets CloudWatch Logs use it
//! for log groups that are named after the stack's environment, and for no others: the group's ARN is the encryption
//! context (CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service").
//!
//! # The key outlives its use
//!
//! A log group that no longer uses the key still has events that only this key can decrypt, for as long as the group keeps
//! them (CloudWatch Logs API Reference, DisassociateKmsKey), and nothing in AWS says so. Whoever turns the key off must
//! therefore keep declaring this tier, without handing the key to the others; `stack` does. The key goes when the stack is
//! destroyed, unless the log groups stay.
//!
//! ```
//! use engine::{Component, Scope};
//!
//! let inputs = logs::Inputs {
//!     place: aws::Place {
//!         region: "ap-southeast-1".to_owned(),
//!         account_id: "123456789012".to_owned(),
//!         partition: "aws".to_owned(),
//!     },
//! };
//! let mut scope = Scope::new();
//! let tier = logs::Tier::new(logs::Args::default());
//! let outputs = scope.within(logs::Tier::NAME, |scope| tier.declare(scope, &inputs))?;
//! // What the other tiers take, such as `vpc::Args::log_key`.
//! let log_key = Some(outputs.log_key_arn);
//! # assert!(log_key.is_some());
//! # Ok::<(), engine::DeclareError>(())
//! ```

mod declare;

pub use declare::Args;
pub use declare::Inputs;
pub use declare::Outputs;
pub use declare::Tier;
