//! The contract of every kind of this tier.

use aws::policy::{PolicyDocument, Principal, Statement};
use aws::resources::{LogGroup, Role, SecurityGroup};
use aws::{SecurityGroupId, SubnetId, VpcId};
use engine::Input;
use testing::REGION;
use testing::contract::{Around, Entry, nothing};
use vpc::resources::*;
use vpc::{InternetGatewayId, NetworkAclId, RouteTableId};

use crate::support::tags;

testing::contract!(vpc::kinds, around nothing, {
    vpc,
    vpc_without_host_names,
    internet_gateway,
    attachment,
    default_security_group,
    subnet,
    eip,
    nat_gateway,
    route_table,
    route,
    route_through_nat,
    route_table_association,
    network_acl,
    network_acl_entry,
    network_acl_association,
    gateway_endpoint,
    interface_endpoint,
    flow_log,
});

type Nothing = Around<()>;

fn of_cidr(cidr: &str) -> Vpc {
    Vpc::new(cidr.parse().unwrap(), tags("payment-vpc-dev"))
}

fn a_vpc(around: &mut Nothing, name: &str) -> Input<VpcId> {
    around.add(name, of_cidr("10.0.0.0/16")).vpc_id
}

fn a_gateway(around: &mut Nothing, name: &str) -> Input<InternetGatewayId> {
    around.add(name, InternetGateway { tags: tags(name) }).internet_gateway_id
}

fn a_subnet(around: &mut Nothing, vpc_id: &Input<VpcId>, zone: &str, third: u8) -> Input<SubnetId> {
    let subnet = Subnet {
        vpc_id: vpc_id.clone(),
        cidr_block: format!("10.0.{third}.0/24").parse().unwrap(),
        availability_zone: format!("{REGION}{zone}"),
        map_public_ip_on_launch: false,
        tags: tags("payment-subnet-dev"),
    };
    around.add(&format!("subnet-{third}"), subnet).subnet_id
}

fn a_route_table(around: &mut Nothing, vpc_id: &Input<VpcId>, name: &str) -> Input<RouteTableId> {
    around.add(name, RouteTable::new(vpc_id.clone(), tags(name))).route_table_id
}

fn an_acl(around: &mut Nothing, vpc_id: &Input<VpcId>, name: &str) -> Input<NetworkAclId> {
    around.add(name, NetworkAcl::new(vpc_id.clone(), tags(name))).id
}

fn a_group(around: &mut Nothing, vpc_id: &Input<VpcId>, name: &str) -> Input<SecurityGroupId> {
    let group = SecurityGroup {
        group_name: name.to_owned(),
        group_description: "Endpoints".to_owned(),
        vpc_id: vpc_id.clone(),
        security_group_ingress: Vec::new(),
        security_group_egress: Vec::new(),
        tags: tags(name),
    };
    around.add(name, group).group_id
}

/// A VPC, and the gateway that is attached to it.
fn an_open_vpc(around: &mut Nothing) -> (Input<VpcId>, Input<InternetGatewayId>) {
    let vpc_id = a_vpc(around, "vpc");
    let gateway = a_gateway(around, "igw");
    let attachment = VpcGatewayAttachment { vpc_id, internet_gateway_id: Some(gateway) };
    let attached = around.add("igw-attachment", attachment);
    (attached.vpc_id, attached.internet_gateway_id)
}

fn an_address(around: &mut Nothing, name: &str) -> Input<vpc::AllocationId> {
    around.add(name, Eip { domain: "vpc".to_owned(), tags: tags(name) }).allocation_id
}

fn a_nat_gateway(around: &mut Nothing, subnet_id: &Input<SubnetId>, name: &str) -> Input<aws::NatGatewayId> {
    let allocation_id = an_address(around, &format!("{name}-eip"));
    let gateway = NatGateway { subnet_id: subnet_id.clone(), allocation_id, tags: tags(name) };
    around.add(name, gateway).nat_gateway_id
}

