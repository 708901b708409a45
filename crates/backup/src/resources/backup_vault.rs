//! A backup vault: where AWS Backup keeps copies.
//!
//! The surprises: a vault with a copy in it cannot be deleted, nor can another key encrypt it; asked for a vault that is
//! not there, AWS Backup says that one is not allowed to see it, so this looks through the list of all; and its lock is
//! set by a call of its own, which replaces the one before.
//!
//! Other limits of a declared lock are drift. A date from which on the lock is final is not: it is shown, and such a lock is left as
//! it is, since a change would take the date away before it, and is refused after it. A lock that is not declared is left alone;
//! where it makes copies fail, the plan says so.
//!
//! Wait: a key that was made a moment ago is not found; the key here is the database's, which is older. Read: a lock without limits
//! has none. Update: a lock can be replaced, until its date. No state is terminal: a vault here has none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, KeyArn, Tags, converge, count, count_or_zero, required};
use aws_sdk_backup::primitives::DateTimeFormat;
use aws_sdk_backup::types::BackupVaultListMember;
use engine::{
    CallError, Changed, Contents, CreateOnly, Declared, Declares, Facts, How, ImportId, Intent, Keep,
    KeepValue, Loss, Named, Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging,
    Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::vaults::{backup, retag, tag_map, tags_of};
use crate::{VaultArn, VaultName};

/// The properties of a vault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupVault<S: Stage = Declared> {
    /// Its name, unique in account and region.
    pub backup_vault_name: VaultName,
    /// The key that encrypts copies. Those of an Aurora cluster keep the cluster's key.
    pub encryption_key_arn: S::Of<KeyArn>,
    /// What keeps copies from being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_configuration: Option<LockConfiguration>,
    /// What people see.
    #[serde(with = "tag_map")]
    pub backup_vault_tags: Tags,
}

/// What keeps copies from being deleted. There is no date from which on it cannot be taken away (governance mode).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LockConfiguration {
    /// For how many days every copy is kept at least.
    pub min_retention_days: u32,
    /// For how many days at most. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retention_days: Option<u32>,
    /// From when on nobody can change the lock or take it away (compliance mode). Never declared. CloudFormation has no such
    /// property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_date: Option<String>,
}

impl LockConfiguration {
    /// Every copy is kept for at least so many days.
    #[must_use]
    pub fn of_at_least(min_retention_days: u32) -> Self {
        Self { min_retention_days, max_retention_days: None, lock_date: None }
    }

    fn of(live: &BackupVaultListMember) -> Option<Self> {
        let days = |days: Option<i64>| days.map(count);
        (live.locked() == Some(true)).then(|| Self {
            min_retention_days: count_or_zero(live.min_retention_days()),
            max_retention_days: days(live.max_retention_days()),
            lock_date: live.lock_date().and_then(|date| date.fmt(DateTimeFormat::DateTime).ok()),
        })
    }

    /// What it asks for of copies.
    fn limits(&self) -> String {
        let least = format!("at least {} days", self.min_retention_days);
        match self.max_retention_days {
            Some(most) => format!("{least} and at most {most} days"),
            None => least,
        }
    }
}

/// What the lock of a vault asks for that copies which are kept for so many days are not.
///
/// # Errors
/// As the call fails.
pub(super) async fn limit_against(
    cx: &Context,
    name: &VaultName,
    days: u64,
) -> Result<Option<String>, CallError> {
    let lock = live(cx, name).await?.and_then(|live| LockConfiguration::of(&live));
    let Some(LockConfiguration { min_retention_days, max_retention_days, .. }) = lock else {
        return Ok(None);
    };
    Ok(match max_retention_days {
        _ if days < u64::from(min_retention_days) => Some(format!("at least {min_retention_days} days")),
        Some(most) if days > u64::from(most) => Some(format!("at most {most} days")),
        _ => None,
    })
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct BackupVaultOutputs<S: Stage> {
    /// The ARN.
    pub backup_vault_arn: S::Of<VaultArn>,
    /// The name; a reference to it waits until the vault is there and locked.
    pub backup_vault_name: S::Of<VaultName>,
}

impl Declares for BackupVault<Declared> {
    type Resolved = BackupVault<Resolved>;
}

async fn live(cx: &Context, name: &VaultName) -> Result<Option<BackupVaultListMember>, CallError> {
    let mut vaults = backup(cx).list_backup_vaults().into_paginator().items().send();
    while let Some(vault) = vaults.next().await {
        let vault = vault.called("ListBackupVaults")?;
        if vault.backup_vault_name() == Some(name.as_str()) {
            return Ok(Some(vault));
        }
    }
    Ok(None)
}

/// What a vault has, and since when it could have something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// Whether there is a recovery point in it.
    pub any: bool,
    /// When the vault was made, in milliseconds since 1970.
    pub since_millis: i64,
}

