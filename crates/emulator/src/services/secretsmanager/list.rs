//! ListSecrets.

use serde::Deserialize;
use serde_json::{Value, json};

use super::secret::Secret;
use super::{Answer, State, invalid};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::iam::page::page;

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
    /// Values are prefixes; `!` turns one round (Secrets Manager API Reference, Filter, and User Guide, "Find secrets").
    fn keeps(&self, secret: &Secret) -> Result<bool, Refusal> {
        let texts: Vec<&str> = match self.key.as_str() {
            "name" => vec![secret.name()],
            "description" => secret.description.iter().map(String::as_str).collect(),
            "tag-key" => secret.tags.keys().map(String::as_str).collect(),
            "tag-value" => secret.tags.values().map(String::as_str).collect(),
            "owning-service" => secret.owning_service.iter().map(String::as_str).collect(),
            other => return Err(invalid(format!("The emulator does not model the filter {other}."))),
        };
        // Descriptions do not differ by case.
        let ignores_case = self.key == "description";
        let starts = |text: &str, value: &str| match ignores_case {
            true => text.to_lowercase().starts_with(&value.to_lowercase()),
            false => text.starts_with(value),
        };
        Ok(self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !texts.iter().any(|text| starts(text, value)),
            None => texts.iter().any(|text| starts(text, value)),
        }))
    }
}

impl State {
    /// Newest first, unless it is said.
    pub(super) fn list_secrets(&self, call: &Call) -> Answer {
        let given: ListSecrets = call.input()?;
        let mut found: Vec<&Secret> = Vec::new();
        for secret in self.secrets.values().filter(|s| given.include_planned_deletion || !s.is_deleted()) {
            let verdicts: Result<Vec<bool>, Refusal> =
                given.filters.iter().map(|f| f.keeps(secret)).collect();
            if !verdicts?.contains(&false) {
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
