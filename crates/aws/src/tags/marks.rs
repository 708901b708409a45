//! Tags of live objects against what is declared: those of ours that are not declared, and those that are left to others.

use engine::{Address, Change, Facts, Owner, Tagging};
use serde_json::{Value, json};

use super::{ADDRESS, ENVIRONMENT, MAX_KEY_LENGTH, OURS, PROJECT};
use crate::identity::Identity;

/// Where a kind has its tags. One that has only those that say whose it is may show them under `Tags`.
fn property_of(facts: &Facts) -> Option<&'static str> {
    match facts.tags {
        Tagging::WithCreate(property) => Some(property),
        Tagging::Ownership => Some("Tags"),
        _ => None,
    }
    .filter(|property| facts.change(property) == Change::InPlace)
}

/// Adds the identity tags that last to the properties of the object at an address: its tags are compared with these, and put
/// back to these.
pub(crate) fn mark(facts: &Facts, identity: &Identity, address: &Address, properties: &Value) -> Value {
    let Some(property) = property_of(facts) else { return properties.clone() };
    let mut marked = properties.clone();
    let Some(members) = marked.as_object_mut() else { return marked };
    if facts.tags == Tagging::Ownership {
        members.entry(property).or_insert_with(|| Value::Array(Vec::new()));
    }
    let identity = [
        (ADDRESS, address.as_str()),
        (ENVIRONMENT, identity.environment.as_str()),
        (PROJECT, identity.project.as_str()),
    ];
    match members.get_mut(property) {
        Some(Value::Array(list)) => {
            list.retain(|tag| !identity.iter().any(|(key, _)| tag["Key"] == **key));
            list.extend(identity.map(|(key, value)| json!({ "Key": key, "Value": value })));
            list.sort_by(|one, other| one["Key"].as_str().cmp(&other["Key"].as_str()));
        }
        Some(Value::Object(map)) => {
            map.extend(identity.map(|(key, value)| (key.to_owned(), Value::from(value))));
        }
        _ => {}
    }
    marked
}

/// Takes out of the live tags those that are none of our business: ignored ones, and of an object that has no other tags than
/// ours, all others.
pub(crate) fn leave_alone(facts: &Facts, ignored: &IgnoredTags, live: &mut Value) {
    let Some(property) = (match facts.tags {
        Tagging::WithCreate(property) => Some(property),
        Tagging::Ownership => Some("Tags"),
        _ => None,
    }) else {
        return;
    };
    let is_marked = property_of(facts).is_some();
    let stays = |key: &str| match key.starts_with(OURS) {
        true => is_marked,
        false => facts.tags != Tagging::Ownership && !ignored.covers(key),
    };
    match live.get_mut(property) {
        Some(Value::Array(list)) => list.retain(|tag| tag["Key"].as_str().is_none_or(stays)),
        Some(Value::Object(map)) => map.retain(|key, _| stays(key)),
        _ => {}
    }
}

/// Whose a live object is, if its tags say that.
pub(crate) fn owner(facts: &Facts, identity: &Identity, live: &Value) -> Option<Owner> {
    let tags = live.get(property_of(facts)?)?;
    let tag = |wanted: &str| match tags {
        Value::Array(list) => list.iter().find(|tag| tag["Key"] == *wanted)?["Value"].as_str(),
        Value::Object(map) => map.get(wanted)?.as_str(),
        _ => None,
    };
    let (project, environment) = (tag(PROJECT), tag(ENVIRONMENT));
    let address = tag(ADDRESS).map(str::to_owned);
    let said = [("project", project), ("environment", environment)];
    let words = said.iter().filter_map(|(what, is)| is.map(|is| format!("{what} {is}")));
    let words = words.collect::<Vec<_>>().join(", ");
    // Tags that were taken off say nothing.
    let is_ours = project.is_none_or(|is| is == identity.project)
        && environment.is_none_or(|is| is == identity.environment);
    (!words.is_empty() || address.is_some()).then_some(Owner { words, is_ours, address })
}

/// Tags that others set on objects of ours and that are left to them, such as those of an organisation's tagger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredTags(Vec<String>);

impl IgnoredTags {
    /// Of these keys. One that ends with `*` stands for all keys that begin with what is before it.
    ///
    /// # Errors
    /// [`InvalidIgnored`] for the first one that cannot be ignored: it is, or covers, an identity tag of ours or one of the
    /// `declared` keys, or is not a key.
    pub fn new<'a>(
        patterns: Vec<String>,
        declared: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<Self, InvalidIgnored> {
        for pattern in &patterns {
            let stem = pattern.strip_suffix('*').unwrap_or(pattern);
            let invalid = |reason| Err(InvalidIgnored { pattern: pattern.clone(), reason });
            if pattern.is_empty() || stem.contains('*') || stem.chars().count() > MAX_KEY_LENGTH {
                return invalid(
                    "is neither a tag key nor the beginning of one with a trailing `*`".to_owned(),
                );
            }
            let covers = |key: &str| covers(pattern, key);
            if stem.starts_with(OURS) || (pattern.ends_with('*') && OURS.starts_with(stem)) {
                return invalid(format!("covers `{OURS}*`, the tags that say whose an object is"));
            }
            if let Some(key) = declared.clone().into_iter().find(|key| covers(key)) {
                return invalid(format!("covers `{key}`, which is declared"));
            }
        }
        Ok(Self(patterns))
    }

