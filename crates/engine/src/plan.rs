//! What would be done, and why. Pure: declared properties against what is known, no calls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::address::Address;
use crate::diff::{PropertyChange, diff};
use crate::error::CallError;
use crate::graph::Graph;
use crate::provider::{Kind, Provider};
use crate::references;
use crate::removal::{Guarded, Guards, Lowered, Removal, lowered_by, removal_of};
use crate::resource::Change;
use crate::schedule::{self, Schedule};
use crate::state::{Object, Phase, State};

/// In which order a replacement happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceOrder {
    /// The new object is created, dependents move over, the old one is deleted.
    CreateFirst,
    /// The old object is deleted first, since both cannot exist at once: they claim the same name or addresses, or
    /// they depend on something that is deleted first.
    DeleteFirst,
}

/// Properties that force a replacement: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasons {
    first: String,
    more: Vec<String>,
}

impl Reasons {
    fn new(properties: Vec<String>) -> Option<Self> {
        let mut properties = properties.into_iter();
        Some(Self { first: properties.next()?, more: properties.collect() })
    }

    /// The names of the properties.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.first.as_str()).chain(self.more.iter().map(String::as_str))
    }
}

/// What happens to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is created anew, and the old object deleted.
    Replace {
        /// The properties that cannot be changed.
        because: Reasons,
        /// Which comes first.
        order: ReplaceOrder,
    },
    /// It is deleted.
    Delete,
    /// Nothing happens in the cloud.
    Unchanged,
}

/// Why a resource appears in a plan, beyond its changed properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its creation, or a change of it, was interrupted, and is brought to an end.
    Unfinished,
    /// The object that is known has disappeared from the cloud.
    Missing,
    /// The object was replaced, but its deletion did not happen yet.
    Deposed,
}

/// One resource in a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What happens.
    pub action: Action,
    /// The properties that differ; empty for a creation and a deletion.
    pub changes: Vec<PropertyChange>,
    /// What else there is to know.
    pub note: Option<Note>,
    /// The properties that are wanted, where what is not known yet is a reference.
    pub desired: Option<Value>,
    /// The object that is there.
    pub(crate) object: Option<u64>,
    /// How far that one has come.
    pub(crate) phase: Option<Phase>,
    /// Its properties as the plan saw them.
    pub(crate) seen: Option<Value>,
    /// Whether what is recorded must be brought up to date though nothing happens in the cloud.
    pub(crate) record: bool,
    /// Position in the graph.
    pub(crate) node: Option<usize>,
    /// What becomes of the object that goes, and of what it holds; `None` where none goes.
    pub(crate) removal: Option<Removal>,
    /// What goes of an object that stays.
    pub(crate) lowered: Vec<Lowered>,
}

impl Step {
    /// What becomes of the object that is deleted or replaced; `None` where none is.
    #[must_use]
    pub fn removal(&self) -> Option<&Removal> {
        self.removal.as_ref()
    }

    /// What an update makes the cloud delete in an object that stays.
    #[must_use]
    pub fn lowered(&self) -> &[Lowered] {
        &self.lowered
    }

    /// The live properties as the plan saw them; `None` where there is no object.
    #[must_use]
    pub fn live(&self) -> Option<&Value> {
        self.seen.as_ref()
    }

