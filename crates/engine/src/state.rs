//! What is known of the world: the fold of the journal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::event::{Event, Intended, Mutation, Operation, Seq};
use crate::references;

pub use self::open::Open;

/// How far the creation of an object has come.
///
/// Exhaustive on purpose: whoever judges what is recorded must know what each means for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its identity is known, but it was not seen ready yet.
    Creating,
    /// It is ready.
    Ready,
    /// A change of it was interrupted: outputs that change with it are not known, nor whether it is ready.
    Changing,
    /// It will never be ready.
    Broken,
}

/// An object that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Its identity in state: the record number of the intent that created it.
    pub seq: Seq,
    /// Its kind.
    pub kind: String,
    /// Properties as last sent.
    pub properties: Value,
    /// Outputs.
    pub outputs: Value,
    /// The resources that it refers to.
    pub dependencies: Vec<Address>,
    /// Whether it must not be deleted or replaced.
    pub protect: bool,
    /// How far its creation has come.
    pub phase: Phase,
    /// Whether it was there already when it was to be created, so that it may hold something though it never was ready.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// Whether a call to delete it may have been accepted, so that it may be gone any moment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removing: bool,
    /// The address that it was made at, where that is a former one of its resource. What it carries says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Address>,
}

impl Object {
    /// Whether a run has begun to create or change it, and it was not seen ready since.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self.phase, Phase::Creating | Phase::Changing)
    }

    /// The address that what the object carries names, of a resource that is at `address` now.
    pub(crate) fn marked_with<'a>(&'a self, address: &'a Address) -> &'a Address {
        self.made_at.as_ref().unwrap_or(address)
    }
}

/// All that is known at one address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The object that the address means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Object>,
    /// Objects that were replaced and are not deleted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposed: Vec<Object>,
    /// Intents whose end is not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Open>,
}

impl Slot {
    fn is_empty(&self) -> bool {
        self.current.is_none() && self.deposed.is_empty() && self.open.is_empty()
    }

    /// Every object, replaced ones included.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.current.iter().chain(&self.deposed)
    }

    pub(crate) fn object(&self, seq: Seq) -> Option<&Object> {
        self.objects().find(|object| object.seq == seq)
    }

    fn object_mut(&mut self, seq: Seq) -> Option<&mut Object> {
        self.current.iter_mut().chain(&mut self.deposed).find(|object| object.seq == seq)
    }

    /// Whether a run has begun something here of which no end is recorded.
    #[must_use]
    pub fn is_in_hand(&self) -> bool {
        !self.open.is_empty() || self.objects().any(Object::is_unfinished)
    }

    pub(crate) fn open_create(&self) -> Option<&Open> {
        self.open.iter().find(|open| open.mutation == Mutation::Create)
    }
}

/// What the last run left out, because it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    /// What was asked for, in the program's words.
    pub run: String,
    /// Where there was something to do.
    pub addresses: Vec<Address>,
}

/// An event that cannot follow what was recorded before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot follow: {reason}")]
pub struct IllegalEvent {
    event: &'static str,
    reason: String,
}

/// All objects and open intents, by address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Random name of this state, from which tokens are derived.
    pub lineage: String,
    /// Number of the last record folded in.
    pub records: u64,
    slots: BTreeMap<Address, Slot>,
    /// Which address an open intent or unfinished object belongs to.
    #[serde(skip)]
    owners: BTreeMap<Seq, Address>,
    /// The stack's outputs, as references.
    #[serde(default)]
    exports: Value,
    /// The account and region that the objects live in, in the program's words.
    #[serde(default)]
    bound_to: Option<String>,
    /// The stack that the objects belong to, in the program's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    /// Where nothing may be deleted or replaced, whatever is declared. It is about the resource, not about one object: one that
    /// disappeared and was made again is as protected.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    protected: BTreeSet<Address>,
    /// What the last run left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial: Option<Partial>,
    /// What the program wants to know, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    remembered: BTreeMap<String, Value>,
}

impl State {
    /// An empty state.
    #[must_use]
    pub fn new(lineage: &str) -> Self {
        Self { lineage: lineage.to_owned(), ..Self::default() }
    }

    /// What is known at each address.
    pub fn slots(&self) -> impl Iterator<Item = (&Address, &Slot)> {
        self.slots.iter()
    }

    /// What is known at one address.
    #[must_use]
    pub fn slot(&self, address: &str) -> Option<&Slot> {
        self.slots.get(address)
    }

    /// The object that an address means.
    #[must_use]
    pub fn current(&self, address: &str) -> Option<&Object> {
        self.slots.get(address)?.current.as_ref()
    }

