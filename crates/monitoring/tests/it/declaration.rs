//! What the tier declares. Where the reference has a unit test for its monitoring stack, the name here says the same.

use engine::{Declaration, Graph};
use monitoring::{Args, DatabaseInputs, Inputs, Tracing};
use serde_json::{Value, json};
use testing::{ACCOUNT, declare, place};

use crate::support::{EMAIL, inputs, reference, tier, with_email, with_tasks};

fn graph(args: Args, inputs: &Inputs) -> Graph {
    declare(&tier(args), inputs).unwrap().0
}

fn node<'a>(graph: &'a Graph, name: &str) -> &'a Declaration {
    graph.get(&format!("monitoring/{name}")).unwrap_or_else(|| panic!("{name} is not declared"))
}

fn properties(graph: &Graph, name: &str) -> Value {
    node(graph, name).properties.clone()
}

fn refers(name: &str, attr: &str) -> Value {
    json!({ "$ref": format!("monitoring/{name}"), "attr": attr })
}

fn outputs(args: Args, inputs: &Inputs) -> Value {
    serde_json::to_value(declare(&tier(args), inputs).unwrap().1).unwrap()
}

fn tags(name: &str) -> Value {
    json!([{ "Key": "Name", "Value": name }])
}

fn alarms(graph: &Graph) -> Vec<String> {
    let alarms = graph.nodes().iter().filter(|node| node.kind == "AWS::CloudWatch::Alarm");
    alarms.map(|node| node.address.as_str().strip_prefix("monitoring/alarm-").unwrap().to_owned()).collect()
}

#[test]
fn monitoring_stack_creation() {
    let graph = graph(with_email(), &inputs());
    assert_eq!(
        properties(&graph, "topic"),
        json!({
            "TopicName": "payment-alarms-dev",
            "DisplayName": "Payment alarms, dev",
            "KmsMasterKeyId": refers("key", "Arn"),
            "Tags": tags("payment-alarms-dev"),
        })
    );
    assert_eq!(
        properties(&graph, "email-ops-at-example-com"),
        json!({ "TopicArn": refers("topic", "TopicArn"), "Protocol": "email", "Endpoint": EMAIL })
    );
    assert_eq!(
        properties(&graph, "alarm-ecs-cpu"),
        json!({
            "AlarmName": "payment-ecs-cpu-dev",
            "AlarmDescription":
                "Tasks have too much to compute, and there are no more to share it, or not soon enough.",
            "ActionsEnabled": true,
            "AlarmActions": [refers("topic-policy", "TopicArn")],
            "OKActions": [refers("topic-policy", "TopicArn")],
            "InsufficientDataActions": [],
            "Namespace": "AWS/ECS",
            "MetricName": "CPUUtilization",
            "Dimensions": [
                { "Name": "ClusterName", "Value": "payment-cluster-dev" },
                { "Name": "ServiceName", "Value": "payment-service-dev" },
            ],
            "Statistic": "Average",
            "Period": 300,
            "EvaluationPeriods": 2,
            "Threshold": 80.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "Tags": tags("payment-ecs-cpu-dev"),
        })
    );
    assert_eq!(alarms(&graph).len(), 26);
}

#[test]
fn cloudwatch_dashboard_url_with_proper_region() {
    let url = |region: &str, partition: &str| {
        let place = aws::Place { region: region.to_owned(), partition: partition.to_owned(), ..place() };
        outputs(Args::default(), &Inputs { place, ..inputs() })["dashboardUrl"].clone()
    };
    let rows = [
        ("ap-southeast-1", "aws", "console.aws.amazon.com"),
        ("eu-central-1", "aws", "console.aws.amazon.com"),
        ("cn-north-1", "aws-cn", "console.amazonaws.cn"),
        ("us-gov-west-1", "aws-us-gov", "console.amazonaws-us-gov.com"),
    ];
    for (region, partition, domain) in rows {
        let before = format!("https://{region}.{domain}/cloudwatch/home?region={region}#dashboards:name=");
        assert_eq!(
            url(region, partition),
            json!({ "$join": [before, refers("dashboard", "DashboardName")] })
        );
    }
}

