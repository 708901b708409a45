//! Recovery points: what jobs that somebody starts put into a vault. Schedules start none.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::selection::check_role;
use super::{invalid, not_found, page, uuid};
use crate::services::{Answer, Call, Cx, Refusal, Table, ensure, to_json};

/// A recovery point as ListRecoveryPointsByBackupVault has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecoveryPoint {
    recovery_point_arn: String,
    pub(super) backup_vault_name: String,
    backup_vault_arn: String,
    resource_arn: String,
    resource_type: String,
    iam_role_arn: String,
    status: String,
    creation_date: f64,
    completion_date: f64,
    #[serde(rename = "_job")]
    job: String,
    #[serde(rename = "_token")]
    token: Option<String>,
}

impl RecoveryPoint {
    /// What StartBackupJob answers.
    fn started(&self) -> Value {
        json!({
            "BackupJobId": self.job,
            "RecoveryPointArn": self.recovery_point_arn,
            "CreationDate": self.creation_date,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StartInput {
    backup_vault_name: String,
    resource_arn: String,
    iam_role_arn: String,
    idempotency_token: Option<String>,
}

/// AWS Backup API Reference, StartBackupJob. The job is over at once.
pub(super) fn start(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: StartInput = call.input()?;
    let vault = cx.r.backup.vaults.find(&input.backup_vault_name)?;
    let backup_vault_arn = vault.arn().to_owned();
    let is_retried =
        |point: &&RecoveryPoint| input.idempotency_token.is_some() && point.token == input.idempotency_token;
    if let Some(point) = cx.r.backup.recovery_points.values().find(is_retried) {
        return Ok(point.started());
    }
    check_role(cx, &input.iam_role_arn)?;
    let job = uuid(&mut cx.r.backup.ids);
    let (resource_type, recovery_point_arn) = resource(cx, &input.resource_arn, &job)?;
    let now = cx.now_seconds();
    let point = RecoveryPoint {
        recovery_point_arn: recovery_point_arn.clone(),
        backup_vault_name: input.backup_vault_name,
        backup_vault_arn,
        resource_arn: input.resource_arn,
        resource_type: resource_type.to_owned(),
        iam_role_arn: input.iam_role_arn,
        status: "COMPLETED".to_owned(),
        creation_date: now,
        completion_date: now,
        job,
        token: input.idempotency_token,
    };
    let answer = point.started();
    cx.r.backup.recovery_points.insert(recovery_point_arn, point);
    Ok(answer)
}

/// The type of a resource, and the ARN of its recovery point (AWS Backup Developer Guide, "Recovery points" and "Amazon S3
/// backups": a bucket must have versioning enabled).
fn resource(cx: &Cx<'_>, arn: &str, job: &str) -> Result<(&'static str, String), Refusal> {
    if let Some(bucket) = arn.strip_prefix("arn:aws:s3:::") {
        let found =
            cx.global.s3.bucket(bucket).ok_or_else(|| invalid(format!("There is no bucket {bucket}.")))?;
        ensure(found.has_versioning(), || {
            invalid(format!("The bucket {bucket} does not have versioning enabled."))
        })?;
        return Ok(("S3", cx.arn("backup", &format!("recovery-point:{bucket}-{job}"))));
    }
    ensure(cx.r.rds.has_cluster(arn), || {
        invalid(format!("{arn} is not an Aurora cluster or a bucket that is there."))
    })?;
    Ok(("Aurora", cx.arn("rds", &format!("cluster-snapshot:awsbackup:job-{job}"))))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListInput {
    backup_vault_name: String,
    by_resource_arn: Option<String>,
    by_resource_type: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// AWS Backup API Reference, ListRecoveryPointsByBackupVault.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: ListInput = call.input()?;
    let name = input.backup_vault_name;
    cx.r.backup.vaults.find(&name)?;
    let is = |asked: &Option<String>, value: &String| asked.as_ref().is_none_or(|asked| asked == value);
    let points = cx.r.backup.recovery_points.values().filter(|point| {
        point.backup_vault_name == name
            && is(&input.by_resource_arn, &point.resource_arn)
            && is(&input.by_resource_type, &point.resource_type)
    });
    let (points, token) =
        page(points.map(to_json).collect(), input.next_token.as_deref(), input.max_results)?;
    Ok(json!({"RecoveryPoints": points, "NextToken": token}))
}

/// AWS Backup API Reference, DeleteRecoveryPoint. A locked vault keeps each as long as its lock says (AWS Backup Developer
/// Guide, "AWS Backup Vault Lock").
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, arn): (String, String) = call.members(&["BackupVaultName", "RecoveryPointArn"])?;
    let days = cx.r.backup.vaults.find(&name)?.least_days();
    let points = &cx.r.backup.recovery_points;
    let point = points.get(&arn).filter(|point| point.backup_vault_name == name);
    let point = point.ok_or_else(|| not_found(format!("Recovery point {arn} does not exist.")))?;
    if cx.now_seconds() < point.creation_date + days * 86_400.0 {
        let message = format!("The lock of the vault {name} keeps the recovery point {arn}.");
        return Err(Refusal::new("InvalidRequestException", message));
    }
    cx.r.backup.recovery_points.remove(&arn);
    Ok(Value::Null)
}
