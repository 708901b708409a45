//! VPC endpoints of the interface kind: a network interface in each of their subnets (AWS PrivateLink Guide, "Access
//! an AWS service using an interface VPC endpoint").
//!
//! Its names in DNS are `ENDPOINT.SERVICE.REGION.vpce.amazonaws.com`, one for each of its zones, and with private DNS the
//! service's own name; each has a hosted zone (the form of the names, the hosted zones, the options of DNS, the address type and
//! the service's region are recorded from real AWS).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::describe::{Record, find, not_found};
use super::endpoint::{INTERFACE_ACCESS, policy};
use super::records::{DnsEntry, DnsOptions, EndpointGroup, VpcEndpoint};
use super::tags::Tags;
use super::{Answer, Cx, Region, latency};
use crate::machine::latency::Latency;
use crate::protocol::parameters::Parameters;
use crate::services::{ACCOUNT_ID, Refusal, refuse_if, to_json};

/// Services that have interface endpoints, of those that a payment stack calls (AWS PrivateLink Guide, "AWS services
/// that integrate with AWS PrivateLink"), and the host name that private DNS takes over, before the region.
const SERVICES: [(&str, &str); 21] = [
    ("ecr.api", "api.ecr"),
    ("ecr.dkr", "*.dkr.ecr"),
    ("logs", "logs"),
    ("secretsmanager", "secretsmanager"),
    ("kms", "kms"),
    ("xray", "xray"),
    ("monitoring", "monitoring"),
    ("ssm", "ssm"),
    ("ssmmessages", "ssmmessages"),
    ("ec2messages", "ec2messages"),
    ("ec2", "ec2"),
    ("ecs", "ecs"),
    ("ecs-agent", "ecs-a"),
    ("ecs-telemetry", "ecs-t"),
    ("execute-api", "*.execute-api"),
    ("lambda", "lambda"),
    ("rds", "rds"),
    ("sns", "sns"),
    ("sqs", "sqs"),
    ("sts", "sts"),
    ("elasticloadbalancing", "elasticloadbalancing"),
];

/// Services with gateway endpoints.
const GATEWAYS: [&str; 2] = ["s3", "dynamodb"];

/// The host name that private DNS takes over.
fn private_name(cx: &Cx<'_>, service_name: &str) -> Result<String, Refusal> {
    let own = service_name.strip_prefix("com.amazonaws.").and_then(|rest| rest.strip_prefix(cx.region));
    let service = own.and_then(|rest| rest.strip_prefix('.'));
    let known = SERVICES.iter().find(|(name, _)| Some(*name) == service);
    known.map(|(_, host)| format!("{host}.{}.amazonaws.com", cx.region)).ok_or_else(|| {
        let message = format!("The Vpc Endpoint Service '{service_name}' does not exist");
        Refusal::new("InvalidServiceName", message)
    })
}

/// The services that have endpoints here: those named, or all (EC2 API Reference, DescribeVpcEndpointServices).
pub(super) fn describe_services(cx: &Cx<'_>, mut p: Parameters) -> Answer {
    let asked = p.texts("ServiceName")?;
    p.finish()?;
    let full = |service: &str| format!("com.amazonaws.{}.{service}", cx.region);
    let gateways = GATEWAYS.iter().map(|service| (full(service), "Gateway"));
    let all: Vec<_> =
        SERVICES.iter().map(|(service, _)| (full(service), "Interface")).chain(gateways).collect();
    if let Some(unknown) = asked.iter().find(|name| !all.iter().any(|(known, _)| known == *name)) {
        let message = format!("The Vpc Endpoint Service '{unknown}' does not exist");
        return Err(Refusal::new("InvalidServiceName", message));
    }
    let wanted = all.iter().filter(|(name, _)| asked.is_empty() || asked.contains(name));
    let (names, details): (Vec<Value>, Vec<Value>) = wanted
        .map(|(name, kind)| {
            let detail = json!({
                "serviceName": name, "serviceType": [{"serviceType": kind}], "owner": "amazon",
                "acceptanceRequired": false, "vpcEndpointPolicySupported": true, "managesVpcEndpoints": false,
            });
            (Value::from(name.as_str()), detail)
        })
        .unzip();
    Ok(json!({"serviceNameSet": names, "serviceDetailSet": details}))
}

