//! Request parameters, decoded once and read strictly.
//!
//! Both of AWS's protocol families end up as one JSON object: the query protocol's flat
//! `Filter.1.Value.2=x` becomes nested lists, a JSON body stays what it is. A handler reads each
//! parameter by name and then calls [`Parameters::finish`], which refuses whatever was not read. That is
//! how the emulator keeps its promise that nothing a caller sends is silently dropped: a parameter is
//! either modelled or answered with an error that names it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::protocol::bounds::check_parameter;
use crate::protocol::request::Protocol;
use crate::protocol::response::Refusal;

/// Decodes a form-encoded body of the EC2 or AWS query protocol into nested JSON.
///
/// Members whose names are all numbers become a list in numeric order, and the `member` level that the AWS
/// query protocol puts above list items (and EC2's does not) is removed.
pub(crate) fn decode_query(text: &str) -> Result<Value, String> {
    let mut root = Map::new();
    for (position, pair) in text.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = percent_decode(key)?;
        check_parameter(position, &key)?;
        insert(&mut root, &key, &key, percent_decode(value)?)?;
    }
    Ok(lists(Value::Object(root)))
}

fn insert(node: &mut Map<String, Value>, path: &str, whole: &str, value: String) -> Result<(), String> {
    let clash = || format!("parameter {whole} is given both as a value and as a structure");
    match path.split_once('.') {
        None => match node.insert(path.to_owned(), Value::String(value)) {
            None => Ok(()),
            Some(_) => Err(format!("parameter {whole} is given twice")),
        },
        Some((head, rest)) => node
            .entry(head)
            .or_insert_with(|| Value::Object(Map::new()))
            .as_object_mut()
            .ok_or_else(clash)
            .and_then(|child| insert(child, rest, whole, value)),
    }
}

fn lists(value: Value) -> Value {
    let Value::Object(map) = value else {
        return value;
    };
    let numbered: Option<BTreeMap<u32, &Value>> =
        map.iter().map(|(key, value)| key.parse().ok().map(|number| (number, value))).collect();
    if let Some(items) = numbered.filter(|items| !items.is_empty()) {
        return items.into_values().cloned().map(lists).collect();
    }
    let mut map: Map<_, _> = map.into_iter().map(|(k, v)| (k, lists(v))).collect();
    if map.len() == 1 && map.get("member").is_some_and(Value::is_array) {
        return map.remove("member").expect("the line above found the member");
    }
    Value::Object(map)
}

fn percent_decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                match (digit(), digit()) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => return Err(format!("broken percent escape in {text}")),
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| format!("{text} is not UTF-8"))
}

/// Encodes as RFC 3986 does, which is how IAM returns policy documents
/// (IAM API Reference, GetRolePolicy, `PolicyDocument`).
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
        out
    })
}

/// Reads the parameters of one call, or of one structure inside it.
pub(crate) struct Parameters {
    protocol: Protocol,
    operation: String,
    prefix: String,
    left: Map<String, Value>,
}

impl Parameters {
    pub(crate) fn new(protocol: Protocol, operation: &str, values: &Value) -> Self {
        Parameters {
            protocol,
            operation: operation.to_owned(),
            prefix: String::new(),
            left: values.as_object().cloned().unwrap_or_default(),
        }
    }

