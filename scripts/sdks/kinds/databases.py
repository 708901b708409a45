"""RDS: Aurora, and its users."""

from ..steps import ACCOUNT, REGION, Kind, call, pages, pairs, tagged, until, wait


def arn(kind, name):
    return f"arn:aws:rds:{REGION}:{ACCOUNT}:{kind}:{name}"


def rds_tags(kind, name):
    return tagged(("rds.AddTagsToResource", {"ResourceName": arn(kind, name), "Tags": pairs()}),
                  ("rds.ListTagsForResource", {"ResourceName": arn(kind, name)}),
                  ("rds.RemoveTagsFromResource", {"ResourceName": arn(kind, name), "TagKeys": ["Author"]}), "TagList")


KINDS = [
    Kind(
        "AWS::RDS::DBSubnetGroup",
        make=[
            call("rds.CreateDBSubnetGroup", DBSubnetGroupName="check", DBSubnetGroupDescription="for a check",
                 SubnetIds=["{subnet}", "{other_subnet}"], expect={"DBSubnetGroup.SubnetGroupStatus": "Complete"}),
            pages("rds.DescribeDBSubnetGroups", size=20,
                  expect={"DBSubnetGroups[0].VpcId": "{vpc}",
                          "DBSubnetGroups[0].Subnets[SubnetIdentifier={subnet}].SubnetAvailabilityZone.Name": f"{REGION}a"}),
        ],
        tag=rds_tags("subgrp", "check"),
        remove=[
            call("rds.DeleteDBSubnetGroup", DBSubnetGroupName="check"),
            call("rds.DescribeDBSubnetGroups", DBSubnetGroupName="check",
                 refused=("DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound")),
        ],
    ),
    Kind(
        "AWS::RDS::DBClusterParameterGroup",
        make=[
            call("rds.CreateDBClusterParameterGroup", DBClusterParameterGroupName="check", Description="for a check",
                 DBParameterGroupFamily="aurora-postgresql17"),
            call("rds.ModifyDBClusterParameterGroup", DBClusterParameterGroupName="check", Parameters=[
                {"ParameterName": "log_min_duration_statement", "ParameterValue": "500", "ApplyMethod": "immediate"}]),
            pages("rds.DescribeDBClusterParameters", DBClusterParameterGroupName="check", Source="user", size=20,
                  expect={"Parameters[0].ParameterValue": "500", "Parameters[1]": None}),
            pages("rds.DescribeDBClusterParameterGroups", size=20,
                  expect={"DBClusterParameterGroups[DBClusterParameterGroupName=check].DBParameterGroupFamily":
                          "aurora-postgresql17"}),
        ],
        tag=rds_tags("cluster-pg", "check"),
        remove=[
            call("rds.DeleteDBClusterParameterGroup", DBClusterParameterGroupName="check"),
            call("rds.DescribeDBClusterParameterGroups", DBClusterParameterGroupName="check",
                 refused=("DBParameterGroupNotFound", "DBParameterGroupNotFoundFault")),
        ],
    ),
    Kind(
        "AWS::RDS::DBCluster",
        make=[
            pages("rds.DescribeDBEngineVersions", Engine="aurora-postgresql", size=20,
                  expect={"DBEngineVersions[0].Engine": "aurora-postgresql"}),
            call("rds.CreateDBCluster", DBClusterIdentifier="check", Engine="aurora-postgresql", EngineVersion="17",
                 MasterUsername="payments", ManageMasterUserPassword=True, DBSubnetGroupName="check",
                 DBClusterParameterGroupName="check", VpcSecurityGroupIds=["{group}"], StorageEncrypted=True,
                 EnableHttpEndpoint=True, BackupRetentionPeriod=7, DatabaseName="payments",
                 ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 2},
                 EnableCloudwatchLogsExports=["postgresql"], expect={"DBCluster.Status": "creating"},
                 save={"cluster_arn": "DBCluster.DBClusterArn"}),
            wait("rds.DBClusterAvailable", DBClusterIdentifier="check"),
            pages("rds.DescribeDBClusters", size=20,
                  expect={"DBClusters[0].ServerlessV2ScalingConfiguration.MinCapacity": 0.5,
                          "DBClusters[0].EnabledCloudwatchLogsExports[0]": "postgresql",
                          "DBClusters[0].VpcSecurityGroups[0].VpcSecurityGroupId": "{group}",
                          "DBClusters[0].HttpEndpointEnabled": True}),
            call("rds.ModifyDBCluster", DBClusterIdentifier="check", BackupRetentionPeriod=8, ApplyImmediately=True),
            until("rds.DescribeDBClusters", DBClusterIdentifier="check",
                  expect={"DBClusters[0].BackupRetentionPeriod": 8, "DBClusters[0].MasterUserSecret.SecretStatus": "active"},
                  save={"secret": "DBClusters[0].MasterUserSecret.SecretArn"}),
            call("secretsmanager.DescribeSecret", SecretId="{secret}", expect={"OwningService": "rds"}),
        ],
        tag=rds_tags("cluster", "check"),
        remove=[
            call("rds.DeleteDBCluster", DBClusterIdentifier="check", FinalDBSnapshotIdentifier="final",
                 expect={"DBCluster.Status": "deleting"}),
            wait("rds.DBClusterDeleted", DBClusterIdentifier="check"),
            wait("rds.DBClusterSnapshotAvailable", DBClusterSnapshotIdentifier="final"),
            call("rds.DeleteDBClusterSnapshot", DBClusterSnapshotIdentifier="final"),
            wait("rds.DBClusterSnapshotDeleted", DBClusterSnapshotIdentifier="final"),
        ],
    ),
    Kind(
        "AWS::RDS::DBInstance",
        make=[
            call("rds.CreateDBInstance", DBInstanceIdentifier="check-1", DBClusterIdentifier="check",
                 Engine="aurora-postgresql", DBInstanceClass="db.serverless", PubliclyAccessible=False,
                 expect={"DBInstance.DBInstanceStatus": "creating"}),
            wait("rds.DBInstanceAvailable", DBInstanceIdentifier="check-1"),
            pages("rds.DescribeDBInstances", size=20,
                  expect={"DBInstances[0].DBClusterIdentifier": "check", "DBInstances[0].Endpoint.Port": 5432,
                          "DBInstances[0].PubliclyAccessible": False}),
            call("rds.DescribeDBClusters", DBClusterIdentifier="check",
                 expect={"DBClusters[0].DBClusterMembers[0].IsClusterWriter": True}),
        ],
        tag=rds_tags("db", "check-1"),
        remove=[
            call("rds.DeleteDBCluster", DBClusterIdentifier="check", SkipFinalSnapshot=True,
                 refused=("InvalidDBClusterStateFault", "InvalidDBClusterState")),
            call("rds.DeleteDBInstance", DBInstanceIdentifier="check-1", expect={"DBInstance.DBInstanceStatus": "deleting"}),
            wait("rds.DBInstanceDeleted", DBInstanceIdentifier="check-1"),
        ],
    ),
    Kind(
        "AWS::RDS::EventSubscription",
        make=[
            call("rds.CreateEventSubscription", SubscriptionName="check", SnsTopicArn="{topic}", SourceType="db-cluster",
                 SourceIds=["check"], EventCategories=["failover", "failure"]),
            until("rds.DescribeEventSubscriptions", SubscriptionName="check",
                  expect={"EventSubscriptionsList[0].Status": "active",
                          "EventSubscriptionsList[0].SourceIdsList[0]": "check"}),
            pages("rds.DescribeEventSubscriptions", size=20,
                  expect={"EventSubscriptionsList[0].EventCategoriesList[1]": "failure"}),
        ],
        tag=rds_tags("es", "check"),
        remove=[
            call("rds.DeleteEventSubscription", SubscriptionName="check"),
            until("rds.DescribeEventSubscriptions", SubscriptionName="check",
                  refused=("SubscriptionNotFound", "SubscriptionNotFoundFault")),
        ],
    ),
    Kind(
        "Custom::DatabaseUser",
        make=[
            call("rds-data.ExecuteStatement", resourceArn="{cluster_arn}", secretArn="{secret}", database="payments",
                 sql="DO $$ BEGIN CREATE ROLE app LOGIN; GRANT rds_iam TO app; END $$"),
            call("rds-data.ExecuteStatement", resourceArn="{cluster_arn}", secretArn="{secret}", database="payments",
                 sql="DO $$ BEGIN CREATE ROLE app LOGIN; END $$",
                 refused=("DatabaseErrorException", "BadRequestException")),
        ],
        remove=[
            call("rds-data.ExecuteStatement", resourceArn="{cluster_arn}", secretArn="{secret}", database="payments",
                 sql="DO $$ BEGIN DROP ROLE app; END $$"),
        ],
    ),
]
