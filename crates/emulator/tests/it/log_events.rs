//! Log events: put in batches, read in pages, never changed.

use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput;
use aws_sdk_cloudwatchlogs::types::{InputLogEvent, OrderBy};
use emulator::Emulator;

use crate::support::{Cloud, code};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// When a new account's clock begins.
const NOW: i64 = 1_767_225_600_000;

fn event(timestamp: i64, message: &str) -> InputLogEvent {
    InputLogEvent::builder().timestamp(timestamp).message(message).build().unwrap()
}

async fn with_stream() -> Cloud {
    let cloud = Cloud::in_memory();
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    cloud.logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.unwrap();
    cloud
}

fn put(
    cloud: &Cloud,
    events: Vec<InputLogEvent>,
) -> aws_sdk_cloudwatchlogs::operation::put_log_events::builders::PutLogEventsFluentBuilder {
    let call = cloud.logs.put_log_events().log_group_name("g").log_stream_name("s");
    call.set_log_events(Some(events))
}

fn get(
    cloud: &Cloud,
) -> aws_sdk_cloudwatchlogs::operation::get_log_events::builders::GetLogEventsFluentBuilder {
    cloud.logs.get_log_events().log_group_name("g").log_stream_name("s")
}

/// All messages, page after page.
async fn all(cloud: &Cloud, limit: Option<i32>) -> Vec<String> {
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let call = get(cloud).start_from_head(true).set_limit(limit).set_next_token(token.clone());
        let page = call.send().await.unwrap();
        seen.extend(messages(&page).into_iter().map(str::to_owned));
        if page.next_forward_token() == token.as_deref() {
            return seen;
        }
        token = page.next_forward_token;
    }
}

