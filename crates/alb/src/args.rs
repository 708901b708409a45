//! What the tier can be told, and what it needs to know.

use std::collections::{BTreeMap, BTreeSet};

use aws::firewall::{ByAddress, Waf, limit_above};
use aws::{KeyArn, Place, SecurityGroupId, SubnetId, VpcId};
use engine::{DeclareError, Input};
use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the tier can be told; a configuration file can say all of it but the environment and the tags, which all tiers
/// share. The default is the reference load balancer, and everything has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The environment, part of every name.
    #[serde(skip)]
    pub environment: String,
    /// Who can reach it. Another choice replaces the load balancer, with minutes without one.
    pub ingress: Ingress,
    /// From which addresses, where it is not all of the world, or of the VPC.
    #[schemars(with = "Vec<aws::schema::Ipv4Block>")]
    pub ingress_cidrs: Vec<Ipv4Net>,
    /// Whether a private load balancer lets in all of the VPC where nothing else says who may call. If not, it lets in
    /// whoever brings a rule to its security group, such as the VPC link of an API, and nobody else.
    pub ingress_from_vpc: bool,
    /// The ARN of the certificate in ACM, of the same account and region, that it shows. With one, it speaks HTTPS, and
    /// HTTP only to send clients there; without, it speaks HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/"))]
    pub certificate_arn: Option<String>,
    /// Which versions and ciphers of TLS it speaks: one of AWS's policies for TLS 1.2 and later (Security Hub ELB.17,
    /// PCI DSS 4.2.1).
    #[schemars(regex(
        pattern = "^ELBSecurityPolicy-(FS|TLS|TLS13)-1-[23]-([A-Za-z0-9]+-)*[0-9]{4}-[0-9]{2}$"
    ))]
    pub ssl_policy: String,
    /// The port of the targets.
    #[schemars(range(min = 1, max = 65535))]
    pub target_port: u16,
    /// How it talks to the targets, and checks them. Another choice makes other target groups.
    pub target_protocol: TargetProtocol,
    /// How it is found out whether a target is well.
    pub health_check: HealthCheck,
    /// How long a target that is taken out may go on answering, in seconds: 0 to 3600. AWS's own 300 would make each
    /// deployment minutes longer.
    #[schemars(range(max = 3600))]
    pub deregistration_delay: u32,
    /// How long a connection may be silent, in seconds: 1 to 4000.
    #[schemars(range(min = 1, max = 4000))]
    pub idle_timeout: u32,
    /// The header with which requests reach the next version before everybody does. It is no secret and no protection.
    pub test_header: TestHeader,
    /// Whether nobody can delete the load balancer, neither with this program nor with the console.
    pub deletion_protection: bool,
    /// The record of every request and of every connection.
    pub access_logs: AccessLogs,
    /// The firewall in front of it. Where only an API reaches it, no rule goes by address, and the rate limit has no effect.
    pub waf: Waf,
    /// Whether log groups, and the logs in them, stay when the stack is destroyed.
    #[serde(skip)]
    pub keep_logs: bool,
    /// The KMS key that encrypts log groups, such as that of the logs tier; a key of CloudWatch Logs where it is not given.
    #[serde(skip)]
    pub log_key: Option<Input<KeyArn>>,
    /// Tags for everything that can have tags; `Name` is added.
    #[serde(skip)]
    pub tags: BTreeMap<String, String>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            environment: "dev".to_owned(),
            ingress: Ingress::default(),
            ingress_cidrs: Vec::new(),
            ingress_from_vpc: true,
            certificate_arn: None,
            ssl_policy: "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09".to_owned(),
            target_port: DEFAULT_TARGET_PORT,
            target_protocol: TargetProtocol::default(),
            health_check: HealthCheck::default(),
            deregistration_delay: 30,
            idle_timeout: 60,
            test_header: TestHeader::default(),
            deletion_protection: false,
            access_logs: AccessLogs::default(),
            waf: Waf::default(),
            keep_logs: false,
            log_key: None,
            tags: BTreeMap::new(),
        }
    }
}

