//! The configuration file: read, checked key by key, and laid on top of the defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::keys::{Keys, Wrong, join};
use super::layers::{Layers, Origin};
use super::{Catalogue, ConfigError, DEFAULT_FILE};
use crate::environment::{self, Environment};
use crate::input;

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
    pub(super) fn read(catalogue: &Catalogue, named: Option<&Path>) -> Result<Option<Self>, ConfigError> {
        let path = named.unwrap_or_else(|| Path::new(DEFAULT_FILE));
        match input::read(path) {
            Ok(text) => Self::parse(catalogue, path, &text).map(Some),
            Err(error) if error.is_missing() && named.is_none() => Ok(None),
            Err(error) => Err(ConfigError {
                file: Some(path.to_owned()),
                line: error.line(),
                key: None,
                reason: error.to_string(),
                hint: match named {
                    Some(_) => format!("{}; or leave out --config (or STACK_CONFIG)", error.hint()),
                    None => error.hint().to_owned(),
                },
            }),
        }
    }

    fn parse(catalogue: &Catalogue, path: &Path, text: &str) -> Result<Self, ConfigError> {
        let offsets = LineStarts::new(text);
        let syntax = |error: toml::de::Error| not_toml(path, text, &offsets, &error);
        let mut lines = BTreeMap::new();
        let parsed = DeTable::parse(text).map_err(syntax)?;
        note_lines(&offsets, Known::Top(catalogue.keys()), parsed.get_ref(), &mut Vec::new(), &mut lines);
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
        let catalogue = Arc::clone(&layers.catalogue);
        self.check(&catalogue, &self.table, None)?;
        layers.lay(&self.table, &|key| self.origin(key, None));
        layers.typed()?;
        let skeleton = layers.skeleton();
        for (name, section) in &self.environments {
            let key = join(&["environments", name]);
            if let Err(error) = name.parse::<Environment>() {
                return Err(self.error(&key, error.to_string(), environment::RULE));
            }
            let Value::Table(section) = section else {
                return Err(self.error(&key, "it must be a table", format!("write [{key}]")));
            };
            self.check(&catalogue, section, Some(name))?;
            // Only with what the section changes, so that many sections of a long file do not take long.
            let mut with_section = skeleton.only(section.keys());
            with_section.lay(section, &|key| self.origin(key, Some(name)));
            with_section.typed()?;
            if name == environment.as_str() {
                layers.lay(section, &|key| self.origin(key, Some(name)));
                layers.typed()?;
            }
        }
        Ok(())
    }

    /// Whether the file says anything of an environment.
    pub(super) fn names(&self, environment: &Environment) -> bool {
        self.environments.contains_key(environment.as_str())
    }

    /// The environments that it has sections for.
    pub(super) fn sections(&self) -> Vec<String> {
        self.environments.keys().cloned().collect()
    }

    /// What may be a slip of the person: there is no section of the environment's name, and one whose name is close.
    pub(super) fn meant(&self, environment: &Environment) -> Option<&str> {
        let others = self.environments.keys().map(String::as_str);
        environment::meant(environment.as_str(), others).filter(|_| !self.names(environment))
    }

    /// The file, as messages name it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn check(
        &self,
        catalogue: &Catalogue,
        table: &Table,
        environment: Option<&str>,
    ) -> Result<(), ConfigError> {
        let checked = catalogue.keys().check(catalogue, &Value::Table(table.clone()), &[]);
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

/// Why a text is not TOML.
fn not_toml(path: &Path, text: &str, offsets: &LineStarts, error: &toml::de::Error) -> ConfigError {
    let span = error.span();
    let line = span.as_ref().map(|span| offsets.line_of(span.start));
    let key = span.and_then(|span| text.get(span)).filter(|_| error.message().starts_with("duplicate key"));
    let (reason, hint) = match key {
        Some(key) => (format!("`{key}` is there twice"), "leave one of the two out"),
        None => (
            format!("this is not TOML: {}", error.message()),
            "texts need quotes, lists brackets, and a table is a line like [vpc]",
        ),
    };
    ConfigError { file: Some(path.to_owned()), line, key: None, reason, hint: hint.to_owned() }
}

/// Where the lines of a text begin.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn new(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect())
    }

    /// The line of an offset, counted from 1.
    fn line_of(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset) + 1
    }
}

/// Which keys a table of the file has.
#[derive(Clone, Copy)]
enum Known<'a> {
    /// Those at the top, and `environments`.
    Top(&'a Keys),
    /// Names of environments, whose sections have the keys at the top.
    Environments(&'a Keys),
    /// These.
    Keys(&'a Keys),
}

impl Known<'_> {
    fn get(self, name: &str) -> Option<Self> {
        match self {
            Self::Top(keys) if name == "environments" => Some(Self::Environments(keys)),
            Self::Environments(keys) => name.parse::<Environment>().ok().map(|_| Self::Keys(keys)),
            Self::Top(keys) | Self::Keys(keys) => keys.get(name).map(Self::Keys),
        }
    }
}

/// Notes the line of each key. What is below a key that does not exist is not looked at: that key is the error. So what stands
/// before the last name of a key is short, however long names in the file are.
fn note_lines(
    offsets: &LineStarts,
    known: Known<'_>,
    table: &DeTable<'_>,
    path: &mut Vec<String>,
    lines: &mut BTreeMap<String, usize>,
) {
    for (name, value) in table {
        path.push(name.get_ref().to_string());
        lines.insert(join(path), offsets.line_of(name.span().start));
        if let (Some(known), DeValue::Table(inner)) = (known.get(name.get_ref()), value.get_ref()) {
            note_lines(offsets, known, inner, path, lines);
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_line_of_an_offset_is_one_more_than_the_newlines_before_it(text in "[a\n]{0,40}") {
            let starts = LineStarts::new(&text);
            for offset in 0..=text.len() {
                prop_assert_eq!(starts.line_of(offset), text[..offset].matches('\n').count() + 1);
            }
        }
    }
}