impl Region {
    pub(super) fn create_interface_endpoint(&mut self, cx: &Cx<'_>, mut p: Parameters) -> Answer {
        let vpc_id = p.text("VpcId")?;
        let service_name = p.text("ServiceName")?;
        let policy_document = policy(&mut p)?.unwrap_or_else(|| INTERFACE_ACCESS.to_owned());
        let subnets = p.texts("SubnetId")?;
        let groups = p.texts("SecurityGroupId")?;
        // On unless turned off (EC2 API Reference, CreateVpcEndpoint, `PrivateDnsEnabled`).
        let private_dns_enabled = p.flag("PrivateDnsEnabled")?.unwrap_or(true);
        if let Some(kind) = p.optional("IpAddressType")?.filter(|kind| kind != "ipv4") {
            return Err(p.invalid("IpAddressType", &kind, "ipv4, the one modelled"));
        }
        let tag_set = Tags::given_to::<VpcEndpoint>(&mut p)?;
        p.finish()?;
        find(&self.vpcs, &vpc_id)?;
        let host = private_name(cx, &service_name)?;
        let groups =
            if groups.is_empty() { self.default_group(&vpc_id).into_iter().collect() } else { groups };
        self.check_endpoint_subnets(&vpc_id, &subnets)?;
        self.check_endpoint_groups(&vpc_id, &groups)?;
        if private_dns_enabled {
            self.check_private_dns(&vpc_id, &service_name)?;
        }
        let id = self.ids.id("vpce");
        let available = cx.after(latency::INTERFACE_ENDPOINT.create, &id);
        let label = format!("{id}-{:08x}", self.ids.number() as u32);
        let dns_entry_set = self.dns_entries(cx, &label, &host, &subnets, private_dns_enabled);
        let endpoint = VpcEndpoint {
            vpc_endpoint_id: id.clone(),
            vpc_endpoint_type: "Interface".to_owned(),
            vpc_id,
            service_name,
            state: if available.is_some() { "pending" } else { "available" }.to_owned(),
            policy_document,
            route_table_id_set: Vec::new(),
            network_interface_id_set: subnets.iter().map(|_| self.ids.id("eni")).collect(),
            subnet_id_set: subnets,
            group_set: self.endpoint_groups(groups),
            dns_entry_set,
            private_dns_enabled,
            dns_options: Some(DnsOptions { dns_record_ip_type: "ipv4".to_owned() }),
            ip_address_type: Some("ipv4".to_owned()),
            service_region: Some(cx.region.to_owned()),
            requester_managed: false,
            creation_timestamp: cx.now(),
            owner_id: ACCOUNT_ID.to_owned(),
            tag_set,
        };
        let answer = json!({"vpcEndpoint": to_json(&endpoint)});
        self.vpc_endpoints.create(cx, endpoint);
        if let Some(at_millis) = available {
            self.vpc_endpoints.will_be(&id, "available", at_millis);
        }
        Ok(answer)
    }

    /// Changes subnets, groups and private DNS; the policy is changed in the same way for both kinds.
    pub(super) fn modify_interface_endpoint(
        &mut self,
        cx: &Cx<'_>,
        id: &str,
        new_policy: Option<String>,
        mut p: Parameters,
    ) -> Result<(), Refusal> {
        let add_subnets = p.texts("AddSubnetId")?;
        let remove_subnets = p.texts("RemoveSubnetId")?;
        let add_groups = p.texts("AddSecurityGroupId")?;
        let remove_groups = p.texts("RemoveSecurityGroupId")?;
        let private_dns = p.flag("PrivateDnsEnabled")?;
        p.finish()?;
        let mut endpoint = find(&self.vpc_endpoints, id)?.clone();
        let mut kept = Vec::new();
        for (subnet, interface) in endpoint.subnet_id_set.iter().zip(&endpoint.network_interface_id_set) {
            if !remove_subnets.contains(subnet) {
                kept.push((subnet.clone(), interface.clone()));
            }
        }
        for subnet in add_subnets {
            if !kept.iter().any(|(known, _)| *known == subnet) {
                kept.push((subnet, self.ids.id("eni")));
            }
        }
        (endpoint.subnet_id_set, endpoint.network_interface_id_set) = kept.into_iter().unzip();
        self.check_endpoint_subnets(&endpoint.vpc_id, &endpoint.subnet_id_set)?;
        let current = endpoint.group_set.iter().map(|group| group.group_id.clone());
        let groups: BTreeSet<String> =
            current.chain(add_groups).filter(|group| !remove_groups.contains(group)).collect();
        let groups: Vec<String> = groups.into_iter().collect();
        if groups.is_empty() {
            let message = "An interface endpoint needs at least one security group.";
            return Err(Refusal::new("InvalidParameter", message));
        }
        self.check_endpoint_groups(&endpoint.vpc_id, &groups)?;
        endpoint.group_set = self.endpoint_groups(groups);
        if private_dns == Some(true) && !endpoint.private_dns_enabled {
            self.check_private_dns(&endpoint.vpc_id, &endpoint.service_name)?;
        }
        endpoint.private_dns_enabled = private_dns.unwrap_or(endpoint.private_dns_enabled);
        let label = endpoint.dns_entry_set.first().and_then(|entry| entry.dns_name.split('.').next());
        let label = label.unwrap_or(id).to_owned();
        let host = private_name(cx, &endpoint.service_name)?;
        endpoint.dns_entry_set =
            self.dns_entries(cx, &label, &host, &endpoint.subnet_id_set, endpoint.private_dns_enabled);
        if let Some(policy) = new_policy {
            endpoint.policy_document = policy;
        }
        *self.vpc_endpoints.get_mut(id).ok_or_else(|| not_found::<VpcEndpoint>(id))? = endpoint;
        Ok(())
    }

