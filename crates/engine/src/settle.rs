//! What became of calls that an earlier run began and did not see the end of.
//!
//! Nobody is asked. This only looks, and records what it finds:
//!
//! | open intent | found | recorded |
//! |---|---|---|
//! | create | the object | `Created`; the plan brings it to its end |
//! | create | nothing | nothing: if the plan still wants the very same call, it is sent again with the same token |
//! | update, delete | the object | `Observed` with the live properties; the plan decides again |
//! | delete | nothing | `Gone`, once it is gone for good |

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::codec::JournalError;
use crate::error::CallError;
use crate::event::{Event, Operation};
use crate::operate::{look, repeat};
use crate::plan::managed;
use crate::provider::Provider;
use crate::resource::Intent;
use crate::state::{Open, State};

/// Why an open intent could not be settled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// The kind is not registered.
    #[error("{address}: an earlier run began to {operation} it, but this program does not know the kind {kind}")]
    UnknownKind {
        /// The resource.
        address: Address,
        /// What was begun.
        operation: Operation,
        /// Its kind.
        kind: String,
    },
    /// The cloud could not be asked.
    #[error("{address}: an earlier run began to {operation} it, and what came of that cannot be found out")]
    Call {
        /// The resource.
        address: Address,
        /// What was begun.
        operation: Operation,
        /// Why.
        #[source]
        source: CallError,
    },
    /// Nothing could be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What was found for one open intent.
pub(crate) struct Settled {
    pub(crate) address: Address,
    pub(crate) operation: Operation,
    /// What to record; `None` leaves the intent open.
    pub(crate) event: Option<Event>,
}

impl Settled {
    /// Whether the interrupted call turned out to have done something.
    pub(crate) fn took_effect(&self) -> bool {
        matches!(self.event, Some(Event::Created { .. } | Event::Gone { .. }))
    }
}

/// Looks for what each open intent did. Calls nothing that changes anything, and records nothing itself.
pub(crate) async fn look_up(
    state: &State,
    provider: &dyn Provider,
    grace: Duration,
) -> Result<Vec<Settled>, SettleError> {
    let mut looking: FuturesUnordered<_> = state
        .slots()
        .flat_map(|(address, slot)| slot.open.iter().map(move |open| (address, open)))
        .map(|(address, open)| look_up_one(state, provider, grace, address, open))
        .collect();
    let mut settled = Vec::new();
    while let Some(one) = looking.next().await {
        settled.push(one?);
    }
    settled.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(settled)
}

async fn look_up_one(
    state: &State,
    provider: &dyn Provider,
    grace: Duration,
    address: &Address,
    open: &Open,
) -> Result<Settled, SettleError> {
    let operation = open.operation;
    let kind = provider.kind(&open.kind).ok_or_else(|| SettleError::UnknownKind {
        address: address.clone(),
        operation,
        kind: open.kind.clone(),
    })?;
    let failed = |source| SettleError::Call { address: address.clone(), operation, source };
    let event = match operation {
        Operation::Create => {
            let intent = Intent { address: address.clone(), token: open.token.clone() };
            let found = look(kind, &open.properties, &intent, grace).await.map_err(failed)?;
            let known = |outputs: &serde_json::Value| {
                state.slot(address.as_str()).is_some_and(|slot| {
                    slot.current.iter().chain(&slot.deposed).any(|object| object.outputs == *outputs)
                })
            };
            found.filter(|outputs| !known(outputs)).map(|outputs| Event::Created { seq: open.seq, outputs })
        }
        Operation::Update | Operation::Delete => {
            let seq = open.object.unwrap_or_default();
            let object = state.slot(address.as_str()).and_then(|slot| slot.object(seq));
            let Some(object) = object else {
                return Ok(Settled { address: address.clone(), operation, event: None });
            };
            let read = || kind.read(&object.properties, &object.outputs);
            match repeat(&open.token, read, |_| ()).await.map_err(failed)? {
                Some(live) => {
                    let properties = managed(&live, &object.properties, &open.properties);
                    Some(Event::Observed { seq: open.seq, properties })
                }
                None if operation == Operation::Update => {
                    Some(Event::Observed { seq: open.seq, properties: object.properties.clone() })
                }
                None => {
                    let mut backoff = Backoff::poll(&open.token, kind.gone_within());
                    let gone = || kind.poll_gone(&object.properties, &object.outputs);
                    while !repeat(&open.token, gone, |_| ()).await.map_err(failed)? {
                        if !backoff.wait().await {
                            let message = "it is still being deleted; run again to go on waiting";
                            let class = crate::error::ErrorClass::DependencyViolation;
                            return Err(failed(CallError::new(class, "waiting", message)));
                        }
                    }
                    Some(Event::Gone { seq: open.seq })
                }
            }
        }
    };
    Ok(Settled { address: address.clone(), operation, event })
}
