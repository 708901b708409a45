//! What a look at the cloud finds of what is recorded.

use std::collections::BTreeSet;
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
use crate::state::{Object, Slot, State};

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
    /// Where a run has recorded something while the look went on.
    changed_since: BTreeSet<Address>,
    pub(crate) ignored: Ignored,
}

impl std::fmt::Debug for Survey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Survey").field("state", &self.state).field("live", &self.live).finish_non_exhaustive()
    }
}

impl Survey {
    pub(crate) fn new(state: State, live: Readings, provider: Arc<dyn Provider>) -> Self {
        Self { state, live, provider, changed_since: BTreeSet::new(), ignored: Ignored::default() }
    }

    /// The same look, where a run was under way meanwhile: what is recorded now, after it.
    #[must_use]
    pub fn followed_by(mut self, later: &State) -> Self {
        let addresses = self.state.slots().chain(later.slots()).map(|(address, _)| address);
        let changed = addresses.filter(|at| {
            let then = self.state.slot(at.as_str());
            let now = later.slot(at.as_str());
            then != now || now.is_some_and(Slot::is_in_hand)
        });
        self.changed_since = changed.cloned().collect();
        self
    }

    /// What a run has in hand, be it interrupted or under way: how it differs from what is recorded says nothing of anybody else.
    #[must_use]
    pub fn in_hand(&self) -> BTreeSet<&Address> {
        let begun = self.state.slots().filter(|(_, slot)| slot.is_in_hand()).map(|(address, _)| address);
        begun.chain(&self.changed_since).collect()
    }

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

    /// Where live objects differ from what is recorded, without what is [in hand](Self::in_hand). Of what may not be read, nobody
    /// knows.
    #[must_use]
    pub fn drift(&self) -> Vec<Drift> {
        let in_hand = self.in_hand();
        let settled = self.objects().filter(|(address, ..)| !in_hand.contains(address));
        settled.filter_map(|(address, object, live)| self.drift_of(address, object, live)).collect()
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
