//! Every answer of every operation reads back as what was written.

use serde_json::{Value, json};

use super::shape::{Kind, Location, Shape};
use super::{Model, Wire, cbor, json as wire_json, success, xml, xml_codec};
use crate::APIS;

/// A value of a shape with every member, as deep as is sensible.
fn sample(model: &Model, shape: &Shape, depth: usize) -> Value {
    let inner = |name: &str| sample(model, model.shape(name), depth + 1);
    match shape.kind {
        Kind::Structure if depth > 6 => json!({}),
        Kind::List if depth > 6 => json!([]),
        Kind::Map if depth > 6 => json!({}),
        Kind::Structure => {
            shape.members.iter().map(|(name, member)| (name.clone(), inner(&member.shape))).collect()
        }
        Kind::List => json!([inner(shape.item()), inner(shape.item())]),
        Kind::Map => json!({"k": inner(shape.item())}),
        Kind::String => json!("a <b> & \"c\""),
        Kind::Integer | Kind::Long => json!(7),
        Kind::Float | Kind::Double => json!(1.5),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(1_767_225_600),
        Kind::Blob => json!("AQI="),
        Kind::Document => json!({"any": [1]}),
    }
}

#[test]
fn every_output_reads_back() {
    for source in APIS.modelled {
        let (service, model) = (source.service, source.model());
        for operation in model.operations.values() {
            let Some(shape) = model.output(operation) else { continue };
            let output = sample(model, shape, 0);
            let wires: &[Wire] = match model.wire {
                Wire::Cbor => &[Wire::Cbor, Wire::Json, Wire::Query],
                ref wire => std::slice::from_ref(wire),
            };
            for wire in wires {
                let answer = success(model, operation, *wire, "id-1", &output);
                let read = read_back(model, shape, *wire, &answer.body);
                let mut wanted = output.as_object().expect("it is an object").clone();
                if shape.payload.is_some() || operation.unwrapped || answer.body.is_empty() {
                    continue;
                }
                wanted.retain(|name, _| shape.members[name].location == Location::Body);
                wanted.retain(|_, value| *value != json!([]) || *wire != Wire::Query);
                assert_eq!(read, Value::Object(wanted), "{service} {} {wire:?}", operation.name);
            }
        }
    }
}

fn read_back(model: &Model, shape: &Shape, wire: Wire, body: &[u8]) -> Value {
    let document = || xml::parse(std::str::from_utf8(body).expect("it is UTF-8")).expect("it is XML");
    match wire {
        Wire::Query => xml_codec::read(model, shape, &document().children[0]),
        Wire::RestXml if body.starts_with(b"<") => xml_codec::read(model, shape, &document()),
        Wire::RestXml => Value::Null,
        Wire::Cbor => wire_json::read(model, shape, cbor::read(body).expect("it is CBOR")),
        _ if body.is_empty() => Value::Null,
        _ => serde_json::from_slice(body).map_or(Value::Null, |value| wire_json::read(model, shape, value)),
    }
}
