//! Targets of target groups. Nothing is checked for health: a target is healthy once a load balancer routes to its
//! group, unless it is a task that a plan of faults lets fail.

use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::{Value, json};

use super::records::{Target, TargetGroup};
use super::{arns, invalid, shown};
use crate::services::{Answer, Call, Cx, Refusal, spread};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Description {
    id: String,
    port: Option<u16>,
    availability_zone: Option<String>,
}

pub(super) fn register(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target_group_arn, targets): (String, Vec<Description>) =
        call.members(&["TargetGroupArn", "Targets"])?;
    let group = arns::find(cx.region, &cx.r.elbv2.target_groups, &target_group_arn)?;
    let targets: Vec<Target> =
        targets.into_iter().map(|target| admitted(cx, group, target)).collect::<Result<_, _>>()?;
    let group = arns::find_mut(cx.region, &mut cx.r.elbv2.target_groups, &target_group_arn)?;
    for target in targets {
        group.register(target);
    }
    Ok(json!({}))
}

/// API Reference, CreateTargetGroup, `TargetType`: addresses of the VPC's subnets, or private ones (RFC 1918, RFC 6598)
/// outside it, for which TargetDescription's `AvailabilityZone` must be `all`.
fn admitted(cx: &Cx<'_>, group: &TargetGroup, given: Description) -> Result<Target, Refusal> {
    let Description { id, port, availability_zone } = given;
    if group.target_type == "instance" {
        // There are no instances.
        let message =
            format!("The following targets are not in a running state and cannot be registered: '{id}'");
        return Err(Refusal::new("InvalidTarget", message));
    }
    let Ok(address) = id.parse::<Ipv4Addr>() else {
        return Err(invalid(format!("The IP address '{id}' is not a valid IPv4 address")));
    };
    let availability_zone = match (cx.r.ec2.zone_of_address(&group.vpc_id, address), availability_zone) {
        (Some(zone), None) => zone,
        (Some(zone), Some(given)) if zone == given => zone,
        (Some(zone), Some(given)) => {
            return Err(invalid(format!(
                "The IP address '{id}' is within the VPC, and cannot have its Availability Zone overridden to \
                 '{given}' from '{zone}'"
            )));
        }
        (None, Some(given)) if given == "all" && is_private(address) => given,
        (None, None) if is_private(address) => {
            return Err(invalid(format!(
                "The Availability Zone is required for IP address '{id}' because it is not in the VPC"
            )));
        }
        (None, _) => {
            return Err(invalid(format!("The IP address '{id}' is outside the ranges that are allowed")));
        }
    };
    let port = port.unwrap_or(group.port);
    Ok(Target { availability_zone: Some(availability_zone), ..Target::new(id, port) })
}

fn is_private(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private() || (first == 100 && (64..128).contains(&second))
}

/// Targets that are deregistered drain for as long as the group's attribute says.
pub(super) fn deregister(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target_group_arn, targets): (String, Vec<Description>) =
        call.members(&["TargetGroupArn", "Targets"])?;
    let group = arns::find(cx.region, &cx.r.elbv2.target_groups, &target_group_arn)?;
    let delay = group.attributes.get("deregistration_delay.timeout_seconds");
    let seconds: f64 = delay.and_then(|delay| delay.parse().ok()).unwrap_or_default();
    let drains = !group.load_balancer_arns.is_empty();
    let until = cx.after(spread(seconds, seconds, seconds), &group.target_group_arn).filter(|_| drains);
    let group = arns::find_mut(cx.region, &mut cx.r.elbv2.target_groups, &target_group_arn)?;
    for Description { id, port, .. } in targets {
        let leaves = |target: &Target| target.id == id && port.is_none_or(|port| port == target.port);
        match until {
            None => group.targets.retain(|target| !leaves(target)),
            Some(_) => {
                let leaving = group.targets.iter_mut().filter(|target| leaves(target));
                leaving.for_each(|target| target.gone_at_millis = target.gone_at_millis.or(until));
            }
        }
    }
    Ok(json!({}))
}

pub(super) fn describe_health(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target_group_arn, targets): (String, Vec<Description>) =
        call.members(&["TargetGroupArn", "Targets"])?;
    let group = arns::find(cx.region, &cx.r.elbv2.target_groups, &target_group_arn)?;
    let descriptions: Vec<Value> = if targets.is_empty() {
        group.targets.iter().map(|target| health(group, target)).collect()
    } else {
        targets.iter().map(|asked| health_of(group, asked)).collect()
    };
    Ok(json!({"TargetHealthDescriptions": descriptions}))
}

fn health_of(group: &TargetGroup, asked: &Description) -> Value {
    let port = asked.port.unwrap_or(group.port);
    match group.targets.iter().find(|target| target.id == asked.id && target.port == port) {
        Some(target) => health(group, target),
        None => json!({
            "Target": {"Id": asked.id, "Port": port},
            "TargetHealth": {
                "State": "unused",
                "Reason": "Target.NotRegistered",
                "Description": "Target is not registered to the target group",
            },
        }),
    }
}

fn health(group: &TargetGroup, target: &Target) -> Value {
    let health = if target.gone_at_millis.is_some() {
        json!({
            "State": "draining",
            "Reason": "Target.DeregistrationInProgress",
            "Description": "Target deregistration is in progress",
        })
    } else if group.load_balancer_arns.is_empty() {
        json!({
            "State": "unused",
            "Reason": "Target.NotInUse",
            "Description": "Target group is not configured to receive traffic from the load balancer",
        })
    } else if target.is_unhealthy {
        json!({
            "State": "unhealthy",
            "Reason": "Target.FailedHealthChecks",
            "Description": "Health checks failed",
        })
    } else {
        json!({"State": "healthy"})
    };
    let port = match group.health_check.health_check_port.as_str() {
        "traffic-port" => target.port.to_string(),
        port => port.to_owned(),
    };
    json!({"Target": shown(target), "HealthCheckPort": port, "TargetHealth": health})
}
