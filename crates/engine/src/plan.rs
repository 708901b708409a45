//! What would be done, and why. Pure: declared properties against what is known, no calls.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::address::Address;
use crate::choice::Narrowed;
use crate::diff::{PropertyChange, accept, diff, managed};
use crate::error::CallError;
use crate::event::{Event, Seq};
use crate::facts::{CreateOnly, Facts};
use crate::foresight::Accepted;
use crate::graph::{Graph, Moved};
use crate::ignored::with_recorded;
use crate::outside::{Outside, outside};
use crate::plan_error::PlanError;
use crate::provider::{Kind, Provider};
use crate::references::{self, Found};
use crate::referrers::holds_replaced;
use crate::removal::{Guarded, Guards, Removal, lowered_by, name_of, removal_of};
use crate::resource::Change;
use crate::schedule::{self, Schedule};
use crate::scope::Declaration;
use crate::selector::Selection;
use crate::state::{Object, Phase, State};
use crate::step::{Action, Existing, Note, Reasons, ReplaceOrder, Step, Subject, Wanted};

mod outputs;

/// What a look at the cloud found where an object was known.
///
/// Exhaustive on purpose: whoever judges what is live must not take one for another.
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

/// What a plan is made from, beside what is declared.
#[derive(Clone, Copy)]
pub(crate) struct Grounds<'a> {
    pub(crate) state: &'a State,
    pub(crate) live: &'a Readings,
    pub(crate) provider: &'a dyn Provider,
    /// What is replaced because somebody asks for it.
    pub(crate) forced: &'a BTreeSet<Address>,
    /// Whether there must be an order in which it can be done. Not where somebody only wants to know what changes.
    pub(crate) in_order: bool,
}

/// What would be done, in the order of the graph, deletions last.
#[derive(Clone, Debug)]
pub struct Plan {
    steps: Vec<Step>,
    /// The first step of each address.
    by_address: HashMap<Address, usize>,
    pub(crate) selection: Selection,
    pub(crate) graph: Arc<Graph>,
    pub(crate) schedule: Schedule,
    /// What must not go, whatever is in it.
    pub(crate) protected: Vec<Guarded>,
    /// Replaced objects that are what is declared now, and are taken back before anything else happens.
    pub(crate) restored: Vec<(Address, Seq)>,
    /// What is at another address from now on.
    pub(crate) moved: Vec<Moved>,
    /// What was recorded when it was made.
    pub(crate) state: Arc<State>,
    /// What was asked for, what came along and what was left out.
    pub(crate) narrowed: Narrowed,
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

    /// Whether a property of a step's resource is this program's own: the cloud is not told of it, or has another name for it.
    #[must_use]
    pub fn is_own_property(&self, step: &Step, property: &str) -> bool {
        let declared = self.graph.get(step.address.as_str());
        declared.is_some_and(|declared| declared.facts.template.own_properties.contains(&property))
    }

    /// What is known of the kind of a declared resource.
    #[must_use]
    pub fn facts(&self, address: &str) -> Option<&Facts> {
        Some(self.graph.get(address)?.facts)
    }

    /// The value with every name that the declaration itself chooses, though its object is not there yet. It is for people: what
    /// is sent is what the object's creation answers.
    #[must_use]
    pub fn with_chosen_names(&self, value: &Value) -> Value {
        references::resolve(value, &|found| self.chosen_name(found))
    }

    fn chosen_name(&self, found: Found<'_>) -> Option<Value> {
        let property = self.facts(found.address)?.name.property().filter(|name| *name == found.attr)?;
        let name = self.step(found.address)?.desired()?.get(property)?;
        name.is_string().then(|| name.clone())
    }

    /// What the plan is about. Everything else is left as it is.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What is recorded under a former address and is taken to be at the present one. Applying the plan records that, whatever else
    /// there is to do.
    #[must_use]
    pub fn moved(&self) -> &[Moved] {
        &self.moved
    }

    /// Whether there is nothing to do in the cloud.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.steps.iter().any(Step::is_change)
    }
}

