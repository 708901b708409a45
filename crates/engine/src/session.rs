//! The engine as a program uses it: preview, sessions that hold the lock, drift.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use crate::address::Address;
use crate::anchor::Head;
use crate::apply::{Report, apply};
use crate::backoff::Backoff;
use crate::cancel::Cancel;
use crate::codec::JournalError;
use crate::diff::{PropertyChange, diff, managed};
use crate::error::{CallError, ErrorClass};
use crate::event::{Event, Seq};
use crate::facts::Facts;
use crate::graph::Graph;
use crate::host::{Host, SystemHost};
use crate::journal::{Binding, Journal, Loaded, load};
use crate::lock::{Lock, LockError, Lost};
use crate::loss::Contents;
use crate::observer::{Observer, Progress, Silent};
use crate::operate::Operator;
use crate::plan::{Plan, Reading, Readings, plan};
use crate::plan_error::PlanError;
use crate::provider::Provider;
use crate::selector::{Selection, Selector};
use crate::settle::{SettleError, contents, look_up, read, repeat};
use crate::state::{Object, Phase, State};
use crate::step::Step;
use crate::store::Store;

/// How many objects are read at once. Batching joins them into far fewer calls.
const READS_AT_ONCE: usize = 256;

/// Why the engine could not begin or end its work. What fails while a plan runs is in the [`Report`].
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
    #[error("the lock was lost: this process did not renew it in time, and another may have taken over")]
    LockLost,
}

/// A live object that differs from what is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What differs, recorded value before and live value after; `None` if the object has disappeared.
    pub changes: Option<Vec<PropertyChange>>,
}

/// What is recorded, and what a look at the cloud found of it.
#[derive(Clone)]
pub struct Survey {
    /// The state as it was when the look began.
    pub state: State,
    live: Readings,
    provider: Arc<dyn Provider>,
}

impl std::fmt::Debug for Survey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Survey").field("state", &self.state).field("live", &self.live).finish_non_exhaustive()
    }
}

impl Survey {
    /// Every recorded object that was looked at, replaced ones included, with its address and the live one.
    pub fn objects(&self) -> impl Iterator<Item = (&Address, &Object, &Reading)> {
        let look = |(address, object)| {
            let object: &Object = object;
            Some((address, object, self.live.get(&object.seq)?))
        };
        self.state.objects().filter_map(look)
    }

    /// Where live objects differ from what is recorded. Of what may not be read, nobody knows.
    #[must_use]
    pub fn drift(&self) -> Vec<Drift> {
        self.objects().filter_map(|(address, object, live)| self.drift_of(address, object, live)).collect()
    }

    /// What is known of a kind; `None` if this program does not know it.
    #[must_use]
    pub fn facts(&self, kind: &str) -> Option<&Facts> {
        Some(self.provider.kind(kind)?.facts())
    }

    /// How a live object differs from the one recorded at this address, if it does and may be looked at.
    fn drift_of(&self, address: &Address, object: &Object, live: &Reading) -> Option<Drift> {
        let changes = match live {
            Reading::Found(found) => {
                let found = managed(found, &object.properties, &Value::Null);
                let changes = diff(&object.properties, &found, self.facts(&object.kind)?.lists);
                if changes.is_empty() {
                    return None;
                }
                Some(changes)
            }
            Reading::Missing => None,
            Reading::Denied(_) => return None,
        };
        Some(Drift { address: address.clone(), kind: object.kind.clone(), changes })
    }
}

/// Work that only reads, and so can be dropped at any time, unless it is interrupted.
async fn unless<T>(
    cancel: &Cancel,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(EngineError::Interrupted),
        done = work => done,
    }
}

/// Plans and applies on one state.
#[derive(Clone)]
pub struct Engine {
    provider: Arc<dyn Provider>,
    store: Arc<dyn Store>,
    host: Arc<dyn Host>,
    observer: Arc<dyn Observer>,
    settle_grace: Duration,
    binding: Binding,
    cancel: Cancel,
}

