//! What API Gateway checks of a request before it passes it on.
//!
//! The surprises: it has no tags, and its name need not be unique. It is ours because its API is. It stays for as long as
//! a method uses it.
//!
//! Wait: a conflict of two changes. Read: everything comes back as it was sent. Update: live with the next deployment only. No state is
//! terminal: a validator has none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, required};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::calls::{OfGateway, PAGE, gateway, replace};
use crate::{RequestValidatorId, RestApiId};

/// The properties of a request validator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RequestValidator<S: Stage = Declared> {
    /// The API.
    pub rest_api_id: S::Of<RestApiId>,
    /// Its name.
    pub name: String,
    /// Whether bodies must fit the models of their methods.
    pub validate_request_body: bool,
    /// Whether the parameters that a method requires must be there.
    pub validate_request_parameters: bool,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RequestValidatorOutputs<S: Stage> {
    /// The API.
    pub rest_api_id: S::Of<RestApiId>,
    /// The id.
    pub request_validator_id: S::Of<RequestValidatorId>,
}

impl Declares for RequestValidator<Declared> {
    type Resolved = RequestValidator<Resolved>;
}

impl RequestValidator<Resolved> {
    fn outputs(
        &self,
        id: Option<String>,
        operation: &str,
    ) -> Result<RequestValidatorOutputs<Resolved>, CallError> {
        let request_validator_id = required(id, operation, "id")?.into();
        Ok(RequestValidatorOutputs { rest_api_id: self.rest_api_id.clone(), request_validator_id })
    }
}

#[async_trait]
impl Resource for RequestValidator<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::RequestValidator";
    const FACTS: Facts = Facts {
        name: Named::Within("Name"),
        create_only: CreateOnly::These(&["RestApiId", "Name"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RestApiId", "RequestValidatorId"],
            words: "the ids of the API and of the request validator",
            example: "a1b2c3d4e5|r6s7t8",
        },
        reads: Reads { least: 1, most: 1, together: Some("GetRequestValidators") },
        cost: None,
    };
    // A second one of the same name is not refused, so this one has to be looked for; its name stands for the tag.
    const SETTLE: Settle = Settle::Tag;
    type Context = Context;
    type Declared = RequestValidator<Declared>;
    type Outputs<S: Stage> = RequestValidatorOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{}/{}", self.rest_api_id, self.name))
    }

    /// The list has no pages for the SDK to walk, and an API has a hundred validators at most.
    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<RequestValidatorOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetRequestValidators";
        let request = gateway(cx).get_request_validators().rest_api_id(self.rest_api_id.as_str()).limit(PAGE);
        let Some(answer) = request.send().await.called(OPERATION).if_exists()? else { return Ok(None) };
        let mut all = answer.items.unwrap_or_default().into_iter();
        let found = all.find(|live| live.name() == Some(self.name.as_str()));
        found.map(|live| self.outputs(live.id, OPERATION)).transpose()
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<RequestValidatorOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateRequestValidator";
        let request = gateway(cx)
            .create_request_validator()
            .rest_api_id(self.rest_api_id.as_str())
            .name(&self.name)
            .validate_request_body(self.validate_request_body)
            .validate_request_parameters(self.validate_request_parameters);
        let answer = request.send().await.called(OPERATION).of_gateway()?;
        self.outputs(answer.id, OPERATION)
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &RequestValidatorOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let request = gateway(cx).get_request_validator().rest_api_id(outputs.rest_api_id.as_str());
        let request = request.request_validator_id(outputs.request_validator_id.as_str());
        let answer = request.send().await.called("GetRequestValidator").if_exists()?;
        Ok(answer.map(|live| Self {
            rest_api_id: outputs.rest_api_id.clone(),
            name: live.name.unwrap_or_default(),
            validate_request_body: live.validate_request_body,
            validate_request_parameters: live.validate_request_parameters,
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &RequestValidatorOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<RequestValidatorOutputs<Resolved>, CallError> {
        let request = gateway(cx)
            .update_request_validator()
            .rest_api_id(outputs.rest_api_id.as_str())
            .request_validator_id(outputs.request_validator_id.as_str())
            .patch_operations(replace("/validateRequestBody", self.validate_request_body))
            .patch_operations(replace("/validateRequestParameters", self.validate_request_parameters));
        request.send().await.called("UpdateRequestValidator").of_gateway()?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &RequestValidatorOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let request = gateway(cx).delete_request_validator().rest_api_id(outputs.rest_api_id.as_str());
        let request = request.request_validator_id(outputs.request_validator_id.as_str());
        request.send().await.called("DeleteRequestValidator").of_delete().gone_is_ok()
    }
}
