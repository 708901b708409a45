//! What a user chooses: defaults, then the file, then the file's section for the environment, then variables, then
//! flags.
//!
//! Each layer overrides single keys of the one before. A key that does not exist, a value of the wrong type, or a value
//! that cannot work is one error that names the file or the variable or the flag, the key, the reason, and what would be
//! right, before any call. Which keys there are is known from the types of the arguments of the program's tiers, by their JSON
//! schema: a field is a key, with its doc comment as the editor's help.

mod blame;
mod candidates;
mod catalogue;
mod error;
mod file;
mod keys;
mod layers;
mod region;
mod schema;
mod secrets;
mod sections;
mod settings;
mod show;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use toml::Table;

use self::file::File;
use self::layers::Layers;
use self::region::is_region;
use self::settings::ChosenNames;
use self::values::Common;
use crate::environment::Environment;
use crate::input;
use crate::output::Lines;
use crate::payment;

pub(crate) use self::candidates::{Assignment, Key, Takes};
pub(crate) use self::catalogue::Catalogue;
pub use self::error::ConfigError;
pub(crate) use self::keys::closest;
pub use self::layers::Origin;
pub(crate) use self::region::partition;
pub(crate) use self::sections::AnySection;
pub use self::settings::{Setting, variables};
pub use self::values::{Config, Logs};
pub(crate) use self::values::{DEFAULT_REGION, OWN_TAG};

/// The file that is read if no other is named, where it exists.
pub const DEFAULT_FILE: &str = "stack.toml";

/// The layers above the defaults.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The file; [`DEFAULT_FILE`], if it exists, where none is named.
    pub file: Option<&'a Path>,
    /// The environment whose section of the file applies.
    pub environment: &'a Environment,
    /// Variables, from [`variables`].
    pub variables: &'a [(String, String)],
    /// What `--set` says, in order.
    pub settings: &'a [Setting],
    /// What `--region` says.
    pub region: Option<&'a str>,
}

impl<'a> Sources<'a> {
    /// Only a file.
    #[must_use]
    pub fn file(file: Option<&'a Path>, environment: &'a Environment) -> Self {
        Self { file, environment, variables: &[], settings: &[], region: None }
    }
}

/// The effective configuration, and where each value comes from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// What is no error, and may be a slip.
    pub remark: Option<String>,
    /// The environment that may be meant, where the file has no section for this one.
    pub(crate) meant: Option<String>,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Whether the file has a section for the environment, which says that its name is no slip.
    pub(crate) is_named: bool,
    /// The environments that the file has sections for.
    pub(crate) sections: Vec<String>,
    /// Variables that begin like those of this program, and set nothing.
    pub(crate) ignored: Vec<String>,
    layers: Layers,
}

/// Reads the layers of the payment stack's configuration and puts them on top of each other.
/// [`Program::load`](crate::Program::load) does it for a program with other tiers.
///
/// # Errors
/// The first thing that is wrong.
pub fn load(sources: &Sources<'_>) -> Result<Loaded, ConfigError> {
    payment::program().load(sources)
}

/// The JSON schema of the payment stack's configuration file, draft 7, which all editors know. A section of `environments`
/// has all keys that the file has.
#[must_use]
pub fn schema() -> Json {
    payment::program().schema()
}

/// The environments that a file has a section for, whatever else is in it; none where it cannot be read.
pub(crate) fn environments(file: Option<&Path>) -> Vec<String> {
    let Ok(text) = input::read(file.unwrap_or(Path::new(DEFAULT_FILE))) else { return Vec::new() };
    let table: Table = text.parse().unwrap_or_default();
    let sections = table.get("environments").and_then(|it| it.as_table());
    let names = sections.into_iter().flat_map(|it| it.keys());
    names.filter(|name| name.parse::<Environment>().is_ok()).cloned().collect()
}

