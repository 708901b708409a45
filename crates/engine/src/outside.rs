//! Which changes of a plan undo what somebody did outside of this program, and which come from the configuration.

use serde_json::Value;

use crate::diff::{PropertyChange, diff};
use crate::facts::Listed;

/// A change of a plan that would not be, or would be another one, if the live object were what was recorded of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    /// The path of the change.
    pub path: String,
    /// Whether the configuration says what it said before, so that the plan only puts back what somebody changed.
    pub puts_back: bool,
    /// What was recorded there, if anything was.
    pub recorded: Option<Value>,
}

/// Those of the changes, which lead from what is live to what is declared.
pub(crate) fn outside(
    changes: &[PropertyChange],
    recorded: &Value,
    live: &Value,
    declared: &Value,
    lists: &[Listed],
) -> Vec<Outside> {
    let drift = if changes.is_empty() { Vec::new() } else { diff(recorded, live, lists) };
    if drift.is_empty() {
        return Vec::new();
    }
    let configured = diff(recorded, declared, lists);
    let outside = |change: &PropertyChange| {
        let drifted = drift.iter().find(|one| touches(&one.path, &change.path))?;
        let puts_back = !configured.iter().any(|one| touches(&one.path, &change.path));
        let recorded = match (puts_back, drifted.path == change.path) {
            (true, _) => change.after.clone(),
            (false, true) => drifted.before.clone(),
            (false, false) => None,
        };
        Some(Outside { path: change.path.clone(), puts_back, recorded })
    };
    changes.iter().filter_map(outside).collect()
}

/// Whether one path is the other, or leads to it.
fn touches(one: &str, other: &str) -> bool {
    let leads = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    leads(one, other) || leads(other, one)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(recorded: &Value, live: &Value, declared: &Value) -> Vec<(String, bool, Option<Value>)> {
        let changes = diff(live, declared, &[Listed::TAGS]);
        let told = outside(&changes, recorded, live, declared, &[Listed::TAGS]);
        told.into_iter().map(|one| (one.path, one.puts_back, one.recorded)).collect()
    }

    #[test]
    fn what_somebody_changed_is_put_back_and_what_the_configuration_changes_is_not_told() {
        let recorded = json!({ "A": 5, "B": 1, "Tags": [{ "Key": "k", "Value": "v" }] });
        let live =
            json!({ "A": 7, "B": 1, "Tags": [{ "Key": "k", "Value": "w" }, { "Key": "l", "Value": "x" }] });
        let declared = json!({ "A": 5, "B": 2, "Tags": [{ "Key": "k", "Value": "v" }] });
        let added = ("Tags[l]".to_owned(), true, None);
        let tag = ("Tags[k].Value".to_owned(), true, Some(json!("v")));
        assert_eq!(told(&recorded, &live, &declared), [("A".to_owned(), true, Some(json!(5))), tag, added]);
    }

    #[test]
    fn both_at_once_are_both_known() {
        let told = told(&json!({ "A": 5 }), &json!({ "A": 7 }), &json!({ "A": 6 }));
        assert_eq!(told, [("A".to_owned(), false, Some(json!(5)))]);
    }

    #[test]
    fn nothing_is_told_where_live_is_what_was_recorded() {
        assert_eq!(told(&json!({ "A": 5 }), &json!({ "A": 5 }), &json!({ "A": 6 })), []);
        assert_eq!(told(&json!({ "A": 5 }), &json!({ "A": 7 }), &json!({ "A": 7 })), []);
    }

    #[test]
    fn a_path_touches_itself_and_what_is_below_it_and_no_longer_name() {
        assert!(touches("A", "A") && touches("A.B", "A") && touches("A", "A[0].B"));
        assert!(!touches("Ab", "A") && !touches("A.B", "A.C"));
    }
}
