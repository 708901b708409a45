//! The JSON schema of the configuration file, from the types that it is read into: for editors, and for this program
//! itself, which knows from it which keys there are ([`Keys`](super::keys::Keys)).

use std::borrow::Cow;
use std::sync::Arc;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use toml::Table;

use super::Common;
use crate::tier::Registered;

/// The JSON schema of a configuration file with these keys at the top.
pub(super) fn schema(top_keys: &Map<String, Value>) -> Value {
    let mut definitions = top_keys.clone();
    let references: Map<String, Value> = definitions
        .keys()
        .map(|key| (key.clone(), json!({ "$ref": format!("#/definitions/{key}") })))
        .collect();
    let mut properties = references.clone();
    definitions.insert(
        "environment".to_owned(),
        json!({
            "description": "What is different in this environment.",
            "type": "object",
            "properties": references,
            "additionalProperties": false,
        }),
    );
    properties.insert("environments".to_owned(), json!({
        "description": "What is different in some environments, by their names. Each has all keys that the file has.",
        "type": "object",
        // As `Environment` reads it.
        "propertyNames": { "pattern": "^[a-z]([a-z0-9-]{0,14}[a-z0-9])?$" },
        "additionalProperties": { "$ref": "#/definitions/environment" },
    }));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of the payment stack",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "definitions": definitions,
    })
}

/// The schemas of the keys at the top, without what only Rust knows, and with the effective defaults.
pub(super) fn top_keys(tiers: &[Arc<dyn Registered>], defaults: &Table) -> Map<String, Value> {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut generator = settings.into_generator();
    let mut root = generator.root_schema_for::<Common>().to_value();
    for tier in tiers {
        let mut section = tier.schema(&mut generator).to_value();
        section["description"] = tier.about().into();
        root["properties"][tier.name()] = section;
    }
    tidy(&mut root);
    set_defaults(&mut root, defaults);
    match root.get_mut("properties").map(Value::take) {
        Some(Value::Object(properties)) => properties,
        _ => unreachable!("a struct's schema is an object with properties"),
    }
}

/// Takes out what TOML cannot say (nothing), what a single layer need not say (required keys), what no editor knows
/// (Rust's types of numbers) and links into Rust's documentation.
fn tidy(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    unwrap_option(object);
    object.remove("required");
    if object
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|format| !matches!(format, "ipv4" | "uri" | "email"))
    {
        object.remove("format");
    }
    if object.get("default").is_some_and(|default| default.is_null() || default.is_object()) {
        object.remove("default");
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        // The lines of a comment are one paragraph, unless an empty one is between them.
        let paragraphs: Vec<String> =
            text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
        *text = without_links(&paragraphs.join("\n\n")).into_owned();
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    for (name, inner) in object.iter_mut() {
        match (name.as_str(), inner) {
            ("properties" | "patternProperties", Value::Object(properties)) => {
                properties.values_mut().for_each(tidy)
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(choices)) => choices.iter_mut().for_each(tidy),
            ("items" | "additionalProperties", inner) => tidy(inner),
            _ => {}
        }
    }
}

/// `anyOf` a schema and null becomes that schema. What was said of the option itself stays.
fn unwrap_option(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = choices.as_mut_slice() {
        let only = std::mem::take(only);
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// ``[`a::B`]`` becomes `` `B` ``.
fn without_links(text: &str) -> Cow<'_, str> {
    let Some((before, rest)) = text.split_once("[`") else { return text.into() };
    let Some((link, after)) = rest.split_once("`]") else { return text.into() };
    let name = link.rsplit("::").next().unwrap_or(link);
    format!("{before}`{name}`{}", without_links(after)).into()
}

fn set_defaults(schema: &mut Value, defaults: &Table) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (key, schema) in properties {
        match defaults.get(key) {
            Some(toml::Value::Table(defaults)) => set_defaults(schema, defaults),
            Some(value) => schema["default"] = json!(value),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_their_values_and_links_are_names() {
        let mut schema = json!({
            "description": "See [`crate::a::B`]\nand [`C`].\n\nOr not.",
            "anyOf": [{ "type": "object", "description": "inner", "required": ["x"] }, { "type": "null" }],
            "default": null,
        });
        tidy(&mut schema);
        assert_eq!(schema, json!({ "description": "See `B` and `C`.\n\nOr not.", "type": "object" }));
    }

    #[test]
    fn every_key_says_what_it_is() {
        fn look(path: &str, schema: &Value) {
            let description = schema["description"].as_str().unwrap_or_default();
            assert!(description.ends_with(['.', ')']) && !description.contains("[`"), "{path}: {schema}");
            for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
                look(&format!("{path}.{name}"), inner);
            }
        }
        let schema = crate::schema();
        let keys = schema["definitions"].as_object().unwrap();
        let keys: Vec<_> = keys.iter().filter(|(key, _)| *key != "environment").collect();
        assert!(keys.len() > 10, "{keys:?}");
        keys.iter().for_each(|(key, schema)| look(key, schema));
    }
}
