//! The whole tier through the engine: created, read, deleted.

use std::time::Duration;

use emulator::Emulator;
use engine::{Address, Component, Intent, Resolved, Resource, Search};
use monitoring::resources::Subscription;
use monitoring::{Args, Inputs, Tracing};
use testing::place;

use crate::support::{EMAIL, TOPIC, inputs, sns, tier, with_email, with_tasks, world, world_on};

fn without_tracing() -> Args {
    Args { tracing: Tracing { enabled: false, ..Tracing::default() }, ..Args::default() }
}

#[tokio::test(start_paused = true)]
async fn created_it_reads_back_as_declared_and_there_is_nothing_left_to_do() {
    for (args, inputs) in [
        (with_email(), inputs()),
        (Args::default(), with_tasks(None)),
        (without_tracing(), inputs()),
        (Args::default(), Inputs::new(place())),
    ] {
        let world = world().await;
        let tier = tier(args);
        let outputs = world.create(&tier, &inputs).await;
        assert_eq!(
            outputs.dashboard_url,
            "https://ap-southeast-1.console.aws.amazon.com/cloudwatch/home?region=ap-southeast-1\
             #dashboards:name=payment-dashboard-dev-ap-southeast-1"
        );
        assert_eq!(outputs.alarm_topic_arn.as_str(), TOPIC);
        assert_eq!(outputs.alarm_names.len(), outputs.alarm_arns.len());
        let reading = tier.read(&world.engine, &inputs).await.unwrap();
        assert_eq!(reading.drift, []);
        assert_eq!(reading.outputs, Some(outputs));
        world.assert_settled(&tier, &inputs).await;
    }
}

#[tokio::test(start_paused = true)]
async fn deleted_it_leaves_nothing() {
    let world = world().await;
    let before = world.left().await;
    for args in [with_email(), without_tracing()] {
        world.create(&tier(args.clone()), &inputs()).await;
        tier(args).delete(&world.engine, &inputs()).await.unwrap();
        // A key is only going: KMS keeps it for the days in which it can be saved.
        let mut left = world.left().await;
        left.retain(|(kind, _)| kind != "AWS::KMS::Key");
        assert_eq!(left, before);
        world.assert_nothing_recorded().await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_awss_own_pace_it_comes_and_goes_just_the_same() {
    let world = world_on(Emulator::builder().latency(1.0).throttling(true).in_memory()).await;
    let before = world.left().await;
    let tier = tier(with_email());
    world.create(&tier, &inputs()).await;
    world.assert_settled(&tier, &inputs()).await;
    tier.delete(&world.engine, &inputs()).await.unwrap();
    let mut left = world.left().await;
    left.retain(|(kind, _)| kind != "AWS::KMS::Key");
    assert_eq!(left, before);
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn an_email_is_pending_until_its_owner_confirms_and_that_is_no_drift() {
    let world = world().await;
    let tier = tier(with_email());
    world.create(&tier, &inputs()).await;
    let live = sns(&world).list_subscriptions_by_topic().topic_arn(TOPIC).send().await.unwrap();
    let [subscription] = live.subscriptions() else { panic!("{live:?}") };
    assert_eq!(subscription.endpoint(), Some(EMAIL));
    assert_eq!(subscription.subscription_arn(), Some("PendingConfirmation"));
    assert_eq!(world.drift::<monitoring::Tier>().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_email_that_nobody_confirmed_is_sent_again_once_it_is_forgotten() {
    let world = world().await;
    let tier = tier(with_email());
    world.create(&tier, &inputs()).await;
    tokio::time::sleep(Duration::from_secs(49 * 3600)).await;
    let gone = "monitoring/email-ops-at-example-com: gone";
    assert_eq!(world.drift::<monitoring::Tier>().await, [gone]);
    world.mutations();
    world.create(&tier, &inputs()).await;
    assert_eq!(world.mutations(), ["Subscribe"]);
    world.assert_settled(&tier, &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn a_pending_email_that_is_no_longer_wanted_is_let_go_without_a_wait() {
    let world = world().await;
    world.create(&tier(with_email()), &inputs()).await;
    let fewer = tier(Args { alarm_emails: Vec::new(), ..with_email() });
    let begun = tokio::time::Instant::now();
    world.create(&fewer, &inputs()).await;
    // It cannot be deleted, and nobody waits the two days until it goes.
    assert!(begun.elapsed() < Duration::from_secs(600));
    world.assert_settled(&fewer, &inputs()).await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_was_confirmed_is_deleted() {
    let world = world().await;
    world.create(&tier(Args::default()), &inputs()).await;
    // A queue of the same account needs nobody who confirms.
    let queue = Subscription::<Resolved> {
        topic_arn: TOPIC.into(),
        protocol: "sqs".to_owned(),
        endpoint: "arn:aws:sqs:ap-southeast-1:123456789012:payment-alarms-dev".to_owned(),
        filter_policy: None,
    };
    let intent = Intent { address: Address::new("monitoring/queue").unwrap(), token: "0".repeat(32) };
    let outputs = queue.create(&world.cx, &intent).await.unwrap();
    assert_eq!(queue.find(&world.cx, &Search::made_by(&intent)).await.unwrap().as_ref(), Some(&outputs));
    assert_eq!(queue.read(&world.cx, &outputs).await.unwrap().as_ref(), Some(&queue));
    assert!(!queue.poll_gone(&world.cx, &outputs).await.unwrap());
    // Twice: the second time it is gone.
    for _ in 0..2 {
        queue.delete(&world.cx, &outputs).await.unwrap();
        assert!(queue.poll_gone(&world.cx, &outputs).await.unwrap());
        assert_eq!(queue.read(&world.cx, &outputs).await.unwrap(), None);
    }
}

/// RDS refuses a change while it makes another one.
#[tokio::test(start_paused = true)]
async fn events_that_somebody_turned_off_and_took_a_source_from_are_repaired_one_change_after_the_other() {
    let world = world_on(Emulator::builder().latency(1.0).in_memory()).await;
    let tier = tier(with_email());
    world.create(&tier, &inputs()).await;
    let rds = aws::rds::client(&world.cx);
    let name = "payment-db-instance-events-dev";
    let modify = rds.modify_event_subscription().subscription_name(name).enabled(false);
    modify.event_categories("failure").send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let remove = rds.remove_source_identifier_from_subscription().subscription_name(name);
    remove.source_identifier("payment-aurora-dev-1").send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    world.create(&tier, &inputs()).await;
    world.assert_settled(&tier, &inputs()).await;
}

/// A run can end before it has seen the status `active`, and the topic refuse RDS's events by the time of the next one.
#[tokio::test(start_paused = true)]
async fn events_that_cannot_be_published_are_modified_and_not_waited_for() {
    let world = world_on(Emulator::builder().latency(1.0).in_memory()).await;
    let tier = tier(with_email());
    let made = async {
        while !world.mutations().iter().any(|call| call == "CreateEventSubscription") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let whole = inputs();
    tokio::select! {
        () = made => {}
        outputs = world.create(&tier, &whole) => panic!("it ended: {outputs:?}"),
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let set = sns(&world).set_topic_attributes().topic_arn(TOPIC).attribute_name("KmsMasterKeyId");
    // AWS's own key does not let RDS publish.
    set.attribute_value("alias/aws/sns").send().await.unwrap();
    let begun = tokio::time::Instant::now();
    world.create(&tier, &whole).await;
    assert!(begun.elapsed() < Duration::from_secs(600), "{:?}", begun.elapsed());
    world.assert_settled(&tier, &inputs()).await;
}
