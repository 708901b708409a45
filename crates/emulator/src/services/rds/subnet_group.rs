//! Subnet groups: the subnets in which a cluster's instances may be.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::{Kind, Record, find, find_mut, free, invalid, required};
use super::pages::{Describe, Listing};
use super::{State, names, tags};
use crate::services::{Answer, Call, Cx, Refusal, Tag, Tags, refuse_if, to_json};

/// RDS User Guide, "Quotas for Amazon RDS", "Subnets per DB subnet group".
const MOST_SUBNETS: usize = 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SubnetGroup {
    #[serde(rename = "DBSubnetGroupName")]
    pub(super) name: String,
    #[serde(rename = "DBSubnetGroupDescription")]
    description: String,
    pub(super) vpc_id: String,
    subnet_group_status: String,
    pub(super) subnets: Vec<Subnet>,
    #[serde(rename = "DBSubnetGroupArn")]
    arn: String,
    supported_network_types: Vec<String>,
    #[serde(rename = "_tags")]
    tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Subnet {
    pub(super) subnet_identifier: String,
    pub(super) subnet_availability_zone: Zone,
    subnet_status: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Zone {
    pub(super) name: String,
}

impl Record for SubnetGroup {
    const KIND: Kind = Kind {
        noun: "DB subnet group",
        resource: "subgrp",
        cloudformation: "AWS::RDS::DBSubnetGroup",
        not_found: "DBSubnetGroupNotFoundFault",
        exists: "DBSubnetGroupAlreadyExists",
    };
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn tags_mut(&mut self) -> &mut Tags {
        &mut self.tags
    }
}

impl SubnetGroup {
    pub(super) fn zones(&self) -> BTreeSet<String> {
        self.subnets.iter().map(|subnet| subnet.subnet_availability_zone.name.clone()).collect()
    }

    pub(super) fn show(&self) -> Value {
        to_json(self)
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, description, subnet_ids, tags): (String, String, Vec<String>, Vec<Tag>) =
        call.members(&["DBSubnetGroupName", "DBSubnetGroupDescription", "SubnetIds", "Tags"])?;
    let name = names::subnet_group(&name)?;
    refuse_if(description.is_empty(), || required("DBSubnetGroupDescription"))?;
    free(&cx.r.rds.subnet_groups, &name)?;
    let tags = tags::read(tags)?;
    let (vpc_id, subnets) = subnets(cx, &subnet_ids)?;
    let group = SubnetGroup {
        arn: cx.arn("rds", &format!("{}:{name}", SubnetGroup::KIND.resource)),
        name: name.clone(),
        description,
        vpc_id,
        subnet_group_status: "Complete".to_owned(),
        subnets,
        supported_network_types: vec!["IPV4".to_owned()],
        tags,
    };
    let answer = json!({"DBSubnetGroup": group.show()});
    cx.r.rds.subnet_groups.insert(name, group);
    Ok(answer)
}

pub(super) fn describe(cx: &Cx<'_>, call: &Call) -> Answer {
    const LISTING: Listing = Listing { member: "DBSubnetGroups", name: "DBSubnetGroupName", filters: &[] };
    let asked = Describe::read(call)?;
    let groups = &cx.r.rds.subnet_groups;
    match &asked.subnet_group {
        Some(name) => asked.page(&LISTING, [find(groups, name)?.show()]),
        None => asked.page(&LISTING, groups.values().map(SubnetGroup::show)),
    }
}

pub(super) fn modify(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (name, description, subnet_ids): (String, Option<String>, Vec<String>) =
        call.members(&["DBSubnetGroupName", "DBSubnetGroupDescription", "SubnetIds"])?;
    let group = find(&cx.r.rds.subnet_groups, &name)?;
    let (vpc_id, subnets) = subnets(cx, &subnet_ids)?;
    if vpc_id != group.vpc_id {
        return Err(invalid("The new Subnets are not in the same Vpc as the existing subnet group"));
    }
    check_used_subnets(&cx.r.rds, group, &subnets)?;
    let group = find_mut(&mut cx.r.rds.subnet_groups, &name)?;
    group.subnets = subnets;
    if let Some(description) = description {
        group.description = description;
    }
    Ok(json!({"DBSubnetGroup": group.show()}))
}

/// A group stays while a cluster uses it (RDS API Reference, DeleteDBSubnetGroup: "The specified database subnet group
/// must not be associated with any DB instances").
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let name: String = call.member("DBSubnetGroupName")?;
    let state = &mut cx.r.rds;
    let name = find(&state.subnet_groups, &name)?.name.clone();
    if let Some(cluster) = state.clusters.values().find(|cluster| cluster.subnet_group == name) {
        return Err(Refusal::new(
            "InvalidDBSubnetGroupStateFault",
            format!(
                "Cannot delete the subnet group '{name}' because at least one database cluster: {} is still using it.",
                cluster.id
            ),
        ));
    }
    state.subnet_groups.remove(&name);
    Ok(json!({}))
}

/// A subnet with an instance in it stays in its group (RDS API Reference, ModifyDBSubnetGroup, `SubnetAlreadyInUse`).
fn check_used_subnets(state: &State, group: &SubnetGroup, kept: &[Subnet]) -> Result<(), Refusal> {
    let keeps = |id: &str| kept.iter().any(|subnet| subnet.subnet_identifier == id);
    let of_group =
        |cluster: &str| state.clusters.get(cluster).is_some_and(|cluster| cluster.subnet_group == group.name);
    let dropped = |interface: &str| !keeps(interface);
    let used = state
        .instances
        .values()
        .find(|instance| of_group(&instance.cluster) && dropped(&instance.interface.subnet_id));
    match used {
        None => Ok(()),
        Some(instance) => Err(Refusal::new(
            "SubnetAlreadyInUse",
            format!("The subnet {} is in use by DB instance {}.", instance.interface.subnet_id, instance.id),
        )),
    }
}

/// The subnets of a group and their VPC (RDS API Reference, CreateDBSubnetGroup: "DB subnet groups must contain at
/// least one subnet in at least two AZs"; error `InvalidSubnet`: "multiple subnets were requested that are not all in a
/// common VPC").
fn subnets(cx: &Cx<'_>, ids: &[String]) -> Result<(String, Vec<Subnet>), Refusal> {
    let ids: BTreeSet<&String> = ids.iter().collect();
    if ids.len() > MOST_SUBNETS {
        let message = format!("A DB subnet group can have {MOST_SUBNETS} subnets at most.");
        return Err(Refusal::new("DBSubnetQuotaExceededFault", message));
    }
    let mut vpcs = BTreeSet::new();
    let mut subnets = Vec::new();
    for id in ids {
        let Some(facts) = cx.r.ec2.subnet_facts(id) else {
            let message = format!("Some input subnets in :[{id}] are invalid.");
            return Err(Refusal::new("InvalidSubnet", message));
        };
        vpcs.insert(facts.vpc_id);
        subnets.push(Subnet {
            subnet_identifier: id.clone(),
            subnet_availability_zone: Zone { name: facts.availability_zone },
            subnet_status: "Active".to_owned(),
        });
    }
    let zones: BTreeSet<&String> =
        subnets.iter().map(|subnet| &subnet.subnet_availability_zone.name).collect();
    refuse_if(vpcs.len() > 1, || Refusal::new("InvalidSubnet", "The subnets are not all in a common VPC."))?;
    match vpcs.pop_first() {
        Some(vpc_id) if zones.len() >= 2 => Ok((vpc_id, subnets)),
        _ => Err(Refusal::new(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            format!(
                "DB Subnet Group doesn't meet availability zone coverage requirement. Please add subnets to cover at \
                 least 2 availability zones. Current coverage: {}",
                zones.len()
            ),
        )),
    }
}
