//! What outlives a process: the account, the state (a directory or a bucket), and time. And processes that work on them.
//!
//! Each process has a runtime of its own whose clock is paused, so hours pass in an instant and every run of the same
//! case is the same. When it has died, its runtime is dropped with all that ran in it; before that, nothing of it reaches
//! the cloud or the disk any more ([`Life`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws::{Account, Context, Identity, Registry};
use aws_config::Region;
use emulator::{
    Builder, CallRecord, Counted, Emulator, Fault, FaultPlan, Layer, Moment, Object, Snapshot, When,
};
use engine::{Choice, Engine, File, Graph, Host, MemoryStore, Plan, Selector, State, Store as _, Survey};
use stack::Place;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::disk::{WriteEnd, Written};
use crate::import::Wish;
use crate::kept::{Backend, Kept, Open};
use crate::life::{Life, Wire};
use crate::meddle::OURS;
use crate::pause::Aside;
use crate::process::{Work, plan_and_apply, take_over};

/// The region of all worlds.
pub const REGION: &str = "ap-southeast-1";

/// No process takes longer; one that does is stuck.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Processes that work beside others are numbered from here.
const RIVALS: u64 = 1 << 32;

/// What happens to a process.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    /// What goes wrong with its calls.
    pub faults: FaultPlan,
    /// At which of its writes to the state directory, counted from 1, it dies, and how.
    pub dies_writing: Option<(u64, WriteEnd)>,
    /// What goes wrong with its requests to the bucket of the state.
    pub bucket: FaultPlan,
    /// At which of these, counted from 1, something happens beside it, and what.
    pub aside: Option<(u64, Aside)>,
}

impl Fate {
    /// It dies at the call of this number, counted from 1 among those that change something, after its effect.
    pub(crate) fn dies_after(call: u64) -> Self {
        let fault = Fault::Abort(Moment::AfterEffect);
        let faults = FaultPlan::default().with(Counted::Mutating, When::Call(call), fault);
        Self { faults, ..Self::default() }
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All that was planned is done.
    Complete {
        /// How many steps of the plan were changes.
        changes: usize,
    },
    /// Some of it failed; the report says what and why.
    Incomplete(Vec<String>),
    /// It could not begin or end, and said why.
    Refused(String),
    /// It was killed.
    Died,
    /// It got nowhere for half a day.
    Stuck,
}

/// How a process ended, and what it did.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub ended: Ended,
    /// Its calls, in order.
    pub calls: Vec<CallRecord>,
    /// Its writes to the state directory, in order.
    pub writes: Vec<Written>,
    /// Its requests to the bucket of the state, in order; with them those of a rival.
    pub requests: Vec<CallRecord>,
    /// The bucket as somebody copied it while it ran.
    pub(crate) copy: Option<Arc<Kept>>,
    /// How another process ended that did the same work at the same time.
    pub rival: Option<Ended>,
    /// How long it took, in virtual time.
    pub took: Duration,
    /// What it planned, if it came so far.
    pub plan: Option<Plan>,
}

/// What is left, as an audit sees it.
#[derive(Clone, Debug)]
pub struct Sight {
    /// All objects in the account that AWS did not make by itself.
    pub objects: Vec<Object>,
    /// What is recorded.
    pub state: State,
}

/// The account, the state, and the time.
#[derive(Debug)]
pub struct World {
    environment: &'static str,
    /// Whose the objects are that processes make.
    pub(crate) project: &'static str,
    /// What processes adopt before they plan.
    pub(crate) wishes: Arc<[Wish]>,
    cloud: Snapshot,
    pub(crate) kept: Kept,
    passed: Duration,
    processes: u64,
    /// What of all that there is to do the processes do.
    choice: Choice,
    /// Whether processes take what is live into the state, rather than plan and apply.
    accepting: bool,
}

impl World {
    /// An empty account and an empty directory, for the environment `dev`.
    #[must_use]
    pub fn empty() -> Self {
        Self::of("dev")
    }

    /// The same for another environment.
    #[must_use]
    pub fn of(environment: &'static str) -> Self {
        Self::with(environment, Backend::Local)
    }

    /// An empty account for the environment `dev`, whose state is kept in this way.
    #[must_use]
    pub fn kept_in(backend: Backend) -> Self {
        Self::with("dev", backend)
    }

