//! The rules of a web ACL: what is looked for in requests, and what then happens.

use aws_sdk_wafv2::types::{
    AllowAction, BlockAction, CountAction, ManagedRuleGroupStatement as LiveManaged, NoneAction,
    OverrideAction as LiveOverride, RateBasedStatement as LiveRate, RateBasedStatementAggregateKeyType,
    Rule as Live, RuleAction as LiveAction, Statement as LiveStatement, VisibilityConfig as LiveVisibility,
};
use engine::{CallError, ErrorClass};
use serde::{Deserialize, Serialize};

use crate::wire::{count, number};

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct WebAclRule {
    /// Its name, unique in the web ACL.
    pub name: String,
    /// The smallest number is looked at first.
    pub priority: u32,
    /// What is looked for.
    pub statement: Statement,
    /// What happens to a request in which it is found. Only for statements that are no rule group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RuleAction>,
    /// What happens instead of what the rules of a rule group say. Only for rule groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_action: Option<OverrideAction>,
    /// What is measured.
    pub visibility_config: VisibilityConfig,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statement {
    /// Too many requests.
    RateBasedStatement(RateBasedStatement),
    /// A set of rules that AWS or somebody else keeps up to date.
    ManagedRuleGroupStatement(ManagedRuleGroupStatement),
    /// Anything else, which somebody set by hand: it is shown, and never sent.
    Other {},
}

/// Too many requests from one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RateBasedStatement {
    /// So many are not too many: 10 to 2 000 000 000.
    pub limit: u32,
    /// In so many seconds: 60, 120, 300 or 600.
    pub evaluation_window_sec: u32,
    /// What is counted together: `IP`.
    pub aggregate_key_type: String,
}

/// A managed rule group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ManagedRuleGroupStatement {
    /// Who keeps it: `AWS`.
    pub vendor_name: String,
    /// Its name.
    pub name: String,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RuleAction {
    /// It goes on, and no further rule looks at it.
    Allow {},
    /// It is answered with 403.
    Block {},
    /// It is counted, and goes on to the next rule.
    Count {},
}

/// What happens instead of what the rules of a rule group say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverrideAction {
    /// Nothing: they decide.
    None {},
    /// Requests are counted only.
    Count {},
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VisibilityConfig {
    /// Whether WAF keeps some of the requests to look at, for three hours, with all their headers.
    pub sampled_requests_enabled: bool,
    /// Whether CloudWatch counts.
    #[serde(rename = "CloudWatchMetricsEnabled")]
    pub cloudwatch_metrics_enabled: bool,
    /// Under which name.
    pub metric_name: String,
}

impl VisibilityConfig {
    /// CloudWatch counts, and no request is kept: a sample would show the headers that the log must not.
    #[must_use]
    pub fn metric(name: &str) -> Self {
        Self {
            sampled_requests_enabled: false,
            cloudwatch_metrics_enabled: true,
            metric_name: name.to_owned(),
        }
    }

    pub(super) fn for_call(&self) -> LiveVisibility {
        LiveVisibility::builder()
            .sampled_requests_enabled(self.sampled_requests_enabled)
            .cloud_watch_metrics_enabled(self.cloudwatch_metrics_enabled)
            .metric_name(&self.metric_name)
            .build()
            .expect("all fields are given")
    }

    pub(super) fn from_live(live: Option<&LiveVisibility>) -> Self {
        Self {
            sampled_requests_enabled: live.is_some_and(LiveVisibility::sampled_requests_enabled),
            cloudwatch_metrics_enabled: live.is_some_and(LiveVisibility::cloud_watch_metrics_enabled),
            metric_name: live.map(|live| live.metric_name().to_owned()).unwrap_or_default(),
        }
    }
}

impl Statement {
    fn for_call(&self) -> Result<LiveStatement, CallError> {
        let builder = LiveStatement::builder();
        Ok(match self {
            Statement::RateBasedStatement(rate) => {
                let rate = LiveRate::builder()
                    .limit(i64::from(rate.limit))
                    .evaluation_window_sec(i64::from(rate.evaluation_window_sec))
                    .aggregate_key_type(RateBasedStatementAggregateKeyType::from(
                        rate.aggregate_key_type.as_str(),
                    ))
                    .build()
                    .expect("a limit and a key are given");
                builder.rate_based_statement(rate).build()
            }
            Statement::ManagedRuleGroupStatement(group) => {
                let group = LiveManaged::builder().vendor_name(&group.vendor_name).name(&group.name);
                let group = group.build().expect("a vendor and a name are given");
                builder.managed_rule_group_statement(group).build()
            }
            Statement::Other {} => {
                let message = "a statement of another kind cannot be sent";
                return Err(CallError::new(ErrorClass::Invalid, "writing a rule of a web ACL", message));
            }
        })
    }

    /// A statement that has more to it than these structs can say is another one.
    fn from_live(live: Option<&LiveStatement>) -> Self {
        let rate = live.and_then(LiveStatement::rate_based_statement);
        let rate = rate.filter(|rate| {
            rate.scope_down_statement().is_none()
                && rate.forwarded_ip_config().is_none()
                && rate.custom_keys().is_empty()
        });
        let group = live.and_then(LiveStatement::managed_rule_group_statement);
        let group = group.filter(|group| {
            group.version().is_none()
                && group.scope_down_statement().is_none()
                && group.rule_action_overrides().is_empty()
                && group.excluded_rules().is_empty()
                && group.managed_rule_group_configs().is_empty()
        });
        match (rate, group) {
            (Some(rate), _) => Statement::RateBasedStatement(RateBasedStatement {
                limit: count(rate.limit()),
                evaluation_window_sec: count(rate.evaluation_window_sec()),
                aggregate_key_type: rate.aggregate_key_type().as_str().to_owned(),
            }),
            (None, Some(group)) => Statement::ManagedRuleGroupStatement(ManagedRuleGroupStatement {
                vendor_name: group.vendor_name().to_owned(),
                name: group.name().to_owned(),
            }),
            (None, None) => Statement::Other {},
        }
    }
}

