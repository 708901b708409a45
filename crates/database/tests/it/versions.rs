//! Versions: what AWS upgrades itself, what is asked for, and what cannot be.

use database::{Args, Tier};
use engine::{Action, Selector};
use testing::World;

use crate::support::{CLUSTER, expendable, live, rds, refused, tier, world, world_at_aws_pace};

fn declaring(version: &str) -> Args {
    Args { engine_version: version.to_owned(), ..expendable() }
}

/// What AWS does in a maintenance window.
async fn upgraded_by_aws(world: &World, version: &str) {
    let call = rds(world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
    call.engine_version(version).send().await.unwrap();
}

/// Case 06.
#[tokio::test(start_paused = true)]
async fn a_newer_minor_version_than_the_declared_one_is_left_alone() {
    let (world, inputs) = world().await;
    let declared = tier(declaring("17.6"));
    world.create(&declared, &inputs).await;
    upgraded_by_aws(&world, "17.9").await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&declared, &inputs).await;
    // Other changes go on as ever.
    let longer = tier(Args { backup_retention_in_days: 21, ..declaring("17.6") });
    world.create(&longer, &inputs).await;
    world.assert_settled(&longer, &inputs).await;
    let cluster = live(&world).await;
    assert_eq!((cluster.engine_version(), cluster.backup_retention_period()), (Some("17.9"), Some(21)));
}

/// Case 06.
#[tokio::test(start_paused = true)]
async fn what_aws_upgraded_is_said_where_somebody_looks() {
    let (world, inputs) = world().await;
    let declared = tier(declaring("17.6"));
    world.create(&declared, &inputs).await;
    upgraded_by_aws(&world, "17.9").await;
    let wanted = "runs 17.9, a newer minor version than `database.engine_version` (17.6), and keeps it";
    let plan = world.plan(&declared, &inputs).await;
    let [accepted] = plan.step("database/cluster").unwrap().accepted() else { panic!("{plan:?}") };
    assert!(accepted.because.starts_with(wanted), "{accepted:?}");
    let [remark] = &world.engine.look(&Selector::all()).await.unwrap().remarks()[..] else {
        panic!("no remark")
    };
    assert_eq!(&remark.accepted, accepted);
}

#[tokio::test(start_paused = true)]
async fn a_major_version_alone_is_its_newest_minor_one_and_then_any() {
    let (world, inputs) = world().await;
    let declared = tier(declaring("17"));
    world.create(&declared, &inputs).await;
    assert_eq!(live(&world).await.engine_version(), Some("17.11"));
    world.assert_settled(&declared, &inputs).await;
    // To say which one it is, or that it may be any, changes nothing.
    for same in ["17.7", "17.11", "17"] {
        let same = tier(declaring(same));
        assert_eq!(world.planned(&same, &inputs, |action| *action != Action::Unchanged).await, [""; 0]);
        world.create(&same, &inputs).await;
        world.assert_settled(&same, &inputs).await;
    }
}

