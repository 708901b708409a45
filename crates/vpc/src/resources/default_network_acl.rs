//! The VPC's default network ACL, which public and private subnets have at their border: AWS makes it with the VPC, lets everything
//! through it, and deletes it with the VPC (VPC User Guide, "Network ACL basics").
//!
//! It is not a resource but a part of the [VPC](super::Vpc), never declared. As long as it is as AWS made it, there is nothing to
//! say. Entries that somebody has added, changed or taken away are drift: one that denies something cuts the subnets off, and
//! nothing else that this program reads would say why. An update opens it again before it takes away what is not AWS's own.

use aws::ec2::filter;
use aws::{CallResult, Called, Context, VpcId};
use aws_sdk_ec2::types::{NetworkAcl, RuleAction};
use engine::CallError;

use super::network_acl::{AddedEntry, LAST, entry};
use crate::describe::describe;

/// The number of the entries that let everything through, and of those that do for IPv6, which AWS adds by itself where the VPC
/// gets such addresses (VPC User Guide, "Default network ACL").
const OPEN: i32 = 100;
const OPEN_IPV6: i32 = 101;

const ALLOW: &str = "allow";
const ALL_PROTOCOLS: &str = "-1";
const ANYWHERE: &str = "0.0.0.0/0";
const ANYWHERE_IPV6: &str = "::/0";

fn open(rule_number: i32, egress: bool, cidr_block: &str) -> AddedEntry {
    AddedEntry {
        rule_number,
        egress,
        rule_action: ALLOW.to_owned(),
        protocol: ALL_PROTOCOLS.to_owned(),
        cidr_block: cidr_block.to_owned(),
        port_range: None,
    }
}

/// Whether an entry is one of those that AWS makes.
fn is_of_aws(entry: &AddedEntry) -> bool {
    *entry == open(OPEN, entry.egress, ANYWHERE) || *entry == open(OPEN_IPV6, entry.egress, ANYWHERE_IPV6)
}

/// Its entries, without the last one that nobody can change, if they are not those that AWS makes.
pub(super) async fn changed(cx: &Context, vpc: &VpcId) -> Result<Option<Vec<AddedEntry>>, CallError> {
    let Some(acl) = describe(cx).default_network_acls.get(vpc).await? else { return Ok(None) };
    let entries = entries(&acl);
    let lets_through = |egress: bool| entries.contains(&open(OPEN, egress, ANYWHERE));
    let is_as_made = entries.iter().all(is_of_aws) && lets_through(false) && lets_through(true);
    Ok((!is_as_made).then_some(entries))
}

fn entries(acl: &NetworkAcl) -> Vec<AddedEntry> {
    let mut entries: Vec<AddedEntry> =
        acl.entries().iter().map(entry).filter(|entry| entry.rule_number < LAST).collect();
    entries.sort_by_key(|entry| (entry.egress, entry.rule_number));
    entries
}

/// Makes it as AWS made it. It is read again, so that this can run twice.
pub(super) async fn restore(cx: &Context, vpc: &VpcId) -> Result<(), CallError> {
    const OPERATION: &str = "DescribeNetworkAcls";
    let request = cx.ec2().describe_network_acls();
    let request = request.filters(filter("vpc-id", [vpc])).filters(filter("default", ["true"]));
    let found = request.send().await.called(OPERATION)?.network_acls.unwrap_or_default();
    let Some(acl) = found.into_iter().next() else { return Ok(()) };
    let (id, entries) = (acl.network_acl_id().unwrap_or_default(), entries(&acl));
    for egress in [false, true] {
        let wanted = open(OPEN, egress, ANYWHERE);
        match entries.iter().find(|entry| entry.rule_number == OPEN && entry.egress == egress) {
            Some(entry) if *entry == wanted => {}
            Some(_) => {
                let request = cx.ec2().replace_network_acl_entry().network_acl_id(id).rule_number(OPEN);
                let request = request.egress(egress).rule_action(RuleAction::Allow);
                let request = request.protocol(ALL_PROTOCOLS).cidr_block(ANYWHERE);
                request.send().await.called("ReplaceNetworkAclEntry")?;
            }
            None => {
                let request = cx.ec2().create_network_acl_entry().network_acl_id(id).rule_number(OPEN);
                let request = request.egress(egress).rule_action(RuleAction::Allow);
                let request = request.protocol(ALL_PROTOCOLS).cidr_block(ANYWHERE);
                request.send().await.called("CreateNetworkAclEntry")?;
            }
        }
    }
    for entry in entries.iter().filter(|entry| entry.rule_number != OPEN && !is_of_aws(entry)) {
        let request = cx.ec2().delete_network_acl_entry().network_acl_id(id);
        let request = request.rule_number(entry.rule_number).egress(entry.egress);
        request.send().await.called("DeleteNetworkAclEntry").gone_is_ok()?;
    }
    Ok(())
}
