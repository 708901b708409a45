//! `stack logs`: what a person and a program get of what the application prints.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::Region;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use serde_json::{Value, json};

use crate::command::{Ended, Workplace};
use crate::server::{Server, send};
use crate::transcripts::Transcript;

const GROUP: &str = "/ecs/payment-app-dev";
const TASK: &str = "app/app/0123456789abcdef0123456789abcdef";

fn client(place: &Workplace) -> Client {
    Client::new(&stack::embedded(&place.emulator(), Region::new("ap-southeast-1")))
}

/// Writes events, each so many seconds ago.
async fn put(place: &Workplace, stream: &str, events: &[(u64, &str)]) {
    let now = place.emulator().now().await.unwrap().duration_since(UNIX_EPOCH).unwrap();
    let logs = client(place);
    // It may be there.
    let _ = logs.create_log_stream().log_group_name(GROUP).log_stream_name(stream).send().await;
    let event = |(ago, message): &(u64, &str)| {
        let at = i64::try_from((now - Duration::from_secs(*ago)).as_millis()).unwrap();
        InputLogEvent::builder().timestamp(at).message(*message).build().unwrap()
    };
    let put = logs.put_log_events().log_group_name(GROUP).log_stream_name(stream);
    put.set_log_events(Some(events.iter().map(event).collect())).send().await.unwrap();
}

/// The messages of lines for people, whose times and streams have no blanks.
fn messages(ended: &Ended) -> Vec<&str> {
    ended.out.lines().map(|line| line.splitn(3, ' ').nth(2).unwrap()).collect()
}

#[tokio::test]
async fn events_are_printed_oldest_first_from_all_pages_and_nothing_is_changed() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    let (long, other) = ("x".repeat(200_000), "app/app/fedcba9876543210fedcba9876543210");
    let batches = [[900, 890, 880, 870, 860], [850, 840, 830, 820, 810], [800, 790, 780, 770, 760]];
    for batch in batches {
        put(&place, TASK, &batch.map(|ago| (ago, long.as_str()))).await;
    }
    put(&place, other, &[(4000, "old"), (700, "{\"level\":\"error\",\"text\":\"no card\"}\n")]).await;
    put(&place, TASK, &[(600, "two\nlines, \u{1b}[2Ja\ttab"), (500, "say \"no\"")]).await;
    let (cloud, state) = (place.emulator_bytes(), place.files("dev"));

    let all = place.run(&["logs"]).expect(0);
    assert_eq!(messages(&all).len(), 18, "the old one is out of the hour");
    let lines: Vec<&str> = all.out.lines().skip(15).collect();
    let columns: Vec<&str> = lines.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(columns, ["fedcba98", "01234567", "01234567"]);
    let shown = ["{\"level\":\"error\",\"text\":\"no card\"}", "two\\nlines, \\u{1b}[2Ja tab", "say \"no\""];
    assert_eq!(messages(&all)[15..], shown);
    let last = place.run(&["logs", "app", "--limit", "2"]).expect(0);
    assert_eq!(messages(&last), shown[1..]);
    assert_eq!(messages(&place.run(&["logs", "--since", "2h", "-n", "19"]).expect(0))[0], "old");
    assert_eq!(messages(&place.run(&["logs", "--since", "520s"]).expect(0)), ["say \"no\""]);
    for (filter, found) in [
        ("say \"no\"", &shown[2..]),
        ("lines, \u{1b}", &shown[1..2]),
        ("{ $.level = \"error\" }", &shown[..1]),
        ("?card ?say", &[shown[0], shown[2]]),
        ("Card", &[]),
    ] {
        let ended = place.run(&["logs", "--filter", filter]).expect(0);
        assert_eq!(messages(&ended), found, "{filter}");
    }
    assert!(
        place
            .run(&["logs", "--filter", "?card say"])
            .expect(0)
            .err
            .contains("warning: CloudWatch Logs ignores")
    );

    let told = place.run(&["logs", "--json", "--since", "750s"]).expect(0).events();
    let members = |one: &Value| (one["event"].clone(), one["format_version"].clone(), one["source"].clone());
    assert!(told.iter().all(|one| members(one) == (json!("log"), json!("1.0"), json!("app"))), "{told:?}");
    assert_eq!(told[0]["message"], "{\"level\":\"error\",\"text\":\"no card\"}\n");
    assert_eq!(told[1]["message"], "two\nlines, \u{1b}[2Ja\ttab");
    assert_eq!((&told[1]["stream"], &told[1]["group"]), (&json!(TASK), &json!(GROUP)));
    assert!(told[1]["time"].as_str().unwrap().ends_with('Z') && told[1]["id"].as_str().unwrap().len() == 56);
    let colored = place.run(&["logs", "-n", "1", "--color", "always"]).expect(0).out;
    assert!(colored.contains("\u{1b}[") && !last.out.contains('\u{1b}'), "{colored:?}");
    assert_eq!((place.emulator_bytes(), place.files("dev")), (cloud, state));
}

