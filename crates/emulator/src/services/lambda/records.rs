//! What is kept of a function. Its JSON is the API's FunctionConfiguration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::services::support::{Interface, Next, Tags};

/// A function.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Function {
    pub(crate) function_name: String,
    pub(crate) function_arn: String,
    pub(super) runtime: String,
    pub(super) role: String,
    pub(super) handler: String,
    pub(super) code_size: u64,
    pub(super) description: String,
    pub(super) timeout: i64,
    pub(super) memory_size: i64,
    pub(super) last_modified: String,
    pub(super) code_sha256: String,
    pub(super) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_config: Option<VpcConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dead_letter_config: Option<DeadLetterConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) environment: Option<Environment>,
    #[serde(rename = "KMSKeyArn", skip_serializing_if = "Option::is_none")]
    pub(super) kms_key_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) layers: Vec<Layer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) file_system_configs: Vec<FileSystemConfig>,
    pub(super) tracing_config: TracingConfig,
    pub(super) revision_id: String,
    pub(super) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state_reason_code: Option<String>,
    /// None until there was one: a function that is being created has no update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_update_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_update_status_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_update_status_reason_code: Option<String>,
    pub(super) package_type: String,
    pub(super) architectures: Vec<String>,
    pub(super) ephemeral_storage: EphemeralStorage,
    pub(super) snap_start: SnapStart,
    pub(super) runtime_version_config: RuntimeVersionConfig,
    pub(super) logging_config: LoggingConfig,
    /// The key that encrypts the package, which GetFunction shows beside the code.
    #[serde(rename = "_sourceKey", skip_serializing_if = "Option::is_none")]
    pub(super) source_key: Option<String>,
    #[serde(rename = "_tags", default)]
    pub(super) tags: Tags,
    #[serde(rename = "_reservedConcurrency", skip_serializing_if = "Option::is_none")]
    pub(super) reserved_concurrency: Option<i64>,
    /// The statements of the resource policy.
    #[serde(rename = "_policy", default)]
    pub(super) policy: Vec<Value>,
    #[serde(rename = "_invokeConfig", skip_serializing_if = "Option::is_none")]
    pub(super) invoke_config: Option<InvokeConfig>,
    #[serde(rename = "_interfaces", default)]
    pub(super) interfaces: Vec<Interface>,
    #[serde(rename = "_next", skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Next>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct VpcConfig {
    #[serde(default)]
    pub(super) subnet_ids: Vec<String>,
    #[serde(default)]
    pub(super) security_group_ids: Vec<String>,
    /// Told, never taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vpc_id: Option<String>,
    #[serde(default)]
    pub(super) ipv6_allowed_for_dual_stack: bool,
}

/// A layer, whose content, and so its size, is not known.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Layer {
    pub(super) arn: String,
}

/// An access point of a file system, and where it is mounted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct FileSystemConfig {
    pub(super) arn: String,
    pub(super) local_mount_path: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeadLetterConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target_arn: Option<String>,
}

/// Environment variables may be secrets: they are in no message.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Environment {
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TracingConfig {
    pub(super) mode: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EphemeralStorage {
    pub(super) size: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SnapStart {
    pub(super) apply_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) optimization_status: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuntimeVersionConfig {
    pub(super) runtime_version_arn: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LoggingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log_format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application_log_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_log_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log_group: Option<String>,
}

/// How asynchronous calls are retried, and where they go in the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InvokeConfig {
    pub(super) last_modified: f64,
    pub(super) function_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum_retry_attempts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maximum_event_age_in_seconds: Option<i64>,
    /// Shown with both its members, even if no event goes anywhere (AWS CLI Command Reference,
    /// put-function-event-invoke-config, examples).
    #[serde(default)]
    pub(super) destination_config: DestinationConfig,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DestinationConfig {
    #[serde(default)]
    pub(super) on_success: Destination,
    #[serde(default)]
    pub(super) on_failure: Destination,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Destination {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination: Option<String>,
}
