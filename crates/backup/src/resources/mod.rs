//! The tier's AWS objects, one a file.

mod backup_plan;
mod backup_rule;
mod backup_selection;
mod backup_vault;
mod event_invoke_config;
mod function;
mod function_parts;
mod opt_in;
mod schedule;
mod schedule_target;
mod vaults;

pub use backup_plan::{BackupPlan, BackupPlanDocument, BackupPlanOutputs};
pub use backup_rule::{BackupRule, CopyAction, Lifecycle};
pub use backup_selection::{BackupSelection, BackupSelectionDocument, BackupSelectionOutputs};
pub use backup_vault::{BackupVault, BackupVaultOutputs, Copies, LockConfiguration, copies};
pub use event_invoke_config::{Destination, DestinationConfig, EventInvokeConfig, EventInvokeConfigOutputs};
pub use function::{Function, FunctionOutputs};
pub use function_parts::{
    DeadLetterConfig, Environment, FileSystemConfig, LoggingConfig, TracingConfig, VpcConfig,
};
pub use opt_in::{ServiceOptIn, has_aurora};
pub use schedule::{Schedule, ScheduleOutputs};
pub use schedule_target::{FlexibleTimeWindow, RetryPolicy, Target, TargetDeadLetterConfig};

use aws::Registry;
use engine::Resolved;

/// Registers every kind of this tier.
pub(crate) fn kinds(registry: &mut Registry) {
    registry
        .register::<Function<Resolved>>()
        .register::<EventInvokeConfig<Resolved>>()
        .register::<Schedule<Resolved>>()
        .register::<BackupVault<Resolved>>()
        .register::<BackupPlan<Resolved>>()
        .register::<BackupSelection<Resolved>>();
}