#[tokio::test]
async fn logs_that_are_not_there_are_refused_before_any_call_with_what_would_make_them() {
    let place = Workplace::new();
    let nothing = place.run(&["logs"]).expect(65);
    assert!(
        nothing.err.contains("E0206") && nothing.err.contains("nothing is deployed here"),
        "{}",
        nothing.err
    );
    assert!(!place.path().join(".stack/emulator").exists());
    place.run(&["up", "--set", "ecs.tracing=none", "--set", "alb.waf.enabled=false"]).expect(0);
    let missing = place.run(&["logs", "tracing"]).expect(65);
    assert!(
        missing.err.contains("E0206") && missing.err.contains("no `tracing` logs in this environment"),
        "{}",
        missing.err
    );
    let advice = "set `ecs.tracing = \"adot\"` in the configuration and run `stack up` to create their log group; available: \
                  app, api, api-execution, api-waf, database, backup, flow\n";
    assert!(missing.err.contains(advice), "{}", missing.err);
    let json = place.run(&["logs", "waf", "--json"]).expect(65);
    assert_eq!(json.events()[0]["error"]["code"], "E0206");
    for source in ["app", "api", "api-execution", "api-waf", "database", "backup", "flow"] {
        let ended = place.run(&["logs", source]).expect(0);
        assert_eq!(ended.out, "", "nothing was written to {source}");
    }
    for (arguments, says) in [
        (&["logs", "apps"][..], "[possible values: app, tracing, api"),
        (&["logs", "--since", "yesterday"], "give a number with s, m, h or d"),
        (&["logs", "--since", "-5m"], "give a number with s, m, h or d"),
        (&["logs", "--filter", "{ $.level = "], "a filter pattern of CloudWatch Logs"),
        (&["logs", "--filter", ""], "it is empty"),
        (&["logs", "--limit", "0"], "invalid value '0' for '--limit <NUMBER>'"),
        (&["logs", "--limit", "3", "--since", "2023-05-01T00:00:00Z"], "only since 2024-01-01T00:00:00Z"),
    ] {
        let ended = place.run(arguments).expect(64);
        assert!(ended.err.contains("E0101") && ended.err.contains(says), "{arguments:?}: {}", ended.err);
    }
    put(
        &place,
        TASK,
        &[(60, "{\"level\":\"info\",\"text\":\"listening\"}\n"), (50, "no route\nto the database")],
    )
    .await;
    let mut read = Transcript::new();
    for arguments in [
        &["logs"][..],
        &["logs", "--filter", "route", "--limit", "1"],
        &["logs", "--filter", "?route listening"],
        &["logs", "tracing"],
        &["logs", "--limit", "3", "--since", "2023-05-01T00:00:00Z"],
        &["logs", "--filter", "{ $.level = "],
        &["logs", "--json", "--limit", "1"],
    ] {
        read.run(&place, arguments);
    }
    read.compare("logs");
    // The names of log groups are the same everywhere.
    let elsewhere = place.run(&["logs", "--region", "eu-west-1"]).expect(65);
    assert!(elsewhere.err.contains("E0205"), "{}", elsewhere.err);
}

