//! The contract of every kind of this tier.

use apigw::resources::*;
use apigw::{Args, Inputs};
use aws::Tags;
use engine::Declares;
use testing::World;
use testing::contract::{Around, Entry};

use crate::support::{private, surroundings, tier};

testing::contract!(apigw::kinds, around private_load_balancer, {
    rest_api,
    api_resource,
    request_validator,
    method,
    deployment,
    stage,
    usage_plan,
    api_key,
    usage_plan_key,
    account,
    vpc_link,
});

type Inside = Around<Inputs>;

async fn private_load_balancer(world: &World) -> Inputs {
    private(surroundings(world).await)
}

fn declare(around: &mut Inside) {
    let inputs = around.inputs.clone();
    around.tier(&tier(Args::default()), &inputs);
}

fn entry<D: Declares>(around: &mut Inside, address: &str) -> Entry<D> {
    declare(around);
    around.entry(address)
}

fn renamed() -> Tags {
    Tags::new().with("Name", "renamed").with("Author", "ops")
}

fn rest_api(around: &mut Inside) -> Entry<RestApi> {
    entry::<RestApi>(around, "apigw/rest-api")
        .other("Name", |api| api.name = "payment-other-dev".to_owned())
        .other("Description", |api| api.description = "Another API".to_owned())
        .together("EndpointConfiguration", ["SecurityPolicy", "EndpointAccessMode"], |api| {
            api.endpoint_configuration.types = vec!["EDGE".to_owned()];
            api.security_policy = "TLS_1_0".to_owned();
            api.endpoint_access_mode = None;
        })
        .other("ApiKeySourceType", |api| api.api_key_source_type = "AUTHORIZER".to_owned())
        .other("DisableExecuteApiEndpoint", |api| api.disable_execute_api_endpoint = true)
        .together("SecurityPolicy", ["EndpointAccessMode"], |api| {
            api.security_policy = "TLS_1_2".to_owned();
            api.endpoint_access_mode = None;
        })
        .other("EndpointAccessMode", |api| api.endpoint_access_mode = Some("BASIC".to_owned()))
        .fixed(["Policy"], "what somebody has set is never declared")
        .other("Tags", |api| api.tags = renamed())
}

fn api_resource(around: &mut Inside) -> Entry<ApiResource> {
    declare(around);
    let parent = around.outputs::<ApiResource>("apigw/payments-resource").resource_id;
    entry::<ApiResource>(around, "apigw/health-resource")
        .other("ParentId", |resource| resource.parent_id = parent)
        .other("PathPart", |resource| resource.path_part = "ready".to_owned())
        .fixed(["RestApiId"], "its parent is of the same API")
}

fn request_validator(around: &mut Inside) -> Entry<RequestValidator> {
    declare(around);
    let other = around.another::<RestApi>("apigw/rest-api", "other", |api| {
        api.name = "payment-other-dev".to_owned();
    });
    entry::<RequestValidator>(around, "apigw/request-validator")
        .other("RestApiId", |validator| validator.rest_api_id = other.rest_api_id)
        .other("Name", |validator| validator.name = "payment-other-dev".to_owned())
        .other("ValidateRequestBody", |validator| validator.validate_request_body = true)
        .other("ValidateRequestParameters", |validator| validator.validate_request_parameters = false)
}

fn method(around: &mut Inside) -> Entry<Method> {
    declare(around);
    let other = around.outputs::<ApiResource>("apigw/health-resource").resource_id;
    let validator = around.another::<RequestValidator>("apigw/request-validator", "other", |validator| {
        validator.name = "payment-other-dev".to_owned();
    });
    entry::<Method>(around, "apigw/payments-method")
        .other("ResourceId", |method| method.resource_id = other)
        .other("HttpMethod", |method| method.http_method = "POST".to_owned())
        .other("AuthorizationType", |method| method.authorization_type = "AWS_IAM".to_owned())
        .other("ApiKeyRequired", |method| method.api_key_required = false)
        .other("RequestValidatorId", |method| {
            method.request_validator_id = Some(validator.request_validator_id);
        })
        .other("RequestParameters", |method| {
            method.request_parameters.insert("method.request.header.x-trace".to_owned(), true);
        })
        .other("Integration", |method| {
            method.integration.as_mut().unwrap().timeout_in_millis = 5000;
        })
        .fixed(["RestApiId"], "its resource is of the same API")
}

fn deployment(around: &mut Inside) -> Entry<Deployment> {
    entry::<Deployment>(around, "apigw/deployment")
        .other("Definition", |deployment| deployment.definition.validate_request_body = true)
        .fixed(["RestApiId"], "its methods are of the same API")
}

