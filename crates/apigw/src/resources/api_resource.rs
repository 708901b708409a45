//! A resource of a REST API: one segment of a path, below another one.
//!
//! The surprise: it has no tags. It is ours because its API is, and below one resource no two have the same segment.
//!
//! Wait: two changes of one API that meet are a conflict, as with everything in an API. Read: API Gateway makes the path out of the
//! parts. No state is terminal: a resource has none.

use async_trait::async_trait;
use aws::{CallResult, Called, Context, required};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::calls::{OfGateway, PAGE, gateway};
use crate::{ApiResourceId, RestApiId};

/// The properties of a resource of an API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ApiResource<S: Stage = Declared> {
    /// The API.
    pub rest_api_id: S::Of<RestApiId>,
    /// The resource that it is below.
    pub parent_id: S::Of<ApiResourceId>,
    /// The segment; `{proxy+}` is for whatever comes.
    pub path_part: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct ApiResourceOutputs<S: Stage> {
    /// The API.
    pub rest_api_id: S::Of<RestApiId>,
    /// The id.
    pub resource_id: S::Of<ApiResourceId>,
}

impl Declares for ApiResource<Declared> {
    type Resolved = ApiResource<Resolved>;
}

impl ApiResource<Resolved> {
    fn outputs(
        &self,
        id: Option<String>,
        operation: &str,
    ) -> Result<ApiResourceOutputs<Resolved>, CallError> {
        let resource_id = required(id, operation, "id")?.into();
        Ok(ApiResourceOutputs { rest_api_id: self.rest_api_id.clone(), resource_id })
    }
}

#[async_trait]
impl Resource for ApiResource<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::Resource";
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
            parts: &["RestApiId", "ResourceId"],
            words: "the ids of the API and of the resource",
            example: "a1b2c3d4e5|x9y8z7",
        },
        reads: Reads { least: 1, most: 1, together: Some("GetResources") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = ApiResource<Declared>;
    type Outputs<S: Stage> = ApiResourceOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{}/{}/{}", self.rest_api_id, self.parent_id, self.path_part))
    }

    async fn find(
        &self,
        cx: &Context,
        _search: &Search,
    ) -> Result<Option<ApiResourceOutputs<Resolved>>, CallError> {
        const OPERATION: &str = "GetResources";
        let request = gateway(cx).get_resources().rest_api_id(self.rest_api_id.as_str()).limit(PAGE);
        let mut resources = request.into_paginator().items().send();
        while let Some(live) = resources.next().await {
            let Some(live) = live.called(OPERATION).if_exists()? else { return Ok(None) };
            if live.parent_id() == Some(self.parent_id.as_str())
                && live.path_part() == Some(self.path_part.as_str())
            {
                return self.outputs(live.id, OPERATION).map(Some);
            }
        }
        Ok(None)
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<ApiResourceOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateResource";
        let request = gateway(cx)
            .create_resource()
            .rest_api_id(self.rest_api_id.as_str())
            .parent_id(self.parent_id.as_str())
            .path_part(&self.path_part);
        let answer = request.send().await.called(OPERATION).of_gateway()?;
        self.outputs(answer.id, OPERATION)
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &ApiResourceOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let request = gateway(cx).get_resource().rest_api_id(outputs.rest_api_id.as_str());
        let request = request.resource_id(outputs.resource_id.as_str());
        let Some(live) = request.send().await.called("GetResource").if_exists()? else { return Ok(None) };
        Ok(Some(Self {
            rest_api_id: outputs.rest_api_id.clone(),
            parent_id: live.parent_id.unwrap_or_default().into(),
            path_part: live.path_part.unwrap_or_default(),
        }))
    }

    async fn update(
        &self,
        _cx: &Context,
        outputs: &ApiResourceOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<ApiResourceOutputs<Resolved>, CallError> {
        // Every change replaces it.
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &ApiResourceOutputs<Resolved>) -> Result<(), CallError> {
        let request = gateway(cx).delete_resource().rest_api_id(outputs.rest_api_id.as_str());
        let request = request.resource_id(outputs.resource_id.as_str());
        request.send().await.called("DeleteResource").of_delete().gone_is_ok()
    }
}
