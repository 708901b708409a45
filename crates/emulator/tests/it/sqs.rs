//! SQS queues.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use emulator::Emulator;

use crate::rows::check;
use crate::support::{REGION, code, config};

fn client(emulator: &Emulator) -> Client {
    Client::new(&config(emulator, REGION))
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:123456789012:{name}")
}

fn url(name: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/123456789012/{name}")
}

fn map(attributes: &[(&str, &str)]) -> HashMap<Name, String> {
    attributes.iter().map(|(name, value)| (Name::from(*name), (*value).to_owned())).collect()
}

async fn create(sqs: &Client, name: &str, attributes: &[(&str, &str)]) -> String {
    code(sqs.create_queue().queue_name(name).set_attributes(Some(map(attributes))).send().await)
}

async fn attributes(sqs: &Client, name: &str) -> HashMap<Name, String> {
    let call = sqs.get_queue_attributes().queue_url(url(name)).attribute_names(Name::All);
    call.send().await.unwrap().attributes.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_queue_comes_back_as_it_was_made() {
    let emulator = Emulator::in_memory();
    let sqs = client(&emulator);
    assert_eq!(create(&sqs, "dead", &[]).await, "ok");
    let redrive = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"5"}}"#, arn("dead"));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Service":"sns.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{}"}}}}"#,
        arn("work")
    );
    let given = [
        ("MessageRetentionPeriod", "1209600"),
        ("VisibilityTimeout", "60"),
        ("RedrivePolicy", redrive.as_str()),
        ("Policy", &policy),
        ("KmsMasterKeyId", "alias/data"),
        ("KmsDataKeyReusePeriodSeconds", "600"),
    ];
    let call = sqs.create_queue().queue_name("work").set_attributes(Some(map(&given)));
    let made = call.tags("Name", "x").tags("Author", "Zoë").send().await.unwrap();
    assert_eq!(made.queue_url(), Some(url("work").as_str()));
    let found = attributes(&sqs, "work").await;
    let more = [
        ("QueueArn", arn("work")),
        ("SqsManagedSseEnabled", "false".to_owned()),
        ("DelaySeconds", "0".to_owned()),
        ("ApproximateNumberOfMessages", "0".to_owned()),
        ("CreatedTimestamp", "1767225600".to_owned()),
    ];
    let given = given.iter().map(|(name, value)| (*name, (*value).to_owned()));
    for (name, value) in given.chain(more) {
        assert_eq!(found.get(&Name::from(name)), Some(&value), "{name}");
    }
    sqs.untag_queue().queue_url(url("work")).tag_keys("Name").send().await.unwrap();
    let tags = sqs.list_queue_tags().queue_url(url("work")).send().await.unwrap().tags.unwrap();
    assert_eq!(tags, HashMap::from([("Author".to_owned(), "Zoë".to_owned())]));
    let got = sqs.get_queue_url().queue_name("work").send().await.unwrap();
    assert_eq!(got.queue_url(), Some(url("work").as_str()));
    let listed = sqs.list_queues().queue_name_prefix("w").send().await.unwrap();
    assert_eq!(listed.queue_urls(), [url("work")]);
    let objects = emulator.objects().await.unwrap();
    let ids: Vec<_> = objects.iter().map(|o| (o.kind.as_str(), o.id.clone())).collect();
    assert_eq!(ids, [("AWS::SQS::Queue", url("dead")), ("AWS::SQS::Queue", url("work"))]);
}

