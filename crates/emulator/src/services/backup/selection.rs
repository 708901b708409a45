//! Selections: which resources a plan backs up.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{already_exists, cannot_find, check_word, invalid, page, uuid};
use crate::services::{Answer, Call, Cx, Object, Refusal, Tags, ensure, iam, to_json};

/// A selection as GetBackupSelection has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Selection {
    selection_id: String,
    backup_plan_id: String,
    backup_selection: Document,
    creation_date: f64,
    creator_request_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    selection_name: String,
    iam_role_arn: String,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    not_resources: Vec<String>,
    #[serde(default)]
    list_of_tags: Vec<Condition>,
    #[serde(default)]
    conditions: Conditions,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Condition {
    condition_type: String,
    condition_key: String,
    condition_value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct Conditions {
    string_equals: Vec<ConditionParameter>,
    string_not_equals: Vec<ConditionParameter>,
    string_like: Vec<ConditionParameter>,
    string_not_like: Vec<ConditionParameter>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ConditionParameter {
    condition_key: Option<String>,
    condition_value: Option<String>,
}

impl Document {
    fn check(&self) -> Result<(), Refusal> {
        if self.resources.is_empty() && self.list_of_tags.is_empty() {
            let message =
                "Invalid backup selection. Either 'ListOfTags' or 'Resources' section must be non-empty.";
            return Err(invalid(message));
        }
        check_resources(&self.resources)?;
        check_resources(&self.not_resources)
    }
}

/// BackupSelection, Resources: 500 ARNs, of which 30 have a wildcard at their end, or `*`.
fn check_resources(resources: &[String]) -> Result<(), Refusal> {
    if resources.len() > 500 || resources.iter().filter(|arn| arn.contains('*')).count() > 30 {
        return Err(invalid("A selection can name 500 resources at most, and 30 with wildcards."));
    }
    let is_good = |arn: &&String| *arn == "*" || arn.starts_with("arn:aws");
    match resources.iter().find(|arn| !is_good(arn)) {
        Some(arn) => Err(invalid(format!("Invalid ARN: {arn}"))),
        None => Ok(()),
    }
}

impl Selection {
    pub(super) fn belongs_to(&self, plan_id: &str) -> bool {
        self.backup_plan_id == plan_id
    }

    pub(super) fn object(&self, home: &str) -> Object {
        let id = format!("{}_{}", self.selection_id, self.backup_plan_id);
        Object::new("backup", home, "AWS::Backup::BackupSelection", id, Tags::new())
            .named(&self.backup_selection.selection_name)
            .part_of(&self.backup_plan_id)
    }

    /// What CreateBackupSelection answers.
    fn created(&self) -> Value {
        json!({
            "SelectionId": self.selection_id,
            "BackupPlanId": self.backup_plan_id,
            "CreationDate": self.creation_date,
        })
    }

    fn listed(&self) -> Value {
        json!({
            "SelectionId": self.selection_id,
            "SelectionName": self.backup_selection.selection_name,
            "BackupPlanId": self.backup_plan_id,
            "CreationDate": self.creation_date,
            "CreatorRequestId": self.creator_request_id,
            "IamRoleArn": self.backup_selection.iam_role_arn,
        })
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (backup_plan_id, backup_selection, creator_request_id): (String, Document, Option<String>) =
        call.members(&["BackupPlanId", "BackupSelection", "CreatorRequestId"])?;
    let request_id = creator_request_id;
    request_id.iter().try_for_each(|id| check_word("CreatorRequestId", id))?;
    let plan_arn = cx.r.backup.live_plan(&backup_plan_id)?.arn().to_owned();
    backup_selection.check()?;
    let mut siblings =
        cx.r.backup.selections.values().filter(|selection| selection.belongs_to(&backup_plan_id));
    let is_retried =
        |selection: &&Selection| request_id.is_some() && selection.creator_request_id == request_id;
    if let Some(selection) = siblings.clone().find(is_retried) {
        return Ok(selection.created());
    }
    if siblings.any(|selection| selection.backup_selection == backup_selection) {
        return Err(already_exists("Backup selection with the same document", &plan_arn));
    }
    check_role(cx, &backup_selection.iam_role_arn)?;
    // AWS Backup Developer Guide, "Using service-linked roles for AWS Backup": it comes with the first resources to back up.
    iam::State::link(cx, "backup.amazonaws.com", None);
    check_permission(cx, &backup_selection.iam_role_arn)?;
    let selection = Selection {
        selection_id: uuid(&mut cx.r.backup.ids),
        backup_plan_id,
        backup_selection,
        creation_date: cx.now_seconds(),
        creator_request_id: request_id,
    };
    let answer = selection.created();
    cx.r.backup.selections.insert(selection.selection_id.clone(), selection);
    Ok(answer)
}

/// AWS Backup assumes the role when a selection is made (hashicorp/terraform-provider-aws#9297).
pub(super) fn check_role(cx: &Cx<'_>, arn: &str) -> Result<(), Refusal> {
    cx.global
        .iam
        .assumable(arn, "backup.amazonaws.com", cx.now_millis)
        .map_err(|_| invalid(format!("IAM Role {arn} cannot be assumed by AWS Backup")))
}

/// The managed policies that let a role look for tagged resources.
const WITH_TAGS: [&str; 2] = [
    "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
];

/// And it looks for the selection's resources in it, which fails while the role's policies are new, too
/// (hashicorp/terraform-provider-aws#10511).
fn check_permission(cx: &Cx<'_>, arn: &str) -> Result<(), Refusal> {
    const ACTION: &str = "tag:GetResources";
    let role = cx.global.iam.role(arn);
    ensure(role.is_some_and(|role| role.is_allowed(ACTION, &WITH_TAGS, cx.now_millis)), || {
        invalid(format!("IAM Role {arn} is not authorized to call {ACTION}"))
    })
}

/// The selection that a call names.
fn find<'a>(cx: &'a mut Cx<'_>, call: &Call) -> Result<&'a Selection, Refusal> {
    let (backup_plan_id, selection_id): (String, String) = call.members(&["BackupPlanId", "SelectionId"])?;
    cx.r.backup.live_plan(&backup_plan_id)?;
    let selection = cx.r.backup.selections.get(&selection_id);
    let selection = selection.filter(|selection| selection.belongs_to(&backup_plan_id));
    selection.ok_or_else(|| cannot_find("backup selection", &selection_id))
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    find(cx, call).map(to_json)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = find(cx, call)?.selection_id.clone();
    cx.r.backup.selections.remove(&id);
    Ok(Value::Null)
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (backup_plan_id, next_token, max_results): (String, Option<String>, Option<usize>) =
        call.members(&["BackupPlanId", "NextToken", "MaxResults"])?;
    cx.r.backup.live_plan(&backup_plan_id)?;
    let selections = cx.r.backup.selections.values();
    let selections = selections.filter(|selection| selection.belongs_to(&backup_plan_id));
    let (selections, token) =
        page(selections.map(Selection::listed).collect(), next_token.as_deref(), max_results)?;
    Ok(json!({"BackupSelectionsList": selections, "NextToken": token}))
}