/// Case 06.
#[tokio::test(start_paused = true)]
async fn a_higher_minor_version_upgrades_and_a_lower_one_is_refused() {
    let (world, inputs) = world().await;
    world.create(&tier(declaring("17.6")), &inputs).await;
    let higher = tier(declaring("17.9"));
    let plan = world.plan(&higher, &inputs).await;
    let [warning] = plan.step("database/cluster").unwrap().warnings() else { panic!("{plan:?}") };
    assert!(warning.starts_with("is upgraded from 17.6 to 17.9: its instances restart"), "{warning}");
    world.create(&higher, &inputs).await;
    assert_eq!(live(&world).await.engine_version(), Some("17.9"));
    world.assert_settled(&higher, &inputs).await;
    let said = refused(&world, &inputs, declaring("17.7")).await;
    let wanted = "`database.engine_version` is 17.7 (it was 17.9 before), but the cluster runs 17.9";
    assert!(said.starts_with(wanted), "{said}");
    // What is refused can be put right.
    world.assert_settled(&higher, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_rds_does_not_have_is_refused_with_those_that_it_has() {
    let (world, inputs) = world().await;
    let said = refused(&world, &inputs, declaring("17.8")).await;
    let wanted = "`database.engine_version` is 17.8, which RDS does not offer for aurora-postgresql in this region (set \
                  `database.engine_version` to one of 17.4, 17.5, 17.6, 17.7, 17.9, 17.10, 17.11, or to 17";
    assert!(said.starts_with(wanted), "{said}");
    let said = refused(&world, &inputs, declaring("99")).await;
    assert!(said.contains("is 99, which RDS does not offer"), "{said}");
    world.create(&tier(declaring("17.6")), &inputs).await;
    let said = refused(&world, &inputs, declaring("17.8")).await;
    assert!(said.contains("to which RDS does not upgrade a cluster that runs 17.6"), "{said}");
    assert!(said.contains("17.7, 17.9, 17.10, 17.11"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_cannot_be_reached_is_refused_where_rds_upgrades_to_none() {
    let (world, inputs) = world().await;
    let newest = tier(declaring("17.11"));
    world.create(&newest, &inputs).await;
    let said = refused(&world, &inputs, declaring("17.99")).await;
    let wanted = "`database.engine_version` is 17.99, to which RDS does not upgrade a cluster that runs 17.11 (RDS upgrades it to \
                  no other version now; set `database.engine_version` to 17.11, or to 17 for any minor version of it)";
    assert_eq!(said, wanted);
    for never in ["18", "18.3", "99", "99.1"] {
        for args in [declaring(never), allowing(never)] {
            let said = refused(&world, &inputs, args).await;
            assert!(said.contains(&format!("is {never}, to which RDS does not upgrade")), "{said}");
        }
    }
    world.assert_settled(&newest, &inputs).await;
}

fn allowing(version: &str) -> Args {
    Args { allow_major_version_upgrade: true, ..declaring(version) }
}

/// Case 11.
#[tokio::test(start_paused = true)]
async fn a_major_upgrade_is_made_where_it_is_allowed_and_never_undone() {
    let (world, inputs) = world().await;
    world.create(&tier(declaring("16.9")), &inputs).await;
    let before = live(&world).await;
    let said = refused(&world, &inputs, declaring("17.7")).await;
    assert!(said.starts_with("`database.engine_version` is 17.7, but the cluster runs 16.9"), "{said}");
    assert!(said.contains("set `database.allow_major_version_upgrade = true`"), "{said}");
    // One that is older than 16.9 is no way from it.
    let said = refused(&world, &inputs, allowing("17.4")).await;
    assert!(said.contains("to which RDS does not upgrade a cluster that runs 16.9"), "{said}");

    let upgrade = tier(allowing("17.7"));
    let plan = world.plan(&upgrade, &inputs).await;
    let [warning] = plan.step("database/cluster").unwrap().warnings() else { panic!("{plan:?}") };
    assert!(warning.contains("from 16.9 to 17.7") && warning.contains("DOWNTIME"), "{warning}");
    world.create(&upgrade, &inputs).await;
    let after = live(&world).await;
    assert_eq!(after.db_cluster_resource_id(), before.db_cluster_resource_id());
    assert_eq!(after.engine_version(), Some("17.7"));
    assert_eq!(after.db_cluster_parameter_group(), Some("payment-db-params-17-dev"));
    let groups = rds(&world).describe_db_cluster_parameter_groups().send().await.unwrap();
    let names = groups.db_cluster_parameter_groups().iter();
    let mut names = names.filter_map(|group| group.db_cluster_parameter_group_name());
    assert!(names.all(|name| name != "payment-db-params-16-dev"));
    world.assert_settled(&upgrade, &inputs).await;

    let said = refused(&world, &inputs, allowing("16.9")).await;
    let wanted = "`database.engine_version` is 16.9, but the cluster runs 17.7: RDS does not go back";
    assert!(said.starts_with(wanted), "{said}");
    world.assert_settled(&upgrade, &inputs).await;
}

/// Case 11.
#[tokio::test(start_paused = true)]
async fn a_major_upgrade_at_awss_pace_is_one_run() {
    let (world, inputs) = world_at_aws_pace().await;
    let small = |args: Args| Args { instances: 1, monitoring_interval: 0, ..args };
    world.create(&tier(small(declaring("16.9"))), &inputs).await;
    let upgrade = tier(small(allowing("17")));
    world.create(&upgrade, &inputs).await;
    let after = live(&world).await;
    assert_eq!((after.status(), after.engine_version()), (Some("available"), Some("17.11")));
    world.assert_settled(&upgrade, &inputs).await;
}
