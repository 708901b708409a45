//! Single values from outside of the file: variables of the process's environment, and `--set`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::str::FromStr;
use std::sync::Arc;

use toml::{Table, Value};

use super::keys::{Keys, closest, join, lookup, nearest};
use super::layers::{Layers, Origin};
use super::{Catalogue, ConfigError};

/// What the names of variables begin with.
const PREFIX: &str = "STACK_";
/// Variables for flags that are not values of the configuration.
const FLAGS: [&str; 4] = ["STACK_CONFIG", "STACK_ENV", "STACK_STATE_DIR", "STACK_TARGET"];
/// A name that is no longer is close to another one only if it is one slip away.
const SHORT: usize = 5;
/// Stands between the keys of a path in the name of a variable.
const SEPARATOR: &str = "__";

/// The variables among these that set values of the configuration, sorted.
///
/// # Errors
/// For a value that is not text.
pub fn variables(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let ours = all.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let ours = ours.filter(|(name, _)| name.starts_with(PREFIX) && !FLAGS.contains(&name.as_str()));
    let texts = ours.map(|(name, value)| match value.into_string() {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(ConfigError::about(name, "its value is not text", "write it in UTF-8")),
    });
    let mut variables: Vec<(String, String)> = texts.collect::<Result<_, _>>()?;
    variables.sort();
    Ok(variables)
}

/// `KEY=VALUE` of `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    path: Vec<String>,
    value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "KEY=VALUE is wanted, such as vpc.nat=single";
        let (key, value) = text.split_once('=').ok_or(wanted)?;
        let path =
            path_of(key).ok_or_else(|| format!("`{}` is not a key: {wanted}", engine::visible(key)))?;
        Ok(Self { path, value: value.to_owned() })
    }
}

/// The path that a key like `tags."cost center"` stands for.
fn path_of(key: &str) -> Option<Vec<String>> {
    let mut table: Table = Some(format!("{key} = 0")).filter(|line| !line.contains('\n'))?.parse().ok()?;
    let mut path = Vec::new();
    loop {
        let mut entries = table.into_iter();
        let (name, value) = entries.next()?;
        path.push(name);
        match (value, entries.next()) {
            (Value::Table(inner), None) => table = inner,
            (Value::Integer(0), None) => return Some(path),
            _ => return None,
        }
    }
}

impl Setting {
    /// The key, as TOML writes it.
    pub(crate) fn key(&self) -> String {
        join(&self.path)
    }

