//! Walking through the statements of rules, and what can be checked of each.
//!
//! A statement is an object with one member, such as `{"GeoMatchStatement": {…}}`. The model of the API has checked
//! names, types and ranges.

use serde_json::{Map, Value};

use super::{State, invalid, managed, nonexistent, scope};
use crate::services::{ACCOUNT_ID, Refusal, Table, ensure};

/// Where statements stand.
pub(super) struct Place<'a> {
    pub(super) state: &'a State,
    pub(super) region: &'a str,
    pub(super) scope: &'a str,
}

/// The one member of an object of which AWS takes exactly one.
pub(super) fn only<'a>(
    value: &'a Value,
    field: &str,
    parameter: &str,
) -> Result<(&'a str, &'a Value), Refusal> {
    let given: Vec<_> =
        value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()).collect();
    match given.as_slice() {
        [(name, value)] => Ok((name.as_str(), value)),
        _ => {
            let reason = "You have used none or multiple values for a field that requires exactly one value.";
            Err(invalid(reason, field, parameter))
        }
    }
}

/// Whether a statement stands for a group of rules.
pub(super) fn is_group(kind: &str) -> bool {
    matches!(kind, "ManagedRuleGroupStatement" | "RuleGroupReferenceStatement")
}

/// Whether a statement refers to the group of rules that Shield Advanced keeps in a web ACL whose resources it protects. Its
/// name begins so, and it belongs to an account of AWS (Shield Advanced Developer Guide, "Protecting the application layer
/// with the Shield Advanced rule group").
pub(super) fn is_of_shield(body: &Value) -> bool {
    text(body, "ARN").contains(":regional/rulegroup/ShieldMitigationRuleGroup_")
}

impl Place<'_> {
    /// Checks a rule's own statement and all that it holds.
    pub(super) fn check(&self, statement: &Value) -> Result<(), Refusal> {
        let (kind, body) = only(statement, "STATEMENT", "Statement")?;
        match kind {
            "ManagedRuleGroupStatement" => self.check_managed_group(body)?,
            "RuleGroupReferenceStatement" if is_of_shield(body) => {}
            "RuleGroupReferenceStatement" => return Err(nonexistent(text(body, "ARN"))),
            "RateBasedStatement" => check_rate(body)?,
            _ => return self.check_nested(statement),
        }
        match body.get("ScopeDownStatement") {
            Some(inner) => self.check_nested(inner),
            None => Ok(()),
        }
    }

    /// Checks a statement that may stand inside another one.
    fn check_nested(&self, statement: &Value) -> Result<(), Refusal> {
        let (kind, body) = only(statement, "STATEMENT", "Statement")?;
        match kind {
            "AndStatement" | "OrStatement" => {
                let inner = body["Statements"].as_array().map_or(&[][..], Vec::as_slice);
                if inner.len() < 2 {
                    let field = if kind == "AndStatement" { "AND_STATEMENT" } else { "OR_STATEMENT" };
                    let reason = "You haven't met a minimum requirement for a threshold setting.";
                    return Err(invalid(reason, field, "Statements"));
                }
                inner.iter().try_for_each(|inner| self.check_nested(inner))
            }
            "NotStatement" => self.check_nested(&body["Statement"]),
            "IPSetReferenceStatement" => self.check_ip_set(text(body, "ARN")),
            "RegexPatternSetReferenceStatement" => Err(nonexistent(text(body, "ARN"))),
            "ManagedRuleGroupStatement" | "RuleGroupReferenceStatement" | "RateBasedStatement" => {
                Err(invalid("You can't nest this statement in another one.", "STATEMENT", kind))
            }
            _ => check_match(body),
        }
    }

    fn check_managed_group(&self, body: &Value) -> Result<(), Refusal> {
        let name = text(body, "Name");
        let group = managed::find(text(body, "VendorName"), name).ok_or_else(|| nonexistent(name))?;
        let version_is_known = body.get("Version").is_none_or(|version| {
            // AWS WAF Developer Guide, "Versioned managed rule groups".
            version.as_str().is_some_and(|version| version.starts_with("Version_"))
        });
        ensure(version_is_known, || nonexistent(text(body, "Version")))?;
        let has_config = !items(body, "ManagedRuleGroupConfigs").is_empty();
        if group.needs_config && !has_config {
            let reason = "The managed rule group needs a configuration.";
            return Err(invalid(reason, "MANAGED_RULE_GROUP_CONFIG", name));
        }
        let overrides = items(body, "RuleActionOverrides");
        for (at, one) in overrides.iter().enumerate() {
            only(&one["ActionToUse"], "RULE_ACTION", "RuleAction")?;
            if overrides[..at].iter().any(|other| other["Name"] == one["Name"]) {
                return Err(invalid("A rule is overridden twice.", "RULE", text(one, "Name")));
            }
        }
        Ok(())
    }

    fn check_ip_set(&self, arn: &str) -> Result<(), Refusal> {
        let place = if self.scope == "CLOUDFRONT" { "global" } else { "regional" };
        let prefix = format!("arn:aws:wafv2:{}:{ACCOUNT_ID}:{place}/ipset/", self.region);
        if !arn.starts_with(&prefix) {
            return Err(invalid("A reference in your rule statement is not valid.", "RULE", "Statement"));
        }
        self.state.ip_sets.find(arn).map(drop)
    }

    pub(super) fn check_scope(&self) -> Result<(), Refusal> {
        scope::check(self.region, self.scope)
    }
}

