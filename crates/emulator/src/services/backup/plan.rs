//! Backup plans, which have versions.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan_rule::PlanRule;
use super::{
    State, already_exists, cannot_find, check_word, invalid, invalid_request, missing, not_found, page, uuid,
};
use crate::services::{Answer, Call, Cx, IdSource, Object, Refusal, Tags, refuse_if, tag_map};

/// A plan with all its versions, of which the last one is in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    id: String,
    arn: String,
    creator_request_id: Option<String>,
    versions: Vec<Version>,
    deletion_date: Option<f64>,
    pub(super) tags: Tags,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Version {
    id: String,
    creation_date: f64,
    document: Document,
}

/// What a plan says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    backup_plan_name: String,
    rules: Vec<PlanRule>,
    advanced_backup_settings: Option<Value>,
    scan_settings: Option<Value>,
}

impl Document {
    fn check(&self, state: &State) -> Result<(), Refusal> {
        check_word("BackupPlanName", &self.backup_plan_name)?;
        refuse_if(self.rules.is_empty(), || missing("A backup plan must have a rule."))?;
        if self.rules.iter().any(|rule| rule.rule_id.is_some()) {
            return Err(invalid("RuleId cannot be given."));
        }
        self.rules.iter().try_for_each(|rule| rule.check(state))
    }

    fn with_rule_ids(mut self, ids: &mut IdSource) -> Self {
        self.rules.iter_mut().for_each(|rule| rule.rule_id = Some(uuid(ids)));
        self
    }

    /// The document as somebody sent it.
    fn without_rule_ids(&self) -> Self {
        let mut document = self.clone();
        document.rules.iter_mut().for_each(|rule| rule.rule_id = None);
        document
    }
}

impl Version {
    fn new(document: Document, ids: &mut IdSource, now: f64) -> Self {
        Version {
            id: BASE64_STANDARD.encode(uuid(ids)),
            creation_date: now,
            document: document.with_rule_ids(ids),
        }
    }
}

impl Plan {
    pub(super) fn is_live(&self) -> bool {
        self.deletion_date.is_none()
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    fn current(&self) -> &Version {
        self.versions.last().expect("a plan is made with its first version")
    }

    pub(super) fn object(&self, home: &str) -> Object {
        Object::new("backup", home, "AWS::Backup::BackupPlan", &self.id, self.tags.clone())
            .named(&self.current().document.backup_plan_name)
    }

    /// What CreateBackupPlan and UpdateBackupPlan answer.
    fn written(&self) -> Value {
        let version = self.current();
        json!({
            "BackupPlanId": self.id,
            "BackupPlanArn": self.arn,
            "VersionId": version.id,
            "CreationDate": version.creation_date,
            "AdvancedBackupSettings": version.document.advanced_backup_settings,
        })
    }

    fn listed(&self) -> Value {
        let version = self.current();
        json!({
            "BackupPlanId": self.id,
            "BackupPlanArn": self.arn,
            "BackupPlanName": version.document.backup_plan_name,
            "VersionId": version.id,
            "CreationDate": version.creation_date,
            "CreatorRequestId": self.creator_request_id,
            "DeletionDate": self.deletion_date,
            "AdvancedBackupSettings": version.document.advanced_backup_settings,
        })
    }
}

impl State {
    pub(super) fn live_plan(&mut self, id: &str) -> Result<&mut Plan, Refusal> {
        let plan = self.plans.get_mut(id).filter(|plan| plan.is_live());
        plan.ok_or_else(|| cannot_find("Backup plan", id))
    }
}

/// Names need not be unique, documents must be.
pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (backup_plan, backup_plan_tags, creator_request_id): (Document, Tags, Option<String>) =
        call.members(&["BackupPlan", "BackupPlanTags", "CreatorRequestId"])?;
    let tags = tag_map(backup_plan_tags, invalid)?;
    creator_request_id.iter().try_for_each(|id| check_word("CreatorRequestId", id))?;
    let now = cx.now_seconds();
    let mut live = cx.r.backup.plans.values().filter(|plan| plan.is_live());
    // CreateBackupPlan, CreatorRequestId: "that plan is returned".
    let is_retried =
        |plan: &&Plan| creator_request_id.is_some() && plan.creator_request_id == creator_request_id;
    if let Some(plan) = live.clone().find(is_retried) {
        return Ok(plan.written());
    }
    backup_plan.check(&cx.r.backup)?;
    if let Some(plan) = live.find(|plan| plan.current().document.without_rule_ids() == backup_plan) {
        return Err(already_exists("Backup plan with the same plan document", &plan.arn));
    }
    let ids = &mut cx.r.backup.ids;
    let (id, version) = (uuid(ids), Version::new(backup_plan, ids, now));
    let plan = Plan {
        arn: cx.arn("backup", &format!("backup-plan:{id}")),
        id: id.clone(),
        creator_request_id,
        versions: vec![version],
        deletion_date: None,
        tags,
    };
    let answer = plan.written();
    cx.r.backup.plans.insert(id, plan);
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (backup_plan_id, version_id): (String, Option<String>) =
        call.members(&["BackupPlanId", "VersionId"])?;
    let plan = cx.r.backup.live_plan(&backup_plan_id)?;
    let version = match &version_id {
        Some(id) => plan.versions.iter().find(|version| version.id == *id),
        None => plan.versions.last(),
    };
    let version = version.ok_or_else(|| not_found("The backup plan has no such version."))?;
    Ok(json!({
        "BackupPlan": version.document,
        "BackupPlanId": plan.id,
        "BackupPlanArn": plan.arn,
        "VersionId": version.id,
        "CreationDate": version.creation_date,
        "CreatorRequestId": plan.creator_request_id,
        "AdvancedBackupSettings": version.document.advanced_backup_settings,
    }))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (include_deleted, next_token, max_results): (bool, Option<String>, Option<usize>) =
        call.members(&["IncludeDeleted", "NextToken", "MaxResults"])?;
    let plans = cx.r.backup.plans.values().filter(|plan| include_deleted || plan.is_live());
    let plans = plans.map(Plan::listed).collect();
    let (plans, token) = page(plans, next_token.as_deref(), max_results)?;
    Ok(json!({"BackupPlansList": plans, "NextToken": token}))
}

/// A new version, which has nothing of the one before but what the call says again (UpdateBackupPlan).
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (backup_plan_id, backup_plan): (String, Document) = call.members(&["BackupPlanId", "BackupPlan"])?;
    let now = cx.now_seconds();
    let state = &mut cx.r.backup;
    state.live_plan(&backup_plan_id)?;
    backup_plan.check(state)?;
    let version = Version::new(backup_plan, &mut state.ids, now);
    let plan = state.live_plan(&backup_plan_id)?;
    plan.versions.push(version);
    Ok(plan.written())
}

/// "A backup plan can only be deleted after all associated selections of resources have been deleted"
/// (DeleteBackupPlan).
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let backup_plan_id: String = call.member("BackupPlanId")?;
    let now = cx.now_seconds();
    let state = &mut cx.r.backup;
    state.live_plan(&backup_plan_id)?;
    if state.selections.values().any(|selection| selection.belongs_to(&backup_plan_id)) {
        return Err(invalid_request(
            "Related backup plan selections must be deleted prior to backup plan deletion",
        ));
    }
    let plan = state.live_plan(&backup_plan_id)?;
    plan.deletion_date = Some(now);
    Ok(json!({
        "BackupPlanId": plan.id,
        "BackupPlanArn": plan.arn,
        "VersionId": plan.current().id,
        "DeletionDate": now,
    }))
}
