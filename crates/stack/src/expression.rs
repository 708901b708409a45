//! How the configuration would say what somebody made of live objects: which keys, with which values.
//!
//! Nobody keeps a table of which property comes from which key. A value is tried: the stack is declared with it, and it is right if
//! what is declared then comes closer to what is recorded, and nothing else changes. What is tried is only what can have something
//! to do with the property: a key whose value is in what is declared now, and all others that have few values.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Address, Graph, State, diff};
use serde_json::Value as Json;
use toml::Value;

use crate::config::{Assignment, Key, Takes};
use crate::run::Work;
use crate::stack::Place;

/// So many declarations are tried. Each takes some milliseconds.
const TRIES: usize = 3000;

/// Where a difference is: a resource, and a path in its properties.
type At = (Address, String);
/// What is recorded there, and what is declared.
type Pair = (Option<Json>, Option<Json>);
type Differences = BTreeMap<At, Pair>;

/// What the configuration can say.
#[derive(Debug, Default)]
pub(crate) struct Expression {
    /// Keys with the values that say it.
    pub(crate) assignments: Vec<Assignment>,
    /// What no key says.
    pub(crate) left: Vec<Left>,
}

/// A difference that no key takes away.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) address: Address,
    /// The top-level property; `None` where the object as a whole is not there.
    pub(crate) property: Option<String>,
    /// What would take it away, and of how many other resources it would change something.
    pub(crate) near: Option<(Assignment, usize)>,
}

/// Looks for what says the same as the state.
struct Search<'a> {
    work: &'a Work,
    place: &'a Place,
    state: &'a State,
    keys: Vec<Key>,
    /// What was found so far.
    found: Vec<Assignment>,
    /// What differs with that.
    differs: Differences,
    /// What was tried beside that, and what differs with it; `None` where nothing can be declared.
    tried: Vec<(Assignment, Option<Differences>)>,
    tries: usize,
}

/// What the configuration must say, so that what was taken into the state stays: `before` is the state from which it was not
/// taken yet.
pub(crate) fn find(
    work: &Work,
    graph: &Graph,
    place: &Place,
    before: &State,
    state: &State,
    accepted: &BTreeSet<Address>,
) -> Expression {
    let differed = differences(graph, before);
    let differs = differences(graph, state);
    let is_new = |(at, what): &(&At, &Pair)| accepted.contains(&at.0) && differed.get(*at) != Some(*what);
    let mut open: Vec<At> = differs.iter().filter(is_new).map(|(at, _)| at.clone()).collect();
    let keys = work.loaded.keys();
    let mut search =
        Search { work, place, state, keys, found: Vec::new(), differs, tried: Vec::new(), tries: TRIES };
    // What was found may let another value pass: of two bounds, one must be below the other.
    loop {
        let known = search.found.len();
        open.retain(|at| search.differs.contains_key(at));
        for at in &open {
            if search.differs.contains_key(at) {
                search.improve(at);
            }
        }
        if search.found.len() == known {
            break;
        }
    }
    open.retain(|at| search.differs.contains_key(at));
    let mut left: Vec<Left> = Vec::new();
    for (address, path) in open {
        let name = path.split(['.', '[']).next().filter(|name| !name.is_empty()).map(str::to_owned);
        if left.iter().any(|one| one.address == address && one.property == name) {
            continue;
        }
        let near = search.nearest(&(address.clone(), path));
        left.push(Left { address, property: name, near });
    }
    Expression { assignments: search.found, left }
}

