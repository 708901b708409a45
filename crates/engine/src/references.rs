//! References in serialised properties: finding them, replacing them by values, and making them.

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::{Map, Value};

use crate::address::Address;

/// One reference found in declared properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found<'a> {
    pub(crate) address: &'a str,
    pub(crate) attr: &'a str,
    pub(crate) early: bool,
}

fn as_reference(object: &Map<String, Value>) -> Option<Found<'_>> {
    let address = object.get("$ref")?.as_str()?;
    let attr = object.get("attr")?.as_str()?;
    let early = object.get("early").and_then(Value::as_bool).unwrap_or(false);
    Some(Found { address, attr, early })
}

fn as_join(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    match object.get("$join") {
        Some(Value::Array(parts)) if object.len() == 1 => Some(parts),
        _ => None,
    }
}

/// What a value in declared properties is, for who writes them down in another form.
///
/// Exhaustive on purpose: whoever writes properties down elsewhere must not lose one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Term<'a> {
    /// Another resource's output.
    Reference {
        /// The resource.
        address: &'a str,
        /// The output, as the resource's `Outputs` spells it.
        attr: &'a str,
    },
    /// A text made of parts, each of which is a text, or a term of its own.
    Join(&'a [Value]),
    /// A value, in which there may be terms.
    Plain(&'a Value),
}

impl<'a> Term<'a> {
    /// What this value is.
    #[must_use]
    pub fn of(value: &'a Value) -> Self {
        let Value::Object(object) = value else { return Term::Plain(value) };
        match (as_reference(object), as_join(object)) {
            (Some(Found { address, attr, .. }), _) => Term::Reference { address, attr },
            (None, Some(parts)) => Term::Join(parts),
            (None, None) => Term::Plain(value),
        }
    }
}

/// Calls `visit` for each reference in `value`, at any depth.
pub(crate) fn visit<'a>(value: &'a Value, visit_one: &mut impl FnMut(Found<'a>)) {
    match value {
        Value::Object(object) => match as_reference(object) {
            Some(found) => visit_one(found),
            None => object.values().for_each(|inner| visit(inner, visit_one)),
        },
        Value::Array(items) => items.iter().for_each(|inner| visit(inner, visit_one)),
        _ => {}
    }
}

/// Makes every reference to one address one to another.
pub(crate) fn rename(value: &mut Value, from: &str, to: &str) {
    let refers = value.as_object().and_then(as_reference).is_some_and(|found| found.address == from);
    match value {
        Value::Object(object) if refers => {
            object.insert("$ref".to_owned(), to.into());
        }
        Value::Object(object) => object.values_mut().for_each(|inner| rename(inner, from, to)),
        Value::Array(items) => items.iter_mut().for_each(|inner| rename(inner, from, to)),
        _ => {}
    }
}

/// Whether nothing in `value` is a reference any more.
pub(crate) fn is_known(value: &Value) -> bool {
    match value {
        Value::Object(object) => as_reference(object).is_none() && object.values().all(is_known),
        Value::Array(items) => items.iter().all(is_known),
        _ => true,
    }
}

/// Whether a text in `value`, at any depth, contains `wanted`.
pub(crate) fn contains_text(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.contains(wanted),
        Value::Object(object) => object.values().any(|inner| contains_text(inner, wanted)),
        Value::Array(items) => items.iter().any(|inner| contains_text(inner, wanted)),
        _ => false,
    }
}

/// Whether a text in `value`, at any depth, names `part`: contains it, and not as the beginning of a longer name.
pub(crate) fn names(value: &Value, part: &str) -> bool {
    let goes_on = |after: &str| {
        after.starts_with(|next: char| next.is_alphanumeric() || matches!(next, '.' | '_' | '-'))
    };
    match value {
        Value::String(text) => text.match_indices(part).any(|(at, _)| !goes_on(&text[at + part.len()..])),
        Value::Object(object) => object.values().any(|inner| names(inner, part)),
        Value::Array(items) => items.iter().any(|inner| names(inner, part)),
        _ => false,
    }
}

