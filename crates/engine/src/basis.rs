//! What a plan was made from, in digests: enough for another process to tell later whether the same plan would be made again, and
//! if not, what has changed. No value is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::address::Address;
use crate::diff::PropertyChange;
use crate::event::Seq;
use crate::loss::Contents;
use crate::plan::Plan;
use crate::removal::{Fate, Removal};
use crate::state::{Phase, hex};
use crate::step::{Action, Note, ReplaceOrder, Step};

/// Digests of single properties, by name.
type Digests = BTreeMap<String, String>;

/// What a plan was made from: [`Plan::basis`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The random name of the state; empty where nothing was recorded yet.
    pub lineage: String,
    /// How many records it had.
    pub records: u64,
    /// A digest of what was recorded at each address.
    pub recorded: BTreeMap<Address, String>,
    /// A digest of the outputs that are declared.
    pub outputs: String,
    /// What was decided for each resource, and from what.
    pub steps: Vec<Decided>,
}

/// What was decided for a resource, and from what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The resource.
    pub address: Address,
    /// Its object, where there is one.
    pub object: Option<Seq>,
    /// A digest of what happens to it, with every property that changes.
    pub decision: String,
    /// Digests of its live properties. `None` where there is no object, or it is still being set up, so that it may look different
    /// from one moment to the next.
    pub live: Option<Digests>,
    /// Digests of the properties that are declared; `None` where nothing is.
    pub declared: Option<Digests>,
}

/// What is not as it was when a plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Since {
    /// It is another state: one that was begun anew, or that belongs to something else.
    OtherState,
    /// What is recorded at an address.
    Recorded(Address),
    /// A live property; without a property, the object has appeared or disappeared.
    Live(Address, Option<String>),
    /// A property that is declared; without a property, the resource is declared only now, or not any more.
    Declared(Address, Option<String>),
    /// The outputs that are declared.
    Outputs,
    /// Something else is decided for a resource, though nothing else has changed.
    Decision(Address),
}

impl Plan {
    /// What this plan was made from. Two plans with the same basis do the same.
    #[must_use]
    pub fn basis(&self) -> Basis {
        let state = &self.state;
        Basis {
            lineage: if state.records == 0 { String::new() } else { state.lineage.clone() },
            records: state.records,
            recorded: state.slots().map(|(address, slot)| (address.clone(), digest(&json!(slot)))).collect(),
            outputs: digest(self.graph.exports()),
            steps: self.steps().iter().map(decided).collect(),
        }
    }
}

impl Basis {
    /// What has changed until `now`, each thing once. Empty if the same plan is made from both.
    #[must_use]
    pub fn changed(&self, now: &Basis) -> Vec<Since> {
        // A state that did not exist yet has got its name since.
        if !self.lineage.is_empty() && self.lineage != now.lineage {
            return vec![Since::OtherState];
        }
        let mut found: Vec<Since> =
            differing(&self.recorded, &now.recorded).into_iter().cloned().map(Since::Recorded).collect();
        let (then, now_by_key) = (by_key(self), by_key(now));
        let keys = || then.keys().chain(now_by_key.keys().filter(|key| !then.contains_key(*key)));
        for key in keys() {
            let address = || key.0.clone();
            let (old, new) = (then.get(key).copied(), now_by_key.get(key).copied());
            let live = (old.map(|it| it.live.as_ref()), new.map(|it| it.live.as_ref()));
            // What is not in one of the plans at all shows in what is recorded or declared.
            if let (Some(old), Some(new)) = live {
                properties(old, new, |property| found.push(Since::Live(address(), property)));
            }
        }
        for key in keys() {
            let declared =
                |plans: &BTreeMap<Key<'_>, &Decided>| plans.get(key).and_then(|it| it.declared.clone());
            let (old, new) = (declared(&then), declared(&now_by_key));
            properties(old.as_ref(), new.as_ref(), |property| {
                found.push(Since::Declared(key.0.clone(), property));
            });
        }
        if self.outputs != now.outputs {
            found.push(Since::Outputs);
        }
        if found.is_empty() {
            let decision = |plans: &BTreeMap<Key<'_>, &Decided>, key| {
                plans.get(key).map(|it: &&Decided| it.decision.clone())
            };
            let other = keys().filter(|key| decision(&then, *key) != decision(&now_by_key, *key));
            found.extend(other.map(|key| Since::Decision(key.0.clone())));
        }
        found
    }
}

/// An address has an object, and there may be others that were replaced and are still there. An object that is known, and its
/// lack, are two: what is recorded tells them apart.
type Key<'a> = (&'a Address, Option<Seq>);

fn by_key(basis: &Basis) -> BTreeMap<Key<'_>, &Decided> {
    basis.steps.iter().map(|step| ((&step.address, step.object), step)).collect()
}

/// The keys whose values are not the same, or that are in one of them only.
fn differing<'m, K: Ord>(one: &'m BTreeMap<K, String>, other: &'m BTreeMap<K, String>) -> Vec<&'m K> {
    let gone_or_changed = one.iter().filter(|(key, value)| other.get(*key) != Some(value));
    let new = other.iter().filter(|(key, _)| !one.contains_key(*key));
    gone_or_changed.chain(new).map(|(key, _)| key).collect()
}

