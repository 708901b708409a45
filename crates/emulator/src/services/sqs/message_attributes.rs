//! Attributes of messages (SQS Developer Guide, "Amazon SQS message metadata"). They are checked, counted towards the size of the
//! message and answered with their digest, and not kept.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::invalid;
use super::send::{digest, is_legal_text};
use crate::protocol::response::{Refusal, refuse_if};

/// Attributes by name.
pub(super) type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// Attributes that a message can have.
const MANY: usize = 10;
/// Characters of a name and of a type.
const LONGEST: usize = 256;

/// A value with its type. The lists of the API's model are reserved ("not implemented").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MessageAttribute {
    data_type: String,
    string_value: Option<String>,
    /// In base64.
    binary_value: Option<String>,
}

/// The part of a type before the dot. The part after it is a label of the client's choice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    String,
    Number,
    Binary,
}

impl MessageAttribute {
    fn kind(&self) -> Option<Kind> {
        let (kind, own) = match self.data_type.split_once('.') {
            Some((kind, own)) => (kind, Some(own)),
            None => (self.data_type.as_str(), None),
        };
        let kind = match kind {
            "String" => Kind::String,
            "Number" => Kind::Number,
            "Binary" => Kind::Binary,
            _ => return None,
        };
        own.is_none_or(|own| !own.is_empty()).then_some(kind)
    }

    fn value(&self, kind: Kind) -> Vec<u8> {
        match kind {
            Kind::Binary => {
                STANDARD.decode(self.binary_value.as_deref().unwrap_or_default()).unwrap_or_default()
            }
            _ => self.string_value.as_deref().unwrap_or_default().into(),
        }
    }

    fn check(&self, name: &str) -> Result<(), Refusal> {
        if self.data_type.len() >= LONGEST {
            return Err(invalid("Message (user) attribute types must be shorter than 256 Bytes"));
        }
        let Some(kind) = self.kind() else {
            return Err(invalid(format!(
                "The type of message (user) attribute '{name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String."
            )));
        };
        if self.string_value.is_some() && self.binary_value.is_some() || self.value(kind).is_empty() {
            let data_type = &self.data_type;
            return Err(invalid(format!(
                "Message (user) attribute '{name}' must contain a non-empty value of type '{data_type}'."
            )));
        }
        let text = self.string_value.as_deref().unwrap_or_default();
        match kind {
            Kind::Number if !text.parse().is_ok_and(f64::is_finite) => Err(invalid(format!(
                "Can't cast the value of message (user) attribute '{name}' to a number."
            ))),
            Kind::String if !is_legal_text(text) => {
                Err(invalid("Invalid characters found in a message attribute."))
            }
            _ => Ok(()),
        }
    }
}

/// Checks `MessageAttributes`.
pub(super) fn check(attributes: &MessageAttributes) -> Result<(), Refusal> {
    if attributes.len() > MANY {
        let count = attributes.len();
        return Err(invalid(format!(
            "Number of message attributes [{count}] exceeds the allowed maximum [{MANY}]."
        )));
    }
    attributes.iter().try_for_each(|(name, attribute)| {
        check_name(name)?;
        attribute.check(name)
    })
}

/// Checks `MessageSystemAttributes`: `AWSTraceHeader`, which is a string.
pub(super) fn check_system(attributes: &MessageAttributes) -> Result<(), Refusal> {
    attributes.iter().try_for_each(|(name, attribute)| match attribute.kind() {
        Some(Kind::String) => attribute.check(name),
        _ => Err(invalid(format!("The type of message (system) attribute '{name}' is invalid."))),
    })
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let small = name.to_ascii_lowercase();
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() >= LONGEST || !name.chars().all(is_legal) {
        return Err(invalid(
            "Message (user) attribute names have 1 to 255 letters, digits, periods, hyphens and underscores.",
        ));
    }
    refuse_if(
        small.starts_with("aws.")
            || small.starts_with("amazon.")
            || small.starts_with('.')
            || small.ends_with('.'),
        || {
            invalid(
                "You can't use message attribute names beginning with 'AWS.' or 'Amazon.', and they cannot start or end with '.'.",
            )
        },
    )
}

/// Bytes that attributes add to a message.
pub(super) fn size(attributes: &MessageAttributes) -> usize {
    let one = |(name, attribute): (&String, &MessageAttribute)| {
        let value = attribute.kind().map_or(0, |kind| attribute.value(kind).len());
        name.len() + attribute.data_type.len() + value
    };
    attributes.iter().map(one).sum()
}

/// The digest that clients compare, if there are any attributes (SQS Developer Guide, "Calculating the MD5 message digest for
/// message attributes").
pub(super) fn digest_of(attributes: &MessageAttributes) -> Option<String> {
    let mut bytes = Vec::new();
    for (name, attribute) in attributes {
        let kind = attribute.kind()?;
        add(&mut bytes, name.as_bytes());
        add(&mut bytes, attribute.data_type.as_bytes());
        bytes.push(if kind == Kind::Binary { 2 } else { 1 });
        add(&mut bytes, &attribute.value(kind));
    }
    (!attributes.is_empty()).then(|| digest(&bytes))
}

fn add(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(part);
}
