//! A deployment: a snapshot of a REST API, which a stage serves.
//!
//! The surprises: AWS does not say what is in a snapshot, and takes none by itself. So the deployment carries what it is
//! made of as a property, [`Definition`]; it is replaced when that changes, and only then. The new one is made first, the
//! stage moves to it, and the old one goes, which AWS refuses before that. It has no tags either: its description says
//! which create made it.
//!
//! It is of everything that the API has. What somebody else has added is not served until then, and with the next deployment
//! of ours it would be; so that is refused in the plan.
//!
//! What methods refer to, such as a load balancer, is in their hashes, and the deployment itself refers to methods only. A
//! load balancer goes before another one of its name can come, and what refers to it goes before that; a deployment that is
//! served cannot.
//!
//! Wait: a conflict of two changes; and "Active stages" on a delete, as long as a stage or a canary serves it. Read: AWS shows no
//! snapshot, so nothing of it can differ. Update: a changed security policy or endpoint access mode of the API is not live before
//! the next deployment ("How to change a security policy": redeploy for the changes to take effect), so both are in the
//! definition. No state is terminal: a deployment has none.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws::{CallResult, Called, Context, required};
use engine::{
    Address, CallError, Changed, CreateOnly, Declared, Declares, Facts, Foreseen, Going, ImportId, Intent,
    Loss, Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times, Wish,
};
use serde::{Deserialize, Serialize};

use super::Method;
use super::calls::{OfGateway, PAGE, gateway};
use crate::{DeploymentId, MethodId, RequestValidatorId, RestApiId};

/// The properties of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Deployment<S: Stage = Declared> {
    /// The API.
    pub rest_api_id: S::Of<RestApiId>,
    /// What the snapshot is made of. Not CloudFormation's: there it is the author who must make another deployment
    /// whenever a method changes.
    pub definition: Definition<S>,
}

/// Everything about an API that a snapshot of it holds. Tags, throttles and logs are not in it: they are the API's and the
/// stage's, and take effect at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Definition<S: Stage = Declared> {
    /// Where the API key of a request is.
    pub api_key_source_type: String,
    /// Whether the API is closed under its own name.
    pub disable_execute_api_endpoint: bool,
    /// Versions and ciphers of TLS. A change is live with the next deployment.
    #[serde(default)]
    pub security_policy: String,
    /// Whether the API insists on being called by its own name. A change is live with the next deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_access_mode: Option<String>,
    /// What checks requests.
    pub request_validator_id: S::Of<RequestValidatorId>,
    /// Whether it checks bodies.
    pub validate_request_body: bool,
    /// Whether it checks parameters.
    pub validate_request_parameters: bool,
    /// The methods, by verb and path.
    pub methods: BTreeMap<String, DefinedMethod<S>>,
}

/// A method in a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DefinedMethod<S: Stage = Declared> {
    /// The method: the snapshot waits until it is as it should be.
    pub id: S::Of<MethodId>,
    /// How it is, as [`Method`](super::Method) tells.
    pub definition_hash: S::Of<String>,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentOutputs<S: Stage> {
    /// The id.
    pub deployment_id: S::Of<DeploymentId>,
}

impl Declares for Deployment<Declared> {
    type Resolved = Deployment<Resolved>;
}

/// A deployment has no tags.
fn description(address: &Address, token: &str) -> String {
    format!("{address} (intent {token})")
}

fn outputs(id: Option<String>, operation: &str) -> Result<DeploymentOutputs<Resolved>, CallError> {
    Ok(DeploymentOutputs { deployment_id: required(id, operation, "id")?.into() })
}

