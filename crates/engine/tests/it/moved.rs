//! A resource that is called otherwise than before: what is recorded follows, and no object is touched.

use std::sync::Arc;

use engine::{Action, Graph, Moved, Selector};
use serde_json::{Value, json};

use crate::fake_cloud::{CallEnd, KINDS};
use crate::life::WriteEnd;
use crate::world::{Ended, World, address, reference, resource};

/// One object of each kind, each of which refers to the one before it, and something that refers to the last. They are called
/// by letters or by numbers.
fn chain(name: impl Fn(usize) -> String, size: u64) -> Graph {
    let mut before: Option<String> = None;
    let mut declared = Vec::new();
    for (position, spec) in KINDS.iter().enumerate() {
        let mut properties = json!({ "Name": format!("n{position}"), "Size": size });
        if let Some(before) = before.replace(name(position)) {
            properties["Links"] = json!([reference(&before, "Id")]);
        }
        declared.push(resource(&name(position), spec.name, properties));
    }
    let last = before.unwrap();
    let user = json!({ "Name": "user", "Links": [reference(&last, "Id")] });
    declared.push(resource("t/user", "Test::Token", user));
    Graph::from_declarations(declared).unwrap().with_exports(json!({ "last": reference(&last, "Id") }))
}

fn numbered(position: usize) -> String {
    format!("t/n-{position}")
}

fn lettered(position: usize) -> String {
    format!("t/n-{}", char::from(b'a' + u8::try_from(position).unwrap()))
}

fn before(size: u64) -> Arc<Graph> {
    Arc::new(chain(numbered, size))
}

fn renamed(size: u64) -> Graph {
    let former =
        (0..KINDS.len()).map(|position| (address(&lettered(position)), address(&numbered(position))));
    chain(lettered, size).with_former_addresses(former)
}

/// Everything is at the present addresses, with the objects that were there.
async fn check(world: &World, ids: &[Value]) {
    let state = world.state().await;
    let found: Vec<Value> = (0..KINDS.len())
        .map(|position| state.current(&lettered(position)).unwrap().outputs["Id"].clone())
        .collect();
    assert_eq!(found, ids);
    assert_eq!(state.slots().count(), KINDS.len() + 1);
    assert_eq!(state.exports()["last"], ids[KINDS.len() - 1]);
    let plan = world.plan(&Arc::new(renamed(1))).await;
    assert!(plan.is_empty() && plan.moved().is_empty(), "{:?}", plan.moved());
}

