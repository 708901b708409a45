//! Functions: making, showing and deleting them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::code::{Code, Package, hex_sha256};
use super::records::{
    DeadLetterConfig, Environment, EphemeralStorage, FileSystemConfig, Function, LoggingConfig,
    RuntimeVersionConfig, SnapStart, TracingConfig, VpcConfig,
};
use super::{
    Lingering, State, arn, check_qualifier, conflict, invalid, name_of, no_function, settings, split_name,
    unmodelled, uuid,
};
use crate::machine::clock::timestamp;
use crate::services::{
    ACCOUNT_ID, Answer, Call, Cx, IdSource, Interface, Next, Refusal, Spread, Tags, ensure, page_by_key,
    refuse_if, spread, tag_map, to_json,
};

/// Measured; the second is that of a function in a VPC.
const CREATE: Spread = spread(8.0, 5.0, 12.0);
const CREATE_IN_VPC: Spread = spread(232.0, 90.0, 300.0);
/// "It can take up to 20 minutes" or longer until Lambda has deleted an interface (Lambda Developer Guide, "Giving Lambda
/// functions access to resources in an Amazon VPC"); 30 minutes were seen.
pub(super) const INTERFACE: Spread = spread(1200.0, 600.0, 1800.0);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    function_name: String,
    runtime: Option<String>,
    role: String,
    handler: Option<String>,
    code: Code,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    publish: Option<bool>,
    vpc_config: Option<VpcConfig>,
    package_type: Option<String>,
    dead_letter_config: Option<DeadLetterConfig>,
    environment: Option<Environment>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    tracing_config: Option<TracingConfig>,
    tags: Option<Tags>,
    #[serde(default)]
    layers: Vec<String>,
    #[serde(default)]
    file_system_configs: Vec<FileSystemConfig>,
    architectures: Option<Vec<String>>,
    ephemeral_storage: Option<EphemeralStorage>,
    snap_start: Option<SnapStart>,
    logging_config: Option<LoggingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Invoke {
    function_name: String,
    invocation_type: Option<String>,
    qualifier: Option<String>,
    _payload: Option<String>,
}

impl Function {
    /// The end of a change. It gives the function a new revision, so that the one which the change answered is stale
    /// (recorded from real AWS).
    pub(super) fn settled(&mut self, state: &str, revision_id: String) {
        self.state = state.to_owned();
        self.state_reason = None;
        self.state_reason_code = None;
        self.last_update_status = Some("Successful".to_owned());
        self.last_update_status_reason = None;
        self.last_update_status_reason_code = None;
        self.revision_id = revision_id;
    }

    /// As CreateFunction answers it, however soon it is active (recorded from real AWS).
    fn pending(self) -> Self {
        Function {
            state: "Pending".to_owned(),
            state_reason: Some(BEING_CREATED.to_owned()),
            state_reason_code: Some("Creating".to_owned()),
            last_update_status: None,
            ..self
        }
    }

    /// As a call shows it. One that names the function with the qualifier `$LATEST` gets an ARN with it (recorded from
    /// real AWS).
    fn shown(&self, qualified: bool) -> Value {
        let mut value = to_json(self);
        if qualified {
            value["FunctionArn"] = format!("{}:$LATEST", self.function_arn).into();
        }
        value
    }

    /// As a list shows it: without what GetFunction has besides (Lambda API Reference, ListFunctions).
    fn listed(&self, qualified: bool) -> Value {
        let mut value = self.shown(qualified);
        if let Some(members) = value.as_object_mut() {
            let state = |name: &str| name.starts_with("State") || name.starts_with("LastUpdateStatus");
            members.retain(|name, _| !state(name) && name != "RuntimeVersionConfig");
        }
        value
    }
}

/// Why a function is not ready, after a create and after an update.
pub(super) const BEING_CREATED: &str = "The function is being created.";

/// A function's name: "the length constraint applies only to the full ARN; if you specify only the function name, it is
/// limited to 64 characters in length" (Lambda API Reference, CreateFunction).
fn check_name(name: &str) -> Result<(), Refusal> {
    ensure((1..=64).contains(&name.len()), || invalid("The name of a function has 64 characters at most."))
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    let name = name_of(cx.region, &given.function_name)?;
    check_name(&name)?;
    refuse_if(given.publish == Some(true), || unmodelled("Publish, because it does not model versions"))?;
    refuse_if(given.package_type.as_deref() == Some("Image"), || unmodelled("PackageType Image"))?;
    if cx.r.lambda.functions.contains_key(&name) {
        return Err(conflict(format!("Function already exist: {name}")));
    }
    let package = given.code.package()?;
    let tags = tag_map(given.tags.clone().unwrap_or_default(), invalid)?;
    let mut ids = cx.r.lambda.ids;
    let mut function = checked(cx, given, name.clone(), package, &mut ids)?;
    function.tags = tags;
    let spread = if function.vpc_config.is_some() { CREATE_IN_VPC } else { CREATE };
    let mut function = function.pending();
    let answer = to_json(&function);
    match cx.after(spread, &function.revision_id) {
        Some(at_millis) => function.next = Some(Next { state: "Active".to_owned(), at_millis }),
        None => function.settled("Active", uuid(&mut ids)),
    }
    cx.r.lambda.ids = ids;
    cx.r.lambda.functions.insert(name, function);
    Ok(answer)
}

