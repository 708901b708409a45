//! What takes time, and what holds meanwhile; how many calls there may be.

use std::time::Duration;

use aws_sdk_apigateway::types::ApiStatus;
use emulator::Emulator;
use tokio::time::Instant;

use super::{Gateway, replace};
use crate::front::{Front, seconds};
use crate::support::code;

/// Asks every second until the answer is the one wanted, and says how many seconds that took.
async fn until(wanted: &str, mut ask: impl AsyncFnMut() -> String) -> u64 {
    let start = Instant::now();
    loop {
        let answer = ask().await;
        if answer == wanted {
            return start.elapsed().as_secs();
        }
        assert!(start.elapsed() < Duration::from_secs(600), "still {answer}, not {wanted}");
        seconds(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_vpc_link_takes_its_time_and_holds_its_subnet() {
    let front = Front::at_aws_pace().await;
    let balancer = front.made_load_balancer("payments").await;
    let gateway = Gateway::of(front.cloud.emulator.clone());
    // The load balancer is not in this one.
    let subnet = &front.subnets[2];
    let link = gateway.link(subnet, &front.group).await;
    assert_eq!(gateway.link_status(&link).await, "PENDING");
    let (api, root) = gateway.rest_api().await;
    gateway.method(&api, &root, "GET").await;
    let private = || gateway.private(&api, &root, "GET", &balancer).connection_id(&link).send();
    assert_eq!(code(private().await), "BadRequestException");
    let took = until("AVAILABLE", async || gateway.link_status(&link).await).await;
    assert!((40..240).contains(&took), "{took}");
    private().await.unwrap();
    gateway.mock(&api, &root, "GET").await;

    gateway.v2.delete_vpc_link().vpc_link_id(&link).send().await.unwrap();
    assert_eq!(gateway.link_status(&link).await, "DELETING");
    let held = gateway.cloud.ec2.delete_subnet().subnet_id(subnet).send().await;
    assert_eq!(code(held), "DependencyViolation");
    let took = until("NotFoundException", async || gateway.link_status(&link).await).await;
    assert!((30..300).contains(&took), "{took}");
    gateway.cloud.ec2.delete_subnet().subnet_id(subnet).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn another_security_policy_takes_a_quarter_of_an_hour() {
    let gateway = Gateway::of(Emulator::builder().latency(1.0).in_memory());
    let (api, _) = gateway.rest_api().await;
    let call = gateway.api.update_rest_api().rest_api_id(&api);
    let call = call.patch_operations(replace("/securityPolicy", "SecurityPolicy_TLS13_1_3_2025_09"));
    let changed = call.patch_operations(replace("/endpointAccessMode", "STRICT")).send().await.unwrap();
    assert_eq!(changed.api_status(), Some(&ApiStatus::Updating));
    seconds(1200).await;
    let later = gateway.api.get_rest_api().rest_api_id(&api).send().await.unwrap();
    assert_eq!(later.api_status(), Some(&ApiStatus::Available));
}

#[tokio::test(start_paused = true)]
async fn calls_are_limited_as_hard_as_aws_does() {
    let gateway = Gateway::of(Emulator::builder().throttling(true).in_memory());
    let create = || gateway.api.create_rest_api().name("a");
    create().send().await.unwrap();
    let refused = create().send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 429);
    assert_eq!(code::<(), _, _>(Err(refused)), "TooManyRequestsException");
    seconds(3).await;
    create().send().await.unwrap();
}
