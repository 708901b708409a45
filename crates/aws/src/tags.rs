//! Tags: the ones that people see, which are properties, and the ones that say whose an object is.
//!
//! Four identity tags go on every object that can have tags, in the call that creates it. They are how a create
//! whose answer was lost is found again, and how an object of ours is told from somebody else's. They are not declared:
//! live objects are compared with what is declared and recorded plus those of them that `mark` adds, so that one that
//! somebody took off is drift, and an update puts it back. None is ever taken off. The intent's tag has done its work once
//! the create is recorded, and is neither read nor put back.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use aws_sdk_ec2::types::{ResourceType, Tag as Ec2Tag, TagSpecification};
use aws_sdk_iam::types::Tag as IamTag;
use engine::{Address, CallError, ErrorClass, Intent, Search, Sighting};
use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::identity::Identity;

mod marks;

pub use marks::{IgnoredTags, InvalidIgnored};
pub(crate) use marks::{leave_alone, mark, owner};

/// The tag with the project's name.
pub const PROJECT: &str = "stack:project";
/// The tag with the environment's name.
pub const ENVIRONMENT: &str = "stack:environment";
/// The tag with the resource's address in the graph.
pub const ADDRESS: &str = "stack:address";
/// The tag with the token of the intent that created the object.
pub const INTENT: &str = "stack:intent";

/// What the keys of our own tags begin with.
const OURS: &str = "stack:";
/// What the keys of AWS's own tags begin with; nobody else may use it.
const AWS: &str = "aws:";

/// The most tags that AWS allows on one object.
pub const MAX_TAGS: usize = 50;
/// How many of them are identity tags.
pub const IDENTITY_TAGS: usize = 4;
/// The longest key, in characters.
pub const MAX_KEY_LENGTH: usize = 128;
/// The longest value, in characters.
pub const MAX_VALUE_LENGTH: usize = 256;

/// The tags that people see: `Name`, `Environment`, `Repository`, `Author`.
///
/// Serialised as CloudFormation does: a list of `{"Key": …, "Value": …}`, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

/// Tags that AWS would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTags {
    /// A key that is empty or too long.
    #[error("the tag key `{key}` must have 1 to {MAX_KEY_LENGTH} characters")]
    Key {
        /// The key.
        key: String,
    },
    /// A value that is too long.
    #[error("the value of the tag `{key}` has more than {MAX_VALUE_LENGTH} characters")]
    Value {
        /// Its key.
        key: String,
    },
    /// A key or a value with a character that AWS refuses.
    #[error("the {part} of the tag `{key}` must not contain {character:?}")]
    Character {
        /// The key.
        key: String,
        /// Where the character is: `key` or `value`.
        part: &'static str,
        /// The character.
        character: char,
    },
    /// Two keys that are the same to IAM, which does not tell upper case from lower case.
    #[error("the tag keys `{key}` and `{other}` differ in upper and lower case only")]
    Twins {
        /// One.
        key: String,
        /// The other.
        other: String,
    },
    /// A key that AWS or this program has for itself.
    #[error("the tag key `{key}` begins with `{prefix}`, which is reserved")]
    Reserved {
        /// The key.
        key: String,
        /// The reserved beginning.
        prefix: &'static str,
    },
    /// More tags than fit beside the identity tags.
    #[error(
        "{count} tags are too many: AWS allows {MAX_TAGS}, of which {IDENTITY_TAGS} say whose the object is"
    )]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

impl InvalidTags {
    /// The key of the tag that is wrong, if it is a single one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key { key }
            | Self::Value { key }
            | Self::Character { key, .. }
            | Self::Twins { key, .. }
            | Self::Reserved { key, .. } => Some(key),
            Self::TooMany { .. } => None,
        }
    }
}

/// A character that not every service takes in tags. All take letters and digits of all scripts, spaces, and `_.:/=+-@`; EC2 and
/// RDS take others too, but IAM, S3 and most others refuse them (IAM API Reference, Tag).
static REFUSED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[^\p{L}\p{N} _.:/=+\-@]").expect("the pattern is right"));

