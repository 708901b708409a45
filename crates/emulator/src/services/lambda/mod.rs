//! Lambda: functions, who may call them, and how many may run. Their code is kept and not run.
//!
//! "Recorded from real AWS" is said in this service's files of what was seen there and is in no document.

mod code;
mod concurrency;
mod function;
mod invoke_config;
mod joins;
mod permission;
mod records;
mod settings;
mod tagging;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::records::Function;
use super::{
    ACCOUNT_ID, Answer, Api, Call, Cx, IdSource, Interface, Next, Object, Refusal, ServiceLimits, Spread,
    Tags, ensure, rate, refusals, refuse_if, spread, unknown_operation,
};
use crate::protocol::model::{Problem, Violation};

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    ids: IdSource,
    functions: BTreeMap<String, Function>,
    /// Interfaces of functions that have left their subnets, and until when they stay.
    lingering: Vec<Lingering>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lingering {
    interface: Interface,
    until_millis: i64,
}

impl Api for State {
    const INVALID: &'static str = "ValidationException";
    // Lambda Developer Guide, "Lambda quotas", "API requests": 15 a second across control plane operations.
    const LIMITS: ServiceLimits =
        ServiceLimits::together(rate(15.0, 15.0)).throttled("TooManyRequestsException", 429);
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("CreateFunction", spread(1.0, 0.5, 2.0)),
        ("DeleteFunction", spread(0.5, 0.3, 1.0)),
        ("AddPermission", spread(0.5, 0.3, 1.0)),
    ];

    fn new(ids: IdSource, _region: &str) -> Self {
        State { ids, functions: BTreeMap::new(), lingering: Vec::new() }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateFunction" => function::create(cx, call),
            "GetFunction" => function::get(cx, call),
            "GetFunctionConfiguration" => function::get_configuration(cx, call),
            "GetFunctionCodeSigningConfig" => function::get_code_signing(cx, call),
            "GetRuntimeManagementConfig" => function::get_runtime_management(cx, call),
            "GetFunctionRecursionConfig" => function::get_recursion(cx, call),
            "ListFunctions" => function::list(cx, call),
            "ListVersionsByFunction" => function::list_versions(cx, call),
            "DeleteFunction" => function::delete(cx, call),
            "Invoke" => function::invoke(cx, call),

            "UpdateFunctionCode" => update::code(cx, call),
            "UpdateFunctionConfiguration" => update::configuration(cx, call),

            "GetAccountSettings" => concurrency::settings(cx, call),
            "PutFunctionConcurrency" => concurrency::put(cx, call),
            "GetFunctionConcurrency" => concurrency::get(cx, call),
            "DeleteFunctionConcurrency" => concurrency::delete(cx, call),

            "PutFunctionEventInvokeConfig" => invoke_config::put(cx, call),
            "GetFunctionEventInvokeConfig" => invoke_config::get(cx, call),
            "DeleteFunctionEventInvokeConfig" => invoke_config::delete(cx, call),

            "AddPermission" => permission::add(cx, call),
            "RemovePermission" => permission::remove(cx, call),
            "GetPolicy" => permission::get(cx, call),

            "TagResource" => tagging::TAGS.tag(cx, call),
            "UntagResource" => tagging::TAGS.untag(cx, call),
            "ListTags" => tagging::TAGS.list(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    /// A runtime that is none has the code of Lambda's own checks, unlike all other values that the model refuses (recorded
    /// from real AWS).
    fn refused(_cx: &Cx<'_>, call: &Call, violation: Violation) -> Refusal {
        match (violation.path.as_str(), violation.problem) {
            ("Runtime", Problem::Enum) => invalid(violation.message),
            _ => super::refused::<Self>(call, violation),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let now_millis = cx.now_millis;
        let state = &mut cx.r.lambda;
        state.lingering.retain(|lingering| lingering.until_millis > now_millis);
        for function in state.functions.values_mut() {
            if let Some(next) = Next::due(&mut function.next, now_millis) {
                function.settled(&next.state, uuid(&mut state.ids));
            }
        }
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        self.functions.values().flat_map(|function| objects_of(function, home)).collect()
    }

    fn interfaces(&self) -> Vec<Interface> {
        let held = self.functions.values().flat_map(|function| &function.interfaces);
        held.chain(self.lingering.iter().map(|lingering| &lingering.interface)).cloned().collect()
    }
}

fn objects_of(function: &Function, home: &str) -> Vec<Object> {
    let name = &function.function_name;
    let part = |kind: &str, id: String| Object::new("lambda", home, kind, id, Tags::new()).part_of(name);
    let mut objects =
        vec![Object::new("lambda", home, "AWS::Lambda::Function", name, function.tags.clone()).named(name)];
    for sid in function.policy.iter().filter_map(|statement| statement["Sid"].as_str()) {
        objects.push(part("AWS::Lambda::Permission", format!("{name}|{sid}")).named(sid));
    }
    if function.invoke_config.is_some() {
        objects.push(part("AWS::Lambda::EventInvokeConfig", format!("{name}|$LATEST")));
    }
    objects
}

impl State {
    /// A function by its name or its ARN.
    pub(crate) fn function(&self, name_or_arn: &str) -> Option<&Function> {
        self.functions
            .get(name_or_arn)
            .or_else(|| self.functions.values().find(|function| function.function_arn == name_or_arn))
    }

    fn named(&self, region: &str, given: &str) -> Result<&Function, Refusal> {
        let name = name_of(region, given)?;
        self.functions.get(&name).ok_or_else(|| no_function(region, &name))
    }

    fn named_mut(&mut self, region: &str, given: &str) -> Result<&mut Function, Refusal> {
        let name = name_of(region, given)?;
        self.functions.get_mut(&name).ok_or_else(|| no_function(region, &name))
    }
}

fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{name}")
}

/// The name in what a call names a function by. Versions and aliases are not modelled, so no other qualifier than `$LATEST`
/// names anything.
fn name_of(region: &str, given: &str) -> Result<String, Refusal> {
    match split_name(region, given)? {
        (name, None) => Ok(name),
        (name, Some(qualifier)) if qualifier == LATEST => Ok(name),
        _ => Err(no_function(region, given)),
    }
}

/// The one version of a function that there is.
const LATEST: &str = "$LATEST";

/// What a call names a function by (`NAME`, `ACCOUNT:function:NAME` or the ARN), without the qualifier that it may end with.
fn split_name(region: &str, given: &str) -> Result<(String, Option<String>), Refusal> {
    let missing = || no_function(region, given);
    let rest = match given.split_once("function:") {
        None => given,
        Some((before, rest)) => {
            let full = format!("arn:aws:lambda:{region}:{ACCOUNT_ID}:");
            let partial = format!("{ACCOUNT_ID}:");
            ensure(["", full.as_str(), partial.as_str()].contains(&before), missing)?;
            rest
        }
    };
    let (name, qualifier) = match rest.split_once(':') {
        None => (rest, None),
        Some((name, qualifier)) => (name, Some(qualifier.to_owned())),
    };
    refuse_if(qualifier.as_ref().is_some_and(|qualifier| qualifier.contains(':')), missing)?;
    Ok((name.to_owned(), qualifier))
}

/// Whether a call names the one version that there is, by a qualifier or at the end of the name.
fn check_qualifier(region: &str, given: &str, qualifier: Option<&str>) -> Result<bool, Refusal> {
    let (name, suffix) = split_name(region, given)?;
    match (qualifier, suffix.as_deref()) {
        (Some(one), Some(other)) if one != other => Err(invalid(
            "The derived qualifier from the function name does not match the specified qualifier.",
        )),
        (None, None) => Ok(false),
        (Some(LATEST), _) | (None, Some(LATEST)) => Ok(true),
        (Some(other), _) | (None, Some(other)) => Err(no_function(region, &format!("{name}:{other}"))),
    }
}

/// Refuses a qualifier where a call is about the function as a whole.
fn check_whole(region: &str, given: &str, message: &str) -> Result<(), Refusal> {
    match split_name(region, given)? {
        (_, None) => Ok(()),
        (_, Some(_)) => Err(invalid(message)),
    }
}

/// An identifier such as `01234567-89ab-cdef-0123-456789abcdef`.
fn uuid(ids: &mut IdSource) -> String {
    let text = format!("{:016x}{:016x}", ids.number(), ids.number());
    let [a, b, c, d, e] = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(from, to)| &text[from..to]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

// Lambda API Reference, the errors of each operation.

refusals! {
    invalid: "InvalidParameterValueException";
    conflict: "ResourceConflictException", 409;
    not_found: "ResourceNotFoundException", 404;
}

fn no_function(region: &str, name: &str) -> Refusal {
    not_found(format!("Function not found: {}", arn(region, name)))
}

/// The refusal of what AWS has and the emulator does not.
fn unmodelled(what: &str) -> Refusal {
    Refusal::new("UnknownParameter", format!("The emulator does not model {what}."))
}
