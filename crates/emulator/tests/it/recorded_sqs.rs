//! SQS: what real AWS answered, recorded, row by row. The next recorded answer is one row more.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName as Name};
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, answered, config};

const NAME: &str = "InvalidAttributeName 400";
const VALUE: &str = "InvalidAttributeValue 400";
const PARAMETER: &str = "InvalidParameterValue 400";

fn client() -> Client {
    Client::new(&config(&Emulator::in_memory(), REGION))
}

fn url(name: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/123456789012/{name}")
}

fn map(attributes: &[(&str, &str)]) -> HashMap<Name, String> {
    attributes.iter().map(|(name, value)| (Name::from(*name), (*value).to_owned())).collect()
}

async fn create(sqs: &Client, name: &str, attributes: &[(&str, &str)]) -> String {
    answered(sqs.create_queue().queue_name(name).set_attributes(Some(map(attributes))).send().await)
}

async fn set(sqs: &Client, name: &str, attributes: &[(&str, &str)]) -> String {
    let call = sqs.set_queue_attributes().queue_url(url(name)).set_attributes(Some(map(attributes)));
    answered(call.send().await)
}

/// An attribute of a queue, as it is shown.
async fn shown(sqs: &Client, name: &str, attribute: &str) -> String {
    let call = sqs.get_queue_attributes().queue_url(url(name)).attribute_names(Name::All);
    let found = call.send().await.unwrap().attributes.unwrap().remove(&Name::from(attribute));
    found.unwrap_or_else(|| "absent".to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_makes_a_queue_one_of_fifo() {
    let sqs = client();
    assert_eq!(create(&sqs, "plain", &[]).await, "ok");
    let flag = |value| [("FifoQueue", value)];
    check([
        ("A8 FifoQueue false at creation", NAME, create(&sqs, "a", &flag("false")).await),
        ("A8 FifoQueue False at creation", NAME, create(&sqs, "a", &flag("False")).await),
        ("A8 FifoQueue false with the suffix", NAME, create(&sqs, "a.fifo", &flag("false")).await),
        ("FifoQueue yes at creation", NAME, create(&sqs, "a", &flag("yes")).await),
        ("D43 FifoQueue True at creation", "ok", create(&sqs, "f.fifo", &flag("True")).await),
        ("D43 the same queue again", "ok", create(&sqs, "f.fifo", &flag("true")).await),
        ("D43 FifoQueue, as it is shown", "true", shown(&sqs, "f.fifo", "FifoQueue").await),
        ("D43 FifoQueue true again", "ok", set(&sqs, "f.fifo", &flag("true")).await),
        ("FifoQueue false later", VALUE, set(&sqs, "f.fifo", &flag("false")).await),
        ("FifoQueue true on a standard queue", NAME, set(&sqs, "plain", &flag("true")).await),
        ("FifoQueue false on a standard queue", NAME, set(&sqs, "plain", &flag("false")).await),
        ("FifoQueue of a standard queue", "absent", shown(&sqs, "plain", "FifoQueue").await),
    ]);
    let deduplicates = [("ContentBasedDeduplication", "True")];
    check([
        ("another flag in capitals", "ok", set(&sqs, "f.fifo", &deduplicates).await),
        ("that flag", "true", shown(&sqs, "f.fifo", "ContentBasedDeduplication").await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn ids_of_messages() {
    let sqs = client();
    assert_eq!(create(&sqs, "plain", &[]).await, "ok");
    assert_eq!(create(&sqs, "f.fifo", &[("FifoQueue", "true")]).await, "ok");
    let send = async |name: &str, group: Option<&str>, duplicate: Option<&str>| {
        let call = sqs.send_message().queue_url(url(name)).message_body("m");
        let call = call.set_message_group_id(group.map(str::to_owned));
        answered(call.set_message_deduplication_id(duplicate.map(str::to_owned)).send().await)
    };
    let fifo = async |group: &str, duplicate: &str| send("f.fifo", Some(group), Some(duplicate)).await;
    let (long, longest) = ("x".repeat(129), "x".repeat(128));
    check([
        ("A8 a group and an id", "ok", fifo("g!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", &longest).await),
        ("A8 an empty group", PARAMETER, fifo("", "d").await),
        ("A8 a group with a space", PARAMETER, fifo("a b", "d").await),
        ("A8 a group with a letter beyond ASCII", PARAMETER, fifo("ë", "d").await),
        ("A8 a group of 129 characters", PARAMETER, fifo(&long, "d").await),
        ("A8 an empty id", PARAMETER, fifo("g", "").await),
        ("A8 an id with a space", PARAMETER, fifo("g", "a b").await),
        ("A8 an id of 129 characters", PARAMETER, fifo("g", &long).await),
        ("no group", "MissingParameter 400", send("f.fifo", None, Some("d")).await),
        ("no id", PARAMETER, send("f.fifo", Some("g"), None).await),
        ("an id for a standard queue", PARAMETER, send("plain", None, Some("d")).await),
        ("a group of a standard queue", "ok", send("plain", Some("g"), None).await),
        ("a group with a space, of a standard queue", PARAMETER, send("plain", Some("a b"), None).await),
    ]);
}

fn text(kind: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(kind).string_value(value).build().unwrap()
}

fn bytes(kind: &str, value: &[u8]) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(kind).binary_value(Blob::new(value)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn attributes_of_messages() {
    let sqs = client();
    assert_eq!(create(&sqs, "q", &[("MaximumMessageSize", "1024")]).await, "ok");
    let send = async |name: &str, value: MessageAttributeValue| {
        let call = sqs.send_message().queue_url(url("q")).message_body("m").message_attributes(name, value);
        answered(call.send().await)
    };
    let many = (0..11).fold(sqs.send_message().queue_url(url("q")).message_body("m"), |call, number| {
        call.message_attributes(number.to_string(), text("String", "v"))
    });
    check([
        ("a text", "ok", send("a_b-c.D1", text("String", "v")).await),
        ("a text of a kind of its own", "ok", send("a", text("String.mine", "v")).await),
        ("a number", "ok", send("a", text("Number", "-1.5")).await),
        ("bytes", "ok", send("a", bytes("Binary", &[0, 1])).await),
        ("an empty text", PARAMETER, send("a", text("String", "")).await),
        ("a text with a control character", PARAMETER, send("a", text("String", "\u{1}")).await),
        ("no number", PARAMETER, send("a", text("Number", "one")).await),
        ("a text for bytes", PARAMETER, send("a", text("Binary", "v")).await),
        ("bytes for a text", PARAMETER, send("a", bytes("String", &[1])).await),
        ("no bytes", PARAMETER, send("a", bytes("Binary", &[])).await),
        ("an unknown type", PARAMETER, send("a", text("Text", "v")).await),
        (
            "a type of 256 characters",
            PARAMETER,
            send("a", text(&format!("String.{}", "x".repeat(249)), "v")).await,
        ),
        ("a name of AWS", PARAMETER, send("AWS.x", text("String", "v")).await),
        ("a name of Amazon", PARAMETER, send("amazon.x", text("String", "v")).await),
        ("a name that ends in a dot", PARAMETER, send("a.", text("String", "v")).await),
        ("a name with a space", PARAMETER, send("a b", text("String", "v")).await),
        ("a name of 256 characters", PARAMETER, send(&"x".repeat(256), text("String", "v")).await),
        ("eleven attributes", PARAMETER, answered(many.send().await)),
        ("attributes that are too long", PARAMETER, send("a", text("String", &"x".repeat(1024))).await),
    ]);
    // The digest of one attribute of each kind, computed elsewhere by the rule of the Developer Guide.
    let call = sqs.send_message().queue_url(url("q")).message_body("m");
    let call =
        call.message_attributes("text", text("String", "value")).message_attributes("n", text("Number", "1"));
    let sent = call.message_attributes("bytes", bytes("Binary", b"\x00\xff")).send().await.unwrap();
    assert_eq!(sent.md5_of_message_attributes(), Some("535f1aebdf26950848044ec5d331c01a"));
    let plain = sqs.send_message().queue_url(url("q")).message_body("m").send().await.unwrap();
    assert_eq!(plain.md5_of_message_attributes(), None);
}

#[tokio::test(start_paused = true)]
async fn encryption_after_a_key() {
    let sqs = client();
    const KEY: &str = "KmsMasterKeyId";
    const REUSE: &str = "KmsDataKeyReusePeriodSeconds";
    const OWN: &str = "SqsManagedSseEnabled";
    assert_eq!(create(&sqs, "q", &[(KEY, "alias/aws/sqs"), (REUSE, "600")]).await, "ok");
    assert_eq!(create(&sqs, "plain", &[]).await, "ok");
    let shown = async |attribute: &str| shown(&sqs, "q", attribute).await;
    let set = async |given: &[(&str, &str)]| set(&sqs, "q", given).await;
    check([
        ("B16 its own encryption beside a key", "false", shown(OWN).await),
        ("B16 a key's reuse", "600", shown(REUSE).await),
        ("B16 removing the key", "ok", set(&[(KEY, "")]).await),
        ("B16 no key", "absent", shown(KEY).await),
        ("B16 its own encryption after that", "false", shown(OWN).await),
        ("B16 the reuse after that", "absent", shown(REUSE).await),
        ("B16 a key again", "ok", set(&[(KEY, "alias/aws/sqs")]).await),
        ("B16 the reuse of that key", "300", shown(REUSE).await),
        ("B16 removing it with its reuse", "ok", set(&[(KEY, ""), (REUSE, "300")]).await),
        ("B16 the reuse, set to what it is", "absent", shown(REUSE).await),
        ("B16 its own encryption still", "false", shown(OWN).await),
        ("its own encryption again", "ok", set(&[(OWN, "true")]).await),
        ("its own encryption, then", "true", shown(OWN).await),
        ("removing a key that is not there", "ok", set(&[(KEY, "")]).await),
        ("its own encryption, untouched", "true", shown(OWN).await),
    ]);
    check([
        ("a queue without a key", "true", self::shown(&sqs, "plain", OWN).await),
        ("the reuse of no key", "absent", self::shown(&sqs, "plain", REUSE).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn names_for_urls_and_lists_that_are_empty() {
    let sqs = client();
    assert_eq!(create(&sqs, "q", &[]).await, "ok");
    let none = "AWS.SimpleQueueService.NonExistentQueue 400";
    let by = async |url: &str| {
        answered(sqs.get_queue_attributes().queue_url(url).attribute_names(Name::QueueArn).send().await)
    };
    check([
        ("D43 a name for a URL", "ok", by("q").await),
        ("account and name for a URL", "ok", by("123456789012/q").await),
        ("D43 the name of none", none, by("none").await),
        ("the URL of none", none, by(&url("none")).await),
        ("the URL of another account's", none, by(&url("q").replace("123456789012", "210987654321")).await),
        ("nothing for a URL", "InvalidAddress 400", by("").await),
    ]);
    let tags = async || sqs.list_queue_tags().queue_url(url("q")).send().await.unwrap().tags;
    assert_eq!(tags().await, None, "B26: tags that are not there");
    sqs.tag_queue().queue_url(url("q")).tags("a", "b").send().await.unwrap();
    assert_eq!(tags().await.map(|tags| tags.len()), Some(1));
    sqs.untag_queue().queue_url(url("q")).tag_keys("a").send().await.unwrap();
    assert_eq!(tags().await, None, "B26: tags after the last one was removed");
    assert_eq!(sqs.list_queues().queue_name_prefix("none").send().await.unwrap().queue_urls, None);
}

#[tokio::test(start_paused = true)]
async fn resources_of_policies() {
    let sqs = client();
    assert_eq!(create(&sqs, "q", &[]).await, "ok");
    let policy = async |resource: &str| {
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": resource,
        }]});
        set(&sqs, "q", &[("Policy", &document.to_string())]).await
    };
    let arn = |name: &str| format!("arn:aws:sqs:{REGION}:123456789012:{name}");
    check([
        ("D44 a resource that is no ARN", "ok", policy("q").await),
        ("the queue", "ok", policy(&arn("q")).await),
        ("everything", "ok", policy("*").await),
        ("another queue", VALUE, policy(&arn("other")).await),
    ]);
}

/// The old code in the header, and the name in the body, by which botocore tells `QueryErrorCode`.
fn both<T: std::fmt::Debug, E: std::fmt::Debug>(result: Result<T, SdkError<E>>) -> String {
    let Err(SdkError::ServiceError(error)) = result else { panic!("{result:?}") };
    let raw = error.raw();
    let body: serde_json::Value = serde_json::from_slice(raw.body().bytes().unwrap()).unwrap();
    format!("{} {}", raw.headers().get("x-amzn-query-error").unwrap(), body["__type"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn both_names_of_errors() {
    let sqs = client();
    assert_eq!(create(&sqs, "q", &[]).await, "ok");
    assert_eq!(create(&sqs, "f.fifo", &[("FifoQueue", "true")]).await, "ok");
    let create =
        |attribute, value| sqs.create_queue().queue_name("q").attributes(Name::from(attribute), value).send();
    let send = |name: &str| sqs.send_message().queue_url(url(name)).message_body("m");
    check([
        (
            "C39 what is missing",
            "MissingParameter;Sender MissingRequiredParameterException",
            both(send("f.fifo").send().await),
        ),
        (
            "C39 a value of a parameter",
            "InvalidParameterValue;Sender InvalidParameterValueException",
            both(send("q").delay_seconds(901).send().await),
        ),
        (
            "C39 a queue that is not there",
            "AWS.SimpleQueueService.NonExistentQueue;Sender QueueDoesNotExist",
            both(send("none").send().await),
        ),
        (
            "C39 a queue that is there",
            "QueueAlreadyExists;Sender QueueNameExists",
            both(create("DelaySeconds", "1").await),
        ),
        (
            "C39 an attribute's name",
            "InvalidAttributeName;Sender InvalidAttributeName",
            both(create("FifoQueue", "false").await),
        ),
        (
            "C39 an attribute's value",
            "InvalidAttributeValue;Sender InvalidAttributeValue",
            both(create("DelaySeconds", "soon").await),
        ),
    ]);
}
