//! One record for each kind of object. Its JSON is its XML on EC2's wire.
//!
//! Member names are those of the EC2 API Reference's responses. Members that begin with an underscore are
//! what the emulator must remember and EC2 shows elsewhere or not at all.

use serde::{Deserialize, Serialize};

use super::describe::{Kind, Record};
use super::latency;
use super::tags::Tags;

macro_rules! record {
    ($record:ident, $id:ident, $kind:expr) => {
        impl Record for $record {
            const KIND: Kind = $kind;
            fn id(&self) -> &str {
                &self.$id
            }
            fn tags(&self) -> &Tags {
                &self.tag_set
            }
            fn tags_mut(&mut self) -> &mut Tags {
                &mut self.tag_set
            }
        }
    };
}

pub(super) use record;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vpc {
    pub(super) vpc_id: String,
    pub(super) owner_id: String,
    pub(super) state: String,
    pub(super) cidr_block: String,
    pub(super) cidr_block_association_set: Vec<CidrAssociation>,
    pub(super) dhcp_options_id: String,
    pub(super) instance_tenancy: String,
    pub(super) is_default: bool,
    pub(super) tag_set: Tags,
    #[serde(rename = "_enableDnsSupport")]
    pub(super) enable_dns_support: bool,
    #[serde(rename = "_enableDnsHostnames")]
    pub(super) enable_dns_hostnames: bool,
}

