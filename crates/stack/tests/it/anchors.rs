//! The head of the journal: printed, checked, and anchored where whoever deploys cannot change it.

use aws_sdk_cloudwatchlogs::config::Region;
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};

const GROUP: &str = "payment-anchors";
/// What is deployed: a small part, over and over.
const SMALL: [&str; 2] = ["--set", "vpc.nat=none"];

fn logs(place: &Workplace) -> aws_sdk_cloudwatchlogs::Client {
    let config = stack::embedded(&place.emulator(), Region::new("ap-southeast-1"));
    aws_sdk_cloudwatchlogs::Client::new(&config)
}

async fn make_group(place: &Workplace) {
    logs(place).create_log_group().log_group_name(GROUP).send().await.unwrap();
}

async fn anchors(place: &Workplace) -> Vec<Value> {
    let call = logs(place).get_log_events().log_group_name(GROUP).log_stream_name("payment/dev");
    let events = call.start_from_head(true).send().await.unwrap().events.unwrap();
    events.iter().map(|event| serde_json::from_str(event.message().unwrap()).unwrap()).collect()
}

fn up(place: &Workplace, more: &[&str]) -> Ended {
    place.run(&[["up"].as_slice(), &SMALL, more].concat())
}

fn verify(place: &Workplace) -> Ended {
    place.run(&["state", "verify", "--json"])
}

#[test]
fn the_hash_that_a_run_prints_is_the_one_that_state_verify_prints() {
    let place = Workplace::new();
    place.run(&["state", "verify"]).expect(65);
    let ended = up(&place, &[]).expect(0);
    let verified = verify(&place).expect(0).json();
    let line = format!(
        "journal: {} (record {} of lineage ",
        verified["head"].as_str().unwrap(),
        verified["records"]
    );
    assert!(ended.err.contains(&line), "{line}\n{}", ended.err);
    assert_eq!((&verified["torn"], &verified["anchors"]), (&json!(false), &Value::Null));
    let text = place.run(&["state", "verify"]).expect(0).out;
    assert!(text.contains(&format!("head     {}\n", verified["head"].as_str().unwrap())), "{text}");
    // A run without changes opens the journal too, which is a record.
    let ended = up(&place, &[]).expect(0);
    let head = verify(&place).expect(0).json()["head"].as_str().unwrap().to_owned();
    assert!(ended.err.contains(&format!("journal: {head} (record ")), "{head}\n{}", ended.err);
    let ended = place.run(&["destroy", "--yes", "--json"]).expect(0);
    let verified = verify(&place).expect(0).json();
    let summary = ended.event("summary");
    let head = &summary["head"];
    assert_eq!((&head["head"], &head["records"]), (&verified["head"], &verified["records"]));
    assert_eq!(head["lineage"], verified["lineage"]);
}

#[test]
fn state_verify_takes_no_lock_and_touches_nothing() {
    let place = Workplace::new();
    up(&place, &[]).expect(0);
    let before = (place.files("dev"), place.emulator_bytes());
    std::fs::write(place.state_directory("dev").join("lock.json"), "somebody has it").unwrap();
    verify(&place).expect(0);
    std::fs::remove_file(place.state_directory("dev").join("lock.json")).unwrap();
    assert_eq!((place.files("dev"), place.emulator_bytes()), before);
}

#[test]
fn damage_is_exit_code_65_with_file_and_line() {
    let place = Workplace::new();
    up(&place, &[]).expect(0);
    let journal = place.state_directory("dev").join("journal.jsonl");
    let good = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, good.replacen("10.0.0.0/16", "10.9.0.0/16", 1)).unwrap();
    let ended = verify(&place).expect(65);
    assert!(
        ended.err.contains("journal.jsonl, line") && ended.err.contains("hash does not match"),
        "{}",
        ended.err
    );
    std::fs::write(&journal, format!("{good}{{\"n\":")).unwrap();
    assert_eq!(verify(&place).expect(0).json()["torn"], true);
}

