//! RDS: each rule, and the code with which it refuses.

use std::pin::Pin;

use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rds::types::{
    ApplyMethod, CloudwatchLogsExportConfiguration, DatabaseInsightsMode, ServerlessV2ScalingConfiguration,
    Tag,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::rds::{Db, ROLE, parameter, scaling, subnet};
use crate::support::{REGION, config};

/// The error code of a refused call with its HTTP status where it is not 400, or `ok`.
fn code<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E, HttpResponse>>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(SdkError::ServiceError(error)) => {
            let code = error.err().code().unwrap_or("none");
            match error.raw().status().as_u16() {
                400 => code.to_owned(),
                status => format!("{code} {status}"),
            }
        }
        Err(_) => "no answer".to_owned(),
    }
}

/// A rule, the code that it refuses with, and a call that it refuses.
struct Row<'a> {
    rule: &'static str,
    wanted: &'static str,
    answer: Pin<Box<dyn Future<Output = String> + 'a>>,
}

fn row<'a, T, E: ProvideErrorMetadata>(
    rule: &'static str,
    wanted: &'static str,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + 'a,
) -> Row<'a> {
    Row { rule, wanted, answer: Box::pin(async { code(call.await) }) }
}

async fn check(rows: impl IntoIterator<Item = Row<'_>>) {
    for Row { rule, wanted, answer } in rows {
        assert_eq!(answer.await, wanted, "{rule}");
    }
}

const VALUE: &str = "InvalidParameterValue";
const COMBINATION: &str = "InvalidParameterCombination";
const NO_CLUSTER: &str = "DBClusterNotFoundFault 404";
const BUSY: &str = "InvalidDBClusterStateFault";

/// Everything of RDS that can be seen.
async fn everything(db: &Db) -> String {
    let clusters = db.rds.describe_db_clusters().send().await.unwrap();
    let instances = db.rds.describe_db_instances().send().await.unwrap();
    let snapshots = db.rds.describe_db_cluster_snapshots().send().await.unwrap();
    let subnets = db.rds.describe_db_subnet_groups().send().await.unwrap();
    let groups = db.rds.describe_db_cluster_parameter_groups().send().await.unwrap();
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        clusters.db_clusters(),
        instances.db_instances(),
        snapshots.db_cluster_snapshots(),
        subnets.db_subnet_groups(),
        groups.db_cluster_parameter_groups()
    )
}