#[test]
fn only_cloudwatch_and_rds_of_this_account_may_publish_and_only_over_tls() {
    let graph = graph(Args::default(), &inputs());
    let topic = refers("topic", "TopicArn");
    let topic = json!([{ "$join": [topic] }]);
    assert_eq!(
        properties(&graph, "topic-policy")["PolicyDocument"]["Statement"],
        json!([
            {
                "Effect": "Allow",
                "Action": ["sns:Publish"],
                "Sid": "AlarmsPublish",
                "Principal": { "Service": "cloudwatch.amazonaws.com" },
                "Resource": topic,
                "Condition": { "StringEquals": { "aws:SourceAccount": [ACCOUNT] } },
            },
            {
                "Effect": "Allow",
                "Action": ["sns:Publish"],
                "Sid": "DatabaseEventsPublish",
                "Principal": { "Service": "events.rds.amazonaws.com" },
                "Resource": topic,
                "Condition": { "StringEquals": { "aws:SourceAccount": [ACCOUNT] } },
            },
            {
                "Effect": "Deny",
                "Action": ["sns:Publish"],
                "Sid": "OnlyTls",
                "Principal": "*",
                "Resource": topic,
                "Condition": { "Bool": { "aws:SecureTransport": ["false"] } },
            },
        ])
    );
    let statements = properties(&graph, "key")["KeyPolicy"]["Statement"].clone();
    assert_eq!(statements[0]["Principal"], json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:root") }));
    assert_eq!(statements[1]["Principal"], json!({ "Service": "cloudwatch.amazonaws.com" }));
    assert_eq!(statements[1]["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey*"]));
    assert_eq!(statements[1]["Condition"], json!({ "StringEquals": { "aws:SourceAccount": [ACCOUNT] } }));
    assert_eq!(statements[2]["Principal"], json!({ "Service": "events.rds.amazonaws.com" }));
    assert_eq!(statements[2]["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey*"]));
}

/// Security Hub RDS.19 to RDS.22.
#[test]
fn what_happens_to_the_database_is_told_to_the_topic_of_alarms() {
    let graph = graph(Args::default(), &inputs());
    for (source, sources, categories) in [
        ("db-cluster", json!(["payment-aurora-dev"]), json!(["failure", "maintenance"])),
        (
            "db-instance",
            json!(["payment-aurora-dev-1", "payment-aurora-dev-2"]),
            json!(["configuration change", "failure", "maintenance"]),
        ),
        ("db-parameter-group", json!(null), json!(["configuration change"])),
        ("db-security-group", json!(null), json!(["configuration change", "failure"])),
    ] {
        let events = properties(&graph, &format!("{source}-events"));
        assert_eq!(events["SubscriptionName"], format!("payment-{source}-events-dev"));
        assert_eq!((&events["SourceType"], &events["SourceIds"]), (&json!(source), &sources), "{source}");
        assert_eq!((&events["EventCategories"], &events["Enabled"]), (&categories, &json!(true)), "{source}");
        // Through its policy, so that RDS may publish by then.
        assert_eq!(events["SnsTopicArn"], refers("topic-policy", "TopicArn"));
    }
    let without = graph_without_database();
    assert!(without.nodes().iter().all(|node| !node.address.as_str().ends_with("-events")));
}

fn graph_without_database() -> engine::Graph {
    graph(Args::default(), &Inputs { database: None, ..inputs() })
}

