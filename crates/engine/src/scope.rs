//! Where a tier declares its resources.

use std::collections::BTreeMap;

use crate::address::{Address, InvalidAddress};
use crate::facts::Facts;
use crate::fields::fields;
use crate::input::Input;
use crate::references;
use crate::resource::{Declares, OutputsOf, Resource};
use crate::stage::Data;
use serde_json::Value;

/// A resource as declared: data, with references in it.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// Where it lives.
    pub address: Address,
    /// Its kind, a CloudFormation type.
    pub kind: String,
    /// Its properties; references to other resources are `{"$ref": …, "attr": …}`.
    pub properties: Value,
    /// Whether the engine refuses to delete or replace it.
    pub protect: bool,
    /// What it waits for and takes nothing from.
    pub after: Vec<Address>,
    /// What is known of its kind.
    pub facts: &'static Facts,
}

/// What is declared of every object of a kind in a tier, whether it is declared itself or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KindGuard {
    /// The tier: the first segment of addresses. Empty for all of them.
    pub(crate) tier: String,
    pub(crate) kind: &'static str,
    /// What keeps such an object, or what it holds.
    pub(crate) by: KeptBy,
}

/// What keeps objects of a kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum KeptBy {
    /// Property values. See [`Facts::keeps`](crate::Facts::keeps).
    Properties(Value),
    /// Not being called one of these.
    AllBut(Vec<String>),
}

/// What a resource was called in an earlier version of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Formerly {
    /// What it is called now.
    pub(crate) address: Address,
    pub(crate) before: Address,
}

/// What is wrong with a declaration, found before any call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeclareError {
    /// An address with characters that it cannot have.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    /// Two resources at one address.
    #[error("{address} is declared twice")]
    Duplicate {
        /// The address.
        address: Address,
    },
    /// Something is said of a resource that is not declared.
    #[error("{address} is not declared")]
    Unknown {
        /// The address.
        address: Address,
    },
    /// Properties that do not serialise to a JSON object, or outputs that are not a struct.
    #[error("{address}: {kind} cannot be declared")]
    Shape {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: &'static str,
        /// What serde says.
        #[source]
        source: serde_json::Error,
    },
    /// An argument of a tier that cannot work.
    #[error("{argument}: {reason}")]
    Argument {
        /// The argument's name, as the tier's `Args` and the configuration file spell it.
        argument: String,
        /// Why it cannot work.
        reason: String,
        /// What would be right.
        hint: String,
    },
}

impl DeclareError {
    /// Checks that a number is in its range. `unit` follows the range in the hint: ` seconds`.
    ///
    /// # Errors
    /// [`DeclareError::Argument`] where it is not.
    pub fn within(
        argument: &str,
        value: u32,
        range: std::ops::RangeInclusive<u32>,
        unit: &str,
    ) -> Result<(), Self> {
        if range.contains(&value) {
            return Ok(());
        }
        let hint = format!("use {} to {}{unit}", range.start(), range.end());
        Err(Self::argument(argument, format!("{value} is out of range"), hint))
    }

    /// An argument that cannot work, with what would be right.
    #[must_use]
    pub fn argument(argument: impl Into<String>, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        DeclareError::Argument { argument: argument.into(), reason: reason.into(), hint: hint.into() }
    }
}

/// Collects the declarations of one or more tiers.
///
/// A scope has a prefix, the tier's name, which [`add`](Scope::add) puts before each name.
#[derive(Debug, Default)]
pub struct Scope {
    prefix: String,
    declarations: Vec<Declaration>,
    guards: Vec<KindGuard>,
    formerly: Vec<Formerly>,
    seen: std::collections::HashSet<Address>,
    /// The names of the top-level properties of the kinds.
    fields: BTreeMap<String, &'static [&'static str]>,
}

/// What a scope has collected.
pub(crate) struct Parts {
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) guards: Vec<KindGuard>,
    pub(crate) formerly: Vec<Formerly>,
    pub(crate) fields: BTreeMap<String, &'static [&'static str]>,
}

impl Scope {
    /// An empty scope without prefix.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a resource, and returns its outputs as references that other resources can take as inputs.
    ///
    /// # Errors
    /// Where the address is invalid or taken.
    pub fn add<D: Declares>(&mut self, name: &str, declared: D) -> Result<OutputsOf<D>, DeclareError> {
        self.insert(name, declared, false)
    }

    /// Adds a resource that the engine refuses to delete or replace. The protection is recorded in state, so that
    /// removing the code does not remove the protection.
    ///
    /// # Errors
    /// Where the address is invalid or taken.
    pub fn add_protected<D: Declares>(
        &mut self,
        name: &str,
        declared: D,
    ) -> Result<OutputsOf<D>, DeclareError> {
        self.insert(name, declared, true)
    }

