//! `stack state list`, `show`, `forget`, `protect` and `unprotect`: what they say, what they change and what they refuse.

use std::process::Stdio;

use engine::{Resolved, Resource as _};
use serde_json::{Value, json};
use vpc::resources::Subnet;

use crate::command::{Ended, Workplace, files_in};
use crate::processes::directory;
use crate::server::Server;
use crate::state_s3::{Account, Machine};
use crate::transcripts::Transcript;

fn journal(place: &Workplace) -> String {
    std::fs::read_to_string(place.state_directory("dev").join("journal.jsonl")).unwrap()
}

/// Runs a command that must be refused, with nothing changed anywhere.
#[track_caller]
fn refused(place: &Workplace, arguments: &[&str], code: i32, words: &[&str]) -> Ended {
    let (cloud, files) = (place.emulator_bytes(), place.files("dev"));
    let ended = place.run(arguments).expect(code);
    for word in words {
        assert!(ended.err.contains(word), "{arguments:?}: {word} is not in\n{}", ended.err);
    }
    assert_eq!(place.emulator_bytes(), cloud, "{}", ended.err);
    assert_eq!(place.files("dev"), files, "{}", ended.err);
    ended
}

#[test]
fn the_commands_about_the_record_read_well() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let mut said = Transcript::new();
    said.run(&place, &["state", "list", "vpc/p*-subnet-*"]);
    said.run(&place, &["state", "list", "AWS::KMS::*"]);
    said.run(&place, &["state", "list", "nowhere"]);
    said.run(&place, &["state", "show", "vpc/igw"]);
    said.run(&place, &["state", "show", "vpc/igv"]);
    said.run(&place, &["state", "protect", "database/cluster", "vpc/igw"]);
    said.run(&place, &["state", "protect", "vpc/igw"]);
    said.run(&place, &["state", "list", "database/cluster"]);
    said.run(&place, &["preview", "--set", "database.database_name=pay2"]);
    said.run(&place, &["destroy", "--yes"]);
    said.run(&place, &["state", "unprotect", "database/cluster", "vpc/igw"]);
    said.run(&place, &["state", "forget", "vpc/igw"]);
    said.run(&place, &["state", "forget", "monitoring/dashboard", "ecs/cluster", "--yes"]);
    said.run(&place, &["state", "show", "monitoring/dashboard"]);
    said.compare("state");

    let mut history = Transcript::new();
    let runs = place.run(&["history", "--json"]).expect(0).json();
    history.run(&place, &["history"]);
    history.run(&place, &["history", "--limit", "1"]);
    let forgot = &runs["runs"][0]["id"].as_str().unwrap()[..8];
    let ended = place.run(&["history", forgot]);
    history.note(&["history", "RUN"], &ended);
    history.run(&place, &["history", "ffffffff"]);
    history.compare("history");
}

#[tokio::test]
async fn what_is_forgotten_stays_in_aws_and_is_adopted_by_the_next_up_if_it_is_still_declared() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let (cloud, before) = (place.emulator_bytes(), place.state("dev").await);
    let told = place.run(&["state", "forget", "vpc/igw", "vpc/igw", "--yes", "--json"]).expect(0);
    assert_eq!(place.emulator_bytes(), cloud, "nothing was called that changes anything");
    let told = told.json();
    assert_eq!(told["forgotten"], json!(["vpc/igw"]));
    let dependents: Vec<&str> =
        told["dependents"].as_array().unwrap().iter().map(|one| one["address"].as_str().unwrap()).collect();
    assert!(!dependents.is_empty() && dependents.iter().all(|one| one.starts_with("vpc/")), "{dependents:?}");
    let after = place.state("dev").await;
    assert!(after.slot("vpc/igw").is_none());
    assert_eq!(after.objects().count() + 1, before.objects().count());
    assert_eq!(journal(&place).matches("\"event\":\"forgotten\"").count(), 1);
    // Its chain is whole, and the head is the one that was printed.
    let verified = place.run(&["state", "verify", "--json"]).expect(0).json();
    assert_eq!(verified["head"], told["head"]["head"]);

    let objects = place.objects().await.len();
    let up = place.run(&["up"]).expect(0);
    assert!(up.err.contains("1 adopted"), "{}", up.err);
    assert_eq!(place.objects().await.len(), objects, "nothing was made twice");
    let id = |state: &engine::State| state.output("vpc/igw", "InternetGatewayId").cloned().unwrap();
    assert_eq!(id(&place.state("dev").await), id(&before));
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
}

