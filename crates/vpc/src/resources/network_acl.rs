//! A network ACL: a filter at the border of subnets, here in front of the databases.
//!
//! The surprise: it keeps no connections in mind. Whatever is let in needs a rule of its own for the answer, to
//! the ports from which clients ask. A new ACL lets nothing through until it has entries. An entry that no resource of ours has
//! made is drift of its ACL, and an update deletes it.
//!
//! # Why only the database subnets have one
//!
//! Public and private subnets keep the VPC's default ACL, which lets everything through; their security groups are what filters.
//! Security Hub EC2.21 (no ingress to ports 22 and 3389 from everywhere) exempts default ACLs, and an ACL of our own could not
//! meet it: NAT gateways and load balancers ask from ports 1024 to 65535, so their answers must be let in from everywhere to
//! all of these, and 3389 is one of them. Denying it would drop the answers to one connection in 64,512, which nobody would
//! ever find. Port 22 is closed by all security groups of the stack, whose rules name every port. The default ACL is not
//! emptied either: a subnet that somebody adds to the VPC would be cut off without a word, and its traffic is filtered by the
//! default security group, which has no rules. What somebody changes of the default ACL is drift of the
//! [VPC](super::Vpc::default_network_acl_entries).

use async_trait::async_trait;
use aws::ec2::{found_by, ours, ready_when_seen, retag, sighted};
use aws::{CallResult, Called, Context, Tags, VpcId, required};
use aws_sdk_ec2::types::{NetworkAcl as LiveAcl, NetworkAclEntry as LiveEntry, ResourceType};
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Input, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Sighting, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::{NetworkAclEntry, PortRange, visible};
use crate::NetworkAclId;
use crate::describe::describe;

/// The number of the entry that every ACL ends with, and that nobody can change: what no other entry lets through is dropped.
pub(super) const LAST: i32 = 32767;

/// An entry that somebody has added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AddedEntry {
    /// Its place.
    pub rule_number: i32,
    /// Whether it is about traffic that leaves.
    pub egress: bool,
    /// `allow` or `deny`.
    pub rule_action: String,
    /// The protocol's number, or -1 for all.
    pub protocol: String,
    /// Where the traffic comes from or goes to.
    pub cidr_block: String,
    /// The ports at the receiving end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_range: Option<PortRange>,
}

/// An entry as it is.
pub(super) fn entry(live: &LiveEntry) -> AddedEntry {
    let block = live.cidr_block().or_else(|| live.ipv6_cidr_block());
    AddedEntry {
        rule_number: live.rule_number().unwrap_or_default(),
        egress: live.egress().unwrap_or_default(),
        rule_action: live.rule_action().map_or("", |action| action.as_str()).to_owned(),
        protocol: live.protocol().unwrap_or_default().to_owned(),
        cidr_block: block.unwrap_or_default().to_owned(),
        port_range: live.port_range().map(|range| PortRange {
            from: range.from().unwrap_or_default(),
            to: range.to().unwrap_or_default(),
        }),
    }
}

/// The entries that are not ours.
fn added(cx: &Context, acl: &NetworkAclId, live: &LiveAcl) -> Vec<AddedEntry> {
    let ours: Vec<NetworkAclEntry<Resolved>> = cx.ours().into_iter().map(|ours| ours.properties).collect();
    let is_ours = |number: i32, egress: bool| {
        let mut ours = ours.iter().filter(|entry| entry.network_acl_id == *acl);
        ours.any(|entry| entry.rule_number == number && entry.egress == egress)
    };
    let mut added = Vec::new();
    for entry in live.entries() {
        let (number, egress) = (entry.rule_number().unwrap_or_default(), entry.egress().unwrap_or_default());
        if number >= LAST || is_ours(number, egress) {
            continue;
        }
        added.push(self::entry(entry));
    }
    added.sort_by_key(|entry| (entry.egress, entry.rule_number));
    added
}

async fn remove(cx: &Context, acl: &NetworkAclId, entry: &AddedEntry) -> Result<(), CallError> {
    let request = cx.ec2().delete_network_acl_entry().network_acl_id(acl.as_str());
    let request = request.rule_number(entry.rule_number).egress(entry.egress);
    request.send().await.called("DeleteNetworkAclEntry").gone_is_ok()
}

in_vpc! {
    /// The properties of a network ACL.
    NetworkAcl, const KIND: &'static str = "AWS::EC2::NetworkAcl";
    /// What others can refer to.
    NetworkAclOutputs {
        /// The ACL.
        id: NetworkAclId
    },
    holding
    /// Entries that somebody has added. Never declared: each entry of ours is a resource of its own.
    entries: AddedEntry, closed "Entries", added by added, removed by remove,
    import: ImportId { parts: &["Id"], words: "the id of the network ACL", example: "acl-0a1b2c3d4e5f60718" },
    found by describe_network_acls "DescribeNetworkAcls" network_acls.network_acl_id network_acls,
    made by create_network_acl "CreateNetworkAcl" network_acl NetworkAcl,
    deleted by delete_network_acl "DeleteNetworkAcl" network_acl_id
}
