//! The events of a log group of CloudWatch Logs: of all its streams, in the order of time.
//!
//! - A page of FilterLogEvents ends after 10,000 events or 1 MB that were looked at, so it may be short or empty although others
//!   follow. The end is where there is no token (CloudWatch Logs API Reference, FilterLogEvents).
//! - Nothing says how long after it was written an event is shown, and events of one stream may be shown before older ones of
//!   another. Who follows a group reads some time twice, and tells events apart by their ids.
//! - Quotas of calls differ between regions and are shared by all of the account: one [`LogEvents`] sends five calls a second at
//!   the most.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use engine::CallError;
use tokio::time::{Instant, sleep_until};

use crate::Context;
use crate::error::Called;
use crate::poll::insisting;

const OPERATION: &str = "FilterLogEvents";

/// From one call to the next.
const BETWEEN_CALLS: Duration = Duration::from_millis(200);

/// The most events of a page (FilterLogEvents, `limit`).
const PAGE: usize = 10_000;

/// A log event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// What tells it apart from all other events of the group.
    pub id: String,
    /// Its time, in milliseconds since the Unix epoch, as whoever wrote it says.
    pub millis: u64,
    /// The stream that it is in.
    pub stream: String,
    /// What was written. It is whatever somebody's program printed.
    pub message: String,
}

/// Reads a log group.
#[derive(Debug)]
pub struct LogEvents {
    client: Client,
    group: String,
    pattern: Option<String>,
    next_call: Option<Instant>,
}

impl LogEvents {
    /// FilterLogEvents can begin with the newest events only from 2024-01-01T00:00:00Z on: in milliseconds since the Unix epoch.
    pub const NEWEST_FIRST_SINCE: u64 = 1_704_067_200_000;

    /// The events of a group that a filter pattern fits, or all of them.
    pub fn new(context: &Context, group: impl Into<String>, pattern: Option<String>) -> Self {
        Self { client: context.logs().clone(), group: group.into(), pattern, next_call: None }
    }

    /// A page of the events since a time, which belongs to them, in milliseconds since the Unix epoch: the oldest ones first. The
    /// token is that of the page before. Also the token of the next page; at the end there is none.
    ///
    /// # Errors
    /// As the call fails: [`NotFound`](engine::ErrorClass::NotFound) if there is no such group,
    /// [`Invalid`](engine::ErrorClass::Invalid) if the pattern is none.
    pub async fn page(
        &mut self,
        since: u64,
        token: Option<String>,
    ) -> Result<(Vec<LogEvent>, Option<String>), CallError> {
        self.call(since, token, true, PAGE).await
    }

    /// The newest events since a time, the newest one first: so many, and all others that are not older than what `at_least` says
    /// for the time of the newest one.
    ///
    /// # Errors
    /// As [`page`](Self::page); [`Invalid`](engine::ErrorClass::Invalid) for a time before
    /// [`NEWEST_FIRST_SINCE`](Self::NEWEST_FIRST_SINCE).
    pub async fn newest(
        &mut self,
        since: u64,
        count: usize,
        at_least: impl Fn(u64) -> u64,
    ) -> Result<Vec<LogEvent>, CallError> {
        let (mut events, mut token) = (Vec::<LogEvent>::new(), None);
        loop {
            let wanted = count.saturating_sub(events.len());
            let limit = if wanted == 0 { PAGE } else { wanted.min(PAGE) };
            let (page, next) = self.call(since, token, false, limit).await?;
            events.extend(page);
            let reaches = match (events.first(), events.last()) {
                (Some(newest), Some(oldest)) => oldest.millis < at_least(newest.millis),
                _ => false,
            };
            if next.is_none() || (reaches && events.len() >= count) {
                return Ok(events);
            }
            token = next;
        }
    }