/// A function as it is given, once everything about it is allowed.
fn checked(
    cx: &Cx<'_>,
    given: Create,
    name: String,
    package: Package,
    ids: &mut IdSource,
) -> Result<Function, Refusal> {
    // "The following parameters are required for a .zip file archive deployment package" (Lambda API Reference,
    // CreateFunction).
    let runtime =
        given.runtime.ok_or_else(|| invalid("Runtime is mandatory for functions created with zip."))?;
    let handler =
        given.handler.ok_or_else(|| invalid("Handler is mandatory for functions created with zip."))?;
    settings::check_runtime(&runtime)?;
    settings::check_role(cx, &given.role)?;
    let timeout = given.timeout.unwrap_or(3);
    let memory_size = given.memory_size.unwrap_or(128);
    let ephemeral_storage = given.ephemeral_storage.unwrap_or(EphemeralStorage { size: 512 });
    settings::check_size(memory_size, timeout, &ephemeral_storage)?;
    given.environment.iter().try_for_each(settings::check_environment)?;
    settings::check_grant(cx, &given.role, given.environment.as_ref())?;
    let vpc_config = given.vpc_config.map(|vpc| settings::vpc(cx, vpc)).transpose()?.flatten();
    settings::check_file_systems(&given.file_system_configs, vpc_config.as_ref())?;
    Ok(Function {
        function_arn: arn(cx.region, &name),
        dead_letter_config: settings::check_dead_letters(cx, given.dead_letter_config)?,
        kms_key_arn: settings::check_key(cx, given.kms_key_arn)?,
        layers: settings::layers(cx, given.layers)?,
        file_system_configs: given.file_system_configs,
        source_key: settings::check_key(cx, given.code.source_key)?,
        logging_config: settings::logging(given.logging_config, &name)?,
        snap_start: settings::snap_start(given.snap_start)?,
        interfaces: settings::interfaces(ids, &name, vpc_config.as_ref()),
        runtime_version_config: runtime_version(cx.region, &runtime),
        function_name: name,
        runtime,
        role: given.role,
        handler,
        code_size: package.size,
        code_sha256: package.sha256,
        description: given.description.unwrap_or_default(),
        timeout,
        memory_size,
        last_modified: modified(cx.now_millis),
        version: "$LATEST".to_owned(),
        vpc_config,
        environment: given.environment,
        tracing_config: given.tracing_config.unwrap_or(TracingConfig { mode: "PassThrough".to_owned() }),
        revision_id: uuid(ids),
        state: "Active".to_owned(),
        state_reason: None,
        state_reason_code: None,
        last_update_status: None,
        last_update_status_reason: None,
        last_update_status_reason_code: None,
        package_type: "Zip".to_owned(),
        architectures: given.architectures.unwrap_or_else(|| vec!["x86_64".to_owned()]),
        ephemeral_storage,
        tags: Tags::new(),
        reserved_concurrency: None,
        policy: Vec::new(),
        invoke_config: None,
        next: None,
    })
}

/// Such as `2026-01-01T00:00:00.000+0000` (Lambda API Reference, FunctionConfiguration).
pub(super) fn modified(now_millis: i64) -> String {
    let seconds = timestamp(now_millis - now_millis.rem_euclid(1000));
    format!("{}.{:03}+0000", seconds.trim_end_matches('Z'), now_millis.rem_euclid(1000))
}

