//! Properties that are left to others, and what somebody made of the stack taken into the state.

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_ec2::config::Region;
use aws_sdk_ec2::types::{AttributeBooleanValue, Tag};
use serde_json::json;

use crate::command::{Ended, Workplace};
use crate::transcripts::Transcript;

const ALARM: &str = "monitoring/alarm-ecs-cpu";

fn config(place: &Workplace) -> aws_config::SdkConfig {
    stack::embedded(&place.emulator(), Region::new("ap-southeast-1"))
}

async fn output(place: &Workplace, address: &str, name: &str) -> String {
    let state = place.state("dev").await;
    state.output(address, name).unwrap().as_str().unwrap().to_owned()
}

async fn vpc(place: &Workplace) -> String {
    output(place, "vpc/vpc", "VpcId").await
}

async fn host_names(place: &Workplace, value: bool) {
    let value = AttributeBooleanValue::builder().value(value).build();
    let request = place.ec2().modify_vpc_attribute().vpc_id(vpc(place).await);
    request.enable_dns_hostnames(value).send().await.unwrap();
}

async fn has_host_names(place: &Workplace) -> bool {
    let request = place.ec2().describe_vpc_attribute().vpc_id(vpc(place).await);
    let answer = request.attribute(aws_sdk_ec2::types::VpcAttributeName::EnableDnsHostnames).send().await;
    answer.unwrap().enable_dns_hostnames.unwrap().value.unwrap()
}

async fn alarm(place: &Workplace) -> MetricAlarm {
    let client = aws_sdk_cloudwatch::Client::new(&config(place));
    let name = output(place, ALARM, "AlarmName").await;
    client.describe_alarms().alarm_names(name).send().await.unwrap().metric_alarms.unwrap().remove(0)
}

/// Somebody gives the alarm another threshold: the call replaces everything.
async fn threshold(place: &Workplace, threshold: f64) {
    let live = alarm(place).await;
    let request = aws_sdk_cloudwatch::Client::new(&config(place)).put_metric_alarm();
    let request = request
        .set_alarm_name(live.alarm_name)
        .set_alarm_description(live.alarm_description)
        .set_actions_enabled(live.actions_enabled)
        .set_ok_actions(live.ok_actions)
        .set_alarm_actions(live.alarm_actions)
        .set_insufficient_data_actions(live.insufficient_data_actions)
        .set_metric_name(live.metric_name)
        .set_namespace(live.namespace)
        .set_statistic(live.statistic)
        .set_extended_statistic(live.extended_statistic)
        .set_dimensions(live.dimensions)
        .set_period(live.period)
        .set_unit(live.unit)
        .set_evaluation_periods(live.evaluation_periods)
        .set_datapoints_to_alarm(live.datapoints_to_alarm)
        .set_comparison_operator(live.comparison_operator)
        .set_treat_missing_data(live.treat_missing_data)
        .set_metrics(live.metrics)
        .threshold(threshold);
    request.send().await.unwrap();
}

async fn retention(place: &Workplace, days: i32) {
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config(place));
    let state = place.state("dev").await;
    let name =
        state.current("vpc/flow-log-group").unwrap().properties["LogGroupName"].as_str().unwrap().to_owned();
    let request = logs.put_retention_policy().log_group_name(name).retention_in_days(days);
    request.send().await.unwrap();
}

async fn lose_route(place: &Workplace) {
    let table = output(place, "vpc/public-rt", "RouteTableId").await;
    let request = place.ec2().delete_route().route_table_id(table);
    request.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
}

const IGNORE: &str = "\
[ignore]
\"vpc/vpc\" = [\"EnableDnsHostnames\"]
\"monitoring/alarm-ecs-*\" = [\"Threshold\"]
";

#[tokio::test]
async fn what_the_configuration_ignores_is_no_drift_and_is_kept_by_calls_that_replace_everything() {
    let place = Workplace::new();
    place.write("stack.toml", IGNORE);
    place.run(&["up"]).expect(0);
    assert!(has_host_names(&place).await, "a creation sends what is declared");
    host_names(&place, false).await;
    threshold(&place, 95.0).await;
    let before = place.emulator_bytes();
    let mut shown = Transcript::new();
    shown.run(&place, &["refresh", "--detailed-exitcode"]);
    shown.run(&place, &["preview", "--detailed-exitcode"]);
    shown.run(&place, &["up", "--quiet"]);
    assert_eq!(place.emulator_bytes(), before);
    // Both are changed for another reason.
    let changes = ["--set", "monitoring.period=600", "--set", "tags.Author=me"];
    place.run(&[["up"].as_slice(), &changes].concat()).expect(0);
    let live = alarm(&place).await;
    assert_eq!((live.period, live.threshold), (Some(600), Some(95.0)));
    assert!(!has_host_names(&place).await);
    let verify = place.run(&[["verify"].as_slice(), &changes].concat());
    assert!(verify.out.contains("ok       completeness/unchanged"), "{}", verify.out);
    // Without the table, they are put back.
    place.write("stack.toml", "");
    shown.run(&place, &[["preview"].as_slice(), &changes].concat());
    place.run(&[["up"].as_slice(), &changes].concat()).expect(0);
    assert_eq!((alarm(&place).await.threshold, has_host_names(&place).await), (Some(80.0), true));
    shown.compare("ignored");
}