    /// Whether a tag is left to others.
    #[must_use]
    pub fn covers(&self, key: &str) -> bool {
        self.0.iter().any(|pattern| covers(pattern, key))
    }
}

fn covers(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(stem) => key.starts_with(stem),
        None => key == pattern,
    }
}

/// A tag that cannot be left to others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` {reason}")]
pub struct InvalidIgnored {
    /// The pattern.
    pub pattern: String,
    /// Why not.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use engine::Intent;

    use super::super::{LiveTags, Tags};
    use super::*;

    fn identity() -> Identity {
        Identity { project: "payment".to_owned(), environment: "dev".to_owned() }
    }

    fn intent() -> Intent {
        Intent { address: Address::new("vpc/vpc").unwrap(), token: "0f".repeat(16) }
    }

    const FACTS: Facts = Facts {
        tags: Tagging::WithCreate("Tags"),
        ..<crate::resources::Role<engine::Resolved> as engine::Resource>::FACTS
    };

    #[test]
    fn the_owner_is_who_the_tags_say_and_nobody_where_they_were_taken_off() {
        let owner = |tags: serde_json::Value| owner(&FACTS, &identity(), &json!({ "Tags": tags }));
        assert_eq!(owner(json!([{ "Key": "Name", "Value": "x" }])), None);
        let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
        let ours = owner(json!([tag(PROJECT, "payment"), tag(ENVIRONMENT, "dev"), tag(ADDRESS, "vpc/vpc")]));
        let ours = ours.unwrap();
        assert!(ours.is_ours && ours.address.as_deref() == Some("vpc/vpc"), "{ours:?}");
        let prod = owner(json!([tag(PROJECT, "payment"), tag(ENVIRONMENT, "prod")])).unwrap();
        assert!(!prod.is_ours && prod.words == "project payment, environment prod", "{prod:?}");
        assert!(!owner(json!([tag(PROJECT, "other")])).unwrap().is_ours);
        // What is left of ours is ours.
        assert!(owner(json!([tag(ADDRESS, "vpc/other")])).unwrap().is_ours);
    }

    #[test]
    fn what_is_compared_says_whose_the_object_is() {
        let address = Address::new("vpc/vpc").unwrap();
        let marked =
            mark(&FACTS, &identity(), &address, &json!({ "Tags": [{ "Key": "Name", "Value": "x" }] }));
        let tags: Tags = serde_json::from_value(marked["Tags"].clone()).unwrap();
        let stamped = Tags::new().with("Name", "x").stamped(&identity(), &intent()).unwrap();
        assert_eq!(tags, LiveTags(stamped.0).visible());
        let as_map = mark(&FACTS, &identity(), &address, &json!({ "Tags": {} }));
        assert_eq!(as_map["Tags"][ADDRESS], "vpc/vpc");
        let none = Facts { tags: Tagging::None, ..FACTS };
        assert_eq!(mark(&none, &identity(), &address, &json!({})), json!({}));
    }

    #[test]
    fn ignored_tags_are_exact_or_a_prefix_and_neither_ours_nor_declared() {
        let ignored = |patterns: &[&str]| {
            let patterns = patterns.iter().map(ToString::to_string).collect();
            IgnoredTags::new(patterns, ["Environment"]).map_err(|error| error.to_string())
        };
        let some = ignored(&["CostCenter", "org:*"]).unwrap();
        assert!(some.covers("CostCenter") && some.covers("org:unit") && some.covers("org:"));
        assert!(!some.covers("CostCenter2") && !some.covers("Org:unit") && !some.covers("Name"));
        let mut live = json!({ "Tags": [{ "Key": "org:a", "Value": "" }, { "Key": "Name", "Value": "" }] });
        leave_alone(&FACTS, &some, &mut live);
        assert_eq!(live["Tags"], json!([{ "Key": "Name", "Value": "" }]));

        let ours = "covers `stack:*`, the tags that say whose an object is";
        for pattern in ["stack:project", "stack:*", "st*", "*"] {
            assert_eq!(ignored(&[pattern]), Err(format!("`{pattern}` {ours}")));
        }
        assert_eq!(ignored(&["Env*"]), Err("`Env*` covers `Environment`, which is declared".to_owned()));
        for pattern in ["", "a*b"] {
            assert!(ignored(&[pattern]).unwrap_err().contains("is neither a tag key"), "{pattern}");
        }
    }
}
