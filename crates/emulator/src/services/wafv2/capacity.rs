//! Web ACL capacity units (AWS WAF Developer Guide, "Web ACL capacity units (WCUs) in AWS WAF", and the pages of the
//! rule statements).
//!
//! A text transformation costs 10 units for each part of the request that it is applied to, once for all rules
//! together: the console's totals show that a second use is free.

use std::collections::BTreeSet;

use serde_json::Value;

use super::managed;
use super::rules::Rule;
use super::statements::{is_of_shield, items, text, walk};

/// A web ACL can use so many units.
pub(super) const MOST: u64 = 5000;

/// The units that rules need together.
pub(super) fn of(rules: &[Rule]) -> u64 {
    let mut units = 0;
    let mut transformations = BTreeSet::new();
    for rule in rules {
        walk(&rule.statement, &mut |kind, body| {
            units += base(kind, body);
            transformations.extend(transformed(body));
        });
    }
    units + 10 * transformations.len() as u64
}

/// What a statement needs by itself.
fn base(kind: &str, body: &Value) -> u64 {
    match kind {
        "GeoMatchStatement" | "LabelMatchStatement" | "AsnMatchStatement" => 1,
        "IPSetReferenceStatement" if body["IPSetForwardedIPConfig"]["Position"] == "ANY" => 5,
        "IPSetReferenceStatement" => 1,
        "RateBasedStatement" => 2 + 30 * items(body, "CustomKeys").len() as u64,
        "ManagedRuleGroupStatement" => {
            managed::find(text(body, "VendorName"), text(body, "Name")).map_or(0, |group| group.capacity)
        }
        // Shield Advanced Developer Guide, "Protecting the application layer with the Shield Advanced rule group".
        "RuleGroupReferenceStatement" if is_of_shield(body) => 150,
        "SizeConstraintStatement" => of_part(1, body),
        "RegexMatchStatement" => of_part(3, body),
        "XssMatchStatement" => of_part(40, body),
        "SqliMatchStatement" if body["SensitivityLevel"] == "HIGH" => of_part(30, body),
        "SqliMatchStatement" => of_part(20, body),
        "ByteMatchStatement" => match text(body, "PositionalConstraint") {
            "CONTAINS" | "CONTAINS_WORD" => of_part(10, body),
            _ => of_part(2, body),
        },
        // Logical statements cost what they hold.
        _ => 0,
    }
}

/// A JSON body doubles the base cost, all query arguments add 10.
fn of_part(units: u64, body: &Value) -> u64 {
    let part = &body["FieldToMatch"];
    match (part.get("JsonBody"), part.get("AllQueryArguments")) {
        (Some(_), _) => 2 * units,
        (_, Some(_)) => units + 10,
        _ => units,
    }
}

/// Which parts of the request a statement transforms, and how.
fn transformed(body: &Value) -> Vec<(String, String)> {
    let of = |part: &Value, member: &str, owner: &Value| -> Vec<(String, String)> {
        let types = items(owner, member).iter().map(|one| text(one, "Type")).filter(|kind| *kind != "NONE");
        types.map(|kind| (part.to_string(), format!("{member} {kind}"))).collect()
    };
    let part = &body["FieldToMatch"];
    let mut all = of(part, "TextTransformations", body);
    all.extend(of(part, "PreParseTextTransformations", body));
    for key in items(body, "CustomKeys") {
        for (kind, inner) in key.as_object().into_iter().flatten() {
            let part = Value::from(format!("{kind} {}", text(inner, "Name")));
            all.extend(of(&part, "TextTransformations", inner));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(statement: Value) -> Rule {
        let rule = json!({"Name": "r", "Priority": 0, "Statement": statement, "VisibilityConfig": {}});
        serde_json::from_value(rule).expect("it is well formed")
    }

    fn byte_match(constraint: &str, field: Value, transformations: &[&str]) -> Value {
        let transformations: Vec<Value> = transformations.iter().map(|kind| json!({"Type": kind})).collect();
        json!({"ByteMatchStatement": {
            "PositionalConstraint": constraint, "FieldToMatch": field, "TextTransformations": transformations,
        }})
    }

    #[test]
    fn every_statement_has_its_documented_cost() {
        let path = json!({"UriPath": {}});
        let managed = |name: &str| json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}});
        let geo = json!({"GeoMatchStatement": {"CountryCodes": ["SG"]}});
        let rows = [
            (geo.clone(), 1),
            (json!({"IPSetReferenceStatement": {"ARN": "a"}}), 1),
            (json!({"IPSetReferenceStatement": {"IPSetForwardedIPConfig": {"Position": "ANY"}}}), 5),
            (managed("AWSManagedRulesCommonRuleSet"), 700),
            (managed("AWSManagedRulesAmazonIpReputationList"), 25),
            (json!({"RateBasedStatement": {"Limit": 2000}}), 2),
            (json!({"RateBasedStatement": {"ScopeDownStatement": geo}}), 3),
            (json!({"RateBasedStatement": {"CustomKeys": [{"IP": {}}, {"HTTPMethod": {}}]}}), 62),
            (byte_match("EXACTLY", path.clone(), &["NONE"]), 2),
            (byte_match("CONTAINS", path.clone(), &["LOWERCASE", "URL_DECODE"]), 30),
            (byte_match("EXACTLY", json!({"JsonBody": {}}), &["NONE"]), 4),
            (
                json!({"SqliMatchStatement": {"SensitivityLevel": "HIGH", "FieldToMatch": {"AllQueryArguments": {}}}}),
                40,
            ),
            (json!({"XssMatchStatement": {"FieldToMatch": {"Body": {}}}}), 40),
            (json!({"AndStatement": {"Statements": [geo, {"NotStatement": {"Statement": geo}}]}}), 2),
        ];
        for (statement, units) in rows {
            assert_eq!(of(&[rule(statement.clone())]), units, "{statement}");
        }
    }

    #[test]
    fn a_transformation_of_a_part_counts_once() {
        let path = || json!({"UriPath": {}});
        let rules = [
            rule(byte_match("EXACTLY", path(), &["LOWERCASE"])),
            rule(byte_match("STARTS_WITH", path(), &["LOWERCASE"])),
            rule(byte_match("EXACTLY", json!({"QueryString": {}}), &["LOWERCASE"])),
        ];
        assert_eq!(of(&rules), 2 + 2 + 2 + 10 + 10);
    }
}
