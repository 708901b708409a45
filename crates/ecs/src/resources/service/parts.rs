//! The parts of a service's properties: where its tasks are, what sends them requests, how it is deployed.

use aws::{ListenerRuleArn, RoleArn, SecurityGroupId, SubnetId, TargetGroupArn, count, in_order_of, number};
use aws_sdk_ecs::types::{
    AdvancedConfiguration as AdvancedForCall, AssignPublicIp, AwsVpcConfiguration as VpcForCall,
    DeploymentAlarms as AlarmsForCall, DeploymentCircuitBreaker,
    DeploymentConfiguration as ConfigurationForCall, DeploymentLifecycleHook as HookForCall,
    DeploymentStrategy, LoadBalancer as BalancerForCall, NetworkConfiguration as NetworkForCall,
};
use engine::{Declared, Resolved, Stage};
use serde::{Deserialize, Serialize};

/// Where tasks are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkConfiguration<S: Stage = Declared> {
    /// Their network interfaces.
    pub awsvpc_configuration: AwsvpcConfiguration<S>,
}

/// The network interfaces of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct AwsvpcConfiguration<S: Stage = Declared> {
    /// Their subnets. Their order has no meaning.
    pub subnets: Vec<S::Of<SubnetId>>,
    /// Their security groups. Their order has no meaning.
    pub security_groups: Vec<S::Of<SecurityGroupId>>,
    /// `DISABLED`, or `ENABLED` for a public address.
    pub assign_public_ip: String,
}

/// What sends requests to tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancer<S: Stage = Declared> {
    /// The container that answers.
    pub container_name: String,
    /// Its port.
    pub container_port: u16,
    /// The first target group.
    pub target_group_arn: S::Of<TargetGroupArn>,
    /// What a deployment moves.
    pub advanced_configuration: AdvancedConfiguration<S>,
}

/// What a deployment moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct AdvancedConfiguration<S: Stage = Declared> {
    /// The second target group. Deployments alternate between the two.
    pub alternate_target_group_arn: S::Of<TargetGroupArn>,
    /// The rule by which requests come.
    pub production_listener_rule: S::Of<ListenerRuleArn>,
    /// The rule by which a deployment is tried before that. Another one than the production rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_listener_rule: Option<S::Of<ListenerRuleArn>>,
    /// The role in which ECS changes the rules.
    pub role_arn: S::Of<RoleArn>,
}

/// How a service is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentConfiguration {
    /// `BLUE_GREEN`, or `ROLLING`.
    pub strategy: String,
    /// For how many minutes the old tasks stay after the new ones have the requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake_time_in_minutes: Option<u32>,
    /// How many tasks there are at least during a deployment, in percent of the desired count.
    pub minimum_healthy_percent: u32,
    /// How many there are at most.
    pub maximum_percent: u32,
    /// What happens if tasks fail to start.
    pub deployment_circuit_breaker: CircuitBreaker,
    /// Functions that somebody lets decide whether a deployment goes on. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_hooks: Vec<LifecycleHook>,
    /// Alarms that somebody lets end a deployment. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<DeploymentAlarms>,
}

/// What decides whether a deployment goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LifecycleHook {
    /// The function; empty for a pause until somebody lets the deployment go on.
    pub hook_target_arn: String,
    /// At which stages.
    pub lifecycle_stages: Vec<String>,
}

/// Alarms that end a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeploymentAlarms {
    /// Their names.
    pub alarm_names: Vec<String>,
    /// Whether the service then goes back to what ran before.
    pub rollback: bool,
}

/// What happens if the tasks of a deployment fail to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CircuitBreaker {
    /// Whether the deployment fails after some.
    pub enable: bool,
    /// Whether it then goes back to what ran before.
    pub rollback: bool,
}

impl NetworkConfiguration<Resolved> {
    pub(super) fn for_call(&self) -> NetworkForCall {
        let AwsvpcConfiguration { subnets, security_groups, assign_public_ip } = &self.awsvpc_configuration;
        let vpc = VpcForCall::builder()
            .set_subnets(Some(subnets.iter().map(ToString::to_string).collect()))
            .set_security_groups(Some(security_groups.iter().map(ToString::to_string).collect()))
            .assign_public_ip(AssignPublicIp::from(assign_public_ip.as_str()))
            .build()
            .expect("subnets are given");
        NetworkForCall::builder().awsvpc_configuration(vpc).build()
    }

