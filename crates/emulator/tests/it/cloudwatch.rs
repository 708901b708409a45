//! CloudWatch alarms and dashboards: what was put comes back.

use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{
    ActionConfiguration, AlarmTagsPropagation, AlarmType, ComparisonOperator, Dimension, EvaluationWindow,
    Metric, MetricDataQuery, MetricStat, StandardUnit, StateValue, Statistic, Tag, WallClockWindow,
    WarmUpConfiguration,
};
use emulator::Emulator;

use crate::support::{REGION, code, config};

pub(crate) const TOPIC: &str = "arn:aws:sns:ap-southeast-1:123456789012:alarms";

pub(crate) fn client(emulator: &Emulator) -> Client {
    Client::new(&config(emulator, REGION))
}

pub(crate) fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// An alarm on one metric with all that an alarm must have.
pub(crate) fn simple(client: &Client, name: &str) -> PutMetricAlarmFluentBuilder {
    client
        .put_metric_alarm()
        .alarm_name(name)
        .namespace("AWS/ECS")
        .metric_name("CPUUtilization")
        .statistic(Statistic::Average)
        .period(300)
        .evaluation_periods(2)
        .threshold(80.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
}

/// A metric in a list.
pub(crate) fn stat(id: &str) -> MetricDataQuery {
    let metric = Metric::builder().namespace("AWS/ApplicationELB").metric_name("HealthyHostCount");
    let metric = metric.dimensions(dimension("TargetGroup", "targetgroup/blue/0123456789abcdef")).build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Minimum").build();
    MetricDataQuery::builder().id(id).metric_stat(stat).return_data(false).build()
}

/// An expression in a list.
pub(crate) fn math(id: &str, expression: &str) -> MetricDataQuery {
    MetricDataQuery::builder().id(id).expression(expression).label("label").return_data(true).build()
}

pub(crate) fn listed(client: &Client, name: &str) -> PutMetricAlarmFluentBuilder {
    client
        .put_metric_alarm()
        .alarm_name(name)
        .evaluation_periods(3)
        .threshold(2.0)
        .comparison_operator(ComparisonOperator::LessThanThreshold)
}

#[tokio::test(start_paused = true)]
async fn an_alarm_on_one_metric_comes_back_as_it_was_put() {
    let client = client(&Emulator::in_memory());
    let put = simple(&client, "high cpu").alarm_description("too high").actions_enabled(true);
    let put = put.alarm_actions(TOPIC).ok_actions(TOPIC).insufficient_data_actions(TOPIC);
    let put = put.dimensions(dimension("ClusterName", "c")).dimensions(dimension("ServiceName", "s"));
    let put = put.unit(StandardUnit::Percent).datapoints_to_alarm(1).treat_missing_data("notBreaching");
    put.tags(tag("Author", "Zoë")).send().await.unwrap();

    let found = client.describe_alarms().send().await.unwrap();
    let [alarm] = found.metric_alarms() else { panic!("{found:?}") };
    let arn = format!("arn:aws:cloudwatch:{REGION}:123456789012:alarm:high cpu");
    assert_eq!(alarm.alarm_arn(), Some(arn.as_str()));
    assert_eq!(alarm.alarm_description(), Some("too high"));
    assert_eq!(alarm.actions_enabled(), Some(true));
    for actions in [alarm.alarm_actions(), alarm.ok_actions(), alarm.insufficient_data_actions()] {
        assert_eq!(actions, [TOPIC]);
    }
    assert_eq!((alarm.namespace(), alarm.metric_name()), (Some("AWS/ECS"), Some("CPUUtilization")));
    assert_eq!(alarm.dimensions(), [dimension("ClusterName", "c"), dimension("ServiceName", "s")]);
    assert_eq!(alarm.statistic(), Some(&Statistic::Average));
    assert_eq!(alarm.unit(), Some(&StandardUnit::Percent));
    assert_eq!(
        (alarm.period(), alarm.evaluation_periods(), alarm.datapoints_to_alarm()),
        (Some(300), Some(2), Some(1))
    );
    assert_eq!((alarm.threshold(), alarm.treat_missing_data()), (Some(80.0), Some("notBreaching")));
    assert_eq!(alarm.comparison_operator(), Some(&ComparisonOperator::GreaterThanThreshold));
    assert_eq!(alarm.state_value(), Some(&StateValue::InsufficientData));
    assert_eq!(alarm.state_updated_timestamp().unwrap().secs(), 1_767_225_600);
    let tags = client.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Author", "Zoë")]);
}

#[tokio::test(start_paused = true)]
async fn percentiles_math_and_bands_come_back() {
    let client = client(&Emulator::in_memory());
    let put = simple(&client, "slow").set_statistic(None).extended_statistic("p99");
    put.evaluate_low_sample_count_percentile("ignore").send().await.unwrap();
    let queries = [stat("blue"), stat("green"), math("hosts", "FILL(blue,0)+FILL(green,0)")];
    listed(&client, "hosts").set_metrics(Some(queries.to_vec())).send().await.unwrap();
    let mut watched = stat("m1");
    watched.return_data = Some(true);
    let band = client.put_metric_alarm().alarm_name("odd").evaluation_periods(2);
    let band = band.comparison_operator(ComparisonOperator::GreaterThanUpperThreshold);
    let band = band.metrics(watched).metrics(math("ad1", "ANOMALY_DETECTION_BAND(m1, 2)"));
    band.threshold_metric_id("ad1").send().await.unwrap();

    let found = client.describe_alarms().send().await.unwrap();
    let [hosts, odd, slow] = found.metric_alarms() else { panic!("{found:?}") };
    assert_eq!(slow.extended_statistic(), Some("p99"));
    assert_eq!(slow.evaluate_low_sample_count_percentile(), Some("ignore"));
    assert_eq!(hosts.metrics(), queries);
    assert_eq!(hosts.threshold(), Some(2.0));
    assert_eq!((odd.threshold_metric_id(), odd.threshold()), (Some("ad1"), None));
}

#[tokio::test(start_paused = true)]
async fn how_an_alarm_looks_and_tells_comes_back_until_it_is_put_without() {
    let client = client(&Emulator::in_memory());
    let window = EvaluationWindow::WallClockWindow(WallClockWindow::builder().timezone("Asia/Tokyo").build());
    let warm_up = WarmUpConfiguration::builder().warm_up_period_duration_in_minutes(2880).build();
    let tags = AlarmTagsPropagation::builder().enabled(true).included_tag_keys("Author").build();
    let tells = ActionConfiguration::builder().alarm_tags_propagation(tags).build();
    let mut far = stat("m1");
    far.account_id = Some("210987654321".to_owned());
    far.metric_stat.as_mut().unwrap().unit = Some(StandardUnit::Count);
    let mut sum = math("e1", "m1 * 2");
    sum.period = Some(300);
    let put = listed(&client, "a").metrics(far.clone()).metrics(sum.clone());
    let put = put.evaluation_window(window.clone()).warm_up_configuration(warm_up.clone());
    put.action_configuration(tells.clone()).send().await.unwrap();
    let put = client.put_composite_alarm().alarm_name("b").alarm_rule("ALARM(a)");
    put.action_configuration(tells.clone()).insufficient_data_actions(TOPIC).send().await.unwrap();

    let all = || {
        let kinds = client.describe_alarms().alarm_types(AlarmType::MetricAlarm);
        kinds.alarm_types(AlarmType::CompositeAlarm).send()
    };
    let found = all().await.unwrap();
    let ([alarm], [both]) = (found.metric_alarms(), found.composite_alarms()) else { panic!("{found:?}") };
    assert_eq!(alarm.metrics(), [far, sum]);
    assert_eq!(alarm.evaluation_window(), Some(&window));
    let shown = alarm.warm_up_configuration().unwrap();
    assert_eq!(shown.warm_up_period_duration_in_minutes(), Some(2880));
    assert_eq!(alarm.action_configuration(), Some(&tells));
    assert_eq!(both.action_configuration(), Some(&tells));
    assert_eq!(both.insufficient_data_actions(), [TOPIC]);

    let odd = simple(&client, "a").period(120).evaluation_window(window);
    assert_eq!(code(odd.send().await), "ValidationError");
    simple(&client, "a").send().await.unwrap();
    client.put_composite_alarm().alarm_name("b").alarm_rule("ALARM(a)").send().await.unwrap();
    let found = all().await.unwrap();
    let alarm = &found.metric_alarms()[0];
    assert_eq!((alarm.evaluation_window(), alarm.warm_up_configuration()), (None, None));
    assert_eq!(alarm.action_configuration(), None);
    assert_eq!(found.composite_alarms()[0].action_configuration(), None);
}

#[tokio::test(start_paused = true)]
async fn putting_again_replaces_everything_but_state_and_tags() {
    let client = client(&Emulator::in_memory());
    let first = simple(&client, "a").alarm_description("one").alarm_actions(TOPIC).tags(tag("Name", "one"));
    first.send().await.unwrap();
    let state = client.set_alarm_state().alarm_name("a").state_value(StateValue::Alarm);
    state.state_reason("a test").send().await.unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    simple(&client, "a").threshold(90.0).tags(tag("Name", "two")).send().await.unwrap();

    let found = client.describe_alarms().send().await.unwrap();
    let [alarm] = found.metric_alarms() else { panic!("{found:?}") };
    assert_eq!((alarm.threshold(), alarm.alarm_description()), (Some(90.0), None));
    assert!(alarm.alarm_actions().is_empty());
    assert_eq!((alarm.state_value(), alarm.state_reason()), (Some(&StateValue::Alarm), Some("a test")));
    assert_eq!(alarm.alarm_configuration_updated_timestamp().unwrap().secs(), 1_767_225_660);
    let tags = || client.list_tags_for_resource().resource_arn(alarm.alarm_arn().unwrap()).send();
    assert_eq!(tags().await.unwrap().tags(), [tag("Name", "one")]);

    let arn = alarm.alarm_arn().unwrap();
    client.tag_resource().resource_arn(arn).tags(tag("Name", "two")).tags(tag("x", "")).send().await.unwrap();
    client.untag_resource().resource_arn(arn).tag_keys("x").send().await.unwrap();
    assert_eq!(tags().await.unwrap().tags(), [tag("Name", "two")]);
}

#[tokio::test(start_paused = true)]
async fn a_composite_alarm_comes_back_and_keeps_its_children() {
    let client = client(&Emulator::in_memory());
    simple(&client, "a").send().await.unwrap();
    simple(&client, "b c").send().await.unwrap();
    let arn = format!("arn:aws:cloudwatch:{REGION}:123456789012:alarm:b c");
    let rule = format!("ALARM(a) AND NOT (OK(\"{arn}\") OR FALSE)");
    let put = client.put_composite_alarm().alarm_name("both").alarm_rule(&rule).alarm_actions(TOPIC);
    let put = put
        .actions_suppressor("a")
        .actions_suppressor_wait_period(60)
        .actions_suppressor_extension_period(30);
    put.alarm_description("x").tags(tag("Name", "n")).send().await.unwrap();

    // Composite alarms are listed for those who ask for them.
    let found = client.describe_alarms().send().await.unwrap();
    assert_eq!((found.metric_alarms().len(), found.composite_alarms().len()), (2, 0));
    let found = client.describe_alarms().alarm_types(AlarmType::CompositeAlarm).send().await.unwrap();
    let [both] = found.composite_alarms() else { panic!("{found:?}") };
    assert!(found.metric_alarms().is_empty());
    assert_eq!((both.alarm_rule(), both.actions_suppressor()), (Some(rule.as_str()), Some("a")));
    assert_eq!(both.actions_suppressor_wait_period(), Some(60));
    assert_eq!(both.actions_suppressor_extension_period(), Some(30));
    assert_eq!(
        (both.alarm_actions(), both.state_value()),
        ([TOPIC.to_owned()].as_slice(), Some(&StateValue::InsufficientData))
    );

    let children = client.describe_alarms().children_of_alarm_name("both").send().await.unwrap();
    let names: Vec<_> = children.metric_alarms().iter().filter_map(|alarm| alarm.alarm_name()).collect();
    assert_eq!(names, ["a", "b c"]);
    let parents = client.describe_alarms().parents_of_alarm_name("b c").send().await.unwrap();
    assert_eq!(parents.composite_alarms()[0].alarm_name(), Some("both"));

    assert_eq!(code(client.delete_alarms().alarm_names("a").send().await), "ValidationError");
    client.delete_alarms().alarm_names("both").send().await.unwrap();
    client.delete_alarms().alarm_names("a").alarm_names("b c").send().await.unwrap();
    assert!(client.describe_alarms().send().await.unwrap().metric_alarms().is_empty());
}

#[tokio::test(start_paused = true)]
async fn alarms_are_found_by_every_filter_and_in_pages() {
    let client = client(&Emulator::in_memory());
    for name in ["api-a", "api-b", "db-a"] {
        simple(&client, name).send().await.unwrap();
    }
    simple(&client, "db-b").alarm_actions(TOPIC).send().await.unwrap();
    let set = client.set_alarm_state().alarm_name("api-b").state_value(StateValue::Ok);
    set.state_reason("a test").state_reason_data("{}").send().await.unwrap();
    let all = || client.describe_alarms();
    let rows = [
        ("names", all().alarm_names("db-a").alarm_names("none"), vec!["db-a"]),
        ("prefix", all().alarm_name_prefix("api-"), vec!["api-a", "api-b"]),
        ("state", all().state_value(StateValue::Ok), vec!["api-b"]),
        ("action", all().action_prefix("arn:aws:sns:"), vec!["db-b"]),
        ("nothing", all(), vec!["api-a", "api-b", "db-a", "db-b"]),
        ("first page", all().max_records(3), vec!["api-a", "api-b", "db-a"]),
    ];
    for (name, call, wanted) in rows {
        let found = call.send().await.unwrap();
        let names: Vec<_> = found.metric_alarms().iter().filter_map(|alarm| alarm.alarm_name()).collect();
        assert_eq!(names, wanted, "{name}");
    }
    let first = all().max_records(3).send().await.unwrap();
    let second = all().max_records(3).set_next_token(first.next_token).send().await.unwrap();
    assert_eq!((second.metric_alarms().len(), second.next_token()), (1, None));
}

const BODY: &str = r##"{"periodOverride": "inherit", "widgets": [
    {"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": {"region": "ap-southeast-1",
     "period": 300, "stat": "Sum", "title": "Requests", "view": "timeSeries",
     "metrics": [["AWS/ApplicationELB", "RequestCount", "LoadBalancer", "app/x/1"], [".", "HTTPCode_ELB_5XX_Count", ".", "."]]}},
    {"type": "text", "x": 12, "y": 0, "properties": {"markdown": "# Made by a program"}}]}"##;

