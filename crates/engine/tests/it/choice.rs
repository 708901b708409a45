//! Doing only some of what there is to do: what comes along, what is left out as well, and what is done once more.

use std::sync::Arc;

use engine::{Action, Choice, Declaration, EngineError, Graph, Link, Note, Plan, PlanError, Reasons};
use serde_json::{Value, json};

use crate::fake_cloud::{CallEnd, GROUP, MEMBER};
use crate::life::WriteEnd;
use crate::world::{Ended, World, address, graph, protected, reference, resource};

fn only(patterns: &[&str]) -> Choice {
    patterns.iter().fold(Choice::all(), |choice, pattern| choice.only(pattern.parse().unwrap()))
}

fn except(patterns: &[&str]) -> Choice {
    without(Choice::all(), patterns)
}

fn without(choice: Choice, patterns: &[&str]) -> Choice {
    patterns.iter().fold(choice, |choice, pattern| choice.except(pattern.parse().unwrap()))
}

/// Four tiers: `b/b` is made of `a/a`, `c/c` is linked to `b/b`, and `d/d` needs nobody.
fn stack(shape: u8, size: u8) -> Arc<Graph> {
    let made = |at: &str, name: &str, more: Value| {
        let mut properties = json!({ "Name": name, "Size": size, "Holds": 0 });
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        resource(at, "Test::Token", properties)
    };
    graph([
        made("a/a", "a", json!({ "Shape": shape })),
        made("b/b", "b", json!({ "Parents": [reference("a/a", "Id")] })),
        made("c/c", "c", json!({ "Links": [reference("b/b", "Id")] })),
        made("d/d", "d", json!({})),
    ])
}

async fn preview(world: &World, graph: &Arc<Graph>, choice: &Choice) -> Plan {
    world.process().engine.preview_chosen(Arc::clone(graph), choice).await.unwrap()
}

async fn refused(world: &World, graph: &Arc<Graph>, choice: &Choice) -> String {
    let calls = world.cloud.log().len();
    let error =
        world.process().engine.preview_chosen(Arc::clone(graph), choice).await.unwrap_err().to_string();
    match world.run_chosen_as(&world.process(), graph, choice).await {
        Ended::Refused(same) => assert_eq!(same.to_string(), error),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.cloud.log().len(), calls, "nothing was called");
    error
}

async fn apply(world: &World, graph: &Arc<Graph>, choice: &Choice) {
    let ended = world.run_chosen_as(&world.process(), graph, choice).await;
    assert!(ended.is_complete(), "{ended:?}");
}

fn done(plan: &Plan) -> Vec<&str> {
    plan.steps().iter().filter(|step| step.is_change()).map(|step| step.address.as_str()).collect()
}

fn also(plan: &Plan) -> Vec<String> {
    plan.narrowed().also().iter().map(|link| format!("{}, because {}", link.to, link.brings())).collect()
}

