//! A rule of a backup plan: when a copy is made, where it goes, and for how long it is kept.
//!
//! What is never declared is here because somebody may set it, and because of what it does. A copy in another vault may be one in
//! another account. A continuous backup takes over when, and for how long, Aurora makes its own backups (AWS Backup Developer
//! Guide, "Continuous backups and point-in-time recovery"). What is in cold storage takes hours to restore, and forbids shorter
//! times to keep it. All of them are drift.

use aws::{count, count_or_zero};
use aws_sdk_backup::types::{
    BackupRule as LiveRule, BackupRuleInput, CopyAction as LiveCopy, Lifecycle as LiveLifecycle,
};
use engine::{CallError, Declared, Resolved, Stage};
use serde::{Deserialize, Serialize};

use super::backup_plan::unbuilt;
use crate::VaultName;

/// When copies are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupRule<S: Stage = Declared> {
    /// Its name.
    pub rule_name: String,
    /// Where copies go.
    pub target_backup_vault: S::Of<VaultName>,
    /// When.
    pub schedule_expression: String,
    /// In which time zone.
    pub schedule_expression_timezone: String,
    /// For how many minutes a copy that could not be begun is tried, 60 at least.
    pub start_window_minutes: u32,
    /// After how many minutes one that is not finished is given up.
    pub completion_window_minutes: u32,
    /// What becomes of copies.
    pub lifecycle: Lifecycle,
    /// Where else they go, in the same account and region. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_logically_air_gapped_backup_vault_arn: Option<String>,
    /// Where else they go. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy_actions: Vec<CopyAction>,
    /// Whether they are continuous backups. Never declared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable_continuous_backup: bool,
}

/// What becomes of copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Lifecycle {
    /// For how many days they are kept.
    pub delete_after_days: u32,
    /// After how many days they go to cold storage. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub move_to_cold_storage_after_days: Option<u32>,
    /// Whether this holds for resources that have to be opted in. Never declared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opt_in_to_archive_for_supported_resources: bool,
}

/// Another place where copies go, as far as it matters whether there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CopyAction {
    /// The ARN of the vault.
    pub destination_backup_vault_arn: String,
}

impl Lifecycle {
    /// Copies are kept for so many days.
    #[must_use]
    pub fn of_days(days: u32) -> Self {
        Self {
            delete_after_days: days,
            move_to_cold_storage_after_days: None,
            opt_in_to_archive_for_supported_resources: false,
        }
    }

    fn from_live(live: Option<&LiveLifecycle>) -> Self {
        let cold = live.and_then(LiveLifecycle::move_to_cold_storage_after_days);
        Self {
            delete_after_days: count_or_zero(live.and_then(LiveLifecycle::delete_after_days)),
            move_to_cold_storage_after_days: cold.map(count),
            opt_in_to_archive_for_supported_resources: live
                .and_then(LiveLifecycle::opt_in_to_archive_for_supported_resources)
                .unwrap_or_default(),
        }
    }
}

impl BackupRule<Resolved> {
    /// What replaces the live rule of the same name, if there is one.
    pub(super) fn for_call(
        &self,
        operation: &str,
        live: Option<&LiveRule>,
    ) -> Result<BackupRuleInput, CallError> {
        let lifecycle = i64::from(self.lifecycle.delete_after_days);
        let rule = BackupRuleInput::builder()
            .rule_name(&self.rule_name)
            .target_backup_vault_name(self.target_backup_vault.as_str())
            .schedule_expression(&self.schedule_expression)
            .schedule_expression_timezone(&self.schedule_expression_timezone)
            .start_window_minutes(i64::from(self.start_window_minutes))
            .completion_window_minutes(i64::from(self.completion_window_minutes))
            .lifecycle(LiveLifecycle::builder().delete_after_days(lifecycle).build());
        let rule = match live {
            Some(live) => rule
                .set_recovery_point_tags(live.recovery_point_tags.clone().filter(|tags| !tags.is_empty()))
                .set_index_actions(live.index_actions.clone().filter(|actions| !actions.is_empty()))
                .set_scan_actions(live.scan_actions.clone().filter(|actions| !actions.is_empty())),
            None => rule,
        };
        rule.build().map_err(unbuilt(operation))
    }

    pub(super) fn from_live(live: &LiveRule) -> Self {
        let copy = |copy: &LiveCopy| CopyAction {
            destination_backup_vault_arn: copy.destination_backup_vault_arn().to_owned(),
        };
        let air_gapped = live.target_logically_air_gapped_backup_vault_arn();
        Self {
            rule_name: live.rule_name().to_owned(),
            target_backup_vault: live.target_backup_vault_name().into(),
            schedule_expression: live.schedule_expression().unwrap_or_default().to_owned(),
            schedule_expression_timezone: live.schedule_expression_timezone().unwrap_or_default().to_owned(),
            start_window_minutes: count_or_zero(live.start_window_minutes()),
            completion_window_minutes: count_or_zero(live.completion_window_minutes()),
            lifecycle: Lifecycle::from_live(live.lifecycle()),
            target_logically_air_gapped_backup_vault_arn: air_gapped.map(str::to_owned),
            copy_actions: live.copy_actions().iter().map(copy).collect(),
            enable_continuous_backup: live.enable_continuous_backup().unwrap_or_default(),
        }
    }
}