fn vpc(_around: &mut Nothing) -> Entry<Vpc> {
    Entry::of(of_cidr("10.0.0.0/16"))
        .other("CidrBlock", |vpc| vpc.cidr_block = "10.1.0.0/16".parse().unwrap())
        .other("EnableDnsHostnames", |vpc| vpc.enable_dns_hostnames = false)
        .other("Tags", |vpc| vpc.tags = tags("renamed"))
        .fixed(["EnableDnsSupport"], "AWS needs it for host names; see the other entry")
        .fixed(
            ["DefaultNetworkAclEntries", "DomainNameServers", "BlockPublicAccess"],
            "they are never declared; see the tests of what is around the VPC",
        )
}

fn vpc_without_host_names(_around: &mut Nothing) -> Entry<Vpc> {
    Entry::of(Vpc { enable_dns_hostnames: false, ..of_cidr("10.0.0.0/16") })
        .other("EnableDnsSupport", |vpc| vpc.enable_dns_support = false)
        .other("EnableDnsHostnames", |vpc| vpc.enable_dns_hostnames = true)
        .rest_elsewhere()
}

fn internet_gateway(_around: &mut Nothing) -> Entry<InternetGateway> {
    Entry::of(InternetGateway { tags: tags("payment-igw-dev") })
        .other("Tags", |gateway| gateway.tags = tags("renamed"))
}

fn attachment(around: &mut Nothing) -> Entry<VpcGatewayAttachment> {
    let vpc_id = a_vpc(around, "vpc");
    let other_vpc = a_vpc(around, "vpc-2");
    let gateway = a_gateway(around, "igw");
    let other_gateway = a_gateway(around, "igw-2");
    Entry::of(VpcGatewayAttachment { vpc_id, internet_gateway_id: Some(gateway) })
        .emptied("InternetGatewayId", "a VPC without a gateway is all that is left of it")
        .other("VpcId", |attachment| attachment.vpc_id = other_vpc)
        .other("InternetGatewayId", |attachment| attachment.internet_gateway_id = Some(other_gateway))
}

fn default_security_group(around: &mut Nothing) -> Entry<DefaultSecurityGroup> {
    let vpc_id = a_vpc(around, "vpc");
    let other_vpc = a_vpc(around, "vpc-2");
    let group = DefaultSecurityGroup {
        vpc_id,
        security_group_ingress: Vec::new(),
        security_group_egress: Vec::new(),
        tags: tags("payment-default-sg-dev"),
    };
    Entry::of(group)
        .stays("each VPC has one")
        .other("VpcId", |group| group.vpc_id = other_vpc)
        .other("Tags", |group| group.tags = tags("renamed"))
        .fixed(["SecurityGroupIngress", "SecurityGroupEgress"], "it never has rules")
}

fn subnet(around: &mut Nothing) -> Entry<Subnet> {
    let vpc_id = a_vpc(around, "vpc");
    let other_vpc = a_vpc(around, "vpc-2");
    let subnet = Subnet {
        vpc_id,
        cidr_block: "10.0.0.0/24".parse().unwrap(),
        availability_zone: format!("{REGION}a"),
        map_public_ip_on_launch: false,
        tags: tags("payment-subnet-dev"),
    };
    Entry::of(subnet)
        .other("VpcId", |subnet| subnet.vpc_id = other_vpc)
        .other("CidrBlock", |subnet| subnet.cidr_block = "10.0.0.0/25".parse().unwrap())
        .other("AvailabilityZone", |subnet| subnet.availability_zone = format!("{REGION}b"))
        .other("MapPublicIpOnLaunch", |subnet| subnet.map_public_ip_on_launch = true)
        .other("Tags", |subnet| subnet.tags = tags("renamed").with("Author", "team"))
}

fn eip(_around: &mut Nothing) -> Entry<Eip> {
    Entry::of(Eip { domain: "vpc".to_owned(), tags: tags("payment-nat-eip-1-dev") })
        .other("Tags", |eip| eip.tags = tags("renamed"))
        .fixed(["Domain"], "there is no other since EC2-Classic ended")
}

