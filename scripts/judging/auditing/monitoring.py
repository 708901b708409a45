"""The monitoring tier. Sampling rules are not here: moto has no X-Ray."""

import json

from .looking import client, pages

MORE, MORE_OR_EQUAL, LESS = "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"
GOOD, BAD = "notBreaching", "breaching"
MIB = 2.0**20

# What the reference document alarms on, and what else payments need: metric, statistic, comparison, threshold, periods, their
# seconds, and what missing values mean. Of a computed value there is neither metric, nor statistic, nor seconds.
ALARMS = {
    "alb-unhealthy-hosts-blue": ("UnHealthyHostCount", "Maximum", MORE_OR_EQUAL, 1.0, 3, 60, GOOD),
    "alb-unhealthy-hosts-green": ("UnHealthyHostCount", "Maximum", MORE_OR_EQUAL, 1.0, 3, 60, GOOD),
    "alb-errors": ("HTTPCode_ELB_5XX_Count", "Sum", MORE, 10.0, 2, 300, GOOD),
    "alb-target-errors": (None, None, MORE, 5.0, 2, None, GOOD),
    "alb-latency": ("TargetResponseTime", "p99", MORE, 2.0, 2, 300, GOOD),
    "alb-rejected-connections": ("RejectedConnectionCount", "Sum", MORE, 0.0, 2, 300, GOOD),
    "ecs-cpu": ("CPUUtilization", "Average", MORE, 80.0, 2, 300, GOOD),
    "ecs-memory": ("MemoryUtilization", "Average", MORE, 80.0, 2, 300, GOOD),
    "database-cpu": ("CPUUtilization", "Average", MORE, 80.0, 2, 300, GOOD),
    "database-capacity": ("ACUUtilization", "Average", MORE, 90.0, 3, 300, GOOD),
    "database-replica-lag": ("AuroraReplicaLag", "Maximum", MORE, 1000.0, 2, 300, GOOD),
    "api-errors": (None, None, MORE, 1.0, 2, None, GOOD),
    "api-latency": ("Latency", "p99", MORE, 3000.0, 2, 300, GOOD),
    "waf-blocked-requests": ("BlockedRequests", "Sum", MORE, 1000.0, 2, 300, GOOD),
    "waf-blocked-requests-api": ("BlockedRequests", "Sum", MORE, 1000.0, 2, 300, GOOD),
    "payment-errors": ("PaymentErrors", "Sum", MORE, 10.0, 2, 300, GOOD),
    "backup-unverified": ("BackupVerified", "Maximum", LESS, 1.0, 26, 3600, BAD),
    "backup-errors": ("Errors", "Sum", MORE_OR_EQUAL, 1.0, 1, 300, GOOD),
    "backup-throttles": ("Throttles", "Sum", MORE_OR_EQUAL, 1.0, 1, 300, GOOD),
}
for zone in (1, 2, 3):
    ALARMS[f"nat-ports-{zone}"] = ("ErrorPortAllocation", "Sum", MORE, 0.0, 2, 300, GOOD)
    ALARMS[f"nat-dropped-packets-{zone}"] = ("PacketsDropCount", "Sum", MORE, 0.0, 2, 300, GOOD)

# Those of the reference document, which together are one message.
CRITICAL = {"alb-unhealthy-hosts-blue", "alb-unhealthy-hosts-green", "ecs-cpu", "ecs-memory", "database-cpu",
            "database-connections", "database-storage-1"}

# The reference document's rows, and the namespaces.
GRAPHS = {
    "AWS/ApplicationELB": {"RequestCount", "TargetResponseTime", "HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count"},
    "AWS/ECS": {"CPUUtilization", "MemoryUtilization"},
    "ECS/ContainerInsights": {"RunningTaskCount"},
    "AWS/RDS": {"DatabaseConnections", "CPUUtilization", "VolumeBytesUsed", "AuroraReplicaLag"},
}


def alarms_of(audit):
    """What this environment's alarms are, by name."""
    wanted = dict(ALARMS)
    least = float(audit.wanted.tasks[0])
    wanted["alb-healthy-hosts"] = (None, None, LESS, least, 2, None, BAD)
    wanted["ecs-running-tasks"] = ("RunningTaskCount", "Minimum", LESS, least, 2, 300, GOOD)
    wanted["database-connections"] = ("DatabaseConnections", "Maximum", MORE, audit.wanted.connections, 2, 300, GOOD)
    for instance in range(1, audit.wanted.instances + 1):
        # The size of the local storage follows the capacity, and is not known: it is so many bytes.
        wanted[f"database-storage-{instance}"] = ("FreeLocalStorage", "Minimum", LESS, 2048 * MIB, 2, 300, GOOD)
    return {audit.name(name): alarm for name, alarm in wanted.items()}


def described(kind, prefix):
    return client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix, AlarmTypes=[kind], MaxRecords=100)[f"{kind}s"]


def audit(audit):
    for part in (alarms, composite, topic, dashboard, metric_filter):
        part(audit)


def alarms(audit):
    live = {one["AlarmName"]: one for one in described("MetricAlarm", "payment-")}
    live = {name: one for name, one in live.items() if name.endswith(f"-{audit.environment}")}
    wanted = alarms_of(audit)
    audit.check("alarms/names", sorted(wanted), sorted(live))
    for name in sorted(wanted.keys() & live.keys()):
        alarm = live[name]
        found = (alarm.get("MetricName"), alarm.get("Statistic") or alarm.get("ExtendedStatistic"),
                 alarm["ComparisonOperator"], alarm["Threshold"], alarm["EvaluationPeriods"], alarm.get("Period"),
                 alarm["TreatMissingData"])
        audit.check(f"alarms/{name}", wanted[name], found)
        if wanted[name][0] is None:
            periods = {one["MetricStat"]["Period"] for one in alarm["Metrics"] if "MetricStat" in one}
            audit.check(f"alarms/{name}/periods", {300}, periods)
        told(audit, alarm)


