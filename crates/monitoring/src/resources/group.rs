//! An X-Ray group: the traces that belong together, with a map and metrics of their own.
//!
//! Wait: nothing; a group refers to nothing. Read: a filter comes back as it was sent. Update: what a call leaves out stays as it
//! is. No state is terminal: a group has none.

use async_trait::async_trait;
use aws::cloudwatch::taken;
use aws::{CallResult, Called, Context, Tags, converge, required};
use aws_sdk_xray::types::{GroupSummary, InsightsConfiguration as LiveInsights};
use engine::{
    CallError, Changed, CreateOnly, Declares, Facts, ForeignId, ImportId, Intent, Listed, Loss, Named, Reads,
    Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::xray::{OfXray, live_tags, retag, tag, xray};
use crate::{TraceGroupArn, TraceGroupName};

/// The properties of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Group {
    /// Its name, unique in account and region, at most 32 characters.
    pub group_name: TraceGroupName,
    /// Which traces belong to it (X-Ray Developer Guide, "Using filter expressions").
    pub filter_expression: String,
    /// Whether X-Ray looks for what is unusual.
    pub insights_configuration: InsightsConfiguration,
    /// What people see.
    pub tags: Tags,
}

/// Whether X-Ray looks for what is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct InsightsConfiguration {
    /// Whether it does.
    pub insights_enabled: bool,
    /// Whether it says so on EventBridge.
    pub notifications_enabled: bool,
}

impl InsightsConfiguration {
    fn for_call(self) -> LiveInsights {
        LiveInsights::builder()
            .insights_enabled(self.insights_enabled)
            .notifications_enabled(self.notifications_enabled)
            .build()
    }
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct GroupOutputs<S: Stage> {
    /// The ARN.
    #[serde(rename = "GroupARN")]
    pub group_arn: S::Of<TraceGroupArn>,
    /// The name; a reference to it waits until the group exists.
    pub group_name: S::Of<TraceGroupName>,
}

impl Declares for Group {
    type Resolved = Self;
}

/// The group of a name. X-Ray has no error of its own for one that is not there, so all are listed: there are 25 at most.
async fn live(cx: &Context, name: &TraceGroupName) -> Result<Option<GroupSummary>, CallError> {
    let mut groups = xray(cx).get_groups().into_paginator().items().send();
    while let Some(group) = groups.next().await {
        let group = group.called("GetGroups")?;
        if group.group_name() == Some(name.as_str()) {
            return Ok(Some(group));
        }
    }
    Ok(None)
}

fn outputs(
    arn: Option<&str>,
    name: &TraceGroupName,
    operation: &str,
) -> Result<GroupOutputs<Resolved>, CallError> {
    let group_arn = required(arn, operation, "GroupARN")?.into();
    Ok(GroupOutputs { group_arn, group_name: name.clone() })
}

#[async_trait]
impl Resource for Group {
    const KIND: &'static str = "AWS::XRay::Group";
    const FACTS: Facts = Facts {
        name: Named::ByName("GroupName"),
        // CloudFormation renames a group; the API cannot.
        create_only: CreateOnly::These(&["GroupName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["GroupARN"],
            words: "the ARN of the trace group",
            example: "arn:aws:xray:ap-southeast-1:123456789012:group/payment-traces-dev/ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST",
        },
        reads: Reads { least: 2, most: 2, together: Some("GetGroups") },
        cost: Some("xray-insights"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = GroupOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.group_name.to_string())
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<GroupOutputs<Resolved>>, CallError> {
        let Some(live) = live(cx, &self.group_name).await? else { return Ok(None) };
        let outputs = outputs(live.group_arn(), &self.group_name, "GetGroups")?;
        let Some(tags) = live_tags(cx, outputs.group_arn.as_str()).await? else { return Ok(None) };
        cx.adopt(&format!("trace group {}", self.group_name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<GroupOutputs<Resolved>>, CallError> {
        // `…:group/NAME/NUMBER`
        self.group_name = id.part("GroupARN").rsplit('/').nth(1).unwrap_or_default().into();
        self.find(cx, &id.search()).await
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<GroupOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateGroup";
        if live(cx, &self.group_name).await?.is_some() {
            return Err(taken(OPERATION, &format!("trace group {}", self.group_name)));
        }
        let request = xray(cx)
            .create_group()
            .group_name(self.group_name.as_str())
            .filter_expression(&self.filter_expression)
            .insights_configuration(self.insights_configuration.for_call())
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).of_xray()?;
        let made = required(answer.group, OPERATION, "Group")?;
        outputs(made.group_arn(), &self.group_name, OPERATION)
    }

    async fn configure(&self, cx: &Context, outputs: &GroupOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &GroupOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.group_name).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, outputs.group_arn.as_str()).await? else { return Ok(None) };
        let insights = live.insights_configuration.as_ref();
        let flag = |flag: Option<bool>| flag.unwrap_or_default();
        Ok(Some(Self {
            group_name: outputs.group_name.clone(),
            insights_configuration: InsightsConfiguration {
                insights_enabled: flag(insights.and_then(LiveInsights::insights_enabled)),
                notifications_enabled: flag(insights.and_then(LiveInsights::notifications_enabled)),
            },
            filter_expression: live.filter_expression.unwrap_or_default(),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &GroupOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<GroupOutputs<Resolved>, CallError> {
        if changed.properties.iter().any(|name| name != "Tags") {
            let request = xray(cx)
                .update_group()
                .group_name(outputs.group_name.as_str())
                .filter_expression(&self.filter_expression)
                .insights_configuration(self.insights_configuration.for_call());
            request.send().await.called("UpdateGroup").of_xray()?;
        }
        retag(cx, outputs.group_arn.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &GroupOutputs<Resolved>) -> Result<(), CallError> {
        if live(cx, &outputs.group_name).await?.is_none() {
            return Ok(());
        }
        let request = xray(cx).delete_group().group_name(outputs.group_name.as_str());
        request.send().await.called("DeleteGroup").of_xray().map(drop).gone_is_ok()
    }
}
