//! What the tier can be told, and what it needs to know.

use std::collections::BTreeMap;

use aws::resources::RetentionDays;
use aws::{KeyArn, Place, SecurityGroupId, SubnetId, VpcId};
use engine::{DeclareError, Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Recorded;
use crate::names;
use crate::resources::{ServerlessScaling, Version};

/// What `pgaudit.log` takes (an answer of DescribeDBClusterParameters).
const AUDIT_CLASSES: [&str; 14] = [
    "ddl",
    "function",
    "misc",
    "read",
    "role",
    "write",
    "none",
    "all",
    "-ddl",
    "-function",
    "-misc",
    "-read",
    "-role",
    "-write",
];

/// What the tier can be told; a configuration file can say all of it but the environment and the tags, which all tiers
/// share. The default is the reference database, and everything has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The environment, part of every name.
    #[serde(skip)]
    pub environment: String,
    /// The cluster's name: `payment-aurora-ENVIRONMENT` where it is not given. A cluster cannot be renamed: one that was made with
    /// another name, such as `payment-cluster-ENVIRONMENT`, must be named here, or the plan to replace it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// The version of Aurora PostgreSQL: `17` for the newest minor version when the cluster is created and any later on, or
    /// `17.7` for that one or a newer one. AWS upgrades minor versions itself in the maintenance window. A higher version
    /// upgrades the cluster, which restarts its instances; there is no way back to a lower one.
    #[schemars(regex(pattern = r"^[0-9]{1,3}([.][0-9]{1,3})?$"))]
    pub engine_version: String,
    /// Whether a higher major version of `engine_version` upgrades the cluster. That is downtime, and cannot be undone.
    pub allow_major_version_upgrade: bool,
    /// The database that is made with the cluster.
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"))]
    pub database_name: String,
    /// The master user. `admin`, `postgres` and the like are the first that an attacker tries (Security Hub RDS.24).
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"))]
    pub master_username: String,
    /// The user that the application logs in as, with IAM and without a password.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]{0,62}$"))]
    pub application_user: String,
    /// Whether that user may make tables in the schema `public`. Otherwise somebody else makes them and grants it what it needs.
    pub application_creates_tables: bool,
    /// Whether the cluster has the RDS Data API, by which the stack makes the application's user. Without it, make that user by hand.
    pub data_api: bool,
    /// Which statements pgaudit writes to the log: classes of `pgaudit.log`.
    #[schemars(inner(regex(pattern = r"^(-?(ddl|function|misc|read|role|write)|all|none)$")))]
    pub pgaudit_log: Vec<String>,
    /// How small and how large instances become.
    pub capacity: Capacity,
    /// How many instances there are, 1 to 15: one that writes, the others to read and to stand in. With one, the failure
    /// of its zone takes the database away for minutes.
    #[schemars(range(min = 1, max = 15))]
    pub instances: usize,
    /// For how many days one can go back to any second: 1 to 35.
    #[schemars(range(min = 1, max = 35))]
    pub backup_retention_in_days: u32,
    /// When the daily snapshot is taken, in UTC.
    #[schemars(regex(pattern = r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"))]
    pub backup_window: String,
    /// When AWS may change something, in UTC.
    #[schemars(regex(pattern = r"^[a-z]{3}:[0-2][0-9]:[0-5][0-9]-[a-z]{3}:[0-2][0-9]:[0-5][0-9]$"))]
    pub maintenance_window: String,
    /// How long PostgreSQL's logs are kept, in days: one of the periods that CloudWatch Logs knows. The default is the
    /// reference's seven years.
    #[schemars(with = "RetentionDays")]
    pub log_retention_in_days: u32,
    /// Whether nobody can delete the cluster, neither with this program nor with the console.
    pub deletion_protection: bool,
    /// Whether a last snapshot is taken when the cluster is deleted. It stays, and costs, until somebody deletes it.
    pub final_snapshot: bool,
    /// Clusters, by name, that may be deleted or replaced without a last snapshot. No other is, whatever it was called before.
    pub allow_data_loss: Vec<String>,
    /// `standard` or `advanced`: Performance Insights for 7 days, or for 15 months at extra cost.
    #[schemars(extend("enum" = ["standard", "advanced"]))]
    pub insights: String,
    /// How often the operating system is measured, in seconds: 0 (never), 1, 5, 10, 15, 30 or 60.
    #[schemars(extend("enum" = [0, 1, 5, 10, 15, 30, 60]))]
    pub monitoring_interval: u32,
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
            cluster_name: None,
            engine_version: "17.7".to_owned(),
            allow_major_version_upgrade: false,
            database_name: "payments".to_owned(),
            master_username: "payments_owner".to_owned(),
            application_user: "payments_app".to_owned(),
            application_creates_tables: true,
            data_api: true,
            pgaudit_log: ["ddl", "role"].map(str::to_owned).to_vec(),
            capacity: Capacity::default(),
            instances: 2,
            backup_retention_in_days: 7,
            backup_window: "03:00-04:00".to_owned(),
            maintenance_window: "sun:04:00-sun:05:00".to_owned(),
            log_retention_in_days: 2557,
            deletion_protection: false,
            final_snapshot: false,
            allow_data_loss: Vec::new(),
            insights: "standard".to_owned(),
            monitoring_interval: 60,
            keep_logs: false,
            log_key: None,
            tags: BTreeMap::new(),
        }
    }
}

