//! From steps to tasks: what must wait for what, and what should start first.
//!
//! A step has up to two tasks: `Do` (create, update, finish, record) and `Delete`; or, where it gives up what others may use,
//! `Widen` and `Do`. The rules:
//!
//! - a resource is done after what it refers to is ready, or created where the reference is early; over what does not change at
//!   all, it waits for what that refers to;
//! - an object is deleted after everything that was recorded as depending on it has been deleted, or has been done
//!   and so refers to something else;
//! - what is a part of an object that is deleted goes with it, and so after it;
//! - a replacement deletes the old object last, unless old and new cannot exist together;
//! - an object that gives something up, such as a group one of its subnets, is changed after everything that depended on it, over
//!   however many others, and goes: that may be using it. Unless its deletion has to wait for the change. Where the kind says
//!   so ([`Order::widened_first`](crate::Order)), what is new is added before, so that nobody has to wait for both;
//! - an object that others of its kind relieve is deleted after those are made;
//! - an object that claims a name or addresses which another one had is created after that one is deleted.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::address::Address;
use crate::diff::PropertyChange;
use crate::graph::Graph;
use crate::plan_error::PlanError;
use crate::provider::Provider;
use crate::references;
use crate::referrers::referred_to;
use crate::removal::Fate;
use crate::resource::Order;
use crate::state::{Object, Phase, State};
use crate::step::{Action, Existing, Note, ReplaceOrder, Step};
use crate::widen::has_item;

/// Stands for what is not known yet while claims are compared, and nowhere else. No claim can contain it.
const UNKNOWN: &str = "\0unknown\0";

/// Which part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Adds what is new to lists, and takes nothing away.
    Widen,
    Do,
    Delete,
}

impl Part {
    /// The kind of the object that it is about. Where a resource's type changes, the old object has another one than the new.
    pub(crate) fn kind(self, step: &Step) -> &str {
        match (self, step.existing()) {
            (Part::Delete, Some(existing)) => &existing.kind,
            (Part::Delete, None) | (Part::Do | Part::Widen, _) => &step.kind,
        }
    }
}

/// Something to run.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) step: usize,
    pub(crate) part: Part,
    /// Tasks that wait for this one; with `true`, only until the identity is known.
    pub(crate) dependents: Vec<(usize, bool)>,
    /// How many tasks this one waits for.
    pub(crate) waits_for: usize,
    /// Seconds that it typically takes.
    pub(crate) own: u64,
    /// Seconds until it and everything that hangs on it is done, typically.
    pub(crate) remaining: u64,
}

/// All tasks of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) tasks: Vec<Task>,
    /// A resource that cannot be created, since an object that is retained has the name that it needs.
    pub(crate) name_retained: Option<Address>,
    /// An object that would have to go while something uses it that cannot let go before, and what that is.
    pub(crate) in_the_way: Option<(Address, Address)>,
}

/// Chooses the order of replacements (in `steps`) and the order of tasks.
///
/// Some deletions go ahead: those of objects that are in the way of a new one, and those of everything that depends on
/// such an object, since it can only be deleted when they are gone. What is created after one of them, for its sake or
/// because it refers to what is, comes behind. So there are four groups, and waiting goes from one to a later one only:
/// what is done and not behind, deletions ahead, what is done behind, other deletions.
pub(crate) fn build(
    steps: &mut [Step],
    by_node: &[Option<usize>],
    graph: &Graph,
    state: &State,
    provider: &dyn Provider,
) -> Result<Schedule, PlanError> {
    let mut dependents = recorded_dependents(steps, state);
    parts_go_last(steps, &mut dependents, provider);
    let collisions = collisions(steps, state, provider);
    let retained = |old: usize| steps[old].removal().is_some_and(|removal| removal.fate == Fate::Retained);
    let name_retained =
        collisions.iter().find(|(old, _)| retained(*old)).map(|(_, new)| steps[*new].address.clone());
    let ahead = ahead(steps, &dependents, &collisions);
    let mut builder = Builder::new(steps, provider);
    builder.declared(steps, by_node, graph);
    for &(old, new) in &collisions {
        builder.edge(builder.delete_task[old], builder.do_task[new], false);
    }
    builder.deletions(&dependents);
    let behind = builder.behind(&collisions);
    let before = Before { ahead, behind };
    builder.replacements(steps, &before);
    builder.replaced_before(steps, by_node, graph, &before);
    let in_the_way = builder.let_go_first(steps, &dependents, &before, provider);
    builder.relieved(steps, &before, provider);
    builder.given_up_last(steps, &dependents);
    Ok(Schedule { name_retained, in_the_way, ..builder.finish(steps, provider)? })
}

