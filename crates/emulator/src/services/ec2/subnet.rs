//! Subnets.

use serde_json::{Value, json};

use super::describe::{Record, describe_as, find, find_mut};
use super::records::{PrivateDnsNameOptions, Subnet};
use super::tags::Tags;
use super::vpc::boolean;
use super::zones::{self, Zone};
use super::{Answer, Cx, Region, done, network};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, to_json};

impl Region {
    pub(super) fn create_subnet(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let vpc_id = p.text("VpcId")?;
        let block = network::block(&mut p, "CidrBlock")?;
        let zone = zone(cx, &mut p)?;
        let tag_set = Tags::given_to::<Subnet>(&mut p)?;
        p.finish()?;
        let vpc = find(&self.vpcs, &vpc_id)?;
        let inside = network::stored(&vpc.cidr_block).contains(&block);
        if !inside || !network::has_legal_size(block) {
            let message = format!("The CIDR '{block}' is invalid.");
            return Err(Refusal::new("InvalidSubnet.Range", message));
        }
        let conflicts = |other: &&Subnet| {
            other.vpc_id == vpc_id && network::overlap(network::stored(&other.cidr_block), block)
        };
        if let Some(other) = self.subnets.values().find(conflicts) {
            let message = format!(
                "The CIDR '{block}' conflicts with another subnet ({}, {}).",
                other.subnet_id, other.cidr_block
            );
            return Err(Refusal::new("InvalidSubnet.Conflict", message));
        }
        let subnet_id = self.ids.id("subnet");
        let available = cx.after(Subnet::KIND.latency.create, &subnet_id);
        let subnet = Subnet {
            subnet_arn: format!("arn:aws:ec2:{}:{ACCOUNT_ID}:subnet/{subnet_id}", cx.region),
            subnet_id: subnet_id.clone(),
            state: if available.is_some() { "pending" } else { "available" }.to_owned(),
            owner_id: ACCOUNT_ID.to_owned(),
            vpc_id: vpc_id.clone(),
            cidr_block: block.to_string(),
            availability_zone: zone.name,
            availability_zone_id: zone.id,
            default_for_az: false,
            map_public_ip_on_launch: false,
            assign_ipv6_address_on_creation: false,
            map_customer_owned_ip_on_launch: false,
            enable_dns64: false,
            ipv6_native: false,
            private_dns_name_options_on_launch: PrivateDnsNameOptions {
                hostname_type: "ip-name".to_owned(),
                enable_resource_name_dns_a_record: false,
                enable_resource_name_dns_aaaa_record: false,
            },
            tag_set,
        };
        self.join_default_network_acl(&vpc_id, &subnet_id);
        let answer = json!({"subnet": self.show_subnet(cx, &subnet)});
        self.subnets.create(cx, subnet);
        if let Some(at_millis) = available {
            self.subnets.will_be(&subnet_id, "available", at_millis);
        }
        Ok(answer)
    }

    pub(super) fn describe_subnets(&self, cx: &Cx<'_>, p: Parameters) -> Answer {
        describe_as(&self.subnets, p, |subnet| self.show_subnet(cx, subnet))
    }

    pub(super) fn modify_subnet_attribute(&mut self, mut p: Parameters) -> Answer {
        let subnet = find_mut(&mut self.subnets, &p.text("SubnetId")?)?;
        let map_public_ip = boolean(&mut p, "MapPublicIpOnLaunch")?;
        let missing = p.missing("MapPublicIpOnLaunch");
        p.finish()?;
        subnet.map_public_ip_on_launch = map_public_ip.ok_or(missing)?;
        Ok(done())
    }

    /// A subnet with a network interface in it stays (EC2 API Reference, DeleteSubnet). Its associations with
    /// a route table and a network ACL go with it.
    pub(super) fn delete_subnet(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let id = p.text("SubnetId")?;
        p.finish()?;
        find(&self.subnets, &id)?;
        self.check_subnet_is_free(cx, &id)?;
        self.subnets.remove(&id);
        for table in self.route_tables.values_mut() {
            let is_other = |subnet: &Option<String>| subnet.as_deref() != Some(&id);
            table.association_set.retain(|a| is_other(&a.subnet_id));
        }
        for acl in self.network_acls.values_mut() {
            acl.association_set.retain(|a| a.subnet_id != id);
        }
        self.flow_logs.retain(|log| log.resource_id != id);
        Ok(done())
    }

    fn show_subnet(&self, cx: &Cx<'_>, subnet: &Subnet) -> Value {
        let usable = network::usable(network::stored(&subnet.cidr_block));
        let taken = self.addresses_taken(cx, &subnet.subnet_id);
        let mut value = to_json(subnet);
        value["availableIpAddressCount"] = usable.saturating_sub(taken).into();
        value["blockPublicAccessStates"] = self.block_public_access.states();
        value
    }
}

/// The zone that was asked for, or the first one.
fn zone(cx: &Cx<'_>, p: &mut Parameters) -> Result<Zone, Refusal> {
    let name = p.optional("AvailabilityZone")?;
    let id = p.optional("AvailabilityZoneId")?;
    let zones = zones::of(cx.region)?;
    let names: Vec<String> = zones.iter().map(|zone| zone.name.clone()).collect();
    let fits = |zone: &Zone| {
        name.as_ref().is_none_or(|name| *name == zone.name) && id.as_ref().is_none_or(|id| *id == zone.id)
    };
    zones.into_iter().find(fits).ok_or_else(|| {
        let given = name.or(id).unwrap_or_default();
        let message = format!(
            "Value ({given}) for parameter availabilityZone is invalid. Subnets can currently only be \
             created in the following availability zones: {}.",
            names.join(", ")
        );
        Refusal::new("InvalidParameterValue", message)
    })
}
