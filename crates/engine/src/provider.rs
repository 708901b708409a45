//! The erased side of resources: JSON in, JSON out, so that one engine can run every kind.

use std::any::type_name;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::address::Address;
use crate::error::{CallError, ErrorClass};
use crate::facts::Facts;
use crate::fields::fields;
use crate::foreign::{ForeignId, Owner};
use crate::foresight::{Foreseen, Wish};
use crate::graph::Graph;
use crate::loss::Contents;
use crate::orphans::Sighting;
use crate::resource::{Change, Changed, Intent, Order, Readiness, Resource, Search, Settle};
use crate::stage::Resolved;
use crate::state::State;

/// All kinds that the engine can plan and apply.
pub trait Provider: Send + Sync {
    /// The kind of this name, or `None` if it is not known.
    fn kind(&self, name: &str) -> Option<&dyn Kind>;

    /// As [`Caller::known`].
    fn known(&self, _known: &Known<'_>) {}
}

/// What is ours, as far as it is recorded or declared.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What is recorded.
    pub state: &'a State,
    /// What is declared, where that is known too.
    pub declared: Option<&'a Graph>,
}

/// What the calls of a program's kinds are made with: clients, and whose objects these are.
///
/// An implementation without methods is right for a cloud whose objects carry nothing that says whose they are.
pub trait Caller: Send + Sync + 'static {
    /// The properties of the object at an address, with what every object of the program carries without being declared, such as
    /// tags that say whose it is. Live objects are compared with this, and changed to this; it is not recorded.
    fn marked(&self, _facts: &Facts, _address: &Address, properties: &Value) -> Value {
        properties.clone()
    }

    /// Takes out of live properties what others may set, and is neither compared nor changed.
    fn left_alone(&self, _facts: &Facts, _live: &mut Value) {}

    /// Whose a live object is, as far as what it carries says.
    fn owner(&self, _facts: &Facts, _live: &Value) -> Option<Owner> {
        None
    }

    /// Is told what is ours before objects are read: a kind that shows what is in its object, such as the routes of a table,
    /// must tell those of the program's other resources from those that somebody added.
    fn known(&self, _known: &Known<'_>) {}
}

impl Caller for () {}

impl<C: Caller + ?Sized> Caller for Arc<C> {
    fn marked(&self, facts: &Facts, address: &Address, properties: &Value) -> Value {
        self.as_ref().marked(facts, address, properties)
    }

    fn left_alone(&self, facts: &Facts, live: &mut Value) {
        self.as_ref().left_alone(facts, live);
    }

    fn owner(&self, facts: &Facts, live: &Value) -> Option<Owner> {
        self.as_ref().owner(facts, live)
    }

    fn known(&self, known: &Known<'_>) {
        self.as_ref().known(known);
    }
}

/// One kind of resource, with properties and outputs as JSON. See [`Resource`] for what each method means.
#[async_trait]
#[expect(missing_docs, reason = "each method is the erased twin of the one in Resource")]
pub trait Kind: Send + Sync {
    fn facts(&self) -> &Facts;
    fn settle(&self) -> Settle;
    fn is_revision(&self) -> bool;
    fn volatile(&self) -> &[&'static str];
    fn order(&self) -> Order {
        Order::default()
    }

    fn closed(&self) -> &[&'static str] {
        &[]
    }
    /// The properties with what every object of the program carries: [`Caller::marked`].
    fn marked(&self, _address: &Address, properties: &Value) -> Value {
        properties.clone()
    }
    /// Whose a live object is: [`Caller::owner`].
    fn owner(&self, _live: &Value) -> Option<Owner> {
        None
    }
    fn change(&self, property: &str) -> Change {
        self.facts().change(property)
    }
    /// The names of the top-level properties, as they are written.
    fn properties(&self) -> &'static [&'static str];
    /// The names of the outputs, as they are written.
    fn outputs(&self) -> &'static [&'static str];
    fn claim(&self, properties: &Value) -> Option<String>;
    fn coexists(&self, new: &Value, old: &Value) -> bool;
    async fn find(&self, properties: &Value, search: &Search) -> Result<Option<Value>, CallError>;
    /// The properties, with what the id says of them, and the outputs.
    async fn identify(
        &self,
        _properties: &Value,
        _id: &ForeignId,
    ) -> Result<Option<(Value, Value)>, CallError> {
        Ok(None)
    }
    async fn ours(&self) -> Result<Option<Vec<Sighting<Value>>>, CallError> {
        Ok(None)
    }
    async fn create(&self, properties: &Value, intent: &Intent) -> Result<Value, CallError>;
    async fn poll_ready(&self, outputs: &Value) -> Result<Readiness<Value>, CallError>;
    async fn poll_changed(
        &self,
        _properties: &Value,
        outputs: &Value,
    ) -> Result<Readiness<Value>, CallError> {
        self.poll_ready(outputs).await
    }
    fn lingers(&self, _property: &str) -> bool {
        false
    }
    fn accepts(&self, _property: &str, _live: &Value, _declared: &Value) -> Option<String> {
        None
    }
    async fn foresee(&self, _wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        Ok(Foreseen::nothing())
    }
    async fn configure(&self, properties: &Value, outputs: &Value) -> Result<(), CallError>;
    async fn read(&self, properties: &Value, outputs: &Value) -> Result<Option<Value>, CallError>;
    async fn update(
        &self,
        properties: &Value,
        outputs: &Value,
        before: &Value,
        changed: Vec<String>,
    ) -> Result<Value, CallError>;
    async fn contents(&self, properties: &Value, outputs: &Value) -> Result<Contents, CallError>;
    async fn delete(&self, properties: &Value, outputs: &Value) -> Result<(), CallError>;
    async fn poll_gone(&self, properties: &Value, outputs: &Value) -> Result<bool, CallError>;
}

