//! What the tier declares. Where the reference has a unit test for its API Gateway stack, the name here says the same.

use apigw::{Args, Backend, ExecutionLogs, Inputs, Throttle};
use engine::Graph;
use serde_json::{Value, json};
use testing::declare;

use crate::support::{ALB, DNS, inputs, private, tier};

fn graph(args: Args, inputs: &Inputs) -> Graph {
    declare(&tier(args), inputs).unwrap().0
}

fn properties(graph: &Graph, name: &str) -> Value {
    let node = graph.get(&format!("apigw/{name}"));
    node.unwrap_or_else(|| panic!("{name} is not declared")).properties.clone()
}

fn outputs(inputs: &Inputs) -> Value {
    serde_json::to_value(declare(&tier(Args::default()), inputs).unwrap().1).unwrap()
}

fn reference(name: &str, attr: &str) -> Value {
    json!({ "$ref": format!("apigw/{name}"), "attr": attr })
}

fn joined(parts: &[Value]) -> Value {
    json!({ "$join": parts })
}

fn tags(name: &str) -> Value {
    json!([{ "Key": "Name", "Value": name }])
}

fn names(graph: &Graph) -> Vec<String> {
    let mut names: Vec<String> =
        graph.nodes().iter().map(|node| node.address.as_str().replace("apigw/", "")).collect();
    names.sort();
    names
}

const PUBLIC: [&str; 21] = [
    "access-log-group",
    "account",
    "api-key",
    "deployment",
    "execution-log-group",
    "health-method",
    "health-resource",
    "payments-method",
    "payments-resource",
    "proxy-method",
    "proxy-resource",
    "request-validator",
    "rest-api",
    "stage",
    "usage-plan",
    "usage-plan-key",
    "waf-linked-role",
    "waf-log-group",
    "web-acl",
    "web-acl-association",
    "web-acl-logging",
];

#[test]
fn api_gateway_stack_creation() {
    let graph = graph(Args::default(), &inputs());
    assert_eq!(names(&graph), PUBLIC);
    assert_eq!(
        properties(&graph, "rest-api"),
        json!({
            "Name": "payment-api-dev",
            "Description": "The payment API",
            "EndpointConfiguration": { "Types": ["REGIONAL"] },
            "ApiKeySourceType": "HEADER",
            "DisableExecuteApiEndpoint": false,
            "SecurityPolicy": "SecurityPolicy_TLS13_1_2_PQ_2025_09",
            "EndpointAccessMode": "STRICT",
            "Tags": tags("payment-api-dev"),
        })
    );
    // Deployment and stage are separate, and the plan refers to the stage: what the reference document corrects.
    let stage = properties(&graph, "stage");
    assert_eq!(stage["DeploymentId"], reference("deployment", "DeploymentId"));
    assert_eq!(properties(&graph, "deployment").get("StageName"), None);
    assert_eq!(
        properties(&graph, "usage-plan"),
        json!({
            "UsagePlanName": "payment-usage-plan-dev",
            "Description": "What a client of the payment API may use",
            "ApiStages": [{ "ApiId": reference("rest-api", "RestApiId"), "Stage": reference("stage", "StageName") }],
            "Throttle": { "RateLimit": 100.0, "BurstLimit": 200 },
            "Quota": { "Limit": 1_000_000, "Period": "MONTH" },
            "Tags": tags("payment-usage-plan-dev"),
        })
    );
    assert_eq!(
        properties(&graph, "api-key"),
        json!({
            "Name": "payment-api-key-dev",
            "Description": "Lets clients in to the payment API",
            "Enabled": true,
            "Tags": tags("payment-api-key-dev"),
        })
    );
    assert_eq!(
        properties(&graph, "usage-plan-key"),
        json!({
            "KeyId": reference("api-key", "APIKeyId"),
            "KeyType": "API_KEY",
            "UsagePlanId": reference("usage-plan", "Id"),
        })
    );
}

fn stage_arn() -> Value {
    joined(&[
        "arn:aws:apigateway:ap-southeast-1::/restapis/".into(),
        reference("rest-api", "RestApiId"),
        "/stages/".into(),
        reference("stage", "StageName"),
    ])
}

