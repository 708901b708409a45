//! A stage: a name under which a deployment is served, with limits, logs and traces.
//!
//! The surprises: most of it can only be set once the stage exists. And what API Gateway writes about its own work goes to
//! a log group that it makes itself, whose logs stay for ever. So the stage makes that group before it lets API Gateway
//! write, and takes it along when it goes.

use async_trait::async_trait;
use aws::resources::RetentionDays;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, Tags, converge, replaced_by};
use aws_sdk_apigateway::operation::get_stage::GetStageOutput as Live;
use aws_sdk_apigateway::types::PatchOperation;
use engine::{
    CallError, Change, Changed, Declared, Declares, ErrorClass, Intent, Resolved, Resource, Search, Settle,
    Stage,
};
use serde::{Deserialize, Serialize};

use super::calls::{OfGateway, gateway, replace, retag};
use super::stage_settings::{AccessLogSetting, MethodSetting, live_settings, setting_patches};
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
    /// How long what API Gateway writes about its own work is kept, in days. Not CloudFormation's: there it is kept for
    /// ever, in a log group that no template has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_log_retention_in_days: Option<RetentionDays>,
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

    /// The log group of API Gateway's own making (API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs").
    fn execution_log_group(&self) -> String {
        format!("API-Gateway-Execution-Logs_{}/{}", self.rest_api_id, self.stage_name)
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
        if let Some(setting) = self.access_log_setting.as_ref().filter(|_| changed.has("AccessLogSetting")) {
            patches.push(replace("/accessLogSettings/destinationArn", &setting.destination_arn));
            patches.push(replace("/accessLogSettings/format", &setting.format));
        }
        if changed.has("MethodSettings") {
            patches.extend(setting_patches(&changed.before.method_settings, &self.method_settings));
        }
        patches
    }

    /// How long the execution log is kept; `None` where it is not there, or kept for ever.
    async fn live_retention(&self, cx: &Context) -> Result<Option<RetentionDays>, CallError> {
        let name = self.execution_log_group();
        let request = cx.logs().describe_log_groups().log_group_name_prefix(&name);
        let mut groups = request.into_paginator().items().send();
        while let Some(group) = groups.next().await {
            let group = group.called("DescribeLogGroups")?;
            if group.log_group_name() == Some(name.as_str()) {
                let days = group.retention_in_days.and_then(|days| u32::try_from(days).ok());
                return Ok(days.and_then(|days| RetentionDays::try_from(days).ok()));
            }
        }
        Ok(None)
    }

    async fn keep_execution_log(&self, cx: &Context) -> Result<(), CallError> {
        let Some(days) = self.execution_log_retention_in_days else { return Ok(()) };
        let name = self.execution_log_group();
        match cx.logs().create_log_group().log_group_name(&name).send().await.called("CreateLogGroup") {
            Err(error) if error.class != ErrorClass::AlreadyExists => return Err(error),
            _ => {}
        }
        let days = i32::try_from(u32::from(days)).unwrap_or(i32::MAX);
        let request = cx.logs().put_retention_policy().log_group_name(name).retention_in_days(days);
        request.send().await.called("PutRetentionPolicy").once_visible().map(drop)
    }
}

#[async_trait]
impl Resource for RestApiStage<Resolved> {
    const KIND: &'static str = "AWS::ApiGateway::Stage";
    const OWN_PROPERTIES: &'static [&'static str] = &["ExecutionLogRetentionInDays", "AccountId"];
    const SETTLE: Settle = Settle::Key;
    const TYPICAL_SECONDS: (u32, u32) = (2, 2);
    type Context = Context;
    type Declared = RestApiStage<Declared>;
    type Outputs<S: Stage> = RestApiStageOutputs<S>;

    fn change(property: &str) -> Change {
        replaced_by(property, &["RestApiId", "StageName"])
    }

    fn claim(&self) -> Option<String> {
        Some(self.path())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<RestApiStageOutputs<Resolved>>, CallError> {
        let Some(live) = self.live(cx).await? else { return Ok(None) };
        cx.adopt(&format!("stage {}", self.stage_name), &LiveTags::map(live.tags), &search.address)?;
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
        let execution_log_retention_in_days = match self.execution_log_retention_in_days {
            Some(_) => self.live_retention(cx).await?,
            None => None,
        };
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
            execution_log_retention_in_days,
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
        if changed.has("ExecutionLogRetentionInDays") {
            self.keep_execution_log(cx).await?;
        }
        self.change(cx, self.patches(changed)).await?;
        retag(cx, &self.path(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    /// The stage goes last: as long as it is there, it is known that its log group may be, too. It stops writing there
    /// first, or a request would bring the group back.
    async fn delete(&self, cx: &Context, _outputs: &RestApiStageOutputs<Resolved>) -> Result<(), CallError> {
        // Without the stage, its log group may be there all the same.
        if let Some(live) = self.live(cx).await? {
            let settings = live_settings(live.method_settings.as_ref(), &[]);
            let silence = settings.iter().filter(|setting| setting.logs()).map(MethodSetting::without_log);
            self.change(cx, silence.collect()).await?;
        }
        let group = cx.logs().delete_log_group().log_group_name(self.execution_log_group());
        group.send().await.called("DeleteLogGroup").gone_is_ok()?;
        let request = gateway(cx).delete_stage().rest_api_id(self.rest_api_id.as_str());
        let request = request.stage_name(self.stage_name.as_str());
        request.send().await.called("DeleteStage").of_delete().gone_is_ok()
    }
}
