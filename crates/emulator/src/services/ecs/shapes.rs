//! Parts of services that are told and told again: what a call gives is what an answer shows.

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::protocol::response::{Refusal, refuse_if};

/// ECS API Reference, CapacityProviderStrategyItem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct StrategyItem {
    pub(super) capacity_provider: String,
    #[serde(default)]
    pub(super) weight: u32,
    #[serde(default)]
    pub(super) base: u32,
}

/// ECS API Reference, CapacityProviderStrategyItem: only one has a base, not all weights are 0, and all are providers of
/// the cluster.
pub(super) fn check_strategy(strategy: &[StrategyItem], providers: &[String]) -> Result<(), Refusal> {
    if let Some(item) = strategy.iter().find(|item| !providers.contains(&item.capacity_provider)) {
        let name = &item.capacity_provider;
        return Err(invalid(format!("The capacity provider {name} is not associated with the cluster.")));
    }
    if strategy.iter().filter(|item| item.base > 0).count() > 1 {
        return Err(invalid("Only one capacity provider in a strategy can have a base."));
    }
    refuse_if(!strategy.is_empty() && strategy.iter().all(|item| item.weight == 0), || {
        invalid("At least one capacity provider in a strategy must have a weight above 0.")
    })
}

/// ECS API Reference, LoadBalancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LoadBalancer {
    pub(super) target_group_arn: String,
    pub(super) container_name: String,
    pub(super) container_port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advanced_configuration: Option<AdvancedConfiguration>,
}

/// ECS API Reference, AdvancedConfiguration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AdvancedConfiguration {
    pub(super) alternate_target_group_arn: Option<String>,
    pub(super) production_listener_rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) test_listener_rule: Option<String>,
    pub(super) role_arn: Option<String>,
}

/// ECS API Reference, NetworkConfiguration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NetworkConfiguration {
    pub(super) awsvpc_configuration: Option<AwsVpcConfiguration>,
}

/// ECS API Reference, AwsVpcConfiguration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AwsVpcConfiguration {
    pub(super) subnets: Vec<String>,
    #[serde(default)]
    pub(super) security_groups: Vec<String>,
    #[serde(default = "disabled")]
    pub(super) assign_public_ip: String,
}

fn disabled() -> String {
    "DISABLED".to_owned()
}

/// ECS API Reference, DeploymentController.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeploymentController {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// ECS API Reference, DeploymentConfiguration. What a call leaves out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DeploymentConfiguration {
    pub(super) deployment_circuit_breaker: Option<CircuitBreaker>,
    pub(super) maximum_percent: Option<u32>,
    pub(super) minimum_healthy_percent: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alarms: Option<Alarms>,
    pub(super) strategy: Option<String>,
    pub(super) bake_time_in_minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lifecycle_hooks: Option<Vec<LifecycleHook>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) linear_configuration: Option<Linear>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) canary_configuration: Option<Canary>,
}

/// ECS API Reference, DeploymentCircuitBreaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct CircuitBreaker {
    pub(super) enable: bool,
    pub(super) rollback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_on_healthy_task: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threshold_configuration: Option<Threshold>,
}

/// ECS API Reference, ThresholdConfiguration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Threshold {
    #[serde(rename = "type")]
    kind: String,
    value: u32,
}

/// ECS API Reference, DeploymentAlarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Alarms {
    pub(super) alarm_names: Vec<String>,
    pub(super) rollback: bool,
    pub(super) enable: bool,
}

/// ECS API Reference, DeploymentLifecycleHook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct LifecycleHook {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_type: Option<String>,
    pub(super) hook_target_arn: Option<String>,
    pub(super) role_arn: Option<String>,
    pub(super) lifecycle_stages: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook_details: Option<serde_json::Value>,
}

/// ECS API Reference, LinearConfiguration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Linear {
    #[serde(default = "ten_percent")]
    pub(super) step_percent: f64,
    #[serde(default = "six_minutes")]
    pub(super) step_bake_time_in_minutes: u32,
}

