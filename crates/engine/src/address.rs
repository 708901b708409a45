//! Where a resource lives in the graph: `tier/name`.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest address. AWS allows 256 characters in a tag value, and each resource carries its address in one.
pub const MAX_ADDRESS_LENGTH: usize = 256;

/// The address of a resource, unique in a graph: segments of `a-z`, `0-9` and `-`, joined by `/`.
///
/// Cheap to clone. It is recorded in state and in a tag on the object, so renaming one in code is a
/// replacement, unless [`Scope::formerly`](crate::Scope::formerly) says what it was.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Address(Arc<str>);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Address::new(&text).map_err(serde::de::Error::custom)
    }
}

/// A text that cannot be an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an address: use segments of a-z, 0-9 and `-` joined by `/`, at most {MAX_ADDRESS_LENGTH} characters"
)]
pub struct InvalidAddress {
    text: String,
}

impl Address {
    /// Checks a text and makes it an address.
    ///
    /// # Errors
    /// Where the text is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<Self, InvalidAddress> {
        let segment = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if text.len() <= MAX_ADDRESS_LENGTH && text.split('/').all(segment) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAddress { text: text.to_owned() })
        }
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment: the tier that declared the resource.
    #[must_use]
    pub fn tier(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// What it is called in its tier.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl Borrow<str> for Address {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_segments_of_lower_case_letters_digits_and_hyphens() {
        for good in ["vpc/vpc", "vpc/public-subnet-1", "a", "a/b/c"] {
            assert_eq!(Address::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "/", "vpc/", "/vpc", "Vpc/vpc", "vpc/sub net", "vpc/ü", &"a".repeat(257)] {
            assert!(Address::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn the_tier_is_the_first_segment() {
        assert_eq!(Address::new("vpc/public-subnet-1").unwrap().tier(), "vpc");
    }
}