impl Engine {
    /// An engine for the kinds of `provider` on the state in `store`.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, store: Arc<dyn Store>) -> Self {
        Self {
            provider,
            store,
            host: Arc::new(SystemHost),
            observer: Arc::new(Silent),
            settle_grace: Duration::from_secs(30),
            binding: Binding::default(),
            cancel: Cancel::new(),
        }
    }

    /// What interrupts all work of this engine, sessions included: reads and waits end at once with
    /// [`EngineError::Interrupted`], an [`apply`](Session::apply) with a report of what is left.
    #[must_use]
    pub fn with_cancel(self, cancel: Cancel) -> Self {
        Self { cancel, ..self }
    }

    /// Who is told of progress.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// Another clock and random source than the machine's.
    #[must_use]
    pub fn with_host(self, host: Arc<dyn Host>) -> Self {
        Self { host, ..self }
    }

    /// How long an object that may have been created is looked for before it is created again. It must be longer
    /// than the cloud takes to show a new object; 30 s by default.
    #[must_use]
    pub fn with_settle_grace(self, settle_grace: Duration) -> Self {
        Self { settle_grace, ..self }
    }

    /// What the state describes, such as an account and a region. A state with objects in it that is bound to
    /// something else is refused: in another region, all its objects would seem to have disappeared.
    #[must_use]
    pub fn bound_to(self, place: impl Into<String>) -> Self {
        let binding = Binding { place: Some(place.into()), ..self.binding };
        Self { binding, ..self }
    }

    /// Whose objects the state describes, such as a project and an environment. A state with objects in it that belongs to
    /// another stack is refused, also where nothing is called: a copied state directory must not change or delete what
    /// it was copied from.
    #[must_use]
    pub fn of_stack(self, stack: impl Into<String>) -> Self {
        let binding = Binding { stack: Some(stack.into()), ..self.binding };
        Self { binding, ..self }
    }

    /// The state as recorded. No call to the cloud, no lock.
    ///
    /// # Errors
    /// Where it cannot be read, or is bound to something else.
    pub async fn state(&self) -> Result<State, EngineError> {
        Ok(self.load().await?.state)
    }

    async fn load(&self) -> Result<Loaded, EngineError> {
        let loaded = load(&*self.store, &*self.host).await?;
        self.binding.check(&loaded.state)?;
        Ok(loaded)
    }

    /// What [`Session::plan`] would say. Writes nothing anywhere and takes no lock; what an interrupted run left open is
    /// looked up, and only in memory taken as settled.
    ///
    /// # Errors
    /// Where there is no plan, or state or cloud cannot be read.
    pub async fn preview(&self, graph: Arc<Graph>, selector: &Selector) -> Result<Plan, EngineError> {
        let Loaded { mut state, changed_at } = self.load().await?;
        let looked = HashSet::new();
        let looked = look_up(&state, &*self.provider, self.settle_grace, &looked, &*self.observer);
        for settled in unless(&self.cancel, async { Ok(looked.await?) }).await? {
            if let Some(event) = settled.event {
                state.fold(&event).map_err(|error| JournalError::Refused { reason: error.to_string() })?;
            }
        }
        let selection = selector.resolve(&graph, &state);
        let live = unless(&self.cancel, self.read_whole(&state, &selection, changed_at)).await?;
        let plan = plan(graph, &state, &live, &*self.provider, selection)?;
        unless(&self.cancel, self.weighed(plan, &state)).await
    }

    /// The plan, once somebody has looked into what would be deleted.
    async fn weighed(&self, mut plan: Plan, state: &State) -> Result<Plan, EngineError> {
        let mut looking: FuturesUnordered<_> = plan
            .to_weigh()
            .into_iter()
            .filter_map(|(position, seq)| {
                let address = &plan.steps()[position].address;
                Some((position, address.clone(), state.slot(address.as_str())?.object(seq)?))
            })
            .map(|(position, address, object)| async move {
                let Some(kind) = self.provider.kind(&object.kind) else {
                    return Ok::<_, EngineError>((position, Contents::Unknown));
                };
                let looked = repeat(address.as_str(), || contents(kind, object), |_| ()).await;
                let found = looked.map_err(|source| EngineError::Read { address, source })?;
                Ok((position, found))
            })
            .collect();
        let mut found = Vec::new();
        while let Some(contents) = looking.next().await {
            found.push(contents?);
        }
        drop(looking);
        found.sort_unstable_by_key(|(position, _)| *position);
        plan.weigh(found, state)?;
        Ok(plan)
    }

    /// Compares every selected object that is recorded with the live one. Changes nothing.
    ///
    /// # Errors
    /// Where state or cloud cannot be read.
    pub async fn drift(&self, selector: &Selector) -> Result<Vec<Drift>, EngineError> {
        let Loaded { state, changed_at } = self.load().await?;
        let selection = selector.resolve(&Graph::default(), &state);
        let live = unless(&self.cancel, self.read_whole(&state, &selection, changed_at)).await?;
        Ok(Survey { state, live, provider: Arc::clone(&self.provider) }.drift())
    }

    /// Reads every selected object that is recorded, as it is now. Changes nothing, takes no lock. What this identity may
    /// not read is [`Reading::Denied`]: somebody who only looks may be allowed less than who deploys.
    ///
    /// # Errors
    /// Where the state cannot be read, or the cloud for any other reason.
    pub async fn survey(&self, selector: &Selector) -> Result<Survey, EngineError> {
        let Loaded { state, changed_at } = self.load().await?;
        let selection = selector.resolve(&Graph::default(), &state);
        let live = unless(&self.cancel, self.read_all(&state, &selection, changed_at)).await?;
        Ok(Survey { state, live, provider: Arc::clone(&self.provider) })
    }

    /// The same as [`Engine::read_all`], for those who cannot go on with a part: what may not be read is an error.
    async fn read_whole(
        &self,
        state: &State,
        selection: &Selection,
        changed_at: u64,
    ) -> Result<Readings, EngineError> {
        let live = self.read_all(state, selection, changed_at).await?;
        for (address, object) in state.objects() {
            if let Some(Reading::Denied(source)) = live.get(&object.seq) {
                return Err(EngineError::Read { address: address.clone(), source: source.clone() });
            }
        }
        Ok(live)
    }

    /// Reads every selected object that is recorded, where something was last recorded at `changed_at`.
    async fn read_all(
        &self,
        state: &State,
        selection: &Selection,
        changed_at: u64,
    ) -> Result<Readings, EngineError> {
        // Only what was created a moment ago can exist without being shown.
        let age = Duration::from_millis(self.host.now_millis().saturating_sub(changed_at));
        let patience = self.settle_grace.saturating_sub(age);
        let mut readings = HashMap::new();
        let mut reading = FuturesUnordered::new();
        for (address, object) in state.objects() {
            if !selection.contains(address.as_str()) {
                continue;
            }
            if reading.len() >= READS_AT_ONCE
                && let Some(read) = reading.next().await
            {
                let (seq, live) = read?;
                readings.insert(seq, live);
            }
            reading.push(self.read_one(address, object, patience));
        }
        while let Some(read) = reading.next().await {
            let (seq, live) = read?;
            readings.insert(seq, live);
        }
        Ok(readings)
    }

    async fn read_one(
        &self,
        address: &Address,
        object: &Object,
        patience: Duration,
    ) -> Result<(Seq, Reading), EngineError> {
        let unknown = || PlanError::UnknownKind { address: address.clone(), kind: object.kind.clone() };
        let kind = self.provider.kind(&object.kind).ok_or_else(unknown)?;
        let mut backoff = Backoff::retry(address.as_str(), patience);
        let waiting = |on: String, refused| {
            let address = address.clone();
            self.observer.observe(&Progress::Waiting { address, operation: None, on, refused });
        };
        loop {
            let look = || read(kind, &object.properties, &object.outputs);
            let refused = |error: &CallError| waiting(error.to_string(), Some(error.class));
            match repeat(address.as_str(), look, refused).await {
                Ok(Some(live)) => return Ok((object.seq, Reading::Found(live))),
                Ok(None) => {
                    waiting("it is not found; a new object may not be visible yet".to_owned(), None);
                    if !backoff.wait().await {
                        return Ok((object.seq, Reading::Missing));
                    }
                }
                Err(source) if source.class == ErrorClass::Denied => {
                    return Ok((object.seq, Reading::Denied(source)));
                }
                Err(source) => return Err(EngineError::Read { address: address.clone(), source }),
            }
        }
    }

    /// Takes the lock, opens the journal, and settles what an earlier run left open.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process works on this state; [`EngineError::Interrupted`], with the lock given back,
    /// if the engine was; otherwise where state or cloud cannot be read.
    pub async fn open(&self) -> Result<Session, EngineError> {
        let cancel = self.cancel.child();
        let lost = Cancel::new();
        let waiting = |holder: &str, left| {
            let holder = holder.to_owned();
            self.observer.observe(&Progress::WaitingForLock { holder, left });
        };
        let on_loss = Lost::new(lost.clone(), cancel.clone());
        let acquired = Lock::acquire(Arc::clone(&self.store), Arc::clone(&self.host), on_loss, waiting);
        let lock = acquired.await.map_err(|error| match error {
            LockError::Interrupted => EngineError::Interrupted,
            error => error.into(),
        })?;
        let binding = self.binding.clone();
        let journal = match Journal::open(Arc::clone(&self.store), Arc::clone(&self.host), binding).await {
            Ok(journal) => journal,
            Err(error) => {
                // The error to report is the journal's.
                let _ = lock.release().await;
                return Err(error.into());
            }
        };
        let looked = Mutex::default();
        let session = Session { engine: self.clone(), journal, lock, lost, cancel, looked };
        match session.settle().await {
            Ok(()) => Ok(session),
            Err(error) => {
                let _ = session.close().await;
                Err(error)
            }
        }
    }
}

