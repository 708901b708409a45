//! Calls whose answers are lost: no revision and no deployment is made twice.

use emulator::{Counted, Emulator, Fault, FaultPlan, Moment, When};
use engine::Component;

use crate::support::{tier, with_image};
use crate::world::{PUBLIC, deployments, on, revisions};

#[tokio::test(start_paused = true)]
async fn whatever_answer_is_lost_there_is_one_revision_and_one_deployment() {
    for operation in ["RegisterTaskDefinition", "CreateService"] {
        lose(operation).await;
    }
}

async fn lose(operation: &str) {
    let lost = Fault::TimeOut(Moment::AfterEffect);
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), When::Call(1), lost);
    let (world, inputs) = on(Emulator::builder().faults(plan).in_memory()).await;
    let before = world.left().await;
    let tier = tier(with_image(PUBLIC));
    world.create(&tier, &inputs).await;
    assert_eq!(revisions(&world).await.len(), 1, "{operation}");
    assert_eq!(deployments(&world).await.len(), 1, "{operation}");
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap();
    assert_eq!(world.left().await, before, "{operation}");
}