/// For each step, the steps whose recorded object depends on it.
pub(crate) fn recorded_dependents(steps: &[Step], state: &State) -> Vec<Vec<usize>> {
    let mut by_address: HashMap<&str, Vec<usize>> = HashMap::with_capacity(steps.len());
    for (position, step) in steps.iter().enumerate() {
        by_address.entry(step.address.as_str()).or_default().push(position);
    }
    let object_of = |position: usize| {
        let step: &Step = &steps[position];
        state.slot(step.address.as_str())?.object(step.existing()?.seq)
    };
    let mut dependents = vec![Vec::new(); steps.len()];
    for position in 0..steps.len() {
        let Some(object) = object_of(position) else { continue };
        for needed in &object.dependencies {
            match by_address.get(needed.as_str()).map(Vec::as_slice) {
                None => {}
                Some(&[target]) => dependents[target].push(position),
                Some(targets) => {
                    let candidates: Vec<(usize, &Object)> =
                        targets.iter().filter_map(|&target| Some((target, object_of(target)?))).collect();
                    for target in referred_to(&object.properties, &candidates) {
                        dependents[target].push(position);
                    }
                }
            }
        }
    }
    dependents
}

/// What goes with the object that it is a part of waits for that, and nothing waits for the part: it is gone when the whole is.
fn parts_go_last(steps: &[Step], dependents: &mut [Vec<usize>], provider: &dyn Provider) {
    let mut pairs = Vec::new();
    for (whole, parts) in dependents.iter().enumerate() {
        pairs.extend(
            parts
                .iter()
                .filter(|part| goes_with(&steps[**part], &steps[whole], provider))
                .map(|part| (*part, whole)),
        );
    }
    for (part, whole) in pairs {
        dependents.iter_mut().for_each(|those| those.retain(|one| *one != part));
        dependents[part].push(whole);
    }
}

/// Whether a plan deletes an object and the one that it is a part of, so that nothing is called for the part.
pub(crate) fn goes_with(part: &Step, whole: &Step, provider: &dyn Provider) -> bool {
    let goes = |step: &Step| {
        let stays = step.removal().is_some_and(|removal| removal.fate == Fate::Retained);
        step.action == Action::Delete && step.note != Some(Note::Missing) && !stays
    };
    let part_of = provider.kind(&part.kind).and_then(|kind| kind.order().part_of);
    goes(part) && goes(whole) && part_of == Some(whole.kind.as_str())
}

/// Pairs (old, new): step `old` deletes what step `new` claims.
pub(crate) fn collisions(steps: &[Step], state: &State, provider: &dyn Provider) -> Vec<(usize, usize)> {
    let mut claimed: HashMap<(&str, String), Vec<(usize, &Value)>> = HashMap::new();
    for (position, step) in steps.iter().enumerate() {
        if !matches!(step.action, Action::Delete | Action::Replace { .. }) || step.note == Some(Note::Missing)
        {
            continue;
        }
        let recorded = |existing: &Existing| state.slot(step.address.as_str())?.object(existing.seq);
        let Some(object) = step.existing().and_then(recorded) else { continue };
        let claim = provider.kind(&object.kind).and_then(|kind| kind.claim(&object.properties));
        if let Some(claim) = claim {
            claimed.entry((object.kind.as_str(), claim)).or_default().push((position, &object.properties));
        }
    }
    let mut pairs = Vec::new();
    if claimed.is_empty() {
        return pairs;
    }
    for (new, step) in steps.iter().enumerate() {
        let (Action::Create | Action::Replace { .. }, Some(desired)) = (&step.action, step.desired()) else {
            continue;
        };
        let Some(kind) = provider.kind(&step.kind) else { continue };
        // What is not known yet can be no part of a claim, but the rest of the properties can.
        let wanted = references::resolve(desired, &|_| Some(Value::String(UNKNOWN.to_owned())));
        let Some(claim) = kind.claim(&wanted).filter(|claim| !claim.contains(UNKNOWN)) else { continue };
        for &(old, properties) in claimed.get(&(step.kind.as_str(), claim)).into_iter().flatten() {
            if !kind.coexists(&wanted, properties) {
                pairs.push((old, new));
            }
        }
    }
    pairs
}