#[test]
fn api_url_output() {
    let outputs = outputs(&inputs());
    let url = [
        "https://".into(),
        reference("rest-api", "RestApiId"),
        ".execute-api.ap-southeast-1.amazonaws.com/".into(),
        reference("stage", "StageName"),
    ];
    assert_eq!(
        outputs,
        json!({
            "apiGatewayUrl": joined(&url),
            "apiId": reference("rest-api", "RestApiId"),
            "apiName": "payment-api-dev",
            "stageName": "dev",
            "stageArn": stage_arn(),
            "apiKeyId": reference("api-key", "APIKeyId"),
            "usagePlanId": reference("usage-plan", "Id"),
            "apiAccessLogGroupName": reference("access-log-group", "LogGroupName"),
            "apiWebAclArn": reference("web-acl", "Arn"),
            "apiWebAclName": "payment-api-waf-dev",
            "apiWafLogGroupName": reference("waf-log-group", "LogGroupName"),
        })
    );
}

#[test]
fn in_china_the_url_ends_as_names_there_do() {
    let mut inputs = inputs();
    inputs.place.partition = "aws-cn".to_owned();
    inputs.place.region = "cn-north-1".to_owned();
    let url = outputs(&inputs)["apiGatewayUrl"].to_string();
    assert!(url.contains(".execute-api.cn-north-1.amazonaws.com.cn/"), "{url}");
}

#[test]
fn health_is_for_everybody_and_everything_else_needs_the_key() {
    let graph = graph(Args::default(), &inputs());
    let method = |name: &str, verb: &str, key: bool, request: Value, uri: &str, parameters: Value| {
        json!({
            "RestApiId": reference("rest-api", "RestApiId"),
            "ResourceId": reference(&format!("{name}-resource"), "ResourceId"),
            "HttpMethod": verb,
            "AuthorizationType": "NONE",
            "ApiKeyRequired": key,
            "RequestValidatorId": reference("request-validator", "RequestValidatorId"),
            "RequestParameters": request,
            "Integration": {
                "Type": "HTTP_PROXY",
                "IntegrationHttpMethod": verb,
                "Uri": format!("http://{DNS}{uri}"),
                "ConnectionType": "INTERNET",
                "RequestParameters": parameters,
                "PassthroughBehavior": "WHEN_NO_MATCH",
                "TimeoutInMillis": 29_000,
            },
        })
    };
    let hidden = json!({ "integration.request.header.x-api-key": "'redacted'" });
    let rest = json!({
        "integration.request.header.x-api-key": "'redacted'",
        "integration.request.path.proxy": "method.request.path.proxy",
    });
    let proxy = json!({ "method.request.path.proxy": true });
    for (name, part, expected) in [
        ("health", "health", method("health", "GET", false, json!({}), "/health", hidden.clone())),
        ("payments", "payments", method("payments", "ANY", true, json!({}), "/payments", hidden)),
        ("proxy", "{proxy+}", method("proxy", "ANY", true, proxy, "/{proxy}", rest)),
    ] {
        assert_eq!(properties(&graph, &format!("{name}-method")), expected);
        assert_eq!(
            properties(&graph, &format!("{name}-resource")),
            json!({
                "RestApiId": reference("rest-api", "RestApiId"),
                "ParentId": reference("rest-api", "RootResourceId"),
                "PathPart": part,
            })
        );
    }
    assert_eq!(
        properties(&graph, "request-validator"),
        json!({
            "RestApiId": reference("rest-api", "RestApiId"),
            "Name": "payment-api-validator-dev",
            "ValidateRequestBody": false,
            "ValidateRequestParameters": true,
        })
    );
}

#[test]
fn a_deployment_is_made_of_every_method_as_it_will_be() {
    let graph = graph(Args::default(), &inputs());
    let methods = properties(&graph, "deployment")["Definition"]["Methods"].clone();
    for (label, name) in
        [("GET /health", "health"), ("ANY /payments", "payments"), ("ANY /{proxy+}", "proxy")]
    {
        let name = format!("{name}-method");
        let expected =
            json!({ "Id": reference(&name, "Id"), "DefinitionHash": reference(&name, "DefinitionHash") });
        assert_eq!(methods[label], expected);
    }
    assert_eq!(methods.as_object().unwrap().len(), 3);
    let definition = properties(&graph, "deployment")["Definition"].clone();
    let validator = properties(&graph, "request-validator");
    assert_eq!(definition["RequestValidatorId"], reference("request-validator", "RequestValidatorId"));
    for name in ["ValidateRequestBody", "ValidateRequestParameters"] {
        assert_eq!(definition[name], validator[name]);
    }
    assert_eq!(definition["ApiKeySourceType"], "HEADER");
    assert_eq!(definition["DisableExecuteApiEndpoint"], false);
    assert!(!definition.to_string().contains("Tags"));
}

