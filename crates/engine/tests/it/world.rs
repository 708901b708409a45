//! A cloud, a store, and processes that work on them one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::{
    Address, Choice, Declaration, Engine, EngineError, Graph, MemoryStore, Observer, Plan, Report, Selector,
    Session, State, Store, TestHost,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::Client;
use crate::fake_cloud::{FakeCloud, GROUP, id_text};
use crate::life::{Life, WatchedStore};

/// How long the engine looks for what may have been created.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// How a process ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It came to its end, with this report.
    Reported(Report),
    /// It could not begin or end.
    Refused(EngineError),
    /// It was killed.
    Died,
}

impl Ended {
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self, Ended::Reported(report) if report.is_complete())
    }

    pub(crate) fn report(self) -> Report {
        match self {
            Ended::Reported(report) => report,
            other => panic!("no report, but {other:?}"),
        }
    }
}

pub(crate) struct World {
    pub(crate) cloud: FakeCloud,
    pub(crate) memory: MemoryStore,
    started: Instant,
    processes: AtomicU64,
}

/// One process: its life, its view of the store, its engine.
pub(crate) struct Process {
    pub(crate) life: Life,
    pub(crate) store: WatchedStore,
    pub(crate) engine: Engine,
}

impl World {
    pub(crate) fn new() -> Self {
        let (cloud, memory) = (FakeCloud::default(), MemoryStore::new());
        cloud.watch_journal(&memory);
        Self { cloud, memory, started: Instant::now(), processes: AtomicU64::new(1) }
    }

    pub(crate) fn host(&self) -> (u64, Arc<TestHost>) {
        let number = self.processes.fetch_add(1, Ordering::Relaxed);
        (number, Arc::new(TestHost::new(&format!("ada@earth, process {number}"), number, self.started)))
    }

    pub(crate) fn process(&self) -> Process {
        let life = Life::default();
        let store = WatchedStore::new(&self.memory, &life);
        let client = Client::new(&self.cloud, &life);
        let engine = Engine::new(Arc::new(client), Arc::new(store.clone()))
            .with_host(self.host().1)
            .with_settle_grace(GRACE);
        Process { life, store, engine }
    }

    pub(crate) async fn state(&self) -> State {
        self.process().engine.state().await.unwrap()
    }

    /// A process plans and applies, until it ends or dies.
    pub(crate) async fn run(&self, graph: &Arc<Graph>) -> Ended {
        self.run_as(&self.process(), graph).await
    }

    pub(crate) async fn run_as(&self, process: &Process, graph: &Arc<Graph>) -> Ended {
        self.run_chosen_as(process, graph, &Choice::all()).await
    }

    /// The same for what is chosen of it.
    pub(crate) async fn run_chosen_as(
        &self,
        process: &Process,
        graph: &Arc<Graph>,
        choice: &Choice,
    ) -> Ended {
        let calls_before = self.cloud.lock().log.len();
        let work = async {
            let session = process.engine.open().await?;
            let applied = self.plan_and_apply(&session, (graph, choice), &process.life, calls_before).await;
            let mut state = session.state();
            session.close().await?;
            let report = applied?;
            let recorded = process.engine.state().await?;
            // One that has said what it is for records its end, too.
            assert!(recorded.records - state.records <= 1);
            state.records = recorded.records;
            assert_eq!(recorded, state, "the journal does not say what was held in memory");
            Ok(report)
        };
        tokio::select! {
            biased;
            () = process.life.over() => Ended::Died,
            ended = work => match ended {
                Ok(report) => Ended::Reported(report),
                Err(error) => Ended::Refused(error),
            },
        }
    }

    async fn plan_and_apply(
        &self,
        session: &Session,
        (graph, choice): (&Arc<Graph>, &Choice),
        life: &Life,
        calls_before: usize,
    ) -> Result<Report, EngineError> {
        let plan = session.plan_chosen(Arc::clone(graph), choice).await?;
        let report = session.apply(&plan).await?;
        self.check_sent(&plan, life, calls_before);
        Ok(report)
    }

    /// What the plan showed as known is what was sent.
    fn check_sent(&self, plan: &Plan, life: &Life, calls_before: usize) {
        for call in &self.cloud.lock().log[calls_before..] {
            if call.what == "delete" || !call.by.is(life) {
                continue;
            }
            let step = plan.step(&call.address).expect("only what is planned is sent");
            // What is widened first is sent with what it has, and then without.
            if step.kind == GROUP.name {
                continue;
            }
            let mut planned = step.desired().expect("what is sent was declared").clone();
            // What is ignored is kept, and shown beside.
            for kept in step.accepted().iter().filter(|one| one.is_ignored) {
                planned[kept.property.as_str()] = kept.live.clone();
            }
            let planned = &planned;
            assert!(agrees(planned, &call.properties), "planned {planned}, sent {}", call.properties);
        }
    }

    /// A process does everything that there is to do.
    pub(crate) async fn apply(&self, graph: &Arc<Graph>) {
        let ended = self.run(graph).await;
        assert!(ended.is_complete(), "{ended:?}");
    }

    pub(crate) async fn plan(&self, graph: &Arc<Graph>) -> Plan {
        let session = self.process().engine.open().await.unwrap();
        let plan = session.plan(Arc::clone(graph), &Selector::all()).await.unwrap();
        session.close().await.unwrap();
        plan
    }