impl Search<'_> {
    /// Finds a key that takes a difference away and makes none.
    fn improve(&mut self, at: &At) {
        for assignment in self.candidates(at) {
            let Some(with) = self.declared_with(&assignment).cloned() else { continue };
            let makes_none = with.iter().all(|(at, what)| self.differs.get(at) == Some(what));
            if makes_none && !with.contains_key(at) {
                self.differs = with;
                // A key has one value.
                self.found.retain(|one| one.path != assignment.path);
                self.found.push(assignment);
                self.tried.clear();
                return;
            }
        }
    }

    /// Of what takes a difference away, what changes fewest other resources.
    fn nearest(&mut self, at: &At) -> Option<(Assignment, usize)> {
        let mut nearest: Option<(Assignment, usize)> = None;
        for assignment in self.candidates(at) {
            let Some(with) = self.declared_with(&assignment).filter(|with| !with.contains_key(at)).cloned()
            else {
                continue;
            };
            let changed = with.iter().filter(|(at, what)| self.differs.get(*at) != Some(*what));
            let others = changed.map(|((address, _), _)| address).collect::<BTreeSet<_>>().len();
            if nearest.as_ref().is_none_or(|(_, fewest)| others < *fewest) {
                nearest = Some((assignment, others));
            }
        }
        nearest
    }

    /// What differs if a key has a value, beside what was found.
    fn declared_with(&mut self, assignment: &Assignment) -> Option<&Differences> {
        let known = self.tried.iter().position(|(tried, _)| tried == assignment);
        let position = match known {
            Some(position) => position,
            None => {
                self.tries = self.tries.checked_sub(1)?;
                let mut all = self.found.clone();
                all.push(assignment.clone());
                let config = self.work.loaded.with(&all);
                let stack = config.map(|config| self.work.program.stack(config, &self.work.environment));
                let graph = stack.and_then(|stack| stack.declare(self.place).ok());
                let differs = graph.map(|graph| differences(&graph, self.state));
                self.tried.push((assignment.clone(), differs));
                self.tried.len() - 1
            }
        };
        self.tried[position].1.as_ref()
    }

    /// What may take a difference away: first keys of the resource's tier, then those of all tiers, then those of others.
    fn candidates(&self, at: &At) -> Vec<Assignment> {
        let (address, path) = at;
        let Some((live, declared)) = self.differs.get(at) else { return Vec::new() };
        let mut found: Vec<(usize, Assignment)> = Vec::new();
        for key in &self.keys {
            let top = key.path.first().map(String::as_str).unwrap_or_default();
            let rank = match top {
                "ignore" | "ignored_tags" | "project" | "region" | "state" | "aws" => continue,
                top if top == address.tier() => 0,
                "tags" | "logs" => 1,
                _ => 2,
            };
            let now = self.found.iter().find(|one| one.path == key.path).map(|one| &one.value);
            let value = now.or(key.value.as_ref());
            for value in values(key, value, declared.as_ref(), live.as_ref()) {
                found.push((rank, Assignment { path: key.path.clone(), value }));
            }
        }
        if let Some((key, value)) = new_tag(path, live.as_ref()) {
            found.push((1, Assignment { path: vec!["tags".to_owned(), key], value: value.into() }));
        }
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, assignment)| assignment).collect()
    }
}

/// What is declared and what is recorded, where they differ. What is ignored does not.
fn differences(graph: &Graph, state: &State) -> Differences {
    let mut found = Differences::new();
    for node in graph.nodes() {
        let at = |path: &str| (node.address.clone(), path.to_owned());
        let Some(object) = state.current(node.address.as_str()) else {
            found.insert(at(""), (None, Some(Json::from(node.kind.as_str()))));
            continue;
        };
        let ignored = graph.ignores().of(&node.address);
        for change in diff(&object.properties, &state.resolve(&node.properties), node.facts.lists) {
            if !ignored.iter().any(|name| name == change.property()) {
                found.insert(at(&change.path), (change.before, change.after));
            }
        }
    }
    for (address, object) in state.objects().filter(|(address, _)| graph.get(address.as_str()).is_none()) {
        found.insert((address.clone(), String::new()), (Some(Json::from(object.kind.as_str())), None));
    }
    found
}

/// The values of a key that may lead from what is declared to what is live.
fn values(key: &Key, now: Option<&Value>, declared: Option<&Json>, live: Option<&Json>) -> Vec<Value> {
    match key.takes {
        Takes::Boolean => {
            let others = [true, false].into_iter().filter(|one| now.and_then(Value::as_bool) != Some(*one));
            others.map(Value::Boolean).collect()
        }
        Takes::Text if !key.choices.is_empty() => {
            let others = key.choices.iter().filter(|one| now.and_then(Value::as_str) != Some(one.as_str()));
            others.map(|one| Value::String(one.clone())).collect()
        }
        Takes::Number => number(now, declared, live).into_iter().collect(),
        Takes::Text => text(now, declared, live).map(Value::String).into_iter().collect(),
        Takes::List => lists(now, declared, live),
    }
}

fn as_number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The same number, or one in another unit: a property in seconds may come from a key in minutes.
fn number(now: Option<&Value>, declared: Option<&Json>, live: Option<&Json>) -> Option<Value> {
    let live = as_number(live?)?;
    let value = match now.and_then(|now| now.as_float().or_else(|| Some(now.as_integer()? as f64))) {
        None => live,
        Some(now) => {
            let declared = as_number(declared?)?;
            let (smaller, larger) = (now.abs().min(declared.abs()), now.abs().max(declared.abs()));
            let is_multiple = smaller > 0.0 && (larger / smaller).fract().abs() < 1e-9;
            match now == declared {
                true => live,
                false if is_multiple => live * now / declared,
                false => return None,
            }
        }
    };
    let is_whole = value.fract() == 0.0 && value.abs() < 1e15;
    match now {
        Some(Value::Float(_)) => Some(Value::Float(value)),
        _ if is_whole => Some(Value::Integer(value as i64)),
        Some(_) => None,
        None => Some(Value::Float(value)),
    }
}

