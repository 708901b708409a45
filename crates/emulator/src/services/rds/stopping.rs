//! Stopping and starting clusters (Aurora User Guide, "Stopping and starting an Amazon Aurora DB cluster").
//!
//! A cluster stops with all its instances, and what was pending for them is gone. While it is stopped, nothing of it can be changed,
//! no instance comes or goes, and no backup is made. After seven days it starts by itself. Its instances alone can be neither stopped
//! nor started (hashicorp/terraform-provider-aws#41929). A cluster that stopped because its key could not be used is started like
//! any other once the key can be used again.

use serde_json::json;

use super::cluster::{Cluster, busy};
use super::kind::{combination, find};
use super::life_cycle;
use super::windows::Window;
use super::{START, STOP, State, outside, status};
use crate::services::{Answer, Call, Cx, Next};

pub(super) const STOPPED: &str = "stopped";
pub(super) const STARTING: &str = "starting";
const STOPPING: &str = "stopping";

const WEEK_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// StopDBCluster.
pub(super) fn stop(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id: String = call.member("DBClusterIdentifier")?;
    let cluster = find(&cx.r.rds.clusters, &id)?;
    cluster.check_available()?;
    for member in &cluster.members {
        find(&cx.r.rds.instances, &member.id)?.check_available()?;
    }

    // Everything is checked; from here on things change.
    let id = cluster.id.clone();
    let over = cx.after(STOP, &format!("{} stopped {}", cluster.db_cluster_resource_id, call.sequence));
    let now_millis = cx.now_millis;
    let state = &mut cx.r.rds;
    for instance in state.instances.values_mut().filter(|instance| instance.cluster == id) {
        instance.pending_modified_values = Default::default();
        instance.pending_millis = None;
    }
    if let Some(cluster) = state.clusters.get_mut(&id) {
        cluster.pending_modified_values = Default::default();
        (cluster.pending_millis, cluster.pending_group) = (None, None);
        cluster.stopped_millis = Some(now_millis);
    }
    put(state, &id, STOPPING, over.map(|at_millis| (STOPPED, at_millis)));
    if over.is_none() {
        put(state, &id, STOPPED, None);
        state.clusters.get_mut(&id).into_iter().for_each(|cluster| is_stopped(cluster, now_millis));
    }
    let state = &cx.r.rds;
    Ok(json!({"DBCluster": find(&state.clusters, &id)?.show(state, now_millis)}))
}

/// StartDBCluster.
pub(super) fn start(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id: String = call.member("DBClusterIdentifier")?;
    let cluster = find(&cx.r.rds.clusters, &id)?;
    if ![STOPPED, status::WITHOUT_KEY].contains(&cluster.status.as_str()) {
        return Err(busy(format!("DBCluster {} is in {} state.", cluster.id, cluster.status)));
    }
    if let Some(key) = &cluster.kms_key_id {
        outside::key_arn(cx, key)?;
    }

    // Everything is checked; from here on things change.
    let id = cluster.id.clone();
    let (about, now_millis) = (call.sequence.to_string(), cx.now_millis);
    starts(cx, &id, now_millis, &about);
    let state = &cx.r.rds;
    Ok(json!({"DBCluster": find(&state.clusters, &id)?.show(state, now_millis)}))
}

/// StopDBInstance and StartDBInstance.
pub(super) fn instance_alone() -> Answer {
    Err(combination("aurora-postgresql DB instances are not eligible for stopping and starting."))
}

/// The cluster is stopped since a moment.
pub(super) fn is_stopped(cluster: &mut Cluster, since_millis: i64) {
    let at_millis = since_millis + WEEK_MILLIS;
    cluster.status = STOPPED.to_owned();
    cluster.automatic_restart_time = Some(at_millis as f64 / 1000.0);
    cluster.next = Some(Next { state: STARTING.to_owned(), at_millis });
}

/// The cluster starts at a time that is over, or now.
pub(super) fn starts(cx: &mut Cx<'_>, id: &str, since_millis: i64, about: &str) {
    let takes = cx.after(START, &format!("{id} started {about}")).map(|at_millis| at_millis - cx.now_millis);
    let state = &mut cx.r.rds;
    put(state, id, STARTING, Some(("available", since_millis + takes.unwrap_or_default())));
    if let Some(cluster) = state.clusters.get_mut(id) {
        cluster.automatic_restart_time = None;
    }
    if takes.is_none() {
        life_cycle::settle(cx);
    }
}

/// The cluster has started, and makes backups again.
pub(super) fn is_started(cluster: &mut Cluster, since_millis: i64) {
    if cluster.stopped_millis.take().is_none() {
        return;
    }
    let window = Window::backup(&cluster.preferred_backup_window).ok();
    cluster.backup_millis = window.map(|window| window.next_after(since_millis));
}

/// The cluster and its instances are in this state, and in another one later.
fn put(state: &mut State, id: &str, status: &str, then: Option<(&str, i64)>) {
    let next = then.map(|(state, at_millis)| Next { state: state.to_owned(), at_millis });
    for instance in state.instances.values_mut().filter(|instance| instance.cluster == id) {
        (instance.status, instance.begins, instance.next) = (status.to_owned(), None, next.clone());
    }
    if let Some(cluster) = state.clusters.get_mut(id) {
        (cluster.status, cluster.begins, cluster.next) = (status.to_owned(), None, next);
    }
}
