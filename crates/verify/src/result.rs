//! What came of a check, and of all of them.

use std::fmt;

use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Serialize};

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where: the address of a resource, the name of an output, or a URL.
    #[serde(rename = "where")]
    pub place: String,
    /// What should be there, in words.
    pub expected: String,
    /// What is there, in words.
    pub found: String,
    /// Whether AWS refuses to show it to whoever looks: what is there is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
    /// Whether the resource has disappeared: what is there is nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

/// Groups of checks whose sentences are about what is there: of what has disappeared, they are not true and not untrue.
const OF_WHAT_IS_THERE: [&str; 3] = ["access", "encryption", "https"];

impl Finding {
    /// A finding: where, what should be there, and what is there. A text that has a secret in it is not shown.
    pub fn new(place: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let shown = |text: String| secrets::shown(&text).into_owned();
        Self {
            place: shown(place.into()),
            expected: shown(expected.into()),
            found: shown(found.into()),
            denied: false,
            missing: false,
        }
    }

    /// One about something that this identity may not read, so that what is there is not known.
    #[must_use]
    pub fn denied(self) -> Self {
        Self { denied: true, ..self }
    }

    /// One about a resource that has disappeared.
    #[must_use]
    pub fn missing(self) -> Self {
        Self { missing: true, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}; found {}", self.place, self.expected, self.found)
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that it looked at is as it should be.
    Passed,
    /// Something is not.
    Failed {
        /// What; never empty.
        findings: Vec<Finding>,
        /// What to do about it.
        advice: &'static str,
    },
    /// There was nothing to look at, or no way to do so.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// A check, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its id, such as `outputs/vpc-id`: a group, and a name in it. It stays the same from version to version.
    pub id: &'static str,
    /// What it verifies: a sentence that is true where the check passes.
    pub verifies: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

impl Check {
    /// The first part of the id.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(group, _)| group)
    }

    /// What a failed check says of the sentence that it verifies; nothing, if it did not fail.
    #[must_use]
    pub fn refuted(&self) -> Option<String> {
        let Outcome::Failed { findings, .. } = &self.outcome else { return None };
        let of_what_is_there = OF_WHAT_IS_THERE.contains(&self.group());
        let unknown = |finding: &Finding| finding.denied || (of_what_is_there && finding.missing);
        let start = if findings.iter().all(unknown) { "not known" } else { "not so" };
        Some(format!("{start}: {}", self.verifies))
    }
}

/// Whether nothing was found but that whoever looks may not.
fn are_denied(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.denied)
}

/// Whether nothing was found but that resources have disappeared.
fn are_missing(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.missing)
}

impl Serialize for Check {
    /// `id`, `verifies`, `result` (`passed`, `failed` or `skipped`), and what goes with the result: `findings` and `advice`,
    /// or `reason`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Check", 5)?;
        object.serialize_field("id", self.id)?;
        object.serialize_field("verifies", self.verifies)?;
        match &self.outcome {
            Outcome::Passed => object.serialize_field("result", "passed")?,
            Outcome::Failed { findings, advice } => {
                object.serialize_field("result", "failed")?;
                object.serialize_field("findings", findings)?;
                object.serialize_field("advice", advice)?;
            }
            Outcome::Skipped { reason } => {
                object.serialize_field("result", "skipped")?;
                object.serialize_field("reason", reason)?;
            }
        }
        object.end()
    }
}

/// All checks, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All is well.
    pub passed: usize,
    /// Something is not.
    pub failed: usize,
    /// Not looked at.
    pub skipped: usize,
}

impl Report {
    /// How many checks ended how.
    #[must_use]
    pub fn counts(&self) -> Counts {
        count(&self.checks)
    }

    /// Without findings about what nobody can judge now, such as what a run has in hand. A check of which nothing else is left is
    /// skipped, for this reason.
    #[must_use]
    pub fn without(mut self, is_left_out: impl Fn(&Check, &Finding) -> bool, reason: &str) -> Self {
        for check in &mut self.checks {
            let Outcome::Failed { findings, advice } = &check.outcome else { continue };
            let left: Vec<Finding> =
                findings.iter().filter(|finding| !is_left_out(check, finding)).cloned().collect();
            check.outcome = match left.is_empty() {
                true => Outcome::Skipped { reason: reason.to_owned() },
                false => Outcome::Failed { findings: left, advice },
            };
        }
        self
    }

    /// Whether no check failed. Skipped ones are no failure.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.counts().failed == 0
    }
}