/// How small and how large instances become, in Aurora capacity units of about 2 GiB of memory, in halves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Capacity {
    /// 0 to 256. With 0 the cluster pauses when nobody is connected, and takes about 15 seconds to wake. A pool of
    /// connections keeps it awake.
    #[schemars(range(min = 0.0, max = 256.0), extend("multipleOf" = 0.5))]
    pub min: f64,
    /// 1 to 256.
    #[schemars(range(min = 1.0, max = 256.0), extend("multipleOf" = 0.5))]
    pub max: f64,
    /// After how long without a connection it pauses, in seconds: 300 to 86400. Only with a minimum of 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 300, max = 86400))]
    pub pause_after_seconds: Option<u32>,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { min: 0.5, max: 2.0, pause_after_seconds: None }
    }
}

/// What the tier needs to know: other tiers' outputs, or literals.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The VPC that its security group is in.
    pub vpc_id: Input<VpcId>,
    /// Where its instances are: subnets in at least two zones.
    pub subnet_ids: Vec<Input<SubnetId>>,
    /// The zones of those subnets, in the same order.
    pub availability_zones: Vec<Input<String>>,
    /// What the state knows of the instances: [`Recorded::of`](crate::Recorded::of). One whose zone stays, stays.
    pub recorded: Recorded,
    /// Who may talk to it. Others can be let in by a rule in its group.
    pub client_security_group_ids: Vec<Input<SecurityGroupId>>,
}