/// Which steps' deletions go ahead of what is created.
fn ahead(steps: &[Step], dependents: &[Vec<usize>], collisions: &[(usize, usize)]) -> Vec<bool> {
    let mut ahead = vec![false; steps.len()];
    let mut pending: Vec<usize> = collisions.iter().map(|(old, _)| *old).collect();
    while let Some(position) = pending.pop() {
        let deletes = matches!(steps[position].action, Action::Delete | Action::Replace { .. });
        if deletes && !std::mem::replace(&mut ahead[position], true) {
            pending.extend(&dependents[position]);
        }
    }
    ahead
}

/// Whether a list of the object has something in it that it shall not have any more. Tags give nothing up that can be used.
pub(crate) fn gives_up(step: &Step) -> bool {
    let mut changed = step.changes.iter().map(PropertyChange::property);
    step.action == Action::Update && changed.any(|property| property != "Tags" && loses(step, property))
}

fn loses(step: &Step, property: &str) -> bool {
    loses_by(step, property, |desired, item| desired.contains(item))
}

fn loses_by(step: &Step, property: &str, has: impl Fn(&[Value], &Value) -> bool) -> bool {
    lists(step, property).is_some_and(|(live, desired)| live.iter().any(|item| !has(desired, item)))
}

/// Whether a list shall have something in it that it has not.
pub(crate) fn gains(step: &Step, property: &str) -> bool {
    lists(step, property).is_some_and(|(live, desired)| desired.iter().any(|item| !live.contains(item)))
}

/// A list as it is and as it shall be.
fn lists<'a>(step: &'a Step, property: &str) -> Option<(&'a Vec<Value>, &'a Vec<Value>)> {
    // What is ignored stays as it is.
    let is_ignored = step.accepted().iter().any(|one| one.is_ignored && one.property == property);
    let (live, desired) = (step.live()?, step.desired().filter(|_| !is_ignored)?);
    Some((live.get(property)?.as_array()?, desired.get(property)?.as_array()?))
}

/// Whether an object gives something up in a second call, after it has taken what is new.
pub(crate) fn is_widened_first(step: &Step, provider: &dyn Provider) -> bool {
    let Some(kind) = provider.kind(&step.kind) else { return false };
    let settled = |existing: &Existing| matches!(existing.phase, Phase::Ready | Phase::Changing);
    step.action == Action::Update
        && step.existing().is_some_and(settled)
        && kind
            .order()
            .widened_first
            .iter()
            .any(|property| loses_by(step, property, |desired, item| has_item(kind, property, desired, item)))
}

/// Everything that can be reached, over however many others.
pub(crate) fn reached_from<I: Iterator<Item = usize>>(
    start: usize,
    next: impl Fn(usize) -> I,
) -> HashSet<usize> {
    let mut reached = HashSet::new();
    let mut pending = vec![start];
    while let Some(one) = pending.pop() {
        pending.extend(next(one).filter(|found| reached.insert(*found)));
    }
    reached
}

/// What goes ahead, by step, and what comes behind, by task.
struct Before {
    ahead: Vec<bool>,
    behind: Vec<bool>,
}

impl Before {
    /// Whether the deletion of a step can wait for a task.
    fn can_wait(&self, position: usize, task: usize) -> bool {
        !self.ahead[position] || !self.behind[task]
    }
}

struct Builder {
    tasks: Vec<Task>,
    /// What those wait for that need the resource.
    do_task: Vec<Option<usize>>,
    /// The one after which it holds nothing but what it shall: mostly the same.
    let_go_task: Vec<Option<usize>>,
    delete_task: Vec<Option<usize>>,
}

impl Builder {
    fn new(steps: &[Step], provider: &dyn Provider) -> Self {
        let mut builder = Self {
            tasks: Vec::new(),
            do_task: vec![None; steps.len()],
            let_go_task: vec![None; steps.len()],
            delete_task: vec![None; steps.len()],
        };
        for (position, step) in steps.iter().enumerate() {
            let (does, deletes) = match step.action {
                Action::Create | Action::Update => (true, false),
                Action::Replace { .. } => (true, true),
                Action::Delete => (false, true),
                Action::Unchanged => (step.record || step.note == Some(Note::Unfinished), false),
            };
            if does {
                builder.do_task[position] = Some(builder.task(position, Part::Do));
                builder.let_go_task[position] = builder.do_task[position];
            }
            if is_widened_first(step, provider) {
                builder.do_task[position] = Some(builder.task(position, Part::Widen));
                builder.edge(builder.do_task[position], builder.let_go_task[position], false);
            }
            if deletes {
                builder.delete_task[position] = Some(builder.task(position, Part::Delete));
            }
        }
        builder
    }

