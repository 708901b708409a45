//! GetMetricStatistics.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::alarm::Dimension;
use super::data::{MetricName, Point, Samples};
use super::{invalid_combination, invalid_value};
use crate::services::{Answer, Call, Cx, Refusal, ensure};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: f64,
    end_time: f64,
    period: i64,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

pub(super) fn get(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let input: Input = call.input()?;
    let percentiles = input.check()?;
    let metric =
        MetricName::new(input.namespace.clone(), input.metric_name.clone(), input.dimensions.clone());
    let series = cx.r.cloudwatch.series.get(&metric.key());
    let points: &[Point] = series.map_or(&[], |series| &series.points);
    let datapoints: Vec<Value> = input
        .periods(points)
        .into_iter()
        .map(|((number, unit), all)| {
            let at = input.start() + number as f64 * input.period as f64;
            Value::Object(input.datapoint(at, unit, &all, &percentiles))
        })
        .collect();
    Ok(json!({"Label": input.metric_name, "Datapoints": datapoints}))
}

impl Input {
    /// Checks the request, and returns the percentiles that it asks for, from 0 to 100.
    fn check(&self) -> Result<Vec<f64>, Refusal> {
        if self.statistics.is_empty() == self.extended_statistics.is_empty() {
            let message = "Exactly one of Statistics and ExtendedStatistics must be given.";
            return Err(invalid_combination(message));
        }
        // Recorded from real AWS for equal times; getmoto/moto#6380 for the others.
        if self.start_time >= self.end_time {
            return Err(invalid_value("The parameter StartTime must be less than the parameter EndTime."));
        }
        let is_period = matches!(self.period, 1 | 5 | 10 | 20 | 30) || self.period % 60 == 0;
        ensure(is_period, || invalid_value("Period must be 1, 5, 10, 20, 30 or a multiple of 60."))?;
        // GetMetricStatistics: "The maximum number of data points returned from a single call is 1,440."
        let count = ((self.end_time - self.start_time) / self.period as f64).ceil();
        if count > 1440.0 {
            return Err(invalid_combination(format!(
                "You have requested up to {count} datapoints, which exceeds the limit of 1,440."
            )));
        }
        self.extended_statistics.iter().map(|statistic| percentile(statistic)).collect()
    }

    /// GetMetricStatistics, StartTime: rounded down to the minute, or to the period if that is shorter.
    fn start(&self) -> f64 {
        let step = self.period.min(60) as f64;
        (self.start_time / step).floor() * step
    }

    /// The points in time, by number of period and by unit.
    fn periods<'a>(&self, points: &'a [Point]) -> BTreeMap<(i64, &'a str), Vec<&'a Samples>> {
        let mut periods: BTreeMap<(i64, &str), Vec<&Samples>> = BTreeMap::new();
        let start = self.start();
        let wanted = points.iter().filter(|point| {
            point.at >= start
                && point.at < self.end_time
                && self.unit.as_ref().is_none_or(|unit| point.unit == *unit)
        });
        for point in wanted {
            let number = ((point.at - start) / self.period as f64).floor() as i64;
            periods.entry((number, &point.unit)).or_default().push(&point.samples);
        }
        periods
    }

    fn datapoint(&self, at: f64, unit: &str, all: &[&Samples], percentiles: &[f64]) -> Map<String, Value> {
        let total = Total::of(all);
        let mut datapoint = Map::new();
        datapoint.insert("Timestamp".to_owned(), at.into());
        datapoint.insert("Unit".to_owned(), unit.into());
        for statistic in &self.statistics {
            datapoint.insert(statistic.clone(), total.statistic(statistic).into());
        }
        let extended: Map<String, Value> = self
            .extended_statistics
            .iter()
            .zip(percentiles)
            .filter_map(|(name, percentile)| Some((name.clone(), total.percentile(*percentile)?.into())))
            .collect();
        if !extended.is_empty() {
            datapoint.insert("ExtendedStatistics".to_owned(), extended.into());
        }
        datapoint
    }
}

/// GetMetricStatistics, ExtendedStatistics: "Specify values between p0.0 and p100."
fn percentile(statistic: &str) -> Result<f64, Refusal> {
    let number = statistic.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| {
        invalid_value(format!(
            "The emulator has no extended statistic {statistic}, only percentiles such as p99."
        ))
    })
}

struct Total {
    count: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
    /// Sorted, with how often each occurred; `None` if some are not known.
    values: Option<Vec<(f64, f64)>>,
}

impl Total {
    fn of(all: &[&Samples]) -> Self {
        let mut total = Total {
            count: 0.0,
            sum: 0.0,
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
            values: Some(Vec::new()),
        };
        all.iter().for_each(|samples| total.add(samples));
        if let Some(values) = &mut total.values {
            values.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        total
    }

    fn add(&mut self, samples: &Samples) {
        match samples {
            Samples::Values(values) => {
                for (value, count) in values {
                    self.add_set(*count, value * count, *value, *value);
                }
                if let Some(all) = &mut self.values {
                    all.extend(values);
                }
            }
            Samples::Set(set) => {
                self.add_set(set.sample_count, set.sum, set.minimum, set.maximum);
                self.values = None;
            }
        }
    }

    fn add_set(&mut self, count: f64, sum: f64, minimum: f64, maximum: f64) {
        self.count += count;
        self.sum += sum;
        self.minimum = self.minimum.min(minimum);
        self.maximum = self.maximum.max(maximum);
    }

    fn statistic(&self, name: &str) -> f64 {
        match name {
            "SampleCount" => self.count,
            "Sum" => self.sum,
            "Minimum" => self.minimum,
            "Maximum" => self.maximum,
            _ => self.sum / self.count,
        }
    }

    /// The smallest value that so much of the data does not exceed.
    fn percentile(&self, percentile: f64) -> Option<f64> {
        let wanted = self.count * percentile / 100.0;
        let values = self.values.as_ref()?;
        let mut seen = 0.0;
        let reached = values.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        reached.or(values.last()).map(|(value, _)| *value)
    }
}
