//! What a program that deploys more than this stack can judge.

use aws::Tags;
use aws::resources::Queue;
use engine::{Reading, Resolved, Scope};
use serde_json::json;
use verify::http::Endpoints;
use verify::{Check, Finding, Outcome, Property, Resource, Subject, Verdict, verify, verify_with};

use crate::world::{World, failures, findings, outcome, reason};

/// A tier of somebody's own.
fn ledger() -> Scope {
    let mut scope = Scope::new();
    let queue = Queue {
        queue_name: "payment-ledger-dev".into(),
        message_retention_period: 1_209_600,
        visibility_timeout: None,
        redrive_policy: None,
        sqs_managed_sse_enabled: true,
        policy: None,
        tags: Tags::new().with("Name", "payment-ledger-dev"),
    };
    scope.within("ledger", |scope| scope.add("queue", queue)).unwrap();
    scope
}

#[tokio::test]
async fn a_tier_more_that_is_declared_is_missed_like_the_others() {
    let world = World::deployed("dev").await;
    let seven = world.subject().await;
    assert_eq!(seven.tiers.len(), 7, "{:?}", seven.tiers);
    assert_eq!(outcome(&verify(&seven), "completeness/tiers"), &Outcome::Passed);

    let eight = world.subject_beside(&ledger()).await;
    assert_eq!(failures(&eight), ["completeness/tiers", "completeness/declared"]);
    let checks = verify(&eight);
    let tiers = checks.iter().find(|check| check.id == "completeness/tiers").unwrap();
    assert_eq!(tiers.verifies, "every declared tier is deployed");
    assert_eq!(
        findings(&checks, "completeness/tiers"),
        ["ledger: expected a tier with resources; found nothing"]
    );
}

fn of_queues(subject: &Subject) -> Vec<Check> {
    let kept = Property::new("MessageRetentionPeriod");
    let queues = subject.every::<Queue<Resolved>>("no queue is deployed", |queue| {
        queue.must_be(&kept, &queue.live.message_retention_period, &60)
    });
    let outputs = match subject.output("ledgerUrl") {
        Some(_) => Verdict::Judged(Vec::new()),
        None => Verdict::Judged(vec![Finding::new("ledgerUrl", "a URL", "there is no such output")]),
    };
    vec![
        queues.of("ledger/queues", "every queue keeps messages for a minute", "`stack up`"),
        outputs.of("ledger/outputs", "the ledger has a URL", "`stack up`"),
    ]
}

fn of_nothing(_: &Subject) -> Vec<Check> {
    vec![Verdict::skipped("there is nothing").of("nothing/nothing", "nothing is wrong", "nothing")]
}

#[tokio::test]
async fn further_checks_come_after_the_own_ones_and_look_at_the_same() {
    let subject = World::deployed("dev").await.subject().await;
    let (own, all) = (verify(&subject), verify_with(&subject, &[of_queues, of_nothing]));
    assert_eq!(all[..own.len()], own);
    let further: Vec<&str> = all[own.len()..].iter().map(|check| check.id).collect();
    assert_eq!(further, ["ledger/queues", "ledger/outputs", "nothing/nothing"]);
    let said = findings(&all, "ledger/queues");
    assert_eq!(said, ["backup/dead-letter-queue: expected MessageRetentionPeriod: 60; found 1209600"]);
    assert_eq!(reason(&all, "nothing/nothing"), "there is nothing");
}

#[tokio::test]
#[should_panic(expected = "two checks have the id ledger/queues")]
async fn a_check_of_an_id_that_is_taken_is_a_mistake() {
    let subject = World::deployed("dev").await.subject().await;
    let _ = verify_with(&subject, &[of_queues, of_queues]);
}

/// What a program has besides, perhaps under a name that comes first, is not what answers for the payment stack.
#[tokio::test]
async fn a_service_of_somebody_else_is_not_the_application() {
    let world = World::deployed("dev").await;
    let (mut subject, live) = (world.subject().await, Ok(world.live_api().await));
    let own = subject.resources.iter().find(|resource| resource.address == "ecs/service").unwrap();
    let Reading::Found(mut properties) = own.live.clone() else { panic!("the service is not seen") };
    properties["DesiredCount"] = json!(3);
    let other = Resource {
        address: "a-worker/service".to_owned(),
        live: Reading::Found(properties.clone()),
        recorded: properties,
        ..own.clone()
    };
    subject.resources.insert(0, other);
    assert!(Endpoints::of(&subject, &live).no_application.unwrap().contains("no task is to run"));
}

#[test]
fn two_verdicts_of_one_check_are_skipped_only_together() {
    let finding = |place: &str| Finding::new(place, "a", "b");
    let judged = |place: &str| Verdict::Judged(vec![finding(place)]);
    let skipped = || Verdict::skipped("none");
    assert_eq!(judged("x").and(judged("y")), Verdict::Judged(vec![finding("x"), finding("y")]));
    assert_eq!(judged("x").and(skipped()), judged("x"));
    assert_eq!(skipped().and(judged("x")), judged("x"));
    assert_eq!(skipped().and(Verdict::skipped("another")), skipped());
}
