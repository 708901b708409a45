//! Objects that carry the program's marks and that nothing recorded stands for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use serde_json::Value;

use crate::calls::repeat;
use crate::encounter::unrecorded;
use crate::engine_error::EngineError;
use crate::error::{CallError, ErrorClass};
use crate::facade::{Engine, unless};
use crate::facts::Tagging;
use crate::graph::Graph;
use crate::provider::Kind;
use crate::references;
use crate::scope::Declaration;
use crate::settle::is_recorded;
use crate::state::{Object, State};

/// So many kinds are asked at once.
const AT_ONCE: usize = 8;

/// An object that carries the program's marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting<O> {
    /// Its outputs.
    pub outputs: O,
    /// The address that it was made for, as it says itself.
    pub address: Option<String>,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made, as the cloud says it.
    pub created: Option<String>,
}

/// An object that nothing recorded stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    /// Its kind.
    pub kind: String,
    /// The address that it was made for, if that is known.
    pub address: Option<String>,
    /// The id that a person would name it by.
    pub id: Option<String>,
    /// Its tags, as far as they were shown.
    pub tags: BTreeMap<String, String>,
    /// When it was made, if the cloud says so.
    pub created: Option<String>,
    /// Whether another object of its kind has the same address: one that is recorded, or another orphan.
    pub is_double: bool,
    /// Whether a run that was interrupted may have made it, so that the next one takes it up.
    pub is_pending: bool,
    /// Whether it is a revision, of which any number may exist beside each other.
    pub is_revision: bool,
}

/// Objects that nothing recorded stands for, and what was not looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Orphans {
    /// By kind and address.
    pub found: Vec<Orphan>,
    /// Kinds of which all objects were listed.
    pub listed: Vec<String>,
    /// Kinds that have marks, but whose objects cannot be listed: only those with names that are declared were looked for.
    pub by_name: Vec<String>,
    /// Kinds that this identity may not look at, with the cloud's answer.
    pub denied: Vec<(String, CallError)>,
}

/// What one kind has.
enum Listed {
    All(Vec<Sighting<Value>>),
    Named(Vec<(Value, Sighting<Value>)>),
    Denied(CallError),
}

impl Engine {
    /// Looks for objects that carry the program's marks and that nothing recorded stands for: of kinds that can be listed all, of
    /// others what has a name or a place that is declared in `graph`. Changes nothing, takes no lock.
    ///
    /// # Errors
    /// Where state or cloud cannot be read. What this identity may not look at is in the result.
    pub async fn orphans(&self, graph: &Arc<Graph>) -> Result<Orphans, EngineError> {
        let state = self.state().await?;
        let declared = graph.nodes().iter().map(|node| node.kind.as_str());
        let recorded = state.objects().map(|(_, object)| object.kind.as_str());
        let kinds: BTreeSet<&str> = declared.chain(recorded).collect();
        let marked =
            |name: &&str| self.provider.kind(name).is_some_and(|kind| kind.facts().tags != Tagging::None);
        let kinds: Vec<&str> = kinds.into_iter().filter(marked).collect();
        let state = &state;
        let looking = stream::iter(kinds)
            .map(|name| async move { Ok((name, self.listed(name, graph, state).await?)) })
            .buffered(AT_ONCE)
            .collect::<Vec<Result<_, EngineError>>>();
        let looked = unless(&self.cancel, async { Ok(looking.await) }).await?;
        let mut orphans = Orphans::default();
        for one in looked {
            let (name, listed) = one?;
            let Some(kind) = self.provider.kind(name) else { continue };
            let name = name.to_owned();
            match listed {
                Listed::Denied(error) => orphans.denied.push((name, error)),
                Listed::All(sightings) => {
                    let unknown = sightings.into_iter().filter(|one| {
                        !is_recorded(state, kind, &name, &one.outputs) && !stands_for(state, kind, one)
                    });
                    let unknown = unknown.map(|one| (Value::Null, one)).collect();
                    orphans.found.extend(told(kind, &name, state, unknown));
                    orphans.listed.push(name);
                }
                Listed::Named(unknown) => {
                    orphans.found.extend(told(kind, &name, state, unknown));
                    orphans.by_name.push(name);
                }
            }
        }
        Ok(orphans)
    }

