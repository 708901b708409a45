//! The alarms of target tracking, which Application Auto Scaling keeps by itself.
//!
//! Application Auto Scaling User Guide, "Target tracking scaling policies": they come with a policy and go with it.

use super::State;
use super::alarm::{Dimension, MetricSettings, Status, upsert};
use crate::services::{ACCOUNT_ID, Tags};

/// An alarm of a scaling policy.
#[derive(Clone, Debug)]
pub(crate) struct ManagedAlarm {
    /// Such as `TargetTracking-service/CLUSTER/SERVICE-AlarmHigh-UUID`.
    pub(crate) name: String,
    /// The policy, which is the alarm's action too.
    pub(crate) policy_arn: String,
    pub(crate) namespace: String,
    pub(crate) metric_name: String,
    pub(crate) statistic: String,
    pub(crate) unit: Option<String>,
    /// Names and values.
    pub(crate) dimensions: Vec<(String, String)>,
    /// In seconds.
    pub(crate) period: i64,
    pub(crate) evaluation_periods: i64,
    pub(crate) comparison_operator: String,
    pub(crate) threshold: f64,
}

impl State {
    /// Makes or replaces an alarm of a scaling policy, and returns its ARN.
    pub(crate) fn put_managed_alarm(&mut self, region: &str, now_millis: i64, alarm: ManagedAlarm) -> String {
        let arn = format!("arn:aws:cloudwatch:{region}:{ACCOUNT_ID}:alarm:{}", alarm.name);
        let status = Status::new(arn.clone(), now_millis as f64 / 1000.0);
        let dimension = |(name, value)| Dimension { name, value };
        let settings = MetricSettings {
            alarm_name: alarm.name.clone(),
            alarm_description: Some(format!(
                "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {}.",
                alarm.policy_arn
            )),
            actions_enabled: true,
            alarm_actions: vec![alarm.policy_arn.clone()],
            metric_name: Some(alarm.metric_name),
            namespace: Some(alarm.namespace),
            statistic: Some(alarm.statistic),
            unit: alarm.unit,
            dimensions: alarm.dimensions.into_iter().map(dimension).collect(),
            period: Some(alarm.period),
            evaluation_periods: Some(alarm.evaluation_periods),
            threshold: Some(alarm.threshold),
            comparison_operator: Some(alarm.comparison_operator),
            ..MetricSettings::default()
        };
        upsert(&mut self.alarms, settings, status, Tags::new());
        if let Some(made) = self.alarms.get_mut(&alarm.name) {
            made.managed_by = Some(alarm.policy_arn);
        }
        arn
    }

    /// Deletes an alarm of a scaling policy.
    pub(crate) fn delete_managed_alarm(&mut self, name: &str) {
        self.alarms.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::ids::IdSource;
    use crate::services::Api;

    #[test]
    fn a_managed_alarm_is_part_of_its_policy() {
        let mut state = State::new(IdSource::new(0, "eu-west-1"), "eu-west-1");
        let alarm = ManagedAlarm {
            name: "TargetTracking-service/c/s-AlarmHigh-1".to_owned(),
            policy_arn: "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:1".to_owned(),
            namespace: "AWS/ECS".to_owned(),
            metric_name: "CPUUtilization".to_owned(),
            statistic: "Average".to_owned(),
            unit: Some("Percent".to_owned()),
            dimensions: vec![("ClusterName".to_owned(), "c".to_owned())],
            period: 60,
            evaluation_periods: 3,
            comparison_operator: "GreaterThanThreshold".to_owned(),
            threshold: 70.0,
        };
        let arn = state.put_managed_alarm("eu-west-1", 0, alarm.clone());
        assert!(arn.ends_with(":alarm:TargetTracking-service/c/s-AlarmHigh-1"), "{arn}");
        let objects = state.objects("eu-west-1");
        assert_eq!(objects.len(), 1);
        assert!(objects[0].made_by_default);
        assert_eq!(objects[0].part_of.as_deref(), Some(alarm.policy_arn.as_str()));
        state.delete_managed_alarm(&alarm.name);
        assert!(state.objects("eu-west-1").is_empty());
    }
}
