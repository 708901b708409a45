//! What somebody does to a key behind the program's back, and what KMS and IAM do not know yet.

use std::sync::Arc;

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{Key, KeyOutputs};
use aws_sdk_kms::types::KeyState;
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::{Action, Graph, Input, Plan, Resolved, Scope, Selector};
use testing::{ACCOUNT, World};

use crate::contract::{a_key, for_the_account};

fn graph(key: &Key) -> Arc<Graph> {
    let mut scope = Scope::new();
    scope.within("test", |scope| scope.add("key", key.clone())).unwrap();
    Arc::new(Graph::new(scope).unwrap())
}

async fn apply(world: &World, key: &Key) -> Plan {
    let session = world.engine.open().await.unwrap();
    let plan = session.plan(graph(key), &Selector::all()).await.unwrap();
    let report = session.apply(&plan).await.unwrap();
    assert!(report.is_complete(), "{report:#?}");
    session.close().await.unwrap();
    plan
}

fn kms(world: &World) -> aws_sdk_kms::Client {
    world.cx.client(aws_sdk_kms::Client::new)
}

async fn id(world: &World) -> String {
    let state = world.engine.state().await.unwrap();
    let outputs = state.current("test/key").unwrap().outputs.clone();
    serde_json::from_value::<KeyOutputs<Resolved>>(outputs).unwrap().key_id.to_string()
}

async fn state(world: &World, id: &str) -> KeyState {
    let found = kms(world).describe_key().key_id(id).send().await.unwrap();
    found.key_metadata.unwrap().key_state.unwrap()
}

/// The properties that differ from what was recorded.
async fn drift(world: &World) -> Vec<String> {
    let drift = world.engine.drift(&Selector::all()).await.unwrap();
    let changes = drift.iter().flat_map(|drift| drift.changes.clone().expect("it is there"));
    changes.map(|change| change.property().to_owned()).collect()
}

/// A plan updates the key in place, which is then as it was, and the same.
async fn is_mended(world: &World, key: &Key) {
    let before = id(world).await;
    let plan = apply(world, key).await;
    assert_eq!(plan.step("test/key").unwrap().action, Action::Update);
    assert_eq!(id(world).await, before);
    assert_eq!(state(world, &before).await, KeyState::Enabled);
    let rotation = kms(world).get_key_rotation_status().key_id(&before).send().await.unwrap();
    let period = key.rotation_period_in_days.unwrap_or(365).try_into().ok();
    assert_eq!((rotation.key_rotation_enabled(), rotation.rotation_period_in_days()), (true, period));
    assert_eq!(drift(world).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn another_rotation_period_is_drift_whatever_is_declared() {
    for declared in [None, Some(180)] {
        let world = World::on(Emulator::in_memory(), aws::kinds);
        let key = Key { rotation_period_in_days: declared, ..a_key() };
        apply(&world, &key).await;
        for days in [90, 2560] {
            let change = kms(&world).enable_key_rotation().key_id(id(&world).await);
            change.rotation_period_in_days(days).send().await.unwrap();
            assert_eq!(drift(&world).await, ["RotationPeriodInDays"]);
            is_mended(&world, &key).await;
        }
        // Where rotation is off, that is all there is to say; switched on again, it has the declared period.
        kms(&world).disable_key_rotation().key_id(id(&world).await).send().await.unwrap();
        assert_eq!(drift(&world).await, ["EnableKeyRotation"]);
        is_mended(&world, &key).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_on_demand_is_nothing_to_repair_and_in_nobodys_way() {
    let world = World::on(Emulator::builder().latency(1.0).in_memory(), aws::kinds);
    apply(&world, &a_key()).await;
    let id = id(&world).await;
    kms(&world).rotate_key_on_demand().key_id(&id).send().await.unwrap();
    let status = kms(&world).get_key_rotation_status().key_id(&id).send().await.unwrap();
    assert!(status.on_demand_rotation_start_date().is_some());
    assert_eq!(drift(&world).await, [""; 0]);
    kms(&world).enable_key_rotation().key_id(&id).rotation_period_in_days(2560).send().await.unwrap();
    is_mended(&world, &a_key()).await;
}

/// Case 05.
#[tokio::test(start_paused = true)]
async fn a_key_that_somebody_disabled_is_drift_and_is_enabled_before_its_rotation() {
    let world = World::on(Emulator::in_memory(), aws::kinds);
    apply(&world, &a_key()).await;
    let id = id(&world).await;
    kms(&world).disable_key_rotation().key_id(&id).send().await.unwrap();
    kms(&world).disable_key().key_id(&id).send().await.unwrap();
    assert_eq!(drift(&world).await, ["EnableKeyRotation", "Enabled"]);
    is_mended(&world, &a_key()).await;
}

/// Case 04.
#[tokio::test(start_paused = true)]
async fn the_deletion_of_a_key_that_is_declared_is_cancelled() {
    let world = World::on(Emulator::in_memory(), aws::kinds);
    apply(&world, &a_key()).await;
    let id = id(&world).await;
    kms(&world).schedule_key_deletion().key_id(&id).pending_window_in_days(7).send().await.unwrap();
    assert_eq!(drift(&world).await, ["DeletionDate", "EnableKeyRotation", "Enabled"]);
    is_mended(&world, &a_key()).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_kms_does_not_know_everywhere_yet_is_waited_for() {
    let disabled = Fault::Error { code: "DisabledException".to_owned(), status: 400 };
    let plan = FaultPlan::default();
    let plan = plan.with(Counted::Operation("EnableKeyRotation".to_owned()), When::Call(1), disabled);
    for emulator in [Emulator::builder().latency(1.0), Emulator::builder().faults(plan)] {
        let world = World::on(emulator.in_memory(), aws::kinds);
        apply(&world, &a_key()).await;
        let rotation = kms(&world).get_key_rotation_status().key_id(id(&world).await).send().await.unwrap();
        assert!(rotation.key_rotation_enabled());
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_names_a_role_of_a_moment_ago_is_waited_for() {
    let world = World::on(Emulator::builder().latency(1.0).in_memory(), aws::kinds);
    let iam = world.cx.client(aws_sdk_iam::Client::new);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    iam.create_role().role_name("reader").assume_role_policy_document(trust).send().await.unwrap();
    let role: Input<String> = format!("arn:aws:iam::{ACCOUNT}:role/reader").into();
    let read = Statement::allow(["kms:Decrypt"]).sid("Read").principal(Principal::Aws(role));
    let policy = PolicyDocument::new([for_the_account(), read.resources(["*".into()])]);
    let key = Key { key_policy: policy, ..a_key() };
    apply(&world, &key).await;
    assert_eq!(state(&world, &id(&world).await).await, KeyState::Enabled);
}