    /// The names of an endpoint in DNS; `host` is the service's own.
    fn dns_entries(
        &self,
        cx: &Cx<'_>,
        label: &str,
        host: &str,
        subnets: &[String],
        private: bool,
    ) -> Vec<DnsEntry> {
        let entry =
            |dns_name: String, zone: &str| DnsEntry { dns_name, hosted_zone_id: Some(hosted_zone(zone)) };
        let service = host.trim_start_matches("*.").trim_end_matches(".amazonaws.com");
        let zones: BTreeSet<&str> = subnets
            .iter()
            .filter_map(|id| self.subnets.get(id))
            .map(|s| s.availability_zone.as_str())
            .collect();
        let labels =
            std::iter::once(label.to_owned()).chain(zones.iter().map(|zone| format!("{label}-{zone}")));
        let mut entries: Vec<DnsEntry> =
            labels.map(|label| entry(format!("{label}.{service}.vpce.amazonaws.com"), cx.region)).collect();
        entries.extend(private.then(|| entry(host.to_owned(), label)));
        entries
    }

    fn endpoint_groups(&self, ids: Vec<String>) -> Vec<EndpointGroup> {
        ids.into_iter()
            .map(|group_id| {
                let group = self.security_groups.get(&group_id);
                let group_name = group.map(|group| group.group_name.clone()).unwrap_or_default();
                EndpointGroup { group_id, group_name }
            })
            .collect()
    }

    /// One subnet in a zone, all in the endpoint's VPC (EC2 API Reference, "Error codes", `DuplicateSubnetsInSameZone`).
    fn check_endpoint_subnets(&self, vpc_id: &str, subnets: &[String]) -> Result<(), Refusal> {
        let mut zones = BTreeSet::new();
        for id in subnets {
            let subnet = find(&self.subnets, id)?;
            if subnet.vpc_id != vpc_id {
                let message = format!("Subnet {id} does not belong to VPC {vpc_id}");
                return Err(Refusal::new("InvalidParameter", message));
            }
            if !zones.insert(&subnet.availability_zone) {
                let message = "Found another VPC endpoint subnet in the availability zone of ";
                return Err(Refusal::new("DuplicateSubnetsInSameZone", format!("{message}{id}")));
            }
        }
        Ok(())
    }

    fn check_endpoint_groups(&self, vpc_id: &str, groups: &[String]) -> Result<(), Refusal> {
        for id in groups {
            if find(&self.security_groups, id)?.vpc_id != vpc_id {
                let message = format!("Security group {id} does not belong to VPC {vpc_id}");
                return Err(Refusal::new("InvalidParameter", message));
            }
        }
        Ok(())
    }

    /// Private DNS needs DNS in the VPC, and one endpoint of the service in it (AWS PrivateLink Guide, "Private DNS").
    fn check_private_dns(&self, vpc_id: &str, service_name: &str) -> Result<(), Refusal> {
        let vpc = find(&self.vpcs, vpc_id)?;
        if !(vpc.enable_dns_support && vpc.enable_dns_hostnames) {
            let message =
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames of the VPC";
            return Err(Refusal::new("InvalidParameter", format!("{message} {vpc_id}")));
        }
        let conflicts = |other: &VpcEndpoint| {
            other.vpc_id == vpc_id && other.service_name == service_name && other.private_dns_enabled
        };
        refuse_if(self.vpc_endpoints.values().any(conflicts), || {
            let message = format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for \
                     {service_name} in the VPC {vpc_id}"
            );
            Refusal::new("InvalidParameter", message)
        })
    }
}

/// The id of a hosted zone: all endpoints of a region share one, and each has one for private DNS. The ids are ours.
fn hosted_zone(about: &str) -> String {
    const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut number = about.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    let mut id = "Z".to_owned();
    for _ in 0..12 {
        id.push(char::from(LETTERS[(number % 36) as usize]));
        number /= 36;
    }
    id
}

/// How long an endpoint of a kind takes to come and to go.
pub(super) fn latency_of(endpoint: &VpcEndpoint) -> &'static Latency {
    match endpoint.vpc_endpoint_type.as_str() {
        "Interface" => &latency::INTERFACE_ENDPOINT,
        _ => VpcEndpoint::KIND.latency,
    }
}
