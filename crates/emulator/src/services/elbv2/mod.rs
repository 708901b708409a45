//! Elastic Load Balancing, version 2: application load balancers.
//!
//! One record for each object ([`records`]), whose JSON is what DescribeLoadBalancers and the like answer. A listener's
//! default actions are kept by its default rule, so that there is one place where a rule's actions are; which load
//! balancer a target group belongs to follows from the rules ([`State::relink`]).

mod actions;
mod arns;
mod attributes;
mod conditions;
mod forwarding;
mod listener;
mod load_balancer;
mod log_bucket;
mod network;
mod pages;
mod records;
mod regions;
mod rule;
mod security_policies;
mod tags;
mod target_group;
mod targets;
mod tls;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::records::{Listener, WeightedGroup};
pub(crate) use self::records::{LoadBalancer, Rule, Target, TargetGroup};
use super::{
    Answer, Api, Call, Cx, IdSource, Interface, Limit, Object, Refusal, ServiceLimits, Spread, rate,
    refusals, spread, unknown_operation,
};

/// From `provisioning` to `active`: nine load balancers in logs of real deployments.
const PROVISIONING: Spread = spread(148.0, 135.0, 187.0);
/// How long the network interfaces of a deleted load balancer stay: typical from such logs, range estimated.
const LINGERING: Spread = spread(36.0, 20.0, 60.0);

/// The service in one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    load_balancers: BTreeMap<String, LoadBalancer>,
    target_groups: BTreeMap<String, TargetGroup>,
    listeners: BTreeMap<String, Listener>,
    rules: BTreeMap<String, Rule>,
    /// Interfaces that are no longer used and not yet gone.
    lingering: Vec<Lingering>,
}

/// An interface, and until when it stays, in milliseconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
struct Lingering {
    until_millis: i64,
    interface: Interface,
}

refusals! {
    invalid: "ValidationError";
    wrong_configuration: "InvalidConfigurationRequest";
}

/// A choice that AWS has and the emulator has not.
fn not_modelled(what: &str) -> Refusal {
    Refusal::new("UnknownParameter", format!("The emulator does not model {what}."))
}

