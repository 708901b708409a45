//! SNS topics and subscriptions.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::Tag;
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, code, config};

fn client(emulator: &Emulator) -> Client {
    Client::new(&config(emulator, REGION))
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

fn arn(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:123456789012:{name}")
}

async fn topic(sns: &Client, name: &str) -> String {
    sns.create_topic().name(name).send().await.unwrap().topic_arn.unwrap()
}

async fn attributes(sns: &Client, topic: &str) -> HashMap<String, String> {
    sns.get_topic_attributes().topic_arn(topic).send().await.unwrap().attributes.unwrap()
}

fn policy(principal: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"a b","Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"{resource}"}}]}}"#
    )
}

/// The id of a subscription that is not there.
const NO_ID: &str = "00000000-0000-4000-8000-ffffffffffff";

const CLOUDWATCH: &str = r#"{"Service":"cloudwatch.amazonaws.com"}"#;

#[tokio::test(start_paused = true)]
async fn a_topic_comes_back_as_it_was_made() {
    let emulator = Emulator::in_memory();
    let sns = client(&emulator);
    let document = policy(CLOUDWATCH, "sns:Publish", &arn("alarms"));
    let call = sns.create_topic().name("alarms").tags(tag("Name", "x")).tags(tag("Author", "Zoë"));
    let call = call.attributes("KmsMasterKeyId", "alias/data").attributes("DisplayName", "Alarms");
    let call = call.attributes("Policy", &document).attributes("TracingConfig", "Active");
    let made = call.send().await.unwrap();
    assert_eq!(made.topic_arn(), Some(arn("alarms").as_str()));
    let found = attributes(&sns, &arn("alarms")).await;
    for (name, value) in [
        ("TopicArn", arn("alarms").as_str()),
        ("Owner", "123456789012"),
        ("KmsMasterKeyId", "alias/data"),
        ("DisplayName", "Alarms"),
        ("Policy", &document),
        ("TracingConfig", "Active"),
        ("SubscriptionsConfirmed", "0"),
        ("SubscriptionsPending", "0"),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
    }
    let set = sns.set_topic_attributes().topic_arn(arn("alarms")).attribute_name("KmsMasterKeyId");
    set.attribute_value("").send().await.unwrap();
    assert_eq!(attributes(&sns, &arn("alarms")).await.get("KmsMasterKeyId"), None);

    sns.untag_resource().resource_arn(arn("alarms")).tag_keys("Name").send().await.unwrap();
    let tags = sns.list_tags_for_resource().resource_arn(arn("alarms")).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("Author", "Zoë")]);
    let listed = sns.list_topics().send().await.unwrap();
    assert_eq!(listed.topics()[0].topic_arn(), Some(arn("alarms").as_str()));
    let objects = emulator.objects().await.unwrap();
    assert_eq!(
        (objects[0].kind.as_str(), objects[0].id.as_str()),
        ("AWS::SNS::Topic", arn("alarms").as_str())
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_topic_has_a_policy_that_lets_its_account_in() {
    let sns = client(&Emulator::in_memory());
    let topic = topic(&sns, "a").await;
    let text = attributes(&sns, &topic).await.remove("Policy").unwrap();
    assert!(text.contains("__default_statement_ID") && text.contains(&topic), "{text}");
    let document = policy(CLOUDWATCH, "sns:Publish", &topic);
    for (value, expected) in [(document.as_str(), document.as_str()), ("", &text)] {
        let set = sns.set_topic_attributes().topic_arn(&topic).attribute_name("Policy");
        set.attribute_value(value).send().await.unwrap();
        assert_eq!(attributes(&sns, &topic).await.get("Policy").map(String::as_str), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn rules_of_topics() {
    let sns = client(&Emulator::in_memory());
    let made = sns.create_topic().name("made").attributes("DisplayName", "one").tags(tag("a", "1"));
    made.send().await.unwrap();
    let create = async |name: &str, attributes: &[(&str, &str)]| {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        code(sns.create_topic().name(name).set_attributes(Some(attributes)).send().await)
    };
    let tagged = async |value: &str| code(sns.create_topic().name("made").tags(tag("a", value)).send().await);
    let set = async |topic: &str, name: &str, value: &str| {
        let call = sns.set_topic_attributes().topic_arn(topic).attribute_name(name);
        code(call.attribute_value(value).send().await)
    };
    let made = arn("made");
    let with_policy = async |principal: &str, action: &str, resource: &str| {
        set(&made, "Policy", &policy(principal, action, resource)).await
    };
    let missing_role = r#"{"AWS":"arn:aws:iam::123456789012:role/none"}"#;
    let many = (0..51).map(|n| tag(&n.to_string(), "")).collect();
    let many = sns.tag_resource().resource_arn(&made).set_tags(Some(many)).send().await;
    let invalid = "InvalidParameter";
    check([
        ("a name with a dot", invalid, create("a.b", &[]).await),
        ("a name of 257 characters", invalid, create(&"x".repeat(257), &[]).await),
        ("the same topic again", "ok", create("made", &[]).await),
        ("the same attributes", "ok", create("made", &[("DisplayName", "one")]).await),
        ("other attributes", invalid, create("made", &[("DisplayName", "two")]).await),
        ("the same tags", "ok", tagged("1").await),
        ("other tags", invalid, tagged("2").await),
        ("a FIFO topic", "ok", create("f.fifo", &[("FifoTopic", "true")]).await),
        ("a FIFO topic without its suffix", invalid, create("f", &[("FifoTopic", "true")]).await),
        ("an attribute that topics do not have", invalid, create("x", &[("Colour", "red")]).await),
        ("a long name for display", invalid, create("x", &[("DisplayName", &"x".repeat(101))]).await),
        ("a wrong value", invalid, create("x", &[("TracingConfig", "On")]).await),
        ("no JSON", invalid, set(&made, "Policy", "nonsense").await),
        ("a principal that is not there", invalid, with_policy(missing_role, "sns:Publish", &made).await),
        ("an action of SQS", invalid, with_policy(CLOUDWATCH, "sqs:SendMessage", &made).await),
        ("all actions", invalid, with_policy(CLOUDWATCH, "sns:*", &made).await),
        ("another topic", invalid, with_policy(CLOUDWATCH, "sns:Publish", &arn("other")).await),
        ("a sound policy", "ok", with_policy(CLOUDWATCH, "SNS:Publish", &made).await),
        ("a topic that is not there", "NotFound", set(&arn("none"), "DisplayName", "x").await),
        ("no ARN", invalid, set("none", "DisplayName", "x").await),
        ("51 tags", "TagLimitExceeded", code(many)),
        (
            "tags of one that is not there",
            "ResourceNotFound",
            code(sns.list_tags_for_resource().resource_arn(arn("none")).send().await),
        ),
        ("deleting it", "ok", code(sns.delete_topic().topic_arn(&made).send().await)),
        ("deleting it twice", "ok", code(sns.delete_topic().topic_arn(&made).send().await)),
        ("a new one with its name", "ok", create("made", &[("DisplayName", "two")]).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn rules_of_subscriptions() {
    let sns = client(&Emulator::in_memory());
    let topic = topic(&sns, "a").await;
    let subscribe = async |protocol: &str, endpoint: &str| {
        let call = sns.subscribe().topic_arn(&topic).protocol(protocol).endpoint(endpoint);
        call.send().await.map(|made| made.subscription_arn.unwrap())
    };
    let with = async |name: &str, value: &str| {
        let call = sns.subscribe().topic_arn(&topic).protocol("email").endpoint("b@example.com");
        code(call.attributes(name, value).send().await)
    };
    let elsewhere = sns.subscribe().topic_arn(arn("none")).protocol("email").endpoint("a@example.com");
    let queue = format!("arn:aws:sqs:{REGION}:123456789012:q");
    let function = format!("arn:aws:lambda:{REGION}:123456789012:function:f");
    let unsubscribe = async |arn: &str| code(sns.unsubscribe().subscription_arn(arn).send().await);
    let invalid = "InvalidParameter";
    check([
        ("a topic that is not there", "NotFound", code(elsewhere.send().await)),
        ("an unknown protocol", invalid, code(subscribe("carrier-pigeon", "x").await)),
        ("no address", invalid, code(subscribe("email", "nobody").await)),
        ("http for https", invalid, code(subscribe("https", "http://example.com").await)),
        ("no ARN of a queue", invalid, code(subscribe("sqs", "q").await)),
        ("a FIFO queue", invalid, code(subscribe("sqs", &format!("{queue}.fifo")).await)),
        ("an attribute that there is not", invalid, with("Colour", "red").await),
        ("a filter that is no JSON", invalid, with("FilterPolicy", "red").await),
        ("a filter", "ok", with("FilterPolicy", r#"{"a":["b"]}"#).await),
        ("the same with the same filter", "ok", with("FilterPolicy", r#"{"a": ["b"]}"#).await),
        ("the same with another filter", invalid, with("FilterPolicy", r#"{"a":["c"]}"#).await),
        ("an address waits", "pending confirmation", subscribe("email", "a@example.com").await.unwrap()),
        ("a page waits", "pending confirmation", subscribe("https", "https://example.com").await.unwrap()),
        ("unsubscribing no ARN", invalid, unsubscribe("PendingConfirmation").await),
        ("unsubscribing what is not there", "ok", unsubscribe(&format!("{topic}:{NO_ID}")).await),
    ]);
    let confirmed = subscribe("sqs", &queue).await.unwrap();
    assert!(confirmed.starts_with(&format!("{topic}:")), "{confirmed}");
    assert_eq!(subscribe("sqs", &queue).await.unwrap(), confirmed);
    assert!(subscribe("lambda", &function).await.unwrap().starts_with(&topic));
    let call = sns.subscribe().topic_arn(&topic).protocol("email").endpoint("a@example.com");
    let pending = call.return_subscription_arn(true).send().await.unwrap().subscription_arn.unwrap();
    assert!(pending.starts_with(&format!("{topic}:")), "{pending}");
    check([
        ("unsubscribing one that waits", invalid, unsubscribe(&pending).await),
        ("unsubscribing one that is confirmed", "ok", unsubscribe(&confirmed).await),
    ]);
    let found = attributes(&sns, &topic).await;
    assert_eq!(
        (found["SubscriptionsConfirmed"].as_str(), found["SubscriptionsPending"].as_str()),
        ("1", "3")
    );
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_shown_and_go_with_their_topic() {
    let emulator = Emulator::in_memory();
    let sns = client(&emulator);
    let topic = topic(&sns, "a").await;
    let call = sns.subscribe().topic_arn(&topic).protocol("email").endpoint("a@example.com");
    let made = call.return_subscription_arn(true).send().await.unwrap().subscription_arn.unwrap();
    let set = sns.set_subscription_attributes().subscription_arn(&made).attribute_name("FilterPolicy");
    set.attribute_value(r#"{"a":["b"]}"#).send().await.unwrap();
    let got = sns.get_subscription_attributes().subscription_arn(&made).send().await.unwrap();
    let got = got.attributes.unwrap();
    for (name, value) in [
        ("SubscriptionArn", made.as_str()),
        ("TopicArn", &topic),
        ("Protocol", "email"),
        ("Endpoint", "a@example.com"),
        ("PendingConfirmation", "true"),
        ("FilterPolicy", r#"{"a":["b"]}"#),
        ("FilterPolicyScope", "MessageAttributes"),
        ("RawMessageDelivery", "false"),
    ] {
        assert_eq!(got.get(name).map(String::as_str), Some(value), "{name}");
    }
    let listed = sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
    assert_eq!(listed.subscriptions()[0].subscription_arn(), Some("PendingConfirmation"));
    assert_eq!(sns.list_subscriptions().send().await.unwrap().subscriptions().len(), 1);
    let objects = emulator.objects().await.unwrap();
    let object = objects.iter().find(|object| object.kind == "AWS::SNS::Subscription").unwrap();
    assert_eq!((object.id.as_str(), object.part_of.as_deref()), (made.as_str(), Some(topic.as_str())));
    sns.delete_topic().topic_arn(&topic).send().await.unwrap();
    assert_eq!(sns.list_subscriptions().send().await.unwrap().subscriptions(), []);
    let refused = sns.get_subscription_attributes().subscription_arn(&made).send().await;
    assert_eq!(code(refused), "NotFound");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_nobody_confirms_is_forgotten_after_two_days() {
    let sns = client(&Emulator::in_memory());
    let topic = topic(&sns, "a").await;
    let call = sns.subscribe().topic_arn(&topic).protocol("email").endpoint("a@example.com");
    call.send().await.unwrap();
    let count = async || sns.list_subscriptions().send().await.unwrap().subscriptions().len();
    tokio::time::advance(Duration::from_secs(48 * 3600 - 1)).await;
    assert_eq!(count().await, 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn rules_of_messages() {
    let emulator = Emulator::in_memory();
    let sns = client(&emulator);
    let kms = aws_sdk_kms::Client::new(&config(&emulator, REGION));
    let key = kms.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    let plain = topic(&sns, "plain").await;
    let call = sns.create_topic().name("secret").attributes("KmsMasterKeyId", &key);
    let secret = call.send().await.unwrap().topic_arn.unwrap();
    let call = sns.create_topic().name("lost").attributes("KmsMasterKeyId", "alias/none");
    let lost = call.send().await.unwrap().topic_arn.unwrap();
    let call = sns.create_topic().name("f.fifo").attributes("FifoTopic", "true");
    let fifo = call.send().await.unwrap().topic_arn.unwrap();
    let publish =
        async |topic: &str, message: &str| code(sns.publish().topic_arn(topic).message(message).send().await);
    let structured = sns.publish().topic_arn(&plain).message("{}").message_structure("json").send().await;
    let ordered = sns.publish().topic_arn(&fifo).message("m").message_group_id("g");
    let ordered = ordered.message_deduplication_id("d").send().await.unwrap();
    assert_eq!(ordered.sequence_number().map(str::len), Some(20));
    let (enabled, invalid) = (publish(&secret, "m").await, "InvalidParameter");
    kms.disable_key().key_id(&key).send().await.unwrap();
    let disabled = publish(&secret, "m").await;
    kms.schedule_key_deletion().key_id(&key).send().await.unwrap();
    check([
        ("a message", "ok", publish(&plain, "m").await),
        ("a topic that is not there", "NotFound", publish(&arn("none"), "m").await),
        ("more than 256 KiB", invalid, publish(&plain, &"x".repeat(256 * 1024 + 1)).await),
        ("a structure without a default", invalid, code(structured)),
        ("a FIFO topic without a group", invalid, publish(&fifo, "m").await),
        ("a key", "ok", enabled),
        ("a key that is disabled", "KMSDisabled", disabled),
        ("a key that is pending deletion", "KMSInvalidState", publish(&secret, "m").await),
        ("a key that is not there", "KMSNotFound", publish(&lost, "m").await),
    ]);
}
