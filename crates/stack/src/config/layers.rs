//! Values that lie on top of each other, and which layer each of those on top comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use toml::{Table, Value};

use super::catalogue::Unreadable;
use super::keys::{Keys, join, lookup};
use super::{Catalogue, Config, ConfigError};

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
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) values: Table,
    /// By the key as TOML writes it. A table has the origin of what was last set in it.
    pub(super) origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// The lowest layer.
    pub(super) fn defaults(catalogue: &Arc<Catalogue>) -> Self {
        Self {
            catalogue: Arc::clone(catalogue),
            values: catalogue.defaults().clone(),
            origins: BTreeMap::new(),
        }
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
    pub(super) fn lay(&mut self, table: &Table, origin: &impl Fn(&str) -> Origin) {
        let catalogue = Arc::clone(&self.catalogue);
        self.lay_at(catalogue.keys(), table, &mut Vec::new(), origin);
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
        self.catalogue.read(&self.values).map_err(|Unreadable { section, error }| {
            use serde_path_to_error::Segment;
            let inner = error.path().iter().map_while(|segment| match segment {
                Segment::Map { key } => Some(key.clone()),
                _ => None,
            });
            let inner: Vec<String> = inner.collect();
            let index = error.path().iter().nth(inner.len()).map(|segment| match segment {
                Segment::Seq { index } => format!("[{index}]"),
                _ => String::new(),
            });
            let names: Vec<String> = section.map(str::to_owned).into_iter().chain(inner).collect();
            let key = format!("{}{}", join(&names), index.unwrap_or_default());
            let (reason, hint) = self
                .explained(&names, error.path())
                .unwrap_or_else(|| (error.inner().message().to_owned(), self.catalogue.default_of(&names)));
            self.error(&key, reason, hint)
        })
    }

    /// Refuses values that mean different things to different readers.
    pub(super) fn check_ambiguous(&self) -> Result<(), ConfigError> {
        for path in self.catalogue.keys().paths() {
            let kind = path.iter().try_fold(self.catalogue.keys(), |keys, name| keys.get(name));
            let found = kind.and_then(Keys::kind).zip(lookup(&self.values, &path));
            if let Some((reason, hint)) = found.and_then(|(kind, value)| kind.ambiguous(value)) {
                return Err(self.error(&join(&path), reason, hint));
            }
        }
        Ok(())
    }

    /// What is wrong with a text, where more can be said than its parser says.
    fn explained(&self, names: &[String], path: &serde_path_to_error::Path) -> Option<(String, String)> {
        let kind = names.iter().try_fold(self.catalogue.keys(), |keys, name| keys.get(name))?.kind()?;
        let index = path.iter().find_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(*index),
            _ => None,
        });
        let value = lookup(&self.values, names)?;
        let text = index.map_or(Some(value), |index| value.get(index))?.as_str()?;
        let (reason, hint) = kind.explained(text)?;
        // No network consists of one address.
        match hint.contains("/32?") && names.first().is_some_and(|name| name == "vpc") {
            true => Some((reason, "give the length of its prefix too, such as 10.0.0.0/16".to_owned())),
            false => Some((reason, hint)),
        }
    }

    /// What a section is checked with instead of all that lies below it: without the entries of tables whose keys the user
    /// chooses, and with one item of each list. Those have been checked, and nothing depends on how many there are; so what is
    /// left is no longer than the list of fixed keys. Where values come from is left out.
    pub(super) fn skeleton(&self) -> Self {
        self.of(pruned(self.catalogue.keys(), &self.values))
    }

    /// The same with these keys at the top and no others.
    pub(super) fn only<'a>(&self, names: impl Iterator<Item = &'a String>) -> Self {
        let values = names.filter_map(|name| Some((name.clone(), self.values.get(name)?.clone())));
        self.of(values.collect())
    }

    /// Other values of the same configuration, without where they come from.
    fn of(&self, values: Table) -> Self {
        Self { catalogue: Arc::clone(&self.catalogue), values, origins: BTreeMap::new() }
    }

    /// An error about a key, with the place that its value comes from.
    pub(super) fn error(&self, key: &str, reason: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        let reason: String = reason.into();
        // A reason may quote the value.
        let reason = match secrets::in_text(&reason) {
            Some(what) => format!("its value does not fit, and is or has {what}"),
            None => reason,
        };
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

fn pruned(keys: &Keys, table: &Table) -> Table {
    let one = |name: &String, value: &Value| match (keys.get(name), value) {
        (Some(Keys::Free(_)), Value::Table(_)) => Table::new().into(),
        (Some(keys), Value::Table(inner)) => pruned(keys, inner).into(),
        (_, Value::Array(items)) => Value::Array(items.iter().take(1).cloned().collect()),
        (_, value) => value.clone(),
    };
    table.iter().map(|(name, value)| (name.clone(), one(name, value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(table: &Table) -> usize {
        let of = |value: &Value| match value {
            Value::Table(inner) => 1 + values(inner),
            Value::Array(items) => 1 + items.len(),
            _ => 1,
        };
        table.values().map(of).sum()
    }

    /// Without this, a file with many tags and many sections would take as long as their product.
    #[test]
    fn a_section_is_checked_with_as_much_however_long_the_file_is() {
        let mut layers = Layers::defaults(crate::payment::program().catalogue());
        let few = values(&layers.skeleton().values);
        for number in 0..2000 {
            layers.set(&["tags".to_owned(), format!("tag-{number}")], "x".into(), |_| Origin::Default);
        }
        let blocks: Vec<Value> =
            (0..2000).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250).into()).collect();
        layers.set(&["alb".to_owned(), "ingress_cidrs".to_owned()], blocks.into(), |_| Origin::Default);
        assert!(values(&layers.values) > 4000);
        // One block, where the default has none.
        assert_eq!(values(&layers.skeleton().values), few + 1);
        assert!(layers.skeleton().typed().is_ok());
        let only = layers.skeleton().only(["region".to_owned()].iter());
        assert_eq!(values(&only.values), 1);
        assert!(only.typed().is_ok());
    }
}
