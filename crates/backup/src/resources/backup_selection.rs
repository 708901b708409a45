//! What a backup plan backs up.
//!
//! The surprises: nothing of it can be changed, so another role or another resource is another selection; it has no
//! tags, and is found by the token of the call that made it; and a role that was made a moment ago cannot be assumed yet.
//!
//! Wait: "cannot be assumed by AWS Backup", and then "is not authorized to call tag:GetResources", while the role and its policy are
//! new. Read: a selection that is gone is "Cannot find …", an invalid parameter. Update: there is none. No state is terminal; but
//! what it selects may be left out without a word, see [`ServiceOptIn`].

use async_trait::async_trait;
use aws::{CallResult, Called, Context, RoleArn, required};
use aws_sdk_backup::types::BackupSelection as SelectionForCall;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::backup_plan::unbuilt;
use super::opt_in::{self, ServiceOptIn};
use super::vaults::{OfPlans, backup};
use crate::{PlanId, SelectionId};

/// The properties of a selection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupSelection<S: Stage = Declared> {
    /// The plan.
    pub backup_plan_id: S::Of<PlanId>,
    /// What it says.
    pub backup_selection: BackupSelectionDocument<S>,
    /// Whether AWS Backup backs up at all what it says. Not CloudFormation's: a setting of the account.
    #[serde(default)]
    pub service_opt_in: ServiceOptIn,
}

/// What a selection says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupSelectionDocument<S: Stage = Declared> {
    /// Its name.
    pub selection_name: String,
    /// The role in which AWS Backup makes copies.
    pub iam_role_arn: S::Of<RoleArn>,
    /// What is backed up, by ARN.
    pub resources: Vec<S::Of<String>>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupSelectionOutputs<S: Stage> {
    /// The plan.
    pub backup_plan_id: S::Of<PlanId>,
    /// The selection's id, unique in the plan.
    pub selection_id: S::Of<SelectionId>,
}

impl Declares for BackupSelection<Declared> {
    type Resolved = BackupSelection<Resolved>;
}

/// A role that was made a moment ago cannot be assumed yet, and what it was just allowed is not seen yet either.
fn once_role_is_seen<T>(answer: Result<T, CallError>) -> Result<T, CallError> {
    const INVALID: &str = "InvalidParameterValueException";
    answer.classed_saying(INVALID, "cannot be assumed by AWS Backup", ErrorClass::NotYet).classed_saying(
        INVALID,
        "is not authorized to call tag:GetResources",
        ErrorClass::NotYet,
    )
}

impl BackupSelection<Resolved> {
    fn outputs(&self, id: &str) -> BackupSelectionOutputs<Resolved> {
        BackupSelectionOutputs { backup_plan_id: self.backup_plan_id.clone(), selection_id: id.into() }
    }

    fn for_call(&self, operation: &str) -> Result<SelectionForCall, CallError> {
        let BackupSelectionDocument { selection_name, iam_role_arn, resources } = &self.backup_selection;
        SelectionForCall::builder()
            .selection_name(selection_name)
            .iam_role_arn(iam_role_arn.as_str())
            .set_resources(Some(resources.clone()))
            .build()
            .map_err(unbuilt(operation))
    }
}

#[async_trait]
impl Resource for BackupSelection<Resolved> {
    const KIND: &'static str = "AWS::Backup::BackupSelection";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::AllBut(&["ServiceOptIn"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["ServiceOptIn"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["BackupPlanId", "SelectionId"],
            words: "the ids of the backup plan and of the selection",
            example: "1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d|9f8e7d6c-5b4a-4f3e-9d2c-1b0a9f8e7d6c",
        },
        reads: Reads { least: 2, most: 2, together: None },
        cost: None,
    };
    const SETTLE: Settle = Settle::Token;
    type Context = Context;
    type Declared = BackupSelection<Declared>;
    type Outputs<S: Stage> = BackupSelectionOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<BackupSelectionOutputs<Resolved>>, CallError> {
        let request = backup(cx).list_backup_selections().backup_plan_id(self.backup_plan_id.as_str());
        let mut selections = request.into_paginator().items().send();
        while let Some(selection) = selections.next().await {
            // The plan may be gone by now, and its selections with it.
            let Some(selection) = selection.called("ListBackupSelections").of_plans().if_exists()? else {
                return Ok(None);
            };
            let named = selection.selection_name() == Some(self.backup_selection.selection_name.as_str());
            if named && selection.creator_request_id().is_some_and(|token| search.is_for(token)) {
                return Ok(selection.selection_id().map(|id| self.outputs(id)));
            }
        }
        Ok(None)
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<BackupSelectionOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateBackupSelection";
        self.service_opt_in.check(cx, OPERATION).await?;
        let request = backup(cx)
            .create_backup_selection()
            .creator_request_id(&intent.token)
            .backup_plan_id(self.backup_plan_id.as_str())
            .backup_selection(self.for_call(OPERATION)?);
        let answer = once_role_is_seen(request.send().await.called(OPERATION)).once_passed(cx)?;
        Ok(self.outputs(&required(answer.selection_id, OPERATION, "SelectionId")?))
    }

    async fn configure(
        &self,
        cx: &Context,
        _outputs: &BackupSelectionOutputs<Resolved>,
    ) -> Result<(), CallError> {
        self.service_opt_in.ensure(cx).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &BackupSelectionOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        const OPERATION: &str = "GetBackupSelection";
        let request = backup(cx)
            .get_backup_selection()
            .backup_plan_id(outputs.backup_plan_id.as_str())
            .selection_id(outputs.selection_id.as_str());
        let Some(answer) = request.send().await.called(OPERATION).of_plans().if_exists()? else {
            return Ok(None);
        };
        let live = required(answer.backup_selection, OPERATION, "BackupSelection")?;
        Ok(Some(Self {
            backup_plan_id: outputs.backup_plan_id.clone(),
            backup_selection: BackupSelectionDocument {
                selection_name: live.selection_name().to_owned(),
                iam_role_arn: live.iam_role_arn().into(),
                resources: live.resources().to_vec(),
            },
            service_opt_in: ServiceOptIn { aurora: opt_in::has_aurora(cx).await?, ..self.service_opt_in },
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &BackupSelectionOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<BackupSelectionOutputs<Resolved>, CallError> {
        // Every other change is a replacement.
        self.service_opt_in.ensure(cx).await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &BackupSelectionOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let request = backup(cx)
            .delete_backup_selection()
            .backup_plan_id(outputs.backup_plan_id.as_str())
            .selection_id(outputs.selection_id.as_str());
        request.send().await.called("DeleteBackupSelection").of_plans().gone_is_ok()
    }
}
