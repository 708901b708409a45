"""The handler under boto3, against moto in this process.

Each test makes a cluster and its snapshots in moto, calls the handler as Lambda does, and looks at what arrived: the
metric in CloudWatch, the message in a queue that is subscribed to the topic, and the exception.

moto cannot be told when an automated snapshot was made, so tests change what moto keeps; the handler still reads it by
boto3 through moto's answers.
"""

import datetime
import importlib.util
import io
import json
import logging
import os
import pathlib
import unittest
from unittest import mock

import boto3
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.rds.models import rds_backends
from moto.rds.responses import RDSResponse

REGION = "ap-southeast-1"
CLUSTER = "payment-cluster-test"
ENVIRONMENT = "test"
NAMESPACE = "Payment/Backup"
PASSWORD = "correct-horse-battery"

SOURCE = pathlib.Path(os.environ.get("HANDLER", pathlib.Path(__file__).parent.parent / "verify_backup.py"))


def load():
    """The handler's module, anew for each test."""
    spec = importlib.util.spec_from_file_location("index", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def ago(**duration):
    return now() - datetime.timedelta(**duration)


class Case(unittest.TestCase):
    """An account with a key, a topic that a queue listens to, and a cluster whose backup is as it should be."""

    def setUp(self):
        credentials = {
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.enter(mock.patch.dict(os.environ, credentials))
        self.enter(mock_aws())
        self.logged = io.StringIO()
        logs = logging.StreamHandler(self.logged)
        logging.getLogger().addHandler(logs)
        self.addCleanup(logging.getLogger().removeHandler, logs)
        self.rds = boto3.client("rds")
        self.kms = boto3.client("kms")
        self.sqs = boto3.client("sqs")
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        sns = boto3.client("sns")
        self.topic = sns.create_topic(Name="alarms")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="people")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self.make_cluster()
        self.make_snapshot("2026-01-01", ago(hours=49))
        self.make_snapshot("2026-01-02", ago(hours=25))
        self.make_snapshot("2026-01-03", ago(hours=1))

    def enter(self, context):
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    # What is in the account.

    def make_cluster(self, **changes):
        settings = {
            "DBClusterIdentifier": CLUSTER,
            "Engine": "aurora-postgresql",
            "MasterUsername": "payments",
            "MasterUserPassword": PASSWORD,
            "StorageEncrypted": True,
            "KmsKeyId": self.key,
            "BackupRetentionPeriod": 7,
        }
        self.rds.create_db_cluster(**{**settings, **changes})
        self.set_cluster(cluster_create_time=ago(days=30), latest_restorable_time=ago(minutes=5))
        # moto makes a first automated snapshot by itself.
        self.forget_snapshots()

    @property
    def backend(self):
        return rds_backends[DEFAULT_ACCOUNT_ID][REGION]

    def set_cluster(self, **attributes):
        """Changes what moto keeps of the cluster."""
        cluster = self.backend.clusters[CLUSTER]
        for name, value in attributes.items():
            if isinstance(getattr(type(cluster), name, None), property):
                # moto works it out; from here on it is a plain value.
                cluster.__class__ = type("DBCluster", (type(cluster),), {name: value})
            else:
                setattr(cluster, name, value)

    def make_snapshot(self, day, created, **attributes):
        """An automated snapshot: one that moto made, and then took for one of RDS's own."""
        name = f"backup-{day}"
        self.rds.create_db_cluster_snapshot(DBClusterIdentifier=CLUSTER, DBClusterSnapshotIdentifier=name)
        self.set_snapshot(day, created=created, snapshot_type="automated", **attributes)

    def set_snapshot(self, day, **attributes):
        snapshot = self.backend.cluster_snapshots[f"backup-{day}"]
        for name, value in attributes.items():
            setattr(snapshot, name, value)

    def one_by_one(self):
        """Makes moto, which answers with everything at once, answer page by page. Returns the markers it will see."""
        markers = []
        everything = RDSResponse.describe_db_cluster_snapshots

        def page(response):
            marker = response.params.get("Marker")
            markers.append(marker)
            snapshots = everything(response).result["DBClusterSnapshots"]
            at = int(marker or 0)
            more = {"Marker": str(at + 1)} if at + 1 < len(snapshots) else {}
            return ActionResult({"DBClusterSnapshots": snapshots[at:at + 1], **more})

        self.enter(mock.patch.object(RDSResponse, "describe_db_cluster_snapshots", page))
        return markers

    def forget_snapshots(self):
        self.backend.cluster_snapshots.clear()

    # What the handler does.

    def variables(self):
        return {
            "ENVIRONMENT": ENVIRONMENT,
            "CLUSTER_ID": CLUSTER,
            "KEY_ARN": self.key,
            "TOPIC_ARN": self.topic,
            "NAMESPACE": NAMESPACE,
            "MIN_RETENTION_DAYS": "7",
            "MAX_SNAPSHOT_AGE_HOURS": "26",
            "MAX_RESTORE_LAG_MINUTES": "15",
        }

    def call(self, **changes):
        """Calls the handler as Lambda does. Returns its answer, or the exception that it raised."""
        variables = {**self.variables(), **changes}
        variables = {name: value for name, value in variables.items() if value is not None}
        with mock.patch.dict(os.environ, variables):
            for name in set(self.variables()) - set(variables):
                os.environ.pop(name, None)
            self.module = load()
            try:
                return self.module.handler({}, None)
            except Exception as error:  # pylint: disable=broad-except
                return error

    # What arrived.

    def metric(self):
        """The values that were published."""
        answer = boto3.client("cloudwatch").get_metric_data(
            StartTime=ago(minutes=10),
            EndTime=now() + datetime.timedelta(minutes=10),
            MetricDataQueries=[{
                "Id": "verified",
                "MetricStat": {
                    "Metric": {
                        "Namespace": NAMESPACE,
                        "MetricName": "BackupVerified",
                        "Dimensions": [
                            {"Name": "Environment", "Value": ENVIRONMENT},
                            {"Name": "DBClusterIdentifier", "Value": CLUSTER},
                        ],
                    },
                    "Period": 60,
                    "Stat": "Average",
                },
            }],
        )
        return answer["MetricDataResults"][0]["Values"]

    def messages(self):
        """What people were told: subjects and texts."""
        received = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in received]
        return [(body["Subject"], body["Message"]) for body in bodies]

    def assert_verified(self, answer):
        self.assertEqual(answer, {"cluster": CLUSTER, "verified": True})
        self.assertEqual(self.metric(), [1.0])
        self.assertEqual(self.messages(), [])

    def assert_fails(self, answer, *reasons):
        """It raised, published 0, and said all reasons, and only those, in one message."""
        self.assertIsInstance(answer, self.module.BackupNotVerified)
        self.assertEqual(self.metric(), [0.0])
        [(subject, text)] = self.messages()
        self.assertEqual(subject, f"Backup not verified: {CLUSTER}")
        said = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
        self.assertEqual(len(said), len(reasons), said)
        for reason, line in zip(reasons, said):
            self.assertRegex(line, reason)
            self.assertIn(line, str(answer))
        self.assertNotIn(PASSWORD, text + str(answer) + self.logged.getvalue())


