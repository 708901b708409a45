//! A change in two calls: what is new is added to a list first, what is to go is taken away last. See [`Order`](crate::Order).

use serde_json::Value;

use crate::address::Address;
use crate::event::Seq;
use crate::ignored::with_live;
use crate::operate::{Cause, Goal, Operator};
use crate::provider::Kind;
use crate::schedule::is_widened_first;
use crate::state::{Object, State};
use crate::step::{Existing, Note, Step, Subject};

/// Whether a list of a kind has an item. One that has an identity is the same whatever else is in it.
pub(crate) fn has_item(kind: &dyn Kind, property: &str, list: &[Value], item: &Value) -> bool {
    position(kind, property, list, item).is_some()
}

fn position(kind: &dyn Kind, property: &str, list: &[Value], item: &Value) -> Option<usize> {
    let identity = kind.facts().lists.iter().find(|listed| listed.path == property);
    match identity.and_then(|listed| Some((listed.key, item.get(listed.key)?))) {
        Some((key, id)) => list.iter().position(|other| other.get(key) == Some(id)),
        None => list.iter().position(|other| other == item),
    }
}

/// The live properties with what is new, in an item or as one, in the lists that are widened first, and without what `stays` says
/// is gone.
fn widened(kind: &dyn Kind, seen: &Value, goal: &Value, stays: impl Fn(&Value) -> bool) -> Value {
    let mut widened = seen.clone();
    for property in kind.order().widened_first {
        let lists = (widened.get_mut(*property), goal.get(*property));
        if let (Some(Value::Array(has)), Some(Value::Array(shall))) = lists {
            has.retain(|item| shall.contains(item) || stays(item));
            for item in shall {
                match position(kind, property, has, item) {
                    Some(position) => has[position].clone_from(item),
                    None => has.push(item.clone()),
                }
            }
        }
    }
    widened
}

/// Whether an item may name something that is there: a cloud refuses a list that names what is not. The object that it names is
/// missing by this plan, or was by an earlier one, and is not recorded any more. Where the list's object refers to nothing, its
/// items were written out, and nobody knows.
fn may_be_there(state: &State, steps: &[Step], object: &Object, item: &Value) -> bool {
    let is_missing = |seq: Seq| {
        let missing = steps.iter().filter(|step| step.note == Some(Note::Missing));
        missing.filter_map(Step::existing).any(|existing| existing.seq == seq)
    };
    let is_output = |other: &Object| {
        other.outputs.as_object().is_some_and(|outputs| outputs.values().any(|output| output == item))
    };
    let mut named = state.objects().map(|(_, other)| other).filter(|other| is_output(other));
    !item.is_string() || object.dependencies.is_empty() || named.any(|other| !is_missing(other.seq))
}

impl Operator<'_> {
    /// The first call: nothing is taken away, and nothing but the lists is changed. No call where nothing is new.
    pub(crate) async fn widen(&self, step: &Step, steps: &[Step]) -> Result<(), Cause> {
        let kind = self.kind(&step.kind)?;
        let goal = self.goal(step)?;
        let existing = step.existing().ok_or_else(|| Cause::Stale { what: "it has no object".to_owned() })?;
        let object = self.object(step, existing.seq)?;
        let properties = self.widened(&step.address, kind, existing, steps, &object, &goal.properties);
        if properties == existing.seen {
            return Ok(());
        }
        // It depends on both until it has let go.
        let mut dependencies = [goal.dependencies, object.dependencies.clone()].concat();
        dependencies.sort_unstable();
        dependencies.dedup();
        let protect = object.protect;
        self.update(step, kind, object, Goal { properties, dependencies, protect }).await
    }

    fn widened(
        &self,
        address: &Address,
        kind: &dyn Kind,
        existing: &Existing,
        steps: &[Step],
        object: &Object,
        goal: &Value,
    ) -> Value {
        let state = self.journal.state();
        let widened = widened(kind, &existing.seen, goal, |item| may_be_there(&state, steps, object, item));
        with_live(&widened, &existing.seen, self.graph.ignores().of(address))
    }

    /// The second call, or the only one.
    pub(crate) async fn perform_last(
        &self,
        step: &Step,
        steps: &[Step],
        identified: impl FnOnce(),
    ) -> Result<(), Cause> {
        if !is_widened_first(step, self.provider) {
            return self.perform(step, identified).await;
        }
        // As it would have been planned now.
        let (kind, goal) = (self.kind(&step.kind)?, self.goal(step)?.properties);
        let subject = match step.subject.clone() {
            Subject::Both(existing, wanted) => {
                let object = self.object(step, existing.seq)?;
                let seen = self.widened(&step.address, kind, &existing, steps, &object, &goal);
                Subject::Both(Existing { seen, ..existing }, wanted)
            }
            other => other,
        };
        self.perform(&Step { subject, ..step.clone() }, identified).await
    }
}
