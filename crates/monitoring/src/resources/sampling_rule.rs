//! An X-Ray sampling rule: which share of the requests is traced.
//!
//! The surprises: rules are asked in the order of their priorities, and the first that fits decides, so that a rule for
//! every service would decide for the whole region; and the reservoir, so many requests a second, comes on top of the
//! share.
//!
//! Wait: nothing; a rule refers to nothing that must be there. Read: X-Ray adds the version and the ARN, and empty attributes.
//! Update: what a call leaves out stays as it is, and the name and the version cannot change. No state is terminal: a rule has none.

use async_trait::async_trait;
use aws::cloudwatch::taken;
use aws::{CallResult, Called, Context, Tags, converge, count, number, required};
use aws_sdk_xray::types::{SamplingRule as Live, SamplingRuleUpdate};
use engine::{
    CallError, Changed, CreateOnly, Declares, ErrorClass, Facts, ForeignId, ImportId, Intent, Listed, Loss,
    Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::xray::{OfXray, live_tags, retag, tag, xray};
use crate::{SamplingRuleArn, SamplingRuleName};

/// The properties of a sampling rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SamplingRule {
    /// Its name, unique in account and region, at most 32 characters. CloudFormation also has it inside
    /// `SamplingRule`; it stands here because another name is another rule.
    pub rule_name: SamplingRuleName,
    /// The rule.
    pub sampling_rule: Sampling,
    /// What people see.
    pub tags: Tags,
}

/// What a sampling rule says. In all texts, `*` and `?` stand for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Sampling {
    /// 1 to 9999: the lowest that fits decides.
    pub priority: u32,
    /// The share of requests beyond the reservoir: 0 to 1.
    pub fixed_rate: f64,
    /// How many requests a second are traced before that.
    pub reservoir_size: u32,
    /// The service's name.
    pub service_name: String,
    /// Where it runs, such as `AWS::ECS::Container`.
    pub service_type: String,
    /// The host of the request.
    pub host: String,
    /// The method of the request.
    #[serde(rename = "HTTPMethod")]
    pub http_method: String,
    /// The path of the request.
    #[serde(rename = "URLPath")]
    pub url_path: String,
    /// The ARN of what the service runs on.
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
    /// 1, the only version of the format.
    pub version: u32,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct SamplingRuleOutputs<S: Stage> {
    /// The ARN.
    #[serde(rename = "RuleARN")]
    pub rule_arn: S::Of<SamplingRuleArn>,
    /// The name; a reference to it waits until the rule exists.
    pub rule_name: S::Of<SamplingRuleName>,
}

impl Declares for SamplingRule {
    type Resolved = Self;
}

