//! What the tier declares. Where the reference has a unit test for its load balancer stack, the name here says the same.

use alb::{AccessLogs, Args, Ingress, Inputs, TestHeader, Waf};
use engine::{Declaration, Graph};
use serde_json::{Value, json};
use testing::declare;

use crate::support::{BUCKET, CERTIFICATE, inputs, tier, with_certificate};

fn graph(args: Args) -> Graph {
    declare(&tier(args), &inputs()).unwrap().0
}

fn outputs(args: Args) -> Value {
    serde_json::to_value(declare(&tier(args), &inputs()).unwrap().1).unwrap()
}

fn node<'a>(graph: &'a Graph, name: &str) -> &'a Declaration {
    graph.get(&format!("alb/{name}")).unwrap_or_else(|| panic!("{name} is not declared"))
}

fn properties(graph: &Graph, name: &str) -> Value {
    node(graph, name).properties.clone()
}

fn reference(name: &str, attr: &str) -> Value {
    json!({ "$ref": format!("alb/{name}"), "attr": attr })
}

fn early(name: &str, attr: &str) -> Value {
    json!({ "$ref": format!("alb/{name}"), "attr": attr, "early": true })
}

fn tags(name: &str) -> Value {
    json!([{ "Key": "Name", "Value": name }])
}

fn attribute(key: &str, value: impl Into<Value>) -> Value {
    json!({ "Key": key, "Value": value.into() })
}

#[test]
fn alb_stack_creation() {
    let graph = graph(Args::default());
    let bucket = json!({ "$join": [reference("log-bucket-policy", "Bucket")] });
    assert_eq!(
        properties(&graph, "load-balancer"),
        json!({
            "Name": "payment-alb-dev",
            "Type": "application",
            "Scheme": "internet-facing",
            "VpcId": "vpc-1",
            "Subnets": ["subnet-public-a", "subnet-public-b", "subnet-public-c"],
            "SecurityGroups": [reference("security-group", "GroupId")],
            "LoadBalancerAttributes": [
                attribute("deletion_protection.enabled", "false"),
                attribute("idle_timeout.timeout_seconds", "60"),
                attribute("routing.http.desync_mitigation_mode", "defensive"),
                attribute("routing.http.drop_invalid_header_fields.enabled", "true"),
                attribute("waf.fail_open.enabled", "false"),
                attribute("zonal_shift.config.enabled", "true"),
                attribute("access_logs.s3.enabled", "true"),
                attribute("access_logs.s3.bucket", bucket.clone()),
                attribute("connection_logs.s3.enabled", "true"),
                attribute("connection_logs.s3.bucket", bucket),
            ],
            "Tags": tags("payment-alb-dev"),
        })
    );
    for color in ["blue", "green"] {
        assert_eq!(
            properties(&graph, &format!("{color}-target-group")),
            json!({
                "Name": format!("payment-{color}-dev"),
                "VpcId": "vpc-1",
                "TargetType": "ip",
                "Protocol": "HTTP",
                "ProtocolVersion": "HTTP1",
                "Port": 8080,
                "HealthCheckProtocol": "HTTP",
                "HealthCheckPort": "traffic-port",
                "HealthCheckPath": "/health",
                "HealthCheckIntervalSeconds": 15,
                "HealthCheckTimeoutSeconds": 5,
                "HealthyThresholdCount": 2,
                "UnhealthyThresholdCount": 3,
                "Matcher": { "HttpCode": "200" },
                "TargetGroupAttributes": [
                    attribute("deregistration_delay.timeout_seconds", "30"),
                    attribute("load_balancing.algorithm.type", "least_outstanding_requests"),
                ],
                "Tags": tags(&format!("payment-{color}-dev")),
            })
        );
    }
}

#[test]
fn alb_dns_name() {
    let outputs = outputs(Args::default());
    // Known once the load balancer is begun, so who only needs its name does not wait for minutes.
    assert_eq!(outputs["albDnsName"], early("load-balancer", "DNSName"));
    assert_eq!(outputs["albUrl"], json!({ "$join": ["http://", early("load-balancer", "DNSName")] }));
    assert_eq!(outputs["albHostedZoneId"], early("load-balancer", "CanonicalHostedZoneID"));
    assert_eq!(outputs["albFullName"], early("load-balancer", "LoadBalancerFullName"));
}

