//! Many cases, on several threads.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::case::{Case, Verdict};
use super::drawn::drawn;
use super::live::{Bases, ENVIRONMENTS};
use super::table::rows;

/// Every value of every key, in each environment.
#[must_use]
pub fn cases() -> Vec<Case> {
    let text = |settings: &[&str]| settings.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let mut all = Vec::new();
    for environment in ENVIRONMENTS {
        for row in rows().filter(|row| row.only.is_none_or(|only| only == environment)) {
            all.extend(row.values.iter().map(|value| Case {
                environment,
                key: row.key.to_owned(),
                born: text(row.born),
                from: text(row.from),
                settings: vec![row.settings(value)],
                dies: None,
                fails: text(row.fails),
                name: None,
            }));
        }
    }
    all
}

/// The case of a name; a drawn one by the seed.
#[must_use]
pub fn find(name: &str, seed: u64) -> Option<Case> {
    let number = name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
    let drawn = number.map(|number| drawn(seed, number + 1)).unwrap_or_default();
    cases().into_iter().chain(drawn).find(|case| case.to_string() == name)
}

/// Runs cases, on `jobs` threads, and tells of each when it is done.
pub fn run(cases: &[Case], bases: &Bases, jobs: usize, tell: impl FnMut(&Verdict) + Send) {
    let next = AtomicUsize::new(0);
    let tell = Mutex::new(tell);
    let jobs = jobs.clamp(1, cases.len().max(1));
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = case.run(bases);
                    tell.lock().unwrap_or_else(PoisonError::into_inner)(&verdict);
                }
            });
        }
    });
    debug_assert_eq!(cases.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), cases.len());
}
