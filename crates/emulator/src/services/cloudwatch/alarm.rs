//! Metric alarms: what they watch, and the state that they are in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actions::{self, Taker};
use super::metrics_list::{self, MetricDataQuery};
use super::{has_control_characters, validation};
use crate::services::{Answer, Call, Cx, Object, Refusal, Tag, Tags, ensure, refuse_if, tags, to_json};

/// An alarm of either kind: what was put, and what CloudWatch adds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Alarm<S> {
    pub(super) settings: S,
    pub(super) status: Status,
    pub(super) tags: Tags,
    /// The ARN of the scaling policy that keeps the alarm, for those that Application Auto Scaling makes.
    pub(super) managed_by: Option<String>,
}

/// What CloudWatch adds to an alarm.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    pub(super) alarm_arn: String,
    pub(super) alarm_configuration_updated_timestamp: f64,
    pub(super) state_value: String,
    pub(super) state_reason: String,
    pub(super) state_reason_data: Option<String>,
    pub(super) state_updated_timestamp: f64,
    pub(super) state_transitioned_timestamp: f64,
}

/// What both kinds of alarms have.
pub(super) trait Settings: Serialize {
    fn name(&self) -> &str;

    /// The actions for OK, ALARM and INSUFFICIENT_DATA.
    fn actions(&self) -> [&[String]; 3];
}

impl Status {
    /// A new alarm's (PutMetricAlarm: "the alarm state is immediately set to INSUFFICIENT_DATA").
    pub(super) fn new(alarm_arn: String, now: f64) -> Self {
        Status {
            alarm_arn,
            alarm_configuration_updated_timestamp: now,
            state_value: "INSUFFICIENT_DATA".to_owned(),
            state_reason: "Unchecked: Initial alarm creation".to_owned(),
            state_reason_data: None,
            state_updated_timestamp: now,
            state_transitioned_timestamp: now,
        }
    }

    fn set(&mut self, to: StateInput, now: f64) {
        if self.state_value != to.state_value {
            self.state_transitioned_timestamp = now;
        }
        self.state_value = to.state_value;
        self.state_reason = to.state_reason;
        self.state_reason_data = to.state_reason_data;
        self.state_updated_timestamp = now;
    }
}

impl<S: Settings> Alarm<S> {
    /// The alarm as DescribeAlarms has it.
    pub(super) fn wire(&self) -> Value {
        let (mut all, status) = (to_json(&self.settings), to_json(&self.status));
        if let (Value::Object(all), Value::Object(status)) = (&mut all, status) {
            all.extend(status);
        }
        all
    }

    pub(super) fn object(&self, home: &str, kind: &str) -> Object {
        let name = self.settings.name();
        let object = Object::new("monitoring", home, kind, name, self.tags.clone()).named(name);
        match &self.managed_by {
            Some(policy) => object.by_default(true).part_of(policy),
            None => object,
        }
    }
}

/// Makes an alarm or replaces its settings. Its state stays, and so do its tags: those of an existing alarm are changed
/// by TagResource alone (PutMetricAlarm, Tags).
pub(super) fn upsert<S: Settings>(
    alarms: &mut BTreeMap<String, Alarm<S>>,
    settings: S,
    new: Status,
    tags: Tags,
) {
    match alarms.get_mut(settings.name()) {
        Some(alarm) => {
            alarm.status.alarm_configuration_updated_timestamp = new.alarm_configuration_updated_timestamp;
            alarm.settings = settings;
        }
        None => {
            let name = settings.name().to_owned();
            alarms.insert(name, Alarm { settings, status: new, tags, managed_by: None });
        }
    }
}

/// Reads tags of alarms and dashboards.
pub(super) fn read_tags(given: Vec<Tag>) -> Result<Tags, Refusal> {
    tags(given, super::invalid_value)
}

