//! NAT gateways.
//!
//! What is wrong with a NAT gateway shows after the create call has succeeded: it goes to `failed` with a
//! reason (VPC User Guide, "NAT gateway creation fails"). While one is `deleting` it still holds its address and its
//! interface in the subnet. One that was deleted or has failed stays visible for about an hour and holds nothing
//! (VPC User Guide, "Delete a NAT gateway").

use serde_json::json;

use super::describe::{Record, describe, find, find_mut};
use super::records::{Failure, NatAddress, NatGateway};
use super::tags::Tags;
use super::{Answer, Cx, Region, network};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, to_json};

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
            status: "associating".to_owned(),
        };
        if failure.is_none() {
            nat_address.network_interface_id = Some(self.ids.id("eni"));
            nat_address.private_ip = private_ip.map(|ip| ip.to_string());
            nat_address.public_ip = public_ip;
        }
        if let (Some(id), None) = (&allocation_id, &failure) {
            nat_address.association_id = Some(self.ids.id("eipassoc"));
            let address = find_mut(&mut self.addresses, id)?;
            address.association_id = nat_address.association_id.clone();
            address.network_interface_id = nat_address.network_interface_id.clone();
            address.network_interface_owner_id = Some(ACCOUNT_ID.to_owned());
            address.private_ip_address = nat_address.private_ip.clone();
        }
        let outcome = if failure.is_some() { "failed" } else { "available" };
        let nat = NatGateway {
            nat_gateway_id: nat_gateway_id.clone(),
            subnet_id,
            vpc_id,
            state: "pending".to_owned(),
            connectivity_type,
            nat_gateway_address_set: vec![nat_address],
            create_time: cx.now(),
            delete_time: None,
            ended_millis: None,
            failure_code: None,
            failure_message: None,
            failure: failure.map(|(code, message)| Failure { code: code.to_owned(), message }),
            tag_set,
        };
        self.nat_gateways.create(cx, nat);
        match cx.after(NatGateway::KIND.latency.create, &nat_gateway_id) {
            Some(at_millis) => self.nat_gateways.will_be(&nat_gateway_id, outcome, at_millis),
            None => self.nat_gateway_is(&nat_gateway_id, outcome, cx.now_millis),
        }
        Ok(json!({"natGateway": self.nat_gateways.get_mut(&nat_gateway_id).map(|nat| to_json(nat))}))
    }

    pub(super) fn describe_nat_gateways(&self, p: Parameters) -> Answer {
        describe(&self.nat_gateways, p)
    }

    pub(super) fn delete_nat_gateway(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let id = p.text("NatGatewayId")?;
        p.finish()?;
        let nat = find_mut(&mut self.nat_gateways, &id)?;
        if !matches!(nat.state.as_str(), "deleting" | "deleted") {
            nat.delete_time = Some(cx.now());
            // One that has failed has nothing to take down.
            let has_failed = nat.state == "failed";
            match cx.after(NatGateway::KIND.latency.delete, &format!("{id} delete")) {
                Some(at_millis) if !has_failed => {
                    nat.state = "deleting".to_owned();
                    self.nat_gateways.will_be(&id, "deleted", at_millis);
                }
                _ => self.nat_gateway_is(&id, "deleted", cx.now_millis),
            }
        }
        Ok(json!({"natGatewayId": id}))
    }

    /// What happens when a gateway reaches a state.
    pub(super) fn nat_gateway_is(&mut self, id: &str, state: &str, at_millis: i64) {
        let Some(nat) = self.nat_gateways.get_mut(id) else {
            return;
        };
        nat.state = state.to_owned();
        let addresses = &mut nat.nat_gateway_address_set;
        match state {
            "available" => addresses.iter_mut().for_each(|address| address.status = "succeeded".to_owned()),
            "failed" => {
                addresses.iter_mut().for_each(|address| address.status = "failed".to_owned());
                (nat.failure_code, nat.failure_message) =
                    nat.failure.take().map(|failure| (failure.code, failure.message)).unzip();
                nat.ended_millis = Some(at_millis);
            }
            _ => {
                nat.ended_millis = Some(at_millis);
                let freed: Vec<&String> =
                    addresses.iter().filter_map(|address| address.association_id.as_ref()).collect();
                for address in self.addresses.values_mut() {
                    if address.association_id.as_ref().is_some_and(|id| freed.contains(&id)) {
                        address.association_id = None;
                        address.network_interface_id = None;
                        address.network_interface_owner_id = None;
                        address.private_ip_address = None;
                    }
                }
            }
        }
        self.refresh_routes();
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
    pub(super) fn forget_old(&mut self, now_millis: i64) {
        self.nat_gateways
            .retain(|nat| nat.ended_millis.is_none_or(|ended| now_millis - ended < VISIBLE_MILLIS));
    }
}