fn nat_gateway(around: &mut Nothing) -> Entry<NatGateway> {
    let (vpc_id, _) = an_open_vpc(around);
    let subnet_id = a_subnet(around, &vpc_id, "a", 0);
    let other_subnet = a_subnet(around, &vpc_id, "b", 1);
    let allocation_id = an_address(around, "nat-eip-1");
    let other_address = an_address(around, "nat-eip-2");
    Entry::of(NatGateway { subnet_id, allocation_id, tags: tags("payment-nat-1-dev") })
        .other("SubnetId", |gateway| gateway.subnet_id = other_subnet)
        .other("AllocationId", |gateway| gateway.allocation_id = other_address)
        .other("Tags", |gateway| gateway.tags = tags("renamed"))
}

fn route_table(around: &mut Nothing) -> Entry<RouteTable> {
    let vpc_id = a_vpc(around, "vpc");
    let other_vpc = a_vpc(around, "vpc-2");
    Entry::of(RouteTable::new(vpc_id, tags("payment-rt-dev")))
        .fixed(["Routes"], "what somebody has added is never declared")
        .other("VpcId", |table| table.vpc_id = other_vpc)
        .other("Tags", |table| table.tags = tags("renamed"))
}

fn route(around: &mut Nothing) -> Entry<Route> {
    let (vpc_id, gateway) = an_open_vpc(around);
    let subnet_id = a_subnet(around, &vpc_id, "a", 0);
    let nat = a_nat_gateway(around, &subnet_id, "nat-1");
    let route = Route {
        route_table_id: a_route_table(around, &vpc_id, "rt"),
        destination_cidr_block: "0.0.0.0/0".parse().unwrap(),
        gateway_id: Some(gateway),
        nat_gateway_id: None,
    };
    let other_table = a_route_table(around, &vpc_id, "rt-2");
    Entry::of(route)
        .other("RouteTableId", |route| route.route_table_id = other_table)
        .other("DestinationCidrBlock", |route| route.destination_cidr_block = "1.0.0.0/8".parse().unwrap())
        .together("GatewayId", ["NatGatewayId"], |route| {
            route.gateway_id = None;
            route.nat_gateway_id = Some(nat);
        })
        .rest_elsewhere()
}

fn route_through_nat(around: &mut Nothing) -> Entry<Route> {
    let (vpc_id, _) = an_open_vpc(around);
    let subnet_id = a_subnet(around, &vpc_id, "a", 0);
    let [nat, other_nat] = ["nat-1", "nat-2"].map(|name| a_nat_gateway(around, &subnet_id, name));
    let route = Route {
        route_table_id: a_route_table(around, &vpc_id, "rt"),
        destination_cidr_block: "0.0.0.0/0".parse().unwrap(),
        gateway_id: None,
        nat_gateway_id: Some(nat),
    };
    Entry::of(route).other("NatGatewayId", |route| route.nat_gateway_id = Some(other_nat)).rest_elsewhere()
}

fn route_table_association(around: &mut Nothing) -> Entry<SubnetRouteTableAssociation> {
    let vpc_id = a_vpc(around, "vpc");
    let subnet_id = a_subnet(around, &vpc_id, "a", 0);
    let other_subnet = a_subnet(around, &vpc_id, "b", 1);
    let route_table_id = a_route_table(around, &vpc_id, "rt");
    let other_table = a_route_table(around, &vpc_id, "rt-2");
    Entry::of(SubnetRouteTableAssociation { subnet_id, route_table_id })
        .other("SubnetId", |association| association.subnet_id = other_subnet)
        .other("RouteTableId", |association| association.route_table_id = other_table)
}

