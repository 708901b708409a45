//! What the tier can be told, and what it needs to know.

use std::collections::{BTreeMap, BTreeSet};

use aws::resources::RetentionDays;
use aws::{KeyArn, Place};
use engine::{DeclareError, Input};
use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Recorded;

/// What the tier can be told; a configuration file can say all of it but the environment and the tags, which all tiers
/// share. The default is the reference network, and everything has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The environment, part of every name: lower-case letters, digits and hyphens, at most
    /// [`aws::MAX_ENVIRONMENT_LENGTH`] characters.
    #[serde(skip)]
    pub environment: String,
    /// The VPC's addresses, /16 to /28.
    #[schemars(with = "aws::schema::Ipv4Block")]
    pub cidr: Ipv4Net,
    /// How many availability zones to span, 2 to 6; three where neither this nor `availability_zones` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 6))]
    pub zone_count: Option<usize>,
    /// Which zones, by name; the region's first ones where it is not given. Their order tells which block of the lists below is
    /// whose, and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zones: Option<Vec<String>>,
    /// The public subnets' addresses, one block for each zone in the order of the zones; worked out from `cidr` where it is not
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<aws::schema::Ipv4Block>>")]
    pub public_subnet_cidrs: Option<Vec<Ipv4Net>>,
    /// The private subnets' addresses, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<aws::schema::Ipv4Block>>")]
    pub private_subnet_cidrs: Option<Vec<Ipv4Net>>,
    /// The database subnets' addresses, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<aws::schema::Ipv4Block>>")]
    pub database_subnet_cidrs: Option<Vec<Ipv4Net>>,
    /// How private subnets reach the internet.
    pub nat: NatMode,
    /// Whether what starts in a public subnet gets a public address. The reference has it on, Security Hub
    /// EC2.15 wants it off, and nothing in the stack needs it.
    pub map_public_ip_on_launch: bool,
    /// The record of who talked to whom.
    pub flow_logs: FlowLogs,
    /// Whether private subnets reach S3 directly, without a NAT gateway. It costs nothing.
    pub s3_endpoint: bool,
    /// Whether private subnets reach other services of AWS directly, without a NAT gateway.
    pub interface_endpoints: InterfaceEndpoints,
    /// Whether a network ACL stands before the database subnets.
    pub database_acl: bool,
    /// Whether log groups, and the logs in them, stay when the stack is destroyed.
    #[serde(skip)]
    pub keep_logs: bool,
    /// The KMS key that encrypts log groups, such as that of the logs tier; a key of CloudWatch Logs where it is not given.
    #[serde(skip)]
    pub log_key: Option<Input<KeyArn>>,
    /// Tags for everything that can have tags; `Name` and `Tier` are added.
    #[serde(skip)]
    pub tags: BTreeMap<String, String>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            environment: "dev".to_owned(),
            cidr: Ipv4Net::new_assert([10, 0, 0, 0].into(), 16),
            zone_count: None,
            availability_zones: None,
            public_subnet_cidrs: None,
            private_subnet_cidrs: None,
            database_subnet_cidrs: None,
            nat: NatMode::default(),
            map_public_ip_on_launch: false,
            flow_logs: FlowLogs::default(),
            s3_endpoint: true,
            interface_endpoints: InterfaceEndpoints::default(),
            database_acl: true,
            keep_logs: false,
            log_key: None,
            tags: BTreeMap::new(),
        }
    }
}

/// How private subnets reach the internet. A NAT gateway costs about 43 USD a month in Singapore, and what goes
/// through it as much again for each 730 GB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NatMode {
    /// Through a gateway in their own zone: the failure of a zone stays there.
    #[default]
    OnePerZone,
    /// All through one gateway, in the zone that has one already or else in the first: cheaper, and that zone's failure cuts off
    /// all.
    Single,
    /// Not at all. What is in them reaches the services of AWS that have endpoints here ([`InterfaceEndpoints`]), and
    /// nothing else: no partner, and no image that is not in ECR.
    None,
}

