//! NAT gateways.
//!
//! What is wrong with a NAT gateway shows after the create call has succeeded: it goes to `failed` with a
//! reason (VPC User Guide, "NAT gateway creation fails"). A gateway that was deleted or has failed stays visible
//! for about an hour; its interface and its address are free at once.

use serde_json::json;

use super::describe::{describe, find, find_mut};
use super::records::{NatAddress, NatGateway};
use super::tags::Tags;
use super::{Answer, Cx, Region, network, wire};
use crate::emulator::ACCOUNT_ID;
use crate::parameters::Parameters;

/// How long a gateway that is gone is still shown (VPC User Guide, "Delete a NAT gateway").
const VISIBLE_MILLIS: i64 = 60 * 60 * 1000;

impl Region {
    pub(super) fn create_nat_gateway(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let subnet_id = p.text("SubnetId")?;
        let connectivity_type = p.optional("ConnectivityType")?.unwrap_or_else(|| "public".to_owned());
        let allocation_id = match connectivity_type.as_str() {
            "public" => Some(p.text("AllocationId")?),
            "private" => None,
            other => return Err(p.invalid("ConnectivityType", other, "public or private")),
        };
        // `zonal` is what a gateway in one subnet is; a regional one takes no subnet at all.
        if let Some(mode) = p.optional("AvailabilityMode")?.filter(|mode| mode != "zonal") {
            return Err(p.invalid("AvailabilityMode", &mode, "zonal, the one modelled"));
        }
        let tag_set = Tags::given_to::<NatGateway>(&mut p)?;
        p.finish()?;
        let subnet = find(&self.subnets, &subnet_id)?;
        let vpc_id = subnet.vpc_id.clone();
        let taken = self.private_addresses(&subnet_id);
        let private_ip = network::free_address(network::stored(&subnet.cidr_block), &taken);
        let address = match &allocation_id {
            Some(id) => Some(find(&self.addresses, id)?),
            None => None,
        };
        let failure = if private_ip.is_none() {
            let reason = "Subnet has insufficient free addresses to create this NAT gateway";
            Some(("InsufficientFreeAddressesInSubnet", reason.to_owned()))
        } else if allocation_id.is_some() && !self.has_internet_gateway(&vpc_id) {
            let reason = format!("Network {vpc_id} has no Internet gateway attached");
            Some(("Gateway.NotAttached", reason))
        } else if let Some(used) = address.filter(|address| address.association_id.is_some()) {
            let id = &used.allocation_id;
            let reason = format!("Elastic IP address [{id}] is already associated");
            Some(("Resource.AlreadyAssociated", reason))
        } else {
            None
        };
        let public_ip = address.map(|address| address.public_ip.clone());
        let nat_gateway_id = self.ids.id("nat");
        let mut nat_address = NatAddress {
            allocation_id: allocation_id.clone(),
            association_id: None,
            network_interface_id: None,
            private_ip: None,
            public_ip: None,
            is_primary: true,
            status: "failed".to_owned(),
        };
        if failure.is_none() {
            nat_address.network_interface_id = Some(self.ids.id("eni"));
            nat_address.private_ip = private_ip.map(|ip| ip.to_string());
            nat_address.public_ip = public_ip;
            nat_address.status = "succeeded".to_owned();
        }
        if let (Some(id), None) = (&allocation_id, &failure) {
            nat_address.association_id = Some(self.ids.id("eipassoc"));
            let address = find_mut(&mut self.addresses, id)?;
            address.association_id = nat_address.association_id.clone();
            address.network_interface_id = nat_address.network_interface_id.clone();
            address.network_interface_owner_id = Some(ACCOUNT_ID.to_owned());
            address.private_ip_address = nat_address.private_ip.clone();
        }
        let state = if failure.is_some() { "failed" } else { "available" };
        let (failure_code, failure_message) = failure.unzip();
        let nat = NatGateway {
            nat_gateway_id: nat_gateway_id.clone(),
            subnet_id,
            vpc_id,
            state: state.to_owned(),
            connectivity_type,
            nat_gateway_address_set: vec![nat_address],
            create_time: cx.now(),
            delete_time: None,
            ended_millis: failure_code.map(|_| cx.now_millis),
            failure_code: failure_code.map(str::to_owned),
            failure_message,
            tag_set,
        };
        let answer = json!({"natGateway": wire(&nat)});
        self.nat_gateways.insert(nat_gateway_id, nat);
        self.refresh_routes();
        Ok(answer)
    }

    pub(super) fn describe_nat_gateways(&self, p: Parameters) -> Answer {
        describe(&self.nat_gateways, p)
    }

    pub(super) fn delete_nat_gateway(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let id = p.text("NatGatewayId")?;
        p.finish()?;
        let nat = find_mut(&mut self.nat_gateways, &id)?;
        if nat.state != "deleted" {
            nat.state = "deleted".to_owned();
            nat.delete_time = Some(cx.now());
            nat.ended_millis = Some(cx.now_millis);
            let freed =
                nat.nat_gateway_address_set.iter().filter_map(|address| address.association_id.as_ref());
            for association in freed {
                for address in self.addresses.values_mut() {
                    if address.association_id.as_ref() == Some(association) {
                        address.association_id = None;
                        address.network_interface_id = None;
                        address.network_interface_owner_id = None;
                        address.private_ip_address = None;
                    }
                }
            }
            self.refresh_routes();
        }
        Ok(json!({"natGatewayId": id}))
    }

    /// Those that hold an interface in their subnet.
    pub(super) fn live_nat_gateways(&self) -> impl Iterator<Item = &NatGateway> {
        self.nat_gateways.values().filter(|nat| !matches!(nat.state.as_str(), "deleted" | "failed"))
    }

    /// The private addresses that are taken in a subnet.
    pub(super) fn private_addresses(&self, subnet_id: &str) -> Vec<String> {
        self.live_nat_gateways()
            .filter(|nat| nat.subnet_id == subnet_id)
            .flat_map(|nat| &nat.nat_gateway_address_set)
            .filter_map(|address| address.private_ip.clone())
            .collect()
    }

    /// Forgets gateways that have been gone for as long as EC2 shows them.
    pub(super) fn forget_old(&mut self, cx: &Cx<'_>) {
        self.nat_gateways
            .retain(|_, nat| nat.ended_millis.is_none_or(|ended| cx.now_millis - ended < VISIBLE_MILLIS));
    }
}