/// The engine while it holds the lock. End it with [`close`](Session::close).
pub struct Session {
    engine: Engine,
    journal: Journal,
    lock: Lock,
    lost: Cancel,
    cancel: Cancel,
    /// Open intents that were looked for in vain, and have not been sent again since.
    looked: Mutex<HashSet<Seq>>,
}

impl Session {
    /// Set it to stop: nothing new is begun, waits end, and calls in flight are answered or, once it is
    /// [abandoned](Cancel::abandon), given up.
    #[must_use]
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> State {
        self.journal.state().clone()
    }

    /// The last record that is durable. After [`close`](Self::close) it is what [`inspect`](crate::inspect) finds.
    #[must_use]
    pub fn head(&self) -> Head {
        self.journal.head()
    }

    async fn settle(&self) -> Result<(), EngineError> {
        let looked = self.looked().clone();
        let unsettled = |state: &State| {
            state.slots().flat_map(|(_, slot)| &slot.open).any(|open| !looked.contains(&open.seq))
                || state.objects().any(|(_, object)| object.phase == Phase::Creating)
        };
        if !unsettled(&self.journal.state()) {
            return Ok(());
        }
        let (state, engine) = (self.state(), &self.engine);
        let looking = look_up(&state, &*engine.provider, engine.settle_grace, &looked, &*engine.observer);
        for settled in self.unless_cancelled(async { Ok(looking.await?) }).await? {
            self.engine.observer.observe(&Progress::Settled {
                address: settled.address.clone(),
                operation: settled.operation,
                took_effect: settled.took_effect(),
            });
            if let Some(event) = settled.event {
                self.journal.record(event).await?;
            }
        }
        let state = self.journal.state();
        self.looked().extend(state.slots().flat_map(|(_, slot)| &slot.open).map(|open| open.seq));
        Ok(())
    }