#[tokio::test(start_paused = true)]
async fn what_a_new_cluster_may_not_be() {
    let db = Db::in_memory().await;
    db.cluster("taken").send().await.unwrap();
    let other_vpc = db.cloud.vpc_with("10.9.0.0/16").await;
    let foreign = db.cloud.group(&other_vpc, "foreign").await;
    let group = db.rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name("p16");
    group.db_parameter_group_family("aurora-postgresql16").description("d").send().await.unwrap();
    let kms = aws_sdk_kms::Client::new(&config(&db.cloud.emulator, REGION));
    let disabled = kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    kms.disable_key().key_id(&disabled).send().await.unwrap();
    let before = everything(&db).await;
    let c = || db.cluster("c");
    let password =
        |password: &str| c().manage_master_user_password(false).master_user_password(password).send();
    check([
        row("a name is used once", "DBClusterAlreadyExistsFault", db.cluster("TAKEN").send()),
        row("a name has no double hyphen", VALUE, db.cluster("a--b").send()),
        row("a name begins with a letter", VALUE, db.cluster("1a").send()),
        row("a name does not end with a hyphen", VALUE, db.cluster("a-").send()),
        row("a name has 63 characters at most", VALUE, db.cluster(&"a".repeat(64)).send()),
        row("the engine is the one modelled", VALUE, c().engine("mysql").send()),
        row("the mode is provisioned", VALUE, c().engine_mode("serverless").send()),
        row("the version exists", COMBINATION, c().engine_version("16.6").send()),
        row("the version exists at all", COMBINATION, c().engine_version("99.1").send()),
        row("the master user is not reserved", VALUE, c().master_username("admin").send()),
        row("the master user is not RDS's own", VALUE, c().master_username("rdsadmin").send()),
        row("the master user is a name", VALUE, c().master_username("1payments").send()),
        row("there is a password", VALUE, c().manage_master_user_password(false).send()),
        row("there is one password", COMBINATION, c().master_user_password("long-enough").send()),
        row("the password is long enough", VALUE, password("short")),
        row("the password has no @", VALUE, password("long@enough")),
        row(
            "the secret's key is of a managed secret",
            COMBINATION,
            c().manage_master_user_password(false)
                .master_user_password("long-enough")
                .master_user_secret_kms_key_id(&db.key)
                .send(),
        ),
        row(
            "the secret's key can be used",
            "KMSKeyNotAccessibleFault",
            c().master_user_secret_kms_key_id("no-such-key").send(),
        ),
        row(
            "the key can be used",
            "KMSKeyNotAccessibleFault",
            c().storage_encrypted(true).kms_key_id("no-such-key").send(),
        ),
        row(
            "the key is enabled",
            "KMSKeyNotAccessibleFault",
            c().storage_encrypted(true).kms_key_id(&disabled).send(),
        ),
        row("a key encrypts something", COMBINATION, c().kms_key_id(&db.key).send()),
        row(
            "the subnet group exists",
            "DBSubnetGroupNotFoundFault 404",
            c().db_subnet_group_name("nowhere").send(),
        ),
        row(
            "the parameter group exists",
            "DBClusterParameterGroupNotFound 404",
            c().db_cluster_parameter_group_name("nothing").send(),
        ),
        row(
            "the parameter group fits the version",
            COMBINATION,
            c().engine_version("17.7").db_cluster_parameter_group_name("p16").send(),
        ),
        row("the security group exists", VALUE, c().vpc_security_group_ids("sg-0").send()),
        row("the security group is in the VPC", COMBINATION, c().vpc_security_group_ids(&foreign).send()),
        row(
            "the zone is one of the region's",
            "InvalidVPCNetworkStateFault",
            c().availability_zones("eu-west-1a").send(),
        ),
        row("the network has IPv6", "NetworkTypeNotSupported", c().network_type("DUAL").send()),
    ])
    .await;
    assert_eq!(everything(&db).await, before);
}