    fn with(environment: &'static str, backend: Backend) -> Self {
        let (cloud, kept) =
            rt().block_on(async { (Emulator::in_memory().snapshot(), Kept::empty(backend).await) });
        Self {
            environment,
            project: OURS,
            wishes: Arc::default(),
            cloud: cloud.expect("an account in memory has a snapshot"),
            kept,
            passed: Duration::ZERO,
            processes: 0,
            choice: Choice::all(),
            accepting: false,
        }
    }

    /// From now on, processes do only this of all that there is to do.
    pub(crate) fn choose(&mut self, choice: Choice) {
        self.choice = choice;
    }

    /// The same world once more: what happens in one of them does not happen in the other.
    #[must_use]
    pub fn copy(&self) -> Self {
        let kept = rt().block_on(self.kept.copy());
        let Self { environment, project, passed, processes, accepting, .. } = *self;
        let (wishes, cloud, choice) = (Arc::clone(&self.wishes), self.cloud.clone(), self.choice.clone());
        Self { environment, project, wishes, cloud, kept, passed, processes, choice, accepting }
    }

    /// From now on processes take what is live into the state, and change nothing in the cloud.
    pub(crate) fn accepts(&mut self) {
        self.accepting = true;
    }

    /// The state directory.
    ///
    /// # Panics
    /// Where the state is kept in S3.
    #[must_use]
    pub fn store(&self) -> &MemoryStore {
        match &self.kept {
            Kept::Local(store) => store,
            Kept::S3(_) => panic!("the state is not kept in a directory"),
        }
    }

    /// The state becomes what it was in the world `before` plus the first of a run's writes (requests in S3): an old copy.
    pub(crate) fn put_back(&mut self, before: &World, run: &Run, kept: u64) {
        match (&self.kept, &before.kept) {
            (Kept::Local(now), Kept::Local(was)) => {
                self.kept = Kept::Local(cut(now, was, &run.writes, kept));
            }
            (_, was) => {
                let copy = run.copy.as_deref().unwrap_or(was);
                self.kept = rt().block_on(copy.copy());
            }
        }
    }

    /// Time passes while no process runs.
    pub fn wait(&mut self, time: Duration) {
        let emulator = |snapshot: &Snapshot| builder().going_on(snapshot);
        let cloud = rt().block_on(async {
            let emulator = emulator(&self.cloud);
            tokio::time::advance(time).await;
            emulator.snapshot()
        });
        self.cloud = cloud.unwrap_or_else(|| self.cloud.clone());
        self.passed += time;
    }

    /// A process plans and applies, until it ends or dies.
    pub fn run(&mut self, wanted: &Arc<Graph>, fate: &Fate) -> Run {
        self.run_with(wanted, fate, async |_| {})
    }

    /// The same; `between` is what somebody does in the account between plan and apply.
    pub fn run_with(
        &mut self,
        wanted: &Arc<Graph>,
        fate: &Fate,
        between: impl AsyncFnOnce(&Emulator),
    ) -> Run {
        self.run_in(builder(), wanted, fate, between)
    }

    /// The same; `watch` sees each call and what it left behind.
    pub(crate) fn run_watched(&mut self, wanted: &Arc<Graph>, fate: &Fate, watch: impl Layer) -> Run {
        self.run_in(builder().rule(watch), wanted, fate, async |_| {})
    }

