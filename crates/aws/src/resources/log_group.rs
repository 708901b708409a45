//! A CloudWatch log group: where logs go, and how long they stay.
//!
//! The surprise: a service that finds no log group makes one itself, with logs that are kept for ever. So the
//! group must exist before whatever writes to it, and a group of that name may already be there without our
//! tags. Such a group is not adopted.
//!
//! - *Wait* means, right after its key was created: InvalidParameterException "The specified KMS Key Id could not be found"
//!   (hashicorp/terraform#24194), and AccessDeniedException "The specified KMS key does not exist or is not allowed to be
//!   used with Arn" (hashicorp/terraform-provider-aws#29282), while the key or its policy spreads. A policy that is wrong for
//!   good looks the same, and fails when the kind's longest time is over.
//! - AWS rewrites nothing on read: `KmsKeyId` is the key's ARN as it was sent.
//! - Silently, another key or none holds for new events only, and up to five minutes later (AssociateKmsKey,
//!   DisassociateKmsKey): events that are there stay encrypted with the key of their time, and nothing shows which that was.
//! - A deletion protection that somebody switched on (PutLogGroupDeletionProtection) makes AWS refuse to delete the group and its
//!   streams until somebody switches it off. This program does neither, and its identity may not: the protection is shown and
//!   left as it is, and a plan that would delete the group is refused. A group that stays is not in the way.
//! - There is no terminal state. While the key is disabled or about to be deleted, what it encrypted cannot be read, and what
//!   is written is lost (CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service").

use std::borrow::Cow;

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::LogGroup as Live;
use engine::{
    CallError, Changed, CreateOnly, DeclareError, Declared, Declares, ErrorClass, Facts, How, ImportId,
    Intent, Keep, KeepValue, Limit, Listed, Loss, Named, Reads, Resolved, Resource, Scope, Search, Settle,
    Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{CallResult, Called};
use crate::tags::LiveTags;
use crate::{Context, DeletionPolicy, KeyArn, LogGroupArn, LogGroupName, Tags, converge};

/// The retention periods that CloudWatch Logs knows, in days (`PutRetentionPolicy`).
pub const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// How long logs are kept, in days: one of [`RETENTION_DAYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RetentionDays(u32);

/// A number of days that CloudWatch Logs does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CloudWatch Logs cannot keep logs for {days} days")]
pub struct InvalidRetention {
    /// What was asked for.
    pub days: u32,
}

impl InvalidRetention {
    /// The shortest period that is longer, or the longest there is.
    #[must_use]
    pub fn nearest(&self) -> u32 {
        let longer = RETENTION_DAYS.into_iter().find(|days| *days > self.days);
        longer.unwrap_or(RETENTION_DAYS[RETENTION_DAYS.len() - 1])
    }
}

impl TryFrom<u32> for RetentionDays {
    type Error = InvalidRetention;

    fn try_from(days: u32) -> Result<Self, Self::Error> {
        match RETENTION_DAYS.contains(&days) {
            true => Ok(Self(days)),
            false => Err(InvalidRetention { days }),
        }
    }
}

impl From<RetentionDays> for u32 {
    fn from(retention: RetentionDays) -> Self {
        retention.0
    }
}

impl schemars::JsonSchema for RetentionDays {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RetentionDays".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "enum": RETENTION_DAYS })
    }
}

impl RetentionDays {
    /// A tier's argument, by its name.
    ///
    /// # Errors
    /// For a period that CloudWatch Logs does not know, with the next longer one that it does.
    pub fn argument(argument: &str, days: u32) -> Result<Self, DeclareError> {
        Self::try_from(days).map_err(|error| {
            let hint = format!("the next longer period is {} days", error.nearest());
            DeclareError::argument(argument, error.to_string(), hint)
        })
    }

    fn for_call(self) -> i32 {
        i32::try_from(self.0).expect("every period in the list is small")
    }
}

