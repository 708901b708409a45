//! How asynchronous calls of a function are retried.

use serde::Deserialize;
use serde_json::json;

use super::joins::target_exists;
use super::records::{DestinationConfig, Function, InvokeConfig};
use super::{check_qualifier, invalid, not_found};
use crate::services::{Answer, Call, Cx, Refusal, ensure, to_json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    function_name: String,
    qualifier: Option<String>,
    maximum_retry_attempts: Option<i64>,
    maximum_event_age_in_seconds: Option<i64>,
    destination_config: Option<DestinationConfig>,
}

/// "Each option can only be set once; to overwrite an existing configuration, use this operation again" (Lambda API
/// Reference, PutFunctionEventInvokeConfig): what is not given is gone.
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Put = call.input()?;
    let function = cx.r.lambda.named(cx.region, &given.function_name)?;
    check_qualifier(cx.region, &given.function_name, given.qualifier.as_deref())?;
    let nothing = given.maximum_retry_attempts.is_none()
        && given.maximum_event_age_in_seconds.is_none()
        && given.destination_config.is_none();
    if nothing {
        return Err(invalid("You must specify at least one of error handling or destination setting."));
    }
    let destinations = given.destination_config.unwrap_or_default();
    check(cx, function, &destinations)?;
    let config = InvokeConfig {
        last_modified: cx.now_seconds(),
        function_arn: format!("{}:$LATEST", function.function_arn),
        maximum_retry_attempts: given.maximum_retry_attempts,
        maximum_event_age_in_seconds: given.maximum_event_age_in_seconds,
        destination_config: destinations,
    };
    let answer = to_json(&config);
    cx.r.lambda.named_mut(cx.region, &given.function_name)?.invoke_config = Some(config);
    Ok(answer)
}

fn check(cx: &Cx<'_>, function: &Function, config: &DestinationConfig) -> Result<(), Refusal> {
    let given = [&config.on_success, &config.on_failure].into_iter();
    for arn in given.filter_map(|to| to.destination.as_deref()).filter(|arn| !arn.is_empty()) {
        if arn == function.function_arn {
            return Err(invalid("You can't specify the function as a destination for itself."));
        }
        ensure(target_exists(cx, arn), || invalid(format!("The destination ARN {arn} is invalid.")))?;
    }
    Ok(())
}

fn none(function: &Function) -> Refusal {
    not_found(format!("The function {}:$LATEST doesn't have an EventInvokeConfig", function.function_arn))
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, qualifier): (String, Option<String>) =
        call.members(&["FunctionName", "Qualifier"])?;
    let function = cx.r.lambda.named(cx.region, &function_name)?;
    check_qualifier(cx.region, &function_name, qualifier.as_deref())?;
    Ok(to_json(function.invoke_config.as_ref().ok_or_else(|| none(function))?))
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (function_name, qualifier): (String, Option<String>) =
        call.members(&["FunctionName", "Qualifier"])?;
    check_qualifier(cx.region, &function_name, qualifier.as_deref())?;
    let function = cx.r.lambda.named_mut(cx.region, &function_name)?;
    match function.invoke_config.take() {
        Some(_) => Ok(json!({})),
        None => Err(none(function)),
    }
}
