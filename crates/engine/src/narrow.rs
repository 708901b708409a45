//! From a [`Choice`] to a plan: everything is planned, then it is found out which of that can be done without the rest, and that
//! alone is planned again.
//!
//! Both plans are made from the same look at the cloud. In the second one, what was left out is taken as it is recorded; since
//! nothing stays that needs something else of it, each step is the one of the first plan.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::address::Address;
use crate::choice::{Bond, Choice, LeftOut, Link, Narrowed};
use crate::engine_error::EngineError;
use crate::event::Event;
use crate::facade::Engine;
use crate::graph::Graph;
use crate::plan::{Grounds, Plan, Reading, Readings, plan};
use crate::plan_error::PlanError;
use crate::provider::Provider;
use crate::references;
use crate::referrers::holds_replaced;
use crate::schedule::{collisions, gives_up, reached_from, recorded_dependents};
use crate::selector::{Selection, Selector};
use crate::session::Session;
use crate::state::{Partial, State};
use crate::step::{Action, Note, Step};

/// What a plan is wanted of.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Exactly this: what it needs must be there.
    Exactly(&'a Selector),
    /// What is chosen, and what that needs.
    Chosen(&'a Choice),
}

impl Wanted<'_> {
    /// What has to be looked at.
    pub(crate) fn to_read(self, graph: &Graph, state: &State) -> Result<Selection, PlanError> {
        match self {
            Wanted::Exactly(selector) => Ok(selector.resolve(graph, state)),
            Wanted::Chosen(choice) => {
                choice.check_at(graph, state)?;
                Ok(Selector::all().resolve(graph, state))
            }
        }
    }

    /// The plan, from a look at all that was [to be read](Self::to_read).
    pub(crate) fn plan(
        self,
        graph: Arc<Graph>,
        state: &State,
        live: &Readings,
        provider: &dyn Provider,
        read: &Selection,
    ) -> Result<Plan, EngineError> {
        let forced = match self {
            Wanted::Exactly(_) => BTreeSet::new(),
            Wanted::Chosen(choice) => choice.forced(state),
        };
        let grounds = Grounds { state, live, provider, forced: &forced, in_order: true };
        let plan = match self {
            Wanted::Exactly(_) => plan(graph, grounds, read)?,
            Wanted::Chosen(choice) => chosen(choice, graph, grounds, read)?,
        };
        // Only of what is planned it must be known how it is.
        for (address, object) in
            state.objects().filter(|(address, _)| plan.selection.contains(address.as_str()))
        {
            if let Some(Reading::Denied(source)) = live.get(&object.seq) {
                return Err(EngineError::Read { address: address.clone(), source: source.clone() });
            }
        }
        Ok(plan)
    }
}

fn chosen(
    choice: &Choice,
    graph: Arc<Graph>,
    grounds: Grounds<'_>,
    everything: &Selection,
) -> Result<Plan, PlanError> {
    let in_order = !choice.is_part();
    let mut whole = plan(Arc::clone(&graph), Grounds { in_order, ..grounds }, everything)?;
    let words = choice.words.clone();
    let before = still_to_do(&whole, grounds.state);
    if !choice.is_part() {
        whole.narrowed = Narrowed { words, before, ..Narrowed::default() };
        return Ok(whole);
    }
    let resolve = |selector: &Selector| -> BTreeSet<Address> {
        selector.resolve(&graph, grounds.state).addresses().cloned().collect()
    };
    let except = choice.except.as_ref().map_or_else(BTreeSet::new, resolve);
    let bonds = Bonds::of(&whole, grounds);
    let (selected, also, because) = match &choice.only {
        Some(only) => {
            // What is to be replaced is named as well.
            let wanted = resolve(only).into_iter().chain(choice.replace.iter().cloned()).collect();
            let (selected, also) = bonds.with_needs(&wanted, &except)?;
            (selected, also, BTreeMap::new())
        }
        None => {
            let left = bonds.with_dependents(&except);
            let stays = |address: &&Address| !except.contains(*address) && !left.contains_key(*address);
            (everything.addresses().filter(stays).cloned().collect(), Vec::new(), left)
        }
    };
    if let Some(address) = choice.replace.iter().find(|address| !selected.contains(*address)) {
        let because = because.get(address).map(Link::holds);
        return Err(PlanError::ReplacementLeftOut { address: address.clone(), because });
    }
    let mut left_out: Vec<LeftOut> = Vec::new();
    for step in whole.steps().iter().filter(|step| step.is_change() && !selected.contains(&step.address)) {
        match left_out.iter_mut().find(|left| left.address == step.address) {
            Some(left) => left.changes += 1,
            None => left_out.push(LeftOut {
                address: step.address.clone(),
                changes: 1,
                because: because.get(&step.address).cloned(),
            }),
        }
    }
    let also = also.into_iter().filter(|link| bonds.changing.contains(&link.to)).collect();
    let mut part = plan(Arc::clone(&graph), grounds, &Selection::of(selected))?;
    part.narrowed = Narrowed { words, also, left_out, before, is_part: true };
    Ok(part)
}

