//! Making clusters.

use serde::Deserialize;
use serde_json::json;

use super::cluster::{Cluster, Pending, Secret};
use super::kind::{Record, combination, find, free, invalid, missing, required};
use super::outside::{self, letters};
use super::parameter_group::{self, check_family};
use super::settings::{self, Scaling, Watching, WatchingAsked};
use super::versions::{ENGINE, Version, check_engine};
use super::windows::Window;
use super::{CLUSTER, SECRET, life_cycle, names, tags};
use crate::services::{Answer, Call, Cx, Next, Refusal, Tag};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    #[serde(rename = "DBClusterIdentifier")]
    id: String,
    engine: String,
    engine_version: Option<String>,
    engine_mode: Option<String>,
    database_name: Option<String>,
    master_username: Option<String>,
    master_user_password: Option<String>,
    #[serde(default)]
    manage_master_user_password: bool,
    master_user_secret_kms_key_id: Option<String>,
    #[serde(rename = "DBClusterParameterGroupName")]
    parameter_group: Option<String>,
    #[serde(rename = "DBSubnetGroupName")]
    subnet_group: Option<String>,
    vpc_security_group_ids: Option<Vec<String>>,
    #[serde(default)]
    availability_zones: Vec<String>,
    network_type: Option<String>,
    port: Option<i64>,
    backup_retention_period: Option<i64>,
    preferred_backup_window: Option<String>,
    preferred_maintenance_window: Option<String>,
    #[serde(default)]
    storage_encrypted: bool,
    kms_key_id: Option<String>,
    storage_type: Option<String>,
    #[serde(default, rename = "EnableIAMDatabaseAuthentication")]
    iam_authentication: bool,
    #[serde(default)]
    enable_http_endpoint: bool,
    #[serde(default)]
    deletion_protection: bool,
    #[serde(default)]
    copy_tags_to_snapshot: bool,
    auto_minor_version_upgrade: Option<bool>,
    engine_lifecycle_support: Option<String>,
    #[serde(default)]
    enable_cloudwatch_logs_exports: Vec<String>,
    serverless_v2_scaling_configuration: Option<Scaling>,
    database_insights_mode: Option<String>,
    monitoring_interval: Option<i64>,
    monitoring_role_arn: Option<String>,
    enable_performance_insights: Option<bool>,
    #[serde(rename = "PerformanceInsightsKMSKeyId")]
    performance_insights_key: Option<String>,
    performance_insights_retention_period: Option<i64>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let asked: Create = call.input()?;
    let id = names::identifier("DBClusterIdentifier", &asked.id, names::LONGEST_IDENTIFIER)?;
    let secret_key = check_master_user(cx, &asked)?;
    let mut cluster = planned(cx, asked, id)?;
    free(&cx.r.rds.clusters, &cluster.id)?;

    // Everything is checked; from here on things change.
    cluster.db_cluster_resource_id = format!("cluster-{}", letters(cx, 26));
    if let Some(key) = secret_key {
        cluster.master_user_secret = Some(new_secret(cx, &cluster, key));
        cluster.secret_next = secret_ready(cx, &cluster);
    }
    let id = cluster.id.clone();
    match cx.after(CLUSTER.create, &cluster.db_cluster_resource_id) {
        Some(at_millis) => cluster.next = Some(Next { state: "available".to_owned(), at_millis }),
        None => life_cycle::cluster_is_available(cx, &mut cluster, cx.now_millis),
    }
    cx.r.rds.clusters.insert(id.clone(), cluster);
    life_cycle::take_automated_snapshots(cx, &id);
    let state = &cx.r.rds;
    Ok(json!({"DBCluster": find(&state.clusters, &id)?.show(state, cx.now_millis)}))
}

