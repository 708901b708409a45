//! The application's user in the database, the Data API that makes it, and the cluster that it is in.

use aws_sdk_rdsdata::types::Field;
use database::{Args, Capacity, Inputs, Tier};
use emulator::Emulator;
use engine::{Component, ComponentError};
use testing::World;

use crate::support::{CLUSTER, expendable, tier, world, world_on};

fn rds(world: &World) -> aws_sdk_rds::Client {
    world.cx.client(aws_sdk_rds::Client::new)
}

/// Sends a statement as the master user, behind the program's back.
pub(crate) async fn sql(world: &World, sql: &str) -> Vec<Vec<Field>> {
    let found = rds(world).describe_db_clusters().send().await.unwrap();
    let cluster = &found.db_clusters()[0];
    let call = world.cx.client(aws_sdk_rdsdata::Client::new).execute_statement();
    let call = call.resource_arn(cluster.db_cluster_arn().unwrap()).database("payments").sql(sql);
    let call = call.secret_arn(cluster.master_user_secret().unwrap().secret_arn().unwrap());
    call.send().await.unwrap().records.unwrap_or_default()
}

/// Whether a user may log in, and is to do so with IAM; `None` where there is no such user.
async fn logs_in(world: &World, user: &str) -> Option<(bool, bool)> {
    let query = format!(
        "SELECT rolcanlogin, pg_has_role(rolname, 'rds_iam', 'MEMBER') FROM pg_roles WHERE rolname = '{user}'"
    );
    let row = sql(world, &query).await.into_iter().next()?;
    Some((*row[0].as_boolean_value().unwrap(), *row[1].as_boolean_value().unwrap()))
}

async fn switch(world: &World, on: bool) {
    let found = rds(world).describe_db_clusters().send().await.unwrap();
    let arn = found.db_clusters()[0].db_cluster_arn().unwrap().to_owned();
    match on {
        true => drop(rds(world).enable_http_endpoint().resource_arn(arn).send().await.unwrap()),
        false => drop(rds(world).disable_http_endpoint().resource_arn(arn).send().await.unwrap()),
    }
}

/// The whole chain of what a deployment that fails says.
async fn fails(tier: &Tier, world: &World, inputs: &Inputs) -> String {
    let error = tier.create(&world.engine, inputs).await.unwrap_err();
    format!("{error:?}")
}

#[tokio::test(start_paused = true)]
async fn it_is_made_and_what_somebody_changes_of_it_is_seen_and_repaired() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    assert_eq!(logs_in(&world, "payments_app").await, Some((true, true)));
    sql(&world, "ALTER ROLE payments_app NOLOGIN CREATEROLE").await;
    sql(&world, "REVOKE rds_iam FROM payments_app").await;
    sql(&world, "REVOKE CREATE ON SCHEMA public FROM payments_app").await;
    assert_eq!(
        world.drift::<Tier>().await,
        [
            "database/application-user: MemberOf",
            "database/application-user: RoleAttributes",
            "database/application-user: SchemaPrivileges",
        ]
    );
    world.create(&tier, &inputs).await;
    assert_eq!(logs_in(&world, "payments_app").await, Some((true, true)));
    world.assert_settled(&tier, &inputs).await;
    // Nobody ever takes the master user's password away.
    assert_eq!(logs_in(&world, "payments_owner").await, Some((true, false)));
}

