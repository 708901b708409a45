//! What the tier can be told.

use std::collections::BTreeMap;

use aws::KeyArn;
use aws::firewall::{ByAddress, RATE_WINDOW, Waf, limit_above};
use aws::resources::RetentionDays;
use engine::{DeclareError, Input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Inputs;

/// What the tier can be told; a configuration file can say all of it but the environment and the tags, which all tiers
/// share. The default is the reference API, and everything has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Args {
    /// The environment, part of every name, and the name of the stage.
    #[serde(skip)]
    pub environment: String,
    /// The name on the load balancer's certificate, such as `payments.example.com`: API Gateway checks it. Needed where the
    /// load balancer has a certificate; a public one must be reached by this name, by an alias record in DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_domain: Option<String>,
    /// What is put before the path of every request on its way to the load balancer: empty, or a path such as `/v1`.
    pub backend_path: String,
    /// How long an answer of the load balancer may take, in milliseconds: 50 to 29000.
    #[schemars(range(min = 50, max = 29_000))]
    pub timeout_ms: u32,
    /// How many requests are let through: by each method of the stage, and for each API key.
    pub throttle: Throttle,
    /// How many requests an API key may make in a calendar month: 1 to 2147483647.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub monthly_quota: u32,
    /// How long the record of requests is kept, in days: one of the periods that CloudWatch Logs knows. The default is the
    /// reference's seven years.
    #[schemars(with = "RetentionDays")]
    pub log_retention_in_days: u32,
    /// What API Gateway writes about how it worked on a request: `info`, `error` for failures only, or `off`. Neither bodies
    /// nor headers are ever written.
    pub execution_logs: ExecutionLogs,
    /// Whether requests are traced with X-Ray.
    pub tracing: bool,
    /// Which versions and ciphers of TLS clients may use: one of API Gateway's policies for TLS 1.2 and later, such as
    /// `SecurityPolicy_TLS13_1_2_PQ_2025_09`, or `TLS_1_2`. A change takes AWS a quarter of an hour, and deploys the API anew.
    pub security_policy: String,
    /// Whether the API is closed under its own `execute-api` name, which is the one that this tier knows: for who gives it a
    /// domain of his own.
    pub disable_execute_api_endpoint: bool,
    /// The firewall in front of the stage, which sees the clients' own addresses.
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
            backend_domain: None,
            backend_path: String::new(),
            timeout_ms: 29_000,
            throttle: Throttle::default(),
            monthly_quota: 1_000_000,
            log_retention_in_days: 2557,
            execution_logs: ExecutionLogs::default(),
            tracing: true,
            security_policy: "SecurityPolicy_TLS13_1_2_PQ_2025_09".to_owned(),
            disable_execute_api_endpoint: false,
            waf: Waf::default(),
            keep_logs: false,
            log_key: None,
            tags: BTreeMap::new(),
        }
    }
}

/// How many requests are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Throttle {
    /// Requests in a second, in the long run: 1 to 2147483647. A new account has 10000 for all its APIs together.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub rate_limit: u32,
    /// Requests at one moment, above the rate: 1 to 2147483647. A new account has 5000 for all its APIs together.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub burst_limit: u32,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { rate_limit: 100, burst_limit: 200 }
    }
}

/// What API Gateway writes about how it worked on a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionLogs {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// Every step (Security Hub APIGateway.1).
    #[default]
    Info,
}

impl ExecutionLogs {
    /// API Gateway's name for it.
    pub(crate) fn level(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Error => "ERROR",
            Self::Info => "INFO",
        }
    }
}

/// How many methods the API has, each with a throttle of its own (API Gateway Developer Guide, "Throttle requests to your REST
/// APIs for better throughput": the stage's default is per method).
pub(crate) const METHODS: u64 = 3;

/// The largest number that API Gateway can hold.
const LARGEST: u32 = 2_147_483_647;

