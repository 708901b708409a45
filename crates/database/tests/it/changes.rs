//! Changes of a cluster that lives: when they are over, and what AWS wants together.

use database::{Args, Capacity};
use engine::Action;

use crate::support::{CLUSTER, expendable, rds, tier, world, world_at_aws_pace};

/// Case 03.
#[tokio::test(start_paused = true)]
async fn the_advanced_mode_of_insights_is_turned_on_and_off() {
    let (world, inputs) = world().await;
    let advanced = tier(Args { insights: "advanced".to_owned(), ..expendable() });
    world.create(&advanced, &inputs).await;
    world.assert_settled(&advanced, &inputs).await;
    let live = async || {
        let found = rds(&world).describe_db_clusters().db_cluster_identifier(CLUSTER).send().await.unwrap();
        let cluster = &found.db_clusters()[0];
        let mode = cluster.database_insights_mode().unwrap().as_str().to_owned();
        (mode, cluster.performance_insights_enabled(), cluster.performance_insights_retention_period())
    };
    assert_eq!(live().await, ("advanced".to_owned(), Some(true), Some(465)));
    // From one to the other, in both directions.
    let standard = tier(expendable());
    for (tier, wanted) in [
        (&standard, ("standard".to_owned(), Some(true), Some(7))),
        (&advanced, ("advanced".to_owned(), Some(true), Some(465))),
    ] {
        let updated = world.planned(tier, &inputs, |action| *action == Action::Update).await;
        assert_eq!(updated, ["database/cluster"]);
        world.create(tier, &inputs).await;
        assert_eq!(live().await, wanted);
        world.assert_settled(tier, &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_over_when_nothing_of_it_is_pending() {
    let (world, inputs) = world_at_aws_pace().await;
    let args =
        Args { instances: 1, monitoring_interval: 0, engine_version: "17.6".to_owned(), ..expendable() };
    world.create(&tier(args.clone()), &inputs).await;
    let newer = tier(Args { engine_version: "17.7".to_owned(), backup_retention_in_days: 14, ..args });
    world.create(&newer, &inputs).await;
    let found = rds(&world).describe_db_clusters().db_cluster_identifier(CLUSTER).send().await.unwrap();
    let cluster = &found.db_clusters()[0];
    assert_eq!((cluster.status(), cluster.engine_version()), (Some("available"), Some("17.7")));
    assert_eq!((cluster.backup_retention_period(), cluster.pending_modified_values()), (Some(14), None));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_being_changed_is_waited_for_as_long_as_that_may_take() {
    let (world, inputs) = world_at_aws_pace().await;
    let args =
        Args { instances: 1, monitoring_interval: 0, engine_version: "17.6".to_owned(), ..expendable() };
    world.create(&tier(args.clone()), &inputs).await;
    // Somebody upgrades, which takes longer than any call is otherwise sent again.
    let upgrade = || {
        let call = rds(&world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
        call.engine_version("17.7").send()
    };
    upgrade().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let larger = Capacity { min: 1.0, max: 8.0, pause_after_seconds: None };
    let more = tier(Args { capacity: larger, instances: 2, engine_version: "17.7".to_owned(), ..args });
    let is_update = |action: &Action| *action == Action::Update;
    assert!(world.planned(&more, &inputs, is_update).await.contains(&"database/cluster".to_owned()));
    world.create(&more, &inputs).await;
    world.assert_settled(&more, &inputs).await;
    more_goes(&world, &inputs, &more).await;
}

/// A cluster that is being changed is deleted once that is over.
async fn more_goes(world: &testing::World, inputs: &database::Inputs, tier: &database::Tier) {
    use engine::Component;
    let modify = rds(world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
    modify.engine_version("17.9").send().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    tier.delete(&world.engine, inputs).await.unwrap();
    let found = rds(world).describe_db_clusters().send().await.unwrap();
    assert_eq!(found.db_clusters(), []);
}
