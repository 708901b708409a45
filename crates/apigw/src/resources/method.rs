//! A method: a verb on a resource of a REST API, and what it calls.
//!
//! The surprise: a change is live only for who deploys it. Stages serve deployments, which are snapshots. So a method tells
//! by a hash how it is, and a deployment is made of the hashes of all methods: see
//! [`Definition`](super::Definition). What changes a method, a repair of what somebody changed by hand included, has a new
//! deployment behind it: nothing that was put right is served in an older form, whoever deployed what in the meantime.
//!
//! Wait: a VPC link that is not available yet is refused, so a method refers to one that is. Read: a map without entries is not
//! there, and `connectionType` is `INTERNET` where nobody said. Update: UpdateMethod does not change the integration, which is put
//! as a whole; and nothing is live without a deployment. No state is terminal: a method has none.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws::{CallResult, Called, Context, converge, required};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Integration;
use super::calls::{OfGateway, escaped, gateway, patch, replace};
use crate::{ApiResourceId, MethodId, RequestValidatorId, RestApiId};

/// The properties of a method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Method<S: Stage = Declared> {
    /// The API.
    pub rest_api_id: S::Of<RestApiId>,
    /// The resource.
    pub resource_id: S::Of<ApiResourceId>,
    /// The verb; `ANY` is for all that have no method of their own.
    pub http_method: String,
    /// `NONE`, or who may call it.
    pub authorization_type: String,
    /// Whether a request needs an API key.
    pub api_key_required: bool,
    /// What is checked of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_validator_id: Option<S::Of<RequestValidatorId>>,
    /// Parameters that it knows, and whether each must be there.
    pub request_parameters: BTreeMap<String, bool>,
    /// What it calls. A live method may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<Integration<S>>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct MethodOutputs<S: Stage> {
    /// The id; a reference to it waits until the method calls what it should.
    pub id: S::Of<MethodId>,
    /// SHA-256 of its properties, in hexadecimal digits. An update changes it.
    pub definition_hash: S::Of<String>,
}

impl Declares for Method<Declared> {
    type Resolved = Method<Resolved>;
}

impl Method<Resolved> {
    fn key(&self) -> String {
        format!("{}|{}|{}", self.rest_api_id, self.resource_id, self.http_method)
    }

    fn outputs(&self) -> Result<MethodOutputs<Resolved>, CallError> {
        // Names and keys are sorted, so what is the same has the same hash.
        let properties = serde_json::to_vec(self)
            .map_err(|error| CallError::new(ErrorClass::Invalid, Self::KIND, error.to_string()))?;
        let hash = Sha256::digest(properties);
        let definition_hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(MethodOutputs { id: self.key().into(), definition_hash })
    }

    async fn live(cx: &Context, id: &MethodId) -> Result<Option<Self>, CallError> {
        const OPERATION: &str = "GetMethod";
        let mut parts = id.as_str().splitn(3, '|').map(str::to_owned);
        let mut part = |name| required(parts.next(), OPERATION, name);
        let (api, resource, verb) = (part("an API")?, part("a resource")?, part("a verb")?);
        let request = gateway(cx).get_method().rest_api_id(&api).resource_id(&resource).http_method(&verb);
        let Some(live) = request.send().await.called(OPERATION).if_exists()? else { return Ok(None) };
        Ok(Some(Self {
            rest_api_id: api.into(),
            resource_id: resource.into(),
            http_method: verb,
            authorization_type: live.authorization_type.unwrap_or_default(),
            api_key_required: live.api_key_required.unwrap_or_default(),
            request_validator_id: live.request_validator_id.map(Into::into),
            request_parameters: live.request_parameters.unwrap_or_default().into_iter().collect(),
            integration: live.method_integration.map(Integration::from_live),
        }))
    }

    async fn change(&self, cx: &Context, patches: Vec<PatchOperation>) -> Result<(), CallError> {
        if patches.is_empty() {
            return Ok(());
        }
        let request = gateway(cx).update_method().rest_api_id(self.rest_api_id.as_str());
        let request = request.resource_id(self.resource_id.as_str()).http_method(&self.http_method);
        let request = request.set_patch_operations(Some(patches));
        request.send().await.called("UpdateMethod").of_gateway().map(drop)
    }