    fn task(&mut self, step: usize, part: Part) -> usize {
        self.tasks.push(Task { step, part, dependents: Vec::new(), waits_for: 0, own: 0, remaining: 0 });
        self.tasks.len() - 1
    }

    /// `after` waits for `before`, if both are there.
    fn edge(&mut self, before: Option<usize>, after: Option<usize>, early: bool) {
        if let (Some(before), Some(after)) = (before, after) {
            self.tasks[before].dependents.push((after, early));
            self.tasks[after].waits_for += 1;
        }
    }

    fn declared(&mut self, steps: &[Step], by_node: &[Option<usize>], graph: &Graph) {
        for (position, step) in steps.iter().enumerate() {
            let (Some(wanted), Some(does)) = (step.wanted(), self.do_task[position]) else { continue };
            let mut seen = HashSet::new();
            let mut pending: Vec<_> = graph.edges(wanted.node).to_vec();
            while let Some(edge) = pending.pop() {
                // What is not selected is there already.
                match by_node[edge.to].and_then(|step| self.do_task[step]) {
                    Some(before) => self.edge(Some(before), Some(does), edge.early),
                    // It is there, but what it stands on may change.
                    None if seen.insert(edge.to) => pending.extend(graph.edges(edge.to)),
                    None => {}
                }
            }
        }
    }

    /// What depends on an object is deleted before it.
    fn deletions(&mut self, dependents: &[Vec<usize>]) {
        for (position, dependents) in dependents.iter().enumerate() {
            for &dependent in dependents.iter().filter(|dependent| **dependent != position) {
                self.edge(self.delete_task[dependent], self.delete_task[position], false);
            }
        }
    }

    /// Everything that waits for the deletion of an object that is in the way.
    fn behind(&self, collisions: &[(usize, usize)]) -> Vec<bool> {
        let mut behind = vec![false; self.tasks.len()];
        let mut pending: Vec<usize> =
            collisions.iter().filter_map(|(old, _)| self.delete_task[*old]).collect();
        while let Some(task) = pending.pop() {
            if !std::mem::replace(&mut behind[task], true) {
                pending.extend(self.tasks[task].dependents.iter().map(|(dependent, _)| *dependent));
            }
        }
        behind
    }

    /// A replacement creates first where it can.
    fn replacements(&mut self, steps: &mut [Step], before: &Before) {
        for (position, step) in steps.iter_mut().enumerate() {
            let Action::Replace { order, .. } = &mut step.action else { continue };
            let (does, deletes) = (self.do_task[position], self.delete_task[position]);
            if does.is_some_and(|task| before.can_wait(position, task)) {
                *order = ReplaceOrder::CreateFirst;
                self.edge(does, deletes, false);
            } else {
                *order = ReplaceOrder::DeleteFirst;
                self.edge(deletes, does, false);
            }
        }
    }

    /// What an earlier run replaced is deleted after its successor is finished.
    fn replaced_before(&mut self, steps: &[Step], by_node: &[Option<usize>], graph: &Graph, before: &Before) {
        for (position, step) in steps.iter().enumerate().filter(|(_, step)| step.wanted().is_none()) {
            let declared = graph.position(step.address.as_str()).and_then(|node| by_node[node]);
            let successor = declared.and_then(|step| self.do_task[step]);
            if let Some(task) = successor.filter(|task| before.can_wait(position, *task)) {
                self.edge(Some(task), self.delete_task[position], false);
            }
        }
    }

    /// What referred to an object, and is changed or replaced, lets go of it before it is deleted. Where it cannot,
    /// since what it shall refer to instead waits for that very deletion, the cloud decides whether the object can go; if it is
    /// known that it cannot, this says which and because of what.
    fn let_go_first(
        &mut self,
        steps: &[Step],
        dependents: &[Vec<usize>],
        before: &Before,
        provider: &dyn Provider,
    ) -> Option<(Address, Address)> {
        let mut in_the_way = None;
        for (position, dependents) in dependents.iter().enumerate() {
            let order = || provider.kind(&steps[position].kind).map_or(Order::NONE, |kind| kind.order());
            let is_held = |by: &str| {
                let Order { held, held_by, .. } = order();
                held && (held_by.is_empty() || held_by.contains(&by))
            };
            for &dependent in dependents.iter().filter(|dependent| **dependent != position) {
                let Some(task) = self.let_go_task[dependent] else { continue };
                if before.can_wait(position, task) {
                    self.edge(Some(task), self.delete_task[position], false);
                } else if steps[dependent].action == Action::Update && is_held(&steps[dependent].kind) {
                    let pair = || (steps[position].address.clone(), steps[dependent].address.clone());
                    in_the_way.get_or_insert_with(pair);
                }
            }
        }
        in_the_way
    }