/// The properties of a log group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogGroup<S: Stage = Declared> {
    /// Its name, unique in account and region.
    pub log_group_name: S::Of<LogGroupName>,
    /// Whether a service of AWS makes it by itself, without tags, where it is not there; then one of its name is taken as it
    /// is, so the name must have something of ours in it that nobody else has, such as an id. Not CloudFormation's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made_by_service: bool,
    /// Whether AWS refuses to delete it. Always `false` when it is declared; somebody may have protected a live group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletion_protection_enabled: bool,
    /// How long logs are kept; for ever where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<RetentionDays>,
    /// The KMS key that encrypts the logs; a key of CloudWatch Logs where it is not given. The key's policy must
    /// let `logs.<region>.amazonaws.com` use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<S::Of<KeyArn>>,
    /// What becomes of the group and its logs in the end.
    #[serde(default, skip_serializing_if = "DeletionPolicy::is_delete")]
    pub deletion_policy: DeletionPolicy,
    /// What people see.
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogGroupOutputs<S: Stage> {
    /// The ARN, ending in `:*`.
    pub arn: S::Of<LogGroupArn>,
    /// The name; a reference to it waits until the group exists.
    pub log_group_name: S::Of<LogGroupName>,
}

impl Declares for LogGroup<Declared> {
    type Resolved = LogGroup<Resolved>;
}

/// The property that says whether AWS refuses to delete a group.
const PROTECTION: &str = "DeletionProtectionEnabled";

impl LogGroup<Declared> {
    /// How a person lifts the deletion protection of a group: the property that stands for it, and the command.
    #[must_use]
    pub fn unprotecting(property: &str, name: &str) -> Option<String> {
        (property == PROTECTION).then(|| {
            format!(
                "aws logs put-log-group-deletion-protection --no-deletion-protection-enabled --log-group-identifier {name}"
            )
        })
    }

    /// Says of all log groups of a tier that they stay, if `keep`: also of those that are not declared any more.
    pub fn guard(scope: &mut Scope, keep: bool) {
        if keep {
            let kind = <LogGroup<Resolved> as Resource>::KIND;
            scope.guard_kind(kind, DeletionPolicy::PROPERTY, DeletionPolicy::RETAIN);
        }
    }
}

impl LogGroup<Resolved> {
    fn outputs(&self, cx: &Context) -> LogGroupOutputs<Resolved> {
        LogGroupOutputs {
            arn: format!("{}:*", arn_for_tags(cx, &self.log_group_name)).into(),
            log_group_name: self.log_group_name.clone(),
        }
    }
}

/// The tagging calls want the ARN without `:*`.
fn arn_for_tags(cx: &Context, name: &LogGroupName) -> String {
    format!("arn:{}:logs:{}:{}:log-group:{name}", cx.partition(), cx.region(), cx.account_id())
}

/// The refusal of a key that Logs does not know yet, or whose policy it does not: see the top of this file.
fn once_key_is_known<T>(called: Result<T, CallError>) -> Result<T, CallError> {
    ["InvalidParameterException", "AccessDeniedException"]
        .into_iter()
        .fold(called, |called, code| called.classed_saying(code, "specified KMS", ErrorClass::NotYet))
}

async fn describe(cx: &Context, name: &LogGroupName) -> Result<Option<Live>, CallError> {
    // The call takes a prefix, so that a longer name may be in the answer too, also on a page before.
    let mut groups =
        cx.logs().describe_log_groups().log_group_name_prefix(name.as_str()).into_paginator().items().send();
    while let Some(group) = groups.next().await {
        let group = group.called("DescribeLogGroups")?;
        if group.log_group_name() == Some(name.as_str()) {
            return Ok(Some(group));
        }
    }
    Ok(None)
}

async fn live_tags(cx: &Context, name: &LogGroupName) -> Result<Option<LiveTags>, CallError> {
    let request = cx.logs().list_tags_for_resource().resource_arn(arn_for_tags(cx, name));
    let answer = request.send().await.called("ListTagsForResource").if_exists()?;
    Ok(answer.map(|answer| LiveTags::map(answer.tags)))
}