#[test]
fn the_stage_has_limits_metrics_traces_and_a_record_of_requests_without_what_they_contain() {
    let graph = graph(Args::default(), &inputs());
    let stage = properties(&graph, "stage");
    assert_eq!(stage["StageName"], "dev");
    assert_eq!(stage["TracingEnabled"], true);
    assert_eq!(stage["ExecutionLogGroupName"], reference("execution-log-group", "LogGroupName"));
    let group = properties(&graph, "execution-log-group");
    assert_eq!((&group["RetentionInDays"], &group["MadeByService"]), (&json!(2557), &json!(true)));
    let api = reference("rest-api", "RestApiId");
    assert_eq!(group["LogGroupName"], json!({ "$join": ["API-Gateway-Execution-Logs_", api, "/dev"] }));
    assert_eq!(stage["AccountId"], reference("account", "Id"));
    assert_eq!(
        stage["MethodSettings"],
        json!([{
            "ResourcePath": "/*",
            "HttpMethod": "*",
            "MetricsEnabled": true,
            "LoggingLevel": "INFO",
            "DataTraceEnabled": false,
            "ThrottlingRateLimit": 100.0,
            "ThrottlingBurstLimit": 200,
        }])
    );
    let log = &stage["AccessLogSetting"];
    let arn = "arn:aws:logs:ap-southeast-1:123456789012:log-group:";
    assert_eq!(log["DestinationArn"], joined(&[arn.into(), reference("access-log-group", "LogGroupName")]));
    let format: Value = serde_json::from_str(log["Format"].as_str().unwrap()).unwrap();
    for (field, variable) in [
        ("requestId", "$context.requestId"),
        ("extendedRequestId", "$context.extendedRequestId"),
        ("ip", "$context.identity.sourceIp"),
        ("httpMethod", "$context.httpMethod"),
        ("resourcePath", "$context.resourcePath"),
        ("status", "$context.status"),
        ("responseLatency", "$context.responseLatency"),
        ("integrationLatency", "$context.integrationLatency"),
        ("wafStatus", "$context.waf.status"),
        ("xrayTraceId", "$context.xrayTraceId"),
        ("apiKeyId", "$context.identity.apiKeyId"),
    ] {
        assert_eq!(format[field], variable);
    }
    for secret in ["$context.identity.apiKey\"", "$context.path", "$context.authorizer", "$input"] {
        assert!(!log["Format"].as_str().unwrap().contains(secret), "{secret}");
    }
    let group = properties(&graph, "access-log-group");
    assert_eq!(group["LogGroupName"], "/aws/apigateway/payment-api-dev");
    assert_eq!(group["RetentionInDays"], 2557);
}

#[test]
fn the_firewall_stands_before_the_stage_and_lets_an_address_use_all_that_the_api_lets_through() {
    let args = Args { throttle: apigw::Throttle { rate_limit: 50, burst_limit: 20 }, ..Args::default() };
    let graph = graph(args.clone(), &inputs());
    assert_eq!(
        properties(&graph, "web-acl-association"),
        json!({ "ResourceArn": stage_arn(), "WebACLArn": reference("web-acl", "Arn") })
    );
    let web_acl = properties(&graph, "web-acl");
    assert_eq!(web_acl["Name"], "payment-api-waf-dev");
    let limit = |web_acl: &Value| web_acl["Rules"][0]["Statement"]["RateBasedStatement"]["Limit"].as_u64();
    // Three methods, in five minutes.
    assert_eq!(limit(&web_acl), Some(3 * (300 * 50 + 20)));
    assert_eq!(web_acl["Rules"][1]["OverrideAction"], json!({ "None": {} }));
    let waf = apigw::Waf { rate_limit: Some(2000), ..apigw::Waf::default() };
    let given = properties(&self::graph(Args { waf, ..args }, &inputs()), "web-acl");
    assert_eq!(limit(&given), Some(2000));
    let group = properties(&graph, "waf-log-group");
    assert_eq!(group["LogGroupName"], "aws-waf-logs-payment-api-dev");
    let off = Args { waf: apigw::Waf { enabled: false, ..waf }, ..Args::default() };
    assert!(self::graph(off, &inputs()).get("apigw/web-acl-association").is_none());
}

#[test]
fn the_role_for_logs_is_the_regions_and_not_the_environments() {
    let arn = "arn:aws:iam::123456789012:role/payment-apigw-logs-ap-southeast-1";
    for environment in ["dev", "prod"] {
        let graph = graph(Args { environment: environment.to_owned(), ..Args::default() }, &inputs());
        assert_eq!(properties(&graph, "account"), json!({ "CloudWatchRoleArn": arn }));
    }
}

