//! Network ACLs. Every subnet is associated with exactly one; a new subnet joins the VPC's default one
//! (VPC User Guide, "Network ACL basics").

use serde_json::json;

use super::describe::{describe, find, find_mut};
use super::guard_records::{IcmpTypeCode, NetworkAcl, NetworkAclAssociation, NetworkAclEntry, PortRange};
use super::tags::Tags;
use super::{Answer, Cx, Region, done};
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, refuse_if, to_json};

/// The entry that denies what nothing else decided. It is shown as `*` and cannot be touched.
const LAST_RULE: i64 = 32767;

impl Region {
    /// The ACL that comes with a VPC lets everything through.
    pub(super) fn add_default_network_acl(&mut self, vpc_id: &str, unseen_until: Option<i64>) {
        let mut acl = self.new_acl(vpc_id, true, Tags::default());
        let allow = [false, true].map(|egress| entry_for_all(100, "allow", egress));
        acl.entry_set.extend(allow);
        self.network_acls.create_unseen(unseen_until, acl);
    }

    pub(super) fn join_default_network_acl(&mut self, vpc_id: &str, subnet_id: &str) {
        let network_acl_association_id = self.ids.id("aclassoc");
        let default = self.network_acls.values_mut().find(|acl| acl.vpc_id == vpc_id && acl.is_default);
        if let Some(acl) = default {
            acl.association_set.push(NetworkAclAssociation {
                network_acl_association_id,
                network_acl_id: acl.network_acl_id.clone(),
                subnet_id: subnet_id.to_owned(),
            });
        }
    }

    pub(super) fn create_network_acl(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let vpc_id = p.text("VpcId")?;
        let tag_set = Tags::given_to::<NetworkAcl>(&mut p)?;
        p.finish()?;
        find(&self.vpcs, &vpc_id)?;
        let acl = self.new_acl(&vpc_id, false, tag_set);
        let answer = json!({"networkAcl": to_json(&acl)});
        self.network_acls.create(cx, acl);
        Ok(answer)
    }

    pub(super) fn describe_network_acls(&self, p: Parameters) -> Answer {
        describe(&self.network_acls, p)
    }