/// The cluster that is to be, without what only a new one gets.
fn planned(cx: &Cx<'_>, asked: Create, id: String) -> Result<Cluster, Refusal> {
    check_engine(&asked.engine)?;
    check_mode(asked.engine_mode.as_deref())?;
    let version = Version::wanted(asked.engine_version.as_deref())?;
    let state = &cx.r.rds;
    // RDS API Reference, CreateDBCluster, error `DBClusterParameterGroupNotFound`.
    let group = asked.parameter_group.unwrap_or_else(|| parameter_group::default_name(&version.family()));
    let group_name = super::kind::key(&group);
    let group = state.cluster_parameter_groups.get(&group_name);
    let group = group
        .ok_or_else(|| missing("DBClusterParameterGroupNotFound", "DBClusterParameterGroup", &group_name))?;
    check_family(group, version)?;
    let subnet_group = match &asked.subnet_group {
        Some(name) => find(&state.subnet_groups, name)?,
        // The emulator has no default VPC.
        None => return Err(Refusal::new("InvalidSubnet", "No default subnet detected in VPC.")),
    };
    let backup = asked.preferred_backup_window.as_deref().map(Window::backup).transpose()?;
    let maintenance = asked.preferred_maintenance_window.as_deref().map(Window::maintenance).transpose()?;
    let (backup, maintenance) = windows(backup, maintenance, state.ids.given())?;
    let (storage_encryption_type, kms_key_id) =
        encryption(cx, asked.storage_encrypted, asked.kms_key_id.as_deref())?;
    let watching = Watching::default().changed(
        cx,
        WatchingAsked {
            interval: asked.monitoring_interval,
            role_arn: asked.monitoring_role_arn,
            insights: asked.enable_performance_insights,
            insights_key: asked.performance_insights_key,
            insights_days: asked.performance_insights_retention_period,
        },
    )?;
    let database_insights_mode = asked.database_insights_mode.unwrap_or_else(|| "standard".to_owned());
    watching.check_mode(&database_insights_mode)?;
    if let Some(name) = &asked.database_name {
        names::database(name)?;
    }
    let scaling = asked.serverless_v2_scaling_configuration;
    let domain = format!("{}.{}.rds.amazonaws.com", state.account_part, cx.region);
    Ok(Cluster {
        arn: cx.arn("rds", &format!("{}:{id}", Cluster::KIND.resource)),
        db_cluster_resource_id: String::new(),
        engine: ENGINE.to_owned(),
        engine_version: version.text(),
        engine_mode: "provisioned".to_owned(),
        status: "creating".to_owned(),
        endpoint: format!("{id}.cluster-{domain}"),
        reader_endpoint: format!("{id}.cluster-ro-{domain}"),
        hosted_zone_id: state.hosted_zone_id.clone(),
        port: settings::port(asked.port.unwrap_or(5432))?,
        master_username: asked.master_username.unwrap_or_default(),
        master_user_secret: None,
        database_name: asked.database_name,
        parameter_group: group_name,
        subnet_group: subnet_group.name.clone(),
        availability_zones: outside::storage_zones(cx, &asked.availability_zones, &subnet_group.zones())?,
        network_type: settings::network_type(asked.network_type.as_deref())?,
        vpc_security_groups: outside::security_groups(
            cx,
            asked.vpc_security_group_ids,
            &subnet_group.vpc_id,
        )?,
        members: Vec::new(),
        backup_retention_period: settings::retention(asked.backup_retention_period.unwrap_or(1))?,
        preferred_backup_window: backup.text(),
        preferred_maintenance_window: maintenance.text(),
        storage_encrypted: asked.storage_encrypted,
        storage_encryption_type: storage_encryption_type.to_owned(),
        kms_key_id,
        storage_type: settings::storage(asked.storage_type.as_deref().unwrap_or("aurora"))?,
        iam_authentication: asked.iam_authentication,
        http_endpoint_enabled: asked.enable_http_endpoint,
        deletion_protection: asked.deletion_protection,
        copy_tags_to_snapshot: asked.copy_tags_to_snapshot,
        auto_minor_version_upgrade: asked.auto_minor_version_upgrade.unwrap_or(true),
        engine_lifecycle_support: settings::life_cycle_support(asked.engine_lifecycle_support)?,
        enabled_cloudwatch_logs_exports: settings::log_types(asked.enable_cloudwatch_logs_exports)?,
        serverless_v2_scaling_configuration: scaling.map(|scaling| scaling.asked(None)).transpose()?,
        database_insights_mode,
        watching,
        cluster_create_time: cx.now_seconds(),
        pending_modified_values: Pending::default(),
        pending_millis: None,
        vpc_id: subnet_group.vpc_id.clone(),
        tags: tags::read(asked.tags)?,
        pending_group: None,
        begins: None,
        next: None,
        secret_next: None,
        available_millis: None,
        stopped_millis: None,
        automatic_restart_time: None,
        backup_millis: None,
        id,
    })
}