    /// The live ones, in the order of these.
    pub(super) fn live(&self, live: Option<&NetworkForCall>) -> Self {
        let recorded = &self.awsvpc_configuration;
        let live = live.and_then(NetworkForCall::awsvpc_configuration);
        let subnets = live.map(VpcForCall::subnets).unwrap_or_default();
        let groups = live.map(VpcForCall::security_groups).unwrap_or_default();
        Self {
            awsvpc_configuration: AwsvpcConfiguration {
                subnets: in_order_of(
                    &recorded.subnets,
                    subnets.iter().map(|id| id.as_str().into()).collect(),
                    Clone::clone,
                ),
                security_groups: in_order_of(
                    &recorded.security_groups,
                    groups.iter().map(|id| id.as_str().into()).collect(),
                    Clone::clone,
                ),
                assign_public_ip: live
                    .and_then(VpcForCall::assign_public_ip)
                    .map_or("DISABLED", AssignPublicIp::as_str)
                    .to_owned(),
            },
        }
    }
}

impl LoadBalancer<Resolved> {
    pub(super) fn for_call(&self) -> BalancerForCall {
        let advanced = &self.advanced_configuration;
        let advanced = AdvancedForCall::builder()
            .alternate_target_group_arn(advanced.alternate_target_group_arn.as_str())
            .production_listener_rule(advanced.production_listener_rule.as_str())
            .set_test_listener_rule(advanced.test_listener_rule.as_ref().map(ToString::to_string))
            .role_arn(advanced.role_arn.as_str());
        BalancerForCall::builder()
            .container_name(&self.container_name)
            .container_port(i32::from(self.container_port))
            .target_group_arn(self.target_group_arn.as_str())
            .advanced_configuration(advanced.build())
            .build()
    }

    fn live(live: &BalancerForCall) -> Self {
        let advanced = live.advanced_configuration();
        let alternate = advanced.and_then(AdvancedForCall::alternate_target_group_arn);
        let production = advanced.and_then(AdvancedForCall::production_listener_rule);
        Self {
            container_name: live.container_name().unwrap_or_default().to_owned(),
            container_port: live
                .container_port()
                .and_then(|port| u16::try_from(port).ok())
                .unwrap_or_default(),
            target_group_arn: live.target_group_arn().unwrap_or_default().into(),
            advanced_configuration: AdvancedConfiguration {
                alternate_target_group_arn: alternate.unwrap_or_default().into(),
                production_listener_rule: production.unwrap_or_default().into(),
                test_listener_rule: advanced.and_then(AdvancedForCall::test_listener_rule).map(Into::into),
                role_arn: advanced.and_then(AdvancedForCall::role_arn).unwrap_or_default().into(),
            },
        }
    }

    /// The same with the target groups the other way round.
    fn swapped(&self) -> Self {
        let mut swapped = self.clone();
        std::mem::swap(
            &mut swapped.target_group_arn,
            &mut swapped.advanced_configuration.alternate_target_group_arn,
        );
        swapped
    }
}

/// The live load balancers. Which target group of a pair is the first is ECS's: a pair is no difference the other way
/// round.
pub(super) fn live_load_balancers(
    recorded: &[LoadBalancer<Resolved>],
    live: &[BalancerForCall],
) -> Vec<LoadBalancer<Resolved>> {
    let live = live.iter().map(LoadBalancer::live);
    live.map(|live| match live.swapped() {
        swapped if recorded.contains(&swapped) => swapped,
        _ => live,
    })
    .collect()
}

impl DeploymentConfiguration {
    /// What takes the place of `before`. Hooks and alarms stay where they are not mentioned (ECS API Reference,
    /// DeploymentConfiguration), so those that nobody declares are taken off by name: no hooks, and alarms that are off.
    pub(super) fn for_update(&self, before: &Self) -> ConfigurationForCall {
        let off = AlarmsForCall::builder().enable(false).rollback(false).set_alarm_names(Some(Vec::new()));
        let off = off.build().expect("all members are given");
        let mut configuration = self.for_call();
        configuration.lifecycle_hooks = (before.lifecycle_hooks != self.lifecycle_hooks).then(Vec::new);
        configuration.alarms = (before.alarms != self.alarms).then_some(off);
        configuration
    }

