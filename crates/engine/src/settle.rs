//! What became of calls that an earlier run began and did not see the end of.
//!
//! Nobody is asked. This only looks, and records what it finds:
//!
//! | open intent | found | recorded |
//! |---|---|---|
//! | create | the object | `Created`; the plan brings it to its end |
//! | create | one of its name that such a call does not make | nothing, as if nothing were found |
//! | create | nothing | nothing: if the plan still wants the very same call, it is sent again with the same token |
//! | update, delete | the object | `Observed` with the live properties; the plan decides again |
//! | delete | nothing | `Gone`, once it is gone for good |
//!
//! An object that was still being created, and will never be ready, is recorded as `Broken`; the plan replaces it.

use std::collections::HashSet;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};

use serde_json::Value;
use tokio::time::Instant;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::calls::{is_gone, read, repeat};
use crate::codec::JournalError;
use crate::diff::{changed_properties, managed};
use crate::error::{CallError, ErrorClass};
use crate::event::{Event, Mutation, Operation, Seq};
use crate::observer::{Observer, Progress};
use crate::provider::{Kind, Provider};
use crate::resource::{Change, Intent, Readiness, Search, Settle};
use crate::state::{Object, Open, Phase, State};

/// Why an open intent could not be settled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// The kind is not registered.
    #[error(
        "{address}: an earlier run began to {operation} it, but this program does not know the kind {kind}"
    )]
    UnknownKind {
        /// The resource.
        address: Address,
        /// What was begun.
        operation: Operation,
        /// Its kind.
        kind: String,
    },
    /// The cloud could not be asked.
    #[error(
        "{address}: an earlier run began to {operation} it, and the outcome of that cannot be determined"
    )]
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

