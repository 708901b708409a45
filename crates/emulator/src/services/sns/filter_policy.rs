//! Filter policies of subscriptions.
//!
//! SNS checks a policy's grammar, number of keys, complexity and nesting when the policy is set (recorded from real AWS). The
//! limits are from the SNS Developer Guide ("Filter policy constraints in Amazon SNS"), and so is the grammar ("Amazon SNS
//! subscription filter policies"); where it is silent, the grammar is that of aws/event-ruler. `anything-but` does not support
//! suffixes (localstack/localstack#10691).
//!
//! A policy is an object. Each member is an array of accepted values, or, in the scope `MessageBody`, another such object.

use std::net::IpAddr;

use crate::protocol::response::{ensure, refuse_if};
use serde_json::{Map, Value};

/// Bytes of a policy.
const LONGEST: usize = 256 * 1024;
/// Keys at the top level. Nested ones are not counted.
const KEYS: usize = 5;
/// The product of the lengths of all arrays, each multiplied by its depth.
const COMBINATIONS: usize = 150;
/// The key whose array lists alternatives.
const OR: &str = "$or";

/// Comparisons. A key of an alternative cannot have such a name.
const OPERATORS: [&str; 7] =
    ["anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix"];

/// Whether the policies of a scope may be nested.
fn may_nest(scope: &str) -> bool {
    scope == "MessageBody"
}

/// Checks a policy for a scope.
///
/// # Errors
///
/// What is wrong, close to AWS's words.
pub(super) fn check(text: &str, scope: &str) -> Result<(), String> {
    refuse_if(text.len() > LONGEST, || "FilterPolicy: Filter policy is too long".to_owned())?;
    let Ok(Value::Object(policy)) = serde_json::from_str(text) else {
        return Err("FilterPolicy: failed to parse JSON.".to_owned());
    };
    if policy.len() > KEYS {
        return Err(format!("FilterPolicy: Filter policy can not have more than {KEYS} keys"));
    }
    match combinations(&policy, scope, 1)? {
        ..=COMBINATIONS => Ok(()),
        _ => Err("FilterPolicy: Filter policy is too complex".to_owned()),
    }
}

/// Checks an object, and returns its number of combinations.
fn combinations(object: &Map<String, Value>, scope: &str, depth: usize) -> Result<usize, String> {
    let mut all: usize = 1;
    for (name, value) in object {
        let these = match value {
            Value::Object(inner) if may_nest(scope) => combinations(inner, scope, depth + 1)?,
            Value::Object(_) => {
                return Err(format!("Filter policy scope {scope} does not support nested filter policy"));
            }
            Value::Array(values) if values.is_empty() => {
                return Err("FilterPolicy: Empty arrays are not allowed".to_owned());
            }
            Value::Array(values) => match alternatives(name, values) {
                Some(objects) => {
                    let each = objects.into_iter().map(|object| combinations(object, scope, depth));
                    each.sum::<Result<usize, String>>()?
                }
                None => {
                    values.iter().try_for_each(check_value)?;
                    values.len() * depth
                }
            },
            _ => return Err(format!("FilterPolicy: \"{name}\" must be an object or an array")),
        };
        all = all.saturating_mul(these);
    }
    Ok(all)
}

/// The alternatives of `$or`: at least two objects whose keys are not comparisons. Otherwise `$or` is an ordinary key (SNS
/// Developer Guide, "AND/OR logic", "OR operator").
fn alternatives<'a>(name: &str, values: &'a [Value]) -> Option<Vec<&'a Map<String, Value>>> {
    let objects: Vec<_> = values.iter().map(Value::as_object).collect::<Option<_>>()?;
    let is_value = |object: &&Map<String, Value>| object.keys().any(|key| OPERATORS.contains(&key.as_str()));
    (name == OR && objects.len() >= 2 && !objects.iter().any(is_value)).then_some(objects)
}

