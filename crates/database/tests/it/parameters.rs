//! Parameters: which of them are ours, when they hold, and what waits for a restart.

use aws_sdk_rds::types::{ApplyMethod, Parameter};
use database::resources::ClusterParameterGroup;
use database::{Args, Tier};
use engine::{Action, Resource, Selector};

use crate::support::{CLUSTER, expendable, rds, tier, world, world_at_aws_pace};

const GROUP: &str = "payment-db-params-17-dev";

/// Sets a parameter behind the program's back.
async fn set(world: &testing::World, name: &str, value: &str, method: ApplyMethod) {
    let parameter = Parameter::builder().parameter_name(name).parameter_value(value).apply_method(method);
    let call = rds(world).modify_db_cluster_parameter_group().db_cluster_parameter_group_name(GROUP);
    call.parameters(parameter.build()).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_declared_parameter_is_ours_also_where_its_value_is_the_default() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
    // `verify` judges what was read.
    let state = world.engine.state().await.unwrap();
    let object = state.current("database/parameter-group").unwrap();
    let group: ClusterParameterGroup = serde_json::from_value(object.properties.clone()).unwrap();
    let outputs = serde_json::from_value(object.outputs.clone()).unwrap();
    let live = group.read(&world.cx, &outputs).await.unwrap().unwrap();
    assert_eq!(live.parameters["rds.force_ssl"], "1");
    assert_eq!(live.parameters["ssl_min_protocol_version"], "TLSv1.2");
    assert_eq!(live.parameters, group.parameters);
    // Another value in its place is drift, and so is one that nobody declared.
    set(&world, "rds.force_ssl", "0", ApplyMethod::Immediate).await;
    set(&world, "log_statement", "all", ApplyMethod::Immediate).await;
    let both = "database/parameter-group: Parameters";
    assert_eq!(world.drift::<Tier>().await, [both, both]);
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    world.assert_settled(&tier, &inputs).await;
}

/// What was sent of a parameter: its value and how it was to be applied.
fn methods(world: &testing::World) -> Vec<(String, String)> {
    let sent =
        world.emulator.calls().into_iter().filter(|call| call.operation == "ModifyDBClusterParameterGroup");
    let parameters =
        sent.flat_map(|call| call.parameters["Parameters"].as_array().cloned().unwrap_or_default());
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    parameters.map(|one| (text(&one["ParameterName"]), text(&one["ApplyMethod"]))).collect()
}

#[tokio::test(start_paused = true)]
async fn what_can_hold_at_once_is_set_at_once() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    for (name, method) in methods(&world) {
        let wanted = if name == "shared_preload_libraries" { "pending-reboot" } else { "immediate" };
        assert_eq!(method, wanted, "{name}");
    }
    // Repaired at once too, so that nobody has to restart anything.
    set(&world, "rds.force_ssl", "0", ApplyMethod::Immediate).await;
    set(&world, "log_statement", "all", ApplyMethod::Immediate).await;
    world.create(&tier, &inputs).await;
    let cluster = rds(&world).describe_db_clusters().db_cluster_identifier(CLUSTER).send().await.unwrap();
    for member in cluster.db_clusters()[0].db_cluster_members() {
        assert_eq!(member.db_cluster_parameter_group_status(), Some("in-sync"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_just_after_a_change_is_sent_again() {
    let (world, inputs) = world_at_aws_pace().await;
    let tier = tier(Args { monitoring_interval: 0, ..expendable() });
    world.create(&tier, &inputs).await;
    set(&world, "log_statement", "all", ApplyMethod::Immediate).await;
    assert_eq!(
        world.planned(&tier, &inputs, |action| *action == Action::Update).await,
        ["database/parameter-group"]
    );
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_waits_for_a_restart_is_shown_with_the_command_that_makes_it() {
    let (world, inputs) = world().await;
    let tier = tier(expendable());
    world.create(&tier, &inputs).await;
    assert_eq!(world.engine.look(&Selector::all()).await.unwrap().remarks(), []);
    set(&world, "max_connections", "500", ApplyMethod::PendingReboot).await;
    // The parameter is taken back, which is as static as it was.
    world.create(&tier, &inputs).await;
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    let remarks = world.engine.look(&Selector::all()).await.unwrap().remarks();
    let [remark] = &remarks[..] else { panic!("{remarks:?}") };
    assert_eq!(remark.address.as_str(), "database/cluster");
    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        let command = format!("`aws rds reboot-db-instance --db-instance-identifier {instance}`");
        assert!(remark.accepted.because.contains(&command), "{remark:?}");
    }
    world.assert_settled(&tier, &inputs).await;
    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        rds(&world).reboot_db_instance().db_instance_identifier(instance).send().await.unwrap();
    }
    assert_eq!(world.engine.look(&Selector::all()).await.unwrap().remarks(), []);
}