#[tokio::test(start_paused = true)]
async fn a_dashboard_comes_back_and_belongs_to_every_region() {
    let emulator = Emulator::in_memory();
    let here = client(&emulator);
    let there = Client::new(&config(&emulator, "eu-west-1"));
    let put = here.put_dashboard().dashboard_name("payments").dashboard_body(BODY).tags(tag("Name", "n"));
    assert!(put.send().await.unwrap().dashboard_validation_messages().is_empty());
    let found = there.get_dashboard().dashboard_name("payments").send().await.unwrap();
    let arn = "arn:aws:cloudwatch::123456789012:dashboard/payments";
    assert_eq!((found.dashboard_arn(), found.dashboard_body()), (Some(arn), Some(BODY)));
    let tags = here.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Name", "n")]);

    there.put_dashboard().dashboard_name("payments").dashboard_body("{\"widgets\":[]}").send().await.unwrap();
    let found = here.list_dashboards().dashboard_name_prefix("pay").send().await.unwrap();
    let [entry] = found.dashboard_entries() else { panic!("{found:?}") };
    assert_eq!((entry.dashboard_name(), entry.size()), (Some("payments"), Some(14)));
    let objects = emulator.objects().await.unwrap();
    assert_eq!(
        (objects[0].region.as_str(), objects[0].kind.as_str()),
        ("global", "AWS::CloudWatch::Dashboard")
    );

    here.delete_dashboards().dashboard_names("payments").send().await.unwrap();
    let gone = there.get_dashboard().dashboard_name("payments").send().await;
    assert!(gone.as_ref().unwrap_err().as_service_error().unwrap().is_dashboard_not_found_error());
    assert_eq!(code(gone), "ResourceNotFound");
}

