//! `stack env list`.

use std::fs;
use std::sync::Arc;

use engine::{Engine, LocalStore, Registry};
use serde_json::{Value, json};

use crate::command::Workplace;
use crate::state_s3::{Account, Machine};

fn names(listed: &Value) -> Vec<&str> {
    listed.as_array().unwrap().iter().map(|one| one["environment"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environments_are_listed_with_their_last_run_and_whether_one_is_under_way() {
    let place = Workplace::new();
    let nothing = place.run(&["env", "list"]).expect(0).out;
    assert_eq!(nothing, "no environment has a state on --target embedded\n");
    place.run(&["up"]).expect(0);
    // A name that was never deployed is no environment because somebody destroyed it.
    let destroyed = place.run(&["destroy", "--yes", "--env", "devv"]).expect(0);
    assert!(destroyed.err.contains("nothing is recorded for this environment"), "{}", destroyed.err);
    // One whose record is damaged does not hide the others.
    fs::create_dir_all(place.state_directory("staging")).unwrap();
    fs::write(place.state_directory("staging").join("journal.jsonl"), "damaged\n").unwrap();
    let store = Arc::new(LocalStore::new(place.state_directory("pr7")));
    let engine = Engine::new(Arc::new(Registry::new(())), store).with_purpose("a test");
    let session = engine.open().await.unwrap();
    let listed = place.run(&["env", "list", "--json"]).expect(0).json();
    let text = place.run(&["env", "list"]).expect(0).out;
    session.close().await.unwrap();
    assert_eq!(names(&listed), ["dev", "pr7", "staging"]);
    assert!(listed[0]["resources"].as_u64().unwrap() > 100, "{listed}");
    assert_eq!((&listed[0]["running"], &listed[1]["resources"]), (&Value::Null, &json!(0)));
    assert_eq!(listed[1]["running"]["purpose"], "a test");
    assert!(listed[0]["last_run"]["by"].as_str().unwrap().contains(", process "), "{listed}");
    assert!(listed[2]["problem"].as_str().unwrap().contains("journal.jsonl, line 1"), "{listed}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("dev ") && lines[0].contains(" resources ") && lines[0].contains("last run 2"),
        "{text}"
    );
    assert!(lines[1].contains("running: a test, by "), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_in_a_bucket_are_listed_on_every_machine() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    for environment in ["dev", "pr7"] {
        account.record(environment, 2).await;
        one.run(&account, &["destroy", "--env", environment]).expect(0);
    }
    one.run(&account, &["destroy", "--env", "pr8"]).expect(0);
    let listed = other.run(&account, &["env", "list", "--json"]).expect(0).json();
    assert_eq!(names(&listed), ["dev", "pr7"]);
    for one in listed.as_array().unwrap() {
        // The journal of each was compacted when the run ended.
        assert!(one["last_run"]["by"].as_str().unwrap().contains(", process "), "{one}");
        assert_eq!((&one["running"], &one["moved_to"]), (&Value::Null, &Value::Null));
    }
    one.run(&account, &["state", "pull", "--env", "pr7"]).expect(0);
    let text = other.run(&account, &["env", "list"]).expect(0).out;
    assert!(text.lines().nth(1).unwrap().contains("; old: moved to "), "{text}");
}
