//! Network interfaces: those of NAT gateways and interface endpoints, which EC2 makes, and those of other services.
//!
//! An interface keeps its subnet, its security groups and, where a public address is mapped to it, the VPC's internet
//! gateway (EC2 API Reference, DeleteSubnet, DeleteSecurityGroup, DetachInternetGateway). Nobody but the service that
//! made it can remove it.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::describe::Filters;
use super::network;
use super::{Answer, Cx, Interface, Region};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, refuse_if};

/// What other services need to know of a subnet.
#[derive(Clone, Debug)]
pub(crate) struct SubnetFacts {
    pub(crate) subnet_id: String,
    pub(crate) vpc_id: String,
    pub(crate) availability_zone: String,
    pub(crate) cidr: ipnet::Ipv4Net,
}

impl Region {
    /// A subnet, for services that put interfaces into it.
    pub(crate) fn subnet_facts(&self, id: &str) -> Option<SubnetFacts> {
        let subnet = self.subnets.seen(id)?;
        Some(SubnetFacts {
            subnet_id: subnet.subnet_id.clone(),
            vpc_id: subnet.vpc_id.clone(),
            availability_zone: subnet.availability_zone.clone(),
            cidr: network::stored(&subnet.cidr_block),
        })
    }

    /// The VPC of a security group.
    pub(crate) fn group_vpc(&self, group_id: &str) -> Option<String> {
        self.security_groups.seen(group_id).map(|group| group.vpc_id.clone())
    }

    /// Whether there is such a VPC.
    pub(crate) fn vpc_exists(&self, id: &str) -> bool {
        self.vpcs.seen(id).is_some()
    }

    /// The group that an interface gets if none is named.
    pub(crate) fn default_group(&self, vpc_id: &str) -> Option<String> {
        let is_it = |group: &&super::SecurityGroup| group.vpc_id == vpc_id && group.is_default();
        self.security_groups.values().find(is_it).map(|group| group.group_id.clone())
    }

    /// The zone of the subnet that an address of a VPC is in.
    pub(crate) fn zone_of_address(&self, vpc_id: &str, address: Ipv4Addr) -> Option<String> {
        let holds = |subnet: &&super::Subnet| {
            subnet.vpc_id == vpc_id && network::stored(&subnet.cidr_block).contains(&address)
        };
        self.subnets.values().find(holds).map(|subnet| subnet.availability_zone.clone())
    }