/// The port that a target group's name need not mention.
pub(crate) const DEFAULT_TARGET_PORT: u16 = 8080;

/// How many requests an address may make in five minutes where no API is involved and nothing else is said.
const DEFAULT_RATE_LIMIT: u32 = 2000;

/// Who can reach the load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ingress {
    /// The world: it is in the public subnets. Whoever calls it goes past an API before it, with its keys and limits.
    #[default]
    Public,
    /// What is in the VPC: it is in the private subnets.
    Private,
}

/// How the load balancer talks to its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetProtocol {
    /// In clear text, inside the VPC.
    #[default]
    Http,
    /// With TLS (Security Hub ELB.21, ELB.22): the application answers with a certificate of its own. A self-signed one will do:
    /// the load balancer does not check it.
    Https,
}

impl TargetProtocol {
    /// As Elastic Load Balancing calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            TargetProtocol::Http => "HTTP",
            TargetProtocol::Https => "HTTPS",
        }
    }
}

/// How it is found out whether a target is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// The path that is asked for; the answer must be 200.
    #[schemars(regex(pattern = "^/"), length(max = 1024))]
    pub path: String,
    /// How often, in seconds: 5 to 300.
    #[schemars(range(min = 5, max = 300))]
    pub interval: u32,
    /// How long an answer may take, in seconds: 2 to 120, and less than the interval.
    #[schemars(range(min = 2, max = 120))]
    pub timeout: u32,
    /// How many good answers in a row make a target healthy: 2 to 10.
    #[schemars(range(min = 2, max = 10))]
    pub healthy: u32,
    /// How many bad answers in a row make it unhealthy: 2 to 10.
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy: u32,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self { path: "/health".to_owned(), interval: 15, timeout: 5, healthy: 2, unhealthy: 3 }
    }
}

/// The header with which requests reach the next version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TestHeader {
    /// Its name, at most 40 characters.
    #[schemars(length(min = 1, max = 40))]
    pub name: String,
    /// What is in it: at most 128 characters, where `*` and `?` stand for others.
    #[schemars(length(min = 1, max = 128))]
    pub value: String,
}

impl Default for TestHeader {
    fn default() -> Self {
        Self { name: "x-payment-test".to_owned(), value: "green".to_owned() }
    }
}

/// The record of every request and of every connection, in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessLogs {
    /// Whether it is kept.
    pub enabled: bool,
    /// How long, in days. The default is the reference's seven years.
    #[schemars(range(min = 1, max = 36500))]
    pub retention_in_days: u32,
    /// Whether the logs may be deleted with the environment. Otherwise the bucket is protected: nothing that would
    /// delete it is done.
    pub delete_logs: bool,
}

impl Default for AccessLogs {
    fn default() -> Self {
        Self { enabled: true, retention_in_days: 2557, delete_logs: true }
    }
}

/// What the tier needs to know: other tiers' outputs, or literals.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Where it is made.
    pub place: Place,
    /// The VPC.
    pub vpc_id: Input<VpcId>,
    /// The VPC's addresses.
    pub vpc_cidr: Input<Ipv4Net>,
    /// Subnets with a way in from the internet, in at least two zones: for [`Ingress::Public`]. They must wait for
    /// that way to be open.
    pub public_subnet_ids: Vec<Input<SubnetId>>,
    /// Subnets without one, in at least two zones: for [`Ingress::Private`].
    pub private_subnet_ids: Vec<Input<SubnetId>>,
    /// Groups that may reach it; where there are any, a private load balancer is not open to all of the VPC. Others
    /// can be let in by a rule in its group.
    pub client_security_group_ids: Vec<Input<SecurityGroupId>>,
    /// How many requests an API in front of it lets through in [`aws::firewall::RATE_WINDOW`], from all its clients together.
    /// They come from a few addresses, so that no rule of the firewall may stop fewer. `None` where there is no API: then all
    /// clients call the load balancer themselves.
    pub api_requests: Option<u64>,
}

