//! Resources that several tiers share, one AWS object a file.

mod log_group;
mod role;

pub use log_group::InvalidRetention;
pub use log_group::LogGroup;
pub use log_group::LogGroupOutputs;
pub use log_group::RETENTION_DAYS;
pub use log_group::RetentionDays;
pub use role::InlinePolicy;
pub use role::Role;
pub use role::RoleOutputs;
