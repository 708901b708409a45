//! What an alarm watches: a metric by its name and dimensions, or a list of metrics and expressions.
//!
//! A query on another account, by another unit or with another period watches something else, and often nothing at all.

use aws_sdk_cloudwatch::types::{
    Dimension as LiveDimension, Metric as LiveMetric, MetricDataQuery as LiveQuery, MetricStat as LiveStat,
    StandardUnit,
};
use engine::{Declared, Resolved, Stage};
use serde::{Deserialize, Serialize};

use crate::wire::{count, count_or_zero, in_order_of, number};

/// A part of what tells a metric from others of its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Dimension<S: Stage = Declared> {
    /// Such as `ClusterName`.
    pub name: String,
    /// Such as the cluster's name.
    pub value: S::Of<String>,
}

/// A metric or an expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricDataQuery<S: Stage = Declared> {
    /// What expressions call it. Begins with a small letter.
    pub id: String,
    /// The metric.
    #[serde(skip_serializing_if = "Option::is_none", default = "Option::default")]
    pub metric_stat: Option<MetricStat<S>>,
    /// The expression, such as `100 * errors / requests`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expression: Option<String>,
    /// What a graph calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// Whether this is what the alarm watches, or its band.
    pub return_data: bool,
    /// What one value of an expression covers, in seconds. Never declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub period: Option<u32>,
    /// Whose metric it is, if it is another account's. Never declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_id: Option<String>,
}

impl MetricDataQuery {
    /// A metric, which the alarm does not watch by itself.
    #[must_use]
    pub fn metric(id: &str, metric_stat: MetricStat) -> Self {
        let metric_stat = Some(metric_stat);
        Self { metric_stat, expression: None, return_data: false, ..Self::expression(id, String::new()) }
    }

    /// An expression, which the alarm watches.
    #[must_use]
    pub fn expression(id: &str, expression: String) -> Self {
        Self {
            id: id.to_owned(),
            metric_stat: None,
            expression: Some(expression),
            label: None,
            return_data: true,
            period: None,
            account_id: None,
        }
    }
}

/// A metric with its statistic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricStat<S: Stage = Declared> {
    /// The metric.
    pub metric: Metric<S>,
    /// What one value covers, in seconds.
    pub period: u32,
    /// Such as `Sum` or `p99`.
    pub stat: String,
    /// Only values of this unit. Never declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Metric<S: Stage = Declared> {
    /// What publishes it.
    pub namespace: String,
    /// Its name.
    pub metric_name: String,
    /// Whose it is.
    pub dimensions: Vec<Dimension<S>>,
}

impl Dimension<Resolved> {
    fn for_call(&self) -> LiveDimension {
        LiveDimension::builder().name(&self.name).value(&self.value).build()
    }

    fn from_live(live: &LiveDimension) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self { name: text(live.name()), value: text(live.value()) }
    }
}

pub(super) fn dimensions_for_call(dimensions: &[Dimension<Resolved>]) -> Option<Vec<LiveDimension>> {
    let all: Vec<_> = dimensions.iter().map(Dimension::for_call).collect();
    (!all.is_empty()).then_some(all)
}

pub(super) fn dimensions_from(
    live: &[LiveDimension],
    recorded: &[Dimension<Resolved>],
) -> Vec<Dimension<Resolved>> {
    let live = live.iter().map(Dimension::from_live).collect();
    in_order_of(recorded, live, |dimension| dimension.name.clone())
}

impl MetricDataQuery<Resolved> {
    pub(super) fn for_call(&self) -> LiveQuery {
        LiveQuery::builder()
            .id(&self.id)
            .set_metric_stat(self.metric_stat.as_ref().map(MetricStat::for_call))
            .set_expression(self.expression.clone())
            .set_label(self.label.clone())
            .return_data(self.return_data)
            .set_period(self.period.map(number))
            .set_account_id(self.account_id.clone())
            .build()
    }

    pub(super) fn from_live(live: &LiveQuery, recorded: &[Self]) -> Self {
        let id = live.id().unwrap_or_default();
        let recorded = recorded.iter().find(|query| query.id == id);
        let stat = recorded.and_then(|query| query.metric_stat.as_ref());
        Self {
            id: id.to_owned(),
            metric_stat: live.metric_stat().map(|live| MetricStat::from_live(live, stat)),
            expression: live.expression().map(str::to_owned),
            label: live.label().map(str::to_owned),
            // MetricDataQuery: true where it is left out.
            return_data: live.return_data().unwrap_or(true),
            period: live.period().map(count),
            account_id: live.account_id().map(str::to_owned),
        }
    }
}

impl MetricStat<Resolved> {
    fn for_call(&self) -> LiveStat {
        let metric = LiveMetric::builder()
            .namespace(&self.metric.namespace)
            .metric_name(&self.metric.metric_name)
            .set_dimensions(dimensions_for_call(&self.metric.dimensions))
            .build();
        let unit = self.unit.as_deref().map(StandardUnit::from);
        LiveStat::builder().metric(metric).period(number(self.period)).stat(&self.stat).set_unit(unit).build()
    }

    fn from_live(live: &LiveStat, recorded: Option<&Self>) -> Self {
        let metric = live.metric();
        let recorded = recorded.map(|stat| stat.metric.dimensions.as_slice()).unwrap_or_default();
        let dimensions = metric.map(|metric| metric.dimensions()).unwrap_or_default();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            metric: Metric {
                namespace: text(metric.and_then(|metric| metric.namespace())),
                metric_name: text(metric.and_then(|metric| metric.metric_name())),
                dimensions: dimensions_from(dimensions, recorded),
            },
            period: count_or_zero(live.period()),
            stat: text(live.stat()),
            unit: live.unit().map(|unit| unit.as_str().to_owned()),
        }
    }
}
