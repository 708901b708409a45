//! A CloudWatch alarm: somebody is told when a metric, or what is computed from several, is beyond a threshold or outside
//! of the band in which it usually is.
//!
//! The surprises: the call that makes one writes over an alarm of that name, whoever's it is, so this looks first; AWS
//! checks neither that the metric exists nor that its dimensions are right, and an alarm with a wrong one is silent for
//! ever; and three calls a second are all that an account may make.
//!
//! What is not declared and makes an alarm deaf or late is drift: a unit that no value has, other numbers of periods, a warm-up,
//! which silences it for up to two days after each put, and a window by the clock. What messages say besides
//! (`ActionConfiguration`) does no harm, and is sent back by an update.
//!
//! Wait: nothing: an alarm refers to names, of which AWS checks none. Read: AWS adds nothing, and gives
//! numbers back as floating-point numbers. Update: a put replaces everything and keeps the state and the history; it sets no tags
//! on an alarm that is there, which have calls of their own. No state is terminal: `INSUFFICIENT_DATA` ends with data.

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{
    ActionConfiguration, AlarmType, ComparisonOperator, CompositeAlarm, MetricAlarm, StandardUnit, Statistic,
};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, ErrorClass, Facts, ImportId, Input, Intent, Listed,
    Loss, Named, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::alarm_evaluation::{EvaluationWindow, WarmUpConfiguration};
use super::alarm_query::{Dimension, MetricDataQuery, dimensions_for_call, dimensions_from};
use crate::cloudwatch::{client, live_tags, retag, tag, taken};
use crate::error::{CallResult, Called, required};
use crate::wire::{count, count_or_zero, in_order_of, number};
use crate::{AlarmArn, AlarmName, Context, Tags, TopicArn, converge};

/// The properties of an alarm: on one metric, with [`metric_name`](Alarm::metric_name) and what goes with it, or on
/// [`metrics`](Alarm::metrics). AWS refuses both together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct Alarm<S: Stage = Declared> {
    /// Its name, unique in account and region, also among composite alarms.
    pub alarm_name: AlarmName,
    /// What it means and what to do, for who is woken by it.
    pub alarm_description: String,
    /// Whether anybody is told.
    pub actions_enabled: bool,
    /// Who is told when it goes off.
    pub alarm_actions: Vec<S::Of<TopicArn>>,
    /// Who is told when all is well again.
    #[serde(rename = "OKActions")]
    pub ok_actions: Vec<S::Of<TopicArn>>,
    /// Who is told when there is no data to tell.
    pub insufficient_data_actions: Vec<S::Of<TopicArn>>,
    /// What publishes the metric, such as `AWS/RDS`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub namespace: Option<String>,
    /// The metric.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metric_name: Option<String>,
    /// Whose metric it is. All of them must be given, exactly as they are published.
    #[serde(skip_serializing_if = "Vec::is_empty", default = "Vec::new")]
    pub dimensions: Vec<Dimension<S>>,
    /// `Average`, `Sum`, `Minimum`, `Maximum` or `SampleCount`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statistic: Option<String>,
    /// A percentile and the like, such as `p99`, instead of the statistic.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub extended_statistic: Option<String>,
    /// What one value covers, in seconds: 10, 20, 30 or whole minutes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub period: Option<u32>,
    /// Only values of this unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// Metrics and expressions, of which one is watched.
    #[serde(skip_serializing_if = "Vec::is_empty", default = "Vec::new")]
    pub metrics: Vec<MetricDataQuery<S>>,
    /// The id of the `ANOMALY_DETECTION_BAND` in `metrics` that is the threshold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threshold_metric_id: Option<String>,
    /// The threshold, in the metric's unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threshold: Option<f64>,
    /// Such as `GreaterThanThreshold`.
    pub comparison_operator: String,
    /// How many periods are looked at.
    pub evaluation_periods: u32,
    /// In how many of them the threshold must be passed; in all of them where it is not given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub datapoints_to_alarm: Option<u32>,
    /// What a period without data is: `breaching`, `notBreaching`, `ignore`, or `missing`, as AWS has it where it is not
    /// given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub treat_missing_data: Option<String>,
    /// For percentiles: whether too few values are looked at all the same (`evaluate`, as AWS has it where it is not
    /// given) or not (`ignore`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub evaluate_low_sample_count_percentile: Option<String>,
    /// The range of data that is looked at, where it does not slide. Never declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub evaluation_window: Option<EvaluationWindow>,
    /// For how long it says nothing after it was put. Never declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub warm_up_configuration: Option<WarmUpConfiguration>,
    /// What people see.
    pub tags: Tags,
}

