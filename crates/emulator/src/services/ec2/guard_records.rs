//! Records like those in [`records`](super::records), of what lets traffic through and what watches it.

use serde::{Deserialize, Serialize};

use super::describe::{Kind, Record};
use super::latency;
use super::records::record;
use super::tags::Tags;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityGroup {
    pub(super) group_id: String,
    pub(super) security_group_arn: String,
    pub(super) group_name: String,
    pub(super) group_description: String,
    pub(super) owner_id: String,
    pub(super) vpc_id: String,
    pub(super) tag_set: Tags,
}

record!(
    SecurityGroup,
    group_id,
    Kind {
        cloudformation: "AWS::EC2::SecurityGroup",
        taggable: "security-group",
        set: "securityGroupInfo",
        ids: "GroupId",
        not_found: "InvalidGroup.NotFound",
        noun: "security group",
        latency: &latency::SECURITY_GROUP,
        starts_pending: false,
        filters: &[
            ("group-id", "groupId"),
            ("group-name", "groupName"),
            ("description", "groupDescription"),
            ("vpc-id", "vpcId"),
            ("owner-id", "ownerId"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityGroupRule {
    pub(super) security_group_rule_id: String,
    pub(super) security_group_rule_arn: String,
    pub(super) group_id: String,
    pub(super) group_owner_id: String,
    pub(super) is_egress: bool,
    pub(super) ip_protocol: String,
    pub(super) from_port: i64,
    pub(super) to_port: i64,
    pub(super) cidr_ipv4: Option<String>,
    pub(super) cidr_ipv6: Option<String>,
    pub(super) prefix_list_id: Option<String>,
    pub(super) referenced_group_info: Option<ReferencedGroup>,
    pub(super) description: Option<String>,
    pub(super) tag_set: Tags,
    #[serde(rename = "_madeByDefault")]
    pub(super) made_by_default: bool,
}

record!(
    SecurityGroupRule,
    security_group_rule_id,
    Kind {
        cloudformation: "AWS::EC2::SecurityGroupIngress",
        taggable: "security-group-rule",
        set: "securityGroupRuleSet",
        ids: "SecurityGroupRuleId",
        not_found: "InvalidSecurityGroupRuleId.NotFound",
        noun: "security group rule ID",
        latency: &latency::SECURITY_GROUP,
        starts_pending: false,
        filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId"),],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferencedGroup {
    pub(super) group_id: String,
    pub(super) user_id: String,
    pub(super) vpc_id: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlowLog {
    pub(super) flow_log_id: String,
    pub(super) resource_id: String,
    pub(super) traffic_type: Option<String>,
    pub(super) log_destination_type: String,
    pub(super) log_destination: Option<String>,
    pub(super) log_group_name: Option<String>,
    pub(super) deliver_logs_permission_arn: Option<String>,
    pub(super) log_format: String,
    pub(super) max_aggregation_interval: i64,
    pub(super) flow_log_status: String,
    pub(super) deliver_logs_status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deliver_logs_error_message: Option<String>,
    pub(super) creation_time: String,
    /// Only of those that go to S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) destination_options: Option<DestinationOptions>,
    pub(super) tag_set: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DestinationOptions {
    pub(super) file_format: String,
    pub(super) hive_compatible_partitions: bool,
    pub(super) per_hour_partition: bool,
}

record!(
    FlowLog,
    flow_log_id,
    Kind {
        cloudformation: "AWS::EC2::FlowLog",
        taggable: "vpc-flow-log",
        set: "flowLogSet",
        ids: "FlowLogId",
        not_found: "InvalidFlowLogId.NotFound",
        noun: "flow log ID",
        latency: &latency::FLOW_LOG,
        starts_pending: false,
        filters: &[
            ("flow-log-id", "flowLogId"),
            ("resource-id", "resourceId"),
            ("log-group-name", "logGroupName"),
            ("log-destination-type", "logDestinationType"),
            ("traffic-type", "trafficType"),
            ("deliver-log-status", "deliverLogsStatus"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkAcl {
    pub(super) network_acl_id: String,
    pub(super) vpc_id: String,
    pub(super) owner_id: String,
    #[serde(rename = "default")]
    pub(super) is_default: bool,
    pub(super) entry_set: Vec<NetworkAclEntry>,
    pub(super) association_set: Vec<NetworkAclAssociation>,
    pub(super) tag_set: Tags,
}

record!(
    NetworkAcl,
    network_acl_id,
    Kind {
        cloudformation: "AWS::EC2::NetworkAcl",
        taggable: "network-acl",
        set: "networkAclSet",
        ids: "NetworkAclId",
        not_found: "InvalidNetworkAclID.NotFound",
        noun: "networkAcl ID",
        // Not measured; made the same way.
        latency: &latency::ROUTE_TABLE,
        starts_pending: false,
        filters: &[
            ("network-acl-id", "networkAclId"),
            ("vpc-id", "vpcId"),
            ("default", "default"),
            ("owner-id", "ownerId"),
            ("association.subnet-id", "associationSet.subnetId"),
            ("association.network-acl-id", "associationSet.networkAclId"),
            ("association.association-id", "associationSet.networkAclAssociationId"),
            ("entry.cidr", "entrySet.cidrBlock"),
            ("entry.egress", "entrySet.egress"),
            ("entry.protocol", "entrySet.protocol"),
            ("entry.rule-action", "entrySet.ruleAction"),
            ("entry.rule-number", "entrySet.ruleNumber"),
        ],
    }
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkAclEntry {
    pub(super) rule_number: i64,
    pub(super) protocol: String,
    pub(super) rule_action: String,
    pub(super) egress: bool,
    pub(super) cidr_block: Option<String>,
    pub(super) ipv6_cidr_block: Option<String>,
    pub(super) icmp_type_code: Option<IcmpTypeCode>,
    pub(super) port_range: Option<PortRange>,
    #[serde(rename = "_madeByDefault")]
    pub(super) made_by_default: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct IcmpTypeCode {
    #[serde(rename = "type")]
    pub(super) icmp_type: i64,
    pub(super) code: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PortRange {
    pub(super) from: i64,
    pub(super) to: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkAclAssociation {
    pub(super) network_acl_association_id: String,
    pub(super) network_acl_id: String,
    pub(super) subnet_id: String,
}
