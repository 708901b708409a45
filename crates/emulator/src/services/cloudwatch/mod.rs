//! CloudWatch: alarms, dashboards, metric data and anomaly detectors.
//!
//! Alarms keep what was put and are not evaluated: a state changes by SetAlarmState alone, and actions are not taken.
//! Dashboards belong to no region, so they have a state of their own ([`Dashboards`]).

mod actions;
mod alarm;
mod anomaly;
mod composite;
mod dashboard;
mod data;
mod delete;
mod describe;
mod expression;
mod managed;
mod metrics_list;
mod rule;
mod statistics;
mod tags;
mod widget;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::dashboard::Dashboards;
pub(crate) use self::managed::ManagedAlarm;

use self::alarm::{Alarm, MetricSettings};
use self::anomaly::Detector;
use self::composite::CompositeSettings;
use self::data::Series;
use super::{
    Answer, Api, Call, Cx, IdSource, Limit, Object, Refusal, ServiceLimits, Spread, page_by_key, rate,
    refusals, spread, unknown_operation,
};

/// Everything of one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    ids: IdSource,
    alarms: BTreeMap<String, Alarm<MetricSettings>>,
    composites: BTreeMap<String, Alarm<CompositeSettings>>,
    series: BTreeMap<String, Series>,
    detectors: BTreeMap<String, Detector>,
    /// When alarms were deleted, by name, in milliseconds since 1970, for [`REMEMBERED_MILLIS`]. State of an earlier version
    /// does not have it.
    #[serde(default)]
    deleted: BTreeMap<String, i64>,
}

/// How long ListTagsForResource accepts the ARN of a deleted alarm. That it does is recorded from real AWS; the time is an
/// estimate.
const REMEMBERED_MILLIS: i64 = 60_000;

/// How long a write takes, as deployment logs show it.
const WRITE: Spread = spread(1.0, 0.5, 2.0);

impl Api for State {
    const INVALID: &'static str = "ValidationError";

    /// All operations but those on alarms have other codes ("Errors" of each operation in the CloudWatch API Reference; for metric data
    /// in awslabs/cloudwatch-fluent-metrics#13 and micrometer-metrics/micrometer#1645).
    fn codes(operation: &str) -> (&'static str, &'static str) {
        const OF_ALARMS: [&str; 5] =
            ["DeleteAlarms", "DescribeAlarms", "PutCompositeAlarm", "PutMetricAlarm", "SetAlarmState"];
        if OF_ALARMS.contains(&operation) {
            (Self::MISSING, Self::INVALID)
        } else {
            ("MissingParameter", "InvalidParameterValue")
        }
    }

