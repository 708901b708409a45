//! The record alone, changed under the lock and without a call to the cloud.

use std::sync::PoisonError;

use serde_json::Value;

use crate::address::Address;
use crate::anchor::Head;
use crate::engine_error::EngineError;
use crate::event::{Event, Outcome};
use crate::session::Held;
use crate::state::State;

/// What is recorded, held by this process alone. [`Engine::open_ledger`](crate::Engine::open_ledger) takes it; end it with
/// [`close`](Self::close).
///
/// # Guarantees
/// - Nothing is called: objects in the cloud stay as they are.
/// - Each change is one record, so that a process which dies leaves all of it or nothing.
///
/// # Cancellation
/// A ledger that is dropped gives the lock back, if the store answers, and says nothing of how it ended.
pub struct Ledger(Held);

impl Ledger {
    pub(crate) fn new(held: Held) -> Self {
        Self(held)
    }

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.journal.state().clone()
    }

    /// Takes all that is known at these addresses out of the record, protections included. The objects stay in the cloud, and
    /// nothing manages them any more.
    ///
    /// # Errors
    /// Where an address is not recorded, has an open intent or is named twice, which changes nothing; or the record cannot be
    /// written.
    pub async fn forget(&self, addresses: Vec<Address>) -> Result<(), EngineError> {
        self.record(Event::Forgotten { addresses }).await
    }

    /// Protects resources, whatever is declared: a plan that would delete or replace an object there is refused.
    ///
    /// # Errors
    /// Where an address is not recorded, protected already or named twice, which changes nothing; or the record cannot be written.
    pub async fn protect(&self, addresses: Vec<Address>) -> Result<(), EngineError> {
        self.record(Event::Protected { addresses }).await
    }

    /// Ends that protection.
    ///
    /// # Errors
    /// Where an address is not protected or named twice, which changes nothing; or the record cannot be written.
    pub async fn unprotect(&self, addresses: Vec<Address>) -> Result<(), EngineError> {
        self.record(Event::Unprotected { addresses }).await
    }

    /// Records what the program wants to know in later runs under a name, in place of what was there; without a value, that there
    /// is none any more. It is written as it is: no place for secrets.
    ///
    /// # Errors
    /// Where the record cannot be written.
    pub async fn remember(&self, name: &str, value: Option<Value>) -> Result<(), EngineError> {
        self.record(Event::Remembered { name: name.to_owned(), value }).await
    }

    async fn record(&self, event: Event) -> Result<(), EngineError> {
        if !self.0.lock.is_held() {
            return Err(self.0.lock.why_lost());
        }
        Ok(self.0.journal.record(event).await?)
    }

    /// Says how it ended, closes the journal and gives the lock back; the last record that is durable then.
    ///
    /// # Errors
    /// Where that cannot be written or the lock not be given back; what was recorded is safe all the same.
    pub async fn close(self, outcome: Outcome) -> Result<Head, EngineError> {
        let head = self.0.journal.watch_head();
        self.0.end(outcome).await?;
        let head = head.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(head)
    }
}
