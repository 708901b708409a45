//! The rules of a web ACL.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::statements::{Place, is_group, only};
use super::{capacity, invalid, too_much};
use crate::services::{Answer, Call, Cx, Refusal};

/// A rule as it is given and shown. What is inside its parts is kept as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) priority: u32,
    pub(super) statement: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) override_action: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rule_labels: Option<Value>,
    pub(super) visibility_config: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) captcha_config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) challenge_config: Option<Value>,
}

/// Checks rules and returns the capacity that they need.
pub(super) fn check(place: &Place<'_>, rules: &[Rule]) -> Result<u64, Refusal> {
    for (at, rule) in rules.iter().enumerate() {
        place.check(&rule.statement)?;
        rule.check_action()?;
        for other in &rules[..at] {
            if other.name == rule.name {
                return Err(invalid("Two rules have the same name.", "RULE", &rule.name));
            }
            if other.priority == rule.priority {
                let reason = "Two rules have the same priority.";
                return Err(invalid(reason, "RULE", &rule.priority.to_string()));
            }
        }
    }
    match capacity::of(rules) {
        units if units <= capacity::MOST => Ok(units),
        units => Err(too_much(&format!("{units} of {} capacity units", capacity::MOST))),
    }
}

impl Rule {
    /// API Reference, Rule: a statement for a group of rules has OverrideAction, and any other one Action.
    fn check_action(&self) -> Result<(), Refusal> {
        let (kind, _) = only(&self.statement, "STATEMENT", "Statement")?;
        match (is_group(kind), &self.action, &self.override_action) {
            (true, None, Some(action)) => only(action, "OVERRIDE_ACTION", "OverrideAction").map(drop),
            (false, Some(action), None) => only(action, "RULE_ACTION", "RuleAction").map(drop),
            _ => {
                let reason =
                    "Your statement has multiple values set for a field that requires exactly one value.";
                Err(invalid(reason, "RULE", "Rule"))
            }
        }
    }
}

pub(super) fn check_capacity(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (scope, rules): (String, Vec<Rule>) = call.members(&["Scope", "Rules"])?;
    let place = Place { state: &cx.r.wafv2, region: cx.region, scope: &scope };
    place.check_scope()?;
    Ok(json!({"Capacity": check(&place, &rules)?}))
}
