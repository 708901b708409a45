//! From steps to tasks: what must wait for what, and what should start first.
//!
//! A step has up to two tasks: `Do` (create, update, finish, record) and `Delete`. The rules:
//!
//! - a resource is done after what it refers to is ready, or created where the reference is early;
//! - an object is deleted after everything that was recorded as depending on it has been deleted, or has been done
//!   and so refers to something else;
//! - a replacement deletes the old object last, unless old and new cannot exist together;
//! - an object that claims a name or addresses which another one had is created after that one is deleted.

use std::collections::HashMap;

use crate::address::Address;
use crate::graph::Graph;
use crate::plan::{Action, Note, PlanError, ReplaceOrder, Step};
use crate::provider::Provider;
use crate::references;
use crate::state::State;

/// Which part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Do,
    Delete,
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
    /// Seconds until everything that hangs on this task is done, typically.
    pub(crate) remaining: u64,
}

/// All tasks of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) tasks: Vec<Task>,
}

/// Chooses the order of replacements (in `steps`) and the order of tasks.
pub(crate) fn build(
    steps: &mut [Step],
    by_node: &[usize],
    graph: &Graph,
    state: &State,
    provider: &dyn Provider,
) -> Result<Schedule, PlanError> {
    let dependents = recorded_dependents(steps, state);
    let collisions = collisions(steps, state, provider);
    let ahead = delete_first(steps, &dependents, &collisions);
    let mut builder = Builder::new(steps);
    builder.declared(steps, by_node, graph);
    builder.deletions(&ahead, &dependents);
    for &(old, new) in &collisions {
        builder.edge(builder.delete_task[old], builder.do_task[new], false);
    }
    builder.finish(steps, provider)
}

/// For each step, the steps whose recorded object depends on it.
fn recorded_dependents(steps: &[Step], state: &State) -> Vec<Vec<usize>> {
    let mut by_address: HashMap<&str, Vec<usize>> = HashMap::with_capacity(steps.len());
    for (position, step) in steps.iter().enumerate() {
        by_address.entry(step.address.as_str()).or_default().push(position);
    }
    let mut dependents = vec![Vec::new(); steps.len()];
    for (position, step) in steps.iter().enumerate() {
        let object = step.object.and_then(|seq| state.slot(step.address.as_str())?.object(seq));
        for needed in object.iter().flat_map(|object| &object.dependencies) {
            for &target in by_address.get(needed.as_str()).into_iter().flatten() {
                dependents[target].push(position);
            }
        }
    }
    dependents
}

/// Pairs (old, new): step `old` deletes what step `new` claims.
fn collisions(steps: &[Step], state: &State, provider: &dyn Provider) -> Vec<(usize, usize)> {
    let mut claimed: HashMap<(&str, String), Vec<(usize, &serde_json::Value)>> = HashMap::new();
    for (position, step) in steps.iter().enumerate() {
        if !matches!(step.action, Action::Delete | Action::Replace { .. }) || step.note == Some(Note::Missing) {
            continue;
        }
        let Some(object) = step.object.and_then(|seq| state.slot(step.address.as_str())?.object(seq)) else {
            continue;
        };
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
        let (Action::Create | Action::Replace { .. }, Some(desired)) = (&step.action, &step.desired) else {
            continue;
        };
        let Some(kind) = provider.kind(&step.kind).filter(|_| references::is_known(desired)) else { continue };
        let Some(claim) = kind.claim(desired) else { continue };
        for &(old, properties) in claimed.get(&(step.kind.as_str(), claim)).into_iter().flatten() {
            if !kind.coexists(desired, properties) {
                pairs.push((old, new));
            }
        }
    }
    pairs
}

/// Which deletions go ahead of what is created: those of objects that are in the way of a new one, and those of
/// everything that depends on such an object, since it can only be deleted when they are gone. A replacement among
/// them deletes first.
fn delete_first(steps: &mut [Step], dependents: &[Vec<usize>], collisions: &[(usize, usize)]) -> Vec<bool> {
    let mut ahead = vec![false; steps.len()];
    let mut pending: Vec<usize> = collisions.iter().map(|(old, _)| *old).collect();
    while let Some(position) = pending.pop() {
        let deletes = match &mut steps[position].action {
            Action::Replace { order, .. } => {
                *order = ReplaceOrder::DeleteFirst;
                true
            }
            action => *action == Action::Delete,
        };
        if deletes && !std::mem::replace(&mut ahead[position], true) {
            pending.extend(&dependents[position]);
        }
    }
    ahead
}

struct Builder {
    tasks: Vec<Task>,
    do_task: Vec<Option<usize>>,
    delete_task: Vec<Option<usize>>,
}

impl Builder {
    fn new(steps: &[Step]) -> Self {
        let mut builder =
            Self { tasks: Vec::new(), do_task: vec![None; steps.len()], delete_task: vec![None; steps.len()] };
        for (position, step) in steps.iter().enumerate() {
            let (does, deletes) = match step.action {
                Action::Create | Action::Update => (true, false),
                Action::Replace { .. } => (true, true),
                Action::Delete => (false, true),
                Action::Unchanged => (step.record || step.note == Some(Note::Unfinished), false),
            };
            if does {
                builder.do_task[position] = Some(builder.task(position, Part::Do));
            }
            if deletes {
                builder.delete_task[position] = Some(builder.task(position, Part::Delete));
            }
        }
        builder
    }

    fn task(&mut self, step: usize, part: Part) -> usize {
        self.tasks.push(Task { step, part, dependents: Vec::new(), waits_for: 0, remaining: 0 });
        self.tasks.len() - 1
    }

    /// `after` waits for `before`, if both are there.
    fn edge(&mut self, before: Option<usize>, after: Option<usize>, early: bool) {
        if let (Some(before), Some(after)) = (before, after) {
            self.tasks[before].dependents.push((after, early));
            self.tasks[after].waits_for += 1;
        }
    }

    fn declared(&mut self, steps: &[Step], by_node: &[usize], graph: &Graph) {
        for (position, step) in steps.iter().enumerate() {
            let Some(node) = step.node else { continue };
            for edge in graph.edges(node) {
                self.edge(self.do_task[by_node[edge.to]], self.do_task[position], edge.early);
            }
            if step.replaces(ReplaceOrder::DeleteFirst) {
                self.edge(self.delete_task[position], self.do_task[position], false);
            } else {
                self.edge(self.do_task[position], self.delete_task[position], false);
            }
        }
    }

    fn deletions(&mut self, ahead: &[bool], dependents: &[Vec<usize>]) {
        for position in 0..ahead.len() {
            let Some(delete) = self.delete_task[position] else { continue };
            for &dependent in dependents[position].iter().filter(|dependent| **dependent != position) {
                self.edge(self.delete_task[dependent], Some(delete), false);
                // What is done to a dependent may need the new object, which waits for a deletion that goes ahead.
                if !ahead[position] && !ahead[dependent] {
                    self.edge(self.do_task[dependent], Some(delete), false);
                }
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
            let (create, delete) = provider.kind(&step.kind).map_or((1, 1), |kind| kind.typical_seconds());
            let own = match (self.tasks[task].part, &step.action) {
                (Part::Delete, _) => delete,
                (Part::Do, Action::Create | Action::Replace { .. }) => create,
                (Part::Do, _) => 1,
            };
            let after = self.tasks[task].dependents.iter().map(|(dependent, _)| self.tasks[*dependent].remaining);
            self.tasks[task].remaining = after.max().unwrap_or(0) + u64::from(own);
        }
        Ok(Schedule { tasks: self.tasks })
    }
}
