//! A backup plan: when AWS Backup makes copies, into which vault, and for how long it keeps them.
//!
//! The surprises: names need not be unique, so one whose creation was lost is found by its tag; each change makes a
//! version, of which the last one is in force; and a plan stays while resources are assigned to it.
//!
//! Wait: nothing; the vault that a rule names is there before. Read: AWS adds ids of rules, and the windows and the schedule that a rule leaves
//! out; a plan that is gone is "Cannot find …", an invalid parameter. Update: a whole new version, without the tags. No state is
//! terminal: a plan has none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, Tags, count_or_zero, required};
use aws_sdk_backup::error::BuildError;
use aws_sdk_backup::types::{
    BackupPlanInput, BackupRule as LiveRule, BackupRuleInput, Lifecycle as LifecycleForCall,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::vaults::{OfPlans, backup, retag, tag_map, tags_of};
use crate::{PlanArn, PlanId, VaultName};

/// The properties of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupPlan<S: Stage = Declared> {
    /// What it says.
    pub backup_plan: BackupPlanDocument<S>,
    /// What people see.
    #[serde(with = "tag_map")]
    pub backup_plan_tags: Tags,
}

/// What a plan says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupPlanDocument<S: Stage = Declared> {
    /// Its name.
    pub backup_plan_name: String,
    /// Its rules.
    pub backup_plan_rule: Vec<BackupRule<S>>,
}

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
}

/// What becomes of copies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Lifecycle {
    /// For how many days they are kept.
    pub delete_after_days: u32,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupPlanOutputs<S: Stage> {
    /// The ARN.
    pub backup_plan_arn: S::Of<PlanArn>,
    /// The id.
    pub backup_plan_id: S::Of<PlanId>,
}

impl Declares for BackupPlan<Declared> {
    type Resolved = BackupPlan<Resolved>;
}

/// A request that the SDK will not build: nothing was sent.
pub(super) fn unbuilt(operation: &str) -> impl FnOnce(BuildError) -> CallError {
    move |error| CallError::new(ErrorClass::Invalid, operation, error.to_string())
}

impl BackupRule<Resolved> {
    fn for_call(&self, operation: &str) -> Result<BackupRuleInput, CallError> {
        let lifecycle = i64::from(self.lifecycle.delete_after_days);
        BackupRuleInput::builder()
            .rule_name(&self.rule_name)
            .target_backup_vault_name(self.target_backup_vault.as_str())
            .schedule_expression(&self.schedule_expression)
            .schedule_expression_timezone(&self.schedule_expression_timezone)
            .start_window_minutes(i64::from(self.start_window_minutes))
            .completion_window_minutes(i64::from(self.completion_window_minutes))
            .lifecycle(LifecycleForCall::builder().delete_after_days(lifecycle).build())
            .build()
            .map_err(unbuilt(operation))
    }

    fn from_live(live: &LiveRule) -> Self {
        let delete_after = live.lifecycle().and_then(LifecycleForCall::delete_after_days);
        Self {
            rule_name: live.rule_name().to_owned(),
            target_backup_vault: live.target_backup_vault_name().into(),
            schedule_expression: live.schedule_expression().unwrap_or_default().to_owned(),
            schedule_expression_timezone: live.schedule_expression_timezone().unwrap_or_default().to_owned(),
            start_window_minutes: count_or_zero(live.start_window_minutes()),
            completion_window_minutes: count_or_zero(live.completion_window_minutes()),
            lifecycle: Lifecycle { delete_after_days: count_or_zero(delete_after) },
        }
    }
}

impl BackupPlanDocument<Resolved> {
    fn for_call(&self, operation: &str) -> Result<BackupPlanInput, CallError> {
        let rules: Result<Vec<_>, _> =
            self.backup_plan_rule.iter().map(|rule| rule.for_call(operation)).collect();
        let plan = BackupPlanInput::builder().backup_plan_name(&self.backup_plan_name);
        plan.set_rules(Some(rules?)).build().map_err(unbuilt(operation))
    }
}