/// What an alarm watches: namespace, metric, dimensions, statistic; then how.
fn watched(alarm: &Value) -> (String, String) {
    let metric = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().cloned().unwrap_or_default();
        let pairs = dimensions.iter().map(|dimension| {
            format!("{}={}", dimension["Name"].as_str().unwrap(), dimension["Value"].as_str().unwrap())
        });
        let pairs: Vec<_> = pairs.collect();
        let (namespace, name) = (&metric["Namespace"], &metric["MetricName"]);
        format!("{} {} {}", namespace.as_str().unwrap(), name.as_str().unwrap(), pairs.join(","))
    };
    let what = match alarm.get("Metrics") {
        None => {
            let stat = alarm.get("Statistic").or(alarm.get("ExtendedStatistic")).unwrap();
            format!("{} {}", metric(alarm), stat.as_str().unwrap())
        }
        Some(queries) => {
            let query = |query: &Value| match query.get("Expression") {
                Some(expression) => expression.as_str().unwrap().to_owned(),
                None => {
                    let stat = &query["MetricStat"];
                    let id = query["Id"].as_str().unwrap();
                    format!("{id}: {} {}", metric(&stat["Metric"]), stat["Stat"].as_str().unwrap())
                }
            };
            queries.as_array().unwrap().iter().map(query).collect::<Vec<_>>().join("; ")
        }
    };
    let period = alarm.get("Period").or_else(|| alarm["Metrics"][0]["MetricStat"].get("Period"));
    let threshold = alarm.get("Threshold").or(alarm.get("ThresholdMetricId")).unwrap();
    let how = format!(
        "{} {threshold} {}x{} {}",
        alarm["ComparisonOperator"].as_str().unwrap(),
        period.unwrap(),
        alarm["EvaluationPeriods"],
        alarm["TreatMissingData"].as_str().unwrap(),
    );
    (what, how)
}

