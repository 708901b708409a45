//! Lines of text in a log stream of CloudWatch Logs, for what must be kept where nobody can change it.
//!
//! No call changes or deletes a single log event. An event goes only with its stream, its group, or by the group's retention
//! period, each of which takes a permission of its own (`logs:DeleteLogStream`, `logs:DeleteLogGroup`,
//! `logs:PutRetentionPolicy`). So an identity that has only `logs:CreateLogStream` and `logs:PutLogEvents` can add lines and
//! do nothing else.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use engine::{CallError, ErrorClass};

use crate::Context;
use crate::error::{CallResult, Called};
use crate::poll::retrying;

/// Pages that are read at the most. A page has up to 10,000 lines.
const PAGES: usize = 1000;

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
    /// throttled or not answered is sent again for a minute, so that the line may be there twice.
    ///
    /// # Errors
    /// [`ErrorClass::NotFound`] if there is no such group, [`ErrorClass::Invalid`] if CloudWatch Logs takes the call and
    /// rejects the line, otherwise as the call fails.
    pub async fn add(&self, at: u64, line: &str) -> Result<(), CallError> {
        match retrying("PutLogEvents", || self.put(at, line)).await {
            Err(error) if error.class == ErrorClass::NotFound => {}
            put => return put,
        }
        retrying("CreateLogStream", || self.create()).await?;
        // The new stream may not be seen everywhere yet.
        retrying("PutLogEvents", || async { self.put(at, line).await.once_visible() }).await
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

    /// All lines, oldest first; `None` if there is no such group or stream.
    ///
    /// # Errors
    /// As the call fails; [`ErrorClass::Invalid`] for a stream with more than ten million lines.
    pub async fn all(&self) -> Result<Option<Vec<String>>, CallError> {
        const OPERATION: &str = "GetLogEvents";
        let (mut lines, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let page = retrying(OPERATION, || async {
                let call = self.client.get_log_events().log_group_name(&self.group);
                let call = call.log_stream_name(&self.stream).start_from_head(true);
                call.set_next_token(token.clone()).send().await.called(OPERATION)
            });
            let Some(page) = page.await.if_exists()? else { return Ok(None) };
            lines.extend(page.events().iter().filter_map(|event| event.message()).map(str::to_owned));
            // At the end it is the token that was sent.
            match page.next_forward_token {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => return Ok(Some(lines)),
            }
        }
        Err(CallError::new(ErrorClass::Invalid, OPERATION, "the stream has too many lines to read"))
    }
}
