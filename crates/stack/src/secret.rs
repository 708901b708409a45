//! What is surely a secret is never shown: somebody may have written one into a live object, outside of this program.

use serde_json::Value;

use crate::config::recognised;

/// What stands for it.
pub(crate) const SECRET: &str = "(secret)";

/// The value without texts that are surely secrets.
pub(crate) fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) if recognised(text).is_some() => SECRET.into(),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, inner)| (name.clone(), masked(inner)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_masked_at_any_depth_and_nothing_else_is() {
        // Put together here, so that nobody takes the source for a leak.
        let secret = format!("AKIA{}", "A7".repeat(8));
        let value = json!({ "A": [{ "Value": format!("key={secret}") }, "AKIA", 1], "B": "plain" });
        assert_eq!(masked(&value), json!({ "A": [{ "Value": "(secret)" }, "AKIA", 1], "B": "plain" }));
    }
}