#[test]
fn what_cannot_be_ignored_is_refused_before_any_call() {
    let place = Workplace::new();
    let mut shown = Transcript::new();
    for (table, setting, why) in [
        ("\"ecs/servise\" = [\"DesiredCount\"]", None, "nothing that is declared matches it"),
        ("\"Vpc/*\" = [\"Tags\"]", None, "neither an address nor a pattern"),
        ("\"vpc/vpc\" = [\"EnableDnsHostname\"]", None, "AWS::EC2::VPC has no property `EnableDnsHostname`"),
        ("\"vpc/vpc\" = [\"Tags\"]", None, "its tags say whose it is"),
        ("\"ecs/service\" = [\"ServiceName\"]", None, "the object is known by it"),
        ("\"vpc/flow-log-group\" = [\"DeletionPolicy\"]", None, "AWS does not have it"),
        ("\"vpc/*-subnet-a\" = [\"VpcId\"]", None, "it says what the object belongs to"),
        ("\"vpc/vpc\" = \"Tags\"", None, "invalid type"),
        ("", Some("ignore.\"vpc/vpc\"=[\"Nothing\"]"), "--set ignore.\"vpc/vpc\""),
    ] {
        place.write("stack.toml", &format!("[ignore]\n{table}\n"));
        let mut arguments = vec!["up", "--yes"];
        arguments.extend(setting.iter().flat_map(|setting| ["--set", *setting]));
        let ended = place.run(&arguments).expect(65);
        assert!(ended.err.contains(why), "{table}: {}", ended.err);
        assert!(ended.err.contains("error[E0102]: "), "{}", ended.err);
        shown.note(&arguments, &ended);
    }
    assert!(!place.state_directory("dev").exists());
    // What another environment has is checked there.
    let section = "[environments.prod.ignore]\n\"no/such\" = [\"Thing\"]\n[environments.dev.ignore]\n\"vpc/vpc\" = []\n";
    place.write("stack.toml", section);
    place.run(&["config"]).expect(0);
    shown.compare("ignored-refused");
}

/// The stack, and what somebody made of it.
async fn meddled(place: &Workplace) {
    place.run(&["up"]).expect(0);
    threshold(place, 95.0).await;
    retention(place, 90).await;
    host_names(place, false).await;
    lose_route(place).await;
    let tag = Tag::builder().key("CostCenter").value("17").build();
    place.ec2().create_tags().resources(vpc(place).await).tags(tag).send().await.unwrap();
}

