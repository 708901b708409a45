//! Real processes and what ends them: signals, a second run at once, a holder that dies or freezes, a full disk.
//!
//! The embedded AWS is another process, which nothing ends. `scripts/kill-check` kills at many more instants.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::command::{Ended, Workplace, recorded_in};
use crate::server::{Running, Server};

/// So slow that a run can be met in the middle: a NAT gateway takes a second, a database instance four.
const SLOW: [&str; 2] = ["--latency", "0.01"];

pub(crate) fn directory(place: &Workplace) -> PathBuf {
    place.path().join(".stack/aws/dev")
}

/// Nothing is begun and not ended, and nobody has the lock.
#[track_caller]
fn check_nothing_is_open(place: &Workplace) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let state = runtime.block_on(recorded_in(&directory(place)));
    let open: Vec<_> = state.slots().filter(|(_, slot)| !slot.open.is_empty()).map(|(at, _)| at).collect();
    assert!(open.is_empty(), "{open:?}");
    assert!(!directory(place).join("lock.json").exists());
}

/// How many objects there are of each kind at each address, as the server has kept them.
pub(crate) fn there(place: &Workplace) -> BTreeMap<(String, Option<String>), usize> {
    let listed = place.run(&["emulator", "list", "--json", "--state-dir", "served"]).expect(0).json();
    let mut counts = BTreeMap::new();
    for object in listed.as_array().unwrap() {
        let address = object["tags"]["stack:address"].as_str().map(str::to_owned);
        *counts.entry((object["kind"].as_str().unwrap().to_owned(), address)).or_default() += 1;
    }
    counts
}

/// There is what the state says, once, and it is as declared.
#[track_caller]
pub(crate) fn check_converged(place: &Workplace, server: &Server) {
    server.run(place, &["refresh", "--detailed-exitcode"]).expect(0);
    let plan = server.run(place, &["preview", "--detailed-exitcode", "--json"]).expect(0).json();
    let unchanged = plan["unchanged"].as_array().unwrap();
    let recorded: BTreeSet<&str> = unchanged.iter().filter_map(serde_json::Value::as_str).collect();
    for ((kind, address), count) in there(place) {
        let Some(address) = address else { continue };
        assert_eq!(count, 1, "{kind} at {address}");
        assert!(recorded.contains(address.as_str()), "{kind} at {address} is an orphan");
    }
}

/// API Gateway keeps one role for all of an account; nothing else stays.
#[track_caller]
pub(crate) fn check_gone(place: &Workplace) {
    let left = there(place);
    let role = ("AWS::IAM::Role".to_owned(), None);
    assert!(left.keys().all(|key| *key == role) && left.len() <= 1, "{left:?}");
}

