//! Application Auto Scaling, for the desired count of ECS services.
//!
//! Nothing scales by metrics, which the emulator does not have. What is modelled is what a deployment sees: targets with
//! their bounds, which the desired count is brought into, and policies with their alarms.

mod alarms;
mod policy;
mod target;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::policy::Policy;
use self::target::Target;
use super::{
    Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, kinds, rate, spread,
    unknown_operation,
};

/// The one dimension of ECS (Application Auto Scaling API Reference, RegisterScalableTarget, `ScalableDimension`).
const DIMENSION: &str = "ecs:service:DesiredCount";

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    /// By resource, such as `service/CLUSTER/SERVICE`.
    targets: BTreeMap<String, Target>,
    /// By resource, and by name.
    policies: BTreeMap<String, BTreeMap<String, Policy>>,
}

/// Application Auto Scaling API Reference, "ValidationException".
fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}

/// What ties a call to a scalable target, which only ECS services are.
fn check_scope(namespace: &str, dimension: Option<&str>) -> Result<(), Refusal> {
    match (namespace, dimension) {
        ("ecs", None | Some(DIMENSION)) => Ok(()),
        ("ecs", Some(other)) => {
            Err(invalid(format!("Unsupported service namespace, resource type or dimension: {other}.")))
        }
        (other, _) => Err(Refusal::new(
            "UnknownParameter",
            format!("The emulator does not model the namespace {other}."),
        )),
    }
}

impl Api for State {
    const INVALID: &'static str = "ValidationException";
    // Unpublished; the number is one that clients are known to live with.
    const LIMITS: ServiceLimits =
        ServiceLimits::each(&[Limit::reads(rate(20.0, 10.0)), Limit::any(rate(10.0, 5.0))]);
    // Measured with Terraform applies: below a second each.
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("RegisterScalableTarget", spread(0.7, 0.3, 2.0)),
        ("PutScalingPolicy", spread(0.7, 0.3, 2.0)),
        ("DeleteScalingPolicy", spread(0.5, 0.3, 1.0)),
        ("DeregisterScalableTarget", spread(0.5, 0.3, 1.0)),
    ];

    fn new(ids: IdSource, _region: &str) -> Self {
        State { ids, targets: BTreeMap::new(), policies: BTreeMap::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "RegisterScalableTarget" => target::register(cx, call),
            "DescribeScalableTargets" => target::describe(cx, call),
            "DeregisterScalableTarget" => target::deregister(cx, call),
            "TagResource" => target::TAGS.tag(cx, call),
            "UntagResource" => target::TAGS.untag(cx, call),
            "ListTagsForResource" => target::TAGS.list(cx, call),

            "PutScalingPolicy" => policy::put(cx, call),
            "DescribeScalingPolicies" => policy::describe(cx, call),
            "DeleteScalingPolicy" => policy::delete(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let object =
            |kind: &str, id: String, tags| Object::new("application-autoscaling", home, kind, id, tags);
        let id = |resource: &str| format!("{resource}|{DIMENSION}|ecs");
        let targets = self.targets.iter().map(|(resource, target)| {
            let kind = "AWS::ApplicationAutoScaling::ScalableTarget";
            object(kind, id(resource), target.tags.clone()).named(resource)
        });
        let policies = self.policies.iter().flat_map(|(resource, policies)| {
            policies.values().map(move |policy| {
                let kind = "AWS::ApplicationAutoScaling::ScalingPolicy";
                let policy_id = format!("{}|{DIMENSION}", policy.policy_arn);
                object(kind, policy_id, BTreeMap::new()).named(&policy.policy_name).part_of(id(resource))
            })
        });
        targets.chain(policies).collect()
    }
}

kinds! {
    Target: |resource| {
        let message = format!(
            "No scalable target found for service namespace: ecs, resource ID: {resource}, scalable dimension: {DIMENSION}"
        );
        Refusal::new("ObjectNotFoundException", message)
    };
}

/// A service is deleted: its target and the target's policies go with it, as clients report (eagletmt/hako, pull request
/// 69).
pub(crate) fn service_is_gone(cx: &mut Cx<'_>, service_arn: &str) {
    let resource = service_arn.splitn(6, ':').nth(5).unwrap_or_default();
    forget(cx, resource);
}

/// Removes a target with its policies and their alarms (Application Auto Scaling API Reference, DeregisterScalableTarget).
fn forget(cx: &mut Cx<'_>, resource: &str) {
    let state = &mut cx.r.autoscaling;
    state.targets.remove(resource);
    let policies = state.policies.remove(resource).unwrap_or_default();
    for policy in policies.into_values() {
        alarms::forget(cx, &policy.alarms);
    }
}

/// The ARN of the service that a resource is.
fn service_arn(cx: &Cx<'_>, resource: &str) -> String {
    cx.arn("ecs", resource)
}
