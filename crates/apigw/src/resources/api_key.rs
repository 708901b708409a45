//! An API key: what a client shows to be let in.
//!
//! The surprises: its value is a secret that AWS makes up and tells at once, in the answer to the create call. It is dropped
//! there, and never asked for here: see [`api_key_value`](crate::api_key_value). And names are not unique.
//!
//! Wait: nothing; a key refers to nothing. Read: the value is there only when it is asked for. Update: the value cannot be changed.
//! No state is terminal: a key has none.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, Tags, required};
use aws_sdk_apigateway::primitives::DateTimeFormat as Format;
use engine::{
    CallError, Changed, CreateOnly, Declares, Facts, ImportId, Intent, Listed, Loss, Named, Reads, Resolved,
    Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::calls::{OfGateway, PAGE, gateway, replace, retag};
use crate::ApiKeyId;

/// The properties of an API key. It refers to nothing, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ApiKey {
    /// Its name, which others may have too.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it opens anything.
    pub enabled: bool,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to. The value is not among it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ApiKeyOutputs<S: Stage> {
    /// The id.
    #[serde(rename = "APIKeyId")]
    pub api_key_id: S::Of<ApiKeyId>,
}

impl Declares for ApiKey {
    type Resolved = Self;
}

fn outputs(id: Option<String>, operation: &str) -> Result<ApiKeyOutputs<Resolved>, CallError> {
    Ok(ApiKeyOutputs { api_key_id: required(id, operation, "id")?.into() })
}

#[async_trait]
impl Resource for ApiKey {
    const KIND: &'static str = "AWS::ApiGateway::ApiKey";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::These(&["Name"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Keys("its value, so that clients which use it are refused"),
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["APIKeyId"],
            words: "the id of the API key, not its value",
            example: "k1l2m3n4o5",
        },
        reads: Reads { least: 1, most: 1, together: Some("GetApiKeys") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = ApiKeyOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<ApiKeyOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetApiKeys";
        let request = gateway(cx).get_api_keys().name_query(&self.name).include_values(false).limit(PAGE);
        let mut keys = request.into_paginator().items().send();
        while let Some(live) = keys.next().await {
            let live = live.called(OPERATION)?;
            if LiveTags::map(live.tags).fit(cx.identity(), search) {
                return outputs(live.id, OPERATION).map(Some);
            }
        }
        Ok(None)
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<ApiKeyOutputs<Resolved>>>>, CallError> {
        const OPERATION: &str = "GetApiKeys";
        let mut all =
            gateway(cx).get_api_keys().include_values(false).limit(PAGE).into_paginator().items().send();
        let mut sighted = Vec::new();
        while let Some(live) = all.next().await {
            let live = live.called(OPERATION)?;
            let created = live.created_date.as_ref().and_then(|date| date.fmt(Format::DateTime).ok());
            let outputs = outputs(live.id, OPERATION)?;
            sighted.extend(LiveTags::map(live.tags).sighting(cx.identity(), outputs, created));
        }
        Ok(Some(sighted))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<ApiKeyOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateApiKey";
        let request = gateway(cx)
            .create_api_key()
            .name(&self.name)
            .description(&self.description)
            .enabled(self.enabled)
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        outputs(request.send().await.called(OPERATION).of_gateway()?.id, OPERATION)
    }

    async fn read(&self, cx: &Context, outputs: &ApiKeyOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let request = gateway(cx).get_api_key().api_key(outputs.api_key_id.as_str()).include_value(false);
        let answer = request.send().await.called("GetApiKey").if_exists()?;
        Ok(answer.map(|live| Self {
            name: live.name.unwrap_or_default(),
            description: live.description.unwrap_or_default(),
            enabled: live.enabled,
            tags: LiveTags::map(live.tags).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &ApiKeyOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<ApiKeyOutputs<Resolved>, CallError> {
        let mut patches = Vec::new();
        if changed.has("Description") {
            patches.push(replace("/description", &self.description));
        }
        if changed.has("Enabled") {
            patches.push(replace("/enabled", self.enabled));
        }
        if !patches.is_empty() {
            let request = gateway(cx).update_api_key().api_key(outputs.api_key_id.as_str());
            request.set_patch_operations(Some(patches)).send().await.called("UpdateApiKey").of_gateway()?;
        }
        retag(cx, &format!("/apikeys/{}", outputs.api_key_id), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ApiKeyOutputs<Resolved>) -> Result<(), CallError> {
        let request = gateway(cx).delete_api_key().api_key(outputs.api_key_id.as_str());
        request.send().await.called("DeleteApiKey").of_delete().gone_is_ok()
    }
}
