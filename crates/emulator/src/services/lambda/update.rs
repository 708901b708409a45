//! Changes of a function's code and settings.

use serde::Deserialize;

use super::code::package;
use super::function::{BEING_CREATED, INTERFACE, modified, runtime_version};
use super::records::{
    DeadLetterConfig, Environment, EphemeralStorage, FileSystemConfig, Function, LoggingConfig, SnapStart,
    TracingConfig, VpcConfig,
};
use super::{conflict, settings, unmodelled, uuid};
use crate::services::{Answer, Call, Cx, Next, Refusal, Spread, refuse_if, spread, to_json};

/// Estimates; the second is that of a function that enters a VPC.
const UPDATE: Spread = spread(5.0, 2.0, 10.0);
const ENTER_VPC: Spread = spread(90.0, 45.0, 180.0);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NewCode {
    function_name: String,
    zip_file: Option<String>,
    architectures: Option<Vec<String>>,
    publish: Option<bool>,
    #[serde(rename = "SourceKMSKeyArn")]
    source_key: Option<String>,
    dry_run: Option<bool>,
    revision_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NewConfiguration {
    function_name: String,
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    vpc_config: Option<VpcConfig>,
    environment: Option<Environment>,
    runtime: Option<String>,
    dead_letter_config: Option<DeadLetterConfig>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    tracing_config: Option<TracingConfig>,
    layers: Option<Vec<String>>,
    file_system_configs: Option<Vec<FileSystemConfig>>,
    revision_id: Option<String>,
    ephemeral_storage: Option<EphemeralStorage>,
    snap_start: Option<SnapStart>,
    logging_config: Option<LoggingConfig>,
}

/// A function takes one change at a time (Lambda Developer Guide, "Lambda function states").
fn check_ready(function: &Function, revision: Option<&str>) -> Result<(), Refusal> {
    if function.state == "Pending" {
        return Err(conflict(
            "The operation cannot be performed at this time. The function is currently in the following state: \
             Pending",
        ));
    }
    if function.last_update_status.as_deref() == Some("InProgress") {
        return Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {}",
            function.function_arn
        )));
    }
    check_revision(&function.revision_id, revision)
}

/// Lambda API Reference, "RevisionId" of the operations that change a function.
pub(super) fn check_revision(current: &str, given: Option<&str>) -> Result<(), Refusal> {
    match given {
        Some(given) if given != current => Err(Refusal::new(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
             retrieve the latest Revision Id",
        )
        .with_status(412)),
        _ => Ok(()),
    }
}

/// Keeps a changed function, which is ready once the change is through. The answer says that it is in progress, however
/// soon that is, in the words for a function that is created.
fn keep(cx: &mut Cx<'_>, mut function: Function, spread: Spread) -> Answer {
    function.revision_id = uuid(&mut cx.r.lambda.ids);
    function.last_modified = modified(cx.now_millis);
    function.last_update_status = Some("InProgress".to_owned());
    function.last_update_status_reason = Some(BEING_CREATED.to_owned());
    function.last_update_status_reason_code = Some("Creating".to_owned());
    let answer = to_json(&function);
    let state = function.state.clone();
    match cx.after(spread, &function.revision_id) {
        Some(at_millis) => function.next = Some(Next { state, at_millis }),
        None => function.settled(&state, uuid(&mut cx.r.lambda.ids)),
    }
    cx.r.lambda.functions.insert(function.function_name.clone(), function);
    Ok(answer)
}

pub(super) fn code(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: NewCode = call.input()?;
    let mut function = cx.r.lambda.named(cx.region, &given.function_name)?.clone();
    refuse_if(given.publish == Some(true), || unmodelled("Publish, because it does not model versions"))?;
    check_ready(&function, given.revision_id.as_deref())?;
    settings::check_runtime(&function.runtime)?;
    let package = package(given.zip_file.as_deref())?;
    function.code_size = package.size;
    function.code_sha256 = package.sha256;
    // "If you don't provide a customer managed key, Lambda uses an AWS owned key" (Lambda API Reference, UpdateFunctionCode).
    function.source_key = settings::check_key(cx, given.source_key)?;
    function.architectures = given.architectures.unwrap_or(function.architectures);
    match given.dry_run {
        Some(true) => Ok(to_json(&function)),
        _ => keep(cx, function, UPDATE),
    }
}

pub(super) fn configuration(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: NewConfiguration = call.input()?;
    let before = cx.r.lambda.named(cx.region, &given.function_name)?;
    check_ready(before, given.revision_id.as_deref())?;
    let vpc = match &given.vpc_config {
        None => before.vpc_config.clone(),
        Some(vpc) => settings::vpc(cx, vpc.clone())?,
    };
    let mut function = changed(cx, before.clone(), given)?;
    settings::check_file_systems(&function.file_system_configs, vpc.as_ref())?;
    let held =
        |vpc: &Option<VpcConfig>| vpc.as_ref().map(|v| (v.subnet_ids.clone(), v.security_group_ids.clone()));
    let moved = held(&vpc) != held(&function.vpc_config);
    function.vpc_config = vpc;
    if !moved {
        return keep(cx, function, UPDATE);
    }
    let until = cx.after(INTERFACE, &function.revision_id);
    let state = &mut cx.r.lambda;
    let new = settings::interfaces(&mut state.ids, &function.function_name, function.vpc_config.as_ref());
    let old = std::mem::replace(&mut function.interfaces, new);
    state.leave(old, until);
    let spread = if function.vpc_config.is_some() { ENTER_VPC } else { UPDATE };
    keep(cx, function, spread)
}

/// A function with all given settings but its place in a VPC. What is not given stays as it is.
fn changed(cx: &Cx<'_>, mut function: Function, given: NewConfiguration) -> Result<Function, Refusal> {
    let is_granted = given.role.is_some() || given.environment.is_some();
    if let Some(role) = given.role {
        settings::check_role(cx, &role)?;
        function.role = role;
    }
    if let Some(runtime) = given.runtime {
        function.runtime_version_config = runtime_version(cx.region, &runtime);
        function.runtime = runtime;
    }
    settings::check_runtime(&function.runtime)?;
    function.handler = given.handler.unwrap_or(function.handler);
    function.description = given.description.unwrap_or(function.description);
    function.timeout = given.timeout.unwrap_or(function.timeout);
    function.memory_size = given.memory_size.unwrap_or(function.memory_size);
    function.ephemeral_storage = given.ephemeral_storage.unwrap_or(function.ephemeral_storage);
    settings::check_size(function.memory_size, function.timeout, &function.ephemeral_storage)?;
    function.tracing_config = given.tracing_config.unwrap_or(function.tracing_config);
    if let Some(environment) = given.environment {
        settings::check_environment(&environment)?;
        function.environment = Some(environment);
    }
    if is_granted {
        settings::check_grant(cx, &function.role, function.environment.as_ref())?;
    }
    if given.dead_letter_config.is_some() {
        function.dead_letter_config = settings::check_dead_letters(cx, given.dead_letter_config)?;
    }
    if given.kms_key_arn.is_some() {
        function.kms_key_arn = settings::check_key(cx, given.kms_key_arn)?;
    }
    if let Some(layers) = given.layers {
        function.layers = settings::layers(cx, layers)?;
    }
    function.file_system_configs = given.file_system_configs.unwrap_or(function.file_system_configs);
    if given.snap_start.is_some() {
        function.snap_start = settings::snap_start(given.snap_start)?;
    }
    if given.logging_config.is_some() {
        function.logging_config = settings::logging(given.logging_config, &function.function_name)?;
    }
    Ok(function)
}
