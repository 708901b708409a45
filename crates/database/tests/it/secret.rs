//! The secret with the master user's password, and the key that encrypts it.

use database::Tier;
use engine::Component as _;
use testing::World;

use crate::support::{CLUSTER, expendable, live, rds, refused, tier, world};

async fn unmanaged(world: &World) {
    let change = rds(world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
    let change = change.manage_master_user_password(false).master_user_password("correct-horse-battery");
    change.send().await.unwrap();
}

/// Somebody lets RDS manage the password with another key.
async fn with_other_key(world: &World) {
    unmanaged(world).await;
    let change = rds(world).modify_db_cluster().db_cluster_identifier(CLUSTER).apply_immediately(true);
    change.manage_master_user_password(true).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_key_of_the_secret_is_refused_with_the_way_in_two_steps() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    let outputs = world.create(&tier, &inputs).await;
    let key = outputs.database_key_arn.as_str();
    with_other_key(&world).await;
    let other = live(&world).await.master_user_secret.unwrap().kms_key_id.unwrap();
    assert_ne!(other, key);
    // The first look says both, and the plan refuses.
    assert_eq!(world.drift::<Tier>().await, ["database/cluster: MasterUserSecret"]);
    let said = refused(&world, &inputs, expendable()).await;
    assert!(said.contains(&other) && said.contains(key), "{said}");
    assert!(said.contains("--no-manage-master-user-password"), "{said}");

    // The first step is theirs, the second one ours.
    unmanaged(&world).await;
    let outputs = world.create(&tier, &inputs).await;
    let secret = live(&world).await.master_user_secret.unwrap();
    assert_eq!(secret.kms_key_id(), Some(key));
    assert_eq!(secret.secret_arn(), Some(outputs.database_secret_arn.as_str()));
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_found_with_another_key_of_its_secret_is_not_taken_over() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    with_other_key(&world).await;
    let next = world.that_lost_its_state(database::kinds);
    world.mutations();
    let error = format!("{:?}", tier.create(&next.engine, &inputs).await.unwrap_err());
    assert!(
        error.contains("it exists, but the secret with the master user's password is encrypted with"),
        "{error}"
    );
    assert!(error.contains("--no-manage-master-user-password"), "{error}");
    assert!(!world.mutations().contains(&"ModifyDBCluster".to_owned()));
}