/// ECS API Reference, CanaryConfiguration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Canary {
    #[serde(default = "five_percent")]
    pub(super) canary_percent: f64,
    #[serde(default = "ten_minutes")]
    pub(super) canary_bake_time_in_minutes: u32,
}

fn ten_percent() -> f64 {
    10.0
}

fn five_percent() -> f64 {
    5.0
}

fn six_minutes() -> u32 {
    6
}

fn ten_minutes() -> u32 {
    10
}

impl Default for Linear {
    fn default() -> Self {
        Linear { step_percent: ten_percent(), step_bake_time_in_minutes: six_minutes() }
    }
}

impl Default for Canary {
    fn default() -> Self {
        Canary { canary_percent: five_percent(), canary_bake_time_in_minutes: ten_minutes() }
    }
}

impl CircuitBreaker {
    /// How many tasks may fail (ECS Developer Guide, "How the Amazon ECS deployment circuit breaker detects failures"; ECS
    /// API Reference, ThresholdConfiguration): half of the desired count, from 3 to 200, unless told otherwise.
    pub(super) fn threshold(&self, desired: u32) -> u32 {
        let share = |percent: u32| {
            (u64::from(desired) * u64::from(percent)).div_ceil(100).min(u64::from(u32::MAX)) as u32
        };
        match &self.threshold_configuration {
            None => share(50).clamp(3, 200),
            Some(Threshold { kind, value }) => match kind.as_str() {
                "COUNT" => (*value).max(1),
                "UNBOUNDED_PERCENT" => share(*value).max(1),
                _ => share(*value).clamp(3, 200),
            },
        }
    }
}

impl DeploymentConfiguration {
    /// The configuration of a service that was told nothing.
    pub(super) fn usual() -> Self {
        DeploymentConfiguration {
            deployment_circuit_breaker: Some(CircuitBreaker {
                enable: false,
                rollback: false,
                reset_on_healthy_task: None,
                threshold_configuration: None,
            }),
            maximum_percent: Some(200),
            minimum_healthy_percent: Some(100),
            strategy: Some("ROLLING".to_owned()),
            bake_time_in_minutes: Some(0),
            ..DeploymentConfiguration::default()
        }
    }

    /// This one, with what the other one says instead.
    pub(super) fn with(self, other: DeploymentConfiguration) -> Self {
        DeploymentConfiguration {
            deployment_circuit_breaker: other.deployment_circuit_breaker.or(self.deployment_circuit_breaker),
            maximum_percent: other.maximum_percent.or(self.maximum_percent),
            minimum_healthy_percent: other.minimum_healthy_percent.or(self.minimum_healthy_percent),
            alarms: other.alarms.or(self.alarms),
            strategy: other.strategy.or(self.strategy),
            bake_time_in_minutes: other.bake_time_in_minutes.or(self.bake_time_in_minutes),
            lifecycle_hooks: other.lifecycle_hooks.or(self.lifecycle_hooks),
            linear_configuration: other.linear_configuration.or(self.linear_configuration),
            canary_configuration: other.canary_configuration.or(self.canary_configuration),
        }
    }

    /// Whether traffic moves from one target group to another.
    pub(super) fn shifts_traffic(&self) -> bool {
        self.strategy.as_deref().is_some_and(|strategy| strategy != "ROLLING")
    }

    /// The breaker, if it is on.
    pub(super) fn breaker(&self) -> Option<&CircuitBreaker> {
        self.deployment_circuit_breaker.as_ref().filter(|breaker| breaker.enable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_half_of_the_desired_count_within_bounds() {
        let mut breaker = DeploymentConfiguration::usual().deployment_circuit_breaker.expect("it is set");
        assert_eq!([0, 2, 7, 10, 1000].map(|desired| breaker.threshold(desired)), [3, 3, 4, 5, 200]);
        breaker.threshold_configuration = Some(Threshold { kind: "COUNT".to_owned(), value: 1 });
        assert_eq!(breaker.threshold(10), 1);
        breaker.threshold_configuration = Some(Threshold { kind: "UNBOUNDED_PERCENT".to_owned(), value: 10 });
        assert_eq!(breaker.threshold(10), 1);
    }
}
