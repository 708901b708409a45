//! What is done to one resource: intent first, then the call, then what came of it. Creation is in `create`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::calls::{patience, read, repeat};
use crate::cancel::Cancel;
use crate::codec::JournalError;
use crate::diff::{accept, changed_properties, diff, managed};
use crate::error::{CallError, ErrorClass};
use crate::event::{Event, Mutation, Operation, Seq};
use crate::facts::Listed;
use crate::graph::Graph;
use crate::ignored::{with_live, with_recorded};
use crate::journal::{Journal, NewIntent};
use crate::lock::Lock;
use crate::observer::{Observer, Progress};
use crate::provider::{Kind, Provider};
use crate::references;
use crate::resource::{Change, Readiness};
use crate::state::{Object, Phase};
use crate::step::{Action, Note, Step};

/// Why a resource could not be brought to where it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The cloud refused, or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The object will never be ready.
    #[error("it was created, but the cloud reports that it failed: {reason}; the next run replaces it")]
    Broken {
        /// In the cloud's words.
        reason: String,
    },
    /// The object was not ready, or not gone, in time.
    #[error("still {waiting_for} after {seconds} s; run again to go on waiting")]
    Late {
        /// The state it was in last.
        waiting_for: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The object is not what the plan saw.
    #[error("it changed since the plan was made: {what}; nothing was done to it, plan again")]
    Stale {
        /// What is different.
        what: String,
    },
    /// Nothing could be recorded, so nothing may be done.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run was to end; the next one goes on from here.
    #[error("interrupted: {during}; the next run goes on from here")]
    Interrupted {
        /// What was being waited for.
        during: String,
        /// Whether the cloud kept refusing, so that waiting alone may not help.
        blocked: bool,
    },
}

impl Cause {
    /// Whether the credentials have expired, so that no further call can succeed.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        matches!(self, Cause::Call(error) if error.class == ErrorClass::Expired)
    }
}

/// What a pause between two attempts waits for.
pub(crate) struct Paused {
    during: String,
    blocked: bool,
}

impl From<&CallError> for Paused {
    fn from(error: &CallError) -> Self {
        Self { during: error.to_string(), blocked: true }
    }
}

impl From<&str> for Paused {
    fn from(state: &str) -> Self {
        Self { during: state.to_owned(), blocked: false }
    }
}

/// What a resource shall become: what is declared of it, as values.
pub(crate) struct Goal {
    pub(crate) properties: Value,
    /// The resources that it refers to.
    pub(crate) dependencies: Vec<Address>,
    pub(crate) protect: bool,
}

impl Goal {
    /// The intent of a call that brings the resource of a step there.
    pub(crate) fn intent(&self, step: &Step, mutation: Mutation) -> NewIntent {
        NewIntent {
            address: step.address.clone(),
            kind: step.kind.clone(),
            mutation,
            properties: self.properties.clone(),
            dependencies: self.dependencies.clone(),
            protect: self.protect,
        }
    }
}

/// A change that the cloud has accepted.
pub(crate) struct Changing<'a> {
    /// What the object becomes.
    pub(crate) desired: &'a Value,
    /// Whether it may go on looking as if nothing had been asked for.
    pub(crate) lingers: bool,
}

/// What all operations of one run share.
pub(crate) struct Operator<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) provider: &'a dyn Provider,
    pub(crate) journal: &'a Journal,
    pub(crate) lock: &'a Lock,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a Cancel,
    pub(crate) settle_grace: Duration,
    /// How many calls that change something have not been answered yet.
    pub(crate) in_flight: AtomicUsize,
}

