//! Client tokens.

use aws_sdk_ec2::types::{FlowLogsResourceType, TrafficType};

use crate::support::{Cloud, REGION, code};

const MISMATCH: &str = "IdempotentParameterMismatch";

#[tokio::test(start_paused = true)]
async fn the_same_token_makes_one_object_and_refuses_other_parameters() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let other = cloud.vpc_with("10.1.0.0/16").await;
    cloud.gateway(&vpc).await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let address = cloud.address().await;

    let nat = |subnet: &str| {
        let call = ec2.create_nat_gateway().client_token("t").subnet_id(subnet);
        call.allocation_id(&address).send()
    };
    let first = nat(&subnet).await.unwrap();
    assert_eq!(first.client_token(), Some("t"));
    assert_eq!(nat(&subnet).await.unwrap().nat_gateway(), first.nat_gateway());
    assert_eq!(code(nat("subnet-00000000000000000").await), MISMATCH);

    // A token belongs to its operation, so the same one is new to another.
    let table = |vpc: &str| ec2.create_route_table().client_token("t").vpc_id(vpc).send();
    let first = table(&vpc).await.unwrap();
    assert_eq!(table(&vpc).await.unwrap().route_table(), first.route_table());
    assert_eq!(code(table(&other).await), MISMATCH);

    let acl = |vpc: &str| ec2.create_network_acl().client_token("t").vpc_id(vpc).send();
    let first = acl(&vpc).await.unwrap();
    assert_eq!(acl(&vpc).await.unwrap().network_acl(), first.network_acl());
    assert_eq!(code(acl(&other).await), MISMATCH);

    let endpoint = |vpc: &str| {
        let call = ec2.create_vpc_endpoint().client_token("t").vpc_id(vpc);
        call.service_name(format!("com.amazonaws.{REGION}.s3")).send()
    };
    let first = endpoint(&vpc).await.unwrap();
    assert_eq!(endpoint(&vpc).await.unwrap().vpc_endpoint(), first.vpc_endpoint());
    assert_eq!(code(endpoint(&other).await), MISMATCH);

    let role = cloud.role("flow").await;
    let log = |vpc: &str| {
        let call = ec2.create_flow_logs().client_token("t").resource_ids(vpc);
        let call = call.resource_type(FlowLogsResourceType::Vpc).traffic_type(TrafficType::All);
        call.log_group_name("g").deliver_logs_permission_arn(&role).send()
    };
    let first = log(&vpc).await.unwrap();
    assert_eq!(log(&vpc).await.unwrap().flow_log_ids(), first.flow_log_ids());
    assert_eq!(code(log(&other).await), MISMATCH);

    let all = ec2.describe_nat_gateways().send().await.unwrap();
    assert_eq!(all.nat_gateways().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_does_not_use_up_its_token() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let table = |vpc: &str| cloud.ec2.create_route_table().client_token("t").vpc_id(vpc).send();
    assert_eq!(code(table("vpc-00000000000000000").await), "InvalidVpcID.NotFound");
    assert_eq!(code(table(&vpc).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_for_a_day() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let table = async || {
        let call = cloud.ec2.create_route_table().client_token("t").vpc_id(&vpc);
        call.send().await.unwrap().route_table.unwrap().route_table_id.unwrap()
    };
    let first = table().await;
    tokio::time::advance(std::time::Duration::from_secs(86_399)).await;
    assert_eq!(table().await, first);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_ne!(table().await, first);
}
