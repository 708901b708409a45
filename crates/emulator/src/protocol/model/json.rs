//! Values of shapes as JSON: the names of members and the format of timestamps differ on the wire.

use serde_json::{Map, Value};

use super::Model;
use super::shape::{Kind, Location, Shape, TimestampFormat};
use super::text;

/// Reads the value of a shape.
pub(super) fn read(model: &Model, shape: &Shape, value: Value) -> Value {
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(members)) => Value::Object(read_structure(model, shape, members)),
        (Kind::List, Value::Array(items)) => {
            let inner = model.shape(shape.item());
            items.into_iter().map(|item| read(model, inner, item)).collect()
        }
        (Kind::Map, Value::Object(entries)) => {
            let inner = model.shape(shape.item());
            entries.into_iter().map(|(key, value)| (key, read(model, inner, value))).collect()
        }
        (Kind::Timestamp, Value::String(time)) => {
            text::read_time(&time).map_or(Value::String(time), Value::Number)
        }
        (_, other) => other,
    }
}

/// Reads the members of the body. Null is the same as nothing.
pub(super) fn read_structure(
    model: &Model,
    shape: &Shape,
    members: Map<String, Value>,
) -> Map<String, Value> {
    let mut out = Map::new();
    for (wire_name, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        match shape.in_body(&wire_name) {
            Some((name, member)) => {
                out.insert(name.to_owned(), read(model, model.shape(&member.shape), value));
            }
            None => shape.keep_unknown(&mut out, &wire_name, value),
        }
    }
    out
}

/// The value of a shape as it is written.
pub(super) fn write(model: &Model, shape: &Shape, value: &Value) -> Value {
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(members)) => write_structure(model, shape, members),
        (Kind::List, Value::Array(items)) => {
            let inner = model.shape(shape.item());
            items.iter().map(|item| write(model, inner, item)).collect()
        }
        (Kind::Map, Value::Object(entries)) => {
            let inner = model.shape(shape.item());
            entries.iter().map(|(key, value)| (key.clone(), write(model, inner, value))).collect()
        }
        (Kind::Timestamp, Value::Number(seconds)) => match shape.timestamp_format {
            None | Some(TimestampFormat::UnixTimestamp) => value.clone(),
            Some(format) => Value::String(text::write_time(format, seconds)),
        },
        (_, other) => other.clone(),
    }
}

/// The members of the body as they are written.
pub(super) fn write_structure(model: &Model, shape: &Shape, members: &Map<String, Value>) -> Value {
    let body = |name: &String| shape.members.get(name).filter(|member| member.location == Location::Body);
    members
        .iter()
        .filter_map(|(name, value)| {
            let member = body(name)?;
            Some((member.wire_name(name).to_owned(), write(model, model.shape(&member.shape), value)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::APIS;

    #[test]
    fn members_have_the_names_of_the_model_inside() {
        let model = APIS.named("apigatewayv2").expect("there is one");
        let wire = json!({"name": "n", "vpcLinkId": "v", "createdDate": "2026-01-01T00:00:00Z", "tags": {"a": "b"},
            "subnetIds": ["s"]});
        let value = json!({"Name": "n", "VpcLinkId": "v", "CreatedDate": 1_767_225_600, "Tags": {"a": "b"},
            "SubnetIds": ["s"]});
        let shape = model.shape("VpcLink");
        assert_eq!(read(model, shape, wire.clone()), value);
        assert_eq!(write(model, shape, &value), wire);
    }

    #[test]
    fn nulls_are_nothing_and_unknown_members_stay() {
        let model = APIS.named("logs").expect("there is one");
        let shape = model.shape("CreateLogGroupRequest");
        let wire = json!({"logGroupName": "a", "kmsKeyId": null, "LogGroupName": 1});
        assert_eq!(read(model, shape, wire), json!({"logGroupName": "a", "LogGroupName": 1}));
    }
}