    pub(super) fn for_call(&self) -> ConfigurationForCall {
        let CircuitBreaker { enable, rollback } = self.deployment_circuit_breaker;
        ConfigurationForCall::builder()
            .strategy(DeploymentStrategy::from(self.strategy.as_str()))
            .set_bake_time_in_minutes(self.bake_time_in_minutes.map(number))
            .minimum_healthy_percent(number(self.minimum_healthy_percent))
            .maximum_percent(number(self.maximum_percent))
            .deployment_circuit_breaker(
                DeploymentCircuitBreaker::builder().enable(enable).rollback(rollback).build(),
            )
            .build()
    }

    /// What is not reported is what ECS does where it is told nothing.
    pub(super) fn live(live: Option<&ConfigurationForCall>) -> Self {
        let breaker = live.and_then(ConfigurationForCall::deployment_circuit_breaker);
        let least = live.and_then(ConfigurationForCall::minimum_healthy_percent);
        let most = live.and_then(ConfigurationForCall::maximum_percent);
        let strategy = live.and_then(ConfigurationForCall::strategy);
        let strategy = strategy.map_or("ROLLING", DeploymentStrategy::as_str);
        let bake_time = live.and_then(ConfigurationForCall::bake_time_in_minutes).map(count);
        Self {
            // A rolling deployment has no bake time, which ECS reports as 0.
            bake_time_in_minutes: bake_time.filter(|minutes| strategy != "ROLLING" || *minutes != 0),
            strategy: strategy.to_owned(),
            minimum_healthy_percent: least.map_or(100, count),
            maximum_percent: most.map_or(200, count),
            deployment_circuit_breaker: CircuitBreaker {
                enable: breaker.is_some_and(DeploymentCircuitBreaker::enable),
                rollback: breaker.is_some_and(DeploymentCircuitBreaker::rollback),
            },
            lifecycle_hooks: live
                .map(ConfigurationForCall::lifecycle_hooks)
                .unwrap_or_default()
                .iter()
                .map(LifecycleHook::live)
                .collect(),
            alarms: live.and_then(ConfigurationForCall::alarms).and_then(DeploymentAlarms::live),
        }
    }
}

impl LifecycleHook {
    fn live(live: &HookForCall) -> Self {
        Self {
            hook_target_arn: live.hook_target_arn().unwrap_or_default().to_owned(),
            lifecycle_stages: live.lifecycle_stages().iter().map(|stage| stage.as_str().to_owned()).collect(),
        }
    }
}

impl DeploymentAlarms {
    /// `None` where they are off.
    fn live(live: &AlarmsForCall) -> Option<Self> {
        let alarms = Self { alarm_names: live.alarm_names().to_vec(), rollback: live.rollback() };
        live.enable().then_some(alarms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balancer(first: &str, second: &str) -> LoadBalancer<Resolved> {
        LoadBalancer {
            container_name: "app".to_owned(),
            container_port: 8080,
            target_group_arn: first.into(),
            advanced_configuration: AdvancedConfiguration {
                alternate_target_group_arn: second.into(),
                production_listener_rule: "rule/1".into(),
                test_listener_rule: Some("rule/2".into()),
                role_arn: "role".into(),
            },
        }
    }

    #[test]
    fn which_target_group_is_the_first_is_no_difference() {
        let recorded = [balancer("blue", "green")];
        for live in [balancer("blue", "green"), balancer("green", "blue")] {
            assert_eq!(live_load_balancers(&recorded, &[live.for_call()]), recorded);
        }
        let other = balancer("blue", "other");
        assert_eq!(live_load_balancers(&recorded, &[other.for_call()]), [other]);
    }

    #[test]
    fn a_deployment_configuration_is_read_as_it_was_sent() {
        let sent = DeploymentConfiguration {
            strategy: "BLUE_GREEN".to_owned(),
            bake_time_in_minutes: Some(10),
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            deployment_circuit_breaker: CircuitBreaker { enable: true, rollback: true },
            lifecycle_hooks: Vec::new(),
            alarms: None,
        };
        assert_eq!(DeploymentConfiguration::live(Some(&sent.for_call())), sent);
        assert_eq!(DeploymentConfiguration::live(None).strategy, "ROLLING");
        let rolling = DeploymentConfiguration {
            strategy: "ROLLING".to_owned(),
            bake_time_in_minutes: None,
            ..sent.clone()
        };
        let reported = DeploymentConfiguration { bake_time_in_minutes: Some(0), ..rolling.clone() };
        assert_eq!(DeploymentConfiguration::live(Some(&reported.for_call())), rolling);
        let at_once = DeploymentConfiguration { bake_time_in_minutes: Some(0), ..sent };
        assert_eq!(DeploymentConfiguration::live(Some(&at_once.for_call())), at_once);
    }
}
