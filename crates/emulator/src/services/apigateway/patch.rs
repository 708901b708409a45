//! JSON patches, by which API Gateway's Update operations say what to change
//! (API Gateway API Reference, "Patch Operations").

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::bad;
use crate::protocol::response::Refusal;

/// A patch operation as it is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    op: Option<String>,
    path: Option<String>,
    value: Option<String>,
    from: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Op::Add => "add",
            Op::Replace => "replace",
            Op::Remove => "remove",
        })
    }
}

/// One change.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub(super) op: Op,
    path: String,
    parts: Vec<String>,
    value: Option<String>,
}

impl Patch {
    /// Reads the operations of a call.
    ///
    /// # Errors
    ///
    /// `BadRequestException` for an operation other than add, replace and remove, and for a path that does not begin
    /// with a slash. `copy` promotes canaries, which are not modelled; `move` and `test` are in no table of AWS's.
    pub(super) fn read(given: Option<Vec<Given>>) -> Result<Vec<Patch>, Refusal> {
        given.unwrap_or_default().into_iter().map(Patch::of).collect()
    }

    fn of(given: Given) -> Result<Patch, Refusal> {
        let path = given.path.unwrap_or_default();
        let op = match given.op.as_deref() {
            Some("add") => Op::Add,
            Some("replace") => Op::Replace,
            Some("remove") => Op::Remove,
            other => {
                let other = other.unwrap_or_default();
                return Err(bad(format!("Invalid patch operation '{other}' specified for path '{path}'.")));
            }
        };
        if given.from.is_some() {
            return Err(bad("from is only for the operation copy, which the emulator does not model."));
        }
        let Some(rest) = path.strip_prefix('/') else {
            return Err(bad(format!("Invalid patch path '{path}': it must begin with a slash.")));
        };
        let parts = rest.split('/').map(str::to_owned).collect();
        Ok(Patch { op, path, parts, value: given.value })
    }

    /// The parts of the path as they were sent, with `~1` for a slash inside a part.
    pub(super) fn raw(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }

    /// The refusal of a path, or of an operation on it, that the object does not have.
    pub(super) fn unknown(&self, allowed: &str) -> Refusal {
        let Patch { op, path, .. } = self;
        bad(format!("Invalid patch path '{path}' specified for op '{op}'. Must be one of: [{allowed}]"))
    }

    /// The refusal of what AWS has and the emulator does not.
    pub(super) fn unmodelled(&self) -> Refusal {
        bad(format!("The emulator does not model the patch path '{}'.", self.path))
    }

    pub(super) fn invalid(&self, expected: &str) -> Refusal {
        bad(format!("Invalid value for the patch path '{}': expected {expected}.", self.path))
    }

    /// The value, where an empty or missing one means none.
    pub(super) fn text(&self) -> Option<String> {
        self.value.clone().filter(|value| !value.is_empty())
    }

    /// The value, which must not be empty.
    pub(super) fn required(&self) -> Result<String, Refusal> {
        self.text().ok_or_else(|| self.invalid("a value"))
    }

    pub(super) fn flag(&self) -> Result<bool, Refusal> {
        match self.value.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(self.invalid("true or false")),
        }
    }

    pub(super) fn number<T: FromStr>(&self) -> Result<T, Refusal> {
        self.required()?.parse().map_err(|_| self.invalid("a number"))
    }

    /// Adds, replaces or removes an entry of a map.
    pub(super) fn entry<T>(
        &self,
        map: &mut BTreeMap<String, T>,
        name: &str,
        value: impl FnOnce(&Patch) -> Result<T, Refusal>,
    ) -> Result<(), Refusal> {
        let name = unescaped(name);
        match self.op {
            Op::Add | Op::Replace => {
                map.insert(name, value(self)?);
            }
            Op::Remove => {
                map.remove(&name).ok_or_else(|| self.invalid("an entry that is there"))?;
            }
        }
        Ok(())
    }

    /// Adds or removes an element of a list.
    pub(super) fn element(&self, list: &mut Vec<String>, element: String) -> Result<(), Refusal> {
        match self.op {
            Op::Add if list.contains(&element) => Err(self.invalid("an element that is not there yet")),
            Op::Add => {
                list.push(element);
                Ok(())
            }
            Op::Remove if list.contains(&element) => {
                list.retain(|other| *other != element);
                Ok(())
            }
            Op::Remove => Err(self.invalid("an element that is there")),
            Op::Replace => Err(self.unknown("add, remove")),
        }
    }
}

/// A part of a path as it is meant (RFC 6901, "JSON Pointer").
pub(super) fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn escaped_parts_of_a_path_are_read_as_they_are_meant() {
        assert_eq!(unescaped("application~1json"), "application/json");
        assert_eq!(unescaped("a~01"), "a~1");
    }
}
