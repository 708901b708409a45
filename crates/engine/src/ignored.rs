//! Properties that others own: what is live there is neither compared nor changed.
//!
//! A creation sends what is declared. From then on the live value counts: it is no drift, no reason for a change or a replacement,
//! and where the object is changed for another reason, it is sent as it is, since some calls replace everything.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::address::Address;
use crate::graph::Graph;
use crate::state::State;

/// Properties that others own, by the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored(BTreeMap<Address, Vec<String>>);

impl Ignored {
    /// Adds a top-level property of a resource.
    pub fn add(&mut self, address: &Address, property: &str) {
        let properties = self.0.entry(address.clone()).or_default();
        if !properties.iter().any(|known| known == property) {
            properties.push(property.to_owned());
        }
    }

    /// Those of a resource.
    #[must_use]
    pub fn of(&self, address: &Address) -> &[String] {
        self.0.get(address).map_or(&[], Vec::as_slice)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same for what a state still has at the addresses that resources had before.
    pub(crate) fn as_recorded(graph: &Graph, state: &State) -> Self {
        let mut ignored = graph.ignores().clone();
        for moved in graph.moves(state) {
            if let Some(properties) = ignored.0.remove(&moved.to) {
                ignored.0.insert(moved.from, properties);
            }
        }
        ignored
    }
}

/// What is wanted of an object, with the live values of what is ignored.
pub(crate) fn with_live(wanted: &Value, live: &Value, ignored: &[String]) -> Value {
    let mut kept = wanted.clone();
    let Value::Object(properties) = &mut kept else { return kept };
    for property in ignored {
        match live.get(property) {
            Some(live) => properties.insert(property.clone(), live.clone()),
            None => properties.remove(property),
        };
    }
    kept
}

/// What is to be recorded of an object that is not changed: of what is ignored, what it was sent last.
pub(crate) fn with_recorded(wanted: &Value, recorded: &Value, ignored: &[String]) -> Value {
    let mut kept = wanted.clone();
    let Value::Object(properties) = &mut kept else { return kept };
    for property in ignored {
        if let Some(recorded) = recorded.get(property) {
            properties.insert(property.clone(), recorded.clone());
        }
    }
    kept
}