#[test]
fn each_alarm_watches_a_metric_by_its_own_dimensions() {
    const LB: &str = "LoadBalancer=app/payment-alb-dev/0123456789abcdef";
    const BLUE: &str = "TargetGroup=targetgroup/payment-blue-dev/0123456789abcdef";
    const GREEN: &str = "TargetGroup=targetgroup/payment-green-dev/fedcba9876543210";
    const SERVICE: &str = "ClusterName=payment-cluster-dev,ServiceName=payment-service-dev";
    const CLUSTER: &str = "DBClusterIdentifier=payment-aurora-dev";
    const API: &str = "ApiName=payment-api-dev,Stage=dev";
    let quiet = |how: &str| format!("{how} 300x2 notBreaching");
    let above = |threshold: &str| quiet(&format!("GreaterThanThreshold {threshold}"));
    let rows = [
        (
            "alb-unhealthy-hosts-blue",
            format!("AWS/ApplicationELB UnHealthyHostCount {LB},{BLUE} Maximum"),
            "GreaterThanOrEqualToThreshold 1.0 60x3 notBreaching".to_owned(),
        ),
        (
            "alb-unhealthy-hosts-green",
            format!("AWS/ApplicationELB UnHealthyHostCount {LB},{GREEN} Maximum"),
            "GreaterThanOrEqualToThreshold 1.0 60x3 notBreaching".to_owned(),
        ),
        (
            "alb-healthy-hosts",
            format!(
                "blue: AWS/ApplicationELB HealthyHostCount {LB},{BLUE} Minimum; \
                 green: AWS/ApplicationELB HealthyHostCount {LB},{GREEN} Minimum; FILL(blue, 0) + FILL(green, 0)"
            ),
            "LessThanThreshold 2.0 300x2 breaching".to_owned(),
        ),
        ("alb-errors", format!("AWS/ApplicationELB HTTPCode_ELB_5XX_Count {LB} Sum"), above("10.0")),
        (
            "alb-target-errors",
            format!(
                "errors: AWS/ApplicationELB HTTPCode_Target_5XX_Count {LB} Sum; \
                 requests: AWS/ApplicationELB RequestCount {LB} Sum; \
                 IF(requests > 20, 100 * FILL(errors, 0) / requests, 0)"
            ),
            above("5.0"),
        ),
        ("alb-latency", format!("AWS/ApplicationELB TargetResponseTime {LB} p99"), above("2.0")),
        (
            "alb-rejected-connections",
            format!("AWS/ApplicationELB RejectedConnectionCount {LB} Sum"),
            above("0.0"),
        ),
        ("ecs-cpu", format!("AWS/ECS CPUUtilization {SERVICE} Average"), above("80.0")),
        ("ecs-memory", format!("AWS/ECS MemoryUtilization {SERVICE} Average"), above("80.0")),
        (
            "ecs-running-tasks",
            format!("ECS/ContainerInsights RunningTaskCount {SERVICE} Minimum"),
            quiet("LessThanThreshold 2.0"),
        ),
        ("payment-errors", "Payment/dev PaymentErrors  Sum".to_owned(), above("10.0")),
        ("database-cpu", format!("AWS/RDS CPUUtilization {CLUSTER} Average"), above("80.0")),
        ("database-connections", format!("AWS/RDS DatabaseConnections {CLUSTER} Maximum"), above("320.0")),
        (
            "database-storage-1",
            "AWS/RDS FreeLocalStorage DBInstanceIdentifier=payment-aurora-dev-1 Minimum".to_owned(),
            quiet("LessThanThreshold 2147483648.0"),
        ),
        (
            "database-storage-2",
            "AWS/RDS FreeLocalStorage DBInstanceIdentifier=payment-aurora-dev-2 Minimum".to_owned(),
            quiet("LessThanThreshold 2147483648.0"),
        ),
        (
            "database-capacity",
            format!("AWS/RDS ACUUtilization {CLUSTER} Average"),
            "GreaterThanThreshold 90.0 300x3 notBreaching".to_owned(),
        ),
        ("database-replica-lag", format!("AWS/RDS AuroraReplicaLag {CLUSTER} Maximum"), above("1000.0")),
        (
            "api-errors",
            format!(
                "errors: AWS/ApiGateway 5XXError {API} Sum; requests: AWS/ApiGateway Count {API} Sum; \
                 IF(requests > 20, 100 * FILL(errors, 0) / requests, 0)"
            ),
            above("1.0"),
        ),
        ("api-latency", format!("AWS/ApiGateway Latency {API} p99"), above("3000.0")),
        (
            "api-requests",
            format!("result: AWS/ApiGateway Count {API} Sum; ANOMALY_DETECTION_BAND(result, 3)"),
            quiet("LessThanLowerOrGreaterThanUpperThreshold \"band\""),
        ),
        (
            "waf-blocked-requests",
            "AWS/WAFV2 BlockedRequests WebACL=payment-alb-dev,Region=ap-southeast-1,Rule=ALL Sum".to_owned(),
            above("1000.0"),
        ),
        (
            "waf-blocked-requests-api",
            "AWS/WAFV2 BlockedRequests WebACL=payment-api-waf-dev,Region=ap-southeast-1,Rule=ALL Sum"
                .to_owned(),
            above("1000.0"),
        ),
        ("nat-ports-1", "AWS/NATGateway ErrorPortAllocation NatGatewayId=nat-1 Sum".to_owned(), above("0.0")),
        ("nat-ports-2", "AWS/NATGateway ErrorPortAllocation NatGatewayId=nat-2 Sum".to_owned(), above("0.0")),
        (
            "nat-dropped-packets-1",
            "AWS/NATGateway PacketsDropCount NatGatewayId=nat-1 Sum".to_owned(),
            above("0.0"),
        ),
        (
            "nat-dropped-packets-2",
            "AWS/NATGateway PacketsDropCount NatGatewayId=nat-2 Sum".to_owned(),
            above("0.0"),
        ),
    ];
    let graph = graph(with_email(), &inputs());
    let mut names = alarms(&graph);
    for (name, what, how) in &rows {
        let alarm = properties(&graph, &format!("alarm-{name}"));
        assert!(!alarm.to_string().contains("$join"), "joined literals are literals: {alarm}");
        assert_eq!(watched(&alarm), (what.clone(), how.clone()), "{name}");
        names.retain(|other| other != name);
    }
    assert_eq!(names, [""; 0], "alarms that are not in the table");
}

