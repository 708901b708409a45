//! What the tests of all tiers begin with: an empty account on the embedded AWS, an engine on it, and the questions that
//! every life cycle asks. For tests only: everything here panics where something is not as a test wants it.
//!
//! What every kind of resource must do is one test, the [contract](mod@contract). Its documentation says how a new kind gets its entry.

pub mod contract;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use aws::{Account, Context, Identity, Registry};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use emulator::Emulator;
use engine::{
    Action, Component, Declared, Drift, Engine, Graph, MemoryStore, Plan, Resolved, Scope, Selector, TestHost,
};

/// The region of all tests.
pub const REGION: &str = "ap-southeast-1";
/// The account of all tests.
pub const ACCOUNT: &str = "123456789012";

/// The place of all tests.
#[must_use]
pub fn place() -> aws::Place {
    aws::Place { region: REGION.to_owned(), account_id: ACCOUNT.to_owned(), partition: "aws".to_owned() }
}

/// Whose objects the tests make.
#[must_use]
pub fn identity() -> Identity {
    Identity { project: "payment".to_owned(), environment: "dev".to_owned() }
}

/// A client configuration for an emulator.
pub fn config(emulator: &Emulator) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .http_client(emulator.http_client())
        .credentials_provider(SharedCredentialsProvider::new(emulator.credentials()))
        .build()
}

/// Clients of an emulator.
///
/// # Panics
/// Never: the configuration has a region.
pub fn context(emulator: &Emulator) -> Context {
    let account = Account { id: ACCOUNT.to_owned(), partition: "aws".to_owned() };
    Context::from_config(&config(emulator), identity(), account).expect("the configuration has a region")
}

/// What a tier declares, under its own name.
///
/// # Errors
/// For an argument that cannot work.
pub fn declare<C: Component>(
    tier: &C,
    inputs: &C::Inputs,
) -> Result<(Graph, C::Outputs<Declared>), engine::DeclareError> {
    let mut scope = Scope::new();
    let outputs = scope.within(C::NAME, |scope| tier.declare(scope, inputs))?;
    Ok((Graph::new(scope).expect("a tier is wired correctly"), outputs))
}

/// An account, a state, and an engine on both.
pub struct World {
    /// The account.
    pub emulator: Emulator,
    /// Clients of it.
    pub cx: Context,
    /// The engine.
    pub engine: Engine,
}

impl World {
    /// An empty account, and an engine that knows the shared kinds and those given.
    pub fn new(kinds: fn(&mut Registry)) -> Self {
        Self::on(Emulator::in_memory(), kinds)
    }

    /// The same on an emulator of the caller's.
    pub fn on(emulator: Emulator, kinds: fn(&mut Registry)) -> Self {
        Self::of(emulator, kinds, 1)
    }

    /// The same account, and a state that knows nothing of it: it is another one, so the tokens of its calls are others too.
    pub fn that_lost_its_state(&self, kinds: fn(&mut Registry)) -> Self {
        Self::of(self.emulator.clone(), kinds, 2)
    }

    fn of(emulator: Emulator, kinds: fn(&mut Registry), seed: u64) -> Self {
        let mut registry = Registry::new(context(&emulator));
        aws::kinds(&mut registry);
        kinds(&mut registry);
        let host = TestHost::new("test", seed, tokio::time::Instant::now());
        let engine = Engine::new(Arc::new(registry), Arc::new(MemoryStore::new()))
            .with_host(Arc::new(host))
            .with_settle_grace(Duration::ZERO);
        Self { cx: context(&emulator), emulator, engine }
    }

    /// Creates a tier, or brings it to what is declared.
    pub async fn create<C: Component>(&self, tier: &C, inputs: &C::Inputs) -> C::Outputs<Resolved> {
        tier.create(&self.engine, inputs).await.unwrap_or_else(|error| panic!("{}: {error:#?}", C::NAME))
    }

    /// What bringing a tier to what is declared would do.
    pub async fn plan<C: Component>(&self, tier: &C, inputs: &C::Inputs) -> Plan {
        let (graph, _) = declare(tier, inputs).unwrap_or_else(|error| panic!("{}: {error}", C::NAME));
        self.engine
            .preview(Arc::new(graph), &Selector::tier(C::NAME))
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Addresses of what a plan would do, by action.
    pub async fn planned<C: Component>(
        &self,
        tier: &C,
        inputs: &C::Inputs,
        action: fn(&Action) -> bool,
    ) -> Vec<String> {
        let plan = self.plan(tier, inputs).await;
        let steps = plan.steps().iter().filter(|step| action(&step.action));
        steps.map(|step| step.address.to_string()).collect()
    }

    /// The mutating calls since this was asked last.
    pub fn mutations(&self) -> Vec<String> {
        let calls = self.emulator.calls().into_iter().filter(|call| call.mutating);
        let names = calls.map(|call| call.operation).collect();
        self.emulator.clear_calls();
        names
    }

    /// There is nothing left to do, and doing it sends nothing.
    pub async fn assert_settled<C: Component>(&self, tier: &C, inputs: &C::Inputs) {
        let plan = self.plan(tier, inputs).await;
        let left: Vec<_> = plan.steps().iter().filter(|step| step.action != Action::Unchanged).collect();
        assert!(plan.is_empty(), "{}: {left:#?}", C::NAME);
        self.mutations();
        self.create(tier, inputs).await;
        assert_eq!(self.mutations(), Vec::<String>::new(), "{}", C::NAME);
    }

    /// What differs from what is recorded, as `address: property`.
    pub async fn drift<C: Component>(&self) -> Vec<String> {
        let drift =
            self.engine.drift(&Selector::tier(C::NAME)).await.unwrap_or_else(|error| panic!("{error}"));
        let lines = |drift: Drift| match drift.changes {
            None => vec![format!("{}: gone", drift.address)],
            Some(changes) => {
                changes.iter().map(|change| format!("{}: {}", drift.address, change.property())).collect()
            }
        };
        drift.into_iter().flat_map(lines).collect()
    }

    /// What was changed by hand is all that is seen, and is repaired. A property that differs in several places is named once.
    pub async fn assert_repaired<C: Component>(&self, tier: &C, inputs: &C::Inputs, seen: &[&str]) {
        let mut drift = self.drift::<C>().await;
        drift.sort();
        drift.dedup();
        assert_eq!(drift, seen);
        self.assert_repairs(tier, inputs).await;
    }

    /// After one run nothing differs from what is declared, and nothing is left to do.
    pub async fn assert_repairs<C: Component>(&self, tier: &C, inputs: &C::Inputs) {
        self.create(tier, inputs).await;
        assert_eq!(self.drift::<C>().await, Vec::<String>::new());
        self.assert_settled(tier, inputs).await;
    }

    /// What somebody made and did not remove: kinds and ids.
    pub async fn left(&self) -> Vec<(String, String)> {
        let objects = self.emulator.objects().await.unwrap_or_else(|error| panic!("{error}"));
        let made = objects.into_iter().filter(|object| !object.made_by_default);
        made.map(|object| (object.kind, object.id)).collect()
    }

    /// Nothing is recorded.
    pub async fn assert_nothing_recorded(&self) {
        let state = self.engine.state().await.unwrap_or_else(|error| panic!("{error}"));
        assert!(state.is_empty());
    }
}
