//! The firewall in front of a load balancer or of a stage of an API: a web ACL with the rules of this stack, its log, and
//! the association.
//!
//! WAF judges by the address that a connection comes from. At the stage of an API that is the client's. A load balancer
//! behind an API sees a few addresses of API Gateway or of the VPC link, each of which stands for all clients: a rule that
//! counts by address would stop payments far below what the API lets through, and a list of bad addresses could stop all of
//! them. What each web ACL may conclude from addresses is therefore said by [`ByAddress`].
//!
//! No rule looks at `X-Forwarded-For`: a client can send it too, and API Gateway appends to what came. Nor is there a
//! secret header that only API Gateway adds: it would be in the definition of the API, in the web ACL and in the recorded
//! state, none of which may hold a secret.

use engine::{DeclareError, Input, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::resources::{
    DefaultAction, FieldToMatch, LogGroup, LoggingConfiguration, ManagedRuleGroupStatement, OverrideAction,
    RateBasedStatement, RetentionDays, RuleAction, ServiceLinkedRole, Statement, VisibilityConfig, WebAcl,
    WebAclAssociation, WebAclRule,
};
use crate::{DeletionPolicy, KeyArn, LogGroupName, Names, Place, WebAclArn};

/// In how many seconds requests are counted.
pub const RATE_WINDOW: u32 = 300;

/// The limits that WAF takes (API Reference, RateBasedStatement, `Limit`).
const LIMITS: std::ops::RangeInclusive<u32> = 10..=2_000_000_000;

/// Headers with credentials, which no log may show.
const REDACTED_HEADERS: [&str; 2] = ["authorization", "x-api-key"];

/// AWS's list of addresses that it has seen to attack or to scan.
const REPUTATION: &str = "AWSManagedRulesAmazonIpReputationList";

/// The rule groups of AWS that look at what is in a request, in the order in which they look at it. Together with the
/// two rules by address they need 1,327 of the 1,500 capacity units that come without a surcharge.
const CONTENT: [&str; 4] = [
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesLinuxRuleSet",
];

/// A firewall (WAF), and its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Waf {
    /// Whether there is one (Security Hub APIGateway.4 and ELB.16, PCI DSS 6.4.2).
    pub enabled: bool,
    /// How many requests one address may make in five minutes: 10 to 2 000 000 000. Left out, as many as the API lets
    /// through from all clients together, or 2000 where no API is involved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 2_000_000_000))]
    pub rate_limit: Option<u32>,
    /// How long its log is kept, in days: one of the periods that CloudWatch Logs knows. The default is the reference's
    /// seven years.
    #[schemars(with = "RetentionDays")]
    pub log_retention_in_days: u32,
}

impl Default for Waf {
    fn default() -> Self {
        Self { enabled: true, rate_limit: None, log_retention_in_days: 2557 }
    }
}

impl Waf {
    /// How long the log is kept.
    ///
    /// # Errors
    /// For a period that CloudWatch Logs does not know, and for a limit that WAF does not take.
    pub fn retention(&self) -> Result<RetentionDays, DeclareError> {
        if let Some(limit) = self.rate_limit {
            DeclareError::within("waf.rate_limit", limit, LIMITS, " requests in five minutes")?;
        }
        RetentionDays::argument("waf.log_retention_in_days", self.log_retention_in_days)
    }
}

/// The smallest limit of a rule that stops none of so many requests in [`RATE_WINDOW`].
#[must_use]
pub fn limit_above(requests: u64) -> u32 {
    u32::try_from(requests).unwrap_or(u32::MAX).clamp(*LIMITS.start(), *LIMITS.end())
}

/// What a firewall concludes from the address that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByAddress {
    /// Every address is a client: it may make so many requests in [`RATE_WINDOW`], and none if AWS lists it as bad.
    Clients(u32),
    /// An address is a client, or one of the few from which an API forwards the requests of all its clients. Either may
    /// make so many requests in [`RATE_WINDOW`]; requests of those that AWS lists as bad are only counted.
    ClientsAndApi(u32),
    /// Nothing: an API forwards all requests from a few addresses.
    Nothing,
}

/// A firewall in front of one resource.
#[derive(Clone, Debug)]
pub struct Firewall<'a> {
    /// How objects are named and tagged.
    pub names: &'a Names,
    /// Where it is made.
    pub place: &'a Place,
    /// What it is called in its name and tags, such as `waf`.
    pub what: &'a str,
    /// What its log group is called, such as `alb`.
    pub log: &'a str,
    /// The description of its web ACL.
    pub description: &'a str,
    /// What it concludes from addresses.
    pub by_address: ByAddress,
    /// How long its log is kept.
    pub retention: RetentionDays,
    /// Whether the log group stays when the stack is destroyed.
    pub keep_logs: bool,
    /// The key that encrypts its log; one of CloudWatch Logs where it is not given.
    pub log_key: Option<Input<KeyArn>>,
}

