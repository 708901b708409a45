//! EC2's networking. It reads its own wire format, which is older than the models of the other APIs.
//!
//! Each object is one record whose JSON is what EC2 puts on the wire ([`records`]), so what is stored, what is answered and
//! what filters look at cannot differ.
//!
//! Every operation checks everything first and changes the state last: a refused call changes nothing.

mod acl;
mod address;
mod block_public_access;
mod denied;
mod describe;
mod dhcp;
mod endpoint;
mod flow_log;
mod guard_records;
mod inspect;
mod interface;
mod interface_endpoint;
mod internet_gateway;
mod latency;
mod life_cycle;
mod nat_gateway;
mod network;
mod records;
mod route_table;
mod security_group;
mod subnet;
mod table;
mod tags;
mod tokens;
mod vpc;
mod way_out;
mod zones;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::block_public_access::BlockPublicAccess;
use self::dhcp::DhcpOptions;
use self::guard_records::{FlowLog, NetworkAcl, SecurityGroup, SecurityGroupRule};
use self::records::{Address, InternetGateway, NatGateway, RouteTable, Subnet, Vpc, VpcEndpoint};
use self::table::Table;
pub(crate) use self::zones::regions;
use super::{
    Answer, Api, Call, IdSource, Interface, Latencies, Limit, Object, Refusal, ServiceLimits, Spread, Tokens,
    iam, rate, s3, spread,
};
use crate::machine::clock::timestamp;

/// Everything in one region.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Region {
    ids: IdSource,
    /// The region's default DHCP options, which every new VPC refers to.
    dhcp_options_id: String,
    /// Others. State of an earlier version does not have them.
    #[serde(default = "Table::new")]
    dhcp_options: Table<DhcpOptions>,
    #[serde(default)]
    block_public_access: BlockPublicAccess,
    vpcs: Table<Vpc>,
    subnets: Table<Subnet>,
    internet_gateways: Table<InternetGateway>,
    addresses: Table<Address>,
    nat_gateways: Table<NatGateway>,
    route_tables: Table<RouteTable>,
    security_groups: Table<SecurityGroup>,
    security_group_rules: Table<SecurityGroupRule>,
    flow_logs: Table<FlowLog>,
    vpc_endpoints: Table<VpcEndpoint>,
    network_acls: Table<NetworkAcl>,
    tokens: Tokens,
}

/// What an operation knows besides the state.
struct Cx<'a> {
    region: &'a str,
    now_millis: i64,
    latencies: Latencies,
    iam: &'a iam::State,
    s3: &'a s3::State,
    /// The network interfaces that other services have in this region.
    interfaces: Vec<Interface>,
}

impl Cx<'_> {
    fn now(&self) -> String {
        timestamp(self.now_millis)
    }
}

/// The answer of operations that only say that they succeeded.
fn done() -> Value {
    json!({"return": true})
}

/// The names of a region's zones.
pub(crate) fn zone_names(region: &str) -> Result<Vec<String>, Refusal> {
    Ok(zones::of(region)?.into_iter().map(|zone| zone.name).collect())
}