#[test]
fn a_private_load_balancer_is_reached_through_a_link() {
    let graph = graph(Args::default(), &private(inputs()));
    let link = [
        "linked-role",
        "load-balancer-from-vpc-link",
        "vpc-link",
        "vpc-link-security-group",
        "vpc-link-to-load-balancer",
    ];
    let mut expected: Vec<&str> = PUBLIC.into_iter().chain(link).collect();
    expected.sort_unstable();
    assert_eq!(names(&graph), expected);
    assert!(graph.reaches("apigw/vpc-link", "apigw/linked-role"));
    assert_eq!(
        properties(&graph, "vpc-link"),
        json!({
            "Name": "payment-api-link-dev",
            "SubnetIds": ["subnet-a", "subnet-b"],
            "SecurityGroupIds": [reference("vpc-link-security-group", "GroupId")],
            "Tags": tags("payment-api-link-dev"),
        })
    );
    let to = properties(&graph, "vpc-link-to-load-balancer");
    assert_eq!((&to["FromPort"], &to["ToPort"]), (&json!(80), &json!(80)));
    assert_eq!(to["DestinationSecurityGroupId"], "sg-alb");
    let from = properties(&graph, "load-balancer-from-vpc-link");
    assert_eq!((&from["GroupId"], &from["FromPort"]), (&json!("sg-alb"), &json!(80)));
    assert_eq!(from["SourceSecurityGroupId"], reference("vpc-link-security-group", "GroupId"));
    for name in ["health", "payments", "proxy"] {
        let integration = properties(&graph, &format!("{name}-method"))["Integration"].clone();
        assert_eq!(integration["ConnectionType"], "VPC_LINK");
        assert_eq!(integration["ConnectionId"], reference("vpc-link", "VpcLinkId"));
        assert_eq!(integration["IntegrationTarget"], ALB);
    }
    assert_eq!(outputs(&private(inputs()))["vpcLinkId"], reference("vpc-link", "VpcLinkId"));
}

#[test]
fn with_a_certificate_requests_go_to_the_name_on_it_over_https() {
    let args = Args { backend_domain: Some("payments.example.com".to_owned()), ..Args::default() };
    let encrypted = |inputs: Inputs| Inputs { backend: Backend { https: true, ..inputs.backend }, ..inputs };
    for inputs in [encrypted(inputs()), private(encrypted(inputs()))] {
        let graph = graph(args.clone(), &inputs);
        let integration = properties(&graph, "proxy-method")["Integration"].clone();
        assert_eq!(integration["Uri"], "https://payments.example.com/{proxy}");
    }
    let graph = graph(args, &private(encrypted(inputs())));
    assert_eq!(properties(&graph, "vpc-link-to-load-balancer")["FromPort"], 443);
    assert_eq!(properties(&graph, "load-balancer-from-vpc-link")["ToPort"], 443);
}

#[test]
fn arguments_reach_what_they_are_about() {
    let args = Args {
        environment: "prod".to_owned(),
        backend_path: "/v1".to_owned(),
        timeout_ms: 5000,
        throttle: Throttle { rate_limit: 10, burst_limit: 20 },
        monthly_quota: 5,
        log_retention_in_days: 30,
        execution_logs: ExecutionLogs::Off,
        tracing: false,
        security_policy: "TLS_1_2".to_owned(),
        disable_execute_api_endpoint: true,
        ..Args::default()
    };
    let graph = graph(args, &inputs());
    let api = properties(&graph, "rest-api");
    assert_eq!(
        (&api["SecurityPolicy"], &api["DisableExecuteApiEndpoint"]),
        (&json!("TLS_1_2"), &json!(true))
    );
    assert_eq!(api.get("EndpointAccessMode"), None);
    let integration = properties(&graph, "payments-method")["Integration"].clone();
    assert_eq!(integration["Uri"], format!("http://{DNS}/v1/payments"));
    assert_eq!(integration["TimeoutInMillis"], 5000);
    let stage = properties(&graph, "stage");
    assert_eq!((&stage["StageName"], &stage["TracingEnabled"]), (&json!("prod"), &json!(false)));
    assert_eq!(stage.get("ExecutionLogGroupName"), None);
    assert!(!graph.nodes().iter().any(|node| node.address.as_str() == "apigw/execution-log-group"));
    assert_eq!(stage["MethodSettings"][0]["LoggingLevel"], "OFF");
    assert_eq!(stage["MethodSettings"][0]["ThrottlingRateLimit"], 10.0);
    let plan = properties(&graph, "usage-plan");
    assert_eq!(plan["Throttle"], json!({ "RateLimit": 10.0, "BurstLimit": 20 }));
    assert_eq!(plan["Quota"]["Limit"], 5);
    assert_eq!(properties(&graph, "access-log-group")["RetentionInDays"], 30);
    assert_eq!(properties(&graph, "deployment")["Definition"]["DisableExecuteApiEndpoint"], true);
}