/// API Reference, RateBasedStatement.
fn check_rate(body: &Value) -> Result<(), Refusal> {
    let wrong = |reason: &str, parameter: &str| Err(invalid(reason, "RATE_BASED_STATEMENT", parameter));
    let window = body.get("EvaluationWindowSec").and_then(Value::as_u64);
    if !matches!(window, None | Some(60 | 120 | 300 | 600)) {
        return wrong("Valid settings are 60, 120, 300 and 600.", "EvaluationWindowSec");
    }
    let kind = text(body, "AggregateKeyType");
    let keys = items(body, "CustomKeys");
    keys.iter().try_for_each(|key| only(key, "CUSTOM_KEYS", "CustomKeys").map(drop))?;
    match kind {
        "CUSTOM_KEYS" if keys.is_empty() => wrong("CUSTOM_KEYS needs CustomKeys.", "CustomKeys"),
        "CUSTOM_KEYS" => Ok(()),
        _ if !keys.is_empty() => wrong("CustomKeys need CUSTOM_KEYS.", "AggregateKeyType"),
        "FORWARDED_IP" if body.get("ForwardedIPConfig").is_none() => {
            wrong("FORWARDED_IP needs a ForwardedIPConfig.", "ForwardedIPConfig")
        }
        "CONSTANT" if body.get("ScopeDownStatement").is_none() => {
            wrong("CONSTANT needs a scope-down statement.", "ScopeDownStatement")
        }
        _ => Ok(()),
    }
}

/// What all statements that look at a part of the request have.
fn check_match(body: &Value) -> Result<(), Refusal> {
    if let Some(field) = body.get("FieldToMatch") {
        only(field, "FIELD_TO_MATCH", "FieldToMatch")?;
    }
    for member in ["TextTransformations", "PreParseTextTransformations"] {
        let all = items(body, member);
        for (at, one) in all.iter().enumerate() {
            if all[..at].iter().any(|other| other["Priority"] == one["Priority"]) {
                let reason = "Two transformations have the same priority.";
                return Err(invalid(reason, "TEXT_TRANSFORMATION", member));
            }
        }
    }
    Ok(())
}

/// Calls back with every statement that is in a statement, itself included.
pub(super) fn walk<'a>(statement: &'a Value, visit: &mut impl FnMut(&'a str, &'a Value)) {
    for (kind, body) in statement.as_object().into_iter().flat_map(Map::iter) {
        visit(kind, body);
        for inner in items(body, "Statements") {
            walk(inner, visit);
        }
        for member in ["Statement", "ScopeDownStatement"] {
            if let Some(inner) = body.get(member) {
                walk(inner, visit);
            }
        }
    }
}

/// The items of a list that may be missing.
pub(super) fn items<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}
