//! Making an object: intent first, then the call, until it is known what came of it, and then until it is ready.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::calls::{patience, read};
use crate::diff::{accept, changed_properties, managed};
use crate::error::{CallError, ErrorClass};
use crate::event::{Event, Mutation, Operation, Seq};
use crate::ignored::with_live;
use crate::journal::Recorded;
use crate::loss::{How, Keep, Limit};
use crate::operate::{Cause, Changing, Goal, Operator};
use crate::provider::Kind;
use crate::resource::{Change, Intent, Search, Settle};
use crate::settle::{is_known, is_recorded, is_somebody_elses, look, unchangeable};
use crate::state::{Object, Open};
use crate::step::{ReplaceOrder, Step};

/// How often a create is sent again after answers were lost.
const LOST_ANSWERS: usize = 6;

/// Where the object of a create comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The call made it, and its answer says so.
    Made,
    /// It was found where an answer was lost, so the call made it, most likely.
    Lost,
    /// It was there already.
    Adopted,
}

/// A create that gave no object.
struct NotObtained {
    cause: Cause,
    /// Whether an earlier attempt, whose answer was lost, may have given one after all.
    unsure: bool,
}

/// [`is_somebody_elses`], for a search that may also have been interrupted.
fn has_another_owner(kind: &dyn Kind, cause: &Cause) -> bool {
    matches!(cause, Cause::Call(error) if is_somebody_elses(kind, error))
}

/// What would be taken away from an object that is adopted: a protection, or a part of what it holds.
pub(crate) fn weakened(kind: &dyn Kind, live: &Value, desired: &Value, ignored: &[String]) -> Option<String> {
    let facts = kind.facts();
    // A difference that is left as it is takes nothing away.
    let (live, _) = accept(kind, live, desired, ignored);
    let live = &live;
    let unprotected = |keep: &&Keep| keep.how == How::Forbid && keep.applies(live) && !keep.applies(desired);
    if let Some(keep) = facts.keeps.iter().find(unprotected) {
        return Some(format!("its protection by {} would be switched off", keep.property));
    }
    // What nobody has limited yet may be limited: a service makes its log groups without a retention.
    let lowered = |limit: &&Limit| {
        let before = live.get(limit.property);
        before.is_some() && Limit::is_lowered(before, desired.get(limit.property))
    };
    let limit = facts.limits.iter().find(lowered)?;
    Some(format!("its {} would be lowered, which deletes {}", limit.property, limit.words))
}

