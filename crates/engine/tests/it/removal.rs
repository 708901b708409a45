//! What holds data goes only if what is recorded and what is declared both let it go.

use std::sync::Arc;

use engine::{Contents, Declaration, EngineError, Fate, Graph, PlanError, Selector};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fake_cloud::Fault;
use crate::world::{Ended, World, graph, protected, resource};

/// A resource with further properties.
fn thing(name: &str, shape: u64, more: Value) -> Declaration {
    let mut properties = json!({ "Name": name, "Shape": shape });
    let Value::Object(more) = more else { panic!("{more}") };
    properties.as_object_mut().unwrap().extend(more);
    resource(&format!("t/{name}"), "Test::Key", properties)
}

fn one(shape: u64, more: Value) -> Arc<Graph> {
    graph([thing("a", shape, more)])
}

fn guards(graph: &Arc<Graph>) -> Arc<Graph> {
    Arc::new(Graph::clone(graph).into_guards())
}

/// The error with which a plan is refused, once nothing was called or changed.
async fn refused(world: &World, wanted: &Arc<Graph>) -> String {
    let (calls, files) = (world.cloud.log(), world.files().await);
    let previewed = world.process().engine.preview(Arc::clone(wanted), &Selector::all()).await.unwrap_err();
    assert_eq!(world.files().await, files);
    let Ended::Refused(error) = world.run(wanted).await else { panic!("it was done") };
    assert!(
        matches!(
            error,
            EngineError::Plan(
                PlanError::Protected { .. } | PlanError::PartInUse { .. } | PlanError::NameRetained { .. }
            )
        ),
        "{error}"
    );
    assert_eq!(previewed.to_string(), error.to_string());
    assert_eq!(world.cloud.log(), calls, "{error}");
    error.to_string()
}

/// The properties that the last deletion was sent with.
fn last_deletion(world: &World) -> Value {
    let inner = world.cloud.lock();
    inner.log.iter().rfind(|call| call.what == "delete").expect("something was deleted").properties.clone()
}

