"""Elastic Compute Cloud."""

from moto.ec2.models.network_acls import NetworkAcl
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import VPCEndPoint

from .mending import on


def description(rule):
    """moto keeps the description of a rule between groups, and does not tell it (EC2 API Reference, SecurityGroupRule)."""
    return (rule.ip_range or {}).get("Description") or (rule.source_group or {}).get("Description")


SecurityGroupRule.description = property(description)


def found_by_id(owner, its_id):
    """moto knows a filter by an object's own id for most kinds, and not for these (EC2 API Reference, DescribeNetworkAcls and
    DescribeVpcEndpoints, Filter)."""

    @on(owner)
    def get_filter_value(self, filter_name, method_name=None):
        if filter_name == its_id:
            return self.id
        return get_filter_value.plain(self, filter_name, method_name)


found_by_id(NetworkAcl, "network-acl-id")
found_by_id(VPCEndPoint, "vpc-endpoint-id")
