//! Past runs, as they are told from the journal, and from journals that have ended.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{
    Content, Did, End, Engine, File, Graph, History, LocalStore, Older, Operation, Outcome, PastRun,
    Selector, Store, StoreError, Version, Which, history,
};
use serde_json::json;

use crate::fake_cloud::{CallEnd, Fault};
use crate::life::WriteEnd;
use crate::world::{Ended, Process, World, address, graph, reference, resource};

const ALL: Which = Which::Newest(100);

fn one(size: u64) -> Arc<Graph> {
    graph([
        resource("t/a", "Test::Key", json!({ "Name": "a", "Size": size })),
        resource("t/b", "Test::SlowKey", json!({ "Name": "b", "Links": [reference("t/a", "Id")] })),
    ])
}

/// A process that says what it is for.
fn process(world: &World, purpose: &str) -> Process {
    let process = world.process();
    let engine = process.engine.with_purpose(purpose).with_caller("arn:aws:iam::123456789012:user/ada");
    Process { engine, ..process }
}

async fn past(world: &World) -> Vec<PastRun> {
    history(&world.memory, &ALL).await.unwrap().runs
}

/// What a run did: words that a test can compare.
fn did(run: &PastRun) -> Vec<(&str, &Did)> {
    run.steps.iter().map(|step| (step.address.as_ref().unwrap().as_str(), &step.did)).collect()
}

