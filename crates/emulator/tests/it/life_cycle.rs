//! What takes time, at AWS's own pace in virtual time, and what holds meanwhile.

use std::time::Duration;

use aws_sdk_ec2::types::{FlowLogsResourceType, TrafficType};
use emulator::Emulator;
use tokio::time::Instant;

use crate::support::{Cloud, REGION, WRITE, code, tag};

fn at_aws_pace() -> Cloud {
    Cloud::of(Emulator::builder().latency(1.0).in_memory())
}

async fn seconds(count: f64) {
    tokio::time::sleep(Duration::from_secs_f64(count)).await;
}

/// Longer than any new object stays unseen.
async fn until_seen() {
    seconds(2.1).await;
}

/// Asks every quarter of a second until the answer is the one wanted, and says how many seconds that took.
async fn until(wanted: &str, mut ask: impl AsyncFnMut() -> String) -> f64 {
    let start = Instant::now();
    loop {
        let answer = ask().await;
        if answer == wanted {
            return start.elapsed().as_secs_f64();
        }
        assert!(start.elapsed() < Duration::from_secs(600), "still {answer}, not {wanted}");
        seconds(0.25).await;
    }
}

async fn nat_state(cloud: &Cloud, id: &str) -> String {
    match cloud.ec2.describe_nat_gateways().nat_gateway_ids(id).send().await {
        Ok(found) => found.nat_gateways()[0].state().unwrap().as_str().to_owned(),
        Err(error) => code::<(), _, _>(Err(error)),
    }
}

async fn endpoint_state(cloud: &Cloud, id: &str) -> String {
    match cloud.ec2.describe_vpc_endpoints().vpc_endpoint_ids(id).send().await {
        Ok(found) => found.vpc_endpoints()[0].state().unwrap().as_str().to_lowercase(),
        Err(error) => code::<(), _, _>(Err(error)),
    }
}

async fn vpc_state(cloud: &Cloud, id: &str) -> String {
    match cloud.ec2.describe_vpcs().vpc_ids(id).send().await {
        Ok(found) => found.vpcs()[0].state().unwrap().as_str().to_owned(),
        Err(error) => code::<(), _, _>(Err(error)),
    }
}

async fn subnet_state(cloud: &Cloud, id: &str) -> String {
    match cloud.ec2.describe_subnets().subnet_ids(id).send().await {
        Ok(found) => found.subnets()[0].state().unwrap().as_str().to_owned(),
        Err(error) => code::<(), _, _>(Err(error)),
    }
}

/// A VPC, its internet gateway, a subnet and an address, all of them seen.
async fn network(cloud: &Cloud) -> (String, String, String, String) {
    network_at(cloud, 1.0).await
}

/// The same at another pace.
async fn network_at(cloud: &Cloud, scale: f64) -> (String, String, String, String) {
    let vpc = cloud.vpc().await;
    seconds(2.1 * scale).await;
    let gateway = cloud.ec2.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let address = cloud.address().await;
    seconds(2.1 * scale).await;
    let attach = cloud.ec2.attach_internet_gateway();
    attach.internet_gateway_id(&gateway).vpc_id(&vpc).send().await.unwrap();
    (vpc, gateway, subnet, address)
}