fn properties(one: Option<&Digests>, other: Option<&Digests>, mut found: impl FnMut(Option<String>)) {
    match (one, other) {
        (None, None) => {}
        (Some(one), Some(other)) => {
            differing(one, other).into_iter().for_each(|property| found(Some(property.clone())));
        }
        (Some(_), None) | (None, Some(_)) => found(None),
    }
}

fn decided(step: &Step) -> Decided {
    let is_settled = step.existing().is_some_and(|existing| existing.phase == Phase::Ready);
    Decided {
        address: step.address.clone(),
        object: step.existing().map(|existing| existing.seq),
        decision: digest(&decision(step)),
        live: step.live().filter(|_| is_settled).map(|live| digests(&taken(step, live), unordered)),
        declared: step.desired().map(|desired| digests(desired, digest)),
    }
}

/// The live properties, where what is accepted is as declared: it may be another value each time.
fn taken(step: &Step, live: &Value) -> Value {
    let mut live = live.clone();
    if let Value::Object(properties) = &mut live {
        for accepted in step.accepted() {
            match accepted.declared.is_null() {
                true => properties.remove(&accepted.property),
                false => properties.insert(accepted.property.clone(), accepted.declared.clone()),
            };
        }
    }
    live
}

fn decision(step: &Step) -> Value {
    let (action, because, order) = match &step.action {
        Action::Create => ("create", Vec::new(), None),
        Action::Update => ("update", Vec::new(), None),
        Action::Replace { because, order } => {
            ("replace", because.iter().collect(), Some(*order == ReplaceOrder::CreateFirst))
        }
        Action::Delete => ("delete", Vec::new(), None),
        Action::Unchanged => ("unchanged", Vec::new(), None),
    };
    let note = step.note.map(|note| match note {
        Note::Unfinished => "unfinished",
        Note::Missing => "missing",
        Note::Deposed => "deposed",
        Note::TakenBack => "taken_back",
    });
    let change =
        |change: &PropertyChange| json!([change.path, change.before.as_ref().map(unordered), change.after]);
    let changes: Vec<Value> = step.changes.iter().map(change).collect();
    json!({
        "kind": step.kind,
        "action": action,
        "because": because,
        "creates_first": order,
        "note": note,
        "changes": changes,
        "record": step.record,
        "removal": step.removal().map(removal),
        "lowered": step.lowered().iter().map(|one| json!([one.property, one.words])).collect::<Vec<_>>(),
    })
}

/// How much there is in an object changes all the time, such as the lines of a log; whether there is something does not.
fn removal(removal: &Removal) -> Value {
    let fate = match removal.fate {
        Fate::Lost => json!("lost"),
        Fate::Copied(copy) => json!(["copied", copy]),
        Fate::Retained => json!("retained"),
    };
    let holds = match removal.contents {
        Contents::Unknown => "unknown",
        Contents::Empty => "nothing",
        Contents::Some { .. } => "something",
    };
    json!([removal.kind, removal.name, fate, removal.loss.words(), holds])
}

fn digests(properties: &Value, digest: fn(&Value) -> String) -> Digests {
    let Value::Object(properties) = properties else { return Digests::new() };
    properties.iter().map(|(name, value)| (name.clone(), digest(value))).collect()
}

/// A digest of a value, which is not in it: 32 hexadecimal digits.
#[must_use]
pub fn digest(value: &Value) -> String {
    hex(&Sha256::digest(canonical(value, false).to_string())[..16])
}

/// One that is the same for lists with the same elements in another order: some of the cloud's answers have none.
fn unordered(value: &Value) -> String {
    digest(&canonical(value, true))
}

/// Names in their order, whatever keeps the value; and the elements of lists, where theirs does not count.
fn canonical(value: &Value, sorted: bool) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical(item, sorted)).collect();
            if sorted {
                items.sort_by_cached_key(Value::to_string);
            }
            Value::Array(items)
        }
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> =
                fields.iter().map(|(name, value)| (name.clone(), canonical(value, sorted))).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(Map::from_iter(fields))
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_counts_only_where_somebody_gave_it() {
        let (one, other) = (json!({ "A": [1, { "B": "x" }] }), json!({ "A": [{ "B": "x" }, 1] }));
        assert_eq!(unordered(&one), unordered(&other));
        assert_ne!(digest(&one), digest(&other));
        assert_ne!(unordered(&one), unordered(&json!({ "A": [1, 1, { "B": "x" }] })));
        assert_eq!(digest(&one).len(), 32);
    }

    #[test]
    fn a_property_that_came_went_or_changed_is_named_and_an_object_that_did_is_not_taken_apart() {
        let of = |value: Value| Some(digests(&value, digest));
        let told = |one: Option<Digests>, other: Option<Digests>| {
            let mut found = Vec::new();
            properties(one.as_ref(), other.as_ref(), |property| found.push(property));
            found
        };
        let both = told(of(json!({ "A": 1, "B": 1 })), of(json!({ "A": 2, "C": 1 })));
        assert_eq!(both, ["A", "B", "C"].map(|name| Some(name.to_owned())));
        assert_eq!(told(of(json!({ "A": 1 })), None), [None]);
        assert_eq!(told(None, None), []);
    }
}
