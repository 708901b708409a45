//! The configuration file: read, checked key by key, and laid on top of the defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::keys::{KEYS, Wrong, join};
use super::layers::{Layers, Origin};
use super::{ConfigError, DEFAULT_FILE};
use crate::environment::{self, Environment};

/// A file that was read.
pub(super) struct File {
    path: PathBuf,
    /// All keys but `environments`.
    table: Table,
    environments: Table,
    /// The line on which each key is set, by the key as TOML writes it.
    lines: BTreeMap<String, usize>,
}

impl File {
    /// Reads the named file, or the default one if there is one.
    pub(super) fn read(named: Option<&Path>) -> Result<Option<Self>, ConfigError> {
        let path = named.unwrap_or_else(|| Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(None),
            Err(error) => Err(ConfigError {
                file: Some(path.to_owned()),
                line: None,
                key: None,
                reason: format!("it cannot be read: {error}"),
                hint:
                    "name a file that can be read with --config, or leave the option out to use the defaults"
                        .to_owned(),
            }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let syntax = |error: toml::de::Error| ConfigError {
            file: Some(path.to_owned()),
            line: error.span().map(|span| line_of(text, span.start)),
            key: None,
            reason: format!("this is not TOML: {}", error.message()),
            hint: "texts need quotes, lists brackets, and a table is a line like [vpc]".to_owned(),
        };
        let mut lines = BTreeMap::new();
        note_lines(text, DeTable::parse(text).map_err(syntax)?.get_ref(), &mut Vec::new(), &mut lines);
        let mut table: Table = text.parse().map_err(syntax)?;
        let environments = table.remove("environments");
        let mut file = Self { path: path.to_owned(), table, environments: Table::new(), lines };
        match environments {
            Some(Value::Table(environments)) => file.environments = environments,
            Some(_) => {
                return Err(file.error("environments", "it must be a table", "write [environments.dev]"));
            }
            None => {}
        }
        Ok(file)
    }

    /// Checks all of the file, also what is for other environments, and lays on top what is for this one.
    pub(super) fn lay_on(&self, layers: &mut Layers, environment: &Environment) -> Result<(), ConfigError> {
        self.check(&self.table, None)?;
        layers.lay(&KEYS, &self.table, &|key| self.origin(key, None));
        layers.typed()?;
        let below = layers.clone();
        for (name, section) in &self.environments {
            let key = join(&["environments", name]);
            if let Err(error) = name.parse::<Environment>() {
                return Err(self.error(&key, error.to_string(), environment::RULE));
            }
            let Value::Table(section) = section else {
                return Err(self.error(&key, "it must be a table", format!("write [{key}]")));
            };
            self.check(section, Some(name))?;
            let mut with_section = below.clone();
            with_section.lay(&KEYS, section, &|key| self.origin(key, Some(name)));
            with_section.typed()?;
            if name == environment.as_str() {
                *layers = with_section;
            }
        }
        Ok(())
    }

    fn check(&self, table: &Table, environment: Option<&str>) -> Result<(), ConfigError> {
        let checked = KEYS.check(&Value::Table(table.clone()), &[]);
        checked.map_err(|Wrong { path, reason, hint }| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let key = match environment {
                Some(name) => join(&[["environments", name].as_slice(), &path].concat()),
                None => join(&path),
            };
            self.error(&key, reason, hint)
        })
    }

    fn origin(&self, key: &str, environment: Option<&str>) -> Origin {
        let in_file = environment.map_or_else(|| key.to_owned(), |name| format!("environments.{name}.{key}"));
        let line = self.lines.get(&in_file).copied().unwrap_or(1);
        Origin::File { path: self.path.clone(), line, environment: environment.map(str::to_owned) }
    }

    fn error(&self, key: &str, reason: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        let (file, line) = (Some(self.path.clone()), self.lines.get(key).copied());
        ConfigError { file, line, ..ConfigError::about(key, reason, hint) }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn note_lines(text: &str, table: &DeTable<'_>, path: &mut Vec<String>, lines: &mut BTreeMap<String, usize>) {
    for (name, value) in table {
        path.push(name.get_ref().to_string());
        lines.insert(join(path), line_of(text, name.span().start));
        if let DeValue::Table(inner) = value.get_ref() {
            note_lines(text, inner, path, lines);
        }
        path.pop();
    }
}
