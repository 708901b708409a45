//! The settings of a function, and what Lambda refuses of them.

use std::collections::BTreeSet;

use super::joins::{key_usable, target_exists};
use super::records::{
    DeadLetterConfig, Environment, EphemeralStorage, FileSystemConfig, Layer, LoggingConfig, SnapStart,
    VpcConfig,
};
use super::{invalid, unmodelled};
use crate::services::{Cx, IdSource, Interface, Refusal, ensure, refuse_if};

/// Runtimes for which no functions can be made or changed any more (Lambda Developer Guide, "Lambda runtimes",
/// "Deprecated runtimes", as of November 2026).
const DEPRECATED: [&str; 33] = [
    "dotnet6",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "java8",
    "java8.al2",
    "java11",
    "java17",
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "provided",
    "provided.al2",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "ruby2.5",
    "ruby2.7",
    "ruby3.2",
];

/// Lambda Developer Guide, "Working with Lambda environment variables", "Defined runtime environment variables".
const RESERVED: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// Lambda Developer Guide, "Lambda quotas": 4 KB for all environment variables together.
const ENVIRONMENT: usize = 4096;

pub(super) fn check_runtime(runtime: &str) -> Result<(), Refusal> {
    refuse_if(DEPRECATED.contains(&runtime), || {
        invalid(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda \
             functions. We recommend you use a supported runtime while creating or updating functions."
        ))
    })
}

pub(super) fn check_role(cx: &Cx<'_>, role: &str) -> Result<(), Refusal> {
    match cx.global.iam.assumable(role, "lambda.amazonaws.com", cx.now_millis) {
        Ok(_) => Ok(()),
        Err(_) => Err(invalid("The role defined for the function cannot be assumed by Lambda.")),
    }
}

/// Lambda encrypts environment variables, and lets the role decrypt them by a grant: with its own key, of which nobody else
/// sees a policy. KMS knows a new role later than Lambda does
/// (hashicorp/terraform-provider-aws, `internal/service/lambda/function.go`, which tries again at "KMS key is invalid for
/// CreateGrant").
pub(super) fn check_grant(cx: &Cx<'_>, role: &str, environment: Option<&Environment>) -> Result<(), Refusal> {
    let encrypts = environment.is_some_and(|environment| !environment.variables.is_empty());
    let role = cx.global.iam.role(role);
    refuse_if(encrypts && role.is_some_and(|role| !role.is_principal(cx.now_millis)), || {
        invalid(
            "Lambda was unable to configure access to your environment variables because the KMS key is invalid for \
             CreateGrant. Please check your KMS key settings. KMS Exception: InvalidArnException KMS Message: ARN does \
             not refer to a valid principal",
        )
    })
}

/// Lambda Developer Guide, "Lambda quotas". The API's model allows more, for functions on managed instances.
pub(super) fn check_size(memory: i64, timeout: i64, storage: &EphemeralStorage) -> Result<(), Refusal> {
    let ranges = [
        ("MemorySize", memory, 128..=10_240),
        ("Timeout", timeout, 1..=900),
        ("EphemeralStorage.Size", storage.size, 512..=10_240),
    ];
    for (name, value, range) in ranges {
        if !range.contains(&value) {
            let (low, high) = range.into_inner();
            return Err(invalid(format!("{name} must be between {low} and {high}, and is {value}.")));
        }
    }
    Ok(())
}

pub(super) fn check_environment(environment: &Environment) -> Result<(), Refusal> {
    let variables = &environment.variables;
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        let reserved = reserved.join(", ");
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you \
             have provided contains reserved keys that are currently not supported for modification. Reserved \
             keys used in this request: {reserved}"
        )));
    }
    let size: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    ensure(size <= ENVIRONMENT, || {
        invalid(
            "Lambda was unable to configure your environment variables because the environment variables you \
             have provided exceeded the 4KB limit.",
        )
    })
}

/// A dead-letter queue is a queue or a topic (Lambda API Reference, DeadLetterConfig).
pub(super) fn check_dead_letters(
    cx: &Cx<'_>,
    config: Option<DeadLetterConfig>,
) -> Result<Option<DeadLetterConfig>, Refusal> {
    let Some(arn) = config.and_then(|config| config.target_arn).filter(|arn| !arn.is_empty()) else {
        return Ok(None);
    };
    let kind = arn.starts_with("arn:aws:sqs:") || arn.starts_with("arn:aws:sns:");
    ensure(kind && target_exists(cx, &arn), || {
        invalid(format!("The target {arn} of the dead-letter config is no queue or topic."))
    })?;
    Ok(Some(DeadLetterConfig { target_arn: Some(arn) }))
}

/// An empty ARN means Lambda's own key.
pub(super) fn check_key(cx: &Cx<'_>, arn: Option<String>) -> Result<Option<String>, Refusal> {
    match arn.filter(|arn| !arn.is_empty()) {
        Some(arn) if !key_usable(cx, &arn) => {
            Err(invalid(format!("Lambda was unable to use the KMS key {arn}.")))
        }
        arn => Ok(arn),
    }
}

/// Lambda Developer Guide, "Configuring advanced logging controls": levels need the format JSON.
pub(super) fn logging(given: Option<LoggingConfig>, function: &str) -> Result<LoggingConfig, Refusal> {
    let given = given.unwrap_or(LoggingConfig {
        log_format: None,
        application_log_level: None,
        system_log_level: None,
        log_group: None,
    });
    let format = given.log_format.unwrap_or_else(|| "Text".to_owned());
    let json = format == "JSON";
    if !json && (given.application_log_level.is_some() || given.system_log_level.is_some()) {
        return Err(invalid("Log levels can only be set for the log format JSON."));
    }
    let level = |level: Option<String>| json.then(|| level.unwrap_or_else(|| "INFO".to_owned()));
    Ok(LoggingConfig {
        application_log_level: level(given.application_log_level),
        system_log_level: level(given.system_log_level),
        log_format: Some(format),
        log_group: Some(given.log_group.unwrap_or_else(|| format!("/aws/lambda/{function}"))),
    })
}