    /// Every object, replaced ones included, with its address.
    pub fn objects(&self) -> impl Iterator<Item = (&Address, &Object)> {
        self.slots.iter().flat_map(|(address, slot)| slot.objects().map(move |object| (address, object)))
    }

    /// Whether nothing exists and nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// One output of the object that an address means.
    #[must_use]
    pub fn output(&self, address: &str, attr: &str) -> Option<&Value> {
        self.current(address)?.outputs.get(attr)
    }

    /// Replaces the references in `value` by the outputs that are known.
    #[must_use]
    pub fn resolve(&self, value: &Value) -> Value {
        references::resolve(value, &|found| self.output(found.address, found.attr).cloned())
    }

    /// The stack's outputs that are known, by name.
    #[must_use]
    pub fn exports(&self) -> BTreeMap<String, Value> {
        let Value::Object(values) = &self.exports else { return BTreeMap::new() };
        values
            .iter()
            .map(|(name, value)| (name.clone(), self.resolve(value)))
            .filter(|(_, value)| references::is_known(value))
            .collect()
    }

    /// What the objects were bound to when the state was last opened.
    #[must_use]
    pub fn bound_to(&self) -> Option<&str> {
        self.bound_to.as_deref()
    }

    /// The stack that the objects belonged to when the state was last opened.
    #[must_use]
    pub fn stack(&self) -> Option<&str> {
        self.stack.as_deref()
    }

    /// The resources that somebody has protected by itself, beside what is declared: nothing there is deleted or replaced.
    pub fn protected(&self) -> impl Iterator<Item = &Address> {
        self.protected.iter()
    }

    /// Whether somebody has protected this resource by itself.
    #[must_use]
    pub fn is_protected(&self, address: &str) -> bool {
        self.protected.contains(address)
    }

    /// What the last run left out, if it was asked to.
    #[must_use]
    pub fn partial(&self) -> Option<&Partial> {
        self.partial.as_ref()
    }

    /// What [`Session::remember`](crate::Session::remember) or [`Ledger::remember`](crate::Ledger::remember) recorded last under
    /// this name.
    #[must_use]
    pub fn remembered(&self, name: &str) -> Option<&Value> {
        self.remembered.get(name)
    }

    pub(crate) fn exports_declared(&self) -> &Value {
        &self.exports
    }

    /// The token of the intent that would be the next record for this address.
    pub(crate) fn token(&self, address: &Address) -> String {
        let mut hash = Sha256::new();
        hash.update(self.lineage.as_bytes());
        hash.update([0]);
        hash.update(address.as_str().as_bytes());
        hash.update([0]);
        hash.update((self.records + 1).to_be_bytes());
        hex(&hash.finalize()[..16])
    }

    /// Rebuilds what is not serialised.
    pub(crate) fn index(&mut self) {
        self.owners = self
            .slots
            .iter()
            .flat_map(|(address, slot)| {
                let open = slot.open.iter().map(|open| open.seq);
                slot.objects().map(|object| object.seq).chain(open).map(|seq| (seq, address.clone()))
            })
            .collect();
    }

    /// The state after `event`, which has record number `self.records + 1`. Pure; an event that cannot follow is
    /// an error, and then nothing changes.
    ///
    /// # Errors
    /// [`IllegalEvent`] says what is wrong.
    pub fn next(mut self, event: &Event) -> Result<Self, IllegalEvent> {
        self.fold(event)?;
        Ok(self)
    }

