//! What ends a run from outside: an interrupt, a termination, a terminal that goes away, credentials that expire.
//!
//! A system for continuous integration sends SIGTERM and kills ten seconds later, or SIGINT, SIGTERM 7.5 s later, and
//! kills after another 2.5 s. By then everything must be recorded and the lock given back.

use std::fs;
use std::process::Command;
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};
use crate::processes::{check_converged, check_gone, directory};
use crate::server::{Running, Server};

/// Before this, nobody kills what was told to end.
const BOUND: Duration = Duration::from_secs(10);

/// Much less than any answer is waited for.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(4);

/// Every call of an operation takes effect, and no answer comes.
fn held(operations: &[&str]) -> Value {
    let rule = |operation: &&str| {
        json!({
            "of": { "operation": operation },
            "when": { "share": 1.0 },
            "fault": { "time_out": "after_effect" },
        })
    };
    json!({ "rules": operations.iter().map(rule).collect::<Vec<_>>() })
}

#[track_caller]
pub(crate) fn check_released(place: &Workplace) {
    assert!(!directory(place).join("lock.json").exists(), "the lock is still there");
}

#[track_caller]
fn check_summary(ended: &Ended, pattern: &str) {
    let pattern = Regex::new(pattern).unwrap();
    assert!(ended.err.lines().any(|line| pattern.is_match(line)), "{pattern} is not in\n{}", ended.err);
    assert!(!ended.err.lines().any(|line| line.starts_with("failed")), "{}", ended.err);
}

/// `up` while NAT gateways and the cluster are made, and nobody answers those calls; then a signal.
fn an_up_whose_calls_are_held_ends_by(signal: &str, more: &[&str], within: Duration) {
    let place = Workplace::new();
    let server = Server::with_faults(&place, &held(&["CreateNatGateway", "CreateDBCluster"]), &[]);
    let mut up = server.begin(&place, &["up"]);
    up.after(20, "created ");
    up.quiet();
    for signal in more {
        up.signal(signal);
        up.after(1, "Stopping");
    }
    let (ended, took) = up.end_by(signal);
    let ended = ended.expect(130);
    assert!(took < within, "{took:?}\n{}", ended.err);
    if more.is_empty() {
        assert!(ended.err.contains("Stopping: waiting for 4 calls in flight"), "{}", ended.err);
    }
    check_summary(&ended, r"^Interrupted: \d+ created, \d+ in progress, \d+ not started$");
    check_released(&place);
    drop(server);

    let server = Server::start(&place);
    let again = server.run(&place, &["up"]).expect(0);
    assert!(!again.err.contains("the lock is held"), "{}", again.err);
    check_converged(&place, &server);
}

#[test]
fn a_termination_ends_an_up_whose_calls_are_not_answered() {
    an_up_whose_calls_are_held_ends_by("TERM", &[], BOUND);
}

#[test]
fn an_interrupt_ends_an_up_whose_calls_are_not_answered_before_it_is_terminated() {
    an_up_whose_calls_are_held_ends_by("INT", &[], Duration::from_millis(7500));
}

#[test]
fn a_terminal_that_goes_away_ends_an_up_like_a_termination() {
    an_up_whose_calls_are_held_ends_by("HUP", &[], BOUND);
}

#[test]
fn a_second_signal_ends_it_at_once_and_gives_the_lock_back() {
    an_up_whose_calls_are_held_ends_by("INT", &["INT"], AT_ONCE);
}

#[test]
fn a_hangup_does_not_end_a_run_that_was_started_to_outlive_its_terminal() {
    let place = Workplace::new();
    let server = Server::with_faults(&place, &held(&["CreateDBCluster"]), &[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" up --target aws --yes", env!("CARGO_BIN_EXE_stack")]);
    shell.current_dir(place.path()).env_clear();
    let mut up = Running::begin(server.reached_by(&mut shell));
    up.after(20, "created ");
    up.signal("HUP");
    up.after(20, "created ");
    up.end_by("TERM").0.expect(130);
    check_released(&place);
}

#[test]
fn a_termination_does_not_wait_for_what_is_being_created_or_deleted() {
    // A NAT gateway takes minutes.
    let place = Workplace::new();
    let server = Server::start_with(&place, &["--latency", "0.2"]);
    let mut up = server.begin(&place, &["up"]);
    up.after(20, "created ");
    let (ended, took) = up.end_by("TERM");
    let ended = ended.expect(130);
    assert!(took < BOUND, "{took:?}\n{}", ended.err);
    check_summary(&ended, r"^Interrupted: \d+ created, \d+ in progress, \d+ not started$");
    check_released(&place);
    drop(server);
    let server = Server::start_with(&place, &["--latency", "0.02"]);
    let again = server.run(&place, &["up"]).expect(0);
    assert!(!again.err.contains("the lock is held"), "{}", again.err);
    check_converged(&place, &server);
    drop(server);

    let server = Server::start_with(&place, &["--latency", "0.2"]);
    let mut destroy = server.begin(&place, &["destroy"]);
    destroy.after(10, "deleted ");
    let (ended, took) = destroy.end_by("TERM");
    let ended = ended.expect(130);
    assert!(took < BOUND, "{took:?}\n{}", ended.err);
    check_summary(&ended, r"^Interrupted: \d+ deleted, \d+ in progress, \d+ not started$");
    check_released(&place);
    drop(server);
    let server = Server::start_with(&place, &["--latency", "0.02"]);
    server.run(&place, &["destroy"]).expect(0);
    check_gone(&place);
}

