"""The containers tier."""

from .looking import REGION, client, pages


def audit(audit):
    cluster(audit)
    repository(audit)
    scaling(audit)


def cluster(audit):
    ecs, name = client("ecs"), audit.name("cluster")
    cluster = ecs.describe_clusters(clusters=[name], include=["TAGS", "SETTINGS"])["clusters"][0]
    audit.check("ecs/insights", [{"name": "containerInsights", "value": "enhanced"}], cluster["settings"])
    audit.tagged("ecs-cluster", cluster["tags"])
    service = ecs.describe_services(cluster=name, services=[audit.name("service")], include=["TAGS"])["services"][0]
    audit.check("ecs/launch-type", "FARGATE", service["launchType"])
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    audit.check("ecs/public-address", "DISABLED", network["assignPublicIp"])
    private = {subnet["SubnetId"] for subnet in audit.subnets["private"]}
    audit.check("ecs/subnets", private, set(network["subnets"]))
    audit.tagged("ecs-service", service["tags"])
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
    audit.tagged("task-definition", task["tags"])
    task = task["taskDefinition"]
    audit.check("ecs/size", ("512", "1024"), (task["cpu"], task["memory"]))
    audit.check("ecs/containers", 2, len(task["containerDefinitions"]))


def repository(audit):
    ecr = client("ecr")
    repository = ecr.describe_repositories(repositoryNames=[audit.name("app")])["repositories"][0]
    audit.check("ecr/tags", "IMMUTABLE", repository["imageTagMutability"])
    audit.check("ecr/scan", True, repository["imageScanningConfiguration"]["scanOnPush"])
    audit.check("ecr/encryption", "AES256", repository["encryptionConfiguration"]["encryptionType"])
    audit.tagged("repository", ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"])


def scaling(audit):
    """70 % of CPU, 80 % of memory, 60 s out, 300 s in."""
    scaling = client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    audit.check("scaling/capacity", [audit.wanted.tasks], [(one["MinCapacity"], one["MaxCapacity"]) for one in targets])
    for target in targets:
        audit.tagged("scalable-target", scaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"])
    found = {}
    for policy in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]:
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        found[metric] = (tracking["TargetValue"], tracking["ScaleOutCooldown"], tracking["ScaleInCooldown"])
    for metric, target in (("CPU", 70.0), ("Memory", 80.0)):
        audit.check(f"scaling/{metric}", (target, 60, 300), found.get(f"ECSServiceAverage{metric}Utilization"))


def drift(audit):
    role = f"payment-ecs-execution-{REGION}-{audit.environment}"
    client("iam").tag_role(RoleName=role, Tags=[{"Key": "Environment", "Value": "wrong"}])
    return {"ecs/execution-role": "Tags[Environment].Value"}


def left():
    """A revision of a task definition stays as INACTIVE, as on AWS."""
    clusters = pages("ecs", "list_clusters", "clusterArns")
    found = client("ecs").describe_clusters(clusters=clusters)["clusters"] if clusters else []
    yield from (one["clusterArn"] for one in found if one["status"] != "INACTIVE")
    yield from pages("ecs", "list_task_definitions", "taskDefinitionArns", status="ACTIVE")
    yield from (one["repositoryName"] for one in pages("ecr", "describe_repositories", "repositories"))
    targets = client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    yield from (one["ResourceId"] for one in targets)
