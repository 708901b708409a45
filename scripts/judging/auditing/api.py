"""The API tier."""

import json

from .looking import REGION, client, pages

RATE, BURST, QUOTA = 100.0, 200, 1_000_000


def audit(audit):
    found = [one for one in pages("apigateway", "get_rest_apis", "items") if one["name"] == audit.name("api")]
    audit.check("api/count", 1, len(found))
    for api in found:
        rest_api(audit, api)
        stage(audit, api)
        methods(audit, api)
        usage(audit, api)
    account(audit)
    link(audit)


def rest_api(audit, api):
    audit.check("api/endpoint", ["REGIONAL"], api["endpointConfiguration"]["types"])
    audit.holds("api/tls", api.get("securityPolicy", "").startswith("SecurityPolicy_TLS13_1_2_"), api.get("securityPolicy"))
    audit.check("api/key-source", "HEADER", api["apiKeySource"])
    audit.tagged("rest-api", api.get("tags"))


def stage(audit, api):
    stages = client("apigateway").get_stages(restApiId=api["id"])["item"]
    audit.check("api/stages", [audit.environment], [one["stageName"] for one in stages])
    for stage in stages:
        settings = stage["methodSettings"]
        # One of a single method would override what holds for all.
        audit.check("api/stage/settings", ["*/*"], list(settings))
        every = settings.get("*/*", {})
        limits = (every.get("throttlingRateLimit"), every.get("throttlingBurstLimit"))
        audit.check("api/stage/throttle", (RATE, BURST), limits)
        audit.check("api/stage/log-level", "INFO", every.get("loggingLevel"))
        audit.check("api/stage/metrics", True, every.get("metricsEnabled"))
        # Bodies and headers are a card holder's data.
        audit.check("api/stage/data-trace", False, every.get("dataTraceEnabled"))
        audit.check("api/stage/cache", False, every.get("cachingEnabled"))
        audit.check("api/stage/tracing", True, stage.get("tracingEnabled"))
        log = stage.get("accessLogSettings", {})
        wanted = f":log-group:/aws/apigateway/{audit.name('api')}"
        audit.holds("api/stage/access-log", log.get("destinationArn", "").endswith(wanted), log.get("destinationArn"))
        fields = json.loads(log.get("format", "{}"))
        for field in ("requestId", "ip", "httpMethod", "status"):
            audit.holds(f"api/stage/access-log/{field}", field in fields, sorted(fields))
        acl = stage.get("webAclArn", "")
        audit.holds("api/stage/web-acl", f"/{audit.name('api-waf')}/" in acl, acl)
        audit.tagged("stage", stage.get("tags"))


def methods(audit, api):
    """The health of the application is for everybody; all else needs the API key."""
    resources = pages("apigateway", "get_resources", "items", restApiId=api["id"], embed=["methods"])
    found = {(one["path"], verb): method for one in resources for verb, method in one.get("resourceMethods", {}).items()}
    audit.check("api/methods", [("/health", "GET"), ("/payments", "ANY"), ("/{proxy+}", "ANY")], sorted(found))
    links = {one["VpcLinkId"] for one in links_of(audit)}
    for (path, verb), method in found.items():
        audit.check(f"api/methods{path}/key", path != "/health", method["apiKeyRequired"])
        integration = method.get("methodIntegration", {})
        private = audit.wanted.scheme == "internal"
        audit.check(f"api/methods{path}/link", "VPC_LINK" if private else "INTERNET", integration.get("connectionType"))
        if private:
            audit.check(f"api/methods{path}/link-id", links, {integration.get("connectionId")})
            audit.check(f"api/methods{path}/target", audit.balancer["LoadBalancerArn"], integration.get("integrationTarget"))
        # The load balancer's tasks, and whoever reads their logs, have no use for the key.
        header = integration.get("requestParameters", {}).get("integration.request.header.x-api-key")
        audit.check(f"api/methods{path}/redacted", "'redacted'", header)


def usage(audit, api):
    apigateway = client("apigateway")
    plans = [one for one in pages("apigateway", "get_usage_plans", "items") if one["name"] == audit.name("usage-plan")]
    audit.check("api/plans", 1, len(plans))
    keys = {one["id"]: one for one in pages("apigateway", "get_api_keys", "items")}
    for plan in plans:
        audit.check("api/plan/throttle", {"rateLimit": RATE, "burstLimit": BURST}, plan.get("throttle"))
        audit.check("api/plan/quota", (QUOTA, "MONTH"), tuple(plan.get("quota", {}).get(key) for key in ("limit", "period")))
        stages = [(one["apiId"], one["stage"]) for one in plan["apiStages"]]
        audit.check("api/plan/stages", [(api["id"], audit.environment)], stages)
        inside = apigateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]
        audit.check("api/plan/keys", 1, len(inside))
        for key in inside:
            audit.check("api/key/enabled", True, keys[key["id"]]["enabled"])
            audit.tagged("api-key", keys[key["id"]].get("tags"))
        audit.tagged("usage-plan", plan.get("tags"))


def account(audit):
    """API Gateway's right to write logs, which is the region's."""
    role = client("apigateway").get_account().get("cloudwatchRoleArn", "")
    audit.holds("api/account/role", role.endswith(f":role/payment-apigw-logs-{REGION}"), role)


def links_of(audit):
    found = client("apigatewayv2").get_vpc_links()["Items"]
    return [one for one in found if one["Name"].endswith(f"-{audit.environment}")]


def link(audit):
    """A load balancer without an address in the internet is reached by a link."""
    links = links_of(audit)
    audit.check("api/links", 1 if audit.wanted.scheme == "internal" else 0, len(links))
    private = {subnet["SubnetId"] for subnet in audit.subnets["private"]}
    for link in links:
        audit.check("api/link/subnets", private, set(link["SubnetIds"]))
        audit.tagged("vpc-link", link.get("Tags"))


def drift(audit):
    apigateway = client("apigateway")
    api = next(one for one in pages("apigateway", "get_rest_apis", "items") if one["name"] == audit.name("api"))
    plan = next(one for one in pages("apigateway", "get_usage_plans", "items") if one["name"] == audit.name("usage-plan"))
    apigateway.update_usage_plan(
        usagePlanId=plan["id"], patchOperations=[{"op": "replace", "path": "/throttle/rateLimit", "value": "5000"}])
    apigateway.update_stage(
        restApiId=api["id"], stageName=audit.environment,
        patchOperations=[{"op": "replace", "path": "/tracingEnabled", "value": "false"}])
    return {"apigw/usage-plan": "Throttle.RateLimit", "apigw/stage": "TracingEnabled"}


def left():
    yield from (one["id"] for one in pages("apigateway", "get_rest_apis", "items"))
    yield from (one["id"] for one in pages("apigateway", "get_usage_plans", "items"))
    yield from (one["id"] for one in pages("apigateway", "get_api_keys", "items"))
    yield from (one["VpcLinkId"] for one in client("apigatewayv2").get_vpc_links()["Items"])
