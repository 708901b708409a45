//! What the configuration of a program can have: the keys that all programs share, and a section for each of its tiers.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::keys::{Keys, lookup, written};
use super::sections::Sections;
use super::{Common, Config, schema};
use crate::tier::Registered;

/// All keys, their defaults, and the types that they are read into.
pub(crate) struct Catalogue {
    tiers: Vec<Arc<dyn Registered>>,
    /// The schemas of the keys at the top.
    schemas: Map<String, Json>,
    keys: Keys,
    defaults: Table,
}

/// A value that does not have the type of its key.
pub(super) struct Unreadable {
    /// The section that it is in, if it is in one.
    pub(super) section: Option<&'static str>,
    pub(super) error: serde_path_to_error::Error<toml::de::Error>,
}

impl Catalogue {
    pub(crate) fn new(tiers: Vec<Arc<dyn Registered>>) -> Self {
        let config = defaults(&tiers);
        let defaults = Table::try_from(config).expect("the defaults are a table with text keys");
        let schemas = schema::top_keys(&tiers, &defaults);
        let keys = Keys::at_the_top(&schemas);
        Self { tiers, schemas, keys, defaults }
    }

    /// The JSON schema of the file.
    pub(crate) fn schema(&self) -> Json {
        schema::schema(&self.schemas)
    }

    /// The configuration where nobody says anything.
    pub(crate) fn default_config(&self) -> Config {
        defaults(&self.tiers)
    }

    /// The keys of the configuration. Its sections for environments have the same ones.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The schemas of the keys at the top.
    pub(super) fn schemas(&self) -> &Map<String, Json> {
        &self.schemas
    }

    pub(super) fn defaults(&self) -> &Table {
        &self.defaults
    }

    /// What the default of a key is, in words.
    pub(super) fn default_of<S: AsRef<str>>(&self, path: &[S]) -> String {
        match lookup(&self.defaults, path) {
            Some(value) if !value.is_table() => format!("the default is: {}", written(value)),
            _ => "see stack.toml in the repository".to_owned(),
        }
    }

    /// The configuration that these values are, if each has the type of its key.
    pub(super) fn read(&self, values: &Table) -> Result<Config, Unreadable> {
        let is_shared = |name: &String| self.tiers.iter().all(|tier| tier.name() != name);
        let shared: Table =
            values.iter().filter(|(name, _)| is_shared(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let common = serde_path_to_error::deserialize(Value::Table(shared))
            .map_err(|error| Unreadable { section: None, error })?;
        let mut sections = Sections::default();
        for tier in &self.tiers {
            let section = match values.get(tier.name()) {
                Some(value) => tier
                    .read(value.clone())
                    .map_err(|error| Unreadable { section: Some(tier.name()), error })?,
                None => tier.defaults(),
            };
            sections.insert(tier.name(), section);
        }
        Ok(Config::new(common, sections))
    }
}

fn defaults(tiers: &[Arc<dyn Registered>]) -> Config {
    let mut sections = Sections::default();
    tiers.iter().for_each(|tier| sections.insert(tier.name(), tier.defaults()));
    Config::new(Common::default(), sections)
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.names()).finish()
    }
}