fn left(plan: &Plan) -> Vec<String> {
    let because =
        |link: &Option<Link>| link.as_ref().map_or(String::new(), |link| format!(": {}", link.holds()));
    plan.narrowed()
        .left_out()
        .iter()
        .map(|left| format!("{}{}", left.address, because(&left.because)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_chosen_brings_what_it_needs_and_what_is_left_out_is_named_until_it_is_done() {
    let world = World::new();
    let wanted = stack(0, 0);
    let choice = only(&["b"]).called("up --only b");
    let plan = preview(&world, &wanted, &choice).await;
    assert_eq!(done(&plan), ["a/a", "b/b"]);
    assert_eq!(also(&plan), ["a/a, because b/b needs it"]);
    assert_eq!(left(&plan), ["d/d", "c/c"]);
    assert!(plan.narrowed().is_part() && plan.narrowed().before().is_none());
    apply(&world, &wanted, &choice).await;
    assert_eq!(world.cloud.addresses(), ["a/a", "b/b"]);

    // What the state says of it is still to be done, as far as it is.
    let recorded = world.state().await.partial().cloned().unwrap();
    assert_eq!((recorded.run.as_str(), recorded.addresses.len()), ("up --only b", 2));
    let without_c = graph(wanted.nodes().iter().filter(|node| node.address.as_str() != "c/c").cloned());
    let next = preview(&world, &without_c, &Choice::all()).await;
    assert_eq!(next.narrowed().before().unwrap().addresses, [address("d/d")]);
    assert!(!next.narrowed().is_part());
    // A run of another part leaves out what it leaves out.
    apply(&world, &wanted, &only(&["d"]).called("up --only d")).await;
    let next = preview(&world, &wanted, &Choice::all()).await;
    let before = next.narrowed().before().unwrap();
    assert_eq!((before.run.as_str(), before.addresses.as_slice()), ("up --only d", &[address("c/c")][..]));
    world.apply(&wanted).await;
    assert!(world.state().await.partial().is_none());
    assert!(preview(&world, &wanted, &Choice::all()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_change_in_place_comes_along_with_what_refers_to_it_and_holds_nothing_when_it_is_left_out() {
    let world = World::new();
    world.apply(&stack(0, 0)).await;
    let wanted = stack(0, 1);
    let plan = preview(&world, &wanted, &only(&["c"])).await;
    assert_eq!(done(&plan), ["a/a", "b/b", "c/c"]);
    assert_eq!(also(&plan), ["b/b, because c/c needs it", "a/a, because b/b needs it"]);
    let plan = preview(&world, &wanted, &except(&["b"])).await;
    assert_eq!((done(&plan), left(&plan)), (vec!["a/a", "d/d", "c/c"], vec!["b/b".to_owned()]));
    // Nor does it come along where it is excluded.
    let plan = preview(&world, &wanted, &without(only(&["c"]), &["b"])).await;
    assert_eq!(done(&plan), ["c/c"]);
    apply(&world, &wanted, &without(only(&["c"]), &["b"])).await;
    assert_eq!(world.cloud.at("b/b").unwrap().properties["Size"], 0);
    assert_eq!(world.cloud.at("c/c").unwrap().properties["Size"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_uses_something_that_is_replaced_comes_along_or_keeps_it_from_being_replaced() {
    let world = World::new();
    world.apply(&stack(0, 0)).await;
    let wanted = stack(1, 0);
    let plan = preview(&world, &wanted, &only(&["a"])).await;
    assert_eq!(done(&plan), ["a/a", "b/b", "c/c"]);
    let why = ["b/b, because it uses a/a, which is replaced", "c/c, because it uses b/b, which is replaced"];
    assert_eq!(also(&plan), why);
    let plan = preview(&world, &wanted, &except(&["c"])).await;
    assert!(plan.is_empty());
    assert_eq!(
        left(&plan),
        ["a/a: it would be replaced, and b/b uses it", "b/b: it would be replaced, and c/c uses it", "c/c"]
    );
    assert_eq!(
        refused(&world, &wanted, &without(only(&["a"]), &["c"])).await,
        "c/c cannot be left out: a/a would be replaced, and b/b uses it; b/b would be replaced, and c/c uses it"
    );
    // What needs what is not there cannot come without it either.
    let world = World::new();
    assert_eq!(
        refused(&world, &wanted, &without(only(&["c"]), &["a/*"])).await,
        "a/a cannot be left out: c/c needs b/b; b/b needs a/a"
    );
    let plan = preview(&world, &wanted, &except(&["a"])).await;
    assert_eq!(left(&plan), ["a/a", "b/b: it needs a/a", "c/c: it needs b/b"]);
}

#[tokio::test(start_paused = true)]
async fn to_delete_something_is_to_delete_what_uses_it_and_what_stays_keeps_what_it_uses() {
    let world = World::new();
    world.apply(&stack(0, 0)).await;
    let nothing = Arc::new(stack(0, 0).as_ref().clone().into_guards());
    let plan = preview(&world, &nothing, &only(&["b"])).await;
    assert_eq!(done(&plan), ["b/b", "c/c"]);
    assert_eq!(also(&plan), ["c/c, because it uses b/b, which is deleted"]);
    let plan = preview(&world, &nothing, &except(&["b"])).await;
    assert_eq!(done(&plan), ["c/c", "d/d"]);
    assert_eq!(left(&plan), ["a/a: it would be deleted, and b/b uses it", "b/b"]);
    apply(&world, &nothing, &except(&["b"])).await;
    assert_eq!(world.cloud.addresses(), ["a/a", "b/b"]);
    // It is done; what is declared and not there any more is no slip.
    assert!(preview(&world, &nothing, &only(&["c"])).await.is_empty());
    world.apply(&nothing).await;
    assert!(world.state().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn outputs_of_the_stack_are_known_after_a_part_and_stay_when_a_part_is_destroyed() {
    let world = World::new();
    let exports = json!({ "A": reference("a/a", "Id"), "D": reference("d/d", "Id") });
    let wanted = Arc::new(stack(0, 0).as_ref().clone().with_exports(exports));
    apply(&world, &wanted, &only(&["a"])).await;
    assert_eq!(world.state().await.exports().into_keys().collect::<Vec<_>>(), ["A"]);
    world.apply(&wanted).await;
    apply(&world, &Arc::new(wanted.as_ref().clone().into_guards()), &only(&["d"])).await;
    assert_eq!(world.state().await.exports().into_keys().collect::<Vec<_>>(), ["A"]);
}

#[tokio::test(start_paused = true)]
async fn a_name_comes_free_before_it_is_taken_and_is_not_taken_where_it_does_not() {
    let world = World::new();
    let named = |at: &str| graph([resource(at, "Test::Key", json!({ "Name": "n", "Holds": 0 }))]);
    world.apply(&named("a/old")).await;
    let wanted = named("b/new");
    let plan = preview(&world, &wanted, &only(&["b"])).await;
    assert_eq!(also(&plan), ["a/old, because it has the name that b/new needs"]);
    assert_eq!(done(&preview(&world, &wanted, &only(&["a"])).await), ["a/old"]);
    let plan = preview(&world, &wanted, &except(&["a"])).await;
    assert_eq!(left(&plan), ["b/new: a/old has the name that it needs", "a/old"]);
    apply(&world, &wanted, &only(&["b"])).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_waits_for_its_users_and_what_is_relieved_for_its_relief() {
    let world = World::new();
    let cluster = |parts: &[&str], members: &[&str]| {
        let ids: Vec<Value> = parts.iter().map(|part| reference(part, "Id")).collect();
        let mut declared: Vec<Declaration> = Vec::new();
        declared
            .extend(parts.iter().map(|at| resource(at, "Test::Token", json!({ "Name": at, "Holds": 0 }))));
        declared.push(resource(
            "t/group",
            GROUP.name,
            json!({ "Name": "group", "Mentions": ids, "Holds": 0 }),
        ));
        let inside = |at: &&str| {
            let properties = json!({ "Name": at, "Parents": [reference("t/group", "Id")], "Holds": 0 });
            resource(at, MEMBER.name, properties)
        };
        declared.extend(members.iter().map(inside));
        graph(declared)
    };
    world.apply(&cluster(&["t/p1", "t/p2"], &["t/m1", "t/m2"])).await;
    let wanted = cluster(&["t/p1"], &["t/m1", "t/m3"]);
    let plan = preview(&world, &wanted, &only(&["t/p2"])).await;
    let why = [
        "t/group, because it uses t/p2, which is deleted",
        "t/m2, because it may use what t/group gives up",
        "t/m3, because it takes over from t/m2, which is deleted",
    ];
    assert_eq!(also(&plan), why);
    let plan = preview(&world, &wanted, &except(&["t/m3"])).await;
    let why = [
        "t/group: t/m2 may use what it gives up",
        "t/m3",
        "t/m2: t/m3 is to take over from it",
        "t/p2: it would be deleted, and t/group uses it",
    ];
    assert_eq!(left(&plan), why);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_as_declared_is_replaced_on_demand_with_all_that_uses_it_and_only_once() {
    let replace = || Choice::all().replacing(address("a/a"));
    let world = World::new();
    let wanted = stack(0, 0);
    world.apply(&wanted).await;
    let before = world.cloud.at("a/a").unwrap().id;
    let plan = preview(&world, &wanted, &replace()).await;
    let Action::Replace { because, .. } = &plan.step("a/a").unwrap().action else { panic!("{plan:?}") };
    assert_eq!(because.iter().collect::<Vec<_>>(), [Reasons::REQUESTED]);
    assert_eq!(done(&plan), ["a/a", "b/b", "c/c"]);
    world.cloud.clear_log();
    apply(&world, &wanted, &replace()).await;
    let log = ["create a/a", "create b/b", "update c/c", "delete b/b", "delete a/a"];
    assert_eq!(world.cloud.log(), log);
    assert_ne!(world.cloud.at("a/a").unwrap().id, before);
    assert!(preview(&world, &wanted, &Choice::all()).await.is_empty());

    // Whatever the process dies in, the same command goes on, and makes none too many.
    for call in 1..=log.len() {
        for end in [CallEnd::Before, CallEnd::After] {
            let world = World::new();
            world.apply(&wanted).await;
            world.cloud.clear_log();
            world.cloud.die_at(call, end);
            let ended = world.run_chosen_as(&world.process(), &wanted, &replace()).await;
            assert!(matches!(ended, Ended::Died));
            world.cloud.survive();
            if call == log.len() && end == CallEnd::After {
                world.apply(&wanted).await;
            } else {
                apply(&world, &wanted, &replace()).await;
            }
            let made = world.cloud.log().iter().filter(|call| *call == "create a/a").count();
            assert_eq!(made, 1, "{call} {end:?}: {:?}", world.cloud.log());
            world.check_cloud_equals_state().await;
            assert!(preview(&world, &wanted, &Choice::all()).await.is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_replacement_on_demand_is_refused_like_any_other_and_where_there_is_nothing_to_replace() {
    let replace = |at: &str| Choice::all().replacing(address(at));
    let world = World::new();
    let wanted = graph([
        protected("a/kept", "Test::Token", json!({ "Name": "kept" })),
        resource("a/full", "Test::Token", json!({ "Name": "full", "Guard": "Refuse", "Holds": 2 })),
        resource("b/b", "Test::Token", json!({ "Name": "b", "Parents": [reference("a/full", "Id")] })),
    ]);
    let text = refused(&world, &wanted, &replace("b/b")).await;
    assert_eq!(text, "b/b cannot be replaced: it is declared, but nothing is recorded of it yet");
    world.apply(&wanted).await;
    let text = refused(&world, &wanted, &replace("a/kept")).await;
    assert!(text.starts_with("protected, but would be deleted or replaced: a/kept"), "{text}");
    let text = refused(&world, &wanted, &replace("a/full")).await;
    assert!(text.contains("a/full (with 2 parts, Guard as last applied"), "{text}");
    let text = refused(&world, &wanted, &replace("a/nobody")).await;
    assert_eq!(text, "a/nobody cannot be replaced: nothing is recorded of it");
    let without_b = graph(wanted.nodes()[..2].iter().cloned());
    let text = refused(&world, &without_b, &replace("b/b")).await;
    assert_eq!(text, "b/b cannot be replaced: it is recorded, but no longer declared");
    let text = refused(&world, &wanted, &without(replace("b/b"), &["b"])).await;
    assert_eq!(text, "b/b cannot be both replaced and left out");
    let text = refused(&world, &wanted, &without(replace("a/full"), &["b"])).await;
    let why = "it would be replaced, and b/b uses it";
    assert_eq!(text, format!("a/full cannot be both replaced and left out: {why}, which is left out"));
}

#[tokio::test(start_paused = true)]
async fn what_selects_nothing_is_an_error_before_any_call() {
    let world = World::new();
    for choice in [only(&["a", "x"]), except(&["a/*", "x"])] {
        let text = refused(&world, &stack(0, 0), &choice).await;
        assert_eq!(text, "`x` selects nothing: no such resource is declared or recorded");
        assert!(choice.check(&stack(0, 0), &world.state().await).is_err());
    }
    assert!(only(&["a", "*"]).check(&stack(0, 0), &world.state().await).is_ok());
}

/// What a run has deleted is not there when the same command is run again.
#[tokio::test(start_paused = true)]
async fn what_the_same_run_has_deleted_is_no_slip() {
    let world = World::new();
    world.apply(&stack(0, 0)).await;
    let without_d = graph(stack(0, 1).nodes()[..3].iter().cloned());
    let choice = only(&["d", "b"]).called("up --only d,b");
    world.cloud.die_at(2, CallEnd::After);
    assert!(matches!(world.run_chosen_as(&world.process(), &without_d, &choice).await, Ended::Died));
    world.cloud.survive();
    apply(&world, &without_d, &choice).await;
    assert!(world.cloud.at("d/d").is_none());
    assert_eq!(world.cloud.at("b/b").unwrap().properties["Size"], 1);
    assert!(preview(&world, &without_d, &choice).await.is_empty());
    let text = refused(&world, &without_d, &only(&["d"]).called("up --only d")).await;
    assert_eq!(text, "`d` selects nothing: no such resource is declared or recorded");
}

/// What protects a part is not in the way of the rest.
#[tokio::test(start_paused = true)]
async fn what_is_refused_as_a_whole_can_be_done_without_what_is_refused() {
    let world = World::new();
    let wanted = |shape: u8| {
        graph([
            protected("a/kept", "Test::Token", json!({ "Name": "kept", "Shape": shape })),
            resource("b/b", "Test::Token", json!({ "Name": "b", "Size": shape })),
        ])
    };
    world.apply(&wanted(0)).await;
    let error = world.process().engine.preview(wanted(1), &engine::Selector::all()).await.unwrap_err();
    assert!(matches!(error, EngineError::Plan(PlanError::Protected { .. })), "{error}");
    apply(&world, &wanted(1), &except(&["a"])).await;
    assert_eq!(world.cloud.at("b/b").unwrap().properties["Size"], 1);
    assert_eq!(world.cloud.at("a/kept").unwrap().properties["Shape"], 0);
}

/// At each call and each write, before and after.
#[tokio::test(start_paused = true)]
async fn a_run_of_a_part_that_dies_anywhere_is_resumed_by_the_same_command() {
    let wanted = stack(1, 1);
    let choice = except(&["d"]).called("up --exclude d");
    let old = || async {
        let world = World::new();
        world.apply(&stack(0, 0)).await;
        world
    };
    let straight = old().await;
    apply(&straight, &wanted, &choice).await;
    let mut died = [0, 0];
    for number in 1..40 {
        for is_write in [false, true] {
            for after in [false, true] {
                let (world, d) = (old().await, straight.cloud.at("d/d").unwrap());
                let process = world.process();
                match (is_write, after) {
                    (true, false) => process.store.die_at(number, WriteEnd::Before),
                    (true, true) => process.store.die_at(number, WriteEnd::After),
                    (false, false) => world.cloud.die_at(number, CallEnd::Before),
                    (false, true) => world.cloud.die_at(number, CallEnd::After),
                }
                let ended = world.run_chosen_as(&process, &wanted, &choice).await;
                died[usize::from(is_write)] += usize::from(matches!(ended, Ended::Died));
                world.cloud.survive();
                apply(&world, &wanted, &choice).await;
                assert_eq!(world.canonical(), straight.canonical());
                assert_eq!(world.cloud.at("d/d").unwrap().properties, d.properties);
                let plan = preview(&world, &wanted, &Choice::all()).await;
                assert_eq!(done(&plan), ["d/d"]);
                assert_eq!(plan.narrowed().before().unwrap().run, "up --exclude d");
                assert!(plan.steps().iter().all(|step| step.note != Some(Note::Unfinished)));
                world.check_cloud_equals_state().await;
            }
        }
    }
    assert!(died[0] >= 10 && died[1] >= 20, "{died:?}");
}
