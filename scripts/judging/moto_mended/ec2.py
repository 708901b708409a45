"""Elastic Compute Cloud."""

from moto.ec2.models.security_groups import SecurityGroupRule


def description(rule):
    """moto keeps the description of a rule between groups, and does not tell it (EC2 API Reference, SecurityGroupRule)."""
    return (rule.ip_range or {}).get("Description") or (rule.source_group or {}).get("Description")


SecurityGroupRule.description = property(description)
