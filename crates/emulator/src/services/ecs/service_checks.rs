//! What CreateService and UpdateService ask of a service.

use super::cluster::Cluster;
use super::service::Service;
use super::shapes::{
    AdvancedConfiguration, DeploymentConfiguration, DeploymentController, LifecycleHook, LoadBalancer,
    StrategyItem, check_strategy,
};
use super::task_definition::{TaskDefinition, is_role_arn};
use super::{client, invalid, lookup, network, not_modelled, routing};
use crate::services::{Cx, Refusal, ensure, refuse_if};

/// Who assumes the roles that ECS moves traffic and calls hooks with (ECS Developer Guide, "Amazon ECS infrastructure IAM
/// role for load balancers").
const ECS: &str = "ecs.amazonaws.com";

/// Checks a service as it is going to be.
pub(super) fn check(cx: &Cx<'_>, service: &Service) -> Result<(), Refusal> {
    let vpc = network::check(cx, Some(&service.network_configuration))?;
    platform(&service.platform_version)?;
    percents(service)?;
    strategy(&service.deployment_configuration)?;
    for hook in service.deployment_configuration.lifecycle_hooks.iter().flatten() {
        check_hook(cx, hook)?;
    }
    let definition = cx.r.ecs.task_definition(&service.task_definition);
    let definition = definition.ok_or_else(|| client("TaskDefinition not found."))?;
    load_balancers(cx, service, definition, &vpc)
}

/// Launch type or strategy: one of them, or the strategy of the cluster (ECS API Reference, CreateService).
pub(super) fn capacity(
    cluster: &Cluster,
    launch_type: Option<String>,
    strategy: Option<Vec<StrategyItem>>,
) -> Result<(Option<String>, Option<Vec<StrategyItem>>), Refusal> {
    let strategy = strategy.filter(|strategy| !strategy.is_empty());
    match (launch_type, strategy) {
        (Some(_), Some(_)) => Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )),
        (Some(kind), None) if kind == "FARGATE" => Ok((Some(kind), None)),
        (Some(_), None) => Err(not_modelled("launch types but FARGATE")),
        (None, Some(strategy)) => {
            check_strategy(&strategy, &cluster.capacity_providers)?;
            Ok((None, Some(strategy)))
        }
        (None, None) if cluster.default_capacity_provider_strategy.is_empty() => {
            // EC2 is what AWS takes then, which is of no use to a task definition for Fargate alone.
            Err(invalid("Task definition does not support launch_type EC2."))
        }
        (None, None) => Ok((None, Some(cluster.default_capacity_provider_strategy.clone()))),
    }
}

/// ECS Developer Guide, "Amazon ECS service quotas": 5000 tasks for a service.
pub(super) fn count(desired: i64) -> Result<u32, Refusal> {
    let count = u32::try_from(desired).ok().filter(|count| *count <= 5000);
    count.ok_or_else(|| invalid("The desired count is 0 to 5000."))
}

/// ECS API Reference, CreateService, `schedulingStrategy`: on Fargate there are no daemons.
pub(super) fn scheduling(strategy: Option<String>) -> Result<String, Refusal> {
    match strategy.as_deref() {
        None | Some("REPLICA") => Ok("REPLICA".to_owned()),
        Some(_) => Err(invalid("The daemon scheduling strategy is not supported for Fargate tasks.")),
    }
}

pub(super) fn controller(controller: DeploymentController) -> Result<DeploymentController, Refusal> {
    match controller.kind.as_str() {
        "ECS" => Ok(controller),
        _ => Err(not_modelled("deployment controllers but ECS")),
    }
}

/// ECS Developer Guide, "Fargate platform versions for Amazon ECS".
fn platform(version: &str) -> Result<(), Refusal> {
    match version {
        "LATEST" | "1.4.0" | "1.3.0" => Ok(()),
        other => Err(Refusal::new(
            "PlatformUnknownException",
            format!("The platform version {other} does not exist."),
        )),
    }
}

