//! What differs between two sets of properties, property by property.

use serde_json::{Map, Value};

use crate::facts::Listed;
use crate::foresight::Accepted;
use crate::provider::Kind;

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

/// All differences, in the order of the properties' names. Lists are compared element by element: those of `lists` by what tells
/// their elements apart, if every element of both has it and none is there twice; others by position after what is the same at
/// both ends.
#[must_use]
pub fn diff(before: &Value, after: &Value, lists: &[Listed]) -> Vec<PropertyChange> {
    let mut comparison = Comparison { lists, names: Vec::new(), path: String::new(), changes: Vec::new() };
    comparison.compare(before, after);
    comparison.changes
}

struct Comparison<'a> {
    lists: &'a [Listed],
    /// The names of the properties on the way to what is compared.
    names: Vec<&'a str>,
    /// The same with the elements of lists, as it is shown.
    path: String,
    changes: Vec<PropertyChange>,
}

impl<'a> Comparison<'a> {
    fn compare(&mut self, before: &'a Value, after: &'a Value) {
        if before == after {
            return;
        }
        match (before, after) {
            (Value::Object(old), Value::Object(new)) if !is_reference(new) => self.objects(old, new),
            (Value::Array(old), Value::Array(new)) => match self.keyed(old, new) {
                Some((old, new)) => self.pairs(&old, &new),
                None => self.lists(old, new),
            },
            _ => self.changed(Some(before), Some(after)),
        }
    }

    fn objects(&mut self, old: &'a Map<String, Value>, new: &'a Map<String, Value>) {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let segment = if self.path.is_empty() { name.clone() } else { format!(".{name}") };
            self.names.push(name);
            self.optional(&segment, old.get(name), new.get(name));
            self.names.pop();
        }
    }

    /// Both lists by what tells their elements apart.
    fn keyed(&self, old: &'a [Value], new: &'a [Value]) -> Option<(Keyed<'a>, Keyed<'a>)> {
        let is_it = |list: &&Listed| list.path.split('.').eq(self.names.iter().copied());
        let key = self.lists.iter().find(is_it)?.key;
        Some((by_key(key, old)?, by_key(key, new)?))
    }

    fn pairs(&mut self, old: &Keyed<'a>, new: &Keyed<'a>) {
        let mut keys: Vec<&str> = old.iter().chain(new).map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        let find = |list: &Keyed<'a>, key: &str| {
            list.binary_search_by_key(&key, |(key, _)| key).ok().map(|position| list[position].1)
        };
        for key in keys {
            self.optional(&format!("[{key}]"), find(old, key), find(new, key));
        }
    }

    fn lists(&mut self, old: &'a [Value], new: &'a [Value]) {
        let same = |pair: &(&Value, &Value)| pair.0 == pair.1;
        let head = old.iter().zip(new).take_while(same).count();
        let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(same).count();
        let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
        for position in 0..old.len().max(new.len()) {
            // Without its name, which no path would have, nobody knows what the value of a pair is about.
            if let (Some(before), Some(after)) = (old.get(position), new.get(position))
                && before != after
                && is_pair(before)
                && is_pair(after)
            {
                let length = self.path.len();
                self.path.push_str(&format!("[{}]", head + position));
                self.changed(Some(before), Some(after));
                self.path.truncate(length);
                continue;
            }
            self.optional(&format!("[{}]", head + position), old.get(position), new.get(position));
        }
    }

    fn optional(&mut self, segment: &str, before: Option<&'a Value>, after: Option<&'a Value>) {
        let length = self.path.len();
        self.path.push_str(segment);
        match (before, after) {
            (Some(before), Some(after)) => self.compare(before, after),
            (before, after) => self.changed(before, after),
        }
        self.path.truncate(length);
    }

    fn changed(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let (before, after) = (before.cloned(), after.cloned());
        self.changes.push(PropertyChange { path: self.path.clone(), before, after });
    }
}

/// Whether it is a name, or key, and its value, such as a variable of a container.
fn is_pair(value: &Value) -> bool {
    let has = |names: [&str; 2]| names.iter().any(|name| value.get(name).is_some());
    has(["Value", "value"]) && (has(["Name", "name"]) || has(["Key", "key"]))
}

fn is_reference(object: &Map<String, Value>) -> bool {
    object.contains_key("$ref") || object.contains_key("$join")
}

type Keyed<'a> = Vec<(&'a str, &'a Value)>;

/// A list by the text in `key`, if every element has one and none is there twice.
fn by_key<'a>(key: &str, list: &'a [Value]) -> Option<Keyed<'a>> {
    let mut keyed: Keyed<'a> =
        list.iter().map(|element| Some((element.get(key)?.as_str()?, element))).collect::<Option<_>>()?;
    keyed.sort_by_key(|(key, _)| *key);
    keyed.windows(2).all(|pair| pair[0].0 != pair[1].0).then_some(keyed)
}

