"""Faults that no configuration can have, for the test of the audit itself."""

import json

from .looking import REGION, Audit, client, pages


def spoil(environment):
    audit = Audit(environment)
    s3, iam, apigateway = client("s3"), client("iam"), client("apigateway")
    for bucket in s3.list_buckets()["Buckets"]:
        s3.delete_bucket_encryption(Bucket=bucket["Name"])
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=f"payment-ecs-task-{REGION}-{environment}", PolicyName="everything",
                        PolicyDocument=json.dumps(everything))
    iam.attach_role_policy(RoleName=f"payment-ecs-execution-{REGION}-{environment}",
                           PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    client("sns").untag_resource(ResourceArn=audit.topic, TagKeys=["stack:project"])
    client("cloudwatch").delete_alarms(AlarmNames=[audit.name("database-cpu")])
    api = next(one for one in pages("apigateway", "get_rest_apis", "items") if one["name"] == audit.name("api"))
    resources = pages("apigateway", "get_resources", "items", restApiId=api["id"])
    payments = next(one["id"] for one in resources if one["path"] == "/payments")
    apigateway.put_method(restApiId=api["id"], resourceId=payments, httpMethod="POST", authorizationType="NONE",
                          apiKeyRequired=False)
    return []