async fn live(cx: &Context, name: &SamplingRuleName) -> Result<Option<Live>, CallError> {
    let mut records = xray(cx).get_sampling_rules().into_paginator().items().send();
    while let Some(record) = records.next().await {
        let rule = record.called("GetSamplingRules")?.sampling_rule;
        if let Some(rule) = rule.filter(|rule| rule.rule_name() == Some(name.as_str())) {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

impl Sampling {
    fn from_live(live: &Live) -> Self {
        Self {
            priority: count(live.priority),
            fixed_rate: live.fixed_rate,
            reservoir_size: count(live.reservoir_size),
            service_name: live.service_name.clone(),
            service_type: live.service_type.clone(),
            host: live.host.clone(),
            http_method: live.http_method.clone(),
            url_path: live.url_path.clone(),
            resource_arn: live.resource_arn.clone(),
            version: count(live.version),
        }
    }

    fn new_rule(&self, name: &SamplingRuleName) -> Result<Live, CallError> {
        let rule = Live::builder()
            .rule_name(name.as_str())
            .priority(number(self.priority))
            .fixed_rate(self.fixed_rate)
            .reservoir_size(number(self.reservoir_size))
            .service_name(&self.service_name)
            .service_type(&self.service_type)
            .host(&self.host)
            .http_method(&self.http_method)
            .url_path(&self.url_path)
            .resource_arn(&self.resource_arn)
            .version(number(self.version))
            .build();
        rule.map_err(|error| CallError::new(ErrorClass::Invalid, "CreateSamplingRule", error.to_string()))
    }

    fn update_of(&self, name: &SamplingRuleName) -> SamplingRuleUpdate {
        SamplingRuleUpdate::builder()
            .rule_name(name.as_str())
            .priority(number(self.priority))
            .fixed_rate(self.fixed_rate)
            .reservoir_size(number(self.reservoir_size))
            .service_name(&self.service_name)
            .service_type(&self.service_type)
            .host(&self.host)
            .http_method(&self.http_method)
            .url_path(&self.url_path)
            .resource_arn(&self.resource_arn)
            .build()
    }
}

fn outputs(live: &Live, operation: &str) -> Result<SamplingRuleOutputs<Resolved>, CallError> {
    Ok(SamplingRuleOutputs {
        rule_arn: required(live.rule_arn(), operation, "RuleARN")?.into(),
        rule_name: required(live.rule_name(), operation, "RuleName")?.into(),
    })
}

#[async_trait]
impl Resource for SamplingRule {
    const KIND: &'static str = "AWS::XRay::SamplingRule";
    const FACTS: Facts = Facts {
        name: Named::ByName("RuleName"),
        create_only: CreateOnly::These(&["RuleName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["RuleARN"],
            words: "the ARN of the sampling rule",
            example: "arn:aws:xray:ap-southeast-1:123456789012:sampling-rule/payment-traces-dev",
        },
        reads: Reads { least: 2, most: 2, together: Some("GetSamplingRules") },
        cost: None,
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = Self;
    type Outputs<S: Stage> = SamplingRuleOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.rule_name.to_string())
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<SamplingRuleOutputs<Resolved>>, CallError> {
        let Some(live) = live(cx, &self.rule_name).await? else { return Ok(None) };
        let outputs = outputs(&live, "GetSamplingRules")?;
        let Some(tags) = live_tags(cx, outputs.rule_arn.as_str()).await? else { return Ok(None) };
        cx.adopt(&format!("sampling rule {}", self.rule_name), &tags, search)?;
        Ok(Some(outputs))
    }

    async fn identify(
        &mut self,
        cx: &Context,
        id: &ForeignId,
    ) -> Result<Option<SamplingRuleOutputs<Resolved>>, CallError> {
        // `…:sampling-rule/NAME`
        self.rule_name = id.part("RuleARN").rsplit('/').next().unwrap_or_default().into();
        self.find(cx, &id.search()).await
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<SamplingRuleOutputs<Resolved>, CallError> {
        const OPERATION: &str = "CreateSamplingRule";
        if live(cx, &self.rule_name).await?.is_some() {
            return Err(taken(OPERATION, &format!("sampling rule {}", self.rule_name)));
        }
        let request = xray(cx)
            .create_sampling_rule()
            .sampling_rule(self.sampling_rule.new_rule(&self.rule_name)?)
            .set_tags(Some(cx.stamp(&self.tags, intent)?.list(tag)));
        let answer = request.send().await.called(OPERATION).of_xray()?;
        let made = answer.sampling_rule_record.and_then(|record| record.sampling_rule);
        outputs(&required(made, OPERATION, "SamplingRule")?, OPERATION)
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &SamplingRuleOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &SamplingRuleOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.rule_name).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, outputs.rule_arn.as_str()).await? else { return Ok(None) };
        Ok(Some(Self {
            rule_name: outputs.rule_name.clone(),
            sampling_rule: Sampling::from_live(&live),
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &SamplingRuleOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<SamplingRuleOutputs<Resolved>, CallError> {
        if changed.has("SamplingRule") {
            let update = self.sampling_rule.update_of(&outputs.rule_name);
            let request = xray(cx).update_sampling_rule().sampling_rule_update(update);
            request.send().await.called("UpdateSamplingRule").of_xray()?;
        }
        retag(cx, outputs.rule_arn.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &SamplingRuleOutputs<Resolved>) -> Result<(), CallError> {
        if live(cx, &outputs.rule_name).await?.is_none() {
            return Ok(());
        }
        let request = xray(cx).delete_sampling_rule().rule_name(outputs.rule_name.as_str());
        request.send().await.called("DeleteSamplingRule").of_xray().map(drop).gone_is_ok()
    }
}
