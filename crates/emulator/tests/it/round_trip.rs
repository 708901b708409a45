//! Every property and tag that is sent comes back.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, FlowLogsResourceType, IcmpTypeCode, IpPermission, IpRange, Ipv6Range, PortRange,
    RuleAction, TrafficType, UserIdGroupPair, VpcAttributeName,
};

use crate::support::{Cloud, REGION, filter, pairs, tagged};

const TAGS: [(&str, &str); 3] = [("Author", "Zoë <z&z>"), ("Empty", ""), ("Name", "dev-x")];

fn on(value: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(value).build()
}

/// Asserts the shape of AWS's ids: a prefix and 17 lower-case hexadecimal digits.
fn assert_id(id: &str, prefix: &str) {
    let digits = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(digits.is_some_and(|d| d.len() == 17 && d.chars().all(is_hex)), "{id} is no {prefix} id");
}

#[tokio::test(start_paused = true)]
async fn a_vpc_comes_back_as_it_was_made() {
    let cloud = Cloud::in_memory();
    let call = cloud.ec2.create_vpc().cidr_block("10.1.0.0/16");
    let call = call.tag_specifications(tagged("vpc", &TAGS));
    let made = call.send().await.unwrap().vpc.unwrap();
    let id = made.vpc_id().unwrap();
    assert_id(id, "vpc");

    let found = cloud.ec2.describe_vpcs().vpc_ids(id).send().await.unwrap();
    let vpc = &found.vpcs()[0];
    // What DescribeVpcs alone shows.
    let mut shown = vpc.clone();
    assert!(shown.block_public_access_states.take().is_some());
    assert_eq!(shown, made);
    assert_eq!(vpc.cidr_block(), Some("10.1.0.0/16"));
    assert_eq!(pairs(vpc.tags()), TAGS);
    assert_eq!(vpc.state().unwrap().as_str(), "available");
    assert_eq!(vpc.cidr_block_association_set().len(), 1);
    assert_eq!(vpc.is_default(), Some(false));
}

#[tokio::test(start_paused = true)]
async fn dns_attributes_start_as_in_aws_and_change_one_at_a_time() {
    let cloud = Cloud::in_memory();
    let id = cloud.vpc().await;
    let attribute = async |name: VpcAttributeName| {
        let call = cloud.ec2.describe_vpc_attribute().vpc_id(&id).attribute(name.clone());
        let answer = call.send().await.unwrap();
        match name {
            VpcAttributeName::EnableDnsSupport => answer.enable_dns_support.unwrap().value.unwrap(),
            _ => answer.enable_dns_hostnames.unwrap().value.unwrap(),
        }
    };
    assert!(attribute(VpcAttributeName::EnableDnsSupport).await);
    assert!(!attribute(VpcAttributeName::EnableDnsHostnames).await);
    let modify = || cloud.ec2.modify_vpc_attribute().vpc_id(&id);
    modify().enable_dns_hostnames(on(true)).send().await.unwrap();
    modify().enable_dns_support(on(false)).send().await.unwrap();
    assert!(!attribute(VpcAttributeName::EnableDnsSupport).await);
    assert!(attribute(VpcAttributeName::EnableDnsHostnames).await);
}

