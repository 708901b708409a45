//! What the journal records.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::error::ErrorClass;

/// What a mutating call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of an object.
    Update,
    /// The end of an object.
    Delete,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
        })
    }
}

/// One record of the journal. `seq` always names the record number of the intent that it belongs to; for an
/// object, that is also its identity in state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A process has taken the lock. It fences off a process that lost it: that one's next append is refused.
    Opened {
        /// Who.
        holder: String,
        /// What the state describes from now on: see [`Engine::bound_to`](crate::Engine::bound_to).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound_to: Option<String>,
        /// Whose objects it describes from now on: see [`Engine::of_stack`](crate::Engine::of_stack).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stack: Option<String>,
    },
    /// A mutating call is about to be made. Durable before the call is.
    Intent {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: String,
        /// What the call does.
        operation: Operation,
        /// The client token and intent tag.
        token: String,
        /// What is sent; for a delete, what was last known.
        properties: Value,
        /// The resources that it refers to.
        dependencies: Vec<Address>,
        /// Whether it is protected from now on.
        protect: bool,
        /// The object that is changed or deleted.
        object: Option<u64>,
    },
    /// The identity of a created object is known. Durable before any further call for it.
    Created {
        /// The intent.
        seq: u64,
        /// Outputs so far.
        outputs: Value,
        /// Whether the object was there already, made by a run of which the state knows nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        adopted: bool,
    },
    /// A created object is ready, or an update is complete.
    Ready {
        /// The intent.
        seq: u64,
        /// Final outputs.
        outputs: Value,
    },
    /// A created object will never be ready. The next plan replaces it.
    Broken {
        /// The intent.
        seq: u64,
        /// In the cloud's words.
        reason: String,
    },
    /// A deleted object is gone.
    Gone {
        /// The intent.
        seq: u64,
    },
    /// The call of an intent surely had no effect.
    Failed {
        /// The intent.
        seq: u64,
        /// Why.
        class: ErrorClass,
    },
    /// What became of an interrupted update or delete was read from the cloud: the object is there, with these
    /// properties.
    Observed {
        /// The intent.
        seq: u64,
        /// Live properties.
        properties: Value,
    },
    /// An object was found to be gone without our doing.
    Missing {
        /// The resource.
        address: Address,
        /// The object.
        object: u64,
    },
    /// An object stays in the cloud and is not managed any more.
    Released {
        /// The resource.
        address: Address,
        /// The object.
        object: u64,
    },
    /// What is known of an object changed without a call: its dependencies, its protection, or properties that the
    /// live object has already.
    Recorded {
        /// The resource.
        address: Address,
        /// The object.
        object: u64,
        /// Its properties.
        properties: Value,
        /// The resources that it refers to.
        dependencies: Vec<Address>,
        /// Whether it is protected.
        protect: bool,
    },
    /// The stack's outputs, as references into state.
    Exports {
        /// Name to value.
        values: Value,
    },
}
