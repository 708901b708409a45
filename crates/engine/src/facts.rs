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
    /// What the object is known by.
    pub name: Named,
    /// The properties that cannot be changed: another value means another object.
    pub create_only: CreateOnly,
    /// Lists whose elements have an identity. All other lists are compared by position.
    pub lists: &'static [Listed],
    /// How tags come to the object.
    pub tags: Tagging,
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
    /// How a person says which object is meant that this program did not make.
    pub import: ImportId,
    /// What one look at the object costs.
    pub reads: Reads,
    /// What is paid for while it exists: the key of a price, such as `nat-gateway`; `None` where nothing is.
    pub cost: Option<&'static str>,
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
        let own = create_only.iter().chain(self.template.own_properties).copied();
        let lists = self.lists.iter().map(|list| list.path.split('.').next().unwrap_or_default());
        let tags = match self.tags {
            Tagging::None | Tagging::Ownership => None,
            Tagging::WithCreate(property) => Some(property),
        };
        self.name.property().into_iter().chain(own).chain(lists).chain(tags).chain(keeps).chain(limits)
    }
}

/// What an object is known by, and in which property its name is, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By an id that the cloud gives it, or by the objects that it connects or sets up. It has no name that could be judged.
    ById,
    /// By a name that tells it from the objects of all other environments in the account. A person finds it by that name, so it
    /// follows the program's convention for names and has the environment in it.
    ByName(&'static str),
    /// By a name that tells it from others only inside the object that it belongs to, such as a stage of an API.
    Within(&'static str),
}

impl Named {
    /// The property with the name; `None` where there is none.
    #[must_use]
    pub const fn property(self) -> Option<&'static str> {
        match self {
            Named::ById => None,
            Named::ByName(property) | Named::Within(property) => Some(property),
        }
    }
}

/// A list whose elements have an identity: one that moves is the same element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where it is: names of properties between dots, such as `Policies.PolicyDocument.Statement`. What is in a list on the way
    /// is meant for each element.
    pub path: &'static str,
    /// The member of an element that tells it from others. Where one has none, or two have the same, position decides.
    pub key: &'static str,
}

impl Listed {
    /// Tags as most services have them.
    pub const TAGS: Self = Self { path: "Tags", key: "Key" };
}

/// How tags come to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tagging {
    /// It has none.
    None,
    /// The create call sets those that say whose it is. There is no property for others.
    Ownership,
    /// The create call sets those of this property, and those that say whose it is.
    WithCreate(&'static str),
}

/// How a person says which existing object is meant: one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportId {
    /// The properties or outputs that make the text, joined by `|`.
    pub parts: &'static [&'static str],
    /// What it is, in words: `the id of the VPC`.
    pub words: &'static str,
    /// One of them.
    pub example: &'static str,
}

impl ImportId {
    /// The text of an object that is known.
    #[must_use]
    pub fn of(&self, properties: &Value, outputs: &Value) -> Option<String> {
        let part = |name: &&str| match outputs.get(*name).or_else(|| properties.get(*name))? {
            Value::String(text) => Some(text.clone()),
            plain @ (Value::Bool(_) | Value::Number(_)) => Some(plain.to_string()),
            _ => None,
        };
        Some(self.parts.iter().map(part).collect::<Option<Vec<_>>>()?.join("|"))
    }
}

/// What one look at an object costs, in calls. Pages count once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// At least.
    pub least: u32,
    /// At most, depending on how the object is set up.
    pub most: u32,
    /// The call that shows many objects of the kind at once, tags perhaps aside, if the cloud has one.
    pub together: Option<&'static str>,
}

/// Which properties of an object cannot be changed; CloudFormation calls them create-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    /// Whether a template leaves it out, with what waits for it: AWS makes such an object itself.
    pub left_out: bool,
}

impl Template {
    /// A template says the same, in the same words.
    pub const AS_DECLARED: Self = Self { own_properties: &[], outputs: &[], adapt: |_| {}, left_out: false };
}

/// Where a template finds an output.
///
/// Exhaustive on purpose: whoever reads facts of a kind must find each.
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
    name: Named::ById,
    create_only: CreateOnly::Nothing,
    lists: &[],
    tags: Tagging::None,
    loss: Loss::Nothing,
    keeps: &[],
    limits: &[],
    template: Template::AS_DECLARED,
    times: Times { ready: Span { typical: 1, longest: 60 }, gone: Span { typical: 1, longest: 60 } },
    import: ImportId { parts: &["Id"], words: "the id", example: "1" },
    reads: Reads { least: 1, most: 1, together: None },
    cost: None,
};
