//! Composite alarms: alarms on the states of other alarms.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actions::{self, Taker};
use super::alarm::{ActionConfiguration, Settings, Status, read_tags, upsert, yes};
use super::{State, alarm_name, has_control_characters, rule, validation};
use crate::services::{Answer, Call, Cx, Refusal, Tag};

/// What PutCompositeAlarm is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CompositeSettings {
    alarm_name: String,
    alarm_description: Option<String>,
    alarm_rule: String,
    #[serde(default = "yes")]
    actions_enabled: bool,
    #[serde(default, rename = "OKActions")]
    ok_actions: Vec<String>,
    #[serde(default)]
    alarm_actions: Vec<String>,
    #[serde(default)]
    insufficient_data_actions: Vec<String>,
    actions_suppressor: Option<String>,
    actions_suppressor_wait_period: Option<i64>,
    actions_suppressor_extension_period: Option<i64>,
    action_configuration: Option<ActionConfiguration>,
    #[serde(default, skip_serializing)]
    tags: Vec<Tag>,
}

impl Settings for CompositeSettings {
    fn name(&self) -> &str {
        &self.alarm_name
    }

    fn actions(&self) -> [&[String]; 3] {
        [&self.ok_actions, &self.alarm_actions, &self.insufficient_data_actions]
    }
}

impl CompositeSettings {
    /// The names of the alarms that the rule refers to.
    pub(super) fn children(&self) -> impl Iterator<Item = String> {
        rule::children(&self.alarm_rule).unwrap_or_default().into_iter()
    }

    fn check(&self, region: &str, state: &State) -> Result<(), Refusal> {
        if has_control_characters(&self.alarm_name) {
            return Err(validation("AlarmName must not contain control characters."));
        }
        let children = rule::children(&self.alarm_rule)
            .map_err(|reason| validation(format!("Error in AlarmRule [{reason}]")))?;
        let unknown: Vec<String> = children.into_iter().filter(|child| !state.alarm_exists(child)).collect();
        if !unknown.is_empty() {
            let names = unknown.join(", ");
            return Err(validation(format!(
                "Could not save the composite alarm as alarms [{names}] in the alarm rule do not exist"
            )));
        }
        self.check_suppressor(state)?;
        actions::check(self.actions(), region, Taker::CompositeAlarm)
    }

    /// PutCompositeAlarm, ActionsSuppressor: an existing alarm; both periods are required with it, and make no sense
    /// without it.
    fn check_suppressor(&self, state: &State) -> Result<(), Refusal> {
        let periods = [self.actions_suppressor_wait_period, self.actions_suppressor_extension_period];
        match &self.actions_suppressor {
            Some(alarm) if !state.alarm_exists(alarm_name(alarm)) => {
                Err(validation(format!("The suppressor alarm {alarm} does not exist.")))
            }
            Some(_) if periods.iter().flatten().filter(|period| **period >= 0).count() < 2 => {
                Err(validation(
                    "ActionsSuppressor needs ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod.",
                ))
            }
            None if periods.iter().any(Option::is_some) => {
                Err(validation("The periods of a suppressor need ActionsSuppressor."))
            }
            _ => Ok(()),
        }
    }
}

/// Cycles are not refused: CloudWatch lets them come about by changing rules, and then none of their alarms can be
/// deleted (PutCompositeAlarm).
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut settings: CompositeSettings = call.input()?;
    let tags = read_tags(std::mem::take(&mut settings.tags))?;
    settings.check(cx.region, &cx.r.cloudwatch)?;
    if cx.r.cloudwatch.alarms.contains_key(&settings.alarm_name) {
        return Err(validation(format!("{} is the name of a metric alarm.", settings.alarm_name)));
    }
    let status =
        Status::new(cx.arn("cloudwatch", &format!("alarm:{}", settings.alarm_name)), cx.now_seconds());
    upsert(&mut cx.r.cloudwatch.composites, settings, status, tags);
    Ok(Value::Null)
}
