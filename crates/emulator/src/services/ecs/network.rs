//! Where tasks live: subnets, security groups, addresses.

use std::net::Ipv4Addr;

use super::shapes::{AwsVpcConfiguration, NetworkConfiguration};
use super::{State, invalid};
use crate::services::{Cx, Refusal, ensure, refuse_if};

/// The subnets and groups of a network configuration, which must be there, in one VPC (ECS API Reference,
/// AwsVpcConfiguration); the VPC's id.
pub(super) fn check(cx: &Cx<'_>, configuration: Option<&NetworkConfiguration>) -> Result<String, Refusal> {
    let given = configuration.and_then(|configuration| configuration.awsvpc_configuration.as_ref());
    let Some(AwsVpcConfiguration { subnets, security_groups, .. }) = given else {
        return Err(invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    };
    ensure((1..=16).contains(&subnets.len()), || invalid("1 to 16 subnets must be given."))?;
    refuse_if(security_groups.len() > 5, || invalid("5 security groups can be given at most."))?;
    let mut vpcs = Vec::new();
    for id in subnets {
        let unknown =
            || invalid(format!("Error retrieving subnet information for [{id}]: it does not exist."));
        vpcs.push(cx.r.ec2.subnet_facts(id).ok_or_else(unknown)?.vpc_id);
    }
    for id in security_groups {
        let unknown =
            || invalid(format!("Error retrieving security group information for [{id}]: it does not exist."));
        vpcs.push(cx.r.ec2.group_vpc(id).ok_or_else(unknown)?);
    }
    let vpc = vpcs.first().cloned().unwrap_or_default();
    ensure(vpcs.iter().all(|other| *other == vpc), || {
        invalid("All subnets and security groups must belong to the same VPC.")
    })?;
    Ok(vpc)
}

/// A place for a task.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) subnet_id: String,
    pub(super) availability_zone: String,
    pub(super) group_ids: Vec<String>,
    pub(super) address: Ipv4Addr,
    pub(super) has_public_address: bool,
}

/// The place for one more task: in the subnet that has the fewest of the service's tasks (ECS Developer Guide, "Amazon
/// ECS services", "Replica scheduling strategy"), at an address that no other task has. `None` without a free one.
pub(super) fn place(cx: &Cx<'_>, service_arn: &str, configuration: &NetworkConfiguration) -> Option<Place> {
    let AwsVpcConfiguration { subnets, security_groups, assign_public_ip } =
        configuration.awsvpc_configuration.as_ref()?;
    let state = &cx.r.ecs;
    let emptiest = subnets.iter().min_by_key(|id| state.tasks_in(service_arn, id))?;
    let subnet = cx.r.ec2.subnet_facts(emptiest)?;
    // Of each subnet the first four addresses and the last one are AWS's own (VPC User Guide, "Subnet CIDR blocks").
    let taken = |address: &Ipv4Addr| state.tasks.values().any(|task| task.has_address(*address));
    let last = subnet.cidr.broadcast();
    let address = subnet.cidr.hosts().skip(3).find(|address| *address != last && !taken(address))?;
    let group_ids = if security_groups.is_empty() {
        cx.r.ec2.default_group(&subnet.vpc_id).into_iter().collect()
    } else {
        security_groups.clone()
    };
    Some(Place {
        subnet_id: subnet.subnet_id,
        availability_zone: subnet.availability_zone,
        group_ids,
        address,
        has_public_address: assign_public_ip == "ENABLED",
    })
}

impl State {
    /// How many tasks of a service are in a subnet.
    fn tasks_in(&self, service_arn: &str, subnet_id: &str) -> usize {
        let is_there = |task: &&super::Task| {
            task.service == service_arn
                && task.interface.as_ref().is_some_and(|interface| interface.subnet_id == subnet_id)
        };
        self.tasks.values().filter(is_there).count()
    }
}
