//! What becomes of an object that a plan deletes, and of what it holds.
//!
//! The rule: it goes only if what is recorded of it and what is declared now both let it go. Where either keeps a copy, a copy
//! is kept; where either forbids it, there is no plan.

use std::fmt;

use serde_json::Value;

use crate::address::Address;
use crate::diff::PropertyChange;
use crate::facts::Facts;
use crate::loss::{Contents, How, Keep, KeepValue, Limit, Loss};
use crate::scope::Declaration;
use crate::state::{Object, Phase};

/// What becomes of an object that a plan deletes or replaces.
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    /// The object's kind, which is another one than the step's where that changed.
    pub kind: String,
    /// What it is called, where it has a name.
    pub name: Option<String>,
    /// What is lost with an object of this kind.
    pub loss: Loss,
    /// What becomes of that.
    pub fate: Fate,
    /// What is in it now, as far as somebody looked.
    pub contents: Contents,
    /// Its properties as its deletion sees them: the stronger of what is recorded and what is declared.
    pub(crate) properties: Value,
    /// Who forbids to delete it while there is something in it, and by which property.
    pub(crate) refused: Option<(Sides, Option<&'static str>)>,
    /// Whether it stays while there is something in it.
    pub(crate) retained_unless_empty: bool,
}

impl Removal {
    /// Whether something is lost that cannot be made again.
    #[must_use]
    pub fn loses(&self) -> bool {
        self.fate == Fate::Lost && self.loss != Loss::Nothing && self.contents != Contents::Empty
    }

    /// A property of the object, as its deletion sees it.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }
}

/// A part of what an object holds that goes because a limit is lowered; the object stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// What the object is called, where it has a name.
    pub name: Option<String>,
    /// The property.
    pub property: &'static str,
    /// What goes: `logs that are older`.
    pub words: &'static str,
    /// What kind of loss it is.
    pub loss: Loss,
}

/// What an update makes the cloud delete in an object.
pub(crate) fn lowered_by(changes: &[PropertyChange], properties: &Value, facts: &Facts) -> Vec<Lowered> {
    let is_lowered = |limit: &&Limit| {
        let mut of_it = changes.iter().filter(|change| change.property() == limit.property);
        of_it.any(|change| Limit::is_lowered(change.before.as_ref(), change.after.as_ref()))
    };
    let lowered = |limit: &Limit| Lowered {
        name: name_of(properties, facts),
        property: limit.property,
        words: limit.words,
        loss: facts.loss,
    };
    facts.limits.iter().filter(is_lowered).map(lowered).collect()
}

pub(crate) fn name_of(properties: &Value, facts: &Facts) -> Option<String> {
    Some(properties.get(facts.name.property()?)?.as_str()?.to_owned())
}

/// What becomes of what an object holds.
///
/// Exhaustive on purpose: whoever shows a plan must say what is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes with the object.
    Lost,
    /// A copy stays: `a final snapshot`.
    Copied(&'static str),
    /// The object stays, and is not managed any more.
    Retained,
}

/// Who forbids something: never nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// What was recorded when the object was last applied.
    pub recorded: bool,
    /// What is declared now.
    pub declared: bool,
    /// The live object: somebody protected it outside of this program.
    pub live: bool,
    /// A protection that was recorded by itself: see [`Ledger::protect`](crate::Ledger::protect).
    pub by_itself: bool,
}

impl Sides {
    /// Nothing but a protection that was recorded by itself.
    pub const BY_ITSELF: Self = Self { recorded: false, declared: false, live: false, by_itself: true };

    fn any(self) -> Option<Self> {
        (self.recorded || self.declared || self.live || self.by_itself).then_some(self)
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides = [
            (self.recorded, "as last applied"),
            (self.declared, "as configured now"),
            (self.live && !self.recorded, "as changed outside of this program"),
            (self.by_itself, "by a protection recorded for it"),
        ];
        let sides: Vec<&str> = sides.into_iter().filter(|(says, _)| *says).map(|(_, side)| side).collect();
        f.write_str(&sides.join(" and "))
    }
}