impl Alarm {
    /// An alarm that watches nothing yet, and tells nobody that all is well.
    #[must_use]
    pub fn silent(
        name: impl Into<AlarmName>,
        description: &str,
        topics: &[Input<TopicArn>],
        tags: Tags,
    ) -> Self {
        Self {
            alarm_name: name.into(),
            alarm_description: description.to_owned(),
            actions_enabled: true,
            alarm_actions: topics.to_vec(),
            ok_actions: Vec::new(),
            insufficient_data_actions: Vec::new(),
            namespace: None,
            metric_name: None,
            dimensions: Vec::new(),
            statistic: None,
            extended_statistic: None,
            period: None,
            unit: None,
            metrics: Vec::new(),
            threshold_metric_id: None,
            threshold: None,
            comparison_operator: String::new(),
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            treat_missing_data: None,
            evaluate_low_sample_count_percentile: None,
            evaluation_window: None,
            warm_up_configuration: None,
            tags,
        }
    }
}

/// What others can refer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "PascalCase", deny_unknown_fields)]
pub struct AlarmOutputs<S: Stage> {
    /// The ARN.
    pub arn: S::Of<AlarmArn>,
    /// The name; a reference to it waits until the alarm exists.
    pub alarm_name: S::Of<AlarmName>,
}

impl Declares for Alarm<Declared> {
    type Resolved = Alarm<Resolved>;
}

/// The alarm of a name, of whichever type. Both types share their names.
///
/// # Errors
/// As the call fails.
pub async fn alarm_named(
    cx: &Context,
    name: &str,
) -> Result<(Option<MetricAlarm>, Option<CompositeAlarm>), CallError> {
    let request = client(cx).describe_alarms().alarm_names(name);
    let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let answer = request.send().await.called("DescribeAlarms")?;
    let metric = answer.metric_alarms.unwrap_or_default().into_iter().next();
    let composite = answer.composite_alarms.unwrap_or_default().into_iter().next();
    Ok((metric, composite))
}

fn texts(arns: &[TopicArn]) -> Option<Vec<String>> {
    Some(arns.iter().map(ToString::to_string).collect())
}

fn topics(live: Option<Vec<String>>, recorded: &[TopicArn]) -> Vec<TopicArn> {
    let live = live.unwrap_or_default().into_iter().map(TopicArn::from).collect();
    in_order_of(recorded, live, TopicArn::clone)
}

/// What AWS fills in is no difference to what was left out.
fn unless_filled_in<T: PartialEq>(live: Option<T>, recorded: Option<&T>, default: &T) -> Option<T> {
    live.filter(|live| recorded.is_some() || live != default)
}

