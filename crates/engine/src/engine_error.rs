//! Why the engine could not begin or end its work.

use std::sync::Arc;

use crate::address::Address;
use crate::codec::JournalError;
use crate::error::CallError;
use crate::event::Outcome;
use crate::lock::LockError;
use crate::plan_error::PlanError;
use crate::settle::SettleError;

/// Why the engine could not begin or end its work. What fails while a plan runs is in the
/// [`Report`](crate::Report).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// State and journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another process works on the same state.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The plan cannot be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What an earlier run began cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// A live object could not be read.
    #[error("{address} cannot be read")]
    Read {
        /// The resource.
        address: Address,
        /// Why.
        #[source]
        source: CallError,
    },
    /// The lock could not be renewed until its lease had run out, so the work was stopped.
    #[error("cannot renew the lock in {name}")]
    LockUnrenewed {
        /// The lock, as a person would look for it.
        name: String,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The work was interrupted before anything was changed.
    #[error("interrupted before anything was changed")]
    Interrupted,
    /// The lock was lost in the middle of the work.
    #[error(
        "the lock was lost: this process did not renew it in time, or it was taken away; another run may be at work"
    )]
    LockLost,
}

impl EngineError {
    /// How a session ends that this ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Interrupted => Outcome::Interrupted,
            _ => Outcome::Failed,
        }
    }
}
