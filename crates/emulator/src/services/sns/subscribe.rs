//! Subscribe (SNS API Reference, Subscribe).

use serde::Deserialize;
use serde_json::{Value, json};

use super::attributes::{Attributes, fold_flag, is_flag, is_object};
use super::subscription::{BY_DEFAULT, SCOPE, Subscription};
use super::{Answer, Cx, filter_policy, invalid};
use crate::services::kms::uuid;
use crate::services::{ACCOUNT_ID, Call, Refusal, ensure, refuse_if};

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

/// The subscription that attributes are for.
pub(super) struct Subject<'a> {
    /// Whether a FIFO queue is subscribed to a FIFO topic.
    pub(super) is_fifo: bool,
    /// Its `FilterPolicyScope`.
    pub(super) scope: &'a str,
}

/// An attribute of a subscription, with its value; an empty one takes it away.
pub(super) fn check_attribute(subject: &Subject<'_>, name: &str, value: &str) -> Result<(), Refusal> {
    let because = |reason: String| invalid(format!("Attributes Reason: {reason}"));
    let is_legal = match name {
        "FilterPolicy" | "RedrivePolicy" if value.is_empty() => true,
        "FilterPolicy" => filter_policy::check(value, subject.scope).map(|()| true).map_err(because)?,
        "RedrivePolicy" => check_redrive(subject, value).map(|()| true).map_err(because)?,
        "DeliveryPolicy" => value.is_empty() || is_object(value),
        "FilterPolicyScope" => ["MessageAttributes", "MessageBody"].contains(&value),
        "RawMessageDelivery" => is_flag(value),
        "SubscriptionRoleArn" => value.starts_with("arn:aws:iam::"),
        _ => return Err(invalid(format!("Attributes Reason: {name} is no attribute of a subscription."))),
    };
    ensure(is_legal, || {
        invalid(format!("Attributes Reason: {name}: {value} is not a value that it can have."))
    })
}

/// Checks a redrive policy: its target is a queue, and a FIFO queue for a FIFO subscription (recorded from real AWS; SNS
/// Developer Guide, "Amazon SNS dead-letter queues"). As in AWS, the queue need not exist.
fn check_redrive(subject: &Subject<'_>, text: &str) -> Result<(), String> {
    let Ok(Value::Object(policy)) = serde_json::from_str(text) else {
        return Err("RedrivePolicy: failed to parse JSON.".to_owned());
    };
    let target = policy.get("deadLetterTargetArn").and_then(Value::as_str).unwrap_or_default();
    let is_queue = matches!(
        target.splitn(6, ':').collect::<Vec<_>>()[..],
        ["arn", _, "sqs", region, account, name] if !region.is_empty() && !account.is_empty() && !name.is_empty()
    );
    ensure(is_queue, || "RedrivePolicy: deadLetterTargetArn is an invalid arn".to_owned())?;
    refuse_if(subject.is_fifo && !target.ends_with(".fifo"), || {
        "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.".to_owned()
    })
}

/// Whether a text is a phone number in E.164 format, with single separators allowed between digits (getmoto/moto,
/// `moto/sns/models.py`; two in a row are refused, recorded from real AWS).
pub(super) fn is_phone_number(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    let mut groups = number.split(['-', '.', '/']);
    let is_digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    groups.all(is_digits) && (2..=15).contains(&digits) && !number.starts_with('0')
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
        "sms" => is_phone_number(endpoint),
        "sqs" | "lambda" | "firehose" => is_arn(protocol),
        "application" => is_arn("sns"),
        other => return Err(invalid(format!("Amazon SNS does not support this protocol string: {other}"))),
    };
    if !is_legal {
        return Err(match protocol {
            "email" | "email-json" => invalid("Email address"),
            "sqs" => invalid("SQS endpoint ARN"),
            "lambda" => invalid("Lambda endpoint ARN"),
            "sms" => Refusal::new("InvalidParameter", format!("Invalid SMS endpoint: {endpoint}")),
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
    let mut given: Subscribe = call.input()?;
    let topic_is_fifo = cx.r.sns.find(cx.region, &given.topic_arn)?.is_fifo();
    check_endpoint(&given.protocol, &given.endpoint, topic_is_fifo)?;
    given.attributes.iter_mut().for_each(|(name, value)| fold_flag(name, value));
    let scope = given.attributes.get(SCOPE).map_or(BY_DEFAULT, String::as_str);
    let subject = Subject { is_fifo: topic_is_fifo && given.endpoint.ends_with(".fifo"), scope };
    for (name, value) in &given.attributes {
        check_attribute(&subject, name, value)?;
    }
    if given.protocol == "firehose" && !given.attributes.contains_key("SubscriptionRoleArn") {
        return Err(invalid("Attributes Reason: SubscriptionRoleArn is needed for the protocol firehose."));
    }
    let now_millis = cx.now_millis;
    let sns = &mut cx.r.sns;
    if let Some(subscription) = sns.subscription_of(&given.topic_arn, &given.protocol, &given.endpoint) {
        ensure(subscription.has(&given.attributes), || {
            invalid("Attributes Reason: Subscription already exists with different attributes")
        })?;
        return Ok(shown(subscription, given.return_subscription_arn));
    }
    if given.attributes.get("FilterPolicy").is_some_and(|policy| !policy.is_empty()) {
        sns.check_filters(&given.topic_arn)?;
    }
    given.attributes.retain(|_, value| !value.is_empty());
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

fn shown(subscription: &Subscription, with_arn: bool) -> Value {
    if subscription.is_pending() && !with_arn {
        json!({"SubscriptionArn": "pending confirmation"})
    } else {
        json!({"SubscriptionArn": subscription.subscription_arn})
    }
}
