//! What AWS refuses to delete or take apart while something depends on it.

use aws_sdk_ec2::types::{IpPermission, UserIdGroupPair};

use crate::support::{Cloud, code, filter};

#[tokio::test(start_paused = true)]
async fn a_vpc_stays_while_anything_made_by_somebody_is_in_it() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let delete = || ec2.delete_vpc().vpc_id(&vpc).send();

    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    assert_eq!(code(delete().await), "DependencyViolation");
    ec2.delete_subnet().subnet_id(subnet).send().await.unwrap();

    let gateway = cloud.gateway(&vpc).await;
    assert_eq!(code(delete().await), "DependencyViolation");
    let detach = ec2.detach_internet_gateway().internet_gateway_id(&gateway);
    detach.vpc_id(&vpc).send().await.unwrap();

    let group = cloud.group(&vpc, "web").await;
    assert_eq!(code(delete().await), "DependencyViolation");
    ec2.delete_security_group().group_id(group).send().await.unwrap();

    let table = cloud.table(&vpc).await;
    assert_eq!(code(delete().await), "DependencyViolation");
    ec2.delete_route_table().route_table_id(table).send().await.unwrap();

    let acl = cloud.acl(&vpc).await;
    assert_eq!(code(delete().await), "DependencyViolation");
    ec2.delete_network_acl().network_acl_id(acl).send().await.unwrap();

    let main = ec2.describe_route_tables().filters(filter("vpc-id", &[&vpc])).send().await;
    let main = main.unwrap().route_tables.unwrap().remove(0).route_table_id.unwrap();
    let endpoint = cloud.endpoint(&vpc, &main).await;
    assert_eq!(code(delete().await), "DependencyViolation");
    ec2.delete_vpc_endpoints().vpc_endpoint_ids(endpoint).send().await.unwrap();

    assert_eq!(code(delete().await), "ok");
    ec2.delete_internet_gateway().internet_gateway_id(gateway).send().await.unwrap();
    assert_eq!(cloud.emulator.objects().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_holds_its_subnet_its_address_and_the_internet_gateway() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let gateway = cloud.gateway(&vpc).await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let address = cloud.address().await;
    let nat = cloud.nat(&subnet, &address).await;
    let delete_subnet = || ec2.delete_subnet().subnet_id(&subnet).send();
    let release = || ec2.release_address().allocation_id(&address).send();
    let detach = || {
        let call = ec2.detach_internet_gateway().internet_gateway_id(&gateway);
        call.vpc_id(&vpc).send()
    };
    let delete_gateway = || ec2.delete_internet_gateway().internet_gateway_id(&gateway).send();
    assert_eq!(code(delete_subnet().await), "DependencyViolation");
    assert_eq!(code(release().await), "InvalidIPAddress.InUse");
    assert_eq!(code(detach().await), "DependencyViolation");
    assert_eq!(code(delete_gateway().await), "DependencyViolation");

    ec2.delete_nat_gateway().nat_gateway_id(nat).send().await.unwrap();
    assert_eq!(code(delete_subnet().await), "ok");
    assert_eq!(code(release().await), "ok");
    assert_eq!(code(delete_gateway().await), "DependencyViolation");
    assert_eq!(code(detach().await), "ok");
    assert_eq!(code(delete_gateway().await), "ok");
}

#[tokio::test(start_paused = true)]
async fn an_address_serves_one_nat_gateway() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    cloud.gateway(&vpc).await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let address = cloud.address().await;
    let first = cloud.nat(&subnet, &address).await;
    let second = cloud.nat(&subnet, &address).await;
    let describe = cloud.ec2.describe_nat_gateways().nat_gateway_ids(second);
    let failed = describe.send().await.unwrap().nat_gateways.unwrap().remove(0);
    assert_eq!(failed.failure_code(), Some("Resource.AlreadyAssociated"));
    let describe = cloud.ec2.describe_nat_gateways().nat_gateway_ids(first);
    let working = describe.send().await.unwrap().nat_gateways.unwrap().remove(0);
    assert_eq!(working.state().unwrap().as_str(), "available");
}

