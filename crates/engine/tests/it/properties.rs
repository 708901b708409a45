//! What holds for every graph, every old state, every fault, and a crash at every place.

use std::sync::Arc;
use std::time::Duration;

use engine::{Choice, Declaration, EngineError, ErrorClass, Graph, Plan, PlanError, Selection, Selector};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use serde_json::{Map, Value, json};

use crate::fake_cloud::{CallEnd, Fault, KINDS, Thing};
use crate::life::WriteEnd;
use crate::world::{Ended, World, address, early, reference, resource};

const NODES: usize = 8;

/// How one resource refers to another.
#[derive(Clone, Copy, Debug)]
enum By {
    Parents,
    EarlyParents,
    Links,
    Mentions,
    Version,
    Endpoint,
}

#[derive(Clone, Debug)]
struct Node {
    present: bool,
    kind: usize,
    size: u8,
    shape: u8,
    refers: Vec<(usize, By)>,
}

/// A graph over the addresses `t/n0` to `t/n7`. Resources refer to those before them, or after them in a mirrored one.
#[derive(Clone)]
struct Wanted {
    nodes: Vec<Node>,
    names: Vec<usize>,
    mirrored: bool,
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let graph = self.graph();
        let mut lines = f.debug_list();
        for node in graph.nodes() {
            lines.entry(&format_args!("{} {} {}", node.address, node.kind, node.properties));
        }
        lines.finish()
    }
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        3 => Just(By::Parents),
        2 => Just(By::EarlyParents),
        3 => Just(By::Links),
        1 => Just(By::Mentions),
        1 => Just(By::Version),
        1 => Just(By::Endpoint),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    (
        prop::bool::weighted(0.8),
        prop_oneof![4 => Just(0), 1 => Just(1), 4 => Just(2), 2 => Just(3), 1 => Just(4), 2 => Just(5_usize)],
        0..3_u8,
        prop::bool::weighted(0.2),
        prop::collection::vec((0..NODES, by()), 0..3),
    )
        .prop_map(|(present, kind, size, shape, refers)| Node {
            present,
            kind,
            size,
            shape: u8::from(shape),
            refers,
        })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let names = Just((0..NODES).collect::<Vec<usize>>()).prop_shuffle();
    (prop::collection::vec(node(), NODES), names, prop::bool::weighted(0.2))
        .prop_map(|(nodes, names, mirrored)| Wanted { nodes, names, mirrored })
}

/// The second graph: the first with some nodes, some names, or the direction changed.
fn changed(old: Wanted) -> impl Strategy<Value = (Wanted, Wanted)> {
    let picks = prop::collection::vec(prop::bool::weighted(0.4), NODES);
    (Just(old), wanted(), picks, prop::bool::weighted(0.5)).prop_map(|(old, other, picks, rename)| {
        let mut new = old.clone();
        for (position, pick) in picks.iter().enumerate() {
            if *pick {
                new.nodes[position] = other.nodes[position].clone();
            }
        }
        if rename {
            new.names = other.names;
            new.mirrored = other.mirrored;
        }
        (old, new)
    })
}

impl Wanted {
    fn graph(&self) -> Arc<Graph> {
        let rank = |position: usize| if self.mirrored { NODES - 1 - position } else { position };
        let mut order: Vec<usize> = (0..NODES).filter(|&position| self.nodes[position].present).collect();
        order.sort_by_key(|&position| rank(position));
        // What refers to something with a natural key may have to be deleted before that is replaced. What links to it
        // in place could not let go first, and no order would do.
        let mut deleted_first = [false; NODES];
        let mut declarations = Vec::new();
        for &position in &order {
            let node = &self.nodes[position];
            let targets: Vec<(usize, By)> = node
                .refers
                .iter()
                .filter(|(to, _)| self.nodes[*to].present && rank(*to) < rank(position))
                .map(|&(to, by)| match by {
                    By::Links if deleted_first[to] => (to, By::Mentions),
                    other => (to, other),
                })
                .collect();
            deleted_first[position] =
                KINDS[node.kind].name.ends_with("Key") || targets.iter().any(|(to, _)| deleted_first[*to]);
            declarations.push(declare(position, node, self.names[position], &targets));
        }
        Arc::new(Graph::from_declarations(declarations).unwrap())
    }
}

