//! A strict cloud in memory, in virtual time.
//!
//! Its objects have the same properties whatever their kind, and each property has its own rule:
//!
//! | property | a change needs | refers to | holds the target |
//! |---|---|---|---|
//! | `Name` | a new object; unique among kinds with a natural key | | |
//! | `Shape` | a new object | | |
//! | `Size`, `Text` | an update | | |
//! | `Parents` | a new object | ready objects | yes |
//! | `EarlyParents` | a new object | objects, ready or not | yes |
//! | `Links` | an update | ready objects | yes |
//! | `Mentions` | an update | ready objects | no: it may dangle |
//! | `Holds` | an update; how many parts are in it, `ID/part-1` and so on; not known where it is not given | | |
//! | `Policy` | an update; `Snapshot` keeps a copy of what is in it, `Retain` the object | | |
//! | `Guard` | an update; with `Refuse` it is not deleted while there is something in it, with `Lock` never | | |
//!
//! Outputs: `Id`; `Endpoint`, empty until the object is ready; `Version`, which follows `Size` and so changes with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use engine::{CallError, Change, ErrorClass, File, MemoryStore, Search, Settle, Store};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::facts::FACTS;
use crate::life::Life;

/// A kind of the fake cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) settle: Settle,
    /// Seconds until it is ready, and until it is gone.
    pub(crate) seconds: (u64, u64),
}

/// All kinds.
pub(crate) const KINDS: &[Spec] = &[
    Spec { name: "Test::Token", settle: Settle::Token, seconds: (0, 0) },
    Spec { name: "Test::Key", settle: Settle::Key, seconds: (0, 0) },
    Spec { name: "Test::Tag", settle: Settle::Tag, seconds: (0, 0) },
    Spec { name: "Test::SlowToken", settle: Settle::Token, seconds: (90, 40) },
    Spec { name: "Test::SlowKey", settle: Settle::Key, seconds: (30, 60) },
    Spec { name: "Test::SlowTag", settle: Settle::Tag, seconds: (45, 20) },
];

/// A kind of which several exist beside each other by nature.
pub(crate) const REVISION: Spec = Spec { name: "Test::Revision", settle: Settle::Tag, seconds: (0, 0) };

/// A kind whose `Mentions` and `Grants` are widened first. Grants have a `Key`.
pub(crate) const GROUP: Spec = Spec { name: "Test::Group", settle: Settle::Token, seconds: (0, 0) };

/// A kind whose objects relieve each other.
pub(crate) const MEMBER: Spec = Spec { name: "Test::Member", settle: Settle::Token, seconds: (90, 40) };

/// A kind with names, of which none goes while something refers to it.
pub(crate) const HELD: Spec = Spec { name: "Test::Held", settle: Settle::Key, seconds: (0, 0) };
/// A kind that goes with what is held and it is a part of.
pub(crate) const PART: Spec = Spec { name: "Test::Part", settle: Settle::Key, seconds: (0, 0) };

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refused with this class, without effect.
    Before(ErrorClass),
    /// It took effect, but the answer is lost.
    AfterEffect,
    /// It takes effect, and no answer ever comes.
    NoAnswer,
}

/// When a process dies in a mutating call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    /// Before it is sent.
    Before,
    /// When it has taken effect, and the answer is on its way.
    After,
}

/// A call as the cloud got it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) by: Life,
    pub(crate) what: &'static str,
    pub(crate) address: String,
    pub(crate) properties: Value,
    pub(crate) at: Instant,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    pub(crate) id: u64,
    pub(crate) kind: &'static str,
    pub(crate) address: String,
    pub(crate) token: String,
    pub(crate) properties: Value,
    visible_at: Instant,
    ready_at: Instant,
    gone_at: Option<Instant>,
    /// It will never be ready.
    pub(crate) doomed: bool,
}

impl Thing {
    pub(crate) fn id(&self) -> String {
        id_text(self.id)
    }

    fn outputs(&self) -> Value {
        let ready = Instant::now() >= self.ready_at && !self.doomed;
        json!({
            "Id": self.id(),
            "Endpoint": if ready { format!("{}.example", self.id()) } else { String::new() },
            "Version": format!("v{}", self.properties["Size"]),
        })
    }

