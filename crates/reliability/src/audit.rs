//! What is left, compared with what is there when nothing goes wrong.

use std::collections::{BTreeMap, BTreeSet};

use apigw::resources::RestApi;
use aws::tags;
use emulator::{Emulator, Object};
use engine::{Action, Phase, Provider as _, Resource as _};

use crate::meddle::OURS;
use crate::scenario::Stage;
use crate::world::{Sight, World, registry};

/// What is not as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Live objects that nobody knows of.
    pub orphans: Vec<String>,
    /// Live objects of which one too many is there.
    pub duplicates: Vec<String>,
    /// Anything else.
    pub problems: Vec<String>,
}

impl Findings {
    /// Without revisions that are not known any more. An old copy of the state may leave more than one, of which only the newest
    /// is used. They cost nothing, and go with what they belong to, or are what a service can be rolled back to.
    pub(crate) fn but_revisions(mut self) -> Self {
        // Only kinds are asked here, and no call is made.
        let registry = registry(&Emulator::in_memory(), OURS);
        let is_revision = |found: &String| {
            let kind = found.split(' ').next().and_then(|name| registry.kind(name));
            kind.is_some_and(|kind| kind.is_revision())
        };
        self.orphans.retain(|found| !is_revision(found));
        self.duplicates.retain(|found| !is_revision(found));
        self
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.orphans.is_empty() && self.duplicates.is_empty() && self.problems.is_empty()
    }

    pub(crate) fn add(&mut self, other: Findings) {
        self.orphans.extend(other.orphans);
        self.duplicates.extend(other.duplicates);
        self.problems.extend(other.problems);
    }
}

/// Compares a world with the one in which nothing went wrong: live objects are those that are recorded, nothing is there
/// twice, nothing is left open, and there is nothing to do.
#[must_use]
pub fn audit(world: &World, stage: &Stage) -> Findings {
    let mut findings = Findings::default();
    match world.look() {
        Ok(sight) => {
            recorded(&sight, &stage.is, &mut findings);
            live(&sight, &stage.is, &mut findings);
        }
        Err(error) => findings.problems.push(format!("cannot look: {error}")),
    }
    match world.preview(&stage.wanted) {
        Err(error) => findings.problems.push(format!("no plan: {error}")),
        Ok(plan) if plan.is_empty() => {}
        Ok(plan) => {
            let left =
                plan.steps().iter().filter(|step| step.action != Action::Unchanged || step.note.is_some());
            findings.problems.extend(left.map(|step| {
                let paths: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
                format!("left to do: {} {:?} {}", step.address, step.action, paths.join(", "))
            }));
        }
    }
    findings
}

fn recorded(sight: &Sight, should: &Sight, findings: &mut Findings) {
    for (address, slot) in sight.state.slots() {
        if !slot.open.is_empty() {
            findings.problems.push(format!("{address} has an intent whose end is not recorded"));
        }
        if !slot.deposed.is_empty() {
            findings.problems.push(format!("{address} has replaced objects left"));
        }
        if slot.current.as_ref().is_some_and(|object| object.phase != Phase::Ready) {
            findings.problems.push(format!("{address} is recorded as unfinished"));
        }
    }
    let addresses = |sight: &Sight| -> BTreeSet<String> {
        sight.state.objects().map(|(address, _)| address.to_string()).collect()
    };
    let (is, wanted) = (addresses(sight), addresses(should));
    findings.problems.extend(wanted.difference(&is).map(|address| format!("{address} is not recorded")));
    findings.problems.extend(is.difference(&wanted).map(|address| format!("{address} is still recorded")));
}

fn live(sight: &Sight, should: &Sight, findings: &mut Findings) {
    let (is, wanted) = (by_key(sight), by_key(should));
    for (key, objects) in &is {
        let known = wanted.get(key).map_or(0, Vec::len);
        if objects.len() <= known {
            continue;
        }
        let ids: Vec<&str> = objects.iter().map(|object| object.id.as_str()).collect();
        let found = format!("{key}: {} where {known} belong: {}", objects.len(), ids.join(", "));
        if known > 0 || objects.len() > 1 { &mut findings.duplicates } else { &mut findings.orphans }
            .push(found);
    }
    for (key, objects) in &wanted {
        let there = is.get(key).map_or(0, Vec::len);
        if there < objects.len() {
            findings.problems.push(format!("{key}: {there} where {} belong", objects.len()));
        }
    }
    // Of which kinds the state knows the ids, the run without faults says.
    let known = ids(should);
    let nameless: BTreeSet<&str> = should
        .objects
        .iter()
        .filter(|object| !is_in(&known, object))
        .map(|object| object.kind.as_str())
        .collect();
    let known = ids(sight);
    let unknown = sight
        .objects
        .iter()
        .filter(|object| !nameless.contains(object.kind.as_str()) && !is_in(&known, object));
    findings.orphans.extend(unknown.map(|object| format!("{} {} is not recorded", object.kind, object.id)));
}

/// Objects by what they are for: their address where it is in a tag, otherwise their name.
fn by_key(sight: &Sight) -> BTreeMap<String, Vec<&Object>> {
    let mut objects: BTreeMap<String, Vec<&Object>> = BTreeMap::new();
    for object in &sight.objects {
        let what = object.tags.get(tags::ADDRESS).or(object.name.as_ref()).map_or("", String::as_str);
        let what = of_our_api(sight, what).unwrap_or_else(|| what.to_owned());
        objects.entry(format!("{} {what}", object.kind)).or_default().push(object);
    }
    objects
}

/// The log group that API Gateway names after an API, which has another id in each world, if that API is there.
fn of_our_api(sight: &Sight, name: &str) -> Option<String> {
    let (prefix, api) = name.split_once('_')?;
    let (api, stage) = api.split_once('/')?;
    let is_api = |object: &Object| object.kind == RestApi::KIND && object.id == api;
    let ours = prefix == "API-Gateway-Execution-Logs" && sight.objects.iter().any(is_api);
    ours.then(|| format!("{prefix} of {stage}"))
}

/// All that the state says of its objects, as one text.
fn ids(sight: &Sight) -> String {
    sight.state.objects().map(|(_, object)| format!("{} {}\n", object.properties, object.outputs)).collect()
}

fn is_in(known: &str, object: &Object) -> bool {
    object.id.split('|').all(|part| known.contains(part))
}

#[cfg(test)]
mod tests {
    use apigw::resources::Deployment;
    use engine::Resolved;
    use vpc::resources::Vpc;

    use super::*;

    #[test]
    fn an_old_copy_may_leave_revisions_and_nothing_else() {
        let of = |kind: &str| format!("{kind} payment-dev: 2 where 1 belong: a, b");
        let both = vec![of(Deployment::<Resolved>::KIND), of(Vpc::KIND)];
        let found = Findings { orphans: both.clone(), duplicates: both.clone(), problems: both.clone() };
        let left = found.but_revisions();
        assert_eq!((&left.orphans, &left.duplicates), (&vec![of(Vpc::KIND)], &vec![of(Vpc::KIND)]));
        assert_eq!(left.problems, both);
    }
}
