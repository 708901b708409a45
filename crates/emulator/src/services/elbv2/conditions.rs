//! The conditions of rules (API Reference, RuleCondition and its parts; User Guide for Application Load Balancers,
//! "Condition types for listener rules").

use ipnet::IpNet;

use super::invalid;
use super::records::{Condition, HttpHeaderConfig, QueryStringConfig, ValuesConfig};
use crate::protocol::response::{Refusal, ensure, refuse_if};

/// AWS General Reference, "Elastic Load Balancing endpoints and quotas".
const MOST_VALUES: usize = 5;
const MOST_WILDCARDS: usize = 6;

/// Conditions of which a rule can have one.
const ONCE: [&str; 4] = ["http-request-method", "host-header", "path-pattern", "source-ip"];

/// Checks conditions and gives them in the form in which they are shown.
pub(super) fn completed(conditions: Vec<Condition>) -> Result<Vec<Condition>, Refusal> {
    let conditions: Vec<Condition> = conditions.into_iter().map(complete).collect::<Result<_, _>>()?;
    refuse_if(conditions.is_empty(), || invalid("A condition must be specified"))?;
    for field in ONCE {
        if conditions.iter().filter(|condition| condition.field == field).count() > 1 {
            return Err(invalid(format!("A rule can only have one '{field}' condition")));
        }
    }
    let values: Vec<&str> = conditions.iter().flat_map(Condition::strings).collect();
    if values.len() > MOST_VALUES {
        return Err(invalid(format!("A rule can only have '{MOST_VALUES}' condition values")));
    }
    let wildcards: usize = values.iter().map(|value| value.matches(['*', '?']).count()).sum();
    if wildcards > MOST_WILDCARDS {
        return Err(invalid(format!("A rule can only have '{MOST_WILDCARDS}' condition wildcards")));
    }
    Ok(conditions)
}

impl Condition {
    /// All values, a query string's as what they compare with.
    fn strings(&self) -> impl Iterator<Item = &str> {
        let plain = [&self.host_header_config, &self.path_pattern_config, &self.http_request_method_config];
        let plain =
            plain.into_iter().chain([&self.source_ip_config]).flatten().flat_map(|config| &config.values);
        let header = self.http_header_config.iter().flat_map(|config| &config.values);
        let query = self.query_string_config.iter().flat_map(|config| &config.values).map(|pair| &pair.value);
        plain.chain(header).chain(query).map(String::as_str)
    }
}

fn complete(mut condition: Condition) -> Result<Condition, Refusal> {
    check_members(&condition)?;
    let values = std::mem::take(&mut condition.values);
    match condition.field.as_str() {
        "host-header" => {
            let config = merged("host-header", values, condition.host_header_config.take())?;
            each(&config.values, is_host, "host name")?;
            condition.values.clone_from(&config.values);
            condition.host_header_config = Some(config);
        }
        "path-pattern" => {
            let config = merged("path-pattern", values, condition.path_pattern_config.take())?;
            each(&config.values, is_path, "path pattern")?;
            condition.values.clone_from(&config.values);
            condition.path_pattern_config = Some(config);
        }
        "http-header" => check_header(condition.http_header_config.as_ref())?,
        "query-string" => check_query(condition.query_string_config.as_ref())?,
        "http-request-method" => {
            let config = given("http-request-method", condition.http_request_method_config.as_ref())?;
            each(&config.values, is_method, "HTTP request method")?;
        }
        "source-ip" => {
            let config = given("source-ip", condition.source_ip_config.as_ref())?;
            each(&config.values, |value| value.parse::<IpNet>().is_ok(), "CIDR block")?;
        }
        other => {
            return Err(invalid(format!(
                "Condition field '{other}' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'"
            )));
        }
    }
    Ok(condition)
}