impl Args {
    /// What can be said to be wrong before any call.
    pub(crate) fn check(&self, zones: usize) -> Result<(), DeclareError> {
        names::check(self)?;
        self.version()?;
        self.check_audit()?;
        self.check_data_api()?;
        self.capacity.check()?;
        if !(1..=15).contains(&self.instances) {
            let reason = format!("a cluster cannot have {} instances", self.instances);
            return Err(DeclareError::argument(
                "instances",
                reason,
                "use 1 to 15: one that writes, the others read and stand in",
            ));
        }
        if zones < 2 {
            let reason = format!("a cluster needs subnets in two zones, and there is {zones}");
            return Err(DeclareError::argument(
                "subnet_ids",
                reason,
                "give it a subnet in each of two or three zones",
            ));
        }
        if !(1..=35).contains(&self.backup_retention_in_days) {
            let reason = format!("Aurora cannot keep backups for {} days", self.backup_retention_in_days);
            return Err(DeclareError::argument("backup_retention_in_days", reason, "use 1 to 35 days"));
        }
        if !matches!(self.insights.as_str(), "standard" | "advanced") {
            let reason = format!("there is no mode `{}`", self.insights);
            return Err(DeclareError::argument("insights", reason, "use standard or advanced"));
        }
        if !matches!(self.monitoring_interval, 0 | 1 | 5 | 10 | 15 | 30 | 60) {
            let reason = format!("RDS cannot measure every {} seconds", self.monitoring_interval);
            return Err(DeclareError::argument(
                "monitoring_interval",
                reason,
                "use 0 (never), 1, 5, 10, 15, 30 or 60",
            ));
        }
        let backup = daily(&self.backup_window).ok_or_else(|| {
            let reason = format!("`{}` is not a time of day", self.backup_window);
            DeclareError::argument(
                "backup_window",
                reason,
                "write two times in UTC, at least 30 minutes apart, such as 03:00-04:00",
            )
        })?;
        let maintenance = weekly(&self.maintenance_window).ok_or_else(|| {
            let reason = format!("`{}` is not a time of the week", self.maintenance_window);
            let hint = "write two times in UTC, at least 30 minutes apart, such as sun:04:00-sun:05:00";
            DeclareError::argument("maintenance_window", reason, hint)
        })?;
        if overlap(backup, maintenance) {
            let reason = format!("it overlaps the backup window {}", self.backup_window);
            return Err(DeclareError::argument("maintenance_window", reason, "RDS needs them apart"));
        }
        Ok(())
    }

