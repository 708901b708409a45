"""Application Auto Scaling."""

import json

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

from .mending import on

# By the ARN of a scalable target. moto refuses to speak of these tags (Application Auto Scaling API Reference, TagResource).
TAGS = {}


@on(ApplicationAutoScalingResponse)
def register_scalable_target(response):
    answer = register_scalable_target.plain(response)
    # Where there is a target already, its tags stay as they are.
    TAGS.setdefault(json.loads(answer)["ScalableTargetARN"], response._get_param("Tags") or {})
    return answer


@on(ApplicationAutoScalingResponse)
def list_tags_for_resource(response):
    return json.dumps({"Tags": TAGS.get(response._get_param("ResourceARN"), {})})


@on(ApplicationAutoScalingResponse)
def tag_resource(response):
    TAGS.setdefault(response._get_param("ResourceARN"), {}).update(response._get_param("Tags"))
    return "{}"


@on(ApplicationAutoScalingResponse)
def untag_resource(response):
    for key in response._get_param("TagKeys"):
        TAGS.get(response._get_param("ResourceARN"), {}).pop(key, None)
    return "{}"


@on(ApplicationAutoScalingResponse)
def describe_scaling_policies(response):
    """moto does not look at PolicyNames (Application Auto Scaling API Reference, DescribeScalingPolicies)."""
    answer = json.loads(describe_scaling_policies.plain(response))
    if names := response._get_param("PolicyNames"):
        answer["ScalingPolicies"] = [one for one in answer["ScalingPolicies"] if one["PolicyName"] in names]
    return json.dumps(answer)
