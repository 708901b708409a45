//! What an answer was on the wire, which clients do not show: its status, its headers, and what an error says besides its
//! code.

use std::sync::{Arc, Mutex};

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// The last answer that the client got whose interceptor this is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Mutex<Last>>);

#[derive(Debug, Default)]
struct Last {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "Wire"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let headers = response.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let body = response.body().bytes().unwrap_or_default();
        *self.0.lock().unwrap() = Last {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        };
        Ok(())
    }
}

impl Wire {
    /// `ok` or the code, the status, and what else an error in XML says, as in
    /// `NoSuchKey 404 Key=a`.
    pub(crate) fn said<T, E, R>(&self, answer: Result<T, SdkError<E, R>>) -> String
    where
        E: ProvideErrorMetadata,
    {
        let code = crate::support::code(answer);
        let last = self.0.lock().unwrap();
        let details: String = details(&last.body).iter().map(|detail| format!(" {detail}")).collect();
        format!("{code} {}{details}", last.status)
    }

    /// A header of the last answer.
    pub(crate) fn header(&self, name: &str) -> String {
        let last = self.0.lock().unwrap();
        let found = last.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// A member of the last answer, which was JSON.
    pub(crate) fn json(&self, member: &str) -> String {
        let last = self.0.lock().unwrap();
        let body: serde_json::Value = serde_json::from_str(&last.body).unwrap();
        body[member].to_string()
    }

    /// How long the body of the last answer was.
    pub(crate) fn length(&self) -> usize {
        self.0.lock().unwrap().body.len()
    }
}

/// The members of an `Error` in XML, but those that all have.
fn details(body: &str) -> Vec<String> {
    const COMMON: [&str; 4] = ["Code", "Message", "RequestId", "HostId"];
    let Some((_, inside)) = body.split_once("<Error>") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut rest = inside;
    while let Some((name, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        let Some((value, next)) = after.split_once(&format!("</{name}>")) else {
            break;
        };
        if !COMMON.contains(&name) {
            found.push(format!("{name}={value}"));
        }
        rest = next;
    }
    found
}
