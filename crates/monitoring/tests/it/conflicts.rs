//! What somebody else made under our names is left alone, and said.

use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use aws_sdk_cloudwatchlogs::types::MetricTransformation;
use aws_sdk_xray::types::SamplingRule;
use testing::World;

use crate::support::{APP_LOGS, DASHBOARD, TOPIC, cloudwatch, inputs, sns, tier, with_email, world, xray};

async fn refused(world: &World) -> String {
    let error = engine::Component::create(&tier(with_email()), &world.engine, &inputs()).await;
    error.unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_that_name_is_not_written_over() {
    let world = world().await;
    let put = cloudwatch(&world)
        .put_metric_alarm()
        .alarm_name("payment-ecs-cpu-dev")
        .namespace("Theirs")
        .metric_name("Theirs")
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(1.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold);
    put.send().await.unwrap();
    let said = refused(&world).await;
    assert!(said.contains("alarm payment-ecs-cpu-dev: it exists already and its tags do not say"), "{said}");
    let live = cloudwatch(&world).describe_alarms().alarm_names("payment-ecs-cpu-dev").send().await.unwrap();
    assert_eq!(live.metric_alarms()[0].namespace(), Some("Theirs"));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_the_other_type_has_the_name_too() {
    let world = world().await;
    let put = cloudwatch(&world).put_composite_alarm().alarm_name("payment-ecs-cpu-dev");
    put.alarm_rule("FALSE").send().await.unwrap();
    let said = refused(&world).await;
    assert!(said.contains("it is a composite alarm"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_of_that_name_is_not_written_over() {
    let world = world().await;
    let put = cloudwatch(&world).put_dashboard().dashboard_name(DASHBOARD);
    put.dashboard_body(r#"{"widgets":[]}"#).send().await.unwrap();
    let said = refused(&world).await;
    assert!(said.contains(&format!("dashboard {DASHBOARD}: it exists already")), "{said}");
    let live = cloudwatch(&world).get_dashboard().dashboard_name(DASHBOARD).send().await.unwrap();
    assert_eq!(live.dashboard_body(), Some(r#"{"widgets":[]}"#));
}

#[tokio::test(start_paused = true)]
async fn a_topic_of_that_name_is_not_taken_over() {
    let world = world().await;
    sns(&world).create_topic().name("payment-alarms-dev").send().await.unwrap();
    let said = refused(&world).await;
    assert!(said.contains("topic payment-alarms-dev: it exists already"), "{said}");
    let live = sns(&world).get_topic_attributes().topic_arn(TOPIC).send().await.unwrap();
    assert!(!live.attributes().unwrap().contains_key("KmsMasterKeyId"));
}

#[tokio::test(start_paused = true)]
async fn neither_are_a_sampling_rule_and_a_trace_group() {
    let world = world().await;
    let any = "*";
    let rule = SamplingRule::builder()
        .rule_name("payment-traces-dev")
        .priority(5)
        .fixed_rate(1.0)
        .reservoir_size(1)
        .service_name(any)
        .service_type(any)
        .host(any)
        .http_method(any)
        .url_path(any)
        .resource_arn(any)
        .version(1)
        .build()
        .unwrap();
    xray(&world).create_sampling_rule().sampling_rule(rule).send().await.unwrap();
    xray(&world).create_group().group_name("payment-traces-dev").send().await.unwrap();
    let said = refused(&world).await;
    assert!(said.contains("sampling rule payment-traces-dev: it exists already"), "{said}");
    assert!(said.contains("trace group payment-traces-dev: it exists already"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_metric_filter_in_somebody_elses_log_group_is_not_written_over() {
    let world = World::new(monitoring::kinds);
    let logs = world.cx.logs();
    logs.create_log_group().log_group_name(APP_LOGS).send().await.unwrap();
    let transformation = MetricTransformation::builder()
        .metric_name("Theirs")
        .metric_namespace("Theirs")
        .metric_value("1")
        .build()
        .unwrap();
    let put = logs.put_metric_filter().log_group_name(APP_LOGS).filter_name("PaymentErrors");
    put.filter_pattern("theirs").metric_transformations(transformation).send().await.unwrap();
    let said = refused(&world).await;
    assert!(said.contains("metric filter PaymentErrors: "), "{said}");
    let live = logs.describe_metric_filters().log_group_name(APP_LOGS).send().await.unwrap();
    assert_eq!(live.metric_filters()[0].filter_pattern(), Some("theirs"));
}