    fn looked(&self) -> MutexGuard<'_, HashSet<Seq>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares what is declared with the live objects, and decides what to do. What is not selected is not looked at and
    /// left as it is: neither created, changed nor deleted. Where something selected refers to it, it is taken as it is
    /// recorded. The outputs of the stack are recorded with a plan for everything only.
    ///
    /// A creation that an earlier run left open, that was looked for in vain, and that nobody wants any more, is closed.
    ///
    /// # Errors
    /// Where there is no plan, or the cloud cannot be read. [`PlanError::NotSelected`] if something selected needs what is not
    /// selected and does not exist; [`PlanError::StillNeeded`] if something that is not selected needs what would go.
    pub async fn plan(&self, graph: Arc<Graph>, selector: &Selector) -> Result<Plan, EngineError> {
        // What an apply in this session left open.
        self.settle().await?;
        let state = self.state();
        let selection = selector.resolve(&graph, &state);
        let reading = self.engine.read_whole(&state, &selection, self.journal.changed_at());
        let live = self.unless_cancelled(reading).await?;
        let plan = plan(graph, &state, &live, &*self.engine.provider, selection)?;
        let plan = self.unless_cancelled(self.engine.weighed(plan, &state)).await?;
        self.close_unwanted(&plan).await?;
        Ok(plan)
    }

