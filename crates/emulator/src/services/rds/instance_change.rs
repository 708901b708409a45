//! Changing and deleting instances.

use serde::Deserialize;
use serde_json::json;

use super::instance::{GroupStatus, Instance, Pending, check_class};
use super::instance_create::{
    certificate_authority, check_capacity, check_not_of_cluster, parameter_group, public_access, tier,
};
use super::kind::{combination, find, find_mut};
use super::settings::WatchingAsked;
use super::status;
use super::windows::Window;
use super::{INSTANCE, LAG, MODIFY_INSTANCE, REBOOT, life_cycle};
use crate::services::{Answer, Call, Cx, Next, Refusal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    #[serde(rename = "DBInstanceIdentifier")]
    id: String,
    #[serde(default)]
    apply_immediately: bool,
    #[serde(rename = "DBInstanceClass")]
    class: Option<String>,
    #[serde(rename = "DBParameterGroupName")]
    parameter_group: Option<String>,
    preferred_maintenance_window: Option<String>,
    auto_minor_version_upgrade: Option<bool>,
    publicly_accessible: Option<bool>,
    promotion_tier: Option<i64>,
    #[serde(rename = "CACertificateIdentifier")]
    certificate_authority: Option<String>,
    monitoring_interval: Option<i64>,
    monitoring_role_arn: Option<String>,
    enable_performance_insights: Option<bool>,
    #[serde(rename = "PerformanceInsightsKMSKeyId")]
    performance_insights_key: Option<String>,
    performance_insights_retention_period: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    #[serde(rename = "DBInstanceIdentifier")]
    id: String,
    #[serde(rename = "SkipFinalSnapshot")]
    _skip_final_snapshot: Option<bool>,
    #[serde(rename = "FinalDBSnapshotIdentifier")]
    final_snapshot: Option<String>,
    #[serde(rename = "DeleteAutomatedBackups")]
    _delete_automated_backups: Option<bool>,
}

pub(super) fn modify(cx: &mut Cx<'_>, call: &Call) -> Answer {
    check_not_of_cluster(call)?;
    let asked: Modify = call.input()?;
    let current = find(&cx.r.rds.instances, &asked.id)?;
    current.check_available()?;
    let later = later(cx, current, &asked)?;
    let apply_immediately = asked.apply_immediately;
    let mut instance = changed(cx, current.clone(), asked)?;

    // Everything is checked; from here on things change.
    let about = format!("{} modified {}", instance.dbi_resource_id, call.sequence);
    let takes = cx.after(LAG, &format!("{about} lag")).zip(cx.after(MODIFY_INSTANCE, &about));
    let over = takes.map(|(begins, takes)| begins + (takes - cx.now_millis));
    instance.pending_modified_values = Pending::default();
    instance.pending_millis = None;
    if !later.is_empty() {
        let window = || Window::maintenance(&instance.preferred_maintenance_window).ok();
        let due =
            if apply_immediately { over } else { window().map(|window| window.next_after(cx.now_millis)) };
        match due {
            None => instance.apply(later),
            Some(_) => {
                instance.pending_modified_values = later;
                instance.pending_millis = due;
            }
        }
    }
    if let Some(((begins, _), at_millis)) = takes.zip(over) {
        instance.begins = Some(Next { state: "modifying".to_owned(), at_millis: begins });
        instance.next = Some(Next { state: "available".to_owned(), at_millis });
    }
    let state = &mut cx.r.rds;
    if let Some(cluster) = state.clusters.get_mut(&instance.cluster) {
        let members = cluster.members.iter_mut().filter(|member| member.id == instance.id);
        members.for_each(|member| member.promotion_tier = instance.promotion_tier);
    }
    let answer = json!({"DBInstance": instance.show(state, cx.region)});
    let cluster = instance.cluster.clone();
    state.instances.insert(instance.id.clone(), instance);
    status::need_key(cx, &cluster);
    Ok(answer)
}

