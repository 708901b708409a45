//! A REST API: a tree of paths with methods, served by stages.
//!
//! The surprises: names are not unique, so a lost create is found by its tag; AWS deletes one API in half a minute and no
//! more; and a change of the TLS policy takes a quarter of an hour.
//!
//! A resource policy that somebody has put on it decides who may call it, with a key or without, once it is deployed. None is
//! declared, so it is drift and taken off, before the next deployment of ours could publish it ("Create and attach an API Gateway
//! resource policy": an update needs a deployment). A stage that serves somebody else's deployment is drift of the stage.
//!
//! Wait: while its status is `UPDATING`, for a quarter of an hour after another TLS policy. Read: an API without tags has none of them;
//! the TLS policy and the access mode are there even if nobody set them. Update: another TLS policy, access mode or key source is
//! live with the next deployment only; and from `TLS_1_0` there is no way to `TLS_1_2` but over an enhanced policy, which takes two
//! runs. Terminal is `FAILED`.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, Tags, required};
use aws_sdk_apigateway::primitives::DateTimeFormat as Format;
use aws_sdk_apigateway::types::{
    ApiKeySourceType, EndpointAccessMode, EndpointConfiguration as EndpointForCall, EndpointType,
    SecurityPolicy,
};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ForeignId, ImportId, Intent, Listed, Loss,
    Named, Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template,
    Times,
};
use serde::{Deserialize, Serialize};

use super::calls::{OfGateway, PAGE, gateway, replace, retag};
use crate::{ApiResourceId, RestApiId};

/// The properties of a REST API. It refers to nothing, so one struct serves both stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestApi {
    /// Its name, which others may have too.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where it is reached.
    pub endpoint_configuration: EndpointConfiguration,
    /// Where the API key of a request is: `HEADER` is `x-api-key`.
    pub api_key_source_type: String,
    /// Whether it is closed under its own name. Takes effect with the next deployment.
    pub disable_execute_api_endpoint: bool,
    /// Versions and ciphers of TLS.
    pub security_policy: String,
    /// `STRICT` or `BASIC`: whether it insists on being called by its own name. Policies that begin with
    /// `SecurityPolicy_` need it, and others cannot have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_access_mode: Option<String>,
    /// The resource policy that somebody has put on it, as API Gateway shows it. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What people see.
    pub tags: Tags,
}

/// Where an API is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EndpointConfiguration {
    /// `REGIONAL`.
    pub types: Vec<String>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestApiOutputs<S: Stage> {
    /// The id.
    pub rest_api_id: S::Of<RestApiId>,
    /// The resource `/`, which every API has.
    pub root_resource_id: S::Of<ApiResourceId>,
}

impl Declares for RestApi {
    type Resolved = Self;
}

fn outputs(
    id: Option<String>,
    root: Option<String>,
    operation: &str,
) -> Result<RestApiOutputs<Resolved>, CallError> {
    Ok(RestApiOutputs {
        rest_api_id: required(id, operation, "id")?.into(),
        root_resource_id: required(root, operation, "rootResourceId")?.into(),
    })
}

impl RestApi {
    /// From `TLS_1_0` AWS lets nobody go to `TLS_1_2`, but over an enhanced policy. Both take a quarter of an hour, so this is the
    /// first half, and another run is the second.
    async fn leave_tls_1_0(&self, cx: &Context, outputs: &RestApiOutputs<Resolved>) -> Result<(), CallError> {
        const OPERATION: &str = "UpdateRestApi";
        const ENHANCED: &str = "SecurityPolicy_TLS13_1_2_2021_06";
        let request = gateway(cx).get_rest_api().rest_api_id(outputs.rest_api_id.as_str());
        let live = request.send().await.called("GetRestApi")?;
        if live.security_policy == Some(SecurityPolicy::Tls10) {
            let patches = vec![replace("/securityPolicy", ENHANCED), replace("/endpointAccessMode", "BASIC")];
            let request = gateway(cx).update_rest_api().rest_api_id(outputs.rest_api_id.as_str());
            request.set_patch_operations(Some(patches)).send().await.called(OPERATION).of_gateway()?;
            let reason = format!(
                "API Gateway does not change the security policy TLS_1_0 to TLS_1_2. It is now being changed to {ENHANCED}, \
                 which takes about 15 minutes; run `stack up` again after that"
            );
            return Err(CallError::new(ErrorClass::Invalid, OPERATION, reason));
        }
        match live.api_status.is_none_or(|status| status.as_str() == "AVAILABLE") {
            true => Ok(()),
            false => {
                let reason = "the security policy of the API is still being changed";
                Err(CallError::new(ErrorClass::NotYet, OPERATION, reason))
            }
        }
    }
}

