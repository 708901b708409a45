//! What a user chooses: defaults, then the file, then the file's section for the environment, then flags.
//!
//! Each layer overrides single keys of the one before. A key that does not exist, a value of the wrong type, or a value
//! that cannot work is one error that names the file, the key, the reason, and what would be right, before any call.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use crate::environment::{self, Environment};

/// The file that is read if no other is named, where it exists.
pub const DEFAULT_FILE: &str = "stack.toml";

/// Tables of the file that are not tiers.
const NOT_TIERS: [&str; 2] = ["environments", "tags"];

/// All that can be chosen, with the reference document's values as defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The project: with the environment, it names what belongs to this stack. In the tag `stack:project`.
    pub project: String,
    /// The AWS region.
    pub region: String,
    /// Tags of every resource, beside `Environment`, which is the environment's name.
    pub tags: BTreeMap<String, String>,
    /// The network.
    pub vpc: vpc::Args,
    /// The database.
    pub database: database::Args,
    /// The load balancer.
    pub alb: alb::Args,
    /// The application's containers.
    pub ecs: ecs::Args,
}

impl Default for Config {
    fn default() -> Self {
        let tags = [("Repository", "unknown"), ("Author", "unknown")];
        Self {
            project: "payment".to_owned(),
            region: "ap-southeast-1".to_owned(),
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            vpc: vpc::Args::default(),
            database: database::Args {
                // An environment to try things in: `destroy` takes its data along. No other cluster is named.
                allow_data_loss: vec!["payment-cluster-dev".to_owned()],
                ..database::Args::default()
            },
            alb: alb::Args::default(),
            ecs: ecs::Args::default(),
        }
    }
}

impl Config {
    /// The configuration in an environment: what all tiers share is handed to each.
    #[must_use]
    pub fn for_environment(mut self, environment: &Environment) -> Self {
        let name = environment.as_str();
        let mut tags = self.tags.clone();
        tags.insert("Environment".to_owned(), name.to_owned());
        let Self { vpc, database, alb, ecs, .. } = &mut self;
        (vpc.environment, vpc.tags) = (name.to_owned(), tags.clone());
        (database.environment, database.tags) = (name.to_owned(), tags.clone());
        (alb.environment, alb.tags) = (name.to_owned(), tags.clone());
        (ecs.environment, ecs.tags) = (name.to_owned(), tags);
        self
    }

    /// Every key that there is, those without a default too.
    fn all_keys() -> Table {
        let mut config = Self::default();
        config.vpc.zone_count = Some(3);
        config.vpc.availability_zones = Some(Vec::new());
        config.vpc.public_subnet_cidrs = Some(Vec::new());
        config.vpc.private_subnet_cidrs = Some(Vec::new());
        config.vpc.database_subnet_cidrs = Some(Vec::new());
        config.database.capacity.pause_after_seconds = Some(300);
        config.alb.certificate_arn = Some(String::new());
        config.ecs.image = Some(String::new());
        config.ecs.repository.kms_key_arn = Some("".into());
        let check =
            ecs::HealthCheck { command: Vec::new(), interval: 30, timeout: 5, retries: 3, start_period: 60 };
        config.ecs.health_check = Some(check);
        Table::try_from(config).expect("the configuration is a table with text keys")
    }
}

/// What is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", place(file, line, key))]
pub struct ConfigError {
    /// The file, if the value comes from one.
    pub file: Option<PathBuf>,
    /// The line in it, counted from 1.
    pub line: Option<usize>,
    /// The key, such as `vpc.cidr`.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What would be right.
    pub hint: String,
}

fn place(file: &Option<PathBuf>, line: &Option<usize>, key: &Option<String>) -> String {
    let file = file.as_ref().map(|file| file.display().to_string());
    let file = match (file, line) {
        (Some(file), Some(line)) => Some(format!("{file}, line {line}")),
        (file, _) => file,
    };
    let key = key.as_ref().map(|key| format!("`{key}`"));
    [file, key].into_iter().flatten().map(|part| format!("{part}: ")).collect()
}

