//! RDS: everything that was sent comes back, and what RDS adds.

use std::path::Path;

use aws_sdk_rds::operation::create_db_cluster::builders::CreateDBClusterFluentBuilder;
use aws_sdk_rds::operation::create_db_instance::builders::CreateDBInstanceFluentBuilder;
use aws_sdk_rds::types::builders::ParameterBuilder;
use aws_sdk_rds::types::{
    ApplyMethod, CloudwatchLogsExportConfiguration, DatabaseInsightsMode, DbCluster, DbInstance, Filter,
    Parameter, ServerlessV2ScalingConfiguration, Tag,
};
use emulator::Emulator;

use crate::support::{Cloud, REGION, code, config};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/monitoring";

/// A network with a subnet group in it, and a client of RDS.
pub(crate) struct Db {
    pub(crate) cloud: Cloud,
    pub(crate) rds: aws_sdk_rds::Client,
    pub(crate) vpc: String,
    /// In the zones a, b and c.
    pub(crate) subnets: Vec<String>,
    pub(crate) group: String,
    /// The ARN of a key.
    pub(crate) key: String,
}

impl Db {
    pub(crate) async fn in_memory() -> Self {
        Db::of(Emulator::in_memory(), async || {}).await
    }

    /// The same; `pause` waits until what was made is seen.
    pub(crate) async fn of(emulator: Emulator, pause: impl AsyncFn()) -> Self {
        let rds = aws_sdk_rds::Client::new(&config(&emulator, REGION));
        let cloud = Cloud::of(emulator);
        cloud.link("rds.amazonaws.com").await;
        let vpc = cloud.vpc().await;
        pause().await;
        let mut subnets = Vec::new();
        for (zone, block) in [("a", "10.0.20.0/24"), ("b", "10.0.21.0/24"), ("c", "10.0.22.0/24")] {
            subnets.push(subnet(&cloud, &vpc, zone, block).await);
        }
        let group = cloud.group(&vpc, "db").await;
        let kms = aws_sdk_kms::Client::new(&config(&cloud.emulator, REGION));
        let key = cloud.key().await;
        kms.create_alias().alias_name("alias/db").target_key_id(&key).send().await.unwrap();
        cloud.role_for("monitoring", "monitoring.rds.amazonaws.com").await;
        pause().await;
        let db = Db { cloud, rds, vpc, subnets, group, key };
        db.subnet_group("subnets", &db.subnets).send().await.unwrap();
        db
    }

    pub(crate) fn subnet_group(
        &self,
        name: &str,
        subnets: &[String],
    ) -> aws_sdk_rds::operation::create_db_subnet_group::builders::CreateDBSubnetGroupFluentBuilder {
        let call = self.rds.create_db_subnet_group().db_subnet_group_name(name);
        call.db_subnet_group_description("for a test").set_subnet_ids(Some(subnets.to_vec()))
    }

    /// The least that makes a cluster.
    pub(crate) fn cluster(&self, id: &str) -> CreateDBClusterFluentBuilder {
        let call = self.rds.create_db_cluster().db_cluster_identifier(id).engine("aurora-postgresql");
        call.master_username("payments").manage_master_user_password(true).db_subnet_group_name("subnets")
    }

    /// A cluster for instances of Serverless v2.
    pub(crate) fn serverless(&self, id: &str) -> CreateDBClusterFluentBuilder {
        self.cluster(id).serverless_v2_scaling_configuration(scaling(0.5, 2.0))
    }

    pub(crate) fn instance(&self, id: &str, cluster: &str) -> CreateDBInstanceFluentBuilder {
        let call = self.rds.create_db_instance().db_instance_identifier(id).db_cluster_identifier(cluster);
        call.engine("aurora-postgresql").db_instance_class("db.serverless").publicly_accessible(false)
    }

    pub(crate) async fn shown(&self, id: &str) -> DbCluster {
        let found = self.rds.describe_db_clusters().db_cluster_identifier(id).send().await.unwrap();
        found.db_clusters()[0].clone()
    }