record!(
    Vpc,
    vpc_id,
    Kind {
        cloudformation: "AWS::EC2::VPC",
        taggable: "vpc",
        set: "vpcSet",
        ids: "VpcId",
        not_found: "InvalidVpcID.NotFound",
        noun: "vpc ID",
        latency: &latency::VPC,
        starts_pending: true,
        filters: &[
            ("vpc-id", "vpcId"),
            ("cidr", "cidrBlock"),
            ("cidr-block", "cidrBlock"),
            ("cidr-block-association.cidr-block", "cidrBlockAssociationSet.cidrBlock"),
            ("state", "state"),
            ("is-default", "isDefault"),
            ("isDefault", "isDefault"),
            ("owner-id", "ownerId"),
            ("dhcp-options-id", "dhcpOptionsId"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CidrAssociation {
    pub(super) association_id: String,
    pub(super) cidr_block: String,
    pub(super) cidr_block_state: State,
}

/// A state inside an element of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) state: String,
}

impl State {
    pub(super) fn associated() -> Self {
        State { state: "associated".to_owned() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subnet {
    pub(super) subnet_id: String,
    pub(super) subnet_arn: String,
    pub(super) state: String,
    pub(super) owner_id: String,
    pub(super) vpc_id: String,
    pub(super) cidr_block: String,
    pub(super) availability_zone: String,
    pub(super) availability_zone_id: String,
    pub(super) default_for_az: bool,
    pub(super) map_public_ip_on_launch: bool,
    pub(super) assign_ipv6_address_on_creation: bool,
    pub(super) map_customer_owned_ip_on_launch: bool,
    pub(super) enable_dns64: bool,
    pub(super) ipv6_native: bool,
    pub(super) private_dns_name_options_on_launch: PrivateDnsNameOptions,
    pub(super) tag_set: Tags,
}

record!(
    Subnet,
    subnet_id,
    Kind {
        cloudformation: "AWS::EC2::Subnet",
        taggable: "subnet",
        set: "subnetSet",
        ids: "SubnetId",
        not_found: "InvalidSubnetID.NotFound",
        noun: "subnet ID",
        latency: &latency::SUBNET,
        starts_pending: true,
        filters: &[
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
            ("cidr-block", "cidrBlock"),
            ("cidrBlock", "cidrBlock"),
            ("cidr", "cidrBlock"),
            ("availability-zone", "availabilityZone"),
            ("availability-zone-id", "availabilityZoneId"),
            ("state", "state"),
            ("default-for-az", "defaultForAz"),
            ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
            ("owner-id", "ownerId"),
            ("subnet-arn", "subnetArn"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrivateDnsNameOptions {
    pub(super) hostname_type: String,
    pub(super) enable_resource_name_dns_a_record: bool,
    #[serde(rename = "enableResourceNameDnsAAAARecord")]
    pub(super) enable_resource_name_dns_aaaa_record: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InternetGateway {
    pub(super) internet_gateway_id: String,
    pub(super) owner_id: String,
    pub(super) attachment_set: Vec<Attachment>,
    pub(super) tag_set: Tags,
}

record!(
    InternetGateway,
    internet_gateway_id,
    Kind {
        cloudformation: "AWS::EC2::InternetGateway",
        taggable: "internet-gateway",
        set: "internetGatewaySet",
        ids: "InternetGatewayId",
        not_found: "InvalidInternetGatewayID.NotFound",
        noun: "internetGateway ID",
        latency: &latency::INTERNET_GATEWAY,
        starts_pending: false,
        filters: &[
            ("internet-gateway-id", "internetGatewayId"),
            ("attachment.vpc-id", "attachmentSet.vpcId"),
            ("attachment.state", "attachmentSet.state"),
            ("owner-id", "ownerId"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attachment {
    pub(super) vpc_id: String,
    pub(super) state: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    pub(super) allocation_id: String,
    pub(super) public_ip: String,
    pub(super) domain: String,
    pub(super) public_ipv4_pool: String,
    pub(super) network_border_group: String,
    pub(super) association_id: Option<String>,
    pub(super) network_interface_id: Option<String>,
    pub(super) network_interface_owner_id: Option<String>,
    pub(super) private_ip_address: Option<String>,
    pub(super) tag_set: Tags,
}

record!(
    Address,
    allocation_id,
    Kind {
        cloudformation: "AWS::EC2::EIP",
        taggable: "elastic-ip",
        set: "addressesSet",
        ids: "AllocationId",
        not_found: "InvalidAllocationID.NotFound",
        noun: "allocation ID",
        latency: &latency::ADDRESS,
        starts_pending: false,
        filters: &[
            ("allocation-id", "allocationId"),
            ("public-ip", "publicIp"),
            ("association-id", "associationId"),
            ("domain", "domain"),
            ("network-interface-id", "networkInterfaceId"),
            ("network-border-group", "networkBorderGroup"),
            ("private-ip-address", "privateIpAddress"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NatGateway {
    pub(super) nat_gateway_id: String,
    pub(super) subnet_id: String,
    pub(super) vpc_id: String,
    pub(super) state: String,
    pub(super) connectivity_type: String,
    pub(super) nat_gateway_address_set: Vec<NatAddress>,
    pub(super) create_time: String,
    pub(super) delete_time: Option<String>,
    pub(super) failure_code: Option<String>,
    pub(super) failure_message: Option<String>,
    pub(super) tag_set: Tags,
    #[serde(rename = "_endedMillis")]
    pub(super) ended_millis: Option<i64>,
    /// Why it will fail.
    #[serde(rename = "_failure", default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) message: String,
}

record!(
    NatGateway,
    nat_gateway_id,
    Kind {
        cloudformation: "AWS::EC2::NatGateway",
        taggable: "natgateway",
        set: "natGatewaySet",
        ids: "NatGatewayId",
        not_found: "NatGatewayNotFound",
        noun: "NAT gateway",
        latency: &latency::NAT_GATEWAY,
        starts_pending: true,
        filters: &[
            ("nat-gateway-id", "natGatewayId"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
            ("state", "state"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NatAddress {
    pub(super) allocation_id: Option<String>,
    pub(super) association_id: Option<String>,
    pub(super) network_interface_id: Option<String>,
    pub(super) private_ip: Option<String>,
    pub(super) public_ip: Option<String>,
    pub(super) is_primary: bool,
    pub(super) status: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteTable {
    pub(super) route_table_id: String,
    pub(super) vpc_id: String,
    pub(super) owner_id: String,
    pub(super) route_set: Vec<Route>,
    pub(super) association_set: Vec<RouteTableAssociation>,
    pub(super) propagating_vgw_set: Vec<String>,
    pub(super) tag_set: Tags,
    #[serde(rename = "_madeByDefault")]
    pub(super) made_by_default: bool,
}

record!(
    RouteTable,
    route_table_id,
    Kind {
        cloudformation: "AWS::EC2::RouteTable",
        taggable: "route-table",
        set: "routeTableSet",
        ids: "RouteTableId",
        not_found: "InvalidRouteTableID.NotFound",
        noun: "routeTable ID",
        latency: &latency::ROUTE_TABLE,
        starts_pending: false,
        filters: &[
            ("route-table-id", "routeTableId"),
            ("vpc-id", "vpcId"),
            ("owner-id", "ownerId"),
            ("association.main", "associationSet.main"),
            ("association.subnet-id", "associationSet.subnetId"),
            ("association.route-table-id", "associationSet.routeTableId"),
            ("association.route-table-association-id", "associationSet.routeTableAssociationId"),
            ("route.destination-cidr-block", "routeSet.destinationCidrBlock"),
            ("route.destination-prefix-list-id", "routeSet.destinationPrefixListId"),
            ("route.gateway-id", "routeSet.gatewayId"),
            ("route.nat-gateway-id", "routeSet.natGatewayId"),
            ("route.origin", "routeSet.origin"),
            ("route.state", "routeSet.state"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Route {
    pub(super) destination_cidr_block: Option<String>,
    pub(super) destination_prefix_list_id: Option<String>,
    pub(super) gateway_id: Option<String>,
    pub(super) nat_gateway_id: Option<String>,
    pub(super) origin: String,
    pub(super) state: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteTableAssociation {
    pub(super) route_table_association_id: String,
    pub(super) route_table_id: String,
    pub(super) subnet_id: Option<String>,
    pub(super) main: bool,
    pub(super) association_state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VpcEndpoint {
    pub(super) vpc_endpoint_id: String,
    pub(super) vpc_endpoint_type: String,
    pub(super) vpc_id: String,
    pub(super) service_name: String,
    pub(super) state: String,
    pub(super) policy_document: String,
    pub(super) route_table_id_set: Vec<String>,
    /// In the order of `network_interface_id_set`.
    #[serde(default)]
    pub(super) subnet_id_set: Vec<String>,
    #[serde(default)]
    pub(super) network_interface_id_set: Vec<String>,
    #[serde(default)]
    pub(super) group_set: Vec<EndpointGroup>,
    #[serde(default)]
    pub(super) dns_entry_set: Vec<DnsEntry>,
    pub(super) private_dns_enabled: bool,
    /// These three only of the interface kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dns_options: Option<DnsOptions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ip_address_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) service_region: Option<String>,
    pub(super) requester_managed: bool,
    pub(super) creation_timestamp: String,
    pub(super) owner_id: String,
    pub(super) tag_set: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndpointGroup {
    pub(super) group_id: String,
    pub(super) group_name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DnsEntry {
    pub(super) dns_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hosted_zone_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DnsOptions {
    pub(super) dns_record_ip_type: String,
}

record!(
    VpcEndpoint,
    vpc_endpoint_id,
    Kind {
        cloudformation: "AWS::EC2::VPCEndpoint",
        taggable: "vpc-endpoint",
        set: "vpcEndpointSet",
        ids: "VpcEndpointId",
        not_found: "InvalidVpcEndpointId.NotFound",
        noun: "Vpc Endpoint Id",
        latency: &latency::GATEWAY_ENDPOINT,
        starts_pending: true,
        filters: &[
            ("vpc-endpoint-id", "vpcEndpointId"),
            ("vpc-id", "vpcId"),
            ("service-name", "serviceName"),
            ("vpc-endpoint-state", "state"),
            ("state", "state"),
            ("vpc-endpoint-type", "vpcEndpointType"),
        ],
    }
);
