//! Lines of text in a log stream of CloudWatch Logs, for what must be kept where nobody can change it.
//!
//! No call changes or deletes a single log event. An event goes only with its stream, its group, or by the group's retention
//! period, each of which takes a permission of its own (`logs:DeleteLogStream`, `logs:DeleteLogGroup`,
//! `logs:PutRetentionPolicy`). So an identity that has only `logs:CreateLogStream` and `logs:PutLogEvents` can add lines and
//! do nothing else.

use std::collections::VecDeque;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use engine::{CallError, ErrorClass};

use crate::Context;
use crate::error::{CallResult, Called};
use crate::poll::insisting;

/// Pages that are read at the most. A page has up to 10,000 lines.
const PAGES: usize = 1000;

/// The most lines of a page (GetLogEvents, `limit`).
const LONGEST_PAGE: i32 = 10_000;

/// A log stream, to which lines are added.
#[derive(Clone, Debug)]
pub struct LogLines {
    client: Client,
    group: String,
    stream: String,
}

impl LogLines {
    /// The stream of this name in a log group, which must exist. The stream need not.
    pub fn new(context: &Context, group: impl Into<String>, stream: impl Into<String>) -> Self {
        Self { client: context.logs().clone(), group: group.into(), stream: stream.into() }
    }

    /// Adds a line, of the time `at` in milliseconds since the Unix epoch, and makes the stream if there is none. What is
    /// throttled, finds no connection or is not answered is sent again for three quarters of a minute, so that the line may
    /// be there twice.
    ///
    /// # Errors
    /// [`ErrorClass::NotFound`] if there is no such group, [`ErrorClass::Invalid`] if CloudWatch Logs takes the call and
    /// rejects the line, otherwise as the call fails.
    pub async fn add(&self, at: u64, line: &str) -> Result<(), CallError> {
        match insisting("PutLogEvents", || self.put(at, line)).await {
            Err(error) if error.class == ErrorClass::NotFound => {}
            put => return put,
        }
        insisting("CreateLogStream", || self.create()).await?;
        // The new stream may not be seen everywhere yet.
        insisting("PutLogEvents", || async { self.put(at, line).await.once_visible() }).await
    }

    async fn create(&self) -> Result<(), CallError> {
        let call = self.client.create_log_stream().log_group_name(&self.group).log_stream_name(&self.stream);
        match call.send().await.called("CreateLogStream") {
            Err(error) if error.class == ErrorClass::AlreadyExists => Ok(()),
            created => created.map(drop),
        }
    }

    async fn put(&self, at: u64, line: &str) -> Result<(), CallError> {
        const OPERATION: &str = "PutLogEvents";
        let invalid = |message: String| CallError::new(ErrorClass::Invalid, OPERATION, message);
        let at = i64::try_from(at).map_err(|error| invalid(error.to_string()))?;
        let event = InputLogEvent::builder().timestamp(at).message(line).build();
        let event = event.map_err(|error| invalid(error.to_string()))?;
        let call = self.client.put_log_events().log_group_name(&self.group).log_stream_name(&self.stream);
        let answer = call.log_events(event).send().await.called(OPERATION)?;
        match answer.rejected_log_events_info {
            None => Ok(()),
            Some(_) => Err(invalid(
                "CloudWatch Logs rejected the line as too old or too new: is this machine's clock right?"
                    .to_owned(),
            )),
        }
    }

    /// All lines that CloudWatch Logs shows, oldest first; `None` if there is no such group or stream. A line that was added a
    /// moment ago may be missing.
    ///
    /// # Errors
    /// As the call fails; [`ErrorClass::Invalid`] for a stream with more than ten million lines.
    pub async fn all(&self) -> Result<Option<Vec<String>>, CallError> {
        const OPERATION: &str = "GetLogEvents";
        let (mut lines, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let page = insisting(OPERATION, || async {
                let call = self.client.get_log_events().log_group_name(&self.group);
                let call = call.log_stream_name(&self.stream).start_from_head(true);
                call.set_next_token(token.clone()).send().await.called(OPERATION)
            });
            let Some(page) = page.await.if_exists()? else { return Ok(None) };
            lines.extend(page.events().iter().filter_map(|event| event.message()).map(str::to_owned));
            // At the end it is the token that was sent. A page without lines is no end: one with more may follow.
            match page.next_forward_token {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => return Ok(Some(lines)),
            }
        }
        Err(CallError::new(ErrorClass::Invalid, OPERATION, "the stream has too many lines to read"))
    }