    /// A text that must be there and not be empty.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Refusal> {
        self.optional(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(name))
    }

    /// A text that may be left out.
    pub(crate) fn optional(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.invalid(name, &other.to_string(), "a text")),
        }
    }

    /// A true or false, as JSON or as text.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(other) => Err(self.invalid(name, &other.to_string(), "true or false")),
        }
    }

    /// A whole number, as JSON or as text.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let number = match self.left.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.parse().map_err(|_| text),
            Some(other) => other.as_i64().ok_or_else(|| other.to_string()),
        };
        number.map(Some).map_err(|given| self.invalid(name, &given, "a whole number"))
    }

    /// A list of texts; left out means empty.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        self.items(name)?
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                other => Err(self.invalid(name, &other.to_string(), "a list of texts")),
            })
            .collect()
    }

    /// A structure that may be left out.
    pub(crate) fn group(&mut self, name: &str) -> Result<Option<Parameters>, Refusal> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => Ok(Some(self.child(name.to_owned(), map))),
            Some(other) => Err(self.invalid(name, &other.to_string(), "a structure")),
        }
    }

    /// A list of structures; left out means empty.
    pub(crate) fn groups(&mut self, name: &str) -> Result<Vec<Parameters>, Refusal> {
        self.items(name)?
            .into_iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::Object(map) => Ok(self.child(format!("{name}.{}", index + 1), map)),
                other => Err(self.invalid(name, &other.to_string(), "a list of structures")),
            })
            .collect()
    }

    /// Refuses the call if it carries a parameter that nobody read.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::new(
                "UnknownParameter",
                format!(
                    "The parameter {}{name} of {} is not one that the emulator models.",
                    self.prefix, self.operation
                ),
            )),
        }
    }

    /// Refuses a value with the service's own code for it.
    pub(crate) fn invalid(&self, name: &str, given: &str, expected: &str) -> Refusal {
        let code = match self.protocol {
            Protocol::Ec2Query => "InvalidParameterValue",
            Protocol::AwsQuery => "ValidationError",
            _ => "InvalidParameterException",
        };
        let name = format!("{}{name}", self.prefix);
        Refusal::new(code, format!("Value ({given}) for parameter {name} is invalid. Expected {expected}."))
    }

    /// Refuses a call that lacks a required parameter.
    pub(crate) fn missing(&self, name: &str) -> Refusal {
        let code = match self.protocol {
            Protocol::Ec2Query => "MissingParameter",
            Protocol::AwsQuery => "ValidationError",
            _ => "InvalidParameterException",
        };
        let name = format!("{}{name}", self.prefix);
        Refusal::new(code, format!("The request must contain the parameter {name}"))
    }

    fn items(&mut self, name: &str) -> Result<Vec<Value>, Refusal> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            // The AWS query protocol writes an empty list as `Name=`.
            Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
            Some(other) => Err(self.invalid(name, &other.to_string(), "a list")),
        }
    }

    fn child(&self, name: String, left: Map<String, Value>) -> Parameters {
        Parameters {
            protocol: self.protocol,
            operation: self.operation.clone(),
            prefix: format!("{}{name}.", self.prefix),
            left,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbered_members_become_lists_in_numeric_order() {
        let text = "Filter.2.Name=b&Filter.10.Name=c&Filter.1.Name=a&Filter.1.Value.1=x%2Cy";
        assert_eq!(
            decode_query(text).expect("it is well formed"),
            json!({"Filter": [{"Name": "a", "Value": ["x,y"]}, {"Name": "b"}, {"Name": "c"}]})
        );
    }

    #[test]
    fn the_member_level_of_the_query_protocol_is_removed() {
        let text = "Tags.member.1.Key=Author&Tags.member.1.Value=Zo%C3%AB+B";
        assert_eq!(
            decode_query(text).expect("it is well formed"),
            json!({"Tags": [{"Key": "Author", "Value": "Zoë B"}]})
        );
    }

    #[test]
    fn a_parameter_that_nobody_read_is_refused_by_name() {
        let values = json!({"Known": "1", "Group": [{"Other": "2"}]});
        let mut parameters = Parameters::new(Protocol::Ec2Query, "DoIt", &values);
        assert_eq!(parameters.text("Known").expect("it is well formed"), "1");
        let groups = parameters.groups("Group").expect("it is well formed");
        let refusal =
            groups.into_iter().next().expect("it is well formed").finish().expect_err("it is refused");
        assert_eq!(refusal.code, "UnknownParameter");
        assert!(refusal.message.contains("Group.1.Other"), "{}", refusal.message);
    }

    #[test]
    fn percent_encoding_round_trips_a_policy_document() {
        let document = r#"{"Version":"2012-10-17","Sid":"é ~*"}"#;
        assert_eq!(percent_decode(&percent_encode(document)).expect("it is well formed"), document);
    }
}