/// A condition has the configuration of its field and no other.
fn check_members(condition: &Condition) -> Result<(), Refusal> {
    let field = condition.field.as_str();
    let members = [
        ("HostHeaderConfig", "host-header", condition.host_header_config.is_some()),
        ("PathPatternConfig", "path-pattern", condition.path_pattern_config.is_some()),
        ("HttpHeaderConfig", "http-header", condition.http_header_config.is_some()),
        ("QueryStringConfig", "query-string", condition.query_string_config.is_some()),
        ("HttpRequestMethodConfig", "http-request-method", condition.http_request_method_config.is_some()),
        ("SourceIpConfig", "source-ip", condition.source_ip_config.is_some()),
    ];
    if let Some((member, _, _)) = members.iter().find(|(_, of, given)| *given && *of != field) {
        return Err(invalid(format!("Condition field '{field}' cannot have '{member}'")));
    }
    ensure(condition.values.is_empty() || matches!(field, "host-header" | "path-pattern"), || {
        invalid(format!("Condition field '{field}' cannot have 'Values'"))
    })
}

/// The values of a host or path condition, given in one of two ways.
fn merged(field: &str, values: Vec<String>, config: Option<ValuesConfig>) -> Result<ValuesConfig, Refusal> {
    match (values.is_empty(), config) {
        (true, Some(config)) => Ok(config),
        (false, None) => Ok(ValuesConfig { values }),
        (false, Some(config)) if config.values == values => Ok(config),
        (false, Some(_)) => Err(invalid(format!("Values and the configuration of '{field}' differ"))),
        (true, None) => Err(no_values(field)),
    }
}

fn given<'a>(field: &str, config: Option<&'a ValuesConfig>) -> Result<&'a ValuesConfig, Refusal> {
    config.ok_or_else(|| no_values(field))
}

fn no_values(field: &str) -> Refusal {
    invalid(format!("A condition value must be specified for '{field}'"))
}

/// At least one value, and each of them legal.
fn each(values: &[String], legal: impl Fn(&str) -> bool, what: &str) -> Result<(), Refusal> {
    refuse_if(values.is_empty(), || invalid(format!("A condition value must be specified for a {what}")))?;
    match values.iter().find(|value| value.is_empty() || !legal(value)) {
        Some(value) => Err(invalid(format!("The {what} '{value}' is not valid"))),
        None => Ok(()),
    }
}

/// At least one dot, and only letters after the last one.
fn is_host(host: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-.*?".contains(&byte);
    let top = host.rsplit_once('.').map(|(_, top)| top);
    let top_is_legal =
        top.is_some_and(|top| !top.is_empty() && top.bytes().all(|byte| byte.is_ascii_alphabetic()));
    host.len() <= 128 && host.bytes().all(legal) && top_is_legal
}

fn is_path(path: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$/~\"'@:+&*?".contains(&byte);
    path.len() <= 128 && path.bytes().all(legal)
}

fn is_method(method: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_uppercase() || b"-_".contains(&byte);
    method.len() <= 40 && method.bytes().all(legal)
}

fn check_header(config: Option<&HttpHeaderConfig>) -> Result<(), Refusal> {
    let config = config.ok_or_else(|| no_values("http-header"))?;
    let name = config.http_header_name.as_str();
    // RFC 7230, 3.2.6, "token".
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 40 || !name.bytes().all(legal) {
        return Err(invalid(format!("The HTTP header name '{name}' is not valid")));
    }
    if name.eq_ignore_ascii_case("host") {
        return Err(invalid("The host header cannot be used in an http-header condition"));
    }
    each(&config.values, |value| value.len() <= 128, "HTTP header value")
}

fn check_query(config: Option<&QueryStringConfig>) -> Result<(), Refusal> {
    let config = config.ok_or_else(|| no_values("query-string"))?;
    let values: Vec<String> = config.values.iter().map(|pair| pair.value.clone()).collect();
    let long_key = config.values.iter().any(|pair| pair.key.as_ref().is_some_and(|key| key.len() > 128));
    refuse_if(long_key, || invalid("A query string key can have 128 characters at most"))?;
    each(&values, |value| value.len() <= 128, "query string value")
}
