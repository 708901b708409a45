//! Replacing and deleting: what comes first.

use std::sync::Arc;
use std::time::Duration;

use engine::{
    Action, Cause, Declaration, ErrorClass, Graph, Note, Observer, Operation, Phase, Progress, ReplaceOrder,
    Selector,
};
use serde_json::{Value, json};

use crate::fake_cloud::{CallEnd, Fault};
use crate::life::WriteEnd;
use crate::world::{Listener, World, early, graph, protected, reference, resource};

fn shaped(name: &str, shape: u8) -> Value {
    json!({ "Name": name, "Shape": shape })
}

#[tokio::test(start_paused = true)]
async fn a_replacement_creates_first_moves_dependents_over_and_deletes_last() {
    let world = World::new();
    let wanted = |shape: u8| {
        graph([
            resource("t/a", "Test::Token", shaped("a", shape)),
            resource("t/b", "Test::Token", json!({ "Name": "b", "Links": [reference("t/a", "Id")] })),
        ])
    };
    world.apply(&wanted(0)).await;
    world.cloud.clear_log();
    world.apply(&wanted(1)).await;
    assert_eq!(world.cloud.log(), ["create t/a", "update t/b", "delete t/a"]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_under_the_same_name_deletes_first_and_what_hangs_on_it_goes_before() {
    let world = World::new();
    let wanted = |shape: u8| {
        graph([
            resource("t/a", "Test::SlowKey", shaped("a", shape)),
            resource("t/b", "Test::Token", json!({ "Name": "b", "Parents": [reference("t/a", "Id")] })),
            resource("t/other", "Test::Token", shaped("other", shape)),
        ])
    };
    world.apply(&wanted(0)).await;
    let plan = world.plan(&wanted(1)).await;
    let order = |at: &str| match plan.step(at).unwrap().action {
        Action::Replace { order, .. } => order,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(order("t/a"), ReplaceOrder::DeleteFirst);
    assert_eq!(order("t/b"), ReplaceOrder::DeleteFirst);
    assert_eq!(order("t/other"), ReplaceOrder::CreateFirst);
    world.cloud.clear_log();
    world.apply(&wanted(1)).await;
    let log: Vec<String> = world.cloud.log().into_iter().filter(|call| !call.ends_with("other")).collect();
    assert_eq!(log, ["delete t/b", "delete t/a", "create t/a", "create t/b"]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_fixed_forces_delete_first_though_other_properties_are_not_known_yet() {
    let world = World::new();
    let wanted = |shape: u8| {
        graph([
            resource("t/a", "Test::Token", shaped("a", shape)),
            resource("t/b", "Test::Key", json!({ "Name": "fixed", "Parents": [reference("t/a", "Id")] })),
        ])
    };
    world.apply(&wanted(0)).await;
    world.cloud.clear_log();
    world.apply(&wanted(1)).await;
    world.check_cloud_equals_state().await;
    assert!(world.plan(&wanted(1)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_resources_can_swap_their_names() {
    let world = World::new();
    let wanted = |one: &str, other: &str| {
        graph([
            resource("t/a", "Test::Key", shaped(one, 0)),
            resource("t/b", "Test::SlowKey", shaped("b", 0)),
            resource("t/c", "Test::Key", shaped(other, 0)),
        ])
    };
    world.apply(&wanted("one", "other")).await;
    world.apply(&wanted("other", "one")).await;
    world.check_cloud_equals_state().await;
    assert_eq!(world.cloud.at("t/a").unwrap().properties["Name"], "other");
    assert!(world.cloud.lock().refusals.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_moves_to_another_address_keeps_its_name() {
    let world = World::new();
    world.apply(&graph([resource("t/old", "Test::Key", shaped("name", 0))])).await;
    world.cloud.clear_log();
    world.apply(&graph([resource("t/new", "Test::Key", shaped("name", 0))])).await;
    assert_eq!(world.cloud.log(), ["delete t/old", "create t/new"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_only_changed_lets_go_before_the_object_is_deleted_for_its_name() {
    let world = World::new();
    let old = graph([
        resource("t/old", "Test::Key", shaped("name", 0)),
        resource("t/user", "Test::Token", json!({ "Name": "user", "Links": [reference("t/old", "Id")] })),
        resource("t/below", "Test::Token", json!({ "Name": "below", "Parents": [reference("t/old", "Id")] })),
        resource("t/last", "Test::Token", json!({ "Name": "last", "Links": [reference("t/below", "Id")] })),
    ]);
    world.apply(&old).await;
    let new = graph([
        resource("t/new", "Test::Key", shaped("name", 0)),
        resource("t/user", "Test::Token", json!({ "Name": "user" })),
        resource("t/below", "Test::Token", json!({ "Name": "below" })),
        resource("t/last", "Test::Token", json!({ "Name": "last", "Links": [reference("t/below", "Id")] })),
    ]);
    world.apply(&new).await;
    world.check_cloud_equals_state().await;
    assert!(world.cloud.lock().refusals.is_empty(), "{:?}", world.cloud.lock().refusals);
}

#[tokio::test(start_paused = true)]
async fn code_that_is_gone_is_deleted_along_the_recorded_references() {
    let world = World::new();
    let link = |name: &str, to: &str| json!({ "Name": name, "Links": [reference(to, "Id")] });
    world
        .apply(&graph([
            resource("t/a", "Test::Token", shaped("a", 0)),
            resource("t/b", "Test::SlowTag", link("b", "t/a")),
            resource("t/c", "Test::SlowKey", link("c", "t/b")),
        ]))
        .await;
    world.cloud.clear_log();
    world.apply(&Arc::new(Graph::default())).await;
    assert_eq!(world.cloud.log(), ["delete t/c", "delete t/b", "delete t/a"]);
    assert!(world.cloud.lock().refusals.is_empty());
    assert!(world.state().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_replaced_object_that_could_not_be_deleted_is_deleted_by_the_next_run() {
    let world = World::new();
    let wanted = |shape: u8| graph([resource("t/a", "Test::Token", shaped("a", shape))]);
    world.apply(&wanted(0)).await;
    let session = world.process().engine.open().await.unwrap();
    let plan = session.plan(wanted(1), &Selector::all()).await.unwrap();
    // Read, create, read, delete: the last of them is refused.
    world.cloud.set_faults([(4, Fault::Before(ErrorClass::Denied))]);
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(report.failed.len(), 1, "{report:?}");
    assert_eq!(world.state().await.slot("t/a").unwrap().deposed.len(), 1);
    assert_eq!(world.cloud.addresses().len(), 2);
    world.cloud.no_more_faults();
    assert!(!world.plan(&wanted(1)).await.is_empty());
    world.apply(&wanted(1)).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn the_old_object_stays_until_its_successor_is_ready_also_after_a_crash() {
    let world = World::new();
    let wanted = |shape: u8| graph([resource("t/a", "Test::SlowToken", shaped("a", shape))]);
    world.apply(&wanted(0)).await;
    let process = world.process();
    // Opened, Intent, Created: the new object is being created when the process dies.
    process.store.die_at(3, WriteEnd::After);
    world.run_as(&process, &wanted(1)).await;
    let state = world.state().await;
    assert_eq!(state.current("t/a").unwrap().phase, Phase::Creating);
    assert_eq!(state.slot("t/a").unwrap().deposed.len(), 1);
    // It has not become ready when a second process looks, and that one is cancelled.
    let session = world.process().engine.open().await.unwrap();
    let plan = session.plan(wanted(1), &Selector::all()).await.unwrap();
    let cancel = session.cancel();
    let (report, ()) = tokio::join!(session.apply(&plan), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        cancel.cancel();
    });
    session.close().await.unwrap();
    assert!(!report.unwrap().is_complete());
    assert_eq!(world.cloud.addresses().len(), 2, "the old one was deleted too early");
    world.apply(&wanted(1)).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn references_that_were_turned_round_can_be_turned_back_in_the_middle_of_it() {
    let world = World::new();
    let parent = |name: &str, to: &str| json!({ "Name": name, "Parents": [reference(to, "Id")] });
    let old = graph([
        resource("t/a", "Test::Token", json!({ "Name": "a" })),
        resource("t/b", "Test::Token", parent("b", "t/a")),
    ]);
    let new = graph([
        resource("t/b", "Test::Token", json!({ "Name": "b" })),
        resource("t/a", "Test::Token", parent("a", "t/b")),
    ]);
    world.apply(&old).await;
    // Both new objects exist, and both old ones: the old b refers to the old a, and the new a to the new b.
    world.cloud.die_at(3, CallEnd::Before);
    world.run(&new).await;
    // What was sent arrives.
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.cloud.no_more_faults();
    assert_eq!(world.cloud.addresses(), ["t/a", "t/a", "t/b", "t/b"]);
    world.apply(&old).await;
    world.check_cloud_equals_state().await;
    assert!(world.cloud.lock().refusals.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_will_never_be_ready_is_replaced_by_the_next_run_with_all_that_holds_it() {
    for protect in [false, true] {
        let world = World::new();
        let doomed = if protect { protected } else { resource };
        let wanted = graph([
            doomed("t/a", "Test::SlowToken", shaped("a", 0)),
            resource("t/b", "Test::Token", json!({ "Name": "b", "EarlyParents": [early("t/a")] })),
        ]);
        world.cloud.doom("t/a");
        let report = world.run(&wanted).await.report();
        assert!(matches!(report.failed[0].cause, Cause::Broken { .. }), "{:?}", report.failed);
        assert_eq!(world.state().await.current("t/a").unwrap().phase, Phase::Broken);
        world.apply(&wanted).await;
        world.check_cloud_equals_state().await;
        assert_eq!(world.cloud.addresses(), ["t/a", "t/b"]);
        assert!(world.plan(&wanted).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_fails_after_its_process_died_is_replaced_by_the_very_next_run() {
    let world = World::new();
    let wanted = graph([
        resource("t/a", "Test::SlowToken", shaped("a", 0)),
        resource("t/b", "Test::Token", json!({ "Name": "b", "EarlyParents": [early("t/a")] })),
    ]);
    world.cloud.doom("t/a");
    world.cloud.die_at(2, CallEnd::After);
    world.run(&wanted).await;
    world.cloud.no_more_faults();
    world.apply(&wanted).await;
    world.check_cloud_equals_state().await;
    assert_eq!(world.cloud.addresses(), ["t/a", "t/b"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_kind_goes_as_the_plan_saw_it_also_when_somebody_had_changed_it() {
    let world = World::new();
    world.apply(&graph([resource("t/a", "Test::Token", shaped("a", 0))])).await;
    world.cloud.tamper("t/a", "Shape", json!(7));
    let wanted = graph([resource("t/a", "Test::Key", shaped("k", 0))]);
    let plan = world.plan(&wanted).await;
    let step = plan.step("t/a").unwrap();
    let Action::Replace { because, .. } = &step.action else { panic!("{:?}", step.action) };
    assert_eq!(because.iter().collect::<Vec<_>>(), ["Type"]);
    world.apply(&wanted).await;
    assert_eq!(world.cloud.addresses().len(), 1);
    assert_eq!(world.state().await.current("t/a").unwrap().kind, "Test::Key");
    world.check_cloud_equals_state().await;

    // What somebody changes after the plan is not deleted by it.
    let back = graph([resource("t/a", "Test::Token", shaped("a", 0))]);
    let session = world.process().engine.open().await.unwrap();
    let plan = session.plan(Arc::clone(&back), &Selector::all()).await.unwrap();
    world.cloud.tamper("t/a", "Shape", json!(8));
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    let [failure] = &report.failed[..] else { panic!("{report:?}") };
    assert!(matches!(&failure.cause, Cause::Stale { what } if what == "Shape"), "{failure:?}");
    world.apply(&back).await;
    world.check_cloud_equals_state().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_change_of_type_what_is_told_of_the_old_object_names_the_old_type() {
    let world = World::new();
    let wanted = |kind: &str| graph([resource("t/a", kind, shaped("a", 0))]);
    world.apply(&wanted("Test::Token")).await;
    let listener = Arc::new(Listener::default());
    let process = world.process();
    let engine = process.engine.with_observer(Arc::clone(&listener) as Arc<dyn Observer>);
    let session = engine.open().await.unwrap();
    let plan = session.plan(wanted("Test::Tag"), &Selector::all()).await.unwrap();
    // Once the new object is made and ready, everything is denied.
    world.cloud.set_faults((4..99).map(|call| (call, Fault::Before(ErrorClass::Denied))));
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap();
    let failed: Vec<_> =
        report.failed.iter().map(|failure| (failure.operation, failure.kind.as_str())).collect();
    assert_eq!(failed, [(Operation::Delete, "Test::Token")]);
    let told: Vec<_> = listener.0.lock().unwrap().iter().filter_map(started).collect();
    let expected = [(Operation::Create, "Test::Tag"), (Operation::Delete, "Test::Token")];
    assert_eq!(told, expected.map(|(operation, kind)| (operation, kind.to_owned())));
}

fn started(progress: &Progress) -> Option<(Operation, String)> {
    match progress {
        Progress::Started { kind, operation, .. } => Some((*operation, kind.clone())),
        _ => None,
    }
}

/// Two resources, the second of which refers to the first; both are of this shape.
fn pair(shape: u8) -> Arc<Graph> {
    let below = json!({ "Name": "b", "Shape": shape, "Links": [reference("t/a", "Id")] });
    graph([resource("t/a", "Test::Token", shaped("a", shape)), resource("t/b", "Test::Token", below)])
}

/// What a run leaves that dies when everything new is there, just before it records that it is going to delete something.
async fn half_replaced(old: &Arc<Graph>, new: &Arc<Graph>) -> World {
    let died_at = async |write: usize, end: WriteEnd| {
        let world = World::new();
        world.apply(old).await;
        let process = world.process();
        process.store.die_at(write, end);
        world.run_as(&process, new).await;
        world
    };
    for write in 1..20 {
        let state = died_at(write, WriteEnd::After).await.state().await;
        let mut open = state.slots().flat_map(|(_, slot)| &slot.open);
        if open.any(|open| open.mutation.operation() == Operation::Delete) {
            return died_at(write, WriteEnd::Before).await;
        }
    }
    panic!("nothing is deleted")
}

#[tokio::test(start_paused = true)]
async fn a_replaced_object_that_is_still_there_is_taken_back_when_it_is_declared_again() {
    let world = half_replaced(&pair(0), &pair(1)).await;
    let ids = world
        .state()
        .await
        .slots()
        .map(|(_, slot)| slot.deposed[0].outputs["Id"].clone())
        .collect::<Vec<_>>();
    assert_eq!(world.cloud.addresses(), ["t/a", "t/a", "t/b", "t/b"]);

    let plan = world.plan(&pair(0)).await;
    for at in ["t/a", "t/b"] {
        let step = plan.step(at).unwrap();
        assert_eq!((&step.action, step.note), (&Action::Unchanged, Some(Note::TakenBack)), "{at}");
    }
    assert!(!plan.is_empty());
    world.cloud.clear_log();
    world.apply(&pair(0)).await;
    assert_eq!(world.cloud.log(), ["delete t/b", "delete t/a"]);
    assert_eq!(["t/a", "t/b"].map(|at| Value::from(world.cloud.at(at).unwrap().id())), ids[..]);
    world.check_cloud_equals_state().await;
    assert!(world.plan(&pair(0)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_is_changed_like_any_other_and_its_successor_goes_when_nobody_holds_it() {
    let wanted = |shape: u8, size: u8| {
        graph([
            resource("t/a", "Test::Token", json!({ "Name": "a", "Shape": shape, "Size": size })),
            resource("t/b", "Test::Token", json!({ "Name": "b", "Links": [reference("t/a", "Id")] })),
        ])
    };
    let world = half_replaced(&wanted(0, 1), &wanted(1, 1)).await;
    world.cloud.clear_log();
    world.apply(&wanted(0, 2)).await;
    assert_eq!(world.cloud.log(), ["update t/a", "update t/b", "delete t/a"]);
    assert!(world.cloud.lock().refusals.is_empty());
    world.check_cloud_equals_state().await;
    assert_eq!(world.cloud.at("t/a").unwrap().properties["Size"], 2);
    assert!(world.plan(&wanted(0, 2)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_while_it_takes_objects_back_is_gone_on_with() {
    for write in 1..12 {
        let world = half_replaced(&pair(0), &pair(1)).await;
        let process = world.process();
        process.store.die_at(write, WriteEnd::After);
        world.run_as(&process, &pair(0)).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        // Whichever is wanted then, nothing is left of the other.
        let last = pair(u8::from(write % 2 == 0));
        world.apply(&last).await;
        world.check_cloud_equals_state().await;
        assert!(world.plan(&last).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_may_be_going_already_is_not_taken_back() {
    let world = World::new();
    let wanted = |shape: u8| graph([resource("t/a", "Test::SlowToken", shaped("a", shape))]);
    world.apply(&wanted(0)).await;
    // The deletion of the old object is sent, and the process dies; what it asked for does not happen.
    world.cloud.die_at(2, CallEnd::Before);
    world.run(&wanted(1)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.cloud.no_more_faults();
    let old = world.state().await.slot("t/a").unwrap().deposed[0].seq;
    let plan = world.plan(&wanted(0)).await;
    assert!(
        world
            .state()
            .await
            .slot("t/a")
            .unwrap()
            .deposed
            .iter()
            .any(|object| object.seq == old && object.removing)
    );
    assert!(matches!(plan.step("t/a").unwrap().action, Action::Replace { .. }));
    world.apply(&wanted(0)).await;
    world.check_cloud_equals_state().await;
}

/// A group with its parts.
fn group_of(parts: &[&str], size: u8) -> Declaration {
    let parts: Vec<Value> = parts.iter().map(|part| reference(part, "Id")).collect();
    resource("t/group", "Test::Token", json!({ "Name": "group", "Size": size, "Mentions": parts }))
}

fn part(at: &str) -> Declaration {
    resource(at, "Test::Token", json!({ "Name": at }))
}

/// Something in something else.
fn inside(at: &str, of: &str) -> Declaration {
    resource(at, "Test::SlowToken", json!({ "Name": at, "Parents": [reference(of, "Id")] }))
}

#[tokio::test(start_paused = true)]
async fn what_an_object_gives_up_is_not_used_any_more_when_it_is_changed() {
    let world = World::new();
    let whole = [part("t/p1"), part("t/p2"), group_of(&["t/p1", "t/p2"], 1), inside("t/cluster", "t/group")];
    let members = [inside("t/one", "t/cluster"), inside("t/two", "t/cluster")];
    world.apply(&graph([whole.as_slice(), &members].concat())).await;
    world.cloud.clear_log();
    let less =
        [part("t/p1"), group_of(&["t/p1"], 1), inside("t/cluster", "t/group"), inside("t/one", "t/cluster")];
    world.apply(&graph(less)).await;
    assert_eq!(world.cloud.log(), ["delete t/two", "update t/group", "delete t/p2"]);
    world.check_cloud_equals_state().await;
    // Where nothing is given up, nothing waits.
    world.cloud.clear_log();
    world.apply(&graph([part("t/p1"), group_of(&["t/p1"], 2), inside("t/cluster", "t/group")])).await;
    assert_eq!(world.cloud.log(), ["update t/group", "delete t/one"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_gives_up_first_where_what_goes_has_to_wait_for_that() {
    let world = World::new();
    let user = |of: &str| {
        let text = reference("t/group", "Version");
        resource(
            "t/user",
            "Test::Token",
            json!({ "Name": "user", "Links": [reference(of, "Id")], "Text": text }),
        )
    };
    let parts = [part("t/p1"), part("t/p2"), inside("t/two", "t/group")];
    let before = [group_of(&["t/p1", "t/p2"], 1), inside("t/one", "t/group"), user("t/one")];
    world.apply(&graph([parts.as_slice(), &before].concat())).await;
    world.cloud.clear_log();
    // `one` can go once the user refers to `two`, which waits for the group's new version.
    world.apply(&graph([parts.as_slice(), &[group_of(&["t/p1"], 2), user("t/two")]].concat())).await;
    assert_eq!(world.cloud.log(), ["update t/group", "update t/user", "delete t/one"]);
    world.check_cloud_equals_state().await;
}