/// What a firewall gives to others.
#[derive(Clone, Debug, PartialEq)]
pub struct FirewallOutputs {
    /// Its web ACL.
    pub web_acl_arn: Input<WebAclArn>,
    /// The web ACL's name, by which CloudWatch knows it.
    pub web_acl_name: String,
    /// Where it writes what it saw.
    pub log_group_name: Input<LogGroupName>,
}

impl Firewall<'_> {
    /// Declares the web ACL, its log and its association with a resource.
    ///
    /// # Errors
    /// Where one of the names is taken in the scope.
    pub fn declare(
        &self,
        scope: &mut Scope,
        resource_arn: Input<String>,
    ) -> Result<FirewallOutputs, DeclareError> {
        let web_acl = self.web_acl();
        let web_acl_name = web_acl.name.clone();
        let web_acl_arn = scope.add("web-acl", web_acl)?.arn;
        let group = LogGroup {
            // WAF writes to no other.
            log_group_name: LogGroupName::from(format!("aws-waf-logs-{}", self.names.name(self.log))).into(),
            made_by_service: false,
            deletion_protection_enabled: false,
            retention_in_days: Some(self.retention),
            kms_key_id: self.log_key.clone(),
            deletion_policy: DeletionPolicy::retain_if(self.keep_logs),
            tags: self.names.tags(&format!("{}-logs", self.what)),
        };
        let log_group_name = scope.add("waf-log-group", group)?.log_group_name;
        // The reference to the name makes it wait for the group; the group's own ARN ends in `:*`.
        let destination =
            Input::join([self.place.arn("logs", "log-group:").into(), (&log_group_name).into()]);
        let logging = LoggingConfiguration {
            resource_arn: web_acl_arn.clone(),
            log_destination_configs: vec![destination],
            redacted_fields: REDACTED_HEADERS.map(FieldToMatch::header).to_vec(),
            logging_filter: None,
        };
        scope.add("web-acl-logging", logging)?;
        let needed_by = ["web-acl-logging"];
        ServiceLinkedRole::before(scope, "waf-linked-role", "wafv2.amazonaws.com", &needed_by)?;
        let association = WebAclAssociation { resource_arn, web_acl_arn: web_acl_arn.clone() };
        scope.add("web-acl-association", association)?;
        Ok(FirewallOutputs { web_acl_arn, web_acl_name, log_group_name })
    }

    /// Lets everything pass but what a rule blocks.
    fn web_acl(&self) -> WebAcl {
        let name = self.names.name(self.what);
        let content = (2..).zip(CONTENT);
        let content = content.map(|(priority, group)| managed(priority, group, OverrideAction::None {}));
        WebAcl {
            description: self.description.to_owned(),
            scope: "REGIONAL".to_owned(),
            default_action: DefaultAction::Allow {},
            rules: by_address(self.by_address).into_iter().chain(content).collect(),
            // CloudWatch knows the web ACL by its metric, so that has its name.
            visibility_config: VisibilityConfig::metric(&name),
            tags: self.names.tags(self.what),
            name,
        }
    }
}

/// What costs least and stops most comes first.
fn by_address(by_address: ByAddress) -> Vec<WebAclRule> {
    let (limit, listed) = match by_address {
        ByAddress::Clients(limit) => (limit, OverrideAction::None {}),
        ByAddress::ClientsAndApi(limit) => (limit, OverrideAction::Count {}),
        ByAddress::Nothing => return Vec::new(),
    };
    vec![rate(limit), managed(1, REPUTATION, listed)]
}

fn rate(limit: u32) -> WebAclRule {
    let name = "rate-limit";
    WebAclRule {
        name: name.to_owned(),
        priority: 0,
        statement: Statement::RateBasedStatement(RateBasedStatement {
            limit,
            evaluation_window_sec: RATE_WINDOW,
            aggregate_key_type: "IP".to_owned(),
        }),
        action: Some(RuleAction::Block {}),
        override_action: None,
        visibility_config: VisibilityConfig::metric(name),
    }
}

fn managed(priority: u32, group: &str, override_action: OverrideAction) -> WebAclRule {
    WebAclRule {
        name: group.to_owned(),
        priority,
        statement: Statement::ManagedRuleGroupStatement(ManagedRuleGroupStatement {
            vendor_name: "AWS".to_owned(),
            name: group.to_owned(),
        }),
        action: None,
        override_action: Some(override_action),
        visibility_config: VisibilityConfig::metric(group),
    }
}
