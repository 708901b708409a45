//! Which ways lead out of a subnet: routes to the internet, and endpoints of AWS services.
//!
//! A route table decides (VPC User Guide, "Configure route tables"): the subnet's own or the VPC's main one. An internet gateway
//! is a way only for what has a public address, a NAT gateway is one for all ("NAT gateways": public ones, in a subnet with a
//! route to an internet gateway). An interface endpoint serves the whole VPC while its private DNS is on (AWS PrivateLink Guide,
//! "Private DNS"), a gateway endpoint those subnets whose route tables it is in. Security groups, network ACLs and the policies of
//! endpoints are not looked at.

use super::Region;
use super::records::{Route, RouteTable};

/// Every address.
const ANYWHERE: &str = "0.0.0.0/0";

impl Region {
    /// Whether what is in a subnet reaches the internet.
    pub(crate) fn reaches_internet(&self, subnet_id: &str, has_public_address: bool) -> bool {
        let Some(route) = self.route_anywhere(subnet_id) else { return false };
        match &route.nat_gateway_id {
            Some(nat) => self.nat_gateways.get(nat).is_some_and(|nat| {
                nat.state == "available"
                    && nat.connectivity_type == "public"
                    && self.route_anywhere(&nat.subnet_id).is_some_and(|route| route.gateway_id.is_some())
            }),
            None => has_public_address && route.gateway_id.is_some(),
        }
    }

    /// Whether an endpoint leads from a subnet to a service of this region, such as `ecr.api`.
    pub(crate) fn has_endpoint(&self, region: &str, subnet_id: &str, service: &str) -> bool {
        let (Some(subnet), Some(table)) = (self.subnets.get(subnet_id), self.table_of(subnet_id)) else {
            return false;
        };
        let name = format!("com.amazonaws.{region}.{service}");
        self.vpc_endpoints.values().any(|endpoint| {
            let leads = match endpoint.vpc_endpoint_type.as_str() {
                "Interface" => endpoint.private_dns_enabled,
                _ => endpoint.route_table_id_set.contains(&table.route_table_id),
            };
            leads
                && endpoint.state == "available"
                && endpoint.vpc_id == subnet.vpc_id
                && endpoint.service_name == name
        })
    }

    /// The subnet's route to every address, if it leads somewhere.
    fn route_anywhere(&self, subnet_id: &str) -> Option<&Route> {
        let leads = |route: &&Route| {
            route.destination_cidr_block.as_deref() == Some(ANYWHERE) && route.state == "active"
        };
        self.table_of(subnet_id)?.route_set.iter().find(leads)
    }

    /// The route table that decides for a subnet.
    fn table_of(&self, subnet_id: &str) -> Option<&RouteTable> {
        let own = |table: &&RouteTable| {
            table.association_set.iter().any(|one| one.subnet_id.as_deref() == Some(subnet_id))
        };
        let vpc_id = &self.subnets.get(subnet_id)?.vpc_id;
        let main =
            |table: &&RouteTable| table.vpc_id == *vpc_id && table.association_set.iter().any(|one| one.main);
        self.route_tables.values().find(own).or_else(|| self.route_tables.values().find(main))
    }
}
