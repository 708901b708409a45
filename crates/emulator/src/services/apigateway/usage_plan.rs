//! Usage plans, and the API keys that are in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::patch::{Given, Op, Patch, unescaped};
use super::records::{ApiKey, ApiStage, QuotaSettings, ThrottleSettings, UsagePlan};
use super::rest_api::{listed, with_tags};
use super::{State, bad, conflict, fresh_id, not_found, nothing};
use crate::services::{Answer, Call, Cx, Refusal, Table, Tags, ensure, refuse_if, tag_map, to_json};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    name: String,
    description: Option<String>,
    api_stages: Option<Vec<ApiStage>>,
    throttle: Option<ThrottleSettings>,
    quota: Option<QuotaSettings>,
    tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListKeys {
    usage_plan_id: String,
    position: Option<String>,
    limit: Option<i64>,
    name_query: Option<String>,
}

impl ApiStage {
    pub(super) fn is(&self, api: &str, stage: &str) -> bool {
        self.api_id.as_deref() == Some(api) && self.stage.as_deref() == Some(stage)
    }

    /// `API:STAGE`.
    fn name(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!("{}:{}", part(&self.api_id), part(&self.stage))
    }
}

impl State {
    /// What must be true of a plan after every change.
    fn check_plan(&self, plan: &UsagePlan) -> Result<(), Refusal> {
        refuse_if(plan.name.trim().is_empty(), || bad("Usage plan name must not be empty."))?;
        let mut seen = BTreeSet::new();
        for stage in &plan.api_stages {
            if !self.has(stage) {
                let name = &plan.name;
                let (api, stage) = (stage.api_id.as_deref(), stage.stage.as_deref());
                let (api, stage) = (api.unwrap_or_default(), stage.unwrap_or_default());
                return Err(bad(format!(
                    "Invalid API Stage {{api: {api}, stage: {stage}}} specified for usageplan {name}"
                )));
            }
            if !seen.insert(stage.name()) {
                return Err(bad(format!("The API Stage {} is in the usage plan twice.", stage.name())));
            }
            stage.throttle.values().try_for_each(check_throttle)?;
        }
        plan.throttle.iter().try_for_each(check_throttle)?;
        plan.quota.iter().try_for_each(check_quota)?;
        plan.keys.iter().try_for_each(|key| self.check_key(plan, key))
    }

    fn has(&self, stage: &ApiStage) -> bool {
        let (Some(api), Some(name)) = (&stage.api_id, &stage.stage) else {
            return false;
        };
        self.apis.get(api).is_some_and(|tree| tree.stages.contains_key(name))
    }

    /// A key belongs to one plan for each stage (API Gateway Developer Guide, "Usage plans and API keys for REST
    /// APIs").
    fn check_key(&self, plan: &UsagePlan, key: &str) -> Result<(), Refusal> {
        let names: BTreeSet<String> = plan.api_stages.iter().map(ApiStage::name).collect();
        let others =
            self.usage_plans.values().filter(|other| other.id != plan.id && other.keys.contains(key));
        match others.flat_map(|other| &other.api_stages).find(|stage| names.contains(&stage.name())) {
            Some(stage) => Err(conflict(format!(
                "Usage Plan {} cannot be added because API Key {key} cannot reference multiple Usage Plans with \
                 the same API Stage: {}",
                plan.id,
                stage.name()
            ))),
            None => Ok(()),
        }
    }
}

fn check_throttle(throttle: &ThrottleSettings) -> Result<(), Refusal> {
    ensure(throttle.burst_limit >= 0 && throttle.rate_limit >= 0.0, || {
        bad("Usage Plan throttle rate limit and burst limit must not be negative.")
    })
}