impl Region {
    fn run(&mut self, cx: &Cx<'_>, call: &Call) -> Answer {
        let r = self;
        let mut p = call.read();
        if p.flag("DryRun")? == Some(true) {
            // EC2 API Reference, "Common parameters": the error that means yes.
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(Refusal::new("DryRunOperation", message).with_status(412));
        }
        match call.operation.as_str() {
            "DescribeAvailabilityZones" => zones::describe(cx, p),

            "CreateVpc" => r.create_vpc(cx, p),
            "DescribeVpcs" => r.describe_vpcs(p),
            "DescribeVpcAttribute" => r.describe_vpc_attribute(p),
            "ModifyVpcAttribute" => r.modify_vpc_attribute(p),
            "DeleteVpc" => r.delete_vpc(p),

            "CreateDhcpOptions" => r.create_dhcp_options(cx, p),
            "DescribeDhcpOptions" => r.describe_dhcp_options(cx, p),
            "AssociateDhcpOptions" => r.associate_dhcp_options(p),
            "DeleteDhcpOptions" => r.delete_dhcp_options(p),

            "ModifyVpcBlockPublicAccessOptions" => r.modify_block_public_access(cx, p),
            "DescribeVpcBlockPublicAccessOptions" => r.describe_block_public_access(cx, p),

            "CreateSubnet" => r.create_subnet(cx, p),
            "DescribeSubnets" => r.describe_subnets(cx, p),
            "ModifySubnetAttribute" => r.modify_subnet_attribute(p),
            "DeleteSubnet" => r.delete_subnet(cx, p),

            "CreateInternetGateway" => r.create_internet_gateway(cx, p),
            "DescribeInternetGateways" => r.describe_internet_gateways(p),
            "AttachInternetGateway" => r.attach_internet_gateway(p),
            "DetachInternetGateway" => r.detach_internet_gateway(cx, p),
            "DeleteInternetGateway" => r.delete_internet_gateway(p),

            "AllocateAddress" => r.allocate_address(cx, p),
            "DescribeAddresses" => r.describe_addresses(p),
            "DescribeAddressesAttribute" => r.describe_addresses_attribute(p),
            "ReleaseAddress" => r.release_address(p),

            "CreateNatGateway" => r.once(cx, call, p, Region::create_nat_gateway),
            "DescribeNatGateways" => r.describe_nat_gateways(p),
            "DeleteNatGateway" => r.delete_nat_gateway(cx, p),

            "CreateRouteTable" => r.once(cx, call, p, Region::create_route_table),
            "DescribeRouteTables" => r.describe_route_tables(p),
            "DeleteRouteTable" => r.delete_route_table(p),
            "CreateRoute" => r.create_route(p),
            "ReplaceRoute" => r.replace_route(p),
            "DeleteRoute" => r.delete_route(p),
            "AssociateRouteTable" => r.associate_route_table(p),
            "ReplaceRouteTableAssociation" => r.replace_route_table_association(p),
            "DisassociateRouteTable" => r.disassociate_route_table(p),

            "CreateSecurityGroup" => r.create_security_group(cx, p),
            "DescribeSecurityGroups" => r.describe_security_groups(p),
            "DescribeSecurityGroupRules" => r.describe_security_group_rules(p),
            "DeleteSecurityGroup" => r.delete_security_group(cx, p),
            "AuthorizeSecurityGroupIngress" => r.authorize(cx, p, false),
            "AuthorizeSecurityGroupEgress" => r.authorize(cx, p, true),
            "RevokeSecurityGroupIngress" => r.revoke(p, false),
            "RevokeSecurityGroupEgress" => r.revoke(p, true),

            "CreateFlowLogs" => r.once(cx, call, p, Region::create_flow_logs),
            "DescribeFlowLogs" => r.describe_flow_logs(p),
            "DeleteFlowLogs" => r.delete_flow_logs(p),

            "CreateVpcEndpoint" => r.once(cx, call, p, Region::create_vpc_endpoint),
            "DescribeVpcEndpoints" => r.describe_vpc_endpoints(p),
            "DescribeVpcEndpointServices" => interface_endpoint::describe_services(cx, p),
            "ModifyVpcEndpoint" => r.modify_vpc_endpoint(cx, p),
            "DeleteVpcEndpoints" => r.delete_vpc_endpoints(cx, p),

            "CreateNetworkAcl" => r.once(cx, call, p, Region::create_network_acl),
            "DescribeNetworkAcls" => r.describe_network_acls(p),
            "DeleteNetworkAcl" => r.delete_network_acl(p),
            "CreateNetworkAclEntry" => r.create_network_acl_entry(p),
            "ReplaceNetworkAclEntry" => r.replace_network_acl_entry(p),
            "DeleteNetworkAclEntry" => r.delete_network_acl_entry(p),
            "ReplaceNetworkAclAssociation" => r.replace_network_acl_association(p),

            "DescribeNetworkInterfaces" => r.describe_network_interfaces(cx, p),

            "CreateTags" => r.create_tags(p),
            "DeleteTags" => r.delete_tags(p),

            _ => Err(super::unknown_operation(call)),
        }
    }
}

