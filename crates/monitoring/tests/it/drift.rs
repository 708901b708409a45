//! What somebody changes by hand is found and repaired.

use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic, Tag};
use aws_sdk_xray::types::SamplingRuleUpdate;
use monitoring::Tier;
use testing::World;

use crate::support::{APP_LOGS, DASHBOARD, TOPIC, cloudwatch, inputs, sns, tier, with_email, world, xray};

async fn created() -> World {
    let world = world().await;
    world.create(&tier(with_email()), &inputs()).await;
    world
}

async fn assert_repaired(world: &World, drift: &[&str]) {
    // A property that differs in several places is named once.
    let mut found = world.drift::<Tier>().await;
    found.dedup();
    assert_eq!(found, drift);
    world.assert_repairs(&tier(with_email()), &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_somebody_changed_or_silenced() {
    let world = created().await;
    let put = cloudwatch(&world)
        .put_metric_alarm()
        .alarm_name("payment-ecs-cpu-dev")
        .namespace("AWS/ECS")
        .metric_name("CPUUtilization")
        .statistic(Statistic::Maximum)
        .period(300)
        .evaluation_periods(2)
        .threshold(99.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .treat_missing_data("notBreaching");
    put.send().await.unwrap();
    let drift = ["AlarmActions", "AlarmDescription", "Dimensions", "OKActions", "Statistic", "Threshold"]
        .map(|property| format!("monitoring/alarm-ecs-cpu: {property}"));
    assert_repaired(&world, &drift.each_ref().map(String::as_str)).await;
}

#[tokio::test(start_paused = true)]
async fn alarms_that_are_gone() {
    let world = created().await;
    for name in ["payment-critical-dev", "payment-ecs-cpu-dev"] {
        cloudwatch(&world).delete_alarms().alarm_names(name).send().await.unwrap();
    }
    let drift = ["monitoring/alarm-critical: gone", "monitoring/alarm-ecs-cpu: gone"];
    assert_repaired(&world, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn the_rule_of_the_alarm_on_all_of_them() {
    let world = created().await;
    let put = cloudwatch(&world).put_composite_alarm().alarm_name("payment-critical-dev");
    put.alarm_rule("FALSE").actions_enabled(false).send().await.unwrap();
    let drift = ["ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmRule", "OKActions"]
        .map(|property| format!("monitoring/alarm-critical: {property}"));
    assert_repaired(&world, &drift.each_ref().map(String::as_str)).await;
}

#[tokio::test(start_paused = true)]
async fn the_dashboard_but_not_how_it_is_written_down() {
    let world = created().await;
    let live = cloudwatch(&world).get_dashboard().dashboard_name(DASHBOARD).send().await.unwrap();
    let body: serde_json::Value = serde_json::from_str(live.dashboard_body().unwrap()).unwrap();
    let put = |body: String| {
        cloudwatch(&world).put_dashboard().dashboard_name(DASHBOARD).dashboard_body(body).send()
    };
    put(serde_json::to_string_pretty(&body).unwrap()).await.unwrap();
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    put(r#"{"widgets":[]}"#.to_owned()).await.unwrap();
    assert_repaired(&world, &["monitoring/dashboard: DashboardBody"]).await;
    cloudwatch(&world).delete_dashboards().dashboard_names(DASHBOARD).send().await.unwrap();
    assert_repaired(&world, &["monitoring/dashboard: gone"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_topic_its_policy_and_who_is_told() {
    let world = created().await;
    let set = |name: &str, value: &str| {
        let set = sns(&world).set_topic_attributes().topic_arn(TOPIC);
        set.attribute_name(name).attribute_value(value).send()
    };
    set("DisplayName", "Theirs").await.unwrap();
    set("KmsMasterKeyId", "alias/aws/sns").await.unwrap();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"{TOPIC}"}}]}}"#
    );
    set("Policy", &policy).await.unwrap();
    // AWS's own key for SNS does not let RDS publish either.
    let drift = [
        "monitoring/db-cluster-events: Enabled",
        "monitoring/db-instance-events: Enabled",
        "monitoring/db-parameter-group-events: Enabled",
        "monitoring/db-security-group-events: Enabled",
        "monitoring/topic: DisplayName",
        "monitoring/topic: KmsMasterKeyId",
        "monitoring/topic-policy: PolicyDocument",
    ];
    assert_repaired(&world, &drift).await;
    // Without one of ours, the topic has SNS's own.
    set("Policy", "").await.unwrap();
    assert_repaired(&world, &["monitoring/topic-policy: gone"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_gone_took_what_belongs_to_it_along() {
    let world = created().await;
    sns(&world).delete_topic().topic_arn(TOPIC).send().await.unwrap();
    let drift = [
        // RDS does not go on by itself when there is a topic of this name again.
        "monitoring/db-cluster-events: Enabled",
        "monitoring/db-instance-events: Enabled",
        "monitoring/db-parameter-group-events: Enabled",
        "monitoring/db-security-group-events: Enabled",
        "monitoring/email-ops-at-example-com: gone",
        "monitoring/topic: gone",
        "monitoring/topic-policy: gone",
    ];
    assert_repaired(&world, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn the_sampling_rule_and_the_group() {
    let world = created().await;
    let update = SamplingRuleUpdate::builder().rule_name("payment-traces-dev").fixed_rate(1.0).build();
    xray(&world).update_sampling_rule().sampling_rule_update(update).send().await.unwrap();
    let group = xray(&world).update_group().group_name("payment-traces-dev").filter_expression("fault");
    group.send().await.unwrap();
    let drift = ["monitoring/sampling-rule: SamplingRule", "monitoring/trace-group: FilterExpression"];
    assert_repaired(&world, &drift).await;
    xray(&world).delete_sampling_rule().rule_name("payment-traces-dev").send().await.unwrap();
    xray(&world).delete_group().group_name("payment-traces-dev").send().await.unwrap();
    let drift = ["monitoring/sampling-rule: gone", "monitoring/trace-group: gone"];
    assert_repaired(&world, &drift).await;
}

#[tokio::test(start_paused = true)]
async fn the_metric_filter() {
    let world = created().await;
    let logs = world.cx.logs();
    let live = logs.describe_metric_filters().log_group_name(APP_LOGS).send().await.unwrap();
    let put = logs.put_metric_filter().log_group_name(APP_LOGS).filter_name("PaymentErrors");
    let put = put.set_metric_transformations(live.metric_filters()[0].metric_transformations.clone());
    put.filter_pattern("nothing").send().await.unwrap();
    assert_repaired(&world, &["monitoring/payment-errors: FilterPattern"]).await;
    let delete = logs.delete_metric_filter().log_group_name(APP_LOGS).filter_name("PaymentErrors");
    delete.send().await.unwrap();
    assert_repaired(&world, &["monitoring/payment-errors: gone"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_repaired_tag_of_an_alarm_leaves_those_that_say_whose_it_is() {
    let world = created().await;
    let arn = "arn:aws:cloudwatch:ap-southeast-1:123456789012:alarm:payment-ecs-cpu-dev";
    let tags = || cloudwatch(&world).list_tags_for_resource().resource_arn(arn).send();
    let before = tags().await.unwrap().tags.unwrap();
    assert!(before.iter().any(|tag| tag.key() == Some("stack:intent")));
    let theirs = Tag::builder().key("Theirs").value("1").build();
    cloudwatch(&world).tag_resource().resource_arn(arn).tags(theirs).send().await.unwrap();
    cloudwatch(&world).untag_resource().resource_arn(arn).tag_keys("Name").send().await.unwrap();
    assert_repaired(&world, &["monitoring/alarm-ecs-cpu: Tags"]).await;
    assert_eq!(tags().await.unwrap().tags.unwrap(), before);
}