impl Tags {
    /// No tags.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same tags and one more, or with another value.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// The value of one tag.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All tags, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Checks AWS's limits, before any call.
    ///
    /// # Errors
    /// [`InvalidTags`] names the first tag that AWS would refuse.
    pub fn check(&self) -> Result<(), InvalidTags> {
        for (key, value) in &self.0 {
            if key.is_empty() || key.chars().count() > MAX_KEY_LENGTH {
                return Err(InvalidTags::Key { key: key.clone() });
            }
            if value.chars().count() > MAX_VALUE_LENGTH {
                return Err(InvalidTags::Value { key: key.clone() });
            }
            for (part, text) in [("key", key), ("value", value)] {
                if let Some(character) = REFUSED.find(text).and_then(|found| found.as_str().chars().next()) {
                    return Err(InvalidTags::Character { key: key.clone(), part, character });
                }
            }
            // AWS refuses its prefix in any case.
            let lower = key.to_lowercase();
            if let Some(prefix) = [AWS, OURS].into_iter().find(|prefix| lower.starts_with(prefix)) {
                return Err(InvalidTags::Reserved { key: key.clone(), prefix });
            }
        }
        let mut seen = HashMap::new();
        for key in self.0.keys() {
            if let Some(other) = seen.insert(key.to_lowercase(), key) {
                return Err(InvalidTags::Twins { key: key.clone(), other: other.clone() });
            }
        }
        match self.0.len() {
            count if count > MAX_TAGS - IDENTITY_TAGS => Err(InvalidTags::TooMany { count }),
            _ => Ok(()),
        }
    }

    /// What makes these tags into `wanted`.
    #[must_use]
    pub fn changes_to(&self, wanted: &Tags) -> TagChanges {
        let ours_to_set = |key: &str| !key.starts_with(AWS) && key != INTENT;
        let set = wanted.0.iter().filter(|(key, value)| ours_to_set(key) && self.0.get(*key) != Some(*value));
        let removable = |key: &&String| !is_identity_or_aws(key);
        let remove = self.0.keys().filter(removable).filter(|key| !wanted.0.contains_key(*key));
        TagChanges {
            set: TagPairs(set.map(|(key, value)| (key.clone(), value.clone())).collect()),
            remove: remove.cloned().collect(),
        }
    }

    /// These tags together with the identity tags, for the call that creates the object.
    ///
    /// # Errors
    /// [`ErrorClass::Invalid`] where AWS would refuse them.
    pub(crate) fn stamped(&self, identity: &Identity, intent: &Intent) -> Result<TagPairs, CallError> {
        self.check()
            .map_err(|error| CallError::new(ErrorClass::Invalid, "checking tags", error.to_string()))?;
        let mut all = self.0.clone();
        all.insert(PROJECT.to_owned(), identity.project.clone());
        all.insert(ENVIRONMENT.to_owned(), identity.environment.clone());
        all.insert(ADDRESS.to_owned(), intent.address.to_string());
        all.insert(INTENT.to_owned(), intent.token.clone());
        Ok(TagPairs(all))
    }
}

fn is_identity_or_aws(key: &str) -> bool {
    key.starts_with(OURS) || key.starts_with(AWS)
}

impl From<BTreeMap<String, String>> for Tags {
    fn from(tags: BTreeMap<String, String>) -> Self {
        Self(tags)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Entry<T> {
    key: T,
    value: T,
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(key, value)| Entry { key, value }))
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut tags = BTreeMap::new();
        for Entry { key, value } in Vec::<Entry<String>>::deserialize(deserializer)? {
            if tags.contains_key(&key) {
                return Err(serde::de::Error::custom(format!("the tag `{key}` is given twice")));
            }
            tags.insert(key, value);
        }
        Ok(Self(tags))
    }
}

/// What an update of tags has to do. Never takes off identity tags, nor touches AWS's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChanges {
    /// Tags to add, or to give another value.
    pub set: TagPairs,
    /// Keys of tags to take away.
    pub remove: Vec<String>,
}

