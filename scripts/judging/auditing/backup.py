"""The tier that verifies backups daily."""

from .looking import client, pages


def audit(audit):
    name = audit.name("backup-verification")
    found = [one for one in pages("lambda", "list_functions", "Functions") if one["FunctionName"] == name]
    audit.check("backup/function", 1, len(found))
    queue = queue_of(audit)
    for one in found:
        function(audit, one, queue)
        schedule(audit, one, queue)
    dead_letters(audit, queue)


def queue_of(audit):
    """The URL of the queue for what failed, and its attributes."""
    sqs = client("sqs")
    urls = sqs.list_queues(QueueNamePrefix=audit.name("backup-dead-letters")).get("QueueUrls", [])
    audit.check("backup/queue", 1, len(urls))
    return (urls[0], sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["All"])["Attributes"]) if urls else (None, {})


def function(audit, function, queue):
    name, lambdas = function["FunctionName"], client("lambda")
    live = lambdas.get_function_configuration(FunctionName=name)
    wanted = {"Runtime": "python3.13", "Architectures": ["arm64"], "MemorySize": 256, "Timeout": 300,
              "TracingConfig": {"Mode": "Active"}, "DeadLetterConfig": {"TargetArn": queue[1].get("QueueArn")}}
    for key, value in wanted.items():
        audit.check(f"backup/function/{key}", value, live.get(key))
    audit.check("backup/function/log", f"/aws/lambda/{name}", live.get("LoggingConfig", {}).get("LogGroup"))
    variables = live.get("Environment", {}).get("Variables", {})
    wanted = {"CLUSTER_ID": audit.name("aurora"), "KEY_ARN": audit.cluster["KmsKeyId"], "TOPIC_ARN": audit.topic,
              "MIN_RETENTION_DAYS": str(audit.wanted.backup_days), "MAX_SNAPSHOT_AGE_HOURS": "26",
              "MAX_RESTORE_LAG_MINUTES": "15"}
    for key, value in wanted.items():
        audit.check(f"backup/function/{key}", value, variables.get(key))
    audit.tagged("function", lambdas.list_tags(Resource=function["FunctionArn"])["Tags"])


def schedule(audit, function, queue):
    """Daily: any day of any month, at one minute of one hour."""
    found = [one for one in pages("scheduler", "list_schedules", "Schedules") if one["Name"] == function["FunctionName"]]
    audit.check("backup/schedules", 1, len(found))
    for one in found:
        live = client("scheduler").get_schedule(Name=one["Name"], GroupName=one["GroupName"])
        minute, hour, *days = live["ScheduleExpression"].removeprefix("cron(").removesuffix(")").split()
        audit.check("backup/schedule/days", ["*", "*", "?", "*"], days)
        audit.holds("backup/schedule/time", minute.isdigit() and hour.isdigit(), live["ScheduleExpression"])
        # After the database's own backup, which is from 3 to 4.
        audit.holds("backup/schedule/after", hour.isdigit() and int(hour) >= 4, live["ScheduleExpression"])
        audit.check("backup/schedule/state", "ENABLED", live["State"])
        audit.check("backup/schedule/target", function["FunctionArn"], live["Target"]["Arn"])
        audit.check("backup/schedule/dead-letters", {"Arn": queue[1].get("QueueArn")}, live["Target"].get("DeadLetterConfig"))


def dead_letters(audit, queue):
    url, values = queue
    if url:
        audit.check("backup/queue/encrypted", "true", values.get("SqsManagedSseEnabled"))
        audit.check("backup/queue/days", 14, int(values["MessageRetentionPeriod"]) // 86400)
        audit.tagged("dead-letter-queue", client("sqs").list_queue_tags(QueueUrl=url).get("Tags"))


def drift(audit):
    name = audit.name("backup-verification")
    client("lambda").update_function_configuration(FunctionName=name, Timeout=3)
    scheduler = client("scheduler")
    live = scheduler.get_schedule(Name=name)
    kept = ("Name", "GroupName", "ScheduleExpression", "ScheduleExpressionTimezone", "Description", "Target",
            "FlexibleTimeWindow")
    scheduler.update_schedule(**{key: live[key] for key in kept if key in live}, State="DISABLED")
    return {"backup/function": "Timeout", "backup/schedule": "State"}


def left():
    yield from (one["FunctionName"] for one in pages("lambda", "list_functions", "Functions"))
    yield from (one["Name"] for one in pages("scheduler", "list_schedules", "Schedules"))
    yield from client("sqs").list_queues().get("QueueUrls", [])
    yield from (one["BackupVaultName"] for one in pages("backup", "list_backup_vaults", "BackupVaultList"))
    yield from (one["BackupPlanId"] for one in pages("backup", "list_backup_plans", "BackupPlansList"))
