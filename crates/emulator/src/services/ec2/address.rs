//! Elastic IP addresses.

use std::net::Ipv4Addr;

use serde_json::json;

use super::describe::{describe_as, find};
use super::records::Address;
use super::tags::Tags;
use super::{Answer, Cx, Region, done};
use crate::protocol::parameters::Parameters;
use crate::services::{Refusal, to_json};

/// Our public addresses are in 198.18.0.0/15, which is set aside for tests and belongs to nobody (RFC 2544).
const FIRST_ADDRESS: u32 = u32::from_be_bytes([198, 18, 0, 0]);

impl Region {
    pub(super) fn allocate_address(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        if let Some(domain) = p.optional("Domain")?.filter(|domain| domain != "vpc") {
            return Err(p.invalid("Domain", &domain, "vpc"));
        }
        let tag_set = Tags::given_to::<Address>(&mut p)?;
        p.finish()?;
        let allocation_id = self.ids.id("eipalloc");
        // The counter of ids never repeats, so neither does the address for the first 131,072 objects.
        let number = (self.ids.given() % (1 << 17)) as u32;
        let address = Address {
            allocation_id,
            public_ip: Ipv4Addr::from(FIRST_ADDRESS + number).to_string(),
            domain: "vpc".to_owned(),
            public_ipv4_pool: "amazon".to_owned(),
            network_border_group: cx.region.to_owned(),
            association_id: None,
            network_interface_id: None,
            network_interface_owner_id: None,
            private_ip_address: None,
            tag_set,
        };
        let answer = json!({
            "allocationId": address.allocation_id,
            "publicIp": address.public_ip,
            "domain": address.domain,
            "publicIpv4Pool": address.public_ipv4_pool,
            "networkBorderGroup": address.network_border_group,
        });
        self.addresses.create(cx, address);
        Ok(answer)
    }

    pub(super) fn describe_addresses(&self, mut p: Parameters) -> Answer {
        let public_ips = p.texts("PublicIp")?;
        if let Some(unknown) =
            public_ips.iter().find(|ip| !self.addresses.seen_values().any(|a| a.public_ip == **ip))
        {
            let message = format!("Address '{unknown}' not found.");
            return Err(Refusal::new("InvalidAddress.NotFound", message));
        }
        let mut answer = describe_as(&self.addresses, p, to_json)?;
        if let Some(set) = answer["addressesSet"].as_array_mut() {
            set.retain(|address| {
                public_ips.is_empty() || public_ips.iter().any(|ip| address["publicIp"] == **ip)
            });
        }
        Ok(answer)
    }

    /// The names that addresses have in reverse DNS, which none has: names of one's own are not modelled.
    pub(super) fn describe_addresses_attribute(&self, mut p: Parameters) -> Answer {
        let ids = p.texts("AllocationId")?;
        if let Some(other) = p.optional("Attribute")?.filter(|attribute| attribute != "domain-name") {
            return Err(p.invalid("Attribute", &other, "domain-name"));
        }
        p.number("MaxResults")?;
        p.finish()?;
        for id in &ids {
            find(&self.addresses, id)?;
        }
        Ok(json!({"addressSet": []}))
    }

    pub(super) fn release_address(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("AllocationId")?;
        p.finish()?;
        let address = find(&self.addresses, &id)?;
        if address.association_id.is_some() {
            let message = format!("Address {} is in use.", address.public_ip);
            return Err(Refusal::new("InvalidIPAddress.InUse", message));
        }
        self.addresses.remove(&id);
        Ok(done())
    }
}
