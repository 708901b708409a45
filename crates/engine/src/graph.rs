//! The declared resources as a graph whose edges are their references.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::address::Address;
use crate::ignored::Ignored;
use crate::references;
use crate::scope::{Declaration, Formerly, KeptBy, KindGuard, Parts, Scope};
use crate::state::{Object, State};

/// What is wrong with a graph, found before any call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Resources that wait for each other.
    #[error("these resources depend on each other in a circle: {}", circle(addresses))]
    Cycle {
        /// The circle, each depending on the next and the last on the first.
        addresses: Vec<Address>,
    },
    /// A reference to a resource that is not declared.
    #[error("{from} refers to {to}, which is not declared")]
    Unknown {
        /// The resource with the reference.
        from: Address,
        /// What it refers to.
        to: String,
    },
    /// Two resources at one address.
    #[error("{address} is declared twice")]
    Duplicate {
        /// The address.
        address: Address,
    },
}

/// All that is known of a resource, from what it was called before to what it is called now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The former address.
    pub from: Address,
    /// The present one.
    pub to: Address,
}

fn circle(addresses: &[Address]) -> String {
    let mut names: Vec<&str> = addresses.iter().map(Address::as_str).collect();
    names.extend(names.first().copied());
    names.join(" → ")
}

/// An edge: what a node waits for, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) to: usize,
    /// Satisfied when the identity is known, not only when the resource is ready.
    pub(crate) early: bool,
}

/// The declared resources, checked: no duplicates, no unknown addresses, no circles.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Declaration>,
    index: HashMap<Address, usize>,
    edges: Vec<Vec<Edge>>,
    order: Vec<usize>,
    exports: Value,
    /// Declarations that only protect. See [`into_guards`](Graph::into_guards).
    guards: HashMap<Address, Declaration>,
    /// What is declared of all objects of a kind.
    kind_guards: Vec<KindGuard>,
    /// What the resources were called before, in the order in which it was said.
    formerly: Vec<Formerly>,
    /// What is left to others.
    ignored: Ignored,
    /// The names of the top-level properties of the kinds that were declared in a scope.
    fields: BTreeMap<String, &'static [&'static str]>,
}

impl Graph {
    /// Checks what a scope has declared.
    ///
    /// # Errors
    /// [`GraphError`] names the addresses.
    pub fn new(scope: Scope) -> Result<Self, GraphError> {
        let Parts { declarations, guards: kind_guards, formerly, fields } = scope.into_parts();
        Ok(Self { kind_guards, formerly, fields, ..Self::from_declarations(declarations)? })
    }

    /// Checks declarations that were made without a [`Scope`].
    ///
    /// # Errors
    /// [`GraphError`] names the addresses.
    pub fn from_declarations(nodes: Vec<Declaration>) -> Result<Self, GraphError> {
        let mut index = HashMap::with_capacity(nodes.len());
        for (position, node) in nodes.iter().enumerate() {
            if index.insert(node.address.clone(), position).is_some() {
                return Err(GraphError::Duplicate { address: node.address.clone() });
            }
        }
        let mut edges = Vec::with_capacity(nodes.len());
        for node in &nodes {
            edges.push(edges_of(node, &index)?);
        }
        let order = topological_order(&nodes, &edges)?;
        Ok(Self {
            nodes,
            index,
            edges,
            order,
            exports: Value::Null,
            guards: HashMap::new(),
            kind_guards: Vec::new(),
            formerly: Vec::new(),
            ignored: Ignored::default(),
            fields: BTreeMap::new(),
        })
    }

    /// Adds what resources were called before, for declarations that were made without a [`Scope`]: pairs of the present and the
    /// former address. See [`Scope::formerly`].
    #[must_use]
    pub fn with_former_addresses(mut self, former: impl IntoIterator<Item = (Address, Address)>) -> Self {
        self.formerly.extend(former.into_iter().map(|(address, before)| Formerly { address, before }));
        self
    }

    /// Adds what the state shall keep as the stack's outputs: a struct or map whose values may be references.
    #[must_use]
    pub fn with_exports(mut self, exports: Value) -> Self {
        self.exports = exports;
        self
    }

    /// Leaves properties to others: what is live there is neither compared nor changed.
    #[must_use]
    pub fn with_ignored(mut self, ignored: Ignored) -> Self {
        self.ignored = ignored;
        self
    }

    /// What is left to others.
    #[must_use]
    pub fn ignores(&self) -> &Ignored {
        &self.ignored
    }

