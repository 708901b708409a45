//! Load balancers as ECS deals with them: target groups that tasks register with, rules whose weights move.

use std::net::Ipv4Addr;

use crate::services::Cx;

/// What ECS must know of a target group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) target_type: String,
    pub(super) vpc_id: String,
    pub(super) has_load_balancer: bool,
}

/// A target group.
pub(super) fn target_group(cx: &Cx<'_>, arn: &str) -> Option<Group> {
    let group = cx.r.elbv2.target_group(arn)?;
    Some(Group {
        target_type: group.target_type.clone(),
        vpc_id: group.vpc_id.clone(),
        has_load_balancer: !group.load_balancer_arns.is_empty(),
    })
}

/// Whether the load balancers of a target group pass requests on to it.
pub(super) fn is_served(cx: &Cx<'_>, group: &str) -> bool {
    let group = cx.r.elbv2.target_group(group);
    let mut load_balancers = group.iter().flat_map(|group| &group.load_balancer_arns);
    load_balancers
        .all(|arn| cx.r.elbv2.load_balancer(arn).is_some_and(|load_balancer| load_balancer.is_active()))
}

/// Whether there is such a rule.
pub(super) fn rule_exists(cx: &Cx<'_>, arn: &str) -> bool {
    cx.r.elbv2.listener_rule(arn).is_some()
}

/// Whether a rule forwards to a target group, with any weight.
pub(super) fn rule_forwards_to(cx: &Cx<'_>, rule: &str, group: &str) -> bool {
    cx.r.elbv2.rule_forwards_to(rule, group)
}

/// Sets the weights with which a rule forwards.
pub(super) fn set_weights(cx: &mut Cx<'_>, rule: &str, weights: &[(&str, u32)]) {
    cx.r.elbv2.set_rule_weights(rule, weights);
}

/// A task begins to serve, or fails the health checks of the group.
pub(super) fn register(cx: &mut Cx<'_>, group: &str, address: Ipv4Addr, port: u16, is_healthy: bool) {
    cx.r.elbv2.register_ip(group, &address.to_string(), port, is_healthy);
}

/// For how many seconds health checks of a group fail until a target is unhealthy.
pub(super) fn seconds_until_unhealthy(cx: &Cx<'_>, group: &str) -> u32 {
    let check = cx.r.elbv2.target_group(group).map(|group| &group.health_check);
    check.map_or(0, |check| {
        check.health_check_interval_seconds.saturating_mul(check.unhealthy_threshold_count)
    })
}

/// A task stops serving.
pub(super) fn deregister(cx: &mut Cx<'_>, group: &str, address: Ipv4Addr, port: u16) {
    cx.r.elbv2.deregister_ip(group, &address.to_string(), port);
}

/// For how many seconds a target that leaves a group is drained.
pub(super) fn deregistration_delay(cx: &Cx<'_>, group: &str) -> u32 {
    let group = cx.r.elbv2.target_group(group);
    let delay = group.and_then(|group| group.attributes.get("deregistration_delay.timeout_seconds"));
    delay.and_then(|delay| delay.parse().ok()).unwrap_or_default()
}

/// A service begins to use a group.
pub(super) fn use_group(cx: &mut Cx<'_>, group: &str, service: &str) {
    cx.r.elbv2.use_target_group(group, service);
}

/// A service uses a group no more.
pub(super) fn release_group(cx: &mut Cx<'_>, group: &str, service: &str) {
    cx.r.elbv2.release_target_group(group, service);
}

/// Whether an ARN is that of a rule of an Application Load Balancer.
pub(super) fn is_rule_arn(arn: &str) -> bool {
    arn.starts_with("arn:aws:elasticloadbalancing:") && arn.contains(":listener-rule/app/")
}