impl TagChanges {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.0.is_empty() && self.remove.is_empty()
    }

    /// Sends them by the service's two calls, each only where there is something to send. First what goes, so that the object
    /// never has more tags than AWS allows.
    ///
    /// # Errors
    /// As the calls fail.
    pub async fn send<R, S>(
        self,
        remove: impl FnOnce(Vec<String>) -> R,
        set: impl FnOnce(TagPairs) -> S,
    ) -> Result<(), CallError>
    where
        R: Future<Output = Result<(), CallError>>,
        S: Future<Output = Result<(), CallError>>,
    {
        if !self.remove.is_empty() {
            remove(self.remove).await?;
        }
        if !self.set.0.is_empty() {
            set(self.set).await?;
        }
        Ok(())
    }
}

/// Sends changes of tags, inside of an async function, to a service that has `UntagResource` and `TagResource` for what has an
/// ARN, as most have. `form` makes of [`TagPairs`] what the service takes, and `classed` says what its refusals mean, where their
/// codes do not.
#[macro_export]
macro_rules! tag_by_arn {
    ($changes:expr, $client:expr, $arn:expr, $form:expr) => {
        $crate::tag_by_arn!($changes, $client, $arn, $form, |answer| answer)
    };
    ($changes:expr, $client:expr, $arn:expr, $form:expr, $classed:expr) => {{
        let (client, arn) = ($client, $arn);
        let classed: fn(Result<(), ::engine::CallError>) -> Result<(), ::engine::CallError> = $classed;
        let remove = async |keys| {
            let request = client.untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
            classed($crate::Called::called(request.send().await, "UntagResource").map(drop))
        };
        let set = async |tags: $crate::tags::TagPairs| {
            let form: fn($crate::tags::TagPairs) -> _ = $form;
            let request = client.tag_resource().resource_arn(arn).set_tags(Some(form(tags)));
            classed($crate::Called::called(request.send().await, "TagResource").map(drop))
        };
        $changes.send(remove, set).await
    }};
}

/// Tags to be sent, in the forms that the services want.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagPairs(BTreeMap<String, String>);

impl TagPairs {
    /// For an EC2 create call.
    #[must_use]
    pub fn ec2(&self, kind: ResourceType) -> TagSpecification {
        TagSpecification::builder().resource_type(kind).set_tags(Some(self.ec2_tags())).build()
    }

    /// For EC2's `CreateTags`.
    #[must_use]
    pub fn ec2_tags(&self) -> Vec<Ec2Tag> {
        self.list(|key, value| Ec2Tag::builder().key(key).value(value).build())
    }

    /// For IAM.
    #[must_use]
    pub fn iam(&self) -> Vec<IamTag> {
        self.list(|key, value| {
            IamTag::builder().key(key).value(value).build().expect("a key and a value are given")
        })
    }

    /// For services that take a list of tags of their own type, by what makes one of a key and a value.
    pub fn list<T>(&self, tag: impl Fn(&str, &str) -> T) -> Vec<T> {
        self.0.iter().map(|(key, value)| tag(key, value)).collect()
    }

    /// For services that take a map, such as CloudWatch Logs.
    #[must_use]
    pub fn map(&self) -> HashMap<String, String> {
        self.0.clone().into_iter().collect()
    }
}

/// The tags of a live object: what people see, and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveTags(BTreeMap<String, String>);

