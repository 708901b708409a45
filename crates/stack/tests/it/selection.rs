//! `--only`, `--exclude` and `--replace`: a part of what there is to do, in the words of the command line.

use aws_sdk_ec2::types::{AttributeBooleanValue, Tag};
use engine::{Resolved, Resource as _};
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};
use crate::server::Server;
use crate::transcripts::Transcript;

fn deployed() -> Workplace {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    place
}

/// Changes of the database, one of which is an instance that others are made for, and changes of others.
const CHANGES: [&str; 8] = [
    "--set",
    "database.backup_retention_in_days=14",
    "--set",
    "database.instances=3",
    "--set",
    "alb.idle_timeout=70",
    "--set",
    "monitoring.thresholds.response_seconds=3",
];

fn with_changes<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().chain(&CHANGES).copied().collect()
}

#[track_caller]
fn refused(place: &Workplace, arguments: &[&str], code: i32, parts: &[&str]) {
    let before = (place.emulator_bytes(), place.files("dev"));
    let ended = place.run(arguments).expect(code);
    for part in parts {
        assert!(ended.err.contains(part), "{part}\n{}", ended.err);
    }
    assert!(ended.err.to_lowercase().contains("nothing was changed"), "{}", ended.err);
    assert_eq!((place.emulator_bytes(), place.files("dev")), before);
}