    /// PostgreSQL's auditing, as `pgaudit.log` has it: classes of statements, each of them or all but it.
    fn check_audit(&self) -> Result<(), DeclareError> {
        let classes = &self.pgaudit_log;
        let refused = |reason: String| {
            let hint = "use ddl, function, misc, read, role, write, each also with `-` before it, all, or none alone";
            Err(DeclareError::argument("pgaudit_log", reason, hint))
        };
        if let Some(unknown) = classes.iter().find(|class| !AUDIT_CLASSES.contains(&class.as_str())) {
            return refused(format!("pgaudit has no class `{unknown}`"));
        }
        if let Some(twice) = classes.iter().enumerate().find(|(at, class)| classes[..*at].contains(class)) {
            return refused(format!("`{}` is there twice", twice.1));
        }
        match classes.len() {
            0 => refused("no class is named".to_owned()),
            1 => Ok(()),
            _ if classes.iter().any(|class| class == "none") => {
                refused("`none` is there beside other classes".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Aurora User Guide, "Supported Regions and Aurora DB engines for RDS Data API".
    fn check_data_api(&self) -> Result<(), DeclareError> {
        const SINCE: [(u32, u32); 4] = [(15, 3), (16, 1), (17, 4), (18, 3)];
        let mut parts = self.engine_version.split('.').map(|part| part.parse::<u32>().ok());
        let (Some(Some(major)), Some(Some(minor))) = (parts.next(), parts.next()) else { return Ok(()) };
        match SINCE.iter().find(|(with, _)| *with == major) {
            Some((_, since)) if self.data_api && minor < *since => {
                let reason =
                    format!("{} has no Data API: Aurora has it since {major}.{since}", self.engine_version);
                let hint = "choose a newer engine_version, or set data_api = false and make the application's user by hand";
                Err(DeclareError::argument("data_api", reason, hint))
            }
            _ => Ok(()),
        }
    }

    /// Which versions there are, AWS is asked; but none before 13 has instances of `db.serverless` (Aurora User Guide,
    /// "Supported Regions and Aurora DB engines for Aurora Serverless v2").
    pub(crate) fn version(&self) -> Result<Version, DeclareError> {
        let refused = |reason: String| {
            let hint = "use a major version such as 17, or one with its minor version such as 17.7";
            DeclareError::argument("engine_version", reason, hint)
        };
        let text = &self.engine_version;
        let version = Version::parse(text)
            .ok_or_else(|| refused(format!("`{text}` is not a version of Aurora PostgreSQL")))?;
        match version.major {
            ..13 => Err(refused(format!("Aurora PostgreSQL {text} has no Serverless v2, which 13 brought"))),
            _ => Ok(version),
        }
    }

    pub(crate) fn retention(&self) -> Result<RetentionDays, DeclareError> {
        RetentionDays::argument("log_retention_in_days", self.log_retention_in_days)
    }
}

impl Capacity {
    fn check(&self) -> Result<(), DeclareError> {
        let halves = |units: f64| (units * 2.0).fract() == 0.0;
        if !((0.0..=256.0).contains(&self.min) && halves(self.min)) {
            let reason = format!("{} is no capacity", self.min);
            return Err(DeclareError::argument("capacity.min", reason, "use 0 to 256 in steps of 0.5"));
        }
        if !((1.0..=256.0).contains(&self.max) && halves(self.max) && self.max >= self.min) {
            let reason = format!("{} is no largest capacity beside a smallest of {}", self.max, self.min);
            return Err(DeclareError::argument(
                "capacity.max",
                reason,
                "use 1 to 256 in steps of 0.5, and not below capacity.min",
            ));
        }
        match self.pause_after_seconds {
            Some(_) if self.min > 0.0 => {
                let reason = format!("a cluster with a smallest capacity of {} never pauses", self.min);
                Err(DeclareError::argument(
                    "capacity.pause_after_seconds",
                    reason,
                    "leave it out, or set capacity.min to 0",
                ))
            }
            Some(seconds) if !(300..=86_400).contains(&seconds) => {
                let reason = format!("Aurora cannot pause after {seconds} seconds");
                Err(DeclareError::argument("capacity.pause_after_seconds", reason, "use 300 to 86400"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn scaling(&self) -> ServerlessScaling {
        ServerlessScaling {
            min_capacity: self.min,
            max_capacity: self.max,
            seconds_until_auto_pause: (self.min == 0.0).then_some(self.pause_after_seconds.unwrap_or(300)),
        }
    }
}

const DAY: u32 = 24 * 60;

/// The minute of the day of `03:00`.
fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| (part.len() == 2).then(|| part.parse::<u32>().ok()).flatten();
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// First minute and length of a window that is `within` minutes around, if it is at least half an hour.
fn window(start: u32, end: u32, within: u32) -> Option<(u32, u32)> {
    let length = (end + within - start) % within;
    (length >= 30).then_some((start, length))
}

fn daily(text: &str) -> Option<(u32, u32)> {
    let (start, end) = text.split_once('-')?;
    window(minute(start)?, minute(end)?, DAY)
}

fn weekly(text: &str) -> Option<(u32, u32)> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let at = |text: &str| {
        let (day, time) = text.split_once(':')?;
        let day = DAYS.iter().position(|name| *name == day)?;
        Some(u32::try_from(day).ok()? * DAY + minute(time)?)
    };
    let (start, end) = text.split_once('-')?;
    window(at(start)?, at(end)?, 7 * DAY)
}

/// Whether a daily window and a weekly one have a minute in common.
fn overlap((daily, daily_length): (u32, u32), (weekly, weekly_length): (u32, u32)) -> bool {
    let week = 7 * DAY;
    (0..7).any(|day| {
        let start = day * DAY + daily;
        let from_weekly = (start + week - weekly) % week;
        let from_daily = (weekly + week - start) % week;
        from_weekly < weekly_length || from_daily < daily_length
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_and_compared_around_midnight_and_the_end_of_the_week() {
        assert_eq!(daily("03:00-04:00"), Some((180, 60)));
        assert_eq!(daily("23:45-00:30"), Some((1425, 45)));
        for broken in ["3:00-04:00", "03:00-03:20", "24:00-25:00", "03:00", ""] {
            assert_eq!(daily(broken), None, "{broken}");
        }
        let sunday = weekly("sun:04:00-sun:05:00").unwrap();
        assert!(!overlap(daily("03:00-04:00").unwrap(), sunday));
        assert!(overlap(daily("03:00-04:01").unwrap(), sunday));
        assert!(overlap(daily("23:45-00:30").unwrap(), weekly("mon:00:00-mon:00:30").unwrap()));
        assert_eq!(weekly("son:04:00-son:05:00"), None);
    }
}
