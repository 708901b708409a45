//! A usage plan: how much those may do who have one of its API keys.
//!
//! The surprises: names are not unique; AWS changes one plan in twenty seconds and no more; and a plan cannot be deleted
//! while it has stages, so the delete takes them away first.
//!
//! Wait: a stage that is not there yet is not found. Read: a plan without a throttle or a quota has none of it. Update: stages are added
//! and removed one by one, and a stage that was deleted left the plan by itself. No state is terminal: a plan has none.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, Tags, count, number, required};
use aws_sdk_apigateway::types::{
    ApiStage as StageForCall, Op, PatchOperation, QuotaPeriodType, QuotaSettings as QuotaForCall,
    ThrottleSettings as ThrottleForCall, UsagePlan as Live,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::UsagePlanKey;
use super::calls::{OfGateway, PAGE, gateway, patch, replace, retag};
use crate::{ApiKeyId, RestApiId, StageName, UsagePlanId};

/// The properties of a usage plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct UsagePlan<S: Stage = Declared> {
    /// Its name, which others may have too.
    pub usage_plan_name: String,
    /// What it is for.
    pub description: String,
    /// The stages that it is about.
    pub api_stages: Vec<ApiStage<S>>,
    /// How many requests a key may make at once. A live plan may have no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<ThrottleSettings>,
    /// How many requests a key may make in all. A live plan may have no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaSettings>,
    /// Keys that somebody has let in. Never declared: each key of ours is a resource of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<ApiKeyId>,
    /// What people see.
    pub tags: Tags,
}

/// A stage of an API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ApiStage<S: Stage = Declared> {
    /// The API.
    pub api_id: S::Of<RestApiId>,
    /// The stage.
    pub stage: S::Of<StageName>,
}

/// How many requests a key may make at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ThrottleSettings {
    /// Requests in a second, in the long run.
    pub rate_limit: f64,
    /// Requests at one moment, above the rate.
    pub burst_limit: u32,
}

/// How many requests a key may make in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QuotaSettings {
    /// The number.
    pub limit: u32,
    /// In which time: `DAY`, `WEEK` or `MONTH`.
    pub period: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct UsagePlanOutputs<S: Stage> {
    /// The id.
    pub id: S::Of<UsagePlanId>,
}

impl Declares for UsagePlan<Declared> {
    type Resolved = UsagePlan<Resolved>;
}

impl ApiStage<Resolved> {
    /// As a patch names it.
    fn name(&self) -> String {
        format!("{}:{}", self.api_id, self.stage)
    }

    fn from_live(live: &StageForCall) -> Self {
        Self {
            api_id: live.api_id().unwrap_or_default().into(),
            stage: live.stage().unwrap_or_default().into(),
        }
    }
}

fn outputs(id: Option<String>, operation: &str) -> Result<UsagePlanOutputs<Resolved>, CallError> {
    Ok(UsagePlanOutputs { id: required(id, operation, "id")?.into() })
}

async fn change(cx: &Context, id: &UsagePlanId, patches: Vec<PatchOperation>) -> Result<(), CallError> {
    if patches.is_empty() {
        return Ok(());
    }
    let request = gateway(cx).update_usage_plan().usage_plan_id(id.as_str());
    let request = request.set_patch_operations(Some(patches));
    request.send().await.called("UpdateUsagePlan").of_gateway().map(drop)
}

impl UsagePlan<Resolved> {
    fn throttle(&self) -> Option<ThrottleForCall> {
        let throttle = self.throttle.as_ref()?;
        let call = ThrottleForCall::builder().rate_limit(throttle.rate_limit);
        Some(call.burst_limit(number(throttle.burst_limit)).build())
    }

    fn quota(&self) -> Option<QuotaForCall> {
        let quota = self.quota.as_ref()?;
        let period = QuotaPeriodType::from(quota.period.as_str());
        Some(QuotaForCall::builder().limit(number(quota.limit)).period(period).build())
    }