/// A resource that must not be deleted or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// The resource.
    pub address: Address,
    /// What the object is called, where it has a name.
    pub name: Option<String>,
    /// Who says so.
    pub by: Sides,
    /// The property that says so; `None` where the resource as a whole is protected.
    pub property: Option<&'static str>,
    /// What is in it, where that is why, such as `3 images`.
    pub contents: Option<String>,
}

impl fmt::Display for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.address)?;
        match (&self.contents, self.property) {
            (Some(contents), Some(property)) => write!(f, "with {contents}, {property} {})", self.by),
            // The cloud forbids it, whatever anybody says.
            (Some(contents), None) => write!(f, "with {contents})"),
            (None, Some(property)) => write!(f, "{property} {})", self.by),
            (None, None) => write!(f, "{})", self.by),
        }
    }
}

/// What is declared now that may keep an object.
#[derive(Clone, Copy)]
pub(crate) struct Guards<'a> {
    /// At its address.
    pub(crate) declared: Option<&'a Declaration>,
    /// Of all objects of its kind.
    pub(crate) of_kind: Option<&'a Value>,
    /// Whether objects of its kind that are called so are protected.
    pub(crate) protects: bool,
    /// Whether its address was protected by itself.
    pub(crate) by_itself: bool,
}

/// What becomes of an object that goes, and of what it holds; and what forbids that it goes at all. `live` has its live
/// properties.
pub(crate) fn removal_of(
    address: &Address,
    object: &Object,
    live: &Value,
    facts: &Facts,
    Guards { declared, of_kind, protects, by_itself }: Guards<'_>,
) -> (Removal, Vec<Guarded>) {
    // What never was ready holds nothing worth protecting.
    let is_worthless = object.phase == Phase::Broken;
    let mut guarded = Vec::new();
    let name = name_of(&object.properties, facts);
    let guard = |by: Sides, property| Guarded {
        address: address.clone(),
        name: name.clone(),
        by,
        property,
        contents: None,
    };
    let recorded = object.protect && !is_worthless;
    let protects = (protects || declared.is_some_and(|declared| declared.protect)) && !is_worthless;
    // Somebody has said so of this very resource, whatever is in it.
    if let Some(by) = (Sides { recorded, declared: protects, live: false, by_itself }).any() {
        guarded.push(guard(by, None));
    }
    let declared = declared.filter(|declared| declared.kind == object.kind);
    let sides = |keep: &Keep| Sides {
        recorded: keep.applies(&object.properties),
        declared: declared.is_some_and(|declared| keep.applies(&declared.properties))
            || of_kind.is_some_and(|properties| keep.applies(properties)),
        live: keep.applies(live),
        by_itself: false,
    };
    // What stays is not deleted, so nothing that forbids its deletion is in the way.
    let stays = facts.keeps.iter().any(|keep| keep.how == How::Retain && sides(keep).any().is_some());
    let mut removal = Removal {
        kind: object.kind.clone(),
        name: name.clone(),
        loss: facts.loss,
        fate: Fate::Lost,
        contents: if is_worthless { Contents::Empty } else { Contents::Unknown },
        properties: object.properties.clone(),
        refused: None,
        retained_unless_empty: false,
    };
    for keep in facts.keeps {
        let Some(by) = sides(keep).any() else { continue };
        match keep.how {
            How::Forbid if is_worthless || stays => {}
            // One reason is enough.
            How::Forbid if !guarded.is_empty() => {}
            How::Forbid => guarded.push(guard(by, Some(keep.property))),
            How::ForbidUnlessEmpty => {
                let says = (keep.value != KeepValue::Any).then_some(keep.property);
                removal.refused = Some((by, says));
            }
            How::RetainUnlessEmpty => removal.retained_unless_empty = true,
            // What holds nothing needs no copy and need not stay.
            How::Copy(_) | How::Retain if is_worthless => continue,
            How::Copy(what) => removal.fate = Fate::Copied(what),
            How::Retain => removal.fate = Fate::Retained,
        }
        let value = match keep.value {
            KeepValue::Text(text) => Value::from(text),
            KeepValue::Flag(flag) => Value::from(flag),
            KeepValue::Any | KeepValue::Item(..) => continue,
        };
        if let Value::Object(properties) = &mut removal.properties {
            properties.insert(keep.property.to_owned(), value);
        }
    }
    (removal, guarded)
}