    /// Ids in one property.
    fn ids(&self, property: &str) -> Vec<String> {
        ids(&self.properties, property)
    }
}

fn ids(properties: &Value, property: &str) -> Vec<String> {
    let list = properties.get(property).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|id| Some(id.as_str()?.to_owned())).collect()
}

pub(crate) fn id_text(id: u64) -> String {
    format!("id-{id:06}")
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) things: BTreeMap<u64, Thing>,
    tokens: HashMap<String, (&'static str, Value, u64)>,
    created: u64,
    pub(crate) calls: usize,
    pub(crate) mutations: usize,
    pub(crate) log: Vec<Call>,
    /// What no correct engine asks for, whatever happens.
    pub(crate) violations: Vec<String>,
    /// Deletions that were refused since something refers to the object.
    pub(crate) refusals: Vec<String>,
    faults: HashMap<usize, Fault>,
    die_at: Option<(usize, CallEnd)>,
    late_at: Option<(usize, Duration)>,
    always: HashMap<String, Fault>,
    lag: Duration,
    key_lag: Duration,
    witness: Option<MemoryStore>,
    doomed: Vec<String>,
    /// Mutating calls that were sent, in that order.
    pub(crate) started: Vec<String>,
}

/// The cloud. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeCloud {
    inner: Arc<Mutex<Inner>>,
}

fn error(class: ErrorClass, what: &str, message: impl Into<String>) -> CallError {
    CallError::new(class, what, message)
}