    fn stage_patches(&self, before: &[ApiStage<Resolved>]) -> Vec<PatchOperation> {
        let gone = before.iter().filter(|stage| !self.api_stages.contains(stage));
        let new = self.api_stages.iter().filter(|stage| !before.contains(stage));
        let gone = gone.map(|stage| patch(Op::Remove, "/apiStages", Some(stage.name())));
        gone.chain(new.map(|stage| patch(Op::Add, "/apiStages", Some(stage.name())))).collect()
    }

    fn patches(&self, changed: &Changed<Self>) -> Vec<PatchOperation> {
        let mut patches = Vec::new();
        if changed.has("UsagePlanName") {
            patches.push(replace("/name", &self.usage_plan_name));
        }
        if changed.has("Description") {
            patches.push(replace("/description", &self.description));
        }
        match &self.throttle {
            _ if !changed.has("Throttle") => {}
            Some(throttle) => {
                patches.push(replace("/throttle/rateLimit", throttle.rate_limit));
                patches.push(replace("/throttle/burstLimit", throttle.burst_limit));
            }
            None => patches.push(patch(Op::Remove, "/throttle", None)),
        }
        match &self.quota {
            _ if !changed.has("Quota") => {}
            Some(quota) => {
                patches.push(replace("/quota/limit", quota.limit));
                patches.push(replace("/quota/period", &quota.period));
            }
            None => patches.push(patch(Op::Remove, "/quota", None)),
        }
        patches
    }

    fn as_recorded(&self, live: Live, keys: Vec<ApiKeyId>) -> Self {
        // Of which AWS does not keep the order.
        let mut api_stages: Vec<_> = live.api_stages().iter().map(ApiStage::from_live).collect();
        api_stages.sort_by_cached_key(|stage| {
            let place = self.api_stages.iter().position(|other| other == stage);
            (place.unwrap_or(usize::MAX), stage.name())
        });
        Self {
            usage_plan_name: live.name.unwrap_or_default(),
            description: live.description.unwrap_or_default(),
            api_stages,
            throttle: live.throttle.map(|throttle| ThrottleSettings {
                rate_limit: throttle.rate_limit,
                burst_limit: count(throttle.burst_limit),
            }),
            quota: live.quota.map(|quota| QuotaSettings {
                limit: count(quota.limit),
                period: quota.period.map(|period| period.as_str().to_owned()).unwrap_or_default(),
            }),
            keys,
            tags: LiveTags::map(live.tags).visible(),
        }
    }
}

/// The keys that are not ours.
async fn added_keys(cx: &Context, id: &UsagePlanId) -> Result<Vec<ApiKeyId>, CallError> {
    let request = gateway(cx).get_usage_plan_keys().usage_plan_id(id.as_str()).limit(PAGE);
    let mut keys = request.into_paginator().items().send();
    let ours = cx.ours::<UsagePlanKey<Resolved>>();
    let is_ours = |key: &str| {
        let mut ours = ours.iter().map(|ours| &ours.properties).filter(|ours| ours.usage_plan_id == *id);
        ours.any(|ours| ours.key_id.as_str() == key)
    };
    let mut added = Vec::new();
    while let Some(key) = keys.next().await {
        let key = key.called("GetUsagePlanKeys")?;
        added.extend(key.id.filter(|key| !is_ours(key)).map(ApiKeyId::from));
    }
    added.sort();
    Ok(added)
}

async fn live(cx: &Context, id: &UsagePlanId) -> Result<Option<Live>, CallError> {
    let request = gateway(cx).get_usage_plan().usage_plan_id(id.as_str());
    let answer = request.send().await.called("GetUsagePlan").if_exists()?;
    Ok(answer.map(|live| {
        Live::builder()
            .set_name(live.name)
            .set_description(live.description)
            .set_api_stages(live.api_stages)
            .set_throttle(live.throttle)
            .set_quota(live.quota)
            .set_tags(live.tags)
            .build()
    }))
}