/// What the run before left out, of what there is still to do.
fn still_to_do(whole: &Plan, state: &State) -> Option<Partial> {
    let Partial { run, addresses } = state.partial()?;
    let changes =
        |address: &&Address| whole.steps().iter().any(|step| step.is_change() && step.address == **address);
    let addresses: Vec<Address> = addresses.iter().filter(changes).cloned().collect();
    (!addresses.is_empty()).then(|| Partial { run: run.clone(), addresses })
}

/// What cannot be done without what, in a plan of everything.
#[derive(Default)]
struct Bonds {
    /// From an address to what it cannot be done without; `true` where its step would not be the same otherwise, or harm.
    bonds: BTreeMap<Address, Vec<(Address, Bond, bool)>>,
    /// Where there is something to do.
    changing: BTreeSet<Address>,
}

impl Bonds {
    fn of(whole: &Plan, grounds: Grounds<'_>) -> Self {
        // What is taken back is what the addresses mean in the steps.
        let mut state = grounds.state.clone();
        for (address, object) in &whole.restored {
            let event = Event::Restored { address: address.clone(), object: *object };
            state.fold(&event).expect("it was folded into the same state when the plan was made");
        }
        let changes = whole.steps().iter().filter(|step| is_done(step));
        let mut bonds =
            Self { changing: changes.map(|step| step.address.clone()).collect(), ..Self::default() };
        bonds.declared(whole);
        bonds.used(whole, &state);
        for (old, new) in collisions(whole.steps(), &state, grounds.provider) {
            bonds.add(&whole.steps()[new], &whole.steps()[old].address, Bond::NamedAs, true);
        }
        bonds.given_up(whole, &state);
        bonds.relieved(whole, grounds.provider);
        bonds
    }

    fn add(&mut self, from: &Step, to: &Address, bond: Bond, hard: bool) {
        self.bond(&from.address, to, bond, hard);
    }

    fn bond(&mut self, from: &Address, to: &Address, bond: Bond, hard: bool) {
        if from != to {
            self.bonds.entry(from.clone()).or_default().push((to.clone(), bond, hard));
        }
    }

    /// What is created or changed needs the changes of what it refers to. It can be done without only where it takes nothing of
    /// them that is not known yet.
    fn declared(&mut self, whole: &Plan) {
        let graph = Arc::clone(&whole.graph);
        for step in whole.steps().iter().filter(|step| is_done(step)) {
            let Some(wanted) = step.wanted() else { continue };
            let mut unknown = BTreeSet::new();
            references::visit(&wanted.desired, &mut |found| {
                unknown.insert(found.address);
            });
            for edge in graph.edges(wanted.node) {
                let needed = &graph.nodes()[edge.to].address;
                let Some(other) = whole.step(needed.as_str()).filter(|other| is_done(other)) else {
                    continue;
                };
                let hard = other.creates() || is_taken_back(other) || unknown.contains(needed.as_str());
                self.add(step, needed, Bond::Needs, hard);
            }
        }
    }

