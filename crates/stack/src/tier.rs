//! A tier as a program registers it: its section of the configuration, its kinds, and what it needs of the tiers before it.

use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::Index;

use aws::KeyArn;
use engine::{Component, Declared, Input, Scope};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use toml::Value;

use crate::config::{AnySection, Config};
use crate::stack::{Place, Recorded, StackError};

/// What a section of the configuration must be: a struct with a default for every field.
///
/// Implemented for every type that qualifies; there is nothing to write by hand. With `#[serde(default,
/// deny_unknown_fields)]`, a field is a key of the section, its doc comment is the editor's help, and its type says what the
/// key takes. A field that nobody chooses has `#[serde(skip)]`.
pub trait Section:
    Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static
{
}

impl<T> Section for T where
    T: Clone
        + Debug
        + Default
        + PartialEq
        + Serialize
        + DeserializeOwned
        + JsonSchema
        + Send
        + Sync
        + 'static
{
}

/// What all tiers have in common in one environment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Shared {
    /// The name of the environment, part of every name.
    pub environment: String,
    /// Tags of every resource, with `Environment` among them.
    pub tags: BTreeMap<String, String>,
    /// Whether log groups, and the logs in them, stay when the stack is destroyed.
    pub keep_logs: bool,
    /// The key that encrypts log groups: see [`LogGroup::kms_key_id`](aws::resources::LogGroup::kms_key_id).
    pub log_key: Option<Input<KeyArn>>,
}

impl Shared {
    /// Of an environment of which nothing else is said: for a tier that stands alone.
    #[must_use]
    pub fn new(environment: &str) -> Self {
        let tags = BTreeMap::from([("Environment".to_owned(), environment.to_owned())]);
        Self { environment: environment.to_owned(), tags, keep_logs: false, log_key: None }
    }

    pub(crate) fn of(config: &Config, environment: &str) -> Self {
        let Self { environment, tags, .. } = Self::new(environment);
        // The environment's own tag stands, whatever the configuration says.
        let tags = config.tags.clone().into_iter().chain(tags).collect();
        Self { environment, tags, keep_logs: config.logs.keep_on_destroy, log_key: None }
    }
}

/// A tier that a [`Program`](crate::Program) can have. Its [`NAME`](Component::NAME) is also the name of its section in the
/// configuration.
pub trait Tier: Component + 'static {
    /// Its section of the configuration.
    type Args: Section;

    /// What the section is about: a sentence for editors.
    const ABOUT: &'static str;

    /// The section where nobody says anything.
    #[must_use]
    fn defaults() -> Self::Args {
        Self::Args::default()
    }

    /// The tier with these arguments in an environment. Checking the arguments is left to
    /// [`declare`](Component::declare), whose errors then name the file and the line.
    #[must_use]
    fn in_environment(args: Self::Args, shared: &Shared) -> Self;

    /// Registers the kinds of resource that the tier, or a state that it wrote, can contain. Those of [`aws::kinds`] are
    /// registered anyway, and one that another tier registers too does no harm.
    fn register(registry: &mut aws::Registry);
}

/// A registered tier: proof that the tiers registered after it can use its outputs.
pub struct Handle<T> {
    of: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    pub(crate) fn new() -> Self {
        Self { of: PhantomData }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> Debug for Handle<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle<{}>", type_name::<T>())
    }
}

/// What a tier can be wired with: the place, and the tiers that were registered before it. `wired[&handle]` has the outputs
/// of the handle's tier, as references that make the order of the graph.
pub struct Wired<'a> {
    place: &'a Place,
    config: &'a Config,
    outputs: BTreeMap<&'static str, Box<dyn Any>>,
}

