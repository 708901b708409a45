//! Scalable targets.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DIMENSION, check_scope, forget, invalid, service_arn};
use crate::services::{
    ACCOUNT_ID, Answer, Call, Cx, Refusal, Spread, Table, Tagging, Tags, ecs, ensure, iam, page, spread,
    tag_map, tags, to_json,
};

/// The service to which the role of targets is linked.
const LINKED: &str = "ecs.application-autoscaling.amazonaws.com";
/// From the creation of that role until it may read alarms. Estimate.
const READS_ALARMS: Spread = spread(30.0, 20.0, 40.0);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    min_capacity: u32,
    max_capacity: u32,
    #[serde(rename = "RoleARN")]
    role_arn: String,
    creation_time: f64,
    suspended_state: Suspended,
    #[serde(rename = "ScalableTargetARN")]
    scalable_target_arn: String,
    #[serde(rename = "_tags")]
    pub(super) tags: Tags,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Suspended {
    #[serde(default)]
    dynamic_scaling_in_suspended: bool,
    #[serde(default)]
    dynamic_scaling_out_suspended: bool,
    #[serde(default)]
    scheduled_scaling_suspended: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Register {
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    min_capacity: Option<i64>,
    max_capacity: Option<i64>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    suspended_state: Option<Suspended>,
    tags: Option<Tags>,
}

/// Application Auto Scaling API Reference, RegisterScalableTarget: makes a target or changes what is said of one, and
/// brings the desired count of its service into its bounds.
pub(super) fn register(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Register = call.input()?;
    check_scope(&input.service_namespace, Some(&input.scalable_dimension))?;
    let resource = input.resource_id.clone();
    let service = service_arn(cx, &resource);
    if resource.split('/').count() != 3 || !cx.r.ecs.service_exists(&service) {
        return Err(invalid(format!("ECS service doesn't exist: {resource}")));
    }
    if input.role_arn.as_ref().is_some_and(|arn| cx.global.iam.role(arn).is_none()) {
        return Err(invalid("The role that is given does not exist."));
    }
    let before = cx.r.autoscaling.targets.get(&resource).cloned();
    let (min, max) = bounds(&input, before.as_ref())?;
    if input.role_arn.is_none() && !iam::State::usable_link(cx, LINKED) {
        return Err(invalid(format!("Unable to assume IAM role: {}", linked_role(cx))));
    }
    let target = match before {
        Some(before) => changed(before, input, min, max)?,
        None => made(cx, input, min, max)?,
    };

    let answer = json!({"ScalableTargetARN": target.scalable_target_arn});
    cx.r.autoscaling.targets.insert(resource, target);
    let current = cx.r.ecs.desired_count(&service).unwrap_or(min);
    if current != current.clamp(min, max) {
        ecs::set_desired_count(cx, &service, current.clamp(min, max));
    }
    Ok(answer)
}

/// The role that is linked to the service, which is made where it is not there.
fn linked_role(cx: &mut Cx<'_>) -> String {
    let linked = iam::State::link(cx, LINKED, None).map(|role| role.arn().to_owned());
    linked.unwrap_or_else(|| format!("arn:aws:iam::{ACCOUNT_ID}:role/aws-service-role/{LINKED}"))
}

/// Whether the role of a target may read alarms by now. CloudWatch learns of a new role later than Application Auto Scaling
/// itself (Application Auto Scaling API Reference, PutScalingPolicy and DescribeScalingPolicies,
/// `FailedResourceAccessException`).
pub(super) fn check_alarms_can_be_read(cx: &Cx<'_>, target: &Target) -> Result<(), Refusal> {
    let readable = |role: &iam::Role| {
        let millis = cx.latencies.millis(READS_ALARMS, role.arn());
        role.made_at_millis() + millis <= cx.now_millis
    };
    ensure(cx.latencies.are_off() || cx.global.iam.role(&target.role_arn).is_none_or(readable), || {
        Refusal::new(
            "FailedResourceAccessException",
            format!("Unable to retrieve alarms for scaling policies: {} cannot read them.", target.role_arn),
        )
    })
}

/// The bounds that are going to be: both must be given for a new target.
fn bounds(input: &Register, before: Option<&Target>) -> Result<(u32, u32), Refusal> {
    let one = |given: Option<i64>, before: Option<u32>, name: &str| match (given, before) {
        (Some(given), _) => u32::try_from(given).map_err(|_| invalid(format!("{name} must be 0 or more."))),
        (None, Some(before)) => Ok(before),
        (None, None) => Err(invalid(format!("{name} is required to register a scalable target."))),
    };
    let min = one(input.min_capacity, before.map(|before| before.min_capacity), "MinCapacity")?;
    let max = one(input.max_capacity, before.map(|before| before.max_capacity), "MaxCapacity")?;
    ensure(min <= max, || invalid("Maximum capacity cannot be less than minimum capacity."))?;
    Ok((min, max))
}

fn changed(before: Target, input: Register, min: u32, max: u32) -> Result<Target, Refusal> {
    if input.tags.is_some_and(|tags| !tags.is_empty()) {
        return Err(invalid("Tags can be given only when a target is made; use TagResource."));
    }
    Ok(Target {
        min_capacity: min,
        max_capacity: max,
        role_arn: input.role_arn.unwrap_or(before.role_arn),
        suspended_state: input.suspended_state.unwrap_or(before.suspended_state),
        ..before
    })
}

fn made(cx: &mut Cx<'_>, input: Register, min: u32, max: u32) -> Result<Target, Refusal> {
    let tags = tag_map(input.tags.unwrap_or_default(), invalid)?;
    // The role is AWS's own where the service has one (RegisterScalableTarget, `RoleARN`).
    let linked = linked_role(cx);
    let ids = &mut cx.r.autoscaling.ids;
    let id = format!("0ec5{:016x}{:016x}", ids.number(), ids.number());
    Ok(Target {
        service_namespace: input.service_namespace,
        resource_id: input.resource_id,
        scalable_dimension: input.scalable_dimension,
        min_capacity: min,
        max_capacity: max,
        role_arn: input.role_arn.unwrap_or(linked),
        creation_time: cx.now_seconds(),
        suspended_state: input.suspended_state.unwrap_or_default(),
        scalable_target_arn: cx.arn("application-autoscaling", &format!("scalable-target/{id}")),
        tags,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Describe {
    service_namespace: String,
    #[serde(default)]
    resource_ids: Vec<String>,
    scalable_dimension: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// Application Auto Scaling API Reference, DescribeScalableTargets. A resource that is not registered is left out.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Describe = call.input()?;
    check_scope(&input.service_namespace, input.scalable_dimension.as_deref())?;
    if input.scalable_dimension.is_some() && input.resource_ids.is_empty() {
        return Err(invalid("A scalable dimension is given together with resource ids."));
    }
    let wanted = |resource: &String| input.resource_ids.is_empty() || input.resource_ids.contains(resource);
    let targets = cx.r.autoscaling.targets.iter().filter(|(resource, _)| wanted(resource));
    let targets = targets.map(|(_, target)| to_json(target)).collect();
    let (targets, next) = paged(targets, input.max_results, input.next_token.as_deref())?;
    Ok(json!({"ScalableTargets": targets, "NextToken": next}))
}

/// Pages of 50, or of fewer (DescribeScalableTargets, `MaxResults`).
pub(super) fn paged<T>(
    items: Vec<T>,
    size: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let size = usize::try_from(size.unwrap_or(50)).ok().filter(|size| (1..=50).contains(size));
    let size = size.ok_or_else(|| invalid("MaxResults is 1 to 50."))?;
    let bad_token = || Refusal::new("InvalidNextTokenException", "The next token is invalid.");
    page(items, size, token).ok_or_else(bad_token)
}

pub(super) fn deregister(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (service_namespace, resource_id, scalable_dimension): (String, String, String) =
        call.members(&["ServiceNamespace", "ResourceId", "ScalableDimension"])?;
    check_scope(&service_namespace, Some(&scalable_dimension))?;
    cx.r.autoscaling.targets.find(&resource_id)?;
    forget(cx, &resource_id);
    Ok(json!({}))
}

/// Application Auto Scaling API Reference, TagResource, UntagResource and ListTagsForResource.
pub(super) const TAGS: Tagging = Tagging {
    members: &["Tags", "ResourceARN", "TagKeys"],
    takes_map: true,
    list: |tags| json!(tags),
    ..Tagging::new(
        |cx, arn| {
            let target =
                cx.r.autoscaling.targets.values_mut().find(|target| target.scalable_target_arn == arn);
            target.map(|target| &mut target.tags).ok_or_else(|| {
                let message = format!("No {DIMENSION} target was found with the ARN {arn}.");
                Refusal::new("ResourceNotFoundException", message)
            })
        },
        |given| tags(given, invalid),
        |_| Refusal::new("TooManyTagsException", "A scalable target can have 50 tags at most."),
    )
};