    /// What uses an object that goes must let go of it in the same run.
    fn used(&mut self, whole: &Plan, state: &State) {
        // Whether it is replaced, by address; an object that has disappeared is used by nobody any more.
        let (mut goes, mut missing, mut deposed) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for step in whole.steps() {
            match (&step.action, step.note) {
                (Action::Replace { .. }, _) => {
                    goes.insert(&step.address, true);
                }
                (Action::Delete, Some(Note::Deposed)) => {
                    deposed.insert(&step.address);
                }
                (Action::Delete, _) => {
                    goes.entry(&step.address).or_insert(false);
                }
                (Action::Create, _) if step.existing().is_some() => {
                    missing.insert(&step.address);
                }
                _ if is_taken_back(step) => {
                    goes.insert(&step.address, true);
                }
                _ => {}
            }
        }
        for (by, object) in state.objects() {
            for needed in &object.dependencies {
                if let Some(&replaced) = goes.get(needed) {
                    self.bond(needed, by, Bond::UsedBy { replaced }, true);
                } else if deposed.contains(needed) && holds_replaced(state, needed, object) {
                    self.bond(needed, by, Bond::UsedBy { replaced: true }, true);
                } else if missing.contains(needed) && self.changing.contains(by) {
                    self.bond(needed, by, Bond::UsedBy { replaced: true }, false);
                }
            }
        }
    }

    /// What gives something up waits until what may use that is gone.
    fn given_up(&mut self, whole: &Plan, state: &State) {
        let steps = whole.steps();
        let dependents = recorded_dependents(steps, state);
        for (position, step) in steps.iter().enumerate().filter(|(_, step)| gives_up(step)) {
            let users = reached_from(position, |at| dependents[at].iter().copied());
            let mut users: Vec<usize> =
                users.into_iter().filter(|user| steps[*user].action == Action::Delete).collect();
            users.sort_unstable();
            for user in users {
                self.add(step, &steps[user].address, Bond::GivesUp, true);
            }
        }
    }

    /// What is relieved goes only once the others are there.
    fn relieved(&mut self, whole: &Plan, provider: &dyn Provider) {
        let is_relieved = |step: &&Step| provider.kind(&step.kind).is_some_and(|kind| kind.order().relieved);
        let of = |action: Action| whole.steps().iter().filter(move |step| step.action == action);
        let made: Vec<&Step> = of(Action::Create).filter(is_relieved).collect();
        for old in of(Action::Delete).filter(is_relieved) {
            let takes_over = |new: &&&Step| new.kind == old.kind && new.address.tier() == old.address.tier();
            for new in made.iter().filter(takes_over) {
                self.add(old, &new.address, Bond::RelievedBy, true);
            }
        }
    }

    fn from(&self, address: &Address) -> impl Iterator<Item = &(Address, Bond, bool)> {
        self.bonds.get(address).into_iter().flatten()
    }

    /// What is wanted, and all that it cannot be done without, in the order in which that was found.
    fn with_needs(
        &self,
        wanted: &BTreeSet<Address>,
        except: &BTreeSet<Address>,
    ) -> Result<(BTreeSet<Address>, Vec<Link>), PlanError> {
        let mut selected: BTreeSet<Address> = wanted.difference(except).cloned().collect();
        let mut also: Vec<Link> = Vec::new();
        let mut pending: VecDeque<Address> = selected.iter().cloned().collect();
        while let Some(from) = pending.pop_front() {
            for (to, bond, hard) in self.from(&from) {
                let link = || Link { from: from.clone(), to: to.clone(), bond: *bond };
                if except.contains(to) {
                    if *hard {
                        return Err(PlanError::Excluded { chain: chain(link(), &also) });
                    }
                } else if selected.insert(to.clone()) {
                    also.push(link());
                    pending.push_back(to.clone());
                }
            }
        }
        Ok((selected, also))
    }