pub(super) fn snap_start(given: Option<SnapStart>) -> Result<SnapStart, Refusal> {
    refuse_if(given.is_some_and(|given| given.apply_on != "None"), || {
        unmodelled("SnapStart.ApplyOn PublishedVersions, because it does not model versions")
    })?;
    Ok(SnapStart { apply_on: "None".to_owned(), optimization_status: Some("Off".to_owned()) })
}

/// Lambda Developer Guide, "Lambda quotas".
const LAYERS: usize = 5;

/// Layers are not modelled: every version of one in the region is taken to be there. That AWS refuses one of another region, in
/// these words, is from `TotalTechGeek/elysia-lambda#2`.
pub(super) fn layers(cx: &Cx<'_>, given: Vec<String>) -> Result<Vec<Layer>, Refusal> {
    refuse_if(given.len() > LAYERS, || invalid(format!("Cannot reference more than {LAYERS} layers.")))?;
    if given.iter().any(|arn| arn.split(':').nth(3) != Some(cx.region)) {
        return Err(invalid(format!(
            "Layers are not in the same region as the function. Layers are expected to be in region {}.",
            cx.region
        )));
    }
    let mut names = BTreeSet::new();
    if !given.iter().all(|arn| names.insert(arn.rsplit_once(':').map_or(arn.as_str(), |(name, _)| name))) {
        return Err(invalid(
            "Two different versions of the same layer are not allowed to be referenced in the same function.",
        ));
    }
    Ok(given.into_iter().map(|arn| Layer { arn }).collect())
}

/// File systems are not modelled: every access point is taken to be there. That they need a VPC is from
/// `aws-cloudformation/cfn-lint#4408`.
pub(super) fn check_file_systems(given: &[FileSystemConfig], vpc: Option<&VpcConfig>) -> Result<(), Refusal> {
    match (given.first(), vpc) {
        (Some(FileSystemConfig { arn, .. }), None) => Err(invalid(format!(
            "Function must be configured to execute in a VPC to reference access point {arn}."
        ))),
        _ => Ok(()),
    }
}

/// Subnets and groups must be there, and in one VPC; either both are given or none, which leaves the VPC.
pub(super) fn vpc(cx: &Cx<'_>, given: VpcConfig) -> Result<Option<VpcConfig>, Refusal> {
    if given.ipv6_allowed_for_dual_stack {
        return Err(unmodelled("VpcConfig.Ipv6AllowedForDualStack, because it does not model IPv6"));
    }
    match (given.subnet_ids.is_empty(), given.security_group_ids.is_empty()) {
        (true, true) => return Ok(None),
        (false, false) => {}
        _ => return Err(invalid("SubnetIds and SecurityIds must coexist or be both empty list.")),
    }
    let mut vpcs = BTreeSet::new();
    for id in &given.subnet_ids {
        let facts = cx.r.ec2.subnet_facts(id);
        let facts = facts.ok_or_else(|| {
            invalid(format!("Error occurred while DescribeSubnets. The subnet ID '{id}' does not exist"))
        })?;
        vpcs.insert(facts.vpc_id);
    }
    for id in &given.security_group_ids {
        let vpc = cx.r.ec2.group_vpc(id);
        vpcs.insert(vpc.ok_or_else(|| {
            invalid(format!(
                "Error occurred while DescribeSecurityGroups. The security group '{id}' does not exist"
            ))
        })?);
    }
    let vpc_id = vpcs.pop_first();
    ensure(vpcs.is_empty(), || invalid("Subnets and security groups must be in one VPC."))?;
    Ok(Some(VpcConfig { vpc_id, ..given }))
}

/// The interfaces of a function in a VPC: one in each subnet (Lambda Developer Guide, "Understanding Hyperplane Elastic
/// Network Interfaces").
pub(super) fn interfaces(ids: &mut IdSource, function: &str, vpc: Option<&VpcConfig>) -> Vec<Interface> {
    let Some(vpc) = vpc else {
        return Vec::new();
    };
    let in_subnet = |subnet: &String| Interface {
        id: ids.id("eni"),
        subnet_id: subnet.clone(),
        group_ids: vpc.security_group_ids.clone(),
        description: format!("AWS Lambda VPC ENI-{function}"),
        interface_type: "lambda".to_owned(),
        has_public_address: false,
    };
    vpc.subnet_ids.iter().map(in_subnet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_levels_belong_to_json() {
        let given = |format: &str, level: Option<&str>| LoggingConfig {
            log_format: Some(format.to_owned()),
            application_log_level: level.map(str::to_owned),
            system_log_level: None,
            log_group: None,
        };
        let text = logging(Some(given("Text", None)), "f").expect("it is allowed");
        assert_eq!((text.application_log_level, text.log_group.as_deref()), (None, Some("/aws/lambda/f")));
        let json = logging(Some(given("JSON", Some("WARN"))), "f").expect("it is allowed");
        assert_eq!(json.application_log_level.as_deref(), Some("WARN"));
        assert_eq!(json.system_log_level.as_deref(), Some("INFO"));
        assert!(logging(Some(given("Text", Some("WARN"))), "f").is_err());
    }
}
