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
use crate::poll::insisting;

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
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use aws_credential_types::Credentials;
    use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
    use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use serde_json::{Value, json};

    use super::*;

    /// Gives these answers, one after the other, `None` for a connection that is refused; keeps the requests.
    #[derive(Clone, Debug)]
    struct Answers {
        left: Arc<Mutex<VecDeque<Option<Value>>>>,
        asked: Arc<Mutex<Vec<Value>>>,
    }

    impl HttpConnector for Answers {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let body = request.body().bytes().unwrap_or_default();
            self.asked.lock().unwrap().push(serde_json::from_slice(body).unwrap());
            let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            let answer = self.left.lock().unwrap().pop_front().expect("nothing more is asked");
            HttpConnectorFuture::ready(match answer {
                Some(body) => {
                    let body = SdkBody::from(body.to_string());
                    Ok(HttpResponse::new(StatusCode::try_from(200).unwrap(), body))
                }
                None => Err(ConnectorError::io(refused().into())),
            })
        }
    }

    fn lines(answers: impl IntoIterator<Item = Option<Value>>) -> (LogLines, Answers) {
        let left = Arc::new(Mutex::new(answers.into_iter().collect()));
        let answers = Answers { left, asked: Arc::default() };
        let connector = SharedHttpConnector::new(answers.clone());
        let http = http_client_fn(move |_: &HttpConnectorSettings, _| connector.clone());
        let config = aws_sdk_cloudwatchlogs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http)
            .build();
        let client = Client::from_conf(config);
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
        let asked = answers.asked.lock().unwrap();
        let tokens: Vec<&Value> = asked.iter().map(|request| &request["nextToken"]).collect();
        assert_eq!(json!(tokens), json!([null, "f/1", "f/2", "f/3", "f/4"]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_is_added_once_there_is_a_connection_again() {
        let (lines, answers) = lines([None, None, Some(json!({}))]);
        lines.add(1, "a").await.unwrap();
        assert_eq!(answers.asked.lock().unwrap().len(), 3);
    }
}
