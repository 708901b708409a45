//! CloudWatch: what real AWS answered, recorded, row by row. The next recorded answer is one row more.

use std::time::Duration;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Metric, MetricDataQuery, MetricDatum, MetricStat, RecentlyActive, StandardUnit, Statistic, StatisticSet,
};
use emulator::Emulator;

use crate::cloudwatch::{client, dimension, simple, tag};
use crate::rows::check;
use crate::support::{REGION, answered};

const VALUE: &str = "InvalidParameterValue 400";
const COMBINATION: &str = "InvalidParameterCombination 400";

/// When time begins in memory.
const START: i64 = 1_767_225_600;

fn datum() -> aws_sdk_cloudwatch::types::builders::MetricDatumBuilder {
    MetricDatum::builder().metric_name("m")
}

fn set() -> StatisticSet {
    StatisticSet::builder().sample_count(2.0).sum(3.0).minimum(1.0).maximum(2.0).build()
}

#[tokio::test(start_paused = true)]
async fn an_alarm_on_one_metric_has_no_list_of_metrics() {
    let client = client(&Emulator::in_memory());
    simple(&client, "one").send().await.unwrap();
    let metric = Metric::builder().namespace("AWS/ECS").metric_name("CPUUtilization").build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Average").build();
    let query = MetricDataQuery::builder().id("m1").metric_stat(stat).return_data(true).build();
    crate::cloudwatch::listed(&client, "several").metrics(query).send().await.unwrap();
    let found = client.describe_alarms().send().await.unwrap();
    let [one, several] = found.metric_alarms() else { panic!("{found:?}") };
    assert_eq!(one.metrics, None, "B23: the list of an alarm on one metric");
    assert_eq!(several.metrics().len(), 1);
    for list in [&one.ok_actions, &one.alarm_actions, &one.insufficient_data_actions] {
        assert_eq!(list.as_deref(), Some(&[][..]), "the lists that are always there");
    }
    assert_eq!(found.composite_alarms.as_deref(), Some(&[][..]));
}

