//! What changes the record alone: forgetting, and protections that are recorded by themselves.

use std::sync::Arc;

use engine::{
    Action, Address, EngineError, File, Graph, Ledger, Outcome, PlanError, Selector, Seq, State, Store as _,
};
use serde_json::{Value, json};

use crate::life::WriteEnd;
use crate::world::{Ended, Process, World, address, graph, protected, reference, resource};

const KEY: &str = "Test::Key";

/// `t/b` and `t/c` need `t/a`.
fn three(shape: u64) -> Arc<Graph> {
    let of = |at: &str, more: Value| {
        let mut properties = json!({ "Name": at.replace('/', "-"), "Shape": shape });
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        resource(at, KEY, properties)
    };
    let links = || json!({ "Links": [reference("t/a", "Id")] });
    graph([of("t/a", json!({})), of("t/b", links()), of("t/c", links())])
}

fn addresses(all: &[&str]) -> Vec<Address> {
    all.iter().map(|one| address(one)).collect()
}

async fn ledger(process: &Process) -> Ledger {
    process.engine.clone().with_purpose("a test").open_ledger().await.unwrap()
}

async fn protect(world: &World, all: &[&str]) {
    let ledger = ledger(&world.process()).await;
    ledger.protect(addresses(all)).await.unwrap();
    ledger.close(Outcome::Done).await.unwrap();
}

async fn unprotect(world: &World, all: &[&str]) {
    let ledger = ledger(&world.process()).await;
    ledger.unprotect(addresses(all)).await.unwrap();
    ledger.close(Outcome::Done).await.unwrap();
}

async fn forget(world: &World, all: &[&str]) {
    let ledger = ledger(&world.process()).await;
    ledger.forget(addresses(all)).await.unwrap();
    ledger.close(Outcome::Done).await.unwrap();
}

/// What needs something that was forgotten, and is there, would get the very same outputs from it.
#[tokio::test(start_paused = true)]
async fn nothing_is_replaced_only_because_what_it_refers_to_was_forgotten() {
    let world = World::new();
    let wanted = |shape: u64| {
        let parents = json!({ "Name": "b", "Shape": shape, "Parents": [reference("t/a", "Id")] });
        graph([resource("t/a", KEY, json!({ "Name": "a" })), resource("t/b", KEY, parents)])
    };
    world.apply(&wanted(1)).await;
    forget(&world, &["t/a"]).await;
    let session = world.process().engine.open().await.unwrap();
    let refused = session.plan(wanted(1), &Selector::all()).await.unwrap_err();
    let id = world.cloud.at("t/a").unwrap().id();
    assert_eq!(
        refused.to_string(),
        format!("t/b would be replaced only because t/a is not recorded, though it is there ({id})")
    );
    // A replacement that is meant goes on.
    let plan = session.plan(wanted(2), &Selector::all()).await.unwrap();
    assert!(matches!(plan.step("t/b").unwrap().action, Action::Replace { .. }));
    assert!(plan.step("t/a").unwrap().encounter().is_some());
    session.close().await.unwrap();
}

