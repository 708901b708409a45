//! Answers and errors, written in the protocol of the call.

use serde_json::{Value, json};

use crate::protocol::model::{self, Encoded};
use crate::protocol::request::{Call, Placed, Protocol};
use crate::protocol::xml;

/// An error as AWS knows it: a code that programs read and a message that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// AWS's error code, such as `DependencyViolation`.
    pub code: String,
    /// What was wrong.
    pub message: String,
    /// What else the error says, by the names of the wire, such as `BucketName` (S3).
    pub details: Vec<(String, String)>,
    /// HTTP headers that only this error has.
    pub headers: Vec<(String, String)>,
}

impl Refusal {
    /// A client error (HTTP 400).
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Refusal {
            status: 400,
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// The same error with another HTTP status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same error, which says one thing more.
    pub fn with_detail(mut self, name: &str, value: impl Into<String>) -> Self {
        self.details.push((name.to_owned(), value.into()));
        self
    }

    /// The same error with one more HTTP header.
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// An error unless something is so.
pub(crate) fn ensure<E>(is_so: bool, error: impl FnOnce() -> E) -> Result<(), E> {
    if is_so { Ok(()) } else { Err(error()) }
}

/// An error if something is so.
pub(crate) fn refuse_if<E>(is_so: bool, error: impl FnOnce() -> E) -> Result<(), E> {
    ensure(!is_so, error)
}

/// What the client receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// HTTP headers.
    pub headers: Vec<(String, String)>,
    /// HTTP body.
    pub body: Vec<u8>,
    /// AWS's error code, if this is an error.
    pub error: Option<String>,
}

/// A call that got no answer: the client cannot know whether it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The client gave up waiting.
    TimedOut,
    /// The connection broke.
    ConnectionReset,
}

/// What a [`Layer`](crate::Layer) hands back: an answer, or none.
pub type Reply = Result<Response, Lost>;

impl Response {
    /// A success in the call's protocol. The value's member names are those of the wire.
    pub(crate) fn success(call: &Call, value: &Value) -> Response {
        let request_id = request_id(call);
        if let Some(Placed { model, operation: Some(operation), wire }) = call.placed {
            let encoded = model::success(model, operation, wire, &request_id, value);
            return Response::encoded(call, encoded, None);
        }
        let operation = &call.operation;
        let body = format!(
            "<{operation}Response xmlns=\"{}\">\
             <requestId>{request_id}</requestId>{}</{operation}Response>",
            call.namespace,
            xml::members(value, "item")
        );
        Response::build(call, 200, body, None)
    }

    /// An error in the call's protocol.
    pub(crate) fn refusal(call: &Call, refusal: Refusal) -> Response {
        let request_id = request_id(call);
        if let Some(Placed { model, wire, .. }) = call.placed {
            let encoded = model::failure(model, wire, &request_id, &refusal);
            return Response::encoded(call, encoded, Some(refusal.code));
        }
        if call.protocol == Protocol::Registry {
            return Response::of_registry(call, refusal);
        }
        let Refusal { status, code, message, .. } = refusal;
        let error = xml::members(&json!({"Code": code, "Message": message}), "item");
        let body = match call.protocol {
            Protocol::Ec2Query => format!(
                "<Response><Errors><Error>{error}</Error></Errors>\
                 <RequestID>{request_id}</RequestID></Response>"
            ),
            Protocol::AwsQuery => {
                let kind = if status < 500 { "Sender" } else { "Receiver" };
                format!(
                    "<ErrorResponse><Error><Type>{kind}</Type>{error}</Error>\
                     <RequestId>{request_id}</RequestId></ErrorResponse>"
                )
            }
            _ => json!({"__type": code, "message": message}).to_string(),
        };
        Response::build(call, status, body, Some(code))
    }

    /// An error in the words of the OCI Distribution Specification, "Error Codes". The layers of the machine refuse in the words of
    /// AWS; those that it has for throttling and for missing permissions are the ones that clients of registries know.
    fn of_registry(call: &Call, refusal: Refusal) -> Response {
        let Refusal { status, code, message, headers, .. } = refusal;
        let (status, name) = match code.as_str() {
            code if code.starts_with("AccessDenied") => (403, "DENIED"),
            code if code.contains("Throttl") => (429, "TOOMANYREQUESTS"),
            code if code.bytes().any(|byte| byte.is_ascii_lowercase()) => (status, "UNKNOWN"),
            own => (status, own),
        };
        let body = json!({"errors": [{"code": name, "message": message}]});
        let body = if call.http.method == "HEAD" { Vec::new() } else { body.to_string().into_bytes() };
        let own = [("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Response { status, headers: own.into_iter().chain(headers).collect(), body, error: Some(code) }
    }

    fn encoded(call: &Call, encoded: Encoded, error: Option<String>) -> Response {
        let encoded = match (call.http.method.as_str(), encoded.status) {
            ("HEAD", _) | (_, 304) => encoded.without_body(),
            _ => encoded,
        };
        let Encoded { status, mut headers, body } = encoded;
        let request_id = request_id(call);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-amzn-requestid")) {
            headers.push(("x-amzn-requestid".to_owned(), request_id));
        }
        Response { status, headers, body, error }
    }

    fn build(call: &Call, status: u16, body: String, error: Option<String>) -> Response {
        let content_type = match call.protocol {
            Protocol::Ec2Query | Protocol::AwsQuery => "text/xml",
            _ => "application/x-amz-json-1.1",
        };
        let mut headers = vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("x-amzn-requestid".to_owned(), request_id(call)),
        ];
        if let Some(code) = &error {
            headers.push(("x-amzn-errortype".to_owned(), code.clone()));
        }
        Response { status, headers, body: body.into_bytes(), error }
    }
}

/// A request id in AWS's shape that says which call of the log it was.
fn request_id(call: &Call) -> String {
    format!("00000000-0000-4000-8000-{:012x}", call.sequence)
}
