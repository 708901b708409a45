//! What is lost with an object, and what keeps it.

use serde_json::Value;

/// What is lost with an object. The text follows "will be deleted with", such as `all its data and automated backups`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Nothing: the object can be made again as it was.
    Nothing,
    /// Data.
    Data(&'static str),
    /// Images that run, or could run again.
    Images(&'static str),
    /// Logs: evidence.
    Logs(&'static str),
    /// A key, and with it everything that it encrypted or let in.
    Keys(&'static str),
    /// An address that others call or let in, and that nobody gets a second time.
    Addresses(&'static str),
}

impl Loss {
    /// What is lost, in words; `None` if that is nothing.
    #[must_use]
    pub const fn words(self) -> Option<&'static str> {
        match self {
            Loss::Nothing => None,
            Loss::Data(words)
            | Loss::Images(words)
            | Loss::Logs(words)
            | Loss::Keys(words)
            | Loss::Addresses(words) => Some(words),
        }
    }
}

/// A property value that keeps what would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The top-level property.
    pub property: &'static str,
    /// Its value.
    pub value: KeepValue,
    /// What it does.
    pub how: How,
}

/// A property's value in [`Keep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepValue {
    /// Whatever it is.
    Any,
    /// A text.
    Text(&'static str),
    /// A switch.
    Flag(bool),
    /// An item of a list of keys and values: `{"Key": …, "Value": …}`.
    Item(&'static str, &'static str),
}

/// How a property value keeps what would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum How {
    /// The cloud does not delete such an object: a plan that would is refused.
    Forbid,
    /// The object is not deleted while there is something in it: such a plan is refused.
    ForbidUnlessEmpty,
    /// The object stays while it is known that there is something in it, and is not managed any more.
    RetainUnlessEmpty,
    /// The object is deleted, but a copy of what it holds stays: `a final snapshot`.
    Copy(&'static str),
    /// The object itself stays, and is not managed any more.
    Retain,
}

impl Keep {
    /// Whether an object with these properties has the value.
    #[must_use]
    pub fn applies(&self, properties: &Value) -> bool {
        let Some(value) = properties.get(self.property) else { return false };
        match self.value {
            KeepValue::Any => true,
            KeepValue::Text(text) => value.as_str() == Some(text),
            KeepValue::Flag(flag) => value.as_bool() == Some(flag),
            KeepValue::Item(key, text) => {
                let is_it = |item: &Value| {
                    item.get("Key").and_then(Value::as_str) == Some(key)
                        && item.get("Value").and_then(Value::as_str) == Some(text)
                };
                value.as_array().is_some_and(|items| items.iter().any(is_it))
            }
        }
    }
}

/// What is in an object at the moment.
///
/// Exhaustive on purpose: whoever shows a plan must say what is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Nobody can tell: taken for something.
    Unknown,
    /// Nothing.
    Empty,
    /// Something.
    Some {
        /// What, such as `3 images`.
        words: String,
        /// How other objects call parts of it, such as `…/payment-app-dev@sha256:0f1…`: while one of them does and stays, the
        /// part must not go.
        parts: Vec<String>,
    },
}

/// A property that says how much, or for how long, an object holds something: a lower number in it, at any depth, makes the
/// cloud delete what is beyond it. Where it was not set, there was no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The top-level property.
    pub property: &'static str,
    /// What is deleted, such as `logs that are older`.
    pub words: &'static str,
}

impl Limit {
    /// Whether a change of the property lowers it. JSON in a text is looked into.
    #[must_use]
    pub fn is_lowered(before: Option<&Value>, after: Option<&Value>) -> bool {
        match (before, after) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(Value::String(before)), Some(Value::String(after))) => {
                let json = |text: &str| serde_json::from_str::<Value>(text).ok();
                match (json(before), json(after)) {
                    (Some(before), Some(after)) => Self::is_lowered(Some(&before), Some(&after)),
                    _ => false,
                }
            }
            (Some(Value::Number(before)), Some(Value::Number(after))) => after.as_f64() < before.as_f64(),
            (Some(Value::Object(before)), Some(Value::Object(after))) => after.iter().any(|(name, after)| {
                before.get(name).is_some_and(|before| Self::is_lowered(Some(before), Some(after)))
            }),
            (Some(Value::Array(before)), Some(Value::Array(after))) => {
                after.len() > before.len()
                    || before
                        .iter()
                        .zip(after)
                        .any(|(before, after)| Self::is_lowered(Some(before), Some(after)))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_is_lowered_by_a_smaller_number_anywhere_and_by_the_first_one() {
        let lowered = |before: Value, after: Value| Limit::is_lowered(Some(&before), Some(&after));
        assert!(lowered(json!(2557), json!(30)) && !lowered(json!(30), json!(2557)));
        assert!(Limit::is_lowered(None, Some(&json!(30))) && !Limit::is_lowered(Some(&json!(30)), None));
        let rules = |days: u32| json!({ "Rules": [{ "Id": "a", "ExpirationInDays": days }] });
        assert!(lowered(rules(30), rules(29)) && !lowered(rules(29), rules(30)));
        let text =
            |count: u32| json!(format!("{{\"rules\":[{{\"selection\":{{\"countNumber\":{count}}}}}]}}"));
        assert!(lowered(text(30), text(1)) && !lowered(text(1), text(30)));
    }

    #[test]
    fn a_value_applies_only_where_it_is_the_very_same() {
        let keep = |value| Keep { property: "Policy", value, how: How::Retain };
        assert!(keep(KeepValue::Text("Retain")).applies(&json!({ "Policy": "Retain" })));
        assert!(!keep(KeepValue::Text("Retain")).applies(&json!({ "Policy": "Delete" })));
        assert!(!keep(KeepValue::Text("true")).applies(&json!({ "Policy": true })));
        assert!(keep(KeepValue::Flag(false)).applies(&json!({ "Policy": false })));
        assert!(!keep(KeepValue::Flag(false)).applies(&json!({})));
        let item = keep(KeepValue::Item("protected", "true"));
        assert!(item.applies(
            &json!({ "Policy": [{ "Key": "a", "Value": "b" }, { "Key": "protected", "Value": "true" }] })
        ));
        assert!(!item.applies(&json!({ "Policy": [{ "Key": "protected", "Value": "false" }] })));
    }
}