/// What is recorded at each address.
fn recorded(state: &State) -> Vec<&str> {
    state.slots().map(|(address, _)| address.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_stays_in_the_cloud_and_everything_else_in_the_record() {
    let world = World::new();
    world.apply(&three(0)).await;
    let (before, calls) = (world.state().await, world.cloud.log());
    forget(&world, &["t/a", "t/c"]).await;
    let after = world.state().await;
    assert_eq!(recorded(&after), ["t/b"]);
    assert_eq!(after.slot("t/b"), before.slot("t/b"));
    assert_eq!(world.cloud.log(), calls, "nothing was called");
    assert_eq!(world.cloud.addresses().len(), 3);
    // What is still declared is found and taken over.
    world.apply(&three(0)).await;
    assert_eq!(world.cloud.addresses().len(), 3);
    world.check_cloud_equals_state().await;
    assert!(world.state().await.current("t/a").unwrap().adopted);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_forgotten_or_protected_is_refused_and_changes_nothing() {
    let world = World::new();
    world.apply(&three(0)).await;
    let process = world.process();
    let ledger = ledger(&process).await;
    ledger.protect(addresses(&["t/b"])).await.unwrap();
    let before = ledger.state();
    for (done, why) in [
        (ledger.forget(addresses(&["t/a", "t/x"])).await, "nothing is known of t/x"),
        (ledger.forget(addresses(&["t/a", "t/a"])).await, "t/a is named twice"),
        (ledger.forget(Vec::new()).await, "it names no resource"),
        (ledger.protect(addresses(&["t/a", "t/x"])).await, "nothing is known of t/x"),
        (ledger.protect(addresses(&["t/a", "t/b"])).await, "t/b is protected already"),
        (ledger.unprotect(addresses(&["t/b", "t/a"])).await, "t/a is not protected"),
    ] {
        let error = done.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    assert_eq!(ledger.state(), before);
    ledger.close(Outcome::Failed).await.unwrap();
    assert!(world.state().await.is_protected("t/b") && !world.state().await.is_protected("t/a"));
}

/// A run that was killed between a call and its record has left an intent, which a ledger does not look up.
#[tokio::test(start_paused = true)]
async fn what_has_an_open_intent_is_not_forgotten() {
    let world = World::new();
    let process = world.process();
    // The first is the opening, the second the intent.
    process.store.die_at(3, WriteEnd::Before);
    assert!(matches!(world.run_as(&process, &three(0)).await, Ended::Died));
    let open: Vec<Seq> = world.state().await.slots().flat_map(|(_, it)| &it.open).map(|it| it.seq).collect();
    assert_eq!(open.len(), 1);
    let ledger = ledger(&world.process()).await;
    let error = ledger.forget(addresses(&["t/a"])).await.unwrap_err().to_string();
    assert!(error.contains(&format!("t/a has the open intent {}", open[0])), "{error}");
    ledger.close(Outcome::Failed).await.unwrap();
    let still: Vec<Seq> = world.state().await.slots().flat_map(|(_, it)| &it.open).map(|it| it.seq).collect();
    assert_eq!(still, open, "nothing was settled");
    world.apply(&three(0)).await;
    world.check_cloud_equals_state().await;
}

/// The plan is refused, and nothing is called that changes anything.
async fn refused(world: &World, wanted: &Arc<Graph>) -> String {
    let calls = world.cloud.log();
    let Ended::Refused(error) = world.run(wanted).await else { panic!("it was done") };
    assert!(matches!(error, EngineError::Plan(PlanError::Protected { .. })), "{error}");
    assert_eq!(world.cloud.log(), calls, "{error}");
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_neither_deleted_nor_replaced_but_changed_until_that_is_lifted() {
    let world = World::new();
    world.apply(&three(0)).await;
    protect(&world, &["t/a"]).await;
    let wanted = "protected, but would be deleted or replaced: t/a (by a protection recorded for it)";
    // Replaced, not declared any more, everything destroyed.
    assert_eq!(refused(&world, &three(1)).await, wanted);
    assert_eq!(refused(&world, &graph([])).await, wanted);
    assert_eq!(refused(&world, &Arc::new(Graph::clone(&three(0)).into_guards())).await, wanted);
    let changed = json!({ "Name": "t-a", "Shape": 0, "Size": 7 });
    world.apply(&graph([resource("t/a", KEY, changed.clone())])).await;
    assert_eq!(world.state().await.current("t/a").unwrap().properties, changed);
    unprotect(&world, &["t/a"]).await;
    world.apply(&graph([])).await;
    assert!(world.state().await.is_empty() && world.cloud.addresses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_is_beside_what_is_declared_and_no_run_takes_it_away() {
    let world = World::new();
    let declared = || graph([protected("t/a", KEY, json!({ "Name": "a", "Shape": 0 }))]);
    world.apply(&declared()).await;
    protect(&world, &["t/a"]).await;
    let plain = |shape: u64| graph([resource("t/a", KEY, json!({ "Name": "a", "Shape": shape }))]);
    let both = refused(&world, &plain(1)).await;
    assert!(both.ends_with("t/a (as last applied and by a protection recorded for it)"), "{both}");
    // The declared one goes with what is declared, the other one stays.
    world.apply(&plain(0)).await;
    assert!(!world.state().await.current("t/a").unwrap().protect);
    assert!(refused(&world, &plain(1)).await.ends_with("t/a (by a protection recorded for it)"));
}

#[tokio::test(start_paused = true)]
async fn it_is_the_resource_that_is_protected_also_after_it_disappeared_or_was_renamed() {
    let world = World::new();
    world.apply(&three(0)).await;
    protect(&world, &["t/c"]).await;
    world.cloud.lose("t/c");
    world.apply(&three(0)).await;
    assert!(world.state().await.is_protected("t/c"));
    assert!(refused(&world, &three(1)).await.contains("t/c ("));

    let at = |at: &str, shape: u64| resource(at, KEY, json!({ "Name": "n", "Shape": shape }));
    let world = World::new();
    world.apply(&graph([at("t/old", 0)])).await;
    protect(&world, &["t/old"]).await;
    let renamed = |shape| {
        let graph = Graph::from_declarations(vec![at("t/new", shape)]).unwrap();
        Arc::new(graph.with_former_addresses([(address("t/new"), address("t/old"))]))
    };
    assert!(refused(&world, &renamed(1)).await.contains("t/new (by a protection"));
    world.apply(&renamed(0)).await;
    let state = world.state().await;
    assert!(state.is_protected("t/new") && !state.is_protected("t/old"));
    // What is forgotten is not protected any more: nothing is known of it.
    forget(&world, &["t/new"]).await;
    assert_eq!(world.state().await.protected().count(), 0);
}

/// Whatever is changed is one record, so a process that dies while it writes leaves all of it or nothing.
#[tokio::test(start_paused = true)]
async fn a_process_that_dies_at_any_write_leaves_the_old_record_or_the_new_one() {
    let world = World::new();
    world.apply(&three(0)).await;
    protect(&world, &["t/b"]).await;
    let files: [Option<Vec<u8>>; 3] = world.files().await.try_into().unwrap();
    let old = (vec!["t/a", "t/b", "t/c"], vec!["t/b"]);
    type Change = fn(&Ledger) -> std::pin::Pin<Box<dyn Future<Output = Result<(), EngineError>> + '_>>;
    let changes: [(Change, _); 3] = [
        (|ledger| Box::pin(ledger.forget(addresses(&["t/a", "t/b"]))), (vec!["t/c"], vec![])),
        (|ledger| Box::pin(ledger.protect(addresses(&["t/a", "t/c"]))), (old.0.clone(), old.0.clone())),
        (|ledger| Box::pin(ledger.unprotect(addresses(&["t/b"]))), (old.0.clone(), vec![])),
    ];
    for (change, new) in changes {
        let (mut seen_old, mut seen_new, mut deaths) = (false, false, 0);
        for append in 1.. {
            let mut died = false;
            let torn = (1..8).map(WriteEnd::Torn);
            for end in [WriteEnd::Before, WriteEnd::After].into_iter().chain(torn) {
                world.put_back(files.clone()).await;
                let process = world.process();
                process.store.die_at(append, end);
                let work = async {
                    let ledger = ledger(&process).await;
                    change(&ledger).await.unwrap();
                    ledger.close(Outcome::Done).await.unwrap();
                };
                died = tokio::select! {
                    biased;
                    () = process.life.over() => true,
                    () = work => false,
                };
                deaths += usize::from(died);
                let state = world.state().await;
                let protected: Vec<&str> = state.protected().map(Address::as_str).collect();
                let found = (recorded(&state), protected);
                assert!(found == old || found == new, "append {append}, {end:?}: {found:?}");
                seen_old |= found == old;
                seen_new |= found == new;
                // Whoever comes next can work on it.
                let next = ledger(&world.process()).await;
                assert_eq!(recorded(&next.state()), found.0);
                next.close(Outcome::Done).await.unwrap();
            }
            if !died {
                break;
            }
        }
        // The opening, the change, the end.
        assert!(seen_old && seen_new && deaths == 3 * 9, "{deaths}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ledger_needs_the_lock_and_gives_it_back() {
    let world = World::new();
    world.apply(&three(0)).await;
    let holding = ledger(&world.process()).await;
    let Err(error) =
        world.process().engine.with_lock_timeout(std::time::Duration::from_secs(1)).open_ledger().await
    else {
        panic!("two have the lock")
    };
    assert!(matches!(error, EngineError::Lock(engine::LockError::Held { .. })), "{error}");
    holding.close(Outcome::Done).await.unwrap();
    assert!(world.memory.read(File::Lock).await.unwrap().is_none());

    // One whose lock was taken away records nothing.
    let slow = ledger(&world.process()).await;
    let holder = engine::lock_holder(&world.memory).await.unwrap().unwrap();
    assert!(engine::unlock(&world.memory, &holder.id).await.unwrap());
    let next = ledger(&world.process()).await;
    slow.forget(addresses(&["t/a"])).await.unwrap_err();
    assert_eq!(recorded(&next.state()), ["t/a", "t/b", "t/c"]);
    next.close(Outcome::Done).await.unwrap();
    assert_eq!(recorded(&world.state().await), ["t/a", "t/b", "t/c"]);
}
