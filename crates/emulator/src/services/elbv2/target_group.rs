//! Target groups: HTTP and HTTPS, of addresses or instances.

use serde::Deserialize;
use serde_json::json;

use super::arns::{self, Found};
use super::attributes::{self, Pair, TARGET_GROUP};
use super::pages::page;
use super::records::{Attributes, HealthCheck, Matcher, TargetGroup};
use super::{invalid, not_modelled, shown, tags, wrong_configuration};
use crate::services::{Answer, Call, Cx, Refusal, Tag, ensure, refuse_if};

/// AWS General Reference, "Elastic Load Balancing endpoints and quotas": target groups for a region.
const MOST: usize = 3000;

/// What creating a target group and modifying it are given. The model of the API has checked which of them may have
/// what.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Given {
    #[serde(default)]
    target_group_arn: String,
    #[serde(default)]
    name: String,
    protocol: Option<String>,
    protocol_version: Option<String>,
    port: Option<u16>,
    vpc_id: Option<String>,
    health_check_protocol: Option<String>,
    health_check_port: Option<String>,
    health_check_enabled: Option<bool>,
    health_check_path: Option<String>,
    health_check_interval_seconds: Option<u32>,
    health_check_timeout_seconds: Option<u32>,
    healthy_threshold_count: Option<u32>,
    unhealthy_threshold_count: Option<u32>,
    matcher: Option<Matcher>,
    target_type: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    ip_address_type: Option<String>,
}

impl Given {
    /// A health check with what is given about it.
    fn health_check(&self, mut check: HealthCheck) -> HealthCheck {
        fn set<T: Clone>(field: &mut T, given: &Option<T>) {
            if let Some(given) = given {
                field.clone_from(given);
            }
        }
        set(&mut check.health_check_protocol, &self.health_check_protocol);
        set(&mut check.health_check_port, &self.health_check_port);
        set(&mut check.health_check_enabled, &self.health_check_enabled);
        set(&mut check.health_check_path, &self.health_check_path);
        set(&mut check.health_check_interval_seconds, &self.health_check_interval_seconds);
        set(&mut check.health_check_timeout_seconds, &self.health_check_timeout_seconds);
        set(&mut check.healthy_threshold_count, &self.healthy_threshold_count);
        set(&mut check.unhealthy_threshold_count, &self.unhealthy_threshold_count);
        set(&mut check.matcher, &self.matcher);
        check
    }
}

/// User Guide for Application Load Balancers, "Health checks for Application Load Balancer target groups": the
/// defaults where the targets are instances or addresses.
fn default_health_check(version: &str) -> HealthCheck {
    let (path, matcher) = match version {
        "GRPC" => ("/AWS.ALB/healthcheck", Matcher { grpc_code: Some("12".to_owned()), http_code: None }),
        _ => ("/", Matcher { http_code: Some("200".to_owned()), grpc_code: None }),
    };
    HealthCheck {
        health_check_protocol: "HTTP".to_owned(),
        health_check_port: "traffic-port".to_owned(),
        health_check_enabled: true,
        health_check_interval_seconds: 30,
        health_check_timeout_seconds: 5,
        healthy_threshold_count: 5,
        unhealthy_threshold_count: 2,
        health_check_path: path.to_owned(),
        matcher,
    }
}

fn check_health_check(check: &HealthCheck, version: &str) -> Result<(), Refusal> {
    if !matches!(check.health_check_protocol.as_str(), "HTTP" | "HTTPS") {
        return Err(invalid(format!(
            "Health check protocol '{}' is not supported for target groups with the protocol HTTP or HTTPS",
            check.health_check_protocol
        )));
    }
    let port = check.health_check_port.as_str();
    if port != "traffic-port" && !port.parse().is_ok_and(|port: u16| port > 0) {
        return Err(invalid(format!("Health check port '{port}' must be traffic-port or from 1 to 65535")));
    }
    if !check.health_check_enabled {
        // API Reference, CreateTargetGroup, `HealthCheckEnabled`.
        return Err(invalid("Health checks can only be disabled for target groups of target type lambda"));
    }
    if check.health_check_timeout_seconds >= check.health_check_interval_seconds {
        return Err(invalid("Health check interval must be greater than the timeout."));
    }
    if !check.health_check_path.starts_with('/') {
        return Err(invalid(format!(
            "Health check path '{}' must begin with a slash",
            check.health_check_path
        )));
    }
    check_matcher(&check.matcher, version)
}