/// The state with everything at the address at which it is declared now, and what had to be moved for that.
pub(crate) fn relocated(graph: &Graph, mut state: State) -> (State, Vec<Moved>) {
    let moved = graph.moves(&state);
    for Moved { from, to } in &moved {
        let event = Event::Moved { address: from.clone(), to: to.clone() };
        state.fold(&event).expect("only what is recorded is moved, and only to where nothing is");
    }
    (state, moved)
}

/// Compares what is declared with what is known. The state is one that was [`relocated`].
///
/// Where an object was replaced and is still there, and it is what is declared now, it is taken back rather than made a third
/// time. Whether it is what is declared may depend on others that are taken back, so the plan is made again until none is.
///
/// What is not selected is left as it is: neither created, changed nor deleted. References to it are its recorded outputs.
///
/// # Errors
/// [`PlanError`], before any call.
pub(crate) fn plan(
    graph: Arc<Graph>,
    grounds: Grounds<'_>,
    selection: &Selection,
) -> Result<Plan, PlanError> {
    let mut state = Cow::Borrowed(grounds.state);
    let mut restored: Vec<(Address, Seq)> = Vec::new();
    loop {
        let now = Grounds { state: &state, ..grounds };
        let mut plan = plan_once(&graph, now, selection)?;
        let back = taken_back(&plan, now);
        if back.is_empty() {
            for (address, _) in &restored {
                if let Some(&position) = plan.by_address.get(address) {
                    plan.steps[position].note.get_or_insert(Note::TakenBack);
                    plan.steps[position].record = true;
                }
            }
            return Ok(Plan { restored, ..plan });
        }
        for (address, object) in back {
            let event = Event::Restored { address: address.clone(), object };
            state.to_mut().fold(&event).expect("the object is a replaced one of this address");
            restored.push((address, object));
        }
    }
}

/// The replaced objects that fit what is declared, where the plan would make another one.
fn taken_back(plan: &Plan, grounds: Grounds<'_>) -> Vec<(Address, Seq)> {
    let Grounds { state, live, provider, forced, .. } = grounds;
    let fits = |step: &Step, object: &Object| {
        let Some(kind) = provider.kind(&step.kind).filter(|_| object.kind == step.kind) else { return false };
        // A revision, of which nothing can be changed, is made anew as easily; and to what refers to it, going back to one that
        // it had before a failed change would be no change, so that it would stay as that left it.
        if matches!(kind.facts().create_only, CreateOnly::Everything | CreateOnly::AllBut(_)) {
            return false;
        }
        let (Some(Reading::Found(found)), Some(desired)) = (live.get(&object.seq), step.desired()) else {
            return false;
        };
        let desired = &kind.marked(object.marked_with(&step.address), desired);
        let found = managed(found, &object.properties, desired, kind.closed());
        let (taken, _) = accept(kind, &found, desired, plan.graph.ignores().of(&step.address));
        let changes = diff(&taken, desired, kind.facts().lists);
        let stays = changes.iter().all(|change| kind.change(change.property()) != Change::Replace);
        stays && !object.removing && matches!(object.phase, Phase::Ready | Phase::Changing)
    };
    let made_anew = |step: &&Step| step.creates() && !forced.contains(&step.address);
    let candidates = plan.steps.iter().filter(made_anew).filter_map(|step| {
        let replaced = &state.slot(step.address.as_str())?.deposed;
        // The latest of them.
        let object = replaced.iter().rev().find(|object| fits(step, object))?;
        Some((step.address.clone(), object.seq))
    });
    candidates.collect()
}

