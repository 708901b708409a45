//! What the tier can be told, and what it needs to know.

use std::collections::BTreeMap;

use aws::resources::RetentionDays;
use aws::{DbClusterId, KeyArn, Place, TopicArn};
use engine::{DeclareError, Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{schedule, time_zone};

/// What the tier needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The database whose backup is verified.
    pub database: DatabaseInputs,
    /// The topic that failures are told to, by the function and by the alarms. Without one, the metric, the function's
    /// errors and the alarms' states still say so.
    pub alarm_topic_arn: Option<Input<TopicArn>>,
    /// The key that encrypts the topic, if it is one of the customer's. Its policy must let this account's IAM policies
    /// allow its use.
    pub alarm_topic_key_arn: Option<Input<KeyArn>>,
}

/// The database whose backup is verified.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseInputs {
    /// The cluster's name.
    pub cluster_id: Input<DbClusterId>,
    /// The cluster's ARN.
    pub cluster_arn: Input<String>,
    /// The key with which the cluster and its snapshots must be encrypted.
    pub key_arn: Input<KeyArn>,
}

/// What the tier can be told. The default verifies once a day, after Aurora's backup window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The environment, part of every name.
    #[serde(skip)]
    pub environment: String,
    /// When the backup is verified: `cron(minutes hours * * ? *)` or `rate(value unit)`, at least once a day. It should
    /// be after the database's backup window.
    pub schedule_expression: String,
    /// The time zone of the schedules: `UTC`, or a name of the IANA database, exactly as there, such as `Asia/Singapore`.
    pub time_zone: String,
    /// For how many days the database must keep its automated backups, at least: 1 to 35, and no more than
    /// `database.backup_retention_in_days`.
    #[schemars(range(min = 1, max = 35))]
    pub min_retention_days: u32,
    /// How old the newest automated snapshot may be, in hours: 24 to 168. A cluster that is younger than this needs none
    /// yet.
    #[schemars(range(min = 24, max = 168))]
    pub max_snapshot_age_hours: u32,
    /// How long ago the latest time may be to which the database can be restored, in minutes: 5 to 1440. Aurora is
    /// five minutes behind.
    #[schemars(range(min = 5, max = 1440))]
    pub max_restore_lag_minutes: u32,
    /// Memory of the function, in MB: 128 to 10240. Its share of a processor grows with it.
    #[schemars(range(min = 128, max = 10240))]
    pub memory: u32,
    /// How long a verification may take, in seconds: 1 to 900.
    #[schemars(range(min = 1, max = 900))]
    pub timeout: u32,
    /// How many executions of the account's are kept for the function, which are also all that it can have; 1 is enough.
    /// Without it, none are. Lambda refuses this in an account in which fewer than 100 executions would be left for all
    /// other functions, which is so in new ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 900))]
    pub reserved_concurrency: Option<u32>,
    /// How long logs are kept, in days: one of [`aws::resources::RETENTION_DAYS`]. The default is the reference's seven
    /// years.
    #[schemars(with = "RetentionDays")]
    pub log_retention_in_days: u32,
    /// Copies by AWS Backup, beside those that Aurora makes.
    pub vault: Vault,
    /// Whether log groups, and the logs in them, stay when the stack is destroyed.
    #[serde(skip)]
    pub keep_logs: bool,
    /// The KMS key that encrypts log groups, such as that of the logs tier; a key of CloudWatch Logs where it is not given.
    #[serde(skip)]
    pub log_key: Option<Input<KeyArn>>,
    /// Tags for everything that can have tags; `Name` is added.
    #[serde(skip)]
    pub tags: BTreeMap<String, String>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            environment: "dev".to_owned(),
            schedule_expression: "cron(0 6 * * ? *)".to_owned(),
            time_zone: "UTC".to_owned(),
            min_retention_days: 7,
            max_snapshot_age_hours: 26,
            max_restore_lag_minutes: 15,
            memory: 256,
            timeout: 300,
            reserved_concurrency: None,
            log_retention_in_days: 2557,
            vault: Vault::default(),
            keep_logs: false,
            log_key: None,
            tags: BTreeMap::new(),
        }
    }
}