    // CloudWatch User Guide, "CloudWatch service quotas": PutMetricAlarm 3 a second, PutDashboard 10, DescribeAlarms 9,
    // DeleteAlarms 3, ListMetrics 25, PutMetricData 500, GetMetricStatistics 400, SetAlarmState 3, tags 20. Composite
    // alarms 3. Those without a published number are taken for 10.
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["PutMetricAlarm", "PutCompositeAlarm", "DeleteAlarms", "SetAlarmState"], rate(3.0, 3.0)),
        Limit::of(&["DescribeAlarms"], rate(9.0, 9.0)),
        Limit::of(&["ListMetrics"], rate(25.0, 25.0)),
        Limit::of(&["PutMetricData"], rate(500.0, 500.0)),
        Limit::of(&["GetMetricStatistics"], rate(400.0, 400.0)),
        Limit::of(&["TagResource", "UntagResource", "ListTagsForResource"], rate(20.0, 20.0)),
        Limit::any(rate(10.0, 10.0)),
    ])
    .throttled("Throttling", 400);
    const ACTIONS: Option<&'static str> = Some("cloudwatch");
    const CALLS: &'static [(&'static str, Spread)] =
        &[("PutMetricAlarm", WRITE), ("PutCompositeAlarm", WRITE), ("PutDashboard", WRITE)];

    fn new(ids: IdSource, _region: &str) -> Self {
        State {
            ids,
            alarms: BTreeMap::new(),
            composites: BTreeMap::new(),
            series: BTreeMap::new(),
            detectors: BTreeMap::new(),
            deleted: BTreeMap::new(),
        }
    }

    fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "PutMetricAlarm" => alarm::put(cx, call),
            "PutCompositeAlarm" => composite::put(cx, call),
            "DescribeAlarms" => describe::describe(cx, call),
            "SetAlarmState" => alarm::set_state(cx, call),
            "DeleteAlarms" => delete::delete(cx, call),

            "PutDashboard" => dashboard::put(cx, call),
            "GetDashboard" => dashboard::get(cx, call),
            "ListDashboards" => dashboard::list(cx, call),
            "DeleteDashboards" => dashboard::delete(cx, call),

            "PutMetricData" => data::put(cx, call),
            "ListMetrics" => data::list(cx, call),
            "GetMetricStatistics" => statistics::get(cx, call),

            "PutAnomalyDetector" => anomaly::put(cx, call),
            "DescribeAnomalyDetectors" => anomaly::describe(cx, call),
            "DeleteAnomalyDetector" => anomaly::delete(cx, call),

            "TagResource" => tags::TAGS.tag(cx, call),
            "UntagResource" => tags::TAGS.untag(cx, call),
            "ListTagsForResource" => tags::list(cx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    fn settle(cx: &mut Cx<'_>) {
        let now_millis = cx.now_millis;
        cx.r.cloudwatch.deleted.retain(|_, at| now_millis - *at < REMEMBERED_MILLIS);
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        let metric = self.alarms.values().map(|alarm| alarm.object(home, "AWS::CloudWatch::Alarm"));
        let composite =
            self.composites.values().map(|alarm| alarm.object(home, "AWS::CloudWatch::CompositeAlarm"));
        let detectors = self.detectors.keys().map(|id| {
            Object::new("monitoring", home, "AWS::CloudWatch::AnomalyDetector", id, BTreeMap::new())
        });
        metric.chain(composite).chain(detectors).collect()
    }
}

refusals! {
    /// The refusal of an alarm.
    validation: "ValidationError";
    invalid_value: "InvalidParameterValue";
    invalid_combination: "InvalidParameterCombination";
    /// The refusal of an id or a name of a thing that is not there.
    not_found: "ResourceNotFoundException", 404;
}

fn missing(parameter: &str) -> Refusal {
    Refusal::new("MissingParameter", format!("The parameter {parameter} is required."))
}

/// One page of what is ordered by a key. A token says after which key the page begins.
fn page<T>(
    items: impl Iterator<Item = (String, T)>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    const PREFIX: &str = "after:";
    let wrong = || Refusal::new("InvalidNextToken", "The token is not valid.");
    let after = token.map(|token| token.strip_prefix(PREFIX).ok_or_else(wrong)).transpose()?;
    let (page, next) = page_by_key(items, after, size);
    Ok((page, next.map(|key| format!("{PREFIX}{key}"))))
}

/// A text without the control characters of ASCII, as names of alarms must be (PutMetricAlarm, AlarmName).
fn has_control_characters(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_control())
}

/// What a name or an ARN of an alarm calls the alarm.
fn alarm_name(name_or_arn: &str) -> &str {
    match name_or_arn.strip_prefix("arn:aws:cloudwatch:") {
        Some(rest) => rest.splitn(4, ':').nth(3).unwrap_or(name_or_arn),
        None => name_or_arn,
    }
}

impl State {
    fn alarm_exists(&self, name: &str) -> bool {
        self.alarms.contains_key(name) || self.composites.contains_key(name)
    }

    /// The composite alarms whose rules name an alarm.
    fn parents<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Alarm<CompositeSettings>> {
        self.composites.values().filter(move |alarm| alarm.settings.children().any(|child| child == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let items = || ["a", "b", "c"].into_iter().map(|key| (key.to_owned(), key));
        let (first, token) = page(items(), None, 2).expect("there is a first page");
        assert_eq!((first, token.as_deref()), (vec!["a", "b"], Some("after:b")));
        let (second, token) = page(items(), token.as_deref(), 2).expect("there is a second page");
        assert_eq!((second, token), (vec!["c"], None));
        let refusal = page(items(), Some("b"), 2).expect_err("the token is none of ours");
        assert_eq!(refusal.code, "InvalidNextToken");
    }

    #[test]
    fn an_alarm_goes_by_its_name_or_its_arn() {
        assert_eq!(alarm_name("high cpu"), "high cpu");
        assert_eq!(alarm_name("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a:b"), "a:b");
    }
}