impl LiveTags {
    /// From an EC2 Describe answer.
    #[must_use]
    pub fn ec2(tags: Option<&[Ec2Tag]>) -> Self {
        let pair = |tag: &Ec2Tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()));
        Self(tags.unwrap_or_default().iter().filter_map(pair).collect())
    }

    /// From an IAM Get answer.
    #[must_use]
    pub fn iam(tags: &[IamTag]) -> Self {
        Self(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect())
    }

    /// From a service that answers with a map.
    #[must_use]
    pub fn map(tags: Option<HashMap<String, String>>) -> Self {
        Self(tags.unwrap_or_default().into_iter().collect())
    }

    /// From keys and values, of services that answer with tags of their own type.
    #[must_use]
    pub fn pairs<'a>(tags: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Self {
        let pair = |(key, value): (Option<&str>, Option<&str>)| {
            Some((key?.to_owned(), value.unwrap_or_default().to_owned()))
        };
        Self(tags.into_iter().filter_map(pair).collect())
    }

    /// Whether the object is one that the search is for.
    #[must_use]
    pub fn fit(&self, identity: &Identity, search: &Search) -> bool {
        let intent = self.0.get(INTENT);
        self.belongs_to(identity, search)
            && intent.map_or(search.token.is_none(), |token| search.is_for(token))
    }

    /// What is told of the object to somebody who looks for all that were made by this project, in this environment; `None` where
    /// it was not.
    #[must_use]
    pub fn sighting<O>(
        self,
        identity: &Identity,
        outputs: O,
        created: Option<String>,
    ) -> Option<Sighting<O>> {
        self.is_ours(identity).then(|| {
            let address = self.0.get(ADDRESS).cloned();
            Sighting { outputs, address, tags: self.0, created }
        })
    }

    /// Whether the object was made by this project, in this environment, at whatever address.
    #[must_use]
    pub fn is_ours(&self, identity: &Identity) -> bool {
        let is = |key: &str, value: &str| self.0.get(key).is_some_and(|live| live == value);
        is(PROJECT, &identity.project) && is(ENVIRONMENT, &identity.environment)
    }

    /// The tags that are compared: those that people see, and the identity tags that last. AWS's own are not.
    #[must_use]
    pub fn visible(self) -> Tags {
        let is_compared = |key: &str| match key {
            PROJECT | ENVIRONMENT | ADDRESS => true,
            key => !is_identity_or_aws(key),
        };
        Tags(self.0.into_iter().filter(|(key, _)| is_compared(key)).collect())
    }

    /// Whether the tags say that the object is somebody else's. Tags that were taken off say nothing.
    #[must_use]
    pub fn is_of_others(&self, identity: &Identity) -> bool {
        let is_other = |key: &str, value: &str| self.0.get(key).is_some_and(|live| live != value);
        is_other(PROJECT, &identity.project) || is_other(ENVIRONMENT, &identity.environment)
    }

    /// Whether the object was made by this project, in this environment, for the resource that is searched: at its address, or
    /// at one that it had before. The tag is not rewritten when a resource is called otherwise.
    #[must_use]
    pub fn belongs_to(&self, identity: &Identity, search: &Search) -> bool {
        let is = |address: &Address| self.0.get(ADDRESS).is_some_and(|live| live == address.as_str());
        self.is_ours(identity) && search.addresses().any(is)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().fold(Tags::new(), |tags, (key, value)| tags.with(*key, *value))
    }

    fn identity() -> Identity {
        Identity { project: "payment".to_owned(), environment: "dev".to_owned() }
    }

    fn intent() -> Intent {
        Intent { address: Address::new("vpc/vpc").unwrap(), token: "0f".repeat(16) }
    }

    #[test]
    fn tags_serialise_as_cloudformation_does_sorted_by_key() {
        let tags = tags(&[("Name", "payment-vpc-dev"), ("Author", "team")]);
        let data = serde_json::to_value(&tags).unwrap();
        assert_eq!(
            data,
            json!([{ "Key": "Author", "Value": "team" }, { "Key": "Name", "Value": "payment-vpc-dev" }])
        );
        assert_eq!(serde_json::from_value::<Tags>(data).unwrap(), tags);
    }

    #[test]
    fn a_key_given_twice_is_an_error() {
        let data = json!([{ "Key": "A", "Value": "1" }, { "Key": "A", "Value": "2" }]);
        let error = serde_json::from_value::<Tags>(data).unwrap_err();
        assert_eq!(error.to_string(), "the tag `A` is given twice");
    }

    #[test]
    fn identity_tags_are_added_on_create_and_stripped_on_read() {
        let tags = tags(&[("Name", "payment-vpc-dev")]);
        let stamped = tags.stamped(&identity(), &intent()).unwrap();
        let sent = stamped.ec2(ResourceType::Vpc);
        let keys: Vec<_> = sent.tags().iter().filter_map(|tag| tag.key()).collect();
        assert_eq!(keys, ["Name", ADDRESS, ENVIRONMENT, INTENT, PROJECT]);

        let mut live = sent.tags().to_vec();
        live.push(Ec2Tag::builder().key("aws:cloudformation:stack-id").value("x").build());
        let live = LiveTags::ec2(Some(&live));
        assert!(live.belongs_to(&identity(), &Search::made_by(&intent())));
        let seen = live.visible();
        let keys: Vec<_> = seen.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["Name", ADDRESS, ENVIRONMENT, PROJECT]);
    }

    #[test]
    fn an_object_belongs_to_one_project_environment_and_address() {
        let live = LiveTags(Tags::new().stamped(&identity(), &intent()).unwrap().0);
        let other = Identity { environment: "prod".to_owned(), ..identity() };
        let search = Search::made_for(intent().address);
        assert!(!live.belongs_to(&other, &search));
        assert!(!LiveTags::default().belongs_to(&identity(), &search));
        let elsewhere = Search::made_for(Address::new("vpc/other").unwrap());
        assert!(!live.belongs_to(&identity(), &elsewhere));
        assert!(live.belongs_to(&identity(), &elsewhere.or_formerly([&intent().address])));
    }

    #[test]
    fn an_update_puts_identity_tags_back_and_never_takes_them_or_awss_own_off() {
        let before = tags(&[("Name", "old"), ("Stale", "x"), ("Same", "y"), (INTENT, "1"), ("aws:x", "1")]);
        let wanted = tags(&[("Name", "new"), ("Same", "y"), ("More", "z"), (PROJECT, "other")]);
        let changes = before.changes_to(&wanted);
        assert_eq!(
            changes.set.map(),
            HashMap::from([("Name", "new"), ("More", "z"), (PROJECT, "other")])
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect()
        );
        assert_eq!(changes.remove, ["Stale"]);
    }

    #[tokio::test]
    async fn what_goes_is_sent_before_what_comes_and_nothing_where_nothing_changes() {
        let sent = std::cell::RefCell::new(Vec::new());
        let remove = async |keys: Vec<String>| {
            sent.borrow_mut().push(keys.join(","));
            Ok(())
        };
        let set = async |tags: TagPairs| {
            sent.borrow_mut().push(tags.list(|key, value| format!("{key}={value}")).join(","));
            Ok(())
        };
        let before = tags(&[("Stale", "x"), ("Same", "y")]);
        before.changes_to(&before).send(remove, set).await.unwrap();
        assert_eq!(*sent.borrow(), Vec::<String>::new());
        before.changes_to(&tags(&[("Same", "y"), ("More", "z")])).send(remove, set).await.unwrap();
        assert_eq!(*sent.borrow(), ["Stale", "More=z"]);
    }

    #[test]
    fn limits_are_checked_before_a_call() {
        let error = |tags: Tags| tags.check().unwrap_err().to_string();
        assert_eq!(
            error(tags(&[("AWS:x", "1")])),
            "the tag key `AWS:x` begins with `aws:`, which is reserved"
        );
        assert_eq!(
            error(tags(&[(INTENT, "1")])),
            "the tag key `stack:intent` begins with `stack:`, which is reserved"
        );
        assert_eq!(error(tags(&[("", "1")])), "the tag key `` must have 1 to 128 characters");
        assert!(error(tags(&[(&"k".repeat(129), "1")])).contains("1 to 128"));
        assert_eq!(
            error(tags(&[("Name", &"v".repeat(257))])),
            "the value of the tag `Name` has more than 256 characters"
        );
        let many = (0..47).fold(Tags::new(), |tags, n| tags.with(format!("k{n}"), ""));
        assert_eq!(error(many), "47 tags are too many: AWS allows 50, of which 4 say whose the object is");
        assert_eq!(tags(&[(&"é".repeat(128), &"é".repeat(256))]).check(), Ok(()));
    }
}