#[test]
fn a_destroy_that_cannot_go_on_says_why_at_once_and_ends_with_what_is_left() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    let vpc = server.run(&place, &["outputs", "vpcId"]).expect(0).out;
    // Somebody else put a security group into the VPC.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let emulator = emulator::Emulator::open(&place.path().join("served/emulator")).unwrap();
    let ec2 = aws_sdk_ec2::Client::new(&stack::embedded(
        &emulator,
        aws_sdk_ec2::config::Region::new("ap-southeast-1"),
    ));
    let group = ec2.create_security_group().vpc_id(vpc.trim()).group_name("theirs").description("theirs");
    let group = runtime.block_on(group.send()).unwrap().group_id.unwrap();

    let mut destroy = server.begin(&place, &["destroy"]);
    destroy.after(1, "still deleting vpc/vpc: DeleteVpc: DependencyViolation");
    let (ended, took) = destroy.end_by("TERM");
    let ended = ended.expect(130);
    assert!(took < AT_ONCE, "{took:?}\n{}", ended.err);
    check_summary(&ended, r"^Interrupted: \d+ deleted, \d+ in progress, \d+ not started$");
    check_summary(&ended, "^vpc/vpc is not deleted: DeleteVpc: DependencyViolation: .*");
    check_released(&place);
    runtime.block_on(ec2.delete_security_group().group_id(group).send()).unwrap();
    server.run(&place, &["destroy"]).expect(0);
    check_gone(&place);
}

#[test]
fn a_signal_before_anything_is_planned_ends_every_command_at_once() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    drop(server);
    let server = Server::with_faults(&place, &held(&["DescribeAvailabilityZones"]), &[]);
    for (command, signal) in
        [("up", "TERM"), ("preview", "INT"), ("refresh", "HUP"), ("verify", "TERM"), ("destroy", "INT")]
    {
        let mut run = server.begin(&place, &[command]);
        run.after(1, "waiting for an answer from http://127.0.0.1:");
        let (ended, took) = run.end_by(signal);
        let ended = ended.expect(130);
        assert!(took < AT_ONCE, "{command}: {took:?}");
        assert!(ended.err.ends_with("Interrupted; nothing changed."), "{command}: {}", ended.err);
        assert!(!directory(&place).join("lock.json").exists());
    }
}

#[test]
fn a_signal_while_objects_are_read_ends_every_command_at_once_and_what_is_waited_for_was_shown() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    drop(server);
    let rule =
        json!({ "of": { "operation": "DescribeVpcs" }, "when": { "share": 1.0 }, "fault": "throttle" });
    let server = Server::with_faults(&place, &json!({ "rules": [rule] }), &[]);
    let commands = ["up", "preview", "refresh", "verify", "destroy"];
    let mut runs: Vec<Running> = Vec::new();
    for command in ["preview", "refresh", "verify", "up"] {
        runs.push(server.begin(&place, &[command]));
    }
    for (mut run, command) in runs.into_iter().zip(commands) {
        run.after(1, "still reading vpc/vpc: DescribeVpcs: RequestLimitExceeded");
        let (ended, took) = run.end_by("TERM");
        let ended = ended.expect(130);
        assert!(took < AT_ONCE, "{command}: {took:?}");
        assert!(ended.err.ends_with("Interrupted; nothing changed."), "{command}: {}", ended.err);
    }
    check_released(&place);
}

#[test]
fn the_embedded_aws_ends_though_somebody_waits_for_an_answer() {
    for signal in ["INT", "TERM", "HUP"] {
        let place = Workplace::new();
        let server = Server::with_faults(&place, &held(&["GetCallerIdentity"]), &[]);
        let mut preview = server.begin(&place, &["preview"]);
        preview.after(1, "waiting for an answer");
        let (status, took) = server.end_by(signal);
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(took < AT_ONCE, "{signal}: {took:?}");
        preview.end_by("TERM");
    }
}

/// Case 21.
#[test]
fn credentials_that_expire_in_the_middle_are_one_failure_with_advice_and_the_next_run_goes_on() {
    let place = Workplace::new();
    let expired = |call: u64| {
        let error = json!({ "error": { "code": "ExpiredToken", "status": 403 } });
        json!({ "of": "mutating", "when": { "call": call }, "fault": error })
    };
    let faults = json!({ "rules": (60..90).map(expired).collect::<Vec<_>>() });
    let server = Server::with_faults(&place, &faults, &[]);
    let up = server.run(&place, &["up"]).expect(1);
    let failed: Vec<&str> = up.err.lines().filter(|line| line.starts_with("error[E0303]: ")).collect();
    assert_eq!(failed.len(), 1, "{}", up.err);
    assert!(up.err.contains("ExpiredToken"), "{}", up.err);
    assert!(!up.err.contains("skipped"), "{}", up.err);
    let last = up.err.lines().last().unwrap();
    assert_eq!(
        last, "AWS credentials have expired: sign in again, then run `stack up --target aws` again",
        "{}",
        up.err
    );
    check_released(&place);
    drop(server);
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    check_converged(&place, &server);
}

#[test]
fn credentials_that_expire_while_objects_are_read_are_one_error_with_advice() {
    let place = Workplace::new();
    let server = Server::start(&place);
    server.run(&place, &["up"]).expect(0);
    drop(server);
    let error = json!({ "error": { "code": "ExpiredTokenException", "status": 400 } });
    let rule = json!({ "of": { "operation": "DescribeVpcs" }, "when": { "share": 1.0 }, "fault": error });
    let server = Server::with_faults(&place, &json!({ "rules": [rule] }), &[]);
    for command in ["preview", "refresh", "verify", "up", "destroy"] {
        let ended = server.run(&place, &[command]).expect(1);
        assert_eq!(ended.err.matches("ExpiredTokenException").count(), 1, "{command}: {}", ended.err);
        assert!(ended.err.contains("hint: AWS credentials have expired: sign in again"), "{}", ended.err);
    }
    check_released(&place);
    assert!(fs::exists(directory(&place)).unwrap());
}