    /// The last lines that CloudWatch Logs shows, so many at the most, oldest first. There are none where there is no such group or
    /// stream: a container has a stream only once it has written a line.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn last(&self, count: usize) -> Result<Vec<String>, CallError> {
        const OPERATION: &str = "GetLogEvents";
        let (mut lines, mut token) = (VecDeque::new(), None::<String>);
        for _ in 0..PAGES {
            let wanted =
                i32::try_from(count.saturating_sub(lines.len())).unwrap_or(i32::MAX).min(LONGEST_PAGE);
            if wanted == 0 {
                break;
            }
            let page = insisting(OPERATION, || async {
                let call = self.client.get_log_events().log_group_name(&self.group);
                let call = call.log_stream_name(&self.stream).start_from_head(false).limit(wanted);
                call.set_next_token(token.clone()).send().await.called(OPERATION)
            });
            let Some(page) = page.await.if_exists()? else { break };
            // A page is in the order of time, and the next one has what is older.
            let events = page.events.unwrap_or_default();
            events
                .into_iter()
                .rev()
                .filter_map(|event| event.message)
                .for_each(|line| lines.push_front(line));
            match page.next_backward_token {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => break,
            }
        }
        Ok(lines.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scripted::{Answers, scripted};

    fn lines(answers: impl IntoIterator<Item = Option<Value>>) -> (LogLines, Answers) {
        let (client, answers) = scripted(answers);
        (LogLines { client, group: "g".to_owned(), stream: "s".to_owned() }, answers)
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_without_lines_is_not_the_end_where_its_token_is_new() {
        let page = |lines: &[&str], token: &str| {
            let events: Vec<Value> =
                lines.iter().map(|line| json!({ "timestamp": 1, "message": line })).collect();
            Some(json!({ "events": events, "nextForwardToken": token }))
        };
        let (lines, answers) = lines([
            page(&[], "f/1"),
            page(&["a"], "f/2"),
            page(&[], "f/3"),
            page(&["b"], "f/4"),
            page(&[], "f/4"),
        ]);
        assert_eq!(lines.all().await.unwrap().unwrap(), ["a", "b"]);
        let asked = answers.asked();
        let tokens: Vec<&Value> = asked.iter().map(|request| &request["nextToken"]).collect();
        assert_eq!(json!(tokens), json!([null, "f/1", "f/2", "f/3", "f/4"]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_lines_are_in_their_order_however_short_the_pages_are() {
        let page = |lines: &[&str], token: &str| {
            let events: Vec<Value> =
                lines.iter().map(|line| json!({ "timestamp": 1, "message": line })).collect();
            Some(json!({ "events": events, "nextBackwardToken": token }))
        };
        let (lines, answers) = lines([page(&["d", "e"], "b/1"), page(&[], "b/2"), page(&["b", "c"], "b/3")]);
        assert_eq!(lines.last(4).await.unwrap(), ["b", "c", "d", "e"]);
        let asked = answers.asked();
        let limits: Vec<&Value> = asked.iter().map(|request| &request["limit"]).collect();
        assert_eq!(json!(limits), json!([4, 2, 2]));
        assert_eq!(asked[2]["nextToken"], "b/2");
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_are_fewer_lines_than_wanted_all_are_there() {
        let page = |token: &str| json!({ "events": [{ "timestamp": 1, "message": token }], "nextBackwardToken": "b/0" });
        let (lines, _) = lines([Some(page("a")), Some(json!({ "events": [], "nextBackwardToken": "b/0" }))]);
        assert_eq!(lines.last(9).await.unwrap(), ["a"]);
        assert_eq!(lines.last(0).await.unwrap(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_is_added_once_there_is_a_connection_again() {
        let (lines, answers) = lines([None, None, Some(json!({}))]);
        lines.add(1, "a").await.unwrap();
        assert_eq!(answers.asked().len(), 3);
    }
}