/// API Reference, Matcher: HTTP codes from 200 to 499, or gRPC codes from 0 to 99.
fn check_matcher(matcher: &Matcher, version: &str) -> Result<(), Refusal> {
    let (codes, low, high) = match (version, &matcher.http_code, &matcher.grpc_code) {
        ("GRPC", None, Some(codes)) => (codes, 0, 99),
        ("GRPC", _, _) => {
            return Err(invalid("A target group of protocol version GRPC needs a GrpcCode matcher"));
        }
        (_, Some(codes), None) => (codes, 200, 499),
        _ => {
            return Err(invalid(
                "A target group that is not of protocol version GRPC needs an HttpCode matcher",
            ));
        }
    };
    let code = |text: &str| text.parse().ok().filter(|code: &u32| (low..=high).contains(code));
    let legal = codes.split(',').all(|part| match part.split_once('-') {
        Some((first, last)) => code(first).zip(code(last)).is_some_and(|(first, last)| first <= last),
        None => code(part).is_some(),
    });
    ensure(legal, || {
        invalid(format!(
            "Health check matcher '{codes}' must be codes from {low} to {high}, ranges of them, or lists of these"
        ))
    })
}

/// A given choice or its default, out of those that are modelled. One that AWS does not have is a ValidationError.
fn choice(what: &str, given: Option<&str>, modelled: &[&str], other: &[&str]) -> Result<String, Refusal> {
    match given.unwrap_or(modelled[0]) {
        value if modelled.contains(&value) => Ok(value.to_owned()),
        value if other.contains(&value) => Err(not_modelled(&format!("target groups of {what} {value}"))),
        value => Err(invalid(format!("{what} '{value}' is not valid"))),
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Given = call.input()?;
    let mut group = requested(cx, given)?;
    let groups = &cx.r.elbv2.target_groups;
    let same_name = |other: &&TargetGroup| other.target_group_name == group.target_group_name;
    if let Some(existing) = groups.values().find(same_name) {
        ensure(has_same_settings(existing, &group), || {
            Refusal::new(
                "DuplicateTargetGroupName",
                format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    group.target_group_name
                ),
            )
        })?;
        return Ok(json!({"TargetGroups": [shown(existing)]}));
    }
    if groups.len() >= MOST {
        return Err(Refusal::new(
            "TooManyTargetGroups",
            format!("The limit of {MOST} target groups is reached"),
        ));
    }
    let arn_id = cx.r.elbv2.arn_id();
    let resource = format!("targetgroup/{}/{arn_id}", group.target_group_name);
    group.target_group_arn = cx.arn("elasticloadbalancing", &resource);
    let answer = json!({"TargetGroups": [shown(&group)]});
    cx.r.elbv2.target_groups.insert(group.target_group_arn.clone(), group);
    Ok(answer)
}

/// The target group that is asked for, without an ARN.
fn requested(cx: &Cx<'_>, given: Given) -> Result<TargetGroup, Refusal> {
    arns::check_name::<TargetGroup>(&given.name)?;
    let target_type =
        choice("TargetType", given.target_type.as_deref(), &["instance", "ip"], &["lambda", "alb"])?;
    let ip_address_type = choice("IpAddressType", given.ip_address_type.as_deref(), &["ipv4"], &["ipv6"])?;
    let protocol_version =
        choice("ProtocolVersion", given.protocol_version.as_deref(), &["HTTP1", "HTTP2", "GRPC"], &[])?;
    let health_check = given.health_check(default_health_check(&protocol_version));
    let protocol = given.protocol.ok_or_else(|| invalid("A protocol must be specified"))?;
    if !matches!(protocol.as_str(), "HTTP" | "HTTPS") {
        return Err(not_modelled(&format!("target groups of Protocol {protocol}")));
    }
    let port = given.port.ok_or_else(|| invalid("A port must be specified"))?;
    let vpc_id = given.vpc_id.ok_or_else(|| invalid("A VPC ID must be specified"))?;
    ensure(cx.r.ec2.vpc_exists(&vpc_id), || invalid(format!("The VPC ID '{vpc_id}' is not found")))?;
    check_health_check(&health_check, &protocol_version)?;
    Ok(TargetGroup {
        target_group_arn: String::new(),
        target_group_name: given.name,
        protocol,
        port,
        vpc_id,
        health_check,
        load_balancer_arns: Vec::new(),
        target_type,
        protocol_version,
        ip_address_type,
        attributes: TARGET_GROUP.defaults(),
        tags: tags::read(given.tags)?,
        targets: Vec::new(),
        used_by_services: Default::default(),
    })
}

