//! What a tier says of one of its kinds.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Declaration, Declares, OutputsOf, Resource, Scope};
use serde_json::Value;

/// The first segment of all addresses.
pub(super) const TIER: &str = "contract";
const NAME: &str = "subject";

/// Where an entry adds what its resource needs.
pub struct Around<I> {
    scope: Scope,
    /// What other tiers would declare.
    pub inputs: I,
}

impl<I> Around<I> {
    pub(super) fn new(inputs: I) -> Self {
        Self { scope: Scope::new(), inputs }
    }

    /// Adds a resource, and returns its outputs as references.
    ///
    /// # Panics
    /// Where it cannot be declared.
    pub fn add<D: Declares>(&mut self, name: &str, declared: D) -> OutputsOf<D> {
        declare(&mut self.scope, name, declared)
    }

    pub(super) fn into_declarations(self) -> Vec<Declaration> {
        self.scope.declarations().to_vec()
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
    pub(super) always_there: bool,
    pub(super) remaining: BTreeSet<&'static str>,
    pub(super) not_seen: BTreeSet<&'static str>,
    pub(super) tags_follow: bool,
    pub(super) emptied: Option<&'static str>,
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
}

impl<D: Declares> Entry<D> {
    /// A resource as it is declared.
    pub fn of(base: D) -> Self {
        let erased = Erased {
            declaration: declaration(base.clone()),
            kind: D::Resolved::KIND,
            cases: BTreeMap::new(),
            always_there: false,
            remaining: BTreeSet::new(),
            not_seen: BTreeSet::new(),
            tags_follow: false,
            emptied: None,
        };
        Self { base, erased }
    }

    /// Another value of a property.
    ///
    /// # Panics
    /// Where it is not this property, or not this one alone, that differs.
    #[must_use]
    pub fn other(self, property: &'static str, alter: impl FnOnce(&mut D)) -> Self {
        let altered = self.altered(property, alter);
        self.case(property, Case::Other(altered))
    }

    /// Another value of a property that AWS does not have: it is recorded, and says what the program does.
    ///
    /// # Panics
    /// As [`other`](Self::other).
    #[must_use]
    pub fn recorded(self, property: &'static str, alter: impl FnOnce(&mut D)) -> Self {
        let altered = self.altered(property, alter);
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

    /// The object was there before, and stays when it is deleted: there is one in each account, region or VPC.
    #[must_use]
    pub fn always_there(mut self, _reason: &'static str) -> Self {
        self.erased.always_there = true;
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

    /// Declared tags come by a call after the one that creates the object, which sets only those that say whose it is.
    #[must_use]
    pub fn tags_follow(mut self, _reason: &'static str) -> Self {
        self.erased.tags_follow = true;
        self
    }

    /// Once deleted, it reads as one without this property, since what it is a part of is still there; making it again is an
    /// update.
    #[must_use]
    pub fn emptied(mut self, property: &'static str, _reason: &'static str) -> Self {
        self.erased.emptied = Some(property);
        self
    }

    fn case(mut self, property: &'static str, case: Case) -> Self {
        let before = self.erased.cases.insert(property, case);
        assert!(before.is_none(), "{}: {property} is mentioned twice", D::Resolved::KIND);
        self
    }

    fn altered(&self, property: &str, alter: impl FnOnce(&mut D)) -> Value {
        let mut altered = self.base.clone();
        alter(&mut altered);
        let altered = declaration(altered).properties;
        let differs = differing(&self.erased.declaration.properties, &altered);
        assert_eq!(differs, BTreeSet::from([property]), "{}: what the entry changes", D::Resolved::KIND);
        altered
    }
}

/// The top-level properties that differ.
pub(super) fn differing<'a>(left: &'a Value, right: &'a Value) -> BTreeSet<&'a str> {
    let names = [left, right].into_iter().filter_map(Value::as_object).flat_map(|value| value.keys());
    names.map(String::as_str).filter(|name| left.get(name) != right.get(name)).collect()
}
