//! What is known of a kind, beside how it is called: facts that plans, warnings, guards, templates and checks read.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::loss::{Keep, Limit, Loss};
use crate::resource::Change;

/// What the engine and the programs on top of it need to know of a kind and cannot see in its code.
///
/// Every kind states all of them: there are no defaults, so that forgetting one does not compile.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The property with the name that a person knows the object by; `None` where the cloud gives it an id.
    pub name: Option<&'static str>,
    /// The properties that cannot be changed: another value means another object.
    pub create_only: CreateOnly,
    /// What is lost when the object is deleted, and cannot be made again.
    pub loss: Loss,
    /// Property values that keep what would be lost. What is recorded and what is declared are both asked.
    pub keeps: &'static [Keep],
    /// Properties of which a lower value makes the cloud delete a part of what the object holds.
    pub limits: &'static [Limit],
    /// What CloudFormation takes for something else than the API does.
    pub template: Template,
    /// How long it takes to make it and to delete it.
    pub times: Times,
}

impl Facts {
    /// What changing a top-level property takes.
    #[must_use]
    pub fn change(&self, property: &str) -> Change {
        let replaces = match self.create_only {
            CreateOnly::Nothing => false,
            CreateOnly::Everything => true,
            CreateOnly::These(names) => names.contains(&property),
            CreateOnly::AllBut(names) => !names.contains(&property),
        };
        if replaces { Change::Replace } else { Change::InPlace }
    }

    /// Every top-level property that these facts name.
    pub fn properties(&self) -> impl Iterator<Item = &'static str> {
        let create_only = match self.create_only {
            CreateOnly::Nothing | CreateOnly::Everything => [].as_slice(),
            CreateOnly::These(names) | CreateOnly::AllBut(names) => names,
        };
        let keeps = self.keeps.iter().map(|keep| keep.property);
        let limits = self.limits.iter().map(|limit| limit.property);
        let lists = create_only.iter().chain(self.template.own_properties).copied();
        self.name.into_iter().chain(lists).chain(keeps).chain(limits)
    }
}

/// Which properties of an object cannot be changed; CloudFormation calls them create-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateOnly {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
    /// These.
    These(&'static [&'static str]),
    /// All but these.
    AllBut(&'static [&'static str]),
}

/// How a declaration differs from a resource of a CloudFormation template.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Declared properties that only this program has; all others are CloudFormation's. A template leaves them out, and
    /// what they refer to becomes a `DependsOn`. `DeletionPolicy` among them becomes the resource's attribute of that name.
    pub own_properties: &'static [&'static str],
    /// Outputs that CloudFormation's type does not have, and where a template finds them.
    pub outputs: &'static [(&'static str, FoundIn)],
    /// Brings the declared properties into CloudFormation's shape.
    pub adapt: fn(&mut Map<String, Value>),
}

impl Template {
    /// A template says the same, in the same words.
    pub const AS_DECLARED: Self = Self { own_properties: &[], outputs: &[], adapt: |_| {} };
}

/// Where a template finds an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundIn {
    /// In the first element of this declared list.
    FirstOf(&'static str),
    /// In an attribute of what a property refers to.
    AttributeOf {
        /// The property with the reference.
        property: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
}

/// How long an object takes to come and to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// From its creation until it is ready.
    pub ready: Span,
    /// From its deletion until it is gone, dependants that let go slowly included.
    pub gone: Span,
}

/// A typical and a longest time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What it mostly takes. The longest remaining path of a plan is started first.
    pub typical: u32,
    /// After which waiting for it is given up.
    pub longest: u32,
}

impl Span {
    /// After which waiting for it is given up.
    #[must_use]
    pub const fn deadline(self) -> Duration {
        Duration::from_secs(self.longest as u64)
    }
}

/// Of a kind that only a test has.
#[cfg(test)]
pub(crate) const OF_A_TEST: Facts = Facts {
    name: None,
    create_only: CreateOnly::Nothing,
    loss: Loss::Nothing,
    keeps: &[],
    limits: &[],
    template: Template::AS_DECLARED,
    times: Times { ready: Span { typical: 1, longest: 60 }, gone: Span { typical: 1, longest: 60 } },
};
