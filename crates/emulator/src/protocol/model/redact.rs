//! Inputs without their secrets, for the call log.

use serde_json::Value;

use crate::protocol::secrets::REDACTED;

use super::shape::{Kind, Shape};
use super::{Model, Operation};

/// A copy of an input in which [`REDACTED`] stands in place of what the model calls sensitive.
pub(crate) fn sensitive(model: &Model, operation: &Operation, input: &Value) -> Value {
    redact(model, model.input(operation), input)
}

fn redact(model: &Model, shape: &Shape, value: &Value) -> Value {
    if shape.sensitive {
        return match value {
            Value::Null => Value::Null,
            _ => Value::String(REDACTED.to_owned()),
        };
    }
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(members)) => members
            .iter()
            .map(|(name, value)| {
                let value = match shape.members.get(name) {
                    Some(member) => redact(model, model.shape(&member.shape), value),
                    None => value.clone(),
                };
                (name.clone(), value)
            })
            .collect(),
        (Kind::List, Value::Array(items)) => {
            let inner = model.shape(shape.item());
            items.iter().map(|item| redact(model, inner, item)).collect()
        }
        (Kind::Map, Value::Object(entries)) => {
            let inner = model.shape(shape.item());
            entries.iter().map(|(key, value)| (key.clone(), redact(model, inner, value))).collect()
        }
        (_, other) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::APIS;

    #[test]
    fn sensitive_shapes_are_blanked_wherever_they_are() {
        let model = APIS.named("lambda").expect("there is one");
        let input = json!({"FunctionName": "f", "Environment": {"Variables": {"A": "b"}}, "Code": {"ZipFile": "AAAA"}});
        assert_eq!(
            sensitive(model, &model.operations["CreateFunction"], &input),
            json!({"FunctionName": "f", "Environment": {"Variables": REDACTED}, "Code": {"ZipFile": REDACTED}})
        );
        let model = APIS.named("rds").expect("there is one");
        let input = json!({"DBClusterIdentifier": "a", "MasterUserPassword": "x", "Other": [1]});
        assert_eq!(
            sensitive(model, &model.operations["CreateDBCluster"], &input),
            json!({"DBClusterIdentifier": "a", "MasterUserPassword": REDACTED, "Other": [1]})
        );
    }
}