/// The runtime version that a function uses: the newest one, of which there is one for each runtime here.
pub(super) fn runtime_version(region: &str, runtime: &str) -> RuntimeVersionConfig {
    let hash = hex_sha256(runtime.as_bytes());
    RuntimeVersionConfig { runtime_version_arn: format!("arn:aws:lambda:{region}::runtime:{hash}") }
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, qualifier): (String, Option<String>) =
        call.members(&["FunctionName", "Qualifier"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    let qualified = check_qualifier(cx.region, &function_name, qualifier.as_deref())?;
    let region = cx.region;
    let Function { function_name, revision_id, source_key, tags, reserved_concurrency, .. } = function;
    let location = format!(
        "https://awslambda-{region}-tasks.s3.{region}.amazonaws.com/snapshots/{ACCOUNT_ID}/{function_name}-{revision_id}"
    );
    Ok(json!({
        "Configuration": function.shown(qualified),
        "Code": {"RepositoryType": "S3", "Location": location, "SourceKMSKeyArn": source_key},
        "Tags": (!tags.is_empty()).then_some(tags),
        "Concurrency": reserved_concurrency.map(|reserved| json!({"ReservedConcurrentExecutions": reserved})),
    }))
}

pub(super) fn get_configuration(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, qualifier): (String, Option<String>) =
        call.members(&["FunctionName", "Qualifier"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    let qualified = check_qualifier(cx.region, &function_name, qualifier.as_deref())?;
    Ok(function.shown(qualified))
}

/// No function has a code signing config, because those are not modelled.
pub(super) fn get_code_signing(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, _): (String, Option<String>) = call.members(&["FunctionName", "Qualifier"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    Ok(json!({"FunctionName": function.function_name}))
}

/// Every function gets runtime updates by itself, and then no version is named (Lambda API Reference,
/// GetRuntimeManagementConfig): other modes are not modelled.
pub(super) fn get_runtime_management(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, qualifier): (String, Option<String>) =
        call.members(&["FunctionName", "Qualifier"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    let qualified = check_qualifier(cx.region, &function_name, qualifier.as_deref())?;
    Ok(json!({"UpdateRuntimeOn": "Auto", "FunctionArn": function.shown(qualified)["FunctionArn"]}))
}

/// Loops are ended, which is the default (Lambda API Reference, GetFunctionRecursionConfig): there is no operation here
/// that changes it.
pub(super) fn get_recursion(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, _): (String, Option<String>) = call.members(&["FunctionName", "Qualifier"])?;
    cx.r.lambda.named(cx.region, &function_name)?;
    Ok(json!({"RecursiveLoop": "Terminate"}))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_version, marker, max_items): (Option<String>, Option<String>, Option<usize>) =
        call.members(&["FunctionVersion", "Marker", "MaxItems"])?;
    // All versions are the one that there is, by its own ARN.
    let qualified = function_version.as_deref() == Some("ALL");
    // "ListFunctions returns a maximum of 50 items in each response, even if you set the number higher" (Lambda API
    // Reference, ListFunctions).
    let size = max_items.unwrap_or(50).min(50);
    let functions =
        cx.r.lambda.functions.iter().map(|(name, function)| (name.as_str(), function.listed(qualified)));
    let (functions, next) = page_by_key(functions, marker.as_deref(), size);
    Ok(json!({"Functions": functions, "NextMarker": next}))
}

/// The versions of a function: the one that there is.
pub(super) fn list_versions(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, marker, max_items): (String, Option<String>, Option<usize>) =
        call.members(&["FunctionName", "Marker", "MaxItems"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    let versions = std::iter::once((function.version.as_str(), function.listed(true)));
    let (versions, next) = page_by_key(versions, marker.as_deref(), max_items.unwrap_or(50).min(50));
    Ok(json!({"Versions": versions, "NextMarker": next}))
}

impl State {
    /// Lets interfaces stay behind in their subnets for a while.
    pub(super) fn leave(&mut self, interfaces: Vec<Interface>, until_millis: Option<i64>) {
        let Some(until_millis) = until_millis else {
            return;
        };
        let lingering = |interface| Lingering { interface, until_millis };
        self.lingering.extend(interfaces.into_iter().map(lingering));
    }
}

/// Deletes a function, whatever calls it: schedules and APIs that name it go on naming it. To delete a version that is not
/// there succeeds (recorded from real AWS), and no version is there but the one that stays.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, qualifier): (String, Option<String>) =
        call.members(&["FunctionName", "Qualifier"])?;
    let (name, suffix) = split_name(cx.region, &function_name)?;
    match qualifier.or(suffix).as_deref() {
        None => {}
        Some("$LATEST") => {
            return Err(invalid("$LATEST version cannot be deleted without deleting the function."));
        }
        Some(version) if version.bytes().all(|byte| byte.is_ascii_digit()) => {
            cx.r.lambda.named(cx.region, &name)?;
            return Ok(json!({"StatusCode": 204}));
        }
        Some(_) => return Err(invalid("Deletion of aliases is not currently supported.")),
    }
    let until = cx.after(INTERFACE, &name);
    let state = &mut cx.r.lambda;
    let function = state.functions.remove(&name).ok_or_else(|| no_function(cx.region, &name))?;
    state.leave(function.interfaces, until);
    Ok(json!({"StatusCode": 204}))
}

/// Whether a function could be called. Code is not run.
pub(super) fn invoke(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Invoke { function_name, invocation_type, qualifier, .. } = call.input()?;
    if invocation_type.as_deref() != Some("DryRun") {
        return Err(unmodelled("Invoke with another InvocationType than DryRun: it does not run code"));
    }
    cx.r.lambda.named(cx.region, &function_name)?;
    check_qualifier(cx.region, &function_name, qualifier.as_deref())?;
    Ok(json!({"StatusCode": 204}))
}

#[cfg(test)]
mod tests {
    use super::modified;

    #[test]
    fn the_time_of_a_change_is_written_as_lambda_does() {
        assert_eq!(modified(1_767_225_600_007), "2026-01-01T00:00:00.007+0000");
    }
}
