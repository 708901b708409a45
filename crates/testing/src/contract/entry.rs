//! What a tier says of one of its kinds.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Component, Declaration, Declares, OutputsOf, Resource, Scope};
use serde_json::Value;

/// The first segment of all addresses.
const TIER: &str = "contract";
const NAME: &str = "subject";

/// Where an entry adds what its resource needs.
pub struct Around<I> {
    scope: Scope,
    /// What a whole tier declares. Only what the resource refers to is made.
    tier: Vec<Declaration>,
    /// What other tiers would declare.
    pub inputs: I,
}

impl Default for Around<()> {
    fn default() -> Self {
        Self::new(())
    }
}

impl<I> Around<I> {
    pub(super) fn new(inputs: I) -> Self {
        Self { scope: Scope::new(), tier: Vec::new(), inputs }
    }

    /// Declares a whole tier, so that entries can be taken from it as they are.
    ///
    /// # Panics
    /// Where an argument cannot work.
    pub fn tier<C: Component>(&mut self, tier: &C, inputs: &C::Inputs) {
        let mut scope = Scope::new();
        tier.declare_in(&mut scope, inputs).unwrap_or_else(|error| panic!("{}: {error}", C::NAME));
        self.tier = scope.declarations().to_vec();
    }

    /// A resource of the tier.
    ///
    /// # Panics
    /// Where the tier does not declare it, or as another kind.
    #[must_use]
    pub fn of_tier<D: Declares>(&self, address: &str) -> D {
        let found = self.tier.iter().find(|declaration| declaration.address.as_str() == address);
        let found = found.unwrap_or_else(|| panic!("the tier does not declare {address}"));
        assert_eq!(found.kind, D::Resolved::KIND, "{address}");
        serde_json::from_value(found.properties.clone()).unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// The outputs of a resource of the tier.
    ///
    /// # Panics
    /// As [`of_tier`](Self::of_tier).
    #[must_use]
    pub fn outputs<D: Declares>(&self, address: &str) -> OutputsOf<D> {
        let added = Scope::new().add(address, self.of_tier::<D>(address));
        added.unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// The entry of a resource of the tier, with what it refers to around it.
    ///
    /// # Panics
    /// As [`of_tier`](Self::of_tier).
    #[must_use]
    pub fn entry<D: Declares>(&self, address: &str) -> Entry<D> {
        Entry::of(self.of_tier(address))
    }

    /// Adds a resource like one of the tier.
    ///
    /// # Panics
    /// As [`of_tier`](Self::of_tier) and [`add`](Self::add).
    pub fn another<D: Declares>(
        &mut self,
        address: &str,
        name: &str,
        alter: impl FnOnce(&mut D),
    ) -> OutputsOf<D> {
        let mut other = self.of_tier(address);
        alter(&mut other);
        self.add(name, other)
    }

    /// Adds a resource, and returns its outputs as references.
    ///
    /// # Panics
    /// Where it cannot be declared.
    pub fn add<D: Declares>(&mut self, name: &str, declared: D) -> OutputsOf<D> {
        declare(&mut self.scope, name, declared)
    }

    /// What an entry needs around it.
    pub(super) fn into_declarations(self, entry: &Erased) -> Vec<Declaration> {
        let mut around = self.scope.declarations().to_vec();
        let mut needed = BTreeSet::new();
        for properties in entry.values().chain(around.iter().map(|added| &added.properties)) {
            references(properties, &mut needed);
        }
        let mut left = self.tier;
        while let Some(found) = left.iter().position(|one| needed.contains(one.address.as_str())) {
            let found = left.swap_remove(found);
            references(&found.properties, &mut needed);
            needed.extend(found.after.iter().map(ToString::to_string));
            around.push(found);
        }
        around
    }
}

/// The addresses that are referred to.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            into.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

fn declare<D: Declares>(scope: &mut Scope, name: &str, declared: D) -> OutputsOf<D> {
    let kind = D::Resolved::KIND;
    scope
        .within(TIER, |scope| scope.add(name, declared))
        .unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
}

fn declaration<D: Declares>(declared: D) -> Declaration {
    let mut scope = Scope::new();
    declare(&mut scope, NAME, declared);
    scope.declarations()[0].clone()
}

/// What else a property can be.
#[derive(Clone, Debug)]
pub(super) enum Case {
    /// All properties, where this one has another value.
    Other(Value),
    /// The same, of a property that only the state has.
    Recorded(Value),
    /// Nothing, or not alone, for a reason.
    Fixed(#[expect(dead_code, reason = "for who reads the entry")] &'static str),
}

/// A resource, and what else its properties can be.
pub struct Entry<D> {
    base: D,
    erased: Erased,
}

/// An [`Entry`] of any kind.
pub struct Erased {
    pub(super) declaration: Declaration,
    pub(super) kind: &'static str,
    pub(super) cases: BTreeMap<&'static str, Case>,
    pub(super) stays: bool,
    pub(super) remaining: BTreeSet<&'static str>,
    pub(super) not_seen: BTreeSet<&'static str>,
    pub(super) one_way: BTreeSet<&'static str>,
    pub(super) emptied: BTreeSet<&'static str>,
    pub(super) rest_elsewhere: bool,
}

impl<D> From<Entry<D>> for Erased {
    fn from(entry: Entry<D>) -> Self {
        entry.erased
    }
}

impl Erased {
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// The properties of the resource, and what else they can be.
    fn values(&self) -> impl Iterator<Item = &Value> {
        let others = self.cases.values().filter_map(|case| match case {
            Case::Other(value) | Case::Recorded(value) => Some(value),
            Case::Fixed(_) => None,
        });
        std::iter::once(&self.declaration.properties).chain(others)
    }
}

impl<D: Declares> Entry<D> {
    /// A resource as it is declared.
    pub fn of(base: D) -> Self {
        let erased = Erased {
            declaration: declaration(base.clone()),
            kind: D::Resolved::KIND,
            cases: BTreeMap::new(),
            stays: false,
            remaining: BTreeSet::new(),
            not_seen: BTreeSet::new(),
            one_way: BTreeSet::new(),
            emptied: BTreeSet::new(),
            rest_elsewhere: false,
        };
        Self { base, erased }
    }

    /// Another value of a property.
    ///
    /// # Panics
    /// Where it is not this property, or not this one alone, that differs.
    #[must_use]
    pub fn other(self, property: &'static str, alter: impl FnOnce(&mut D)) -> Self {
        self.together(property, [], alter)
    }

    /// Another value of a property that AWS accepts only together with other values of these.
    ///
    /// # Panics
    /// Where others differ.
    #[must_use]
    pub fn together<const N: usize>(
        self,
        property: &'static str,
        with: [&'static str; N],
        alter: impl FnOnce(&mut D),
    ) -> Self {
        let altered = self.altered(property, &with, alter);
        self.case(property, Case::Other(altered))
    }

    /// Another value of a property that AWS does not have: it is recorded, and says what the program does.
    ///
    /// # Panics
    /// As [`other`](Self::other).
    #[must_use]
    pub fn recorded(self, property: &'static str, alter: impl FnOnce(&mut D)) -> Self {
        let altered = self.altered(property, &[], alter);
        self.case(property, Case::Recorded(altered))
    }

    /// Properties that have no other value, or none that can be set alone.
    ///
    /// # Panics
    /// Where one of them was mentioned before.
    #[must_use]
    pub fn fixed<const N: usize>(mut self, properties: [&'static str; N], reason: &'static str) -> Self {
        for property in properties {
            self = self.case(property, Case::Fixed(reason));
        }
        self
    }

    /// All other properties are in another entry of this kind: an object of another sort, which needs other properties.
    #[must_use]
    pub fn rest_elsewhere(mut self) -> Self {
        self.erased.rest_elsewhere = true;
        self
    }

    /// The object stays when it is deleted, and no call is sent: there is one in each account, region or VPC, or AWS does not
    /// delete it.
    #[must_use]
    pub fn stays(mut self, _reason: &'static str) -> Self {
        self.erased.stays = true;
        self
    }

    /// Objects of this kind that stay after the deletion.
    #[must_use]
    pub fn remains(mut self, kind: &'static str, _reason: &'static str) -> Self {
        self.erased.remaining.insert(kind);
        self
    }

    /// A property that AWS does not tell, or does not tell apart from what was declared: a change of it behind the program's
    /// back is not seen.
    #[must_use]
    pub fn not_seen(mut self, property: &'static str, _reason: &'static str) -> Self {
        self.erased.not_seen.insert(property);
        self
    }

    /// A property that AWS changes, but does not change back.
    #[must_use]
    pub fn one_way(mut self, property: &'static str, _reason: &'static str) -> Self {
        self.erased.one_way.insert(property);
        self
    }

    /// Once deleted, it reads as one without this property, or with another value of it, since what it is a part of is still there; making it again is an
    /// update.
    #[must_use]
    pub fn emptied(mut self, property: &'static str, _reason: &'static str) -> Self {
        self.erased.emptied.insert(property);
        self
    }

    fn case(mut self, property: &'static str, case: Case) -> Self {
        let before = self.erased.cases.insert(property, case);
        assert!(before.is_none(), "{}: {property} is mentioned twice", D::Resolved::KIND);
        self
    }

    fn altered(&self, property: &str, with: &[&str], alter: impl FnOnce(&mut D)) -> Value {
        let mut altered = self.base.clone();
        alter(&mut altered);
        let altered = declaration(altered).properties;
        let differs = differing(&self.erased.declaration.properties, &altered);
        let meant = with.iter().copied().chain([property]).collect();
        assert_eq!(differs, meant, "{}: what the entry changes", D::Resolved::KIND);
        altered
    }
}

/// The top-level properties that differ.
pub(super) fn differing<'a>(left: &'a Value, right: &'a Value) -> BTreeSet<&'a str> {
    let names = [left, right].into_iter().filter_map(Value::as_object).flat_map(|value| value.keys());
    names.map(String::as_str).filter(|name| left.get(name) != right.get(name)).collect()
}
