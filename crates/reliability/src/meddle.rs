//! What somebody else does in the account behind our back, with the calls that our own kinds of resources make.

use std::time::Duration;

use apigw::resources::Account;
use aws::Registry;
use aws::resources::ServiceLinkedRole;
use emulator::Emulator;
use engine::{
    Address, CallError, Graph, Intent, Kind, Provider as _, Readiness, Resource as _, Search, Settle, State,
};
use serde_json::Value;

use crate::scenario::{Scenario, Stage};
use crate::world::{World, registry};

/// The project of whoever else makes objects in the account.
pub(crate) const SOMEBODY: &str = "somebody";
/// Our own project.
pub(crate) const OURS: &str = "payment";

/// What somebody else does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meddling {
    /// It is deleted.
    Delete,
    /// Some of its properties are changed.
    Change,
    /// An object of the name that we want is made, with tags that say that it is not ours.
    Create,
}

impl Meddling {
    /// All of them.
    pub const ALL: [Meddling; 3] = [Meddling::Delete, Meddling::Change, Meddling::Create];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Meddling::Delete => "delete",
            Meddling::Change => "change",
            Meddling::Create => "create",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meddling| meddling.name() == name)
    }
}

/// What of a stage somebody else could meddle with.
#[derive(Debug)]
pub(crate) struct Targets {
    /// How many objects are there before it.
    objects: usize,
    /// Addresses and properties of what it changes in place.
    changes: Vec<(Address, Value)>,
    /// Positions in the graph of what it creates under a name of its own and needs nothing else for.
    names: Vec<usize>,
}

impl Targets {
    pub(crate) fn of(scenario: Scenario, wanted: &Graph, was: &State, is: &State) -> Self {
        let changed = is.objects().filter(|(address, object)| {
            was.current(address.as_str())
                .is_some_and(|old| old.seq == object.seq && old.properties != object.properties)
        });
        let changes = changed.map(|(address, object)| (address.clone(), object.properties.clone())).collect();
        // Only kinds are asked here, and no call is made.
        let registry = registry(&Emulator::in_memory(), OURS);
        let nodes = wanted.nodes().iter().enumerate().filter(|_| scenario == Scenario::Up);
        let named = nodes.filter(|(_, node)| {
            let text = node.properties.to_string();
            let known = !text.contains("\"$ref\"") && !text.contains("\"$join\"");
            // The settings of API Gateway and the roles of services are there for all, so that nobody can be in the way.
            let shared = node.kind == Account::KIND || node.kind == ServiceLinkedRole::KIND;
            known && !shared && registry.kind(&node.kind).is_some_and(|kind| kind.settle() == Settle::Key)
        });
        let names = named.map(|(position, _)| position).collect();
        Self { objects: was.objects().count(), changes, names }
    }

    /// To how many objects somebody can do this before the stage.
    pub(crate) fn count(&self, meddling: Meddling) -> u64 {
        let count = match meddling {
            Meddling::Delete => self.objects,
            Meddling::Change => self.changes.len(),
            Meddling::Create => self.names.len(),
        };
        count as u64
    }
}

/// Does something to an object while a process is between plan and apply. What was done, or `None` where AWS refuses it.
pub(crate) async fn with(
    emulator: &Emulator,
    stage: &Stage,
    number: u64,
    meddling: Meddling,
) -> Option<String> {
    let registry = registry(emulator, OURS);
    act(&registry, stage, &stage.was.state, number, meddling).await
}

/// The same while no process runs.
pub(crate) fn alone(world: &mut World, stage: &Stage, number: u64, meddling: Meddling) -> Option<String> {
    let known = world.look().ok()?.state;
    world.meddle(OURS, async |registry| act(registry, stage, &known, number, meddling).await)
}

async fn act(
    registry: &Registry,
    stage: &Stage,
    known: &State,
    number: u64,
    meddling: Meddling,
) -> Option<String> {
    match meddling {
        Meddling::Delete => {
            // What is left out stays as somebody left it.
            let objects = || known.objects().filter(|(address, _)| !stage.leaves_out(address));
            let count = objects().count().max(1);
            let (address, object) = objects().nth(usize::try_from(number).ok()? % count)?;
            let kind = registry.kind(&object.kind)?;
            delete(kind, &object.properties, &object.outputs).await.ok()?;
            Some(format!("somebody deleted {address}"))
        }
        Meddling::Change => {
            let changes = &stage.targets.changes;
            let (address, wanted) = changes.get(usize::try_from(number).ok()? % changes.len().max(1))?;
            let object = known.current(address.as_str())?;
            let kind = registry.kind(&object.kind)?;
            let live = kind.read(&object.properties, &object.outputs).await.ok()??;
            let names: Vec<String> = engine::diff(&object.properties, wanted, kind.facts().lists)
                .iter()
                .map(|change| change.property().to_owned())
                .collect();
            kind.update(wanted, &object.outputs, &live, names.clone()).await.ok()?;
            Some(format!("somebody changed {} of {address}", names.join(", ")))
        }
        Meddling::Create => None,
    }
}

