//! Endpoints that somebody has chosen in place of AWS's own: whether they are URLs at all, and whether the services whose resources
//! are asked over HTTP have one.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use crate::codes::Code;
use crate::exit::{Exit, Failure};

/// API Gateway and Elastic Load Balancing, by the ids that AWS's models give them.
const OVER_HTTP: [&str; 2] = ["API Gateway", "Elastic Load Balancing v2"];

/// All services that are called, by these ids.
const SERVICES: [&str; 23] = [
    "API Gateway",
    "ApiGatewayV2",
    "Application Auto Scaling",
    "Backup",
    "CloudWatch",
    "CloudWatch Logs",
    "EC2",
    "ECR",
    "ECS",
    "Elastic Load Balancing v2",
    "IAM",
    "KMS",
    "Lambda",
    "RDS",
    "RDS Data",
    "S3",
    "Scheduler",
    "Secrets Manager",
    "SNS",
    "SQS",
    "STS",
    "WAFV2",
    "XRay",
];

/// The variable for all services, of which each has one of its own (`AWS_ENDPOINT_URL_API_GATEWAY`).
const VARIABLE: &str = "AWS_ENDPOINT_URL";

/// The endpoint that one of those that are asked over HTTP has instead of its own, if it has: what it makes there is not in DNS.
pub(crate) fn custom(sdk: &SdkConfig) -> Option<String> {
    OVER_HTTP.into_iter().find_map(|service| of_service(sdk, service))
}

/// The endpoint that a service has instead of its own.
///
/// It is looked for as the clients do it when they are built from this configuration: the SDK's own loader makes the name of
/// the variable and of the entry below the profile's `services` out of the id, and knows of
/// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`.
fn of_service(sdk: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env(VARIABLE)
        .profile("endpoint_url")
        .build()
        .expect("all fields are set");
    let for_service = sdk.service_config().and_then(|config| config.load_config(key));
    for_service.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

/// Refuses an endpoint that cannot be called, and says who chose it. The clients would try it for as long as one that does not answer.
pub(crate) fn check(sdk: &SdkConfig, profile: Option<&str>) -> Result<(), Failure> {
    let of = |service: &'static str| Some((service, of_service(sdk, service)?));
    let Some((service, url)) = SERVICES.into_iter().filter_map(of).find(|(_, url)| !is_endpoint(url)) else {
        return Ok(());
    };
    let variable = [variable_of(service), VARIABLE.to_owned()]
        .into_iter()
        .find(|name| std::env::var(name).is_ok_and(|value| value == url));
    let chosen_by = variable.unwrap_or_else(|| match profile {
        Some(profile) => format!("`endpoint_url` for {service} in the profile `{profile}`"),
        None => format!("`endpoint_url` for {service} in the AWS profile"),
    });
    let message = format!("{chosen_by}: `{}` is not the URL of an endpoint", secrets::shown(&url));
    Err(Failure::new(Exit::Configuration, message)
        .hint("nothing was called; write scheme and host, such as http://127.0.0.1:4566, or leave it out to use AWS itself")
        .coded(Code::Configuration))
}

/// The variable of one service.
fn variable_of(service: &str) -> String {
    format!("{VARIABLE}_{}", service.replace(' ', "_").to_uppercase())
}

/// Whether it is a URL that a client can call: a scheme, a host, perhaps a port and a path.
fn is_endpoint(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")) else {
        return false;
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            (address, port.strip_prefix(':'))
        }
        Some(_) => return false,
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let is_part = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '-' | '_' | ':');
    let is_host = !host.is_empty() && host.chars().all(is_part);
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    is_host && is_port && !url.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_scheme_and_a_host() {
        for url in [
            "http://127.0.0.1:4566",
            "HTTPS://example.com/",
            "https://vpce-1.ec2.eu-west-1.vpce.amazonaws.com/a?b",
            "http://[::1]:4566",
            "http://local_stack",
        ] {
            assert!(is_endpoint(url), "{url}");
        }
        for url in [
            "",
            "garbage",
            "localhost:4566",
            "ftp://x",
            "http://",
            "http://:80",
            "http://x:",
            "http://x:http",
            "http://x:0",
            "http://x:99999",
            "http://a b",
            "http://x/ y",
            "http://[::1",
            "http://[x]:1",
            "https:///x",
            "http://u:p@x",
        ] {
            assert!(!is_endpoint(url), "{url}");
        }
        assert_eq!(variable_of("API Gateway"), "AWS_ENDPOINT_URL_API_GATEWAY");
    }
}
