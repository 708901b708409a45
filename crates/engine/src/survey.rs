//! What a look at the cloud finds of what is recorded.

use std::sync::Arc;

use serde_json::Value;

use crate::address::Address;
use crate::diff::{PropertyChange, accept, diff, managed};
use crate::facts::Facts;
use crate::foresight::Remark;
use crate::graph::Graph;
use crate::ignored::Ignored;
use crate::plan::{Reading, Readings, relocated};
use crate::provider::Provider;
use crate::state::{Object, State};

/// A live object that differs from what is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What differs, recorded value before and live value after; `None` if the object has disappeared.
    pub changes: Option<Vec<PropertyChange>>,
}

/// What is recorded, and what a look at the cloud found of it.
#[derive(Clone)]
pub struct Survey {
    /// The state as it was when the look began.
    pub state: State,
    pub(crate) live: Readings,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) ignored: Ignored,
}

impl std::fmt::Debug for Survey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Survey").field("state", &self.state).field("live", &self.live).finish_non_exhaustive()
    }
}

impl Survey {
    /// Every recorded object that was looked at, replaced ones included, with its address and the live one.
    pub fn objects(&self) -> impl Iterator<Item = (&Address, &Object, &Reading)> {
        let look = |(address, object)| {
            let object: &Object = object;
            Some((address, object, self.live.get(&object.seq)?))
        };
        self.state.objects().filter_map(look)
    }

    /// The same look, with everything at the address at which it is declared now: as if the next run had been there already.
    #[must_use]
    pub fn relocated(self, graph: &Graph) -> Self {
        Self { state: relocated(graph, self.state).0, ..self }
    }

    /// The same look, without what a graph leaves to others: what is live there is no drift.
    #[must_use]
    pub fn ignoring(self, graph: &Graph) -> Self {
        let ignored = Ignored::as_recorded(graph, &self.state);
        Self { ignored, ..self }
    }

    /// Where live objects differ from what is recorded. Of what may not be read, nobody knows.
    #[must_use]
    pub fn drift(&self) -> Vec<Drift> {
        self.objects().filter_map(|(address, object, live)| self.drift_of(address, object, live)).collect()
    }

    /// Live values that are not as recorded, and are left as they are. They are no drift.
    #[must_use]
    pub fn remarks(&self) -> Vec<Remark> {
        let remarks = |(address, object, live): (&Address, &Object, &Reading)| {
            let (Reading::Found(live), Some(kind)) = (live, self.provider.kind(&object.kind)) else {
                return Vec::new();
            };
            let found = managed(live, &object.properties, &Value::Null, kind.closed());
            let (_, accepted) = accept(kind, &found, &object.properties, self.ignored.of(address));
            let remark = |accepted| Remark { address: address.clone(), accepted };
            accepted.into_iter().map(remark).collect()
        };
        self.objects().flat_map(remarks).collect()
    }

    /// What is known of a kind; `None` if this program does not know it.
    #[must_use]
    pub fn facts(&self, kind: &str) -> Option<&Facts> {
        Some(self.provider.kind(kind)?.facts())
    }

    /// How a live object differs from the one recorded at this address, if it does and may be looked at.
    pub(crate) fn drift_of(&self, address: &Address, object: &Object, live: &Reading) -> Option<Drift> {
        let changes = match live {
            Reading::Found(found) => {
                let kind = self.provider.kind(&object.kind)?;
                let recorded = kind.marked(object.marked_with(address), &object.properties);
                let found = managed(found, &recorded, &Value::Null, kind.closed());
                let (found, _) = accept(kind, &found, &recorded, self.ignored.of(address));
                let changes = diff(&recorded, &found, kind.facts().lists);
                if changes.is_empty() {
                    return None;
                }
                Some(changes)
            }
            Reading::Missing => None,
            Reading::Denied(_) => return None,
        };
        Some(Drift { address: address.clone(), kind: object.kind.clone(), changes })
    }
}