def told(audit, alarm):
    audit.check(f"alarms/{alarm['AlarmName']}/actions", [audit.topic], alarm["AlarmActions"])
    audit.check(f"alarms/{alarm['AlarmName']}/enabled", True, alarm["ActionsEnabled"])
    tags = client("cloudwatch").list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    audit.tagged(alarm["AlarmName"], tags)


def composite(audit):
    name = audit.name("critical")
    live = [one for one in described("CompositeAlarm", "payment-") if one["AlarmName"] == name]
    audit.check("alarms/composite", 1, len(live))
    for alarm in live:
        named = {part.split('"')[1] for part in alarm["AlarmRule"].split(" OR ")}
        audit.holds("alarms/composite/rule", {audit.name(one) for one in CRITICAL} <= named, sorted(named))
        audit.check("alarms/composite/exist", set(), named - set(alarms_of(audit)))
        told(audit, alarm)


def topic(audit):
    audit.holds("topic", audit.topic, audit.topic)
    if not audit.topic:
        return
    values = client("sns").get_topic_attributes(TopicArn=audit.topic)["Attributes"]
    # With the key that SNS has itself, alarms cannot publish.
    key = values.get("KmsMasterKeyId", "")
    audit.holds("topic/key", ":key/" in key, key)
    kms = client("kms")
    statements = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])["Statement"] if key else []
    allowed = [one for one in statements if one.get("Principal", {}).get("Service") == "cloudwatch.amazonaws.com"]
    audit.holds("topic/key/alarms", "kms:GenerateDataKey" in json.dumps(allowed), allowed)
    statements = json.loads(values["Policy"])["Statement"]
    denied = [one for one in statements if one["Effect"] == "Deny"]
    audit.holds("topic/tls", any("aws:SecureTransport" in json.dumps(one) for one in denied), denied)
    anybody = [one for one in statements if one["Effect"] == "Allow" and one["Principal"] in ("*", {"AWS": "*"})]
    audit.check("topic/anybody", [], anybody)
    audit.tagged("topic", client("sns").list_tags_for_resource(ResourceArn=audit.topic)["Tags"])


def dashboard(audit):
    cloudwatch = client("cloudwatch")
    prefix = f"payment-dashboard-{audit.environment}"
    found = pages("cloudwatch", "list_dashboards", "DashboardEntries", DashboardNamePrefix=prefix)
    audit.check("dashboard/count", 1, len(found))
    for entry in found:
        body = json.loads(cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"])
        graphs = [one["properties"] for one in body["widgets"] if one["type"] == "metric"]
        metrics = [(graph, metric) for graph in audit.some("dashboard/graphs", graphs) for metric in graph["metrics"]]
        audit.check("dashboard/periods", {300}, {graph.get("period") for graph in graphs})
        shown = {}
        for _, metric in metrics:
            if isinstance(metric[0], str):
                shown.setdefault(metric[0], set()).add(metric[1])
        for namespace, names in GRAPHS.items():
            audit.check(f"dashboard/{namespace}", set(), names - shown.get(namespace, set()))
        audit.tagged("dashboard", cloudwatch.list_tags_for_resource(ResourceARN=entry["DashboardArn"])["Tags"])


def metric_filter(audit):
    """Where the number of payment errors comes from."""
    group = f"/ecs/{audit.name('app')}"
    found = pages("logs", "describe_metric_filters", "metricFilters", logGroupName=group)
    names = [change["metricName"] for one in found for change in one["metricTransformations"]]
    audit.check("payment-errors/metric", ["PaymentErrors"], names)


def drift(audit):
    cloudwatch = client("cloudwatch")
    alarm = next(one for one in described("MetricAlarm", "payment-") if one["AlarmName"] == audit.name("database-cpu"))
    kept = ("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "MetricName", "Namespace",
            "Statistic", "Dimensions", "Period", "EvaluationPeriods", "ComparisonOperator", "TreatMissingData",
            "DatapointsToAlarm")
    cloudwatch.put_metric_alarm(**{key: alarm[key] for key in kept if key in alarm}, Threshold=99.0)
    client("sns").set_topic_attributes(TopicArn=audit.topic, AttributeName="DisplayName", AttributeValue="wrong")
    name = client("cloudwatch").list_dashboards(DashboardNamePrefix=f"payment-dashboard-{audit.environment}")
    name = name["DashboardEntries"][0]["DashboardName"]
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": []}))
    return {"monitoring/alarm-database-cpu": "Threshold", "monitoring/topic": "DisplayName",
            "monitoring/dashboard": "DashboardBody"}


def left():
    for kind in ("MetricAlarm", "CompositeAlarm"):
        yield from (one["AlarmName"] for one in described(kind, "payment-"))
    yield from (one["DashboardName"] for one in pages("cloudwatch", "list_dashboards", "DashboardEntries"))
    yield from (one["TopicArn"] for one in pages("sns", "list_topics", "Topics"))
    yield from (one["filterName"] for one in pages("logs", "describe_metric_filters", "metricFilters"))