/// The effective configuration, and where each value comes from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The file that was read, if there was one.
    file: Option<(PathBuf, String)>,
    /// The environment whose section applies.
    environment: Environment,
    /// Keys that a flag set.
    flags: Vec<String>,
}

/// Reads the file and puts the layers together. `overrides` are keys and values of flags.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(
    file: Option<&Path>,
    environment: &Environment,
    overrides: &[(&str, &str)],
) -> Result<Loaded, ConfigError> {
    let file = read(file)?;
    let mut merged = Table::try_from(Config::default()).expect("the defaults are a table with text keys");
    let mut loaded = Loaded {
        config: Config::default(),
        file,
        environment: environment.clone(),
        flags: overrides.iter().map(|(key, _)| (*key).to_owned()).collect(),
    };
    if let Some((path, text)) = &loaded.file {
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| syntax(path, text, &error))?;
        let environments = table.remove("environments").unwrap_or_else(|| Table::new().into());
        let Value::Table(environments) = environments else {
            return Err(loaded.error("environments", "it must be a table", "write [environments.dev]"));
        };
        loaded.check(&table, "")?;
        for (name, section) in &environments {
            let key = format!("environments.{name}");
            if let Err(error) = name.parse::<Environment>() {
                return Err(loaded.error(&key, error.to_string(), environment::RULE));
            }
            let Value::Table(section) = section else {
                return Err(loaded.error(&key, "it must be a table", format!("write [environments.{name}]")));
            };
            loaded.check(section, &key)?;
        }
        merge(&mut merged, table);
        if let Some(Value::Table(section)) = environments.get(environment.as_str()).cloned() {
            merge(&mut merged, section);
        }
    }
    for (key, value) in overrides {
        merged.insert((*key).to_owned(), Value::String((*value).to_owned()));
    }
    let result = serde_path_to_error::deserialize(merged);
    loaded.config = result.map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
        loaded.error(&error.path().to_string(), error.inner().message(), "see stack.toml in the repository")
    })?;
    loaded.validate()?;
    Ok(loaded)
}

fn read(file: Option<&Path>) -> Result<Option<(PathBuf, String)>, ConfigError> {
    let path = file.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => Ok(None),
        Err(error) => Err(ConfigError {
            file: Some(path.to_owned()),
            line: None,
            key: None,
            reason: format!("it cannot be read: {error}"),
            hint: "name a file that can be read with --config, or leave the option out to use the defaults"
                .to_owned(),
        }),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError {
        file: Some(path.to_owned()),
        line: error.span().map(|span| line_of(text, span.start)),
        key: None,
        reason: format!("this is not TOML: {}", error.message()),
        hint: "texts need quotes, lists brackets, and a table is a line like [vpc]".to_owned(),
    }
}

/// Puts `over` on top of `base`, table by table; lists are replaced as a whole.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

