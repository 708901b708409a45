//! Schedules.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::group::DEFAULT;
use super::joins::key_usable;
use super::target::Target;
use super::{State, arn, conflict, expression, invalid, not_found};
use crate::services::{Answer, Call, Cx, Refusal, Table, page_by_key, to_json};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Schedule {
    arn: String,
    pub(super) group_name: String,
    pub(super) name: String,
    schedule_expression: String,
    schedule_expression_timezone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_date: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    state: String,
    creation_date: f64,
    last_modification_date: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_arn: Option<String>,
    target: Target,
    flexible_time_window: FlexibleTimeWindow,
    action_after_completion: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FlexibleTimeWindow {
    mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_window_in_minutes: Option<i64>,
}

/// What CreateSchedule and UpdateSchedule take.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    name: String,
    group_name: Option<String>,
    schedule_expression: String,
    start_date: Option<f64>,
    end_date: Option<f64>,
    description: Option<String>,
    schedule_expression_timezone: Option<String>,
    state: Option<String>,
    kms_key_arn: Option<String>,
    target: Target,
    flexible_time_window: FlexibleTimeWindow,
    _client_token: Option<String>,
    action_after_completion: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    group_name: Option<String>,
    name_prefix: Option<String>,
    state: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

fn key(group: &str, name: &str) -> String {
    format!("{group}/{name}")
}

fn in_group(group: Option<String>) -> String {
    group.unwrap_or_else(|| DEFAULT.to_owned())
}

impl Schedule {
    /// Whether it is to be deleted after its last call, and that is over: after the end date of one that recurs, which without one
    /// stays for ever, and after the time of one that does not (EventBridge Scheduler User Guide, "Deletion after schedule
    /// completion"). Times in other zones than UTC are not known here.
    pub(super) fn goes_by_itself(&self, now: f64) -> bool {
        let last = if expression::is_once(&self.schedule_expression) {
            expression::only_time(&self.schedule_expression, &self.schedule_expression_timezone)
        } else {
            self.end_date
        };
        self.action_after_completion == "DELETE" && last.is_some_and(|last| last <= now)
    }
}

impl State {
    fn schedule(&self, group: &str, name: &str) -> Result<&Schedule, Refusal> {
        self.schedules
            .get(&key(group, name))
            .ok_or_else(|| not_found(format!("Schedule {name} does not exist.")))
    }
}

/// A schedule as it is given, once everything about it is allowed. What is not given is what it is by default.
fn checked(cx: &Cx<'_>, given: Given, created: f64) -> Result<Schedule, Refusal> {
    expression::check(&given.schedule_expression)?;
    let zone = given.schedule_expression_timezone.unwrap_or_else(|| "UTC".to_owned());
    expression::check_zone(&zone)?;
    if !expression::is_once(&given.schedule_expression) {
        check_dates(cx.now_seconds(), given.start_date, given.end_date)?;
    }
    check_window(&given.flexible_time_window)?;
    if let Some(key) = given.kms_key_arn.as_ref().filter(|key| !key_usable(cx, key)) {
        return Err(invalid(format!("The KMS key {key} cannot be used.")));
    }
    given.target.check(cx)?;
    let group = in_group(given.group_name);
    Ok(Schedule {
        arn: arn(cx.region, &format!("schedule/{group}/{}", given.name)),
        group_name: group,
        name: given.name,
        schedule_expression: given.schedule_expression,
        schedule_expression_timezone: zone,
        start_date: given.start_date,
        end_date: given.end_date,
        description: given.description,
        state: given.state.unwrap_or_else(|| "ENABLED".to_owned()),
        creation_date: created,
        last_modification_date: cx.now_seconds(),
        kms_key_arn: given.kms_key_arn,
        target: given.target,
        flexible_time_window: given.flexible_time_window,
        action_after_completion: given.action_after_completion.unwrap_or_else(|| "NONE".to_owned()),
    })
}

/// EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler", "Rate-based schedules": a start may lie
/// five minutes back, an end not at all.
fn check_dates(now: f64, start: Option<f64>, end: Option<f64>) -> Result<(), Refusal> {
    const GRACE: f64 = 300.0;
    if start.is_some_and(|start| start < now - GRACE) {
        return Err(invalid("The StartDate you specify cannot be earlier than 5 minutes ago."));
    }
    if end.is_some_and(|end| end <= now) {
        return Err(invalid("The EndDate you specify must be in the future."));
    }
    match (start, end) {
        (Some(start), Some(end)) if end <= start => {
            Err(invalid("The EndDate you specify must come after the StartDate."))
        }
        _ => Ok(()),
    }
}

/// EventBridge Scheduler API Reference, FlexibleTimeWindow.
fn check_window(window: &FlexibleTimeWindow) -> Result<(), Refusal> {
    match (window.mode.as_str(), window.maximum_window_in_minutes) {
        ("FLEXIBLE", None) => Err(invalid("A flexible time window needs MaximumWindowInMinutes.")),
        ("OFF", Some(_)) => Err(invalid("MaximumWindowInMinutes is only for flexible time windows.")),
        _ => Ok(()),
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Given = call.input()?;
    let group = in_group(given.group_name.clone());
    let at = key(&group, &given.name);
    cx.r.scheduler.open_group(&group)?;
    if cx.r.scheduler.schedules.contains_key(&at) {
        return Err(conflict(format!("Schedule {} already exists.", given.name)));
    }
    let schedule = checked(cx, given, cx.now_seconds())?;
    let answer = json!({"ScheduleArn": schedule.arn});
    cx.r.scheduler.schedules.insert(at, schedule);
    Ok(answer)
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, group_name, _): (String, Option<String>, Option<String>) =
        call.members(&["Name", "GroupName", "ClientToken"])?;
    Ok(to_json(cx.r.scheduler.schedule(&in_group(group_name), &name)?))
}

/// "UpdateSchedule uses all values, including empty values, specified in the request and overrides the existing schedule"
/// (EventBridge Scheduler API Reference, UpdateSchedule).
pub(super) fn update(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Given = call.input()?;
    let group = in_group(given.group_name.clone());
    cx.r.scheduler.open_group(&group)?;
    let created = cx.r.scheduler.schedule(&group, &given.name)?.creation_date;
    let schedule = checked(cx, given, created)?;
    let answer = json!({"ScheduleArn": schedule.arn});
    cx.r.scheduler.schedules.insert(key(&group, &schedule.name), schedule);
    Ok(answer)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, group_name, _): (String, Option<String>, Option<String>) =
        call.members(&["Name", "GroupName", "ClientToken"])?;
    let group = in_group(group_name);
    cx.r.scheduler.schedule(&group, &name)?;
    cx.r.scheduler.schedules.remove(&key(&group, &name));
    Ok(json!({}))
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: List = call.input()?;
    let state = &cx.r.scheduler;
    if let Some(group) = &given.group_name {
        state.groups.find(group)?;
    }
    let wanted = |schedule: &Schedule| {
        given.group_name.as_ref().is_none_or(|group| schedule.group_name == *group)
            && given.name_prefix.as_ref().is_none_or(|prefix| schedule.name.starts_with(prefix))
            && given.state.as_ref().is_none_or(|state| schedule.state == *state)
    };
    let found = state.schedules.iter().filter(|(_, schedule)| wanted(schedule));
    let found = found.map(|(key, schedule)| (key.as_str(), summary(schedule)));
    let (schedules, next) = page_by_key(found, given.next_token.as_deref(), given.max_results.unwrap_or(100));
    Ok(json!({"Schedules": schedules, "NextToken": next}))
}

fn summary(schedule: &Schedule) -> Value {
    json!({
        "Arn": schedule.arn,
        "Name": schedule.name,
        "GroupName": schedule.group_name,
        "State": schedule.state,
        "CreationDate": schedule.creation_date,
        "LastModificationDate": schedule.last_modification_date,
        "Target": {"Arn": schedule.target.arn},
    })
}
