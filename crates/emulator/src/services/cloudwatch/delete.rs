//! DeleteAlarms.

use serde_json::Value;

use super::{State, validation};
use crate::services::{Answer, Call, Cx, Refusal, refuse_if};

/// Names that are not there do not keep the others from being deleted (DeleteAlarms); if none is there, that is an
/// error.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let alarm_names: Vec<String> = call.member("AlarmNames")?;
    let now_millis = cx.now_millis;
    let state = &mut cx.r.cloudwatch;
    check(state, &alarm_names)?;
    for name in alarm_names {
        if state.alarms.remove(&name).is_some() || state.composites.remove(&name).is_some() {
            state.deleted.insert(name, now_millis);
        }
    }
    Ok(Value::Null)
}

fn check(state: &State, names: &[String]) -> Result<(), Refusal> {
    // DeleteAlarms: "this total can include no more than one composite alarm".
    if names.iter().filter(|name| state.composites.contains_key(*name)).count() > 1 {
        return Err(validation("At most one composite alarm can be deleted in a call."));
    }
    let needed: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| state.parents(name).next().is_some()).collect();
    if !needed.is_empty() {
        let names = needed.join(",");
        return Err(validation(format!(
            "Cannot delete {names} as there are composite alarm(s) depending on it."
        )));
    }
    refuse_if(!names.is_empty() && !names.iter().any(|name| state.alarm_exists(name)), || {
        let message = format!("There is no alarm {}.", names.join(", "));
        Refusal::new("ResourceNotFound", message).with_status(404)
    })
}