    fn insert<D: Declares>(
        &mut self,
        name: &str,
        declared: D,
        protect: bool,
    ) -> Result<OutputsOf<D>, DeclareError> {
        let address = self.address(name)?;
        if !self.seen.insert(address.clone()) {
            return Err(DeclareError::Duplicate { address });
        }
        let kind = D::Resolved::KIND;
        let shape = |source| DeclareError::Shape { address: address.clone(), kind, source };
        let properties = serde_json::to_value(&declared).map_err(shape)?;
        let outputs = references::outputs_of(&address).map_err(shape)?;
        let facts = &D::Resolved::FACTS;
        let kind = kind.to_owned();
        self.fields.entry(kind.clone()).or_insert_with(fields::<D::Resolved>);
        let after = Vec::new();
        self.declarations.push(Declaration { address, kind, properties, protect, after, facts });
        Ok(outputs)
    }

    fn address(&self, name: &str) -> Result<Address, InvalidAddress> {
        match self.prefix.as_str() {
            "" => Address::new(name),
            prefix => Address::new(&format!("{prefix}/{name}")),
        }
    }

    /// Says that a resource waits until another one is ready, and goes before it, though it takes nothing from it. Where it takes
    /// something, the reference says so already.
    ///
    /// # Errors
    /// [`DeclareError::Unknown`] where one of them is not declared yet.
    pub fn wait(&mut self, name: &str, after: &str) -> Result<(), DeclareError> {
        let (address, after) = (self.address(name)?, self.address(after)?);
        if !self.seen.contains(&after) {
            return Err(DeclareError::Unknown { address: after });
        }
        let declared = self.declarations.iter_mut().find(|declared| declared.address == address);
        declared.ok_or(DeclareError::Unknown { address })?.after.push(after);
        Ok(())
    }

    /// Says that a resource waits until everything is ready that these refer to, and goes before it, though it takes nothing from
    /// it. So a tier waits for what it was given; a literal is waited for by nobody.
    ///
    /// # Errors
    /// [`DeclareError::Unknown`] where the resource is not declared yet.
    pub fn wait_for<'a, T: Data>(
        &mut self,
        name: &str,
        inputs: impl IntoIterator<Item = &'a Input<T>>,
    ) -> Result<(), DeclareError> {
        let address = self.address(name)?;
        let declared = self.declarations.iter_mut().find(|declared| declared.address == address);
        let after = &mut declared.ok_or(DeclareError::Unknown { address })?.after;
        after.extend(inputs.into_iter().flat_map(Input::refers_to));
        Ok(())
    }

    /// Says that a resource was called otherwise by an earlier version of the program. What a state has at that address becomes this
    /// resource's, if it has nothing at this one and nothing else is declared at the former: the plan takes it as moved, and the
    /// next run records that before anything else. Nothing is called for it, and no object is touched: the tag with its address keeps
    /// the former one, by which the object is found as well, should the state be lost.
    ///
    /// # Errors
    /// [`DeclareError::Unknown`] where the resource is not declared yet.
    pub fn formerly(&mut self, name: &str, before: &str) -> Result<(), DeclareError> {
        let (address, before) = (self.address(name)?, self.address(before)?);
        if !self.seen.contains(&address) {
            return Err(DeclareError::Unknown { address });
        }
        self.formerly.push(Formerly { address, before });
        Ok(())
    }

    /// Says how objects of a kind in this tier are kept which are not declared any more, since what they belong to was switched
    /// off: by this property value, as if they were declared with it. One for each kind. In a scope without a prefix it holds for
    /// every tier, also for one that is not declared at all any more.
    pub fn guard_kind(&mut self, kind: &'static str, property: &str, value: impl Into<Value>) {
        let properties = Value::Object([(property.to_owned(), value.into())].into_iter().collect());
        self.guard(kind, KeptBy::Properties(properties));
    }

    /// Says which objects of a kind in this tier may be deleted or replaced, by their names. Every other one is protected, whatever
    /// is recorded of it and declared at its address: permission to lose one object is none to lose the one that it replaces. One
    /// for each kind.
    pub fn protect_all_but(&mut self, kind: &'static str, names: impl IntoIterator<Item = String>) {
        self.guard(kind, KeptBy::AllBut(names.into_iter().collect()));
    }

    fn guard(&mut self, kind: &'static str, by: KeptBy) {
        let tier = self.prefix.split('/').next().unwrap_or_default().to_owned();
        self.guards.push(KindGuard { tier, kind, by });
    }

    /// Runs `declare` with `prefix` before the names that it adds.
    pub fn within<T>(&mut self, prefix: &str, declare: impl FnOnce(&mut Scope) -> T) -> T {
        let outer = self.prefix.clone();
        self.prefix = match outer.as_str() {
            "" => prefix.to_owned(),
            outer => format!("{outer}/{prefix}"),
        };
        let result = declare(self);
        self.prefix = outer;
        result
    }

    /// What was declared, in the order in which it was.
    #[must_use]
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    pub(crate) fn into_parts(self) -> Parts {
        let Self { declarations, guards, formerly, fields, .. } = self;
        Parts { declarations, guards, formerly, fields }
    }
}
