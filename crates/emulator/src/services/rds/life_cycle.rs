//! What time does: objects become ready and go, changes wait for their window, backups are made.

use super::cluster::{Cluster, Member};
use super::instance::Instance;
use super::kind::Table;
use super::outside;
use super::snapshot::{self, Made};
use super::stopping;
use super::windows::Window;
use super::{FIRST_BACKUP, State};
use crate::services::{Cx, Next};

/// What stands for the state of an object that is no more.
pub(super) const GONE: &str = "gone";

/// The state of what gets another version.
const UPGRADING: &str = "upgrading";
/// The state of an instance that is restarted.
pub(super) const REBOOTING: &str = "rebooting";

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Lets everything happen that is due, instances first: a cluster goes after them.
pub(super) fn settle(cx: &mut Cx<'_>) {
    settle_instances(cx);
    settle_clusters(cx);
    for snapshot in cx.r.rds.snapshots.values_mut() {
        if Next::due(&mut snapshot.next, cx.now_millis).is_some() {
            snapshot.is_complete();
        }
    }
    settle_subscriptions(cx);
}

fn settle_subscriptions(cx: &mut Cx<'_>) {
    let now_millis = cx.now_millis;
    cx.r.rds.event_subscriptions.retain(|_, subscription| {
        match Next::due(&mut subscription.next, now_millis) {
            Some(next) if next.state == GONE => return false,
            Some(next) => subscription.becomes(next.state),
            None => {}
        }
        true
    });
}

fn settle_instances(cx: &mut Cx<'_>) {
    let now_millis = cx.now_millis;
    let mut due = Vec::new();
    for instance in cx.r.rds.instances.values_mut() {
        if let Some(begun) = Next::due(&mut instance.begins, now_millis) {
            instance.status = begun.state;
        }
        if instance.pending_millis.take_if(|at_millis| *at_millis <= now_millis).is_some() {
            let pending = std::mem::take(&mut instance.pending_modified_values);
            instance.apply(pending);
        }
        due.extend(Next::due(&mut instance.next, now_millis).map(|next| (instance.id.clone(), next.state)));
    }
    for (id, state) in due {
        match state.as_str() {
            GONE => remove_instance(&mut cx.r.rds, &id),
            stopping::STOPPED => {
                let stopped = cx.r.rds.instances.get_mut(&id);
                stopped.into_iter().for_each(|instance| instance.status = state.clone());
            }
            _ => {
                let restarts = |status: &str| [REBOOTING, stopping::STARTING].contains(&status);
                if cx.r.rds.instances.get(&id).is_some_and(|instance| restarts(&instance.status)) {
                    restarted(&mut cx.r.rds, &id);
                }
                instance_is_available(cx, &id);
            }
        }
    }
}

fn settle_clusters(cx: &mut Cx<'_>) {
    let ids: Vec<String> = cx.r.rds.clusters.keys().cloned().collect();
    for id in ids {
        let Some(mut cluster) = cx.r.rds.clusters.remove(&id) else { continue };
        let due = settle_cluster(cx, &mut cluster);
        cx.r.rds.clusters.insert(id.clone(), cluster);
        match due {
            Due::Nothing => take_automated_snapshots(cx, &id),
            Due::Gone => remove_cluster(cx, &id),
            Due::Start { at_millis } => stopping::starts(cx, &id, at_millis, "by itself"),
        }
    }
}

/// What has become of a cluster that others know.
enum Due {
    Nothing,
    Gone,
    /// It starts by itself.
    Start {
        at_millis: i64,
    },
}

fn settle_cluster(cx: &mut Cx<'_>, cluster: &mut Cluster) -> Due {
    let now_millis = cx.now_millis;
    if let Some(begun) = Next::due(&mut cluster.begins, now_millis) {
        cluster.status = begun.state;
        if cluster.status == UPGRADING {
            let of_cluster = |instance: &&mut Instance| instance.cluster == cluster.id;
            let instances = cx.r.rds.instances.values_mut().filter(of_cluster);
            instances
                .filter(|instance| instance.status == "available")
                .for_each(|instance| instance.status = UPGRADING.to_owned());
        }
    }
    if cluster.pending_millis.take_if(|at_millis| *at_millis <= now_millis).is_some() {
        let pending = std::mem::take(&mut cluster.pending_modified_values);
        cluster.apply(pending);
        upgrade_instances(&mut cx.r.rds.instances, cluster);
    }
    let secret_next = Next::due(&mut cluster.secret_next, now_millis);
    if let (Some(next), Some(secret)) = (secret_next, &mut cluster.master_user_secret) {
        secret.secret_status = next.state;
    }
    let Some(Next { state, at_millis }) = Next::due(&mut cluster.next, now_millis) else {
        return Due::Nothing;
    };
    match state.as_str() {
        GONE => return Due::Gone,
        stopping::STARTING => return Due::Start { at_millis },
        stopping::STOPPED => stopping::is_stopped(cluster, at_millis),
        _ => cluster_is_available(cx, cluster, at_millis),
    }
    Due::Nothing
}

/// The cluster can be used since a moment.
pub(super) fn cluster_is_available(cx: &Cx<'_>, cluster: &mut Cluster, since_millis: i64) {
    cluster.status = "available".to_owned();
    stopping::is_started(cluster, since_millis);
    if cluster.available_millis.is_none() {
        cluster.available_millis = Some(since_millis);
        let about = format!("{} first backup", cluster.db_cluster_resource_id);
        let takes = cx.after(FIRST_BACKUP, &about).map_or(0, |at_millis| at_millis - cx.now_millis);
        cluster.backup_millis = Some(since_millis + takes);
    }
}

