//! The contract of every kind of this tier.

use aws::Tags;
use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{Alarm, Key};
use aws_sdk_cloudwatchlogs::types::{ParseJson, Processor};
use engine::Input;
use monitoring::resources::*;
use testing::contract::{Around, Entry};
use testing::{ACCOUNT, REGION, World};

use crate::support::{APP_LOGS, EMAIL, database, inputs, tier, with_email};

testing::contract!(monitoring::kinds, around surroundings, {
    topic,
    topic_policy,
    subscription,
    subscription_that_nobody_has_confirmed,
    composite_alarm,
    dashboard,
    metric_filter,
    metric_filter_with_dimensions,
    sampling_rule,
    trace_group,
    events_of_the_cluster,
    events_of_instances,
    events_of_groups,
});

type Inside = Around<()>;

const OTHER_LOGS: &str = "/ecs/other";

async fn surroundings(world: &World) {
    database(world).await;
    for name in [APP_LOGS, OTHER_LOGS] {
        let create = world.cx.logs().create_log_group().log_group_name(name);
        let create = create.tags("stack:project", "payment").tags("stack:environment", "dev");
        create.send().await.unwrap();
        let parse = Processor::builder().parse_json(ParseJson::builder().build()).build();
        let put = world.cx.logs().put_transformer().log_group_identifier(name);
        put.transformer_config(parse).send().await.unwrap();
    }
}

fn entry<D: engine::Declares>(around: &mut Inside, address: &str) -> Entry<D> {
    around.tier(&tier(with_email()), &inputs());
    around.entry(address)
}

fn renamed() -> Tags {
    Tags::new().with("Name", "renamed").with("Author", "ops")
}

fn other_topic(around: &mut Inside) -> Input<aws::TopicArn> {
    around.tier(&tier(with_email()), &inputs());
    around
        .another::<Topic>("monitoring/topic", "other-topic", |topic| {
            topic.topic_name = "payment-other-dev".to_owned();
        })
        .topic_arn
}

fn topic(around: &mut Inside) -> Entry<Topic> {
    around.tier(&tier(with_email()), &inputs());
    let other_key = around.another::<Key>("monitoring/key", "other-key", |_| ()).arn;
    entry::<Topic>(around, "monitoring/topic")
        .other("TopicName", |topic| topic.topic_name = "payment-other-dev".to_owned())
        .other("DisplayName", |topic| topic.display_name = "Alarms".to_owned())
        .other("KmsMasterKeyId", |topic| topic.kms_master_key_id = other_key)
        .other("Tags", |topic| topic.tags = renamed())
}

fn topic_policy(around: &mut Inside) -> Entry<TopicPolicy> {
    let other = other_topic(around);
    let topic = around.outputs::<Topic>("monitoring/topic").topic_arn;
    let policy = |topic: &Input<aws::TopicArn>, action: &str| {
        let statement = Statement::deny([action]).sid("OnlyTls").principal(Principal::Anyone);
        let statement = statement.resources([topic.text()]);
        PolicyDocument::new([statement.when("Bool", "aws:SecureTransport", ["false".into()])])
    };
    entry::<TopicPolicy>(around, "monitoring/topic-policy")
        .together("Topics", ["PolicyDocument"], |it| {
            it.policy_document = policy(&other, "sns:Publish");
            it.topics = [other];
        })
        .other("PolicyDocument", |it| it.policy_document = policy(&topic, "sns:Publish"))
}