    /// [`next`](State::next) in place.
    pub(crate) fn fold(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        let record = self.records + 1;
        match event {
            Event::Opened { bound_to, stack, .. } => {
                if bound_to.is_some() {
                    self.bound_to.clone_from(bound_to);
                }
                if stack.is_some() {
                    self.stack.clone_from(stack);
                }
            }
            Event::Dropped { .. } | Event::Ended { .. } => {}
            Event::LeftOut { run, addresses } => {
                let partial = || Partial { run: run.clone(), addresses: addresses.clone() };
                self.partial = (!addresses.is_empty()).then(partial);
            }
            Event::Remembered { name, value: Some(value) } => {
                self.remembered.insert(name.clone(), value.clone());
            }
            Event::Remembered { name, value: None } => {
                self.remembered.remove(name);
            }
            Event::Exports { values } => self.exports = values.clone(),
            Event::Intent(intended) => self.begin(Seq::of_record(record), intended)?,
            Event::Created { seq, outputs, adopted } => {
                let created = |mutation| (mutation == Mutation::Create).then_some(());
                let (address, open, ()) = self.close("created", *seq, created)?;
                let slot = self.slots.entry(address).or_default();
                let created = Object {
                    seq: *seq,
                    kind: open.kind,
                    properties: open.properties,
                    outputs: outputs.clone(),
                    dependencies: open.dependencies,
                    protect: open.protect,
                    phase: Phase::Creating,
                    adopted: *adopted,
                    removing: false,
                    made_at: None,
                };
                slot.deposed.extend(slot.current.replace(created));
            }
            Event::Ready { seq, outputs } => self.ready(*seq, outputs)?,
            Event::Broken { seq, .. } => self.broken(*seq)?,
            Event::Gone { seq } => {
                let deleted = |mutation| match mutation {
                    Mutation::Delete(object) => Some(object),
                    Mutation::Create | Mutation::Update(_) => None,
                };
                let (address, _, object) = self.close("gone", *seq, deleted)?;
                self.remove(&address, object);
                self.owners.remove(seq);
            }
            Event::Failed { seq, .. } => {
                let (address, _, ()) = self.close("failed", *seq, |_| Some(()))?;
                self.owners.remove(seq);
                self.drop_if_empty(&address);
            }
            Event::Observed { seq, properties } => {
                let (address, open, object) = self.close("observed", *seq, Mutation::object)?;
                self.owners.remove(seq);
                let object = self.existing("observed", &address, object)?;
                object.properties = properties.clone();
                object.removing |= open.mutation.operation() == Operation::Delete;
                if open.mutation.operation() == Operation::Update {
                    object.phase = Phase::Changing;
                    // Some of it may have happened: the object may refer to what it did and to what it shall.
                    object.dependencies.extend(open.dependencies);
                    object.dependencies.sort_unstable();
                    object.dependencies.dedup();
                }
            }
            Event::Missing { address, object } | Event::Released { address, object } => {
                self.existing("missing or released", address, *object)?;
                // What was begun with it has no object any more.
                if let Some(slot) = self.slots.get_mut(address) {
                    for open in slot.open.extract_if(.., |open| open.mutation.object() == Some(*object)) {
                        self.owners.remove(&open.seq);
                    }
                }
                self.remove(address, *object);
            }
            Event::Forgotten { addresses } => self.forget(addresses)?,
            Event::Protected { addresses } => self.protect(addresses)?,
            Event::Unprotected { addresses } => self.unprotect(addresses)?,
            Event::Restored { address, object } => self.restore(address, *object)?,
            Event::Moved { address, to } => self.relocate(address, to)?,
            Event::Recorded { address, object, properties, dependencies, protect } => {
                let object = self.existing("recorded", address, *object)?;
                object.properties = properties.clone();
                object.dependencies.clone_from(dependencies);
                object.protect = *protect;
            }
        }
        self.records = record;
        Ok(())
    }

    fn begin(&mut self, seq: Seq, intended: &Intended) -> Result<(), IllegalEvent> {
        let illegal = |reason: String| Err(IllegalEvent { event: "intent", reason });
        let Intended { address, kind, mutation, token, properties, dependencies, protect } = intended;
        let slot = self.slots.get(address);
        match *mutation {
            Mutation::Create => {
                if let Some(earlier) = slot.and_then(Slot::open_create) {
                    return illegal(format!("{address} has the open create of record {}", earlier.seq));
                }
            }
            Mutation::Update(object) | Mutation::Delete(object) => {
                if slot.and_then(|slot| slot.object(object)).is_none() {
                    return illegal(format!("{address} has no object {object}"));
                }
                let same = |open: &&Open| open.mutation.object() == Some(object);
                if let Some(earlier) = slot.and_then(|slot| slot.open.iter().find(same)) {
                    return illegal(format!(
                        "object {object} of {address} has the open intent {}",
                        earlier.seq
                    ));
                }
            }
        }
        let open = Open {
            seq,
            mutation: *mutation,
            token: token.clone(),
            kind: kind.clone(),
            properties: properties.clone(),
            dependencies: dependencies.clone(),
            protect: *protect,
        };
        self.owners.insert(seq, address.clone());
        self.slots.entry(address.clone()).or_default().open.push(open);
        Ok(())
    }

    /// Takes the open intent `seq` out, if there is one and it fits, and also gives what fits of it.
    fn close<T>(
        &mut self,
        event: &'static str,
        seq: Seq,
        fits: impl Fn(Mutation) -> Option<T>,
    ) -> Result<(Address, Open, T), IllegalEvent> {
        let illegal = || IllegalEvent { event, reason: format!("record {seq} is not such an open intent") };
        let address = self.owners.get(&seq).cloned().ok_or_else(illegal)?;
        let slot = self.slots.get_mut(&address).ok_or_else(illegal)?;
        let position = slot.open.iter().position(|open| open.seq == seq).ok_or_else(illegal)?;
        let fitting = fits(slot.open[position].mutation).ok_or_else(illegal)?;
        Ok((address, slot.open.remove(position), fitting))
    }