/// The record of who talked to whom in the VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FlowLogs {
    /// Whether it is kept.
    pub enabled: bool,
    /// How long, in days: one of the periods that CloudWatch Logs knows. The default is the reference's seven years.
    #[schemars(with = "RetentionDays")]
    pub retention_in_days: u32,
}

impl Default for FlowLogs {
    fn default() -> Self {
        Self { enabled: true, retention_in_days: 2557 }
    }
}

/// The services of AWS that private subnets reach through network interfaces of their own, without a NAT gateway. Names of
/// services in DNS lead there, and only principals of this account get through.
///
/// Each endpoint costs about 9.50 USD a month in each zone in Singapore, and 0.01 USD for each GB: the seven of the
/// default in three zones are 200 USD a month, more than three NAT gateways. With `nat = "none"` beside it the network
/// is cut off from the internet; then ECR, Logs, Secrets Manager and KMS are the least that the other tiers need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InterfaceEndpoints {
    /// Whether there are any.
    pub enabled: bool,
    /// The services, as they are called after the region in the names of their endpoints: `ecr.api`, `ecr.dkr`, `logs`,
    /// `secretsmanager`, `kms`, `xray` and `monitoring` if nothing else is said. Commands in containers need
    /// `ssmmessages` too. AWS does not have every service in every zone.
    pub services: Vec<String>,
}

impl Default for InterfaceEndpoints {
    fn default() -> Self {
        let services = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "kms", "xray", "monitoring"];
        Self { enabled: false, services: services.map(str::to_owned).to_vec() }
    }
}

/// What the tier needs to know of the place that it is made in. It needs nothing of other tiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The region's zones that can be used, sorted: from [`aws::zones`].
    pub availability_zones: Vec<String>,
    /// What the state knows of the zones: [`Recorded::of`](crate::Recorded::of). Zones that have subnets keep their addresses.
    pub recorded: Recorded,
}

impl Args {
    pub(crate) fn retention(&self) -> Result<RetentionDays, DeclareError> {
        RetentionDays::argument("flow_logs.retention_in_days", self.flow_logs.retention_in_days)
    }

    /// The services that get an interface endpoint, checked as far as one can without asking AWS. Names are checked also where
    /// endpoints are off: somebody means them, and they would be in the way of whoever turns the endpoints on.
    pub(crate) fn endpoint_services(&self) -> Result<&[String], DeclareError> {
        let InterfaceEndpoints { enabled, services } = &self.interface_endpoints;
        let hint = "name services such as ecr.api, or set enabled to false";
        if *enabled && services.is_empty() {
            return Err(DeclareError::argument("interface_endpoints.services", "it is empty", hint));
        }
        let mut seen = BTreeSet::new();
        for (index, service) in services.iter().enumerate() {
            let refused = |reason: String, hint: &str| {
                Err(DeclareError::argument(format!("interface_endpoints.services[{index}]"), reason, hint))
            };
            if matches!(service.as_str(), "s3" | "dynamodb") {
                let reason = format!("`{service}` has a gateway endpoint, which costs nothing");
                return refused(reason, "leave it out; s3_endpoint makes the one for S3");
            }
            if service.contains("amazonaws") {
                let reason = format!("`{service}` is the name of an endpoint, with its region");
                return refused(reason, "give what follows the region, such as ecr.api");
            }
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
            if service.is_empty() || !service.bytes().all(fits) {
                let reason = format!("`{service}` is not the name of a service");
                return refused(reason, "lower-case letters, digits, dots and hyphens, such as ecr.api");
            }
            if !seen.insert(service) {
                return refused(format!("`{service}` is named twice"), "name each service once");
            }
        }
        if !enabled {
            return Ok(&[]);
        }
        let pulls = services.iter().any(|service| service.starts_with("ecr."));
        if pulls && !self.s3_endpoint && self.nat == NatMode::None {
            return Err(DeclareError::argument(
                "s3_endpoint",
                "ECR keeps the layers of images in S3, and nothing leads there",
                "set it to true: it costs nothing",
            ));
        }
        Ok(services)
    }
}