/// The same text, or the part of it that the key stands for now.
fn text(now: Option<&Value>, declared: Option<&Json>, live: Option<&Json>) -> Option<String> {
    let live = live?.as_str()?;
    let Some(now) = now.and_then(Value::as_str).filter(|now| !now.is_empty()) else {
        return Some(live.to_owned());
    };
    let (before, after) = declared?.as_str()?.split_once(now)?;
    let part = live.strip_prefix(before)?.strip_suffix(after)?;
    (!part.is_empty()).then(|| part.to_owned())
}

/// The same list, or the list with an item more, less, or in place of another.
fn lists(now: Option<&Value>, declared: Option<&Json>, live: Option<&Json>) -> Vec<Value> {
    let now: Vec<Value> = now.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut found: Vec<Vec<Value>> = Vec::new();
    if let Some(Json::Array(items)) = live {
        found.extend(items.iter().map(|item| Value::try_from(item).ok()).collect::<Option<Vec<Value>>>());
    }
    let had: Vec<Value> = texts(declared).into_iter().map(Value::String).collect();
    let has: Vec<Value> = texts(live).into_iter().map(Value::String).collect();
    for item in had.iter().filter(|item| now.contains(item)) {
        let others = || now.iter().filter(|one| *one != item).cloned();
        found.push(others().collect());
        found.extend(has.iter().map(|new| others().chain([new.clone()]).collect()));
    }
    for new in has.iter().filter(|new| !now.contains(new)) {
        found.push(now.iter().cloned().chain([new.clone()]).collect());
    }
    found.into_iter().filter(|list| *list != now).map(Value::Array).collect()
}

/// The texts in a value.
fn texts(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::String(text)) => vec![text.clone()],
        Some(Json::Array(items)) => items.iter().flat_map(|item| texts(Some(item))).collect(),
        Some(Json::Object(fields)) => fields.values().flat_map(|field| texts(Some(field))).collect(),
        _ => Vec::new(),
    }
}

/// The tag that somebody added, where the difference is one.
fn new_tag(path: &str, live: Option<&Json>) -> Option<(String, String)> {
    let tag = live.filter(|_| path.starts_with("Tags["))?;
    Some((tag["Key"].as_str()?.to_owned(), tag["Value"].as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_taken_as_it_is_or_in_the_unit_of_the_key() {
        let of = |now: Value, declared: Json, live: Json| number(Some(&now), Some(&declared), Some(&live));
        assert_eq!(of(Value::Integer(60), json!(60), json!(90)), Some(Value::Integer(90)));
        assert_eq!(of(Value::Integer(60), json!("60"), json!("90")), Some(Value::Integer(90)));
        assert_eq!(of(Value::Integer(5), json!(300), json!(600)), Some(Value::Integer(10)));
        assert_eq!(of(Value::Integer(5), json!(300), json!(601)), None);
        assert_eq!(of(Value::Integer(7), json!(300), json!(600)), None);
        assert_eq!(of(Value::Float(0.5), json!(0.5), json!(2)), Some(Value::Float(2.0)));
        assert_eq!(number(None, None, Some(&json!(3))), Some(Value::Integer(3)));
        assert_eq!(of(Value::Integer(60), json!(60), json!({ "a": 1 })), None);
    }

    #[test]
    fn a_text_is_taken_as_it_is_or_the_part_that_the_key_stands_for() {
        let of = |now: &str, declared: &str, live: &str| {
            text(Some(&Value::from(now)), Some(&json!(declared)), Some(&json!(live)))
        };
        assert_eq!(of("a", "a", "b").as_deref(), Some("b"));
        assert_eq!(of("17", "aurora-17.6", "aurora-18.6").as_deref(), Some("18"));
        assert_eq!(of("17", "aurora-17.6", "other"), None);
        assert_eq!(of("x", "a", "b"), None);
    }

    #[test]
    fn a_list_gains_loses_or_changes_an_item() {
        let now = Value::try_from(["a", "b"]).unwrap();
        let of = |declared: Option<Json>, live: Option<Json>| {
            lists(Some(&now), declared.as_ref(), live.as_ref())
                .iter()
                .map(Value::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(None, Some(json!({ "CidrIp": "c" }))), [r#"["a", "b", "c"]"#]);
        assert_eq!(of(Some(json!("a")), None), [r#"["b"]"#]);
        assert!(of(Some(json!("a")), Some(json!("c"))).contains(&r#"["b", "c"]"#.to_owned()));
        assert_eq!(of(None, Some(json!(["c"])))[0], r#"["c"]"#);
        assert_eq!(of(Some(json!("x")), None), [""; 0]);
    }
}
