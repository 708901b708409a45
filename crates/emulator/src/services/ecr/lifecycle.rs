//! The rules of lifecycle policies (Amazon ECR User Guide, "Lifecycle policy properties in Amazon ECR").

use std::collections::BTreeSet;

use serde::Deserialize;

use super::invalid;
use crate::protocol::response::{Refusal, ensure, refuse_if};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Rule {
    rule_priority: u32,
    /// Any text.
    #[serde(rename = "description")]
    _description: Option<String>,
    selection: Selection,
    action: Action,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selection {
    tag_status: String,
    tag_prefix_list: Option<Vec<String>>,
    tag_pattern_list: Option<Vec<String>>,
    count_type: String,
    count_unit: Option<String>,
    count_number: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
}

/// Checks the text of a policy.
///
/// # Errors
///
/// `InvalidParameterException` with what is wrong.
pub(super) fn check(text: &str) -> Result<(), Refusal> {
    let bad = |what: &str| {
        let message = "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure:";
        invalid(format!("{message} {what}'"))
    };
    let Policy { rules } = serde_json::from_str(text).map_err(|error| bad(&error.to_string()))?;
    ensure((1..=50).contains(&rules.len()), || bad("a policy has 1 to 50 rules"))?;
    let mut priorities = BTreeSet::new();
    for rule in &rules {
        if rule.rule_priority == 0 || !priorities.insert(rule.rule_priority) {
            return Err(bad("each rule needs a priority of its own, from 1"));
        }
        rule.check().map_err(bad)?;
    }
    // The rule for any image comes last, and there is one of it, as of the rule for images without tags.
    let of = |status: &str| rules.iter().filter(|rule| rule.selection.tag_status == status).count();
    if of("any") > 1 || of("untagged") > 1 {
        return Err(bad("there can be one rule for any image, and one for untagged ones"));
    }
    let any = rules.iter().find(|rule| rule.selection.tag_status == "any");
    refuse_if(any.is_some_and(|any| rules.iter().any(|rule| rule.rule_priority > any.rule_priority)), || {
        bad("the rule for any image must have the highest number")
    })
}

impl Rule {
    fn check(&self) -> Result<(), &'static str> {
        let Selection { tag_status, tag_prefix_list, tag_pattern_list, count_type, count_unit, count_number } =
            &self.selection;
        let given = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
        match (tag_status.as_str(), given(tag_prefix_list), given(tag_pattern_list)) {
            ("tagged", true, false) | ("tagged", false, true) | ("untagged" | "any", false, false) => {}
            ("tagged", ..) => return Err("tagged needs a list of prefixes or of patterns"),
            ("untagged" | "any", ..) => return Err("prefixes and patterns go with tagged alone"),
            _ => return Err("tagStatus is tagged, untagged or any"),
        }
        match (count_type.as_str(), count_unit.as_deref()) {
            ("imageCountMoreThan", None) | ("sinceImagePushed", Some("days")) => {}
            ("imageCountMoreThan", Some(_)) => return Err("countUnit goes with sinceImagePushed alone"),
            ("sinceImagePushed", _) => return Err("sinceImagePushed needs the countUnit days"),
            _ => return Err("countType is imageCountMoreThan or sinceImagePushed"),
        }
        match (*count_number, self.action.kind.as_str()) {
            (0, _) => Err("countNumber is 1 or more"),
            (_, "expire") => Ok(()),
            _ => Err("the only action is expire"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    fn rule(priority: u32, selection: &str) -> String {
        format!(r#"{{"rulePriority":{priority},"selection":{selection},"action":{{"type":"expire"}}}}"#)
    }

    const ANY: &str = r#"{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":10}"#;
    const OLD: &str =
        r#"{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":7}"#;

    #[test]
    fn policies_are_read_as_ecr_reads_them() {
        let policy = |rules: &[String]| check(&format!(r#"{{"rules":[{}]}}"#, rules.join(",")));
        assert!(policy(&[rule(1, OLD), rule(2, ANY)]).is_ok());
        let broken = [
            vec![],
            vec![rule(0, ANY)],
            vec![rule(1, OLD), rule(1, ANY)],
            vec![rule(2, OLD), rule(1, ANY)],
            vec![rule(1, ANY), rule(2, ANY)],
            vec![rule(1, r#"{"tagStatus":"tagged","countType":"imageCountMoreThan","countNumber":1}"#)],
            vec![rule(1, r#"{"tagStatus":"any","countType":"sinceImagePushed","countNumber":1}"#)],
            vec![rule(1, r#"{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":0}"#)],
            vec![rule(1, r#"{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1,"x":1}"#)],
        ];
        for rules in broken {
            assert!(policy(&rules).is_err(), "{rules:?}");
        }
        assert!(check("not JSON").is_err());
    }
}