impl Loaded {
    /// Whether every key in this part of the file exists and has a value of its type.
    fn check(&self, table: &Table, prefix: &str) -> Result<(), ConfigError> {
        let key = |path: &str| if prefix.is_empty() { path.to_owned() } else { format!("{prefix}.{path}") };
        let all = Config::all_keys();
        if let Some(unknown) = unknown_key(table, &all) {
            let name = unknown.last().copied().unwrap_or_default();
            let path = key(&unknown.join("."));
            if unknown.len() == 1 && table.get(name).is_some_and(Value::is_table) {
                let tiers: Vec<&str> = tiers(&all).collect();
                let hint =
                    format!("the tiers are: {}{}", tiers.join(", "), nearest(name, tiers.iter().copied()));
                return Err(self.error(&path, "there is no such tier", hint));
            }
            let around = unknown[..unknown.len() - 1]
                .iter()
                .try_fold(&all, |table, part| table.get(*part)?.as_table());
            return Err(self.error(&path, "there is no such key", choices(around.unwrap_or(&all), name)));
        }
        let typed: Result<Config, _> = serde_path_to_error::deserialize(table.clone());
        match typed {
            Ok(_) => Ok(()),
            Err(error) => {
                let path = key(&error.path().to_string());
                let hint = default_of(&error.path().to_string());
                Err(self.error(&path, error.inner().message(), hint))
            }
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let config = &self.config;
        let word = |text: &str| {
            (1..=32).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if !word(&config.project) {
            let reason = format!("`{}` is not the name of a project", config.project);
            return Err(self.error("project", reason, "use 1 to 32 lower case letters, digits and hyphens"));
        }
        if !is_region(&config.region) {
            let reason = format!("`{}` is not an AWS region", config.region);
            return Err(self.error("region", reason, "write it like ap-southeast-1"));
        }
        Ok(())
    }

    /// An error about a key, with the place in the file that set it.
    #[must_use]
    pub fn error(&self, key: &str, reason: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        let in_environment = format!("environments.{}.{key}", self.environment);
        let from_flag = self.flags.iter().any(|flag| flag == key);
        let found = self.file.as_ref().filter(|_| !from_flag).and_then(|(path, text)| {
            let keys = [in_environment.as_str(), key];
            let (key, line) = keys.into_iter().find_map(|key| Some((key, locate(text, key)?)))?;
            Some((path.clone(), key.to_owned(), line))
        });
        let (file, key, line) = match found {
            Some((file, key, line)) => (Some(file), key, Some(line)),
            None => (None, if from_flag { format!("--{key}") } else { key.to_owned() }, None),
        };
        ConfigError { file, line, key: Some(key), reason: reason.into(), hint: hint.into() }
    }
}

/// Such as `ap-southeast-1` or `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let number =
        parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
    (3..=5).contains(&parts.len()) && parts[..parts.len() - 1].iter().all(letters) && number
}

fn tiers(known: &Table) -> impl Iterator<Item = &str> {
    known
        .iter()
        .filter(|(name, value)| value.is_table() && !NOT_TIERS.contains(&name.as_str()))
        .map(|(name, _)| name.as_str())
}

fn choices(known: &Table, wrong: &str) -> String {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    format!("the keys here are: {}{}", names.join(", "), nearest(wrong, names.iter().copied()))
}

/// `; did you mean …?` where one name is close.
fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

/// Tables whose keys the user chooses.
const FREE_KEYS: [&str; 2] = ["environment_variables", "tags"];

/// The path to the first key of `table` that `all` does not have.
fn unknown_key<'a>(table: &'a Table, all: &Table) -> Option<Vec<&'a str>> {
    table.iter().find_map(|(name, value)| match (value, all.get(name)) {
        (_, None) => Some(vec![name.as_str()]),
        (Value::Table(inner), Some(Value::Table(all))) if !FREE_KEYS.contains(&name.as_str()) => {
            let mut path = unknown_key(inner, all)?;
            path.insert(0, name);
            Some(path)
        }
        _ => None,
    })
}

fn default_of(path: &str) -> String {
    let defaults = Table::try_from(Config::default()).expect("the defaults are a table with text keys");
    let mut value = None;
    let mut table = Some(&defaults);
    for part in path.split('.') {
        value = table.and_then(|table| table.get(part));
        table = value.and_then(Value::as_table);
    }
    match value {
        Some(value) if !value.is_table() => format!("the default is: {value}"),
        _ => "see stack.toml in the repository".to_owned(),
    }
}