/// The typed resources of a program, by kind, with the context that their calls need.
pub struct Registry<C> {
    context: Arc<C>,
    /// With the name of the type.
    kinds: HashMap<&'static str, (&'static str, Box<dyn Kind>)>,
}

impl<C: Caller> Registry<C> {
    /// A registry without kinds.
    #[must_use]
    pub fn new(context: C) -> Self {
        Self { context: Arc::new(context), kinds: HashMap::new() }
    }

    /// Adds a kind. Every kind that state may contain must be here, also one that the code no longer declares. The same type may
    /// be added again.
    ///
    /// # Panics
    /// Where another type has this kind already: it would take over the objects of the first one. That is a defect of the program.
    pub fn register<R: Resource<Context = C>>(&mut self) -> &mut Self {
        let (kind, name) = (R::KIND, type_name::<R>());
        if let Some((other, _)) = self.kinds.get(kind) {
            assert!(*other == name, "{kind} is registered for two types: {other} and {name}");
        }
        self.replace::<R>()
    }

    /// Adds a kind in place of what has its name, if anything has. For a program that knows better, such as a test.
    pub fn replace<R: Resource<Context = C>>(&mut self) -> &mut Self {
        let adapter = Adapter::<R> { context: Arc::clone(&self.context), of: PhantomData };
        self.kinds.insert(R::KIND, (type_name::<R>(), Box::new(adapter)));
        self
    }

    /// All kinds with their names, by name.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &dyn Kind)> {
        let mut kinds: Vec<_> = self.kinds.iter().map(|(name, (_, kind))| (*name, kind.as_ref())).collect();
        kinds.sort_unstable_by_key(|(name, _)| *name);
        kinds.into_iter()
    }

    /// What the calls use.
    #[must_use]
    pub fn context(&self) -> &C {
        &self.context
    }
}

impl<C: Caller> Provider for Registry<C> {
    fn kind(&self, name: &str) -> Option<&dyn Kind> {
        self.kinds.get(name).map(|(_, kind)| kind.as_ref())
    }

    fn known(&self, known: &Known<'_>) {
        self.context.known(known);
    }
}

struct Adapter<R: Resource> {
    context: Arc<R::Context>,
    of: PhantomData<fn() -> R>,
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, CallError> {
    T::deserialize(value).map_err(|error| {
        CallError::new(
            ErrorClass::Invalid,
            format!("reading {}", type_name::<T>()),
            format!("recorded data does not fit this version of the program: {error}"),
        )
    })
}

fn erased<T: Serialize>(value: &T) -> Result<Value, CallError> {
    serde_json::to_value(value).map_err(|error| {
        CallError::new(ErrorClass::Invalid, format!("writing {}", type_name::<T>()), error.to_string())
    })
}

fn erased_readiness<T: Serialize>(readiness: Readiness<T>) -> Result<Readiness<Value>, CallError> {
    Ok(match readiness {
        Readiness::Ready(outputs) => Readiness::Ready(erased(&outputs)?),
        Readiness::Pending(state) => Readiness::Pending(state),
        Readiness::Failed(reason) => Readiness::Failed(reason),
    })
}

type OutputsFor<R> = <R as Resource>::Outputs<Resolved>;

#[async_trait]
impl<R: Resource> Kind for Adapter<R> {
    fn facts(&self) -> &Facts {
        &R::FACTS
    }

