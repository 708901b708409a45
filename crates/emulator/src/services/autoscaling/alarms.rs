//! The alarms of target tracking policies. They come with a policy, change with it and go with it (Application Auto Scaling
//! User Guide, "How target tracking scaling works").
//!
//! What they watch and when they go off are as in alarms that clients found in their accounts.

use serde::{Deserialize, Serialize};

use super::policy::{Predefined, TargetTracking};
use crate::services::Cx;
use crate::services::cloudwatch::ManagedAlarm;

/// An alarm as its policy shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Alarm {
    #[serde(rename = "AlarmName")]
    name: String,
    #[serde(rename = "AlarmARN")]
    arn: String,
}

/// When to scale out, or in.
struct Way {
    name: &'static str,
    comparison_operator: &'static str,
    evaluation_periods: i64,
    /// What part of the target value.
    share: f64,
}

const OUT: Way =
    Way { name: "AlarmHigh", comparison_operator: "GreaterThanThreshold", evaluation_periods: 3, share: 1.0 };
/// "Scale in is more gradual": later, and only well below the target value.
const IN: Way =
    Way { name: "AlarmLow", comparison_operator: "LessThanThreshold", evaluation_periods: 15, share: 0.9 };

/// Makes, changes and removes alarms until they are those of a policy. Alarms that stay keep their names.
pub(super) fn keep(
    cx: &mut Cx<'_>,
    policy_arn: &str,
    resource: &str,
    tracking: &TargetTracking,
    before: &[Alarm],
) -> Vec<Alarm> {
    let ways: &[Way] = if tracking.disable_scale_in { &[OUT] } else { &[OUT, IN] };
    forget(cx, before.get(ways.len()..).unwrap_or_default());
    let mut alarms = Vec::new();
    for (at, way) in ways.iter().enumerate() {
        let name = match before.get(at) {
            Some(alarm) => alarm.name.clone(),
            None => format!("TargetTracking-{resource}-{}-{}", way.name, cx.r.autoscaling.ids.uuid()),
        };
        let alarm = alarm(name.clone(), policy_arn, resource, tracking, way);
        let arn = cx.r.cloudwatch.put_managed_alarm(cx.region, cx.now_millis, alarm);
        alarms.push(Alarm { name, arn });
    }
    alarms
}

/// Removes alarms whose policy is gone.
pub(super) fn forget(cx: &mut Cx<'_>, alarms: &[Alarm]) {
    for alarm in alarms {
        cx.r.cloudwatch.delete_managed_alarm(&alarm.name);
    }
}

fn alarm(
    name: String,
    policy_arn: &str,
    resource: &str,
    tracking: &TargetTracking,
    way: &Way,
) -> ManagedAlarm {
    let Metric { namespace, name: metric_name, statistic, unit, dimensions } =
        metric(resource, tracking.metric());
    ManagedAlarm {
        name,
        policy_arn: policy_arn.to_owned(),
        namespace: namespace.to_owned(),
        metric_name,
        statistic: statistic.to_owned(),
        unit: unit.map(str::to_owned),
        dimensions,
        period: 60,
        evaluation_periods: way.evaluation_periods,
        comparison_operator: way.comparison_operator.to_owned(),
        threshold: tracking.target_value * way.share,
    }
}

struct Metric {
    namespace: &'static str,
    name: String,
    statistic: &'static str,
    unit: Option<&'static str>,
    /// Names and values.
    dimensions: Vec<(String, String)>,
}

/// The metric that a predefined one stands for (Application Auto Scaling API Reference, PredefinedMetricSpecification).
fn metric(resource: &str, predefined: &Predefined) -> Metric {
    let of = |names: [&str; 2], values: [&str; 2]| {
        names.into_iter().zip(values).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    match predefined.load_balancer_and_target_group() {
        Some((load_balancer, target_group)) => Metric {
            namespace: "AWS/ApplicationELB",
            name: "RequestCountPerTarget".to_owned(),
            statistic: "Sum",
            unit: None,
            dimensions: of(["LoadBalancer", "TargetGroup"], [load_balancer, target_group]),
        },
        None => {
            let mut parts = resource.split('/').skip(1);
            let (cluster, service) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let name = predefined.predefined_metric_type.trim_start_matches("ECSServiceAverage");
            Metric {
                namespace: "AWS/ECS",
                name: name.to_owned(),
                statistic: "Average",
                unit: Some("Percent"),
                dimensions: of(["ClusterName", "ServiceName"], [cluster, service]),
            }
        }
    }
}