/// The line on which a dotted key such as `vpc.cidr` or `vpc.zones[0]` is set.
fn locate(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table: Option<&DeTable<'_>> = Some(root.get_ref());
    let mut line = None;
    for part in key.split('.') {
        let name = part.split('[').next().unwrap_or(part);
        let (name, value) = table?.iter().find(|(known, _)| known.get_ref().as_ref() == name)?;
        line = Some(line_of(text, name.span().start));
        table = match value.get_ref() {
            DeValue::Table(inner) => Some(inner),
            _ => None,
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, environment: &str) -> Result<Loaded, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stack.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), &environment.parse().unwrap(), &[]).map_err(|mut error| {
            error.file = error.file.map(|file| file.file_name().unwrap().into());
            error
        })
    }

    fn error(text: &str) -> (String, String) {
        let error = load_text(text, "dev").unwrap_err();
        (error.to_string(), error.hint)
    }

    #[test]
    fn the_section_of_the_environment_overrides_single_keys_of_the_file() {
        let text = "[vpc]\ncidr = \"10.1.0.0/16\"\nzone_count = 2\n[environments.prod.vpc]\nzone_count = 4\n";
        let dev = load_text(text, "dev").unwrap().config;
        let prod = load_text(text, "prod").unwrap().config;
        assert_eq!((dev.vpc.zone_count, prod.vpc.zone_count), (Some(2), Some(4)));
        assert_eq!(prod.vpc.cidr, dev.vpc.cidr);
        assert_eq!(dev.region, "ap-southeast-1");
    }

    #[test]
    fn each_mistake_is_one_error_with_file_line_key_reason_and_hint() {
        for (text, message, hint) in [
            ("[vpc\n", "stack.toml, line 1: this is not TOML", "a table is a line like [vpc]"),
            (
                "[vcp]\nzone_count = 2\n",
                "stack.toml, line 1: `vcp`: there is no such tier",
                "did you mean `vpc`?",
            ),
            (
                "regoin = \"x\"\n",
                "stack.toml, line 1: `regoin`: there is no such key",
                "did you mean `region`?",
            ),
            (
                "[vpc]\ncidr = \"10.0.0.0/16\"\nzone_cuont = 2\n",
                "line 3: `vpc.zone_cuont`: there is no",
                "`zone_count`?",
            ),
            (
                "[vpc.flow_logs]\nretention = 1\n",
                "line 2: `vpc.flow_logs.retention`: there is no",
                "retention_in_days",
            ),
            (
                "[vpc]\nnat = \"two\"\n",
                "line 2: `vpc.nat`: unknown variant `two`",
                "the default is: \"one_per_zone\"",
            ),
            (
                "[vpc]\ncidr = \"10.0.0/16\"\n",
                "line 2: `vpc.cidr`: invalid",
                "the default is: \"10.0.0.0/16\"",
            ),
            (
                "[vpc]\ns3_endpoint = \"no\"\n",
                "line 2: `vpc.s3_endpoint`: invalid type",
                "the default is: true",
            ),
            ("region = \"mars\"\n", "line 1: `region`: `mars` is not an AWS region", "ap-southeast-1"),
            ("[environments.Dev]\n", "`environments.Dev`: `Dev` is not the name", "lower case"),
            (
                "[environments.prod]\nregon = \"x\"\n",
                "line 2: `environments.prod.regon`: there is no such",
                "region",
            ),
            (
                "[environments.prod.vpc]\nzone_count = -1\n",
                "line 2: `environments.prod.vpc.zone_count`: invalid",
                "",
            ),
        ] {
            let (actual, actual_hint) = error(text);
            assert!(actual.contains(message), "{text:?} gave {actual:?}");
            assert!(actual_hint.contains(hint), "{text:?} gave {actual_hint:?}");
        }
    }

    #[test]
    fn an_error_found_later_names_the_line_that_set_the_value() {
        let loaded =
            load_text("[vpc]\nzone_count = 2\n[environments.dev.vpc]\nzone_count = 3\n", "dev").unwrap();
        assert_eq!(loaded.error("vpc.zone_count", "no", "").line, Some(4));
        assert_eq!(loaded.error("vpc.nat", "no", "").line, None);
    }

    #[test]
    fn a_named_file_must_exist_and_the_default_one_need_not() {
        let environment: Environment = "dev".parse().unwrap();
        assert!(load(Some(Path::new("no-such-file.toml")), &environment, &[]).is_err());
    }

    #[test]
    fn flags_win_and_their_errors_name_the_flag() {
        let environment: Environment = "dev".parse().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stack.toml");
        std::fs::write(&path, "region = \"eu-west-1\"\n").unwrap();
        let loaded = load(Some(&path), &environment, &[("region", "us-east-1")]).unwrap();
        assert_eq!(loaded.config.region, "us-east-1");
        let error = load(Some(&path), &environment, &[("region", "mars")]).unwrap_err();
        assert!(error.to_string().starts_with("`--region`: `mars`"), "{error}");
    }
}