/// The instance can be used, and publishes its logs.
pub(super) fn instance_is_available(cx: &mut Cx<'_>, id: &str) {
    let Some(instance) = cx.r.rds.instances.get_mut(id) else { return };
    instance.status = "available".to_owned();
    let cluster = instance.cluster.clone();
    publish_logs(cx, &cluster);
}

/// Makes the log groups of a cluster that has an instance to publish from.
pub(super) fn publish_logs(cx: &mut Cx<'_>, cluster: &str) {
    let runs = |instance: &Instance| instance.cluster == cluster && instance.status == "available";
    if !cx.r.rds.instances.values().any(runs) {
        return;
    }
    let Some(found) = cx.r.rds.clusters.get(cluster) else { return };
    let log_types = found.enabled_cloudwatch_logs_exports.clone();
    outside::ensure_log_groups(cx, cluster, &log_types);
}

/// Makes another instance the writer, where this one is: the one of the lowest tier (Aurora User Guide, "Fault tolerance
/// for an Aurora DB cluster"), one that runs before one that does not.
pub(super) fn fail_over(state: &mut State, cluster: &str, from: &str) {
    let State { clusters, instances, .. } = state;
    let Some(cluster) = clusters.get_mut(cluster) else { return };
    let writes = cluster.members.iter().any(|member| member.id == from && member.is_cluster_writer);
    let is = |id: &str, status: &str| instances.get(id).is_some_and(|instance| instance.status == status);
    let others = cluster.members.iter().filter(|member| member.id != from && !is(&member.id, "deleting"));
    let next = others
        .min_by_key(|member| (!is(&member.id, "available"), member.promotion_tier, &member.id))
        .map(|member| member.id.clone());
    if let (true, Some(next)) = (writes, next) {
        for member in &mut cluster.members {
            member.is_cluster_writer = member.id == next;
        }
    }
}

/// Instances have the version of their cluster. Once that has another one, they run again, and those with AWS's own parameter
/// group have that of the new version (Aurora User Guide, "Performing a major version upgrade").
pub(super) fn upgrade_instances(instances: &mut Table<Instance>, cluster: &Cluster) {
    if cluster.pending_modified_values.engine_version.is_some() {
        return;
    }
    for instance in instances.values_mut().filter(|instance| instance.cluster == cluster.id) {
        if instance.status == UPGRADING {
            instance.status = "available".to_owned();
        }
        instance.follow_version(&cluster.version().family());
    }
}

/// An instance that was restarted has the parameters of its groups.
pub(super) fn restarted(state: &mut State, id: &str) {
    let Some(instance) = state.instances.get_mut(id) else { return };
    instance.restarted();
    if let Some(cluster) = state.clusters.get_mut(&instance.cluster) {
        let members = cluster.members.iter_mut().filter(|member| member.id == id);
        members.for_each(Member::restarted);
    }
}

pub(super) fn remove_instance(state: &mut State, id: &str) {
    let Some(instance) = state.instances.remove(id) else { return };
    if let Some(cluster) = state.clusters.get_mut(&instance.cluster) {
        cluster.members.retain(|member| member.id != id);
    }
}

/// A cluster takes its automated snapshots and its managed secret with it (RDS API Reference, DeleteDBCluster;
/// Aurora User Guide, "Password management with Amazon Aurora and AWS Secrets Manager").
pub(super) fn remove_cluster(cx: &mut Cx<'_>, id: &str) {
    let Some(cluster) = cx.r.rds.clusters.remove(id) else { return };
    cx.r.rds.snapshots.retain(|_, snapshot| !(snapshot.is_automated() && snapshot.cluster == id));
    if let Some(secret) = cluster.master_user_secret {
        cx.r.secretsmanager.delete_managed(&secret.secret_arn);
    }
}

/// Makes the automated snapshots that are due, one each day at the beginning of the backup window, and drops those that
/// are older than the retention period (Aurora User Guide, "Backups").
pub(super) fn take_automated_snapshots(cx: &mut Cx<'_>, id: &str) {
    let runs = |cluster: &&Cluster| cluster.status != "deleting" && cluster.stopped_millis.is_none();
    let Some(cluster) = cx.r.rds.clusters.get(id).filter(runs) else {
        return;
    };
    let due = cluster.backup_millis.filter(|at_millis| *at_millis <= cx.now_millis);
    let (Some(first), Ok(window)) = (due, Window::backup(&cluster.preferred_backup_window)) else {
        return;
    };
    let cluster = cluster.clone();
    let oldest_millis = cx.now_millis - cluster.backup_retention_period * DAY_MILLIS;
    let mut next = first;
    while next <= cx.now_millis {
        // After a long pause only those are made that would still be there.
        if next >= oldest_millis {
            let name = snapshot::automated_name(id, next);
            snapshot::make(cx, &cluster, name, Made::Automatically { at_millis: next }, None);
        }
        next = window.next_after(next.max(oldest_millis - DAY_MILLIS));
    }
    if let Some(cluster) = cx.r.rds.clusters.get_mut(id) {
        cluster.backup_millis = Some(next);
    }
    let is_old = |seconds: f64| seconds * 1000.0 < oldest_millis as f64;
    cx.r.rds.snapshots.retain(|_, snapshot| {
        !(snapshot.is_automated() && snapshot.cluster == id && is_old(snapshot.snapshot_create_time))
    });
}
