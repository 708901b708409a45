//! ListSecrets.

use serde::Deserialize;
use serde_json::{Value, json};

use super::secret::Secret;
use super::{Answer, State};
use crate::services::{Call, Refusal, page};

/// How many secrets a page has where the call does not say.
const PAGE: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListSecrets {
    #[serde(default)]
    include_planned_deletion: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    sort_order: SortOrder,
    sort_by: Option<SortBy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum SortOrder {
    Asc,
    #[default]
    Desc,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SortBy {
    CreatedDate,
    LastAccessedDate,
    LastChangedDate,
    Name,
}

impl Filter {
    /// A value of most filters is the beginning of what is looked for; those of `description` and `all` are words
    /// (Secrets Manager API Reference, Filter, and User Guide, "Find secrets in AWS Secrets Manager"; that `description` is
    /// searched by words is recorded from real AWS). `!` turns one round.
    fn keeps(&self, secret: &Secret) -> bool {
        let (tags, description) = (&secret.tags, secret.description.iter());
        let texts: Vec<&str> = match self.key.as_str() {
            "name" => vec![secret.name()],
            "description" => description.map(String::as_str).collect(),
            "tag-key" => tags.keys().map(String::as_str).collect(),
            "tag-value" => tags.values().map(String::as_str).collect(),
            "owning-service" => secret.owning_service.iter().map(String::as_str).collect(),
            "all" => {
                let others = description.chain(tags.keys()).chain(tags.values());
                others.map(String::as_str).chain([secret.name()]).collect()
            }
            // Of `primary-region`: nothing is replicated.
            _ => Vec::new(),
        };
        let by_words = matches!(self.key.as_str(), "description" | "all");
        let has = |value: &str| {
            if by_words { has_words(&texts, value) } else { texts.iter().any(|text| text.starts_with(value)) }
        };
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !has(value),
            None => has(value),
        })
    }
}

/// Whether every word of a value begins a word of the texts, whatever its case is.
fn has_words(texts: &[&str], value: &str) -> bool {
    let words: Vec<String> = texts.iter().flat_map(|text| words_of(text)).collect();
    let mut wanted = words_of(value).peekable();
    wanted.peek().is_some() && wanted.all(|wanted| words.iter().any(|word| word.starts_with(&wanted)))
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|c: char| c.is_whitespace() || "/_+=.@-".contains(c));
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase)
}

impl State {
    /// Newest first, unless it is said.
    pub(super) fn list_secrets(&self, call: &Call) -> Answer {
        let given: ListSecrets = call.input()?;
        let mut found: Vec<&Secret> = Vec::new();
        for secret in self.secrets.values().filter(|s| given.include_planned_deletion || !s.is_deleted()) {
            if given.filters.iter().all(|filter| filter.keeps(secret)) {
                found.push(secret);
            }
        }
        sort(&mut found, given.sort_by.unwrap_or(SortBy::CreatedDate), given.sort_order);
        let found: Vec<Value> = found.into_iter().map(Secret::listed).collect();
        let (list, next) = page(found, given.max_results.unwrap_or(PAGE), given.next_token.as_deref())
            .ok_or_else(|| Refusal::new("InvalidNextTokenException", "The NextToken value is invalid."))?;
        Ok(json!({"SecretList": list, "NextToken": next}))
    }
}

fn sort(secrets: &mut [&Secret], by: SortBy, order: SortOrder) {
    secrets.sort_by(|a, b| match by {
        SortBy::CreatedDate => a.created().total_cmp(&b.created()),
        SortBy::LastChangedDate => a.last_changed().total_cmp(&b.last_changed()),
        SortBy::LastAccessedDate => {
            let time = |secret: &Secret| secret.last_accessed().unwrap_or_default();
            time(a).total_cmp(&time(b))
        }
        SortBy::Name => a.name().cmp(b.name()),
    });
    if order == SortOrder::Desc {
        secrets.reverse();
    }
}
