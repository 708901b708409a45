//! Metric filters of a log group.

use std::collections::BTreeMap;

use filter_pattern::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Cx, exceeded, invalid, listed};
use crate::services::{Call, Refusal, Table, refuse_if, to_json};

/// Metric filters that a group may have (CloudWatch Logs API Reference, PutMetricFilter).
const PER_GROUP: usize = 100;

/// Dimensions that a metric may have (CloudWatch Logs API Reference, MetricTransformation, `dimensions`).
const DIMENSIONS: usize = 3;

/// A metric filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetricFilter {
    filter_name: String,
    filter_pattern: String,
    metric_transformations: Vec<MetricTransformation>,
    creation_time: i64,
    log_group_name: String,
    /// Always shown (recorded from real AWS). State of an earlier version does not have it.
    #[serde(default)]
    apply_on_transformed_logs: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field_selection_criteria: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    emit_system_field_dimensions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MetricTransformation {
    metric_name: String,
    metric_namespace: String,
    metric_value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_value: Option<f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    dimensions: BTreeMap<String, String>,
    /// Shown only if it was given (recorded from real AWS; the API Reference says "If you omit this, the unit is set as None").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PutMetricFilter {
    log_group_name: String,
    filter_name: String,
    filter_pattern: String,
    metric_transformations: Vec<MetricTransformation>,
    #[serde(default)]
    apply_on_transformed_logs: bool,
    field_selection_criteria: Option<String>,
    #[serde(default)]
    emit_system_field_dimensions: Vec<String>,
}

/// The messages are those that users report. It is as strict as the grammar of the user guide, see [`filter_pattern`].
fn read(pattern: &str) -> Result<Pattern, Refusal> {
    filter_pattern::parse(pattern).map_err(|wrong| match wrong.character {
        Some(character) => invalid(format!("Invalid character(s) in term '{character}'")),
        None => invalid("Invalid metric filter pattern"),
    })
}

/// CloudWatch Logs User Guide, "Configuring metric values for a metric filter": a number or a field, and dimensions for
/// patterns with fields only, without a default value.
///
/// Fields of the system count toward the limit of dimensions (PutMetricFilter, `emitSystemFieldDimensions`, which names the two).
fn check(transformation: &MetricTransformation, pattern: Pattern, emitted: &[String]) -> Result<(), Refusal> {
    let MetricTransformation { metric_value, default_value, dimensions, .. } = transformation;
    let refuse = |reason: String| Err(invalid(format!("Invalid metric transformation: {reason}")));
    let is_field = |text: &str| text.len() > 1 && text.starts_with('$');
    if !is_field(metric_value) && !metric_value.parse().is_ok_and(f64::is_finite) {
        return refuse(format!("the metric value {metric_value} is neither a number nor a field"));
    }
    if let Some(other) =
        emitted.iter().find(|field| !["@aws.account", "@aws.region"].contains(&field.as_str()))
    {
        return Err(invalid(format!("{other} is not a system field that can be a dimension.")));
    }
    if dimensions.len() + emitted.len() > DIMENSIONS {
        return refuse(format!("more than {DIMENSIONS} dimensions"));
    }
    if dimensions.is_empty() {
        return Ok(());
    }
    if matches!(pattern, Pattern::Terms(_)) {
        return Err(invalid("The specified filter pattern does not support dimensions"));
    }
    if default_value.is_some() {
        return refuse("dimensions and default value are mutually exclusive properties".to_owned());
    }
    match dimensions.iter().find(|(name, value)| name.is_empty() || !is_field(value)) {
        Some((name, value)) => refuse(format!("the dimension {name} is not a field, but {value}")),
        None => Ok(()),
    }
}

/// A filter takes the place of one with its name.
pub(super) fn put(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: PutMetricFilter = call.input()?;
    let group = cx.r.logs.groups.find_mut(&given.log_group_name)?;
    if !group.is_standard() {
        // CloudWatch Logs User Guide, "Log classes": metric filters are for the Standard class.
        let message = "Metric filters are only supported by log groups of the Standard class.";
        return Err(Refusal::new("InvalidOperationException", message));
    }
    if given.apply_on_transformed_logs && group.transformer.is_none() {
        // "This parameter is valid only for log groups that have an active log transformer" (PutMetricFilter).
        return Err(invalid("applyOnTransformedLogs is for log groups with an active log transformer."));
    }
    let pattern = read(&given.filter_pattern)?;
    let emitted = &given.emit_system_field_dimensions;
    given
        .metric_transformations
        .iter()
        .try_for_each(|transformation| check(transformation, pattern, emitted))?;
    let old = group.filters.get(&given.filter_name);
    refuse_if(old.is_none() && group.filters.len() >= PER_GROUP, exceeded)?;
    let filter = MetricFilter {
        filter_name: given.filter_name.clone(),
        filter_pattern: given.filter_pattern,
        metric_transformations: given.metric_transformations,
        creation_time: old.map_or(cx.now_millis, |old| old.creation_time),
        log_group_name: given.log_group_name,
        apply_on_transformed_logs: given.apply_on_transformed_logs,
        field_selection_criteria: given.field_selection_criteria,
        emit_system_field_dimensions: given.emit_system_field_dimensions,
    };
    group.filters.insert(given.filter_name, filter);
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DescribeMetricFilters {
    log_group_name: Option<String>,
    filter_name_prefix: Option<String>,
    metric_name: Option<String>,
    metric_namespace: Option<String>,
    limit: Option<usize>,
    next_token: Option<String>,
}

/// CloudWatch Logs API Reference, DescribeMetricFilters: sorted by name; the prefix counts only with a group, and name
/// and namespace of the metric come together.
pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: DescribeMetricFilters = call.input()?;
    if given.metric_name.is_some() != given.metric_namespace.is_some() {
        return Err(invalid("metricName and metricNamespace are given together or not at all."));
    }
    let logs = &cx.r.logs;
    let groups = match &given.log_group_name {
        Some(name) => vec![logs.groups.find(name)?],
        None => logs.groups.values().collect(),
    };
    let prefix = given.filter_name_prefix.as_ref().filter(|_| given.log_group_name.is_some());
    let is_about = |transformation: &MetricTransformation| {
        given.metric_name.as_ref().is_none_or(|name| *name == transformation.metric_name)
            && given.metric_namespace.as_ref().is_none_or(|name| *name == transformation.metric_namespace)
    };
    let mut filters: Vec<&MetricFilter> = groups
        .into_iter()
        .flat_map(|group| group.filters.values())
        .filter(|filter| prefix.is_none_or(|prefix| filter.filter_name.starts_with(prefix)))
        .filter(|filter| filter.metric_transformations.iter().any(is_about))
        .collect();
    filters.sort_by_key(|filter| (&filter.filter_name, &filter.log_group_name));
    let filters = filters.into_iter().map(value).collect();
    listed("metricFilters", filters, given.limit, given.next_token.as_deref())
}

fn value(filter: &MetricFilter) -> Value {
    to_json(filter)
}

pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (log_group_name, filter_name): (String, String) = call.members(&["logGroupName", "filterName"])?;
    let group = cx.r.logs.groups.find_mut(&log_group_name)?;
    group.filters.take(&filter_name)?;
    Ok(Value::Null)
}
