//! One record for each object. Its JSON is what the API answers, but for members that begin with an underscore.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::services::support::{Interface, Next, Tags};

/// Attributes by key.
pub(super) type Attributes = BTreeMap<String, String>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoadBalancer {
    pub(crate) load_balancer_arn: String,
    #[serde(rename = "DNSName")]
    pub(crate) dns_name: String,
    pub(crate) canonical_hosted_zone_id: String,
    pub(crate) created_time: f64,
    pub(crate) load_balancer_name: String,
    pub(crate) scheme: String,
    pub(crate) vpc_id: String,
    pub(crate) state: LoadBalancerState,
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    pub(crate) availability_zones: Vec<AvailabilityZone>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) ip_address_type: String,
    #[serde(rename = "_attributes")]
    pub(crate) attributes: Attributes,
    #[serde(rename = "_tags")]
    pub(crate) tags: Tags,
    #[serde(rename = "_interfaces")]
    pub(crate) interfaces: Vec<Interface>,
    #[serde(rename = "_next", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Next>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoadBalancerState {
    pub(crate) code: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AvailabilityZone {
    pub(crate) zone_name: String,
    pub(crate) subnet_id: String,
}

impl LoadBalancer {
    pub(super) fn settle(&mut self, now_millis: i64) {
        if let Some(next) = Next::due(&mut self.next, now_millis) {
            self.state.code = next.state;
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.state.code == "active"
    }

    /// `app/NAME/ID`, which its listeners' ARNs repeat.
    pub(super) fn path(&self) -> &str {
        self.load_balancer_arn.split_once(":loadbalancer/").map_or("", |(_, path)| path)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TargetGroup {
    pub(crate) target_group_arn: String,
    pub(crate) target_group_name: String,
    pub(crate) protocol: String,
    pub(crate) port: u16,
    pub(crate) vpc_id: String,
    #[serde(flatten)]
    pub(crate) health_check: HealthCheck,
    pub(crate) load_balancer_arns: Vec<String>,
    pub(crate) target_type: String,
    pub(crate) protocol_version: String,
    pub(crate) ip_address_type: String,
    #[serde(rename = "_attributes")]
    pub(crate) attributes: Attributes,
    #[serde(rename = "_tags")]
    pub(crate) tags: Tags,
    #[serde(rename = "_targets")]
    pub(crate) targets: Vec<Target>,
    #[serde(rename = "_usedByServices")]
    pub(crate) used_by_services: BTreeSet<String>,
}

impl TargetGroup {
    /// Adds a target. One that is there already, even if it is draining, is registered again.
    pub(super) fn register(&mut self, target: Target) {
        self.targets.retain(|other| (&other.id, other.port) != (&target.id, target.port));
        self.targets.push(target);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HealthCheck {
    pub(crate) health_check_protocol: String,
    pub(crate) health_check_port: String,
    pub(crate) health_check_enabled: bool,
    pub(crate) health_check_interval_seconds: u32,
    pub(crate) health_check_timeout_seconds: u32,
    pub(crate) healthy_threshold_count: u32,
    pub(crate) unhealthy_threshold_count: u32,
    pub(crate) health_check_path: String,
    pub(crate) matcher: Matcher,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Matcher {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grpc_code: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) availability_zone: Option<String>,
    /// When it has drained, in milliseconds since 1970.
    #[serde(rename = "_goneAtMillis", default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone_at_millis: Option<i64>,
    /// Whether it fails every health check.
    #[serde(rename = "_isUnhealthy", default, skip_serializing_if = "is_not")]
    pub(crate) is_unhealthy: bool,
}

fn is_not(so: &bool) -> bool {
    !so
}

impl Target {
    pub(super) fn new(id: String, port: u16) -> Self {
        Target { id, port, availability_zone: None, gone_at_millis: None, is_unhealthy: false }
    }
}

/// A listener without its default actions, which are those of its default rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listener {
    pub(crate) listener_arn: String,
    pub(crate) load_balancer_arn: String,
    pub(crate) port: u16,
    pub(crate) protocol: String,
    #[serde(flatten)]
    pub(crate) security: Security,
    #[serde(rename = "_defaultRuleArn")]
    pub(crate) default_rule_arn: String,
    #[serde(rename = "_attributes")]
    pub(crate) attributes: Attributes,
    #[serde(rename = "_tags")]
    pub(crate) tags: Tags,
}

impl Listener {
    pub(super) fn is_https(&self) -> bool {
        self.protocol == "HTTPS"
    }

    /// `app/NAME/LOAD-BALANCER/ID`, which its rules' ARNs repeat.
    pub(super) fn path(&self) -> &str {
        self.listener_arn.split_once(":listener/").map_or("", |(_, path)| path)
    }
}

/// What only HTTPS listeners have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Security {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) certificates: Vec<Certificate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ssl_policy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mutual_authentication: Option<MutualAuthentication>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Certificate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) is_default: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct MutualAuthentication {
    pub(crate) mode: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Rule {
    pub(crate) rule_arn: String,
    /// A number, or `default`.
    pub(crate) priority: String,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) actions: Vec<Action>,
    pub(crate) is_default: bool,
    #[serde(rename = "_listenerArn")]
    pub(crate) listener_arn: String,
    #[serde(rename = "_tags")]
    pub(crate) tags: Tags,
}

impl Rule {
    /// The target groups that it names.
    pub(super) fn target_groups(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().flat_map(Action::target_groups)
    }

    /// For the order in which rules are evaluated: the default one comes last.
    pub(super) fn place(&self) -> u32 {
        self.priority.parse().unwrap_or(u32::MAX)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Action {
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target_group_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) redirect_config: Option<RedirectConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fixed_response_config: Option<FixedResponseConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forward_config: Option<ForwardConfig>,
}

impl Action {
    pub(super) fn target_groups(&self) -> impl Iterator<Item = &str> {
        self.forward_config
            .iter()
            .flat_map(|config| &config.target_groups)
            .map(|group| group.target_group_arn.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct RedirectConfig {
    #[serde(default = "RedirectConfig::same_protocol")]
    pub(crate) protocol: String,
    #[serde(default = "RedirectConfig::same_port")]
    pub(crate) port: String,
    #[serde(default = "RedirectConfig::same_host")]
    pub(crate) host: String,
    #[serde(default = "RedirectConfig::same_path")]
    pub(crate) path: String,
    #[serde(default = "RedirectConfig::same_query")]
    pub(crate) query: String,
    pub(crate) status_code: String,
}

/// Components that are not modified retain their values, and are shown as these (API Reference,
/// RedirectActionConfig).
impl RedirectConfig {
    fn same_protocol() -> String {
        "#{protocol}".to_owned()
    }

    fn same_port() -> String {
        "#{port}".to_owned()
    }

    fn same_host() -> String {
        "#{host}".to_owned()
    }

    fn same_path() -> String {
        "/#{path}".to_owned()
    }

    fn same_query() -> String {
        "#{query}".to_owned()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct FixedResponseConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_body: Option<String>,
    pub(crate) status_code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ForwardConfig {
    #[serde(default)]
    pub(crate) target_groups: Vec<WeightedGroup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target_group_stickiness_config: Option<Stickiness>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct WeightedGroup {
    #[serde(default)]
    pub(crate) target_group_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Stickiness {
    #[serde(default)]
    pub(crate) enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration_seconds: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Condition {
    #[serde(default)]
    pub(crate) field: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host_header_config: Option<ValuesConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path_pattern_config: Option<ValuesConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_header_config: Option<HttpHeaderConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query_string_config: Option<QueryStringConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_request_method_config: Option<ValuesConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_ip_config: Option<ValuesConfig>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ValuesConfig {
    #[serde(default)]
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct HttpHeaderConfig {
    #[serde(default)]
    pub(crate) http_header_name: String,
    #[serde(default)]
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct QueryStringConfig {
    #[serde(default)]
    pub(crate) values: Vec<QueryPair>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct QueryPair {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(default)]
    pub(crate) value: String,
}