#[test]
fn alb_arn() {
    let outputs = outputs(Args::default());
    assert_eq!(outputs["albArn"], reference("load-balancer", "LoadBalancerArn"));
    assert_eq!(outputs["albSecurityGroupId"], reference("security-group", "GroupId"));
}

#[test]
fn what_other_tiers_need_is_there() {
    let outputs = outputs(with_certificate());
    assert_eq!(outputs["productionListenerArn"], reference("https-listener", "ListenerArn"));
    assert_eq!(outputs["productionRuleArn"], reference("production-rule", "RuleArn"));
    assert_eq!(outputs["testRuleArn"], reference("test-rule", "RuleArn"));
    for color in ["blue", "green"] {
        let group = format!("{color}-target-group");
        assert_eq!(outputs[format!("{color}TargetGroupArn")], reference(&group, "TargetGroupArn"));
        assert_eq!(outputs[format!("{color}TargetGroupFullName")], reference(&group, "TargetGroupFullName"));
    }
    assert_eq!(outputs["targetPort"], 8080);
    assert_eq!(outputs["webAclArn"], reference("web-acl", "Arn"));
    assert_eq!(outputs["webAclName"], "payment-waf-dev");
    assert_eq!(outputs["wafLogGroupName"], reference("waf-log-group", "LogGroupName"));
    assert_eq!(outputs["albLogBucketName"], reference("log-bucket-policy", "Bucket"));
    assert_eq!(
        (&outputs["albScheme"], &outputs["albProtocol"]),
        (&json!("internet-facing"), &json!("https"))
    );
}

#[test]
fn without_a_certificate_it_speaks_http_and_what_no_rule_is_for_is_not_found() {
    let graph = graph(Args::default());
    let listener = properties(&graph, "http-listener");
    assert_eq!(
        listener,
        json!({
            "LoadBalancerArn": early("load-balancer", "LoadBalancerArn"),
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [{
                "Type": "fixed-response",
                "FixedResponseConfig":
                    { "StatusCode": "404", "ContentType": "text/plain", "MessageBody": "not found" },
            }],
            "Tags": tags("payment-http-dev"),
        })
    );
    assert!(graph.get("alb/https-listener").is_none());
    assert_eq!(
        properties(&graph, "production-rule")["ListenerArn"],
        reference("http-listener", "ListenerArn")
    );
}

#[test]
fn with_a_certificate_http_only_leads_to_https() {
    let graph = graph(with_certificate());
    let redirect = &properties(&graph, "http-listener")["DefaultActions"][0]["RedirectConfig"];
    assert_eq!(
        *redirect,
        json!({
            "Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}",
            "StatusCode": "HTTP_301",
        })
    );
    let https = properties(&graph, "https-listener");
    assert_eq!((&https["Port"], &https["Protocol"]), (&json!(443), &json!("HTTPS")));
    assert_eq!(https["SslPolicy"], "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09");
    assert_eq!(https["Certificates"], json!([{ "CertificateArn": CERTIFICATE }]));
    for rule in ["production-rule", "test-rule"] {
        assert_eq!(properties(&graph, rule)["ListenerArn"], reference("https-listener", "ListenerArn"));
    }
}

#[test]
fn both_rules_have_both_groups_and_the_test_rule_comes_first() {
    let header = TestHeader { name: "x-next".to_owned(), value: "yes".to_owned() };
    let graph = graph(Args { test_header: header, ..Args::default() });
    let forward = |blue: u32, green: u32| {
        let group = |color: &str, weight| {
            let arn = reference(&format!("{color}-target-group"), "TargetGroupArn");
            json!({ "TargetGroupArn": arn, "Weight": weight })
        };
        let groups = [group("blue", blue), group("green", green)];
        json!([{ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } }])
    };
    let production = properties(&graph, "production-rule");
    assert_eq!(production["Priority"], 10);
    assert_eq!(
        production["Conditions"],
        json!([{ "Field": "path-pattern", "PathPatternConfig": { "Values": ["/*"] } }])
    );
    assert_eq!(production["Actions"], forward(100, 0));
    let test = properties(&graph, "test-rule");
    assert_eq!(test["Priority"], 5);
    assert_eq!(
        test["Conditions"],
        json!([{
            "Field": "http-header",
            "HttpHeaderConfig": { "HttpHeaderName": "x-next", "Values": ["yes"] },
        }])
    );
    assert_eq!(test["Actions"], forward(0, 100));
}

