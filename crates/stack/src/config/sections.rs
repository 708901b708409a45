//! The configuration's sections of the tiers, by name, whatever their types are.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;

use toml::Value;

use crate::tier::{Section, Tier};

/// A section, whatever its type is.
pub(crate) trait AnySection: Any + Debug + Send + Sync {
    fn copy(&self) -> Box<dyn AnySection>;

    fn equals(&self, other: &dyn AnySection) -> bool;

    /// As a file has it.
    fn value(&self) -> Result<Value, toml::ser::Error>;
}

impl<T: Section> AnySection for T {
    fn copy(&self) -> Box<dyn AnySection> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn AnySection) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<T>().is_some_and(|other| self == other)
    }

    fn value(&self) -> Result<Value, toml::ser::Error> {
        Value::try_from(self)
    }
}

impl Clone for Box<dyn AnySection> {
    fn clone(&self) -> Self {
        (**self).copy()
    }
}

impl PartialEq for dyn AnySection {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other)
    }
}

/// The sections of all tiers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sections {
    by_name: BTreeMap<&'static str, Box<dyn AnySection>>,
}

impl Sections {
    pub(super) fn insert(&mut self, name: &'static str, section: Box<dyn AnySection>) {
        self.by_name.insert(name, section);
    }

    pub(super) fn get<T: Tier>(&self) -> Option<&T::Args> {
        let section: &dyn Any = &**self.by_name.get(T::NAME)?;
        section.downcast_ref()
    }

    pub(super) fn get_mut<T: Tier>(&mut self) -> Option<&mut T::Args> {
        let section: &mut dyn Any = &mut **self.by_name.get_mut(T::NAME)?;
        section.downcast_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &dyn AnySection)> {
        self.by_name.iter().map(|(name, section)| (*name, &**section))
    }
}