fn stage(around: &mut Inside) -> Entry<RestApiStage> {
    declare(around);
    let deployment = around.another::<Deployment>("apigw/deployment", "other", |deployment| {
        deployment.definition.validate_request_body = true;
    });
    let canary = CanarySetting {
        deployment_id: deployment.deployment_id.clone(),
        percent_traffic: 5.0,
        use_stage_cache: false,
    };
    entry::<RestApiStage>(around, "apigw/stage")
        .remains("AWS::Logs::LogGroup", "API Gateway makes the one for the execution log by itself")
        .other("StageName", |stage| stage.stage_name = "other".into())
        .other("DeploymentId", |stage| stage.deployment_id = deployment.deployment_id)
        .other("Description", |stage| stage.description = "Another stage".to_owned())
        .other("TracingEnabled", |stage| stage.tracing_enabled = !stage.tracing_enabled)
        .other("MethodSettings", |stage| {
            let all = stage.method_settings[0].clone();
            let one =
                MethodSetting { resource_path: "/payments".to_owned(), http_method: "GET".to_owned(), ..all };
            stage.method_settings.push(MethodSetting { throttling_burst_limit: 7, ..one });
        })
        .other("AccessLogSetting", |stage| stage.access_log_setting = None)
        .other("CanarySetting", |stage| stage.canary_setting = Some(canary))
        .recorded("ExecutionLogGroupName", |stage| stage.execution_log_group_name = None)
        .recorded("AccountId", |stage| stage.account_id = "other".into())
        .other("Tags", |stage| stage.tags = renamed())
        .fixed(["RestApiId"], "its deployment is of the same API")
}

fn usage_plan(around: &mut Inside) -> Entry<UsagePlan> {
    entry::<UsagePlan>(around, "apigw/usage-plan")
        .other("UsagePlanName", |plan| plan.usage_plan_name = "payment-other-dev".to_owned())
        .other("Description", |plan| plan.description = "Another plan".to_owned())
        .other("ApiStages", |plan| plan.api_stages = Vec::new())
        .other("Throttle", |plan| plan.throttle = None)
        .other("Quota", |plan| plan.quota.as_mut().unwrap().limit = 7)
        .fixed(["Keys"], "what somebody has added is never declared")
        .other("Tags", |plan| plan.tags = renamed())
}

fn api_key(around: &mut Inside) -> Entry<ApiKey> {
    entry::<ApiKey>(around, "apigw/api-key")
        .other("Name", |key| key.name = "payment-other-dev".to_owned())
        .other("Description", |key| key.description = "Another key".to_owned())
        .other("Enabled", |key| key.enabled = false)
        .other("Tags", |key| key.tags = renamed())
}

fn usage_plan_key(around: &mut Inside) -> Entry<UsagePlanKey> {
    declare(around);
    let key = around.another::<ApiKey>("apigw/api-key", "other-key", |key| {
        key.name = "payment-other-dev".to_owned();
    });
    let plan = around.another::<UsagePlan>("apigw/usage-plan", "other-plan", |plan| {
        plan.usage_plan_name = "payment-other-dev".to_owned();
        plan.api_stages = Vec::new();
    });
    entry::<UsagePlanKey>(around, "apigw/usage-plan-key")
        .other("KeyId", |in_plan| in_plan.key_id = key.api_key_id)
        .other("UsagePlanId", |in_plan| in_plan.usage_plan_id = plan.id)
        .fixed(["KeyType"], "API Gateway has one type")
}

fn account(around: &mut Inside) -> Entry<Account> {
    entry::<Account>(around, "apigw/account")
        .stays("a region has one")
        .remains("AWS::IAM::Role", "the role that writes the logs outlives every stack of its region")
        .fixed(["CloudWatchRoleArn"], "the role that a region has is used as it is")
        .fixed(
            ["AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies"],
            "what somebody has added to the role is never declared",
        )
}

fn vpc_link(around: &mut Inside) -> Entry<VpcLink> {
    declare(around);
    let subnets = around.inputs.private_subnet_ids[..1].to_vec();
    let address = "apigw/vpc-link-security-group";
    let group = around.another::<aws::resources::SecurityGroup>(address, "other", |group| {
        group.group_name = "other".to_owned();
    });
    entry::<VpcLink>(around, "apigw/vpc-link")
        .other("Name", |link| link.name = "payment-other-dev".to_owned())
        .other("SubnetIds", |link| link.subnet_ids = subnets)
        .other("SecurityGroupIds", |link| link.security_group_ids = vec![group.group_id])
        .other("Tags", |link| link.tags = renamed())
}
