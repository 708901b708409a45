//! What is said of failures: each once, with its code, what to do about it, and "run again" only where that can help.

use std::sync::Arc;

use engine::{Engine, LocalStore, Registry};
use serde_json::{Value, json};

use crate::command::Workplace;
use crate::server::{Running, Server};
use crate::transcripts::Transcript;

fn always(operation: &str, fault: Value) -> Value {
    json!({ "rules": [{ "of": { "operation": operation }, "when": { "share": 1.0 }, "fault": fault }] })
}

fn saying(code: &str, message: &str) -> Value {
    json!({ "saying": { "code": code, "status": 400, "message": message } })
}

/// Runs `up` on a server where things go wrong, and writes down what it said.
fn up(place: &Workplace, faults: &Value) -> Transcript {
    let server = Server::with_faults(place, faults, &[]);
    let mut transcript = Transcript::new();
    let arguments = ["up"];
    let ended = server.run(place, &arguments).expect(1);
    transcript.note(&["up", "--target", "aws", "--yes"], &ended);
    transcript
}

#[test]
fn a_denial_says_what_to_allow_and_gives_the_statement() {
    up(&Workplace::new(), &always("CreateInternetGateway", json!("deny"))).compare("denied");
}

#[test]
fn a_quota_is_named_with_the_command_that_asks_for_more() {
    let fault = saying("VpcLimitExceeded", "The maximum number of VPCs has been reached.");
    up(&Workplace::new(), &always("CreateVpc", fault)).compare("quota");
}

#[test]
fn a_value_that_aws_refuses_is_traced_to_the_line_that_sets_it() {
    let place = Workplace::new();
    let arn = "arn:aws:acm:ap-southeast-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";
    place.write(
        "stack.toml",
        &format!(
            "[environments.dev.alb]\ncertificate_arn = \"{arn}\"\n[environments.dev.apigw]\nbackend_domain = \"pay.example.com\"\n"
        ),
    );
    let message = format!(
        "The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported key size."
    );
    let rule = json!({ "of": { "operation": "CreateListener" }, "when": { "share": 1.0 },
        "fault": saying("UnsupportedCertificate", &message) });
    up(&place, &json!({ "rules": [rule] })).compare("wrong-parameter");
}

/// Only the first call fails.
#[test]
fn a_failure_in_the_middle_lists_what_waits_for_it_in_one_line_and_the_next_run_resumes() {
    let place = Workplace::new();
    let rule = json!({ "of": { "operation": "CreateDBCluster" }, "when": { "call": 1 },
        "fault": saying("InvalidParameterCombination", "This combination is not supported.") });
    let server = Server::with_faults(&place, &json!({ "rules": [rule] }), &[]);
    let mut transcript = Transcript::new();
    let failed = server.run(&place, &["up"]).expect(1);
    assert_eq!(failed.err.lines().filter(|line| line.starts_with("error[")).count(), 1, "{}", failed.err);
    assert_eq!(failed.err.matches("This combination is not supported.").count(), 1, "{}", failed.err);
    assert!(!failed.err.lines().any(|line| line.starts_with("skipped")), "{}", failed.err);
    transcript.note(&["up", "--target", "aws", "--yes"], &failed);
    let again = server.run(&place, &["up", "--quiet"]).expect(0);
    transcript.note(&["up", "--target", "aws", "--yes", "--quiet"], &again);
    transcript.compare("failure-in-the-middle");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_held_says_by_whom_and_what_to_do() {
    let place = Workplace::new();
    let store = Arc::new(LocalStore::new(place.state_directory("dev")));
    std::fs::create_dir_all(place.state_directory("dev")).unwrap();
    let session = Engine::new(Arc::new(Registry::new(())), store).open().await.unwrap();
    let mut command = place.command(&["up"]);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let ended = crate::command::Ended::of(&ended).expect(75);
    let mut transcript = Transcript::new();
    transcript.note(&["up"], &ended);
    transcript.compare("locked");
    session.close().await.unwrap();
}

#[test]
fn an_interrupted_run_says_how_to_resume() {
    let place = Workplace::new();
    let held = always("CreateDBCluster", json!({ "time_out": "after_effect" }));
    let server = Server::with_faults(&place, &held, &[]);
    let mut up: Running = server.begin(&place, &["up"]);
    up.after(20, "created ");
    up.quiet();
    let (ended, _) = up.end_by("INT");
    let mut transcript = Transcript::new();
    transcript.note(&["up", "--target", "aws", "--yes"], &ended.expect(130));
    transcript.compare("interrupted");
}
