//! What the zones of the network are called and numbered, so that one that stays keeps what it has.
//!
//! A zone's subnets, tables and gateway are addressed by its letter (`vpc/public-subnet-a`), and their `Name` tags and addresses
//! follow from its number. Neither depends on the other zones or on their order, so a list of zones can be permuted, and one of
//! them exchanged, without moving the rest. The number is that of the letter, 1 for a. Where a state has another one, from a time
//! when zones were numbered in the order of the list, that one stays; where the number is taken, it is the first free one.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Component as _, Resource as _, State};

use crate::Tier;
use crate::resources::Subnet;

/// The most numbers: as many as there are places for the subnets of one group, and for their entries in an ACL.
pub(crate) const MOST: usize = 10;

/// The groups of subnets, as their names begin.
const GROUPS: [&str; 3] = ["public", "private", "database"];

/// What a state knows of the zones that the network spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The number of each zone that has subnets, or is getting them.
    numbers: BTreeMap<String, usize>,
    /// How the zones with a NAT gateway are called in addresses: their letters, or in earlier versions their numbers.
    nat: BTreeSet<String>,
}

impl Recorded {
    /// What is in a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let mut recorded = Self::default();
        for (address, slot) in state.slots() {
            let Some((Tier::NAME, name)) = address.as_str().split_once('/') else { continue };
            if let Some(zone) = name.strip_prefix("nat-").filter(|zone| !zone.starts_with("eip-")) {
                recorded.nat.insert(zone.to_owned());
            }
            let current = slot.current.iter().map(|object| (&object.kind, &object.properties));
            let open = slot.open.iter().map(|open| (&open.kind, &open.properties));
            for (kind, properties) in current.chain(open) {
                let zone = properties["AvailabilityZone"].as_str();
                let mut tags = properties["Tags"].as_array().into_iter().flatten();
                let shown = tags.find(|tag| tag["Key"] == "Name").and_then(|tag| tag["Value"].as_str());
                if let (Some(zone), true) = (zone, kind == Subnet::<engine::Resolved>::KIND)
                    && let Some(number) = number_of(name, shown)
                    && !recorded.numbers.values().any(|taken| *taken == number)
                {
                    recorded.numbers.entry(zone.to_owned()).or_insert(number);
                }
            }
        }
        recorded
    }

    /// The zones that have subnets, in the order of their numbers.
    #[must_use]
    pub fn zones(&self) -> Vec<&str> {
        let mut zones: Vec<_> = self.numbers.iter().map(|(zone, number)| (*number, zone.as_str())).collect();
        zones.sort_unstable();
        zones.into_iter().map(|(_, zone)| zone).collect()
    }

    /// Whether a zone has a NAT gateway.
    pub(crate) fn has_nat(&self, suffix: &str, number: usize) -> bool {
        self.nat.contains(suffix) || self.nat.contains(&number.to_string())
    }

    /// The number of each zone, none above `room`. Their order has no influence.
    pub(crate) fn number(&self, region: &str, zones: &[String], room: usize) -> BTreeMap<String, usize> {
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for zone in zones {
            if let Some(&number) = self.numbers.get(zone).filter(|number| (1..=room).contains(*number)) {
                numbers.insert(zone.clone(), number);
            }
        }
        // What another zone still has is left to it where that is possible: its subnets go after those that are made.
        let leaving: BTreeSet<usize> = self.numbers.values().copied().collect();
        let new: BTreeSet<&String> = zones.iter().filter(|zone| !numbers.contains_key(*zone)).collect();
        for with_leaving in [false, true] {
            for &zone in &new {
                let is_free = |number: &usize| {
                    !numbers.values().any(|taken| taken == number)
                        && (with_leaving || !leaving.contains(number))
                };
                let letter = letter(suffix(region, zone)).filter(|number| *number <= room).filter(is_free);
                if !numbers.contains_key(zone)
                    && let Some(number) = letter
                {
                    numbers.insert(zone.clone(), number);
                }
            }
            for &zone in &new {
                let is_free = |number: &usize| {
                    !numbers.values().any(|taken| taken == number)
                        && (with_leaving || !leaving.contains(number))
                };
                if !numbers.contains_key(zone)
                    && let Some(number) = (1..=room).find(is_free)
                {
                    numbers.insert(zone.clone(), number);
                }
            }
        }
        numbers
    }
}

/// The number of the zone of a subnet: the last part of its address in earlier versions, and of its `Name` in all.
fn number_of(name: &str, shown: Option<&str>) -> Option<usize> {
    let group = GROUPS.iter().find(|group| name.starts_with(**group))?;
    let what = format!("{group}-subnet-");
    let digits = |text: &str| {
        let (_, after) = text.split_once(&what)?;
        let end = after.find(|next: char| !next.is_ascii_digit()).unwrap_or(after.len());
        after[..end].parse().ok().filter(|number| *number > 0)
    };
    digits(name).or_else(|| digits(shown?))
}

/// What a zone is called in addresses: what follows the region in its name, such as `a`.
pub(crate) fn suffix<'a>(region: &str, zone: &'a str) -> &'a str {
    let suffix = zone.strip_prefix(region).map(|rest| rest.trim_start_matches('-'));
    suffix.filter(|rest| !rest.is_empty()).unwrap_or(zone)
}

/// 1 for a.
fn letter(suffix: &str) -> Option<usize> {
    match suffix.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(usize::from(letter - b'a') + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(letters: &str) -> Vec<String> {
        letters.chars().map(|letter| format!("eu-west-1{letter}")).collect()
    }

    fn numbers(recorded: &[(&str, usize)], zones: &str, room: usize) -> Vec<usize> {
        let numbers =
            recorded.iter().map(|(letter, number)| (format!("eu-west-1{letter}"), *number)).collect();
        let recorded = Recorded { numbers, nat: BTreeSet::new() };
        let found = recorded.number("eu-west-1", &names(zones), room);
        names(zones).iter().map(|zone| found[zone]).collect()
    }

    #[test]
    fn a_zone_has_the_number_of_its_letter_whatever_the_others_are() {
        assert_eq!(numbers(&[], "abc", 10), [1, 2, 3]);
        assert_eq!(numbers(&[], "cab", 10), [3, 1, 2]);
        assert_eq!(numbers(&[], "bf", 10), [2, 6]);
    }

    #[test]
    fn a_zone_keeps_the_number_that_it_has_and_a_new_one_takes_a_free_one() {
        // us-west-1 once had a and c, numbered in their order.
        assert_eq!(numbers(&[("a", 1), ("c", 2)], "ac", 10), [1, 2]);
        // Its letter's number is taken by one that stays, or by one that goes.
        assert_eq!(numbers(&[("a", 1), ("c", 2)], "abc", 10), [1, 3, 2]);
        assert_eq!(numbers(&[("c", 1), ("a", 2)], "cb", 10), [1, 3]);
        assert_eq!(numbers(&[("a", 1), ("b", 2)], "bc", 10), [2, 3]);
    }

    #[test]
    fn where_there_is_no_room_beside_a_zone_that_goes_its_number_is_taken() {
        assert_eq!(numbers(&[("a", 1), ("b", 2)], "bf", 2), [2, 1]);
        assert_eq!(numbers(&[], "ef", 2), [1, 2]);
    }

    #[test]
    fn what_follows_the_region_is_what_a_zone_is_called() {
        assert_eq!(suffix("ap-southeast-1", "ap-southeast-1a"), "a");
        assert_eq!(suffix("us-west-2", "us-west-2-lax-1a"), "lax-1a");
    }
}