    /// The names of the top-level properties of a kind that was declared in a [`Scope`].
    #[must_use]
    pub fn fields(&self, kind: &str) -> Option<&'static [&'static str]> {
        self.fields.get(kind).copied()
    }

    /// A graph without resources, for deleting everything, that remembers what was declared: an object that the declaration
    /// protects is not deleted, whatever is recorded of it.
    #[must_use]
    pub fn into_guards(self) -> Self {
        let Self { nodes, kind_guards, formerly, ignored, .. } = self;
        let guards = nodes.into_iter().map(|node| (node.address.clone(), node)).collect();
        Self { guards, kind_guards, formerly, ignored, ..Self::default() }
    }

    /// What a resource was called before.
    pub(crate) fn formerly<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = &'a Address> {
        self.formerly.iter().filter(move |one| one.address == *address).map(|one| &one.before)
    }

    /// What a state has under former names.
    pub(crate) fn moves(&self, state: &State) -> Vec<Moved> {
        let mut moves: Vec<Moved> = Vec::new();
        for Formerly { address: to, before: from } in &self.formerly {
            let is_taken = state.slot(to.as_str()).is_some() || self.guard(from.as_str()).is_some();
            let is_moved = moves.iter().any(|moved| moved.to == *to || moved.from == *from);
            let Some(slot) = state.slot(from.as_str()).filter(|_| !is_taken && !is_moved) else { continue };
            let declared = self.guard(to.as_str());
            let is_other = |object: &Object| declared.is_some_and(|declared| declared.kind != object.kind);
            if !slot.current.as_ref().is_some_and(is_other) {
                moves.push(Moved { from: from.clone(), to: to.clone() });
            }
        }
        moves
    }

    /// What is declared only to be protected.
    pub(crate) fn guards(&self) -> impl Iterator<Item = &Declaration> {
        self.guards.values()
    }

    /// What is declared at an address now, be it to be made or only to be protected.
    pub(crate) fn guard(&self, address: &str) -> Option<&Declaration> {
        self.get(address).or_else(|| self.guards.get(address))
    }

    /// What is declared of an object of this kind, though perhaps not at this address.
    pub(crate) fn kind_guard(&self, address: &Address, kind: &str) -> Option<&Value> {
        self.guards_of(address, kind).find_map(|by| match by {
            KeptBy::Properties(properties) => Some(properties),
            KeptBy::AllBut(_) => None,
        })
    }

    /// Whether an object of this kind is protected since it is called so.
    pub(crate) fn protects_named(&self, address: &Address, kind: &str, name: Option<&str>) -> bool {
        self.guards_of(address, kind).any(|by| match by {
            KeptBy::Properties(_) => false,
            KeptBy::AllBut(names) => !names.iter().any(|other| Some(other.as_str()) == name),
        })
    }

    fn guards_of<'a>(&'a self, address: &Address, kind: &str) -> impl Iterator<Item = &'a KeptBy> {
        let is_of = move |guard: &&KindGuard| {
            (guard.tier.is_empty() || guard.tier == address.tier()) && guard.kind == kind
        };
        self.kind_guards.iter().filter(is_of).map(|guard| &guard.by)
    }

    /// The declarations, in the order in which they were made.
    #[must_use]
    pub fn nodes(&self) -> &[Declaration] {
        &self.nodes
    }

    /// The declaration at an address.
    #[must_use]
    pub fn get(&self, address: &str) -> Option<&Declaration> {
        self.position(address).map(|position| &self.nodes[position])
    }

    /// Addresses that the resource at `address` refers to, sorted.
    #[must_use]
    pub fn dependencies(&self, address: &str) -> Vec<Address> {
        self.position(address).map_or_else(Vec::new, |position| self.refers_to(position))
    }

    /// Whether `from` refers to `to`, directly or through others.
    #[must_use]
    pub fn reaches(&self, from: &str, to: &str) -> bool {
        let (Some(from), Some(to)) = (self.position(from), self.position(to)) else { return false };
        let mut seen = vec![false; self.nodes.len()];
        let mut stack = vec![from];
        while let Some(position) = stack.pop() {
            for edge in &self.edges[position] {
                if edge.to == to {
                    return true;
                }
                if !std::mem::replace(&mut seen[edge.to], true) {
                    stack.push(edge.to);
                }
            }
        }
        false
    }

    pub(crate) fn position(&self, address: &str) -> Option<usize> {
        self.index.get(address).copied()
    }

    pub(crate) fn edges(&self, position: usize) -> &[Edge] {
        &self.edges[position]
    }

    /// The resources that a node refers to, sorted.
    pub(crate) fn refers_to(&self, position: usize) -> Vec<Address> {
        let mut addresses: Vec<Address> =
            self.edges[position].iter().map(|edge| self.nodes[edge.to].address.clone()).collect();
        addresses.sort_unstable();
        addresses
    }

    /// Positions so that each comes after everything that it refers to.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// The stack's outputs, in which references stand for what is not known yet.
    #[must_use]
    pub fn exports(&self) -> &Value {
        &self.exports
    }
}

