//! The results as a document.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::case::{End, Leg, Verdict};
use super::table::rows;

/// How many of many are named.
const NAMED: usize = 4;
/// How much of a reason is shown.
const REASON: usize = 220;

/// What a run found, as Markdown; `all` is how many cases there are.
#[must_use]
pub fn document(verdicts: &[Verdict], all: usize, seed: u64, commit: &str) -> String {
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "\n## Results\n\nSeed {seed}, commit {commit}: `{COMMAND} --seed {seed}`.");
    let run = verdicts.len();
    let _ = match all.saturating_sub(run) {
        0 => writeln!(text, "All {run} cases.\n"),
        left => {
            writeln!(text, "{run} of {all} cases were run; {left} were not, and nothing is known of them.\n")
        }
    };
    counts(&mut text, verdicts);
    faults(&mut text, verdicts);
    text.push_str(TABLE);
    let mut by_key: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    verdicts.iter().for_each(|verdict| by_key.entry(&verdict.key).or_default().push(verdict));
    let keys: BTreeSet<&str> = rows().map(|row| row.key).collect();
    for key in keys {
        let reason = rows().find(|row| row.key == key).and_then(|row| row.fixed);
        match (reason, by_key.get(key)) {
            (Some(reason), _) => {
                let _ = writeln!(text, "| `{key}` | not changed on a live stack: {reason} | | | |");
            }
            (None, None) => {
                let _ = writeln!(text, "| `{key}` | not run | | | |");
            }
            (None, Some(verdicts)) => row(&mut text, key, verdicts),
        }
    }
    text
}

const COMMAND: &str = "cargo run --release -p reliability -- changes";

const HEAD: &str = "# Change anything

`crates/reliability` takes a live stack on the embedded AWS, with tasks that run an image of its repository, at AWS's own pace and
limits in virtual time, and changes every key of the configuration: there, back again, and then it destroys the stack. Once from
the defaults (`dev`), once from the hardened environment of `stack.toml` (`prod`).

```sh
cargo run --release -p reliability -- changes --results target/changes.jsonl --document docs/changes.md   # all; stopped, it goes on where it was
cargo run --release -p reliability -- changes --only prod/vpc.                                            # some
cargo run --release -p reliability -- changes --case 'dev/vpc.nat=single'                                 # one, and what happened
cargo test -p reliability                                                                                 # a sample
```

A case is **done** if one run was enough, the next preview is empty, nothing changed that the plan did not show (every live property
and every object in the account is compared), no check of `stack verify` fails that passed before, and `destroy` leaves nothing but
what its plan says. It is **refused** if the configuration or the plan was refused before any call that changes something.
A stack of which everything was only changed in place, and back again, is not destroyed: nothing is there that was not before.
It has **no effect** if the stack has the value already. Anything else is a **fault**. A way back that is refused is none.

Downtime is what a load balancer sees: after each call of the run it is looked whether an active load balancer has a
production rule with a healthy target behind it. The embedded AWS has no applications that could fail and no database connections
that could break.

Pairs set two drawn keys at once. Sequences of five make five drawn changes one after the other; the process of one of them is
killed after one of the first calls that change something, which is drawn, and the next one goes on. Where that change was refused,
or made fewer calls, nothing was killed. Which values of which key are tried stands in
`crates/reliability/src/changes/rows_*.rs`; a test fails when the schema has a key that is not there.
";

const TABLE: &str = "
## Key by key

Named are the addresses of what is replaced; where none is, all that changes is changed in place, added or taken away.

| key | what happens | downtime | data | refused |
|---|---|---|---|---|
";

