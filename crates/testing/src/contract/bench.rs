//! A copy of an account and of a state, on which one point of the contract is tried.

use std::sync::Arc;
use std::time::Duration;

use aws::Registry;
use emulator::{Counted, Emulator, Fault, FaultPlan, Snapshot, When};
use engine::{
    Action, Address, Content, Declaration, Engine, File, Graph, Host, Kind, MemoryStore, Object, Plan,
    Selector, Step, Store, TestHost,
};
use serde_json::Value;

use super::entry::{Case, Erased};
use super::{Broken, provided};
use crate::{World, context};

/// What the contract is asked of, and what is around it.
pub(super) struct Subject {
    around: Vec<Declaration>,
    pub(super) entry: Erased,
}

impl Subject {
    pub(super) fn new(around: Vec<Declaration>, entry: Erased) -> Self {
        Self { around, entry }
    }

    pub(super) fn kind(&self) -> &'static str {
        self.entry.kind
    }

    pub(super) fn address(&self) -> &str {
        self.entry.declaration.address.as_str()
    }

    pub(super) fn properties(&self) -> Value {
        self.entry.declaration.properties.clone()
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = (&'static str, &Case)> {
        self.entry.cases.iter().map(|(property, case)| (*property, case))
    }

    fn graph(&self, properties: Option<&Value>) -> Arc<Graph> {
        let own = properties.map(|properties| Declaration {
            properties: properties.clone(),
            ..self.entry.declaration.clone()
        });
        let declarations = self.around.iter().cloned().chain(own).collect();
        Arc::new(Graph::from_declarations(declarations).unwrap_or_else(|error| panic!("{error}")))
    }
}

/// An account and a state at one moment.
pub(super) struct Saved {
    account: Snapshot,
    store: MemoryStore,
    /// Every object that somebody made: kinds and ids.
    pub(super) objects: Vec<(String, String)>,
}

/// An account, and an engine on it.
pub(super) struct Bench {
    pub(super) emulator: Emulator,
    pub(super) registry: Arc<Registry>,
    pub(super) engine: Engine,
    pub(super) subject: Arc<Subject>,
    kinds: fn(&mut Registry),
    host: Arc<TestHost>,
    store: MemoryStore,
}

/// What was planned and done.
pub(super) struct Applied {
    pub(super) plan: Plan,
    /// The calls that change something, in the order in which they were sent.
    pub(super) calls: Vec<String>,
}

impl Bench {
    pub(super) fn new(world: World, kinds: fn(&mut Registry), subject: Subject) -> Self {
        let host = Arc::new(TestHost::new("contract", 1, tokio::time::Instant::now()));
        Self::on(world.emulator, kinds, Arc::new(subject), MemoryStore::new(), host)
    }

    fn on(
        emulator: Emulator,
        kinds: fn(&mut Registry),
        subject: Arc<Subject>,
        store: MemoryStore,
        host: Arc<TestHost>,
    ) -> Self {
        let mut registry = Registry::new(context(&emulator));
        aws::kinds(&mut registry);
        kinds(&mut registry);
        let registry = Arc::new(registry);
        let engine = Engine::new(Arc::clone(&registry) as _, Arc::new(store.clone()))
            .with_host(Arc::clone(&host) as Arc<dyn Host>)
            .with_settle_grace(Duration::ZERO);
        Self { emulator, registry, engine, subject, kinds, host, store }
    }

    /// Makes what is around the subject.
    pub(super) async fn surrounded(&self) -> Result<Saved, Broken> {
        self.bring(None).await?;
        self.save().await
    }

    /// The account and the state as they are now.
    pub(super) async fn save(&self) -> Result<Saved, Broken> {
        let store = MemoryStore::new();
        for file in [File::State, File::Journal] {
            let read = self.store.read(file).await.map_err(|error| error.to_string())?;
            if let Some(Content { bytes, .. }) = read {
                store.replace(file, None, bytes).await.map_err(|error| error.to_string())?;
            }
        }
        let account = self.emulator.snapshot().ok_or("the account is on disk")?;
        Ok(Saved { account, store, objects: self.objects().await })
    }

