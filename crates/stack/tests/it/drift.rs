//! Changes behind the program's back.

use crate::command::Workplace;

#[tokio::test]
async fn drift_is_found_property_by_property_and_repaired_by_the_next_up() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let ec2 = place.ec2();
    ec2.modify_vpc_attribute()
        .vpc_id(&vpc)
        .enable_dns_hostnames(aws_sdk_ec2::types::AttributeBooleanValue::builder().value(false).build())
        .send()
        .await
        .unwrap();
    let tag = aws_sdk_ec2::types::Tag::builder().key("Author").value("somebody").build();
    ec2.create_tags().resources(&vpc).tags(tag).send().await.unwrap();
    let before = place.emulator_bytes();
    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(2);
    assert!(refresh.out.contains("~ vpc/vpc"), "{}", refresh.out);
    assert!(refresh.out.contains("EnableDnsHostnames: recorded true, now false"), "{}", refresh.out);
    assert!(
        refresh.out.contains("Tags[Author].Value: recorded \"unknown\", now \"somebody\""),
        "{}",
        refresh.out
    );
    assert_eq!(place.emulator_bytes(), before);
    place.run(&["up"]).expect(0);
    let clean = place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    assert!(clean.out.contains("no drift"), "{}", clean.out);
}

#[tokio::test]
async fn an_object_that_disappeared_is_reported_and_made_again() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let ec2 = place.ec2();
    let tables = ec2.describe_route_tables().send().await.unwrap().route_tables.unwrap();
    let public = tables
        .iter()
        .find(|table| table.tags().iter().any(|tag| tag.value() == Some("payment-public-rt-dev")))
        .unwrap();
    ec2.delete_route()
        .route_table_id(public.route_table_id().unwrap())
        .destination_cidr_block("0.0.0.0/0")
        .send()
        .await
        .unwrap();
    let refresh = place.run(&["refresh", "--json"]).expect(0).json();
    assert_eq!(refresh[0]["address"], "vpc/public-route");
    assert_eq!(refresh[0]["missing"], true);
    let up = place.run(&["up"]).expect(0);
    assert!(up.err.contains("created vpc/public-route"), "{}", up.err);
    place.run(&["refresh", "--detailed-exitcode"]).expect(0);
}

#[tokio::test]
async fn a_database_that_somebody_deleted_is_not_called_repaired_but_its_data_gone() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let rds = place.rds();
    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        rds.delete_db_instance().db_instance_identifier(instance).send().await.unwrap();
    }
    let delete = rds.delete_db_cluster().db_cluster_identifier("payment-aurora-dev");
    delete.skip_final_snapshot(true).send().await.unwrap();

    let gone = "DATA GONE: database/cluster (payment-aurora-dev) was deleted outside of stack with all its data and automated \
                backups; `up` creates an EMPTY one in its place. To get the data back first: docs/recovery.md";
    let refresh = place.run(&["refresh"]).expect(0);
    assert!(refresh.out.contains(gone), "{}", refresh.out);
    assert!(
        refresh.out.contains("`stack up` repairs the others, and creates database/cluster EMPTY"),
        "{}",
        refresh.out
    );
    let preview = place.run(&["preview"]).expect(0);
    assert!(preview.out.contains(gone), "{}", preview.out);
    let losses = place.run(&["preview", "--json"]).expect(0).json()["losses"].clone();
    assert_eq!(losses[0]["fate"], "gone", "{losses}");
    assert_eq!(losses[0]["name"], "payment-aurora-dev", "{losses}");
    assert_eq!(losses[0]["loses"], "all its data and automated backups", "{losses}");
    let page = place.run(&["preview", "--markdown"]).expect(0).out;
    assert!(page.contains("> [!CAUTION]\n> - DATA GONE: database/cluster (payment-aurora-dev)"), "{page}");
    let verify = place.run(&["verify"]).expect(1);
    assert!(verify.out.contains("encryption/database"), "{}", verify.out);
    for nonsense in ["cannot be encrypted afterwards", "restart the instances"] {
        assert!(!verify.out.contains(nonsense), "{}", verify.out);
    }
    let up = place.run(&["up"]).expect(0);
    assert!(up.err.contains(gone), "{}", up.err);
    // What is there again has lost nothing any more.
    let refresh = place.run(&["refresh"]).expect(0);
    assert!(refresh.out.contains("no drift"), "{}", refresh.out);
}