    /// Whether applying it calls the cloud in a way that changes something.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.action != Action::Unchanged || self.note == Some(Note::Unfinished)
    }

    /// Whether a new object is created.
    pub(crate) fn creates(&self) -> bool {
        matches!(self.action, Action::Create | Action::Replace { .. })
    }

    pub(crate) fn replaces(&self, order: ReplaceOrder) -> bool {
        matches!(&self.action, Action::Replace { order: own, .. } if *own == order)
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A kind that the provider does not have.
    #[error("{address}: this program does not know the kind {kind}")]
    UnknownKind {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: String,
    },
    /// A resource that must not be deleted or replaced would be.
    #[error("protected, but would be deleted or replaced: {}", resources.iter().map(Guarded::to_string).collect::<Vec<_>>().join(", "))]
    Protected {
        /// The resources.
        resources: Vec<Guarded>,
    },
    /// A part of an object that would be deleted or replaced is used by one that stays.
    #[error("{address} would be deleted or replaced, but {by} uses {part} in it")]
    PartInUse {
        /// The resource that would go.
        address: Address,
        /// The part of it.
        part: String,
        /// What uses it.
        by: Address,
    },
    /// An object stays, with the name that a new one needs.
    #[error("{address} cannot be created: an object that is retained has the name that it needs")]
    NameRetained {
        /// The resource.
        address: Address,
    },
    /// A resource that would be deleted or replaced is needed by one that is outside of what is planned.
    #[error("{address} cannot be deleted: {by} depends on it")]
    StillNeeded {
        /// The resource.
        address: Address,
        /// What depends on it.
        by: Address,
    },
    /// An output that the recorded object does not have.
    #[error("{from} refers to the output {attr} of {address}, which the recorded object does not have")]
    MissingOutput {
        /// The resource with the reference.
        from: Address,
        /// What it refers to.
        address: String,
        /// The output.
        attr: String,
    },
    /// The old and the new order of things contradict each other.
    #[error("there is no order in which these can be changed: {}; change them in two runs", list(addresses))]
    NoOrder {
        /// The resources.
        addresses: Vec<Address>,
    },
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(", ")
}

/// What a look at the cloud found where an object was known.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// It is gone.
    Missing,
    /// It has these properties.
    Found(Value),
    /// This identity may not look at it: the cloud's answer.
    Denied(CallError),
}

/// Live objects by their identity in state. What is not in here was not looked at.
pub(crate) type Readings = HashMap<u64, Reading>;

/// What would be done, in the order of the graph, deletions last.
#[derive(Clone, Debug)]
pub struct Plan {
    steps: Vec<Step>,
    /// The first step of each address.
    by_address: HashMap<Address, usize>,
    pub(crate) tier: Option<String>,
    pub(crate) graph: Arc<Graph>,
    pub(crate) schedule: Schedule,
    /// What must not go, whatever is in it.
    pub(crate) protected: Vec<Guarded>,
}

impl Plan {
    /// Every resource, unchanged ones included.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn steps_mut(&mut self) -> &mut [Step] {
        &mut self.steps
    }

    /// The step of a resource that is declared, or deleted.
    #[must_use]
    pub fn step(&self, address: &str) -> Option<&Step> {
        self.by_address.get(address).map(|&position| &self.steps[position])
    }

    /// Whether there is nothing to do in the cloud.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.steps.iter().any(Step::is_change)
    }
}

/// Compares what is declared with what is known.
///
/// With `tier`, only what is recorded under this first segment may be deleted; the rest of the state is left alone.
///
/// # Errors
/// [`PlanError`], before any call.
pub(crate) fn plan(
    graph: Arc<Graph>,
    state: &State,
    live: &Readings,
    provider: &dyn Provider,
    tier: Option<&str>,
) -> Result<Plan, PlanError> {
    let mut planner = Planner {
        graph: &graph,
        state,
        live,
        provider,
        steps: Vec::with_capacity(graph.nodes().len()),
        by_node: vec![usize::MAX; graph.nodes().len()],
        protected: Vec::new(),
    };
    for &node in graph.order() {
        planner.declared(node)?;
    }
    planner.left_over(tier)?;
    let Planner { mut steps, by_node, protected, .. } = planner;
    let schedule = schedule::build(&mut steps, &by_node, &graph, state, provider)?;
    let mut by_address = HashMap::with_capacity(steps.len());
    for (position, step) in steps.iter().enumerate() {
        by_address.entry(step.address.clone()).or_insert(position);
    }
    Ok(Plan { steps, by_address, tier: tier.map(str::to_owned), graph, schedule, protected })
}