#[tokio::test]
async fn alarms_dashboards_and_data_are_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let objects = {
        let emulator = Emulator::open(directory.path()).unwrap();
        let client = client(&emulator);
        simple(&client, "a").tags(tag("Name", "n")).send().await.unwrap();
        listed(&client, "math").metrics(stat("m1")).metrics(math("e1", "m1 * 2")).send().await.unwrap();
        client.put_composite_alarm().alarm_name("both").alarm_rule("ALARM(a)").send().await.unwrap();
        client.put_dashboard().dashboard_name("d").dashboard_body(BODY).send().await.unwrap();
        let datum = aws_sdk_cloudwatch::types::MetricDatum::builder().metric_name("Ok").value(1.0).build();
        client.put_metric_data().namespace("Backup").metric_data(datum).send().await.unwrap();
        emulator.objects().await.unwrap()
    };
    let emulator = Emulator::open(directory.path()).unwrap();
    assert_eq!(emulator.objects().await.unwrap(), objects);
    let kinds: Vec<&str> = objects.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["Alarm", "Alarm", "CompositeAlarm", "Dashboard"].map(|kind| format!("AWS::CloudWatch::{kind}"))
    );
    let client = client(&emulator);
    let found = client.describe_alarms().send().await.unwrap();
    assert_eq!(found.metric_alarms()[1].metrics(), [stat("m1"), math("e1", "m1 * 2")]);
    assert_eq!(client.list_metrics().send().await.unwrap().metrics().len(), 1);
    assert_eq!(code(client.delete_alarms().alarm_names("a").send().await), "ValidationError");
}

#[tokio::test(start_paused = true)]
async fn putting_alarms_takes_time_and_is_throttled() {
    let emulator = Emulator::builder().latency(1.0).throttling(true).in_memory();
    let client = client(&emulator);
    let start = tokio::time::Instant::now();
    simple(&client, "a").send().await.unwrap();
    let took = start.elapsed();
    assert!((Duration::from_millis(500)..=Duration::from_secs(2)).contains(&took), "{took:?}");
    tokio::time::advance(Duration::from_secs(10)).await;
    let calls = (0..4).map(|n| tokio::spawn(simple(&client, &format!("a{n}")).send()));
    let mut codes = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        codes.push(code(call.await.unwrap()));
    }
    codes.sort();
    assert_eq!(codes, ["Throttling", "ok", "ok", "ok"]);
}
