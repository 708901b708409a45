//! The subnets and security groups of a load balancer.

use std::collections::BTreeSet;

use super::records::{AvailabilityZone, LoadBalancer};
use super::{State, invalid, wrong_configuration};
use crate::services::{Cx, Interface, Refusal};

/// Subnets that a load balancer may have, and their VPC.
pub(super) struct Placement {
    pub(super) vpc_id: String,
    pub(super) zones: Vec<AvailabilityZone>,
}

/// How many addresses must be free in a subnet (User Guide for Application Load Balancers, "Subnets for your load
/// balancer").
const FREE_ADDRESSES: u32 = 8;

/// Checks the subnets of a load balancer. `kept` are those that it has already.
pub(super) fn place(
    cx: &Cx<'_>,
    subnet_ids: &[String],
    kept: &[AvailabilityZone],
    scheme: &str,
) -> Result<Placement, Refusal> {
    let interfaces = cx.r.interfaces();
    let mut vpcs = BTreeSet::new();
    let mut zones: Vec<AvailabilityZone> = Vec::new();
    for id in subnet_ids {
        let Some(subnet) = cx.r.ec2.subnet_facts(id) else {
            return Err(Refusal::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist")));
        };
        if zones.iter().any(|zone| zone.zone_name == subnet.availability_zone) {
            // The code is the one that users of several tools report.
            let message =
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
            return Err(wrong_configuration(message));
        }
        let is_full = cx.r.ec2.free_addresses(&subnet, &interfaces) < FREE_ADDRESSES;
        if is_full && kept.iter().all(|zone| zone.subnet_id != *id) {
            let message =
                format!("Not enough IP space available in {id}. ELB requires at least 8 free IP addresses");
            return Err(invalid_subnet(message));
        }
        vpcs.insert(subnet.vpc_id);
        zones.push(AvailabilityZone { zone_name: subnet.availability_zone, subnet_id: id.clone() });
    }
    let vpc_id = match (vpcs.pop_first(), vpcs.is_empty()) {
        (Some(vpc_id), true) if zones.len() >= 2 => vpc_id,
        (_, false) => return Err(wrong_configuration("All subnets must belong to the same VPC")),
        _ => {
            let message = "At least two subnets in two different Availability Zones must be specified";
            return Err(invalid(message));
        }
    };
    if scheme == "internet-facing" && !cx.r.ec2.has_internet_gateway(&vpc_id) {
        return Err(invalid_subnet(format!("VPC {vpc_id} has no internet gateway")));
    }
    zones.sort_by(|a, b| a.zone_name.cmp(&b.zone_name));
    Ok(Placement { vpc_id, zones })
}

fn invalid_subnet(message: String) -> Refusal {
    Refusal::new("InvalidSubnet", message)
}

/// Checks that security groups are in a VPC.
pub(super) fn check_groups(cx: &Cx<'_>, group_ids: &[String], vpc_id: &str) -> Result<(), Refusal> {
    let refused = |message: String| Err(Refusal::new("InvalidSecurityGroup", message));
    for (at, id) in group_ids.iter().enumerate() {
        match cx.r.ec2.group_vpc(id) {
            None => return refused(format!("The security group '{id}' does not exist")),
            Some(other) if other != vpc_id => {
                return refused(format!("The security group '{id}' does not belong to VPC '{vpc_id}'"));
            }
            Some(_) if group_ids[..at].contains(id) => {
                return refused(format!("The security group '{id}' is given more than once"));
            }
            Some(_) => {}
        }
    }
    // Amazon VPC quotas: 5 security groups for a network interface.
    match group_ids.len() {
        ..=5 => Ok(()),
        _ => refused("A load balancer can have 5 security groups at most".to_owned()),
    }
}

impl State {
    /// Makes a load balancer's interfaces equal to its subnets and groups, one in each subnet.
    ///
    /// Returns those that it no longer has.
    pub(super) fn attach(&mut self, load_balancer: &mut LoadBalancer) -> Vec<Interface> {
        let mut old = std::mem::take(&mut load_balancer.interfaces);
        for zone in &load_balancer.availability_zones {
            let at = old.iter().position(|interface| interface.subnet_id == zone.subnet_id);
            let interface = at.map(|at| old.swap_remove(at));
            let id = interface.map_or_else(|| self.ids.id("eni"), |interface| interface.id);
            load_balancer.interfaces.push(Interface {
                id,
                subnet_id: zone.subnet_id.clone(),
                group_ids: load_balancer.security_groups.clone(),
                description: format!("ELB {}", load_balancer.path()),
                interface_type: "interface".to_owned(),
                has_public_address: load_balancer.scheme == "internet-facing",
            });
        }
        old
    }
}