    /// Another bench that goes on from a moment.
    pub(super) async fn copy(&self, saved: &Saved, faults: FaultPlan) -> Self {
        let store = MemoryStore::new();
        for file in [File::State, File::Journal] {
            if let Ok(Some(Content { bytes, .. })) = saved.store.read(file).await {
                let written = store.replace(file, None, bytes).await;
                written.unwrap_or_else(|error| panic!("{error}"));
            }
        }
        let emulator = Emulator::builder().faults(faults).going_on(&saved.account);
        Self::on(emulator, self.kinds, Arc::clone(&self.subject), store, Arc::clone(&self.host))
    }

    pub(super) async fn from(&self, saved: &Saved) -> Self {
        self.copy(saved, FaultPlan::default()).await
    }

    /// One on which a call that changes something goes wrong: counted from zero.
    pub(super) async fn with_fault(&self, saved: &Saved, number: usize, fault: Fault) -> Self {
        let number = u64::try_from(number).unwrap_or(u64::MAX - 1) + 1;
        let plan = FaultPlan::default().with(Counted::Mutating, When::Call(number), fault);
        self.copy(saved, plan).await
    }

    pub(super) fn address(&self) -> Address {
        Address::new(self.subject.address()).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn kind(&self) -> &dyn Kind {
        provided(&self.registry, self.subject.kind())
    }

    pub(super) async fn plan(&self, properties: Option<&Value>) -> Result<Plan, Broken> {
        let plan = self.engine.preview(self.subject.graph(properties), &Selector::all()).await;
        plan.map_err(|error| format!("no plan: {error}"))
    }

    /// Brings the subject to what is wanted, or deletes it.
    pub(super) async fn bring(&self, properties: Option<&Value>) -> Result<Applied, Broken> {
        let broken = |error: engine::EngineError| format!("{error}: {error:?}");
        self.emulator.clear_calls();
        let session = self.engine.open().await.map_err(broken)?;
        let done = async {
            let plan = session.plan(self.subject.graph(properties), &Selector::all()).await?;
            let report = session.apply(&plan).await?;
            Ok((plan, report))
        }
        .await;
        session.close().await.map_err(broken)?;
        let (plan, report) = done.map_err(broken)?;
        super::hold!(report.is_complete(), "not done: {:?} {:?}", report.failed, report.in_progress);
        Ok(Applied { plan, calls: self.mutations() })
    }

    /// The calls that change something since the log was emptied.
    pub(super) fn mutations(&self) -> Vec<String> {
        let calls = self.emulator.calls().into_iter().filter(|call| call.mutating);
        calls.map(|call| call.operation).collect()
    }

    /// What is recorded of the subject.
    pub(super) async fn recorded(&self) -> Result<Object, Broken> {
        let state = self.engine.state().await.map_err(|error| error.to_string())?;
        state.current(self.subject.address()).cloned().ok_or_else(|| "nothing is recorded of it".to_owned())
    }

    /// Properties where every reference is known.
    pub(super) async fn resolved(&self, properties: &Value) -> Result<Value, Broken> {
        let state = self.engine.state().await.map_err(|error| error.to_string())?;
        Ok(state.resolve(properties))
    }

    /// Every object that somebody made: kinds and ids.
    pub(super) async fn objects(&self) -> Vec<(String, String)> {
        let objects = self.emulator.objects().await.unwrap_or_else(|error| panic!("{error}"));
        let made = objects.into_iter().filter(|object| !object.made_by_default);
        made.map(|object| (object.kind, object.id)).collect()
    }

    /// Without those that are known to stay once they are deleted.
    pub(super) fn that_go(&self, objects: &[(String, String)]) -> Vec<(String, String)> {
        let stays = |kind: &str| self.subject.entry.remaining.contains(kind);
        objects.iter().filter(|(kind, _)| !stays(kind)).cloned().collect()
    }

    /// Of each kind as many objects as there were, where one was deleted in between.
    pub(super) async fn as_many_go_as(&self, saved: &Saved) -> Result<(), Broken> {
        let (now, then) = (self.that_go(&self.objects().await), self.that_go(&saved.objects));
        super::hold!(now.len() == then.len(), "not as many objects: {}", difference(&then, &now));
        Ok(())
    }

    /// Of each kind as many objects as there were.
    pub(super) async fn as_many_as(&self, saved: &Saved) -> Result<(), Broken> {
        let kinds = |objects: &[(String, String)]| {
            let mut kinds: Vec<_> = objects.iter().map(|(kind, _)| kind.clone()).collect();
            kinds.sort();
            kinds
        };
        let now = self.objects().await;
        let same = kinds(&now) == kinds(&saved.objects);
        super::hold!(same, "not as many objects: {}", difference(&saved.objects, &now));
        Ok(())
    }

    /// The live object is what is wanted, and so is what is recorded.
    pub(super) async fn reads_as(&self, properties: &Value) -> Result<(), Broken> {
        let wanted = self.resolved(properties).await?;
        let recorded = self.recorded().await?;
        super::hold!(recorded.properties == wanted, "recorded: {}\nwanted: {wanted}", recorded.properties);
        let live = self.live(&recorded).await?.ok_or("there is no object")?;
        let wanted = self.kind().marked(&self.address(), &wanted);
        super::hold!(live == wanted, "read: {live}\nwanted: {wanted}");
        Ok(())
    }

    pub(super) async fn live(&self, recorded: &Object) -> Result<Option<Value>, Broken> {
        let read = self.kind().read(&recorded.properties, &recorded.outputs).await;
        read.map_err(|error| format!("read: {error}"))
    }

    /// There is nothing to do.
    pub(super) async fn is_done(&self, properties: &Value) -> Result<(), Broken> {
        let plan = self.plan(Some(properties)).await?;
        super::hold!(plan.is_empty(), "there is something to do: {}", text(&plan));
        Ok(())
    }

    /// What a plan does with the subject, where it does nothing with anything else.
    pub(super) fn only_step<'a>(&self, plan: &'a Plan) -> Result<&'a Step, Broken> {
        let others = plan.steps().iter().filter(|step| step.address.as_str() != self.subject.address());
        super::hold!(others.into_iter().all(|step| !step.is_change()), "it changes others: {}", text(plan));
        plan.step(self.subject.address()).ok_or_else(|| "it is not in the plan".to_owned())
    }
}

/// What objects are there now and were not, and the other way round.
pub(super) fn difference(before: &[(String, String)], now: &[(String, String)]) -> String {
    let without = |all: &[(String, String)], these: &[(String, String)]| -> Vec<String> {
        let missing = all.iter().filter(|one| !these.contains(one));
        missing.map(|(kind, id)| format!("{kind} {id}")).collect()
    };
    format!("new {:?}, gone {:?}", without(now, before), without(before, now))
}

/// What a plan would do.
pub(super) fn text(plan: &Plan) -> String {
    let changing = plan.steps().iter().filter(|step| step.is_change());
    let lines = changing.map(|step| {
        let changes: Vec<_> = step
            .changes
            .iter()
            .map(|change| format!("{} {:?} → {:?}", change.path, change.before, change.after))
            .collect();
        let action = match &step.action {
            Action::Replace { because, .. } => format!("Replace {:?}", because.iter().collect::<Vec<_>>()),
            action => format!("{action:?}"),
        };
        format!("{}: {action} {:?} {changes:?}", step.address, step.note)
    });
    lines.collect::<Vec<_>>().join("; ")
}