impl Api for State {
    const INVALID: &'static str = "ValidationError";
    // AWS General Reference, "Elastic Load Balancing endpoints and quotas", "API throttling".
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["RegisterTargets", "DeregisterTargets"], rate(20.0, 4.0)),
        Limit::of(
            &[
                "ModifyListener",
                "ModifyListenerAttributes",
                "ModifyLoadBalancerAttributes",
                "ModifyRule",
                "ModifyTargetGroup",
                "ModifyTargetGroupAttributes",
            ],
            rate(20.0, 3.0),
        ),
    ])
    .in_all(rate(40.0, 10.0));
    // From logs of real deployments; those of rules are estimates.
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("DeleteLoadBalancer", spread(5.0, 2.0, 16.0)),
        ("CreateTargetGroup", spread(1.0, 1.0, 2.0)),
        ("DeleteTargetGroup", spread(1.0, 0.5, 1.0)),
        ("CreateListener", spread(1.0, 0.5, 3.0)),
        ("DeleteListener", spread(1.0, 0.5, 1.0)),
        ("CreateRule", spread(0.5, 0.3, 1.0)),
        ("DeleteRule", spread(0.5, 0.3, 1.0)),
    ];

    fn new(ids: IdSource, _region: &str) -> Self {
        State {
            ids,
            load_balancers: BTreeMap::new(),
            target_groups: BTreeMap::new(),
            listeners: BTreeMap::new(),
            rules: BTreeMap::new(),
            lingering: Vec::new(),
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateLoadBalancer" => load_balancer::create(cx, call),
            "DescribeLoadBalancers" => load_balancer::describe(cx, call),
            "DeleteLoadBalancer" => load_balancer::delete(cx, call),
            "SetSecurityGroups" => load_balancer::set_security_groups(cx, call),
            "SetSubnets" => load_balancer::set_subnets(cx, call),
            "SetIpAddressType" => load_balancer::set_ip_address_type(cx, call),
            "ModifyLoadBalancerAttributes" => load_balancer::modify_attributes(cx, call),
            "DescribeLoadBalancerAttributes" => load_balancer::describe_attributes(cx, call),
            "DescribeCapacityReservation" => load_balancer::describe_capacity(cx, call),

            "CreateTargetGroup" => target_group::create(cx, call),
            "DescribeTargetGroups" => target_group::describe(cx, call),
            "ModifyTargetGroup" => target_group::modify(cx, call),
            "DeleteTargetGroup" => target_group::delete(cx, call),
            "ModifyTargetGroupAttributes" => target_group::modify_attributes(cx, call),
            "DescribeTargetGroupAttributes" => target_group::describe_attributes(cx, call),
            "RegisterTargets" => targets::register(cx, call),
            "DeregisterTargets" => targets::deregister(cx, call),
            "DescribeTargetHealth" => targets::describe_health(cx, call),

            "CreateListener" => listener::create(cx, call),
            "DescribeListeners" => listener::describe(cx, call),
            "ModifyListener" => listener::modify(cx, call),
            "DeleteListener" => listener::delete(cx, call),
            "ModifyListenerAttributes" => listener::modify_attributes(cx, call),
            "DescribeListenerAttributes" => listener::describe_attributes(cx, call),
            "DescribeListenerCertificates" => listener::describe_certificates(cx, call),

            "CreateRule" => rule::create(cx, call),
            "DescribeRules" => rule::describe(cx, call),
            "ModifyRule" => rule::modify(cx, call),
            "DeleteRule" => rule::delete(cx, call),
            "SetRulePriorities" => rule::set_priorities(cx, call),

            "DescribeSSLPolicies" => security_policies::describe(call),

            "AddTags" => tags::add(cx, call),
            "RemoveTags" => tags::remove(cx, call),
            "DescribeTags" => tags::describe(cx, call),

            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let now = cx.now_millis;
        let state = &mut cx.r.elbv2;
        state.lingering.retain(|lingering| lingering.until_millis > now);
        for load_balancer in state.load_balancers.values_mut() {
            load_balancer.settle(now);
        }
        for group in state.target_groups.values_mut() {
            group.targets.retain(|target| target.gone_at_millis.is_none_or(|at| at > now));
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let object = |kind: &str, arn: &str, tags: &super::support::Tags| {
            let kind = format!("AWS::ElasticLoadBalancingV2::{kind}");
            Object::new("elasticloadbalancing", home, &kind, arn, tags.clone())
        };
        let mut objects = Vec::new();
        objects.extend(self.load_balancers.values().map(|load_balancer| {
            object("LoadBalancer", &load_balancer.load_balancer_arn, &load_balancer.tags)
                .named(&load_balancer.load_balancer_name)
        }));
        objects.extend(self.target_groups.values().map(|group| {
            object("TargetGroup", &group.target_group_arn, &group.tags).named(&group.target_group_name)
        }));
        objects.extend(self.listeners.values().map(|listener| {
            object("Listener", &listener.listener_arn, &listener.tags).part_of(&listener.load_balancer_arn)
        }));
        objects.extend(self.rules.values().map(|rule| {
            object("ListenerRule", &rule.rule_arn, &rule.tags)
                .part_of(&rule.listener_arn)
                .by_default(rule.is_default)
        }));
        objects
    }

    fn interfaces(&self) -> Vec<Interface> {
        let used = self.load_balancers.values().flat_map(|load_balancer| &load_balancer.interfaces);
        used.chain(self.lingering.iter().map(|lingering| &lingering.interface)).cloned().collect()
    }
}

/// What other services ask and do.
impl State {
    pub(crate) fn load_balancer(&self, arn: &str) -> Option<&LoadBalancer> {
        self.load_balancers.get(arn)
    }

    pub(crate) fn target_group(&self, arn: &str) -> Option<&TargetGroup> {
        self.target_groups.get(arn)
    }

    pub(crate) fn listener_rule(&self, arn: &str) -> Option<&Rule> {
        self.rules.get(arn)
    }

    /// Whether a rule names a target group, whatever the weight.
    pub(crate) fn rule_forwards_to(&self, rule_arn: &str, target_group_arn: &str) -> bool {
        self.rules.get(rule_arn).is_some_and(|rule| rule.target_groups().any(|arn| arn == target_group_arn))
    }

    /// Gives target groups of a rule new weights, as ECS does when it shifts traffic. Others keep theirs; one that the
    /// rule does not name yet is added, and the short form of the action goes.
    pub(crate) fn set_rule_weights(&mut self, rule_arn: &str, weights: &[(&str, u32)]) {
        let Some(rule) = self.rules.get_mut(rule_arn) else {
            return;
        };
        for action in &mut rule.actions {
            let Some(config) = &mut action.forward_config else { continue };
            for (arn, weight) in weights {
                let weight = Some(i64::from(*weight));
                match config.target_groups.iter_mut().find(|group| group.target_group_arn == *arn) {
                    Some(group) => group.weight = weight,
                    None => config
                        .target_groups
                        .push(WeightedGroup { target_group_arn: (*arn).to_owned(), weight }),
                }
            }
            if config.target_groups.len() > 1 {
                action.target_group_arn = None;
            }
        }
        self.relink();
    }

    /// Notes that a service of ECS registers its tasks with a target group. That does not keep the group (the API
    /// Reference's DeleteTargetGroup names listeners and rules only).
    pub(crate) fn use_target_group(&mut self, target_group_arn: &str, service_arn: &str) {
        if let Some(group) = self.target_groups.get_mut(target_group_arn) {
            group.used_by_services.insert(service_arn.to_owned());
        }
    }

    pub(crate) fn release_target_group(&mut self, target_group_arn: &str, service_arn: &str) {
        if let Some(group) = self.target_groups.get_mut(target_group_arn) {
            group.used_by_services.remove(service_arn);
        }
    }

    /// Registers a task's address.
    pub(crate) fn register_ip(&mut self, target_group_arn: &str, ip: &str, port: u16, is_healthy: bool) {
        if let Some(group) = self.target_groups.get_mut(target_group_arn) {
            group.register(Target { is_unhealthy: !is_healthy, ..Target::new(ip.to_owned(), port) });
        }
    }

    /// Takes a task's address out, without draining.
    pub(crate) fn deregister_ip(&mut self, target_group_arn: &str, ip: &str, port: u16) {
        if let Some(group) = self.target_groups.get_mut(target_group_arn) {
            group.targets.retain(|target| target.id != ip || target.port != port);
        }
    }
}

impl State {
    /// Brings every target group's load balancers up to date with the rules.
    fn relink(&mut self) {
        let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for rule in self.rules.values() {
            let Some(listener) = self.listeners.get(&rule.listener_arn) else {
                continue;
            };
            for group in rule.target_groups() {
                used.entry(group).or_default().insert(&listener.load_balancer_arn);
            }
        }
        for group in self.target_groups.values_mut() {
            let arns = used.get(group.target_group_arn.as_str()).into_iter().flatten();
            group.load_balancer_arns = arns.map(|arn| (*arn).to_owned()).collect();
        }
    }

    /// The 16 hexadecimal digits at the end of an ARN.
    fn arn_id(&mut self) -> String {
        format!("{:016x}", self.ids.number())
    }
}

/// The value of a record, as it is answered.
fn shown(record: &impl Serialize) -> Value {
    super::to_json(record)
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    fn record<R: DeserializeOwned>(value: Value) -> R {
        serde_json::from_value(value).expect("it is well formed")
    }

    /// A rule that forwards all to blue and nothing to green, and the target group blue.
    fn state() -> State {
        let mut state = State::new(IdSource::new(0, "ap-southeast-1"), "ap-southeast-1");
        let group = |arn: &str, weight: i64| json!({"TargetGroupArn": arn, "Weight": weight});
        let rule = json!({
            "RuleArn": "rule", "Priority": "1", "Conditions": [], "IsDefault": false, "_listenerArn": "listener",
            "_tags": {},
            "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": [group("blue", 100), group("green", 0)]}}],
        });
        state.rules.insert("rule".to_owned(), record(rule));
        let check = json!({
            "HealthCheckProtocol": "HTTP", "HealthCheckPort": "traffic-port", "HealthCheckEnabled": true,
            "HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 5,
            "UnhealthyThresholdCount": 2, "HealthCheckPath": "/", "Matcher": {},
        });
        let mut blue = json!({
            "TargetGroupArn": "blue", "TargetGroupName": "blue", "Protocol": "HTTP", "Port": 8080, "VpcId": "vpc",
            "LoadBalancerArns": [], "TargetType": "ip", "ProtocolVersion": "HTTP1", "IpAddressType": "ipv4",
            "_attributes": {}, "_tags": {}, "_targets": [], "_usedByServices": [],
        });
        for (name, value) in check.as_object().into_iter().flatten() {
            blue[name] = value.clone();
        }
        state.target_groups.insert("blue".to_owned(), record(blue));
        state
    }

    #[test]
    fn ecs_moves_the_weights_of_a_rule() {
        let mut state = state();
        assert!(state.rule_forwards_to("rule", "green") && !state.rule_forwards_to("rule", "red"));
        state.set_rule_weights("rule", &[("blue", 0), ("green", 100)]);
        let rule = state.listener_rule("rule").expect("it is there");
        let config = rule.actions[0].forward_config.as_ref().expect("it forwards");
        let weights: Vec<_> = config.target_groups.iter().map(|group| group.weight).collect();
        assert_eq!(weights, [Some(0), Some(100)]);
    }

    #[test]
    fn ecs_registers_tasks_and_takes_them_out() {
        let mut state = state();
        state.use_target_group("blue", "service");
        state.register_ip("blue", "10.0.0.1", 8080, true);
        state.register_ip("blue", "10.0.0.1", 8080, true);
        state.register_ip("blue", "10.0.0.2", 8080, true);
        state.deregister_ip("blue", "10.0.0.1", 8080);
        let group = state.target_group("blue").expect("it is there");
        let addresses: Vec<&str> = group.targets.iter().map(|target| target.id.as_str()).collect();
        assert_eq!((addresses, group.used_by_services.len()), (vec!["10.0.0.2"], 1));
        state.release_target_group("blue", "service");
        assert!(state.target_groups["blue"].used_by_services.is_empty());
    }
}
