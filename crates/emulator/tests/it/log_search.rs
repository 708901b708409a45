//! FilterLogEvents: events of many streams, in one order, in pages.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::builders::FilterLogEventsFluentBuilder;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use emulator::Emulator;

use crate::support::{Cloud, code};

/// When a new account's clock begins.
const NOW: i64 = 1_767_225_600_000;

async fn with_streams(names: &[&str]) -> Cloud {
    let cloud = Cloud::in_memory();
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    for name in names {
        cloud.logs.create_log_stream().log_group_name("g").log_stream_name(*name).send().await.unwrap();
    }
    cloud
}

async fn put(cloud: &Cloud, stream: &str, events: &[(i64, &str)]) {
    let events = events
        .iter()
        .map(|(at, message)| InputLogEvent::builder().timestamp(NOW + at).message(*message).build().unwrap());
    let call = cloud.logs.put_log_events().log_group_name("g").log_stream_name(stream);
    call.set_log_events(Some(events.collect())).send().await.unwrap();
}

fn filter(cloud: &Cloud) -> FilterLogEventsFluentBuilder {
    cloud.logs.filter_log_events().log_group_name("g")
}

fn messages(page: &FilterLogEventsOutput) -> Vec<&str> {
    page.events().iter().map(|event| event.message().unwrap()).collect()
}

async fn found(call: FilterLogEventsFluentBuilder) -> Vec<String> {
    messages(&call.send().await.unwrap()).into_iter().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn events_of_all_streams_come_by_time_and_each_has_an_id_that_stays() {
    let cloud = with_streams(&["a/app/1", "a/app/2", "b/app/3"]).await;
    put(&cloud, "a/app/1", &[(1, "one"), (5, "five")]).await;
    put(&cloud, "a/app/2", &[(2, "two"), (5, "five too")]).await;
    put(&cloud, "b/app/3", &[(3, "three")]).await;
    let all = filter(&cloud).send().await.unwrap();
    assert_eq!(messages(&all)[..3], ["one", "two", "three"]);
    assert_eq!((all.next_token(), all.searched_log_streams()), (None, &[][..]));
    assert_eq!(all.events()[2].log_stream_name(), Some("b/app/3"));
    let ids = |page: &FilterLogEventsOutput| -> BTreeSet<String> {
        page.events().iter().map(|event| event.event_id().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&all).len(), 5);
    assert!(ids(&all).iter().all(|id| id.len() == 56 && id.bytes().all(|byte| byte.is_ascii_digit())));
    // What is put before them later changes no id.
    put(&cloud, "a/app/1", &[(0, "zero")]).await;
    let more = filter(&cloud).send().await.unwrap();
    assert!(ids(&more).is_superset(&ids(&all)));
    assert_eq!(messages(&more)[0], "zero");

    // Both ends belong to the range.
    assert_eq!(found(filter(&cloud).start_time(NOW + 1).end_time(NOW + 3)).await, ["one", "two", "three"]);
    assert_eq!(
        found(filter(&cloud).log_stream_name_prefix("a/app/").end_time(NOW + 2)).await,
        ["zero", "one", "two"]
    );
    assert_eq!(
        found(filter(&cloud).log_stream_names("a/app/2").log_stream_names("b/app/3")).await,
        ["two", "three", "five too"]
    );
    let newest = filter(&cloud).start_from_head(false).start_time(NOW).limit(3);
    let newest = found(newest).await;
    assert_eq!((newest.len(), newest[2].as_str()), (3, "three"));
}

#[tokio::test(start_paused = true)]
async fn a_page_may_be_empty_although_others_follow() {
    let cloud = with_streams(&["s"]).await;
    let filler = "x".repeat(400_000);
    for at in 0..6 {
        put(&cloud, "s", &[(at, &filler)]).await;
    }
    put(&cloud, "s", &[(9, "ERROR at last")]).await;
    let (mut pages, mut token) = (Vec::new(), None);
    loop {
        let page = filter(&cloud).filter_pattern("ERROR").set_next_token(token).send().await.unwrap();
        pages.push(messages(&page).len());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [0, 0, 1]);

    let first = filter(&cloud).filter_pattern("ERROR").send().await.unwrap().next_token.unwrap();
    tokio::time::advance(Duration::from_secs(24 * 60 * 60)).await;
    let late = filter(&cloud).filter_pattern("ERROR").next_token(first).send().await;
    assert_eq!(code(late), "InvalidParameterException");
}

#[tokio::test(start_paused = true)]
async fn a_page_goes_on_after_the_last_event_also_if_others_came_before_it() {
    let cloud = with_streams(&["a", "b"]).await;
    put(&cloud, "a", &[(1, "1"), (3, "3"), (5, "5")]).await;
    let first = filter(&cloud).limit(2).send().await.unwrap();
    assert_eq!(messages(&first), ["1", "3"]);
    put(&cloud, "b", &[(2, "2"), (4, "4")]).await;
    let rest = filter(&cloud).limit(2).next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((messages(&rest), rest.next_token()), (vec!["4", "5"], None));
}

#[tokio::test(start_paused = true)]
async fn what_cloudwatch_logs_refuses_is_refused() {
    let cloud = with_streams(&["s"]).await;
    put(&cloud, "s", &[(0, r#"{"level":"error"}"#), (1, "plain")]).await;
    assert_eq!(found(filter(&cloud).filter_pattern(r#"{ $.level = "error" }"#)).await.len(), 1);
    let invalid = "InvalidParameterException";
    let rows = [
        (
            "names and prefix",
            invalid,
            code(filter(&cloud).log_stream_names("s").log_stream_name_prefix("s").send().await),
        ),
        ("pattern", invalid, code(filter(&cloud).filter_pattern("a:b").send().await)),
        ("token", invalid, code(filter(&cloud).next_token("x").send().await)),
        ("newest first of all", invalid, code(filter(&cloud).start_from_head(false).send().await)),
        (
            "no group",
            "ResourceNotFoundException",
            code(cloud.logs.filter_log_events().log_group_name("none").send().await),
        ),
        (
            "no stream",
            "ResourceNotFoundException",
            code(filter(&cloud).log_stream_names("none").send().await),
        ),
        ("columns", "UnknownParameter", code(filter(&cloud).filter_pattern("[a, b]").send().await)),
        ("unmask", "UnknownParameter", code(filter(&cloud).unmask(true).send().await)),
    ];
    for (what, wanted, given) in rows {
        assert_eq!(given, wanted, "{what}");
    }
    let group = "arn:aws:logs:ap-southeast-1:123456789012:log-group:g";
    let tail = cloud.logs.start_live_tail().log_group_identifiers(group).send().await;
    assert_eq!(
        tail.map(drop).map_err(|error| crate::support::code::<(), _, _>(Err(error))),
        Err("InvalidOperationException".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn events_are_found_some_seconds_after_they_were_put() {
    let cloud = Cloud::of(Emulator::builder().latency(1.0).in_memory());
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    cloud.logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.unwrap();
    put(&cloud, "s", &[(0, "late")]).await;
    assert!(found(filter(&cloud)).await.is_empty());
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(found(filter(&cloud)).await, ["late"]);
}