#[tokio::test(start_paused = true)]
async fn a_new_queue_is_encrypted_and_can_be_changed() {
    let sqs = client(&Emulator::in_memory());
    assert_eq!(create(&sqs, "q", &[]).await, "ok");
    let found = attributes(&sqs, "q").await;
    assert_eq!(found[&Name::SqsManagedSseEnabled], "true");
    assert_eq!(found[&Name::MessageRetentionPeriod], "345600");
    let set = async |given: &[(&str, &str)]| {
        code(sqs.set_queue_attributes().queue_url(url("q")).set_attributes(Some(map(given))).send().await)
    };
    assert_eq!(set(&[("KmsMasterKeyId", "alias/aws/sqs")]).await, "ok");
    let found = attributes(&sqs, "q").await;
    assert_eq!(
        (found[&Name::SqsManagedSseEnabled].as_str(), found[&Name::KmsMasterKeyId].as_str()),
        ("false", "alias/aws/sqs")
    );
    assert_eq!(set(&[("SqsManagedSseEnabled", "true"), ("VisibilityTimeout", "1")]).await, "ok");
    let found = attributes(&sqs, "q").await;
    assert_eq!(found.get(&Name::KmsMasterKeyId), None);
    assert_eq!(found[&Name::VisibilityTimeout], "1");
    let some = sqs.get_queue_attributes().queue_url(url("q")).attribute_names(Name::QueueArn);
    let some = some.send().await.unwrap().attributes.unwrap();
    assert_eq!(some, HashMap::from([(Name::QueueArn, arn("q"))]));
}