    pub(crate) async fn shown_instance(&self, id: &str) -> DbInstance {
        let found = self.rds.describe_db_instances().db_instance_identifier(id).send().await.unwrap();
        found.db_instances()[0].clone()
    }

    pub(crate) async fn delete_cluster(&self, id: &str) {
        let call = self.rds.delete_db_cluster().db_cluster_identifier(id).skip_final_snapshot(true);
        call.send().await.unwrap();
    }
}

pub(crate) async fn subnet(cloud: &Cloud, vpc: &str, zone: &str, block: &str) -> String {
    let call = cloud.ec2.create_subnet().vpc_id(vpc).cidr_block(block);
    let made = call.availability_zone(format!("{REGION}{zone}")).send().await.unwrap();
    made.subnet.unwrap().subnet_id.unwrap()
}

pub(crate) fn scaling(min: f64, max: f64) -> ServerlessV2ScalingConfiguration {
    ServerlessV2ScalingConfiguration::builder().min_capacity(min).max_capacity(max).build()
}

pub(crate) fn parameter(name: &str, value: &str, method: ApplyMethod) -> Parameter {
    let parameter: ParameterBuilder = Parameter::builder();
    parameter.parameter_name(name).parameter_value(value).apply_method(method).build()
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// Tags as pairs, in order.
fn pairs(tags: &[Tag]) -> Vec<(&str, &str)> {
    tags.iter().map(|tag| (tag.key().unwrap(), tag.value().unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_cluster_comes_back_as_it_was_made() {
    let db = Db::in_memory().await;
    let group = db.rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name("Params");
    let group = group.db_parameter_group_family("aurora-postgresql17").description("for a test");
    group.send().await.unwrap();
    let call =
        db.cluster("Pay-Dev").engine_version("17.7").engine_mode("provisioned").database_name("payments");
    let call = call.master_user_secret_kms_key_id("alias/db").vpc_security_group_ids(&db.group);
    let call =
        call.db_cluster_parameter_group_name("params").port(5433).storage_encrypted(true).kms_key_id(&db.key);
    let call = call.backup_retention_period(7).preferred_backup_window("03:00-04:00");
    let call = call.preferred_maintenance_window("Sun:04:00-Sun:05:00").storage_type("aurora-iopt1");
    let call = call.enable_cloudwatch_logs_exports("postgresql").enable_iam_database_authentication(true);
    let call = call.copy_tags_to_snapshot(true).deletion_protection(true).auto_minor_version_upgrade(true);
    let call = call.serverless_v2_scaling_configuration(
        ServerlessV2ScalingConfiguration::builder()
            .min_capacity(0.0)
            .max_capacity(4.5)
            .seconds_until_auto_pause(600)
            .build(),
    );
    let call = call.database_insights_mode(DatabaseInsightsMode::Advanced).enable_performance_insights(true);
    let call = call.performance_insights_retention_period(465).performance_insights_kms_key_id(&db.key);
    let call = call.monitoring_interval(60).monitoring_role_arn(ROLE).network_type("IPV4");
    let call = call.engine_lifecycle_support("open-source-rds-extended-support-disabled");
    let call = call.tags(tag("Name", "pay-dev")).tags(tag("Owner", "Zoë"));
    let made = call.send().await.unwrap().db_cluster.unwrap();

    let live = db.shown("PAY-DEV").await;
    assert_eq!(made, live);
    assert_eq!(live.status(), Some("available"));
    let arn = format!("arn:aws:rds:{REGION}:123456789012:cluster:pay-dev");
    assert_eq!(live.db_cluster_arn(), Some(arn.as_str()));
    assert_eq!(live.db_cluster_identifier(), Some("pay-dev"));
    assert_eq!((live.engine(), live.engine_version()), (Some("aurora-postgresql"), Some("17.7")));
    assert_eq!(live.engine_mode(), Some("provisioned"));
    assert_eq!((live.database_name(), live.master_username()), (Some("payments"), Some("payments")));
    assert_eq!(live.port(), Some(5433));
    assert_eq!(live.db_subnet_group(), Some("subnets"));
    assert_eq!(live.db_cluster_parameter_group(), Some("params"));
    let groups: Vec<_> =
        live.vpc_security_groups().iter().map(|group| group.vpc_security_group_id()).collect();
    assert_eq!(groups, [Some(db.group.as_str())]);
    assert_eq!((live.storage_encrypted(), live.kms_key_id()), (Some(true), Some(db.key.as_str())));
    assert_eq!(live.storage_type(), Some("aurora-iopt1"));
    assert_eq!(live.backup_retention_period(), Some(7));
    assert_eq!(live.preferred_backup_window(), Some("03:00-04:00"));
    assert_eq!(live.preferred_maintenance_window(), Some("sun:04:00-sun:05:00"));
    assert_eq!(live.enabled_cloudwatch_logs_exports(), ["postgresql"]);
    assert_eq!(live.iam_database_authentication_enabled(), Some(true));
    assert_eq!(live.copy_tags_to_snapshot(), Some(true));
    assert_eq!(live.deletion_protection(), Some(true));
    assert_eq!(live.auto_minor_version_upgrade(), Some(true));
    let scaling = live.serverless_v2_scaling_configuration().unwrap();
    assert_eq!((scaling.min_capacity(), scaling.max_capacity()), (Some(0.0), Some(4.5)));
    assert_eq!(scaling.seconds_until_auto_pause(), Some(600));
    assert_eq!(live.database_insights_mode(), Some(&DatabaseInsightsMode::Advanced));
    assert_eq!(live.performance_insights_enabled(), Some(true));
    assert_eq!(live.performance_insights_retention_period(), Some(465));
    assert_eq!(live.performance_insights_kms_key_id(), Some(db.key.as_str()));
    assert_eq!((live.monitoring_interval(), live.monitoring_role_arn()), (Some(60), Some(ROLE)));
    assert_eq!(live.network_type(), Some("IPV4"));
    assert_eq!(live.engine_lifecycle_support(), Some("open-source-rds-extended-support-disabled"));
    assert_eq!(pairs(live.tag_list()), [("Name", "pay-dev"), ("Owner", "Zoë")]);
    let zones = ["a", "b", "c"].map(|zone| format!("{REGION}{zone}"));
    assert_eq!(live.availability_zones(), zones);
    let secret = live.master_user_secret().unwrap();
    assert_eq!((secret.secret_status(), secret.kms_key_id()), (Some("active"), Some(db.key.as_str())));
    let prefix = format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:rds!cluster-");
    assert!(secret.secret_arn().unwrap().starts_with(&prefix), "{secret:?}");
}

#[tokio::test(start_paused = true)]
async fn the_managed_secret_is_a_secret_and_goes_with_the_cluster() {
    let db = Db::in_memory().await;
    let secrets = aws_sdk_secretsmanager::Client::new(&config(&db.cloud.emulator, REGION));
    let made = db.cluster("c").master_user_secret_kms_key_id("alias/db").send().await.unwrap();
    let arn = made.db_cluster.unwrap().master_user_secret.unwrap().secret_arn.unwrap();
    let secret = secrets.describe_secret().secret_id(&arn).send().await.unwrap();
    assert_eq!((secret.owning_service(), secret.kms_key_id()), (Some("rds"), Some(db.key.as_str())));
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c");
    let call = modify().manage_master_user_password(false).master_user_password("long-enough");
    assert_eq!(call.send().await.unwrap().db_cluster.unwrap().master_user_secret(), None);
    assert_eq!(code(secrets.describe_secret().secret_id(&arn).send().await), "ResourceNotFoundException");

    modify().manage_master_user_password(true).send().await.unwrap();
    let secret = db.shown("c").await.master_user_secret.unwrap();
    let (again, key) = (secret.secret_arn().unwrap(), secret.kms_key_id().unwrap());
    assert!(again != arn && key.contains(":key/"), "{secret:?}");
    // The key that all secrets have is not named.
    let described = secrets.describe_secret().secret_id(again).send().await.unwrap();
    assert_eq!(described.kms_key_id(), None);
    db.delete_cluster("c").await;
    assert_eq!(code(secrets.describe_secret().secret_id(again).send().await), "ResourceNotFoundException");
}

#[tokio::test(start_paused = true)]
async fn ids_and_endpoints_have_the_shapes_of_aws() {
    let db = Db::in_memory().await;
    db.serverless("one").send().await.unwrap();
    db.serverless("two").send().await.unwrap();
    db.instance("writer", "one").send().await.unwrap();
    let (one, two, writer) =
        (db.shown("one").await, db.shown("two").await, db.shown_instance("writer").await);

    let domain = format!(".{REGION}.rds.amazonaws.com");
    let account = one.endpoint().unwrap().strip_prefix("one.cluster-").unwrap();
    let account = account.strip_suffix(&domain).unwrap();
    assert!(
        account.len() == 12 && account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
        "{account}"
    );
    assert_eq!(one.reader_endpoint(), Some(format!("one.cluster-ro-{account}{domain}").as_str()));
    assert_eq!(two.endpoint(), Some(format!("two.cluster-{account}{domain}").as_str()));
    let endpoint = writer.endpoint().unwrap();
    assert_eq!(endpoint.address(), Some(format!("writer.{account}{domain}").as_str()));
    assert_eq!(endpoint.port(), Some(5432));
    assert_eq!(endpoint.hosted_zone_id(), one.hosted_zone_id());
    for (id, prefix) in [
        (one.db_cluster_resource_id(), "cluster-"),
        (two.db_cluster_resource_id(), "cluster-"),
        (writer.dbi_resource_id(), "db-"),
    ] {
        let rest = id.unwrap().strip_prefix(prefix).unwrap();
        assert!(
            rest.len() == 26 && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
            "{rest}"
        );
    }
    assert_ne!(one.db_cluster_resource_id(), two.db_cluster_resource_id());
    // The default capacity for nothing, and windows that RDS chose.
    assert!(one.preferred_backup_window().is_some() && one.preferred_maintenance_window().is_some());
    assert_eq!(one.db_cluster_parameter_group(), Some("default.aurora-postgresql17"));
}

#[tokio::test(start_paused = true)]
async fn an_instance_comes_back_as_it_was_made() {
    let db = Db::in_memory().await;
    db.serverless("c")
        .vpc_security_group_ids(&db.group)
        .preferred_backup_window("03:00-04:00")
        .send()
        .await
        .unwrap();
    let call = db.instance("One", "c").availability_zone(format!("{REGION}b")).promotion_tier(0);
    let call = call.auto_minor_version_upgrade(false).monitoring_interval(15).monitoring_role_arn(ROLE);
    let call = call.enable_performance_insights(true).performance_insights_retention_period(93);
    let call = call
        .ca_certificate_identifier("rds-ca-ecc384-g1")
        .preferred_maintenance_window("mon:05:00-mon:05:30");
    let made = call.tags(tag("Name", "one")).send().await.unwrap().db_instance.unwrap();

    let live = db.shown_instance("one").await;
    assert_eq!(made, live);
    assert_eq!(live.db_instance_status(), Some("available"));
    assert_eq!(live.db_instance_arn(), Some(format!("arn:aws:rds:{REGION}:123456789012:db:one").as_str()));
    assert_eq!(live.db_cluster_identifier(), Some("c"));
    assert_eq!((live.db_instance_class(), live.engine()), (Some("db.serverless"), Some("aurora-postgresql")));
    assert_eq!(live.availability_zone(), Some(format!("{REGION}b").as_str()));
    assert_eq!(live.promotion_tier(), Some(0));
    assert_eq!(live.auto_minor_version_upgrade(), Some(false));
    assert_eq!(live.publicly_accessible(), Some(false));
    assert_eq!((live.monitoring_interval(), live.monitoring_role_arn()), (Some(15), Some(ROLE)));
    assert!(live.enhanced_monitoring_resource_arn().unwrap().contains("RDSOSMetrics"));
    assert_eq!(live.performance_insights_enabled(), Some(true));
    assert_eq!(live.performance_insights_retention_period(), Some(93));
    assert_eq!(live.ca_certificate_identifier(), Some("rds-ca-ecc384-g1"));
    assert_eq!(live.preferred_maintenance_window(), Some("mon:05:00-mon:05:30"));
    assert_eq!(live.preferred_backup_window(), Some("03:00-04:00"));
    assert_eq!(live.db_subnet_group().unwrap().vpc_id(), Some(db.vpc.as_str()));
    assert_eq!(live.vpc_security_groups()[0].vpc_security_group_id(), Some(db.group.as_str()));
    assert_eq!(pairs(live.tag_list()), [("Name", "one")]);

    // The second goes to another zone and reads.
    db.instance("two", "c").send().await.unwrap();
    assert_ne!(db.shown_instance("two").await.availability_zone(), live.availability_zone());
    let cluster = db.shown("c").await;
    let members: Vec<_> = cluster
        .db_cluster_members()
        .iter()
        .map(|member| {
            (
                member.db_instance_identifier().unwrap(),
                member.is_cluster_writer().unwrap(),
                member.promotion_tier().unwrap(),
            )
        })
        .collect();
    assert_eq!(members, [("one", true, 0), ("two", false, 1)]);
    assert_eq!(cluster.multi_az(), Some(true));
}

#[tokio::test(start_paused = true)]
async fn changes_come_back() {
    let db = Db::in_memory().await;
    db.serverless("c").send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let call = db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true).port(6000);
    let call = call.backup_retention_period(35).preferred_backup_window("01:00-02:00");
    let call = call.preferred_maintenance_window("tue:02:00-tue:03:00").deletion_protection(true);
    let call = call.copy_tags_to_snapshot(true).enable_iam_database_authentication(true);
    let call = call.vpc_security_group_ids(&db.group).monitoring_interval(30).monitoring_role_arn(ROLE);
    let exports = CloudwatchLogsExportConfiguration::builder().enable_log_types("postgresql").build();
    let call = call.cloudwatch_logs_export_configuration(exports);
    let call = call.serverless_v2_scaling_configuration(scaling(1.0, 8.0)).storage_type("aurora-iopt1");
    call.send().await.unwrap();
    let live = db.shown("c").await;
    assert_eq!((live.port(), live.backup_retention_period()), (Some(6000), Some(35)));
    assert_eq!(live.preferred_backup_window(), Some("01:00-02:00"));
    assert_eq!(live.preferred_maintenance_window(), Some("tue:02:00-tue:03:00"));
    assert_eq!((live.deletion_protection(), live.copy_tags_to_snapshot()), (Some(true), Some(true)));
    assert_eq!(live.iam_database_authentication_enabled(), Some(true));
    assert_eq!(live.enabled_cloudwatch_logs_exports(), ["postgresql"]);
    assert_eq!(live.serverless_v2_scaling_configuration().unwrap().max_capacity(), Some(8.0));
    assert_eq!(live.storage_type(), Some("aurora-iopt1"));
    assert_eq!(db.shown_instance("i").await.monitoring_interval(), Some(30));
    let logs = db.cloud.logs.describe_log_groups().log_group_name_prefix("/aws/rds/cluster/c/").send().await;
    assert_eq!(logs.unwrap().log_groups()[0].log_group_name(), Some("/aws/rds/cluster/c/postgresql"));

    let call = db.rds.modify_db_instance().db_instance_identifier("i").apply_immediately(true);
    let call = call.promotion_tier(3).db_instance_class("db.r8g.large").auto_minor_version_upgrade(false);
    call.monitoring_interval(0).ca_certificate_identifier("rds-ca-rsa4096-g1").send().await.unwrap();
    let live = db.shown_instance("i").await;
    assert_eq!((live.promotion_tier(), live.db_instance_class()), (Some(3), Some("db.r8g.large")));
    assert_eq!((live.monitoring_interval(), live.monitoring_role_arn()), (Some(0), None));
    assert_eq!(live.ca_certificate_identifier(), Some("rds-ca-rsa4096-g1"));
    assert_eq!(db.shown("c").await.db_cluster_members()[0].promotion_tier(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn groups_and_their_parameters_come_back() {
    let db = Db::in_memory().await;
    let found = db.rds.describe_db_subnet_groups().db_subnet_group_name("Subnets").send().await.unwrap();
    let group = &found.db_subnet_groups()[0];
    assert_eq!((group.vpc_id(), group.subnet_group_status()), (Some(db.vpc.as_str()), Some("Complete")));
    assert_eq!(group.subnets().len(), 3);
    let call =
        db.rds.modify_db_subnet_group().db_subnet_group_name("subnets").db_subnet_group_description("new");
    let call = call.set_subnet_ids(Some(db.subnets[..2].to_vec()));
    let group = call.send().await.unwrap().db_subnet_group.unwrap();
    assert_eq!((group.db_subnet_group_description(), group.subnets().len()), (Some("new"), 2));

    let call =
        db.rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name("p").description("d");
    let call = call.db_parameter_group_family("aurora-postgresql17").tags(tag("Name", "p"));
    let made = call.send().await.unwrap().db_cluster_parameter_group.unwrap();
    let arn = format!("arn:aws:rds:{REGION}:123456789012:cluster-pg:p");
    assert_eq!(made.db_cluster_parameter_group_arn(), Some(arn.as_str()));
    let settings = [
        ("rds.force_ssl", "0", ApplyMethod::Immediate),
        ("ssl_min_protocol_version", "TLSv1.3", ApplyMethod::Immediate),
        ("log_connections", "1", ApplyMethod::Immediate),
        ("log_min_duration_statement", "1000", ApplyMethod::Immediate),
        ("shared_preload_libraries", "pg_stat_statements,pgaudit", ApplyMethod::PendingReboot),
    ];
    let call = db.rds.modify_db_cluster_parameter_group().db_cluster_parameter_group_name("p");
    let given = settings.iter().map(|(name, value, method)| parameter(name, value, method.clone())).collect();
    call.set_parameters(Some(given)).send().await.unwrap();
    let call = db.rds.describe_db_cluster_parameters().db_cluster_parameter_group_name("p").source("user");
    let found = call.send().await.unwrap();
    let mut wanted: Vec<_> = settings.iter().map(|(name, value, _)| (*name, *value)).collect();
    wanted.sort_unstable();
    let live: Vec<_> = found
        .parameters()
        .iter()
        .map(|p| (p.parameter_name().unwrap(), p.parameter_value().unwrap()))
        .collect();
    assert_eq!(live, wanted);

    let call = db.rds.reset_db_cluster_parameter_group().db_cluster_parameter_group_name("p");
    call.reset_all_parameters(true).send().await.unwrap();
    let call = db.rds.describe_db_cluster_parameters().db_cluster_parameter_group_name("p");
    let call = call.filters(Filter::builder().name("parameter-name").values("rds.force_ssl").build());
    let found = call.send().await.unwrap();
    let [force] = found.parameters() else { panic!("{found:?}") };
    // Version 17 is the first that forces TLS by itself.
    assert_eq!(
        (force.parameter_value(), force.source(), force.apply_type()),
        (Some("1"), Some("system"), Some("dynamic"))
    );

    let call = db.rds.create_db_parameter_group().db_parameter_group_name("i").description("d");
    call.db_parameter_group_family("aurora-postgresql17").send().await.unwrap();
    let call = db.rds.modify_db_parameter_group().db_parameter_group_name("i");
    call.parameters(parameter("log_statement", "ddl", ApplyMethod::Immediate)).send().await.unwrap();
    let found =
        db.rds.describe_db_parameters().db_parameter_group_name("i").source("user").send().await.unwrap();
    assert_eq!(found.parameters()[0].parameter_value(), Some("ddl"));
}

#[tokio::test(start_paused = true)]
async fn tags_are_added_and_removed_by_arn() {
    let db = Db::in_memory().await;
    db.serverless("c").send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let call =
        db.rds.create_db_cluster_snapshot().db_cluster_identifier("c").db_cluster_snapshot_identifier("s");
    call.send().await.unwrap();
    for resource in [
        "cluster:c",
        "db:i",
        "subgrp:subnets",
        "cluster-snapshot:s",
        "cluster-pg:default.aurora-postgresql17",
    ] {
        let arn = format!("arn:aws:rds:{REGION}:123456789012:{resource}");
        let call = db.rds.add_tags_to_resource().resource_name(&arn);
        call.tags(tag("a", "1")).tags(tag("b", "2")).send().await.unwrap();
        db.rds.remove_tags_from_resource().resource_name(&arn).tag_keys("a").send().await.unwrap();
        let tags = db.rds.list_tags_for_resource().resource_name(&arn).send().await.unwrap();
        assert_eq!(pairs(tags.tag_list()), [("b", "2")], "{resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn snapshots_keep_what_the_cluster_was() {
    let db = Db::in_memory().await;
    let call = db.serverless("c").storage_encrypted(true).kms_key_id(&db.key).copy_tags_to_snapshot(true);
    call.tags(tag("Name", "c")).send().await.unwrap();
    let found = db.rds.describe_db_cluster_snapshots().db_cluster_identifier("c").send().await.unwrap();
    let [first] = found.db_cluster_snapshots() else { panic!("{found:?}") };
    assert_eq!(first.db_cluster_snapshot_identifier(), Some("rds:c-2026-01-01-00-00"));
    assert_eq!((first.snapshot_type(), first.status()), (Some("automated"), Some("available")));
    assert_eq!((first.storage_encrypted(), first.kms_key_id()), (Some(true), Some(db.key.as_str())));

    let call = db.rds.delete_db_cluster().db_cluster_identifier("c").final_db_snapshot_identifier("Final");
    let deleted = call.send().await.unwrap().db_cluster.unwrap();
    assert_eq!(deleted.status(), Some("deleting"));
    let gone = db.rds.describe_db_clusters().db_cluster_identifier("c").send().await;
    assert_eq!(code(gone), "DBClusterNotFoundFault");
    // The automated one went with the cluster, the final one stays.
    let found = db.rds.describe_db_cluster_snapshots().send().await.unwrap();
    let [last] = found.db_cluster_snapshots() else { panic!("{found:?}") };
    assert_eq!(
        (last.db_cluster_snapshot_identifier(), last.snapshot_type()),
        (Some("final"), Some("manual"))
    );
    assert_eq!(pairs(last.tag_list()), [("Name", "c")]);
    db.rds.delete_db_cluster_snapshot().db_cluster_snapshot_identifier("final").send().await.unwrap();
    let left = db.rds.describe_db_cluster_snapshots().send().await.unwrap();
    assert_eq!(left.db_cluster_snapshots(), []);
}

#[tokio::test(start_paused = true)]
async fn instances_hold_interfaces_and_objects_are_listed() {
    let db = Db::in_memory().await;
    db.serverless("c").vpc_security_group_ids(&db.group).send().await.unwrap();
    db.instance("i", "c").availability_zone(format!("{REGION}c")).send().await.unwrap();
    let found = db.cloud.ec2.describe_network_interfaces().send().await.unwrap();
    let [interface] = found.network_interfaces() else { panic!("{found:?}") };
    assert_eq!(interface.description(), Some("RDSNetworkInterface"));
    assert_eq!(interface.subnet_id(), Some(db.subnets[2].as_str()));
    assert_eq!(interface.groups()[0].group_id(), Some(db.group.as_str()));
    let delete = || db.cloud.ec2.delete_subnet().subnet_id(&db.subnets[2]).send();
    assert_eq!(code(delete().await), "DependencyViolation");

    let objects = db.cloud.emulator.objects().await.unwrap();
    let of_rds: Vec<_> = objects
        .iter()
        .filter(|object| object.service == "rds" && !object.made_by_default)
        .map(|object| (object.kind.as_str(), object.id.as_str()))
        .collect();
    let wanted =
        [("AWS::RDS::DBCluster", "c"), ("AWS::RDS::DBInstance", "i"), ("AWS::RDS::DBSubnetGroup", "subnets")];
    assert_eq!(of_rds, wanted);

    db.rds.delete_db_instance().db_instance_identifier("i").send().await.unwrap();
    db.delete_cluster("c").await;
    assert_eq!(code(delete().await), "ok");
    db.rds.delete_db_subnet_group().db_subnet_group_name("subnets").send().await.unwrap();
    let objects = db.cloud.emulator.objects().await.unwrap();
    assert!(!objects.iter().any(|object| object.service == "rds"), "{objects:?}");
}

#[tokio::test(start_paused = true)]
async fn lists_are_filtered_and_come_in_pages() {
    let db = Db::in_memory().await;
    for number in 0..25 {
        db.cluster(&format!("c{number:02}")).send().await.unwrap();
    }
    let first = db.rds.describe_db_clusters().max_records(20).send().await.unwrap();
    assert_eq!(first.db_clusters().len(), 20);
    let second =
        db.rds.describe_db_clusters().max_records(20).set_marker(first.marker.clone()).send().await.unwrap();
    assert_eq!((second.db_clusters().len(), second.marker()), (5, None));
    let all = db.rds.describe_db_clusters().send().await.unwrap();
    let both = [first.db_clusters(), second.db_clusters()].concat();
    assert_eq!(all.db_clusters(), both);

    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let arn = format!("arn:aws:rds:{REGION}:123456789012:cluster:c07");
    for (name, value) in [("db-cluster-id", "c07"), ("db-cluster-id", arn.as_str())] {
        let found = db.rds.describe_db_clusters().filters(filter(name, value)).send().await.unwrap();
        assert_eq!(found.db_clusters(), [db.shown("c07").await], "{value}");
    }
    let refused = db.rds.describe_db_clusters().filters(filter("color", "red")).send().await;
    assert_eq!(code(refused), "InvalidParameterValue");

    let versions = db.rds.describe_db_engine_versions().engine("aurora-postgresql").default_only(true);
    let versions = versions.db_parameter_group_family("aurora-postgresql17").send().await.unwrap();
    let [version] = versions.db_engine_versions() else { panic!("{versions:?}") };
    assert_eq!(version.engine_version(), Some("17.7"));
}

#[tokio::test]
async fn everything_is_still_there_in_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    let open = |path: &Path| Emulator::open(path).unwrap();
    let db = Db::of(open(directory.path()), async || {}).await;
    db.serverless("c").tags(tag("Name", "c")).send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let call =
        db.rds.create_db_cluster_snapshot().db_cluster_identifier("c").db_cluster_snapshot_identifier("s");
    call.send().await.unwrap();
    let (cluster, instance) = (db.shown("c").await, db.shown_instance("i").await);
    drop(db);

    let emulator = open(directory.path());
    let rds = aws_sdk_rds::Client::new(&config(&emulator, REGION));
    let found = rds.describe_db_clusters().send().await.unwrap();
    let mut again = found.db_clusters()[0].clone();
    // This one moves with time.
    again.latest_restorable_time = cluster.latest_restorable_time;
    assert_eq!(again, cluster);
    assert_eq!(rds.describe_db_instances().send().await.unwrap().db_instances(), [instance]);
    let found = rds.describe_db_cluster_snapshots().snapshot_type("manual").send().await.unwrap();
    assert_eq!(found.db_cluster_snapshots()[0].db_cluster_snapshot_identifier(), Some("s"));
}

#[tokio::test(start_paused = true)]
async fn a_password_is_neither_logged_nor_shown() {
    let db = Db::in_memory().await;
    let call = db.cluster("c").manage_master_user_password(false).master_user_password("hunter2-hunter2");
    call.send().await.unwrap();
    let call = db.rds.modify_db_cluster().db_cluster_identifier("c").master_user_password("hunter3-hunter3");
    call.send().await.unwrap();
    let call = db.cluster("d").master_user_password("hunter4-hunter4");
    assert_eq!(code(call.send().await), "InvalidParameterCombination");
    let call = db.cluster("d").manage_master_user_password(false).master_user_password("hunter5@hunter5");
    let refused = format!("{:?}", call.send().await);
    let calls = format!("{:?}", db.cloud.emulator.calls());
    let shown = format!("{:?}", db.shown("c").await);
    for text in [refused, calls, shown] {
        assert!(!text.contains("hunter"), "{text}");
    }
}
