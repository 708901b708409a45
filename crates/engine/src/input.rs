//! Inputs and outputs: how one resource refers to what another will be.
//!
//! A reference is data: in JSON it is `{"$ref": "vpc/vpc", "attr": "VpcId"}`. The edges of the graph are the
//! references found in the declared properties, so nobody writes an edge by hand.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::stage::Data;

/// A reference to an output that another resource has, or will have. Its type is the output's type.
#[derive(Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct Output<T> {
    #[serde(rename = "$ref")]
    address: Address,
    attr: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "is_false")]
    early: bool,
    #[serde(skip)]
    of: PhantomData<fn() -> T>, // fn() -> T keeps it Send and Sync whatever T is
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<T> Output<T> {
    /// The resource that has the output.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The output's name, as the resource's `Outputs` struct spells it.
    #[must_use]
    pub fn attr(&self) -> &str {
        &self.attr
    }

    /// The same reference, satisfied as soon as the resource's identity is known.
    ///
    /// Without it a dependent waits until the resource is ready. Use it where the id or endpoint is enough: a
    /// listener needs only the ARN of a load balancer that is still being provisioned.
    #[must_use]
    pub fn early(self) -> Self {
        Self { early: true, ..self }
    }

    fn retyped<U>(self) -> Output<U> {
        Output { address: self.address, attr: self.attr, early: self.early, of: PhantomData }
    }
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), attr: self.attr.clone(), early: self.early, of: PhantomData }
    }
}

impl<T> PartialEq for Output<T> {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address && self.attr == other.attr && self.early == other.early
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}.{}}}", self.address, self.attr)
    }
}

/// A property while it is declared: a value, a reference to an output, or a text that contains some.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, bound = "T: Data")]
pub enum Input<T> {
    /// Another resource's output.
    Ref(Output<T>),
    /// A text put together from literals and outputs: an ARN pattern, a URL. See [`Input::join`].
    Join(Join),
    /// A value that is known now.
    Literal(T),
}

impl<T: Data> Input<T> {
    /// The same input, where every reference in it is satisfied as soon as the identity is known.
    /// See [`Output::early`].
    #[must_use]
    pub fn early(self) -> Self {
        match self {
            Input::Ref(output) => Input::Ref(output.early()),
            Input::Join(join) => Input::Join(Join {
                parts: join
                    .parts
                    .into_iter()
                    .map(|part| match part {
                        Part::Ref(output) => Part::Ref(output.early()),
                        text @ Part::Text(_) => text,
                    })
                    .collect(),
            }),
            literal @ Input::Literal(_) => literal,
        }
    }

    /// The value, if it is a literal.
    pub fn literal(&self) -> Option<&T> {
        match self {
            Input::Literal(value) => Some(value),
            Input::Ref(_) | Input::Join(_) => None,
        }
    }

    /// The resources that it takes something from.
    pub(crate) fn refers_to(&self) -> Vec<Address> {
        match self {
            Input::Ref(output) => vec![output.address.clone()],
            Input::Join(join) => {
                let parts = join.parts.iter();
                let outputs = parts.filter_map(|part| match part {
                    Part::Ref(output) => Some(output.address.clone()),
                    Part::Text(_) => None,
                });
                outputs.collect()
            }
            Input::Literal(_) => Vec::new(),
        }
    }
}

impl<T: Text> Input<T> {
    /// The same as a plain text: an id where a property takes several kinds of them.
    #[must_use]
    pub fn text(&self) -> Input<String> {
        Input::join([self.into()])
    }

    /// A text made of parts, some of which may be outputs of other resources.
    ///
    /// ```
    /// use engine::Input;
    /// let account: Input<String> = "123456789012".into();
    /// let arn: Input<String> = Input::join(["arn:aws:iam::".into(), (&account).into(), ":root".into()]);
    /// assert_eq!(arn, Input::Literal("arn:aws:iam::123456789012:root".to_owned()));
    /// ```
    pub fn join(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut joined: Vec<Part> = Vec::new();
        for part in pieces.into_iter().flat_map(|piece| piece.0) {
            match (joined.last_mut(), part) {
                (Some(Part::Text(before)), Part::Text(more)) => before.push_str(&more),
                (_, part) => joined.push(part),
            }
        }
        match joined.as_slice() {
            [] => Input::Literal(T::from(String::new())),
            [Part::Text(text)] => Input::Literal(T::from(text.clone())),
            _ => Input::Join(Join { parts: joined }),
        }
    }
}

