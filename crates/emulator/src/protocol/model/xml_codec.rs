//! Values of shapes as XML: S3's bodies, and the answers of the query protocol.

use serde_json::{Map, Value};

use super::Model;
use super::shape::{Kind, Member, Shape, TimestampFormat};
use super::text;
use super::xml::{Element, escape};

/// Reads the value of a shape from an element.
pub(super) fn read(model: &Model, shape: &Shape, element: &Element) -> Value {
    match shape.kind {
        Kind::Structure => Value::Object(read_structure(model, shape, element)),
        Kind::List => read_list(model, shape, element),
        Kind::Map => read_map(model, shape, element),
        _ if !element.children.is_empty() => plain(element),
        _ => text::read(shape, &element.text),
    }
}

/// Reads the members of the body that the children of an element are.
pub(super) fn read_structure(model: &Model, shape: &Shape, element: &Element) -> Map<String, Value> {
    let mut out = Map::new();
    for child in &element.children {
        let Some((name, member)) = shape.in_body(&child.name) else {
            shape.keep_unknown(&mut out, &child.name, plain(child));
            continue;
        };
        let target = model.shape(&member.shape);
        if member.flattened && target.kind == Kind::List {
            let value = read(model, model.shape(target.item()), child);
            match out.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(items) => items.push(value),
                other => *other = value,
            }
        } else if out.contains_key(name) {
            shape.keep_unknown(&mut out, &child.name, plain(child));
        } else {
            out.insert(name.to_owned(), read(model, target, child));
        }
    }
    // Text between the elements of a structure means nothing, but an element that is only text is no
    // structure.
    if out.is_empty() && !element.text.trim().is_empty() {
        shape.keep_unknown(&mut out, "(text)", Value::String(element.text.clone()));
    }
    out
}

fn read_list(model: &Model, shape: &Shape, element: &Element) -> Value {
    let item = shape.member_name.as_deref().unwrap_or("member");
    if element.children.iter().any(|child| child.name != item) {
        return plain(element);
    }
    let inner = model.shape(shape.item());
    element.children.iter().map(|child| read(model, inner, child)).collect()
}

fn read_map(model: &Model, shape: &Shape, element: &Element) -> Value {
    let key_name = shape.key_name.as_deref().unwrap_or("key");
    let value_name = shape.value_name.as_deref().unwrap_or("value");
    let inner = model.shape(shape.item());
    let entry = |entry: &Element| match entry.children.as_slice() {
        [key, value] if entry.name == "entry" && key.name == key_name && value.name == value_name => {
            Some((key.text.clone(), read(model, inner, value)))
        }
        _ => None,
    };
    let entries: Option<Map<_, _>> = element.children.iter().map(entry).collect();
    entries.map_or_else(|| plain(element), Value::Object)
}

/// An element whose shape nobody knows.
fn plain(element: &Element) -> Value {
    if element.children.is_empty() {
        return Value::String(element.text.clone());
    }
    element.children.iter().map(|child| (child.name.clone(), plain(child))).collect()
}

/// Writes an element with the value of a shape.
pub(super) fn write(out: &mut String, model: &Model, shape: &Shape, name: &str, value: &Value) {
    out.push_str(&format!("<{name}>"));
    write_content(out, model, shape, value);
    out.push_str(&format!("</{name}>"));
}

/// Writes what is in the element of a value.
pub(super) fn write_content(out: &mut String, model: &Model, shape: &Shape, value: &Value) {
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(members)) => write_members(out, model, shape, members),
        (Kind::List, Value::Array(items)) => {
            let name = shape.member_name.as_deref().unwrap_or("member");
            let inner = model.shape(shape.item());
            items.iter().for_each(|item| write(out, model, inner, name, item));
        }
        (Kind::Map, Value::Object(entries)) => write_entries(out, model, shape, "entry", entries),
        _ => escape(out, &text::write(shape, TimestampFormat::Iso8601, value)),
    }
}

/// Writes the members of the body, an element for each.
pub(super) fn write_members(out: &mut String, model: &Model, shape: &Shape, values: &Map<String, Value>) {
    for (name, value) in values {
        if let Some(member) = shape.members.get(name) {
            write_member(out, model, member, member.wire_name(name), value);
        }
    }
}

fn write_member(out: &mut String, model: &Model, member: &Member, name: &str, value: &Value) {
    let shape = model.shape(&member.shape);
    match (shape.kind, value) {
        (Kind::List, Value::Array(items)) if member.flattened => {
            let inner = model.shape(shape.item());
            items.iter().for_each(|item| write(out, model, inner, name, item));
        }
        (Kind::Map, Value::Object(entries)) if member.flattened => {
            write_entries(out, model, shape, name, entries);
        }
        _ => write(out, model, shape, name, value),
    }
}

fn write_entries(out: &mut String, model: &Model, shape: &Shape, name: &str, entries: &Map<String, Value>) {
    let key_name = shape.key_name.as_deref().unwrap_or("key");
    let value_name = shape.value_name.as_deref().unwrap_or("value");
    let inner = model.shape(shape.item());
    for (key, value) in entries {
        out.push_str(&format!("<{name}><{key_name}>"));
        escape(out, key);
        out.push_str(&format!("</{key_name}>"));
        write(out, model, inner, value_name, value);
        out.push_str(&format!("</{name}>"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::xml;
    use super::*;
    use crate::APIS;

    fn s3(shape: &str, text: &str) -> Value {
        let model = APIS.named("s3").expect("there is one");
        read(model, model.shape(shape), &xml::parse(text).expect("it is well formed"))
    }

    #[test]
    fn lists_with_and_without_wrapper_and_numbers_are_read() {
        let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
        assert_eq!(s3("Tagging", tags), json!({"TagSet": [{"Key": "a", "Value": "1"}]}));
        assert_eq!(s3("Tagging", "<Tagging><TagSet/></Tagging>"), json!({"TagSet": []}));
        let rules = "<L><Rule><ID>x</ID><Status>Enabled</Status><Expiration><Days>3</Days>\
                     <Date>2026-01-01T00:00:00Z</Date></Expiration><Transition><Days>1</Days></Transition></Rule>\
                     <Rule><Status>Disabled</Status></Rule></L>";
        let wanted = json!({"Rules": [
            {"ID": "x", "Status": "Enabled", "Expiration": {"Days": 3, "Date": 1_767_225_600},
             "Transitions": [{"Days": 1}]},
            {"Status": "Disabled"},
        ]});
        assert_eq!(s3("BucketLifecycleConfiguration", rules), wanted);
    }

    #[test]
    fn unknown_elements_stay_and_doubled_ones_are_seen() {
        let text = "<V><Status>Enabled</Status><Status>Suspended</Status><Other><A>1</A></Other></V>";
        assert_eq!(
            s3("VersioningConfiguration", text),
            json!({"Status": "Enabled", "Status (in this place)": "Suspended", "Other": {"A": "1"}})
        );
        assert_eq!(s3("Tagging", "<Tagging><TagSet><X/></TagSet></Tagging>"), json!({"TagSet": {"X": ""}}));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let model = APIS.named("s3").expect("there is one");
        let shape = model.shape("BucketLifecycleConfiguration");
        let value =
            json!({"Rules": [{"ID": "<&>", "Status": "Enabled", "Transitions": [{"Days": 1}, {"Days": 2}]}]});
        let mut out = String::new();
        write(&mut out, model, shape, "LifecycleConfiguration", &value);
        assert!(out.contains("<Transition><Days>1</Days></Transition><Transition>"), "{out}");
        assert_eq!(read(model, shape, &xml::parse(&out).expect("it is well formed")), value);
    }
}
