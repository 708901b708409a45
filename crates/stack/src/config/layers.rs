//! Values that lie on top of each other, and which layer each of those on top comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value as Json, json};
use toml::{Table, Value};

use super::keys::{Keys, default_of, join};
use super::{Config, ConfigError};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From nobody: it is the default.
    Default,
    /// From the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The environment in whose section it is.
        environment: Option<String>,
    },
    /// From the environment variable of this name.
    Variable(String),
    /// From a flag: `--region`, or `--set` and the key.
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, environment: None } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line, environment: Some(name) } => {
                write!(f, "{}:{line} [environments.{name}]", path.display())
            }
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Origin {
    /// For programs: the layer, and where in it.
    pub(super) fn json(&self) -> Json {
        match self {
            Self::Default => json!({ "layer": "default" }),
            Self::File { path, line, environment: None } => {
                json!({ "layer": "file", "file": path.display().to_string(), "line": line })
            }
            Self::File { path, line, environment: Some(name) } => {
                json!({ "layer": "environment", "environment": name, "file": path.display().to_string(), "line": line })
            }
            Self::Variable(name) => json!({ "layer": "variable", "variable": name }),
            Self::Flag(flag) => json!({ "layer": "flag", "flag": flag }),
        }
    }
}

/// The values on top, and where they come from.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    pub(super) values: Table,
    /// By the key as TOML writes it. A table has the origin of what was last set in it.
    pub(super) origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// The lowest layer.
    pub(super) fn defaults() -> Self {
        let values = Table::try_from(Config::default()).expect("the defaults are a table with text keys");
        Self { values, origins: BTreeMap::new() }
    }

    /// Sets one value. A list is replaced as a whole. An empty table takes nothing away.
    pub(super) fn set(&mut self, path: &[String], value: Value, origin: impl Fn(&str) -> Origin) {
        for length in 1..=path.len() {
            let key = join(&path[..length]);
            let origin = origin(&key);
            self.origins.insert(key, origin);
        }
        let Some((last, tables)) = path.split_last() else { return };
        let mut table = &mut self.values;
        for key in tables {
            let inner = table.entry(key).or_insert_with(|| Table::new().into());
            let Value::Table(inner) = inner else { unreachable!("the shape of a layer is checked before") };
            table = inner;
        }
        match value {
            Value::Table(_) => {
                table.entry(last).or_insert(value);
            }
            value => {
                table.insert(last.clone(), value);
            }
        }
    }

    /// Lays a checked table on top.
    pub(super) fn lay(&mut self, keys: &Keys, table: &Table, origin: &impl Fn(&str) -> Origin) {
        self.lay_at(keys, table, &mut Vec::new(), origin);
    }

    fn lay_at(
        &mut self,
        keys: &Keys,
        table: &Table,
        path: &mut Vec<String>,
        origin: &impl Fn(&str) -> Origin,
    ) {
        for (name, value) in table {
            let Some(keys) = keys.get(name) else { unreachable!("the keys of a layer are checked before") };
            path.push(name.clone());
            match (keys, value) {
                (Keys::Table(_) | Keys::Free(_), Value::Table(inner)) if !inner.is_empty() => {
                    self.lay_at(keys, inner, path, origin);
                }
                _ => self.set(path, value.clone(), origin),
            }
            path.pop();
        }
    }

    /// The configuration, if every value has the type of its key.
    pub(super) fn typed(&self) -> Result<Config, ConfigError> {
        let result = serde_path_to_error::deserialize(self.values.clone());
        result.map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
            use serde_path_to_error::Segment;
            let names = error.path().iter().map_while(|segment| match segment {
                Segment::Map { key } => Some(key.clone()),
                _ => None,
            });
            let names: Vec<String> = names.collect();
            let index = error.path().iter().nth(names.len()).map(|segment| match segment {
                Segment::Seq { index } => format!("[{index}]"),
                _ => String::new(),
            });
            let key = format!("{}{}", join(&names), index.unwrap_or_default());
            self.error(&key, error.inner().message(), default_of(&names))
        })
    }

    /// An error about a key, with the place that its value comes from.
    pub(super) fn error(&self, key: &str, reason: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        let of_list = key.rsplit_once('[').map_or(key, |(list, _)| list);
        let origin = self.origins.get(key).or_else(|| self.origins.get(of_list));
        match origin {
            Some(Origin::File { path, line, environment }) => {
                let key = match environment {
                    Some(name) => format!("environments.{name}.{key}"),
                    None => key.to_owned(),
                };
                let (file, line) = (Some(path.clone()), Some(*line));
                ConfigError { file, line, ..ConfigError::about(key, reason, hint) }
            }
            Some(Origin::Variable(name) | Origin::Flag(name)) => ConfigError::about(name, reason, hint),
            Some(Origin::Default) | None => ConfigError::about(key, reason, hint),
        }
    }
}
