"""Verifies once a day that the payment database could be restored.

Lambda calls `handler`. It asks RDS about the cluster and its automated snapshots, compares the answers with what is
wanted, publishes the metric `BackupVerified` (1 or 0), and on a failure says everything that is wrong in one message to
an SNS topic and raises, so that Lambda counts an error. Nothing is changed.

All settings are environment variables; none of them is a secret. It needs the standard library and boto3, which the
runtime has.
"""

import dataclasses
import datetime
import logging
import os

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

LOGGER = logging.getLogger()
LOGGER.setLevel(logging.INFO)

METRIC = "BackupVerified"

# States in which a cluster is well, or soon is again without anybody's help (Aurora User Guide, "Viewing DB cluster
# status"). In all others it is stopped, broken, going, or locked out of its key.
HEALTHY = frozenset({
    "available",
    "backing-up",
    "configuring-iam-database-auth",
    "maintenance",
    "modifying",
    "resetting-master-credentials",
    "upgrading",
})

# SNS API Reference, Publish, Subject.
LONGEST_SUBJECT = 100


class BackupNotVerified(Exception):
    """The backup is not as it should be, or that cannot be found out."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What to look at, and what is wanted."""

    environment: str
    cluster_id: str
    key_arn: str
    topic_arn: str | None
    namespace: str
    min_retention_days: int
    max_snapshot_age: datetime.timedelta
    max_restore_lag: datetime.timedelta

    @classmethod
    def of(cls, variables):
        """From environment variables. A missing one is a KeyError, and a wrong number a ValueError."""
        return cls(
            environment=variables["ENVIRONMENT"],
            cluster_id=variables["CLUSTER_ID"],
            key_arn=variables["KEY_ARN"],
            topic_arn=variables.get("TOPIC_ARN") or None,
            namespace=variables["NAMESPACE"],
            min_retention_days=int(variables["MIN_RETENTION_DAYS"]),
            max_snapshot_age=datetime.timedelta(hours=int(variables["MAX_SNAPSHOT_AGE_HOURS"])),
            max_restore_lag=datetime.timedelta(minutes=int(variables["MAX_RESTORE_LAG_MINUTES"])),
        )


def client(service):
    """A client that tries again, and does not wait for ever."""
    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=20)
    return boto3.client(service, config=config)


def reason(error):
    """Why a call failed: AWS's code, without its message, which may quote what was asked."""
    if isinstance(error, ClientError):
        return f"{error.operation_name} failed: {error.response['Error']['Code']}"
    return f"a call failed: {type(error).__name__}"


def describe_cluster(rds, cluster_id):
    """The cluster, or None if there is none."""
    try:
        return rds.describe_db_clusters(DBClusterIdentifier=cluster_id)["DBClusters"][0]
    except rds.exceptions.DBClusterNotFoundFault:
        return None


def newest_snapshot(rds, cluster_id):
    """The newest automated snapshot that is complete, or None. One that is being made has not saved anything yet."""
    pages = rds.get_paginator("describe_db_cluster_snapshots").paginate(
        DBClusterIdentifier=cluster_id, SnapshotType="automated"
    )
    snapshots = (snapshot for page in pages for snapshot in page["DBClusterSnapshots"])
    complete = [
        snapshot for snapshot in snapshots if snapshot.get("Status") == "available" and "SnapshotCreateTime" in snapshot
    ]
    return max(complete, key=lambda snapshot: snapshot["SnapshotCreateTime"], default=None)


def hours(duration):
    """A duration in hours, as people say it."""
    return f"{duration.total_seconds() / 3600:.1f} h"


def check_encryption(what, described, key_arn):
    """What is wrong with how something is encrypted."""
    if not described.get("StorageEncrypted"):
        yield f"{what} is not encrypted"
    elif described.get("KmsKeyId") != key_arn:
        yield f"{what} is encrypted with {described.get('KmsKeyId')}, and not with {key_arn}"


