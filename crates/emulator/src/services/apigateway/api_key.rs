//! API keys. Their values are secrets: answered when they are asked for, and in no message.

use serde::Deserialize;
use serde_json::{Value, json};

use super::patch::{Given, Op, Patch};
use super::records::ApiKey;
use super::rest_api::listed;
use super::{bad, conflict, fresh_id, in_letters, nothing};
use crate::services::{Answer, Call, Cx, Refusal, Table, Tags, refuse_if, tag_map, to_json};

const LONGEST_NAME: usize = 1024;
const LONGEST_DESCRIPTION: usize = 125_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    name: Option<String>,
    description: Option<String>,
    enabled: Option<bool>,
    value: Option<String>,
    customer_id: Option<String>,
    tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    position: Option<String>,
    limit: Option<i64>,
    name_query: Option<String>,
    customer_id: Option<String>,
    include_values: Option<bool>,
}

impl ApiKey {
    /// Whether the name begins with what is asked for.
    pub(super) fn is_named(&self, query: Option<&str>) -> bool {
        query.is_none_or(|query| self.name.as_deref().unwrap_or_default().starts_with(query))
    }
}

fn shown(key: &ApiKey, with_value: Option<bool>) -> Value {
    let mut value = to_json(key);
    if let Some(members) = value.as_object_mut().filter(|_| with_value != Some(true)) {
        members.remove("value");
    }
    value
}

/// "The API key value must be an alphanumeric string between 20 and 128 characters" (API Gateway Developer Guide, "API
/// key file format"; the length is in the quotas).
fn check_value(value: &str) -> Result<(), Refusal> {
    refuse_if(value.len() < 20, || bad("API Key value should be at least 20 characters"))?;
    refuse_if(value.len() > 128, || bad("API Key value should be at most 128 characters"))
}

/// Recorded from real AWS for both, with the limit of the name. That of the description is in no document.
fn check_texts(name: Option<&str>, description: Option<&str>) -> Result<(), Refusal> {
    for (what, text, most) in
        [("name", name, LONGEST_NAME), ("description", description, LONGEST_DESCRIPTION)]
    {
        if text.is_some_and(|text| text.chars().count() > most) {
            return Err(bad(format!("Invalid API Key {what}, can be at most {most} characters.")));
        }
    }
    Ok(())
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    check_texts(given.name.as_deref(), given.description.as_deref())?;
    let now = cx.now_seconds();
    let state = &mut cx.r.apigateway;
    let mut ids = state.ids;
    let id = fresh_id(&mut ids, 10, |id| state.api_keys.contains_key(id));
    let value = match given.value {
        Some(value) => {
            check_value(&value)?;
            value
        }
        None => (0..4).map(|_| in_letters(ids.number(), 10)).collect(),
    };
    refuse_if(state.api_keys.values().any(|key| key.value == value), || conflict("API Key already exists"))?;
    let key = ApiKey {
        id: id.clone(),
        value,
        name: given.name,
        customer_id: given.customer_id,
        description: given.description,
        enabled: given.enabled.unwrap_or_default(),
        created_date: now,
        last_updated_date: now,
        stage_keys: Vec::new(),
        tags: tag_map(given.tags.unwrap_or_default(), bad)?,
    };
    let answer = shown(&key, Some(true));
    state.api_keys.insert(id, key);
    state.ids = ids;
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (api_key, include_value): (String, Option<bool>) = call.members(&["apiKey", "includeValue"])?;
    Ok(shown(cx.r.apigateway.api_keys.find(&api_key)?, include_value))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: List = call.input()?;
    let wanted = |key: &ApiKey| {
        key.is_named(given.name_query.as_deref())
            && given.customer_id.as_ref().is_none_or(|id| key.customer_id.as_ref() == Some(id))
    };
    let keys = cx.r.apigateway.api_keys.iter().filter(|(_, key)| wanted(key));
    let keys = keys.map(|(id, key)| (id.as_str(), shown(key, given.include_values)));
    listed(keys, given.position.as_deref(), given.limit)
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (api_key, patch_operations): (String, Option<Vec<Given>>) =
        call.members(&["apiKey", "patchOperations"])?;
    let now = cx.now_seconds();
    let state = &mut cx.r.apigateway;
    let mut key = state.api_keys.find(&api_key)?.clone();
    for patch in Patch::read(patch_operations)? {
        // API Gateway API Reference, "Patch Operations", UpdateApiKey.
        match (patch.op, patch.raw().as_slice()) {
            (Op::Replace, ["name"]) => key.name = patch.text(),
            (Op::Replace, ["description"]) => key.description = patch.text(),
            (Op::Replace, ["customerId"]) => key.customer_id = patch.text(),
            (Op::Replace, ["enabled"]) => key.enabled = patch.flag()?,
            (_, ["stages" | "labels"]) => return Err(patch.unmodelled()),
            _ => return Err(patch.unknown("/name, /description, /customerId, /enabled")),
        }
    }
    check_texts(key.name.as_deref(), key.description.as_deref())?;
    key.last_updated_date = now;
    let mut answer = shown(&key, None);
    answer["tags"] = json!(key.tags);
    state.api_keys.insert(api_key, key);
    Ok(answer)
}

/// Deletes a key, which goes from the plans that it is in.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (api_key, _): (String, Option<bool>) = call.members(&["apiKey", "includeValue"])?;
    let state = &mut cx.r.apigateway;
    state.api_keys.find(&api_key)?;
    state.api_keys.remove(&api_key);
    for plan in state.usage_plans.values_mut() {
        plan.keys.remove(&api_key);
    }
    Ok(nothing())
}