fn path(id: &RestApiId) -> String {
    format!("/restapis/{id}")
}

#[async_trait]
impl Resource for RestApi {
    const KIND: &'static str = "AWS::ApiGateway::RestApi";
    const FACTS: Facts = Facts {
        name: Named::ByName("Name"),
        create_only: CreateOnly::Nothing,
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Addresses("its URL"),
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 2, longest: 1800 }, gone: Span { typical: 30, longest: 900 } },
        import: ImportId { parts: &["RestApiId"], words: "the id of the API", example: "a1b2c3d4e5" },
        reads: Reads { least: 1, most: 1, together: Some("GetRestApis") },
        cost: Some("api-request"),
    };
    const SETTLE: Settle = Settle::Tag;
    const CLOSED: &'static [&'static str] = &["Policy"];
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = RestApiOutputs<S>;

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<RestApiOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetRestApis";
        let mut apis = gateway(cx).get_rest_apis().limit(PAGE).into_paginator().items().send();
        while let Some(live) = apis.next().await {
            let live = live.called(OPERATION)?;
            if LiveTags::map(live.tags).fit(cx.identity(), search) {
                return outputs(live.id, live.root_resource_id, OPERATION).map(Some);
            }
        }
        Ok(None)
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<RestApiOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetRestApi";
        let request = gateway(cx).get_rest_api().rest_api_id(id.part("RestApiId"));
        let live = request.send().await.called(OPERATION).if_exists()?;
        live.map(|live| outputs(live.id, live.root_resource_id, OPERATION)).transpose()
    }

    async fn ours(cx: &Context) -> Result<Option<Vec<Sighting<RestApiOutputs<Resolved>>>>, CallError> {
        const OPERATION: &str = "GetRestApis";
        let mut all = gateway(cx).get_rest_apis().limit(PAGE).into_paginator().items().send();
        let mut sighted = Vec::new();
        while let Some(live) = all.next().await {
            let live = live.called(OPERATION)?;
            let created = live.created_date.as_ref().and_then(|date| date.fmt(Format::DateTime).ok());
            let outputs = outputs(live.id, live.root_resource_id, OPERATION)?;
            sighted.extend(LiveTags::map(live.tags).sighting(cx.identity(), outputs, created));
        }
        Ok(Some(sighted))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<RestApiOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateRestApi";
        let types = self.endpoint_configuration.types.iter().map(|kind| EndpointType::from(kind.as_str()));
        let request = gateway(cx)
            .create_rest_api()
            .name(&self.name)
            .description(&self.description)
            .endpoint_configuration(EndpointForCall::builder().set_types(Some(types.collect())).build())
            .api_key_source(ApiKeySourceType::from(self.api_key_source_type.as_str()))
            .disable_execute_api_endpoint(self.disable_execute_api_endpoint)
            .security_policy(SecurityPolicy::from(self.security_policy.as_str()))
            .set_endpoint_access_mode(self.endpoint_access_mode.as_deref().map(EndpointAccessMode::from))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        let answer = request.send().await.called(OPERATION).of_gateway()?;
        outputs(answer.id, answer.root_resource_id, OPERATION)
    }

    async fn poll_ready(
        cx: &Context,
        outputs: &RestApiOutputs<Resolved>,
    ) -> Result<Readiness<RestApiOutputs<Resolved>>, CallError> {
        let request = gateway(cx).get_rest_api().rest_api_id(outputs.rest_api_id.as_str());
        let live = request.send().await.called("GetRestApi")?;
        Ok(match live.api_status().map(|status| status.as_str()) {
            None | Some("AVAILABLE") => Readiness::Ready(outputs.clone()),
            Some("FAILED") => Readiness::Failed(
                live.api_status_message.unwrap_or_else(|| "its status is FAILED".to_owned()),
            ),
            Some(status) => Readiness::Pending(status.to_owned()),
        })
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &RestApiOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let request = gateway(cx).get_rest_api().rest_api_id(outputs.rest_api_id.as_str());
        let Some(live) = request.send().await.called("GetRestApi").if_exists()? else { return Ok(None) };
        let endpoint = live.endpoint_configuration.unwrap_or_else(|| EndpointForCall::builder().build());
        let types = endpoint.types().iter().map(|kind| kind.as_str().to_owned()).collect();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Some(Self {
            name: text(live.name.as_deref()),
            description: text(live.description.as_deref()),
            endpoint_configuration: EndpointConfiguration { types },
            api_key_source_type: text(live.api_key_source.as_ref().map(ApiKeySourceType::as_str)),
            disable_execute_api_endpoint: live.disable_execute_api_endpoint,
            security_policy: text(live.security_policy.as_ref().map(SecurityPolicy::as_str)),
            endpoint_access_mode: live.endpoint_access_mode.map(|mode| mode.as_str().to_owned()),
            policy: live.policy.filter(|policy| !policy.is_empty()),
            tags: LiveTags::map(live.tags).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &RestApiOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<RestApiOutputs<Resolved>, CallError> {
        let before = &changed.before;
        let mut patches = Vec::new();
        if changed.has("Name") {
            patches.push(replace("/name", &self.name));
        }
        if changed.has("Description") {
            patches.push(replace("/description", &self.description));
        }
        if changed.has("EndpointConfiguration")
            && let ([old], [new]) =
                (&before.endpoint_configuration.types[..], &self.endpoint_configuration.types[..])
        {
            patches.push(replace(format!("/endpointConfiguration/types/{old}"), new));
        }
        if changed.has("ApiKeySourceType") {
            patches.push(replace("/apiKeySource", &self.api_key_source_type));
        }
        if changed.has("DisableExecuteApiEndpoint") {
            patches.push(replace("/disableExecuteApiEndpoint", self.disable_execute_api_endpoint));
        }
        if changed.has("SecurityPolicy") || changed.has("EndpointAccessMode") {
            patches.push(replace("/securityPolicy", &self.security_policy));
            patches.push(replace(
                "/endpointAccessMode",
                self.endpoint_access_mode.as_deref().unwrap_or_default(),
            ));
        }
        if changed.has("Policy") {
            patches.push(replace("/policy", self.policy.as_deref().unwrap_or_default()));
        }
        if changed.has("SecurityPolicy") && self.security_policy == "TLS_1_2" {
            self.leave_tls_1_0(cx, outputs).await?;
        }
        if !patches.is_empty() {
            let request = gateway(cx).update_rest_api().rest_api_id(outputs.rest_api_id.as_str());
            request.set_patch_operations(Some(patches)).send().await.called("UpdateRestApi").of_gateway()?;
        }
        retag(cx, &path(&outputs.rest_api_id), &before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &RestApiOutputs<Resolved>) -> Result<(), CallError> {
        let request = gateway(cx).delete_rest_api().rest_api_id(outputs.rest_api_id.as_str());
        request.send().await.called("DeleteRestApi").of_delete().gone_is_ok()
    }
}
