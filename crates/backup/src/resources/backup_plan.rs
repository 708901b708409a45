//! A backup plan: when AWS Backup makes copies, into which vault, and for how long it keeps them.
//!
//! The surprises: names need not be unique, so one whose creation was lost is found by its tag; each change makes a
//! version, of which the last one is in force, and which has nothing of the one before; a plan stays while resources are
//! assigned to it; and where a vault's lock asks for another time to keep copies than the plan, the plan goes on, and every copy
//! fails (AWS Backup API Reference, PutBackupVaultLockConfiguration), so that a plan of a run warns of it.
//!
//! So a change sends back what somebody else has set for other things than this database: tags of copies, indexes and scans of
//! them, and settings of EC2 and S3. Other rules are drift, and so is what our own rule does with copies of the database beside
//! what is declared, see `backup_rule`.
//!
//! Wait: nothing; the vault that a rule names is there before. Read: AWS adds ids of rules, and the windows and the schedule that a rule leaves
//! out; a plan that is gone is "Cannot find …", an invalid parameter. Update: a whole new version, without the tags. No state is
//! terminal: a plan has none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, Tags, in_order_of, required};
use aws_sdk_backup::error::BuildError;
use aws_sdk_backup::primitives::DateTimeFormat as Format;
use aws_sdk_backup::types::{BackupPlan as LivePlan, BackupPlanInput};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ForeignId, Foreseen, ImportId,
    Intent, Listed, Loss, Named, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging,
    Template, Times, Wish,
};
use serde::{Deserialize, Serialize};

use super::backup_rule::BackupRule;
use super::backup_vault;
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

impl BackupPlanDocument<Resolved> {
    /// A version that replaces the live one, if there is one: what is not said in it is gone.
    fn for_call(&self, operation: &str, live: Option<LivePlan>) -> Result<BackupPlanInput, CallError> {
        let there = live.as_ref().map(LivePlan::rules).unwrap_or_default();
        let rules = self.backup_plan_rule.iter().map(|rule| {
            let live = there.iter().find(|live| live.rule_name() == rule.rule_name);
            rule.for_call(operation, live)
        });
        let rules: Vec<_> = rules.collect::<Result<_, _>>()?;
        let plan = BackupPlanInput::builder().backup_plan_name(&self.backup_plan_name).set_rules(Some(rules));
        let plan = match live {
            Some(live) => plan
                .set_advanced_backup_settings(live.advanced_backup_settings)
                .set_scan_settings(live.scan_settings),
            None => plan,
        };
        plan.build().map_err(unbuilt(operation))
    }
}

/// The plan as it is now, unless it was deleted.
async fn live(cx: &Context, id: &PlanId) -> Result<Option<LivePlan>, CallError> {
    const OPERATION: &str = "GetBackupPlan";
    let request = backup(cx).get_backup_plan().backup_plan_id(id.as_str());
    let Some(answer) = request.send().await.called(OPERATION).of_plans().if_exists()? else {
        return Ok(None);
    };
    // A plan that was deleted can still be looked at.
    match answer.deletion_date() {
        Some(_) => Ok(None),
        None => required(answer.backup_plan, OPERATION, "BackupPlan").map(Some),
    }
}

#[async_trait]
impl Resource for BackupPlan<Resolved> {
    const KIND: &'static str = "AWS::Backup::BackupPlan";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::Nothing,
        lists: &[Listed { path: "BackupPlan.BackupPlanRule", key: "RuleName" }],
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

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<BackupPlanOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetBackupPlan";
        let request = backup(cx).get_backup_plan().backup_plan_id(id.part("BackupPlanId"));
        let answer = request.send().await.called(OPERATION).of_plans().if_exists()?;
        let Some(answer) = answer else { return Ok(None) };
        let arn = required(answer.backup_plan_arn, OPERATION, "BackupPlanArn")?;
        Ok(Some(BackupPlanOutputs {
            backup_plan_arn: arn.into(),
            backup_plan_id: id.part("BackupPlanId").into(),
        }))
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<BackupPlanOutputs<Resolved>>>>, CallError> {
        let mut sighted = Vec::new();
        let mut plans = backup(cx).list_backup_plans().into_paginator().items().send();
        while let Some(plan) = plans.next().await {
            let plan = plan.called("ListBackupPlans")?;
            let (Some(arn), Some(id)) = (plan.backup_plan_arn(), plan.backup_plan_id()) else { continue };
            let Some(tags) = tags_of(cx, arn).await? else { continue };
            let created = plan.creation_date().and_then(|date| date.fmt(Format::DateTime).ok());
            let outputs = BackupPlanOutputs { backup_plan_arn: arn.into(), backup_plan_id: id.into() };
            sighted.extend(tags.sighting(cx.identity(), outputs, created));
        }
        Ok(Some(sighted))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<BackupPlanOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateBackupPlan";
        let request = backup(cx)
            .create_backup_plan()
            .creator_request_id(&intent.token)
            .backup_plan(self.backup_plan.for_call(OPERATION, None)?)
            .set_backup_plan_tags(Some(cx.stamp(&self.backup_plan_tags, intent)?.map()));
        let answer = request.send().await.called(OPERATION)?;
        Ok(BackupPlanOutputs {
            backup_plan_arn: required(answer.backup_plan_arn, OPERATION, "BackupPlanArn")?.into(),
            backup_plan_id: required(answer.backup_plan_id, OPERATION, "BackupPlanId")?.into(),
        })
    }

    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        let rules = wish.declared["BackupPlan"]["BackupPlanRule"].as_array();
        for rule in rules.into_iter().flatten() {
            // A vault that is made in the same run has the lock that is declared for it.
            let vault = rule["TargetBackupVault"].as_str().map(VaultName::from);
            let kept = rule["Lifecycle"]["DeleteAfterDays"].as_u64();
            let (Some(vault), Some(kept)) = (vault, kept) else { continue };
            if let Some(limit) = backup_vault::limit_against(cx, &vault, kept).await? {
                return Ok(Foreseen::warning(format!(
                    "keeps its copies for {kept} days, but as long as the lock of backup vault {vault} asks for {limit}, AWS Backup \
                     makes none: set `backup.vault.retention_days` to fit, or change the lock"
                )));
            }
        }
        Ok(Foreseen::nothing())
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &BackupPlanOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.backup_plan_id).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, outputs.backup_plan_arn.as_str()).await? else { return Ok(None) };
        let rules = live.rules().iter().map(BackupRule::from_live).collect();
        let ours = &self.backup_plan.backup_plan_rule;
        Ok(Some(Self {
            backup_plan: BackupPlanDocument {
                backup_plan_name: live.backup_plan_name().to_owned(),
                backup_plan_rule: in_order_of(ours, rules, |rule| rule.rule_name.clone()),
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
            let live = live(cx, &outputs.backup_plan_id).await?;
            let request = request.backup_plan(self.backup_plan.for_call(OPERATION, live)?);
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