impl Alarm<Resolved> {
    /// One call for making and for changing: it sets everything but the tags, which it takes for a new alarm only. What
    /// messages said besides is in it as it was.
    async fn put(
        &self,
        cx: &Context,
        intent: Option<&Intent>,
        tells: Option<ActionConfiguration>,
    ) -> Result<(), CallError> {
        let tags = intent.map(|intent| cx.stamp(&self.tags, intent)).transpose()?;
        let metrics: Vec<_> = self.metrics.iter().map(MetricDataQuery::for_call).collect();
        let request = client(cx)
            .put_metric_alarm()
            .alarm_name(self.alarm_name.as_str())
            .alarm_description(&self.alarm_description)
            .actions_enabled(self.actions_enabled)
            .set_alarm_actions(texts(&self.alarm_actions))
            .set_ok_actions(texts(&self.ok_actions))
            .set_insufficient_data_actions(texts(&self.insufficient_data_actions))
            .set_namespace(self.namespace.clone())
            .set_metric_name(self.metric_name.clone())
            .set_dimensions(dimensions_for_call(&self.dimensions))
            .set_statistic(self.statistic.as_deref().map(Statistic::from))
            .set_extended_statistic(self.extended_statistic.clone())
            .set_period(self.period.map(number))
            .set_unit(self.unit.as_deref().map(StandardUnit::from))
            .set_metrics((!metrics.is_empty()).then_some(metrics))
            .set_threshold_metric_id(self.threshold_metric_id.clone())
            .set_threshold(self.threshold)
            .comparison_operator(ComparisonOperator::from(self.comparison_operator.as_str()))
            .evaluation_periods(number(self.evaluation_periods))
            .set_datapoints_to_alarm(self.datapoints_to_alarm.map(number))
            .set_treat_missing_data(self.treat_missing_data.clone())
            .set_evaluate_low_sample_count_percentile(self.evaluate_low_sample_count_percentile.clone())
            .set_evaluation_window(self.evaluation_window.as_ref().map(EvaluationWindow::for_call))
            .set_warm_up_configuration(self.warm_up_configuration.as_ref().map(WarmUpConfiguration::for_call))
            .set_action_configuration(tells)
            .set_tags(tags.map(|tags| tags.list(tag)));
        request.send().await.called("PutMetricAlarm").map(drop)
    }

    fn observed(&self, live: MetricAlarm, tags: Tags) -> Self {
        let word = |text: &str| Some(text.to_owned());
        let queries = live.metrics().iter().map(|query| MetricDataQuery::from_live(query, &self.metrics));
        let periods = count_or_zero(live.evaluation_periods);
        Self {
            metrics: in_order_of(&self.metrics, queries.collect(), |query| query.id.clone()),
            dimensions: dimensions_from(live.dimensions(), &self.dimensions),
            alarm_name: live.alarm_name.unwrap_or_default().into(),
            alarm_description: live.alarm_description.unwrap_or_default(),
            // PutMetricAlarm: true where it is left out.
            actions_enabled: live.actions_enabled.unwrap_or(true),
            alarm_actions: topics(live.alarm_actions, &self.alarm_actions),
            ok_actions: topics(live.ok_actions, &self.ok_actions),
            insufficient_data_actions: topics(
                live.insufficient_data_actions,
                &self.insufficient_data_actions,
            ),
            namespace: live.namespace,
            metric_name: live.metric_name,
            statistic: live.statistic.and_then(|statistic| word(statistic.as_str())),
            extended_statistic: live.extended_statistic,
            period: live.period.map(count),
            unit: live.unit.and_then(|unit| word(unit.as_str())),
            threshold_metric_id: live.threshold_metric_id,
            // Where a band is the threshold, a number means nothing.
            threshold: live.threshold.filter(|_| self.threshold_metric_id.is_none()),
            comparison_operator: live
                .comparison_operator
                .map(|operator| operator.as_str().to_owned())
                .unwrap_or_default(),
            evaluation_periods: periods,
            datapoints_to_alarm: unless_filled_in(
                live.datapoints_to_alarm.map(count),
                self.datapoints_to_alarm.as_ref(),
                &periods,
            ),
            treat_missing_data: unless_filled_in(
                live.treat_missing_data,
                self.treat_missing_data.as_ref(),
                &"missing".to_owned(),
            ),
            evaluate_low_sample_count_percentile: unless_filled_in(
                live.evaluate_low_sample_count_percentile,
                self.evaluate_low_sample_count_percentile.as_ref(),
                &"evaluate".to_owned(),
            ),
            evaluation_window: live.evaluation_window.as_ref().and_then(EvaluationWindow::from_live),
            warm_up_configuration: live.warm_up_configuration.as_ref().map(WarmUpConfiguration::from_live),
            tags,
        }
    }

