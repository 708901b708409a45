//! Resources by the structs of their kinds, so that a check reads fields and not names; and the names that findings show of
//! these fields, which are checked against the struct.

use std::any::type_name;
use std::marker::PhantomData;

use engine::{Data, Reading, Resolved, fields};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use crate::result::Finding;
use crate::subject::{Resource, brief};

/// A resource of the kind `R`, of which no property has been read yet.
#[derive(Debug)]
pub struct Typed<'a, R> {
    resource: &'a Resource,
    of: PhantomData<fn() -> R>,
}

impl<'a, R: engine::Resource> Typed<'a, R> {
    /// The resource, if it is of this kind.
    pub(crate) fn of(resource: &'a Resource) -> Option<Self> {
        (resource.kind == R::KIND).then_some(Self { resource, of: PhantomData })
    }

    /// Its address, such as `vpc/flow-log`.
    #[must_use]
    pub fn address(&self) -> &'a str {
        &self.resource.address
    }

    /// The properties that were sent.
    ///
    /// # Errors
    /// Where they are not those of the kind.
    pub fn recorded(&self) -> Result<R, Finding> {
        self.read("the recorded properties", &self.resource.recorded)
    }

    /// What it is known by.
    ///
    /// # Errors
    /// Where the recorded outputs are not those of the kind.
    pub fn outputs(&self) -> Result<R::Outputs<Resolved>, Finding> {
        <R::Outputs<Resolved>>::deserialize(&self.resource.outputs).map_err(|error| {
            let found =
                format!("the recorded outputs are not those of this type: {}", brief(&error.to_string()));
            Finding::new(self.address(), R::KIND, found)
        })
    }

    /// The properties that AWS showed.
    ///
    /// # Errors
    /// Where it showed nothing, or something that is not of the kind.
    pub fn found(&self) -> Result<R, Finding> {
        self.seen().map(|seen| seen.live)
    }

    /// The best that is known of what exists: where this identity may not read it, what was sent. `None` if it has disappeared.
    ///
    /// # Errors
    /// Where the properties are not those of the kind.
    pub fn known(&self) -> Option<Result<R, Finding>> {
        match &self.resource.live {
            Reading::Found(live) => Some(self.live(live)),
            Reading::Missing => None,
            Reading::Denied(_) => Some(self.recorded()),
        }
    }

    /// The resource as it is recorded and as AWS showed it.
    ///
    /// # Errors
    /// Where AWS showed nothing, or one of the two is not of the kind.
    pub fn seen(&self) -> Result<Seen<'a, R>, Finding> {
        let resource = self.resource;
        let shown = resource.found()?;
        let (live, recorded) = (self.live(shown)?, self.recorded()?);
        Ok(Seen { address: &resource.address, recorded, live, resource, shown })
    }

    fn live(&self, shown: &Value) -> Result<R, Finding> {
        self.read("the live properties", shown)
    }

    fn read(&self, which: &str, properties: &Value) -> Result<R, Finding> {
        R::deserialize(properties).map_err(|error| {
            let found = format!("{which} are not those of this type: {}", brief(&error.to_string()));
            Finding::new(self.address(), R::KIND, found)
        })
    }
}

/// A resource of the kind `R` that AWS showed.
#[derive(Debug)]
pub struct Seen<'a, R> {
    /// Its address, such as `vpc/flow-log`.
    pub address: &'a str,
    /// The properties that were sent.
    pub recorded: R,
    /// The properties that AWS showed.
    pub live: R,
    resource: &'a Resource,
    shown: &'a Value,
}

impl<R: engine::Resource> Seen<'_, R> {
    /// A finding about one property: what should be there, in words. What is there, it shows itself.
    #[must_use]
    pub fn wrong(&self, property: &Property<R>, expected: &str) -> Finding {
        let found = property.path.iter().fold(self.shown, |value, name| &value[name.as_str()]);
        self.resource.wrong(&property.shown, expected, found)
    }

    /// A finding about one property, unless what was found in it is what is wanted.
    pub fn must_be<T: PartialEq + Serialize>(
        &self,
        property: &Property<R>,
        found: &T,
        wanted: &T,
    ) -> Vec<Finding> {
        if found == wanted {
            return Vec::new();
        }
        let expected = serde_json::to_value(wanted).unwrap_or_default();
        vec![self.wrong(property, &expected.to_string())]
    }
}

/// Where something is in the properties of the kind `R`, by CloudFormation's names.
///
/// A name that does not exist panics in a debug build. Make properties before anything is judged, so that a check with such a name
/// never runs, whatever it would have found:
///
/// ```
/// use verify::{Property, Subject, Verdict};
///
/// fn rotation(subject: &Subject) -> Verdict {
///     let rotation = Property::new("EnableKeyRotation");
///     subject.every::<aws::resources::Key>("no key is deployed", |key| {
///         key.must_be(&rotation, &key.live.enable_key_rotation, &true)
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Property<R> {
    shown: String,
    path: Vec<String>,
    of: PhantomData<fn() -> R>,
}

impl<R: Data> Property<R> {
    /// A property of the kind.
    ///
    /// # Panics
    /// In a debug build, where there is no such property.
    #[must_use]
    pub fn new(name: &str) -> Self {
        check::<R>(name);
        Self { shown: name.to_owned(), path: vec![name.to_owned()], of: PhantomData }
    }

    /// What is in a property that is a struct `T`, by its name there.
    ///
    /// # Panics
    /// In a debug build, where `T` has no such field.
    #[must_use]
    pub fn member<T: Data>(self, name: &str) -> Self {
        check::<T>(name);
        self.key(name)
    }

    /// What is in a property that is a map, by its key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self.element(key)
    }

    /// What is in a property that is a list, by the name of an element. A finding shows the whole list.
    #[must_use]
    pub fn element(mut self, name: &str) -> Self {
        self.shown = format!("{}.{name}", self.shown);
        self
    }
}

fn check<T: Data>(name: &str) {
    debug_assert!(fields::<T>().contains(&name), "{} has no property {name}", type_name::<T>());
}