/// ECS API Reference, DeploymentConfiguration: room to deploy; and rebalancing needs room as well (ECS Developer Guide,
/// "Balancing an Amazon ECS service across Availability Zones").
fn percents(service: &Service) -> Result<(), Refusal> {
    let configuration = &service.deployment_configuration;
    let most = configuration.maximum_percent.unwrap_or(200);
    let least = configuration.minimum_healthy_percent.unwrap_or(100);
    if most < 100 || least > 100 {
        return Err(invalid("maximumPercent is 100 or more, and minimumHealthyPercent 100 or less."));
    }
    if (most, least) == (100, 100) {
        return Err(invalid(
            "maximumPercent and minimumHealthyPercent cannot both be 100, which blocks deployments.",
        ));
    }
    refuse_if(most == 100 && service.availability_zone_rebalancing == "ENABLED", || {
        invalid("Availability Zone rebalancing needs a maximumPercent above 100.")
    })
}

/// ECS API Reference, DeploymentConfiguration, LinearConfiguration, CanaryConfiguration, DeploymentAlarms.
fn strategy(configuration: &DeploymentConfiguration) -> Result<(), Refusal> {
    let strategy = configuration.strategy.as_deref().unwrap_or("ROLLING");
    let minutes = |minutes: u32| minutes <= 1440;
    if !configuration.bake_time_in_minutes.is_none_or(minutes) {
        return Err(invalid("bakeTimeInMinutes is 0 to 1440."));
    }
    if configuration.linear_configuration.is_some() && strategy != "LINEAR" {
        return Err(invalid("linearConfiguration is only valid with the strategy LINEAR."));
    }
    if configuration.canary_configuration.is_some() && strategy != "CANARY" {
        return Err(invalid("canaryConfiguration is only valid with the strategy CANARY."));
    }
    let in_tenths = |percent: f64| (percent * 10.0).fract().abs() < 1e-9;
    if let Some(linear) = &configuration.linear_configuration
        && !((3.0..=100.0).contains(&linear.step_percent)
            && in_tenths(linear.step_percent)
            && minutes(linear.step_bake_time_in_minutes))
    {
        return Err(invalid("A linear step is 3.0 to 100.0 percent, and bakes for 0 to 1440 minutes."));
    }
    if let Some(canary) = &configuration.canary_configuration
        && !((0.1..=100.0).contains(&canary.canary_percent)
            && in_tenths(canary.canary_percent)
            && minutes(canary.canary_bake_time_in_minutes))
    {
        return Err(invalid("A canary is 0.1 to 100.0 percent, and bakes for 0 to 1440 minutes."));
    }
    let alarms = configuration.alarms.as_ref().filter(|alarms| alarms.enable);
    refuse_if(alarms.is_some_and(|alarms| alarms.alarm_names.is_empty()), || {
        invalid("Deployment alarms that are enabled need the name of an alarm.")
    })
}

/// ECS API Reference, DeploymentLifecycleHook.
fn check_hook(cx: &Cx<'_>, hook: &LifecycleHook) -> Result<(), Refusal> {
    refuse_if(hook.target_type.as_deref() == Some("PAUSE"), || not_modelled("lifecycle hooks that pause"))?;
    let (Some(function), Some(role)) = (&hook.hook_target_arn, &hook.role_arn) else {
        return Err(invalid("A lifecycle hook needs hookTargetArn and roleArn."));
    };
    if hook.lifecycle_stages.as_ref().is_none_or(Vec::is_empty) {
        return Err(invalid("A lifecycle hook needs at least one lifecycle stage."));
    }
    if !lookup::function_exists(cx, function) {
        return Err(invalid(format!("The lifecycle hook target {function} is not a Lambda function.")));
    }
    assumable(cx, role)
}

fn load_balancers(
    cx: &Cx<'_>,
    service: &Service,
    definition: &TaskDefinition,
    vpc: &str,
) -> Result<(), Refusal> {
    let balancers = &service.load_balancers;
    if balancers.is_empty() && service.health_check_grace_period_seconds.is_some() {
        return Err(invalid(
            "Health check grace period is only valid for services configured to use load balancers.",
        ));
    }
    refuse_if(balancers.len() > 5, || invalid("A service can use 5 target groups at most."))?;
    for balancer in balancers {
        target_group(cx, &balancer.target_group_arn, vpc)?;
        container(balancer, definition)?;
        match &balancer.advanced_configuration {
            Some(advanced) => check_advanced(cx, balancer, advanced, vpc)?,
            None if service.deployment_configuration.shifts_traffic() => {
                let strategy = service.deployment_configuration.strategy.as_deref().unwrap_or_default();
                return Err(invalid(format!(
                    "advancedConfiguration field is required for all loadBalancers when using a {strategy} deployment strategy."
                )));
            }
            None => {}
        }
    }
    Ok(())
}

