//! What somebody changes of an instance, and of the cluster beside what is declared.

use database::{Args, Tier};
use testing::World;

use crate::support::{CLUSTER, expendable, rds, refused, remarks, tier, world};

const INSTANCE: &str = "payment-db-1-dev";
const ADDRESS: &str = "database/instance-1";

/// A parameter group of somebody's own, in which statements are not logged.
async fn own_group(world: &World) {
    let make = rds(world).create_db_parameter_group().db_parameter_group_name("quiet");
    make.db_parameter_group_family("aurora-postgresql17").description("Quiet").send().await.unwrap();
}

async fn parameter_group(world: &World) -> String {
    let found = rds(world).describe_db_instances().db_instance_identifier(INSTANCE).send().await.unwrap();
    let group = &found.db_instances()[0].db_parameter_groups()[0];
    group.db_parameter_group_name().unwrap().to_owned()
}

async fn restart(world: &World) {
    rds(world).reboot_db_instance().db_instance_identifier(INSTANCE).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_instance_with_a_parameter_group_of_somebodys_own_gets_awss_own_back() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    own_group(&world).await;
    let modify = rds(&world).modify_db_instance().db_instance_identifier(INSTANCE);
    modify.db_parameter_group_name("quiet").apply_immediately(true).send().await.unwrap();
    restart(&world).await;
    world.assert_repaired(&tier, &inputs, &["database/instance-1: DBParameterGroupName"]).await;
    assert_eq!(parameter_group(&world).await, "default.aurora-postgresql17");
    // What it lacks until it is restarted is said.
    let [said] = &remarks(ADDRESS, &world, &tier, &inputs).await[..] else { panic!("not one remark") };
    assert!(
        said.contains("`aws rds reboot-db-instance --db-instance-identifier payment-db-1-dev`"),
        "{said}"
    );
    restart(&world).await;
    assert_eq!(remarks(ADDRESS, &world, &tier, &inputs).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_to_another_major_version_leaves_awss_own_group() {
    let (world, inputs) = world().await;
    let version = |version: &str| {
        tier(Args { engine_version: version.to_owned(), allow_major_version_upgrade: true, ..expendable() })
    };
    world.create(&version("16"), &inputs).await;
    world.create(&version("17"), &inputs).await;
    assert_eq!(parameter_group(&world).await, "default.aurora-postgresql17");
    world.assert_settled(&version("17"), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn performance_insights_and_the_maintenance_window_of_an_instance_are_repaired() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    let shown = async || {
        let found =
            rds(&world).describe_db_instances().db_instance_identifier(INSTANCE).send().await.unwrap();
        let instance = &found.db_instances()[0];
        (
            instance.performance_insights_enabled(),
            instance.performance_insights_kms_key_id().map(str::to_owned),
            instance.preferred_maintenance_window().map(str::to_owned),
        )
    };
    let made = shown().await;
    let modify = rds(&world).modify_db_instance().db_instance_identifier(INSTANCE).apply_immediately(true);
    let modify =
        modify.enable_performance_insights(false).preferred_maintenance_window("mon:12:00-mon:13:00");
    modify.send().await.unwrap();
    let seen = ["EnablePerformanceInsights", "PreferredMaintenanceWindow"];
    let seen = seen.map(|property| format!("{ADDRESS}: {property}"));
    world.assert_repaired(&tier, &inputs, &seen.each_ref().map(String::as_str)).await;
    assert_eq!(shown().await, made);
}

#[tokio::test(start_paused = true)]
async fn storage_that_is_billed_otherwise_is_shown_and_left() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    let modify = rds(&world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
    modify.storage_type("aurora-iopt1").send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    let [said] = &remarks("database/cluster", &world, &tier, &inputs).await[..] else {
        panic!("not one remark")
    };
    assert!(said.contains("aurora-iopt1"), "{said}");
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn no_empty_cluster_takes_the_place_of_one_that_somebody_renamed() {
    let (world, inputs) = world().await;
    let first = tier(expendable());
    world.create(&first, &inputs).await;
    let rename = async |from: &str, to: &str| {
        let modify = rds(&world).modify_db_cluster().db_cluster_identifier(from).apply_immediately(true);
        modify.new_db_cluster_identifier(to).send().await.unwrap();
    };
    rename(CLUSTER, "payment-old").await;
    assert!(world.drift::<Tier>().await.contains(&"database/cluster: gone".to_owned()));
    let said = refused(&world, &inputs, expendable()).await;
    assert!(said.contains("its tags say that payment-old is this one"), "{said}");
    let command = "`aws rds modify-db-cluster --db-cluster-identifier payment-old --new-db-cluster-identifier payment-aurora-dev";
    assert!(said.contains(command) && said.contains("`database.cluster_name`"), "{said}");
    rename("payment-old", CLUSTER).await;
    world.assert_settled(&first, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_work_is_shown_and_what_it_means() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    for (address, name) in [("database/cluster", CLUSTER), (ADDRESS, INSTANCE)] {
        assert!(world.emulator.put_database(testing::REGION, name, "incompatible-parameters").await.unwrap());
        let [said] = &remarks(address, &world, &tier, &inputs).await[..] else { panic!("not one remark") };
        assert!(said.contains("incompatible-parameters: it cannot start with the values"), "{said}");
        assert!(world.emulator.put_database(testing::REGION, name, "available").await.unwrap());
        assert_eq!(remarks(address, &world, &tier, &inputs).await, [""; 0]);
    }
}