class Good(Case):
    def test_a_good_backup_is_verified(self):
        self.assert_verified(self.call())

    def test_the_newest_of_many_snapshots_counts_on_whatever_page_it_is(self):
        self.set_snapshot("2026-01-03", created=ago(hours=30))
        self.set_snapshot("2026-01-02", created=ago(hours=54))
        self.make_snapshot("2026-01-04", ago(hours=1))
        pages = self.one_by_one()
        self.assert_verified(self.call())
        self.assertEqual(pages, [None, "1", "2", "3"])

    def test_a_backup_window_in_progress_is_no_fault(self):
        self.set_cluster(status="backing-up")
        self.make_snapshot("2026-01-04", ago(minutes=1), status="creating")
        self.assert_verified(self.call())

    def test_without_a_topic_the_metric_and_the_answer_remain(self):
        self.assert_verified(self.call(TOPIC_ARN=None))

    def test_a_cluster_that_is_new_needs_no_snapshot_yet(self):
        self.forget_snapshots()
        self.set_cluster(cluster_create_time=ago(hours=25), latest_restorable_time=None)
        self.assert_verified(self.call())
        self.assertIn("has no automated snapshot yet", self.logged.getvalue())


class Bad(Case):
    def test_a_stale_snapshot(self):
        self.set_snapshot("2026-01-03", created=ago(hours=27))
        self.set_snapshot("2026-01-02", created=ago(hours=51))
        self.assert_fails(self.call(), r"^the newest automated snapshot, backup-2026-01-03, is 27\.0 h old; 26\.0 h are")

    def test_a_snapshot_that_is_not_complete_does_not_count(self):
        self.set_snapshot("2026-01-03", status="creating")
        self.set_snapshot("2026-01-02", created=ago(hours=27))
        self.assert_fails(self.call(), r"^the newest automated snapshot, backup-2026-01-02, is 27\.0 h old")

    def test_a_manual_snapshot_does_not_count(self):
        self.forget_snapshots()
        self.rds.create_db_cluster_snapshot(DBClusterIdentifier=CLUSTER, DBClusterSnapshotIdentifier="by-hand")
        self.assert_fails(self.call(), r"^there is no automated snapshot$")

    def test_another_clusters_snapshot_does_not_count(self):
        self.forget_snapshots()
        self.rds.create_db_cluster(
            DBClusterIdentifier="other", Engine="aurora-postgresql", MasterUsername="u", MasterUserPassword=PASSWORD
        )
        self.rds.create_db_cluster_snapshot(DBClusterIdentifier="other", DBClusterSnapshotIdentifier="backup-other")
        self.set_snapshot("other", created=ago(hours=1), snapshot_type="automated")
        self.assert_fails(self.call(), r"^there is no automated snapshot$")

    def test_no_snapshot(self):
        self.forget_snapshots()
        self.assert_fails(self.call(), r"^there is no automated snapshot$")

    def test_a_new_cluster_is_excused_for_a_day_and_no_longer(self):
        self.forget_snapshots()
        self.set_cluster(cluster_create_time=ago(hours=27), latest_restorable_time=None)
        self.assert_fails(
            self.call(), r"^there is no time to which the cluster can be restored$", r"^there is no automated snapshot$"
        )

    def test_a_new_cluster_is_excused_from_nothing_else(self):
        self.forget_snapshots()
        self.set_cluster(cluster_create_time=ago(hours=1), backup_retention_period=1)
        self.assert_fails(self.call(), r"^backups are kept for 1 days, and 7 are wanted$")

    def test_a_wrong_key(self):
        other = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.assert_fails(
            self.call(KEY_ARN=other),
            f"^the cluster is encrypted with {self.key}, and not with {other}$",
            f"^the snapshot backup-2026-01-03 is encrypted with {self.key}, and not with {other}$",
        )

    def test_a_snapshot_with_a_wrong_key(self):
        other = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.set_snapshot("2026-01-03", kms_key_id=other)
        self.assert_fails(self.call(), f"^the snapshot backup-2026-01-03 is encrypted with {other}, and not with")

    def test_no_encryption(self):
        self.rds.delete_db_cluster(DBClusterIdentifier=CLUSTER, SkipFinalSnapshot=True)
        self.make_cluster(StorageEncrypted=False, KmsKeyId="")
        self.make_snapshot("2026-01-03", ago(hours=1))
        self.assert_fails(
            self.call(), r"^the cluster is not encrypted$", r"^the snapshot backup-2026-01-03 is not encrypted$"
        )

    def test_a_cluster_that_is_missing(self):
        self.rds.delete_db_cluster(DBClusterIdentifier=CLUSTER, SkipFinalSnapshot=True)
        self.assert_fails(self.call(), f"^there is no cluster {CLUSTER}$")

    def test_a_retention_that_is_too_short(self):
        self.rds.modify_db_cluster(DBClusterIdentifier=CLUSTER, BackupRetentionPeriod=3, ApplyImmediately=True)
        self.assert_fails(self.call(), r"^backups are kept for 3 days, and 7 are wanted$")

    def test_a_longer_retention_can_be_wanted(self):
        self.assert_fails(self.call(MIN_RETENTION_DAYS="35"), r"^backups are kept for 7 days, and 35 are wanted$")

    def test_a_cluster_that_is_stopped(self):
        self.rds.stop_db_cluster(DBClusterIdentifier=CLUSTER)
        status = self.rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]["Status"]
        self.assert_fails(self.call(), f"^the cluster's status is {status}$")

    def test_a_cluster_that_lost_its_key(self):
        self.set_cluster(status="inaccessible-encryption-credentials")
        self.assert_fails(self.call(), r"^the cluster's status is inaccessible-encryption-credentials$")

    def test_a_restorable_time_that_lags(self):
        self.set_cluster(latest_restorable_time=ago(minutes=48))
        self.assert_fails(self.call(), r"^the cluster can be restored to .* at the latest, 0\.8 h ago; 0\.2 h are allowed$")

    def test_several_faults_in_one_message(self):
        self.set_cluster(status="stopped", latest_restorable_time=ago(hours=3), backup_retention_period=1)
        self.set_snapshot("2026-01-01", created=ago(hours=99))
        self.set_snapshot("2026-01-02", created=ago(hours=75))
        self.set_snapshot("2026-01-03", created=ago(hours=51))
        self.assert_fails(
            self.call(),
            r"^the cluster's status is stopped$",
            r"^backups are kept for 1 days",
            r"^the cluster can be restored to",
            r"^the newest automated snapshot",
        )


