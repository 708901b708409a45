//! Rules of backup plans: when, to which vault, and for how long.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{State, cron, invalid};
use crate::services::{Refusal, Tags, ensure, refuse_if, time_zones};

/// A rule as it is given and, with an id, as GetBackupPlan has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PlanRule {
    pub(super) rule_id: Option<String>,
    rule_name: String,
    target_backup_vault_name: String,
    target_logically_air_gapped_backup_vault_arn: Option<String>,
    #[serde(default = "five_in_the_morning")]
    schedule_expression: String,
    #[serde(default = "utc")]
    schedule_expression_timezone: String,
    #[serde(default = "eight_hours")]
    start_window_minutes: i64,
    #[serde(default = "seven_days")]
    completion_window_minutes: i64,
    lifecycle: Option<Lifecycle>,
    #[serde(default)]
    recovery_point_tags: Tags,
    #[serde(default)]
    copy_actions: Vec<CopyAction>,
    #[serde(default)]
    enable_continuous_backup: bool,
    index_actions: Option<Value>,
    scan_actions: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Lifecycle {
    move_to_cold_storage_after_days: Option<i64>,
    delete_after_days: Option<i64>,
    opt_in_to_archive_for_supported_resources: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CopyAction {
    destination_backup_vault_arn: String,
    lifecycle: Option<Lifecycle>,
}

/// BackupRuleInput, ScheduleExpression: the default.
fn five_in_the_morning() -> String {
    "cron(0 5 ? * * *)".to_owned()
}

fn utc() -> String {
    "Etc/UTC".to_owned()
}

/// AWS Backup Developer Guide, "Backup plan options and configuration", "Start within": the default.
fn eight_hours() -> i64 {
    480
}

/// The same, "Complete within".
fn seven_days() -> i64 {
    10_080
}

/// A hundred years.
const LONGEST_DAYS: i64 = 36_500;
const LONGEST_MINUTES: i64 = LONGEST_DAYS * 1440;

impl PlanRule {
    /// Checks a rule that somebody sends.
    pub(super) fn check(&self, state: &State) -> Result<(), Refusal> {
        let result =
            self.check_vault(state).and_then(|()| self.check_times()).and_then(|()| self.check_lifecycles());
        result.map_err(|reason| invalid(format!("Error in rule {} : {reason}", self.rule_name)))
    }

    fn check_vault(&self, state: &State) -> Result<(), String> {
        let name = &self.target_backup_vault_name;
        ensure(state.vaults.contains_key(name), || format!("Backup vault {name} does not exist"))
    }

    /// BackupRuleInput: a cron expression; a start window of an hour at least; a job must be able to start before it
    /// must be complete.
    fn check_times(&self) -> Result<(), String> {
        if !cron::is_valid(&self.schedule_expression) {
            return Err(format!("Invalid schedule expression {}", self.schedule_expression));
        }
        let zone = &self.schedule_expression_timezone;
        ensure(time_zones::exists(zone), || format!("Invalid schedule expression timezone {zone}"))?;
        if !(60..=LONGEST_MINUTES).contains(&self.start_window_minutes) {
            return Err(format!("StartWindowMinutes must be from 60 to {LONGEST_MINUTES}"));
        }
        ensure(self.completion_window_minutes > self.start_window_minutes, || {
            "CompletionWindowMinutes must be more than StartWindowMinutes".to_owned()
        })
    }

    fn check_lifecycles(&self) -> Result<(), String> {
        if let Some(lifecycle) = &self.lifecycle {
            lifecycle.check()?;
            if self.enable_continuous_backup {
                lifecycle.check_continuous()?;
            }
        }
        let vaults = self.copy_actions.iter().map(|action| &action.destination_backup_vault_arn);
        let vaults = vaults.chain(&self.target_logically_air_gapped_backup_vault_arn);
        let is_vault = |arn: &&String| {
            arn.starts_with("arn:aws") && arn.contains(":backup:") && arn.contains(":backup-vault:")
        };
        if let Some(arn) = vaults.into_iter().find(|arn| !is_vault(arn)) {
            return Err(format!("{arn} is not the ARN of a backup vault"));
        }
        for action in &self.copy_actions {
            action.lifecycle.as_ref().map_or(Ok(()), Lifecycle::check)?;
        }
        Ok(())
    }
}

impl Lifecycle {
    /// Lifecycle: cold storage keeps a backup for 90 days at least.
    fn check(&self) -> Result<(), String> {
        if self.delete_after_days.is_some_and(|days| !(1..=LONGEST_DAYS).contains(&days)) {
            return Err(format!(
                "Invalid lifecycle. DeleteAfterDays cannot be less than 1 or more than {LONGEST_DAYS} days"
            ));
        }
        let Some(cold) = self.move_to_cold_storage_after_days else {
            return Ok(());
        };
        if !(1..=LONGEST_DAYS).contains(&cold) {
            return Err(format!(
                "Invalid lifecycle. MoveToColdStorageAfterDays cannot be less than 1 or more than {LONGEST_DAYS} days"
            ));
        }
        refuse_if(self.delete_after_days.is_some_and(|delete| delete < cold + 90), || {
            "Invalid lifecycle. DeleteAfterDays cannot be less than 90 days apart from \
                         MoveToColdStorageAfterDays"
                .to_owned()
        })
    }

    /// AWS Backup Developer Guide, "Continuous backups and point-in-time recovery": 1 to 35 days, and no cold storage.
    fn check_continuous(&self) -> Result<(), String> {
        if self.move_to_cold_storage_after_days.is_some() {
            return Err("Invalid lifecycle. MoveToColdStorageAfterDays is unavailable".to_owned());
        }
        refuse_if(self.delete_after_days.is_some_and(|days| days > 35), || {
            "Invalid lifecycle. DeleteAfterDays cannot be more than 35 days".to_owned()
        })
    }
}
