//! Metric data: what was published, and which metrics there are.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::alarm::Dimension;
use super::{invalid_combination, invalid_value, missing, page};
use crate::services::{Answer, Call, Cx, Refusal, ensure, to_json};

/// The data of one metric.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) metric: MetricName,
    pub(super) points: Vec<Point>,
}

/// What tells a metric from all others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetricName {
    namespace: String,
    metric_name: String,
    /// Sorted.
    dimensions: Vec<Dimension>,
}

/// What was published for one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Point {
    /// Seconds since 1970.
    pub(super) at: f64,
    pub(super) unit: String,
    pub(super) samples: Samples,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Samples {
    /// Values, and how often each occurred.
    Values(Vec<(f64, f64)>),
    Set(StatisticSet),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct StatisticSet {
    pub(super) sample_count: f64,
    pub(super) sum: f64,
    pub(super) minimum: f64,
    pub(super) maximum: f64,
}

impl MetricName {
    pub(super) fn new(namespace: String, metric_name: String, mut dimensions: Vec<Dimension>) -> Self {
        dimensions.sort();
        MetricName { namespace, metric_name, dimensions }
    }

    /// A text that no other metric has, in the order of names.
    pub(super) fn key(&self) -> String {
        let dimensions = self.dimensions.iter().map(|Dimension { name, value }| format!("\n{name}={value}"));
        format!("{}\n{}{}", self.namespace, self.metric_name, dimensions.collect::<String>())
    }
}

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Datum {
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    timestamp: Option<f64>,
    value: Option<f64>,
    statistic_values: Option<StatisticSet>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    unit: Option<String>,
    storage_resolution: Option<i64>,
}

pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    call.parameters["MetricData"].as_array().into_iter().flatten().try_for_each(check_numbers)?;
    let (namespace, metric_data): (String, Vec<Datum>) = call.members(&["Namespace", "MetricData"])?;
    check_namespace(&namespace)?;
    // PutMetricData: "limited to no more than 1000 different metrics".
    match metric_data.len() {
        0 => return Err(missing("MetricData")),
        1..=1000 => {}
        _ => return Err(invalid_value("A call can carry 1000 metrics at most.")),
    }
    let now = cx.now_seconds();
    let named = |datum: Datum| {
        let points = datum.points(now)?;
        Ok((MetricName::new(namespace.clone(), datum.metric_name, datum.dimensions), points))
    };
    let data: Vec<(MetricName, Vec<Point>)> =
        metric_data.into_iter().map(named).collect::<Result<_, Refusal>>()?;
    for (metric, points) in data {
        let series = cx.r.cloudwatch.series.entry(metric.key());
        series.or_insert_with(|| Series { metric, points: Vec::new() }).points.extend(points);
    }
    Ok(Value::Null)
}

/// MetricDatum, Value and Values: "special values (for example, NaN, +Infinity, -Infinity) are not supported". They are
/// decoded as texts.
fn check_numbers(datum: &Value) -> Result<(), Refusal> {
    let set = datum["StatisticValues"].as_object().into_iter().flat_map(|set| set.values());
    let lists = ["Values", "Counts"].into_iter().filter_map(|name| datum[name].as_array()).flatten();
    match set.chain(lists).chain([&datum["Value"]]).find(|number| number.is_string()) {
        Some(special) => {
            Err(invalid_value(format!("The value {special} for parameter MetricData is invalid.")))
        }
        None => Ok(()),
    }
}

/// PutMetricData, Namespace: those of AWS's services are AWS's.
fn check_namespace(namespace: &str) -> Result<(), Refusal> {
    let is_plain = namespace.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    ensure(is_plain && !namespace.starts_with("AWS/"), || {
        invalid_value(format!("The value {namespace} for parameter Namespace is invalid."))
    })
}

