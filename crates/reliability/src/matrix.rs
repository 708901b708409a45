//! Many cases on several threads, and the table of what became of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::case::{Case, Verdict};
use crate::draw::draw;
use crate::scenario::{Scenario, Stage};

/// How many cases are run at once.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Threads.
    pub jobs: usize,
}

/// What became of all cases of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// How many came about.
    pub cases: usize,
    /// How many ended as if nothing had gone wrong.
    pub converged: usize,
    /// Objects that nobody knows of, over all cases.
    pub orphans: usize,
    /// Objects that were there twice, over all cases.
    pub duplicates: usize,
    /// Cases in which the same command, run again, was not enough.
    pub human: usize,
    /// Cases in which it was run again more than once.
    pub more_than_once: usize,
}

/// What became of all cases, by scenario and by what went wrong.
#[derive(Clone, Debug, Default)]
pub struct Results {
    rows: BTreeMap<(Scenario, &'static str), Row>,
}

impl Results {
    /// Adds a case.
    pub fn add(&mut self, verdict: &Verdict) {
        if !verdict.possible {
            return;
        }
        let row = self.rows.entry((verdict.case.scenario, verdict.case.harm.class())).or_default();
        row.cases += 1;
        row.converged += usize::from(verdict.converged());
        row.orphans += verdict.findings.orphans.len();
        row.duplicates += verdict.findings.duplicates.len();
        row.human += usize::from(verdict.human);
        row.more_than_once += usize::from(verdict.again > 1);
    }

    /// The sum of all rows.
    #[must_use]
    pub fn total(&self) -> Row {
        self.rows.values().fold(Row::default(), |sum, row| Row {
            cases: sum.cases + row.cases,
            converged: sum.converged + row.converged,
            orphans: sum.orphans + row.orphans,
            duplicates: sum.duplicates + row.duplicates,
            human: sum.human + row.human,
            more_than_once: sum.more_than_once + row.more_than_once,
        })
    }

    /// The table, in Markdown.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| scenario | what goes wrong | cases | converged | orphans | duplicates | human steps | more than one restart |\n\
             |---|---|--:|--:|--:|--:|--:|--:|\n",
        );
        let mut line = |scenario: &str, what: &str, row: &Row| {
            let Row { cases, converged, orphans, duplicates, human, more_than_once } = row;
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "| {scenario} | {what} | {cases} | {converged} | {orphans} | {duplicates} | {human} | {more_than_once} |"
            );
        };
        for ((scenario, what), row) in &self.rows {
            line(scenario.name(), what, row);
        }
        line("**all**", "", &self.total());
        text
    }
}

/// Some of the cases, the same ones for the same seed, of each kind as near as can be the same number.
#[must_use]
pub fn sample(cases: &[Case], seed: u64, number: usize) -> Vec<Case> {
    let mut classes: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for case in cases {
        classes.entry(case.harm.class()).or_default().push(*case);
    }
    for class in classes.values_mut() {
        class.sort_by_key(|case| draw(seed, &case.to_string(), u64::MAX));
    }
    let mut chosen = BTreeSet::new();
    for round in 0.. {
        let before = chosen.len();
        for case in classes.values().filter_map(|class| class.get(round)) {
            if chosen.len() < number {
                chosen.insert(*case);
            }
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen.into_iter().collect()
}

/// Runs cases of one stage. `tell` hears of each, in the order in which they end.
pub fn run(stage: &Stage, cases: &[Case], options: Options, tell: impl FnMut(&Verdict) + Send) {
    let (next, tell) = (AtomicUsize::new(0), Mutex::new(tell));
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = case.run(stage);
                    let mut tell = tell.lock().unwrap_or_else(PoisonError::into_inner);
                    (*tell)(&verdict);
                }
            });
        }
    });
}
