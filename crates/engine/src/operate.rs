//! What is done to one resource: intent first, then the call, then what came of it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::cancel::Cancel;
use crate::codec::JournalError;
use crate::diff::diff;
use crate::error::{CallError, ErrorClass};
use crate::event::{Event, Operation};
use crate::graph::Graph;
use crate::journal::{Journal, NewIntent, Recorded};
use crate::observer::{Observer, Progress};
use crate::plan::{Action, Note, Step, managed};
use crate::provider::{Kind, Provider};
use crate::references;
use crate::resource::{Change, Intent, Readiness, Settle};
use crate::state::{Object, Open, Phase};

/// How long a call that may be sent again is sent again.
const RETRY_WITHIN: Duration = Duration::from_secs(300);

/// How often a create is sent again after answers were lost.
const LOST_ANSWERS: usize = 6;

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

/// A create that gave no object.
struct NotObtained {
    error: CallError,
    /// Whether an earlier attempt, whose answer was lost, may have given one after all.
    unsure: bool,
}

/// What all operations of one run share.
pub(crate) struct Operator<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) provider: &'a dyn Provider,
    pub(crate) journal: &'a Journal,
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
            Some(object) if step.note == Some(Note::Unfinished) => {
                identified();
                self.resume(step, kind, object, desired).await
            }
            Some(object) => {
                identified();
                let object = self.object(step, object)?;
                if step.action == Action::Update {
                    self.update(step, kind, object, desired).await
                } else {
                    self.note(step, object.seq, desired).await
                }
            }
        }
    }

    fn kind(&self, name: &str) -> Result<&dyn Kind, Cause> {
        let unknown = || CallError::new(ErrorClass::Invalid, "planning", format!("kind {name} is not registered"));
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
            let what = diff(&Value::Null, &desired).iter().map(|change| change.path.clone()).collect::<String>();
            return Err(Cause::Stale { what: format!("an output that it needs is not known {what}") });
        }
        let as_planned = state.resolve(planned);
        if as_planned != desired {
            return Err(Cause::Stale { what: paths(&as_planned, &desired) });
        }
        Ok(desired)
    }

    async fn create(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: Value,
        identified: impl FnOnce(),
    ) -> Result<(), Cause> {
        let (intent, resumed) = self.create_intent(step, &desired).await?;
        let call = Intent { address: step.address.clone(), token: intent.token.clone() };
        let obtained = self.obtain(step, kind, &desired, &call, resumed).await;
        let (outputs, adopted) = match obtained {
            Ok(obtained) => obtained,
            Err(NotObtained { error, unsure }) => {
                if error.class.is_certain() && !unsure {
                    self.journal.record(Event::Failed { seq: intent.seq, class: error.class }).await?;
                }
                return Err(error.into());
            }
        };
        self.journal.record(Event::Created { seq: intent.seq, outputs: outputs.clone() }).await?;
        identified();
        self.finish(step, kind, intent.seq, &desired, outputs, adopted).await
    }

    /// A new intent, or an open one of an earlier run for the very same call.
    async fn create_intent(&self, step: &Step, desired: &Value) -> Result<(Recorded, bool), Cause> {
        let node = step.node.unwrap_or_default();
        let dependencies = self.graph.refers_to(node);
        let protect = self.graph.nodes()[node].protect;
        let open: Option<Open> = {
            let state = self.journal.state();
            state.slot(step.address.as_str()).and_then(|slot| slot.open_create()).cloned()
        };
        if let Some(open) = open {
            let same = open.kind == step.kind
                && open.properties == *desired
                && open.dependencies == dependencies
                && open.protect == protect;
            if same {
                return Ok((Recorded { seq: open.seq, token: open.token }, true));
            }
            // It was looked for when this run began, and is not there.
            self.journal.record(Event::Failed { seq: open.seq, class: ErrorClass::NotFound }).await?;
        }
        let intent = NewIntent {
            address: step.address.clone(),
            kind: step.kind.clone(),
            operation: Operation::Create,
            properties: desired.clone(),
            dependencies,
            protect,
            object: None,
        };
        Ok((self.journal.intend(intent).await?, false))
    }

    /// Sends the create until it is known what came of it. Also says whether the object was found rather than made.
    async fn obtain(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: &Value,
        intent: &Intent,
        resumed: bool,
    ) -> Result<(Value, bool), NotObtained> {
        let mut backoff = Backoff::retry(&intent.token, RETRY_WITHIN);
        let (mut lost, mut look, mut unsure) = (0, resumed, resumed);
        loop {
            if look {
                let found = self.look(step, kind, desired, intent).await;
                if let Some(outputs) = found.map_err(|error| NotObtained { error, unsure })? {
                    return Ok((outputs, true));
                }
                unsure = false;
            }
            let error = match kind.create(desired, intent).await {
                Ok(outputs) => return Ok((outputs, false)),
                Err(error) => error,
            };
            match error.class {
                ErrorClass::Throttled | ErrorClass::NotYet => look = false,
                ErrorClass::Ambiguous if lost < LOST_ANSWERS => {
                    (lost, unsure) = (lost + 1, true);
                    // With a client token, sending it again is looking.
                    look = kind.settle() != Settle::Token;
                }
                ErrorClass::AlreadyExists => {
                    return match self.look(step, kind, desired, intent).await {
                        Ok(Some(outputs)) => Ok((outputs, true)),
                        Ok(None) => Err(NotObtained { error, unsure }),
                        Err(error) => Err(NotObtained { error, unsure }),
                    };
                }
                _ => {
                    let unsure = unsure || !error.class.is_certain();
                    return Err(NotObtained { error, unsure });
                }
            }
            self.waiting(step, Operation::Create, &error.to_string());
            if !backoff.wait().await {
                return Err(NotObtained { error, unsure });
            }
        }
    }

    /// Looks for what an intent may have created; where nothing but a tag tells, for a grace period, since what was
    /// just created need not be visible yet.
    async fn look(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: &Value,
        intent: &Intent,
    ) -> Result<Option<Value>, CallError> {
        let found = look(kind, desired, intent, self.settle_grace).await?;
        let Some(outputs) = found else { return Ok(None) };
        let state = self.journal.state();
        let known = state.slot(step.address.as_str()).is_some_and(|slot| {
            slot.current.iter().chain(&slot.deposed).any(|object| object.kind == step.kind && object.outputs == outputs)
        });
        if known {
            let message = "the object that is to be replaced still holds the name";
            return Err(CallError::conflict(format!("creating {}", step.address), message));
        }
        Ok(Some(outputs))
    }

    /// Waits until a created object is ready, sets what can only be set then, and records that it is.
    async fn finish(
        &self,
        step: &Step,
        kind: &dyn Kind,
        seq: u64,
        desired: &Value,
        outputs: Value,
        adopted: bool,
    ) -> Result<(), Cause> {
        let outputs = self.wait_ready(step, kind, Operation::Create, outputs).await?;
        self.again(step, Operation::Create, || kind.configure(desired, &outputs)).await?;
        let outputs = if adopted { self.converge(step, kind, desired, outputs).await? } else { outputs };
        Ok(self.journal.record(Event::Ready { seq, outputs }).await?)
    }

    /// Goes on with an object whose creation was interrupted.
    async fn resume(&self, step: &Step, kind: &dyn Kind, seq: u64, desired: Value) -> Result<(), Cause> {
        let object = self.object(step, seq)?;
        let outputs = object.outputs.clone();
        match self.finish(step, kind, seq, &desired, outputs, true).await {
            Err(Cause::Broken { .. }) => {
                self.delete_object(step, kind, object).await?;
                self.create(step, kind, desired, || ()).await
            }
            Ok(()) => self.note(step, seq, desired).await,
            Err(error) => Err(error),
        }
    }

    /// Brings an object that was found rather than made to what is declared.
    async fn converge(
        &self,
        step: &Step,
        kind: &dyn Kind,
        desired: &Value,
        outputs: Value,
    ) -> Result<Value, Cause> {
        let gone = || Cause::Stale { what: "it disappeared".to_owned() };
        let live = self.again(step, Operation::Create, || kind.read(desired, &outputs)).await?.ok_or_else(gone)?;
        let live = managed(&live, desired, desired);
        let changed = changed_properties(&live, desired);
        if changed.is_empty() {
            return Ok(outputs);
        }
        if let Some(property) = changed.iter().find(|property| kind.change(property) == Change::Replace) {
            let what = format!("{property} of the object that exists cannot be changed");
            return Err(Cause::Stale { what });
        }
        let outputs = self
            .again(step, Operation::Create, || kind.update(desired, &outputs, &live, changed.clone()))
            .await?;
        self.wait_ready(step, kind, Operation::Create, outputs).await
    }

    async fn wait_ready(
        &self,
        step: &Step,
        kind: &dyn Kind,
        operation: Operation,
        outputs: Value,
    ) -> Result<Value, Cause> {
        let within = kind.ready_within();
        let mut backoff = Backoff::poll(step.address.as_str(), within);
        loop {
            match self.again(step, operation, || kind.poll_ready(&outputs)).await? {
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

    async fn update(&self, step: &Step, kind: &dyn Kind, object: Object, desired: Value) -> Result<(), Cause> {
        let live = self.unchanged_since_plan(step, kind, &object, &desired).await?;
        let live = live.ok_or_else(|| Cause::Stale { what: "it disappeared".to_owned() })?;
        let changed = changed_properties(&live, &desired);
        if let Some(property) = changed.iter().find(|property| kind.change(property) == Change::Replace) {
            return Err(Cause::Stale { what: format!("{property} cannot be changed in place") });
        }
        if changed.is_empty() {
            return self.note(step, object.seq, desired).await;
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
            let outputs = self
                .again(step, Operation::Update, || kind.update(&desired, &object.outputs, &live, changed.clone()))
                .await?;
            self.wait_ready(step, kind, Operation::Update, outputs).await
        };
        match done.await {
            Ok(outputs) => Ok(self.journal.record(Event::Ready { seq, outputs }).await?),
            Err(cause) => {
                // An update may be several calls, so some of it may have happened: what is there now is the truth. If
                // that cannot be read either, the intent stays open for the next run.
                if let Ok(Some(live)) = kind.read(&object.properties, &object.outputs).await {
                    let properties = managed(&live, &object.properties, &desired);
                    self.journal.record(Event::Observed { seq, properties }).await?;
                }
                Err(cause)
            }
        }
    }

    /// Records what changed without a call.
    async fn note(&self, step: &Step, object: u64, desired: Value) -> Result<(), Cause> {
        let node = step.node.unwrap_or_default();
        let (dependencies, protect) = (self.graph.refers_to(node), self.graph.nodes()[node].protect);
        let recorded = self.object(step, object)?;
        if recorded.properties == desired && recorded.dependencies == dependencies && recorded.protect == protect {
            return Ok(());
        }
        let address = step.address.clone();
        let event = Event::Recorded { address, object, properties: desired, dependencies, protect };
        Ok(self.journal.record(event).await?)
    }

    /// Deletes the object of a step.
    pub(crate) async fn delete(&self, step: &Step) -> Result<(), Cause> {
        let object = self.object(step, step.object.unwrap_or_default())?;
        let kind = self.kind(&object.kind)?;
        self.unchanged_since_plan(step, kind, &object, &Value::Null).await?;
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
            let error = match kind.delete(&object.properties, &object.outputs).await {
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
        while !self.again(step, Operation::Delete, || kind.poll_gone(&object.properties, &object.outputs)).await? {
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
        let read = || kind.read(&object.properties, &object.outputs);
        let Some(live) = self.again(step, Operation::Update, read).await? else { return Ok(None) };
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
    async fn again<T, F: Future<Output = Result<T, CallError>>>(
        &self,
        step: &Step,
        operation: Operation,
        call: impl Fn() -> F,
    ) -> Result<T, CallError> {
        repeat(step.address.as_str(), call, |error| self.waiting(step, operation, &error.to_string())).await
    }

    fn waiting(&self, step: &Step, operation: Operation, on: &str) {
        self.observer.observe(&Progress::Waiting {
            address: step.address.clone(),
            operation,
            on: on.to_owned(),
        });
    }
}

/// Sends a call that is safe to repeat until it is answered, for some minutes.
pub(crate) async fn repeat<T, F: Future<Output = Result<T, CallError>>>(
    seed: &str,
    call: impl Fn() -> F,
    waiting: impl Fn(&CallError),
) -> Result<T, CallError> {
    let mut backoff = Backoff::retry(seed, RETRY_WITHIN);
    loop {
        match call().await {
            Err(error) if error.class.is_transient() || error.class == ErrorClass::Ambiguous => {
                waiting(&error);
                if !backoff.wait().await {
                    return Err(error);
                }
            }
            answer => return answer,
        }
    }
}

/// [`Kind::find`], repeated for a grace period where nothing but a tag tells.
pub(crate) async fn look(
    kind: &dyn Kind,
    desired: &Value,
    intent: &Intent,
    grace: Duration,
) -> Result<Option<Value>, CallError> {
    let until = Instant::now() + grace;
    let mut backoff = Backoff::retry(&intent.token, grace);
    loop {
        let found = repeat(&intent.token, || kind.find(desired, intent), |_| ()).await?;
        let give_up = kind.settle() == Settle::Key || Instant::now() >= until;
        if found.is_some() || give_up || !backoff.wait().await {
            return Ok(found);
        }
    }
}

fn changed_properties(before: &Value, after: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        diff(before, after).iter().map(|change| change.property().to_owned()).collect();
    names.dedup();
    names
}

fn paths(before: &Value, after: &Value) -> String {
    let paths: Vec<String> = diff(before, after).into_iter().map(|change| change.path).collect();
    paths.join(", ")
}
