//! Taking what is live into the state: what is recorded becomes what somebody made of it. Nothing is called that changes anything.

use serde_json::Value;

use crate::address::Address;
use crate::diff::{PropertyChange, diff};
use crate::engine_error::EngineError;
use crate::event::{Event, Seq};
use crate::plan::Reading;
use crate::provider::Kind;
use crate::session::Session;
use crate::state::{Object, Phase};
use crate::survey::{Drift, Survey};

/// What becomes of what is recorded of an object that is not as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What becomes of it.
    pub taken: Taken,
    object: Seq,
}

/// What becomes of what is recorded of an object.
///
/// Exhaustive on purpose: whoever asks a person must show each.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// Some properties become the live ones.
    Properties {
        /// What changes, recorded value before and live value after.
        changes: Vec<PropertyChange>,
        /// All properties that are recorded then.
        properties: Value,
    },
    /// The object has disappeared, and is forgotten.
    Forgotten,
    /// Nothing: what differs is recorded nowhere, such as tags that say whose the object is. The next run puts it back.
    NotRecorded,
    /// Nothing: the object is not finished. The next run finishes or replaces it.
    Unfinished,
}

impl Survey {
    /// What would become of what is recorded, were all that is live taken into the state.
    #[must_use]
    pub fn acceptances(&self) -> Vec<Acceptance> {
        let in_hand = self.in_hand();
        self.objects()
            .filter_map(|(address, object, live)| {
                let drift = self.drift_of(address, object, live)?;
                let taken = match in_hand.contains(address) {
                    // How it differs says nothing of anybody else.
                    true => Taken::Unfinished,
                    false => self.taken(address, object, live, &drift),
                };
                Some(Acceptance { address: drift.address, kind: drift.kind, taken, object: object.seq })
            })
            .collect()
    }

    fn taken(&self, address: &Address, object: &Object, live: &Reading, drift: &Drift) -> Taken {
        let (Some(changes), Reading::Found(live)) = (&drift.changes, live) else { return Taken::Forgotten };
        if object.phase != Phase::Ready {
            return Taken::Unfinished;
        }
        let Some(kind) = self.provider.kind(&object.kind) else { return Taken::NotRecorded };
        let live = unmarked(kind, object.marked_with(address), &object.properties, live);
        let mut properties = object.properties.clone();
        if let Value::Object(recorded) = &mut properties {
            for change in changes {
                match live.get(change.property()) {
                    Some(live) => recorded.insert(change.property().to_owned(), live.clone()),
                    None => recorded.remove(change.property()),
                };
            }
        }
        let changes = diff(&object.properties, &properties, kind.facts().lists);
        if changes.is_empty() { Taken::NotRecorded } else { Taken::Properties { changes, properties } }
    }
}

/// The live properties without what every object of the program carries and is not recorded, such as tags that say whose it is.
fn unmarked(kind: &dyn Kind, address: &Address, recorded: &Value, live: &Value) -> Value {
    let mut bare = live.clone();
    let marked = kind.marked(address, recorded);
    let (Some(properties), Some(marked)) = (bare.as_object_mut(), marked.as_object()) else {
        return live.clone();
    };
    for (name, with_marks) in marked {
        let was = recorded.get(name);
        if was == Some(with_marks) {
            continue;
        }
        let Some(was) = was else {
            // It holds nothing but marks.
            properties.remove(name);
            continue;
        };
        let key = kind.facts().lists.iter().find(|list| list.path == name).map(|list| list.key);
        match (properties.get_mut(name), with_marks, was) {
            (Some(Value::Array(live)), Value::Array(marks), Value::Array(was)) => {
                let id = |item: &Value| key.map_or_else(|| item.clone(), |key| item[key].clone());
                let is_mark = |item: &Value| {
                    marks.iter().any(|mark| id(mark) == id(item))
                        && !was.iter().any(|own| id(own) == id(item))
                };
                live.retain(|item| !is_mark(item));
            }
            (Some(Value::Object(live)), Value::Object(marks), Value::Object(was)) => {
                live.retain(|name, _| !marks.contains_key(name) || was.contains_key(name));
            }
            _ => {}
        }
    }
    bare
}

impl Session {
    /// Records these. Nothing is called; each is durable once it is recorded, so what was not reached when the process ends is
    /// found again by the next look.
    ///
    /// # Errors
    /// Where the journal fails, the lock was lost, or the session was cancelled; what was recorded until then stays.
    pub async fn accept(&self, acceptances: &[Acceptance]) -> Result<(), EngineError> {
        for Acceptance { address, taken, object, .. } in acceptances {
            let (address, object) = (address.clone(), *object);
            let event = match taken {
                Taken::Forgotten => Event::Missing { address, object },
                Taken::Properties { properties, .. } => {
                    let Some((dependencies, protect)) = self.kept_of(&address, object) else { continue };
                    let properties = properties.clone();
                    Event::Recorded { address, object, properties, dependencies, protect }
                }
                Taken::NotRecorded | Taken::Unfinished => continue,
            };
            self.note(event).await?;
        }
        Ok(())
    }

    /// What of an object stays as it is recorded.
    fn kept_of(&self, address: &Address, object: Seq) -> Option<(Vec<Address>, bool)> {
        let state = self.state();
        let object = state.slot(address.as_str())?.object(object)?;
        Some((object.dependencies.clone(), object.protect))
    }
}
