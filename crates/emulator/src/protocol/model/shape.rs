//! Shapes: the types of a model.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

/// The type of a value, with everything that limits it and says how it is written.
#[derive(Debug, Deserialize)]
pub(super) struct Shape {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) members: BTreeMap<String, Member>,
    #[serde(default)]
    pub(super) required: Vec<String>,
    pub(super) payload: Option<String>,
    pub(super) member: Option<String>,
    pub(super) key: Option<String>,
    pub(super) value: Option<String>,
    pub(super) member_name: Option<String>,
    pub(super) key_name: Option<String>,
    pub(super) value_name: Option<String>,
    pub(super) min: Option<Number>,
    pub(super) max: Option<Number>,
    pub(super) pattern: Option<Pattern>,
    #[serde(default, rename = "enum")]
    pub(super) values: Vec<String>,
    pub(super) timestamp_format: Option<TimestampFormat>,
    #[serde(default)]
    pub(super) sensitive: bool,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
    Document,
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum TimestampFormat {
    Iso8601,
    Rfc822,
    UnixTimestamp,
}

/// A member of a structure.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) shape: String,
    #[serde(default)]
    pub(super) location: Location,
    pub(super) location_name: Option<String>,
    #[serde(default)]
    pub(super) flattened: bool,
    #[serde(default)]
    pub(super) streaming: bool,
}

/// Where in an HTTP message a member is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Location {
    #[default]
    Body,
    Uri,
    #[serde(rename = "querystring")]
    QueryString,
    Header,
    Headers,
    StatusCode,
}

impl Member {
    /// The name on the wire of a member that the model calls `name`.
    pub(super) fn wire_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.location_name.as_deref().unwrap_or(name)
    }
}

impl Shape {
    /// The member of the body that has this name on the wire.
    pub(super) fn in_body(&self, wire_name: &str) -> Option<(&str, &Member)> {
        self.located(Location::Body, wire_name)
    }

    /// The member at a location that has this name on the wire.
    pub(super) fn located(&self, location: Location, wire_name: &str) -> Option<(&str, &Member)> {
        self.at(location).find(|(name, member)| member.wire_name(name) == wire_name)
    }

    /// All members at a location.
    pub(super) fn at(&self, location: Location) -> impl Iterator<Item = (&str, &Member)> {
        self.members
            .iter()
            .filter(move |(_, member)| member.location == location)
            .map(|(name, member)| (name.as_str(), member))
    }

    /// Keeps what a request carries and the model does not know, so that it is refused by name. If its name
    /// would hide a member's, it says so.
    pub(super) fn keep_unknown(&self, into: &mut Map<String, Value>, wire_name: &str, value: Value) {
        let known = self.members.contains_key(wire_name) || into.contains_key(wire_name);
        let name = if known { format!("{wire_name} (in this place)") } else { wire_name.to_owned() };
        into.insert(name, value);
    }

    /// The name of the shape of a list's members or a map's values.
    pub(super) fn item(&self) -> &str {
        let item = match self.kind {
            Kind::Map => &self.value,
            _ => &self.member,
        };
        item.as_deref().expect("the models say what lists and maps hold")
    }

    /// The name of the shape of a map's keys.
    pub(super) fn map_key(&self) -> &str {
        self.key.as_deref().expect("the models say what maps are keyed by")
    }
}

/// A regular expression that a whole value must match. It is compiled when it is needed for the first time.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Pattern {
    pub(super) text: String,
    regex: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Pattern { text, regex: OnceLock::new() }
    }
}

impl Pattern {
    pub(super) fn matches(&self, value: &str) -> bool {
        self.regex().is_none_or(|regex| regex.is_match(value))
    }

    #[cfg(test)]
    pub(super) fn compiles(&self) -> bool {
        self.regex().is_some()
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&format!("^(?:{})$", self.text)).ok()).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(value: Value) -> Shape {
        serde_json::from_value(value).expect("it is a shape")
    }

    #[test]
    fn members_are_found_by_their_names_on_the_wire() {
        let shape = shape(json!({"type": "structure", "members": {
            "VpcId": {"shape": "S", "location_name": "vpcId"},
            "Id": {"shape": "S", "location": "uri", "location_name": "id"},
        }}));
        assert_eq!(shape.in_body("vpcId").map(|(name, _)| name), Some("VpcId"));
        assert!(shape.in_body("id").is_none());
        assert_eq!(shape.located(Location::Uri, "id").map(|(name, _)| name), Some("Id"));
    }

    #[test]
    fn an_unknown_member_never_hides_a_known_one() {
        let shape = shape(json!({"type": "structure", "members": {
            "VpcId": {"shape": "S", "location_name": "vpcId"},
        }}));
        let mut into = Map::new();
        shape.keep_unknown(&mut into, "VpcId", json!("a"));
        shape.keep_unknown(&mut into, "Other", json!("b"));
        assert_eq!(Value::Object(into), json!({"VpcId (in this place)": "a", "Other": "b"}));
    }

    #[test]
    fn a_pattern_is_for_the_whole_value() {
        let pattern = Pattern::from("a|b+".to_owned());
        assert!(pattern.matches("bb") && pattern.matches("a"));
        assert!(!pattern.matches("ab") && !pattern.matches("bb\n"));
    }
}