#[tokio::test(start_paused = true)]
async fn a_table_or_acl_stays_while_a_subnet_uses_it() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let table = cloud.table(&vpc).await;
    let association = cloud.associate(&table, &subnet).await;
    let delete_table = || ec2.delete_route_table().route_table_id(&table).send();
    assert_eq!(code(delete_table().await), "DependencyViolation");
    ec2.disassociate_route_table().association_id(association).send().await.unwrap();
    assert_eq!(code(delete_table().await), "ok");

    let default = ec2.describe_network_acls().filters(filter("default", &["true"])).send().await;
    let default = default.unwrap().network_acls.unwrap().remove(0);
    let default_id = default.network_acl_id().unwrap();
    let association = default.associations()[0].network_acl_association_id().unwrap();
    let acl = cloud.acl(&vpc).await;
    let take = ec2.replace_network_acl_association().network_acl_id(&acl);
    let taken = take.association_id(association).send().await.unwrap();
    let delete = |acl: &str| ec2.delete_network_acl().network_acl_id(acl).send();
    assert_eq!(code(delete(&acl).await), "DependencyViolation");
    assert_eq!(code(delete(default_id).await), "InvalidParameterValue");
    let give_back = ec2.replace_network_acl_association().network_acl_id(default_id);
    let give_back = give_back.association_id(taken.new_association_id().unwrap());
    give_back.send().await.unwrap();
    assert_eq!(code(delete(&acl).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn what_comes_with_a_vpc_cannot_be_deleted_alone() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    cloud.vpc().await;
    let groups = ec2.describe_security_groups().send().await.unwrap();
    let delete = ec2.delete_security_group();
    let delete = delete.group_id(groups.security_groups()[0].group_id().unwrap());
    assert_eq!(code(delete.send().await), "CannotDelete");
    let tables = ec2.describe_route_tables().send().await.unwrap();
    let main = &tables.route_tables()[0];
    let delete = ec2.delete_route_table().route_table_id(main.route_table_id().unwrap());
    assert_eq!(code(delete.send().await), "DependencyViolation");
    let association = main.associations()[0].route_table_association_id().unwrap();
    let disassociate = ec2.disassociate_route_table().association_id(association);
    assert_eq!(code(disassociate.send().await), "InvalidParameterValue");
}

#[tokio::test(start_paused = true)]
async fn a_group_stays_while_another_groups_rule_names_it() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let (balancer, web) = (cloud.group(&vpc, "lb").await, cloud.group(&vpc, "web").await);
    let pair = UserIdGroupPair::builder().group_id(&balancer).build();
    let rule = IpPermission::builder().ip_protocol("tcp").from_port(80).to_port(80);
    let allow = ec2.authorize_security_group_ingress().group_id(&web);
    allow.ip_permissions(rule.user_id_group_pairs(pair).build()).send().await.unwrap();
    let delete = |id: &str| ec2.delete_security_group().group_id(id).send();
    assert_eq!(code(delete(&balancer).await), "DependencyViolation");
    assert_eq!(code(delete(&web).await), "ok");
    assert_eq!(code(delete(&balancer).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_subnet_leaves_its_table_and_acl_behind_when_it_goes() {
    let cloud = Cloud::in_memory();
    let ec2 = &cloud.ec2;
    let vpc = cloud.vpc().await;
    let subnet = cloud.subnet(&vpc, "10.0.0.0/24").await;
    let table = cloud.table(&vpc).await;
    cloud.associate(&table, &subnet).await;
    ec2.delete_subnet().subnet_id(&subnet).send().await.unwrap();
    assert_eq!(code(ec2.delete_route_table().route_table_id(&table).send().await), "ok");
    let acls = ec2.describe_network_acls().send().await.unwrap();
    assert_eq!(acls.network_acls()[0].associations(), []);
}