async fn ids(world: &World) -> Vec<Value> {
    let state = world.state().await;
    (0..KINDS.len())
        .map(|position| state.current(&numbered(position)).unwrap().outputs["Id"].clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_is_called_otherwise_keeps_its_object_and_nothing_is_called() {
    let world = World::new();
    world.apply(&before(1)).await;
    let ids = ids(&world).await;
    world.cloud.clear_log();
    let graph = Arc::new(renamed(1));
    let preview = world.process().engine.preview(Arc::clone(&graph), &Selector::all()).await.unwrap();
    for plan in [preview, world.plan(&graph).await] {
        assert!(plan.is_empty(), "{:?}", plan.steps());
        let first = Moved { from: address("t/n-0"), to: address("t/n-a") };
        assert_eq!((plan.moved().len(), &plan.moved()[0]), (KINDS.len(), &first));
    }
    // Nothing of that is recorded before it is applied.
    assert!(world.state().await.current("t/n-0").is_some());
    world.apply(&graph).await;
    assert_eq!(world.cloud.log(), [""; 0]);
    check(&world, &ids).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_it_records_what_moved_is_followed_by_one_that_goes_on() {
    let world = World::new();
    world.apply(&before(1)).await;
    let ids = ids(&world).await;
    let files: [Option<Vec<u8>>; 3] = world.files().await.try_into().unwrap();
    world.cloud.clear_log();
    let mut deaths = 0;
    for append in 1.. {
        let ends = [WriteEnd::Before, WriteEnd::Torn(1), WriteEnd::Torn(7), WriteEnd::After];
        let mut died = false;
        for end in ends {
            world.put_back(files.clone()).await;
            let process = world.process();
            process.store.die_at(append, end);
            died = matches!(world.run_as(&process, &Arc::new(renamed(1))).await, Ended::Died);
            deaths += usize::from(died);
            world.apply(&Arc::new(renamed(1))).await;
            check(&world, &ids).await;
        }
        if !died {
            break;
        }
    }
    assert!(deaths > 4 * KINDS.len(), "{deaths}");
    assert_eq!(world.cloud.log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_moves_is_changed_and_deleted_like_anything_else() {
    let world = World::new();
    world.apply(&before(1)).await;
    let ids = ids(&world).await;
    let graph = Arc::new(renamed(2));
    let plan = world.plan(&graph).await;
    let actions = (0..KINDS.len()).map(|position| plan.step(&lettered(position)).unwrap().action.clone());
    assert!(actions.into_iter().all(|action| action == Action::Update));
    // The cloud knows them by their former addresses.
    assert!(world.apply_selected(&graph, &Selector::all()).await.unwrap().is_complete());
    let state = world.state().await;
    assert_eq!(state.current("t/n-a").unwrap().outputs["Id"], ids[0]);
    assert_eq!(state.current("t/n-a").unwrap().properties["Size"], 2);

    // Also where the run that would have recorded it is the one that deletes everything.
    let world = World::new();
    world.apply(&before(1)).await;
    world.apply(&Arc::new(renamed(1).into_guards())).await;
    assert!(world.state().await.is_empty());
    assert!(world.cloud.addresses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_its_state_an_object_is_found_by_its_former_address() {
    let world = World::new();
    world.apply(&before(1)).await;
    let (made, ids) = (world.cloud.addresses(), ids(&world).await);
    world.put_back([None, None, None]).await;
    world.apply(&Arc::new(renamed(1))).await;
    assert_eq!(world.cloud.addresses(), made);
    check(&world, &ids).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_interrupted_at_the_former_address_is_settled_there_or_made_at_the_present_one() {
    for end in [CallEnd::Before, CallEnd::After] {
        for call in 1..=KINDS.len() {
            let world = World::new();
            world.cloud.die_at(call, end);
            assert!(matches!(world.run(&before(1)).await, Ended::Died));
            world.apply(&Arc::new(renamed(1))).await;
            let state = world.state().await;
            assert_eq!(state.slots().count(), KINDS.len() + 1);
            assert_eq!(world.cloud.addresses().len(), KINDS.len() + 1, "call {call}, {end:?}");
            assert!(world.plan(&Arc::new(renamed(1))).await.is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_moves_to_an_address_that_is_taken_or_from_one_that_is_declared() {
    let world = World::new();
    let one = |at: &str| resource(at, "Test::Token", json!({ "Name": at }));
    let graph = |declared: &[&str], former: &[(&str, &str)]| {
        let declared = Graph::from_declarations(declared.iter().map(|at| one(at)).collect()).unwrap();
        let former = former.iter().map(|(now, before)| (address(now), address(before)));
        Arc::new(declared.with_former_addresses(former))
    };
    world.apply(&graph(&["t/a", "t/b"], &[])).await;
    let moved = |plan: engine::Plan| plan.moved().to_vec();
    assert_eq!(moved(world.plan(&graph(&["t/a"], &[("t/a", "t/b")])).await), []);
    assert_eq!(moved(world.plan(&graph(&["t/b", "t/c"], &[("t/c", "t/b")])).await), []);
    // One of them alone, and each object goes to one resource.
    let twice = graph(&["t/c", "t/d"], &[("t/c", "t/b"), ("t/d", "t/b"), ("t/c", "t/a")]);
    assert_eq!(moved(world.plan(&twice).await), [Moved { from: address("t/b"), to: address("t/c") }]);
    // Another kind is another thing.
    let other = Graph::from_declarations(vec![resource("t/c", "Test::Key", json!({ "Name": "c" }))]).unwrap();
    let other = other.with_former_addresses([(address("t/c"), address("t/b"))]);
    assert_eq!(moved(world.plan(&Arc::new(other)).await), []);
}
