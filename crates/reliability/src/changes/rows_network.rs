//! Keys of the network, the load balancer and the API.

use super::table::{Row, live};

const CERTIFICATE: &str =
    "arn:aws:acm:ap-southeast-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
const HTTPS: &[&str] = &[
    "alb.certificate_arn=arn:aws:acm:ap-southeast-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
    "apigw.backend_domain=pay.example.com",
];
const ENDPOINTS: &[&str] = &["vpc.interface_endpoints.enabled=true"];

pub(super) const ROWS: &[Row] = &[
    live("vpc.availability_zones", &[
        "[\"ap-southeast-1a\", \"ap-southeast-1b\", \"ap-southeast-1c\"]",
        "[\"ap-southeast-1a\", \"ap-southeast-1b\"]",
        "[\"ap-southeast-1b\", \"ap-southeast-1c\"]",
        "[\"ap-southeast-1c\", \"ap-southeast-1a\", \"ap-southeast-1b\"]",
    ]),
    live("vpc.cidr", &["10.1.0.0/16", "10.0.0.0/17"]),
    live("vpc.database_acl", &["false"]),
    live("vpc.database_subnet_cidrs", &["[\"10.0.30.0/24\", \"10.0.31.0/24\", \"10.0.32.0/24\"]"]),
    live("vpc.flow_logs.enabled", &["false"]),
    live("vpc.flow_logs.retention_in_days", &["365", "3653"]),
    live("vpc.interface_endpoints.enabled", &["true", "false"]),
    live("vpc.interface_endpoints.services", &[
        "[\"ecr.api\", \"ecr.dkr\", \"logs\", \"secretsmanager\"]",
        "[\"ecr.api\", \"ecr.dkr\", \"logs\", \"secretsmanager\", \"kms\", \"xray\", \"monitoring\", \"sts\"]",
    ])
    .from(ENDPOINTS),
    live("vpc.map_public_ip_on_launch", &["true"]),
    live("vpc.nat", &["single"]),
    live("vpc.nat", &["none"]).with(&["vpc.interface_endpoints.enabled=true", "ecs.tracing=none"]),
    live("vpc.nat", &["none"]),
    live("vpc.nat", &["one_per_zone"]).from(&["vpc.nat=single"]),
    live("vpc.private_subnet_cidrs", &["[\"10.0.40.0/24\", \"10.0.41.0/24\", \"10.0.42.0/24\"]"]),
    live("vpc.public_subnet_cidrs", &["[\"10.0.50.0/24\", \"10.0.51.0/24\", \"10.0.52.0/24\"]"]),
    live("vpc.s3_endpoint", &["false"]),
    live("vpc.zone_count", &["2", "3", "4"]),
    // The load balancer.
    live("alb.access_logs.delete_logs", &["false", "true"]),
    live("alb.access_logs.enabled", &["false"]),
    live("alb.access_logs.retention_in_days", &["365", "3653"]),
    live("alb.certificate_arn", &[CERTIFICATE]).with(&["apigw.backend_domain=pay.example.com"]),
    live("alb.certificate_arn", &[CERTIFICATE]).only("dev"),
    live("alb.deletion_protection", &["true", "false"]),
    live("alb.deregistration_delay", &["0", "120"]),
    live("alb.health_check.healthy", &["3"]),
    live("alb.health_check.interval", &["30"]),
    live("alb.health_check.path", &["/ready"]),
    live("alb.health_check.timeout", &["10"]),
    live("alb.health_check.unhealthy", &["5"]),
    live("alb.idle_timeout", &["120"]),
    live("alb.ingress", &["private", "public"]),
    live("alb.ingress_cidrs", &["[\"203.0.113.0/24\"]", "[\"203.0.113.0/24\", \"198.51.100.0/24\"]"]),
    live("alb.ingress_from_vpc", &["false", "true"]),
    live("alb.ingress_from_vpc", &["false"]).from(&["alb.ingress=private"]),
    live("alb.ssl_policy", &["ELBSecurityPolicy-TLS13-1-2-2021-06"]).from(HTTPS),
    live("alb.target_port", &["9090"]).with(&["ecs.container_port=9090"]),
    live("alb.target_port", &["9090"]),
    live("alb.target_protocol", &["https"]),
    live("alb.test_header.name", &["x-next"]),
    live("alb.test_header.value", &["next"]),
    live("alb.waf.enabled", &["false"]),
    live("alb.waf.log_retention_in_days", &["365", "3653"]),
    live("alb.waf.rate_limit", &["200000"]),
    // The API.
    live("apigw.backend_domain", &["pay.example.com"]),
    live("apigw.backend_path", &["/v2"]),
    live("apigw.disable_execute_api_endpoint", &["true"]),
    live("apigw.execution_logs", &["error", "off"]),
    live("apigw.log_retention_in_days", &["365", "3653"]),
    live("apigw.monthly_quota", &["2000000"]),
    live("apigw.security_policy", &["TLS_1_2", "SecurityPolicy_TLS13_1_3_2025_09"]),
    live("apigw.throttle.burst_limit", &["400", "50"]),
    live("apigw.throttle.rate_limit", &["50", "300"]),
    live("apigw.timeout_ms", &["10000"]),
    live("apigw.tracing", &["false"]),
    live("apigw.waf.enabled", &["false"]),
    live("apigw.waf.log_retention_in_days", &["365", "3653"]),
    live("apigw.waf.rate_limit", &["5000"]),
];