#[tokio::test(start_paused = true)]
async fn when_statistics_begin_and_end() {
    let client = client(&Emulator::in_memory());
    let between = async |start: i64, end: i64| {
        let call = client.get_metric_statistics().namespace("n").metric_name("m").period(60);
        let call = call.start_time(DateTime::from_secs(START + start)).statistics(Statistic::Sum);
        answered(call.end_time(DateTime::from_secs(START + end)).send().await)
    };
    let period = async |period: i32| {
        let call = client.get_metric_statistics().namespace("n").metric_name("m").statistics(Statistic::Sum);
        let call = call.start_time(DateTime::from_secs(START)).end_time(DateTime::from_secs(START + 60));
        answered(call.period(period).send().await)
    };
    check([
        ("C37 the start is the end", VALUE, between(60, 60).await),
        ("the start is after the end", VALUE, between(60, 0).await),
        ("the start is before the end", "ok", between(0, 60).await),
        ("1441 periods", COMBINATION, between(0, 60 * 1441).await),
        ("a period of 0", VALUE, period(0).await),
        ("a period of 45", VALUE, period(45).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn namespaces_and_values() {
    let client = client(&Emulator::in_memory());
    let put = async |namespace: &str, datum: MetricDatum| {
        answered(client.put_metric_data().namespace(namespace).metric_data(datum).send().await)
    };
    let one = || datum().value(1.0).build();
    let half = StatisticSet::builder().sample_count(f64::NAN).sum(3.0).minimum(1.0).maximum(2.0).build();
    let bare = client.put_metric_data().namespace("n").send().await;
    let unnamed = MetricDatum::builder().value(1.0).build();
    check([
        ("D44 a colon in a namespace", "ok", put("my:space", one()).await),
        ("D44 a colon at the beginning", "ok", put(":space", one()).await),
        ("D44 an alarm on it", "ok", answered(simple(&client, "a").namespace(":space").send().await)),
        ("a namespace of AWS", VALUE, put("AWS/ECS", one()).await),
        ("a namespace of 256 characters", VALUE, put(&"x".repeat(256), one()).await),
        (
            "D45 values and a set of statistics",
            "ok",
            put("both", datum().values(5.0).values(6.0).statistic_values(set()).build()).await,
        ),
        ("a value and values", COMBINATION, put("n", datum().value(1.0).values(1.0).build()).await),
        (
            "a value and a set of statistics",
            COMBINATION,
            put("n", datum().value(1.0).statistic_values(set()).build()).await,
        ),
        ("neither", COMBINATION, put("n", datum().build()).await),
        (
            "values without as many counts",
            VALUE,
            put("n", datum().values(1.0).counts(1.0).counts(2.0).build()).await,
        ),
        ("no number", VALUE, put("n", datum().value(f64::NAN).build()).await),
        ("infinity", VALUE, put("n", datum().value(f64::INFINITY).build()).await),
        ("no number among values", VALUE, put("n", datum().values(f64::NEG_INFINITY).build()).await),
        ("no number in a set", VALUE, put("n", datum().statistic_values(half).build()).await),
        (
            "an unknown unit",
            VALUE,
            put("n", datum().value(1.0).unit(StandardUnit::from("Apples")).build()).await,
        ),
        ("no data", "MissingParameter 400", answered(bare)),
        ("data without a name", "MissingParameter 400", put("n", unnamed).await),
        (
            "a dimension of 256 characters",
            VALUE,
            put("n", datum().value(1.0).dimensions(dimension(&"x".repeat(256), "v")).build()).await,
        ),
        (
            "metrics lately active in an unknown sense",
            VALUE,
            answered(client.list_metrics().recently_active(RecentlyActive::from("PT1H")).send().await),
        ),
    ]);
    let get = client.get_metric_statistics().namespace("both").metric_name("m").period(60);
    let get = get.start_time(DateTime::from_secs(START)).end_time(DateTime::from_secs(START + 60));
    let found = get.statistics(Statistic::SampleCount).send().await.unwrap();
    assert_eq!(found.datapoints()[0].sample_count(), Some(4.0), "D45: both count");
}

#[tokio::test(start_paused = true)]
async fn tags_of_an_alarm_that_was_deleted_a_moment_ago() {
    let client = client(&Emulator::in_memory());
    let arn = |name: &str| format!("arn:aws:cloudwatch:{REGION}:123456789012:alarm:{name}");
    simple(&client, "a").tags(tag("k", "v")).send().await.unwrap();
    let list = async |name: &str| {
        let answer = client.list_tags_for_resource().resource_arn(arn(name)).send().await;
        match answer {
            Ok(found) => format!("{} tags", found.tags().len()),
            refused => answered(refused),
        }
    };
    let none = "ResourceNotFoundException 404";
    check([("an alarm", "1 tags", list("a").await), ("an alarm that never was", none, list("b").await)]);
    client.delete_alarms().alarm_names("a").send().await.unwrap();
    let change = client.tag_resource().resource_arn(arn("a")).tags(tag("k", "v")).send().await;
    check([("D45 just deleted", "0 tags", list("a").await), ("tagging it", none, answered(change))]);
    simple(&client, "a").tags(tag("k", "v")).send().await.unwrap();
    check([("made again", "1 tags", list("a").await)]);
    client.delete_alarms().alarm_names("a").send().await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    check([("after a while", none, list("a").await)]);
}

#[tokio::test(start_paused = true)]
async fn codes_of_what_the_api_does_not_allow() {
    let client = client(&Emulator::in_memory());
    let long = "x".repeat(129);
    let arn = format!("arn:aws:cloudwatch:{REGION}:123456789012:alarm:a");
    simple(&client, "a").send().await.unwrap();
    let operator = aws_sdk_cloudwatch::types::ComparisonOperator::from("About");
    check([
        (
            "an alarm's operator",
            "ValidationError 400",
            answered(simple(&client, "b").comparison_operator(operator).send().await),
        ),
        (
            "a state that is none",
            "ValidationError 400",
            answered(
                client
                    .set_alarm_state()
                    .alarm_name("a")
                    .state_value("BAD".into())
                    .state_reason("x")
                    .send()
                    .await,
            ),
        ),
        (
            "the key of a tag",
            VALUE,
            answered(client.tag_resource().resource_arn(&arn).tags(tag(&long, "v")).send().await),
        ),
    ]);
}