#[tokio::test]
async fn each_run_writes_an_anchor_and_state_verify_compares_all_of_them() {
    let place = Workplace::new();
    place.write("stack.toml", &format!("[state]\nanchor_log_group = \"{GROUP}\"\n"));
    make_group(&place).await;
    let first = up(&place, &["--json"]).expect(0).event("summary");
    assert_eq!(first["anchored"], true);
    up(&place, &["--set", "vpc.s3_endpoint=false"]).expect(0);
    let written = anchors(&place).await;
    assert_eq!(written.len(), 2);
    for member in ["lineage", "records", "head"] {
        assert_eq!(written[0][member], first["head"][member], "{member}");
    }
    assert!(written[0]["who"].as_str().unwrap().contains("process"), "{written:?}");
    assert!(written[0]["time"].as_u64().unwrap() > 1_700_000_000_000);
    let verified = verify(&place).expect(0).json();
    let found = &verified["anchors"];
    assert_eq!((&found["confirmed"], &found["contained"]), (&json!(true), &json!(2)));
    assert_eq!(found["newest"]["head"], verified["head"]);
    let text = place.run(&["state", "verify"]).expect(0).out;
    assert!(
        text.contains("anchors  2 anchors found in the chain; the newest proves records 1 to "),
        "{text}"
    );
}

#[tokio::test]
async fn a_copy_that_was_put_back_is_found_by_the_anchor_and_not_by_the_chain() {
    let place = Workplace::new();
    make_group(&place).await;
    let anchored = ["--set", "state.anchor_log_group=payment-anchors"];
    up(&place, &anchored).expect(0);
    let journal = place.state_directory("dev").join("journal.jsonl");
    let old = std::fs::read(&journal).unwrap();
    up(&place, &[anchored.as_slice(), &["--set", "vpc.s3_endpoint=false"]].concat()).expect(0);
    std::fs::write(&journal, old).unwrap();
    verify(&place).expect(0);
    let ended = place.run(&[["state", "verify"].as_slice(), &anchored].concat()).expect(65);
    assert!(ended.err.contains("the anchors do not confirm this state: record "), "{}", ended.err);
    assert!(ended.err.contains("an older copy, or the end of the journal was cut off"), "{}", ended.err);
    assert!(ended.err.contains("log stream payment/dev of log group payment-anchors"), "{}", ended.err);
    assert!(ended.out.contains("anchors  NOT CONFIRMED"), "{}", ended.out);
}

#[tokio::test]
async fn without_its_log_group_a_run_deploys_says_what_is_missing_and_fails() {
    let place = Workplace::new();
    let anchored = ["--set", "state.anchor_log_group=payment-anchors"];
    let ended = up(&place, &[anchored.as_slice(), &["--json"]].concat()).expect(1);
    assert_eq!(ended.err.matches("error[E").count(), 1, "{}", ended.err);
    assert!(
        ended.err.contains("error[E0207]: cannot write the anchor to log group payment-anchors"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("logs:PutLogEvents"), "{}", ended.err);
    let told = ended.event("summary");
    assert_eq!((&told["report"]["complete"], &told["anchored"]), (&json!(true), &json!(false)));
    let ended = place.run(&[["state", "verify"].as_slice(), &anchored].concat()).expect(65);
    assert!(ended.err.contains("no anchor of this state is visible yet"), "{}", ended.err);
    make_group(&place).await;
    // Nothing is left to do, and the anchor covers both runs.
    up(&place, &anchored).expect(0);
    place.run(&[["state", "verify"].as_slice(), &anchored].concat()).expect(0);
}

#[tokio::test]
async fn a_state_that_was_begun_anew_is_not_confirmed_by_the_anchors_of_the_old_one() {
    let place = Workplace::new();
    make_group(&place).await;
    let anchored = ["--set", "state.anchor_log_group=payment-anchors"];
    up(&place, &anchored).expect(0);
    std::fs::remove_dir_all(place.state_directory("dev")).unwrap();
    up(&place, &[]).expect(0);
    let ended = place.run(&[["state", "verify"].as_slice(), &anchored].concat()).expect(65);
    assert!(ended.err.contains("it was begun anew, or replaced"), "{}", ended.err);
}

#[test]
fn a_name_that_no_log_group_has_is_an_error_of_the_configuration() {
    let place = Workplace::new();
    place.write("stack.toml", "[state]\nanchor_log_group = \"no spaces\"\n");
    let ended = place.run(&["up"]).expect(65);
    let expected = "stack.toml, line 2: `state.anchor_log_group`: `no spaces` is not the name of a log group";
    assert!(ended.err.contains(expected), "{}", ended.err);
}
