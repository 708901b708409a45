//! Reserved concurrency.

use serde_json::json;

use super::{check_whole, invalid};
use crate::services::{Answer, Call, Cx};

/// Lambda Developer Guide, "Lambda quotas" and "Configuring reserved concurrency for a function": of 1,000 executions in
/// a region, 100 must stay for functions that reserve none.
const ALL: i64 = 1000;
const UNRESERVED: i64 = 100;

/// Executions are reserved for a function, and not for a version of it (recorded from real AWS).
const WHOLE: &str = "This operation is permitted on Lambda functions only. Aliases and versions do not support this \
                     operation. Please specify either a function name or an unqualified function ARN.";

/// Lambda API Reference, GetAccountSettings; sizes are those of "Lambda quotas".
pub(super) fn settings(cx: &mut Cx<'_>, _call: &Call) -> Answer {
    let functions = &cx.r.lambda.functions;
    let reserved: i64 = functions.values().filter_map(|function| function.reserved_concurrency).sum();
    let size: u64 = functions.values().map(|function| function.code_size).sum();
    Ok(json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_i64,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": ALL,
            "UnreservedConcurrentExecutions": ALL - reserved,
        },
        "AccountUsage": {"TotalCodeSize": size, "FunctionCount": functions.len()},
    }))
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, wanted): (String, i64) =
        call.members(&["FunctionName", "ReservedConcurrentExecutions"])?;
    check_whole(cx.region, &function_name, WHOLE)?;
    let state = &mut cx.r.lambda;
    let name = state.named(cx.region, &function_name)?.function_name.clone();
    let others = state.functions.values().filter(|other| other.function_name != name);
    let reserved: i64 = others.filter_map(|other| other.reserved_concurrency).sum();
    if ALL - reserved - wanted < UNRESERVED {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's \
             UnreservedConcurrentExecution below its minimum value of [{UNRESERVED}]."
        )));
    }
    state.named_mut(cx.region, &function_name)?.reserved_concurrency = Some(wanted);
    Ok(json!({"ReservedConcurrentExecutions": wanted}))
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, _): (String, Option<String>) = call.members(&["FunctionName", "Qualifier"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    Ok(json!({"ReservedConcurrentExecutions": function.reserved_concurrency}))
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, _): (String, Option<String>) = call.members(&["FunctionName", "Qualifier"])?;
    check_whole(cx.region, &function_name, WHOLE)?;
    cx.r.lambda.named_mut(cx.region, &function_name)?.reserved_concurrency = None;
    Ok(json!({}))
}
