//! CloudWatch log groups, on winterbaume's Logs.
//!
//! winterbaume holds the state. Ours are the operations of a group that would otherwise drop properties (KMS
//! key, deletion protection), use a clock outside our seam or accept what AWS refuses (an invalid
//! retention). Deleting a group and tagging a resource are winterbaume's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use winterbaume_cloudwatchlogs::CloudWatchLogsService;
use winterbaume_cloudwatchlogs::views::{LogGroupView, LogsStateView};
use winterbaume_core::{DEFAULT_ACCOUNT_ID, StatefulService};

use super::{Service, base};
use crate::clock::Clock;
use crate::objects::Object;
use crate::request::Call;
use crate::response::{Refusal, Response};

/// The days that a group may keep its events
/// (CloudWatch Logs API Reference, PutRetentionPolicy).
const RETENTIONS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The service.
pub(super) struct Logs {
    base: CloudWatchLogsService,
    clock: Clock,
    homes: Mutex<BTreeSet<String>>,
}

impl Logs {
    pub(super) fn new(clock: Clock) -> Self {
        Logs { base: CloudWatchLogsService::new(), clock, homes: Mutex::default() }
    }

    fn touch(&self, home: &str) {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner).insert(home.to_owned());
    }

    async fn view(&self, home: &str) -> LogsStateView {
        self.base.snapshot(DEFAULT_ACCOUNT_ID, home).await
    }

    async fn group(&self, home: &str, name: &str) -> Result<LogGroupView, Refusal> {
        self.view(home).await.log_groups.remove(name).ok_or_else(|| {
            Refusal::new("ResourceNotFoundException", "The specified log group does not exist.")
        })
    }

    async fn put(&self, home: &str, group: LogGroupView) -> Result<(), Refusal> {
        let mut change = nothing();
        change.log_groups.insert(group.name.clone(), group);
        self.base
            .merge(DEFAULT_ACCOUNT_ID, home, change)
            .await
            .map_err(|error| Refusal::new("ServiceUnavailableException", error.to_string()).with_status(500))
    }

    /// Our own operations; `None` for those that winterbaume answers.
    async fn own(&self, call: &Call) -> Result<Option<Value>, Refusal> {
        let home = call.region.as_str();
        let mut p = call.read();
        let answer = match call.operation.as_str() {
            "CreateLogGroup" => {
                let name = p.text("logGroupName")?;
                let legal = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
                if name.len() > 512 || !name.chars().all(legal) {
                    let expected = "1 to 512 of the characters A-Z a-z 0-9 . _ - / #";
                    return Err(p.invalid("logGroupName", &name, expected));
                }
                let class = p.optional("logGroupClass")?;
                if let Some(class) = class.filter(|class| class != "STANDARD") {
                    return Err(p.invalid("logGroupClass", &class, "STANDARD, the one modelled"));
                }
                let group = LogGroupView {
                    arn: format!("arn:aws:logs:{home}:{DEFAULT_ACCOUNT_ID}:log-group:{name}:*"),
                    name,
                    creation_time: self.clock.now_millis(),
                    retention_in_days: None,
                    streams: Default::default(),
                    tags: p.map("tags")?.into_iter().collect(),
                    kms_key_id: p.optional("kmsKeyId")?,
                    data_protection_policy: None,
                    deletion_protection_enabled: p.flag("deletionProtectionEnabled")?.unwrap_or_default(),
                };
                p.finish()?;
                if self.group(home, &group.name).await.is_ok() {
                    return Err(Refusal::new(
                        "ResourceAlreadyExistsException",
                        "The specified log group already exists",
                    ));
                }
                self.put(home, group).await?;
                Value::Null
            }
            "PutRetentionPolicy" => {
                let mut group = self.group(home, &p.text("logGroupName")?).await?;
                let days = p.number("retentionInDays")?.ok_or_else(|| p.missing("retentionInDays"))?;
                if !RETENTIONS.contains(&days) {
                    let expected = "one of the numbers of days that CloudWatch Logs offers";
                    return Err(p.invalid("retentionInDays", &days.to_string(), expected));
                }
                p.finish()?;
                group.retention_in_days = Some(days as i32);
                self.put(home, group).await?;
                Value::Null
            }
            "DescribeLogGroups" => {
                let prefix = p.optional("logGroupNamePrefix")?;
                let pattern = p.optional("logGroupNamePattern")?;
                if prefix.is_some() && pattern.is_some() {
                    return Err(Refusal::new(
                        "InvalidParameterException",
                        "LogGroup name prefix and LogGroup name pattern are mutually exclusive.",
                    ));
                }
                let identifiers = p.texts("logGroupIdentifiers")?;
                // Everything is returned at once, so there is never a second page to ask for.
                p.number("limit")?;
                p.finish()?;
                let groups: BTreeMap<String, LogGroupView> =
                    self.view(home).await.log_groups.into_iter().collect();
                let groups: Vec<Value> = groups
                    .values()
                    .filter(|group| {
                        let arn = group.arn.trim_end_matches(":*");
                        prefix.as_ref().is_none_or(|p| group.name.starts_with(p))
                            && pattern.as_ref().is_none_or(|p| group.name.contains(p.as_str()))
                            && (identifiers.is_empty()
                                || identifiers.iter().any(|id| *id == group.name || id == arn))
                    })
                    .map(group_value)
                    .collect();
                json!({"logGroups": groups})
            }
            "DeleteLogGroup" => {
                let group = self.group(home, &p.text("logGroupName")?).await?;
                p.finish()?;
                if group.deletion_protection_enabled {
                    // CloudWatch Logs User Guide, "Protecting log groups from deletion".
                    return Err(Refusal::new(
                        "ValidationException",
                        "The log group has deletion protection enabled.",
                    ));
                }
                return Ok(None);
            }
            _ => return Ok(None),
        };
        Ok(Some(answer))
    }
}

