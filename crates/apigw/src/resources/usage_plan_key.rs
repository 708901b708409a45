//! An API key in a usage plan.
//!
//! The surprise: the answer to the call that makes it has the key's value in it, a secret. It is dropped.
//!
//! Wait: a conflict of two changes. Read: the value of the key comes with it, and is not looked at. No state is terminal: there is
//! none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ForeignId, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::calls::{OfGateway, gateway};
use crate::{ApiKeyId, UsagePlanId};

/// The properties of a key in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct UsagePlanKey<S: Stage = Declared> {
    /// The key.
    pub key_id: S::Of<ApiKeyId>,
    /// `API_KEY`.
    pub key_type: String,
    /// The plan.
    pub usage_plan_id: S::Of<UsagePlanId>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct UsagePlanKeyOutputs<S: Stage> {
    /// `KEY:PLAN`.
    pub id: S::Of<String>,
}

impl Declares for UsagePlanKey<Declared> {
    type Resolved = UsagePlanKey<Resolved>;
}

impl UsagePlanKey<Resolved> {
    fn outputs(&self) -> UsagePlanKeyOutputs<Resolved> {
        UsagePlanKeyOutputs { id: format!("{}:{}", self.key_id, self.usage_plan_id) }
    }

    async fn exists(&self, cx: &Context) -> Result<bool, CallError> {
        let request = gateway(cx).get_usage_plan_key().usage_plan_id(self.usage_plan_id.as_str());
        let answer = request.key_id(self.key_id.as_str()).send().await.called("GetUsagePlanKey");
        Ok(answer.if_exists()?.is_some())
    }
}

#[async_trait]
impl Resource for UsagePlanKey<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::UsagePlanKey";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::Everything,
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["Id"],
            words: "the ids of the API key and of the usage plan, joined by a colon",
            example: "k1l2m3n4o5:u1v2w3",
        },
        reads: Reads { least: 1, most: 1, together: Some("GetUsagePlanKeys") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = UsagePlanKey<Declared>;
    type Outputs<S: Stage> = UsagePlanKeyOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.outputs().id)
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<UsagePlanKeyOutputs<Resolved>>, CallError> {
        Ok(self.exists(cx).await?.then(|| self.outputs()))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<UsagePlanKeyOutputs<Resolved>>, CallError> {
        let Some((key, plan)) = id.part("Id").split_once(':') else { return Ok(None) };
        (self.key_id, self.usage_plan_id) = (key.into(), plan.into());
        Ok(self.exists(cx).await?.then(|| self.outputs()))
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<UsagePlanKeyOutputs<Resolved>, CallError> {
        let request = gateway(cx)
            .create_usage_plan_key()
            .usage_plan_id(self.usage_plan_id.as_str())
            .key_id(self.key_id.as_str())
            .key_type(&self.key_type);
        request.send().await.called("CreateUsagePlanKey").of_gateway()?;
        Ok(self.outputs())
    }

    async fn read(
        &self,
        cx: &Context,
        _outputs: &UsagePlanKeyOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        Ok(self.exists(cx).await?.then(|| self.clone()))
    }

    async fn update(
        &self,
        _cx: &Context,
        outputs: &UsagePlanKeyOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<UsagePlanKeyOutputs<Resolved>, CallError> {
        // Every change replaces it.
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, _outputs: &UsagePlanKeyOutputs<Resolved>) -> Result<(), CallError> {
        let request = gateway(cx).delete_usage_plan_key().usage_plan_id(self.usage_plan_id.as_str());
        let request = request.key_id(self.key_id.as_str());
        request.send().await.called("DeleteUsagePlanKey").of_delete().gone_is_ok()
    }
}
