//! What came along with a part of a plan, and what was left out: for people, and as data.

use engine::{Narrowed, Note, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::chosen::Asked;
use crate::output::Lines;
use crate::plans::document::Running;
use crate::render::some_of;

/// So many are named; more are counted.
const NAMED: usize = 12;

/// So many tiers are named.
const TIERS: usize = 8;

/// Which part of all there is to do was asked for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelectionTold {
    /// What was asked for.
    pub(crate) asked: Asked,
    /// The changes that nobody asked for, and come along.
    pub(crate) also: Vec<AlsoTold>,
    /// The resources of which something is left to do.
    pub(crate) left_out: Vec<LeftOutTold>,
}

/// A change that comes along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlsoTold {
    /// The resource.
    pub(crate) address: String,
    /// The resource that cannot be done without it.
    pub(crate) because: String,
    /// Why, in a sentence.
    pub(crate) text: String,
}

/// A resource that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeftOutTold {
    /// The resource.
    pub(crate) address: String,
    /// How many changes there are; more than one where an object that was replaced before is to be deleted.
    pub(crate) changes: usize,
    /// The resource without which it cannot be done; `null` where it was not asked for.
    pub(crate) because: Option<String>,
    /// Why, in a sentence.
    pub(crate) text: Option<String>,
}

/// What the run before left out, as far as it is still to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeforeTold {
    /// The command: `up --exclude database`.
    pub(crate) run: String,
    /// The resources.
    pub(crate) addresses: Vec<String>,
}

impl SelectionTold {
    /// `None` where everything was asked for.
    pub(crate) fn of(plan: &Plan, asked: &Asked) -> Option<Self> {
        let narrowed = plan.narrowed();
        let also = narrowed.also().iter().map(|link| AlsoTold {
            address: link.to.to_string(),
            because: link.from.to_string(),
            text: link.brings(),
        });
        let left_out = narrowed.left_out().iter().map(|left| LeftOutTold {
            address: left.address.to_string(),
            changes: left.changes,
            because: left.because.as_ref().map(|link| link.to.to_string()),
            text: left.because.as_ref().map(engine::Link::holds),
        });
        (!asked.is_everything()).then(|| Self {
            asked: asked.clone(),
            also: also.collect(),
            left_out: left_out.collect(),
        })
    }
}

impl BeforeTold {
    /// `None` where nothing was left out, or by another command, so that it says nothing of this plan.
    pub(crate) fn of(plan: &Plan, running: Running) -> Option<Self> {
        let before = plan.narrowed().before()?;
        let is_same = before.run.split(' ').next() == Some(running.name());
        let addresses = || before.addresses.iter().map(ToString::to_string).collect();
        is_same.then(|| Self { run: before.run.clone(), addresses: addresses() })
    }

    /// `the run before (up --exclude database) left out database: 3 resources are still to be done`.
    pub(crate) fn line(&self) -> String {
        let count = self.addresses.len();
        let resources = if count == 1 { "resource is" } else { "resources are" };
        let tiers = tiers(self.addresses.iter().map(String::as_str));
        format!("the run before ({}) left out {tiers}: {count} {resources} still to be done", self.run)
    }
}

/// The tiers of addresses, each once.
fn tiers<'a>(addresses: impl Iterator<Item = &'a str>) -> String {
    let mut tiers: Vec<&str> = Vec::new();
    for tier in addresses.map(|address| address.split('/').next().unwrap_or_default()) {
        if !tiers.contains(&tier) {
            tiers.push(tier);
        }
    }
    some_of(&tiers, TIERS)
}

/// A line for each change that comes along, for each that is left out though nobody asked for that, and for each that is not made
/// a second time.
pub(crate) fn explained(plan: &Plan, asked: &Asked, details: bool) -> Lines {
    let narrowed = plan.narrowed();
    let also = narrowed.also().iter().map(|link| format!("{}, because {}", link.to, link.brings()));
    let left = narrowed
        .left_out()
        .iter()
        .filter_map(|left| Some(format!("{}, because {}", left.address, left.because.as_ref()?.holds())));
    let mut lines = Lines::new();
    listed(&mut lines, "also", also.collect(), details);
    listed(&mut lines, "left out too", left.collect(), details);
    let is_begun = |address: &&String| {
        plan.steps().iter().any(|step| step.note == Some(Note::Deposed) && step.address.as_str() == **address)
    };
    for address in asked.replace.iter().filter(is_begun) {
        lines.line(format!("  {address} was replaced by an earlier run, which this one finishes; it is not replaced once more"));
    }
    lines
}

fn listed(lines: &mut Lines, what: &str, all: Vec<String>, details: bool) {
    let shown = if details || all.len() <= NAMED + 1 { all.len() } else { NAMED };
    for one in &all[..shown] {
        lines.line(format!("  {what}: {one}"));
    }
    if all.len() > shown {
        lines.line(format!("  {what}: {} more, which `preview --details` names", all.len() - shown));
    }
}

/// `left out: 12 changes in database, alb (--exclude database)`; nothing where nothing is.
pub(crate) fn left_out(narrowed: &Narrowed, asked: &Asked) -> Option<String> {
    let all = narrowed.left_out();
    let count: usize = all.iter().map(|left| left.changes).sum();
    let changes = if count == 1 { "change" } else { "changes" };
    let tiers = tiers(all.iter().map(|left| left.address.as_str()));
    let flags = Asked { replace: Vec::new(), ..asked.clone() }.flags();
    (count > 0).then(|| format!("left out: {count} {changes} in {tiers} ({})", flags.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_named_once_in_their_order_and_many_are_counted() {
        assert_eq!(tiers(["b/x", "a/y", "b/z"].into_iter()), "b, a");
        let many: Vec<String> = (0..12).map(|at| format!("t{at}/x")).collect();
        assert!(tiers(many.iter().map(String::as_str)).ends_with("t7 and 4 more"));
    }

    #[test]
    fn what_is_listed_is_named_up_to_a_dozen_unless_details_are_wanted() {
        let all = || (0..15).map(|at| format!("t/{at}, because")).collect::<Vec<_>>();
        let count = |details| {
            let mut lines = Lines::new();
            listed(&mut lines, "also", all(), details);
            (lines.plain().lines().count(), lines.plain().contains("also: 3 more, which"))
        };
        assert_eq!((count(false), count(true)), ((13, true), (15, false)));
    }
}
