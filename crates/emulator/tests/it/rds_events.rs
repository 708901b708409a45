//! Event subscriptions of RDS.

use std::time::Duration;

use aws_sdk_rds::operation::create_event_subscription::builders::CreateEventSubscriptionFluentBuilder;
use aws_sdk_rds::types::{EventSubscription, Tag};
use emulator::Emulator;

use crate::support::{REGION, code, config};

const PUBLISHER: &str = "events.rds.amazonaws.com";

struct Events {
    emulator: Emulator,
    rds: aws_sdk_rds::Client,
    sns: aws_sdk_sns::Client,
}

impl Events {
    fn on(emulator: Emulator) -> Self {
        let config = config(&emulator, REGION);
        Self { rds: aws_sdk_rds::Client::new(&config), sns: aws_sdk_sns::Client::new(&config), emulator }
    }

    /// A topic to which a service may publish.
    async fn topic(&self, name: &str, service: &str) -> String {
        let arn = self.sns.create_topic().name(name).send().await.unwrap().topic_arn.unwrap();
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sns:Publish","Resource":"{arn}"}}]}}"#
        );
        let call = self.sns.set_topic_attributes().topic_arn(&arn).attribute_name("Policy");
        call.attribute_value(policy).send().await.unwrap();
        arn
    }

    fn create(&self, name: &str, topic: &str) -> CreateEventSubscriptionFluentBuilder {
        self.rds.create_event_subscription().subscription_name(name).sns_topic_arn(topic)
    }

    async fn shown(&self, name: &str) -> EventSubscription {
        let found = self.rds.describe_event_subscriptions().subscription_name(name).send().await.unwrap();
        found.event_subscriptions_list.unwrap().remove(0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_comes_back_as_it_was_made_changes_and_goes() {
    let events = Events::on(Emulator::in_memory());
    let topic = events.topic("alarms", PUBLISHER).await;
    let call = events.create("Clusters", &topic).source_type("db-cluster");
    let call = call.event_categories("maintenance").event_categories("failure");
    call.tags(Tag::builder().key("Name").value("x").build()).send().await.unwrap();
    let shown = events.shown("clusters").await;
    assert_eq!(shown.cust_subscription_id(), Some("clusters"));
    assert_eq!(shown.status(), Some("active"));
    assert_eq!((shown.sns_topic_arn(), shown.source_type()), (Some(topic.as_str()), Some("db-cluster")));
    assert_eq!(shown.event_categories_list(), ["failure", "maintenance"]);
    assert_eq!((shown.source_ids_list().len(), shown.enabled()), (0, Some(true)));
    let arn = shown.event_subscription_arn().unwrap();
    assert_eq!(arn, format!("arn:aws:rds:{REGION}:123456789012:es:clusters"));
    let tags = events.rds.list_tags_for_resource().resource_name(arn).send().await.unwrap();
    assert_eq!(tags.tag_list().len(), 1);

    let call = events.rds.modify_event_subscription().subscription_name("clusters").enabled(false);
    call.event_categories("failover").send().await.unwrap();
    let shown = events.shown("clusters").await;
    assert_eq!((shown.event_categories_list(), shown.enabled()), (&["failover".to_owned()][..], Some(false)));

    events.rds.delete_event_subscription().subscription_name("clusters").send().await.unwrap();
    let gone = events.rds.describe_event_subscriptions().subscription_name("clusters").send().await;
    assert_eq!(code(gone), "SubscriptionNotFound");
    let gone = events.rds.delete_event_subscription().subscription_name("clusters").send().await;
    assert_eq!(code(gone), "SubscriptionNotFound");
}

#[tokio::test(start_paused = true)]
async fn what_rds_does_not_take_is_refused_with_its_code() {
    let events = Events::on(Emulator::in_memory());
    let topic = events.topic("alarms", PUBLISHER).await;
    let closed = events.topic("closed", "cloudwatch.amazonaws.com").await;
    let encrypted = events.topic("encrypted", PUBLISHER).await;
    let kms = aws_sdk_kms::Client::new(&config(&events.emulator, REGION));
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap();
    let call = events.sns.set_topic_attributes().topic_arn(&encrypted).attribute_name("KmsMasterKeyId");
    call.attribute_value(key.key_id()).send().await.unwrap();
    let missing = topic.replace("alarms", "missing");
    events.create("there", &topic).send().await.unwrap();
    let create = |name: &str| events.create(name, &topic);
    let of = |kind: &str| create("new").source_type(kind);
    for (call, expected) in [
        (create("There"), "SubscriptionAlreadyExist"),
        (create("1st"), "InvalidParameterValue"),
        (create(&"a".repeat(255)), "InvalidParameterValue"),
        (events.create("new", &missing), "SNSTopicArnNotFound"),
        (events.create("new", &closed), "SNSNoAuthorization"),
        (events.create("new", &encrypted), "SNSNoAuthorization"),
        (events.create("new", "arn:aws:sns:eu-west-1:123456789012:alarms"), "SNSInvalidTopic"),
        (of("db-tables"), "InvalidParameterValue"),
        (of("db-parameter-group").event_categories("failure"), "SubscriptionCategoryNotFound"),
        (of("db-cluster").source_ids("nothing"), "SourceNotFound"),
        (create("new").source_ids("nothing"), "InvalidParameterValue"),
    ] {
        let shown = format!("{call:?}");
        assert_eq!(code(call.send().await), expected, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn sources_are_named_one_by_one() {
    let events = Events::on(Emulator::in_memory());
    let topic = events.topic("alarms", PUBLISHER).await;
    for name in ["one", "two"] {
        let call = events.rds.create_db_parameter_group().db_parameter_group_name(name);
        call.db_parameter_group_family("aurora-postgresql17").description("x").send().await.unwrap();
    }
    let call = events.create("groups", &topic).source_type("db-parameter-group").source_ids("one");
    call.send().await.unwrap();
    let add = |id: &str| {
        let call = events.rds.add_source_identifier_to_subscription().subscription_name("groups");
        call.source_identifier(id).send()
    };
    add("two").await.unwrap();
    assert_eq!(events.shown("groups").await.source_ids_list(), ["one", "two"]);
    assert_eq!(code(add("three").await), "SourceNotFound");
    let remove = |id: &str| {
        let call = events.rds.remove_source_identifier_from_subscription().subscription_name("groups");
        call.source_identifier(id).send()
    };
    remove("one").await.unwrap();
    assert_eq!(events.shown("groups").await.source_ids_list(), ["two"]);
    assert_eq!(code(remove("one").await), "SourceNotFound");
}

#[tokio::test(start_paused = true)]
async fn it_takes_its_time_to_come_and_to_go_and_is_busy_meanwhile() {
    let events = Events::on(Emulator::builder().latency(1.0).in_memory());
    let topic = events.topic("alarms", PUBLISHER).await;
    let made = events.create("slow", &topic).send().await.unwrap();
    assert_eq!(made.event_subscription.unwrap().status(), Some("creating"));
    let delete = || events.rds.delete_event_subscription().subscription_name("slow").send();
    assert_eq!(code(delete().await), "InvalidEventSubscriptionState");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(events.shown("slow").await.status(), Some("active"));
    assert_eq!(delete().await.unwrap().event_subscription.unwrap().status(), Some("deleting"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let gone = events.rds.describe_event_subscriptions().subscription_name("slow").send().await;
    assert_eq!(code(gone), "SubscriptionNotFound");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_published_is_said_until_the_subscription_is_modified() {
    let events = Events::on(Emulator::in_memory());
    let status = async |name: &str| events.shown(name).await.status.unwrap();
    let modify = || events.rds.modify_event_subscription().subscription_name("one").enabled(true).send();
    let topic = events.topic("alarms", PUBLISHER).await;
    events.create("one", &topic).send().await.unwrap();
    events.sns.delete_topic().topic_arn(&topic).send().await.unwrap();
    assert_eq!(status("one").await, "topic-not-exist");
    assert_eq!(code(modify().await), "SNSTopicArnNotFound");
    events.topic("alarms", PUBLISHER).await;
    assert_eq!(status("one").await, "topic-not-exist");
    modify().await.unwrap();
    assert_eq!(status("one").await, "active");
    events.topic("alarms", "cloudwatch.amazonaws.com").await;
    assert_eq!(status("one").await, "no-permission");
}
