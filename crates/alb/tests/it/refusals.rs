//! Calls that AWS refuses for a while: in the end there is one of everything, and nothing after the deletion.

use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::Component;

use crate::support::{tier, with_certificate, world_on};

async fn comes_and_goes(operation: &str, fault: Fault) {
    let what = format!("{operation}, {fault:?}");
    let plan = FaultPlan::default().with(Counted::Operation(operation.to_owned()), When::Call(1), fault);
    let (world, inputs) = world_on(Emulator::builder().faults(plan).in_memory()).await;
    let before = world.left().await;
    let tier = tier(with_certificate());
    world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    tier.delete(&world.engine, &inputs).await.unwrap_or_else(|error| panic!("{what}: {error:#?}"));
    assert_eq!(world.left().await, before, "{what}");
    world.assert_nothing_recorded().await;
}

#[tokio::test(start_paused = true)]
async fn a_throttle_or_a_change_that_another_one_overtook_is_waited_out() {
    let overtaken = Fault::Error { code: "WAFOptimisticLockException".to_owned(), status: 400 };
    let unavailable = Fault::Error { code: "WAFUnavailableEntityException".to_owned(), status: 400 };
    for (operation, fault) in [
        ("CreateLoadBalancer", Fault::Throttle),
        ("CreateBucket", Fault::Throttle),
        ("CreateWebACL", Fault::Throttle),
        ("DeleteWebACL", overtaken),
        ("AssociateWebACL", unavailable),
    ] {
        comes_and_goes(operation, fault).await;
    }
}