    fn run_in(
        &mut self,
        builder: Builder,
        wanted: &Arc<Graph>,
        fate: &Fate,
        between: impl AsyncFnOnce(&Emulator),
    ) -> Run {
        let life = Life::default();
        let runtime = rt();
        let mut plan = None;
        let (wishes, choice) = (Arc::clone(&self.wishes), self.choice.clone());
        let work = Work { wanted, wishes: &wishes, choice: &choice, accepting: self.accepting };
        let run = runtime.block_on(async {
            let start = Instant::now();
            let abort = life.clone();
            let emulator = builder
                .faults(fate.faults.clone())
                .on_abort(move || abort.end())
                .layer(Wire(life.clone()))
                .going_on(&self.cloud);
            let open = self.kept.open(&life, fate);
            let host = self.machine(self.processes, start);
            let engine = self.engine(&emulator, open.store(&host), host);
            let is_over = Notify::new();
            let process = async {
                let ended = tokio::select! {
                    biased;
                    () = life.over() => Ended::Died,
                    ended = plan_and_apply(&engine, &emulator, work, between, &mut plan) => ended,
                    () = tokio::time::sleep(LONGEST) => Ended::Stuck,
                };
                is_over.notify_one();
                ended
            };
            let rival = self.machine(self.processes + RIVALS, start);
            let others = self.beside(&emulator, &open, work, &is_over, rival);
            let (ended, (rival, copy)) = tokio::join!(process, others);
            // From here on, nobody is there who could call.
            life.end();
            self.cloud = emulator.snapshot().unwrap_or_else(|| self.cloud.clone());
            if let Some(bucket) = open.bucket() {
                self.kept = bucket;
            }
            Run {
                ended,
                calls: emulator.calls(),
                writes: open.writes(),
                requests: open.requests(),
                copy,
                rival,
                took: start.elapsed(),
                plan: None,
            }
        });
        drop(runtime);
        self.passed += run.took;
        self.processes += 1;
        Run { plan, ..run }
    }

    /// What others do when the process is held up at a request, if that happens before it is over.
    async fn beside(
        &self,
        emulator: &Emulator,
        open: &Open,
        work: Work<'_>,
        is_over: &Notify,
        rival: Arc<dyn Host>,
    ) -> (Option<Ended>, Option<Arc<Kept>>) {
        let Some(pause) = open.pause() else { return (None, None) };
        let aside = tokio::select! {
            biased;
            aside = pause.reached() => aside,
            () = is_over.notified() => None,
        };
        match aside {
            Some(Aside::Rival) => {
                let store = open.store(&rival);
                let engine = self.engine(emulator, Arc::clone(&store), rival);
                let rival = timeout(LONGEST, take_over(&engine, &*store, emulator, work, pause));
                (Some(rival.await.unwrap_or(Ended::Stuck)), None)
            }
            Some(Aside::Copy) => {
                let copy = open.bucket().map(Arc::new);
                pause.go_on();
                (None, copy)
            }
            // It is for the process to give up.
            Some(Aside::SilenceBefore | Aside::SilenceAfter) | None => (None, None),
        }
    }

    /// What a new process would do. Changes nothing.
    ///
    /// # Errors
    /// Where there is no plan, in words.
    pub fn preview(&self, wanted: &Arc<Graph>) -> Result<Plan, String> {
        rt().block_on(async {
            let emulator = builder().going_on(&self.cloud);
            let engine = self.reader(&emulator);
            tokio::time::timeout(LONGEST, engine.preview_chosen(Arc::clone(wanted), &self.choice))
                .await
                .map_err(|_| "stuck".to_owned())?
                .map_err(|error| words(&error))
        })
    }

    /// What is there and what is recorded.
    ///
    /// # Errors
    /// Where the state cannot be read, in words.
    pub fn look(&self) -> Result<Sight, String> {
        rt().block_on(async {
            let emulator = builder().going_on(&self.cloud);
            let engine = self.reader(&emulator);
            let state = engine.state().await.map_err(|error| words(&error))?;
            let mut objects = emulator.objects().await.map_err(|error| words(&error))?;
            // The role of the region's API Gateway is nobody's, and outlives all stacks.
            let shared = apigw::logs_role_name(REGION);
            objects.retain(|object| !object.made_by_default && object.id != shared);
            Ok(Sight { objects, state })
        })
    }

    /// What is recorded, and each object as the cloud shows it. Changes nothing.
    pub(crate) fn survey(&self) -> Result<Survey, String> {
        rt().block_on(async {
            let emulator = builder().going_on(&self.cloud);
            let engine = self.reader(&emulator);
            tokio::time::timeout(LONGEST, engine.survey(&Selector::all()))
                .await
                .map_err(|_| "stuck".to_owned())?
                .map_err(|error| words(&error))
        })
    }

    /// Somebody does something in the account with clients of their own.
    pub(crate) fn within<T>(&mut self, work: impl AsyncFnOnce(&Emulator) -> T) -> T {
        let (done, cloud, took) = rt().block_on(async {
            let start = Instant::now();
            let emulator = builder().going_on(&self.cloud);
            let done = work(&emulator).await;
            (done, emulator.snapshot(), start.elapsed())
        });
        self.cloud = cloud.unwrap_or_else(|| self.cloud.clone());
        self.passed += took;
        done
    }

