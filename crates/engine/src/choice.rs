//! What of a plan is wanted, in the words of whoever runs it: only this, not that, and this made anew.
//!
//! A [`Selector`] says which resources; a [`Choice`] says what is done about what they need. [`Narrowed`] says what came of it.

use std::collections::BTreeSet;
use std::fmt;

use crate::address::Address;
use crate::graph::Graph;
use crate::plan::relocated;
use crate::plan_error::PlanError;
use crate::selector::Selector;
use crate::state::{Partial, State};

/// Which part of all that there is to do a plan shall have.
///
/// # What comes along
/// - With [`only`](Self::only), also what the chosen changes need: changes of what they refer to, what uses an object that is
///   replaced or deleted, what has a name that a new object needs, and so on.
/// - With [`except`](Self::except), what cannot be done without the excluded changes is left out as well. A change in place that
///   leaves the outputs as they are is no such need.
/// - With both, what is excluded does not come along; where it is needed, there is no plan.
///
/// What is left out stays as it is. Its recorded outputs are used.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub(crate) words: String,
    pub(crate) only: Option<Selector>,
    pub(crate) except: Option<Selector>,
    pub(crate) replace: BTreeSet<Address>,
}

impl Choice {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// What is asked for in the words of the program, such as `up --only vpc`. It is recorded with what is left out.
    #[must_use]
    pub fn called(self, words: impl Into<String>) -> Self {
        Self { words: words.into(), ..self }
    }

    /// Only what this selects, and what that needs. More than one add up.
    #[must_use]
    pub fn only(mut self, selector: Selector) -> Self {
        self.only = Some(match self.only.take() {
            None => selector,
            Some(before) => before.or(selector),
        });
        self
    }

    /// Not what this selects, nor what cannot be done without it. More than one add up.
    #[must_use]
    pub fn except(mut self, selector: Selector) -> Self {
        self.except = Some(match self.except.take() {
            None => selector,
            Some(before) => before.or(selector),
        });
        self
    }

    /// The object of this resource is replaced, whether it is as declared or not. Where an earlier run has replaced it and not
    /// deleted the old one yet, that is finished, and no third one is made. With [`only`](Self::only), it is selected as well.
    #[must_use]
    pub fn replacing(mut self, address: Address) -> Self {
        self.replace.insert(address);
        self
    }

    /// Whether something may be left out.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.only.is_some() || self.except.is_some()
    }

    /// Whether nothing that it names belongs to a tier: not by itself, whatever comes along.
    #[must_use]
    pub fn leaves_out(&self, tier: &str, graph: &Graph, state: &State) -> bool {
        let in_tier = |address: &&Address| address.tier() == tier;
        let chosen = |selector: &Selector| -> BTreeSet<Address> {
            selector.resolve(graph, state).addresses().filter(in_tier).cloned().collect()
        };
        let only = self.only.as_ref().map_or_else(|| chosen(&Selector::all()), chosen);
        let except = self.except.as_ref().map_or_else(BTreeSet::new, chosen);
        self.is_part() && only.is_subset(&except)
    }

    /// Whether everything that it names is there: what selects nothing is most likely misspelled.
    ///
    /// # Errors
    /// [`PlanError::NothingSelected`], [`PlanError::NothingLeft`], [`PlanError::NotRecorded`] or [`PlanError::NotDeclared`]
    pub fn check(&self, graph: &Graph, state: &State) -> Result<(), PlanError> {
        if !self.is_part() && self.replace.is_empty() {
            return Ok(());
        }
        self.check_at(graph, &relocated(graph, state.clone()).0)
    }

    /// The same for a state in which everything is where it is declared.
    pub(crate) fn check_at(&self, graph: &Graph, state: &State) -> Result<(), PlanError> {
        // What is asked for once more was there when the run before began, and that may have deleted it.
        let is_again = state.partial().is_some_and(|partial| partial.run == self.words);
        for selector in self.only.iter().chain(&self.except).filter(|_| !is_again) {
            if let Some(pattern) = selector.resolve(graph, state).unmatched().first() {
                return Err(PlanError::NothingSelected { pattern: pattern.clone() });
            }
        }
        if let (Some(only), Some(except), false) = (&self.only, &self.except, is_again) {
            let (only, except) = (only.resolve(graph, state), except.resolve(graph, state));
            if only.addresses().all(|address| except.contains(address.as_str())) {
                return Err(PlanError::NothingLeft);
            }
        }
        for address in &self.replace {
            if state.current(address.as_str()).is_none() {
                let is_declared = graph.get(address.as_str()).is_some();
                return Err(PlanError::NotRecorded { address: address.clone(), is_declared });
            }
            if graph.get(address.as_str()).is_none() {
                return Err(PlanError::NotDeclared { address: address.clone() });
            }
        }
        Ok(())
    }

    /// What has to be replaced still.
    pub(crate) fn forced(&self, state: &State) -> BTreeSet<Address> {
        let is_begun =
            |address: &Address| state.slot(address.as_str()).is_some_and(|slot| !slot.deposed.is_empty());
        self.replace.iter().filter(|address| !is_begun(address)).cloned().collect()
    }
}

