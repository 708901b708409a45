//! A cluster or an instance that does not work and will not before somebody does something: what everybody who looks is told of it, and
//! which plans cannot be carried out meanwhile.
//!
//! A cluster that somebody has stopped is not started by this program. To stop one overnight saves money, and a run that changes something
//! else must neither fail nor end that; where it was stopped by mistake, whoever is told so starts it with one command. While it is
//! stopped, RDS changes nothing of it but tags, and after seven days it starts it by itself (Aurora User Guide, "Stopping and starting an
//! Amazon Aurora DB cluster").
//!
//! Other states of this kind may be what a run repairs, such as a key that somebody has disabled. They are told, and no plan is refused.

use aws_sdk_rds::primitives::{DateTime, DateTimeFormat};
use aws_sdk_rds::types::DbCluster;
use engine::{Foreseen, Going, Resolved, Resource as _, Wish};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::status::{lasting, start_command};
use super::{DatabaseUser, Instance};

const STOPPED: &str = "stopped";
const STOPPING: &str = "stopping";
/// For how long a cluster can be stopped.
const LONGEST_SECONDS: i64 = 7 * 24 * 60 * 60;

/// What is the matter with a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Outage {
    /// The cluster.
    #[serde(rename = "DBClusterIdentifier")]
    pub identifier: String,
    /// The state that lasts.
    pub status: String,
    /// Since when it has been stopped, where RDS says when it will start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_since: Option<String>,
    /// When RDS will start it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic_restart_time: Option<String>,
}

impl Outage {
    pub(super) fn of(live: &DbCluster) -> Option<Self> {
        let status = live.status()?;
        let text = |seconds: i64| DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime).ok();
        let restart = live.automatic_restart_time().map(DateTime::secs);
        let is_stopped = [STOPPED, STOPPING].contains(&status);
        (is_stopped || lasting(status).is_some()).then(|| Self {
            identifier: live.db_cluster_identifier().unwrap_or_default().to_owned(),
            status: status.to_owned(),
            stopped_since: restart.and_then(|seconds| text(seconds - LONGEST_SECONDS)),
            automatic_restart_time: restart.and_then(text),
        })
    }

    /// What is said where somebody looks.
    pub(super) fn words(&self) -> String {
        let start = start_command(&self.identifier);
        match (self.status.as_str(), &self.stopped_since, &self.automatic_restart_time) {
            (STOPPING, ..) => {
                format!(
                    "is being stopped, with all its instances. Once it is stopped, {start} starts it again"
                )
            }
            (STOPPED, Some(since), Some(until)) => format!(
                "has been stopped since {since}, with all its instances: nothing can use the database, and no backups are made. RDS \
                 starts it by itself on {until}; {start} starts it now"
            ),
            (STOPPED, ..) => format!(
                "is stopped, with all its instances: nothing can use the database, and no backups are made. RDS starts it by itself seven \
                 days after it was stopped; {start} starts it now"
            ),
            (status, ..) => does_not_work(status),
        }
    }

    /// Why a plan is refused that changes something of the cluster; `None` where it may succeed.
    fn refusal(&self) -> Option<Foreseen> {
        let identifier = &self.identifier;
        let (is, first) = match self.status.as_str() {
            STOPPED => ("stopped", ""),
            STOPPING => ("being stopped", "once it is stopped, "),
            _ => return None,
        };
        Some(Foreseen::refusal(
            format!("the cluster {identifier} is {is}, and RDS changes nothing of it before it runs"),
            format!(
                "{first}start it with {}, wait until it is available, which takes about ten minutes, and run again",
                start_command(identifier)
            ),
        ))
    }
}

/// What is said of a state that lasts.
pub(super) fn does_not_work(status: &str) -> String {
    format!("does not work: {}", lasting(status).unwrap_or_else(|| format!("its status is {status}")))
}

/// Refuses a change of a cluster that is stopped, and that an instance of it or a user in it goes.
pub(super) fn foresee_cluster(wish: &Wish<'_>) -> Option<Foreseen> {
    let outage: Outage = Outage::deserialize(wish.there?.live.get("Outage")?).ok()?;
    let quiet = ["AllowMajorVersionUpgrade", "DeletionPolicy", "LogGroupNames", "Tags"];
    let part_goes = |going: &Going| {
        going.kind == Instance::<Resolved>::KIND
            || going.kind == DatabaseUser::<Resolved>::KIND
                && going.properties[aws::DeletionPolicy::PROPERTY] != aws::DeletionPolicy::RETAIN
    };
    let changes = wish.changes_beside(&quiet) || wish.going.iter().any(part_goes);
    changes.then(|| outage.refusal()).flatten()
}

/// Whether something is to happen to a part of a cluster for which the cluster must run: it is made, or changed in more than `quiet`.
pub(super) fn needs_cluster(wish: &Wish<'_>, quiet: &[&str]) -> bool {
    wish.there.is_none() || wish.changes_beside(quiet)
}

/// Refuses to make or change a part of a cluster that is stopped.
pub(super) fn foresee_part(cluster: Option<&DbCluster>) -> Foreseen {
    cluster.and_then(Outage::of).and_then(|outage| outage.refusal()).unwrap_or_default()
}

/// The remark about an [`Outage`] that was read.
pub(super) fn remark(live: &Value) -> Option<String> {
    Outage::deserialize(live).ok().map(|outage| outage.words())
}
