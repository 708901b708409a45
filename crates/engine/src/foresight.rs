//! What a kind says of a plan before anything is called: a difference that it leaves as it is, a warning, a refusal.

use serde_json::Value;

use crate::address::Address;
use crate::diff::PropertyChange;

/// A live value that is not the declared one, and is as good.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The top-level property.
    pub property: String,
    /// The live value.
    pub live: Value,
    /// The declared one.
    pub declared: Value,
    /// What is so and why that is left as it is: a sentence without its subject, which is the resource.
    pub because: String,
    /// Whether it is left to others because the program says so ([`Ignored`](crate::Ignored)), and not because of its kind.
    pub is_ignored: bool,
}

/// An [`Accepted`] difference of a recorded resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The resource.
    pub address: Address,
    /// What is accepted.
    pub accepted: Accepted,
}

/// What is to become of a resource, as far as it is known when it is planned.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Where it is declared.
    pub address: &'a Address,
    /// The properties that are declared. What is not known yet is a reference.
    pub declared: &'a Value,
    /// What is there and stays, perhaps changed; `None` where an object is created.
    pub there: Option<There<'a>>,
    /// What of an object that stays is to be changed.
    pub changes: &'a [PropertyChange],
    /// What the same plan deletes or replaces.
    pub going: &'a [Going],
}

impl Wish<'_> {
    /// Whether an object that stays is to be changed in more than these top-level properties.
    #[must_use]
    pub fn changes_beside(&self, quiet: &[&str]) -> bool {
        self.there.is_some() && self.changes.iter().any(|change| !quiet.contains(&change.property()))
    }
}

/// An object that goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Going {
    /// Its kind.
    pub kind: String,
    /// The properties that are recorded of it.
    pub properties: Value,
}

/// An object that stays.
#[derive(Clone, Copy, Debug)]
pub struct There<'a> {
    /// The properties that were declared when it was brought there last.
    pub recorded: &'a Value,
    /// The live ones.
    pub live: &'a Value,
}

/// What a kind says of a [`Wish`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// What somebody who decides on the plan has to know: sentences without their subject, which is the resource.
    pub warnings: Vec<String>,
    /// Why it cannot be.
    pub refused: Option<Refusal>,
}

impl Foreseen {
    /// It can be, and there is nothing to say.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// It can be, but comes with something.
    #[must_use]
    pub fn warning(text: impl Into<String>) -> Self {
        Self { warnings: vec![text.into()], refused: None }
    }

    /// It cannot be.
    #[must_use]
    pub fn refusal(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        let refused = Some(Refusal { reason: reason.into(), hint: hint.into() });
        Self { warnings: Vec::new(), refused }
    }
}

/// Why something cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub reason: String,
    /// What to do instead.
    pub hint: String,
}