    pub(super) fn delete_network_acl(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("NetworkAclId")?;
        p.finish()?;
        let acl = find(&self.network_acls, &id)?;
        if acl.is_default {
            let message = format!("cannot delete default network ACL {id}");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        if !acl.association_set.is_empty() {
            let message = format!("The networkAcl '{id}' has dependencies and cannot be deleted.");
            return Err(Refusal::new("DependencyViolation", message));
        }
        self.network_acls.remove(&id);
        Ok(done())
    }

    pub(super) fn create_network_acl_entry(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("NetworkAclId")?;
        let entry = entry(&mut p)?;
        p.finish()?;
        let acl = find_mut(&mut self.network_acls, &id)?;
        if position(acl, entry.rule_number, entry.egress).is_some() {
            let number = entry.rule_number;
            let message = format!("The network acl entry identified by {number} already exists.");
            return Err(Refusal::new("NetworkAclEntryAlreadyExists", message));
        }
        acl.entry_set.push(entry);
        acl.entry_set.sort_by_key(|e| (e.egress, e.rule_number));
        Ok(done())
    }

    pub(super) fn replace_network_acl_entry(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("NetworkAclId")?;
        let entry = entry(&mut p)?;
        p.finish()?;
        let acl = find_mut(&mut self.network_acls, &id)?;
        let at =
            position(acl, entry.rule_number, entry.egress).ok_or_else(|| no_entry(&id, entry.rule_number))?;
        acl.entry_set[at] = entry;
        Ok(done())
    }

    pub(super) fn delete_network_acl_entry(&mut self, mut p: Parameters) -> Answer {
        let id = p.text("NetworkAclId")?;
        let number = rule_number(&mut p)?;
        let egress = p.flag("Egress")?.ok_or_else(|| p.missing("Egress"))?;
        p.finish()?;
        let acl = find_mut(&mut self.network_acls, &id)?;
        let at = position(acl, number, egress).ok_or_else(|| no_entry(&id, number))?;
        acl.entry_set.remove(at);
        Ok(done())
    }

    /// The only way to change which ACL a subnet has. The association gets a new id
    /// (EC2 API Reference, ReplaceNetworkAclAssociation).
    pub(super) fn replace_network_acl_association(&mut self, mut p: Parameters) -> Answer {
        let association_id = p.text("AssociationId")?;
        let id = p.text("NetworkAclId")?;
        p.finish()?;
        let is_it = |a: &NetworkAclAssociation| a.network_acl_association_id == association_id;
        let (old_acl, subnet_id) = self
            .network_acls
            .values()
            .find_map(|acl| {
                let association = acl.association_set.iter().find(|a| is_it(a))?;
                Some((acl, association.subnet_id.clone()))
            })
            .ok_or_else(|| {
                let message = format!("The association ID '{association_id}' does not exist");
                Refusal::new("InvalidAssociationID.NotFound", message)
            })?;
        let acl = find(&self.network_acls, &id)?;
        if acl.vpc_id != old_acl.vpc_id {
            let message = format!("network ACL {id} and subnet {subnet_id} belong to different networks");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        let new_id = self.ids.id("aclassoc");
        for acl in self.network_acls.values_mut() {
            acl.association_set.retain(|a| !is_it(a));
        }
        find_mut(&mut self.network_acls, &id)?.association_set.push(NetworkAclAssociation {
            network_acl_association_id: new_id.clone(),
            network_acl_id: id,
            subnet_id,
        });
        Ok(json!({"newAssociationId": new_id}))
    }

    fn new_acl(&mut self, vpc_id: &str, is_default: bool, tag_set: Tags) -> NetworkAcl {
        let last = [false, true].map(|egress| entry_for_all(LAST_RULE, "deny", egress));
        NetworkAcl {
            network_acl_id: self.ids.id("acl"),
            vpc_id: vpc_id.to_owned(),
            owner_id: ACCOUNT_ID.to_owned(),
            is_default,
            entry_set: last.to_vec(),
            association_set: Vec::new(),
            tag_set,
        }
    }
}

fn entry_for_all(rule_number: i64, rule_action: &str, egress: bool) -> NetworkAclEntry {
    NetworkAclEntry {
        rule_number,
        protocol: "-1".to_owned(),
        rule_action: rule_action.to_owned(),
        egress,
        cidr_block: Some("0.0.0.0/0".to_owned()),
        ipv6_cidr_block: None,
        icmp_type_code: None,
        port_range: None,
        made_by_default: true,
    }
}

/// CreateNetworkAclEntry, RuleNumber: 1 to 32766.
fn rule_number(p: &mut Parameters) -> Result<i64, Refusal> {
    let number = p.number("RuleNumber")?;
    match number.ok_or_else(|| p.missing("RuleNumber"))? {
        number if (1..LAST_RULE).contains(&number) => Ok(number),
        other => Err(p.invalid("RuleNumber", &other.to_string(), "1 to 32766")),
    }
}

fn entry(p: &mut Parameters) -> Result<NetworkAclEntry, Refusal> {
    let rule_number = rule_number(p)?;
    let rule_action = p.text("RuleAction")?;
    if !matches!(rule_action.as_str(), "allow" | "deny") {
        return Err(p.invalid("RuleAction", &rule_action, "allow or deny"));
    }
    let egress = p.flag("Egress")?.ok_or_else(|| p.missing("Egress"))?;
    // Stored as a number, whatever it was given as (NetworkAclEntry.Protocol).
    let protocol = match p.text("Protocol")?.to_ascii_lowercase().as_str() {
        "all" => "-1".to_owned(),
        "tcp" => "6".to_owned(),
        "udp" => "17".to_owned(),
        "icmp" => "1".to_owned(),
        other => other.to_owned(),
    };
    if protocol != "-1" && protocol.parse::<u8>().is_err() {
        return Err(p.invalid("Protocol", &protocol, "a protocol number, or -1 for all"));
    }
    let cidr_block = p.optional("CidrBlock")?;
    let ipv6_cidr_block = p.optional("Ipv6CidrBlock")?;
    refuse_if(cidr_block.is_none() && ipv6_cidr_block.is_none(), || p.missing("CidrBlock"))?;
    if let Some(block) = cidr_block.as_ref().filter(|block| block.parse::<ipnet::Ipv4Net>().is_err()) {
        return Err(p.invalid("CidrBlock", block, "a valid CIDR block"));
    }
    let mut range = |name: &str, first: &str, second: &str| match p.group(name)? {
        None => Ok(None),
        Some(mut group) => {
            let pair = (group.number(first)?, group.number(second)?);
            let missing = group.missing(first);
            group.finish()?;
            match pair {
                (Some(a), Some(b)) => Ok(Some((a, b))),
                _ => Err(missing),
            }
        }
    };
    let port_range = range("PortRange", "From", "To")?.map(|(from, to)| PortRange { from, to });
    let icmp_type_code =
        range("Icmp", "Type", "Code")?.map(|(icmp_type, code)| IcmpTypeCode { icmp_type, code });
    // CreateNetworkAclEntry: ports are required for TCP and UDP, type and code for ICMP.
    match protocol.as_str() {
        "6" | "17" if port_range.is_none() => return Err(p.missing("PortRange")),
        "1" if icmp_type_code.is_none() => return Err(p.missing("Icmp")),
        _ => {}
    }
    Ok(NetworkAclEntry {
        rule_number,
        protocol,
        rule_action,
        egress,
        cidr_block,
        ipv6_cidr_block,
        icmp_type_code,
        port_range,
        made_by_default: false,
    })
}

fn position(acl: &NetworkAcl, rule_number: i64, egress: bool) -> Option<usize> {
    acl.entry_set.iter().position(|entry| entry.rule_number == rule_number && entry.egress == egress)
}

fn no_entry(id: &str, number: i64) -> Refusal {
    Refusal::new(
        "InvalidNetworkAclEntry.NotFound",
        format!("The network acl entry {number} of {id} does not exist"),
    )
}
