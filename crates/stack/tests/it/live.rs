//! A stack that lives on the embedded AWS, at its own pace in virtual time, and is changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws::{Account, Context, Identity};
use aws_sdk_ec2::config::Region;
use emulator::{Emulator, Object, Outcome};
use engine::{
    Engine, EngineError, Graph, MemoryStore, Plan, PlanError, Registry, Report, Selector, State, TestHost,
};
use stack::{Config, Environment, Place, Recorded, Stack};
use tokio::time::Instant;

/// One with four zones.
pub(crate) const REGION: &str = "us-west-2";
pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const IMAGE: &str = "public.ecr.aws/nginx/nginx:1.29";

/// A stack that lives.
pub(crate) struct Live {
    pub(crate) emulator: Emulator,
    pub(crate) engine: Engine,
    pub(crate) environment: Environment,
    pub(crate) config: Config,
}

/// What a run did.
pub(crate) struct Ran {
    pub(crate) plan: Plan,
    pub(crate) report: Report,
    pub(crate) took: Duration,
}

pub(crate) fn zones(letters: &str) -> Option<Vec<String>> {
    Some(letters.chars().map(|letter| format!("{REGION}{letter}")).collect())
}

pub(crate) fn blocks(third: impl IntoIterator<Item = u8>) -> Option<Vec<ipnet::Ipv4Net>> {
    Some(third.into_iter().map(|third| format!("10.0.{third}.0/24").parse().unwrap()).collect())
}

/// A region of the account of the tests, with these zones.
pub(crate) fn place(region: &str, letters: &str) -> Place {
    Place {
        account_id: ACCOUNT.to_owned(),
        partition: "aws".to_owned(),
        region: region.to_owned(),
        availability_zones: letters.chars().map(|letter| format!("{region}{letter}")).collect(),
        has_log_key: false,
        recorded: Recorded::default(),
    }
}

/// All kinds, for a stack on an embedded AWS.
pub(crate) fn registry(emulator: &Emulator, region: &str, environment: &str) -> Registry<Context> {
    let sdk = stack::embedded(emulator, Region::new(region.to_owned()));
    let identity = Identity { project: "payment".to_owned(), environment: environment.to_owned() };
    let account = Account { id: ACCOUNT.to_owned(), partition: "aws".to_owned() };
    let mut registry = Registry::new(Context::from_config(&sdk, identity, account).unwrap());
    stack::kinds(&mut registry);
    registry
}

impl Live {
    /// Deployed, with tasks, in these zones.
    pub(crate) async fn new(letters: &str) -> Self {
        let live = Self::empty(letters);
        live.change(|_| {}).await;
        live
    }

