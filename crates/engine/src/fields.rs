//! The names of a struct's fields, as serde knows them.

use std::any::type_name;

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The names of the fields of a struct, as they are written in JSON. Empty for what is not a struct with a fixed list of them.
///
/// Code that has to name a property can so be checked against the struct that has it.
#[must_use]
pub fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It fails as soon as it has asked what it wants to know.
    let asked = T::deserialize(Probe { names: &mut names });
    debug_assert!(asked.is_err(), "{} can be made of nothing", type_name::<T>());
    names
}

struct Probe<'a> {
    names: &'a mut &'static [&'static str],
}

#[derive(Debug, thiserror::Error)]
#[error("asked for its fields only")]
struct Asked;

impl serde::de::Error for Asked {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Asked;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Asked> {
        *self.names = fields;
        Err(Asked)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Asked> {
        Err(Asked)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Bucket {
        bucket_name: String,
        #[serde(default, rename = "Rules")]
        all: Vec<u8>,
    }

    #[test]
    fn fields_are_named_as_they_are_written() {
        assert_eq!(fields::<Bucket>(), ["BucketName", "Rules"]);
        assert_eq!(fields::<Vec<u8>>(), [""; 0]);
    }
}