    fn outputs(&self, live: &MetricAlarm) -> Result<AlarmOutputs<Resolved>, CallError> {
        let arn = required(live.alarm_arn(), "DescribeAlarms", "AlarmArn")?;
        Ok(AlarmOutputs { arn: arn.into(), alarm_name: self.alarm_name.clone() })
    }
}

#[async_trait]
impl Resource for Alarm<Resolved> {
    const KIND: &'static str = "AWS::CloudWatch::Alarm";
    const FACTS: Facts = Facts {
        name: Named::ByName("AlarmName"),
        create_only: CreateOnly::These(&["AlarmName"]),
        lists: &[Listed::TAGS, Listed { path: "Dimensions", key: "Name" }],
        tags: Tagging::WithCreate("Tags"),
        loss: Loss::Nothing,
        keeps: &[],
        limits: &[],
        template: Template::AS_DECLARED,
        times: Times { ready: Span { typical: 1, longest: 300 }, gone: Span { typical: 1, longest: 900 } },
        import: ImportId {
            parts: &["AlarmName"],
            words: "the name of the alarm",
            example: "payment-ecs-cpu-dev",
        },
        reads: Reads { least: 2, most: 2, together: Some("DescribeAlarms") },
        cost: Some("alarm"),
    };
    const SETTLE: Settle = Settle::Key;
    const CLOSED: &'static [&'static str] = &[
        "DatapointsToAlarm",
        "Dimensions",
        "EvaluateLowSampleCountPercentile",
        "EvaluationWindow",
        "TreatMissingData",
        "Unit",
        "WarmUpConfiguration",
    ];
    type Context = Context;
    type Declared = Alarm<Declared>;
    type Outputs<S: Stage> = AlarmOutputs<S>;

    fn claim(&self) -> Option<String> {
        Some(self.alarm_name.to_string())
    }

    async fn find(&self, cx: &Context, search: &Search) -> Result<Option<AlarmOutputs<Resolved>>, CallError> {
        let what = format!("alarm {}", self.alarm_name);
        let live = match alarm_named(cx, self.alarm_name.as_str()).await? {
            (Some(live), _) => live,
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                return Err(CallError::conflict(format!("looking for {what}"), "it is a composite alarm"));
            }
        };
        let outputs = self.outputs(&live)?;
        let Some(tags) = live_tags(cx, outputs.arn.as_str()).await.if_exists()? else { return Ok(None) };
        cx.adopt(&what, &tags, search)?;
        Ok(Some(outputs))
    }

    async fn create(&self, cx: &Context, intent: &Intent) -> Result<AlarmOutputs<Resolved>, CallError> {
        if alarm_named(cx, self.alarm_name.as_str()).await? != (None, None) {
            return Err(taken("PutMetricAlarm", &format!("alarm {}", self.alarm_name)));
        }
        self.put(cx, Some(intent), None).await?;
        // The call answers nothing; the ARN is made of what is known.
        let name = &self.alarm_name;
        let arn =
            format!("arn:{}:cloudwatch:{}:{}:alarm:{name}", cx.partition(), cx.region(), cx.account_id());
        Ok(AlarmOutputs { arn: arn.into(), alarm_name: name.clone() })
    }

    async fn configure(&self, cx: &Context, outputs: &AlarmOutputs<Resolved>) -> Result<(), CallError> {
        converge(self, cx, outputs).await
    }

    async fn read(&self, cx: &Context, outputs: &AlarmOutputs<Resolved>) -> Result<Option<Self>, CallError> {
        let (Some(live), _) = alarm_named(cx, outputs.alarm_name.as_str()).await? else { return Ok(None) };
        let Some(tags) = live_tags(cx, outputs.arn.as_str()).await.if_exists()? else { return Ok(None) };
        Ok(Some(self.observed(live, tags.visible())))
    }

    async fn update(
        &self,
        cx: &Context,
        outputs: &AlarmOutputs<Resolved>,
        changed: &Changed<Self>,
    ) -> Result<AlarmOutputs<Resolved>, CallError> {
        if changed.properties.iter().any(|name| name != "Tags") {
            let (live, _) = alarm_named(cx, self.alarm_name.as_str()).await?;
            self.put(cx, None, live.and_then(|live| live.action_configuration)).await?;
        }
        retag(cx, outputs.arn.as_str(), &changed.before.tags, &self.tags).await?;
        Ok(outputs.clone())
    }

    async fn delete(&self, cx: &Context, outputs: &AlarmOutputs<Resolved>) -> Result<(), CallError> {
        let request = client(cx).delete_alarms().alarm_names(outputs.alarm_name.as_str());
        // CloudWatch has no code of its own for an alarm that a composite alarm still names.
        let answer = request.send().await.called("DeleteAlarms");
        let answer =
            answer.classed_saying("ValidationError", "composite alarm", ErrorClass::DependencyViolation);
        answer.map(drop).gone_is_ok()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::Dimension as LiveDimension;

    use super::*;

    fn alarm() -> Alarm<Resolved> {
        Alarm {
            alarm_name: "payment-cpu-dev".into(),
            alarm_description: String::new(),
            actions_enabled: true,
            alarm_actions: vec!["topic:a".into(), "topic:b".into()],
            ok_actions: Vec::new(),
            insufficient_data_actions: Vec::new(),
            namespace: Some("AWS/ECS".to_owned()),
            metric_name: Some("CPUUtilization".to_owned()),
            dimensions: ["ServiceName", "ClusterName"]
                .map(|name| Dimension { name: name.to_owned(), value: "payment".to_owned() })
                .to_vec(),
            statistic: Some("Average".to_owned()),
            extended_statistic: None,
            period: Some(300),
            unit: None,
            metrics: Vec::new(),
            threshold_metric_id: None,
            threshold: Some(80.0),
            comparison_operator: "GreaterThanThreshold".to_owned(),
            evaluation_periods: 2,
            datapoints_to_alarm: None,
            treat_missing_data: None,
            evaluate_low_sample_count_percentile: None,
            evaluation_window: None,
            warm_up_configuration: None,
            tags: Tags::new(),
        }
    }

    fn live() -> aws_sdk_cloudwatch::types::builders::MetricAlarmBuilder {
        MetricAlarm::builder()
            .alarm_name("payment-cpu-dev")
            .alarm_actions("topic:b")
            .alarm_actions("topic:a")
            .namespace("AWS/ECS")
            .metric_name("CPUUtilization")
            .dimensions(LiveDimension::builder().name("ClusterName").value("payment").build())
            .dimensions(LiveDimension::builder().name("ServiceName").value("payment").build())
            .statistic(Statistic::Average)
            .period(300)
            .threshold(80.0)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold)
            .evaluation_periods(2)
    }

    #[test]
    fn order_and_what_aws_fills_in_are_no_difference() {
        let filled = live().datapoints_to_alarm(2).treat_missing_data("missing").actions_enabled(true);
        assert_eq!(alarm().observed(live().build(), Tags::new()), alarm());
        assert_eq!(alarm().observed(filled.build(), Tags::new()), alarm());
    }

    #[test]
    fn what_somebody_changed_is_a_difference() {
        let read = |live: aws_sdk_cloudwatch::types::builders::MetricAlarmBuilder| {
            alarm().observed(live.build(), Tags::new())
        };
        assert_eq!(read(live().datapoints_to_alarm(1)).datapoints_to_alarm, Some(1));
        assert_eq!(
            read(live().treat_missing_data("breaching")).treat_missing_data.as_deref(),
            Some("breaching")
        );
        assert!(!read(live().actions_enabled(false)).actions_enabled);
        assert_eq!(read(live().ok_actions("topic:c")).ok_actions, ["topic:c".into()]);
    }
}
