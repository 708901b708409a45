//! One resource in a plan: what happens to it, and why.

use serde_json::Value;

use crate::address::Address;
use crate::diff::PropertyChange;
use crate::encounter::Encounter;
use crate::event::Seq;
use crate::foresight::Accepted;
use crate::outside::Outside;
use crate::removal::{Lowered, Removal};
use crate::state::Phase;

/// In which order a replacement happens.
///
/// Exhaustive on purpose: whoever shows a plan must say which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceOrder {
    /// The new object is created, dependents move over, the old one is deleted.
    CreateFirst,
    /// The old object is deleted first, since both cannot exist at once: they claim the same name or addresses, or
    /// they depend on something that is deleted first.
    DeleteFirst,
}

/// Properties that force a replacement, or `Type`, `Readiness` or [`Requested`](Reasons::REQUESTED): never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasons {
    first: String,
    more: Vec<String>,
}

impl Reasons {
    /// Stands among the properties where somebody asked for the replacement: see
    /// [`Choice::replacing`](crate::Choice::replacing).
    pub const REQUESTED: &str = "Requested";

    pub(crate) fn new(properties: Vec<String>) -> Option<Self> {
        let mut properties = properties.into_iter();
        Some(Self { first: properties.next()?, more: properties.collect() })
    }

    /// The names of the properties.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.first.as_str()).chain(self.more.iter().map(String::as_str))
    }
}

/// What happens to a resource.
///
/// Exhaustive on purpose: whoever shows a plan must not leave one out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is created anew, and the old object deleted.
    Replace {
        /// The properties that cannot be changed.
        because: Reasons,
        /// Which comes first.
        order: ReplaceOrder,
    },
    /// It is deleted.
    Delete,
    /// Nothing happens in the cloud.
    Unchanged,
}

/// Why a resource appears in a plan, beyond its changed properties.
///
/// Exhaustive on purpose: whoever shows a plan must not leave one out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Its creation, or a change of it, was interrupted, and is brought to an end.
    Unfinished,
    /// The object that is known has disappeared from the cloud.
    Missing,
    /// The object was replaced, but its deletion did not happen yet.
    Deposed,
    /// The object was replaced by an earlier run and is still there. It is what is declared, so it is taken back, and the one
    /// that replaced it is deleted.
    TakenBack,
}

/// An object that is recorded, as the plan saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Existing {
    pub(crate) seq: Seq,
    /// Its kind, which is another one than what is declared where that changed.
    pub(crate) kind: String,
    /// How far its creation had come.
    pub(crate) phase: Phase,
    /// Its live properties; those that are recorded, where nobody looked or nothing was there.
    pub(crate) seen: Value,
}

/// What is declared of a resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    /// Position in the graph.
    pub(crate) node: usize,
    /// The properties, where what is not known yet is a reference.
    pub(crate) desired: Value,
}

/// What a step is about: what is declared, an object, or both; never neither.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject {
    /// A resource without an object.
    Declared(Wanted),
    /// A resource with an object.
    Both(Existing, Wanted),
    /// An object that is not declared, or not any more.
    Recorded(Existing),
}

/// One resource in a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// What happens.
    pub action: Action,
    /// The properties that differ; empty for a creation and a deletion.
    pub changes: Vec<PropertyChange>,
    /// What else there is to know.
    pub note: Option<Note>,
    /// What it is about.
    pub(crate) subject: Subject,
    /// Whether what is recorded must be brought up to date though nothing happens in the cloud.
    pub(crate) record: bool,
    /// What becomes of the object that goes, and of what it holds; `None` where none goes.
    pub(crate) removal: Option<Removal>,
    /// What goes of an object that stays.
    pub(crate) lowered: Vec<Lowered>,
    /// The resource that has disappeared, where that alone is why this one would be replaced.
    pub(crate) missing: Option<Address>,
    /// What is not as declared and stays so.
    pub(crate) accepted: Vec<Accepted>,
    /// What the kind says of it.
    pub(crate) warnings: Vec<String>,
    /// Which of the changes somebody made necessary outside of this program.
    pub(crate) outside: Vec<Outside>,
    /// The paths of the changes that a run has begun and not made yet.
    pub(crate) pending: Vec<String>,
    /// What a creation takes over.
    pub(crate) encounter: Option<Encounter>,
}

