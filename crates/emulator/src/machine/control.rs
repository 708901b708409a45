//! What a client can ask of the emulator itself, which is no operation of AWS: what time it is, and to move the clock.
//!
//! | request | answer |
//! |---|---|
//! | `GET /_emulator/clock` | `{"now": "2026-01-01T00:00:00Z"}` |
//! | `POST /_emulator/advance` with `{"seconds": 60}`, or `{"to": "2026-01-08T00:00:00Z"}` | the same, with the new time |
//!
//! A refusal is `{"error": …}` with status 400. Such requests need no signature, are not in the call log, and take no time. They
//! are sent to a loopback address or to `localhost`: below other names, `_emulator/…` is the key of an object. No bucket has this
//! name, as an underscore is not allowed there (S3 User Guide, "Bucket naming rules").

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::machine::clock::{Forward, timestamp};
use crate::machine::emulator::Emulator;
use crate::machine::error::EmulatorError;
use crate::machine::gate::told;
use crate::protocol::bounds::is_the_server;
use crate::protocol::request::Http;
use crate::protocol::response::Response;

const PREFIX: &str = "/_emulator/";

/// What is sent to move the clock: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: Option<f64>,
    to: Option<String>,
}

/// The answer, if a request is for the emulator itself.
pub(crate) async fn answer(emulator: &Emulator, http: &Http) -> Option<Response> {
    if !http.uri.contains(PREFIX) {
        return None;
    }
    let uri: Uri = http.uri.parse().ok()?;
    let what = uri.path().strip_prefix(PREFIX).filter(|_| uri.host().is_some_and(is_the_server))?;
    Some(match (what, http.method.as_str()) {
        ("clock", "GET") => clock(emulator.now_millis().await),
        ("advance", "POST") => match forward(&http.body) {
            Ok(forward) => clock(emulator.forward(forward).await),
            Err(reason) => refusal(400, &reason),
        },
        ("clock", _) => refusal(405, "/_emulator/clock takes GET"),
        ("advance", _) => refusal(405, "/_emulator/advance takes POST"),
        _ => refusal(404, "there are GET /_emulator/clock and POST /_emulator/advance"),
    })
}

fn clock(now: Result<i64, EmulatorError>) -> Response {
    match now {
        Ok(millis) => reply(200, &json!({"now": timestamp(millis)})),
        Err(error @ (EmulatorError::Backwards { .. } | EmulatorError::TooFarAhead { .. })) => {
            refusal(400, &error.to_string())
        }
        Err(error) => refusal(500, &told(&error)),
    }
}

/// Where the clock is to be moved, or why that cannot be said.
fn forward(body: &[u8]) -> Result<Forward, String> {
    const WANTED: &str = r#"the body is {"seconds": 60}, or {"to": "2026-01-08T00:00:00Z"}"#;
    let asked: Advance = serde_json::from_slice(body).map_err(|error| format!("{WANTED}: {error}"))?;
    match asked {
        Advance { seconds: Some(seconds), to: None } if seconds < 0.0 => {
            Err(format!("the clock is only moved forward, and {seconds} seconds are back"))
        }
        Advance { seconds: Some(seconds), to: None } => {
            let by = Duration::try_from_secs_f64(seconds);
            by.map(Forward::By).map_err(|error| format!("{seconds} seconds: {error}"))
        }
        Advance { seconds: None, to: Some(to) } => DateTime::from_str(&to, Format::DateTimeWithOffset)
            .ok()
            .and_then(|time| time.to_millis().ok())
            .map(Forward::To)
            .ok_or_else(|| format!("`to` is a time such as 2026-01-08T00:00:00Z, and not {to:?}")),
        _ => Err(WANTED.to_owned()),
    }
}

fn refusal(status: u16, reason: &str) -> Response {
    reply(status, &json!({"error": reason}))
}

fn reply(status: u16, body: &Value) -> Response {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Response { status, headers, body: format!("{body}\n").into_bytes(), error: None }
}
