//! A stage: a name under which a deployment is served, with limits, logs and traces.
//!
//! The surprises: most of it can only be set once the stage exists. And what API Gateway writes about its own work goes to
//! a log group of a [name that it has](execution_log_group_name), which it makes itself where it is not there, and whose logs
//! stay for ever. So that group is made before the stage, as a resource of its own.
//!
//! It has no client certificate (Security Hub APIGateway.2), by intent: one is worth something only where the backend checks
//! it, and a load balancer does that only with a trust store that holds the certificate. API Gateway's certificate is for 365
//! days, cannot be renewed, and its successor must be in the trust store before the stage uses it: if that is forgotten, all
//! payments stop on one day. What keeps others from calling the backend is the network: in production the load balancer is
//! private, and its security group lets in the API's VPC link alone.
//!
//! Wait: "CloudWatch Logs role ARN must be set", right after the account got its role. Read: settings of methods come back by a key
//! without the slash that the path begins with, the destination of the access log without `:*`. Update: a stage that moves to
//! another deployment leaves a canary where it is, which then serves the old deployment to a part of the requests and keeps it
//! from being deleted; so a canary that somebody made is a difference, and goes with the same update. No state is terminal: a
//! stage has none.

use async_trait::async_trait;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, LogGroupName, Tags, converge};
use aws_sdk_apigateway::operation::get_stage::GetStageOutput as Live;
use aws_sdk_apigateway::types::{Op, PatchOperation};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Input, Intent, Listed,
    Loss, Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::calls::{OfGateway, gateway, patch, replace, retag};
use super::stage_settings::{AccessLogSetting, CanarySetting, MethodSetting, live_settings, setting_patches};
use crate::{DeploymentId, RestApiId, StageName};

/// The properties of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestApiStage<S: Stage = Declared> {
    /// The API.
    pub rest_api_id: S::Of<RestApiId>,
    /// Its name, unique in the API.
    pub stage_name: StageName,
    /// What it serves.
    pub deployment_id: S::Of<DeploymentId>,
    /// What it is for.
    pub description: String,
    /// Whether requests are traced with X-Ray.
    pub tracing_enabled: bool,
    /// How it serves methods.
    pub method_settings: Vec<MethodSetting>,
    /// Where it writes a line for each request. A live stage may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log_setting: Option<AccessLogSetting<S>>,
    /// A second deployment that gets a part of the requests. Written down even where there is none, so that one that somebody
    /// makes is a difference.
    #[serde(default)]
    pub canary_setting: Option<CanarySetting<S>>,
    /// Where API Gateway writes about its own work, which must be there before. Not CloudFormation's: there it is `DependsOn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_log_group_name: Option<S::Of<LogGroupName>>,
    /// The settings of the account, with the role that logs need. Not CloudFormation's: there it is `DependsOn`.
    pub account_id: S::Of<String>,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct RestApiStageOutputs<S: Stage> {
    /// The name; a reference to it waits until the stage has its limits and logs.
    pub stage_name: S::Of<StageName>,
}

/// The log group of API Gateway's own choice (API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs").
pub fn execution_log_group_name(api: &Input<RestApiId>, stage: &StageName) -> Input<LogGroupName> {
    Input::join(["API-Gateway-Execution-Logs_".into(), api.into(), format!("/{stage}").into()])
}

impl Declares for RestApiStage<Declared> {
    type Resolved = RestApiStage<Resolved>;
}

impl RestApiStage<Resolved> {
    fn path(&self) -> String {
        format!("/restapis/{}/stages/{}", self.rest_api_id, self.stage_name)
    }

    fn outputs(&self) -> RestApiStageOutputs<Resolved> {
        RestApiStageOutputs { stage_name: self.stage_name.clone() }
    }

    async fn live(&self, cx: &Context) -> Result<Option<Live>, CallError> {
        let request = gateway(cx).get_stage().rest_api_id(self.rest_api_id.as_str());
        request.stage_name(self.stage_name.as_str()).send().await.called("GetStage").if_exists()
    }

    async fn change(&self, cx: &Context, patches: Vec<PatchOperation>) -> Result<(), CallError> {
        if patches.is_empty() {
            return Ok(());
        }
        let request = gateway(cx).update_stage().rest_api_id(self.rest_api_id.as_str());
        let request = request.stage_name(self.stage_name.as_str()).set_patch_operations(Some(patches));
        let answer = request.send().await.called("UpdateStage").of_gateway();
        // The account has had its role for a moment only.
        let text = "CloudWatch Logs role ARN must be set";
        answer.classed_saying("BadRequestException", text, ErrorClass::NotYet).map(drop)
    }

