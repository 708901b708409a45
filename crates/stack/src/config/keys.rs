//! Which keys there are and what each takes, as the schema has it, and what to say where one does not exist.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aws::schema::IPV4_BLOCK;
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::Catalogue;

/// What stands behind a key.
#[derive(Debug)]
pub(super) enum Keys {
    /// A table with these keys.
    Table(BTreeMap<String, Keys>),
    /// A table whose keys the user chooses, and what stands behind each.
    Free(Box<Keys>),
    /// A value.
    Value(Kind),
}

/// What a value is, as far as reading it from a text needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A block of IPv4 addresses.
    Block,
    Boolean,
    Number,
    List,
    /// A list of blocks of IPv4 addresses.
    Blocks,
    Any,
}

/// What is wrong with a key or the shape of its value.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) path: Vec<String>,
    pub(super) reason: String,
    pub(super) hint: String,
}

impl Keys {
    /// The keys at the top of a file, by their schemas.
    pub(super) fn at_the_top(schemas: &Map<String, Json>) -> Self {
        Self::Table(schemas.iter().map(|(key, schema)| (key.clone(), Self::read(schema))).collect())
    }

    fn read(schema: &Json) -> Self {
        if let Some(properties) = schema["properties"].as_object() {
            return Self::Table(
                properties.iter().map(|(key, schema)| (key.clone(), Self::read(schema))).collect(),
            );
        }
        let patterns = schema["patternProperties"].as_object().and_then(|patterns| patterns.values().next());
        match (
            schema["type"].as_str(),
            patterns.or(schema["additionalProperties"].as_object().map(|_| &schema["additionalProperties"])),
        ) {
            (Some("object"), Some(inner)) => Self::Free(Box::new(Self::read(inner))),
            _ => Self::Value(Kind::read(schema)),
        }
    }

    /// What stands behind a key of this table.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Table(keys) => keys.get(key),
            Self::Free(inner) => Some(inner),
            Self::Value(_) => None,
        }
    }

    /// What the value is, if this is one.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Value(kind) => Some(*kind),
            Self::Table(_) | Self::Free(_) => None,
        }
    }

    /// The names of the keys of this table, where they are fixed.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let keys = match self {
            Self::Table(keys) => Some(keys),
            Self::Free(_) | Self::Value(_) => None,
        };
        keys.into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The tables at the top that are tiers.
    fn tiers(&self) -> impl Iterator<Item = &str> {
        self.names().filter(|name| matches!(self.get(name), Some(Self::Table(_))))
    }

    /// Every path of fixed keys to a value or to a table with free keys.
    pub(super) fn paths(&self) -> Vec<Vec<&str>> {
        let Self::Table(keys) = self else { return vec![Vec::new()] };
        let inner = keys.iter().flat_map(|(name, keys)| {
            keys.paths().into_iter().map(move |path| std::iter::once(name.as_str()).chain(path).collect())
        });
        inner.collect()
    }

    /// Whether all keys in a part of a file exist, with tables where tables belong.
    pub(super) fn check(&self, catalogue: &Catalogue, value: &Value, path: &[String]) -> Result<(), Wrong> {
        match (self, value) {
            (Self::Value(Kind::Any), _) => Ok(()),
            (Self::Value(_), Value::Table(_)) => {
                Err(wrong(path, "a table cannot stand here", catalogue.default_of(path)))
            }
            (Self::Value(_), _) => Ok(()),
            (_, Value::Table(table)) => table.iter().try_for_each(|(name, value)| {
                let path: Vec<String> = path.iter().cloned().chain([name.clone()]).collect();
                match self.get(name) {
                    Some(keys) => keys.check(catalogue, value, &path),
                    None => Err(self.unknown(&path, value.is_table())),
                }
            }),
            (_, _) => Err(wrong(path, "it must be a table", format!("write [{}]", join(path)))),
        }
    }

    /// The error for a key that this table does not have.
    pub(super) fn unknown(&self, path: &[String], is_table: bool) -> Wrong {
        let name = path.last().map_or("", String::as_str);
        if path.len() == 1 && is_table {
            let tiers: Vec<&str> = self.tiers().collect();
            let hint = format!("the tiers are: {}{}", tiers.join(", "), nearest(name, tiers.iter().copied()));
            return wrong(path, "there is no such tier", hint);
        }
        wrong(path, "there is no such key", format!("{}{}", self.choices(), nearest(name, self.names())))
    }

    /// The keys of this table in words.
    pub(super) fn choices(&self) -> String {
        match self {
            Self::Value(_) => "it is a value and has no keys; a key with a dot in it needs quotes".to_owned(),
            _ => format!("the keys here are: {}", self.names().collect::<Vec<_>>().join(", ")),
        }
    }
}