fn at(position: usize) -> String {
    format!("t/n{position}")
}

fn declare(position: usize, node: &Node, name: usize, targets: &[(usize, By)]) -> Declaration {
    let mut properties = Map::new();
    properties.insert("Name".to_owned(), json!(format!("name-{name}")));
    properties.insert("Shape".to_owned(), json!(node.shape));
    properties.insert("Size".to_owned(), json!(node.size));
    // With something in them they would not be made anew because others are gone.
    properties.insert("Holds".to_owned(), json!(0));
    let mut push = |property: &str, value: Value| {
        let list = properties.entry(property).or_insert_with(|| json!([]));
        if let Value::Array(list) = list
            && !list.contains(&value)
        {
            list.push(value);
        }
    };
    for &(to, by) in targets {
        let to = at(to);
        match by {
            By::Parents => push("Parents", reference(&to, "Id")),
            By::EarlyParents => push("EarlyParents", early(&to)),
            By::Links => push("Links", reference(&to, "Id")),
            By::Mentions => push("Mentions", reference(&to, "Id")),
            By::Version => push("Text", json!({ "$join": ["at ", reference(&to, "Version")] })),
            By::Endpoint => push("Text", json!({ "$join": ["https://", reference(&to, "Endpoint")] })),
        }
    }
    resource(&at(position), KINDS[node.kind].name, Value::Object(properties))
}

fn transient() -> impl Strategy<Value = Fault> {
    prop_oneof![
        2 => Just(Fault::Before(ErrorClass::Throttled)),
        1 => Just(Fault::Before(ErrorClass::NotYet)),
        2 => Just(Fault::Before(ErrorClass::Ambiguous)),
        4 => Just(Fault::AfterEffect),
    ]
}

fn certain() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Before(ErrorClass::Denied)), Just(Fault::Before(ErrorClass::Invalid)),]
}

#[derive(Clone, Copy, Debug)]
enum Crash {
    Call(usize, CallEnd),
    Write(usize, WriteEnd),
    Late(usize, u64),
}

fn crash() -> impl Strategy<Value = Crash> {
    let write =
        prop_oneof![Just(WriteEnd::Before), (1..8_u8).prop_map(WriteEnd::Torn), Just(WriteEnd::After)];
    prop_oneof![
        2 => (1..14_usize, prop_oneof![Just(CallEnd::Before), Just(CallEnd::After)]).prop_map(|(n, end)| Crash::Call(n, end)),
        2 => (1..40_usize, write).prop_map(|(n, end)| Crash::Write(n, end)),
        1 => (1..40_usize, 1..20_u64).prop_map(|(n, by)| Crash::Late(n, by)),
    ]
}

#[derive(Clone, Debug)]
struct Case {
    old: Wanted,
    new: Wanted,
    faults: Vec<(usize, Fault)>,
    crashes: Vec<Crash>,
    lag: u64,
}

fn case(
    faults: impl Strategy<Value = Vec<(usize, Fault)>>,
    crashes: impl Strategy<Value = Vec<Crash>>,
) -> impl Strategy<Value = Case> {
    (wanted().prop_flat_map(changed), faults, crashes, 0..25_u64)
        .prop_map(|((old, new), faults, crashes, lag)| Case { old, new, faults, crashes, lag })
}

fn some_faults() -> impl Strategy<Value = Vec<(usize, Fault)>> {
    let fault = prop_oneof![6 => transient(), 1 => certain()];
    prop::collection::vec((1..80_usize, fault), 0..6)
}

/// Runs a future in virtual time.
fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

