//! A network ACL: a filter at the border of subnets, here in front of the databases.
//!
//! The surprise: it keeps no connections in mind. Whatever is let in needs a rule of its own for the answer, to
//! the ports from which clients ask. A new ACL lets nothing through until it has entries.
//!
//! # Why only the database subnets have one
//!
//! Public and private subnets keep the VPC's default ACL, which lets everything through; their security groups are what filters.
//! Security Hub EC2.21 (no ingress to ports 22 and 3389 from everywhere) exempts default ACLs, and an ACL of our own could not
//! meet it: NAT gateways and load balancers ask from ports 1024 to 65535, so their answers must be let in from everywhere to
//! all of these, and 3389 is one of them. Denying it would drop the answers to one connection in 64,512, which nobody would
//! ever find. Port 22 is closed by all security groups of the stack, whose rules name every port. The default ACL is not
//! emptied either: a subnet that somebody adds to the VPC would be cut off without a word, and its traffic is filtered by the
//! default security group, which has no rules.

use async_trait::async_trait;
use aws::ec2::{found_by, ready_when_seen, retag};
use aws::{CallResult, Called, Context, Tags, VpcId, required};
use aws_sdk_ec2::types::ResourceType;
use engine::{
    CallError, Changed, CreateOnly, Declared, Declares, Facts, ImportId, Intent, Listed, Loss, Named,
    Readiness, Reads, Resolved, Resource, Search, Settle, Span, Stage, Tagging, Template, Times,
};
use serde::{Deserialize, Serialize};

use super::visible;
use crate::NetworkAclId;
use crate::describe::describe;

in_vpc! {
    /// The properties of a network ACL.
    NetworkAcl, const KIND: &'static str = "AWS::EC2::NetworkAcl";
    /// What others can refer to.
    NetworkAclOutputs {
        /// The ACL.
        id: NetworkAclId
    },
    import: ImportId { parts: &["Id"], words: "the id of the network ACL", example: "acl-0a1b2c3d4e5f60718" },
    found by describe_network_acls "DescribeNetworkAcls" network_acls.network_acl_id network_acls,
    made by create_network_acl "CreateNetworkAcl" network_acl NetworkAcl,
    deleted by delete_network_acl "DeleteNetworkAcl" network_acl_id
}
