//! Which instances there are, by number, and the zone of each.
//!
//! An instance cannot move to another zone, and another one of its name can only be made after it is gone. So one whose zone stays
//! keeps its number, and one in another zone gets a number of its own: then it is made before the one that it relieves goes, and the
//! cluster is never without.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Component as _, Input, Resource as _, State};

use crate::Tier;
use crate::resources::Instance;

/// What a state knows of the instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The zone of each that is there, or being made, by its number.
    zones: BTreeMap<usize, String>,
}

impl Recorded {
    /// What is in a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let mut zones = BTreeMap::new();
        for (address, slot) in state.slots() {
            let Some((Tier::NAME, name)) = address.as_str().split_once('/') else { continue };
            let number = name.strip_prefix("instance-").and_then(|number| number.parse().ok());
            let Some(number) = number.filter(|number| *number > 0) else { continue };
            let current = slot.current.iter().map(|object| (&object.kind, &object.properties));
            let open = slot.open.iter().map(|open| (&open.kind, &open.properties));
            let mut known =
                current.chain(open).filter(|(kind, _)| *kind == Instance::<engine::Resolved>::KIND);
            if let Some(zone) = known.find_map(|(_, properties)| properties["AvailabilityZone"].as_str()) {
                zones.insert(number, zone.to_owned());
            }
        }
        Self { zones }
    }
}

/// An instance: its number, and the position of its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placed {
    pub(crate) number: usize,
    pub(crate) zone: usize,
}

/// So many instances, spread over the zones, in the order of their numbers. What is there already stays as far as it fits.
pub(crate) fn placed(zones: &[Input<String>], count: usize, recorded: &Recorded) -> Vec<Placed> {
    if zones.is_empty() {
        return Vec::new();
    }
    let mut instances: Vec<Placed> = Vec::with_capacity(count);
    let mut used = vec![0; zones.len()];
    let (least, mut more) = (count / zones.len(), count % zones.len());
    for (&number, name) in &recorded.zones {
        let Some(zone) = zones.iter().position(|zone| zone.literal() == Some(name)) else { continue };
        if used[zone] < least || (used[zone] == least && more > 0) {
            more -= usize::from(used[zone] == least);
            used[zone] += 1;
            instances.push(Placed { number, zone });
        }
    }
    while instances.len() < count {
        let zone = (0..zones.len()).min_by_key(|zone| used[*zone]).unwrap_or_default();
        let taken: BTreeSet<usize> = instances.iter().map(|instance| instance.number).collect();
        let is_free = |number: &usize| !taken.contains(number) && !recorded.zones.contains_key(number);
        let of_letter = zones[zone].literal().filter(|_| used[zone] == 0).and_then(|name| letter(name));
        let number = of_letter.filter(is_free).or_else(|| (1..).find(is_free)).unwrap_or(count);
        used[zone] += 1;
        instances.push(Placed { number, zone });
    }
    instances.sort_unstable();
    instances
}

/// 1 for a zone that ends in a digit and an a: without a state, the same zone has the same number whatever the others are.
fn letter(zone: &str) -> Option<usize> {
    match zone.as_bytes() {
        [.., b'0'..=b'9', letter @ b'a'..=b'z'] => Some(usize::from(letter - b'a') + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instances(recorded: &[(usize, &str)], zones: &str, count: usize) -> Vec<(usize, String)> {
        let recorded =
            recorded.iter().map(|(number, letter)| (*number, format!("eu-west-1{letter}"))).collect();
        let zones: Vec<Input<String>> =
            zones.chars().map(|letter| format!("eu-west-1{letter}").into()).collect();
        let placed = placed(&zones, count, &Recorded { zones: recorded });
        let letter = |zone: usize| zones[zone].literal().unwrap().trim_start_matches("eu-west-1").to_owned();
        placed.into_iter().map(|Placed { number, zone }| (number, letter(zone))).collect()
    }

    fn expect(recorded: &[(usize, &str)], zones: &str, count: usize, wanted: &[(usize, &str)]) {
        let wanted: Vec<(usize, String)> =
            wanted.iter().map(|(number, zone)| (*number, (*zone).to_owned())).collect();
        assert_eq!(instances(recorded, zones, count), wanted);
    }

    #[test]
    fn new_instances_are_spread_over_the_zones() {
        expect(&[], "abc", 2, &[(1, "a"), (2, "b")]);
        expect(&[], "abc", 5, &[(1, "a"), (2, "b"), (3, "c"), (4, "a"), (5, "b")]);
        expect(&[], "bc", 3, &[(1, "b"), (2, "b"), (3, "c")]);
    }

    #[test]
    fn an_instance_whose_zone_stays_keeps_its_number_and_another_zone_gets_another_one() {
        let two = [(1, "a"), (2, "b")];
        expect(&two, "bc", 2, &[(2, "b"), (3, "c")]);
        expect(&two, "ba", 2, &two);
        expect(&two, "cd", 2, &[(3, "c"), (4, "d")]);
        // Those of earlier versions, numbered in the order of the list.
        expect(&[(1, "b"), (2, "c")], "bc", 2, &[(1, "b"), (2, "c")]);
        expect(&[(1, "b"), (2, "c")], "cd", 2, &[(2, "c"), (4, "d")]);
    }

    #[test]
    fn with_fewer_zones_the_others_take_what_there_was() {
        let three = [(1, "a"), (2, "b"), (3, "c")];
        expect(&three, "ab", 3, &[(1, "a"), (2, "b"), (4, "a")]);
        expect(&three, "ab", 2, &[(1, "a"), (2, "b")]);
        expect(&three, "abc", 2, &[(1, "a"), (2, "b")]);
        expect(&[(1, "a"), (2, "b"), (4, "a")], "abc", 3, &[(1, "a"), (2, "b"), (3, "c")]);
    }
}
