//! Values of shapes as CBOR, as Smithy's RPC protocol has them.

use ciborium::Value as Cbor;
use serde_json::{Number, Value};

use super::Model;
use super::shape::{Kind, Shape};
use super::text;

/// The tag of a number of seconds since 1970.
const TIME: u64 = 1;

/// Reads a body into the same JSON that a JSON body would be: bytes as base64, times as numbers.
pub(super) fn read(body: &[u8]) -> Result<Value, String> {
    let value: Cbor = ciborium::from_reader(body).map_err(|error| format!("the body is no CBOR: {error}"))?;
    plain(value)
}

fn plain(value: Cbor) -> Result<Value, String> {
    Ok(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bytes(bytes) => Value::String(text::base64(&bytes)),
        Cbor::Integer(number) => integer(i128::from(number))?,
        Cbor::Float(number) => float(number),
        Cbor::Tag(TIME, inner) => match *inner {
            Cbor::Float(seconds) => text::number(seconds).map_or(Value::Null, Value::Number),
            other => plain(other)?,
        },
        Cbor::Array(items) => items.into_iter().map(plain).collect::<Result<_, _>>()?,
        Cbor::Map(entries) => entries
            .into_iter()
            .map(|(key, value)| match key {
                Cbor::Text(key) => Ok((key, plain(value)?)),
                other => Err(format!("a key of a map is no text: {other:?}")),
            })
            .collect::<Result<_, _>>()?,
        other => return Err(format!("{other:?} is not expected here")),
    })
}

fn integer(number: i128) -> Result<Value, String> {
    i64::try_from(number)
        .map(Value::from)
        .or_else(|_| u64::try_from(number).map(Value::from))
        .map_err(|_| format!("{number} is too large"))
}

/// JSON has no number for these; AWS's JSON protocols write them as texts.
fn float(number: f64) -> Value {
    let name = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    Number::from_f64(number).map_or_else(|| Value::String(name.to_owned()), Value::Number)
}

/// Writes the value of a shape.
pub(super) fn write(model: &Model, shape: &Shape, value: &Value) -> Vec<u8> {
    bytes(&shaped(model, shape, value))
}

/// Writes an object of texts.
pub(super) fn write_texts(entries: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| Cbor::Text(text.to_owned());
    bytes(&Cbor::Map(entries.iter().map(|(key, value)| (text(key), text(value))).collect()))
}

fn bytes(value: &Cbor) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).expect("writing to memory does not fail");
    out
}

fn shaped(model: &Model, shape: &Shape, value: &Value) -> Cbor {
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(members)) => Cbor::Map(
            members
                .iter()
                .filter_map(|(name, value)| {
                    let member = shape.members.get(name)?;
                    Some((Cbor::Text(name.clone()), shaped(model, model.shape(&member.shape), value)))
                })
                .collect(),
        ),
        (Kind::List, Value::Array(items)) => {
            let inner = model.shape(shape.item());
            Cbor::Array(items.iter().map(|item| shaped(model, inner, item)).collect())
        }
        (Kind::Map, Value::Object(entries)) => {
            let inner = model.shape(shape.item());
            let entry =
                |(key, value): (&String, &Value)| (Cbor::Text(key.clone()), shaped(model, inner, value));
            Cbor::Map(entries.iter().map(entry).collect())
        }
        (Kind::Timestamp, Value::Number(seconds)) => Cbor::Tag(TIME, Box::new(simple_number(seconds))),
        (Kind::Float | Kind::Double, Value::Number(number)) => {
            Cbor::Float(number.as_f64().unwrap_or(f64::NAN))
        }
        (Kind::Float | Kind::Double, Value::String(name)) => Cbor::Float(name.parse().unwrap_or(f64::NAN)),
        (Kind::Blob, Value::String(text)) => Cbor::Bytes(text::bytes(text).unwrap_or_default()),
        (_, other) => unshaped(other),
    }
}

fn unshaped(value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) => simple_number(number),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(unshaped).collect()),
        Value::Object(map) => {
            Cbor::Map(map.iter().map(|(key, value)| (Cbor::Text(key.clone()), unshaped(value))).collect())
        }
    }
}

fn simple_number(number: &Number) -> Cbor {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => Cbor::Integer(whole.into()),
        (_, Some(whole)) => Cbor::Integer(whole.into()),
        _ => Cbor::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::APIS;

    #[test]
    fn times_are_tagged_and_doubles_stay_doubles() {
        let model = APIS.named("monitoring").expect("there is one");
        let shape = model.shape("Datapoint");
        let value = json!({"Timestamp": 1_767_225_600, "Sum": 3});
        let wire = write(model, shape, &value);
        // A map of two: "Sum" is a double, "Timestamp" is tag 1 with a whole number.
        let mut wanted = vec![0xa2, 0x63];
        wanted.extend(b"Sum");
        wanted.extend([0xf9, 0x42, 0x00, 0x69]);
        wanted.extend(b"Timestamp");
        wanted.extend([0xc1, 0x1a, 0x69, 0x55, 0xb9, 0x00]);
        assert_eq!(wire, wanted);
        assert_eq!(read(&wire), Ok(json!({"Timestamp": 1_767_225_600, "Sum": 3.0})));
    }

    #[test]
    fn the_forms_that_clients_use_are_read() {
        // {_ "a": [_ 1, -1], "b": 1.5 (single), "c": tag 1 of 1.5, "d": bytes, "e": undefined or null }
        let mut wire = vec![0xbf, 0x61, b'a', 0x9f, 0x01, 0x20, 0xff, 0x61, b'b', 0xfa, 0x3f, 0xc0, 0, 0];
        wire.extend([0x61, b'c', 0xc1, 0xf9, 0x3e, 0x00, 0x61, b'd', 0x42, 1, 2, 0x61, b'e', 0xf6, 0xff]);
        assert_eq!(read(&wire), Ok(json!({"a": [1, -1], "b": 1.5, "c": 1.5, "d": "AQI=", "e": null})));
        assert!(read(&[0xff]).is_err() && read(&[]).is_err() && read(&[0xa1, 1, 1]).is_err());
        let infinite = read(&[0xf9, 0x7c, 0x00]);
        assert_eq!(infinite, Ok(json!("Infinity")));
    }
}
