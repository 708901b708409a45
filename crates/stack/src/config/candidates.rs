//! Other values of single keys, to see what would be declared with them.

use serde_json::Value as Json;
use toml::Value;

use super::keys::{Keys, Kind, join, lookup, quoted, written};
use super::layers::Origin;
use super::{Catalogue, Config, Loaded};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Boolean,
    List,
    Number,
    Text,
}

/// A key, with the value that it has.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) path: Vec<String>,
    pub(crate) takes: Takes,
    pub(crate) value: Option<Value>,
    /// The only texts that it takes; empty where others are taken too.
    pub(crate) choices: Vec<String>,
}

/// A key with another value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
}

impl Assignment {
    /// `alb.idle_timeout = 90`.
    pub(crate) fn setting(&self) -> String {
        format!("{} = {}", self.key(), written(&self.value))
    }

    /// `alb.idle_timeout`.
    pub(crate) fn key(&self) -> String {
        join(&self.path)
    }

    /// The table that the key is in, below `above`, and its line there.
    pub(crate) fn line(&self, above: &[&str]) -> (String, String) {
        let (last, tables) = self.path.split_last().expect("a key has a name");
        let table: Vec<&str> = above.iter().copied().chain(tables.iter().map(String::as_str)).collect();
        (join(&table), format!("{} = {}", quoted(last), written(&self.value)))
    }
}

impl Loaded {
    /// Every key, in the order of the file's tables.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::new();
        self.keys_of(self.layers.catalogue.keys(), &mut Vec::new(), &mut keys);
        keys
    }

    fn keys_of(&self, keys: &Keys, path: &mut Vec<String>, found: &mut Vec<Key>) {
        let names: Vec<String> = match keys {
            Keys::Value(kind) => {
                let takes = match kind {
                    Kind::Boolean => Takes::Boolean,
                    Kind::Number => Takes::Number,
                    Kind::List | Kind::Blocks => Takes::List,
                    Kind::Text | Kind::Block | Kind::Any => Takes::Text,
                };
                let value = lookup(&self.layers.values, path.as_slice()).cloned();
                let choices = self.layers.catalogue.choices(path);
                found.push(Key { path: path.clone(), takes, value, choices });
                return;
            }
            Keys::Table(_) => keys.names().map(str::to_owned).collect(),
            Keys::Free(_) => {
                let table = lookup(&self.layers.values, path.as_slice()).and_then(Value::as_table);
                table.into_iter().flat_map(toml::Table::keys).cloned().collect()
            }
        };
        for name in names {
            if let Some(inner) = keys.get(&name) {
                path.push(name);
                self.keys_of(inner, path, found);
                path.pop();
            }
        }
    }

    /// The configuration with other values of some keys; `None` where they do not fit.
    pub(crate) fn with(&self, assignments: &[Assignment]) -> Option<Config> {
        let mut layers = self.layers.clone();
        for Assignment { path, value } in assignments {
            layers.set(path, value.clone(), |_| Origin::Default);
        }
        layers.typed().ok()
    }

    /// The value of a key as TOML has it, and where it comes from.
    pub(crate) fn now(&self, path: &[String]) -> (String, Origin) {
        let value = lookup(&self.layers.values, path).map_or_else(|| "not set".to_owned(), written);
        (value, self.layers.origins.get(&join(path)).cloned().unwrap_or(Origin::Default))
    }
}

impl Catalogue {
    /// The texts that a key takes, where it takes no others.
    fn choices(&self, path: &[String]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let schema = rest
            .iter()
            .fold(&self.schemas()[first.as_str()], |schema, name| &schema["properties"][name.as_str()]);
        let texts = |values: &Json| -> Vec<String> {
            values.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let variants = schema["oneOf"].as_array().into_iter().flatten();
        let of_variant = |variant: &Json| match variant["const"].as_str() {
            Some(text) => vec![text.to_owned()],
            None => texts(&variant["enum"]),
        };
        texts(&schema["enum"]).into_iter().chain(variants.flat_map(of_variant)).collect()
    }
}