/// How many of these checks ended how.
pub(crate) fn count<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Counts {
    let mut counts = Counts::default();
    for check in checks {
        *match check.outcome {
            Outcome::Passed => &mut counts.passed,
            Outcome::Failed { .. } => &mut counts.failed,
            Outcome::Skipped { .. } => &mut counts.skipped,
        } += 1;
    }
    counts
}

const GONE: &str =
    "it has disappeared: `refresh` shows what else has; read `preview` before `up` creates it again";
const ALLOW: &str =
    "allow this identity the call that AWS refused, or use one that may read all of it, and verify again";

/// What was found, before it is known which check asked. [`Verdict::of`] makes a check of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What is wrong; nothing, if it is empty.
    Judged(Vec<Finding>),
    /// Why nothing was judged.
    Skipped(String),
}

impl Verdict {
    /// Nothing was judged, for this reason.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    /// This verdict and another one of the same check: what both found. Skipped only if both are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Judged(mut findings), Self::Judged(more)) => {
                findings.extend(more);
                Self::Judged(findings)
            }
            (judged @ Self::Judged(_), Self::Skipped(_)) | (Self::Skipped(_), judged @ Self::Judged(_)) => {
                judged
            }
            (skipped @ Self::Skipped(_), Self::Skipped(_)) => skipped,
        }
    }

    /// The check that asked, with this answer: its id (a group, a slash, and a name in it), a sentence that is true where the check
    /// passes, and what to do where it fails. Where all that was found is that this identity may not look, the advice is to allow
    /// it that; where it is that what should have a property has disappeared, the advice is about that.
    #[must_use]
    pub fn of(self, id: &'static str, verifies: &'static str, advice: &'static str) -> Check {
        let outcome = match self {
            Self::Judged(findings) if findings.is_empty() => Outcome::Passed,
            Self::Judged(findings) => {
                let advice = match id.split_once('/') {
                    _ if are_denied(&findings) => ALLOW,
                    // What to do about a property does not help where there is no object.
                    Some((group, _)) if OF_WHAT_IS_THERE.contains(&group) && are_missing(&findings) => GONE,
                    _ => advice,
                };
                Outcome::Failed { findings, advice }
            }
            Self::Skipped(reason) => Outcome::Skipped { reason },
        };
        Check { id, verifies, outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_judge_is_left_out_and_what_is_left_still_fails() {
        let check = |places: &[&str]| {
            let findings = places.iter().map(|place| Finding::new(*place, "a", "b")).collect();
            Verdict::Judged(findings).of("a/b", "it is so", "mend it")
        };
        let report = Report { checks: vec![check(&["t/a", "t/b"]), check(&["t/a"]), check(&[])] };
        let left = report.without(|_, finding| finding.place == "t/a", "a run is under way");
        let Outcome::Failed { findings, .. } = &left.checks[0].outcome else { panic!("{left:?}") };
        assert_eq!(findings.iter().map(|it| it.place.as_str()).collect::<Vec<_>>(), ["t/b"]);
        assert_eq!(left.checks[1].outcome, Outcome::Skipped { reason: "a run is under way".to_owned() });
        assert_eq!(left.checks[2].outcome, Outcome::Passed);
    }

    #[test]
    fn a_text_with_a_secret_in_it_is_not_shown() {
        // Put together here, so that nobody takes the source for a leak.
        let secret = format!("AKIA{}", "A7".repeat(8));
        let shown = Finding::new("t/a", "a tag", format!("the tag is {secret}")).to_string();
        assert_eq!(shown, "t/a: expected a tag; found (secret)");
    }

    #[test]
    fn advice_on_a_property_is_left_out_where_there_is_no_object() {
        let advice = |findings: Vec<Finding>, id| {
            let check = Verdict::Judged(findings).of(id, "storage is encrypted", "encrypt it");
            let Outcome::Failed { advice, .. } = check.outcome else { panic!("{check:?}") };
            advice
        };
        let found = || Finding::new("database/cluster", "StorageEncrypted: true", "false");
        let gone = || Finding::new("database/cluster", "StorageEncrypted: true", "nothing").missing();
        assert_eq!(advice(vec![gone(), gone()], "encryption/database"), GONE);
        assert_eq!(advice(vec![gone(), found()], "encryption/database"), "encrypt it");
        assert_eq!(advice(vec![gone()], "completeness/resources"), "encrypt it");
    }
}