fn network_acl(around: &mut Nothing) -> Entry<NetworkAcl> {
    let vpc_id = a_vpc(around, "vpc");
    let other_vpc = a_vpc(around, "vpc-2");
    Entry::of(NetworkAcl::new(vpc_id, tags("payment-db-acl-dev")))
        .fixed(["Entries"], "what somebody has added is never declared")
        .other("VpcId", |acl| acl.vpc_id = other_vpc)
        .other("Tags", |acl| acl.tags = tags("renamed"))
}

fn network_acl_entry(around: &mut Nothing) -> Entry<NetworkAclEntry> {
    let vpc_id = a_vpc(around, "vpc");
    let entry = NetworkAclEntry {
        network_acl_id: an_acl(around, &vpc_id, "acl"),
        rule_number: 100,
        egress: false,
        protocol: 6,
        rule_action: RuleAction::Allow,
        cidr_block: "10.0.10.0/24".parse().unwrap(),
        port_range: Some(PortRange { from: 5432, to: 5432 }),
    };
    let other_acl = an_acl(around, &vpc_id, "acl-2");
    Entry::of(entry)
        .other("NetworkAclId", |entry| entry.network_acl_id = other_acl)
        .other("RuleNumber", |entry| entry.rule_number = 110)
        .other("Egress", |entry| entry.egress = true)
        .other("Protocol", |entry| entry.protocol = 17)
        .other("RuleAction", |entry| entry.rule_action = RuleAction::Deny)
        .other("CidrBlock", |entry| entry.cidr_block = "10.0.11.0/24".parse().unwrap())
        .other("PortRange", |entry| entry.port_range = Some(PortRange { from: 5432, to: 5433 }))
}

fn network_acl_association(around: &mut Nothing) -> Entry<SubnetNetworkAclAssociation> {
    let vpc_id = a_vpc(around, "vpc");
    let subnet_id = a_subnet(around, &vpc_id, "a", 0);
    let other_subnet = a_subnet(around, &vpc_id, "b", 1);
    let network_acl_id = an_acl(around, &vpc_id, "acl");
    let other_acl = an_acl(around, &vpc_id, "acl-2");
    Entry::of(SubnetNetworkAclAssociation { subnet_id, network_acl_id })
        .other("SubnetId", |association| association.subnet_id = other_subnet)
        .other("NetworkAclId", |association| association.network_acl_id = other_acl)
}

fn gateway_endpoint(around: &mut Nothing) -> Entry<VpcEndpoint> {
    let vpc_id = a_vpc(around, "vpc");
    let table = a_route_table(around, &vpc_id, "rt");
    let other_table = a_route_table(around, &vpc_id, "rt-2");
    let endpoint = VpcEndpoint {
        vpc_id,
        service_name: format!("com.amazonaws.{REGION}.s3"),
        vpc_endpoint_type: "Gateway".to_owned(),
        route_table_ids: vec![other_table, table.clone()],
        subnet_ids: Vec::new(),
        security_group_ids: Vec::new(),
        private_dns_enabled: None,
        policy_document: s3_policy("aws", REGION, "123456789012"),
        tags: tags("payment-s3-endpoint-dev"),
    };
    Entry::of(endpoint)
        .other("RouteTableIds", |endpoint| endpoint.route_table_ids = vec![table])
        .other("ServiceName", |endpoint| endpoint.service_name = format!("com.amazonaws.{REGION}.dynamodb"))
        .other("PolicyDocument", |endpoint| {
            endpoint.policy_document = s3_policy("aws", "eu-central-1", "123456789012");
        })
        .other("Tags", |endpoint| endpoint.tags = tags("renamed"))
        .fixed(["VpcId"], "its route tables are in the same VPC")
        .fixed(["VpcEndpointType"], "an interface has other properties; see the other entry")
        .rest_elsewhere()
}