impl<T: Data> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Input::Literal(value)
    }
}

impl From<&str> for Input<String> {
    fn from(text: &str) -> Self {
        Input::Literal(text.to_owned())
    }
}

impl<T> From<Output<T>> for Input<T> {
    fn from(output: Output<T>) -> Self {
        Input::Ref(output)
    }
}

/// A value that is a text: `String`, or an id made with [`id!`](crate::id).
pub trait Text: Data + From<String> {
    /// The text.
    fn as_text(&self) -> &str;
}

impl Text for String {
    fn as_text(&self) -> &str {
        self
    }
}

/// A text put together from parts. Made by [`Input::join`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    #[serde(rename = "$join")]
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Part {
    Ref(Output<String>),
    Text(String),
}

/// Something that [`Input::join`] can put into a text: a literal, an input, or another joined text.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece(Vec<Part>);

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Piece(vec![Part::Text(text.to_owned())])
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Piece(vec![Part::Text(text)])
    }
}

impl<T: Text> From<&Input<T>> for Piece {
    fn from(input: &Input<T>) -> Self {
        match input {
            Input::Ref(output) => Piece(vec![Part::Ref(output.clone().retyped())]),
            Input::Join(join) => Piece(join.parts.clone()),
            Input::Literal(value) => value.as_text().into(),
        }
    }
}

/// Makes newtypes for ids, so that one kind of id cannot stand where another belongs.
///
/// ```
/// engine::id! {
///     /// A VPC's id, such as `vpc-0a1b2c3d4e5f60718`.
///     pub struct VpcId;
/// }
/// assert_eq!(VpcId::from("vpc-0a1b2c3d4e5f60718").to_string(), "vpc-0a1b2c3d4e5f60718");
/// ```
///
/// A `SubnetId` where a `VpcId` belongs does not compile:
///
/// ```compile_fail,E0308
/// engine::id! {
///     /// A VPC's id.
///     pub struct VpcId;
///     /// A subnet's id.
///     pub struct SubnetId;
/// }
/// fn needs_vpc(_: engine::Input<VpcId>) {}
/// let subnet: engine::Input<SubnetId> = SubnetId::from("subnet-0a1b2c3d4e5f60718").into();
/// needs_vpc(subnet);
/// ```
#[macro_export]
macro_rules! id {
    ($($(#[$doc:meta])* $visibility:vis struct $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, $crate::serde::Serialize, $crate::serde::Deserialize,
        )]
        #[serde(transparent, crate = "engine::serde")]
        $visibility struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::convert::From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl ::std::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $crate::Text for $name {
            fn as_text(&self) -> &str {
                &self.0
            }
        }
    )* };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference(attr: &str) -> Input<String> {
        serde_json::from_value(json!({ "$ref": "vpc/vpc", "attr": attr })).unwrap()
    }

    #[test]
    fn a_reference_is_data_and_survives_a_round_trip() {
        for input in [reference("VpcId"), reference("VpcId").early(), "text".into()] {
            let data = serde_json::to_value(&input).unwrap();
            assert_eq!(serde_json::from_value::<Input<String>>(data).unwrap(), input);
        }
        assert_eq!(
            serde_json::to_value(reference("VpcId").early()).unwrap(),
            json!({ "$ref": "vpc/vpc", "attr": "VpcId", "early": true })
        );
    }

    #[test]
    fn joining_literals_gives_a_literal_and_joined_texts_nest() {
        let inner: Input<String> = Input::join(["a".into(), Piece::from(&reference("VpcId"))]);
        let outer: Input<String> = Input::join(["x".into(), (&inner).into(), "y".into(), "z".into()]);
        assert_eq!(
            serde_json::to_value(&outer).unwrap(),
            json!({ "$join": ["xa", { "$ref": "vpc/vpc", "attr": "VpcId" }, "yz"] })
        );
        assert_eq!(Input::<String>::join(["a".into(), "b".into()]), Input::Literal("ab".to_owned()));
    }
}