/// The database, and most of the rest, would be deleted and made again in the very same network.
#[tokio::test]
async fn nothing_is_replaced_only_because_what_it_refers_to_was_forgotten() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let id = place.state("dev").await.output("vpc/vpc", "VpcId").unwrap().as_str().unwrap().to_owned();
    place.run(&["state", "forget", "vpc/vpc", "--yes"]).expect(0);
    let cloud = place.emulator_bytes();
    for arguments in [&["preview"][..], &["up"], &["up", "--only", "monitoring/dashboard"]] {
        let refused = place.run(arguments).expect(65);
        let hint = format!("hint: nothing was changed. Adopt it first: `stack import vpc/vpc '{id}'`");
        for part in ["error[E0602]", "would be replaced only because vpc/vpc is not recorded", &hint] {
            assert!(refused.err.contains(part), "{arguments:?}: {}", refused.err);
        }
    }
    assert_eq!(place.emulator_bytes(), cloud, "nothing was called that changes anything");
    place.run(&["import", "vpc/vpc", &id, "--yes"]).expect(0);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
}

#[tokio::test]
async fn what_is_protected_is_kept_by_every_plan_and_by_destroy_before_any_call() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let cloud = place.emulator_bytes();
    place.run(&["state", "protect", "vpc/vpc", "monitoring/topic"]).expect(0);
    assert_eq!(place.emulator_bytes(), cloud);
    assert_eq!(journal(&place).matches("\"event\":\"protected\"").count(), 1);
    let lift = "`stack state unprotect monitoring/topic vpc/vpc`";
    let destroy = refused(&place, &["destroy", "--yes"], 65, &["E0601", "vpc/vpc", "monitoring/topic", lift]);
    // The line that says as whom comes after the first call.
    assert!(!destroy.err.contains("payment dev: the embedded AWS"), "{}", destroy.err);
    refused(&place, &["destroy", "--preview"], 65, &["E0601", lift]);
    // It would be replaced.
    let replaces = ["--set", "vpc.cidr=10.2.0.0/16"];
    let preview = place.run(&["preview", replaces[0], replaces[1]]).expect(65);
    assert!(preview.err.contains("vpc/vpc (by a protection recorded for it)"), "{}", preview.err);
    let up = place.run(&["up", "--yes", replaces[0], replaces[1]]).expect(65);
    assert!(up.err.contains("`stack state unprotect vpc/vpc`"), "{}", up.err);
    assert_eq!(place.emulator_bytes(), cloud);
    // It is changed all the same.
    place.run(&["up", "--set", "tags.Owner=payments"]).expect(0);

    let listed = place.run(&["state", "list", "vpc/vpc", "--json"]).expect(0).json();
    assert_eq!(
        (&listed[0]["protected"], &listed[0]["protected_as_configured"]),
        (&json!(true), &json!(false))
    );
    let lifted = place.run(&["state", "unprotect", "vpc/vpc", "monitoring/topic", "--json"]).expect(0).json();
    assert_eq!(lifted["unprotected"], json!(["vpc/vpc", "monitoring/topic"]));
    assert_eq!(place.state("dev").await.protected().count(), 0);
    place.run(&["destroy", "--yes"]).expect(0);
    assert!(place.state("dev").await.is_empty());
}

#[test]
fn what_is_not_recorded_is_refused_with_what_may_be_meant_and_nothing_is_written() {
    let place = Workplace::new();
    for command in ["list", "show x/y", "forget x/y", "protect x/y", "unprotect x/y"] {
        let mut arguments = vec!["state"];
        arguments.extend(command.split(' '));
        let ended = place.run(&arguments).expect(65);
        assert!(ended.err.contains("E0206") && ended.err.contains("no state"), "{}", ended.err);
    }
    assert!(!place.state_directory("dev").exists());
    place.run(&["up"]).expect(0);
    for command in ["show", "forget", "protect", "unprotect"] {
        refused(
            &place,
            &["state", command, "vpc/ig", "--yes"],
            65,
            &["E0206", "`vpc/ig` is not recorded", "did you mean `vpc/igw`?"],
        );
        refused(&place, &["state", command, "dashboard"], 65, &["did you mean `monitoring/dashboard`?"]);
    }
    // One that is recorded does not help one that is not.
    refused(&place, &["state", "forget", "vpc/vpc", "vpc/nothing-here", "--yes"], 65, &["vpc/nothing-here"]);
    refused(&place, &["state", "list", "UPPER"], 64, &["E0101"]);
    // Without a terminal and without --yes nobody can agree.
    let mut forget = place.command(&["state", "forget", "vpc/vpc"]);
    let ended = Ended::of(&forget.stdin(Stdio::null()).output().unwrap()).expect(64);
    assert!(ended.err.contains("E0103"), "{}", ended.err);
    assert!(place.run(&["state", "show", "vpc/vpc"]).expect(0).out.starts_with("address       vpc/vpc\n"));
}