#[async_trait]
impl Resource for LogGroup<Resolved> {
    const KIND: &'static str = "AWS::Logs::LogGroup";
    const FACTS: Facts = Facts {
        name: Named::ByName("LogGroupName"),
        create_only: CreateOnly::These(&["LogGroupName"]),
        lists: &[Listed::TAGS],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Logs("all its logs"),
        keeps: &[
            DeletionPolicy::KEEP,
            Keep { property: PROTECTION, value: KeepValue::Flag(true), how: How::Forbid },
        ],
        limits: &[Limit { property: "RetentionInDays", words: "logs that are older" }],
        template: Template {
            own_properties: &[DeletionPolicy::PROPERTY, "MadeByService"],
            ..Template::AS_DECLARED
        },
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["LogGroupName"],
            words: "the name of the log group",
            example: "/ecs/payment-app-dev",
        },
        reads: Reads { least: 2, most: 2, together: Some("DescribeLogGroups") },
        cost: Some("log-ingestion"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &[PROTECTION];
    type Context = Context;
    type Declared = LogGroup<Declared>;
    type Outputs<S: Stage> = LogGroupOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.log_group_name.to_string())
    }

    fn accepts(property: &str, _: &Value, _: &Value) -> Option<String> {
        (property == PROTECTION).then(|| {
            "has deletion protection, which somebody switched on outside of this program. It is left on; a plan that would delete the \
             group is refused until somebody switches it off"
                .to_owned()
        })
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<LogGroupOutputs<Resolved>>, CallError> {
        let name = &self.log_group_name;
        if describe(cx, name).await?.is_none() {
            return Ok(None);
        }
        let Some(tags) = live_tags(cx, name).await? else { return Ok(None) };
        if !self.made_by_service {
            cx.adopt(&format!("log group {name}"), &tags, search)?;
        }
        Ok(Some(self.outputs(cx)))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<LogGroupOutputs<Resolved>, CallError> {
        let request = cx
            .logs()
            .create_log_group()
            .log_group_name(self.log_group_name.as_str())
            .set_kms_key_id(self.kms_key_id.as_ref().map(ToString::to_string))
            .set_tags(Some(cx.stamp(&self.tags, intent)?.map()));
        once_key_is_known(request.send().await.called("CreateLogGroup").once_visible())?;
        Ok(self.outputs(cx))
    }

    async fn configure(&self, cx: &Context, outputs: &LogGroupOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &LogGroupOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let name = &outputs.log_group_name;
        let Some(live) = describe(cx, name).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, name).await? else { return Ok(None) };
        let retention = live.retention_in_days.and_then(|days| u32::try_from(days).ok()).map(RetentionDays);
        Ok(Some(Self {
            log_group_name: name.clone(),
            made_by_service: self.made_by_service,
            deletion_protection_enabled: live.deletion_protection_enabled.unwrap_or_default(),
            retention_in_days: retention,
            kms_key_id: live.kms_key_id.map(Into::into),
            deletion_policy: self.deletion_policy,
            tags: tags.visible(),
        }))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &LogGroupOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<LogGroupOutputs<Resolved>, CallError> {
        let name = outputs.log_group_name.as_str();
        if changed.has("RetentionInDays") {
            match self.retention_in_days {
                Some(days) => {
                    let request = cx.logs().put_retention_policy().log_group_name(name);
                    let request = request.retention_in_days(days.for_call());
                    request.send().await.called("PutRetentionPolicy")?;
                }
                None => {
                    let request = cx.logs().delete_retention_policy().log_group_name(name);
                    request.send().await.called("DeleteRetentionPolicy")?;
                }
            }
        }
        if changed.has("KmsKeyId") {
            match &self.kms_key_id {
                Some(key) => {
                    let request = cx.logs().associate_kms_key().log_group_name(name).kms_key_id(key.as_str());
                    once_key_is_known(request.send().await.called("AssociateKmsKey"))?;
                }
                None => {
                    let request = cx.logs().disassociate_kms_key().log_group_name(name);
                    request.send().await.called("DisassociateKmsKey")?;
                }
            }
        }
        let arn = arn_for_tags(cx, &outputs.log_group_name);
        crate::tag_by_arn!(changed.before.tags.changes_to(&self.tags), cx.logs(), &arn, |tags| tags.map())?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &LogGroupOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.logs().delete_log_group().log_group_name(outputs.log_group_name.as_str());
        request.send().await.called("DeleteLogGroup").gone_is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_periods_that_cloudwatch_logs_knows_are_accepted() {
        assert_eq!(RetentionDays::try_from(2557).map(u32::from), Ok(2557));
        for (days, nearest) in [(0, 1), (2, 3), (2556, 2557), (9999, 3653)] {
            assert_eq!(RetentionDays::try_from(days).unwrap_err().nearest(), nearest);
        }
        let error = serde_json::from_str::<RetentionDays>("2556").unwrap_err();
        assert_eq!(error.to_string(), "CloudWatch Logs cannot keep logs for 2556 days");
    }
}
