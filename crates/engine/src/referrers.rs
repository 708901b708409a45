//! Which object a recorded one refers to, where there are several at an address: the current one, and those that it replaced.

use serde_json::Value;

use crate::address::Address;
use crate::references;
use crate::state::{Object, State};

/// Which of several objects of one address, some of them replaced, the properties refer to: those of which they contain
/// an output that the others do not have. All of them, where that does not tell.
pub(crate) fn referred_to(properties: &Value, candidates: &[(usize, &Object)]) -> Vec<usize> {
    let own_outputs = |object: &Object| -> Vec<String> {
        let others = |name: &str, value: &Value| {
            candidates
                .iter()
                .any(|(_, other)| other.seq != object.seq && other.outputs.get(name) == Some(value))
        };
        let outputs = object.outputs.as_object().into_iter().flatten();
        outputs
            .filter(|(name, value)| !others(name, value))
            .filter_map(|(_, value)| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
            .collect()
    };
    let refers = |(_, object): &&(usize, &Object)| {
        own_outputs(object).iter().any(|output| references::contains_text(properties, output))
    };
    let found: Vec<usize> = candidates.iter().filter(refers).map(|(target, _)| *target).collect();
    if found.is_empty() { candidates.iter().map(|(target, _)| *target).collect() } else { found }
}

/// Whether an object surely refers to one that was replaced at this address, and not to what is there now.
pub(crate) fn holds_replaced(state: &State, needed: &Address, by: &Object) -> bool {
    let Some(slot) = state.slot(needed.as_str()).filter(|slot| !slot.deposed.is_empty()) else {
        return false;
    };
    let candidates: Vec<(usize, &Object)> = slot.current.iter().chain(&slot.deposed).enumerate().collect();
    let found = referred_to(&by.properties, &candidates);
    found.len() < candidates.len()
        && found.iter().any(|position| Some(candidates[*position].1) != slot.current.as_ref())
}