/// The lines that can be put into the file.
fn lines(ended: &Ended) -> String {
    ended.out.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn what_is_accepted_is_recorded_and_the_lines_that_are_printed_leave_nothing_to_do() {
    let place = Workplace::new();
    meddled(&place).await;
    let mut shown = Transcript::new();
    let (before, files) = (place.emulator_bytes(), place.files("dev"));
    // There is nobody to ask.
    shown.run(&place, &["refresh", "--accept"]);
    let journal = |files: &[(std::path::PathBuf, Vec<u8>)]| {
        let journal = files.iter().find(|(path, _)| path.ends_with("journal.jsonl")).cloned();
        journal.map(|(_, bytes)| bytes.len())
    };
    let accepted = place.run(&["refresh", "--accept", "--yes"]).expect(0);
    shown.note(&["refresh", "--accept", "--yes"], &accepted);
    assert!(journal(&place.files("dev")) > journal(&files), "it is in the journal");
    assert_eq!(place.emulator_bytes(), before, "nothing is called that changes something");
    shown.run(&place, &["refresh"]);
    shown.run(&place, &["refresh", "--accept", "--yes"]);
    // Without the lines, the next run puts everything back.
    let preview = place.run(&["preview", "--json"]).expect(0).json();
    assert_eq!(preview["summary"]["create"], 1, "{preview}");
    assert!(preview["summary"]["update"].as_u64().unwrap() >= 3, "{preview}");
    // With them, only what was forgotten is made again.
    place.write("stack.toml", &lines(&accepted));
    shown.run(&place, &["preview"]);
    let preview = place.run(&["preview", "--json"]).expect(0).json();
    assert_eq!(
        (&preview["summary"]["create"], &preview["summary"]["update"]),
        (&json!(1), &json!(1)),
        "{preview}"
    );
    shown.compare("accept");
    let state = place.state("dev").await;
    assert_eq!(state.current("monitoring/alarm-ecs-cpu").unwrap().properties["Threshold"], 95.0);
    place.run(&["state", "verify"]).expect(0);
}

#[tokio::test]
async fn only_what_is_named_is_accepted_and_what_is_not_there_is_refused() {
    let place = Workplace::new();
    meddled(&place).await;
    let wrong = place.run(&["refresh", "--accept", "vpc/vcp", "--yes"]).expect(65);
    assert!(wrong.err.contains("`vpc/vcp`") && wrong.err.contains("E0206"), "{}", wrong.err);
    let accepted =
        place.run(&["refresh", "--accept", "monitoring/alarm-ecs-cpu", "--yes", "--json"]).expect(0).json();
    assert_eq!(accepted["accepted"][0]["address"], "monitoring/alarm-ecs-cpu");
    assert_eq!(accepted["accepted"].as_array().unwrap().len(), 1);
    assert_eq!(accepted["settings"][0]["key"], "monitoring.thresholds.task_cpu_percent");
    assert_eq!(accepted["settings"][0]["value"], 95.0);
    let left = place.run(&["refresh", "--json"]).expect(0).json();
    let left: Vec<&str> = left.as_array().unwrap().iter().filter_map(|one| one["address"].as_str()).collect();
    assert_eq!(left, ["vpc/flow-log-group", "vpc/public-route", "vpc/vpc"]);
    // Options that do not go together.
    for arguments in [["refresh", "--accept", "--orphans"].as_slice(), &["refresh", "vpc"]] {
        place.run(arguments).expect(64);
    }
}

/// A forgotten key would let the next plan replace what it encrypts, though nobody declared that.
#[tokio::test]
async fn what_alone_keeps_data_from_being_replaced_is_not_forgotten() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let key = output(&place, "database/key", "KeyId").await;
    let kms = aws_sdk_kms::Client::new(&config(&place));
    kms.schedule_key_deletion().key_id(key).pending_window_in_days(7).send().await.unwrap();
    place.emulator().advance(std::time::Duration::from_secs(8 * 86_400)).await.unwrap();
    let files = place.state("dev").await;
    let refused = place.run(&["refresh", "--accept", "--yes"]).expect(65);
    assert!(refused.err.contains("only because database/key has disappeared"), "{}", refused.err);
    assert_eq!(place.state("dev").await.current("database/key"), files.current("database/key"));
}

/// What somebody wrote into a live object is shown as `(secret)`, and the journal is kept for years.
#[tokio::test]
async fn a_secret_is_not_accepted_and_does_not_come_into_the_state() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    threshold(&place, 95.0).await;
    let tag = Tag::builder().key("DbPassword").value("hunter2-Sup3r!").build();
    let id = vpc(&place).await;
    place.ec2().create_tags().resources(&id).tags(tag).send().await.unwrap();
    let accepted = place.run(&["refresh", "--accept", "--yes"]).expect(0);
    let said = "  vpc/vpc: not accepted: a value looks like a secret, and secrets are never recorded";
    assert!(accepted.err.contains(said), "{}", accepted.err);
    assert!(accepted.err.contains("accepted: 1 object is"), "{}", accepted.err);
    // Nor is it adopted with the object.
    place.run(&["state", "forget", "vpc/vpc", "--yes"]).expect(0);
    let refused = place.run(&["import", "vpc/vpc", &id, "--yes"]).expect(65);
    assert!(refused.err.contains("a value that looks like a secret"), "{}", refused.err);
    for (path, bytes) in place.files("dev") {
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{}", path.display());
    }
}

#[tokio::test]
async fn that_data_is_gone_is_not_forgotten() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let rds = place.rds();
    for instance in ["payment-db-1-dev", "payment-db-2-dev"] {
        let delete = rds.delete_db_instance().db_instance_identifier(instance).skip_final_snapshot(true);
        delete.send().await.unwrap();
    }
    place.emulator().advance(std::time::Duration::from_secs(3600)).await.unwrap();
    let delete =
        rds.delete_db_cluster().db_cluster_identifier("payment-aurora-dev").skip_final_snapshot(true);
    delete.send().await.unwrap();
    place.emulator().advance(std::time::Duration::from_secs(3600)).await.unwrap();
    let accepted = place.run(&["refresh", "--accept", "--yes"]).expect(0);
    assert!(accepted.err.contains("database/cluster"), "{}", accepted.err);
    assert!(accepted.err.contains("not accepted: DATA GONE"), "{}", accepted.err);
    assert!(!accepted.out.contains("data_api"), "{}", accepted.out);
    let preview = place.run(&["preview"]).expect(0);
    assert!(preview.out.contains("DATA GONE"), "{}", preview.out);
}
