//! Subscribe (SNS API Reference, Subscribe).

use serde::Deserialize;
use serde_json::json;

use super::attributes::{Attributes, is_flag, is_object};
use super::subscription::Subscription;
use super::{Answer, Cx, invalid};
use crate::emulator::ACCOUNT_ID;
use crate::request::Call;
use crate::response::Refusal;
use crate::services::kms::uuid;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Subscribe {
    topic_arn: String,
    protocol: String,
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    return_subscription_arn: bool,
}

/// An attribute of a subscription, with its value; an empty one takes it away.
pub(super) fn check_attribute(name: &str, value: &str) -> Result<(), Refusal> {
    let is_legal = match name {
        "DeliveryPolicy" | "FilterPolicy" => value.is_empty() || is_object(value),
        "RedrivePolicy" => value.is_empty() || value.contains("deadLetterTargetArn") && is_object(value),
        "FilterPolicyScope" => ["MessageAttributes", "MessageBody"].contains(&value),
        "RawMessageDelivery" => is_flag(value),
        "SubscriptionRoleArn" => value.starts_with("arn:aws:iam::"),
        _ => return Err(invalid(format!("Attributes Reason: {name} is no attribute of a subscription."))),
    };
    match is_legal {
        true => Ok(()),
        false => Err(invalid(format!("Attributes Reason: {name}: {value} is not a value that it can have."))),
    }
}

/// Whether the endpoint fits the protocol.
fn check_endpoint(protocol: &str, endpoint: &str, topic_is_fifo: bool) -> Result<(), Refusal> {
    let is_arn = |service: &str| endpoint.starts_with(&format!("arn:aws:{service}:"));
    let is_legal = match protocol {
        "http" => endpoint.starts_with("http://"),
        "https" => endpoint.starts_with("https://"),
        "email" | "email-json" => {
            endpoint.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        }
        "sms" => {
            let digits = endpoint.strip_prefix('+').unwrap_or(endpoint);
            digits.len() >= 5 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        }
        "sqs" | "lambda" | "firehose" => is_arn(protocol),
        "application" => is_arn("sns"),
        other => return Err(invalid(format!("Amazon SNS does not support this protocol string: {other}"))),
    };
    if !is_legal {
        return Err(match protocol {
            "email" | "email-json" => invalid("Email address"),
            "sqs" => invalid("SQS endpoint ARN"),
            "lambda" => invalid("Lambda endpoint ARN"),
            _ => invalid("Endpoint must match the specified protocol"),
        });
    }
    match (topic_is_fifo, protocol == "sqs", endpoint.ends_with(".fifo")) {
        (false, true, true) => {
            Err(invalid("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"))
        }
        (true, false, _) => Err(invalid("Endpoint Reason: only SQS queues can be subscribed to FIFO topics")),
        _ => Ok(()),
    }
}

/// Whether somebody has to confirm: not for what belongs to the account that asks.
fn needs_confirmation(protocol: &str, endpoint: &str) -> bool {
    match protocol {
        "sms" | "application" | "firehose" => false,
        "sqs" | "lambda" => endpoint.split(':').nth(4) != Some(ACCOUNT_ID),
        _ => true,
    }
}

/// An endpoint that is subscribed already keeps its subscription.
pub(super) fn subscribe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Subscribe = call.input()?;
    let topic_is_fifo = cx.r.sns.find(&given.topic_arn)?.is_fifo();
    check_endpoint(&given.protocol, &given.endpoint, topic_is_fifo)?;
    for (name, value) in &given.attributes {
        check_attribute(name, value)?;
    }
    if given.protocol == "firehose" && !given.attributes.contains_key("SubscriptionRoleArn") {
        return Err(invalid("Attributes Reason: SubscriptionRoleArn is needed for the protocol firehose."));
    }
    let now_millis = cx.now_millis;
    let sns = &mut cx.r.sns;
    if let Some(subscription) = sns.subscription_of(&given.topic_arn, &given.protocol, &given.endpoint) {
        return match subscription.has(&given.attributes) {
            true => Ok(shown(subscription, given.return_subscription_arn)),
            false => Err(invalid("Attributes Reason: Subscription already exists with different attributes")),
        };
    }
    let pending = needs_confirmation(&given.protocol, &given.endpoint);
    let subscription = Subscription {
        subscription_arn: format!("{}:{}", given.topic_arn, uuid(&mut sns.ids)),
        owner: ACCOUNT_ID.to_owned(),
        protocol: given.protocol,
        endpoint: given.endpoint,
        topic_arn: given.topic_arn,
        attributes: given.attributes,
        pending_since: pending.then_some(now_millis),
    };
    let answer = shown(&subscription, given.return_subscription_arn);
    sns.subscriptions.insert(subscription.subscription_arn.clone(), subscription);
    Ok(answer)
}

fn shown(subscription: &Subscription, with_arn: bool) -> serde_json::Value {
    match subscription.is_pending() && !with_arn {
        true => json!({"SubscriptionArn": "pending confirmation"}),
        false => json!({"SubscriptionArn": subscription.subscription_arn}),
    }
}