    async fn listed(&self, name: &str, graph: &Graph, state: &State) -> Result<Listed, EngineError> {
        let Some(kind) = self.provider.kind(name) else { return Ok(Listed::All(Vec::new())) };
        match repeat(name, || kind.ours(), |_| ()).await {
            Ok(Some(all)) => return Ok(Listed::All(all)),
            Ok(None) => {}
            Err(error) if error.class == ErrorClass::Denied => return Ok(Listed::Denied(error)),
            Err(source) => {
                let address =
                    graph.nodes().iter().find(|node| node.kind == name).map(|node| node.address.clone());
                let address = address.or_else(|| state.objects().map(|(address, _)| address.clone()).next());
                return match address {
                    Some(address) => Err(EngineError::Read { address, source }),
                    None => Ok(Listed::Denied(source)),
                };
            }
        }
        let mut found = Vec::new();
        for node in graph.nodes().iter().filter(|node| node.kind == name) {
            match self.named(kind, node, graph, state).await {
                Ok(one) => found.extend(one),
                Err(error) if error.class == ErrorClass::Denied => return Ok(Listed::Denied(error)),
                Err(source) => return Err(EngineError::Read { address: node.address.clone(), source }),
            }
        }
        Ok(Listed::Named(found))
    }

    /// What the next run would find at an address at which nothing is recorded.
    async fn named(
        &self,
        kind: &dyn Kind,
        node: &Declaration,
        graph: &Graph,
        state: &State,
    ) -> Result<Option<(Value, Sighting<Value>)>, CallError> {
        let properties = state.resolve(&node.properties);
        if state.current(node.address.as_str()).is_some() || !references::is_known(&properties) {
            return Ok(None);
        }
        let there = unrecorded(kind, (&node.address, &node.kind), &properties, graph, state).await?;
        let Some((outputs, _)) = there else { return Ok(None) };
        let address = Some(node.address.to_string());
        Ok(Some((properties, Sighting { outputs, address, tags: BTreeMap::new(), created: None })))
    }
}

/// Whether an object is recorded as one of another kind: what the cloud makes by itself, such as the default group of a network, is
/// listed with what is made by calls.
fn stands_for(state: &State, kind: &dyn Kind, one: &Sighting<Value>) -> bool {
    let id = kind.facts().import.of(&Value::Null, &one.outputs).map(Value::from);
    let slot = one.address.as_deref().and_then(|address| state.slot(address));
    let has_id = |object: &Object| {
        object
            .outputs
            .as_object()
            .is_some_and(|outputs| outputs.values().any(|output| Some(output) == id.as_ref()))
    };
    slot.is_some_and(|slot| slot.current.iter().chain(&slot.deposed).any(has_id))
}

/// What is said of the objects of a kind that are not recorded.
fn told(kind: &dyn Kind, name: &str, state: &State, unknown: Vec<(Value, Sighting<Value>)>) -> Vec<Orphan> {
    let count =
        |address: &str| unknown.iter().filter(|(_, one)| one.address.as_deref() == Some(address)).count();
    let mut found: Vec<Orphan> = unknown
        .iter()
        .map(|(properties, Sighting { outputs, address, tags, created })| {
            let slot = address.as_deref().and_then(|address| state.slot(address));
            let is_taken =
                slot.and_then(|slot| slot.current.as_ref()).is_some_and(|object| object.kind == name);
            Orphan {
                kind: name.to_owned(),
                address: address.clone(),
                id: kind.facts().import.of(properties, outputs),
                tags: tags.clone(),
                created: created.clone(),
                is_double: is_taken || address.as_deref().is_some_and(|address| count(address) > 1),
                is_pending: slot.is_some_and(|slot| slot.open_create().is_some()),
                is_revision: kind.is_revision(),
            }
        })
        .collect();
    found.sort_by(|one, other| (&one.address, &one.id).cmp(&(&other.address, &other.id)));
    found
}
