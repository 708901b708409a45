//! The parts of a function that have names of their own.

use std::collections::BTreeMap;

use aws::{LogGroupName, QueueArn};
use engine::{Declared, Resolved, Stage};
use serde::{Deserialize, Serialize};

use aws_sdk_lambda::types::{
    ApplicationLogLevel, DeadLetterConfig as DeadLettersForCall, Environment as EnvironmentForCall,
    EnvironmentResponse, FileSystemConfig as LiveFileSystem, LogFormat, LoggingConfig as LoggingForCall,
    SystemLogLevel, TracingConfig as TracingForCall, TracingMode, VpcConfig as VpcForCall, VpcConfigResponse,
};

/// What a function is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Environment<S: Stage = Declared> {
    /// Environment variables, 4 KB all together. They can be read with the function, so they are no place for secrets.
    pub variables: BTreeMap<String, S::Of<String>>,
}

/// Where an event goes that the function failed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeadLetterConfig<S: Stage = Declared> {
    /// A queue that the function's role may send to.
    pub target_arn: S::Of<QueueArn>,
}

/// Whether executions are traced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TracingConfig {
    /// `Active`, or `PassThrough`: only if the caller is.
    pub mode: String,
}

/// Where logs go, and which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoggingConfig<S: Stage = Declared> {
    /// `JSON`, which has levels, or `Text`.
    pub log_format: String,
    /// The least level of what the code logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_log_level: Option<String>,
    /// The least level of what Lambda logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_log_level: Option<String>,
    /// The log group. Lambda makes it where it is not there, and keeps logs for ever then.
    pub log_group: S::Of<LogGroupName>,
}

/// A network of somebody else that the function runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcConfig {
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// The security groups.
    pub security_group_ids: Vec<String>,
}

/// A file system of somebody else that the function mounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FileSystemConfig {
    /// The ARN of the access point.
    pub arn: String,
    /// Where it is mounted.
    pub local_mount_path: String,
}

impl VpcConfig {
    /// What takes a function out of the network that it is in.
    pub(super) fn none() -> VpcForCall {
        VpcForCall::builder()
            .set_subnet_ids(Some(Vec::new()))
            .set_security_group_ids(Some(Vec::new()))
            .ipv6_allowed_for_dual_stack(false)
            .build()
    }

    /// A function that has left its network is shown with empty lists.
    pub(super) fn from_live(live: Option<&VpcConfigResponse>) -> Option<Self> {
        let live = live.filter(|live| !live.subnet_ids().is_empty())?;
        Some(Self {
            subnet_ids: live.subnet_ids().to_vec(),
            security_group_ids: live.security_group_ids().to_vec(),
        })
    }
}

impl FileSystemConfig {
    pub(super) fn from_live(live: &LiveFileSystem) -> Self {
        Self { arn: live.arn().to_owned(), local_mount_path: live.local_mount_path().to_owned() }
    }
}

impl Environment<Resolved> {
    pub(super) fn for_call(&self) -> EnvironmentForCall {
        let variables = self.variables.clone().into_iter().collect();
        EnvironmentForCall::builder().set_variables(Some(variables)).build()
    }

    pub(super) fn from_live(live: Option<&EnvironmentResponse>) -> Self {
        let variables = live.and_then(|live| live.variables()).cloned().unwrap_or_default();
        Self { variables: variables.into_iter().collect() }
    }
}

impl DeadLetterConfig<Resolved> {
    pub(super) fn for_call(&self) -> DeadLettersForCall {
        DeadLettersForCall::builder().target_arn(self.target_arn.as_str()).build()
    }

    pub(super) fn from_live(live: Option<&DeadLettersForCall>) -> Option<Self> {
        let arn = live.and_then(DeadLettersForCall::target_arn).filter(|arn| !arn.is_empty())?;
        Some(Self { target_arn: arn.into() })
    }
}

impl TracingConfig {
    pub(super) fn for_call(&self) -> TracingForCall {
        TracingForCall::builder().mode(TracingMode::from(self.mode.as_str())).build()
    }

    pub(super) fn from_live(mode: Option<&TracingMode>) -> Self {
        Self { mode: mode.map_or("PassThrough", TracingMode::as_str).to_owned() }
    }
}

impl LoggingConfig<Resolved> {
    pub(super) fn for_call(&self) -> LoggingForCall {
        LoggingForCall::builder()
            .log_format(LogFormat::from(self.log_format.as_str()))
            .set_application_log_level(self.application_log_level.as_deref().map(ApplicationLogLevel::from))
            .set_system_log_level(self.system_log_level.as_deref().map(SystemLogLevel::from))
            .log_group(self.log_group.as_str())
            .build()
    }

    pub(super) fn from_live(live: Option<&LoggingForCall>, function: &str) -> Self {
        let format = live.and_then(LoggingForCall::log_format).map_or("Text", LogFormat::as_str);
        let application = live.and_then(LoggingForCall::application_log_level);
        let system = live.and_then(LoggingForCall::system_log_level);
        // Lambda Developer Guide, "Configuring CloudWatch log groups": the default.
        let group = live.and_then(LoggingForCall::log_group).map(str::to_owned);
        Self {
            log_format: format.to_owned(),
            application_log_level: application.map(|level| level.as_str().to_owned()),
            system_log_level: system.map(|level| level.as_str().to_owned()),
            log_group: group.unwrap_or_else(|| format!("/aws/lambda/{function}")).into(),
        }
    }
}
