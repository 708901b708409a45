//! Target tracking policies, each with the two alarms that AWS makes for it.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::target::paged;
use super::{check_scope, invalid, service_arn, view};
use crate::request::Call;
use crate::response::Refusal;
use crate::services::{Answer, Cx};

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
    alarms: Vec<Alarm>,
    creation_time: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct TargetTracking {
    target_value: f64,
    predefined_metric_specification: Option<Predefined>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_out_cooldown: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scale_in_cooldown: Option<u32>,
    #[serde(default)]
    disable_scale_in: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Predefined {
    predefined_metric_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_label: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Alarm {
    #[serde(rename = "AlarmName")]
    name: String,
    #[serde(rename = "AlarmARN")]
    arn: String,
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
    cx.r.autoscaling.target(&resource)?;
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
    let of_service = kind.starts_with("ECSServiceAverage");
    match (of_service, kind == "ALBRequestCountPerTarget", &metric.resource_label) {
        (true, _, None) => Ok(()),
        (true, _, Some(_)) => Err(invalid(format!("A resource label cannot be given with {kind}."))),
        (_, true, Some(label)) if is_label(label) => {
            match cx.r.ecs.has_target_group(&service_arn(cx, resource)) {
                true => Ok(()),
                false => {
                    Err(invalid("A resource label needs a target group that is attached to the ECS service."))
                }
            }
        }
        (_, true, _) => Err(invalid(format!(
            "{kind} needs a resource label of the form app/NAME/ID/targetgroup/NAME/ID."
        ))),
        _ => Err(invalid(format!("{kind} is not a metric of ECS services."))),
    }
}

fn is_label(label: &str) -> bool {
    let parts: Vec<&str> = label.split('/').collect();
    matches!(parts.as_slice(), ["app", name, id, "targetgroup", group, group_id]
        if [name, id, group, group_id].iter().all(|part| !part.is_empty()))
}

fn made(cx: &mut Cx<'_>, resource: &str, name: &str, configuration: TargetTracking) -> Policy {
    let id = cx.r.autoscaling.uuid();
    let path = format!("scalingPolicy:{id}:resource/ecs/{resource}:policyName/{name}");
    let alarms = ["AlarmHigh", "AlarmLow"].map(|which| alarm(cx, resource, which)).to_vec();
    Policy {
        policy_arn: cx.arn("autoscaling", &path),
        policy_name: name.to_owned(),
        service_namespace: "ecs".to_owned(),
        resource_id: resource.to_owned(),
        scalable_dimension: super::DIMENSION.to_owned(),
        policy_type: "TargetTrackingScaling".to_owned(),
        target_tracking_scaling_policy_configuration: configuration,
        alarms,
        creation_time: cx.now_seconds(),
    }
}

/// An alarm of a policy (Application Auto Scaling User Guide, "How target tracking scaling works").
// joined with monitoring at merge: the alarm is made, changed and deleted with its policy
fn alarm(cx: &mut Cx<'_>, resource: &str, which: &str) -> Alarm {
    let name = format!("TargetTracking-{resource}-{which}-{}", cx.r.autoscaling.uuid());
    Alarm { arn: cx.arn("cloudwatch", &format!("alarm:{name}")), name }
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
    let policies = policies.filter(|policy| wanted(&policy.policy_name)).map(view).collect();
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
        Some(_) => Ok(json!({})),
        None => {
            let message =
                format!("No scaling policy found for resource ID: {resource_id}, policy name: {policy_name}");
            Err(Refusal::new("ObjectNotFoundException", message))
        }
    }
}
