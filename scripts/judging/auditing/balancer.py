"""The load balancer tier: load balancer, firewall, and the bucket with the access logs."""

import json

from .looking import SEVEN_YEARS, client, pages


def audit(audit):
    for part in (balancer, target_groups, listeners, bucket, firewall):
        part(audit)


def tags(audit, what, arn):
    audit.tagged(what, client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


def balancer(audit):
    arn = audit.balancer["LoadBalancerArn"]
    audit.check("alb/scheme", audit.wanted.scheme, audit.balancer["Scheme"])
    audit.check("alb/zones", 3, len(audit.balancer["AvailabilityZones"]))
    attributes = client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    values = {one["Key"]: one["Value"] for one in attributes}
    audit.check("alb/invalid-headers", "true", values.get("routing.http.drop_invalid_header_fields.enabled"))
    audit.check("alb/access-logs", "true", values.get("access_logs.s3.enabled"))
    audit.check("alb/protection", str(audit.wanted.protected).lower(), values.get("deletion_protection.enabled"))
    tags(audit, "alb", arn)


def target_groups(audit):
    elbv2 = client("elbv2")
    for color in ("blue", "green"):
        group = elbv2.describe_target_groups(Names=[audit.name(color)])["TargetGroups"][0]
        health = tuple(group[key] for key in ("HealthCheckPath", "HealthCheckIntervalSeconds",
                       "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Port"))
        audit.check(f"target-group/{color}", ("/health", 15, 5, 2, 3, 8080), health)
        attributes = elbv2.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
        values = {one["Key"]: one["Value"] for one in attributes}
        audit.check(f"target-group/{color}/delay", "30", values.get("deregistration_delay.timeout_seconds"))
        tags(audit, color, group["TargetGroupArn"])


def listeners(audit):
    elbv2 = client("elbv2")
    found = elbv2.describe_listeners(LoadBalancerArn=audit.balancer["LoadBalancerArn"])["Listeners"]
    audit.check("listeners", audit.wanted.listeners, sorted((one["Port"], one["Protocol"]) for one in found))
    rules = []
    for listener in found:
        if listener["Protocol"] == "HTTPS":
            policy = listener["SslPolicy"]
            audit.holds("listeners/policy", policy.startswith("ELBSecurityPolicy-TLS13-1-2-"), policy)
        elif (443, "HTTPS") in audit.wanted.listeners:
            redirects = [one.get("RedirectConfig", {}).get("Protocol") for one in listener["DefaultActions"]]
            audit.check("listeners/redirect", ["HTTPS"], redirects)
        tags(audit, f"listener-{listener['Port']}", listener["ListenerArn"])
        rules += [one for one in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"] if not one["IsDefault"]]
    for rule in audit.some("listener-rules", rules):
        tags(audit, f"rule-{rule['Priority']}", rule["RuleArn"])


def bucket(audit):
    s3 = client("s3")
    found = [one["Name"] for one in s3.list_buckets()["Buckets"] if f"-{audit.environment}-" in one["Name"]]
    for name in audit.some("bucket", found):
        audit.check("bucket/encryption", "AES256", encryption(name))
        block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        audit.check("bucket/public", [True] * 4, list(block.values()))
        audit.check("bucket/versioning", "Enabled", s3.get_bucket_versioning(Bucket=name).get("Status"))
        rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        audit.holds("bucket/lifecycle", any(one.get("Expiration", {}).get("Days") == SEVEN_YEARS for one in rules), rules)
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
        denies = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
        audit.holds("bucket/tls", any("aws:SecureTransport" in json.dumps(one) for one in denies), denies)
        audit.tagged(name, s3.get_bucket_tagging(Bucket=name)["TagSet"])


def encryption(bucket):
    try:
        answer = client("s3").get_bucket_encryption(Bucket=bucket)
    except client("s3").exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return answer["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


def firewall(audit):
    waf = client("wafv2")
    acls = [one for one in waf.list_web_acls(Scope="REGIONAL")["WebACLs"] if one["Name"].endswith(audit.environment)]
    # One sees the clients' addresses, and one those of the API.
    audit.check("waf/names", {audit.name("waf"), audit.name("api-waf")}, {acl["Name"] for acl in acls})
    for acl in acls:
        answer = waf.get_web_acl(Name=acl["Name"], Scope="REGIONAL", Id=acl["Id"])["WebACL"]
        names = json.dumps(answer["Rules"])
        for group in ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet"):
            audit.holds(f"waf/{group}", group in names, "in the rules")
        # Behind an API alone, addresses stand for all clients together.
        by_address = acl["Name"] == audit.name("api-waf") or audit.balancer["Scheme"] == "internet-facing"
        audit.check(f"waf/by-address/{acl['Name']}", by_address, "RateBasedStatement" in names)
        found = waf.list_tags_for_resource(ResourceARN=acl["ARN"])["TagInfoForResource"]["TagList"]
        audit.tagged("web-acl", found)
    on = waf.get_web_acl_for_resource(ResourceArn=audit.balancer["LoadBalancerArn"])
    audit.holds("waf/associated", f"/{audit.name('waf')}/" in on.get("WebACL", {}).get("ARN", ""), on)


def drift(audit):
    elbv2 = client("elbv2")
    blue = elbv2.describe_target_groups(Names=[audit.name("blue")])["TargetGroups"][0]["TargetGroupArn"]
    elbv2.modify_target_group(TargetGroupArn=blue, HealthCheckPath="/wrong")
    return {"alb/blue-target-group": "HealthCheckPath"}


def left():
    yield from (one["Name"] for one in client("s3").list_buckets()["Buckets"])
    yield from (one["LoadBalancerArn"] for one in pages("elbv2", "describe_load_balancers", "LoadBalancers"))
    yield from (one["TargetGroupArn"] for one in pages("elbv2", "describe_target_groups", "TargetGroups"))
    yield from (one["Name"] for one in client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"])
