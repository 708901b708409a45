//! `stack history`: past runs, those included that failed, were interrupted or were killed.

use engine::Resource as _;
use serde_json::{Value, json};
use vpc::resources::Vpc;

use crate::command::Workplace;
use crate::processes::directory;
use crate::server::Server;

fn runs(told: &Value) -> &Vec<Value> {
    told["runs"].as_array().unwrap()
}

#[test]
fn past_runs_are_listed_without_a_lock_or_a_call_and_each_can_be_shown() {
    let place = Workplace::new();
    let nothing = place.run(&["history"]).expect(0);
    assert!(nothing.out.is_empty() && nothing.err.contains("no run is recorded"), "{}", nothing.err);
    assert!(!place.state_directory("dev").exists());
    place.run(&["up"]).expect(0);
    place.run(&["up"]).expect(0);
    // Without a terminal it cannot ask, so nothing is done.
    place.run(&["destroy"]).expect(64);
    let (cloud, files) = (place.emulator_bytes(), place.files("dev"));
    let told = place.run(&["history", "--json"]).expect(0).json();
    let text = place.run(&["history"]).expect(0).out;
    let [refused, second, first] = runs(&told).as_slice() else { panic!("{told}") };
    assert_eq!((&first["command"], &first["outcome"]), (&json!("up"), &json!("done")));
    assert!(first["counts"]["created"].as_u64().unwrap() > 100, "{first}");
    assert!(first["caller"].as_str().unwrap().starts_with("arn:aws:"), "{first}");
    assert_eq!((&second["counts"], &second["outcome"]), (&json!({}), &json!("done")));
    assert_eq!((&refused["command"], &refused["outcome"]), (&json!("destroy"), &json!("failed")));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[2].starts_with(&first["id"].as_str().unwrap()[..8]), "{text}");
    assert!(lines[1].contains("nothing changed"), "{text}");

    let shown = place.run(&["history", first["id"].as_str().unwrap(), "--json"]).expect(0).json();
    let steps = shown["steps"].as_array().unwrap();
    let vpc = steps.iter().find(|step| step["address"] == "vpc/vpc").unwrap();
    assert_eq!((&vpc["result"], &vpc["kind"]), (&json!("created"), &json!(Vpc::KIND)));
    assert!(vpc["began"].as_str().unwrap() <= vpc["ended"].as_str().unwrap());
    let wrong = place.run(&["history", "nosuchrun"]).expect(65);
    assert!(
        wrong.err.contains("E0206") && wrong.err.contains("there is no run `nosuchrun`"),
        "{}",
        wrong.err
    );
    place.run(&["history", "x", "--limit", "3"]).expect(64);
    let one = place.run(&["history", "--limit", "1", "--json"]).expect(0).json();
    assert_eq!((runs(&one).len(), &one["older"]), (1, &json!("more")));
    assert_eq!((place.emulator_bytes(), place.files("dev")), (cloud, files), "nothing was changed");
}

/// The id in `state lock` is the one of the run.
#[test]
fn a_run_that_is_under_way_is_listed_as_such_and_as_killed_once_it_was() {
    let place = Workplace::new();
    let held = json!({ "of": { "operation": "CreateDBCluster" }, "when": { "call": 1 },
        "fault": { "time_out": "after_effect" } });
    let server = Server::with_faults(&place, &json!({ "rules": [held] }), &[]);
    let mut up = server.begin(&place, &["up"]);
    up.quiet();
    let list = || server.run(&place, &["history", "--json"]).expect(0).json();
    let told = list();
    let lock = server.run(&place, &["state", "lock", "--json"]).expect(0).json();
    assert_eq!(runs(&told)[0]["outcome"], "running");
    assert_eq!(runs(&told)[0]["id"], lock["by"]["id"]);
    up.end_by("KILL");
    assert!(directory(&place).join("lock.json").exists());
    let told = list();
    assert_eq!(runs(&told)[0]["outcome"], "killed");
    server.run(&place, &["up"]).expect(0);
    let told = list();
    let outcomes: Vec<&str> = runs(&told).iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "killed"]);
    // What the first had begun, the second has looked up.
    let of = |run: &Value| {
        let id = run["id"].as_str().unwrap();
        let steps = server.run(&place, &["history", id, "--json"]).expect(0).json()["steps"].clone();
        let steps = steps.as_array().unwrap().clone();
        steps.into_iter().find(|step| step["address"] == "database/cluster").unwrap()
    };
    let (done, killed) = (of(&runs(&told)[0]), of(&runs(&told)[1]));
    assert_eq!((&killed["result"], &killed["operation"]), (&json!("unfinished"), &json!("create")));
    assert_eq!((&done["result"], &done["began"]), (&json!("created"), &Value::Null));
}
