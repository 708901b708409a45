//! CloudWatch's metric data and anomaly detectors.

use std::time::Duration;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AnomalyDetectorConfiguration, DimensionFilter, MetricDatum, Range, RecentlyActive,
    SingleMetricAnomalyDetector, StandardUnit, Statistic, StatisticSet,
};
use emulator::Emulator;

use crate::cloudwatch::{client, dimension};
use crate::support::code;

/// When time begins in memory.
const START: i64 = 1_767_225_600;

fn at(seconds: i64) -> DateTime {
    DateTime::from_secs(START + seconds)
}

#[tokio::test(start_paused = true)]
async fn statistics_are_those_of_what_was_put() {
    let client = client(&Emulator::in_memory());
    let datum = || MetricDatum::builder().metric_name("Latency").unit(StandardUnit::Seconds);
    let data = [
        datum().timestamp(at(5)).value(4.0),
        datum().timestamp(at(50)).values(1.0).values(2.0).counts(3.0).counts(1.0),
        datum().timestamp(at(60)).value(10.0),
        datum().timestamp(at(60)).value(7.0).unit(StandardUnit::Milliseconds),
        datum().timestamp(at(60)).value(99.0).dimensions(dimension("Service", "other")),
    ];
    let data: Vec<_> = data.into_iter().map(|datum| datum.build()).collect();
    client.put_metric_data().namespace("Payment").set_metric_data(Some(data)).send().await.unwrap();
    let get = || {
        let get = client.get_metric_statistics().namespace("Payment").metric_name("Latency").period(60);
        get.start_time(at(30)).end_time(at(120))
    };
    let all =
        get().statistics(Statistic::Sum).statistics(Statistic::Average).statistics(Statistic::SampleCount);
    let found = all.statistics(Statistic::Minimum).statistics(Statistic::Maximum).send().await.unwrap();
    let [first, _, second] = found.datapoints() else { panic!("{found:?}") };
    assert_eq!(first.timestamp(), Some(&at(0)));
    assert_eq!((first.sum(), first.sample_count(), first.average()), (Some(9.0), Some(5.0), Some(1.8)));
    assert_eq!((first.minimum(), first.maximum()), (Some(1.0), Some(4.0)));
    assert_eq!((second.sum(), second.unit()), (Some(10.0), Some(&StandardUnit::Seconds)));

    let found =
        get().extended_statistics("p50").extended_statistics("p99").unit(StandardUnit::Seconds).send().await;
    let found = found.unwrap();
    let extended = found.datapoints()[0].extended_statistics().unwrap();
    assert_eq!((extended["p50"], extended["p99"]), (1.0, 4.0));
    let other =
        get().dimensions(dimension("Service", "other")).statistics(Statistic::Sum).send().await.unwrap();
    assert_eq!(other.datapoints()[0].sum(), Some(99.0));

    assert_eq!(code(get().send().await), "InvalidParameterCombination", "no statistic");
    let backwards = get().end_time(at(0)).statistics(Statistic::Sum).send().await;
    assert_eq!(code(backwards), "InvalidParameterValue");
    let much = get().end_time(at(60 * 1441 + 30)).statistics(Statistic::Sum).send().await;
    assert_eq!(code(much), "InvalidParameterCombination");
    assert_eq!(code(get().period(45).statistics(Statistic::Sum).send().await), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn metrics_are_listed_while_they_have_data() {
    let client = client(&Emulator::in_memory());
    let set = StatisticSet::builder().sample_count(2.0).sum(3.0).minimum(1.0).maximum(2.0).build();
    let one = MetricDatum::builder().metric_name("One").statistic_values(set).dimensions(dimension("a", "b"));
    let put = client.put_metric_data().namespace("Payment").metric_data(one.build());
    put.send().await.unwrap();
    tokio::time::advance(Duration::from_secs(4 * 3600)).await;
    let two = MetricDatum::builder().metric_name("Two").value(1.0).build();
    client.put_metric_data().namespace("Other").metric_data(two).send().await.unwrap();
    let list = || client.list_metrics();
    let filter = |name: &str| DimensionFilter::builder().name(name).build();
    let rows = [
        ("all", list(), vec!["Two", "One"]),
        ("namespace", list().namespace("Payment"), vec!["One"]),
        ("name", list().metric_name("Two"), vec!["Two"]),
        ("dimension", list().dimensions(filter("a")), vec!["One"]),
        ("no such dimension", list().dimensions(filter("b")), vec![]),
        ("lately", list().recently_active(RecentlyActive::Pt3H), vec!["Two"]),
    ];
    for (name, call, wanted) in rows {
        let found = call.send().await.unwrap();
        let names: Vec<_> = found.metrics().iter().filter_map(|metric| metric.metric_name()).collect();
        assert_eq!(names, wanted, "{name}");
    }
    tokio::time::advance(Duration::from_secs(14 * 86_400 + 1)).await;
    assert!(list().send().await.unwrap().metrics().is_empty());
}

#[tokio::test(start_paused = true)]
async fn anomaly_detectors_come_back() {
    let client = client(&Emulator::in_memory());
    let single = SingleMetricAnomalyDetector::builder().namespace("AWS/ApiGateway").metric_name("Count");
    let single = single.stat("Sum").dimensions(dimension("Stage", "prod")).build();
    let range = Range::builder().start_time(at(0)).end_time(at(60)).build();
    let configuration =
        AnomalyDetectorConfiguration::builder().excluded_time_ranges(range).metric_timezone("UTC").build();
    let put = client.put_anomaly_detector().single_metric_anomaly_detector(single.clone());
    put.configuration(configuration.clone()).send().await.unwrap();
    let found = client.describe_anomaly_detectors().namespace("AWS/ApiGateway").send().await.unwrap();
    let [detector] = found.anomaly_detectors() else { panic!("{found:?}") };
    assert_eq!(detector.single_metric_anomaly_detector(), Some(&single));
    assert_eq!(detector.configuration(), Some(&configuration));
    let none = client.describe_anomaly_detectors().metric_name("Latency").send().await.unwrap();
    assert!(none.anomaly_detectors().is_empty());
    client.delete_anomaly_detector().single_metric_anomaly_detector(single).send().await.unwrap();
    assert!(client.describe_anomaly_detectors().send().await.unwrap().anomaly_detectors().is_empty());
}