    /// What takes over from an object is made before that is deleted.
    fn relieved(&mut self, steps: &[Step], before: &Before, provider: &dyn Provider) {
        let is_relieved = |step: &Step| provider.kind(&step.kind).is_some_and(|kind| kind.order().relieved);
        let of_action = |action: Action| {
            let steps = steps.iter().enumerate().filter(move |(_, step)| step.action == action);
            steps.filter(|(_, step)| is_relieved(step)).collect::<Vec<_>>()
        };
        let made = of_action(Action::Create);
        for (position, old) in of_action(Action::Delete) {
            let Some(deletion) = self.delete_task[position].filter(|_| !made.is_empty()) else { continue };
            let after = self.after(deletion);
            for (new, step) in &made {
                let does = self.do_task[*new].filter(|task| before.can_wait(position, *task));
                let takes_over = step.kind == old.kind && step.address.tier() == old.address.tier();
                if let Some(does) = does.filter(|task| takes_over && !after.contains(task)) {
                    self.edge(Some(does), Some(deletion), false);
                }
            }
        }
    }

    /// Everything that waits for a task, over however many others.
    fn after(&self, task: usize) -> HashSet<usize> {
        reached_from(task, |task| self.tasks[task].dependents.iter().map(|(task, _)| *task))
    }

    /// An object that gives something up is changed after what depended on it and goes, where that does not wait for the change.
    fn given_up_last(&mut self, steps: &[Step], dependents: &[Vec<usize>]) {
        for (position, _) in steps.iter().enumerate().filter(|(_, step)| gives_up(step)) {
            let Some(change) = self.let_go_task[position] else { continue };
            let mut goes = reached_from(position, |at| dependents[at].iter().copied());
            goes.remove(&position);
            let deletions: Vec<usize> = goes.iter().filter_map(|step| self.delete_task[*step]).collect();
            if deletions.is_empty() {
                continue;
            }
            let after = self.after(change);
            for deletion in deletions.into_iter().filter(|deletion| !after.contains(deletion)) {
                self.edge(Some(deletion), Some(change), false);
            }
        }
    }

    /// Checks that there is an order, and works out how long is left after each task.
    fn finish(mut self, steps: &[Step], provider: &dyn Provider) -> Result<Schedule, PlanError> {
        let mut waits: Vec<usize> = self.tasks.iter().map(|task| task.waits_for).collect();
        let mut order: Vec<usize> = (0..self.tasks.len()).filter(|&task| waits[task] == 0).collect();
        let mut next = 0;
        while let Some(&task) = order.get(next) {
            next += 1;
            for &(dependent, _) in &self.tasks[task].dependents {
                waits[dependent] -= 1;
                if waits[dependent] == 0 {
                    order.push(dependent);
                }
            }
        }
        if order.len() < self.tasks.len() {
            let mut addresses: Vec<Address> = (0..self.tasks.len())
                .filter(|&task| waits[task] > 0)
                .map(|task| steps[self.tasks[task].step].address.clone())
                .collect();
            addresses.sort_unstable();
            addresses.dedup();
            return Err(PlanError::NoOrder { addresses });
        }
        for &task in order.iter().rev() {
            let step = &steps[self.tasks[task].step];
            let kind = self.tasks[task].part.kind(step);
            let times = provider.kind(kind).map(|kind| kind.facts().times);
            let own = match (self.tasks[task].part, &step.action, times) {
                (Part::Delete, _, Some(times)) => times.gone.typical,
                (Part::Do, Action::Create | Action::Replace { .. }, Some(times)) => times.ready.typical,
                (_, _, _) => 1,
            };
            let after =
                self.tasks[task].dependents.iter().map(|(dependent, _)| self.tasks[*dependent].remaining);
            let after = after.max().unwrap_or(0);
            self.tasks[task].own = own.into();
            self.tasks[task].remaining = after + u64::from(own);
        }
        Ok(Schedule { tasks: self.tasks, name_retained: None, in_the_way: None })
    }
}
