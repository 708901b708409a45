//! What becomes of an object that holds something when the stack lets go of it.

use engine::{How, Keep, KeepValue};
use serde::{Deserialize, Serialize};

/// What becomes of an object when it is not declared any more: CloudFormation's attribute of the same name. A wish for the
/// deletion, of which the living object does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays in the account, and is not managed any more.
    Retain,
}

impl DeletionPolicy {
    /// The property that a kind has it under.
    pub const PROPERTY: &'static str = "DeletionPolicy";

    /// How [`Retain`](DeletionPolicy::Retain) is written.
    pub const RETAIN: &'static str = "Retain";

    /// How [`Retain`](DeletionPolicy::Retain) keeps what an object holds.
    pub const KEEP: Keep =
        Keep { property: Self::PROPERTY, value: KeepValue::Text(Self::RETAIN), how: How::Retain };

    /// [`Retain`](DeletionPolicy::Retain) if `keep`.
    #[must_use]
    pub const fn retain_if(keep: bool) -> Self {
        if keep { Self::Retain } else { Self::Delete }
    }

    /// Whether it is the default, which is not written down.
    #[must_use]
    pub fn is_delete(&self) -> bool {
        *self == Self::Delete
    }
}
