//! How two values differ, as a person wants to read it: texts that are JSON are compared as JSON, and lists without an identity
//! as what was added and what was removed.

use std::collections::BTreeSet;

use engine::{Listed, PropertyChange, Term};
use serde_json::{Map, Value};

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Difference {
    /// A value is another one.
    Changed { path: String, before: Option<Value>, after: Option<Value> },
    /// An element of a list is new.
    Added { path: String, item: Value },
    /// An element of a list is gone.
    Removed { path: String, item: Value },
    /// A list has the same elements in another order.
    Reordered { path: String },
}

/// How much of two elements must be the same for one to be the other, changed: this part of their values.
const SAME_ELEMENT: f64 = 0.5;

/// All differences below a path, in the order of names.
pub(crate) fn differences(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    lists: &[Listed],
) -> Vec<Difference> {
    let names = path.split('.').map(|name| name.split('[').next().unwrap_or(name).to_owned()).collect();
    let mut comparison = Comparison { lists, names, path: path.to_owned(), found: Vec::new() };
    comparison.optional(before, after);
    comparison.found
}

struct Comparison<'a> {
    lists: &'a [Listed],
    /// The names of the properties on the way, without elements of lists.
    names: Vec<String>,
    path: String,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn optional(&mut self, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (Some(before), Some(after)) => self.compare(before, after),
            (before, after) => self.changed(before, after),
        }
    }

    fn compare(&mut self, before: &Value, after: &Value) {
        if before == after {
            return;
        }
        match (before, after) {
            (Value::Object(old), Value::Object(new)) if is_plain(after) => self.objects(old, new),
            (Value::Array(old), Value::Array(new)) => self.lists(old, new),
            _ => match (embedded(before), embedded(after)) {
                (Some(old), Some(new)) if old != new => self.compare(&old, &new),
                _ => self.changed(Some(before), Some(after)),
            },
        }
    }

    fn changed(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let (path, before, after) = (self.path.clone(), before.cloned(), after.cloned());
        self.found.push(Difference::Changed { path, before, after });
    }

    fn objects(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let (before, after) = (old.get(name), new.get(name));
            if before == after {
                continue;
            }
            self.names.push(name.clone());
            self.below(&format!(".{name}"), |it| it.optional(before, after));
            self.names.pop();
        }
    }

    fn below(&mut self, segment: &str, compare: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(segment);
        compare(self);
        self.path.truncate(length);
    }

    fn lists(&mut self, old: &[Value], new: &[Value]) {
        let key = self.lists.iter().find(|list| list.path.split('.').eq(self.names.iter()));
        if let Some((old, new)) = key.and_then(|list| Some((keyed(list.key, old)?, keyed(list.key, new)?))) {
            let keys: BTreeSet<&str> = old.iter().chain(&new).map(|(key, _)| *key).collect();
            for key in keys {
                let find = |list: &[(&str, &Value)]| list.iter().position(|(own, _)| *own == key);
                let before = find(&old).map(|at| old[at].1);
                let after = find(&new).map(|at| new[at].1);
                if before != after {
                    self.below(&format!("[{key}]"), |it| it.optional(before, after));
                }
            }
            return;
        }
        self.sets(old, new);
    }

    /// What is in one of the lists only, where an element that is mostly the same is the same one, changed.
    fn sets(&mut self, old: &[Value], new: &[Value]) {
        let mut added: Vec<(usize, &Value)> = new.iter().enumerate().collect();
        let mut removed: Vec<&Value> = Vec::new();
        for element in old {
            match added.iter().position(|(_, other)| *other == element) {
                Some(position) => {
                    added.remove(position);
                }
                None => removed.push(element),
            }
        }
        let path = self.path.clone();
        if added.is_empty() && removed.is_empty() {
            self.found.push(Difference::Reordered { path });
            return;
        }
        let alone = added.len() == 1 && removed.len() == 1;
        for item in removed {
            let like = |other: &Value| if alone { 1.0 } else { likeness(item, other) };
            let best = (0..added.len()).max_by(|a, b| {
                // Of those that are equally like it, the first.
                like(added[*a].1).total_cmp(&like(added[*b].1)).then(b.cmp(a))
            });
            match best.filter(|best| like(added[*best].1) >= SAME_ELEMENT) {
                Some(best) => {
                    let (position, other) = added.remove(best);
                    match (name_of(item), name_of(other)) {
                        // Another name is another pair, and the same one says more than a position.
                        (None, None) => self.below(&format!("[{position}]"), |it| it.compare(item, other)),
                        (one, another) if one == another => {
                            let segment = format!("[{}]", one.unwrap_or_default());
                            self.below(&segment, |it| it.compare(item, other));
                        }
                        _ => {
                            self.found.push(Difference::Removed { path: path.clone(), item: item.clone() });
                            self.found.push(Difference::Added { path: path.clone(), item: other.clone() });
                        }
                    }
                }
                None => self.found.push(Difference::Removed { path: path.clone(), item: item.clone() }),
            }
        }
        for (_, item) in added {
            self.found.push(Difference::Added { path: path.clone(), item: item.clone() });
        }
    }
}

