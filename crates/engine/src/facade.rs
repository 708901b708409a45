//! The engine as a program uses it: what is recorded, previews, drift, and sessions that hold the lock.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::codec::JournalError;
use crate::engine_error::EngineError;
use crate::event::Run;
use crate::graph::Graph;
use crate::host::{Host, SystemHost};
use crate::journal::{Binding, Journal, Loaded, load};
use crate::ledger::Ledger;
use crate::lock::{Lock, LockError, Lost, Wish};
use crate::narrow::Wanted;
use crate::observer::{Observer, Progress, Silent};
use crate::plan::{Plan, relocated};
use crate::provider::Provider;
use crate::selector::Selector;
use crate::session::{Held, Session};
use crate::settle::look_up;
use crate::state::State;
use crate::store::Store;
use crate::survey::{Drift, Survey};

/// Plans and applies on one state.
///
/// Cheap to clone; clones work on the same state. What changes something needs a [`Session`], of which there is one at a time.
///
/// # Guarantees
/// - Nothing but [`Session::apply`] and [`Session::adopt`] makes a call that changes something in the cloud. Everything here but
///   [`open`](Self::open) also leaves the store as it is.
/// - At most one [`Session`] works on a state, whichever process and machine it is in: see [`Session`].
/// - A state that belongs to another place or stack is refused before any call, if [`bound_to`](Self::bound_to) and
///   [`of_stack`](Self::of_stack) say which is meant.
///
/// # Assumptions
/// - The [`Provider`] keeps the contract of [`Resource`](crate::Resource), and the [`Store`] keeps its own.
/// - It knows every kind that is recorded, also those that the program does not declare any more.
/// - [`with_settle_grace`](Self::with_settle_grace) is longer than the cloud takes to show a new object. If it is not, an object
///   whose creation was interrupted may be created a second time, or a new one may seem to be gone.
/// - All methods run in a tokio runtime with its clock enabled.
///
/// # Cancellation
/// Futures of methods that only read can be dropped at any `.await`: nothing has happened. Dropping that of
/// [`open`](Self::open) gives the lock back; what an earlier run left open may have been settled in part, which the next
/// session goes on with. Where an orderly end is wanted, use [`with_cancel`](Self::with_cancel) instead.
#[derive(Clone)]
pub struct Engine {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settle_grace: Duration,
    lock: Wish,
    caller: Option<String>,
    binding: Binding,
    pub(crate) cancel: Cancel,
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
            lock: Wish::default(),
            caller: None,
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

    /// What [`open`](Self::open) takes the lock for, in a few words, such as `up`: it is shown to whoever finds the lock taken, and
    /// recorded with the session. How a session ends that has said what it is for is recorded, too: see [`history`](crate::history()).
    #[must_use]
    pub fn with_purpose(self, purpose: impl Into<String>) -> Self {
        let lock = Wish { purpose: Some(purpose.into()), ..self.lock };
        Self { lock, ..self }
    }

    /// Whom the cloud takes this program for. It is recorded with a session that says [what it is for](Self::with_purpose).
    #[must_use]
    pub fn with_caller(self, caller: impl Into<String>) -> Self {
        Self { caller: Some(caller.into()), ..self }
    }

    /// How long [`open`](Self::open) waits for another process that holds the lock, whether it lives or not. By default it waits
    /// for no process that lives, and for a lease that nobody renews until that has run out.
    #[must_use]
    pub fn with_lock_timeout(self, patience: Duration) -> Self {
        let lock = Wish { patience, ..self.lock };
        Self { lock, ..self }
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
        self.preview_of(graph, Wanted::Exactly(selector)).await
    }

    pub(crate) async fn preview_of(
        &self,
        graph: Arc<Graph>,
        wanted: Wanted<'_>,
    ) -> Result<Plan, EngineError> {
        let Loaded { mut state, changed_at } = self.load().await?;
        let looked = HashSet::new();
        let looked = look_up(&state, &*self.provider, self.settle_grace, &looked, &*self.observer);
        for settled in unless(&self.cancel, async { Ok(looked.await?) }).await? {
            if let Some(event) = settled.event {
                state.fold(&event).map_err(|error| JournalError::Refused { reason: error.to_string() })?;
            }
        }
        let (state, moved) = relocated(&graph, state);
        let selection = wanted.to_read(&graph, &state)?;
        let reading = self.read_all(&state, &selection, changed_at, Some(&graph));
        let live = unless(&self.cancel, reading).await?;
        let mut plan = wanted.plan(graph, &state, &live, &*self.provider, &selection)?;
        plan.moved = moved;
        let mut plan = unless(&self.cancel, self.weighed(plan, &state)).await?;
        plan.state = Arc::new(state);
        Ok(plan)
    }

