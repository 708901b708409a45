//! A cluster that somebody has stopped: everybody who looks is told; every change of it is refused before anything is called, with what to
//! do; what does not touch it goes on; and all is well once it runs again.

use std::time::Duration;

use aws::SecurityGroupId;
use aws_sdk_rds::primitives::{DateTime, DateTimeFormat};
use database::{Args, Inputs, Tier};
use engine::{Component as _, ComponentError, Input};
use testing::World;
use tokio::time::Instant;

use crate::support::{
    CLUSTER, expendable, live, rds, refused, refused_at, remarks, tier, world, world_at_aws_pace,
};

/// The group of somebody who is let in.
async fn client(world: &World, inputs: &Inputs) -> Input<SecurityGroupId> {
    let vpc = inputs.vpc_id.literal().unwrap().as_str();
    let group =
        world.cx.ec2().create_security_group().vpc_id(vpc).group_name("client").description("A client");
    SecurityGroupId::from(group.send().await.unwrap().group_id.unwrap()).into()
}

const START: &str = "`aws rds start-db-cluster --db-cluster-identifier payment-aurora-dev`";
const SHOWN: &str = "database/cluster";

async fn stop(world: &World) {
    rds(world).stop_db_cluster().db_cluster_identifier(CLUSTER).send().await.unwrap();
}

async fn start(world: &World) {
    rds(world).start_db_cluster().db_cluster_identifier(CLUSTER).send().await.unwrap();
}

async fn status(world: &World) -> String {
    live(world).await.status().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_stopped_cluster_is_shown_with_since_when_and_until_when() {
    let (world, inputs) = world_at_aws_pace().await;
    let tier = tier(Args { instances: 1, monitoring_interval: 0, ..expendable() });
    world.create(&tier, &inputs).await;
    assert_eq!(remarks(SHOWN, &world, &tier, &inputs).await, [""; 0]);
    stop(&world).await;
    let [stopping] = &remarks(SHOWN, &world, &tier, &inputs).await[..] else { panic!("not one remark") };
    assert!(stopping.starts_with("is being stopped") && stopping.contains(START), "{stopping}");
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let until = live(&world).await.automatic_restart_time.unwrap();
    let since = DateTime::from_secs(until.secs() - 7 * 86_400);
    let [said] = &remarks(SHOWN, &world, &tier, &inputs).await[..] else { panic!("not one remark") };
    let text = |time: DateTime| time.fmt(DateTimeFormat::DateTime).unwrap().replace(".000", "");
    let [since, until] = [since, DateTime::from_secs(until.secs())].map(text);
    assert!(said.starts_with(&format!("has been stopped since {since}")), "{said}");
    assert!(said.contains(&format!("by itself on {until}")) && said.contains(START), "{said}");
    // Nothing of the tier is changed, and nothing fights whoever has stopped it.
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    // What does not touch the database goes on.
    let opened = Inputs { client_security_group_ids: vec![client(&world, &inputs).await], ..inputs.clone() };
    world.create(&tier, &opened).await;
    assert_eq!(status(&world).await, "stopped");
    start(&world).await;
    tokio::time::sleep(Duration::from_secs(1500)).await;
    assert_eq!(remarks(SHOWN, &world, &tier, &opened).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_changes_a_stopped_cluster_is_refused_before_anything_is_called() {
    let (world, inputs) = world_at_aws_pace().await;
    let one = |args: Args| Args { instances: 1, monitoring_interval: 0, ..args };
    let settled = || one(expendable());
    world.create(&tier(settled()), &inputs).await;
    let refused_changes = [
        (SHOWN, Args { backup_retention_in_days: 9, ..settled() }),
        (SHOWN, Args { data_api: false, ..settled() }),
        ("database/instance-2", Args { instances: 2, ..settled() }),
        ("database/instance-1", Args { monitoring_interval: 60, ..settled() }),
        ("database/application-user", Args { application_creates_tables: false, ..settled() }),
        // Another user is made, and this one is let go.
        (SHOWN, Args { application_user: "ledger_app".to_owned(), ..settled() }),
    ];
    stop(&world).await;
    for state in ["stopping", "stopped"] {
        assert_eq!(status(&world).await, state);
        for (address, args) in refused_changes.clone() {
            let said = refused_at(address, &world, &inputs, args).await;
            assert!(said.contains(START), "{said}");
            assert!(said.contains("payment-aurora-dev is"), "{said}");
        }
        tokio::time::sleep(Duration::from_secs(1000)).await;
    }
    // One that is starting is waited for.
    start(&world).await;
    let all = tier(Args { backup_retention_in_days: 9, ..settled() });
    world.create(&all, &inputs).await;
    world.assert_settled(&all, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_not_taken_from_a_stopped_cluster() {
    let (world, inputs) = world().await;
    world.create(&tier(expendable()), &inputs).await;
    stop(&world).await;
    let said = refused(&world, &inputs, Args { instances: 1, ..expendable() }).await;
    assert!(said.contains(START), "{said}");
    start(&world).await;
    world.create(&tier(Args { instances: 1, ..expendable() }), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_cluster_is_no_drift_and_what_is_settled_stays_so() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    stop(&world).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    start(&world).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn a_stopped_cluster_is_deleted_once_it_runs() {
    let (world, inputs) = world_at_aws_pace().await;
    let tier = tier(Args { instances: 1, monitoring_interval: 0, ..expendable() });
    world.create(&tier, &inputs).await;
    stop(&world).await;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    let began = Instant::now();
    let ComponentError::Incomplete(report) = tier.delete(&world.engine, &inputs).await.unwrap_err() else {
        panic!("not incomplete")
    };
    let said: String =
        report.failed.iter().map(|failed| format!("{}: {}\n", failed.address, failed.cause)).collect();
    assert!(said.contains("`aws rds start-db-cluster`"), "{said}");
    // Were it let go now, it would keep its login in a cluster that may yet stay.
    let state = world.engine.state().await.unwrap();
    assert!(state.current("database/application-user").is_some());
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    start(&world).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(rds(&world).describe_db_clusters().send().await.unwrap().db_clusters(), []);
}