fn counts(text: &mut String, verdicts: &[Verdict]) {
    text.push_str(
        "| cases | done | refused | no effect | faults | way back refused | killed on the way |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    let is_drawn = |verdict: &&Verdict| matches!(verdict.key.as_str(), "pair" | "five");
    let groups: [(&str, Vec<&Verdict>); 4] = [
        ("a key, from `dev`", verdicts.iter().filter(|v| !is_drawn(v) && v.environment == "dev").collect()),
        ("a key, from `prod`", verdicts.iter().filter(|v| !is_drawn(v) && v.environment == "prod").collect()),
        ("pairs", verdicts.iter().filter(|v| v.key == "pair").collect()),
        ("sequences of five, with a kill", verdicts.iter().filter(|v| v.key == "five").collect()),
    ];
    for (name, group) in groups {
        let count = |end: End| group.iter().filter(|verdict| verdict.end() == end).count();
        let stuck =
            group.iter().filter(|v| v.back.as_ref().is_some_and(|back| back.end == End::Refused)).count();
        let killed = group.iter().filter(|v| v.there.iter().any(|leg| leg.died)).count();
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {stuck} | {killed} |",
            count(End::Done),
            count(End::Refused),
            count(End::Same),
            count(End::Fault)
        );
    }
}

fn faults(text: &mut String, verdicts: &[Verdict]) {
    let wrong: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.end() == End::Fault).collect();
    text.push_str("\n## Known faults\n\n");
    if wrong.is_empty() {
        text.push_str("None.\n");
    }
    for verdict in wrong {
        let all: Vec<String> = verdict.faults().collect();
        let first = all.first().map_or("", String::as_str);
        let _ = write!(text, "- `{}`: {}", verdict.case, cell(first));
        let _ = match all.len() {
            0 | 1 => writeln!(text),
            more => writeln!(text, " (and {} more)", more - 1),
        };
    }
}

fn row(text: &mut String, key: &str, verdicts: &[&Verdict]) {
    let legs = || {
        let legs =
            |verdict: &&Verdict| verdict.there.iter().chain(&verdict.back).cloned().collect::<Vec<Leg>>();
        verdicts.iter().flat_map(legs)
    };
    let done: Vec<Leg> = legs().filter(|leg| leg.end == End::Done).collect();
    let replaced: BTreeSet<String> = done.iter().flat_map(|leg| leg.replaced.clone()).collect();
    let what = match (done.is_empty(), replaced.is_empty()) {
        (true, _) => String::new(),
        (false, true) => "in place".to_owned(),
        (false, false) => format!("replaced: {}", some(&replaced)),
    };
    let mut down = BTreeMap::new();
    for verdict in verdicts {
        for leg in verdict.there.iter().chain(&verdict.back) {
            if let Some((seconds, after)) = &leg.down {
                let longest = down.entry(&verdict.environment).or_insert((0, after.clone()));
                if *seconds >= longest.0 {
                    *longest = (*seconds, after.clone());
                }
            }
        }
    }
    let down = match (done.is_empty(), down.is_empty()) {
        (true, true) => String::new(),
        (false, true) => "no".to_owned(),
        (_, false) => {
            let each: Vec<String> = down
                .iter()
                .map(|(environment, (seconds, after))| format!("{environment}: {seconds} s from {after}"))
                .collect();
            format!("**yes**, {}", each.join("; "))
        }
    };
    let lost: BTreeSet<String> = done.iter().flat_map(|leg| leg.lost.clone()).collect();
    let data = match (done.is_empty(), lost.is_empty()) {
        (true, _) => String::new(),
        (false, true) => "kept".to_owned(),
        (false, false) => format!("lost, and the plan says so: {}", some(&lost)),
    };
    let mut reasons: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for verdict in verdicts {
        let back = verdict.back.iter().map(|leg| (true, leg));
        for (is_back, leg) in verdict.there.iter().map(|leg| (false, leg)).chain(back) {
            if leg.end == End::Refused {
                let name = format!("{}`{}`", if is_back { "back from " } else { "" }, verdict.case);
                reasons.entry(leg.refused.clone()).or_default().insert(name);
            }
        }
    }
    let reasons: Vec<String> =
        reasons.iter().map(|(reason, cases)| format!("{}: {}", some(cases), cell(reason))).collect();
    let _ = writeln!(text, "| `{key}` | {what} | {down} | {data} | {} |", reasons.join("<br>"));
}

/// The first ones, and how many more there are.
fn some(all: &BTreeSet<String>) -> String {
    let named: Vec<String> = all.iter().take(NAMED).map(|one| cell(one)).collect();
    match all.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// A text as a cell of a table has it.
fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|").replace('\n', " ");
    match text.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
