//! Vault Lock, which limits how long backups of a vault are kept.

use serde::Deserialize;
use serde_json::Value;

use super::vault::Vault;
use super::{invalid, invalid_request};
use crate::services::{Answer, Call, Cx, Refusal, Table, refuse_if};

/// A hundred years.
const LONGEST: i64 = 36_500;
const SECONDS_A_DAY: i64 = 86_400;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutInput {
    backup_vault_name: String,
    min_retention_days: Option<i64>,
    max_retention_days: Option<i64>,
    changeable_for_days: Option<i64>,
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: PutInput = call.input()?;
    input.check()?;
    let now = cx.now_seconds();
    let vault = changeable(cx, &input.backup_vault_name)?;
    vault.locked = true;
    vault.min_retention_days = input.min_retention_days;
    vault.max_retention_days = input.max_retention_days;
    vault.lock_date = input.changeable_for_days.map(|days| now + (days * SECONDS_A_DAY) as f64);
    Ok(Value::Null)
}

impl PutInput {
    /// PutBackupVaultLockConfiguration: retention from 1 to 36,500 days, and a cooling-off period of 3 days at least.
    fn check(&self) -> Result<(), Refusal> {
        let ranges = [
            ("MinRetentionDays", self.min_retention_days, 1),
            ("MaxRetentionDays", self.max_retention_days, 1),
            ("ChangeableForDays", self.changeable_for_days, 3),
        ];
        for (name, days, least) in ranges {
            if days.is_some_and(|days| !(least..=LONGEST).contains(&days)) {
                return Err(invalid(format!("{name} must be from {least} to {LONGEST}.")));
            }
        }
        match (self.min_retention_days, self.max_retention_days) {
            (Some(min), Some(max)) if min > max => {
                Err(invalid("MinRetentionDays must not be more than MaxRetentionDays."))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let backup_vault_name: String = call.member("BackupVaultName")?;
    let vault = changeable(cx, &backup_vault_name)?;
    vault.locked = false;
    vault.min_retention_days = None;
    vault.max_retention_days = None;
    vault.lock_date = None;
    Ok(Value::Null)
}

/// A vault whose lock may still be changed: "On and after the lock date, the Vault Lock becomes immutable".
fn changeable<'a>(cx: &'a mut Cx<'_>, name: &str) -> Result<&'a mut Vault, Refusal> {
    let now = cx.now_seconds();
    let vault = cx.r.backup.vaults.find_mut(name)?;
    refuse_if(vault.lock_date.is_some_and(|date| date <= now), || {
        invalid_request("The Vault Lock of this vault is immutable.")
    })?;
    Ok(vault)
}