    /// Somebody does something in the account, with our kinds of resources and under an identity of their own or ours.
    pub fn meddle<T>(&mut self, project: &str, work: impl AsyncFnOnce(&Registry) -> T) -> T {
        self.within(async |emulator| work(&registry(emulator, project)).await)
    }

    /// The engine of somebody who only reads.
    fn reader(&self, emulator: &Emulator) -> Engine {
        let host = self.machine(self.processes, Instant::now());
        self.engine(emulator, self.kept.to_read(&host), host)
    }

    fn engine(&self, emulator: &Emulator, store: Arc<dyn engine::Store>, host: Arc<dyn Host>) -> Engine {
        let registry = registry_in(emulator, self.project, self.environment);
        Engine::new(Arc::new(registry), store).with_host(host).bound_to("the account of the matrix")
    }

    /// The machine of the process of this number, while one is at work that began then.
    fn machine(&self, number: u64, started: Instant) -> Arc<dyn Host> {
        Arc::new(Machine { before: self.passed, started, number, next: AtomicU64::new(0) })
    }
}

/// The directory as it was after the first of these writes.
fn cut(now: &MemoryStore, was: &MemoryStore, writes: &[Written], kept: u64) -> MemoryStore {
    let kept = usize::try_from(kept).unwrap_or(usize::MAX).min(writes.len());
    rt().block_on(async {
        let now = now.read(File::Journal).await.ok().flatten().map_or_else(Vec::new, |now| now.bytes);
        let was = was.read(File::Journal).await.ok().flatten().map(|was| was.bytes.len());
        let journal = writes[..kept].iter().filter(|written| written.file == File::Journal);
        // What replaces the journal is its beginning.
        let length = journal.fold(was, |length, written| {
            Some(written.length + length.filter(|_| written.appended).unwrap_or_default())
        });
        let store = MemoryStore::new();
        if let Some(length) = length {
            // An empty store in memory takes everything.
            let _ = store.replace(File::Journal, None, now[..length].to_vec()).await;
        }
        store
    })
}

/// An error and all its causes.
pub(crate) fn words<E: std::error::Error>(error: &E) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A runtime whose clock is its own and stands still while anybody works.
pub(crate) fn rt() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread needs nothing that could be missing")
}

/// AWS's own times and limits.
fn builder() -> Builder {
    Emulator::builder().latency(1.0).throttling(true)
}

/// Where stacks are deployed, before anything is recorded.
pub(crate) fn place() -> Place {
    Place {
        account_id: emulator::ACCOUNT_ID.to_owned(),
        partition: "aws".to_owned(),
        region: REGION.to_owned(),
        availability_zones: ["a", "b", "c"].map(|zone| format!("{REGION}{zone}")).to_vec(),
        has_log_key: false,
        recorded: stack::Recorded::default(),
    }
}

/// All kinds of the stack, for clients of this account.
pub(crate) fn registry(emulator: &Emulator, project: &str) -> Registry {
    registry_in(emulator, project, "dev")
}

fn registry_in(emulator: &Emulator, project: &str, environment: &str) -> Registry {
    let mut registry = Registry::new(context(emulator, project, environment));
    stack::kinds(&mut registry);
    registry
}

/// Clients of this account.
pub(crate) fn context(emulator: &Emulator, project: &str, environment: &str) -> Context {
    let config = stack::embedded(emulator, Region::new(REGION));
    let identity = Identity { project: project.to_owned(), environment: environment.to_owned() };
    let account = Account { id: emulator.account_id().to_owned(), partition: "aws".to_owned() };
    Context::from_config(&config, identity, account).expect("the configuration has a region")
}

/// The machine of one process: its clock goes on where that of the process before it stopped.
struct Machine {
    before: Duration,
    started: Instant,
    number: u64,
    next: AtomicU64,
}

impl Host for Machine {
    fn now_millis(&self) -> u64 {
        let passed = self.before + self.started.elapsed();
        1_800_000_000_000 + u64::try_from(passed.as_millis()).unwrap_or(u64::MAX / 2)
    }

    fn unique(&self) -> String {
        format!("{:016x}{:016x}", self.number, self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn holder(&self) -> String {
        format!("process {}", self.number)
    }
}