/// Whether a rule is the one that Shield Advanced keeps in a web ACL. It is nobody else's to change.
pub(super) fn is_of_shield(live: &Live) -> bool {
    live.name().starts_with("ShieldMitigationRuleGroup_")
        && live.statement().is_some_and(|statement| statement.rule_group_reference_statement().is_some())
}

impl WebAclRule {
    pub(super) fn for_call(&self) -> Result<Live, CallError> {
        let action = self.action.map(|action| {
            let builder = LiveAction::builder();
            match action {
                RuleAction::Allow {} => builder.allow(AllowAction::builder().build()).build(),
                RuleAction::Block {} => builder.block(BlockAction::builder().build()).build(),
                RuleAction::Count {} => builder.count(CountAction::builder().build()).build(),
            }
        });
        let override_action = self.override_action.map(|action| {
            let builder = LiveOverride::builder();
            match action {
                OverrideAction::None {} => builder.none(NoneAction::builder().build()).build(),
                OverrideAction::Count {} => builder.count(CountAction::builder().build()).build(),
            }
        });
        let rule = Live::builder()
            .name(&self.name)
            .priority(number(self.priority))
            .statement(self.statement.for_call()?)
            .set_action(action)
            .set_override_action(override_action)
            .visibility_config(self.visibility_config.for_call());
        Ok(rule.build().expect("all fields are given"))
    }

    /// Actions that these enums do not have, or with an answer or a header of somebody's own, are none at all, which no rule
    /// of ours has; and a rule that has more to it than this struct can say has another statement.
    pub(super) fn from_live(live: &Live) -> Self {
        let action = live.action().and_then(|action| {
            let allow = action.allow().filter(|allow| allow.custom_request_handling().is_none());
            let block = action.block().filter(|block| block.custom_response().is_none());
            let count = action.count().filter(|count| count.custom_request_handling().is_none());
            let (allow, block) = (allow.map(|_| RuleAction::Allow {}), block.map(|_| RuleAction::Block {}));
            allow.or(block).or(count.map(|_| RuleAction::Count {}))
        });
        let override_action = live.override_action().and_then(|action| {
            let none = action.none().map(|_| OverrideAction::None {});
            none.or(action.count().map(|_| OverrideAction::Count {}))
        });
        let says_more = !live.rule_labels().is_empty()
            || live.captcha_config().is_some()
            || live.challenge_config().is_some();
        Self {
            name: live.name().to_owned(),
            priority: count(live.priority()),
            statement: match says_more {
                true => Statement::Other {},
                false => Statement::from_live(live.statement()),
            },
            action,
            override_action,
            visibility_config: VisibilityConfig::from_live(live.visibility_config()),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_wafv2::types::{CustomResponse, GeoMatchStatement, Label};

    use super::*;

    fn rate() -> WebAclRule {
        WebAclRule {
            name: "rate-limit".to_owned(),
            priority: 0,
            statement: Statement::RateBasedStatement(RateBasedStatement {
                limit: 2000,
                evaluation_window_sec: 300,
                aggregate_key_type: "IP".to_owned(),
            }),
            action: Some(RuleAction::Block {}),
            override_action: None,
            visibility_config: VisibilityConfig::metric("rate-limit"),
        }
    }

    #[test]
    fn a_rule_survives_the_way_to_waf_and_back() {
        let group = WebAclRule {
            statement: Statement::ManagedRuleGroupStatement(ManagedRuleGroupStatement {
                vendor_name: "AWS".to_owned(),
                name: "AWSManagedRulesCommonRuleSet".to_owned(),
            }),
            action: None,
            override_action: Some(OverrideAction::None {}),
            ..rate()
        };
        for rule in [rate(), group] {
            assert_eq!(WebAclRule::from_live(&rule.for_call().unwrap()), rule);
        }
    }

    #[test]
    fn an_answer_or_a_label_of_somebodys_own_is_seen() {
        let response = CustomResponse::builder().response_code(200).build().unwrap();
        let block = BlockAction::builder().custom_response(response).build();
        let mut answered = rate().for_call().unwrap();
        answered.action = Some(LiveAction::builder().block(block).build());
        let label = Label::builder().name("theirs").build().unwrap();
        let mut labelled = rate().for_call().unwrap();
        labelled.rule_labels = Some(vec![label]);
        for live in [answered, labelled] {
            assert_ne!(WebAclRule::from_live(&live), rate());
        }
    }

    #[test]
    fn a_statement_that_cannot_be_said_here_is_seen_and_never_sent() {
        let geo = LiveStatement::builder().geo_match_statement(GeoMatchStatement::builder().build()).build();
        let mut live = rate().for_call().unwrap();
        let mut narrowed = live.statement.clone().unwrap();
        narrowed.rate_based_statement.as_mut().unwrap().scope_down_statement = Some(Box::new(geo.clone()));
        for statement in [geo, narrowed] {
            live.statement = Some(statement);
            let seen = WebAclRule::from_live(&live);
            assert_eq!(seen.statement, Statement::Other {});
            assert_eq!(seen.for_call().unwrap_err().class, ErrorClass::Invalid);
        }
    }
}
