//! A tier by itself, and as a part of more.

use std::sync::Arc;

use engine::{
    Component, ComponentError, DeclareError, Engine, EngineError, ErrorClass, Graph, Input, PlanError,
    Provider, Scope, Selector, Settle,
};
use serde_json::json;

use crate::fake_cloud::Fault;
use crate::life::Life;
use crate::typed::{HostId, NetworkId, Tier, registry};
use crate::world::World;

fn engine(world: &World) -> Engine {
    let registry = registry(&world.cloud, &Life::default());
    Engine::new(Arc::new(registry), Arc::new(world.memory.clone())).with_host(world.host().1)
}

fn greeting() -> Input<String> {
    "hello from".into()
}

#[tokio::test(start_paused = true)]
async fn a_tier_is_created_read_changed_and_deleted_through_its_types() {
    let (world, tier) = (World::new(), Tier { size: 1, hosts: 2 });
    let before = tier.read(&engine(&world), &greeting()).await.unwrap();
    assert_eq!((before.outputs, before.drift.len()), (None, 0));

    let outputs = tier.create(&engine(&world), &greeting()).await.unwrap();
    assert_eq!(outputs.network, NetworkId::from("id-000001"));
    assert_eq!(outputs.hosts.len(), 2);
    let host = world.cloud.at("tier/host-0").unwrap().properties;
    assert_eq!(host["Text"], "hello from id-000001.example");
    assert_eq!(host["Parents"], json!(["id-000001"]));

    world.cloud.tamper("tier/network", "Size", json!(7));
    let read = tier.read(&engine(&world), &greeting()).await.unwrap();
    assert_eq!(read.outputs.as_ref(), Some(&outputs));
    assert_eq!(read.drift[0].changes.as_ref().unwrap()[0].path, "Size");

    let smaller = Tier { size: 2, hosts: 1 };
    let outputs = smaller.create(&engine(&world), &greeting()).await.unwrap();
    assert_eq!((outputs.network, outputs.hosts.len()), (NetworkId::from("id-000001"), 1));
    assert_eq!(world.cloud.addresses(), ["tier/host-0", "tier/network"]);
    assert_eq!(world.cloud.at("tier/network").unwrap().properties["Size"], 2);

    smaller.delete(&engine(&world), &greeting()).await.unwrap();
    assert!(world.cloud.addresses().is_empty());
    assert!(engine(&world).state().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn arguments_that_cannot_work_are_refused_before_any_call() {
    let world = World::new();
    let error = Tier { size: 1, hosts: 12 }.create(&engine(&world), &greeting()).await.unwrap_err();
    assert_eq!(error.to_string(), "hosts: 12 are too many");
    assert!(world.files().await.iter().all(Option::is_none));
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_was_not_finished_says_what_failed_and_goes_on_when_run_again() {
    let (world, tier) = (World::new(), Tier { size: 1, hosts: 1 });
    world.cloud.always("tier/host-0", Fault::Before(ErrorClass::Denied));
    let error = tier.create(&engine(&world), &greeting()).await.unwrap_err();
    assert!(matches!(error, ComponentError::Incomplete(_)));
    assert!(error.to_string().starts_with("create of tier/host-0 failed: "), "{error}");
    world.cloud.no_more_faults();
    tier.create(&engine(&world), &greeting()).await.unwrap();
    assert_eq!(world.cloud.addresses(), ["tier/host-0", "tier/network"]);
}

/// A stack of the tier, and something outside of it that needs the tier's network.
fn stack(tier: &Tier) -> Arc<Graph> {
    let mut scope = Scope::new();
    let outputs = tier.declare_in(&mut scope, &greeting()).unwrap();
    let other = crate::typed::Host {
        name: "other".to_owned(),
        parents: vec![outputs.network.clone()],
        text: "outside".into(),
    };
    scope.within("other", |scope| scope.add("host", other)).unwrap();
    Arc::new(Graph::new(scope).unwrap().with_exports(json!({ "Network": outputs.network })))
}

#[test]
fn a_resource_can_wait_for_what_another_tier_gives_and_take_nothing_from_it() {
    let mut scope = Scope::new();
    let outputs = Tier { size: 1, hosts: 1 }.declare_in(&mut scope, &greeting()).unwrap();
    let host =
        |name: &str| crate::typed::Host { name: name.to_owned(), parents: vec![], text: "alone".into() };
    let given = [outputs.network, NetworkId::from("id-000009").into()];
    scope.within("other", |scope| {
        scope.add("waits", host("waits")).unwrap();
        scope.add("does-not", host("does-not")).unwrap();
        scope.wait_for("waits", &given).unwrap();
        let unknown = scope.wait_for("nobody", &given).unwrap_err();
        assert!(matches!(unknown, DeclareError::Unknown { .. }), "{unknown}");
    });
    let graph = Graph::new(scope).unwrap();
    assert_eq!(graph.dependencies("other/waits"), [crate::world::address("tier/network")]);
    assert_eq!(graph.dependencies("other/does-not"), []);
}

#[tokio::test(start_paused = true)]
async fn a_tier_alone_leaves_the_rest_of_the_stack_and_its_outputs_as_they_are() {
    let (world, tier) = (World::new(), Tier { size: 1, hosts: 1 });
    let session = engine(&world).open().await.unwrap();
    let plan = session.plan(stack(&tier), &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();

    Tier { size: 3, hosts: 2 }.create(&engine(&world), &greeting()).await.unwrap();
    assert_eq!(world.cloud.addresses(), ["other/host", "tier/host-0", "tier/host-1", "tier/network"]);
    assert_eq!(engine(&world).state().await.unwrap().exports()["Network"], "id-000001");

    let error = tier.delete(&engine(&world), &greeting()).await.unwrap_err();
    let ComponentError::Engine(EngineError::Plan(PlanError::StillNeeded { address, by })) = error else {
        panic!("{error}")
    };
    assert_eq!((address.as_str(), by.as_str()), ("tier/network", "other/host"));
    assert_eq!(world.cloud.addresses().len(), 4, "nothing was deleted");
}

#[tokio::test(start_paused = true)]
async fn a_tier_alone_does_not_replace_what_the_rest_of_the_stack_stands_on() {
    let (world, tier) = (World::new(), Tier { size: 1, hosts: 0 });
    let session = engine(&world).open().await.unwrap();
    let plan = session.plan(stack(&tier), &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();
    world.cloud.tamper("tier/network", "Name", json!("renamed"));
    let error = tier.create(&engine(&world), &greeting()).await.unwrap_err();
    assert!(
        matches!(error, ComponentError::Engine(EngineError::Plan(PlanError::StillNeeded { .. }))),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_typed_resource_makes_the_round_trip_through_the_registry() {
    let world = World::new();
    let registry = registry(&world.cloud, &Life::default());
    let kind = registry.kind("Test::SlowKey").unwrap();
    assert!(registry.kind("Test::Other").is_none());
    assert_eq!(kind.settle(), Settle::Key);
    let properties = json!({ "Name": "n", "Size": 4 });
    assert_eq!(kind.claim(&properties).as_deref(), Some("n"));
    assert_eq!(kind.claim(&json!({ "Name": 5 })), None);
    let intent = engine::Intent { address: crate::world::address("tier/n"), token: "token".to_owned() };
    let error = kind.create(&json!({ "Name": "n" }), &intent).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(error.message.contains("missing field `Size`"), "{error}");
    assert_eq!(serde_json::to_value(HostId::from("id-000009")).unwrap(), "id-000009");
}
