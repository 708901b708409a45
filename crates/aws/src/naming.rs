//! What all tiers have in common: where they are made, and how they name and tag what they make.

use std::collections::BTreeMap;

use engine::{DeclareError, Input};

use crate::Tags;
use crate::tags::InvalidTags;

/// The longest name of an environment. Names of objects are made from it, and AWS limits some of them to 32
/// characters.
pub const MAX_ENVIRONMENT_LENGTH: usize = 16;

/// What all names begin with, as in the reference document.
pub const NAME_PREFIX: &str = "payment-";

/// Where a tier is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The region, such as `ap-southeast-1`.
    pub region: String,
    /// The account's id: twelve digits.
    pub account_id: String,
    /// The partition, the second part of every ARN.
    pub partition: String,
}

impl Place {
    /// What stands for the account's id before the account is known: no account has it.
    pub const UNKNOWN_ACCOUNT: &str = "000000000000";

    /// Whether the account is known. Before, what depends on it cannot be checked.
    #[must_use]
    pub fn knows_account(&self) -> bool {
        self.account_id != Self::UNKNOWN_ACCOUNT
    }

    /// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let Self { region, account_id, partition } = self;
        format!("arn:{partition}:{service}:{region}:{account_id}:{resource}")
    }

    /// What `kms:ViaService` is for a service that uses a key here. In China it ends as it does elsewhere, or as host names do
    /// there, so that both are allowed.
    #[must_use]
    pub fn via(&self, service: &str) -> Vec<Input<String>> {
        let suffixes: &[&str] = match self.partition.as_str() {
            "aws-cn" => &["amazonaws.com", "amazonaws.com.cn"],
            _ => &["amazonaws.com"],
        };
        suffixes.iter().map(|suffix| format!("{service}.{}.{suffix}", self.region).into()).collect()
    }
}

/// How a tier names and tags its objects in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    environment: String,
    tags: Tags,
}

impl Names {
    /// The names of an environment, and tags for every object, beside the `Name` and `Tier` that a tier adds.
    ///
    /// # Errors
    /// For an environment that cannot be part of names, and tags that AWS would refuse.
    pub fn new(environment: &str, tags: &BTreeMap<String, String>) -> Result<Self, DeclareError> {
        check_environment(environment)?;
        Ok(Self { environment: environment.to_owned(), tags: checked(tags)? })
    }

    /// The environment, such as `dev`.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// `payment-<what>-<environment>`, as the reference document names everything.
    #[must_use]
    pub fn name(&self, what: &str) -> String {
        format!("{NAME_PREFIX}{what}-{}", self.environment)
    }

    /// The tags of the object of this name.
    #[must_use]
    pub fn tags(&self, what: &str) -> Tags {
        self.tags.clone().with("Name", self.name(what))
    }
}

fn check_environment(name: &str) -> Result<(), DeclareError> {
    let fits = !name.is_empty()
        && name.len() <= MAX_ENVIRONMENT_LENGTH
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        return Ok(());
    }
    Err(DeclareError::argument(
        "environment",
        format!("`{name}` cannot be part of names"),
        format!(
            "use 1 to {MAX_ENVIRONMENT_LENGTH} lower-case letters, digits and hyphens, such as dev or pr1234"
        ),
    ))
}

/// The tags, checked together with the two that a tier adds.
fn checked(tags: &BTreeMap<String, String>) -> Result<Tags, DeclareError> {
    if let Some(ours) = ["Name", "Tier"].into_iter().find(|key| tags.contains_key(*key)) {
        return Err(DeclareError::argument(
            format!("tags.{ours}"),
            "the tier gives each object its own",
            "leave it out",
        ));
    }
    let tags = Tags::from(tags.clone());
    tags.clone().with("Name", "").with("Tier", "").check().map_err(|error| {
        let is_ours = |key: &str| ["Environment", "Name", "Tier"].contains(&key);
        let key = match &error {
            InvalidTags::Twins { key, other } if is_ours(key) => Some(other.as_str()),
            error => error.key(),
        };
        DeclareError::argument(
            key.map_or_else(|| "tags".to_owned(), |key| format!("tags.{key}")),
            error.to_string(),
            "AWS allows 50 tags, keys of 1 to 128 and values of at most 256 characters: letters, digits, spaces and _.:/=+-@; \
             no two keys may differ in upper and lower case only",
        )
    })?;
    Ok(tags)
}