/// The instance with everything that changes at once.
fn changed(cx: &Cx<'_>, mut instance: Instance, asked: Modify) -> Result<Instance, Refusal> {
    let cluster = find(&cx.r.rds.clusters, &instance.cluster)?;
    if let Some(name) = asked.parameter_group {
        let name = parameter_group(cx, cluster, Some(&name))?;
        if !instance.uses_parameter_group(&name) {
            instance.parameter_groups = vec![GroupStatus::in_sync(name)];
            instance.needs_restart();
        }
    }
    if let Some(text) = asked.preferred_maintenance_window {
        let maintenance = Window::maintenance(&text)?;
        Window::check_apart(Window::backup(&cluster.preferred_backup_window)?, maintenance)?;
        instance.preferred_maintenance_window = maintenance.text();
    }
    if asked.publicly_accessible.is_some() {
        instance.publicly_accessible = public_access(cx, asked.publicly_accessible, &cluster.vpc_id)?;
    }
    instance.promotion_tier = tier(asked.promotion_tier.unwrap_or(instance.promotion_tier))?;
    instance.auto_minor_version_upgrade =
        asked.auto_minor_version_upgrade.unwrap_or(instance.auto_minor_version_upgrade);
    instance.watching = instance.watching.changed(
        cx,
        WatchingAsked {
            interval: asked.monitoring_interval,
            role_arn: asked.monitoring_role_arn,
            insights: asked.enable_performance_insights,
            insights_key: asked.performance_insights_key,
            insights_days: asked.performance_insights_retention_period,
        },
    )?;
    Ok(instance)
}

/// What changes at once only if that was asked for, and in the maintenance window otherwise (RDS API Reference,
/// ModifyDBInstance, `ApplyImmediately`).
fn later(cx: &Cx<'_>, instance: &Instance, asked: &Modify) -> Result<Pending, Refusal> {
    let cluster = find(&cx.r.rds.clusters, &instance.cluster)?;
    if let Some(class) = &asked.class {
        check_class(class)?;
        check_capacity(cluster, class)?;
    }
    let authority = asked.certificate_authority.clone();
    let authority = authority.map(|authority| certificate_authority(Some(authority))).transpose()?;
    let pending = instance.pending_modified_values.clone();
    Ok(Pending {
        class: asked.class.clone().or(pending.class).filter(|class| *class != instance.class),
        certificate_authority: authority
            .or(pending.certificate_authority)
            .filter(|authority| *authority != instance.certificate_authority),
    })
}

/// Restarts an instance, which then has the parameters of its groups (RDS API Reference, RebootDBInstance).
pub(super) fn reboot(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (id, force_failover): (String, bool) = call.members(&["DBInstanceIdentifier", "ForceFailover"])?;
    let instance = find(&cx.r.rds.instances, &id)?;
    // An Aurora cluster fails over by FailoverDBCluster.
    if force_failover {
        return Err(combination(
            "Cannot reboot DB instance with force failover: it is a member of a cluster.",
        ));
    }
    instance.check_available()?;

    // Everything is checked; from here on things change.
    let (id, cluster) = (instance.id.clone(), instance.cluster.clone());
    let over = cx.after(REBOOT, &format!("{} rebooted {}", instance.dbi_resource_id, call.sequence));
    let state = &mut cx.r.rds;
    match over {
        None => life_cycle::restarted(state, &id),
        Some(at_millis) => {
            let instance = find_mut(&mut state.instances, &id)?;
            instance.status = life_cycle::REBOOTING.to_owned();
            instance.next = Some(Next { state: "available".to_owned(), at_millis });
        }
    }
    let answer = json!({"DBInstance": find(&state.instances, &id)?.show(state, cx.region)});
    status::need_key(cx, &cluster);
    Ok(answer)
}

/// An Aurora instance leaves no snapshot: the cluster has the data (RDS API Reference, DeleteDBInstance,
/// `FinalDBSnapshotIdentifier`). Where the writer goes, another instance takes over.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Delete { id, final_snapshot, .. } = call.input()?;
    let instance = find(&cx.r.rds.instances, &id)?;
    if final_snapshot.is_some() {
        let message = "FinalDBSnapshotIdentifier cannot be specified when deleting a cluster instance.";
        return Err(combination(message));
    }
    instance.check_deletable()?;

    // Everything is checked; from here on things change.
    let id = instance.id.clone();
    let about = format!("{} deleted", instance.dbi_resource_id);
    let gone = cx.after(INSTANCE.delete, &about);
    let state = &mut cx.r.rds;
    let instance = find_mut(&mut state.instances, &id)?;
    instance.status = "deleting".to_owned();
    instance.begins = None;
    instance.next = gone.map(|at_millis| Next { state: life_cycle::GONE.to_owned(), at_millis });
    let cluster = instance.cluster.clone();
    life_cycle::fail_over(state, &cluster, &id);
    let answer = json!({"DBInstance": find(&state.instances, &id)?.show(state, cx.region)});
    if gone.is_none() {
        life_cycle::remove_instance(state, &id);
    }
    Ok(answer)
}
