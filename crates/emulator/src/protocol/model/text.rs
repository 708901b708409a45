//! Values that are written as text: in forms, paths, headers and XML.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use super::shape::{Kind, Shape, TimestampFormat};

/// Reads a value of a shape. A text that is not one stays a text, which the check will refuse.
pub(super) fn read(shape: &Shape, text: &str) -> Value {
    let plain = || Value::String(text.to_owned());
    match shape.kind {
        Kind::Boolean => text.parse().map_or_else(|_| plain(), Value::Bool),
        Kind::Integer | Kind::Long => text.parse::<i64>().map_or_else(|_| plain(), Value::from),
        Kind::Float | Kind::Double => {
            text.parse().ok().and_then(Number::from_f64).map_or_else(plain, Value::Number)
        }
        Kind::Timestamp => read_time(text).map_or_else(plain, Value::Number),
        _ => plain(),
    }
}

/// Writes a simple value. Timestamps have the shape's format, or else the given one.
pub(super) fn write(shape: &Shape, format: TimestampFormat, value: &Value) -> String {
    match (shape.kind, value) {
        (Kind::Timestamp, Value::Number(seconds)) => {
            write_time(shape.timestamp_format.unwrap_or(format), seconds)
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// A time as seconds since 1970, from any of the formats that AWS has.
pub(super) fn read_time(text: &str) -> Option<Number> {
    let parse = |format| DateTime::from_str(text, format).ok();
    if let Ok(seconds) = text.parse::<f64>() {
        return number(seconds);
    }
    let time = parse(Format::DateTimeWithOffset).or_else(|| parse(Format::HttpDate))?;
    number(time.as_secs_f64())
}

/// A time in a format.
pub(super) fn write_time(format: TimestampFormat, seconds: &Number) -> String {
    let millis = millis(seconds);
    let written = match format {
        TimestampFormat::Iso8601 => DateTime::from_millis(millis).fmt(Format::DateTime),
        // Headers have whole seconds.
        TimestampFormat::Rfc822 => DateTime::from_secs(millis.div_euclid(1000)).fmt(Format::HttpDate),
        TimestampFormat::UnixTimestamp => return seconds.to_string(),
    };
    written.unwrap_or_else(|_| seconds.to_string())
}

fn millis(seconds: &Number) -> i64 {
    (seconds.as_f64().unwrap_or_default() * 1000.0).round() as i64
}

/// A number of seconds, whole if it is.
pub(super) fn number(seconds: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if seconds.fract() == 0.0 && seconds.abs() < EXACT {
        return Some(Number::from(seconds as i64));
    }
    Number::from_f64(seconds)
}

/// Base64 as AWS writes it.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a blob, if it is base64.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Replaces percent escapes. A plus sign stays one.
pub(super) fn percent_decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err(format!("broken percent escape in {text}")),
        }
    }
    String::from_utf8(bytes).map_err(|_| format!("{text} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(kind: &str) -> Shape {
        serde_json::from_value(json!({"type": kind})).expect("it is a shape")
    }

    #[test]
    fn texts_become_values_and_what_is_none_stays_a_text() {
        assert_eq!(read(&shape("boolean"), "true"), json!(true));
        assert_eq!(read(&shape("boolean"), "yes"), json!("yes"));
        assert_eq!(read(&shape("integer"), "-7"), json!(-7));
        assert_eq!(read(&shape("long"), "7.5"), json!("7.5"));
        assert_eq!(read(&shape("double"), "7.5"), json!(7.5));
        assert_eq!(read(&shape("double"), "NaN"), json!("NaN"));
        assert_eq!(read(&shape("string"), "7"), json!("7"));
    }

    #[test]
    fn times_are_read_in_every_format_and_written_in_the_asked_one() {
        let (whole, fraction) = (json!(1_767_225_600), json!(1_767_225_600.25));
        assert_eq!(read(&shape("timestamp"), "2026-01-01T00:00:00Z"), whole);
        assert_eq!(read(&shape("timestamp"), "2026-01-01T01:00:00.250+01:00"), fraction);
        assert_eq!(read(&shape("timestamp"), "Thu, 01 Jan 2026 00:00:00 GMT"), whole);
        assert_eq!(read(&shape("timestamp"), "1767225600"), whole);
        assert_eq!(read(&shape("timestamp"), "soon"), json!("soon"));
        let time = shape("timestamp");
        assert_eq!(write(&time, TimestampFormat::Iso8601, &whole), "2026-01-01T00:00:00Z");
        assert_eq!(write(&time, TimestampFormat::Iso8601, &fraction), "2026-01-01T00:00:00.25Z");
        assert_eq!(write(&time, TimestampFormat::Rfc822, &fraction), "Thu, 01 Jan 2026 00:00:00 GMT");
        assert_eq!(write(&time, TimestampFormat::UnixTimestamp, &whole), "1767225600");
    }

    #[test]
    fn percent_escapes_are_replaced() {
        assert_eq!(percent_decode("a%2Fb+c%C3%AB"), Ok("a/b+cë".to_owned()));
        assert!(
            percent_decode("%G0").is_err() && percent_decode("%FF").is_err() && percent_decode("%2").is_err()
        );
    }
}
