//! Target tracking policies.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::alarms::{self, Alarm};
use super::target::{check_alarms_can_be_read, paged};
use super::{check_scope, invalid, service_arn};
use crate::services::{Answer, Call, Cx, Refusal, Table, ensure, to_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy {
    #[serde(rename = "PolicyARN")]
    pub(super) policy_arn: String,
    pub(super) policy_name: String,
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    policy_type: String,
    target_tracking_scaling_policy_configuration: TargetTracking,
    pub(super) alarms: Vec<Alarm>,
    creation_time: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct TargetTracking {
    pub(super) target_value: f64,
    predefined_metric_specification: Option<Predefined>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_out_cooldown: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_in_cooldown: Option<u32>,
    #[serde(default)]
    pub(super) disable_scale_in: bool,
}

impl TargetTracking {
    pub(super) fn metric(&self) -> &Predefined {
        self.predefined_metric_specification.as_ref().expect("a policy without a metric is refused")
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(super) struct Predefined {
    pub(super) predefined_metric_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_label: Option<String>,
}

impl Predefined {
    /// What its label names, each as the metrics of load balancers do: `app/NAME/ID` and `targetgroup/NAME/ID`.
    pub(super) fn load_balancer_and_target_group(&self) -> Option<(&str, &str)> {
        let label = self.resource_label.as_ref()?;
        let at = label.find("/targetgroup/")?;
        let (load_balancer, group) = (&label[..at], &label[at + 1..]);
        let is_full =
            |text: &str| text.split('/').count() == 3 && text.split('/').all(|part| !part.is_empty());
        (load_balancer.starts_with("app/") && is_full(load_balancer) && is_full(group))
            .then_some((load_balancer, group))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Put {
    policy_name: String,
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    policy_type: Option<String>,
    target_tracking_scaling_policy_configuration: Option<TargetTracking>,
}

/// Application Auto Scaling API Reference, PutScalingPolicy: makes a policy or replaces what one says; ARN and alarms stay.
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Put = call.input()?;
    check_scope(&input.service_namespace, Some(&input.scalable_dimension))?;
    let (resource, name) = (input.resource_id, input.policy_name);
    check_alarms_can_be_read(cx, cx.r.autoscaling.targets.find(&resource)?)?;
    if input.policy_type.as_deref() != Some("TargetTrackingScaling") {
        return Err(Refusal::new(
            "UnknownParameter",
            "The emulator models target tracking policies alone (PolicyType).",
        ));
    }
    let configuration = input.target_tracking_scaling_policy_configuration;
    let configuration =
        configuration.ok_or_else(|| invalid("TargetTrackingScalingPolicyConfiguration is missing."))?;
    check(cx, &resource, &configuration)?;
    let before = cx.r.autoscaling.policies.get(&resource).and_then(|policies| policies.get(&name)).cloned();
    // Application Auto Scaling User Guide, "Quotas for Application Auto Scaling": 50 policies for a target.
    let count = cx.r.autoscaling.policies.get(&resource).map_or(0, |policies| policies.len());
    if before.is_none() && count >= 50 {
        return Err(Refusal::new(
            "LimitExceededException",
            "A scalable target can have 50 policies at most.",
        ));
    }

    let policy = match before {
        Some(before) => Policy { target_tracking_scaling_policy_configuration: configuration, ..before },
        None => made(cx, &resource, &name, configuration),
    };
    let tracking = &policy.target_tracking_scaling_policy_configuration;
    let alarms = alarms::keep(cx, &policy.policy_arn, &resource, tracking, &policy.alarms);
    let policy = Policy { alarms, ..policy };
    let answer = json!({"PolicyARN": policy.policy_arn, "Alarms": policy.alarms});
    cx.r.autoscaling.policies.entry(resource).or_default().insert(name, policy);
    Ok(answer)
}

/// Application Auto Scaling API Reference, TargetTrackingScalingPolicyConfiguration and PredefinedMetricSpecification: a
/// metric of ECS, and the label of a target group if it is the one of target groups.
fn check(cx: &Cx<'_>, resource: &str, configuration: &TargetTracking) -> Result<(), Refusal> {
    let Some(metric) = &configuration.predefined_metric_specification else {
        return Err(invalid("A predefined metric must be given."));
    };
    if configuration.target_value <= 0.0 {
        return Err(invalid("The target value of these metrics is above 0."));
    }
    let kind = metric.predefined_metric_type.as_str();
    match (kind, &metric.resource_label) {
        ("ECSServiceAverageCPUUtilization" | "ECSServiceAverageMemoryUtilization", None) => Ok(()),
        ("ECSServiceAverageCPUUtilization" | "ECSServiceAverageMemoryUtilization", Some(_)) => {
            Err(invalid(format!("A resource label cannot be given with {kind}.")))
        }
        ("ALBRequestCountPerTarget", _) => check_label(cx, resource, metric),
        (kind, _) if kind.ends_with("HighResolution") => {
            Err(Refusal::new("UnknownParameter", format!("The emulator does not model the metric {kind}.")))
        }
        _ => Err(invalid(format!("{kind} is not a metric of ECS services."))),
    }
}

fn check_label(cx: &Cx<'_>, resource: &str, metric: &Predefined) -> Result<(), Refusal> {
    if metric.load_balancer_and_target_group().is_none() {
        return Err(invalid(
            "ALBRequestCountPerTarget needs a resource label of the form app/NAME/ID/targetgroup/NAME/ID.",
        ));
    }
    ensure(cx.r.ecs.has_target_group(&service_arn(cx, resource)), || {
        invalid("A resource label needs a target group that is attached to the ECS service.")
    })
}

fn made(cx: &mut Cx<'_>, resource: &str, name: &str, configuration: TargetTracking) -> Policy {
    let id = cx.r.autoscaling.ids.uuid();
    let path = format!("scalingPolicy:{id}:resource/ecs/{resource}:policyName/{name}");
    Policy {
        policy_arn: cx.arn("autoscaling", &path),
        policy_name: name.to_owned(),
        service_namespace: "ecs".to_owned(),
        resource_id: resource.to_owned(),
        scalable_dimension: super::DIMENSION.to_owned(),
        policy_type: "TargetTrackingScaling".to_owned(),
        target_tracking_scaling_policy_configuration: configuration,
        alarms: Vec::new(),
        creation_time: cx.now_seconds(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Describe {
    #[serde(default)]
    policy_names: Vec<String>,
    service_namespace: String,
    resource_id: Option<String>,
    scalable_dimension: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// Application Auto Scaling API Reference, DescribeScalingPolicies.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Describe = call.input()?;
    check_scope(&input.service_namespace, input.scalable_dimension.as_deref())?;
    if input.scalable_dimension.is_some() && input.resource_id.is_none() {
        return Err(invalid("A scalable dimension is given together with a resource id."));
    }
    let state = &cx.r.autoscaling;
    let resources = state
        .policies
        .iter()
        .filter(|(resource, _)| input.resource_id.as_ref().is_none_or(|id| id == *resource));
    let policies = resources.flat_map(|(_, policies)| policies.values());
    let wanted = |name: &String| input.policy_names.is_empty() || input.policy_names.contains(name);
    let policies: Vec<&Policy> = policies.filter(|policy| wanted(&policy.policy_name)).collect();
    for policy in &policies {
        check_alarms_can_be_read(cx, state.targets.find(&policy.resource_id)?)?;
    }
    let policies = policies.into_iter().map(to_json).collect();
    let (policies, next) =
        paged::<serde_json::Value>(policies, input.max_results, input.next_token.as_deref())?;
    Ok(json!({"ScalingPolicies": policies, "NextToken": next}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Delete {
    policy_name: String,
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
}

/// Application Auto Scaling API Reference, DeleteScalingPolicy.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Delete { policy_name, service_namespace, resource_id, scalable_dimension } = call.input()?;
    check_scope(&service_namespace, Some(&scalable_dimension))?;
    let policies = cx.r.autoscaling.policies.get_mut(&resource_id);
    match policies.and_then(|policies| policies.remove(&policy_name)) {
        Some(policy) => {
            alarms::forget(cx, &policy.alarms);
            Ok(json!({}))
        }
        None => {
            let message =
                format!("No scaling policy found for resource ID: {resource_id}, policy name: {policy_name}");
            Err(Refusal::new("ObjectNotFoundException", message))
        }
    }
}