fn plan_once(graph: &Arc<Graph>, grounds: Grounds<'_>, selection: &Selection) -> Result<Plan, PlanError> {
    let Grounds { state, live, provider, forced, in_order } = grounds;
    let mut planner = Planner {
        graph,
        state,
        live,
        provider,
        forced,
        selection,
        steps: Vec::with_capacity(graph.nodes().len()),
        by_node: vec![None; graph.nodes().len()],
        protected: Vec::new(),
        by_missing: HashMap::new(),
    };
    for &node in graph.order() {
        if selection.contains(graph.nodes()[node].address.as_str()) {
            planner.declared(node)?;
        }
    }
    planner.left_over()?;
    let Planner { mut steps, by_node, protected, .. } = planner;
    let schedule = match schedule::build(&mut steps, &by_node, graph, state, provider) {
        Err(PlanError::NoOrder { .. }) if !in_order => Schedule::default(),
        schedule => schedule?,
    };
    let mut by_address = HashMap::with_capacity(steps.len());
    for (position, step) in steps.iter().enumerate() {
        by_address.entry(step.address.clone()).or_insert(position);
    }
    let (graph, selection) = (Arc::clone(graph), selection.clone());
    Ok(Plan {
        steps,
        by_address,
        selection,
        graph,
        schedule,
        protected,
        restored: Vec::new(),
        moved: Vec::new(),
        state: Arc::default(),
        narrowed: Narrowed::default(),
    })
}

struct Planner<'a> {
    graph: &'a Graph,
    state: &'a State,
    live: &'a Readings,
    provider: &'a dyn Provider,
    forced: &'a BTreeSet<Address>,
    selection: &'a Selection,
    steps: Vec<Step>,
    /// The step of each node that is selected.
    by_node: Vec<Option<usize>>,
    protected: Vec<Guarded>,
    /// What is made anew only because something has disappeared, and what that is.
    by_missing: HashMap<Address, Address>,
}

