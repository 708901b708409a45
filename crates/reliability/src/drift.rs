//! The drift matrix: what somebody changes or adds with a plain client on a live stack, what `refresh` then says, what `up` does
//! and what `verify` says.
//!
//! Two kinds of entries. *Changes* are generated: of one object of each kind, every property that can be changed in place gets
//! another value by the kind's own `update`, which is what a plain client would send. *Deeds* are written: what somebody adds to
//! an object, or does that is no property. Each says what must come of it. A kind without an entry of either sort must be in
//! [`UNTOUCHED`], with the reason.
//!
//! All of it runs in virtual time, each entry on a copy of the same account and state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws::{Account, Context, Identity, Registry};
use aws_config::Region;
use emulator::{Emulator, Snapshot};
use engine::{
    Content, Drift, Engine, File, Graph, Host, MemoryStore, Provider as _, Reading, Selector, State,
    Store as _, Survey, TestHost,
};
use stack::{Config, Stack};
use verify::{Outcome, Subject};

use crate::world::{REGION, place};

mod changes;
mod deeds;

pub use changes::{Change, EXCEPTIONS, changes};
pub use deeds::{Deed, Expected, UNTOUCHED, deeds};

/// A live stack, at rest.
#[derive(Debug)]
pub struct Base {
    cloud: Snapshot,
    store: MemoryStore,
    graph: Arc<Graph>,
    /// What is recorded.
    pub state: State,
    /// What `verify` fails for without anybody having done anything; nothing, unless the matrix itself is wrong.
    pub failures: BTreeSet<&'static str>,
}

/// What came of an entry.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Why nobody could do it: what the cloud answered.
    pub refused: Option<String>,
    /// What `refresh` shows as drift: address and property; an empty property where the object is gone.
    pub drift: BTreeSet<(String, String)>,
    /// What `refresh` says beside.
    pub remarks: Vec<String>,
    /// Checks of `verify` that fail, but for those that only say that something changed.
    pub failures: BTreeSet<&'static str>,
    /// Whether `verify` fails at all.
    pub verify_fails: bool,
    /// Why `up` did not complete, if it did not.
    pub up: Option<String>,
    /// What `up` changed.
    pub changed: BTreeSet<String>,
    /// What is still drift after it.
    pub left: BTreeSet<(String, String)>,
    /// Checks that still fail after it.
    pub still_failing: BTreeSet<&'static str>,
}

impl Seen {
    /// Whether it was seen and `up` made it good.
    #[must_use]
    pub fn is_repaired(&self) -> bool {
        let is_good = self.up.is_none() && self.left.is_empty() && self.still_failing.is_empty();
        !self.drift.is_empty() && is_good && self.verify_fails
    }
}

/// One who has clients and knows what is recorded.
pub struct Hand<'a> {
    /// All kinds, with the context that has the clients.
    pub registry: &'a Registry,
    /// What is recorded.
    pub state: &'a State,
}

impl Hand<'_> {
    /// What the clients are made with.
    #[must_use]
    pub fn cx(&self) -> &Context {
        self.registry.context()
    }

    /// An output of a recorded object.
    ///
    /// # Errors
    /// Where there is none.
    pub fn output(&self, address: &str, name: &str) -> Result<String, String> {
        let output = self.state.output(address, name).and_then(|output| output.as_str());
        output.map(str::to_owned).ok_or_else(|| format!("{address} has no output {name}"))
    }

    /// A property of a recorded object.
    ///
    /// # Errors
    /// Where there is none.
    pub fn property(&self, address: &str, name: &str) -> Result<String, String> {
        let object = self.state.current(address).ok_or_else(|| format!("there is no {address}"))?;
        let property = object.properties.get(name).and_then(|property| property.as_str());
        property.map(str::to_owned).ok_or_else(|| format!("{address} has no property {name}"))
    }
}

