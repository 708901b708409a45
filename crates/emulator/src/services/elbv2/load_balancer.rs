//! Load balancers.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;

use super::arns::{self, Found};
use super::attributes::{self, LOAD_BALANCER, Pair};
use super::log_bucket::{self, Delivery};
use super::network::{self, Placement};
use super::pages::page;
use super::records::{Attributes, LoadBalancer, LoadBalancerState};
use super::{
    LINGERING, Lingering, PROVISIONING, invalid, not_modelled, regions, shown, tags, wrong_configuration,
};
use crate::services::{Answer, Call, Cx, Interface, Next, Refusal, Tag, ensure, iam};

/// AWS General Reference, "Elastic Load Balancing endpoints and quotas": application load balancers for a region.
const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    name: String,
    #[serde(default)]
    subnets: Vec<String>,
    #[serde(default)]
    subnet_mappings: Vec<SubnetMapping>,
    security_groups: Option<Vec<String>>,
    scheme: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    ip_address_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SubnetMapping {
    subnet_id: Option<String>,
}

/// The subnets, given in one of two ways.
fn subnet_ids(subnets: Vec<String>, mappings: Vec<SubnetMapping>) -> Result<Vec<String>, Refusal> {
    match (subnets.is_empty(), mappings.is_empty()) {
        (false, true) => Ok(subnets),
        (true, false) => {
            let missing = || invalid("A subnet ID must be specified");
            mappings.into_iter().map(|mapping| mapping.subnet_id.ok_or_else(missing)).collect()
        }
        (true, true) => {
            Err(invalid("At least two subnets in two different Availability Zones must be specified"))
        }
        (false, false) => Err(invalid("Subnets and subnet mappings cannot be specified at the same time")),
    }
}

fn check_type(kind: Option<&str>) -> Result<(), Refusal> {
    match kind {
        None | Some("application") => Ok(()),
        Some(other) => Err(not_modelled(&format!("load balancers of Type {other}"))),
    }
}

/// Only IPv4: subnets have no IPv6 blocks.
fn check_ip_address_type(given: Option<&str>) -> Result<(), Refusal> {
    match given {
        None | Some("ipv4") => Ok(()),
        Some(other) => Err(Refusal::new(
            "InvalidSubnet",
            format!("The subnets have no IPv6 CIDR block, which IP address type {other} needs"),
        )),
    }
}

pub(super) fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Create = call.input()?;
    arns::check_name::<LoadBalancer>(&given.name)?;
    if given.name.starts_with("internal-") {
        return Err(invalid("A load balancer name cannot begin with 'internal-'"));
    }
    check_type(given.kind.as_deref())?;
    check_ip_address_type(given.ip_address_type.as_deref())?;
    let scheme = given.scheme.unwrap_or_else(|| "internet-facing".to_owned());
    let tags = tags::read(given.tags)?;
    let subnet_ids = subnet_ids(given.subnets, given.subnet_mappings)?;
    let same_name = |other: &&LoadBalancer| other.load_balancer_name == given.name;
    if let Some(existing) = cx.r.elbv2.load_balancers.values().find(same_name) {
        let has =
            Settings { scheme: &scheme, subnet_ids: &subnet_ids, groups: given.security_groups.as_deref() };
        ensure(has.are_those_of(existing) && existing.tags == tags, || {
            Refusal::new(
                "DuplicateLoadBalancerName",
                format!(
                    "A load balancer with the same name '{}' exists, but with different settings",
                    given.name
                ),
            )
        })?;
        return Ok(json!({"LoadBalancers": [shown(existing)]}));
    }
    let Placement { vpc_id, zones } = network::place(cx, &subnet_ids, &[], &scheme)?;
    let security_groups = match given.security_groups {
        Some(groups) if !groups.is_empty() => groups,
        // User Guide for Application Load Balancers, "Create an Application Load Balancer", "Security groups".
        _ => cx.r.ec2.default_group(&vpc_id).into_iter().collect(),
    };
    network::check_groups(cx, &security_groups, &vpc_id)?;
    if cx.r.elbv2.load_balancers.len() >= MOST {
        return Err(Refusal::new(
            "TooManyLoadBalancers",
            format!("The limit of {MOST} load balancers is reached"),
        ));
    }

    // ELB User Guide, "Elastic Load Balancing service-linked roles": the first load balancer makes it.
    iam::State::link(cx, "elasticloadbalancing.amazonaws.com", None);
    let arn_id = cx.r.elbv2.arn_id();
    let load_balancer_arn =
        cx.arn("elasticloadbalancing", &format!("loadbalancer/app/{}/{arn_id}", given.name));
    let next = cx
        .after(PROVISIONING, &load_balancer_arn)
        .map(|at_millis| Next { state: "active".to_owned(), at_millis });
    let code = if next.is_some() { "provisioning" } else { "active" };
    let mut load_balancer = LoadBalancer {
        dns_name: dns_name(&given.name, &scheme, cx.r.elbv2.ids.number(), cx.region),
        canonical_hosted_zone_id: regions::hosted_zone(cx.region).to_owned(),
        created_time: cx.now_seconds(),
        load_balancer_name: given.name,
        vpc_id,
        state: LoadBalancerState { code: code.to_owned() },
        kind: "application".to_owned(),
        availability_zones: zones,
        security_groups,
        ip_address_type: "ipv4".to_owned(),
        attributes: new_attributes(&scheme),
        tags,
        interfaces: Vec::new(),
        next,
        load_balancer_arn,
        scheme,
    };
    let state = &mut cx.r.elbv2;
    state.attach(&mut load_balancer);
    let answer = json!({"LoadBalancers": [shown(&load_balancer)]});
    state.load_balancers.insert(load_balancer.load_balancer_arn.clone(), load_balancer);
    Ok(answer)
}