/// What a run says that it has made.
fn created(ended: &Ended) -> BTreeSet<String> {
    let lines = ended.err.lines().filter_map(|line| line.strip_prefix("created "));
    lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn drained_by(signal: &str) {
    let place = Workplace::new();
    let server = Server::start_with(&place, &SLOW);
    let mut up = server.begin(&place, &["up"]);
    up.after(12, "created ");
    up.signal(signal);
    let ended = up.end().expect(130);
    assert!(ended.err.contains("Stopping"), "{}", ended.err);
    assert!(ended.err.ends_with("Run `stack up --target aws` again to resume"), "{}", ended.err);
    check_nothing_is_open(&place);
    let again = server.run(&place, &["up"]).expect(0);
    assert!(!again.err.contains("an earlier run was interrupted while"), "{}", again.err);
    assert!(!again.err.contains("the lock is held"), "{}", again.err);
    assert_eq!(created(&again).intersection(&created(&ended)).next(), None);
    check_converged(&place, &server);

    let mut destroy = server.begin(&place, &["destroy"]);
    destroy.after(5, "deleted ");
    destroy.signal(signal);
    let ended = destroy.end().expect(130);
    assert!(ended.err.ends_with("Run `stack destroy --target aws` again to resume"), "{}", ended.err);
    // What is being deleted stays open, for the next run to wait for it.
    assert!(!directory(&place).join("lock.json").exists());
    server.run(&place, &["destroy"]).expect(0);
    check_gone(&place);
}

#[test]
fn an_interrupt_ends_what_runs_and_leaves_nothing_open() {
    drained_by("INT");
}

#[test]
fn a_termination_ends_what_runs_and_leaves_nothing_open() {
    drained_by("TERM");
}

#[test]
fn a_second_run_is_refused_while_the_first_lives_and_takes_over_at_once_when_it_was_killed() {
    let place = Workplace::new();
    let server = Server::start_with(&place, &SLOW);
    let mut first = server.begin(&place, &["up"]);
    first.after(12, "created ");
    let refused = server.run(&place, &["up"]).expect(75);
    assert!(refused.err.contains(&format!("process {}", first.id())), "{}", refused.err);
    assert!(refused.err.contains("hint: wait until it has finished"), "{}", refused.err);
    // Reading needs no lock.
    server.run(&place, &["outputs"]).expect(0);

    first.quiet();
    first.signal("KILL");
    first.end().expect(-1);
    assert!(directory(&place).join("lock.json").exists());
    let second = server.run(&place, &["up"]).expect(0);
    assert!(!second.err.contains("the lock is held"), "{}", second.err);
    check_converged(&place, &server);
}

#[test]
fn a_run_that_froze_is_taken_over_after_its_lease_and_does_nothing_more_when_it_thaws() {
    let place = Workplace::new();
    let server = Server::start_with(&place, &SLOW);
    let mut first = server.begin(&place, &["up"]);
    first.after(12, "created ");
    freeze(&mut first, &place);
    // Nobody has to wait for it.
    let mut waiting = server.begin(&place, &["up"]);
    waiting.after(1, "the lock is held by");
    waiting.signal("INT");
    let waiting = waiting.end().expect(130);
    assert!(waiting.err.contains("Interrupted; nothing changed."), "{}", waiting.err);
    let second = server.run(&place, &["up"]).expect(0);
    assert!(second.err.contains("the lock is held by"), "{}", second.err);
    let before = there(&place);
    first.signal("CONT");
    let first = first.end().expect(1);
    assert!(first.err.contains("error[E0202]: the lock was lost"), "{}", first.err);
    assert!(first.err.contains("hint: run again"), "{}", first.err);
    assert_eq!(there(&place), before);
    check_converged(&place, &server);
}

/// Stops a process, but not in the middle of a change of its files, for which everybody would wait.
fn freeze(process: &mut Running, place: &Workplace) {
    loop {
        process.quiet();
        process.signal("STOP");
        let guard = fs::File::options().write(true).open(directory(place).join(".guard")).unwrap();
        if guard.try_lock().is_ok() {
            return;
        }
        process.signal("CONT");
    }
}

/// A run that could write no more: the error says what to do, and what it said to be created is created once.
#[track_caller]
fn check_full(full: &Ended, again: &Ended, reason: &str) {
    let error = &full.err;
    assert!(
        error.contains(
            "error[E0203]: cannot read or write the state\ncause: cannot append to .stack/aws/dev/journal.jsonl"
        ),
        "{error}"
    );
    assert_eq!(error.matches(reason).count(), 1, "{error}");
    let failed = error.lines().filter(|line| line.starts_with("failed") || line.starts_with("skipped"));
    assert_eq!(failed.count(), 0, "one error, not one for each resource: {error}");
    assert!(error.contains("hint: check the disk and the permissions of the state directory"), "{error}");
    let acknowledged = created(full);
    assert!(acknowledged.len() > 5, "{error}");
    assert_eq!(acknowledged.intersection(&created(again)).next(), None);
}

#[test]
fn a_journal_that_may_not_grow_loses_nothing_that_was_acknowledged() {
    let place = Workplace::new();
    let server = Server::start(&place);
    let mut limited = Command::new("sh");
    // The limit is in blocks of 512 bytes; without the trap, the signal would end the process.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" up --target aws --yes"]);
    limited.arg(env!("CARGO_BIN_EXE_stack")).current_dir(place.path()).env_clear();
    let full = Ended::of(&server.reached_by(&mut limited).output().unwrap()).expect(1);
    assert!(!directory(&place).join("lock.json").exists(), "{}", full.err);
    let again = server.run(&place, &["up"]).expect(0);
    check_full(&full, &again, "File too large");
    check_converged(&place, &server);
    server.run(&place, &["destroy"]).expect(0);
    check_gone(&place);
}

/// `up` on a file system of 128 KiB, and again on the same when it has been made larger. The namespace in which it is
/// mounted ends with the shell, so the state is copied out of it.
const ON_A_SMALL_DISK: &str = r#"
mkdir -p small && mount -t tmpfs -o size=128k none small || exit 200
"$0" up --target aws --yes --state-dir .stack 2>full.err; echo $? >full.code
mount -o remount,size=64m small
"$0" up --target aws --yes --state-dir .stack 2>again.err; echo $? >again.code
cp -r small/. kept
"#;

/// Case 22.
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let place = Workplace::new();
    let server = Server::start(&place);
    let mut shell = Command::new("unshare");
    let script = ON_A_SMALL_DISK.replace("small", ".stack");
    shell.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    shell.arg(env!("CARGO_BIN_EXE_stack")).current_dir(place.path()).env_clear();
    shell.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let output = server.reached_by(&mut shell).output();
    if !place.path().join("full.code").exists() {
        // Machines differ in whether a user may mount; the journal's limit above needs no such right.
        return eprintln!("skipped: a file system cannot be mounted here: {output:?}");
    }
    let ended = |name: &str| {
        let read = |what: &str| std::fs::read_to_string(place.path().join(format!("{name}.{what}"))).unwrap();
        Ended { code: read("code").trim().parse().unwrap(), out: String::new(), err: read("err") }
    };
    let (full, again) = (ended("full").expect(1), ended("again").expect(0));
    check_full(&full, &again, "No space left on device");
    std::fs::remove_dir_all(place.path().join(".stack")).unwrap();
    std::fs::rename(place.path().join("kept"), place.path().join(".stack")).unwrap();
    check_nothing_is_open(&place);
    check_converged(&place, &server);
}

/// Whoever follows a run by its events must learn that they are not all there.
#[cfg(target_os = "linux")]
#[test]
fn events_that_cannot_be_written_are_told_of_and_the_run_goes_on_to_its_end() {
    let place = Workplace::new();
    let ended = place.run(&["up", "--events", "/dev/full"]).expect(1);
    assert_eq!(ended.err.matches("warning: cannot write events to /dev/full: ").count(), 1, "{}", ended.err);
    assert!(
        ended.err.contains("error[E0901]: cannot write events to /dev/full: some are lost\n"),
        "{}",
        ended.err
    );
    place.run(&["preview", "--detailed-exitcode"]).expect(0);

    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = Ended::of(&place.command(&["up", "--json"]).stdout(full).output().unwrap()).expect(1);
    assert!(ended.err.contains("cannot write events to standard output"), "{}", ended.err);
    // Somebody who does not want the rest is no error.
    let mut head = place.command(&["up", "--json"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(head.stdout.take());
    assert_eq!(head.wait().unwrap().code(), Some(0));
}