async fn delete(kind: &dyn Kind, properties: &Value, outputs: &Value) -> Result<(), CallError> {
    patiently(|| kind.delete(properties, outputs)).await?;
    while !patiently(|| kind.poll_gone(properties, outputs)).await? {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    Ok(())
}

/// Sends a call again while AWS finds it too frequent.
async fn patiently<T, F: Future<Output = Result<T, CallError>>>(
    call: impl Fn() -> F,
) -> Result<T, CallError> {
    let mut left = 10;
    loop {
        match call().await {
            Err(error) if error.class.is_transient() && left > 0 => left -= 1,
            Err(error) if error.class == engine::ErrorClass::NotFound && left > 7 => left -= 1,
            answer => return answer,
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// What somebody else made.
#[derive(Debug)]
pub(crate) struct Theirs {
    pub(crate) address: Address,
    kind: String,
    properties: Value,
    outputs: Value,
    live: Value,
}

/// Makes what the stage wants, under another's name, while a process is between plan and apply.
pub(crate) async fn foreign(emulator: &Emulator, stage: &Stage, number: u64) -> Option<Theirs> {
    create(&registry(emulator, SOMEBODY), stage, number, None).await
}

/// The same with given clients. Nothing where `known` has the object already, or may have.
pub(crate) async fn create(
    registry: &Registry,
    stage: &Stage,
    number: u64,
    known: Option<&State>,
) -> Option<Theirs> {
    let names = &stage.targets.names;
    let node = &stage.wanted.nodes()[*names.get(usize::try_from(number).ok()? % names.len().max(1))?];
    if known.is_some_and(|known| known.slot(node.address.as_str()).is_some()) {
        return None;
    }
    let kind = registry.kind(&node.kind)?;
    let intent = Intent { address: node.address.clone(), token: format!("{:032x}", number + 1) };
    let mut outputs = patiently(|| kind.create(&node.properties, &intent)).await.ok()?;
    for _ in 0..600 {
        match patiently(|| kind.poll_ready(&outputs)).await.ok()? {
            Readiness::Ready(ready) => {
                outputs = ready;
                break;
            }
            Readiness::Failed(_) => return None,
            Readiness::Pending(_) => tokio::time::sleep(Duration::from_secs(5)).await,
        }
    }
    patiently(|| kind.configure(&node.properties, &outputs)).await.ok()?;
    let live = patiently(|| kind.read(&node.properties, &outputs)).await.ok()??;
    let (address, properties) = (node.address.clone(), node.properties.clone());
    Some(Theirs { address, kind: node.kind.clone(), properties, outputs, live })
}

impl Theirs {
    /// Whether it is there as it was made.
    pub(crate) async fn is_there(&self, registry: &Registry) -> Result<bool, String> {
        let kind = registry.kind(&self.kind).ok_or("no such kind")?;
        let live = patiently(|| kind.read(&self.properties, &self.outputs)).await;
        let live = live.map_err(|error| error.to_string())?;
        let search = Search::made_for(self.address.clone());
        let found = patiently(|| kind.find(&self.properties, &search)).await;
        // Found as theirs, so the tags are theirs too.
        let found = found.map_err(|error| error.to_string())?.is_some();
        Ok(found && live.as_ref() == Some(&self.live))
    }

    /// Whoever made it deletes it.
    pub(crate) async fn remove(&self, registry: &Registry) -> Result<(), String> {
        let kind = registry.kind(&self.kind).ok_or("no such kind")?;
        delete(kind, &self.properties, &self.outputs).await.map_err(|error| error.to_string())
    }
}

/// Makes what is there into what a graph says, object by object, with no record of it: what somebody does by hand. Nothing is
/// created.
pub(crate) fn become_like(world: &mut World, wanted: &Graph) -> Result<(), String> {
    let known = world.look()?.state;
    world.meddle(OURS, async |registry| {
        for (address, object) in known.objects() {
            let kind = registry.kind(&object.kind).ok_or("it is not known")?;
            let Some(node) = wanted.get(address.as_str()) else {
                let deleted = kind.delete(&object.properties, &object.outputs).await;
                deleted.map_err(|error| format!("{address}: {error}"))?;
                continue;
            };
            let desired = known.resolve(&node.properties);
            let mut changed: Vec<String> = engine::diff(&object.properties, &desired, node.facts.lists)
                .iter()
                .map(|change| change.property().to_owned())
                .collect();
            changed.dedup();
            if !changed.is_empty() {
                let updated = kind.update(&desired, &object.outputs, &object.properties, changed).await;
                updated.map_err(|error| format!("{address}: {error}"))?;
            }
        }
        Ok::<(), String>(())
    })?;
    // What takes its time.
    world.wait(Duration::from_secs(3600));
    Ok(())
}