/// Copies by AWS Backup: a vault, a daily plan, and the database in it. It is for what Aurora's own backups cannot be:
/// kept for more than 35 days, and kept when the cluster is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vault {
    /// Whether there is a vault. One with copies in it cannot be deleted: they must be deleted first, or expire.
    pub enabled: bool,
    /// Whether AWS Backup's service opt-in for Aurora is turned on where it is off, without which copies may not be made. It is
    /// a setting of the whole account in the region: all its backup plans then back up Aurora clusters that they select by tag.
    /// `destroy` leaves it on.
    pub opt_in: bool,
    /// When a copy is made: `cron(minutes hours * * ? *)`, at least once a day, in the tier's time zone. AWS begins
    /// within an hour of it.
    pub schedule_expression: String,
    /// For how many days a copy is kept: 1 to 36500.
    #[schemars(range(min = 1, max = 36500))]
    pub retention_days: u32,
    /// For how many days nobody can delete a copy, unless allowed to take the vault's lock away (governance mode): 1 to
    /// `retention_days`. Without it, the vault has no lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 36500))]
    pub lock_days: Option<u32>,
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            enabled: false,
            opt_in: false,
            schedule_expression: "cron(0 5 * * ? *)".to_owned(),
            retention_days: 90,
            lock_days: None,
        }
    }
}

impl Args {
    /// What can be said to be wrong before any call.
    pub(crate) fn check(&self) -> Result<(), DeclareError> {
        schedule::check(&self.schedule_expression).map_err(|reason| {
            DeclareError::argument(
                "schedule_expression",
                reason,
                "write it like cron(0 6 * * ? *), every day at six",
            )
        })?;
        if !time_zone::exists(&self.time_zone) {
            let reason = format!("`{}` is not the name of a time zone", self.time_zone);
            let hint = match time_zone::meant(&self.time_zone) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "use UTC, or a name of the IANA database with area and place, such as Asia/Singapore"
                    .to_owned(),
            };
            return Err(DeclareError::argument("time_zone", reason, hint));
        }
        // RDS API Reference, CreateDBCluster: 35 days.
        DeclareError::within("min_retention_days", self.min_retention_days, 1..=35, "")?;
        DeclareError::within("max_snapshot_age_hours", self.max_snapshot_age_hours, 24..=168, "")?;
        DeclareError::within("max_restore_lag_minutes", self.max_restore_lag_minutes, 5..=1440, "")?;
        // Lambda Developer Guide, "Lambda quotas".
        DeclareError::within("memory", self.memory, 128..=10_240, "")?;
        DeclareError::within("timeout", self.timeout, 1..=900, "")?;
        if let Some(reserved) = self.reserved_concurrency {
            DeclareError::within("reserved_concurrency", reserved, 1..=900, "")?;
        }
        self.vault.check()
    }

    pub(crate) fn retention(&self) -> Result<RetentionDays, DeclareError> {
        RetentionDays::argument("log_retention_in_days", self.log_retention_in_days)
    }
}

impl Vault {
    fn check(&self) -> Result<(), DeclareError> {
        schedule::check_cron(&self.schedule_expression).map_err(|reason| {
            let hint = "write it like cron(0 5 * * ? *), every day at five";
            DeclareError::argument("vault.schedule_expression", reason, hint)
        })?;
        // AWS Backup API Reference, Lifecycle and PutBackupVaultLockConfiguration: a hundred years.
        DeclareError::within("vault.retention_days", self.retention_days, 1..=36_500, "")?;
        match self.lock_days {
            // A job whose copies would be kept for less than that fails.
            Some(days) => DeclareError::within("vault.lock_days", days, 1..=self.retention_days, ""),
            None => Ok(()),
        }
    }
}