/// Checks that fail for every drift, and so say nothing of what it means.
const OF_EVERY_DRIFT: [&str; 2] = ["completeness/unchanged", "completeness/resources"];

impl Base {
    /// Deploys everything.
    ///
    /// # Errors
    /// Where that does not work.
    pub fn deployed() -> Result<Self, String> {
        let graph = everything()?;
        let store = MemoryStore::new();
        let (cloud, state, failures) = runtime().block_on(async {
            let emulator = Emulator::in_memory();
            let engine = engine(&emulator, &store);
            up(&engine, &graph).await?;
            let survey = engine.survey(&Selector::all()).await.map_err(|error| error.to_string())?;
            let (failures, _) = judged(&graph, &survey);
            let state = engine.state().await.map_err(|error| error.to_string())?;
            let cloud = emulator.snapshot().ok_or("an account in memory has a snapshot")?;
            Ok::<_, String>((cloud, state, failures))
        })?;
        Ok(Self { cloud, store, graph, state, failures })
    }

    /// Does something on a copy of it, and looks.
    pub fn after(&self, deed: impl AsyncFnOnce(&Hand<'_>) -> Result<(), String>) -> Seen {
        let store = MemoryStore::new();
        runtime().block_on(async {
            for file in [File::State, File::Journal] {
                if let Ok(Some(Content { bytes, .. })) = self.store.read(file).await {
                    // An empty store in memory takes everything.
                    let _ = store.replace(file, None, bytes).await;
                }
            }
            let emulator = Emulator::builder().going_on(&self.cloud);
            let registry = registry(&emulator);
            let hand = Hand { registry: &registry, state: &self.state };
            if let Err(refused) = deed(&hand).await {
                return Seen { refused: Some(refused), ..Seen::default() };
            }
            // What spreads slowly has spread.
            tokio::time::sleep(Duration::from_secs(120)).await;
            match self.seen(&engine(&emulator, &store)).await {
                Ok(seen) => seen,
                Err(error) => Seen { up: Some(error), ..Seen::default() },
            }
        })
    }

    async fn seen(&self, engine: &Engine) -> Result<Seen, String> {
        let look = async || engine.survey(&Selector::all()).await.map_err(|error| error.to_string());
        let survey = look().await?;
        let (failures, verify_fails) = judged(&self.graph, &survey);
        let remark = |remark: engine::Remark| format!("{}: {}", remark.address, remark.accepted.because);
        let mut seen = Seen {
            drift: places(&survey.drift()),
            remarks: survey.remarks().into_iter().map(remark).collect(),
            failures,
            verify_fails,
            ..Seen::default()
        };
        match up(engine, &self.graph).await {
            Ok(changed) => seen.changed = changed,
            Err(error) => seen.up = Some(error),
        }
        let survey = look().await?;
        seen.left = places(&survey.drift());
        seen.still_failing = judged(&self.graph, &survey).0;
        Ok(seen)
    }

    /// The kinds of what is recorded, each with the addresses of its objects.
    #[must_use]
    pub fn kinds(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (address, object) in self.state.objects() {
            kinds.entry(object.kind.as_str()).or_default().push(address.as_str());
        }
        kinds
    }

    /// Every kind that the program knows.
    #[must_use]
    pub fn all_kinds() -> Vec<&'static str> {
        runtime().block_on(async {
            let registry = registry(&Emulator::in_memory());
            registry.kinds().map(|(name, _)| name).collect()
        })
    }
}

fn places(drift: &[Drift]) -> BTreeSet<(String, String)> {
    let mut places = BTreeSet::new();
    for one in drift {
        match &one.changes {
            None => {
                places.insert((one.address.to_string(), String::new()));
            }
            Some(changes) => {
                let change =
                    |change: &engine::PropertyChange| (one.address.to_string(), change.property().to_owned());
                places.extend(changes.iter().map(change));
            }
        }
    }
    places
}

