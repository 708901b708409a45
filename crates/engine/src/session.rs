//! The engine while it holds the lock.

use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Handle;

use crate::anchor::Head;
use crate::apply::{Report, apply};
use crate::calls::read;
use crate::cancel::Cancel;
use crate::engine_error::EngineError;
use crate::error::ErrorClass;
use crate::event::{Event, Outcome, Seq};
use crate::facade::{Engine, unless};
use crate::graph::{Graph, Moved};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::narrow::Wanted;
use crate::observer::Progress;
use crate::operate::Operator;
use crate::plan::{Plan, relocated};
use crate::selector::Selector;
use crate::settle::look_up;
use crate::state::{Phase, Slot, State};
use crate::step::Step;
use crate::survey::Survey;

/// How long a session that was dropped may take to say so in the journal. After that, its lock is given back all the same.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);

/// The engine while it holds the lock. End it with [`close`](Session::close).
///
/// # Guarantees
/// - No other session works on this state while this one holds the lock. Once the lock is lost, this one sends nothing and
///   records nothing any more; its work ends with [`EngineError::LockLost`] or [`EngineError::LockUnrenewed`].
/// - Before each call that changes something, what is about to be done is durable in the journal, and after it, what came of it.
///   So wherever a run ends, also by the death of the process, the next session finds out what happened and goes on from
///   there: no object is lost, and none is made twice.
/// - What a [`Plan`] showed as known is what is sent. An object that changed since the plan was made is left alone.
/// - Where a resource fails, only what depends on it is skipped. The [`Report`] has all that was done and was not.
///
/// # Assumptions
/// - Where the store says that all its users read one clock ([`LeaseTerms::one_clock`](crate::LeaseTerms::one_clock)), they do, to
///   within a few seconds: a process whose clock is ahead by more than a lease takes over the locks of sessions that are alive;
///   those stop.
/// - The runtime in which it was opened is not blocked for longer than the store's lease (20 s in a directory), or the lock is
///   lost.
///
/// # Cancellation
/// - [`cancel`](Self::cancel) is the orderly way: nothing new is begun, waits end, calls in flight are answered, and the
///   report says what is left.
/// - Dropping the future of [`apply`](Self::apply) gives up calls in flight wherever they are, as if the process had died. They may
///   still take effect in the cloud; the next [`plan`](Self::plan), in this session or a later one, looks for that first.
/// - Dropping the future of [`plan`](Self::plan) changes nothing in the cloud. Dropping that of [`close`](Self::close) gives
///   the lock back; a long journal is then compacted another time.
/// - A session that is dropped says so to the [`Observer`](crate::Observer) ([`Progress::SessionDropped`]) and in the journal
///   ([`Event::Dropped`]), and gives the lock back, all in the background of the runtime in which it was opened. If that
///   has ended, the next session waits until the lease has run out, or until it sees that the process is dead.
pub struct Session {
    pub(crate) engine: Engine,
    /// `None` only once the session is being closed or dropped.
    held: Option<Held>,
    /// Where what is left to do for a dropped session runs.
    runtime: Handle,
    pub(crate) lost: Cancel,
    pub(crate) cancel: Cancel,
    /// Open intents that were looked for in vain, and have not been sent again since.
    looked: Mutex<HashSet<Seq>>,
    /// How it ends, as far as is known by now.
    outcome: Mutex<Outcome>,
}

/// What a session holds against other processes.
pub(crate) struct Held {
    pub(crate) journal: Journal,
    pub(crate) lock: Lock,
}

impl Session {
    /// What [`Engine::open`] has taken. Only inside of a tokio runtime.
    pub(crate) fn new(engine: Engine, journal: Journal, lock: Lock, lost: Cancel, cancel: Cancel) -> Self {
        let held = Some(Held { journal, lock });
        let (looked, outcome) = (Mutex::default(), Mutex::new(Outcome::Done));
        Self { engine, held, runtime: Handle::current(), lost, cancel, looked, outcome }
    }

