//! Which resources some work is about.
//!
//! A [`Selector`] is written before anybody knows what is there; [`Selector::resolve`] turns it into the addresses that it
//! means, a [`Selection`], once graph and state are known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::address::Address;
use crate::graph::Graph;
use crate::state::State;

/// Which resources a plan, a comparison or a survey is about.
///
/// # How selectors combine
/// - [`or`](Self::or) adds what another one selects.
/// - [`with_dependents`](Self::with_dependents) and [`with_dependencies`](Self::with_dependencies) add to everything
///   selected *before* them: `a.or(b).with_dependents()` adds the dependents of both, `a.with_dependents().or(b)` those of
///   `a` alone.
/// - [`except`](Self::except) wins, wherever it is written: what one `except` names is not selected, whatever else names it
///   or depends on it. It takes out exactly what it names; what is selected for its sake stays.
///
/// ```
/// use engine::Selector;
///
/// let network: Selector = "vpc".parse()?;
/// let logs: Selector = "AWS::Logs::*".parse()?;
/// let selector = network.with_dependents().or(logs).except("database/*".parse()?);
/// assert!(!selector.is_all());
/// # Ok::<(), engine::InvalidSelector>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    included: Included,
    excluded: Vec<Selector>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Included {
    All,
    Pattern(Pattern),
    Or(Box<Included>, Box<Included>),
    With(Direction, Box<Included>),
}

/// Which way references are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// To what depends on a resource.
    Dependents,
    /// To what a resource depends on.
    Dependencies,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    /// The first segment of addresses.
    Tier(String),
    /// Addresses, where `*` stands for any text.
    Address(String),
    /// Types, where `*` stands for any text.
    Kind(String),
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Pattern::Tier(text) | Pattern::Address(text) | Pattern::Kind(text)) = self;
        f.write_str(text)
    }
}

/// A text that is no [`Selector`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` does not select anything: use a tier (`vpc`), an address (`vpc/igw`) or a type (`AWS::EC2::*`); \
     `*` stands for any text, also in an address (`vpc/public-*`)"
)]
pub struct InvalidSelector {
    text: String,
}

impl Selector {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { included: Included::All, excluded: Vec::new() }
    }

    /// Everything in a tier: addresses with this first segment.
    #[must_use]
    pub fn tier(name: &str) -> Self {
        Self::of(Pattern::Tier(name.to_owned()))
    }

    /// One resource.
    #[must_use]
    pub fn address(address: &Address) -> Self {
        Self::of(Pattern::Address(address.as_str().to_owned()))
    }

    /// All addresses that match, where `*` stands for any text, also for several segments: `vpc/*`, `*/log-group`.
    ///
    /// # Errors
    /// Where no address can match.
    pub fn addresses(pattern: &str) -> Result<Self, InvalidSelector> {
        // With any text in place of each `*`, it must be an address.
        match Address::new(&pattern.replace('*', "a")) {
            Ok(_) if pattern.bytes().all(|byte| byte == b'*') => Ok(Self::all()),
            Ok(_) => Ok(Self::of(Pattern::Address(pattern.to_owned()))),
            Err(_) => Err(InvalidSelector { text: pattern.to_owned() }),
        }
    }

    /// All resources of matching types, where `*` stands for any text: `AWS::EC2::Subnet`, `AWS::EC2::*`. A resource whose type
    /// is about to change is of both.
    #[must_use]
    pub fn kinds(pattern: &str) -> Self {
        Self::of(Pattern::Kind(pattern.to_owned()))
    }

    fn of(pattern: Pattern) -> Self {
        Self { included: Included::Pattern(pattern), excluded: Vec::new() }
    }

    /// Also what `other` selects. What either of them excludes stays excluded.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.excluded.extend(other.excluded);
        self.included = Included::Or(Box::new(self.included), Box::new(other.included));
        self
    }

    /// Not what `other` selects. This wins over everything, before and after it.
    #[must_use]
    pub fn except(mut self, other: Self) -> Self {
        self.excluded.push(other);
        self
    }

    /// Also everything that depends on what is selected so far, directly or through others.
    #[must_use]
    pub fn with_dependents(self) -> Self {
        self.with(Direction::Dependents)
    }

    /// Also everything that what is selected so far depends on, directly or through others.
    #[must_use]
    pub fn with_dependencies(self) -> Self {
        self.with(Direction::Dependencies)
    }

    fn with(self, direction: Direction) -> Self {
        Self { included: Included::With(direction, Box::new(self.included)), ..self }
    }

    /// Whether it is known to select everything, whatever there is.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.excluded.is_empty() && self.included.is_all()
    }

    /// The addresses that it means, of those that are declared in `graph`, be it only to be protected, or recorded in `state`. What depends on what is
    /// known from both: a resource depends on what it refers to now, and on what it was made with.
    #[must_use]
    pub fn resolve(&self, graph: &Graph, state: &State) -> Selection {
        let world = World::new(graph, state);
        let mut unmatched = BTreeSet::new();
        let addresses = self.select(&world, &mut unmatched).into_iter().cloned().collect();
        let unmatched = unmatched.into_iter().map(|pattern| pattern.to_string()).collect();
        Selection { is_all: self.is_all(), addresses, unmatched }
    }

    fn select<'a, 's>(
        &'s self,
        world: &World<'a>,
        unmatched: &mut BTreeSet<&'s Pattern>,
    ) -> BTreeSet<&'a Address> {
        let mut selected = self.included.select(world, unmatched);
        for excluded in &self.excluded {
            for address in excluded.select(world, unmatched) {
                selected.remove(address);
            }
        }
        selected
    }
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    /// One pattern: a tier (`vpc`), addresses (`vpc/igw`, `vpc/public-*`), types (`AWS::EC2::*`), or everything (`*`).
    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let is_kind = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '*');
        match text {
            // No address has a colon in it, and every CloudFormation type has.
            kind if kind.contains("::") && kind.chars().all(is_kind) => Ok(Self::kinds(kind)),
            tier if !tier.contains(['/', '*']) && Address::new(tier).is_ok() => Ok(Self::tier(tier)),
            addresses => Self::addresses(addresses),
        }
    }
}

