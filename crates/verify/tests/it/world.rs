//! A deployed stack in an account of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use apigw::LiveApi;
use aws::{Account, Context, Identity};
use aws_config::{Region, SdkConfig};
use emulator::{Counted, Emulator, Fault, FaultPlan, When};
use engine::{Address, Engine, Graph, MemoryStore, Reading, Registry, Scope, Selector, TestHost};
use stack::{Environment, Sources, Stack};
use testing::{ACCOUNT, REGION, place};
use tokio::time::Instant;
use verify::{Check, Outcome, Resource, Subject, verify};

/// The account, the engine on it, and what is wanted there.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) engine: Engine,
    store: MemoryStore,
    graph: Arc<Graph>,
    environment: Environment,
}

impl World {
    /// An empty account. The configuration is the one that comes with the program.
    pub(crate) fn new(emulator: Emulator, environment: &str) -> Self {
        Self::on(emulator, environment, MemoryStore::new())
    }

    /// The same stack, which is deployed already, where these operations are refused.
    pub(crate) fn without_leave(&self, operations: &[&str]) -> Self {
        let refused = Fault::Error { code: "AccessDeniedException".to_owned(), status: 400 };
        let plan = operations.iter().fold(FaultPlan::default(), |plan, operation| {
            plan.with(Counted::Operation((*operation).to_owned()), When::Share(1.0), refused.clone())
        });
        let emulator = Emulator::builder().faults(plan).going_on(&self.emulator.snapshot().unwrap());
        Self::on(emulator, self.environment.as_str(), self.store.clone())
    }

    fn on(emulator: Emulator, environment: &str, store: MemoryStore) -> Self {
        let environment: Environment = environment.parse().unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stack.toml");
        let config = stack::load(&Sources::file(Some(&file), &environment)).unwrap().config;
        let place = stack::Place {
            account_id: ACCOUNT.to_owned(),
            partition: "aws".to_owned(),
            region: REGION.to_owned(),
            availability_zones: ["a", "b", "c"].map(|zone| format!("{REGION}{zone}")).to_vec(),
            has_log_key: false,
            recorded: stack::Recorded::default(),
        };
        let graph = Stack::new(config, &environment).declare(&place).unwrap();
        let identity =
            Identity { project: "payment".to_owned(), environment: environment.as_str().to_owned() };
        let account = Account { id: ACCOUNT.to_owned(), partition: "aws".to_owned() };
        let context = Context::from_config(&sdk_config(&emulator), identity, account).unwrap();
        let mut registry = Registry::new(context);
        stack::kinds(&mut registry);
        let engine = Engine::new(Arc::new(registry), Arc::new(store.clone()))
            .with_host(Arc::new(TestHost::new("test", 1, Instant::now())))
            .with_settle_grace(Duration::ZERO);
        Self { emulator, engine, store, graph, environment }
    }

    /// A deployed stack.
    pub(crate) async fn deployed(environment: &str) -> Self {
        let world = Self::new(Emulator::in_memory(), environment);
        world.up().await;
        world
    }

    /// Brings the account to what is wanted, from whatever it is.
    pub(crate) async fn up(&self) {
        let session = self.engine.open().await.unwrap();
        let plan = session.plan(Arc::clone(&self.graph), &Selector::all()).await.unwrap();
        let report = session.apply(&plan).await.unwrap();
        session.close().await.unwrap();
        assert!(report.is_complete(), "{report:#?}");
    }

    /// What is to be judged.
    pub(crate) async fn subject(&self) -> Subject {
        self.subject_beside(&Scope::new()).await
    }

    /// The same where somebody declares more.
    pub(crate) async fn subject_beside(&self, more: &Scope) -> Subject {
        let declared = [self.graph.nodes(), more.declarations()].concat();
        let graph = Graph::from_declarations(declared).unwrap();
        let survey = self.engine.survey(&Selector::all()).await.unwrap();
        Subject::new(self.environment.as_str(), &place(), &graph, &survey)
    }

    /// Where API Gateway says that the API answers.
    pub(crate) async fn live_api(&self) -> LiveApi {
        let identity =
            Identity { project: "payment".to_owned(), environment: self.environment.as_str().to_owned() };
        let account = Account { id: ACCOUNT.to_owned(), partition: "aws".to_owned() };
        let context = Context::from_config(&sdk_config(&self.emulator), identity, account).unwrap();
        let state = self.engine.state().await.unwrap();
        let id = state.output("apigw/rest-api", "RestApiId").unwrap().as_str().unwrap();
        let address = Address::new("apigw/rest-api").unwrap();
        apigw::live_api(&context, &address, &id.into(), &self.environment.as_str().into()).await.unwrap()
    }

    /// A client that works behind the program's back.
    pub(crate) fn client<C>(&self, new: fn(&SdkConfig) -> C) -> C {
        new(&sdk_config(&self.emulator))
    }
}

fn sdk_config(emulator: &Emulator) -> SdkConfig {
    stack::embedded(emulator, Region::new(REGION))
}

/// What AWS showed of a resource, to be changed.
pub(crate) fn live_of(resource: &mut Resource) -> &mut serde_json::Value {
    match &mut resource.live {
        Reading::Found(live) => live,
        other => panic!("{}: {other:?}", resource.address),
    }
}

/// The ids of the checks that fail.
pub(crate) fn failed(checks: &[Check]) -> Vec<&'static str> {
    let failed = checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }));
    failed.map(|check| check.id).collect()
}

/// The same of a subject.
pub(crate) fn failures(subject: &Subject) -> Vec<&'static str> {
    failed(&verify(subject))
}

/// The outcome of one check.
pub(crate) fn outcome<'a>(checks: &'a [Check], id: &str) -> &'a Outcome {
    &checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}")).outcome
}

/// What a failed check says, a line for each finding.
pub(crate) fn findings(checks: &[Check], id: &str) -> Vec<String> {
    match outcome(checks, id) {
        Outcome::Failed { findings, .. } => findings.iter().map(ToString::to_string).collect(),
        other => panic!("{id}: {other:?}"),
    }
}

/// Why a check was skipped.
pub(crate) fn reason<'a>(checks: &'a [Check], id: &str) -> &'a str {
    match outcome(checks, id) {
        Outcome::Skipped { reason } => reason,
        other => panic!("{id}: {other:?}"),
    }
}