/// Names and peers of the rules that let something in.
fn ingress(args: Args, inputs: &Inputs) -> Vec<(String, u64, String)> {
    let (graph, _) = declare(&tier(args), inputs).unwrap();
    let rules = graph.nodes().iter().filter(|node| node.kind == "AWS::EC2::SecurityGroupIngress");
    rules
        .map(|node| {
            let rule = &node.properties;
            assert_eq!((&rule["IpProtocol"], &rule["FromPort"]), (&json!("tcp"), &rule["ToPort"]));
            let peer = rule["CidrIp"].as_str().or(rule["SourceSecurityGroupId"].as_str()).unwrap();
            (node.address.to_string(), rule["FromPort"].as_u64().unwrap(), peer.to_owned())
        })
        .collect()
}

#[test]
fn the_world_is_let_in_where_there_is_a_listener_and_nothing_is_let_out() {
    let rule = |name: &str, port, peer: &str| (format!("alb/{name}"), port, peer.to_owned());
    let everybody = |port: u64| rule(&format!("ingress-{port}-from-0-0-0-0-0"), port, "0.0.0.0/0");
    assert_eq!(ingress(Args::default(), &inputs()), [everybody(80)]);
    assert_eq!(ingress(with_certificate(), &inputs()), [everybody(80), everybody(443)]);
    let partners = Args { ingress_cidrs: vec!["192.0.2.0/24".parse().unwrap()], ..Args::default() };
    assert_eq!(ingress(partners, &inputs()), [rule("ingress-80-from-192-0-2-0-24", 80, "192.0.2.0/24")]);
    let graph = graph(Args::default());
    assert!(graph.nodes().iter().all(|node| node.kind != "AWS::EC2::SecurityGroupEgress"));
    assert_eq!(properties(&graph, "security-group")["SecurityGroupEgress"], json!([]));
}

#[test]
fn a_private_one_is_in_private_subnets_and_open_to_the_vpc_or_to_given_groups() {
    let private = Args { ingress: Ingress::Private, ..Args::default() };
    let graph = graph(private.clone());
    let load_balancer = properties(&graph, "load-balancer");
    assert_eq!(load_balancer["Scheme"], "internal");
    assert_eq!(load_balancer["Subnets"], json!(["subnet-private-a", "subnet-private-b", "subnet-private-c"]));
    let rule = |name: &str, peer: &str| (format!("alb/{name}"), 80, peer.to_owned());
    let vpc = rule("ingress-80-from-10-0-0-0-16", "10.0.0.0/16");
    assert_eq!(ingress(private.clone(), &inputs()), [vpc]);
    let clients = vec![aws::SecurityGroupId::from("sg-1").into()];
    let closed = Args { ingress_from_vpc: false, ..private.clone() };
    assert_eq!(ingress(closed.clone(), &inputs()), []);
    let given = Args { ingress_cidrs: vec!["10.0.10.0/24".parse().unwrap()], ..closed };
    assert_eq!(ingress(given, &inputs()), [rule("ingress-80-from-10-0-10-0-24", "10.0.10.0/24")]);
    let inputs = Inputs { client_security_group_ids: clients, ..inputs() };
    assert_eq!(ingress(private, &inputs), [rule("ingress-80-from-client-1", "sg-1")]);
}

#[test]
fn logs_go_to_a_bucket_that_only_the_load_balancers_of_the_account_may_write_to() {
    let graph = graph(Args::default());
    assert_eq!(
        properties(&graph, "log-bucket"),
        json!({
            "BucketName": BUCKET,
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    { "ServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } },
                ],
            },
            "VersioningConfiguration": { "Status": "Enabled" },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true,
                "BlockPublicPolicy": true,
                "IgnorePublicAcls": true,
                "RestrictPublicBuckets": true,
            },
            "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] },
            "LifecycleConfiguration": {
                "Rules": [{
                    "Id": "expire-logs",
                    "Status": "Enabled",
                    "ExpirationInDays": 2557,
                    "NoncurrentVersionExpiration": { "NoncurrentDays": 30 },
                    "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 },
                }],
            },
            "DeleteObjects": true,
            "Tags": tags("payment-alb-logs-dev"),
        })
    );
    let arn = format!("arn:aws:s3:::{BUCKET}");
    let policy = properties(&graph, "log-bucket-policy");
    assert_eq!(policy["Bucket"], reference("log-bucket", "BucketName"));
    assert_eq!(
        policy["PolicyDocument"]["Statement"],
        json!([
            {
                "Sid": "LoadBalancerWrites",
                "Effect": "Allow",
                "Principal": { "Service": "logdelivery.elasticloadbalancing.amazonaws.com" },
                "Action": ["s3:PutObject"],
                "Resource": [format!("{arn}/AWSLogs/123456789012/*")],
            },
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:*"],
                "Resource": [arn, format!("{arn}/*")],
                "Condition": { "Bool": { "aws:SecureTransport": ["false"] } },
            },
        ])
    );
}

