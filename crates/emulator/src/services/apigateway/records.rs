//! What is kept. Each record's JSON is what the API answers, so what is stored and what comes back cannot differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::services::support::{Interface, Next, Tags};

/// A REST API and all that goes away with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiTree {
    pub(super) api: RestApi,
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) validators: BTreeMap<String, RequestValidator>,
    /// By their type; only those that were changed from what API Gateway answers by itself.
    pub(super) gateway_responses: BTreeMap<String, GatewayResponse>,
    pub(super) deployments: BTreeMap<String, Deployment>,
    pub(super) stages: BTreeMap<String, Stage>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestApi {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) created_date: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) binary_media_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) minimum_compression_size: Option<i64>,
    pub(super) api_key_source: String,
    pub(super) endpoint_configuration: EndpointConfiguration,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: Tags,
    pub(super) disable_execute_api_endpoint: bool,
    pub(super) root_resource_id: String,
    pub(super) security_policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) endpoint_access_mode: Option<String>,
    pub(super) api_status: String,
    #[serde(rename = "_next", skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EndpointConfiguration {
    #[serde(default)]
    pub(super) types: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ip_address_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_endpoint_ids: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path_part: Option<String>,
    pub(super) path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) resource_methods: BTreeMap<String, Method>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Method {
    pub(super) http_method: String,
    pub(super) authorization_type: String,
    pub(super) api_key_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_parameters: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_models: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_validator_id: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) method_responses: BTreeMap<String, MethodResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method_integration: Option<Integration>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MethodResponse {
    pub(super) status_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_parameters: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_models: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Integration {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credentials: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_parameters: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_templates: Option<BTreeMap<String, String>>,
    pub(super) passthrough_behavior: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_handling: Option<String>,
    pub(super) timeout_in_millis: i64,
    pub(super) cache_namespace: String,
    pub(super) cache_key_parameters: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) integration_responses: BTreeMap<String, IntegrationResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_config: Option<TlsConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_transfer_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) integration_target: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TlsConfig {
    #[serde(default)]
    pub(super) insecure_skip_verification: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IntegrationResponse {
    pub(super) status_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) selection_pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_parameters: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_templates: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_handling: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestValidator {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) validate_request_body: bool,
    pub(super) validate_request_parameters: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GatewayResponse {
    pub(super) response_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<String>,
    #[serde(default)]
    pub(super) response_parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) response_templates: BTreeMap<String, String>,
    pub(super) default_response: bool,
}

/// A snapshot of an API: what its stages go on serving whatever becomes of the API's resources.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) created_date: f64,
    /// Methods by path and verb.
    pub(super) api_summary: BTreeMap<String, BTreeMap<String, MethodSnapshot>>,
    /// The methods that go through a VPC link, which stays while a stage serves them.
    #[serde(rename = "_linked", default)]
    pub(super) linked: Vec<Linked>,
    /// The API as it was when the snapshot was taken.
    #[serde(rename = "_frozen", default, skip_serializing_if = "Option::is_none")]
    pub(super) frozen: Option<Frozen>,
}

/// What of an API a deployment holds. How clients reach it is among that: a changed security policy or endpoint access mode
/// needs a new deployment (API Gateway Developer Guide, "How to change a security policy": "Redeploy your API for the
/// changes to take effect").
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Frozen {
    pub(super) resources: Vec<Resource>,
    pub(super) security_policy: String,
    pub(super) endpoint_access_mode: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MethodSnapshot {
    pub(super) authorization_type: String,
    pub(super) api_key_required: bool,
}

/// A method whose integration goes through a VPC link.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Linked {
    pub(super) vpc_link_id: String,
    pub(super) http_method: String,
    pub(super) resource_id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stage {
    pub(super) deployment_id: String,
    pub(super) stage_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) cache_cluster_enabled: bool,
    pub(super) cache_cluster_status: String,
    pub(super) method_settings: BTreeMap<String, MethodSetting>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) variables: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) documentation_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_log_settings: Option<AccessLogSettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) canary_settings: Option<CanarySettings>,
    pub(super) tracing_enabled: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: Tags,
    pub(super) created_date: f64,
    pub(super) last_updated_date: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MethodSetting {
    pub(super) metrics_enabled: bool,
    pub(super) logging_level: String,
    pub(super) data_trace_enabled: bool,
    pub(super) throttling_burst_limit: i64,
    pub(super) throttling_rate_limit: f64,
    pub(super) caching_enabled: bool,
    pub(super) cache_ttl_in_seconds: i64,
    pub(super) cache_data_encrypted: bool,
    pub(super) require_authorization_for_cache_control: bool,
    pub(super) unauthorized_cache_control_header_strategy: String,
}

/// A second deployment that gets a part of a stage's requests (API Gateway API Reference, CanarySettings).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CanarySettings {
    #[serde(default)]
    pub(super) percent_traffic: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deployment_id: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) stage_variable_overrides: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) use_stage_cache: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessLogSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsagePlan {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) api_stages: Vec<ApiStage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) throttle: Option<ThrottleSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota: Option<QuotaSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) product_code: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: Tags,
    /// The ids of its API keys.
    #[serde(rename = "_keys", default)]
    pub(super) keys: BTreeSet<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ApiStage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<String>,
    /// By path and verb, such as `/payments/POST`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) throttle: BTreeMap<String, ThrottleSettings>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ThrottleSettings {
    #[serde(default)]
    pub(super) burst_limit: i64,
    #[serde(default)]
    pub(super) rate_limit: f64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct QuotaSettings {
    #[serde(default)]
    pub(super) limit: i64,
    #[serde(default)]
    pub(super) offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) period: Option<String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiKey {
    pub(super) id: String,
    /// Secret: answered when it is asked for, and in no message.
    pub(super) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) enabled: bool,
    pub(super) created_date: f64,
    pub(super) last_updated_date: f64,
    pub(super) stage_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: Tags,
}

/// A VPC link of the second generation, which REST APIs and HTTP APIs share.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VpcLink {
    pub(super) vpc_link_id: String,
    pub(super) name: String,
    pub(super) created_date: f64,
    pub(super) security_group_ids: Vec<String>,
    pub(super) subnet_ids: Vec<String>,
    #[serde(default)]
    pub(super) tags: Tags,
    pub(super) vpc_link_status: String,
    pub(super) vpc_link_status_message: String,
    pub(super) vpc_link_version: String,
    #[serde(rename = "_interfaces", default)]
    pub(super) interfaces: Vec<Interface>,
    #[serde(rename = "_next", skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
}
