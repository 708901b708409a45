//! What somebody sets beside what is declared. What keeps alarms back, or changes what they count, is drift; what does no harm
//! stays, although each put replaces everything.

use aws_sdk_cloudwatch::operation::put_composite_alarm::builders::PutCompositeAlarmFluentBuilder;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmFluentBuilder;
use aws_sdk_cloudwatch::types::{
    ActionConfiguration, AlarmTagsPropagation, AlarmType, CompositeAlarm, EvaluationWindow, MetricAlarm,
    StandardUnit, WallClockWindow, WarmUpConfiguration,
};
use aws_sdk_cloudwatchlogs::operation::put_metric_filter::builders::PutMetricFilterFluentBuilder;
use aws_sdk_cloudwatchlogs::types::{MetricFilter, ParseJson, Processor};
use monitoring::{Args, Thresholds, Tier};
use testing::World;

use crate::support::{APP_LOGS, TOPIC, cloudwatch, inputs, tier, with_email, world};

const CPU: &str = "payment-ecs-cpu-dev";
const SHARE: &str = "payment-alb-target-errors-dev";
const CRITICAL: &str = "payment-critical-dev";

async fn created() -> World {
    let world = world().await;
    world.create(&tier(with_email()), &inputs()).await;
    world
}

async fn assert_repaired(world: &World, seen: &[&str]) {
    world.assert_repaired(&tier(with_email()), &inputs(), seen).await;
}

async fn alarm(world: &World, name: &str) -> MetricAlarm {
    let found = cloudwatch(world).describe_alarms().alarm_names(name).send().await.unwrap();
    found.metric_alarms.unwrap().remove(0)
}

async fn critical(world: &World) -> CompositeAlarm {
    let found = cloudwatch(world).describe_alarms().alarm_names(CRITICAL);
    let found = found.alarm_types(AlarmType::CompositeAlarm).send().await.unwrap();
    found.composite_alarms.unwrap().remove(0)
}

/// An alarm as it is, for somebody who sets something else of it.
fn same(world: &World, live: MetricAlarm) -> PutMetricAlarmFluentBuilder {
    cloudwatch(world)
        .put_metric_alarm()
        .set_alarm_name(live.alarm_name)
        .set_alarm_description(live.alarm_description)
        .set_alarm_actions(live.alarm_actions)
        .set_ok_actions(live.ok_actions)
        .set_namespace(live.namespace)
        .set_metric_name(live.metric_name)
        .set_dimensions(live.dimensions)
        .set_statistic(live.statistic)
        .set_period(live.period)
        .set_metrics(live.metrics.filter(|metrics| !metrics.is_empty()))
        .set_threshold(live.threshold)
        .set_comparison_operator(live.comparison_operator)
        .set_evaluation_periods(live.evaluation_periods)
        .set_treat_missing_data(live.treat_missing_data)
}