/// How a live object differs from what is wanted: see [`Step`].
#[derive(Default)]
struct Compared {
    changes: Vec<PropertyChange>,
    accepted: Vec<Accepted>,
    outside: Vec<Outside>,
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
                self.by_missing.insert(address.clone(), address.clone());
                let existing = existing(object, object.properties.clone());
                let subject = Subject::Both(existing, wanted);
                Step { note: Some(Note::Missing), ..Step::new(address, kind_name, Action::Create, subject) }
            }
            Some(object) => self.compared(declaration, object, kind, wanted)?,
        };
        self.by_node[node] = Some(self.steps.len());
        self.steps.push(step);
        Ok(())
    }

    fn is_missing(&self, object: &Object) -> bool {
        self.live.get(&object.seq) == Some(&Reading::Missing)
    }

    /// The live properties of an object, as far as they are managed; those that are recorded, where nobody looked.
    fn seen(&self, object: &Object, desired: &Value) -> Value {
        match self.live.get(&object.seq) {
            Some(Reading::Found(live)) => {
                let closed = self.provider.kind(&object.kind).map_or([].as_slice(), Kind::closed);
                managed(live, &object.properties, desired, closed)
            }
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
        let graph = self.graph;
        let ignored = graph.ignores().of(&declaration.address);
        let compare = |ignored: &[String]| {
            self.differences(&declaration.address, object, kind, &seen, &wanted.desired, ignored)
        };
        // Properties of two types cannot be compared.
        let is_same_kind = object.kind == declaration.kind;
        let mut compared = if is_same_kind { compare(ignored) } else { Compared::default() };
        let forced = self.forced.contains(&declaration.address);
        let action = action(declaration, object, kind, &compared.changes, forced);
        // A new object gets what is declared, whatever was ignored of the old one.
        if is_same_kind && !ignored.is_empty() && matches!(action, Action::Replace { .. }) {
            compared = compare(&[]);
        }
        let Compared { changes, accepted, outside } = compared;
        let removal = match &action {
            Action::Replace { .. } => Some(self.removal(&declaration.address, object, &seen)?),
            _ => None,
        };
        let lowered = match &action {
            Action::Update => lowered_by(&changes, &object.properties, kind.facts()),
            _ => Vec::new(),
        };
        let is_unfinished = object.is_unfinished();
        // On its way from what it was to what was sent, it differs from what is recorded without anybody else.
        let (outside, pending) = match is_unfinished {
            true => (Vec::new(), outside.into_iter().filter(|it| it.puts_back).map(|it| it.path).collect()),
            false => (outside, Vec::new()),
        };
        let missing = match &action {
            Action::Replace { because, .. } => self.missing_behind(because, &wanted.desired),
            _ => None,
        };
        if let Some(missing) = &missing {
            self.by_missing.insert(declaration.address.clone(), missing.clone());
        }
        Ok(Step {
            address: declaration.address.clone(),
            kind: declaration.kind.clone(),
            action,
            changes,
            note: is_unfinished.then_some(Note::Unfinished),
            record: object.properties != with_recorded(&wanted.desired, &object.properties, ignored)
                || object.protect != declaration.protect
                || object.dependencies != self.graph.refers_to(wanted.node),
            removal,
            lowered,
            missing,
            accepted,
            warnings: Vec::new(),
            outside,
            pending,
            encounter: None,
            subject: Subject::Both(existing(object, seen), wanted),
        })
    }

    /// How a live object differs from what is wanted.
    fn differences(
        &self,
        address: &Address,
        object: &Object,
        kind: &dyn Kind,
        seen: &Value,
        desired: &Value,
        ignored: &[String],
    ) -> Compared {
        let desired = kind.marked(object.marked_with(address), desired);
        let (taken, accepted) = accept(kind, seen, &desired, ignored);
        let changes = diff(&taken, &desired, kind.facts().lists);
        let outside = match self.live.get(&object.seq) {
            Some(Reading::Found(_)) => {
                let recorded = kind.marked(object.marked_with(address), &object.properties);
                let live = managed(&taken, &recorded, &Value::Null, kind.closed());
                outside(&changes, &recorded, &live, &desired, kind.facts().lists)
            }
            _ => Vec::new(),
        };
        Compared { changes, accepted, outside }
    }

    /// What has disappeared, if that alone is the reason for a replacement: every property that forces it refers to what is made
    /// anew for the same reason, and to nothing else that is not known.
    fn missing_behind(&self, because: &Reasons, desired: &Value) -> Option<Address> {
        let mut missing = None;
        for property in because.iter() {
            let mut needs = Vec::new();
            references::visit(desired.get(property)?, &mut |found| needs.push(found.address));
            for address in &needs {
                missing = Some(self.by_missing.get(*address)?);
            }
            if needs.is_empty() {
                return None;
            }
        }
        missing.cloned()
    }

    /// Everything in state that is not declared any more, and what was replaced but not deleted yet.
    fn left_over(&mut self) -> Result<(), PlanError> {
        let selection = self.selection;
        let replaced = |step: &&Step| matches!(step.action, Action::Replace { .. });
        let mut deleted: HashSet<&Address> = HashSet::new();
        let state = self.state;
        let slots = || state.slots().filter(|(address, _)| selection.contains(address.as_str()));
        for (address, slot) in slots() {
            if let Some(object) = slot.current.as_ref()
                && self.graph.position(address.as_str()).is_none()
            {
                deleted.insert(address);
                self.delete(address, object, None)?;
            }
            for object in &slot.deposed {
                self.delete(address, object, Some(Note::Deposed))?;
            }
        }
        let replaced: HashSet<&Address> =
            self.steps.iter().filter(replaced).map(|step| &step.address).collect();
        deleted.extend(replaced);
        for (by, object) in state.objects().filter(|(address, _)| !selection.contains(address.as_str())) {
            let goes = |needed: &&Address| deleted.contains(*needed) || holds_replaced(state, needed, object);
            if let Some(needed) =
                object.dependencies.iter().filter(|it| selection.contains(it.as_str())).find(goes)
            {
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
            protects: self.graph.protects_named(
                address,
                &object.kind,
                name_of(&object.properties, facts).as_deref(),
            ),
            by_itself: self.state.is_protected(address.as_str()),
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
fn action(
    declaration: &Declaration,
    object: &Object,
    kind: &dyn Kind,
    changes: &[PropertyChange],
    forced: bool,
) -> Action {
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
    if forced {
        forcing.push(Reasons::REQUESTED.to_owned());
    }
    match Reasons::new(forcing) {
        Some(because) => Action::Replace { because, order: ReplaceOrder::CreateFirst },
        None if changes.is_empty() => Action::Unchanged,
        None => Action::Update,
    }
}