fn check_quota(quota: &QuotaSettings) -> Result<(), Refusal> {
    let Some(period) = quota.period.as_deref() else {
        return Err(bad("Usage Plan quota must have a period."));
    };
    refuse_if(quota.limit < 1, || bad("Usage Plan quota limit must be greater than zero."))?;
    let largest = match period {
        "DAY" => 0,
        "WEEK" => 6,
        "MONTH" => 27,
        _ => return Err(bad(format!("Invalid Usage Plan quota period {period}: DAY, WEEK or MONTH."))),
    };
    ensure((0..=largest).contains(&quota.offset), || {
        bad(format!(
            "Usage Plan quota offset must be between zero and {largest} inclusive in the {period} period"
        ))
    })
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let state = &mut cx.r.apigateway;
    let mut ids = state.ids;
    let id = fresh_id(&mut ids, 6, |id| state.usage_plans.contains_key(id));
    let plan = UsagePlan {
        id: id.clone(),
        name: given.name,
        description: given.description,
        api_stages: given.api_stages.unwrap_or_default(),
        throttle: given.throttle,
        quota: given.quota,
        product_code: None,
        tags: tag_map(given.tags.unwrap_or_default(), bad)?,
        keys: BTreeSet::new(),
    };
    state.check_plan(&plan)?;
    let answer = to_json(&plan);
    state.usage_plans.insert(id, plan);
    state.ids = ids;
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let usage_plan_id: String = call.member("usagePlanId")?;
    let plan = cx.r.apigateway.usage_plans.find(&usage_plan_id)?;
    Ok(with_tags(plan, &plan.tags))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (position, key_id, limit): (Option<String>, Option<String>, Option<i64>) =
        call.members(&["position", "keyId", "limit"])?;
    let plans = cx.r.apigateway.usage_plans.iter();
    let wanted = plans.filter(|(_, plan)| key_id.as_ref().is_none_or(|key| plan.keys.contains(key)));
    listed(wanted.map(|(id, plan)| (id.as_str(), to_json(plan))), position.as_deref(), limit)
}

pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (usage_plan_id, patch_operations): (String, Option<Vec<Given>>) =
        call.members(&["usagePlanId", "patchOperations"])?;
    let state = &mut cx.r.apigateway;
    let mut plan = state.usage_plans.find(&usage_plan_id)?.clone();
    for patch in Patch::read(patch_operations)? {
        apply(&mut plan, &patch)?;
    }
    state.check_plan(&plan)?;
    let answer = with_tags(&plan, &plan.tags);
    state.usage_plans.insert(usage_plan_id, plan);
    Ok(answer)
}

/// API Gateway API Reference, "Patch Operations", UpdateUsagePlan.
const PATHS: &str = "/name, /description, /productCode, /apiStages, /quota, /quota/limit, /quota/offset, \
                     /quota/period, /throttle, /throttle/rateLimit, /throttle/burstLimit, \
                     /apiStages/<apiId:stageName>/throttle, \
                     /apiStages/<apiId:stageName>/throttle/<resourcePath>/<httpMethod>/rateLimit, \
                     /apiStages/<apiId:stageName>/throttle/<resourcePath>/<httpMethod>/burstLimit";

