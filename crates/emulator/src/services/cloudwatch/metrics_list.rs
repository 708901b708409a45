//! The list of metrics and expressions that an alarm may watch instead of one metric.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::alarm::{Dimension, check_extended, check_period, yes};
use super::expression::{self, Parsed};
use super::validation;
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// A metric or an expression (CloudWatch API Reference, MetricDataQuery).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MetricDataQuery {
    id: String,
    metric_stat: Option<MetricStat>,
    expression: Option<String>,
    label: Option<String>,
    #[serde(default = "yes")]
    return_data: bool,
    period: Option<i64>,
    account_id: Option<String>,
}

/// A metric with its statistic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
    unit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Metric {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

/// The function whose result is a band instead of one time series.
const BAND: &str = "ANOMALY_DETECTION_BAND";

fn invalid(reason: impl std::fmt::Display) -> Refusal {
    validation(format!("Invalid metrics list: {reason}"))
}

/// Checks the list of an alarm, and returns the longest period in it. `band` is the alarm's ThresholdMetricId.
pub(super) fn check(queries: &[MetricDataQuery], band: Option<&str>) -> Result<i64, Refusal> {
    check_numbers(queries)?;
    let mut ids = BTreeSet::new();
    for query in queries {
        check_id(&query.id)?;
        if !ids.insert(query.id.as_str()) {
            return Err(invalid(format_args!("the id {} is given twice", query.id)));
        }
    }
    let mut expressions = BTreeMap::new();
    for query in queries {
        if let Some(parsed) = query.check()? {
            expressions.insert(query.id.as_str(), parsed);
        }
    }
    check_references(&ids, &expressions)?;
    check_watched(queries, band, &expressions)?;
    let periods = queries.iter().filter_map(MetricDataQuery::longest_period);
    periods.max().ok_or_else(|| invalid("nothing in it has a period"))
}

/// CloudWatch API Reference, MetricDataQuery: at most 20, of which 10 are metrics and 10 expressions.
fn check_numbers(queries: &[MetricDataQuery]) -> Result<(), Refusal> {
    let metrics = queries.iter().filter(|query| query.metric_stat.is_some()).count();
    refuse_if(metrics > 10 || queries.len() - metrics > 10, || {
        invalid("an alarm can have 10 metrics and 10 expressions at most")
    })
}

/// MetricDataQuery, Id: letters, numbers and underscores, beginning with a lowercase letter.
fn check_id(id: &str) -> Result<(), Refusal> {
    let legal = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    ensure(legal && id.starts_with(|c: char| c.is_ascii_lowercase()), || {
        invalid(format_args!("{id} is not an id"))
    })
}

impl MetricDataQuery {
    fn check(&self) -> Result<Option<Parsed>, Refusal> {
        match (&self.metric_stat, &self.expression) {
            (Some(stat), None) => {
                // MetricDataQuery, Period: a metric has its own.
                if self.period.is_some() {
                    return Err(invalid(format_args!(
                        "{} has a period inside and outside MetricStat",
                        self.id
                    )));
                }
                stat.check(&self.id).map(|()| None)
            }
            (None, Some(text)) => {
                self.period.map_or(Ok(()), check_period)?;
                let wrong = |reason| invalid(format_args!("error in expression '{}': {reason}", self.id));
                expression::parse(text).map(Some).map_err(wrong)
            }
            _ => Err(invalid(format_args!("{} must have either MetricStat or Expression", self.id))),
        }
    }

    fn longest_period(&self) -> Option<i64> {
        self.metric_stat.as_ref().map(|stat| stat.period).max(self.period)
    }
}

impl MetricStat {
    fn check(&self, id: &str) -> Result<(), Refusal> {
        if self.metric.namespace.is_none() || self.metric.metric_name.is_none() {
            return Err(invalid(format_args!("{id} must have Namespace and MetricName")));
        }
        check_period(self.period)?;
        if ["SampleCount", "Average", "Sum", "Minimum", "Maximum"].contains(&self.stat.as_str()) {
            Ok(())
        } else {
            check_extended(&self.stat)
        }
    }
}

/// What an expression refers to must be in the list, and not refer back to it.
fn check_references(ids: &BTreeSet<&str>, expressions: &BTreeMap<&str, Parsed>) -> Result<(), Refusal> {
    for (id, parsed) in expressions {
        if let Some(unknown) = parsed.ids.iter().find(|name| !ids.contains(name.as_str())) {
            return Err(invalid(format_args!("expression '{id}' refers to {unknown}, which is not there")));
        }
        if reaches(expressions, id, id, &mut BTreeSet::new()) {
            return Err(invalid(format_args!("expression '{id}' refers to itself")));
        }
    }
    Ok(())
}

fn reaches<'a>(
    expressions: &'a BTreeMap<&str, Parsed>,
    from: &str,
    to: &str,
    seen: &mut BTreeSet<&'a str>,
) -> bool {
    expressions.get(from).is_some_and(|parsed| {
        parsed.ids.iter().any(|id| id == to || (seen.insert(id) && reaches(expressions, id, to, seen)))
    })
}

/// One result is what the alarm watches; besides it a band may be returned (PutMetricAlarm, Metrics and
/// ThresholdMetricId).
fn check_watched(
    queries: &[MetricDataQuery],
    band: Option<&str>,
    expressions: &BTreeMap<&str, Parsed>,
) -> Result<(), Refusal> {
    if let Some(id) = band {
        let is_band = expressions.get(id).is_some_and(|parsed| parsed.functions.contains(BAND));
        ensure(is_band, || invalid(format_args!("ThresholdMetricId {id} is no {BAND} in it")))?;
    }
    let watched = queries.iter().filter(|query| query.return_data && Some(query.id.as_str()) != band).count();
    match watched {
        1 => Ok(()),
        _ => Err(invalid(format_args!("exactly one must have ReturnData true, and {watched} have"))),
    }
}
