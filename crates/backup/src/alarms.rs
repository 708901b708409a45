//! What rings when the verification fails, cannot begin, or does not come.

use aws::resources::{Alarm, Dimension};
use aws::{Names, TopicArn};
use engine::Input;

use crate::FunctionName;
use crate::permissions::NAMESPACE;

/// What the handler publishes.
const METRIC: &str = "BackupVerified";
const HOUR: u32 = 3600;
/// A verification is due within a day of the last one, and may be late by two hours: it takes minutes at most, and
/// Scheduler and Lambda try to begin it for an hour each.
const HOURS_WITHOUT: u32 = 26;

/// The alarms, each with its name in the tier.
pub(crate) fn all(
    names: &Names,
    function: &Input<FunctionName>,
    cluster: Input<String>,
    topic: Option<&Input<TopicArn>>,
) -> Vec<(&'static str, Alarm)> {
    let topics: Vec<_> = topic.cloned().into_iter().collect();
    let unverified = unverified(names, cluster, &topics);
    let lambda = |what, metric, text| of_function(names, what, metric, text, function, &topics);
    vec![
        ("unverified-alarm", unverified),
        (
            "errors-alarm",
            lambda(
                "backup-errors",
                "Errors",
                "The verification of the payment database's backup failed. The function's log says why; so does the \
                 message of the topic.",
            ),
        ),
        (
            "throttles-alarm",
            lambda(
                "backup-throttles",
                "Throttles",
                "The verification of the payment database's backup could not begin: no execution was free. Lambda \
                 tries again for an hour.",
            ),
        ),
    ]
}

/// Rings when for more than a day no verification was good, whether they failed or did not come. By the hour, because a
/// day that ends with one verification and before the next has none in it.
fn unverified(names: &Names, cluster: Input<String>, topics: &[Input<TopicArn>]) -> Alarm {
    let dimension = |name: &str, value| Dimension { name: name.to_owned(), value };
    Alarm {
        namespace: Some(NAMESPACE.to_owned()),
        metric_name: Some(METRIC.to_owned()),
        // In the order in which the handler publishes them.
        dimensions: vec![
            dimension("Environment", names.environment().into()),
            dimension("DBClusterIdentifier", cluster),
        ],
        // One that was good makes the hour good.
        statistic: Some("Maximum".to_owned()),
        period: Some(HOUR),
        threshold: Some(1.0),
        comparison_operator: "LessThanThreshold".to_owned(),
        evaluation_periods: HOURS_WITHOUT,
        datapoints_to_alarm: Some(HOURS_WITHOUT),
        treat_missing_data: Some("breaching".to_owned()),
        ok_actions: topics.to_vec(),
        ..Alarm::silent(
            names.name("backup-unverified"),
            "For more than a day the payment database's backup was not verified: the verification failed, or did not \
             run. It also rings from a deployment until the first verification.",
            topics,
            names.tags("backup-unverified"),
        )
    }
}

/// Rings when the function says so even once: it is called once a day. That all is well again five minutes later says
/// nothing, so nobody is told.
fn of_function(
    names: &Names,
    what: &str,
    metric: &str,
    description: &str,
    function: &Input<FunctionName>,
    topics: &[Input<TopicArn>],
) -> Alarm {
    Alarm {
        namespace: Some("AWS/Lambda".to_owned()),
        metric_name: Some(metric.to_owned()),
        dimensions: vec![Dimension { name: "FunctionName".to_owned(), value: function.text() }],
        statistic: Some("Sum".to_owned()),
        period: Some(300),
        threshold: Some(1.0),
        comparison_operator: "GreaterThanOrEqualToThreshold".to_owned(),
        evaluation_periods: 1,
        datapoints_to_alarm: Some(1),
        treat_missing_data: Some("notBreaching".to_owned()),
        ..Alarm::silent(names.name(what), description, topics, names.tags(what))
    }
}