/// `NAME-1234567890.REGION.elb.amazonaws.com`, with `internal-` before it for an internal one.
fn dns_name(name: &str, scheme: &str, number: u64, region: &str) -> String {
    let internal = if scheme == "internal" { "internal-" } else { "" };
    let digits = 100_000_000 + number % 1_900_000_000;
    format!("{internal}{name}-{digits}.{region}.elb.amazonaws.com")
}

fn new_attributes(scheme: &str) -> Attributes {
    let mut attributes = LOAD_BALANCER.defaults();
    if scheme == "internal" {
        attributes.insert("ipv6.deny_all_igw_traffic".to_owned(), "true".to_owned());
    }
    attributes
}

/// What must be equal for a second creation to return the first one's load balancer.
struct Settings<'a> {
    scheme: &'a str,
    subnet_ids: &'a [String],
    groups: Option<&'a [String]>,
}

impl Settings<'_> {
    fn are_those_of(&self, load_balancer: &LoadBalancer) -> bool {
        let subnets: BTreeSet<&String> =
            load_balancer.availability_zones.iter().map(|zone| &zone.subnet_id).collect();
        let same_groups = self.groups.is_none_or(|groups| {
            groups.iter().collect::<BTreeSet<_>>() == load_balancer.security_groups.iter().collect()
        });
        self.scheme == load_balancer.scheme
            && self.subnet_ids.iter().collect::<BTreeSet<_>>() == subnets
            && same_groups
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    #[serde(default)]
    load_balancer_arns: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    marker: Option<String>,
    page_size: Option<usize>,
}

pub(super) fn describe(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: Describe = call.input()?;
    if !given.load_balancer_arns.is_empty() && !given.names.is_empty() {
        let message = "Load balancer names and load balancer ARNs cannot be specified at the same time";
        return Err(invalid(message));
    }
    let table = &cx.r.elbv2.load_balancers;
    for arn in &given.load_balancer_arns {
        arns::find(cx.region, table, arn)?;
    }
    for name in &given.names {
        if !table.values().any(|load_balancer| load_balancer.load_balancer_name == *name) {
            return Err(LoadBalancer::KIND.missing(name));
        }
    }
    let wanted = |load_balancer: &&LoadBalancer| {
        (given.load_balancer_arns.is_empty()
            || given.load_balancer_arns.contains(&load_balancer.load_balancer_arn))
            && (given.names.is_empty() || given.names.contains(&load_balancer.load_balancer_name))
    };
    let all = table.values().filter(wanted).collect();
    let arn = |load_balancer: &LoadBalancer| load_balancer.load_balancer_arn.clone();
    let (page, next) = page(all, arn, given.marker.as_deref(), given.page_size)?;
    let page: Vec<_> = page.into_iter().map(shown).collect();
    Ok(json!({"LoadBalancers": page, "NextMarker": next}))
}

/// Succeeds for one that is not there (API Reference, DeleteLoadBalancer: "If the load balancer does not exist or has
/// already been deleted, the call succeeds"). Listeners and rules go with it; target groups stay; its interfaces linger.
pub(super) fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let arn: String = call.member("LoadBalancerArn")?;
    arns::check::<LoadBalancer>(cx.region, &arn)?;
    let Some(load_balancer) = cx.r.elbv2.load_balancers.get(&arn) else {
        return Ok(json!({}));
    };
    if attributes::is(&load_balancer.attributes, "deletion_protection.enabled", "true") {
        let message =
            format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    let interfaces = load_balancer.interfaces.clone();
    linger(cx, interfaces);
    let state = &mut cx.r.elbv2;
    state.load_balancers.remove(&arn);
    state.listeners.retain(|_, listener| listener.load_balancer_arn != arn);
    let listeners = &state.listeners;
    state.rules.retain(|_, rule| listeners.contains_key(&rule.listener_arn));
    state.relink();
    cx.r.wafv2.forget_resource(&arn);
    Ok(json!({}))
}

