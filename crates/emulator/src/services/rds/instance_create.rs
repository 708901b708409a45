//! Making instances in a cluster.

use serde::Deserialize;
use serde_json::json;

use super::cluster::{Cluster, Member, busy};
use super::instance::{GroupStatus, Instance, Pending, Place, check_class};
use super::kind::{self, Record, combination, find, free, invalid, missing, required};
use super::outside::letters;
use super::parameter_group::{self, check_family};
use super::settings::WatchingAsked;
use super::subnet_group::SubnetGroup;
use super::versions::{CERTIFICATE_AUTHORITIES, check_engine};
use super::windows::Window;
use super::{INSTANCE, SIBLING, life_cycle, names, tags};
use crate::services::{Answer, Call, Cx, Next, Refusal, Spread, Tag, refuse_if};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    #[serde(rename = "DBInstanceIdentifier")]
    id: String,
    #[serde(rename = "DBClusterIdentifier")]
    cluster: Option<String>,
    #[serde(rename = "DBInstanceClass")]
    class: String,
    engine: String,
    engine_version: Option<String>,
    #[serde(rename = "DBSubnetGroupName")]
    subnet_group: Option<String>,
    availability_zone: Option<String>,
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
    #[serde(default)]
    tags: Vec<Tag>,
}

/// What a cluster decides for its instances (RDS API Reference, CreateDBInstance: "This setting doesn't apply to Amazon
/// Aurora DB instances", "managed by the DB cluster").
const OF_CLUSTER: [&str; 20] = [
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "CopyTagsToSnapshot",
    "DBName",
    "DBPortNumber",
    "DatabaseInsightsMode",
    "DeletionProtection",
    "EnableCloudwatchLogsExports",
    "EnableIAMDatabaseAuthentication",
    "EngineLifecycleSupport",
    "KmsKeyId",
    "ManageMasterUserPassword",
    "MasterUserPassword",
    "MasterUserSecretKmsKeyId",
    "MasterUsername",
    "Port",
    "PreferredBackupWindow",
    "StorageEncrypted",
    "StorageType",
    "VpcSecurityGroupIds",
];

