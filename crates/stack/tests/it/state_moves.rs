//! `stack state push` and `stack state pull`.

use std::fs;

use engine::{File, LocalStore, Store as _};
use serde_json::json;

use crate::command::{Workplace, recorded_in};
use crate::state_s3::{Account, BUCKET, Machine};

/// Run with the state in the state directory.
const LOCAL: [&str; 2] = ["--set", "state.backend=local"];

fn locally<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &LOCAL].concat()
}

fn note_of(machine: &Machine) -> std::path::PathBuf {
    machine.0.path().join(".stack/aws/dev/moved.json")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_moved_to_the_bucket_and_back_and_used_at_one_place_only() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    one.run(&account, &locally(&["up"])).expect(0);
    let before = recorded_in(&one.0.path().join(".stack/aws/dev")).await;
    let pushed = one.run(&account, &locally(&["state", "push"])).expect(0);
    assert!(pushed.out.contains(&format!(" to s3://{BUCKET}/payment/dev: ")), "{}", pushed.out);
    assert!(pushed.out.contains("every hash matches"), "{}", pushed.out);
    // The file names the bucket already.
    assert!(
        pushed.out.ends_with("now write into the configuration:\n\n[state]\nbackend = \"s3\"\n"),
        "{}",
        pushed.out
    );

    // What is here is old, and nobody uses it by accident.
    for command in [&["up"][..], &["preview"], &["destroy"], &["outputs"], &["state", "verify"]] {
        let refused = one.run(&account, &locally(command)).expect(65);
        assert!(
            refused.err.contains(&format!("this state was moved to s3://{BUCKET}/payment/dev, by ")),
            "{}",
            refused.err
        );
        assert!(refused.err.contains("state.backend = \"s3\""), "{}", refused.err);
    }
    other.run(&account, &["preview", "--detailed-exitcode"]).expect(0);
    let again = one.run(&account, &["state", "push"]).expect(0);
    assert!(again.err.contains("nothing to push: the state is in s3://"), "{}", again.err);

    // The other machine goes on, and takes it home.
    other.run(&account, &["up", "--set", "vpc.nat=single"]).expect(0);
    let pulled = other.run(&account, &["state", "pull"]).expect(0);
    assert!(pulled.out.ends_with("[state]\nbackend = \"local\"\n"), "{}", pulled.out);
    other.run(&account, &locally(&["preview", "--detailed-exitcode", "--set", "vpc.nat=single"])).expect(0);
    let refused = one.run(&account, &["up"]).expect(65);
    assert!(refused.err.contains("this state was moved to "), "{}", refused.err);
    // It is not on this machine.
    let refused = one.run(&account, &["state", "push"]).expect(65);
    assert!(
        refused.err.contains("is not in use") || refused.err.contains("nothing to push"),
        "{}",
        refused.err
    );

    // And back: to a bucket and to a machine that have an old copy.
    other.run(&account, &locally(&["up"])).expect(0);
    let pushed = other.run(&account, &locally(&["state", "push", "--json"])).expect(0).json();
    assert!(pushed["records"].as_u64().unwrap() > 0, "{pushed}");
    one.run(&account, &["state", "pull"]).expect(0);
    one.run(&account, &locally(&["preview", "--detailed-exitcode"])).expect(0);
    let now = recorded_in(&one.0.path().join(".stack/aws/dev")).await;
    assert_eq!((&now.lineage, now.objects().count()), (&before.lineage, before.objects().count()));
    assert!(!note_of(&one).exists() && note_of(&other).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_state_is_never_overwritten() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    for command in ["push", "pull"] {
        let nothing = one.run(&account, &["state", command]).expect(65);
        assert!(nothing.err.contains("there is no state"), "{}", nothing.err);
    }
    other.run(&account, &["up", "--set", "vpc.nat=none"]).expect(0);
    // Of resources that are somewhere else.
    one.0.run(&["up", "--set", "vpc.nat=none"]).expect(0);
    let local = one.0.path().join(".stack/aws/dev");
    fs::create_dir_all(&local).unwrap();
    let theirs = one.0.state_directory("dev").join("journal.jsonl");
    fs::copy(&theirs, local.join("journal.jsonl")).unwrap();
    let keys = account.keys().await;
    for command in ["push", "pull"] {
        let refused = one.run(&account, &["state", command]).expect(65);
        assert!(refused.err.contains("belongs to another state"), "{}", refused.err);
    }
    assert_eq!(account.keys().await, keys);
    assert_eq!(fs::read(local.join("journal.jsonl")).unwrap(), fs::read(theirs).unwrap());
    assert!(!note_of(&one).exists());
    other.run(&account, &["preview", "--detailed-exitcode", "--set", "vpc.nat=none"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_state_is_not_moved_and_the_error_says_that_it_is_damaged() {
    let account = Account::new().await;
    let one = Machine::new();
    one.record(2).await;
    let journal = one.0.path().join(".stack/aws/dev/journal.jsonl");
    let good = fs::read_to_string(&journal).unwrap();
    let without_the_first_record: Vec<&str> = good.lines().take(1).chain(good.lines().skip(2)).collect();
    fs::write(&journal, format!("{}\n", without_the_first_record.join("\n"))).unwrap();
    let refused = one.run(&account, &locally(&["state", "push"])).expect(65);
    assert!(refused.err.contains("error[E0204]: "), "{}", refused.err);
    assert!(refused.err.contains("keep a copy of"), "{}", refused.err);
    assert!(!account.keys().await.iter().any(|key| key.contains("/journal/")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_state_does_not_replace_a_newer_one() {
    let account = Account::new().await;
    let one = Machine::new();
    one.record(1).await;
    let local = one.0.path().join(".stack/aws/dev");
    let copy = fs::read(local.join("journal.jsonl")).unwrap();
    one.record(1).await;
    one.run(&account, &locally(&["state", "push"])).expect(0);
    // An old copy is put back, as if nothing had been moved.
    fs::remove_file(note_of(&one)).unwrap();
    fs::write(local.join("journal.jsonl"), copy).unwrap();
    let refused = one.run(&account, &["state", "push"]).expect(65);
    assert!(
        refused.err.contains(" is newer: it has 2 records, and what would replace it has 1"),
        "{}",
        refused.err
    );
    // The bucket's may come here.
    one.run(&account, &["state", "pull"]).expect(0);
    assert_eq!(recorded_in(&local).await.records, 2);
}

/// Runs with the state in the bucket leave a journal that begins after its last record: what it went on from is in its history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shorter_state_is_older_or_went_apart_and_which_of_the_two_is_told() {
    let account = Account::new().await;
    let one = Machine::new();
    one.record(1).await;
    one.run(&account, &["state", "push"]).expect(0);
    account.record("dev", 3).await;
    fs::remove_file(note_of(&one)).unwrap();
    let older = one.run(&account, &["state", "push"]).expect(65);
    assert!(
        older.err.contains(" is newer: it has 4 records, and what would replace it has 1"),
        "{}",
        older.err
    );
    one.record(1).await;
    for command in ["push", "pull"] {
        let apart = one.run(&account, &["state", command]).expect(65);
        assert!(apart.err.contains(" and what would replace it went apart: "), "{}", apart.err);
        let (to, from) = if command == "push" { (4, 2) } else { (2, 4) };
        assert!(apart.err.contains(&format!("It has {to} records, the other one {from}")), "{}", apart.err);
        assert_eq!(apart.err.matches(", last run 2").count(), 2, "{}", apart.err);
        assert!(apart.err.contains("`stack refresh --target aws` with"), "{}", apart.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_asks_before_it_overwrites_something_and_not_otherwise() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    one.record(1).await;
    // Nothing is there.
    one.run_without_yes(&account, &["state", "push"]).expect(0);
    other.run_without_yes(&account, &["state", "pull"]).expect(0);
    other.record(2).await;
    let keys = account.keys().await;
    let asked = other.run_without_yes(&account, &["state", "push"]).expect(64);
    assert!(
        asked.err.contains(&format!("the state in s3://{BUCKET}/payment/dev (1 record, last run ")),
        "{}",
        asked.err
    );
    assert!(
        asked.err.contains("will be overwritten with that in ") && asked.err.contains("(3 records, "),
        "{}",
        asked.err
    );
    assert!(asked.err.contains("add --yes"), "{}", asked.err);
    assert_eq!(account.keys().await, keys);
    other.run(&account, &["state", "push"]).expect(0);
    one.run_without_yes(&account, &["state", "pull"]).expect(64);
    one.run(&account, &["state", "pull"]).expect(0);
}

/// After a pull, with a configuration that still names the bucket.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_state_has_gone_is_told_to_the_machine_that_has_it_and_to_the_others() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    account.record("dev", 1).await;
    let pulled = one.run(&account, &["state", "pull"]).expect(0);
    assert!(pulled.out.contains("or every command is refused"), "{}", pulled.out);
    let here = one.run(&account, &["preview"]).expect(65);
    assert!(here.err.contains("hint: it is on this machine, in "), "{}", here.err);
    assert!(here.err.contains("`state.backend = \"local\"`"), "{}", here.err);
    fs::remove_dir_all(one.0.path().join(".stack/aws/dev")).unwrap();
    let there = other.run(&account, &["preview", "--env", "dev"]).expect(65);
    assert!(there.err.contains("hint: whoever has it there"), "{}", there.err);
    assert!(there.err.contains("`stack state push --target aws`"), "{}", there.err);
}

/// Each write of a push fails once: what is there is in use at one place at the most, and the same command goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_was_cut_off_is_made_again() {
    let mut cut = 0;
    // The first ones are those of the probe.
    for number in 5..=12 {
        let denied = json!({ "of": { "operation": "PutObject" }, "when": { "call": number },
            "fault": { "error": { "code": "AccessDenied", "status": 403 } } });
        let account = Account::new().await;
        let one = Machine::new();
        one.record(1).await;
        let account = account.with_faults(&json!({ "rules": [denied] }));
        let first = one.run(&account, &locally(&["state", "push"]));
        if first.code == 0 {
            break;
        }
        cut += 1;
        let usable = |arguments: &[&str]| one.run(&account, arguments).code == 0;
        let here = usable(&locally(&["outputs"]));
        let there = account.keys().await.iter().any(|key| key.contains("/journal/")) && usable(&["outputs"]);
        assert!(!(here && there), "{number}: {}", first.err);
        one.run(&account, &locally(&["state", "push", "--lock-timeout", "2m"])).expect(0);
        assert!(usable(&["state", "verify"]) && !usable(&locally(&["outputs"])), "{number}");
    }
    assert!(cut >= 3, "{cut}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_moved_while_a_run_is_under_way() {
    let account = Account::new().await;
    let one = Machine::new();
    one.record(1).await;
    let store = std::sync::Arc::new(LocalStore::new(one.0.path().join(".stack/aws/dev")));
    let engine = engine::Engine::new(std::sync::Arc::new(engine::Registry::new(())), store.clone());
    let session = engine.open().await.unwrap();
    let mut command = one.command(&account, &["state", "push"]);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(ended.status.code(), Some(75), "{}", String::from_utf8_lossy(&ended.stderr));
    session.close().await.unwrap();
    assert!(store.read(File::Lock).await.unwrap().is_none());
    assert!(!account.keys().await.iter().any(|key| key.contains("/journal/")));
    one.run(&account, &["state", "push"]).expect(0);
}

#[test]
fn the_embedded_aws_keeps_its_state_where_it_is() {
    let place = Workplace::new();
    for command in ["push", "pull"] {
        let ended = place.run(&["state", command]).expect(64);
        assert!(ended.err.contains("error[E0101]: there is no state to move: "), "{}", ended.err);
        assert!(
            ended.err.contains("the embedded AWS keeps its state in the state directory"),
            "{}",
            ended.err
        );
    }
}
