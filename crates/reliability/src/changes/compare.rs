//! What a run did, compared with what its plan showed.

use std::collections::{BTreeMap, BTreeSet};

use aws::tags;
use emulator::Object;
use engine::{Action, Address, Note, Phase, Plan, Reading, State, Step, Survey, diff};
use serde_json::Value as Json;

use crate::world::World;

/// A stack at one moment.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) survey: Survey,
    pub(super) objects: Vec<Object>,
}

impl Moment {
    pub(super) fn of(world: &World) -> Result<Self, String> {
        Ok(Self { survey: world.survey()?, objects: world.look()?.objects })
    }
}

/// What happened and the plan did not show, and what is not as it should be.
pub(super) fn surprises(plan: &Plan, before: &Moment, after: &Moment) -> Vec<String> {
    let mut found = Vec::new();
    recorded(&after.survey.state, &mut found);
    let mut steps: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    plan.steps().iter().for_each(|step| steps.entry(step.address.as_str()).or_default().push(step));
    let of = |address: &str| steps.get(address).map_or(&[][..], Vec::as_slice);
    properties(&of, before, after, &mut found);
    objects(plan, &of, before, after, &mut found);
    found
}

/// Nothing is open, and nothing is left of what was replaced.
fn recorded(state: &State, found: &mut Vec<String>) {
    for (address, slot) in state.slots() {
        if !slot.open.is_empty() {
            found.push(format!("{address} has an intent whose end is not recorded"));
        }
        if !slot.deposed.is_empty() {
            found.push(format!("{address} has replaced objects left"));
        }
        if slot.current.as_ref().is_some_and(|object| object.phase != Phase::Ready) {
            found.push(format!("{address} is recorded as unfinished"));
        }
    }
}

fn live<'a>(moment: &'a Moment, address: &str) -> Option<&'a Json> {
    let current = moment.survey.state.current(address)?;
    moment.survey.objects().find_map(|(at, object, reading)| match reading {
        Reading::Found(live) if at.as_str() == address && object.seq == current.seq => Some(live),
        _ => None,
    })
}

fn properties<'a>(
    of: &impl Fn(&str) -> &'a [&'a Step],
    before: &Moment,
    after: &Moment,
    found: &mut Vec<String>,
) {
    let addresses = |moment: &Moment| -> BTreeSet<Address> {
        moment.survey.state.objects().map(|(address, _)| address.clone()).collect()
    };
    for address in addresses(before).union(&addresses(after)) {
        let address = address.as_str();
        let steps = of(address);
        let is = |test: &dyn Fn(&Action) -> bool| steps.iter().any(|step| test(&step.action));
        let taken_back = steps.iter().any(|step| step.note == Some(Note::TakenBack));
        let (was, now) = (before.survey.state.current(address), after.survey.state.current(address));
        match (was, now) {
            (Some(was), Some(now)) if was.seq == now.seq => {
                let (Some(old), Some(new)) = (live(before, address), live(after, address)) else { continue };
                let lists = after.survey.facts(&now.kind).map_or(&[][..], |facts| facts.lists);
                for change in diff(old, new, lists) {
                    let announced = steps
                        .iter()
                        .flat_map(|step| &step.changes)
                        .any(|shown| shown.property() == change.property());
                    if !announced {
                        found.push(format!("{address}: {} changed, which no plan showed", change.property()));
                    }
                }
            }
            (Some(_), Some(_)) if !is(&|action| matches!(action, Action::Replace { .. })) && !taken_back => {
                found.push(format!("{address} is another object, and no plan showed that"));
            }
            (Some(_), None) if !is(&|action| *action == Action::Delete) => {
                found.push(format!("{address} is gone, and no plan showed that"));
            }
            (None, Some(_)) if !is(&|action| *action == Action::Create) => {
                found.push(format!("{address} is new, and no plan showed that"));
            }
            _ => {}
        }
    }
}

fn objects<'a>(
    plan: &Plan,
    of: &impl Fn(&str) -> &'a [&'a Step],
    before: &Moment,
    after: &Moment,
    found: &mut Vec<String>,
) {
    let keys = |moment: &Moment| -> BTreeSet<(String, String)> {
        moment.objects.iter().map(|object| (object.kind.clone(), object.id.clone())).collect()
    };
    let (was, is) = (keys(before), keys(after));
    for (here, there, word) in [(before, &is, "gone"), (after, &was, "new")] {
        for object in
            here.objects.iter().filter(|object| !there.contains(&(object.kind.clone(), object.id.clone())))
        {
            let Some(address) = address_of(object, here) else {
                found.push(format!("{} {} is {word}, and is recorded nowhere", object.kind, object.id));
                continue;
            };
            let fits = |step: &&Step| match step.action {
                Action::Replace { .. } => true,
                Action::Delete => word == "gone",
                Action::Create => word == "new",
                _ => step.note == Some(Note::TakenBack),
            };
            // A list of parts, such as the rules of a group, may be a property of the whole.
            let is_part = object.part_of.is_some() && of(&address).iter().any(|step| step.is_change());
            // A subscription that nobody has confirmed has no id that could be recorded.
            let of_its_kind = || plan.steps().iter().filter(|step| step.kind == object.kind);
            let is_nameless = object.part_of.is_some() && of_its_kind().any(|step| fits(&step));
            if !of(&address).iter().any(fits) && !is_part && !is_nameless {
                found.push(format!(
                    "{} {} of {address} is {word}, and no plan showed that",
                    object.kind, object.id
                ));
            }
        }
    }
}

/// The address of what an object is, or of what it is a part of.
pub(super) fn address_of(object: &Object, at: &Moment) -> Option<String> {
    if let Some(address) = object.tags.get(tags::ADDRESS) {
        return Some(address.clone());
    }
    let state = &at.survey.state;
    let knows = |known: &engine::Object| {
        let text = format!("{} {}", known.properties, known.outputs);
        known.kind == object.kind && object.id.split('|').all(|part| text.contains(part))
    };
    let own = state.objects().find(|(_, known)| knows(known)).map(|(address, _)| address.to_string());
    own.or_else(|| {
        let whole = object.part_of.as_ref()?;
        let whole = at.objects.iter().find(|other| other.id == *whole && other.id != object.id)?;
        address_of(whole, at)
    })
}
