//! `[ignore]` of the configuration: which properties of which resources are left to others, checked against what is declared.

use std::collections::BTreeMap;

use engine::{Change, Declaration, DeclareError, Graph, Ignored, Selector, State, Tagging};

use crate::config::{closest, path_of_keys};
use crate::plan_lines::refers_to;
use crate::stack::Place;

/// The table of the configuration.
pub(crate) const KEY: &str = "ignore";

/// So many slips of the finger are still taken for a name.
const SLIPS: usize = 3;

/// The properties that are left to others.
///
/// # Errors
/// For a pattern that matches nothing, and a property that no matching resource has, or that cannot be ignored.
pub(crate) fn resolve(
    graph: &Graph,
    wanted: &BTreeMap<String, Vec<String>>,
    place: &Place,
) -> Result<Ignored, DeclareError> {
    let mut ignored = Ignored::default();
    for (pattern, properties) in wanted {
        let matching = matching(graph, pattern)?;
        if matching.is_empty() && !(place.is_imagined() && depends_on_place(pattern)) {
            return Err(matches_nothing(graph, pattern));
        }
        for property in properties {
            let mut known = false;
            for &declared in &matching {
                if !graph.fields(&declared.kind).is_some_and(|fields| fields.contains(&property.as_str())) {
                    continue;
                }
                known = true;
                if let Some((reason, hint)) = why_not(declared, property) {
                    return Err(wrong(pattern, reason, hint));
                }
                ignored.add(&declared.address, property);
            }
            if let (false, Some(first)) = (known, matching.first()) {
                return Err(no_such_property(graph, pattern, first, property));
            }
        }
    }
    Ok(ignored)
}

/// The declared resources that a pattern is about.
fn matching<'g>(graph: &'g Graph, pattern: &str) -> Result<Vec<&'g Declaration>, DeclareError> {
    let selector: Selector = pattern.parse().map_err(|_| {
        let hint = "use an address (\"ecs/service\"), or a pattern in which * stands for any text (\"monitoring/alarm-*\")";
        wrong(pattern, "it is neither an address nor a pattern of addresses", hint)
    })?;
    let selection = selector.resolve(graph, &State::default());
    Ok(graph.nodes().iter().filter(|node| selection.contains(node.address.as_str())).collect())
}

/// Whether something may match in the account though it does not in one that looks like it: what is called after a zone, and the
/// key of logs, which stays once it was there.
fn depends_on_place(pattern: &str) -> bool {
    let last = pattern.rsplit('-').next().unwrap_or_default();
    let is_zone = last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_lowercase());
    is_zone || pattern.starts_with("logs/")
}

fn matches_nothing(graph: &Graph, pattern: &str) -> DeclareError {
    let addresses = graph.nodes().iter().map(|node| node.address.as_str());
    let meant = match closest(pattern, addresses, SLIPS) {
        Some(address) => format!("did you mean `{address}`? "),
        None => String::new(),
    };
    let hint = format!(
        "{meant}`preview --details` shows all addresses; what only one environment has belongs in its section, \
         [environments.NAME.ignore]"
    );
    wrong(pattern, "nothing that is declared matches it", hint)
}

fn no_such_property(graph: &Graph, pattern: &str, first: &Declaration, property: &str) -> DeclareError {
    let fields = graph.fields(&first.kind).unwrap_or_default();
    let meant = match closest(property, fields.iter().copied(), SLIPS) {
        Some(name) => format!("did you mean `{name}`? "),
        None => String::new(),
    };
    let reason = format!("{} has no property `{property}`", first.kind);
    wrong(pattern, reason, format!("{meant}its properties are: {}", fields.join(", ")))
}

/// Why a property of a resource cannot be left to others, if it cannot, and what to do instead.
pub(crate) fn why_not(declared: &Declaration, property: &str) -> Option<(String, String)> {
    let facts = declared.facts;
    let of = format!("`{property}` of {}", declared.kind);
    let leave_out = || "leave it out".to_owned();
    if matches!(facts.tags, Tagging::WithCreate(tags) if tags == property) {
        let hint = "name the keys of the tags in `ignored_tags`, such as \"CostCenter\" or \"org:*\"";
        return Some((format!("{of} cannot be ignored: its tags say whose it is"), hint.to_owned()));
    }
    if facts.name.property() == Some(property) || facts.import.parts.contains(&property) {
        return Some((format!("{of} cannot be ignored: the object is known by it"), leave_out()));
    }
    if facts.template.own_properties.contains(&property) {
        let reason = format!("{of} cannot be ignored: AWS does not have it, so nobody else can change it");
        return Some((reason, leave_out()));
    }
    let is_parent = facts.change(property) == Change::Replace
        && declared.properties.get(property).is_some_and(|value| !refers_to(value).is_empty());
    is_parent.then(|| {
        let reason =
            format!("{of} cannot be ignored: it says what the object belongs to, for as long as it is there");
        (reason, leave_out())
    })
}

fn wrong(pattern: &str, reason: impl Into<String>, hint: impl Into<String>) -> DeclareError {
    DeclareError::argument(path_of_keys(&[pattern]), reason, hint)
}
