//! Backup vaults.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{already_exists, check_word, invalid, invalid_request, page};
use crate::services::{Answer, Call, Cx, Object, Refusal, Table, Tags, ensure, tag_map, to_json};

/// A vault as DescribeBackupVault has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Vault {
    backup_vault_name: String,
    backup_vault_arn: String,
    vault_type: String,
    vault_state: String,
    encryption_key_arn: String,
    encryption_key_type: Option<String>,
    creation_date: f64,
    creator_request_id: Option<String>,
    pub(super) locked: bool,
    pub(super) min_retention_days: Option<i64>,
    pub(super) max_retention_days: Option<i64>,
    pub(super) lock_date: Option<f64>,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
}

impl Vault {
    pub(super) fn object(&self, home: &str) -> Object {
        let name = &self.backup_vault_name;
        Object::new("backup", home, "AWS::Backup::BackupVault", name, self.tags.clone()).named(name)
    }

    pub(super) fn arn(&self) -> &str {
        &self.backup_vault_arn
    }

    /// For how many days its lock keeps each recovery point.
    pub(super) fn least_days(&self) -> f64 {
        self.min_retention_days.filter(|_| self.locked).unwrap_or_default() as f64
    }

    /// As DescribeBackupVault and ListBackupVaults show it.
    fn shown(&self, recovery_points: usize) -> Value {
        let mut shown = to_json(self);
        shown["NumberOfRecoveryPoints"] = recovery_points.into();
        shown
    }

    /// What CreateBackupVault answers.
    fn created(&self) -> Value {
        json!({
            "BackupVaultName": self.backup_vault_name,
            "BackupVaultArn": self.backup_vault_arn,
            "CreationDate": self.creation_date,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateInput {
    backup_vault_name: String,
    #[serde(default)]
    backup_vault_tags: Tags,
    encryption_key_arn: Option<String>,
    creator_request_id: Option<String>,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: CreateInput = call.input()?;
    let tags = tag_map(input.backup_vault_tags, invalid)?;
    let request_id = input.creator_request_id;
    request_id.iter().try_for_each(|id| check_word("CreatorRequestId", id))?;
    if let Some(vault) = cx.r.backup.vaults.get(&input.backup_vault_name) {
        // CreateBackupVault, CreatorRequestId: "allows failed requests to be retried".
        ensure(request_id.is_some() && vault.creator_request_id == request_id, || {
            already_exists("Backup vault with the same name", &vault.backup_vault_arn)
        })?;
        return Ok(vault.created());
    }
    let encryption_key_arn = key_arn(cx, input.encryption_key_arn.as_deref())?;
    let vault = Vault {
        backup_vault_arn: cx.arn("backup", &format!("backup-vault:{}", input.backup_vault_name)),
        backup_vault_name: input.backup_vault_name.clone(),
        vault_type: "BACKUP_VAULT".to_owned(),
        vault_state: "AVAILABLE".to_owned(),
        encryption_key_type: input.encryption_key_arn.map(|_| "CUSTOMER_MANAGED_KMS_KEY".to_owned()),
        encryption_key_arn,
        creation_date: cx.now_seconds(),
        creator_request_id: request_id,
        locked: false,
        min_retention_days: None,
        max_retention_days: None,
        lock_date: None,
        tags,
    };
    let answer = vault.created();
    cx.r.backup.vaults.insert(input.backup_vault_name, vault);
    Ok(answer)
}

/// The ARN of a vault's key: the one that was given, or else AWS Backup's own (CreateBackupVault, EncryptionKeyArn).
fn key_arn(cx: &Cx<'_>, given: Option<&str>) -> Result<String, Refusal> {
    if let Some(name) = given.filter(|name| !name.starts_with("arn:")) {
        return Err(invalid(format!("EncryptionKeyArn is not the ARN of a KMS key: {name}")));
    }
    let key = cx.r.kms.usable(given.unwrap_or("alias/aws/backup"));
    key.map(|key| key.arn.clone())
        .map_err(|problem| invalid(format!("EncryptionKeyArn cannot be used: {problem}")))
}

/// A vault that is not there looks like one that the caller may not see (aws/aws-sdk-js#2625).
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let backup_vault_name: String = call.member("BackupVaultName")?;
    let vault = cx.r.backup.vaults.get(&backup_vault_name).ok_or_else(|| {
        Refusal::new("AccessDeniedException", "Insufficient privileges to perform this action.")
            .with_status(403)
    })?;
    Ok(vault.shown(cx.r.backup.recovery_points_in(&backup_vault_name)))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (by_vault_type, next_token, max_results): (Option<String>, Option<String>, Option<usize>) =
        call.members(&["ByVaultType", "NextToken", "MaxResults"])?;
    let wants = |vault: &&Vault| by_vault_type.as_ref().is_none_or(|kind| vault.vault_type == *kind);
    let state = &cx.r.backup;
    let shown = |vault: &Vault| vault.shown(state.recovery_points_in(&vault.backup_vault_name));
    let vaults = state.vaults.values().filter(wants).map(shown).collect();
    let (vaults, token) = page(vaults, next_token.as_deref(), max_results)?;
    Ok(json!({"BackupVaultList": vaults, "NextToken": token}))
}

/// "A vault can be deleted only if it is empty" (DeleteBackupVault). Plans that send backups to it do not keep it.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let backup_vault_name: String = call.member("BackupVaultName")?;
    cx.r.backup.vaults.find(&backup_vault_name)?;
    if cx.r.backup.recovery_points_in(&backup_vault_name) > 0 {
        let message = "Backup vault cannot be deleted because it contains recovery points.";
        return Err(invalid_request(message));
    }
    cx.r.backup.vaults.remove(&backup_vault_name);
    Ok(Value::Null)
}