/// Methods that the API has, the declared snapshot has not, and this plan does not take away.
async fn foreign_methods(cx: &Context, api: &str, wish: &Wish<'_>) -> Result<Vec<String>, CallError> {
    let declared = &wish.declared["Definition"]["Methods"];
    let goes = |resource: Option<&str>, verb: &str| {
        wish.going.iter().any(|going| {
            let Going { kind, properties } = going;
            kind == <Method<Resolved> as Resource>::KIND
                && properties["ResourceId"].as_str() == resource
                && properties["HttpMethod"] == verb
        })
    };
    let request = gateway(cx).get_resources().rest_api_id(api).embed("methods").limit(PAGE);
    let mut resources = request.into_paginator().items().send();
    let mut foreign = Vec::new();
    while let Some(live) = resources.next().await {
        let Some(live) = live.called("GetResources").if_exists()? else { break };
        for (verb, method) in live.resource_methods().into_iter().flatten() {
            let label = format!("{verb} {}", live.path().unwrap_or_default());
            if declared.get(&label).is_none() && !goes(live.id(), verb) {
                let without =
                    if method.api_key_required() == Some(true) { "" } else { ", which needs no key" };
                foreign.push(format!("{label}{without}"));
            }
        }
    }
    foreign.sort();
    Ok(foreign)
}

#[async_trait]
impl Resource for Deployment<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::Deployment";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::Everything,
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template { own_properties: &["Definition"], ..Template::AS_DECLARED },
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["DeploymentId", "RestApiId"],
            words: "the ids of the deployment and of the API",
            example: "d4e5f6|a1b2c3d4e5",
        },
        reads: Reads { least: 1, most: 1, together: Some("GetDeployments") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Tag;
    const IS_REVISION: bool = true;
    type Context = Context;
    type Declared = Deployment<Declared>;
    type Outputs<S: Stage> = DeploymentOutputs<S>;

    /// A snapshot is of everything that the API has, and so also of what somebody else has put into it.
    async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        let api = wish.declared["RestApiId"].as_str().filter(|_| wish.there.is_none());
        let Some(api) = api else { return Ok(Foreseen::nothing()) };
        let foreign = foreign_methods(cx, api, wish).await?;
        if foreign.is_empty() {
            return Ok(Foreseen::nothing());
        }
        Ok(Foreseen::refusal(
            format!("it would show clients what somebody else has added to the API: {}", foreign.join(", ")),
            format!(
                "take it out of the API first (aws apigateway get-resources --rest-api-id {api} --embed methods shows it; \
                 delete-method and delete-resource take it away)"
            ),
        ))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<DeploymentOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetDeployments";
        // Only its token tells one from another, and an unknown one beside it does no harm.
        let Some(token) = &search.token else { return Ok(None) };
        let wanted = description(&search.address, token);
        let request = gateway(cx).get_deployments().rest_api_id(self.rest_api_id.as_str()).limit(PAGE);
        let mut deployments = request.into_paginator().items().send();
        while let Some(live) = deployments.next().await {
            let Some(live) = live.called(OPERATION).if_exists()? else { return Ok(None) };
            if live.description() == Some(wanted.as_str()) {
                return outputs(live.id, OPERATION).map(Some);
            }
        }
        Ok(None)
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<DeploymentOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateDeployment";
        let request = gateway(cx).create_deployment().rest_api_id(self.rest_api_id.as_str());
        let answer =
            request.description(description(&intent.address, &intent.token)).send().await.called(OPERATION);
        outputs(answer.of_gateway()?.id, OPERATION)
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &DeploymentOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let request = gateway(cx).get_deployment().rest_api_id(self.rest_api_id.as_str());
        let request = request.deployment_id(outputs.deployment_id.as_str());
        // A snapshot does not change.
        Ok(request.send().await.called("GetDeployment").if_exists()?.map(|_| self.clone()))
    }

    async fn update(
        &self,
        _cx: &Context,
        outputs: &DeploymentOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<DeploymentOutputs<Resolved>, CallError> {
        // Every change replaces it.
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &DeploymentOutputs<Resolved>) -> Result<(), CallError> {
        let request = gateway(cx).delete_deployment().rest_api_id(self.rest_api_id.as_str());
        let request = request.deployment_id(outputs.deployment_id.as_str());
        request.send().await.called("DeleteDeployment").of_delete().gone_is_ok()
    }
}
