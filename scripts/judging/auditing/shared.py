"""What several tiers have: log groups, keys and roles."""

import json

from .looking import REGION, SEVEN_YEARS, client, pages

# One for the region, which no environment takes away with it.
SHARED_ROLE = f"payment-apigw-logs-{REGION}"
# The policies of AWS that roles have; each is what AWS's documentation says that the role needs.
OF_AWS = {
    "apigw-logs": "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    "ecs-load-balancer": "AmazonECSInfrastructureRolePolicyForLoadBalancers",
    "rds-monitoring": "service-role/AmazonRDSEnhancedMonitoringRole",
}
# What AWS knows no resource for (Service Authorization Reference).
WITHOUT_RESOURCE = {"ecr:GetAuthorizationToken", "logs:DescribeLogGroups", "cloudwatch:PutMetricData", "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"}
# GenerateDataKey, with and without its plain text (SNS Developer Guide, "Key management").
FAMILIES = {"kms:GenerateDataKey*"}


def audit(audit):
    logs(audit)
    keys(audit)
    roles(audit)


def logs(audit):
    groups = {one["logGroupName"]: one for one in pages("logs", "describe_log_groups", "logGroups")}
    cluster = audit.name("aurora")
    wanted = {f"/aws/apigateway/{audit.name('api')}", f"/aws/lambda/{audit.name('backup-verification')}",
              f"/aws/rds/cluster/{cluster}/postgresql", f"/aws/vpc/{audit.name('flow-logs')}", f"/ecs/{audit.name('app')}",
              f"/ecs/{audit.name('tracing')}", f"aws-waf-logs-{audit.name('alb')}",
              f"aws-waf-logs-{audit.name('api')}"}
    audit.check("logs/missing", set(), wanted - set(groups))
    others = set(groups) - wanted
    # API Gateway's own, whose name has the API's id.
    own = {name for name in others if name.startswith("API-Gateway-Execution-Logs_") and name.endswith(f"/{audit.environment}")}
    audit.check("logs/execution", 1, len(own))
    audit.check("logs/others", set(), others - own)
    for name, group in groups.items():
        audit.check(f"logs/retention/{name.lstrip('/')}", SEVEN_YEARS, group.get("retentionInDays"))
        arn = group["arn"].removesuffix(":*")
        audit.tagged(name, client("logs").list_tags_for_resource(resourceArn=arn)["tags"])


def keys(audit):
    aliases = [one for one in pages("kms", "list_aliases", "Aliases") if one["AliasName"].startswith("alias/payment-")]
    names = sorted(f"alias/{audit.name(what)}" for what in ("alarms", "database", *(["logs"] if audit.environment == "prod" else [])))
    audit.check("keys", names, sorted(one["AliasName"] for one in aliases))
    for alias in aliases:
        key = alias["TargetKeyId"]
        status = client("kms").get_key_rotation_status(KeyId=key)
        audit.check(f"keys/rotation/{alias['AliasName']}", True, status["KeyRotationEnabled"])
        audit.tagged(alias["AliasName"], client("kms").list_resource_tags(KeyId=key)["Tags"])


def ours():
    return [one for one in pages("iam", "list_roles", "Roles") if one["RoleName"].startswith("payment-")]


# AWS documents no condition in their trust policies (ECS Developer Guide, "Amazon ECS task execution IAM role" and "Amazon ECS
# infrastructure IAM role for load balancers").
WITHOUT_CONDITION = {"ecs-execution", "ecs-load-balancer"}


def roles(audit):
    found = {one["RoleName"]: one for one in ours()}
    wanted = {f"payment-{what}-{REGION}-{audit.environment}" for what in (
        "backup-schedule", "backup-verification", "ecs-execution", "ecs-load-balancer", "ecs-task", "rds-monitoring",
        "vpc-flow-logs")}
    audit.check("roles", sorted(wanted | {SHARED_ROLE}), sorted(found))
    for name, role in found.items():
        trust = json.dumps(role["AssumeRolePolicyDocument"])
        what = name.removeprefix("payment-").partition(f"-{REGION}")[0]
        audit.check(f"roles/{name}/account", what not in WITHOUT_CONDITION, "aws:SourceAccount" in trust)
        audit.check(f"roles/{name}/stars", [], list(stars(name)))
        wanted = [f"arn:aws:iam::aws:policy/{OF_AWS[what]}"] if what in OF_AWS else []
        attached = pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
        audit.check(f"roles/{name}/managed", wanted, [one["PolicyArn"] for one in attached])
        tags = client("iam").list_role_tags(RoleName=name)["Tags"]
        if name == SHARED_ROLE:
            audit.holds(f"tags/{name}", "stack:project" in {tag["Key"] for tag in tags}, tags)
        else:
            audit.tagged(name, tags)


def stars(role):
    """Statements that allow actions that nobody listed, or an action on everything that AWS knows resources for."""
    iam = client("iam")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        for statement in iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]:
            actions, resources = set(listed(statement["Action"])), listed(statement["Resource"])
            unlisted = {action for action in actions - FAMILIES if "*" in action}
            everything = "*" in resources and not actions <= WITHOUT_RESOURCE
            if statement["Effect"] == "Allow" and (unlisted or everything):
                yield statement


def listed(value):
    return value if isinstance(value, list) else [value]


def drift(_audit):
    return {}


def left():
    """A deleted key of KMS stays for its waiting period, as on AWS, the key of a last snapshot with the snapshot, and the role of
    the region for good."""
    snapshots = pages("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual")
    needed = {one["KmsKeyId"] for one in snapshots}
    yield from (one["logGroupName"] for one in pages("logs", "describe_log_groups", "logGroups"))
    yield from (one["RoleName"] for one in ours() if one["RoleName"] != SHARED_ROLE)
    yield from (one["AliasName"] for one in pages("kms", "list_aliases", "Aliases") if "payment" in one["AliasName"])
    for key in pages("kms", "list_keys", "Keys"):
        state = client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        is_needed = bool(needed & {key["KeyArn"], key["KeyId"]})
        if state["KeyManager"] == "CUSTOMER" and state["KeyState"] != "PendingDeletion" and not is_needed:
            yield key["KeyArn"]
