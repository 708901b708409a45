//! Looking objects up: by id, by filters, by tags.
//!
//! The rules are the same for every kind (EC2 User Guide, "List and filter using the CLI and API"): an id
//! that does not exist is an error; filters are joined by AND, the values of one by OR; `*` stands for any
//! characters and `?` for one; values are case-sensitive. A filter that a kind does not have is an error.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Answer;
use super::table::Table;
use super::tags::Tags;
use crate::machine::latency::Latency;
use crate::protocol::parameters::Parameters;
use crate::services::{Refusal, to_json};

/// What operations need to know of a kind of object.
pub(super) struct Kind {
    /// CloudFormation's name for it.
    pub(super) cloudformation: &'static str,
    /// Its name in tag specifications.
    pub(super) taggable: &'static str,
    /// The member of the Describe answer that lists it.
    pub(super) set: &'static str,
    /// The parameter that lists its ids.
    pub(super) ids: &'static str,
    /// The code for an id that does not exist.
    pub(super) not_found: &'static str,
    /// What messages call it.
    pub(super) noun: &'static str,
    /// How long it takes to come and to go.
    pub(super) latency: &'static Latency,
    /// It is seen before it is ready, with the state `pending`.
    pub(super) starts_pending: bool,
    /// Filter names, and the member each one looks at. Tag filters are common to all.
    pub(super) filters: &'static [(&'static str, &'static str)],
}

/// A kind of object.
pub(super) trait Record: Serialize {
    const KIND: Kind;
    fn id(&self) -> &str;
    fn tags(&self) -> &Tags;
    fn tags_mut(&mut self) -> &mut Tags;
}

/// The object with an id, if a caller may know it, or the kind's error.
pub(super) fn find<'a, R: Record>(table: &'a Table<R>, id: &str) -> Result<&'a R, Refusal> {
    table.seen(id).ok_or_else(|| not_found::<R>(id))
}

/// The same, to be changed.
pub(super) fn find_mut<'a, R: Record>(table: &'a mut Table<R>, id: &str) -> Result<&'a mut R, Refusal> {
    table.seen_mut(id).ok_or_else(|| not_found::<R>(id))
}

pub(super) fn not_found<R: Record>(id: &str) -> Refusal {
    let Kind { noun, not_found, .. } = R::KIND;
    Refusal::new(not_found, format!("The {noun} '{id}' does not exist"))
}

/// Answers a Describe operation whose objects are shown as they are stored.
pub(super) fn describe<R: Record>(table: &Table<R>, p: Parameters) -> Answer {
    describe_as(table, p, to_json)
}

/// Answers a Describe operation; `show` makes what is answered and filtered from what is stored.
pub(super) fn describe_as<R: Record>(
    table: &Table<R>,
    mut p: Parameters,
    show: impl Fn(&R) -> Value,
) -> Answer {
    let ids = p.texts(R::KIND.ids)?;
    let filters = Filters::read(&mut p, R::KIND.filters, true)?;
    // Everything is returned at once, so there is never a second page to ask for.
    p.number("MaxResults")?;
    p.finish()?;
    for id in &ids {
        find(table, id)?;
    }
    let shown: Vec<Value> = table
        .seen_values()
        .filter(|record| ids.is_empty() || ids.iter().any(|id| id == record.id()))
        .map(show)
        .filter(|value| filters.match_all(value))
        .collect();
    Ok(Map::from_iter([(R::KIND.set.to_owned(), shown.into())]).into())
}

/// The filters of one call.
pub(super) struct Filters(Vec<Filter>);

struct Filter {
    looks_at: LooksAt,
    patterns: Vec<String>,
}

enum LooksAt {
    Member(&'static str),
    TagKeys,
    Tag(String),
}

impl Filters {
    /// Reads `Filter.N`, or refuses one that is not in `known`.
    pub(super) fn read(
        p: &mut Parameters,
        known: &[(&'static str, &'static str)],
        has_tags: bool,
    ) -> Result<Self, Refusal> {
        p.groups("Filter")?
            .into_iter()
            .map(|mut filter| {
                let name = filter.text("Name")?;
                let patterns = filter.texts("Value")?;
                filter.finish()?;
                let looks_at = match name.strip_prefix("tag:") {
                    Some(key) if has_tags => LooksAt::Tag(key.to_owned()),
                    None if has_tags && name == "tag-key" => LooksAt::TagKeys,
                    _ => known
                        .iter()
                        .find(|(known, _)| *known == name)
                        .map(|(_, member)| LooksAt::Member(member))
                        .ok_or_else(|| {
                            let message = format!("The filter '{name}' is invalid");
                            Refusal::new("InvalidParameterValue", message)
                        })?,
                };
                if patterns.is_empty() {
                    Err(Refusal::new("InvalidParameterValue", format!("The filter '{name}' has no values")))
                } else {
                    Ok(Filter { looks_at, patterns })
                }
            })
            .collect::<Result<_, _>>()
            .map(Filters)
    }

    pub(super) fn match_all(&self, value: &Value) -> bool {
        self.0.iter().all(|filter| filter.matches(value))
    }
}

impl Filter {
    fn matches(&self, value: &Value) -> bool {
        let mut found = Vec::new();
        match &self.looks_at {
            LooksAt::Member(path) => texts_at(value, path, &mut found),
            LooksAt::TagKeys => texts_at(value, "tagSet.key", &mut found),
            LooksAt::Tag(key) => {
                let tags = value.get("tagSet").and_then(Value::as_array);
                let has_key = |tag: &&Value| tag.get("key").and_then(Value::as_str) == Some(key);
                if let Some(tag) = tags.and_then(|tags| tags.iter().find(has_key)) {
                    texts_at(tag, "value", &mut found);
                }
            }
        }
        found.iter().any(|text| self.patterns.iter().any(|pattern| matches(pattern, text)))
    }
}

/// The texts at a dotted path, through lists.
fn texts_at(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts_at(item, path, found)),
        Value::Object(map) => {
            let (head, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(member) = map.get(head) {
                texts_at(member, rest, found);
            }
        }
        Value::Null => {}
        Value::String(text) => found.push(text.clone()),
        other => found.push(other.to_string()),
    }
}

/// Whether a text matches a pattern with `*`, `?` and `\` before a character that is meant literally.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let tail = rest.as_str();
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| matches(tail, &text[at..]))
        }
        Some(first) => {
            let wanted = match first {
                '?' => None,
                '\\' => rest.next(),
                other => Some(other),
            };
            let mut remaining = text.chars();
            let given = remaining.next();
            given.is_some()
                && (wanted.is_none() || wanted == given)
                && matches(rest.as_str(), remaining.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_ec2_says() {
        assert!(matches("*", ""));
        assert!(matches("pay-*-vpc", "pay-dev-vpc"));
        assert!(matches("pay-???-vpc", "pay-dev-vpc"));
        assert!(!matches("pay-*-vpc", "pay-dev-subnet"));
        assert!(!matches("dev", "DEV"));
        assert!(matches(r"a\*b", "a*b"));
        assert!(!matches(r"a\*b", "axb"));
    }
}
