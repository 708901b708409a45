//! What is done to one resource: intent first, then the call, then what came of it. Creation is in `create`.

use std::time::Duration;

use serde_json::Value;

use crate::backoff::Backoff;
use crate::cancel::Cancel;
use crate::codec::JournalError;
use crate::diff::diff;
use crate::error::{CallError, ErrorClass};
use crate::event::{Event, Operation};
use crate::graph::Graph;
use crate::journal::{Journal, NewIntent};
use crate::lock::Lock;
use crate::observer::{Observer, Progress};
use crate::plan::{Action, Note, Step, managed};
use crate::provider::{Kind, Provider};
use crate::references;
use crate::removal::Fate;
use crate::resource::{Change, Readiness};
use crate::settle::{is_gone, read, repeat};
use crate::state::{Object, Phase};

/// How long a call that may be sent again is sent again.
pub(crate) const RETRY_WITHIN: Duration = Duration::from_secs(300);

/// Why a resource could not be brought to where it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The cloud refused, or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The object will never be ready.
    #[error("it was created, but the cloud gave it up: {reason}; the next run replaces it")]
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
    /// The run was interrupted; the next one goes on from here.
    #[error("interrupted while {during}; the next run goes on from here")]
    Interrupted {
        /// What was being waited for.
        during: String,
    },
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
}