impl Included {
    fn is_all(&self) -> bool {
        match self {
            Included::All => true,
            Included::Pattern(_) => false,
            Included::Or(one, other) => one.is_all() || other.is_all(),
            Included::With(_, of) => of.is_all(),
        }
    }

    fn select<'a, 's>(
        &'s self,
        world: &World<'a>,
        unmatched: &mut BTreeSet<&'s Pattern>,
    ) -> BTreeSet<&'a Address> {
        match self {
            Included::All => world.kinds.keys().copied().collect(),
            Included::Pattern(pattern) => {
                let selected = world.matching(pattern);
                if selected.is_empty() {
                    unmatched.insert(pattern);
                }
                selected
            }
            Included::Or(one, other) => {
                let mut selected = one.select(world, unmatched);
                selected.append(&mut other.select(world, unmatched));
                selected
            }
            Included::With(direction, of) => world.closure(of.select(world, unmatched), *direction),
        }
    }
}

/// What is declared or recorded, as far as selecting needs it.
struct World<'a> {
    /// Each address, with the types of what is declared and of what is recorded there.
    kinds: BTreeMap<&'a Address, BTreeSet<&'a str>>,
    graph: &'a Graph,
    state: &'a State,
}

impl<'a> World<'a> {
    fn new(graph: &'a Graph, state: &'a State) -> Self {
        let mut kinds: BTreeMap<&'a Address, BTreeSet<&'a str>> = BTreeMap::new();
        for node in graph.nodes().iter().chain(graph.guards()) {
            kinds.entry(&node.address).or_default().insert(&node.kind);
        }
        for (address, slot) in state.slots() {
            let of_objects = slot.current.iter().chain(&slot.deposed).map(|object| object.kind.as_str());
            let of_open = slot.open.iter().map(|open| open.kind.as_str());
            kinds.entry(address).or_default().extend(of_objects.chain(of_open));
        }
        Self { kinds, graph, state }
    }

    fn matching(&self, pattern: &Pattern) -> BTreeSet<&'a Address> {
        let matches = |(address, kinds): &(&&'a Address, &BTreeSet<&str>)| match pattern {
            Pattern::Tier(tier) => address.tier() == tier,
            Pattern::Address(glob) => glob_matches(glob, address.as_str()),
            Pattern::Kind(glob) => kinds.iter().any(|kind| glob_matches(glob, kind)),
        };
        self.kinds.iter().filter(matches).map(|(address, _)| *address).collect()
    }

    /// What refers to what, in one direction, of what is there.
    fn edges(&self, direction: Direction) -> BTreeMap<&'a Address, Vec<&'a Address>> {
        let mut edges: BTreeMap<&'a Address, Vec<&'a Address>> = BTreeMap::new();
        let mut add = |from: &'a Address, to: &Address| {
            // A recorded dependency may be on what is gone.
            let Some((&to, _)) = self.kinds.get_key_value(to) else { return };
            let (from, to) = match direction {
                Direction::Dependencies => (from, to),
                Direction::Dependents => (to, from),
            };
            edges.entry(from).or_default().push(to);
        };
        for (position, node) in self.graph.nodes().iter().enumerate() {
            for edge in self.graph.edges(position) {
                add(&node.address, &self.graph.nodes()[edge.to].address);
            }
        }
        for (address, slot) in self.state.slots() {
            let of_objects = slot.current.iter().chain(&slot.deposed).flat_map(|object| &object.dependencies);
            let of_open = slot.open.iter().flat_map(|open| &open.dependencies);
            of_objects.chain(of_open).for_each(|to| add(address, to));
        }
        edges
    }

    fn closure(&self, mut selected: BTreeSet<&'a Address>, direction: Direction) -> BTreeSet<&'a Address> {
        let edges = self.edges(direction);
        let mut pending: Vec<&'a Address> = selected.iter().copied().collect();
        while let Some(address) = pending.pop() {
            for &next in edges.get(address).into_iter().flatten() {
                if selected.insert(next) {
                    pending.push(next);
                }
            }
        }
        selected
    }
}

/// Whether `text` is `pattern` with any text in place of each `*`.
fn glob_matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut rest = rest;
    // Each part as early as possible leaves most for those after it; the last one must be the end.
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = text.find(part) else { return false };
        (text, rest) = (&text[at + part.len()..], after);
    }
    text.ends_with(rest)
}

/// The addresses that a [`Selector`] means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    is_all: bool,
    addresses: BTreeSet<Address>,
    unmatched: Vec<String>,
}

impl Selection {
    /// Exactly these.
    pub(crate) fn of(addresses: BTreeSet<Address>) -> Self {
        Self { is_all: false, addresses, unmatched: Vec::new() }
    }

    /// Whether an address is selected.
    #[must_use]
    pub fn contains(&self, address: &str) -> bool {
        self.addresses.contains(address)
    }

    /// The addresses, sorted.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.addresses.iter()
    }

    /// Patterns that no declared or recorded resource matches: most likely misspelled.
    #[must_use]
    pub fn unmatched(&self) -> &[String] {
        &self.unmatched
    }

    /// Whether everything was asked for.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.is_all
    }
}

#[cfg(test)]
mod tests;