#[test]
fn every_alarm_tells_the_topic_when_it_goes_off_and_when_it_ends() {
    let graph = graph(with_email(), &inputs());
    let topic = json!([refers("topic-policy", "TopicArn")]);
    for name in alarms(&graph).iter().map(String::as_str).chain(["critical"]) {
        let alarm = properties(&graph, &format!("alarm-{name}"));
        assert_eq!((&alarm["AlarmActions"], &alarm["OKActions"]), (&topic, &topic), "{name}");
        assert_eq!(alarm["ActionsEnabled"], true, "{name}");
    }
}

#[test]
fn one_alarm_is_on_all_those_that_are_critical() {
    let rule = properties(&graph(with_email(), &inputs()), "alarm-critical")["AlarmRule"].clone();
    let parts = rule["$join"].as_array().unwrap();
    let names: Vec<&str> = parts
        .iter()
        .filter_map(|part| part.get("$ref")?.as_str()?.strip_prefix("monitoring/alarm-"))
        .collect();
    assert_eq!(
        names,
        [
            "alb-unhealthy-hosts-blue",
            "alb-unhealthy-hosts-green",
            "alb-healthy-hosts",
            "alb-errors",
            "alb-target-errors",
            "ecs-cpu",
            "ecs-memory",
            "ecs-running-tasks",
            "database-cpu",
            "database-connections",
            "database-storage-1",
            "database-storage-2",
            "api-errors",
        ]
    );
    assert_eq!(parts[0], "ALARM(\"");
    assert_eq!(parts[2], "\") OR ALARM(\"");
    assert_eq!(parts[parts.len() - 1], "\")");
}

#[test]
fn without_an_image_no_alarm_waits_for_tasks() {
    let with = alarms(&graph(Args::default(), &inputs()));
    let without = alarms(&graph(Args::default(), &with_tasks(None)));
    let missing: Vec<_> = with.iter().filter(|name| !without.contains(name)).collect();
    assert_eq!(missing, ["alb-healthy-hosts", "ecs-running-tasks"]);
    let four = graph(Args::default(), &with_tasks(Some(4)));
    for name in ["alb-healthy-hosts", "ecs-running-tasks"] {
        assert_eq!(properties(&four, &format!("alarm-{name}"))["Threshold"], 4.0, "{name}");
    }
}

#[test]
fn what_is_not_there_is_not_watched() {
    let nothing = Inputs::new(place());
    let empty = graph(Args::default(), &nothing);
    assert_eq!(alarms(&empty), [""; 0]);
    assert!(empty.get("monitoring/alarm-critical").is_none());
    assert!(empty.get("monitoring/payment-errors").is_none());
    for topic in ["topic", "topic-policy", "key", "key-alias", "dashboard"] {
        node(&empty, topic);
    }
    let only_nat = Inputs { nat_gateway_ids: inputs().nat_gateway_ids, ..nothing };
    assert_eq!(alarms(&graph(Args::default(), &only_nat)).len(), 4);
    let one = DatabaseInputs {
        instance_ids: vec!["one".into()],
        local_storage_bytes: Some(100),
        ..inputs().database.unwrap()
    };
    let one = graph(Args::default(), &Inputs { database: Some(one), ..Inputs::new(place()) });
    assert!(one.get("monitoring/alarm-database-replica-lag").is_none());
    assert_eq!(properties(&one, "alarm-database-storage-1")["Threshold"], 20.0);
}