fn messages(page: &GetLogEventsOutput) -> Vec<&str> {
    page.events().iter().map(|event| event.message().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn events_are_read_as_they_were_put_in_the_order_of_time() {
    let cloud = with_stream().await;
    put(&cloud, vec![event(NOW - 5, "b"), event(NOW, "c")]).send().await.unwrap();
    let answer = put(&cloud, vec![event(NOW - 10, "a"), event(NOW, "d")]).send().await.unwrap();
    assert!(answer.rejected_log_events_info().is_none());
    let page = get(&cloud).send().await.unwrap();
    assert_eq!(messages(&page), ["a", "b", "c", "d"]);
    assert_eq!(page.events()[0].timestamp(), Some(NOW - 10));
    assert!(page.events()[0].ingestion_time().unwrap() >= NOW);
    // The beginning of a range is in it, the end is not.
    let page = get(&cloud).start_time(NOW - 5).end_time(NOW).send().await.unwrap();
    assert_eq!(messages(&page), ["b"]);
    let streams = cloud.logs.describe_log_streams().log_group_name("g").send().await.unwrap();
    let stream = &streams.log_streams()[0];
    assert_eq!((stream.first_event_timestamp(), stream.last_event_timestamp()), (Some(NOW - 10), Some(NOW)));
}

#[tokio::test(start_paused = true)]
async fn pages_go_both_ways_and_at_an_end_the_token_stays() {
    let cloud = with_stream().await;
    put(&cloud, (0..5).map(|n| event(NOW + n, &n.to_string())).collect()).send().await.unwrap();
    let last = get(&cloud).limit(2).send().await.unwrap();
    assert_eq!(messages(&last), ["3", "4"]);
    let before = get(&cloud).limit(2).next_token(last.next_backward_token().unwrap()).send().await.unwrap();
    assert_eq!(messages(&before), ["1", "2"]);
    let seen = all(&cloud, Some(2)).await;
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);
    assert_eq!(code(get(&cloud).next_token("x").send().await), "InvalidParameterException");
}

#[tokio::test(start_paused = true)]
async fn a_page_has_a_megabyte_at_the_most() {
    let cloud = with_stream().await;
    let large = "x".repeat(600_000);
    put(&cloud, vec![event(NOW, &large)]).send().await.unwrap();
    put(&cloud, vec![event(NOW + 1, &large)]).send().await.unwrap();
    let page = get(&cloud).start_from_head(true).send().await.unwrap();
    assert_eq!(page.events().len(), 1);
    let page = get(&cloud).next_token(page.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(page.events()[0].timestamp(), Some(NOW + 1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_too_large_out_of_order_or_longer_than_a_day_is_refused_as_a_whole() {
    let cloud = with_stream().await;
    let limit = 1_048_576 - 26;
    for (events, expected) in [
        (vec![event(NOW, &"x".repeat(limit))], "ok"),
        (vec![event(NOW, &"x".repeat(limit + 1))], "InvalidParameterException"),
        (vec![event(NOW, "a"), event(NOW - 1, "b")], "InvalidParameterException"),
        (vec![event(NOW - DAY, "a"), event(NOW, "b")], "ok"),
        (vec![event(NOW - DAY - 1, "a"), event(NOW, "b")], "InvalidParameterException"),
        (Vec::new(), "InvalidParameterException"),
        (vec![event(NOW, "")], "InvalidParameterException"),
    ] {
        assert_eq!(code(put(&cloud, events).send().await), expected);
    }
    assert_eq!(all(&cloud, None).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn events_that_are_too_old_expired_or_too_new_are_rejected_in_a_success() {
    let cloud = with_stream().await;
    let rejected = put(&cloud, vec![event(NOW - 15 * DAY, "old")]).send().await.unwrap();
    let info = rejected.rejected_log_events_info.unwrap();
    assert_eq!((info.too_old_log_event_end_index(), info.too_new_log_event_start_index()), (Some(1), None));
    let call = cloud.logs.put_retention_policy().log_group_name("g").retention_in_days(1);
    call.send().await.unwrap();
    let events = vec![event(NOW - 25 * HOUR, "expired"), event(NOW, "kept"), event(NOW + 3 * HOUR, "early")];
    let info = put(&cloud, events).send().await.unwrap().rejected_log_events_info.unwrap();
    assert_eq!(info.expired_log_event_end_index(), Some(1));
    assert_eq!(info.too_new_log_event_start_index(), Some(2));
    assert_eq!(info.too_old_log_event_end_index(), None);
    assert_eq!(messages(&get(&cloud).send().await.unwrap()), ["kept"]);
}

#[tokio::test(start_paused = true)]
async fn group_and_stream_must_exist_and_events_go_with_them() {
    let cloud = with_stream().await;
    let at = |group: &str, stream: &str| {
        let call = cloud.logs.put_log_events().log_group_name(group).log_stream_name(stream);
        call.log_events(event(NOW, "x")).send()
    };
    assert_eq!(code(at("g", "t").await), "ResourceNotFoundException");
    assert_eq!(code(at("h", "s").await), "ResourceNotFoundException");
    assert_eq!(code(at("g", "s").await), "ok");
    let read = cloud.logs.get_log_events().log_group_name("g").log_stream_name("t");
    assert_eq!(code(read.send().await), "ResourceNotFoundException");
    cloud.logs.delete_log_stream().log_group_name("g").log_stream_name("s").send().await.unwrap();
    cloud.logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.unwrap();
    assert_eq!(get(&cloud).send().await.unwrap().events(), []);
}

#[tokio::test(start_paused = true)]
async fn with_latency_events_are_shown_some_seconds_after_they_were_put() {
    let cloud = Cloud::of(Emulator::builder().latency(1.0).in_memory());
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    cloud.logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.unwrap();
    put(&cloud, vec![event(NOW, "a")]).send().await.unwrap();
    assert_eq!(all(&cloud, None).await, [""; 0]);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert_eq!(all(&cloud, None).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn streams_are_listed_by_their_last_event() {
    let cloud = with_stream().await;
    cloud.logs.create_log_stream().log_group_name("g").log_stream_name("a").send().await.unwrap();
    put(&cloud, vec![event(NOW, "x")]).send().await.unwrap();
    let call = cloud.logs.describe_log_streams().log_group_name("g");
    let listed = call.order_by(OrderBy::LastEventTime).descending(true).send().await.unwrap();
    let names: Vec<_> = listed.log_streams().iter().map(|stream| stream.log_stream_name().unwrap()).collect();
    assert_eq!(names, ["s", "a"]);
}

#[tokio::test]
async fn events_are_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Cloud::of(Emulator::open(directory.path()).unwrap());
    let cloud = open();
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    cloud.logs.create_log_stream().log_group_name("g").log_stream_name("s").send().await.unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_millis()).unwrap();
    put(&cloud, vec![event(now, "x")]).send().await.unwrap();
    assert_eq!(messages(&get(&open()).send().await.unwrap()), ["x"]);
}