impl Operator<'_> {
    pub(crate) async fn create(
        &self,
        step: &Step,
        kind: &dyn Kind,
        goal: Goal,
        identified: impl FnOnce(),
    ) -> Result<(), Cause> {
        self.not_created_since_plan(step)?;
        self.may_call(step)?;
        let (intent, resumed) = self.create_intent(step, &goal).await?;
        let desired = goal.properties;
        let call = Intent { address: step.address.clone(), token: intent.token.clone() };
        let obtained = match self.obtain(step, kind, &desired, &call, resumed).await {
            Ok((outputs, Origin::Made)) => Ok((outputs, Origin::Made)),
            Ok((outputs, origin)) => {
                self.fitting(step, kind, &desired, outputs, origin).await.map(|outputs| (outputs, origin))
            }
            Err(error) => Err(error),
        };
        let (outputs, origin) = match obtained {
            Ok(obtained) => obtained,
            Err(NotObtained { cause, unsure }) => {
                self.close_unless(unsure, intent.seq, &cause).await?;
                return Err(cause);
            }
        };
        let adopted = origin == Origin::Adopted;
        self.journal.record(Event::Created { seq: intent.seq, outputs: outputs.clone(), adopted }).await?;
        identified();
        let recorded = (origin != Origin::Made).then_some(&desired);
        self.finish(step, kind, intent.seq, &desired, outputs, recorded).await
    }

    /// A plan that is applied twice must not create twice.
    fn not_created_since_plan(&self, step: &Step) -> Result<(), Cause> {
        let replaced = step.existing().filter(|_| step.replaces(ReplaceOrder::CreateFirst));
        let state = self.journal.state();
        if state.current(step.address.as_str()).map(|object| object.seq) == replaced.map(|it| it.seq) {
            return Ok(());
        }
        Err(Cause::Stale { what: "another object is recorded".to_owned() })
    }

    /// A new intent, or an open one of an earlier run for the very same call.
    async fn create_intent(&self, step: &Step, goal: &Goal) -> Result<(Recorded, bool), Cause> {
        let open: Option<Open> = {
            let state = self.journal.state();
            state.slot(step.address.as_str()).and_then(|slot| slot.open_create()).cloned()
        };
        if let Some(open) = open {
            let same = open.kind == step.kind
                && open.properties == goal.properties
                && open.dependencies == goal.dependencies
                && open.protect == goal.protect;
            if same {
                return Ok((Recorded { seq: open.seq, token: open.token }, true));
            }
            // It was looked for when this run began, and is not there.
            self.journal.record(Event::Failed { seq: open.seq, class: ErrorClass::NotFound }).await?;
        }
        Ok((self.journal.intend(goal.intent(step, Mutation::Create)).await?, false))
    }

    /// Sends the create until it is known what came of it. Also says where the object comes from.
    async fn obtain(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: &Value,
        intent: &Intent,
        resumed: bool,
    ) -> Result<(Value, Origin), NotObtained> {
        let mut backoff = Backoff::retry(&intent.token, patience(kind));
        // When this session began, it looked for a whole grace period, so one more look is enough.
        let mut look = (resumed && kind.settle() != Settle::Token).then_some(Duration::ZERO);
        // Also where the intent is an earlier run's: that may have ended while it looked.
        let unrecorded = self.unrecorded(step, kind, desired).await;
        if let Some(outputs) = unrecorded.map_err(|cause| NotObtained { cause, unsure: resumed })? {
            return Ok((outputs, Origin::Adopted));
        }
        let (mut lost, mut unsure) = (0, resumed);
        let mut unseen_until = None;
        loop {
            if let Some(grace) = look.take() {
                let found = self.look(step, kind, desired, intent, grace).await;
                let not_obtained = |cause: Cause| {
                    let unsure = unsure && !has_another_owner(kind, &cause);
                    NotObtained { cause, unsure }
                };
                if let Some(outputs) = found.map_err(not_obtained)? {
                    return Ok((outputs, Origin::Lost));
                }
                // Where there is a natural key, only the answer to the next call tells for sure.
                unsure = unsure && kind.settle() == Settle::Key;
            }
            self.may_call(step).map_err(|cause| {
                // Without the lock, nothing may be recorded either.
                let unsure = unsure || !matches!(cause, Cause::Interrupted { .. });
                NotObtained { cause, unsure }
            })?;
            let error = match self.sending(kind.create(desired, intent)).await {
                Ok(outputs) => return Ok((outputs, Origin::Made)),
                Err(error) => error,
            };
            match error.class {
                class if class.is_transient() => {}
                // What it refers to was created a moment ago, and is not visible everywhere yet.
                ErrorClass::NotFound
                    if Instant::now() < *unseen_until.get_or_insert(Instant::now() + self.settle_grace) => {}
                ErrorClass::Ambiguous if lost < LOST_ANSWERS => {
                    (lost, unsure) = (lost + 1, true);
                    look = match kind.settle() {
                        // With a client token, sending it again is looking.
                        Settle::Token => None,
                        Settle::Key => Some(Duration::ZERO),
                        Settle::Tag => Some(self.settle_grace),
                    };
                }
                ErrorClass::AlreadyExists => {
                    return match self.look(step, kind, desired, intent, self.settle_grace).await {
                        Ok(Some(outputs)) => {
                            Ok((outputs, if unsure { Origin::Lost } else { Origin::Adopted }))
                        }
                        Ok(None) => Err(NotObtained { cause: error.into(), unsure }),
                        Err(cause) => {
                            let unsure = unsure && !has_another_owner(kind, &cause);
                            Err(NotObtained { cause, unsure })
                        }
                    };
                }
                _ => {
                    let unsure = unsure || !error.class.is_certain();
                    return Err(NotObtained { cause: error.into(), unsure });
                }
            }
            self.waiting(step, Operation::Create, &error);
            // An answer that was lost is looked up by the next run if this one is to end.
            let waited = self.pause(&mut backoff, &error).await;
            if !waited.map_err(|cause| NotObtained { cause, unsure })? {
                return Err(NotObtained { cause: error.into(), unsure });
            }
        }
    }

    /// An object of this resource that was made by a run of which the state knows nothing: the state is an old copy, or was
    /// lost. Where there is a natural key, a second one is refused; elsewhere it has to be looked for.
    async fn unrecorded(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: &Value,
    ) -> Result<Option<Value>, Cause> {
        if kind.settle() == Settle::Key {
            return Ok(None);
        }
        let search = Search::made_for(step.address.clone()).or_formerly(self.graph.formerly(&step.address));
        // One that was deleted a moment ago may still be shown for as long as a new one may not.
        let mut backoff = Backoff::poll(step.address.as_str(), self.settle_grace);
        let outputs = loop {
            let found = self.read_again(step, Operation::Create, || kind.find(desired, &search)).await?;
            let Some(outputs) = found else { return Ok(None) };
            if is_recorded(&self.journal.state(), kind, &step.kind, &outputs) {
                return Ok(None);
            }
            let untracked = "an untracked one exists; waiting in case it is being deleted";
            self.waiting_for(step, Operation::Create, untracked);
            if !self.pause(&mut backoff, untracked).await? {
                break outputs;
            }
        };
        let look = || read(kind, desired, &outputs);
        let Some(live) = self.read_again(step, Operation::Create, look).await? else { return Ok(None) };
        // Another revision beside it does no harm.
        let ignored = self.graph.ignores().of(&step.address);
        let beside = kind.is_revision() && unchangeable(kind, &live, desired, ignored).is_some();
        Ok((!beside).then_some(outputs))
    }

    /// An object that was found rather than made, if it can become what is declared. Nothing of one that cannot is
    /// recorded: the next plan would replace what is perhaps in use.
    async fn fitting(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: &Value,
        outputs: Value,
        origin: Origin,
    ) -> Result<Value, NotObtained> {
        let failed = |cause| NotObtained { cause, unsure: true };
        let look = || self.read_again(step, Operation::Create, || read(kind, desired, &outputs));
        let ignored = self.graph.ignores().of(&step.address);
        let differs = |live: Option<Value>| live.and_then(|live| unchangeable(kind, &live, desired, ignored));
        let live = look().await.map_err(failed)?;
        if origin == Origin::Adopted
            && let Some(what) = live.as_ref().and_then(|live| weakened(kind, live, desired, ignored))
        {
            let message = format!(
                "there is one already, which the state does not know, and {what}. No plan has said so: declare it as it is, then \
                 change it in a second run"
            );
            let operation = format!("looking for {} before it is created", step.address);
            return Err(NotObtained { cause: CallError::conflict(operation, message).into(), unsure: false });
        }
        if differs(live).is_none() {
            return Ok(outputs);
        }
        // While it is being made, it may not show everything yet, and nobody can tell.
        let ready = self.wait_ready(step, kind, Operation::Create, outputs.clone()).await;
        let differing = match ready {
            Ok(_) => differs(look().await.map_err(failed)?),
            Err(_) => None,
        };
        let Some(property) = differing else { return Ok(outputs) };
        let message = format!(
            "there is one already, {outputs}, which the state does not know, and its {property} differs, which cannot be \
             changed. If the state is an old copy, put the newest one back; otherwise declare what is there, or delete it"
        );
        let error =
            CallError::conflict(format!("looking for {} before it is created", step.address), message);
        Err(NotObtained { cause: error.into(), unsure: false })
    }

    /// Looks for what an intent may have created, for as long as what was just created may not be visible yet.
    async fn look(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: &Value,
        intent: &Intent,
        grace: Duration,
    ) -> Result<Option<Value>, Cause> {
        let waiting = |on: &str, refused| self.tell(step, Operation::Create, on.to_owned(), refused);
        let search = Search::made_by(intent).or_formerly(self.graph.formerly(&intent.address));
        let looked = look(kind, desired, &search, grace, &waiting);
        let looked = self.reading("looking for what a lost answer may have made", looked).await?;
        let Some(outputs) = looked else { return Ok(None) };
        let state = self.journal.state();
        match is_known(&state, kind, &step.kind, &step.address, desired, &outputs) {
            None => Ok(Some(outputs)),
            Some(holder) => {
                let message = format!("the object of {holder} has its name");
                Err(CallError::conflict(format!("creating {}", step.address), message).into())
            }
        }
    }

    /// Waits until a created object is ready, sets what can only be set then, and records that it is. One that was
    /// found rather than just made has other properties, perhaps: `recorded` are those that it was sent.
    async fn finish(
        &self,
        step: &Step,
        kind: &dyn Kind,
        seq: Seq,
        desired: &Value,
        outputs: Value,
        recorded: Option<&Value>,
    ) -> Result<(), Cause> {
        let finished = async {
            let outputs = self.wait_ready(step, kind, Operation::Create, outputs).await?;
            let configure =
                || self.again(step, kind, Operation::Create, || kind.configure(desired, &outputs));
            self.once_seen(step, Operation::Create, configure).await?;
            match recorded {
                Some(recorded) => self.converge(step, kind, recorded, desired, outputs).await,
                None => Ok(outputs),
            }
        };
        let event = match finished.await {
            Ok(outputs) => Event::Ready { seq, outputs },
            Err(Cause::Broken { reason }) if self.object(step, seq)?.adopted => {
                let reason = format!(
                    "it was there already, and the cloud reports that it failed: {reason}. It may hold something, so it is not \
                     replaced: repair it, or delete it"
                );
                return Err(CallError::new(
                    ErrorClass::Invalid,
                    format!("waiting for {}", step.address),
                    reason,
                )
                .into());
            }
            Err(Cause::Broken { reason }) => {
                self.journal.record(Event::Broken { seq, reason: reason.clone() }).await?;
                return Err(Cause::Broken { reason });
            }
            Err(cause) => return Err(cause),
        };
        Ok(self.journal.record(event).await?)
    }

    /// Goes on with an object whose creation was interrupted.
    pub(crate) async fn resume(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: Object,
        goal: Goal,
    ) -> Result<(), Cause> {
        let Object { seq, properties, outputs, .. } = object;
        self.finish(step, kind, seq, &goal.properties, outputs, Some(&properties)).await?;
        self.note(step, seq, goal).await
    }

    /// Brings an object that was found rather than made to what is declared.
    async fn converge(
        &self,
        step: &Step,
        kind: &dyn Kind,
        recorded: &Value,
        desired: &Value,
        outputs: Value,
    ) -> Result<Value, Cause> {
        let gone = || Cause::Stale { what: "it disappeared".to_owned() };
        let look = || read(kind, desired, &outputs);
        let live = self.read_again(step, Operation::Create, look).await?.ok_or_else(gone)?;
        // What is in an object that was found may be what other resources are about to find: the next plan knows.
        let desired = kind.marked(&step.address, desired);
        let live = managed(&live, recorded, &desired, &[]);
        let ignored = self.graph.ignores().of(&step.address);
        let desired = &with_live(&desired, &live, ignored);
        let changed = changed_properties(kind, &live, desired, &[]);
        if changed.is_empty() {
            return Ok(outputs);
        }
        if let Some(property) = changed.iter().find(|property| kind.change(property) == Change::Replace) {
            let what = format!("{property} of the object that exists cannot be changed");
            return Err(Cause::Stale { what });
        }
        let update = || kind.update(desired, &outputs, &live, changed.clone());
        let outputs = self.again(step, kind, Operation::Create, update).await?;
        let lingers = changed.iter().any(|property| kind.lingers(property));
        self.wait_changed(step, kind, &Changing { desired, lingers }, Operation::Create, outputs).await
    }
}
