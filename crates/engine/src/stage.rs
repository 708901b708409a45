//! The two stages of a property: an input while declared, a value once resolved.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What every property, output and resource struct must be: plain, comparable, serialisable data.
///
/// Implemented for every type that qualifies; there is nothing to write by hand.
pub trait Data: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<T> Data for T where T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {}

/// Whether a struct describes what is wanted or what is.
///
/// A resource struct is generic over its stage, so that one definition serves both: `Subnet<Declared>` may
/// refer to outputs that do not exist yet, `Subnet<Resolved>` cannot.
pub trait Stage: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// A property of type `T` at this stage.
    type Of<T: Data>: Data;
}

/// While a tier is declared: a property is an [`Input`](crate::Input), a literal or a reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared;

/// When the cloud is called: a property is a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved;

impl Stage for Declared {
    type Of<T: Data> = crate::Input<T>;
}

impl Stage for Resolved {
    type Of<T: Data> = T;
}
