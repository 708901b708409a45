//! The values of the configuration, by type.

use std::collections::BTreeMap;

use aws::tags::{IgnoredTags, InvalidIgnored};
use schemars::JsonSchema;
use serde::ser::{Error as _, SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use super::sections::{AnySection, Sections};
use crate::payment;
use crate::state_args::{AwsArgs, StateArgs};
use crate::tier::Tier;

/// The tag with the name of the environment.
const ENVIRONMENT_TAG: &str = "Environment";
/// Keys of tags that resources have, whatever is configured.
const OWN_TAGS: [&str; 3] = [ENVIRONMENT_TAG, "Name", "Tier"];

/// Why none of these can be configured, and what to do.
pub(crate) const OWN_TAG: (&str, &str) = (
    "stack sets this tag itself on every resource, so that a value here would have no effect",
    "leave it out, or take another key; the tag `Environment` is the name that --env has",
);

/// All that can be chosen. What every program has is a field; what a tier has is a [`section`](Config::section).
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The project: with the environment, it names what belongs to this stack. In the tag `stack:project`.
    pub project: String,
    /// The AWS region, such as `ap-southeast-1`.
    pub region: String,
    /// Whether the region may be one that this version does not know: AWS opens new ones.
    pub allow_unknown_region: bool,
    /// Tags that others set on the stack's resources, which are left to them.
    pub ignored_tags: Vec<String>,
    /// Properties that others own, by the address of their resource or a pattern of addresses.
    pub ignore: BTreeMap<String, Vec<String>>,
    /// How the record of what was deployed is kept.
    pub state: StateArgs,
    /// Whose credentials are used on `--target aws`.
    pub aws: AwsArgs,
    /// Tags of every resource, beside `Environment`, which is the environment's name and cannot be among them.
    pub tags: BTreeMap<String, String>,
    /// What all log groups have in common.
    pub logs: Logs,
    sections: Sections,
}

/// The region that is meant where none is named.
pub(crate) const DEFAULT_REGION: &str = "ap-southeast-1";

/// The keys that every program has, as they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Common {
    /// The project: with the environment, it names what belongs to this stack. In the tag `stack:project`.
    #[schemars(regex(pattern = "^[a-z0-9-]{1,32}$"))]
    project: String,
    /// The AWS region, such as `ap-southeast-1`.
    #[schemars(regex(pattern = "^[a-z]+(-[a-z]+){1,3}-[0-9]+$"))]
    region: String,
    /// Whether the region may be one that this version does not know: AWS opens new ones.
    allow_unknown_region: bool,
    /// Keys of tags that others set on the stack's resources, such as an organisation's tagger: they are neither shown as drift nor
    /// taken off. One with a trailing `*` stands for all keys with that beginning.
    ignored_tags: Vec<String>,
    /// Properties that others own, by the address of their resource or a pattern such as `monitoring/alarm-*`: they are sent when
    /// the object is created, and from then on neither shown as drift nor changed.
    ignore: BTreeMap<String, Vec<String>>,
    /// How the record of what was deployed is kept.
    state: StateArgs,
    /// Whose credentials are used on `--target aws`, where the usual chain alone does not say it.
    aws: AwsArgs,
    /// Tags of every resource, beside `Environment`, which is the environment's name, and `Name` and `Tier`, which each resource has
    /// of its own: these cannot be set.
    tags: BTreeMap<String, String>,
    /// What all log groups have in common.
    logs: Logs,
}

/// What all log groups have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logs {
    /// Whether `destroy` leaves log groups and their logs in the account, with their retention. They are not managed
    /// any more then; a later `up` takes them back.
    pub keep_on_destroy: bool,
    /// Encrypts all log groups with a KMS key of the stack's own (about 1 USD a month) instead of one of CloudWatch Logs.
    /// Turning it off affects new log events only: the key stays until `destroy`, since older ones need it.
    pub customer_key: bool,
}

impl Default for Common {
    fn default() -> Self {
        let tags = [("Repository", "unknown"), ("Author", "unknown")];
        Self {
            project: "payment".to_owned(),
            region: DEFAULT_REGION.to_owned(),
            allow_unknown_region: false,
            ignored_tags: Vec::new(),
            ignore: BTreeMap::new(),
            state: StateArgs::default(),
            aws: AwsArgs::default(),
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            logs: Logs::default(),
        }
    }
}

impl Default for Config {
    /// The reference document's values, for the payment stack's seven tiers.
    fn default() -> Self {
        payment::program().default_config()
    }
}

impl Config {
    pub(super) fn new(common: Common, sections: Sections) -> Self {
        let Common { project, region, allow_unknown_region, ignored_tags, ignore, state, aws, tags, logs } =
            common;
        Self { project, region, allow_unknown_region, ignored_tags, ignore, state, aws, tags, logs, sections }
    }

    /// The section of a tier: `config.section::<vpc::Tier>().nat`.
    ///
    /// # Panics
    /// If the configuration is one of a program without this tier.
    #[must_use]
    pub fn section<T: Tier>(&self) -> &T::Args {
        self.get::<T>().unwrap_or_else(|| panic!("this configuration has no section `{}`", T::NAME))
    }

    /// The section of a tier, to change it: `config.section_mut::<vpc::Tier>().nat = vpc::NatMode::Single`.
    ///
    /// # Panics
    /// If the configuration is one of a program without this tier.
    #[must_use]
    pub fn section_mut<T: Tier>(&mut self) -> &mut T::Args {
        self.sections
            .get_mut::<T>()
            .unwrap_or_else(|| panic!("this configuration has no section `{}`", T::NAME))
    }

    /// The region of the bucket for the state.
    pub(crate) fn state_region(&self) -> &str {
        self.state.region.as_deref().unwrap_or(&self.region)
    }

    /// The tags that are left to others.
    ///
    /// # Errors
    /// For a key that cannot be.
    pub(crate) fn ignored_tags(&self) -> Result<IgnoredTags, InvalidIgnored> {
        let declared = self.tags.keys().map(String::as_str).chain(OWN_TAGS);
        IgnoredTags::new(self.ignored_tags.clone(), declared)
    }

    /// The tag among the configured ones that every resource has anyway, with another meaning.
    pub(crate) fn own_tag(&self) -> Option<&'static str> {
        OWN_TAGS.into_iter().find(|own| self.tags.contains_key(*own))
    }

    pub(crate) fn set(&mut self, tier: &'static str, section: Box<dyn AnySection>) {
        self.sections.insert(tier, section);
    }

    /// The section of a tier, if there is one.
    pub(crate) fn get<T: Tier>(&self) -> Option<&T::Args> {
        self.sections.get::<T>()
    }
}

impl Serialize for Config {
    /// As a file has it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("project", &self.project)?;
        map.serialize_entry("region", &self.region)?;
        map.serialize_entry("allow_unknown_region", &self.allow_unknown_region)?;
        map.serialize_entry("ignored_tags", &self.ignored_tags)?;
        map.serialize_entry("ignore", &self.ignore)?;
        map.serialize_entry("state", &self.state)?;
        map.serialize_entry("aws", &self.aws)?;
        map.serialize_entry("tags", &self.tags)?;
        map.serialize_entry("logs", &self.logs)?;
        for (name, section) in self.sections.iter() {
            map.serialize_entry(name, &section.value().map_err(S::Error::custom)?)?;
        }
        map.end()
    }
}