impl Kind {
    fn read(schema: &Json) -> Self {
        let is_text = |schema: &Json| schema["type"] == "string" || schema["const"].is_string();
        let is_block = |schema: &Json| schema["pattern"] == IPV4_BLOCK;
        let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        match schema["type"].as_str() {
            Some("string") if is_block(schema) => Self::Block,
            Some("string") => Self::Text,
            Some("boolean") => Self::Boolean,
            Some("integer" | "number") => Self::Number,
            Some("array") if is_block(&schema["items"]) => Self::Blocks,
            Some("array") => Self::List,
            None if choices.is_some_and(|choices| choices.iter().all(is_text)) => Self::Text,
            _ => Self::Any,
        }
    }

    /// What is wrong with a text that was not taken, and what would be right, where more can be said than the parser says.
    pub(super) fn explained(self, text: &str) -> Option<(String, String)> {
        if !matches!(self, Self::Block | Self::Blocks) {
            return None;
        }
        let (address, length) = text.split_once('/').unwrap_or((text, "32"));
        if has_leading_zeros(address) {
            return Some((
                format!("`{text}` has a number with a zero before it, which some read as octal"),
                "write each number without zeros before it, as in 10.0.0.0/16".to_owned(),
            ));
        }
        Some(match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) if address.to_string() == text => {
                (format!("`{text}` is an address, not a CIDR block"), format!("did you mean {text}/32?"))
            }
            Ok(IpAddr::V4(_)) => (
                format!("`{length}` is not the length of an IPv4 prefix"),
                "it is a number from 0 to 32, as in 10.0.0.0/16".to_owned(),
            ),
            Ok(IpAddr::V6(_)) => (
                format!("`{text}` is IPv6, which is not supported"),
                "give a block of IPv4 addresses, such as 10.0.0.0/16".to_owned(),
            ),
            Err(_) => (
                format!("`{text}` is not a valid CIDR block"),
                "an IPv4 address and the length of a prefix are wanted, such as 10.0.0.0/16".to_owned(),
            ),
        })
    }

    /// What is wrong with a value that its type takes, and that means different things to different readers.
    pub(super) fn ambiguous(self, value: &Value) -> Option<(String, String)> {
        let texts = match (self, value) {
            (Self::Block, value) => vec![value],
            (Self::Blocks, Value::Array(items)) => items.iter().collect(),
            _ => Vec::new(),
        };
        let mut texts = texts.into_iter().filter_map(Value::as_str);
        let text = texts.find(|text| has_leading_zeros(text.split('/').next().unwrap_or(text)))?;
        self.explained(text)
    }

    /// The value that a text from outside of a file stands for, or what is wrong with it. A text is taken as it is,
    /// everything else is written as in a file.
    pub(super) fn value(self, text: &str) -> Result<Value, String> {
        let parsed = text.trim().parse::<Value>().ok();
        let as_text = || Value::String(text.to_owned());
        let (parsed, what) = match (self, parsed) {
            (Self::Text | Self::Block, _) => return Ok(as_text()),
            (Self::Any, parsed) => return Ok(parsed.unwrap_or_else(as_text)),
            (Self::Boolean, parsed) => (parsed.filter(Value::is_bool), "neither true nor false"),
            (Self::Number, parsed) => (parsed.filter(|it| it.is_integer() || it.is_float()), "not a number"),
            (Self::List | Self::Blocks, parsed) => {
                (parsed.filter(Value::is_array), r#"not a list such as ["a", "b"]"#)
            }
        };
        parsed.ok_or_else(|| format!("`{text}` is {what}"))
    }
}

/// Whether a number of an IPv4 address has a zero before it: RFC 6943, section 3.1.1.
fn has_leading_zeros(address: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = address.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|part| is_number(part))
        && parts.iter().any(|part| part.len() > 1 && part.starts_with('0'))
}

fn wrong(path: &[String], reason: &str, hint: String) -> Wrong {
    Wrong { path: path.to_vec(), reason: reason.to_owned(), hint }
}