impl Args {
    /// What can be said to be wrong before any call.
    pub(crate) fn check(&self, inputs: &Inputs) -> Result<(), DeclareError> {
        if self.environment.ends_with('-') {
            let reason =
                format!("the name of a load balancer cannot end with a hyphen, as `{}`", self.environment);
            return Err(DeclareError::argument("environment", reason, "leave the last hyphen out"));
        }
        self.check_network(inputs)?;
        self.check_tls(&inputs.place)?;
        DeclareError::within("deregistration_delay", self.deregistration_delay, 0..=3600, " seconds")?;
        DeclareError::within("idle_timeout", self.idle_timeout, 1..=4000, " seconds")?;
        DeclareError::within("target_port", self.target_port.into(), 1..=65535, "")?;
        self.health_check.check()?;
        self.test_header.check()?;
        DeclareError::within(
            "access_logs.retention_in_days",
            self.access_logs.retention_in_days,
            1..=36_500,
            " days",
        )
    }

    fn check_network(&self, inputs: &Inputs) -> Result<(), DeclareError> {
        let (argument, subnets) = match self.ingress {
            Ingress::Public => ("public_subnet_ids", &inputs.public_subnet_ids),
            Ingress::Private => ("private_subnet_ids", &inputs.private_subnet_ids),
        };
        if subnets.len() < 2 {
            let reason =
                format!("a load balancer needs subnets in two zones, and there is {}", subnets.len());
            return Err(DeclareError::argument(
                argument,
                reason,
                "give it a subnet in each of two or three zones",
            ));
        }
        let mut seen = BTreeSet::new();
        for (index, cidr) in self.ingress_cidrs.iter().enumerate() {
            let argument = format!("ingress_cidrs[{index}]");
            if cidr.trunc() != *cidr {
                let reason = format!("{cidr} is an address inside a block, not a block");
                return Err(DeclareError::argument(
                    &argument,
                    reason,
                    format!("did you mean {}?", cidr.trunc()),
                ));
            }
            if !seen.insert(cidr) {
                return Err(DeclareError::argument(
                    &argument,
                    format!("{cidr} is there twice"),
                    "leave it out",
                ));
            }
        }
        Ok(())
    }

    fn check_tls(&self, place: &Place) -> Result<(), DeclareError> {
        let policy = &self.ssl_policy;
        if !is_modern(policy) {
            let reason = format!("`{policy}` is no policy for TLS 1.2 and later");
            let hint = "use one of AWS's, such as ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09";
            return Err(DeclareError::argument("ssl_policy", reason, hint));
        }
        self.certificate_arn.as_deref().map_or(Ok(()), |arn| check_certificate(arn, place))
    }

    /// What the firewall concludes from addresses.
    pub(crate) fn by_address(&self, inputs: &Inputs) -> Result<ByAddress, DeclareError> {
        let Some(requests) = inputs.api_requests else {
            return Ok(ByAddress::Clients(self.waf.rate_limit.unwrap_or(DEFAULT_RATE_LIMIT)));
        };
        if !self.has_other_clients(inputs) {
            return Ok(ByAddress::Nothing);
        }
        let least = limit_above(requests);
        match self.waf.rate_limit {
            Some(limit) if limit < least => {
                let reason = format!(
                    "{limit} requests in five minutes are fewer than the {least} that the API lets through, and the load \
                     balancer sees the requests of all its clients from a few addresses"
                );
                let hint = format!("leave it out, choose {least} or more, or lower apigw.throttle");
                Err(DeclareError::argument("waf.rate_limit", reason, hint))
            }
            limit => Ok(ByAddress::ClientsAndApi(limit.unwrap_or(least))),
        }
    }

    /// Whether anybody can reach the load balancer but by a rule that another tier adds to its security group.
    pub(crate) fn has_other_clients(&self, inputs: &Inputs) -> bool {
        self.ingress == Ingress::Public
            || !self.ingress_cidrs.is_empty()
            || !inputs.client_security_group_ids.is_empty()
            || self.ingress_from_vpc
    }
}

