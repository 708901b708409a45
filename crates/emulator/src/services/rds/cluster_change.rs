//! Changing and deleting clusters.

use serde::Deserialize;
use serde_json::json;

use super::cluster::{Cluster, Pending, busy};
use super::kind::{combination, find, find_mut, invalid, missing};
use super::outside;
use super::parameter_group::{self, check_family};
use super::settings::{self, Scaling, WatchingAsked};
use super::snapshot::{self, Made};
use super::status;
use super::versions::Version;
use super::windows::Window;
use super::{CLUSTER, LAG, MODIFY_CLUSTER, State, UPGRADE, cluster_create, kind, life_cycle, names};
use crate::services::{Answer, Call, Cx, Next, Refusal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Modify {
    #[serde(rename = "DBClusterIdentifier")]
    id: String,
    #[serde(rename = "NewDBClusterIdentifier")]
    new_id: Option<String>,
    #[serde(default)]
    apply_immediately: bool,
    engine_version: Option<String>,
    #[serde(default)]
    allow_major_version_upgrade: bool,
    master_user_password: Option<String>,
    manage_master_user_password: Option<bool>,
    master_user_secret_kms_key_id: Option<String>,
    #[serde(rename = "DBClusterParameterGroupName")]
    parameter_group: Option<String>,
    vpc_security_group_ids: Option<Vec<String>>,
    network_type: Option<String>,
    port: Option<i64>,
    backup_retention_period: Option<i64>,
    preferred_backup_window: Option<String>,
    preferred_maintenance_window: Option<String>,
    storage_type: Option<String>,
    #[serde(rename = "EnableIAMDatabaseAuthentication")]
    iam_authentication: Option<bool>,
    deletion_protection: Option<bool>,
    copy_tags_to_snapshot: Option<bool>,
    auto_minor_version_upgrade: Option<bool>,
    engine_lifecycle_support: Option<String>,
    cloudwatch_logs_export_configuration: Option<LogExports>,
    serverless_v2_scaling_configuration: Option<Scaling>,
    database_insights_mode: Option<String>,
    monitoring_interval: Option<i64>,
    monitoring_role_arn: Option<String>,
    enable_performance_insights: Option<bool>,
    #[serde(rename = "PerformanceInsightsKMSKeyId")]
    performance_insights_key: Option<String>,
    performance_insights_retention_period: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LogExports {
    #[serde(default)]
    enable_log_types: Vec<String>,
    #[serde(default)]
    disable_log_types: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    #[serde(rename = "DBClusterIdentifier")]
    id: String,
    #[serde(default)]
    skip_final_snapshot: bool,
    #[serde(rename = "FinalDBSnapshotIdentifier")]
    final_snapshot: Option<String>,
    delete_automated_backups: Option<bool>,
}

/// What becomes of the managed secret.
enum SecretChange {
    Keep,
    /// Makes one, with the key of this ARN.
    Make(String),
    Drop,
}

pub(super) fn modify(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut asked: Modify = call.input()?;
    let current = find(&cx.r.rds.clusters, &asked.id)?;
    current.check_available()?;
    let secret = secret_change(cx, current, &asked)?;
    let version = asked.engine_version.as_deref();
    let version = version
        .map(|text| current.version().upgraded(text, asked.allow_major_version_upgrade))
        .transpose()?;
    let mut cluster = changed(cx, current.clone(), &mut asked, version)?;
    let later = later(&asked, version)?;
    let new_id = new_id(&cx.r.rds, &asked)?;

    // Everything is checked; from here on things change.
    change_secret(cx, &mut cluster, secret);
    wait_or_apply(cx, &mut cluster, later, &asked, call);
    life_cycle::upgrade_instances(&mut cx.r.rds.instances, &cluster);
    let id = cluster.id.clone();
    let before = cx.r.rds.clusters.insert(id.clone(), cluster);
    watch_instances(cx, &id, before);
    life_cycle::publish_logs(cx, &id);
    status::need_key(cx, &id);
    let state = &mut cx.r.rds;
    if let Some(new_id) = &new_id {
        rename(state, &id, new_id);
    }
    let id = new_id.unwrap_or(id);
    Ok(json!({"DBCluster": find(&state.clusters, &id)?.show(state, cx.now_millis)}))
}

/// The name that the cluster is to have (RDS API Reference, ModifyDBCluster, `NewDBClusterIdentifier`).
fn new_id(state: &State, asked: &Modify) -> Result<Option<String>, Refusal> {
    let Some(new_id) = &asked.new_id else { return Ok(None) };
    if !asked.apply_immediately {
        return Err(invalid(
            "The emulator does not model a new identifier that waits for the maintenance window.",
        ));
    }
    let new_id = names::identifier("NewDBClusterIdentifier", new_id, names::LONGEST_NAME)?;
    kind::free(&state.clusters, &new_id)?;
    Ok(Some(new_id))
}

/// A cluster has another name, and so have its ARN and its endpoints. Everything else of it is the same, its resource id too.
fn rename(state: &mut State, id: &str, new_id: &str) {
    let Some(mut cluster) = state.clusters.remove(id) else { return };
    cluster.arn.truncate(cluster.arn.len() - id.len());
    cluster.arn.push_str(new_id);
    for endpoint in [&mut cluster.endpoint, &mut cluster.reader_endpoint] {
        endpoint.replace_range(..id.len(), new_id);
    }
    let of_cluster = state.instances.values_mut().filter(|instance| instance.cluster == id);
    of_cluster.for_each(|instance| instance.cluster = new_id.to_owned());
    let of_cluster = state.snapshots.values_mut().filter(|snapshot| snapshot.cluster == id);
    of_cluster.for_each(|snapshot| snapshot.cluster = new_id.to_owned());
    cluster.id = new_id.to_owned();
    state.clusters.insert(new_id.to_owned(), cluster);
}

/// Whether a change leaves the cluster available meanwhile (Aurora User Guide, "Settings for Amazon Aurora").
fn is_quiet(call: &Call) -> bool {
    const QUIET: [&str; 7] = [
        "DBClusterIdentifier",
        "ApplyImmediately",
        "DeletionProtection",
        "CopyTagsToSnapshot",
        "AutoMinorVersionUpgrade",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
    ];
    call.parameters.as_object().is_some_and(|given| given.keys().all(|name| QUIET.contains(&name.as_str())))
}

/// The cluster with everything that changes at once.
fn changed(
    cx: &Cx<'_>,
    mut cluster: Cluster,
    asked: &mut Modify,
    version: Option<Version>,
) -> Result<Cluster, Refusal> {
    change_windows(cx, &mut cluster, asked)?;
    change_parameter_group(cx, &mut cluster, asked.parameter_group.as_deref(), version)?;
    if let Some(ids) = asked.vpc_security_group_ids.take() {
        cluster.vpc_security_groups = outside::security_groups(cx, Some(ids), &cluster.vpc_id)?;
    }
    if let Some(network_type) = &asked.network_type {
        cluster.network_type = settings::network_type(Some(network_type))?;
    }
    if let Some(port) = asked.port {
        cluster.port = settings::port(port)?;
    }
    if let Some(support) = asked.engine_lifecycle_support.take() {
        cluster.engine_lifecycle_support = settings::life_cycle_support(Some(support))?;
    }
    if let Some(LogExports { enable_log_types, disable_log_types }) =
        asked.cloudwatch_logs_export_configuration.take()
    {
        let off = settings::log_types(disable_log_types)?;
        let mut on = cluster.enabled_cloudwatch_logs_exports;
        on.extend(enable_log_types);
        on.retain(|log_type| !off.contains(log_type));
        cluster.enabled_cloudwatch_logs_exports = settings::log_types(on)?;
    }
    if let Some(scaling) = asked.serverless_v2_scaling_configuration.take() {
        let current = cluster.serverless_v2_scaling_configuration.as_ref();
        cluster.serverless_v2_scaling_configuration = Some(scaling.asked(current)?);
    }
    cluster.watching = cluster.watching.changed(
        cx,
        WatchingAsked {
            interval: asked.monitoring_interval,
            role_arn: asked.monitoring_role_arn.take(),
            insights: asked.enable_performance_insights,
            insights_key: asked.performance_insights_key.take(),
            insights_days: asked.performance_insights_retention_period,
        },
    )?;
    if let Some(mode) = asked.database_insights_mode.take() {
        // What the mode needs has to be in the call that asks for it, whatever holds already
        // (hashicorp/terraform-provider-aws#41792).
        let days = asked
            .performance_insights_retention_period
            .filter(|_| asked.enable_performance_insights == Some(true));
        settings::check_mode(&mode, days)?;
        cluster.database_insights_mode = mode;
    }
    cluster.watching.check_mode(&cluster.database_insights_mode)?;
    cluster.deletion_protection = asked.deletion_protection.unwrap_or(cluster.deletion_protection);
    cluster.copy_tags_to_snapshot = asked.copy_tags_to_snapshot.unwrap_or(cluster.copy_tags_to_snapshot);
    cluster.auto_minor_version_upgrade =
        asked.auto_minor_version_upgrade.unwrap_or(cluster.auto_minor_version_upgrade);
    Ok(cluster)
}

/// What changes at once only if that was asked for, and in the maintenance window otherwise (RDS API Reference,
/// ModifyDBCluster, `ApplyImmediately`, and the members of ClusterPendingModifiedValues).
fn later(asked: &Modify, version: Option<Version>) -> Result<Pending, Refusal> {
    if let Some(storage_type) = &asked.storage_type {
        settings::storage(storage_type)?;
    }
    Ok(Pending {
        backup_retention_period: asked.backup_retention_period.map(settings::retention).transpose()?,
        iam_authentication: asked.iam_authentication,
        engine_version: version.map(|version| version.text()),
        storage_type: asked.storage_type.clone(),
    })
}

/// Applies what is pending, or lets it wait for the maintenance window. The status says for a while that nothing has
/// happened, and what was asked for is pending until the change is over.
fn wait_or_apply(cx: &Cx<'_>, cluster: &mut Cluster, later: Pending, asked: &Modify, call: &Call) {
    let pending = std::mem::take(&mut cluster.pending_modified_values).with(later).beyond(cluster);
    cluster.pending_millis = None;
    let waits = !pending.is_empty() && !asked.apply_immediately;
    if waits {
        let window = Window::maintenance(&cluster.preferred_maintenance_window);
        cluster.pending_millis = window.ok().map(|window| window.next_after(cx.now_millis));
        cluster.pending_modified_values = pending.clone();
    }
    if is_quiet(call) && (waits || pending.is_empty()) {
        return;
    }
    let upgrades = !waits && pending.engine_version.is_some();
    let (takes, state) = if upgrades { (UPGRADE, "upgrading") } else { (MODIFY_CLUSTER, "modifying") };
    let about = format!("{} modified {}", cluster.db_cluster_resource_id, call.sequence);
    let Some((begins, takes)) = cx.after(LAG, &format!("{about} lag")).zip(cx.after(takes, &about)) else {
        if !waits {
            cluster.apply(pending);
        }
        return;
    };
    let at_millis = begins + (takes - cx.now_millis);
    cluster.begins = Some(Next { state: state.to_owned(), at_millis: begins });
    cluster.next = Some(Next { state: "available".to_owned(), at_millis });
    if !waits && !pending.is_empty() {
        cluster.pending_modified_values = pending;
        cluster.pending_millis = Some(at_millis);
    }
}

fn change_windows(cx: &Cx<'_>, cluster: &mut Cluster, asked: &Modify) -> Result<(), Refusal> {
    let backup = asked.preferred_backup_window.as_ref();
    let maintenance = asked.preferred_maintenance_window.as_ref();
    if backup.is_none() && maintenance.is_none() {
        return Ok(());
    }
    let new_backup = Window::backup(backup.unwrap_or(&cluster.preferred_backup_window))?;
    let maintenance = Window::maintenance(maintenance.unwrap_or(&cluster.preferred_maintenance_window))?;
    Window::check_apart(new_backup, maintenance)?;
    if backup.is_some() {
        cluster.backup_millis = Some(new_backup.next_after(cx.now_millis));
    }
    cluster.preferred_backup_window = new_backup.text();
    cluster.preferred_maintenance_window = maintenance.text();
    Ok(())
}

/// Another parameter group works after a restart (RDS API Reference, ModifyDBCluster, `DBClusterParameterGroupName`). One for
/// another major version comes with that version, and where the one before is not AWS's own, it has to be named (Aurora User
/// Guide, "Performing a major version upgrade").
fn change_parameter_group(
    cx: &Cx<'_>,
    cluster: &mut Cluster,
    name: Option<&str>,
    version: Option<Version>,
) -> Result<(), Refusal> {
    let version = version.unwrap_or_else(|| cluster.version());
    let upgrades = version.major != cluster.version().major;
    let groups = &cx.r.rds.cluster_parameter_groups;
    let name = match name.map(kind::key) {
        None if !upgrades => return Ok(()),
        None if groups.get(&cluster.parameter_group).is_some_and(|group| !group.is_default()) => {
            return Err(combination(format!(
                "The current DB cluster parameter group {} is custom. You must explicitly specify a new DB cluster \
                 parameter group, either default or custom, for the engine version upgrade.",
                cluster.parameter_group
            )));
        }
        None => parameter_group::default_name(&version.family()),
        Some(name) if name == cluster.parameter_group && !upgrades => return Ok(()),
        Some(name) => name,
    };
    let group = groups.get(&name);
    let group =
        group.ok_or_else(|| missing("DBClusterParameterGroupNotFound", "DBClusterParameterGroup", &name))?;
    check_family(group, version)?;
    if upgrades {
        cluster.pending_group = Some(name)
    } else {
        cluster.parameter_group = name;
        cluster.needs_restart();
    }
    Ok(())
}

/// RDS API Reference, ModifyDBCluster, `ManageMasterUserPassword`, `MasterUserPassword` and
/// `MasterUserSecretKmsKeyId`.
fn secret_change(cx: &Cx<'_>, cluster: &Cluster, asked: &Modify) -> Result<SecretChange, Refusal> {
    let password = asked.master_user_password.as_deref();
    let key = asked.master_user_secret_kms_key_id.as_deref();
    let is_managed = cluster.master_user_secret.is_some();
    let manages = asked.manage_master_user_password.unwrap_or(is_managed);
    if manages && password.is_some() {
        return Err(combination(
            "You can't specify MasterUserPassword when the master user password is managed in Secrets Manager.",
        ));
    }
    if key.is_some() && (is_managed || !manages) {
        return Err(combination(
            "MasterUserSecretKmsKeyId is valid only if you are turning on ManageMasterUserPassword.",
        ));
    }
    if let Some(password) = password {
        names::password(password)?;
    }
    match (is_managed, manages) {
        (false, true) => outside::key_arn(cx, key.unwrap_or(outside::OWN_SECRET_KEY)).map(SecretChange::Make),
        (true, false) if password.is_none() => Err(combination(
            "You must specify MasterUserPassword when you turn off ManageMasterUserPassword.",
        )),
        (true, false) => Ok(SecretChange::Drop),
        _ => Ok(SecretChange::Keep),
    }
}

fn change_secret(cx: &mut Cx<'_>, cluster: &mut Cluster, change: SecretChange) {
    match change {
        SecretChange::Keep => {}
        SecretChange::Make(key) => {
            cluster.master_user_secret = Some(cluster_create::new_secret(cx, cluster, key));
            cluster.secret_next = cluster_create::secret_ready(cx, cluster);
        }
        SecretChange::Drop => {
            cluster.secret_next = None;
            if let Some(secret) = cluster.master_user_secret.take() {
                cx.r.secretsmanager.delete_managed(&secret.secret_arn);
            }
        }
    }
}

/// What a cluster is told of monitoring holds for its instances (Aurora User Guide, "Turning Performance Insights on
/// and off").
fn watch_instances(cx: &mut Cx<'_>, id: &str, before: Option<Cluster>) {
    let (Some(cluster), Some(before)) = (cx.r.rds.clusters.get(id), before) else { return };
    let instances = cx.r.rds.instances.values_mut().filter(|instance| instance.cluster == id);
    instances.for_each(|instance| instance.watching.follow(&before.watching, &cluster.watching));
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Delete { id, skip_final_snapshot, final_snapshot, delete_automated_backups } = call.input()?;
    let state = &cx.r.rds;
    let cluster = find(&state.clusters, &id)?;
    if cluster.deletion_protection {
        let message = "Cannot delete protected Cluster, please disable deletion protection and try again.";
        return Err(combination(message));
    }
    cluster.check_deletable()?;
    if delete_automated_backups == Some(false) {
        return Err(invalid("The emulator does not model automated backups that outlive their cluster."));
    }
    let last_gone_millis = members_gone(cx, cluster)?;
    let snapshot = final_snapshot_name(cx, skip_final_snapshot, final_snapshot)?;
    if snapshot.is_some() {
        // A last snapshot is one of an available cluster (RDS API Reference, DeleteDBCluster).
        cluster.check_available()?;
    }

    // Everything is checked; from here on things change.
    let id = cluster.id.clone();
    let about = format!("{} deleted", cluster.db_cluster_resource_id);
    if let Some(name) = snapshot {
        let cluster = cluster.clone();
        snapshot::make(cx, &cluster, name, Made::ByUser, None);
    }
    let gone = cx.after(CLUSTER.delete, &about).map(|at_millis| at_millis.max(last_gone_millis));
    let state = &mut cx.r.rds;
    let cluster = find_mut(&mut state.clusters, &id)?;
    cluster.status = "deleting".to_owned();
    cluster.begins = None;
    cluster.next = gone.map(|at_millis| Next { state: life_cycle::GONE.to_owned(), at_millis });
    let answer = json!({"DBCluster": find(&state.clusters, &id)?.show(state, cx.now_millis)});
    if gone.is_none() {
        life_cycle::remove_cluster(cx, &id);
    }
    Ok(answer)
}

/// When the last instance is gone; all of them have to be going (RDS answers "Cluster cannot be deleted, it still
/// contains DB instances in non-deleting state").
fn members_gone(cx: &Cx<'_>, cluster: &Cluster) -> Result<i64, Refusal> {
    let mut last = cx.now_millis;
    for member in &cluster.members {
        let instance = find(&cx.r.rds.instances, &member.id)?;
        let gone = instance.next.as_ref().filter(|_| instance.status == "deleting");
        let Some(gone) = gone else {
            let message = "Cluster cannot be deleted, it still contains DB instances in non-deleting state.";
            return Err(busy(message));
        };
        last = last.max(gone.at_millis);
    }
    Ok(last)
}

/// RDS API Reference, DeleteDBCluster, `SkipFinalSnapshot` and `FinalDBSnapshotIdentifier`.
fn final_snapshot_name(cx: &Cx<'_>, skip: bool, name: Option<String>) -> Result<Option<String>, Refusal> {
    match (skip, name) {
        (true, None) => Ok(None),
        (true, Some(_)) => {
            Err(combination("FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is set."))
        }
        (false, None) => {
            Err(combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."))
        }
        (false, Some(name)) => {
            let name = names::identifier("FinalDBSnapshotIdentifier", &name, names::LONGEST_NAME)?;
            kind::free(&cx.r.rds.snapshots, &name)?;
            Ok(Some(name))
        }
    }
}
