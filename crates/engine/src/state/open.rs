//! An intent that is open, and how it is written.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::address::Address;
use crate::event::{Mutation, Operation, Seq};

/// An intent of which it is not recorded how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Its record number.
    pub seq: Seq,
    /// What the call does, and to which object.
    pub mutation: Mutation,
    /// The token that it carries.
    pub token: String,
    /// Kind of the resource.
    pub kind: String,
    /// What is sent.
    pub properties: Value,
    /// The resources that it refers to.
    pub dependencies: Vec<Address>,
    /// Whether the object is protected.
    pub protect: bool,
}

/// [`Open`] as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenFields<'a> {
    seq: Seq,
    operation: Operation,
    token: Cow<'a, str>,
    kind: Cow<'a, str>,
    properties: Cow<'a, Value>,
    dependencies: Cow<'a, [Address]>,
    protect: bool,
    object: Option<Seq>,
}

impl Serialize for Open {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { seq, mutation, token, kind, properties, dependencies, protect } = self;
        OpenFields {
            seq: *seq,
            operation: mutation.operation(),
            token: Cow::Borrowed(token),
            kind: Cow::Borrowed(kind),
            properties: Cow::Borrowed(properties),
            dependencies: Cow::Borrowed(dependencies),
            protect: *protect,
            object: mutation.object(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Open {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = OpenFields::deserialize(deserializer)?;
        Ok(Self {
            seq: fields.seq,
            mutation: Mutation::from_fields(fields.operation, fields.object)
                .map_err(serde::de::Error::custom)?,
            token: fields.token.into_owned(),
            kind: fields.kind.into_owned(),
            properties: fields.properties.into_owned(),
            dependencies: fields.dependencies.into_owned(),
            protect: fields.protect,
        })
    }
}
