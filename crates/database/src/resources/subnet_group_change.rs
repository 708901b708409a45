//! What a change of the subnets of a DB subnet group can and cannot be.
//!
//! An instance stays in the subnet that it was made in, and RDS refuses to take that subnet out of the group:
//! `SubnetAlreadyInUse` (RDS API Reference, ModifyDBSubnetGroup). Found here before anything is called, since by then the new
//! subnets would be there and the old ones about to go.

use std::collections::BTreeSet;

use aws::rds::client;
use aws::{Called, Context};
use engine::{CallError, Foreseen, Resource as _, Wish};

use super::Instance;
use super::subnet_group::describe;

/// Refuses a change that takes away the only subnet of a zone in which an instance runs that stays.
pub(super) async fn foresee(cx: &Context, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
    let Some(there) = wish.there else { return Ok(Foreseen::nothing()) };
    let declared: BTreeSet<&str> =
        wish.declared["SubnetIds"].as_array().into_iter().flatten().filter_map(|id| id.as_str()).collect();
    let live = there.live["SubnetIds"].as_array().into_iter().flatten().filter_map(|id| id.as_str());
    let name = there.live["DBSubnetGroupName"].as_str().unwrap_or_default();
    if live.clone().all(|id| declared.contains(id)) {
        return Ok(Foreseen::nothing());
    }
    let Some(group) = describe(cx, &name.into()).await? else { return Ok(Foreseen::nothing()) };
    // Of a zone that keeps one of its subnets, nobody can tell which the instance is in. Then RDS decides.
    let (mut given_up, mut kept) = (Vec::new(), BTreeSet::new());
    for subnet in group.subnets() {
        let id = subnet.subnet_identifier().unwrap_or_default();
        let zone = subnet.subnet_availability_zone().and_then(|zone| zone.name()).unwrap_or_default();
        match declared.contains(id) {
            true => drop(kept.insert(zone)),
            false => given_up.push((id, zone)),
        }
    }
    given_up.retain(|(_, zone)| !kept.contains(zone));
    if given_up.is_empty() {
        return Ok(Foreseen::nothing());
    }
    let instances = client(cx).describe_db_instances().into_paginator().items().send().try_collect().await;
    let instances = instances.called("DescribeDBInstances")?;
    let goes = |id: &str| {
        let of_kind = |going: &&engine::Going| going.kind == Instance::<engine::Resolved>::KIND;
        wish.going.iter().filter(of_kind).any(|going| going.properties["DBInstanceIdentifier"] == id)
    };
    for instance in &instances {
        let id = instance.db_instance_identifier().unwrap_or_default();
        let is_in = instance.db_subnet_group().and_then(|group| group.db_subnet_group_name()) == Some(name);
        let stays = instance.db_instance_status() != Some("deleting") && !goes(id);
        let zone = instance.availability_zone().unwrap_or_default();
        let subnet = given_up.iter().find(|(_, given_up)| *given_up == zone).filter(|_| is_in && stays);
        if let Some((subnet, _)) = subnet {
            let reason = format!(
                "the instance {id} runs in {subnet}, the subnet of {zone}, and would be left without: an instance cannot change its \
                 subnet"
            );
            let hint = "leave the database subnet of this zone as it is; or move the database to other zones with \
                        `vpc.availability_zones` first, which makes new instances and keeps the data, and come back with the new \
                        blocks in a second run";
            return Ok(Foreseen::refusal(reason, hint));
        }
    }
    Ok(Foreseen::nothing())
}
