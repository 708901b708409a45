//! What somebody else has made under the same natural key is not taken over.

use aws::{Account, Context, Identity};
use engine::{ErrorClass, Resolved, Resource, Search};
use testing::{ACCOUNT, World, config, identity};
use vpc::resources::*;

use crate::life_cycles::{internet_gateway, log_group, network_acl, role, subnet};
use crate::support::{Cloud, class, intent};

/// The same account, used by another project.
fn somebody_else(cloud: &Cloud) -> Cloud {
    let account = Account { id: ACCOUNT.to_owned(), partition: "aws".to_owned() };
    let identity = Identity { project: "other".to_owned(), ..identity() };
    let cx = Context::from_config(&config(&cloud.emulator), identity, account).unwrap();
    Cloud(World { cx, ..cloud.that_lost_its_state(vpc::kinds) })
}

/// Creating is refused because it exists, and looking for it says that it is not ours.
async fn is_refused<R: Resource<Context = Context>>(cloud: &Cloud, name: &str, wanted: &R) {
    let created = wanted.create(&cloud.cx, &intent(name)).await;
    assert_eq!(class(created), ErrorClass::AlreadyExists, "{name}");
    assert_eq!(
        class(wanted.find(&cloud.cx, &Search::made_by(&intent(name))).await),
        ErrorClass::Conflict,
        "{name}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_subnet_with_our_addresses() {
    let cloud = Cloud::new();
    let wanted = subnet(&cloud.vpc().await, "10.0.0.0/24");
    somebody_else(&cloud).make("public-subnet-1", &wanted).await;
    is_refused(&cloud, "public-subnet-1", &wanted).await;
}

#[tokio::test(start_paused = true)]
async fn a_subnet_of_ours_in_another_zone_is_not_configured_into_the_wanted_one() {
    let cloud = Cloud::new();
    let wanted = subnet(&cloud.vpc().await, "10.0.0.0/24");
    let elsewhere = Subnet { availability_zone: "ap-southeast-1b".to_owned(), ..wanted.clone() };
    let outputs = cloud.make("public-subnet-1", &elsewhere).await;
    let error = wanted.configure(&cloud.cx, &outputs).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "adopting AWS::EC2::Subnet: it exists already, with another AvailabilityZone"
    );
    assert_eq!(error.class, ErrorClass::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_log_group_with_our_name() {
    let cloud = Cloud::new();
    somebody_else(&cloud).make("flow-log-group", &log_group()).await;
    is_refused(&cloud, "flow-log-group", &log_group()).await;
}

#[tokio::test(start_paused = true)]
async fn a_role_with_our_name() {
    let cloud = Cloud::new();
    somebody_else(&cloud).make("flow-log-role", &role()).await;
    is_refused(&cloud, "flow-log-role", &role()).await;
}

#[tokio::test(start_paused = true)]
async fn another_internet_gateway_at_our_vpc() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    cloud.attach(&vpc_id).await;
    let gateway = cloud.make("igw-2", &internet_gateway()).await.internet_gateway_id;
    let wanted = VpcGatewayAttachment::<Resolved> { vpc_id, internet_gateway_id: Some(gateway) };
    assert!(wanted.create(&cloud.cx, &intent("igw-attachment")).await.is_err());
    let found = wanted.find(&cloud.cx, &Search::made_by(&intent("igw-attachment"))).await;
    assert_eq!(class(found), ErrorClass::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_leads_somewhere_else() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    let gateway_id = Some(cloud.attach(&vpc_id).await.internet_gateway_id);
    let live = Route::<Resolved> {
        route_table_id: cloud.route_table("public-rt", &vpc_id).await,
        destination_cidr_block: "0.0.0.0/0".parse().unwrap(),
        gateway_id,
        nat_gateway_id: None,
    };
    cloud.make("public-route", &live).await;
    let wanted = Route { gateway_id: None, nat_gateway_id: Some("nat-0123456789abcdef0".into()), ..live };
    let found = wanted.find(&cloud.cx, &Search::made_by(&intent("public-route"))).await;
    assert_eq!(class(found), ErrorClass::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_subnet_that_uses_another_route_table() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    let live = SubnetRouteTableAssociation::<Resolved> {
        subnet_id: cloud.subnet("private-subnet-1", &vpc_id, "10.0.10.0/24").await,
        route_table_id: cloud.route_table("private-rt-1", &vpc_id).await,
    };
    cloud.make("private-rta-1", &live).await;
    let route_table_id = cloud.route_table("private-rt-2", &vpc_id).await;
    let wanted = SubnetRouteTableAssociation { route_table_id, ..live };
    is_refused(&cloud, "private-rta-1", &wanted).await;
}

#[tokio::test(start_paused = true)]
async fn an_acl_entry_that_says_something_else() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    let live = NetworkAclEntry::<Resolved> {
        network_acl_id: cloud.make("db-acl", &network_acl(&vpc_id)).await.id,
        rule_number: 100,
        egress: false,
        protocol: -1,
        rule_action: RuleAction::Deny,
        cidr_block: "0.0.0.0/0".parse().unwrap(),
        port_range: None,
    };
    cloud.make("db-acl-in-1", &live).await;
    is_refused(&cloud, "db-acl-in-1", &NetworkAclEntry { rule_action: RuleAction::Allow, ..live }).await;
}

#[tokio::test(start_paused = true)]
async fn a_subnet_that_somebody_gave_an_acl_keeps_it() {
    let cloud = Cloud::new();
    let vpc_id = cloud.vpc().await;
    let live = SubnetNetworkAclAssociation::<Resolved> {
        subnet_id: cloud.subnet("database-subnet-1", &vpc_id, "10.0.20.0/24").await,
        network_acl_id: cloud.make("db-acl-2", &network_acl(&vpc_id)).await.id,
    };
    cloud.make("db-acl-association-1", &live).await;
    let network_acl_id = cloud.make("db-acl", &network_acl(&vpc_id)).await.id;
    let wanted = SubnetNetworkAclAssociation { network_acl_id, ..live };
    cloud.mutations();
    let created = wanted.create(&cloud.cx, &intent("db-acl-association-1")).await;
    assert_eq!(class(created), ErrorClass::Conflict);
    assert_eq!(cloud.mutations(), [""; 0]);
}