impl Args {
    /// What can be said to be wrong before any call.
    pub(crate) fn check(&self, inputs: &Inputs) -> Result<(), DeclareError> {
        self.check_backend(inputs)?;
        DeclareError::within("timeout_ms", self.timeout_ms, 50..=29_000, " milliseconds")?;
        DeclareError::within(
            "throttle.rate_limit",
            self.throttle.rate_limit,
            1..=LARGEST,
            " requests in a second",
        )?;
        DeclareError::within("throttle.burst_limit", self.throttle.burst_limit, 1..=LARGEST, " requests")?;
        DeclareError::within("monthly_quota", self.monthly_quota, 1..=LARGEST, " requests")?;
        self.check_tls()
    }

    fn check_backend(&self, inputs: &Inputs) -> Result<(), DeclareError> {
        if inputs.backend.private && inputs.private_subnet_ids.is_empty() {
            let reason = "a private load balancer is reached through a VPC link, which needs a subnet";
            return Err(DeclareError::argument(
                "private_subnet_ids",
                reason,
                "give it the private subnets, one in each zone",
            ));
        }
        match &self.backend_domain {
            None if inputs.backend.https => {
                let reason = "the load balancer has a certificate, and its own name in DNS is not on that";
                let hint = "give the name on the certificate, such as payments.example.com";
                return Err(DeclareError::argument("backend_domain", reason, hint));
            }
            Some(domain) if !is_host_name(domain) => {
                let reason = format!("`{domain}` is not a host name");
                let hint = "use a name without protocol, port and path, such as payments.example.com";
                return Err(DeclareError::argument("backend_domain", reason, hint));
            }
            _ => {}
        }
        let path = &self.backend_path;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        let fits = path.is_empty()
            || (path.starts_with('/')
                && !path.ends_with('/')
                && path.len() <= 1024
                && path.bytes().all(legal));
        if !fits || path.contains("//") {
            let reason = format!("`{path}` cannot stand before the path of a request");
            let hint = "leave it empty, or begin with a slash and end without one, such as /v1";
            return Err(DeclareError::argument("backend_path", reason, hint));
        }
        Ok(())
    }

    fn check_tls(&self) -> Result<(), DeclareError> {
        let policy = self.security_policy.as_str();
        let enhanced = policy.strip_prefix("SecurityPolicy_TLS13_");
        // Those for edge-optimized APIs end in `_EDGE`.
        // Each says in which month it was made: `1_2_PQ_2025_09`.
        let is_dated = |rest: &str| {
            let mut parts = rest.rsplit('_');
            let (month, year) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let number =
                |text: &str, length| text.len() == length && text.bytes().all(|it| it.is_ascii_digit());
            number(month, 2) && number(year, 4)
        };
        if policy == "TLS_1_2"
            || enhanced
                .is_some_and(|rest| ["1_2_", "1_3_"].iter().any(|it| rest.starts_with(it)) && is_dated(rest))
        {
            return Ok(());
        }
        let reason = format!("`{policy}` is no policy of a regional API for TLS 1.2 and later");
        Err(DeclareError::argument(
            "security_policy",
            reason,
            "use one like SecurityPolicy_TLS13_1_2_PQ_2025_09, or TLS_1_2",
        ))
    }

    /// With the newer policies, an API can insist on being called by its own name.
    pub(crate) fn access_mode(&self) -> Option<&'static str> {
        self.security_policy.starts_with("SecurityPolicy_").then_some("STRICT")
    }

    /// How many requests the stage lets through in so many seconds, from all clients together: each of its methods has the
    /// rate and the burst for itself.
    #[must_use]
    pub fn most_requests(&self, seconds: u32) -> u64 {
        let Throttle { rate_limit, burst_limit } = self.throttle;
        METHODS * (u64::from(rate_limit) * u64::from(seconds) + u64::from(burst_limit))
    }

    /// What the firewall concludes from addresses. Unless it is said otherwise, one client may use all that the API lets
    /// through: many clients can have one address, and one client can be the only one.
    pub(crate) fn by_address(&self) -> ByAddress {
        let limit = self.waf.rate_limit.unwrap_or_else(|| limit_above(self.most_requests(RATE_WINDOW)));
        ByAddress::Clients(limit)
    }

    pub(crate) fn retention(&self) -> Result<RetentionDays, DeclareError> {
        RetentionDays::argument("log_retention_in_days", self.log_retention_in_days)
    }
}

/// RFC 1123: labels of letters, digits and inner hyphens; more than one of them.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(is_label)
}
