//! What differs between two sets of properties, property by property.

use serde_json::{Map, Value};

/// One property that differs, at any depth.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyChange {
    /// Where: `Tags[Name].Value`, `Rules[0].CidrIp`.
    pub path: String,
    /// The value before, if there was one.
    pub before: Option<Value>,
    /// The value after, if there is one. It may contain references to what is not known yet.
    pub after: Option<Value>,
}

impl PropertyChange {
    /// The top-level property that the path is in.
    #[must_use]
    pub fn property(&self) -> &str {
        self.path.split(['.', '[']).next().unwrap_or_default()
    }

    /// How a value that is not known yet reads: `(known after vpc/vpc)`. `None` where it is known.
    #[must_use]
    pub fn unknown_text(value: &Value) -> Option<String> {
        crate::references::unknown_text(value)
    }
}

/// All differences, in the order of the properties' names. Lists are compared element by element: elements that are
/// objects with a `Key` or `Sid` by that, others by position after what is the same at both ends.
#[must_use]
pub fn diff(before: &Value, after: &Value) -> Vec<PropertyChange> {
    let mut changes = Vec::new();
    compare(&mut String::new(), before, after, &mut changes);
    changes
}

fn compare(path: &mut String, before: &Value, after: &Value, changes: &mut Vec<PropertyChange>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) if !is_reference(new) => objects(path, old, new, changes),
        (Value::Array(old), Value::Array(new)) => {
            match ["Key", "Sid"].iter().find_map(|key| keyed(key, old, new)) {
                Some((old, new)) => pairs(path, &old, &new, changes),
                None => lists(path, old, new, changes),
            }
        }
        _ => changes.push(PropertyChange {
            path: path.clone(),
            before: Some(before.clone()),
            after: Some(after.clone()),
        }),
    }
}

fn is_reference(object: &Map<String, Value>) -> bool {
    object.contains_key("$ref") || object.contains_key("$join")
}

fn objects(
    path: &mut String,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    changes: &mut Vec<PropertyChange>,
) {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let segment = if path.is_empty() { name.clone() } else { format!(".{name}") };
        optional(path, &segment, old.get(name), new.get(name), changes);
    }
}

type Keyed<'a> = Vec<(&'a str, &'a Value)>;

/// Both lists by the text in `key`, if every element of both has one and none is there twice.
fn keyed<'a>(key: &str, old: &'a [Value], new: &'a [Value]) -> Option<(Keyed<'a>, Keyed<'a>)> {
    let by_key = |list: &'a [Value]| {
        let mut keyed: Keyed<'a> =
            list.iter().map(|element| Some((element.get(key)?.as_str()?, element))).collect::<Option<_>>()?;
        keyed.sort_by_key(|(key, _)| *key);
        keyed.windows(2).all(|pair| pair[0].0 != pair[1].0).then_some(keyed)
    };
    Some((by_key(old)?, by_key(new)?))
}

fn pairs(path: &mut String, old: &Keyed<'_>, new: &Keyed<'_>, changes: &mut Vec<PropertyChange>) {
    let mut keys: Vec<&str> = old.iter().chain(new).map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    let find = |list: &Keyed<'_>, key: &str| {
        list.binary_search_by_key(&key, |(key, _)| key).ok().map(|position| list[position].1.clone())
    };
    for key in keys {
        optional(path, &format!("[{key}]"), find(old, key).as_ref(), find(new, key).as_ref(), changes);
    }
}

fn lists(path: &mut String, old: &[Value], new: &[Value], changes: &mut Vec<PropertyChange>) {
    let same = |pair: &(&Value, &Value)| pair.0 == pair.1;
    let head = old.iter().zip(new).take_while(same).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(same).count();
    let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    for position in 0..old.len().max(new.len()) {
        optional(path, &format!("[{}]", head + position), old.get(position), new.get(position), changes);
    }
}

fn optional(
    path: &mut String,
    segment: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<PropertyChange>,
) {
    let length = path.len();
    path.push_str(segment);
    match (before, after) {
        (Some(before), Some(after)) => compare(path, before, after, changes),
        (before, after) => changes.push(PropertyChange {
            path: path.clone(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
    path.truncate(length);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        diff(before, after).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn nested_values_are_compared_down_to_the_leaf() {
        let before = json!({ "A": { "B": 1, "C": 2 }, "D": 3 });
        let after = json!({ "A": { "B": 1, "C": 4 }, "E": 3 });
        assert_eq!(paths(&before, &after), ["A.C", "D", "E"]);
    }

    #[test]
    fn tags_are_compared_by_key_whatever_their_order() {
        let before = json!({ "Tags": [{ "Key": "A", "Value": "1" }, { "Key": "B", "Value": "2" }] });
        let after = json!({ "Tags": [{ "Key": "B", "Value": "2" }, { "Key": "A", "Value": "3" }] });
        assert_eq!(paths(&before, &after), ["Tags[A].Value"]);
        assert_eq!(paths(&before, &json!({ "Tags": [] })), ["Tags[A]", "Tags[B]"]);
    }

    #[test]
    fn lists_are_compared_by_element_between_what_is_the_same() {
        let before = json!({ "L": [1, 2, 3, 4] });
        assert_eq!(paths(&before, &json!({ "L": [1, 9, 3, 4] })), ["L[1]"]);
        assert_eq!(paths(&before, &json!({ "L": [1, 3, 4] })), ["L[1]"]);
        assert_eq!(paths(&before, &json!({ "L": [1, 2, 3, 4, 5] })), ["L[4]"]);
    }

    #[test]
    fn a_value_that_becomes_unknown_is_one_change_with_its_source() {
        let before = json!({ "VpcId": "vpc-1" });
        let after = json!({ "VpcId": { "$ref": "vpc/vpc", "attr": "VpcId" } });
        let changes = diff(&before, &after);
        assert_eq!(changes[0].property(), "VpcId");
        let text = PropertyChange::unknown_text(changes[0].after.as_ref().unwrap());
        assert_eq!(text.as_deref(), Some("(known after vpc/vpc)"));
    }
}