/// Whether a call for a resource is recorded.
fn intended(place: &Workplace, address: &str) -> bool {
    files_in(&directory(place)).iter().any(|(_, bytes)| {
        String::from_utf8_lossy(bytes).contains(&format!("\"event\":\"intent\",\"address\":\"{address}\""))
    })
}

/// A run was killed while it waited for the answer to a create.
#[test]
fn what_has_an_open_intent_is_not_forgotten() {
    let place = Workplace::new();
    let held = json!({ "of": { "operation": "CreateDBCluster" }, "when": { "call": 1 },
        "fault": { "time_out": "after_effect" } });
    let server = Server::with_faults(&place, &json!({ "rules": [held] }), &[]);
    let mut up = server.begin(&place, &["up"]);
    up.after(1, "created ");
    while !intended(&place, "database/cluster") {
        up.quiet();
    }
    up.end_by("KILL");
    let files = || files_in(&directory(&place));
    let before = files();
    let refused = server.run(&place, &["state", "forget", "database/cluster"]).expect(65);
    for word in ["E0208", "how a call for it ended is not known yet", "`stack up --target aws`"] {
        assert!(refused.err.contains(word), "{}", refused.err);
    }
    let shown = server.run(&place, &["state", "show", "database/cluster"]).expect(0).out;
    assert!(shown.contains("open          create (record "), "{shown}");
    let listed = server.run(&place, &["state", "list", "database/cluster", "--json"]).expect(0).json();
    assert_eq!((&listed[0]["phase"], &listed[0]["id"]), (&json!("intended"), &Value::Null));
    assert_eq!(files(), before, "nothing was written");
    server.run(&place, &["up"]).expect(0);
    server.run(&place, &["state", "forget", "database/cluster"]).expect(0);
}

#[test]
fn what_is_shown_has_when_it_was_made_and_last_changed() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place.run(&["up", "--set", "tags.Owner=payments"]).expect(0);
    let shown = place.run(&["state", "show", "vpc/vpc", "--json"]).expect(0).json();
    let (runs, object) = (place.run(&["history", "--json"]).expect(0).json(), &shown["objects"][0]);
    assert_eq!(object["created"]["run"], runs["runs"][1]["id"]);
    assert_eq!(object["last_changed"]["run"], runs["runs"][0]["id"]);
    assert_eq!(object["properties"]["CidrBlock"], "10.0.0.0/16");
    assert!(object["id"].as_str().unwrap().starts_with("vpc-"), "{object}");
    assert!(shown["needed_by"].as_array().unwrap().contains(&json!("vpc/private-subnet-a")));
    let listed = place.run(&["state", "list", "vpc/private-subnet-a", "--json"]).expect(0).json();
    assert_eq!(listed[0]["kind"], Subnet::<Resolved>::KIND);
    let all = place.run(&["state", "list"]).expect(0);
    assert_eq!(
        all.out.lines().count(),
        place.run(&["state", "list", "--json"]).expect(0).json().as_array().unwrap().len()
    );
    assert!(all.err.contains(" resources\n"), "{}", all.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_state_in_s3_every_machine_sees_and_changes_the_same_record() {
    let account = Account::new().await;
    let (one, other) = (Machine::new(), Machine::new());
    one.run(&account, &["up"]).expect(0);
    one.run(&account, &["state", "protect", "vpc/vpc"]).expect(0);
    let listed = other.run(&account, &["state", "list", "vpc/vpc", "--json"]).expect(0).json();
    assert_eq!(listed[0]["protected"], json!(true));
    let refused = other.run(&account, &["destroy"]).expect(65);
    assert!(refused.err.contains("state unprotect vpc/vpc"), "{}", refused.err);
    other.run(&account, &["state", "unprotect", "vpc/vpc"]).expect(0);
    other.run(&account, &["state", "forget", "monitoring/dashboard"]).expect(0);
    let gone = one.run(&account, &["state", "show", "monitoring/dashboard"]).expect(65);
    assert!(gone.err.contains("E0206"), "{}", gone.err);

    let history = one.run(&account, &["history", "--json"]).expect(0).json();
    let commands: Vec<&str> =
        history["runs"].as_array().unwrap().iter().map(|run| run["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["state forget", "state unprotect", "state protect", "up"]);
    let up = &history["runs"][3];
    assert!(up["caller"].as_str().unwrap().starts_with("arn:aws:"), "{up}");
    assert!(up["counts"]["created"].as_u64().unwrap() > 100, "{up}");
    assert_eq!(history["older"], "nothing");
    let shown = other.run(&account, &["state", "show", "vpc/vpc", "--json"]).expect(0).json();
    assert_eq!(shown["objects"][0]["created"]["run"], up["id"]);
}
