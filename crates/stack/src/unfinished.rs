//! With which configuration a run was begun that did not finish, so that nobody finishes it with another one by mistake: a flag
//! that is left out may stop what runs.
//!
//! The file is beside the state on this machine, like [`made_with`](crate::made_with), and holds a digest of each value. It is
//! written before the first call, and removed once a run has finished.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::output::{Lines, Style};
use crate::plans::file::configuration;
use crate::run::Work;

/// The file with the digests, in the state directory of the environment.
const NOTE: &str = "unfinished";
/// No configuration comes near this.
const LONGEST: u64 = 1 << 20;
/// So many keys are named; others are counted.
const NAMED: usize = 8;

impl Work {
    fn unfinished_path(&self) -> PathBuf {
        self.local(&self.environment).join(NOTE)
    }

    /// Keeps the configuration of a run that begins. Only a help: a run does not fail for it.
    pub(crate) fn note_begun(&self) {
        if let Ok(text) = serde_json::to_vec(&configuration(&self.loaded)) {
            let _ = files::replace(&self.unfinished_path(), &text);
        }
    }

    /// A run has finished.
    pub(crate) fn note_finished(&self) {
        let _ = files::remove(&self.unfinished_path());
    }

    /// The keys that have other values than in the last run, if that did not finish.
    fn changed_since_unfinished(&self) -> Vec<String> {
        let noted = files::read(&self.unfinished_path(), LONGEST).ok().flatten();
        let then: Option<BTreeMap<String, String>> =
            noted.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        then.map(|then| differing(&then, &configuration(&self.loaded))).unwrap_or_default()
    }

    /// Warns of a configuration that is not the one of the run that would be resumed.
    pub(crate) fn remark_unfinished(&self) -> Lines {
        let mut lines = Lines::new();
        let changed = self.changed_since_unfinished();
        if changed.is_empty() {
            return lines;
        }
        let more = match changed.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named: Vec<&str> = changed.iter().take(NAMED).map(String::as_str).collect();
        let text = format!(
            "WARNING: the last run of {} did not finish, and had other values of {}{more}",
            self.environment,
            named.join(", ")
        );
        lines.add("  ").styled(Style::Loud, text).end();
        lines.line(
            "    to finish it as it was begun, give its --set, --region and STACK_ variables again; otherwise look at what changes",
        );
        lines
    }
}

/// The keys whose digests differ, or that only one of both has.
fn differing(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let changed = now.iter().filter(|(key, value)| then.get(*key) != Some(*value)).map(|(key, _)| key);
    let gone = then.keys().filter(|key| !now.contains_key(*key));
    let mut keys: Vec<String> = changed.chain(gone).cloned().collect();
    keys.sort_unstable();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_changed_came_or_went_are_named_in_order() {
        let table = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let (then, now) =
            (table(&[("a", "1"), ("b", "1"), ("d", "1")]), table(&[("a", "1"), ("b", "2"), ("c", "1")]));
        assert_eq!(differing(&then, &now), ["b", "c", "d"]);
        assert!(differing(&then, &then).is_empty());
    }
}
