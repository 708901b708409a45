//! What is said after a run that did not finish: how it is resumed, with everything that it was told.

use serde_json::json;

use crate::command::{Ended, Workplace};
use crate::server::Server;

const TOLD: [&str; 6] =
    ["--region", "ap-southeast-1", "--set", "vpc.nat=single", "--set", "tags.Owner=you and me"];

fn with<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [command, &TOLD].concat()
}

#[test]
fn a_run_that_was_interrupted_is_resumed_with_its_flags_and_another_configuration_is_warned_of() {
    let place = Workplace::new();
    let server = Server::start_with(&place, &["--latency", "0.2"]);
    let mut up = server.begin(&place, &with(&["up", "--env", "u1"]));
    up.after(20, "created ");
    let ended = up.end_by("INT").0.expect(130);
    let again = "Run `stack up --env u1 --target aws --region ap-southeast-1 --set vpc.nat=single --set 'tags.Owner=you and \
                 me'` again to resume";
    assert!(ended.err.ends_with(again), "{}", ended.err);
    drop(server);

    let server = Server::start_with(&place, &["--latency", "0.02"]);
    let other = "WARNING: the last run of u1 did not finish, and had other values of tags.Owner, vpc.nat\n";
    let preview = server.run(&place, &["preview", "--env", "u1", "--quiet"]).expect(0);
    assert!(preview.err.contains(other), "{}", preview.err);
    let same = server.run(&place, &with(&["preview", "--env", "u1"])).expect(0);
    assert!(!same.err.contains("did not finish, and had"), "{}", same.err);
    // One that is finished can be changed without a word.
    server.run(&place, &with(&["up", "--env", "u1"])).expect(0);
    let changed = server.run(&place, &["preview", "--env", "u1"]).expect(0);
    assert!(!changed.err.contains("did not finish, and had"), "{}", changed.err);
}

#[test]
fn a_run_that_failed_is_resumed_with_its_flags_and_variables_and_a_plan_in_a_file_with_a_new_plan() {
    let place = Workplace::new();
    let denied = json!({ "error": { "code": "AccessDeniedException", "status": 400 } });
    let rule =
        json!({ "of": { "operation": "CreateRepository" }, "when": { "share": 1.0 }, "fault": denied });
    let server = Server::with_faults(&place, &json!({ "rules": [rule] }), &[]);
    let flags = "--target aws --region ap-southeast-1 --set vpc.nat=single --set 'tags.Owner=you and me'";
    let run = |arguments: &[&str], code: i32| {
        let mut command = server.command(&place, &with(arguments));
        Ended::of(&command.env("STACK_ALB__IDLE_TIMEOUT", "70").output().unwrap()).expect(code)
    };
    run(&["preview", "--out", "a plan.json"], 0);
    let failed = run(&["up", "a plan.json"], 1);
    let anew = format!(
        "make a new plan with `STACK_ALB__IDLE_TIMEOUT=70 stack preview --out 'a plan.json' {flags}`, look at it, then run \
         `STACK_ALB__IDLE_TIMEOUT=70 stack up 'a plan.json' {flags}`"
    );
    assert!(failed.err.contains(&format!("fix the cause above, then {anew}. More: ")), "{}", failed.err);
    // What has changed since is what the run did: it needs a new plan, too.
    let refused = run(&["up", "a plan.json"], 65);
    assert!(refused.err.contains(&format!("hint: nothing was changed; {anew}\n")), "{}", refused.err);
    let failed = run(&["up"], 1);
    let again = format!("then run `STACK_ALB__IDLE_TIMEOUT=70 stack up {flags}` again. More: ");
    assert!(failed.err.contains(&again), "{}", failed.err);
}
