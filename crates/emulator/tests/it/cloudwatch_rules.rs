//! What CloudWatch refuses.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder as Put;
use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, MetricDatum, SingleMetricAnomalyDetector, StateValue, Statistic,
};
use emulator::Emulator;

use crate::cloudwatch::{TOPIC, client, dimension, listed, math, simple, stat, tag};
use crate::support::code;

type Change = fn(Put) -> Put;

const ELSEWHERE: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";
const SCALING: &str =
    "arn:aws:autoscaling:ap-southeast-1:123456789012:scalingPolicy:1:resource/ecs:policyName/p";

#[tokio::test(start_paused = true)]
async fn alarms_on_one_metric() {
    let client = client(&Emulator::in_memory());
    let bad = "ValidationError";
    let rows: Vec<(&str, &str, Change)> = vec![
        ("all is well", "ok", |put| put),
        ("a short period", "ok", |put| put.period(10)),
        ("a day of periods", "ok", |put| put.period(300).evaluation_periods(288)),
        ("a week of long periods", "ok", |put| put.period(3600).evaluation_periods(168)),
        ("a scaling policy", "ok", |put| put.alarm_actions(SCALING)),
        ("no metric", bad, |put| put.set_metric_name(None)),
        ("no namespace", bad, |put| put.set_namespace(None)),
        ("no statistic", bad, |put| put.set_statistic(None)),
        ("both statistics", bad, |put| put.extended_statistic("p99")),
        ("no such percentile", bad, |put| put.set_statistic(None).extended_statistic("p101")),
        ("no such statistic", bad, |put| put.statistic(Statistic::from("Median"))),
        ("no period", bad, |put| put.set_period(None)),
        ("an odd period", bad, |put| put.period(90)),
        ("more than a day", bad, |put| put.period(300).evaluation_periods(289)),
        ("more than a week", bad, |put| put.period(3600).evaluation_periods(169)),
        ("no evaluation periods", bad, |put| put.set_evaluation_periods(None)),
        ("more points than periods", bad, |put| put.datapoints_to_alarm(3)),
        ("no threshold", bad, |put| put.set_threshold(None)),
        ("two thresholds", bad, |put| put.threshold_metric_id("m1")),
        ("no operator", bad, |put| put.set_comparison_operator(None)),
        ("an operator for bands", bad, |put| {
            put.comparison_operator(ComparisonOperator::GreaterThanUpperThreshold)
        }),
        ("missing data", bad, |put| put.treat_missing_data("NotBreaching")),
        ("few samples", bad, |put| put.evaluate_low_sample_count_percentile("maybe")),
        ("an action that is no ARN", bad, |put| put.alarm_actions("alarms")),
        ("an action of another region", bad, |put| put.ok_actions(ELSEWHERE)),
        ("an action of another service", bad, |put| {
            put.ok_actions("arn:aws:s3:ap-southeast-1:123456789012:x")
        }),
        ("six actions", bad, |put| (0..6).fold(put, |put, _| put.alarm_actions(TOPIC))),
        ("31 dimensions", bad, |put| {
            (0..31).fold(put, |put, n| put.dimensions(dimension(&format!("d{n}"), "v")))
        }),
        ("metrics too", bad, |put| put.metrics(stat("m1"))),
        ("a control character", bad, |put| put.alarm_name("a\nb")),
        ("no name", bad, |put| put.alarm_name("")),
        ("the name of a composite alarm", bad, |put| put.alarm_name("composite")),
        ("a tag of AWS", "InvalidParameterValue", |put| put.tags(tag("aws:x", "y"))),
        ("PromQL, which is not modelled", "UnknownParameter", |put| put.evaluation_interval(60)),
    ];
    simple(&client, "child").send().await.unwrap();
    client.put_composite_alarm().alarm_name("composite").alarm_rule("ALARM(child)").send().await.unwrap();
    for (name, wanted, change) in rows {
        assert_eq!(code(change(simple(&client, "a")).send().await), wanted, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn alarms_on_lists_of_metrics() {
    let client = client(&Emulator::in_memory());
    let bad = "ValidationError";
    let rows: Vec<(&str, &str, Change)> = vec![
        ("all is well", "ok", |put| put.metrics(stat("m1")).metrics(math("e1", "FILL(m1, 0)"))),
        ("a chain", "ok", |put| {
            let mut inner = math("e1", "m1 + 1");
            inner.return_data = Some(false);
            put.metrics(stat("m1")).metrics(inner).metrics(math("e2", "e1 * e1"))
        }),
        ("no list", bad, |put| put),
        ("nothing returned", bad, |put| put.metrics(stat("m1"))),
        ("two returned", bad, |put| {
            put.metrics(stat("m1")).metrics(math("e1", "m1")).metrics(math("e2", "m1"))
        }),
        ("an unknown id", bad, |put| put.metrics(stat("m1")).metrics(math("e1", "m2 + 1"))),
        ("an expression that refers to itself", bad, |put| {
            put.metrics(stat("m1")).metrics(math("e1", "e1 + m1"))
        }),
        ("a parenthesis", bad, |put| put.metrics(stat("m1")).metrics(math("e1", "SUM(m1"))),
        ("an unknown function", bad, |put| put.metrics(stat("m1")).metrics(math("e1", "TOTAL(m1)"))),
        ("a search", bad, |put| {
            put.metrics(stat("m1")).metrics(math("e1", "SUM(SEARCH('x', 'Sum', 60)) + m1"))
        }),
        ("an id in capitals", bad, |put| put.metrics(stat("M1")).metrics(math("e1", "1"))),
        ("an id twice", bad, |put| put.metrics(stat("e1")).metrics(math("e1", "1"))),
        ("a namespace too", bad, |put| {
            put.namespace("AWS/ECS").metrics(stat("m1")).metrics(math("e1", "m1"))
        }),
        ("a period too", bad, |put| put.period(60).metrics(stat("m1")).metrics(math("e1", "m1"))),
        ("neither metric nor expression", bad, |put| {
            put.metrics(aws_sdk_cloudwatch::types::MetricDataQuery::builder().id("m1").build())
        }),
        ("eleven metrics", bad, |put| {
            (0..11).fold(put.metrics(math("e1", "m1")), |put, n| put.metrics(stat(&format!("m{n}"))))
        }),
        ("more than a day", bad, |put| {
            put.evaluation_periods(1441).metrics(stat("m1")).metrics(math("e1", "m1"))
        }),
        ("a band that is none", bad, |put| {
            let put = put.set_threshold(None).comparison_operator(ComparisonOperator::LessThanLowerThreshold);
            put.threshold_metric_id("e1").metrics(stat("m1")).metrics(math("e1", "m1"))
        }),
        ("a band and a scaling policy", bad, |put| {
            let put = put.set_threshold(None).comparison_operator(ComparisonOperator::LessThanLowerThreshold);
            let mut watched = stat("m1");
            watched.return_data = Some(true);
            let put = put.metrics(watched).metrics(math("ad1", "ANOMALY_DETECTION_BAND(m1)"));
            put.threshold_metric_id("ad1").alarm_actions(SCALING)
        }),
    ];
    for (name, wanted, change) in rows {
        assert_eq!(code(change(listed(&client, "a")).send().await), wanted, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn composite_alarms() {
    let client = client(&Emulator::in_memory());
    for name in ["a", "b"] {
        simple(&client, name).send().await.unwrap();
    }
    let put = |name: &str, rule: &str| client.put_composite_alarm().alarm_name(name).alarm_rule(rule);
    let rows = [
        ("all is well", "ok", put("c", "ALARM(a) OR OK(b)")),
        ("another composite alarm", "ok", put("d", "ALARM(c)")),
        ("a child that is not there", "ValidationError", put("x", "ALARM(none)")),
        ("no rule", "ValidationError", put("x", "ALARM(a) AND")),
        ("an unknown word", "ValidationError", put("x", "WARNING(a)")),
        ("the name of a metric alarm", "ValidationError", put("a", "ALARM(b)")),
        ("a scaling policy", "ValidationError", put("x", "ALARM(a)").alarm_actions(SCALING)),
        ("a suppressor without periods", "ValidationError", put("x", "ALARM(a)").actions_suppressor("b")),
        (
            "periods without suppressor",
            "ValidationError",
            put("x", "ALARM(a)").actions_suppressor_wait_period(1),
        ),
        ("an unknown suppressor", "ValidationError", {
            let put = put("x", "ALARM(a)").actions_suppressor("none").actions_suppressor_wait_period(1);
            put.actions_suppressor_extension_period(1)
        }),
        // A cycle comes about by changing a rule.
        ("a cycle", "ok", put("c", "ALARM(d) OR ALARM(a)")),
    ];
    for (name, wanted, call) in rows {
        assert_eq!(code(call.send().await), wanted, "{name}");
    }
    let delete = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        client.delete_alarms().set_alarm_names(Some(names)).send()
    };
    assert_eq!(code(delete(&["c"]).await), "ValidationError", "nothing of a cycle can be deleted");
    put("c", "FALSE").send().await.unwrap();
    assert_eq!(code(delete(&["d", "c"]).await), "ValidationError", "two composite alarms at once");
    assert_eq!(code(delete(&["c"]).await), "ValidationError", "d depends on it");
    assert_eq!(
        code(delete(&["d", "b", "none"]).await),
        "ok",
        "unknown names keep nothing from being deleted"
    );
    assert_eq!(code(delete(&["none"]).await), "ResourceNotFound");
    let left =
        client.describe_alarms().alarm_types(AlarmType::CompositeAlarm).alarm_types(AlarmType::MetricAlarm);
    let left = left.send().await.unwrap();
    assert_eq!((left.metric_alarms().len(), left.composite_alarms().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn everything_else() {
    let client = client(&Emulator::in_memory());
    let unknown = "arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:none";
    let set =
        |name: &str| client.set_alarm_state().alarm_name(name).state_value(StateValue::Ok).state_reason("x");
    assert_eq!(code(set("none").send().await), "ResourceNotFound");
    simple(&client, "a").send().await.unwrap();
    assert_eq!(code(set("a").state_reason_data("{").send().await), "InvalidFormat");
    let all = || client.describe_alarms();
    let rows = [
        ("names and prefix", "ValidationError", all().alarm_names("a").alarm_name_prefix("a")),
        ("family and more", "ValidationError", all().children_of_alarm_name("a").alarm_names("a")),
        ("a token of nobody", "InvalidNextToken", all().next_token("x")),
        ("too many records", "ValidationError", all().max_records(101)),
    ];
    for (name, wanted, call) in rows {
        assert_eq!(code(call.send().await), wanted, "{name}");
    }
    let found = client.list_tags_for_resource().resource_arn(unknown).send().await;
    assert_eq!(code(found), "ResourceNotFoundException");
    let tags = (0..51).fold(client.tag_resource(), |call, n| call.tags(tag(&format!("k{n}"), "v")));
    let tags = tags.resource_arn("arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:a");
    assert_eq!(code(tags.send().await), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn dashboards() {
    let client = client(&Emulator::in_memory());
    let put =
        |name: &str, body: &str| client.put_dashboard().dashboard_name(name).dashboard_body(body).send();
    let widget =
        |properties: &str| format!(r#"{{"widgets":[{{"type":"metric","properties":{properties}}}]}}"#);
    let many = format!("{{\"widgets\":[{}1]}}", "1,".repeat(500));
    let rows = [
        ("no JSON", "d", "widgets".to_owned(), "InvalidParameterInput"),
        ("no object", "d", "[]".to_owned(), "InvalidParameterInput"),
        ("no widgets", "d", "{}".to_owned(), "InvalidParameterInput"),
        ("501 widgets", "d", many, "InvalidParameterInput"),
        ("no region", "d", widget(r#"{"metrics":[["a","b"]]}"#), "InvalidParameterInput"),
        ("no metrics", "d", widget(r#"{"region":"r"}"#), "InvalidParameterInput"),
        (
            "a name with a dot",
            "d.e",
            widget(r#"{"region":"r","metrics":[["a","b"]]}"#),
            "InvalidParameterValue",
        ),
        ("all is well", "d", widget(r#"{"region":"r","metrics":[["a","b"]]}"#), "ok"),
    ];
    for (name, dashboard, body, wanted) in rows {
        assert_eq!(code(put(dashboard, &body).await), wanted, "{name}");
    }
    let error = put("d", "{}").await.unwrap_err().into_service_error();
    assert!(error.is_dashboard_invalid_input_error() && error.to_string().contains("widgets"), "{error:?}");
    assert_eq!(code(client.get_dashboard().dashboard_name("none").send().await), "ResourceNotFound");
    assert_eq!(code(client.delete_dashboards().dashboard_names("none").send().await), "ResourceNotFound");
    let both = client.delete_dashboards().dashboard_names("none").dashboard_names("d").send().await;
    assert_eq!(code(both), "ok");
}

#[tokio::test(start_paused = true)]
async fn metric_data_and_anomaly_detectors() {
    let client = client(&Emulator::in_memory());
    let datum = || MetricDatum::builder().metric_name("m");
    let long_ago = aws_sdk_cloudwatch::primitives::DateTime::from_secs(1_700_000_000);
    let rows = [
        ("no value", "Payment", datum(), "InvalidParameterCombination"),
        ("two values", "Payment", datum().value(1.0).values(2.0), "InvalidParameterCombination"),
        (
            "counts of another number",
            "Payment",
            datum().values(1.0).counts(1.0).counts(2.0),
            "InvalidParameterValue",
        ),
        ("too large", "Payment", datum().value(1e200), "InvalidParameterValue"),
        ("too old", "Payment", datum().value(1.0).timestamp(long_ago), "InvalidParameterValue"),
        ("an odd resolution", "Payment", datum().value(1.0).storage_resolution(5), "InvalidParameterValue"),
        ("a namespace of AWS", "AWS/ECS", datum().value(1.0), "InvalidParameterValue"),
        ("all is well", "Payment", datum().value(1.0).storage_resolution(1), "ok"),
    ];
    for (name, namespace, datum, wanted) in rows {
        let put = client.put_metric_data().namespace(namespace).metric_data(datum.build());
        assert_eq!(code(put.send().await), wanted, "{name}");
    }
    let put = |client: &Client| client.put_anomaly_detector();
    let single = SingleMetricAnomalyDetector::builder().namespace("n").metric_name("m").stat("Sum").build();
    let flat = put(&client).single_metric_anomaly_detector(single.clone());
    #[expect(deprecated, reason = "the old way of saying it is still there")]
    let both = put(&client).single_metric_anomaly_detector(single).namespace("n");
    assert_eq!(code(both.send().await), "InvalidParameterCombination");
    assert_eq!(code(put(&client).send().await), "MissingParameter");
    let half = SingleMetricAnomalyDetector::builder().namespace("n").metric_name("m").build();
    assert_eq!(code(put(&client).single_metric_anomaly_detector(half).send().await), "MissingParameter");
    let first = flat.clone().send().await.unwrap().anomaly_detector_id;
    assert_eq!(flat.send().await.unwrap().anomaly_detector_id, first, "the same metric has one detector");
    let delete = || client.delete_anomaly_detector().set_anomaly_detector_id(first.clone()).send();
    assert_eq!(code(delete().await), "ok");
    assert_eq!(code(delete().await), "ResourceNotFoundException");
}