/// Case 01.
#[tokio::test(start_paused = true)]
async fn a_protection_that_is_declared_in_the_same_change_as_a_replacement_counts() {
    let world = World::new();
    world.apply(&one(0, json!({}))).await;
    let declared = graph([protected("t/a", "Test::Key", json!({ "Name": "a", "Shape": 1 }))]);
    let error = refused(&world, &declared).await;
    assert_eq!(error, "protected, but would be deleted or replaced: t/a (as configured now)");
    // The rest of the change is free to go.
    world.apply(&one(1, json!({}))).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn deleting_everything_asks_what_is_declared_too() {
    let world = World::new();
    world.apply(&one(0, json!({}))).await;
    let declared = graph([protected("t/a", "Test::Key", json!({ "Name": "a", "Shape": 0 }))]);
    refused(&world, &guards(&declared)).await;
    world.apply(&guards(&one(0, json!({})))).await;
    assert!(world.cloud.addresses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_kept_where_either_side_asks_for_it() {
    for (recorded, declared) in [(true, false), (false, true), (true, true), (false, false)] {
        for destroys in [true, false] {
            let world = World::new();
            let with = |keeps: bool| if keeps { json!({ "Policy": "Snapshot" }) } else { json!({}) };
            world.apply(&one(0, with(recorded))).await;
            let wanted = if destroys { guards(&one(0, with(declared))) } else { one(1, with(declared)) };
            let plan = world.plan(&wanted).await;
            let removal = plan.step("t/a").unwrap().removal().unwrap();
            let keeps = recorded || declared;
            assert_eq!(removal.fate, if keeps { Fate::Copied("a snapshot") } else { Fate::Lost });
            assert_eq!((removal.loses(), removal.name.as_deref()), (!keeps, Some("a")));
            world.apply(&wanted).await;
            assert_eq!(last_deletion(&world).get("Policy"), keeps.then(|| json!("Snapshot")).as_ref());
            world.check_cloud_equals_state().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_must_not_go_with_something_in_it_goes_only_when_it_is_empty() {
    for (recorded, declared, says) in [
        (true, false, "Guard as last applied"),
        (false, true, "Guard as configured now"),
        (true, true, "Guard as last applied and as configured now"),
    ] {
        for (holds, contents) in [(json!(2), "with 2 parts, "), (Value::Null, "")] {
            let world = World::new();
            let with = |guards: bool| {
                let guard = if guards { "Refuse" } else { "" };
                if holds.is_null() {
                    json!({ "Guard": guard })
                } else {
                    json!({ "Guard": guard, "Holds": holds })
                }
            };
            world.apply(&one(0, with(recorded))).await;
            let expected = format!("protected, but would be deleted or replaced: t/a ({contents}{says})");
            assert_eq!(refused(&world, &one(1, with(declared))).await, expected);
            assert_eq!(refused(&world, &guards(&one(0, with(declared)))).await, expected);
            world.cloud.tamper("t/a", "Holds", json!(0));
            let plan = world.plan(&guards(&one(0, with(declared)))).await;
            assert_eq!(plan.step("t/a").unwrap().removal().unwrap().contents, Contents::Empty);
            world.apply(&guards(&one(0, with(declared)))).await;
            assert_eq!(last_deletion(&world)["Guard"], "Refuse", "what came into it meanwhile would stay");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_locked_by_hand_is_found_before_anything_is_deleted() {
    let world = World::new();
    let both = |guard: &str| {
        graph([thing("a", 0, json!({ "Guard": guard })), thing("b", 0, json!({ "Guard": guard }))])
    };
    world.apply(&both("")).await;
    world.cloud.tamper("t/b", "Guard", json!("Lock"));
    let error = refused(&world, &guards(&both(""))).await;
    assert!(error.ends_with("t/b (Guard as changed outside of this program)"), "{error}");
    // What stays is not deleted, so its lock is not in the way.
    let kept = graph(["a", "b"].map(|name| thing(name, 0, json!({ "Guard": "", "Policy": "Retain" }))));
    let plan = world.plan(&guards(&kept)).await;
    assert_eq!(plan.step("t/b").unwrap().removal().unwrap().fate, Fate::Retained);
    // The lock is drift: it is taken away first, and everything can go.
    world.apply(&both("")).await;
    world.apply(&guards(&both(""))).await;
    assert!(world.cloud.addresses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_stays_in_the_cloud_and_leaves_the_state() {
    let world = World::new();
    let wanted = graph([
        thing("a", 0, json!({ "Policy": "Retain" })),
        thing("b", 0, json!({ "Links": [crate::world::reference("t/a", "Id")] })),
    ]);
    world.apply(&wanted).await;
    let plan = world.plan(&guards(&wanted)).await;
    assert_eq!(plan.step("t/a").unwrap().removal().unwrap().fate, Fate::Retained);
    let report = world.run(&guards(&wanted)).await.report();
    assert!(report.is_complete());
    assert_eq!(world.cloud.addresses(), ["t/a"]);
    assert!(world.state().await.is_empty());
    assert_eq!(world.cloud.log().iter().filter(|call| call.starts_with("delete")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_object_is_not_replaced_while_something_that_stays_uses_a_part_of_it() {
    let world = World::new();
    let wanted = |shape: u64, text: &str| {
        graph([thing("a", shape, json!({ "Holds": 2 })), thing("b", 0, json!({ "Text": text }))])
    };
    world.apply(&graph([thing("a", 0, json!({ "Holds": 2 }))])).await;
    world.apply(&wanted(0, "runs id-000001/part-2")).await;
    let error = refused(&world, &wanted(1, "runs id-000001/part-2")).await;
    assert_eq!(error, "t/a would be deleted or replaced, but t/b uses id-000001/part-2 in it");
    world.apply(&wanted(1, "runs something else")).await;
    world.check_cloud_equals_state().await;
    world.apply(&Arc::new(Graph::default())).await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_replaced_and_is_still_there_is_protected_by_what_is_declared_now() {
    let world = World::new();
    let token = |shape: u64| resource("t/a", "Test::Token", json!({ "Name": "a", "Shape": shape }));
    world.apply(&graph([token(0)])).await;
    world.cloud.set_faults([(4, Fault::Before(engine::ErrorClass::Denied))]);
    let report = world.run(&graph([token(1)])).await.report();
    assert_eq!(report.failed.len(), 1, "{report:?}");
    assert_eq!(world.cloud.addresses(), ["t/a", "t/a"]);
    let declared = graph([protected("t/a", "Test::Token", json!({ "Name": "a", "Shape": 1 }))]);
    refused(&world, &declared).await;
    world.apply(&graph([token(1)])).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_stays_while_something_stays_that_it_encrypts() {
    let cipher = |more: Value| Declaration { kind: "Test::Cipher".to_owned(), ..thing("key", 0, more) };
    let data = |policy: &str| {
        thing("data", 0, json!({ "Policy": policy, "Parents": [crate::world::reference("t/key", "Id")] }))
    };
    // The data is recorded with a copy, the key is not: a run was interrupted between the two.
    for (policy, stays) in [("Snapshot", true), ("Retain", true), ("", false)] {
        let world = World::new();
        world.apply(&graph([cipher(json!({})), data(policy)])).await;
        let wanted = guards(&graph([cipher(json!({})), data("")]));
        let plan = world.plan(&wanted).await;
        let fate = plan.step("t/key").unwrap().removal().unwrap().fate;
        assert_eq!(fate == Fate::Retained, stays, "{policy}");
        world.apply(&wanted).await;
        assert_eq!(world.cloud.addresses().iter().any(|address| address == "t/key"), stays);
    }
    // Copies that were made earlier need it too.
    for (holds, stays) in [(2, true), (0, false)] {
        let world = World::new();
        let wanted = graph([cipher(json!({ "Holds": holds }))]);
        world.apply(&wanted).await;
        world.apply(&guards(&wanted)).await;
        assert_eq!(world.cloud.addresses().len(), usize::from(stays));
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_there_again_is_not_deleted_unasked() {
    let world = World::new();
    let locked = protected("t/a", "Test::Key", json!({ "Name": "a", "Shape": 0 }));
    world.apply(&graph([locked.clone()])).await;
    let before = world.cloud.take("t/a");
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(Graph::default()), &Selector::all()).await.unwrap();
    assert_eq!(plan.step("t/a").unwrap().note, Some(engine::Note::Missing));
    world.cloud.give_back(before);
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert!(matches!(report.failed[0].cause, engine::Cause::Stale { .. }), "{report:?}");
    assert_eq!(world.cloud.addresses(), ["t/a"]);
    refused(&world, &Arc::new(Graph::default())).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_only_recorded_is_left_to_do_until_it_is_recorded() {
    let world = World::new();
    let wanted = graph([thing("a", 0, json!({ "Policy": "Retain" }))]);
    world.apply(&wanted).await;
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    let plan = session.plan(guards(&wanted), &Selector::all()).await.unwrap();
    session.cancel().cancel();
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert!(!report.is_complete() && report.interrupted, "{report:?}");
    assert!(world.state().await.current("t/a").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_retained_object_keeps_cannot_be_given_to_another_resource() {
    let world = World::new();
    let named = |at: &str| resource(at, "Test::Key", json!({ "Name": "same", "Policy": "Retain" }));
    world.apply(&graph([named("t/a")])).await;
    let error = refused(&world, &graph([named("t/b")])).await;
    assert_eq!(error, "t/b cannot be created: an object that is retained has the name that it needs");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_there_already_is_not_replaced_because_it_failed() {
    let world = World::new();
    let wanted = graph([resource("t/a", "Test::SlowKey", json!({ "Name": "a" }))]);
    world.apply(&wanted).await;
    // The state is lost, and the object fails later.
    world.put_back([None, None, None]).await;
    world.cloud.fail("t/a");
    for _ in 0..2 {
        let report = world.run(&wanted).await.report();
        assert!(report.failed[0].cause.to_string().contains("It may hold something"), "{report:?}");
        assert_eq!(world.cloud.addresses(), ["t/a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_there_already_keeps_its_protection_and_what_it_holds() {
    for (before, after, says) in [
        (json!({ "Guard": "Lock" }), json!({ "Guard": "" }), "its protection by Guard would be switched off"),
        (
            json!({ "Limit": 30 }),
            json!({ "Limit": 7 }),
            "its Limit would be lowered, which deletes parts beyond it",
        ),
    ] {
        for kind in ["Test::Key", "Test::Tag"] {
            let declared =
                |more: &Value| graph([Declaration { kind: kind.to_owned(), ..thing("a", 0, more.clone()) }]);
            let world = World::new();
            world.apply(&declared(&before)).await;
            world.put_back([None, None, None]).await;
            let report = world.run(&declared(&after)).await.report();
            assert!(report.failed[0].cause.to_string().contains(says), "{report:?}");
            for (property, value) in before.as_object().unwrap() {
                assert_eq!(&world.cloud.at("t/a").unwrap().properties[property], value);
            }
            // As it is, it is taken over; then it can be changed, and the plan says what that does.
            world.apply(&declared(&before)).await;
            world.apply(&declared(&after)).await;
            world.check_cloud_equals_state().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_lowered_is_in_the_plan() {
    let world = World::new();
    world.apply(&one(0, json!({ "Limit": 30 }))).await;
    let plan = world.plan(&one(0, json!({ "Limit": 7 }))).await;
    let lowered = plan.step("t/a").unwrap().lowered();
    assert_eq!((lowered[0].property, lowered[0].words), ("Limit", "parts beyond it"));
    assert!(world.plan(&one(0, json!({ "Limit": 31 }))).await.step("t/a").unwrap().lowered().is_empty());
}

/// What one side says of an object.
#[derive(Clone, Debug)]
struct Wish {
    protect: bool,
    policy: &'static str,
    guard: &'static str,
    shape: u64,
    holds: Option<u64>,
}

impl Wish {
    fn declared(&self, name: &str) -> Declaration {
        let Self { protect, policy, guard, shape, holds } = self;
        let mut more = json!({ "Policy": policy, "Guard": guard });
        if let Some(holds) = holds {
            more["Holds"] = json!(holds);
        }
        Declaration { protect: *protect, ..thing(name, *shape, more) }
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    (
        prop::bool::weighted(0.15),
        prop_oneof![3 => Just(""), 1 => Just("Snapshot"), 1 => Just("Retain")],
        prop_oneof![5 => Just(""), 1 => Just("Refuse"), 1 => Just("Lock")],
        0..3_u64,
        prop::option::of(0..3_u64),
    )
        .prop_map(|(protect, policy, guard, shape, holds)| Wish { protect, policy, guard, shape, holds })
}

type Wishes = [Option<Wish>; 3];

fn wishes() -> impl Strategy<Value = Wishes> {
    prop::array::uniform3(prop::option::weighted(0.8, wish()))
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn declared(wishes: &Wishes) -> Arc<Graph> {
    let declared = |(name, wish): (&str, &Option<Wish>)| wish.as_ref().map(|wish| wish.declared(name));
    graph(NAMES.into_iter().zip(wishes).filter_map(declared))
}

/// What must become of an object that `old` declared, by a rule of its own: `None` if it must not go.
fn verdict(old: &Wish, new: Option<&Wish>) -> Option<&'static str> {
    let sides = || std::iter::once(old).chain(new);
    let kept = ["Retain", "Snapshot"].into_iter().find(|policy| sides().any(|wish| wish.policy == *policy));
    // What stays is not deleted: a lock is not in the way.
    let locked = kept != Some("Retain") && sides().any(|wish| wish.guard == "Lock");
    let protects = locked || sides().any(|wish| wish.protect);
    // What is in it is what the live object says.
    let refuses = old.holds != Some(0) && kept.is_none() && sides().any(|wish| wish.guard == "Refuse");
    (!protects && !refuses).then_some(kept.unwrap_or("lost"))
}

async fn check(old: Wishes, new: Wishes, destroys: bool) {
    let world = World::new();
    world.apply(&declared(&old)).await;
    world.cloud.clear_log();
    let wanted = if destroys { guards(&declared(&new)) } else { declared(&new) };
    let goes = |(old, new): (&Option<Wish>, &Option<Wish>)| match (old, new) {
        (Some(old), Some(new)) => destroys || old.shape != new.shape,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let fates: Vec<(&str, Option<&str>)> = NAMES
        .into_iter()
        .zip(old.iter().zip(&new))
        .filter(|(_, sides)| goes(*sides))
        .map(|(name, (old, new))| (name, verdict(old.as_ref().unwrap(), new.as_ref())))
        .collect();
    if fates.iter().any(|(_, fate)| fate.is_none()) {
        let error = refused(&world, &wanted).await;
        for (name, fate) in fates {
            assert_eq!(error.contains(&format!("t/{name} (")), fate.is_none(), "{name}: {error}");
        }
        return;
    }
    // A retained object has the name that its successor needs.
    let is_declared = |name: &str| !destroys && declared(&new).get(&format!("t/{name}")).is_some();
    if fates.iter().any(|(name, fate)| *fate == Some("Retain") && is_declared(name)) {
        let error = refused(&world, &wanted).await;
        assert!(error.contains("has the name that it needs"), "{error}");
        return;
    }
    let plan = world.plan(&wanted).await;
    for (name, fate) in &fates {
        let removal = plan.step(&format!("t/{name}")).unwrap().removal().unwrap();
        let lost = *fate == Some("lost") && removal.contents != Contents::Empty;
        assert_eq!(removal.loses(), lost, "the plan does not say what becomes of {name}");
    }
    world.apply(&wanted).await;
    let deleted: Vec<(String, Value)> = {
        let inner = world.cloud.lock();
        let deletions = inner.log.iter().filter(|call| call.what == "delete");
        deletions.map(|call| (call.address.clone(), call.properties.clone())).collect()
    };
    for (name, fate) in &fates {
        let sent = deleted.iter().find(|(address, _)| *address == format!("t/{name}"));
        assert_eq!(sent.is_none(), *fate == Some("Retain"), "{name}: {deleted:?}");
        let copied = sent.is_some_and(|(_, properties)| properties["Policy"] == "Snapshot");
        assert_eq!(copied, *fate == Some("Snapshot"), "{name}: {deleted:?}");
    }
    assert_eq!(deleted.len(), fates.iter().filter(|(_, fate)| *fate != Some("Retain")).count());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_either_side_protects_is_ever_deleted_and_every_loss_is_in_the_plan(
        old in wishes(), new in wishes(), destroys in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(check(old, new, destroys));
    }
}

#[tokio::test(start_paused = true)]
async fn what_holds_data_is_not_replaced_because_something_that_it_needs_has_disappeared() {
    let below = |holds: Value, shape: u64| {
        let parents = json!([{ "$ref": "t/key", "attr": "Id" }]);
        let between = json!({ "Name": "between", "Parents": parents, "Holds": 0 });
        let parents = json!([{ "$ref": "t/between", "attr": "Id" }]);
        graph([
            thing("key", 0, json!({ "Holds": 0 })),
            resource("t/between", "Test::Token", between),
            resource(
                "t/data",
                "Test::Token",
                json!({ "Name": "data", "Shape": shape, "Parents": parents, "Holds": holds }),
            ),
        ])
    };
    for (holds, refused) in [(json!(3), true), (json!(null), true), (json!(0), false)] {
        let world = World::new();
        world.apply(&below(holds.clone(), 0)).await;
        world.cloud.lose("t/key");
        let planned = world.process().engine.preview(below(holds.clone(), 0), &Selector::all()).await;
        if !refused {
            planned.unwrap();
            world.apply(&below(holds, 0)).await;
            world.check_cloud_equals_state().await;
            continue;
        }
        let error = planned.unwrap_err();
        assert_eq!(
            error.to_string(),
            "t/data would be replaced, and all its parts with it, only because t/key has disappeared"
        );
        let calls = world.cloud.log();
        assert!(matches!(world.run(&below(holds.clone(), 0)).await, Ended::Refused(_)));
        assert_eq!(world.cloud.log(), calls);
        // Who wants another one anyway gets it, as far as nothing protects it.
        world.apply(&below(holds, 1)).await;
        world.check_cloud_equals_state().await;
    }
}
