//! winterbaume's services as the base of ours.
//!
//! A call that we do not answer ourselves is handed on with the address that winterbaume expects, because it
//! takes the region from the host name. Its answer comes back as it is, with the error code read out of it.

use serde_json::Value;
use winterbaume_core::{MockRequest, MockResponse, MockService};

use crate::objects::Object;
use crate::request::{Call, Protocol};
use crate::response::{Refusal, Response};

/// Hands a call on to a service of winterbaume's.
pub(super) async fn forward(service: &impl MockService, call: &Call, home: &str) -> Response {
    // winterbaume decodes each byte of a form as a character of its own, which would garble these.
    let garbles = matches!(call.protocol, Protocol::Ec2Query | Protocol::AwsQuery);
    if garbles && !call.parameters.to_string().is_ascii() {
        return call.refuse(Refusal::new(
            "ValidationError",
            format!("The emulator takes only ASCII characters in {}.", call.operation),
        ));
    }
    let mut headers = http::HeaderMap::new();
    for (name, value) in &call.http.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value))
        {
            headers.insert(name, value);
        }
    }
    let request = MockRequest {
        method: call.http.method.clone(),
        uri: format!("https://{}.{home}.amazonaws.com/", call.service),
        headers,
        body: call.http.body.clone().into(),
    };
    let response = from_mock(service.handle(request).await);
    match response.error.as_deref() {
        // winterbaume does not always say which operation it lacks.
        Some("InvalidAction" | "UnknownOperationException" | "NotImplemented") => {
            call.refuse(super::unknown_operation(call))
        }
        _ => response,
    }
}

fn from_mock(mock: MockResponse) -> Response {
    let error = (mock.status >= 400).then(|| error_code(&mock.body));
    Response {
        status: mock.status,
        headers: mock
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: mock.body.to_vec(),
        error,
    }
}

/// Objects of kinds that are winterbaume's alone, from its view: each kind is a map by id or name.
pub(super) fn listed(service: &str, home: &str, view: &Value, kinds: &[(&str, &str)]) -> Vec<Object> {
    let of_kind = |(member, kind): &(&str, &str)| {
        let map = view.get(member).and_then(Value::as_object);
        let objects = map.into_iter().flatten().map(|(id, value)| {
            let tags = value.get("tags").cloned().unwrap_or_default();
            // Where winterbaume keeps tags in another form, or none, the object is listed without.
            let tags = serde_json::from_value(tags).unwrap_or_default();
            let object = Object::new(service, home, kind, id, tags);
            match value.get("name").and_then(Value::as_str) {
                Some(name) => object.named(name),
                None => object,
            }
        });
        objects.collect::<Vec<_>>()
    };
    kinds.iter().flat_map(of_kind).collect()
}

/// The error code in an XML or JSON error body.
fn error_code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let xml = || Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0.to_owned());
    let json = || {
        let value: serde_json::Value = serde_json::from_str(&text).ok()?;
        let code = value.get("__type")?.as_str()?;
        Some(code.rsplit('#').next().unwrap_or(code).to_owned())
    };
    xml().or_else(json).unwrap_or_else(|| "Unknown".to_owned())
}
