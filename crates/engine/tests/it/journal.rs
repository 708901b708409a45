//! The journal: durable before the call, whole or refused.

use std::sync::Arc;

use engine::{Cause, Content, EngineError, File, JournalError, LocalStore, Selector, Store};
use serde_json::{Value, json};

use crate::client::Client;
use crate::fake_cloud::FakeCloud;
use crate::life::Life;
use crate::world::{Ended, World, graph, reference, resource};

fn named(name: &str) -> Value {
    json!({ "Name": name })
}

#[tokio::test(start_paused = true)]
async fn one_write_serves_many_intents() {
    let world = World::new();
    let many =
        (0..60).map(|number| resource(&format!("t/n{number}"), "Test::Token", named(&number.to_string())));
    let process = world.process();
    let ended = world.run_as(&process, &graph(many)).await;
    assert!(ended.is_complete());
    let records = world.state().await.records;
    assert!(records > 180, "{records}");
    // Their answers come at different times, but what waits for the same flush is written together.
    assert!(process.store.appends() < 100, "{} appends for {records} records", process.store.appends());
    let first = world.memory.read(File::Journal).await.unwrap().unwrap();
    let text = String::from_utf8(first.bytes).unwrap();
    assert!(
        text.lines().skip(2).take(60).all(|line| line.contains("\"event\":\"intent\"")),
        "one after the other"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_stops_the_run_and_nothing_is_lost() {
    for at in 2..12 {
        let world = World::new();
        let below = |name: &str, to: &str| json!({ "Name": name, "Parents": [reference(to, "Id")] });
        let wanted = graph([
            resource("t/a", "Test::Tag", named("a")),
            resource("t/b", "Test::Token", below("b", "t/a")),
            resource("t/c", "Test::Key", below("c", "t/b")),
        ]);
        let process = world.process();
        process.store.fail_at(at);
        match world.run_as(&process, &wanted).await {
            Ended::Reported(report) => {
                let journal = |cause: &Cause| matches!(cause, Cause::Journal(JournalError::Store(_)));
                let failed = report.failed.iter().any(|failure| journal(&failure.cause));
                assert!(failed || report.is_complete(), "append {at}: {report:?}");
                assert!(!report.interrupted, "nobody interrupted it");
            }
            Ended::Refused(error) => {
                assert!(matches!(error, EngineError::Journal(_)), "append {at}: {error}")
            }
            Ended::Died => panic!("append {at}"),
        }
        world.apply(&wanted).await;
        assert_eq!(world.cloud.addresses(), ["t/a", "t/b", "t/c"], "append {at}");
        world.check_cloud_equals_state().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_a_failed_write_stopped_does_not_say_that_somebody_interrupted_it() {
    let world = World::new();
    let process = world.process();
    let session = process.engine.open().await.unwrap();
    let wanted = graph([
        resource("t/a", "Test::Token", named("a")),
        resource("t/b", "Test::Token", json!({ "Name": "b", "Parents": [reference("t/a", "Id")] })),
    ]);
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    // Opened and Intent are written, Created is not.
    process.store.fail_at(3);
    let report = session.apply(&plan).await.unwrap();
    session.close().await.unwrap_err();
    assert!(matches!(report.failed[0].cause, Cause::Journal(_)), "{report:?}");
    assert!(!report.interrupted);
    assert_eq!((report.skipped.len(), report.not_begun.len()), (0, 1));
}

/// A journal with a few records of each sort.
async fn written() -> (World, String) {
    let world = World::new();
    let wanted = |size: u8| {
        graph([
            resource("t/a", "Test::Token", json!({ "Name": "a", "Size": size })),
            resource("t/b", "Test::Key", json!({ "Name": "b", "Links": [reference("t/a", "Id")] })),
        ])
    };
    world.apply(&wanted(1)).await;
    world.apply(&wanted(2)).await;
    let content = world.memory.read(File::Journal).await.unwrap().unwrap();
    (world, String::from_utf8(content.bytes).unwrap())
}

async fn put(world: &World, file: File, text: &[u8]) -> Content {
    let version = world.memory.read(file).await.unwrap().map(|content| content.version);
    world.memory.replace(file, version.as_ref(), text.to_vec()).await.unwrap();
    world.memory.read(file).await.unwrap().unwrap()
}

/// The error that everybody gets, and that changes nothing.
async fn refused(world: &World, journal: &[u8]) -> String {
    let before = put(world, File::Journal, journal).await;
    let engine = world.process().engine;
    let read = engine.state().await.expect_err("it was read");
    let Err(opened) = engine.open().await else { panic!("it was opened") };
    assert_eq!(read.to_string(), opened.to_string());
    assert!(matches!(read, EngineError::Journal(_)), "{read}");
    assert_eq!(world.memory.read(File::Journal).await.unwrap().unwrap(), before);
    assert!(world.memory.read(File::Lock).await.unwrap().is_none(), "the lock was left behind");
    assert!(read.to_string().contains("journal in memory, line "), "{read}");
    read.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_changed_byte_anywhere_is_an_error_and_nothing_is_overwritten() {
    let (world, text) = written().await;
    let (bytes, mut line) = (text.as_bytes(), 1);
    for position in 0..bytes.len() {
        let end_of_line = bytes[position] == b'\n';
        if position % 11 == 0 || end_of_line {
            let mut damaged = bytes.to_vec();
            damaged[position] ^= 1;
            let error = refused(&world, &damaged).await;
            assert!(error.contains(&format!(", line {line}")), "byte {position}: {error}");
        }
        line += usize::from(end_of_line);
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_missing_doubled_or_elsewhere_is_an_error_that_names_where() {
    let (world, text) = written().await;
    let lines: Vec<&str> = text.lines().collect();
    let joined =
        |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    for position in 1..lines.len() - 1 {
        let named = format!(", line {}", position + 1);
        let mut missing = lines.clone();
        missing.remove(position);
        assert!(refused(&world, &joined(&missing)).await.contains(&named));
        let mut swapped = lines.clone();
        swapped.swap(position, position + 1);
        assert!(refused(&world, &joined(&swapped)).await.contains(&named));
        let mut doubled = lines.clone();
        doubled.insert(position, lines[position]);
        let named = format!(", line {}", position + 2);
        assert!(refused(&world, &joined(&doubled)).await.contains(&named));
    }
    assert!(refused(&world, &joined(&lines[1..])).await.contains(", line 1"));
    assert!(refused(&world, b"").await.contains(", line 1"));
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_another_version_or_another_format_is_an_error() {
    let (world, text) = written().await;
    let newer = text.replacen("\"version\":2", "\"version\":7", 1);
    let error = refused(&world, newer.as_bytes()).await;
    assert!(error.contains("format version 7, but this program reads versions 1 and 2"), "{error}");
    let other = text.replacen("stack-journal", "other-journal", 1);
    assert!(refused(&world, other.as_bytes()).await.contains("not a stack-journal file"));
    assert!(refused(&world, b"{}\n").await.contains("not a stack-journal file"));
}

#[tokio::test(start_paused = true)]
async fn a_last_line_that_was_cut_off_is_left_out_wherever_it_was_cut() {
    let (world, text) = written().await;
    let whole = text.trim_end().rfind('\n').unwrap() + 1;
    put(&world, File::Journal, &text.as_bytes()[..whole]).await;
    let before = world.state().await;
    for end in whole..text.len() {
        put(&world, File::Journal, &text.as_bytes()[..end]).await;
        assert_eq!(world.state().await, before, "cut at {end}");
    }
    // It is mended by the next one that opens it, and what comes after is read back.
    world.process().engine.open().await.unwrap().close().await.unwrap();
    assert!(world.state().await.records > before.records);
}

#[tokio::test]
async fn on_disk_a_torn_line_is_mended_and_damage_is_refused_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let cloud = FakeCloud::default();
    let client = Arc::new(Client::new(&cloud, &Life::default()));
    let store = Arc::new(LocalStore::new(directory.path()));
    let engine = engine::Engine::new(client, store).with_host(World::new().host().1);
    let wanted = graph([resource("t/a", "Test::Token", named("a"))]);
    let session = engine.open().await.unwrap();
    let plan = session.plan(Arc::clone(&wanted), &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();

    let path = directory.path().join("journal.jsonl");
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 9]).unwrap();
    // The object's readiness was in the torn line; the object is finished once more.
    let session = engine.open().await.unwrap();
    let plan = session.plan(wanted, &Selector::all()).await.unwrap();
    assert!(session.apply(&plan).await.unwrap().is_complete());
    session.close().await.unwrap();
    assert_eq!(cloud.addresses(), ["t/a"]);

    let mut damaged = std::fs::read(&path).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let Err(error) = engine.open().await else { panic!("it was opened") };
    assert!(error.to_string().contains("journal.jsonl, line "), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), damaged);
    assert!(!directory.path().join("lock.json").exists());
}

#[tokio::test(start_paused = true)]
async fn no_version_of_a_file_in_memory_comes_twice() {
    let store = engine::MemoryStore::new();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let made = store.replace(File::Lock, None, b"a".to_vec()).await.unwrap();
        let replaced = store.replace(File::Lock, Some(&made), b"b".to_vec()).await.unwrap();
        assert!(seen.insert(format!("{made:?}")) && seen.insert(format!("{replaced:?}")), "{seen:?}");
        // Whoever still holds the version before the removal must not take the next file for it.
        store.remove(File::Lock, &replaced).await.unwrap();
    }
}
