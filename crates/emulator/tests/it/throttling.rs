//! Throttling: how many calls pass at once, how fast more may follow, and what the others are told.

use std::time::Duration;

use emulator::{Emulator, Outcome};

use crate::support::{Cloud, code, config, filter};

fn cloud() -> Cloud {
    Cloud::of(Emulator::builder().throttling(true).in_memory())
}

/// Sends calls until one is refused, and says how many passed and the code of the first that did not.
async fn until_refused(mut send: impl AsyncFnMut() -> String, wanted: &str) -> usize {
    let mut passed = 0;
    while passed < 1000 {
        let code = send().await;
        if code == wanted {
            return passed;
        }
        passed += 1;
    }
    passed
}

#[tokio::test(start_paused = true)]
async fn each_operation_takes_as_many_calls_at_once_and_a_second_as_aws_says() {
    // What a call costs does not depend on whether it succeeds, so most of these ask for what is not there.
    macro_rules! row {
        ($call:expr, $code:literal, at once $size:literal, $more:literal more in $seconds:literal s) => {{
            let cloud = cloud();
            let send = async || {
                let call: fn(&Cloud) -> _ = $call;
                code(call(&cloud).send().await)
            };
            assert_eq!(until_refused(send, $code).await, $size, stringify!($call));
            tokio::time::advance(Duration::from_secs($seconds)).await;
            assert_eq!(until_refused(send, $code).await, $more, stringify!($call));
        }};
    }
    row!(|c| c.ec2.delete_vpc().vpc_id("vpc-1"), "RequestLimitExceeded", at once 50, 10 more in 2 s);
    row!(|c| c.ec2.describe_vpcs(), "RequestLimitExceeded", at once 50, 20 more in 2 s);
    row!(
        |c| c.ec2.describe_vpcs().filters(filter("vpc-id", &["vpc-1"])),
        "RequestLimitExceeded", at once 100, 40 more in 2 s
    );
    row!(|c| c.ec2.describe_vpcs().max_results(5), "RequestLimitExceeded", at once 100, 20 more in 1 s);
    row!(
        |c| c.ec2.create_nat_gateway().subnet_id("subnet-1"),
        "RequestLimitExceeded", at once 10, 3 more in 3 s
    );
    row!(
        |c| c.ec2.delete_nat_gateway().nat_gateway_id("nat-1"),
        "RequestLimitExceeded", at once 10, 3 more in 3 s
    );
    row!(
        |c| c.ec2.create_vpc_endpoint().vpc_id("vpc-1").service_name("s"),
        "RequestLimitExceeded", at once 4, 3 more in 10 s
    );
    row!(
        |c| c.ec2.delete_vpc_endpoints().vpc_endpoint_ids("vpce-1"),
        "RequestLimitExceeded", at once 4, 3 more in 10 s
    );
    row!(
        |c| c.ec2.create_tags().resources("vpc-1").tags(crate::support::tag("a", "b")),
        "RequestLimitExceeded", at once 100, 20 more in 2 s
    );
    row!(|c| c.iam.get_role().role_name("r"), "Throttling", at once 40, 20 more in 2 s);
    row!(|c| c.logs.describe_log_groups(), "ThrottlingException", at once 10, 10 more in 2 s);
    row!(|c| c.sts.get_caller_identity(), "Throttling", at once 600, 600 more in 1 s);
}

#[tokio::test(start_paused = true)]
async fn buckets_are_apart_for_operations_and_regions_and_shared_within_iam() {
    let cloud = cloud();
    let nat = async || code(cloud.ec2.create_nat_gateway().subnet_id("subnet-1").send().await);
    assert_eq!(until_refused(nat, "RequestLimitExceeded").await, 10);
    let delete = cloud.ec2.delete_nat_gateway().nat_gateway_id("nat-1").send().await;
    assert_eq!(code(delete), "NatGatewayNotFound");
    let elsewhere = aws_sdk_ec2::Client::new(&config(&cloud.emulator, "eu-west-1"));
    let nat = elsewhere.create_nat_gateway().subnet_id("subnet-1").send().await;
    assert_ne!(code(nat), "RequestLimitExceeded");

    let get = async || code(cloud.iam.get_role().role_name("r").send().await);
    assert_eq!(until_refused(get, "Throttling").await, 40);
    assert_eq!(code(cloud.iam.delete_role().role_name("r").send().await), "Throttling");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_changes_nothing_costs_nothing_and_is_logged() {
    let cloud = cloud();
    let make = async || code(cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await);
    assert_eq!(until_refused(make, "RequestLimitExceeded").await, 50);
    for _ in 0..20 {
        assert_eq!(make().await, "RequestLimitExceeded");
    }
    assert_eq!(cloud.ec2.describe_vpcs().send().await.unwrap().vpcs().len(), 50);
    let calls = cloud.emulator.calls();
    let refused = Outcome::Error("RequestLimitExceeded".to_owned());
    assert_eq!(calls.iter().filter(|call| call.outcome == refused).count(), 21);
    // Refused calls drew nothing, so the bucket has gained what it gains.
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(until_refused(make, "RequestLimitExceeded").await, 5);
    // A full bucket gains no more.
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(until_refused(make, "RequestLimitExceeded").await, 50);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_throttled_who_did_not_ask_for_it() {
    let cloud = Cloud::in_memory();
    for _ in 0..200 {
        assert_eq!(code(cloud.logs.describe_log_groups().send().await), "ok");
    }
}
