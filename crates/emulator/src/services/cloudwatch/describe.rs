//! DescribeAlarms.

use serde::Deserialize;
use serde_json::{Value, json};

use super::alarm::{Alarm, Settings, as_child};
use super::{State, page, validation};
use crate::services::{Answer, Call, Cx, Refusal, refuse_if};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    alarm_names: Option<Vec<String>>,
    alarm_name_prefix: Option<String>,
    alarm_types: Option<Vec<String>>,
    children_of_alarm_name: Option<String>,
    parents_of_alarm_name: Option<String>,
    state_value: Option<String>,
    action_prefix: Option<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

/// What a page consists of: the member of the answer, and an alarm for it.
type Entry = (&'static str, Value);

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    input.check()?;
    let entries = input.entries(&cx.r.cloudwatch);
    let size = input.max_records.unwrap_or(100);
    let (entries, token) = page(entries.into_iter(), input.next_token.as_deref(), size)?;
    let of = |kind: &str| -> Vec<&Value> {
        entries.iter().filter(|(member, _)| *member == kind).map(|(_, alarm)| alarm).collect()
    };
    Ok(json!({"MetricAlarms": of(METRIC), "CompositeAlarms": of(COMPOSITE), "NextToken": token}))
}

const METRIC: &str = "MetricAlarms";
const COMPOSITE: &str = "CompositeAlarms";

impl Input {
    /// DescribeAlarms: names or a prefix; the family of an alarm and nothing else.
    fn check(&self) -> Result<(), Refusal> {
        if self.alarm_names.is_some() && self.alarm_name_prefix.is_some() {
            return Err(validation("AlarmNames and AlarmNamePrefix exclude each other."));
        }
        let filters = [
            self.alarm_names.is_some(),
            self.alarm_name_prefix.is_some(),
            self.alarm_types.is_some(),
            self.state_value.is_some(),
            self.action_prefix.is_some(),
        ];
        let family =
            [&self.children_of_alarm_name, &self.parents_of_alarm_name].into_iter().flatten().count();
        refuse_if(family > 1 || (family == 1 && filters.contains(&true)), || {
            validation("ChildrenOfAlarmName and ParentsOfAlarmName allow no other parameter.")
        })
    }

    /// The alarms that were asked for, by name.
    fn entries(&self, state: &State) -> Vec<(String, Entry)> {
        let mut entries = Vec::new();
        if let Some(parent) = &self.children_of_alarm_name {
            let children: Vec<String> = state
                .composites
                .get(parent)
                .into_iter()
                .flat_map(|alarm| alarm.settings.children())
                .collect();
            for name in children {
                let metric = state.alarms.get(&name).map(|alarm| (METRIC, as_child(alarm)));
                let composite = state.composites.get(&name).map(|alarm| (COMPOSITE, as_child(alarm)));
                entries.extend(metric.or(composite).map(|entry| (name, entry)));
            }
        } else if let Some(child) = &self.parents_of_alarm_name {
            entries.extend(state.parents(child).map(|alarm| {
                let name = alarm.settings.name();
                (name.to_owned(), (COMPOSITE, json!({"AlarmName": name, "AlarmArn": alarm.status.alarm_arn})))
            }));
        } else {
            let metric = state.alarms.values().filter(|alarm| self.wants("MetricAlarm", alarm));
            entries.extend(metric.map(|alarm| (alarm.settings.name().to_owned(), (METRIC, alarm.wire()))));
            let composite = state.composites.values().filter(|alarm| self.wants("CompositeAlarm", alarm));
            entries
                .extend(composite.map(|alarm| (alarm.settings.name().to_owned(), (COMPOSITE, alarm.wire()))));
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries
    }

    fn wants<S: Settings>(&self, kind: &str, alarm: &Alarm<S>) -> bool {
        let name = alarm.settings.name();
        let is_kind = match &self.alarm_types {
            Some(kinds) => kinds.iter().any(|wanted| wanted == kind),
            // DescribeAlarms, AlarmTypes: "If you omit this parameter, only metric alarms are returned".
            None => kind == "MetricAlarm",
        };
        is_kind
            && self.alarm_names.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
            && self.alarm_name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
            && self.state_value.as_ref().is_none_or(|state| alarm.status.state_value == *state)
            && self.action_prefix.as_ref().is_none_or(|prefix| {
                alarm.settings.actions().concat().iter().any(|arn| arn.starts_with(prefix))
            })
    }
}
