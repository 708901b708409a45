//! UpdateService, and other ways to change how many tasks a service runs.

use serde::Deserialize;

use super::service::{self, Service};
use super::shapes::{
    DeploymentConfiguration, DeploymentController, LoadBalancer, NetworkConfiguration, StrategyItem,
};
use super::{rollout, routing, service_checks};
use crate::services::{Answer, Call, Cx, Refusal, ensure};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Update {
    cluster: Option<String>,
    service: String,
    desired_count: Option<i64>,
    task_definition: Option<String>,
    capacity_provider_strategy: Option<Vec<StrategyItem>>,
    deployment_configuration: Option<DeploymentConfiguration>,
    availability_zone_rebalancing: Option<String>,
    network_configuration: Option<NetworkConfiguration>,
    platform_version: Option<String>,
    #[serde(default)]
    force_new_deployment: bool,
    health_check_grace_period_seconds: Option<u32>,
    deployment_controller: Option<DeploymentController>,
    enable_execute_command: Option<bool>,
    #[serde(rename = "enableECSManagedTags")]
    enable_ecs_managed_tags: Option<bool>,
    load_balancers: Option<Vec<LoadBalancer>>,
    propagate_tags: Option<String>,
}

/// ECS API Reference, UpdateService: a change of what tasks are made from is deployed, any other is only noted.
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut input: Update = call.input()?;
    let cluster = cx.r.ecs.active_cluster(input.cluster.as_deref())?.cluster_arn.clone();
    let before = cx.r.ecs.service(&cluster, &input.service)?.clone();
    ensure(before.is_active(), || Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."))?;
    if let Some(controller) = input.deployment_controller.take() {
        service_checks::controller(controller)?;
    }
    let force = input.force_new_deployment;
    let mut after = input.apply(cx, before.clone())?;
    service_checks::check(cx, &after)?;

    let arn = before.service_arn.clone();
    let deploys = force || !after.runs_like(&before);
    let desired = after.desired_count;
    after.stale = before.stale(cx).filter(|_| deploys);
    move_groups(cx, &before, &after);
    cx.r.ecs.services.insert(arn.clone(), after);
    if deploys {
        rollout::start(cx, &arn);
    } else if desired != before.desired_count {
        rollout::rescale(cx, &arn);
    }
    Ok(service::answer(cx, &arn, true))
}

impl Update {
    /// The service as it is going to be.
    fn apply(self, cx: &Cx<'_>, mut service: Service) -> Result<Service, Refusal> {
        let state = &cx.r.ecs;
        if let Some(desired) = self.desired_count {
            service.desired_count = service_checks::count(desired)?;
        }
        if let Some(name) = &self.task_definition {
            let arn = state.task_definition(name).map(|definition| definition.task_definition_arn.clone());
            // What it uses already may be inactive (ECS API Reference, DeregisterTaskDefinition).
            if arn.as_ref() != Some(&service.task_definition) {
                service.task_definition = state.usable_task_definition(name)?.task_definition_arn.clone();
            }
        }
        // An empty list leads back to the launch type (ECS API Reference, UpdateService, `capacityProviderStrategy`).
        let back = |strategy: &Vec<StrategyItem>| strategy.is_empty();
        if self.capacity_provider_strategy.as_ref().is_some_and(back) {
            service.launch_type = Some("FARGATE".to_owned());
            service.capacity_provider_strategy = None;
        } else if let Some(strategy) = self.capacity_provider_strategy {
            let cluster = state.present_cluster(&service.cluster_arn)?;
            (service.launch_type, service.capacity_provider_strategy) =
                service_checks::capacity(cluster, None, Some(strategy))?;
        }
        if let Some(configuration) = self.deployment_configuration {
            service.deployment_configuration = changed(service.deployment_configuration, configuration);
        }
        let Update { network_configuration, platform_version, load_balancers, propagate_tags, .. } = self;
        service.network_configuration = network_configuration.unwrap_or(service.network_configuration);
        service.platform_version = platform_version.unwrap_or(service.platform_version);
        service.load_balancers = load_balancers.unwrap_or(service.load_balancers);
        service.propagate_tags = propagate_tags.unwrap_or(service.propagate_tags);
        service.availability_zone_rebalancing =
            self.availability_zone_rebalancing.unwrap_or(service.availability_zone_rebalancing);
        service.health_check_grace_period_seconds =
            self.health_check_grace_period_seconds.or(service.health_check_grace_period_seconds);
        service.enable_execute_command =
            self.enable_execute_command.unwrap_or(service.enable_execute_command);
        service.enable_ecs_managed_tags =
            self.enable_ecs_managed_tags.unwrap_or(service.enable_ecs_managed_tags);
        Ok(service)
    }
}

/// A configuration with changes. What belongs to another strategy does not stay.
fn changed(before: DeploymentConfiguration, by: DeploymentConfiguration) -> DeploymentConfiguration {
    let (linear, canary) = (by.linear_configuration.is_some(), by.canary_configuration.is_some());
    let mut after = before.with(by);
    if !linear && after.strategy.as_deref() != Some("LINEAR") {
        after.linear_configuration = None;
    }
    if !canary && after.strategy.as_deref() != Some("CANARY") {
        after.canary_configuration = None;
    }
    after
}

/// Target groups that the service takes up and gives up.
fn move_groups(cx: &mut Cx<'_>, before: &Service, after: &Service) {
    let (old, new) = (before.target_groups(), after.target_groups());
    for group in old.iter().filter(|group| !new.contains(group)) {
        routing::release_group(cx, group, &before.service_arn);
    }
    for group in new.iter().filter(|group| !old.contains(group)) {
        routing::use_group(cx, group, &after.service_arn);
    }
}
