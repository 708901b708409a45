//! The tier itself: which resources there are, and what each takes from which.

use std::collections::BTreeMap;

use aws::policy::PolicyDocument;
use aws::resources::{InlinePolicy, LogGroup, Queue, RetentionDays, Role, ServiceLinkedRole};
use aws::{AlarmArn, DeletionPolicy, LogGroupArn, LogGroupName, Names, QueueArn, QueueUrl, RoleArn};
use engine::{Component, DeclareError, Declared, Input, OutputsOf, Scope, Stage};
use serde::{Deserialize, Serialize};

use crate::alarms;
use crate::args::{Args, Inputs};
use crate::package::{HANDLER, package};
use crate::permissions::{self, NAMESPACE, SCHEDULE_GROUP};
use crate::resources::{
    BackupPlan, BackupPlanDocument, BackupRule, BackupSelection, BackupSelectionDocument, BackupVault,
    DeadLetterConfig, Environment, EventInvokeConfig, FlexibleTimeWindow, Function, Lifecycle,
    LockConfiguration, LoggingConfig, RetryPolicy, Schedule, ServiceOptIn, Target, TargetDeadLetterConfig,
    TracingConfig,
};
use crate::{FunctionArn, FunctionName, ScheduleName, VaultName};

/// What runs the handler (Lambda Developer Guide, "Lambda runtimes").
const RUNTIME: &str = "python3.13";
/// Graviton, which costs a fifth less.
const ARCHITECTURE: &str = "arm64";
/// The longest that SQS keeps a message: 14 days, in seconds.
const FORTNIGHT: u32 = 1_209_600;
/// How long Scheduler and Lambda try to begin a verification: long enough for a bad hour in the region, and over before
/// anybody wonders where today's verification is.
const HOUR: u32 = 3600;

engine::tier! {
    /// The backup tier.
    pub struct Tier(Args);
}

/// What its user wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Outputs<S: Stage> {
    /// The name of the function that verifies: `aws lambda invoke` does it now.
    pub backup_function_name: S::Of<FunctionName>,
    /// Its ARN.
    pub backup_function_arn: S::Of<FunctionArn>,
    /// Where its logs go.
    pub backup_log_group_name: S::Of<LogGroupName>,
    /// The name of the schedule that calls it.
    pub backup_schedule_name: S::Of<ScheduleName>,
    /// The queue with the events that could not be handled.
    pub backup_dead_letter_queue_arn: S::Of<QueueArn>,
    /// Its URL.
    pub backup_dead_letter_queue_url: S::Of<QueueUrl>,
    /// What rings when the verification fails, cannot begin, or does not come.
    pub backup_alarm_arns: Vec<S::Of<AlarmArn>>,
    /// The vault with copies by AWS Backup, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub backup_vault_name: Option<S::Of<VaultName>>,
}

/// Within which AWS Backup begins a copy, and is done with it.
const START_WINDOW_MINUTES: u32 = 60;
const COMPLETION_WINDOW_MINUTES: u32 = 480;

/// After how long a vault has its first copy at the latest: the schedule is due every day.
pub const FIRST_COPY_WITHIN_MINUTES: u32 = 24 * 60 + START_WINDOW_MINUTES + COMPLETION_WINDOW_MINUTES;

impl Component for Tier {
    const NAME: &'static str = "backup";
    type Inputs = Inputs;
    type Outputs<S: Stage> = Outputs<S>;

    fn declare(&self, scope: &mut Scope, inputs: &Inputs) -> Result<Outputs<Declared>, DeclareError> {
        let args = &self.args;
        let names = Names::new(&args.environment, &args.tags)?;
        LogGroup::guard(scope, args.keep_logs);
        args.check()?;
        if inputs.alarm_topic_key_arn.is_some() && inputs.alarm_topic_arn.is_none() {
            let reason = "there is a key, but no topic that it could encrypt";
            return Err(DeclareError::argument("alarm_topic_key_arn", reason, "give it the topic too"));
        }
        let retention = args.retention()?;
        Declaring { scope, args, inputs, names, retention }.all()
    }
}

/// One run of `declare`: the scope, and what all its steps need.
struct Declaring<'a> {
    scope: &'a mut Scope,
    args: &'a Args,
    inputs: &'a Inputs,
    names: Names,
    retention: RetentionDays,
}

/// A log group, as the function and its policy name it.
struct Logs {
    name: Input<LogGroupName>,
    arn: Input<LogGroupArn>,
}

