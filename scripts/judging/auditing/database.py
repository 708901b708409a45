"""The database tier."""

from .looking import client, pages


def audit(audit):
    cluster = audit.cluster
    wanted = {
        "Engine": "aurora-postgresql", "StorageEncrypted": True, "BackupRetentionPeriod": audit.wanted.backup_days,
        "PreferredBackupWindow": "03:00-04:00", "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        "EnabledCloudwatchLogsExports": ["postgresql"], "CopyTagsToSnapshot": True,
        "IAMDatabaseAuthenticationEnabled": True, "Port": 5432, "DeletionProtection": audit.wanted.protected,
    }
    for key, value in wanted.items():
        audit.check(f"database/{key}", value, cluster.get(key))
    scaling = cluster["ServerlessV2ScalingConfiguration"]
    audit.check("database/capacity", audit.wanted.capacity, (scaling["MinCapacity"], scaling["MaxCapacity"]))
    audit.holds("database/key", cluster["KmsKeyId"].startswith("arn:aws:kms:"), cluster["KmsKeyId"])
    audit.holds("database/secret", "MasterUserSecret" in cluster, "a secret that RDS manages")
    count = audit.wanted.instances
    instances = pages("rds", "describe_db_instances", "DBInstances")
    audit.check("database/instances", ["db.serverless"] * count, [one["DBInstanceClass"] for one in instances])
    audit.check("database/zones", count, len({one["AvailabilityZone"] for one in instances}))
    audit.check("database/public", [False] * count, [one["PubliclyAccessible"] for one in instances])
    parameters = pages("rds", "describe_db_cluster_parameters", "Parameters",
                       DBClusterParameterGroupName=cluster["DBClusterParameterGroup"])
    values = {one["ParameterName"]: one.get("ParameterValue") for one in parameters}
    audit.check("database/force-ssl", "1", values.get("rds.force_ssl"))
    audit.tagged("database-cluster", cluster["TagList"])
    for instance in instances:
        audit.tagged(instance["DBInstanceIdentifier"], instance["TagList"])
    group = client("rds").describe_db_subnet_groups(DBSubnetGroupName=cluster["DBSubnetGroup"])["DBSubnetGroups"][0]
    audit.check("database/subnets", {one["SubnetId"] for one in audit.subnets["database"]},
                {one["SubnetIdentifier"] for one in group["Subnets"]})
    parameters = pages("rds", "describe_db_cluster_parameter_groups", "DBClusterParameterGroups",
                       DBClusterParameterGroupName=cluster["DBClusterParameterGroup"])
    for what, arn in (("subnet-group", group["DBSubnetGroupArn"]),
                      ("parameter-group", parameters[0]["DBClusterParameterGroupArn"])):
        audit.tagged(what, client("rds").list_tags_for_resource(ResourceName=arn)["TagList"])


def drift(audit):
    client("rds").modify_db_cluster(
        DBClusterIdentifier=audit.name("aurora"), BackupRetentionPeriod=1, ApplyImmediately=True)
    group = f"/aws/rds/cluster/{audit.name('aurora')}/postgresql"
    client("logs").put_retention_policy(logGroupName=group, retentionInDays=7)
    return {"database/cluster": "BackupRetentionPeriod", "database/log-group": "RetentionInDays"}


def left():
    """A last snapshot stays on purpose."""
    yield from (one["DBClusterIdentifier"] for one in pages("rds", "describe_db_clusters", "DBClusters"))
    yield from (one["DBInstanceIdentifier"] for one in pages("rds", "describe_db_instances", "DBInstances"))
    yield from (one["DBSubnetGroupName"] for one in pages("rds", "describe_db_subnet_groups", "DBSubnetGroups"))
    groups = pages("rds", "describe_db_cluster_parameter_groups", "DBClusterParameterGroups")
    yield from (one["DBClusterParameterGroupName"] for one in groups
                if one["DBClusterParameterGroupName"].startswith("payment-"))
    yield from (one["ARN"] for one in pages("secretsmanager", "list_secrets", "SecretList"))


def kept():
    """The last snapshots, whether they are encrypted, and the state of the key that does it."""
    found = pages("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual")
    state = lambda one: client("kms").describe_key(KeyId=one["KmsKeyId"])["KeyMetadata"]["KeyState"]
    return [(one["DBClusterIdentifier"], one["StorageEncrypted"], state(one)) for one in found]
