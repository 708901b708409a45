//! Attributes of messages (SNS Developer Guide, "Amazon SNS message attributes"). They are checked and
//! dropped, as messages are.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::protocol::response::{Refusal, refuse_if};

/// Attributes by name.
pub(super) type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// Characters of a name.
const LONGEST: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MessageAttribute {
    data_type: String,
    string_value: Option<String>,
    /// In base64.
    binary_value: Option<String>,
}

impl MessageAttribute {
    fn check(&self, name: &str) -> Result<(), Refusal> {
        let kind = self.data_type.split('.').next().unwrap_or_default();
        if !["String", "Number", "Binary"].contains(&kind) || self.data_type.ends_with('.') {
            return Err(invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
            )));
        }
        let (value, other, field) = match kind {
            "Binary" => (&self.binary_value, &self.string_value, "Binary"),
            _ => (&self.string_value, &self.binary_value, "String"),
        };
        let data_type = &self.data_type;
        let Some(value) = value.as_ref().filter(|value| !value.is_empty()) else {
            return Err(invalid(match other {
                Some(_) => format!(
                    "The message attribute '{name}' with type '{data_type}' must use field '{field}'."
                ),
                None => format!(
                    "The message attribute '{name}' must contain non-empty message attribute value for message attribute type '{data_type}'."
                ),
            }));
        };
        refuse_if(kind == "Number" && !value.parse().is_ok_and(f64::is_finite), || {
            invalid(format!("Could not cast message attribute '{name}' value to number."))
        })
    }
}

/// Checks attributes.
pub(super) fn check(attributes: &MessageAttributes) -> Result<(), Refusal> {
    attributes.iter().try_for_each(|(name, attribute)| {
        check_name(name)?;
        attribute.check(name)
    })
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let has_stray_dot = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    refuse_if(!(1..=LONGEST).contains(&name.len()) || !name.chars().all(is_legal) || has_stray_dot, || {
        invalid(format!("{name} is not a message attribute name."))
    })
}

/// Bytes that attributes add to a message.
pub(super) fn size(attributes: &MessageAttributes) -> usize {
    let length = |value: &Option<String>| value.as_ref().map_or(0, String::len);
    let one = |(name, attribute): (&String, &MessageAttribute)| {
        // Four letters of base64 are three bytes.
        let binary = length(&attribute.binary_value) / 4 * 3;
        name.len() + attribute.data_type.len() + length(&attribute.string_value) + binary
    };
    attributes.iter().map(one).sum()
}

/// `InvalidParameterValueException` of the API's model, by its code.
fn invalid(message: String) -> Refusal {
    Refusal::new("ParameterValueInvalid", message)
}