def check_cluster(settings, cluster, is_new, now):
    """What is wrong with the cluster itself."""
    status = cluster.get("Status")
    if status not in HEALTHY:
        yield f"the cluster's status is {status}"
    retention = cluster.get("BackupRetentionPeriod", 0)
    if retention < settings.min_retention_days:
        yield f"backups are kept for {retention} days, and {settings.min_retention_days} are wanted"
    yield from check_encryption("the cluster", cluster, settings.key_arn)
    latest = cluster.get("LatestRestorableTime")
    if latest is None:
        if not is_new:
            yield "there is no time to which the cluster can be restored"
    elif now - latest > settings.max_restore_lag:
        yield (
            f"the cluster can be restored to {latest.isoformat()} at the latest, {hours(now - latest)} ago; "
            f"{hours(settings.max_restore_lag)} are allowed"
        )


def check_snapshot(settings, snapshot, is_new, now):
    """What is wrong with the newest automated snapshot. A cluster that is new has none for its first day."""
    if snapshot is None:
        if not is_new:
            yield "there is no automated snapshot"
        return
    name = snapshot["DBClusterSnapshotIdentifier"]
    age = now - snapshot["SnapshotCreateTime"]
    if age > settings.max_snapshot_age:
        yield (
            f"the newest automated snapshot, {name}, is {hours(age)} old; "
            f"{hours(settings.max_snapshot_age)} are allowed"
        )
    yield from check_encryption(f"the snapshot {name}", snapshot, settings.key_arn)


def verify(settings, now):
    """Makes every check, and returns everything that is wrong."""
    rds = client("rds")
    try:
        cluster = describe_cluster(rds, settings.cluster_id)
    except (ClientError, BotoCoreError) as error:
        return [reason(error)]
    if cluster is None:
        return [f"there is no cluster {settings.cluster_id}"]
    # Its first snapshot comes with its first backup window. Only the cluster's own age excuses that, so this ends.
    created = cluster.get("ClusterCreateTime")
    is_new = created is not None and now - created <= settings.max_snapshot_age
    failures = list(check_cluster(settings, cluster, is_new, now))
    try:
        snapshot = newest_snapshot(rds, settings.cluster_id)
    except (ClientError, BotoCoreError) as error:
        return [*failures, reason(error)]
    if snapshot is None and is_new:
        LOGGER.warning("the cluster is %s old and has no automated snapshot yet", hours(now - created))
    return failures + list(check_snapshot(settings, snapshot, is_new, now))


def publish_metric(settings, verified):
    """Publishes 1 for a backup that is as it should be, and 0 for one that is not."""
    client("cloudwatch").put_metric_data(
        Namespace=settings.namespace,
        MetricData=[{
            "MetricName": METRIC,
            "Dimensions": [
                {"Name": "Environment", "Value": settings.environment},
                {"Name": "DBClusterIdentifier", "Value": settings.cluster_id},
            ],
            "Value": 1.0 if verified else 0.0,
            "Unit": "None",
        }],
    )


def send_message(settings, failures, now):
    """Tells people everything that is wrong."""
    subject = f"Backup not verified: {settings.cluster_id}"
    lines = [
        f"The backup of {settings.cluster_id} ({settings.environment}) was not verified at "
        f"{now.isoformat(timespec='seconds')}:",
        "",
        *(f"- {failure}" for failure in failures),
    ]
    client("sns").publish(
        TopicArn=settings.topic_arn, Subject=subject[:LONGEST_SUBJECT], Message="\n".join(lines)
    )


def handler(_event, _context):
    """What Lambda calls."""
    settings = Settings.of(os.environ)
    now = datetime.datetime.now(datetime.timezone.utc)
    failures = verify(settings, now)
    # Neither report may keep the other, or the exception, from happening.
    try:
        publish_metric(settings, verified=not failures)
    except (ClientError, BotoCoreError) as error:
        failures.append(reason(error))
    if failures and settings.topic_arn:
        try:
            send_message(settings, failures, now)
        except (ClientError, BotoCoreError) as error:
            failures.append(reason(error))
    if failures:
        raise BackupNotVerified(f"{settings.cluster_id}: " + "; ".join(failures))
    LOGGER.info("the backup of %s is verified", settings.cluster_id)
    return {"cluster": settings.cluster_id, "verified": True}