    pub(crate) fn empty(letters: &str) -> Self {
        let emulator = Emulator::builder().latency(1.0).in_memory();
        let registry = registry(&emulator, REGION, "dev");
        let engine = Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()))
            .with_host(Arc::new(TestHost::new("test", 1, Instant::now())));
        let mut config = Config::default();
        config.section_mut::<ecs::Tier>().image = Some(IMAGE.to_owned());
        config.section_mut::<vpc::Tier>().availability_zones = zones(letters);
        config.section_mut::<vpc::Tier>().interface_endpoints.enabled = true;
        Self { emulator, engine, environment: "dev".parse().unwrap(), config }
    }

    pub(crate) fn declared(&self, state: &State, change: impl FnOnce(&mut Config)) -> Arc<Graph> {
        let place = place(REGION, "abcd");
        let mut config = self.config.clone();
        change(&mut config);
        Stack::new(config, &self.environment).declare(&place.as_recorded_in(state)).unwrap()
    }

    pub(crate) async fn try_run(&self, graph: Arc<Graph>) -> Result<Ran, EngineError> {
        self.emulator.clear_calls();
        let start = Instant::now();
        let session = self.engine.open().await.unwrap();
        let ran = async {
            let plan = session.plan(graph, &Selector::all()).await?;
            let report = session.apply(&plan).await?;
            Ok(Ran { plan, report, took: start.elapsed() })
        };
        let ran = ran.await;
        session.close().await.unwrap();
        ran
    }

    /// Done in one run, after which there is nothing to do, and none of its calls was in vain.
    pub(crate) async fn change(&self, change: impl Fn(&mut Config)) -> Ran {
        let graph = self.declared(&self.engine.state().await.unwrap(), &change);
        let ran = self.try_run(graph).await.unwrap();
        assert!(ran.report.is_complete(), "{:#?}", ran.report);
        // A database instance takes ten minutes, and its deletion four; nothing waits for a deadline.
        assert!(ran.took < Duration::from_secs(2400), "it took {:?}", ran.took);
        assert_eq!(self.refused_with("SubnetAlreadyInUse"), 0);
        let graph = self.declared(&self.engine.state().await.unwrap(), &change);
        let preview = self.engine.preview(graph, &Selector::all()).await.unwrap();
        let left: Vec<_> = preview.steps().iter().filter(|step| step.is_change()).collect();
        assert!(left.is_empty(), "{left:#?}");
        ran
    }

    /// Refused before any call, with the reason.
    pub(crate) async fn refused(&self, change: impl Fn(&mut Config)) -> PlanError {
        let before = self.engine.state().await.unwrap();
        let graph = self.declared(&before, &change);
        let error = match self.try_run(graph).await {
            Err(EngineError::Plan(error)) => error,
            Err(error) => panic!("{error}"),
            Ok(ran) => panic!("it was done: {:#?}", ran.report),
        };
        assert_eq!(self.mutating(), [""; 0]);
        assert_eq!(self.engine.state().await.unwrap().slots().count(), before.slots().count());
        error
    }

    pub(crate) fn refused_with(&self, code: &str) -> usize {
        let calls = self.emulator.calls();
        calls.iter().filter(|call| call.outcome == Outcome::Error(code.to_owned())).count()
    }

    pub(crate) fn mutating(&self) -> Vec<String> {
        let calls = self.emulator.calls().into_iter().filter(|call| call.mutating);
        calls.map(|call| call.operation).collect()
    }

    pub(crate) async fn id(&self, address: &str, output: &str) -> Option<String> {
        let state = self.engine.state().await.unwrap();
        Some(state.output(address, output)?.as_str().unwrap().to_owned())
    }

    /// The live instances of the cluster, each with its zone.
    pub(crate) async fn instances(&self) -> Vec<(String, String)> {
        let rds = aws_sdk_rds::Client::new(&stack::embedded(&self.emulator, Region::new(REGION)));
        let found = rds.describe_db_instances().send().await.unwrap().db_instances.unwrap_or_default();
        let text = |text: Option<String>| text.unwrap().replace(REGION, "");
        let mut found: Vec<(String, String)> = found
            .into_iter()
            .map(|one| (text(one.db_instance_identifier), text(one.availability_zone)))
            .collect();
        found.sort();
        found
    }

    /// What the stack made, without the role that all environments share.
    pub(crate) async fn objects(&self) -> Vec<Object> {
        let shared = apigw::logs_role_name(REGION);
        let mut objects = self.emulator.objects().await.unwrap();
        objects.retain(|object| !object.made_by_default && object.id != shared);
        objects
    }

    pub(crate) async fn cluster(&self) -> Option<String> {
        self.id("database/cluster", "DbClusterResourceId").await
    }

    pub(crate) async fn destroy(&self) {
        let ran = self.try_run(Arc::default()).await.unwrap();
        assert!(ran.report.is_complete(), "{:#?}", ran.report);
        assert_eq!(self.objects().await, []);
    }
}

pub(crate) fn network(config: &mut Config) -> &mut vpc::Args {
    config.section_mut::<vpc::Tier>()
}

impl Ran {
    /// When something was done to a resource for the last time, among all.
    pub(crate) fn place(&self, address: &str) -> usize {
        let found = self.report.done.iter().rposition(|done| done.address.as_str() == address);
        found.unwrap_or_else(|| panic!("{address} was not done"))
    }

    pub(crate) fn changed(&self) -> BTreeSet<&str> {
        let changed = self.plan.steps().iter().filter(|step| step.is_change());
        changed.map(|step| step.address.as_str()).collect()
    }
}
