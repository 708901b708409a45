//! How operations read their inputs. Names, types and ranges have been checked against the model of the API before.
//!
//! An input of a few members is read member by member, a longer one as a structure. Either way, a member that an operation
//! does not read is refused by its name: nothing that a caller sends is silently dropped.

use serde::de::value::{MapDeserializer, SeqAccessDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

use crate::protocol::request::Call;
use crate::protocol::response::Refusal;

impl Call {
    /// The input as a typed structure. Give it `#[serde(deny_unknown_fields)]`: a parameter that an operation does not
    /// model is then refused by name, never ignored.
    pub(crate) fn input<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        T::deserialize(&*self.parameters).map_err(|error| self.not_modelled(&error))
    }

    /// The only member that an operation reads, see [`members`](Self::members).
    pub(crate) fn member<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, Refusal> {
        self.members(&[name]).map(|(member,)| member)
    }

    /// The members that an operation reads, as a tuple. One that is not given is `None`, `false` or empty, where its type
    /// has such a value.
    pub(crate) fn members<T: DeserializeOwned>(&self, names: &[&'static str]) -> Result<T, Refusal> {
        let given = self.parameters.as_object().into_iter().flatten();
        let unknown = given.map(|(name, _)| name).find(|name| !names.contains(&name.as_str()));
        let read = match unknown {
            Some(name) => Err(unknown_field(name, names)),
            None => T::deserialize(SeqAccessDeserializer::new(Members { input: &self.parameters, names })),
        };
        read.map_err(|error| self.not_modelled(&error))
    }

    fn not_modelled(&self, error: &Error) -> Refusal {
        let message = format!("The emulator does not model {} like this: {error}.", self.operation);
        Refusal::new("UnknownParameter", message)
    }
}

/// The error that serde has for a structure. Serde's own function needs names that live for ever.
fn unknown_field(name: &str, expected: &[&str]) -> Error {
    let quoted: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
    let expected = match quoted.len() {
        ..=2 => quoted.join(" or "),
        _ => format!("one of {}", quoted.join(", ")),
    };
    Error::custom(format_args!("unknown field `{name}`, expected {expected}"))
}

/// The members of an input in the order of their names.
struct Members<'a> {
    input: &'a Value,
    names: &'a [&'static str],
}

impl<'de> SeqAccess<'de> for Members<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((name, rest)) = self.names.split_first() else { return Ok(None) };
        self.names = rest;
        let member = match self.input.get(*name) {
            Some(given) => seed.deserialize(given),
            None => seed.deserialize(Missing(name)),
        };
        member.map(Some)
    }
}

/// A member that is not given, by its name.
struct Missing(&'static str);

impl<'de> Deserializer<'de> for Missing {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::missing_field(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(false)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(SeqDeserializer::<_, Error>::new(std::iter::empty::<()>()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::<_, Error>::new(std::iter::empty::<((), ())>()))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::protocol::request::{Call, Http};
    use crate::services::APIS;

    fn call(body: &str) -> Call {
        let target = ("x-amz-target".to_owned(), "TrentService.ListKeys".to_owned());
        let uri = "https://kms.eu-west-1.amazonaws.com/".to_owned();
        let http = Http { uri, headers: vec![target], body: body.into(), ..Http::default() };
        Call::decode(&APIS, 1, http).expect("it is well formed")
    }

    #[test]
    fn members_are_read_by_name_and_what_is_not_given_is_nothing_where_it_can_be() {
        let call = call(r#"{"Limit": 3}"#);
        type Read = (Option<String>, i64, bool, Vec<String>, BTreeMap<String, String>);
        let read: Read = call.members(&["Marker", "Limit", "Flag", "List", "Map"]).expect("it can be read");
        assert_eq!(read, (None, 3, false, Vec::new(), BTreeMap::new()));
        let refusal = call.members::<(i64, String)>(&["Limit", "Marker"]).expect_err("a text is not there");
        assert!(refusal.message.ends_with("missing field `Marker`."), "{}", refusal.message);
        assert_eq!(call.member::<i64>("Limit"), Ok(3));
    }

    #[test]
    fn a_member_that_is_not_read_is_refused_in_the_words_of_structures() {
        for (names, expected) in
            [(&["A"][..], "`A`"), (&["A", "B"], "`A` or `B`"), (&["A", "B", "C"], "one of `A`, `B`, `C`")]
        {
            let refusal = super::unknown_field("Limit", names).to_string();
            assert_eq!(refusal, format!("unknown field `Limit`, expected {expected}"));
        }
        let refusal = call(r#"{"Limit": 3}"#).member::<Option<String>>("Marker").expect_err("it is not read");
        assert_eq!(refusal.code, "UnknownParameter");
        assert!(refusal.message.contains("unknown field `Limit`, expected `Marker`"), "{}", refusal.message);
    }
}