fn texts(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one[member].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_run_that_leaves_something_out_says_so_and_the_next_one_says_what_is_still_to_do() {
    let place = deployed();
    let mut transcript = Transcript::new();
    transcript.run(&place, &with_changes(&["preview", "--exclude", "database"]));
    transcript.run(&place, &with_changes(&["up", "--exclude", "database"]));
    transcript.run(&place, &with_changes(&["up", "--exclude", "database"]));
    transcript.run(&place, &with_changes(&["preview"]));
    transcript.run(&place, &with_changes(&["preview", "--only", "monitoring/alarm-database-storage-3"]));
    transcript.run(&place, &with_changes(&["up"]));
    transcript.run(&place, &with_changes(&["preview"]));
    transcript.run(&place, &["destroy", "--preview", "--only", "monitoring/topic"]);
    transcript.run(&place, &["preview", "--replace", "monitoring/topic", "--exclude", "apigw,backup"]);
    transcript.compare("selection");
}

#[test]
fn what_cannot_be_chosen_is_refused_before_anything_is_called_with_what_may_be_meant() {
    let place = Workplace::new();
    let slip = place.run(&["up", "--only", "databse"]).expect(65);
    assert!(
        slip.err.contains("error[E0606]: `databse` selects nothing: no such resource is declared"),
        "{}",
        slip.err
    );
    assert!(slip.err.contains("hint: did you mean `database`? Nothing was changed"), "{}", slip.err);
    assert!(!place.path().join(".stack/emulator").exists(), "nothing was called");
    let kind = vpc::resources::Vpc::KIND;
    let wrong = format!("vpc,{}", kind.replace("VPC", "Vpc"));
    let meant = format!("did you mean `{kind}`?");
    place.run(&["up", "--only", "vpc"]).expect(0);
    for (arguments, parts) in [
        (
            ["preview", "--exclude", "cluster"],
            ["`cluster` selects nothing", "mean `database/cluster` or `ecs/cluster`?"],
        ),
        (
            ["up", "--only", "vcp/private-*"],
            ["`vcp/private-*` selects nothing", "did you mean `vpc/private-*`?"],
        ),
        (["up", "--only", wrong.as_str()], ["::Vpc` selects nothing", meant.as_str()]),
        (
            ["up", "--replace", "vpc/ipw"],
            ["error[E0606]: vpc/ipw cannot be replaced", "did you mean `vpc/igw`?"],
        ),
        (
            ["up", "--replace", "ecs/cluster"],
            ["nothing is recorded of it yet", "hint: nothing was changed; `stack up` creates"],
        ),
        (
            ["preview", "--replace", "database/key"],
            ["nothing is recorded of it yet", "`stack up` creates it"],
        ),
    ] {
        refused(&place, &arguments, 65, &parts);
    }
    let both = ["preview", "--only", "ecs", "--exclude", "alb"];
    refused(
        &place,
        &both,
        65,
        &["cannot be left out: ecs/", " needs alb/", "hint: nothing was changed; do not exclude alb/"],
    );
    let both = ["preview", "--replace", "vpc/s3-endpoint", "--exclude", "vpc"];
    refused(&place, &both, 65, &["vpc/s3-endpoint cannot be both replaced and left out"]);
    // A run that is refused only once it has planned is recorded, and calls nothing that changes something.
    let cloud = place.emulator_bytes();
    place.run(&["up", "--only", "ecs", "--exclude", "alb"]).expect(65);
    assert_eq!(place.emulator_bytes(), cloud);
    for wrong in
        [["up", "--only", "a b"], ["destroy", "--replace", "vpc/vpc"], ["preview", "--replace", "vpc*"]]
    {
        place.run(&wrong).expect(64);
    }
    let nothing = place.run(&["preview", "--only", "vpc", "--exclude", "vpc"]).expect(65);
    assert!(nothing.err.contains("error[E0606]: nothing is left"), "{}", nothing.err);
    // As data, too.
    let error = place.run(&["preview", "--json", "--only", "databse"]).expect(65).json();
    assert_eq!(error["error"]["code"], "E0606");
    place.run(&["destroy", "--yes"]).expect(0);
}

#[tokio::test]
async fn a_plan_in_a_file_has_its_selection_and_runs_with_it_alone() {
    let place = deployed();
    let preview = with_changes(&["preview", "--exclude", "database", "--out", "plan.json"]);
    let shown = place.run(&preview).expect(0);
    assert!(shown.out.contains("\nleft out: "), "{}", shown.out);
    for flags in [["--only", "alb"], ["--exclude", "database"], ["--replace", "vpc/igw"]] {
        let parts =
            [flags[0], "cannot be used together with a plan in a file", "made with --exclude database"];
        refused(&place, &with_changes(&["up", "plan.json", flags[0], flags[1]]), 64, &parts);
    }
    let up = place.run(&with_changes(&["up", "plan.json", "--json"])).expect(0);
    let planned = up.event("planned");
    assert_eq!(planned["selection"]["asked"], json!({ "only": [], "exclude": ["database"], "replace": [] }));
    assert_eq!(planned["left_out_before"], Value::Null);
    let left = texts(&planned["selection"]["left_out"], "address");
    let wanted = ["database/cluster", "database/instance-3", "monitoring/alarm-database-storage-3"];
    assert!(wanted.iter().all(|address| left.iter().any(|left| left == address)), "{left:?}");
    assert_eq!(up.event("summary")["left_out"], json!(left));
    let partial = place.state("dev").await.partial().cloned().unwrap();
    assert_eq!(partial.run, "up --exclude database");
    assert_eq!(partial.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), left);

    // What was left out is all there is, and does not count where it is left out again.
    let next = place.run(&with_changes(&["preview", "--json"])).expect(0).json();
    assert_eq!(texts(&next["changes"], "address"), left);
    assert_eq!(next["left_out_before"], json!({ "run": "up --exclude database", "addresses": left }));
    assert_eq!(next["selection"], Value::Null);
    place.run(&with_changes(&["preview", "--detailed-exitcode"])).expect(2);
    place.run(&with_changes(&["preview", "--detailed-exitcode", "--exclude", "database"])).expect(0);
    let page = place.run(&with_changes(&["preview", "--markdown", "--exclude", "database"])).expect(0).out;
    let count = left.len();
    assert!(
        page.contains(&format!("**left out: {count} changes in database, monitoring (--exclude database)**")),
        "{page}"
    );
    assert!(page.contains("left out too: monitoring/alarm-database-storage-3, because it needs"), "{page}");
    // With what is as it was, nothing is left of it.
    let as_before = place.run(&["preview", "--exclude", "database"]).expect(0).out;
    assert!(!as_before.contains("the run before") && !as_before.contains("left out"), "{as_before}");
}