/// Checks an item of an array: a value, or a comparison.
fn check_value(value: &Value) -> Result<(), String> {
    match value {
        Value::Object(comparison) => {
            check_comparison(comparison).map_err(|reason| format!("FilterPolicy: {reason}"))
        }
        Value::Array(_) => {
            Err("FilterPolicy: Match value must be String, number, true, false, or null".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_comparison(comparison: &Map<String, Value>) -> Result<(), String> {
    let mut parts = comparison.iter();
    let (Some((operator, operand)), None) = (parts.next(), parts.next()) else {
        return Err("Only one key allowed in match expression".to_owned());
    };
    match operator.as_str() {
        "exists" if operand.is_boolean() => Ok(()),
        "exists" => Err("exists match pattern must be either true or false.".to_owned()),
        "prefix" | "suffix" | "equals-ignore-case" if operand.is_string() => Ok(()),
        "prefix" | "suffix" | "equals-ignore-case" => {
            Err(format!("{operator} match pattern must be a string"))
        }
        "cidr" => {
            ensure(operand.as_str().is_some_and(is_block), || "Malformed CIDR, one '/' required".to_owned())
        }
        "anything-but" => check_exception(operand),
        "numeric" => check_numeric(operand.as_array().map_or(&[], Vec::as_slice)),
        other => Err(format!("Unrecognized match type {other}")),
    }
}

/// The operand of `anything-but`: a string, a number, a list of either, or a prefix.
fn check_exception(operand: &Value) -> Result<(), String> {
    match operand {
        Value::String(_) | Value::Number(_) => Ok(()),
        Value::Array(values) if values.is_empty() => Err("Empty arrays are not allowed".to_owned()),
        Value::Array(values) => {
            ensure(values.iter().all(Value::is_string) || values.iter().all(Value::is_number), || {
                "Inside anything but list, either all values are number or string".to_owned()
            })
        }
        Value::Object(pattern) => match pattern.iter().next() {
            Some((name, Value::String(text))) if name == "prefix" && pattern.len() == 1 => {
                refuse_if(text.is_empty(), || "Null prefix not allowed".to_owned())
            }
            Some((name, _)) if name == "prefix" => Err("prefix match pattern must be a string".to_owned()),
            Some((name, _)) => Err(format!("Unsupported anything-but pattern: {name}")),
            None => Err("Only one key allowed in match expression".to_owned()),
        },
        _ => Err("Value of anything-but must be an array or single string/number value.".to_owned()),
    }
}

/// The operand of `numeric`: one comparison, such as `["=", 1]`, or a range, such as `[">", 0, "<=", 5]`.
fn check_numeric(parts: &[Value]) -> Result<(), String> {
    let Some(Value::String(operator)) = parts.first() else {
        let shown = parts.first().map_or_else(|| "]".to_owned(), Value::to_string);
        return Err(format!("Invalid member in numeric match: {shown}"));
    };
    if !["=", "<", "<=", ">", ">="].contains(&operator.as_str()) {
        return Err(format!("Unrecognized numeric range operator: {operator}"));
    }
    let bound = |at: usize, operator: &str| {
        parts.get(at).and_then(Value::as_f64).ok_or_else(|| format!("Value of {operator} must be numeric"))
    };
    let bottom = bound(1, operator)?;
    if parts.len() == 2 {
        return Ok(());
    }
    ensure(operator.starts_with('>'), || "Too many elements in numeric expression".to_owned())?;
    let second = match parts.get(2).and_then(Value::as_str) {
        Some(operator) if operator == "<" || operator == "<=" => operator,
        _ => return Err("Bad numeric range operator".to_owned()),
    };
    match (bound(3, second)? > bottom, parts.len()) {
        (true, 4) => Ok(()),
        (true, _) => Err("Too many terms in numeric range expression".to_owned()),
        (false, _) => Err("Bottom must be less than top".to_owned()),
    }
}

/// Whether a text is a CIDR block.
fn is_block(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= longest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ATTRIBUTES: &str = "MessageAttributes";
    const BODY: &str = "MessageBody";

    #[test]
    fn policies_that_sns_takes() {
        for policy in [
            json!({}),
            json!({"a": ["x", 1, true, null]}),
            json!({"a": [{"exists": true}], "b": [{"prefix": "x"}], "c": [{"suffix": "x"}]}),
            json!({"a": [{"equals-ignore-case": "x"}], "b": [{"cidr": "10.0.0.0/24"}]}),
            json!({"a": [{"anything-but": "x"}, {"anything-but": 1}, {"anything-but": ["x", "y"]}]}),
            json!({"a": [{"anything-but": {"prefix": "x"}}]}),
            json!({"a": [{"numeric": ["=", 1]}, {"numeric": [">", 0, "<=", 5.5]}]}),
            json!({"a": ["x"], "$or": [{"b": ["y"]}, {"c": ["z"], "d": ["z"]}]}),
        ] {
            assert_eq!(check(&policy.to_string(), ATTRIBUTES), Ok(()), "{policy}");
        }
        let nested = json!({"a": {"b": {"c": ["x"]}}, "d": ["x"]});
        assert_eq!(check(&nested.to_string(), BODY), Ok(()));
        assert!(check(&nested.to_string(), ATTRIBUTES).is_err());
    }

    #[test]
    fn combinations_are_multiplied_by_depth_and_added_for_alternatives() {
        let count = |policy: Value| {
            combinations(policy.as_object().expect("it is an object"), BODY, 1).expect("it is sound")
        };
        // The example of the Developer Guide.
        let nested = json!({
            "key_a": {"key_b": {"key_c": ["value_one", "value_two", "value_three", "value_four"]}},
            "key_d": {"key_e": ["value_one", "value_two", "value_three"]},
        });
        assert_eq!(count(nested), 4 * 3 * 3 * 2);
        assert_eq!(count(json!({"a": ["x", "y"], "$or": [{"b": ["x", "y"]}, {"c": ["x"]}]})), 2 * 3);
        let values = |count: usize| (0..count).collect::<Vec<_>>();
        for (many, is_taken) in [(150, true), (151, false)] {
            let policy = json!({"a": values(many)}).to_string();
            assert_eq!(check(&policy, ATTRIBUTES).is_ok(), is_taken, "{many}");
        }
    }
}