/// Whether the name of a policy says that it begins with TLS 1.2 or 1.3, as `ELBSecurityPolicy-TLS13-1-2-2021-06` and
/// `ELBSecurityPolicy-FS-1-2-Res-2020-10` do, and ends with a month. Whether there is such a one, the listener asks AWS.
fn is_modern(policy: &str) -> bool {
    let parts: Vec<&str> = policy.split('-').collect();
    let is_number =
        |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match parts.as_slice() {
        ["ELBSecurityPolicy", "FS" | "TLS" | "TLS13", "1", "2" | "3", words @ .., year, month] => {
            words.iter().all(is_word) && is_number(year, 4) && is_number(month, 2)
        }
        _ => false,
    }
}

/// ELB User Guide, "SSL certificates for your Application Load Balancer": of the same region, and ACM shares none with other
/// accounts.
fn check_certificate(arn: &str, place: &Place) -> Result<(), DeclareError> {
    const RULE: &str = "a load balancer takes certificates of its own account and region only";
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (region, account) = match parts.as_slice() {
        ["arn", partition, "acm", region, account, resource]
            if *partition == place.partition
                && is_account(account)
                && resource.strip_prefix("certificate/").is_some_and(|id| !id.is_empty()) =>
        {
            (*region, *account)
        }
        _ => {
            let reason = format!("`{arn}` is not the ARN of a certificate in ACM");
            let example = place.arn("acm", "certificate/1234abcd-12ab-34cd-56ef-1234567890ab");
            return Err(DeclareError::argument(
                "certificate_arn",
                reason,
                format!("write it like {example}"),
            ));
        }
    };
    let hint = "request or import one in ACM there, and give its ARN";
    if region != place.region {
        let reason =
            format!("the certificate is in {region} and the load balancer in {}: {RULE}", place.region);
        return Err(DeclareError::argument("certificate_arn", reason, hint));
    }
    if place.knows_account() && account != place.account_id {
        let ours = &place.account_id;
        let reason =
            format!("the certificate is of account {account} and the load balancer of {ours}: {RULE}");
        return Err(DeclareError::argument("certificate_arn", reason, hint));
    }
    Ok(())
}

impl HealthCheck {
    fn check(&self) -> Result<(), DeclareError> {
        let is_visible = self.path.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.path.starts_with('/') || self.path.len() > 1024 || !is_visible {
            let reason = format!("`{}` is not a path", self.path);
            return Err(DeclareError::argument(
                "health_check.path",
                reason,
                "it begins with a slash and has no spaces, such as /health",
            ));
        }
        DeclareError::within("health_check.interval", self.interval, 5..=300, " seconds")?;
        DeclareError::within("health_check.timeout", self.timeout, 2..=120, " seconds")?;
        if self.timeout >= self.interval {
            let reason =
                format!("{} seconds are not less than the interval of {}", self.timeout, self.interval);
            return Err(DeclareError::argument(
                "health_check.timeout",
                reason,
                "AWS wants an answer before it asks again",
            ));
        }
        DeclareError::within("health_check.healthy", self.healthy, 2..=10, " answers")?;
        DeclareError::within("health_check.unhealthy", self.unhealthy, 2..=10, " answers")
    }
}

impl TestHeader {
    fn check(&self) -> Result<(), DeclareError> {
        // RFC 7230, `token`.
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !(1..=40).contains(&self.name.len()) || !self.name.bytes().all(is_token) {
            let reason = format!("`{}` is not the name of a header", self.name);
            return Err(DeclareError::argument(
                "test_header.name",
                reason,
                "use 1 to 40 letters, digits and hyphens",
            ));
        }
        // Rules look for a host in a condition of its own (ELB API Reference, HttpHeaderConditionConfig).
        if self.name.eq_ignore_ascii_case("host") {
            let reason = "load balancers do not look for the header `host`".to_owned();
            return Err(DeclareError::argument(
                "test_header.name",
                reason,
                "use a header of your own, such as x-test",
            ));
        }
        let is_visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if !(1..=128).contains(&self.value.len()) || !self.value.bytes().all(is_visible) {
            let reason = format!("`{}` cannot be looked for", self.value);
            return Err(DeclareError::argument(
                "test_header.value",
                reason,
                "use 1 to 128 visible ASCII characters",
            ));
        }
        Ok(())
    }
}
