//! `stack history`: past runs, those included that failed, were interrupted or were killed.

use engine::Resource as _;
use serde_json::{Value, json};
use vpc::resources::Vpc;

use crate::command::{Ended, Workplace};
use crate::processes::directory;
use crate::server::{Running, Server};
use crate::state_s3::{Account, Machine};

fn runs(told: &Value) -> &Vec<Value> {
    told["runs"].as_array().unwrap()
}

/// The step of a run at an address.
fn step(told: impl Fn(&[&str]) -> Value, run: &Value, address: &str) -> Option<Value> {
    let steps = told(&["history", run["id"].as_str().unwrap(), "--json"])["steps"].clone();
    steps.as_array()?.iter().find(|step| step["address"] == address).cloned()
}

/// Waits until the newest run has begun something at an address.
fn until_begun(told: impl Fn(&[&str]) -> Value, address: &str) {
    let newest = || runs(&told(&["history", "--json"])).first().cloned();
    while newest().and_then(|run| step(&told, &run, address)).is_none() {}
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
    let up = server.begin(&place, &["up"]);
    let told = |arguments: &[&str]| server.run(&place, arguments).expect(0).json();
    until_begun(told, "database/cluster");
    let list = || told(&["history", "--json"]);
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
        step(|arguments| server.run(&place, arguments).expect(0).json(), run, "database/cluster").unwrap()
    };
    let (done, killed) = (of(&runs(&told)[0]), of(&runs(&told)[1]));
    assert_eq!((&killed["result"], &killed["operation"]), (&json!("unfinished"), &json!("create")));
    assert_eq!((&done["result"], &done["began"]), (&json!("created"), &Value::Null));
}

/// Ada adopts a network that there is, both change it in turn, one of Ada's runs is killed, and her next one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_runs_of_two_people_from_two_machines_are_one_history() {
    let held = json!({ "of": { "operation": "CreateInternetGateway" }, "when": { "call": 1 },
        "fault": { "time_out": "after_effect" } });
    let account = Account::new().await.with_faults(&json!({ "rules": [held] }));
    let vpc = account.ec2().create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap();
    let vpc = vpc.vpc_id.unwrap();
    let (ada, grace) = ((Machine::new(), "ada"), (Machine::new(), "grace"));
    let run = |(machine, name): &(Machine, &str), arguments: &[&str]| {
        Ended::of(&machine.command(&account, arguments).env("USER", name).output().unwrap()).expect(0)
    };
    run(&ada, &["import", "vpc/vpc", &vpc]);
    for round in 0..9 {
        for person in [&grace, &ada] {
            let owner = format!("tags.Owner={}-{round}", person.1);
            match (person.1, round) {
                ("ada", 4) => {
                    let mut command =
                        person.0.command(&account, &["up", "--only", "vpc/igw", "--set", &owner]);
                    let up = Running::begin(command.env("USER", "ada"));
                    until_begun(|arguments| run(&grace, arguments).json(), "vpc/igw");
                    up.end_by("KILL");
                    run(person, &["up", "--only", "vpc/igw", "--set", &owner]);
                }
                _ => drop(run(person, &["up", "--only", "vpc/vpc", "--set", &owner])),
            }
        }
    }
    let [hers, his] = [&ada, &grace].map(|person| run(person, &["history", "--json"]).json());
    assert_eq!(hers, his);
    let mut past: Vec<&Value> = runs(&hers).iter().collect();
    past.reverse();
    assert_eq!((past.len(), &hers["older"]), (20, &json!("nothing")));
    let text = |run: &Value, member: &str| run[member].as_str().unwrap_or_default().to_owned();
    for (at, run) in past.iter().enumerate() {
        // The run that was killed, the tenth after the import, is hers, and so is the one that went on.
        let (name, outcome) = match at {
            10 => ("ada@", "killed"),
            _ if at > 10 && at % 2 == 1 || at < 10 && at % 2 == 0 => ("ada@", "done"),
            _ => ("grace@", "done"),
        };
        assert_eq!(text(run, "outcome"), outcome, "{at}: {run}");
        assert!(text(run, "by").starts_with(name), "{at}: {run}");
        assert!(text(run, "caller").starts_with("arn:aws:"), "{at}: {run}");
        assert_eq!(text(run, "command"), if at == 0 { "import" } else { "up" }, "{at}: {run}");
    }
    assert!(past.windows(2).all(|two| text(two[0], "began") <= text(two[1], "began")));
    assert_eq!(past[0]["counts"], json!({ "adopted": 1 }));
    let printed = run(&grace, &["history"]).out;
    assert_eq!(printed.lines().count(), 20, "{printed}");
    for part in ["killed", "import", "ada@", "grace@"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}