    fn patches(&self, changed: &Changed<Self>) -> Vec<PatchOperation> {
        let mut patches = Vec::new();
        if changed.has("DeploymentId") {
            patches.push(replace("/deploymentId", &self.deployment_id));
        }
        if changed.has("Description") {
            patches.push(replace("/description", &self.description));
        }
        if changed.has("TracingEnabled") {
            patches.push(replace("/tracingEnabled", self.tracing_enabled));
        }
        match &self.access_log_setting {
            _ if !changed.has("AccessLogSetting") => {}
            Some(setting) => {
                patches.push(replace("/accessLogSettings/destinationArn", &setting.destination_arn));
                patches.push(replace("/accessLogSettings/format", &setting.format));
            }
            None => patches.push(patch(Op::Remove, "/accessLogSettings", None)),
        }
        match &self.canary_setting {
            _ if !changed.has("CanarySetting") => {}
            Some(canary) => patches.extend(canary.set()),
            None => {
                let live = changed.before.canary_setting.iter();
                patches.extend(live.map(|_| patch(Op::Remove, "/canarySettings", None)));
            }
        }
        if changed.has("MethodSettings") {
            patches.extend(setting_patches(&changed.before.method_settings, &self.method_settings));
        }
        patches
    }
}

/// A template says nothing of what there is none of.
fn without_nothing(properties: &mut Map<String, Value>) {
    properties.retain(|_, value| !value.is_null());
}

#[async_trait]
impl Resource for RestApiStage<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::Stage";
    const FACTS: Facts = Facts {
        name: Named::Within("StageName"),
        create_only: CreateOnly::These(&["RestApiId", "StageName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template {
            own_properties: &["ExecutionLogGroupName", "AccountId"],
            adapt: without_nothing,
            ..Template::AS_DECLARED
        },
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 2, longest: 900 } },
        import: ImportId {
            parts: &["RestApiId", "StageName"],
            words: "the id of the API and the name of the stage",
            example: "a1b2c3d4e5|dev",
        },
        reads: Reads { least: 1, most: 1, together: Some("GetStages") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = RestApiStage<Declared>;
    type Outputs<S: Stage> = RestApiStageOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.path())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<RestApiStageOutputs<Resolved>>, CallError> {
        let Some(live) = self.live(cx).await? else { return Ok(None) };
        cx.adopt(&format!("stage {}", self.stage_name), &LiveTags::map(live.tags), search)?;
        Ok(Some(self.outputs()))
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<RestApiStageOutputs<Resolved>, CallError> {
        let request = gateway(cx)
            .create_stage()
            .rest_api_id(self.rest_api_id.as_str())
            .stage_name(self.stage_name.as_str())
            .deployment_id(self.deployment_id.as_str())
            .description(&self.description)
            .tracing_enabled(self.tracing_enabled)
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        request.send().await.called("CreateStage").of_gateway()?;
        Ok(self.outputs())
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &RestApiStageOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        _outputs: &RestApiStageOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = self.live(cx).await? else { return Ok(None) };
        let access_log = live.access_log_settings.filter(|settings| settings.destination_arn().is_some());
        Ok(Some(Self {
            rest_api_id: self.rest_api_id.clone(),
            stage_name: self.stage_name.clone(),
            deployment_id: live.deployment_id.unwrap_or_default().into(),
            description: live.description.unwrap_or_default(),
            tracing_enabled: live.tracing_enabled,
            method_settings: live_settings(live.method_settings.as_ref(), &self.method_settings),
            access_log_setting: access_log.map(|settings| AccessLogSetting {
                destination_arn: settings.destination_arn.unwrap_or_default(),
                format: settings.format.unwrap_or_default(),
            }),
            canary_setting: live.canary_settings.as_ref().map(CanarySetting::from_live),
            execution_log_group_name: self.execution_log_group_name.clone(),
            account_id: self.account_id.clone(),
            tags: LiveTags::map(live.tags).visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &RestApiStageOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<RestApiStageOutputs<Resolved>, CallError> {
        self.change(cx, self.patches(changed)).await?;
        retag(cx, &self.path(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, _outputs: &RestApiStageOutputs<Resolved>) -> Result<(), CallError> {
        let request = gateway(cx).delete_stage().rest_api_id(self.rest_api_id.as_str());
        let request = request.stage_name(self.stage_name.as_str());
        request.send().await.called("DeleteStage").of_delete().gone_is_ok()
    }
}
