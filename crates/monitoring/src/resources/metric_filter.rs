//! A metric filter: counts the lines of a log that say something.
//!
//! The surprises: it has no tags, and the call that makes one writes over one of that name. It is ours where the log
//! group is, or where it already says what ours would say.
//!
//! One that reads events as a transformer leaves them, or those of some accounts and regions only, counts other lines than it is
//! meant to; one that adds dimensions counts into metrics that no alarm watches. All of that is drift.
//!
//! Wait: the log group is not found for a moment after it was made. Read: everything comes back as it was put; a default value of
//! none is left out. Update: a put replaces all of it, and counts nothing in lines that came before. No state is terminal: there is
//! none.

use async_trait::async_trait;
use aws::cloudwatch::taken;
use aws::tags::LiveTags;
use aws::{CallResult, Called, Context, LogGroupName, converge};
use aws_sdk_cloudwatchlogs::types::builders::MetricTransformationBuilder;
use aws_sdk_cloudwatchlogs::types::{
    MetricFilter as Live, MetricTransformation as LiveTransformation, StandardUnit,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Intent, Loss, Named,
    Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

/// The properties of a metric filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricFilter<S: Stage = Declared> {
    /// Its name, unique in the log group.
    pub filter_name: String,
    /// The log group.
    pub log_group_name: S::Of<LogGroupName>,
    /// Which lines count (CloudWatch Logs User Guide, "Filter pattern syntax").
    pub filter_pattern: String,
    /// What counts them.
    pub metric_transformations: Vec<MetricTransformation>,
    /// Whether events count as the group's transformer leaves them. Never declared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apply_on_transformed_logs: bool,
    /// Of which accounts and regions events count, where a group has those of several. Never declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_selection_criteria: Option<String>,
    /// Which of the two are dimensions of the metric: `@aws.account`, `@aws.region`. Never declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emit_system_field_dimensions: Vec<String>,
}

/// How lines become a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricTransformation {
    /// The metric.
    pub metric_name: String,
    /// Where it is.
    pub metric_namespace: String,
    /// What a line adds.
    pub metric_value: String,
    /// What the metric is where there are lines, but none that counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default_value: Option<f64>,
    /// What it counts, such as `Count`.
    pub unit: String,
    /// Which fields of the lines are dimensions of the metric, by name. Never declared.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub dimensions: Vec<FieldDimension>,
}

/// A dimension of which a field of the line is the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FieldDimension {
    /// The dimension.
    pub key: String,
    /// The field, such as `$.code`.
    pub value: String,
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricFilterOutputs<S: Stage> {
    /// The log group.
    pub log_group_name: S::Of<LogGroupName>,
    /// The name; a reference to it waits until the filter exists.
    pub filter_name: S::Of<String>,
}

impl Declares for MetricFilter<Declared> {
    type Resolved = MetricFilter<Resolved>;
}

async fn live(cx: &Context, group: &LogGroupName, name: &str) -> Result<Option<Live>, CallError> {
    // The call takes a prefix, so that a longer name may be in the answer too.
    let request = cx.logs().describe_metric_filters().log_group_name(group.as_str());
    let mut filters = request.filter_name_prefix(name).into_paginator().items().send();
    while let Some(filter) = filters.next().await {
        // Where the group is gone, its filters are.
        let Some(filter) = filter.called("DescribeMetricFilters").if_exists()? else { return Ok(None) };
        if filter.filter_name() == Some(name) {
            return Ok(Some(filter));
        }
    }
    Ok(None)
}

async fn group_is_ours(cx: &Context, group: &LogGroupName) -> Result<bool, CallError> {
    let (partition, region, account) = (cx.partition(), cx.region(), cx.account_id());
    let arn = format!("arn:{partition}:logs:{region}:{account}:log-group:{group}");
    let answer = cx.logs().list_tags_for_resource().resource_arn(arn).send().await;
    let answer = answer.called("ListTagsForResource").if_exists()?;
    Ok(answer.is_some_and(|answer| LiveTags::map(answer.tags).is_ours(cx.identity())))
}

fn sorted(mut fields: Vec<String>) -> Vec<String> {
    fields.sort();
    fields
}

impl MetricTransformation {
    fn for_call(&self) -> Result<LiveTransformation, CallError> {
        let transformation = LiveTransformation::builder()
            .metric_name(&self.metric_name)
            .metric_namespace(&self.metric_namespace)
            .metric_value(&self.metric_value)
            .set_default_value(self.default_value)
            .unit(StandardUnit::from(self.unit.as_str()));
        let add = |it: MetricTransformationBuilder, FieldDimension { key, value }: &FieldDimension| {
            it.dimensions(key, value)
        };
        let transformation = self.dimensions.iter().fold(transformation, add).build();
        transformation
            .map_err(|error| CallError::new(ErrorClass::Invalid, "PutMetricFilter", error.to_string()))
    }