impl Declaring<'_> {
    fn all(mut self) -> Result<Outputs<Declared>, DeclareError> {
        let logs = self.log_group()?;
        let queue = self.dead_letter_queue()?;
        let function = self.function(&logs, &queue.arn)?;
        self.event_invoke_config(&function.function_name)?;
        let schedule = self.schedule(&function.arn, &queue.arn)?;
        let alarms = self.alarms(&function.function_name)?;
        let vault = match self.args.vault.enabled {
            true => Some(self.vault()?),
            false => None,
        };
        Ok(Outputs {
            backup_function_name: function.function_name,
            backup_function_arn: function.arn,
            backup_log_group_name: logs.name,
            backup_schedule_name: schedule,
            backup_dead_letter_queue_arn: queue.arn,
            backup_dead_letter_queue_url: queue.queue_url,
            backup_alarm_arns: alarms,
            backup_vault_name: vault,
        })
    }

    /// What the function is called, and with it its log group.
    fn function_name(&self) -> String {
        self.names.name("backup-verification")
    }

    /// Before the function: Lambda would make one that keeps logs for ever.
    fn log_group(&mut self) -> Result<Logs, DeclareError> {
        let group = LogGroup {
            log_group_name: LogGroupName::from(format!("/aws/lambda/{}", self.function_name())).into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: Some(self.retention),
            kms_key_id: self.args.log_key.clone(),
            deletion_policy: DeletionPolicy::retain_if(self.args.keep_logs),
            tags: self.names.tags("backup-logs"),
        };
        let group = self.scope.add("log-group", group)?;
        Ok(Logs { name: group.log_group_name, arn: group.arn })
    }

    fn dead_letter_queue(&mut self) -> Result<OutputsOf<Queue>, DeclareError> {
        let queue = Queue {
            queue_name: self.names.name("backup-dead-letters").into(),
            message_retention_period: FORTNIGHT,
            visibility_timeout: None,
            redrive_policy: None,
            sqs_managed_sse_enabled: true,
            policy: None,
            tags: self.names.tags("backup-dead-letters"),
        };
        self.scope.add("dead-letter-queue", queue)
    }

    fn role(
        &mut self,
        what: &str,
        description: &str,
        trust: PolicyDocument,
        policy: Option<PolicyDocument>,
        managed: Option<String>,
    ) -> Result<Input<RoleArn>, DeclareError> {
        let name = format!("backup-{what}");
        let inline =
            |policy_document| InlinePolicy { policy_name: format!("backup-{what}"), policy_document };
        let role = Role {
            // With the region: names of roles are the account's, for all regions together.
            role_name: self.names.name(&format!("{name}-{}", self.inputs.place.region)).into(),
            assume_role_policy_document: trust,
            description: Some(description.to_owned()),
            max_session_duration: None,
            policies: policy.map(inline).into_iter().collect(),
            managed_policy_arns: managed.map(Input::from).into_iter().collect(),
            tags: self.names.tags(&name),
        };
        Ok(self.scope.add(&format!("{what}-role"), role)?.arn)
    }

    fn function(
        &mut self,
        logs: &Logs,
        dead_letters: &Input<QueueArn>,
    ) -> Result<OutputsOf<Function>, DeclareError> {
        let policy = permissions::function(self.inputs, &logs.arn, dead_letters);
        let role = self.role(
            "verification",
            "Lets the daily verification look at the database's backups and say what it found",
            permissions::function_trust(),
            Some(policy),
            None,
        )?;
        let args = self.args;
        let level = || Some("INFO".to_owned());
        let function = Function {
            function_name: self.function_name().into(),
            description: "Verifies daily that the payment database could be restored".to_owned(),
            runtime: RUNTIME.to_owned(),
            handler: HANDLER.to_owned(),
            architectures: vec![ARCHITECTURE.to_owned()],
            code_sha256: package().sha256,
            role,
            memory_size: args.memory,
            timeout: args.timeout,
            reserved_concurrent_executions: args.reserved_concurrency,
            environment: Environment { variables: self.variables() },
            dead_letter_config: Some(DeadLetterConfig { target_arn: dead_letters.clone() }),
            tracing_config: TracingConfig { mode: "Active".to_owned() },
            logging_config: LoggingConfig {
                log_format: "JSON".to_owned(),
                application_log_level: level(),
                system_log_level: level(),
                log_group: logs.name.clone(),
            },
            layers: Vec::new(),
            vpc_config: None,
            file_system_configs: Vec::new(),
            tags: self.names.tags("backup-verification"),
        };
        self.scope.add("function", function)
    }

    /// What the handler is told. Its `Settings` reads these names.
    fn variables(&self) -> BTreeMap<String, Input<String>> {
        let (args, database) = (self.args, &self.inputs.database);
        let number = |value: u32| Input::from(value.to_string());
        let variables = [
            ("ENVIRONMENT", Some(self.names.environment().into())),
            ("CLUSTER_ID", Some(database.cluster_id.text())),
            ("KEY_ARN", Some(database.key_arn.text())),
            ("TOPIC_ARN", self.inputs.alarm_topic_arn.as_ref().map(Input::text)),
            ("NAMESPACE", Some(NAMESPACE.into())),
            ("MIN_RETENTION_DAYS", Some(number(args.min_retention_days))),
            ("MAX_SNAPSHOT_AGE_HOURS", Some(number(args.max_snapshot_age_hours))),
            ("MAX_RESTORE_LAG_MINUTES", Some(number(args.max_restore_lag_minutes))),
        ];
        let given = variables.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        given.collect()
    }

    /// One failure is told once: by default Lambda would call a function that failed twice more.
    fn event_invoke_config(&mut self, function: &Input<FunctionName>) -> Result<(), DeclareError> {
        let config = EventInvokeConfig {
            function_name: function.clone(),
            qualifier: "$LATEST".to_owned(),
            maximum_retry_attempts: 0,
            maximum_event_age_in_seconds: HOUR,
            destination_config: None,
        };
        self.scope.add("event-invoke-config", config).map(drop)
    }

    fn schedule(
        &mut self,
        function: &Input<FunctionArn>,
        dead_letters: &Input<QueueArn>,
    ) -> Result<Input<ScheduleName>, DeclareError> {
        let role_arn = self.role(
            "schedule",
            "Lets the schedule call the daily verification",
            permissions::schedule_trust(&self.inputs.place),
            Some(permissions::schedule(function, dead_letters)),
            None,
        )?;
        let schedule = Schedule {
            name: self.names.name("backup-verification").into(),
            group_name: SCHEDULE_GROUP.to_owned(),
            description: "Calls the daily verification of the payment database's backups".to_owned(),
            schedule_expression: self.args.schedule_expression.clone(),
            schedule_expression_timezone: self.args.time_zone.clone(),
            state: "ENABLED".to_owned(),
            flexible_time_window: FlexibleTimeWindow { mode: "OFF".to_owned() },
            start_date: None,
            end_date: None,
            action_after_completion: None,
            target: Target {
                arn: function.clone(),
                role_arn,
                dead_letter_config: Some(TargetDeadLetterConfig { arn: dead_letters.clone() }),
                retry_policy: RetryPolicy { maximum_event_age_in_seconds: HOUR, maximum_retry_attempts: 10 },
            },
        };
        Ok(self.scope.add("schedule", schedule)?.name)
    }

    fn alarms(&mut self, function: &Input<FunctionName>) -> Result<Vec<Input<AlarmArn>>, DeclareError> {
        let (cluster, topic) = (self.inputs.database.cluster_id.text(), self.inputs.alarm_topic_arn.as_ref());
        let alarms = alarms::all(&self.names, function, cluster, topic);
        alarms.into_iter().map(|(name, alarm)| Ok(self.scope.add(name, alarm)?.arn)).collect()
    }

    /// Copies by AWS Backup: the vault, the plan, and the database in it.
    fn vault(&mut self) -> Result<Input<VaultName>, DeclareError> {
        let args = &self.args.vault;
        let lock = LockConfiguration::of_at_least;
        let vault = BackupVault {
            backup_vault_name: self.names.name("backup-vault").into(),
            encryption_key_arn: self.inputs.database.key_arn.clone(),
            lock_configuration: args.lock_days.map(lock),
            backup_vault_tags: self.names.tags("backup-vault"),
        };
        let vault = self.scope.add("vault", vault)?.backup_vault_name;
        let rule = BackupRule {
            rule_name: "daily".to_owned(),
            target_backup_vault: vault.clone(),
            schedule_expression: args.schedule_expression.clone(),
            schedule_expression_timezone: self.args.time_zone.clone(),
            start_window_minutes: START_WINDOW_MINUTES,
            completion_window_minutes: COMPLETION_WINDOW_MINUTES,
            lifecycle: Lifecycle::of_days(args.retention_days),
            target_logically_air_gapped_backup_vault_arn: None,
            copy_actions: Vec::new(),
            enable_continuous_backup: false,
        };
        let plan = BackupPlan {
            backup_plan: BackupPlanDocument {
                backup_plan_name: self.names.name("backup-plan"),
                backup_plan_rule: vec![rule],
            },
            backup_plan_tags: self.names.tags("backup-plan"),
        };
        let plan = self.scope.add("plan", plan)?.backup_plan_id;
        let managed = format!(
            "arn:{}:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
            self.inputs.place.partition
        );
        let iam_role_arn = self.role(
            "vault",
            "Lets AWS Backup copy the payment database into the vault",
            permissions::backup_trust(),
            None,
            Some(managed),
        )?;
        let selection = BackupSelection {
            backup_plan_id: plan,
            backup_selection: BackupSelectionDocument {
                selection_name: self.names.name("database"),
                iam_role_arn,
                resources: vec![self.inputs.database.cluster_arn.clone()],
            },
            service_opt_in: ServiceOptIn { aurora: true, turned_on_for_account: args.opt_in },
        };
        self.scope.add("selection", selection)?;
        ServiceLinkedRole::before(self.scope, "linked-role", "backup.amazonaws.com", &["selection"])?;
        Ok(vault)
    }
}
