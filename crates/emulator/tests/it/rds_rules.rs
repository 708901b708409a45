//! RDS: each rule, and the code with which it refuses.

use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rds::types::{
    CloudwatchLogsExportConfiguration, DatabaseInsightsMode, ServerlessV2ScalingConfiguration, Tag,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::rds::{Db, ROLE, scaling, subnet};
use crate::rows::check;
use crate::support::{REGION, config};

/// The error code of a refused call with its HTTP status where it is not 400, or `ok`.
pub(crate) fn code<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E, HttpResponse>>) -> String {
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

pub(crate) const VALUE: &str = "InvalidParameterValue";
pub(crate) const COMBINATION: &str = "InvalidParameterCombination";
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
        ("a name is used once", "DBClusterAlreadyExistsFault", code(db.cluster("TAKEN").send().await)),
        ("a name has no double hyphen", VALUE, code(db.cluster("a--b").send().await)),
        ("a name begins with a letter", VALUE, code(db.cluster("1a").send().await)),
        ("a name does not end with a hyphen", VALUE, code(db.cluster("a-").send().await)),
        ("a name has 63 characters at most", VALUE, code(db.cluster(&"a".repeat(64)).send().await)),
        ("the engine is the one modelled", VALUE, code(c().engine("mysql").send().await)),
        ("the mode is provisioned", VALUE, code(c().engine_mode("serverless").send().await)),
        ("the version exists", COMBINATION, code(c().engine_version("16.6").send().await)),
        ("the version exists at all", COMBINATION, code(c().engine_version("99.1").send().await)),
        ("the master user is not reserved", VALUE, code(c().master_username("admin").send().await)),
        ("the master user is not RDS's own", VALUE, code(c().master_username("rdsadmin").send().await)),
        ("the master user is a name", VALUE, code(c().master_username("1payments").send().await)),
        ("there is a password", VALUE, code(c().manage_master_user_password(false).send().await)),
        ("there is one password", COMBINATION, code(c().master_user_password("long-enough").send().await)),
        ("the password is long enough", VALUE, code(password("short").await)),
        ("the password has no @", VALUE, code(password("long@enough").await)),
        (
            "the secret's key is of a managed secret",
            COMBINATION,
            code(
                c().manage_master_user_password(false)
                    .master_user_password("long-enough")
                    .master_user_secret_kms_key_id(&db.key)
                    .send()
                    .await,
            ),
        ),
        (
            "the secret's key can be used",
            "KMSKeyNotAccessibleFault",
            code(c().master_user_secret_kms_key_id("no-such-key").send().await),
        ),
        (
            "the key can be used",
            "KMSKeyNotAccessibleFault",
            code(c().storage_encrypted(true).kms_key_id("no-such-key").send().await),
        ),
        (
            "the key is enabled",
            "KMSKeyNotAccessibleFault",
            code(c().storage_encrypted(true).kms_key_id(&disabled).send().await),
        ),
        ("a key encrypts something", COMBINATION, code(c().kms_key_id(&db.key).send().await)),
        (
            "the subnet group exists",
            "DBSubnetGroupNotFoundFault 404",
            code(c().db_subnet_group_name("nowhere").send().await),
        ),
        (
            "the parameter group exists",
            "DBClusterParameterGroupNotFound 404",
            code(c().db_cluster_parameter_group_name("nothing").send().await),
        ),
        (
            "the parameter group fits the version",
            COMBINATION,
            code(c().engine_version("17.7").db_cluster_parameter_group_name("p16").send().await),
        ),
        ("the security group exists", VALUE, code(c().vpc_security_group_ids("sg-0").send().await)),
        (
            "the security group is in the VPC",
            COMBINATION,
            code(c().vpc_security_group_ids(&foreign).send().await),
        ),
        (
            "the zone is one of the region's",
            "InvalidVPCNetworkStateFault",
            code(c().availability_zones("eu-west-1a").send().await),
        ),
        ("the network has IPv6", "NetworkTypeNotSupported", code(c().network_type("DUAL").send().await)),
    ]);
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
        ("the port is high enough", VALUE, code(c().port(1149).send().await)),
        ("backups are kept for a day", VALUE, code(c().backup_retention_period(0).send().await)),
        ("backups are kept for 35 days", VALUE, code(c().backup_retention_period(36).send().await)),
        ("windows do not overlap", VALUE, code(windows("04:30-05:30", "sun:04:00-sun:05:00").await)),
        ("a window has half an hour", VALUE, code(windows("03:00-03:29", "sun:04:00-sun:05:00").await)),
        ("a window is well formed", VALUE, code(windows("3-4", "sun:04:00-sun:05:00").await)),
        ("the log exists", COMBINATION, code(c().enable_cloudwatch_logs_exports("audit").send().await)),
        ("the storage exists", COMBINATION, code(c().storage_type("gp3").send().await)),
        ("the life cycle exists", VALUE, code(c().engine_lifecycle_support("forever").send().await)),
        (
            "capacity has both ends",
            COMBINATION,
            code(c().serverless_v2_scaling_configuration(half).send().await),
        ),
        ("capacity is in steps", VALUE, code(capacity(0.7, 2.0).await)),
        ("capacity ends at 256", VALUE, code(capacity(1.0, 256.5).await)),
        ("capacity is not negative", VALUE, code(capacity(-0.5, 2.0).await)),
        ("the minimum is the smaller one", COMBINATION, code(capacity(4.0, 2.0).await)),
        ("only zero pauses", COMBINATION, code(pause(0.5, 300).await)),
        ("a pause comes after five minutes", VALUE, code(pause(0.0, 299).await)),
        ("a pause comes within a day", VALUE, code(pause(0.0, 86_401).await)),
        ("monitoring has a role", COMBINATION, code(c().monitoring_interval(60).send().await)),
        ("a role monitors something", COMBINATION, code(c().monitoring_role_arn(ROLE).send().await)),
        (
            "the interval exists",
            VALUE,
            code(c().monitoring_interval(7).monitoring_role_arn(ROLE).send().await),
        ),
        (
            "the role exists",
            VALUE,
            code(c().monitoring_interval(60).monitoring_role_arn(format!("{ROLE}-2")).send().await),
        ),
        (
            "advanced insights need their days",
            COMBINATION,
            code(c().database_insights_mode(DatabaseInsightsMode::Advanced).send().await),
        ),
        (
            "insights have days of their own",
            VALUE,
            code(
                c().enable_performance_insights(true).performance_insights_retention_period(94).send().await,
            ),
        ),
        (
            "insights are on where they are kept",
            COMBINATION,
            code(c().performance_insights_retention_period(7).send().await),
        ),
        ("tags are not AWS's", VALUE, code(c().tags(tag("aws:x", "y")).send().await)),
        ("what is not modelled is named", "UnknownParameter", code(c().option_group_name("o").send().await)),
    ]);
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
        ("the cluster exists", NO_CLUSTER, code(modify().db_cluster_identifier("x").send().await)),
        ("versions do not go back", COMBINATION, code(modify().engine_version("16.9").send().await)),
        ("a major version is asked for", COMBINATION, code(modify().engine_version("17.7").send().await)),
        (
            "a major version needs a parameter group of its own",
            COMBINATION,
            code(
                modify()
                    .engine_version("17.7")
                    .allow_major_version_upgrade(true)
                    .db_cluster_parameter_group_name("default.aurora-postgresql16")
                    .send()
                    .await,
            ),
        ),
        (
            "a managed password is not set",
            COMBINATION,
            code(modify().master_user_password("long-enough").send().await),
        ),
        (
            "an unmanaged password is set",
            COMBINATION,
            code(modify().manage_master_user_password(false).send().await),
        ),
        (
            "a secret keeps its key",
            COMBINATION,
            code(
                modify()
                    .manage_master_user_password(true)
                    .master_user_secret_kms_key_id(&db.key)
                    .send()
                    .await,
            ),
        ),
        (
            "windows do not overlap",
            VALUE,
            code(
                modify()
                    .preferred_backup_window("04:30-05:30")
                    .preferred_maintenance_window("sun:04:00-sun:05:00")
                    .send()
                    .await,
            ),
        ),
        (
            "the log exists",
            COMBINATION,
            code(modify().cloudwatch_logs_export_configuration(exports).send().await),
        ),
        (
            "the capacity fits the other end",
            COMBINATION,
            code(
                modify()
                    .serverless_v2_scaling_configuration(
                        ServerlessV2ScalingConfiguration::builder().min_capacity(3.0).build(),
                    )
                    .send()
                    .await,
            ),
        ),
        (
            "the parameter group exists",
            "DBClusterParameterGroupNotFound 404",
            code(modify().db_cluster_parameter_group_name("nothing").send().await),
        ),
        (
            "the parameter group fits",
            COMBINATION,
            code(modify().db_cluster_parameter_group_name("default.aurora-postgresql17").send().await),
        ),
        (
            "what is not modelled is named",
            "UnknownParameter",
            code(modify().backtrack_window(1).send().await),
        ),
        ("the deleted one exists", NO_CLUSTER, code(delete("x").skip_final_snapshot(true).send().await)),
        ("a protected one stays", COMBINATION, code(delete("c").skip_final_snapshot(true).send().await)),
        ("one with instances stays", BUSY, code(delete("d").skip_final_snapshot(true).send().await)),
    ]);
    assert_eq!(everything(&db).await, before);

    db.rds.delete_db_instance().db_instance_identifier("i").send().await.unwrap();
    check([
        ("a final snapshot has a name", COMBINATION, code(delete("d").send().await)),
        (
            "no final snapshot has no name",
            COMBINATION,
            code(delete("d").skip_final_snapshot(true).final_db_snapshot_identifier("f").send().await),
        ),
        (
            "a final snapshot's name is free",
            "DBClusterSnapshotAlreadyExistsFault",
            code(delete("d").final_db_snapshot_identifier("S").send().await),
        ),
        (
            "backups go with the cluster",
            VALUE,
            code(delete("d").skip_final_snapshot(true).delete_automated_backups(false).send().await),
        ),
    ]);
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
        ("a name is used once", "DBInstanceAlreadyExists", code(db.instance("Taken", "c").send().await)),
        ("a name has no dot", VALUE, code(db.instance("a.b", "c").send().await)),
        ("the cluster is there first", NO_CLUSTER, code(db.instance("i", "x").send().await)),
        ("serverless needs a capacity", COMBINATION, code(db.instance("i", "plain").send().await)),
        ("the class exists", VALUE, code(i().db_instance_class("db.huge").send().await)),
        ("the class is Aurora's", VALUE, code(i().db_instance_class("db.m5.large").send().await)),
        ("the version is the cluster's", COMBINATION, code(i().engine_version("16.9").send().await)),
        ("the engine is the one modelled", VALUE, code(i().engine("postgres").send().await)),
        (
            "the subnet group is the cluster's",
            COMBINATION,
            code(i().db_subnet_group_name("other").send().await),
        ),
        (
            "the zone has a subnet",
            "InvalidVPCNetworkStateFault",
            code(i().availability_zone("eu-west-1a").send().await),
        ),
        ("the tier ends at 15", VALUE, code(i().promotion_tier(16).send().await)),
        (
            "the authority exists",
            "CertificateNotFound 404",
            code(i().ca_certificate_identifier("rds-ca-2019").send().await),
        ),
        (
            "the parameter group exists",
            "DBParameterGroupNotFound 404",
            code(i().db_parameter_group_name("nothing").send().await),
        ),
        (
            "a public one has a gateway",
            "InvalidVPCNetworkStateFault",
            code(i().publicly_accessible(true).send().await),
        ),
        (
            "its maintenance is not in the cluster's backup",
            VALUE,
            code(i().preferred_maintenance_window("sun:03:30-sun:04:30").send().await),
        ),
        ("monitoring has a role", COMBINATION, code(i().monitoring_interval(60).send().await)),
        ("the cluster has the user", COMBINATION, code(i().master_username("x").send().await)),
        ("the cluster has the groups", COMBINATION, code(i().vpc_security_group_ids(&db.group).send().await)),
        ("the cluster has the backups", COMBINATION, code(i().backup_retention_period(7).send().await)),
        ("the cluster has the key", COMBINATION, code(i().kms_key_id(&db.key).send().await)),
        (
            "the changed one exists",
            "DBInstanceNotFound 404",
            code(modify().db_instance_identifier("x").send().await),
        ),
        ("the changed tier ends at 15", VALUE, code(modify().promotion_tier(16).send().await)),
        (
            "the cluster's settings stay there",
            COMBINATION,
            code(modify().backup_retention_period(7).send().await),
        ),
        (
            "what is not modelled is named",
            "UnknownParameter",
            code(modify().new_db_instance_identifier("x").send().await),
        ),
        (
            "the deleted one exists",
            "DBInstanceNotFound 404",
            code(db.rds.delete_db_instance().db_instance_identifier("x").send().await),
        ),
        (
            "an instance leaves no snapshot",
            COMBINATION,
            code(
                db.rds
                    .delete_db_instance()
                    .db_instance_identifier("taken")
                    .final_db_snapshot_identifier("f")
                    .send()
                    .await,
            ),
        ),
    ]);
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
        ("a name is used once", "DBSubnetGroupAlreadyExists", code(make("SUBNETS", &[a, b]).await)),
        ("a name is not default", VALUE, code(make("Default", &[a, b]).await)),
        (
            "two zones are covered",
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            code(make("g", &[a, &same_zone]).await),
        ),
        ("subnets exist", "InvalidSubnet", code(make("g", &[a, &"subnet-0".to_owned()]).await)),
        ("subnets are in one VPC", "InvalidSubnet", code(make("g", &[a, &foreign[1]]).await)),
        ("two zones stay covered", "DBSubnetGroupDoesNotCoverEnoughAZs", code(modify(&[a]).await)),
        ("the VPC stays", VALUE, code(modify(&[&foreign[0], &foreign[1]]).await)),
        ("a used subnet stays", "SubnetAlreadyInUse", code(modify(&[a, b]).await)),
        ("a used group stays", "InvalidDBSubnetGroupStateFault", code(delete("subnets").await)),
        ("the deleted one exists", "DBSubnetGroupNotFoundFault 404", code(delete("x").await)),
    ]);
    assert_eq!(everything(&db).await, before);
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
        ("a name is used once", "DBClusterSnapshotAlreadyExistsFault", code(make("S", "c").await)),
        ("a name has no colon", VALUE, code(make("rds:s", "c").await)),
        ("the cluster exists", NO_CLUSTER, code(make("t", "x").await)),
        ("the deleted one exists", "DBClusterSnapshotNotFoundFault 404", code(delete("x").await)),
        ("an automated one stays", "InvalidDBClusterSnapshotStateFault", code(delete(&automated).await)),
        (
            "the described one exists",
            "DBClusterSnapshotNotFoundFault 404",
            code(db.rds.describe_db_cluster_snapshots().db_cluster_snapshot_identifier("x").send().await),
        ),
        (
            "the described cluster exists",
            NO_CLUSTER,
            code(db.rds.describe_db_clusters().db_cluster_identifier("x").send().await),
        ),
        ("a page has 20 at least", VALUE, code(db.rds.describe_db_clusters().max_records(19).send().await)),
        ("a page has 100 at most", VALUE, code(db.rds.describe_db_clusters().max_records(101).send().await)),
        ("a marker was given out", VALUE, code(db.rds.describe_db_clusters().marker("?").send().await)),
        ("a tagged cluster exists", NO_CLUSTER, code(list(&arn("cluster:x")).await)),
        ("a tagged instance exists", "DBInstanceNotFound 404", code(list(&arn("db:x")).await)),
        ("a tagged kind exists", VALUE, code(list(&arn("planet:x")).await)),
        ("a tagged thing has an ARN", VALUE, code(list("c").await)),
        (
            "tags have keys",
            VALUE,
            code(
                db.rds.add_tags_to_resource().resource_name(arn("cluster:c")).tags(tag("", "v")).send().await,
            ),
        ),
        (
            "the engine is the one modelled",
            VALUE,
            code(db.rds.describe_db_engine_versions().engine("mysql").send().await),
        ),
    ]);
}