#[async_trait]
impl Service for Logs {
    fn name(&self) -> &'static str {
        "logs"
    }

    async fn answer(&self, call: &Call) -> Response {
        self.touch(&call.region);
        match self.own(call).await {
            Ok(Some(value)) => Response::success(call, &value),
            Ok(None) => base::forward(&self.base, call, &call.region).await,
            Err(refusal) => call.refuse(refusal),
        }
    }

    fn check(&self, state: &Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<LogsStateView>(state.clone()).map(drop)
    }

    fn homes(&self) -> Vec<String> {
        let homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        homes.iter().cloned().collect()
    }

    async fn save(&self, home: &str) -> Value {
        serde_json::to_value(self.view(home).await).expect("winterbaume's view is made to be serialised")
    }

    async fn load(&self, home: &str, state: Option<Value>) -> Result<(), serde_json::Error> {
        let view = match state {
            Some(state) => serde_json::from_value(state)?,
            None => nothing(),
        };
        self.touch(home);
        self.base.restore(DEFAULT_ACCOUNT_ID, home, view).await.map_err(serde::de::Error::custom)
    }

    async fn objects(&self, home: &str) -> Vec<Object> {
        let view = self.view(home).await;
        let kinds = [
            ("metric_filters", "AWS::Logs::MetricFilter"),
            ("subscription_filters", "AWS::Logs::SubscriptionFilter"),
            ("resource_policies", "AWS::Logs::ResourcePolicy"),
            ("destinations", "AWS::Logs::Destination"),
            ("query_definitions", "AWS::Logs::QueryDefinition"),
        ];
        let value = serde_json::to_value(&view).unwrap_or_default();
        let mut objects = base::listed("logs", home, &value, &kinds);
        objects.extend(view.log_groups.into_values().map(|group| {
            let tags = group.tags.into_iter().collect();
            Object::new("logs", home, "AWS::Logs::LogGroup", &group.name, tags).named(&group.name)
        }));
        objects
    }
}

/// The state of a new account.
fn nothing() -> LogsStateView {
    serde_json::from_value(json!({})).expect("every member of winterbaume's view may be left out")
}

fn group_value(group: &LogGroupView) -> Value {
    let mut value = json!({
        "logGroupName": group.name,
        "arn": group.arn,
        // The same ARN without the wildcard for streams (DescribeLogGroups, LogGroup.logGroupArn).
        "logGroupArn": group.arn.trim_end_matches(":*"),
        "creationTime": group.creation_time,
        "metricFilterCount": 0,
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": group.deletion_protection_enabled,
    });
    if let Some(days) = group.retention_in_days {
        value["retentionInDays"] = days.into();
    }
    if let Some(key) = &group.kms_key_id {
        value["kmsKeyId"] = key.as_str().into();
    }
    value
}