#[tokio::test(start_paused = true)]
async fn a_new_vpc_brings_a_default_group_a_main_table_and_a_default_acl() {
    let cloud = Cloud::in_memory();
    let id = cloud.vpc().await;
    let in_vpc = || filter("vpc-id", &[&id]);

    let groups = cloud.ec2.describe_security_groups().filters(in_vpc());
    let groups = groups.send().await.unwrap();
    let [group] = groups.security_groups() else { panic!("{groups:?}") };
    assert_eq!(group.group_name(), Some("default"));
    assert_eq!(group.description(), Some("default VPC security group"));
    let inside = &group.ip_permissions()[0];
    assert_eq!(inside.ip_protocol(), Some("-1"));
    assert_eq!(inside.user_id_group_pairs()[0].group_id(), group.group_id());
    assert_eq!(group.ip_permissions_egress()[0].ip_ranges()[0].cidr_ip(), Some("0.0.0.0/0"));

    let tables = cloud.ec2.describe_route_tables().filters(in_vpc());
    let tables = tables.filters(filter("association.main", &["true"])).send().await.unwrap();
    let [table] = tables.route_tables() else { panic!("{tables:?}") };
    assert_eq!(table.routes()[0].gateway_id(), Some("local"));

    let acls = cloud.ec2.describe_network_acls().filters(in_vpc());
    let acls = acls.filters(filter("default", &["true"])).send().await.unwrap();
    let [acl] = acls.network_acls() else { panic!("{acls:?}") };
    assert_eq!(acl.entries().len(), 4);
    assert!(acl.associations().is_empty());

    let subnet = cloud.subnet(&id, "10.0.1.0/24").await;
    let acls = cloud.ec2.describe_network_acls();
    let acls = acls.filters(filter("association.subnet-id", &[&subnet])).send().await.unwrap();
    let association = &acls.network_acls()[0].associations()[0];
    assert_id(association.network_acl_association_id().unwrap(), "aclassoc");
    assert_eq!(association.subnet_id(), Some(subnet.as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_subnet_comes_back_as_it_was_made() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let call = cloud.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.1.0/24");
    let call = call.availability_zone("ap-southeast-1b");
    let call = call.tag_specifications(tagged("subnet", &TAGS));
    let made = call.send().await.unwrap().subnet.unwrap();
    let id = made.subnet_id().unwrap();
    assert_id(id, "subnet");
    assert_eq!(made.map_public_ip_on_launch(), Some(false));
    assert_eq!(made.available_ip_address_count(), Some(251));

    let modify = cloud.ec2.modify_subnet_attribute().subnet_id(id);
    modify.map_public_ip_on_launch(on(true)).send().await.unwrap();
    let found = cloud.ec2.describe_subnets().subnet_ids(id).send().await.unwrap();
    let subnet = &found.subnets()[0];
    assert_eq!(subnet.vpc_id(), Some(vpc.as_str()));
    assert_eq!(subnet.cidr_block(), Some("10.0.1.0/24"));
    assert_eq!(subnet.availability_zone(), Some("ap-southeast-1b"));
    assert_eq!(subnet.availability_zone_id(), Some("apse1-az2"));
    assert_eq!(subnet.map_public_ip_on_launch(), Some(true));
    assert_eq!(pairs(subnet.tags()), TAGS);
    let arn = format!("arn:aws:ec2:{REGION}:123456789012:subnet/{id}");
    assert_eq!(subnet.subnet_arn(), Some(arn.as_str()));
}

#[tokio::test(start_paused = true)]
async fn an_internet_gateway_shows_its_attachment() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let call = cloud.ec2.create_internet_gateway();
    let call = call.tag_specifications(tagged("internet-gateway", &TAGS));
    let made = call.send().await.unwrap().internet_gateway.unwrap();
    let id = made.internet_gateway_id().unwrap();
    assert_id(id, "igw");
    let attach = cloud.ec2.attach_internet_gateway().internet_gateway_id(id);
    attach.vpc_id(&vpc).send().await.unwrap();

    let call = cloud.ec2.describe_internet_gateways();
    let found = call.filters(filter("attachment.vpc-id", &[&vpc])).send().await.unwrap();
    let gateway = &found.internet_gateways()[0];
    assert_eq!(gateway.internet_gateway_id(), Some(id));
    assert_eq!(gateway.attachments()[0].vpc_id(), Some(vpc.as_str()));
    assert_eq!(gateway.attachments()[0].state().unwrap().as_str(), "available");
    assert_eq!(pairs(gateway.tags()), TAGS);
}

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_holds_its_address_until_it_is_deleted() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    cloud.gateway(&vpc).await;
    let subnet = cloud.subnet(&vpc, "10.0.1.0/24").await;
    let call = cloud.ec2.allocate_address().domain("vpc".into());
    let call = call.tag_specifications(tagged("elastic-ip", &TAGS));
    let allocated = call.send().await.unwrap();
    let allocation = allocated.allocation_id().unwrap();
    assert_id(allocation, "eipalloc");
    let address = async || {
        let call = cloud.ec2.describe_addresses().allocation_ids(allocation);
        call.send().await.unwrap().addresses.unwrap().remove(0)
    };
    assert_eq!(pairs(address().await.tags()), TAGS);
    assert_eq!(address().await.association_id(), None);

    let call = cloud.ec2.create_nat_gateway().subnet_id(&subnet).allocation_id(allocation);
    let call = call.tag_specifications(tagged("natgateway", &TAGS));
    let made = call.send().await.unwrap().nat_gateway.unwrap();
    let id = made.nat_gateway_id().unwrap();
    assert_id(id, "nat");
    let nat = async || {
        let call = cloud.ec2.describe_nat_gateways().nat_gateway_ids(id);
        call.send().await.unwrap().nat_gateways.unwrap().remove(0)
    };
    let shown = nat().await;
    assert_eq!(shown.state().unwrap().as_str(), "available");
    assert_eq!(shown.vpc_id(), Some(vpc.as_str()));
    assert_eq!(shown.connectivity_type().unwrap().as_str(), "public");
    assert_eq!(pairs(shown.tags()), TAGS);
    let held = &shown.nat_gateway_addresses()[0];
    assert_eq!(held.allocation_id(), Some(allocation));
    assert_eq!(held.public_ip(), allocated.public_ip());
    assert_eq!(held.private_ip(), Some("10.0.1.4"));
    assert_id(address().await.association_id().unwrap(), "eipassoc");

    cloud.ec2.delete_nat_gateway().nat_gateway_id(id).send().await.unwrap();
    assert_eq!(nat().await.state().unwrap().as_str(), "deleted");
    assert_eq!(address().await.association_id(), None);
    // It stays visible for about an hour.
    tokio::time::advance(std::time::Duration::from_secs(3601)).await;
    let all = cloud.ec2.describe_nat_gateways().send().await.unwrap();
    assert_eq!(all.nat_gateways(), []);
}

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_without_an_internet_gateway_fails_after_its_creation() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let subnet = cloud.subnet(&vpc, "10.0.1.0/24").await;
    let address = cloud.address().await;
    let id = cloud.nat(&subnet, &address).await;
    let found = cloud.ec2.describe_nat_gateways().nat_gateway_ids(id).send().await.unwrap();
    let nat = &found.nat_gateways()[0];
    assert_eq!(nat.state().unwrap().as_str(), "failed");
    assert_eq!(nat.failure_code(), Some("Gateway.NotAttached"));
    // It holds nothing.
    cloud.ec2.release_address().allocation_id(address).send().await.unwrap();
    cloud.ec2.delete_subnet().subnet_id(subnet).send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn routes_and_associations_come_back_and_move() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let gateway = cloud.gateway(&vpc).await;
    let subnet = cloud.subnet(&vpc, "10.0.1.0/24").await;
    let nat = cloud.nat(&subnet, &cloud.address().await).await;
    let call = cloud.ec2.create_route_table().vpc_id(&vpc);
    let call = call.tag_specifications(tagged("route-table", &TAGS));
    let made = call.send().await.unwrap().route_table.unwrap();
    let id = made.route_table_id().unwrap();
    assert_id(id, "rtb");
    let create = cloud.ec2.create_route().route_table_id(id);
    let create = create.destination_cidr_block("0.0.0.0/0").gateway_id(&gateway);
    create.send().await.unwrap();
    let association = cloud.associate(id, &subnet).await;
    assert_id(&association, "rtbassoc");

    let table = async |id: &str| {
        let call = cloud.ec2.describe_route_tables().route_table_ids(id);
        call.send().await.unwrap().route_tables.unwrap().remove(0)
    };
    let shown = table(id).await;
    assert_eq!(pairs(shown.tags()), TAGS);
    let route = &shown.routes()[1];
    assert_eq!(route.destination_cidr_block(), Some("0.0.0.0/0"));
    assert_eq!(route.gateway_id(), Some(gateway.as_str()));
    assert_eq!(route.origin().unwrap().as_str(), "CreateRoute");
    assert_eq!(route.state().unwrap().as_str(), "active");
    assert_eq!(shown.associations()[0].subnet_id(), Some(subnet.as_str()));
    assert_eq!(shown.associations()[0].main(), Some(false));

    let replace = cloud.ec2.replace_route().route_table_id(id);
    let replace = replace.destination_cidr_block("0.0.0.0/0").nat_gateway_id(&nat);
    replace.send().await.unwrap();
    assert_eq!(table(id).await.routes()[1].nat_gateway_id(), Some(nat.as_str()));
    cloud.ec2.delete_nat_gateway().nat_gateway_id(&nat).send().await.unwrap();
    assert_eq!(table(id).await.routes()[1].state().unwrap().as_str(), "blackhole");

    let other = cloud.table(&vpc).await;
    let call = cloud.ec2.replace_route_table_association().association_id(&association);
    let moved = call.route_table_id(&other).send().await.unwrap();
    let moved = moved.new_association_id.unwrap();
    assert_ne!(moved, association);
    assert_eq!(table(id).await.associations(), []);
    assert_eq!(table(&other).await.associations()[0].subnet_id(), Some(subnet.as_str()));
    cloud.ec2.disassociate_route_table().association_id(moved).send().await.unwrap();
    let delete = cloud.ec2.delete_route().route_table_id(id);
    delete.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
    assert_eq!(table(id).await.routes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_security_group_and_its_rules_come_back_and_go() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let peer = cloud.group(&vpc, "peer").await;
    let call = cloud.ec2.create_security_group().vpc_id(&vpc).group_name("web");
    let call = call.description("from the load balancer");
    let call = call.tag_specifications(tagged("security-group", &TAGS));
    let made = call.send().await.unwrap();
    let id = made.group_id().unwrap();
    assert_id(id, "sg");

    let https = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(443)
        .to_port(443)
        .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").description("inside").build())
        .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
        .user_id_group_pairs(UserIdGroupPair::builder().group_id(&peer).build())
        .build();
    let call = cloud.ec2.authorize_security_group_ingress().group_id(id);
    let call = call.ip_permissions(https.clone());
    let call = call.tag_specifications(tagged("security-group-rule", &TAGS));
    let added = call.send().await.unwrap();
    assert_eq!(added.security_group_rules().len(), 3);
    for rule in added.security_group_rules() {
        assert_id(rule.security_group_rule_id().unwrap(), "sgr");
        assert_eq!(pairs(rule.tags()), TAGS);
    }

    let group = async || {
        let call = cloud.ec2.describe_security_groups().group_ids(id);
        call.send().await.unwrap().security_groups.unwrap().remove(0)
    };
    let shown = group().await;
    assert_eq!(shown.description(), Some("from the load balancer"));
    assert_eq!(pairs(shown.tags()), TAGS);
    let [permission] = shown.ip_permissions() else { panic!("{shown:?}") };
    assert_eq!((permission.from_port(), permission.to_port()), (Some(443), Some(443)));
    assert_eq!(permission.ip_ranges(), https.ip_ranges());
    assert_eq!(permission.ipv6_ranges(), https.ipv6_ranges());
    assert_eq!(permission.user_id_group_pairs()[0].group_id(), Some(peer.as_str()));

    let call = cloud.ec2.describe_security_group_rules().filters(filter("group-id", &[id]));
    let rules = call.send().await.unwrap().security_group_rules.unwrap();
    assert_eq!(rules.len(), 4);
    let egress = rules.iter().find(|rule| rule.is_egress() == Some(true)).unwrap();
    let call = cloud.ec2.revoke_security_group_egress().group_id(id);
    let call = call.security_group_rule_ids(egress.security_group_rule_id().unwrap());
    call.send().await.unwrap();
    let call = cloud.ec2.revoke_security_group_ingress().group_id(id);
    call.ip_permissions(https).send().await.unwrap();
    assert_eq!(group().await.ip_permissions(), []);
    assert_eq!(group().await.ip_permissions_egress(), []);
}

