//! SNS: what real AWS answered, recorded, row by row. The next recorded answer is one row more.

use std::collections::HashMap;

use aws_sdk_sns::Client;
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sns::types::builders::MessageAttributeValueBuilder;
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, answered, config};

const REFUSED: &str = "InvalidParameter 400";

fn client() -> Client {
    Client::new(&config(&Emulator::in_memory(), REGION))
}

fn queue(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:123456789012:{name}")
}

async fn topic(sns: &Client, name: &str, attributes: &[(&str, &str)]) -> String {
    let call = sns.create_topic().name(name).set_attributes(Some(map(attributes)));
    call.send().await.unwrap().topic_arn.unwrap()
}

fn map(attributes: &[(&str, &str)]) -> HashMap<String, String> {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What Subscribe answers to a queue with attributes.
async fn subscribe(sns: &Client, topic: &str, endpoint: &str, attributes: &[(&str, &str)]) -> String {
    let call = sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(endpoint);
    answered(call.set_attributes(Some(map(attributes))).send().await)
}

/// A subscription with attributes.
async fn subscription(sns: &Client, topic: &str, endpoint: &str, attributes: &[(&str, &str)]) -> String {
    let call = sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(endpoint);
    call.set_attributes(Some(map(attributes))).send().await.unwrap().subscription_arn.unwrap()
}

async fn set(sns: &Client, subscription: &str, name: &str, value: &str) -> String {
    let call = sns.set_subscription_attributes().subscription_arn(subscription).attribute_name(name);
    answered(call.attribute_value(value).send().await)
}

/// An attribute of a subscription, as it is shown.
async fn shown(sns: &Client, subscription: &str, name: &str) -> String {
    let got = sns.get_subscription_attributes().subscription_arn(subscription).send().await.unwrap();
    got.attributes.unwrap().remove(name).unwrap_or_else(|| "absent".to_owned())
}

#[tokio::test(start_paused = true)]
async fn filter_policies() {
    const BODY: &str = "MessageBody";
    const ATTRIBUTES: &str = "MessageAttributes";
    let many = format!(r#"{{"a":[{}]}}"#, ["1"; 151].join(","));
    let long = format!(r#"{{"a":["{}"]}}"#, "x".repeat(256 * 1024));
    let depth = r#"{"a":{"b":{"c":[1,2,3,4,5,6,7,8,9,10]}},"d":{"e":[1,2,3]}}"#;
    let rows = [
        ("A5 no JSON", ATTRIBUTES, "nonsense", REFUSED),
        ("A5 an array", ATTRIBUTES, "[]", REFUSED),
        ("A5 a value that is no array", ATTRIBUTES, r#"{"a":"b"}"#, REFUSED),
        ("A5 null for an array", ATTRIBUTES, r#"{"a":null}"#, REFUSED),
        ("A5 an empty array", ATTRIBUTES, r#"{"a":[]}"#, REFUSED),
        ("A5 an array in an array", ATTRIBUTES, r#"{"a":[["b"]]}"#, REFUSED),
        ("A5 five keys", ATTRIBUTES, r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1]}"#, "ok"),
        ("A5 six keys", ATTRIBUTES, r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#, REFUSED),
        ("A5 six keys below five", BODY, r#"{"a":{"b":[1],"c":[1],"d":[1],"e":[1],"f":[1],"g":[1]}}"#, "ok"),
        ("A5 151 combinations", ATTRIBUTES, &many, REFUSED),
        ("A5 180 combinations by depth", BODY, depth, REFUSED),
        ("A5 more than 256 KiB", ATTRIBUTES, &long, REFUSED),
        ("A5 nested, for the body", BODY, r#"{"a":{"b":["c"]}}"#, "ok"),
        ("A5 nested, for the attributes", ATTRIBUTES, r#"{"a":{"b":["c"]}}"#, REFUSED),
        ("A5 nested and empty", BODY, r#"{"a":{"b":[]}}"#, REFUSED),
        ("A5 two comparisons in one", ATTRIBUTES, r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, REFUSED),
        ("A5 no comparison", ATTRIBUTES, r#"{"a":[{}]}"#, REFUSED),
        ("A5 an unknown comparison", ATTRIBUTES, r#"{"a":[{"like":"x"}]}"#, REFUSED),
        ("A5 a prefix", ATTRIBUTES, r#"{"a":[{"prefix":"x"}]}"#, "ok"),
        ("A5 a prefix that is a number", ATTRIBUTES, r#"{"a":[{"prefix":1}]}"#, REFUSED),
        ("A5 a suffix in an array", ATTRIBUTES, r#"{"a":[{"suffix":["x"]}]}"#, REFUSED),
        ("A5 a number without case", ATTRIBUTES, r#"{"a":[{"equals-ignore-case":1}]}"#, REFUSED),
        ("A5 exists no", ATTRIBUTES, r#"{"a":[{"exists":"no"}]}"#, REFUSED),
        ("A5 a block of addresses", ATTRIBUTES, r#"{"a":[{"cidr":"10.0.0.0/24"}]}"#, "ok"),
        ("A5 an address for a block", ATTRIBUTES, r#"{"a":[{"cidr":"10.0.0.0"}]}"#, REFUSED),
        ("A5 anything but some", ATTRIBUTES, r#"{"a":[{"anything-but":["x","y"]}]}"#, "ok"),
        ("A5 anything but none", ATTRIBUTES, r#"{"a":[{"anything-but":[]}]}"#, REFUSED),
        ("A5 anything but a mix", ATTRIBUTES, r#"{"a":[{"anything-but":["x",1]}]}"#, REFUSED),
        ("A5 anything but a prefix", ATTRIBUTES, r#"{"a":[{"anything-but":{"prefix":"x"}}]}"#, "ok"),
        ("A5 anything but a suffix", ATTRIBUTES, r#"{"a":[{"anything-but":{"suffix":"x"}}]}"#, REFUSED),
        ("A5 a number", ATTRIBUTES, r#"{"a":[{"numeric":["=",1.5]}]}"#, "ok"),
        ("A5 a range", ATTRIBUTES, r#"{"a":[{"numeric":[">",0,"<=",5]}]}"#, "ok"),
        ("A5 no number", ATTRIBUTES, r#"{"a":[{"numeric":[]}]}"#, REFUSED),
        ("A5 a number without an operator", ATTRIBUTES, r#"{"a":[{"numeric":[1]}]}"#, REFUSED),
        ("A5 an operator without a number", ATTRIBUTES, r#"{"a":[{"numeric":["<"]}]}"#, REFUSED),
        ("A5 an operator that is none", ATTRIBUTES, r#"{"a":[{"numeric":["<>",1]}]}"#, REFUSED),
        ("A5 a text for a number", ATTRIBUTES, r#"{"a":[{"numeric":["=","1"]}]}"#, REFUSED),
        ("A5 a range upside down", ATTRIBUTES, r#"{"a":[{"numeric":[">",5,"<",1]}]}"#, REFUSED),
        ("A5 a range of two bottoms", ATTRIBUTES, r#"{"a":[{"numeric":[">",1,">",5]}]}"#, REFUSED),
        ("A5 a range that begins at its top", ATTRIBUTES, r#"{"a":[{"numeric":["<",5,">",1]}]}"#, REFUSED),
        ("A5 half a range", ATTRIBUTES, r#"{"a":[{"numeric":[">",1,"<"]}]}"#, REFUSED),
        ("A5 a range of three", ATTRIBUTES, r#"{"a":[{"numeric":[">",1,"<",5,"<"]}]}"#, REFUSED),
        ("A5 alternatives", ATTRIBUTES, r#"{"$or":[{"a":["x"]},{"b":["y"]}]}"#, "ok"),
        ("A5 an alternative that is wrong", ATTRIBUTES, r#"{"$or":[{"a":["x"]},{"b":[]}]}"#, REFUSED),
    ];
    let sns = client();
    let topic = topic(&sns, "t", &[]).await;
    let queue = queue("q");
    let mut answers = Vec::new();
    for (name, scope, policy, wanted) in rows {
        let attributes = [("FilterPolicy", policy), ("FilterPolicyScope", scope)];
        let answer = subscribe(&sns, &topic, &queue, &attributes).await;
        answers.push((format!("{name}, subscribing"), wanted, answer));
        for subscription in sns.list_subscriptions().send().await.unwrap().subscriptions() {
            let arn = subscription.subscription_arn().unwrap();
            sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
        }
        let made = subscription(&sns, &topic, &queue, &[("FilterPolicyScope", scope)]).await;
        answers.push((format!("{name}, later"), wanted, set(&sns, &made, "FilterPolicy", policy).await));
        sns.unsubscribe().subscription_arn(made).send().await.unwrap();
    }
    check(answers.iter().map(|(name, wanted, got)| (name.as_str(), *wanted, got.clone())));
}

#[tokio::test(start_paused = true)]
async fn a_scope_and_its_policy() {
    let sns = client();
    let topic = topic(&sns, "t", &[]).await;
    let made = subscription(&sns, &topic, &queue("q"), &[("FilterPolicyScope", "MessageBody")]).await;
    let shown = async |name: &str| shown(&sns, &made, name).await;
    let set = async |name: &str, value: &str| set(&sns, &made, name, value).await;
    let nested = r#"{"a":{"b":["c"]}}"#;
    check([
        ("B26 a scope without a policy", "absent", shown("FilterPolicyScope").await),
        ("A5 a policy for that scope", "ok", set("FilterPolicy", nested).await),
        ("B26 the scope with a policy", "MessageBody", shown("FilterPolicyScope").await),
        ("a scope that is none", REFUSED, set("FilterPolicyScope", "Message").await),
        (
            "a scope that the policy does not fit",
            REFUSED,
            set("FilterPolicyScope", "MessageAttributes").await,
        ),
        ("the refused scope", "MessageBody", shown("FilterPolicyScope").await),
        ("taking the policy away", "ok", set("FilterPolicy", "").await),
        ("B26 the empty policy", "absent", shown("FilterPolicy").await),
        ("B26 its scope", "absent", shown("FilterPolicyScope").await),
        ("a policy that lets all in", "ok", set("FilterPolicy", "{}").await),
        ("the policy that lets all in", "{}", shown("FilterPolicy").await),
    ]);
    let empty = subscription(&sns, &topic, &queue("other"), &[("FilterPolicy", "")]).await;
    check([(
        "B26 an empty policy at subscribing",
        "absent",
        self::shown(&sns, &empty, "FilterPolicy").await,
    )]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_has_200_filter_policies_at_most() {
    let sns = client();
    let topic = topic(&sns, "t", &[]).await;
    let policy = ("FilterPolicy", r#"{"a":["b"]}"#);
    for number in 0..200 {
        assert_eq!(subscribe(&sns, &topic, &queue(&format!("q{number}")), &[policy]).await, "ok");
    }
    let plain = subscription(&sns, &topic, &queue("plain"), &[]).await;
    let limit = "FilterPolicyLimitExceeded 403";
    check([
        ("one more", limit, subscribe(&sns, &topic, &queue("more"), &[policy]).await),
        ("one more, later", limit, set(&sns, &plain, policy.0, policy.1).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn redrive_policies() {
    let sns = client();
    let standard = topic(&sns, "t", &[]).await;
    let fifo = topic(&sns, "t.fifo", &[("FifoTopic", "true")]).await;
    let target = |arn: &str| format!(r#"{{"deadLetterTargetArn":"{arn}"}}"#);
    let with = async |topic: &str, endpoint: &str, policy: &str| {
        subscribe(&sns, topic, &queue(endpoint), &[("RedrivePolicy", policy)]).await
    };
    let made = subscription(&sns, &fifo, &queue("made.fifo"), &[]).await;
    let later = async |policy: &str| set(&sns, &made, "RedrivePolicy", policy).await;
    let (dead, dead_fifo) = (target(&queue("dead")), target(&queue("dead.fifo")));
    let topic_arn = target(&standard);
    check([
        ("A6 no JSON", REFUSED, with(&standard, "a", "nonsense").await),
        ("A6 no ARN", REFUSED, with(&standard, "a", &target("dead")).await),
        ("A6 no target", REFUSED, with(&standard, "a", "{}").await),
        ("A6 a topic for a queue", REFUSED, with(&standard, "a", &topic_arn).await),
        ("a queue", "ok", with(&standard, "a", &dead).await),
        ("A6 a standard queue for a FIFO subscription", REFUSED, with(&fifo, "b.fifo", &dead).await),
        ("a FIFO queue for a FIFO subscription", "ok", with(&fifo, "b.fifo", &dead_fifo).await),
        ("a standard queue for a standard one of a FIFO topic", "ok", with(&fifo, "c", &dead).await),
        ("A6 no ARN, later", REFUSED, later(&target("dead")).await),
        ("A6 a standard queue, later", REFUSED, later(&dead).await),
        ("a FIFO queue, later", "ok", later(&dead_fifo).await),
        ("taking it away", "ok", later("").await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn ids_and_addresses() {
    let sns = client();
    let topic = topic(&sns, "t", &[]).await;
    let unsubscribe = async |arn: &str| answered(sns.unsubscribe().subscription_arn(arn).send().await);
    let sms = async |number: &str| {
        answered(sns.subscribe().topic_arn(&topic).protocol("sms").endpoint(number).send().await)
    };
    let text = async |number: &str| answered(sns.publish().phone_number(number).message("m").send().await);
    let nobody = format!("{topic}:00000000-0000-4000-8000-ffffffffffff");
    check([
        ("A13 unsubscribing no ARN", REFUSED, unsubscribe("subscription").await),
        ("A13 unsubscribing five elements", REFUSED, unsubscribe("arn:aws:sns:eu-west-1:t").await),
        ("A13 unsubscribing a topic", REFUSED, unsubscribe(&topic).await),
        ("A13 unsubscribing an id that is no UUID", REFUSED, unsubscribe(&format!("{topic}:none")).await),
        ("unsubscribing what is not there", "ok", unsubscribe(&nobody).await),
        ("A13 SMS with two separators", REFUSED, sms("+15--551234567").await),
        ("SMS that ends in a separator", REFUSED, sms("+155512345.").await),
        ("SMS that begins with a separator", REFUSED, sms("-15551234567").await),
        ("SMS to letters", REFUSED, sms("NAA+15551234567").await),
        ("SMS to sixteen digits", REFUSED, sms("+1555123456712345").await),
        ("SMS with single separators", "ok", sms("+15/55-123.4567").await),
        ("SMS", "ok", sms("+15551234567").await),
        ("a text message", "ok", text("+15551234567").await),
        ("a text message to letters", REFUSED, text("home").await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn values_in_any_case() {
    let sns = client();
    let plain = topic(&sns, "plain", &[("FifoTopic", "false")]).await;
    let fifo = topic(&sns, "t.fifo", &[("FifoTopic", "True"), ("ContentBasedDeduplication", "TRUE")]).await;
    let made = subscription(&sns, &plain, &queue("q"), &[("RawMessageDelivery", "TrUe")]).await;
    let of = async |topic: &str, name: &str| {
        let got = sns.get_topic_attributes().topic_arn(topic).send().await.unwrap();
        got.attributes.unwrap().remove(name).unwrap_or_else(|| "absent".to_owned())
    };
    let raw = async |value: &str| set(&sns, &made, "RawMessageDelivery", value).await;
    let again = [("RawMessageDelivery", "TRUE")];
    check([
        ("B26 FifoTopic of a standard topic", "absent", of(&plain, "FifoTopic").await),
        ("FifoTopic of a FIFO topic", "true", of(&fifo, "FifoTopic").await),
        ("ContentBasedDeduplication TRUE", "true", of(&fifo, "ContentBasedDeduplication").await),
        ("D43 RawMessageDelivery TrUe", "true", shown(&sns, &made, "RawMessageDelivery").await),
        ("D43 the same subscription", "ok", subscribe(&sns, &plain, &queue("q"), &again).await),
        ("D43 RawMessageDelivery FALSE, later", "ok", raw("FALSE").await),
        ("D43 RawMessageDelivery FALSE", "false", shown(&sns, &made, "RawMessageDelivery").await),
        ("RawMessageDelivery yes", REFUSED, raw("yes").await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn topics_of_another_region_and_endpoints() {
    let emulator = Emulator::in_memory();
    let sns = Client::new(&config(&emulator, REGION));
    let there = topic(&Client::new(&config(&emulator, "eu-west-1")), "t", &[]).await;
    let none = format!("arn:aws:sns:{REGION}:123456789012:none");
    let endpoint = format!("arn:aws:sns:{REGION}:123456789012:endpoint/APNS/app/{}", "0".repeat(8));
    let to_topic = async |arn: &str| answered(sns.publish().topic_arn(arn).message("m").send().await);
    let to_target = async |arn: &str| answered(sns.publish().target_arn(arn).message("m").send().await);
    let by_topic = sns.list_subscriptions_by_topic().topic_arn(&there).send().await;
    let set = sns.set_topic_attributes().topic_arn(&there).attribute_name("DisplayName");
    check([
        ("C36 publishing to another region", REFUSED, to_topic(&there).await),
        ("publishing to another region's target", REFUSED, to_target(&there).await),
        ("C36 publishing to an unknown endpoint", REFUSED, to_target(&endpoint).await),
        ("publishing to an unknown topic", "NotFound 404", to_topic(&none).await),
        ("publishing to no ARN", REFUSED, to_topic("none").await),
        ("publishing to nobody", REFUSED, answered(sns.publish().message("m").send().await)),
        (
            "attributes of another region's",
            REFUSED,
            answered(sns.get_topic_attributes().topic_arn(&there).send().await),
        ),
        ("setting them", REFUSED, answered(set.attribute_value("x").send().await)),
        ("its subscriptions", REFUSED, answered(by_topic)),
        ("subscribing to it", REFUSED, subscribe(&sns, &there, &queue("q"), &[]).await),
        ("deleting it", REFUSED, answered(sns.delete_topic().topic_arn(&there).send().await)),
    ]);
}

#[tokio::test(start_paused = true)]
async fn ids_and_subjects_of_messages() {
    let sns = client();
    let fifo = topic(&sns, "t.fifo", &[("FifoTopic", "true")]).await;
    let publish = async |group: &str, duplicate: &str| {
        let call = sns.publish().topic_arn(&fifo).message("m").message_group_id(group);
        answered(call.message_deduplication_id(duplicate).send().await)
    };
    let about = async |subject: &str| {
        let call = sns.publish().topic_arn(&fifo).message("m").message_group_id("g").subject(subject);
        answered(call.message_deduplication_id("d").send().await)
    };
    let long = "x".repeat(129);
    check([
        ("a group and an id", "ok", publish("g!", "d~").await),
        ("an empty group", REFUSED, publish("", "d").await),
        ("a group with a space", REFUSED, publish("a b", "d").await),
        ("a group of 129 characters", REFUSED, publish(&long, "d").await),
        ("an empty id", REFUSED, publish("g", "").await),
        ("an id with a space", REFUSED, publish("g", "a b").await),
        ("an id of 129 characters", REFUSED, publish("g", &long).await),
        ("a subject", "ok", about("Zoë").await),
        ("an empty subject", REFUSED, about("").await),
        ("a subject of two lines", REFUSED, about("a\nb").await),
        ("a subject of 101 characters", REFUSED, about(&"x".repeat(101)).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn attributes_of_messages() {
    let sns = client();
    let topic = topic(&sns, "t", &[]).await;
    let value = |kind: &str, text: &str| MessageAttributeValue::builder().data_type(kind).string_value(text);
    let publish = async |name: &str, value: MessageAttributeValueBuilder| {
        let call =
            sns.publish().topic_arn(&topic).message("m").message_attributes(name, value.build().unwrap());
        answered(call.send().await)
    };
    let bytes = |kind: &str| MessageAttributeValue::builder().data_type(kind).binary_value(Blob::new("v"));
    let invalid = "ParameterValueInvalid 400";
    check([
        ("a text", "ok", publish("a_b-c.D1", value("String", "v")).await),
        ("an array", "ok", publish("a", value("String.Array", r#"["v"]"#)).await),
        ("a number", "ok", publish("a", value("Number", "-1.5")).await),
        ("bytes", "ok", publish("a", bytes("Binary")).await),
        ("a setting of SMS", "ok", publish("AWS.SNS.SMS.SMSType", value("String", "Promotional")).await),
        ("an empty text", invalid, publish("a", value("String", "")).await),
        ("no number", invalid, publish("a", value("Number", "one")).await),
        ("no value", invalid, publish("a", MessageAttributeValue::builder().data_type("String")).await),
        ("a text for bytes", invalid, publish("a", value("Binary", "v")).await),
        ("bytes for a text", invalid, publish("a", bytes("String")).await),
        ("an unknown type", invalid, publish("a", value("Text", "v")).await),
        ("a type that ends in a dot", invalid, publish("a", value("String.", "v")).await),
        ("a name with a slash", invalid, publish("a/b", value("String", "v")).await),
        ("a name that begins with a dot", invalid, publish(".a", value("String", "v")).await),
        ("a name that ends in a dot", invalid, publish("a.", value("String", "v")).await),
        ("a name with two dots", invalid, publish("a..b", value("String", "v")).await),
        ("a name of 257 characters", invalid, publish(&"x".repeat(257), value("String", "v")).await),
        (
            "attributes that are too long",
            REFUSED,
            publish("a", value("String", &"x".repeat(256 * 1024))).await,
        ),
    ]);
}