#[tokio::test]
async fn what_aws_upgrades_and_what_waits_for_a_restart_is_said_and_is_no_drift() {
    let place = Workplace::new();
    place.run(&["up", "--set", "database.engine_version=17.6"]).expect(0);
    let rds = place.rds();
    let upgrade = rds.modify_db_cluster().db_cluster_identifier("payment-aurora-dev").apply_immediately(true);
    upgrade.engine_version("17.9").send().await.unwrap();
    let preview = ["preview", "--detailed-exitcode", "--set", "database.engine_version=17.6"];
    let preview = place.run(&preview).expect(0);
    let said = "database/cluster runs 17.9, a newer minor version than `database.engine_version` (17.6)";
    assert!(preview.out.contains(said), "{}", preview.out);
    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    assert!(
        refresh.out.contains("no drift") && refresh.err.contains(said),
        "{} {}",
        refresh.out,
        refresh.err
    );
    // Lower is no way, and said before anything is called.
    let before = place.emulator_bytes();
    for (version, why) in [
        ("17.4", "is 17.4 (it was 17.6 before), but the cluster runs 17.9"),
        ("16.9", "is 16.9, but the cluster runs 17.9"),
        ("17.99", "to which RDS does not upgrade a cluster that runs 17.9"),
    ] {
        let up = place.run(&["up", "--set", &format!("database.engine_version={version}")]).expect(65);
        assert!(
            up.err.contains(why) && up.err.contains("hint: set `database.engine_version` to"),
            "{}",
            up.err
        );
    }
    assert_eq!(place.emulator_bytes(), before);

    // A static parameter waits for a restart, and `verify` and `refresh` say of which instances.
    let static_one = aws_sdk_rds::types::Parameter::builder()
        .parameter_name("max_connections")
        .parameter_value("500")
        .apply_method(aws_sdk_rds::types::ApplyMethod::PendingReboot)
        .build();
    let group = rds.modify_db_cluster_parameter_group().parameters(static_one);
    group.db_cluster_parameter_group_name("payment-db-params-17-dev").send().await.unwrap();
    place.run(&["up", "--set", "database.engine_version=17.6"]).expect(0);
    let command = "aws rds reboot-db-instance --db-instance-identifier payment-db-1-dev";
    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    assert!(refresh.err.contains(command), "{}", refresh.err);
    let verify = place.run(&["verify", "--set", "database.engine_version=17.6"]).expect(1);
    assert!(
        verify.out.contains("encryption/database-parameters") && verify.out.contains(command),
        "{}",
        verify.out
    );
    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        rds.reboot_db_instance().db_instance_identifier(instance).send().await.unwrap();
    }
    place.run(&["verify", "--set", "database.engine_version=17.6"]).expect(0);
}

/// One is stopped overnight to save money, another one by mistake.
#[tokio::test]
async fn a_stopped_database_is_told_of_everywhere_and_keeps_nobody_from_other_changes() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let rds = place.rds();
    rds.stop_db_cluster().db_cluster_identifier("payment-aurora-dev").send().await.unwrap();
    let said = "database/cluster has been stopped since ";
    let command = "aws rds start-db-cluster --db-cluster-identifier payment-aurora-dev";
    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    assert!(refresh.err.contains(said) && refresh.err.contains(command), "{}", refresh.err);
    let preview = place.run(&["preview", "--detailed-exitcode"]).expect(0);
    assert!(preview.out.contains(said) && preview.out.contains(command), "{}", preview.out);
    let verify = place.run(&["verify"]).expect(1);
    assert!(verify.out.contains("FAILED   completeness/database"), "{}", verify.out);

    let before = place.emulator_bytes();
    let up = place.run(&["up", "--set", "database.backup_retention_in_days=9"]).expect(65);
    assert!(up.err.contains("is stopped, and RDS changes nothing of it"), "{}", up.err);
    assert!(up.err.contains("hint: start it with") && up.err.contains(command), "{}", up.err);
    assert_eq!(place.emulator_bytes(), before);
    let up = place.run(&["up", "--set", "alb.idle_timeout=61"]).expect(0);
    assert!(up.err.contains("changed alb/"), "{}", up.err);
    rds.start_db_cluster().db_cluster_identifier("payment-aurora-dev").send().await.unwrap();
    place.run(&["up", "--set", "database.backup_retention_in_days=9"]).expect(0);
    place.run(&["verify", "--set", "database.backup_retention_in_days=9"]).expect(0);
}