impl FakeCloud {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap();
        let now = Instant::now();
        inner.things.retain(|_, thing| thing.gone_at.is_none_or(|at| at > now));
        inner
    }

    /// New objects of kinds that are settled by tag are not shown for this long.
    pub(crate) fn set_lag(&self, lag: Duration) {
        self.lock().lag = lag;
    }

    /// New objects of kinds that have a natural key are not shown for this long.
    pub(crate) fn set_key_lag(&self, lag: Duration) {
        self.lock().key_lag = lag;
    }

    /// From now on every mutating call is compared with the journal that should announce it.
    pub(crate) fn watch_journal(&self, store: &MemoryStore) {
        self.lock().witness = Some(store.clone());
    }

    /// What goes wrong with every mutating call for an address, until there are no more faults.
    pub(crate) fn always(&self, address: &str, fault: Fault) {
        self.lock().always.insert(address.to_owned(), fault);
    }

    /// What goes wrong, by number of the call, counted from now on.
    pub(crate) fn set_faults(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        let mut inner = self.lock();
        inner.calls = 0;
        inner.faults = faults.into_iter().collect();
    }

    /// The process dies in this mutating call, counted from now on.
    pub(crate) fn die_at(&self, mutation: usize, end: CallEnd) {
        let mut inner = self.lock();
        inner.mutations = 0;
        inner.die_at = Some((mutation, end));
    }

    /// This mutating call, counted from now on, stays in the network; the process dies meanwhile.
    pub(crate) fn be_late(&self, mutation: usize, by: Duration) {
        let mut inner = self.lock();
        inner.mutations = 0;
        inner.late_at = Some((mutation, by));
    }

    /// Nobody dies any more.
    pub(crate) fn survive(&self) {
        let mut inner = self.lock();
        inner.die_at = None;
        inner.late_at = None;
    }

    pub(crate) fn no_more_faults(&self) {
        self.survive();
        let mut inner = self.lock();
        inner.faults.clear();
        inner.always.clear();
    }

    /// The next object at this address will never be ready.
    pub(crate) fn doom(&self, address: &str) {
        self.lock().doomed.push(address.to_owned());
    }

    /// Somebody else changes an object.
    pub(crate) fn tamper(&self, address: &str, property: &str, value: Value) {
        let mut inner = self.lock();
        let thing = inner.things.values_mut().find(|thing| thing.address == address).unwrap();
        thing.properties[property] = value;
    }

    /// Somebody else deletes an object.
    pub(crate) fn lose(&self, address: &str) {
        self.lock().things.retain(|_, thing| thing.address != address);
    }

    /// Somebody else takes an object away, for a while.
    pub(crate) fn take(&self, address: &str) -> Thing {
        let mut inner = self.lock();
        let id = inner.things.values().find(|thing| thing.address == address).unwrap().id;
        inner.things.remove(&id).unwrap()
    }

    /// It is there again.
    pub(crate) fn give_back(&self, thing: Thing) {
        self.lock().things.insert(thing.id, thing);
    }

    /// An object fails for good.
    pub(crate) fn fail(&self, address: &str) {
        let mut inner = self.lock();
        inner.things.values_mut().find(|thing| thing.address == address).unwrap().doomed = true;
    }

    /// Somebody else has an object of this name.
    pub(crate) fn squat(&self, kind: &'static str, name: &str) {
        let mut inner = self.lock();
        inner.created += 1;
        let (id, now) = (inner.created, Instant::now());
        let thing = Thing {
            id,
            kind,
            address: String::new(),
            token: String::new(),
            properties: json!({ "Name": name }),
            visible_at: now,
            ready_at: now,
            gone_at: None,
            doomed: false,
        };
        inner.things.insert(id, thing);
    }

    /// The addresses of all objects, sorted, each as often as it has objects.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let inner = self.lock();
        let mut addresses: Vec<String> = inner.things.values().map(|thing| thing.address.clone()).collect();
        addresses.sort();
        addresses
    }

    pub(crate) fn at(&self, address: &str) -> Option<Thing> {
        self.lock().things.values().find(|thing| thing.address == address).cloned()
    }

    /// Mutating calls so far, as `create t/a`.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lock().log.iter().map(|call| format!("{} {}", call.what, call.address)).collect()
    }

    pub(crate) fn clear_log(&self) {
        let mut inner = self.lock();
        inner.log.clear();
        inner.started.clear();
    }

    /// The journal on disk ends, for this address, with the intent of this call.
    async fn check_announced(&self, call: &Call) {
        let Some(store) = self.lock().witness.clone() else { return };
        let content = store.read(File::Journal).await.unwrap().expect("there is a journal");
        let address = format!("\"address\":\"{}\",", call.address);
        // A torn last line announces nothing, but what was in flight when its writer died still arrives.
        let whole = content.bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
        let text = String::from_utf8_lossy(&content.bytes[..whole]);
        let intent =
            text.lines().rev().find(|line| line.contains("\"event\":\"intent\"") && line.contains(&address));
        // Nobody knows any more whose object it was that is deleted a second time.
        let unknown = call.what == "delete" && call.address.is_empty();
        let announced = unknown
            || intent.is_some_and(|line| match call.what {
                // One that was interrupted in its creation is brought to its end under that intent.
                "update" => !line.contains("\"operation\":\"delete\""),
                what => line.contains(&format!("\"operation\":\"{what}\"")),
            });
        if !announced {
            let message = format!("{} {}: the journal says {intent:?}", call.what, call.address);
            self.lock().violations.push(message);
        }
    }

    /// A call of the process `life`: it is sent, takes effect in the cloud whatever becomes of the process, and is
    /// answered.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        life: &Life,
        mutation: Option<Call>,
        effect: impl FnOnce(&mut Inner) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        life.go_on().await;
        let (fault, dies, late, latency) = {
            let mut inner = self.lock();
            inner.calls += 1;
            inner.mutations += usize::from(mutation.is_some());
            let dies = inner.die_at.filter(|(at, _)| mutation.is_some() && *at == inner.mutations);
            // Any spread will do, as long as it repeats.
            let latency = Duration::from_millis(20 + (inner.calls as u64).wrapping_mul(2_654_435_761) % 181);
            if let Some(call) = &mutation
                && dies.is_none_or(|(_, end)| end == CallEnd::After)
            {
                inner.started.push(format!("{} {}", call.what, call.address));
            }
            let late = inner.late_at.filter(|(at, _)| mutation.is_some() && *at == inner.mutations);
            let always = mutation.as_ref().and_then(|call| inner.always.get(&call.address));
            let fault = always.or_else(|| inner.faults.get(&inner.calls)).copied();
            (fault, dies.map(|(_, end)| end), late.map(|(_, by)| by), latency)
        };
        if dies == Some(CallEnd::Before) {
            life.end();
        }
        life.go_on().await;
        let (cloud, process) = (self.clone(), life.clone());
        let server = tokio::spawn(async move {
            tokio::time::sleep(latency).await;
            if let Some(by) = late {
                process.end();
                tokio::time::sleep(by).await;
            }
            if let Some(call) = &mutation {
                cloud.check_announced(call).await;
            }
            let result = match fault {
                Some(Fault::Before(class)) => Err(error(class, "call", format!("{class:?} on demand"))),
                _ => {
                    let mut inner = cloud.lock();
                    inner.log.extend(mutation);
                    effect(&mut inner)
                }
            };
            if dies == Some(CallEnd::After) {
                process.end();
            }
            tokio::time::sleep(latency / 2).await;
            match fault {
                Some(Fault::NoAnswer) => std::future::pending().await,
                Some(Fault::AfterEffect) => Err(error(ErrorClass::Ambiguous, "call", "the answer was lost")),
                _ => result,
            }
        });
        let answer = server.await.expect("the fake cloud does not panic");
        life.go_on().await;
        answer
    }
}