#[tokio::test(start_paused = true)]
async fn what_a_new_cluster_may_not_be_set_to() {
    let db = Db::in_memory().await;
    let before = everything(&db).await;
    let c = || db.cluster("c");
    let capacity = |min, max| c().serverless_v2_scaling_configuration(scaling(min, max)).send();
    let pause = |min, seconds| {
        let scaling = ServerlessV2ScalingConfiguration::builder().min_capacity(min).max_capacity(4.0);
        c().serverless_v2_scaling_configuration(scaling.seconds_until_auto_pause(seconds).build()).send()
    };
    let windows = |backup: &str, maintenance: &str| {
        c().preferred_backup_window(backup).preferred_maintenance_window(maintenance).send()
    };
    let half = ServerlessV2ScalingConfiguration::builder().min_capacity(1.0).build();
    check([
        row("the port is high enough", VALUE, c().port(1149).send()),
        row("backups are kept for a day", VALUE, c().backup_retention_period(0).send()),
        row("backups are kept for 35 days", VALUE, c().backup_retention_period(36).send()),
        row("windows do not overlap", VALUE, windows("04:30-05:30", "sun:04:00-sun:05:00")),
        row("a window has half an hour", VALUE, windows("03:00-03:29", "sun:04:00-sun:05:00")),
        row("a window is well formed", VALUE, windows("3-4", "sun:04:00-sun:05:00")),
        row("the log exists", COMBINATION, c().enable_cloudwatch_logs_exports("audit").send()),
        row("the storage exists", COMBINATION, c().storage_type("gp3").send()),
        row("the life cycle exists", VALUE, c().engine_lifecycle_support("forever").send()),
        row("capacity has both ends", COMBINATION, c().serverless_v2_scaling_configuration(half).send()),
        row("capacity is in steps", VALUE, capacity(0.7, 2.0)),
        row("capacity ends at 256", VALUE, capacity(1.0, 256.5)),
        row("capacity is not negative", VALUE, capacity(-0.5, 2.0)),
        row("the minimum is the smaller one", COMBINATION, capacity(4.0, 2.0)),
        row("only zero pauses", COMBINATION, pause(0.5, 300)),
        row("a pause comes after five minutes", VALUE, pause(0.0, 299)),
        row("a pause comes within a day", VALUE, pause(0.0, 86_401)),
        row("monitoring has a role", COMBINATION, c().monitoring_interval(60).send()),
        row("a role monitors something", COMBINATION, c().monitoring_role_arn(ROLE).send()),
        row("the interval exists", VALUE, c().monitoring_interval(7).monitoring_role_arn(ROLE).send()),
        row(
            "the role exists",
            VALUE,
            c().monitoring_interval(60).monitoring_role_arn(format!("{ROLE}-2")).send(),
        ),
        row(
            "advanced insights need their days",
            COMBINATION,
            c().database_insights_mode(DatabaseInsightsMode::Advanced).send(),
        ),
        row(
            "insights have days of their own",
            VALUE,
            c().enable_performance_insights(true).performance_insights_retention_period(94).send(),
        ),
        row(
            "insights are on where they are kept",
            COMBINATION,
            c().performance_insights_retention_period(7).send(),
        ),
        row("tags are not AWS's", VALUE, c().tags(tag("aws:x", "y")).send()),
        row("what is not modelled is named", "UnknownParameter", c().option_group_name("o").send()),
    ])
    .await;
    assert_eq!(everything(&db).await, before);
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[tokio::test(start_paused = true)]
async fn what_a_cluster_may_not_become() {
    let db = Db::in_memory().await;
    db.serverless("c").engine_version("16.10").deletion_protection(true).send().await.unwrap();
    db.serverless("d").send().await.unwrap();
    db.instance("i", "d").send().await.unwrap();
    let snapshot = db.rds.create_db_cluster_snapshot().db_cluster_identifier("c");
    snapshot.db_cluster_snapshot_identifier("s").send().await.unwrap();
    let before = everything(&db).await;
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c");
    let delete = |id: &str| db.rds.delete_db_cluster().db_cluster_identifier(id);
    let exports = CloudwatchLogsExportConfiguration::builder().enable_log_types("audit").build();
    check([
        row("the cluster exists", NO_CLUSTER, modify().db_cluster_identifier("x").send()),
        row("versions do not go back", COMBINATION, modify().engine_version("16.9").send()),
        row("a major version is asked for", COMBINATION, modify().engine_version("17.7").send()),
        row(
            "a major version is not modelled",
            COMBINATION,
            modify().engine_version("17.7").allow_major_version_upgrade(true).send(),
        ),
        row(
            "a managed password is not set",
            COMBINATION,
            modify().master_user_password("long-enough").send(),
        ),
        row("an unmanaged password is set", COMBINATION, modify().manage_master_user_password(false).send()),
        row(
            "a secret keeps its key",
            COMBINATION,
            modify().manage_master_user_password(true).master_user_secret_kms_key_id(&db.key).send(),
        ),
        row(
            "windows do not overlap",
            VALUE,
            modify()
                .preferred_backup_window("04:30-05:30")
                .preferred_maintenance_window("sun:04:00-sun:05:00")
                .send(),
        ),
        row("the log exists", COMBINATION, modify().cloudwatch_logs_export_configuration(exports).send()),
        row(
            "the capacity fits the other end",
            COMBINATION,
            modify()
                .serverless_v2_scaling_configuration(
                    ServerlessV2ScalingConfiguration::builder().min_capacity(3.0).build(),
                )
                .send(),
        ),
        row(
            "the parameter group exists",
            "DBClusterParameterGroupNotFound 404",
            modify().db_cluster_parameter_group_name("nothing").send(),
        ),
        row(
            "the parameter group fits",
            COMBINATION,
            modify().db_cluster_parameter_group_name("default.aurora-postgresql17").send(),
        ),
        row("what is not modelled is named", "UnknownParameter", modify().backtrack_window(1).send()),
        row("the deleted one exists", NO_CLUSTER, delete("x").skip_final_snapshot(true).send()),
        row("a protected one stays", COMBINATION, delete("c").skip_final_snapshot(true).send()),
        row("one with instances stays", BUSY, delete("d").skip_final_snapshot(true).send()),
    ])
    .await;
    assert_eq!(everything(&db).await, before);

    db.rds.delete_db_instance().db_instance_identifier("i").send().await.unwrap();
    check([
        row("a final snapshot has a name", COMBINATION, delete("d").send()),
        row(
            "no final snapshot has no name",
            COMBINATION,
            delete("d").skip_final_snapshot(true).final_db_snapshot_identifier("f").send(),
        ),
        row(
            "a final snapshot's name is free",
            "DBClusterSnapshotAlreadyExistsFault",
            delete("d").final_db_snapshot_identifier("S").send(),
        ),
        row(
            "backups go with the cluster",
            VALUE,
            delete("d").skip_final_snapshot(true).delete_automated_backups(false).send(),
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_an_instance_may_not_be() {
    let db = Db::in_memory().await;
    db.serverless("c").preferred_backup_window("03:00-04:00").send().await.unwrap();
    db.cluster("plain").send().await.unwrap();
    db.subnet_group("other", &db.subnets[..2]).send().await.unwrap();
    db.instance("taken", "c").send().await.unwrap();
    let before = everything(&db).await;
    let i = || db.instance("i", "c");
    let modify = || db.rds.modify_db_instance().db_instance_identifier("taken");
    check([
        row("a name is used once", "DBInstanceAlreadyExists", db.instance("Taken", "c").send()),
        row("a name has no dot", VALUE, db.instance("a.b", "c").send()),
        row("the cluster is there first", NO_CLUSTER, db.instance("i", "x").send()),
        row("serverless needs a capacity", COMBINATION, db.instance("i", "plain").send()),
        row("the class exists", VALUE, i().db_instance_class("db.huge").send()),
        row("the class is Aurora's", VALUE, i().db_instance_class("db.m5.large").send()),
        row("the version is the cluster's", COMBINATION, i().engine_version("16.9").send()),
        row("the engine is the one modelled", VALUE, i().engine("postgres").send()),
        row("the subnet group is the cluster's", COMBINATION, i().db_subnet_group_name("other").send()),
        row(
            "the zone has a subnet",
            "InvalidVPCNetworkStateFault",
            i().availability_zone("eu-west-1a").send(),
        ),
        row("the tier ends at 15", VALUE, i().promotion_tier(16).send()),
        row(
            "the authority exists",
            "CertificateNotFound 404",
            i().ca_certificate_identifier("rds-ca-2019").send(),
        ),
        row(
            "the parameter group exists",
            "DBParameterGroupNotFound 404",
            i().db_parameter_group_name("nothing").send(),
        ),
        row(
            "a public one has a gateway",
            "InvalidVPCNetworkStateFault",
            i().publicly_accessible(true).send(),
        ),
        row(
            "its maintenance is not in the cluster's backup",
            VALUE,
            i().preferred_maintenance_window("sun:03:30-sun:04:30").send(),
        ),
        row("monitoring has a role", COMBINATION, i().monitoring_interval(60).send()),
        row("the cluster has the user", COMBINATION, i().master_username("x").send()),
        row("the cluster has the groups", COMBINATION, i().vpc_security_group_ids(&db.group).send()),
        row("the cluster has the backups", COMBINATION, i().backup_retention_period(7).send()),
        row("the cluster has the key", COMBINATION, i().kms_key_id(&db.key).send()),
        row("the changed one exists", "DBInstanceNotFound 404", modify().db_instance_identifier("x").send()),
        row("the changed tier ends at 15", VALUE, modify().promotion_tier(16).send()),
        row("the cluster's settings stay there", COMBINATION, modify().backup_retention_period(7).send()),
        row(
            "what is not modelled is named",
            "UnknownParameter",
            modify().new_db_instance_identifier("x").send(),
        ),
        row(
            "the deleted one exists",
            "DBInstanceNotFound 404",
            db.rds.delete_db_instance().db_instance_identifier("x").send(),
        ),
        row(
            "an instance leaves no snapshot",
            COMBINATION,
            db.rds
                .delete_db_instance()
                .db_instance_identifier("taken")
                .final_db_snapshot_identifier("f")
                .send(),
        ),
    ])
    .await;
    assert_eq!(everything(&db).await, before);
}

#[tokio::test(start_paused = true)]
async fn what_groups_may_not_be() {
    let db = Db::in_memory().await;
    let other_vpc = db.cloud.vpc_with("10.9.0.0/16").await;
    let foreign = [
        subnet(&db.cloud, &other_vpc, "a", "10.9.0.0/24").await,
        subnet(&db.cloud, &other_vpc, "b", "10.9.1.0/24").await,
    ];
    let same_zone = subnet(&db.cloud, &db.vpc, "a", "10.0.30.0/24").await;
    db.serverless("c").send().await.unwrap();
    let instance = db.instance("i", "c").availability_zone(format!("{REGION}c")).send().await.unwrap();
    assert_eq!(instance.db_instance.unwrap().availability_zone(), Some(format!("{REGION}c").as_str()));
    let before = everything(&db).await;
    let make = |name: &str, subnets: &[&String]| {
        let subnets: Vec<String> = subnets.iter().map(|id| (*id).clone()).collect();
        db.subnet_group(name, &subnets).send()
    };
    let modify = |subnets: &[&String]| {
        let subnets = subnets.iter().map(|id| (*id).clone()).collect();
        db.rds.modify_db_subnet_group().db_subnet_group_name("subnets").set_subnet_ids(Some(subnets)).send()
    };
    let [a, b, _] = &db.subnets[..] else { panic!("there are three") };
    let delete = |name: &str| db.rds.delete_db_subnet_group().db_subnet_group_name(name).send();
    check([
        row("a name is used once", "DBSubnetGroupAlreadyExists", make("SUBNETS", &[a, b])),
        row("a name is not default", VALUE, make("Default", &[a, b])),
        row("two zones are covered", "DBSubnetGroupDoesNotCoverEnoughAZs", make("g", &[a, &same_zone])),
        row("subnets exist", "InvalidSubnet", make("g", &[a, &"subnet-0".to_owned()])),
        row("subnets are in one VPC", "InvalidSubnet", make("g", &[a, &foreign[1]])),
        row("two zones stay covered", "DBSubnetGroupDoesNotCoverEnoughAZs", modify(&[a])),
        row("the VPC stays", VALUE, modify(&[&foreign[0], &foreign[1]])),
        row("a used subnet stays", "SubnetAlreadyInUse", modify(&[a, b])),
        row("a used group stays", "InvalidDBSubnetGroupStateFault", delete("subnets")),
        row("the deleted one exists", "DBSubnetGroupNotFoundFault 404", delete("x")),
    ])
    .await;
    assert_eq!(everything(&db).await, before);
}

#[tokio::test(start_paused = true)]
async fn what_parameters_may_not_be() {
    let db = Db::in_memory().await;
    let make = |name: &str, family: &str| {
        let call = db.rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name(name);
        call.db_parameter_group_family(family).description("d").send()
    };
    make("p", "aurora-postgresql17").await.unwrap();
    let group = db.rds.create_db_parameter_group().db_parameter_group_name("i");
    group.db_parameter_group_family("aurora-postgresql17").description("d").send().await.unwrap();
    db.serverless("c").db_cluster_parameter_group_name("p").send().await.unwrap();
    db.instance("i", "c").db_parameter_group_name("i").send().await.unwrap();
    let set = |group: &str, name: &str, value: &str, method: ApplyMethod| {
        let call = db.rds.modify_db_cluster_parameter_group().db_cluster_parameter_group_name(group);
        call.parameters(parameter(name, value, method)).send()
    };
    let now = || ApplyMethod::Immediate;
    let default = "default.aurora-postgresql17";
    let many = (0..21).map(|_| parameter("log_connections", "1", now())).collect();
    let delete =
        |name: &str| db.rds.delete_db_cluster_parameter_group().db_cluster_parameter_group_name(name).send();
    let delete_small = |name: &str| db.rds.delete_db_parameter_group().db_parameter_group_name(name).send();
    let unknown = "DBParameterGroupNotFound 404";
    let state = "InvalidDBParameterGroupState";
    check([
        row("a name is used once", "DBParameterGroupAlreadyExists", make("P", "aurora-postgresql17")),
        row("a name has no dot", VALUE, make("default.p", "aurora-postgresql17")),
        row("the family exists", VALUE, make("q", "aurora-postgresql9")),
        row("the group exists", unknown, set("x", "log_connections", "1", now())),
        row("AWS's own is not changed", VALUE, set(default, "log_connections", "1", now())),
        row("the parameter exists", VALUE, set("p", "no_such_parameter", "1", now())),
        row("a flag is 0 or 1", VALUE, set("p", "rds.force_ssl", "on", now())),
        row("a number is in its range", VALUE, set("p", "log_min_duration_statement", "-2", now())),
        row("a word is one of its words", VALUE, set("p", "ssl_min_protocol_version", "SSLv3", now())),
        row("a list has its words", VALUE, set("p", "pgaudit.log", "ddl,nonsense", now())),
        row("what RDS sets stays", VALUE, set("p", "data_directory", "/", now())),
        row(
            "a static one needs a restart",
            COMBINATION,
            set("p", "shared_preload_libraries", "pgaudit", now()),
        ),
        row(
            "a call changes 20 at most",
            VALUE,
            db.rds
                .modify_db_cluster_parameter_group()
                .db_cluster_parameter_group_name("p")
                .set_parameters(Some(many))
                .send(),
        ),
        row(
            "instances have no cluster parameters",
            VALUE,
            db.rds
                .modify_db_parameter_group()
                .db_parameter_group_name("i")
                .parameters(parameter("rds.force_ssl", "1", now()))
                .send(),
        ),
        row("a used group stays", state, delete("p")),
        row("AWS's own stays", state, delete(default)),
        row("the deleted one exists", unknown, delete("x")),
        row("a used group of instances stays", state, delete_small("i")),
        row("AWS's own of instances stays", state, delete_small(default)),
    ])
    .await;
    // What needs a restart is said so.
    let call = set("p", "shared_preload_libraries", "pgaudit", ApplyMethod::PendingReboot);
    call.await.unwrap();
    let cluster = db.shown("c").await;
    let status = cluster.db_cluster_members()[0].db_cluster_parameter_group_status();
    assert_eq!(status, Some("pending-reboot"));
}

#[tokio::test(start_paused = true)]
async fn what_snapshots_tags_and_lists_may_not_be() {
    let db = Db::in_memory().await;
    db.serverless("c").send().await.unwrap();
    let make = |name: &str, cluster: &str| {
        let call = db.rds.create_db_cluster_snapshot().db_cluster_identifier(cluster);
        call.db_cluster_snapshot_identifier(name).send()
    };
    make("s", "c").await.unwrap();
    let found = db.rds.describe_db_cluster_snapshots().snapshot_type("automated").send().await.unwrap();
    let automated = found.db_cluster_snapshots()[0].db_cluster_snapshot_identifier().unwrap().to_owned();
    let delete = |name: &str| db.rds.delete_db_cluster_snapshot().db_cluster_snapshot_identifier(name).send();
    let list = |arn: &str| db.rds.list_tags_for_resource().resource_name(arn).send();
    let arn = |resource: &str| format!("arn:aws:rds:{REGION}:123456789012:{resource}");
    check([
        row("a name is used once", "DBClusterSnapshotAlreadyExistsFault", make("S", "c")),
        row("a name has no colon", VALUE, make("rds:s", "c")),
        row("the cluster exists", NO_CLUSTER, make("t", "x")),
        row("the deleted one exists", "DBClusterSnapshotNotFoundFault 404", delete("x")),
        row("an automated one stays", "InvalidDBClusterSnapshotStateFault", delete(&automated)),
        row(
            "the described one exists",
            "DBClusterSnapshotNotFoundFault 404",
            db.rds.describe_db_cluster_snapshots().db_cluster_snapshot_identifier("x").send(),
        ),
        row(
            "the described cluster exists",
            NO_CLUSTER,
            db.rds.describe_db_clusters().db_cluster_identifier("x").send(),
        ),
        row("a page has 20 at least", VALUE, db.rds.describe_db_clusters().max_records(19).send()),
        row("a page has 100 at most", VALUE, db.rds.describe_db_clusters().max_records(101).send()),
        row("a marker was given out", VALUE, db.rds.describe_db_clusters().marker("?").send()),
        row("a tagged cluster exists", NO_CLUSTER, list(&arn("cluster:x"))),
        row("a tagged instance exists", "DBInstanceNotFound 404", list(&arn("db:x"))),
        row("a tagged kind exists", VALUE, list(&arn("planet:x"))),
        row("a tagged thing has an ARN", VALUE, list("c")),
        row(
            "tags have keys",
            VALUE,
            db.rds.add_tags_to_resource().resource_name(arn("cluster:c")).tags(tag("", "v")).send(),
        ),
        row(
            "the engine is the one modelled",
            VALUE,
            db.rds.describe_db_engine_versions().engine("mysql").send(),
        ),
    ])
    .await;
}