fn queue(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// A queue of the same account needs nobody who confirms.
fn subscription(around: &mut Inside) -> Entry<Subscription> {
    let topic_arn = other_topic(around);
    let other = around.outputs::<Topic>("monitoring/topic").topic_arn;
    Entry::of(Subscription {
        topic_arn,
        protocol: "sqs".to_owned(),
        endpoint: queue("alarms"),
        filter_policy: None,
    })
    .other("FilterPolicy", |subscription| {
        subscription.filter_policy = Some(r#"{"severity":["low"]}"#.to_owned());
    })
    .other("TopicArn", |subscription| subscription.topic_arn = other)
    .other("Endpoint", |subscription| subscription.endpoint = queue("other"))
    .together("Protocol", ["Endpoint"], |subscription| {
        subscription.protocol = "lambda".to_owned();
        subscription.endpoint = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:alarms");
    })
}

fn subscription_that_nobody_has_confirmed(around: &mut Inside) -> Entry<Subscription> {
    let address = format!("monitoring/email-{}", EMAIL.replace('@', "-at-").replace('.', "-"));
    entry::<Subscription>(around, &address)
        .stays("SNS refuses to delete it, and forgets it after two days")
        .remains("AWS::SNS::Subscription", "SNS refuses to delete it, and forgets it after two days")
        .other("Endpoint", |subscription| subscription.endpoint = "oncall@example.com".to_owned())
        .rest_elsewhere()
}

fn composite_alarm(around: &mut Inside) -> Entry<CompositeAlarm> {
    const ALARM: &str = "ActionsSuppressor";
    const WAIT: &str = "ActionsSuppressorWaitPeriod";
    const EXTENSION: &str = "ActionsSuppressorExtensionPeriod";
    let other = other_topic(around);
    let address = "monitoring/alarm-ecs-cpu";
    let alarm = around.outputs::<Alarm>(address).alarm_name;
    let (suppressor, told) = (alarm.clone(), other.clone());
    let suppressed = move |it: &mut CompositeAlarm, wait: u32| {
        it.actions_suppressor = Some(suppressor.clone());
        it.actions_suppressor_wait_period = Some(wait);
        it.actions_suppressor_extension_period = Some(30);
    };
    entry::<CompositeAlarm>(around, "monitoring/alarm-critical")
        .together(ALARM, [WAIT, EXTENSION], |it| suppressed(it, 60))
        .together(WAIT, [ALARM, EXTENSION], |it| suppressed(it, 90))
        .together(EXTENSION, [ALARM, WAIT], |it| suppressed(it, 120))
        .other("InsufficientDataActions", |it| it.insufficient_data_actions = vec![told])
        .other("AlarmName", |it| it.alarm_name = "payment-other-dev".into())
        .other("AlarmDescription", |it| it.alarm_description = "It is bad".to_owned())
        .other("AlarmRule", |it| {
            it.alarm_rule = Input::join(["ALARM(\"".into(), (&alarm).into(), "\")".into()]);
        })
        .other("ActionsEnabled", |it| it.actions_enabled = false)
        .other("AlarmActions", |it| it.alarm_actions = vec![other])
        .other("OKActions", |it| it.ok_actions = Vec::new())
        .other("Tags", |it| it.tags = renamed())
}

fn dashboard(around: &mut Inside) -> Entry<Dashboard> {
    entry::<Dashboard>(around, "monitoring/dashboard")
        .other("DashboardName", |dashboard| dashboard.dashboard_name = "payment-other-dev".into())
        .other("DashboardBody", |dashboard| {
            let text = r##"{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":3,"properties":{"markdown":"# Payments"}}]}"##;
            dashboard.dashboard_body = text.into();
        })
        .other("Tags", |dashboard| dashboard.tags = renamed())
}

fn metric_filter(around: &mut Inside) -> Entry<MetricFilter> {
    entry::<MetricFilter>(around, "monitoring/payment-errors")
        .other("FilterName", |filter| filter.filter_name = "Other".to_owned())
        .other("LogGroupName", |filter| {
            filter.log_group_name = aws::LogGroupName::from(OTHER_LOGS).into();
        })
        .other("FilterPattern", |filter| filter.filter_pattern = "FATAL".to_owned())
        .other("MetricTransformations", |filter| filter.metric_transformations[0].default_value = None)
        .other("ApplyOnTransformedLogs", |filter| filter.apply_on_transformed_logs = true)
        .other("FieldSelectionCriteria", |filter| {
            filter.field_selection_criteria = Some("@aws.region = \"eu-west-1\"".to_owned());
        })
        .other("EmitSystemFieldDimensions", |filter| {
            filter.emit_system_field_dimensions = vec!["@aws.account".to_owned()];
        })
}

/// Dimensions go with patterns that have fields, and without a default value.
fn metric_filter_with_dimensions(around: &mut Inside) -> Entry<MetricFilter> {
    around.tier(&tier(with_email()), &inputs());
    let mut filter: MetricFilter = around.of_tier("monitoring/payment-errors");
    filter.filter_pattern = "{ $.level = \"error\" }".to_owned();
    filter.metric_transformations[0].default_value = None;
    Entry::of(filter)
        .other("MetricTransformations", |filter| {
            let dimension = FieldDimension { key: "Code".to_owned(), value: "$.code".to_owned() };
            filter.metric_transformations[0].dimensions = vec![dimension];
        })
        .rest_elsewhere()
}

fn sampling_rule(around: &mut Inside) -> Entry<SamplingRule> {
    entry::<SamplingRule>(around, "monitoring/sampling-rule")
        .other("RuleName", |rule| rule.rule_name = "payment-other-dev".into())
        .other("SamplingRule", |rule| rule.sampling_rule.fixed_rate = 0.25)
        .other("Tags", |rule| rule.tags = renamed())
}

fn trace_group(around: &mut Inside) -> Entry<Group> {
    entry::<Group>(around, "monitoring/trace-group")
        .other("GroupName", |group| group.group_name = "payment-other-dev".into())
        .other("FilterExpression", |group| group.filter_expression = "fault".to_owned())
        .other("InsightsConfiguration", |group| {
            group.insights_configuration.notifications_enabled = true;
        })
        .other("Tags", |group| group.tags = renamed())
}

fn events_of_the_cluster(around: &mut Inside) -> Entry<EventSubscription> {
    let other = other_topic(around);
    let document = |topic: &Input<aws::TopicArn>| {
        let statement = Statement::allow(["sns:Publish"]);
        let statement = statement.principal(Principal::Service("events.rds.amazonaws.com".to_owned()));
        PolicyDocument::new([statement.resources([topic.text()])])
    };
    let policy = TopicPolicy { policy_document: document(&other), topics: [other] };
    let other = around.add("other-policy", policy).topic_arn;
    entry::<EventSubscription>(around, "monitoring/db-cluster-events")
        .other("SubscriptionName", |events| events.subscription_name = "payment-other-dev".to_owned())
        .other("SnsTopicArn", |events| events.sns_topic_arn = other)
        .together("SourceType", ["SourceIds", "EventCategories"], |events| {
            events.source_type = "db-instance".to_owned();
            events.source_ids = vec!["payment-aurora-dev-2".into()];
            events.event_categories = vec!["recovery".to_owned()];
        })
        .other("SourceIds", |events| events.source_ids = Vec::new())
        .other("EventCategories", |events| {
            events.event_categories = vec!["maintenance".to_owned(), "failover".to_owned()];
        })
        .other("Enabled", |events| events.enabled = false)
        .other("Tags", |events| events.tags = renamed())
}

fn events_of_instances(around: &mut Inside) -> Entry<EventSubscription> {
    entry::<EventSubscription>(around, "monitoring/db-instance-events")
        .other("SourceIds", |events| events.source_ids = vec!["payment-aurora-dev-2".into()])
        .rest_elsewhere()
}

fn events_of_groups(around: &mut Inside) -> Entry<EventSubscription> {
    entry::<EventSubscription>(around, "monitoring/db-security-group-events")
        .other("EventCategories", |events| events.event_categories.truncate(1))
        .rest_elsewhere()
}