/// Counts a call as long as it lives.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Operator<'_> {
    /// Creates, changes, finishes, or records. `identified` is called once the identity of a new object is durable.
    pub(crate) async fn perform(&self, step: &Step, identified: impl FnOnce()) -> Result<(), Cause> {
        let kind = self.kind(&step.kind)?;
        let goal = self.goal(step)?;
        let replaces = matches!(step.action, Action::Replace { .. });
        match step.existing().filter(|_| !replaces) {
            None => self.create(step, kind, goal, identified).await,
            Some(existing) if step.note == Some(Note::Missing) => {
                // Should it be there again, it is found before a second one is made, or by its name, and taken over.
                let (address, object) = (step.address.clone(), existing.seq);
                self.journal.record(Event::Missing { address, object }).await?;
                self.create(step, kind, goal, identified).await
            }
            Some(existing) => {
                let object = self.object(step, existing.seq)?;
                // Who needs no more than the identity need not wait, unless this changes what it needs.
                if kind.volatile().is_empty() {
                    identified();
                }
                match object.phase {
                    Phase::Creating => self.resume(step, kind, object, goal).await,
                    _ if step.action == Action::Update => self.update(step, kind, object, goal).await,
                    Phase::Changing => self.finish_change(step, kind, object, goal).await,
                    Phase::Ready | Phase::Broken => self.note(step, object.seq, goal).await,
                }
            }
        }
    }

    /// The last thing before each call that changes something.
    pub(crate) fn may_call(&self, step: &Step) -> Result<(), Cause> {
        if !self.lock.is_held() {
            let message = "the lock was lost, so the call was not made";
            return Err(CallError::conflict(format!("changing {}", step.address), message).into());
        }
        if self.cancel.is_cancelled() {
            return Err(Cause::Interrupted { during: "the call was not made".to_owned(), blocked: false });
        }
        Ok(())
    }

    /// A call that changes something. Once it is sent, it is never given up as long as this process may live.
    pub(crate) async fn sending<T>(
        &self,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let _counted = InFlight(&self.in_flight);
        call.await
    }

    /// Calls that change nothing, and the waits between them: given up at once when the run is to end.
    pub(crate) async fn reading<T>(
        &self,
        during: &str,
        calls: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, Cause> {
        tokio::select! {
            biased;
            // What is known without a call is not given up.
            answer = calls => Ok(answer?),
            () = self.cancel.cancelled() => {
                Err(Cause::Interrupted { during: during.to_owned(), blocked: false })
            }
        }
    }

    /// Waits before the next attempt: `false` if the time is over. The run's end ends the wait.
    pub(crate) async fn pause(
        &self,
        backoff: &mut Backoff,
        during: impl Into<Paused>,
    ) -> Result<bool, Cause> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {
                let Paused { during, blocked } = during.into();
                Err(Cause::Interrupted { during, blocked })
            }
            waited = backoff.wait() => Ok(waited),
        }
    }

    /// Whether anything is recorded of an operation that has not come to its end.
    pub(crate) fn is_begun(&self, address: &Address, operation: Operation) -> bool {
        let state = self.journal.state();
        let Some(slot) = state.slot(address.as_str()) else { return false };
        let unfinished = |phase| match operation {
            Operation::Create => phase == Phase::Creating,
            Operation::Update => phase == Phase::Changing,
            Operation::Delete => false,
        };
        slot.open.iter().any(|open| open.mutation.operation() == operation)
            || state.current(address.as_str()).is_some_and(|object| unfinished(object.phase))
    }

    /// Whether the object of a resource was there before it was to be created.
    pub(crate) fn is_adopted(&self, address: &Address) -> bool {
        self.journal.state().current(address.as_str()).is_some_and(|object| object.adopted)
    }

    pub(crate) fn kind(&self, name: &str) -> Result<&dyn Kind, Cause> {
        let unknown =
            || CallError::new(ErrorClass::Invalid, "planning", format!("kind {name} is not registered"));
        Ok(self.provider.kind(name).ok_or_else(unknown)?)
    }

    pub(crate) fn object(&self, step: &Step, seq: Seq) -> Result<Object, Cause> {
        let state = self.journal.state();
        let object = state.slot(step.address.as_str()).and_then(|slot| slot.object(seq)).cloned();
        object.ok_or_else(|| Cause::Stale { what: "it is not recorded any more".to_owned() })
    }

    /// What is declared, with the properties as values. What the plan showed as known must be what is sent.
    pub(crate) fn goal(&self, step: &Step) -> Result<Goal, Cause> {
        let wanted = step.wanted().ok_or_else(|| Cause::Stale { what: "it is not declared".to_owned() })?;
        let declaration = &self.graph.nodes()[wanted.node];
        let state = self.journal.state();
        let properties = state.resolve(&declaration.properties);
        if !references::is_known(&properties) {
            return Err(Cause::Stale { what: "an output that it needs is not known".to_owned() });
        }
        let as_planned = state.resolve(&wanted.desired);
        if as_planned != properties {
            return Err(Cause::Stale { what: paths(&as_planned, &properties, declaration.facts.lists) });
        }
        let dependencies = self.graph.refers_to(wanted.node);
        Ok(Goal { properties, dependencies, protect: declaration.protect })
    }

    /// Goes on with an object whose change was interrupted, but has happened.
    async fn finish_change(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: Object,
        goal: Goal,
    ) -> Result<(), Cause> {
        let goal = self.keeping_recorded(step, &object, goal);
        let lingers = kind.properties().iter().any(|property| kind.lingers(property));
        let changed = Changing { desired: &goal.properties, lingers };
        let outputs = self.wait_changed(step, kind, &changed, Operation::Update, object.outputs).await?;
        self.journal.record(Event::Ready { seq: object.seq, outputs }).await?;
        self.note(step, object.seq, goal).await
    }

    /// Waits until a changed object is ready again. It was in use before, so unlike a new one it is never given up.
    pub(crate) async fn wait_changed(
        &self,
        step: &Step,
        kind: &dyn Kind,
        changed: &Changing<'_>,
        operation: Operation,
        outputs: Value,
    ) -> Result<Value, Cause> {
        match self.wait_settled(step, kind, changed, operation, outputs).await {
            Err(Cause::Broken { reason }) => {
                let error = CallError::new(ErrorClass::Invalid, format!("changing {}", step.address), reason);
                Err(error.into())
            }
            other => other,
        }
    }

    /// Looks until a changed object is ready; where the cloud may not have begun yet, until it has been ready for a while.
    async fn wait_settled(
        &self,
        step: &Step,
        kind: &dyn Kind,
        changed: &Changing<'_>,
        operation: Operation,
        outputs: Value,
    ) -> Result<Value, Cause> {
        let to = Some(changed.desired);
        let mut outputs = self.wait_until_ready(step, kind, operation, outputs, to).await?;
        if !changed.lingers {
            return Ok(outputs);
        }
        let mut backoff = Backoff::poll(step.address.as_str(), self.settle_grace * 2);
        while self.pause(&mut backoff, "it may not have begun to change").await? {
            let look = || self.read_again(step, operation, || kind.poll_changed(changed.desired, &outputs));
            let seen = self.once_seen(step, operation, look).await?;
            match seen {
                Readiness::Ready(ready) => outputs = ready,
                Readiness::Failed(reason) => return Err(Cause::Broken { reason }),
                // Now it has begun, and will end.
                Readiness::Pending(_) => {
                    return self.wait_until_ready(step, kind, operation, outputs, to).await;
                }
            }
        }
        Ok(outputs)
    }

    pub(crate) async fn wait_ready(
        &self,
        step: &Step,
        kind: &dyn Kind,
        operation: Operation,
        outputs: Value,
    ) -> Result<Value, Cause> {
        self.wait_until_ready(step, kind, operation, outputs, None).await
    }

    /// Waits for a new object, or for one that is changed `to` something.
    async fn wait_until_ready(
        &self,
        step: &Step,
        kind: &dyn Kind,
        operation: Operation,
        outputs: Value,
        to: Option<&Value>,
    ) -> Result<Value, Cause> {
        let within = kind.facts().times.ready.deadline();
        let mut backoff = Backoff::poll(step.address.as_str(), within);
        let known = &outputs;
        let look = || async move {
            match to {
                Some(desired) => kind.poll_changed(desired, known).await,
                None => kind.poll_ready(known).await,
            }
        };
        loop {
            let poll = || self.read_again(step, operation, look);
            match self.once_seen(step, operation, poll).await? {
                Readiness::Ready(outputs) => return Ok(outputs),
                Readiness::Failed(reason) => return Err(Cause::Broken { reason }),
                Readiness::Pending(state) => {
                    self.waiting_for(step, operation, &state);
                    if !self.pause(&mut backoff, state.as_str()).await? {
                        return Err(Cause::Late { waiting_for: state, seconds: within.as_secs() });
                    }
                }
            }
        }
    }

    pub(crate) async fn update(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: Object,
        goal: Goal,
    ) -> Result<(), Cause> {
        let live = self.unchanged_since_plan(step, kind, &object, &goal.properties).await?;
        let live = live.ok_or_else(|| Cause::Stale { what: "it disappeared".to_owned() })?;
        let ignored = self.graph.ignores().of(&step.address);
        let goal = Goal { properties: with_live(&goal.properties, &live, ignored), ..goal };
        let desired = &goal.properties;
        let marked = with_live(&kind.marked(object.marked_with(&step.address), desired), &live, ignored);
        let changed = changed_properties(kind, &live, &marked, &[]);
        if let Some(property) = changed.iter().find(|property| kind.change(property) == Change::Replace) {
            return Err(Cause::Stale { what: format!("{property} cannot be changed in place") });
        }
        if changed.is_empty() {
            return match object.phase {
                Phase::Changing => self.finish_change(step, kind, object, goal).await,
                _ => self.note(step, object.seq, goal).await,
            };
        }
        let intent = goal.intent(step, Mutation::Update(object.seq));
        self.may_call(step)?;
        let seq = self.journal.intend(intent).await?.seq;
        let done = async {
            let update = || kind.update(&marked, &object.outputs, &live, changed.clone());
            let outputs = self.again(step, kind, Operation::Update, update).await?;
            let lingers = changed.iter().any(|property| kind.lingers(property));
            let changed = Changing { desired, lingers };
            self.wait_changed(step, kind, &changed, Operation::Update, outputs).await
        };
        match done.await {
            Ok(outputs) => Ok(self.journal.record(Event::Ready { seq, outputs }).await?),
            Err(cause) => {
                // An update may be several calls, so some of it may have happened: what is there now is the truth. If
                // that cannot be read either, the intent stays open for the next run.
                if let Ok(Some(live)) = read(kind, &object.properties, &object.outputs).await {
                    let properties = managed(&live, &object.properties, desired, &[]);
                    self.journal.record(Event::Observed { seq, properties }).await?;
                }
                Err(cause)
            }
        }
    }

    /// What is to be recorded of an object that is not changed.
    fn keeping_recorded(&self, step: &Step, object: &Object, goal: Goal) -> Goal {
        let ignored = self.graph.ignores().of(&step.address);
        Goal { properties: with_recorded(&goal.properties, &object.properties, ignored), ..goal }
    }

    /// Records what changed without a call.
    pub(crate) async fn note(&self, step: &Step, object: Seq, goal: Goal) -> Result<(), Cause> {
        let recorded = self.object(step, object)?;
        let Goal { properties, dependencies, protect } = self.keeping_recorded(step, &recorded, goal);
        if recorded.properties == properties
            && recorded.dependencies == dependencies
            && recorded.protect == protect
        {
            return Ok(());
        }
        let address = step.address.clone();
        let event = Event::Recorded { address, object, properties, dependencies, protect };
        Ok(self.journal.record(event).await?)
    }

    /// Closes an intent that surely had no effect.
    pub(crate) async fn close_unless(&self, unsure: bool, seq: Seq, cause: &Cause) -> Result<(), Cause> {
        let class = match cause {
            Cause::Call(error) if error.class.is_certain() => error.class,
            Cause::Interrupted { .. } => ErrorClass::NotYet,
            _ => return Ok(()),
        };
        if !unsure {
            self.journal.record(Event::Failed { seq, class }).await?;
        }
        Ok(())
    }

    /// Reads the object and stops if it is not what the plan saw.
    pub(crate) async fn unchanged_since_plan(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: &Object,
        desired: &Value,
    ) -> Result<Option<Value>, Cause> {
        let look = || read(kind, &object.properties, &object.outputs);
        let Some(live) = self.read_again(step, Operation::Update, look).await? else { return Ok(None) };
        let live = managed(&live, &object.properties, desired, kind.closed());
        match step.existing() {
            // What is still being set up may well look different from one moment to the next.
            Some(existing) if object.phase == Phase::Ready => {
                let seen = managed(&existing.seen, &object.properties, desired, kind.closed());
                // What is accepted anyway may have changed meanwhile.
                let goal = if desired.is_null() { &object.properties } else { desired };
                let ignored = self.graph.ignores().of(&step.address);
                let taken = accept(kind, &live, goal, ignored).0;
                let seen = accept(kind, &seen, goal, ignored).0;
                if taken == seen {
                    Ok(Some(live))
                } else {
                    let live = taken;
                    Err(Cause::Stale { what: paths(&seen, &live, kind.facts().lists) })
                }
            }
            _ => Ok(Some(live)),
        }
    }

    /// Sends a call that changes something, and is safe to repeat, until it is answered.
    pub(crate) async fn again<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        step: &Step,
        kind: &dyn Kind,
        operation: Operation,
        call: impl Fn() -> F,
    ) -> Result<T, Cause> {
        let mut backoff = Backoff::retry(step.address.as_str(), patience(kind));
        loop {
            self.may_call(step)?;
            match self.sending(call()).await {
                Err(error) if error.class.is_transient() || error.class == ErrorClass::Ambiguous => {
                    self.waiting(step, operation, &error);
                    if !self.pause(&mut backoff, &error).await? {
                        return Err(error.into());
                    }
                }
                answer => return Ok(answer?),
            }
        }
    }

    /// Repeats a call that changes nothing until it is answered.
    pub(crate) async fn read_again<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        step: &Step,
        operation: Operation,
        call: impl Fn() -> F,
    ) -> Result<T, Cause> {
        let waiting = |error: &CallError| self.waiting(step, operation, error);
        self.reading("it was being read", repeat(step.address.as_str(), call, waiting)).await
    }

    /// Repeats a call on an object that may be so new that the cloud does not know it everywhere yet.
    pub(crate) async fn once_seen<T, F: Future<Output = Result<T, Cause>>>(
        &self,
        step: &Step,
        operation: Operation,
        call: impl Fn() -> F,
    ) -> Result<T, Cause> {
        let mut backoff = Backoff::retry(step.address.as_str(), self.settle_grace);
        loop {
            match call().await {
                Err(Cause::Call(error)) if error.class == ErrorClass::NotFound => {
                    self.waiting(step, operation, &error);
                    if !self.pause(&mut backoff, &error).await? {
                        return Err(error.into());
                    }
                }
                answer => return answer,
            }
        }
    }

    /// A call was refused, and is to be sent again.
    pub(crate) fn waiting(&self, step: &Step, operation: Operation, refused: &CallError) {
        self.tell(step, operation, refused.to_string(), Some(refused.class));
    }

    /// The object is not yet as it should be.
    pub(crate) fn waiting_for(&self, step: &Step, operation: Operation, state: &str) {
        self.tell(step, operation, state.to_owned(), None);
    }

    pub(crate) fn tell(&self, step: &Step, operation: Operation, on: String, refused: Option<ErrorClass>) {
        let (address, operation) = (step.address.clone(), Some(operation));
        self.observer.observe(&Progress::Waiting { address, operation, on, refused });
    }
}

fn paths(before: &Value, after: &Value, lists: &[Listed]) -> String {
    let paths: Vec<String> = diff(before, after, lists).into_iter().map(|change| change.path).collect();
    paths.join(", ")
}
