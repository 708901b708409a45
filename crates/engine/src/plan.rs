//! What would be done, and why. Pure: declared properties against what is known, no calls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::address::Address;
use crate::diff::{PropertyChange, diff, managed};
use crate::error::CallError;
use crate::event::Seq;
use crate::graph::Graph;
use crate::plan_error::PlanError;
use crate::provider::{Kind, Provider};
use crate::references;
use crate::removal::{Guarded, Guards, Removal, lowered_by, removal_of};
use crate::resource::Change;
use crate::schedule::{self, Schedule};
use crate::scope::Declaration;
use crate::state::{Object, Phase, State};
use crate::step::{Action, Existing, Note, Reasons, ReplaceOrder, Step, Subject, Wanted};

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
pub(crate) type Readings = HashMap<Seq, Reading>;

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
        let kind = self.kind(&declaration.address, &declaration.kind)?;
        let wanted = Wanted { node, desired: self.resolve(node)? };
        let (address, kind_name) = (declaration.address.clone(), declaration.kind.clone());
        let step = match self.state.current(address.as_str()) {
            None => Step::new(address, kind_name, Action::Create, Subject::Declared(wanted)),
            Some(object) if self.is_missing(object) => {
                let existing = existing(object, object.properties.clone());
                let subject = Subject::Both(existing, wanted);
                Step { note: Some(Note::Missing), ..Step::new(address, kind_name, Action::Create, subject) }
            }
            Some(object) => self.compared(declaration, object, kind, wanted)?,
        };
        self.by_node[node] = self.steps.len();
        self.steps.push(step);
        Ok(())
    }

    fn is_missing(&self, object: &Object) -> bool {
        self.live.get(&object.seq) == Some(&Reading::Missing)
    }

    /// The live properties of an object, as far as they are managed; those that are recorded, where nobody looked.
    fn seen(&self, object: &Object, desired: &Value) -> Value {
        match self.live.get(&object.seq) {
            Some(Reading::Found(live)) => managed(live, &object.properties, desired),
            Some(Reading::Missing | Reading::Denied(_)) | None => object.properties.clone(),
        }
    }

    /// What happens to a resource that has an object.
    fn compared(
        &mut self,
        declaration: &Declaration,
        object: &Object,
        kind: &dyn Kind,
        wanted: Wanted,
    ) -> Result<Step, PlanError> {
        let seen = self.seen(object, &wanted.desired);
        // Properties of two types cannot be compared.
        let changes = match object.kind == declaration.kind {
            true => diff(&seen, &wanted.desired, kind.facts().lists),
            false => Vec::new(),
        };
        let action = action(declaration, object, kind, &changes);
        let removal = match &action {
            Action::Replace { .. } => Some(self.removal(&declaration.address, object, &seen)?),
            _ => None,
        };
        let lowered = match &action {
            Action::Update => lowered_by(&changes, &object.properties, kind.facts()),
            _ => Vec::new(),
        };
        let is_unfinished = matches!(object.phase, Phase::Creating | Phase::Changing);
        Ok(Step {
            address: declaration.address.clone(),
            kind: declaration.kind.clone(),
            action,
            changes,
            note: is_unfinished.then_some(Note::Unfinished),
            record: object.properties != wanted.desired
                || object.protect != declaration.protect
                || object.dependencies != self.graph.refers_to(wanted.node),
            removal,
            lowered,
            subject: Subject::Both(existing(object, seen), wanted),
        })
    }

    /// The declared properties with the outputs that are known and stay what they are.
    fn resolve(&self, node: usize) -> Result<Value, PlanError> {
        let missing = std::cell::RefCell::new(None);
        let declaration = &self.graph.nodes()[node];
        let resolved = references::resolve(&declaration.properties, &|found| {
            let step = &self.steps[self.by_node[self.graph.position(found.address)?]];
            let volatile =
                || self.provider.kind(&step.kind).is_some_and(|kind| kind.volatile().contains(&found.attr));
            let phase = step.existing().map(|existing| existing.phase);
            let stays = match (&step.action, phase) {
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
        let missing = self.is_missing(object);
        let seen = self.seen(object, &Value::Null);
        let removal = match missing {
            true => None,
            false => Some(self.removal(address, object, &seen)?),
        };
        let subject = Subject::Recorded(existing(object, seen));
        self.steps.push(Step {
            note: if missing { Some(Note::Missing) } else { note },
            removal,
            ..Step::new(address.clone(), object.kind.clone(), Action::Delete, subject)
        });
        Ok(())
    }
}

fn existing(object: &Object, seen: Value) -> Existing {
    Existing { seq: object.seq, kind: object.kind.clone(), phase: object.phase, seen }
}

/// What must happen to an object, so that it becomes what is declared.
fn action(declaration: &Declaration, object: &Object, kind: &dyn Kind, changes: &[PropertyChange]) -> Action {
    let mut forcing: Vec<String> = Vec::new();
    if object.kind != declaration.kind {
        forcing.push("Type".to_owned());
    } else if object.phase == Phase::Broken {
        forcing.push("Readiness".to_owned());
    }
    for change in changes {
        let property = change.property();
        if kind.change(property) == Change::Replace && !forcing.iter().any(|known| known == property) {
            forcing.push(property.to_owned());
        }
    }
    match Reasons::new(forcing) {
        Some(because) => Action::Replace { because, order: ReplaceOrder::CreateFirst },
        None if changes.is_empty() => Action::Unchanged,
        None => Action::Update,
    }
}
