//! Why there is no plan.

use crate::address::Address;
use crate::choice::Link;
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
    /// A resource would be replaced for no other reason than that nothing is recorded of one that it refers to, though that is there.
    #[error("{address} would be replaced only because {by} is not recorded, though it is there ({id})")]
    Unrecorded {
        /// The resource that would be replaced.
        address: Address,
        /// The one that is not recorded.
        by: Address,
        /// The id of the latter.
        id: String,
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
    /// What shall be selected, or shall not, is neither declared nor recorded.
    #[error("`{pattern}` selects nothing: no such resource is declared or recorded")]
    NothingSelected {
        /// The tier, the addresses or the types.
        pattern: String,
    },
    /// All that shall be selected shall be left out, too.
    #[error("nothing is left: all that is selected is excluded, too")]
    NothingLeft,
    /// What shall be replaced has no object.
    #[error(
        "{address} cannot be replaced: {}", 
        if *is_declared { "it is declared, but nothing is recorded of it yet" } else { "nothing is recorded of it" }
    )]
    NotRecorded {
        /// The resource.
        address: Address,
        /// Whether it is declared.
        is_declared: bool,
    },
    /// What shall be replaced is not declared any more.
    #[error("{address} cannot be replaced: it is recorded, but no longer declared")]
    NotDeclared {
        /// The resource.
        address: Address,
    },
    /// What shall be replaced is left out.
    #[error(
        "{address} cannot be both replaced and left out{}",
        because.as_ref().map_or_else(String::new, |because| format!(": {because}, which is left out"))
    )]
    ReplacementLeftOut {
        /// The resource.
        address: Address,
        /// Why it is left out, where nobody asked for that.
        because: Option<String>,
    },
    /// What is excluded is needed by what is selected.
    #[error("{} cannot be left out: {}", last(chain), links(chain))]
    Excluded {
        /// From what is selected to what is excluded.
        chain: Vec<Link>,
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

fn last(chain: &[Link]) -> &str {
    chain.last().map_or("", |link| link.to.as_str())
}

fn links(chain: &[Link]) -> String {
    chain.iter().map(Link::to_string).collect::<Vec<_>>().join("; ")
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(", ")
}
