//! What runs: its images may be gone from their repositories, and the state may know nothing of it.

use std::sync::Arc;

use aws_sdk_ecr::types::ImageIdentifier;
use ecs::{Args, Tier};
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::{Component, Selector};
use testing::{World, declare};

use crate::support::{tier, with_image};
use crate::world::{PUBLIC, deployments, on, push, revisions, service, world};

const REPOSITORY: &str = "payment-app-dev";

fn ecr(world: &World) -> aws_sdk_ecr::Client {
    world.cx.client(aws_sdk_ecr::Client::new)
}

/// The digest of an image of the repository.
async fn digest(world: &World, tag: &str) -> String {
    let id = ImageIdentifier::builder().image_tag(tag).build();
    let found = ecr(world).describe_images().repository_name(REPOSITORY).image_ids(id).send().await.unwrap();
    found.image_details()[0].image_digest().unwrap().to_owned()
}

async fn delete(world: &World, id: ImageIdentifier) {
    ecr(world).batch_delete_image().repository_name(REPOSITORY).image_ids(id).send().await.unwrap();
}

/// What is remarked about the service.
async fn remarks(world: &World) -> Vec<String> {
    let remarks = world.engine.look(&Selector::all()).await.unwrap().remarks();
    let of_service = remarks.into_iter().filter(|remark| remark.address.as_str() == "ecs/service");
    of_service.map(|remark| remark.accepted.because).collect()
}

/// With an image of the tier's own repository running.
async fn running(emulator: Emulator) -> (World, ecs::Inputs) {
    let (world, inputs) = on(emulator).await;
    world.create(&tier(Args::default()), &inputs).await;
    push(&world, "v1").await;
    world.create(&tier(with_image(":v1")), &inputs).await;
    (world, inputs)
}

#[tokio::test(start_paused = true)]
async fn an_image_that_runs_and_was_deleted_is_said_until_it_is_pushed_again() {
    let (world, inputs) = running(Emulator::in_memory()).await;
    let tier = tier(with_image(":v1"));
    let digest = digest(&world, "v1").await;
    assert_eq!(remarks(&world).await, [""; 0]);
    delete(&world, ImageIdentifier::builder().image_digest(&digest).build()).await;

    let said = remarks(&world).await;
    let [one] = &said[..] else { panic!("{said:?}") };
    let name = format!("123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/{REPOSITORY}@{digest}");
    assert!(one.starts_with(&format!("runs {name}, which is not in its repository any more")), "{one}");
    assert!(one.contains("Push the same image again") && one.contains("`ecs.image`"), "{one}");
    // Nothing that a run could change.
    assert_eq!(world.drift::<Tier>().await, [""; 0]);
    let plan = world.plan(&tier, &inputs).await;
    assert_eq!(plan.step("ecs/service").unwrap().accepted()[0].because, *one);
    world.assert_settled(&tier, &inputs).await;

    push(&world, "v1").await;
    assert_eq!(remarks(&world).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_only_lost_its_tag_can_be_pulled_by_its_digest() {
    let (world, _) = running(Emulator::in_memory()).await;
    let image = ImageIdentifier::builder().image_digest(digest(&world, "v1").await).build();
    let found = ecr(&world).batch_get_image().repository_name(REPOSITORY).image_ids(image).send().await;
    let manifest = found.unwrap().images()[0].image_manifest().unwrap().to_owned();
    let put = ecr(&world).put_image().repository_name(REPOSITORY).image_manifest(manifest);
    put.image_tag("kept").send().await.unwrap();
    delete(&world, ImageIdentifier::builder().image_tag("v1").build()).await;
    assert_eq!(remarks(&world).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_looked_at_is_not_taken_to_be_there() {
    let (world, inputs) = running(Emulator::in_memory()).await;
    let denied = Fault::Error { code: "AccessDeniedException".to_owned(), status: 400 };
    let looks = Counted::Operation("DescribeImages".to_owned());
    let plan = FaultPlan::default().with(looks, When::Share(1.0), denied);
    let emulator = Emulator::builder().faults(plan).going_on(&world.emulator.snapshot().unwrap());
    let other = World::on(emulator, ecs::kinds);
    other.create(&tier(with_image(":v1")), &inputs).await;
    let said = remarks(&other).await;
    let [one] = &said[..] else { panic!("{said:?}") };
    assert!(one.contains("is not known, because this identity may not call ecr:DescribeImages"), "{one}");
}

#[tokio::test(start_paused = true)]
async fn with_its_state_lost_a_run_without_an_image_stops_nothing() {
    let (world, inputs) = running(Emulator::in_memory()).await;
    let digest = digest(&world, "v1").await;
    world.mutations();
    let lost = world.that_lost_its_state(ecs::kinds);
    let refused = tier(Args::default()).create(&lost.engine, &inputs).await.unwrap_err().to_string();
    let image = format!("123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/{REPOSITORY}:v1 ({digest})");
    assert!(
        refused.contains("ecs/service: payment-service-dev runs already, with 2 tasks of ")
            && refused.contains(&image)
            && refused.contains("would stop all of them"),
        "{refused}"
    );
    assert_eq!(world.mutations(), [""; 0]);
    assert_eq!(service(&world).await.desired_count(), 2);

    // As the hint says: nothing is deployed again.
    let same = tier(with_image(":v1"));
    lost.create(&same, &inputs).await;
    lost.assert_settled(&same, &inputs).await;
    assert_eq!(service(&lost).await.desired_count(), 2);
    assert_eq!(revisions(&lost).await.len(), 1);
    assert_eq!(deployments(&lost).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_made_since_the_plan_is_not_stopped_either() {
    let (world, inputs) = world().await;
    let bare = tier(Args::default());
    let other = world.that_lost_its_state(ecs::kinds);
    let (graph, _) = declare(&bare, &inputs).unwrap();
    let session = other.engine.open().await.unwrap();
    let plan = session.plan(Arc::new(graph), &Selector::all()).await.unwrap();
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let report = session.apply(&plan).await.unwrap();
    let said = format!("{report:?}");
    assert!(said.contains("would stop all of them") && said.contains("ecs.image"), "{said}");
    assert_eq!(service(&world).await.desired_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_stops_all_tasks_says_so() {
    let (world, inputs) = world().await;
    world.create(&tier(with_image(PUBLIC)), &inputs).await;
    let warnings = async |args: Args| {
        let plan = world.plan(&tier(args), &inputs).await;
        plan.step("ecs/service").unwrap().warnings().to_vec()
    };
    assert_eq!(warnings(with_image(PUBLIC)).await, [""; 0]);
    let said = warnings(Args::default()).await;
    assert_eq!(said, ["all of its tasks are stopped, because `ecs.image` is not set"]);
    world.create(&tier(Args::default()), &inputs).await;
    assert_eq!(service(&world).await.desired_count(), 0);
    assert_eq!(warnings(Args::default()).await, [""; 0]);
}
