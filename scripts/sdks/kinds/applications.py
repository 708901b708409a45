"""ECR, ECS, Application Auto Scaling, Lambda and Scheduler: what runs."""

import hashlib
import io
import json
import zipfile

from ..steps import ACCOUNT, REGION, TAG, Kind, blob, call, pages, pairs, tagged, until, wait


def archive():
    """A function's package, the same in every run."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr(zipfile.ZipInfo("index.py"), "def handler(event, context):\n    return {}\n")
    return packed.getvalue()


CONFIG, LAYER = b"{}", archive()


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


MANIFEST = json.dumps({
    "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(CONFIG), "digest": digest(CONFIG)},
    "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(LAYER), "digest": digest(LAYER)}],
})
TARGET = {"ServiceNamespace": "ecs", "ResourceId": "service/check/check", "ScalableDimension": "ecs:service:DesiredCount"}
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:check"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/check/app:1"


def uploaded(content):
    """Uploads a layer in one part."""
    named = {"repositoryName": "check/app"}
    upload = named | {"uploadId": "{upload}"}
    return [
        call("ecr.BatchCheckLayerAvailability", **named, layerDigests=[digest(content)],
             expect={"layers[0].layerAvailability": "UNAVAILABLE"}),
        call("ecr.InitiateLayerUpload", **named, save={"upload": "uploadId"}),
        call("ecr.UploadLayerPart", **upload, partFirstByte=0, partLastByte=len(content) - 1, layerPartBlob=blob(content),
             expect={"lastByteReceived": len(content) - 1}),
        call("ecr.CompleteLayerUpload", **upload, layerDigests=[digest(content)], expect={"layerDigest": digest(content)}),
        call("ecr.BatchCheckLayerAvailability", **named, layerDigests=[digest(content)],
             expect={"layers[0].layerAvailability": "AVAILABLE"}),
    ]


def ecs_tags(arn):
    return tagged(("ecs.TagResource", {"resourceArn": arn, "tags": pairs("key", "value")}),
                  ("ecs.ListTagsForResource", {"resourceArn": arn}),
                  ("ecs.UntagResource", {"resourceArn": arn, "tagKeys": ["Author"]}), "tags", key="key", value="value")


KINDS = [
    Kind(
        "AWS::ECR::Repository",
        make=[
            call("ecr.CreateRepository", repositoryName="check/app", imageTagMutability="IMMUTABLE",
                 save={"repository": "repository.repositoryArn"},
                 expect={"repository.imageScanningConfiguration.scanOnPush": False}),
            call("ecr.CreateRepository", repositoryName="check/other"),
            call("ecr.PutLifecyclePolicy", repositoryName="check/app", lifecyclePolicyText=json.dumps({"rules": [
                {"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan",
                                                  "countNumber": 5}, "action": {"type": "expire"}}]})),
            call("ecr.GetLifecyclePolicy", repositoryName="check/app", expect={"repositoryName": "check/app"}),
            call("ecr.PutImage", repositoryName="check/app", imageManifest=MANIFEST, imageTag="1",
                 refused="LayersNotFoundException"),
            *uploaded(CONFIG),
            *uploaded(LAYER),
            call("ecr.PutImage", repositoryName="check/app", imageManifest=MANIFEST, imageTag="1",
                 save={"digest": "image.imageId.imageDigest"}),
            pages("ecr.ListImages", repositoryName="check/app", size=1, expect={"imageIds[0].imageDigest": "{digest}"}),
            pages("ecr.DescribeImages", repositoryName="check/app", size=1, expect={"imageDetails[0].imageTags[0]": "1"}),
            pages("ecr.DescribeRepositories", size=1,
                  expect={"repositories[repositoryName=check/app].repositoryArn": "{repository}",
                          "repositories[repositoryName=check/other].imageTagMutability": "MUTABLE"}),
        ],
        tag=tagged(("ecr.TagResource", {"resourceArn": "{repository}", "tags": pairs()}),
                   ("ecr.ListTagsForResource", {"resourceArn": "{repository}"}),
                   ("ecr.UntagResource", {"resourceArn": "{repository}", "tagKeys": ["Author"]}), "tags"),
        remove=[
            call("ecr.DeleteRepository", repositoryName="check/app", refused="RepositoryNotEmptyException"),
            call("ecr.DeleteRepository", repositoryName="check/app", force=True),
            call("ecr.DeleteRepository", repositoryName="check/other"),
            call("ecr.DescribeRepositories", repositoryNames=["check/app"], refused="RepositoryNotFoundException"),
        ],
    ),
    Kind(
        "AWS::ECS::Cluster",
        make=[
            call("ecs.CreateCluster", clusterName="check", settings=[{"name": "containerInsights", "value": "enabled"}],
                 save={"cluster": "cluster.clusterArn"}),
            call("ecs.CreateCluster", clusterName="other"),
            until("ecs.DescribeClusters", clusters=["check"], include=["SETTINGS"],
                  expect={"clusters[0].status": "ACTIVE", "clusters[0].settings[name=containerInsights].value": "enabled"}),
            call("ecs.DescribeClusters", clusters=["none"], expect={"failures[0].reason": "MISSING"}),
            pages("ecs.ListClusters", size=1, expect={"clusterArns[1]": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/other"}),
        ],
        tag=ecs_tags("{cluster}"),
        remove=[
            call("ecs.DeleteCluster", cluster="check"),
            until("ecs.DescribeClusters", clusters=["check"], expect={"clusters[0].status": "INACTIVE"}),
            call("ecs.DeleteCluster", cluster="other"),
        ],
    ),
    Kind(
        "AWS::ECS::TaskDefinition",
        make=[
            call("ecs.RegisterTaskDefinition", family="check", networkMode="awsvpc", cpu="256", memory="512",
                 requiresCompatibilities=["FARGATE"], executionRoleArn="{role}", taskRoleArn="{role}",
                 containerDefinitions=[{"name": "app", "image": IMAGE, "essential": True,
                                        "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
                                        "environment": [{"name": "WHO", "value": TAG}]}],
                 save={"task": "taskDefinition.taskDefinitionArn"}, expect={"taskDefinition.revision": 1}),
            call("ecs.DescribeTaskDefinition", taskDefinition="check",
                 expect={"taskDefinition.containerDefinitions[0].environment[0].value": TAG}),
            pages("ecs.ListTaskDefinitions", size=1, expect={"taskDefinitionArns[0]": "{task}"}),
        ],
        tag=ecs_tags("{task}"),
        remove=[
            call("ecs.DeregisterTaskDefinition", taskDefinition="{task}", expect={"taskDefinition.status": "INACTIVE"}),
            call("ecs.DeleteTaskDefinitions", taskDefinitions=["{task}"],
                 expect={"taskDefinitions[0].status": "DELETE_IN_PROGRESS", "failures[0]": None}),
        ],
    ),
    Kind(
        "AWS::ECS::Service",
        make=[
            call("ecs.CreateService", cluster="check", serviceName="check", taskDefinition="{task}", desiredCount=1,
                 launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {
                     "subnets": ["{subnet}"], "securityGroups": ["{group}"], "assignPublicIp": "ENABLED"}},
                 loadBalancers=[{"targetGroupArn": "{target_group}", "containerName": "app", "containerPort": 8080}],
                 save={"service": "service.serviceArn"}, expect={"service.status": "ACTIVE"}),
            wait("ecs.ServicesStable", cluster="check", services=["check"]),
            pages("ecs.ListServices", cluster="check", size=1, expect={"serviceArns[0]": "{service}"}),
            call("ecs.ListTasks", cluster="check", save={"running": "taskArns[0]"}),
            pages("ecs.ListTasks", cluster="check", size=1, expect={"taskArns[0]": "{running}"}),
            wait("ecs.TasksRunning", cluster="check", tasks=["{running}"]),
            until("elbv2.DescribeTargetHealth", TargetGroupArn="{target_group}",
                  expect={"TargetHealthDescriptions[0].TargetHealth.State": "healthy"},
                  save={"target": "TargetHealthDescriptions[0].Target.Id"}),
            wait("elbv2.TargetInService", TargetGroupArn="{target_group}", Targets=[{"Id": "{target}"}]),
            until("ecs.ListServiceDeployments", cluster="check", service="check",
                 expect={"serviceDeployments[0].status": "SUCCESSFUL"}),
        ],
        tag=ecs_tags("{service}"),
        remove=[
            call("ecs.DeleteService", cluster="check", service="check", force=True, expect={"service.status": "DRAINING"}),
            wait("ecs.ServicesInactive", cluster="check", services=["check"]),
            wait("ecs.TasksStopped", cluster="check", tasks=["{running}"]),
        ],
    ),
    Kind(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        make=[
            call("application-autoscaling.RegisterScalableTarget", **TARGET, MinCapacity=1, MaxCapacity=4,
                 save={"scalable": "ScalableTargetARN"}),
            pages("application-autoscaling.DescribeScalableTargets", ServiceNamespace="ecs", size=1,
                  expect={"ScalableTargets[0].MaxCapacity": 4, "ScalableTargets[0].SuspendedState.ScheduledScalingSuspended":
                          False}),
        ],
        tag=tagged(("application-autoscaling.TagResource", {"ResourceARN": "{scalable}", "Tags": {"Author": TAG}}),
                   ("application-autoscaling.ListTagsForResource", {"ResourceARN": "{scalable}"}),
                   ("application-autoscaling.UntagResource", {"ResourceARN": "{scalable}", "TagKeys": ["Author"]}),
                   "Tags", key=None),
        remove=[
            call("application-autoscaling.DeregisterScalableTarget", **TARGET),
            call("application-autoscaling.DeregisterScalableTarget", **TARGET, refused="ObjectNotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        make=[
            call("application-autoscaling.PutScalingPolicy", **TARGET, PolicyName="cpu", PolicyType="TargetTrackingScaling",
                 TargetTrackingScalingPolicyConfiguration={
                     "TargetValue": 60.5, "ScaleInCooldown": 300,
                     "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}},
                 expect={"Alarms[1]": {"$any": True}}),
            pages("application-autoscaling.DescribeScalingPolicies", ServiceNamespace="ecs", size=1,
                  expect={"ScalingPolicies[0].TargetTrackingScalingPolicyConfiguration.TargetValue": 60.5}),
        ],
        remove=[
            call("application-autoscaling.DeleteScalingPolicy", **TARGET, PolicyName="cpu"),
            call("application-autoscaling.DescribeScalingPolicies", ServiceNamespace="ecs",
                 expect={"ScalingPolicies[0]": None}),
        ],
    ),
    Kind(
        "AWS::Lambda::Function",
        make=[
            call("lambda.CreateFunction", FunctionName="check", Runtime="python3.13", Role="{role}", Handler="index.handler",
                 Code={"ZipFile": blob(archive())}, Environment={"Variables": {"WHO": TAG}}, Timeout=30,
                 expect={"State": "Pending", "Environment.Variables.WHO": TAG}),
            wait("lambda.FunctionExists", FunctionName="check"),
            wait("lambda.FunctionActiveV2", FunctionName="check"),
            call("lambda.CreateFunction", FunctionName="other", Runtime="python3.13", Role="{role}", Handler="index.handler",
                 Code={"ZipFile": blob(archive())}),
            call("lambda.UpdateFunctionConfiguration", FunctionName="check", MemorySize=256,
                 expect={"LastUpdateStatus": "InProgress"}),
            wait("lambda.FunctionUpdatedV2", FunctionName="check"),
            call("lambda.GetFunction", FunctionName="check",
                 expect={"Configuration.MemorySize": 256, "Configuration.Timeout": 30, "Code.RepositoryType": "S3"}),
            call("lambda.AddPermission", FunctionName="check", StatementId="topic", Action="lambda:InvokeFunction",
                 Principal="sns.amazonaws.com", SourceArn="{topic}"),
            call("lambda.GetPolicy", FunctionName="check", save={"policy": "Policy"}),
            call("lambda.Invoke", FunctionName="check", InvocationType="DryRun", expect={"StatusCode": 204}),
            pages("lambda.ListFunctions", size=1, expect={"Functions[FunctionName=check].MemorySize": 256,
                                                          "Functions[FunctionName=other].MemorySize": 128}),
        ],
        tag=tagged(("lambda.TagResource", {"Resource": FUNCTION_ARN, "Tags": {"Author": TAG}}),
                   ("lambda.ListTags", {"Resource": FUNCTION_ARN}),
                   ("lambda.UntagResource", {"Resource": FUNCTION_ARN, "TagKeys": ["Author"]}), "Tags", key=None),
        remove=[
            call("lambda.DeleteFunction", FunctionName="check"),
            call("lambda.DeleteFunction", FunctionName="other"),
            call("lambda.GetFunction", FunctionName="check", refused="ResourceNotFoundException"),
        ],
    ),
    Kind(
        "AWS::Lambda::EventInvokeConfig",
        make=[
            call("lambda.PutFunctionEventInvokeConfig", FunctionName="check", MaximumRetryAttempts=0,
                 MaximumEventAgeInSeconds=3600),
            call("lambda.GetFunctionEventInvokeConfig", FunctionName="check",
                 expect={"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 3600}),
        ],
        remove=[
            call("lambda.DeleteFunctionEventInvokeConfig", FunctionName="check"),
            call("lambda.GetFunctionEventInvokeConfig", FunctionName="check", refused="ResourceNotFoundException"),
        ],
    ),
    Kind(
        "AWS::Scheduler::Schedule",
        make=[
            call("scheduler.CreateSchedule", Name="check", ScheduleExpression="rate(1 day)",
                 FlexibleTimeWindow={"Mode": "OFF"},
                 Target={"Arn": FUNCTION_ARN, "RoleArn": "{role}", "Input": "{\"who\": \"me\"}",
                         "RetryPolicy": {"MaximumRetryAttempts": 0}},
                 save={"schedule": "ScheduleArn"}),
            call("scheduler.GetSchedule", Name="check",
                 expect={"State": "ENABLED", "Target.RetryPolicy.MaximumRetryAttempts": 0,
                         "Target.Input": "{\"who\": \"me\"}"}),
            pages("scheduler.ListSchedules", size=1, expect={"Schedules[0].Arn": "{schedule}"}),
        ],
        remove=[
            call("scheduler.DeleteSchedule", Name="check"),
            call("scheduler.GetSchedule", Name="check", refused="ResourceNotFoundException"),
        ],
    ),
]