/// The secret that RDS manages for a cluster from now on.
pub(super) fn new_secret(cx: &mut Cx<'_>, cluster: &Cluster, key_arn: String) -> Secret {
    Secret {
        secret_arn: outside::create_secret(cx, &cluster.arn, &cluster.master_username, &key_arn),
        secret_status: if cx.latencies.are_off() { "active" } else { "creating" }.to_owned(),
        kms_key_id: key_arn,
    }
}

/// When a new secret can be used.
pub(super) fn secret_ready(cx: &Cx<'_>, cluster: &Cluster) -> Option<Next> {
    let about = format!("{} secret", cluster.db_cluster_resource_id);
    cx.after(SECRET, &about).map(|at_millis| Next { state: "active".to_owned(), at_millis })
}

/// Refuses a master user without name or password, or with both kinds of password, and gives the ARN of the key of the
/// secret that is to be made. The password itself is forgotten (RDS API Reference, CreateDBCluster,
/// `ManageMasterUserPassword`, `MasterUserSecretKmsKeyId`).
fn check_master_user(cx: &Cx<'_>, asked: &Create) -> Result<Option<String>, Refusal> {
    names::master_user(asked.master_username.as_deref().ok_or_else(|| required("MasterUsername"))?)?;
    let key = asked.master_user_secret_kms_key_id.as_deref();
    match (&asked.master_user_password, asked.manage_master_user_password) {
        (Some(_), true) => Err(combination(
            "You can't specify MasterUserPassword when ManageMasterUserPassword is turned on.",
        )),
        (None, true) => outside::key_arn(cx, key.unwrap_or(outside::OWN_SECRET_KEY)).map(Some),
        _ if key.is_some() => Err(combination(
            "MasterUserSecretKmsKeyId is valid only if ManageMasterUserPassword is turned on.",
        )),
        (Some(password), false) => names::password(password).map(|()| None),
        (None, false) => Err(required("MasterUserPassword")),
    }
}

/// How the storage is encrypted: with a key, or else with one of RDS's own (RDS API Reference, DBCluster,
/// `StorageEncryptionType`).
fn encryption(
    cx: &Cx<'_>,
    encrypted: bool,
    key: Option<&str>,
) -> Result<(&'static str, Option<String>), Refusal> {
    match (encrypted, key) {
        (true, key) => Ok(("sse-kms", Some(outside::key_arn(cx, key.unwrap_or(outside::OWN_KEY))?))),
        (false, Some(_)) => {
            Err(combination("KmsKeyId can be specified only if StorageEncrypted is turned on."))
        }
        (false, None) => Ok(("sse-rds", None)),
    }
}

/// The windows asked for; RDS chooses those that were not (RDS API Reference, CreateDBCluster,
/// `PreferredBackupWindow`, `PreferredMaintenanceWindow`).
fn windows(
    backup: Option<Window>,
    maintenance: Option<Window>,
    number: u64,
) -> Result<(Window, Window), Refusal> {
    let backup = match (backup, maintenance) {
        (Some(backup), _) => backup,
        (None, Some(maintenance)) => maintenance.backup_after(),
        (None, None) => Window::any_backup(number),
    };
    let maintenance = maintenance.unwrap_or_else(|| backup.maintenance_after(number));
    Window::check_apart(backup, maintenance)?;
    Ok((backup, maintenance))
}

/// RDS API Reference, CreateDBCluster, `EngineMode`: Serverless v2 is of mode `provisioned`.
fn check_mode(mode: Option<&str>) -> Result<(), Refusal> {
    match mode {
        None | Some("provisioned") => Ok(()),
        Some(other) => Err(invalid(format!(
            "The engine mode {other} is not one that {ENGINE} has or the emulator models."
        ))),
    }
}