    /// Compares every selected object that is recorded with the live one. Changes nothing.
    ///
    /// # Errors
    /// Where state or cloud cannot be read.
    pub async fn drift(&self, selector: &Selector) -> Result<Vec<Drift>, EngineError> {
        Ok(self.look(selector).await?.drift())
    }

    /// Reads every selected object that is recorded, as it is now. Changes nothing, takes no lock.
    ///
    /// # Errors
    /// Where state or cloud cannot be read, or this identity may not read an object.
    pub async fn look(&self, selector: &Selector) -> Result<Survey, EngineError> {
        let Loaded { state, changed_at } = self.load().await?;
        let selection = selector.resolve(&Graph::default(), &state);
        let live = unless(&self.cancel, self.read_whole(&state, &selection, changed_at)).await?;
        Ok(Survey::new(state, live, Arc::clone(&self.provider)))
    }

    /// The same as [`Engine::look`] for somebody who can go on with a part. What this identity may
    /// not read is [`Reading::Denied`](crate::Reading::Denied): somebody who only looks may be allowed less than who deploys.
    ///
    /// # Errors
    /// Where the state cannot be read, or the cloud for any other reason.
    pub async fn survey(&self, selector: &Selector) -> Result<Survey, EngineError> {
        let Loaded { state, changed_at } = self.load().await?;
        let selection = selector.resolve(&Graph::default(), &state);
        let live = unless(&self.cancel, self.read_all(&state, &selection, changed_at, None)).await?;
        Ok(Survey::new(state, live, Arc::clone(&self.provider)))
    }

    /// Takes the lock, opens the journal, and settles what an earlier run left open.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process works on this state; [`EngineError::Interrupted`], with the lock given back,
    /// if the engine was; otherwise where state or cloud cannot be read.
    pub async fn open(&self) -> Result<Session, EngineError> {
        let Taken { journal, lock, lost, cancel } = self.take().await?;
        let session = Session::new(self.clone(), journal, lock, lost, cancel);
        match session.settle().await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.ends_as(error.outcome());
                let _ = session.close().await;
                Err(error)
            }
        }
    }

    /// Takes the lock and opens the journal, to change the record alone. The cloud is not called, and what an earlier run left
    /// open stays open.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_ledger(&self) -> Result<Ledger, EngineError> {
        let Taken { journal, lock, .. } = self.take().await?;
        Ok(Ledger::new(Held { journal, lock }))
    }

    async fn take(&self) -> Result<Taken, EngineError> {
        let cancel = self.cancel.child();
        let lost = Cancel::new();
        let waiting = |holder: &str, awaited, left| {
            let holder = holder.to_owned();
            self.observer.observe(&Progress::WaitingForLock { holder, awaited, left });
        };
        let on_loss = Lost::new(lost.clone(), cancel.clone());
        let (store, host) = (Arc::clone(&self.store), Arc::clone(&self.host));
        let acquired = Lock::acquire(store, host, self.lock.clone(), on_loss, waiting);
        let lock = acquired.await.map_err(|error| match error {
            LockError::Interrupted => EngineError::Interrupted,
            error => error.into(),
        })?;
        let run = self.lock.purpose.clone().map(|purpose| Run {
            id: lock.id().to_owned(),
            purpose,
            caller: self.caller.clone(),
        });
        let (store, host) = (Arc::clone(&self.store), Arc::clone(&self.host));
        match Journal::open(store, host, self.binding.clone(), run).await {
            Ok(journal) => Ok(Taken { journal, lock, lost, cancel }),
            Err(error) => {
                // The error to report is the journal's.
                let _ = lock.release().await;
                Err(error.into())
            }
        }
    }
}

/// What a session holds against others, and what tells it that it must end.
struct Taken {
    journal: Journal,
    lock: Lock,
    lost: Cancel,
    cancel: Cancel,
}

/// Work that only reads, and so can be dropped at any time, unless it is interrupted.
pub(crate) async fn unless<T>(
    cancel: &Cancel,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(EngineError::Interrupted),
        done = work => done,
    }
}