/// Refuses what the cluster decides.
pub(super) fn check_not_of_cluster(call: &Call) -> Result<(), Refusal> {
    match OF_CLUSTER.iter().find(|name| call.parameters.get(**name).is_some()) {
        None => Ok(()),
        Some(name) => Err(combination(format!(
            "The DB Instance is a member of a DB Cluster, and its {name} should not be set directly. Set it for the DB \
             Cluster."
        ))),
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    check_not_of_cluster(call)?;
    let asked: Create = call.input()?;
    let id = names::identifier("DBInstanceIdentifier", &asked.id, names::LONGEST_IDENTIFIER)?;
    let cluster =
        find(&cx.r.rds.clusters, asked.cluster.as_deref().ok_or_else(|| required("DBClusterIdentifier"))?)?;
    let cluster = cluster.clone();
    let mut instance = planned(cx, asked, id, &cluster)?;
    free(&cx.r.rds.instances, &instance.id)?;

    // Everything is checked; from here on things change.
    instance.dbi_resource_id = format!("db-{}", letters(cx, 26));
    instance.interface.id = cx.r.rds.ids.id("eni");
    let id = instance.id.clone();
    let member = Member {
        id: id.clone(),
        // The first one writes (Aurora User Guide, "Aurora DB clusters").
        is_cluster_writer: !cluster.has_writer(),
        parameter_group_status: "in-sync".to_owned(),
        promotion_tier: instance.promotion_tier,
    };
    instance.next = ready(cx, &cluster, &instance);
    let runs = instance.next.is_none();
    cx.r.rds.instances.insert(id.clone(), instance);
    kind::find_mut(&mut cx.r.rds.clusters, &cluster.id)?.members.push(member);
    if runs {
        life_cycle::instance_is_available(cx, &id);
    }
    let state = &cx.r.rds;
    Ok(json!({"DBInstance": find(&state.instances, &id)?.show(state, cx.region)}))
}

/// When the instance can be used: its cluster comes first, and one that is made beside another one takes longer.
fn ready(cx: &Cx<'_>, cluster: &Cluster, instance: &Instance) -> Option<Next> {
    let creating = |member: &Member| {
        cx.r.rds.instances.get(&member.id).is_some_and(|instance| instance.status == "creating")
    };
    let spread: Spread = if cluster.members.iter().any(creating) { SIBLING } else { INSTANCE.create };
    let waits = cluster.next.as_ref().filter(|_| cluster.status == "creating");
    let waits = waits.map_or(0, |next| (next.at_millis - cx.now_millis).max(0));
    let at_millis = cx.after(spread, &instance.dbi_resource_id)? + waits;
    Some(Next { state: "available".to_owned(), at_millis })
}

/// The instance that is to be, without what only a new one gets.
fn planned(cx: &Cx<'_>, asked: Create, id: String, cluster: &Cluster) -> Result<Instance, Refusal> {
    check_engine(&asked.engine)?;
    if ["deleting", "starting", "stopped", "stopping"].contains(&cluster.status.as_str()) {
        return Err(busy(format!("DBCluster {} is in {} state.", cluster.id, cluster.status)));
    }
    check_version(cluster, asked.engine_version.as_deref())?;
    check_class(&asked.class)?;
    check_capacity(cluster, &asked.class)?;
    let subnet_group = find(&cx.r.rds.subnet_groups, &cluster.subnet_group)?;
    if asked.subnet_group.as_ref().is_some_and(|name| kind::key(name) != subnet_group.name) {
        let message = "The DB subnet group of the DB Instance must be the one of its DB Cluster.";
        return Err(combination(message));
    }
    let parameter_group = parameter_group(cx, cluster, asked.parameter_group.as_deref())?;
    let maintenance = match asked.preferred_maintenance_window.as_deref() {
        Some(text) => Window::maintenance(text)?,
        None => Window::maintenance(&cluster.preferred_maintenance_window)?,
    };
    Window::check_apart(Window::backup(&cluster.preferred_backup_window)?, maintenance)?;
    let (availability_zone, subnet_id) =
        place(cx, cluster, subnet_group, asked.availability_zone.as_deref())?;
    let watching = cluster.watching.changed(
        cx,
        WatchingAsked {
            interval: asked.monitoring_interval,
            role_arn: asked.monitoring_role_arn,
            insights: asked.enable_performance_insights,
            insights_key: asked.performance_insights_key,
            insights_days: asked.performance_insights_retention_period,
        },
    )?;
    Ok(Instance {
        arn: cx.arn("rds", &format!("{}:{id}", Instance::KIND.resource)),
        dbi_resource_id: String::new(),
        cluster: cluster.id.clone(),
        class: asked.class,
        status: "creating".to_owned(),
        availability_zone,
        parameter_groups: vec![GroupStatus::in_sync(parameter_group)],
        preferred_maintenance_window: maintenance.text(),
        auto_minor_version_upgrade: asked.auto_minor_version_upgrade.unwrap_or(true),
        publicly_accessible: public_access(cx, asked.publicly_accessible, &subnet_group.vpc_id)?,
        promotion_tier: tier(asked.promotion_tier.unwrap_or(1))?,
        certificate_authority: certificate_authority(asked.certificate_authority)?,
        watching,
        instance_create_time: cx.now_seconds(),
        pending_modified_values: Pending::default(),
        pending_millis: None,
        interface: Place { id: String::new(), subnet_id },
        tags: tags::read(asked.tags)?,
        begins: None,
        next: None,
        id,
    })
}

fn check_version(cluster: &Cluster, asked: Option<&str>) -> Result<(), Refusal> {
    match asked {
        Some(version) if version != cluster.engine_version => Err(combination(format!(
            "The engine version that you requested for your DB instance ({version}) does not match the engine version of \
             your DB cluster ({}).",
            cluster.engine_version
        ))),
        _ => Ok(()),
    }
}

/// Aurora User Guide, "Creating a DB cluster that uses Aurora Serverless v2": the cluster needs a capacity range before
/// it can have such an instance.
pub(super) fn check_capacity(cluster: &Cluster, class: &str) -> Result<(), Refusal> {
    refuse_if(class == "db.serverless" && cluster.serverless_v2_scaling_configuration.is_none(), || {
        combination(
            "Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB \
             instance.",
        )
    })
}

/// The name of the parameter group asked for, or of AWS's own one.
pub(super) fn parameter_group(
    cx: &Cx<'_>,
    cluster: &Cluster,
    asked: Option<&str>,
) -> Result<String, Refusal> {
    let own = parameter_group::default_name(&cluster.version().family());
    let name = asked.map_or(own, kind::key);
    check_family(find(&cx.r.rds.parameter_groups, &name)?, cluster.version())?;
    Ok(name)
}

/// The zone and the subnet: in the zone asked for, or else where the cluster has the fewest instances.
fn place(
    cx: &Cx<'_>,
    cluster: &Cluster,
    group: &SubnetGroup,
    asked: Option<&str>,
) -> Result<(String, String), Refusal> {
    let instances = |zone: &str| {
        let members = cluster.members.iter().filter_map(|member| cx.r.rds.instances.get(&member.id));
        members.filter(|instance| instance.availability_zone == zone).count()
    };
    let fits = |zone: &str| asked.is_none_or(|asked| asked == zone);
    let subnets = group.subnets.iter().filter(|subnet| fits(&subnet.subnet_availability_zone.name));
    subnets
        .min_by_key(|subnet| instances(&subnet.subnet_availability_zone.name))
        .map(|subnet| (subnet.subnet_availability_zone.name.clone(), subnet.subnet_identifier.clone()))
        .ok_or_else(|| {
            let zone = asked.unwrap_or("any zone");
            let message = format!("The DB subnet group {} has no subnet in {zone}.", group.name);
            Refusal::new("InvalidVPCNetworkStateFault", message)
        })
}

/// RDS API Reference, CreateDBInstance, `PubliclyAccessible`: with a subnet group it depends on the VPC's internet
/// gateway, which a public instance needs.
pub(super) fn public_access(cx: &Cx<'_>, asked: Option<bool>, vpc_id: &str) -> Result<bool, Refusal> {
    let has_gateway = cx.r.ec2.has_internet_gateway(vpc_id);
    match asked {
        Some(true) if !has_gateway => Err(Refusal::new(
            "InvalidVPCNetworkStateFault",
            "Cannot create a publicly accessible DBInstance. The specified VPC has no internet gateway attached. Update \
             the VPC and then try again",
        )),
        Some(asked) => Ok(asked),
        None => Ok(has_gateway),
    }
}

/// RDS API Reference, CreateDBInstance, `PromotionTier`.
pub(super) fn tier(tier: i64) -> Result<i64, Refusal> {
    match tier {
        0..=15 => Ok(tier),
        _ => Err(invalid(format!("Invalid promotion tier: {tier}. It must be from 0 to 15."))),
    }
}

/// RDS API Reference, CreateDBInstance, `CACertificateIdentifier` and error `CertificateNotFound`.
pub(super) fn certificate_authority(asked: Option<String>) -> Result<String, Refusal> {
    match asked {
        None => Ok(CERTIFICATE_AUTHORITIES[0].to_owned()),
        Some(authority) if CERTIFICATE_AUTHORITIES.contains(&authority.as_str()) => Ok(authority),
        Some(other) => Err(missing("CertificateNotFound", "Certificate", &other)),
    }
}