/// What PutMetricAlarm is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MetricSettings {
    pub(super) alarm_name: String,
    pub(super) alarm_description: Option<String>,
    #[serde(default = "yes")]
    pub(super) actions_enabled: bool,
    #[serde(default, rename = "OKActions")]
    pub(super) ok_actions: Vec<String>,
    #[serde(default)]
    pub(super) alarm_actions: Vec<String>,
    #[serde(default)]
    pub(super) insufficient_data_actions: Vec<String>,
    pub(super) metric_name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) statistic: Option<String>,
    pub(super) extended_statistic: Option<String>,
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
    pub(super) period: Option<i64>,
    pub(super) unit: Option<String>,
    pub(super) evaluation_periods: Option<i64>,
    pub(super) datapoints_to_alarm: Option<i64>,
    pub(super) threshold: Option<f64>,
    pub(super) comparison_operator: Option<String>,
    pub(super) treat_missing_data: Option<String>,
    pub(super) evaluate_low_sample_count_percentile: Option<String>,
    /// Absent for an alarm on one metric, where other lists would be shown as empty (recorded from real AWS).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) metrics: Vec<MetricDataQuery>,
    pub(super) threshold_metric_id: Option<String>,
    pub(super) evaluation_window: Option<EvaluationWindow>,
    pub(super) warm_up_configuration: Option<WarmUp>,
    pub(super) action_configuration: Option<ActionConfiguration>,
    #[serde(default, skip_serializing)]
    pub(super) tags: Vec<Tag>,
}

/// The range of data that an alarm looks at (CloudWatch API Reference, EvaluationWindow).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) enum EvaluationWindow {
    SlidingWindow {},
    #[serde(rename_all = "PascalCase")]
    WallClockWindow {
        timezone: Option<String>,
    },
}

/// For how long an alarm stays silent after it was put (CloudWatch API Reference, WarmUpConfiguration).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct WarmUp {
    warm_up_period_duration_in_minutes: i64,
    #[serde(default)]
    only_start_evaluating_after_warm_up_period_ends: bool,
}

/// What messages of an alarm say besides (CloudWatch API Reference, ActionConfiguration).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ActionConfiguration {
    alarm_tags_propagation: Option<Propagation>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Propagation {
    enabled: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    included_tag_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    excluded_tag_keys: Vec<String>,
}

/// A part of what tells a metric from others of its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Dimension {
    pub(super) name: String,
    pub(super) value: String,
}

pub(super) fn yes() -> bool {
    true
}

impl Settings for MetricSettings {
    fn name(&self) -> &str {
        &self.alarm_name
    }

    fn actions(&self) -> [&[String]; 3] {
        [&self.ok_actions, &self.alarm_actions, &self.insufficient_data_actions]
    }
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut settings: MetricSettings = call.input()?;
    let tags = read_tags(std::mem::take(&mut settings.tags))?;
    settings.check(cx.region)?;
    if cx.r.cloudwatch.composites.contains_key(&settings.alarm_name) {
        return Err(validation(format!("{} is the name of a composite alarm.", settings.alarm_name)));
    }
    let status =
        Status::new(cx.arn("cloudwatch", &format!("alarm:{}", settings.alarm_name)), cx.now_seconds());
    upsert(&mut cx.r.cloudwatch.alarms, settings, status, tags);
    Ok(Value::Null)
}

impl MetricSettings {
    fn check(&self, region: &str) -> Result<(), Refusal> {
        if has_control_characters(&self.alarm_name) {
            return Err(validation("AlarmName must not contain control characters."));
        }
        let period = match &self.metric_name {
            Some(_) => self.check_metric()?,
            None if self.metrics.is_empty() => {
                return Err(validation("Exactly one of MetricName and Metrics must be given."));
            }
            None => self.check_list()?,
        };
        self.check_evaluation(period)?;
        self.check_threshold()?;
        self.check_words()?;
        self.check_window(period)?;
        actions::check(self.actions(), region, Taker::MetricAlarm)?;
        // PutMetricAlarm, ThresholdMetricId: no Auto Scaling actions.
        let scales = self.actions().concat().iter().any(|arn| arn.starts_with("arn:aws:autoscaling:"));
        refuse_if(self.threshold_metric_id.is_some() && scales, || {
            validation("An alarm with ThresholdMetricId cannot have Auto Scaling actions.")
        })
    }