#[test]
fn what_a_container_prints_before_it_fails_is_read_by_its_task() {
    let place = Workplace::new();
    let lines = ["starting", "panic: no database"];
    let exits = json!({ "fault": { "exit": { "code": 1, "lines": lines } } });
    let server = Server::with_faults(&place, &json!({ "rules": [], "containers": [exits] }), &[]);
    let image = "ecs.image=public.ecr.aws/nginx/nginx:1.29";
    server.run(&place, &["up", "--set", image]).expect(1);
    let told = server.run(&place, &["logs", "--json"]).expect(0).events();
    let of_containers = told.iter().filter(|one| !one["message"].as_str().unwrap().starts_with("[emulator]"));
    let printed: Vec<&Value> = of_containers.collect();
    assert!(printed.len() >= 4, "several tasks failed: {told:?}");
    assert_eq!((&printed[0]["message"], &printed[1]["message"]), (&json!(lines[0]), &json!(lines[1])));
    let task = printed[0]["stream"].as_str().unwrap().rsplit('/').next().unwrap();
    let text = server.run(&place, &["logs"]).expect(0).out;
    assert!(text.lines().any(|line| line.ends_with(&format!(" {} starting", &task[..8]))), "{text}");
}

#[tokio::test]
async fn what_comes_later_is_followed_until_an_interrupt_which_is_a_good_end() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    put(&place, TASK, &[(9, "before"), (8, "just before")]).await;
    let mut command = place.command(&["logs", "--follow", "--limit", "1"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().ends_with(" 01234567 just before"));
    put(&place, TASK, &[(0, "after")]).await;
    assert!(lines.next().unwrap().ends_with(" 01234567 after"));
    put(&place, TASK, &[(0, "and again")]).await;
    assert!(lines.next().unwrap().ends_with(" 01234567 and again"));
    send("INT", process.id());
    assert_eq!(lines.next(), None);
    let ended = Ended::of(&process.wait_with_output().unwrap()).expect(0);
    let said = format!("following log group {GROUP}: new events are looked for every 2 s; Ctrl-C ends it\n");
    assert!(ended.err.ends_with(&said), "{}", ended.err);
}

#[tokio::test]
async fn it_ends_when_nobody_reads_any_more() {
    let place = Workplace::new();
    place.run(&["up"]).expect(0);
    put(&place, TASK, &[(9, "before")]).await;
    let mut command = place.command(&["logs", "--follow", "--json"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    put(&place, TASK, &[(0, "after")]).await;
    assert!(process.wait().unwrap().success());
}

#[tokio::test]
async fn a_group_that_is_gone_and_one_that_cannot_be_read_say_what_to_do() {
    let place = Workplace::new();
    let denied = |code: &str| {
        json!({ "of": { "operation": "FilterLogEvents" }, "when": { "call": 1 },
            "fault": { "error": { "code": code, "status": 400 } } })
    };
    let server = Server::with_faults(&place, &json!({ "rules": [denied("AccessDeniedException")] }), &[]);
    server.run(&place, &["up", "--set", "logs.customer_key=true"]).expect(0);
    let refused = server.run(&place, &["logs"]).expect(1);
    assert!(refused.err.contains(&format!("error[E0301]: cannot read log group {GROUP}")), "{}", refused.err);
    for part in ["logs:FilterLogEvents", "The logs are encrypted with arn:aws:kms:", "`stack refresh"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    let json = server.run(&place, &["outputs", "appLogGroupName", "--json"]).expect(0).json();
    assert_eq!(json, GROUP);
    let emulator = emulator::Emulator::open(&place.path().join("served/emulator")).unwrap();
    let logs = Client::new(&stack::embedded(&emulator, Region::new("ap-southeast-1")));
    logs.delete_log_group().log_group_name(GROUP).send().await.unwrap();
    let gone = server.run(&place, &["logs"]).expect(1);
    assert!(
        gone.err.contains("error[E0406]") && gone.err.contains("was deleted outside stack"),
        "{}",
        gone.err
    );
}