/// API Reference, CreateTargetGroup: "If you attempt to create multiple target groups with the same settings, each
/// call succeeds."
fn has_same_settings(one: &TargetGroup, other: &TargetGroup) -> bool {
    let settings = |group: &TargetGroup| {
        let TargetGroup { protocol, port, vpc_id, target_type, protocol_version, .. } = group.clone();
        (
            protocol,
            port,
            vpc_id,
            target_type,
            protocol_version,
            group.health_check.clone(),
            group.tags.clone(),
        )
    };
    settings(one) == settings(other)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    load_balancer_arn: Option<String>,
    #[serde(default)]
    target_group_arns: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Describe = call.input()?;
    let Describe { load_balancer_arn, target_group_arns: arns, names, .. } = &given;
    let ways = [load_balancer_arn.is_some(), !arns.is_empty(), !names.is_empty()];
    if ways.into_iter().filter(|given| *given).count() > 1 {
        let message = "Target group ARNs, target group names and a load balancer ARN cannot be specified at the same time";
        return Err(invalid(message));
    }
    if let Some(arn) = load_balancer_arn {
        arns::find(cx.region, &cx.r.elbv2.load_balancers, arn)?;
    }
    let table = &cx.r.elbv2.target_groups;
    for arn in arns {
        arns::find(cx.region, table, arn)?;
    }
    for name in names {
        if !table.values().any(|group| group.target_group_name == *name) {
            return Err(TargetGroup::KIND.missing(name));
        }
    }
    let wanted = |group: &&TargetGroup| {
        load_balancer_arn.as_ref().is_none_or(|arn| group.load_balancer_arns.contains(arn))
            && (arns.is_empty() || arns.contains(&group.target_group_arn))
            && (names.is_empty() || names.contains(&group.target_group_name))
    };
    let all = table.values().filter(wanted).collect();
    let arn = |group: &TargetGroup| group.target_group_arn.clone();
    let (page, next) = page(all, arn, given.marker.as_deref(), given.page_size)?;
    let page: Vec<_> = page.into_iter().map(shown).collect();
    Ok(json!({"TargetGroups": page, "NextMarker": next}))
}

pub(super) fn modify(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Given = call.input()?;
    let group = arns::find_mut(cx.region, &mut cx.r.elbv2.target_groups, &given.target_group_arn)?;
    let health_check = given.health_check(group.health_check.clone());
    check_health_check(&health_check, &group.protocol_version)?;
    group.health_check = health_check;
    Ok(json!({"TargetGroups": [shown(group)]}))
}

/// The API Reference's DeleteTargetGroup has one error, ResourceInUse: deleting one that is not there succeeds.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let arn: String = call.member("TargetGroupArn")?;
    arns::check::<TargetGroup>(cx.region, &arn)?;
    let state = &mut cx.r.elbv2;
    if state.rules.values().any(|rule| rule.target_groups().any(|group| group == arn)) {
        let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(Refusal::new("ResourceInUse", message));
    }
    state.target_groups.remove(&arn);
    Ok(json!({}))
}

pub(super) fn modify_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (target_group_arn, attributes): (String, Vec<Pair>) =
        call.members(&["TargetGroupArn", "Attributes"])?;
    let group = arns::find_mut(cx.region, &mut cx.r.elbv2.target_groups, &target_group_arn)?;
    let (attributes, _) = TARGET_GROUP.changed(&group.attributes, attributes)?;
    check_together(&attributes)?;
    group.attributes = attributes;
    Ok(attributes::answer(&group.attributes))
}

/// What attributes say together (User Guide for Application Load Balancers, "Edit target group attributes").
fn check_together(attributes: &Attributes) -> Result<(), Refusal> {
    let is = |key: &str, value: &str| attributes::is(attributes, key, value);
    let round_robin = is("load_balancing.algorithm.type", "round_robin");
    if !round_robin && !is("slow_start.duration_seconds", "0") {
        return Err(wrong_configuration("Slow start needs the routing algorithm round_robin"));
    }
    let weighted = is("load_balancing.algorithm.type", "weighted_random");
    if !weighted && is("load_balancing.algorithm.anomaly_mitigation", "on") {
        return Err(wrong_configuration("Anomaly mitigation needs the routing algorithm weighted_random"));
    }
    let cookie = attributes.get("stickiness.app_cookie.cookie_name").map_or("", String::as_str);
    if ["AWSALB", "AWSALBAPP", "AWSALBTG"].into_iter().any(|reserved| cookie.starts_with(reserved)) {
        return Err(wrong_configuration(format!("The cookie name '{cookie}' begins with a reserved prefix")));
    }
    let sticky = is("stickiness.enabled", "true");
    if sticky && is("stickiness.type", "app_cookie") && cookie.is_empty() {
        return Err(wrong_configuration("stickiness.app_cookie.cookie_name must be given for app_cookie"));
    }
    refuse_if(sticky && is("load_balancing.cross_zone.enabled", "false"), || {
        wrong_configuration("Stickiness needs cross-zone load balancing")
    })
}

pub(super) fn describe_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let target_group_arn: String = call.member("TargetGroupArn")?;
    let group = arns::find(cx.region, &cx.r.elbv2.target_groups, &target_group_arn)?;
    Ok(attributes::answer(&group.attributes))
}