#[test]
fn without_logs_there_is_no_bucket_and_the_load_balancer_says_so() {
    let off = AccessLogs { enabled: false, ..AccessLogs::default() };
    let graph = graph(Args { access_logs: off, ..Args::default() });
    assert!(graph.nodes().iter().all(|node| !node.kind.starts_with("AWS::S3::")));
    let attributes = properties(&graph, "load-balancer")["LoadBalancerAttributes"].clone();
    for logs in ["access_logs", "connection_logs"] {
        assert!(attributes.as_array().unwrap().contains(&attribute(&format!("{logs}.s3.enabled"), "false")));
    }
    assert_eq!(outputs(Args { access_logs: off, ..Args::default() })["albLogBucketName"], Value::Null);
}

#[test]
fn the_firewall_counts_first_and_then_asks_the_rule_groups_of_aws() {
    let waf = Waf { rate_limit: Some(500), ..Waf::default() };
    let graph = graph(Args { waf, ..Args::default() });
    let web_acl = properties(&graph, "web-acl");
    assert_eq!((&web_acl["Name"], &web_acl["Scope"]), (&json!("payment-waf-dev"), &json!("REGIONAL")));
    assert_eq!(web_acl["DefaultAction"], json!({ "Allow": {} }));
    let visibility = |metric: &str| json!({ "SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": metric });
    assert_eq!(web_acl["VisibilityConfig"], visibility("payment-waf-dev"));
    let rate = json!({ "Limit": 500, "EvaluationWindowSec": 300, "AggregateKeyType": "IP" });
    assert_eq!(
        web_acl["Rules"][0],
        json!({
            "Name": "rate-limit",
            "Priority": 0,
            "Statement": { "RateBasedStatement": rate },
            "Action": { "Block": {} },
            "VisibilityConfig": visibility("rate-limit"),
        })
    );
    let group = |priority: u32, name: &str| {
        json!({
            "Name": name,
            "Priority": priority,
            "Statement": { "ManagedRuleGroupStatement": { "VendorName": "AWS", "Name": name } },
            "OverrideAction": { "None": {} },
            "VisibilityConfig": visibility(name),
        })
    };
    let groups = web_acl["Rules"].as_array().unwrap()[1..].to_vec();
    assert_eq!(
        groups,
        [
            group(1, "AWSManagedRulesAmazonIpReputationList"),
            group(2, "AWSManagedRulesKnownBadInputsRuleSet"),
            group(3, "AWSManagedRulesCommonRuleSet"),
            group(4, "AWSManagedRulesSQLiRuleSet"),
            group(5, "AWSManagedRulesLinuxRuleSet"),
        ]
    );
    assert_eq!(
        properties(&graph, "web-acl-association"),
        json!({
            "ResourceArn": { "$join": [reference("load-balancer", "LoadBalancerArn")] },
            "WebACLArn": reference("web-acl", "Arn"),
        })
    );
}

/// The limit of the rule that counts by address, and what is done with the requests of addresses on AWS's list.
fn by_address(args: Args, api_requests: Option<u64>) -> Option<(u64, Value)> {
    let (graph, _) = declare(&tier(args), &Inputs { api_requests, ..inputs() }).unwrap();
    let rules = properties(&graph, "web-acl")["Rules"].as_array().unwrap().clone();
    assert_eq!(rules.len(), if rules[0]["Name"] == "rate-limit" { 6 } else { 4 });
    let listed = rules.iter().find(|rule| rule["Name"] == "AWSManagedRulesAmazonIpReputationList");
    let rate = rules.iter().find_map(|rule| rule["Statement"]["RateBasedStatement"]["Limit"].as_u64());
    assert_eq!(listed.is_some(), rate.is_some());
    Some((rate?, listed?["OverrideAction"].clone()))
}

