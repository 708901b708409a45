//! The effective configuration, and where each value comes from: what `stack config` prints.

use serde_json::{Map, Value as Json, json};
use toml::{Table, Value};

use super::keys::{Keys, join, quoted, written};
use super::layers::{Layers, Origin};
use crate::output::Lines;

/// Origins stand in one column, unless a line is longer than this.
const COLUMN: usize = 60;

/// A line, and what is said about it behind it.
type Line = (String, String);

impl Layers {
    /// As TOML, each value with its origin in a comment. Read as a file, it gives the same configuration.
    pub(super) fn toml(&self) -> Lines {
        let mut lines = Vec::new();
        self.table(self.catalogue.keys(), &self.values, &mut Vec::new(), &mut lines);
        let width = lines
            .iter()
            .map(|(line, _)| line.chars().count())
            .filter(|width| *width <= COLUMN)
            .max()
            .unwrap_or(0);
        let mut shown = Lines::new();
        for (line, comment) in lines {
            match comment.is_empty() {
                true => shown.line(line),
                false => shown.line(format!("{line:width$}  # {comment}")),
            };
        }
        shown
    }

    /// Values first, then tables, as TOML wants it.
    fn table(&self, keys: &Keys, values: &Table, path: &mut Vec<String>, lines: &mut Vec<Line>) {
        let fixed = keys.names().map(str::to_owned);
        let chosen = values.keys().filter(|_| matches!(keys, Keys::Free(_))).cloned();
        let names: Vec<String> = fixed.chain(chosen).collect();
        let inner = names.iter().filter_map(|name| Some((name, keys.get(name)?, values.get(name))));
        let (values, tables): (Vec<_>, Vec<_>) =
            inner.partition(|(_, keys, _)| matches!(keys, Keys::Value(_)));
        for (name, _, value) in values {
            path.push(name.clone());
            lines.push(match value {
                Some(value) => {
                    (format!("{} = {}", quoted(name), written(value)), self.origin(path).to_string())
                }
                None => (format!("# {} =", quoted(name)), "not set".to_owned()),
            });
            path.pop();
        }
        for (name, keys, value) in tables {
            path.push(name.clone());
            lines.push(Line::default());
            match value {
                Some(Value::Table(values)) => {
                    lines.push((format!("[{}]", join(path)), String::new()));
                    self.table(keys, values, path, lines);
                }
                _ => lines.push((format!("# [{}]", join(path)), "not set".to_owned())),
            }
            path.pop();
        }
    }

    /// For programs: `{KEY: {value, origin}}`.
    pub(super) fn json(&self) -> Json {
        let mut all = Map::new();
        self.flat(self.catalogue.keys(), &self.values, &mut Vec::new(), &mut all);
        Json::Object(all)
    }

    fn flat(&self, keys: &Keys, values: &Table, path: &mut Vec<String>, all: &mut Map<String, Json>) {
        for (name, value) in values {
            path.push(name.clone());
            match (keys.get(name), value) {
                (Some(keys @ (Keys::Table(_) | Keys::Free(_))), Value::Table(values)) => {
                    self.flat(keys, values, path, all)
                }
                _ => {
                    all.insert(join(path), json!({ "value": value, "origin": self.origin(path).json() }));
                }
            }
            path.pop();
        }
    }

    fn origin(&self, path: &[String]) -> &Origin {
        self.origins.get(&join(path)).unwrap_or(&Origin::Default)
    }
}