async fn with_old_state(case: &Case) -> World {
    let world = World::new();
    world.cloud.set_lag(Duration::from_secs(case.lag));
    world.apply(&case.old.graph()).await;
    world.check_cloud_equals_state().await;
    world
}

/// All that is there and not selected.
fn rest(world: &World, selection: &Selection) -> Vec<Thing> {
    let inner = world.cloud.lock();
    inner.things.values().filter(|thing| !selection.contains(&thing.address)).cloned().collect()
}

async fn check_settled(world: &World, graph: &Arc<Graph>) {
    world.check_cloud_equals_state().await;
    let plan = world.plan(graph).await;
    let left: Vec<_> = plan.steps().iter().filter(|step| step.is_change()).collect();
    assert!(left.is_empty(), "apply left something to do: {left:#?}");
    assert!(plan.is_empty());
}

async fn destroy(world: &World) {
    let nothing = Arc::new(Graph::default());
    world.apply(&nothing).await;
    let left = world.cloud.addresses();
    assert!(left.is_empty(), "{left:?}");
    let state = world.state().await;
    assert!(state.is_empty(), "{state:?}");
}

fn config() -> ProptestConfig {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proptest-regressions/properties.txt");
    let mut config = ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    };
    // The same cases in every run, so that a change is judged by what it changes; PROPTEST_CASES or PROPTEST_RNG_SEED
    // go looking for others.
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if !is_set("PROPTEST_CASES") {
        config.cases = 100;
        if !is_set("PROPTEST_RNG_SEED") {
            config.rng_seed = RngSeed::Fixed(20_261_122);
        }
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn without_faults_one_run_converges_and_the_cloud_refuses_nothing(case in case(Just(vec![]), Just(vec![]))) {
        in_virtual_time(async {
            let world = with_old_state(&case).await;
            let new = case.new.graph();
            world.apply(&new).await;
            check_settled(&world, &new).await;
            destroy(&world).await;
            let refusals = world.cloud.lock().refusals.clone();
            assert!(refusals.is_empty(), "{refusals:?}");
        });
    }

    #[test]
    fn after_faults_and_crashes_the_next_run_ends_where_an_uninterrupted_one_does(
        case in case(some_faults(), prop::collection::vec(crash(), 0..3)),
    ) {
        in_virtual_time(async {
            let straight = with_old_state(&case).await;
            let new = case.new.graph();
            straight.apply(&new).await;

            let world = with_old_state(&case).await;
            world.cloud.set_faults(case.faults.iter().copied());
            for crash in &case.crashes {
                crashing_run(&world, &new, *crash).await;
            }
            world.run(&new).await;
            world.cloud.no_more_faults();
            world.apply(&new).await;
            check_settled(&world, &new).await;
            assert_eq!(world.canonical(), straight.canonical());
            destroy(&world).await;
        });
    }

    #[test]
    fn an_interrupted_run_can_be_undone_by_going_back_or_by_destroying(
        case in case(some_faults(), prop::collection::vec(crash(), 1..3)),
        back in any::<bool>(),
    ) {
        in_virtual_time(async {
            let world = with_old_state(&case).await;
            let before = world.canonical();
            world.cloud.set_faults(case.faults.iter().copied());
            for crash in &case.crashes {
                crashing_run(&world, &case.new.graph(), *crash).await;
            }
            if !back {
                world.cloud.set_faults(case.faults.iter().copied());
                crashing_run(&world, &Arc::new(Graph::default()), case.crashes[0]).await;
            }
            world.cloud.no_more_faults();
            if back {
                let old = case.old.graph();
                world.apply(&old).await;
                check_settled(&world, &old).await;
                assert_eq!(world.canonical(), before);
            }
            destroy(&world).await;
            let violations = world.cloud.lock().violations.clone();
            assert!(violations.is_empty(), "{violations:?}");
        });
    }

    #[test]
    fn what_somebody_else_changed_or_deleted_is_put_right(
        case in case(Just(vec![]), Just(vec![])),
        changed in prop::collection::vec(0..NODES, 0..3),
        lost in prop::collection::vec(0..NODES, 0..3),
    ) {
        in_virtual_time(async {
            let world = with_old_state(&case).await;
            let present = world.cloud.addresses();
            for position in changed.into_iter().filter(|position| present.contains(&at(*position))) {
                world.cloud.tamper(&at(position), "Size", json!(77));
                world.cloud.tamper(&at(position), "Shape", json!(77));
            }
            for position in lost {
                world.cloud.lose(&at(position));
            }
            let new = case.new.graph();
            world.apply(&new).await;
            check_settled(&world, &new).await;
            destroy(&world).await;
        });
    }

    #[test]
    fn a_run_of_a_part_touches_nothing_else_and_the_next_whole_run_ends_where_one_run_does(
        case in case(Just(vec![]), Just(vec![])),
        picks in prop::collection::vec(0..NODES, 1..4),
        dependents in any::<bool>(),
        dependencies in any::<bool>(),
        excluded in 0..2 * NODES,
    ) {
        in_virtual_time(async {
            let straight = with_old_state(&case).await;
            let new = case.new.graph();
            straight.apply(&new).await;

            let one = |position: usize| at(position).parse::<Selector>().unwrap();
            let mut selector = picks.iter().map(|pick| one(*pick)).reduce(Selector::or).unwrap();
            if dependents {
                selector = selector.with_dependents();
            }
            if dependencies {
                selector = selector.with_dependencies();
            }
            if excluded < NODES {
                selector = selector.except(one(excluded));
            }
            let world = with_old_state(&case).await;
            let selection = selector.resolve(&new, &world.state().await);
            let (before, recorded) = (rest(&world, &selection), world.state().await);
            let applied = world.apply_selected(&new, &selector).await;
            let after = world.state().await;
            assert_eq!(rest(&world, &selection), before);
            for (address, slot) in recorded.slots().filter(|(address, _)| !selection.contains(address.as_str())) {
                assert_eq!(after.slot(address.as_str()), Some(slot));
            }
            for (address, _) in after.slots().filter(|(address, _)| !selection.contains(address.as_str())) {
                assert!(recorded.slot(address.as_str()).is_some(), "{address} is new");
            }
            if applied.is_err() {
                assert_eq!(world.canonical(), with_old_state(&case).await.canonical());
            }
            world.apply(&new).await;
            check_settled(&world, &new).await;
            assert_eq!(world.canonical(), straight.canonical());
        });
    }

    #[test]
    fn what_is_chosen_of_a_plan_is_what_the_whole_plan_would_do_and_needs_nothing_else(
        case in case(Just(vec![]), Just(vec![])),
        only in prop::collection::vec(0..NODES, 0..3),
        except in prop::collection::vec(0..NODES, 0..3),
        replaced in 0..3 * NODES,
        crash in prop::option::of(crash()),
    ) {
        in_virtual_time(async {
            let straight = with_old_state(&case).await;
            let new = case.new.graph();
            straight.apply(&new).await;

            let world = with_old_state(&case).await;
            let known = world.state().await;
            let is_there = |at: &str| new.get(at).is_some() || known.slot(at).is_some();
            let named = |picks: &[usize]| -> Vec<Selector> {
                let named = picks.iter().map(|pick| at(*pick)).filter(|at| is_there(at));
                named.map(|at| at.parse().unwrap()).collect()
            };
            let mut choice = Choice::all().called("up with a choice");
            choice = named(&only).into_iter().fold(choice, Choice::only);
            choice = named(&except).into_iter().fold(choice, Choice::except);
            let again = at(replaced);
            if new.get(&again).is_some() && known.current(&again).is_some() {
                choice = choice.replacing(address(&again));
            }
            let plan = match world.process().engine.preview_chosen(Arc::clone(&new), &choice).await {
                // Either it is replaced or it is left out; and what is excluded may be needed.
                Err(EngineError::Plan(PlanError::ReplacementLeftOut { .. } | PlanError::Excluded { .. } | PlanError::NothingLeft)) => return,
                plan => plan.unwrap(),
            };
            if replaced >= NODES {
                let whole = world.plan(&new).await;
                for step in plan.steps() {
                    let same = whole.steps().iter().find(|other| {
                        (&other.address, other.note) == (&step.address, step.note) && other.live() == step.live()
                    });
                    assert_eq!(same.map(|same| &same.changes), Some(&step.changes), "{}", step.address);
                }
                let done = |plan: &Plan| plan.steps().iter().filter(|step| step.is_change()).count();
                let left: usize = plan.narrowed().left_out().iter().map(|left| left.changes).sum();
                assert_eq!(done(&plan) + left, done(&whole));
            }
            let (before, refused) = (rest(&world, plan.selection()), world.cloud.lock().refusals.len());
            if let Some(crash) = crash {
                crashing_run_of(&world, &new, &choice, crash).await;
            }
            let ended = world.run_chosen_as(&world.process(), &new, &choice).await;
            // What was to be replaced or deleted may be gone when the process dies; where that is all, nobody knows it any more.
            let is_gone = |ended: &Ended| {
                let Ended::Refused(EngineError::Plan(error)) = ended else { return false };
                matches!(error, PlanError::NotRecorded { .. } | PlanError::NothingSelected { .. } | PlanError::NothingLeft)
            };
            assert!(ended.is_complete() || (crash.is_some() && is_gone(&ended)), "{ended:?}");
            assert_eq!(rest(&world, plan.selection()), before);
            assert!(crash.is_some() || world.cloud.lock().refusals.len() == refused);
            world.apply(&new).await;
            check_settled(&world, &new).await;
            assert_eq!(world.canonical(), straight.canonical());
            assert!(world.state().await.partial().is_none());
        });
    }

    #[test]
    fn a_preview_changes_neither_store_nor_cloud(
        case in case(some_faults(), prop::collection::vec(crash(), 0..2)),
    ) {
        in_virtual_time(async {
            let world = with_old_state(&case).await;
            let new = case.new.graph();
            world.cloud.set_faults(case.faults.iter().copied());
            for crash in &case.crashes {
                crashing_run(&world, &new, *crash).await;
            }
            world.cloud.no_more_faults();
            // What was sent before the crash arrives by then.
            tokio::time::sleep(Duration::from_secs(30)).await;
            let (files, calls) = (world.files().await, world.cloud.log().len());
            let process = world.process();
            let preview = process.engine.preview(Arc::clone(&new), &Selector::all()).await.unwrap();
            process.engine.drift(&Selector::all()).await.unwrap();
            assert_eq!(world.files().await, files);
            assert_eq!(world.cloud.log().len(), calls);
            let plan = world.plan(&new).await;
            let actions = |plan: &engine::Plan| -> Vec<_> {
                plan.steps().iter().map(|step| (step.address.clone(), step.action.clone(), step.note)).collect()
            };
            assert_eq!(actions(&preview), actions(&plan));
        });
    }
}

/// A run that dies at some place, if it gets there.
async fn crashing_run(world: &World, graph: &Arc<Graph>, crash: Crash) -> Ended {
    crashing_run_of(world, graph, &Choice::all(), crash).await
}

async fn crashing_run_of(world: &World, graph: &Arc<Graph>, choice: &Choice, crash: Crash) -> Ended {
    let process = world.process();
    match crash {
        Crash::Call(number, end) => world.cloud.die_at(number, end),
        Crash::Write(number, end) => process.store.die_at(number, end),
        Crash::Late(number, by) => world.cloud.be_late(number, Duration::from_secs(by)),
    }
    let ended = world.run_chosen_as(&process, graph, choice).await;
    world.cloud.survive();
    ended
}