/// Keeps interfaces that are no longer used, for as long as AWS does.
fn linger(cx: &mut Cx<'_>, interfaces: Vec<Interface>) {
    for interface in interfaces {
        if let Some(until_millis) = cx.after(LINGERING, &interface.id) {
            cx.r.elbv2.lingering.push(Lingering { until_millis, interface });
        }
    }
}

pub(super) fn set_security_groups(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (arn, security_groups): (String, Vec<String>) =
        call.members(&["LoadBalancerArn", "SecurityGroups"])?;
    let mut load_balancer = arns::find(cx.region, &cx.r.elbv2.load_balancers, &arn)?.clone();
    if security_groups.is_empty() {
        return Err(wrong_configuration("An application load balancer must have a security group"));
    }
    network::check_groups(cx, &security_groups, &load_balancer.vpc_id)?;
    load_balancer.security_groups.clone_from(&security_groups);
    replace(cx, load_balancer);
    Ok(json!({"SecurityGroupIds": security_groups}))
}

/// Puts a load balancer back whose subnets or groups have changed.
fn replace(cx: &mut Cx<'_>, mut load_balancer: LoadBalancer) {
    let unused = cx.r.elbv2.attach(&mut load_balancer);
    linger(cx, unused);
    cx.r.elbv2.load_balancers.insert(load_balancer.load_balancer_arn.clone(), load_balancer);
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SetSubnets {
    load_balancer_arn: String,
    #[serde(default)]
    subnets: Vec<String>,
    #[serde(default)]
    subnet_mappings: Vec<SubnetMapping>,
    ip_address_type: Option<String>,
}

pub(super) fn set_subnets(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let given: SetSubnets = call.input()?;
    let mut load_balancer =
        arns::find(cx.region, &cx.r.elbv2.load_balancers, &given.load_balancer_arn)?.clone();
    check_ip_address_type(given.ip_address_type.as_deref())?;
    let subnet_ids = subnet_ids(given.subnets, given.subnet_mappings)?;
    let kept = &load_balancer.availability_zones;
    let Placement { vpc_id, zones } = network::place(cx, &subnet_ids, kept, &load_balancer.scheme)?;
    if vpc_id != load_balancer.vpc_id {
        return Err(wrong_configuration("The subnets must be in the VPC of the load balancer"));
    }
    let answer = json!({"AvailabilityZones": &zones, "IpAddressType": load_balancer.ip_address_type});
    load_balancer.availability_zones = zones;
    replace(cx, load_balancer);
    Ok(answer)
}

pub(super) fn set_ip_address_type(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (load_balancer_arn, ip_address_type): (String, String) =
        call.members(&["LoadBalancerArn", "IpAddressType"])?;
    arns::find(cx.region, &cx.r.elbv2.load_balancers, &load_balancer_arn)?;
    check_ip_address_type(Some(&ip_address_type))?;
    Ok(json!({"IpAddressType": ip_address_type}))
}

pub(super) fn modify_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (arn, given): (String, Vec<Pair>) = call.members(&["LoadBalancerArn", "Attributes"])?;
    let load_balancer = arns::find(cx.region, &cx.r.elbv2.load_balancers, &arn)?;
    let (attributes, keys) = LOAD_BALANCER.changed(&load_balancer.attributes, given)?;
    for logs in ["access_logs", "connection_logs", "health_check_logs"] {
        if keys.iter().any(|key| key.starts_with(logs)) {
            check_logs(cx, &attributes, logs)?;
        }
    }
    let load_balancer = arns::find_mut(cx.region, &mut cx.r.elbv2.load_balancers, &arn)?;
    load_balancer.attributes = attributes;
    Ok(attributes::answer(&load_balancer.attributes))
}

fn check_logs(cx: &Cx<'_>, attributes: &Attributes, logs: &str) -> Result<(), Refusal> {
    if !attributes::is(attributes, &format!("{logs}.s3.enabled"), "true") {
        return Ok(());
    }
    let value = |name: &str| attributes.get(&format!("{logs}.s3.{name}")).map_or("", String::as_str);
    let delivery = Delivery { bucket: value("bucket"), prefix: value("prefix") };
    match delivery.bucket {
        "" => Err(wrong_configuration(format!(
            "{logs}.s3.bucket must be given while {logs}.s3.enabled is true"
        ))),
        _ => log_bucket::check(cx, &delivery),
    }
}

pub(super) fn describe_attributes(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let load_balancer_arn: String = call.member("LoadBalancerArn")?;
    let load_balancer = arns::find(cx.region, &cx.r.elbv2.load_balancers, &load_balancer_arn)?;
    Ok(attributes::answer(&load_balancer.attributes))
}

/// No capacity is reserved: reservations are not modelled, and a load balancer has none until somebody asks for it (ELB API
/// Reference, DescribeCapacityReservation).
pub(super) fn describe_capacity(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let load_balancer_arn: String = call.member("LoadBalancerArn")?;
    arns::find(cx.region, &cx.r.elbv2.load_balancers, &load_balancer_arn)?;
    Ok(json!({"CapacityReservationState": []}))
}