    /// Runs a plan. What happened is in the report, whether it worked or not.
    ///
    /// # Errors
    /// Where the journal fails outside of the plan's steps, or the lock was lost.
    pub async fn apply(&self, plan: &Plan) -> Result<Report, EngineError> {
        // What ends this apply by itself, such as a journal that fails, does not end the session.
        let cancel = self.cancel.child();
        let operator = Operator {
            graph: &plan.graph,
            provider: &*self.engine.provider,
            journal: &self.journal,
            lock: &self.lock,
            observer: &*self.engine.observer,
            cancel: &cancel,
            settle_grace: self.engine.settle_grace,
            in_flight: AtomicUsize::new(0),
        };
        // A part alone leaves those of the stack as they are.
        let exports = plan.graph.exports();
        if plan.selection.is_all() && exports != self.journal.state().exports_declared() {
            self.journal.record(Event::Exports { values: exports.clone() }).await?;
        }
        self.looked().clear();
        let mut report = apply(plan, &operator).await;
        // Where the journal fails, the lock may be lost for the same reason; the first cause is in the report.
        if self.lost.is_cancelled() && !report.is_stopped_by_journal() {
            return Err(self.lock.why_lost());
        }
        report.interrupted = self.cancel.is_cancelled();
        Ok(report)
    }

    /// Work that only reads, and so can be dropped at any time.
    async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        match unless(&self.cancel, work).await {
            Err(EngineError::Interrupted) if self.lost.is_cancelled() => Err(self.lock.why_lost()),
            done => done,
        }
    }

    async fn close_unwanted(&self, plan: &Plan) -> Result<(), EngineError> {
        let unwanted: Vec<Seq> = self
            .journal
            .state()
            .slots()
            .filter_map(|(address, slot)| Some((address, slot.open_create()?.seq)))
            .filter(|(address, _)| plan.selection.contains(address.as_str()))
            .filter(|(address, _)| !plan.step(address.as_str()).is_some_and(Step::creates))
            .map(|(_, seq)| seq)
            .collect();
        for seq in unwanted {
            let class = crate::error::ErrorClass::NotFound;
            self.journal.record(Event::Failed { seq, class }).await?;
        }
        Ok(())
    }

    /// Ends the session: closes the journal and gives the lock back.
    ///
    /// # Errors
    /// Where the journal cannot be compacted or the lock not be given back; what was recorded is safe all the same.
    pub async fn close(self) -> Result<(), EngineError> {
        self.close_with_head().await.1
    }

    /// [`close`](Session::close), and the last record that is durable then: what an interrupted run left behind may still have
    /// been written while it was closed.
    pub async fn close_with_head(self) -> (Head, Result<(), EngineError>) {
        let head = self.journal.watch_head();
        let closed = self.end().await;
        let head = head.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (head, closed)
    }

    async fn end(self) -> Result<(), EngineError> {
        let closed = self.journal.close().await;
        let released = self.lock.release().await;
        closed?;
        Ok(released?)
    }
}