impl Inner {
    fn visible(&self, id: u64) -> Option<&Thing> {
        let now = Instant::now();
        self.things.get(&id).filter(|thing| thing.visible_at <= now)
    }

    /// By id, if it is shown.
    pub(crate) fn by_id(&self, outputs: &Value) -> Option<&Thing> {
        let id = outputs["Id"].as_str()?.strip_prefix("id-")?.parse().ok()?;
        self.visible(id)
    }

    /// Checks what the properties refer to.
    fn check(&mut self, what: &str, address: &str, properties: &Value) -> Result<(), CallError> {
        let now = Instant::now();
        for (property, must_be_ready) in
            [("Parents", true), ("EarlyParents", false), ("Links", true), ("Mentions", true)]
        {
            for id in ids(properties, property) {
                let known = self.things.values().find(|thing| thing.id() == id);
                let wrong = match known {
                    None => "does not exist",
                    Some(thing) if thing.gone_at.is_some() => "is being deleted",
                    Some(thing) if must_be_ready && (thing.ready_at > now || thing.doomed) => "is not ready",
                    Some(thing) if thing.visible_at > now => {
                        return Err(error(ErrorClass::NotFound, what, format!("{id} is not seen yet")));
                    }
                    Some(_) => continue,
                };
                let message = format!("{what} {address}: {property} names {id}, which {wrong}");
                self.violations.push(message.clone());
                return Err(error(ErrorClass::Invalid, what, message));
            }
        }
        Ok(())
    }

    pub(crate) fn create(
        &mut self,
        spec: Spec,
        address: &str,
        token: &str,
        properties: &Value,
    ) -> Result<Value, CallError> {
        let what = "Create";
        if spec.settle == Settle::Token
            && let Some((kind, sent, id)) = self.tokens.get(token)
        {
            if *kind != spec.name || sent != properties {
                let message = format!("create {address}: the token was used with other properties");
                self.violations.push(message.clone());
                return Err(error(ErrorClass::Conflict, what, message));
            }
            if let Some(thing) = self.things.get(id) {
                return Ok(thing.outputs());
            }
        }
        self.check("create", address, properties)?;
        let same_name =
            |thing: &&Thing| thing.kind == spec.name && thing.properties["Name"] == properties["Name"];
        if spec.settle == Settle::Key
            && let Some(other) = self.things.values().find(same_name)
        {
            return Err(error(ErrorClass::AlreadyExists, what, format!("{} has the name", other.id())));
        }
        self.created += 1;
        let (id, now) = (self.created, Instant::now());
        let lag = match spec.settle {
            Settle::Tag => self.lag,
            Settle::Key => self.key_lag,
            Settle::Token => Duration::ZERO,
        };
        let doomed =
            self.doomed.iter().position(|one| one == address).map(|at| self.doomed.remove(at)).is_some();
        let thing = Thing {
            id,
            kind: spec.name,
            address: address.to_owned(),
            token: token.to_owned(),
            properties: properties.clone(),
            visible_at: now + lag,
            ready_at: now + lag + Duration::from_secs(spec.seconds.0),
            gone_at: None,
            doomed,
        };
        let outputs = thing.outputs();
        self.things.insert(id, thing);
        self.tokens.insert(token.to_owned(), (spec.name, properties.clone(), id));
        Ok(outputs)
    }