#[tokio::test]
async fn drift_is_repaired_and_objects_are_adopted_only_where_they_are_selected() {
    let place = deployed();
    let ec2 = place.ec2();
    let vpc = place.run(&["outputs", "vpcId"]).expect(0).out.trim_end().to_owned();
    let off = AttributeBooleanValue::builder().value(false).build();
    ec2.modify_vpc_attribute().vpc_id(&vpc).enable_dns_hostnames(off).send().await.unwrap();
    let state = place.state("dev").await;
    let group = state.output("alb/security-group", "GroupId").and_then(Value::as_str).unwrap().to_owned();
    let tag = Tag::builder().key("Author").value("somebody").build();
    ec2.create_tags().resources(&group).tags(tag).send().await.unwrap();
    let drifted = || -> Vec<String> {
        let shown = place.run(&["refresh", "--json"]).expect(0).json();
        texts(&shown, "address")
    };
    assert_eq!(drifted(), ["alb/security-group", "vpc/vpc"]);
    let up = place.run(&["up", "--only", "alb", "--exclude", "vpc/vpc"]).expect(0);
    assert!(up.err.contains("left out: 1 change in vpc (--only alb --exclude vpc/vpc)"), "{}", up.err);
    assert_eq!(drifted(), ["vpc/vpc"]);
    place.run(&["up", "--only", "vpc"]).expect(0);
    assert!(drifted().is_empty());

    std::fs::remove_dir_all(place.state_directory("dev")).unwrap();
    // Nothing names a deployment of an API, so that one without a record is made anew.
    let deployment = apigw::resources::Deployment::<Resolved>::KIND;
    let count = async || place.objects().await.iter().filter(|object| object.kind != deployment).count();
    let objects = count().await;
    let up = place.run(&["up", "--only", "vpc"]).expect(0);
    assert!(
        up.err.contains(" adopted") && up.err.contains("nothing is recorded for this environment"),
        "{}",
        up.err
    );
    assert_eq!(count().await, objects);
    let state = place.state("dev").await;
    assert!(state.slots().all(|(address, _)| address.tier() == "vpc"));
    // Now something is, though all that is shown is new.
    let shown = place.run(&["preview", "--only", "alb"]).expect(0).out;
    assert!(!shown.contains("nothing is recorded"), "{shown}");
    place.run(&["up"]).expect(0);
    assert_eq!(count().await, objects);
}

