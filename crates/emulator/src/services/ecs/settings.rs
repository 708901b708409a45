//! Account settings (ECS Developer Guide, "Access Amazon ECS features with account settings").

use serde_json::{Value, json};

use super::{State, invalid};
use crate::services::{ACCOUNT_ID, Answer, Call, Cx};

/// Each setting, its default and the values that it takes.
const SETTINGS: [(&str, &str, &[&str]); 10] = [
    ("awsvpcTrunking", "disabled", &["enabled", "disabled"]),
    ("containerInsights", "disabled", &["enabled", "disabled", "enhanced"]),
    ("containerInstanceLongArnFormat", "enabled", &["enabled", "disabled"]),
    ("defaultLogDriverMode", "non-blocking", &["blocking", "non-blocking"]),
    ("fargateFIPSMode", "disabled", &["enabled", "disabled"]),
    ("fargateTaskRetirementWaitPeriod", "7", &["0", "7", "14"]),
    ("guardDutyActivate", "off", &["on", "off"]),
    ("serviceLongArnFormat", "enabled", &["enabled", "disabled"]),
    ("tagResourceAuthorization", "off", &["on", "off"]),
    ("taskLongArnFormat", "enabled", &["enabled", "disabled"]),
];

/// ECS API Reference, PutAccountSettingDefault.
pub(super) fn put_default(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, value): (String, String) = call.members(&["name", "value"])?;
    let known = SETTINGS.iter().find(|(known, ..)| *known == name);
    let (.., values) = known.ok_or_else(|| invalid(format!("The emulator has no setting {name}.")))?;
    if !values.contains(&value.as_str()) {
        return Err(invalid(format!("{value} is not a value of {name}: {}.", values.join(", "))));
    }
    let answer = json!({"setting": shown(&name, &value)});
    cx.r.ecs.settings.insert(name, value);
    Ok(answer)
}

/// ECS API Reference, ListAccountSettings. Without `effectiveSettings` only what was changed is listed.
pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, value, effective_settings): (Option<String>, Option<String>, bool) =
        call.members(&["name", "value", "effectiveSettings"])?;
    let state = &cx.r.ecs;
    let settings: Vec<Value> = SETTINGS
        .iter()
        .filter(|(known, ..)| name.as_deref().is_none_or(|name| name == *known))
        .filter(|(known, ..)| effective_settings || state.settings.contains_key(*known))
        .map(|(known, ..)| (*known, state.setting(known)))
        .filter(|(_, is)| value.as_deref().is_none_or(|value| value == *is))
        .map(|(known, is)| shown(known, is))
        .collect();
    Ok(json!({"settings": settings}))
}

fn shown(name: &str, value: &str) -> Value {
    let principal = format!("arn:aws:iam::{ACCOUNT_ID}:root");
    json!({"name": name, "value": value, "principalArn": principal, "type": "user"})
}

impl State {
    /// The value of an account setting; empty for one that there is not.
    pub(super) fn setting(&self, name: &str) -> &str {
        let default =
            || SETTINGS.iter().find(|(known, ..)| *known == name).map_or("", |(_, default, _)| default);
        self.settings.get(name).map_or_else(default, String::as_str)
    }
}
