//! The contract of every kind of this tier.

use aws::Tags;
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{Key, Role};
use backup::Inputs;
use backup::resources::*;
use engine::Declares;
use testing::ACCOUNT;
use testing::contract::{Around, Entry};

use crate::support::{surroundings, tier, with_everything};

testing::contract!(backup::kinds, around surroundings, {
    function,
    event_invoke_config,
    schedule,
    backup_vault,
    backup_plan,
    backup_selection,
});

type Inside = Around<Inputs>;

fn declare(around: &mut Inside) {
    let inputs = around.inputs.clone();
    around.tier(&tier(with_everything()), &inputs);
}

fn entry<D: Declares>(around: &mut Inside, address: &str) -> Entry<D> {
    declare(around);
    around.entry(address)
}

fn renamed() -> Tags {
    Tags::new().with("Name", "renamed").with("Author", "ops")
}

fn other_role(around: &mut Inside, address: &str) -> engine::Input<aws::RoleArn> {
    declare(around);
    around.another::<Role>(address, "other-role", |role| role.role_name = "payment-other-dev".into()).arn
}

fn function(around: &mut Inside) -> Entry<Function> {
    let role = other_role(around, "backup/verification-role");
    entry::<Function>(around, "backup/function")
        .other("FunctionName", |function| function.function_name = "payment-other-dev".into())
        .other("Description", |function| function.description = "Does something else".to_owned())
        .other("Runtime", |function| function.runtime = "python3.12".to_owned())
        .other("Handler", |function| function.handler = "index.other".to_owned())
        .other("Architectures", |function| function.architectures = vec!["x86_64".to_owned()])
        .other("Role", |function| function.role = role)
        .other("MemorySize", |function| function.memory_size = 1024)
        .other("Timeout", |function| function.timeout = 77)
        .other("ReservedConcurrentExecutions", |function| function.reserved_concurrent_executions = None)
        .other("Environment", |function| {
            function.environment.variables.insert("OTHER".to_owned(), "1".into());
        })
        .other("DeadLetterConfig", |function| function.dead_letter_config = None)
        .other("TracingConfig", |function| function.tracing_config.mode = "PassThrough".to_owned())
        .other("LoggingConfig", |function| {
            function.logging_config.application_log_level = Some("WARN".to_owned());
        })
        .other("Tags", |function| function.tags = renamed())
        .fixed(["CodeSha256"], "a program has one package")
        .fixed(["Layers", "VpcConfig", "FileSystemConfigs"], "what somebody has added is never declared")
}

fn event_invoke_config(around: &mut Inside) -> Entry<EventInvokeConfig> {
    declare(around);
    let other = around.another::<Function>("backup/function", "other", |function| {
        function.function_name = "payment-other-dev".into();
    });
    entry::<EventInvokeConfig>(around, "backup/event-invoke-config")
        .other("FunctionName", |config| config.function_name = other.function_name)
        .other("MaximumRetryAttempts", |config| config.maximum_retry_attempts = 2)
        .other("MaximumEventAgeInSeconds", |config| config.maximum_event_age_in_seconds = 7200)
        .fixed(["DestinationConfig"], "what somebody has added is never declared")
        .fixed(["Qualifier"], "the tier makes no versions of the function")
}

fn schedule(around: &mut Inside) -> Entry<Schedule> {
    entry::<Schedule>(around, "backup/schedule")
        .other("Name", |schedule| schedule.name = "payment-other-dev".into())
        .other("Description", |schedule| schedule.description = "Calls something else".to_owned())
        .other("ScheduleExpression", |schedule| schedule.schedule_expression = "rate(12 hours)".to_owned())
        .other("ScheduleExpressionTimezone", |schedule| {
            schedule.schedule_expression_timezone = "Europe/Berlin".to_owned();
        })
        .other("State", |schedule| schedule.state = "DISABLED".to_owned())
        .other("Target", |schedule| schedule.target.retry_policy.maximum_retry_attempts = 7)
        .fixed(["GroupName"], "every account has one group, and the tier makes no other")
        .fixed(["StartDate", "EndDate"], "a schedule that may not call is never declared")
        .fixed(["ActionAfterCompletion"], "nor one that goes by itself")
        .fixed(["FlexibleTimeWindow"], "the other mode needs a length, which the tier does not use")
}

fn backup_vault(around: &mut Inside) -> Entry<BackupVault> {
    let account = Statement::allow(["kms:*"])
        .principal(Principal::Aws(format!("arn:aws:iam::{ACCOUNT}:root").into()))
        .resources(["*".into()]);
    let key = Key {
        description: "Encrypts copies".to_owned(),
        enabled: true,
        deletion_date: None,
        enable_key_rotation: true,
        rotation_period_in_days: None,
        key_policy: PolicyDocument::new([account]),
        pending_window_in_days: 30,
        deletion_policy: aws::DeletionPolicy::Delete,
        tags: renamed(),
    };
    let key = around.add("key", key).arn;
    entry::<BackupVault>(around, "backup/vault")
        .other("BackupVaultName", |vault| vault.backup_vault_name = "payment-other-dev".into())
        .other("EncryptionKeyArn", |vault| vault.encryption_key_arn = key)
        .other("LockConfiguration", |vault| vault.lock_configuration = None)
        .other("BackupVaultTags", |vault| vault.backup_vault_tags = renamed())
}

fn backup_plan(around: &mut Inside) -> Entry<BackupPlan> {
    entry::<BackupPlan>(around, "backup/plan")
        .other("BackupPlan", |plan| plan.backup_plan.backup_plan_rule[0].lifecycle.delete_after_days = 365)
        .other("BackupPlanTags", |plan| plan.backup_plan_tags = renamed())
}

fn backup_selection(around: &mut Inside) -> Entry<BackupSelection> {
    let role = other_role(around, "backup/vault-role");
    let other = around.another::<BackupPlan>("backup/plan", "other-plan", |plan| {
        plan.backup_plan.backup_plan_name = "payment-other-dev".to_owned();
    });
    entry::<BackupSelection>(around, "backup/selection")
        .other("BackupPlanId", |selection| selection.backup_plan_id = other.backup_plan_id)
        .other("BackupSelection", |selection| selection.backup_selection.iam_role_arn = role)
        .fixed(["ServiceOptIn"], "the account's opt-in is never turned off")
}
