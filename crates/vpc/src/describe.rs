//! Reads of the network, batched.

use aws::ec2::filter;
use aws::{Batcher, Called, Context, NatGatewayId, SubnetId, VpcId};
use aws_sdk_ec2::types::{
    Address, FlowLog, InternetGateway, NatGateway, NetworkAcl, NetworkAclAssociation, RouteTable,
    RouteTableAssociation, Subnet, Vpc, VpcEndpoint,
};

use crate::{AllocationId, FlowLogId, InternetGatewayId, NetworkAclId, RouteTableId, VpcEndpointId};

/// The reads of a context: who asks at about the same time asks together.
pub(crate) fn describe(cx: &Context) -> Describe {
    cx.client(|config| Describe::new(&aws_sdk_ec2::Client::new(config)))
}

/// EC2 reads, one batcher a kind.
#[derive(Clone)]
pub(crate) struct Describe {
    /// VPCs.
    pub(crate) vpcs: Batcher<VpcId, Vpc>,
    /// Subnets.
    pub(crate) subnets: Batcher<SubnetId, Subnet>,
    /// Internet gateways.
    pub(crate) internet_gateways: Batcher<InternetGatewayId, InternetGateway>,
    /// Elastic IP addresses.
    pub(crate) addresses: Batcher<AllocationId, Address>,
    /// NAT gateways, also those that are being deleted or were.
    pub(crate) nat_gateways: Batcher<NatGatewayId, NatGateway>,
    /// Route tables, with their routes.
    pub(crate) route_tables: Batcher<RouteTableId, RouteTable>,
    /// The explicit association of each subnet with a route table.
    pub(crate) route_table_associations: Batcher<SubnetId, RouteTableAssociation>,
    /// Network ACLs, with their entries.
    pub(crate) network_acls: Batcher<NetworkAclId, NetworkAcl>,
    /// The default network ACL of each VPC.
    pub(crate) default_network_acls: Batcher<VpcId, NetworkAcl>,
    /// The association of each subnet with a network ACL; AWS gives every subnet one.
    pub(crate) network_acl_associations: Batcher<SubnetId, NetworkAclAssociation>,
    /// VPC endpoints, also those that are being deleted.
    pub(crate) vpc_endpoints: Batcher<VpcEndpointId, VpcEndpoint>,
    /// Flow logs.
    pub(crate) flow_logs: Batcher<FlowLogId, FlowLog>,
}

/// A batcher over one paginated Describe call. `$each` turns one described object into pairs of key and value.
macro_rules! batched {
    ($ec2:ident.$call:ident().$add:ident($filter:literal), $operation:literal, $each:expr) => {{
        let ec2 = $ec2.clone();
        Batcher::of_ec2(move |keys| {
            let request = ec2.$call().$add(filter($filter, keys));
            async move {
                let described = request.into_paginator().items().send().try_collect().await;
                Ok(described.called($operation)?.into_iter().flat_map($each).collect())
            }
        })
    }};
}

/// The object itself, by its id.
fn by_id<K: From<String>, V>(id: Option<String>, object: V) -> Option<(K, V)> {
    Some((id?.into(), object))
}

impl Describe {
    fn new(ec2: &aws_sdk_ec2::Client) -> Self {
        Self {
            vpcs: batched!(ec2.describe_vpcs().filters("vpc-id"), "DescribeVpcs", |vpc: Vpc| {
                by_id(vpc.vpc_id.clone(), vpc)
            }),
            subnets: batched!(
                ec2.describe_subnets().filters("subnet-id"),
                "DescribeSubnets",
                |subnet: Subnet| { by_id(subnet.subnet_id.clone(), subnet) }
            ),
            internet_gateways: batched!(
                ec2.describe_internet_gateways().filters("internet-gateway-id"),
                "DescribeInternetGateways",
                |gateway: InternetGateway| by_id(gateway.internet_gateway_id.clone(), gateway)
            ),
            addresses: addresses(ec2),
            nat_gateways: batched!(
                ec2.describe_nat_gateways().filter("nat-gateway-id"),
                "DescribeNatGateways",
                |gateway: NatGateway| by_id(gateway.nat_gateway_id.clone(), gateway)
            ),
            route_tables: batched!(
                ec2.describe_route_tables().filters("route-table-id"),
                "DescribeRouteTables",
                |table: RouteTable| by_id(table.route_table_id.clone(), table)
            ),
            route_table_associations: batched!(
                ec2.describe_route_tables().filters("association.subnet-id"),
                "DescribeRouteTables",
                |table: RouteTable| {
                    let associations = table.associations.unwrap_or_default().into_iter();
                    associations.filter_map(|one| by_id(one.subnet_id.clone(), one))
                }
            ),
            network_acls: batched!(
                ec2.describe_network_acls().filters("network-acl-id"),
                "DescribeNetworkAcls",
                |acl: NetworkAcl| by_id(acl.network_acl_id.clone(), acl)
            ),
            default_network_acls: batched!(
                ec2.describe_network_acls().filters("vpc-id"),
                "DescribeNetworkAcls",
                |acl: NetworkAcl| by_id(acl.vpc_id.clone().filter(|_| acl.is_default == Some(true)), acl)
            ),
            network_acl_associations: batched!(
                ec2.describe_network_acls().filters("association.subnet-id"),
                "DescribeNetworkAcls",
                |acl: NetworkAcl| {
                    let associations = acl.associations.unwrap_or_default().into_iter();
                    associations.filter_map(|one| by_id(one.subnet_id.clone(), one))
                }
            ),
            vpc_endpoints: batched!(
                ec2.describe_vpc_endpoints().filters("vpc-endpoint-id"),
                "DescribeVpcEndpoints",
                |endpoint: VpcEndpoint| by_id(endpoint.vpc_endpoint_id.clone(), endpoint)
            ),
            flow_logs: batched!(
                ec2.describe_flow_logs().filter("flow-log-id"),
                "DescribeFlowLogs",
                |flow_log: FlowLog| by_id(flow_log.flow_log_id.clone(), flow_log)
            ),
        }
    }
}

/// DescribeAddresses is the one call here without pages.
fn addresses(ec2: &aws_sdk_ec2::Client) -> Batcher<AllocationId, Address> {
    let ec2 = ec2.clone();
    Batcher::of_ec2(move |keys| {
        let request = ec2.describe_addresses().filters(filter("allocation-id", keys));
        async move {
            let described = request.send().await.called("DescribeAddresses")?.addresses.unwrap_or_default();
            Ok(described.into_iter().filter_map(|one| by_id(one.allocation_id.clone(), one)).collect())
        }
    })
}