impl Step {
    /// A step without anything special.
    pub(crate) fn new(address: Address, kind: String, action: Action, subject: Subject) -> Self {
        Self {
            address,
            kind,
            action,
            changes: Vec::new(),
            note: None,
            subject,
            record: false,
            removal: None,
            lowered: Vec::new(),
            missing: None,
            accepted: Vec::new(),
            warnings: Vec::new(),
            outside: Vec::new(),
            pending: Vec::new(),
            encounter: None,
        }
    }

    /// What becomes of the object that is deleted or replaced; `None` where none is.
    #[must_use]
    pub fn removal(&self) -> Option<&Removal> {
        self.removal.as_ref()
    }

    /// What an update makes the cloud delete in an object that stays.
    #[must_use]
    pub fn lowered(&self) -> &[Lowered] {
        &self.lowered
    }

    /// Live values that are not as declared, and are left as they are.
    #[must_use]
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    /// What somebody who decides on the plan has to know: sentences without their subject, which is the resource.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Which of the changes somebody made necessary outside of this program, since the live object is not what was recorded.
    #[must_use]
    pub fn outside(&self) -> &[Outside] {
        &self.outside
    }

    /// The paths of those changes that are what an unfinished run has sent and not set yet: the object is on its way to what was
    /// recorded, and nobody else need have touched it.
    #[must_use]
    pub fn pending(&self) -> &[String] {
        &self.pending
    }

    /// What is there already of what is created, and is taken over; `None` where nothing was found.
    #[must_use]
    pub fn encounter(&self) -> Option<&Encounter> {
        self.encounter.as_ref()
    }

    /// Whether its object is being created: a run has begun that and not seen it ready.
    #[must_use]
    pub fn is_being_created(&self) -> bool {
        self.note == Some(Note::Unfinished)
            && self.existing().is_some_and(|existing| existing.phase == Phase::Creating)
    }

    /// The properties that are wanted, where what is not known yet is a reference; `None` where nothing is declared.
    #[must_use]
    pub fn desired(&self) -> Option<&Value> {
        Some(&self.wanted()?.desired)
    }

    /// The live properties as the plan saw them; `None` where there is no object.
    #[must_use]
    pub fn live(&self) -> Option<&Value> {
        let existing = self.existing().filter(|_| self.note != Some(Note::Missing))?;
        Some(&existing.seen)
    }

    /// The properties that are recorded of an object that was ready, has disappeared, and is created again; `None` where that is
    /// not so.
    #[must_use]
    pub fn vanished(&self) -> Option<&Value> {
        let is_it = self.note == Some(Note::Missing) && self.action == Action::Create;
        let existing = self.existing().filter(|_| is_it)?;
        matches!(existing.phase, Phase::Ready | Phase::Changing).then_some(&existing.seen)
    }

    pub(crate) fn wanted(&self) -> Option<&Wanted> {
        match &self.subject {
            Subject::Declared(wanted) | Subject::Both(_, wanted) => Some(wanted),
            Subject::Recorded(_) => None,
        }
    }

    pub(crate) fn existing(&self) -> Option<&Existing> {
        match &self.subject {
            Subject::Recorded(existing) | Subject::Both(existing, _) => Some(existing),
            Subject::Declared(_) => None,
        }
    }

    /// Whether applying it calls the cloud in a way that changes something.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.action != Action::Unchanged || self.note == Some(Note::Unfinished)
    }

    /// Whether a new object is created.
    pub(crate) fn creates(&self) -> bool {
        matches!(self.action, Action::Create | Action::Replace { .. })
    }

    pub(crate) fn replaces(&self, order: ReplaceOrder) -> bool {
        matches!(&self.action, Action::Replace { order: own, .. } if *own == order)
    }
}