    /// A process plans and applies what is selected, if there is a plan.
    pub(crate) async fn apply_selected(
        &self,
        graph: &Arc<Graph>,
        selector: &Selector,
    ) -> Result<Report, EngineError> {
        let session = self.process().engine.open().await.unwrap();
        let applied = async {
            let plan = session.plan(Arc::clone(graph), selector).await?;
            session.apply(&plan).await
        };
        let applied = applied.await;
        session.close().await.unwrap();
        applied
    }

    /// The cloud has exactly the objects of the state, each with the properties that are recorded.
    pub(crate) async fn check_cloud_equals_state(&self) {
        let state = self.state().await;
        let recorded: BTreeMap<String, (String, Value)> = state
            .objects()
            .map(|(address, object)| {
                let id = object.outputs["Id"].as_str().unwrap().to_owned();
                (id, (address.to_string(), object.properties.clone()))
            })
            .collect();
        assert_eq!(recorded.len(), state.objects().count(), "one object is recorded twice: {recorded:?}");
        let live: BTreeMap<String, (String, Value)> = self
            .cloud
            .lock()
            .things
            .values()
            .map(|thing| (id_text(thing.id), (thing.address.clone(), thing.properties.clone())))
            .collect();
        assert_eq!(live, recorded, "live objects on the left, recorded ones on the right");
        for (address, slot) in state.slots() {
            assert!(slot.open.is_empty(), "{address} has an open intent: {:?}", slot.open);
            assert!(slot.deposed.is_empty(), "{address} has replaced objects left: {:?}", slot.deposed);
        }
        let violations = self.cloud.lock().violations.clone();
        assert!(violations.is_empty(), "{violations:?}");
    }

    /// All objects by address, with addresses in place of ids.
    pub(crate) fn canonical(&self) -> BTreeMap<String, (&'static str, String)> {
        let inner = self.cloud.lock();
        let mut names: Vec<(String, String)> = Vec::new();
        for thing in inner.things.values() {
            names.push((id_text(thing.id), thing.address.clone()));
        }
        inner
            .things
            .values()
            .map(|thing| {
                let mut text = thing.properties.to_string();
                for (id, address) in &names {
                    text = text.replace(id.as_str(), address);
                }
                (thing.address.clone(), (thing.kind, text))
            })
            .collect()
    }

    /// The store holds nothing but this: state, journal and lock.
    pub(crate) async fn put_back(&self, files: [Option<Vec<u8>>; 3]) {
        for (file, bytes) in
            [engine::File::State, engine::File::Journal, engine::File::Lock].into_iter().zip(files)
        {
            if let Some(content) = self.memory.read(file).await.unwrap() {
                self.memory.remove(file, &content.version).await.unwrap();
            }
            if let Some(bytes) = bytes {
                self.memory.replace(file, None, bytes).await.unwrap();
            }
        }
    }

    /// Everything that the store holds.
    pub(crate) async fn files(&self) -> Vec<Option<Vec<u8>>> {
        let mut files = Vec::new();
        for file in [engine::File::State, engine::File::Journal, engine::File::Lock] {
            files.push(self.memory.read(file).await.unwrap().map(|content| content.bytes));
        }
        files
    }
}

/// Whether `sent` is `planned` with values for what was not known.
fn agrees(planned: &Value, sent: &Value) -> bool {
    match (planned, sent) {
        (Value::Object(unknown), _) if unknown.contains_key("$ref") => true,
        (Value::Object(unknown), Value::String(_)) if unknown.contains_key("$join") => true,
        (Value::Object(planned), Value::Object(sent)) => {
            planned.len() == sent.len()
                && planned.iter().all(|(name, value)| sent.get(name).is_some_and(|sent| agrees(value, sent)))
        }
        (Value::Array(planned), Value::Array(sent)) => {
            planned.len() == sent.len()
                && planned.iter().zip(sent).all(|(planned, sent)| agrees(planned, sent))
        }
        _ => planned == sent,
    }
}

pub(crate) fn address(text: &str) -> Address {
    Address::new(text).unwrap()
}

pub(crate) fn reference(to: &str, attr: &str) -> Value {
    json!({ "$ref": to, "attr": attr })
}

pub(crate) fn early(to: &str) -> Value {
    json!({ "$ref": to, "attr": "Id", "early": true })
}

pub(crate) fn resource(at: &str, kind: &str, properties: Value) -> Declaration {
    Declaration {
        address: address(at),
        kind: kind.to_owned(),
        properties,
        protect: false,
        after: Vec::new(),
        facts: &crate::facts::FACTS,
    }
}

pub(crate) fn protected(at: &str, kind: &str, properties: Value) -> Declaration {
    Declaration { protect: true, ..resource(at, kind, properties) }
}

pub(crate) fn graph(declarations: impl IntoIterator<Item = Declaration>) -> Arc<Graph> {
    Arc::new(Graph::from_declarations(declarations.into_iter().collect()).unwrap())
}

/// Remembers what it is told.
#[derive(Default)]
pub(crate) struct Listener(pub(crate) std::sync::Mutex<Vec<engine::Progress>>);

impl Observer for Listener {
    fn observe(&self, progress: &engine::Progress) {
        self.0.lock().unwrap().push(progress.clone());
    }
}