/// Asks AWS Backup whether it has made a copy yet; `None` where there is no such vault. Changes nothing.
///
/// # Errors
/// As the calls fail.
pub async fn copies(cx: &Context, name: &VaultName) -> Result<Option<Copies>, CallError> {
    let Some(vault) = live(cx, name).await? else { return Ok(None) };
    let since = vault.creation_date().and_then(|date| date.to_millis().ok());
    let since_millis = required(since, "ListBackupVaults", "CreationDate")?;
    Ok(Some(Copies { any: !is_empty(cx, name).await?, since_millis }))
}

/// Whether there is no recovery point in a vault.
async fn is_empty(cx: &Context, name: &VaultName) -> Result<bool, CallError> {
    let request =
        backup(cx).list_recovery_points_by_backup_vault().backup_vault_name(name.as_str()).max_results(1);
    let page = request.send().await.called("ListRecoveryPointsByBackupVault")?;
    Ok(page.recovery_points().is_empty() && page.next_token().is_none())
}

impl BackupVault<Resolved> {
    async fn put_lock(&self, cx: &Context) -> Result<(), CallError> {
        let name = self.backup_vault_name.as_str();
        match &self.lock_configuration {
            Some(lock) => {
                let request = backup(cx).put_backup_vault_lock_configuration().backup_vault_name(name);
                let request = request.min_retention_days(i64::from(lock.min_retention_days));
                request.send().await.called("PutBackupVaultLockConfiguration").map(drop)
            }
            None => {
                let request = backup(cx).delete_backup_vault_lock_configuration().backup_vault_name(name);
                request.send().await.called("DeleteBackupVaultLockConfiguration").map(drop)
            }
        }
    }
}