struct Planner<'a> {
    graph: &'a Graph,
    state: &'a State,
    live: &'a Readings,
    provider: &'a dyn Provider,
    steps: Vec<Step>,
    by_node: Vec<usize>,
    protected: Vec<Guarded>,
}

impl<'a> Planner<'a> {
    fn kind(&self, address: &Address, kind: &str) -> Result<&'a dyn Kind, PlanError> {
        let unknown = || PlanError::UnknownKind { address: address.clone(), kind: kind.to_owned() };
        self.provider.kind(kind).ok_or_else(unknown)
    }

    fn declared(&mut self, node: usize) -> Result<(), PlanError> {
        let declaration = &self.graph.nodes()[node];
        let address = &declaration.address;
        let kind = self.kind(address, &declaration.kind)?;
        let desired = self.resolve(node)?;
        let mut step = Step {
            address: address.clone(),
            kind: declaration.kind.clone(),
            action: Action::Create,
            changes: Vec::new(),
            note: None,
            desired: None,
            object: None,
            phase: None,
            seen: None,
            record: false,
            node: Some(node),
            removal: None,
            lowered: Vec::new(),
        };
        if let Some(object) = self.state.current(address.as_str()) {
            step.object = Some(object.seq);
            step.phase = Some(object.phase);
            if self.live.get(&object.seq) == Some(&Reading::Missing) {
                step.note = Some(Note::Missing);
            } else {
                self.compare(&mut step, object, kind, &desired);
                step.record = object.properties != desired
                    || object.protect != declaration.protect
                    || object.dependencies != self.graph.refers_to(node);
                if step.action == Action::Update {
                    step.lowered = lowered_by(&step.changes, &object.properties, kind.facts());
                }
                if let (Action::Replace { .. }, Some(seen)) = (&step.action, &step.seen) {
                    step.removal = Some(self.removal(address, object, seen)?);
                }
            }
        }
        step.desired = Some(desired);
        self.by_node[node] = self.steps.len();
        self.steps.push(step);
        Ok(())
    }

    fn compare(&self, step: &mut Step, object: &Object, kind: &dyn Kind, desired: &Value) {
        if matches!(object.phase, Phase::Creating | Phase::Changing) {
            step.note = Some(Note::Unfinished);
        }
        let seen = match self.live.get(&object.seq) {
            Some(Reading::Found(live)) => managed(live, &object.properties, desired),
            _ => object.properties.clone(),
        };
        if object.kind != step.kind {
            step.action = Action::Replace {
                because: Reasons { first: "Type".to_owned(), more: Vec::new() },
                order: ReplaceOrder::CreateFirst,
            };
            step.seen = Some(seen);
            return;
        }
        step.changes = diff(&seen, desired, kind.facts().lists);
        step.seen = Some(seen);
        let mut forcing: Vec<String> = Vec::new();
        if object.phase == Phase::Broken {
            forcing.push("Readiness".to_owned());
        }
        for change in &step.changes {
            let property = change.property();
            if kind.change(property) == Change::Replace && !forcing.iter().any(|known| known == property) {
                forcing.push(property.to_owned());
            }
        }
        step.action = match Reasons::new(forcing) {
            Some(because) => Action::Replace { because, order: ReplaceOrder::CreateFirst },
            None if step.changes.is_empty() => Action::Unchanged,
            None => Action::Update,
        };
    }

    /// The declared properties with the outputs that are known and stay what they are.
    fn resolve(&self, node: usize) -> Result<Value, PlanError> {
        let missing = std::cell::RefCell::new(None);
        let declaration = &self.graph.nodes()[node];
        let resolved = references::resolve(&declaration.properties, &|found| {
            let step = &self.steps[self.by_node[self.graph.position(found.address)?]];
            let volatile =
                || self.provider.kind(&step.kind).is_some_and(|kind| kind.volatile().contains(&found.attr));
            let stays = match (&step.action, step.phase) {
                // Until it is ready, only what its creation gave is known.
                (Action::Unchanged | Action::Update, Some(Phase::Creating)) => found.early && !volatile(),
                (Action::Unchanged, Some(Phase::Ready)) => true,
                (Action::Unchanged | Action::Update, _) => !volatile(),
                (Action::Create | Action::Replace { .. } | Action::Delete, _) => false,
            };
            if !stays {
                return None;
            }
            let value = self.state.output(found.address, found.attr).cloned();
            if value.is_none() {
                *missing.borrow_mut() = Some((found.address.to_owned(), found.attr.to_owned()));
            }
            value
        });
        match missing.into_inner() {
            Some((address, attr)) => {
                Err(PlanError::MissingOutput { from: declaration.address.clone(), address, attr })
            }
            None => Ok(resolved),
        }
    }

    /// Everything in state that is not declared any more, and what was replaced but not deleted yet.
    fn left_over(&mut self, tier: Option<&str>) -> Result<(), PlanError> {
        let in_scope = |address: &Address| tier.is_none_or(|tier| address.tier() == tier);
        let replaced = |step: &&Step| matches!(step.action, Action::Replace { .. });
        let mut deleted: HashSet<Address> =
            self.steps.iter().filter(replaced).map(|step| step.address.clone()).collect();
        for (address, slot) in self.state.slots().filter(|(address, _)| in_scope(address)) {
            let dropped = slot.current.iter().filter(|_| self.graph.position(address.as_str()).is_none());
            for object in dropped {
                deleted.insert(address.clone());
                self.delete(address, object, None)?;
            }
            for object in &slot.deposed {
                self.delete(address, object, Some(Note::Deposed))?;
            }
        }
        let outside =
            |address: &Address| !in_scope(address) && self.graph.position(address.as_str()).is_none();
        for (by, object) in self.state.objects().filter(|(address, _)| outside(address)) {
            if let Some(needed) = object.dependencies.iter().find(|needed| deleted.contains(*needed)) {
                return Err(PlanError::StillNeeded { address: needed.clone(), by: by.clone() });
            }
        }
        Ok(())
    }

    fn removal(&mut self, address: &Address, object: &Object, live: &Value) -> Result<Removal, PlanError> {
        let facts = self.kind(address, &object.kind)?.facts();
        let declared = Guards {
            declared: self.graph.guard(address.as_str()),
            of_kind: self.graph.kind_guard(address, &object.kind),
        };
        let (removal, guarded) = removal_of(address, object, live, facts, declared);
        self.protected.extend(guarded);
        Ok(removal)
    }

    fn delete(&mut self, address: &Address, object: &Object, note: Option<Note>) -> Result<(), PlanError> {
        self.kind(address, &object.kind)?;
        let missing = self.live.get(&object.seq) == Some(&Reading::Missing);
        let seen = match self.live.get(&object.seq) {
            Some(Reading::Found(live)) => managed(live, &object.properties, &Value::Null),
            _ => object.properties.clone(),
        };
        let removal = match missing {
            true => None,
            false => Some(self.removal(address, object, &seen)?),
        };
        self.steps.push(Step {
            address: address.clone(),
            kind: object.kind.clone(),
            action: Action::Delete,
            changes: Vec::new(),
            note: if missing { Some(Note::Missing) } else { note },
            desired: None,
            object: Some(object.seq),
            phase: Some(object.phase),
            seen: Some(seen),
            record: false,
            node: None,
            removal,
            lowered: Vec::new(),
        });
        Ok(())
    }
}

/// The live properties that are managed: those that were sent, and those that are declared now. What the cloud fills in
/// by itself is not compared.
pub(crate) fn managed(live: &Value, recorded: &Value, desired: &Value) -> Value {
    let Value::Object(live) = live else { return live.clone() };
    let kept = |name: &&String| recorded.get(name.as_str()).is_some() || desired.get(name.as_str()).is_some();
    let properties: Map<String, Value> =
        live.keys().filter(kept).map(|name| (name.clone(), live[name].clone())).collect();
    Value::Object(properties)
}