#[test]
fn an_alarm_can_be_left_out_by_its_name() {
    let all = alarms(&graph(Args::default(), &inputs()));
    let disabled = ["nat-ports", "ecs-cpu", "critical"].map(str::to_owned).to_vec();
    let fewer = graph(Args { disabled_alarms: disabled, ..Args::default() }, &inputs());
    let missing: Vec<_> = all.into_iter().filter(|name| !alarms(&fewer).contains(name)).collect();
    assert_eq!(missing, ["ecs-cpu", "nat-ports-1", "nat-ports-2"]);
    assert!(fewer.get("monitoring/alarm-critical").is_none());
}

#[test]
fn a_tenth_of_the_requests_of_this_environment_is_traced() {
    let traced = graph(Args::default(), &inputs());
    assert_eq!(
        properties(&traced, "sampling-rule"),
        json!({
            "RuleName": "payment-traces-dev",
            "SamplingRule": {
                "Priority": 1000,
                "FixedRate": 0.1,
                "ReservoirSize": 0,
                "ServiceName": "payment-*-dev*",
                "ServiceType": "*",
                "Host": "*",
                "HTTPMethod": "*",
                "URLPath": "*",
                "ResourceARN": "*",
                "Version": 1,
            },
            "Tags": tags("payment-traces-dev"),
        })
    );
    assert_eq!(properties(&traced, "trace-group")["FilterExpression"], "service(\"payment-app-dev\")");
    let off = Args { tracing: Tracing { enabled: false, ..Tracing::default() }, ..Args::default() };
    let untraced = graph(off.clone(), &inputs());
    assert!(untraced.get("monitoring/sampling-rule").is_none());
    assert!(untraced.get("monitoring/trace-group").is_none());
    assert_eq!(outputs(off, &inputs())["samplingRuleName"], Value::Null);
    // The longest environment still gives names that X-Ray takes.
    let longest = Args { environment: "e".repeat(aws::MAX_ENVIRONMENT_LENGTH), ..Args::default() };
    let longest = properties(&graph(longest, &inputs()), "sampling-rule");
    assert!(longest["RuleName"].as_str().unwrap().len() <= 32);
    assert!(longest["SamplingRule"]["ServiceName"].as_str().unwrap().len() <= 64);
}

#[test]
fn errors_in_the_applications_log_are_counted() {
    assert_eq!(
        properties(&graph(Args::default(), &inputs()), "payment-errors"),
        json!({
            "FilterName": "PaymentErrors",
            "LogGroupName": "/ecs/payment-app-dev",
            "FilterPattern": "?ERROR ?FATAL ?PANIC",
            "MetricTransformations": [{
                "MetricName": "PaymentErrors",
                "MetricNamespace": "Payment/dev",
                "MetricValue": "1",
                "DefaultValue": 0.0,
                "Unit": "Count",
            }],
        })
    );
}

#[test]
fn other_tiers_outputs_may_stand_for_names() {
    let mut inputs = inputs();
    let containers = inputs.containers.as_mut().unwrap();
    containers.cluster_name = reference("ecs/cluster", "ClusterName");
    inputs.load_balancer.as_mut().unwrap().full_name = reference("alb/load-balancer", "LoadBalancerFullName");
    let mut scope = engine::Scope::new();
    scope
        .within("monitoring", |scope| engine::Component::declare(&tier(Args::default()), scope, &inputs))
        .unwrap();
    let find = |name: &str| {
        let address = format!("monitoring/{name}");
        scope.declarations().iter().find(|one| one.address.as_str() == address).unwrap().properties.clone()
    };
    let cluster = json!({ "$ref": "ecs/cluster", "attr": "ClusterName" });
    assert_eq!(find("alarm-ecs-cpu")["Dimensions"][0]["Value"], json!({ "$join": [cluster] }));
    let body = find("dashboard")["DashboardBody"].to_string();
    assert!(body.contains("ecs/cluster") && body.contains("alb/load-balancer"), "{body}");
}