    fn settle(&self) -> Settle {
        R::SETTLE
    }

    fn is_revision(&self) -> bool {
        R::IS_REVISION
    }

    fn volatile(&self) -> &[&'static str] {
        R::VOLATILE
    }

    fn order(&self) -> Order {
        R::ORDER
    }

    fn closed(&self) -> &[&'static str] {
        R::CLOSED
    }

    fn marked(&self, address: &Address, properties: &Value) -> Value {
        self.context.marked(&R::FACTS, address, properties)
    }

    fn owner(&self, live: &Value) -> Option<Owner> {
        self.context.owner(&R::FACTS, live)
    }

    fn properties(&self) -> &'static [&'static str] {
        fields::<R>()
    }

    fn outputs(&self) -> &'static [&'static str] {
        fields::<OutputsFor<R>>()
    }

    fn claim(&self, properties: &Value) -> Option<String> {
        R::deserialize(properties).ok()?.claim()
    }

    fn coexists(&self, new: &Value, old: &Value) -> bool {
        match (R::deserialize(new), R::deserialize(old)) {
            (Ok(new), Ok(old)) => new.coexists(&old),
            _ => false,
        }
    }

    async fn find(&self, properties: &Value, search: &Search) -> Result<Option<Value>, CallError> {
        let found = typed::<R>(properties)?.find(&self.context, search).await?;
        found.as_ref().map(erased).transpose()
    }

    async fn identify(
        &self,
        properties: &Value,
        id: &ForeignId,
    ) -> Result<Option<(Value, Value)>, CallError> {
        let mut named = typed::<R>(properties)?;
        let Some(outputs) = named.identify(&self.context, id).await? else { return Ok(None) };
        Ok(Some((erased(&named)?, erased(&outputs)?)))
    }

    async fn ours(&self) -> Result<Option<Vec<Sighting<Value>>>, CallError> {
        let Some(found) = R::ours(&self.context).await? else { return Ok(None) };
        let one = |Sighting { outputs, address, tags, created }: Sighting<OutputsFor<R>>| {
            Ok::<_, CallError>(Sighting { outputs: erased(&outputs)?, address, tags, created })
        };
        found.into_iter().map(one).collect::<Result<_, _>>().map(Some)
    }

    async fn create(&self, properties: &Value, intent: &Intent) -> Result<Value, CallError> {
        erased(&typed::<R>(properties)?.create(&self.context, intent).await?)
    }

    async fn poll_ready(&self, outputs: &Value) -> Result<Readiness<Value>, CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        erased_readiness(R::poll_ready(&self.context, &outputs).await?)
    }

    async fn poll_changed(&self, properties: &Value, outputs: &Value) -> Result<Readiness<Value>, CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        erased_readiness(typed::<R>(properties)?.poll_changed(&self.context, &outputs).await?)
    }

    fn lingers(&self, property: &str) -> bool {
        R::lingers(property)
    }

    fn accepts(&self, property: &str, live: &Value, declared: &Value) -> Option<String> {
        R::accepts(property, live, declared)
    }

    async fn foresee(&self, wish: &Wish<'_>) -> Result<Foreseen, CallError> {
        R::foresee(&self.context, wish).await
    }

    async fn configure(&self, properties: &Value, outputs: &Value) -> Result<(), CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        typed::<R>(properties)?.configure(&self.context, &outputs).await
    }

    async fn read(&self, properties: &Value, outputs: &Value) -> Result<Option<Value>, CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        let Some(live) = typed::<R>(properties)?.read(&self.context, &outputs).await? else {
            return Ok(None);
        };
        let mut live = erased(&live)?;
        self.context.left_alone(&R::FACTS, &mut live);
        Ok(Some(live))
    }

    async fn update(
        &self,
        properties: &Value,
        outputs: &Value,
        before: &Value,
        changed: Vec<String>,
    ) -> Result<Value, CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        let changed = Changed { before: typed(before)?, properties: changed };
        erased(&typed::<R>(properties)?.update(&self.context, &outputs, &changed).await?)
    }

    async fn contents(&self, properties: &Value, outputs: &Value) -> Result<Contents, CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        typed::<R>(properties)?.contents(&self.context, &outputs).await
    }

    async fn delete(&self, properties: &Value, outputs: &Value) -> Result<(), CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        typed::<R>(properties)?.delete(&self.context, &outputs).await
    }

    async fn poll_gone(&self, properties: &Value, outputs: &Value) -> Result<bool, CallError> {
        let outputs: OutputsFor<R> = typed(outputs)?;
        typed::<R>(properties)?.poll_gone(&self.context, &outputs).await
    }
}