    async fn call(
        &mut self,
        since: u64,
        token: Option<String>,
        oldest_first: bool,
        limit: usize,
    ) -> Result<(Vec<LogEvent>, Option<String>), CallError> {
        if let Some(at) = self.next_call {
            sleep_until(at).await;
        }
        let answer = insisting(OPERATION, || async {
            let call = self.client.filter_log_events().log_group_name(&self.group);
            let call = call.start_time(i64::try_from(since).unwrap_or(i64::MAX));
            let call = call.set_filter_pattern(self.pattern.clone()).set_next_token(token.clone());
            // What is not sent is the oldest first.
            let call = call.set_start_from_head((!oldest_first).then_some(false));
            call.limit(i32::try_from(limit).unwrap_or(i32::MAX)).send().await.called(OPERATION)
        });
        let answer = answer.await;
        self.next_call = Some(Instant::now() + BETWEEN_CALLS);
        let answer = answer?;
        let events = answer.events.unwrap_or_default().into_iter().map(LogEvent::from).collect();
        Ok((events, answer.next_token))
    }
}

impl From<FilteredLogEvent> for LogEvent {
    fn from(event: FilteredLogEvent) -> Self {
        Self {
            id: event.event_id.unwrap_or_default(),
            millis: event.timestamp.and_then(|millis| u64::try_from(millis).ok()).unwrap_or_default(),
            stream: event.log_stream_name.unwrap_or_default(),
            message: event.message.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::{Answers, scripted};

    fn reading(answers: impl IntoIterator<Item = Option<Value>>) -> (LogEvents, Answers) {
        let (client, answers) = scripted(answers);
        let (group, pattern) = ("g".to_owned(), Some("x".to_owned()));
        (LogEvents { client, group, pattern, next_call: None }, answers)
    }

    /// A page with events of these times.
    fn page(times: &[u64], token: Option<&str>) -> Option<Value> {
        let events: Vec<Value> = times
            .iter()
            .map(|time| json!({ "timestamp": time, "message": "x", "logStreamName": "s", "eventId": time.to_string() }))
            .collect();
        Some(json!({ "events": events, "nextToken": token }))
    }

    fn times(events: &[LogEvent]) -> Vec<u64> {
        events.iter().map(|event| event.millis).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_page_with_a_token_is_not_the_end_and_no_more_than_five_calls_are_sent_in_a_second() {
        let (mut events, answers) =
            reading([page(&[], Some("1")), page(&[7], Some("2")), page(&[], Some("3")), page(&[8], None)]);
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = events.page(5, token).await.unwrap();
            seen.extend(times(&page));
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, [7, 8]);
        let asked = answers.asked();
        let tokens: Vec<&Value> = asked.iter().map(|request| &request["nextToken"]).collect();
        assert_eq!(json!(tokens), json!([null, "1", "2", "3"]));
        let first = json!({ "logGroupName": "g", "filterPattern": "x", "startTime": 5, "limit": 10_000 });
        assert_eq!(asked[0], first);
        let calls = answers.times();
        assert!(calls.windows(2).all(|two| two[1] - two[0] >= BETWEEN_CALLS), "{calls:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_events_are_found_however_short_the_pages_are() {
        let (mut events, answers) =
            reading([page(&[], Some("1")), page(&[9, 8], Some("2")), page(&[7], Some("3"))]);
        assert_eq!(times(&events.newest(5, 3, |_| u64::MAX).await.unwrap()), [9, 8, 7]);
        let asked = answers.asked();
        let limits: Vec<&Value> = asked.iter().map(|request| &request["limit"]).collect();
        assert_eq!(json!(limits), json!([3, 3, 1]));
        assert!(asked.iter().all(|request| request["startFromHead"] == false), "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn beside_the_newest_events_are_all_that_are_not_much_older() {
        let (mut events, _) =
            reading([page(&[9], Some("1")), page(&[8, 7], Some("2")), page(&[6, 5], Some("3"))]);
        assert_eq!(times(&events.newest(1, 1, |newest| newest - 2).await.unwrap()), [9, 8, 7, 6, 5]);
        let (mut events, _) = reading([page(&[], None)]);
        assert!(events.newest(1, 1, |newest| newest - 2).await.unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_lost_for_a_moment_ends_nothing() {
        let (mut events, _) = reading([None, None, page(&[7], None)]);
        assert_eq!(times(&events.page(5, None).await.unwrap().0), [7]);
    }
}
