//! RDS: what a change asks for, what it shows meanwhile, and what it leaves to a restart.

use aws_sdk_rds::types::{ApplyMethod, DatabaseInsightsMode, Parameter};

use crate::rds::{Db, ROLE, parameter};
use crate::rds_life_cycle::{at_aws_pace, seconds, until};
use crate::support::code;

impl Db {
    async fn parameter_group(&self, name: &str, family: &str) {
        let group = self.rds.create_db_cluster_parameter_group().db_cluster_parameter_group_name(name);
        group.db_parameter_group_family(family).description("for a test").send().await.unwrap();
    }

    async fn set(&self, group: &str, parameter: Parameter) -> String {
        let call = self.rds.modify_db_cluster_parameter_group().db_cluster_parameter_group_name(group);
        code(call.parameters(parameter).send().await)
    }

    /// Value and source of a parameter.
    async fn parameter(&self, group: &str, name: &str) -> (Option<String>, String) {
        let call = self.rds.describe_db_cluster_parameters().db_cluster_parameter_group_name(group);
        let pages = call.into_paginator().items().send().try_collect().await.unwrap();
        let found = pages.into_iter().find(|one| one.parameter_name() == Some(name)).unwrap();
        (found.parameter_value, found.source.unwrap())
    }

    async fn member_status(&self, cluster: &str) -> Vec<String> {
        let cluster = self.shown(cluster).await;
        let members = cluster.db_cluster_members().iter();
        members.map(|one| one.db_cluster_parameter_group_status().unwrap().to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_renamed_is_the_same_one_with_its_instances() {
    let db = Db::in_memory().await;
    db.serverless("c").send().await.unwrap();
    db.serverless("other").send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let before = db.shown("c").await;
    let rename = |to: &str| {
        let modify = db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true);
        modify.new_db_cluster_identifier(to).send()
    };
    assert_eq!(code(rename("other").await), "DBClusterAlreadyExistsFault");
    assert_eq!(code(rename("-").await), "InvalidParameterValue");
    rename("D").await.unwrap();
    let after = db.shown("d").await;
    assert_eq!(after.db_cluster_resource_id(), before.db_cluster_resource_id());
    assert!(after.db_cluster_arn().unwrap().ends_with(":cluster:d"));
    assert!(after.endpoint().unwrap().starts_with("d.cluster-"));
    let found = db.rds.describe_db_instances().db_instance_identifier("i").send().await.unwrap();
    assert_eq!(found.db_instances()[0].db_cluster_identifier(), Some("d"));
    assert_eq!(
        code(db.rds.describe_db_clusters().db_cluster_identifier("c").send().await),
        "DBClusterNotFoundFault"
    );
}

#[tokio::test(start_paused = true)]
async fn a_value_that_holds_anyway_is_not_the_users_though_a_user_set_it() {
    let db = Db::in_memory().await;
    db.parameter_group("p", "aurora-postgresql17").await;
    db.parameter_group("old", "aurora-postgresql16").await;
    for group in ["p", "old"] {
        assert_eq!(db.set(group, parameter("rds.force_ssl", "1", ApplyMethod::Immediate)).await, "ok");
    }
    // Version 17 forces TLS by itself, 16 does not.
    let found = db.parameter("p", "rds.force_ssl").await;
    assert_eq!(found, (Some("1".to_owned()), "system".to_owned()));
    let found = db.parameter("old", "rds.force_ssl").await;
    assert_eq!(found, (Some("1".to_owned()), "user".to_owned()));
    let call = db.rds.describe_db_cluster_parameters().db_cluster_parameter_group_name("p").source("user");
    assert_eq!(call.send().await.unwrap().parameters(), []);
    db.set("p", parameter("rds.force_ssl", "0", ApplyMethod::Immediate)).await;
    assert_eq!(db.parameter("p", "rds.force_ssl").await, (Some("0".to_owned()), "user".to_owned()));
    assert_eq!(db.parameter("p", "log_connections").await, (None, "engine-default".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_restart_holds_after_one() {
    let db = Db::in_memory().await;
    db.parameter_group("p", "aurora-postgresql17").await;
    db.serverless("c").engine_version("17.7").db_cluster_parameter_group_name("p").send().await.unwrap();
    db.instance("a", "c").send().await.unwrap();
    db.instance("b", "c").send().await.unwrap();
    assert_eq!(db.set("p", parameter("log_connections", "1", ApplyMethod::Immediate)).await, "ok");
    assert_eq!(db.member_status("c").await, ["in-sync", "in-sync"]);
    let libraries = |method| parameter("shared_preload_libraries", "pgaudit", method);
    assert_eq!(db.set("p", libraries(ApplyMethod::Immediate)).await, "InvalidParameterCombination");
    assert_eq!(db.set("p", libraries(ApplyMethod::PendingReboot)).await, "ok");
    assert_eq!(db.member_status("c").await, ["pending-reboot", "pending-reboot"]);
    let reboot = |id: &str| db.rds.reboot_db_instance().db_instance_identifier(id);
    assert_eq!(code(reboot("a").force_failover(true).send().await), "InvalidParameterCombination");
    assert_eq!(code(reboot("nobody").send().await), "DBInstanceNotFound");
    reboot("a").send().await.unwrap();
    assert_eq!(db.member_status("c").await, ["in-sync", "pending-reboot"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_takes_its_time() {
    let db = at_aws_pace().await;
    db.serverless("c").send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    until("available", async || db.instance_status("i").await).await;
    db.rds.reboot_db_instance().db_instance_identifier("i").send().await.unwrap();
    assert_eq!(db.instance_status("i").await, "rebooting");
    let again = db.rds.reboot_db_instance().db_instance_identifier("i").send().await;
    assert_eq!(code(again), "InvalidDBInstanceState");
    until("available", async || db.instance_status("i").await).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_is_pending_while_the_status_says_that_all_is_well() {
    let db = at_aws_pace().await;
    db.parameter_group("p", "aurora-postgresql17").await;
    let made = db.serverless("c").engine_version("17.6").db_cluster_parameter_group_name("p");
    made.send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    until("available", async || db.instance_status("i").await).await;
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true);
    modify().engine_version("17.7").send().await.unwrap();
    let live = db.shown("c").await;
    assert_eq!((live.status(), live.engine_version()), (Some("available"), Some("17.6")));
    assert_eq!(live.pending_modified_values().unwrap().engine_version(), Some("17.7"));
    let took = until("upgrading", async || db.status("c").await).await;
    assert!(took <= 60.0, "{took} s");
    assert_eq!(db.instance_status("i").await, "upgrading");
    assert_eq!(code(modify().port(6000).send().await), "InvalidDBClusterStateFault");
    let busy = db.set("p", parameter("log_connections", "1", ApplyMethod::Immediate)).await;
    assert_eq!(busy, "InvalidDBParameterGroupState");
    let took = until("available", async || db.status("c").await).await;
    assert!((300.0..=900.0).contains(&took), "{took} s");
    let live = db.shown("c").await;
    assert_eq!((live.engine_version(), live.pending_modified_values()), (Some("17.7"), None));
    assert_eq!(db.instance_status("i").await, "available");

    // An instance does the same.
    let modify = db.rds.modify_db_instance().db_instance_identifier("i").apply_immediately(true);
    modify.db_instance_class("db.r8g.large").send().await.unwrap();
    let live = db.shown_instance("i").await;
    assert_eq!(
        (live.db_instance_status(), live.db_instance_class()),
        (Some("available"), Some("db.serverless"))
    );
    assert_eq!(live.pending_modified_values().unwrap().db_instance_class(), Some("db.r8g.large"));
    until("modifying", async || db.instance_status("i").await).await;
    until("available", async || db.instance_status("i").await).await;
    assert_eq!(db.shown_instance("i").await.db_instance_class(), Some("db.r8g.large"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reset_just_after_a_change() {
    let db = at_aws_pace().await;
    db.parameter_group("p", "aurora-postgresql17").await;
    assert_eq!(db.set("p", parameter("log_connections", "1", ApplyMethod::Immediate)).await, "ok");
    let reset = || {
        let call = db.rds.reset_db_cluster_parameter_group().db_cluster_parameter_group_name("p");
        call.reset_all_parameters(true).send()
    };
    assert_eq!(code(reset().await), "InvalidDBParameterGroupState");
    seconds(30.0).await;
    assert_eq!(code(reset().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_major_upgrade_takes_its_parameter_group_along() {
    let db = Db::in_memory().await;
    db.parameter_group("p16", "aurora-postgresql16").await;
    db.parameter_group("p17", "aurora-postgresql17").await;
    db.serverless("c").engine_version("16.9").db_cluster_parameter_group_name("p16").send().await.unwrap();
    db.instance("i", "c").send().await.unwrap();
    let before = db.shown("c").await;
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true);
    let upgrade = |version: &str| modify().engine_version(version).allow_major_version_upgrade(true);
    for refused in [
        // Without the flag, without a group, with one of the old version, to a version older than its own.
        modify().engine_version("17.7").db_cluster_parameter_group_name("p17"),
        upgrade("17.7"),
        upgrade("17.7").db_cluster_parameter_group_name("p16"),
        upgrade("17.4").db_cluster_parameter_group_name("p17"),
        modify().db_cluster_parameter_group_name("p17"),
    ] {
        assert_eq!(code(refused.send().await), "InvalidParameterCombination");
    }
    assert_eq!(db.shown("c").await, before);
    upgrade("17.7").db_cluster_parameter_group_name("p17").send().await.unwrap();
    let live = db.shown("c").await;
    assert_eq!((live.engine_version(), live.db_cluster_parameter_group()), (Some("17.7"), Some("p17")));
    assert_eq!(db.member_status("c").await, ["in-sync"]);
    let instance = db.shown_instance("i").await;
    assert_eq!(instance.engine_version(), Some("17.7"));
    let group = instance.db_parameter_groups()[0].db_parameter_group_name();
    assert_eq!(group, Some("default.aurora-postgresql17"));
    // There is no way back.
    let back = upgrade("16.9").db_cluster_parameter_group_name("p16").send().await;
    assert_eq!(code(back), "InvalidParameterCombination");
    let versions = db.rds.describe_db_engine_versions().engine("aurora-postgresql").engine_version("16.9");
    let versions = versions.send().await.unwrap();
    let targets = versions.db_engine_versions()[0].valid_upgrade_target();
    let majors = targets.iter().filter(|one| one.is_major_version_upgrade() == Some(true));
    let majors: Vec<_> = majors.filter_map(|one| one.engine_version()).collect();
    assert_eq!(majors, ["17.5", "17.6", "17.7", "17.9", "17.10", "17.11"]);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_group_stays_until_the_upgrade_is_over() {
    let db = at_aws_pace().await;
    db.parameter_group("p16", "aurora-postgresql16").await;
    db.parameter_group("p17", "aurora-postgresql17").await;
    let made = db.serverless("c").engine_version("16.9").db_cluster_parameter_group_name("p16");
    made.send().await.unwrap();
    until("available", async || db.status("c").await).await;
    let upgrade = db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true);
    let upgrade = upgrade.engine_version("17.7").allow_major_version_upgrade(true);
    upgrade.db_cluster_parameter_group_name("p17").send().await.unwrap();
    let delete = || db.rds.delete_db_cluster_parameter_group().db_cluster_parameter_group_name("p16").send();
    for wanted in ["available", "upgrading"] {
        until(wanted, async || db.status("c").await).await;
        assert_eq!(db.shown("c").await.db_cluster_parameter_group(), Some("p16"));
        assert_eq!(code(delete().await), "InvalidDBParameterGroupState");
    }
    until("available", async || db.status("c").await).await;
    assert_eq!(db.shown("c").await.db_cluster_parameter_group(), Some("p17"));
    assert_eq!(code(delete().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn the_advanced_mode_asks_for_performance_insights_in_the_same_call() {
    let db = Db::in_memory().await;
    let advanced = DatabaseInsightsMode::Advanced;
    let create = || db.serverless("c").database_insights_mode(advanced.clone());
    for refused in [
        create(),
        create().enable_performance_insights(true),
        create().enable_performance_insights(true).performance_insights_retention_period(7),
    ] {
        assert_eq!(code(refused.send().await), "InvalidParameterCombination");
    }
    db.serverless("c").send().await.unwrap();
    let instance = db.instance("i", "c").monitoring_interval(60).monitoring_role_arn(ROLE);
    instance.send().await.unwrap();
    let modify = || db.rds.modify_db_cluster().db_cluster_identifier("c").apply_immediately(true);
    let insights = || modify().enable_performance_insights(true).performance_insights_retention_period(465);
    insights().performance_insights_kms_key_id(&db.key).send().await.unwrap();
    // That it is on already is not enough.
    let alone = modify().database_insights_mode(advanced.clone()).send().await;
    assert_eq!(code(alone), "InvalidParameterCombination");
    insights().database_insights_mode(advanced).send().await.unwrap();
    let live = db.shown("c").await;
    assert_eq!(live.database_insights_mode(), Some(&DatabaseInsightsMode::Advanced));
    assert_eq!(live.performance_insights_retention_period(), Some(465));
    // The key stays what it was.
    let other = insights().performance_insights_kms_key_id(db.cloud.key().await).send().await;
    assert_eq!(code(other), "InvalidParameterCombination");
    // The instances have it from the cluster, and the monitoring is their own.
    let instance = db.shown_instance("i").await;
    assert_eq!(instance.performance_insights_enabled(), Some(true));
    assert_eq!(instance.monitoring_interval(), Some(60));
}