#[test]
fn what_protects_the_database_does_so_in_a_part_and_is_not_in_the_way_of_the_rest() {
    let place = deployed();
    place.run(&["up", "--set", "database.deletion_protection=true"]).expect(0);
    let renamed = [
        "--set",
        "database.deletion_protection=true",
        "--set",
        "database.database_name=pay2",
        "--set",
        "alb.idle_timeout=70",
    ];
    let with = |arguments: &[&'static str]| [arguments, &renamed].concat();
    for arguments in [with(&["up"]), with(&["up", "--only", "ecs"]), with(&["preview", "--only", "database"])]
    {
        let ended = place.run(&arguments).expect(65);
        assert!(ended.err.contains("error[E0601]"), "{}", ended.err);
    }
    let up = place.run(&with(&["up", "--exclude", "database"])).expect(0);
    assert!(up.err.contains("left out too: ecs/task-definition, because it needs database/"), "{}", up.err);
    assert!(up.err.contains("1 to change"), "{}", up.err);
    // To replace it on demand is to replace it.
    let keep = ["--set", "database.deletion_protection=true"];
    let replace = [["preview", "--replace", "database/cluster"].as_slice(), &keep].concat();
    let ended = place.run(&replace).expect(65);
    assert!(
        ended.err.contains("error[E0601]: protected") && ended.err.contains("database/cluster"),
        "{}",
        ended.err
    );
    let destroy = [["destroy", "--yes", "--only", "vpc/vpc"].as_slice(), &keep].concat();
    let ended = place.run(&destroy).expect(65);
    assert!(ended.err.contains("error[E0601]"), "{}", ended.err);
    let destroy = [["destroy", "--yes", "--exclude", "database"].as_slice(), &keep].concat();
    let ended = place.run(&destroy).expect(0);
    assert!(ended.err.contains("left out too: vpc/vpc, because it would be deleted, and "), "{}", ended.err);
    assert!(ended.err.contains("left out: ") && ended.err.contains("(--exclude database)"), "{}", ended.err);
    // The outputs of what is left are there.
    let outputs = place.run(&["outputs", "--json"]).expect(0).json();
    assert!(outputs.get("databaseEndpoint").is_some() && outputs.get("albDnsName").is_none(), "{outputs}");
    place.run(&["up"]).expect(0);
}

#[tokio::test]
async fn a_replacement_on_demand_makes_a_new_object_and_moves_over_what_uses_it() {
    let place = deployed();
    let revision = async || {
        let state = place.state("dev").await;
        let outputs = &state.current("ecs/task-definition").unwrap().outputs;
        outputs["TaskDefinitionArn"].as_str().unwrap().to_owned()
    };
    let before = revision().await;
    let plan = place.run(&["preview", "--json", "--replace", "ecs/task-definition"]).expect(0).json();
    assert_eq!(texts(&plan["changes"], "address"), ["ecs/task-definition", "ecs/service"]);
    let replaced = &plan["changes"][0];
    assert_eq!(
        (&replaced["action"], &replaced["reasons"]),
        (&json!("replace"), &json!([{ "reason": "requested" }]))
    );
    assert_eq!(plan["selection"]["asked"]["replace"], json!(["ecs/task-definition"]));
    place.run(&["up", "--replace", "ecs/task-definition"]).expect(0);
    assert_ne!(revision().await, before);
    place.run(&["preview", "--detailed-exitcode"]).expect(0);
    assert!(place.state("dev").await.partial().is_none());

    // Of a group that is in use there cannot be two of the same name, and AWS does not let go of the first.
    let parts = [
        "ecs/security-group would have to be deleted before its successor",
        "name what uses it in --replace as well",
    ];
    refused(&place, &["preview", "--replace", "ecs/security-group"], 65, &parts);
}

#[test]
fn what_the_account_cannot_do_does_not_matter_where_it_is_left_out() {
    let place = Workplace::new();
    let vault = ["--set", "backup.vault.enabled=true"];
    let run = |arguments: &[&str], code| place.run(&[arguments, &vault].concat()).expect(code);
    run(&["preview"], 65);
    run(&["preview", "--exclude", "backup"], 0);
    run(&["preview", "--only", "vpc"], 0);
    run(&["preview", "--only", "vpc,backup"], 65);
}

#[test]
fn a_part_that_is_interrupted_says_how_it_is_resumed() {
    let place = Workplace::new();
    let server = Server::start_with(&place, &["--latency", "0.01"]);
    let mut up = server.begin(&place, &["up", "--only", "vpc,ecs/repository"]);
    up.after(12, "created ");
    up.signal("INT");
    let ended: Ended = up.end().expect(130);
    let again = "Run `stack up --only vpc,ecs/repository --target aws` again to resume";
    assert!(ended.err.ends_with(again), "{}", ended.err);
    server.run(&place, &["up", "--only", "vpc,ecs/repository"]).expect(0);
    server.run(&place, &["preview", "--detailed-exitcode", "--only", "vpc,ecs/repository"]).expect(0);
    server.run(&place, &["destroy"]).expect(0);
}