    /// Checks an alarm on one metric (PutMetricAlarm: MetricName, Period, Statistic), and returns its period.
    fn check_metric(&self) -> Result<i64, Refusal> {
        if !self.metrics.is_empty() {
            return Err(validation("MetricName should not be set if list of Metrics is set."));
        }
        refuse_if(self.namespace.is_none(), || validation("Namespace is required with MetricName."))?;
        match (&self.statistic, &self.extended_statistic) {
            (Some(_), None) => {}
            (None, Some(statistic)) => check_extended(statistic)?,
            _ => return Err(validation("Exactly one of Statistic and ExtendedStatistic must be given.")),
        }
        let period = self.period.ok_or_else(|| validation("Period is required with MetricName."))?;
        check_period(period)?;
        Ok(period)
    }

    /// Checks an alarm on a list of metrics, which leaves out what describes one metric (PutMetricAlarm, Metrics), and
    /// returns the longest of their periods.
    fn check_list(&self) -> Result<i64, Refusal> {
        let given = [
            ("Namespace", self.namespace.is_some()),
            ("Dimensions", !self.dimensions.is_empty()),
            ("Period", self.period.is_some()),
            ("Unit", self.unit.is_some()),
            ("Statistic", self.statistic.is_some()),
            ("ExtendedStatistic", self.extended_statistic.is_some()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
            return Err(validation(format!("{name} should not be set if list of Metrics is set.")));
        }
        metrics_list::check(&self.metrics, self.threshold_metric_id.as_deref())
    }

    /// The span of time that is looked at (PutMetricAlarm, Period), and "M out of N".
    fn check_evaluation(&self, period: i64) -> Result<(), Refusal> {
        let periods = self.evaluation_periods.ok_or_else(|| validation("EvaluationPeriods is required."))?;
        let (longest, name) = if period < 3600 { (86_400, "a day") } else { (604_800, "seven days") };
        if periods.saturating_mul(period) > longest {
            return Err(validation(format!(
                "Metrics cannot be checked across more than {name} (EvaluationPeriods * Period must be <= {longest})."
            )));
        }
        refuse_if(self.datapoints_to_alarm.is_some_and(|points| points > periods), || {
            validation("DatapointsToAlarm must not be more than EvaluationPeriods.")
        })
    }

    /// A number for alarms with a static threshold, a metric for those with a band (PutMetricAlarm, Threshold,
    /// ThresholdMetricId and ComparisonOperator).
    fn check_threshold(&self) -> Result<(), Refusal> {
        const OF_BANDS: [&str; 3] = [
            "LessThanLowerOrGreaterThanUpperThreshold",
            "LessThanLowerThreshold",
            "GreaterThanUpperThreshold",
        ];
        let operator = self
            .comparison_operator
            .as_deref()
            .ok_or_else(|| validation("ComparisonOperator is required."))?;
        match (self.threshold, &self.threshold_metric_id, OF_BANDS.contains(&operator)) {
            (Some(_), None, false) | (None, Some(_), true) => Ok(()),
            (Some(_), Some(_), _) | (None, None, _) => {
                Err(validation("Exactly one of Threshold and ThresholdMetricId must be given."))
            }
            (Some(_), None, true) => Err(validation(format!("{operator} needs ThresholdMetricId."))),
            (None, Some(_), false) => Err(validation(format!("{operator} needs Threshold."))),
        }
    }

    /// Words that the model of the API takes for any text.
    fn check_words(&self) -> Result<(), Refusal> {
        let treats = ["breaching", "notBreaching", "ignore", "missing"];
        check_word("TreatMissingData", self.treat_missing_data.as_deref(), &treats)?;
        let evaluates = self.evaluate_low_sample_count_percentile.as_deref();
        check_word("EvaluateLowSampleCountPercentile", evaluates, &["evaluate", "ignore"])
    }

    /// CloudWatch API Reference, WallClockWindow: only some periods fit a clock.
    fn check_window(&self, period: i64) -> Result<(), Refusal> {
        let by_clock = matches!(self.evaluation_window, Some(EvaluationWindow::WallClockWindow { .. }));
        refuse_if(by_clock && ![60, 300, 3600, 86_400, 604_800].contains(&period), || {
            validation(format!("A wall clock window does not support a period of {period}."))
        })
    }
}

fn check_word(name: &str, value: Option<&str>, words: &[&str]) -> Result<(), Refusal> {
    match value {
        Some(value) if !words.contains(&value) => {
            Err(validation(format!("{name} must be one of {}, and is {value}.", words.join(", "))))
        }
        _ => Ok(()),
    }
}

/// PutMetricAlarm, Period: "10, 20, 30, and any multiple of 60".
pub(super) fn check_period(period: i64) -> Result<(), Refusal> {
    ensure(matches!(period, 10 | 20 | 30) || (period > 0 && period % 60 == 0), || {
        validation(format!("Period must be 10, 20, 30 or a multiple of 60, and is {period}."))
    })
}

/// CloudWatch User Guide, "CloudWatch statistics definitions".
pub(super) fn check_extended(statistic: &str) -> Result<(), Refusal> {
    static FORM: LazyLock<Regex> = LazyLock::new(|| {
        let percent = r"\d{1,2}(\.\d{0,10})?|100(\.0{0,10})?";
        let form = format!(
            r"^(?:(?:p|tm|tc|ts|wm)(?:{percent})|IQM|(?:TM|TC|TS|WM)\((?:(?:{percent})%)?:(?:(?:{percent})%)?\)|(?:TM|TC|TS|WM|PR)\([\d.eE+-]*:[\d.eE+-]*\))$"
        );
        Regex::new(&form).expect("the form is a regular expression")
    });
    ensure(FORM.is_match(statistic) && !statistic.ends_with("(:)"), || {
        validation(format!("{statistic} is not an extended statistic, such as p99."))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StateInput {
    alarm_name: String,
    state_value: String,
    state_reason: String,
    state_reason_data: Option<String>,
}

pub(super) fn set_state(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: StateInput = call.input()?;
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    if input.state_reason_data.as_deref().is_some_and(|data| !is_json(data)) {
        // SetAlarmState, errors.
        return Err(Refusal::new("InvalidFormat", "StateReasonData must be JSON."));
    }
    let now = cx.now_seconds();
    let state = &mut cx.r.cloudwatch;
    let metric = state.alarms.get_mut(&input.alarm_name).map(|alarm| &mut alarm.status);
    let found = metric.or_else(|| state.composites.get_mut(&input.alarm_name).map(|alarm| &mut alarm.status));
    match found {
        Some(status) => {
            status.set(input, now);
            Ok(Value::Null)
        }
        None => {
            let message = format!("There is no alarm {}.", input.alarm_name);
            Err(Refusal::new("ResourceNotFound", message).with_status(404))
        }
    }
}

/// An alarm as the child of another (DescribeAlarms, ChildrenOfAlarmName).
pub(super) fn as_child<S: Settings>(alarm: &Alarm<S>) -> Value {
    json!({
        "AlarmName": alarm.settings.name(),
        "AlarmArn": alarm.status.alarm_arn,
        "StateValue": alarm.status.state_value,
        "StateUpdatedTimestamp": alarm.status.state_updated_timestamp,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_statistics_have_their_forms() {
        let good = [
            "p99",
            "p99.9",
            "p100",
            "tm90",
            "tc5",
            "ts90",
            "wm98",
            "IQM",
            "TM(10%:90%)",
            "PR(:300)",
            "TC(0.005:0.03)",
        ];
        for statistic in good {
            assert!(check_extended(statistic).is_ok(), "{statistic}");
        }
        for statistic in ["p", "p101", "P99", "Average", "p-1", "TM(10%:90%", "PR(:)", "99"] {
            assert!(check_extended(statistic).is_err(), "{statistic}");
        }
    }

    #[test]
    fn periods_are_short_ones_or_whole_minutes() {
        assert!([10, 20, 30, 60, 300, 86_400].into_iter().all(|period| check_period(period).is_ok()));
        assert!([1, 5, 15, 45, 90, 0, -60].into_iter().all(|period| check_period(period).is_err()));
    }
}