impl Datum {
    fn points(&self, now: f64) -> Result<Vec<Point>, Refusal> {
        if !matches!(self.storage_resolution, None | Some(1 | 60)) {
            return Err(invalid_value("StorageResolution must be 1 or 60."));
        }
        let at = self.timestamp.unwrap_or(now);
        // PutMetricData: from two weeks ago to two hours ahead.
        if at < now - 14.0 * DAY || at > now + 2.0 * HOUR {
            return Err(invalid_value("Timestamp must be within the last two weeks or the next two hours."));
        }
        let unit = self.unit.clone().unwrap_or_else(|| "None".to_owned());
        let samples = self.samples()?.into_iter();
        Ok(samples.map(|samples| Point { at, unit: unit.clone(), samples }).collect())
    }

    /// PutMetricData: Value, or Values with Counts, or StatisticValues. AWS accepts the last two together (recorded from real
    /// AWS) and does not say which of them it uses; here both are used. The code for none of them is from AdRoll/goamz#301.
    fn samples(&self) -> Result<Vec<Samples>, Refusal> {
        let samples = match (self.value, &self.values, self.statistic_values) {
            (Some(value), None, None) => vec![Samples::Values(vec![(value, 1.0)])],
            (None, Some(values), None) => vec![Samples::Values(self.counted(values)?)],
            (None, None, Some(set)) => vec![Samples::Set(set)],
            (None, Some(values), Some(set)) => {
                vec![Samples::Values(self.counted(values)?), Samples::Set(set)]
            }
            (None, None, None) => {
                return Err(invalid_combination("At least one of Value and StatisticValues must be given."));
            }
            (Some(_), ..) => {
                return Err(invalid_combination("Value excludes Values and StatisticValues."));
            }
        };
        let mut numbers = samples.iter().flat_map(|samples| match samples {
            Samples::Values(values) => values.iter().map(|(value, _)| *value).collect::<Vec<f64>>(),
            Samples::Set(set) => vec![set.sum, set.minimum, set.maximum],
        });
        // "Values must be in the range of -2^360 to 2^360."
        let are_in_range = numbers.all(|number| number.abs() <= 2f64.powi(360));
        ensure(are_in_range, || invalid_value("A value is too large."))?;
        Ok(samples)
    }

    fn counted(&self, values: &[f64]) -> Result<Vec<(f64, f64)>, Refusal> {
        let counts = self.counts.clone().unwrap_or_else(|| vec![1.0; values.len()]);
        if counts.len() != values.len() {
            return Err(invalid_value("Values and Counts must be of the same length."));
        }
        match values.len() {
            1..=150 => Ok(values.iter().copied().zip(counts).collect()),
            _ => Err(invalid_value("Values must have 1 to 150 members.")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListInput {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<DimensionFilter>,
    recently_active: Option<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DimensionFilter {
    name: String,
    value: Option<String>,
}

pub(super) fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: ListInput = call.input()?;
    // ListMetrics: nothing about metrics without data in the past two weeks; PT3H is three hours.
    let age = if input.recently_active.is_some() { 3.0 * HOUR } else { 14.0 * DAY };
    let since = cx.now_seconds() - age;
    let series = cx.r.cloudwatch.series.iter().filter(|(_, series)| {
        input.wants(&series.metric) && series.points.iter().any(|point| point.at >= since)
    });
    let metrics = series.map(|(key, series)| (key.clone(), to_json(&series.metric)));
    // ListMetrics: "Up to 500 results are returned for any one call."
    let (metrics, token) = page(metrics, input.next_token.as_deref(), 500)?;
    Ok(json!({"Metrics": metrics, "NextToken": token}))
}

impl ListInput {
    fn wants(&self, metric: &MetricName) -> bool {
        let has = |filter: &DimensionFilter| {
            metric.dimensions.iter().any(|dimension| {
                dimension.name == filter.name
                    && filter.value.as_ref().is_none_or(|value| dimension.value == *value)
            })
        };
        self.namespace.as_ref().is_none_or(|namespace| metric.namespace == *namespace)
            && self.metric_name.as_ref().is_none_or(|name| metric.metric_name == *name)
            && self.dimensions.iter().all(has)
    }
}