/// Reads the layers and puts them on top of each other.
pub(crate) fn load_from(catalogue: &Arc<Catalogue>, sources: &Sources<'_>) -> Result<Loaded, ConfigError> {
    let mut layers = Layers::defaults(catalogue);
    let (mut remark, mut meant, mut read, mut is_named) = (None, None, None, false);
    let (mut sections, mut ignored) = (Vec::new(), Vec::new());
    if let Some(file) = File::read(catalogue, sources.file)? {
        let environment = sources.environment;
        file.lay_on(&mut layers, environment)?;
        is_named = file.names(environment);
        sections = file.sections();
        meant = file.meant(environment).map(str::to_owned);
        read = Some(file.path().to_owned());
        let path = file.path().display();
        remark = meant.as_ref().map(|meant| {
            format!("{path} has no section [environments.{environment}]; did you mean --env {meant}?")
        });
    }
    let mut names = ChosenNames::default();
    // A wrong value is an error even where a layer above hides it, so that it does not wait there for somebody else.
    for (name, value) in sources.variables {
        if catalogue.is_stray(name) {
            ignored.push(name.clone());
            continue;
        }
        layers.lay_variable(&mut names, name, value)?;
    }
    layers.typed()?;
    for setting in sources.settings {
        layers.lay_setting(setting)?;
    }
    if let Some(region) = sources.region {
        layers.set(&["region".to_owned()], region.into(), |_| Origin::Flag("--region".to_owned()));
    }
    let config = layers.typed()?;
    layers.check_ambiguous()?;
    // What is shown is what is used: with the defaults of what only some layer has begun.
    layers.values = Table::try_from(&config).expect("the configuration is a table with text keys");
    let loaded = Loaded { config, remark, meant, file: read, is_named, sections, ignored, layers };
    loaded.validate()?;
    Ok(loaded)
}

/// Whether a project can have this name; otherwise why not, and what would be right.
pub(crate) fn check_project(name: &str) -> Result<(), (String, &'static str)> {
    let is_word = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let reason = || format!("`{name}` is not the name of a project");
    if is_word { Ok(()) } else { Err((reason(), "use 1 to 32 lower case letters, digits and hyphens")) }
}

/// Whether a text has the form of a region's name; otherwise why not, and what would be right.
pub(crate) fn check_region(name: &str) -> Result<(), (String, &'static str)> {
    let reason = || format!("`{name}` is not an AWS region");
    if is_region(name) { Ok(()) } else { Err((reason(), "write it like ap-southeast-1")) }
}

impl Loaded {
    fn validate(&self) -> Result<(), ConfigError> {
        let config = &self.config;
        check_project(&config.project).map_err(|(reason, hint)| self.error("project", reason, hint))?;
        check_region(&config.region).map_err(|(reason, hint)| self.error("region", reason, hint))?;
        if let Some((key, what)) = secrets::find(self.layers.catalogue.keys(), &self.layers.values) {
            let hint = "whoever sees the file, the plan or the objects in AWS can read it: keep it in Secrets Manager, let the \
                        application fetch it, and revoke the one that stood here. If it is no secret, give it another name, such as \
                        one that ends in _NAME";
            return Err(self.error(&key, format!("it is or has {what}"), hint));
        }
        if let Some(own) = config.own_tag() {
            let (reason, hint) = OWN_TAG;
            return Err(self.error(&path_of_keys(&["tags", own]), reason, hint));
        }
        if let Err(error) = config.ignored_tags() {
            let hint = "name keys that others set, such as \"CostCenter\" or \"org:*\"";
            return Err(self.error("ignored_tags", error.to_string(), hint));
        }
        if let Some(wrong) = config.state.wrong(config.state_region()).or_else(|| config.aws.wrong()) {
            return Err(self.error(wrong.key, wrong.reason, wrong.hint));
        }
        Ok(())
    }

    /// An error about a key, with the place that its value comes from.
    #[must_use]
    pub fn error(&self, key: &str, reason: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        self.layers.error(key, reason, hint)
    }

    /// What is said of variables that set nothing.
    pub(crate) fn remark_ignored(&self) -> Lines {
        match self.ignored.as_slice() {
            [] => Lines::new(),
            ignored => Lines::from(&format!(
                "warning: ignored variables that are no key of the configuration: {}",
                ignored.join(", ")
            )),
        }
    }

    /// The effective values as TOML, each with its origin in a comment. Read as a file, it gives the same configuration.
    #[must_use]
    pub fn to_toml(&self) -> Lines {
        self.layers.toml()
    }

    /// The effective values and their origins for programs: `{KEY: {"value": …, "origin": {"layer": …}}}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.layers.json()
    }
}