impl Api for Region {
    const INVALID: &'static str = "InvalidParameterValue";
    const MISSING: &'static str = "MissingParameter";
    // EC2 Developer Guide, "Request throttling for the Amazon EC2 API", "Request token bucket sizes and refill
    // rates".
    const LIMITS: ServiceLimits = ServiceLimits::each(&[
        Limit::of(&["CreateNatGateway", "DeleteNatGateway"], rate(10.0, 1.0)),
        Limit::of(&["CreateVpcEndpoint", "ModifyVpcEndpoint", "DeleteVpcEndpoints"], rate(4.0, 0.3)),
        Limit::of(&["CreateTags", "DeleteTags"], rate(100.0, 10.0)),
        Limit::unfiltered_reads(&["Filter", "MaxResults", "NextToken"], rate(50.0, 10.0)),
        Limit::reads(rate(100.0, 20.0)),
        Limit::any(rate(50.0, 5.0)),
    ]);
    // "Server error codes".
    const INTERNAL: &'static str = "InternalError";
    const CALLS: &'static [(&'static str, Spread)] = &[
        ("DeleteVpc", latency::VPC.delete),
        ("DeleteSubnet", latency::SUBNET.delete),
        // Making a gateway and attaching it takes 2 seconds together.
        ("AttachInternetGateway", spread(0.5, 0.5, 0.5)),
        ("DetachInternetGateway", latency::INTERNET_GATEWAY.delete),
        ("ReleaseAddress", latency::ADDRESS.delete),
        ("DeleteRouteTable", latency::ROUTE_TABLE.delete),
        ("CreateRoute", latency::ROUTE.create),
        ("ReplaceRoute", latency::ROUTE.create),
        ("DeleteRoute", latency::ROUTE.delete),
        ("AssociateRouteTable", latency::ASSOCIATION.create),
        ("ReplaceRouteTableAssociation", latency::ASSOCIATION.create),
        ("DisassociateRouteTable", latency::ASSOCIATION.delete),
        ("DeleteSecurityGroup", latency::SECURITY_GROUP.delete),
        ("DeleteFlowLogs", latency::FLOW_LOG.delete),
    ];

    fn new(mut ids: IdSource, _region: &str) -> Self {
        Region {
            dhcp_options_id: ids.id("dopt"),
            ids,
            dhcp_options: Table::new(),
            block_public_access: BlockPublicAccess::default(),
            vpcs: Table::new(),
            subnets: Table::new(),
            internet_gateways: Table::new(),
            addresses: Table::new(),
            nat_gateways: Table::new(),
            route_tables: Table::new(),
            security_groups: Table::new(),
            security_group_rules: Table::new(),
            flow_logs: Table::new(),
            vpc_endpoints: Table::new(),
            network_acls: Table::new(),
            tokens: Tokens::default(),
        }
    }

    fn answer(cx: &mut super::Cx<'_>, call: &Call) -> Answer {
        let interfaces = cx.r.interfaces();
        let own = Cx {
            region: cx.region,
            now_millis: cx.now_millis,
            latencies: cx.latencies,
            iam: &cx.global.iam,
            s3: &cx.global.s3,
            interfaces,
        };
        cx.r.ec2.run(&own, call)
    }

    fn denied(call: &Call) -> Refusal {
        denied::refusal(call)
    }

    fn settle(cx: &mut super::Cx<'_>) {
        cx.r.ec2.settle(cx.now_millis);
        flow_log::notice_roles(cx);
    }

    fn objects(&self, home: &str) -> Vec<Object> {
        self.list(home)
    }
}