#[async_trait]
impl Resource for UsagePlan<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::UsagePlan";
    const FACTS: Facts = Facts {
        name: Named::ByName("UsagePlanName"),
        create_only: CreateOnly::Nothing,
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["Keys"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 20, longest: 900 } },
        import: ImportId { parts: &["Id"], words: "the id of the usage plan", example: "u1v2w3" },
        reads: Reads { least: 2, most: 2, together: Some("GetUsagePlans") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    const CLOSED: &'static [&'static str] = &["Keys"];
    type Context = Context;
    type Declared = UsagePlan<Declared>;
    type Outputs<S: Stage> = UsagePlanOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<UsagePlanOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetUsagePlans";
        let mut plans = gateway(cx).get_usage_plans().limit(PAGE).into_paginator().items().send();
        while let Some(live) = plans.next().await {
            let live = live.called(OPERATION)?;
            if LiveTags::map(live.tags).fit(cx.identity(), search) {
                return outputs(live.id, OPERATION).map(Some);
            }
        }
        Ok(None)
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<UsagePlanOutputs<Resolved>>>>, CallError> {
        const OPERATION: &str = "GetUsagePlans";
        let mut all = gateway(cx).get_usage_plans().limit(PAGE).into_paginator().items().send();
        let mut sighted = Vec::new();
        while let Some(live) = all.next().await {
            let live = live.called(OPERATION)?;
            let created = None;
            let outputs = outputs(live.id, OPERATION)?;
            sighted.extend(LiveTags::map(live.tags).sighting(cx.identity(), outputs, created));
        }
        Ok(Some(sighted))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<UsagePlanOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateUsagePlan";
        let stage = |stage: &ApiStage<Resolved>| {
            StageForCall::builder().api_id(stage.api_id.as_str()).stage(stage.stage.as_str()).build()
        };
        let request = gateway(cx)
            .create_usage_plan()
            .name(&self.usage_plan_name)
            .description(&self.description)
            .set_api_stages(Some(self.api_stages.iter().map(stage).collect()))
            .set_throttle(self.throttle())
            .set_quota(self.quota())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        outputs(request.send().await.called(OPERATION).of_gateway()?.id, OPERATION)
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &UsagePlanOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.id).await? else { return Ok(None) };
        let Some(keys) = added_keys(cx, &outputs.id).await.if_exists()? else { return Ok(None) };
        Ok(Some(self.as_recorded(live, keys)))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &UsagePlanOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<UsagePlanOutputs<Resolved>, CallError> {
        let mut patches = self.patches(changed);
        if changed.has("ApiStages") {
            // After an answer that was lost, a stage is gone already, and AWS refuses to remove it once more.
            let live = live(cx, &outputs.id).await?;
            let stages = live.iter().flat_map(Live::api_stages).map(ApiStage::from_live);
            patches.extend(self.stage_patches(&stages.collect::<Vec<_>>()));
        }
        change(cx, &outputs.id, patches).await?;
        for key in changed.before.keys.iter().filter(|_| changed.has("Keys")) {
            let request = gateway(cx).delete_usage_plan_key().usage_plan_id(outputs.id.as_str());
            let answer = request.key_id(key.as_str()).send().await.called("DeleteUsagePlanKey");
            answer.of_gateway().map(drop).gone_is_ok()?;
        }
        retag(cx, &format!("/usageplans/{}", outputs.id), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &UsagePlanOutputs<Resolved>) -> Result<(), CallError> {
        let Some(live) = live(cx, &outputs.id).await? else { return Ok(()) };
        let stages = live.api_stages().iter().map(|stage| ApiStage::from_live(stage).name());
        let patches = stages.map(|name| patch(Op::Remove, "/apiStages", Some(name))).collect();
        change(cx, &outputs.id, patches).await.gone_is_ok()?;
        let request = gateway(cx).delete_usage_plan().usage_plan_id(outputs.id.as_str());
        request.send().await.called("DeleteUsagePlan").of_delete().gone_is_ok()
    }
}