    fn ready(&mut self, seq: Seq, outputs: &Value) -> Result<(), IllegalEvent> {
        let illegal = |reason: String| IllegalEvent { event: "ready", reason };
        let address =
            self.owners.get(&seq).cloned().ok_or_else(|| illegal(format!("record {seq} is not open")))?;
        let slot = self.slots.entry(address.clone()).or_default();
        if let Some(object) = slot.object_mut(seq) {
            if !matches!(object.phase, Phase::Creating | Phase::Changing) {
                return Err(illegal(format!("object {seq} of {address} is {:?}", object.phase)));
            }
            object.phase = Phase::Ready;
            object.outputs = outputs.clone();
            return Ok(());
        }
        let updated = |mutation| match mutation {
            Mutation::Update(object) => Some(object),
            Mutation::Create | Mutation::Delete(_) => None,
        };
        let (_, open, object) = self.close("ready", seq, updated)?;
        self.owners.remove(&seq);
        let object = self.existing("ready", &address, object)?;
        object.properties = open.properties;
        object.dependencies = open.dependencies;
        object.protect = open.protect;
        object.outputs = outputs.clone();
        object.phase = Phase::Ready;
        Ok(())
    }

    fn broken(&mut self, seq: Seq) -> Result<(), IllegalEvent> {
        let illegal =
            || IllegalEvent { event: "broken", reason: format!("record {seq} is not being created") };
        let address = self.owners.get(&seq).ok_or_else(illegal)?;
        let object = self.slots.get_mut(address).and_then(|slot| slot.object_mut(seq)).ok_or_else(illegal)?;
        if object.phase != Phase::Creating {
            return Err(illegal());
        }
        object.phase = Phase::Broken;
        Ok(())
    }

    fn restore(&mut self, address: &Address, object: Seq) -> Result<(), IllegalEvent> {
        let slot = self.slots.get_mut(address);
        let replaced = |slot: &Slot| slot.deposed.iter().position(|deposed| deposed.seq == object);
        let Some((slot, position)) = slot.and_then(|slot| replaced(slot).map(|position| (slot, position)))
        else {
            let reason = format!("{address} has no replaced object {object}");
            return Err(IllegalEvent { event: "restored", reason });
        };
        let restored = slot.deposed.remove(position);
        slot.deposed.extend(slot.current.replace(restored));
        Ok(())
    }

    /// Everything at an address, and everything that names it.
    fn relocate(&mut self, address: &Address, to: &Address) -> Result<(), IllegalEvent> {
        let illegal = |reason: String| Err(IllegalEvent { event: "moved", reason });
        if self.slots.contains_key(to) {
            return illegal(format!("{to} is taken"));
        }
        let Some(mut slot) = self.slots.remove(address) else {
            return illegal(format!("nothing is known of {address}"));
        };
        for object in slot.current.iter_mut().chain(&mut slot.deposed) {
            object.made_at.get_or_insert_with(|| address.clone());
        }
        self.slots.insert(to.clone(), slot);
        for owner in self.owners.values_mut().filter(|owner| *owner == address) {
            owner.clone_from(to);
        }
        let renamed = |dependencies: &mut Vec<Address>| {
            for dependency in dependencies.iter_mut().filter(|dependency| *dependency == address) {
                dependency.clone_from(to);
            }
            dependencies.sort_unstable();
        };
        for slot in self.slots.values_mut() {
            slot.current.iter_mut().chain(&mut slot.deposed).for_each(|one| renamed(&mut one.dependencies));
            slot.open.iter_mut().for_each(|open| renamed(&mut open.dependencies));
        }
        self.partial.iter_mut().for_each(|partial| renamed(&mut partial.addresses));
        references::rename(&mut self.exports, address.as_str(), to.as_str());
        if self.protected.remove(address) {
            self.protected.insert(to.clone());
        }
        Ok(())
    }

    fn existing(
        &mut self,
        event: &'static str,
        address: &Address,
        seq: Seq,
    ) -> Result<&mut Object, IllegalEvent> {
        self.slots
            .get_mut(address)
            .and_then(|slot| slot.object_mut(seq))
            .ok_or_else(|| IllegalEvent { event, reason: format!("{address} has no object {seq}") })
    }

    fn remove(&mut self, address: &Address, object: Seq) {
        if let Some(slot) = self.slots.get_mut(address) {
            if slot.current.as_ref().is_some_and(|current| current.seq == object) {
                slot.current = None;
            }
            slot.deposed.retain(|deposed| deposed.seq != object);
            self.owners.remove(&object);
        }
        self.drop_if_empty(address);
    }

    fn drop_if_empty(&mut self, address: &Address) {
        if self.slots.get(address).is_some_and(Slot::is_empty) {
            self.slots.remove(address);
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

mod by_itself;
mod open;

#[cfg(test)]
mod tests;