    /// What cannot be done without what is left out, and why.
    fn with_dependents(&self, except: &BTreeSet<Address>) -> BTreeMap<Address, Link> {
        let mut holders: BTreeMap<&Address, Vec<Link>> = BTreeMap::new();
        for (from, bonds) in &self.bonds {
            for (to, bond, _) in bonds.iter().filter(|(.., hard)| *hard) {
                let link = Link { from: from.clone(), to: to.clone(), bond: *bond };
                holders.entry(to).or_default().push(link);
            }
        }
        let mut left = BTreeMap::new();
        let mut pending: VecDeque<Address> = except.iter().cloned().collect();
        while let Some(to) = pending.pop_front() {
            for link in holders.get(&to).into_iter().flatten() {
                if !except.contains(&link.from) && !left.contains_key(&link.from) {
                    left.insert(link.from.clone(), link.clone());
                    pending.push_back(link.from.clone());
                }
            }
        }
        left
    }
}

/// From what was asked for to this link.
fn chain(last: Link, also: &[Link]) -> Vec<Link> {
    let mut chain = vec![last];
    while let Some(before) = also.iter().find(|link| link.to == chain[chain.len() - 1].from) {
        chain.push(before.clone());
    }
    chain.reverse();
    chain
}

/// Whether what others know of the resource may be otherwise afterwards.
fn is_done(step: &Step) -> bool {
    step.is_change() || is_taken_back(step)
}

fn is_taken_back(step: &Step) -> bool {
    step.note == Some(Note::TakenBack)
}

impl Plan {
    /// What of a [`Choice`] came along, and what was left out.
    #[must_use]
    pub fn narrowed(&self) -> &Narrowed {
        &self.narrowed
    }

    /// Whether nothing at all was recorded when the plan was made.
    #[must_use]
    pub fn begins_from_nothing(&self) -> bool {
        self.state.is_empty()
    }
}

impl Engine {
    /// The same as [`preview`](Self::preview) for a [`Choice`], of which it says what came of it: [`Plan::narrowed`]. All that is
    /// recorded is looked at.
    ///
    /// # Errors
    /// As there; and where the choice names what is not there, or contradicts itself.
    pub async fn preview_chosen(&self, graph: Arc<Graph>, choice: &Choice) -> Result<Plan, EngineError> {
        self.preview_of(graph, Wanted::Chosen(choice)).await
    }
}

impl Session {
    /// The same as [`plan`](Self::plan) for a [`Choice`], of which it says what came of it: [`Plan::narrowed`]. All that is recorded
    /// is looked at.
    ///
    /// # Errors
    /// As there; and where the choice names what is not there, or contradicts itself.
    pub async fn plan_chosen(&self, graph: Arc<Graph>, choice: &Choice) -> Result<Plan, EngineError> {
        self.plan_of(graph, Wanted::Chosen(choice)).await
    }

    /// Records what a plan leaves out, so that the next one can say so.
    pub(crate) async fn record_left_out(&self, plan: &Plan) -> Result<(), EngineError> {
        let Narrowed { words, left_out, is_part, .. } = &plan.narrowed;
        // Of a tier alone nobody knows what is left.
        if !plan.selection.is_all() && !is_part {
            return Ok(());
        }
        let addresses: Vec<Address> = left_out.iter().map(|left| left.address.clone()).collect();
        let partial = (!addresses.is_empty()).then(|| Partial { run: words.clone(), addresses });
        if self.journal().state().partial() != partial.as_ref() {
            let Partial { run, addresses } =
                partial.unwrap_or_else(|| Partial { run: String::new(), addresses: Vec::new() });
            self.journal().record(Event::LeftOut { run, addresses }).await?;
        }
        Ok(())
    }
}
