//! The listener's security policy: one that AWS does not have is refused in the plan, and AWS is asked only where that matters.

use alb::Args;
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::{Component, ComponentError, EngineError, PlanError};

use crate::support::{tier, with_certificate, world, world_on};

fn with(policy: &str) -> Args {
    Args { ssl_policy: policy.to_owned(), ..with_certificate() }
}

const UNKNOWN: &str = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2052-09";

#[tokio::test(start_paused = true)]
async fn one_that_aws_does_not_have_is_refused_before_any_call() {
    let (world, inputs) = world().await;
    // The first time, and on a load balancer that is there.
    for made in [false, true] {
        if made {
            world.create(&tier(with_certificate()), &inputs).await;
        }
        world.mutations();
        let error = tier(with(UNKNOWN)).create(&world.engine, &inputs).await.unwrap_err();
        assert_eq!(world.mutations(), [""; 0], "{made}");
        let ComponentError::Engine(EngineError::Plan(PlanError::Refused { address, reason, hint })) = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(address.as_str(), "alb/https-listener");
        assert_eq!(
            reason,
            format!("Elastic Load Balancing has no security policy `{UNKNOWN}` in ap-southeast-1")
        );
        assert!(hint.contains("did you mean ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09?"), "{hint}");
    }
    world.create(&tier(with("ELBSecurityPolicy-TLS13-1-3-2021-06")), &inputs).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_ask_is_not_refused() {
    let denied = Fault::Error { code: "AccessDenied".to_owned(), status: 403 };
    let operation = || Counted::Operation("DescribeSSLPolicies".to_owned());
    let plan = FaultPlan::default().with(operation(), When::Call(1), denied);
    let (world, inputs) = world_on(Emulator::builder().faults(plan).in_memory()).await;
    world.create(&tier(with_certificate()), &inputs).await;
    world.assert_settled(&tier(with_certificate()), &inputs).await;
}
