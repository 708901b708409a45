//! Deployments, stages and what they log.

use super::{Gateway, add, remove, replace};
use crate::rows::Rows;
use crate::support::{REGION, code};

fn group_arn(name: &str) -> String {
    format!("arn:aws:logs:{REGION}:123456789012:log-group:{name}")
}

const FORMAT: &str = r#"{"requestId":"$context.requestId","status":"$context.status"}"#;

#[tokio::test(start_paused = true)]
async fn a_stage_comes_back_with_its_settings_and_logs() {
    let gateway = Gateway::in_memory();
    let (api, deployment) = gateway.staged().await;
    gateway.logging_role().await;
    gateway.cloud.logs.create_log_group().log_group_name("/api/access").send().await.unwrap();
    let call = gateway.api.create_stage().rest_api_id(&api).stage_name("v2").deployment_id(&deployment);
    let call = call.description("Second").variables("host", "example.com").tracing_enabled(true);
    call.tags("Name", "v2").send().await.unwrap();
    let arn = group_arn("/api/access");
    let changes = [
        ("/*/*/logging/loglevel", "INFO"),
        ("/*/*/logging/dataTrace", "false"),
        ("/*/*/metrics/enabled", "true"),
        ("/*/*/throttling/rateLimit", "100"),
        ("/*/*/throttling/burstLimit", "200"),
        ("/~1payments/POST/throttling/rateLimit", "5.5"),
        ("/accessLogSettings/destinationArn", arn.as_str()),
        ("/accessLogSettings/format", FORMAT),
        ("/variables/port", "8443"),
        ("/description", "Changed"),
        ("/tracingEnabled", "true"),
    ];
    let mut call = gateway.api.update_stage().rest_api_id(&api).stage_name("v2");
    for (path, value) in changes {
        call = call.patch_operations(replace(path, value));
    }
    call.send().await.unwrap();

    let stage = gateway.api.get_stage().rest_api_id(&api).stage_name("v2").send().await.unwrap();
    assert_eq!((stage.description(), stage.deployment_id()), (Some("Changed"), Some(deployment.as_str())));
    assert!(stage.tracing_enabled());
    let all = &stage.method_settings().unwrap()["*/*"];
    assert_eq!((all.logging_level(), all.metrics_enabled()), (Some("INFO"), true));
    assert!(!all.data_trace_enabled());
    assert_eq!((all.throttling_rate_limit(), all.throttling_burst_limit()), (100.0, 200));
    let one = &stage.method_settings().unwrap()["payments/POST"];
    assert_eq!((one.throttling_rate_limit(), one.logging_level()), (5.5, Some("OFF")));
    let access = stage.access_log_settings().unwrap();
    assert_eq!((access.destination_arn(), access.format()), (Some(arn.as_str()), Some(FORMAT)));
    let variables = stage.variables().unwrap();
    assert_eq!((variables["host"].as_str(), variables["port"].as_str()), ("example.com", "8443"));
    assert_eq!(stage.tags().unwrap()["Name"], "v2");

    // API Gateway makes a log group by itself.
    let name = format!("API-Gateway-Execution-Logs_{api}/v2");
    let groups = gateway.cloud.logs.describe_log_groups().log_group_name_prefix(&name).send().await.unwrap();
    assert_eq!(groups.log_groups()[0].log_group_name(), Some(name.as_str()));

    let call = gateway.api.update_stage().rest_api_id(&api).stage_name("v2");
    let call =
        call.patch_operations(remove("/accessLogSettings")).patch_operations(remove("/variables/port"));
    let stage = call.patch_operations(remove("/*/*")).send().await.unwrap();
    assert_eq!(stage.access_log_settings(), None);
    assert_eq!((stage.variables().unwrap().len(), stage.method_settings().unwrap().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_a_snapshot() {
    let gateway = Gateway::in_memory();
    let (api, deployment) = gateway.staged().await;
    let all = gateway.api.get_resources().rest_api_id(&api).send().await.unwrap();
    let root = all.items()[0].id().unwrap();
    let call = gateway.api.delete_method().rest_api_id(&api).resource_id(root).http_method("GET");
    call.send().await.unwrap();
    let get = || gateway.api.get_deployment().rest_api_id(&api).deployment_id(&deployment);
    assert!(get().send().await.unwrap().api_summary().is_none());
    let shown = get().embed("apisummary").send().await.unwrap();
    let method = &shown.api_summary().unwrap()["/"]["GET"];
    assert_eq!((method.authorization_type(), method.api_key_required()), (Some("NONE"), false));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_can_make_and_move_a_stage() {
    let gateway = Gateway::in_memory();
    let (api, first) = gateway.staged().await;
    let call = gateway.api.create_deployment().rest_api_id(&api).stage_name("v1").description("second");
    let second = call.variables("a", "1").send().await.unwrap().id.unwrap();
    let stage = gateway.api.get_stage().rest_api_id(&api).stage_name("v1").send().await.unwrap();
    assert_eq!(stage.deployment_id(), Some(second.as_str()));
    let of_first = gateway.api.get_stages().rest_api_id(&api).deployment_id(&first).send().await.unwrap();
    assert_eq!(of_first.item().len(), 0);
    gateway.api.delete_deployment().rest_api_id(&api).deployment_id(&first).send().await.unwrap();
    let call = gateway.api.create_deployment().rest_api_id(&api).stage_name("v3");
    call.send().await.unwrap();
    let stages = gateway.api.get_stages().rest_api_id(&api).send().await.unwrap();
    let names: Vec<_> = stages.item().iter().filter_map(|stage| stage.stage_name()).collect();
    assert_eq!(names, ["v1", "v3"]);
}

#[tokio::test(start_paused = true)]
async fn a_canary_keeps_its_deployment_and_no_other_can_be_made_in_its_stage() {
    let gateway = Gateway::in_memory();
    let (api, first) = gateway.staged().await;
    let update = || gateway.api.update_stage().rest_api_id(&api).stage_name("v1");
    let canary = update().patch_operations(replace("/canarySettings/percentTraffic", "5"));
    let stage = canary.send().await.unwrap();
    let settings = stage.canary_settings().unwrap();
    assert_eq!((settings.percent_traffic(), settings.deployment_id()), (5.0, Some(first.as_str())));
    let served = gateway.cloud.emulator.stage(REGION, &api, "v1").await.unwrap().unwrap();
    assert_eq!(served.canary_percent(), Some(5.0));
    let within = gateway.api.create_deployment().rest_api_id(&api).stage_name("v1").send().await;
    assert_eq!(code(within), "BadRequestException");

    // The stage moves, and the canary still serves the first deployment.
    let second = gateway.deployment(&api).await;
    update().patch_operations(replace("/deploymentId", &second)).send().await.unwrap();
    let delete = || gateway.api.delete_deployment().rest_api_id(&api).deployment_id(&first).send();
    assert_eq!(code(delete().await), "BadRequestException");
    let stage = update().patch_operations(remove("/canarySettings")).send().await.unwrap();
    assert_eq!(stage.canary_settings(), None);
    delete().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn logging_needs_the_role_of_the_account() {
    let gateway = Gateway::in_memory();
    let (api, _) = gateway.staged().await;
    gateway.cloud.logs.create_log_group().log_group_name("/api/access").send().await.unwrap();
    let log = |level: &str| {
        let call = gateway.api.update_stage().rest_api_id(&api).stage_name("v1");
        call.patch_operations(replace("/*/*/logging/loglevel", level))
    };
    let access = |group: &str, format: &str| {
        let call = gateway.api.update_stage().rest_api_id(&api).stage_name("v1");
        let call = call.patch_operations(replace("/accessLogSettings/destinationArn", &group_arn(group)));
        call.patch_operations(replace("/accessLogSettings/format", format))
    };
    let mut rows = Rows::default();
    let refused = "BadRequestException";
    rows.row("logging without a role", refused, code(log("INFO").send().await));
    rows.row("access logs without a role", refused, code(access("/api/access", FORMAT).send().await));
    rows.row("no logging without a role", "ok", code(log("OFF").send().await));
    gateway.logging_role().await;
    rows.row("logging", "ok", code(log("ERROR").send().await));
    rows.row("a level that is none", refused, code(log("DEBUG").send().await));
    rows.row("access logs", "ok", code(access("/api/access", FORMAT).send().await));
    rows.row("access logs to all streams", "ok", code(access("/api/access:*", FORMAT).send().await));
    rows.row(
        "access logs to a group that is not there",
        "ok",
        code(access("/api/other", FORMAT).send().await),
    );
    rows.row(
        "access logs without a request id",
        refused,
        code(access("/api/access", "$context.status").send().await),
    );
    let call = gateway.api.create_deployment().rest_api_id(&api).stage_name("v9");
    call.send().await.unwrap();
    let half = gateway.api.update_stage().rest_api_id(&api).stage_name("v9");
    let half = half.patch_operations(add("/accessLogSettings/destinationArn", &group_arn("/api/access")));
    rows.row("half an access log", "ok", code(half.send().await));
}

#[tokio::test(start_paused = true)]
async fn the_account_takes_a_role_that_api_gateway_can_assume() {
    let gateway = Gateway::in_memory();
    let set = |arn: &str| gateway.api.update_account().patch_operations(replace("/cloudwatchRoleArn", arn));
    let other = gateway.cloud.role_for("other", "lambda.amazonaws.com").await;
    assert_eq!(code(set("arn:aws:iam::123456789012:role/none").send().await), "BadRequestException");
    assert_eq!(code(set(&other).send().await), "BadRequestException");
    let arn = gateway.logging_role().await;
    let account = gateway.api.get_account().send().await.unwrap();
    assert_eq!(account.cloudwatch_role_arn(), Some(arn.as_str()));
    let throttle = account.throttle_settings().unwrap();
    assert_eq!((throttle.rate_limit(), throttle.burst_limit()), (10_000.0, 5000));
    set("").send().await.unwrap();
    assert_eq!(gateway.api.get_account().send().await.unwrap().cloudwatch_role_arn(), None);
}