    /// How many addresses of a subnet are free, where other services have these interfaces.
    pub(crate) fn free_addresses(&self, subnet: &SubnetFacts, others: &[Interface]) -> u32 {
        let own = self.own_interfaces();
        let taken = others.iter().chain(&own).filter(|taken| taken.subnet_id == subnet.subnet_id).count();
        network::usable(subnet.cidr).saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// All interfaces of the region.
    fn all_interfaces(&self, cx: &Cx<'_>) -> Vec<Interface> {
        let mut all = cx.interfaces.clone();
        all.extend(self.own_interfaces());
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Those that EC2 makes.
    fn own_interfaces(&self) -> Vec<Interface> {
        let mut all = Vec::new();
        for nat in self.live_nat_gateways() {
            for address in &nat.nat_gateway_address_set {
                let Some(id) = &address.network_interface_id else { continue };
                all.push(Interface {
                    id: id.clone(),
                    subnet_id: nat.subnet_id.clone(),
                    group_ids: Vec::new(),
                    description: format!("Interface for NAT Gateway {}", nat.nat_gateway_id),
                    interface_type: "nat_gateway".to_owned(),
                    has_public_address: address.public_ip.is_some(),
                });
            }
        }
        for endpoint in self.vpc_endpoints.values() {
            let both = endpoint.network_interface_id_set.iter().zip(&endpoint.subnet_id_set);
            all.extend(both.map(|(id, subnet_id)| Interface {
                id: id.clone(),
                subnet_id: subnet_id.clone(),
                group_ids: endpoint.group_set.iter().map(|group| group.group_id.clone()).collect(),
                description: format!("VPC Endpoint Interface {}", endpoint.vpc_endpoint_id),
                interface_type: "vpc_endpoint".to_owned(),
                has_public_address: false,
            }));
        }
        all
    }

    /// Refuses where an interface is in a subnet.
    pub(super) fn check_subnet_is_free(&self, cx: &Cx<'_>, subnet_id: &str) -> Result<(), Refusal> {
        refuse_if(self.all_interfaces(cx).iter().any(|interface| interface.subnet_id == subnet_id), || {
            let message = format!("The subnet '{subnet_id}' has dependencies and cannot be deleted.");
            Refusal::new("DependencyViolation", message)
        })
    }

    /// Whether an interface is in a security group.
    pub(super) fn group_is_attached(&self, cx: &Cx<'_>, group_id: &str) -> bool {
        self.all_interfaces(cx).iter().any(|interface| interface.group_ids.iter().any(|id| id == group_id))
    }

    /// Whether a public address is mapped in a VPC.
    pub(super) fn has_mapped_address(&self, cx: &Cx<'_>, vpc_id: &str) -> bool {
        let is_in_vpc = |interface: &Interface| {
            self.subnets.get(&interface.subnet_id).is_some_and(|subnet| subnet.vpc_id == vpc_id)
        };
        self.all_interfaces(cx).iter().any(|interface| interface.has_public_address && is_in_vpc(interface))
    }

    /// How many interfaces of other services and of endpoints take an address of a subnet, besides NAT gateways.
    pub(super) fn addresses_taken(&self, cx: &Cx<'_>, subnet_id: &str) -> u32 {
        let all = self.all_interfaces(cx);
        let count = all.iter().filter(|interface| interface.subnet_id == subnet_id).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    pub(super) fn describe_network_interfaces(&self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let ids = p.texts("NetworkInterfaceId")?;
        let known = [
            ("network-interface-id", "networkInterfaceId"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
            ("group-id", "groupSet.groupId"),
            ("description", "description"),
            ("interface-type", "interfaceType"),
            ("status", "status"),
            ("requester-managed", "requesterManaged"),
            ("availability-zone", "availabilityZone"),
        ];
        let filters = Filters::read(&mut p, &known, true)?;
        // Everything is returned at once, so there is never a second page to ask for.
        p.number("MaxResults")?;
        p.finish()?;
        let all = self.all_interfaces(cx);
        if let Some(id) = ids.iter().find(|id| !all.iter().any(|interface| interface.id == **id)) {
            let message = format!("The networkInterface ID '{id}' does not exist");
            return Err(Refusal::new("InvalidNetworkInterfaceID.NotFound", message));
        }
        let shown: Vec<Value> = all
            .iter()
            .filter(|interface| ids.is_empty() || ids.contains(&interface.id))
            .map(|interface| self.show_interface(interface))
            .filter(|value| filters.match_all(value))
            .collect();
        Ok(json!({"networkInterfaceSet": shown}))
    }

    fn show_interface(&self, interface: &Interface) -> Value {
        let subnet = self.subnets.get(&interface.subnet_id);
        let groups: Vec<Value> = interface
            .group_ids
            .iter()
            .map(|id| {
                let name = self.security_groups.get(id).map(|group| &group.group_name);
                json!({"groupId": id, "groupName": name})
            })
            .collect();
        json!({
            "networkInterfaceId": interface.id,
            "subnetId": interface.subnet_id,
            "vpcId": subnet.map(|subnet| &subnet.vpc_id),
            "availabilityZone": subnet.map(|subnet| &subnet.availability_zone),
            "description": interface.description,
            "interfaceType": interface.interface_type,
            "ownerId": ACCOUNT_ID,
            "requesterManaged": true,
            "status": "in-use",
            "groupSet": groups,
            "tagSet": [],
        })
    }
}