    fn held(&self) -> &Held {
        self.held.as_ref().expect("it is taken out only where the session ends")
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.held().journal
    }

    pub(crate) fn lock(&self) -> &Lock {
        &self.held().lock
    }

    /// Set it to stop: nothing new is begun, waits end, and calls in flight are answered or, once it is
    /// [abandoned](Cancel::abandon), given up.
    #[must_use]
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> State {
        self.journal().state().clone()
    }

    /// The last record that is durable. After [`close`](Self::close) it is what [`inspect`](crate::inspect) finds.
    #[must_use]
    pub fn head(&self) -> Head {
        self.journal().head()
    }

    /// Says how the session ends, which is recorded when it is closed. [`plan`](Self::plan) and [`apply`](Self::apply) say it of
    /// themselves.
    pub fn ends_as(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }

    pub(crate) async fn settle(&self) -> Result<(), EngineError> {
        let looked = self.looked().clone();
        let unsettled = |state: &State| {
            state.slots().flat_map(|(_, slot)| &slot.open).any(|open| !looked.contains(&open.seq))
                || state.objects().any(|(_, object)| object.phase == Phase::Creating)
        };
        if !unsettled(&self.journal().state()) {
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
                self.journal().record(event).await?;
            }
        }
        let state = self.journal().state();
        self.looked().extend(state.slots().flat_map(|(_, slot)| &slot.open).map(|open| open.seq));
        Ok(())
    }

    /// What can still be seen, with its properties as they are now, of an object that was recorded `before` and that was deleted
    /// since: some are only marked to go, and say until when they can be had back. `None` where nothing can be seen.
    pub async fn remains(&self, before: &State, address: &str) -> Option<Value> {
        let object = before.current(address)?;
        let kind = self.engine.provider.kind(&object.kind)?;
        read(kind, &object.properties, &object.outputs).await.ok().flatten()
    }

    pub(crate) fn looked(&self) -> MutexGuard<'_, HashSet<Seq>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares what is declared with the live objects, and decides what to do. What is not selected is not looked at and
    /// left as it is: neither created, changed nor deleted. Where something selected refers to it, it is taken as it is
    /// recorded. The outputs of the stack are recorded with a plan for everything only.
    ///
    /// A creation that an earlier run left open, that was looked for in vain, and that nobody wants any more, is closed.
    ///
    /// # Errors
    /// Where there is no plan, or the cloud cannot be read. [`PlanError::NotSelected`](crate::PlanError::NotSelected) if something selected needs what is not
    /// selected and does not exist; [`PlanError::StillNeeded`](crate::PlanError::StillNeeded) if something that is not selected needs what would go.
    pub async fn plan(&self, graph: Arc<Graph>, selector: &Selector) -> Result<Plan, EngineError> {
        self.plan_of(graph, Wanted::Exactly(selector)).await
    }

    pub(crate) async fn plan_of(&self, graph: Arc<Graph>, wanted: Wanted<'_>) -> Result<Plan, EngineError> {
        let planned = self.make_plan(graph, wanted).await;
        self.ends_as(planned.as_ref().map_or_else(EngineError::outcome, |_| Outcome::Done));
        planned
    }

    async fn make_plan(&self, graph: Arc<Graph>, wanted: Wanted<'_>) -> Result<Plan, EngineError> {
        // What an apply in this session left open.
        self.settle().await?;
        let (state, moved) = relocated(&graph, self.state());
        let selection = wanted.to_read(&graph, &state)?;
        let changed_at = self.journal().changed_at();
        let reading = self.engine.read_all(&state, &selection, changed_at, Some(&graph));
        let live = self.unless_cancelled(reading).await?;
        let mut plan = wanted.plan(graph, &state, &live, &*self.engine.provider, &selection)?;
        plan.moved = moved;
        let mut plan = self.unless_cancelled(self.engine.weighed(plan, &state)).await?;
        plan.state = Arc::new(state);
        self.close_unwanted(&plan).await?;
        Ok(plan)
    }

    /// Reads every selected object that is recorded, as it is now. Changes nothing.
    ///
    /// # Errors
    /// Where the cloud cannot be read, or this identity may not read an object.
    pub async fn look(&self, selector: &Selector) -> Result<Survey, EngineError> {
        let state = self.state();
        let selection = selector.resolve(&Graph::default(), &state);
        let changed_at = self.journal().changed_at();
        let reading = self.engine.read_whole(&state, &selection, changed_at);
        let live = self.unless_cancelled(reading).await?;
        Ok(Survey::new(state, live, Arc::clone(&self.engine.provider)))
    }

    /// Records what the program wants to know in later runs: see [`Ledger::remember`](crate::Ledger::remember). Also while the
    /// session is being interrupted, since what came of it is part of that.
    ///
    /// # Errors
    /// Where the lock was lost, or the record cannot be written.
    pub async fn remember(&self, name: &str, value: Option<Value>) -> Result<(), EngineError> {
        if self.lost.is_cancelled() {
            return Err(self.lock().why_lost());
        }
        Ok(self.journal().record(Event::Remembered { name: name.to_owned(), value }).await?)
    }

    /// Records something that no call belongs to, unless the session is to end.
    pub(crate) async fn note(&self, event: Event) -> Result<(), EngineError> {
        if self.lost.is_cancelled() {
            return Err(self.lock().why_lost());
        }
        if self.cancel.is_cancelled() {
            return Err(EngineError::Interrupted);
        }
        Ok(self.journal().record(event).await?)
    }

    /// Runs a plan of this session. What happened is in the report, whether it worked or not.
    ///
    /// Once it is interrupted, plan again: a plan knows nothing of what an earlier `apply` of it has done, and stops where an
    /// object is not what it saw.
    ///
    /// # Errors
    /// Where the journal fails outside of the plan's steps, or the lock was lost. What fails of a resource is in the report.
    pub async fn apply(&self, plan: &Plan) -> Result<Report, EngineError> {
        self.ends_with(self.run(plan)).await
    }

    /// Does some work, and says how that ended.
    pub(crate) async fn ends_with(
        &self,
        work: impl Future<Output = Result<Report, EngineError>>,
    ) -> Result<Report, EngineError> {
        // Unless it comes to its end: its future may be dropped.
        self.ends_as(Outcome::Interrupted);
        let report = work.await.inspect_err(|error| self.ends_as(error.outcome()))?;
        self.ends_as(match (report.is_complete(), report.interrupted) {
            (true, _) => Outcome::Done,
            (false, true) => Outcome::Interrupted,
            (false, false) => Outcome::Failed,
        });
        Ok(report)
    }

    async fn run(&self, plan: &Plan) -> Result<Report, EngineError> {
        // What ends this apply by itself, such as a journal that fails, does not end the session.
        let cancel = self.cancel.child();
        let operator = self.operator(&plan.graph, &cancel);
        // First of all, since everything else is planned with them.
        for Moved { from, to } in &plan.moved {
            let is_due = {
                let state = self.journal().state();
                state.slot(from.as_str()).is_some() && state.slot(to.as_str()).is_none()
            };
            if is_due {
                self.journal().record(Event::Moved { address: from.clone(), to: to.clone() }).await?;
            }
        }
        self.record_left_out(plan).await?;
        // A part alone leaves those of the stack as they are, unless it is known what of the whole it is.
        let exports = plan.graph.exports();
        let is_of_whole = plan.narrowed.is_part && !exports.is_null();
        if (plan.selection.is_all() || is_of_whole) && exports != self.journal().state().exports_declared() {
            self.journal().record(Event::Exports { values: exports.clone() }).await?;
        }
        // Likewise. Where one has gone since, the steps find out.
        for (address, object) in &plan.restored {
            let is_replaced = |slot: &Slot| slot.deposed.iter().any(|deposed| deposed.seq == *object);
            let is_there = self.journal().state().slot(address.as_str()).is_some_and(is_replaced);
            if is_there {
                let (address, object) = (address.clone(), *object);
                self.journal().record(Event::Restored { address, object }).await?;
            }
        }
        self.looked().clear();
        let mut report = apply(plan, &operator).await;
        // Where the journal fails, the lock may be lost for the same reason; the first cause is in the report.
        if self.lost.is_cancelled() && !report.is_stopped_by_journal() {
            return Err(self.lock().why_lost());
        }
        report.interrupted = self.cancel.is_cancelled();
        Ok(report)
    }

    /// What operations of this session share.
    pub(crate) fn operator<'a>(&'a self, graph: &'a Graph, cancel: &'a Cancel) -> Operator<'a> {
        Operator {
            graph,
            provider: &*self.engine.provider,
            journal: self.journal(),
            lock: self.lock(),
            observer: &*self.engine.observer,
            cancel,
            settle_grace: self.engine.settle_grace,
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Work that only reads, and so can be dropped at any time.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        match unless(&self.cancel, work).await {
            Err(EngineError::Interrupted) if self.lost.is_cancelled() => Err(self.lock().why_lost()),
            done => done,
        }
    }

    async fn close_unwanted(&self, plan: &Plan) -> Result<(), EngineError> {
        let unwanted: Vec<Seq> = self
            .journal()
            .state()
            .slots()
            .filter_map(|(address, slot)| Some((address, slot.open_create()?.seq)))
            .filter(|(address, _)| {
                let is_moved = plan.moved.iter().any(|moved| moved.from == **address);
                is_moved || plan.selection.contains(address.as_str())
            })
            // What was to be created at a former address is looked for no more, and created at the present one.
            .filter(|(address, _)| !plan.step(address.as_str()).is_some_and(Step::creates))
            .map(|(_, seq)| seq)
            .collect();
        for seq in unwanted {
            let class = ErrorClass::NotFound;
            self.journal().record(Event::Failed { seq, class }).await?;
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
    pub async fn close_with_head(mut self) -> (Head, Result<(), EngineError>) {
        let head = self.journal().watch_head();
        let closed = match self.held.take() {
            Some(held) => {
                let outcome = *self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
                held.end(outcome).await
            }
            None => Ok(()),
        };
        let head = head.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (head, closed)
    }
}

impl Held {
    /// Says how it ended, closes the journal, and gives the lock back.
    pub(crate) async fn end(self, outcome: Outcome) -> Result<(), EngineError> {
        let closed = match self.lock.is_held() {
            true => {
                // Where it cannot be written, the journal says so when it is closed.
                let _ = self.journal.record_end(outcome).await;
                self.journal.close().await
            }
            // A snapshot of ours would be in the way of who has it now.
            false => self.journal.leave().await,
        };
        let released = self.lock.release().await;
        closed?;
        Ok(released?)
    }
}

impl Drop for Session {
    /// A session that is not closed says so and gives the lock back. Nobody waits for that, so it is tried, and no more: if it
    /// does not work out, or the process ends before, the lease runs out.
    fn drop(&mut self) {
        let Some(Held { journal, lock }) = self.held.take() else { return };
        self.engine.observer.observe(&Progress::SessionDropped);
        let holder = self.engine.host.holder();
        self.runtime.spawn(async move {
            let last_words = async {
                match lock.is_held() {
                    true => {
                        let _ = journal.record(Event::Dropped { holder }).await;
                        journal.close().await
                    }
                    false => journal.leave().await,
                }
            };
            let _ = tokio::time::timeout(LAST_WORDS_WITHIN, last_words).await;
            let _ = tokio::time::timeout(LAST_WORDS_WITHIN, lock.release()).await;
        });
    }
}
