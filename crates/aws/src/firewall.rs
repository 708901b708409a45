//! The rules of the firewall.

use aws::Names;

use crate::Waf;
use crate::resources::{
    DefaultAction, ManagedRuleGroupStatement, OverrideAction, RateBasedStatement, RuleAction, Statement,
    VisibilityConfig, WebAcl, WebAclRule,
};

/// Headers with credentials, which no log may show.
pub(crate) const REDACTED_HEADERS: [&str; 2] = ["authorization", "x-api-key"];

/// The rule groups of AWS, in the order in which they look at a request: what costs least and stops most is first.
/// Together with the rate rule they need 1,327 of the 1,500 capacity units that come without a surcharge.
const RULE_GROUPS: [&str; 5] = [
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesLinuxRuleSet",
];

/// In how many seconds requests are counted.
const RATE_WINDOW: u32 = 300;

/// Lets everything pass but what a rule blocks.
pub(crate) fn web_acl(names: &Names, waf: Waf) -> WebAcl {
    let name = names.name("waf");
    let groups = (1..).zip(RULE_GROUPS).map(|(priority, group)| managed(priority, group));
    WebAcl {
        description: "Stands before the payment load balancer".to_owned(),
        scope: "REGIONAL".to_owned(),
        default_action: DefaultAction::Allow {},
        rules: std::iter::once(rate(waf.rate_limit)).chain(groups).collect(),
        // CloudWatch knows the web ACL by its metric, so that has its name.
        visibility_config: VisibilityConfig::metric(&name),
        tags: names.tags("waf"),
        name,
    }
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

fn managed(priority: u32, group: &str) -> WebAclRule {
    WebAclRule {
        name: group.to_owned(),
        priority,
        statement: Statement::ManagedRuleGroupStatement(ManagedRuleGroupStatement {
            vendor_name: "AWS".to_owned(),
            name: group.to_owned(),
        }),
        action: None,
        override_action: Some(OverrideAction::None {}),
        visibility_config: VisibilityConfig::metric(group),
    }
}