    fn from_live(live: &LiveTransformation) -> Self {
        let dimension =
            |(key, value): (&String, &String)| FieldDimension { key: key.clone(), value: value.clone() };
        let mut dimensions: Vec<_> = live.dimensions().into_iter().flatten().map(dimension).collect();
        dimensions.sort();
        Self {
            metric_name: live.metric_name.clone(),
            metric_namespace: live.metric_namespace.clone(),
            metric_value: live.metric_value.clone(),
            default_value: live.default_value,
            unit: live.unit.as_ref().map_or("None", StandardUnit::as_str).to_owned(),
            dimensions,
        }
    }
}

impl MetricFilter<Resolved> {
    async fn put(&self, cx: &Context) -> Result<(), CallError> {
        let transformations: Result<Vec<_>, _> =
            self.metric_transformations.iter().map(MetricTransformation::for_call).collect();
        let request = cx
            .logs()
            .put_metric_filter()
            .log_group_name(self.log_group_name.as_str())
            .filter_name(&self.filter_name)
            .filter_pattern(&self.filter_pattern)
            .set_metric_transformations(Some(transformations?))
            .set_apply_on_transformed_logs(self.apply_on_transformed_logs.then_some(true))
            .set_field_selection_criteria(self.field_selection_criteria.clone());
        let fields = self.emit_system_field_dimensions.iter();
        let request = fields.fold(request, |request, field| request.emit_system_field_dimensions(field));
        request.send().await.called("PutMetricFilter").map(drop)
    }

    fn from_live(live: Live, group: &LogGroupName) -> Self {
        Self {
            metric_transformations: live
                .metric_transformations()
                .iter()
                .map(MetricTransformation::from_live)
                .collect(),
            filter_name: live.filter_name.unwrap_or_default(),
            log_group_name: group.clone(),
            filter_pattern: live.filter_pattern.unwrap_or_default(),
            apply_on_transformed_logs: live.apply_on_transformed_logs,
            field_selection_criteria: live.field_selection_criteria.filter(|criteria| !criteria.is_empty()),
            emit_system_field_dimensions: sorted(live.emit_system_field_dimensions.unwrap_or_default()),
        }
    }

    fn outputs(&self) -> MetricFilterOutputs<Resolved> {
        MetricFilterOutputs {
            log_group_name: self.log_group_name.clone(),
            filter_name: self.filter_name.clone(),
        }
    }
}

#[async_trait]
impl Resource for MetricFilter<Resolved> {
    const KIND: &'static str = "AWS::Logs::MetricFilter";
    const FACTS: Facts = Facts {
        name: Named::Within("FilterName"),
        create_only: CreateOnly::These(&["FilterName", "LogGroupName"]),
        lists: &[],
        tags: Tagging::None,
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["LogGroupName", "FilterName"],
            words: "the names of the log group and of the metric filter",
            example: "/ecs/payment-app-dev|PaymentErrors",
        },
        reads: Reads { least: 1, most: 1, together: Some("DescribeMetricFilters") },
        cost: Some("custom-metric"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] =
        &["ApplyOnTransformedLogs", "EmitSystemFieldDimensions", "FieldSelectionCriteria"];
    type Context = Context;
    type Declared = MetricFilter<Declared>;
    type Outputs<S: Stage> = MetricFilterOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(format!("{} {}", self.log_group_name, self.filter_name))
    }

    async fn find(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Option<MetricFilterOutputs<Resolved>>, CallError> {
        let group = &self.log_group_name;
        let Some(live) = live(cx, group, &self.filter_name).await? else { return Ok(None) };
        if Self::from_live(live, group) != *self && !group_is_ours(cx, group).await? {
            return Err(CallError::conflict(
                format!("looking for metric filter {}", self.filter_name),
                format!(
                    "{group} has another one of that name, and its tags do not say that it is ours, as {} needs",
                    search.address
                ),
            ));
        }
        Ok(Some(self.outputs()))
    }

    async fn create(
        &self,
        cx: &Context,
        _intent: &Intent,
    ) -> Result<MetricFilterOutputs<Resolved>, CallError> {
        if live(cx, &self.log_group_name, &self.filter_name).await?.is_some() {
            return Err(taken("PutMetricFilter", &format!("metric filter {}", self.filter_name)));
        }
        self.put(cx).await.once_visible()?;
        Ok(self.outputs())
    }

    async fn configure(
        &self,
        cx: &Context,
        outputs: &MetricFilterOutputs<Resolved>,
    ) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(
        &self,
        cx: &Context,
        outputs: &MetricFilterOutputs<Resolved>,
    ) -> Result<Option<Self>, CallError> {
        let live = live(cx, &outputs.log_group_name, &outputs.filter_name).await?;
        Ok(live.map(|live| Self::from_live(live, &outputs.log_group_name)))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &MetricFilterOutputs<Resolved>,
        _changed: &Changed<Self>,
    ) -> Result<MetricFilterOutputs<Resolved>, CallError> {
        self.put(cx).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &MetricFilterOutputs<Resolved>) -> Result<(), CallError> {
        let request = cx.logs().delete_metric_filter().log_group_name(outputs.log_group_name.as_str());
        let request = request.filter_name(&outputs.filter_name);
        request.send().await.called("DeleteMetricFilter").map(drop).gone_is_ok()
    }
}
