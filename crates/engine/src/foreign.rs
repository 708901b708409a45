//! Objects that this program did not make: how one is named, and whose it is.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::address::Address;
use crate::facts::ImportId;
use crate::fields::fields;
use crate::resource::Search;

/// The id of an object that exists, in its parts: see [`ImportId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignId {
    address: Address,
    parts: Vec<(&'static str, String)>,
}

impl ForeignId {
    /// What a person wrote for the resource at an address. `None` where it does not have as many parts as the form.
    #[must_use]
    pub fn parse(address: &Address, form: &ImportId, text: &str) -> Option<Self> {
        let given: Vec<&str> = text.split('|').collect();
        if given.len() != form.parts.len() || given.iter().any(|part| part.is_empty()) {
            return None;
        }
        let parts = form.parts.iter().copied().zip(given.into_iter().map(str::to_owned)).collect();
        Some(Self { address: address.clone(), parts })
    }

    /// The resource that is to adopt it.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// One part: what the property or output of this name is. Empty where there is no such part.
    #[must_use]
    pub fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(part, _)| *part == name).map_or("", |(_, text)| text)
    }

    /// The outputs, where the parts have all of them.
    #[must_use]
    pub fn outputs<T: DeserializeOwned>(&self) -> Option<T> {
        let names = fields::<T>();
        let object = |value: fn(&str) -> Value| {
            let of_it = self.parts.iter().filter(|(name, _)| names.contains(name));
            Value::Object(of_it.map(|(name, text)| ((*name).to_owned(), value(text))).collect())
        };
        let texts = T::deserialize(object(|text| text.into())).ok();
        // A number or a truth value is written as JSON writes it.
        texts.or_else(|| T::deserialize(object(|text| plain(text).unwrap_or_else(|| text.into()))).ok())
    }

    /// For the object by what `self` names it by, whosever it is.
    #[must_use]
    pub fn search(&self) -> Search {
        Search::whosever(self.address.clone())
    }

    /// Declared properties with those that the id says.
    pub(crate) fn over(&self, declared: &Value, names: &[&str]) -> Value {
        let mut properties = declared.clone();
        let Some(members) = properties.as_object_mut() else { return properties };
        for (name, text) in self.parts.iter().filter(|(name, _)| names.contains(name)) {
            let is_plain = matches!(members.get(*name), Some(Value::Number(_) | Value::Bool(_)));
            let value = plain(text).filter(|_| is_plain).unwrap_or_else(|| text.as_str().into());
            members.insert((*name).to_owned(), value);
        }
        properties
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("|")
    }
}

fn plain(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    matches!(value, Value::Number(_) | Value::Bool(_)).then_some(value)
}

/// Whose an object is, as far as what it carries says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// In words: `project payment, environment prod`.
    pub words: String,
    /// Whether that is who asks.
    pub is_ours: bool,
    /// The resource that it was made for, as its owner calls it.
    pub address: Option<String>,
}

/// References that are not known yet, as texts that no object has.
pub(crate) fn filled(value: &Value) -> Value {
    if let Some(text) = crate::references::unknown_text(value) {
        return Value::String(text);
    }
    match value {
        Value::Object(members) => {
            let filled = members.iter().map(|(name, inner)| (name.clone(), filled(inner)));
            Value::Object(filled.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(filled).collect()),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    const FORM: ImportId =
        ImportId { parts: &["AclId", "Number", "Egress"], words: "it", example: "acl-1|100|true" };

    fn address() -> Address {
        Address::new("vpc/entry").unwrap()
    }

    #[test]
    fn an_id_has_as_many_parts_as_its_form_and_none_is_empty() {
        let id = ForeignId::parse(&address(), &FORM, "acl-2|7|false").unwrap();
        assert_eq!((id.part("AclId"), id.part("Number"), id.part("Other")), ("acl-2", "7", ""));
        assert_eq!(id.text(), "acl-2|7|false");
        for wrong in ["", "acl-2", "acl-2|7", "acl-2|7|false|", "acl-2||false"] {
            assert_eq!(ForeignId::parse(&address(), &FORM, wrong), None, "{wrong}");
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Entry {
        acl_id: String,
        number: i32,
        egress: bool,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct More {
        acl_id: String,
        arn: String,
    }

    #[test]
    fn outputs_are_the_parts_in_their_types_if_they_are_all_of_them() {
        let id = ForeignId::parse(&address(), &FORM, "12|7|false").unwrap();
        assert_eq!(
            id.outputs(),
            None::<Entry>,
            "a text that looks like a number beside numbers is ambiguous"
        );
        let id = ForeignId::parse(&address(), &FORM, "acl-2|7|false").unwrap();
        assert_eq!(id.outputs(), Some(Entry { acl_id: "acl-2".to_owned(), number: 7, egress: false }));
        assert_eq!(id.outputs::<More>(), None);
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Fewer {
        acl_id: String,
    }

    #[test]
    fn parts_that_are_no_outputs_are_left_out_of_them() {
        let id = ForeignId::parse(&address(), &FORM, "acl-2|7|false").unwrap();
        assert_eq!(id.outputs(), Some(Fewer { acl_id: "acl-2".to_owned() }));
    }

    #[test]
    fn what_the_id_says_is_in_place_of_what_is_declared() {
        let id = ForeignId::parse(&address(), &FORM, "acl-2|7|false").unwrap();
        let declared =
            json!({ "AclId": { "$ref": "vpc/acl", "attr": "Id" }, "Number": 1, "Cidr": "0.0.0.0/0" });
        let over = id.over(&declared, &["AclId", "Number"]);
        assert_eq!(over, json!({ "AclId": "acl-2", "Number": 7, "Cidr": "0.0.0.0/0" }));
    }

    #[test]
    fn what_is_not_known_becomes_a_text_and_all_else_stays() {
        let value = json!({ "A": [{ "$ref": "vpc/vpc", "attr": "VpcId" }], "B": { "C": 1 } });
        assert_eq!(filled(&value), json!({ "A": ["(known after vpc/vpc)"], "B": { "C": 1 } }));
    }
}