#[tokio::test(start_paused = true)]
async fn rules_of_queues() {
    let sqs = client(&Emulator::in_memory());
    assert_eq!(create(&sqs, "made", &[("DelaySeconds", "5")]).await, "ok");
    assert_eq!(create(&sqs, "f.fifo", &[("FifoQueue", "true")]).await, "ok");
    let deny = [("RedriveAllowPolicy", r#"{"redrivePermission":"denyAll"}"#)];
    assert_eq!(create(&sqs, "closed", &deny).await, "ok");
    let one = async |name: &str, value: &str| create(&sqs, "x", &[(name, value)]).await;
    let redrive = async |target: &str, count: &str| {
        let text = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{count}}}"#, arn(target));
        create(&sqs, "x", &[("RedrivePolicy", &text)]).await
    };
    let policy = async |principal: &str, action: &str| {
        let statement = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"{}"}}}}"#,
            arn("made")
        );
        let call = sqs.set_queue_attributes().queue_url(url("made")).attributes(Name::Policy, statement);
        code(call.send().await)
    };
    let both = [("KmsMasterKeyId", "alias/aws/sqs"), ("SqsManagedSseEnabled", "true")];
    let (value, parameter, none) =
        ("InvalidAttributeValue", "InvalidParameterValue", "AWS.SimpleQueueService.NonExistentQueue");
    check([
        ("a name with a dot", parameter, create(&sqs, "a.b", &[]).await),
        ("a name of 81 characters", parameter, create(&sqs, &"x".repeat(81), &[]).await),
        ("the same queue again", "ok", create(&sqs, "made", &[("DelaySeconds", "5")]).await),
        ("without its attributes", "ok", create(&sqs, "made", &[]).await),
        ("with other attributes", "QueueAlreadyExists", create(&sqs, "made", &[("DelaySeconds", "6")]).await),
        ("an unknown attribute", "InvalidAttributeName", one("Colour", "red").await),
        (
            "an attribute of FIFO queues",
            "InvalidAttributeName",
            one("ContentBasedDeduplication", "true").await,
        ),
        ("messages kept for 59 seconds", value, one("MessageRetentionPeriod", "59").await),
        ("messages kept for more than 14 days", value, one("MessageRetentionPeriod", "1209601").await),
        ("no number", value, one("VisibilityTimeout", "soon").await),
        ("two kinds of encryption", value, create(&sqs, "x", &both).await),
        ("no dead-letter queue", parameter, redrive("none", "1").await),
        ("a FIFO dead-letter queue", parameter, redrive("f.fifo", "1").await),
        ("a dead-letter queue that refuses", parameter, redrive("closed", "1").await),
        ("1001 tries", parameter, redrive("made", "1001").await),
        ("no redrive policy", parameter, one("RedrivePolicy", "nonsense").await),
        ("a sound redrive policy", "ok", redrive("made", "3").await),
        ("no policy", value, one("Policy", "nonsense").await),
        (
            "a principal that is not there",
            value,
            policy("arn:aws:iam::123456789012:role/none", "sqs:*").await,
        ),
        ("an action of SNS", value, policy("123456789012", "sns:Publish").await),
        ("a sound policy", "ok", policy("123456789012", "sqs:*").await),
        ("a queue that is not there", none, code(sqs.get_queue_url().queue_name("none").send().await)),
        (
            "deleting one that is not there",
            none,
            code(sqs.delete_queue().queue_url(url("none")).send().await),
        ),
        ("no URL", "InvalidAddress", code(sqs.delete_queue().queue_url("").send().await)),
        (
            "a reserved tag",
            parameter,
            code(sqs.tag_queue().queue_url(url("made")).tags("aws:x", "").send().await),
        ),
        ("a FIFO queue without its suffix", parameter, create(&sqs, "g", &[("FifoQueue", "true")]).await),
    ]);
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_deleted_queue_is_held_for_a_minute() {
    let sqs = client(&Emulator::in_memory());
    assert_eq!(create(&sqs, "q", &[]).await, "ok");
    sqs.delete_queue().queue_url(url("q")).send().await.unwrap();
    let held = "AWS.SimpleQueueService.QueueDeletedRecently";
    assert_eq!(create(&sqs, "q", &[]).await, held);
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(create(&sqs, "q", &[]).await, held);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(create(&sqs, "q", &[]).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn messages_are_checked_and_counted() {
    let emulator = Emulator::in_memory();
    let sqs = client(&emulator);
    assert_eq!(create(&sqs, "q", &[("MessageRetentionPeriod", "60")]).await, "ok");
    assert_eq!(create(&sqs, "locked", &[("KmsMasterKeyId", "alias/none")]).await, "ok");
    assert_eq!(create(&sqs, "f.fifo", &[("FifoQueue", "true")]).await, "ok");
    let sent = sqs.send_message().queue_url(url("q")).message_body("hello").send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    let late = sqs.send_message().queue_url(url("q")).message_body("later").delay_seconds(10);
    late.send().await.unwrap();
    let counts = async || {
        let found = attributes(&sqs, "q").await;
        let now = found[&Name::ApproximateNumberOfMessages].clone();
        (now, found[&Name::ApproximateNumberOfMessagesDelayed].clone())
    };
    assert_eq!(counts().await, ("1".to_owned(), "1".to_owned()));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(counts().await, ("2".to_owned(), "0".to_owned()));
    tokio::time::advance(Duration::from_secs(50)).await;
    assert_eq!(counts().await, ("0".to_owned(), "0".to_owned()));

    let send = async |name: &str, body: &str| {
        code(sqs.send_message().queue_url(url(name)).message_body(body).send().await)
    };
    let slow = sqs.send_message().queue_url(url("q")).message_body("m").delay_seconds(901);
    check([
        ("a control character", "InvalidMessageContents", send("q", "\u{1}").await),
        ("more than 1 MiB", "InvalidParameterValue", send("q", &"x".repeat(1_048_577)).await),
        ("a delay of 901 seconds", "InvalidParameterValue", code(slow.send().await)),
        ("a FIFO queue without a group", "MissingParameter", send("f.fifo", "m").await),
        ("a key that is not there", "KMS.NotFoundException", send("locked", "m").await),
        ("a queue that is not there", "AWS.SimpleQueueService.NonExistentQueue", send("none", "m").await),
    ]);
}

#[tokio::test]
async fn topics_and_queues_are_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    {
        let emulator = Emulator::open(directory.path()).unwrap();
        assert_eq!(create(&client(&emulator), "q", &[("DelaySeconds", "5")]).await, "ok");
        let sns = aws_sdk_sns::Client::new(&config(&emulator, REGION));
        let topic = sns.create_topic().name("t").send().await.unwrap().topic_arn.unwrap();
        sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn("q")).send().await.unwrap();
    }
    let emulator = Emulator::open(directory.path()).unwrap();
    assert_eq!(attributes(&client(&emulator), "q").await[&Name::DelaySeconds], "5");
    let sns = aws_sdk_sns::Client::new(&config(&emulator, REGION));
    let listed = sns.list_subscriptions().send().await.unwrap();
    assert_eq!(listed.subscriptions()[0].endpoint(), Some(arn("q").as_str()));
}
