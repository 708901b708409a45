//! What alarms do when their state changes. Actions are checked and kept, and not taken.

use super::validation;
use crate::protocol::response::{Refusal, ensure};

/// Who takes an action.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taker {
    MetricAlarm,
    CompositeAlarm,
}

/// The services that alarms of both kinds call (PutCompositeAlarm: "Composite alarms can take the following actions").
const OF_ALL: [&str; 5] = ["sns", "lambda", "ssm", "ssm-incidents", "aiops"];
/// The services that metric alarms call besides (PutMetricAlarm, AlarmActions): EC2 actions and scaling policies.
const OF_METRIC_ALARMS: [&str; 3] = ["autoscaling", "automate", "swf"];

/// Checks the actions of an alarm in a region. Whether their targets are there is not looked at, as in AWS.
pub(super) fn check(actions: [&[String]; 3], region: &str, taker: Taker) -> Result<(), Refusal> {
    actions.into_iter().flatten().try_for_each(|arn| check_one(arn, region, taker))
}

fn check_one(arn: &str, region: &str, taker: Taker) -> Result<(), Refusal> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, service, place, account, resource] = parts.as_slice() else {
        return Err(validation(format!("Invalid arn syntax: {arn}")));
    };
    // An EC2 action is `arn:aws:automate:REGION:ec2:stop`.
    let account_is_good =
        service == "automate" || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
    if !partition.starts_with("aws") || resource.is_empty() || !account_is_good {
        return Err(validation(format!("Invalid arn syntax: {arn}")));
    }
    let known =
        OF_ALL.contains(&service) || (taker == Taker::MetricAlarm && OF_METRIC_ALARMS.contains(&service));
    ensure(known, || validation(format!("Alarms do not support actions of {service}: {arn}")))?;
    // Response plans belong to no region.
    ensure(service == "ssm-incidents" || place == region, || {
        validation(format!("Invalid region {place} specified. Only {region} is supported."))
    })
}
