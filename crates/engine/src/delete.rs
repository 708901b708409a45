//! Deleting an object: what is in it is looked at once more, intent first, then the call until it is accepted, and then until it
//! is gone.

use serde_json::Value;

use crate::backoff::Backoff;
use crate::calls::{RETRY_WITHIN, contents, is_gone, read};
use crate::error::ErrorClass;
use crate::event::{Event, Mutation, Operation};
use crate::journal::NewIntent;
use crate::loss::{Contents, Loss};
use crate::operate::{Cause, Operator};
use crate::provider::Kind;
use crate::removal::{Fate, Removal};
use crate::schedule::goes_with;
use crate::state::{Object, Phase};
use crate::step::{Note, Step};

impl Operator<'_> {
    /// Deletes the object of a step, one of these.
    pub(crate) async fn delete(&self, step: &Step, steps: &[Step]) -> Result<(), Cause> {
        let existing = step.existing();
        let existing = existing.ok_or_else(|| Cause::Stale { what: "it has no object".to_owned() })?;
        let mut object = self.object(step, existing.seq)?;
        let kind = self.kind(&object.kind)?;
        if step.note == Some(Note::Missing) {
            return self.forget(step, kind, &object).await;
        }
        let is_whole = |other: &Step| {
            object.dependencies.contains(&other.address) && goes_with(step, other, self.provider)
        };
        // Most kinds are no part of anything, and a plan may have very many steps.
        if kind.order().part_of.is_some() && steps.iter().any(is_whole) {
            // The whole is gone by now.
            let (address, object) = (step.address.clone(), object.seq);
            return Ok(self.journal.record(Event::Missing { address, object }).await?);
        }
        self.unchanged_since_plan(step, kind, &object, &Value::Null).await?;
        if let Some(removal) = &step.removal {
            if removal.fate == Fate::Retained {
                let (address, object) = (step.address.clone(), object.seq);
                return Ok(self.journal.record(Event::Released { address, object }).await?);
            }
            self.still_empty(step, kind, &object, removal).await?;
            object.properties = removal.properties.clone();
        }
        self.delete_object(step, kind, object).await
    }

    /// Stops if something came into an object that was empty when the plan was made, and so not in it as a loss.
    async fn still_empty(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: &Object,
        removal: &Removal,
    ) -> Result<(), Cause> {
        if removal.contents != Contents::Empty
            || removal.loss == Loss::Nothing
            || object.phase == Phase::Broken
        {
            return Ok(());
        }
        let look = || contents(kind, object);
        match self.read_again(step, Operation::Delete, look).await? {
            Contents::Some { words, .. } => {
                Err(Cause::Stale { what: format!("there is something in it, {words}") })
            }
            Contents::Empty | Contents::Unknown => Ok(()),
        }
    }

    /// Stops if an object that the plan did not find is there again: then nobody has asked what protects it.
    async fn still_missing(&self, step: &Step, kind: &dyn Kind, object: &Object) -> Result<(), Cause> {
        let look = || read(kind, &object.properties, &object.outputs);
        match self.read_again(step, Operation::Delete, look).await? {
            None => Ok(()),
            Some(_) => Err(Cause::Stale { what: "it is there again".to_owned() }),
        }
    }

    /// Takes an object that is not there out of the state, once it is gone for good. Nothing is called that changes anything.
    async fn forget(&self, step: &Step, kind: &dyn Kind, object: &Object) -> Result<(), Cause> {
        self.still_missing(step, kind, object).await?;
        self.wait_gone(step, kind, object).await?;
        let (address, object) = (step.address.clone(), object.seq);
        Ok(self.journal.record(Event::Missing { address, object }).await?)
    }

    async fn delete_object(&self, step: &Step, kind: &dyn Kind, object: Object) -> Result<(), Cause> {
        let intent = NewIntent {
            address: step.address.clone(),
            kind: object.kind.clone(),
            mutation: Mutation::Delete(object.seq),
            properties: object.properties.clone(),
            dependencies: object.dependencies.clone(),
            protect: object.protect,
        };
        self.may_call(step)?;
        let intent = self.journal.intend(intent).await?;
        let within = kind.facts().times.gone.deadline();
        let mut backoff = Backoff::retry(&intent.token, within);
        // What holds the object may take as long to go as the object itself. A cloud that does not answer is given up
        // sooner, counted from its first failure in a row.
        let mut retry = None;
        let mut unsure = false;
        loop {
            let allowed = self.may_call(step);
            let deleted = match allowed {
                Ok(()) => self.sending(kind.delete(&object.properties, &object.outputs)).await,
                Err(cause) => {
                    self.close_unless(unsure, intent.seq, &cause).await?;
                    return Err(cause);
                }
            };
            let error = match deleted {
                Ok(()) => break,
                Err(error) if error.class == ErrorClass::NotFound => break,
                Err(error) => error,
            };
            unsure |= !error.class.is_certain();
            let held = matches!(error.class, ErrorClass::DependencyViolation | ErrorClass::NotYet);
            let again = held || error.class.is_transient() || error.class == ErrorClass::Ambiguous;
            let cause = if again {
                self.waiting(step, Operation::Delete, &error);
                let unanswered = || Backoff::retry(&intent.token, RETRY_WITHIN.min(within));
                let backoff = match held {
                    true => {
                        retry = None;
                        &mut backoff
                    }
                    false => retry.get_or_insert_with(unanswered),
                };
                match self.pause(backoff, &error).await {
                    Ok(true) => continue,
                    Ok(false) => error.into(),
                    Err(interrupted) => interrupted,
                }
            } else {
                error.into()
            };
            self.close_unless(unsure, intent.seq, &cause).await?;
            return Err(cause);
        }
        // The intent stays open if this is interrupted: the next run goes on waiting.
        self.wait_gone(step, kind, &object).await?;
        Ok(self.journal.record(Event::Gone { seq: intent.seq }).await?)
    }

    async fn wait_gone(&self, step: &Step, kind: &dyn Kind, object: &Object) -> Result<(), Cause> {
        let within = kind.facts().times.gone.deadline();
        let mut backoff = Backoff::poll(step.address.as_str(), within);
        let look = || is_gone(kind, &object.properties, &object.outputs);
        while !self.read_again(step, Operation::Delete, look).await? {
            self.waiting_for(step, Operation::Delete, "deleting");
            if !self.pause(&mut backoff, "deleting").await? {
                return Err(Cause::Late { waiting_for: "deleting".to_owned(), seconds: within.as_secs() });
            }
        }
        Ok(())
    }
}