/// What a pair of a name and a value is called.
fn name_of(value: &Value) -> Option<&str> {
    secrets::name_of_pair(value.as_object()?)
}

fn is_plain(value: &Value) -> bool {
    matches!(Term::of(value), Term::Plain(_))
}

/// The object or list that a text is, where it is one. What is not known yet in it reads as in a plan.
pub(crate) fn embedded(value: &Value) -> Option<Value> {
    let unknown = PropertyChange::unknown_text(value);
    let text = unknown.as_deref().or(value.as_str())?;
    let is_json = text.starts_with(['{', '[']);
    let parsed: Value = is_json.then(|| serde_json::from_str(text).ok())??;
    (parsed.is_object() || parsed.is_array()).then_some(parsed)
}

/// A list by the text that tells its elements apart, if every element has one and none is there twice.
fn keyed<'v>(key: &str, list: &'v [Value]) -> Option<Vec<(&'v str, &'v Value)>> {
    let keyed: Vec<(&str, &Value)> =
        list.iter().map(|element| Some((element.get(key)?.as_str()?, element))).collect::<Option<_>>()?;
    let keys: BTreeSet<&str> = keyed.iter().map(|(key, _)| *key).collect();
    (keys.len() == keyed.len()).then_some(keyed)
}

/// Which part of their values two objects have in common: 0 to 1, and more if they are called the same.
fn likeness(one: &Value, other: &Value) -> f64 {
    if !(one.is_object() && other.is_object() && is_plain(one) && is_plain(other)) {
        return 0.0;
    }
    let (mut left, mut right) = (BTreeSet::new(), BTreeSet::new());
    leaves("", one, &mut left);
    leaves("", other, &mut right);
    let all = u32::try_from(left.len().max(right.len())).unwrap_or(u32::MAX).max(1);
    let common = u32::try_from(left.intersection(&right).count()).unwrap_or(u32::MAX);
    // Of two that are equally like it, the one that is called the same.
    let names = ["Name", "Key", "Id", "Sid"];
    let is_namesake = names.iter().any(|name| one.get(*name).is_some() && one.get(*name) == other.get(*name));
    f64::from(common) / f64::from(all) + if is_namesake { 0.25 } else { 0.0 }
}