    async fn integrate(&self, cx: &Context) -> Result<(), CallError> {
        let request = gateway(cx).put_integration().rest_api_id(self.rest_api_id.as_str());
        let request = request.resource_id(self.resource_id.as_str()).http_method(&self.http_method);
        let Some(integration) = &self.integration else { return Ok(()) };
        integration.put(request).send().await.called("PutIntegration").of_gateway().map(drop)
    }

    fn patches(&self, changed: &Changed<Self>) -> Vec<PatchOperation> {
        let mut patches = Vec::new();
        if changed.has("AuthorizationType") {
            patches.push(replace("/authorizationType", &self.authorization_type));
        }
        if changed.has("ApiKeyRequired") {
            patches.push(replace("/apiKeyRequired", self.api_key_required));
        }
        if changed.has("RequestValidatorId") {
            let validator = self.request_validator_id.as_ref().map(RequestValidatorId::as_str);
            patches.push(replace("/requestValidatorId", validator.unwrap_or_default()));
        }
        let before = &changed.before.request_parameters;
        for (name, must) in
            self.request_parameters.iter().filter(|(name, must)| before.get(*name) != Some(*must))
        {
            let op = if before.contains_key(name) { Op::Replace } else { Op::Add };
            patches.push(patch(op, parameter(name), Some(must.to_string())));
        }
        patches
    }
}

fn parameter(name: &str) -> String {
    format!("/requestParameters/{}", escaped(name))
}

#[async_trait]
impl Resource for Method<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::Method";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["RestApiId", "ResourceId", "HttpMethod"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RestApiId", "ResourceId", "HttpMethod"],
            words: "the ids of the API and of the resource, and the HTTP method",
            example: "a1b2c3d4e5|x9y8z7|GET",
        },
        reads: Reads { least: 1, most: 1, together: Some("GetResources") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    const VOLATILE: &'static [&'static str] = &["DefinitionHash"];
    type Context = Context;
    type Declared = Method<Declared>;
    type Outputs<S: Stage> = MethodOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.key())
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<MethodOutputs<Resolved>>, CallError> {
        match Self::live(cx, &self.key().into()).await? {
            Some(_) => self.outputs().map(Some),
            None => Ok(None),
        }
    }

    async fn create(&self, cx: &Context, _intent: &Intent) -> Result<MethodOutputs<Resolved>, CallError> {
        let request = gateway(cx)
            .put_method()
            .rest_api_id(self.rest_api_id.as_str())
            .resource_id(self.resource_id.as_str())
            .http_method(&self.http_method)
            .authorization_type(&self.authorization_type)
            .api_key_required(self.api_key_required)
            .set_request_validator_id(self.request_validator_id.as_ref().map(ToString::to_string))
            .set_request_parameters(Some(self.request_parameters.clone().into_iter().collect()));
        request.send().await.called("PutMethod").of_gateway()?;
        self.outputs()
    }

    /// A new method calls nothing yet; its hash is that of what it will be.
    async fn poll_ready(
        cx: &Context,
        known: &MethodOutputs<Resolved>,
    ) -> Result<Readiness<MethodOutputs<Resolved>>, CallError> {
        let Some(live) = Self::live(cx, &known.id).await? else {
            return Ok(Readiness::Pending("not visible yet".to_owned()));
        };
        Ok(Readiness::Ready(match live.integration {
            Some(_) => live.outputs()?,
            None => known.clone(),
        }))
    }

    async fn configure(&self, cx: &Context, outputs: &MethodOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &MethodOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        Self::live(cx, &outputs.id).await
    }

    /// What an integration uses of a method is declared before, and what it does not use any more taken away after.
    async fn update(
        &self,
        cx: &Context,
        outputs: &MethodOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<MethodOutputs<Resolved>, CallError> {
        self.change(cx, self.patches(changed)).await?;
        if changed.has("Integration") {
            self.integrate(cx).await?;
        }
        let unknown = |name: &&String| !self.request_parameters.contains_key(*name);
        let gone = changed.before.request_parameters.keys().filter(unknown);
        self.change(cx, gone.map(|name| patch(Op::Remove, parameter(name), None)).collect()).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, _outputs: &MethodOutputs<Resolved>) -> Result<(), CallError> {
        let request = gateway(cx).delete_method().rest_api_id(self.rest_api_id.as_str());
        let request = request.resource_id(self.resource_id.as_str()).http_method(&self.http_method);
        request.send().await.called("DeleteMethod").of_delete().gone_is_ok()
    }
}