#[tokio::test(start_paused = true)]
async fn each_kind_with_states_takes_its_time_through_them() {
    let cloud = at_aws_pace();
    let made = cloud.ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap().vpc.unwrap();
    assert_eq!(made.state().unwrap().as_str(), "pending");
    let vpc = made.vpc_id.unwrap();
    let took = until("available", async || vpc_state(&cloud, &vpc).await).await;
    assert!((1.0..=1.5).contains(&took), "VPC: {took} s");

    let made = cloud.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/24").send().await.unwrap();
    assert_eq!(made.subnet().unwrap().state().unwrap().as_str(), "pending");
    let subnet = made.subnet.unwrap().subnet_id.unwrap();
    let took = until("available", async || subnet_state(&cloud, &subnet).await).await;
    assert!((1.0..=2.25).contains(&took), "subnet: {took} s");

    let table = cloud.table(&vpc).await;
    until_seen().await;
    let endpoint = cloud.endpoint(&vpc, &table).await;
    let took = until("available", async || endpoint_state(&cloud, &endpoint).await).await;
    assert!((7.0..=9.25).contains(&took), "endpoint: {took} s");
    cloud.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&endpoint).send().await.unwrap();
    assert_eq!(endpoint_state(&cloud, &endpoint).await, "deleting");
    let gone = "InvalidVpcEndpointId.NotFound";
    let took = until(gone, async || endpoint_state(&cloud, &endpoint).await).await;
    assert!((5.0..=15.25).contains(&took), "endpoint delete: {took} s");
}

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_holds_what_it_uses_until_it_is_gone() {
    let cloud = at_aws_pace();
    let ec2 = &cloud.ec2;
    let (vpc, gateway, subnet, address) = network(&cloud).await;
    let made = ec2.create_nat_gateway().subnet_id(&subnet).allocation_id(&address).send().await;
    let made = made.unwrap().nat_gateway.unwrap();
    assert_eq!(made.state().unwrap().as_str(), "pending");
    let nat = made.nat_gateway_id.unwrap();
    let release = || ec2.release_address().allocation_id(&address).send();
    let delete_subnet = || ec2.delete_subnet().subnet_id(&subnet).send();
    let detach = || ec2.detach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc).send();
    let refused = async || {
        let codes = [code(release().await), code(delete_subnet().await), code(detach().await)];
        assert_eq!(codes, ["InvalidIPAddress.InUse", "DependencyViolation", "DependencyViolation"]);
    };
    refused().await;
    let took = until("available", async || nat_state(&cloud, &nat).await).await;
    assert!((85.0..=125.25).contains(&took), "create: {took} s");

    ec2.delete_nat_gateway().nat_gateway_id(&nat).send().await.unwrap();
    assert_eq!(nat_state(&cloud, &nat).await, "deleting");
    seconds(30.0).await;
    assert_eq!(nat_state(&cloud, &nat).await, "deleting");
    refused().await;
    let kinds: Vec<String> = cloud.left_behind().await.into_iter().map(|(kind, _)| kind).collect();
    assert!(kinds.contains(&"AWS::EC2::NatGateway".to_owned()), "{kinds:?}");
    // Deleting again is the same deletion.
    ec2.delete_nat_gateway().nat_gateway_id(&nat).send().await.unwrap();
    let took = until("deleted", async || nat_state(&cloud, &nat).await).await;
    assert!((37.0 - 30.0..=75.25 - 30.0).contains(&took), "delete: {took} s more");
    let codes = [code(release().await), code(delete_subnet().await), code(detach().await)];
    assert_eq!(codes, ["ok", "ok", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_nat_gateway_shows_after_a_while() {
    let cloud = at_aws_pace();
    let (_, _, subnet, address) = network(&cloud).await;
    let first = cloud.nat(&subnet, &address).await;
    let second = cloud.nat(&subnet, &address).await;
    until_seen().await;
    assert_eq!(nat_state(&cloud, &second).await, "pending");
    until("failed", async || nat_state(&cloud, &second).await).await;
    let found = cloud.ec2.describe_nat_gateways().nat_gateway_ids(&second).send().await.unwrap();
    assert_eq!(found.nat_gateways()[0].failure_code(), Some("Resource.AlreadyAssociated"));
    until("available", async || nat_state(&cloud, &first).await).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_deleting_holds_its_vpc() {
    let cloud = at_aws_pace();
    let vpc = cloud.vpc().await;
    until_seen().await;
    let endpoint =
        cloud.ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(format!("com.amazonaws.{REGION}.s3"));
    let endpoint = endpoint.send().await.unwrap().vpc_endpoint.unwrap().vpc_endpoint_id.unwrap();
    seconds(10.0).await;
    cloud.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&endpoint).send().await.unwrap();
    let delete = || cloud.ec2.delete_vpc().vpc_id(&vpc).send();
    assert_eq!(code(delete().await), "DependencyViolation");
    seconds(20.0).await;
    assert_eq!(code(delete().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_new_object_is_not_found_for_a_short_time() {
    let cloud = at_aws_pace();
    let ec2 = &cloud.ec2;
    // The longest that anything was unseen; some objects are seen soon.
    let mut longest: f64 = 0.0;
    for number in 0..20 {
        let vpc = cloud.vpc_with(&format!("10.{number}.0.0/16")).await;
        let took = until("ok", async || {
            let described = code(ec2.describe_vpcs().vpc_ids(&vpc).send().await);
            let tags = ec2.create_tags().resources(&vpc).tags(tag("a", "b")).send().await;
            let listed = ec2.describe_vpcs().send().await.unwrap();
            let is_listed = listed.vpcs().iter().any(|found| found.vpc_id() == Some(&vpc));
            // All three agree, and so does a call that uses the id.
            assert_eq!(described == "ok", is_listed);
            assert_eq!(code(tags), described);
            if described != "ok" {
                let call = ec2.create_subnet().vpc_id(&vpc).cidr_block(format!("10.{number}.0.0/24"));
                assert_eq!(code(call.send().await), "InvalidVpcID.NotFound");
            }
            described
        });
        longest = longest.max(took.await);
    }
    assert!((0.5..=2.25).contains(&longest), "{longest} s");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_too_new_is_refused_with_the_code_of_its_kind() {
    let cloud = at_aws_pace();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    until_seen().await;
    let gateway = ec2.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id.unwrap();
    let attach = ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc);
    assert_eq!(code(attach.send().await), "InvalidInternetGatewayID.NotFound");
    let address = cloud.address().await;
    let release = ec2.release_address().allocation_id(&address).send().await;
    assert_eq!(code(release), "InvalidAllocationID.NotFound");
    let table = cloud.table(&vpc).await;
    let route = ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    assert_eq!(code(route.gateway_id(&gateway).send().await), "InvalidRouteTableID.NotFound");
    let group = cloud.group(&vpc, "web").await;
    let delete = ec2.delete_security_group().group_id(&group).send().await;
    assert_eq!(code(delete), "InvalidGroup.NotFound");
    let acl = cloud.acl(&vpc).await;
    let delete = ec2.delete_network_acl().network_acl_id(&acl).send().await;
    assert_eq!(code(delete), "InvalidNetworkAclID.NotFound");
    // What depends on what is decided by the truth, not by what is seen.
    assert_eq!(code(ec2.delete_vpc().vpc_id(&vpc).send().await), "DependencyViolation");
    // The answer to a client token is remembered, whatever is seen.
    let table = || ec2.create_route_table().vpc_id(&vpc).client_token("t").send();
    assert_eq!(table().await.unwrap().route_table(), table().await.unwrap().route_table());
}

#[tokio::test(start_paused = true)]
async fn some_calls_answer_late_and_refusals_do_not() {
    let cloud = at_aws_pace();
    let (vpc, gateway, subnet, _) = network(&cloud).await;
    let table = cloud.table(&vpc).await;
    until_seen().await;
    let timed = async |call: std::pin::Pin<Box<dyn Future<Output = String>>>| {
        let start = Instant::now();
        (call.await, start.elapsed().as_secs_f64())
    };
    let ec2 = &cloud.ec2;
    let route = ec2.create_route().route_table_id(&table).destination_cidr_block("0.0.0.0/0");
    let route = route.gateway_id(&gateway);
    let again = route.clone();
    let (answer, took) = timed(Box::pin(async { code(route.send().await) })).await;
    assert_eq!((answer.as_str(), took), ("ok", 1.0));
    let (answer, took) = timed(Box::pin(async { code(again.send().await) })).await;
    assert_eq!((answer.as_str(), took), ("RouteAlreadyExists", 0.0));
    let delete = ec2.delete_subnet().subnet_id(&subnet);
    let (answer, took) = timed(Box::pin(async { code(delete.send().await) })).await;
    assert!(answer == "ok" && (0.5..=1.5).contains(&took), "{answer} after {took} s");
    let detach = ec2.detach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&vpc);
    let (answer, took) = timed(Box::pin(async { code(detach.send().await) })).await;
    assert!(answer == "ok" && (1.0..=21.0).contains(&took), "{answer} after {took} s");
    let group = cloud.logs.create_log_group().log_group_name("g");
    let (answer, took) = timed(Box::pin(async { code(group.send().await) })).await;
    assert!(answer == "ok" && (0.5..=1.5).contains(&took), "{answer} after {took} s");
}

#[tokio::test(start_paused = true)]
async fn a_new_role_is_there_at_once_and_cannot_be_assumed_for_some_seconds() {
    let cloud = at_aws_pace();
    let vpc = cloud.vpc().await;
    until_seen().await;
    cloud.role("flow").await;
    let made = Instant::now();
    assert_eq!(code(cloud.iam.get_role().role_name("flow").send().await), "ok");
    let put = cloud.iam.put_role_policy().role_name("flow").policy_name("p").policy_document(WRITE);
    put.send().await.unwrap();
    let log = || {
        let call = cloud.ec2.create_flow_logs().resource_ids(&vpc).log_group_name("g");
        let call = call.resource_type(FlowLogsResourceType::Vpc).traffic_type(TrafficType::All);
        call.deliver_logs_permission_arn("arn:aws:iam::123456789012:role/flow").send()
    };
    // Nobody may hand it over yet, which EC2 does not say; then the service does not know it.
    assert_eq!(code(log().await), "UnauthorizedOperation");
    seconds(4.0).await;
    assert_eq!(code(log().await), "InvalidParameter");
    until("ok", async || code(log().await)).await;
    let took = made.elapsed().as_secs_f64();
    assert!((4.0..=11.25).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn the_scale_shortens_everything_alike_and_the_seed_decides_the_rest() {
    let took = async |scale: f64, seed: u64| {
        let cloud = Cloud::of(Emulator::builder().seed(seed).latency(scale).in_memory());
        let (_, _, subnet, address) = network_at(&cloud, scale).await;
        let nat = cloud.nat(&subnet, &address).await;
        let start = Instant::now();
        while nat_state(&cloud, &nat).await != "available" {
            seconds(0.5 * scale).await;
        }
        start.elapsed().as_secs_f64()
    };
    let (one, same, other, tenth) =
        (took(1.0, 1).await, took(1.0, 1).await, took(1.0, 3).await, took(0.1, 1).await);
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert!((one / 10.0 - tenth).abs() < 0.01, "{one} and {tenth}");
}

#[tokio::test(start_paused = true)]
async fn time_goes_on_on_disk_while_nobody_looks() {
    let directory = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let at_scale = |scale| {
        let builder = Emulator::builder().seed(1).latency(scale).virtual_time(start);
        Cloud::of(builder.open(directory.path()).unwrap())
    };
    let open = || at_scale(1.0);
    let nat = {
        let cloud = open();
        let (_, _, subnet, address) = network(&cloud).await;
        cloud.nat(&subnet, &address).await
    };
    seconds(150.0).await;
    // Another emulator without latency of its own sees what the first one has set going.
    let cloud = at_scale(0.0);
    assert_eq!(nat_state(&cloud, &nat).await, "available");
    let cloud = open();
    cloud.ec2.delete_nat_gateway().nat_gateway_id(&nat).send().await.unwrap();
    let other = at_scale(0.0);
    assert_eq!(nat_state(&other, &nat).await, "deleting");
    seconds(100.0).await;
    assert_eq!(nat_state(&other, &nat).await, "deleted");
    assert_eq!(cloud.emulator.objects().await.unwrap(), other.emulator.objects().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_of_a_group_is_there_before_it_is_seen() {
    let cloud = at_aws_pace();
    let vpc = cloud.vpc().await;
    until_seen().await;
    let mut unseen = 0;
    for name in ["a", "b", "c", "d"] {
        let group = cloud.group(&vpc, name).await;
        until_seen().await;
        let describe = cloud.ec2.describe_security_groups().group_ids(&group).send().await.unwrap();
        assert_eq!(describe.security_groups().len(), 1);
        let filter = aws_sdk_ec2::types::Filter::builder().name("group-id").values(&group).build();
        let rules = cloud.ec2.describe_security_group_rules().filters(filter).send().await.unwrap();
        unseen += usize::from(rules.security_group_rules().is_empty());
        let everywhere = aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build();
        let everything = aws_sdk_ec2::types::IpPermission::builder().ip_protocol("-1").ip_ranges(everywhere);
        let revoke = || {
            let revoke = cloud.ec2.revoke_security_group_egress().group_id(&group);
            revoke.ip_permissions(everything.clone().build())
        };
        assert_eq!(code(revoke().send().await), "ok");
        assert_eq!(code(revoke().send().await), "InvalidPermission.NotFound");
    }
    assert!(unseen > 0);
}
