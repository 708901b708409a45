//! Why there is no plan.

use crate::address::Address;
use crate::removal::Guarded;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A kind that the provider does not have.
    #[error("{address}: this program does not know the kind {kind}")]
    UnknownKind {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: String,
    },
    /// A resource that must not be deleted or replaced would be.
    #[error("protected, but would be deleted or replaced: {}", resources.iter().map(Guarded::to_string).collect::<Vec<_>>().join(", "))]
    Protected {
        /// The resources.
        resources: Vec<Guarded>,
    },
    /// A resource that holds data, images or a key would be replaced, for no other reason than that something which it needs has
    /// disappeared. Logs and addresses are not worth stopping for: they are those of what has disappeared.
    #[error("{address} would be replaced, and {words} with it, only because {missing} has disappeared")]
    OnlyBecauseMissing {
        /// The resource that holds something.
        address: Address,
        /// What it holds.
        words: &'static str,
        /// The resource that has disappeared.
        missing: Address,
    },
    /// What is declared cannot be, as the kind knows beforehand.
    #[error("{address}: {reason}")]
    Refused {
        /// The resource.
        address: Address,
        /// What is wrong.
        reason: String,
        /// What to do instead.
        hint: String,
    },
    /// A part of an object that would be deleted or replaced is used by one that stays.
    #[error("{address} would be deleted or replaced, but {by} uses {part} in it")]
    PartInUse {
        /// The resource that would go.
        address: Address,
        /// The part of it.
        part: String,
        /// What uses it.
        by: Address,
    },
    /// An object would have to go before its successor can be made, while something that stays needs the successor to let go of it.
    #[error(
        "{address} would have to be deleted before its successor can be made, but {by} uses it until then"
    )]
    InTheWay {
        /// The resource that would go.
        address: Address,
        /// What uses it.
        by: Address,
    },
    /// An object stays, with the name that a new one needs.
    #[error("{address} cannot be created: an object that is retained has the name that it needs")]
    NameRetained {
        /// The resource.
        address: Address,
    },
    /// A resource that would be deleted or replaced is needed by one that is outside of what is planned.
    #[error("{address} cannot be deleted: {by} depends on it")]
    StillNeeded {
        /// The resource.
        address: Address,
        /// What depends on it.
        by: Address,
    },
    /// A selected resource needs one that is not selected, and that is not there, or not finished.
    #[error(
        "{from} needs {needs}, which is not selected and {}; select {needs} as well, or everything that {from} depends on",
        if *is_unfinished { "not finished" } else { "does not exist yet" }
    )]
    NotSelected {
        /// The selected resource.
        from: Address,
        /// What it refers to.
        needs: Address,
        /// Whether there is an object, but one that a run has to finish or replace first.
        is_unfinished: bool,
    },
    /// An output that the recorded object does not have.
    #[error("{from} refers to the output {attr} of {address}, which the recorded object does not have")]
    MissingOutput {
        /// The resource with the reference.
        from: Address,
        /// What it refers to.
        address: String,
        /// The output.
        attr: String,
    },
    /// The old and the new order of things contradict each other.
    #[error("there is no order in which these can be changed: {}; change them in two runs", list(addresses))]
    NoOrder {
        /// The resources.
        addresses: Vec<Address>,
    },
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(", ")
}
