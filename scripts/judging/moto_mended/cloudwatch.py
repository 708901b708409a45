"""CloudWatch."""

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse

from .mending import on


@on(CloudWatchResponse)
def put_composite_alarm(response):
    """moto keeps composite alarms and tells of them, but has no operation that makes one (CloudWatch API Reference,
    PutCompositeAlarm). Its PutMetricAlarm takes all of that operation's parameters."""
    return response.put_metric_alarm()


@on(CloudWatchResponse)
def describe_alarms(response):
    """moto does not look at AlarmTypes. Without it, only alarms on metrics are answered (CloudWatch API Reference,
    DescribeAlarms)."""
    answer = describe_alarms.plain(response)
    kinds = response._get_param("AlarmTypes") or ["MetricAlarm"]
    for kind, key in (("MetricAlarm", "MetricAlarms"), ("CompositeAlarm", "CompositeAlarms")):
        if kind not in kinds:
            answer.result[key] = []
    return answer


@on(CloudWatchBackend)
def tag_resource(backend, arn, tags):
    """moto refuses tags of dashboards (CloudWatch API Reference, TagResource: alarms, dashboards, metric streams and rules)."""
    if arn in {dashboard.arn for dashboard in backend.dashboards.values()}:
        backend.tagger.tag_resource(arn, backend.tagger.convert_dict_to_tags_input(tags))
    else:
        tag_resource.plain(backend, arn, tags)


@on(CloudWatchResponse)
def put_dashboard(response):
    """moto does not read Tags, which count for a new dashboard only (CloudWatch API Reference, PutDashboard)."""
    backend, name = response.cloudwatch_backend, response._get_param("DashboardName")
    is_new = backend.get_dashboard(name) is None
    answer = put_dashboard.plain(response)
    if is_new:
        backend.tagger.tag_resource(backend.get_dashboard(name).arn, response._get_param("Tags", []))
    return answer


@on(CloudWatchBackend)
def delete_dashboards(backend, dashboards):
    """A dashboard's tags go with it."""
    for dashboard in filter(None, map(backend.get_dashboard, dashboards)):
        backend.tagger.delete_all_tags_for_resource(dashboard.arn)
    return delete_dashboards.plain(backend, dashboards)