/// What somebody opens by hand: a way to the internet for the database subnets, and their network ACL.
#[tokio::test]
async fn doors_that_somebody_opened_are_shown_fail_verify_and_are_closed() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let ec2 = place.ec2();
    let state = place.state("dev").await;
    let output =
        |address: &str, name: &str| state.output(address, name).unwrap().as_str().unwrap().to_owned();
    let (table, gateway) = (output("vpc/db-rt-c", "RouteTableId"), output("vpc/igw", "InternetGatewayId"));
    let route = ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    route.gateway_id(&gateway).send().await.unwrap();
    let entry = ec2.create_network_acl_entry().network_acl_id(output("vpc/db-acl", "Id")).rule_number(50);
    let entry = entry.protocol("-1").rule_action(aws_sdk_ec2::types::RuleAction::Allow).egress(false);
    entry.cidr_block("0.0.0.0/0").send().await.unwrap();

    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(2);
    for shown in ["~ vpc/db-rt-c", "~ vpc/db-acl", "Routes: ", "Entries: ", &gateway] {
        assert!(refresh.out.contains(shown), "{shown}: {}", refresh.out);
    }
    let verify = place.run(&["verify"]).expect(1);
    for failed in ["access/database-routes", "access/database-acl"] {
        assert!(verify.out.contains(&format!("FAILED   {failed}")), "{failed}: {}", verify.out);
    }
    place.run(&["up"]).expect(0);
    place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    place.run(&["verify"]).expect(0);
    let tables = ec2.describe_route_tables().route_table_ids(&table).send().await.unwrap();
    assert_eq!(tables.route_tables()[0].routes().len(), 1);
}

/// A tag that says whose an object is, of objects that are found by their tags only.
#[tokio::test]
async fn a_tag_that_says_whose_an_object_is_is_put_back() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let ec2 = place.ec2();
    let state = place.state("dev").await;
    let vpc = state.output("vpc/vpc", "VpcId").unwrap().as_str().unwrap().to_owned();
    let tag = aws_sdk_ec2::types::Tag::builder().key("stack:project").build();
    ec2.delete_tags().resources(&vpc).tags(tag).send().await.unwrap();
    let refresh = place.run(&["refresh", "--detailed-exitcode"]).expect(2);
    assert!(refresh.out.contains("Tags[stack:project]: "), "{}", refresh.out);
    place.run(&["up"]).expect(0);
    place.run(&["refresh", "--detailed-exitcode"]).expect(0);
    let live = ec2.describe_vpcs().vpc_ids(&vpc).send().await.unwrap();
    let is_back =
        |tag: &aws_sdk_ec2::types::Tag| tag.key() == Some("stack:project") && tag.value() == Some("payment");
    assert!(live.vpcs()[0].tags().iter().any(is_back));
}

#[tokio::test]
async fn tags_of_others_are_left_to_them_where_the_configuration_says_so() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let ec2 = place.ec2();
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let tag = |key: &str| aws_sdk_ec2::types::Tag::builder().key(key).value("42").build();
    let theirs = ec2.create_tags().resources(&vpc).tags(tag("CostCenter")).tags(tag("org:unit"));
    theirs.send().await.unwrap();
    place.run(&["refresh", "--detailed-exitcode"]).expect(2);

    let ignored = ["--set", "ignored_tags=[\"CostCenter\", \"org:*\"]"];
    let with = |arguments: &[&'static str]| place.run(&[arguments, &ignored].concat());
    with(&["refresh", "--detailed-exitcode"]).expect(0);
    with(&["verify"]).expect(0);
    let up = with(&["up"]).expect(0);
    assert!(up.out.contains("nothing to do") || up.err.contains("nothing to do"), "{} {}", up.out, up.err);
    // Nor are they taken off where the tags are changed anyway.
    with(&["up", "--set", "tags.Author=me"]).expect(0);
    let live = ec2.describe_vpcs().vpc_ids(&vpc).send().await.unwrap();
    let keys: Vec<&str> = live.vpcs()[0].tags().iter().filter_map(|tag| tag.key()).collect();
    assert!(keys.contains(&"CostCenter") && keys.contains(&"org:unit"), "{keys:?}");

    for (wrong, why) in [
        ("ignored_tags=[\"Author\"]", "ignored_tags`: `Author` covers `Author`, which is declared"),
        ("ignored_tags=[\"stack:*\"]", "the tags that say whose an object is"),
    ] {
        let refused = place.run(&["preview", "--set", wrong]).expect(65);
        assert!(refused.err.contains(why), "{}", refused.err);
    }
}
