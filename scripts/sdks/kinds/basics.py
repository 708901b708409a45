"""IAM, KMS, Logs, S3, SNS and SQS: what others refer to."""

import json

from ..steps import ACCOUNT, REGION, TAG, Kind, call, pages, pairs, passes, stream, tagged, wait

LOG_GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:check"


def trust(*services):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}]})


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


SERVICES = ("ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "lambda.amazonaws.com", "scheduler.amazonaws.com",
            "vpc-flow-logs.amazonaws.com", "backup.amazonaws.com", "apigateway.amazonaws.com")
PUBLISH = policy(Principal={"Service": ["events.rds.amazonaws.com", "cloudwatch.amazonaws.com"]}, Action="sns:Publish",
                 Resource=f"arn:aws:sns:{REGION}:{ACCOUNT}:check")
READ_BUCKET = policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Action="s3:GetObject",
                     Resource="arn:aws:s3:::check-bucket/*")

KINDS = [
    Kind(
        "AWS::IAM::Role",
        make=[
            call("iam.CreateRole", RoleName="check", AssumeRolePolicyDocument=trust(*SERVICES), Path="/check/",
                 expect={"Role.RoleName": "check", "Role.Path": "/check/"}, save={"role": "Role.Arn"}),
            wait("iam.RoleExists", RoleName="check"),
            call("iam.PutRolePolicy", RoleName="check", PolicyName="inline",
                 PolicyDocument=policy(Action=["logs:*", "tag:GetResources"], Resource="*")),
            call("iam.AttachRolePolicy", RoleName="check",
                 PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
            pages("iam.ListRolePolicies", RoleName="check", size=1, expect={"PolicyNames[0]": "inline"}),
            pages("iam.ListAttachedRolePolicies", RoleName="check", size=1,
                  expect={"AttachedPolicies[0].PolicyName": "AWSLambdaBasicExecutionRole"}),
            pages("iam.ListRoles", size=1, expect={"Roles[RoleName=check].Arn": "{role}"}),
        ],
        tag=tagged(("iam.TagRole", {"RoleName": "check", "Tags": pairs()}),
                   ("iam.ListRoleTags", {"RoleName": "check"}),
                   ("iam.UntagRole", {"RoleName": "check", "TagKeys": ["Author"]}), "Tags"),
        remove=[
            call("iam.DeleteRole", RoleName="check", refused=("DeleteConflict", "DeleteConflictException")),
            call("iam.DeleteRolePolicy", RoleName="check", PolicyName="inline"),
            call("iam.DetachRolePolicy", RoleName="check",
                 PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
            call("iam.DeleteRole", RoleName="check"),
            call("iam.GetRole", RoleName="check", refused=("NoSuchEntity", "NoSuchEntityException")),
        ],
    ),
    Kind(
        # It is the service's, and stays.
        "AWS::IAM::ServiceLinkedRole",
        make=[
            call("iam.CreateServiceLinkedRole", AWSServiceName=f"{service}.amazonaws.com",
                 expect={"Role.Path": f"/aws-service-role/{service}.amazonaws.com/"})
            for service in ("rds", "ecs", "elasticloadbalancing", "ecs.application-autoscaling", "ops.apigateway")
        ],
    ),
    Kind(
        "AWS::KMS::Key",
        make=[
            call("kms.CreateKey", Description="check", save={"key": "KeyMetadata.KeyId", "key_arn": "KeyMetadata.Arn"},
                 expect={"KeyMetadata.KeyState": "Enabled", "KeyMetadata.KeySpec": "SYMMETRIC_DEFAULT"}),
            call("kms.EnableKeyRotation", KeyId="{key}", RotationPeriodInDays=365),
            call("kms.GetKeyRotationStatus", KeyId="{key}",
                 expect={"KeyRotationEnabled": True, "RotationPeriodInDays": 365}),
            pages("kms.ListKeys", size=1, expect={"Keys[KeyId={key}].KeyArn": "{key_arn}"}),
        ],
        tag=tagged(("kms.TagResource", {"KeyId": "{key}", "Tags": pairs("TagKey", "TagValue")}),
                   ("kms.ListResourceTags", {"KeyId": "{key}"}),
                   ("kms.UntagResource", {"KeyId": "{key}", "TagKeys": ["Author"]}),
                   "Tags", key="TagKey", value="TagValue"),
        remove=[
            call("kms.ScheduleKeyDeletion", KeyId="{key}", PendingWindowInDays=7,
                 expect={"KeyState": "PendingDeletion", "PendingWindowInDays": 7}),
            call("kms.DescribeKey", KeyId="{key}", expect={"KeyMetadata.KeyState": "PendingDeletion"}),
            passes(days=7),
            call("kms.DescribeKey", KeyId="{key}", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::KMS::Alias",
        make=[
            call("kms.CreateAlias", AliasName="alias/check", TargetKeyId="{key}"),
            call("kms.DescribeKey", KeyId="alias/check", expect={"KeyMetadata.KeyId": "{key}"}),
            pages("kms.ListAliases", KeyId="{key}", size=1, expect={"Aliases[0].AliasName": "alias/check"}),
        ],
        remove=[
            call("kms.DeleteAlias", AliasName="alias/check"),
            call("kms.DescribeKey", KeyId="alias/check", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::Logs::LogGroup",
        make=[
            call("logs.CreateLogGroup", logGroupName="check"),
            call("logs.CreateLogGroup", logGroupName="check", refused="ResourceAlreadyExistsException"),
            call("logs.CreateLogGroup", logGroupName="aws-waf-logs-check"),
            call("logs.PutRetentionPolicy", logGroupName="check", retentionInDays=30),
            pages("logs.DescribeLogGroups", size=1,
                  expect={"logGroups[logGroupName=check].retentionInDays": 30,
                          "logGroups[logGroupName=aws-waf-logs-check].storedBytes": 0}),
        ],
        tag=tagged(("logs.TagResource", {"resourceArn": LOG_GROUP_ARN, "tags": {"Author": TAG}}),
                   ("logs.ListTagsForResource", {"resourceArn": LOG_GROUP_ARN}),
                   ("logs.UntagResource", {"resourceArn": LOG_GROUP_ARN, "tagKeys": ["Author"]}), "tags", key=None),
        remove=[
            call("logs.DeleteLogGroup", logGroupName="check"),
            call("logs.DeleteLogGroup", logGroupName="check", refused="ResourceNotFoundException"),
            call("logs.DeleteLogGroup", logGroupName="aws-waf-logs-check"),
        ],
    ),
    Kind(
        "AWS::Logs::MetricFilter",
        make=[
            call("logs.PutMetricFilter", logGroupName="check", filterName="errors", filterPattern="ERROR",
                 metricTransformations=[{"metricName": "errors", "metricNamespace": "check", "metricValue": "1",
                                         "defaultValue": 0}]),
            pages("logs.DescribeMetricFilters", logGroupName="check", size=1,
                  expect={"metricFilters[0].filterPattern": "ERROR",
                          "metricFilters[0].metricTransformations[0].defaultValue": 0}),
        ],
        remove=[
            call("logs.DeleteMetricFilter", logGroupName="check", filterName="errors"),
            call("logs.DescribeMetricFilters", logGroupName="check", expect={"metricFilters[0]": None}),
        ],
    ),
    Kind(
        "AWS::S3::Bucket",
        make=[
            call("s3.CreateBucket", Bucket="check-bucket", CreateBucketConfiguration={"LocationConstraint": REGION}),
            wait("s3.BucketExists", Bucket="check-bucket"),
            # A new bucket may be seen, and its settings be refused with NoSuchBucket, for up to 40 s.
            passes(seconds=60),
            call("s3.PutBucketVersioning", Bucket="check-bucket", VersioningConfiguration={"Status": "Enabled"}),
            call("s3.GetBucketVersioning", Bucket="check-bucket", expect={"Status": "Enabled"}),
            call("s3.PutPublicAccessBlock", Bucket="check-bucket", PublicAccessBlockConfiguration={
                "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}),
            call("s3.PutBucketEncryption", Bucket="check-bucket", ServerSideEncryptionConfiguration={"Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "{key_arn}"},
                 "BucketKeyEnabled": True}]}),
            call("s3.GetBucketEncryption", Bucket="check-bucket",
                 expect={"ServerSideEncryptionConfiguration.Rules[0].BucketKeyEnabled": True}),
            call("s3.PutBucketLifecycleConfiguration", Bucket="check-bucket", LifecycleConfiguration={"Rules": [
                {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "a/"}, "Expiration": {"Days": 30}}]}),
            call("s3.GetBucketLifecycleConfiguration", Bucket="check-bucket",
                 expect={"Rules[0].Filter.Prefix": "a/", "Rules[0].Expiration.Days": 30}),
            call("s3.PutObject", Bucket="check-bucket", Key="a/Zoë +&", Body="sent", Metadata={"author": "me"}),
            wait("s3.ObjectExists", Bucket="check-bucket", Key="a/Zoë +&"),
            call("s3.GetObject", Bucket="check-bucket", Key="a/Zoë +&",
                 expect={"Body": "sent", "Metadata.author": "me", "ServerSideEncryption": "aws:kms"}),
            call("s3.PutObject", Bucket="check-bucket", Key="b", Body=stream("in pieces" * 10_000), ContentLength=90_000,
                 ChecksumAlgorithm="SHA256"),
            call("s3.GetObject", Bucket="check-bucket", Key="b", Range="bytes=9-17", expect={"Body": "in pieces"}),
            pages("s3.ListObjectsV2", Bucket="check-bucket", size=1,
                  expect={"Contents[0].Key": "a/Zoë +&", "Contents[1].Key": "b", "Contents[2]": None}),
            pages("s3.ListBuckets", size=1, expect={"Buckets[0].Name": "check-bucket"}),
        ],
        tag=[
            call("s3.PutBucketTagging", Bucket="check-bucket", Tagging={"TagSet": pairs()}),
            call("s3.GetBucketTagging", Bucket="check-bucket", expect={"TagSet[0].Value": TAG}),
            call("s3.DeleteBucketTagging", Bucket="check-bucket"),
            call("s3.GetBucketTagging", Bucket="check-bucket", refused="NoSuchTagSet"),
        ],
        remove=[
            call("s3.DeleteBucket", Bucket="check-bucket", refused="BucketNotEmpty"),
            call("s3.DeleteObjects", Bucket="check-bucket", Delete={"Objects": [{"Key": "a/Zoë +&"}, {"Key": "b"}]},
                 expect={"Deleted[Key=b].DeleteMarker": True}),
            call("s3.ListObjectVersions", Bucket="check-bucket",
                 save={"v1": "Versions[0].VersionId", "v2": "Versions[1].VersionId",
                       "m1": "DeleteMarkers[0].VersionId", "m2": "DeleteMarkers[1].VersionId"},
                 expect={"Versions[1].Key": "b", "DeleteMarkers[1].IsLatest": True}),
            call("s3.DeleteObjects", Bucket="check-bucket", Delete={"Quiet": True, "Objects": [
                {"Key": "a/Zoë +&", "VersionId": "{v1}"}, {"Key": "b", "VersionId": "{v2}"},
                {"Key": "a/Zoë +&", "VersionId": "{m1}"}, {"Key": "b", "VersionId": "{m2}"}]},
                 expect={"Errors": None}),
            wait("s3.ObjectNotExists", Bucket="check-bucket", Key="b"),
            call("s3.DeleteBucket", Bucket="check-bucket"),
            wait("s3.BucketNotExists", Bucket="check-bucket"),
        ],
    ),
    Kind(
        "AWS::S3::BucketPolicy",
        make=[
            call("s3.PutBucketPolicy", Bucket="check-bucket", Policy=READ_BUCKET),
            call("s3.GetBucketPolicy", Bucket="check-bucket", save={"policy": "Policy"}),
        ],
        remove=[
            call("s3.DeleteBucketPolicy", Bucket="check-bucket"),
            call("s3.GetBucketPolicy", Bucket="check-bucket", refused="NoSuchBucketPolicy"),
        ],
    ),
    Kind(
        "AWS::SNS::Topic",
        make=[
            call("sns.CreateTopic", Name="check", Attributes={"DisplayName": TAG}, save={"topic": "TopicArn"}),
            call("sns.GetTopicAttributes", TopicArn="{topic}",
                 expect={"Attributes.DisplayName": TAG, "Attributes.Owner": ACCOUNT}),
            pages("sns.ListTopics", expect={"Topics[0].TopicArn": "{topic}"}),
        ],
        tag=tagged(("sns.TagResource", {"ResourceArn": "{topic}", "Tags": pairs()}),
                   ("sns.ListTagsForResource", {"ResourceArn": "{topic}"}),
                   ("sns.UntagResource", {"ResourceArn": "{topic}", "TagKeys": ["Author"]}), "Tags"),
        remove=[
            call("sns.DeleteTopic", TopicArn="{topic}"),
            call("sns.GetTopicAttributes", TopicArn="{topic}", refused=("NotFound", "NotFoundException")),
        ],
    ),
    Kind(
        "AWS::SNS::TopicPolicy",
        make=[
            call("sns.SetTopicAttributes", TopicArn="{topic}", AttributeName="Policy", AttributeValue=PUBLISH),
            call("sns.GetTopicAttributes", TopicArn="{topic}", save={"policy": "Attributes.Policy"}),
        ],
    ),
    Kind(
        "AWS::SNS::Subscription",
        make=[
            call("sns.Subscribe", TopicArn="{topic}", Protocol="sqs", ReturnSubscriptionArn=True,
                 Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:check", Attributes={"RawMessageDelivery": "true"},
                 save={"subscription": "SubscriptionArn"}),
            call("sns.GetSubscriptionAttributes", SubscriptionArn="{subscription}",
                 expect={"Attributes.RawMessageDelivery": "true", "Attributes.PendingConfirmation": "false"}),
            pages("sns.ListSubscriptionsByTopic", TopicArn="{topic}", expect={"Subscriptions[0].Protocol": "sqs"}),
        ],
        remove=[
            call("sns.Unsubscribe", SubscriptionArn="{subscription}"),
            call("sns.ListSubscriptionsByTopic", TopicArn="{topic}", expect={"Subscriptions[0]": None}),
        ],
    ),
    Kind(
        "AWS::SQS::Queue",
        make=[
            call("sqs.CreateQueue", QueueName="check", Attributes={"VisibilityTimeout": "60"}, save={"queue": "QueueUrl"}),
            call("sqs.GetQueueUrl", QueueName="check", expect={"QueueUrl": "{queue}"}),
            call("sqs.GetQueueAttributes", QueueUrl="{queue}", AttributeNames=["All"],
                 expect={"Attributes.VisibilityTimeout": "60", "Attributes.SqsManagedSseEnabled": "true"}),
            call("sqs.SendMessage", QueueUrl="{queue}", MessageBody=TAG, MessageAttributes={
                "kind": {"DataType": "String", "StringValue": TAG}}),
            pages("sqs.ListQueues", expect={"QueueUrls[0]": "{queue}"}),
        ],
        tag=tagged(("sqs.TagQueue", {"QueueUrl": "{queue}", "Tags": {"Author": TAG}}),
                   ("sqs.ListQueueTags", {"QueueUrl": "{queue}"}),
                   ("sqs.UntagQueue", {"QueueUrl": "{queue}", "TagKeys": ["Author"]}), "Tags", key=None),
        remove=[
            call("sqs.DeleteQueue", QueueUrl="{queue}"),
            call("sqs.GetQueueUrl", QueueName="check",
                 refused=("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")),
        ],
    ),
]
