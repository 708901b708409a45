//! A client of CloudWatch Logs that gets answers which a test has written down.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::time::Instant;

/// Gives these answers, one after the other, `None` for a connection that is refused; keeps the requests.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    left: Arc<Mutex<VecDeque<Option<Value>>>>,
    asked: Arc<Mutex<Vec<(Instant, Value)>>>,
}

impl Answers {
    /// The requests, in their order.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    /// When each of them came.
    pub(crate) fn times(&self) -> Vec<Instant> {
        self.asked.lock().unwrap().iter().map(|(time, _)| *time).collect()
    }
}

impl HttpConnector for Answers {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        self.asked.lock().unwrap().push((Instant::now(), serde_json::from_slice(body).unwrap()));
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

/// A client, and what it asks.
pub(crate) fn scripted(answers: impl IntoIterator<Item = Option<Value>>) -> (Client, Answers) {
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
    (Client::from_conf(config), answers)
}
