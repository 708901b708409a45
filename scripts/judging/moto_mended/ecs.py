"""Elastic Container Service."""

import time

from moto.core.responses import ActionResult
from moto.ecs.models import Service
from moto.ecs.responses import EC2ContainerServiceResponse

from .mending import on


@on(EC2ContainerServiceResponse)
def list_service_deployments(self):
    """moto's services are deployed as soon as they are created, and it keeps no list of deployments (ECS API Reference,
    ListServiceDeployments)."""
    cluster, service = self._get_param("cluster"), self._get_param("service")
    live = self.ecs_backend.describe_services(cluster, [service])[0]
    arn = live[0].arn.replace(":service/", ":service-deployment/") + "/0123456789abcdefghijk"
    now = int(time.time())
    deployment = {
        "serviceDeploymentArn": arn, "serviceArn": live[0].arn, "clusterArn": live[0].cluster_arn, "status": "SUCCESSFUL",
        "createdAt": now, "startedAt": now, "finishedAt": now,
    }
    return ActionResult({"serviceDeployments": [deployment]})


@on(Service)
def __init__(service, *words, **more):
    """moto starts no tasks, or as many for each service as a variable says. On AWS as many run as the service wants (ECS
    Developer Guide, "Amazon ECS services")."""
    __init__.plain(service, *words, **more)
    service.running_count, service.pending_count = service.desired_count, 0
    for deployment in service.deployments:
        deployment |= {"runningCount": service.desired_count, "pendingCount": 0, "rolloutState": "COMPLETED"}
