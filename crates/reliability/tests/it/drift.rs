//! A sample of what `cargo run --release -p reliability --bin drift` runs in full.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use reliability::drift::{Base, EXCEPTIONS, UNTOUCHED, changes, deeds};

/// Every how many generated changes one is run here.
const EVERY: usize = 40;

/// One stack for all tests: each works on copies of it.
fn base() -> &'static Base {
    static BASE: LazyLock<Base> = LazyLock::new(|| Base::deployed().unwrap());
    &BASE
}

#[test]
fn what_somebody_does_is_seen_repaired_and_failed_as_the_table_says() {
    let base = base();
    assert_eq!(base.failures, BTreeSet::new(), "before anybody has done anything");
    let mut wrong = Vec::new();
    // The others run with the rest of the matrix.
    for deed in deeds().step_by(2) {
        let seen = base.after(async |hand| (deed.act)(hand).await);
        if !deed.is_as_expected(&seen) {
            wrong.push(format!("{deed:?}: {seen:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn another_value_is_seen_and_repaired() {
    let base = base();
    let all = changes(base);
    let is_exception = |kind: &str, property: &str| {
        EXCEPTIONS.iter().any(|(other, name, _)| *other == kind && *name == property)
    };
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for change in all.iter().step_by(EVERY).filter(|one| !is_exception(&one.kind, &one.property)) {
        let seen = change.run(base);
        tried += usize::from(seen.refused.is_none());
        if seen.refused.is_none() && !seen.is_repaired() {
            wrong.push(format!("{change:?}: {seen:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > all.len() / EVERY / 2, "{tried} of {}", all.len() / EVERY);
}

#[test]
fn every_kind_has_an_entry() {
    let base = base();
    let mut without: BTreeSet<&str> = Base::all_kinds().into_iter().collect();
    let changes = changes(base);
    for change in &changes {
        without.remove(change.kind.as_str());
    }
    for deed in deeds() {
        without.remove(deed.kind);
    }
    let reasons: BTreeSet<&str> = UNTOUCHED.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(without, reasons, "kinds without an entry, and those of which it is said why");
}