#[test]
fn addresses_count_only_where_they_are_the_clients_own() {
    let private = Args { ingress: Ingress::Private, ..Args::default() };
    let closed = Args { ingress_from_vpc: false, ..private.clone() };
    let blocks = json!({ "None": {} });
    let counts = json!({ "Count": {} });
    // Without an API, everybody who calls it has an address of his own.
    for args in [Args::default(), private.clone(), closed.clone()] {
        assert_eq!(by_address(args, None), Some((2000, blocks.clone())));
    }
    // Only the API calls it, from a few addresses.
    assert_eq!(by_address(closed.clone(), Some(90_600)), None);
    // Both do: no address may be stopped that stands for all clients of the API.
    let partners = Args { ingress_cidrs: vec!["10.0.10.0/24".parse().unwrap()], ..closed };
    for args in [Args::default(), private, partners] {
        assert_eq!(by_address(args, Some(90_600)), Some((90_600, counts.clone())));
    }
    let more = Args { waf: Waf { rate_limit: Some(100_000), ..Waf::default() }, ..Args::default() };
    assert_eq!(by_address(more, Some(90_600)), Some((100_000, counts)));
}

#[test]
fn a_limit_below_what_the_api_lets_through_is_refused() {
    let waf = Waf { rate_limit: Some(2000), ..Waf::default() };
    let inputs = Inputs { api_requests: Some(90_600), ..inputs() };
    let error = declare(&tier(Args { waf, ..Args::default() }), &inputs).unwrap_err().to_string();
    assert!(error.contains("waf.rate_limit") && error.contains("90600"), "{error}");
    // Where only the API calls the load balancer, there is no such rule.
    let closed = Args { ingress: Ingress::Private, ingress_from_vpc: false, waf, ..Args::default() };
    assert!(declare(&tier(closed), &inputs).is_ok());
}

#[test]
fn the_firewall_writes_to_a_log_group_of_its_own_without_credentials() {
    let graph = graph(Args::default());
    let group = properties(&graph, "waf-log-group");
    assert_eq!(group["LogGroupName"], "aws-waf-logs-payment-alb-dev");
    assert_eq!(group["RetentionInDays"], 2557);
    let destination = json!({
        "$join": [
            "arn:aws:logs:ap-southeast-1:123456789012:log-group:",
            reference("waf-log-group", "LogGroupName"),
        ],
    });
    assert_eq!(
        properties(&graph, "web-acl-logging"),
        json!({
            "ResourceArn": reference("web-acl", "Arn"),
            "LogDestinationConfigs": [destination],
            "RedactedFields": [
                { "SingleHeader": { "Name": "authorization" } },
                { "SingleHeader": { "Name": "x-api-key" } },
            ],
            "LoggingFilter": null,
        })
    );
}

#[test]
fn without_a_firewall_there_is_none() {
    let off = Args { waf: Waf { enabled: false, ..Waf::default() }, ..Args::default() };
    let kinds: Vec<String> = graph(off.clone()).nodes().iter().map(|node| node.kind.clone()).collect();
    assert!(!kinds.iter().any(|kind| kind.starts_with("AWS::WAFv2::") || kind == "AWS::Logs::LogGroup"));
    let outputs = outputs(off);
    for name in ["webAclArn", "webAclName", "wafLogGroupName"] {
        assert_eq!(outputs[name], Value::Null, "{name}");
    }
}

#[test]
fn what_must_stay_is_protected() {
    let protected = |args: Args| -> Vec<String> {
        let graph = graph(args);
        let nodes = graph.nodes().iter().filter(|node| node.protect);
        nodes.map(|node| node.address.to_string()).collect()
    };
    assert_eq!(protected(Args::default()), [""; 0]);
    let keep_logs = AccessLogs { delete_logs: false, ..AccessLogs::default() };
    assert_eq!(protected(Args { access_logs: keep_logs, ..Args::default() }), ["alb/log-bucket"]);
    assert_eq!(protected(Args { deletion_protection: true, ..Args::default() }), ["alb/load-balancer"]);
}

#[test]
fn target_groups_of_another_port_have_another_name() {
    let graph = graph(Args { target_port: 9090, ..Args::default() });
    let group = properties(&graph, "green-target-group");
    assert_eq!((&group["Name"], &group["Port"]), (&json!("payment-green-9090-dev"), &json!(9090)));
}