#[async_trait]
impl Resource for BackupPlan<Resolved> {
    const KIND: &'static str = "AWS::Backup::BackupPlan";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::Nothing,
        lists: &[],
        tags: Tagging::WithCreate("BackupPlanTags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["BackupPlanId"],
            words: "the id of the backup plan",
            example: "1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d",
        },
        reads: Reads { least: 2, most: 2, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Token;
    type Context = Context;
    type Declared = BackupPlan<Declared>;
    type Outputs<S: Stage> = BackupPlanOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<BackupPlanOutputs<Resolved>>, CallError> {
        let mut plans = backup(cx).list_backup_plans().into_paginator().items().send();
        while let Some(plan) = plans.next().await {
            let plan = plan.called("ListBackupPlans")?;
            let (Some(arn), Some(id)) = (plan.backup_plan_arn(), plan.backup_plan_id()) else { continue };
            if plan.backup_plan_name() != Some(&self.backup_plan.backup_plan_name) {
                continue;
            }
            if tags_of(cx, arn).await?.is_some_and(|tags| tags.fit(cx.identity(), search)) {
                return Ok(Some(BackupPlanOutputs {
                    backup_plan_arn: arn.into(),
                    backup_plan_id: id.into(),
                }));
            }
        }
        Ok(None)
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<BackupPlanOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateBackupPlan";
        let request = backup(cx)
            .create_backup_plan()
            .creator_request_id(&intent.token)
            .backup_plan(self.backup_plan.for_call(OPERATION)?)
            .set_backup_plan_tags(Some(cx.stamp(&self.backup_plan_tags, intent)?.map()));
        let answer = request.send().await.called(OPERATION)?;
        Ok(BackupPlanOutputs {
            backup_plan_arn: required(answer.backup_plan_arn, OPERATION, "BackupPlanArn")?.into(),
            backup_plan_id: required(answer.backup_plan_id, OPERATION, "BackupPlanId")?.into(),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &BackupPlanOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        const OPERATION: &str = "GetBackupPlan";
        let request = backup(cx).get_backup_plan().backup_plan_id(outputs.backup_plan_id.as_str());
        let Some(answer) = request.send().await.called(OPERATION).of_plans().if_exists()? else {
            return Ok(None);
        };
        // A plan that was deleted can still be looked at.
        if answer.deletion_date().is_some() {
            return Ok(None);
        }
        let Some(tags) = tags_of(cx, outputs.backup_plan_arn.as_str()).await? else { return Ok(None) };
        let live = required(answer.backup_plan, OPERATION, "BackupPlan")?;
        Ok(Some(Self {
            backup_plan: BackupPlanDocument {
                backup_plan_name: live.backup_plan_name().to_owned(),
                backup_plan_rule: live.rules().iter().map(BackupRule::from_live).collect(),
            },
            backup_plan_tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &BackupPlanOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<BackupPlanOutputs<Resolved>, CallError> {
        const OPERATION: &str = "UpdateBackupPlan";
        if changed.has("BackupPlan") {
            let request = backup(cx).update_backup_plan().backup_plan_id(outputs.backup_plan_id.as_str());
            let request = request.backup_plan(self.backup_plan.for_call(OPERATION)?);
            request.send().await.called(OPERATION).of_plans()?;
        }
        let before = &changed.before.backup_plan_tags;
        retag(cx, outputs.backup_plan_arn.as_str(), before, &self.backup_plan_tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &BackupPlanOutputs<Resolved>) -> Result<(), CallError> {
        let request = backup(cx).delete_backup_plan().backup_plan_id(outputs.backup_plan_id.as_str());
        let answer = request.send().await.called("DeleteBackupPlan");
        answer
            .classed_saying(
                "InvalidRequestException",
                "selections must be deleted",
                ErrorClass::DependencyViolation,
            )
            .of_plans()
            .gone_is_ok()
    }
}