fn same_composite(world: &World, live: CompositeAlarm) -> PutCompositeAlarmFluentBuilder {
    cloudwatch(world)
        .put_composite_alarm()
        .set_alarm_name(live.alarm_name)
        .set_alarm_description(live.alarm_description)
        .set_alarm_rule(live.alarm_rule)
        .set_alarm_actions(live.alarm_actions)
        .set_ok_actions(live.ok_actions)
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_keeps_the_one_on_all_of_them_silent_is_drift() {
    let world = created().await;
    let put = same_composite(&world, critical(&world).await).actions_suppressor(CPU);
    let put = put.actions_suppressor_wait_period(0).actions_suppressor_extension_period(86_400);
    put.send().await.unwrap();
    let seen = ["ActionsSuppressor", "ActionsSuppressorExtensionPeriod", "ActionsSuppressorWaitPeriod"];
    let seen = seen.map(|property| format!("monitoring/alarm-critical: {property}"));
    assert_repaired(&world, &seen.each_ref().map(String::as_str)).await;
    let live = critical(&world).await;
    assert_eq!((live.actions_suppressor(), live.actions_suppressor_wait_period()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn who_else_is_told_when_there_is_no_data_is_drift() {
    let world = created().await;
    let other = TOPIC.replace("payment-alarms-dev", "theirs");
    let put = same_composite(&world, critical(&world).await).insufficient_data_actions(&other);
    put.send().await.unwrap();
    same(&world, alarm(&world, CPU).await).insufficient_data_actions(&other).send().await.unwrap();
    let seen = [
        "monitoring/alarm-critical: InsufficientDataActions",
        "monitoring/alarm-ecs-cpu: InsufficientDataActions",
    ];
    assert_repaired(&world, &seen).await;
    assert_eq!(critical(&world).await.insufficient_data_actions(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_makes_an_alarm_deaf_or_late_is_drift() {
    let world = created().await;
    let live = async || same(&world, alarm(&world, CPU).await);
    let warm_up = WarmUpConfiguration::builder().warm_up_period_duration_in_minutes(2880).build();
    let window = EvaluationWindow::WallClockWindow(WallClockWindow::builder().timezone("Asia/Tokyo").build());
    for (changed, property) in [
        // No value of the metric has this unit.
        (live().await.unit(StandardUnit::Bits), "Unit"),
        (live().await.datapoints_to_alarm(1), "DatapointsToAlarm"),
        (live().await.warm_up_configuration(warm_up), "WarmUpConfiguration"),
        (live().await.evaluation_window(window), "EvaluationWindow"),
    ] {
        changed.send().await.unwrap();
        assert_repaired(&world, &[&format!("monitoring/alarm-ecs-cpu: {property}")]).await;
    }
    let live = alarm(&world, CPU).await;
    assert_eq!((live.unit(), live.warm_up_configuration()), (None, None));
    assert_eq!((live.evaluation_window(), live.datapoints_to_alarm()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn queries_on_another_account_by_another_unit_or_another_period_are_drift() {
    let world = created().await;
    let before = alarm(&world, SHARE).await;
    let of = |id: &str| before.metrics().iter().position(|query| query.id() == Some(id)).unwrap();
    let (errors, result) =
        (of("errors"), before.metrics().iter().position(|query| query.expression().is_some()));
    let [mut far, mut unit, mut slow] = std::array::from_fn(|_| before.clone());
    far.metrics.as_mut().unwrap()[errors].account_id = Some("210987654321".to_owned());
    let stat = &mut unit.metrics.as_mut().unwrap()[errors].metric_stat;
    stat.as_mut().unwrap().unit = Some(StandardUnit::Bits);
    slow.metrics.as_mut().unwrap()[result.unwrap()].period = Some(3600);
    for changed in [far, unit, slow] {
        same(&world, changed).send().await.unwrap();
        assert_repaired(&world, &["monitoring/alarm-alb-target-errors: Metrics"]).await;
        assert_eq!(alarm(&world, SHARE).await.metrics(), before.metrics());
    }
}

/// The filter as it is, for somebody who sets something else of it.
fn same_filter(world: &World, live: &MetricFilter) -> PutMetricFilterFluentBuilder {
    let put = world.cx.logs().put_metric_filter().log_group_name(APP_LOGS).filter_name("PaymentErrors");
    put.set_filter_pattern(live.filter_pattern.clone())
        .set_metric_transformations(live.metric_transformations.clone())
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_counts_other_lines_or_into_other_metrics_is_drift() {
    let world = created().await;
    let logs = world.cx.logs();
    let parse = Processor::builder().parse_json(ParseJson::builder().build()).build();
    logs.put_transformer().log_group_identifier(APP_LOGS).transformer_config(parse).send().await.unwrap();
    let filter = async || {
        let found = logs.describe_metric_filters().log_group_name(APP_LOGS).send().await.unwrap();
        found.metric_filters.unwrap().remove(0)
    };
    let before = filter().await;
    let ours = || same_filter(&world, &before);
    let elsewhere = "@aws.region = \"eu-west-1\"";
    let mut by_bits = before.clone();
    by_bits.metric_transformations.as_mut().unwrap()[0].unit =
        Some(aws_sdk_cloudwatchlogs::types::StandardUnit::Bits);
    for (changed, property) in [
        (ours().apply_on_transformed_logs(true), "ApplyOnTransformedLogs"),
        (ours().field_selection_criteria(elsewhere), "FieldSelectionCriteria"),
        (ours().emit_system_field_dimensions("@aws.account"), "EmitSystemFieldDimensions"),
        (same_filter(&world, &by_bits), "MetricTransformations"),
    ] {
        changed.send().await.unwrap();
        assert_repaired(&world, &[&format!("monitoring/payment-errors: {property}")]).await;
        assert_eq!(filter().await, before);
    }
}

#[tokio::test(start_paused = true)]
async fn what_messages_say_besides_stays() {
    let world = created().await;
    let tags = AlarmTagsPropagation::builder().enabled(true).build();
    let tells = ActionConfiguration::builder().alarm_tags_propagation(tags).build();
    let put = same(&world, alarm(&world, CPU).await).action_configuration(tells.clone());
    put.send().await.unwrap();
    let put = same_composite(&world, critical(&world).await).action_configuration(tells.clone());
    put.send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, [""; 0]);

    let thresholds = Thresholds { task_cpu_percent: 55.0, ..Thresholds::default() };
    let disabled_alarms = vec!["alb-errors".to_owned()];
    let later = tier(Args { thresholds, disabled_alarms, ..with_email() });
    world.create(&later, &inputs()).await;
    let live = alarm(&world, CPU).await;
    assert_eq!((live.threshold(), live.action_configuration()), (Some(55.0), Some(&tells)));
    let live = critical(&world).await;
    assert!(!live.alarm_rule().unwrap().contains("alb-errors"));
    assert_eq!(live.action_configuration(), Some(&tells));
    world.assert_settled(&later, &inputs()).await;
}