class Broken(Case):
    """What the handler itself cannot do is a failure too."""

    def refuse(self, operation, code="AccessDenied"):
        """Makes one call be refused, with a message that nobody may see."""
        self.fail_with(operation, ClientError({"Error": {"Code": code, "Message": f"not for {PASSWORD}"}}, operation))

    def fail_with(self, operation, error):
        """Makes one call fail, and lets the others through to moto."""
        send = BaseClient._make_api_call

        def call(client, name, parameters):
            if name == operation:
                raise error
            return send(client, name, parameters)

        self.enter(mock.patch("botocore.client.BaseClient._make_api_call", call))

    def test_a_cluster_that_may_not_be_seen(self):
        self.refuse("DescribeDBClusters")
        self.assert_fails(self.call(), r"^DescribeDBClusters failed: AccessDenied$")

    def test_snapshots_that_may_not_be_seen_do_not_hide_the_rest(self):
        self.refuse("DescribeDBClusterSnapshots", "Throttling")
        self.set_cluster(backup_retention_period=1)
        self.assert_fails(self.call(), r"^backups are kept for 1 days", r"^DescribeDBClusterSnapshots failed: Throttling$")

    def test_a_network_that_is_down(self):
        self.fail_with("DescribeDBClusters", EndpointConnectionError(endpoint_url="https://rds.example"))
        self.assert_fails(self.call(), r"^a call failed: EndpointConnectionError$")

    def test_a_metric_that_cannot_be_published_is_told_to_people(self):
        self.refuse("PutMetricData")
        answer = self.call()
        self.assertIsInstance(answer, self.module.BackupNotVerified)
        [(_, text)] = self.messages()
        self.assertIn("- PutMetricData failed: AccessDenied", text)
        self.assertEqual(self.metric(), [])

    def test_a_message_that_cannot_be_sent_is_raised_with_the_rest(self):
        self.refuse("Publish")
        self.forget_snapshots()
        answer = self.call()
        self.assertIsInstance(answer, self.module.BackupNotVerified)
        self.assertIn("there is no automated snapshot; Publish failed: AccessDenied", str(answer))
        self.assertEqual(self.metric(), [0.0])

    def test_without_a_topic_a_failure_still_raises_and_counts(self):
        self.forget_snapshots()
        answer = self.call(TOPIC_ARN=None)
        self.assertIsInstance(answer, self.module.BackupNotVerified)
        self.assertEqual(self.metric(), [0.0])
        self.assertEqual(self.messages(), [])

    def test_a_setting_that_is_missing_or_wrong_raises(self):
        self.assertIsInstance(self.call(CLUSTER_ID=None), KeyError)
        self.assertIsInstance(self.call(MIN_RETENTION_DAYS="many"), ValueError)


if __name__ == "__main__":
    unittest.main()