/// A path of keys as TOML writes it, as messages name a key.
pub(crate) fn path_of_keys(path: &[&str]) -> String {
    keys::join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, environment: &str) -> Result<Loaded, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stack.toml");
        std::fs::write(&path, text).unwrap();
        load(&Sources::file(Some(&path), &environment.parse().unwrap())).map_err(|mut error| {
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
        assert_eq!(
            (dev.section::<vpc::Tier>().zone_count, prod.section::<vpc::Tier>().zone_count),
            (Some(2), Some(4))
        );
        assert_eq!(prod.section::<vpc::Tier>().cidr, dev.section::<vpc::Tier>().cidr);
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
                "line 2: `vpc.cidr`: `10.0.0/16` is not a valid CIDR block",
                "such as 10.0.0.0/16",
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
        let error = loaded.error("vpc.zone_count", "no", "");
        assert_eq!((error.line, error.key.as_deref()), (Some(4), Some("environments.dev.vpc.zone_count")));
        assert_eq!(loaded.error("vpc.nat", "no", "").line, None);
    }

    #[test]
    fn an_error_about_a_table_or_a_place_in_a_list_names_its_line() {
        let text = "[alb]\ningress_cidrs = [\"10.0.0.0/8\"]\n[ecs.environment_variables]\n\"a b\" = \"1\"\n";
        let loaded = load_text(text, "dev").unwrap();
        let error = loaded.error("alb.ingress_cidrs[0]", "no", "");
        assert_eq!((error.line, error.key.as_deref()), (Some(2), Some("alb.ingress_cidrs[0]")));
        assert_eq!(loaded.error("ecs.environment_variables", "no", "").line, Some(3));
    }

    #[test]
    fn a_section_may_change_one_key_of_what_the_file_has_begun() {
        let text = "[ecs.health_check]\ncommand = [\"CMD\", \"/ok\"]\n[environments.dev.ecs.health_check]\ninterval = 9\n";
        let check =
            load_text(text, "dev").unwrap().config.section::<ecs::Tier>().health_check.clone().unwrap();
        assert_eq!((check.interval, check.timeout), (9, 5));
        let (error, _) = error("[ecs.health_check]\ninterval = 9\n");
        assert!(error.contains("line 1: `ecs.health_check`: missing field `command`"), "{error}");
    }

    #[test]
    fn a_named_file_must_exist_and_the_default_one_need_not() {
        let environment: Environment = "dev".parse().unwrap();
        assert!(load(&Sources::file(Some(Path::new("no-such-file.toml")), &environment)).is_err());
    }

    /// `region` and `vpc.nat` in a file, the rest as given.
    fn load_layers(
        variables: &[(&str, &str)],
        settings: &[&str],
        region: Option<&str>,
    ) -> Result<Loaded, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stack.toml");
        let text =
            "region = \"eu-west-1\"\n[vpc]\nnat = \"single\"\n[environments.prod]\nregion = \"eu-west-2\"\n";
        std::fs::write(&path, text).unwrap();
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings: Vec<Setting> = settings.iter().map(|setting| setting.parse().unwrap()).collect();
        let environment = "prod".parse().unwrap();
        load(&Sources {
            variables: &variables,
            settings: &settings,
            region,
            ..Sources::file(Some(&path), &environment)
        })
    }

    #[test]
    fn each_layer_hides_the_ones_below_and_errors_name_the_one_on_top() {
        let environment: Environment = "dev".parse().unwrap();
        let defaults = load(&Sources::file(None, &environment)).unwrap().config;
        let variable = [("STACK_REGION", "eu-west-3")];
        for (region, loaded) in [
            ("ap-southeast-1", Ok(defaults)),
            ("eu-west-1", load_text("region = \"eu-west-1\"\n", "prod").map(|loaded| loaded.config)),
            ("eu-west-2", load_layers(&[], &[], None).map(|loaded| loaded.config)),
            ("eu-west-3", load_layers(&variable, &[], None).map(|loaded| loaded.config)),
            ("eu-west-4", load_layers(&variable, &["region=eu-west-4"], None).map(|loaded| loaded.config)),
            (
                "eu-west-5",
                load_layers(&variable, &["region=x"], Some("eu-west-5")).map(|loaded| loaded.config),
            ),
        ] {
            assert_eq!(loaded.unwrap().region, region);
        }
        for (error, named) in [
            (load_layers(&[("STACK_REGION", "mars")], &[], None), "`STACK_REGION`: `mars` is not"),
            (load_layers(&variable, &["region=mars"], None), "`--set region`: `mars` is not"),
            (load_layers(&variable, &["region=eu-west-4"], Some("mars")), "`--region`: `mars` is not"),
        ] {
            let error = error.unwrap_err();
            assert!(error.to_string().starts_with(named), "{error}");
        }
    }

    #[test]
    fn variables_and_settings_have_the_types_of_their_keys() {
        let variables = [
            ("STACK_DATABASE__CAPACITY__MAX", "4"),
            ("STACK_DATABASE__ENGINE_VERSION", "17"),
            ("STACK_VPC__S3_ENDPOINT", "false"),
            ("STACK_ECS__HEALTH_CHECK__COMMAND", "[\"CMD\", \"/ok\"]"),
        ];
        let settings = ["vpc.zone_count=2", "alb.ingress_cidrs=[\"10.0.0.0/8\"]", "ecs.image=:1.0"];
        let config = load_layers(&variables, &settings, None).unwrap().config;
        assert_eq!(
            (
                config.section::<database::Tier>().capacity.max,
                config.section::<database::Tier>().engine_version.as_str()
            ),
            (4.0, "17")
        );
        assert!(!config.section::<vpc::Tier>().s3_endpoint);
        assert_eq!(config.section::<ecs::Tier>().health_check.clone().unwrap().command, ["CMD", "/ok"]);
        assert_eq!(
            (config.section::<vpc::Tier>().zone_count, config.section::<alb::Tier>().ingress_cidrs.len()),
            (Some(2), 1)
        );
        assert_eq!(config.section::<ecs::Tier>().image.as_deref(), Some(":1.0"));
    }

    #[test]
    fn keys_that_the_user_chooses_keep_their_case_unless_they_are_there_already() {
        let variables = [
            ("STACK_ECS__ENVIRONMENT_VARIABLES__LOG__LEVEL", "debug"),
            ("STACK_TAGS__AUTHOR", "payments"),
            ("STACK_TAGS__Owner", "payments"),
        ];
        let config = load_layers(&variables, &["tags.\"cost center\"=17"], None).unwrap().config;
        let tags: Vec<(&str, &str)> =
            config.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let wanted =
            [("Author", "payments"), ("Owner", "payments"), ("Repository", "unknown"), ("cost center", "17")];
        assert_eq!(tags, wanted);
        assert_eq!(config.section::<ecs::Tier>().environment_variables["LOG__LEVEL"], "debug");
    }

    #[test]
    fn each_mistake_in_a_variable_is_one_error_with_its_name_and_a_hint() {
        for (name, value, message, hint) in [
            ("STACK_VPC__NATT", "single", "there is no such key", "did you mean `STACK_VPC__NAT`?"),
            ("STACK_VPC_NAT", "single", "there is no such key", "did you mean `STACK_VPC__NAT`?"),
            ("STACK_REGON", "eu-west-1", "there is no such key", "did you mean `STACK_REGION`?"),
            ("STACK_ENVV", "prod", "there is no such key", "did you mean `STACK_ENV`?"),
            ("STACK_VPC__", "x", "there is no such key", "the keys here are: availability_zones, cidr"),
            ("STACK_TAGS__", "x", "there is no such key", "STACK_ and a key"),
            ("STACK_VPC__NAT__MODE", "x", "there is no such key", "it is a value"),
            ("STACK_ENVIRONMENTS__PROD__REGION", "x", "there is no such key", "STACK_ and a key"),
            ("STACK_VPC", "x", "`vpc` is a table and not a value", "STACK_VPC__"),
            ("STACK_VPC__FLOW_LOGS", "{}", "`vpc.flow_logs` is a table", "STACK_VPC__FLOW_LOGS__ENABLED"),
            ("STACK_VPC__NAT", "two", "unknown variant `two`", "\"one_per_zone\""),
            ("STACK_VPC__CIDR", "10.0.0/16", "not a valid CIDR block", "10.0.0.0/16"),
            ("STACK_VPC__S3_ENDPOINT", "yes", "`yes` is neither true nor false", "the default is: true"),
            ("STACK_VPC__ZONE_COUNT", "three", "`three` is not a number", "stack.toml"),
            ("STACK_VPC__ZONE_COUNT", "-1", "invalid value", "stack.toml"),
            ("STACK_VPC__AVAILABILITY_ZONES", "a,b", "`a,b` is not a list", "stack.toml"),
            ("STACK_ALB__INGRESS_CIDRS", "[1]", "invalid type", "the default is: []"),
        ] {
            let error = load_layers(&[(name, value)], &[], None).unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("`{name}`: ")) && text.contains(message),
                "{name} gave {text:?}"
            );
            assert!(error.hint.contains(hint), "{name} gave {:?}", error.hint);
        }
    }

    #[test]
    fn each_mistake_in_a_setting_is_one_error_with_its_key_and_a_hint() {
        for (setting, message, hint) in [
            ("vcp.nat=single", "`--set vcp.nat`: there is no such key", "did you mean `vpc`?"),
            ("vpc.natt=single", "`--set vpc.natt`: there is no such key", "did you mean `nat`?"),
            ("VPC.nat=single", "`--set VPC.nat`: there is no such key", "the keys here are: alb, "),
            ("environments.prod.region=x", "there is no such key", "the keys here are: alb, "),
            ("tags.a.b=x", "`--set tags.a.b`: there is no such key", "needs quotes"),
            (
                "vpc.flow_logs={}",
                "`--set vpc.flow_logs`: `vpc.flow_logs` is a table",
                "vpc.flow_logs.enabled",
            ),
            ("vpc.nat=two", "`--set vpc.nat`: unknown variant `two`", "\"one_per_zone\""),
            ("vpc.s3_endpoint=", "`--set vpc.s3_endpoint`: `` is neither true nor false", "true"),
            ("database.capacity.max=a lot", "`a lot` is not a number", "the default is: 2.0"),
        ] {
            let error = load_layers(&[], &[setting], None).unwrap_err();
            assert!(error.to_string().contains(message), "{setting} gave {error}");
            assert!(error.hint.contains(hint), "{setting} gave {:?}", error.hint);
        }
    }

    #[test]
    fn a_wrong_value_that_a_layer_above_hides_is_an_error_all_the_same() {
        let (error, _) = error("[vpc]\nnat = \"two\"\n[environments.dev.vpc]\nnat = \"single\"\n");
        assert!(error.contains("line 2: `vpc.nat`: unknown variant"), "{error}");
        let error = load_layers(&[("STACK_VPC__NAT", "two")], &["vpc.nat=none"], None).unwrap_err();
        assert!(error.to_string().starts_with("`STACK_VPC__NAT`"), "{error}");
    }

    #[test]
    fn what_is_shown_is_the_configuration_and_says_where_it_comes_from() {
        let text = r##"
            [tags]
            "cost center" = "line one\nline \"two\" # no comment"
            [vpc]
            zone_count = 2
            [environments.dev.ecs]
            health_check.command = ["CMD", "/ok"]
            environment_variables = { GREETING = "hello" }
        "##;
        let loaded = load_text(text, "dev").unwrap();
        let shown = loaded.to_toml().to_string();
        assert_eq!(load_text(&shown, "dev").unwrap().config, loaded.config, "{shown}");
        let lines: Vec<String> =
            shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for (start, end) in [
            ("zone_count = 2 # ", "stack.toml:5"),
            ("nat = \"one_per_zone\" # default", ""),
            ("# availability_zones = # not set", ""),
            ("command = [\"CMD\", \"/ok\"] # ", "stack.toml:7 [environments.dev]"),
            ("interval = 30 # default", ""),
            ("GREETING = \"hello\" # ", "stack.toml:8 [environments.dev]"),
        ] {
            assert!(
                lines.iter().any(|line| line.starts_with(start) && line.ends_with(end)),
                "{start}: {shown}"
            );
        }
        let json = loaded.to_json();
        assert_eq!(json["vpc.zone_count"]["value"], 2);
        assert_eq!(json["vpc.zone_count"]["origin"]["line"], 5);
        assert_eq!(json["ecs.health_check.command"]["origin"]["layer"], "environment");
        assert_eq!(json["ecs.health_check.interval"]["origin"], serde_json::json!({ "layer": "default" }));
        assert_eq!(json["tags.\"cost center\""]["origin"]["layer"], "file");
    }
}