fn edges_of(node: &Declaration, index: &HashMap<Address, usize>) -> Result<Vec<Edge>, GraphError> {
    let mut edges = Vec::new();
    let mut unknown = None;
    references::visit(&node.properties, &mut |found| match index.get(found.address) {
        Some(&to) => edges.push(Edge { to, early: found.early }),
        None => unknown = unknown.take().or_else(|| Some(found.address.to_owned())),
    });
    for after in &node.after {
        match index.get(after) {
            Some(&to) => edges.push(Edge { to, early: false }),
            None => unknown = unknown.take().or_else(|| Some(after.to_string())),
        }
    }
    if let Some(to) = unknown {
        return Err(GraphError::Unknown { from: node.address.clone(), to });
    }
    // An early and a ready reference to one resource: the stricter one holds, and sorts first.
    edges.sort_unstable();
    edges.dedup_by_key(|edge| edge.to);
    Ok(edges)
}

/// Kahn's algorithm; what is left over when it stops contains a circle.
fn topological_order(nodes: &[Declaration], edges: &[Vec<Edge>]) -> Result<Vec<usize>, GraphError> {
    let mut waiting: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (position, edges) in edges.iter().enumerate() {
        for edge in edges {
            dependents[edge.to].push(position);
        }
    }
    let mut order: Vec<usize> = (0..nodes.len()).filter(|&position| waiting[position] == 0).collect();
    let mut next = 0;
    while let Some(&position) = order.get(next) {
        next += 1;
        for &dependent in &dependents[position] {
            waiting[dependent] -= 1;
            if waiting[dependent] == 0 {
                order.push(dependent);
            }
        }
    }
    match waiting.iter().position(|&left| left > 0) {
        None => Ok(order),
        Some(start) => Err(GraphError::Cycle { addresses: find_circle(nodes, edges, &waiting, start) }),
    }
}

/// Walks from one unfinished node to another until one comes up again.
fn find_circle(nodes: &[Declaration], edges: &[Vec<Edge>], waiting: &[usize], start: usize) -> Vec<Address> {
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let Some(edge) = edges[last].iter().find(|edge| waiting[edge.to] > 0) else {
            return path.iter().map(|&position| nodes[position].address.clone()).collect();
        };
        if let Some(begin) = path.iter().position(|&position| position == edge.to) {
            return path[begin..].iter().map(|&position| nodes[position].address.clone()).collect();
        }
        path.push(edge.to);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declaration(address: &str, refers_to: &[&str]) -> Declaration {
        let references: Vec<Value> = refers_to.iter().map(|to| json!({ "$ref": to, "attr": "Id" })).collect();
        Declaration {
            address: Address::new(address).unwrap(),
            kind: "Test".to_owned(),
            properties: json!({ "References": references }),
            protect: false,
            after: Vec::new(),
            facts: &crate::facts::OF_A_TEST,
        }
    }

    #[test]
    fn a_circle_is_an_error_that_names_every_address_in_it_and_no_other() {
        let error = Graph::from_declarations(vec![
            declaration("t/outside", &["t/a"]),
            declaration("t/a", &["t/b"]),
            declaration("t/b", &["t/c"]),
            declaration("t/c", &["t/a"]),
        ])
        .unwrap_err();
        let text = error.to_string();
        for address in ["t/a", "t/b", "t/c"] {
            assert!(text.contains(address), "{text}");
        }
        assert!(!text.contains("outside"), "{text}");
    }

    #[test]
    fn an_unknown_address_is_an_error_that_names_both_ends() {
        let error = Graph::from_declarations(vec![declaration("t/a", &["t/missing"])]).unwrap_err();
        assert_eq!(error.to_string(), "t/a refers to t/missing, which is not declared");
    }

    #[test]
    fn a_duplicate_address_is_an_error_that_names_it() {
        let error =
            Graph::from_declarations(vec![declaration("t/a", &[]), declaration("t/a", &[])]).unwrap_err();
        assert_eq!(error.to_string(), "t/a is declared twice");
    }

    #[test]
    fn a_ready_reference_wins_over_an_early_one_to_the_same_resource() {
        let mut two = declaration("t/b", &["t/a"]);
        two.properties["Early"] = json!({ "$ref": "t/a", "attr": "Id", "early": true });
        let graph = Graph::from_declarations(vec![declaration("t/a", &[]), two]).unwrap();
        assert_eq!(graph.edges(1), [Edge { to: 0, early: false }]);
    }

    #[test]
    fn what_is_only_waited_for_is_an_edge_too() {
        let mut two = declaration("t/b", &[]);
        two.after = vec![Address::new("t/a").unwrap()];
        let graph = Graph::from_declarations(vec![two.clone(), declaration("t/a", &[])]).unwrap();
        assert_eq!(graph.edges(0), [Edge { to: 1, early: false }]);
        assert_eq!(graph.dependencies("t/b"), two.after);
        let error = Graph::from_declarations(vec![two]).unwrap_err();
        assert_eq!(error.to_string(), "t/b refers to t/a, which is not declared");
    }

    #[test]
    fn reaching_follows_references_in_their_direction_only() {
        let graph = Graph::from_declarations(vec![
            declaration("t/c", &["t/b"]),
            declaration("t/b", &["t/a"]),
            declaration("t/a", &[]),
        ])
        .unwrap();
        assert!(graph.reaches("t/c", "t/a"));
        assert!(!graph.reaches("t/a", "t/c"));
    }
}
