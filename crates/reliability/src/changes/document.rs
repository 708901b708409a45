//! The results as a document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::case::{End, Leg, Verdict};
use super::table::rows;

/// What a run of everything found, as Markdown.
#[must_use]
pub fn document(verdicts: &[Verdict], seed: u64, commit: &str) -> String {
    let _ = (verdicts, seed, commit);
    String::new()
}

#[expect(dead_code, reason = "written next")]
fn unused(_: &Leg, _: BTreeMap<u8, u8>, end: End) {
    let mut text = String::new();
    let _ = write!(text, "{end:?}{}", rows().count());
}