fn judged(graph: &Graph, survey: &Survey) -> (BTreeSet<&'static str>, bool) {
    let place = aws::Place {
        region: REGION.to_owned(),
        account_id: emulator::ACCOUNT_ID.to_owned(),
        partition: "aws".to_owned(),
    };
    let subject = Subject::new("dev", &place, graph, survey);
    let checks = verify::verify(&subject);
    let failed = checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }));
    let failed: BTreeSet<&'static str> = failed.map(|check| check.id).collect();
    let fails = !failed.is_empty();
    (failed.into_iter().filter(|id| !OF_EVERY_DRIFT.contains(id)).collect(), fails)
}

/// What `up` changed.
async fn up(engine: &Engine, graph: &Arc<Graph>) -> Result<BTreeSet<String>, String> {
    let work = async {
        let session = engine.open().await?;
        let done = async {
            let plan = session.plan(Arc::clone(graph), &Selector::all()).await?;
            let report = session.apply(&plan).await?;
            let changing = plan.steps().iter().filter(|step| step.is_change());
            Ok((changing.map(|step| step.address.to_string()).collect(), report))
        }
        .await;
        session.close().await?;
        done
    };
    let done: Result<(BTreeSet<String>, engine::Report), engine::EngineError> = work.await;
    let (changed, report) = done.map_err(|error| crate::world::words(&error))?;
    match report.is_complete() {
        true => Ok(changed),
        false => {
            let failures = report.failed.iter();
            let failures =
                failures.map(|one| format!("{}: {}", one.address, crate::world::words(&one.cause)));
            Err(failures.collect::<Vec<_>>().join("; "))
        }
    }
}

fn engine(emulator: &Emulator, store: &MemoryStore) -> Engine {
    let host: Arc<dyn Host> = Arc::new(TestHost::new("somebody", 1, tokio::time::Instant::now()));
    Engine::new(Arc::new(registry(emulator)), Arc::new(store.clone()))
        .with_host(host)
        .with_settle_grace(Duration::ZERO)
}

fn registry(emulator: &Emulator) -> Registry {
    let config = stack::embedded(emulator, Region::new(REGION));
    let identity = Identity { project: "payment".to_owned(), environment: "dev".to_owned() };
    let account = Account { id: emulator.account_id().to_owned(), partition: "aws".to_owned() };
    let context = Context::from_config(&config, identity, account).expect("the configuration has a region");
    let mut registry = Registry::new(context);
    stack::kinds(&mut registry);
    registry
}

/// A runtime whose clock stands still while anybody works.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread needs nothing that could be missing")
}

/// As much as can be declared at once, so that as many kinds as can be are there.
fn everything() -> Result<Arc<Graph>, String> {
    let mut config = Config::default();
    config.logs.customer_key = true;
    config.section_mut::<vpc::Tier>().interface_endpoints.enabled = true;
    config.section_mut::<ecs::Tier>().image = Some("registry.example.com/payment:1".to_owned());
    config.section_mut::<monitoring::Tier>().alarm_emails = vec!["ops@example.com".to_owned()];
    config.section_mut::<backup::Tier>().vault.enabled = true;
    config.section_mut::<backup::Tier>().vault.opt_in = true;
    let environment = "dev".parse().expect("it is a name of an environment");
    Stack::new(config, &environment).declare(&place()).map_err(|error| error.to_string())
}

/// The live properties of an object, as the program reads them.
pub(crate) async fn live(hand: &Hand<'_>, address: &str) -> Result<serde_json::Value, String> {
    let object = hand.state.current(address).ok_or_else(|| format!("there is no {address}"))?;
    let kind = hand.registry.kind(&object.kind).ok_or("no such kind")?;
    let live = kind.read(&object.properties, &object.outputs).await.map_err(|error| error.to_string())?;
    live.ok_or_else(|| format!("{address} is gone"))
}

/// What was read is there.
#[must_use]
pub fn is_found(reading: &Reading) -> bool {
    matches!(reading, Reading::Found(_))
}
