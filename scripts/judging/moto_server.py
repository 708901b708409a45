"""Serves moto on 127.0.0.1, at a port of its choice, which it prints. Runs in moto's environment: scripts/judges calls it.

moto is left as it is, but for what follows, each with its reason: answers that a client cannot read that reads what AWS writes, or
that lack what AWS tells, and an operation that it does not have and that nothing can be deployed without.
"""

import json
import os
import time

# Its own options: AWS's policies are there, as on AWS, and a service has as many running tasks as it is told to have at least.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
os.environ["MOTO_ECS_SERVICE_RUNNING"] = "2"

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse  # noqa: E402
from moto.core.responses import ActionResult  # noqa: E402
from moto.ec2.models.security_groups import SecurityGroupRule  # noqa: E402
from moto.ecs.responses import EC2ContainerServiceResponse  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

# Wrong, right.
MENDED = [
    # The document's root is `VersioningConfiguration` (S3 API Reference, GetBucketVersioning). boto3 does not look at it.
    (b"GetBucketVersioningResponse", b"VersioningConfiguration"),
]


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


def description(rule):
    """moto keeps the description of a rule between groups, and does not tell it (EC2 API Reference, SecurityGroupRule)."""
    return (rule.ip_range or {}).get("Description") or (rule.source_group or {}).get("Description")


SecurityGroupRule.description = property(description)
class ScalableTargetTags:
    """moto refuses to speak of a scalable target's tags (Application Auto Scaling API Reference, TagResource)."""

    def __init__(self):
        self.tags = {}
        self.register_plain = ApplicationAutoScalingResponse.register_scalable_target

    def install(self):
        store = self

        def register_scalable_target(response):
            answer = store.register_plain(response)
            # Where there is a target already, its tags stay as they are.
            store.tags.setdefault(json.loads(answer)["ScalableTargetARN"], response._get_param("Tags") or {})
            return answer

        def list_tags_for_resource(response):
            return json.dumps({"Tags": store.tags.get(response._get_param("ResourceARN"), {})})

        def tag_resource(response):
            store.tags.setdefault(response._get_param("ResourceARN"), {}).update(response._get_param("Tags"))
            return "{}"

        def untag_resource(response):
            for key in response._get_param("TagKeys"):
                store.tags.get(response._get_param("ResourceARN"), {}).pop(key, None)
            return "{}"

        for operation in (register_scalable_target, list_tags_for_resource, tag_resource, untag_resource):
            setattr(ApplicationAutoScalingResponse, operation.__name__, operation)


def describe_scaling_policies(response, plain=ApplicationAutoScalingResponse.describe_scaling_policies):
    """moto does not look at PolicyNames (Application Auto Scaling API Reference, DescribeScalingPolicies)."""
    answer = json.loads(plain(response))
    if names := response._get_param("PolicyNames"):
        answer["ScalingPolicies"] = [one for one in answer["ScalingPolicies"] if one["PolicyName"] in names]
    return json.dumps(answer)


ApplicationAutoScalingResponse.describe_scaling_policies = describe_scaling_policies
ScalableTargetTags().install()
EC2ContainerServiceResponse.list_service_deployments = list_service_deployments


class Mended:
    """moto with its answers mended."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        held = {}

        def hold(status, headers, exc_info=None):
            held.update(status=status, headers=headers, exc_info=exc_info)

        body = b"".join(self.application(environ, hold))
        for wrong, right in MENDED:
            body = body.replace(wrong, right)
        headers = held["headers"]
        if environ["REQUEST_METHOD"] != "HEAD":
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        start_response(held["status"], headers, held["exc_info"])
        return [body]


class Quiet(WSGIRequestHandler):
    """Writes no line for a request."""

    def log_request(self, *_):
        pass


def main():
    application = Mended(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
