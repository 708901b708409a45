"""AWS Identity and Access Management."""

import json

from moto.iam.exceptions import InvalidInput
from moto.iam.models import IAMBackend

from .mending import on

# How services call their roles (the section on service-linked roles in each service's guide). moto makes other names.
ROLES = {
    "backup.amazonaws.com": "AWSServiceRoleForBackup",
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
    "ecs.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_ECSService",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "ops.apigateway.amazonaws.com": "AWSServiceRoleForAPIGateway",
    "rds.amazonaws.com": "AWSServiceRoleForRDS",
    "wafv2.amazonaws.com": "AWSServiceRoleForWAFV2Logging",
}


@on(IAMBackend)
def create_service_linked_role(backend, service_name, description, suffix):
    name = ROLES[service_name]
    if any(role.name == name for role in backend.roles.values()):
        # IAM API Reference, CreateServiceLinkedRole.
        raise InvalidInput(f"Service role name {name} has been taken in this account, please try a different suffix.")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service_name}, "Action": "sts:AssumeRole"}],
    }
    return backend.create_role(
        name,
        json.dumps(trust),
        f"/aws-service-role/{service_name}/",
        permissions_boundary=None,
        description=description,
        tags=[],
        max_session_duration="3600",
        linked_service=service_name,
    )