    /// The first part of the key: a section, or a key at the top.
    pub(crate) fn section(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// The value, as it was given.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

impl Catalogue {
    /// Whether a variable only begins like those of this program: its name is of one part, which is neither a key nor close to
    /// one. Others may use such names; `__` is in none by chance.
    pub(super) fn is_stray(&self, variable: &str) -> bool {
        let name = variable.strip_prefix(PREFIX).unwrap_or(variable);
        if name.contains(SEPARATOR) || self.keys().get(&name.to_ascii_lowercase()).is_some() {
            return false;
        }
        let tables = self.keys().names().map(|name| spelled(&[name]));
        let values = self.keys().paths().into_iter().map(|path| spelled(&path));
        let known: Vec<String> = tables.chain(values).chain(FLAGS.map(str::to_owned)).collect();
        // Short names are all close to each other.
        let slips = if name.len() <= SHORT { 1 } else { 2 };
        closest(&variable.to_ascii_uppercase(), known.iter().map(String::as_str), slips).is_none()
    }

    /// Whether a command that needs no more of the configuration than where the state is has to know of a variable. Of what sets
    /// nothing, only what may be meant for the state or the credentials is still an error.
    pub(crate) fn wants(&self, variable: &str) -> bool {
        let Some(mut rest) = variable.strip_prefix(PREFIX) else { return false };
        if ["STATE", "AWS"].iter().any(|of| rest.split(SEPARATOR).next() == Some(*of)) {
            return true;
        }
        let mut keys = self.keys();
        loop {
            let (part, after) =
                rest.split_once(SEPARATOR).map_or((rest, None), |(part, after)| (part, Some(after)));
            let Some(inner) = keys.get(&part.to_ascii_lowercase()) else { return false };
            match (inner, after) {
                (Keys::Free(_), _) | (_, None) => return true,
                (_, Some(after)) => (keys, rest) = (inner, after),
            }
        }
    }
}

impl Layers {
    /// Lays the value of one `--set` on top.
    pub(super) fn lay_setting(&mut self, setting: &Setting) -> Result<(), ConfigError> {
        let Setting { path, value } = setting;
        let flag = format!("--set {}", join(path));
        let catalogue = Arc::clone(&self.catalogue);
        let mut keys = catalogue.keys();
        for (index, name) in path.iter().enumerate() {
            keys = keys.get(name).ok_or_else(|| {
                let wrong = keys.unknown(&path[..=index], false);
                ConfigError::about(&flag, wrong.reason, wrong.hint)
            })?;
        }
        self.lay_text(keys, path, value, &Origin::Flag(flag.clone()), |name| format!("{}.{name}", join(path)))
    }

    /// Lays the value of one variable on top.
    pub(super) fn lay_variable(
        &mut self,
        names: &mut ChosenNames,
        name: &str,
        value: &str,
    ) -> Result<(), ConfigError> {
        let catalogue = Arc::clone(&self.catalogue);
        let (keys, path) = self.path_of_variable(catalogue.keys(), names, name)?;
        let origin = Origin::Variable(name.to_owned());
        self.lay_text(keys, &path, value, &origin, |key| format!("{name}{SEPARATOR}{}", key.to_uppercase()))
    }

    fn lay_text(
        &mut self,
        keys: &Keys,
        path: &[String],
        text: &str,
        origin: &Origin,
        inner: impl Fn(&str) -> String,
    ) -> Result<(), ConfigError> {
        let about = |reason: String, hint: String| ConfigError::about(origin.to_string(), reason, hint);
        let Keys::Value(kind) = keys else {
            let example = keys.names().next().unwrap_or("name");
            let reason = format!("`{}` is a table and not a value", join(path));
            return Err(about(reason, format!("set its keys one by one, such as {}", inner(example))));
        };
        let value = kind.value(text).map_err(|reason| about(reason, self.catalogue.default_of(path)))?;
        self.set(path, value, |_| origin.clone());
        Ok(())
    }

    /// The key that a variable's name stands for: `STACK_VPC__FLOW_LOGS__ENABLED` for `vpc.flow_logs.enabled`. A key
    /// that the user chooses is meant as it is written there, unless there is already one that differs only in case, such
    /// as `Author` for `STACK_TAGS__AUTHOR`.
    fn path_of_variable<'a>(
        &self,
        all: &'a Keys,
        names: &mut ChosenNames,
        variable: &str,
    ) -> Result<(&'a Keys, Vec<String>), ConfigError> {
        let mut keys = all;
        let mut path: Vec<String> = Vec::new();
        let mut rest = variable.strip_prefix(PREFIX);
        while let Some(text) = rest {
            let (part, after) = match text.split_once(SEPARATOR) {
                Some((part, after)) => (part, Some(after)),
                None => (text, None),
            };
            let (name, after) = match keys {
                // Two underscores can be part of a name that the user chooses.
                Keys::Free(inner) if matches!(**inner, Keys::Value(_)) => {
                    (names.meant(self, &path, text), None)
                }
                Keys::Free(_) => (names.meant(self, &path, part), after),
                Keys::Table(_) | Keys::Value(_) => (part.to_ascii_lowercase(), after),
            };
            keys =
                keys.get(&name).filter(|_| !name.is_empty()).ok_or_else(|| unknown(variable, all, keys))?;
            path.push(name);
            rest = after;
        }
        Ok((keys, path))
    }
}

/// The names in tables whose keys the user chooses, by how they read in lower case. They are collected once, so that each of
/// many variables is found without a look at all of them.
#[derive(Debug, Default)]
pub(super) struct ChosenNames {
    tables: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl ChosenNames {
    /// The key in a table that is meant by a name: the one that differs only in case, if there is exactly one and none that is
    /// the same. From then on it is there.
    fn meant(&mut self, layers: &Layers, table: &[String], name: &str) -> String {
        let by_lower = self.tables.entry(join(table)).or_insert_with(|| {
            let table = lookup(&layers.values, table).and_then(Value::as_table);
            let mut by_lower: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for known in table.into_iter().flat_map(Table::keys) {
                by_lower.entry(known.to_ascii_lowercase()).or_default().insert(known.clone());
            }
            by_lower
        });
        let twins = by_lower.entry(name.to_ascii_lowercase()).or_default();
        match (twins.contains(name), twins.len(), twins.first()) {
            (false, 1, Some(twin)) => twin.clone(),
            _ => {
                twins.insert(name.to_owned());
                name.to_owned()
            }
        }
    }
}

/// The error for a variable that sets nothing. `around` is where the search for its key has ended.
fn unknown(variable: &str, all: &Keys, around: &Keys) -> ConfigError {
    let known: Vec<String> = all.paths().iter().map(|path| spelled(path)).collect();
    let upper = variable.to_ascii_uppercase();
    let meant = nearest(&upper, known.iter().map(String::as_str).chain(FLAGS));
    let hint = format!(
        "its name is {PREFIX} and a key, with {SEPARATOR} for each dot, such as STACK_VPC__NAT; {}{meant}",
        around.choices()
    );
    ConfigError::about(variable, "there is no such key", hint)
}

/// The variable for a key.
fn spelled(path: &[&str]) -> String {
    format!("{PREFIX}{}", path.join(SEPARATOR).to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As by a look at all names for each, which takes as long as their product.
        #[test]
        fn a_name_is_the_only_one_that_differs_in_case_or_a_new_one(
            names in prop::collection::vec("[aAbB]{1,2}", 0..8), more in prop::collection::vec("[aAbB]{1,2}", 1..8)
        ) {
            let table = ["tags".to_owned()];
            let mut layers = Layers::defaults(crate::payment::program().catalogue());
            layers.values = Table::new();
            let set = |layers: &mut Layers, name: &str| {
                layers.set(&[table[0].clone(), name.to_owned()], "x".into(), |_| Origin::Default);
            };
            names.iter().for_each(|name| set(&mut layers, name));
            let mut chosen = ChosenNames::default();
            for name in more {
                let meant = chosen.meant(&layers, &table, &name);
                let known: Vec<String> = lookup(&layers.values, &table)
                    .and_then(Value::as_table)
                    .map(|table| table.keys().cloned().collect())
                    .unwrap_or_default();
                let twins: Vec<&String> = known.iter().filter(|known| known.eq_ignore_ascii_case(&name)).collect();
                let expected = match twins.as_slice() {
                    [twin] if !known.contains(&name) => (*twin).clone(),
                    _ => name,
                };
                prop_assert_eq!(&meant, &expected);
                set(&mut layers, &meant);
            }
        }
    }

    #[test]
    fn a_setting_is_a_key_as_toml_writes_it_and_a_value() {
        let setting: Setting = "tags.\"cost center\"=a=b".parse().unwrap();
        assert_eq!(setting.path, ["tags", "cost center"]);
        assert_eq!(setting.value, "a=b");
        for bad in ["vpc.nat", "=1", "vpc..nat=1", "a b=1", "#=1", "[vpc]\nnat=1", "a\nb=1"] {
            assert!(bad.parse::<Setting>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_variable_that_only_begins_like_ours_is_stray_and_a_slip_is_not() {
        let program = crate::payment::program();
        let catalogue = program.catalogue();
        for stray in
            ["STACK_NAME", "STACK_APP", "STACK_VERSION", "STACK_ID", "STACK_TAG_NAME", "STACK_", "STACK_URL"]
        {
            assert!(catalogue.is_stray(stray), "{stray}");
            assert!(!catalogue.wants(stray), "{stray}");
        }
        for ours in [
            "STACK_REGION",
            "STACK_REGOIN",
            "STACK_PROJECTS",
            "STACK_ENVS",
            "STACK_VPC",
            "STACK_TARGTE",
            "STACK_VPC_NAT",
            "STACK_X__Y",
        ] {
            assert!(!catalogue.is_stray(ours), "{ours}");
        }
        for needed in ["STACK_REGION", "STACK_STATE__BUKCET", "STACK_VPC__NAT", "STACK_TAGS__OWNER"] {
            assert!(catalogue.wants(needed), "{needed}");
        }
        assert!(!catalogue.wants("STACK_VPC__ZONES"));
    }

    #[test]
    fn variables_of_others_and_of_other_flags_are_left_alone() {
        let all = [
            "PATH",
            "STACK_ENV",
            "STACK_CONFIG",
            "STACK_STATE_DIR",
            "STACK_TARGET",
            "STACK_REGION",
            "STACK_A",
        ];
        let all = all.into_iter().map(|name| (OsString::from(name), OsString::from("x")));
        let names: Vec<String> = variables(all).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["STACK_A", "STACK_REGION"]);
    }
}