fn leaves(path: &str, value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if is_plain(value) => {
            object.iter().for_each(|(name, inner)| leaves(&format!("{path}.{name}"), inner, all));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, inner)| leaves(&format!("{path}[{at}]"), inner, all));
        }
        leaf => {
            all.insert(format!("{path}={leaf}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value, lists: &[Listed]) -> Vec<String> {
        let text = |value: &Option<Value>| value.as_ref().map_or("none".to_owned(), Value::to_string);
        differences("P", Some(before), Some(after), lists)
            .iter()
            .map(|one| match one {
                Difference::Changed { path, before, after } => {
                    format!("{path}: {} {}", text(before), text(after))
                }
                Difference::Added { path, item } => format!("{path} + {item}"),
                Difference::Removed { path, item } => format!("{path} - {item}"),
                Difference::Reordered { path } => format!("{path} reordered"),
            })
            .collect()
    }

    #[test]
    fn a_text_that_is_json_is_compared_path_by_path() {
        let text = |alarms: Value, title: &str| {
            json!(
                json!({ "start": "-PT3H", "widgets": [{ "alarms": alarms, "title": title, "x": 0 }] })
                    .to_string()
            )
        };
        let before = text(json!(["a", "b"]), "old");
        assert_eq!(
            told(&before, &text(json!(["a", "b", "c"]), "new"), &[]),
            [r#"P.widgets[0].alarms + "c""#, r#"P.widgets[0].title: "old" "new""#]
        );
        // Other white space is all that is left of a difference then.
        assert_eq!(told(&json!(r#"{"a":1}"#), &json!(r#"{ "a": 1 }"#), &[]).len(), 1);
        assert_eq!(told(&json!("[x"), &json!("[y"), &[]), [r#"P: "[x" "[y""#]);
    }

    #[test]
    fn a_text_with_something_unknown_in_it_is_compared_too() {
        let after = json!({ "$join": ["{\"a\":\"", { "$ref": "t/a", "attr": "Arn" }, "\",\"b\":1}"] });
        assert_eq!(
            told(&json!(r#"{"a":"arn:1","b":1}"#), &after, &[]),
            [r#"P.a: "arn:1" "(known after t/a)""#]
        );
    }

    #[test]
    fn lists_are_sets_and_an_element_that_is_mostly_the_same_is_the_same() {
        let widget =
            |y: u32, title: &str| json!({ "height": 6, "width": 12, "x": 0, "y": y, "title": title });
        let before = json!([widget(0, "one"), widget(6, "two"), widget(12, "three")]);
        let after = json!([widget(0, "one"), json!({ "new": true }), widget(9, "two")]);
        assert_eq!(
            told(&before, &after, &[]),
            [
                "P[2].y: 6 9".to_owned(),
                format!("P - {}", widget(12, "three")),
                r#"P + {"new":true}"#.to_owned()
            ]
        );
        assert_eq!(
            told(&json!(["a", "b", "c"]), &json!(["c", "d", "e"]), &[]),
            [r#"P - "a""#, r#"P - "b""#, r#"P + "d""#, r#"P + "e""#]
        );
        assert_eq!(told(&json!(["a", "b"]), &json!(["b", "a"]), &[]), ["P reordered"]);
        assert_eq!(told(&json!(["a", "b"]), &json!(["a", "c"]), &[]), [r#"P[1]: "b" "c""#]);
    }

    #[test]
    fn an_element_that_is_called_the_same_is_the_same_also_where_its_value_is_not_known() {
        let host = |value: Value| json!({ "Name": "HOST", "Value": value });
        let before =
            json!([{ "Name": "PORT", "Value": "a" }, host(json!("old")), { "Name": "X", "Value": "x" }]);
        let unknown = json!({ "$ref": "t/a", "attr": "Host", "early": true });
        let after =
            json!([{ "Name": "NEW", "Value": "a" }, { "Name": "PORT", "Value": "b" }, host(unknown.clone())]);
        assert_eq!(
            told(&before, &after, &[]),
            [
                r#"P[PORT].Value: "a" "b""#.to_owned(),
                format!(r#"P[HOST].Value: "old" {unknown}"#),
                r#"P - {"Name":"X","Value":"x"}"#.to_owned(),
                r#"P + {"Name":"NEW","Value":"a"}"#.to_owned(),
            ]
        );
    }

    #[test]
    fn an_identity_that_is_known_decides() {
        let lists = [Listed { path: "P.Statement", key: "Sid" }];
        let policy = |statements: Value| json!({ "Statement": statements });
        let (one, two) =
            (json!({ "Sid": "One", "Effect": "Allow" }), json!({ "Sid": "Two", "Effect": "Deny" }));
        let changed = json!({ "Sid": "One", "Effect": "Deny" });
        assert_eq!(
            told(&policy(json!([one, two])), &policy(json!([two, changed])), &lists),
            [r#"P.Statement[One].Effect: "Allow" "Deny""#]
        );
    }
}
