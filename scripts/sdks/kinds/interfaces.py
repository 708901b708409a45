"""API Gateway, of both generations."""

from ..steps import REGION, TAG, Kind, call, pages, pairs, tagged, until

API = f"arn:aws:apigateway:{REGION}::/restapis/{{api}}"


def api_tags(arn):
    return tagged(("apigateway.TagResource", {"resourceArn": arn, "tags": {"Author": TAG}}),
                  ("apigateway.GetTags", {"resourceArn": arn}),
                  ("apigateway.UntagResource", {"resourceArn": arn, "tagKeys": ["Author"]}), "tags", key=None)


KINDS = [
    Kind(
        "AWS::ApiGateway::RestApi",
        make=[
            call("apigateway.CreateRestApi", name="check", endpointConfiguration={"types": ["REGIONAL"]},
                 save={"api": "id", "root": "rootResourceId"}, expect={"endpointConfiguration.types[0]": "REGIONAL"}),
            call("apigateway.CreateRestApi", name="other", save={"other_api": "id"}),
            call("apigateway.UpdateRestApi", restApiId="{api}",
                 patchOperations=[{"op": "replace", "path": "/description", "value": TAG}], expect={"description": TAG}),
            pages("apigateway.GetRestApis", size=1,
                  expect={"items[id={api}].description": TAG, "items[id={other_api}].name": "other"}),
        ],
        tag=api_tags(API),
        remove=[
            call("apigateway.DeleteRestApi", restApiId="{api}"),
            call("apigateway.DeleteRestApi", restApiId="{other_api}"),
            call("apigateway.GetRestApi", restApiId="{api}", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::Resource",
        make=[
            call("apigateway.CreateResource", restApiId="{api}", parentId="{root}", pathPart="{proxy+}",
                 save={"resource": "id"}, expect={"path": "/{proxy+}"}),
            pages("apigateway.GetResources", restApiId="{api}", size=1,
                  expect={"items[id={resource}].pathPart": "{proxy+}", "items[id={root}].path": "/"}),
        ],
        remove=[
            call("apigateway.DeleteResource", restApiId="{api}", resourceId="{resource}"),
            call("apigateway.GetResource", restApiId="{api}", resourceId="{resource}", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::RequestValidator",
        make=[
            call("apigateway.CreateRequestValidator", restApiId="{api}", name="check", validateRequestParameters=True,
                 save={"validator": "id"}),
            call("apigateway.GetRequestValidator", restApiId="{api}", requestValidatorId="{validator}",
                 expect={"validateRequestParameters": True, "validateRequestBody": False}),
        ],
        remove=[
            call("apigateway.DeleteRequestValidator", restApiId="{api}", requestValidatorId="{validator}"),
            call("apigateway.GetRequestValidator", restApiId="{api}", requestValidatorId="{validator}",
                 refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::Method",
        make=[
            call("apigateway.PutMethod", restApiId="{api}", resourceId="{resource}", httpMethod="ANY",
                 authorizationType="NONE", apiKeyRequired=True, requestValidatorId="{validator}",
                 requestParameters={"method.request.path.proxy": True}, expect={"apiKeyRequired": True}),
            call("apigateway.PutIntegration", restApiId="{api}", resourceId="{resource}", httpMethod="ANY",
                 type="HTTP_PROXY", integrationHttpMethod="ANY", uri="https://example.com/{proxy}", timeoutInMillis=5000,
                 requestParameters={"integration.request.path.proxy": "method.request.path.proxy"}),
            call("apigateway.GetMethod", restApiId="{api}", resourceId="{resource}", httpMethod="ANY",
                 expect={"methodIntegration.timeoutInMillis": 5000, "methodIntegration.uri": "https://example.com/{proxy}"}),
        ],
        remove=[
            call("apigateway.DeleteMethod", restApiId="{api}", resourceId="{resource}", httpMethod="ANY"),
            call("apigateway.GetMethod", restApiId="{api}", resourceId="{resource}", httpMethod="ANY",
                 refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::Deployment",
        make=[
            call("apigateway.CreateDeployment", restApiId="{api}", description="first", save={"deployment": "id"}),
            call("apigateway.CreateDeployment", restApiId="{api}", description="second", save={"other_deployment": "id"}),
            pages("apigateway.GetDeployments", restApiId="{api}", size=1,
                  expect={"items[id={deployment}].description": "first",
                          "items[id={other_deployment}].description": "second"}),
        ],
        remove=[
            call("apigateway.DeleteDeployment", restApiId="{api}", deploymentId="{deployment}"),
            call("apigateway.DeleteDeployment", restApiId="{api}", deploymentId="{other_deployment}"),
            call("apigateway.GetDeployment", restApiId="{api}", deploymentId="{deployment}", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::Stage",
        make=[
            call("apigateway.CreateStage", restApiId="{api}", stageName="dev", deploymentId="{deployment}",
                 variables={"who": "me"}, tracingEnabled=True, expect={"tracingEnabled": True}),
            call("apigateway.UpdateStage", restApiId="{api}", stageName="dev", patchOperations=[
                {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "100"}]),
            call("apigateway.GetStage", restApiId="{api}", stageName="dev",
                 expect={"variables.who": "me", "methodSettings.*/*.throttlingRateLimit": 100.0}),
            call("apigateway.GetStages", restApiId="{api}", expect={"item[0].deploymentId": "{deployment}"}),
            call("apigateway.DeleteDeployment", restApiId="{api}", deploymentId="{deployment}", refused="BadRequestException"),
        ],
        tag=api_tags(f"{API}/stages/dev"),
        remove=[
            call("apigateway.DeleteStage", restApiId="{api}", stageName="dev"),
            call("apigateway.GetStage", restApiId="{api}", stageName="dev", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::UsagePlan",
        make=[
            call("apigateway.CreateUsagePlan", name="check", apiStages=[{"apiId": "{api}", "stage": "dev"}],
                 throttle={"rateLimit": 10.5, "burstLimit": 20}, quota={"limit": 1000, "period": "DAY"}, save={"plan": "id"}),
            pages("apigateway.GetUsagePlans", size=1,
                  expect={"items[0].throttle.rateLimit": 10.5, "items[0].quota.offset": 0}),
        ],
        tag=api_tags(f"arn:aws:apigateway:{REGION}::/usageplans/{{plan}}"),
        remove=[
            call("apigateway.UpdateUsagePlan", usagePlanId="{plan}",
                 patchOperations=[{"op": "remove", "path": "/apiStages", "value": "{api}:dev"}]),
            call("apigateway.DeleteUsagePlan", usagePlanId="{plan}"),
            call("apigateway.GetUsagePlan", usagePlanId="{plan}", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::ApiKey",
        make=[
            call("apigateway.CreateApiKey", name="check", enabled=True, save={"api_key": "id"}),
            call("apigateway.GetApiKey", apiKey="{api_key}", includeValue=True,
                 expect={"value": {"$any": True}, "enabled": True}),
            pages("apigateway.GetApiKeys", size=1, expect={"items[0].id": "{api_key}", "items[0].value": None}),
        ],
        tag=api_tags(f"arn:aws:apigateway:{REGION}::/apikeys/{{api_key}}"),
        remove=[
            call("apigateway.DeleteApiKey", apiKey="{api_key}"),
            call("apigateway.GetApiKey", apiKey="{api_key}", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::UsagePlanKey",
        make=[
            call("apigateway.CreateUsagePlanKey", usagePlanId="{plan}", keyId="{api_key}", keyType="API_KEY",
                 expect={"id": "{api_key}"}),
            pages("apigateway.GetUsagePlanKeys", usagePlanId="{plan}", size=1, expect={"items[0].type": "API_KEY"}),
        ],
        remove=[
            call("apigateway.DeleteUsagePlanKey", usagePlanId="{plan}", keyId="{api_key}"),
            call("apigateway.GetUsagePlanKey", usagePlanId="{plan}", keyId="{api_key}", refused="NotFoundException"),
        ],
    ),
    Kind(
        "AWS::ApiGateway::Account",
        make=[
            call("apigateway.UpdateAccount", patchOperations=[
                {"op": "replace", "path": "/cloudwatchRoleArn", "value": "{role}"}], expect={"cloudwatchRoleArn": "{role}"}),
            call("apigateway.GetAccount", expect={"cloudwatchRoleArn": "{role}", "throttleSettings.burstLimit": 5000}),
        ],
        remove=[
            call("apigateway.UpdateAccount", patchOperations=[
                {"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}]),
            call("apigateway.GetAccount", expect={"cloudwatchRoleArn": None}),
        ],
    ),
    Kind(
        "AWS::ApiGatewayV2::VpcLink",
        make=[
            call("apigatewayv2.CreateVpcLink", Name="check", SubnetIds=["{subnet}", "{other_subnet}"],
                 SecurityGroupIds=["{group}"], save={"link": "VpcLinkId"}, expect={"VpcLinkStatus": "PENDING"}),
            until("apigatewayv2.GetVpcLink", VpcLinkId="{link}",
                  expect={"VpcLinkStatus": "AVAILABLE", "SubnetIds[1]": "{other_subnet}"}),
            call("apigatewayv2.GetVpcLinks", expect={"Items[0].VpcLinkVersion": "V2"}),
        ],
        tag=tagged(
            ("apigatewayv2.TagResource", {"ResourceArn": f"arn:aws:apigateway:{REGION}::/vpclinks/{{link}}",
                                          "Tags": {"Author": TAG}}),
            ("apigatewayv2.GetTags", {"ResourceArn": f"arn:aws:apigateway:{REGION}::/vpclinks/{{link}}"}),
            ("apigatewayv2.UntagResource", {"ResourceArn": f"arn:aws:apigateway:{REGION}::/vpclinks/{{link}}",
                                            "TagKeys": ["Author"]}), "Tags", key=None),
        remove=[
            call("apigatewayv2.DeleteVpcLink", VpcLinkId="{link}"),
            until("apigatewayv2.GetVpcLink", VpcLinkId="{link}", refused="NotFoundException"),
        ],
    ),
]