/// `; did you mean …?` where one name is close.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    closest(wrong, names, 2).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The name that is meant, if one is no more than so many slips of the finger away.
pub(crate) fn closest<'a>(
    wrong: &str,
    names: impl Iterator<Item = &'a str>,
    slips: usize,
) -> Option<&'a str> {
    // To compare two texts takes as long as their lengths' product; those that differ much in length are not close.
    let length = wrong.chars().take(100).count();
    names
        .filter(|name| name.chars().count().abs_diff(length) <= slips)
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, name)| name)
}

/// The value behind a path of keys.
pub(super) fn lookup<'a, S: AsRef<str>>(table: &'a Table, path: &[S]) -> Option<&'a Value> {
    let (last, tables) = path.split_last()?;
    let table = tables.iter().try_fold(table, |table, key| table.get(key.as_ref())?.as_table())?;
    table.get(last.as_ref())
}

/// A path of keys as TOML writes it: `vpc.cidr`, `tags."cost center"`.
pub(super) fn join<S: AsRef<str>>(path: &[S]) -> String {
    path.iter().map(|key| quoted(key.as_ref())).collect::<Vec<_>>().join(".")
}

/// A key as TOML writes it.
pub(super) fn quoted(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_owned(),
        false => basic_string(key),
    }
}

/// A text as TOML writes it, between quotes on one line, with nothing hidden in it ([`engine::visible`]).
pub(super) fn basic_string(text: &str) -> String {
    // JSON escapes what TOML must escape, in the same way; what is beyond 16 bits TOML writes otherwise.
    let mut written = String::new();
    for one in Json::from(text).to_string().chars() {
        match u32::from(one) {
            _ if !engine::is_hidden(one) => written.push(one),
            code @ 0..=0xffff => written.push_str(&format!("\\u{code:04x}")),
            code => written.push_str(&format!("\\U{code:08x}")),
        }
    }
    written
}

/// A value as TOML writes it, on one line.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => basic_string(text),
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Table(table) if !table.is_empty() => {
            let fields = table.iter().map(|(name, value)| format!("{} = {}", quoted(name), written(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_schema_allows_is_known_by_its_kind() {
        for (schema, kind) in [
            (json!({ "type": "string", "pattern": "^a" }), Kind::Text),
            (json!({ "oneOf": [{ "type": "string", "const": "a" }, { "const": "b" }] }), Kind::Text),
            (json!({ "type": "string", "enum": ["a", "b"] }), Kind::Text),
            (json!({ "type": "integer", "enum": [1] }), Kind::Number),
            (json!({ "type": "number" }), Kind::Number),
            (json!({ "type": "string", "pattern": IPV4_BLOCK }), Kind::Block),
            (json!({ "type": "array", "items": { "type": "string", "pattern": IPV4_BLOCK } }), Kind::Blocks),
            (json!({ "type": "boolean" }), Kind::Boolean),
            (json!({ "type": "array", "items": {} }), Kind::List),
            (json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] }), Kind::Any),
        ] {
            assert!(matches!(Keys::read(&schema), Keys::Value(known) if known == kind), "{schema}");
        }
        let free = Keys::read(&json!({ "type": "object", "additionalProperties": { "type": "integer" } }));
        assert!(matches!(free, Keys::Free(inner) if matches!(*inner, Keys::Value(Kind::Number))));
    }

    #[test]
    fn no_key_is_of_a_kind_that_cannot_be_read_from_a_text() {
        let catalogue = crate::payment::program().catalogue();
        for path in catalogue.keys().paths() {
            let keys = path.iter().try_fold(catalogue.keys(), |keys, name| keys.get(name)).unwrap();
            assert!(!matches!(keys, Keys::Value(Kind::Any)), "{}", join(&path));
        }
    }

    #[test]
    fn texts_become_values_of_the_kind_that_is_wanted() {
        assert_eq!(Kind::Text.value("17"), Ok(Value::String("17".to_owned())));
        assert_eq!(Kind::Number.value(" 17 "), Ok(Value::Integer(17)));
        assert_eq!(Kind::Number.value("0.5"), Ok(Value::Float(0.5)));
        assert_eq!(Kind::Boolean.value("true"), Ok(Value::Boolean(true)));
        assert_eq!(Kind::List.value("[\"a\"]"), Ok(Value::Array(vec![Value::String("a".to_owned())])));
        assert_eq!(Kind::Boolean.value("yes"), Err("`yes` is neither true nor false".to_owned()));
        assert_eq!(Kind::Number.value(""), Err("`` is not a number".to_owned()));
        assert_eq!(Kind::List.value("a,b"), Err(r#"`a,b` is not a list such as ["a", "b"]"#.to_owned()));
    }
}