impl Operator<'_> {
    /// Creates, changes, finishes, or records. `identified` is called once the identity of a new object is durable.
    pub(crate) async fn perform(&self, step: &Step, identified: impl FnOnce()) -> Result<(), Cause> {
        let kind = self.kind(&step.kind)?;
        let desired = self.desired(step)?;
        let replaces = matches!(step.action, Action::Replace { .. });
        match step.object.filter(|_| !replaces) {
            None => self.create(step, kind, desired, identified).await,
            Some(object) if step.note == Some(Note::Missing) => {
                self.journal.record(Event::Missing { address: step.address.clone(), object }).await?;
                self.create(step, kind, desired, identified).await
            }
            Some(object) => {
                let object = self.object(step, object)?;
                // Who needs no more than the identity need not wait, unless this changes what it needs.
                if kind.volatile().is_empty() {
                    identified();
                }
                match object.phase {
                    Phase::Creating => self.resume(step, kind, object, desired).await,
                    _ if step.action == Action::Update => self.update(step, kind, object, desired).await,
                    Phase::Changing => self.finish_change(step, kind, object, desired).await,
                    Phase::Ready | Phase::Broken => self.note(step, object.seq, desired).await,
                }
            }
        }
    }

    /// The last thing before each call that changes something.
    pub(crate) fn may_call(&self, step: &Step) -> Result<(), CallError> {
        if self.lock.is_held() {
            return Ok(());
        }
        let message = "the lock was lost, so the call was not made";
        Err(CallError::conflict(format!("changing {}", step.address), message))
    }

    fn kind(&self, name: &str) -> Result<&dyn Kind, Cause> {
        let unknown =
            || CallError::new(ErrorClass::Invalid, "planning", format!("kind {name} is not registered"));
        Ok(self.provider.kind(name).ok_or_else(unknown)?)
    }

    fn object(&self, step: &Step, seq: u64) -> Result<Object, Cause> {
        let state = self.journal.state();
        let object = state.slot(step.address.as_str()).and_then(|slot| slot.object(seq)).cloned();
        object.ok_or_else(|| Cause::Stale { what: "it is not recorded any more".to_owned() })
    }

    /// The declared properties as values. What the plan showed as known must be what is sent.
    fn desired(&self, step: &Step) -> Result<Value, Cause> {
        let declared = step.node.map(|node| &self.graph.nodes()[node].properties);
        let (Some(declared), Some(planned)) = (declared, &step.desired) else {
            return Err(Cause::Stale { what: "it is not declared".to_owned() });
        };
        let state = self.journal.state();
        let desired = state.resolve(declared);
        if !references::is_known(&desired) {
            let what =
                diff(&Value::Null, &desired).iter().map(|change| change.path.clone()).collect::<String>();
            return Err(Cause::Stale { what: format!("an output that it needs is not known {what}") });
        }
        let as_planned = state.resolve(planned);
        if as_planned != desired {
            return Err(Cause::Stale { what: paths(&as_planned, &desired) });
        }
        Ok(desired)
    }

    /// Goes on with an object whose change was interrupted, but has happened.
    async fn finish_change(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: Object,
        desired: Value,
    ) -> Result<(), Cause> {
        let outputs = self.wait_changed(step, kind, object.outputs).await?;
        self.journal.record(Event::Ready { seq: object.seq, outputs }).await?;
        self.note(step, object.seq, desired).await
    }

    /// Waits until a changed object is ready again. It was in use before, so unlike a new one it is never given up.
    async fn wait_changed(&self, step: &Step, kind: &dyn Kind, outputs: Value) -> Result<Value, Cause> {
        match self.wait_ready(step, kind, Operation::Update, outputs).await {
            Err(Cause::Broken { reason }) => {
                let error = CallError::new(ErrorClass::Invalid, format!("changing {}", step.address), reason);
                Err(error.into())
            }
            other => other,
        }
    }

    pub(crate) async fn wait_ready(
        &self,
        step: &Step,
        kind: &dyn Kind,
        operation: Operation,
        outputs: Value,
    ) -> Result<Value, Cause> {
        let within = kind.ready_within();
        let mut backoff = Backoff::poll(step.address.as_str(), within);
        loop {
            match self.once_seen(step, operation, || kind.poll_ready(&outputs)).await? {
                Readiness::Ready(outputs) => return Ok(outputs),
                Readiness::Failed(reason) => return Err(Cause::Broken { reason }),
                Readiness::Pending(state) => {
                    self.waiting(step, operation, &state);
                    let waited = tokio::select! {
                        biased;
                        () = self.cancel.cancelled() => {
                            return Err(Cause::Interrupted { during: format!("it was {state}") });
                        }
                        waited = backoff.wait() => waited,
                    };
                    if !waited {
                        return Err(Cause::Late { waiting_for: state, seconds: within.as_secs() });
                    }
                }
            }
        }
    }

    async fn update(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: Object,
        desired: Value,
    ) -> Result<(), Cause> {
        let live = self.unchanged_since_plan(step, kind, &object, &desired).await?;
        let live = live.ok_or_else(|| Cause::Stale { what: "it disappeared".to_owned() })?;
        let changed = changed_properties(&live, &desired);
        if let Some(property) = changed.iter().find(|property| kind.change(property) == Change::Replace) {
            return Err(Cause::Stale { what: format!("{property} cannot be changed in place") });
        }
        if changed.is_empty() {
            return match object.phase {
                Phase::Changing => self.finish_change(step, kind, object, desired).await,
                _ => self.note(step, object.seq, desired).await,
            };
        }
        let node = step.node.unwrap_or_default();
        let intent = NewIntent {
            address: step.address.clone(),
            kind: step.kind.clone(),
            operation: Operation::Update,
            properties: desired.clone(),
            dependencies: self.graph.refers_to(node),
            protect: self.graph.nodes()[node].protect,
            object: Some(object.seq),
        };
        let seq = self.journal.intend(intent).await?.seq;
        let done = async {
            let update = || async {
                self.may_call(step)?;
                kind.update(&desired, &object.outputs, &live, changed.clone()).await
            };
            let outputs = self.again(step, Operation::Update, update).await?;
            self.wait_changed(step, kind, outputs).await
        };
        match done.await {
            Ok(outputs) => Ok(self.journal.record(Event::Ready { seq, outputs }).await?),
            Err(cause) => {
                // An update may be several calls, so some of it may have happened: what is there now is the truth. If
                // that cannot be read either, the intent stays open for the next run.
                if let Ok(Some(live)) = read(kind, &object.properties, &object.outputs).await {
                    let properties = managed(&live, &object.properties, &desired);
                    self.journal.record(Event::Observed { seq, properties }).await?;
                }
                Err(cause)
            }
        }
    }

    /// Records what changed without a call.
    pub(crate) async fn note(&self, step: &Step, object: u64, desired: Value) -> Result<(), Cause> {
        let node = step.node.unwrap_or_default();
        let (dependencies, protect) = (self.graph.refers_to(node), self.graph.nodes()[node].protect);
        let recorded = self.object(step, object)?;
        if recorded.properties == desired
            && recorded.dependencies == dependencies
            && recorded.protect == protect
        {
            return Ok(());
        }
        let address = step.address.clone();
        let event = Event::Recorded { address, object, properties: desired, dependencies, protect };
        Ok(self.journal.record(event).await?)
    }

    /// Deletes the object of a step.
    pub(crate) async fn delete(&self, step: &Step) -> Result<(), Cause> {
        let mut object = self.object(step, step.object.unwrap_or_default())?;
        let kind = self.kind(&object.kind)?;
        self.unchanged_since_plan(step, kind, &object, &Value::Null).await?;
        if let Some(removal) = &step.removal {
            if removal.fate == Fate::Retained {
                let (address, object) = (step.address.clone(), object.seq);
                return Ok(self.journal.record(Event::Released { address, object }).await?);
            }
            object.properties = removal.properties.clone();
        }
        self.delete_object(step, kind, object).await
    }

    async fn delete_object(&self, step: &Step, kind: &dyn Kind, object: Object) -> Result<(), Cause> {
        let intent = NewIntent {
            address: step.address.clone(),
            kind: object.kind.clone(),
            operation: Operation::Delete,
            properties: object.properties.clone(),
            dependencies: object.dependencies.clone(),
            protect: object.protect,
            object: Some(object.seq),
        };
        let intent = self.journal.intend(intent).await?;
        let within = kind.gone_within();
        let mut backoff = Backoff::retry(&intent.token, within);
        loop {
            let deleted = match self.may_call(step) {
                Ok(()) => kind.delete(&object.properties, &object.outputs).await,
                Err(error) => return Err(error.into()),
            };
            let error = match deleted {
                Ok(()) => break,
                Err(error) if error.class == ErrorClass::NotFound => break,
                Err(error) => error,
            };
            let again = error.class.is_transient()
                || matches!(error.class, ErrorClass::DependencyViolation | ErrorClass::Ambiguous);
            if again {
                self.waiting(step, Operation::Delete, &error.to_string());
            }
            if !again || !backoff.wait().await {
                if error.class.is_certain() {
                    self.journal.record(Event::Failed { seq: intent.seq, class: error.class }).await?;
                }
                return Err(error.into());
            }
        }
        let mut backoff = Backoff::poll(&intent.token, within);
        while !self
            .again(step, Operation::Delete, || is_gone(kind, &object.properties, &object.outputs))
            .await?
        {
            self.waiting(step, Operation::Delete, "deleting");
            if !backoff.wait().await {
                return Err(Cause::Late { waiting_for: "deleting".to_owned(), seconds: within.as_secs() });
            }
        }
        Ok(self.journal.record(Event::Gone { seq: intent.seq }).await?)
    }

    /// Reads the object and stops if it is not what the plan saw.
    async fn unchanged_since_plan(
        &self,
        step: &Step,
        kind: &dyn Kind,
        object: &Object,
        desired: &Value,
    ) -> Result<Option<Value>, Cause> {
        let look = || read(kind, &object.properties, &object.outputs);
        let Some(live) = self.again(step, Operation::Update, look).await? else { return Ok(None) };
        let live = managed(&live, &object.properties, desired);
        match &step.seen {
            // What is still being set up may well look different from one moment to the next.
            Some(seen) if object.phase == Phase::Ready => {
                let seen = managed(seen, &object.properties, desired);
                if live == seen { Ok(Some(live)) } else { Err(Cause::Stale { what: paths(&seen, &live) }) }
            }
            _ => Ok(Some(live)),
        }
    }

    /// Sends a call that is safe to repeat until it is answered.
    pub(crate) async fn again<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        step: &Step,
        operation: Operation,
        call: impl Fn() -> F,
    ) -> Result<T, CallError> {
        repeat(step.address.as_str(), call, |error| self.waiting(step, operation, &error.to_string())).await
    }

    /// [`again`](Self::again), for an object that may be so new that the cloud does not know it everywhere yet.
    pub(crate) async fn once_seen<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        step: &Step,
        operation: Operation,
        call: impl Fn() -> F,
    ) -> Result<T, CallError> {
        let mut backoff = Backoff::retry(step.address.as_str(), self.settle_grace);
        loop {
            match self.again(step, operation, &call).await {
                Err(error) if error.class == ErrorClass::NotFound => {
                    self.waiting(step, operation, &error.to_string());
                    if !backoff.wait().await {
                        return Err(error);
                    }
                }
                answer => return answer,
            }
        }
    }

    pub(crate) fn waiting(&self, step: &Step, operation: Operation, on: &str) {
        self.observer.observe(&Progress::Waiting {
            address: step.address.clone(),
            operation,
            on: on.to_owned(),
        });
    }
}

pub(crate) fn changed_properties(before: &Value, after: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        diff(before, after).iter().map(|change| change.property().to_owned()).collect();
    names.dedup();
    names
}

fn paths(before: &Value, after: &Value) -> String {
    let paths: Vec<String> = diff(before, after).into_iter().map(|change| change.path).collect();
    paths.join(", ")
}