/// Looks for what each open intent did, but for those in `looked`. Calls nothing that changes anything, and records
/// nothing itself, so it can be dropped at any time.
pub(crate) async fn look_up(
    state: &State,
    provider: &dyn Provider,
    grace: Duration,
    looked: &HashSet<Seq>,
    observer: &dyn Observer,
) -> Result<Vec<Settled>, SettleError> {
    let mut looking: FuturesUnordered<_> = state
        .slots()
        .flat_map(|(address, slot)| slot.open.iter().map(move |open| (address, open)))
        .filter(|(_, open)| !looked.contains(&open.seq))
        .map(|(address, open)| look_up_one(state, provider, grace, address, open, observer))
        .collect();
    let mut settled = Vec::new();
    while let Some(one) = looking.next().await {
        settled.push(one?);
    }
    drop(looking);
    let mut looking: FuturesUnordered<_> = state
        .objects()
        .filter(|(_, object)| object.phase == Phase::Creating && !object.adopted)
        .map(|(address, object)| look_whether_broken(provider, address, object))
        .collect();
    while let Some(one) = looking.next().await {
        settled.extend(one);
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
    observer: &dyn Observer,
) -> Result<Settled, SettleError> {
    let operation = open.mutation.operation();
    let wait = |on: &str, refused| {
        observer.observe(&Progress::Waiting {
            address: address.clone(),
            operation: Some(operation),
            on: on.to_owned(),
            refused,
        });
    };
    let refused = |error: &CallError| wait(&error.to_string(), Some(error.class));
    let kind = provider.kind(&open.kind).ok_or_else(|| SettleError::UnknownKind {
        address: address.clone(),
        operation,
        kind: open.kind.clone(),
    })?;
    let failed = |source| SettleError::Call { address: address.clone(), operation, source };
    let event = match open.mutation {
        Mutation::Create => {
            let intent = Intent { address: address.clone(), token: open.token.clone() };
            let found = match look(kind, &open.properties, &Search::made_by(&intent), grace, &wait).await {
                Err(error) if is_somebody_elses(kind, &error) => None,
                found => found.map_err(failed)?,
            };
            let known =
                |outputs: &Value| is_known(state, kind, &open.kind, address, &open.properties, outputs);
            match found.filter(|outputs| known(outputs).is_none()) {
                Some(outputs) if is_other(kind, &open.properties, &outputs).await.map_err(failed)? => None,
                found => found.map(|outputs| Event::Created { seq: open.seq, outputs, adopted: false }),
            }
        }
        Mutation::Update(seq) | Mutation::Delete(seq) => {
            let object = state.slot(address.as_str()).and_then(|slot| slot.object(seq));
            let Some(object) = object else {
                return Ok(Settled { address: address.clone(), operation, event: None });
            };
            let look = || read(kind, &object.properties, &object.outputs);
            match repeat(&open.token, look, refused).await.map_err(failed)? {
                Some(live) => {
                    let properties = managed(&live, &object.properties, &open.properties, &[]);
                    Some(Event::Observed { seq: open.seq, properties })
                }
                None if operation == Operation::Update => {
                    Some(Event::Observed { seq: open.seq, properties: object.properties.clone() })
                }
                None => {
                    let mut backoff = Backoff::poll(&open.token, kind.facts().times.gone.deadline());
                    let gone = || is_gone(kind, &object.properties, &object.outputs);
                    while !repeat(&open.token, gone, refused).await.map_err(failed)? {
                        wait("deleting", None);
                        if !backoff.wait().await {
                            let message = "it is still being deleted; run again to go on waiting";
                            let class = ErrorClass::DependencyViolation;
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

/// Whether an object that was found by its natural key was not made by a call with these properties, but by a run of
/// which the state knows nothing. While it is being made, nobody can tell.
async fn is_other(kind: &dyn Kind, sent: &Value, outputs: &Value) -> Result<bool, CallError> {
    if kind.settle() != Settle::Key {
        return Ok(false);
    }
    let seed = outputs.to_string();
    let ready = repeat(&seed, || kind.poll_ready(outputs), |_| ()).await;
    if !matches!(ready, Ok(Readiness::Ready(_))) {
        return Ok(false);
    }
    let live = repeat(&seed, || read(kind, sent, outputs), |_| ()).await?;
    Ok(live.is_some_and(|live| unchangeable(kind, &live, sent, &[]).is_some()))
}

async fn look_whether_broken(provider: &dyn Provider, address: &Address, object: &Object) -> Option<Settled> {
    let kind = provider.kind(&object.kind)?;
    // What cannot be found out now shows when it is finished.
    match repeat(address.as_str(), || kind.poll_ready(&object.outputs), |_| ()).await {
        Ok(Readiness::Failed(reason)) => Some(Settled {
            address: address.clone(),
            operation: Operation::Create,
            event: Some(Event::Broken { seq: object.seq, reason }),
        }),
        _ => None,
    }
}

/// Is told what is being waited for, and why a call did not succeed.
pub(crate) type Waiting<'a> = dyn Fn(&str, Option<ErrorClass>) + Sync + 'a;

/// [`Kind::find`], repeated for a grace period.
pub(crate) async fn look(
    kind: &dyn Kind,
    desired: &Value,
    search: &Search,
    grace: Duration,
    waiting: &Waiting<'_>,
) -> Result<Option<Value>, CallError> {
    let until = Instant::now() + grace;
    let seed = search.token.as_deref().unwrap_or(search.address.as_str());
    let mut backoff = Backoff::retry(seed, grace);
    loop {
        let last = Instant::now() >= until;
        let refused = |error: &CallError| waiting(&error.to_string(), Some(error.class));
        let found = repeat(seed, || kind.find(desired, search), refused).await?;
        if found.is_some() || last {
            return Ok(found);
        }
        waiting("looking for what an interrupted create may have made", None);
        if !backoff.wait().await {
            return Ok(found);
        }
    }
}

/// Whether a search says that somebody else has the natural key, so that a create cannot have worked.
pub(crate) fn is_somebody_elses(kind: &dyn Kind, error: &CallError) -> bool {
    kind.settle() == Settle::Key && error.class == ErrorClass::Conflict
}

/// The address that has the object which a search by natural key found, if it is one that is known already: then the
/// search found who is in the way, and not what a lost call created.
pub(crate) fn is_known<'a>(
    state: &'a State,
    kind: &dyn Kind,
    kind_name: &str,
    address: &Address,
    desired: &Value,
    found: &Value,
) -> Option<&'a Address> {
    if kind.settle() != Settle::Key {
        // A token belongs to one intent only.
        return None;
    }
    let claim = kind.claim(desired);
    let same = |(owner, object): &(&Address, &Object)| {
        let same_claim = match (&claim, kind.claim(&object.properties)) {
            (Some(claim), Some(held)) => *claim == held,
            _ => *owner == address,
        };
        object.kind == kind_name && same_claim && same_object(kind.volatile(), &object.outputs, found)
    };
    state.objects().find(same).map(|(owner, _)| owner)
}

/// A property in which a live object differs from what is wanted, though it is not ignored, and which no update can change.
pub(crate) fn unchangeable(
    kind: &dyn Kind,
    live: &Value,
    wanted: &Value,
    ignored: &[String],
) -> Option<String> {
    let changed = changed_properties(kind, &managed(live, wanted, wanted, &[]), wanted, ignored);
    changed.into_iter().find(|property| kind.change(property) == Change::Replace)
}

/// Whether state knows the object with these outputs, as the current one of some resource or as one that was replaced.
pub(crate) fn is_recorded(state: &State, kind: &dyn Kind, kind_name: &str, found: &Value) -> bool {
    let same =
        |object: &Object| object.kind == kind_name && same_object(kind.volatile(), &object.outputs, found);
    state.objects().any(|(_, object)| same(object))
}

/// Whether two sets of outputs may be those of one object at different times: what is known in both, and stays, is the
/// same.
fn same_object(volatile: &[&str], recorded: &Value, found: &Value) -> bool {
    let (Value::Object(recorded), Value::Object(found)) = (recorded, found) else { return recorded == found };
    let is_set = |value: &Value| !value.is_null() && value.as_str() != Some("");
    recorded
        .iter()
        .filter(|(name, value)| is_set(value) && !volatile.contains(&name.as_str()))
        .all(|(name, value)| found.get(name).is_none_or(|found| !is_set(found) || found == value))
}