#[async_trait]
impl Resource for BackupVault<Resolved> {
    const KIND: &'static str = "AWS::Backup::BackupVault";
    const FACTS: Facts = Facts {
        name: Named::ByName("BackupVaultName"),
        create_only: CreateOnly::These(&["BackupVaultName", "EncryptionKeyArn"]),
        lists: &[],
        tags: Tagging::WithCreate("BackupVaultTags"),
        loss: Loss::Data("all its recovery points"),
        keeps: &[Keep { property: "BackupVaultName", value: KeepValue::Any, how: How::ForbidUnlessEmpty }],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["BackupVaultName"],
            words: "the name of the backup vault",
            example: "payment-backup-vault-dev",
        },
        reads: Reads { least: 2, most: 2, together: Some("ListBackupVaults") },
        cost: Some("backup-storage"),
    };
    const SETTLE: Settle = Settle::Token;
    type Context = Context;
    type Declared = BackupVault<Declared>;
    type Outputs<S: Stage> = BackupVaultOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.backup_vault_name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<BackupVaultOutputs<Resolved>>, CallError> {
        let name = &self.backup_vault_name;
        let Some(live) = live(cx, name).await? else { return Ok(None) };
        let arn = required(live.backup_vault_arn, "ListBackupVaults", "BackupVaultArn")?;
        let Some(tags) = tags_of(cx, &arn).await? else { return Ok(None) };
        cx.adopt(&format!("backup vault {name}"), &tags, search)?;
        Ok(Some(BackupVaultOutputs { backup_vault_arn: arn.into(), backup_vault_name: name.clone() }))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<BackupVaultOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateBackupVault";
        let request = backup(cx)
            .create_backup_vault()
            .creator_request_id(&intent.token)
            .backup_vault_name(self.backup_vault_name.as_str())
            .encryption_key_arn(self.encryption_key_arn.as_str())
            .set_backup_vault_tags(Some(cx.stamp(&self.backup_vault_tags, intent)?.map()));
        let answer = request.send().await.called(OPERATION)?;
        let arn = required(answer.backup_vault_arn, OPERATION, "BackupVaultArn")?;
        let backup_vault_name = self.backup_vault_name.clone();
        Ok(BackupVaultOutputs { backup_vault_arn: arn.into(), backup_vault_name })
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &BackupVaultOutputs<Resolved>,
    ) -> Result<Readiness<BackupVaultOutputs<Resolved>>, CallError> {
        Ok(match live(cx, &outputs.backup_vault_name).await? {
            Some(_) => Readiness::Ready(outputs.clone()),
            None => Readiness::Pending("not visible yet".to_owned()),
        })
    }

    fn accepts(property: &str, live: &Value, declared: &Value) -> Option<String> {
        let is_declared = property == "LockConfiguration" && !declared.is_null();
        let live = is_declared.then(|| LockConfiguration::deserialize(live).ok()).flatten()?;
        let date = live.lock_date.as_ref()?;
        Some(format!(
            "has a lock that somebody has made final: from {date} on, nobody can change it or take it away. It keeps copies for {}, \
             and is left as it is; AWS Backup fails copies that are to be kept for another time",
            live.limits()
        ))
    }

    async fn configure(&self, cx: &Context, outputs: &BackupVaultOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &BackupVaultOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.backup_vault_name).await? else { return Ok(None) };
        let Some(tags) = tags_of(cx, outputs.backup_vault_arn.as_str()).await? else { return Ok(None) };
        Ok(Some(Self {
            backup_vault_name: outputs.backup_vault_name.clone(),
            encryption_key_arn: live.encryption_key_arn().unwrap_or_default().into(),
            lock_configuration: LockConfiguration::of(&live),
            backup_vault_tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &BackupVaultOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<BackupVaultOutputs<Resolved>, CallError> {
        if changed.has("LockConfiguration") {
            self.put_lock(cx).await?;
        }
        let before = &changed.before.backup_vault_tags;
        retag(cx, outputs.backup_vault_arn.as_str(), before, &self.backup_vault_tags).await?;
        Ok(outputs.clone())
    }

    async fn contents(
        &self,
        cx: &Context,
        outputs: &BackupVaultOutputs<Resolved>,
    ) -> Result<Contents, CallError> {
        let name = &outputs.backup_vault_name;
        let Some(vault) = live(cx, name).await? else { return Ok(Contents::Empty) };
        if is_empty(cx, name).await? {
            return Ok(Contents::Empty);
        }
        // The count is what AWS Backup counted last. Whether there is anything, the list knows.
        let words = match vault.number_of_recovery_points() {
            ..1 => "recovery points".to_owned(),
            1 => "1 recovery point".to_owned(),
            count => format!("{count} recovery points"),
        };
        Ok(Contents::Some { words, parts: Vec::new() })
    }

    async fn delete(&self, cx: &Context, outputs: &BackupVaultOutputs<Resolved>) -> Result<(), CallError> {
        // Of a vault that is gone, AWS Backup says that one may not delete it.
        if live(cx, &outputs.backup_vault_name).await?.is_none() {
            return Ok(());
        }
        let request = backup(cx).delete_backup_vault().backup_vault_name(outputs.backup_vault_name.as_str());
        request.send().await.called("DeleteBackupVault").gone_is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_an_object_as_in_cloudformation() {
        let vault = BackupVault::<Resolved> {
            backup_vault_name: "vault".into(),
            encryption_key_arn: "key".into(),
            lock_configuration: Some(LockConfiguration::of_at_least(7)),
            backup_vault_tags: Tags::new().with("Name", "vault"),
        };
        let data = serde_json::to_value(&vault).unwrap();
        let expected = serde_json::json!({
            "BackupVaultName": "vault",
            "EncryptionKeyArn": "key",
            "LockConfiguration": { "MinRetentionDays": 7 },
            "BackupVaultTags": { "Name": "vault" },
        });
        assert_eq!(data, expected);
        assert_eq!(serde_json::from_value::<BackupVault<Resolved>>(data).unwrap(), vault);
    }
}
