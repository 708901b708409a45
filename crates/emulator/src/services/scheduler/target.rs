//! What a schedule calls.

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::services::{Cx, Refusal};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) arn: String,
    pub(super) role_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfig>,
    #[serde(default)]
    retry_policy: RetryPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqs_parameters: Option<SqsParameters>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeadLetterConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
}

/// EventBridge Scheduler User Guide, "Managing targets": a day, and 185 times.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct RetryPolicy {
    maximum_event_age_in_seconds: i64,
    maximum_retry_attempts: i64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SqsParameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<String>,
}

impl Target {
    /// Whether the target is there is not asked: a schedule outlives what it calls.
    pub(super) fn check(&self, cx: &Cx<'_>) -> Result<(), Refusal> {
        if !is_target(&self.arn) {
            return Err(invalid(format!("Provided Arn is not in correct format: {}.", self.arn)));
        }
        // EventBridge Scheduler API Reference, Target: the input of these must be JSON, and so must that of universal targets.
        let json_only = ["scheduler", "lambda", "states", "events"];
        let json_only = json_only.iter().any(|service| self.arn.starts_with(&format!("arn:aws:{service}:")));
        let json = |input: &String| serde_json::from_str::<serde_json::Value>(input).is_ok();
        if json_only && !self.input.as_ref().is_none_or(json) {
            return Err(invalid("The Input of this target must be JSON."));
        }
        let queue = self.arn.starts_with("arn:aws:sqs:");
        if self.sqs_parameters.is_some() && !queue {
            return Err(invalid("SqsParameters are only for targets that are queues."));
        }
        let group = self.sqs_parameters.as_ref().and_then(|sqs| sqs.message_group_id.as_ref());
        if queue && self.arn.ends_with(".fifo") && group.is_none() {
            return Err(invalid("A queue in the order of its messages needs SqsParameters.MessageGroupId."));
        }
        match cx.global.iam.assumable(&self.role_arn, "scheduler.amazonaws.com", cx.now_millis) {
            Ok(()) => Ok(()),
            Err(_) => Err(invalid(
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
            )),
        }
    }
}

/// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE` of a service with templated targets, or
/// `arn:aws:scheduler:::aws-sdk:SERVICE:ACTION` (EventBridge Scheduler User Guide, "Managing targets").
fn is_target(arn: &str) -> bool {
    const TEMPLATED: [(&str, &str); 12] = [
        ("codebuild", "project/"),
        ("codepipeline", ""),
        ("ecs", "cluster/"),
        ("events", "event-bus/"),
        ("firehose", "deliverystream/"),
        ("inspector", "target/"),
        ("kinesis", "stream/"),
        ("lambda", "function:"),
        ("sagemaker", "pipeline/"),
        ("sns", ""),
        ("sqs", ""),
        ("states", "stateMachine:"),
    ];
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", "aws", "scheduler", "", "", action] => {
            action.strip_prefix("aws-sdk:").is_some_and(|action| action.contains(':'))
        }
        ["arn", "aws", service, region, account, resource] => {
            let known = TEMPLATED.iter().find(|(name, _)| name == service);
            let named = known.and_then(|(_, prefix)| resource.strip_prefix(prefix));
            let account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            named.is_some_and(|name| !name.is_empty()) && account && !region.is_empty()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_target;

    #[test]
    fn targets_are_arns_of_services_that_scheduler_can_call() {
        for arn in [
            "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "arn:aws:sqs:eu-west-1:123456789012:queue",
            "arn:aws:scheduler:::aws-sdk:rds:stopDBCluster",
        ] {
            assert!(is_target(arn), "{arn}");
        }
        for arn in [
            "lambda",
            "arn:aws:lambda:eu-west-1:123456789012:layer:f",
            "arn:aws:lambda:eu-west-1:1:function:f",
            "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1",
            "arn:aws:scheduler:::aws-sdk:rds",
        ] {
            assert!(!is_target(arn), "{arn}");
        }
    }
}
