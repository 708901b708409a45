//! Calls that AWS refuses for a while: in the end there is one of everything, and nothing after the deletion.

use std::sync::OnceLock;

use alb::Args;
use async_trait::async_trait;
use emulator::{Call, Counted, Emulator, Fault, FaultPlan, Layer, Next, Refusal, Reply, When};
use engine::Component;
use tokio::time::Instant;

use crate::support::{elb, tier, with_certificate, world_on};

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

/// Answers calls of one operation with an error for a while, in virtual time, after the first of them.
struct For {
    operation: &'static str,
    code: &'static str,
    seconds: u64,
    begun: OnceLock<Instant>,
}

impl For {
    fn seconds(seconds: u64, operation: &'static str, code: &'static str) -> Self {
        Self { operation, code, seconds, begun: OnceLock::new() }
    }
}

#[async_trait]
impl Layer for For {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        if call.operation == self.operation {
            let begun = self.begun.get_or_init(Instant::now);
            if begun.elapsed().as_secs() < self.seconds {
                return Ok(call.refuse(Refusal::new(self.code, "Not yet.")));
            }
        }
        next.run(call).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_everywhere_yet_is_waited_for_as_long_as_aws_may_take() {
    for late in [
        For::seconds(720, "AssociateWebACL", "WAFUnavailableEntityException"),
        For::seconds(60, "PutLoggingConfiguration", "WAFLogDestinationPermissionIssueException"),
        For::seconds(60, "PutLoggingConfiguration", "WAFServiceLinkedRoleErrorException"),
        For::seconds(60, "CreateWebACL", "WAFTagOperationException"),
        For::seconds(90, "PutBucketVersioning", "NoSuchBucket"),
    ] {
        let (world, inputs) = world_on(Emulator::builder().layer(late).in_memory()).await;
        let tier = tier(Args::default());
        world.create(&tier, &inputs).await;
        world.assert_settled(&tier, &inputs).await;
    }
}

/// A partition in which load balancers cannot shift away from a zone.
struct WithoutZonalShift;

#[async_trait]
impl Layer for WithoutZonalShift {
    async fn handle(&self, call: &Call, next: Next<'_>) -> Reply {
        const KEY: &str = "zonal_shift.config.enabled";
        if call.operation == "ModifyLoadBalancerAttributes" && call.parameters.to_string().contains(KEY) {
            let message = "Load balancer attribute key is not recognized";
            return Ok(call.refuse(Refusal::new("InvalidConfigurationRequest", message)));
        }
        let mut reply = next.run(call).await?;
        if call.operation.ends_with("LoadBalancerAttributes") {
            let text = String::from_utf8(reply.body).unwrap();
            let members = text.split_inclusive("</member>").filter(|member| !member.contains(KEY));
            reply.body = members.collect::<String>().into_bytes();
            reply.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        }
        Ok(reply)
    }
}

#[tokio::test(start_paused = true)]
async fn an_attribute_that_a_partition_does_not_have_keeps_no_other_one_from_being_set() {
    let (world, inputs) = world_on(Emulator::builder().layer(WithoutZonalShift).in_memory()).await;
    let tier = tier(Args::default());
    let outputs = world.create(&tier, &inputs).await;
    world.assert_settled(&tier, &inputs).await;
    assert_eq!(world.drift::<alb::Tier>().await, [""; 0]);
    let describe = elb(&world).describe_load_balancer_attributes();
    let live = describe.load_balancer_arn(outputs.alb_arn.as_str()).send().await.unwrap();
    let logs = live.attributes().iter().find(|one| one.key() == Some("access_logs.s3.enabled")).unwrap();
    assert_eq!(logs.value(), Some("true"));
}
