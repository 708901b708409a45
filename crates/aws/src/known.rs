//! What is ours in an object that holds others: the routes of a table, the rules of a group.
//!
//! Such parts may have no tags, or somebody has taken them off. Ours is what is recorded, and what is declared: a part that an
//! interrupted run has made, and of which an old copy of the state does not know, must not be taken for somebody else's.

use std::collections::HashMap;

use engine::{Known, Resolved, Resource};
use serde::Deserialize;
use serde_json::Value;

/// An object of a kind that is ours.
#[derive(Clone, Debug)]
pub struct Ours<R: Resource> {
    /// As it is recorded or declared.
    pub properties: R,
    /// Its outputs, if it is recorded.
    pub outputs: Option<R::Outputs<Resolved>>,
}

/// Properties, and outputs if it is recorded.
type Part = (Value, Option<Value>);

/// All objects that are ours, by kind.
#[derive(Debug, Default)]
pub(crate) struct Parts(HashMap<String, Vec<Part>>);

impl Parts {
    pub(crate) fn new(known: &Known<'_>) -> Self {
        let mut parts: HashMap<String, Vec<Part>> = HashMap::new();
        for (_, object) in known.state.objects() {
            let part = (object.properties.clone(), Some(object.outputs.clone()));
            parts.entry(object.kind.clone()).or_default().push(part);
        }
        for open in known.state.slots().flat_map(|(_, slot)| &slot.open) {
            parts.entry(open.kind.clone()).or_default().push((open.properties.clone(), None));
        }
        for declared in known.declared.into_iter().flat_map(|graph| graph.nodes()) {
            let properties = known.state.resolve(&declared.properties);
            parts.entry(declared.kind.clone()).or_default().push((properties, None));
        }
        Self(parts)
    }

    /// Those of a kind. What still has open references is in nothing that exists.
    pub(crate) fn of<R: Resource>(&self) -> Vec<Ours<R>> {
        let part = |(properties, outputs): &Part| {
            let properties = R::deserialize(properties).ok()?;
            let outputs = outputs.as_ref().and_then(|outputs| Deserialize::deserialize(outputs).ok());
            Some(Ours { properties, outputs })
        };
        self.0.get(R::KIND).into_iter().flatten().filter_map(part).collect()
    }
}