    pub(crate) fn find(
        &self,
        spec: Spec,
        search: &Search,
        properties: &Value,
    ) -> Result<Option<Value>, CallError> {
        let now = Instant::now();
        let mut shown = self
            .things
            .values()
            .filter(|thing| thing.kind == spec.name && thing.visible_at <= now && thing.gone_at.is_none());
        if spec.settle != Settle::Key {
            let fits = |thing: &&Thing| {
                search.addresses().any(|address| address.as_str() == thing.address)
                    && search.is_for(&thing.token)
            };
            return Ok(shown.find(fits).map(Thing::outputs));
        }
        match shown.find(|thing| thing.properties["Name"] == properties["Name"]) {
            Some(thing) if thing.address.is_empty() => {
                Err(CallError::conflict("Find", "somebody else has the name"))
            }
            found => Ok(found.map(Thing::outputs)),
        }
    }

    pub(crate) fn update(
        &mut self,
        outputs: &Value,
        properties: &Value,
        changed: &[String],
    ) -> Result<Value, CallError> {
        let what = "Update";
        let Some(thing) = self.by_id(outputs).cloned() else {
            return Err(error(ErrorClass::NotFound, what, "there is no such object"));
        };
        if let Some(property) = changed.iter().find(|name| FACTS.change(name) == Change::Replace) {
            let message = format!("update {}: {property} cannot be changed", thing.address);
            self.violations.push(message.clone());
            return Err(error(ErrorClass::Invalid, what, message));
        }
        // Only what changes is checked: what is mentioned besides may have gone.
        let mut sent = serde_json::Map::new();
        for name in changed {
            sent.extend(properties.get(name).map(|value| (name.clone(), value.clone())));
        }
        self.check("update", &thing.address, &Value::Object(sent))?;
        let thing = self.things.get_mut(&thing.id).expect("it was found");
        for name in changed {
            match properties.get(name) {
                Some(value) => thing.properties[name.as_str()] = value.clone(),
                None => drop(thing.properties.as_object_mut().and_then(|all| all.remove(name))),
            }
        }
        Ok(thing.outputs())
    }

    pub(crate) fn delete(&mut self, spec: Spec, outputs: &Value) -> Result<(), CallError> {
        let Some(thing) = self.by_id(outputs).cloned() else { return Ok(()) };
        let holds = |other: &&Thing| {
            ["Parents", "EarlyParents", "Links"]
                .iter()
                .any(|property| other.ids(property).contains(&thing.id()))
        };
        if let Some(other) = self.things.values().find(holds) {
            let message = format!("delete {}: {} refers to it", thing.address, other.address);
            self.refusals.push(message.clone());
            return Err(error(ErrorClass::DependencyViolation, "Delete", message));
        }
        let at = Instant::now() + Duration::from_secs(spec.seconds.1);
        let thing = self.things.get_mut(&thing.id).expect("it was found");
        thing.gone_at.get_or_insert(at);
        Ok(())
    }
}

/// One look at an object: outputs and whether it is ready; `None` if it never will be.
pub(crate) fn readiness(inner: &Inner, outputs: &Value) -> Result<Option<(bool, Value)>, CallError> {
    let thing =
        inner.by_id(outputs).ok_or_else(|| error(ErrorClass::NotFound, "Describe", "no such object"))?;
    if thing.doomed {
        return Ok(None);
    }
    Ok(Some((Instant::now() >= thing.ready_at, thing.outputs())))
}

/// The live properties; `None` if the object is gone or going.
pub(crate) fn live(inner: &Inner, outputs: &Value) -> Option<Value> {
    inner.by_id(outputs).filter(|thing| thing.gone_at.is_none()).map(|thing| thing.properties.clone())
}

/// Whether nothing is left of an object.
pub(crate) fn is_gone(inner: &Inner, outputs: &Value) -> bool {
    inner.by_id(outputs).is_none()
}
