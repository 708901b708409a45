//! Where a web ACL writes what it saw.
//!
//! The surprises: the name of a log group must begin with `aws-waf-logs-`; its ARN is wanted without the `:*` at the
//! end; and writing there needs a resource policy of CloudWatch Logs, `AWSWAF-LOGS`, which WAF makes by itself for
//! the whole account and which stays.
//!
//! `WAFLogDestinationPermissionIssueException` means wait: it is the answer for a log group of a moment ago, and while the
//! resource policy spreads. So does `WAFServiceLinkedRoleErrorException`, for the first configuration of an account.
//! A change replaces everything: a filter that somebody set, with which WAF drops lines, is shown as drift and goes with
//! the next change. Names of headers come back in lower case.

use async_trait::async_trait;
use aws_sdk_wafv2::types::{
    FieldToMatch as LiveField, LoggingConfiguration as Live, SingleHeader as LiveHeader,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::logging_filter::LoggingFilter;
use crate::error::{CallResult, Called};
use crate::waf::{OfWaf, waf};
use crate::{Context, WebAclArn, converge, in_order_of};

/// The properties of a logging configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoggingConfiguration<S: Stage = Declared> {
    /// The web ACL, by ARN.
    pub resource_arn: S::Of<WebAclArn>,
    /// Where it writes: exactly one ARN.
    pub log_destination_configs: Vec<S::Of<String>>,
    /// What of a request is kept out of the log. Their order has no meaning.
    pub redacted_fields: Vec<FieldToMatch>,
    /// Which requests are logged; without one, all are.
    #[serde(default)]
    pub logging_filter: Option<LoggingFilter>,
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FieldToMatch {
    /// One header. Other parts, that somebody set by hand, are not known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_header: Option<SingleHeader>,
}

/// One header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SingleHeader {
    /// Its name, in lower case.
    pub name: String,
}

impl FieldToMatch {
    /// The header of this name.
    #[must_use]
    pub fn header(name: &str) -> Self {
        Self { single_header: Some(SingleHeader { name: name.to_lowercase() }) }
    }

    fn for_call(&self) -> LiveField {
        let header = self
            .single_header
            .as_ref()
            .map(|header| LiveHeader::builder().name(&header.name).build().expect("a name is given"));
        LiveField::builder().set_single_header(header).build()
    }

    fn from_live(live: &LiveField) -> Self {
        let header = live.single_header().map(|header| header.name().to_lowercase());
        Self { single_header: header.map(|name| SingleHeader { name }) }
    }
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoggingConfigurationOutputs<S: Stage> {
    /// The web ACL; a reference to it waits until it writes.
    pub resource_arn: S::Of<WebAclArn>,
}

impl Declares for LoggingConfiguration<Declared> {
    type Resolved = LoggingConfiguration<Resolved>;
}

async fn live(cx: &Context, web_acl: &WebAclArn) -> Result<Option<Live>, CallError> {
    let answer = waf(cx).get_logging_configuration().resource_arn(web_acl.as_str()).send().await;
    let answer = answer.called("GetLoggingConfiguration").of_waf().if_exists()?;
    Ok(answer.and_then(|answer| answer.logging_configuration))
}

impl LoggingConfiguration<Resolved> {
    fn outputs(&self) -> LoggingConfigurationOutputs<Resolved> {
        LoggingConfigurationOutputs { resource_arn: self.resource_arn.clone() }
    }

    async fn put(&self, cx: &Context) -> Result<(), CallError> {
        let fields = self.redacted_fields.iter().map(FieldToMatch::for_call).collect();
        let configuration = Live::builder()
            .resource_arn(self.resource_arn.as_str())
            .set_log_destination_configs(Some(self.log_destination_configs.clone()))
            .set_redacted_fields(Some(fields))
            .set_logging_filter(self.logging_filter.as_ref().map(LoggingFilter::for_call))
            .build()
            .expect("a web ACL and a destination are given");
        let request = waf(cx).put_logging_configuration().logging_configuration(configuration);
        let answer = request.send().await.called("PutLoggingConfiguration").of_waf().once_visible();
        answer.classed(&["WAFLogDestinationPermissionIssueException"], ErrorClass::NotYet).map(drop)
    }
}

#[async_trait]
impl Resource for LoggingConfiguration<Resolved> {
    const KIND: &'static str = "AWS::WAFv2::LoggingConfiguration";
    const FACTS: Facts = Facts {
        name: Named::ById,
        create_only: CreateOnly::These(&["ResourceArn"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 2, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["ResourceArn"],
            words: "the ARN of the web ACL that is logged",
            example: "arn:aws:wafv2:ap-southeast-1:123456789012:regional/webacl/payment-waf-dev/1a2b3c4d-5e6f-4a1b-8c2d-3e4f5a6b7c8d",
        },
        reads: Reads { least: 1, most: 1, together: Some("ListLoggingConfigurations") },
        cost: Some("vended-log-delivery"),
    };
    const SETTLE: Settle = Settle::Key;
    type Context = Context;
    type Declared = LoggingConfiguration<Declared>;
    type Outputs<S: Stage> = LoggingConfigurationOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.resource_arn.to_string())
    }

    /// It has no tags. It is ours if it writes to where ours does.
    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<LoggingConfigurationOutputs<Resolved>>, CallError> {
        match live(cx, &self.resource_arn).await? {
            None => Ok(None),
            Some(live) if live.log_destination_configs == self.log_destination_configs => {
                Ok(Some(self.outputs()))
            }
            Some(live) => Err(CallError::conflict(
                format!("looking for where {} logs", self.resource_arn),
                format!(
                    "it logs to {}, not to where {} says",
                    live.log_destination_configs.join(", "),
                    search.address
                ),
            )),
        }
    }

    async fn create(
        &self,
        cx: &Context,
        intent: &Intent,
    ) -> Result<LoggingConfigurationOutputs<Resolved>, CallError> {
        // The call writes over whatever is there.
        if self.find(cx, &Search::made_by(intent)).await?.is_none() {
            self.put(cx).await?;
        }
        Ok(self.outputs())
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &LoggingConfigurationOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &LoggingConfigurationOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let Some(live) = live(cx, &outputs.resource_arn).await? else { return Ok(None) };
        let fields = live.redacted_fields().iter().map(FieldToMatch::from_live).collect();
        Ok(Some(Self {
            logging_filter: live.logging_filter().map(LoggingFilter::from_live),
            redacted_fields: in_order_of(&self.redacted_fields, fields, FieldToMatch::clone),
            resource_arn: live.resource_arn.into(),
            log_destination_configs: live.log_destination_configs,
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &LoggingConfigurationOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<LoggingConfigurationOutputs<Resolved>, CallError> {
        self.put(cx).await?;
        Ok(outputs.clone())
    }

    async fn delete(
        &self,
        cx: &Context,
        outputs: &LoggingConfigurationOutputs<Resolved>,
    ) -> Result<(), CallError> {
        let request = waf(cx).delete_logging_configuration().resource_arn(outputs.resource_arn.as_str());
        request.send().await.called("DeleteLoggingConfiguration").of_waf().map(drop).gone_is_ok()
    }
}
