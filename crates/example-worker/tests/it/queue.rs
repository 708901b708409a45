//! The tier alone: what becomes of the queue where its arguments change, or somebody else changes it.

use aws_sdk_sqs::types::QueueAttributeName as Name;
use engine::{Action, Component as _};
use stack::{Shared, Tier as _};
use testing::World;
use worker::{Args, Inputs, Tier};

fn tier(args: Args) -> Tier {
    Tier::in_environment(args, &Shared::new("dev"))
}

/// Without an image, so that nothing of the network is needed.
fn inputs() -> Inputs {
    Inputs {
        place: testing::place(),
        vpc_id: aws::VpcId::from("vpc-0a1b2c3d4e5f60718").into(),
        private_subnet_ids: vec![aws::SubnetId::from("subnet-0a1b2c3d4e5f60718").into()],
        cluster_arn: ecs::ClusterArn::from("arn:aws:ecs:ap-southeast-1:123456789012:cluster/c").into(),
        repository_name: ecs::RepositoryName::from("payment-app-dev").into(),
        architecture: ecs::Architecture::X8664,
        ready: Vec::new(),
    }
}

async fn attribute(world: &World, url: &str, name: Name) -> Option<String> {
    let sqs = aws_sdk_sqs::Client::new(&testing::config(&world.emulator));
    let request = sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone());
    request.send().await.unwrap().attributes.unwrap_or_default().remove(&name)
}

#[tokio::test(start_paused = true)]
async fn attempts_and_time_of_a_message_change_in_place() {
    let world = World::new(Tier::register);
    let outputs = world.create(&tier(Args::default()), &inputs()).await;
    let url = outputs.worker_queue_url.as_str();
    let policy = |count: u32| {
        let arn = "arn:aws:sqs:ap-southeast-1:123456789012:payment-worker-dead-letters-dev";
        format!("{{\"deadLetterTargetArn\":\"{arn}\",\"maxReceiveCount\":{count}}}")
    };
    assert_eq!(attribute(&world, url, Name::RedrivePolicy).await, Some(policy(5)));
    assert_eq!(attribute(&world, url, Name::VisibilityTimeout).await.as_deref(), Some("60"));
    world.assert_settled(&tier(Args::default()), &inputs()).await;

    let changed = tier(Args { attempts: 2, seconds_per_message: 90, ..Args::default() });
    let updated = world.planned(&changed, &inputs(), |action| matches!(action, Action::Update)).await;
    assert_eq!(updated, ["worker/queue"]);
    world.create(&changed, &inputs()).await;
    assert_eq!(attribute(&world, url, Name::RedrivePolicy).await, Some(policy(2)));
    assert_eq!(attribute(&world, url, Name::VisibilityTimeout).await.as_deref(), Some("90"));
    world.assert_settled(&changed, &inputs()).await;

    changed.delete(&world.engine, &inputs()).await.unwrap();
    world.assert_nothing_recorded().await;
    assert_eq!(world.left().await, []);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changes_is_seen_and_set_back() {
    let world = World::new(Tier::register);
    let tier = tier(Args::default());
    let outputs = world.create(&tier, &inputs()).await;
    let sqs = aws_sdk_sqs::Client::new(&testing::config(&world.emulator));
    let url = outputs.worker_queue_url.as_str();
    // The same policy in other words is no difference.
    let same = format!(
        "{{ \"maxReceiveCount\": \"5\", \"deadLetterTargetArn\": \"{}\" }}",
        outputs.worker_dead_letter_queue_arn
    );
    let request = sqs.set_queue_attributes().queue_url(url).attributes(Name::RedrivePolicy, same);
    request.send().await.unwrap();
    assert_eq!(world.drift::<Tier>().await, Vec::<String>::new());

    let request = sqs.set_queue_attributes().queue_url(url).attributes(Name::RedrivePolicy, "");
    request.attributes(Name::VisibilityTimeout, "5").send().await.unwrap();
    let mut drift = world.drift::<Tier>().await;
    drift.sort();
    assert_eq!(drift, ["worker/queue: RedrivePolicy", "worker/queue: VisibilityTimeout"]);
    world.create(&tier, &inputs()).await;
    assert_eq!(world.drift::<Tier>().await, Vec::<String>::new());
    assert_eq!(attribute(&world, url, Name::VisibilityTimeout).await.as_deref(), Some("60"));
}