#[tokio::test(start_paused = true)]
async fn runs_are_told_with_who_what_for_how_they_ended_and_each_step() {
    let world = World::new();
    assert_eq!(
        history(&world.memory, &ALL).await.unwrap(),
        History { runs: Vec::new(), older: Older::Nothing }
    );
    assert!(world.run_as(&process(&world, "up"), &one(1)).await.is_complete());
    assert!(world.run_as(&process(&world, "up"), &one(2)).await.is_complete());
    let runs = past(&world).await;
    let [second, first] = runs.as_slice() else { panic!("{runs:?}") };
    assert_eq!(did(first), [("t/a", &Did::Created), ("t/b", &Did::Created)]);
    assert_eq!(did(second), [("t/a", &Did::Changed)]);
    for run in [first, second] {
        assert_eq!(run.end, End::Said(Outcome::Done));
        assert_eq!(run.purpose.as_deref(), Some("up"));
        assert_eq!(run.caller.as_deref(), Some("arn:aws:iam::123456789012:user/ada"));
        assert!(run.holder.starts_with("ada@earth, process "), "{run:?}");
    }
    assert_ne!(first.id, second.id);
    assert!(first.last < second.began && first.began < first.last);
    let slow = &first.steps[1];
    assert_eq!((slow.kind.as_deref(), first.record), (Some("Test::SlowKey"), 1));
    assert!(slow.ended.unwrap() - slow.began.unwrap() >= 30_000, "{slow:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_failed_or_was_interrupted_says_so_and_one_that_was_killed_does_not() {
    let world = World::new();
    world.cloud.set_faults([(2, Fault::Before(engine::ErrorClass::Denied))]);
    let failed = world.run_as(&process(&world, "up"), &one(1)).await.report();
    assert!(!failed.is_complete());

    let killed = process(&world, "up");
    killed.store.die_at(4, WriteEnd::Before);
    assert!(matches!(world.run_as(&killed, &one(1)).await, Ended::Died));
    let is_killed = past(&world).await.remove(0);
    assert_eq!(is_killed.end, End::UnderWay { lives: false }, "its lock is there, and nobody can tell");

    let interrupted = process(&world, "up");
    let session = interrupted.engine.open().await.unwrap();
    let plan = session.plan(one(1), &Selector::all()).await.unwrap();
    session.cancel().cancel();
    assert!(session.apply(&plan).await.unwrap().interrupted);
    session.close().await.unwrap();

    let cancelled = process(&world, "destroy").engine.open().await.unwrap();
    cancelled.ends_as(Outcome::Cancelled);
    cancelled.close().await.unwrap();

    let runs = past(&world).await;
    let ends: Vec<End> = runs.iter().map(|run| run.end).collect();
    assert_eq!(
        ends,
        [
            End::Said(Outcome::Cancelled),
            End::Said(Outcome::Interrupted),
            End::Killed,
            End::Said(Outcome::Failed)
        ]
    );
    let class = engine::ErrorClass::Denied;
    assert_eq!(did(&runs[3]), [("t/a", &Did::Failed { operation: Operation::Create, class })]);
    assert!(runs[0].steps.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_run_left_open_is_told_of_the_run_that_looked_it_up() {
    let only = graph([resource("t/a", "Test::Key", json!({ "Name": "a" }))]);
    for (end, next, settled) in [
        (CallEnd::After, only.clone(), Did::Created),
        (CallEnd::Before, graph([]), Did::NoEffect { operation: Operation::Create }),
    ] {
        let world = World::new();
        world.cloud.die_at(1, end);
        assert!(matches!(world.run_as(&process(&world, "up"), &only).await, Ended::Died));
        assert!(world.run_as(&process(&world, "up"), &next).await.is_complete());
        let runs = past(&world).await;
        let [next, killed] = runs.as_slice() else { panic!("{runs:?}") };
        assert_eq!(did(killed), [("t/a", &Did::Unfinished { operation: Operation::Create })]);
        assert_eq!(killed.end, End::Killed);
        let first = &next.steps[0];
        assert_eq!((first.began, first.address.as_ref()), (None, Some(&address("t/a"))), "{end:?}");
        assert_eq!(first.did, settled, "{end:?}");
    }
}

/// A session that does not say what it is for records no end, as those of earlier versions.
#[tokio::test(start_paused = true)]
async fn of_a_run_that_records_no_end_it_is_not_said_that_it_was_killed() {
    let world = World::new();
    world.apply(&one(1)).await;
    let run = past(&world).await.remove(0);
    assert_eq!((run.end, run.purpose, run.caller), (End::Unknown, None, None));
    assert_eq!(run.id.len(), 64, "the hash of its first record");
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_in_the_record_alone_is_told_too() {
    let world = World::new();
    world.apply(&one(1)).await;
    let ledger = process(&world, "state forget").engine.open_ledger().await.unwrap();
    let under_way = past(&world).await.remove(0);
    assert_eq!(under_way.end, End::UnderWay { lives: false });
    ledger.protect(vec![address("t/a")]).await.unwrap();
    ledger.unprotect(vec![address("t/a")]).await.unwrap();
    ledger.forget(vec![address("t/a"), address("t/b")]).await.unwrap();
    ledger.close(Outcome::Done).await.unwrap();
    let run = past(&world).await.remove(0);
    assert_eq!(
        did(&run),
        [
            ("t/a", &Did::Protected),
            ("t/a", &Did::Unprotected),
            ("t/a", &Did::Forgotten),
            ("t/b", &Did::Forgotten)
        ]
    );
    assert_eq!(run.purpose.as_deref(), Some("state forget"));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_wanted_is_told() {
    let world = World::new();
    for size in 1..=4 {
        assert!(world.run_as(&process(&world, "up"), &one(size)).await.is_complete());
    }
    let all = past(&world).await;
    let told = async |which: Which| history(&world.memory, &which).await.unwrap();
    let two = told(Which::Newest(2)).await;
    assert_eq!((two.runs.as_slice(), two.older), (&all[..2], Older::More));
    assert_eq!(told(Which::Newest(4)).await, History { runs: all.clone(), older: Older::Nothing });
    // The ids of this machine differ only at the end of their first three quarters.
    let third = told(Which::Id(all[2].id[..24].to_owned())).await;
    assert_eq!(third.runs, &all[2..3]);
    assert_eq!(told(Which::Id("no such run".to_owned())).await.runs, []);
}

/// A directory keeps a journal that has ended; the runs in it are told as before.
#[tokio::test(start_paused = true)]
async fn journals_that_have_ended_are_read_as_far_as_they_lead_to_the_present_one() {
    let world = World::new();
    for size in 1..=3 {
        assert!(world.run_as(&process(&world, "up"), &one(size)).await.is_complete());
    }
    let whole = world.memory.read(File::Journal).await.unwrap().unwrap().bytes;
    let before = past(&world).await;
    let place = tempfile::tempdir().unwrap();
    let store = LocalStore::new(place.path());
    store.replace(File::Journal, None, whole.clone()).await.unwrap();

    // One that compacts at the end of each session.
    let nothing: Arc<dyn engine::Provider> = Arc::new(engine::Registry::new(()));
    let engine = Engine::new(nothing, Arc::new(Eager(store.clone()))).with_purpose("later");
    for later in 1..=2 {
        engine.open_ledger().await.unwrap().close(Outcome::Done).await.unwrap();
        let ended = store.history(0).await.unwrap().unwrap();
        assert!(later > 1 || ended.starts_with(&whole));
        let told = history(&store, &ALL).await.unwrap();
        assert_eq!(told.runs[0].purpose.as_deref(), Some("later"));
        assert_eq!((&told.runs[later..], told.older), (&before[..], Older::Nothing));
    }
    assert_eq!(store.history(2).await.unwrap(), None);
    let kept = engine::inspect(&store).await.unwrap().unwrap();
    assert!(kept.after > 0 && kept.head.records == kept.after);

    // One that was cut off in front, or altered, leads no further back, and what is not kept is said.
    let old = place.path().join("journal-000000000000.jsonl");
    let ended = std::fs::read(&old).unwrap();
    let lines: Vec<&[u8]> = ended.split_inclusive(|byte| *byte == b'\n').collect();
    let mut altered = lines.clone();
    let changed = String::from_utf8(altered[1].to_vec()).unwrap().replacen("earth", "moon", 1).into_bytes();
    altered[1] = &changed;
    std::fs::write(&old, altered.concat()).unwrap();
    let told = history(&store, &ALL).await.unwrap();
    assert_eq!((told.runs.len(), told.older), (4, Older::NotKept { first: 2 }));
    std::fs::remove_file(&old).unwrap();
    let told = history(&store, &ALL).await.unwrap();
    assert_eq!(told.runs.len(), 1);
    assert!(matches!(told.older, Older::NotKept { .. }), "{:?}", told.older);
}

/// A directory whose journal is compacted at the end of each session.
struct Eager(LocalStore);

#[async_trait]
impl Store for Eager {
    fn name(&self, file: File) -> String {
        self.0.name(file)
    }

    async fn read(&self, file: File) -> Result<Option<Content>, StoreError> {
        self.0.read(file).await
    }

    async fn replace(&self, file: File, was: Option<&Version>, to: Vec<u8>) -> Result<Version, StoreError> {
        self.0.replace(file, was, to).await
    }

    async fn append(&self, file: File, was: &Version, more: Vec<u8>) -> Result<Version, StoreError> {
        self.0.append(file, was, more).await
    }

    async fn remove(&self, file: File, was: &Version) -> Result<(), StoreError> {
        self.0.remove(file, was).await
    }

    fn compact_after(&self) -> usize {
        0
    }
}
