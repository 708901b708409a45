//! Which keys the configuration has, and which values of them are tried on a live stack.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{rows_network, rows_top, rows_work};

/// Values of a key that are tried. A key can have several rows.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The key, as the schema has it: `vpc.nat`.
    pub key: &'static str,
    /// Its values, as `--set` takes them. One that begins with a dot is an entry of a table: `.Author=me` of `tags`.
    pub values: &'static [&'static str],
    /// What has to be set together with it.
    pub with: &'static [&'static str],
    /// What the stack is changed to before: without it, the key means nothing.
    pub from: &'static [&'static str],
    /// What the stack has from its first deployment, where it could not be changed to it.
    pub born: &'static [&'static str],
    /// The only environment in which it is tried.
    pub only: Option<&'static str>,
    /// Checks of `verify` that rightly fail with it.
    pub fails: &'static [&'static str],
    /// Why the key cannot be changed on a live stack by itself.
    pub fixed: Option<&'static str>,
}

/// Values that are tried.
pub(super) const fn live(key: &'static str, values: &'static [&'static str]) -> Row {
    Row { key, values, with: &[], from: &[], born: &[], only: None, fails: &[], fixed: None }
}

/// A key of which no value is tried.
pub(super) const fn fixed(key: &'static str, reason: &'static str) -> Row {
    Row { fixed: Some(reason), ..live(key, &[]) }
}

impl Row {
    pub(super) const fn with(self, with: &'static [&'static str]) -> Self {
        Self { with, ..self }
    }

    pub(super) const fn from(self, from: &'static [&'static str]) -> Self {
        Self { from, ..self }
    }

    pub(super) const fn born(self, born: &'static [&'static str]) -> Self {
        Self { born, ..self }
    }

    pub(super) const fn only(self, environment: &'static str) -> Self {
        Self { only: Some(environment), ..self }
    }

    pub(super) const fn fails(self, fails: &'static [&'static str]) -> Self {
        Self { fails, ..self }
    }

    /// What is set for one of its values.
    #[must_use]
    pub fn settings(&self, value: &str) -> Vec<String> {
        let own = match value.starts_with('.') {
            true => format!("{}{value}", self.key),
            false => format!("{}={value}", self.key),
        };
        std::iter::once(own).chain(self.with.iter().map(|other| (*other).to_owned())).collect()
    }
}

/// All rows, section by section.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    rows_top::ROWS.iter().chain(rows_network::ROWS).chain(rows_work::ROWS)
}

/// The keys of a schema of the configuration: `vpc.nat`. A table whose keys are the user's is one key.
#[must_use]
pub fn keys(schema: &Json) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    walk(schema, schema, "", &mut keys);
    keys
}

fn walk(schema: &Json, at: &Json, path: &str, keys: &mut BTreeSet<String>) {
    let mut at = at;
    while let Some(name) = at.get("$ref").and_then(Json::as_str) {
        let Some(target) = name.strip_prefix('#').and_then(|pointer| schema.pointer(pointer)) else { break };
        at = target;
    }
    match at.get("properties").and_then(Json::as_object) {
        Some(properties) if !properties.is_empty() && !has_free_keys(at) => {
            for (name, inner) in properties {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(schema, inner, &path, keys);
            }
        }
        _ => {
            // Nullable tables are a choice between nothing and the table.
            let choices = at.get("anyOf").and_then(Json::as_array).into_iter().flatten();
            let tables: Vec<&Json> =
                choices.filter(|choice| choice.get("type") != Some(&"null".into())).collect();
            match tables.as_slice() {
                [table] => walk(schema, table, path, keys),
                _ => drop(keys.insert(path.to_owned())),
            }
        }
    }
}

fn has_free_keys(at: &Json) -> bool {
    at.get("additionalProperties").is_some_and(Json::is_object)
}