/// Replaces every reference for which `lookup` has a value; the others stay references, which is how a plan
/// keeps what it cannot know yet.
pub(crate) fn resolve(value: &Value, lookup: &impl Fn(Found<'_>) -> Option<Value>) -> Value {
    match value {
        Value::Object(object) => {
            if let Some(found) = as_reference(object) {
                return lookup(found).unwrap_or_else(|| value.clone());
            }
            if let Some(parts) = as_join(object) {
                return join(parts.iter().map(|part| resolve(part, lookup)).collect());
            }
            Value::Object(object.iter().map(|(key, inner)| (key.clone(), resolve(inner, lookup))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|inner| resolve(inner, lookup)).collect()),
        other => other.clone(),
    }
}

fn join(parts: Vec<Value>) -> Value {
    if !parts.iter().all(is_known) {
        return Value::Object(Map::from_iter([("$join".to_owned(), Value::Array(parts))]));
    }
    let text = parts
        .into_iter()
        .map(|part| match part {
            Value::String(text) => text,
            other => other.to_string(),
        })
        .collect();
    Value::String(text)
}

/// How a value that may not be known yet reads in a plan: `(known after vpc/vpc)` for a reference, a joined text
/// with its known parts; `None` where the value is known.
pub(crate) fn unknown_text(value: &Value) -> Option<String> {
    let Value::Object(object) = value else { return None };
    if let Some(found) = as_reference(object) {
        return Some(format!("(known after {})", found.address));
    }
    let parts = as_join(object)?;
    let text = |part: &Value| match part {
        Value::String(text) => text.clone(),
        other => unknown_text(other).unwrap_or_else(|| other.to_string()),
    };
    Some(parts.iter().map(text).collect())
}

/// Builds an `Outputs<Declared>` in which each field is a reference to that field of `address`.
///
/// serde knows the names of the fields, so nobody writes them twice. Only a struct with named fields will do.
pub(crate) fn outputs_of<T: DeserializeOwned>(address: &Address) -> Result<T, serde_json::Error> {
    T::deserialize(ToNode { address })
}

struct ToNode<'a> {
    address: &'a Address,
}

impl<'de> Deserializer<'de> for ToNode<'_> {
    type Error = serde_json::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let references: Map<_, _> = fields
            .iter()
            .map(|field| {
                let reference = serde_json::json!({ "$ref": self.address, "attr": field });
                ((*field).to_owned(), reference)
            })
            .collect();
        Value::Object(references).deserialize_struct(name, fields, visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde_json::Error::custom("outputs must be a struct with named fields"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_at_any_depth() {
        let value = json!({
            "A": { "$ref": "vpc/vpc", "attr": "VpcId" },
            "B": [{ "C": { "$join": ["x", { "$ref": "alb/alb", "attr": "Arn", "early": true }] } }],
            "D": "plain",
        });
        let mut found = Vec::new();
        visit(&value, &mut |one| found.push((one.address, one.attr, one.early)));
        assert_eq!(found, [("vpc/vpc", "VpcId", false), ("alb/alb", "Arn", true)]);
        assert!(!is_known(&value));
    }

    #[test]
    fn resolving_replaces_what_is_known_and_keeps_the_rest_as_references() {
        let value = json!({
            "A": { "$ref": "a/a", "attr": "Id" },
            "B": { "$join": ["<", { "$ref": "a/a", "attr": "Id" }, ">"] },
            "C": { "$join": ["<", { "$ref": "b/b", "attr": "Id" }, ">"] },
        });
        let resolved = resolve(&value, &|one| (one.address == "a/a").then(|| json!("id-1")));
        assert_eq!(resolved["A"], json!("id-1"));
        assert_eq!(resolved["B"], json!("<id-1>"));
        assert_eq!(unknown_text(&resolved["C"]).unwrap(), "<(known after b/b)>");
        assert_eq!(unknown_text(&resolved["A"]), None);
    }
}