fn apply(plan: &mut UsagePlan, patch: &Patch) -> Result<(), Refusal> {
    match (patch.op, patch.raw().as_slice()) {
        (Op::Replace, ["name"]) => plan.name = patch.required()?,
        (Op::Replace, ["description"]) => plan.description = patch.text(),
        (Op::Replace, ["productCode"]) => plan.product_code = patch.text(),
        (Op::Add, ["apiStages"]) => {
            let stage = named_stage(&patch.required()?, patch)?;
            plan.api_stages.push(stage);
        }
        (Op::Remove, ["apiStages"]) => {
            let at = place_of(plan, &patch.required()?)?;
            plan.api_stages.remove(at);
        }
        (Op::Remove, ["apiStages", stage, "throttle"]) => {
            let at = place_of(plan, stage)?;
            plan.api_stages[at].throttle.clear();
        }
        (Op::Add | Op::Replace, ["apiStages", stage, "throttle", path, verb, limit]) => {
            let at = place_of(plan, stage)?;
            let method = format!("{}/{verb}", unescaped(path));
            set_throttle(plan.api_stages[at].throttle.entry(method).or_default(), limit, patch)?;
        }
        (Op::Remove, ["apiStages", stage, "throttle", path, verb]) => {
            let at = place_of(plan, stage)?;
            let method = format!("{}/{verb}", unescaped(path));
            let removed = plan.api_stages[at].throttle.remove(&method);
            removed.ok_or_else(|| patch.invalid("a method that is there"))?;
        }
        (Op::Remove, ["throttle"]) => plan.throttle = None,
        (Op::Add | Op::Replace, ["throttle", limit]) => {
            set_throttle(plan.throttle.get_or_insert_default(), limit, patch)?;
        }
        (Op::Remove, ["quota"]) => plan.quota = None,
        (Op::Add | Op::Replace, ["quota", name]) => {
            let quota = plan.quota.get_or_insert_default();
            match *name {
                "limit" => quota.limit = patch.number()?,
                "offset" => quota.offset = patch.number()?,
                "period" => quota.period = Some(patch.required()?),
                _ => return Err(patch.unknown(PATHS)),
            }
        }
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

fn set_throttle(throttle: &mut ThrottleSettings, limit: &str, patch: &Patch) -> Result<(), Refusal> {
    match limit {
        "rateLimit" => throttle.rate_limit = patch.number()?,
        "burstLimit" => throttle.burst_limit = patch.number()?,
        _ => return Err(patch.unknown(PATHS)),
    }
    Ok(())
}

/// A stage by its name, `API:STAGE`.
fn named_stage(name: &str, patch: &Patch) -> Result<ApiStage, Refusal> {
    let (api, stage) = name.split_once(':').ok_or_else(|| patch.invalid("API:STAGE"))?;
    Ok(ApiStage { api_id: Some(api.to_owned()), stage: Some(stage.to_owned()), throttle: BTreeMap::new() })
}

fn place_of(plan: &UsagePlan, name: &str) -> Result<usize, Refusal> {
    let at = plan.api_stages.iter().position(|stage| stage.name() == name);
    at.ok_or_else(|| not_found("Invalid API Stage specified"))
}

/// A plan stays while it has stages.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let usage_plan_id: String = call.member("usagePlanId")?;
    let state = &mut cx.r.apigateway;
    if let Some(stage) = state.usage_plans.find(&usage_plan_id)?.api_stages.first() {
        return Err(bad(format!(
            "Cannot delete Usage Plan {usage_plan_id} because there are API Stages associated with it, including {}",
            stage.name()
        )));
    }
    state.usage_plans.remove(&usage_plan_id);
    Ok(nothing())
}

pub(super) fn add_key(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (usage_plan_id, key_id, key_type): (String, String, String) =
        call.members(&["usagePlanId", "keyId", "keyType"])?;
    let state = &mut cx.r.apigateway;
    let plan = state.usage_plans.find(&usage_plan_id)?;
    if key_type != "API_KEY" {
        return Err(bad("Invalid usage plan key type: the one that there is is API_KEY."));
    }
    let key = state.api_keys.find(&key_id)?;
    if plan.keys.contains(&key_id) {
        return Err(conflict(format!("The API key {key_id} is already in the usage plan {usage_plan_id}.")));
    }
    state.check_key(plan, &key_id)?;
    let mut answer = shown_key(key);
    answer["value"] = key.value.as_str().into();
    if let Some(plan) = state.usage_plans.get_mut(&usage_plan_id) {
        plan.keys.insert(key_id);
    }
    Ok(answer)
}

fn shown_key(key: &ApiKey) -> Value {
    json!({"id": key.id, "type": "API_KEY", "name": key.name})
}

/// A key of a plan.
fn key_of<'a>(state: &'a State, plan: &str, key: &str) -> Result<&'a ApiKey, Refusal> {
    if state.usage_plans.find(plan)?.keys.contains(key) {
        state.api_keys.find(key)
    } else {
        Err(not_found("Invalid Usage Plan Key identifier specified"))
    }
}

pub(super) fn get_key(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (usage_plan_id, key_id): (String, String) = call.members(&["usagePlanId", "keyId"])?;
    Ok(shown_key(key_of(&cx.r.apigateway, &usage_plan_id, &key_id)?))
}

pub(super) fn list_keys(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let ListKeys { usage_plan_id, position, limit, name_query } = call.input()?;
    let state = &cx.r.apigateway;
    let keys = state.usage_plans.find(&usage_plan_id)?.keys.iter().filter_map(|id| state.api_keys.get(id));
    let wanted = keys.filter(|key| key.is_named(name_query.as_deref()));
    listed(wanted.map(|key| (key.id.as_str(), shown_key(key))), position.as_deref(), limit)
}

pub(super) fn remove_key(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (usage_plan_id, key_id): (String, String) = call.members(&["usagePlanId", "keyId"])?;
    let state = &mut cx.r.apigateway;
    key_of(state, &usage_plan_id, &key_id)?;
    if let Some(plan) = state.usage_plans.get_mut(&usage_plan_id) {
        plan.keys.remove(&key_id);
    }
    Ok(nothing())
}
