//! Changes that are drawn: two keys at once, and five one after the other of which one is killed.

use super::case::Case;
use super::live::ENVIRONMENTS;
use super::run::cases;
use crate::draw::draw;

/// How many changes a sequence has.
const CHANGES: usize = 5;
/// At which call that changes something a process dies at the latest. Many changes take no more.
const CALLS: u64 = 6;

/// As many pairs, and as many sequences, as asked for, in turn of each environment.
#[must_use]
pub fn drawn(seed: u64, count: u64) -> Vec<Case> {
    let single: Vec<Case> = cases().into_iter().filter(|case| case.born.is_empty()).collect();
    let environment = |number: u64| ENVIRONMENTS[usize::try_from(number).unwrap_or(0) % ENVIRONMENTS.len()];
    let pick = |about: &str, environment: &str| {
        let of: Vec<&Case> = single.iter().filter(|case| case.environment == environment).collect();
        let at = draw(seed, about, of.len() as u64);
        of[usize::try_from(at).unwrap_or(0)]
    };
    // What a key needs to mean something is set together with it.
    let settings = |case: &Case| [&case.from[..], &case.settings[0]].concat();
    let case = |environment, name: String, all: &[&Case], settings, dies| Case {
        environment,
        key: name.split('-').next().unwrap_or_default().to_owned(),
        born: Vec::new(),
        from: Vec::new(),
        settings,
        dies,
        fails: all.iter().flat_map(|case| case.fails.clone()).collect(),
        name: Some(name),
    };
    let mut all = Vec::new();
    for number in 0..count {
        let here = environment(number);
        let two = [0, 1].map(|place| pick(&format!("pair {number} {place}"), here));
        let both = vec![[settings(two[0]), settings(two[1])].concat()];
        all.push(case(here, format!("pair-{number}"), &two, both, None));
        let five: Vec<&Case> =
            (0..CHANGES).map(|place| pick(&format!("five {number} {place}"), here)).collect();
        let dies = draw(seed, &format!("run {number}"), CHANGES as u64);
        let call = draw(seed, &format!("call {number}"), CALLS) + 1;
        let dies = Some((usize::try_from(dies).unwrap_or(0), call));
        let each = five.iter().map(|case| settings(case)).collect();
        all.push(case(here, format!("five-{number}"), &five, each, dies));
    }
    all
}
