//! Calls that AWS refuses for a while: in the end there is one of everything, and nothing after the deletion.

use apigw::Args;
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::Component;

use crate::support::{deployments, left, private, tier, world_on};

fn changed() -> apigw::Tier {
    tier(Args { backend_path: "/v1".to_owned(), monthly_quota: 5, ..Args::default() })
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_waited_out() {
    for operation in [
        "CreateRestApi",
        "CreateResource",
        "PutMethod",
        "PutIntegration",
        "CreateDeployment",
        "CreateUsagePlan",
        "CreateApiKey",
        "CreateVpcLink",
        "UpdateStage",
        "DeleteMethod",
        "DeleteStage",
        "DeleteVpcLink",
        "DeleteRestApi",
    ] {
        comes_and_goes(operation, Fault::Throttle).await;
    }
}

async fn comes_and_goes(operation: &str, fault: Fault) {
    let what = format!("{operation}, {fault:?}");
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), When::Call(1), fault);
    let (world, inputs) = world_on(Emulator::builder().faults(plan).in_memory()).await;
    let inputs = private(inputs);
    let before = world.left().await;
    let outputs = world.create(&tier(Args::default()), &inputs).await;
    world.create(&changed(), &inputs).await;
    assert_eq!(deployments(&world, &outputs).await.len(), 1, "{what}");
    world.assert_settled(&changed(), &inputs).await;
    changed().delete(&world.engine, &inputs).await.unwrap_or_else(|error| panic!("{what}: {error:#?}"));
    assert_eq!(left(&world).await, before, "{what}");
    world.assert_nothing_recorded().await;
}