#[tokio::test(start_paused = true)]
async fn at_awss_pace_it_waits_for_the_secret_the_writer_and_a_cluster_that_sleeps() {
    let (world, inputs) = world_on(Emulator::builder().latency(1.0).in_memory()).await;
    let capacity = Capacity { min: 0.0, max: 2.0, pause_after_seconds: None };
    let tier = tier(Args { capacity, ..expendable() });
    world.create(&tier, &inputs).await;
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    world.assert_settled(&tier, &inputs).await;
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_role_that_somebody_else_made_is_not_taken_over_unless_its_comment_says_so() {
    let (world, inputs) = world().await;
    let by_hand = tier(Args { data_api: false, ..expendable() });
    world.create(&by_hand, &inputs).await;
    switch(&world, true).await;
    sql(&world, "CREATE ROLE payments_app LOGIN").await;
    let said = fails(&tier(expendable()), &world, &inputs).await;
    let comment = "stack:project=payment stack:environment=dev stack:address=database/application-user";
    let advice = format!("COMMENT ON ROLE \\\"payments_app\\\" IS '{comment}'");
    assert!(said.contains(&advice), "{said}");
    assert_eq!(logs_in(&world, "payments_app").await, Some((true, false)));
    sql(&world, &format!("COMMENT ON ROLE payments_app IS '{comment}'")).await;
    world.create(&tier(expendable()), &inputs).await;
    assert_eq!(logs_in(&world, "payments_app").await, Some((true, true)));
    world.assert_settled(&tier(expendable()), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_data_api_it_stays_and_with_it_again_it_is_managed_again() {
    let (world, inputs) = world().await;
    world.create(&tier(expendable()), &inputs).await;
    let by_hand = tier(Args { data_api: false, ..expendable() });
    world.create(&by_hand, &inputs).await;
    world.assert_settled(&by_hand, &inputs).await;
    let found = rds(&world).describe_db_clusters().send().await.unwrap();
    assert_eq!(found.db_clusters()[0].http_endpoint_enabled(), Some(false));
    // The application goes on logging in as it.
    switch(&world, true).await;
    assert_eq!(logs_in(&world, "payments_app").await, Some((true, true)));
    switch(&world, false).await;
    world.create(&tier(expendable()), &inputs).await;
    world.assert_settled(&tier(expendable()), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_declared_any_more_loses_its_login_and_gets_it_back_when_it_is() {
    let (world, inputs) = world().await;
    world.create(&tier(expendable()), &inputs).await;
    let renamed = tier(Args { application_user: "ledger_app".to_owned(), ..expendable() });
    world.create(&renamed, &inputs).await;
    assert_eq!(logs_in(&world, "ledger_app").await, Some((true, true)));
    assert_eq!(logs_in(&world, "payments_app").await, Some((false, false)));
    world.assert_settled(&renamed, &inputs).await;
    world.create(&tier(expendable()), &inputs).await;
    assert_eq!(logs_in(&world, "ledger_app").await, Some((false, false)));
    assert_eq!(logs_in(&world, "payments_app").await, Some((true, true)));
    world.assert_settled(&tier(expendable()), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_be_asked_is_repaired_all_the_same() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    switch(&world, false).await;
    assert_eq!(world.drift::<Tier>().await, ["database/cluster: EnableHttpEndpoint"]);
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;

    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        let delete = rds(&world).delete_db_instance().db_instance_identifier(instance);
        delete.skip_final_snapshot(true).send().await.unwrap();
    }
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    // Without an instance nobody can ask, and nobody needs to.
    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        let delete = rds(&world).delete_db_instance().db_instance_identifier(instance);
        delete.skip_final_snapshot(true).send().await.unwrap();
    }
    tier.delete(&world.engine, &inputs).await.unwrap();
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_another_name_is_not_lost_to_the_one_that_is_declared() {
    const OLD: &str = "payment-cluster-dev";
    let (world, inputs) = world().await;
    let named = |allow: &[&str], final_snapshot: bool, name: Option<&str>| {
        tier(Args {
            cluster_name: name.map(str::to_owned),
            allow_data_loss: allow.iter().map(|name| (*name).to_owned()).collect(),
            final_snapshot,
            ..Args::default()
        })
    };
    // As it was made before, in an environment whose data may go.
    let old = named(&[OLD], false, Some(OLD));
    world.create(&old, &inputs).await;
    for (allow, final_snapshot) in [(&[CLUSTER][..], false), (&[CLUSTER], true), (&[], true)] {
        let error = named(allow, final_snapshot, None).create(&world.engine, &inputs).await.unwrap_err();
        assert!(matches!(error, ComponentError::Engine(_)), "{error:?}");
        assert!(format!("{error:?}").contains("Protected"), "{error:?}");
    }
    // Kept by name, there is nothing to do.
    world.assert_settled(&old, &inputs).await;
    world.create(&named(&[CLUSTER, OLD], false, None), &inputs).await;
    let found = rds(&world).describe_db_clusters().send().await.unwrap();
    assert_eq!(found.db_clusters()[0].db_cluster_identifier(), Some(CLUSTER));
}