/// The live properties that are managed: those that were sent, those that are declared now, and `closed` ones. What else the
/// cloud fills in by itself is not compared.
pub(crate) fn managed(live: &Value, recorded: &Value, desired: &Value, closed: &[&str]) -> Value {
    let Value::Object(live) = live else { return live.clone() };
    let kept = |name: &&String| {
        let name = name.as_str();
        recorded.get(name).is_some() || desired.get(name).is_some() || closed.contains(&name)
    };
    let properties: Map<String, Value> =
        live.keys().filter(kept).map(|name| (name.clone(), live[name].clone())).collect();
    Value::Object(properties)
}

/// The live properties, where what differs and is accepted or ignored is as it is declared; and what that was.
pub(crate) fn accept(
    kind: &dyn Kind,
    live: &Value,
    declared: &Value,
    ignored: &[String],
) -> (Value, Vec<Accepted>) {
    let mut taken = live.clone();
    let mut accepted = Vec::new();
    let (Value::Object(properties), Value::Object(wanted)) = (&mut taken, declared) else {
        return (taken, accepted);
    };
    for property in ignored {
        let (live, declared) = (properties.get(property).cloned(), wanted.get(property).cloned());
        if live == declared {
            continue;
        }
        match declared.clone() {
            Some(declared) => properties.insert(property.clone(), declared),
            None => properties.remove(property),
        };
        accepted.push(Accepted {
            property: property.clone(),
            live: live.unwrap_or_default(),
            declared: declared.unwrap_or_default(),
            because: format!("keeps its {property}, which is ignored"),
            is_ignored: true,
        });
    }
    properties.retain(|property, live| {
        // A closed property that is not declared is there because somebody added something.
        let is_closed = kind.closed().contains(&property.as_str());
        let declared = wanted.get(property).cloned().or_else(|| is_closed.then_some(Value::Null));
        let Some(declared) = declared.filter(|declared| *declared != *live) else { return true };
        if declared.as_object().is_some_and(is_reference) {
            return true;
        }
        let Some(because) = kind.accepts(property, live, &declared) else { return true };
        let live = std::mem::replace(live, declared.clone());
        let stays = !declared.is_null();
        accepted.push(Accepted { property: property.clone(), live, declared, because, is_ignored: false });
        stays
    });
    (taken, accepted)
}

/// The top-level properties that differ and are neither accepted nor ignored.
pub(crate) fn changed_properties(
    kind: &dyn Kind,
    live: &Value,
    wanted: &Value,
    ignored: &[String],
) -> Vec<String> {
    let (live, _) = accept(kind, live, wanted, ignored);
    let mut names: Vec<String> =
        diff(&live, wanted, kind.facts().lists).iter().map(|change| change.property().to_owned()).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        let lists = [Listed::TAGS, Listed { path: "Policies.Document.Statement", key: "Sid" }];
        diff(before, after, &lists).into_iter().map(|change| change.path).collect()
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
    fn a_list_with_an_identity_is_found_in_the_elements_of_others() {
        let policies =
            |statements: Value| json!({ "Policies": [{ "Document": { "Statement": statements } }] });
        let (one, two) =
            (json!({ "Sid": "One", "Effect": "Allow" }), json!({ "Sid": "Two", "Effect": "Deny" }));
        assert_eq!(paths(&policies(json!([one, two])), &policies(json!([two, one]))), [""; 0]);
        let (before, after) = (policies(json!([one, two])), policies(json!([two])));
        assert_eq!(paths(&before, &after), ["Policies[0].Document.Statement[One]"]);
    }

    #[test]
    fn what_looks_like_an_identity_is_none_where_nobody_says_so() {
        let before = json!({ "Rules": [{ "Key": "a" }, { "Key": "b" }] });
        let after = json!({ "Rules": [{ "Key": "b" }, { "Key": "a" }] });
        assert_eq!(paths(&before, &after), ["Rules[0].Key", "Rules[1].Key"]);
    }

    #[test]
    fn lists_are_compared_by_element_between_what_is_the_same() {
        let before = json!({ "L": [1, 2, 3, 4] });
        assert_eq!(paths(&before, &json!({ "L": [1, 9, 3, 4] })), ["L[1]"]);
        assert_eq!(paths(&before, &json!({ "L": [1, 3, 4] })), ["L[1]"]);
        assert_eq!(paths(&before, &json!({ "L": [1, 2, 3, 4, 5] })), ["L[4]"]);
    }

    #[test]
    fn a_pair_that_is_known_by_its_position_is_shown_with_its_name() {
        let env =
            |value: &str| json!({ "E": [{ "Name": "A", "Value": "1" }, { "Name": "B", "Value": value }] });
        let changes = diff(&env("2"), &env("3"), &[]);
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].path.as_str(), &changes[0].before.as_ref().unwrap()["Name"]),
            ("E[1]", &json!("B"))
        );
    }

    #[test]
    fn a_value_that_becomes_unknown_is_one_change_with_its_source() {
        let before = json!({ "VpcId": "vpc-1" });
        let after = json!({ "VpcId": { "$ref": "vpc/vpc", "attr": "VpcId" } });
        let changes = diff(&before, &after, &[]);
        assert_eq!(changes[0].property(), "VpcId");
        let text = PropertyChange::unknown_text(changes[0].after.as_ref().unwrap());
        assert_eq!(text.as_deref(), Some("(known after vpc/vpc)"));
    }
}