/// ECS Developer Guide, "Use load balancing to distribute Amazon ECS service traffic": of type `ip` for Fargate, behind a
/// load balancer, in the VPC of the tasks.
fn target_group(cx: &Cx<'_>, arn: &str, vpc: &str) -> Result<(), Refusal> {
    let Some(group) = routing::target_group(cx, arn) else {
        return Err(invalid(format!(
            "Unable to assume role and validate the specified targetGroupArn {arn}. Please verify that it exists."
        )));
    };
    if group.target_type != "ip" {
        return Err(invalid(format!(
            "The provided target group {arn} has target type {}, which is incompatible with the awsvpc network mode \
             specified in the task definition.",
            group.target_type
        )));
    }
    if !group.has_load_balancer {
        return Err(invalid(format!(
            "The target group with targetGroupArn {arn} does not have an associated load balancer."
        )));
    }
    refuse_if(group.vpc_id != vpc, || {
        invalid(format!("The target group {arn} is not in the VPC of the subnets."))
    })
}

/// ECS API Reference, LoadBalancer, `containerName` and `containerPort`.
fn container(balancer: &LoadBalancer, definition: &TaskDefinition) -> Result<(), Refusal> {
    let LoadBalancer { container_name, container_port, .. } = balancer;
    match definition.container(container_name) {
        None => {
            Err(invalid(format!("The container {container_name} does not exist in the task definition.")))
        }
        Some(container) if !container.has_port(*container_port) => Err(invalid(format!(
            "The container {container_name} did not have a container port {container_port} defined."
        ))),
        Some(_) => Ok(()),
    }
}

/// ECS Developer Guide, "Troubleshooting Amazon ECS blue/green deployments", the errors of the synchronous path.
fn check_advanced(
    cx: &Cx<'_>,
    balancer: &LoadBalancer,
    advanced: &AdvancedConfiguration,
    vpc: &str,
) -> Result<(), Refusal> {
    let AdvancedConfiguration {
        alternate_target_group_arn,
        production_listener_rule,
        test_listener_rule,
        role_arn,
    } = advanced;
    let needed = |name: &str| invalid(format!("advancedConfiguration needs {name}."));
    let alternate = alternate_target_group_arn.as_ref().ok_or_else(|| needed("alternateTargetGroupArn"))?;
    let production = production_listener_rule.as_ref().ok_or_else(|| needed("productionListenerRule"))?;
    let role = role_arn.as_ref().ok_or_else(|| needed("roleArn"))?;
    if *alternate == balancer.target_group_arn {
        return Err(invalid("alternateTargetGroupArn must not be the target group itself."));
    }
    target_group(cx, alternate, vpc)?;
    let rules =
        [("productionListenerRule", Some(production)), ("testListenerRule", test_listener_rule.as_ref())];
    for (name, rule) in rules {
        let Some(rule) = rule else { continue };
        if !routing::is_rule_arn(rule) {
            return Err(invalid(format!(
                "{name} has an invalid ARN format. Must be RuleArn for ALB. Got: {rule}"
            )));
        }
        ensure(routing::rule_exists(cx, rule), || invalid(format!("{name} {rule} does not exist.")))?;
    }
    if test_listener_rule.as_ref() == Some(production) {
        return Err(invalid(format!(
            "The following rules cannot be used as both production and test listener rules: {production}"
        )));
    }
    assumable(cx, role)
}

fn assumable(cx: &Cx<'_>, role: &str) -> Result<(), Refusal> {
    let is_fine = is_role_arn(role) && cx.global.iam.assumable(role, ECS, cx.now_millis).is_ok();
    ensure(is_fine, || {
        invalid(format!(
            "Unable to assume role {role}. Please verify that the role exists and that its trust policy allows {ECS}."
        ))
    })
}