/// How one resource holds another one in a plan: that of which it is said cannot be done without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Bond {
    /// It refers to the other, which is created, replaced or changed.
    Needs,
    /// Its object goes, and the other uses that.
    UsedBy {
        /// Whether another object takes its place.
        replaced: bool,
    },
    /// The other's object has the name that it needs, and goes.
    NamedAs,
    /// It gives something up that the other, which goes, may use.
    GivesUp,
    /// It goes, and the other takes over from it.
    RelievedBy,
}

/// One link of a chain: `from` cannot be done without `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What cannot be done alone.
    pub from: Address,
    /// What it cannot be done without.
    pub to: Address,
    /// Why.
    pub bond: Bond,
}

impl Link {
    /// Why `to` comes along with `from`: `database/cluster needs it`.
    #[must_use]
    pub fn brings(&self) -> String {
        let from = &self.from;
        match self.bond {
            Bond::Needs => format!("{from} needs it"),
            Bond::UsedBy { replaced: true } => format!("it uses {from}, which is replaced"),
            Bond::UsedBy { replaced: false } => format!("it uses {from}, which is deleted"),
            Bond::NamedAs => format!("it has the name that {from} needs"),
            Bond::GivesUp => format!("it may use what {from} gives up"),
            Bond::RelievedBy => format!("it takes over from {from}, which is deleted"),
        }
    }

    /// Why `from` is left out with `to`: `it needs database/cluster`.
    #[must_use]
    pub fn holds(&self) -> String {
        let to = &self.to;
        match self.bond {
            Bond::Needs => format!("it needs {to}"),
            Bond::UsedBy { replaced: true } => format!("it would be replaced, and {to} uses it"),
            Bond::UsedBy { replaced: false } => format!("it would be deleted, and {to} uses it"),
            Bond::NamedAs => format!("{to} has the name that it needs"),
            Bond::GivesUp => format!("{to} may use what it gives up"),
            Bond::RelievedBy => format!("{to} is to take over from it"),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Link { from, to, bond } = self;
        match bond {
            Bond::Needs => write!(f, "{from} needs {to}"),
            Bond::UsedBy { replaced: true } => write!(f, "{from} would be replaced, and {to} uses it"),
            Bond::UsedBy { replaced: false } => write!(f, "{from} would be deleted, and {to} uses it"),
            Bond::NamedAs => write!(f, "{from} needs the name that {to} has"),
            Bond::GivesUp => write!(f, "{from} gives up what {to} may use"),
            Bond::RelievedBy => write!(f, "{from} would be deleted, and {to} takes over from it"),
        }
    }
}

/// A resource that there is something to do about, and that a plan leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The resource.
    pub address: Address,
    /// How many changes.
    pub changes: usize,
    /// Why, where nobody asked for it.
    pub because: Option<Link>,
}

/// What came of a [`Choice`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    pub(crate) words: String,
    pub(crate) also: Vec<Link>,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) before: Option<Partial>,
    pub(crate) is_part: bool,
}

impl Narrowed {
    /// The changes that nobody asked for: the `to` of each link comes along because of its `from`.
    #[must_use]
    pub fn also(&self) -> &[Link] {
        &self.also
    }

    /// What there is to do and is left out, in the order of the whole plan.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// What the run before this plan left out, as far as it is still to be done.
    #[must_use]
    pub fn before(&self) -> Option<&Partial> {
        self.before.as_ref()
    }

    /// Whether something may be left out.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.is_part
    }
}