impl<'a> Wired<'a> {
    pub(crate) fn new(place: &'a Place, config: &'a Config) -> Self {
        Self { place, config, outputs: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, tier: &'static str, outputs: Box<dyn Any>) {
        self.outputs.insert(tier, outputs);
    }

    /// Where the stack is made.
    #[must_use]
    pub fn place(&self) -> aws::Place {
        self.place.aws()
    }

    /// The region's availability zones, those to use first in front.
    #[must_use]
    pub fn availability_zones(&self) -> &[String] {
        &self.place.availability_zones
    }

    /// What the state knows of what is there.
    #[must_use]
    pub fn recorded(&self) -> &Recorded {
        &self.place.recorded
    }

    /// The arguments of a tier, as the configuration has them.
    ///
    /// # Panics
    /// With a handle of another program.
    #[must_use]
    pub fn args<T: Tier>(&self, _tier: &Handle<T>) -> &T::Args {
        self.config.get::<T>().unwrap_or_else(|| foreign::<T>())
    }
}

/// # Panics
/// With a handle of another program.
impl<T: Tier> Index<&Handle<T>> for Wired<'_> {
    type Output = T::Outputs<Declared>;

    fn index(&self, _tier: &Handle<T>) -> &Self::Output {
        let outputs = self.outputs.get(T::NAME).and_then(|outputs| outputs.downcast_ref());
        outputs.unwrap_or_else(|| foreign::<T>())
    }
}

fn foreign<T: Component>() -> ! {
    panic!("this handle of the tier `{}` belongs to another program", T::NAME)
}

/// A tier of a program, whatever its types are.
pub(crate) trait Registered: Send + Sync {
    fn name(&self) -> &'static str;

    fn about(&self) -> &'static str;

    fn register(&self, registry: &mut aws::Registry);

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    fn defaults(&self) -> Box<dyn AnySection>;

    /// Gives a configuration the tier's section, with its defaults, if it has none: if another program made it.
    fn complete(&self, config: &mut Config);

    fn read(&self, value: Value) -> Result<Box<dyn AnySection>, serde_path_to_error::Error<toml::de::Error>>;

    /// Declares the tier's resources: its outputs for the tiers after it, and the same as the program's outputs.
    fn declare(
        &self,
        scope: &mut Scope,
        wired: &Wired<'_>,
        shared: &Shared,
    ) -> Result<(Box<dyn Any>, Json), StackError>;
}

/// A tier, and where its inputs come from.
pub(crate) struct Registration<T, F> {
    inputs: F,
    of: PhantomData<fn() -> T>,
}

impl<T, F> Registration<T, F> {
    pub(crate) fn new(inputs: F) -> Self {
        Self { inputs, of: PhantomData }
    }
}

impl<T, F> Registered for Registration<T, F>
where
    T: Tier,
    F: Fn(&Wired<'_>) -> T::Inputs + Send + Sync,
{
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn about(&self) -> &'static str {
        T::ABOUT
    }

    fn register(&self, registry: &mut aws::Registry) {
        T::register(registry);
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T::Args>()
    }

    fn defaults(&self) -> Box<dyn AnySection> {
        Box::new(T::defaults())
    }

    fn complete(&self, config: &mut Config) {
        if config.get::<T>().is_none() {
            config.set(T::NAME, self.defaults());
        }
    }

    fn read(&self, value: Value) -> Result<Box<dyn AnySection>, serde_path_to_error::Error<toml::de::Error>> {
        Ok(Box::new(serde_path_to_error::deserialize::<_, T::Args>(value)?))
    }

    fn declare(
        &self,
        scope: &mut Scope,
        wired: &Wired<'_>,
        shared: &Shared,
    ) -> Result<(Box<dyn Any>, Json), StackError> {
        let tier = T::in_environment(wired.config.section::<T>().clone(), shared);
        let outputs = tier
            .declare_in(scope, &(self.inputs)(wired))
            .map_err(|source| StackError::Declare { tier: T::NAME, source })?;
        let exports = serde_json::to_value(&outputs)?;
        Ok((Box::new(outputs), exports))
    }
}