fn interface_endpoint(around: &mut Nothing) -> Entry<VpcEndpoint> {
    let vpc_id = a_vpc(around, "vpc");
    let subnets =
        [(0, "a"), (1, "b"), (2, "a"), (3, "b")].map(|(third, zone)| a_subnet(around, &vpc_id, zone, third));
    let group = a_group(around, &vpc_id, "endpoint-sg");
    let other_group = a_group(around, &vpc_id, "endpoint-sg-2");
    let policy = |action: &str| {
        let statement = Statement::allow([action]).principal(Principal::Anyone).resources(["*".into()]);
        PolicyDocument::new([statement])
    };
    let [first, second, third, fourth] = subnets;
    let endpoint = VpcEndpoint {
        vpc_id,
        service_name: format!("com.amazonaws.{REGION}.kms"),
        vpc_endpoint_type: "Interface".to_owned(),
        route_table_ids: Vec::new(),
        // Not in the order of AWS's answers.
        subnet_ids: vec![second, first],
        security_group_ids: vec![group],
        private_dns_enabled: Some(true),
        policy_document: policy("kms:Decrypt"),
        tags: tags("payment-kms-endpoint-dev"),
    };
    Entry::of(endpoint)
        .other("ServiceName", |endpoint| endpoint.service_name = format!("com.amazonaws.{REGION}.logs"))
        .other("SubnetIds", |endpoint| endpoint.subnet_ids = vec![third, fourth])
        .other("SecurityGroupIds", |endpoint| endpoint.security_group_ids = vec![other_group])
        .other("PrivateDnsEnabled", |endpoint| endpoint.private_dns_enabled = Some(false))
        .other("PolicyDocument", |endpoint| endpoint.policy_document = policy("kms:Encrypt"))
        .other("Tags", |endpoint| endpoint.tags = tags("renamed"))
        .fixed(["VpcId"], "its subnets are in the same VPC")
        .rest_elsewhere()
}

fn flow_log(around: &mut Nothing) -> Entry<FlowLog> {
    let vpc_id = a_vpc(around, "vpc");
    let other_vpc = a_vpc(around, "vpc-2");
    let mut role = |name: &str| {
        let trust = Statement::allow(["sts:AssumeRole"])
            .principal(Principal::Service("vpc-flow-logs.amazonaws.com".to_owned()));
        let role = Role {
            role_name: name.into(),
            assume_role_policy_document: PolicyDocument::new([trust]),
            description: None,
            max_session_duration: None,
            policies: Vec::new(),
            managed_policy_arns: Vec::new(),
            tags: tags(name),
        };
        around.add(name, role).arn
    };
    let (role, other_role) = (role("flow-log-role"), role("flow-log-role-2"));
    let mut group = |name: &str| {
        let group = LogGroup {
            log_group_name: aws::LogGroupName::from(name).into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: None,
            kms_key_id: None,
            deletion_policy: aws::DeletionPolicy::Delete,
            tags: tags(name),
        };
        around.add(name, group).log_group_name
    };
    let (group, other_group) = (group("flow-logs"), group("flow-logs-2"));
    let log = FlowLog {
        resource_type: "VPC".to_owned(),
        resource_id: vpc_id,
        traffic_type: "ALL".to_owned(),
        log_destination_type: "cloud-watch-logs".to_owned(),
        log_group_name: group,
        deliver_logs_permission_arn: role,
        max_aggregation_interval: 60,
        deliver_logs_error_message: None,
        tags: tags("payment-vpc-flow-log-dev"),
    };
    Entry::of(log)
        .other("ResourceId", |log| log.resource_id = other_vpc)
        .other("TrafficType", |log| log.traffic_type = "REJECT".to_owned())
        .other("LogGroupName", |log| log.log_group_name = other_group)
        .other("DeliverLogsPermissionArn", |log| log.deliver_logs_permission_arn = other_role)
        .other("MaxAggregationInterval", |log| log.max_aggregation_interval = 600)
        .other("Tags", |log| log.tags = tags("renamed"))
        .fixed(["ResourceType"], "the resource is a VPC, by its type")
        .fixed(["LogDestinationType"], "the destination is a log group, by its type")
        .fixed(["DeliverLogsErrorMessage"], "it is what a look finds, not what anybody wants")
}