#[tokio::test(start_paused = true)]
async fn a_flow_log_comes_back_as_it_was_made() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let role = cloud.role("flow").await;
    let call = cloud.ec2.create_flow_logs().resource_ids(&vpc);
    let call = call.resource_type(FlowLogsResourceType::Vpc).traffic_type(TrafficType::All);
    let call = call.log_group_name("/vpc/flow").deliver_logs_permission_arn(&role);
    let call = call.max_aggregation_interval(60);
    let call = call.tag_specifications(tagged("vpc-flow-log", &TAGS));
    let made = call.send().await.unwrap();
    let id = &made.flow_log_ids()[0];
    assert_id(id, "fl");

    let call = cloud.ec2.describe_flow_logs().filter(filter("resource-id", &[&vpc]));
    let found = call.send().await.unwrap();
    let log = &found.flow_logs()[0];
    assert_eq!(log.flow_log_id(), Some(id.as_str()));
    assert_eq!(log.log_group_name(), Some("/vpc/flow"));
    assert_eq!(log.deliver_logs_permission_arn(), Some(role.as_str()));
    assert_eq!(log.traffic_type(), Some(&TrafficType::All));
    assert_eq!(log.max_aggregation_interval(), Some(60));
    assert_eq!(log.flow_log_status(), Some("ACTIVE"));
    assert_eq!(pairs(log.tags()), TAGS);

    let gone = cloud.ec2.delete_flow_logs().flow_log_ids(id).send().await.unwrap();
    assert_eq!(gone.unsuccessful(), []);
    let again = cloud.ec2.delete_flow_logs().flow_log_ids(id).send().await.unwrap();
    let error = again.unsuccessful()[0].error().unwrap();
    assert_eq!(error.code(), Some("InvalidFlowLogId.NotFound"));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_endpoint_puts_a_route_into_each_of_its_tables() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let (one, two) = (cloud.table(&vpc).await, cloud.table(&vpc).await);
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:Get*","Resource":"*"}]}"#;
    let service = format!("com.amazonaws.{REGION}.s3");
    let call = cloud.ec2.create_vpc_endpoint().vpc_id(&vpc).service_name(&service);
    let call = call.route_table_ids(&one).policy_document(policy);
    let call = call.tag_specifications(tagged("vpc-endpoint", &TAGS));
    let made = call.send().await.unwrap().vpc_endpoint.unwrap();
    let id = made.vpc_endpoint_id().unwrap();
    assert_id(id, "vpce");

    let endpoint = async || {
        let call = cloud.ec2.describe_vpc_endpoints().vpc_endpoint_ids(id);
        call.send().await.unwrap().vpc_endpoints.unwrap().remove(0)
    };
    let leads_to_it = async |table: &str| {
        let call = cloud.ec2.describe_route_tables().route_table_ids(table);
        let found = call.send().await.unwrap();
        let routes = found.route_tables()[0].routes().to_vec();
        routes.iter().any(|route| route.gateway_id() == Some(id))
    };
    let shown = endpoint().await;
    assert_eq!(shown.state().unwrap().as_str().to_lowercase(), "available");
    assert_eq!(shown.service_name(), Some(service.as_str()));
    assert_eq!(shown.policy_document(), Some(policy));
    assert_eq!(shown.route_table_ids(), std::slice::from_ref(&one));
    assert_eq!(pairs(shown.tags()), TAGS);
    assert!(leads_to_it(&one).await);

    let modify = cloud.ec2.modify_vpc_endpoint().vpc_endpoint_id(id);
    let modify = modify.add_route_table_ids(&two).remove_route_table_ids(&one);
    modify.reset_policy(true).send().await.unwrap();
    assert_eq!(endpoint().await.route_table_ids(), std::slice::from_ref(&two));
    assert!(endpoint().await.policy_document().unwrap().contains("\"Action\":\"*\""));
    assert!(!leads_to_it(&one).await && leads_to_it(&two).await);

    cloud.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id).send().await.unwrap();
    assert!(!leads_to_it(&two).await);
}

