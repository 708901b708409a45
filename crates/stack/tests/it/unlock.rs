//! `stack state lock` and `stack unlock`.

use std::sync::Arc;

use engine::{Engine, LocalStore, Registry};
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};
use crate::server::Running;
use crate::state_s3::{Account, Machine};

/// An account in which an `up` does not get further than the gateway.
async fn held_up() -> Account {
    let held = json!({ "of": { "operation": "CreateNatGateway" }, "when": { "share": 1.0 },
        "fault": { "time_out": "after_effect" } });
    Account::new().await.with_faults(&json!({ "rules": [held] }))
}

/// An `up` that is under way.
fn running(account: &Account, machine: &Machine) -> Running {
    let mut up = machine.begin(account, &["up"]);
    up.after(20, "created ");
    up
}

fn lock(account: &Account, machine: &Machine) -> Value {
    machine.run(account, &["state", "lock", "--json"]).expect(0).json()
}

fn id(lock: &Value) -> String {
    lock["by"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_lives_keeps_its_lock_unless_it_is_taken_by_force() {
    let account = held_up().await;
    let (one, other) = (Machine::new(), Machine::new());
    assert_eq!(lock(&account, &other)["held"], false);
    other.run(&account, &["unlock"]).expect(0);
    let up = running(&account, &one);
    let shown = other.run(&account, &["state", "lock"]).expect(0).out;
    for line in
        ["lock     s3://payment-state-123456789012/payment/dev/lock.json", "for      up", "lives    perhaps"]
    {
        assert!(shown.lines().any(|shown| shown.starts_with(line)), "{line} is not in\n{shown}");
    }
    assert!(shown.contains(&format!(", process {}", up.id())), "{shown}");
    let lock = lock(&account, &other);
    assert_eq!((&lock["held"], &lock["by"]["known_to_have_ended"]), (&json!(true), &json!(false)));

    let refused = other.run(&account, &["unlock"]).expect(75);
    assert!(refused.err.contains("watching for 30 s whether it renews its lock"), "{}", refused.err);
    assert!(refused.err.contains("which lives") && refused.err.contains(&id(&lock)), "{}", refused.err);
    let refused = other.run(&account, &["unlock", "b1", "--force"]).expect(75);
    assert!(refused.err.contains("not by that one"), "{}", refused.err);
    let mut command = other.command(&account, &["unlock", "--force"]);
    let refused = Ended::of(&command.stdin(std::process::Stdio::null()).output().unwrap()).expect(64);
    assert!(refused.err.contains("wants its id"), "{}", refused.err);
    assert_eq!(id(&self::lock(&account, &other)), id(&lock));

    let taken = other.run(&account, &["unlock", &id(&lock), "--force"]).expect(0);
    assert!(taken.err.contains("the lock was taken away from "), "{}", taken.err);
    assert_eq!(self::lock(&account, &other)["held"], false);
    let ended = up.end().expect(1);
    assert!(ended.err.contains("lock"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_a_dead_run_is_taken_at_once_where_that_is_known_and_after_a_lease_elsewhere() {
    let account = held_up().await;
    let (one, other) = (Machine::new(), Machine::new());
    let up = running(&account, &one);
    up.signal("KILL");
    up.end();
    assert_eq!(lock(&account, &one)["by"]["known_to_have_ended"], true);
    assert_eq!(lock(&account, &other)["by"]["known_to_have_ended"], false);
    let taken = other.run(&account, &["unlock", "--json"]).expect(0);
    assert!(taken.err.contains("watching for 30 s"), "{}", taken.err);
    assert_eq!(taken.json()["taken_away"], true);
    assert_eq!(lock(&account, &one)["held"], false);

    let mut up = one.begin(&account, &["up"]);
    up.after(1, "settled ");
    up.signal("KILL");
    up.end();
    let taken = one.run(&account, &["unlock"]).expect(0);
    assert!(!taken.err.contains("watching"), "{}", taken.err);
    assert_eq!(lock(&account, &other)["held"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_directory_has_a_lock_of_the_same_kind() {
    let place = Workplace::new();
    let free = place.run(&["state", "lock"]).expect(0).out;
    assert!(free.contains("held by  nobody"), "{free}");
    let store = Arc::new(LocalStore::new(place.state_directory("dev")));
    let engine = Engine::new(Arc::new(Registry::new(())), store).with_purpose("a test");
    let session = engine.open().await.unwrap();
    let mut command = place.command(&["unlock"]);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(75), "{said}");
    // What `state lock` says too.
    assert!(said.contains("which lives: its process is there") && !said.contains("watching"), "{said}");
    assert!(place.run(&["state", "lock"]).expect(0).out.contains("lives    yes: its process is there"));
    let shown = place.run(&["state", "lock", "--json"]).expect(0).json();
    assert_eq!(shown["by"]["purpose"], "a test");
    session.close().await.unwrap();
}
