//! A whole network, built and taken down in an order that AWS accepts.

use aws_sdk_ec2::types::{FlowLogsResourceType, TrafficType};

use crate::support::{Cloud, WRITE, filter};

#[tokio::test(start_paused = true)]
async fn a_network_of_three_zones_comes_and_goes_and_leaves_nothing() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let gateway = cloud.gateway(&vpc).await;
    let (mut subnets, mut nats, mut addresses, mut tables) = (vec![], vec![], vec![], vec![]);
    for zone in 0..3 {
        let public = cloud.subnet(&vpc, &format!("10.0.{zone}.0/24")).await;
        let private = cloud.subnet(&vpc, &format!("10.0.1{zone}.0/24")).await;
        let database = cloud.subnet(&vpc, &format!("10.0.2{zone}.0/24")).await;
        let address = cloud.address().await;
        let nat = cloud.nat(&public, &address).await;
        let table = cloud.table(&vpc).await;
        let route = ec2.create_route().route_table_id(&table);
        let route = route.destination_cidr_block("0.0.0.0/0").nat_gateway_id(&nat);
        route.send().await.unwrap();
        cloud.associate(&table, &private).await;
        subnets.extend([public, private, database]);
        nats.push(nat);
        addresses.push(address);
        tables.push(table);
    }
    let endpoint = cloud.endpoint(&vpc, &tables[0]).await;
    cloud.role("flow").await;
    let put = cloud.iam.put_role_policy().role_name("flow").policy_name("p");
    put.policy_document(WRITE).send().await.unwrap();
    cloud.logs.create_log_group().log_group_name("g").send().await.unwrap();
    let log = ec2.create_flow_logs().resource_ids(&vpc).traffic_type(TrafficType::All);
    let log = log.resource_type(FlowLogsResourceType::Vpc).log_group_name("g");
    let log = log.deliver_logs_permission_arn("arn:aws:iam::123456789012:role/flow");
    let log = log.send().await.unwrap().flow_log_ids.unwrap().remove(0);
    assert!(cloud.left_behind().await.len() > 30);

    ec2.delete_flow_logs().flow_log_ids(log).send().await.unwrap();
    ec2.delete_vpc_endpoints().vpc_endpoint_ids(endpoint).send().await.unwrap();
    for table in &tables {
        let call = ec2.describe_route_tables().filters(filter("route-table-id", &[table]));
        let found = call.send().await.unwrap();
        for association in found.route_tables()[0].associations() {
            let id = association.route_table_association_id().unwrap();
            ec2.disassociate_route_table().association_id(id).send().await.unwrap();
        }
        ec2.delete_route_table().route_table_id(table).send().await.unwrap();
    }
    for nat in nats {
        ec2.delete_nat_gateway().nat_gateway_id(nat).send().await.unwrap();
    }
    for address in addresses {
        ec2.release_address().allocation_id(address).send().await.unwrap();
    }
    for subnet in subnets {
        ec2.delete_subnet().subnet_id(subnet).send().await.unwrap();
    }
    let detach = ec2.detach_internet_gateway().internet_gateway_id(&gateway);
    detach.vpc_id(&vpc).send().await.unwrap();
    ec2.delete_internet_gateway().internet_gateway_id(gateway).send().await.unwrap();
    ec2.delete_vpc().vpc_id(vpc).send().await.unwrap();
    let call = cloud.iam.delete_role_policy().role_name("flow").policy_name("p");
    call.send().await.unwrap();
    cloud.iam.delete_role().role_name("flow").send().await.unwrap();
    cloud.logs.delete_log_group().log_group_name("g").send().await.unwrap();
    assert_eq!(cloud.emulator.objects().await.unwrap(), []);
}