#[tokio::test(start_paused = true)]
async fn a_network_acl_keeps_its_entries_and_takes_over_a_subnet() {
    let cloud = Cloud::in_memory();
    let vpc = cloud.vpc().await;
    let subnet = cloud.subnet(&vpc, "10.0.1.0/24").await;
    let call = cloud.ec2.create_network_acl().vpc_id(&vpc);
    let call = call.tag_specifications(tagged("network-acl", &TAGS));
    let made = call.send().await.unwrap().network_acl.unwrap();
    let id = made.network_acl_id().unwrap();
    assert_id(id, "acl");
    assert_eq!(made.entries().len(), 2);

    let ports = PortRange::builder().from(5432).to(5432).build();
    let entry = cloud.ec2.create_network_acl_entry().network_acl_id(id).rule_number(100);
    let entry = entry.protocol("tcp").rule_action(RuleAction::Allow).egress(false);
    entry.cidr_block("10.0.0.0/16").port_range(ports.clone()).send().await.unwrap();
    let ping = IcmpTypeCode::builder().r#type(8).code(-1).build();
    let entry = cloud.ec2.create_network_acl_entry().network_acl_id(id).rule_number(110);
    let entry = entry.protocol("1").rule_action(RuleAction::Deny).egress(true);
    entry.ipv6_cidr_block("::/0").icmp_type_code(ping.clone()).send().await.unwrap();

    let acl = async |id: &str| {
        let call = cloud.ec2.describe_network_acls().network_acl_ids(id);
        call.send().await.unwrap().network_acls.unwrap().remove(0)
    };
    let shown = acl(id).await;
    assert_eq!(pairs(shown.tags()), TAGS);
    assert_eq!(shown.is_default(), Some(false));
    let find = |number: i32| shown.entries().iter().find(|e| e.rule_number() == Some(number));
    let tcp = find(100).unwrap();
    assert_eq!((tcp.protocol(), tcp.egress()), (Some("6"), Some(false)));
    assert_eq!(tcp.cidr_block(), Some("10.0.0.0/16"));
    assert_eq!(tcp.port_range(), Some(&ports));
    assert_eq!(tcp.rule_action(), Some(&RuleAction::Allow));
    let icmp = find(110).unwrap();
    assert_eq!((icmp.protocol(), icmp.egress()), (Some("1"), Some(true)));
    assert_eq!(icmp.icmp_type_code(), Some(&ping));
    assert_eq!(icmp.ipv6_cidr_block(), Some("::/0"));

    let replace = cloud.ec2.replace_network_acl_entry().network_acl_id(id).rule_number(100);
    let replace = replace.protocol("-1").rule_action(RuleAction::Deny).egress(false);
    replace.cidr_block("0.0.0.0/0").send().await.unwrap();
    let delete = cloud.ec2.delete_network_acl_entry().network_acl_id(id);
    delete.rule_number(110).egress(true).send().await.unwrap();
    assert_eq!(acl(id).await.entries().len(), 3);

    let call = cloud.ec2.describe_network_acls();
    let before = call.filters(filter("association.subnet-id", &[&subnet])).send().await.unwrap();
    let association = &before.network_acls()[0].associations()[0];
    let call = cloud.ec2.replace_network_acl_association().network_acl_id(id);
    let call = call.association_id(association.network_acl_association_id().unwrap());
    let moved = call.send().await.unwrap();
    let now = acl(id).await;
    let association = &now.associations()[0];
    assert_eq!(association.network_acl_association_id(), moved.new_association_id());
    assert_eq!(association.subnet_id(), Some(subnet.as_str()));
}

#[tokio::test(start_paused = true)]
async fn zones_have_the_names_of_their_region() {
    let emulator = emulator::Emulator::in_memory();
    for (region, names) in [("ap-southeast-1", "abc"), ("us-east-1", "abcdef"), ("ap-northeast-1", "acd")] {
        let ec2 = aws_sdk_ec2::Client::new(&crate::support::config(&emulator, region));
        let call = ec2.describe_availability_zones().filters(filter("state", &["available"]));
        let zones = call.send().await.unwrap().availability_zones.unwrap();
        let wanted: Vec<String> = names.chars().map(|c| format!("{region}{c}")).collect();
        let found: Vec<&str> = zones.iter().map(|zone| zone.zone_name().unwrap()).collect();
        assert_eq!(found, wanted);
        assert!(zones.iter().all(|zone| zone.region_name() == Some(region)));
    }
}
